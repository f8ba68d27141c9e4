"""The address that a request comes from: the peer's, or the one that trusted proxies vouch for."""

from collections.abc import Sequence
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]
UNKNOWN = "unknown"


@cache
def _trusted(networks: tuple[str, ...]) -> Networks:
    return tuple(ip_network(network, strict=False) for network in networks)


def client_address(request: HttpRequest) -> str:
    """The client of ``request`` in canonical spelling, "unknown" for a peer without an address (a unix socket)."""
    peer = _address(request.META.get("REMOTE_ADDR", ""))
    return resolve(peer, request.META.get("HTTP_X_FORWARDED_FOR", ""), settings.TRUSTED_PROXIES)


def resolve(peer: Address | None, forwarded: str, proxies: Sequence[str]) -> str:
    """The rightmost entry of ``forwarded`` (X-Forwarded-For) that is no trusted proxy; the peer when it is untrusted.

    Entries left of an untrusted one are the client's own words. An entry that is no address ends the walk: the hop that
    passed it on is the last one known.
    """
    networks = _trusted(tuple(proxies))
    client = peer
    hops = [entry for entry in forwarded.split(",") if entry.strip()]
    while hops and networks and (client is None or _is_in(client, networks)):
        hop = _address(hops.pop())
        if hop is None:
            break
        client = hop
    return UNKNOWN if client is None else str(client)


def _is_in(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks)


def _address(text: str) -> Address | None:
    """An address, with or without a port ("192.0.2.1:4711", "[2001:db8::1]:4711"); IPv4 in IPv6 is IPv4."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
