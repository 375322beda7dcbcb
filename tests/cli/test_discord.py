"""The first hour with Discord at the command line, against a Discord of our own: init, check, doctor."""

import asyncio
import json
import stat
import sys
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.adapters.discord.directory import NEEDED
from bot.cli.platforms import adapters_for, discord_settings
from bot.config import load
from bot.core.errors import ConfigError
from bot.core.permissions import Role
from tests.cli.endpoint import listing
from tests.cli.operator import Operator, Outcome
from tests.labs.discord import PERMS, DiscordLab

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


# doctor

ALLOWED = ("MESSAGE_CONTENT",)


def section(lab: DiscordLab, *lines: str) -> str:
    """[discord] for a lab, with the token in the file."""
    return "\n".join(
        [f'{ECHO}[discord]\ntoken = "{lab.settings.token}"\napi_base = "{lab.rest_url}"', *lines]
    )


async def rows(operator: Operator) -> dict[str, tuple[bool, str, str]]:
    """What doctor finds, by name; in a thread, since the lab lives in this one."""
    outcome = await asyncio.to_thread(operator.types, "doctor", "--json")
    checks = json.loads(outcome.out)["checks"]
    return {row["name"]: (row["ok"], row["detail"], row["fix"]) for row in checks}


@pytest.mark.drives("config:discord.token", "config:discord.api_base")
async def test_doctor_finds_the_account_well(operator: Operator, discord: DiscordLab) -> None:
    discord.create_guild("home")
    operator.writes(section(discord))
    found = await rows(operator)
    assert found["discord account"] == (True, discord.bot["username"], "")
    assert found["discord servers"] == (True, "in 1 server", "")
    assert found["discord gateway"] == (True, "open", "")
    assert found["packages for discord"][0]
    assert discord.gateway_events("IDENTIFY") == []


async def test_doctor_gives_the_link_that_invites_a_bot_that_is_nowhere(
    operator: Operator, discord: DiscordLab
) -> None:
    operator.writes(section(discord))
    ok, detail, _fix = (await rows(operator))["discord servers"]
    assert ok
    assert f"client_id={discord.app_id}" in detail


@pytest.mark.drives("config:discord.message_content")
@pytest.mark.parametrize(
    ("wanted", "allowed", "ok", "detail", "fix"),
    [
        (True, True, True, "on: it reads all", ""),
        (False, True, True, "off: it reads mentions", ""),
        (False, False, True, "off: it reads mentions", ""),
        (True, False, False, "the developer portal does not allow it", 'Switch on "Message Content Intent"'),
    ],
)
async def test_doctor_compares_message_content_with_the_portal(
    operator: Operator, discord: DiscordLab, wanted: bool, allowed: bool, ok: bool, detail: str, fix: str
) -> None:
    discord.settings.privileged = ALLOWED if allowed else ()
    operator.writes(section(discord, f"message_content = {str(wanted).lower()}"))
    found = (await rows(operator))["discord message content"]
    assert found[0] is ok
    assert detail in found[1]
    assert found[2].startswith(fix)


@pytest.mark.drives("config:discord.moderators_channel")
async def test_doctor_sees_whether_moderators_can_be_told(operator: Operator, discord: DiscordLab) -> None:
    guild = discord.create_guild("home")
    silent = [{"id": guild["id"], "type": 0, "allow": "0", "deny": str(PERMS["SEND_MESSAGES"])}]
    hidden = [{"id": guild["id"], "type": 0, "allow": "0", "deny": str(PERMS["VIEW_CHANNEL"])}]
    opened = [{"id": discord.app_id, "type": 1, "allow": str(PERMS["SEND_MESSAGES"]), "deny": "0"}]
    expected = {
        discord.create_channel(guild, "mods")["id"]: (True, "#mods"),
        discord.create_channel(guild, "quiet", overwrites=silent)["id"]: (False, "it lacks: send messages"),
        discord.create_channel(guild, "own", overwrites=silent + opened)["id"]: (True, "#own"),
        discord.create_channel(guild, "dark", overwrites=hidden)["id"]: (False, "It sees no channel"),
        "77": (False, "It sees no channel 77"),
    }
    for id, (ok, words) in expected.items():
        operator.writes(section(discord, f'moderators_channel = "{id}"'))
        found = (await rows(operator))["discord moderators"]
        assert found[0] is ok, found
        assert words in found[1]
        assert bool(found[2]) is not ok
    operator.writes(section(discord))
    assert "moderators_channel is not set" in (await rows(operator))["discord moderators"][1]


async def test_doctor_says_that_the_token_is_wrong(operator: Operator, discord: DiscordLab) -> None:
    operator.writes(section(discord).replace(discord.settings.token, "of-somebody-else"))
    ok, detail, fix = (await rows(operator))["discord account"]
    assert not ok
    assert "does not know this token" in detail
    assert "Reset Token" in fix
    assert "of-somebody-else" not in detail + fix


async def test_doctor_warns_of_connections_that_run_out(operator: Operator, discord: DiscordLab) -> None:
    discord.identifies = 990
    operator.writes(section(discord))
    ok, detail, fix = (await rows(operator))["discord gateway"]
    assert (ok, detail) == (False, "10 new connections left today")
    assert "resets the token" in fix


async def test_doctor_keeps_what_it_found_when_discord_fails_later(
    operator: Operator, discord: DiscordLab
) -> None:
    discord.fault("GET /gateway/bot", status=502)
    operator.writes(section(discord))
    found = await rows(operator)
    assert found["discord account"][0]
    assert found["discord"][0] is False
    assert found["discord"][2]


@pytest.mark.parametrize(("body", "words"), [(b"<html>", "is no API of Discord's"), (b"[]", "is no API of")])
def test_doctor_says_that_something_else_answers(operator: Operator, body: bytes, words: str) -> None:
    with listing(body, path="/users/@me") as url:
        operator.writes(f'{ECHO}[discord]\ntoken = "x"\napi_base = "{url}"\n')
        checks = json.loads(operator.types("doctor", "--json").out)["checks"]
    (found,) = (row for row in checks if row["name"] == "discord account")
    assert not found["ok"]
    assert words in found["detail"]
    assert "discord.api_base" in found["fix"]


def test_doctor_says_that_nothing_answers(operator: Operator, free_port: int) -> None:
    operator.writes(f'{ECHO}[discord]\ntoken = "x"\napi_base = "http://127.0.0.1:{free_port}"\n')
    checks = json.loads(operator.types("doctor", "--json").out)["checks"]
    (found,) = (row for row in checks if row["name"] == "discord account")
    assert not found["ok"]
    assert "cannot be reached" in found["detail"]


# init


async def inits(operator: Operator, answers: str) -> Outcome:
    return await asyncio.to_thread(operator.types, "init", answers=answers)


@pytest.mark.drives("cli:init")
async def test_init_takes_the_token_tries_it_and_invites_the_bot(
    operator: Operator, discord: DiscordLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMOS_DISCORD__API_BASE", discord.rest_url)
    token = discord.settings.token
    outcome = await inits(operator, f"\n\n1\nn\ny\nwrong\ny\n{token}\nn\n")
    assert outcome.code == 0, outcome.err
    for words in ("https://discord.com/developers/applications", "Reset Token", "Message Content Intent"):
        assert words in outcome.err
    assert "does not open: Discord does not know this token." in outcome.err
    assert f"{discord.bot['username']} opens." in outcome.err
    assert "    llmos run\n" in outcome.out
    secret = operator.folder / "discord-token"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    config = load(operator.folder / "config.toml", environ={})
    assert config.has_discord
    assert not config.has_matrix
    assert config.discord.message_content is False
    assert config.discord.token is not None
    assert config.discord.token.reveal() == token
    text = (operator.folder / "config.toml").read_text(encoding="utf-8")
    assert token not in text + outcome.out + outcome.err
    assert operator.types("check").code == 0


async def test_the_link_asks_for_exactly_what_the_bot_uses(
    operator: Operator, discord: DiscordLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMOS_DISCORD__API_BASE", discord.rest_url)
    outcome = await inits(operator, f"\n\n1\nn\ny\n{discord.settings.token}\n")
    (link,) = [line.strip() for line in outcome.out.splitlines() if "oauth2/authorize" in line]
    asked = parse_qs(urlsplit(link).query)
    assert link.startswith("https://discord.com/oauth2/authorize?")
    assert asked["client_id"] == [discord.app_id]
    assert asked["scope"] == ["bot applications.commands"]
    bits = int(asked["permissions"][0])
    assert {name.lower() for name, bit in PERMS.items() if bits & bit} == set(NEEDED)
    assert bits == sum(PERMS[name.upper()] for name in NEEDED)


@pytest.mark.parametrize(
    ("allowed", "answers", "wanted"), [(True, "y\n", True), (True, "", False), (False, "", False)]
)
async def test_init_asks_about_message_content_only_where_the_portal_allows_it(
    operator: Operator,
    discord: DiscordLab,
    monkeypatch: pytest.MonkeyPatch,
    allowed: bool,
    answers: str,
    wanted: bool,
) -> None:
    discord.settings.privileged = ALLOWED if allowed else ()
    monkeypatch.setenv("LLMOS_DISCORD__API_BASE", discord.rest_url)
    outcome = await inits(operator, f"\n\n1\nn\ny\n{discord.settings.token}\n{answers}")
    assert outcome.code == 0, outcome.err
    assert ("Shall it read what is not said to it?" in outcome.err + outcome.out) is allowed
    assert load(operator.folder / "config.toml", environ={}).discord.message_content is wanted


def test_a_token_that_cannot_be_tried_is_written_if_one_says_so(
    operator: Operator, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMOS_DISCORD__API_BASE", f"http://127.0.0.1:{free_port}")
    outcome = operator.types("init", answers="\n\n1\nn\ny\nof-later\nn\n")
    assert outcome.code == 0, outcome.err
    assert "cannot be reached" in outcome.err
    assert "oauth2" not in outcome.out
    assert (operator.folder / "discord-token").read_text(encoding="utf-8") == "of-later\n"


def test_whoever_wants_no_discord_gets_none(operator: Operator) -> None:
    assert operator.types("init", answers="\n\n1\nn\nn\n").code == 0
    assert not load(operator.folder / "config.toml", environ={}).has_discord
    assert not (operator.folder / "discord-token").exists()


# Without the optional package

EXTRA = "pip install 'llmos-bot[discord]'"


async def test_a_missing_package_is_said_in_a_sentence_everywhere(
    operator: Operator, discord: DiscordLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "discord", None)  # as Python looks for a package that is not there
    operator.writes(section(discord))
    for command in ("check", "run"):
        outcome = operator.types(command)
        assert outcome.code == 2
        assert EXTRA in outcome.out + outcome.err
    found = await rows(operator)
    assert not found["packages for discord"][0]
    assert found["discord servers"] == (True, "in no server yet", "")
    asked = operator.types("init", "--dir", "new", answers="\n\n1\nn\ny\n")
    assert EXTRA in asked.err
    assert not load(operator.folder / "new" / "config.toml", environ={}).has_discord
