"""A question that was answered before gets what answered it; any other gets nothing."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.knowledge.asked import SAME, Earlier, Likeness, earlier
from bot.knowledge.document import Document, Section
from bot.knowledge.index import Index
from bot.knowledge.search import Search
from bot.storage.passages import COMMON
from bot.storage.store import Store
from tests.knowledge.conftest import document
from tests.knowledge.library import Remembering, library
from tests.knowledge.questions import golden
from tests.messages import EPOCH

HOME = "discord/1"
QUESTION = "How do I renew the wildcard certificate on the proxy?"
ANSWER = (
    "Run the renewal with the DNS plugin of your registrar, since a wildcard is only given out over DNS. "
    "Then reload the proxy with its reload hook, so that it takes the new certificate without a restart."
)
CERTIFICATE = document("tls", QUESTION, ANSWER, title="Renewing a wildcard certificate")
OTHERS = [
    document("disk", "Which disk should I buy for backups?", ANSWER, title="Disks"),
    document("tea", "Tea is hot water with leaves in it, and it is best with a friend.", title="Tea"),
    document("mail", "Why does my mail land in spam?", "Publish DMARC, a PTR record and DKIM.", title="Spam"),
]


async def hint(
    index: Index, text: str, title: str = "", channels: set[str] | None = None, hours: float = 100
) -> Earlier | None:
    later = EPOCH + timedelta(hours=hours)
    return await earlier(Search(index), title, text, HOME, later, channels, before=later)


async def filled(index: Index, *documents: Document) -> Index:
    await index.add(HOME, [*OTHERS, *documents])
    return index


def talk(*said: tuple[str, str], channel: str = "") -> Document:
    """What (author, text) said in an archived channel, an hour after each other."""
    sections = tuple(
        Section(text, EPOCH + timedelta(hours=at), f"https://example.org/{at}", author)
        for at, (author, text) in enumerate(said)
    )
    return Document("talk", "", sections, channel)


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("", QUESTION),
        ("", "Hi! Can anybody tell me how to renew the wildcard certificate on the proxy? Thank you."),
        ("How to renew the wildcard certificate on our proxy", "It says expired, and I am lost."),
        ("", "Our site is down since noon. How do I renew the wildcard certificate on the proxy?"),
    ],
)
async def test_a_question_that_was_answered_gets_its_answer(index: Index, title: str, text: str) -> None:
    found = await hint(await filled(index, CERTIFICATE), text, title)
    assert found is not None
    assert (found.source.id, found.source.link) == ("tls", "https://example.org/tls")
    assert found.source.quote.startswith("Run the renewal with the DNS plugin")


@pytest.mark.parametrize(
    "other",
    [
        "How do I revoke the wildcard certificate of a colleague on the proxy who left us?",
        "Who pays for the proxy?",
        "How do I renew my passport?",
        "I renewed the wildcard certificate on the proxy.",
        "certificate",
        "",
        "?",
        "🦊",
        "help it does not work",
    ],
)
async def test_any_other_message_gets_nothing(index: Index, other: str) -> None:
    assert await hint(await filled(index, CERTIFICATE), other) is None


async def test_a_document_that_is_called_by_the_question_answers_it(index: Index) -> None:
    await filled(index, document("faq", ANSWER, title=QUESTION))
    found = await hint(index, "how can I renew the wildcard certificate on the proxy")
    assert found is not None
    assert found.source.id == "faq"


async def test_in_a_talk_the_link_leads_to_who_answered(index: Index) -> None:
    await filled(index, talk(("anna", "Good morning all"), ("anna", QUESTION), ("ben", ANSWER)))
    found = await hint(index, QUESTION)
    assert found is not None
    assert found.source.link == "https://example.org/2"


@pytest.mark.parametrize(
    "said",
    [
        [("anna", QUESTION)],
        [("anna", QUESTION), ("ben", "me too")],
        [("anna", QUESTION), ("ben", f"{QUESTION} Does nobody know, not even the administrators of it?")],
        [("anna", QUESTION), ("anna", ANSWER)],
        [("ben", ANSWER), ("anna", QUESTION)],
    ],
    ids=["silence", "me too", "asked again", "by who asked", "before it"],
)
async def test_what_nobody_else_answered_is_no_answer(index: Index, said: list[tuple[str, str]]) -> None:
    assert await hint(await filled(index, talk(*said)), QUESTION) is None


async def test_what_is_said_later_than_the_question_is_no_answer_to_it(index: Index) -> None:
    await filled(index, talk(("anna", QUESTION), ("ben", ANSWER)))
    assert await hint(index, QUESTION, hours=0.5) is None
    assert await hint(index, QUESTION, hours=1.5) is not None


async def test_what_not_everybody_may_read_is_not_told(index: Index) -> None:
    await filled(index, document("tls", QUESTION, ANSWER, title="Certificates", channel="mods"))
    assert await hint(index, QUESTION, channels={"", "all"}) is None
    assert await hint(index, QUESTION, channels={"", "mods"}) is not None


async def test_an_empty_index_knows_nothing(index: Index) -> None:
    assert await hint(index, QUESTION) is None


async def test_chinese_questions_are_compared_by_their_characters(index: Index) -> None:
    answer = "在注册商那里打开 DNS 插件，然后运行续期命令，最后重新加载反向代理，不需要重启。"
    await filled(index, document("zh", "反向代理的通配符证书怎么续期？", answer, title="证书续期"))
    found = await hint(index, "请问反向代理的通配符证书怎么续期？")
    assert found is not None
    assert found.source.id == "zh"
    assert await hint(index, "请问服务器的登录密码怎么修改？") is None


class Drawn:
    """An embedder of three subjects: what speaks of several lies between them."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        subjects = ("certificate", "backup", "proxy")
        found = np.array([[*(word in text.lower() for word in subjects), 0.1] for text in texts], np.float32)
        unit: NDArray[np.float32] = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit


ON_PROXIES = [document(f"proxy {at}", f"A proxy, number {at}.", ANSWER) for at in range(6)]
OTHER_WORDS = "Where does a new certificate come from when the old one is over?"


async def test_with_a_model_other_words_are_enough_if_nothing_else_comes_near(store: Store) -> None:
    index = Index(store.passages, store.privacy, Drawn())
    await index.add(HOME, [*OTHERS, *ON_PROXIES, document("tls", "How do I renew a certificate?", ANSWER)])
    found = await hint(index, OTHER_WORDS)
    assert found is not None
    assert found.source.id == "tls"


async def test_what_is_as_near_as_many_others_is_none_of_them(store: Store) -> None:
    index = Index(store.passages, store.privacy, Drawn())
    alike = [document(f"tls {at}", f"How do I renew certificate {at}?", ANSWER) for at in "abcdefg"]
    await index.add(HOME, [*OTHERS, *alike])
    assert await hint(index, OTHER_WORDS) is None


async def test_a_question_about_another_version_or_town_is_another(store: Store) -> None:
    index = Index(store.passages, store.privacy, Drawn())
    known = document("tls", "How do I renew a certificate of version 9 in Ghent?", ANSWER)
    await index.add(HOME, [*OTHERS, *ON_PROXIES, known])
    assert await hint(index, "How can one renew the certificate of version 9 in Ghent?") is not None
    assert await hint(index, "How can one renew the certificate of version 10 in Ghent?") is None
    assert await hint(index, "How can one renew the certificate of version 9 in Lisbon?") is None


def test_nearness_alone_is_not_enough_and_neither_is_a_lonely_subject() -> None:
    assert Likeness(near=0.9, apart=0.1).same < SAME
    assert Likeness(near=0.3, apart=0.15).same < SAME
    assert Likeness(near=0.95, apart=0.35).same > SAME


@pytest.mark.model
async def test_in_the_sample_community_repeats_in_other_words_are_noticed(
    tmp_path: Path, minilm: Remembering
) -> None:
    later = EPOCH + timedelta(days=9_000)
    async with library(tmp_path, minilm) as search:
        for question, thread in REPEATS.items():
            found = await earlier(search, "", question, COMMON, later)
            assert found is not None, question
            assert found.source.id == thread
        others = [each.question for each in golden() if not each.relevant]
        wrong = [each for each in others if await earlier(search, "", each, COMMON, later) is not None]
    assert len(others) >= 20
    assert len(wrong) <= 1, wrong  # it names the very thing that a thread asks something else about


REPEATS = {
    "Is changing the SSH port worth it?": "help-032",
    "How do I mute an alert for two hours?": "host-019",
    "Who can publish signed packages?": "host-013",
    "How are repositories chosen for the restore drill?": "ann-010",
    "Why does a Chinese text take twice as many tokens elsewhere?": "mod-022",
}
