"""Settings are inherited from thread, channel and community, nearest first."""

from collections.abc import Mapping

import pytest

from bot.conversation.policy import (
    DEFAULTS,
    PERSONA_MAX_CHARS,
    ChannelPolicy,
    channel_policy,
    inheritance,
    setting,
)
from bot.core.events import Channel
from tests.conversation.house import THREAD
from tests.messages import CHANNEL


class Chosen:
    """Settings in a dict."""

    def __init__(self, **scopes: Mapping[str, str]) -> None:
        self._scopes = {
            name: scopes.get(word, {})
            for word, name in (
                ("community", "memory/home"),
                ("channel", CHANNEL.key),
                ("thread", THREAD.key),
            )
        }

    def get(self, scope: str) -> Mapping[str, str]:
        return self._scopes.get(scope, {})


def test_nobody_chose_anything() -> None:
    assert channel_policy(Chosen(), CHANNEL) == ChannelPolicy()
    assert set(DEFAULTS) == {
        "answer",
        "persona",
        "model",
        "archive",
        "moderation",
        "duplicates",
        "unanswered",
        "patience",
        "learning",
        "introductions",
    }


def test_scopes_nearest_first_and_each_once() -> None:
    assert inheritance(THREAD) == (THREAD.key, CHANNEL.key, "memory/home")
    assert inheritance(CHANNEL) == (CHANNEL.key, "memory/home")


def test_each_setting_is_inherited_by_itself() -> None:
    chosen = Chosen(
        community={"answer": "never", "persona": "A librarian.", "model": "large"},
        channel={"answer": "question", "archive": "yes"},
        thread={"answer": "all"},
    )
    assert channel_policy(chosen, THREAD) == ChannelPolicy("all", "A librarian.", "large", archive=True)
    assert channel_policy(chosen, CHANNEL).answer == "question"
    assert channel_policy(chosen, Channel("memory", "home", "other")).answer == "never"
    assert channel_policy(chosen, Channel("memory", "away", "general")) == ChannelPolicy()
    assert channel_policy(chosen, Channel("discord", "home", "general")) == ChannelPolicy()


def test_who_chose_a_setting_is_known() -> None:
    chosen = Chosen(community={"model": "large"})
    assert setting(chosen, THREAD, "model") == ("large", "memory/home")
    assert setting(chosen, THREAD, "answer") == ("mention", None)


@pytest.mark.parametrize(
    "name", ["answer", "archive", "moderation", "duplicates", "unanswered", "learning", "introductions"]
)
def test_a_value_that_is_not_allowed_counts_as_not_chosen(name: str) -> None:
    chosen = Chosen(channel={name: "sometimes"})
    assert setting(chosen, CHANNEL, name) == (DEFAULTS[name], None)


def test_a_persona_is_never_longer_than_a_prompt_can_bear() -> None:
    chosen = Chosen(channel={"persona": "x" * 5000})
    assert len(channel_policy(chosen, CHANNEL).persona) == PERSONA_MAX_CHARS
