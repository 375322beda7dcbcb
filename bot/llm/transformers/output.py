"""From tokens to text that may be shown: whole characters, nothing of a stop string."""

from collections.abc import Callable, Sequence

BROKEN_CHARACTER = "\ufffd"


class StopFilter:
    """Ends a text before the first stop string, however it is cut into pieces."""

    def __init__(self, stops: Sequence[str]) -> None:
        """Args: stops: empty ones are ignored."""
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.stopped = False

    def push(self, piece: str) -> str:
        """The text that is certain now; what may become a stop string is held back."""
        self._held += piece
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.stopped = True
            certain, self._held = self._held[: min(found)], ""
            return certain
        keep = max((_overlap(self._held, stop) for stop in self._stops), default=0)
        cut = len(self._held) - keep
        certain, self._held = self._held[:cut], self._held[cut:]
        return certain

    def flush(self) -> str:
        """What was held back and turned out to be text."""
        rest, self._held = self._held, ""
        return rest


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)


class Output:
    """The text of one answer while it grows."""

    def __init__(self, decode: Callable[[int], str | None], stops: Sequence[str]) -> None:
        """Args: decode: takes the next token; None until its characters are complete."""
        self._decode = decode
        self._filter = StopFilter(stops)
        self.has_text = False

    @property
    def stopped(self) -> bool:
        """A stop string was written: the answer is over."""
        return self._filter.stopped

    def push(self, token: int) -> str:
        """What can be shown after this token, often nothing yet."""
        return self._shown(self._filter.push((self._decode(token) or "").replace(BROKEN_CHARACTER, "")))

    def flush(self) -> str:
        """The rest, when no token follows; half a character is dropped."""
        return self._shown(self._filter.flush())

    def _shown(self, text: str) -> str:
        self.has_text = self.has_text or bool(text.strip())
        return text
