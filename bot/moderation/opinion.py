"""What a language model thinks of one message by a policy in words; `asking.py` finds it out."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.text import N_

NO_FORM = N_("the model's verdict has not the form it must have")
TO_THE_JUDGE = N_("it talks to whoever judges it, so a model's word does not count")
OVERLOOKED = N_("the model overlooked what was put in to test it, so its word does not count")
SILENT = N_("the model gave no verdict in time")
BROKEN = N_("the model could not be asked")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a model thinks of a message.

    Attributes:
        breaks: whether it breaks the policy; None if moderators have to look.
        line: the line of the policy that it breaks, from 1; 0 if none is named.
        span: the part of the message it rests on, in code points; None for all of it.
        doubt: why moderators have to look, marked with `N_`.
    """

    breaks: bool | None
    line: int = 0
    span: tuple[int, int] | None = None
    doubt: str = ""


def lines_of(policy: str) -> Sequence[str]:
    """The lines of a policy that say something."""
    return [line.strip() for line in policy.splitlines() if line.strip()]
