"""Markdown to the HTML that Matrix clients accept: only tags and attributes of the specification's list."""

import logging
from collections.abc import Sequence
from html import escape
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

SCHEMES = frozenset({"https", "http", "ftp", "mailto", "magnet"})
"""What a link may begin with (Matrix specification, client-server API, m.room.message msgtypes)."""

_PLAIN = frozenset({"inline", "paragraph_open", "paragraph_close", "text", "softbreak"})


class _Renderer(RendererHTML):
    """Writes what the list allows, where markdown-it would write more."""

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A picture from elsewhere is not shown by Matrix clients: its text links to it instead."""
        token = tokens[idx]
        address = str(token.attrs.get("src", ""))
        text = self.renderInlineAsText(token.children, options, env) if token.children else ""
        if not _is_allowed(address):
            return escape(text)
        return f'<a href="{escape(address)}">{escape(text or address)}</a>'


def _is_allowed(address: str) -> bool:
    try:
        return urlsplit(address).scheme.lower() in SCHEMES
    except ValueError:
        return False


def _clean(state: StateCore) -> None:
    """Take away attributes and links that the list does not have."""
    for block in state.tokens:
        if block.type in ("th_open", "td_open"):
            block.attrs = {}
        _unlink(block.children or [])


def _unlink(tokens: list[Token]) -> None:
    kept: list[bool] = []
    for token in tokens:
        if token.type == "link_open":
            kept.append(_is_allowed(str(token.attrs.get("href", ""))))
            token.attrs = {name: value for name, value in token.attrs.items() if name == "href"}
            token.hidden = not kept[-1]
        elif token.type == "link_close" and kept:
            token.hidden = not kept.pop()


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}, renderer_cls=_Renderer)
    parser.enable(["table", "strikethrough"])
    parser.core.ruler.push("matrix", _clean)
    return parser


_MARKDOWN = _parser()
logging.getLogger("markdown_it").setLevel(logging.WARNING)  # it tells every step of every line


def html(text: str) -> str | None:
    """The formatted body of a Markdown text, or None where it would show nothing that the plain one does not.

    Raw HTML in the text is shown as it is written. Time: some milliseconds per kilobyte, 30 for hostile text.
    """
    tokens = _MARKDOWN.parse(text)
    if all(_is_plain(token) for token in tokens):
        return None
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})).rstrip("\n")


def _is_plain(token: Token) -> bool:
    if token.type not in _PLAIN:
        return False
    children = token.children or []
    said = "".join("\n" if child.type == "softbreak" else child.content for child in children)
    return token.type != "inline" or (said == token.content and all(_is_plain(child) for child in children))
