"""A regular expression that is any of many: a text in ASCII is not searched for what no such text holds."""

import re
from collections.abc import Sequence

_OPTIONAL = re.compile(r"[|?*{]")


class AnyOf:
    """Alternatives, tried in their order; half of ours are Chinese, and most texts are not."""

    def __init__(self, alternatives: Sequence[str], around: str = "{}") -> None:
        """Args: around: what stands around each of them, such as the end of a word."""
        self._all = _joined(alternatives, around)
        self._of_ascii = _joined([each for each in alternatives if _may_be_ascii(each)], around)

    def of(self, text: str) -> re.Pattern[str]:
        """What a text is to be searched for; finds in it what all alternatives would."""
        return self._of_ascii if text.isascii() else self._all


def _joined(alternatives: Sequence[str], around: str) -> re.Pattern[str]:
    return re.compile(around.format(f"(?:{'|'.join(alternatives)})") if alternatives else r"(?!)")


def _may_be_ascii(alternative: str) -> bool:
    return alternative.isascii() or _OPTIONAL.search(alternative) is not None
