"""What is kept of pictures: changed ones are recognized, others are not, and no file does any harm."""

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter, ImageOps

from bot.core.errors import Unreadable
from bot.core.events import Attachment
from bot.moderation.likeness import MOST_BYTES, Likeness, is_picture, likeness
from bot.moderation.rules.images import Images
from tests.pictures import copy, file_of, page, picture

USUAL = Images.model_fields["distance"].default

SMALL = picture(3).resize((120, 90))


def photos() -> list[Image.Image]:
    """Photographs that come with our libraries, whole and in quarters."""
    found = []
    for package, path in (
        ("sklearn", "datasets/images/china.jpg"),
        ("sklearn", "datasets/images/flower.jpg"),
        ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    ):
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        with Image.open(Path(spec.origin).parent / path) as photo:
            found += [photo.convert("RGB"), *pieces(photo.convert("RGB"), 2)]
    return found


def pieces(photo: Image.Image, n: int) -> list[Image.Image]:
    """A photograph cut into n times n others."""
    width, height = photo.width // n, photo.height // n
    return [
        photo.crop((x * width, y * height, (x + 1) * width, (y + 1) * height))
        for x in range(n)
        for y in range(n)
    ]


def cut(photo: Image.Image, share: float) -> Image.Image:
    """A photograph without a rim that is such a share of its width and height."""
    x, y = int(photo.width * share / 2), int(photo.height * share / 2)
    return photo.crop((x, y, photo.width - x, photo.height - y))


def jpeg(photo: Image.Image, quality: int) -> Image.Image:
    return Image.open(BytesIO(file_of(photo, "JPEG", quality)))


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to a picture, and how many of the 15 are to be recognized afterwards at least."""

    name: str
    make: Callable[[Image.Image], Image.Image]
    recognized: int


CHANGES = (
    Change("half as large", lambda photo: photo.resize((photo.width // 2, photo.height // 2)), 15),
    Change("JPEG, quality 30", lambda photo: jpeg(photo, 30), 15),
    Change("JPEG, quality 10", lambda photo: jpeg(photo, 10), 15),
    Change("blurred by 2 pixels", lambda photo: photo.filter(ImageFilter.GaussianBlur(2)), 15),
    Change("gray", ImageOps.grayscale, 15),
    Change("a third brighter", lambda photo: photo.point(lambda value: min(255, int(value * 1.3))), 15),
    Change("squeezed by a fifth", lambda photo: photo.resize((photo.width, photo.height * 4 // 5)), 15),
    Change("mirrored", ImageOps.mirror, 15),
    Change("turned by 2 degrees", lambda photo: photo.rotate(2), 14),
    Change("cut by 5 %", lambda photo: cut(photo, 0.05), 15),
    Change("a border of 2 %", lambda photo: ImageOps.expand(photo, photo.width // 50, "white"), 12),
    Change("cut by 10 %", lambda photo: cut(photo, 0.1), 2),
    Change("a border of 5 %", lambda photo: ImageOps.expand(photo, photo.width // 20, "black"), 0),
)


def seen(drawn: Image.Image) -> Likeness:
    return likeness(file_of(drawn))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_changed_photographs_are_recognized(change: Change) -> None:
    found = [seen(change.make(photo)).distance(seen(photo).hash) for photo in photos()]
    recognized = sum(distance <= USUAL for distance in found)
    print(f"\n{change.name}: {recognized} of {len(found)}, {min(found)} to {max(found)} bits")  # noqa: T201
    assert recognized >= change.recognized


def test_unrelated_pieces_of_photographs_are_never_taken_for_each_other() -> None:
    whole = photos()[::5]
    looks = []
    for piece in (piece for photo in whole for piece in pieces(photo, 6)):
        try:
            looks.append(seen(piece))
        except Unreadable:  # nothing but sky
            continue
    assert len(looks) > 90
    found = sorted(one.distance(other.hash) for one, other in combinations(looks, 2))
    print(f"\n{len(found)} pairs, the nearest {found[:5]} bits")  # noqa: T201
    assert found[0] > USUAL


@pytest.mark.parametrize("ground", ["white", "#222222"])
def test_pages_of_text_of_the_same_look_are_never_taken_for_each_other(ground: str) -> None:
    looks = [seen(page(number, ground)) for number in range(40)]
    found = sorted(one.distance(other.hash) for one, other in combinations(looks, 2))
    print(f"\n{len(found)} pairs, the nearest {found[:5]} bits")  # noqa: T201
    assert found[0] > USUAL


def test_of_a_picture_nothing_but_256_bits_is_kept() -> None:
    found = seen(picture(1))
    assert len(found.hash) == len(found.mirrored) == 64
    assert int(found.hash, 16) < 2**256


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_the_same_picture_in_any_form_is_recognized(form: str) -> None:
    again = likeness(file_of(copy(picture(1)), form))
    assert again.distance(seen(picture(1)).hash) <= USUAL


def test_only_the_first_picture_of_an_animation_is_looked_at() -> None:
    out = BytesIO()
    picture(1).save(out, "GIF", save_all=True, append_images=[picture(2)] * 3)
    assert likeness(out.getvalue()).distance(seen(picture(1)).hash) <= USUAL


def test_what_is_transparent_is_seen_on_white_and_what_lies_on_its_side_upright() -> None:
    clear = picture(1).convert("RGBA")
    clear.putalpha(255)
    assert likeness(file_of(clear)) == seen(picture(1))
    out, turned = BytesIO(), Image.Exif()
    turned[0x0112] = 6  # to be turned by a quarter before it is shown
    picture(1).transpose(Image.Transpose.ROTATE_90).save(out, "JPEG", exif=turned, quality=90)
    assert likeness(out.getvalue()).distance(seen(picture(1)).hash) <= USUAL


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "1"])
def test_a_large_picture_is_seen_as_a_small_one_is(mode: str) -> None:
    large = picture(1).resize((2600, 1950)).convert(mode)
    assert likeness(file_of(large)).distance(seen(picture(1)).hash) <= USUAL


def test_a_photograph_of_a_camera_that_was_held_on_its_side_is_seen_upright() -> None:
    out, turned = BytesIO(), Image.Exif()
    turned[0x0112] = 6
    large = picture(1).resize((2600, 1950)).transpose(Image.Transpose.ROTATE_90)
    large.save(out, "WEBP", exif=turned, quality=80)
    assert likeness(out.getvalue()).distance(seen(picture(1)).hash) <= USUAL


def test_nothing_that_unpacks_pictures_is_loaded_before_there_is_one() -> None:
    code = "import sys, bot.app; print({'PIL', 'imagehash', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("color", ["black", "white", "#808080"])
def test_a_plain_picture_is_refused_since_all_are_alike(color: str) -> None:
    with pytest.raises(Unreadable, match="plain"):
        seen(Image.new("RGB", (300, 200), color))


# Hostile files


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_that_says(width: int, height: int) -> bytes:
    """A little file that would be that large if it was unpacked."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")


def gif_that_says(width: int, height: int) -> bytes:
    content = bytearray(file_of(SMALL, "GIF"))
    content[6:10] = struct.pack("<HH", width, height)
    return bytes(content)


def webp_that_says(width: int, height: int) -> bytes:
    out = BytesIO()
    SMALL.save(out, "WEBP", save_all=True, append_images=[picture(4).resize(SMALL.size)])
    content = bytearray(out.getvalue())
    assert content[12:16] == b"VP8X"
    content[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        png_that_says(50_000, 50_000),
        png_that_says(9_500, 9_000),
        png_that_says(7_000, 7_000),
        png_that_says(2**31 - 1, 2**31 - 1),
        gif_that_says(65_535, 65_535),
        webp_that_says(16_000, 16_000),
    ],
    ids=["png", "png just too large", "png a little too large", "png of no end", "gif", "webp"],
)
@pytest.mark.filterwarnings("default::PIL.Image.DecompressionBombWarning")
def test_a_little_file_that_becomes_huge_is_not_unpacked(content: bytes) -> None:
    assert len(content) < 20_000
    with pytest.raises(Unreadable, match="million pixels"):
        likeness(content)


def test_a_large_file_is_not_even_looked_at() -> None:
    with pytest.raises(Unreadable, match="10 MB"):
        likeness(file_of(SMALL) + bytes(MOST_BYTES))


def other_forms() -> list[bytes]:
    return [file_of(SMALL, form) for form in ("BMP", "TIFF", "ICO", "PPM", "TGA", "PCX")]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG",
        b"GIF89a",
        b"\xff\xd8\xff",
        b"RIFF\x00\x00\x00\x00WEBP",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"PK\x03\x04" + bytes(100),
        file_of(SMALL)[:500],
        *other_forms(),
    ],
    ids=lambda content: repr(content[:8]),
)
def test_what_is_none_of_four_forms_or_is_cut_is_refused(content: bytes) -> None:
    with pytest.raises(Unreadable, match="PNG, JPEG, GIF and WebP"):
        likeness(content)


FILES = [
    *(file_of(SMALL, form) for form in ("PNG", "JPEG", "GIF", "WEBP")),
    file_of(SMALL.convert("P")),
    file_of(SMALL.convert("RGBA"), "WEBP"),
]


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
@given(
    content=st.sampled_from(FILES),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12),
    kept=st.floats(0, 1),
)
@settings(max_examples=150, deadline=None)
def test_whatever_stands_in_a_file_it_is_a_picture_or_refused(
    content: bytes, changes: list[tuple[float, int]], kept: float
) -> None:
    broken = bytearray(content)
    for where, value in changes:
        broken[int(where * len(broken))] = value
    try:
        found = likeness(bytes(broken[: int(kept * len(broken)) + 1]))
    except Unreadable:
        return
    assert len(found.hash) == 64


@pytest.mark.parametrize(
    ("name", "content_type", "is_one"),
    [
        ("gift.png", "image/png", True),
        ("gift", "image/webp", True),
        ("GIFT.JPG", "application/octet-stream", True),
        ("gift.png.txt", "text/plain", False),
        ("gift.mp4", "video/mp4", False),
    ],
)
def test_what_is_shown_as_a_picture_is_one(name: str, content_type: str, is_one: bool) -> None:
    assert is_picture(Attachment("1", name, content_type, 10, "https://files.example/1")) is is_one
