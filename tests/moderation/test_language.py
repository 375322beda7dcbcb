"""A kind word to who writes in another language than the channel's, and to nobody else."""

import pytest

from bot.core.actions import Severity
from bot.core.errors import UserError
from bot.moderation.judge import Judge
from bot.moderation.rulebook import PRESETS, preset, rule_from
from tests.messages import message

ENGLISH = rule_from("language", "english", {"languages": ["English"]})


def hinted(text: str) -> str | None:
    strongest = Judge([ENGLISH]).judge(message(text)).strongest
    return None if strongest is None else strongest.hint


def test_the_author_is_told_what_people_here_read() -> None:
    hint = hinted("¿Alguien sabe cómo se instala este programa en Debian?")
    assert hint is not None
    assert "en" in hint
    assert "translate" in hint
    assert ENGLISH.action is Severity.HINT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gracias",
        "谢谢大家",
        "ok lol xD gg",
        "does anybody know how this is installed on debian",
        "`für alle Elemente in der Liste` is what the log says",
        "https://example.org/fr/pourquoi-les-chats-ronronnent-toujours",
        "TypeError: unsupported operand type(s) for +: 'int' and 'str'",
        "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀",
    ],
)
def test_what_is_short_or_no_prose_or_in_the_language_is_left_alone(text: str) -> None:
    assert hinted(text) is None


def test_languages_go_by_name_and_code_and_others_are_refused() -> None:
    rule = rule_from("language", "several", {"languages": ["德语", "French", "zh-TW"]})
    assert rule.model_dump()["languages"] == ("de", "fr", "zh")
    with pytest.raises(UserError, match="no language of this name"):
        rule_from("language", "none", {"languages": ["Klingonese"]})
    with pytest.raises(UserError, match="at least 1"):
        rule_from("language", "none", {"languages": []})


def test_no_preset_has_it() -> None:
    assert all(rule.kind != "language" for name in PRESETS for rule in preset(name))
