"""Links are read as a browser follows them, and known by where they lead."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import ConfigError
from bot.moderation import phishing
from bot.moderation.impostors import KNOWN, imitated
from bot.moderation.links import links_in


@pytest.fixture(autouse=True)
def shipped_list() -> Iterator[None]:
    yield
    phishing.use(None)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://Example.ORG/path", "example.org"),
        ("https://example.org:8443/x?y=1#z", "example.org"),
        ("https://user:pass@example.org/", "example.org"),
        ("https://discord.com@example.org/", "example.org"),
        ("https:\\\\example.org\\x", "example.org"),
        ("https:/example.org", "example.org"),
        ("https://ex%61mple.o%72g/", "example.org"),
        ("https://ex%2561mple.org/", "example.org"),
        ("https://example。org/", "example.org"),
        ("https://ｅｘａｍｐｌｅ．ｏｒｇ/", "example.org"),
        ("https://exam\u200bple.org/", "example.org"),
        ("https://example.org./", "example.org"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("<https://example.org>", "example.org"),
        ("(see https://example.org).", "example.org"),
        ("look at example.org/x now", "example.org"),
        ("[here](https://example.org/a)", "example.org"),
        ("[here](<https://example.org/a> 'title')", "example.org"),
    ],
)
def test_a_link_leads_where_a_browser_would_go(text: str, host: str) -> None:
    (link,) = links_in(text)
    assert link.host == host
    assert link.leads_to(host.split(".", 1)[-1]) or link.leads_to(host)


@pytest.mark.parametrize(
    "text",
    ["3.5 of 4", "anna@example.org", "wait... what?", "at 10:30", "", "a.b.c.1", "说完了。然后呢", "8G.显存"],
)
def test_what_is_no_link_is_none(text: str) -> None:
    assert links_in(text) == ()


def test_a_masked_link_shows_its_label_and_is_one_link() -> None:
    (link,) = links_in("go [https://a.example](https://b.example/x) now")
    assert (link.label, link.host, link.start, link.end) == ("https://a.example", "b.example", 3, 43)


@given(st.text("htps:/\\.[]()<>@%20ab。 \n", max_size=400))
def test_links_lie_inside_the_text_and_apart(text: str) -> None:
    end = 0
    for link in links_in(text):
        assert end <= link.start < link.end <= len(text)
        end = link.end


def first(text: str) -> str | None:
    return imitated(links_in(text)[0])


@pytest.mark.parametrize(
    "host",
    [
        "dlscord.com",
        "discorcl.com",
        "disc0rd.gg",
        "dîscord.com",
        "dіscord.com",
        "discordd.com",
        "discrod.gg",
        "discord-nitro.example",
        "discordgift.example",
        "free-discord.example",
        "discord.com.evil.example",
        "steamcommunlty.com",
        "steamcornmunity.com",
        "paypa1.com",
        "github-login.example",
    ],
)
def test_an_imitation_is_seen(host: str) -> None:
    assert first(f"https://{host}/x") is not None


@pytest.mark.parametrize(
    "host",
    [
        *KNOWN.split(),
        "docs.github.com",
        "github.io",
        "anna.github.io",
        "gitlab.com",
        "discordjs.guide",
        "discord.js.org",
        "google.de",
        "google.co.uk",
        "finance.com",
        "switch.example",
        "telegra.ph",
        "store.steampowered.com",
        "python.org",
        "bbc.co.uk",
        "matrix.to",
        "xn--bcher-kva.example",
    ],
)
def test_an_honest_site_is_none(host: str) -> None:
    assert first(f"https://{host}/x") is None


def test_the_shipped_list_is_whole_and_holds_what_lies_below_a_domain() -> None:
    listed = phishing.shipped()
    assert len(listed) == 21_908
    assert listed.find(links_in("https://www.discordapp.pages.dev/x")[0]) == "discordapp.pages.dev"
    assert listed.find(links_in("https://pages.dev/x")[0]) is None
    for domain in ("discord.com", "github.com", "google.com", "youtube.com", "matrix.org", "wikipedia.org"):
        assert listed.find(links_in(f"https://{domain}/")[0]) is None


@pytest.mark.parametrize("packed", [True, False])
def test_a_newer_list_takes_its_place(tmp_path: Path, packed: bool) -> None:
    text = b"# newer\nbad.example\nworse.example/path\n"
    name = phishing.FILE_NAMES[1] if packed else phishing.FILE_NAMES[0]
    (tmp_path / name).write_bytes(gzip.compress(text) if packed else text)
    phishing.use_newest(tmp_path)
    assert len(phishing.domains()) == 2
    assert phishing.domains().find(links_in("https://x.bad.example/")[0]) == "bad.example"
    assert phishing.domains().find(links_in("https://worse.example/Path/")[0]) == "worse.example/path"
    assert phishing.domains().find(links_in("https://worse.example/other")[0]) is None
    phishing.use_newest(tmp_path / "nothing here")
    assert len(phishing.domains()) == 21_908


@pytest.mark.parametrize("content", [b"<html>not found</html>", b"\xff\xfe\x00", b"one two.example"])
def test_what_is_no_list_is_refused_and_changes_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / phishing.FILE_NAMES[0]).write_bytes(content)
    with pytest.raises(ConfigError, match=phishing.FILE_NAMES[0]):
        phishing.use_newest(tmp_path)
    (tmp_path / phishing.FILE_NAMES[0]).rename(tmp_path / phishing.FILE_NAMES[1])
    with pytest.raises(ConfigError, match="cannot be read"):
        phishing.use_newest(tmp_path)
    assert len(phishing.domains()) == 21_908
