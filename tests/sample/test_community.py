"""The sample community is large, bilingual, consistent and names nobody real."""

import json
import re
from collections import Counter
from importlib.resources import files

import pytest

from bot.core.permissions import Role
from bot.sample.community import SPAN_S, Community, SampleMessage, Thread, load
from bot.sample.draw import draw

LABELS = {"spam", "rude", "low_effort", "answers"}
KINDS = {"technical", "house", "talk", "unanswered", "spam"}
SAFE_DOMAINS = ("example", "invalid", "test", "lan", "local", "internal", "localhost", "arpa")
REAL_DOMAIN = re.compile(
    r"\b[a-z0-9-]{2,}\.(?:com|org|net|io|dev|ai|cn|app|gg|xyz|info|edu|gov|de|uk|ru|tv|me|co|eu|fr|jp|us|top|shop|site)\b",
    re.IGNORECASE,
)
LINK_HOST = re.compile(r"(?:https?|ssh|git|ftp|rsync)://([^\s/:`\"'）)>，。]+)", re.IGNORECASE)
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[a-z]{2,}", re.IGNORECASE)
PHONE = re.compile(r"(?<![\w.:/-])\+?\d[\d ()-]{8,}\d(?![\w.:/-])")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def community() -> Community:
    return load()


def texts(said: SampleMessage) -> list[str]:
    return [said.text, *(edit.text for edit in said.edits)]


def everything_written(community: Community) -> list[str]:
    written = [text for said in community.messages.values() for text in texts(said)]
    written += [thread.title for thread in community.threads.values()]
    return written + [f"{member.name} {member.about}" for member in community.members.values()]


def has_answer(community: Community, thread: Thread) -> bool:
    return any("answers" in said.labels for said in community.messages_of(thread.id))


def test_it_stays_small_enough_to_be_read_at_every_start() -> None:
    data = files("bot.sample") / "data"
    assert sum(len(part.read_bytes()) for part in data.iterdir()) < 1_000_000


def test_it_is_read_once() -> None:
    assert load() is load()


def test_it_is_as_large_as_promised(community: Community) -> None:
    threads = community.threads.values()
    languages = Counter(thread.language for thread in threads)
    assert len(community.members) >= 50
    assert len(threads) >= 230
    assert 0.55 <= languages["en"] / languages.total() <= 0.65
    assert languages["zh"] + languages["en"] == languages.total()
    assert 8 <= len(community.channels) <= 10


def test_no_id_is_used_twice() -> None:
    data = files("bot.sample") / "data"
    for keys in (
        ["members"],
        ["channels"],
        ["threads"],
        [channel.id for channel in load().channels.values()],
    ):
        rows = [
            json.loads(line)
            for name in keys
            for line in (data / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        ]
        assert [row for row, n in Counter(row["id"] for row in rows).items() if n > 1] == []


def test_chinese_threads_are_chinese_and_english_ones_are_not(community: Community) -> None:
    for thread in community.threads.values():
        opening = community.messages_of(thread.id)[0]
        assert bool(CHINESE.search(thread.title + opening.text)) == (thread.language == "zh"), thread.id


def test_most_questions_have_an_answer_and_some_have_none(community: Community) -> None:
    kinds = Counter(thread.kind for thread in community.threads.values())
    answered = Counter(t.kind for t in community.threads.values() if has_answer(community, t))
    assert set(kinds) == KINDS
    assert answered["technical"] == kinds["technical"] >= 80
    assert answered["house"] == kinds["house"] >= 25
    assert answered["unanswered"] == 0
    assert kinds["unanswered"] >= 8
    assert kinds["spam"] >= 5


def test_every_label_occurs_and_is_known(community: Community) -> None:
    labels = Counter(label for said in community.messages.values() for label in said.labels)
    assert set(labels) == LABELS
    assert labels["rude"] >= 8
    assert labels["low_effort"] >= 8
    assert labels["spam"] >= 8
    assert sum(said.duplicate_of is not None for said in community.messages.values()) >= 12
    assert sum(bool(said.edits) for said in community.messages.values()) >= 6
    assert sum(said.deleted_at is not None for said in community.messages.values()) >= 6


def test_the_time_span_is_ninety_days_and_used(community: Community) -> None:
    times = [said.at for said in community.messages.values()]
    assert min(times) < 2 * 86_400
    assert max(times) > SPAN_S - 2 * 86_400
    assert max(times) < SPAN_S
    per_week = Counter(thread.at // (7 * 86_400) for thread in community.threads.values())
    assert min(per_week[week] for week in range(12)) >= 5


def test_everything_refers_to_something_that_exists(community: Community) -> None:
    for thread in community.threads.values():
        assert thread.author in community.members
        assert thread.channel in community.channels
        assert thread.kind in KINDS
    for said in community.messages.values():
        assert said.author in community.members
        assert community.threads[said.thread].channel == said.channel
    for given in community.reactions:
        assert given.message in community.messages
        assert given.author in community.members


def test_a_thread_has_an_opening_post_by_its_author_and_two_to_fifteen_replies(community: Community) -> None:
    for thread in community.threads.values():
        opening, *replies = community.messages_of(thread.id)
        assert (opening.author, opening.at, opening.reply_to) == (thread.author, thread.at, None)
        assert 2 <= len(replies) <= 15, thread.id


def test_replies_and_answers_come_after_what_they_reply_to(community: Community) -> None:
    for said in community.messages.values():
        if said.reply_to is not None:
            target = community.messages[said.reply_to]
            assert (target.thread, target.at < said.at) == (said.thread, True), said.id
        if "answers" in said.labels:
            assert said.reply_to is not None, said.id
            assert community.messages[said.reply_to].author != said.author, said.id


def test_duplicates_point_to_an_earlier_thread(community: Community) -> None:
    for said in community.messages.values():
        if said.duplicate_of is not None:
            assert community.threads[said.duplicate_of].at < said.at, said.id


def test_nobody_writes_before_joining_or_where_they_may_not_read(community: Community) -> None:
    for said in community.messages.values():
        member = community.members[said.author]
        assert member.joined <= said.at, said.id
        assert member.role >= community.channels[said.channel].role, said.id


def test_only_moderators_read_the_private_channel(community: Community) -> None:
    plain = {channel.id for channel in community.readable_channels("somebody from outside")}
    moderator = next(m for m in community.members.values() if m.role is Role.MODERATOR)
    assert {c.id for c in community.readable_channels(moderator.id)} - plain == {"moderators"}


def test_edits_and_deletions_follow_their_message(community: Community) -> None:
    for said in community.messages.values():
        times = [said.at, *(edit.at for edit in said.edits)]
        assert times == sorted(set(times)), said.id
        assert all(edit.text != said.text for edit in said.edits)
        assert said.deleted_at is None or max(times) < said.deleted_at < SPAN_S, said.id
        assert said.final_text == texts(said)[-1]


def test_no_text_is_said_twice_in_the_same_words(community: Community) -> None:
    honest = [said.text for said in community.messages.values() if "spam" not in said.labels]
    assert [text for text, n in Counter(honest).items() if n > 1 and len(text) > 20] == []


def test_no_address_number_or_real_domain_is_named(community: Community) -> None:
    for text in everything_written(community):
        assert not EMAIL.search(text), text
        assert not PHONE.search(text), text
        assert not REAL_DOMAIN.search(text), text
        for host in LINK_HOST.findall(text):
            in_a_network = "." not in host or host[0].isdigit()
            assert in_a_network or host.rsplit(".", 1)[-1] in SAFE_DOMAINS, text


def test_nobody_is_addressed_who_is_not_a_member(community: Community) -> None:
    names = {member.name for member in community.members.values()}
    for text in everything_written(community):
        for mentioned in re.findall(r"(?:^|\s)@([\w-]+)", text):
            assert mentioned in names, text


def test_reactions_are_those_the_drawing_gives(community: Community) -> None:
    drawn = draw(community)
    stored: dict[str, set[tuple[object, ...]]] = {}
    for r in community.reactions:
        gone = () if r.removed_at is None else (r.removed_at,)
        stored.setdefault(r.message, set()).add((r.author, r.emoji, r.at, *gone))
    assert stored == {message: set(given) for message, given in drawn.items()}


def test_nobody_reacts_to_themselves_or_twice_with_one_emoji(community: Community) -> None:
    seen = Counter((r.message, r.author, r.emoji) for r in community.reactions)
    assert max(seen.values()) == 1
    for r in community.reactions:
        said = community.messages[r.message]
        assert (said.author != r.author, said.at < r.at < SPAN_S) == (True, True)
        assert community.members[r.author].role >= community.channels[said.channel].role


def test_members_react_to_what_they_like(community: Community) -> None:
    def share(member: str, topics: set[str]) -> float:
        mine = [r for r in community.reactions if r.author == member]
        met = [community.threads[community.messages[r.message].thread].topics for r in mine]
        return sum(bool(topics & set(thread_topics)) for thread_topics in met) / len(met)

    hosting, models = {"storage", "network"}, {"models", "gpu"}
    assert share("dunmore", hosting) > 2 * share("saffron", hosting)
    assert share("saffron", models) > 2 * share("dunmore", models)
    assert share("lintel", hosting) > 0.15
    assert share("lintel", models) > 0.15


def test_interest_decays_but_some_come_late(community: Community) -> None:
    ages = sorted((r.at - community.messages[r.message].at) / 86_400 for r in community.reactions)
    assert ages[len(ages) // 2] < 1.5
    assert ages[int(len(ages) * 0.97)] > 5
