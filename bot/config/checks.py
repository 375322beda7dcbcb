"""Values that are right alone and wrong together, and secrets that are not where they should be."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from bot.config.addresses import is_private_host, is_private_url
from bot.config.paths import is_there, obstacle
from bot.config.problem import Level, Problem
from bot.config.sections import DEFAULT_MODEL, Config, Discord, Engine, Matrix, Moderation
from bot.core.errors import ConfigError
from bot.core.text import _

_EMBEDDED = ("transformers", "llamacpp")


def contradictions(config: Config) -> Iterator[Problem]:
    """Everything in the values alone that cannot work or is unwise; this machine is not looked at."""
    for place, engine in places(config):
        yield from _endpoint(place, engine)
        yield from _lengths(place, engine)
        yield from _model_file(place, engine)
    if config.has_discord:
        yield from _discord(config.discord)
    if config.has_matrix:
        yield from _matrix(config.matrix)
    yield from _database(config)
    yield from _folder("bot.data_dir", config.bot.data_dir)
    if (file := config.storage.path) is not None and not obstacle(config.bot.data_dir):
        yield from _database_file(file)
    yield from _classifiers(config.moderation)
    yield from _exposed_metrics(config)


def secrets(config: Config) -> Iterator[Problem]:
    """Secrets that are missing, written into the file, or readable by others."""
    for key, secret in config.secrets().items():
        try:
            secret.reveal()
        except ConfigError as error:
            yield Problem(key, str(error), _("Set it, or name another place with env:NAME or file:PATH."))
        if secret.is_inline:
            mend = _('Put it into a file and write "file:PATH", or into the environment and "env:NAME".')
            yield Problem(key, _("The secret stands in the configuration itself."), mend, Level.WARNING)
        if secret.is_exposed():
            yield Problem(
                key,
                _("Other users of this machine can read {path}.", path=secret.path),
                _("Run: chmod 600 {path}", path=secret.path),
                Level.WARNING,
            )


def places(config: Config) -> list[tuple[str, Engine]]:
    """Every engine with the key path of its table."""
    extra = [(f"llm.fallback.{n}", engine) for n, engine in enumerate(config.llm.fallback, start=1)]
    return [("llm", config.llm), *extra]


def _endpoint(place: str, engine: Engine) -> Iterator[Problem]:
    if engine.engine != "openai":
        for name in ("base_url", "api_key"):
            if getattr(engine, name) is not None:
                what = _('{name} does nothing with engine = "{engine}".', name=name, engine=engine.engine)
                mend = _('Take it out, or set engine = "openai".')
                yield Problem(f"{place}.{name}", what, mend, Level.WARNING)
        if engine.vision:
            what = _('{name} does nothing with engine = "{engine}".', name="vision", engine=engine.engine)
            mend = _('Take it out, or set engine = "openai".')
            yield Problem(f"{place}.vision", what, mend, Level.WARNING)
        return
    if engine.base_url is None:
        what = _('engine = "openai" needs a base_url.')
        yield Problem(f"{place}.base_url", what, _('Add base_url = "http://127.0.0.1:8080/v1" or the like.'))
    if "model" not in engine.model_fields_set:
        what = _("An endpoint has to be told which model to use.")
        yield Problem(f"{place}.model", what, _('Add model = "..." with a name the endpoint knows.'))
    if engine.base_url is not None and urlsplit(engine.base_url).password:
        what = _("The secret stands in the configuration itself.")
        mend = _('Take it out of the address and write api_key = "env:NAME" or "file:PATH".')
        yield Problem(f"{place}.base_url", what, mend, Level.WARNING)
    if engine.is_remote and engine.api_key is None:
        what = _("A public endpoint without an api_key usually refuses to answer.")
        yield Problem(f"{place}.api_key", what, _('Add api_key = "env:NAME".'), Level.WARNING)
    if engine.is_remote and str(engine.base_url).startswith("http://"):
        what = _("Messages and the key would cross the internet unencrypted.")
        yield Problem(f"{place}.base_url", what, _("Use https://."), Level.WARNING)


def _lengths(place: str, engine: Engine) -> Iterator[Problem]:
    if engine.context_tokens is not None and engine.max_new_tokens >= engine.context_tokens:
        what = _("An answer of max_new_tokens would fill the whole context_tokens.")
        mend = _("Lower max_new_tokens or raise context_tokens.")
        yield Problem(f"{place}.max_new_tokens", what, mend)


def _model_file(place: str, engine: Engine) -> Iterator[Problem]:
    path = Path(engine.model)
    if engine.engine not in _EMBEDDED:
        return
    if path.is_absolute() and not is_there(path):
        what = _("There is no model at {path}.", path=path)
        yield Problem(f"{place}.model", what, _("Check the path, or see `llmos models list` for names."))
    elif engine.engine == "llamacpp" and engine.model != DEFAULT_MODEL and path.suffix != ".gguf":
        what = _('engine = "llamacpp" runs GGUF files only.')
        yield Problem(f"{place}.model", what, _('Name a file.gguf, or use engine = "transformers".'))


def _discord(discord: Discord) -> Iterator[Problem]:
    if discord.token is None:
        what, mend = _("This key is missing."), _('Add token = "env:NAME" or "file:PATH".')
        yield Problem("discord.token", what, mend)
    for name, secure in (("api_base", "https://"), ("gateway_url", "wss://")):
        url = getattr(discord, name)
        if url is not None and url.startswith(("http://", "ws://")) and not is_private_url(url):
            what = _("Messages and the key would cross the internet unencrypted.")
            yield Problem(f"discord.{name}", what, _("Use {scheme}.", scheme=secure), Level.WARNING)


def _matrix(matrix: Matrix) -> Iterator[Problem]:
    if matrix.homeserver is None:
        what, mend = _("This key is missing."), _('Add homeserver = "https://matrix.example.org".')
        yield Problem("matrix.homeserver", what, mend)
    elif matrix.homeserver.startswith("http://") and not is_private_url(matrix.homeserver):
        what = _("Messages and the key would cross the internet unencrypted.")
        yield Problem("matrix.homeserver", what, _("Use https://."), Level.WARNING)
    if matrix.user_id is None:
        what, mend = _("This key is missing."), _('Add user_id = "@llmos:example.org".')
        yield Problem("matrix.user_id", what, mend)
    if matrix.password is None and matrix.access_token is None:
        what = _("The account needs a password or an access_token.")
        yield Problem("matrix.password", what, _('Add password = "env:NAME" or "file:PATH".'))


def _database(config: Config) -> Iterator[Problem]:
    storage = config.storage
    if storage.path is not None:
        if storage.password is not None:
            what = _("SQLite has no password.")
            yield Problem("storage.password", what, _("Take it out."), Level.WARNING)
        return
    parts = urlsplit(storage.url)
    if parts.password:
        what = _("The secret stands in the configuration itself.")
        mend = _('Take it out of the url and write password = "env:NAME" or "file:PATH".')
        yield Problem("storage.url", what, mend, Level.WARNING)
    if storage.password is not None and not parts.username:
        what = _("A password needs a user.")
        yield Problem("storage.url", what, _('Write "postgresql://user@host/name".'))


def _folder(key: str, path: Path) -> Iterator[Problem]:
    if why := obstacle(path):
        what = _("{path} cannot be used: {why}.", path=path, why=why)
        yield Problem(key, what, _("Name another folder."))
    elif path.exists() and not path.is_dir():
        yield Problem(key, _("{path} is not a folder.", path=path), _("Name a folder."))


def _database_file(path: Path) -> Iterator[Problem]:
    if why := obstacle(path):
        what = _("{path} cannot be used: {why}.", path=path, why=why)
        yield Problem("storage.url", what, _("Name another file."))
    elif path.is_dir():
        yield Problem("storage.url", _("{path} is a folder.", path=path), _("Name a file in it."))


def _classifiers(moderation: Moderation) -> Iterator[Problem]:
    path = moderation.classifiers
    if path is None:
        return
    mend = _("Name the file that `llmos moderate train` wrote, or take the key out for the shipped one.")
    if path.suffix != ".safetensors":
        yield Problem("moderation.classifiers", _("Classifiers are a file.safetensors."), mend)
    elif not is_there(path):
        yield Problem("moderation.classifiers", _("There is no file {path}.", path=path), mend)
    elif path.is_dir():
        yield Problem("moderation.classifiers", _("{path} is a folder.", path=path), mend)


def _exposed_metrics(config: Config) -> Iterator[Problem]:
    address = config.metrics.address
    if address is None or (is_private_host(address[0]) and address[0]):
        return
    what = _("Everybody who can reach this machine can read the metrics.")
    mend = _("Listen on 127.0.0.1, or put a proxy with a password in front.")
    yield Problem("metrics.listen", what, mend, Level.WARNING)
