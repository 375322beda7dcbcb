"""`rules ...`: from the first set-up to rules that act; whatever is wrong changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from bot.commands.command import Outcome
from bot.core.actions import Post, Reply, Severity, Status
from bot.core.controls import Control
from bot.core.directory import Past
from bot.core.errors import Gone, PlatformError, TooBig
from bot.core.events import Attachment, Author, Channel, Message, MessageRef
from bot.core.permissions import Role
from bot.moderation.rule import Rule
from bot.moderation.rulebook import MAX_BYTES, PRESETS, preset, read
from bot.moderation.trial import PER_CHANNEL
from bot.storage.cases import Case, State
from bot.storage.rulebooks import Rulebook
from bot.storage.settlement import Settlement
from tests.commands.house import ALICE, BOB, CHANNEL, MODERATOR, House, Platform, growing
from tests.messages import message

HOME = "memory/home"
MODS = Channel("memory", "home", "mods")
_UPHELD: tuple[State, ...] = ("upheld",)
_WRONG: tuple[State, ...] = ("false alarm",)

STRANGER = Author("memory", "zoe", "Zoe")
"""A moderator of another community."""

LINES = (
    "rules setup",
    "rules list",
    "rules show rude",
    "rules add caps loud",
    "rules set rude action=delete",
    "rules remove rude",
    "rules undo",
    "rules test you fool",
    "rules mode enforce all yes",
    "rules replay rude",
    "rules export",
    "rules import rule = [{ kind = 'caps', name = 'loud' }]",
    "rules welcome on",
)


@dataclass
class Town(Platform):
    """A platform with several channels, closed ones among them, and a history."""

    closed: dict[str, frozenset[str]] = field(default_factory=dict)
    channels: tuple[Channel, ...] = (CHANNEL, MODS)
    said: dict[str, list[Message]] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()
    silent: frozenset[str] = frozenset()

    async def role(self, author: Author, channel: Channel) -> Role:
        if channel.community != "home":
            return Role.MODERATOR if author == STRANGER else Role.MEMBER
        return await super().role(author, channel)

    async def readable_channels(self, author: Author, community: str) -> Sequence[Channel]:
        if self.broken:
            raise PlatformError("the platform is down")
        return [
            channel
            for channel in self.channels
            if channel.community == community and author.id in self.closed.get(channel.id, {author.id})
        ]

    async def open_channels(self, channel: Channel) -> Sequence[Channel]:
        return (CHANNEL,)

    async def history(self, channel: Channel, since: datetime) -> AsyncIterator[Message]:
        for said in self.said.get(channel.id, ()):
            if said.at > since:
                yield said
        if channel.id in self.silent:
            raise PlatformError("no history")

    async def happened(self, channel: Channel, since: datetime, position: str = "") -> AsyncIterator[Past]:
        async for said in self.history(channel, since):
            yield Past((said,), said.ref.id)

    async def threads_with(self, channel: Channel, since: datetime) -> Sequence[Channel]:
        return ()

    async def missing_permissions(self, channel: Channel) -> Sequence[str]:
        return self.lacking


@pytest.fixture
async def town(house: House) -> Town:
    """The house's platform, with more to it."""
    town = Town()
    house.platform = town
    house.services = replace(house.services, directory=town)
    return town


async def told(house: House, line: str, target: str | None = None) -> str:
    return await house.told(line, MODERATOR, target=target)


def book(house: House) -> Rulebook:
    return house.store.rulebooks.of(HOME)


def rule(house: House, name: str) -> Rule:
    return next(each for each in read(book(house).rules) if each.name == name)


async def with_rude(house: House, settings: str = "words=fool,idiot action=hide") -> None:
    await told(house, "rules setup")
    await told(house, f"rules add words rude {settings}")


async def cases(house: House, name: str, upheld: int = 0, wrong: int = 0, *others: State) -> None:
    """Cases of a rule that moderators decided so."""
    found = [
        Case(
            house.store.cases.next_number(), HOME, MessageRef(CHANNEL, f"c{n}"), BOB, "x", name,
            book(house).version, Severity.HIDE, True, house.clock(), state,
        )
        for n, state in enumerate((*_UPHELD * upheld, *_WRONG * wrong, *others))
    ]  # fmt: skip
    await house.store.settle(Settlement(cases=tuple(found)))


class TestWhoMay:
    @pytest.mark.parametrize("line", LINES)
    async def test_a_member_may_not_and_the_attempt_is_noted(self, house: House, line: str) -> None:
        await with_rude(house)
        before = book(house)
        assert "is for moderators" in await house.told(line, ALICE)
        assert book(house) == before
        assert (await house.audited())[0] == ("refused", " ".join(line.split()[:2]))

    @pytest.mark.parametrize("line", LINES)
    async def test_a_moderator_of_another_community_may_not(
        self, house: House, town: Town, line: str
    ) -> None:
        await with_rude(house)
        before = book(house)
        assert "is for moderators" in await house.told(line, STRANGER)
        assert book(house) == before

    async def test_rules_of_another_community_are_others(self, house: House, town: Town) -> None:
        await with_rude(house)
        there = Channel("memory", "elsewhere", "general")
        assert "There are no rules here yet" in await house.told("rules list", STRANGER, there)
        await house.told("rules setup relaxed", STRANGER, there)
        assert "rude" not in house.store.rulebooks.of("memory/elsewhere").rules
        assert rule(house, "rude").kind == "words"

    async def test_who_was_a_moderator_a_second_ago_changes_nothing_also_by_a_button(
        self, house: House
    ) -> None:
        await with_rude(house)
        (asked,) = await house.do("rules mode enforce rude", MODERATOR)
        assert isinstance(asked, Reply)
        (control,) = asked.controls
        house.platform.roles[MODERATOR.id] = Role.MEMBER
        context = house.context(MODERATOR)
        outcome = await house.services.commands.invoke(context, control.command, control.arguments)
        assert isinstance(outcome, tuple)
        (refused,) = outcome
        assert isinstance(refused, Reply)
        assert "is for moderators" in refused.text
        assert book(house).enforced == frozenset()


class TestSetup:
    @pytest.mark.parametrize("name", PRESETS)
    async def test_it_makes_a_first_version_that_only_watches(self, house: House, name: str) -> None:
        text = await told(house, f"rules setup {name}")
        made = book(house)
        assert (made.version, made.log, made.enforced) == (1, CHANNEL, frozenset())
        assert read(made.rules) == tuple(preset(name))
        assert made.actor == house.store.seal.pseudonym(MODERATOR.identity)
        for part in (
            "they only watch",
            "in this channel",
            "/rules mode enforce",
            "/rules test TEXT",
            "/rules list",
        ):
            assert part in text
        assert await house.audited() == [("rules setup", f"version 1 {name} log {CHANNEL.key}")]

    async def test_reports_go_where_the_moderator_says_and_may_read(self, house: House, town: Town) -> None:
        for name in ("#mods", "mods"):
            reply, first = await house.do(f"rules setup log={name}", MODERATOR)
            assert isinstance(first, Post)
            assert (first.channel, book(house).log) == (MODS, MODS)
            assert isinstance(reply, Reply)
            assert f"a card in {name} says" in reply.text

    async def test_reports_go_where_the_operator_says_that_moderators_read(
        self, house: House, town: Town
    ) -> None:
        town.staff = MODS
        reply, first = await house.do("rules setup", MODERATOR)
        assert isinstance(first, Post)
        assert isinstance(reply, Reply)
        assert (first.channel, book(house).log) == (MODS, MODS)
        assert "a card in the moderators' channel says" in reply.text
        assert "Everybody who reads this channel" not in reply.text

    async def test_who_has_reports_come_into_a_channel_for_all_is_told_so(
        self, house: House, town: Town
    ) -> None:
        text = await told(house, "rules setup")
        assert "a card in this channel says" in text
        assert "Everybody who reads this channel reads these cards. `/rules setup log=#moderators`" in text

    async def test_nobody_has_reports_posted_where_they_cannot_read(self, house: House, town: Town) -> None:
        town.closed["mods"] = frozenset({"boss"})
        for name in ("mods", "nowhere", "<#1>", "x" * 5000, "\u202e"):
            assert "I know no channel" in await told(house, f"rules setup log={name}")
        town.broken = True
        assert "could not find out" in await house.told("rules setup log=mods", MODERATOR)
        assert not book(house).is_set_up

    async def test_a_room_that_is_a_community_of_its_own_takes_its_moderator(
        self, house: House, town: Town
    ) -> None:
        room = Channel("memory", "!room", "!room")
        town.channels = (CHANNEL, room)
        assert "I know no channel" in await told(house, "rules setup log=!room")
        town.roles[STRANGER.id] = Role.MODERATOR
        await house.do("rules setup log=!room", STRANGER)
        assert book(house).log == room

    async def test_what_is_missing_is_said_and_what_does_not_work_here(
        self, house: House, town: Town
    ) -> None:
        town.lacking = ("manage messages", "ban members")
        text = await told(house, "rules setup")
        assert "I lack permissions that rules may need: manage messages, ban members." in text
        assert "without classifiers: `toxicity`, `spam`, `low-effort`" in text

    async def test_a_second_time_keeps_what_moderators_made_and_where_cards_go(
        self, house: House, town: Town
    ) -> None:
        await house.do("rules setup log=mods", MODERATOR)
        await told(house, "rules add words rude words=fool")
        await told(house, "rules set caps share=0.9")
        reply, _post = await house.do("rules setup strict", MODERATOR)
        assert isinstance(reply, Reply)
        assert "as they were: `caps`, `rude`" in reply.text
        assert book(house).log == MODS
        assert rule(house, "caps").model_dump()["share"] == 0.9
        assert rule(house, "mentions") in preset("strict")
        await house.do("rules setup replace=yes", MODERATOR)
        assert read(book(house).rules) == tuple(preset("standard"))

    async def test_rules_act_from_the_start_only_where_the_operator_wants_it(self, house: House) -> None:
        house.services = replace(house.services, enforces=True)
        assert "12 of them act from now on" in await told(house, "rules setup")
        assert len(book(house).enforced) == 12
        await told(house, "rules add words rude words=fool")
        assert "rude" not in book(house).enforced
        await told(house, "rules mode shadow")
        await told(house, "rules setup")
        assert book(house).enforced == frozenset()

    async def test_in_a_private_conversation_there_is_nothing_to_set_up(self, house: House) -> None:
        house.platform.roles[MODERATOR.id] = Role.ADMIN
        alone = Channel("memory", "home", "dm", private=True)
        assert "in a channel of your community" in await house.told("rules setup", MODERATOR, alone)


class TestWelcome:
    async def test_it_is_offered_where_joins_are_told(self, house: House) -> None:
        house.services = replace(house.services, joins=frozenset({"memory"}))
        (reply,) = await house.do("rules setup", MODERATOR)
        assert isinstance(reply, Reply)
        (control,) = reply.controls
        assert (control.command, control.arguments) == (("rules", "welcome"), {"switch": "on"})
        assert "at most one in a minute" in await told(house, "rules welcome on")
        assert book(house).welcome
        await told(house, "rules welcome off")
        assert not book(house).welcome

    async def test_where_they_are_not_it_says_so(self, house: House) -> None:
        (reply,) = await house.do("rules setup", MODERATOR)
        assert isinstance(reply, Reply)
        assert reply.controls == ()
        assert "does not tell me who joins" in await told(house, "rules welcome on")


class TestChanges:
    async def test_a_new_rule_is_a_new_version_in_shadow(self, house: House) -> None:
        await told(house, "rules setup")
        text = await told(house, "rules add words rude words=fool, idiot action=hide hint='Be kind, please'")
        assert "`rude` is there, in shadow" in text
        made = rule(house, "rude").model_dump()
        assert (made["words"], made["action"], made["hint"]) == (
            ("fool", "idiot"),
            "hide",
            "Be kind, please",
        )
        assert book(house).version == 2
        assert (await house.audited())[0] == ("rules add", "version 2 words rude")
        assert "exactly this rule already" in await told(
            house, "rules add words rude words=fool,idiot action=hide hint='Be kind, please'"
        )

    @pytest.mark.parametrize(
        ("line", "parts"),
        [
            ("add wrds rude words=fool", ["Did you mean `words`?"]),
            ("add nonsense rude", ["There are: `attachments`"]),
            ("add words rude", ["key words: This key is missing"]),
            ("add words rude wrds=fool", ["Did you mean words?"]),
            ("add words rude fool", ["“fool”", "`name=value`"]),
            ("add words rude words=*", ["key words"]),
            ("add words bad!name words=fool", ["key name"]),
            ("add words caps words=fool", ["There is a rule `caps` already"]),
            ("add patterns p patterns=(?=foo)", ["Look-ahead", "exceptions instead"]),
            ("add patterns p patterns=.*", ["would match every message"]),
            ("add patterns p patterns=(a", ["is no pattern", "write \\ before it"]),
            ("add caps loud share=7", ["at most 1"]),
            ("add caps loud share=0.5 share=0.6", ["`share` is set twice"]),
            ("add caps loud action=explode", ["Choose one of none, log, react"]),
            ("set caps", ["`settings` is missing"]),
            ("set nosuch share=1", ["There is no rule “nosuch”"]),
            ("set cap share=1", ["Did you mean `caps`?"]),
            ("set caps name=loud", ["A rule keeps its name"]),
            ("set caps share=0", ["at least 0.3"]),
            ("set caps nosuch=default", ["no such setting"]),
            ("remove nosuch", ["`/rules list` names all"]),
            ("show nosuch", ["There is no rule"]),
            ("undo", ["nothing before it"]),
            ("mode enforce nosuch", ["There is no rule"]),
            ("mode shadow", ["it only watches already"]),
            ("replay nosuch", ["There is no rule"]),
            ("replay caps 7d nowhere", ["I know no channel"]),
            ("test", ["Which text?"]),
            ("import", ["Which rules?", "`/rules export`"]),
        ],
    )
    async def test_what_is_wrong_changes_nothing_and_says_what_is_right(
        self, house: House, line: str, parts: list[str]
    ) -> None:
        await told(house, "rules setup")
        before = book(house)
        text = await told(house, f"rules {line}")
        for part in parts:
            assert part in text
        assert book(house) == before
        assert len(await house.audited()) == 1

    async def test_without_a_set_up_every_command_says_how_to_begin(self, house: House) -> None:
        for line in LINES[1:]:
            assert "`/rules setup` makes some" in await told(house, line)
        assert not book(house).is_set_up

    async def test_a_rule_that_acts_goes_on_unless_it_becomes_stronger(self, house: House) -> None:
        await with_rude(house)
        await told(house, "rules mode enforce rude yes")
        assert "It goes on acting" in await told(house, "rules set rude words=fool,idiot,moron")
        assert "It goes on acting" in await told(house, "rules set rude action=hint")
        assert "rude" in book(house).enforced
        assert "only watches again" in await told(house, "rules set rude action=ban")
        assert book(house).enforced == frozenset()
        assert "Nothing changed" in await told(house, "rules set rude action=ban")

    async def test_a_rule_that_suddenly_finds_everything_only_watches_again(self, house: House) -> None:
        for n in range(30):
            await house.heard("the weather is fine today", "answered", id=str(n))
        house.clock.later(seconds=1)
        await with_rude(house)
        await told(house, "rules mode enforce rude yes")
        text = await told(house, "rules set rude words=the")
        assert "Among the last 30 messages here it finds something in 30." in text
        assert "⚠️" in text
        assert book(house).enforced == frozenset()

    async def test_a_setting_is_taken_back(self, house: House) -> None:
        await told(house, "rules setup")
        await told(house, "rules set caps share=0.9")
        assert "`share` = `0.7`" in await told(house, "rules set caps share=default")
        assert rule(house, "caps") in preset("standard")

    async def test_every_version_is_kept_and_comes_back(self, house: House) -> None:
        await with_rude(house)
        await told(house, "rules mode enforce rude yes")
        acting = book(house)
        await told(house, "rules remove rude")
        assert "rude" not in book(house).rules
        assert "in version 3" in await told(house, "rules undo")
        assert (book(house).rules, book(house).enforced) == (acting.rules, acting.enforced)
        await told(house, "rules undo")
        assert "rude" not in book(house).rules
        assert book(house).version == 6

    async def test_two_at_once_do_not_overwrite_each_other(self, house: House) -> None:
        await told(house, "rules setup")
        stale = book(house)
        async with asyncio.TaskGroup() as tasks:
            both = [tasks.create_task(told(house, f"rules add caps {name}")) for name in ("loud", "noisy")]
        refused = [task.result() for task in both if "Another moderator changed" in task.result()]
        assert len(refused) == 1
        assert book(house).version == 2
        assert await house.store.rulebooks.history(HOME, 9) == [book(house), stale]


class TestShown:
    async def test_the_list_tells_precision_without_what_may_stay(self, house: House) -> None:
        await with_rude(house)
        await cases(house, "rude", 3, 1, "kept", "kept", "open")
        text = await told(house, "rules list")
        assert "• `rude` (words): hide it, in shadow; 7 cases, 75 % right (3 of 4 verdicts)" in text
        assert "• `caps` (caps): give a hint, in shadow; 0 cases, no verdict yet" in text
        house.clock.later(days=31)
        assert "`rude` (words): hide it, in shadow; 0 cases" in await told(house, "rules list")

    async def test_show_tells_settings_an_example_and_who_changed_it(self, house: House) -> None:
        await with_rude(house)
        house.platform.roles[BOB.id] = Role.MODERATOR
        house.clock.later(days=1)
        await house.told("rules set caps share=0.9", BOB)
        text = await told(house, "rules show rude")
        assert "`words` = `fool, idiot` – What is not said" in text
        assert "`whole_words` = yes (as usual)" in text
        assert "`what an idiot`" in text
        assert "since version 2, of 2026-01-05 12:00 UTC, by you" in text
        pseudonym = house.store.seal.pseudonym(BOB.identity)[:8]
        assert f"since version 3, of 2026-01-06 12:00 UTC, by the moderator `{pseudonym}`" in await told(
            house, "rules show caps"
        )


class TestMode:
    async def test_before_rules_act_the_report_is_shown_and_confirmed(self, house: House) -> None:
        await with_rude(house)
        await cases(house, "rude", 9, 1)
        (asked,) = await house.do("rules mode enforce rude", MODERATOR)
        assert isinstance(asked, Reply)
        assert "• `rude`: hide it; 10 cases, 90 % right (9 of 10 verdicts)" in asked.text
        assert "⚠️" not in asked.text
        assert book(house).enforced == frozenset()
        (control,) = asked.controls
        assert isinstance(control, Control)
        assert control.grave
        assert control.line == "rules mode enforce rude yes 2"
        assert "1 rule acts from now on" in await told(house, control.line)
        assert book(house).enforced == {"rude"}
        assert (await house.audited())[0] == ("rules mode", "version 3 enforce rude")
        assert "it acts already" in await told(house, control.line)
        assert "1 rule only watches" in await told(house, "rules mode shadow")

    async def test_an_old_report_confirms_nothing(self, house: House) -> None:
        await with_rude(house)
        await told(house, "rules set rude action=ban")
        assert "changed since that report" in await told(house, "rules mode enforce rude yes 2")
        assert book(house).enforced == frozenset()

    async def test_a_rule_that_was_often_wrong_is_named(self, house: House) -> None:
        await with_rude(house)
        await cases(house, "rude", 7, 3)
        text = await told(house, "rules mode enforce")
        first = text.splitlines()[1:3]
        assert first[0].startswith("• `rude`")
        assert "It was wrong too often" in first[1]
        assert text.count("⚠️") == 1

    async def test_few_verdicts_are_no_reason_to_warn_but_none_at_all_is(self, house: House) -> None:
        await with_rude(house)
        assert "No moderator has said yet" in await told(house, "rules mode enforce")
        await cases(house, "rude", 0, 1)
        assert "⚠️" not in await told(house, "rules mode enforce")

    async def test_a_rule_that_finds_too_much_is_named(self, house: House) -> None:
        for n in range(40):
            await house.heard("you fool" if n % 10 == 0 else "fine", "answered", id=str(n))
        house.clock.later(seconds=1)
        await with_rude(house)
        text = await told(house, "rules mode enforce rude")
        assert "finds something in 10 % of the last 40 messages" in text


class TestTrying:
    async def test_it_tells_what_is_found_where_and_what_would_be_done(self, house: House) -> None:
        await with_rude(house)
        text = await told(house, "rules test you f\u20280\u200b0l")
        assert "12 rules" not in text
        text = await told(house, "rules test you f00l")
        assert "• `rude`: hide it (in shadow)" in text
        assert "“f00l” (4–8): a word that is not said here" in text
        assert "12 other rules find nothing." in text
        assert "`rude` only watches" in text
        assert "```\nyou fool\n```" in text
        await told(house, "rules mode enforce rude yes")
        assert "So this would be done: hide it." in await told(house, "rules test you f00l")
        await told(house, "channel set moderation shadow")
        assert "only watches" in await told(house, "rules test you f00l")
        await told(house, "channel set moderation off")
        assert "Here nothing is judged" in await told(house, "rules test you f00l")

    async def test_it_changes_nothing(self, house: House) -> None:
        await with_rude(house)
        before = book(house)
        for _again in range(3):
            await told(house, "rules test you fool")
        assert book(house) == before
        assert await house.store.cases.waiting(HOME, 9) == []

    async def test_a_message_can_be_replied_to(self, house: House) -> None:
        await with_rude(house)
        await house.heard("what an idiot", "ignored:unaddressed", id="7", author=BOB)
        assert "“idiot”" in await told(house, "rules test", target="7")
        assert "do not have the text" in await told(house, "rules test", target="8")


class TestReplay:
    async def run(self, house: House, line: str, stop_after: int | None = None) -> tuple[str, list[Status]]:
        outcome = await house.services.commands.run_line(house.context(MODERATOR), line)
        text, progress = "", list[Status]()
        async for chunk in growing(outcome):
            if isinstance(chunk, Status):
                progress.append(chunk)
            else:
                text += chunk
            if stop_after is not None and len(progress) == stop_after:
                assert house.services.running.stop(CHANNEL, MODERATOR.identity, moderator=False)
                stop_after = None
        assert len(house.services.running) == 0
        return text, progress

    def past(
        self, house: House, channel: Channel, texts: Sequence[str], author: Author = BOB
    ) -> list[Message]:
        return [
            message(
                text, id=f"{channel.id}{n}", channel=channel, author=author,
                at=house.clock() - timedelta(hours=len(texts) - n),
            )
            for n, text in enumerate(texts)
        ]  # fmt: skip

    async def test_it_tells_what_a_rule_would_have_done_with_links_and_no_text(
        self, house: House, town: Town
    ) -> None:
        await with_rude(house)
        town.said["general"] = self.past(house, CHANNEL, ["you fool", "fine", "CANARY fool"] + ["fine"] * 200)
        town.said["mods"] = self.past(house, MODS, ["idiot"] * 7 + ["fine"] * 100)
        text, progress = await self.run(house, "rules replay rude 4w")
        assert "I read 310 messages of 2 channel(s); in 9 of them something is found (2.9 %)." in text
        assert "• hide it: 9" in text
        assert text.count("https://chat.example/memory/home/") == 5
        assert "CANARY" not in text
        assert len(progress) == 4
        assert "300 messages" in progress[-1].text
        assert "no text was kept" in text
        for ref in (MessageRef(CHANNEL, "general0"), MessageRef(MODS, "mods0")):
            assert await house.store.messages.get(ref) is None
        assert await house.store.cases.waiting(HOME, 9) == []
        assert (await house.audited())[0] == ("rules replay", "rude 310 messages")

    async def test_it_reads_what_the_caller_may_read_and_no_longer_than_asked(
        self, house: House, town: Town
    ) -> None:
        await with_rude(house)
        town.closed["mods"] = frozenset({"boss"})
        town.said["mods"] = self.past(house, MODS, ["you fool"])
        town.said["general"] = self.past(house, CHANNEL, ["you fool"] * 48)
        text, _progress = await self.run(house, "rules replay rude 24h")
        assert "I read 23 messages of 1 channel(s)" in text
        assert "I know no channel" in await told(house, "rules replay rude 7d mods")

    async def test_rules_are_not_tried_on_another_community(self, house: House, town: Town) -> None:
        await with_rude(house)
        town.channels = (CHANNEL, Channel("memory", "!room", "!room"))
        town.roles[STRANGER.id] = Role.MODERATOR
        assert "belongs to another community" in await house.told("rules replay rude 7d !room", STRANGER)

    async def test_moderators_are_left_alone_and_all_rules_are_told_apart(
        self, house: House, town: Town
    ) -> None:
        await with_rude(house)
        town.said["general"] = self.past(house, CHANNEL, ["fool", "STOP SHOUTING AT ME PLEASE"])
        town.said["mods"] = self.past(house, MODS, ["fool"], MODERATOR)
        text, _progress = await self.run(house, "rules replay all")
        assert "in 2 of them" in text
        assert "By rule: `rude` 1, `caps` 1." in text
        assert "1 more is a moderator's" in text

    async def test_stop_ends_it_with_what_was_found_so_far(self, house: House, town: Town) -> None:
        await with_rude(house)
        town.said["general"] = self.past(house, CHANNEL, ["you fool"] * 500)
        text, _progress = await self.run(house, "rules replay rude 99w", stop_after=2)
        assert text.startswith("You stopped it; so far:\nI read 100 messages")

    async def test_a_long_channel_is_cut_and_one_without_history_is_named(
        self, house: House, town: Town
    ) -> None:
        await with_rude(house)
        town.said["general"] = self.past(house, CHANNEL, ["fine"] * (PER_CHANNEL + 10))
        town.silent = frozenset({"mods"})
        text, _progress = await self.run(house, "rules replay rude 99w")
        assert f"I read {PER_CHANNEL} messages" in text
        assert "Of 1 channel I read only the first 5000 messages" in text
        assert "The history of 1 channel I was not given" in text

    async def test_windows_of_time_are_those_of_the_past_and_of_nobody_else(
        self, house: House, town: Town
    ) -> None:
        await told(house, "rules setup")
        flood = [replace(each, at=house.clock() - timedelta(days=1, seconds=n / 10)) for n, each in enumerate(
            self.past(house, CHANNEL, [f"number {n}" for n in range(20)])
        )]  # fmt: skip
        town.said["general"] = sorted(flood, key=lambda each: each.at)
        text, _progress = await self.run(house, "rules replay flood")
        assert "in 13 of them" in text

    async def test_it_says_that_pictures_of_the_past_are_not_looked_at(
        self, house: House, town: Town
    ) -> None:
        await with_rude(house)
        await told(house, "rules add images memes")
        town.said["general"] = self.past(house, CHANNEL, ["fine"] * 3)
        text, _progress = await self.run(house, "rules replay all")
        assert "Pictures of the past are not fetched again, so `memes` found nothing there" in text
        text, _progress = await self.run(house, "rules replay rude")
        assert "Pictures" not in text


class TestFiles:
    async def test_what_is_exported_is_imported_again(self, house: House) -> None:
        await with_rude(house, "words=fool,a```b hint='say “please”'")
        exported = await told(house, "rules export")
        assert exported.count("```") == 2
        kept = read(book(house).rules)
        await told(house, "rules setup relaxed replace=yes")
        assert "The rules are taken in" in await told(house, f"rules import replace=yes {exported}")
        assert read(book(house).rules) == kept
        assert "are there already" in await told(house, f"rules import {exported}")

    async def test_imported_rules_join_the_others_and_only_watch(self, house: House) -> None:
        await with_rude(house)
        await told(house, "rules mode enforce all yes")
        text = await told(
            house,
            'rules import ```toml\n[[rule]]\nkind = "words"\nname = "rude"\naction = "ban"\nwords = ["x y"]\n'
            '[[rule]]\nkind = "caps"\nname = "loud"\n```',
        )
        assert "New: `loud`." in text
        assert "Changed: `rude`." in text
        assert len(read(book(house).rules)) == 14
        assert len(book(house).enforced) == 12
        assert not book(house).enforced & {"rude", "loud"}
        text = await told(house, "rules import rule = [{kind = 'caps', name = 'loud'}] replace=yes")
        assert "Removed: " in text
        assert [each.name for each in read(book(house).rules)] == ["loud"]

    async def test_a_message_with_rules_in_it_can_be_replied_to(self, house: House) -> None:
        await told(house, "rules setup")
        await house.heard("look:\n```\n[[rule]]\nkind='caps'\nname='loud'\n```\nnice?", "answered", id="5")
        assert "New: `loud`" in await told(house, "rules import", target="5")

    @pytest.mark.parametrize(
        ("text", "part"),
        [
            ("[[rule]\nkind", "not valid TOML"),
            ("```\n[[rule]]\nkind = 'caps'\nnaem = 'x'\n```", "line 3, rule 1, key naem"),
            ("[[rule]]\nkind = 'evil'\nname = 'x'", "There is no kind of rule 'evil'"),
            ("x = 1", "line 1, key x"),
            ("a" * (MAX_BYTES + 1), "too long"),
            ("x = " + "[" * 5000, "nested too deeply"),
            ("[[rule]]\nkind='caps'\nname='a'\n" * 2, "Two rules have this name"),
            ("rule = 3", "begins with a line [[rule]]"),
            ("version = 2", "not version 1"),
        ],
    )
    async def test_a_broken_or_hostile_text_changes_nothing(self, house: House, text: str, part: str) -> None:
        await with_rude(house)
        before = book(house)
        assert part in await told(house, f"rules import {text}")
        assert book(house) == before


def replied(outcome: Outcome) -> str:
    """The text of the one reply."""
    assert isinstance(outcome, tuple)
    (reply,) = outcome
    assert isinstance(reply, Reply)
    return reply.text


@dataclass
class Shelf:
    """Files of messages, by the id of the message, and what is in them by their address."""

    content: dict[str, bytes]
    below: dict[str, tuple[Attachment, ...]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)

    async def attached(self, ref: MessageRef) -> Sequence[Attachment]:
        if ref.id == "lost":
            raise PlatformError("the platform is down")
        return self.below.get(ref.id, ())

    async def fetch(self, platform: str, attachment: Attachment, most_bytes: int) -> bytes:
        self.asked.append(most_bytes)
        found = self.content.get(attachment.url)
        if found is None:
            raise Gone("no such file")
        if len(found) > most_bytes:
            raise TooBig("too big")
        return found


class TestImportOfFiles:
    LOUD = b"[[rule]]\r\nkind = 'caps'\r\nname = 'loud'\r\n"

    async def said(
        self,
        house: House,
        *contents: bytes,
        text: str = "",
        target: str | None = None,
        by: Author = MODERATOR,
    ) -> str:
        """What is answered to a call with files, or to a message with files."""
        files = tuple(Attachment(f"a{n}", f"{n}.toml", "", 1, f"u{n}") for n in range(len(contents)))
        shelf = Shelf({f"u{n}": each for n, each in enumerate(contents)})
        if target is not None:
            shelf.below["5"], files = files, ()
        house.services = replace(house.services, files=shelf)
        context = replace(house.context(by, target=target), files=files)
        return replied(await house.services.commands.run_line(context, f"rules import {text}"))

    @pytest.mark.parametrize("target", [None, "5"])
    async def test_a_file_is_taken_in_as_a_text_is(self, house: House, target: str | None) -> None:
        await with_rude(house)
        assert "New: `loud`." in await self.said(house, b"\xef\xbb\xbf" + self.LOUD, target=target)
        assert rule(house, "loud").kind == "caps"
        assert rule(house, "rude").kind == "words"
        assert "loud" not in book(house).enforced
        assert "are there already" in await self.said(house, self.LOUD, target=target)

    @pytest.mark.parametrize(
        ("contents", "text", "part"),
        [
            ((b"[[rule]]\nkind = 'caps'\nnaem = 'x'\n",), "", "line 3, rule 1, key naem"),
            ((b"#" * (MAX_BYTES + 1),), "", "too big: I take at most 64000 bytes"),
            ((b"\xff\xfe[\x00",), "", "no text in UTF-8"),
            ((b"\x00\x01\x02",), "", "not valid TOML"),
            ((b"[[rule]\n",), "", "not valid TOML"),
            ((LOUD, LOUD), "", "one file with rules at a time, and these are 2"),
            ((LOUD,), "rule = []", "in a text or in a file, not in both"),
        ],
    )
    async def test_a_broken_or_hostile_file_changes_nothing(
        self, house: House, contents: tuple[bytes, ...], text: str, part: str
    ) -> None:
        await with_rude(house)
        before = book(house)
        assert part in await self.said(house, *contents, text=text)
        assert book(house) == before

    async def test_a_file_that_is_gone_or_a_message_nobody_can_look_at_changes_nothing(
        self, house: House
    ) -> None:
        await with_rude(house)
        before = book(house)
        house.services = replace(house.services, files=Shelf({}))
        context = replace(house.context(MODERATOR), files=(Attachment("a", "x\n.toml", "", 1, "gone"),))
        answer = replied(await house.services.commands.run_line(context, "rules import"))
        assert "could not read the file" in answer
        assert "could not look at that message" in await told(house, "rules import", target="lost")
        assert "attach a file" in await told(house, "rules import", target="nothing")
        assert book(house) == before

    async def test_only_moderators_have_files_read(self, house: House) -> None:
        await with_rude(house)
        before = book(house)
        assert "for moderators" in await self.said(house, self.LOUD, by=ALICE)
        assert isinstance(house.services.files, Shelf)
        assert house.services.files.asked == []
        assert book(house) == before


class TestLearning:
    async def abuse(self, house: House, settings: str = "") -> None:
        await told(house, "rules setup")
        await told(house, f"rules add toxicity abuse {settings}")

    @pytest.mark.parametrize(("right", "wrong", "part"), [(0, 0, "are 0, 0"), (49, 0, "49"), (47, 3, "47")])
    async def test_a_score_may_not_do_more_before_verdicts_prove_it(
        self, house: House, right: int, wrong: int, part: str
    ) -> None:
        await self.abuse(house)
        await cases(house, "abuse", right, wrong)
        before = book(house)
        for line in (
            "rules set abuse proven=yes action=hide",
            "rules import rule = [{ kind = 'toxicity', name = 'abuse', proven = true, action = 'hide' }]",
            "rules add toxicity other proven=yes action=hide",
        ):
            answer = await told(house, line)
            assert "not proven here, so nothing changed" in answer
            assert part in answer or "other" in line
        assert "It was right often enough" not in await told(house, "rules show abuse")
        assert book(house) == before

    async def test_what_verdicts_prove_is_offered_and_may_hide(self, house: House) -> None:
        await self.abuse(house)
        await cases(house, "abuse", 48, 2)
        assert "`/rules set abuse proven=yes action=hide`" in await told(house, "rules show abuse")
        assert "is changed" in await told(house, "rules set abuse proven=yes action=hide")
        assert rule(house, "abuse").action is Severity.HIDE
        assert "is changed" in await told(house, "rules set abuse threshold=0.95")
        assert "It was right often enough" not in await told(house, "rules show abuse")

    async def test_what_verdicts_did_is_shown_and_undone_and_can_be_switched_off(self, house: House) -> None:
        await self.abuse(house)
        assert "Its threshold is as it was chosen" in await told(house, "rules show abuse")
        await cases(house, "abuse", 0, 9, "open")
        (last,) = await house.store.cases.waiting(HOME, 1)
        await house.services.desk.decide(last, "false-alarm", MODERATOR, "call")
        shown = await told(house, "rules show abuse")
        assert "raised its threshold by 2 %" in shown
        assert "by me, by your verdicts" in shown
        assert "as they were" in await told(house, "rules undo")
        assert "Its threshold is as it was chosen; since then, 0 of 0" in await told(
            house, "rules show abuse"
        )
        await told(house, "rules set abuse adapts=no")
        assert "Your verdicts do not change it" in await told(house, "rules show abuse")
        await told(house, "rules set abuse raised=0.04 adapts=yes")
        assert "raised its threshold by 4 %" in await told(house, "rules show abuse")


class TestNames:
    async def suggested(self, house: House, caller: Author, typed: str, command: str) -> Sequence[str]:
        offered = house.services.commands.find(["rules", command]).offered(house.services)
        complete = next(each.complete for each in offered.parameters if each.name == "rule")
        assert complete is not None
        return await complete(typed, caller, CHANNEL)

    async def test_a_moderator_gets_the_rules_that_are_there_now(self, house: House) -> None:
        assert await self.suggested(house, MODERATOR, "", "show") == ()
        await with_rude(house)
        await told(house, "rules add caps sneers")
        assert await self.suggested(house, MODERATOR, "RU", "show") == ["rude"]
        await told(house, "rules remove rude")
        assert await self.suggested(house, MODERATOR, "ru", "show") == []

    async def test_all_stands_where_it_can_be_said(self, house: House) -> None:
        await with_rude(house)
        assert "all" in await self.suggested(house, MODERATOR, "al", "mode")
        assert "all" not in await self.suggested(house, MODERATOR, "al", "remove")

    async def test_who_does_not_moderate_or_may_not_learns_no_name(self, house: House, town: Town) -> None:
        await with_rude(house)
        for caller in (ALICE, STRANGER):
            assert await self.suggested(house, caller, "", "show") == ()
        town.broken = True
        assert await self.suggested(house, MODERATOR, "", "mode") == ()
