"""Commands keep to what Discord takes, whatever plug-ins define."""

from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.discord.registration import fingerprint, menus, payload
from bot.adapters.reading import Json, table, tables
from bot.commands.command import Commands
from bot.core.permissions import Role
from bot.core.specs import CommandSpec, Kind, Parameter

NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,40}", fullmatch=True)
WORDS = st.text(min_size=1, max_size=200)
BOUNDS = st.one_of(st.none(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False))


@st.composite
def parameters(draw: st.DrawFn) -> Parameter:
    kind = draw(st.sampled_from(Kind))
    choices = (
        st.lists(st.text(min_size=1, max_size=150), max_size=40, unique=True) if kind is Kind.STRING else None
    )
    numeric = kind in (Kind.INTEGER, Kind.NUMBER)
    return Parameter(
        draw(NAMES), kind, draw(WORDS), draw(st.booleans()),
        choices=tuple(draw(choices)) if choices is not None else (),
        minimum=draw(BOUNDS) if numeric else None,
        maximum=draw(BOUNDS) if numeric else None,
    )  # fmt: skip


@st.composite
def specs(draw: st.DrawFn) -> CommandSpec:
    return CommandSpec(
        tuple(draw(st.lists(NAMES, min_size=1, max_size=2))),
        draw(WORDS),
        tuple(draw(st.lists(parameters(), max_size=28, unique_by=lambda each: each.name))),
        draw(st.sampled_from(Role)),
        menu=draw(st.one_of(st.none(), st.text("abc ", min_size=1, max_size=60))),
    )


@given(found=st.lists(specs(), max_size=6, unique_by=lambda spec: spec.path))
def test_whatever_is_defined_discord_takes_it(found: list[CommandSpec]) -> None:
    commands = payload(found)
    slash = [each for each in commands if each["type"] == 1]
    menu = [each for each in commands if each["type"] == 3]
    assert len(slash) <= 100
    assert len(menu) <= 15
    for kind in (slash, menu):
        assert len({each["name"] for each in kind}) == len(kind)
    for command in slash:
        check_described(command)
    for command in menu:
        assert 1 <= len(str(command["name"])) <= 32


def test_of_too_many_commands_the_first_are_registered() -> None:
    found = [CommandSpec((f"name{n:03}",), "Do it.", menu=f"Do {n}") for n in range(150)]
    names = [each["name"] for each in payload(found) if each["type"] == 1]
    assert names == [f"name{n:03}" for n in range(100)]
    assert sum(each["type"] == 3 for each in payload(found)) == 15


def check_described(thing: Json) -> None:
    assert 1 <= len(str(thing["name"])) <= 32
    assert 1 <= len(str(thing["description"])) <= 100
    assert all(1 <= len(str(each)) <= 100 for each in table(thing, "description_localizations").values())
    options = tables(thing, "options")
    assert len(options) <= 25
    assert len({option["name"] for option in options}) == len(options)
    required = [bool(option.get("required")) for option in options]
    assert required == sorted(required, reverse=True), "the required ones come first"
    for option in options:
        check_described(option)
        choices = tables(option, "choices")
        assert len(choices) <= 25
        assert all(1 <= len(str(choice["value"])) <= 100 for choice in choices)
        assert all(abs(float(str(option.get(key, 0)))) <= 2**53 for key in ("min_value", "max_value"))


@given(found=st.permutations(Commands.discover().specs))
def test_the_order_in_which_commands_are_found_does_not_register_them_again(found: list[CommandSpec]) -> None:
    assert fingerprint(payload(found)) == fingerprint(payload(Commands.discover().specs))


def test_every_command_of_ours_is_registered_whole() -> None:
    specs = Commands.discover().specs
    commands = payload(specs)
    paths: set[tuple[str, ...]] = set()
    for command in (each for each in commands if each["type"] == 1):
        subcommands = [option for option in tables(command, "options") if option["type"] == 1]
        paths |= {(str(command["name"]), str(each["name"])) for each in subcommands}
        if not subcommands:
            paths.add((str(command["name"]),))
    assert paths == {spec.path for spec in specs}
    assert menus(specs) == {spec.menu: spec.path for spec in specs if spec.menu is not None}
