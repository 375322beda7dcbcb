"""Questions that nobody answers, through the whole bot: each step once, and none when it is not needed."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.memory import World
from bot.app import App
from bot.conversation.climbing import is_answer
from bot.core.events import Author, Channel, Message, MessageRef
from bot.knowledge.document import Document, Section
from bot.storage.unanswered import Question, Rung
from tests.journeys.script import finished
from tests.living import PATIENCE_S, Life
from tests.messages import BOB, CHANNEL, EPOCH, message

QUESTION = "How do I renew the wildcard certificate on the proxy?"
KNOWN = (
    "To renew the wildcard certificate on the proxy, run certbot with the DNS plugin and reload the proxy."
)
UNKNOWN = "Which drill bit do I need for old oak?"
SPAN = timedelta(hours=2, minutes=1)


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


@pytest.fixture
def anna(life: Life) -> Author:
    return life.person("anna")


@pytest.fixture
def ben(life: Life) -> Author:
    return life.person("ben")


async def wanted(life: Life, app: App, how: str = "answer", channel: Channel | None = None) -> None:
    """A bot that knows an answer and follows questions."""
    document = Document("tls", QUESTION, (Section(KNOWN, EPOCH, "https://example.org/tls"),))
    await app.learn(life.room.community_key, [document])
    await app.store.policies.set((channel or life.room).key, "unanswered", how)


async def helps(app: App, life: Life, who: Author, most: int = 2) -> None:
    await app.store.helpers.add(life.room, who, "en", most)


async def until(app: App, said: Message, holds: Callable[[Question | None], bool]) -> Question | None:
    """Wait until something is true of a question."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds(found := await app.store.unanswered.of(said.ref)):  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)
    return found


async def reaches(app: App, said: Message, rung: Rung) -> Question:
    found = await until(app, said, lambda question: question is not None and question.rung == rung)
    assert found is not None
    return found


async def asked(life: Life, app: App, who: Author, text: str, place: Channel | None = None) -> Message:
    """A question that the bot follows."""
    said = life.world.say(who, place or life.room, text)
    async with asyncio.timeout(PATIENCE_S):
        while not any(each.id == said.ref.id for each in app.store.unanswered.open_in(said.ref.channel)):  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)
    return said


def private(world: World, who: Author) -> list[str]:
    return world.answers(world.channel(who.id, private=True))


async def test_it_climbs_to_an_answer_a_helper_and_the_list(life: Life, anna: Author, ben: Author) -> None:
    async with life.bot() as app:
        await wanted(life, app)
        await helps(app, life, ben)
        said = await asked(life, app, anna, QUESTION)
        life.clock.shift += SPAN
        await life.until(lambda: bool(life.world.answers(life.room)))
        (answer,) = life.world.answers(life.room)
        assert "Nobody has answered yet" in answer
        assert f"> {KNOWN}" in answer
        assert "https://example.org/tls" in answer
        await reaches(app, said, "answer")
        assert not private(life.world, ben)
        life.clock.shift += SPAN
        await life.until(lambda: bool(private(life.world, ben)))
        (offer,) = private(life.world, ben)
        assert QUESTION in offer
        assert f"memory://{life.room.key}/{said.ref.id}" in offer
        life.clock.shift += SPAN
        await reaches(app, said, "list")
        await finished(app.store, "memory")
    assert len(life.world.answers(life.room)) == len(private(life.world, ben)) == 1


async def test_it_is_off_until_moderators_want_it(life: Life, anna: Author) -> None:
    async with life.bot() as app:
        first = life.world.say(anna, life.room, UNKNOWN)
        await wanted(life, app, "list", life.world.channel("help"))
        await asked(life, app, anna, UNKNOWN, life.world.channel("help"))
        async with asyncio.timeout(PATIENCE_S):
            while await app.store.messages.outcome(first.ref) is None:  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.01)
        await finished(app.store, "memory")
        assert await app.store.unanswered.of(first.ref) is None


@pytest.mark.parametrize("text", ["Good morning everybody!", f"@llmos {UNKNOWN}", f"!llmos ask {UNKNOWN}"])
async def test_only_questions_between_members_are_followed(life: Life, anna: Author, text: str) -> None:
    async with life.bot() as app:
        await wanted(life, app, "list")
        other = life.world.say(anna, life.room, text)
        await asked(life, app, anna, UNKNOWN)
        await finished(app.store, "memory")
        assert await app.store.unanswered.of(other.ref) is None


@pytest.mark.parametrize("deed", ["replies", "says", "edits", "deletes", "opts out", "is forgotten"])
async def test_what_ends_it(life: Life, anna: Author, ben: Author, deed: str) -> None:
    async with life.bot() as app:
        await wanted(life, app)
        said = await asked(life, app, anna, QUESTION)
        match deed:
            case "replies":
                life.world.say(ben, life.room, "Which proxy?", reply_to=said.ref.id)
            case "says":
                life.world.say(ben, life.room, "Ask Mia, she did it last year.")
            case "edits":
                life.world.edit(said, "never mind")
            case "deletes":
                life.world.delete(said.ref)
            case "opts out":
                await app.store.privacy.opt_out(anna.identity)
            case _:
                await app.store.privacy.forget(anna.identity)
        await until(app, said, lambda question: question is None or question.rung == "over")
        assert not app.store.unanswered.open_in(life.room)


async def test_an_edit_that_still_asks_goes_on(life: Life, anna: Author) -> None:
    async with life.bot() as app:
        await wanted(life, app)
        said = await asked(life, app, anna, "How do I renew the certficate?")
        life.world.edit(said, QUESTION)
        await finished(app.store, "memory")
        life.clock.shift += SPAN
        (answer,) = await life.answers(1)
        assert KNOWN in answer


async def test_another_question_and_a_reply_to_something_else_end_nothing(
    life: Life, anna: Author, ben: Author
) -> None:
    async with life.bot() as app:
        await wanted(life, app, "list")
        first = life.world.say(ben, life.room, "I am back from the harbor.")
        said = await asked(life, app, anna, UNKNOWN)
        other = await asked(life, app, ben, "Where do I find the key of the boathouse?")
        life.world.say(life.person("cleo"), life.room, "welcome back!", reply_to=first.ref.id)
        life.world.say(anna, life.room, "I tried three of them.")
        life.clock.shift += SPAN
        await reaches(app, said, "list")
        await until(app, other, lambda question: question is not None and question.rung in ("over", "list"))


async def test_what_was_said_while_the_bot_was_away_counts(life: Life, anna: Author, ben: Author) -> None:
    async with life.bot() as app:
        await wanted(life, app)
        said = await asked(life, app, anna, QUESTION)
    life.world.say(ben, life.room, "Run certbot.", reply_to=said.ref.id)
    life.clock.shift += SPAN
    async with life.bot() as app:
        await reaches(app, said, "over")
    assert not life.world.answers(life.room)


async def test_a_killed_bot_doubles_no_step(life: Life, anna: Author, ben: Author) -> None:
    async with life.bot() as app:
        await wanted(life, app)
        await helps(app, life, ben)
        said = await asked(life, app, anna, QUESTION)
        life.clock.shift += SPAN
        await reaches(app, said, "answer")
    async with life.bot() as app:
        await life.answers(1)
        life.clock.shift += SPAN
        await reaches(app, said, "helper")
    async with life.bot() as app:
        await life.until(lambda: bool(private(life.world, ben)))
        await finished(app.store, "memory")
    assert len(life.world.answers(life.room)) == len(private(life.world, ben)) == 1


async def test_an_answer_goes_with_its_question(life: Life, anna: Author) -> None:
    async with life.bot() as app:
        await wanted(life, app)
        said = await asked(life, app, anna, QUESTION)
        life.clock.shift += SPAN
        await life.answers(1)
        await finished(app.store, "memory")
        life.world.delete(said.ref)
        await life.until(lambda: not life.world.answers(life.room))


async def test_that_solved_it_ends_it_and_not_helpful_goes_on_at_once(
    life: Life, anna: Author, ben: Author
) -> None:
    async with life.bot() as app:
        await wanted(life, app)
        await helps(app, life, ben)
        said = await asked(life, app, anna, QUESTION)
        life.clock.shift += SPAN
        await life.answers(1)
        await finished(app.store, "memory")
        (answer,) = [each.message for each in life.world.shown(life.room) if each.message.author != anna]
        life.world.react(anna, answer.ref, "👎")
        await life.until(lambda: bool(private(life.world, ben)))
        life.world.react(anna, answer.ref, "✅")
        await reaches(app, said, "over")
        await life.until(lambda: "nothing to do" in private(life.world, ben)[0])


async def test_helpers_take_turns_up_to_their_cap_and_never_the_asker(
    life: Life, anna: Author, ben: Author
) -> None:
    cleo = life.person("cleo")
    async with life.bot() as app:
        await wanted(life, app, "helpers")
        for who, most in ((anna, 5), (ben, 1), (cleo, 2)):
            await helps(app, life, who, most)
        said = []
        for n in range(5):
            said.append(await asked(life, app, anna, f"Which drill bit number {n} do I need for old oak?"))
        life.clock.shift += SPAN
        rungs = []
        for each in said:
            found = await until(app, each, lambda question: question is not None and question.rung != "new")
            assert found is not None
            rungs.append(found.rung)
        await finished(app.store, "memory")
        assert rungs == ["helper", "helper", "helper", "list", "list"]
        assert (len(private(life.world, ben)), len(private(life.world, cleo))) == (1, 2)
        assert not private(life.world, anna)
        assert "number 0" in private(life.world, ben)[0]


async def test_who_may_not_read_it_is_not_asked(life: Life, anna: Author, ben: Author) -> None:
    cleo, secret = life.person("cleo"), life.world.channel("secret")
    life.world.close_to_all_but(secret, anna, cleo)
    async with life.bot() as app:
        await wanted(life, app, "helpers", secret)
        await helps(app, life, ben)
        await helps(app, life, cleo)
        said = await asked(life, app, anna, UNKNOWN, secret)
        life.clock.shift += SPAN
        await reaches(app, said, "helper")
        await life.until(lambda: bool(private(life.world, cleo)))
        assert not private(life.world, ben)


async def test_who_takes_no_private_messages_is_told_once_and_another_is_asked(
    life: Life, anna: Author, ben: Author
) -> None:
    cleo = life.person("cleo")
    life.world.unreachable.add(ben.id)
    async with life.bot() as app:
        await wanted(life, app, "helpers")
        await helps(app, life, ben)
        await helps(app, life, cleo)
        await asked(life, app, anna, UNKNOWN)
        life.clock.shift += SPAN
        await life.until(lambda: bool(private(life.world, cleo)))
        await finished(app.store, "memory")
        (told,) = life.world.answers(life.room)
        assert "ben: I cannot write to you privately" in told
        assert [each.author for each in await app.store.helpers.in_turn(life.room.community_key)] == [cleo]


async def test_the_helper_hears_when_others_were_faster_and_thanks_for_an_answer(
    life: Life, anna: Author, ben: Author
) -> None:
    async with life.bot() as app:
        await wanted(life, app, "helpers")
        await helps(app, life, ben)
        said = [await asked(life, app, anna, text) for text in (UNKNOWN, "Where can I buy old oak cheaply?")]
        life.clock.shift += SPAN
        await life.until(lambda: len(private(life.world, ben)) == 2)
        await finished(app.store, "memory")
        life.world.say(life.person("cleo"), life.room, "A long one.", reply_to=said[0].ref.id)
        await life.until(lambda: any("nothing to do" in each for each in private(life.world, ben)))
        life.world.say(ben, life.room, "At the sawmill.", reply_to=said[1].ref.id)
        await life.until(lambda: any("Thank you!" in each for each in private(life.world, ben)))
        assert not any(UNKNOWN in each for each in private(life.world, ben))


async def test_what_not_all_readers_may_read_is_no_answer(life: Life, anna: Author) -> None:
    secret = life.world.channel("secret")
    life.world.close_to_all_but(secret, anna)
    async with life.bot() as app:
        document = Document("tls", QUESTION, (Section(KNOWN, EPOCH),), secret.key)
        await app.learn(life.room.community_key, [document])
        await app.store.policies.set(life.room.key, "unanswered", "answer")
        said = await asked(life, app, anna, QUESTION)
        life.clock.shift += SPAN
        await reaches(app, said, "answer")
        await finished(app.store, "memory")
        assert not life.world.answers(life.room)


async def test_the_question_itself_is_no_answer_where_it_is_archived(life: Life, anna: Author) -> None:
    async with life.bot() as app:
        await app.store.policies.set(life.room.key, "unanswered", "answer")
        await app.store.policies.set(life.room.key, "archive", "yes")
        life.world.say(anna, life.room, KNOWN)
        said = await asked(life, app, anna, QUESTION)
        await finished(app.store, "memory")
        life.clock.shift += SPAN
        await reaches(app, said, "answer")
        await finished(app.store, "memory")
        assert not life.world.answers(life.room)


async def test_a_thread_is_followed_by_what_opens_it(life: Life, anna: Author, ben: Author) -> None:
    async with life.bot() as app:
        await wanted(life, app, "list")
        thread = life.world.open_thread(anna, life.room, QUESTION).channel
        said = await asked(life, app, anna, "It is expired. What shall I do about it now?", thread)
        life.world.say(ben, thread, "Which one do you mean?")
        await reaches(app, said, "over")


@pytest.mark.parametrize(
    ("said", "newest", "answers"),
    [
        (message("Try a longer one.", author=BOB), True, True),
        (message("Try a longer one.", author=BOB), False, False),
        (message("Where do I find the key?", author=BOB), True, False),
        (message("Where exactly?", author=BOB, reply_to="q"), False, True),
        (message("Good morning.", author=BOB, reply_to="other"), True, False),
        (
            message("x", author=BOB, channel=Channel("memory", CHANNEL.community, CHANNEL.id, "q")),
            False,
            True,
        ),
        (
            message("x", author=BOB, channel=Channel("memory", CHANNEL.community, CHANNEL.id, "z")),
            True,
            False,
        ),
        (message("x", author=BOB, channel=Channel("memory", CHANNEL.community, "elsewhere")), True, False),
    ],
)
def test_what_is_taken_for_an_answer(said: Message, newest: bool, answers: bool) -> None:
    assert is_answer(MessageRef(CHANNEL, "q"), said, newest=newest) == answers
