"""Power levels, read from the state of a room by ourselves.

Source: specification, `m.room.power_levels` and "Room version 12", where creators stand above all levels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

Json = Mapping[str, object]

_CREATORS_SINCE = 12
_ACTIONS = {"ban": 50, "kick": 50, "redact": 50, "invite": 0}


@dataclass(frozen=True, slots=True)
class Powers:
    """Who may do what in a room at one moment; a wrong value counts as if it were not there.

    Attributes:
        content: of `m.room.power_levels`, or None where the room has none.
        creators: those who may do everything and cannot be given a level.
        founder: the creator in rooms before version 12.
    """

    content: Json | None
    creators: frozenset[str]
    founder: str | None = None

    @classmethod
    def read(cls, creation: Json, content: Json | None) -> "Powers":
        """Args: creation: the whole event `m.room.create`, since its sender counts."""
        inside = _mapping(creation.get("content"))
        sender = creation.get("sender")
        by = sender if isinstance(sender, str) else None
        if not _has_creators(inside.get("room_version")):
            named = inside.get("creator")
            return cls(content, frozenset(), named if isinstance(named, str) else by)
        others = inside.get("additional_creators")
        named_too = [user for user in others if isinstance(user, str)] if isinstance(others, list) else []
        return cls(content, frozenset([*named_too, *([by] if by is not None else [])]))

    @property
    def named(self) -> frozenset[str]:
        """Everybody who has a level of their own."""
        return self.creators | _mapping(_mapping(self.content).get("users")).keys()

    def of(self, user_id: str) -> float:
        """The level of a user; infinite for creators since room version 12."""
        if user_id in self.creators:
            return inf
        if self.content is None:
            return 100 if user_id == self.founder else 0
        level = _level(_mapping(self.content.get("users")).get(user_id))
        return level if level is not None else self._named("users_default", 0)

    def to_send(self, event_type: str, *, state: bool = False) -> int:
        """The level that sending a kind of event takes."""
        if self.content is None:
            return 0
        level = _level(_mapping(self.content.get("events")).get(event_type))
        if level is not None:
            return level
        return self._named("state_default", 50) if state else self._named("events_default", 0)

    def to(self, action: str) -> int:
        """The level that `ban`, `kick`, `redact` (messages of others) or `invite` takes."""
        return self._named(action, _ACTIONS[action])

    def missing(self, user_id: str) -> list[str]:
        """What a moderating bot needs and this user has not, by the names in `m.room.power_levels`."""
        level = self.of(user_id)
        needed = {name: self.to_send(name) for name in ("m.room.message", "m.reaction", "m.room.redaction")}
        needed |= {name: self.to(name) for name in ("redact", "kick", "ban")}
        needed["m.room.power_levels"] = self.to_send("m.room.power_levels", state=True)
        return [name for name, least in needed.items() if level < least]

    def _named(self, name: str, default: int) -> int:
        level = _level(self.content.get(name)) if self.content is not None else None
        return default if level is None else level


def _has_creators(room_version: object) -> bool:
    if not isinstance(room_version, str):
        return False
    return int(room_version) >= _CREATORS_SINCE if room_version.isdecimal() else "hydra" in room_version


def _mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _level(value: object) -> int | None:
    """A level as rooms of any version have it: before version 10 some are numbers in a text."""
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) == inf or value != value:
        return None
    return int(value)
