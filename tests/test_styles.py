"""The judge of the stylesheets, judged: what a merge has lost before now is seen."""

import importlib.util

import pytest
from django.conf import settings

PATH = settings.BASE_DIR / "scripts/check_styles.py"
spec = importlib.util.spec_from_file_location("check_styles", PATH)
check_styles = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_styles)


@pytest.mark.parametrize("sheet", check_styles.SHEETS, ids=lambda sheet: sheet.name)
def test_a_brace_lost_anywhere_is_seen(sheet):
    css = sheet.read_text()
    assert not list(check_styles.mistakes(css))
    braces = [at for at, letter in enumerate(css) if letter in "{}"]
    some = braces[:: len(braces) // 30 + 1]
    unseen = [css[at - 30 : at + 30] for at in some if not list(check_styles.mistakes(css[:at] + css[at + 1 :]))]
    assert not unseen


def test_a_value_or_a_quote_that_is_missing_is_seen():
    assert list(check_styles.mistakes(".a { color: ; }")) == ["ligne 1 : « color » est sans valeur"]
    assert list(check_styles.mistakes('.a::before { content: "« ; }\n.b { color: red; }'))
    assert list(check_styles.mistakes("@media print {\n  .a { color red; }\n}"))


def test_a_class_that_nothing_has_is_told():
    css = "@media print { .lost, .kept { color: red; } } .state--open { margin: 0 0.5em; }"
    texts = ['<p class="kept state--{{ state }}">', "a lost-and-found box"]
    assert check_styles.unused(css, texts) == ["lost"]
