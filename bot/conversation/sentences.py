"""What the bot says in its own words when a model does not, in the language of who asked."""

import re
from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

from bot.core.errors import ModelBusy, ModelEmpty, ModelError, ModelTimeout, ModelUnavailable
from bot.core.text import N_, _, closest_locale, current_locale, ngettext, set_locale

T = TypeVar("T")

_NOTE = re.compile(r"(?:\A|\n\n)\([^\n]*\)\s*\Z")

_FAILURES: tuple[tuple[type[ModelError], str, str], ...] = (
    (
        ModelUnavailable,
        N_("I cannot reach my language model at the moment, so I have no answer. Please try again later."),
        N_("I lost my language model here, so the answer is not complete. Please ask again later."),
    ),
    (
        ModelBusy,
        N_("Too many questions are waiting at the moment. Please ask again in a minute."),
        N_("My language model asked for a break here. Please ask again in a minute."),
    ),
    (
        ModelTimeout,
        N_("My language model has been silent for too long, so I gave up. Please ask again."),
        N_("My language model fell silent here, so the answer is not complete. Please ask again."),
    ),
    (
        ModelEmpty,
        N_("My language model had nothing to say to that. Try to ask in other words."),
        N_("My language model had nothing more to say."),
    ),
    (
        ModelError,
        N_("My language model failed, so I have no answer. Please ask again."),
        N_("My language model failed here, so the answer is not complete. Please ask again."),
    ),
)
"""For each kind of failure: what is said instead of an answer, and after half an answer."""


class Voice:
    """Says sentences in one language without changing the language of the task it is used in."""

    def __init__(self, tag: str | None) -> None:
        """Args: tag: a language tag; None or a language we do not have leaves the task's own."""
        self._context = copy_context()
        self._context.run(set_locale, closest_locale(tag, current_locale()))

    def __call__(self, sentence: Callable[[], T]) -> T:
        """The result of a function that uses `_`."""
        return self._context.run(sentence)


def failure(error: ModelError, half_way: bool) -> str:
    """What a member is told when a model fails; the provider's own words are for the log only."""
    instead, after = next((one, two) for kind, one, two in _FAILURES if isinstance(error, kind))
    return _(after if half_way else instead)


def waiting(place: int) -> str:
    """Progress of a question in the queue."""
    if place == 0:
        return _("It is your turn …")
    return ngettext("{n} question before yours …", "{n} questions before yours …", place)


def loading(share: float) -> str:
    """Progress while the model is not ready."""
    percent = int(100 * min(max(share, 0), 1))
    if percent == 0:
        return _("My language model is loading; your answer comes as soon as it is ready …")
    return _(
        "My language model is loading ({percent} % done); your answer comes as soon as it is ready …",
        percent=percent,
    )


def reading(percent: int) -> str:
    """Progress while a model reads a question that is long."""
    return _("There is a lot to read ({percent} % so far) …", percent=percent)


def finishing() -> str:
    """Progress of a reply to an answer that is still being written."""
    return _("I finish the answer you reply to first …")


def wrong_language(other: str | None) -> str:
    """The model does not speak the question's language; `other` is one that does."""
    if other is None:
        return _(
            "The language model I use does not speak your language, so I do not let it guess. Try English."
        )
    return _(
        "The language model I use does not speak your language, so I do not let it guess. {model} would; "
        "the people who run me can choose it.",
        model=other,
    )


def cannot_translate(other: str | None) -> str:
    """The model is too small, or does not speak both languages; `other` is one that would do."""
    if other is None:
        return _("The language model I use does not translate this well enough, so I do not let it guess.")
    return _(
        "The language model I use does not translate this well enough, so I do not let it guess. "
        "{model} would; the people who run me can choose it.",
        model=other,
    )


def too_long_to_translate(most: int) -> str:
    """More than the model can read and write at once; `most` characters would do."""
    return ngettext(
        "That is too long for me to translate at once. I manage about {n} character; send it in parts.",
        "That is too long for me to translate at once. I manage about {n} characters; send it in parts.",
        most,
    )


def no_such_model() -> str:
    """The channel names a model that does not exist (any more)."""
    return _("The language model chosen for this channel cannot be used. A moderator can choose another one.")


def nothing_asked() -> str:
    """The bot was called without a word."""
    return _("Yes? Write your question together with my name.")


def small_model() -> str:
    """At the end of what a model below `can_answer` wrote."""
    return _("small demo model: what it says is often wrong")


def stopped() -> str:
    """At the end of an answer somebody stopped."""
    return _("stopped")


def too_long() -> str:
    """At the end of an answer that did not end by itself."""
    return _("cut here: the answer did not end")


def nothing_to_translate() -> str:
    """A message without a word, whose files say nothing that can be read."""
    return _("I found no text in it that I could translate.")


def nothing_asked_about_files() -> str:
    """The bot was called with a file, without a word."""
    return _("What do you want to know about it? Ask me now, or reply to it with your question.")


def reading_files() -> str:
    """Progress while what is attached is fetched and read."""
    return _("I am reading what is attached …")


def left_out(name: str, why: str) -> str:
    """A file that the model did not get; `why` is a sentence."""
    return _("I left out “{name}”. {why}", name=name, why=why)


def read_in_part(name: str, what: str) -> str:
    """A file that the model got a part of; `what` is a sentence."""
    return _("I did not read all of “{name}”. {what}", name=name, what=what)


def rest_does_not_fit() -> str:
    """The model's context is too small for all of a file."""
    return _("The language model here cannot take more at once.")


def too_many_files(most: int, left: int) -> str:
    """More files than are read with a question."""
    return ngettext(
        "I read {most} files with a question, so I left out {n}.",
        "I read {most} files with a question, so I left out {n}.",
        left,
        most=most,
    )


def not_a_text() -> str:
    """A file of a kind that has no text."""
    return _("It is not a text. I read text, Markdown, code, HTML and PDF.")


def cannot_see() -> str:
    """A picture, for a model that reads only text."""
    return _("The language model here cannot see images.")


def no_such_picture() -> str:
    """A picture that no model takes."""
    return _("I show the language model PNG, JPEG, GIF and WebP images, and this is none of them.")


def file_gone() -> str:
    """A file that the platform does not have (any more)."""
    return _("It is not there any more. Send it again.")


def file_not_fetched() -> str:
    """A file that could not be had now."""
    return _("I could not get it. Send it again, or try again in a minute.")


def found() -> str:
    """Above quotes that answer a question."""
    return _("This is what I found:")


def answered_before(where: str) -> str:
    """Above a quote that answers a question nobody asked us; `where` is "" where nothing has an address."""
    return _("This was answered before, in {where}", where=where) if where else _("This was answered before:")


def nobody_answered() -> str:
    """Above an answer to somebody who did not ask us."""
    return _("Nobody has answered yet, so I looked for it in what this community has written.")


def not_found() -> str:
    """Nothing that is known answers a question."""
    return _("I could not find this in what I know.")


def nearest() -> str:
    """The same, above what comes nearest; begins as `not_found` does."""
    return _("I could not find this in what I know. Nearest to it are:")


def only_known() -> str:
    """What is said to talk where nothing but what is known is answered."""
    return _("Here I only answer questions, from what this community has written. Ask me one!")


def from_model() -> str:
    """Above what the model says by itself about something that was not found."""
    return _("This is what my language model says, without a source:")


def unsourced() -> str:
    """At the end of what a model says by itself where there is something to look things up in."""
    return _("from my language model; I found nothing about it in what this community has written")


def note(text: str) -> str:
    """A remark of the bot's own behind what a model wrote."""
    return f"({text})"


def without_notes(text: str) -> str:
    """An answer as the model wrote it, for the next question's history: the remarks at its end are gone."""
    while (found := _NOTE.search(text)) is not None:
        text = text[: found.start()]
    return text.strip()
