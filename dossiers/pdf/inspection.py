"""Look into an uploaded PDF before it is taken."""

from __future__ import annotations

from typing import BinaryIO

import pikepdf
from django.core.exceptions import ValidationError

MAX_PAGES = 300


def refuse_unusable_pdf(file: BinaryIO) -> None:
    """Raise ValidationError, with the way to fix it, for a PDF that the commission could not read."""
    try:
        with pikepdf.open(file) as pdf:
            if pdf.is_encrypted:
                raise ValidationError(
                    "Ce PDF est protégé. Enregistrez-en une copie sans protection "
                    "(Imprimer, puis « Enregistrer au format PDF »)."
                )
            pages = len(pdf.pages)
    except pikepdf.PasswordError as error:
        raise ValidationError("Ce PDF demande un mot de passe. Envoyez une copie sans mot de passe.") from error
    except pikepdf.PdfError as error:
        raise ValidationError(
            "Ce PDF est abîmé et ne s’ouvre pas. Enregistrez-le de nouveau depuis son logiciel d’origine."
        ) from error
    if not 1 <= pages <= MAX_PAGES:
        raise ValidationError(f"Ce PDF a {pages} pages ; il en faut entre 1 et {MAX_PAGES}.")
