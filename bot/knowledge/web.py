"""A page of the web as a document, cited by its address."""

from datetime import datetime

from bot.knowledge.document import Document, Section
from bot.knowledge.extracting import extract
from bot.knowledge.fetching import Fetcher, parsed


async def read_page(fetcher: Fetcher, address: str, now: datetime) -> tuple[Document, str]:
    """What stands at an address, and a sentence on what of it was left out, or "".

    Raises:
        Unreachable, Unreadable: it cannot be read; says why.
    """
    url = str(parsed(address))
    page = await fetcher.fetch(url)
    found = await extract(page.content, page.name, page.media_type)
    title = (found.title or page.name or url).replace(" > ", " › ")  # ours, between a title and its headings
    document = Document(url, title, (Section(found.text, now, link=url),), plain=found.code)
    return document, found.left_out
