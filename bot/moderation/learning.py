"""What the classifiers may learn from moderators' verdicts: nothing, unless a room of Matrix agreed to it.

Discord forbids training on what members write (Developer Policy, rule 21), so no setting allows it there. A
verdict is kept as an example only while its message stands as it was judged, or if moderation itself took the
message away: what an author changes or deletes teaches nothing.
"""

from collections.abc import Callable

from bot.core.actions import Severity
from bot.core.events import Channel
from bot.moderation.agreeing import can_be_learned_from
from bot.moderation.review import Review
from bot.moderation.scored import ScoreRule
from bot.storage.cases import Case
from bot.storage.examples import LabelledExample
from bot.storage.store import Store

SCORES = frozenset({"toxicity", "spam"})
"""What is trained from labelled texts."""

_LABELS = {"upheld": True, "false alarm": False}

Learns = Callable[[Channel], bool]
"""Whether the moderators of a place agreed to it."""


def nowhere(channel: Channel) -> bool:
    """Where nobody is asked."""
    return False


class Learning:
    """Keeps verdicts as examples where that is agreed."""

    def __init__(self, store: Store, review: Review, learns: Learns) -> None:
        self._store, self._review, self._learns = store, review, learns

    async def note(self, case: Case) -> None:
        """Make the example about a case what was decided now; noting it again changes nothing."""
        if not can_be_learned_from(case.message.channel):
            return
        example = self._example(case)
        examples = self._store.examples
        if example is None or not await self._may_keep(case):
            await examples.drop(case.message)
            return
        await examples.keep(example)
        if not await self._may_keep(case):  # its author changed or deleted it at this very moment
            await examples.drop(case.message)

    def _example(self, case: Case) -> LabelledExample | None:
        label = _LABELS.get(case.state)
        if label is None or not case.text or not self._learns(case.message.channel):
            return None
        rule = self._review.rules(case.message.channel).find(case.rule)
        if not isinstance(rule, ScoreRule) or rule.score not in SCORES:
            return None
        removed = bool({"hide", "delete"} & {*case.did})
        author = case.author.identity
        return LabelledExample(case.message, author, case.text, rule.score, label, removed, case.at)

    async def _may_keep(self, case: Case) -> bool:
        """Whether nobody took it back: not its author, and not by a wish about all they said."""
        store = self._store
        if store.privacy.refuses(store.seal.pseudonym(case.author.identity), case.at):
            return False
        stored = await store.messages.get(case.message)
        if stored is not None:
            return stored.text in case.text
        was_removed = bool({"hide", "delete"} & {*case.was})
        by_rule = not case.shadow and case.severity >= Severity.HIDE
        return was_removed and (by_rule or await store.examples.knows(case.message))
