"""From the configuration to adapters: one for each platform that has a section, imported only then."""

from pathlib import Path
from typing import TYPE_CHECKING

from bot.adapters.adapter import Adapter
from bot.cli.fit import missing_packages
from bot.config import Config, Permissions
from bot.core.errors import ConfigError
from bot.core.text import _

if TYPE_CHECKING:
    from bot.adapters.matrix.settings import Grants, Settings

_POWER, _USER = "matrix:power:", "matrix:user:"
_FOLDER = "matrix"
"""In the data folder: what the account has to remember."""


def adapters_for(config: Config) -> list[Adapter]:
    """The configured platforms, not connected yet; secrets are read here, at the moment of use.

    Raises:
        ConfigError: a secret cannot be read, or a package is missing.
    """
    return [_matrix(config)] if config.has_matrix else []


def matrix_folder(config: Config) -> Path:
    """Where the account keeps its session and its keys."""
    return config.bot.data_dir / _FOLDER


def require_matrix_packages() -> None:
    """Say it in a sentence if they are not here.

    Raises:
        ConfigError: they are missing.
    """
    extra, missing = missing_packages("matrix")
    if missing:
        what = _("{name} needs {missing}.", name="[matrix]", missing=", ".join(missing))
        mend = _("Run: pip install 'llmos-bot[{extra}]' -c constraints.txt", extra=extra)
        raise ConfigError(f"{what} {mend}")


def _matrix(config: Config) -> Adapter:
    require_matrix_packages()
    from bot.adapters.matrix import MatrixAdapter  # noqa: PLC0415 - its packages are optional

    return MatrixAdapter(matrix_settings(config))


def matrix_settings(config: Config) -> "Settings":
    """What the adapter is told.

    Raises:
        ConfigError: a secret cannot be read.
    """
    from bot.adapters.matrix.settings import Settings  # noqa: PLC0415 - its packages are optional

    matrix = config.matrix
    return Settings(
        homeserver=matrix.homeserver or "",
        user_id=matrix.user_id or "",
        folder=matrix_folder(config),
        password=matrix.password.reveal() if matrix.password is not None else None,
        access_token=matrix.access_token.reveal() if matrix.access_token is not None else None,
        device_name=matrix.device_name,
        encryption=matrix.encryption,
        invites_from=matrix.invites_from,
        moderators_room=matrix.moderators_room,
        grants=_grants(config.permissions),
    )


def _grants(permissions: Permissions) -> "Grants":
    from bot.adapters.matrix.settings import Grants  # noqa: PLC0415 - its packages are optional

    return Grants(
        moderator_power=_power(permissions.moderator),
        admin_power=_power(permissions.admin),
        moderators=_users(permissions.moderator),
        admins=_users(permissions.admin),
    )


def _power(grants: tuple[str, ...]) -> int | None:
    levels = [int(grant.removeprefix(_POWER)) for grant in grants if grant.startswith(_POWER)]
    return min(levels, default=None)


def _users(grants: tuple[str, ...]) -> frozenset[str]:
    return frozenset(grant.removeprefix(_USER) for grant in grants if grant.startswith(_USER))
