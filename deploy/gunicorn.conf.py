"""The web server's settings, the same in the demo, in production and in the speed measurements."""

import gc
import os

from gunicorn.glogging import Logger

from portal.logs import SecretsFilter


class DiscreetLogger(Logger):
    """Some addresses are keys: neither the access log nor the error log keeps them."""

    def setup(self, cfg):
        super().setup(cfg)
        for log in (self.access_log, self.error_log):
            log.filters = [SecretsFilter()]


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
