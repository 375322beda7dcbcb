"""A reaction as a press: below a card the command behind its emoji, below an answer what answers offer.

People can be faster than we: a card is on their screen before its platform has told us its id. So reactions
that mean nothing yet are remembered for some minutes, and looked at again when a card is known.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from bot.commands.rate import HELPFUL, UNHELPFUL
from bot.commands.sources import SOURCES
from bot.core.controls import same_emoji
from bot.core.events import Identity, Invocation, MessageRef, Reaction
from bot.storage.store import Store

EARLY, EARLY_WITHIN = 1_000, timedelta(minutes=5)
"""So many reactions that came before their card are remembered, for so long."""


class Presses:
    """Reactions, and the calls they stand for."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now
        self._early: deque[tuple[datetime, Reaction]] = deque(maxlen=EARLY)
        store.privacy.forgets(self._forget)

    def call(self, reaction: Reaction) -> Invocation | None:
        """The call a reaction stands for, in the name of who reacted; None for one that is only a reaction.

        Machines press nothing, and taking a reaction back takes nothing back.
        """
        if not reaction.added or reaction.author.is_bot:
            return None
        found = self._found(reaction)
        if found is None:
            self._early.append((self._now(), reaction))
        return found

    def early(self, refs: Iterable[MessageRef]) -> Sequence[Invocation]:
        """The calls of reactions that came before the cards below which they stand were known."""
        wanted = {(ref.channel.key, ref.id) for ref in refs}
        oldest = self._now() - EARLY_WITHIN
        waiting = [(at, each) for at, each in self._early if at > oldest]
        ripe = [each for _at, each in waiting if (each.ref.channel.key, each.ref.id) in wanted]
        self._early = deque((pair for pair in waiting if pair[1] not in ripe), maxlen=EARLY)
        return [call for call in map(self._found, ripe) if call is not None]

    def _found(self, reaction: Reaction) -> Invocation | None:
        control = self._store.controls.pressed(reaction.ref, reaction.emoji)
        if control is None and self._store.messages.is_ours(reaction.ref.channel, reaction.ref.id):
            found = (each for each in (HELPFUL, UNHELPFUL, SOURCES) if same_emoji(each.emoji, reaction.emoji))
            control = next(found, None)
        if control is None:
            return None
        return Invocation(
            id=reaction.key,
            channel=reaction.ref.channel,
            author=reaction.author,
            command=control.command,
            at=reaction.at,
            arguments=dict(control.arguments),
            target=reaction.ref,
            silent=True,
        )

    def _forget(self, identity: Identity) -> None:
        kept = (pair for pair in self._early if pair[1].author.identity != identity)
        self._early = deque(kept, maxlen=EARLY)
