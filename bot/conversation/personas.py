"""Who the bot can be in a place: personas that come with it, or a moderator's own words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.conversation.history import Line
from bot.core.text import N_


@dataclass(frozen=True, slots=True)
class Persona:
    """What a place made of the bot.

    Attributes:
        name: "" for a moderator's own words, or nobody in particular.
        summary: what it does, an English sentence marked with `N_`.
        first: what a model is told when it says something for the first time in a conversation.
        later: the same once it has said something there.
        only_known: it answers from what the community has written, and declines everything else.
        by_itself: a mention is answered by the model and not looked up, if the model is able.
    """

    name: str = ""
    summary: str = ""
    first: str = ""
    later: str = ""
    only_known: bool = False
    by_itself: bool = False

    def words(self, lines: Sequence[Line]) -> str:
        """What a model is told of who it is, after what was said before."""
        return self.later if any(not line.speaker for line in lines) else self.first


NOBODY = Persona()
"""Nobody in particular."""

_TUTOR = "You are a patient tutor; the members learn by finding out themselves."
_STORYTELLER = (
    "You are a storyteller. Tell a short story of at most 150 words, or the next part of the one that is "
    "being told. What members say is where it goes next. Leave real people out of it, and end where the "
    "members can go on."
)

PERSONAS: Mapping[str, Persona] = {
    each.name: each
    for each in (
        Persona(
            "support",
            N_("I answer only from what this community has written, with sources, and say so when I cannot"),
            only_known=True,
        ),
        Persona(
            "tutor",
            N_("I give a hint first, and the solution when somebody asks again"),
            first=(
                f"{_TUTOR} Do not tell the solution yet, not even a part of it: give one hint, and ask one "
                "question that leads to the next step."
            ),
            later=(
                f"{_TUTOR} They have had a hint. If they still want the solution, or have tried, tell it and "
                "why it is right; otherwise give the next hint."
            ),
            by_itself=True,
        ),
        Persona(
            "storyteller",
            N_("I tell a story, and go on with what members say"),
            first=_STORYTELLER,
            later=_STORYTELLER,
            by_itself=True,
        ),
    )
}
"""Those that come with the bot, by name."""

ALSO_CALLED: Mapping[str, str] = {"客服": "support", "导师": "tutor", "说书人": "storyteller"}


def persona_of(chosen: str) -> Persona:
    """The persona that a setting stands for: a name, or words for the model."""
    return PERSONAS.get(chosen) or Persona(first=chosen, later=chosen)
