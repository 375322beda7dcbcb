"""The rulebook of the community in which a command is called, and how a new version of it is saved."""

import asyncio
from collections.abc import Iterable, Sequence

from bot.commands.command import PLATFORM_TIMEOUT_S, Context
from bot.commands.conversion import nearest, shown
from bot.core.errors import PlatformError, StorageError, UserError
from bot.core.events import Author, Channel, Message, MessageRef
from bot.core.text import _
from bot.moderation.adapting import PROOF_PRECISION, PROOF_VERDICTS, is_proof, proof
from bot.moderation.asking import able, able_one
from bot.moderation.ladder import is_stronger
from bot.moderation.rule import Rule
from bot.moderation.rulebook import entry_of, read
from bot.moderation.scored import ScoreRule
from bot.storage.messages import StoredMessage
from bot.storage.rulebooks import Rulebook

ALL = "all"
"""Stands for every rule where a name could."""

LOOKED_AT, OF_A_CHANNEL, CHANNELS = 500, 50, 25
"""How many of the last messages a rule is tried on: enough to see that it finds far too much."""


def book_of(context: Context) -> Rulebook:
    """The rulebook here.

    Raises:
        UserError: nobody set one up.
    """
    book = context.services.store.rulebooks.of(context.channel.community_key)
    if not book.is_set_up:
        raise UserError(
            _(
                "There are no rules here yet. `{prefix}rules setup` makes some; they only watch at first.",
                prefix=context.prefix,
            )
        )
    return book


def rules_in(book: Rulebook) -> tuple[Rule, ...]:
    """Its rules; UserError if they cannot be read any more."""
    return read(book.rules) if book.rules else ()


def rule_named(context: Context, rules: Iterable[Rule], name: str) -> Rule:
    """A rule by its name.

    Raises:
        UserError: there is none; it names the nearest.
    """
    by_name = {rule.name: rule for rule in rules}
    if name in by_name:
        return by_name[name]
    near = nearest(name, by_name)
    text = _("There is no rule “{name}” here.", name=shown(name)) + " "
    if near is not None:
        raise UserError(text + _("Did you mean `{name}`?", name=near))
    raise UserError(text + _("`{prefix}rules list` names all.", prefix=context.prefix))


async def save(context: Context, book: Rulebook, verb: str, detail: str) -> Rulebook:
    """Make a changed rulebook the newest version, and note who did it.

    Raises:
        UserError: its rules cannot be used together, the model here cannot judge by them, or somebody else
            changed them meanwhile.
    """
    rules = read(book.rules)
    _demand_a_model(context, rules)
    await _prove(context, rules)
    store = context.services.store
    actor = store.seal.pseudonym(context.caller.identity)
    try:
        saved = await store.rulebooks.save(book, actor)
    except StorageError as error:
        if store.rulebooks.of(book.community).version == book.version:
            raise
        raise UserError(
            _(
                "Another moderator changed the rules at the same moment, so I changed nothing. Look at them "
                "and do it again."
            )
        ) from error
    await context.audit(f"rules {verb}", f"version {saved.version} {detail}")
    return saved


def _demand_a_model(context: Context, rules: Iterable[Rule]) -> None:
    """See that rules that ask a model have one that is trusted with it; those there were may stay.

    Raises:
        UserError: it is too small; the text names one that would do.
    """
    services = context.services
    known = services.store.rulebooks.of(context.channel.community_key).rules
    asking = [rule for rule in rules if rule.asks_a_model and entry_of(known, rule.name) is None]
    if asking and not able(services.model):
        raise UserError(
            _(
                "The model here, {model}, is too small to judge messages: it would be right by accident, so "
                "nothing changed. {better} would do, or a model server; the operators set it as `model` in "
                "`[llm]`.",
                model=services.model.name,
                better=able_one(),
            )
        )


async def _prove(context: Context, rules: Iterable[Rule]) -> None:
    """See that what is said to be proven is.

    Raises:
        UserError: a rule is marked as proven that was not, and its verdicts do not say so.
    """
    services = context.services
    now = services.store.rulebooks.of(context.channel.community_key)
    for rule in rules:
        if not isinstance(rule, ScoreRule) or not rule.proven:
            continue
        if (entry_of(now.rules, rule.name) or {}).get("proven"):
            continue  # it was, and is watched since: see `bot.moderation.adapting`
        found = await proof(services.store, now.community, rule.name, services.now())
        if not is_proof(found):
            raise UserError(
                _(
                    "`{name}` is not proven here, so nothing changed: that takes {needed} verdicts of which "
                    "{percent} % say that it was right, and there are {n}, {right} of them right.",
                    name=rule.name,
                    needed=PROOF_VERDICTS,
                    percent=round(100 * PROOF_PRECISION),
                    n=found.verdicts,
                    right=found.right,
                )
            )


def still_enforced(book: Rulebook, before: Iterable[Rule], after: Iterable[Rule]) -> frozenset[str]:
    """Names of the rules that go on acting: those that did, and treat nobody harder than before."""
    known = {rule.name: rule for rule in before}
    return frozenset(
        rule.name
        for rule in after
        if rule.name in book.enforced
        and rule.name in known
        and rule.kind == known[rule.name].kind
        and not is_stronger(rule, known[rule.name])
    )


async def readable(context: Context) -> Sequence[Channel]:
    """The channels that the caller may read now.

    Raises:
        UserError: the platform did not tell.
    """
    try:
        async with asyncio.timeout(PLATFORM_TIMEOUT_S):
            return await context.services.directory.readable_channels(
                context.caller, context.channel.community
            )
    except (PlatformError, TimeoutError) as error:
        raise UserError(
            _("I could not find out which channels you may read, so I did nothing. Try again in a minute.")
        ) from error


async def last_messages(context: Context) -> list[Message]:
    """What members said lately in channels that the caller may read, as far as it is kept; oldest first."""
    services = context.services
    found: list[Message] = []
    for channel in (await readable(context))[:CHANNELS]:
        kept = await services.store.messages.before(channel, services.now(), OF_A_CHANNEL)
        found += [
            _message(channel, each)
            for each in kept
            if not (each.ours or each.outcome == "command" or each.id == context.to.id)
        ]
    return sorted(found, key=lambda message: message.at)[-LOOKED_AT:]


def _message(channel: Channel, kept: StoredMessage) -> Message:
    """A message that is kept, by somebody whose name nobody knows."""
    author = Author(channel.platform, kept.author, "")
    return Message(MessageRef(channel, kept.id), author, kept.text, kept.at, reply_to=kept.reply_to)
