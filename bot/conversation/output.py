"""What a model writes, made safe for a community while it streams.

Nobody is called (mass mentions, mentions by id), no link hides where it leads, no image is fetched, and no
character turns text around or hides it. Code is left as it is, but for mentions.

Discord and CommonMark disagree about what is code, so ambiguous marks are written so that both agree: a fence
stands at the beginning of its own line, an unpaired backtick is escaped, an open fence is closed at the end.
Every decision looks at most `WINDOW` characters ahead, so a filtered stream equals the filtered whole,
however it is cut.

Source: https://spec.commonmark.org/0.31.2/ (#code-spans, #fenced-code-blocks, #links,
#link-reference-definitions).
"""

import re
from collections.abc import Sequence

WINDOW = 1_000
"""Characters held back at most: longer links, labels and spans of code are taken apart instead."""

_DROPPED = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f\u061c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f]|[\U000e0000-\U000e007f]"
)
"""Turns text around, or hides it: tags spell out words that no reader sees and a program reads."""
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SILENT = "\u200b"
"""Zero width space: a mention with it after the @ calls nobody and still reads the same."""

_PLAIN = re.compile(r"[^\\`<!\[\]@:\n]+")
_PLAIN_CODE = re.compile(r"[^`@<\n]+")
_MENTION = re.compile(r"@(?=everyone|here|room)|<@(?=[!&]?\d)", re.IGNORECASE)
_MENTION_BEGUN = re.compile(
    r"@(?:e(?:v(?:e(?:r(?:y(?:o(?:n)?)?)?)?)?)?|h(?:e(?:r)?)?|r(?:o(?:o)?)?)?\Z|<(?:@[!&]?)?\Z", re.IGNORECASE
)
_LABEL = r"[^\[\]\\`<>@\n]{0,300}"
_TARGET = r"(?:[^\s()\[\]<>\\`@]|\([^\s()\[\]<>\\`@]*\))*"
_LINK = re.compile(
    rf"""!?\[(?P<label>{_LABEL})\]\(\s*<?(?P<target>{_TARGET})>?(?:\s+(?:"[^"\n`]*"|'[^'\n`]*'))?\s*\)"""
)
_LINK_BEGUN = re.compile(
    rf"!\Z|!?\[{_LABEL}(?:\](?:\(\s*(?:<?{_TARGET}(?:\([^\s()\[\]<>\\`@]*)?"
    r"""(?:>?(?:\s+(?:"[^"\n`]*"?|'[^'\n`]*'?)?\s*)?)?)?)?)?\Z"""
)
_TAG = re.compile(r"<(?P<name>img|a)\b(?P<attributes>[^<>`\n]*)>|</a\s{0,9}>", re.IGNORECASE)
_TAG_BEGUN = re.compile(
    r"<(?:i(?:m(?:g(?:\b[^<>`\n]*)?)?)?|a(?:\b[^<>`\n]*)?|/(?:a\s{0,9})?)?\Z", re.IGNORECASE
)
_TAG_NAME = re.compile(r"</?(?:img|a)\b", re.IGNORECASE)
_ATTRIBUTE = r"""\b{name}\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"""
_ALT = re.compile(_ATTRIBUTE.format(name="alt"), re.IGNORECASE)
_SOURCE = re.compile(_ATTRIBUTE.format(name="(?:src|href)"), re.IGNORECASE)
_UNFIT = re.compile(r"[\[\]@\\]")
_INFO = re.compile(r"[ \t]*([\w+#.\-]{0,40})[ \t]*(\n|\Z)")
_TILDES_BEGUN = re.compile(r"~{1,2}\Z")
_TICKS = re.compile(r"`+")
_COLON_BEGUN = re.compile(r":/?\Z")
_ONE = re.compile(r".\Z")
_BLANKS = re.compile(r"[ \t]*")
_ESCAPED = re.compile(r"\\[!-;=-?\[\\^-`{-~]")

_LAST_WORD = re.compile(r"\S*\Z")


class OutputFilter:
    """Filters one answer. `feed` pieces, send what comes back, and `finish`."""

    def __init__(self) -> None:
        self._held = ""
        self._out: list[str] = []
        self._final = False
        self._fence: int | None = None  # in a fence: by how many blanks it was indented
        self._fence_is_empty = True
        self._last = "\n"
        self._line_is_blank = True
        self._in_address = False
        self._in_angle = False

    def feed(self, piece: str) -> str:
        """What is certain after this piece."""
        self._held += _SURROGATE.sub("\ufffd", _DROPPED.sub("", piece))
        position = 0
        while position < len(self._held):
            window = self._held[position : position + WINDOW]
            taken = self._take_prose(window) if self._fence is None else self._take_code(window)
            if taken is None:
                break
            position += taken
        self._held = self._held[position:]
        return self._flush()

    def finish(self) -> str:
        """The rest, with a closing fence if one is open."""
        self._final = True
        rest = self.feed("")
        if self._fence is not None:
            self._close_fence()
        return rest + self._flush()

    # Each of these emits the beginning of a window and returns its length, or None to wait for more.

    def _take_prose(self, window: str) -> int | None:
        if self._line_is_blank:
            blanks = self._blanks(window)
            if blanks is None:
                return None
            rest = window[blanks:]
            if rest[:1] == "`":
                taken = self._take_ticks(rest, window[:blanks])
                return None if taken is None else blanks + taken
            if rest[:1] == "~":
                return self._take_tilde(rest, window[:blanks])
            if blanks:
                return self._put(window[:blanks], blanks)
        plain = _PLAIN.match(window)
        if plain:
            return self._put(plain[0], len(plain[0]))
        return self._take_mark(window)

    def _take_mark(self, window: str) -> int | None:
        match window[0]:
            case "\n":
                return self._put("\n", 1)
            case "\\":
                return self._take_escape(window)
            case "`":
                return self._take_ticks(window, "")
            case "@":
                return self._take_mention(window)
            case "<":
                return self._take_angle(window)
            case "!" | "[":
                return self._take_link(window)
            case "]":
                return self._take_bracket(window)
            case _:
                return self._take_colon(window)

    def _take_tilde(self, rest: str, blanks: str) -> int | None:
        """A fence of tildes is one for CommonMark only; escaped, it is none for anybody."""
        if self._waits(_TILDES_BEGUN, rest):
            return None
        return self._put(blanks + ("\\~" if rest.startswith("~~~") else "~"), len(blanks) + 1)

    def _take_escape(self, window: str) -> int | None:
        if self._waits(_ONE, window):
            return None
        escaped = _ESCAPED.match(window)
        return self._put(escaped[0], 2) if escaped else self._put("\\", 1)

    def _take_mention(self, window: str) -> int | None:
        if self._waits(_MENTION_BEGUN, window):
            return None
        found = _MENTION.match(window)
        return self._put(found[0] + _SILENT, len(found[0])) if found else self._put(window[0], 1)

    def _take_angle(self, window: str) -> int | None:
        found = _TAG.match(window)
        if found:
            attributes = found["attributes"]
            if attributes is None:
                return self._put(" ", len(found[0]))
            self._put_link(_attribute(_ALT, attributes), _attribute(_SOURCE, attributes), 0)
            return self._put(" ", len(found[0]))
        if self._waits(_TAG_BEGUN, window):
            return None
        if _TAG_NAME.match(window):
            return self._put("< ", 1)
        taken = self._take_mention(window)
        self._in_angle = self._in_angle or taken is not None
        return taken

    def _take_link(self, window: str) -> int | None:
        found = _LINK.match(window)
        if found:
            return self._put_link(found["label"], found["target"], len(found[0]))
        return None if self._waits(_LINK_BEGUN, window) else self._put(window[0], 1)

    def _take_bracket(self, window: str) -> int | None:
        """What no link was made of must not become one: neither here nor by a definition elsewhere."""
        if self._waits(_ONE, window):
            return None
        return self._put("] " if window[1:2] in ("(", ":") else "]", 1)

    def _take_colon(self, window: str) -> int | None:
        if self._waits(_COLON_BEGUN, window):
            return None
        return self._put("://", 3) if window.startswith("://") else self._put(":", 1)

    def _take_ticks(self, window: str, blanks: str) -> int | None:
        """A run of backticks in prose: code within the line, a fence, or characters that must stay alone."""
        if self._in_address:
            return self._put("%60", 1)
        run = _run(window)
        end = window.find("\n")
        whole = self._final or end >= 0 or len(window) + len(blanks) >= WINDOW
        closing = -1 if self._in_angle else _closing(window, run, end if end >= 0 else len(window))
        if closing + run == len(window) and len(window) + len(blanks) >= WINDOW:
            closing = -1
        if not whole and not 0 <= closing < len(window) - run:
            return None
        code = window[run:closing]
        if closing >= 0 and (run < 3 or "`" not in code):
            ticks = "`" * min(run, 3)
            return self._put(f"{blanks}{ticks}{_silenced(code)}{ticks}", closing + run)
        if run < 3:
            return self._put(blanks + "\\`" * run, run)
        return self._open_fence(window, run, len(blanks))

    def _open_fence(self, window: str, run: int, indent: int) -> int:
        info = _INFO.match(window, run)
        self._put(f"{self._line_break()}```{info[1] if info else ''}\n", 0)
        self._fence, self._fence_is_empty = indent, True
        return info.end() if info else run

    def _close_fence(self) -> None:
        """Discord takes a fence around nothing for text, so there is never nothing in it."""
        if self._fence_is_empty:
            self._put(" ", 0)
        self._put(self._line_break() + "```", 0)
        self._fence = None

    def _take_code(self, window: str) -> int | None:
        blanks = self._blanks(window) if self._last == "\n" else 0
        if blanks is None:
            return None
        dedented = window[min(blanks, self._fence or 0) : blanks]
        if window[blanks : blanks + 1] == "`":
            return self._take_ticks_in_code(window[blanks:], blanks, dedented)
        if blanks:
            return self._put_code(dedented, blanks)
        plain = _PLAIN_CODE.match(window)
        if plain:
            return self._put_code(plain[0], len(plain[0]))
        if window[0] == "\n":
            return self._put("\n", 1)
        taken = self._take_mention(window)
        self._fence_is_empty = self._fence_is_empty and taken is None
        return taken

    def _take_ticks_in_code(self, window: str, blanks: int, dedented: str) -> int | None:
        """Three or more backticks end the code for Discord wherever they stand, so they do here."""
        run = _run(window)
        room = WINDOW - blanks
        if run == len(window) < room and not self._final:
            return None
        if run < 3:
            return self._put_code(dedented + "`" * run, blanks + run)
        info = _INFO.match(window, run)
        if info and not info[2] and len(window) < room and not self._final:
            return None
        self._close_fence()
        if info and not info[1]:
            at_end = self._final and len(window) < room
            return blanks + self._put("" if at_end and not info[2] else "\n", info.end())
        self._put("\n", 0)
        return blanks + (self._open_fence(window, run, blanks) if info else run)

    def _blanks(self, window: str) -> int | None:
        """Blanks at the beginning of a line; None while it is not known what follows them."""
        blanks = len(window) - len(window.lstrip(" \t"))
        return None if blanks == len(window) < WINDOW and not self._final else blanks

    def _waits(self, begun: re.Pattern[str], window: str) -> bool:
        return not self._final and len(window) < WINDOW and begun.match(window) is not None

    def _line_break(self) -> str:
        return "" if self._last == "\n" else "\n"

    def _put_link(self, label: str, target: str, taken: int) -> int:
        text = label if not target else f"{label} ({target})" if label.strip() not in ("", target) else target
        return self._put(f" {text}" if text[:1] in "(: " else text, taken)

    def _put_code(self, text: str, taken: int) -> int:
        self._fence_is_empty = self._fence_is_empty and not text
        return self._put(text, taken)

    def _put(self, text: str, taken: int) -> int:
        """Emit a text and remember where in a line, an address or angle brackets it ends."""
        if text:
            self._out.append(text)
            self._last = text[-1]
            _before, line_break, line = text.rpartition("\n")
            self._line_is_blank = (bool(line_break) or self._line_is_blank) and not line.strip(" \t")
            word = _LAST_WORD.search(text)
            if word is not None and word.start() > 0:
                self._in_address = self._in_angle = False
            self._in_address = self._in_address or (word is not None and "://" in word[0])
            self._in_angle = self._in_angle and ">" not in text
        return taken

    def _flush(self) -> str:
        safe = "".join(self._out)
        self._out.clear()
        return safe


class StopStrings:
    """Ends a text where a stop string begins; holds back only what may become one."""

    def __init__(self, stops: Sequence[str]) -> None:
        """Args: stops: none of them empty."""
        self.hit = False
        self._stops = tuple(stops)
        self._held = ""

    def feed(self, piece: str) -> str:
        """What certainly stands before the first stop string."""
        if self.hit:
            return ""
        self._held += piece
        found = min((at for stop in self._stops if (at := self._held.find(stop)) >= 0), default=-1)
        if found >= 0:
            self.hit = True
            return self._held[:found]
        keep = max((_overlap(self._held, stop) for stop in self._stops), default=0)
        certain = self._held[: len(self._held) - keep]
        self._held = self._held[len(self._held) - keep :]
        return certain

    def finish(self) -> str:
        """The rest, if no stop string came."""
        rest = "" if self.hit else self._held
        self._held = ""
        return rest


def clean(text: str) -> str:
    """A whole text, filtered."""
    output = OutputFilter()
    return output.feed(text) + output.finish()


def _run(text: str) -> int:
    return len(text) - len(text.lstrip("`"))


def _closing(text: str, run: int, end: int) -> int:
    """Where a run of exactly as many backticks begins after the first one, or -1."""
    return next(
        (m.start() for m in _TICKS.finditer(text, run, end) if len(m[0]) == run and m.start() > run), -1
    )


def _silenced(code: str) -> str:
    """Code within a line: nobody is called; next to a table's bars it may turn out to be no code."""
    silent = _MENTION.sub(lambda found: found[0] + _SILENT, code)
    return silent.replace("](", "] (") if "|" in silent else silent


def _attribute(pattern: re.Pattern[str], attributes: str) -> str:
    found = pattern.search(attributes)
    return _UNFIT.sub("", next(filter(None, found.groups()), "")) if found else ""


def _overlap(text: str, stop: str) -> int:
    """How long an end of `text` is that begins `stop`."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)
