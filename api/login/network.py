"""From where a login came, as much of it as is kept: the network, not the address.

An operator must tell one visitor's many failures from many visitors' few, and may want to block where they come
from; who exactly it was is nobody's business. docs/decisions/0013 says why not a hash.
"""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address, ip_network

from starlette.requests import HTTPConnection

IPV4_PREFIX = 24
IPV6_PREFIX = 48
"""What a provider gives one customer, at most (RFC 6177)."""


def login_network(connection: HTTPConnection) -> str | None:
    """Such as 203.0.113.0/24 or 2001:db8:1::/48; None when the server does not know."""
    try:
        address = ip_address(connection.client.host if connection.client else "")
    except ValueError:
        return None
    if not isinstance(address, IPv4Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    prefix = IPV4_PREFIX if isinstance(address, IPv4Address) else IPV6_PREFIX
    return str(ip_network((address, prefix), strict=False))
