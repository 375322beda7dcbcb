"""Files that nobody should open, or too many of them."""

import unicodedata
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar

from humanize import naturalsize
from pydantic import Field

from bot.core.actions import Severity
from bot.core.events import Attachment
from bot.core.text import N_, _
from bot.moderation.examined import Examined
from bot.moderation.past import Past
from bot.moderation.rule import ActionName, Evidence, Example, Finding, Rule

PROGRAMS = (
    ".apk",
    ".app",
    ".appimage",
    ".bat",
    ".cmd",
    ".com",
    ".cpl",
    ".deb",
    ".dll",
    ".dmg",
    ".exe",
    ".hta",
    ".iso",
    ".img",
    ".jar",
    ".js",
    ".jse",
    ".lnk",
    ".msi",
    ".msp",
    ".pif",
    ".pkg",
    ".ps1",
    ".reg",
    ".rpm",
    ".scr",
    ".sh",
    ".vbe",
    ".vbs",
    ".wsf",
    ".xpi",
    ".split",
)
"""What runs when it is opened, on one system or another."""

_KIND = Annotated[str, Field(min_length=2, max_length=100, pattern=r"^(\.[\w.+-]+|[\w.+-]+/[\w.+*-]+)$")]
"""An ending such as ".exe", or a media type such as "video/*"."""


def _file(name: str, content_type: str = "application/octet-stream", size_bytes: int = 10_000) -> Attachment:
    return Attachment("1", name, content_type, size_bytes, "https://files.example/1")


_PICTURE = _file("cat.png", "image/png")


class Attachments(Rule):
    """Looks at names, types, sizes and the number of files; their content stays unread."""

    kind: ClassVar[str] = "attachments"
    summary: ClassVar[str] = N_(
        "Finds programs and other unwanted files, files that are too big, and too many of them."
    )
    violations: ClassVar[tuple[Example, ...]] = (
        Example("nice game", attachments=(_file("setup.EXE"),)),
        Example("my photo", attachments=(_file("photo.jpg.scr", "image/jpeg"),)),
        Example("my photo", attachments=(_file("photo\u202egpj.exe", "image/jpeg"),)),
        Example("film", {"deny": ["video/*"]}, attachments=(_file("film.mp4", "video/mp4"),)),
        Example(
            "",
            {"only_allowed": True, "allow": ["image/*"]},
            attachments=(_file("notes.pdf", "application/pdf"),),
        ),
        Example("big", {"megabytes": 5}, attachments=(_file("big.png", "image/png", 6_000_000),)),
        Example("", {"most": 3}, attachments=(_PICTURE,) * 4),
    )
    harmless: ClassVar[tuple[Example, ...]] = (
        Example("my cat", attachments=(_PICTURE,)),
        Example("no file at all"),
        Example("", {"allow": [".sh"]}, attachments=(_file("install.sh", "text/plain"),)),
        Example("", {"only_allowed": True, "allow": ["image/*"]}, attachments=(_PICTURE,)),
    )

    action: ActionName = Field(Severity.QUEUE, description=N_("What follows."))
    deny: tuple[_KIND, ...] = Field(
        PROGRAMS,
        max_length=500,
        description=N_("Endings (.exe) and types (video/*) that are not welcome."),
    )
    allow: tuple[_KIND, ...] = Field(
        (), max_length=500, description=N_("Endings and types that are always fine.")
    )
    only_allowed: bool = Field(False, description=N_("Everything else is a violation."))
    megabytes: float = Field(
        0.0, ge=0, le=10_000, description=N_("Bigger files are violations; 0 for any size.")
    )
    most: int = Field(0, ge=0, le=100, description=N_("More files are a violation; 0 for any number."))

    def check(self, seen: Examined, past: Past) -> Finding | None:
        """See `Rule`."""
        files = seen.message.attachments
        if not files:
            return None
        evidence = tuple(self._evidence(files))
        return Finding(1.0, evidence) if evidence else None

    def _evidence(self, files: tuple[Attachment, ...]) -> Iterator[Evidence]:
        if self.most and len(files) > self.most:
            yield Evidence(0, 0, "", _("{n} files at once", n=len(files)))
        for file in files:
            why = self._why(file)
            if why is not None:
                yield Evidence(0, 0, "", why)

    def _why(self, file: Attachment) -> str | None:
        name = _as_it_is(file.name)
        if self.megabytes and file.size_bytes > self.megabytes * 1e6:
            return _("the file {name} is {size} big", name=name, size=naturalsize(file.size_bytes))
        if _is_one_of(self.allow, name, file):
            return None
        if self.only_allowed or _is_one_of(self.deny, name, file):
            return _("files such as {name} are not welcome here", name=name)
        return None


def _as_it_is(name: str) -> str:
    """A file's name without the signs that turn it round or hide a part of it."""
    return "".join(c for c in name if unicodedata.category(c) not in ("Cf", "Cc")).strip().rstrip(".")


def _is_one_of(kinds: tuple[str, ...], name: str, file: Attachment) -> bool:
    lowered, declared = name.lower(), file.content_type.lower().partition(";")[0].strip()
    return any(
        lowered.endswith(kind.lower()) if kind.startswith(".") else fnmatchcase(declared, kind.lower())
        for kind in kinds
    )
