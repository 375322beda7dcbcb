"""What a configuration means once it is right."""

import os
import tomllib
from pathlib import Path

import pytest

from bot.config import Config, Engine, Secret, load, problems
from bot.config.addresses import is_private_host, is_private_url
from bot.config.sections import REMOTE_CAPS, Quota
from bot.core.errors import ConfigError

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_defaults_need_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    config = load(environ={})
    assert config.llm.engine == "transformers"
    assert config.llm.model == "smollm2-135m"
    assert config.bot.data_dir == tmp_path / "share" / "llmos"
    assert config.storage.path == tmp_path / "share" / "llmos" / "llmos.db"


def test_a_config_toml_here_is_found_without_being_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, '[bot]\nname = "Ada"')
    monkeypatch.chdir(tmp_path)
    assert load(environ={}).bot.name == "Ada"


def test_relative_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tiny.gguf").write_bytes(b"GGUF")
    path = written(
        tmp_path,
        '[bot]\ndata_dir = "d"\n[llm]\nmodel = "./tiny.gguf"\n[storage]\nurl = "sqlite:///x/y.db"\n',
    )
    monkeypatch.chdir(tmp_path / "elsewhere")
    config = load(path, environ={})
    assert config.bot.data_dir == tmp_path / "d"
    assert config.llm.model == str(tmp_path / "tiny.gguf")
    assert config.storage.url == f"sqlite:///{tmp_path}/x/y.db"


def test_a_file_without_a_database_url_keeps_it_in_its_data_folder(tmp_path: Path) -> None:
    config = load(written(tmp_path, '[bot]\ndata_dir = "d"'), environ={})
    assert config.storage.path == tmp_path / "d" / "llmos.db"


def test_a_hugging_face_id_stays_a_name_unless_such_a_folder_exists(tmp_path: Path) -> None:
    path = written(tmp_path, '[llm]\nmodel = "some/model"')
    assert load(path, environ={}).llm.model == "some/model"
    (tmp_path / "some" / "model").mkdir(parents=True)
    assert load(path, environ={}).llm.model == str(tmp_path / "some" / "model")


def test_a_folder_is_a_model_by_its_bare_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "weights").mkdir()
    path = written(tmp_path, '[llm]\nmodel = "weights"\n[[llm.fallback]]\nmodel = "gpt2"\n')
    monkeypatch.chdir(tmp_path / "elsewhere")
    llm = load(path, environ={}).llm
    assert (llm.model, llm.fallback[0].model) == (str(tmp_path / "weights"), "gpt2")


def test_what_an_endpoint_calls_its_model_is_never_a_path(tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    for name in ("some", "./some", "models/tiny.gguf"):
        toml = f'[llm]\nengine = "openai"\nbase_url = "http://127.0.0.1/v1"\nmodel = "{name}"\n'
        assert load(written(tmp_path, toml), environ={}).llm.model == name


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, '[bot]\nname = "Ada"\n[llm]\nmax_new_tokens = 8\n')
    config = load(
        path,
        environ={
            "LLMOS_BOT__NAME": "42",
            "LLMOS_LLM__MAX_NEW_TOKENS": "99",
            "LLMOS_LLM__ENGINE": "echo",
            "LLMOS_LLM__FALLBACK": '[{ engine = "echo" }]',
            "LLMOS_QUOTA__MEMBER_REQUESTS": "unlimited",
            "LLMOS_LLM__CONTEXT_TOKENS": "",
            "LLMOS_DRILLS": "long",
        },
    )
    assert (config.bot.name, config.llm.max_new_tokens, config.llm.engine) == ("42", 99, "echo")
    assert [engine.engine for engine in config.llm.fallback] == ["echo"]
    assert config.quota.member_requests == "unlimited"
    assert config.llm.context_tokens is None


ANOTHER_VALUE = {
    "bot.name": ("1984", "1984"),
    "bot.locale": ("zh-CN", "zh-CN"),
    "bot.data_dir": ("2026", Path("2026")),
    "bot.command_prefix": ("!ada", "!ada"),
    "llm.engine": ("echo", "echo"),
    "llm.model": ("gpt2", "gpt2"),
    "llm.base_url": ("http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1"),
    "llm.api_key": ("12345678", Secret("12345678", Path())),
    "llm.max_new_tokens": ("99", 99),
    "llm.temperature": ("1", 1.0),
    "llm.timeout_s": ("2.5", 2.5),
    "llm.context_tokens": ("1024", 1024),
    "llm.concurrency": ("3", 3),
    "llm.vision": ("true", True),
    "llm.fallback": ('[{ engine = "echo", model = "x" }]', (Engine(engine="echo", model="x"),)),
    "discord.token": ("12345678", Secret("12345678", Path())),
    "discord.api_base": ("http://proxy:8080/", "http://proxy:8080/api/v10"),
    "discord.gateway_url": ("ws://proxy:8081", "ws://proxy:8081"),
    "discord.message_content": ("true", True),
    "discord.moderators_channel": ("123456789012345678", "123456789012345678"),
    "matrix.homeserver": ("https://matrix.org/", "https://matrix.org"),
    "matrix.user_id": ("@ada:matrix.org", "@ada:matrix.org"),
    "matrix.password": ("12345678", Secret("12345678", Path())),
    "matrix.access_token": ("1e5", Secret("1e5", Path())),
    "matrix.device_name": ("2026", "2026"),
    "matrix.encryption": ("false", False),
    "matrix.invites_from": ('["matrix.org", "@a:b"]', ("matrix.org", "@a:b")),
    "matrix.moderators_room": ("!abc:matrix.org", "!abc:matrix.org"),
    "permissions.moderator": ('["matrix:power:25"]', ("matrix:power:25",)),
    "permissions.admin": ('["matrix:user:@a:b"]', ("matrix:user:@a:b",)),
    "storage.url": ("postgresql://ada@db/llmos", "postgresql://ada@db/llmos"),
    "storage.password": ("1e5", Secret("1e5", Path())),
    "privacy.context_hours": ("48", 48.0),
    "quota.member_requests": ("7", 7),
    "quota.member_tokens": ("unlimited", "unlimited"),
    "quota.channel_requests": ("0", 0),
    "quota.channel_tokens": ("8", 8),
    "quota.community_requests": ("9", 9),
    "quota.community_tokens": ("10", 10),
    "moderation.mode": ("enforce", "enforce"),
    "moderation.classifiers": ("own.safetensors", Path("own.safetensors")),
    "privacy.evidence_days": ("11", 11),
    "privacy.archive_days": ("12", 12),
    "recommend.half_life_days": ("60", 60.0),
    "recommend.zone": ("Asia/Shanghai", "Asia/Shanghai"),
    "recommend.time": ("18:30", "18:30"),
    "recommend.n": ("3", 3),
    "recommend.quiet": ("22-7", "22-7"),
    "knowledge.allow": ('["10.0.0.5", "fd12::/16"]', ("10.0.0.5", "fd12::/16")),
    "metrics.listen": ('""', ""),
}
"""What an environment variable may hold for each key, and what it means: another value than the default."""


NEEDED = {
    "discord": '[discord]\ntoken = "secret"\n',
    "matrix": '[matrix]\nhomeserver = "http://h"\nuser_id = "@u:h"\npassword = "secret"\n',
}
"""What a section cannot be without."""


def every_key() -> list[str]:
    return [
        f"{section}.{key}"
        for section, field in Config.model_fields.items()
        for key in getattr(field.annotation, "model_fields", {})
    ]


@pytest.mark.parametrize("key", every_key())
def test_every_key_can_be_set_in_the_environment(tmp_path: Path, key: str) -> None:
    section, name = key.split(".")
    raw, meant = ANOTHER_VALUE[key]
    needed = NEEDED.get(section, "")
    (tmp_path / "own.safetensors").touch()
    path = written(tmp_path, needed)
    before, after = load(path, environ={}), load(path, environ={f"LLMOS_{section}__{name}".upper(): raw})
    value = getattr(getattr(after, section), name)
    assert value == (tmp_path / meant if isinstance(meant, Path) else meant)
    assert value != getattr(getattr(before, section), name)


def test_a_loaded_configuration_cannot_be_changed(tmp_path: Path) -> None:
    config = load(written(tmp_path, ""), environ={})
    with pytest.raises(ValueError, match="frozen"):
        config.bot.name = "other"  # type: ignore[misc]


REMOTE = '[llm]\nengine = "openai"\nmodel = "m"\nbase_url = "https://api.example.com/v1"\n'
LOCAL = '[llm]\nengine = "openai"\nmodel = "m"\nbase_url = "http://192.168.1.5:8080/v1"\n'


@pytest.mark.parametrize(
    ("text", "cap"),
    [
        ("", None),
        (LOCAL, None),
        (REMOTE, REMOTE_CAPS["member_requests"]),
        (LOCAL + "[quota]\nmember_requests = 7\n", 7),
        (REMOTE + '[quota]\nmember_requests = "unlimited"\n', None),
        (REMOTE + "[quota]\nmember_requests = 0\n", 0),
        ('[[llm.fallback]]\nengine = "openai"\nmodel = "m"\nbase_url = "https://api.example.com"\n', 50),
    ],
)
def test_only_engines_that_may_cost_money_are_capped_by_default(
    tmp_path: Path, text: str, cap: int | None
) -> None:
    assert load(written(tmp_path, text), environ={}).cap("member_requests") == cap


def test_every_quota_key_has_a_default_cap() -> None:
    assert set(REMOTE_CAPS) == set(Quota.model_fields)


def test_addresses_are_private_by_their_spelling() -> None:
    private = ["localhost", "127.0.0.1", "10.1.2.3", "::1", "fd00::1", "ollama", "gpu.lan", "nas.local."]
    public = ["example.com", "8.8.8.8", "0.0.0.0", "2606:4700::1", "localhost.example.com"]
    assert all(is_private_host(host) for host in private)
    assert not any(is_private_host(host) for host in public)
    assert not is_private_url("http://[bad/v1")
    assert not is_private_url("not a url")


def test_the_example_is_right_and_holds_the_defaults(tmp_path: Path) -> None:
    assert problems(EXAMPLE, {}) == []
    example = load(written(tmp_path, EXAMPLE.read_text(encoding="utf-8")), environ={})
    assert example == load(written(tmp_path, ""), environ={})


def test_every_key_is_documented_in_the_example() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    for section, field in Config.model_fields.items():
        assert f"[{section}]" in text
        for key in getattr(field.annotation, "model_fields", {}):
            assert f"{key} = " in text or f"[{section}.{key}]" in text, f"{section}.{key}"


def test_commented_keys_of_the_example_are_real_keys_with_values_that_load(tmp_path: Path) -> None:
    lines = []
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        bare = line.removeprefix("# ")
        try:
            tomllib.loads(bare)
        except tomllib.TOMLDecodeError:
            continue
        if line.startswith("# ") and not bare.startswith(
            ("#", "[[", "url =", "engine =", "model =", "base_url =")
        ):
            lines.append(bare)
    quotas = [line for line in lines if line.startswith(("member", "channel", "community"))]
    assert len(quotas) == len(REMOTE_CAPS)
    config = load(written(tmp_path, "\n".join(["[quota]", *quotas])), environ={})
    assert {name: config.cap(name) for name in REMOTE_CAPS} == REMOTE_CAPS


class TestSecret:
    def test_its_value_comes_from_the_environment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("A_KEY", "hush-hush")
        assert Secret("env:A_KEY", tmp_path).reveal() == "hush-hush"

    def test_its_value_comes_from_a_file_beside_the_configuration(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("hush-hush\n", encoding="utf-8")
        assert Secret("file:key", tmp_path).reveal() == "hush-hush"

    @pytest.mark.parametrize("reference", ["env:NOT_SET_ANYWHERE", "file:missing", "file:.", ""])
    def test_a_secret_that_is_not_there_is_the_operators_to_mend(
        self, tmp_path: Path, reference: str
    ) -> None:
        with pytest.raises(ConfigError):
            Secret(reference, tmp_path).reveal()

    def test_it_never_shows_itself(self, tmp_path: Path) -> None:
        secret = Secret("hush-hush", tmp_path)
        config = load(written(tmp_path, REMOTE + 'api_key = "hush-hush"\n'), environ={})
        shown = f"{secret} {secret!r} {config} {config!r} {config.model_dump()} {config.llm}"
        assert "hush-hush" not in shown
        assert config.llm.api_key == secret

    def test_a_file_that_others_may_read_is_exposed(self, tmp_path: Path) -> None:
        path = tmp_path / "key"
        path.write_text("hush-hush", encoding="utf-8")
        path.chmod(0o640)
        assert Secret("file:key", tmp_path).is_exposed()
        path.chmod(0o600)
        assert not Secret("file:key", tmp_path).is_exposed()

    def test_a_database_password_goes_into_the_url_escaped(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DB_PASSWORD", "p@ss/word")
        text = '[storage]\nurl = "postgresql://ada@db:5432/llmos"\npassword = "env:DB_PASSWORD"\n'
        storage = load(written(tmp_path, text), environ=dict(os.environ)).storage
        assert storage.full_url() == "postgresql://ada:p%40ss%2Fword@db:5432/llmos"
        assert storage.path is None
