"""Access tokens that expire or are revoked: the bot comes back as the same device, and besieges nobody."""

import asyncio
import itertools
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.adapters.matrix.house import House, housed
from tests.labs.people import Person
from tests.labs.relay import Passed, Relay
from tests.labs.synapse import Login, Synapse, call, running

LONG = os.environ.get("LLMOS_DRILLS") == "long"
LIFETIME_S = 8 if LONG else 4
QUESTIONS = 4 if LONG else 2
DEAD_S = 12 if LONG else 3
BACK_S = 5.0
"""Within this time after a token is revoked, the bot has answered what was asked."""

AT_ONCE = 5
"""Requests that may be under way when a token dies: sync, receipt, typing, its end, the answer."""

pytestmark = pytest.mark.drill


def sessions(house: House) -> set[str]:
    """The devices of the bot's account."""
    url = f"{house.synapse.url}/_matrix/client/v3/devices"
    devices = call("GET", url, token=house.bot.access_token)[1]["devices"]
    assert isinstance(devices, list)
    return {str(device["device_id"]) for device in devices}


def revoke(house: House, devices: set[str]) -> None:
    """End the bot's sessions; this test's own one stays."""
    others = [device for device in devices if device != house.bot.device_id]
    path = f"/_synapse/admin/v2/users/{house.bot.user_id}/delete_devices"
    house.synapse.administer("POST", path, {"devices": others})


def for_ever(synapse: Synapse, login: Login) -> Login:
    """The same account with a token that does not expire."""
    path = f"/_synapse/admin/v1/users/{login.user_id}/login"
    return replace(login, access_token=str(synapse.administer("POST", path, {})["access_token"]))


def while_dead(relay: Relay) -> list[Passed]:
    """What was asked of the homeserver from the first refusal of a token to the log-in that mended it."""
    first = next(passed for passed in relay.passed if passed.status == 401)
    back = next(p for p in relay.passed if "/login" in p.path and p.status == 200 and p.ended > first.ended)
    return [passed for passed in relay.passed if first.ended <= passed.begun and passed.ended <= back.ended]


async def asked(house: House, who: Person, room: str, questions: list[str], text: str) -> None:
    """Ask one more question, and see that all so far have their answers."""
    questions.append(text)
    await house.ask(who, room, text)
    await house.stands(who, room, *questions)


@pytest.mark.homeserver
async def test_tokens_that_expire_again_and_again_cost_no_answer_and_no_new_device(tmp_path: Path) -> None:
    server = running(tmp_path / "server", token_lifetime=f"{LIFETIME_S}s")
    with server as synapse:
        async with housed(synapse, tmp_path) as house, Relay(synapse.url).open() as relay:
            house.homeserver = relay.url
            anna = await house.person("anna")
            anna.login, house.bot = for_ever(synapse, anna.login), for_ever(synapse, house.bot)
            room = await anna.make_room(house.bot.user_id)
            questions: list[str] = []
            async with house.living():
                await house.lives_in(room)
                await asked(house, anna, room, questions, "question 0")
                devices = sessions(house)
                for number in range(1, QUESTIONS):
                    await asyncio.sleep(LIFETIME_S + 0.5)  # the token's whole life
                    await asked(house, anna, room, questions, f"question {number}")
            assert sessions(house) == devices
    logins = relay.count("/login", 200)
    assert logins >= QUESTIONS
    assert relay.count("", 401) <= (logins - 1) * AT_ONCE


async def test_a_revoked_token_is_replaced_and_the_question_answered(house: House) -> None:
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    async with Relay(house.synapse.url).open() as relay:
        house.homeserver = relay.url
        async with house.living():
            await house.lives_in(room)
            questions: list[str] = []
            await asked(house, anna, room, questions, "are you there")
            before = sessions(house)
            revoke(house, before)
            async with asyncio.timeout(BACK_S):
                await asked(house, anna, room, questions, "and now")
        assert len(while_dead(relay)) <= AT_ONCE
    assert sessions(house) == before


async def test_while_no_log_in_is_possible_the_homeserver_gets_a_request_a_second(house: House) -> None:
    room = await house.room("anna", "ben")
    anna = await house.person("anna")
    async with Relay(house.synapse.url).open() as relay:
        house.homeserver = relay.url
        async with house.living():
            await house.lives_in(room)
            questions: list[str] = []
            await asked(house, anna, room, questions, "are you there")
            closed = {"errcode": "M_LIMIT_EXCEEDED", "error": "too often", "retry_after_ms": 50}
            relay.refuse = lambda method, path: (429, closed) if path.endswith("/login") else None
            revoke(house, sessions(house))
            await house.ask(anna, room, "and now")
            await relay.until(lambda: relay.count("/login", 429) > 0)
            await asyncio.sleep(DEAD_S)  # long enough for many attempts, if they were made
            relay.refuse = lambda method, path: None
            await house.stands(anna, room, "are you there", "and now")
        dead = while_dead(relay)
    assert len(dead) <= AT_ONCE + dead[-1].ended - dead[0].begun + 1
    logins = [passed for passed in dead if "/login" in passed.path]
    assert len(logins) >= DEAD_S / 2, "nobody tried"
    assert all(later.begun - earlier.begun > 0.9 for earlier, later in itertools.pairwise(logins))
