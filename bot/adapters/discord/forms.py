"""Forms: what the menu of a message asks before it calls a command. Filled in, a form is the call.

A form holds all that is needed to take it, so it can be sent after a restart. Only what the message says is
remembered here, and for a quarter of an hour.
Source: Discord, "Component Reference" (Label, Text Input) and "Receiving and Responding" (Modal).
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from bot.adapters.discord.components import custom_id, pressed
from bot.adapters.discord.decoding import caller
from bot.adapters.discord.snowflakes import snowflake, time_of
from bot.adapters.reading import Json, table, tables, text
from bot.core.events import Channel, Invocation, MessageRef, Quote
from bot.core.specs import CommandSpec, Parameter
from bot.core.text import in_locale

REMEMBERED = timedelta(minutes=15)
"""Who fills in a form for longer is answered without the words of the message."""

MOST_OPEN = 1_000
"""Forms whose message is remembered; nobody tells us of those that are closed."""

_LABEL, _INPUT, _PARAGRAPH = 18, 4, 2
_LONGEST_TITLE, _LONGEST_LABEL, _LONGEST_EXPLANATION = 45, 45, 100
_LONGEST_ANSWER = 2_000
"""As long as a message."""

_ON = "on"
"""What the id of a form calls the message it is about; with the longest path it just fits."""


class Forms:
    """Opens forms and takes them back.

    Args:
        now: the clock, in aware UTC datetimes.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._quotes: OrderedDict[str, tuple[Quote, datetime]] = OrderedDict()

    def opened(self, call: Invocation, spec: CommandSpec | None) -> Json | None:
        """The form that has to be filled in before a call can be made; None if nothing is asked."""
        if spec is None or call.target is None or not spec.form:
            return None
        self._remember(call.target.id, call.quoted)
        locale = call.locale or ""
        asked = [each for each in spec.parameters if each.name in spec.form]
        return {
            "custom_id": custom_id(spec.path, {_ON: call.target.id}),
            "title": _short(in_locale(locale, spec.menu or spec.name), _LONGEST_TITLE),
            "components": [_field(each, locale) for each in asked],
        }

    def filled(
        self, raw: Json, place: Channel, specs: Mapping[tuple[str, ...], CommandSpec]
    ) -> Invocation | None:
        """The call that a form stands for; None if it is none of ours.

        Raises:
            Malformed
        """
        data, id = table(raw, "data"), snowflake(raw, "id")
        form = pressed(text(data, "custom_id") or "")
        spec = specs.get(form.command) if form is not None else None
        target = snowflake(form.arguments, _ON) if form is not None else None
        if id is None or target is None or spec is None or not spec.form:
            return None
        answers = {text(each, "custom_id"): text(each, "value") or "" for each in _inputs(data)}
        return Invocation(
            id,
            place,
            caller(raw),
            spec.path,
            time_of(id),
            {name: answers[name] for name in spec.form if answers.get(name)},
            MessageRef(place, target),
            text(raw, "locale"),
            quoted=self._recalled(target),
        )

    def _remember(self, target: str, quote: Quote | None) -> None:
        oldest = self._now() - REMEMBERED
        while self._quotes and (
            len(self._quotes) >= MOST_OPEN or next(iter(self._quotes.values()))[1] <= oldest
        ):
            self._quotes.popitem(last=False)
        if quote is not None:
            self._quotes[target] = quote, self._now()
            self._quotes.move_to_end(target)

    def _recalled(self, target: str) -> Quote | None:
        quote, at = self._quotes.get(target, (None, self._now()))
        return quote if self._now() - at < REMEMBERED else None


def _field(parameter: Parameter, locale: str) -> Json:
    """A question with room for several lines."""
    words = in_locale(locale, parameter.description) if parameter.description else parameter.name
    field: Json = {
        "type": _LABEL,
        "label": _short(words, _LONGEST_LABEL),
        "component": {
            "type": _INPUT,
            "custom_id": parameter.name,
            "style": _PARAGRAPH,
            "required": parameter.required,
            "max_length": _LONGEST_ANSWER,
        },
    }
    if len(words) > _LONGEST_LABEL:
        field["description"] = _short(words, _LONGEST_EXPLANATION)
    return field


def _inputs(data: Json) -> Iterator[Json]:
    """What was filled in; a field is inside a label, or in a row as older clients send it."""
    for part in tables(data, "components"):
        yield from (table(part, "component"), *tables(part, "components"))


def _short(words: str, longest: int) -> str:
    return words if len(words) <= longest else words[: longest - 1] + "…"
