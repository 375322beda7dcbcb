"""The remote engine over real HTTP against a server that answers well."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from bot.llm.model import Limits, Turn
from bot.llm.openai import OpenAIModel
from tests.llm.misbehaving import LONG_TEXT, Misbehaving

LIMITS = Limits(max_new_tokens=2000)


@pytest.fixture
async def model(server: Misbehaving) -> AsyncGenerator[OpenAIModel]:
    model = OpenAIModel("tiny", base_url=server.base_url, api_key="sk-our-own-key", timeout_s=20)
    yield model
    await model.close()


async def said(model: OpenAIModel, question: str, limits: Limits = LIMITS) -> list[str]:
    pieces = [piece async for piece in model.stream([Turn("user", question)], limits)]
    return [piece for piece in pieces if isinstance(piece, str)]


async def test_an_answer_comes_in_pieces_and_whole(model: OpenAIModel) -> None:
    pieces = await said(model, "tell me more please")
    assert pieces == ["tell", " me", " more", " please"]


async def test_a_long_answer_loses_no_character(model: OpenAIModel) -> None:
    assert "".join(await said(model, "LONG")) == LONG_TEXT


async def test_turns_and_limits_arrive_as_given(model: OpenAIModel, server: Misbehaving) -> None:
    turns = [Turn("system", "Be kind."), Turn("user", "hi"), Turn("assistant", "hello"), Turn("user", "PING")]
    async for _ in model.stream(turns, Limits(max_new_tokens=9, temperature=0, stop=("\nUser:",))):
        pass
    body = server.asked[0].body
    assert body["messages"] == [{"role": turn.role, "content": turn.text} for turn in turns]
    assert (body["model"], body["stream"], body["max_tokens"], body["temperature"]) == ("tiny", True, 9, 0)
    assert body["stop"] == ["\nUser:"]


async def test_nothing_about_members_or_this_machine_is_sent(
    model: OpenAIModel, server: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    await said(model, "PING")
    headers = {name.lower(): value for name, value in server.asked[0].headers.items()}
    assert not [name for name in headers if name.startswith(("x-stainless", "openai-"))]
    assert headers["user-agent"].startswith("LLMOS/")
    assert headers["authorization"] == "Bearer sk-our-own-key"
    assert set(server.asked[0].body) == {
        "model", "messages", "stream", "stream_options", "max_tokens", "temperature"
    }  # fmt: skip


async def test_the_environment_lends_no_key_organization_or_address(
    server: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-the-environment")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-secret")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    model = OpenAIModel("tiny", base_url=server.base_url)
    await said(model, "PING")
    headers = {name.lower() for name in server.asked[0].headers}
    assert not headers & {"authorization", "openai-organization", "openai-project"}
    await model.close()


async def test_usage_is_counted_as_the_server_tells_it(model: OpenAIModel) -> None:
    await said(model, "PING")
    await said(model, "PING")
    assert (model.usage.prompt_tokens, model.usage.completion_tokens) == (22, 14)


async def test_parameters_a_server_refuses_are_left_out_from_then_on(
    model: OpenAIModel, server: Misbehaving
) -> None:
    assert "".join(await said(model, "PICKY one")) == "PICKY one"
    assert len(server.asked) == 4
    assert "".join(await said(model, "PICKY two")) == "PICKY two"
    assert len(server.asked) == 5
    assert set(server.asked[-1].body) == {"model", "messages", "stream", "max_completion_tokens"}
    assert server.asked[-1].body["max_completion_tokens"] == LIMITS.max_new_tokens


async def test_closing_the_stream_closes_the_connection(model: OpenAIModel, server: Misbehaving) -> None:
    async with aclosing(model.stream([Turn("user", "FOREVER")], LIMITS)) as pieces:
        async for _ in pieces:
            break
    async with asyncio.timeout(60):
        await server.asked[0].ended.wait()
    assert server.asked[0].client_closed


@pytest.mark.parametrize("word", ["STALL", "STALL_MID", "FOREVER"])
async def test_a_cancelled_task_closes_the_connection(
    model: OpenAIModel, server: Misbehaving, word: str
) -> None:
    async with asyncio.timeout(60):
        task = asyncio.create_task(said(model, word, Limits(max_new_tokens=1_000_000)))
        await server.arrived.wait()
        task.cancel()
        await asyncio.wait([task])
        await server.asked[0].ended.wait()
    assert task.cancelled()
    assert server.asked[0].client_closed


async def test_a_loopback_or_private_server_is_local() -> None:
    for url, local in {
        "http://127.0.0.1:8000/v1": True,
        "http://[::1]:8000/v1": True,
        "http://localhost:11434/v1": True,
        "http://192.168.1.7/v1": True,
        "http://ollama:11434/v1": True,
        "http://gpu.home.arpa/v1": True,
        "https://api.openai.com/v1": False,
        "https://8.8.8.8/v1": False,
        "https://10.0.0.1.example.com/v1": False,
    }.items():
        model = OpenAIModel("tiny", base_url=url)
        assert model.is_local is local, url
        await model.close()
