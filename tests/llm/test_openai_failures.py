"""The remote engine against everything a server can do wrong, over real HTTP."""

import socket
from collections.abc import AsyncGenerator

import pytest

from bot.core.errors import ModelBroken, ModelBusy, ModelEmpty, ModelError, ModelTimeout, ModelUnavailable
from bot.llm.model import Limits, Turn
from bot.llm.openai import OpenAIModel
from tests.llm.misbehaving import Misbehaving

KEY = "sk-our-very-own-key-123456"


class Slept(list[float]):
    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def slept() -> Slept:
    return Slept()


@pytest.fixture
async def model(server: Misbehaving, slept: Slept) -> AsyncGenerator[OpenAIModel]:
    model = OpenAIModel("tiny", base_url=server.base_url, api_key=KEY, timeout_s=20, sleep=slept)
    yield model
    await model.close()


async def ask(model: OpenAIModel, question: str, max_new_tokens: int = 2000) -> tuple[str, ModelError | None]:
    """What came before the end, and the error it ended with."""
    text = ""
    try:
        async for piece in model.stream([Turn("user", question)], Limits(max_new_tokens=max_new_tokens)):
            assert isinstance(piece, str)
            piece.encode()  # half a character cannot be encoded
            text += piece
    except ModelError as error:
        return text, error
    return text, None


@pytest.mark.parametrize(
    ("question", "error", "tries"),
    [
        ("FAIL400", ModelUnavailable, 1),
        ("FAIL401", ModelUnavailable, 1),
        ("FAIL402", ModelUnavailable, 1),
        ("FAIL403", ModelUnavailable, 1),
        ("FAIL404", ModelUnavailable, 1),
        ("FAIL307", ModelUnavailable, 1),
        ("FAIL422", ModelUnavailable, 1),
        ("FAIL429", ModelBusy, 3),
        ("FAIL500", ModelUnavailable, 3),
        ("FAIL502", ModelUnavailable, 3),
        ("FAIL503", ModelUnavailable, 3),
        ("FAIL529", ModelBusy, 3),
        ("CLOSED", ModelUnavailable, 3),
        ("EMPTY", ModelEmpty, 1),
        ("BLANK", ModelEmpty, 1),
        ("BADJSON", ModelBroken, 1),
        ("HTML", ModelBroken, 1),
        ("UNSTREAMED", ModelBroken, 1),
        ("FILTERED", ModelBroken, 1),
    ],
)
async def test_a_failure_before_the_first_text_has_its_own_error_and_number_of_tries(
    model: OpenAIModel, server: Misbehaving, question: str, error: type[ModelError], tries: int
) -> None:
    text, raised = await ask(model, question)
    assert text.strip() == ""
    assert type(raised) is error
    assert len(server.asked) == tries


@pytest.mark.parametrize("question", ["CUT", "CUT_CLEAN", "ERROR_MID"])
async def test_an_answer_that_breaks_half_way_keeps_its_text_and_is_not_tried_again(
    model: OpenAIModel, server: Misbehaving, question: str
) -> None:
    text, raised = await ask(model, question)
    assert len(text.split()) >= 3
    assert type(raised) is ModelBroken
    assert len(server.asked) == 1


@pytest.mark.parametrize(("question", "begins"), [("STALL", ""), ("STALL_MID", "This answer stops")])
async def test_a_server_that_falls_silent_is_given_up(
    server: Misbehaving, question: str, begins: str
) -> None:
    model = OpenAIModel("tiny", base_url=server.base_url, timeout_s=0.2)
    text, raised = await ask(model, question)
    assert text == begins
    assert type(raised) is ModelTimeout
    await server.asked[0].ended.wait()
    assert server.asked[0].client_closed
    await model.close()


async def test_nothing_listening_at_the_address_is_unavailable(slept: Slept) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    model = OpenAIModel("tiny", base_url=url, sleep=slept)
    assert type((await ask(model, "hi"))[1]) is ModelUnavailable
    assert len(slept) == 2
    await model.close()


async def test_two_failures_in_a_row_are_mended_by_the_third_try(
    model: OpenAIModel, server: Misbehaving, slept: Slept
) -> None:
    assert await ask(model, "FLAKY500 but kind") == ("FLAKY500 but kind", None)
    assert len(server.asked) == 3
    assert 0.5 <= slept[0] < slept[1] <= 2


async def test_a_server_that_says_when_to_come_back_is_obeyed(model: OpenAIModel, slept: Slept) -> None:
    _, raised = await ask(model, "FAIL429AFTER7")
    assert slept == [7, 7]
    assert isinstance(raised, ModelBusy)
    assert raised.retry_after_s == 7


async def test_no_try_waits_beyond_the_patience(
    model: OpenAIModel, server: Misbehaving, slept: Slept
) -> None:
    _, raised = await ask(model, "FAIL429AFTER21")
    assert isinstance(raised, ModelBusy)
    assert raised.retry_after_s == 21
    assert (slept, len(server.asked)) == ([], 1)


async def test_a_senseless_retry_after_is_ignored(model: OpenAIModel, slept: Slept) -> None:
    for value in ("soon", "nan", "-5"):
        _, raised = await ask(model, f"FAIL429AFTER{value}")
        assert isinstance(raised, ModelBusy)
        assert max(slept) <= 2


async def test_no_error_repeats_a_key(model: OpenAIModel) -> None:
    for question in ("FAIL401", "FAIL500", "ERROR_MID", "BADJSON", "CLOSED"):
        _, raised = await ask(model, f"{question} {KEY}")
        assert "sk-" not in str(raised)
        assert len(str(raised)) < 400


async def test_a_piece_never_holds_half_a_character(model: OpenAIModel) -> None:
    text, raised = await ask(model, "HALF_UTF8")
    assert raised is None
    assert text.startswith("猫 ok")
    assert text.endswith(" ok")
    text, raised = await ask(model, "SURROGATES")
    assert (text, raised) == ("cat 🐱 and \ufffd alone \ufffd", None)


async def test_more_than_was_asked_for_is_cut(model: OpenAIModel, server: Misbehaving) -> None:
    for question in ("HUGE", "FOREVER"):
        text, raised = await ask(model, question, max_new_tokens=50)
        assert raised is None
        assert 50 <= len(text) <= 50 * 16
    await server.asked[-1].ended.wait()
    assert server.asked[-1].client_closed


@pytest.mark.parametrize("question", ["STALL_END", "NO_DONE", "NO_FINISH"])
async def test_a_complete_answer_counts_however_its_stream_ends(model: OpenAIModel, question: str) -> None:
    text, raised = await ask(model, question)
    assert text
    assert raised is None
