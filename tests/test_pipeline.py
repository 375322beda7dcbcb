"""One event's way through a whole bot: events in, what people see out."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from bot.config.sections import Quota
from bot.core.actions import Alert, Delete, Severity, Timeout
from bot.core.errors import Forbidden, ModelBroken, PlatformError
from bot.core.permissions import Role
from bot.llm.echo import EchoModel, Script
from bot.llm.model import Limits, Piece, Turn
from bot.moderation.examined import Examined
from bot.moderation.past import Past
from bot.moderation.rule import ActionName, Finding, Rule
from bot.storage.store import Store
from tests.living import Life


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


class NoShouting(Rule):
    """Removes messages in capitals and silences their author."""

    action: ActionName = Severity.TIMEOUT

    def check(self, seen: Examined, past: Past) -> Finding | None:
        return Finding(1.0) if seen.message.text.isupper() else None


class Broken(Rule):
    """A rule that fails on one word."""

    def check(self, seen: Examined, past: Past) -> Finding | None:
        if "crash" in seen.message.text:
            raise ValueError("no such word")
        return None


NO_SHOUTING = NoShouting(name="no-shouting")


def by_word(**scripts: Script) -> EchoModel:
    """A model that follows a script when the question holds its word, and echoes otherwise."""

    def behave(turns: list[Turn] | tuple[Turn, ...]) -> Script:
        return next((script for word, script in scripts.items() if word in turns[-1].text), Script())

    return EchoModel(lambda turns: behave(list(turns)))


async def test_a_mention_is_answered_as_a_reply_and_stored_with_its_outcome(life: Life) -> None:
    async with life.bot() as app:
        question = life.world.say(life.person("anna"), life.room, "@llmos hello there")
        await life.until(lambda: life.world.answers(life.room) == ["hello there"])
        answer = life.world.shown(life.room)[-1].message
        assert answer.reply_to == question.ref.id
        await settled(app.store, life)
        assert await app.store.messages.outcome(question.ref) == "answered"
        stored = await app.store.messages.get(answer.ref)
        assert stored is not None
        assert (stored.text, stored.ours, stored.reply_to) == ("hello there", True, question.ref.id)


async def settled(store: Store, life: Life) -> None:
    """Wait until nothing is open in the outbox."""
    async with asyncio.timeout(10):
        while await store.outbox.unfinished(life.world.platform):  # noqa: ASYNC110 - a database tells nobody
            await asyncio.sleep(0.005)


async def test_chatter_is_kept_as_context_and_not_answered(life: Life) -> None:
    async with life.bot() as app:
        chatter = life.world.say(life.person("anna"), life.room, "nice weather")
        life.world.say(life.person("ben"), life.room, "@llmos hi")
        assert await life.answers(1) == ["hi"]
        assert await app.store.messages.outcome(chatter.ref) == "ignored:not-addressed"


async def test_bots_and_notices_are_never_answered(life: Life) -> None:
    async with life.bot():
        life.world.say(life.world.member("robot", is_bot=True), life.room, "@llmos hello")
        life.world.say(life.person("anna"), life.room, "@llmos hello", notice=True)
        life.world.say(life.person("anna"), life.room, "@llmos last")
        await life.until(lambda: life.world.answers(life.room) == ["last"])


async def test_one_answer_that_stalls_delays_nobody_in_the_same_channel(life: Life) -> None:
    life.model = by_word(slow=Script("never", stall=True))
    async with life.bot():
        life.world.say(life.person("anna"), life.room, "@llmos slow")
        for number in range(20):
            life.world.say(life.person(f"member{number}"), life.room, f"@llmos quick {number}")
        life.world.say(life.person("ben"), life.room, "@llmos /help ask")

        def all_but_one() -> bool:
            answers = life.world.answers(life.room)
            return {f"quick {n}" for n in range(20)} <= set(answers) and any("ask" in a for a in answers)

        await life.until(all_but_one)


async def test_a_hundred_questions_at_once_all_get_an_answer_or_a_sentence(life: Life) -> None:
    async with life.bot():
        for number in range(100):
            life.world.say(life.person(f"member{number}"), life.room, f"@llmos question {number}")
        await life.until(
            lambda: len(life.world.answers(life.room)) == 100 and "…" not in life.world.answers(life.room)
        )
        replied_to = {posted.message.reply_to for posted in life.world.shown(life.room)}
        assert len(replied_to - {None}) == 100


async def test_a_message_is_judged_before_it_is_answered(life: Life) -> None:
    life.rules = (NO_SHOUTING,)
    async with life.bot() as app:
        loud = life.world.say(life.person("anna"), life.room, "HELP ME", addressed="HELP ME")
        life.world.say(life.person("ben"), life.room, "@llmos fine")
        await life.until(lambda: life.world.answers(life.room) == ["fine"])
        await life.until(lambda: len(life.world.acts) == 2)
        assert isinstance(life.world.acts[0], Delete)
        assert life.world.messages[loud.ref].deleted
        assert isinstance(life.world.acts[1], Timeout)
        await settled(app.store, life)
        assert await app.store.messages.get(loud.ref) is None


async def test_the_bots_own_words_are_judged_before_they_are_read(life: Life) -> None:
    life.rules = (NO_SHOUTING,)
    life.model = EchoModel(Script("I AM VERY LOUD. AND MORE."))
    async with life.bot():
        life.world.say(life.person("anna"), life.room, "@llmos hello")
        await life.until(lambda: any("breaks a rule" in text for text in life.world.answers(life.room)))
        assert not any("LOUD" in text for posted in life.world.shown(life.room) for text in posted.texts)


async def test_a_rule_that_fails_stops_neither_the_message_nor_the_next_one(life: Life) -> None:
    life.rules = (Broken(name="broken"), NO_SHOUTING)
    async with life.bot():
        life.world.say(life.person("anna"), life.room, "@llmos crash")
        life.world.say(life.person("anna"), life.room, "@llmos after")
        await life.until(lambda: set(life.world.answers(life.room)) == {"crash", "after"})


async def test_a_deleted_question_stops_its_model_and_takes_the_half_sent_answer_back(life: Life) -> None:
    life.model = by_word(story=Script("Once upon a time", stall=True))
    async with life.bot() as app:
        question = life.world.say(life.person("anna"), life.room, "@llmos a story")
        await life.until(lambda: any("Once upon" in text for text in life.world.answers(life.room)))
        life.world.delete(question.ref)
        await life.until(lambda: life.world.answers(life.room) == [])
        await settled(app.store, life)
        assert life.model.running == 0
        assert await app.store.messages.get(question.ref) is None
        assert await app.store.messages.outcome(question.ref) is None


async def test_a_question_deleted_before_its_answer_began_is_never_answered(life: Life) -> None:
    async with life.bot() as app:
        question = life.world.say(life.person("anna"), life.room, "@llmos secret")
        life.world.delete(question.ref)
        life.world.say(life.person("ben"), life.room, "@llmos next")
        await life.until(lambda: "next" in life.world.answers(life.room))
        await settled(app.store, life)
        assert life.world.answers(life.room) == ["next"]


async def test_stop_ends_the_askers_answer_and_keeps_what_is_written(life: Life) -> None:
    life.model = by_word(story=Script("Once upon a time", stall=True))
    async with life.bot():
        life.world.say(life.person("anna"), life.room, "@llmos a story")
        await life.until(lambda: any("Once upon" in text for text in life.world.answers(life.room)))
        life.world.say(life.person("ben"), life.room, "!llmos stop")
        life.world.say(life.person("anna"), life.room, "!llmos stop")
        await life.until(lambda: any("(stopped)" in text for text in life.world.answers(life.room)))
        assert life.model.running == 0


async def test_a_model_that_fails_half_way_is_a_sentence_in_the_askers_language(life: Life) -> None:
    life.model = by_word(story=Script("Once upon", error=ModelBroken("provider says 0xdeadbeef")))
    async with life.bot():
        life.world.say(life.person("anna"), life.room, "@llmos a story")
        await life.until(lambda: any("not complete" in text for text in life.world.answers(life.room)))
        assert not any("0xdeadbeef" in text for text in life.world.answers(life.room))


async def test_a_command_typed_wrongly_is_explained_and_the_next_one_works(life: Life) -> None:
    async with life.bot():
        life.world.say(life.person("anna"), life.room, "!llmos hepl")
        await life.until(lambda: any("help" in text for text in life.world.answers(life.room)))
        life.world.say(life.person("anna"), life.room, "!llmos ask is this on?")
        await life.until(lambda: any("is this on?" in text for text in life.world.answers(life.room)))


async def test_an_invocation_of_the_menu_is_a_command_like_a_typed_one(life: Life) -> None:
    async with life.bot():
        life.world.invoke(life.person("anna"), life.room, "ask", arguments={"question": "who is there?"})
        await life.until(lambda: any("who is there?" in text for text in life.world.answers(life.room)))


async def test_a_channels_policy_decides_when_the_bot_speaks(life: Life) -> None:
    mia = life.world.member("mia", Role.MODERATOR)
    async with life.bot():
        life.world.say(mia, life.room, "!llmos channel set answer all")
        await life.answers(1)
        life.world.say(life.person("anna"), life.room, "no mention needed")
        await life.until(lambda: "no mention needed" in life.world.answers(life.room))


async def test_a_reply_to_the_bot_needs_no_mention(life: Life) -> None:
    async with life.bot():
        life.world.say(life.person("anna"), life.room, "@llmos one")
        await life.until(lambda: life.world.answers(life.room) == ["one"])
        answer = life.world.shown(life.room)[-1].message
        life.world.say(life.person("anna"), life.room, "two", reply_to=answer.ref.id)
        await life.until(lambda: life.world.answers(life.room) == ["one", "two"])


async def test_the_same_event_twice_is_answered_once(life: Life) -> None:
    async with life.bot() as app:
        question = life.world.say(life.person("anna"), life.room, "@llmos once")
        life.world.log.append(question)
        life.world.say(life.person("ben"), life.room, "@llmos after")
        await life.until(lambda: "after" in life.world.answers(life.room))
        await settled(app.store, life)
        assert sorted(life.world.answers(life.room)) == ["after", "once"]


async def test_a_platform_that_fails_is_tried_again_and_nothing_is_said_twice(life: Life) -> None:
    async with life.bot() as app:
        life.world.faults.refuse = [PlatformError("the connection broke")]
        life.world.faults.lose_answers = 0.3
        for number in range(10):
            life.world.say(life.person(f"member{number}"), life.room, f"@llmos n{number}")
        expected = sorted(f"n{number}" for number in range(10))
        await life.until(lambda: sorted(life.world.answers(life.room)) == expected)
        life.world.faults.lose_answers = 0.0
        await settled(app.store, life)
        assert sorted(life.world.answers(life.room)) == expected


async def test_a_question_taken_by_a_process_that_died_is_answered_by_the_next(life: Life) -> None:
    async with life.bot():
        pass  # the first start answers nothing old
    question = life.world.say(life.person("anna"), life.room, "@llmos are you there?")
    async with life.store() as store:
        await store.inbox.take(life.world.platform, [question], {"world": str(len(life.world.log))})
    async with life.bot():
        await life.until(lambda: life.world.answers(life.room) == ["are you there?"])


async def test_a_half_written_answer_is_written_again_into_the_same_message(life: Life) -> None:
    life.model = by_word(story=Script("Once upon a time", stall=True))
    async with life.bot():
        life.world.say(life.person("anna"), life.room, "@llmos a story")
        await life.until(lambda: any("Once upon" in text for text in life.world.answers(life.room)))
    life.model = by_word(story=Script("And they lived happily."))
    async with life.bot():
        await life.until(lambda: life.world.answers(life.room) == ["And they lived happily."])


async def test_a_half_written_answer_that_is_too_old_says_so(life: Life) -> None:
    life.model = by_word(story=Script("Once upon a time", stall=True))
    async with life.bot():
        life.world.say(life.person("anna"), life.room, "@llmos a story")
        await life.until(lambda: any("Once upon" in text for text in life.world.answers(life.room)))
    life.clock.shift = timedelta(minutes=16)
    async with life.bot() as app:
        await life.until(lambda: any("interrupted" in text for text in life.world.answers(life.room)))
        await settled(app.store, life)
        assert len(life.world.answers(life.room)) == 1


async def test_moderation_is_never_too_old(life: Life) -> None:
    async with life.bot():
        pass
    life.rules = (NO_SHOUTING,)
    loud = life.world.say(life.person("anna"), life.room, "OLD AND LOUD")
    life.world.say(life.person("anna"), life.room, "@llmos old and quiet")
    life.clock.shift = timedelta(hours=2)
    async with life.bot():
        await life.until(lambda: life.world.messages[loud.ref].deleted)
        assert life.world.answers(life.room) == []


async def test_the_first_start_ever_answers_nothing_old(life: Life) -> None:
    life.world.say(life.person("anna"), life.room, "@llmos before you came")
    async with life.bot():
        life.world.say(life.person("anna"), life.room, "@llmos now")
        await life.until(lambda: life.world.answers(life.room) == ["now"])


async def test_the_first_refusal_of_a_quota_alerts_the_moderators(life: Life) -> None:
    life.sections["quota"] = Quota(member_requests=1)
    async with life.bot():
        for word in ("one", "two", "three"):
            life.world.say(life.person("anna"), life.room, f"@llmos {word}")
        await life.answers(3)
        await life.until(lambda: any(isinstance(act, Alert) for act in life.world.acts))
    assert len(life.model.asked) == 1
    assert sum(isinstance(act, Alert) for act in life.world.acts) == 1


async def test_a_fast_follower_gets_three_answers_and_then_silence(life: Life) -> None:
    async with life.bot():
        for number in range(4):
            await life.until(lambda: len(life.world.answers(life.room)) >= number)  # noqa: B023
            life.world.say(life.person("echo"), life.room, f"@llmos {number}")
        await life.until(lambda: any(isinstance(act, Alert) for act in life.world.acts))
        assert sorted(life.world.answers(life.room)) == ["0", "1", "2"]


async def test_an_answer_whose_stream_breaks_is_shown_whole_when_it_is_complete(life: Life) -> None:
    words = " ".join(f"word{number}" for number in range(40))
    life.model = by_word(story=Script(words, delay_s=0.01))
    async with life.bot():
        life.world.say(life.person("anna"), life.room, "@llmos a story")
        await life.until(lambda: any("word3" in text for text in life.world.answers(life.room)))
        life.world.faults.refuse = [PlatformError("the connection broke")]
        await life.until(lambda: life.world.answers(life.room) == [words])


async def test_an_answer_cut_by_a_rule_is_recorded_as_such(life: Life) -> None:
    life.rules = (NO_SHOUTING,)
    life.model = EchoModel(Script("I AM LOUD."))
    async with life.bot() as app:
        question = life.world.say(life.person("anna"), life.room, "@llmos hello")
        await life.until(lambda: any("breaks a rule" in text for text in life.world.answers(life.room)))
        await settled(app.store, life)
        assert await app.store.messages.outcome(question.ref) == "cut:no-shouting"


async def test_an_answer_that_may_not_be_posted_is_recorded_and_told_to_the_moderators(life: Life) -> None:
    async with life.bot() as app:
        life.world.faults.refuse = [Forbidden("Send Messages is missing")] * 2
        question = life.world.say(life.person("anna"), life.room, "@llmos hello")
        await life.until(
            lambda: any("Send Messages" in act.text for act in life.world.acts if isinstance(act, Alert))
        )
        await settled(app.store, life)
        assert await app.store.messages.outcome(question.ref) == "failed:undeliverable"


class Faulty(EchoModel):
    """A model with a fault of ours in it."""

    async def stream(self, turns: Sequence[Turn], limits: Limits) -> AsyncGenerator[Piece]:
        raise KeyError("a fault of ours")
        yield ""


async def test_a_fault_of_ours_is_told_to_who_waits_and_recorded(life: Life) -> None:
    life.model = Faulty()
    async with life.bot() as app:
        question = life.world.say(life.person("anna"), life.room, "@llmos hello")
        await life.until(
            lambda: any("went wrong on my side" in text for text in life.world.answers(life.room))
        )
        await settled(app.store, life)
        assert await app.store.messages.outcome(question.ref) == "failed:KeyError"


async def test_a_deletion_that_the_platform_refuses_for_a_while_does_not_hold_up_the_next(life: Life) -> None:
    life.rules = (NO_SHOUTING,)
    async with life.bot():
        life.world.faults.refuse = [PlatformError("the server has a problem")]
        first = life.world.say(life.person("anna"), life.room, "FIRST")
        second = life.world.say(life.person("ben"), life.room, "SECOND")
        await life.until(lambda: life.world.messages[second.ref].deleted)
        assert not life.world.messages[first.ref].deleted
        await life.until(lambda: life.world.messages[first.ref].deleted)


async def test_a_setting_in_chat_is_recorded_once_though_the_reply_fails_at_first(life: Life) -> None:
    mia = life.world.member("mia", Role.MODERATOR)
    async with life.bot():
        life.world.faults.refuse = [PlatformError("the server has a problem")]
        life.world.say(mia, life.room, "!llmos channel set answer all")
        await life.answers(1)
        life.world.say(life.person("anna"), life.room, "no mention needed")
        await life.until(lambda: "no mention needed" in life.world.answers(life.room))


async def test_somebody_may_try_commands_one_after_the_other(life: Life) -> None:
    async with life.bot():
        for number in range(1, 9):
            life.world.say(life.person("anna"), life.room, "!llmos ask what is new")
            await life.until(lambda: len(life.world.answers(life.room)) == number)  # noqa: B023
