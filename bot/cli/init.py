"""`llmos init`: a few questions, then a config.toml that works."""

import os
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tomlkit
from cyclopts import Parameter
from humanize import naturalsize
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.prompt import Confirm, IntPrompt, Prompt
from tomlkit.items import Table

from bot.cli import init_discord, init_matrix
from bot.cli.check import all_problems
from bot.cli.fit import free_memory_bytes
from bot.cli.options import print_line, program, speak_operators_language
from bot.cli.secret_file import write_secret
from bot.config import FILE_NAME, Level
from bot.config.addresses import is_private_url
from bot.config.paths import expanded, is_there
from bot.config.sections import DEFAULT_MODEL, REMOTE_CAPS, Bot
from bot.core.errors import BotError
from bot.core.text import LOCALES, _
from bot.llm import catalogue, weights
from bot.llm.catalogue import Entry

SHARE_OF_MEMORY = 0.7
"""A proposed model leaves the rest of the free memory to the bot and to other programs."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the wizard wants to know.

    Attributes:
        api_key: a reference such as "env:LLM_API_KEY", or "" for endpoints without a key.
        member_requests: cap per member and day, None where nothing costs money.
    """

    name: str
    locale: str
    model: str
    base_url: str = ""
    api_key: str = ""
    member_requests: int | None = None
    matrix: init_matrix.Account | None = None
    discord: init_discord.Account | None = None


def command(
    *,
    dir: Annotated[Path, Parameter(help="The folder for config.toml.")] = Path(),
    yes: Annotated[bool, Parameter(negative="", help="Take the default of every question.")] = False,
) -> int:
    """Write a config.toml by asking a few questions; an existing one is never overwritten unasked."""
    locale = speak_operators_language()
    console = Console(stderr=True, highlight=False)
    path = expanded(dir) / FILE_NAME
    if is_there(path) and (yes or not _may_replace(path, console)):
        raise BotError(_("{path} exists already and was left as it is.", path=path))
    try:
        answers = defaults(locale) if yes else ask(locale, free_memory_bytes(), console)
    except EOFError as error:
        raise BotError(_("The answers ended early; nothing was written.")) from error
    write(path, document(answers))
    if (account := answers.matrix) is not None:
        write_secret(path.parent / account.file_name, account.secret)
    if answers.discord is not None:
        write_secret(path.parent / init_discord.TOKEN_FILE, answers.discord.token)
    _say_next(path, answers)
    if yes and (better := proposal(locale, free_memory_bytes())).name != answers.model:
        print_line(
            _("This machine can run {model}, which is better: set it as llm.model.", model=better.name)
        )
    return 0


def defaults(locale: str) -> Answers:
    """Answers that work at once, anywhere: the model that comes with LLMOS, no server, no large download."""
    return Answers("LLMOS", locale, DEFAULT_MODEL)


def proposal(locale: str, free_bytes: int) -> Entry:
    """The chat model to take here: the smallest that can be trusted with an answer and fits comfortably.

    Where none of those fits, the largest that speaks the language; where none does, the demo model.
    """
    language = locale.split("-")[0]
    fitting = catalogue.choose(
        lambda entry: (
            entry.kind == "chat"
            and language in entry.languages
            and entry.memory_bytes <= SHARE_OF_MEMORY * free_bytes
        )
    )
    if able := [entry for entry in fitting if entry.can_answer]:
        return min(able, key=lambda entry: entry.memory_bytes)
    return max(fitting, key=lambda entry: entry.memory_bytes, default=catalogue.find(DEFAULT_MODEL))


def ask(locale: str, free_bytes: int, console: Console) -> Answers:
    """Ask everything on a terminal."""
    bot = _ask_bot(locale, free_bytes, console)
    return replace(bot, matrix=init_matrix.ask(console), discord=init_discord.ask(console))


def _ask_bot(locale: str, free_bytes: int, console: Console) -> Answers:
    name = _ask_name(console)
    language = Prompt.ask(
        _("Which language does it speak?"), choices=list(LOCALES), default=locale, console=console
    )
    best = proposal(language, free_bytes)
    console.print(
        _(
            "{free} of memory are free here. An embedded model needs no other server.",
            free=naturalsize(free_bytes),
        )
    )
    if not best.can_answer:
        console.print(escape(_("What fits is a demo; for good answers use an endpoint.")))
    embedded = _("embedded: {model}", model=best.name)
    endpoint = _("endpoint: vLLM, llama.cpp, Ollama or a hosted service")
    console.print(f"  1  {escape(embedded)}\n  2  {escape(endpoint)}")
    if IntPrompt.ask(_("Where does the model run?"), choices=["1", "2"], default=1, console=console) == 1:
        return Answers(name, language, best.name)
    return _ask_endpoint(name, language, console)


def _ask_name(console: Console) -> str:
    while True:
        name = Prompt.ask(_("What is the bot called?"), default="LLMOS", console=console).strip()
        try:
            return Bot(name=name, data_dir=Path()).name
        except ValidationError:
            console.print(escape(_("At most 32 characters, and none of @ # : ` at the beginning.")))


def _ask_endpoint(name: str, language: str, console: Console) -> Answers:
    base_url = ""
    while not base_url.startswith(("http://", "https://")):
        base_url = Prompt.ask(_("Its base_url"), default="http://127.0.0.1:11434/v1", console=console)
    model = ""
    while not model.strip():
        model = Prompt.ask(_("The name of the model there"), console=console)
    remote = not is_private_url(base_url)
    variable = Prompt.ask(
        _("The environment variable that holds its key (empty: it needs none)"),
        default="LLM_API_KEY" if remote else "",
        console=console,
    )
    cap = None
    if remote:
        question = _("How many questions may a member ask per day? Answers there cost money.")
        cap = IntPrompt.ask(question, default=REMOTE_CAPS["member_requests"], console=console)
    reference = f"env:{variable.removeprefix('env:')}" if variable else ""
    return Answers(name, language, model, base_url, reference, cap)


def document(answers: Answers) -> tomlkit.TOMLDocument:
    """The file, with comments that tell what each line is for."""
    file = tomlkit.document()
    file.add(
        tomlkit.comment(_("Written by `llmos init`. All keys: config.example.toml. Check it: llmos check"))
    )
    bot = _section(file, "bot")
    bot.add("name", answers.name)
    bot.add("locale", _commented(answers.locale, _("where a member's own language is not known")))
    bot.add("data_dir", _commented("data", _("database, key file and backups; relative to this file")))
    llm = _section(file, "llm")
    llm.add(
        "engine", _commented("openai" if answers.base_url else "transformers", _("where answers come from"))
    )
    llm.add(
        "model",
        _commented(answers.model, _("its name there") if answers.base_url else _("see `llmos models list`")),
    )
    if answers.base_url:
        llm.add("base_url", answers.base_url)
    if answers.api_key:
        llm.add("api_key", _commented(answers.api_key, _("read from the environment, never written here")))
    if answers.member_requests is not None:
        quota = _section(file, "quota")
        note = tomlkit.item(answers.member_requests)
        quota.add("member_requests", note.comment(_("per member and day; the other caps have defaults")))
    _add_platforms(file, answers)
    return file


def _add_platforms(file: tomlkit.TOMLDocument, answers: Answers) -> None:
    beside = _("beside this file, for its owner only")
    if (bot := answers.discord) is not None:
        discord = _section(file, "discord")
        discord.add("token", _commented(f"file:{init_discord.TOKEN_FILE}", beside))
        read = _("needs Message Content Intent in the developer portal")
        discord.add("message_content", tomlkit.item(bot.message_content).comment(read))
    if (account := answers.matrix) is not None:
        matrix = _section(file, "matrix")
        matrix.add("homeserver", account.homeserver)
        matrix.add("user_id", _commented(account.user_id, _("invite it into a room")))
        secret = f"file:{account.file_name}"
        matrix.add(account.key, _commented(secret, beside))


def write(path: Path, file: tomlkit.TOMLDocument) -> None:
    """Write the file for its owner only (0600), whole or not at all.

    Raises:
        BotError: the folder cannot be written.
    """
    draft = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(tomlkit.dumps(file))
        draft.replace(path)
    except OSError as error:
        raise BotError(
            _("{path} cannot be written: {why}.", path=path, why=error.strerror or error)
        ) from error


def _section(file: tomlkit.TOMLDocument, name: str) -> Table:
    table = tomlkit.table()
    file.add(tomlkit.nl())
    file.add(name, table)
    return table


def _commented(value: str, comment: str) -> tomlkit.items.Item:
    return tomlkit.string(value).comment(comment)


def _may_replace(path: Path, console: Console) -> bool:
    question = _("{path} exists already. Replace it?", path=path)
    return Confirm.ask(escape(question), default=False, console=console)


def _say_next(path: Path, answers: Answers) -> None:
    print_line(_("Wrote {path}.", path=path))
    for problem in all_problems(path):
        if problem.key == "llm.api_key":
            continue  # to set it is the first of the next steps
        label = _("error") if problem.severity is Level.ERROR else _("warning")
        print_line(f"{label}: {problem}")
    again = program()
    option = "" if path.parent.resolve() == Path.cwd() else f" --config {shlex.quote(str(path))}"
    steps: list[str] = []
    if answers.api_key:
        steps.append(f"export {answers.api_key.removeprefix('env:')}=...")
    entry = None if answers.base_url else catalogue.get(answers.model)
    if entry is not None and weights.state(entry) != "ready":
        steps.append(f"{again} models pull {entry.name}")
    serves = answers.matrix is not None or answers.discord is not None
    steps += [f"{again} doctor{option}", f"{again} {'run' if serves else 'chat'}{option}"]
    print_line(_("Next:"))
    for step in steps:
        print_line(f"    {step}")
    if answers.discord is not None and answers.discord.link:
        print_line(_("Invite it into a server with this link, which asks for what it uses and no more:"))
        print_line(f"    {answers.discord.link}")
