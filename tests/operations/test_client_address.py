from ipaddress import ip_address

import pytest

from todoproject.client_address import resolve

PROXIES = ["10.0.0.0/8", "192.0.2.1", "2001:db8:1::/48"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # not a proxy: not believed
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.2.3.4, 192.0.2.1", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.7, 10.0.0.8", "10.0.0.7"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("10.0.0.1", "2001:DB8:0:0::7", "2001:db8::7"),
        ("2001:db8:1::1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, 10.9.9.9, unknown, 10.2.3.4", "10.2.3.4"),
        ("10.0.0.1", " ,, 198.51.100.1 ,, ", "198.51.100.1"),
    ],
)
def test_the_rightmost_untrusted_entry_is_the_client(peer: str, forwarded: str, client: str) -> None:
    assert resolve(ip_address(peer), forwarded, PROXIES) == client


def test_a_peer_without_an_address_is_a_proxy_when_there_are_any() -> None:
    assert resolve(None, "198.51.100.1", PROXIES) == "198.51.100.1"
    assert resolve(None, "198.51.100.1", []) == "unknown"
