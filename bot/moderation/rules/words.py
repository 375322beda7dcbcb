"""Words that are not said here."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from bot.core.text import N_, _
from bot.moderation.examined import Examined, Hit
from bot.moderation.past import Past
from bot.moderation.rule import Example, Finding, Rule, part

MOST_WORDS = 2_000

Word = Annotated[str, Field(min_length=2, max_length=100, pattern=r"[^\s*]")]


class Words(Rule):
    """Finds listed words, however they are written.

    `*` at an end of a word stands for whatever follows or precedes: "spam*" also finds "spammer".
    """

    kind: ClassVar[str] = "words"
    summary: ClassVar[str] = N_(
        "Finds listed words and phrases, also in disguise (l33t, s p a c e d, look-alike letters)."
    )
    violations: ClassVar[tuple[Example, ...]] = (
        Example("what an idiot", {"words": ["idiot"]}),
        Example("You are an 1d1ot!", {"words": ["idiot"]}),
        Example("these spammers again", {"words": ["spam*"]}),
        Example("这个骗子又来了", {"words": ["骗子"]}),
        Example("buy grobnik today", {"words": ["grobnik"]}),
        Example("please kill\nyourself", {"words": ["kill yourself"]}),
        Example("sidiots!", {"words": ["idiot"], "whole_words": False}),
    )
    harmless: ClassVar[tuple[Example, ...]] = (
        Example("that is idiotic", {"words": ["idiot"]}),
        Example("Scunthorpe is a town", {"words": ["cunt"]}),
        Example("the classic dispute", {"words": ["ass"], "whole_words": False, "allow": ["classic"]}),
        Example("这里没有人", {"words": ["骗子"]}),
        Example("the house", {"words": ["hte"]}),
    )

    words: tuple[Word, ...] = Field(
        min_length=1,
        max_length=MOST_WORDS,
        description=N_("What is not said; * at an end of a word stands for anything."),
    )
    whole_words: bool = Field(True, description=N_("Not inside longer words."))
    allow: tuple[Word, ...] = Field(
        (), max_length=MOST_WORDS, description=N_("What may be said although it contains a listed word.")
    )

    @model_validator(mode="after")
    def _has_letters(self) -> Self:
        for word in (*self.words, *self.allow):
            if not any(character.isalnum() for character in word):
                raise ValueError(_("{word} has no letter or digit in it", word=repr(word)))
        return self

    def literals(self) -> tuple[str, ...]:
        """See `Rule`."""
        return (*(word.strip("*") for word in self.words), *self.allow)

    def check(self, seen: Examined, past: Past) -> Finding | None:
        """See `Rule`."""
        hits = seen.hits(self.name)
        if not hits:
            return None
        allowed = [hit for hit in hits if hit.sought in self.allow and hit.starts_word and hit.ends_word]
        found = {(hit.start, hit.end): hit for hit in hits if self._counts(hit) and not hit.within(allowed)}
        if not found:
            return None
        why = _("a word that is not said here")
        return Finding(1.0, tuple(part(seen, start, end, why) for start, end in sorted(found)))

    def _counts(self, hit: Hit) -> bool:
        """Whether one of the listed words wants exactly this."""
        for word in self.words:
            if word.strip("*") != hit.sought:
                continue
            free_start, free_end = (
                not self.whole_words or word[0] == "*",
                not self.whole_words or word[-1] == "*",
            )
            if (free_start or hit.starts_word) and (free_end or hit.ends_word):
                return True
        return False
