"""`python -m tests.faults [RUNS] [KILLS] [SEED]` (make faults): campaigns under fire, one after the other."""

import os
import sys
import tempfile
from pathlib import Path

from tests.servers import DATABASE, Servers

DOSSIERS = 60


def main(runs: int = 30, kills: int = 10, seed: int = 1) -> None:
    servers = Servers()
    servers.start()
    try:
        os.environ |= servers.environment() | {"DJANGO_SETTINGS_MODULE": "portal.settings.test"}
        _under_fire(servers, runs, kills, seed)
    finally:
        servers.stop()


def _under_fire(servers: Servers, runs: int, kills: int, seed: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from tests.faults.campaign import Campaign, Outcome

    call_command("migrate", verbosity=0)
    total = Outcome()
    with tempfile.TemporaryDirectory(prefix="psj-faults-", ignore_cleanup_errors=True) as folder:
        for run in range(runs):
            call_command("flush", verbosity=0, interactive=False)
            campaign = Campaign(Path(folder, str(run)), servers.environment(DATABASE), seed + run)
            outcome = campaign.run(DOSSIERS, kills)
            total += outcome
            print(f"run {run + 1}, seed {seed + run}: {outcome}", flush=True)
    print(f"runs={runs} {total}")
    sys.exit(bool(total.lost or total.unexplained))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
