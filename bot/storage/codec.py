"""Events, actions and outbox payloads as JSON text.

A union member is named: `["Message", {...}]`. Texts that no UTF-8 can hold (lone surrogates) survive.
"""

import json
from dataclasses import dataclass
from typing import TypeVar, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from bot.core.actions import Action, Receipt, StreamedReply
from bot.core.errors import ValueUnreadable
from bot.core.events import Channel, Event

T = TypeVar("T")

_EVENTS: dict[str, TypeAdapter[Event]] = {kind.__name__: TypeAdapter(kind) for kind in get_args(Event)}
_ACTIONS: dict[str, TypeAdapter[Action]] = {
    kind.__name__: TypeAdapter(kind) for kind in get_args(Action) if kind is not StreamedReply
}
_CHANNEL: TypeAdapter[Channel] = TypeAdapter(Channel)
_RECEIPT: TypeAdapter[Receipt] = TypeAdapter(Receipt)


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
        _validated(_CHANNEL, channel, "Channel"),
        None if event is None else _decode(_EVENTS, event),
        None if action is None else _decode(_ACTIONS, action),
    )


def encode_receipt(receipt: Receipt) -> str:
    """A receipt as JSON; a plain list of message ids where they stand in the row's own channel."""
    if receipt.channel is None and receipt.head is None and not receipt.file:
        return json.dumps(receipt.message_ids, ensure_ascii=False)
    return _dump(_RECEIPT, receipt)


def decode_receipt(text: str) -> Receipt:
    """Inverse of `encode_receipt`; ValueUnreadable if the text is none."""
    found = json.loads(text)
    if isinstance(found, list):
        return Receipt(tuple(found))
    return _validated(_RECEIPT, found, "Receipt")


def _encode(adapters: dict[str, TypeAdapter[T]], value: T) -> str:
    name = type(value).__name__
    return f'["{name}",{_dump(adapters[name], value)}]'


def _dump(adapter: TypeAdapter[T], value: T) -> str:
    try:
        return adapter.dump_json(value).decode()
    except PydanticSerializationError:  # lone surrogates: slower, and rare
        return json.dumps(adapter.dump_python(value, mode="json"), ensure_ascii=False)


def _decode(adapters: dict[str, TypeAdapter[T]], tagged: tuple[str, object]) -> T:
    name, value = tagged
    if name not in adapters:
        raise ValueUnreadable(
            f"The database holds a {name}, which this version does not know. Install a newer LLMOS."
        )
    return _validated(adapters[name], value, name)


def _validated(adapter: TypeAdapter[T], value: object, name: str) -> T:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise ValueUnreadable(f"A stored {name} does not have the fields this version expects.") from error
