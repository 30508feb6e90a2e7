from __future__ import annotations

import pytest

from toque.core.urls import BadUrl, parse_repository, parse_url, refuse_address, without_password

METADATA = [
    "169.254.169.254",
    "169.254.169.254.",
    "2852039166",
    "0xa9fea9fe",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.16689662",
    "169.254.0xa9fe",
    "[::ffff:a9fe:a9fe]",
    "[::ffff:169.254.169.254]",
    "[::a9fe:a9fe]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
    "[fd00:ec2::254]",
]
INSIDE = ["127.0.0.1", "0.0.0.0", "10.0.0.1", "192.168.1.1", "172.16.0.1", "224.0.0.1", "255.255.255.255", "100.64.0.1"]
INSIDE += ["[::1]", "[::]", "[fe80::1]", "[fe80::1%25eth0]", "[ff02::1]", "[fc00::1]", "localhost", "a.LOCALHOST."]

NO_URL = [
    "",
    "-oProxyCommand=id",
    "--upload-pack=touch /tmp/x",
    "https://",
    "https:///path",
    "https://-oProxyCommand=id/x",
    "https://exa mple.org/",
    "https://example.org/\nHost: evil",
    "https://example.org/%0aHost:%20evil",
    "https://example.org/%00",
    "https://example.org\\@evil.org/",
    "https://user:password@example.org/",
    "https://@example.org/",
    "https://a@b@evil.org/",
    "https://example.org:99999/",
    "https://example.org:x/",
    "https://exämple.org/",
    "https://example..org/",
    "HTTPS://example.org/",
    "gopher://example.org/",
    "dict://example.org/",
    "ftp://example.org/",
    "javascript:alert(1)",
    "data:,x",
    "https:example.org",
    "//example.org/x",
]
NO_REPOSITORY = [
    *NO_URL,
    "ext::sh -c 'touch /tmp/x'",
    "ext::sh%20-c%20id",
    "fd::17",
    "file::/etc",
    "http::http://example.org/x",
    "ssh://-oProxyCommand=id/x",
    "ssh://user@-oProxyCommand=id/x",
    "ssh://-user@example.org/x",
    "-user@example.org:x",
    "user@-oProxyCommand=id:x",
    "user@example.org:-x",
    "user@example.org",
    "example.org:x",
    "C:/x",
    "../x",
    "x/y",
    "user@[::1]:x",
    "svn+ssh://example.org/x",
    "ssh+git://example.org/x",
    "rsync://example.org/x",
]


@pytest.mark.parametrize("host", [*METADATA, *INSIDE])
def test_S19_what_is_not_on_the_public_internet_is_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(BadUrl):
        parse_url(f"https://{host}/latest/meta-data/", ("https",))
    with pytest.raises(BadUrl):
        parse_repository(f"https://{host}/x.git")


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "::ffff:a9fe:a9fe", "127.8.8.8", "::1", "fe80::1%eth0", "10.1.1.1"]
)
def test_S19_a_name_that_leads_inside_is_refused(address: str) -> None:
    with pytest.raises(BadUrl, match="not on the public internet"):
        refuse_address("https://example.org/", address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"])
def test_public_addresses_are_fine(address: str) -> None:
    refuse_address("https://example.org/", address)


@pytest.mark.parametrize("url", NO_URL)
def test_S19_what_is_no_plain_url_is_refused_even_where_much_is_allowed(url: str) -> None:
    with pytest.raises(BadUrl):
        parse_url(url, ("https",), insecure=("http", "file"), allow_insecure=True)


@pytest.mark.parametrize("url", NO_REPOSITORY)
def test_S20_what_is_no_plain_repository_is_refused_even_where_much_is_allowed(url: str) -> None:
    with pytest.raises(BadUrl):
        parse_repository(url, allow_insecure=True)


@pytest.mark.parametrize(
    ("url", "scheme", "host"),
    [
        ("https://example.org/team/app.git", "https", "example.org"),
        ("https://token@example.org:8443/app", "https", "example.org"),
        ("ssh://git@example.org:2222/app.git", "ssh", "example.org"),
        ("git@example.org:team/app.git", "ssh", "example.org"),
        ("https://93.184.216.34/app.git", "https", "93.184.216.34"),
        ("https://[2606:2800:220:1::1]/app.git", "https", "2606:2800:220:1::1"),
    ],
)
def test_ordinary_repositories_are_taken(url: str, scheme: str, host: str) -> None:
    found = parse_repository(url)

    assert (found.scheme, found.host, found.text) == (scheme, host, url)


@pytest.mark.parametrize("url", ["http://example.org/a", "git://example.org/a", "file:///srv/a", "/srv/a"])
def test_S20_insecure_repositories_are_taken_only_where_they_are_allowed(url: str) -> None:
    assert parse_repository(url, allow_insecure=True).scheme == url.partition(":")[0].replace("/srv/a", "file")

    with pytest.raises(BadUrl, match="allow_insecure=True"):
        parse_repository(url)


def test_a_password_is_in_no_error() -> None:
    with pytest.raises(BadUrl) as refused:
        parse_url("https://user:swordfish@example.org/", ("https",))

    assert "swordfish" not in str(refused.value) + repr(refused.value.args)
    assert without_password("https://u:swordfish@h/x") == "https://u:***@h/x"
