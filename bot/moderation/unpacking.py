"""Pictures as files, whoever made them: kind and size are looked at before anything is unpacked.

Of an animation only the first picture is looked at.
"""

import struct
from io import BytesIO

import imagehash
from PIL import Image, ImageOps, ImageStat

from bot.core.errors import Unreadable
from bot.core.text import _
from bot.moderation.likeness import MOST_BYTES

MOST_PIXELS = 40_000_000
"""What cameras of phones make; unpacked, that takes at most 160 MB."""

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")

PLAIN = 6.0
"""A picture whose brightness differs by less (standard deviation, of 255) looks like any other plain one."""

_SIDE, _HASH_SIDE = 512, 16
_SMALL_ENOUGH = 2048
_SHOWN = frozenset({"L", "RGB", "RGBA", "CMYK", "YCbCr"})
"""How pixels may be kept; others, such as palettes, have no shades between two of their colors."""

_BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    MemoryError,
    OverflowError,
    IndexError,
    TypeError,
    struct.error,
)
"""What Pillow raises for files that are none, are cut, or lie about themselves."""

Image.MAX_IMAGE_PIXELS = MOST_PIXELS


def hashes(content: bytes) -> tuple[str, str]:
    """The hash of a picture and that of its mirror image.

    Raises:
        Unreadable: see `bot.moderation.likeness.likeness`.
    """
    if len(content) > MOST_BYTES:
        raise Unreadable(_("It is larger than {n} MB.", n=MOST_BYTES // 1024 // 1024))
    try:
        small = _small(content)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except _BROKEN as error:
        raise Unreadable(_("It is no picture that I can read: I read PNG, JPEG, GIF and WebP.")) from error
    if ImageStat.Stat(small).stddev[0] < PLAIN:
        raise Unreadable(_("It is so plain that I could not tell it from others."))
    return _hash(small), _hash(ImageOps.mirror(small))


def _small(content: bytes) -> Image.Image:
    """The picture as its viewers see it, gray and small."""
    with Image.open(BytesIO(content), formats=FORMATS) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise _too_many_pixels()
        picture.draft("RGB", (_SIDE, _SIDE))
        seen: Image.Image = picture
        if max(seen.size) > _SMALL_ENOUGH:
            seen = _sampled(seen)
        if seen.mode not in _SHOWN:
            seen = seen.convert("RGBA")
        seen.thumbnail((_SIDE, _SIDE))
        seen = ImageOps.exif_transpose(seen)
        if seen.mode == "RGBA":
            white = Image.new("RGBA", seen.size, "white")
            white.alpha_composite(seen)
            seen = white
        return seen.convert("L")


def _sampled(large: Image.Image) -> Image.Image:
    """A large picture made of some of its own pixels: whatever blends them needs as much memory again."""
    share = _SMALL_ENOUGH / max(large.size)
    size = (max(1, round(large.width * share)), max(1, round(large.height * share)))
    sampled = large.resize(size, Image.Resampling.NEAREST)
    sampled.info |= large.info  # a color that is transparent, and how it was held
    return sampled


def _too_many_pixels() -> Unreadable:
    return Unreadable(_("It has more than {n} million pixels.", n=MOST_PIXELS // 1_000_000))


def _hash(picture: Image.Image) -> str:
    return str(imagehash.phash(picture, hash_size=_HASH_SIDE))
