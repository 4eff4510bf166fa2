"""Every template is used: named somewhere, or put in the place of a package's own."""

import re
from pathlib import Path

import crispy_forms
import django.forms
from django.apps import apps
from django.conf import settings

TEMPLATES = settings.BASE_DIR / "templates"
ROOMS = ("applications", "dossiers", "offers", "portal", "templates")
CALLED_BY_DJANGO = {"400.html", "403.html", "403_csrf.html", "404.html", "500.html"}
NAME_IN_CRISPY = re.compile(r"""["'](?:%s|\{[^}]*\})/([\w/]+\.html)["']""")


def test_every_template_is_used():
    known = CALLED_BY_DJANGO | names_of_packages() | names_of_the_form_pack()
    text = "\n".join(sources())
    unused = [name for name in names_in(TEMPLATES) if name not in known and not is_named(name, text)]
    assert not unused, f"Templates that nothing names: {', '.join(unused)}"


def names_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def sources() -> list[str]:
    files = [path for room in ROOMS for path in (settings.BASE_DIR / room).rglob("*")]
    return [path.read_text() for path in files if path.suffix in {".py", ".html", ".txt"}]


def names_of_packages() -> set[str]:
    folders = [Path(app.path) / "templates" for app in apps.get_app_configs()]
    folders.append(Path(django.forms.__file__).parent / "templates")
    return {name for folder in folders for name in names_in(folder)}


def names_of_the_form_pack() -> set[str]:
    """crispy builds them from the pack's name."""
    code = "".join(path.read_text() for path in Path(crispy_forms.__file__).parent.rglob("*.py"))
    return {f"{settings.CRISPY_TEMPLATE_PACK}/{name}" for name in NAME_IN_CRISPY.findall(code)}


def is_named(name: str, text: str) -> bool:
    """In full; a mail by its key."""
    return name in text or (name.startswith("mails/") and f'"{Path(name).stem}"' in text)
