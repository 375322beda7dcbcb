"""`llmos doctor` tries everything out; each way to be unwell has its own row and its own mend."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import huggingface_hub.constants
import pytest

from bot.cli.checkups import Finding, all_checkups, examine, machine
from bot.config import Config, load
from bot.core.errors import StorageError
from bot.storage.seal import KEY_FILE_NAME
from bot.web.health import serving
from bot.web.metrics import Metrics
from tests.cli.endpoint import listing
from tests.cli.operator import Operator

pytestmark = pytest.mark.drives("cli:doctor")

ECHO = '[llm]\nengine = "echo"\n[metrics]\nlisten = ""\n'
MODELS = b'{"data": [{"id": "tiny"}, {"id": "large"}]}'


@dataclass(frozen=True, slots=True)
class Row:
    ok: bool
    detail: str
    fix: str


def examined(operator: Operator) -> tuple[int, dict[str, Row]]:
    """The exit code, and the findings by name."""
    outcome = operator.types("doctor", "--json")
    assert outcome.err == ""
    checks = json.loads(outcome.out)["checks"]
    return outcome.code, {row["name"]: Row(row["ok"], row["detail"], row["fix"]) for row in checks}


def endpoint(base_url: str, model: str = "tiny", key: str = "") -> str:
    more = f'api_key = "{key}"\n' if key else ""
    engine = f'[llm]\nengine = "openai"\nmodel = "{model}"\nbase_url = "{base_url}"\n{more}'
    return f'{engine}[metrics]\nlisten = ""\n'


def test_a_well_bot_is_called_well(operator: Operator) -> None:
    operator.writes(ECHO)
    code, rows = examined(operator)
    assert code == 0
    assert {"config", "database", "data folder", "key file", "disk", "memory", "clock", "python"} <= set(rows)
    assert all(row.ok and row.detail and not row.fix for row in rows.values())
    table = operator.types("doctor")
    assert table.code == 0
    assert table.out.endswith("All is well.\n")


def test_it_changes_nothing(operator: Operator) -> None:
    operator.writes(ECHO)
    operator.types("doctor")
    assert [path.name for path in operator.folder.iterdir()] == ["config.toml"]


def test_a_wrong_configuration_is_all_it_talks_about(operator: Operator) -> None:
    operator.writes("[bot]\nnam = 1\n[llm]\ntemperature = 9\n")
    code, rows = examined(operator)
    assert code == 2
    assert set(rows) == {"config bot.nam (line 2)", "config llm.temperature (line 4)"}
    assert rows["config bot.nam (line 2)"].fix == "Did you mean name?"


def test_an_endpoint_that_offers_the_model_is_well(operator: Operator) -> None:
    operator.writes("hush\n", "key").chmod(0o600)
    with listing(MODELS, key="hush") as base_url:
        operator.writes(endpoint(base_url, key="file:key"))
        code, rows = examined(operator)
    assert (code, rows["endpoint 127.0.0.1"].ok) == (0, True)


@pytest.mark.parametrize(
    ("body", "status", "model", "told"),
    [
        (MODELS, 200, "other", "tiny, large"),
        (b"<html>", 200, "tiny", "llm.base_url"),
        (b'{"data": 3}', 200, "tiny", "llm.base_url"),
        (b"[]", 200, "tiny", "llm.base_url"),
        (MODELS, 500, "tiny", "llm.base_url"),
        (MODELS, 401, "tiny", "llm.api_key"),
        (MODELS, 403, "tiny", "llm.api_key"),
    ],
)
def test_an_endpoint_that_is_unwell_is_told(
    operator: Operator, body: bytes, status: int, model: str, told: str
) -> None:
    with listing(body, status) as base_url:
        operator.writes(endpoint(base_url, model))
        code, rows = examined(operator)
    assert (code, rows["endpoint 127.0.0.1"].ok) == (1, False)
    assert told in rows["endpoint 127.0.0.1"].fix


def test_a_refused_key_is_told_and_not_shown(operator: Operator) -> None:
    with listing(MODELS, key="another") as base_url:
        operator.writes(endpoint(base_url, key="sk-hush-hush"))
        outcome = operator.types("doctor")
    assert outcome.code == 1
    assert "It refuses the key (401)." in outcome.out
    assert "sk-hush-hush" not in outcome.out


def test_an_endpoint_that_is_down_is_told(operator: Operator) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        operator.writes(endpoint(f"http://127.0.0.1:{free.getsockname()[1]}/v1"))
        code, rows = examined(operator)
    assert code == 1
    assert "Start the server" in rows["endpoint 127.0.0.1"].fix


def test_a_port_in_use_by_another_program_is_told(operator: Operator) -> None:
    with listing(b"hello") as base_url:
        address = base_url.removeprefix("http://").removesuffix("/v1")
        operator.writes(f'[llm]\nengine = "echo"\n[metrics]\nlisten = "{address}"\n')
        code, rows = examined(operator)
    assert code == 1
    assert "[metrics] listen" in rows["metrics port"].fix


async def test_a_port_in_use_by_the_bot_itself_is_fine(tmp_path: Path) -> None:
    async with serving(("127.0.0.1", 0), Metrics(), {}) as (host, port):
        path = tmp_path / "config.toml"
        path.write_text(f'[metrics]\nlisten = "{host}:{port}"\n', encoding="utf-8")
        findings = await examine(load(path, environ={}), {"port": all_checkups()["port"]})
    assert [finding.ok for finding in findings] == [True]


def test_a_key_file_that_others_can_read_is_told(operator: Operator) -> None:
    operator.writes(ECHO)
    (operator.folder / "data").mkdir()
    key = operator.writes(b"0" * 32, f"data/{KEY_FILE_NAME}")
    key.chmod(0o644)
    code, rows = examined(operator)
    assert code == 1
    assert rows["key file"].fix == f"chmod 600 {key}"
    key.chmod(0o600)
    assert examined(operator)[0] == 0


def test_a_file_that_is_no_database_is_told(operator: Operator) -> None:
    operator.writes(ECHO)
    (operator.folder / "data").mkdir()
    operator.writes("this is a shopping list, and a long one at that " * 100, "data/llmos.db")
    code, rows = examined(operator)
    assert (code, rows["database"].ok) == (1, False)
    assert rows["database"].fix


@pytest.mark.parametrize("engine", ["transformers", "llamacpp"])
def test_a_catalogue_model_that_was_not_fetched_is_told(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setenv("LLMOS_MODELS_DIR", str(operator.folder / "models"))
    operator.writes(f'[llm]\nengine = "{engine}"\n[metrics]\nlisten = ""\n')
    code, rows = examined(operator)
    assert code == 1
    assert rows["model"].fix == "llmos models pull smollm2-135m"


def test_a_model_folder_without_weights_is_told(operator: Operator) -> None:
    (operator.folder / "model").mkdir()
    operator.writes('[llm]\nmodel = "./model"\n[metrics]\nlisten = ""\n')
    code, rows = examined(operator)
    assert (code, rows["model"].ok) == (1, False)


HAS_WEIGHTS = b'{"id": "some/model", "siblings": [{"rfilename": "model.safetensors"}]}'
PICKLED = b'{"id": "some/model", "siblings": [{"rfilename": "pytorch_model.bin"}]}'


@pytest.mark.parametrize(
    ("body", "status", "error_code", "told"),
    [
        (HAS_WEIGHTS, 200, "", "at the first start"),
        (PICKLED, 200, "", "no .safetensors file"),
        (b"{}", 404, "RepoNotFound", "the hub has no such repository"),
        (b"{}", 500, "", "the hub refused (500)"),
    ],
)
def test_a_model_of_the_hub_is_looked_for_there(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, body: bytes, status: int, error_code: str, told: str
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(operator.folder))
    operator.writes('[llm]\nmodel = "some/model"\n[metrics]\nlisten = ""\n')
    with listing(body, status, path="/api/models/some/model", error_code=error_code) as hub:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub)
        _code, rows = examined(operator)
    ok = body == HAS_WEIGHTS
    assert (rows["model"].ok, bool(rows["model"].fix)) == (ok, not ok)
    assert told in rows["model"].detail


def test_a_hub_that_is_not_there_is_told(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(operator.folder))
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    operator.writes('[llm]\nmodel = "some/model"\n[metrics]\nlisten = ""\n')
    code, rows = examined(operator)
    assert (code, rows["model"].ok) == (1, False)
    assert "cannot be reached" in rows["model"].detail


def test_a_model_of_the_hub_that_is_here_needs_no_network(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, repository = "1" * 40, operator.folder / "hub" / "models--some--model"
    snapshot = repository / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(operator.folder / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    operator.writes('[llm]\nmodel = "some/model"\n[metrics]\nlisten = ""\n')
    _code, rows = examined(operator)
    assert rows["model"] == Row(True, "some/model is here, from the Hugging Face hub.", "")


def configured(folder: Path) -> Config:
    path = folder / "config.toml"
    path.write_text("", encoding="utf-8")
    return load(path, environ={})


def test_too_little_memory_is_told(tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert machine.memory(config, 10**10).ok
    finding = machine.memory(config, 10**8)
    assert not finding.ok
    assert "llmos models list" in finding.fix


def test_a_clock_that_went_back_is_told(tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert machine.clock(config, lambda: 4e9).ok
    finding = machine.clock(config, lambda: 1e9)
    assert not finding.ok
    assert "timedatectl" in finding.fix


async def test_a_check_that_fails_or_hangs_is_a_row_and_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(config: Config) -> AsyncIterator[Finding]:
        yield Finding("before", True, "fine")
        raise StorageError("The disk is full.")

    async def silent(config: Config) -> AsyncIterator[Finding]:
        await asyncio.Event().wait()
        yield Finding("never", True, "")

    monkeypatch.setattr("bot.cli.checkups.TIMEOUT_S", 0.01)
    findings = await examine(configured(tmp_path), {"broken": broken, "silent": silent})
    assert [(finding.name, finding.ok) for finding in findings] == [
        ("before", True),
        ("broken", False),
        ("silent", False),
    ]
    assert findings[1].detail == "The disk is full."
