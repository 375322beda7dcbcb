"""The first hour with Matrix at the command line, against a real homeserver: init, check, doctor, run."""

import json
import stat

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.cli.homeserver import discovered
from bot.cli.platforms import adapters_for, matrix_settings
from bot.config import load
from bot.core.errors import ConfigError
from bot.core.permissions import Role
from tests.cli.operator import Operator
from tests.labs.synapse import Login, Synapse, call

ECHO = '[llm]\nengine = "echo"\n[metrics]\nlisten = ""\n'


@pytest.fixture(scope="module")
def bot(synapse: Synapse) -> Login:
    return synapse.register("cli-llmos")


def devices(synapse: Synapse, bot: Login) -> list[object]:
    """The sessions of an account."""
    answer = call("GET", f"{synapse.url}/_matrix/client/v3/devices", token=bot.access_token)[1]
    found = answer["devices"]
    assert isinstance(found, list)
    return found


def section(synapse: Synapse, user_id: str, secret: str) -> str:
    return f'[matrix]\nhomeserver = "{synapse.url}"\nuser_id = "{user_id}"\n{secret}\n'


def rows(operator: Operator) -> dict[str, tuple[bool, str, str]]:
    checks = json.loads(operator.types("doctor", "--json").out)["checks"]
    return {row["name"]: (row["ok"], row["detail"], row["fix"]) for row in checks}


# The configuration


def test_a_section_without_what_it_needs_is_explained(operator: Operator) -> None:
    operator.writes("[matrix]\n")
    outcome = operator.types("check")
    assert outcome.code == 2
    for key in ("matrix.homeserver", "matrix.user_id", "matrix.password"):
        assert key in outcome.out


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ('homeserver = "matrix.example.org"', "https://matrix.example.org"),
        ('homeserver = "https://h/path"', "https://matrix.example.org"),
        ('user_id = "llmos"', "@llmos:example.org"),
        ('moderators_room = "#mods:example.org"', 'begins with "!"'),
        ('invites_from = ["*"]', "@anna:example.org"),
        ('passwrd = "x"', "Did you mean password?"),
        ('encryption = "yes"', "true or false"),
    ],
)
def test_what_is_wrong_is_explained(operator: Operator, line: str, hint: str) -> None:
    operator.writes(f"[matrix]\n{line}\n")
    outcome = operator.types("check")
    assert outcome.code == 2
    assert hint in outcome.out


@pytest.mark.parametrize(
    "grant", ["discord:role:mods", "discord:anna", "matrix:power:high", "matrix:user:anna", "everybody"]
)
def test_a_grant_that_means_nothing_is_refused(operator: Operator, grant: str) -> None:
    operator.writes(f'[permissions]\nmoderator = ["{grant}"]\n')
    outcome = operator.types("check")
    assert outcome.code == 2
    assert "matrix:power:50" in outcome.out


def test_a_password_in_the_file_or_on_the_open_internet_is_warned_of(operator: Operator) -> None:
    operator.writes('[matrix]\nhomeserver = "http://example.org"\nuser_id = "@a:b"\npassword = "hush"\n')
    outcome = operator.types("check")
    assert "https://" in outcome.out
    assert "matrix.password" in outcome.out
    assert "hush" not in outcome.out


def test_without_a_section_there_is_no_matrix(operator: Operator) -> None:
    assert adapters_for(load(operator.writes(ECHO), environ={})) == []


def test_grants_reach_the_adapter(operator: Operator) -> None:
    matrix = '[matrix]\nhomeserver = "https://h/"\nuser_id = "@llmos:h"\npassword = "hush"\n'
    grants = '[permissions]\nmoderator = ["matrix:power:10", "matrix:user:@anna:h"]\nadmin = []\n'
    settings = matrix_settings(load(operator.writes(matrix + grants), environ={}))
    assert settings.homeserver == "https://h"
    assert settings.folder == operator.folder / "data" / "matrix"
    assert settings.grants.role("@anna:h", 0) is Role.MODERATOR
    assert settings.grants.role("@ben:h", 10) is Role.MODERATOR
    assert settings.grants.role("@ben:h", 9) is Role.MEMBER
    assert settings.grants.role("@ben:h", 100) is Role.MODERATOR
    assert "hush" not in repr(settings)


def test_a_secret_that_is_not_there_is_the_operators_to_mend(operator: Operator) -> None:
    path = operator.writes(
        '[matrix]\nhomeserver = "https://h"\nuser_id = "@llmos:h"\npassword = "env:NOT_SET_ANYWHERE"\n'
    )
    with pytest.raises(ConfigError, match="NOT_SET_ANYWHERE"):
        load(path, environ={})


# doctor


@pytest.mark.drives("cli:doctor")
def test_doctor_finds_the_account_well_and_leaves_no_session(
    operator: Operator, synapse: Synapse, bot: Login
) -> None:
    before = devices(synapse, bot)
    operator.writes(ECHO + section(synapse, bot.user_id, f'password = "{bot.password}"'))
    found = rows(operator)
    assert found["matrix homeserver"][0]
    assert found["matrix account"] == (True, bot.user_id, "")
    assert found["matrix rooms"][:2] == (True, f"in no room yet; invite {bot.user_id}")
    assert found["packages for matrix"][0]
    assert devices(synapse, bot) == before


@pytest.mark.parametrize(
    ("encryption_is_on", "told"), [(True, "which it reads"), (False, "which it leaves because of encryption")]
)
def test_doctor_tells_of_rooms_and_power(
    operator: Operator, synapse: Synapse, encryption_is_on: bool, told: str
) -> None:
    bot = synapse.register(f"cli-encryption-{encryption_is_on}".lower())
    token = f'access_token = "{bot.access_token}"\nencryption = {str(encryption_is_on).lower()}'
    operator.writes(ECHO + section(synapse, bot.user_id, token))
    encryption = {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
    url = f"{synapse.url}/_matrix/client/v3/createRoom"
    call("POST", url, {"initial_state": [encryption]}, token=bot.access_token)
    ok, detail, _fix = rows(operator)["matrix rooms"]
    assert ok
    assert detail.startswith(f"in 1 room; power to moderate in 1 of 1; 1 encrypted, {told}")


@pytest.mark.parametrize(
    ("user", "secret", "words"),
    [
        ("cli-llmos", 'password = "wrong"', "Invalid username or password"),
        ("cli-llmos", 'access_token = "wrong"', "Invalid access token"),
        ("somebody", 'access_token = "{token}"', "belongs to @cli-llmos"),
    ],
)
def test_doctor_says_why_an_account_does_not_open(
    operator: Operator, synapse: Synapse, bot: Login, user: str, secret: str, words: str
) -> None:
    operator.writes(
        ECHO + section(synapse, f"@{user}:{synapse.server_name}", secret.format(token=bot.access_token))
    )
    ok, detail, fix = rows(operator)["matrix account"]
    assert not ok
    assert words in detail
    assert fix


def test_doctor_says_that_there_is_no_homeserver(operator: Operator, free_port: int) -> None:
    operator.writes(
        f'{ECHO}[matrix]\nhomeserver = "http://127.0.0.1:{free_port}"\nuser_id = "@a:b"\npassword = "x"\n'
    )
    ok, detail, fix = rows(operator)["matrix homeserver"]
    assert not ok
    assert "reached" in detail
    assert "matrix.homeserver" in fix


# init


@pytest.mark.drives("cli:init")
def test_init_asks_for_the_account_and_tries_it(operator: Operator, synapse: Synapse, bot: Login) -> None:
    right = f"{bot.user_id}\n{synapse.url}/\n1\n{bot.password}\n"
    wrong = f"y\n{bot.user_id}\n{synapse.url}\n1\nwrong\ny\n"
    outcome = operator.types("init", answers=f"\n\n1\n{wrong}{right}")
    assert outcome.code == 0, outcome.err
    assert "does not open" in outcome.err
    assert f"{bot.user_id} opens." in outcome.err
    assert "    llmos run\n" in outcome.out
    config = load(operator.folder / "config.toml", environ={})
    assert (config.matrix.homeserver, config.matrix.user_id) == (synapse.url, bot.user_id)
    secret = operator.folder / "matrix-password"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert config.matrix.password is not None
    assert config.matrix.password.reveal() == bot.password
    text = (operator.folder / "config.toml").read_text(encoding="utf-8")
    assert bot.password not in text + outcome.out + outcome.err


@pytest.mark.parametrize(
    ("file", "address"),
    [
        (b'{"m.homeserver": {"base_url": "https://matrix.example.org/"}}', "https://matrix.example.org"),
        (b'{"m.homeserver": "nonsense"}', None),
        (b"<html>", None),
    ],
)
async def test_a_homeserver_is_found_by_the_name_of_its_server(file: bytes, address: str | None) -> None:
    async def tell(request: web.Request) -> web.Response:
        return web.Response(body=file)

    app = web.Application()
    app.router.add_get("/.well-known/matrix/client", tell)
    async with TestServer(app) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert await discovered(url) == (address or url)


async def test_a_server_that_tells_nothing_is_its_own_homeserver(free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    assert await discovered(url) == url


def test_init_takes_an_access_token(operator: Operator, synapse: Synapse, bot: Login) -> None:
    answers = f"\n\n1\ny\nllmos\n{bot.user_id}\n{synapse.url}\n2\n{bot.access_token}\n"
    assert operator.types("init", answers=answers).code == 0
    config = load(operator.folder / "config.toml", environ={})
    assert config.matrix.access_token is not None
    assert config.matrix.access_token.reveal() == bot.access_token
    assert config.matrix.password is None
