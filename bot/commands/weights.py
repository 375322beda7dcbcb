"""`digest weights`: how much a reaction says about a thread, by emoji."""

import json
import re
from typing import Annotated, Literal

from bot.commands.command import Context, Doc, command
from bot.commands.conversion import readable, shown
from bot.core.errors import UserError
from bot.core.permissions import Role
from bot.core.text import N_, _
from bot.recommend.emoji import BY_EMOJI, WEIGHTS, own_weights, plain

Value = Literal["full", "half", "none", "against", "default"]

VALUES: dict[str, float] = {"full": 1.0, "half": 0.5, "none": 0.0, "against": -1.0}

MOST_CHARS = 32
"""Of an emoji or the name of a custom one, as on Discord; families of four are fewer code points."""

_CUSTOM = re.compile(r"<a?:(\w+):\d+>|:(\w+):")


@command(
    "digest weights",
    role=Role.MODERATOR,
    examples=(N_("digest weights"), N_("digest weights 😂 none"), N_("digest weights 🦆 against")),
)
async def weights(
    context: Context,
    emoji: Annotated[str | None, Doc("The emoji; without it I show what holds.")] = None,
    value: Annotated[
        Value | None, Doc("full: a vote; half; none; against: it takes one back; default.")
    ] = None,
) -> str:
    """Show or set how much a reaction says about a thread, by emoji."""
    store, community = context.services.store, context.channel.community_key
    own = own_weights(store.policies, community)
    if emoji is None:
        return "\n".join(_table({**BY_EMOJI, **own}))
    sign = _sign(emoji)
    if value is None:
        return f"{sign} {_meaning(own.get(sign, BY_EMOJI.get(sign, 1.0)))}"
    own.pop(sign, None)
    if value != "default":
        own[sign] = VALUES[value]
    await store.policies.set(community, WEIGHTS, json.dumps(own, ensure_ascii=False) if own else None)
    context.services.recommendations.reweigh(community)
    await context.audit("digest weights", f"{sign} {value}")
    return f"{sign} {_meaning(own.get(sign, BY_EMOJI.get(sign, 1.0)))}"


def _sign(emoji: str) -> str:
    custom = _CUSTOM.fullmatch(emoji.strip())
    sign = plain(readable(custom[1] or custom[2] if custom is not None else emoji).strip())
    if not sign or len(sign) > MOST_CHARS or len(sign.split()) != 1:
        raise UserError(_("“{emoji}” is no emoji that I know how to read.", emoji=shown(emoji)))
    return sign


def _table(known: dict[str, float]) -> list[str]:
    lines = [_("What a reaction says about a thread; what is not named is a vote:")]
    for weight in sorted(set(known.values()), reverse=True):
        signs = " ".join(sign for sign, each in known.items() if each == weight)
        lines.append(f"• {signs} {_meaning(weight)}")
    return lines


def _meaning(weight: float) -> str:
    if weight < 0:
        return _("takes a vote back")
    if weight == 0:
        return _("counts nothing")
    return _("is a vote") if weight >= 1 else _("is half a vote")
