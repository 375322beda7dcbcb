"""What an action does, in words for moderators."""

from bot.core.actions import (
    Action,
    Alert,
    Ban,
    Delete,
    Hide,
    Kick,
    Post,
    React,
    Reply,
    StreamedReply,
    Timeout,
    Update,
)
from bot.core.text import _


def deed(action: Action) -> str:
    """What it does, as in "I may not …"."""
    match action:
        case Delete() | Hide():
            return _("delete a message")
        case Timeout(author=author):
            return _("time out {name}", name=author.name)
        case Kick(author=author):
            return _("send {name} away", name=author.name)
        case Ban(author=author):
            return _("ban {name}", name=author.name)
        case React():
            return _("react to a message")
        case Reply() | StreamedReply():
            return _("answer")
        case Post() | Update() | Alert():
            return _("write")
