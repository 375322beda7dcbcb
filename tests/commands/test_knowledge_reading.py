"""`knowledge add` of a page or a file: it is found; what cannot be read changes nothing."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.core.actions import Reply
from bot.core.events import Attachment
from bot.core.permissions import Role
from bot.knowledge.search import Search
from bot.storage.passages import Passage
from tests.commands.house import ALICE, CHANNEL, MODERATOR, House
from tests.commands.test_rules import Shelf
from tests.knowledge.pdf import pdf, shown
from tests.knowledge.site import Site, answer, moved
from tests.messages import EPOCH

PAGE = """<title>Handbook</title><nav>Home</nav><h1>Handbook</h1><p>Be kind.</p><h2>Hours</h2>
<p>We open at nine.</p><h2>Keys</h2><p>Mia keeps the key.</p>"""


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    pages = {
        "/handbook": answer(PAGE.encode()),
        "/guide.md": answer(b"# Guide\n\nThe umbrella is red.", "text/markdown"),
        "/a.pdf": answer(pdf(shown("The boat is blue."), title="Boats"), "application/pdf"),
        "/broken.pdf": answer(b"%PDF-1.4 nothing", "application/pdf"),
        "/empty": answer(b"<script>x()</script>"),
        "/picture": answer(b"x", "image/png"),
        "/code.py": answer(b"# a comment\nanswer = 42\n", "text/plain"),
    }
    async with Site(pages).open() as site:
        site.pages = {**pages, "/away": moved(site.address("/", "10.0.0.1"))}
        yield site


async def found(house: House, question: str) -> list[Passage]:
    index = house.services.index
    assert index is not None
    search = Search(index)
    findings = await search.find(await search.query(question), CHANNEL.community_key, EPOCH, {""})
    return [hit.passage for each in findings for hit in each.hits]


async def told(house: House, line: str) -> str:
    return await house.told(line, MODERATOR)


async def test_a_page_is_found_and_cited_by_its_address(house: House, site: Site) -> None:
    house.fetches(site.fetcher())
    address = site.address("/handbook")
    assert await told(house, f"knowledge add {address}#hours") == (
        "“Handbook” is added. It is 3 passages. Everybody in this community can be answered from it. "
        f"`/knowledge remove {address}` takes it back. "
        "I do not look whether the page changes: add it again then."
    )
    (passage,) = [each for each in await found(house, "when do you open?") if "nine" in each.text]
    assert (passage.document, passage.link) == (address, address)
    assert passage.title == "Handbook > Hours"
    assert passage.text == "We open at nine."
    assert await house.audited() == [("knowledge add", "3 passages from site.example")]


async def test_added_again_it_is_replaced(house: House, site: Site) -> None:
    house.fetches(site.fetcher())
    address = site.address("/handbook")
    await told(house, f"knowledge add {address}")
    site.pages = {"/handbook": answer(b"<title>Handbook</title><p>We open at ten.</p>")}
    assert "“Handbook” is replaced. It is 1 passage" in await told(house, f"knowledge add {address}")
    assert [each.text for each in await found(house, "when do you open?")] == ["We open at ten."]
    assert await found(house, "who keeps the key?") == []


async def test_it_is_listed_and_removed_by_its_address(house: House, site: Site) -> None:
    house.fetches(site.fetcher())
    address = site.address("/handbook")
    await told(house, f"knowledge add {address}")
    assert (await told(house, "knowledge list")).splitlines()[0] == f"• Handbook: {address}"
    assert "is removed" in await told(house, f"knowledge remove <{address.replace('site', 'SITE')}#keys>")
    assert await found(house, "open") == []


async def test_a_title_of_ones_own_is_taken(house: House, site: Site) -> None:
    house.fetches(site.fetcher())
    assert "“Our rules” is added" in await told(
        house, f'knowledge add "Our rules" {site.address("/handbook")}'
    )
    assert {each.title for each in await found(house, "be kind")} >= {"Our rules > Handbook"}


@pytest.mark.parametrize(
    ("path", "question", "text"),
    [
        ("/guide.md", "umbrella", "The umbrella is red."),
        ("/a.pdf", "boat", "The boat is blue."),
        ("/code.py", "answer", "# a comment\nanswer = 42"),
    ],
)
async def test_other_kinds_are_read_too(
    house: House, site: Site, path: str, question: str, text: str
) -> None:
    house.fetches(site.fetcher())
    await told(house, f"knowledge add {site.address(path)}")
    assert [each.text for each in await found(house, question)] == [text]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/nowhere", "Nothing stands at that address"),
        ("/broken.pdf", "It is broken"),
        ("/away", "private network"),
        ("/empty", "perhaps a script writes it"),
        ("/picture", "image/png"),
    ],
)
async def test_what_cannot_be_read_is_said_and_changes_nothing(
    house: House, site: Site, path: str, why: str
) -> None:
    house.fetches(site.fetcher())
    said = await told(house, f"knowledge add {site.address(path)}")
    assert said.startswith("I added nothing from there. ")
    assert why in said
    assert await house.audited() == []
    assert "Nothing is written down yet" in await told(house, "knowledge list")


async def test_it_is_told_in_chinese(house: House, site: Site) -> None:
    house.fetches(site.fetcher())

    async def told_in_chinese(path: str) -> str:
        context = replace(house.context(MODERATOR), locale="zh-CN")
        outcome = await house.services.commands.run_line(context, f"knowledge add {site.address(path)}")
        assert isinstance(outcome, tuple)
        assert isinstance(outcome[0], Reply)
        return outcome[0].text

    assert "共 3 个段落" in await told_in_chinese("/handbook")
    assert await told_in_chinese("/nowhere") == "没有添加任何内容。那个网址上没有内容（或已不存在）。"


async def test_who_is_no_moderator_makes_us_fetch_nothing(house: House, site: Site) -> None:
    house.fetches(site.fetcher())
    assert "is for moderators" in await house.told(f"knowledge add {site.address('/handbook')}", ALICE)
    assert site.connections == 0


async def test_who_is_no_moderator_any_more_when_it_is_fetched_adds_nothing(house: House, site: Site) -> None:
    house.fetches(site.fetcher())

    async def demote(writer: object) -> None:
        house.platform.roles[MODERATOR.id] = Role.MEMBER
        writer.write(answer(PAGE.encode()))  # type: ignore[attr-defined]

    site.pages = {"/handbook": demote}
    assert "no moderator here any more" in await told(house, f"knowledge add {site.address('/handbook')}")
    house.platform.roles[MODERATOR.id] = Role.MODERATOR
    assert await found(house, "open") == []


async def given(
    house: House, line: str, *contents: bytes, name: str = "a.md", target: str | None = None
) -> str:
    """What is answered to a call with files, or to one that replies to a message with files."""
    files = tuple(Attachment(f"a{n}", name, "", 1, f"u{n}") for n in range(len(contents)))
    shelf = Shelf({f"u{n}": each for n, each in enumerate(contents)})
    if target is not None:
        shelf.below[target], files = files, ()
    house.services = replace(house.services, files=shelf)
    context = replace(house.context(MODERATOR, target=target), files=files)
    outcome = await house.services.commands.run_line(context, line)
    assert isinstance(outcome, tuple)
    assert isinstance(outcome[0], Reply)
    return outcome[0].text


@pytest.mark.parametrize("target", [None, "5"])
async def test_a_file_is_found_and_the_same_title_replaces(house: House, target: str | None) -> None:
    text = b"# Hours\n\nWe open at nine."
    assert await given(house, "knowledge add Hours", text, target=target) == (
        "“Hours” is added. It is 1 passage. Everybody in this community can be answered from it. "
        "`/knowledge remove Hours` takes it back."
    )
    assert [each.text for each in await found(house, "when do you open?")] == ["We open at nine."]
    answered = await given(house, "knowledge add Hours", pdf(shown("We open at ten.")), name="a.pdf")
    assert answered.startswith("“Hours” is replaced.")
    assert [each.text for each in await found(house, "when do you open?")] == ["We open at ten."]
    assert [verb for verb, _detail in await house.audited()] == ["knowledge add"] * 2


@pytest.mark.parametrize(
    ("line", "contents", "name", "why"),
    [
        ("knowledge add Hours", [b"%PDF-1.4"], "a.pdf", "nothing of the file a.pdf. It is broken"),
        ("knowledge add Hours", [b"\x89PNG\0"], "a.png", "nothing of the file a.png. It is not a text"),
        ("knowledge add Hours", [b"x" * (20 * 1024 * 1024 + 1)], "a.txt", "too big"),
        ("knowledge add Hours", [b"x", b"y"], "a.txt", "one file at a time, and these are 2"),
        ("knowledge add Hours At nine.", [b"x"], "a.txt", "in a text or in a file, not in both"),
        (f'knowledge add "{"x" * 101}"', [b"x"], "a.txt", "at most 100 characters"),
    ],
)
async def test_a_file_that_cannot_be_read_changes_nothing(
    house: House, line: str, contents: list[bytes], name: str, why: str
) -> None:
    assert why in await given(house, line, *contents, name=name)
    assert await house.audited() == []
    assert "Nothing is written down yet" in await told(house, "knowledge list")
