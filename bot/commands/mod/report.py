"""`mod report`: how much moderation there was, how often rules were right, and how fast decisions were."""

import asyncio
from dataclasses import replace
from typing import Annotated, Literal

from bot.commands.command import Context, Doc, Range, command
from bot.core.actions import Action
from bot.core.permissions import Role
from bot.core.text import N_, _
from bot.moderation.chart import chart
from bot.moderation.report import DAYS, text
from bot.moderation.report import report as report_on
from bot.moderation.weekly import OFF, SETTING


@command(
    "mod report",
    role=Role.MODERATOR,
    private=True,
    slow=True,
    at_desk=True,
    examples=(N_("mod report"), N_("mod report 30"), N_("mod report weekly=off")),
)
async def report(
    context: Context,
    days: Annotated[int, Range(1, 30), Doc("Of how many days, up to now.")] = DAYS,
    *,
    weekly: Annotated[
        Literal["on", "off"] | None, Doc("Whether it comes by itself, each Monday where the cards are.")
    ] = None,
) -> tuple[Action, ...]:
    """Tell how much there was to moderate, how often each rule was right, and how fast decisions were."""
    services = context.services
    communities = await context.moderated()
    if weekly is not None:
        for community in communities:
            await services.store.policies.set(community, SETTING, OFF if weekly == "off" else None)
        await context.audit("mod report", f"weekly={weekly}")
        told = (
            _("It comes each Monday at 9:00 UTC, if there were cases.")
            if weekly == "on"
            else _("It comes no more.")
        )
        return (context.reply(told, private=True),)
    found = await report_on(services.store, communities, services.now(), days)
    picture = await asyncio.to_thread(chart, found)
    return (replace(context.reply(text(found), private=True), file=picture),)
