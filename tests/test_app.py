"""The composition: what is wired to what, seen from outside."""

import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.app import opened
from bot.config.sections import Metrics
from bot.core.permissions import Role
from bot.llm.echo import EchoModel, Script
from bot.moderation.judge import Judge
from tests.living import Announcing, Life


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


@pytest.mark.drives("config:metrics.listen")
async def test_health_readiness_and_metrics_of_a_running_bot(life: Life, free_port: int) -> None:
    life.sections["metrics"] = Metrics(listen=f"127.0.0.1:{free_port}")
    async with life.bot(), aiohttp.ClientSession(f"http://127.0.0.1:{free_port}") as session:
        life.world.say(life.person("anna"), life.room, "@llmos hello")
        await life.until(lambda: life.world.answers(life.room) == ["hello"])
        async with session.get("/healthz") as response:
            assert response.status == 200
        async with session.get("/readyz") as response:
            assert await response.json() == {"ready": True, "checks": {"database": "ok", "model": "ok"}}
        async with session.get("/metrics") as response:
            text = await response.text()
    assert 'llmos_events_total{kind="Message",platform="memory"} 1.0' in text
    assert 'llmos_first_text_seconds_count{platform="memory"} 1.0' in text


async def test_two_configured_models_and_a_channel_that_chooses_the_other(life: Life) -> None:
    life.others = [EchoModel(Script("the other one speaks"), name="other")]
    mia = life.world.member("mia", Role.MODERATOR)
    async with life.bot():
        life.world.say(mia, life.room, "!llmos channel set model other")
        await life.answers(1)
        life.world.say(life.person("anna"), life.room, "@llmos hello")
        await life.until(lambda: "the other one speaks" in life.world.answers(life.room))


class Hindered(Announcing):
    """Connected, and kept from its work."""

    def trouble(self) -> str | None:
        return "I wait until tomorrow."


async def test_what_keeps_a_platform_from_its_work_is_in_the_status(life: Life) -> None:
    adapter = Hindered(life.world)
    models = {life.model.name: life.model}
    made = opened(life.config, [adapter], models=models, judge=Judge(()), now=life.clock)
    async with made as app, life.living(app, adapter):
        life.world.say(life.person("anna"), life.room, "!llmos admin status")
        await life.until(lambda: "✗ memory: I wait until tomorrow." in "".join(life.world.answers(life.room)))


def test_the_core_of_the_bot_runs_without_torch_discord_and_matrix() -> None:
    """Without the extras the bot is whole; importing it must never need them."""
    program = (
        "import sys, bot.cli.chat, bot.cli.run, bot.cli.check, bot.bench.pipeline, bot.llm.openai\n"
        "print(sorted({'torch', 'transformers', 'discord', 'nio', 'xllamacpp'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_what_only_some_bots_need_is_in_no_other_bots_memory() -> None:
    """Numpy alone takes 12 MB: vectors, classifiers, charts and recommendations load it when they need it."""
    program = (
        "import importlib, pkgutil, sys, bot.cli.run, bot.commands, bot.moderation.rules\n"
        "for package in (bot.commands, bot.moderation.rules):\n"
        "  for each in pkgutil.walk_packages(package.__path__, f'{package.__name__}.'):\n"
        "    importlib.import_module(each.name)\n"
        "print(sorted({'numpy', 'scipy', 'alembic', 'snowballstemmer', 'matplotlib'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


async def test_what_happened_before_is_recorded_and_not_answered(life: Life) -> None:
    past = [life.world.say(life.person("anna"), life.room, f"@llmos {n}") for n in range(300)]
    life.clock.shift = timedelta(hours=2)
    async with life.bot(past={life.world.platform: past}) as app:
        life.world.say(life.person("ben"), life.room, "@llmos now", at=life.clock())
        await life.until(lambda: life.world.answers(life.room) == ["now"])
        async with asyncio.timeout(10):
            while await app.store.messages.outcome(past[-1].ref) is None:  # noqa: ASYNC110 - a database tells nobody
                await asyncio.sleep(0.01)
        assert await app.store.messages.outcome(past[-1].ref) == "ignored:too-old"
