"""Hints that a question was answered before: looked for, put before moderators or said, and taken back.

The database knows which question has which hint before anything is done, so a kill doubles none. What answers
it is looked up again whenever it is said: what was deleted meanwhile is not quoted.
"""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from bot.conversation.audience import everybodys
from bot.conversation.policy import can_be_archived, channel_policy
from bot.conversation.quota import Quotas
from bot.conversation.sentences import Voice
from bot.conversation.sourced import answered_before, one_line
from bot.conversation.subject import NUMBER, Gone, subject
from bot.core.actions import Action, Delete, Post, Reply, Update
from bot.core.controls import Control
from bot.core.directory import Directory
from bot.core.errors import UserError
from bot.core.events import Channel, Message, MessageRef
from bot.core.text import N_, _, speaking
from bot.knowledge.asked import Earlier, earlier
from bot.knowledge.search import Search
from bot.llm.language import language_of
from bot.storage.hints import STANDING, Hint, State
from bot.storage.store import Store

SOLVED, DECIDE = ("knowledge", "solved"), ("knowledge", "hint")
"""The commands behind what is pressed below a hint, and below its card."""

_BELOW = (SOLVED, DECIDE)
_MOST_CHANGED = 10_000
_QUESTION_CHARS = 300


class Hinting:
    """Finds what answered a question before, and follows its hint to the end."""

    def __init__(
        self,
        store: Store,
        search: Search | None,
        directory: Directory,
        quotas: Quotas,
        now: Callable[[], datetime],
        locale: str = "en",
    ) -> None:
        """Args: locale: the language of what moderators read."""
        self._store, self._search, self._directory = store, search, directory
        self._quotas, self._now, self._locale = quotas, now, locale
        self._changed: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._gone = Gone(_BELOW)

    async def follow(self, question: Message) -> tuple[Action, ...]:
        """What follows from a new question: a hint, a card for the moderators, or mostly nothing."""
        ref, policies = question.ref, self._store.policies
        wanted = channel_policy(policies, ref.channel).duplicates
        if wanted == "off" or not can_be_archived(ref.channel) or self._is_over(question):
            return ()
        if self._store.privacy.opted_out(question.author.identity) or not await self._stands(question):
            return ()
        title = await opened_title(self._store, ref)
        if title is None:
            return ()
        found = await self._find(question, title)
        if found is None:
            return ()
        state: State = "said" if wanted == "on" else "waiting"
        hint = await self._store.hints.add(ref, question.author, found.source.id, state)
        if self._is_changed(ref):  # meanwhile
            await self.take_back(ref)
            return ()
        return await self._shown(hint, question.text, found)

    async def approve(self, hint: Hint) -> tuple[Action, ...]:
        """What a moderator's yes leads to.

        Raises:
            UserError: the question, or what answered it, is not there any more.
        """
        stored = await self._store.messages.get(hint.question)
        if stored is None:
            raise UserError(_("I do not have that question any more, so it is too late for a hint."))
        question = Message(hint.question, hint.asker, stored.text, stored.at)
        found = await self._find(question, await opened_title(self._store, hint.question) or "")
        if found is None or found.source.id != hint.document:
            raise UserError(_("What answered it is not there any more, or has changed, so I say nothing."))
        return (self._said(hint, stored.text, found), *self._closed(hint, _("Approved.")))

    def declined(self, hint: Hint) -> tuple[Action, ...]:
        """What a moderator's no leads to."""
        return self._closed(hint, _("Not said."))

    async def take_back(self, question: MessageRef) -> tuple[Action, ...]:
        """A question was edited or deleted: what removes its hint, and empties its card."""
        self._changed[question.channel.key, question.id] = None
        if len(self._changed) > _MOST_CHANGED:
            self._changed.popitem(last=False)
        number = self._store.hints.number(question)
        if number is None:
            return ()
        self._gone.add(number)
        hint = await self._store.hints.get(number)
        if hint is None or hint.state == "declined":
            return ()
        await self._store.hints.change(hint, "withdrawn")
        with speaking(self._locale):
            closed = self._closed(hint, _("Its question was changed or deleted."))
        said = self._store.controls.about(SOLVED, NUMBER, number)
        return (*(Delete(ref, "withdrawn") for ref in said), *closed)

    async def still(self, action: Action) -> bool:
        """Whether an action may be carried out: always, but for a hint or card whose question is gone."""
        number = subject(action, _BELOW)
        if number is None:
            return True
        hint = await self._store.hints.get(number)
        if hint is None or number in self._gone:
            return False
        return hint.state in STANDING if isinstance(action, Reply) else hint.state == "waiting"

    def is_gone(self, action: Action) -> bool:
        """Whether the question of a hint or card went while that was carried out."""
        return self._gone.holds(action)

    # What is found

    async def _find(self, question: Message, title: str) -> Earlier | None:
        """What everybody who will see the hint may read."""
        place, search = question.ref.channel, self._search
        if search is None:
            return None
        channels, community = await everybodys(self._directory, place), place.community_key
        if not await search.index.passages.any(community, channels):
            return None
        return await earlier(
            search, title, question.text, community, self._now(), channels, before=question.at
        )

    async def _stands(self, question: Message) -> bool:
        """Whether a question is still there, as it was asked."""
        stored = await self._store.messages.get(question.ref)
        return stored is not None and stored.text == question.text and not self._is_changed(question.ref)

    def _is_changed(self, question: MessageRef) -> bool:
        return (question.channel.key, question.id) in self._changed

    def _is_over(self, question: Message) -> bool:
        """Whether a quota is used up; a hint that nobody asked for counts towards none."""
        return self._quotas.is_spent(question.ref.channel, question.author.identity)

    # What is shown

    async def _shown(self, hint: Hint, text: str, found: Earlier) -> tuple[Action, ...]:
        if hint.state == "said":
            return (self._said(hint, text, found),)
        desk = await self._desk(hint.question.channel)
        if hint.state != "waiting" or desk is None:
            return ()
        link = await self._directory.link(hint.question.channel, hint.question.id)
        with speaking(self._locale):
            return (_card(hint, desk, one_line(text, _QUESTION_CHARS), link or "", found),)

    def _said(self, hint: Hint, text: str, found: Earlier) -> Reply:
        controls = (
            Control("✅", N_("That solved it"), SOLVED, {NUMBER: hint.number, "verdict": "yes"}),
            Control("👎", N_("Not helpful"), SOLVED, {NUMBER: hint.number, "verdict": "no"}),
        )
        voice = Voice(language_of(text))
        return Reply(
            hint.question,
            hint.asker,
            voice(lambda: answered_before(found.source)),
            controls=tuple(voice(each.translated) for each in controls),
        )

    async def _desk(self, place: Channel) -> Channel | None:
        """Where moderators read."""
        log = self._store.rulebooks.of(place.community_key).log
        return log if log is not None else await self._directory.staff_channel(place)

    def _closed(self, hint: Hint, what: str) -> tuple[Update, ...]:
        cards = self._store.controls.about(DECIDE, NUMBER, hint.number)
        return tuple(Update(ref, what, title=_title_of(hint)) for ref in cards)


async def opened_title(store: Store, question: MessageRef) -> str | None:
    """Of the thread that a question opens, "" for none; None if it is not what opens its thread."""
    place = question.channel
    if place.thread is None:
        return ""
    known = await store.threads.known(place.parent.key, [place.thread])
    thread = next((each for each in known if each.id == place.thread), None)
    opens = question.id == place.thread or (thread is not None and thread.first_message == question.id)
    return ("" if thread is None else thread.title) if opens else None


def _card(hint: Hint, desk: Channel, words: str, link: str, found: Earlier) -> Post:
    """What moderators see of a hint before it is said."""
    controls = (
        Control("✅", N_("Say it"), DECIDE, {NUMBER: hint.number, "verdict": "yes"}),
        Control("❌", N_("Say nothing"), DECIDE, {NUMBER: hint.number, "verdict": "no"}),
    )
    text = _("“{question}” {link}\nI would say:", question=words, link=link).replace(" \n", "\n")
    return Post(
        desk,
        f"{text}\n{answered_before(found.source)}",
        title=_title_of(hint),
        controls=tuple(each.translated() for each in controls),
    )


def _title_of(hint: Hint) -> str:
    return _("Hint {number}: was this answered before?", number=hint.number)
