"""The web server's settings, the same in the demo, in production and in the speed measurements."""

import gc
import os
import re

from gunicorn.glogging import Logger

SIGNATORY_LINK = re.compile(r"/avis/[^/\s?]+")


class DiscreetLogger(Logger):
    """The address of a signatory's page is the key to it: the access log does not keep it."""

    def atoms(self, resp, req, environ, request_time):
        atoms = super().atoms(resp, req, environ, request_time)
        for name in ("r", "U", "f"):
            atoms[name] = SIGNATORY_LINK.sub("/avis/***", atoms[name] or "-")
        return atoms


logger_class = DiscreetLogger

workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = int(os.environ.get("WEB_THREADS", "4"))
timeout = 60
graceful_timeout = int(os.environ.get("WEB_GRACEFUL_TIMEOUT", "30"))
keepalive = 5
max_requests = int(os.environ.get("WEB_MAX_REQUESTS", "0"))
max_requests_jitter = max_requests // 10
preload_app = True
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
accesslog = os.environ.get("WEB_ACCESS_LOG", "-") or None
control_socket_disable = True


def when_ready(server):
    """What the code loaded is shared by all workers and never collected: it stays out of every collection."""
    gc.collect()
    gc.freeze()


def post_fork(server, worker):
    gc.set_threshold(50_000, 20, 50)
