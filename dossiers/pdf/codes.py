"""The QR codes that can be read on the first pages of a PDF."""

from __future__ import annotations

from typing import BinaryIO

import pypdfium2
import zxingcpp

MAX_PAGES = 4
SCALES = (2.0, 3.5)  # 144 and 250 dots an inch: a poor photo wants the second


def read_codes(file: BinaryIO) -> list[str]:
    """The texts of the codes. For workers, on safe PDFs (`dossiers.pdf.safe`): their size and content are bounded."""
    found: list[str] = []
    with pypdfium2.PdfDocument(file) as pdf:
        for page in list(pdf)[:MAX_PAGES]:
            found += _codes_of(page)
    return list(dict.fromkeys(found))


def _codes_of(page: pypdfium2.PdfPage) -> list[str]:
    for scale in SCALES:
        picture = page.render(scale=scale, grayscale=True).to_pil()
        codes = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
        if codes:
            return [code.text for code in codes]
    return []
