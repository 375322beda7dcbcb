"""From the configuration to adapters: one for each platform that has a section, imported only then."""

from pathlib import Path
from typing import TYPE_CHECKING

from bot.adapters.adapter import Adapter
from bot.cli.fit import missing_packages
from bot.config import Config, Permissions
from bot.core.errors import ConfigError
from bot.core.text import _

if TYPE_CHECKING:
    from bot.adapters import discord, matrix

_POWER, _MATRIX_USER = "matrix:power:", "matrix:user:"
_ROLE, _DISCORD_USER = "discord:role:", "discord:user:"


def adapters_for(config: Config) -> list[Adapter]:
    """The configured platforms, not connected yet; secrets are read here, at the moment of use.

    Raises:
        ConfigError: a secret cannot be read, or a package is missing.
    """
    adapters = [_discord(config)] if config.has_discord else []
    return [*adapters, _matrix(config)] if config.has_matrix else adapters


def discord_folder(config: Config) -> Path:
    """Where the account keeps which commands are registered, and whose answers are open."""
    return config.bot.data_dir / "discord"


def matrix_folder(config: Config) -> Path:
    """Where the account keeps its session and its keys."""
    return config.bot.data_dir / "matrix"


def require_packages(platform: str) -> None:
    """Say it in a sentence if a platform's packages are not here.

    Raises:
        ConfigError: they are missing.
    """
    extra, missing = missing_packages(platform)
    if missing:
        what = _("{name} needs {missing}.", name=f"[{platform}]", missing=", ".join(missing))
        mend = _("Run: pip install 'llmos-bot[{extra}]' -c constraints.txt", extra=extra)
        raise ConfigError(f"{what} {mend}")


def _discord(config: Config) -> Adapter:
    require_packages("discord")
    from bot.adapters.discord import DiscordAdapter  # noqa: PLC0415 - its packages are optional

    return DiscordAdapter(discord_settings(config))


def discord_settings(config: Config) -> "discord.Settings":
    """What the adapter is told.

    Raises:
        ConfigError: the token cannot be read.
    """
    from bot.adapters.discord.settings import Grants, Settings  # noqa: PLC0415 - its packages are optional

    discord, permissions = config.discord, config.permissions
    return Settings(
        token=discord.token.reveal() if discord.token is not None else "",
        folder=discord_folder(config),
        api_base=discord.api_base,
        gateway_url=discord.gateway_url,
        message_content=discord.message_content,
        moderators_channel=discord.moderators_channel,
        grants=Grants(
            moderator_roles=_named(_ROLE, permissions.moderator),
            admin_roles=_named(_ROLE, permissions.admin),
            moderators=_named(_DISCORD_USER, permissions.moderator),
            admins=_named(_DISCORD_USER, permissions.admin),
        ),
    )


def _matrix(config: Config) -> Adapter:
    require_packages("matrix")
    from bot.adapters.matrix import MatrixAdapter  # noqa: PLC0415 - its packages are optional

    return MatrixAdapter(matrix_settings(config))


def matrix_settings(config: Config) -> "matrix.Settings":
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
        grants=_matrix_grants(config.permissions),
    )


def _matrix_grants(permissions: Permissions) -> "matrix.Grants":
    from bot.adapters.matrix.settings import Grants  # noqa: PLC0415 - its packages are optional

    return Grants(
        moderator_power=_power(permissions.moderator),
        admin_power=_power(permissions.admin),
        moderators=_named(_MATRIX_USER, permissions.moderator),
        admins=_named(_MATRIX_USER, permissions.admin),
    )


def _power(grants: tuple[str, ...]) -> int | None:
    levels = [int(grant.removeprefix(_POWER)) for grant in grants if grant.startswith(_POWER)]
    return min(levels, default=None)


def _named(kind: str, grants: tuple[str, ...]) -> frozenset[str]:
    return frozenset(grant.removeprefix(kind) for grant in grants if grant.startswith(kind))
