"""A file of ours: in a room as it is, in an encrypted room encrypted, with words for who cannot see it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.matrix.account import Account
from bot.adapters.matrix.encryption.errors import Undecipherable
from bot.adapters.matrix.encryption.files import decrypted, encrypted
from bot.adapters.matrix.media import fetched
from bot.cli.platforms import matrix_settings
from bot.core.actions import File, Receipt, Reply
from bot.core.events import Attachment
from tests.adapters.matrix.house import housed
from tests.adapters.matrix.sender import Hands, hands
from tests.labs.synapse import Synapse

CHART = File.of("chart.png", "image/png", b"\x89PNG\r\n\xff", "a line that goes up")


@pytest.fixture
async def house(synapse: Synapse, tmp_path: Path) -> AsyncIterator[Hands]:
    async with hands(synapse, tmp_path) as house:
        yield house


async def test_a_chart_is_a_picture_with_its_words_and_stands_once(house: Hands) -> None:
    question = await house.question()
    answer = Reply(question, house.asker, "Look:", notice=True, file=CHART)
    made = await house.sender.perform(answer, "k")
    text, picture = await house.shown()
    assert (text.id, picture.id) == made.message_ids
    assert made.file
    content = picture.content
    assert (content["msgtype"], content["body"], content["filename"]) == ("m.image", CHART.alt, CHART.name)
    assert content["info"] == {"mimetype": "image/png", "size": len(CHART.content)}
    where = Attachment(picture.id, CHART.name, "image/png", len(CHART.content), content["url"])
    assert await fetched(house.account, where, 1_000) == CHART.content
    async with house.again() as again:
        for resume in (made, Receipt(made.message_ids[:1]), None):
            assert await again.perform(answer, "k", resume) == made
    assert len(await house.shown()) == 2


async def test_a_file_that_is_no_picture_is_a_file(house: Hands) -> None:
    question = await house.question()
    table = File.of("table.csv", "text/csv", b"a,b\n", "a table")
    await house.sender.perform(Reply(question, house.asker, "", file=table), "k")
    (shown,) = await house.shown()
    assert shown.content["msgtype"] == "m.file"


@given(st.binary(max_size=5_000))
def test_an_encrypted_file_is_what_it_was_and_never_the_same_twice(data: bytes) -> None:
    sealed, about = encrypted(data)
    assert decrypted(sealed, json.dumps(about)) == data
    again, _about = encrypted(data)
    assert not data or len(data) < 8 or again != sealed
    with pytest.raises(Undecipherable):
        decrypted(sealed + b"x", json.dumps(about))


async def test_in_an_encrypted_room_a_chart_is_encrypted_and_can_be_seen_there(
    synapse: Synapse, tmp_path: Path
) -> None:
    async with housed(synapse, tmp_path) as house:
        house.encrypted = True
        room = await house.room("mia", "ben", bot_last=True)
        mia, ben = await house.person("mia"), await house.person("ben")
        async with house.living():
            await house.lives_in(room)
            asked = await ben.say(room, "who has a ladder?")
            await mia.say(room, "I do", reply_to=asked)
            for count, line in enumerate(("add here daily 9:00 UTC", "now 1", "stats"), 1):
                await mia.say(room, f"!llmos digest {line}")
                await house.answers(mia, room, count + (count > 1))  # `now` posts one beside its answer
            pictures = await mia.until(
                room,
                lambda shown: any(each.content.get("msgtype") == "m.image" for each in shown),
                house.bot.user_id,
            )
        (content,) = [each.content for each in pictures if each.content.get("msgtype") == "m.image"]
        assert "url" not in content
        assert "1 thread shown" in content["body"]
        account = Account(matrix_settings(house.config))
        secret, size = json.dumps(content["file"]), content["info"]["size"]
        where = Attachment("1", "digests.png", "image/png", size, content["file"]["url"], secret)
        assert (await fetched(account, where, 1_000_000)).startswith(b"\x89PNG")
        plain = Attachment("1", "digests.png", "image/png", size, content["file"]["url"])
        assert not (await fetched(account, plain, 1_000_000)).startswith(b"\x89PNG")
        await account.close()
