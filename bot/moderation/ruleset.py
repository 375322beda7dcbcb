"""The rules of one community, compiled: all they look for is looked for in one pass over a message."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from ahocorasick_rs import AhoCorasick

from bot.core.events import Message
from bot.moderation.examined import Examined, Hit, Place, Scorer, Standing
from bot.moderation.normalize import Normalized, normalize
from bot.moderation.patterns import Patterns
from bot.moderation.rule import Rule


class Ruleset:
    """Rules that share one automaton for their literals and one set of their expressions.

    Making one costs milliseconds, so it is made when rules change and not for a message.

    Attributes:
        rules: in the order in which moderators see them.

    Raises:
        UserError: an expression is none, or there are too many.
    """

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.rules = tuple(rules)
        literals = [(rule.name, literal) for rule in self.rules for literal in rule.literals()]
        expressions = [(rule.name, expression) for rule in self.rules for expression in rule.expressions()]
        seeking = {name for name, _sought in (*literals, *expressions)}
        self._always = tuple(rule for rule in self.rules if rule.name not in seeking)
        self._seeking = {rule.name: rule for rule in self.rules if rule.name in seeking}
        self._literals = Literals(literals)
        self._patterns = Patterns(expressions)

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
        standing: Standing | None = None,
        place: Place | None = None,
        scorer: Scorer | None = None,
    ) -> Examined:
        """Look at a message for all rules."""
        return Examined(
            message,
            is_edit=is_edit,
            is_ours=is_ours,
            standing=standing,
            place=place,
            scorer=scorer,
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
        if self._seeking:
            asked += tuple(self._seeking[name] for name in seen.found)
        return (rule for rule in asked if rule.applies(seen))


class Literals:
    """One automaton for the literals of all rules."""

    def __init__(self, sought: Sequence[tuple[str, str]]) -> None:
        """Args: sought: names of rules and what they look for."""
        owners: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for name, literal in sought:
            folded = normalize(literal).text
            if folded:
                owners[folded].append((name, literal))
        self._owners = tuple(owners.values())
        self._automaton = AhoCorasick(tuple(owners)) if owners else None

    def search(self, text: Normalized, found: dict[str, list[Hit]]) -> None:
        """Add the hits in a text; overlapping ones too. Linear in the text and the number of hits."""
        if self._automaton is None:
            return
        for index, start, end in self._automaton.find_matches_as_indexes(text.text, overlapping=True):
            is_word = _ends(text.text, start - 1, start) and _ends(text.text, end - 1, end)
            begins, ends = text.span(start, end)
            for name, literal in self._owners[index]:
                found[name].append(Hit(literal, begins, ends, is_word))


def _ends(text: str, before: int, after: int) -> bool:
    """Whether a word may begin or end between two neighbouring characters."""
    if before < 0 or after >= len(text):
        return True
    return not (_is_letter(text[before]) and _is_letter(text[after]))


def _is_letter(character: str) -> bool:
    """Letters and digits of scripts that put spaces between words; of others, every place ends a word."""
    return character.isalnum() and not "\u0e00" <= character <= "\u0e7f" and not _is_ideograph(character)


def _is_ideograph(character: str) -> bool:
    return "\u2e80" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff"
