"""What an action does, in words for moderators."""

from bot.core.actions import (
    Action,
    Alert,
    Archive,
    Ban,
    Delete,
    Hide,
    Kick,
    Lock,
    OpenThread,
    Pin,
    Post,
    Purge,
    React,
    Reply,
    SlowMode,
    StreamedReply,
    Timeout,
    Unban,
    Update,
)
from bot.core.text import _, ngettext


def deed(action: Action) -> str:
    """What it does, as in "I may not …"."""
    match action:
        case Timeout() | Kick() | Ban() | Unban():
            return _to_a_member(action)
        case Lock() | SlowMode() | Archive() | OpenThread():
            return _to_a_place(action)
        case Purge(message_ids=ids):
            return ngettext("delete {n} message", "delete {n} messages", len(ids))
        case Delete() | Hide():
            return _("delete a message")
        case Pin(pinned=pinned):
            return _("pin a message") if pinned else _("unpin a message")
        case React():
            return _("react to a message")
        case Reply() | StreamedReply():
            return _("answer")
        case Post() | Update() | Alert():
            return _("write")


def _to_a_member(action: Timeout | Kick | Ban | Unban) -> str:
    name = action.author.name
    match action:
        case Timeout(duration_s=0):
            return _("let {name} write again", name=name)
        case Timeout():
            return _("time out {name}", name=name)
        case Kick():
            return _("send {name} away", name=name)
        case Ban():
            return _("ban {name}", name=name)
        case Unban():
            return _("lift the ban of {name}", name=name)


def _to_a_place(action: Lock | SlowMode | Archive | OpenThread) -> str:
    match action:
        case Lock(locked=locked):
            return _("close this place to members") if locked else _("open this place to members again")
        case SlowMode():
            return _("slow this place down")
        case Archive():
            return _("archive this thread")
        case OpenThread():
            return _("open a thread")
