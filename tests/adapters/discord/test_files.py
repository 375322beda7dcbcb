"""Files on Discord: read from its own servers only, and never more of them than asked for."""

import pytest

from bot.adapters.discord.files import fetched
from bot.core.errors import Gone, TooBig, Unsupported
from bot.core.events import Attachment, Invocation
from bot.core.specs import CommandSpec
from tests.adapters.discord.house import House
from tests.labs.discord import Json

IMPORT = CommandSpec(("import",), "Take a file in.", file="A file.")


def upload(house: House, content: bytes) -> Json:
    """A file somebody attached to a message."""
    said = house.anna.say(house.general, "look", files=[("rules.toml", content)])
    found: Json = house.lab.message(said)["attachments"][0]
    return found


def attachment(url: str, size: int = 1) -> Attachment:
    return Attachment("1", "rules.toml", "", size, url)


async def test_a_file_is_read_up_to_what_was_asked_for_whatever_it_claims(house: House) -> None:
    url = upload(house, b"x" * 1_000)["url"]
    async with house.hearing():
        assert await fetched(attachment(url), 1_000, house.lab.base_url) == b"x" * 1_000
        for size in (1, 1_000):
            with pytest.raises(TooBig, match="more than 999"):
                await fetched(attachment(url, size), 999, house.lab.base_url)
        house.lab.uploads.clear()
        with pytest.raises(Gone):
            await fetched(attachment(url), 1_000, house.lab.base_url)


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.discordapp.com/a",
        "https://cdn.discordapp.com.evil.example/a",
        "https://evil.example/cdn.discordapp.com",
        "http://127.0.0.1:1/a",
        "file:///etc/passwd",
        "/etc/passwd",
        "https://[",
        "",
    ],
)
async def test_nothing_is_read_from_anywhere_else(url: str) -> None:
    with pytest.raises(Unsupported, match="no address of a file"):
        await fetched(attachment(url), 10, None)


async def test_a_file_of_a_command_is_known_with_the_call_also_to_the_next_process(house: House) -> None:
    file = upload(house, b"rule = []")
    async with house.hearing(IMPORT) as heard:
        house.anna.slash(house.general, "import", file=file)
        await house.lab.until(lambda: heard.events)
    (event,) = heard.events
    assert isinstance(event, Invocation)
    assert event.arguments == {}
    assert [(each.name, each.size_bytes, each.url) for each in event.attachments] == [
        ("rules.toml", 9, file["url"])
    ]
    async with house.hearing(IMPORT, known=heard.cursors) as again:
        await house.lab.until(lambda: again.events)
    assert again.events == heard.events
