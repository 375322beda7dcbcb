"""How the bot behaves in a place: settings of a thread, its channel and its community, nearest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, cast, get_args

from bot.core.events import Channel

AnswerWhen = Literal["mention", "question", "all", "never"]
Archive = Literal["no", "yes"]
Learning = Literal["no", "yes"]
Duplicates = Literal["off", "ask", "on"]
Unanswered = Literal["off", "list", "helpers", "answer"]

LEAST_PATIENCE_S, MOST_PATIENCE_S = 600.0, 604_800.0
"""Between two rungs of an unanswered question: ten minutes to a week."""
Introductions = Literal["off", "on"]

CHOICES: Mapping[str, tuple[str, ...]] = {
    "answer": get_args(AnswerWhen),
    "archive": get_args(Archive),
    "learning": get_args(Learning),
    "duplicates": get_args(Duplicates),
    "unanswered": get_args(Unanswered),
    "introductions": get_args(Introductions),
    "moderation": ("off", "shadow", "standard"),
}
"""Allowed values of the settings that have a fixed set."""

DEFAULTS: Mapping[str, str] = {
    "answer": "mention",
    "persona": "",
    "model": "",
    "archive": "no",
    "learning": "no",
    "duplicates": "off",
    "unanswered": "off",
    "patience": "7200",
    "introductions": "off",
    "moderation": "standard",
}
"""What holds where nobody chose anything; its keys are all settings there are."""

PERSONA_MAX_CHARS = 600
"""A persona is part of every prompt, so it must stay short."""


class Settings(Protocol):
    """Where settings are kept; `bot.storage` has the real one."""

    def get(self, scope: str) -> Mapping[str, str]:
        """The settings chosen for a community (`platform/community`) or a place (`Channel.key`)."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelPolicy:
    """What holds in one place.

    Attributes:
        answer: when the bot speaks: to a mention, to any question, to everything, or never.
        persona: who the bot is here, a name or words for the model (see `personas`); "" for nobody in
            particular.
        model: name of the model that answers here; "" for the configured one.
        archive: whether what is said here may be kept and searched.
        learning: whether moderators' verdicts here may teach the classifiers.
        duplicates: whether a question here that was answered before gets a hint: not at all, when a
            moderator approves it, or at once.
        unanswered: how far a question climbs that nobody answers: not at all, to the moderators' list, to a
            helper before, or to an answer of ours before that.
        patience_s: how long it waits before each of these.
        introductions: whether a digest here has a line about each thread by the model.
        moderation: off, shadow (only reports), or standard: as the rules of the community say.
    """

    answer: AnswerWhen = "mention"
    persona: str = ""
    model: str = ""
    archive: bool = False
    learning: bool = False
    duplicates: Duplicates = "off"
    unanswered: Unanswered = "off"
    patience_s: float = 7_200.0
    introductions: bool = False
    moderation: str = "standard"


_DEFAULT = ChannelPolicy()


def can_be_archived(channel: Channel) -> bool:
    """Whether what is said in a place may ever be kept: not where few can read, nor where it is encrypted."""
    return not (channel.private or channel.hidden or channel.encrypted)


def inheritance(channel: Channel) -> tuple[str, ...]:
    """Scopes that decide for a place, nearest first: thread, channel, community."""
    scopes = (channel.key, channel.parent.key, channel.community_key)
    return tuple(dict.fromkeys(scopes))


def setting(policies: Settings, channel: Channel, name: str) -> tuple[str, str | None]:
    """The value of one setting in a place, and the scope that chose it (None for the default).

    A value that is not allowed (any more) counts as not chosen.
    """
    return _nearest([(scope, policies.get(scope)) for scope in inheritance(channel)], name)


def _nearest(chosen: Sequence[tuple[str, Mapping[str, str]]], name: str) -> tuple[str, str | None]:
    allowed = CHOICES.get(name)
    for scope, settings in chosen:
        value = settings.get(name)
        if value is not None and (allowed is None or value in allowed):
            return value, scope
    return DEFAULTS[name], None


def channel_policy(policies: Settings, channel: Channel) -> ChannelPolicy:
    """Everything that holds in a place, inherited from thread, channel, community and defaults.

    Asked for every message, so a place where nobody chose anything is the quick case.
    """
    chosen = [(scope, settings) for scope in inheritance(channel) if (settings := policies.get(scope))]
    if not chosen:
        return _DEFAULT
    values = {name: _nearest(chosen, name)[0] for name in DEFAULTS}
    return ChannelPolicy(
        answer=cast(AnswerWhen, values["answer"]),
        persona=values["persona"][:PERSONA_MAX_CHARS],
        model=values["model"],
        archive=values["archive"] == "yes",
        learning=values["learning"] == "yes",
        duplicates=cast(Duplicates, values["duplicates"]),
        unanswered=cast(Unanswered, values["unanswered"]),
        patience_s=float(values["patience"]),
        introductions=values["introductions"] == "on",
        moderation=values["moderation"],
    )
