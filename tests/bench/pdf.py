"""`python -m tests.bench.pdf`: how fast documents are made, beside Chromium and beside their own parts.

    pdf.render_vs_chromium.ratio   our dossier (PDF/A-3a and PDF/UA-1), warm, over a new Chromium printing the same page
    pdf.render_vs_libreoffice.ratio    the same over a new LibreOffice, where there is one
    pdf.bundle_vs_render.ratio     dossier, ten uploads of 5 MB, bordereau, seals: over the plain dossier alone
    pdf.two_workers.speedup        documents a second of two processes over those of one
    pdf.rss_growth_mb              what a process keeps after 300 documents

What is compared is measured in turns, in one run, so that what the machine is doing hits both alike.
"""

import gc
import hashlib
import io
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROUNDS = 7
UPLOADS = 10
UPLOAD_BYTES = 5_000_000
DOCUMENTS = 300
BATCH = 12


def main() -> None:
    _set_up()
    with tempfile.TemporaryDirectory(prefix="psj-bench-pdf-") as name:
        folder = Path(name)
        _show("pdf.render_vs_chromium.ratio", _beside_chromium(folder))
        _show("pdf.render_vs_libreoffice.ratio", _beside_libreoffice(folder))
        _show("pdf.bundle_vs_render.ratio", _bundle_beside_render(folder))
    _show("pdf.two_workers.speedup", _two_workers())
    _show("pdf.rss_growth_mb", _growth())


def _set_up() -> None:
    """As a child of a worker begins."""
    import django

    django.setup()
    from dossiers.pdf.render import warm_up

    warm_up()


def _show(key: str, value: float | None) -> None:
    if value is not None:
        print(f"{key}={value:.2f}", flush=True)


def _seconds(work) -> float:
    gc.collect()  # what was left by the other part is not this one's to clear away
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _in_turns(key: str, one, other, rounds: int = ROUNDS) -> float:
    """The median of one over the median of the other, each run once beforehand."""
    one()
    other()
    times = [(_seconds(one), _seconds(other)) for _ in range(rounds)]
    ours, theirs = median(first for first, _ in times), median(second for _, second in times)
    print(f"{key}: {ours:.3f} s / {theirs:.3f} s", file=sys.stderr, flush=True)
    return ours / theirs


def _beside_chromium(folder: Path) -> float | None:
    from dossiers.pdf.render import render_dossier
    from tests.dossiers.sample_content import full_content

    browser = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not browser:
        print("no Chromium here", file=sys.stderr)
        return None
    page = _page(folder)
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    command += [f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={folder / 'printed.pdf'}", page.as_uri()]
    content = full_content()
    return _in_turns(
        "render / Chromium",
        lambda: render_dossier(content),
        lambda: subprocess.run(command, check=True, capture_output=True),
    )


def _beside_libreoffice(folder: Path) -> float | None:
    from dossiers.pdf.render import render_dossier
    from tests.dossiers.sample_content import full_content

    office = os.environ.get("LIBREOFFICE") or shutil.which("soffice") or shutil.which("libreoffice")
    if not office:
        print("no LibreOffice here", file=sys.stderr)
        return None
    command = [office, f"-env:UserInstallation={(folder / 'office').as_uri()}", "--headless"]
    command += ["--convert-to", "pdf:writer_web_pdf_Export", "--outdir", str(folder), str(_page(folder))]
    content = full_content()
    return _in_turns(
        "render / LibreOffice",
        lambda: render_dossier(content),
        lambda: subprocess.run(command, check=True, capture_output=True),
        rounds=3,
    )


def _page(folder: Path) -> Path:
    from tests.dossiers.sample_content import full_content

    page = folder / "dossier.html"
    page.write_text(_html(full_content()))
    return page


def _html(content) -> str:
    """The page that is printed, with its style sheet."""
    from django.template.loader import render_to_string

    from dossiers.pdf import printable
    from dossiers.pdf.render import STYLESHEET

    html = render_to_string("documents/dossier.html", printable.prepare(content))
    return html.replace("</head>", f"<style>{STYLESHEET.read_text()}</style></head>")


def _plain_render(html: str) -> bytes:
    """The same pages without tags, standards or seal."""
    from weasyprint import HTML

    return HTML(string=html).write_pdf()


def _bundle_beside_render(folder: Path) -> float:
    from dossiers.pdf.bundle import make_bundle
    from dossiers.pdf.render import render_dossier
    from dossiers.pdf.seal import seal
    from tests.dossiers.sample_content import full_content

    content = full_content()
    html = _html(content)
    uploads = [_upload(folder, number) for number in range(UPLOADS)]

    def whole() -> None:
        dossier = io.BytesIO(render_dossier(content))
        seal(dossier)
        volume = make_bundle(content, dossier, [_enclosure(path) for path in uploads])
        seal(volume)

    return _in_turns("whole bundle / plain render", whole, lambda: _plain_render(html))


def _upload(folder: Path, number: int) -> Path:
    """Three scanned pages that no compression makes smaller."""
    import pikepdf

    path = folder / f"upload{number}.pdf"
    with pikepdf.new() as pdf:
        for _ in range(3):
            page = pdf.add_blank_page(page_size=(595, 842))
            scan = pdf.make_stream(
                os.urandom(UPLOAD_BYTES // 3),
                Type=pikepdf.Name.XObject,
                Subtype=pikepdf.Name.Image,
                Width=1240,
                Height=1754,
                ColorSpace=pikepdf.Name.DeviceRGB,
                BitsPerComponent=8,
                Filter=pikepdf.Name.DCTDecode,
            )
            page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Scan=scan))
            page.Contents = pdf.make_stream(b"q 595 0 0 842 0 0 cm /Scan Do Q")
        pdf.save(path)
    return path


def _enclosure(path: Path):
    from dossiers.pdf.bundle import Enclosure

    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    file = {
        "name": path.name,
        "sha256": digest,
        "content_type": "application/pdf",
        "size_display": "5 Mo",
        "uploaded_at_display": "2 janvier 2026",
    }
    return Enclosure("Pièce", file, path)


# Workers


def _render_many(count: int, barrier, told) -> None:
    """In a process of its own, as a worker's child: warm up, wait for the others, render."""
    _set_up()
    from dossiers.pdf.render import render_dossier, tidy_up
    from tests.dossiers.sample_content import full_content

    content = full_content()
    render_dossier(content)
    barrier.wait()
    begun = time.perf_counter()
    for _ in range(count):
        render_dossier(content)
        tidy_up()
    told.put(count / (time.perf_counter() - begun))


def _rate(workers: int) -> float:
    """Documents a second of so many processes together."""
    context = multiprocessing.get_context("spawn")
    barrier, told = context.Barrier(workers), context.Queue()
    children = [context.Process(target=_render_many, args=(BATCH, barrier, told)) for _ in range(workers)]
    for child in children:
        child.start()
    rates = [told.get(timeout=300) for _ in children]
    for child in children:
        child.join()
    return sum(rates)


def _two_workers() -> float:
    rounds = [(_rate(1), _rate(2)) for _ in range(3)]
    one, two = median(first for first, _ in rounds), median(second for _, second in rounds)
    print(f"documents a second: {one:.2f} alone, {two:.2f} with two", file=sys.stderr)
    return two / one


def _growth() -> float:
    from dossiers.pdf.render import render_dossier, tidy_up
    from tests.dossiers.sample_content import full_content

    content = full_content()
    for _ in range(20):  # caches and arenas take their size
        render_dossier(content)
        tidy_up()
    before = _resident_mb()
    for _ in range(DOCUMENTS):
        render_dossier(content)
        tidy_up()
    after = _resident_mb()
    print(f"resident: {before:.1f} MB, {after:.1f} MB {DOCUMENTS} documents later", file=sys.stderr)
    return after - before


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
