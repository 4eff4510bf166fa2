"""What is printed: the only place that knows WeasyPrint."""

from dossiers.pdf.render import render_dossier, render_receipt

__all__ = ["render_dossier", "render_receipt"]
