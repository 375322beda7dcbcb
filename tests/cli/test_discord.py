"""The first hour with Discord at the command line, against a Discord of our own: init, check, doctor."""

import pytest

from bot.cli.platforms import adapters_for, discord_settings
from bot.config import load
from bot.core.errors import ConfigError
from bot.core.permissions import Role
from tests.cli.operator import Operator

ECHO = '[llm]\nengine = "echo"\n[metrics]\nlisten = ""\n'


# The configuration


def test_a_section_without_a_token_is_explained(operator: Operator) -> None:
    operator.writes("[discord]\n")
    outcome = operator.types("check")
    assert outcome.code == 2
    assert "discord.token" in outcome.out
    assert 'Add token = "env:NAME"' in outcome.out


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ('api_base = "discord.com"', "http://127.0.0.1:8080/api/v10"),
        ('api_base = "http://h:port"', "http://127.0.0.1:8080/api/v10"),
        ('gateway_url = "127.0.0.1:8081"', "ws://127.0.0.1:8081"),
        ('gateway_url = "ws://h:0"', "ws://127.0.0.1:8081"),
        ('message_content = "yes"', "true or false"),
        ("moderators_channel = 123456789012345678", "a text in quotes"),
        ('moderators_channel = "#mods"', "digits only"),
        ("token = 5", "file:PATH"),
        ('tokn = "x"', "Did you mean token?"),
        ('moderators_room = "!a:b"', "It belongs to [matrix]"),
    ],
)
def test_what_is_wrong_is_explained(operator: Operator, line: str, hint: str) -> None:
    operator.writes(f"[discord]\n{line}\n")
    outcome = operator.types("check")
    assert outcome.code == 2
    assert hint in outcome.out


def test_a_token_in_the_file_or_on_the_open_internet_is_warned_of(operator: Operator) -> None:
    operator.writes(
        '[discord]\ntoken = "hush"\napi_base = "http://proxy.example.org"\ngateway_url = "ws://example.org"\n'
    )
    outcome = operator.types("check")
    assert outcome.code == 0
    for key in ("discord.token", "discord.api_base", "discord.gateway_url"):
        assert f"warning: {key}" in outcome.out
    assert "wss://" in outcome.out
    assert "hush" not in outcome.out


def test_proxies_on_a_private_network_need_no_encryption(operator: Operator) -> None:
    operator.writes(
        f'{ECHO}[discord]\ntoken = "file:t"\napi_base = "http://proxy:8080"\ngateway_url = "ws://10.0.0.2:81"\n'
    )
    operator.writes("hush", "t").chmod(0o600)
    assert operator.types("check").out.endswith("config.toml: no errors.\n")
    assert "warning" not in operator.types("check").out


def test_without_a_section_there_is_no_discord(operator: Operator) -> None:
    assert adapters_for(load(operator.writes(ECHO), environ={})) == []


def test_both_platforms_may_be_served_at_once(operator: Operator) -> None:
    both = '[discord]\ntoken = "x"\n[matrix]\nhomeserver = "https://h"\nuser_id = "@a:h"\npassword = "x"\n'
    adapters = adapters_for(load(operator.writes(both), environ={}))
    assert [adapter.platform for adapter in adapters] == ["discord", "matrix"]


def test_what_is_configured_reaches_the_adapter(operator: Operator) -> None:
    section = '[discord]\ntoken = "hush"\nmessage_content = true\nmoderators_channel = "77"\n'
    proxies = 'api_base = "http://127.0.0.1:8080/"\ngateway_url = "ws://127.0.0.1:8081"\n'
    grants = '[permissions]\nmoderator = ["discord:role:10"]\nadmin = ["discord:user:5", "discord:role:11"]\n'
    settings = discord_settings(load(operator.writes(section + proxies + grants), environ={}))
    assert (settings.token, settings.message_content, settings.moderators_channel) == ("hush", True, "77")
    assert settings.api_base == "http://127.0.0.1:8080/api/v10"
    assert settings.gateway_url == "ws://127.0.0.1:8081"
    assert settings.folder == operator.folder / "data" / "discord"
    assert settings.grants.role("1", frozenset({"10"})) is Role.MODERATOR
    assert settings.grants.role("1", frozenset({"10", "11"})) is Role.ADMIN
    assert settings.grants.role("5", frozenset()) is Role.ADMIN
    assert settings.grants.role("10", frozenset({"5"})) is Role.MEMBER
    assert "hush" not in repr(settings)


def test_a_token_that_is_not_there_is_the_operators_to_mend(operator: Operator) -> None:
    path = operator.writes('[discord]\ntoken = "env:NOT_SET_ANYWHERE"\n')
    with pytest.raises(ConfigError, match="NOT_SET_ANYWHERE"):
        load(path, environ={})
