"""What verdicts teach: in Matrix rooms that agreed to it, while nobody took it back, and never on Discord."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.actions import Severity
from bot.core.errors import ConfigError
from bot.core.events import Author, Channel, MessageRef
from bot.core.permissions import Role
from bot.moderation.decisions import Verb
from bot.moderation.desk import Desk
from bot.moderation.review import Review
from bot.moderation.training.rooms import Lesson, lessons
from bot.storage.cases import Case
from bot.storage.examples import LabelledExample
from bot.storage.rulebooks import Rulebook
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from tests.commands.house import Platform
from tests.living import Clock
from tests.messages import message

ROOM = Channel("matrix", "!room:example.org", "!room:example.org")
THREAD = replace(ROOM, thread="$thread")
GUILD = Channel("discord", "1", "2")
MIA, BEN = Author("matrix", "@mia:example.org", "Mia"), Author("matrix", "@ben:example.org", "Ben")
CANARY = "canary-9b2e you are all worthless"
RULES = """
[[rule]]
kind = "toxicity"
name = "abuse"

[[rule]]
kind = "spam"
name = "ads"

[[rule]]
kind = "low_effort"
name = "lazy"

[[rule]]
kind = "words"
name = "rude"
words = ["fool"]
"""


@dataclass
class Class:
    """A desk, and the rooms whose moderators agreed."""

    store: Store
    clock: Clock = field(default_factory=Clock)
    agreed: set[str] = field(default_factory=lambda: {ROOM.key})
    calls: int = 0

    def __post_init__(self) -> None:
        review = Review(
            self.store, Platform({MIA.id: Role.MODERATOR}), self.clock, lambda channel: "standard"
        )
        self.desk = Desk(
            self.store, review, self.clock, learns=lambda channel: channel.parent.key in self.agreed
        )

    async def finds(self, place: Channel = ROOM, rule: str = "abuse", **more: object) -> Case:
        """A message stands, and a rule found something in it."""
        number = self.store.cases.next_number()
        usual = Case(
            number, place.community_key, MessageRef(place, f"$m{number}"), BEN, CANARY, rule, 1,
            Severity.QUEUE, False, self.clock(),
        )  # fmt: skip
        case = replace(usual, **more)  # type: ignore[arg-type]
        said = message(case.text, id=case.message.id, author=BEN, channel=place, at=self.clock())
        await self.store.settle(Settlement(messages=((said, "moderated:abuse"),), cases=(case,)))
        return case

    async def decides(self, case: Case, verb: Verb) -> Case:
        self.calls += 1
        return (await self.desk.decide(case, verb, MIA, f"call{self.calls}")).case

    async def taught(self) -> list[tuple[str, bool]]:
        return [(each.score, each.label) for each in await self.store.examples.texts()]


@pytest.fixture
async def lesson(tmp_path: Path) -> AsyncIterator[Class]:
    store = await Store.open(f"sqlite:///{tmp_path}/bot.db", tmp_path / "key")
    for place in (ROOM, GUILD):
        await store.rulebooks.save(Rulebook(place.community_key, rules=RULES, log=place), "mia")
    yield Class(store)
    await store.close()


@pytest.mark.parametrize(
    ("rule", "verb", "taught"),
    [
        ("abuse", "right", [("toxicity", True)]),
        ("abuse", "delete", [("toxicity", True)]),
        ("abuse", "warn", [("toxicity", True)]),
        ("abuse", "false-alarm", [("toxicity", False)]),
        ("abuse", "approve", []),
        ("ads", "false-alarm", [("spam", False)]),
        ("lazy", "right", []),
        ("rude", "right", []),
    ],
)
async def test_a_clear_verdict_about_abuse_or_spam_teaches(
    lesson: Class, rule: str, verb: Verb, taught: list[tuple[str, bool]]
) -> None:
    await lesson.decides(await lesson.finds(rule=rule), verb)
    assert await lesson.taught() == taught
    assert [each.text for each in await lesson.store.examples.texts()] == [CANARY] * len(taught)


async def test_a_verdict_in_a_thread_of_the_room_teaches_too(lesson: Class) -> None:
    await lesson.decides(await lesson.finds(THREAD), "right")
    assert [each.room for each in await lesson.store.examples.texts()] == [ROOM.key]


@pytest.mark.parametrize(
    "place",
    [
        GUILD,
        Channel("memory", "home", "general"),
        replace(ROOM, encrypted=True),
        replace(ROOM, private=True),
        replace(THREAD, hidden=True),
    ],
    ids=["discord", "memory", "encrypted", "private", "hidden"],
)
async def test_elsewhere_nothing_teaches_whatever_was_agreed(
    lesson: Class, place: Channel, tmp_path: Path
) -> None:
    lesson.agreed.add(place.parent.key)
    await lesson.decides(await lesson.finds(place), "right")
    assert await lesson.taught() == []


async def test_where_nobody_agreed_nothing_teaches(lesson: Class) -> None:
    lesson.agreed.clear()
    await lesson.decides(await lesson.finds(), "right")
    assert await lesson.taught() == []


async def test_what_is_decided_anew_is_taught_anew(lesson: Class) -> None:
    case = await lesson.decides(await lesson.finds(), "warn")
    undone = await lesson.decides(case, "undo")
    assert await lesson.taught() == []
    await lesson.decides(undone, "false-alarm")
    assert await lesson.taught() == [("toxicity", False)]


async def test_an_appeal_that_was_right_turns_the_example_though_the_message_is_gone(lesson: Class) -> None:
    case = await lesson.decides(await lesson.finds(), "delete")
    await lesson.store.settle(Settlement(removed=(case.message,)))
    assert await lesson.taught() == [("toxicity", True)], "its author did not delete it"
    await lesson.desk.overturn(case, MIA, "appeal")
    assert await lesson.taught() == [("toxicity", False)]


async def test_what_a_rule_hid_teaches_though_it_is_gone(lesson: Class) -> None:
    case = await lesson.finds(severity=Severity.HIDE, did=("hide",))
    await lesson.store.settle(Settlement(removed=(case.message,)))
    await lesson.decides(case, "false-alarm")
    assert await lesson.taught() == [("toxicity", False)]


@pytest.mark.parametrize("verb", ["right", "delete", "false-alarm"])
async def test_what_its_author_deleted_or_changed_before_the_verdict_teaches_nothing(
    lesson: Class, verb: Verb
) -> None:
    deleted, changed = await lesson.finds(), await lesson.finds()
    await lesson.store.settle(
        Settlement(removed=(deleted.message,), edited=((changed.message, "I am sorry"),))
    )
    for case in (deleted, changed):
        decided = await lesson.decides(case, verb)
    assert await lesson.taught() == []
    await lesson.desk.overturn(decided, MIA, "appeal")
    assert await lesson.taught() == []


@pytest.mark.parametrize("what", ["deletes", "edits", "forgets", "opts out"])
async def test_what_its_author_takes_back_is_gone_at_once(lesson: Class, what: str) -> None:
    case = await lesson.finds()
    await lesson.decides(case, "warn")
    assert await lesson.taught()
    match what:
        case "deletes":
            await lesson.store.settle(Settlement(removed=(case.message,)))
        case "edits":
            await lesson.store.settle(Settlement(edited=((case.message, "hello"),)))
        case "forgets":
            await lesson.store.privacy.forget(BEN.identity)
        case _:
            await lesson.store.privacy.opt_out(BEN.identity)
    assert await lesson.taught() == []


async def test_who_opted_out_teaches_nothing_more(lesson: Class) -> None:
    case = await lesson.finds(severity=Severity.HIDE, did=("hide",))
    await lesson.store.privacy.opt_out(BEN.identity)
    await lesson.decides(case, "right")
    assert await lesson.taught() == []


async def test_examples_are_kept_as_long_as_evidence_and_encrypted(lesson: Class, tmp_path: Path) -> None:
    await lesson.decides(await lesson.finds(), "right")
    assert not any(CANARY.encode() in file.read_bytes() for file in files(tmp_path))
    for days, kept in ((29, 1), (31, 0)):
        await lesson.store.privacy.purge(lesson.clock() + timedelta(days=days), context_hours=24)
        assert len(await lesson.taught()) == kept


def files(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if file.is_file()]


# The trainer


def test_the_trainer_refuses_what_was_said_on_discord_even_if_somebody_stored_it() -> None:
    for platform in ("discord", "memory", "console"):
        told = [Lesson("matrix", "hello", "spam", False), Lesson(platform, CANARY, "toxicity", True)]
        with pytest.raises(ConfigError, match=f"Messages of {platform} may train nothing") as refused:
            lessons(told)
        assert "canary" not in str(refused.value)


def test_texts_are_learned_in_the_languages_that_are_told_apart() -> None:
    given = [
        Lesson("matrix", "you idiot", "toxicity", True),
        Lesson("matrix", "你们都是一群没用的垃圾，快滚出去", "toxicity", True),
        Lesson("matrix", "Вы все просто ничтожества и дураки", "toxicity", True),
        Lesson("matrix", "Купите дешёвые билеты сегодня", "spam", True),
    ]
    sorted_ = lessons(given)
    assert [len(each) for each in (sorted_.english, sorted_.chinese, sorted_.spam)] == [1, 1, 1]
    assert len(sorted_) == 3


async def test_an_example_of_discord_in_the_database_is_none_of_the_trainers(lesson: Class) -> None:
    """Whoever wrote it there: it is told apart by the platform of its room."""
    ref = MessageRef(GUILD, "1")
    stored = LabelledExample(ref, ("discord", "6"), CANARY, "toxicity", True, False, lesson.clock())
    await lesson.store.examples.keep(stored)
    (found,) = await lesson.store.examples.texts()
    with pytest.raises(ConfigError):
        lessons([Lesson(found.room.split("/", 1)[0], found.text, found.score, found.label)])
