"""From reactions to recommendations, through the whole bot."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.core.events import Channel, Event, place_of
from bot.core.permissions import Role
from bot.recommend.models.blend import Weights
from bot.recommend.noting import Noting
from bot.recommend.ranking import WEIGHTS
from bot.recommend.worth import FIT_AGAIN, Recommendations, ThreadRef
from bot.storage.settlement import Settlement
from bot.storage.store import Store
from bot.storage.threads import Noted
from tests.living import Life
from tests.recommend.communities import of_two_tastes
from tests.recommend.village import Village, village


async def test_a_thread_is_recommended_to_those_who_did_not_touch_it(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        bees = await here.thread("anna", "Bees")
        await here.react("ben", here.first(bees))
        assert await here.titles("cleo") == ["Bees"]
        assert await here.titles("anna") == await here.titles("ben") == []


async def test_reasons_are_what_the_score_is_made_of(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        bees, hives = await here.thread("anna", "Bees"), await here.thread("anna", "Hives")
        for who in ("ben", "cleo"):
            await here.react(who, here.first(bees))
            await here.react(who, here.first(hives))
        await here.react("dora", here.first(bees))
        (worth,) = await here.worth("dora")
        by_cause = {reason.cause: reason for reason in worth.reasons}
        assert worth.thread.title == "Hives"
        assert by_cause["reactions"].members == 2
        assert by_cause["readers"].threads == (bees.key,)
        assert [r.share for r in worth.reasons] == sorted((r.share for r in worth.reasons), reverse=True)
        assert sum(reason.share for reason in worth.reasons) == pytest.approx(1.0)


async def test_a_message_that_is_answered_or_reacted_to_is_a_thread(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        question = here.say("anna", "who has seen my umbrella?")
        here.say("anna", "nobody cares about this")
        await here.settled()
        assert await here.titles("zoe") == []
        answer = here.say("ben", "it is behind the door", to=question)
        await here.settled()
        here.say("cleo", "no, it is not", to=answer)
        await here.settled()
        (worth,) = await here.worth("zoe")
        assert worth.thread.title == "who has seen my umbrella?"
        assert (worth.thread.first_message, worth.thread.place) == (question.ref.id, here.life.room)
        assert next(r.members for r in worth.reasons if r.cause == "reactions") == 2
        assert await here.titles("cleo") == []


async def test_a_reaction_that_is_taken_back_is_gone_at_once(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        bees = await here.thread("anna", "Bees")
        await here.react("ben", here.first(bees))
        await here.react("ben", here.first(bees), "🎉")
        assert await here.reacted() == {"Bees": 1}
        await here.react("ben", here.first(bees), added=False)
        assert await here.reacted() == {"Bees": 1}
        await here.react("ben", here.first(bees), "🎉", added=False)
        assert await here.reacted() == {"Bees": 0}
        assert await here.titles("ben") == ["Bees"]


async def test_a_member_has_one_vote_however_much_they_do(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        bees = await here.thread("anna", "Bees")
        for emoji in "👍🎉🚀":
            await here.react("ben", here.first(bees), emoji)
        for text in ("one", "two"):
            here.say("ben", text, channel=bees)
        await here.settled()
        assert await here.reacted() == {"Bees": 1}


@pytest.mark.parametrize(("emoji", "counted"), [("👍", 1), ("👍🏽", 1), ("🎉", 1), ("🤡", 0), ("👎", 0)])
async def test_an_emoji_counts_for_what_it_says(tmp_path: Path, emoji: str, counted: int) -> None:
    async with village(tmp_path) as here:
        bees = await here.thread("anna", "Bees")
        await here.react("ben", here.first(bees), emoji)
        assert await here.reacted() == {"Bees": counted}


async def test_bots_authors_and_newcomers_have_no_vote(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        bees, world = await here.thread("anna", "Bees"), here.life.world
        world.react(world.member("robot", is_bot=True), here.first(bees), "👍")
        world.join(here.life.person("sock"), here.life.room)
        await here.react("anna", here.first(bees))
        await here.react("sock", here.first(bees))
        assert await here.reacted() == {"Bees": 0}


async def test_a_young_account_has_no_vote_where_the_platform_tells_its_age(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        bees = await here.thread("anna", "Bees")
        for name, days in (("sock", 6), ("ben", 8)):
            since = here.life.clock() - timedelta(days=days)
            here.life.world.react(replace(here.life.person(name), since=since), here.first(bees), "👍")
        await here.settled()
        assert await here.reacted() == {"Bees": 1}


async def test_a_deleted_thread_is_gone_at_once(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        bees = await here.thread("anna", "Bees")
        question = here.say("anna", "who has seen my umbrella?")
        await here.settled()
        await here.react("ben", question.ref)
        assert len(await here.titles("cleo")) == 2
        here.life.world.delete(here.first(bees))
        here.life.world.delete(question.ref)
        await here.settled()
        assert await here.titles("cleo") == []


async def test_a_closed_thread_is_left_out_until_it_is_open_again(tmp_path: Path) -> None:
    life = Life(tmp_path)
    async with village(tmp_path, life) as here:
        bees = await here.thread("anna", "Bees")
        assert await here.titles("cleo") == ["Bees"]
        life.world.close_thread(bees)
        await here.settled()
        assert await here.titles("cleo") == []
    async with village(tmp_path, life) as here:
        assert await here.titles("cleo") == []
        life.world.close_thread(bees, closed=False)
        await here.settled()
        assert await here.titles("cleo") == ["Bees"]


async def test_a_deleted_reply_takes_its_vote_along(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        bees = await here.thread("anna", "Bees")
        reply = here.say("ben", "buzz", channel=bees)
        await here.settled()
        assert await here.reacted() == {"Bees": 1}
        here.life.world.delete(reply.ref)
        await here.settled()
        assert await here.reacted() == {"Bees": 0}


async def test_only_channels_that_can_be_read_are_recommended(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        await here.thread("anna", "Secrets", room="cellar")
        await here.thread("anna", "Bees")
        assert await here.titles("cleo") == ["Bees"]
        assert set(await here.titles("cleo", "cellar", "general")) == {"Secrets", "Bees"}


async def test_what_is_said_to_the_bot_or_in_private_is_no_thread(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        asked = here.say("anna", "@llmos what is honey?")
        secret = here.say("anna", "psst", channel=here.life.world.channel("dm", private=True))
        await here.life.answers(1)
        await here.react("ben", asked.ref)
        await here.react("ben", secret.ref)
        answer = here.life.world.shown(here.life.room)[-1].message
        await here.react("ben", answer.ref)
        assert await here.titles("cleo", "general", "dm") == []


async def test_a_member_who_is_forgotten_leaves_no_vote_and_no_title(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        bees = await here.thread("anna", "Bees")
        await here.react("ben", here.first(bees))
        await here.reacted()
        for who in ("anna", "ben"):
            await here.app.store.privacy.forget(here.life.person(who).identity)
        assert await here.reacted() == {"": 0}
        assert await here.app.store.threads.touches(bees.parent.key, [here.first(bees).id]) == []


async def test_a_late_event_brings_nothing_back_of_who_was_forgotten(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        bees, store = await here.thread("anna", "Bees"), here.app.store
        await here.titles("cleo")
        ((_number, before),) = await store.threads.of(bees.community_key, 0, 9)
        await store.privacy.forget(here.life.person("anna").identity)
        late = Noted((replace(before, closed=False),))
        await store.settle(Settlement(noted=late))
        await here.app.recommendations.fold(late)
        ((_number, after),) = await store.threads.of(bees.community_key, 0, 9)
        assert (before.title, before.author != "") == ("Bees", True)
        assert (after.title, after.author) == ("", "")
        assert await here.titles("cleo") == [""]
        here.life.world.close_thread(bees)
        await here.settled()
        ((_number, closed),) = await store.threads.of(bees.community_key, 0, 9)
        assert (closed.closed, closed.title, closed.author) == (True, "", "")


async def test_a_thread_is_called_by_the_newest_text_of_its_message(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        question = here.say("anna", "my password is hunter2")
        await here.settled()
        here.say("ben", "take that away", to=question)
        await here.settled()
        assert await here.titles("cleo") == ["my password is hunter2"]
        here.life.world.edit(question, "my password is a secret")
        await here.settled()
        assert await here.titles("cleo") == ["my password is a secret"]
        ((_number, stored),) = await here.app.store.threads.of(here.life.room.community_key, 0, 9)
        assert stored.title == "my password is a secret"


async def test_who_opts_out_has_no_vote_until_they_opt_in(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        bees, ben = await here.thread("anna", "Bees"), here.life.person("ben").identity
        await here.react("ben", here.first(bees))
        assert await here.reacted() == {"Bees": 1}
        await here.app.store.privacy.opt_out(ben)
        assert await here.reacted() == {"Bees": 0}
        await here.react("ben", here.first(bees), "🎉")
        assert await here.reacted() == {"Bees": 0}
        await here.app.store.privacy.opt_in(ben)
        assert await here.reacted() == {"Bees": 1}


async def test_another_process_forgets_and_this_one_knows_at_the_next_retention(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        bees = await here.thread("anna", "Bees")
        await here.react("ben", here.first(bees))
        assert await here.reacted() == {"Bees": 1}
        async with here.life.store() as other:
            await other.privacy.forget(here.life.person("ben").identity)
        await here.app.store.privacy.purge(here.life.clock(), 24)
        assert await here.reacted() == {"Bees": 0}


async def test_after_a_restart_everything_is_as_it_was(tmp_path: Path) -> None:
    life = Life(tmp_path)
    async with village(tmp_path, life) as here:
        bees, hives = await here.thread("anna", "Bees"), await here.thread("ben", "Hives")
        for who in ("ben", "cleo", "dora"):
            await here.react(who, here.first(bees))
        await here.react("cleo", here.first(hives))
        before = await here.worth("dora")
    async with village(tmp_path, life) as again:
        after = await again.worth("dora")
        assert [each.thread for each in after] == [each.thread for each in before]
        assert [r.cause for r in after[0].reasons] == [r.cause for r in before[0].reasons]


async def test_folded_in_one_by_one_is_as_read_at_once(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        await here.worth("zoe")
        threads = [
            await here.thread(who, title) for who, title in (("anna", "A"), ("ben", "B"), ("cleo", "C"))
        ]
        for who, thread, emoji in (
            ("ben", 0, "👍"),
            ("dora", 0, "🤡"),
            ("dora", 0, "👍"),
            ("dora", 1, "👍"),
            ("emil", 1, "😂"),
            ("emil", 2, "👍"),
        ):
            await here.react(who, here.first(threads[thread]), emoji)
        await here.react("emil", here.first(threads[2]), added=False)
        fresh, at = Recommendations(here.app.store), here.life.clock()
        for who in ("ben", "dora", "emil", "zoe"):
            asked = (
                here.life.person(who).identity,
                here.life.room.community_key,
                {here.life.room.key},
                10,
                at,
            )
            assert await here.app.recommendations.for_member(*asked) == await fresh.for_member(*asked)


async def test_an_old_message_that_is_not_kept_any_more_is_never_called_new(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        old = here.say("anna", "from last week")
        await here.settled()
        here.life.clock.shift = timedelta(days=7)
        await here.app.store.privacy.purge(here.life.clock(), 24)
        await here.react("ben", old.ref)
        assert await here.titles("cleo") == []


async def _for_all(here: Village, n: int, *without: Channel) -> list[str]:
    found = await here.app.recommendations.for_channel(
        here.life.room.community_key,
        {here.life.room.key, here.life.world.channel("garden").key},
        n,
        here.life.clock(),
        {thread.key for thread in without},
    )
    return [each.thread.title for each in found]


async def test_a_list_for_everybody_is_not_all_of_one_author(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        first = [await here.thread("anna", f"Bees {number}") for number in range(3)]
        for thread in first:
            for who in ("ben", "cleo"):
                await here.react(who, here.first(thread))
        roses = await here.thread("dora", "Roses", room="garden")
        await here.react("emil", here.first(roses))
        chosen = await _for_all(here, 2)
        assert chosen[0].startswith("Bees")
        assert chosen[1] == "Roses"


async def test_a_list_for_everybody_leaves_out_what_was_shown(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        bees, hives = await here.thread("anna", "Bees"), await here.thread("anna", "Hives")
        assert set(await _for_all(here, 5)) == {"Bees", "Hives"}
        assert await _for_all(here, 5, bees) == ["Hives"]
        assert await _for_all(here, 5, bees, hives) == []


async def test_what_waits_for_a_moderator_is_recommended_once_they_let_it_stand(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        mia = here.life.world.member("mia", Role.MODERATOR)
        desk = here.life.world.channel("desk")
        for line in (
            "setup",
            'import rule = [{ kind = "words", name = "fools", words = ["fool"], action = "queue" }]',
            "mode enforce fools yes 2",
        ):
            here.life.world.say(mia, desk, f"!llmos rules {line}")
            await here.settled()
        opened = here.life.world.open_thread(here.life.person("anna"), here.life.room, "Bees")
        here.say("anna", "only a fool keeps bees", channel=opened.channel)
        here.say("ben", "I do", channel=opened.channel)
        question = here.say("anna", "which fool took my umbrella?")
        await here.settled()
        here.say("ben", "not me", to=question)
        await here.settled()
        assert await here.titles("cleo") == []
        (waiting, *_older) = await here.app.store.cases.about(here.first(opened.channel))
        here.life.world.say(mia, desk, f"!llmos mod resolve {waiting.number} approve")
        await here.settled()
        assert await here.titles("cleo") == ["Bees"]


async def test_events_that_come_again_after_a_kill_change_nothing(tmp_path: Path) -> None:
    """What was settled is not settled twice, and what was not is noted as if it came for the first time."""
    life = Life(tmp_path)
    async with village(tmp_path, life) as here:
        bees = await here.thread("anna", "Bees")
        await here.react("ben", here.first(bees))
        await here.react("cleo", here.first(bees))
        await here.react("cleo", here.first(bees), added=False)
        store, events = here.app.store, [(event, "ignored:not-addressed") for event in life.world.log]
        before = await _rows(store, bees)
        for again in (Noting(store), here.app.noting):
            by_place: dict[str, list[tuple[Event, str]]] = {}
            for event, outcome in events:
                by_place.setdefault(place_of(event).key, []).append((event, outcome))
            for some in by_place.values():
                await store.settle(Settlement(noted=await again.note(some)))
            assert await _rows(store, bees) == before
        assert await here.reacted() == {"Bees": 1}


async def _rows(store: Store, thread: Channel) -> tuple[list[ThreadRef], list[tuple[str, ...]]]:
    found = await store.threads.of(thread.community_key, 0, 99)
    counts = await store.threads.counts(thread.community_key, found[0][0], found[-1][0])
    return [each for _number, each in found], sorted(
        (who, kind, emoji) for _n, who, kind, emoji, _at in counts
    )


async def test_weights_are_learned_in_the_background_and_outlive_a_restart(tmp_path: Path) -> None:
    life, now = Life(tmp_path), datetime(2026, 1, 5, tzinfo=UTC)
    async with life.store() as store:
        await store.threads.write(of_two_tastes(life.room, now))
        recommendations = Recommendations(store)
        await recommendations.refit(now)
        kept = store.policies.get(life.room.community_key)[WEIGHTS]
        assert Weights.model_validate_json(kept).taste > 1
        await store.policies.set(life.room.community_key, WEIGHTS, Weights(taste=9.0).model_dump_json())
        await recommendations.refit(now + FIT_AGAIN - timedelta(seconds=1))
        assert store.policies.get(life.room.community_key)[WEIGHTS] == Weights(taste=9.0).model_dump_json()
        await recommendations.refit(now + FIT_AGAIN)
        assert store.policies.get(life.room.community_key)[WEIGHTS] != Weights(taste=9.0).model_dump_json()
        learned = store.policies.get(life.room.community_key)[WEIGHTS]
    async with life.store() as store:
        again = Recommendations(store)
        await again.refit(now)
        assert store.policies.get(life.room.community_key)[WEIGHTS] == learned
        member = ("memory", "somebody new")
        readable = {life.room.key}
        found = await again.for_member(member, life.room.community_key, readable, 3, now)
        assert len(found) == 3


async def test_what_is_four_half_lives_old_leaves_memory_without_a_restart(tmp_path: Path) -> None:
    async with village(tmp_path) as here:
        await here.thread("anna", "Bees")
        assert await here.titles("cleo") == ["Bees"]
        await here.app.recommendations.refit(here.life.clock() + timedelta(days=361))
        assert await here.titles("cleo") == []
