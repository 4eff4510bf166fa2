"""Runs a command that stops when the process that asked for it goes, even when that one is killed outright.

A script, never imported: `python tether.py SIGNAL PARENT_PID USER COMMAND…` (USER "-": stay who we are).
Linux forgets the request when a process changes user, hence the order: first the user, then the request, then the
command. It watches the *thread* that started us: start children from the main thread only.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    signal_number, parent_pid, user, *command = sys.argv[1:]
    if user != "-":
        account = pwd.getpwnam(user)
        os.chdir("/")
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != int(parent_pid):  # gone before we could ask
        sys.exit("le processus parent s’est arrêté")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
