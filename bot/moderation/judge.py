"""All rules on one message, merged once. The bot's own words pass it too, before they are read."""

import logging
import re
from collections.abc import AsyncIterator, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import SystemRandom
from time import monotonic

from bot.core.actions import Action, Alert, Chunk, Severity, Status
from bot.core.events import Channel, Identity, Join, Message, MessageRef
from bot.core.text import _
from bot.moderation.brake import Brake
from bot.moderation.examined import UNKNOWN, Examined, OffTopic, Place, Scorer, Standing
from bot.moderation.ladder import actions_on, consequence, is_exempt
from bot.moderation.links import TO_A_MESSAGE
from bot.moderation.normalize import Normalized, normalize
from bot.moderation.past import Past, utc_now
from bot.moderation.rule import Finding, Rule, Verdict
from bot.moderation.ruleset import Ruleset
from bot.moderation.share import Share

log = logging.getLogger(__name__)

SENTENCE_END = re.compile(r"[.!?…]\s|[。！？\n]")
HOLD_CHARACTERS = 300
HOLD_S = 1.0
"""The bot's own text is judged by sentence, or after this much text or time, whichever comes first."""

_CHANCE = SystemRandom()

MOST_FORESEEN = 10_000
"""Scores of messages that are not judged yet; as many messages wait at most."""


RulesOf = Callable[[Channel], Ruleset]
"""The rules of a channel's community, compiled, as they are at this moment."""

StandingOf = Callable[[Message], Standing]
"""What is known of an author where a message stands."""

PlaceOf = Callable[[Channel], Place]
"""What a channel is for."""

StrikesOf = Callable[[Message], float]
"""What the strikes of an author amount to in a message's community, by now."""

Acts = Callable[[Channel, str], bool]
"""Whether a rule acts in a channel; otherwise it only reports."""

Follow = Callable[[Message, Verdict], tuple[Action, ...]]
"""What a verdict leads to."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """All verdicts on a message and what follows from the strongest.

    Attributes:
        doubted: rules that want to know what a language model thinks of it.
        looking: rules that want to see its pictures.
    """

    verdicts: tuple[Verdict, ...] = ()
    actions: tuple[Action, ...] = ()
    doubted: tuple[Rule, ...] = ()
    looking: tuple[Rule, ...] = ()

    @property
    def strongest(self) -> Verdict | None:
        """The verdict that decides; of equally strong ones the higher score."""
        return max(self.verdicts, key=lambda verdict: (verdict.severity, verdict.score), default=None)

    @property
    def stands(self) -> bool:
        """Whether the message stays and may be answered."""
        return self.strongest is None or self.strongest.severity < Severity.QUEUE


NOTHING_TO_SAY = Judgement()


def _nobody_asks(rule: str) -> None:
    """For answers whose end nobody records."""


def _unknown(message: Message) -> Standing:
    """Where nobody knows more of an author than the message says."""
    return UNKNOWN


def _no_place(channel: Channel) -> Place:
    """Where nobody knows what a channel is for."""
    return Place()


def _no_strikes(message: Message) -> float:
    """Where nobody counts."""
    return 0.0


def _acts(channel: Channel, rule: str) -> bool:
    """Where no rule is in shadow."""
    return True


class Judge:
    """Runs the rules of a community on every message. A rule that fails is left out of that judgement."""

    def __init__(
        self,
        rules: Sequence[Rule] | RulesOf = (),
        *,
        now: Callable[[], datetime] = utc_now,
        scorer: Scorer | None = None,
        off_topic: OffTopic | None = None,
        standing_of: StandingOf = _unknown,
        place_of: PlaceOf = _no_place,
        strikes_of: StrikesOf = _no_strikes,
        acts: Acts = _acts,
        follow: Follow = actions_on,
        lot: Callable[[], float] = _CHANCE.random,
    ) -> None:
        """Args: rules: of every community, or what tells those of one. lot: draws a sample, 0..1."""
        if callable(rules):
            self._rules_of = rules
        else:
            ruleset = Ruleset(rules)
            self._rules_of = lambda channel: ruleset
        self._now = now
        self.scorer, self._off_topic = scorer, off_topic
        self._standing_of, self._place_of, self._strikes_of = standing_of, place_of, strikes_of
        self._acts, self._follow = acts, follow
        self._pasts: dict[str, Past] = {}
        self._foreseen: dict[tuple[MessageRef, str], tuple[Normalized, Mapping[str, float]]] = {}
        self.brake = Brake(now)
        self._lot, self._share = lot, Share()

    def judge(self, message: Message, *, is_edit: bool = False) -> Judgement:
        """Ask all rules about a message that a member wrote, and merge what they say once."""
        channel = message.ref.channel
        rules = self._rules_of(channel)
        if not rules:
            return NOTHING_TO_SAY
        past = self.past(channel)
        standing = past.standing(message.author, self._standing_of(message))
        if is_exempt(message.author, standing):
            return NOTHING_TO_SAY
        if not is_edit:
            past.said(message, by_newcomer=standing.is_new(message.at))
        seen = rules.examine(
            message,
            is_edit=is_edit,
            standing=standing,
            place=self._place_of(channel),
            scorer=self.scorer,
            off_topic=self._off_topic,
        )
        foreseen = self._foreseen.pop((message.ref, message.text), None)
        if foreseen is not None:
            seen.take(*foreseen)
        verdicts = self._ask(rules, seen, past, self._strikes_of)
        doubted = self._doubted(rules, seen, verdicts) if rules.asking else ()
        looking = tuple(rule for rule in rules.looking if rule.applies(seen)) if message.attachments else ()
        judgement = self._merged(rules, message, verdicts) if verdicts else NOTHING_TO_SAY
        return replace(judgement, doubted=doubted, looking=looking) if doubted or looking else judgement

    def _doubted(self, rules: Ruleset, seen: Examined, verdicts: Sequence[Verdict]) -> tuple[Rule, ...]:
        """The rules that want a model's opinion, as long as few enough messages are judged like that."""
        community = seen.message.ref.channel.community_key
        self._share.heard(community)
        lot = self._lot()
        wanting = tuple(
            rule for rule in rules.asking if rule.applies(seen) and rule.wants(seen, verdicts, lot)
        )
        return wanting if wanting and self._share.takes(community) else ()

    def foresee(self, messages: Iterable[Message], later: Iterable[Message] = ()) -> None:
        """Score messages that are about to be judged, all at once: that takes a fraction of one by one.

        Args:
            later: some that are judged soon after them; they are scored along with the others.
        """
        if self.scorer is None:
            return
        wanted = [message for message in messages if self._needs_scores(message)]
        if not wanted:
            return
        wanted += [message for message in later if self._needs_scores(message)]
        if len(wanted) < 2:
            return
        texts = [normalize(message.text) for message in wanted]
        if len(self._foreseen) > MOST_FORESEEN:
            self._foreseen.clear()  # of messages that were judged by nobody
        for message, text, scores in zip(wanted, texts, self.scorer.score(texts), strict=True):
            self._foreseen[message.ref, message.text] = (text, scores)

    def _needs_scores(self, message: Message) -> bool:
        return (
            (message.ref, message.text) not in self._foreseen
            and self._rules_of(message.ref.channel).needs_scores
            and not message.author.is_bot
        )

    def joined(self, join: Join) -> None:
        """Note that somebody came."""
        if self._rules_of(join.channel):
            self.past(join.channel).joined(join)

    def past(self, channel: Channel) -> Past:
        """The last minutes of a channel's community."""
        key = channel.community_key
        found = self._pasts.get(key)
        if found is None:
            found = self._pasts[key] = Past(self._now)
        return found

    def forget(self, identity: Identity) -> None:
        """Forget a member who asked for it."""
        for past in self._pasts.values():
            past.forget(identity)

    def _ask(
        self,
        rules: Ruleset,
        seen: Examined,
        past: Past,
        strikes_of: StrikesOf,
        only: Container[str] | None = None,
    ) -> tuple[Verdict, ...]:
        verdicts = []
        for rule in rules.concerned(seen):
            if only is not None and rule.name not in only:
                continue
            try:
                finding = rule.check(seen, past)
            except Exception:  # one rule call: a broken rule must not stop the others or the message
                log.exception("rule failed", extra={"rule": rule.name, "event_id": seen.message.ref.id})
                continue
            if finding is not None:
                struck = strikes_of(seen.message) if rule.escalation else 0.0
                verdicts.append(verdict_of(rule, finding, struck))
        return tuple(verdicts)

    def _merged(self, rules: Ruleset, message: Message, verdicts: tuple[Verdict, ...]) -> Judgement:
        """The strongest verdict of a rule that the brake lets act decides."""
        stopped: list[Alert] = []
        community = message.ref.channel.community_key
        ranked = sorted(verdicts, key=lambda verdict: (verdict.severity, verdict.score), reverse=True)
        for verdict in ranked:
            if verdict.severity <= Severity.LOG:
                break
            rule = rules.find(verdict.rule)
            was_stopped = verdict.rule in self.brake.stopped(community)
            if self.brake.allows(community, verdict.rule, bursts=rule is not None and rule.bursts):
                return Judgement(
                    _lowered(verdicts, ranked, verdict), (*self._follow(message, verdict), *stopped)
                )
            if not was_stopped:
                stopped.append(Alert(message.ref.channel, runaway(verdict.rule)))
        return Judgement(_lowered(verdicts, ranked, None), tuple(stopped))

    async def watch(
        self,
        chunks: AsyncIterator[Chunk],
        question: Message,
        clock: Callable[[], float] = monotonic,
        *,
        stopped_by: Callable[[str], None] = _nobody_asks,
    ) -> AsyncIterator[Chunk]:
        """Let the bot's own words through only after they were judged, by the rules that act here.

        When they would not stand, the answer ends there with a sentence that says so, and `stopped_by` is
        told the rule.
        """
        channel = question.ref.channel
        rules = self._rules_of(channel)
        ours = self._for_our_words(rules, channel)
        held, said, since = "", "", clock()
        async for chunk in chunks:
            if isinstance(chunk, Status) or not ours:
                yield chunk
                continue
            held += chunk
            if not (len(held) >= HOLD_CHARACTERS or clock() - since >= HOLD_S or SENTENCE_END.search(held)):
                continue
            if self._against(rules, ours, said + held, question) is not None:
                break
            yield held
            said, held, since = said + held, "", clock()
        if not held:
            return
        rule = self._against(rules, ours, said + held, question)
        if rule is None:
            yield held
            return
        stopped_by(rule)
        sentence = _("(I stopped here: what I was about to write breaks a rule of this place.)")
        yield f"\n\n{sentence}" if said.strip() else sentence

    def stopped_by(self, words: Message) -> str | None:
        """The rule under which words of the bot's own may not stand where they are to be said, or None."""
        rules, channel = self._rules_of(words.ref.channel), words.ref.channel
        ours = self._for_our_words(rules, channel)
        return self._against(rules, ours, words.text, words) if ours else None

    def _for_our_words(self, rules: Ruleset, channel: Channel) -> frozenset[str]:
        """Names of the rules that count where the bot speaks: those that act, of kinds that are about it."""
        stopped = self.brake.stopped(channel.community_key)
        return frozenset(
            rule.name
            for rule in rules.rules
            if rule.for_our_words and rule.name not in stopped and self._acts(channel, rule.name)
        )

    def _against(self, rules: Ruleset, ours: Container[str], text: str, question: Message) -> str | None:
        """The rule under which a text of the bot's own may not stand; links to its sources are not judged."""
        words = replace(question, text=TO_A_MESSAGE.sub("", text), addressed=None, attachments=())
        seen = rules.examine(
            words,
            is_ours=True,
            place=self._place_of(question.ref.channel),
            scorer=self.scorer,
            off_topic=self._off_topic,
        )
        verdicts = self._ask(rules, seen, self.past(question.ref.channel), _no_strikes, ours)
        judgement = Judgement(verdicts)
        return None if judgement.stands or judgement.strongest is None else judgement.strongest.rule


def verdict_of(rule: Rule, finding: Finding, struck: float = 0.0) -> Verdict:
    """What a finding means for a member with so many strikes."""
    step = consequence(rule, struck)
    hint = rule.hint or finding.hint
    return Verdict(rule.name, finding.score, step.severity, finding.evidence, step.timeout_s, hint)


def runaway(rule: str) -> str:
    """What moderators are told of a rule that was stopped."""
    return _(
        "The rule `{rule}` acted on so many messages within a minute that I stopped it: it only takes notes "
        "now. Look at what it matches and change it; that starts it again.",
        rule=rule,
    )


def _lowered(
    verdicts: Sequence[Verdict], ranked: Sequence[Verdict], acting: Verdict | None
) -> tuple[Verdict, ...]:
    """The verdicts, those of stopped rules as notes only."""
    over = set(map(id, ranked[: len(ranked) if acting is None else ranked.index(acting)]))
    return tuple(
        replace(verdict, severity=min(verdict.severity, Severity.LOG)) if id(verdict) in over else verdict
        for verdict in verdicts
    )
