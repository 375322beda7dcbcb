"""`mod ...`: what moderators decide and do by hand, and whom it never hits."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.core.actions import Action, Ban, Kick, Lock, Post, Purge, Reply, Severity, Timeout, Unban
from bot.core.events import Author, Channel, MessageRef
from bot.core.permissions import Role
from bot.storage.cases import Case
from bot.storage.rulebooks import Rulebook
from bot.storage.settlement import Settlement
from tests.commands.house import ALICE, BOB, CHANNEL, MODERATOR, House
from tests.messages import message

HOME = "memory/home"
DESK = Channel("memory", "home", "moderators")
LINES = (
    "mod queue",
    "mod resolve 1 approve",
    "mod undo 1",
    "mod strikes @bob",
    "mod appeals",
    "mod appeals 1 overturn",
    "mod warn @bob rude",
    "mod timeout @bob 10m rude",
    "mod kick @bob rude",
    "mod ban @bob rude",
    "mod purge 3",
    "mod lock",
    "mod lock unlock",
    "mod note @bob nice",
)


async def case(house: House, *, community: str = HOME, author: Author = BOB, **more: object) -> Case:
    """An open case about a message."""
    platform, _slash, id = community.partition("/")
    place = CHANNEL if community == HOME else Channel(platform, id, id)
    usual = Case(
        number=house.store.cases.next_number(),
        community=community,
        message=MessageRef(place, "5"),
        author=author,
        text="you fool",
        rule="rude",
        version=3,
        severity=Severity.HIDE,
        shadow=False,
        at=house.clock(),
        evidence=((4, 8, "fool", "a word that is not said here"),),
    )
    made = replace(usual, **more)  # type: ignore[arg-type]
    await house.store.settle(Settlement(cases=(made,)))
    return made


def only(actions: Sequence[Action], kind: type[Action]) -> Action:
    (found,) = [each for each in actions if isinstance(each, kind)]
    return found


def texts(actions: Sequence[Action]) -> str:
    return "\n".join(each.text for each in actions if isinstance(each, Reply))


async def numbers(house: House, who: Author = BOB) -> list[float]:
    return [strike.weight for strike in house.store.strikes.of(HOME, who.identity)]


@pytest.mark.parametrize("line", LINES)
async def test_members_are_refused_and_it_is_recorded(house: House, line: str) -> None:
    await case(house)
    actions = await house.do(line, ALICE)
    assert [type(each) for each in actions] == [Reply]
    assert "is for moderators" in texts(actions)
    name = " ".join(line.split()[:2])
    assert await house.audited() == [("refused", name)]
    assert (await house.store.cases.waiting(HOME, 9))[0].state == "open"


@pytest.mark.parametrize("line", LINES)
async def test_a_moderator_a_second_after_being_demoted_is_refused(house: House, line: str) -> None:
    await house.do("mod queue", MODERATOR)
    house.platform.roles[MODERATOR.id] = Role.MEMBER
    house.clock.later(seconds=1)
    actions = await house.do(line, MODERATOR)
    assert [type(each) for each in actions] == [Reply]
    assert "is for moderators" in texts(actions)


@pytest.mark.parametrize("line", LINES)
async def test_nothing_is_done_while_the_platform_does_not_tell_who_may(house: House, line: str) -> None:
    house.platform.broken = True
    assert "so I did nothing" in await house.told(line, MODERATOR)
    assert await house.audited() == []


async def test_a_moderator_of_another_community_decides_nothing_here(house: House) -> None:
    await case(house)
    abroad = Channel("memory", "abroad", "general")
    for line in ("mod resolve 1 ban", "mod undo 1", "mod appeals 1 overturn"):
        assert "There is no case 1 here" in await house.told(line, MODERATOR, abroad)
    assert "Nothing waits" in await house.told("mod queue", MODERATOR, abroad)
    assert "Nothing is kept" in await house.told("mod strikes @bob", MODERATOR, abroad)
    house.platform.elsewhere["home", MODERATOR.id] = Role.MEMBER
    assert "is for moderators" in await house.told("mod resolve 1 ban", MODERATOR)
    assert (await house.store.cases.waiting(HOME, 9))[0].state == "open"


async def test_where_cards_of_a_room_are_posted_its_moderators_decide_and_only_they(house: House) -> None:
    await case(house, community="memory/room")
    staff = Channel("memory", "staff", "staff")
    house.platform.roles.clear()
    house.platform.elsewhere["room", MODERATOR.id] = Role.MODERATOR
    house.platform.elsewhere["staff", ALICE.id] = Role.MODERATOR
    assert "is for moderators" in await house.told("mod resolve 1 approve", MODERATOR, staff)
    await house.store.rulebooks.save(Rulebook("memory/room", log=staff), "mia")
    assert "There is no case 1 here" in await house.told("mod resolve 1 approve", ALICE, staff)
    assert "It may stay" in await house.told("mod resolve 1 approve", MODERATOR, staff)
    assert "is for moderators" in await house.told("mod lock", MODERATOR, staff)
    assert "is for moderators" in await house.told("channel set answer never", MODERATOR, staff)


async def test_the_queue_lists_the_newest_first_with_a_link_and_how_to_decide(house: House) -> None:
    assert await house.told("mod queue", MODERATOR) == "Nothing waits for a decision."
    for _n in range(3):
        await case(house)
    lines = (await house.told("mod queue 2", MODERATOR)).splitlines()
    assert lines[0] == "3 cases wait for a decision:"
    assert [line.split(":")[0] for line in lines[1:3]] == ["• Case 3", "• Case 2"]
    assert f"https://chat.example/{CHANNEL.key}/5" in lines[1]
    assert "mod resolve CASE VERDICT" in lines[3]
    assert "fool" not in "".join(lines)


async def test_a_decision_is_recorded_with_rule_and_version_and_the_second_is_told(house: House) -> None:
    await case(house)
    actions = await house.do("mod resolve 1 timeout", MODERATOR)
    timeout = only(actions, Timeout)
    assert isinstance(timeout, Timeout)
    assert (timeout.author, timeout.duration_s) == (BOB, 3600)
    assert await numbers(house) == [1.0]
    (entry,) = await house.store.audit.recent("memory", "home", 5)
    assert (entry.verb, entry.detail) == ("timeout", "case 1 rule rude version 3")
    assert entry.subject == house.store.seal.pseudonym(BOB.identity)
    again = await house.do("mod resolve 1 ban", MODERATOR)
    assert texts(again) == "Case 1 is decided already. deleted, timed out, by Mia."
    assert [type(each) for each in again] == [Reply]


async def test_the_same_call_after_a_kill_does_the_same_once_more_and_counts_once(house: House) -> None:
    await case(house)
    invoke, context = house.services.commands.invoke, house.context(MODERATOR, call="the call")
    first = await invoke(context, ("mod", "resolve"), {"case": 1, "verdict": "ban"})
    assert first == await invoke(context, ("mod", "resolve"), {"case": 1, "verdict": "ban"})
    by_hand = {"member": "@alice", "reason": "spam"}
    assert await invoke(context, ("mod", "ban"), by_hand) == await invoke(context, ("mod", "ban"), by_hand)
    assert await numbers(house) == [3.0]
    assert await numbers(house, ALICE) == [3.0]
    assert [verb for verb, _detail in await house.audited()] == ["ban", "ban"]


@pytest.mark.parametrize(
    ("line", "kind", "weight", "undone"),
    [
        ("mod warn @bob Stay polite.", Post, 1.0, None),
        ("mod timeout @bob 2h Flooded.", Timeout, 1.0, Timeout),
        ("mod kick @bob Only advertises.", Kick, 2.0, None),
        ("mod ban @bob Sells accounts.", Ban, 3.0, Unban),
    ],
)
async def test_what_is_done_by_hand_is_a_case_counts_and_is_undone(
    house: House, line: str, kind: type[Action], weight: float, undone: type[Action] | None
) -> None:
    actions = await house.do(line, MODERATOR)
    assert any(isinstance(each, kind) for each in actions)
    assert texts(actions) == "Done: case 1, bob. `/mod undo 1` takes it back."
    assert await numbers(house) == [weight]
    made = await house.store.cases.get(HOME, 1)
    assert made is not None
    assert (made.rule, made.state, made.actor_name) == ("", "upheld", "Mia")
    assert made.evidence[0][3] == line.split(" ", 4 if "timeout" in line else 3)[-1]
    verb = line.split()[1]
    assert (await house.audited())[0] == (verb, "case 1 by hand")
    taken_back = await house.do("mod undo 1", MODERATOR)
    assert await numbers(house) == []
    assert [type(each) for each in taken_back] == ([undone] if undone is not None else []) + [Reply]
    assert "Taken back by Mia" in texts(taken_back).replace("*", "")
    assert "nothing was done that I could take back" in await house.told("mod undo 1", MODERATOR)


@pytest.mark.parametrize("verb", ["warn", "timeout", "kick", "ban"])
async def test_moderators_and_who_moderates_since_a_second_are_never_hit(house: House, verb: str) -> None:
    assert "That is you" in await house.told(f"mod {verb} @mia 1h for nothing", MODERATOR)
    house.platform.roles["bob"] = Role.ADMIN
    refused = await house.do(f"mod {verb} @bob 1h for nothing", MODERATOR)
    assert "I do nothing to moderators" in texts(refused)
    assert [type(each) for each in refused] == [Reply]
    await case(house)
    if verb != "kick":
        assert "I do nothing to moderators" in await house.told(f"mod resolve 1 {verb}", MODERATOR)
    assert await house.audited() == []


async def test_the_author_of_the_message_replied_to_is_meant_and_its_text_is_kept(house: House) -> None:
    house.platform.past.append(message("buy my watches", id="77", author=BOB, at=house.clock()))
    house.clock.later(minutes=5)
    await house.do("mod warn No advertising here.", MODERATOR, target="77")
    made = await house.store.cases.get(HOME, 1)
    assert made is not None
    assert (made.author, made.text, made.message.id) == (BOB, "buy my watches", "77")
    assert "I do not know any more" in await house.told("mod warn spam", MODERATOR, target="78")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("mod warn spam", "Whom?"),
        ("mod warn @bob", "Say why"),
        ("mod warn 123456789012345678 spam", "is nobody on this platform"),
        ("mod warn @bob:server spam", "is nobody on this platform"),
        ("mod timeout @bob 0m spam", "at least a second"),
        ("mod timeout @bob 29d spam", "at most 28 days"),
        ("mod purge 0", "from 1 to 100"),
        ("mod purge 101", "from 1 to 100"),
        ("mod resolve 1 explode", "one of"),
        ("mod resolve 99 approve", "There is no case 99"),
        ("mod undo 99", "There is no case 99"),
        ("mod appeals 99 overturn", "There is no case 99"),
    ],
)
async def test_what_cannot_be_done_is_said_and_nothing_is_done(
    house: House, line: str, complaint: str
) -> None:
    actions = await house.do(line, MODERATOR)
    assert complaint in texts(actions)
    assert [type(each) for each in actions] == [Reply]
    assert await house.audited() == []


async def test_nobody_is_moderated_in_a_conversation_of_two(house: House) -> None:
    alone = Channel("memory", "home", "mia", private=True)
    for line in ("mod ban @bob spam", "mod purge 3", "mod lock", "mod note @bob nice"):
        assert "Only the two of us" in await house.told(line, MODERATOR, alone)


async def test_a_purge_takes_the_last_messages_before_it_all_or_those_of_a_member(house: House) -> None:
    for n in range(8):
        author = BOB if n % 2 else ALICE
        house.platform.past.append(message(f"m{n}", id=f"m{n}", author=author, at=house.clock()))
        house.clock.later(minutes=20)
    house.platform.past.append(message("mod purge", id="call1", author=MODERATOR, at=house.clock()))
    purge = only(await house.do("mod purge 3", MODERATOR), Purge)
    assert isinstance(purge, Purge)
    assert purge.message_ids == ("m5", "m6", "m7")
    purge = only(await house.do("mod purge 3 @alice", MODERATOR), Purge)
    assert isinstance(purge, Purge)
    assert purge.message_ids == ("m2", "m4", "m6")
    assert await numbers(house, ALICE) == []
    assert [verb for verb, _detail in await house.audited()] == ["purge", "purge"]


async def test_a_place_is_locked_and_opened_again_by_undo_or_by_itself(house: House) -> None:
    for back, line in enumerate(("mod undo 1", "mod lock unlock"), 1):
        locked = only(await house.do("mod lock", MODERATOR), Lock)
        opened = only(await house.do(line.replace("1", str(back)), MODERATOR), Lock)
        assert isinstance(locked, Lock)
        assert isinstance(opened, Lock)
        assert (locked.locked, opened.locked, opened.channel) == (True, False, CHANNEL)


async def test_a_note_is_for_moderators_counts_nothing_and_is_forgotten_with_the_member(house: House) -> None:
    assert "Done: case 1" in await house.told("mod note @bob Talked to him.", MODERATOR)
    (shown,) = await house.do("mod strikes @bob", MODERATOR)
    assert isinstance(shown, Reply)
    assert shown.personal
    assert "Talked to him." in shown.text
    assert "amount to 0.0" in shown.text
    assert "Nothing of yours was removed" in await house.told("appeal", BOB)
    assert "There is no case 1 of yours" in await house.told("appeal 1", BOB)
    await house.store.privacy.forget(BOB.identity)
    assert "Nothing is kept against bob" in await house.told("mod strikes @bob", MODERATOR)


async def test_strikes_fade_and_are_listed_with_their_cases(house: House) -> None:
    await house.do("mod ban @bob Sells accounts.", MODERATOR)
    house.clock.later(days=30)
    text = await house.told("mod strikes @bob", MODERATOR)
    assert "amount to 1.5" in text
    assert "Case 1: banned, by hand · banned, by Mia. · Sells accounts." in text


@pytest.mark.parametrize(
    ("written", "seconds", "why"),
    [
        ("10m spam", 600, "spam"),
        ("2h", 7200, None),
        ("1h30m spam", 5400, "spam"),
        ("10 minutes spam", 600, "spam"),
        ("90 spam", 5400, "spam"),
        ("3天 广告", 259_200, "广告"),
        ("半小时 广告", 1800, "广告"),
        ("２小时 广告", 7200, "广告"),
        ("1.5h spam", 5400, "spam"),
        ("spam and more", 3600, "spam and more"),
    ],
)
async def test_a_time_is_read_as_people_write_it(
    house: House, written: str, seconds: float, why: str | None
) -> None:
    actions = await house.do(f"mod timeout @bob {written}", MODERATOR)
    if why is None:
        assert "Say why" in texts(actions)
        return
    timeout = only(actions, Timeout)
    assert isinstance(timeout, Timeout)
    assert timeout.duration_s == seconds
    made = await house.store.cases.get(HOME, 1)
    assert made is not None
    assert made.evidence[0][3] == why


async def test_what_is_done_by_hand_has_a_card_where_moderators_read(house: House) -> None:
    await house.store.rulebooks.save(Rulebook(HOME, log=DESK), "mia")
    cards = [
        each
        for each in await house.do("mod ban @bob Sells accounts.", MODERATOR)
        if isinstance(each, Post) and each.channel == DESK
    ]
    assert [card.title for card in cards] == ["Case 1: banned, by hand"]
    assert [control.label for control in cards[0].controls] == ["Undo"]
    assert "Sells accounts." in cards[0].text


async def test_what_everybody_reads_is_in_the_language_of_the_house_and_the_answer_in_the_callers(
    house: House,
) -> None:
    await house.store.rulebooks.save(Rulebook(HOME, log=DESK), "mia")
    context = replace(house.context(MODERATOR), locale="zh-CN")
    actions = await house.services.commands.invoke(
        context, ("mod", "warn"), {"member": "@bob", "reason": "Stay polite."}
    )
    assert isinstance(actions, tuple)
    notice, card, answer = actions
    assert isinstance(notice, Post)
    assert isinstance(card, Post)
    assert isinstance(answer, Reply)
    assert "the moderators ask you" in notice.text
    assert card.title == "Case 1: warned, by hand"
    assert answer.text.startswith("完成")


async def test_a_decision_without_a_call_is_still_one(house: House) -> None:
    made = await case(house)
    await house.services.desk.decide(made, "approve", MODERATOR, "")
    assert await house.store.cases.waiting(HOME, 9) == []
