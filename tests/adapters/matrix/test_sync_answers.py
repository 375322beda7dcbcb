"""Whatever a homeserver says of any room, what it says next is read."""

import asyncio
import tempfile
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.matrix.account import Account
from bot.adapters.matrix.doors import Doors
from bot.adapters.matrix.relations import Relations
from bot.adapters.matrix.rooms import Rooms
from bot.adapters.matrix.settings import Settings
from bot.adapters.matrix.sync import Sync
from bot.adapters.reading import Json
from bot.core.errors import Gone
from bot.core.events import Message
from tests.adapters.matrix.test_decoding import NOW, anything, raws

US, ROOM = "@llmos:home.example", "!room:home.example"

timelines = st.fixed_dictionaries(
    {},
    optional={
        "events": st.lists(raws | anything, max_size=3) | anything,
        "limited": st.booleans() | anything,
        "prev_batch": st.text(max_size=5) | anything,
    },
)
states = st.fixed_dictionaries({}, optional={"events": st.lists(raws | anything, max_size=3) | anything})
parts = st.fixed_dictionaries(
    {},
    optional={
        "timeline": timelines | anything,
        "state": states | anything,
        "invite_state": states | anything,
    },
)
room_ids = st.sampled_from([ROOM, "!without-domain", "", "no room"])
places = st.dictionaries(room_ids, parts | anything, max_size=2) | anything
rooms = st.fixed_dictionaries({}, optional={"join": places, "invite": places, "leave": places})


class Canned(Account):
    """Says one thing, then that somebody said something."""

    def __init__(self, folder: Path, first: object) -> None:
        super().__init__(Settings("http://127.0.0.1:1", US, folder, password="x"))
        self._first = first

    async def request(
        self,
        method: str,
        *path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        base: tuple[str, ...] = (),
    ) -> Json:
        if path == ("sync",):
            if (query or {}).get("since") == "first":
                return {"next_batch": "second", "rooms": self._first}
            content = {"msgtype": "m.text", "body": "still there?"}
            said = {
                "type": "m.room.message",
                "event_id": "$good",
                "sender": "@anna:home.example",
                "content": content,
            }
            return {"next_batch": "third", "rooms": {"join": {ROOM: {"timeline": {"events": [said]}}}}}
        if path[-1] == "joined_members":
            return {"joined": {US: {}, "@anna:home.example": {}, "@ben:home.example": {}}}
        if path[-1] == "messages":
            return {"chunk": []}
        raise Gone("nothing there")


async def heard(first: object) -> Message:
    """The message that comes after something odd."""
    with tempfile.TemporaryDirectory() as folder:
        account = Canned(Path(folder), first)
        doors = Doors(account, Settings("http://127.0.0.1:1", US, Path(folder)))
        sync = Sync(account, Rooms(account), doors, Relations(account), None, lambda: NOW)
        async with aclosing(sync.batches({US: "first"})) as batches:  # type: ignore[type-var]
            async for batch in batches:
                for event in batch.events:
                    if isinstance(event, Message) and event.ref.id == "$good":
                        return event
    raise AssertionError("the adapter ended")


@given(rooms | anything)
@settings(deadline=None)
def test_whatever_is_said_the_next_message_is_heard(first: object) -> None:
    assert asyncio.run(heard(first)).text == "still there?"
