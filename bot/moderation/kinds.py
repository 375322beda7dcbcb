"""All kinds of rules: those of `bot/moderation/rules/`, and those that other distributions offer."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TypeGuard

from bot.core.discovery import modules, plugins
from bot.core.errors import ConfigError
from bot.core.text import _
from bot.moderation.rule import Rule


@cache
def kinds() -> Mapping[str, type[Rule]]:
    """The class of each kind, in alphabetical order.

    Raises:
        ConfigError: two parts offer the same kind, or something that is no rule.
    """
    found: dict[str, type[Rule]] = {}
    for module in modules("bot.moderation.rules"):
        for member in vars(module).values():
            if is_kind(member) and member.__module__ == module.__name__:
                _enlist(found, member)
    for plugin in plugins("rules"):
        if not is_kind(plugin):
            raise ConfigError(_("The entry point {plugin} offers no rule.", plugin=repr(plugin)))
        _enlist(found, plugin)
    return MappingProxyType(dict(sorted(found.items())))


def is_kind(offered: object) -> TypeGuard[type[Rule]]:
    """Whether it is the class of a kind, and not what several kinds share."""
    return isinstance(offered, type) and issubclass(offered, Rule) and hasattr(offered, "kind")


def _enlist(found: dict[str, type[Rule]], rule: type[Rule]) -> None:
    if rule.kind in found:
        raise ConfigError(_("Two parts offer rules of the kind {kind}.", kind=rule.kind))
    found[rule.kind] = rule
