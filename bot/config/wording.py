"""What is wrong, in words: pydantic's error codes as sentences an operator can act on."""

import re
from datetime import date, time
from difflib import get_close_matches
from typing import Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from bot.config.problem import Problem
from bot.config.sections import Config, Engine, Section
from bot.config.source import Keys, dotted
from bot.core.text import N_, _
from bot.core.wording import BOUNDS, TYPES

_TYPES = {
    **TYPES,
    "list_type": N_("a list in brackets"),
    "path_type": N_("a path in quotes"),
    "is_instance_of": N_("a text in quotes"),
    "model_attributes_type": N_("a section or table"),
}

_FORMS = {
    "llm.base_url": N_('Write a URL such as "http://127.0.0.1:8080/v1".'),
    "discord.api_base": N_('Write its address such as "http://127.0.0.1:8080/api/v10".'),
    "discord.gateway_url": N_('Write its address such as "ws://127.0.0.1:8081".'),
    "discord.moderators_channel": N_("Write the id of a channel in quotes: digits only."),
    "matrix.homeserver": N_('Write its address such as "https://matrix.example.org".'),
    "matrix.user_id": N_('Write the whole id such as "@llmos:example.org".'),
    "matrix.invites_from": N_('Write servers and user ids such as "example.org" or "@anna:example.org".'),
    "matrix.moderators_room": N_('Write the id of a room; it begins with "!".'),
    "permissions.moderator": N_(
        'Write "matrix:power:50", "matrix:user:@anna:example.org", "discord:role:ID" or "discord:user:ID".'
    ),
    "permissions.admin": N_(
        'Write "matrix:power:100", "matrix:user:@anna:example.org", "discord:role:ID" or "discord:user:ID".'
    ),
    "storage.url": N_('Write "sqlite:///data/llmos.db" or "postgresql://user@host/name".'),
    "knowledge.allow": N_('Write private addresses or networks such as "10.0.0.5" or "192.168.7.0/24".'),
    "metrics.listen": N_('Write an address and a port such as "127.0.0.1:9464", or "" to serve nothing.'),
    "bot.name": N_("Begin it with none of @ # : ` and write no spaces around it."),
    "bot.command_prefix": N_('Write it without spaces, such as "!llmos".'),
}


SECRETS = frozenset({"api_key", "token", "password", "access_token"})
"""Keys whose values are never shown, not even when they are wrong."""

_CREDENTIALS = re.compile(r"//[^/@]*@")


def location(detail: ErrorDetails) -> Keys:
    """The key at fault, without the names of union members that pydantic puts behind it."""
    keys = tuple(detail["loc"])
    if keys[:1] == ("quota",):
        return keys[:2]
    return keys


def problem(detail: ErrorDetails) -> Problem:
    """One error of pydantic's as a problem."""
    keys = location(detail)
    if detail["type"] == "extra_forbidden":
        return _unknown(keys)
    what, mend = _words(detail, keys)
    return Problem(dotted(keys), what, mend)


def _words(detail: ErrorDetails, keys: Keys) -> tuple[str, str]:
    code, context = detail["type"], detail.get("ctx", {})
    given = _shown(keys, detail["input"])
    if keys[:1] == ("quota",) and len(keys) > 1:
        what = _("{given} is no daily cap.", given=given)
        return what, _('Write a whole number from 0, or "unlimited".')
    if code in _TYPES:
        what = _("{given} has the wrong type.", given=given)
        if code.startswith("model_") and len(keys) == 1:
            return what, _("Write a section: [{section}].", section=keys[0])
        if keys[-1] in SECRETS:
            return what, _('Write "env:NAME" or "file:PATH".')
        return what, _("Write {expected}.", expected=_(_TYPES[code]))
    if code in BOUNDS:
        bound, sentence = BOUNDS[code]
        return _("{given} is out of range.", given=given), _(sentence, bound=context[bound])
    if code == "literal_error":
        return _("{given} is not a known value.", given=given), _choices(keys, detail["input"])
    if code == "missing":
        return _("This key is missing."), _("Add it.")
    form = _FORMS.get(".".join(str(key) for key in keys if isinstance(key, str) and key != "fallback"))
    mend = _(form) if form else _("See config.example.toml.")
    return _("{given} has the wrong form.", given=given), mend


def _unknown(keys: Keys) -> Problem:
    *outer, last = keys
    name = str(last)
    if not outer:
        known = list(Config.model_fields)
        mend = _nearest(name, known, as_section=True)
        return Problem(name, _("There is no section [{name}].", name=name), mend)
    owner = section_at(tuple(outer))
    known = list(owner.model_fields) if owner else []
    what = _("There is no key {name} in [{section}].", name=name, section=dotted(tuple(outer)))
    return Problem(dotted(keys), what, _elsewhere(name, str(outer[0])) or _nearest(name, known))


def _nearest(name: str, known: list[str], *, as_section: bool = False) -> str:
    close = get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    if close:
        return _("Did you mean {name}?", name=f"[{close[0]}]" if as_section else close[0])
    return _("Known here: {names}.", names=", ".join(known))


def _elsewhere(name: str, section: str) -> str | None:
    """A key written in the wrong section is named with the right one."""
    for other, field in Config.model_fields.items():
        fields = getattr(field.annotation, "model_fields", {})
        if other != section and name in fields:
            return _("It belongs to [{section}].", section=other)
    return None


def section_at(keys: Keys) -> type[BaseModel] | None:
    """The class of the table at a path; every entry of a list of fallbacks is an `Engine`."""
    if keys[:2] == ("llm", "fallback"):
        return Engine
    field = Config.model_fields.get(str(keys[0])) if len(keys) == 1 else None
    annotation = field.annotation if field else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None


def _choices(keys: Keys, given: object) -> str:
    owner = section_at(keys[:-1])
    field = owner.model_fields.get(str(keys[-1])) if owner else None
    annotation = field.annotation if field else None
    names = [str(name) for name in get_args(annotation)] if get_origin(annotation) is Literal else []
    close = get_close_matches(str(given), names, n=1)
    if close:
        return _("Did you mean {name}?", name=f'"{close[0]}"')
    return _("Write one of {names}.", names=", ".join(f'"{name}"' for name in names))


def _shown(keys: Keys, value: object) -> str:
    """A value as the file has it, cut short and without what may be a secret."""
    if keys[-1] in SECRETS:
        return _("This value")
    try:
        text = _CREDENTIALS.sub("//***@", _as_written(value))
    except (RecursionError, ValueError):  # nested too deeply, or a number of thousands of digits
        return _("This value")
    return text if len(text) <= 60 else f"{text[:57]}..."


def _as_written(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case date() | time():
            return value.isoformat()
        case _:
            return repr(value)
