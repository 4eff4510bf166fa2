"""A letter: plain text, and the same words as HTML; nothing that a person typed becomes markup, nothing is fetched."""

from __future__ import annotations

import re

import pytest
from django.utils.html import strip_tags

from portal.notifications.letters import Words, compose, dress

CONTEXT = {"candidate": type("Candidate", (), {"get_full_name": lambda self: "Zoé <b>Exemple</b>"})(), "number": "SJ-1"}
PARTS = {
    "action": ("Voir", "https://portail.example.org/x/"),
    "facts": [("Offre", "Poste & co"), ("Date limite", "lundi 2 mars 2026 à 23 h 59")],
    "help_text": "Une question ? service@example.org",
}


def letter(**changes):
    return compose("admissible", CONTEXT, **(PARTS | changes))


def words_of(html: str) -> str:
    html = re.sub(r"<(style|title)>.*?</\1>|<!--.*?-->", "", html, flags=re.DOTALL).replace("&nbsp;", " ")
    return " ".join(strip_tags(html).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").split())


def test_both_parts_say_the_same():
    written = letter()
    for line in written.text.splitlines():
        for part in filter(None, re.split(r"^(?:Voir|Offre|Date limite)\s:\s?", line)):
            assert " ".join(part.split()) in words_of(written.html)


def test_what_people_typed_is_text():
    written = letter()
    assert "Zoé <b>Exemple</b>" in written.text
    assert "<b>Exemple" not in written.html


def test_what_people_typed_is_no_button(settings):
    typed = "nouveau\n\nSigner ici\u00a0:\nhttps://ailleurs.example.org/piege"
    html = compose(
        "question_asked", {"question": {"asked_by": "X", "text": typed}, "spec": {"number": 1}} | CONTEXT
    ).html
    assert "Signer ici" in html
    assert 'href="https://ailleurs.example.org' not in html
    own = dress("Code", f"Ouvrir\u00a0:\n{settings.SITE_URL}/aide/\n\nLe portail").html
    assert f'href="{settings.SITE_URL}/aide/"' in own


def test_the_button_is_the_one_link_besides_the_portal_and_help():
    targets = re.findall(r'href="([^"]*)"', letter().html)
    assert targets[1:] == ["https://portail.example.org/x/", "mailto:service@example.org"]


def test_nothing_is_fetched():
    html = letter().html
    assert not re.search(r"<(img|link|script|iframe)\b|url\(|src=|@import", html)


def test_words_of_the_service_replace_the_subject_and_the_introduction_only():
    own = letter(words=Words("Bonne nouvelle", "Votre dossier avance."))
    assert own.subject == "Bonne nouvelle"
    assert "Votre dossier avance." in own.text
    assert "il est complet et recevable" not in own.text
    for always in ("Poste & co", "https://portail.example.org/x/", "service@example.org"):
        assert always in own.text


def test_a_refusable_letter_says_how_to_refuse_it():
    written = letter(unsubscribe="https://portail.example.org/courriels/abc/")
    assert written.headers["List-Unsubscribe"] == "<https://portail.example.org/courriels/abc/>"
    assert written.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert written.text.rstrip().endswith("https://portail.example.org/courriels/abc/")
    assert 'href="https://portail.example.org/courriels/abc/"' in written.html


def test_empty_parts_leave_no_hole():
    bare = compose("admissible", CONTEXT)
    assert "\n\n\n" not in bare.text
    assert "href" not in bare.html.partition("</a>")[2]


@pytest.mark.parametrize(
    ("block", "marked"),
    [
        ("482913", "letter-spacing"),
        ("https://portail.example.org/a/", "word-break:break-all"),
        ("– un\n– deux", "<li"),
        ("Voir :\nhttps://portail.example.org/a/", ">Voir</a>"),
    ],
)
def test_codes_links_and_lists_stand_out(settings, block, marked):
    settings.SITE_URL = "https://portail.example.org"
    assert marked in dress("Objet", f"Bonjour,\n\nVoici :\n\n{block}\n\nLe portail").html.partition("</head>")[2]
