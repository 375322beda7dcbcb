"""PDF files as tests need them, good and bad."""

import zlib
from io import BytesIO

from pypdf import PdfReader, PdfWriter


def pdf(*streams: bytes, title: str = "") -> bytes:
    """A PDF whose pages have these compressed contents."""
    kids = " ".join(f"{3 + 2 * n} 0 R" for n in range(len(streams)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(streams)}>>".encode(),
    ]
    for n, stream in enumerate(streams):
        packed = zlib.compress(stream, 9)
        font = b"<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
        page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources%b/Contents %d 0 R>>"
        objects.append(page % (font, 4 + 2 * n))
        objects.append(b"<</Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (len(packed), packed))
    about = b""
    if title:
        objects.append(b"<</Title(%b)>>" % title.encode("latin-1"))
        about = b"/Info %d 0 R" % len(objects)
    return of_objects(objects, about)


def of_objects(objects: list[bytes], trailer: bytes = b"") -> bytes:
    """A PDF of these objects; the first one is its catalogue."""
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, each in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj%b endobj\n" % (number, each)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, trailer, start)
    return bytes(out)


def nested(depth: int) -> bytes:
    """A PDF whose only page lies below so many others, each the only child of the one before."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>"]
    objects += [b"<</Type/Pages/Kids[%d 0 R]/Count 1>>" % (number + 3) for number in range(depth)]
    objects.append(b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 600 800]>>" % (depth + 1))
    return of_objects(objects)


def shown(text: str) -> bytes:
    """What a page has to contain to show a text."""
    return f"BT /F 12 Tf 10 700 Td ({text}) Tj ET".encode()


def locked(content: bytes, password: str) -> bytes:
    """The same PDF under a password."""
    writer = PdfWriter(clone_from=PdfReader(BytesIO(content)))
    writer.encrypt(password, algorithm="AES-256")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()
