"""`llmos moderate`: messages in, verdicts out, and training from labelled files."""

import asyncio
import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from bot.core.events import Channel, MessageRef
from bot.storage.examples import LabelledExample
from bot.storage.store import Store
from tests.cli.operator import Operator, Outcome
from tests.messages import EPOCH
from tests.owned import abusive_to_it

WORDS = ("stupid idiot moron", "you pathetic loser", "shut up bitch", "disgusting scum")
KIND = ("thanks for the help", "see you tomorrow at nine", "the docs are good", "which port is used")


def lines(*texts: str) -> str:
    return "".join(json.dumps({"id": f"m{at}", "text": text}) + "\n" for at, text in enumerate(texts))


@pytest.mark.drives("cli:moderate score")
def test_every_message_gets_a_line_in_order(operator: Operator) -> None:
    texts = [
        "you stupid fucking idiot, kill yourself",
        "Which port does it use?",
        "help pls",
        "",
        "你好",
    ] * 60
    done = operator.types("moderate", "score", "--fast", answers=lines(*texts))
    assert done.code == 0
    read = [json.loads(line) for line in done.out.splitlines()]
    assert [one["id"] for one in read] == [f"m{at}" for at in range(len(texts))]
    abuse, question, plea = read[:3]
    assert set(abuse["scores"]) == {"toxicity", "spam", "quality"}
    assert abuse["action"] == "queue", "a score alone never does more"
    (verdict,) = [each for each in abuse["verdicts"] if each["rule"] == "toxicity"]
    assert verdict["actions"] == ["queue"]
    for part in verdict["evidence"]:
        assert texts[0][part["start"] : part["end"]] == part["text"]
    assert question["action"] in {"none", "log"}
    assert plea["action"] == "hint"


def test_off_topic_is_added_by_examples(operator: Operator) -> None:
    belongs = [f"how do i bake {kind} bread" for kind in ("rye", "wheat", "corn", "flat", "sweet", "sour")]
    rows = "".join(json.dumps({"text": text, "topic": "bread"}) + "\n" for text in belongs)
    path = operator.writes(rows, "examples.jsonl")
    done = operator.types(
        *("moderate", "score", "--fast", "--examples", str(path)),
        answers=lines("how do i bake white bread", "the election results are out"),
    )
    near, far = (json.loads(line)["scores"]["off_topic"] for line in done.out.splitlines())
    assert near < far
    assert far > 0.9


def test_the_language_can_be_given(operator: Operator) -> None:
    text = lines("hello there")
    english = json.loads(operator.types("moderate", "score", "--fast", answers=text).out)
    chinese = json.loads(operator.types("moderate", "score", "--fast", "--lang", "zh", answers=text).out)
    assert english["scores"]["toxicity"] != chinese["scores"]["toxicity"]
    assert english["scores"]["spam"] == chinese["scores"]["spam"]


def test_classifiers_of_ones_own_can_be_tried_out(operator: Operator) -> None:
    own = str(abusive_to_it(operator.folder / "own.safetensors"))
    score = ("moderate", "score", "--fast")
    theirs, ours = (
        json.loads(operator.types(*score, *more, answers=lines("see you at nine")).out)
        for more in ((), ("--classifiers", own))
    )
    assert theirs["action"] == "none"
    assert ours["action"] == "queue"
    done = operator.types(*score, "--classifiers", "nowhere.safetensors", answers=lines("see you at nine"))
    assert (done.code, done.out) == (2, "")
    assert "nowhere.safetensors cannot be read" in done.err


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ('{"id": "a"', "Line 2 is not JSON"),
        ('{"id": "a"}', "Line 2 lacks fields: id, text"),
        ("[1]", "Line 2 lacks"),
    ],
)
def test_a_broken_line_is_named(operator: Operator, broken: str, said: str) -> None:
    done = operator.types("moderate", "score", "--fast", answers=lines("hi") + broken + "\n")
    assert done.code == 1
    assert said in done.err
    assert json.loads(done.out)["id"] == "m0", "what came before is not lost"


@pytest.mark.model
def test_where_the_embedding_model_is_it_is_used(operator: Operator) -> None:
    text = lines("nobody here wants people like you", "thanks for the patch")
    fast, full = (
        [
            json.loads(line)["scores"]
            for line in operator.types("moderate", "score", *flag, answers=text).out.splitlines()
        ]
        for flag in (["--fast"], [])
    )
    assert [one["toxicity"] for one in fast] != [one["toxicity"] for one in full]
    assert [one["spam"] for one in fast] == [one["spam"] for one in full]
    assert full[0]["toxicity"] > full[1]["toxicity"]


def test_missing_examples_are_named(operator: Operator) -> None:
    done = operator.types("moderate", "score", "--fast", "--examples", "nowhere.jsonl")
    assert done.code == 2
    assert "nowhere.jsonl cannot be read" in done.err


def write(folder: Path, name: str, rows: Sequence[Mapping[str, object]]) -> None:
    with gzip.open(folder / f"{name}.csv.gz", "wt", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows(rows)


def small_data(folder: Path) -> Path:
    """The files `train` reads, a handful of rows in each."""
    folder.mkdir()
    toxic = [
        {"text": f"{text} {at}", "label": label, "source": source, "fine": ""}
        for at in range(12)
        for source, labels in (
            ("davidson", (0, 1)),
            ("edos", (0, 1)),
            ("toxic_spans", (1,)),
            ("context_toxicity", (0, 1)),
        )
        for label in labels
        for text in (WORDS if label else KIND)
    ]
    write(folder, "toxicity_en", toxic)
    chinese = [
        {"text": f"{text}{at}", "label": label, "source": "cold", "fine": fine, "split": split}
        for at, split in ((1, "train"), (2, "train"), (3, "dev"))
        for fine in ("race", "gender")
        for label, text in ((1, "滚出去垃圾"), (0, "今天天气很好"))
    ]
    write(folder, "toxicity_zh", chinese)
    spam = [
        {"text": f"{text} {at} {source}", "label": label, "source": source, "fine": ""}
        for at in range(8)
        for source in ("sms", "youtube", "tgspam")
        for label, text in ((1, "free prize, click now"), (0, "see you at home"))
    ]
    write(folder, "spam", spam)
    intents = [
        {"text": f"what is the weather {at}", "label": 0, "intent": "weather", "domain": "", "split": split}
        for at in range(40)
        for split in ("train", "val")
    ]
    write(folder, "intents_oos", intents)
    return folder


@pytest.mark.drives("cli:moderate train")
def test_training_twice_writes_the_same_bytes(operator: Operator, tmp_path: Path) -> None:
    data = small_data(tmp_path / "data")
    first = operator.types("moderate", "train", "--fast", "--data", str(data), "--out", "one.safetensors")
    assert first.code == 0, first.err
    assert "identity term" in first.out
    assert "toxic_spans + context_toxicity | " in first.out
    operator.types("moderate", "train", "--fast", "--data", str(data), "--out", "two.safetensors")
    one, two = ((operator.folder / f"{name}.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize("name", ["spam", "toxicity_en", "toxicity_zh", "intents_oos"])
@pytest.mark.parametrize(
    "origin",
    [
        {"platform": "discord"},
        {"source": "Discord export"},
        {"id": "https://discord.com/channels/1/2/3"},
        {"channel": "discord/1/2"},
        {"platform": "matrix"},
    ],
    ids=["platform", "source", "link", "channel", "matrix"],
)
def test_what_members_said_trains_nothing(
    operator: Operator, tmp_path: Path, name: str, origin: Mapping[str, str]
) -> None:
    canary = "canary-5d1f you all are worthless"
    data = small_data(tmp_path / "data")
    with gzip.open(data / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        known = list(csv.DictReader(file))
    write(data, name, [*known, {**known[0], "text": canary, **origin}])
    done = operator.types("moderate", "train", "--fast", "--data", str(data), "--out", "out.safetensors")
    assert done.code == 2
    assert f"{name}.csv.gz holds messages" in done.err
    assert "matrix" in origin.values() or "Developer Policy" in done.err
    assert "canary" not in done.out + done.err
    assert not (operator.folder / "out.safetensors").exists()


def kept(operator: Operator, *examples: tuple[str, str, str], agreed: Sequence[str]) -> None:
    """Write a configuration, and keep examples (room, score, text) of rooms of which some agreed."""

    async def keep() -> None:
        folder = operator.folder / "data"
        folder.mkdir()
        store = await Store.open(f"sqlite:///{folder}/llmos.db", folder / "llmos.key")
        for at, (room, score, text) in enumerate(examples):
            platform, id = room.split("/")
            place = Channel(platform, id, id)
            ref, author = MessageRef(place, f"m{at}"), (platform, "ben")
            await store.examples.keep(LabelledExample(ref, author, text, score, True, False, EPOCH))
            if room in agreed:
                await store.policies.set(place.key, "learning", "yes")
        await store.close()

    operator.writes('[llm]\nengine = "echo"\n')
    asyncio.run(keep())


def trained(operator: Operator, data: Path, *more: str) -> tuple[Outcome, bytes]:
    out = operator.folder / "out.safetensors"
    out.unlink(missing_ok=True)
    done = operator.types("moderate", "train", "--fast", "--data", str(data), "--out", str(out), *more)
    return done, out.read_bytes() if out.exists() else b""


def test_what_rooms_agreed_to_is_learned_when_the_operator_says_so(
    operator: Operator, tmp_path: Path
) -> None:
    data = small_data(tmp_path / "labelled")
    kept(
        operator,
        ("matrix/!a", "toxicity", "you absolute walnut"),
        ("matrix/!a", "spam", "cheap walnuts here"),
        ("matrix/!a", "toxicity", "你这个核桃脑袋真是没用"),
        ("matrix/!b", "toxicity", "nobody agreed to this"),
        agreed=["matrix/!a"],
    )
    (plain, without), (more, learned) = trained(operator, data), trained(operator, data, "--rooms")
    assert (plain.code, more.code) == (0, 0), more.err
    assert "3 verdicts of rooms that agreed to it." in more.out
    assert "verdicts of rooms" not in plain.out
    assert "walnut" not in more.out
    assert without != learned
    assert learned == trained(operator, data, "--rooms")[1]


def test_what_was_said_on_discord_trains_nothing_even_where_somebody_agreed(
    operator: Operator, tmp_path: Path
) -> None:
    canary = "canary-5d1f you all are worthless"
    data = small_data(tmp_path / "labelled")
    rooms = ("matrix/!a", "discord/1")
    kept(operator, *((room, "toxicity", canary) for room in rooms), agreed=rooms)
    done, written = trained(operator, data, "--rooms")
    assert (done.code, written) == (2, b"")
    assert "Messages of discord may train nothing" in done.err
    assert "canary" not in done.out + done.err


def test_training_names_what_is_missing(operator: Operator) -> None:
    done = operator.types("moderate", "train", "--data", "nowhere", "--out", "x.safetensors")
    assert done.code == 2
    assert "intents_oos.csv.gz is missing" in done.err
