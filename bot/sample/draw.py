"""Draws reactions.jsonl from what members like: `python -m bot.sample.draw` after threads were added.

Who reacts follows from tastes, language and rights; when, from a decay with a long tail; with which emoji,
from habits and the message. Every message has a seed of its own, so new ones leave the others as they were.
"""

import json
from importlib.resources import files
from pathlib import Path
from random import Random

from bot.sample.community import SPAN_S, Community, Member, SampleMessage, Thread, load

_HABITS = {
    "builder": ("👍", "🔧", "💡", "✅"),
    "modeler": ("🚀", "🔥", "🧠", "👍"),
    "hearth": ("❤️", "😂", "🎉", "👍"),
    "zh": ("👍", "🌹", "😂", "❤️"),
}
_MODELS, _BUILDING, _HOUSE = (
    {"models", "gpu"},
    {"storage", "network", "security"},
    {"house", "fun", "wickbox"},
)
_HALF_LIFE_S = 15 * 3600
_LATE_SHARE, _LATE_S = 0.12, 20 * 86_400
_TAKEN_BACK_SHARE = 0.03

Given = tuple[str, str, int] | tuple[str, str, int, int]


def draw(community: Community) -> dict[str, list[Given]]:
    """Message id -> (member, emoji, at[, taken back at]), in order of time."""
    drawn = {said.id: _on_message(community, said) for said in community.messages.values()}
    return {message: given for message, given in drawn.items() if given}


def _on_message(community: Community, said: SampleMessage) -> list[Given]:
    rng, thread = Random(said.id), community.threads[said.thread]  # noqa: S311 - a reproducible drawing
    role = community.channels[said.channel].role
    readers = [
        m for m in community.members.values() if m.role >= role and not m.is_bot and m.id != said.author
    ]
    given = [_maybe(rng, reader, thread, said) for reader in readers]
    return sorted((one for one in given if one is not None), key=lambda one: one[2])


def _maybe(rng: Random, reader: Member, thread: Thread, said: SampleMessage) -> Given | None:
    chance, wait, late, habit, regret = (rng.random() for _ in range(5))
    if chance >= _appeal(reader, thread, said):
        return None
    delay = rng.expovariate(0.693 / _HALF_LIFE_S) + (wait * _LATE_S if late < _LATE_SHARE else 60)
    at = max(said.at, reader.joined) + int(delay)
    gone = at + 30 + int(wait * 7200)
    if max(at, gone) >= min(SPAN_S, said.deleted_at or SPAN_S):
        return None
    emoji = _emoji(reader, said, habit)
    return (reader.id, emoji, at, gone) if regret < _TAKEN_BACK_SHARE else (reader.id, emoji, at)


def _appeal(reader: Member, thread: Thread, said: SampleMessage) -> float:
    """The chance that a member reacts: taste squared, so that tastes tell members apart."""
    taste = max((reader.tastes.get(topic, 0.02) for topic in thread.topics), default=0.0)
    if thread.language != reader.language:
        taste *= 0.45 if thread.language == "en" else 0.06
    if "spam" in said.labels or "rude" in said.labels:
        return 0.08 * taste
    weight = 0.55 if said.reply_to is None and said.at == thread.at else 0.1
    return taste**2 * (0.45 if "answers" in said.labels else weight)


def _emoji(reader: Member, said: SampleMessage, habit: float) -> str:
    if "spam" in said.labels or "rude" in said.labels:
        return "👎" if habit < 0.7 else "😬"
    if "low_effort" in said.labels and habit < 0.5:
        return "🤔"
    own = _HABITS[_kind(reader)]
    return own[min(int(habit**1.6 * len(own)), len(own) - 1)]


def _kind(reader: Member) -> str:
    if reader.language == "zh":
        return "zh"
    strength = {
        "modeler": sum(reader.tastes.get(topic, 0.0) for topic in _MODELS),
        "builder": sum(reader.tastes.get(topic, 0.0) for topic in _BUILDING),
        "hearth": sum(reader.tastes.get(topic, 0.0) for topic in _HOUSE) * 0.8,
    }
    return max(strength, key=lambda kind: strength[kind])


def write(path: Path) -> None:
    """Draw anew and write one line for each message that has reactions."""
    lines = (
        json.dumps({"message": message, "given": given}, ensure_ascii=False)
        for message, given in draw(load()).items()
    )
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    write(Path(str(files("bot.sample") / "data" / "reactions.jsonl")))
