"""The port of a moderation rule: it looks at a message and never acts.

A rule is a frozen pydantic class. Its fields are its settings, with bounds and descriptions from which the
moderators' page is made; its `violations` and `harmless` examples are its documentation and its tests. One
file in `bot/moderation/rules/`, or the entry point group `llmos.rules`, is all it takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, ClassVar, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from bot.core.actions import Severity
from bot.core.events import Attachment
from bot.core.text import N_, _
from bot.moderation.evidence import Evidence
from bot.moderation.examined import Examined, Place, Standing
from bot.moderation.likeness import Likeness
from bot.moderation.opinion import Opinion
from bot.moderation.past import Past

__all__ = [
    "ActionName",
    "Earlier",
    "Evidence",
    "Example",
    "Finding",
    "Id",
    "Name",
    "Rule",
    "Step",
    "Verdict",
    "part",
    "whole",
]

MAX_TIMEOUT_MINUTES = 28 * 24 * 60.0
"""https://discord.com/developers/docs/resources/guild#modify-guild-member: up to 28 days."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found in a message.

    Attributes:
        score: 0..1.
        hint: what the author is told, if moderators wrote nothing else.
    """

    score: float
    evidence: tuple[Evidence, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule thinks of one message, and how strong the answer is to be.

    Attributes:
        score: 0..1.
        timeout_s: how long a timeout lasts, should it come to that.
        hint: what the author is told, should it come to that.
    """

    rule: str
    score: float
    severity: Severity
    evidence: tuple[Evidence, ...] = ()
    timeout_s: float = 600.0
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """Something that happened before an example: a message, or with `joins` an arrival."""

    text: str = ""
    author: str = "alice"
    channel: str = "general"
    seconds_ago: float = 1.0
    joins: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """A message that a rule finds, or leaves alone, and what is needed round it.

    Attributes:
        settings: of the rule, for this example.
        before: what happened before, oldest first.
        scores: what the classifiers say of it.
        off_topic: by a word of the channel's examples, how far the message is from them.
        opinion: what a model thinks of it.
        pictures: what is seen on its pictures.
    """

    text: str
    settings: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    author: str = "alice"
    channel: str = "general"
    before: tuple[Earlier, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    scores: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    off_topic: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    standing: Standing = field(default_factory=Standing)
    place: Place = field(default_factory=Place)
    is_edit: bool = False
    opinion: Opinion | None = None
    pictures: tuple[Likeness, ...] = ()


SEVERITY_NAMES = tuple(severity.name.lower() for severity in Severity)


def severity_of(name: object) -> object:
    """An action by its name; anything else is pydantic's to refuse."""
    if isinstance(name, str) and name in SEVERITY_NAMES:
        return Severity[name.upper()]
    if isinstance(name, Severity):
        return name
    raise ValueError(_("choose one of {names}", names=", ".join(SEVERITY_NAMES)))


ActionName = Annotated[
    Severity,
    BeforeValidator(severity_of),
    PlainSerializer(lambda severity: severity.name.lower(), return_type=str),
    WithJsonSchema({"type": "string", "enum": list(SEVERITY_NAMES)}),
]
"""How strong an action is, by its name: "hint", "delete"."""

Id = Annotated[str, Field(min_length=1, max_length=255)]
"""The platform's id of a channel, role or member."""

Name = Annotated[str, Field(pattern=r"^\w[\w-]{0,39}$")]
"""The name of a rule: letters, digits, _ and -, at most 40."""


class Step(BaseModel):
    """A step of a rule's ladder: from so many strikes on, a stronger answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    strikes: float = Field(gt=0, le=1000, description=N_("From this many strikes on."))
    action: ActionName = Field(description=N_("What follows then."))
    minutes: float | None = Field(
        None,
        gt=0,
        le=MAX_TIMEOUT_MINUTES,
        description=N_("How long a timeout lasts then; otherwise as the rule says."),
    )


class Rule(BaseModel):
    """Looks at messages. It keeps nothing between them (that is what `Past` is for) and waits for nothing.

    Attributes:
        kind: what a rule of this class is called in files and commands.
        summary: one English sentence for people, marked with `N_`.
        bursts: it is meant to act on many messages at once, so the brake gives it more room.
        needs_scores: it asks the classifiers.
        needs_links: it has nothing to say about messages without links.
        for_our_words: it also counts where the bot itself speaks, once it acts.
        asks_a_model: it judges by what a language model thinks, a moment after the message was decided.
        looks_at_pictures: it judges by what is seen on pictures, likewise.
        foreign: its expressions are moderators' own, of which a community has at most 500.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: ClassVar[str]
    summary: ClassVar[str]
    violations: ClassVar[tuple[Example, ...]]
    harmless: ClassVar[tuple[Example, ...]]
    bursts: ClassVar[bool] = False
    needs_scores: ClassVar[bool] = False
    needs_links: ClassVar[bool] = False
    for_our_words: ClassVar[bool] = True
    asks_a_model: ClassVar[bool] = False
    looks_at_pictures: ClassVar[bool] = False
    foreign: ClassVar[bool] = False

    name: Name = Field(description=N_("What moderators call it: letters, digits, _ and -."))
    action: ActionName = Field(
        Severity.LOG, description=N_("What follows: none, log, react, hint, queue, hide, delete and so on.")
    )
    channels: tuple[Id, ...] = Field(
        (), max_length=200, description=N_("Only in these channels; empty for all.")
    )
    except_channels: tuple[Id, ...] = Field((), max_length=200, description=N_("Not in these channels."))
    exempt_roles: tuple[Id, ...] = Field(
        (), max_length=200, description=N_("Members with one of these roles are left alone.")
    )
    escalation: tuple[Step, ...] = Field(
        (), max_length=10, description=N_("Stronger answers to members with strikes.")
    )
    timeout_minutes: float = Field(
        10.0, gt=0, le=MAX_TIMEOUT_MINUTES, description=N_("How long a timeout lasts.")
    )
    hint: str = Field(
        "", max_length=500, description=N_("What the author is told; empty for the usual sentence.")
    )

    def check(self, seen: Examined, past: Past) -> Finding | None:
        """What the rule finds in a message; None if nothing.

        Args:
            seen: the message, looked at once for all rules.
            past: the last minutes of its community, this message included.
        """
        raise NotImplementedError

    def wants(self, seen: Examined, verdicts: Sequence[Verdict], lot: float) -> bool:
        """Whether a model is to be asked about a message; only rules that ask one do.

        Args:
            verdicts: what the other rules say.
            lot: drawn at random, 0..1.
        """
        return False

    def literals(self) -> Sequence[str]:
        """Texts looked for in the folded copy of every message, in one pass for all rules of a community.

        `seen.hits` tells where they were found.
        """
        return ()

    def expressions(self) -> Sequence[str]:
        """Patterns of google-re2 looked for in every message, capitals ignored, likewise."""
        return ()

    def prepare(self) -> None:
        """Load what it needs, so that no message waits for that."""

    @property
    def waits(self) -> bool:
        """Whether it is only asked about messages in which something was found of what it looks for."""
        return bool(self.literals() or self.expressions())

    @property
    def is_for_all(self) -> bool:
        """Whether it is for everybody everywhere."""
        return not (self.channels or self.except_channels or self.exempt_roles)

    def applies(self, seen: Examined) -> bool:
        """Whether it is for messages in this place by this author."""
        channel = seen.message.ref.channel
        places = {channel.id, channel.thread}
        if self.channels and places.isdisjoint(self.channels):
            return False
        if not places.isdisjoint(self.except_channels):
            return False
        return seen.standing.roles.isdisjoint(self.exempt_roles)

    @model_validator(mode="after")
    def _climbs(self) -> Self:
        rising = [step.strikes for step in self.escalation]
        if rising != sorted(set(rising)):
            raise ValueError(_("the steps of `escalation` must go up in strikes"))
        return self


def whole(seen: Examined, why: str) -> Evidence:
    """Evidence that is the message as a whole."""
    text = seen.message.text
    return Evidence(0, len(text), text, why)


def part(seen: Examined, start: int, end: int, why: str) -> Evidence:
    """Evidence that is a part of the message, in code points of the text as posted."""
    return Evidence(start, end, seen.message.text[start:end], why)
