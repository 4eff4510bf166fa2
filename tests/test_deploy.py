"""The files of production fit each other, the settings and the documentation. No container engine is needed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

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
    assert {"proxy", "web", "worker", "beat", "migrate", "bucket", "database", "redis", "storage"} == set(services)
    assert services["database"]["image"] == "postgres:18"
    assert services["beat"]["deploy"]["replicas"] == 1


def test_only_the_proxy_is_reachable_from_outside():
    published = {name for name, service in compose()["services"].items() if service.get("ports")}
    assert published == {"proxy"}
    assert compose()["networks"]["inside"]["internal"] is True


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
