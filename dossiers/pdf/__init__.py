"""What is printed and what is read of PDFs: the only place that knows WeasyPrint and pikepdf."""
