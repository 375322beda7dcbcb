"""Whose words may be used that came along with a question, and are not kept."""

from bot.core.events import MessageRef, Quote
from bot.storage.store import Store


def may_quote(store: Store, ref: MessageRef, quote: Quote) -> bool:
    """Not of somebody who wants nothing kept, and nothing that was said before its author was forgotten.

    Our own messages are never quoted: if one is not kept any more, who it answered may be forgotten.
    """
    if not quote.text.strip() or store.messages.is_ours(ref.channel, ref.id):
        return False
    return not store.privacy.refuses(store.seal.pseudonym(quote.author.identity), quote.at)
