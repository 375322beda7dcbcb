"""Python and the optional packages that the configuration needs."""

import platform
import sys
from collections.abc import AsyncIterator

from bot.cli.checkups import Finding
from bot.cli.fit import missing_packages
from bot.config import Config
from bot.core.text import _

OLDEST = (3, 11)
"""As pyproject.toml says."""


async def findings(config: Config) -> AsyncIterator[Finding]:
    """Python's version, and every extra that something configured needs."""
    fine = sys.version_info >= OLDEST
    yield Finding(
        "python",
        fine,
        f"{platform.python_implementation()} {platform.python_version()}",
        "" if fine else _("Install Python 3.11 or newer and make the environment again."),
    )
    wanted: set[str] = {engine.engine for engine in config.llm.engines}
    if config.storage.path is None:
        wanted.add("postgresql")
    if config.has_discord:
        wanted.add("discord")
    if config.has_matrix:
        wanted.add("matrix")
    for name in sorted(wanted):
        extra, missing = missing_packages(name)
        if missing:
            detail = _("{name} needs {missing}.", name=name, missing=", ".join(missing))
            fix = _("Run: pip install 'llmos-bot[{extra}]' -c constraints.txt", extra=extra)
            yield Finding(f"packages for {name}", False, detail, fix)
        elif extra:
            yield Finding(f"packages for {name}", True, _("installed"))
