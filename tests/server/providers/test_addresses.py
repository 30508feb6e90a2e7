from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from toque_server.providers.addresses import AddressBook, choose


@given(st.text(), st.text())
def test_an_address_is_on_the_loopback_and_not_one_others_use(installation: str, instance: str) -> None:
    address = ip_address(choose(installation, instance, ()))

    assert address in ip_network("127.0.0.0/8")
    assert address not in ip_network("127.0.0.0/16")
    assert address.packed[3] not in (0, 255)


def test_an_address_that_is_taken_is_not_given_again() -> None:
    first = choose("here", "i-1", ())

    assert choose("here", "i-1", {first}) != first


def test_an_instance_keeps_its_address_across_processes_and_names_do_not_share(tmp_path: Path) -> None:
    one, two = AddressBook(tmp_path / "a.json", "here"), AddressBook(tmp_path / "a.json", "here")

    addresses = [one.address_of(f"i-{n}") for n in range(300)]

    assert [two.address_of(f"i-{n}") for n in range(300)] == addresses
    assert len(set(addresses)) == 300


def test_an_instance_that_is_forgotten_frees_its_address(tmp_path: Path) -> None:
    book = AddressBook(tmp_path / "a.json", "here")
    address = book.address_of("i-1")

    book.forget("i-1")

    assert book.address_of("i-1") == address
