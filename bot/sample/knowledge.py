"""The sample community's threads as documents: `python -m bot.sample.knowledge > threads.jsonl`."""

import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.core.permissions import Role
from bot.knowledge.document import Document, Section
from bot.sample.community import SPAN_S, Community, load

END = datetime.fromisoformat("2026-01-05T00:00:00+00:00")
"""When its ninety days end here, so that the same threads have the same dates everywhere."""


def documents(community: Community, end: datetime = END) -> Iterator[dict[str, str]]:
    """A line of a knowledge file for each thread that every member may read, without what was deleted."""
    start = end - timedelta(seconds=SPAN_S)
    public = {channel.id for channel in community.channels.values() if channel.role <= Role.MEMBER}
    for thread in community.threads.values():
        texts = [said.final_text for said in community.messages_of(thread.id) if said.deleted_at is None]
        if thread.channel in public and texts:
            yield {
                "id": thread.id,
                "title": thread.title,
                "text": "\n\n".join(texts),
                "created_at": (start + timedelta(seconds=thread.at)).isoformat(),
                "link": f"https://lamplight.example/{thread.channel}/{thread.id}",
            }


def threads(community: Community, end: datetime = END) -> Iterator[Document]:
    """The same as documents of a knowledge index."""
    for line in documents(community, end):
        section = Section(line["text"], datetime.fromisoformat(line["created_at"]), link=line["link"])
        yield Document(line["id"], line["title"], (section,))


if __name__ == "__main__":
    for line in documents(load()):
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
