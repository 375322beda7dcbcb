"""`llmos check` as an operator sees it: all problems at once, never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.operator import Operator
from tests.owned import owned

pytestmark = pytest.mark.drives("cli:check")

ROOT = Path(__file__).parents[2]

MANY_MISTAKES = """\
[bot]
nam = "Ada"
locale = "fr"
data_dir = 5
[llm]
engine = "transformer"
max_new_tokens = "many"
temperature = 9
timeout = 3
api_key = "file:no-key"
fallback = [{ engine = "openai" }, { engin = "echo" }]
[storag]
url = "x"
[storage]
url = "mysql://x"
[quota]
member_requests = -4
community_tokens = 1.5
[metrics]
listen = "nonsense"
[recommend]
schedule = "daily"
[privacy]
context_hours = 999
archive_days = 0
"""

EXPECTED = {
    "bot.nam": (2, "Did you mean name?"),
    "bot.locale": (3, '"en", "zh-CN"'),
    "bot.data_dir": (4, "a text in quotes"),
    "llm.engine": (6, 'Did you mean "transformers"?'),
    "llm.max_new_tokens": (7, "a whole number"),
    "llm.temperature": (8, "at most 2"),
    "llm.timeout": (9, "Did you mean timeout_s?"),
    "llm.api_key": (10, "file:PATH"),
    "llm.fallback.1.base_url": (11, "http://127.0.0.1:8080/v1"),
    "llm.fallback.1.model": (11, "a name the endpoint knows"),
    "llm.fallback.2.engin": (11, "Did you mean engine?"),
    "storag": (12, "Did you mean [storage]?"),
    "storage.url": (15, "sqlite:///data/llmos.db"),
    "quota.member_requests": (17, '"unlimited"'),
    "quota.community_tokens": (18, '"unlimited"'),
    "metrics.listen": (20, "127.0.0.1:9464"),
    "recommend.schedule": (22, "Known here: half_life_days"),
    "privacy.context_hours": (24, "at most 168"),
    "privacy.archive_days": (25, "at least 1"),
}


def test_every_mistake_is_told_at_once_with_its_key_its_line_and_how_to_mend_it(operator: Operator) -> None:
    operator.writes(MANY_MISTAKES)
    outcome = operator.types("check", "--json")
    assert (outcome.code, outcome.err) == (2, "")
    document = json.loads(outcome.out)
    assert document["ok"] is False
    found = {problem["key"]: problem for problem in document["problems"]}
    assert set(found) == set(EXPECTED)
    for key, (line, mend) in EXPECTED.items():
        assert found[key]["severity"] == "error"
        assert found[key]["line"] == line, key
        assert mend in found[key]["mend"], key
        assert found[key]["what"]


def test_people_read_the_same_as_programs(operator: Operator) -> None:
    operator.writes(MANY_MISTAKES)
    outcome = operator.types("check")
    assert outcome.code == 2
    for key, (line, mend) in EXPECTED.items():
        assert f"error: {key} (line {line})\n" in outcome.out
        assert mend in outcome.out
    assert outcome.out.endswith(f"config.toml: {len(EXPECTED)} errors.\n")


def test_a_right_file_is_called_right(operator: Operator) -> None:
    operator.writes('[llm]\nengine = "echo"\n')
    assert operator.types("check").out.endswith("config.toml: no errors.\n")
    outcome = operator.types("check", "--json")
    assert outcome.code == 0
    assert json.loads(outcome.out)["ok"] is True


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("own.bin", b"x", "a file.safetensors"),
        ("own.safetensors", None, "There is no file"),
        ("own.safetensors", b"x", "holds no classifiers"),
    ],
)
def test_classifiers_that_cannot_be_used_are_told(
    operator: Operator, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        operator.writes(content, name)
    operator.writes(f'[llm]\nengine = "echo"\n[moderation]\nclassifiers = "{name}"\n')
    outcome = operator.types("check")
    assert outcome.code == 2
    assert "error: moderation.classifiers" in outcome.out
    assert said in outcome.out
    assert "llmos moderate train" in outcome.out


def test_classifiers_of_ones_own_are_called_right(operator: Operator) -> None:
    owned(operator.folder / "own.safetensors")
    operator.writes('[llm]\nengine = "echo"\n[moderation]\nclassifiers = "own.safetensors"\n')
    assert operator.types("check").out.endswith("config.toml: no errors.\n")


def test_without_a_file_the_defaults_are_checked(operator: Operator) -> None:
    operator.types("check", "--json")
    assert json.loads(operator.types("check", "--json").out)["source"].startswith("built-in")


BROKEN: dict[str, tuple[str | bytes, str]] = {
    "half a list": ("a = [\n", "valid TOML"),
    "no TOML at all": ("hello there", "valid TOML"),
    "a NUL byte": (b'[bot]\nname = "a\0b"\n', "valid TOML"),
    "an escaped NUL in a name": ('[bot]\nname = "a\\u0000b"\n', "control character"),
    "an escaped NUL in paths": (
        '[bot]\ndata_dir = "a\\u0000"\n[llm]\nmodel = "./\\u0000.gguf"\n',
        "control character",
    ),
    "an escape sequence": ('[bot]\nname = "\\u001b[31mred"\n', "control character"),
    "another encoding": (b'[bot]\nname = "\xff\xfe"\n', "UTF-8"),
    "too much": (b"#" * 1_000_001, "too large"),
    "nothing but zeros": (b"\0" * 100, "valid TOML"),
    "a deep list": ("[bot]\nname = " + "[" * 20_000, "too deeply"),
    "a deep key": ("bot.name" + ".a" * 2_000 + " = 1", "bot.name"),
    "a number without end": ("[llm]\nmax_new_tokens = " + "9" * 5000, "too large"),
    "a hexadecimal without end": ("[llm]\nmax_new_tokens = 0x" + "f" * 5000, "llm.max_new_tokens"),
    "no numbers": ("[llm]\ntemperature = nan\ntimeout_s = inf\n", "llm.timeout_s"),
    "values for sections": ('bot = 3\nllm = [1]\nstorage = "x"\nquota = []\n', "[quota]"),
    "lists of sections": ('[[llm]]\n[[bot]]\nname = "x"\n', "[bot]"),
    "a table for a value": ("[llm.model]\nx = 1\n", "llm.model"),
    "a date for a name": ("[bot]\nname = 2020-01-01\n", "2020-01-01"),
    "half an address": ('[llm]\nengine = "openai"\nmodel = "m"\nbase_url = "http://[bad/v1"\n', "base_url"),
    "a port that is none": ('[storage]\nurl = "postgresql://a@b:port/c"\n', "storage.url"),
    "a name too long for a file": ('[bot]\ndata_dir = "' + "x" * 5000 + '"\n', "bot.data_dir"),
    "a model path too long": ('[llm]\nmodel = "' + "y/" * 5000 + '"\n', "llm.model"),
    "a home of nobody": ('[llm]\nmodel = "~nosuchuser/x.gguf"\n', "llm.model"),
    "a file where a folder is needed": ('[bot]\ndata_dir = "config.toml"\n', "bot.data_dir"),
    "a folder below a file": ('[bot]\ndata_dir = "config.toml/x"\n', "bot.data_dir"),
    "a folder where a file is needed": ('[storage]\nurl = "sqlite:///."\n', "storage.url"),
    "a secret file that is missing": ('[llm]\napi_key = "file:missing"\n', "llm.api_key"),
    "a secret that is a folder": ('[llm]\napi_key = "file:."\n', "llm.api_key"),
    "a secret file without end": ('[llm]\napi_key = "file:/dev/zero"\n', "llm.api_key"),
    "a secret with a newline in it": ('[llm]\napi_key = "file:config.toml"\n', "llm.api_key"),
    "a secret of the wrong type": ("[llm]\napi_key = 12345678\n", "llm.api_key"),
    "a fallback of a fallback": ("[[llm.fallback]]\nfallback = []\n", "llm.fallback.1.fallback"),
    "a whole answer larger than the context": (
        "[llm]\nmax_new_tokens = 4096\ncontext_tokens = 512\n",
        "llm.max_new_tokens",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_wrong_file_gives_sentences_and_exit_code_2(operator: Operator, name: str) -> None:
    text, told = BROKEN[name]
    operator.writes(text)
    outcome = operator.types("check")
    assert outcome.code == 2
    assert told in outcome.out
    assert outcome.err == ""


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        (".", "is a folder"),
        ("missing.toml", "There is no file"),
        ("config.toml/x.toml", "There is no file"),
        ("/dev/zero", "too large"),
        ("x" * 300, "cannot be read"),
        ("loop.toml", "cannot be read"),
        ("~nosuchuser/config.toml", "There is no file"),
    ],
)
def test_a_wrong_name_of_the_file_is_told(operator: Operator, argument: str, told: str) -> None:
    operator.writes("")
    (operator.folder / "loop.toml").symlink_to("loop.toml")
    outcome = operator.types("check", "--config", argument)
    assert outcome.code == 2
    assert told in outcome.out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(operator: Operator) -> None:
    operator.writes("").chmod(0)
    outcome = operator.types("check")
    assert outcome.code == 2
    assert "the right to read it" in outcome.out


def test_one_missing_quote_does_not_hide_the_other_mistakes(operator: Operator) -> None:
    operator.writes(
        "[bot]\nname = LLMOS\n[llm]\nmodle = 'x'\ntemperature = 0,7\n"
        "[quota]\nmember_requests = ten\nmember_requests = 4\nmember_requests = 5\n"
    )
    found = json.loads(operator.types("check", "--json").out)["problems"]
    assert [(problem["key"], problem["line"]) for problem in found] == [
        ("bot.name", 2),
        ("llm.modle", 4),
        ("llm.temperature", 5),
        ("quota.member_requests", 7),
        ("quota.member_requests", 9),
    ]


def test_what_a_left_out_line_would_have_said_is_not_missed(operator: Operator) -> None:
    operator.writes('[llm]\nengine = "openai"\nmodel = "m"\nbase_url = http://127.0.0.1/v1\n')
    found = json.loads(operator.types("check", "--json").out)["problems"]
    assert [problem["key"] for problem in found] == ["llm.base_url"]


def test_nothing_is_guessed_behind_a_broken_list(operator: Operator) -> None:
    operator.writes("[llm]\nfallback = [\n  { engine = echo },\n  3 ]\n[bot]\nname = 5\n")
    found = json.loads(operator.types("check", "--json").out)["problems"]
    assert [problem["line"] for problem in found] == [3]


def test_a_variable_at_fault_is_named(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    operator.writes("[llm]\ntemperature = 1\n")
    for name, value in {
        "LLMOS_LLM__TEMPERATURE": "hot",
        "LLMOS_LLM__MODLE": "x",
        "LLMOS_LLM__FALLBACK": "[{",
        "LLMOS_QUOTA__MEMBER_TOKENS": "9" * 5000,
        "LLMOS_NOWHERE__X": "1",
    }.items():
        monkeypatch.setenv(name, value)
    outcome = operator.types("check")
    assert outcome.code == 2
    assert "llm.temperature (LLMOS_LLM__TEMPERATURE)" in outcome.out
    assert "llm.modle (LLMOS_LLM__MODLE)" in outcome.out
    assert "llm.fallback (LLMOS_LLM__FALLBACK)" in outcome.out
    assert "quota.member_tokens (LLMOS_QUOTA__MEMBER_TOKENS)" in outcome.out
    assert "nowhere" in outcome.out


SECRET = "sk-hush-hush-hush"
WARNED = {
    "a secret in the file": (
        f'[llm]\nengine = "openai"\nmodel = "m"\nbase_url = "http://127.0.0.1/v1"\napi_key = "{SECRET}"\n',
        "stands in the configuration itself",
    ),
    "a password in a url": (
        f'[storage]\nurl = "postgresql://ada:{SECRET}@db/llmos"\n',
        "stands in the configuration itself",
    ),
    "a password in an address": (
        '[llm]\nengine = "openai"\nmodel = "m"\n'
        f'api_key = "env:HOME"\nbase_url = "https://ada:{SECRET}@x.example/v1"\n',
        "stands in the configuration itself",
    ),
    "a public endpoint without a key": (
        '[llm]\nengine = "openai"\nmodel = "m"\nbase_url = "https://api.example.com/v1"\n',
        "usually refuses",
    ),
    "a public endpoint without encryption": (
        '[llm]\nengine = "openai"\nmodel = "m"\napi_key = "env:HOME"\n'
        'base_url = "http://api.example.com/v1"\n',
        "unencrypted",
    ),
    "a key that nothing uses": ('[llm]\nengine = "echo"\napi_key = "env:HOME"\n', "does nothing"),
    "eyes that nothing uses": ('[llm]\nengine = "echo"\nvision = true\n', "vision does nothing"),
    "metrics for everybody": ('[llm]\nengine = "echo"\n[metrics]\nlisten = "0.0.0.0:9464"\n', "Everybody"),
    "a base model": ('[llm]\nmodel = "gpt2"\n', "never taught to answer"),
    "a language the model lacks": ('[bot]\nlocale = "zh-CN"\n', "does not speak"),
    "a mistyped name of the catalogue": ('[llm]\nmodel = "smollm2-135"\n', "Did you mean smollm2-135m?"),
    "more context than the model has": (
        '[llm]\nmodel = "smollm2-135m"\ncontext_tokens = 100000\n',
        "known to work up to",
    ),
}


@pytest.mark.parametrize("name", WARNED)
def test_what_is_unwise_is_a_warning(operator: Operator, name: str) -> None:
    text, told = WARNED[name]
    operator.writes(text)
    outcome = operator.types("check")
    assert "warning: " in outcome.out
    assert told in outcome.out
    assert SECRET not in outcome.out


def test_a_secret_that_others_may_read_is_a_warning(operator: Operator) -> None:
    operator.writes("hush", "key").chmod(0o644)
    operator.writes(
        '[llm]\nengine = "openai"\nmodel = "m"\nbase_url = "http://127.0.0.1/v1"\napi_key = "file:key"\n'
    )
    outcome = operator.types("check")
    assert outcome.code == 0
    assert "chmod 600" in outcome.out


def test_no_secret_is_shown_whatever_is_wrong_with_it(operator: Operator) -> None:
    operator.writes(
        f'[llm]\napi_key = ["{SECRET}"]\n'
        f'[storage]\nurl = "mysql://ada:{SECRET}@db/x"\npassword = ["{SECRET}"]\n'
    )
    for words in (["check"], ["check", "--json"], ["doctor"], ["doctor", "--json"]):
        outcome = operator.types(*words)
        assert outcome.code == 2
        assert SECRET not in outcome.out + outcome.err


def test_it_warns_before_memory_runs_out(operator: Operator) -> None:
    operator.writes('[llm]\nengine = "llamacpp"\nconcurrency = 1024\n')
    outcome = operator.types("check")
    assert "needs about" in outcome.out
    assert "the system may stop the bot" in outcome.out
    assert "llmos models list" in outcome.out


@pytest.mark.parametrize("arguments", [["check", "--jsn"], ["check", "--config"], ["check", "more"]])
def test_wrong_usage_is_exit_code_2(operator: Operator, arguments: list[str]) -> None:
    outcome = operator.types(*arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err


def test_the_installed_command_says_the_same_on_a_real_terminal_less_pipe(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(MANY_MISTAKES, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "bot", "check", "--json"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == b""
    assert len(json.loads(done.stdout)["problems"]) == len(EXPECTED)
