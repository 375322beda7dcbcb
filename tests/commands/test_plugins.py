"""Other distributions offer commands under the entry point group `llmos.commands`."""

from pathlib import Path

import pytest

from bot.commands.command import Commands
from bot.core.errors import ConfigError

CODE = '''
from bot.commands.command import Context, command
from bot.core.permissions import Role


@command("{name} now", role=Role.ADMIN)
async def now(context: Context) -> str:
    """Do it now."""
    return "done"


@command("{name} later")
async def later(context: Context) -> str:
    """Do it later."""
    return "soon"


nonsense = 5
'''


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that Python takes for one of installed packages."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(folder: Path, name: str, offer: str) -> None:
    """A distribution with one module and one entry point."""
    (folder / f"{name}.py").write_text(CODE.format(name=name), encoding="utf-8")
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[llmos.commands]\n{name} = {offer}\n", encoding="utf-8")


def test_a_package_offers_one_command_or_a_module_of_them(installed: Path) -> None:
    install(installed, "pluginone", "pluginone:later")
    install(installed, "pluginmany", "pluginmany")
    commands = Commands.discover()
    names = {command.name for command in commands.all}
    assert {"pluginone later", "pluginmany now", "pluginmany later", "ask"} <= names
    assert "pluginone now" not in names
    assert commands.parse("PluginMany now").command.name == "pluginmany now"
    assert {"pluginmany_later", "ask"} <= {tool.name for tool in commands.tools}
    assert commands.specs == tuple(command.spec for command in commands.all)


def test_what_is_no_command_is_refused_with_how_to_mend_it(installed: Path) -> None:
    install(installed, "pluginwrong", "pluginwrong:nonsense")
    with pytest.raises(ConfigError, match=r"offers 5 .* Uninstall the package, or mend its entry point"):
        Commands.discover()


def test_a_package_cannot_take_the_name_of_one_of_ours(installed: Path) -> None:
    install(installed, "ask", "ask")
    with pytest.raises(ConfigError, match="Two commands share the name 'ask'"):
        Commands.discover()
