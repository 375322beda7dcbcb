"""A kind pointer to the channel where a message would be at home."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from bot.core.actions import Severity
from bot.core.text import N_, _
from bot.moderation.examined import Examined, Hit
from bot.moderation.past import Past
from bot.moderation.rule import ActionName, Evidence, Example, Finding, Id, Rule, part, whole

_FITS_THERE, _FITS_HERE = 0.3, 0.7
"""How far a message may be from another channel's examples, and must be from this one's."""

_HELP = {"channel": "help", "shown": "#help", "words": ["error", "crash", "install"]}
_SELL = {"channel": "market", "shown": "#market", "words": ["selling", "for sale", "price"]}


class Topic(BaseModel):
    """What a channel is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: Id = Field(description=N_("The channel's id."))
    shown: str = Field("", max_length=100, description=N_("How it is shown, such as #help or <#123>."))
    words: tuple[Annotated[str, Field(min_length=2, max_length=100)], ...] = Field(
        (), max_length=200, description=N_("Words that belong there.")
    )
    examples: tuple[Annotated[str, Field(min_length=1, max_length=1000)], ...] = Field(
        (), max_length=50, description=N_("Messages that belong there, for the classifier.")
    )


class WrongChannel(Rule):
    """Finds messages with several words of another channel and none of their own."""

    kind: ClassVar[str] = "wrong_channel"
    summary: ClassVar[str] = N_("Points to the channel where a message would find more answers.")
    violations: ClassVar[tuple[Example, ...]] = (
        Example("I get an error after the install", {"topics": [_HELP, _SELL]}, channel="market"),
        Example(
            "my bread does not rise",
            {"topics": [{"channel": "kitchen", "examples": ["which pan for eggs?"]}]},
            off_topic={"pan": 0.1},
        ),
    )
    harmless: ClassVar[tuple[Example, ...]] = (
        Example("I get an error after the install", {"topics": [_HELP, _SELL]}, channel="help"),
        Example(
            "selling my board; it has no error, install it yourself",
            {"topics": [_HELP, _SELL]},
            channel="market",
        ),
        Example("one error", {"topics": [_HELP, _SELL]}),
        Example("hello all of you", {"topics": [_HELP, _SELL]}),
    )

    action: ActionName = Field(Severity.HINT, description=N_("What follows."))
    topics: tuple[Topic, ...] = Field(
        min_length=1, max_length=50, description=N_("The channels and what they are for.")
    )
    matches: int = Field(2, ge=1, le=20, description=N_("So many different words of another channel."))

    @property
    def waits(self) -> bool:
        """See `Rule`; the classifier may find what no word tells."""
        return not any(topic.examples for topic in self.topics)

    def literals(self) -> tuple[str, ...]:
        """See `Rule`."""
        return tuple({word for topic in self.topics for word in topic.words})

    def check(self, seen: Examined, past: Past) -> Finding | None:
        """See `Rule`."""
        channel = seen.message.ref.channel.id
        elsewhere = [topic for topic in self.topics if topic.channel != channel]
        here = {word for topic in self.topics if topic.channel == channel for word in topic.words}
        hits = [hit for hit in seen.hits(self.name) if hit.starts_word and hit.ends_word]
        if any(hit.sought in here for hit in hits):
            return None
        return self._by_words(seen, hits, elsewhere) or self._by_examples(seen, elsewhere)

    def _by_words(self, seen: Examined, hits: list[Hit], topics: list[Topic]) -> Finding | None:
        """The channel most of whose words stand in the message."""
        best: tuple[int, Topic, list[Hit]] | None = None
        for topic in topics:
            found = [hit for hit in hits if hit.sought in topic.words]
            different = len({hit.sought for hit in found})
            if different >= self.matches and (best is None or different > best[0]):
                best = (different, topic, found)
        if best is None:
            return None
        _different, topic, found = best
        why = _("a word of {channel}", channel=_shown(topic))
        places = sorted({(hit.start, hit.end) for hit in found})
        return _pointing(topic, 0.9, tuple(part(seen, start, end, why) for start, end in places))

    def _by_examples(self, seen: Examined, topics: list[Topic]) -> Finding | None:
        """The channel whose examples are like the message, if those of this one are not."""
        far = {topic: seen.off_topic(topic.examples) for topic in topics}
        near = [(distance, topic) for topic, distance in far.items() if distance is not None]
        if not near:
            return None
        distance, topic = min(near, key=lambda each: each[0])
        here = seen.off_topic(seen.place.examples)
        if distance > _FITS_THERE or (here is not None and here < _FITS_HERE):
            return None
        why = _("like messages of {channel}", channel=_shown(topic))
        return _pointing(topic, 1 - distance, (whole(seen, why),))


def _shown(topic: Topic) -> str:
    return topic.shown or topic.channel


def _pointing(topic: Topic, score: float, evidence: tuple[Evidence, ...]) -> Finding:
    hint = _("In {channel} more people will see this who can help you with it.", channel=_shown(topic))
    return Finding(score, evidence, hint)
