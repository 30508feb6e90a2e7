from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.fakes.web import Page, Web
from toque.cli import metadata_service
from toque.cli.metadata_service import NoMetadata

DOCUMENT = json.dumps({"instanceId": "i-0123456789abcdef0", "region": "eu-west-1"})


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A metadata service of the first kind, which knows no sessions: it answers PUT with an error."""
    web = Web()
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", web.url)
    yield web
    web.close()


def test_the_identity_is_the_document_as_it_stands_with_its_signature(service: Web) -> None:
    service.pages["/latest/dynamic/instance-identity/document"] = Page(DOCUMENT.encode())
    service.pages["/latest/dynamic/instance-identity/signature"] = Page(b"c2ln")

    found = metadata_service.identity()

    assert (found.document, found.signature) == (DOCUMENT, "c2ln")
    assert (found.region, found.instance_id) == ("eu-west-1", "i-0123456789abcdef0")


def test_the_key_of_the_instance_profile_is_that_of_its_first_role(service: Web) -> None:
    roles = "/latest/meta-data/iam/security-credentials/"
    service.pages[roles] = Page(b"node\nother\n")
    service.pages[f"{roles}node"] = Page(json.dumps({"AccessKeyId": "AKTQ", "SecretAccessKey": "s"}).encode())

    found = metadata_service.profile_key()

    assert (found.access_key_id, found.secret_access_key) == ("AKTQ", "s")
    assert "'s'" not in repr(found)


def test_a_profile_without_a_key_and_a_document_that_is_none_are_said(service: Web) -> None:
    roles = "/latest/meta-data/iam/security-credentials/"
    service.pages |= {roles: Page(b"node"), f"{roles}node": Page(b"{}")}
    for name in ("document", "signature"):
        service.pages[f"/latest/dynamic/instance-identity/{name}"] = Page(b"no JSON")

    with pytest.raises(NoMetadata, match="the instance profile node has no access key"):
        metadata_service.profile_key()
    with pytest.raises(NoMetadata, match="is no JSON"):
        _ = metadata_service.identity().region


def test_without_a_service_the_way_out_is_told(service: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoMetadata, match=r"has no /latest/dynamic/instance-identity/document \(HTTP 404\)"):
        metadata_service.identity()
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(NoMetadata, match="does not answer: .* --infrastructure-class on-premises"):
        metadata_service.identity()
