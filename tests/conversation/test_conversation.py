"""Whatever happens to a model, who asked is told; and only what a model may be asked reaches it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing

import pytest

from bot.conversation.policy import ChannelPolicy
from bot.conversation.quota import Quota
from bot.conversation.running import Handle
from bot.core.actions import Chunk, Status
from bot.core.errors import ModelBroken, ModelBusy, ModelError, ModelTimeout, ModelUnavailable
from bot.core.events import Channel, Message
from bot.llm.echo import EchoModel, Script
from bot.llm.model import Capabilities, Limits, Piece, Progress, Queued, Reading, Turn, no_progress
from bot.llm.selection import Patient
from bot.llm.slots import Slotted
from bot.storage.store import Store
from tests.conversation.house import Clock, Talk, statuses, talk, text_of
from tests.messages import BOB, CHANNEL

ENGLISH_ONLY = Capabilities(languages=frozenset({"en"}))
ABLE = Capabilities()
DEMO = Capabilities(can_answer=False)
FAILURES: tuple[ModelError, ...] = (
    ModelUnavailable("secret-host refused the connection"),
    ModelBusy("secret queue"),
    ModelTimeout("secret stall"),
    ModelBroken("secret stack trace"),
    ModelError("secret reason"),
)


class Pieces(EchoModel):
    """Yields exactly these pieces."""

    def __init__(self, *pieces: Piece, capabilities: Capabilities = ABLE) -> None:
        super().__init__(capabilities=capabilities)
        self._pieces = pieces

    async def stream(self, turns: Sequence[Turn], limits: Limits) -> AsyncGenerator[Piece]:
        self.asked.append(tuple(turns))
        self.limits = limits
        for piece in self._pieces:
            yield piece


class Endless(EchoModel):
    """Ignores its limit and says one thing for ever."""

    def __init__(self, piece: str) -> None:
        super().__init__()
        self._piece = piece

    async def stream(self, turns: Sequence[Turn], limits: Limits) -> AsyncGenerator[Piece]:
        self.running += 1
        try:
            while True:
                yield self._piece
        finally:
            self.running -= 1


class Loading(EchoModel):
    """Is ready when it is told so."""

    def __init__(self) -> None:
        super().__init__(Script("At last."))
        self.ready = asyncio.Event()

    async def load(self, progress: Progress = no_progress) -> None:
        await self.ready.wait()


def says(store: Store, clock: Clock, *pieces: Piece, capabilities: Capabilities = ABLE) -> Talk:
    return talk(store, clock, Pieces(*pieces, capabilities=capabilities))


async def test_the_answer_is_what_the_model_says(store: Store, clock: Clock) -> None:
    house = says(store, clock, "Par", "is is", " the capital.")
    text, handle = await house.answer(await house.hear("Capital of France?", to_us=True))
    assert text == "Paris is the capital."
    assert handle.outcome == "answered"


async def test_text_comes_while_it_is_written(store: Store, clock: Clock) -> None:
    house = says(store, clock, "One. ", "Two. ", "Three.")
    question = await house.hear("Count.", to_us=True)
    with house.begin(question) as handle:
        assert await house.chunks(question, handle) == ["One.", " Two.", " Three."]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
async def test_a_failure_is_told_without_the_providers_words(
    store: Store, clock: Clock, error: ModelError
) -> None:
    house = talk(store, clock, EchoModel(Script("", error=error)))
    text, handle = await house.answer(await house.hear("Hello?", to_us=True))
    assert text.endswith(".")
    assert "secret" not in text
    assert handle.outcome == f"failed:{type(error).__name__}"


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
async def test_half_an_answer_stays_and_says_that_it_is_half(
    store: Store, clock: Clock, error: ModelError
) -> None:
    house = talk(store, clock, EchoModel(Script("The first half", error=error)))
    text, handle = await house.answer(await house.hear("Hello?", to_us=True))
    said, told = text.split("\n\n")
    assert said == "The first half"
    assert told.startswith("(")
    assert told.endswith(".)")
    assert "secret" not in told
    assert handle.outcome == f"failed:{type(error).__name__}"


async def test_code_that_a_failure_cuts_is_closed_before_the_sentence(store: Store, clock: Clock) -> None:
    house = talk(store, clock, EchoModel(Script("Try:\n```sh\nls -l", error=ModelBroken("cut"))))
    text, _handle = await house.answer(await house.hear("How?", to_us=True))
    assert text.startswith("Try:\n```sh\nls -l\n```\n\n(")


@pytest.mark.parametrize("pieces", [(), ("",), (" ", "\n\n"), ("\u200b", "\u200b"), ("\x00\x07",)])
async def test_a_model_that_says_nothing_to_be_seen_is_said_to_be_silent(
    store: Store, clock: Clock, pieces: tuple[str, ...]
) -> None:
    house = says(store, clock, *pieces)
    text, handle = await house.answer(await house.hear("Hello?", to_us=True))
    assert text == "My language model had nothing to say to that. Try to ask in other words."
    assert handle.outcome == "failed:ModelEmpty"


@pytest.mark.parametrize("piece", ["la ", "\u200b", " ", "x" * 10_000])
async def test_a_model_that_does_not_end_is_ended(store: Store, clock: Clock, piece: str) -> None:
    model = Endless(piece)
    house = talk(store, clock, model, max_new_tokens=50)
    text, _handle = await house.answer(await house.hear("Sing!", to_us=True))
    assert 0 < len(text) < 50 * 16 + 200
    assert model.running == 0


async def test_an_answer_cut_by_its_limit_says_so(store: Store, clock: Clock) -> None:
    house = talk(store, clock, EchoModel(Script("one two three four five six seven eight")), max_new_tokens=4)
    text, _handle = await house.answer(await house.hear("Count.", to_us=True))
    assert text == "one two three four\n\n(cut here: the answer did not end)"


async def test_an_answer_that_just_fits_does_not_claim_to_be_cut(store: Store, clock: Clock) -> None:
    house = talk(store, clock, EchoModel(Script("one two three four.")), max_new_tokens=4)
    text, _handle = await house.answer(await house.hear("Count.", to_us=True))
    assert text == "one two three four."


async def test_halves_of_characters_never_reach_a_platform(store: Store, clock: Clock) -> None:
    house = says(store, clock, "caf\udcc3", "\udca9 au lait \ud83d")
    text, _handle = await house.answer(await house.hear("Coffee?", to_us=True))
    assert text.encode("utf-8").decode("utf-8") == "caf\ufffd\ufffd au lait \ufffd"


async def test_what_a_model_writes_calls_nobody_and_hides_nothing(store: Store, clock: Clock) -> None:
    house = says(
        store, clock, "@every", "one [free](http://", "evil.example) <@12", "3> ![x](http://e/i.png)"
    )
    text, _handle = await house.answer(await house.hear("Hi?", to_us=True))
    assert "@everyone" not in text
    assert "<@123>" not in text
    assert "](" not in text
    assert "http://evil.example" in text


async def test_a_chat_model_that_writes_other_members_lines_is_cut_there(store: Store, clock: Clock) -> None:
    house = says(store, clock, "Yes.\n<mess", 'age from="Member B">\nNo!', "more")
    text, _handle = await house.answer(await house.hear("Really?", to_us=True))
    assert text == "Yes."


async def test_a_base_model_is_cut_where_it_plays_the_next_turn(store: Store, clock: Clock) -> None:
    house = says(store, clock, "Yes.\nUs", "er: and now?", capabilities=Capabilities(chat=False))
    text, _handle = await house.answer(await house.hear("Really?", to_us=True))
    assert text == "Yes."


async def test_a_small_model_is_called_a_demo_below_its_answer(store: Store, clock: Clock) -> None:
    house = says(store, clock, "Paris.", capabilities=DEMO)
    text, _handle = await house.answer(await house.hear("Capital of France?", to_us=True))
    assert text == "Paris.\n\n(small demo model: what it says is often wrong)"


async def test_a_language_the_model_does_not_list_is_not_answered_by_it(store: Store, clock: Clock) -> None:
    model = EchoModel(Script("Je ne sais pas."), capabilities=ENGLISH_ONLY)
    house = talk(store, clock, model, suggest={frozenset({"fr"}): "qwen3-1.7b"}.get)
    text, handle = await house.answer(
        await house.hear("Quelle est la capitale de la France, s'il vous plaît ?", to_us=True)
    )
    assert "qwen3-1.7b" in text
    assert text.count("\n") == 0
    assert model.asked == []
    assert handle.outcome == "refused:language"


async def test_without_a_model_that_speaks_a_language_the_refusal_names_none(
    store: Store, clock: Clock
) -> None:
    house = talk(store, clock, EchoModel(capabilities=ENGLISH_ONLY), suggest=lambda language: None)
    text, _handle = await house.answer(
        await house.hear("Quelle est la capitale de la France, s'il vous plaît ?", to_us=True)
    )
    assert text.endswith("Try English.")


async def test_a_model_of_unknown_languages_is_asked_everything(store: Store, clock: Clock) -> None:
    house = says(store, clock, "Paris.")
    text, _handle = await house.answer(
        await house.hear("Quelle est la capitale de la France, s'il vous plaît ?", to_us=True)
    )
    assert text == "Paris."


async def test_a_channel_chooses_its_model_and_its_persona(store: Store, clock: Clock) -> None:
    pirate = EchoModel(Script("Arr!"))
    house = talk(store, clock, EchoModel(Script("Hello.")), models={"pirate": pirate})
    await store.policies.set(CHANNEL.key, "model", "pirate")
    await store.policies.set("memory/home", "persona", "You are a pirate.")
    text, _handle = await house.answer(await house.hear("Hi?", to_us=True))
    assert text == "Arr!"
    assert "You are a pirate." in pirate.asked[0][0].text
    text, _handle = await house.answer(
        await house.hear("Hi?", to_us=True, channel=Channel("memory", "away", "general"))
    )
    assert text == "Hello."
    assert "pirate" not in house.prompt


async def test_a_model_that_is_gone_is_told(store: Store, clock: Clock) -> None:
    house = says(store, clock, "Hello.")
    await store.policies.set(CHANNEL.key, "model", "gone")
    text, handle = await house.answer(await house.hear("Hi?", to_us=True))
    assert text.startswith("The language model chosen for this channel cannot be used.")
    assert handle.outcome == "refused:model"


async def test_over_the_quota_the_wait_is_told_and_moderators_hear_of_it_once(
    store: Store, clock: Clock
) -> None:
    house = talk(store, clock, EchoModel(Script("Yes.")), member=Quota(requests=1))
    await house.ask("One?")
    text, handle = await house.answer(await house.hear("Two?", to_us=True))
    assert text == "You have used up your questions for today. You can ask me again in 12 hours."
    assert handle.outcome == "refused:quota"
    assert [alert.channel for alert in handle.alerts] == [CHANNEL]
    _text, handle = await house.answer(await house.hear("Three?", to_us=True))
    assert handle.alerts == []
    text, _handle = await house.answer(await house.hear("One?", to_us=True, author=BOB))
    assert text == "Yes."


async def test_tokens_read_and_written_count(store: Store, clock: Clock) -> None:
    house = talk(store, clock, EchoModel(Script("four")), channel=Quota(tokens=10))
    question = await house.hear("Hi?", to_us=True)
    await house.answer(question)
    _quota, requests, tokens = house.quotas.used(CHANNEL, question.author.identity)["channel"]
    assert requests == 1
    assert tokens == house.model.count_tokens([*house.turns, Turn("assistant", "four")])
    text, _handle = await house.answer(await house.hear("Hi?", to_us=True))
    assert text.startswith("This channel has used up its questions")


async def test_what_was_never_asked_costs_nothing(store: Store, clock: Clock) -> None:
    house = talk(store, clock, EchoModel(Script("", error=ModelBusy("full"))), member=Quota(requests=1))
    question = await house.hear("Hi?", to_us=True)
    await house.answer(question)
    assert house.quotas.used(CHANNEL, question.author.identity)["member"][1:] == (0, 0)


async def test_a_reader_that_goes_away_stops_the_model_and_settles(store: Store, clock: Clock) -> None:
    model = EchoModel(Script("word ", forever=True))
    house = talk(store, clock, model, member=Quota(requests=5))
    question = await house.hear("Hi?", to_us=True)
    async with aclosing(
        house.conversation.answer(question, house.begin(question), ChannelPolicy())
    ) as chunks:
        await anext(chunks)
    assert model.running == 0
    assert house.quotas.used(CHANNEL, question.author.identity)["member"][1] == 1


async def test_the_place_in_the_queue_is_shown(store: Store, clock: Clock) -> None:
    house = says(store, clock, Queued(3), Queued(1), Queued(0), "Here.")
    question = await house.hear("Hi?", to_us=True)
    with house.begin(question) as handle:
        chunks = await house.chunks(question, handle)
    assert statuses(chunks) == [
        "3 questions before yours …",
        "1 question before yours …",
        "It is your turn …",
    ]
    assert text_of(chunks) == "Here."


async def test_a_long_question_shows_how_far_it_is_read(store: Store, clock: Clock) -> None:
    reads = [Reading(read, 4000) for read in range(256, 4000, 256)]
    house = says(store, clock, *reads, "Here.")
    question = await house.hear("Hi?", to_us=True)
    with house.begin(question) as handle:
        chunks = await house.chunks(question, handle)
    assert statuses(chunks) == [
        f"There is a lot to read ({percent} % so far) …" for percent in (0, 10, 20, 30, 40, 50, 60, 70, 80)
    ]
    assert text_of(chunks) == "Here."


async def test_a_short_question_is_read_without_a_word(store: Store, clock: Clock) -> None:
    house = says(store, clock, Reading(256, 600), Reading(512, 600), "Here.")
    question = await house.hear("Hi?", to_us=True)
    with house.begin(question) as handle:
        chunks = await house.chunks(question, handle)
    assert statuses(chunks) == []


async def test_loading_is_shown_and_the_answer_follows(store: Store, clock: Clock) -> None:
    model = Loading()
    house = talk(store, clock, model)
    question = await house.hear("Hi?", to_us=True)
    with house.begin(question) as handle:
        chunks = house.conversation.answer(question, handle, ChannelPolicy())
        assert await anext(chunks) == Status(
            "My language model is loading; your answer comes as soon as it is ready …"
        )
        model.ready.set()
        assert [chunk async for chunk in chunks] == ["At", " last."]


async def test_a_model_that_never_loads_is_given_up(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.conversation.conversation.LOADS_UNNOTICED_S", 0)
    monkeypatch.setattr("bot.conversation.conversation.LOADS_AT_MOST_S", 0.01)
    house = talk(store, clock, Loading())
    text, handle = await house.answer(await house.hear("Hi?", to_us=True))
    assert text.startswith("My language model has been silent for too long")
    assert handle.outcome == "failed:ModelTimeout"


async def test_a_question_can_be_stopped_while_the_model_loads(store: Store, clock: Clock) -> None:
    house = talk(store, clock, Loading())
    question = await house.hear("Hi?", to_us=True)
    with house.begin(question) as handle:
        async with asyncio.TaskGroup() as tasks:
            answer = tasks.create_task(house.chunks(question, handle))
            tasks.create_task(_soon(lambda: house.running.stop(CHANNEL, question.author.identity, False)))
    assert text_of(answer.result()) == "(stopped)"


@pytest.mark.parametrize("said", ["", "The first half"])
async def test_a_model_that_stalls_is_given_up_and_told(store: Store, clock: Clock, said: str) -> None:
    stalling = EchoModel(Script(said, stall=True))
    house = talk(store, clock, Patient(stalling, 0.2))
    text, handle = await house.answer(await house.hear("Hi?", to_us=True))
    assert text.startswith(said)
    assert "silent" in text
    assert handle.outcome == "failed:ModelTimeout"
    assert stalling.running == 0


async def test_a_model_that_cannot_be_loaded_is_told(store: Store, clock: Clock) -> None:
    class Missing(EchoModel):
        async def load(self, progress: Progress = no_progress) -> None:
            raise ModelUnavailable("/secret/path is empty")

    house = talk(store, clock, Missing())
    text, handle = await house.answer(await house.hear("Hi?", to_us=True))
    assert text.startswith("I cannot reach my language model")
    assert handle.outcome == "failed:ModelUnavailable"


async def test_a_stopped_answer_keeps_what_is_written_and_says_so(store: Store, clock: Clock) -> None:
    model = EchoModel(Script("Once upon a time", stall=True))
    house = talk(store, clock, model)
    question = await house.hear("A story!", to_us=True)
    with house.begin(question) as handle:
        chunks = house.conversation.answer(question, handle, ChannelPolicy())
        begun = "".join([str(await anext(chunks)) for _ in range(4)])
        async with asyncio.TaskGroup() as tasks:
            rest = tasks.create_task(_rest(chunks))
            tasks.create_task(_soon(lambda: house.running.stop(CHANNEL, question.author.identity, False)))
        assert begun + rest.result() == "Once upon a time\n\n(stopped)"
        assert handle.outcome == "stopped"
    assert model.running == 0


async def test_the_answer_to_a_deleted_question_just_ends(store: Store, clock: Clock) -> None:
    model = EchoModel(Script("Once upon a time", stall=True))
    house = talk(store, clock, model)
    question = await house.hear("A story!", to_us=True)
    with house.begin(question) as handle:
        chunks = house.conversation.answer(question, handle, ChannelPolicy())
        begun = [await anext(chunks) for _ in range(4)]
        async with asyncio.TaskGroup() as tasks:
            rest = tasks.create_task(_rest(chunks))
            tasks.create_task(_soon(lambda: house.running.stop_question(question.ref)))
        assert text_of(begun) == "Once upon a time"
        assert rest.result() == ""
        assert handle.outcome == "deleted"
    assert model.running == 0


async def test_a_question_stopped_before_its_turn_asks_no_model(store: Store, clock: Clock) -> None:
    model = EchoModel(Script("Too late."))
    house = talk(store, clock, model)
    question = await house.hear("Hi?", to_us=True)
    with house.begin(question) as handle:
        handle.stop("stopped")
        assert await house.chunks(question, handle) == ["(stopped)"]
    assert model.asked == []


async def test_a_reply_to_a_half_written_answer_waits_for_it(store: Store, clock: Clock) -> None:
    house = talk(store, clock, EchoModel(Script("Deep.")))
    first = await house.hear("What is a fjord?", to_us=True)
    writing = house.begin(first)
    writing.wrote(("a1",))
    second = await house.hear("How deep?", to_us=True, reply_to="a1")
    with house.begin(second) as handle:
        chunks = house.conversation.answer(second, handle, ChannelPolicy())
        assert await anext(chunks) == Status("I finish the answer you reply to first …")
        async with asyncio.TaskGroup() as tasks:
            answer = tasks.create_task(anext(chunks))
            tasks.create_task(_finish(house, writing, first))
        assert answer.result() == "Deep."
        await chunks.aclose()
    assert house.dialogue == [
        ("user", "What is a fjord?"),
        ("assistant", "A bay."),
        ("user", "How deep?"),
    ]


async def test_a_hundred_questions_at_once_are_all_answered_or_told_to_wait(
    store: Store, clock: Clock
) -> None:
    model = EchoModel(lambda turns: Script(f"You asked: {turns[-1].text}"))
    house = talk(store, clock, Slotted(model, concurrency=4, waiting=60))
    questions = [await house.hear(f"What about number {n}?", to_us=True) for n in range(100)]
    async with asyncio.TaskGroup() as tasks:
        answers = [tasks.create_task(house.answer(question)) for question in questions]
    texts = [answer.result()[0] for answer in answers]
    served = [n for n, text in enumerate(texts) if text == f"You asked: What about number {n}?"]
    told = [text for text in texts if text.startswith("Too many questions are waiting")]
    assert len(served) >= 64
    assert len(served) + len(told) == 100


async def test_quotas_hold_for_a_hundred_questions_at_once(store: Store, clock: Clock) -> None:
    house = talk(store, clock, EchoModel(Script("Yes.")), member=Quota(requests=7))
    questions = [await house.hear(f"Number {n}?", to_us=True) for n in range(100)]
    async with asyncio.TaskGroup() as tasks:
        answers = [tasks.create_task(house.answer(question)) for question in questions]
    assert sum(answer.result()[0] == "Yes." for answer in answers) == 7
    assert sum(len(answer.result()[1].alerts) for answer in answers) == 1


async def test_a_megabyte_is_answered_within_the_context(store: Store, clock: Clock) -> None:
    house = talk(store, clock, EchoModel(Script("Long!")))
    await house.ask("word " * 200_000 + "What do you think?")
    assert house.model.count_tokens(house.turns) <= house.model.context_tokens - 200
    assert "What do you think?" in house.prompt


async def _rest(chunks: AsyncIterator[Chunk]) -> str:
    return text_of([chunk async for chunk in chunks])


async def _soon(act: Callable[[], object]) -> None:
    for _turn in range(50):
        await asyncio.sleep(0)
    act()


async def _finish(house: Talk, writing: Handle, question: Message) -> None:
    await house.record(question, "A bay.", id="a1")
    writing.finish()
