from __future__ import annotations

import pytest

from toque_server.domain.invalid import Invalid
from toque_server.domain.source import FILTERED, Source, check, join, merge, shown, split


def is_allowed(type: str, url: str, *, insecure: bool = False) -> bool:
    try:
        check(Source(type=type, url=url), member="AppSource", allow_insecure=insecure)
    except Invalid:
        return False
    return True


@pytest.mark.parametrize(
    ("type", "url"),
    [
        ("git", "https://example.org/a.git"),
        ("git", "ssh://git@example.org/a.git"),
        ("git", "git@example.org:team/a.git"),
        ("svn", "https://example.org/trunk"),
        ("archive", "https://example.org:8443/a.tgz"),
        ("s3", "https://bucket.s3.amazonaws.com/a.zip"),
    ],
)
def test_ordinary_addresses_are_allowed(type: str, url: str) -> None:
    assert is_allowed(type, url)


@pytest.mark.parametrize(
    ("type", "url"),
    [
        ("git", "http://example.org/a.git"),
        ("git", "git://example.org/a.git"),
        ("git", "file:///srv/a.git"),
        ("git", "/srv/a.git"),
        ("git", "https://127.0.0.1/a.git"),
        ("git", "https://2130706433/a.git"),
        ("git", "https://0x7f.1/a.git"),
        ("git", "https://[::1]/a.git"),
        ("git", "https://[::ffff:10.0.0.1]/a.git"),
        ("git", "https://localhost/a.git"),
        ("git", "git@10.0.0.1:a.git"),
        ("archive", "https://169.254.169.254/latest"),
    ],
)
def test_d18_plain_and_private_sources_need_the_installation_s_leave(type: str, url: str) -> None:
    assert not is_allowed(type, url)
    assert is_allowed(type, url, insecure=True)


@pytest.mark.parametrize(
    "url",
    ["--upload-pack=id", "ext::sh -c id", "-x@host:a", "https://a b/", "https://x/\n", "ftp://x/a", "nonsense", ""],
)
def test_s20_hostile_addresses_are_refused_everywhere(url: str) -> None:
    assert not is_allowed("git", url, insecure=True)


def test_a_source_of_no_type_or_of_type_other_may_be_anything() -> None:
    check(Source(), member="AppSource", allow_insecure=False)
    check(Source(type="other", url="what ever"), member="AppSource", allow_insecure=False)


def test_a_key_with_a_passphrase_is_refused() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"

    with pytest.raises(Invalid, match="passphrase"):
        check(Source(type="other", ssh_key=key), member="AppSource", allow_insecure=True)


def test_a_source_is_split_and_joined_without_loss() -> None:
    source = Source(type="git", url="u", password="p", ssh_key="k", revision="r")
    public, secrets = split(source)

    assert public.password is None and public.ssh_key is None
    assert join(public, secrets) == source
    assert shown(public, secrets) == Source(type="git", url="u", password=FILTERED, ssh_key=FILTERED, revision="r")


def test_members_merge_one_by_one_and_a_filtered_one_stays() -> None:
    stored = Source(type="git", url="u", password="p", ssh_key="k")

    assert merge(stored, Source(revision="r", ssh_key=FILTERED)) == Source("git", "u", None, "p", "k", "r")


def test_another_type_does_not_inherit_secrets_that_are_not_sent_again() -> None:
    stored = Source(type="git", url="u", password="p", ssh_key="k")

    assert merge(stored, Source(type="archive", url="v", password=FILTERED)) == Source("archive", "v", None, "p")
