"""The reference of all kinds of rules, written from their classes.

`python -m bot.moderation.manual` writes docs/moderators/rules.md and rules.schema.json anew; a test fails
when they no longer say what the rules do.
"""

import json
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.moderation.kinds import kinds
from bot.moderation.rule import Example, Rule
from bot.moderation.rulebook import MAX_BYTES, MAX_RULES, PRESETS, json_schema, settings

_GENERATED = (
    "<!-- Written from the rules by `python -m bot.moderation.manual`. Do not edit; run it again. -->"
)

_OPENING = f"""\
# Moderation rules

A rule looks at messages and says what it found; what follows is its `action`. All rules look at every
message once, and of what they find the strongest action is carried out, once. Edits are judged like messages,
but count for no flood. Bots and moderators are never judged.

| action | what happens |
|---|---|
| `none`, `log` | nothing; `log` is noted |
| `react` | the message gets a warning sign |
| `hint` | its author is told, privately where the platform can do that |
| `queue` | the moderators are told |
| `hide` | it is taken out of sight, and the moderators are told |
| `delete` | it is removed |
| `timeout` | it is removed, and its author may not write for a while |
| `kick`, `ban` | it is removed, and its author has to leave; after `ban` for good |

A rule that rests on a classifier does at most `queue`, until moderators found it right often enough. A rule
that acts on more than 60 messages in a minute (600 for floods and copies) is stopped, and you are told once.

Members with strikes can be answered more strongly:
`escalation = [{{ strikes = 2.0, action = "timeout" }}]`. A strike counts half after 30 days.

## As a file

```toml
version = 1

[[rule]]
kind = "words"
name = "insults"
action = "hide"
words = ["idiot", "moron*"]
```

A file has at most {MAX_RULES} rules and {MAX_BYTES:,} bytes. Editors check it with
[rules.schema.json](rules.schema.json). Presets to begin with: {", ".join(f"`{name}`" for name in PRESETS)}.

What a file would have done, `llmos moderate replay --rules FILE --messages FILE.jsonl` tells beforehand; a
preset's name can stand for the file. Each line of messages is `{{"id": "1", "text": "hello"}}`, and may have
`author`, `channel`, `at` (ISO 8601, or seconds since 1970) and `label`: true, 1 or a word such as "spam" for
what is a violation; false, 0, "", "ham", "ok", "none" or "harmless" for what is not. Lines without `at` are
taken as ten seconds apart."""

_COMMON = "\n## Settings of every rule\n"


def manual() -> Mapping[str, str]:
    """The pages by their path in the folder of documents."""
    schema = json.dumps(json_schema(), indent=1, ensure_ascii=False)
    return {"moderators/rules.md": "\n".join(_page()), "moderators/rules.schema.json": schema}


def _page() -> Iterator[str]:
    yield _GENERATED
    yield _OPENING
    yield "\n## Kinds\n"
    yield "| kind | what it finds | usual action |\n|---|---|---|"
    for kind in kinds().values():
        yield f"| [`{kind.kind}`](#{kind.kind}) | {_cell(kind.summary)} | `{_usual_action(kind)}` |"
    yield _COMMON
    yield from _table(Rule, tuple(Rule.model_fields))
    for kind in kinds().values():
        yield from _section(kind)


def _section(kind: type[Rule]) -> Iterator[str]:
    yield f"\n## {kind.kind}\n"
    yield kind.summary
    own = [name for name in kind.model_fields if name not in Rule.model_fields]
    if own:
        yield ""
        yield from _table(kind, own)
    yield "\n| message | with | found |\n|---|---|---|"
    for found, examples in (("yes", kind.violations), ("no", kind.harmless)):
        for example in examples:
            yield f"| {_message(example)} | {_settings(example)} | {found} |"


def _table(kind: type[Rule], names: tuple[str, ...] | list[str]) -> Iterator[str]:
    shapes = settings(kind)
    yield "| setting | what | values |\n|---|---|---|"
    for name in names:
        field = kind.model_fields[name]
        facts = ", ".join(_facts(shapes[name], required=field.is_required()))
        yield f"| `{name}` | {_cell(field.description or '')} | {_cell(facts)} |"


def _facts(shape: Mapping[str, object], *, required: bool) -> Iterator[str]:
    """What a value may be, from its JSON schema."""
    choices = shape.get("enum")
    if isinstance(choices, list):
        yield " ".join(f"`{choice}`" for choice in choices)
    elif isinstance(shape.get("type"), str):
        yield {"array": "list", "boolean": "true or false"}.get(str(shape["type"]), str(shape["type"]))
    low = shape.get("minimum", shape.get("exclusiveMinimum"))
    high = shape.get("maximum", shape.get("exclusiveMaximum"))
    if low is not None and high is not None:
        yield f"{low:g} … {high:g}"
    for limit, unit in (("maxLength", "characters"), ("maxItems", "entries")):
        if limit in shape:
            yield f"at most {shape[limit]:,} {unit}"
    usual = shape.get("default")
    if required:
        yield "needed"
    elif usual not in (None, "", []):
        yield f"usually `{_usual(usual)}`"


def _usual(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _usual_action(kind: type[Rule]) -> str:
    return str(settings(kind)["action"]["default"])


def _message(example: Example) -> str:
    shown = "".join(map(_shown, example.text))
    text = shown if len(shown) <= 70 else f"{shown[:70]}…"
    notes = [
        attachment.name.encode("ascii", "backslashreplace").decode() for attachment in example.attachments[:1]
    ]
    notes += [f"after {len(example.before)} others"] if example.before else []
    notes += ["an edit"] if example.is_edit else []
    notes += [f"score {value:g}" for value in (*example.scores.values(), *example.off_topic.values())]
    return _cell(" ".join([f"`{text}`" if text else "", f"({', '.join(notes)})" if notes else ""]).strip())


def _shown(character: str) -> str:
    """A character, or its number if nobody would see it."""
    seen = character.isprintable() and not unicodedata.combining(character)
    return character if seen else f"\\u{ord(character):04x}"


def _settings(example: Example) -> str:
    told = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in example.settings.items())
    return _cell(", ".join(f"`{each}`" for each in told))


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def main() -> None:
    """Write the pages into the folder `docs` here, or the one given."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    for name, text in manual().items():
        page = folder / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text + "\n", encoding="utf-8")
        print(page)  # noqa: T201 - a tool of the house, run by hand


if __name__ == "__main__":
    main()
