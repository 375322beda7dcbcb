"""Every key of the configuration changes what the bot does: from a file on disk to what a person sees."""

import asyncio
import base64
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.adapters.console import ConsoleAdapter
from bot.adapters.memory import World
from bot.app import App, opened
from bot.config import load
from bot.config.sections import Knowledge, Moderation, Privacy, Quota, Recommend
from bot.core.errors import ConfigError
from bot.core.permissions import Role
from bot.llm.echo import EchoModel
from tests.living import PATIENCE_S, Announcing, Life
from tests.llm.misbehaving import Misbehaving, misbehaving
from tests.owned import abusive_to_it

ECHO = '[llm]\nengine = "echo"\n'


async def talk(folder: Path, toml: str, *lines: str) -> str:
    """What a person in a pipe reads who types these lines at a bot with this config.toml."""

    async def typed() -> AsyncIterator[bytes]:
        for line in lines:
            yield line.encode()

    path = folder / "config.toml"
    path.write_text(f'{toml}\n[metrics]\nlisten = ""\n', encoding="utf-8")
    config, out = load(path, environ={"LLMOS_TEST_KEY": "sk-of-the-test"}), StringIO()
    adapter = ConsoleAdapter.piped("anna", "general", typed(), out, StringIO())
    async with opened(config, [adapter]) as app:
        await app.run()
    return out.getvalue()


def remote(server: Misbehaving, **keys: object) -> str:
    """An [llm] section for a server of the OpenAI kind."""
    lines = [f"{key} = {value!r}".replace("'", '"') for key, value in keys.items()]
    return "\n".join(
        ["[llm]", 'engine = "openai"', 'model = "tiny"', f'base_url = "{server.base_url}"', *lines]
    )


@pytest.mark.drives(
    *(
        f"config:llm.{key}"
        for key in ("engine", "model", "base_url", "api_key", "max_new_tokens", "temperature")
    ),
    "config:bot.name",
    "engine:openai",
)
async def test_a_request_to_a_model_server_is_what_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-of-the-test\n", encoding="utf-8")
    async with misbehaving() as server:
        keys = {"api_key": "file:key", "max_new_tokens": 77, "temperature": 0.25}
        said = await talk(tmp_path, f'[bot]\nname = "Ada"\n{remote(server, **keys)}', "hello there")
    (asked,) = server.asked
    assert said == "bot> hello there\n"
    assert asked.headers["Authorization"] == "Bearer sk-of-the-test"
    body = asked.body
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("tiny", 77, 0.25)
    assert "Ada" in str(body["messages"])


@pytest.mark.drives("engine:echo")
async def test_the_echo_engine_repeats(tmp_path: Path) -> None:
    assert await talk(tmp_path, ECHO, "hello") == "bot> hello\n"


@pytest.mark.drives("config:bot.locale")
async def test_the_locale_is_the_language_of_the_bots_own_words(tmp_path: Path) -> None:
    said = await talk(tmp_path, f'[bot]\nlocale = "zh-CN"\n{ECHO}', "/help")
    assert "命令" in said


@pytest.mark.drives("config:bot.data_dir", "config:storage.url")
async def test_files_are_where_the_file_says_and_for_their_owner_only(tmp_path: Path) -> None:
    toml = f'[bot]\ndata_dir = "mine"\n[storage]\nurl = "sqlite:///base/talk.db"\n{ECHO}'
    await talk(tmp_path, toml, "hello")
    assert (tmp_path / "base" / "talk.db").exists()
    key = tmp_path / "mine" / "llmos.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


@pytest.mark.drives("config:bot.command_prefix")
async def test_commands_begin_with_the_prefix_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        f'[bot]\ncommand_prefix = "!ada"\ndata_dir = "."\n{ECHO}[metrics]\nlisten = ""\n', encoding="utf-8"
    )
    life = Life(tmp_path)
    life.sections["bot"] = load(path, environ={}).bot
    async with life.bot():
        life.world.say(life.person("anna"), life.room, "!ada help ask")
        await life.until(lambda: any("!ada ask" in text for text in life.world.answers(life.room)))


@pytest.mark.drives("config:llm.context_tokens")
async def test_a_small_context_leaves_the_oldest_talk_out(tmp_path: Path) -> None:
    lines = [f"line {number} " + "and so on " * 30 for number in range(6)]
    async with misbehaving() as server:
        await talk(tmp_path, remote(server), *lines)
        wide = len(server.asked[-1].body["messages"])  # type: ignore[arg-type]
        await talk(tmp_path, remote(server, context_tokens=512, max_new_tokens=64), *lines)
        narrow = len(server.asked[-1].body["messages"])  # type: ignore[arg-type]
    assert narrow < wide


@pytest.mark.drives("config:llm.concurrency")
async def test_no_more_questions_at_once_than_the_file_says(tmp_path: Path) -> None:
    async with misbehaving() as server:
        path = tmp_path / "config.toml"
        path.write_text(
            f'[bot]\ndata_dir = "."\n{remote(server, concurrency=1)}\n[metrics]\nlisten = ""\n',
            encoding="utf-8",
        )
        world = World()
        life = Life(tmp_path, world)
        config = load(path, environ={})
        adapter = Announcing(world)
        async with opened(config, [adapter]) as app, life.living(app, adapter):
            world.say(life.person("anna"), life.room, "@llmos STALL")
            await (
                server.arrived.wait()
            )  # questions of two members overtake each other on their way to a model
            world.say(life.person("ben"), life.room, "@llmos hello")
            await life.until(lambda: any("before yours" in text for text in life.world.answers(life.room)))
            assert len(server.asked) == 1


@pytest.mark.drives("config:llm.vision")
@pytest.mark.parametrize("sees", [True, False])
async def test_pictures_reach_a_model_that_the_file_says_can_see(tmp_path: Path, sees: bool) -> None:
    picture = b"\x89PNG\r\n\x1a\n"
    async with misbehaving() as server:
        path = tmp_path / "config.toml"
        vision = f"vision = {str(sees).lower()}"
        path.write_text(
            f'[bot]\ndata_dir = "."\n{remote(server)}\n{vision}\n[metrics]\nlisten = ""\n', encoding="utf-8"
        )
        world = World()
        life = Life(tmp_path, world)
        adapter = Announcing(world)
        async with opened(load(path, environ={}), [adapter]) as app, life.living(app, adapter):
            world.say(life.person("anna"), life.room, "@llmos hello", files=[("cat.png", picture)])
            await life.until(lambda: any("hello" in text for text in world.answers(life.room)))
            if not sees:
                await life.until(
                    lambda: any("cannot see images" in text for text in world.answers(life.room))
                )
        (asked,) = server.asked
    messages = asked.body["messages"]
    assert isinstance(messages, list)
    url = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    seen = [{"type": "text", "text": "hello"}, {"type": "image_url", "image_url": {"url": url}}]
    assert messages[-1]["content"] == (seen if sees else "hello")


@pytest.mark.drives("config:llm.timeout_s")
async def test_a_silent_model_is_given_up_after_the_time_of_the_file(tmp_path: Path) -> None:
    async with misbehaving() as server:
        said = await talk(tmp_path, remote(server, timeout_s=0.3), "STALL")
    assert "silent for too long" in said


@pytest.mark.drives("config:llm.fallback")
async def test_the_next_engine_answers_when_the_first_fails(tmp_path: Path) -> None:
    async with misbehaving() as server:
        toml = remote(server) + '\nfallback = [ { engine = "echo", model = "echo" } ]'
        assert await talk(tmp_path, toml, "FAIL500 please") == "bot> FAIL500 please\n"


@pytest.mark.drives("config:storage.password")
def test_the_password_of_the_database_reaches_the_driver_and_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMOS_DB", "p@ss word")
    path = tmp_path / "config.toml"
    path.write_text(
        '[storage]\nurl = "postgresql://llmos@db.example/llmos"\npassword = "env:LLMOS_DB"', encoding="utf-8"
    )
    config = load(path, environ={})
    assert config.storage.full_url() == "postgresql://llmos:p%40ss%20word@db.example/llmos"
    assert "p@ss" not in repr(config)


@pytest.mark.drives("config:privacy.context_hours")
async def test_what_was_said_is_gone_after_the_hours_of_the_file(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.sections["privacy"] = Privacy(context_hours=1)
    async with life.bot() as app:
        question = life.world.say(life.person("anna"), life.room, "@llmos my secret")
        await life.until(lambda: life.world.answers(life.room) == ["my secret"])
        assert await app.store.messages.get(question.ref) is not None
    life.clock.shift = timedelta(minutes=61)
    async with life.bot() as app:
        life.world.say(life.person("ben"), life.room, "@llmos later", at=life.clock())
        await life.until(lambda: "later" in life.world.answers(life.room))
        await becomes(lambda: app.store.messages.get(question.ref), None)


@pytest.mark.drives("config:privacy.evidence_days")
async def test_a_case_cannot_be_read_after_the_days_of_the_file(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.sections["privacy"] = Privacy(evidence_days=2)
    mia, ben, rude = (
        life.world.member("mia", Role.MODERATOR),
        life.person("ben"),
        "HOW LOUD I AM TODAY, FRIENDS",
    )
    async with life.bot() as app:
        life.world.say(mia, life.room, "!llmos rules setup")
        await life.answers(1)
        life.world.say(ben, life.room, rude)
        await life.answers(2)
        assert [case.text for case in await app.store.cases.waiting("memory/town", 9)] == [rude]
    for hours, kept in ((47, 1), (49, 0)):
        life.clock.shift = timedelta(hours=hours)
        async with life.bot() as app:
            life.world.say(ben, life.room, f"@llmos after {hours}", at=life.clock())
            await life.until(lambda: f"after {hours}" in life.world.answers(life.room))  # noqa: B023
            await becomes(partial(waiting, app), kept)


async def waiting(app: App) -> int:
    """How many cases moderators can read."""
    return len(await app.store.cases.waiting("memory/town", 9))


async def becomes(found: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Wait until something is so: retention runs beside everything else."""
    async with asyncio.timeout(PATIENCE_S):
        while await found() != wanted:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0)


@pytest.mark.parametrize("mode", ["shadow", "enforce"])
@pytest.mark.drives("config:moderation.mode")
async def test_rules_of_a_new_set_up_begin_as_the_file_says(mode: str, tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.sections["moderation"] = Moderation.model_validate({"mode": mode})
    mia, secret = life.world.member("mia", Role.MODERATOR), "my card is 4111 1111 1111 1111"
    async with life.bot():
        life.world.say(mia, life.room, "!llmos rules setup strict")
        await life.answers(1)
        life.world.say(life.person("ben"), life.room, secret)
        await life.answers(2)
        await life.until(
            lambda: (secret in [each.text for each in life.world.shown(life.room)]) == (mode == "shadow")
        )


@pytest.mark.drives("config:moderation.classifiers")
async def test_classifiers_of_the_file_judge_in_place_of_the_shipped_ones(tmp_path: Path) -> None:
    life = Life(tmp_path)
    own = abusive_to_it(tmp_path / "own.safetensors")
    life.sections["moderation"] = Moderation(mode="enforce", classifiers=own)
    async with life.bot():
        life.world.say(life.world.member("mia", Role.MODERATOR), life.room, "!llmos rules setup standard")
        await life.answers(1)
        life.world.say(life.person("ben"), life.room, "good morning")
        told = (await life.answers(2))[1]
    assert "Case 1: `toxicity`" in told
    assert "good morning" in told


async def test_classifiers_that_are_broken_stop_the_start(tmp_path: Path) -> None:
    own = tmp_path / "own.safetensors"
    own.write_bytes(b"no weights")
    life = Life(tmp_path)
    life.sections["moderation"] = Moderation(classifiers=own)
    with pytest.raises(ConfigError, match="holds no classifiers"):
        async with life.bot():
            pass


@pytest.mark.parametrize("level", ["member", "channel", "community"])
@pytest.mark.parametrize("unit", ["requests", "tokens"])
@pytest.mark.drives(
    *(
        f"config:quota.{level}_{unit}"
        for level in ("member", "channel", "community")
        for unit in ("requests", "tokens")
    )
)
async def test_a_quota_of_the_file_ends_the_answers_of_a_day(level: str, unit: str, tmp_path: Path) -> None:
    life = Life(tmp_path, model=EchoModel())
    life.sections["quota"] = Quota.model_validate({f"{level}_{unit}": 1 if unit == "requests" else 200})
    async with life.bot():
        for number in range(3):
            life.world.say(life.person("anna"), life.room, f"@llmos question {number}")
            await life.answers(number + 1)
        await life.until(lambda: any("today" in text for text in life.world.answers(life.room)))
    assert len(life.model.asked) < 3


@pytest.mark.drives("config:recommend.half_life_days")
async def test_threads_are_forgotten_after_four_half_lives_of_the_file(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.sections["recommend"] = Recommend(half_life_days=2)
    async with life.bot() as app:
        question = life.world.say(life.person("anna"), life.room, "who has seen my umbrella?")
        life.world.say(life.person("ben"), life.room, "it is behind the door", reply_to=question.ref.id)
        life.world.say(life.person("cleo"), life.room, "!llmos recommend")
        (told,) = await life.answers(1)
        assert "who has seen my umbrella?" in told
    for number, (days, kept) in enumerate(((7, 1), (9, 0)), start=2):
        life.clock.shift = timedelta(days=days)
        async with life.bot() as app, asyncio.timeout(PATIENCE_S):
            while len(await app.store.threads.of("memory/town", 0, 9)) != kept:
                pass
            life.world.say(life.person("cleo"), life.room, "!llmos recommend", at=life.clock())
            told = (await life.answers(number))[-1]
            assert ("who has seen my umbrella?" in told) == bool(kept)


@pytest.mark.drives(
    "config:recommend.zone", "config:recommend.time", "config:recommend.n", "config:recommend.quiet"
)
async def test_a_digest_has_what_the_file_says_where_nobody_says_otherwise(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.sections["recommend"] = Recommend(zone="Asia/Shanghai", time="18:30", n=3, quiet="22-7")
    mia = life.world.member("mia", Role.MODERATOR)
    async with life.bot():
        life.world.say(mia, life.room, "!llmos digest add here every monday")
        (usual,) = await life.answers(1)
        life.world.say(mia, life.room, "!llmos digest add here daily 8:00 UTC n=7 quiet=off")
        own = (await life.answers(2))[-1]
        life.world.say(life.person("anna"), life.room, "!llmos digest me weekdays")
        member = (await life.answers(3))[-1]
    assert "every Monday at 18:30 (Asia/Shanghai) never from 22:00 to 07:00, 3 threads at most" in usual
    assert "every day at 08:00 (UTC), 7 threads at most" in own
    assert "at 18:30 (Asia/Shanghai) never from 22:00 to 07:00, 3 threads at most" in member


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("zone", "Europe/Berln"),
        ("time", "9"),
        ("time", "24:00"),
        ("n", 11),
        ("quiet", "night"),
        ("quiet", "7-07:00"),
    ],
)
def test_what_no_digest_can_have_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Recommend.model_validate({key: value})


@pytest.mark.drives("config:knowledge.allow")
@pytest.mark.parametrize(("allow", "asked"), [((), []), (("10.9.9.0/24",), [("10.9.9.9", 80)])])
async def test_pages_of_the_intranet_are_fetched_where_the_file_says_so(
    allow: tuple[str, ...],
    asked: list[tuple[str, int]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected: list[tuple[str, int]] = []

    async def nobody_there(sock: object, address: tuple[str, int]) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", nobody_there)
    life = Life(tmp_path, fetcher=None)
    life.sections["knowledge"] = Knowledge(allow=allow)
    mia = life.world.member("mia", Role.MODERATOR)
    async with life.bot():
        for number, host in enumerate(("10.9.9.9", "10.9.8.9", "169.254.169.254", "127.0.0.1"), start=1):
            life.world.say(mia, life.room, f"!llmos knowledge add http://{host}/wiki")
            await life.answers(number)
    assert connected == asked
    refusals = [text for text in life.world.answers(life.room) if "private network" in text]
    assert len(refusals) == 4 - len(asked)
