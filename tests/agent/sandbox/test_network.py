from __future__ import annotations

from ipaddress import IPv4Address

from toque.sandbox.network import Net


def test_the_names_on_the_host_follow_from_the_address() -> None:
    net = Net(IPv4Address("10.253.7.200"))

    assert (net.gateway, net.bridge, net.outside) == ("10.253.0.1", "toque-10-253", "tq0afd07c8")


def test_no_name_is_longer_than_the_kernel_allows() -> None:
    net = Net(IPv4Address("255.255.255.255"))

    assert max(len(net.bridge), len(net.outside)) <= 15
