"""The files that the demonstration's candidates upload: a letter, a diploma, a CV, each a real PDF."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile
from django.template.loader import render_to_string

from offers.text import to_html


def paper(name: str, *, title: str, text: str, owner: str) -> SimpleUploadedFile:
    """A PDF file as a browser would send it. `text` is Markdown."""
    from dossiers.pdf.render import write_pdf  # heavy, and of no use once the dossiers are there

    html = render_to_string("demonstration/paper.html", {"title": title, "text": to_html(text), "owner": owner})
    return SimpleUploadedFile(name, write_pdf(html), content_type="application/pdf")
