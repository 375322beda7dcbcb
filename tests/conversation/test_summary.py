"""Extracts hold what a conversation is about, in English and in Chinese, and nothing that was not said."""

from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.summary import Said, extract, key_sentence

PARTY = (
    "Hi all",
    "When do we meet for the release party?",
    "I can do friday",
    "Friday works for me, at the harbor cafe",
    "lol",
    "Where is the harbor cafe?",
    "It is next to the old bridge, open until nine",
    "ok",
    "We decided: release party on friday at seven in the harbor cafe.",
    "My laptop crashes when I compile the kernel",
    "Did anybody see the crash in kernel 6.1?",
    "The crash is fixed in 6.1.4, just update",
    "thanks",
)
CHINESE = (
    "大家好",
    "我们什么时候开发布会？",
    "星期五可以",
    "星期五下午七点在港口咖啡馆怎么样",
    "港口咖啡馆在哪里？",
    "在老桥旁边，九点关门",
    "哈哈",
    "那就决定了：星期五七点在港口咖啡馆开发布会",
    "我的电脑编译内核的时候会死机",
    "6.1.4 已经解决了死机的问题，更新就行",
    "谢谢",
)


def chosen(texts: tuple[str, ...], most: int) -> list[str]:
    return [texts[at] for at in extract([Said(text) for text in texts], most)]


def test_questions_and_decisions_come_first() -> None:
    assert chosen(PARTY, 2) == [PARTY[8], PARTY[11]]
    assert {PARTY[1], PARTY[8], PARTY[11]} <= set(chosen(PARTY, 6))
    assert {CHINESE[7], CHINESE[9]} <= set(chosen(CHINESE, 3))
    assert CHINESE[1] in chosen(CHINESE, 5)


def test_small_talk_is_left_out_unless_there_is_nothing_else() -> None:
    everything = chosen(PARTY, len(PARTY))
    assert not {"Hi all", "lol", "ok", "thanks"} & set(everything)
    assert not {"大家好", "哈哈", "谢谢"} & set(chosen(CHINESE, len(CHINESE)))
    assert chosen(("hello", "lol", "😀"), 5) == ["hello", "lol"]
    assert extract([], 5) == []


def test_what_was_said_twice_stands_once() -> None:
    said = ("The harbor cafe closes at nine.", "the harbor cafe closes at nine", "Trains leave at ten sharp.")
    assert len(chosen(said, 5)) == 2


def test_what_many_replied_to_counts_more() -> None:
    said = [
        Said("Green windows look odd here"),
        Said("Blue doors look fine here"),
        Said("Red roofs look old"),
    ]
    assert extract([said[0], said[1], Said(said[2].text, replies=4)], 1) == [2]
    assert extract([Said(said[0].text, replies=4), *said[1:]], 1) == [0]


def test_what_a_conversation_is_about_counts_more() -> None:
    said = [
        Said("My server is noisy at night"),
        Said("Try slower fans there"),
        Said("Cleaning fans helps servers, people say"),
    ]
    assert extract([Said(said[0].text, opens=True), *said[1:]], 1) == [0]
    assert extract([*said[:2], Said(said[2].text, opens=True)], 1) == [2]


def test_the_sentence_that_says_it_stands_for_a_message() -> None:
    assert key_sentence("Good morning all. When does the harbor open? Thanks a lot.") == (
        "When does the harbor open?"
    )
    assert key_sentence("Long talk yesterday. We decided to meet on Friday. Bye") == (
        "We decided to meet on Friday."
    )
    assert key_sentence("Well. The ferry leaves from the northern pier.") == (
        "The ferry leaves from the northern pier."
    )
    assert key_sentence("大家好。我们决定星期五见面。再见") == "我们决定星期五见面。"
    assert key_sentence("  lol ") == "lol"
    assert key_sentence("No? The ferry leaves from the northern pier.") == (
        "The ferry leaves from the northern pier."
    )


@given(st.lists(st.text(max_size=60), max_size=25), st.integers(1, 6))
def test_any_texts_give_places_in_order_and_no_more_than_wanted(texts: list[str], most: int) -> None:
    found = extract([Said(text) for text in texts], most)
    assert found == sorted(set(found))
    assert len(found) <= most
    assert all(texts[at].strip() for at in found)


@given(st.text(max_size=300))
def test_a_key_sentence_is_part_of_its_message(text: str) -> None:
    assert key_sentence(text) in text
