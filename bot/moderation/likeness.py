"""What is kept of a picture: 256 bits that hardly change when it is scaled, recompressed or touched up.

It is a perceptual hash of low frequencies, from which no picture can be made again.
"""

from dataclasses import dataclass

from bot.core.events import Attachment

BITS = 256
"""Of a hash; between pictures that have nothing in common about half of them differ."""

MOST_BYTES = 10 * 1024 * 1024
"""Most members of Discord can send no larger files (Discord, "Uploading Files")."""

_ENDINGS = (".png", ".jpg", ".jpeg", ".jfif", ".gif", ".webp")


@dataclass(frozen=True, slots=True)
class Likeness:
    """What is known of a picture that was looked at: its hash and its mirror image's, in hexadecimal."""

    hash: str
    mirrored: str = ""

    def distance(self, known: str) -> int:
        """In how many of the 256 bits it differs from a hash, either way round."""
        return min(_differing(known, each) for each in (self.hash, self.mirrored) if each)


def is_picture(file: Attachment) -> bool:
    """Whether a file is shown as a picture, as its name or sender says."""
    return file.content_type.lower().startswith("image/") or file.name.lower().endswith(_ENDINGS)


def likeness(content: bytes) -> Likeness:
    """Look at a picture; it takes from a hundredth of a second to a second, so never on the event loop.

    Raises:
        Unreadable: it is none, is too big or broken, or has too little in it; the text says which.
    """
    from bot.moderation.unpacking import hashes  # noqa: PLC0415 - numpy is behind it, and few know pictures

    return Likeness(*hashes(content))


def _differing(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()
