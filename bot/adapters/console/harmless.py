"""Making a text harmless for a terminal: no escape sequence, no hidden line break, no turned direction."""

import re

_REPLACEMENT = "\ufffd"
_LINE_BREAKS = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""What `str.splitlines` takes for a line break besides the newline: all become newlines."""

_BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Overrides and isolates reorder what is seen (https://www.unicode.org/reports/tr9/, 2.1 to 2.5)."""

_HARMLESS: dict[int, int | str] = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"},  # control pictures
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), _REPLACEMENT),
    **{ord(character): "\n" for character in _LINE_BREAKS},
    **{ord(character): _REPLACEMENT for character in _BIDI},
}
_ESCAPED = re.compile(r"(```.*?```|`[^`\n]*`)|\\([`*_~|\[\]()<>#\\])", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


def harmless(text: str) -> str:
    """The text with every character that a terminal would obey made visible instead."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATE.sub(_REPLACEMENT, lines.translate(_HARMLESS))


def unescaped(text: str) -> str:
    """Markdown without the escapes, which nothing takes away here; code is left as it is."""
    return _ESCAPED.sub(lambda found: found[1] or found[2], text)
