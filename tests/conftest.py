"""What every test may use. The servers start before Django reads its settings; nothing is simulated."""

import os
import time

import pytest
import redis

from tests.servers import MailSink, S3Server, Servers, worker

pytest_plugins = ["tests.browser"]

SERVERS = pytest.StashKey[Servers]()


def pytest_configure(config: pytest.Config) -> None:
    if config.option.help or config.option.version:
        return
    if config.option.numprocesses and not hasattr(config, "workerinput"):
        os.environ.pop("DJANGO_SETTINGS_MODULE", None)  # a default of Celery's module, not to be handed down
        return  # it hands out the tests; each process that runs them has servers of its own
    servers = Servers()
    config.add_cleanup(servers.stop)
    servers.start()
    config.stash[SERVERS] = servers
    os.environ |= servers.environment()
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings.test"
    os.environ["DJANGO_LIVE_TEST_SERVER_ADDRESS"] = f"127.0.0.1:{servers.live_port}"

    import django

    django.setup()


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Servers:
    return pytestconfig.stash[SERVERS]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """PostgreSQL may still be closing the sessions of killed processes when the database is to be dropped."""
    yield
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for _ in range(100):
            cursor.execute(
                "SELECT pid, state, backend_start, state_change, application_name, query FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid != pg_backend_pid() AND backend_type = 'client backend'"
            )
            if not (left := cursor.fetchall()):
                return
            time.sleep(0.1)
    pytest.fail(f"Sessions left open by a test: {left}")


@pytest.fixture
def smtp_sink(servers: Servers, settings) -> MailSink:
    """Mail goes through the real SMTP server (Django's test runner would keep it in memory); emptied for each test."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    servers.mail.clear()
    return servers.mail


@pytest.fixture(scope="session")
def s3_server(servers: Servers) -> S3Server:
    return servers.s3


@pytest.fixture
def hr(client, db):
    """An agent of an institution, signed in."""
    from tests.factories import MembershipFactory

    membership = MembershipFactory()
    client.force_login(membership.user)
    return membership


@pytest.fixture
def live_portal(live_server) -> str:
    """The address of the portal as a browser sees it, the one that links in mails have too."""
    return live_server.url


@pytest.fixture
def celery_worker_process(servers: Servers, transactional_db, smtp_sink):
    """A real worker on the tests' database, with an empty queue; stopped before the database is emptied."""
    from django.db import connection

    with redis.Redis.from_url(servers.redis.url) as queue:
        queue.flushdb()
    process = worker(servers, connection.settings_dict["NAME"])
    process.start()
    try:
        process.wait_until(lambda: " ready." in process.log.read_text(errors="replace"))
        yield process
    finally:
        process.stop(timeout=20)
