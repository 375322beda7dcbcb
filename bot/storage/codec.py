"""Events, actions and outbox payloads as JSON text.

A union member is named: `["Message", {...}]`. Texts that no UTF-8 can hold (lone surrogates) survive.
"""

import json
from dataclasses import dataclass
from typing import TypeVar, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from bot.core.actions import Action, StreamedReply
from bot.core.errors import ValueUnreadable
from bot.core.events import Channel, Event

T = TypeVar("T")

_EVENTS: dict[str, TypeAdapter[Event]] = {kind.__name__: TypeAdapter(kind) for kind in get_args(Event)}
_ACTIONS: dict[str, TypeAdapter[Action]] = {
    kind.__name__: TypeAdapter(kind) for kind in get_args(Action) if kind is not StreamedReply
}
_CHANNEL: TypeAdapter[Channel] = TypeAdapter(Channel)


@dataclass(frozen=True, slots=True)
class Work:
    """What an outbox row has to remember to be carried out after a crash."""

    channel: Channel
    event: Event | None
    action: Action | None


def encode_event(event: Event) -> str:
    """An event as JSON."""
    return _encode(_EVENTS, event)


def decode_event(text: str) -> Event:
    """Inverse of `encode_event`; ValueUnreadable if the text is none."""
    return _decode(_EVENTS, json.loads(text))


def encode_work(work: Work) -> str:
    """Channel, event and action as JSON; a stream cannot be stored, its event is."""
    event = "null" if work.event is None else _encode(_EVENTS, work.event)
    action = "null" if work.action is None else _encode(_ACTIONS, work.action)
    return f"[{_dump(_CHANNEL, work.channel)},{event},{action}]"


def decode_work(text: str) -> Work:
    """Inverse of `encode_work`; ValueUnreadable if the text is none."""
    channel, event, action = json.loads(text)
    return Work(
        _CHANNEL.validate_python(channel),
        None if event is None else _decode(_EVENTS, event),
        None if action is None else _decode(_ACTIONS, action),
    )


def _encode(adapters: dict[str, TypeAdapter[T]], value: T) -> str:
    name = type(value).__name__
    return f'["{name}",{_dump(adapters[name], value)}]'


def _dump(adapter: TypeAdapter[T], value: T) -> str:
    try:
        return adapter.dump_json(value).decode()
    except PydanticSerializationError:  # lone surrogates: slower, and rare
        return json.dumps(adapter.dump_python(value, mode="json"), ensure_ascii=False)


def _decode(adapters: dict[str, TypeAdapter[T]], tagged: list[str]) -> T:
    name, value = tagged
    if name not in adapters:
        raise ValueUnreadable(
            f"The database holds a {name}, which this version does not know. Install a newer LLMOS."
        )
    try:
        return adapters[name].validate_python(value)
    except ValidationError as error:
        raise ValueUnreadable(f"A stored {name} does not have the fields this version expects.") from error
