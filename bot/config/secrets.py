"""Secrets: named in the configuration, read only when needed, never shown.

`env:NAME` reads an environment variable, `file:PATH` the content of a file (without the newline at its
end), anything else is the secret itself.
"""

import os
import stat
from pathlib import Path

from bot.config.paths import expanded
from bot.core.errors import ConfigError
from bot.core.text import _

_MAX_BYTES = 10_000
"""No key or password is longer."""

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""Permission bits nobody but the owner of a secret file should have."""


class Secret:
    """A secret by reference; printing it in any way shows only where it comes from."""

    __slots__ = ("_inline", "source")

    source: str
    """"env:NAME", "file:/absolute/path" or "inline"; safe to show."""

    def __init__(self, reference: str, folder: Path) -> None:
        """Args: folder: what a relative `file:` path is relative to."""
        self._inline = ""
        if reference.startswith("env:"):
            self.source = reference
        elif reference.startswith("file:"):
            path = expanded(Path(reference.removeprefix("file:")))
            self.source = f"file:{folder / path}"
        else:
            self.source = "inline"
            self._inline = reference

    @property
    def path(self) -> Path | None:
        """The file it is read from, if it comes from a file."""
        return Path(self.source.removeprefix("file:")) if self.source.startswith("file:") else None

    @property
    def is_inline(self) -> bool:
        """True when the configuration holds the secret itself."""
        return self.source == "inline"

    def reveal(self) -> str:
        """The secret.

        Raises:
            ConfigError: it is not where the configuration says; the text says what to do and holds no secret.
        """
        if (path := self.path) is not None:
            value = _read(path)
        elif self.is_inline:
            value = self._inline
        else:
            value = os.environ.get(self.source.removeprefix("env:"), "")
        if not value:
            raise ConfigError(_("The secret {source} is empty or not set.", source=self.source))
        return value

    def is_exposed(self) -> bool:
        """True when other users of this machine may read the file it is in."""
        if (path := self.path) is None:
            return False
        try:
            return bool(path.stat().st_mode & OTHERS)
        except OSError:
            return False

    def __repr__(self) -> str:
        return f"Secret({self.source})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return (self.source, self._inline) == (other.source, other._inline)

    def __hash__(self) -> int:
        return hash((self.source, self._inline))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)  # never all of it: it may be /dev/zero
        text = content.decode("utf-8").strip("\r\n")
    except UnicodeDecodeError as error:
        raise ConfigError(_("The secret file {path} is not text.", path=path)) from error
    except OSError as error:
        raise ConfigError(
            _("The secret file {path} cannot be read: {why}.", path=path, why=error.strerror or error)
        ) from error
    if len(content) > _MAX_BYTES or not text.isprintable():
        raise ConfigError(_("The secret file {path} holds more than one line of text.", path=path))
    return text
