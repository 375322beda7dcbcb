"""Pictures for tests: drawn from a number, and changed as those who repost them change them."""

import re
from io import BytesIO
from random import Random

from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

_SIZE = (640, 480)
_WORDS = [
    "a",
    "boat",
    "in",
    "the",
    "harbor",
    "was",
    "painted",
    "green",
    "and",
    "white",
    "before",
    "somebody",
    "sailed",
    "it",
    "to",
    "another",
    "town",
]
_ASKED = re.compile(r"(?P<kind>picture|copy of picture) (?P<number>\d+)")


def picture(number: int) -> Image.Image:
    """A picture like no other: colored shapes on a ground."""
    random = Random(number)

    def color() -> tuple[int, int, int]:
        return random.randrange(256), random.randrange(256), random.randrange(256)

    drawn = Image.new("RGB", _SIZE, color())
    pen = ImageDraw.Draw(drawn)
    for _shape in range(24):
        x, y = random.randrange(_SIZE[0]), random.randrange(_SIZE[1])
        width, height = random.randrange(40, 260), random.randrange(40, 260)
        draw = random.choice((pen.ellipse, pen.rectangle))
        draw((x - width // 2, y - height // 2, x + width // 2, y + height // 2), fill=color())
    return drawn.filter(ImageFilter.GaussianBlur(1))


def page(number: int, ground: str) -> Image.Image:
    """A page of text as somebody photographs a screen: lines of words, of one look and never the same."""
    random = Random(number)
    drawn = Image.new("RGB", (800, 1000), ground)
    pen, font = ImageDraw.Draw(drawn), ImageFont.load_default(22)
    for y in range(40, 960, 34):
        line = " ".join(random.choice(_WORDS) for _word in range(random.randrange(2, 12)))
        pen.text((50, y), line, font=font, fill="black" if ground == "white" else "white")
    return drawn


def copy(of: Image.Image) -> Image.Image:
    """What somebody posts again: half as large, with a thin border."""
    half = of.resize((of.width // 2, of.height // 2))
    return ImageOps.expand(half, 2, "white")


def file_of(picture: Image.Image, form: str = "PNG", quality: int = 30) -> bytes:
    """A picture as a file."""
    out = BytesIO()
    picture.save(out, form, **({"quality": quality} if form in ("JPEG", "WEBP") else {}))
    return out.getvalue()


def asked(words: str) -> bytes | None:
    """The file that `picture 7` or `copy of picture 7` stands for in a script; None for other words."""
    found = _ASKED.fullmatch(words)
    if found is None:
        return None
    drawn = picture(int(found["number"]))
    return file_of(drawn) if found["kind"] == "picture" else file_of(copy(drawn), "JPEG")
