"""The rules of one community, compiled: all they look for is looked for in one pass over a message."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from bot.core.errors import UserError
from bot.core.events import Message
from bot.core.text import _
from bot.moderation.examined import UNKNOWN, Examined, Hit, OffTopic, Place, Scorer, Standing
from bot.moderation.literals import Literals
from bot.moderation.normalize import Normalized, normalize
from bot.moderation.patterns import MAX_PATTERNS, Patterns
from bot.moderation.rule import Rule

_DISGUISED = "h3llo wörld, sh*t, с0mment, f u n n y"
"""Everything that folding has tables for is in it, so that they are loaded before the first message."""


class Ruleset:
    """Rules that share one automaton for their literals and one set of their expressions.

    Making one takes a tenth of a second, so it is made when rules change and not for a message.

    Attributes:
        rules: in the order in which moderators see them.
        needs_scores: one of them asks the classifiers.
        asking: those that ask a language model.
        looking: those that look at pictures.

    Raises:
        UserError: an expression is none, or there are too many.
    """

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.rules = tuple(rules)
        foreign = sum(len(rule.expressions()) for rule in self.rules if rule.foreign)
        if foreign > MAX_PATTERNS:
            raise UserError(
                _("A community has at most {n} patterns, and these are {many}.", n=MAX_PATTERNS, many=foreign)
            )
        literals = [(rule.name, literal) for rule in self.rules for literal in rule.literals()]
        expressions = [(rule.name, expression) for rule in self.rules for expression in rule.expressions()]
        always = [rule for rule in self.rules if not rule.waits]
        self._about_links = tuple(rule for rule in always if rule.needs_links)
        self._always = tuple(rule for rule in always if not rule.needs_links)
        self._anywhere = frozenset(id(rule) for rule in self.rules if rule.is_for_all)
        self._waiting = {rule.name: rule for rule in self.rules if rule.waits}
        self.needs_scores = any(rule.needs_scores for rule in self.rules)
        self.asking = tuple(rule for rule in self.rules if rule.asks_a_model)
        self.looking = tuple(rule for rule in self.rules if rule.looks_at_pictures)
        self._literals = Literals(literals)
        self._patterns = Patterns(expressions, {rule.name for rule in self.rules if not rule.foreign})

        if self.rules:
            normalize(_DISGUISED)
        for rule in self.rules:
            rule.prepare()

    def __bool__(self) -> bool:
        return bool(self.rules)

    def find(self, name: str) -> Rule | None:
        """A rule by its name."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def examine(
        self,
        message: Message,
        *,
        is_edit: bool = False,
        is_ours: bool = False,
        standing: Standing = UNKNOWN,
        place: Place | None = None,
        scorer: Scorer | None = None,
        off_topic: OffTopic | None = None,
    ) -> Examined:
        """Look at a message for all rules."""
        return Examined(
            message,
            is_edit=is_edit,
            is_ours=is_ours,
            standing=standing,
            place=place,
            scorer=scorer,
            off_topic=off_topic,
            search=self.search,
        )

    def search(self, text: Normalized) -> Mapping[str, Sequence[Hit]]:
        """Where what the rules look for stands, by the name of the rule."""
        found: dict[str, list[Hit]] = defaultdict(list)
        self._literals.search(text, found)
        self._patterns.search(text, found)
        return found

    def concerned(self, seen: Examined) -> Iterator[Rule]:
        """The rules that have to look at a message: those that look at all, and those with a hit."""
        asked = self._always
        if self._about_links and seen.links:
            asked += self._about_links
        if self._waiting:
            asked += tuple(self._waiting[name] for name in seen.found if name in self._waiting)
        return (rule for rule in asked if id(rule) in self._anywhere or rule.applies(seen))
