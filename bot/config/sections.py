"""The configuration as types: one class per section of config.toml.

A section or key that is not here is refused, so this file is the list of what can be configured. A new
feature adds its section here and documents it in config.example.toml.
"""

import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit, urlunsplit
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    ValidationInfo,
    field_validator,
)

from bot.config.addresses import host_and_port, is_private_url
from bot.config.paths import expanded, is_there
from bot.config.secrets import Secret
from bot.knowledge.public import check_private

DEFAULT_MODEL = "smollm2-135m"
"""The model that comes with the embedded engines; a name of the catalogue."""

_SQLITE = "sqlite:///"
_API = "/api/v10"
"""Where Discord, and every proxy for it, serves the version that discord.py speaks."""

_HOURS = r"([01]?\d|2[0-3])(:[0-5]\d)?"
_TIME = r"([01]?\d|2[0-3]):[0-5]\d"

EngineName = Literal["transformers", "openai", "llamacpp", "echo"]


def _folder(info: ValidationInfo) -> Path:
    return Path(info.context["folder"]) if info.context else Path.cwd()


def _path(value: object, info: ValidationInfo) -> object:
    return _folder(info) / expanded(Path(value)) if isinstance(value, str) else value


def _secret(value: object, info: ValidationInfo) -> object:
    return Secret(value, _folder(info)) if isinstance(value, str) else value


def _model(value: object, info: ValidationInfo) -> object:
    """A name stays a name, an endpoint's always; what is there, or can only be a path, becomes absolute."""
    if not isinstance(value, str) or not value or info.data.get("engine") in ("openai", "echo"):
        return value
    path = _folder(info) / expanded(Path(value))
    only_a_path = value.startswith((".", "/", "~")) or value.endswith(".gguf") or value.count("/") > 1
    return os.path.normpath(path) if only_a_path or is_there(path) else value


ConfigPath = Annotated[Path, BeforeValidator(_path)]
SecretReference = Annotated[InstanceOf[Secret], BeforeValidator(_secret)]
ModelName = Annotated[str, BeforeValidator(_model), Field(min_length=1)]
PrivateNetwork = Annotated[str, AfterValidator(check_private)]
Inviter = Annotated[str, Field(pattern=r"^(@[^\s:]+:)?[^\s:@/*]+(:\d+)?$")]
Grant = Annotated[
    str, Field(pattern=r"^(matrix:(power:-?\d{1,9}|user:@[^\s:]+:\S+)|discord:(role|user):[0-9]{1,20})$")
]
Cap = Annotated[int, Field(ge=0)] | Literal["unlimited"]


class Section(BaseModel):
    """A table of the file: unknown keys are refused, types are not converted, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)


class Bot(Section):
    """[bot]: who the bot is and where it keeps its files."""

    name: str = Field("LLMOS", min_length=1, max_length=32, pattern=r"^[^\s@#:`](.*[^\s])?$")
    locale: Literal["en", "zh-CN"] = "en"
    data_dir: ConfigPath
    command_prefix: str = Field("!llmos", min_length=1, max_length=32, pattern=r"^\S+$")


def _check_host(url: str) -> None:
    """Raises ValueError for a host in half-open brackets, or a port that is no number up to 65535."""
    parts = urlsplit(url)
    if not parts.hostname or parts.port == 0:
        raise ValueError(url)


class Engine(Section):
    """A language model and how to reach it: [llm] itself and each entry of its `fallback`."""

    engine: EngineName = "transformers"  # before the model, whose meaning hangs on it
    model: ModelName = DEFAULT_MODEL
    base_url: str | None = Field(None, pattern=r"^https?://[^\s/]+")
    api_key: SecretReference | None = None
    max_new_tokens: int = Field(512, ge=1, le=131_072)
    temperature: float = Field(0.3, ge=0, le=2)
    context_tokens: int | None = Field(None, ge=256)
    concurrency: int | None = Field(None, ge=1, le=1024)
    vision: bool = False

    @field_validator("base_url")
    @classmethod
    def _has_host(cls, base_url: str | None) -> str | None:
        if base_url is not None:
            _check_host(base_url)
        return base_url

    @property
    def is_remote(self) -> bool:
        """True when text leaves this machine and its private network, where it may cost money."""
        return self.engine == "openai" and self.base_url is not None and not is_private_url(self.base_url)


class Llm(Engine):
    """[llm]: the model that answers, what answers when it fails, and how long all of them may be silent."""

    timeout_s: float = Field(60, gt=0, le=3600)
    fallback: Annotated[tuple[Engine, ...], Field(strict=False)] = ()

    @property
    def engines(self) -> tuple[Engine, ...]:
        """In the order in which they are tried."""
        return (self, *self.fallback)


class Discord(Section):
    """[discord]: the bot's account there; without the section there is no Discord."""

    token: SecretReference | None = None
    api_base: str | None = Field(None, pattern=r"^https?://[^\s/?#]+[^\s?#]*$")
    gateway_url: str | None = Field(None, pattern=r"^(https?|wss?)://[^\s/]+\S*$")
    message_content: bool = False
    moderators_channel: str | None = Field(None, pattern=r"^[0-9]{1,20}$")

    @field_validator("api_base")
    @classmethod
    def _has_version(cls, api_base: str | None) -> str | None:
        if api_base is None:
            return None
        _check_host(api_base)
        base = api_base.rstrip("/")
        return base if urlsplit(base).path else f"{base}{_API}"

    @field_validator("gateway_url")
    @classmethod
    def _has_host(cls, gateway_url: str | None) -> str | None:
        if gateway_url is not None:
            _check_host(gateway_url)
        return gateway_url


class Matrix(Section):
    """[matrix]: the bot's account on a homeserver; without the section there is no Matrix."""

    homeserver: str | None = Field(None, pattern=r"^https?://[^\s/]+/?$")
    user_id: str | None = Field(None, pattern=r"^@[^\s:]+:[^\s/]+$", max_length=255)
    password: SecretReference | None = None
    access_token: SecretReference | None = None
    device_name: str = Field("LLMOS", min_length=1, max_length=100)
    encryption: bool = True
    invites_from: Annotated[tuple[Inviter, ...], Field(strict=False)] | None = None
    moderators_room: str | None = Field(None, pattern=r"^!\S+$")

    @field_validator("homeserver")
    @classmethod
    def _has_host(cls, homeserver: str | None) -> str | None:
        if homeserver is None:
            return None
        _check_host(homeserver)
        return homeserver.rstrip("/")


class Permissions(Section):
    """[permissions]: who is a moderator and who an administrator."""

    moderator: Annotated[tuple[Grant, ...], Field(strict=False)] = ("matrix:power:50",)
    admin: Annotated[tuple[Grant, ...], Field(strict=False)] = ("matrix:power:100",)


class Storage(Section):
    """[storage]: the database."""

    url: str = Field(pattern=r"^(sqlite:///.+|postgresql://[^/]+/.+)$", repr=False)
    password: SecretReference | None = None

    @field_validator("url")
    @classmethod
    def _absolute(cls, url: str, info: ValidationInfo) -> str:
        if not url.startswith(_SQLITE):
            _check_host(url)
            return url
        return f"{_SQLITE}{_folder(info) / expanded(Path(url.removeprefix(_SQLITE)))}"

    @property
    def path(self) -> Path | None:
        """The SQLite file, None for a server."""
        return Path(self.url.removeprefix(_SQLITE)) if self.url.startswith(_SQLITE) else None

    def full_url(self) -> str:
        """The url with the password in it; for the database driver only.

        Raises:
            ConfigError: the password cannot be read.
        """
        if self.password is None or self.path is not None:
            return self.url
        parts = urlsplit(self.url)
        user, _separator, host = parts.netloc.rpartition("@")
        netloc = f"{user.partition(':')[0]}:{quote(self.password.reveal(), safe='')}@{host}"
        return urlunsplit(parts._replace(netloc=netloc))


class Moderation(Section):
    """[moderation]: how rules begin that moderators set up, and by which classifiers they judge."""

    mode: Literal["shadow", "enforce"] = "shadow"
    classifiers: ConfigPath | None = None


class Privacy(Section):
    """[privacy]: how long what members wrote is kept."""

    context_hours: float = Field(24, ge=0, le=168)
    archive_days: float = Field(365, ge=1, le=3650)
    evidence_days: float = Field(30, ge=1, le=90)


class Recommend(Section):
    """[recommend]: how threads are recommended, and what a digest has of which nothing else was said."""

    half_life_days: float = Field(90, ge=1, le=180)
    zone: str | None = None
    time: str | None = Field(None, pattern=rf"^{_TIME}$")
    n: int = Field(5, ge=1, le=10)
    quiet: str | None = Field(None, pattern=rf"^{_HOURS}-{_HOURS}$")

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, zone: str | None) -> str | None:
        if zone is not None and zone not in available_timezones():
            raise ValueError("There is no such time zone; they are called after a city, like Europe/Berlin.")
        return zone

    @field_validator("quiet")
    @classmethod
    def _leaves_a_while(cls, quiet: str | None) -> str | None:
        if quiet is not None and len({_minutes(each) for each in quiet.split("-")}) == 1:
            raise ValueError("Quiet hours have two different ends, such as 22-7.")
        return quiet


def _minutes(text: str) -> int:
    hours, _colon, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes or 0)


class Knowledge(Section):
    """[knowledge]: from where pages are fetched, beside the public internet."""

    allow: Annotated[tuple[PrivateNetwork, ...], Field(strict=False)] = ()


class Quota(Section):
    """[quota]: how much may be asked per day (UTC); unset keys are capped for remote engines only."""

    member_requests: Cap | None = None
    member_tokens: Cap | None = None
    channel_requests: Cap | None = None
    channel_tokens: Cap | None = None
    community_requests: Cap | None = None
    community_tokens: Cap | None = None


REMOTE_CAPS: dict[str, int] = {
    "member_requests": 50,
    "member_tokens": 50_000,
    "channel_requests": 300,
    "channel_tokens": 300_000,
    "community_requests": 1_000,
    "community_tokens": 1_000_000,
}
"""What a day may cost by default when answers come from a paid endpoint."""


class Metrics(Section):
    """[metrics]: where /metrics, /healthz and /readyz are served; an empty address serves none."""

    listen: str = "127.0.0.1:9464"

    @field_validator("listen")
    @classmethod
    def _is_address(cls, listen: str) -> str:
        if listen:
            host_and_port(listen)
        return listen

    @property
    def address(self) -> tuple[str, int] | None:
        """(host, port), or None when nothing is to be served."""
        return host_and_port(self.listen) if self.listen else None


class Config(Section):
    """The whole configuration, every path absolute."""

    bot: Bot
    llm: Llm = Llm()
    discord: Discord = Discord()
    matrix: Matrix = Matrix()
    permissions: Permissions = Permissions()
    storage: Storage
    moderation: Moderation = Moderation()
    privacy: Privacy = Privacy()
    recommend: Recommend = Recommend()
    knowledge: Knowledge = Knowledge()
    quota: Quota = Quota()
    metrics: Metrics = Metrics()

    @property
    def has_discord(self) -> bool:
        """Whether the bot lives on Discord: the section is there."""
        return "discord" in self.model_fields_set

    @property
    def has_matrix(self) -> bool:
        """Whether the bot lives on Matrix: the section is there."""
        return "matrix" in self.model_fields_set

    def cap(self, name: str) -> int | None:
        """The limit of `[quota] name` in force, None for unlimited.

        Local engines and private addresses are unlimited unless the file says otherwise.
        """
        value: int | str | None = getattr(self.quota, name)
        if value is None:
            remote = any(engine.is_remote for engine in self.llm.engines)
            return REMOTE_CAPS[name] if remote else None
        return None if value == "unlimited" else int(value)

    def secrets(self) -> dict[str, Secret]:
        """Every secret by its key path, also one that nothing uses: it is none the less to be hidden."""
        named = {
            "llm.api_key": self.llm.api_key,
            "discord.token": self.discord.token,
            "matrix.password": self.matrix.password,
            "matrix.access_token": self.matrix.access_token,
            "storage.password": self.storage.password,
        }
        for number, engine in enumerate(self.llm.fallback, start=1):
            named[f"llm.fallback.{number}.api_key"] = engine.api_key
        return {key: secret for key, secret in named.items() if secret is not None}
