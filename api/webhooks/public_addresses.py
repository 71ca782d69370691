"""Which network addresses a stranger may make this service connect to.

Written out rather than asked of `ipaddress.is_global`, whose answers differ between Python's releases. The tables are
IANA's special-purpose registries (RFC 6890 and its successors).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

Reach = Literal["public", "inside", "never"]

_NEVER = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",  # unspecified, this network
        "169.254.0.0/16",  # link-local, where clouds serve credentials
        "100.100.100.200/32",  # the same in a carrier-grade range
        "192.0.0.0/24",  # protocol assignments; one cloud's credentials again
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "::/128",  # unspecified
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local, withdrawn
        "fd00:ec2::254/128",  # a cloud's credentials
        "ff00::/8",  # multicast
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which carries any IPv4 address
        "3fff::/20",  # documentation
    )
)
_INSIDE = tuple(
    ip_network(block)
    for block in (
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "::1/128",
        "fc00::/7",  # unique local
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


def reach(address: str) -> Reach:
    """How far an address in its usual spelling reaches. What is in no table and no assigned block is `never`.

    >>> reach("93.184.215.14"), reach("::ffff:10.0.0.1"), reach("169.254.169.254")
    ('public', 'inside', 'never')
    """
    found = _carried(ip_address(address))
    if _within(found, _NEVER):
        return "never"
    if _within(found, _INSIDE):
        return "inside"
    return "public" if isinstance(found, IPv4Address) or found in _GLOBAL_UNICAST else "never"


def _carried(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside a mapped or translated one, which is where the connection would end."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _within(address: IPv4Address | IPv6Address, blocks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return any(address in block for block in blocks)
