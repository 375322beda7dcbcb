"""`admin ...`: the state of the bot, its model, and how much of it may be used in a day."""

from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Annotated, Literal

from bot.commands.command import Context, Doc, Range, StatusLine, command
from bot.conversation.policy import setting
from bot.conversation.quota import Level, Quota, in_words, quota_scope, quota_setting, until_midnight
from bot.core.errors import UserError
from bot.core.permissions import Role
from bot.core.text import N_, _, ngettext
from bot.llm.catalogue import ENTRIES, Entry
from bot.llm.model import Capabilities, Model

LEVELS: dict[Level, str] = {
    "member": N_("each member"),
    "channel": N_("this channel"),
    "community": N_("the community"),
}
OPINIONS_OF = timedelta(days=30)
MOST = 1_000_000_000
"""A larger number is a slip of the finger."""


@command("admin status", private=True)
async def status(context: Context) -> str:
    """Show how I am doing, and how many questions you have left today."""
    services = context.services
    age = services.now() - services.started_at
    lines = [
        _("LLMOS {version}, running for {age}.", version=services.version, age=_age(age)),
        _("Model: `{name}`.", name=services.model.name),
        ngettext("I am writing {n} answer now.", "I am writing {n} answers now.", len(services.running)),
        *(_fact(line) for line in services.status()),
        await _opinion(context),
        "",
        *_quotas(context),
    ]
    return "\n".join(lines)


@command("admin model", role=Role.MODERATOR)
async def model(context: Context) -> str:
    """Show which model answers here, which others there are, and what they can do."""
    services = context.services
    chosen, _scope = setting(services.store.policies, context.channel, "model")
    here = chosen or services.model.name
    models = {services.model.name: services.model, **services.models}
    lines = [_("Here `{name}` answers.", name=here)]
    if here not in models:
        lines = [
            _(
                "This channel asks for `{name}`, which is not configured, so I cannot answer here. "
                "`{prefix}channel set model default` mends that.",
                name=here,
                prefix=context.prefix,
            )
        ]
    lines += [f"• `{name}`: {' '.join(_abilities(each))}" for name, each in models.items()]
    if len(models) > 1:
        lines.append(
            _("`{prefix}channel set model NAME` chooses another one for a channel.", prefix=context.prefix)
        )
    more = [entry for entry in ENTRIES if entry.kind == "chat" and entry.name not in models]
    if more:
        lines += ["", _("The operator could also configure:"), *map(_offer, more)]
    return "\n".join(lines)


def _abilities(used: Model) -> Iterator[str]:
    can = used.capabilities
    if not can.can_answer:
        yield _("Small demo model: what it says is often wrong.")
    if not can.chat:
        yield _("It is a base model: it continues texts, and was not trained for conversation.")
    yield (
        _("It runs on this machine; nothing leaves it.")
        if used.is_local
        else _("It runs elsewhere: what is asked leaves this machine.")
    )
    if can.languages:
        yield _("Languages: {languages}.", languages=", ".join(sorted(can.languages)))
    else:
        yield _("Which languages it knows, it does not say.")
    yield _("It reads {n} tokens at once.", n=used.context_tokens)
    extras = [_(name) for name, has in _extras(can).items() if has]
    if extras:
        yield _("It also takes {extras}.", extras=", ".join(extras))


def _extras(can: Capabilities) -> dict[str, bool]:
    return {N_("tools"): can.tools, N_("JSON schemas"): can.json_schema, N_("images"): can.vision}


def _offer(entry: Entry) -> str:
    memory = _("{n:.1f} GB of memory", n=entry.memory_bytes / 10**9)
    return f"• `{entry.name}` ({memory}, {entry.license}): {_(entry.note)}"


@command(
    "admin quota",
    role=Role.MODERATOR,
    private=True,
    examples=(N_("admin quota"), N_("admin quota set member 50"), N_("admin quota clear member")),
)
async def quota(
    context: Context,
    action: Annotated[Literal["show", "set", "clear"], Doc("What to do.")] = "show",
    level: Annotated[Level | None, Doc("Whose quota to set or clear.")] = None,
    requests: Annotated[int | None, Range(0, MOST), Doc("Questions in a day.")] = None,
    tokens: Annotated[int | None, Range(0, MOST), Doc("Tokens in a day, read and written.")] = None,
) -> str:
    """Show or set how much may be asked in a day."""
    if action != "show":
        await _change(context, action, level, requests, tokens)
    return "\n".join((*_quotas(context), *_capped(context, level, requests, tokens)))


async def _change(
    context: Context,
    action: Literal["set", "clear"],
    level: Level | None,
    requests: int | None,
    tokens: int | None,
) -> None:
    if level is None:
        raise UserError(
            _("Whose quota? Say `member`, `channel` or `community` after `{action}`.", action=action)
        )
    if action == "set" and requests is None and tokens is None:
        raise UserError(
            _("How much? Say how many questions, and if you like how many tokens, a day may take.")
        )
    policies, scope = context.services.store.policies, quota_scope(level, context.channel)
    if action == "clear" or requests is not None:
        await policies.set(
            scope, quota_setting(level, "requests"), None if action == "clear" else str(requests)
        )
    if action == "clear" or tokens is not None:
        await policies.set(scope, quota_setting(level, "tokens"), None if action == "clear" else str(tokens))
    await context.audit(f"quota {action}", f"{scope} {level} requests={requests} tokens={tokens}")


async def _opinion(context: Context) -> str:
    since = context.services.now() - OPINIONS_OF
    found = await context.services.store.ratings.since(context.channel.community_key, since)
    return _(
        "Answers of the last {days} days: members called {helpful} helpful and {unhelpful} not.",
        days=OPINIONS_OF.days,
        helpful=found.helpful,
        unhelpful=found.unhelpful,
    )


def _quotas(context: Context) -> Iterator[str]:
    services = context.services
    now = services.now().astimezone(UTC)
    yield _("Today:")
    for level, (allowed, requests, tokens) in services.quotas.used(
        context.channel, context.caller.identity
    ).items():
        who = _("you") if level == "member" else _(LEVELS[level])
        yield f"• {who}: {_used(allowed, requests, tokens)}"
    yield _("The counters start again in {when} (00:00 UTC).", when=in_words(until_midnight(now)))


def _capped(context: Context, level: Level | None, *wanted: int | None) -> Iterator[str]:
    """Says so where the operator allows less than what was asked for."""
    if level is None:
        return
    holds = context.services.quotas.quota(level, context.channel)
    for most, asked in zip((holds.requests, holds.tokens), wanted, strict=True):
        if asked is not None and most is not None and most < asked:
            yield _(
                "The operator allows at most {most}; only `[quota]` in the configuration raises it.",
                most=most,
            )


def _used(allowed: Quota, requests: int, tokens: int) -> str:
    return _(
        "{requests} of {most_requests} questions, {tokens} of {most_tokens} tokens",
        requests=requests,
        tokens=tokens,
        most_requests=_limit(allowed.requests),
        most_tokens=_limit(allowed.tokens),
    )


def _limit(limit: int | None) -> str:
    return _("unlimited") if limit is None else str(limit)


def _fact(line: StatusLine) -> str:
    return f"{'✓' if line.ok else '✗'} {line.name}: {line.detail}"


def _age(age: timedelta) -> str:
    if age < timedelta(minutes=1):
        return _("less than a minute")
    if age >= timedelta(days=2):
        return ngettext("{n} day", "{n} days", age.days)
    return in_words(age)
