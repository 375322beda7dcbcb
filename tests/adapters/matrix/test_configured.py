"""Every key of [matrix] and [permissions], from the file to what people see."""

import asyncio
from pathlib import Path

import pytest

from bot.adapters.matrix import MatrixAdapter
from bot.app import opened
from bot.cli.platforms import matrix_settings
from bot.config import load
from bot.llm.echo import EchoModel
from tests.adapters.matrix.house import House
from tests.labs.people import person


@pytest.mark.drives("config:matrix.homeserver", "config:matrix.user_id", "config:matrix.password")
async def test_the_account_of_the_file_answers(house: House) -> None:
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    async with house.living():
        await house.lives_in(room)
        await house.ask(anna, room, "hello")
        (answer,) = await house.stands(anna, room, "hello")
    assert answer.sender == house.bot.user_id


@pytest.mark.drives("config:matrix.access_token")
async def test_an_access_token_is_enough(house: House, tmp_path: Path) -> None:
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    token = tmp_path / "token"
    token.write_text(house.bot.access_token, encoding="utf-8")
    token.chmod(0o600)
    path = house.write()
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace('password = "file:password"', 'access_token = "file:token"'), encoding="utf-8"
    )
    config = load(path, environ={})
    adapter = MatrixAdapter(matrix_settings(config))
    async with opened(config, [adapter], models={"echo": EchoModel()}) as app, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(app.run())
        await house.lives_in(room)
        await house.ask(anna, room, "hello")
        await house.stands(anna, room, "hello")
        running.cancel()


@pytest.mark.drives("config:matrix.device_name")
async def test_the_session_is_called_as_the_file_says(house: House) -> None:
    house.extra = 'device_name = "the bot of the club"'
    async with house.living(), person(house.synapse.url, house.bot) as itself:
        devices = (await itself.call("GET", "/v3/devices"))["devices"]
    assert "the bot of the club" in {device["display_name"] for device in devices}


@pytest.mark.drives("config:matrix.moderators_room")
async def test_reports_arrive_in_the_room_of_the_moderators(house: House) -> None:
    desk, room = await house.room("anna", "mia"), await house.room("anna", "ben")
    anna, ben = await house.person("anna"), await house.person("ben")
    house.extra = f'moderators_room = "{desk}"'
    async with house.living():
        await house.lives_in(desk, room)
        rude = await anna.say(room, "you fool")
        await ben.say(room, "!llmos report this is rude", reply_to=rude)
        (alert,) = await house.answers(anna, desk, 1)
    assert "this is rude" in alert.text


@pytest.mark.drives("config:permissions.moderator", "config:permissions.admin")
@pytest.mark.parametrize("role", ["moderator", "admin"])
async def test_who_is_named_in_the_file_may_moderate_without_power(house: House, role: str) -> None:
    room = await house.room("anna", "ben", "carl")
    anna, ben, carl = [await house.person(name) for name in ("anna", "ben", "carl")]
    house.sections = f'[permissions]\n{role} = ["matrix:user:{ben.id}"]'
    async with house.living():
        await house.lives_in(room)
        await carl.say(room, "!llmos channel set answer all")
        (refused,) = await house.answers(anna, room, 1)
        assert "moderators" in refused.text
        await ben.say(room, "!llmos channel set answer all")
        await house.answers(anna, room, 2)
        await anna.say(room, "no mention needed")
        shown = await house.answers(anna, room, 3)
    assert "no mention needed" in [each.text for each in shown]
