"""Known pictures in a whole bot: recognized a moment after they came, unless they changed or went."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest

from bot.adapters.memory import MemoryAdapter
from bot.app import App
from bot.core.actions import Delete, Severity
from bot.core.errors import Gone, PlatformError, Unreadable
from bot.core.events import Attachment, Message, MessageRef
from bot.moderation.brake import Brake
from bot.moderation.late import Late
from bot.moderation.likeness import MOST_BYTES, likeness
from bot.moderation.looking import AT_ONCE, MOST_WAITING, Looking
from bot.moderation.review import Review
from bot.moderation.rule import Rule
from bot.moderation.rulebook import rule_from, write
from bot.moderation.rules.images import Images, Known
from bot.outgoing.keys import named_key
from bot.storage.cases import Case
from bot.storage.outbox import NewOutboxRow
from tests.living import PATIENCE_S, Life
from tests.messages import message
from tests.moderation.test_policy import happens
from tests.pictures import asked, copy, file_of, picture

KNOWN = Known(hash=likeness(file_of(picture(7))).hash, name="free-nitro", added=date(2026, 1, 5))
PICTURES = Images(name="pictures", known=(KNOWN,))
GIFT = ("gift.jpg", file_of(copy(picture(7)), "JPEG"))
BOAT = ("boat.png", file_of(picture(8)))


@asynccontextmanager
async def watched(life: Life, *enforced: str, rules: Sequence[Rule] = (PICTURES,)) -> AsyncIterator[App]:
    """A bot in a community that knows a picture."""
    async with life.bot() as app:
        await keep(life, app, rules, enforced)
        yield app


async def keep(life: Life, app: App, rules: Sequence[Rule], enforced: Sequence[str]) -> None:
    book = app.store.rulebooks.of("memory/town")
    desk = life.world.channel("moderators")
    changed = replace(book, rules=write(rules), log=desk, enforced=frozenset(enforced))
    await app.store.rulebooks.save(changed, actor="mia")


async def cases(app: App) -> list[Case]:
    return await app.store.cases.waiting("memory/town", 50)


def cards(life: Life) -> list[str]:
    return life.world.answers(life.world.channel("moderators"))


def post(life: Life, *files: tuple[str, bytes], text: str = "look", by: str = "ben") -> Message:
    return life.world.say(life.person(by), life.room, text, files=files)


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


async def test_a_changed_copy_of_a_known_picture_is_put_before_moderators_with_its_name(life: Life) -> None:
    async with watched(life, "pictures") as app:
        post(life, BOAT, GIFT)
        await life.until(lambda: bool(cards(life)))
        (case,) = await cases(app)
        assert (case.rule, case.severity, case.shadow) == ("pictures", Severity.QUEUE, False)
        ((_start, _end, _said, why),) = case.evidence
        assert "“free-nitro”, which was added on 2026-01-05" in why
        assert "of 256 bits" in why


async def test_in_shadow_it_only_reports_and_without_rules_nothing_is_even_fetched(life: Life) -> None:
    async with life.bot() as app:
        post(life, GIFT)
        life.world.say(life.person("anna"), life.room, "@llmos hello")
        await life.answers(1)
        assert life.world.fetched == []
        await keep(life, app, [PICTURES.model_copy(update={"action": Severity.DELETE})], [])
        post(life, GIFT)
        await life.until(lambda: bool(cards(life)))
        (case,) = await cases(app)
        assert case.shadow
        assert len(life.world.shown(life.room)) >= 2


async def test_with_a_stronger_action_the_message_goes_and_it_counts_as_a_strike(life: Life) -> None:
    rule = PICTURES.model_copy(update={"action": Severity.DELETE})
    async with watched(life, "pictures", rules=[rule]) as app:
        sent = post(life, GIFT)
        await life.until(lambda: any(isinstance(act, Delete) for act in life.world.acts))
        await life.until(lambda: bool(cards(life)))
        assert app.store.strikes.of("memory/town", life.person("ben").identity)
        assert await app.store.messages.outcome(sent.ref) == "moderated:pictures"


async def test_what_another_rule_queued_is_looked_at_and_what_it_deleted_is_not(life: Life) -> None:
    queued = rule_from("words", "free", {"words": ["free"], "action": "queue"})
    deleted = rule_from("words", "gift", {"words": ["gift"], "action": "delete"})
    async with watched(life, "pictures", "free", "gift", rules=[PICTURES, queued, deleted]) as app:
        post(life, ("a.jpg", GIFT[1]), text="my gift")
        post(life, ("b.jpg", GIFT[1]), text="free", by="cleo")
        await life.until(lambda: len(cards(life)) >= 3)
        assert sorted(case.rule for case in await cases(app) if case.author.id == "cleo") == [
            "free",
            "pictures",
        ]
        assert life.world.fetched == ["b.jpg"]


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (("nitro.png", b"\x89PNG\r\n\x1a\n no picture"), "broken"),
        (("nitro.png", bytes(MOST_BYTES + 1)), "too large"),
        (("nitro.txt", GIFT[1]), "not shown as a picture"),
        (BOAT, "another"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_what_is_no_known_picture_has_no_consequence(
    life: Life, file: tuple[str, bytes], why: str
) -> None:
    async with watched(life, "pictures") as app:
        post(life, file)
        post(life, GIFT, by="cleo")
        await life.until(lambda: bool(cards(life)))
        assert [case.author.id for case in await cases(app)] == ["cleo"]


# Between the message and the look


@dataclass
class Shelf:
    """Files by address; each waits until the gate is open, and some fail first."""

    content: dict[str, bytes] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    now: dict[MessageRef, tuple[Attachment, ...]] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    async def attached(self, ref: MessageRef) -> Sequence[Attachment]:
        return self.now.get(ref, ())

    async def fetch(self, platform: str, attachment: Attachment, most_bytes: int) -> bytes:
        self.fetched.append(attachment.url)
        await self.gate.wait()
        if attachment.url == "broken":
            raise PlatformError("the server is down")
        if attachment.url not in self.content:
            raise Gone("its address is over")
        return self.content[attachment.url]


@dataclass
class Bench:
    """Eyes with a real database, and the rows they began."""

    app: App
    shelf: Shelf
    looking: Looking
    begun: list[NewOutboxRow]

    async def settled(self) -> None:
        await happens(lambda: self.looking.waiting == 0)


@asynccontextmanager
async def bench(
    life: Life, *, within_s: float = PATIENCE_S, rules: Sequence[Rule] = (PICTURES,)
) -> AsyncIterator[Bench]:
    async with watched(life, "pictures", rules=rules) as app:
        review = Review(app.store, MemoryAdapter(life.world).directory, life.clock, lambda channel: "enforce")
        begun: list[NewOutboxRow] = []
        late = Late(store=app.store, review=review, brake=Brake(life.clock), now=life.clock, key=named_key)
        late.hand_to(begun.append)
        shelf = Shelf({"gift": GIFT[1]})
        looking = Looking(files=shelf, review=review, late=late, within_s=within_s)
        async with asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(looking.keep())
            yield Bench(app, shelf, looking, begun)
            keeping.cancel()


def sent(life: Life, *addresses: str, id: str = "1", by: str = "ben") -> Message:
    files = tuple(Attachment(each, "gift.jpg", "image/jpeg", 1000, each) for each in addresses)
    said = message("look", id=id, channel=life.room, author=life.person(by))
    return replace(said, attachments=files)


async def test_what_is_deleted_edited_or_forgotten_meanwhile_has_no_consequence(life: Life) -> None:
    async with bench(life) as at:
        deleted, edited, forgotten, waits, stays = (
            sent(life, "gift", id=str(n), by=f"m{n}") for n in range(5)
        )
        for each in (deleted, edited, forgotten, waits, stays):
            at.looking.consider(each, (PICTURES,))
        await happens(lambda: len(at.shelf.fetched) == AT_ONCE)
        at.looking.withdraw(deleted.ref)
        at.looking.consider(replace(edited, attachments=()), (PICTURES,))
        at.looking.forget(forgotten.author.identity)
        at.looking.withdraw(waits.ref)
        at.shelf.gate.set()
        await at.settled()
        assert [case.author.id for case in await cases(at.app)] == ["m4"]
        assert len(at.begun) == 1


async def test_a_picture_removed_from_the_rule_meanwhile_has_no_consequence(life: Life) -> None:
    async with bench(life) as at:
        at.looking.consider(sent(life, "gift"), (PICTURES,))
        await happens(lambda: bool(at.shelf.fetched))
        await keep(life, at.app, [PICTURES.model_copy(update={"known": ()})], ["pictures"])
        at.shelf.gate.set()
        await at.settled()
        assert await cases(at.app) == []


async def test_a_file_that_cannot_be_had_does_not_keep_the_others_from_being_seen(life: Life) -> None:
    async with bench(life) as at:
        at.shelf.gate.set()
        at.looking.consider(sent(life, "broken", "over", "gift"), (PICTURES,))
        await at.settled()
        assert len(await cases(at.app)) == 1


async def test_what_a_sender_says_of_size_and_type_hides_no_picture(life: Life) -> None:
    async with bench(life) as at:
        at.shelf.gate.set()
        said = sent(life, "gift")
        lie = replace(said.attachments[0], size_bytes=10**12, content_type="image/x-nothing", name="x")
        at.looking.consider(replace(said, attachments=(lie,)), (PICTURES,))
        await at.settled()
        assert len(await cases(at.app)) == 1


async def test_a_file_whose_address_is_over_is_fetched_by_its_new_one(life: Life) -> None:
    async with bench(life) as at:
        at.shelf.gate.set()
        old = sent(life, "old")
        at.shelf.now[old.ref] = (replace(old.attachments[0], url="gift"),)
        at.looking.consider(old, (PICTURES,))
        await at.settled()
        assert at.shelf.fetched == ["old", "gift"]
        assert len(await cases(at.app)) == 1


async def test_a_server_that_never_answers_is_given_up(life: Life) -> None:
    async with bench(life, within_s=0.05) as at:
        at.looking.consider(sent(life, "gift"), (PICTURES,))
        await at.settled()
        assert await cases(at.app) == []


async def test_only_so_many_wait_and_of_a_message_only_so_many_are_fetched(life: Life) -> None:
    async with bench(life) as at:
        for n in range(MOST_WAITING + 50):
            at.looking.consider(sent(life, "gift", id=f"many{n}"), (PICTURES,))
        assert at.looking.waiting <= MOST_WAITING + AT_ONCE
    async with bench(life) as at:
        at.shelf.gate.set()
        at.looking.consider(sent(life, *(f"over{n}" for n in range(30)), id="wide"), (PICTURES,))
        await at.settled()
        assert len(at.shelf.fetched) == 10


async def test_a_rule_that_fails_does_not_end_the_looking(life: Life) -> None:
    async with bench(life) as at:
        at.shelf.gate.set()
        broken = replace(sent(life, "gift", id="broken"), attachments=(Broken(),))  # type: ignore[arg-type]
        at.looking.consider(broken, (PICTURES,))
        at.looking.consider(sent(life, "gift", id="sound"), (PICTURES,))
        await at.settled()
        assert len(await cases(at.app)) == 1


class Broken:
    """An attachment that nothing can be asked of but its type."""

    content_type = "image/png"


async def test_the_loop_goes_on_while_a_picture_is_unpacked(life: Life) -> None:
    async with bench(life) as at:
        content = asked("picture 9")
        assert content is not None
        looking = asyncio.create_task(at.looking.likeness(content))
        turns = 0
        while not looking.done():
            await asyncio.sleep(0)
            turns += 1
        assert turns > 10
        assert (await looking) == likeness(content)
        with pytest.raises(Unreadable):
            await at.looking.likeness(b"no picture")
