"""`channel ...`: how the bot behaves in a channel, a thread or the whole community."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, get_args

from bot.commands import learning
from bot.commands.command import Completes, Context, Doc, Services, command
from bot.commands.conversion import FALSE, TRUE, folded, nearest, readable, shown, suggested
from bot.commands.duration import DURATION, seconds, spoken
from bot.commands.knowledge import archive, hints, unanswered
from bot.conversation.personas import ALSO_CALLED, PERSONAS, persona_of
from bot.conversation.policy import (
    CHOICES,
    LEAST_PATIENCE_S,
    MOST_PATIENCE_S,
    PERSONA_MAX_CHARS,
    channel_policy,
    setting,
)
from bot.core.actions import Action, Reply
from bot.core.errors import UserError
from bot.core.events import Author, Channel
from bot.core.permissions import Role
from bot.core.text import N_, _

Name = Literal[
    "answer",
    "persona",
    "model",
    "moderation",
    "archive",
    "duplicates",
    "unanswered",
    "patience",
    "learning",
    "introductions",
]
Where = Literal["here", "channel", "community"]

NAMES: tuple[Name, ...] = get_args(Name)

_SWITCHED: Mapping[Name, Mapping[str, str]] = {
    "archive": dict.fromkeys(TRUE, "yes") | dict.fromkeys(FALSE, "no"),
    "learning": dict.fromkeys(TRUE, "yes") | dict.fromkeys(FALSE, "no"),
    "introductions": dict.fromkeys(TRUE, "on") | dict.fromkeys(FALSE, "off"),
}

DEFAULT = frozenset({"default", "默认"})
"""Words that take a setting back, so that the wider one holds again."""


async def _values(services: Services, typed: str, caller: Author, channel: Channel) -> Sequence[str]:
    """Everything a setting can be but words of one's own; which is meant, nobody has told us yet."""
    return suggested(
        typed,
        (
            *CHOICES["answer"],
            *CHOICES["archive"],
            *CHOICES["moderation"],
            *CHOICES["duplicates"],
            *CHOICES["unanswered"],
            *PERSONAS,
            *services.models,
            "default",
        ),
    )


@command("channel show", role=Role.MODERATOR)
async def show(context: Context) -> str:
    """Show how I behave here, and where each setting comes from."""
    policies, channel = context.services.store.policies, context.channel
    lines = [_("In this place:")]
    for name in NAMES:
        value, scope = setting(policies, channel, name)
        lines.append(f"• `{name}` = {_shown(context, name, value)} ({_origin(channel, scope)})")
    lines.append(_("`{prefix}channel set NAME default` takes a setting back.", prefix=context.prefix))
    return "\n".join(lines)


@command(
    "channel set",
    role=Role.MODERATOR,
    examples=(
        N_("channel set answer question"),
        N_("channel set persona support"),
        N_("channel set persona You are patient and explain things to beginners."),
        N_("channel set answer default where=community"),
        N_("channel set moderation shadow"),
        N_("channel set archive yes"),
        N_("channel set duplicates ask"),
        N_("channel set unanswered helpers"),
        N_("channel set patience 4h"),
        N_("channel set learning yes"),
        N_("channel set introductions on"),
    ),
)
async def change(
    context: Context,
    name: Annotated[Name, Doc("What to set.")],
    value: Annotated[
        str,
        Completes(_values),
        Doc("answer: mention, …; moderation: off, …; persona: support, …; unanswered: list, …; patience: 2h"),
    ],
    *,
    where: Annotated[
        Where, Doc("A thread sets itself unless you say channel; community is for all channels.")
    ] = "here",
) -> str | tuple[Action, ...]:
    """Set how I behave here; `default` takes it back."""
    chosen = _checked(context, name, value.strip())
    if name == "learning":
        if where == "community":
            raise UserError(_("Each room is told that it is learned from, so set this in each of them."))
        return await learning.change(context, chosen)
    scope = _scope(context.channel, where)
    told = await _before_archiving(context, where, scope) if (name, chosen) == ("archive", "yes") else ()
    await context.services.store.policies.set(scope, name, chosen)
    await context.audit(
        "channel set", f"{scope} {name} {'default' if chosen is None else _audited(name, chosen)}"
    )
    now, origin = setting(context.services.store.policies, context.channel, name)
    text = _("Done. Here `{name}` is now {value}", name=name, value=_shown(context, name, now))
    text += f" ({_origin(context.channel, origin)})."
    if origin != scope and chosen is not None:
        text += " " + _("A setting that is nearer outweighs the one you made; `channel show` tells which.")
    if name == "duplicates":
        return "\n".join(filter(None, (text, await hints.explained(context, now))))
    if name in ("unanswered", "patience"):
        return "\n".join(filter(None, (text, await unanswered.explained(context))))
    if name == "persona":
        return "\n".join((text, *await _about_persona(context, chosen)))
    if name == "introductions":
        return "\n".join((text, *_about_introductions(context)))
    if name != "archive":
        return text
    place = _place(context.channel, where)
    if not channel_policy(context.services.store.policies, place).archive:
        return f"{text} {await archive.end(context, scope, place)}"
    controls = (archive.READ.translated(),)
    said = f"{text}\n{archive.offer(context)}"
    return (Reply(context.to, context.caller, said, notice=True, controls=controls), *told)


async def _about_persona(context: Context, chosen: str | None) -> list[str]:
    """What a moderator should know of a persona that they chose just now."""
    services, policy = context.services, channel_policy(context.services.store.policies, context.channel)
    persona = persona_of(policy.persona)
    if chosen is None or policy.persona != chosen:
        return []
    if not persona.name:
        near = nearest(folded(chosen), PERSONAS)
        return [_("Those are words of your own. Did you mean `{name}`?", name=near)] if near else []
    model = services.models.get(policy.model, services.model)
    able = model.capabilities.chat and model.capabilities.can_answer
    notes = []
    if persona.only_known and not await _knows(context):
        notes.append(
            _(
                "I know nothing here yet, so I will decline everything. `{prefix}knowledge add` writes "
                "something down, and `{prefix}channel set archive yes` lets me learn from what is said.",
                prefix=context.prefix,
            )
        )
    if not able and persona.only_known:
        notes.append(
            _("The language model `{model}` is small, so I answer in the words of sources.", model=model.name)
        )
    elif not able:
        notes.append(
            _(
                "The language model `{model}` is too small to keep to this: what it says will often be wrong "
                "or beside it. `{prefix}channel set model NAME` chooses another.",
                model=model.name,
                prefix=context.prefix,
            )
        )
    return notes


def _about_introductions(context: Context) -> Sequence[str]:
    """What a moderator should know of lines about threads that they switched on or off just now."""
    services, policy = context.services, channel_policy(context.services.store.policies, context.channel)
    if not policy.introductions:
        return ()
    if context.channel.encrypted:
        return (_("This room is encrypted, so its digests stay without: what is said here is not kept."),)
    model = services.models.get(policy.model, services.model)
    if not (model.capabilities.chat and model.capabilities.can_answer):
        return (
            _(
                "The language model `{model}` is too small for that, so digests stay as they are. "
                "`{prefix}channel set model NAME` chooses another.",
                model=model.name,
                prefix=context.prefix,
            ),
        )
    return (
        _(
            "In digests here `{model}` says in a line what each thread is about, from its title and first "
            "message. A digest never waits for it: where no fit line is there in time, there is none.",
            model=model.name,
        ),
    )


async def _knows(context: Context) -> bool:
    """Whether there is anything to answer from in this community."""
    index = context.services.index
    if index is None or not index.passages.supported:
        return False
    return await index.passages.any(context.channel.community_key, None)


async def _before_archiving(context: Context, where: Where, scope: str) -> tuple[Action, ...]:
    """What a place is told before anything of it is kept."""
    if where == "community":
        raise UserError(
            _("Each channel is told that it is archived, so set this in each of them, not for all at once.")
        )
    place = _place(context.channel, where)
    archive.check(context, place)
    return await archive.begin(context, scope, place)


def _place(channel: Channel, where: Where) -> Channel:
    return channel.parent if where == "channel" else channel


def _scope(channel: Channel, where: Where) -> str:
    match where:
        case "here":
            return channel.key
        case "channel":
            return channel.parent.key
        case "community":
            return channel.community_key


def _checked(context: Context, name: Name, value: str) -> str | None:
    """The value as it is stored; None for the default."""
    if folded(value) in DEFAULT:
        return None
    match name:
        case "patience":
            return _patience(value)
        case "answer" | "moderation" | "duplicates" | "unanswered":
            return _one_of(CHOICES[name], value)
        case "archive" | "learning" | "introductions":
            return _one_of(CHOICES[name], _SWITCHED[name].get(folded(value), value))
        case "model":
            return _one_of(tuple(context.services.models), value)
        case "persona":
            if len(value) > PERSONA_MAX_CHARS:
                raise UserError(
                    _(
                        "That persona has {n} characters. It is part of every question to the model, so it "
                        "can have at most {most}.",
                        n=len(value),
                        most=PERSONA_MAX_CHARS,
                    )
                )
            return _persona(value)


def _persona(value: str) -> str:
    text = readable(value).strip()
    name = ALSO_CALLED.get(folded(text), folded(text))
    if name in PERSONAS:
        return name
    if not text:
        raise UserError(_("That persona has no words. `default` takes a persona back."))
    return text


def _patience(value: str) -> str:
    word, _space, rest = value.partition(" ")
    read = seconds(word, rest) if re.fullmatch(DURATION.pattern, word) else None
    if read is None or read[1] or not LEAST_PATIENCE_S <= read[0] <= MOST_PATIENCE_S:
        raise UserError(
            _(
                "“{value}” is no time that I can wait: from {least} to {most}, such as 2h.",
                value=shown(value),
                least=spoken(LEAST_PATIENCE_S),
                most=spoken(MOST_PATIENCE_S),
            )
        )
    return str(int(read[0]))


def _one_of(choices: tuple[str, ...], value: str) -> str:
    names = {folded(choice): choice for choice in choices}
    if folded(value) in names:
        return names[folded(value)]
    near = nearest(value, names)
    raise UserError(
        _(
            "“{value}” is none of the values I know: {choices}.",
            value=shown(value),
            choices=", ".join(f"`{choice}`" for choice in (*choices, "default")),
        )
        + (" " + _("Did you mean `{name}`?", name=names[near]) if near else "")
    )


def _audited(name: Name, value: str) -> str:
    """What the log says: settings of a fixed set as they are, of a text only how long it is."""
    return f"({len(value)} characters)" if name == "persona" and value not in PERSONAS else value


def _shown(context: Context, name: str, value: str) -> str:
    if name == "patience":
        return spoken(float(value))
    if name == "persona" and value in PERSONAS:
        return f"`{value}`: {_(PERSONAS[value].summary)}"
    if value:
        return f"`{value.replace('`', 'ˋ')}`"
    return f"`{context.services.model.name}`" if name == "model" else _("nothing in particular")


def _origin(channel: Channel, scope: str | None) -> str:
    if scope is None:
        return _("the default")
    if scope == channel.community_key:
        return _("set for the community")
    if channel.thread is not None and scope == channel.key:
        return _("set for this thread")
    return _("set for this channel")
