"""Which addresses are public: what others reach as well as we, and nothing that is near us."""

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_PRIVATE_V4 = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by a provider's customers, and clouds' own services: RFC 6598
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's own service for its machines
        "169.254.0.0/16",  # link-local, and where clouds tell machines their secrets
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # relays of 6to4: RFC 7526
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
"""Source: IANA IPv4 Special-Purpose Address Registry, of which nothing is taken, whatever it may be for."""

_GLOBAL_V6 = ip_network("2000::/3")
"""All that was ever given out, so IPv4 in IPv6 (::ffff:0:0/96), NAT64 (64:ff9b::/96), link-local are none."""
_PRIVATE_V6 = tuple(
    ip_network(each)
    for each in (
        "2001::/23",  # Teredo and other protocols
        "2001:db8::/32",
        "2002::/16",  # 6to4, which holds an IPv4 address
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
"""Source: IANA IPv6 Special-Purpose Address Registry."""


def is_public(address: str) -> bool:
    """True for an address, as digits, that belongs to the public internet; False for all that is none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    match found:
        case IPv4Address():
            return not any(found in network for network in _PRIVATE_V4)
        case IPv6Address():
            given_out = found in _GLOBAL_V6 and found.scope_id is None
            return given_out and not any(found in network for network in _PRIVATE_V6)


_OPENABLE = tuple(
    ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
"""What an operator's own sites can have: RFC 1918, RFC 6598, RFC 4193. Never this machine, nor its link."""
_NEVER = tuple(ip_network(each) for each in ("100.100.100.200/32", "fd00:ec2::/32"))
"""Where clouds tell machines their secrets, although it lies within these."""


def check_private(network: str) -> str:
    """A private address or network, as it is written.

    Raises:
        ValueError: it is none, or not all of it is private.
    """
    found = ip_network(network)
    if not any(found.version == wide.version and found.subnet_of(wide) for wide in _OPENABLE):  # type: ignore[arg-type]
        raise ValueError(network)
    return network


def public_and(networks: Iterable[str]) -> Callable[[str], bool]:
    """What decides that an address is public or lies in one of these private networks.

    Raises:
        ValueError: one is none, or not all of it is private.
    """
    opened = tuple(ip_network(check_private(each)) for each in networks)

    def allowed(address: str) -> bool:
        if is_public(address):
            return True
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in each for each in opened) and not any(found in each for each in _NEVER)

    return allowed
