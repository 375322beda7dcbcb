"""Cards and controls as text, for platforms that have no frames and no buttons."""

from bot.core.actions import Post, Reply, Update
from bot.core.below import with_sources
from bot.core.text import _


def as_text(card: Post | Update | Reply, prefix: str | None = None) -> str:
    """Title, text, and what can be done about it, as Markdown.

    Args:
        prefix: what members type before a command; then the commands are shown, otherwise the emojis to
            react with.
    """
    title = None if isinstance(card, Reply) else card.title
    parts = [f"**{title}**"] if title is not None else []
    text = with_sources(card.text, card.sources) if isinstance(card, Reply) else card.text
    named = f"{card.to.name}: " if isinstance(card, Post) and card.to and not card.private else ""
    parts += [named + text] if text else []
    if card.controls and prefix is not None:
        parts.append("\n".join(f"{each.emoji} {each.label}: `{prefix}{each.line}`" for each in card.controls))
    elif card.controls:
        offers = " · ".join(f"{each.emoji} {each.label}" for each in card.controls)
        parts.append(_("React with: {offers}", offers=offers))
    return "\n\n".join(parts)


def with_alt(card: Post | Reply, prefix: str | None = None) -> str:
    """A card as text, and in words what its file shows, for platforms that show words only."""
    text = as_text(card, prefix)
    return text if card.file is None else f"{text}\n\n[{card.file.name}: {card.file.alt}]"
