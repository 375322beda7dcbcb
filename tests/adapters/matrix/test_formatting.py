"""Whatever a model writes becomes HTML of the specification's list, and nothing of it gets lost."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.matrix.formatting import SCHEMES, html

# Source: specification, client-server API, "m.room.message msgtypes": what clients have to accept.
TAGS = {
    "del", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "p", "a", "ul", "ol", "sup", "sub", "li", "b",
    "i", "u", "strong", "em", "s", "code", "hr", "br", "div", "table", "thead", "tbody", "tr", "th", "td",
    "caption", "pre", "span", "img", "details", "summary",
}  # fmt: skip
ATTRIBUTES = {("a", "href"), ("ol", "start"), ("code", "class")}
VOID = {"br", "hr"}

markdown = st.lists(
    st.sampled_from(
        ["*", "**", "_", "`", "```", "~~", "\n", "\n\n", "> ", "- ", "1. ", "# ", "|", "|--|", "[a](",
         "![b](", "https://x.y", "javascript:alert(1)", "data:text/html,x", "mxc://a/b", ")", "]", "[",
         "<b>", "<script>", "<img src=x onerror=y>", "&lt;", "&", "<", ">",
         '"', "'", "\\", " ", "word", "@room", "你好", "    "]
    )
    | st.text(max_size=5),
    max_size=40,
).map("".join)  # fmt: skip


class Reader(HTMLParser):
    """Holds HTML to the list, and collects what a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        for name, value in attrs:
            assert (tag, name) in ATTRIBUTES
            if name == "href":
                assert (value or "").partition(":")[0].lower() in SCHEMES
            if name == "class":
                assert (value or "").startswith("language-")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(formatted: str) -> str:
    reader = Reader()
    reader.feed(formatted)
    reader.close()
    assert reader.open == []
    return reader.text


@given(markdown)
def test_only_what_the_list_allows_is_written(text: str) -> None:
    read(html(text) or "")


@given(st.lists(st.from_regex(r"[a-z]{1,9}", fullmatch=True), max_size=30), st.data())
def test_no_word_gets_lost(words: list[str], data: st.DataObject) -> None:
    marks = st.sampled_from(["", "*", "**", "`", "~~", "> ", "- ", "\n", "\n\n"])
    text = " ".join(f"{data.draw(marks)}{word}" for word in words)
    shown = read(html(text) or text)
    assert [word for word in words if word not in shown] == []


@pytest.mark.parametrize(
    ("text", "formatted"),
    [
        ("**bold** and `x < 1`", "<p><strong>bold</strong> and <code>x &lt; 1</code></p>"),
        ("```python\nx < 1\n```", '<pre><code class="language-python">x &lt; 1\n</code></pre>'),
        ("one *line*\nanother", "<p>one <em>line</em><br />\nanother</p>"),
        ("~~gone~~", "<p><s>gone</s></p>"),
        ("3. c\n4. d", '<ol start="3">\n<li>c</li>\n<li>d</li>\n</ol>'),
        ("[a](https://x.y)", '<p><a href="https://x.y">a</a></p>'),
        ('[a](https://x.y "title")', '<p><a href="https://x.y">a</a></p>'),
        ("[a](matrix:r/b) *c*", "<p>a <em>c</em></p>"),
        ("![a *b*](https://x.y/z.png)", '<p><a href="https://x.y/z.png">a b</a></p>'),
        ("![](https://x.y/z.png)", '<p><a href="https://x.y/z.png">https://x.y/z.png</a></p>'),
        ("![a](mxc://x/y)", "<p>a</p>"),
        ("*raw* <b onclick=x>tag</b>", "<p><em>raw</em> &lt;b onclick=x&gt;tag&lt;/b&gt;</p>"),
        ("a \\* b", "<p>a * b</p>"),
        ("|a|\n|:-:|\n|b|", "<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n"
                            "<td>b</td>\n</tr>\n</tbody>\n</table>"),
    ],
)  # fmt: skip
def test_markdown_becomes_html(text: str, formatted: str) -> None:
    assert html(text) == formatted


@pytest.mark.parametrize("text", ["", "Hello", "Hello\nworld & all\n\nthe <rest>", "2 * 3 = 6", "a_b_c"])
def test_a_text_without_markup_has_no_formatted_body(text: str) -> None:
    assert html(text) is None
