"""Real refusals are waited for, by one request at a time; guesses hold up nothing that is final."""

import asyncio
from pathlib import Path

import pytest

from bot.adapters.matrix.calls import Gate
from bot.adapters.pacing import Bucket, EditBudget, Priority
from bot.core.actions import StreamedReply
from bot.core.errors import RateLimited
from tests.adapters.matrix.sender import chunked, hands
from tests.adapters.virtual_time import now, run
from tests.labs.synapse import Synapse


class Server:
    """Takes a burst of events, then one each five seconds, as Synapse does."""

    def __init__(self, burst: int) -> None:
        self._bucket = Bucket(0.2, burst)
        self.taken: list[float] = []
        self.refused = 0

    async def take(self) -> None:
        await asyncio.sleep(0.01)
        ready_at = self._bucket.ready_at(now())
        if ready_at > now():
            self.refused += 1
            raise RateLimited(ready_at - now())
        self._bucket.take(now())
        self.taken.append(now() - 1_000)


async def insisting(gate: Gate, server: Server) -> None:
    while True:
        try:
            return await gate.through(server.take)
        except RateLimited as refusal:
            await asyncio.sleep(refusal.retry_after_s)


def test_many_that_are_refused_do_not_besiege_the_server() -> None:
    async def scenario() -> Server:
        gate, server = Gate(), Server(burst=2)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(12):
                tasks.create_task(insisting(gate, server))
        return server

    server = run(scenario())
    assert len(server.taken) == 12
    assert server.taken[-1] == pytest.approx(50, abs=1), "as fast as the server lets us"
    assert server.refused <= 10 + 10, "the first burst, and then one for each that is taken"


def test_a_refusal_is_known_to_everybody_for_as_long_as_it_lasts() -> None:
    async def scenario() -> tuple[int, float]:
        gate, server = Gate(), Server(burst=1)
        await gate.through(server.take)
        with pytest.raises(RateLimited):
            await gate.through(server.take)
        await asyncio.sleep(1)
        with pytest.raises(RateLimited) as refusal:
            await gate.through(server.take)
        return server.refused, refusal.value.retry_after_s

    refused, wait_s = run(scenario())
    assert refused == 1
    assert wait_s == pytest.approx(4, abs=0.1)


def test_a_server_that_names_no_time_is_left_alone_for_a_while() -> None:
    async def refusing() -> None:
        raise RateLimited(0)

    async def scenario() -> float:
        with pytest.raises(RateLimited) as refusal:
            await Gate().through(refusing)
        return refusal.value.retry_after_s

    assert run(scenario()) == pytest.approx(0.1)


def test_an_empty_budget_holds_up_edits_but_no_final_text() -> None:
    async def scenario() -> tuple[float, float]:
        budget = EditBudget(Bucket(0.2, 10), 3, finals_at_once=True)
        for _ in range(30):
            await budget.lane().turn(Priority.FINAL)
        thirty = now()
        await budget.lane().turn(Priority.FIRST)
        return thirty - 1_000, now() - thirty

    finals, first = run(scenario())
    assert finals == pytest.approx(0)
    assert first == pytest.approx(5)


async def test_on_a_limited_server_every_answer_arrives_whole_and_once(
    synapse: Synapse, tmp_path: Path
) -> None:
    async with hands(synapse, tmp_path) as house:
        synapse.limit(house.login.user_id, 2, 4)
        questions = [await house.question(f"question {n}") for n in range(9)]
        async with asyncio.TaskGroup() as tasks:
            for n, question in enumerate(questions):
                answer = StreamedReply(question, house.asker, chunked("Answer ", f"number {n}."))
                tasks.create_task(house.sender.perform(answer, f"k{n}"))
        shown = await house.shown()
        assert {each.reply_to: each.text for each in shown} == {
            question.id: f"Answer number {n}." for n, question in enumerate(questions)
        }
        assert len(shown) == 9
        assert house.account.sent() <= 9 + 9 + 5
