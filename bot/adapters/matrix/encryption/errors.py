"""What can be wrong with an encrypted event, besides that its key is not here (`Locked`)."""

from bot.core.errors import NeedsOperator, PlatformError


class Undecipherable(PlatformError):
    """An encrypted event that no key will ever open."""


class KeysUnreadable(NeedsOperator):
    """The store of this device's keys does not open."""
