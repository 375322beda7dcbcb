"""Settings of communities and channels, all in memory."""

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import Connection, delete, select

from bot.storage.dialects import insert_for
from bot.storage.reader import Reader
from bot.storage.schema import policies
from bot.storage.writer import Writer

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Policies:
    """Names and values by scope: "platform/community" or a channel's key."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader, self._writer = reader, writer
        self._known: dict[str, dict[str, str]] = {}

    async def load(self) -> None:
        """Read all settings."""
        query = select(policies.c.scope, policies.c.name, policies.c.value)
        for scope, name, value in await self._reader.rows(query):
            self._known.setdefault(scope, {})[name] = value

    def get(self, scope: str) -> Mapping[str, str]:
        """What is set for exactly this scope; inheritance is the caller's."""
        known = self._known.get(scope)
        return _NOTHING if known is None else MappingProxyType(known)

    async def set(self, scope: str, name: str, value: str | None) -> None:
        """Set a value, or remove it with None; durable, and seen by `get`, on return."""
        await self._writer.call(lambda connection: self._store(connection, scope, name, value))
        settings = self._known.setdefault(scope, {})
        if value is None:
            settings.pop(name, None)
        else:
            settings[name] = value

    def _store(self, connection: Connection, scope: str, name: str, value: str | None) -> None:
        if value is None:
            connection.execute(delete(policies).where(policies.c.scope == scope, policies.c.name == name))
            return
        insert = insert_for(self._reader.dialect)(policies).values(scope=scope, name=name, value=value)
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=["scope", "name"], set_={"value": insert.excluded.value}
            )
        )
