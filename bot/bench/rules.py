"""As many moderation rules as a benchmark asks for: a preset, then lists of words, patterns and sites."""

from random import Random

from bot.moderation.rule import Rule
from bot.moderation.rulebook import preset, rule_from

WORDS_OF_EACH, PATTERNS_OF_EACH, SITES_OF_EACH = 20, 3, 50
"""What a rule of each kind lists."""

MOST_PATTERN_RULES = 120
"""Beyond it a community would have more patterns than it may."""

_SYLLABLES = [first + second for first in "bklmnrt" for second in "aeio"]


def rules_for_bench(count: int) -> tuple[Rule, ...]:
    """Rules that look at everything and find next to nothing in ordinary talk, the same at every call."""
    chance = Random(1)  # noqa: S311 - words of a benchmark
    rules = list(preset("standard"))[:count]
    patterns = 0
    while len(rules) < count:
        name = f"bench-{len(rules)}"
        match len(rules) % 5:
            case 0 | 2 if patterns < MOST_PATTERN_RULES:
                patterns += 1
                sought = [rf"\b{_word(chance)} +{_word(chance)}s?\d+" for _n in range(PATTERNS_OF_EACH)]
                rules.append(rule_from("patterns", name, {"patterns": sought}))
            case 1:
                sites = [f"{_word(chance)}.example" for _n in range(SITES_OF_EACH)]
                rules.append(rule_from("links", name, {"deny": sites}))
            case _:
                words = [_word(chance) for _n in range(WORDS_OF_EACH)]
                rules.append(rule_from("words", name, {"words": words}))
    return tuple(rules)


def _word(chance: Random) -> str:
    """A word that no language has."""
    return "".join(chance.choices(_SYLLABLES, k=4)) + "x"
