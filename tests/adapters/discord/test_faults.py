"""Discord on its bad days, and models on theirs."""

import asyncio
from typing import Any

import pytest

from bot.core.actions import Reply
from bot.core.errors import Forbidden, ModelBroken, NeedsOperator
from bot.core.events import Author, MessageRef
from bot.llm.echo import EchoModel, Script
from tests.adapters.discord.house import House
from tests.living import PATIENCE_S

SEND = r"POST /channels/\{channel_id\}/messages$"


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "retry_after_s": 0.5},
        {"status": 429, "retry_after_s": 0.5, "is_global": True},
        {"status": 429, "cloudflare": True},
        {"status": 502},
        {"status": 503},
        {"drop": True},
        {"drop": True, "executed": True},
        {"status": 503, "executed": True},
    ],
    ids=str,
)
async def test_whatever_becomes_of_a_call_the_answer_stands_once(house: House, fault: dict[str, Any]) -> None:
    async with house.living():
        await house.quiet(house.general)
        house.lab.fault(SEND, **fault)
        house.anna.ask(house.general, "first")
        await house.stands(house.general, "are you there", "first")
        house.lab.fault(SEND, **fault)
        house.anna.ask(house.general, "second")
        await house.stands(house.general, "are you there", "first", "second")
    assert len(house.lab.calls(SEND)) >= 5


async def test_edits_that_fail_leave_no_answer_half_written(house: House) -> None:
    words = " ".join(f"word{number}" for number in range(30))
    house.model = EchoModel(Script(words, delay_s=0.1))
    async with house.living():
        house.lab.fault("PATCH /channels/", status=503, count=2)
        house.lab.fault("PATCH /channels/", drop=True, count=1)
        house.anna.ask(house.general, "talk")
        await house.stands(house.general, words)


async def test_a_channel_that_is_slow_holds_up_no_other(house: House) -> None:
    other = house.server.channel("other")
    async with house.living():
        gate = asyncio.Event()
        fault = house.lab.fault(SEND, status=0, gate=gate)
        house.anna.ask(house.general, "slow")
        async with asyncio.timeout(PATIENCE_S):
            while fault.count:  # noqa: ASYNC110 - a call that is held up tells nobody
                await asyncio.sleep(0.01)
        house.anna.ask(other, "fast")
        await house.stands(other, "fast")
        assert house.said(house.general) == []
        gate.set()
        await house.stands(house.general, "slow")


async def test_a_missing_permission_is_said_and_not_tried_for_ever(house: House) -> None:
    overwrite = {"id": house.server.id, "type": 0, "allow": "0", "deny": str(1 << 11)}  # Send Messages
    quiet = house.server.channel("quiet", overwrites=[overwrite])
    role = house.lab.bot_role(house.server.guild)
    house.lab.set_permissions(house.server.guild, role, int(role["permissions"]) & ~(1 << 11))
    admin = house.person("ada", "admin")
    async with house.living():
        admin.ask(quiet, "can you?")
        await house.lab.until(lambda: house.lab.calls(SEND))
        house.anna.whisper("and here?")
        await house.whispered(house.anna, "and here?")
    refused = [call for call in house.lab.calls(SEND) if call.status == 403]
    assert 1 <= len(refused) <= 5
    async with house.adapter() as adapter:
        place = house.place(quiet)
        answer = Reply(MessageRef(place, "1"), Author("discord", admin.id, "Ada"), "hello")
        with pytest.raises(Forbidden, match="50013"):
            await adapter.perform(answer, "k")


async def test_what_never_connected_can_be_closed(house: House) -> None:
    async with house.adapter() as adapter:
        await adapter.close()
    assert not house.lab.requests


async def test_a_wrong_token_is_for_the_operator_to_mend(house: House) -> None:
    house.token = "wrong"
    with pytest.raises(ExceptionGroup) as raised:
        async with house.hearing():
            raise AssertionError("nobody is let in with a wrong token")
    assert raised.group_contains(NeedsOperator, match="refuses the token")


async def test_an_intent_that_is_not_granted_is_for_the_operator_to_mend(house: House) -> None:
    house.lab.settings.privileged = ()
    house.message_content = True
    async with house.adapter() as adapter:
        events = adapter.events({})
        start = await anext(events)
        assert start.events == ()
        with pytest.raises(NeedsOperator, match="Message Content Intent"):
            await anext(events)


@pytest.mark.drives("config:discord.token", "config:discord.api_base", "config:discord.gateway_url")
async def test_llmos_run_serves_discord_and_ends_with_a_sentence_at_a_wrong_token(house: House) -> None:
    async with house.service():
        await house.lab.until(lambda: house.lab.identifies)
        house.anna.ask(house.general, "are you a service?")
        await house.stands(house.general, "are you a service?")
    house.token = "wrong"
    async with house.service() as process:
        async with asyncio.timeout(30):
            out, err = await process.communicate()
        assert process.returncode == 1
        assert b"refuses the token" in out + err
        assert b"Traceback" not in out + err


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (Script(" \n "), "had nothing to say"),
        (Script("", error=ModelBroken("it broke")), "My language model failed, so I have no answer"),
        (Script("Half an", error=ModelBroken("it broke")), "Half an\n\n"),
    ],
    ids=["empty", "broken", "cut"],
)
async def test_what_goes_wrong_in_a_model_is_visible(house: House, script: Script, said: str) -> None:
    house.model = EchoModel(script)
    async with house.living():
        house.anna.ask(house.general, "talk")
        await house.server.until(house.general, lambda shown: any(said in s.text for s in shown), house.us)
        call = house.anna.slash(house.general, "ask", question="talk")
        await house.lab.until(lambda: call.original and said in house.lab.message(call.original)["content"])


async def test_a_stalled_answer_shows_that_it_is_being_written(house: House) -> None:
    house.model = EchoModel(Script("", stall=True))
    async with house.living():
        house.anna.ask(house.general, "talk")
        await house.stands(house.general, "…")
