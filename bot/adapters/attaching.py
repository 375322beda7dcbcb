"""An action with a file: its text, then a message that holds the file, once however often it is tried."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.adapters.delivery import part_key
from bot.core.actions import File, Receipt, Report

Show = Callable[[Receipt | None, Report], Awaitable[Receipt]]
"""Shows the text: what an earlier attempt made of it, and who is told of each message."""

Attach = Callable[[File, str], Awaitable[str]]
"""Posts a message with a file under a key, and returns its id. Same key, same message."""


async def shown(
    file: File | None, show: Show, attach: Attach, key: str, resume: Receipt | None, report: Report
) -> Receipt:
    """Show a text and its file, if it has one.

    Args:
        attach: called when the text stands.
    """
    if file is None:
        return await show(resume, report)
    stands = resume is not None and resume.file
    before = _text_of(resume) if stands and resume is not None else resume
    last = resume.message_ids[-1:] if stands and resume is not None else ()

    async def exists(receipt: Receipt) -> None:
        await report(_with(receipt, last) if last else receipt)

    made = await show(before, exists)
    if not last:
        last = (await attach(file, part_key(key, len(made.message_ids), 2)),)
    both = _with(made, last)
    await report(both)
    return both


def _text_of(receipt: Receipt) -> Receipt:
    return replace(receipt, message_ids=receipt.message_ids[:-1], file=False)


def _with(receipt: Receipt, last: tuple[str, ...]) -> Receipt:
    return replace(receipt, message_ids=(*receipt.message_ids, *last), file=True)
