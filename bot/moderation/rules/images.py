"""Pictures that moderators do not want to see again, also when they were changed a little."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from bot.core.actions import Severity
from bot.core.events import Attachment
from bot.core.text import N_, _
from bot.moderation.examined import Examined
from bot.moderation.likeness import BITS, Likeness
from bot.moderation.past import Past
from bot.moderation.rule import ActionName, Evidence, Example, Finding, Rule

MOST_KNOWN = 200
"""Of a rule: with names and days that is what `rules export` can still show."""

PictureName = Annotated[str, Field(pattern=r"^\w[\w-]{0,19}$")]
"""What a known picture is called: letters, digits, _ and -, at most 20."""


class Known(BaseModel):
    """A picture that is not wanted: what is kept of it, and never the picture itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hash: str = Field(pattern=r"^[0-9a-f]{64}$", description=N_("Its perceptual hash: 256 bits."))
    name: PictureName = Field(description=N_("What moderators call it."))
    added: date | None = Field(None, description=N_("On which day it was added."))


_HASH = "c3f05a1e7b2d9846" * 4
_NEAR = f"{_HASH[:-4]}0000"
_FAR = "3c0fa5e184d267b9" * 4
_KNOWN = {"known": [{"hash": _HASH, "name": "free-nitro", "added": "2026-01-05"}]}
_FILE = Attachment("1", "gift.jpg", "image/jpeg", 80_000, "https://files.example/1")


class Images(Rule):
    """Compares pictures with known ones, once they were looked at: a moment after the message came."""

    kind: ClassVar[str] = "images"
    summary: ClassVar[str] = N_(
        "Recognizes pictures that you showed me with `mod picture`, also smaller, recompressed, mirrored or "
        "slightly changed ones; a moment after the message came."
    )
    bursts: ClassVar[bool] = True
    for_our_words: ClassVar[bool] = False
    looks_at_pictures: ClassVar[bool] = True
    violations: ClassVar[tuple[Example, ...]] = (
        Example("a free gift", _KNOWN, attachments=(_FILE,), pictures=(Likeness(_NEAR),)),
        Example("the same, mirrored", _KNOWN, attachments=(_FILE,), pictures=(Likeness(_FAR, _HASH),)),
    )
    harmless: ClassVar[tuple[Example, ...]] = (
        Example("another picture", _KNOWN, attachments=(_FILE,), pictures=(Likeness(_FAR),)),
        Example(
            "not like enough", {**_KNOWN, "distance": 4}, attachments=(_FILE,), pictures=(Likeness(_NEAR),)
        ),
        Example("no picture at all", _KNOWN),
    )

    action: ActionName = Field(Severity.QUEUE, description=N_("What follows."))
    known: tuple[Known, ...] = Field(
        (),
        max_length=MOST_KNOWN,
        description=N_("The pictures that are not wanted; `mod picture` adds and removes them."),
    )
    distance: int = Field(
        60,
        ge=0,
        le=72,
        description=N_(
            "A picture is taken for a known one if at most so many of 256 bits differ; fewer is stricter."
        ),
    )

    def check(self, seen: Examined, past: Past) -> Finding | None:
        """See `Rule`."""
        evidence = tuple(self._evidence(seen))
        return Finding(1.0, evidence) if evidence else None

    def nearest(self, picture: Likeness) -> tuple[Known, int] | None:
        """The known picture that one is most like, and in how many bits it differs, if it is like one."""
        found = min(
            ((known, picture.distance(known.hash)) for known in self.known),
            key=lambda each: each[1],
            default=None,
        )
        return None if found is None or found[1] > self.distance else found

    def _evidence(self, seen: Examined) -> Iterator[Evidence]:
        for picture in seen.pictures:
            found = self.nearest(picture)
            if found is not None:
                yield Evidence(0, 0, "", _why(*found))


def _why(known: Known, differing: int) -> str:
    if known.added is None:
        return _(
            "a picture like the known one “{name}” ({n} of {bits} bits differ)",
            name=known.name,
            n=differing,
            bits=BITS,
        )
    return _(
        "a picture like “{name}”, which was added on {day} ({n} of {bits} bits differ)",
        name=known.name,
        day=known.added.isoformat(),
        n=differing,
        bits=BITS,
    )
