"""What the image, the compose file and the systemd unit name is there and does what they rely on."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli import COMMANDS, WRONG_USAGE
from bot.config import Config
from bot.llm.catalogue import MODELS_DIR_VARIABLE
from bot.web.health import Probe, serving
from bot.web.metrics import Metrics

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = (ROOT / "deploy/compose.yaml").read_text(encoding="utf-8")
UNIT = (ROOT / "deploy/llmos.service").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, continued lines joined, without comments."""
    lines = [line for line in DOCKERFILE.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [
        (word, " ".join(rest.split()))
        for word, _, rest in (line.partition(" ") for line in joined.splitlines())
        if word
    ]


def of(kind: str) -> list[str]:
    return [rest for word, rest in instructions() if word == kind]


def unit(key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", UNIT, re.MULTILINE)


def own_variables(text: str) -> set[str]:
    return set(re.findall(r"\bLLMOS_[A-Z_]+", text))


def configurable() -> Iterator[str]:
    for section, field in Config.model_fields.items():
        for key in getattr(field.annotation, "model_fields", {}):
            yield f"LLMOS_{section}__{key}".upper()


def test_the_image_copies_what_is_there_and_what_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sources = [name for rest in of("COPY") if not rest.startswith("--") for name in rest.split()[:-1]]
    assert {"bot", "pyproject.toml", "constraints.txt"} <= set(sources)
    for name in sources:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in ignored


def test_the_image_installs_extras_and_versions_that_exist() -> None:
    (extras,) = (rest.removeprefix("EXTRAS=") for rest in of("ARG") if rest.startswith("EXTRAS="))
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    assert "-c constraints.txt" in DOCKERFILE
    version = re.findall(r"^FROM python:([\d.]+)-slim", DOCKERFILE, re.MULTILINE)
    assert PROJECT["requires-python"] == f">={version[0]}"
    assert len(set(version)) == 1


def test_the_image_does_not_run_as_root_and_keeps_everything_in_its_volume() -> None:
    (user,) = of("USER")
    assert user not in {"root", "0"}
    assert f"useradd --system --uid 10001 --home-dir /data --create-home {user}" in of("RUN")[-1]
    assert of("VOLUME") == ["/data"]
    words = [word for word, _ in instructions()]
    assert words.index("USER") < words.index("ENTRYPOINT")


def test_the_image_starts_a_program_that_is_there() -> None:
    assert json.loads(of("ENTRYPOINT")[0]) == ["llmos"]
    assert "llmos" in PROJECT["scripts"]
    (command,) = json.loads(of("CMD")[0])
    assert command in COMMANDS


@pytest.mark.parametrize("text", [DOCKERFILE, COMPOSE, UNIT], ids=["Dockerfile", "compose", "systemd"])
def test_variables_of_ours_are_real(text: str) -> None:
    assert own_variables(text)
    assert own_variables(text) <= {*configurable(), MODELS_DIR_VARIABLE}


async def _ready() -> str | None:
    return None


async def healthcheck(port: int) -> int:
    (rest,) = of("HEALTHCHECK")
    _python, *arguments = json.loads(rest.partition("CMD ")[2])
    listen = Config.model_fields["metrics"].default.listen
    assert f"http://{listen}/healthz" in arguments[-1]
    arguments[-1] = arguments[-1].replace("9464", str(port))
    return await _run(arguments)


async def _run(arguments: list[str]) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stderr=asyncio.subprocess.DEVNULL
    )
    return await process.wait()


async def test_the_health_check_of_the_image_tells_well_from_unwell() -> None:
    probes: dict[str, Probe] = {"database": _ready}
    async with serving(("127.0.0.1", 0), Metrics(), probes) as (_host, port):
        assert await healthcheck(port) == 0
    assert await healthcheck(port) == 1


def test_compose_names_files_that_exist_and_drops_every_right() -> None:
    (context,) = re.findall(r"build: (\S+)", COMPOSE)
    assert (ROOT / "deploy" / context / "Dockerfile").is_file()
    assert "- data:/data\n" in COMPOSE
    assert "\nvolumes:\n  data:\n" in COMPOSE
    assert ":/config/config.toml:ro" in COMPOSE
    assert of("WORKDIR")[-1] == "/config"
    for line in ("read_only: true", "- ALL", "- no-new-privileges:true"):
        assert line in COMPOSE


def test_the_unit_does_not_restart_on_a_wrong_configuration() -> None:
    assert unit("Restart") == ["on-failure"]
    assert unit("RestartPreventExitStatus") == [str(WRONG_USAGE)]


def test_the_unit_starts_a_command_that_exists_as_somebody_else_than_root() -> None:
    program, command, option, _path = unit("ExecStart")[0].split()
    assert Path(program).name in PROJECT["scripts"]
    assert command in COMMANDS
    assert option == "--config"
    assert unit("User") == ["llmos"]


def test_the_unit_may_write_only_where_the_bot_keeps_its_files() -> None:
    assert unit("ProtectSystem") == ["strict"]
    (state,) = unit("StateDirectory")
    folders = [value.partition("=")[2] for value in unit("Environment")]
    assert folders
    assert all(folder == f"/var/lib/{state}" or folder.startswith(f"/var/lib/{state}/") for folder in folders)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    copy = tmp_path / "llmos.service"
    copy.write_text(UNIT.replace("/opt/llmos/bin/llmos", sys.executable), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", copy], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Unknown" not in done.stderr
    assert "Failed to parse" not in done.stderr
