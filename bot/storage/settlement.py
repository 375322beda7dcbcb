"""What one transaction of the pipeline writes."""

from dataclasses import dataclass
from datetime import datetime

from bot.core.controls import Control
from bot.core.events import Identity, Message, MessageRef
from bot.storage.audit import AuditEntry
from bot.storage.cases import Case
from bot.storage.citations import Citation
from bot.storage.messages import SaidMessage
from bot.storage.outbox import NewOutboxRow
from bot.storage.strikes import Strike
from bot.storage.threads import NOTHING_NOTED, Noted


@dataclass(frozen=True, slots=True)
class Settlement:
    """Everything that becomes true at once when an event is dealt with.

    Attributes:
        handled: keys of events that are done; their payload is deleted, their key stays known.
        messages: (message, outcome) to keep as context. Who opted out is skipped. A message that is known
            already gets the new outcome.
        outcomes: (message, its new outcome), for messages that are still there: unlike `messages` this
            brings nothing back that was deleted meanwhile.
        opened: outbox rows to be carried out after this is durable.
        finished: keys of outbox rows that are done; their payload is deleted.
        waiting: (key, since when) of outbox rows that lack a permission; the first time is kept.
        edited: (message, its new text), removed: messages that are gone.
        archived: messages to be found by what they say; who opted out is skipped, a known one stays as it is.
        reattached: new versions of archived messages: of their files, those stay that still stand in them.
        unarchived: those that shall not be found any more, besides `removed`.
        said: messages the bot wrote.
        offered: (message, what can be pressed below it from now on).
        cited: (answer, what it rests on).
        cases: new ones, with what rules found.
        struck: (community, member, what counts against them from now on).
        noted: what is known of threads from now on.
    """

    handled: tuple[str, ...] = ()
    messages: tuple[tuple[Message, str], ...] = ()
    opened: tuple[NewOutboxRow, ...] = ()
    finished: tuple[str, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    edited: tuple[tuple[MessageRef, str], ...] = ()
    removed: tuple[MessageRef, ...] = ()
    said: tuple[SaidMessage, ...] = ()
    outcomes: tuple[tuple[MessageRef, str], ...] = ()
    offered: tuple[tuple[MessageRef, tuple[Control, ...]], ...] = ()
    cited: tuple[tuple[MessageRef, tuple[Citation, ...]], ...] = ()
    cases: tuple[Case, ...] = ()
    struck: tuple[tuple[str, Identity, Strike], ...] = ()
    waiting: tuple[tuple[str, datetime], ...] = ()
    archived: tuple[Message, ...] = ()
    unarchived: tuple[MessageRef, ...] = ()
    reattached: tuple[Message, ...] = ()
    noted: Noted = NOTHING_NOTED
