"""An answer names its sources in a card below it, with a button that shows them; links are not fetched."""

import asyncio

import pytest

from bot.adapters.discord.sources import LONGEST_CARD, embed, length, without_previews
from bot.core.below import Entry
from bot.knowledge.document import Document, Section
from bot.knowledge.index import Index
from bot.storage.passages import COMMON
from tests.adapters.discord.house import House
from tests.adapters.discord.test_buttons import ours
from tests.adapters.discord.test_slash import answered
from tests.messages import EPOCH

BELOW = ["Helpful", "Not helpful", "Show sources"]
TEXT = "The harbor opens at nine. See https://docs.example/more for more."
HOURS = Document("hours", "Opening hours", (Section(TEXT, EPOCH, "https://docs.example/harbor"),))


async def known(house: House) -> None:
    async with house.living() as app:
        await Index(app.store.passages, app.store.privacy, None).add(COMMON, [HOURS])


async def test_sources_are_a_card_of_links_and_a_button_that_outlives_a_restart(house: House) -> None:
    await known(house)
    async with house.living() as app:
        house.anna.ask(house.general, "When does the harbor open?")
        answer = await ours(house, *BELOW)
        while await app.store.outbox.unfinished("discord"):  # noqa: ASYNC110 - a database tells nobody
            await asyncio.sleep(0.01)
    assert [(each["title"], each["description"]) for each in answer.embeds] == [
        ("Sources", "[1] [Opening hours](<https://docs.example/harbor>)")
    ]
    assert "> The harbor opens at nine. See <https://docs.example/more> for more. [1]" in answer.text
    assert "[1] Opening hours" not in answer.text
    async with house.living():
        shown = await answered(house, house.person("ben").click(answer.id, "Show sources"))
    assert shown.ephemeral
    assert "[1] Opening hours https://docs.example/harbor\n> The harbor opens at nine." in shown.text


async def test_a_slash_answer_has_the_same_card(house: House) -> None:
    await known(house)
    async with house.living():
        shown = await answered(
            house, house.anna.slash(house.general, "ask", question="When does the harbor open?")
        )
        await house.lab.until(lambda: shown.embeds or shown.buttons)
    assert [each["title"] for each in shown.embeds] == ["Sources"]
    assert shown.buttons == BELOW


async def test_where_cards_are_not_allowed_sources_are_lines(house: House) -> None:
    await known(house)
    embed_links = str(1 << 14)
    overwrite = {"id": house.server.id, "type": 0, "allow": "0", "deny": embed_links}
    house.lab.set_overwrites(house.general, [overwrite])
    async with house.living():
        house.anna.ask(house.general, "When does the harbor open?")
        answer = await ours(house, *BELOW)
    assert not answer.embeds
    assert answer.text.endswith("\n\n[1] Opening hours https://docs.example/harbor")


@pytest.mark.parametrize(
    ("said", "quiet"),
    [
        ("see https://a.example/x.", "see <https://a.example/x>."),
        ("(https://a.example/x_(y))", "(<https://a.example/x_(y)>)"),
        ("见https://a.example/x。好", "见<https://a.example/x>。好"),
        ("<https://a.example/x>", "<https://a.example/x>"),
        ("`https://a.example/x`", "`https://a.example/x`"),
        (
            "```\nhttps://a.example/x\n```\nhttp://b.example",
            "```\nhttps://a.example/x\n```\n<http://b.example>",
        ),
        ("\\`https://a.example/x", "\\`<https://a.example/x>"),
    ],
)
def test_links_in_prose_are_not_fetched(said: str, quiet: str) -> None:
    assert without_previews(said) == quiet
    assert len(quiet) <= length(said)


def test_titles_cannot_end_their_link_and_a_card_holds_what_it_can() -> None:
    (line,) = embed([Entry(1, "[SOLVED] x](https://evil.example)", "https://a.example/x")])[
        "description"
    ].splitlines()  # type: ignore[attr-defined]
    assert line == "[1] [(SOLVED) x)(https://evil.example)](<https://a.example/x>)"
    assert embed([Entry(2, "Notes", "notes.md")])["description"] == "[2] Notes notes.md"
    many = [Entry(n, "x" * 100, "https://a.example/" + "y" * 900) for n in range(9)]
    assert len(str(embed(many)["description"])) <= LONGEST_CARD
