"""The files of production fit each other, the settings and the documentation. No container engine is needed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from allauth.core.internal.ratelimit import get_ip

from portal import logs

CHECKOUT = Path(__file__).resolve().parents[1]
READERS = ("portal/settings/*.py", "portal/embedded/*.py", "deploy/*.py", "tests/browser.py")
READ = re.compile(r"""(?:env(?:\.\w+)?\(|environ(?:\.get)?[\[(])\s*["']([A-Z][A-Z0-9_]+)["']""")
INTERPOLATED = re.compile(r"(?<!\$)\$\{([A-Z0-9_]+)")
OF_DJANGO = {"DJANGO_SETTINGS_MODULE", "DJANGO_ALLOW_ASYNC_UNSAFE"}


def text(name: str) -> str:
    return (CHECKOUT / name).read_text()


def compose() -> dict:
    return yaml.safe_load(text("docker-compose.yml"))


def read_by_the_code() -> set[str]:
    sources = "".join(path.read_text() for pattern in READERS for path in CHECKOUT.glob(pattern))
    return set(READ.findall(sources)) - OF_DJANGO


def read_by_compose() -> set[str]:
    return set(INTERPOLATED.findall(text("docker-compose.yml")))


def documented() -> set[str]:
    return set(re.findall(r"^\| `([A-Z0-9_]+)` \|", text("docs/settings.md"), re.MULTILINE))


def in_the_example() -> set[str]:
    return set(re.findall(r"^([A-Z0-9_]+)=", text("deploy/env.example"), re.MULTILINE))


def test_every_variable_is_documented_and_every_documented_one_is_read():
    assert documented() == read_by_the_code() | read_by_compose()


def test_the_example_has_what_compose_needs_and_nothing_unknown():
    assert read_by_compose() <= in_the_example() <= documented()


def test_every_service_is_there_and_one_scheduler():
    services = compose()["services"]
    always = {name for name, service in services.items() if "profiles" not in service}
    assert always == {"proxy", "web", "worker", "beat", "migrate", "bucket", "database", "redis", "cache", "storage"}
    assert set(services) - always == {"antivirus"}
    assert services["database"]["image"] == "postgres:18"
    assert services["beat"]["deploy"]["replicas"] == 1


def test_what_fills_the_cache_takes_nothing_from_the_queue():
    services = compose()["services"]
    addresses = dict(re.findall(r"^(REDIS_URL|CACHE_URL)=(.+)$", text("deploy/env.example"), re.MULTILINE))
    queue, kept = (urlsplit(addresses[name]).hostname for name in ("REDIS_URL", "CACHE_URL"))
    assert queue != kept
    assert {"--maxmemory", "allkeys-lru"} <= set(services[kept]["command"])
    assert not {"--maxmemory", "allkeys-lru"} & set(services[queue]["command"])
    assert production(REDIS_URL="redis://:secret@queue:6379/0")["CACHE_URL"] == "redis://:secret@queue:6379/1"
    assert production(CACHE_URL="redis://kept:6379/0")["CACHE_URL"] == "redis://kept:6379/0"


def test_only_the_proxy_is_reachable_from_outside():
    published = {name for name, service in compose()["services"].items() if service.get("ports")}
    assert published == {"proxy"}
    assert compose()["networks"]["inside"]["internal"] is True


class Override(yaml.SafeLoader):
    """Compose's own tags: `!reset` takes a value away, `!override` replaces it instead of merging."""


RESET = object()
Override.add_constructor("!reset", lambda loader, node: RESET)
Override.add_constructor("!override", lambda loader, node: Replacement(loader.construct_mapping(node, deep=True)))


class Replacement(dict):
    pass


def merged(base, override):
    """As Compose merges its files."""
    if isinstance(override, Replacement) or not isinstance(override, dict):
        return base + override if isinstance(override, list) else override
    return {
        key: merged(base.get(key, [] if isinstance(override.get(key), list) else {}), override[key])
        if key in override
        else base[key]
        for key in base | override
        if override.get(key) is not RESET
    }


def test_with_an_external_storage_nothing_waits_for_ours_and_the_web_reaches_it():
    override = yaml.load(text("deploy/external-s3.yml"), Override)
    portal = merged(compose(), override)
    services = portal["services"]
    assert set(compose()["services"]) - set(services) == {"storage", "bucket"}
    assert "files" not in portal["volumes"]
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
    for name in ("web", "worker", "beat"):
        assert set(services[name]["depends_on"]) == {"migrate", "redis"}
    for name in ("web", "worker"):
        assert {"inside", "outside"} <= set(services[name]["networks"])
    assert {name for name, service in services.items() if service.get("ports")} == {"proxy"}


def test_the_proxy_hides_what_the_portal_hides():
    filters = re.findall(r"^\s+request>(\S+) regexp \"(.+)\" \"(.+)\"$", text("deploy/Caddyfile"), re.MULTILINE)
    expected = (logs.SECRET_PATH.pattern, "/$1/***")
    assert {name: tuple(rule) for name, *rule in filters} == {"uri": expected, "headers>Referer": expected}


def production(**environment: str) -> dict:
    """The settings of production, as a process of its own reads them."""
    source = "import json\nfrom portal.settings import production as p\n"
    source += "print(json.dumps({n: v for n, v in vars(p).items() if isinstance(v, bool | int | str)}))"
    values = os.environ | {"SECRET_KEY": "x" * 50, "ALLOWED_HOSTS": "portail.example.org"} | environment
    output = subprocess.run([sys.executable, "-c", source], cwd=CHECKOUT, env=values, check=True, capture_output=True)
    return json.loads(output.stdout)


def test_production_binds_no_other_name_unless_told_to():
    asked = {"SECURE_HSTS_INCLUDE_SUBDOMAINS": "true", "SECURE_HSTS_PRELOAD": "true"}
    for settings, expected in ((production(), False), (production(**asked), True)):
        assert settings["SECURE_HSTS_INCLUDE_SUBDOMAINS"] is settings["SECURE_HSTS_PRELOAD"] is expected
        assert settings["SECURE_HSTS_SECONDS"] == 31536000


def test_production_counts_its_proxies(rf, settings):
    """Limits are per address: behind the proxy, everybody would share one; and nobody chooses theirs."""
    assert production()["ALLAUTH_TRUSTED_PROXY_COUNT"] == 1
    assert production(TRUSTED_PROXY_COUNT="2")["ALLAUTH_TRUSTED_PROXY_COUNT"] == 2
    request = rf.get("/", REMOTE_ADDR="172.18.0.2", HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.7")
    assert get_ip(request) == "172.18.0.2"
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert get_ip(request) == "198.51.100.7"


@pytest.mark.parametrize(
    "command", [["manage.py", "check"], ["-c", "import portal.wsgi"], ["-m", "celery", "-A", "portal", "report"]]
)
def test_whoever_names_no_settings_gets_those_of_production(command):
    """A forgotten variable must not start the portal with a known key and detailed error pages."""
    values = {name: value for name, value in os.environ.items() if name not in {"DJANGO_SETTINGS_MODULE", "SECRET_KEY"}}
    done = subprocess.run([sys.executable, *command], cwd=CHECKOUT, env=values, capture_output=True, text=True)
    assert "Set the SECRET_KEY environment variable" in done.stderr + done.stdout
    assert done.returncode


def test_what_can_be_scaled_has_no_fixed_name():
    for name in ("web", "worker"):
        assert "container_name" not in compose()["services"][name]


def test_the_image_is_made_of_what_exists_and_runs_without_privileges():
    dockerfile = text("Dockerfile")
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    for source in " ".join(copies).split():
        assert (CHECKOUT / source).exists(), source
    assert re.search(r"^USER portail$", dockerfile, re.MULTILINE)


def test_the_bucket_is_created_once_and_again_without_harm(s3_server):
    environment = os.environ | {"S3_BUCKET": "nouveau"}
    for _ in range(2):
        subprocess.run([sys.executable, "deploy/create_bucket.py"], cwd=CHECKOUT, env=environment, check=True)
    assert (s3_server.folder / "nouveau").is_dir()
