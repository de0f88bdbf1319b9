"""Addresses of machines: whose they are, and how their clients are counted."""

import pytest

from sse_demo.web.addresses import address_in, counted_as, is_loopback


@pytest.mark.parametrize(
    ("written", "counted"),
    [
        (["192.0.2.1", "::ffff:192.0.2.1", "::FFFF:c000:201"], "192.0.2.1"),
        (["2001:db8::1", "2001:DB8:0:0::ffff", "2001:0db8:0000:0000:1234::"], "2001:db8::/64"),
        (["2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff"], "2001:db8:0:1::/64"),
        (["::1"], "::/64"),
        (["fe80::1%eth0", "fe80::2"], "fe80::/64"),
        (["no address"], "no address"),
        ([""], ""),
    ],
)
def test_a_client_is_counted_by_its_address_or_by_its_network_however_it_is_written(written, counted):
    assert {counted_as(text) for text in written} == {counted}


def test_an_address_of_ipv4_that_is_written_as_one_of_ipv6_is_one_of_ipv4():
    assert str(address_in("::ffff:127.0.0.1")) == "127.0.0.1"
    assert address_in("127.1") is None


@pytest.mark.parametrize("name", ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "::ffff:127.0.0.1"])
def test_names_of_this_machine(name):
    assert is_loopback(name)


@pytest.mark.parametrize("name", ["localhost.evil.test", "evil-localhost", "128.0.0.1", "0.0.0.0", "[::2]", ""])
def test_names_of_others(name):
    assert not is_loopback(name)
