"""Hosts that look like those of well-known services and are not: discorcl.com, steamcommunlty.com."""

import re
from functools import lru_cache

from rapidfuzz.distance import OSA

from bot.moderation.links import Link, shown_host
from bot.moderation.lookalikes import loose
from bot.moderation.normalize import normalize
from bot.moderation.words import is_word

KNOWN = (
    "discord.com discord.gg discord.gift discordapp.com discordstatus.com steamcommunity.com "
    "steampowered.com "
    "github.com google.com youtube.com paypal.com microsoft.com facebook.com instagram.com twitter.com "
    "telegram.org whatsapp.com roblox.com twitch.tv epicgames.com netflix.com amazon.com binance.com "
    "coinbase.com metamask.io opensea.io"
)
"""Services whose members are worth robbing; of `name.tld` the name is what is imitated."""

_OWN = (
    "discord.media discord.new discord.dev discord.co discord.js.org discordapp.net discordjs.guide "
    "discordmerch.com steamusercontent.com steamstatic.com steamgames.com githubusercontent.com "
    "githubassets.com github.io github.dev googleapis.com googlevideo.com googleusercontent.com "
    "microsoftonline.com amazonaws.com paypalobjects.com netflixtechblog.com telegra.ph telegraf.js.org"
)
"""What belongs to them, or has long had a similar name."""

_LURES = re.compile(
    r"nitro|gift|free|log-?in|sign-?in|verif|airdrop|trade|promo|support|claim|bonus|reward|secur|account|"
    r"wallet|giveaway"
)
_SHORTEST = 7
"""Letters of a name whose misspellings are told from other words."""

_PAIRS = (("rn", "m"), ("cl", "d"), ("vv", "w"))
_ONE_OF_TWO = str.maketrans("0135|", "olesl")
_SECOND_LEVEL = frozenset(("co", "com", "org", "net", "ac", "gov", "edu", "ne", "or"))

CACHED = 4_096
"""Hosts whose answer is remembered."""

_NAMES = {domain.partition(".")[0]: domain for domain in reversed(KNOWN.split())}
_TRUSTED = frozenset((*KNOWN.split(), *_OWN.split()))


def imitated(link: Link) -> str | None:
    """The well-known domain that a link's host pretends to be; None if it pretends nothing."""
    if not link.host or not _TRUSTED.isdisjoint(link.domains):
        return None
    return _imitated(link.host)


@lru_cache(CACHED)
def _imitated(host: str) -> str | None:
    labels = shown_host(host).split(".")
    if len(labels) < 2:
        return None
    name = labels[-3] if len(labels) > 2 and labels[-2] in _SECOND_LEVEL else labels[-2]
    whole = f".{host}."
    for domain in KNOWN.split():
        if f".{domain}." in whole or whole.startswith(f".{domain.replace('.', '-')}"):
            return domain  # discord.com.example.org
    return _imitated_name(name)


def _imitated_name(name: str) -> str | None:
    if name in _NAMES:
        return None  # the same name under another ending, such as google.de
    read = _letters(name)
    if read in _NAMES:
        return _NAMES[read]
    for piece in read.split("-"):
        if is_word(piece) or len(piece) < _SHORTEST - 1:
            continue
        for known, domain in _NAMES.items():
            if len(known) >= _SHORTEST and OSA.distance(piece, known, score_cutoff=1) == 1:
                return domain
    for known, domain in _NAMES.items():  # discord-nitro.example, discordgift.example
        before, found, after = name.partition(known)
        if found and _LURES.search(f"{before} {after}"):
            return domain
    return None


def _letters(name: str) -> str:
    """A name as it is read at a glance."""
    table = loose()
    read = "".join(table.get(letter, letter) for letter in normalize(name).plain)
    for pair, letter in _PAIRS:
        read = read.replace(pair, letter)
    return read.translate(_ONE_OF_TWO)
