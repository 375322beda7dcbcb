"""Two machines must not talk to each other for ever: who answers our answers too fast is taken for a bot."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.actions import Alert
from bot.core.events import Author, Identity, Message
from bot.core.text import _

FOLLOWS = timedelta(seconds=1)
"""People need longer than this to read an answer and to type."""

RUNNING = 3
"""So many fast messages one after the other are no accident; it is also the most a machine gets from us."""

COMMANDS_RUNNING = 15
"""So many fast commands: people who try them out type the next before they have read the answer, or paste
several; no answer of ours is a command, so a machine that only answers never sends any."""

TAKEN_FOR_BOT = timedelta(minutes=10)

_SPENT = 1e-9  # fifteen fifteenths leave a trace

MAX_PARTNERS = 10_000
"""Partners remembered; the least recently seen is forgotten first."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that gets no answer.

    Attributes:
        outcome: why, for `why`: "ignored:notice", "ignored:bot" or "ignored:loop".
        actions: what follows; a note to the moderators when a loop is first seen.
    """

    outcome: str
    actions: tuple[Alert, ...] = ()


@dataclass(slots=True)
class _Partner:
    """What we know of somebody we answered.

    Attributes:
        patience: 1 at first; fast messages take their share of it, and a slow one gives it back.
    """

    place: str
    answered_at: datetime | None = None
    patience: float = 1.0
    bot_until: datetime | None = None
    noted: bool = False


class LoopGuard:
    """Refuses machines: those that say so, and those that behave so."""

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        trusted: frozenset[str] = frozenset({"console"}),
        size: int = MAX_PARTNERS,
    ) -> None:
        """Args: trusted: platforms where only people and their scripts write, and never another bot."""
        self._now = now
        self._trusted = trusted
        self._size = size
        self._partners: OrderedDict[Identity, _Partner] = OrderedDict()

    def refuses(self, message: Message, *, is_command: bool = False) -> Refusal | None:
        """Whether a message that asks for an answer gets none; called once for each, when it arrives."""
        if message.notice:
            return Refusal("ignored:notice")
        if message.author.is_bot:
            return Refusal("ignored:bot")
        partner = self._partners.get(message.author.identity)
        if partner is None:
            return None
        self._partners.move_to_end(message.author.identity)
        now = self._now()
        if partner.bot_until is not None:
            if now < partner.bot_until:
                return self._silence(message, partner)
            del self._partners[message.author.identity]
            return None
        share = 1 / COMMANDS_RUNNING if is_command else 1 / RUNNING
        self._count(partner, message.ref.channel.key, now, share)
        if partner.patience > _SPENT:
            return None
        partner.bot_until = now + TAKEN_FOR_BOT
        return self._silence(message, partner)

    def answered(self, question: Message, at: datetime) -> None:
        """An answer to `question` became visible: its first message, and again when it is complete."""
        if question.ref.channel.platform in self._trusted:
            return
        place = question.ref.channel.key
        partner = self._partners.setdefault(question.author.identity, _Partner(place))
        self._partners.move_to_end(question.author.identity)
        partner.place, partner.answered_at = place, at
        if len(self._partners) > self._size:
            self._partners.popitem(last=False)

    def _count(self, partner: _Partner, place: str, now: datetime, share: float) -> None:
        """Count a message that follows our answer at once; one answer can be followed once."""
        if partner.answered_at is None:
            return
        follows = place == partner.place and timedelta(0) <= now - partner.answered_at <= FOLLOWS
        partner.patience = partner.patience - share if follows else 1.0
        partner.answered_at = None

    def _silence(self, message: Message, partner: _Partner) -> Refusal:
        if partner.noted:
            return Refusal("ignored:loop")
        partner.noted = True
        return Refusal("ignored:loop", (Alert(message.ref.channel, _note(message.author)),))


def _note(author: Author) -> str:
    return _(
        "{name} ({id}) has replied to my answers within a second, several times running. That looks like "
        "another bot, so I will not answer there for {minutes} minutes. If it is one, please mark it "
        "as a bot or mute one of us.",
        name=author.name,
        id=author.id,
        minutes=int(TAKEN_FOR_BOT.total_seconds()) // 60,
    )
