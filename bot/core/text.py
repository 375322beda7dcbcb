"""Words people read, in their language: thin gettext with a catalogue per locale."""

import gettext as _gettext
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LOCALES = ("en", "zh-CN")
_LOCALE_DIR = Path(__file__).parent.parent / "locale"

_current: ContextVar[str] = ContextVar("locale", default="en")


def closest_locale(tag: str | None, default: str = "en") -> str:
    """The supported locale nearest to a client's language tag ("zh", "zh-TW" -> "zh-CN")."""
    if not tag:
        return default
    language = tag.replace("_", "-").split("-")[0].lower()
    return next((known for known in LOCALES if known.split("-")[0] == language), default)


def set_locale(tag: str) -> None:
    """Choose the language of `_` for the current task and the tasks it starts."""
    _current.set(closest_locale(tag))


def current_locale() -> str:
    """The locale chosen for this task."""
    return _current.get()


@contextmanager
def speaking(tag: str) -> Iterator[None]:
    """Use a language for a while: for what everybody reads, whoever caused it."""
    before = current_locale()
    set_locale(tag)
    try:
        yield
    finally:
        set_locale(before)


@cache
def _catalogue(locale: str) -> _gettext.NullTranslations:
    folder = locale.replace("-", "_")
    return _gettext.translation("llmos", _LOCALE_DIR, languages=[folder], fallback=locale == "en")


def _(message: str, **values: object) -> str:
    """Translate, then fill in: `_("{n} left", n=3)`. Values are data and are never translated."""
    text = _catalogue(_current.get()).gettext(message)
    return text.format(**values) if values else text


def ngettext(one: str, many: str, n: int, **values: object) -> str:
    """Translate with the plural form that `n` needs; `{n}` is filled in."""
    return _catalogue(_current.get()).ngettext(one, many, n).format(n=n, **values)


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for "mark, translate later"
    """Mark a module-level text for the catalogue; it is translated where it is shown."""
    return message


def in_locale(tag: str, message: str) -> str:
    """A text in one language, whatever the current one is: for platforms that are told all of them."""
    return _catalogue(closest_locale(tag)).gettext(message)
