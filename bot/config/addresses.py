"""Which addresses stay on this machine or network, judged by their spelling: nothing is looked up."""

from ipaddress import ip_address
from urllib.parse import urlsplit

_LOCAL_ENDINGS = (".localhost", ".test", ".local", ".internal", ".lan", ".home.arpa")
"""Names that public DNS never answers: RFC 6761, RFC 6762, ICANN's .internal, RFC 8375; .lan by custom."""


def is_private_host(host: str) -> bool:
    """True for loopback and private addresses, and for names that only a local network knows."""
    try:
        address = ip_address(host)
    except ValueError:
        name = host.lower().rstrip(".")
        return "." not in name or name.endswith(_LOCAL_ENDINGS)
    return address.is_loopback or (address.is_private and not address.is_unspecified)


def is_private_url(url: str) -> bool:
    """True when a URL points to this machine or a private network."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return False
    return bool(host) and is_private_host(str(host))


def host_and_port(listen: str) -> tuple[str, int]:
    """Split "127.0.0.1:9464" or "[::1]:9464".

    Raises:
        ValueError: it has no port, or one outside 0..65535.
    """
    parts = urlsplit(f"//{listen}")
    if parts.port is None or not parts.hostname or parts.path:
        raise ValueError(listen)
    return parts.hostname, parts.port
