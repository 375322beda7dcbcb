"""Buttons and forms: what they are called by is the command itself, so they outlive every restart.

Source: Discord, "Component Reference".
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bot.adapters.reading import Json
from bot.core.controls import Control, Value
from bot.core.errors import Unsupported

LONGEST_ID = 100
_MOST_BUTTONS, _IN_A_ROW, _LONGEST_LABEL = 25, 5, 80
_ROW, _BUTTON = 1, 2
_PLAIN, _GRAVE = 2, 4


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a button calls."""

    command: tuple[str, ...]
    arguments: dict[str, Value]


def buttons(controls: Sequence[Control]) -> list[Json]:
    """Rows of buttons, in order.

    Raises:
        Unsupported: Discord does not hold so much.
    """
    if len(controls) > _MOST_BUTTONS:
        raise Unsupported(f"a message holds {_MOST_BUTTONS} buttons, not {len(controls)}")
    return [{"type": _ROW, "components": [_button(each) for each in row]} for row in _rows(controls)]


def custom_id(command: Sequence[str], arguments: object) -> str:
    """What Discord sends us back: the command and its arguments.

    Raises:
        Unsupported: it is longer than Discord keeps.
    """
    written = json.dumps([" ".join(command), arguments], ensure_ascii=False, separators=(",", ":"))
    if len(written) > LONGEST_ID:
        raise Unsupported(f"a button keeps {LONGEST_ID} characters, not {len(written)}: {written}")
    return written


def pressed(written: str) -> Pressed | None:
    """The inverse of `custom_id`; None for what is not ours."""
    try:
        match json.loads(written):
            case [str(command), dict(arguments)]:
                return Pressed(tuple(command.split()), arguments)
            case _:
                return None
    except ValueError:
        return None


def _rows(controls: Sequence[Control]) -> list[tuple[Control, ...]]:
    return [tuple(controls[n : n + _IN_A_ROW]) for n in range(0, len(controls), _IN_A_ROW)]


def _button(control: Control) -> Json:
    return {
        "type": _BUTTON,
        "style": _GRAVE if control.grave else _PLAIN,
        "label": control.label[:_LONGEST_LABEL],
        "emoji": {"name": control.emoji},
        "custom_id": custom_id(control.command, dict(control.arguments)),
    }
