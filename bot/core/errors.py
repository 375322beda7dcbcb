"""Every error LLMOS raises on purpose.

    BotError
    ├── ConfigError          the operator's to mend; exit code 2
    ├── UserError            its text is the reply to the member
    │   ├── UsageError       a command was called wrongly
    │   ├── Unreadable       a file or page has no text that can be read
    │   └── Unreachable      an address cannot be fetched, or must not be
    ├── PlatformError        Discord, Matrix or the console refused or failed
    │   ├── Unsupported      the platform cannot do this at all
    │   ├── Forbidden        the bot lacks a permission
    │   │   └── Closed       a member takes no private messages from the bot
    │   ├── Gone             the message, channel, member or file no longer exists
    │   ├── NeedsOperator    trying again does not mend it, such as a wrong token
    │   ├── Locked           an encrypted event whose key is not here (yet)
    │   ├── TooBig           a file is bigger than we take
    │   └── RateLimited      try again after `retry_after_s`
    ├── ModelError           a language model failed
    │   ├── ModelUnavailable it cannot be reached or loaded, or refuses our key
    │   ├── ModelBusy        its queue is full, or it asks for patience
    │   ├── ModelTimeout     it was silent for too long
    │   ├── ModelEmpty       it finished without a word
    │   └── ModelBroken      it stopped half-way or answered nonsense
    └── StorageError         the database failed; exit code 1
        └── ValueUnreadable  a stored body cannot be decrypted
            └── ValueEnded   it was kept for a process that has ended

The text of a UserError is shown to a member as it is; all other texts are for operators.
"""


class BotError(Exception):
    """Root of the tree."""


class ConfigError(BotError):
    """The configuration is wrong."""


class UserError(BotError):
    """A member asked for something that cannot be done; the text says what to do instead."""


class UsageError(UserError):
    """A command was called with the wrong arguments."""


class Unreadable(UserError):
    """A file or page has no text that can be read; the text says why, and does not name it."""


class Unreachable(UserError):
    """An address cannot be fetched, or must not be; the text says why."""


class PlatformError(BotError):
    """A platform refused or failed."""


class Unsupported(PlatformError):
    """The platform has no such action."""


class Forbidden(PlatformError):
    """The bot lacks a permission there."""


class Closed(Forbidden):
    """A member takes no private messages from the bot."""


class Gone(PlatformError):
    """What the action is about no longer exists."""


class NeedsOperator(PlatformError):
    """Something that trying again does not mend."""


class Locked(PlatformError):
    """An encrypted event whose key is not here (yet)."""


class TooBig(PlatformError):
    """A file is bigger than we take."""


class RateLimited(PlatformError):
    """The platform asks us to wait."""

    def __init__(self, retry_after_s: float) -> None:
        """Args: retry_after_s: seconds until the platform listens again."""
        super().__init__(f"rate limited for {retry_after_s:.1f} s")
        self.retry_after_s = retry_after_s


class ModelError(BotError):
    """A language model failed."""


class ModelUnavailable(ModelError):
    """The model cannot be reached or loaded, or refuses our key."""


class ModelBusy(ModelError):
    """The model's queue is full, or its provider asks for patience."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        """Args: retry_after_s: seconds the provider asks us to wait, if it says."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelTimeout(ModelError):
    """The model was silent for longer than `timeout_s`."""


class ModelEmpty(ModelError):
    """The model finished without a word."""


class ModelBroken(ModelError):
    """The model stopped half-way or answered nonsense."""


class StorageError(BotError):
    """The database failed."""


class ValueUnreadable(StorageError):
    """A stored body cannot be decrypted: wrong key file or damaged data."""


class ValueEnded(ValueUnreadable):
    """A stored body was only for the process that wrote it, and that has ended."""
