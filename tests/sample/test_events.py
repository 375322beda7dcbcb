"""The sample community replays as core events."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.events import (
    Deletion,
    Edit,
    Event,
    Message,
    Reaction,
    ThreadOpened,
    author_of,
    place_of,
)
from bot.sample.community import COMMUNITY_ID, SPAN_S, load

END = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return list(load().events(END))


def at(event: Event) -> datetime:
    return event.message.at if isinstance(event, Edit) else event.at


def test_every_event_is_a_core_event_of_this_community(events: list[Event]) -> None:
    kinds = Counter(type(event) for event in events)
    assert set(kinds) == {ThreadOpened, Message, Edit, Deletion, Reaction}
    assert kinds[ThreadOpened] == len(load().threads)
    assert kinds[Message] == len(load().messages)
    assert kinds[Reaction] >= len(load().reactions)
    for event in events:
        place, author = place_of(event), author_of(event)
        assert (place.platform, place.community, place.private) == ("sample", COMMUNITY_ID, False)
        assert author is None or author.platform == "sample"


def test_events_come_in_order_and_end_now(events: list[Event]) -> None:
    times = [at(event) for event in events]
    assert times == sorted(times)
    assert END - timedelta(seconds=SPAN_S) <= times[0]
    assert END - timedelta(days=1) < times[-1] < END


def test_causes_come_before_effects(events: list[Event]) -> None:
    open_threads: set[str | None] = set()
    known: set[str] = set()
    for event in events:
        match event:
            case ThreadOpened(channel=channel):
                open_threads.add(channel.thread)
            case Message(ref=ref, reply_to=reply_to):
                assert ref.channel.thread in open_threads
                assert reply_to is None or reply_to in known
                known.add(ref.id)
            case Reaction(ref=ref) | Deletion(ref=ref) | Edit(message=Message(ref=ref)):
                assert ref.id in known


def test_keys_are_unique(events: list[Event]) -> None:
    assert max(Counter(event.key for event in events).values()) == 1


def test_ids_stay_when_the_clock_moves_and_times_move_with_it(events: list[Event]) -> None:
    later = list(load().events(END + timedelta(days=30)))
    assert [place_of(event).key for event in later] == [place_of(event).key for event in events]
    assert all(at(new) - at(old) == timedelta(days=30) for new, old in zip(later, events, strict=True))
    texts = (Message, Edit, Deletion, ThreadOpened)
    keys = [[event.key for event in run if isinstance(event, texts)] for run in (events, later)]
    assert keys[0] == keys[1]


def test_another_platform_and_community_are_used_everywhere() -> None:
    for event in load().events(END, platform="memory", community="town"):
        author, place = author_of(event), place_of(event)
        assert (place.platform, place.community) == ("memory", "town")
        assert author is None or author.platform == "memory"


def test_what_stands_at_the_end_is_what_the_events_leave_standing(events: list[Event]) -> None:
    texts: dict[str, str] = {}
    for event in events:
        match event:
            case Message(ref=ref, text=text) | Edit(message=Message(ref=ref, text=text)):
                texts[ref.id] = text
            case Deletion(ref=ref):
                del texts[ref.id]
    standing = list(load().standing(END))
    assert {message.ref.id: message.text for message in standing} == texts
    assert [message.at for message in standing] == sorted(message.at for message in standing)
    first_seen = {event.ref.id: event for event in events if isinstance(event, Message)}
    assert all(message.at == first_seen[message.ref.id].at for message in standing)
    assert len(first_seen) - len(standing) >= 6


def test_authors_keep_their_names_and_bots_are_marked(events: list[Event]) -> None:
    authors = {author.id: author for author in map(author_of, events) if author is not None}
    members = load().members
    assert {i: (a.name, a.is_bot) for i, a in authors.items()} == {
        i: (members[i].name, members[i].is_bot) for i in authors
    }
    assert any(author.is_bot for author in authors.values())


def test_a_member_who_reads_chinese_has_a_chinese_client(events: list[Event]) -> None:
    locales = {event.author.id: event.locale for event in events if isinstance(event, Message)}
    assert {locales[i] for i in locales if load().members[i].language == "zh"} == {"zh-CN"}
