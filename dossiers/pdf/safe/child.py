"""The child that opens what came in: `python -m dossiers.pdf.safe.child SOURCE FOLDER LIMITS`.

Leaves in FOLDER `answer.json` and, unless the file is refused, `safe.pdf` and `thumbnail.jpg`.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import traceback
from pathlib import Path

from dossiers.pdf.safe import TOO_HEAVY, UNREADABLE
from dossiers.pdf.safe.confinement import confine
from dossiers.pdf.safe.formats import DOCX, HEIC, JPEG, ODT, PDF, PNG, Refused, content_type

THUMBNAIL = 240  # pixels, the longer side


def main(source: Path, folder: Path, limits: dict[str, int]) -> None:
    _bound(limits)
    confined = confine(source, folder)
    try:
        answer = {"pages": convert(source, folder / "safe.pdf")}
        _draw_thumbnail(folder / "safe.pdf", folder / "thumbnail.jpg")
    except Refused as refusal:
        answer = {"refused": str(refusal)}
    except (MemoryError, RecursionError):
        answer = {"refused": TOO_HEAVY}
    except Exception as error:
        # Libraries say in many ways that memory or a file's size was denied to them.
        heavy = "alloc" in str(error) or "memory" in str(error).lower() or getattr(error, "errno", 0) == 27
        answer = {"refused": TOO_HEAVY if heavy else UNREADABLE}
        traceback.print_exc()
    answer["confined"] = confined
    answer["usage"] = {"memory": _peak_memory(), "cpu": sum(resource.getrusage(resource.RUSAGE_SELF)[:2])}
    (folder / "answer.json").write_text(json.dumps(answer, ensure_ascii=False))


def _bound(limits: dict[str, int]) -> None:
    """Before any library that reads files is loaded."""
    for kind, limit in (
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_CPU, limits["cpu"]),
        (resource.RLIMIT_FSIZE, limits["file"]),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))


def convert(source: Path, target: Path) -> int:
    """Write the safe PDF; how many pages it has."""
    from dossiers.pdf.safe import documents

    with source.open("rb") as file:
        found = content_type(file)
    if found in {JPEG, PNG, HEIC}:
        from dossiers.pdf.safe import pictures

        pictures.write_pdf(source, found, target)
        source = target
    elif found in {DOCX, ODT}:
        from dossiers.pdf.safe import office

        office.write_pdf(source, found, target)
        source = target
    return documents.make_harmless(source, target, ours=found != PDF)


def _peak_memory() -> int:
    """In bytes, of this program alone: getrusage counts what its parent had before it began."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024


def _draw_thumbnail(pdf: Path, target: Path) -> None:
    """The first page, as a reader draws it: what cannot be drawn cannot be read."""
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    page = document[0]
    picture = page.render(scale=THUMBNAIL / max(page.get_size())).to_pil().convert("RGB")
    picture.save(target, "JPEG", quality=80)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))
