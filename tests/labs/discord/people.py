"""People on a guild of the lab, at the clients they would use, and what stands in the channels."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from tests.labs.discord.constants import ALL_PERMS, EPHEMERAL, EVERYONE_PERMS, FORUM, PERMS, THREAD_TYPES
from tests.labs.discord.lab import DiscordLab
from tests.labs.discord.records import Interaction, Json, Ref, id_of, walk_components

MODERATION = sum(
    PERMS[name] for name in ("MANAGE_MESSAGES", "MODERATE_MEMBERS", "KICK_MEMBERS", "BAN_MEMBERS")
)
"""What the role of moderators may do beyond members."""

_MESSAGE_MENU = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as a client shows it: the newest edit counts, what was deleted is gone.

    Attributes:
        author: the id of who wrote it.
        reply_to: the id of the message it answers, also when that is gone.
        thread: the id of the thread that was opened on it.
        kind: 0 and 19 (a reply) are written by people, 20 answers a command; others are notices of Discord.
        edits: how often it was changed by its author.
        nonce: that it was sent with.
        components: every one of them, containers before what they hold.
        ephemeral: only one member sees it.
        asked_by: the id of the member whose command or click it answers.
    """

    id: str
    author: str
    text: str
    reply_to: str | None = None
    thread: str | None = None
    kind: int = 0
    edits: int = 0
    nonce: str | None = None
    embeds: Sequence[Json] = ()
    components: Sequence[Json] = ()
    files: Sequence[str] = ()
    mentions: Sequence[str] = ()
    reactions: Sequence[str] = ()
    pinned: bool = False
    ephemeral: bool = False
    asked_by: str | None = None

    @property
    def buttons(self) -> list[str]:
        """The labels of its buttons that can be clicked."""
        return [
            str(part.get("label"))
            for part in self.components
            if part["type"] == 2 and not part.get("disabled")
        ]


class Person:
    """Somebody at a client, which raises PermissionError, LookupError or ValueError for what it lacks."""

    def __init__(self, lab: DiscordLab, user: Json) -> None:
        self.lab, self.user = lab, user
        self.id = str(user["id"])
        self.mention = f"<@{self.id}>"

    # Words

    def say(
        self, channel: Ref, text: str, *, reply_to: Ref | None = None,
        files: Iterable[tuple[str, bytes]] = (),
    ) -> str:  # fmt: skip
        """Write a message, or answer one; its id. A reply mentions the author of what it answers."""
        answered = None if reply_to is None else self.lab.message(reply_to)
        return id_of(self.lab.send(self.user, channel, text, reply_to=answered, attachments=files))

    def ask(
        self, channel: Ref, text: str, *, reply_to: Ref | None = None,
        files: Iterable[tuple[str, bytes]] = (),
    ) -> str:  # fmt: skip
        """Write a message that mentions the bot; its id."""
        return self.say(channel, f"<@{self.lab.app_id}> {text}", reply_to=reply_to, files=files)

    def whisper(self, text: str) -> str:
        """Write to the bot alone; the id of the message, which stands in `private`."""
        return self.say(self.private, text)

    @property
    def private(self) -> Json:
        """The channel of this person and the bot."""
        return self.lab.dm(self.user)

    def edit(self, message: Ref, text: str) -> None:
        """Change what one has written.

        Raises:
            PermissionError: somebody else wrote it.
        """
        found = self._own(message, may_moderate=False)
        self.lab.edit(found, text)

    def delete(self, message: Ref) -> None:
        """Delete what one has written, or with MANAGE_MESSAGES what others have.

        Raises:
            PermissionError: somebody else wrote it.
        """
        self.lab.delete(self._own(message, may_moderate=True))

    def react(self, message: Ref, emoji: str) -> None:
        """Add a reaction."""
        self.lab.react(self.user, self.lab.message(message), emoji)

    def unreact(self, message: Ref, emoji: str) -> None:
        """Take a reaction back."""
        self.lab.unreact(self.user, self.lab.message(message), emoji)

    def type(self, channel: Ref) -> None:
        """Show that one is typing."""
        self.lab.type(self.user, channel)

    def open_thread(self, channel: Ref, name: str, *, on: Ref | None = None) -> Json:
        """Open a public thread, on a message if given; else a notice in the channel tells of it."""
        parent = self.lab.channels[id_of(channel)]
        thread = self.lab.open_thread(parent, name, self.user, thread_id=None if on is None else id_of(on))
        if on is None:
            self.lab.notice(channel, self.user, 18, name)
        else:
            message = self.lab.message(on)
            message |= {"flags": message["flags"] | 1 << 5, "thread": thread}
            self.lab.emit_message("MESSAGE_UPDATE", message)
        return thread

    async def post(self, forum: Ref, name: str, text: str, *, starter_delay_s: float = 0.0) -> Json:
        """Open a post in a forum; the thread is there `starter_delay_s` before its first message."""
        return await self.lab.forum_post(self.user, forum, name, text, starter_delay_s=starter_delay_s)

    # Commands, buttons, forms

    def slash(
        self, channel: Ref, command: str, *, locale: str = "en-US", force: bool = False, **options: object
    ) -> Interaction:
        """Call a command, such as "rules add"; options as they are declared, people and channels as objects.

        Raises:
            LookupError: there is no such command.
            PermissionError: it is hidden from this member or this place; `force` calls it nevertheless.
            ValueError: an option is missing, unknown, or has a value that a client does not send.
        """
        return self.lab.slash(self.user, channel, command, options, locale=locale, force=force)

    def complete(self, channel: Ref, command: str, option: str, typed: str, **others: object) -> Interaction:
        """Begin to type an option; what is offered comes as `choices`."""
        return self.lab.slash(self.user, channel, command, {**others, option: typed}, focused=option)

    def menu(self, message: Ref, command: str, *, locale: str = "en-US") -> Interaction:
        """Choose a command from the menu of a message."""
        found = self.lab.message(message)
        where = found["channel_id"]
        return self.lab.slash(self.user, where, command, kind=_MESSAGE_MENU, target=found, locale=locale)

    def click(self, message: Ref, button: str, values: list[str] | None = None) -> Interaction:
        """Click a button, given by its label or its custom id; or choose from a select.

        Raises:
            LookupError: the message has no such button.
            PermissionError: it is disabled.
        """
        found = self.lab.message(message)
        named = (part for part in walk_components(found["components"]) if part.get("label") == button)
        part: Json = next(named, {})
        return self.lab.click(self.user, found, str(part.get("custom_id", button)), values)

    def submit(self, opened: Interaction, *, locale: str = "en-US", **values: str) -> Interaction:
        """Fill in a form that an interaction has opened, by the custom ids of its fields.

        Raises:
            LookupError: it opened none.
        """
        return self.lab.submit_modal(self.user, opened, values, locale=locale)

    def _own(self, message: Ref, *, may_moderate: bool) -> Json:
        found = self.lab.message(message)
        channel = self.lab.channels[found["channel_id"]]
        moderates = may_moderate and "guild_id" in channel
        bits = self.lab.permissions(channel["guild_id"], self.id, channel) if moderates else 0
        if found["author"]["id"] != self.id and not bits & PERMS["MANAGE_MESSAGES"]:
            raise PermissionError(f"{self.user['username']} did not write {found['id']}")
        return found


class Server:
    """A guild with the bot in it, a channel #general, and roles for moderators and admins.

    Args:
        bot_permissions: what the bot's role may do; everything but ADMINISTRATOR if left out.
        locale: the guild's language.
    """

    def __init__(
        self, lab: DiscordLab, name: str = "home", *,
        bot_permissions: int = ALL_PERMS & ~PERMS["ADMINISTRATOR"], locale: str = "en-US",
    ) -> None:  # fmt: skip
        self.lab = lab
        self.guild = lab.create_guild(name, bot_permissions=bot_permissions, locale=locale)
        self.id = id_of(self.guild)
        self.moderators = lab.create_role(self.guild, "moderators", EVERYONE_PERMS | MODERATION)
        self.admins = lab.create_role(self.guild, "admins", PERMS["ADMINISTRATOR"])
        self.general = self.channel("general")
        self.owner = Person(lab, lab.users[self.guild["owner_id"]])
        self.bot = lab.app_id

    def channel(
        self, name: str, *, topic: str | None = None, overwrites: Iterable[Json] = (), slowmode_s: int = 0
    ) -> Json:
        """Make a text channel."""
        make = partial(self.lab.create_channel, self.guild, name, topic=topic)
        return make(overwrites=overwrites, slowmode=slowmode_s)

    def forum(self, name: str, tags: Iterable[str] = ()) -> Json:
        """Make a forum."""
        return self.lab.create_channel(self.guild, name, FORUM, tags=tags)

    def member(self, name: str, *roles: Ref) -> Person:
        """Somebody new."""
        user = self.lab.create_user(name)
        self.lab.add_member(self.guild, user, roles=roles)
        return Person(self.lab, user)

    def moderator(self, name: str) -> Person:
        """Somebody who manages messages, and times out, kicks and bans members."""
        return self.member(name, self.moderators)

    def admin(self, name: str) -> Person:
        """Somebody who may do everything."""
        return self.member(name, self.admins)

    def permit_bot(self, permissions: int) -> None:
        """Change what the bot's role may do."""
        self.lab.set_permissions(self.guild, self.lab.bot_role(self.guild), permissions)

    def members(self) -> set[str]:
        """Who is in the guild now, the bot too."""
        return set(self.lab.members[self.id])

    def is_timed_out(self, person: Person) -> bool:
        """Whether a member may not write for a while."""
        return self.lab.members[self.id][person.id]["communication_disabled_until"] is not None

    def threads(self, channel: Ref) -> list[Json]:
        """The threads of a channel, or the posts of a forum, oldest first."""
        parent = id_of(channel)
        found = [each for each in self.lab.channels.values() if each["type"] in THREAD_TYPES]
        return [each for each in found if each["parent_id"] == parent]

    def reasons(self) -> list[str | None]:
        """The reasons in the audit log, the newest first."""
        return [entry.get("reason") for entry in self.lab.audit[self.id]]

    # Eyes

    def shown(self, channel: Ref, sender: str | None = None, *, to: Person | None = None) -> list[Shown]:
        """The messages that stand in a channel or thread, oldest first.

        Args:
            channel: the channel or thread.
            sender: leaves out what others wrote.
            to: leaves out what is ephemeral and for other members.
        """
        found = show(self.lab, channel)
        found = [each for each in found if sender in (None, each.author)]
        return [each for each in found if to is None or not each.ephemeral or each.asked_by == to.id]

    async def until(
        self, channel: Ref, holds: Callable[[list[Shown]], bool], sender: str = ""
    ) -> list[Shown]:
        """Wait until the messages of a channel, or those of one sender, are as they should be.

        Raises:
            AssertionError: they never were, with what stands there.
        """
        try:
            await self.lab.until(lambda: holds(self.shown(channel, sender or None)))
        except AssertionError as error:
            texts = [each.text for each in self.shown(channel, sender or None)]
            raise AssertionError(f"there stands {texts} in {id_of(channel)}: {error}") from None
        return self.shown(channel, sender or None)

    async def answers(self, channel: Ref, *texts: str) -> list[Shown]:
        """Wait until exactly this is what the bot has said in a channel."""
        return await self.until(channel, lambda shown: [each.text for each in shown] == [*texts], self.bot)


def show(lab: DiscordLab, channel: Ref) -> list[Shown]:
    """Messages as clients show them, oldest first."""
    return [_shown(lab, message) for message in lab.messages[id_of(channel)].values()]


def _shown(lab: DiscordLab, message: Json) -> Shown:
    key = str(message["id"])
    return Shown(
        id=key,
        author=str(message["author"]["id"]),
        text=str(message["content"]),
        reply_to=message.get("message_reference", {}).get("message_id"),
        thread=message["thread"]["id"] if "thread" in message else None,
        kind=message["type"],
        edits=lab.edits[key],
        nonce=lab.nonces.get(key),
        embeds=tuple(message["embeds"]),
        components=tuple(walk_components(message["components"])),
        files=tuple(each["filename"] for each in message["attachments"]),
        mentions=tuple(each["id"] for each in message["mentions"]),
        reactions=tuple(each["emoji"]["name"] for each in message.get("reactions", [])),
        pinned=message["pinned"],
        ephemeral=bool(message["flags"] & EPHEMERAL),
        asked_by=message.get("interaction_metadata", {}).get("user", {}).get("id"),
    )
