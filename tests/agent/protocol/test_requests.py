from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, MappingKeyResolver, algorithms

from toque.protocol.keys import load_public, load_signing_key, public_bytes
from toque.protocol.messages import ENROL_PATH, POLL_PATH
from toque.protocol.requests import (
    HEADERS,
    BadRequestShape,
    ParsedRequest,
    parse_request,
    sign_request,
    verify,
)
from toque.protocol.signed import BadSignature

KEY = load_signing_key(bytes(range(32)))
PUBLIC = KEY.public_key()
BODY = b'{"agent_version":"1"}'
BODY_DIGEST = hashlib.sha256(BODY).digest()
NOW = 1_790_000_000.5


def signed(path: str = POLL_PATH, key: Ed25519PrivateKey = KEY, lane: str = "h") -> dict[str, str]:
    return sign_request(
        path=path,
        body=BODY,
        installation="inst-1",
        key_id="n-1",
        key=key,
        epoch=3,
        lane=lane,
        sequence=17,
        now=NOW,
    )


def parsed(headers: Mapping[str, str]) -> ParsedRequest:
    return parse_request("POST", POLL_PATH, headers, BODY_DIGEST)


@dataclass
class Message:
    """A request as the public library wants to see one."""

    method: str = "POST"
    url: str = f"https://toque.example{POLL_PATH}"
    headers: dict[str, str] = field(default_factory=dict)


KEYS = MappingKeyResolver(public_keys={"n-1": PUBLIC}, private_keys={"n-1": KEY})
COMPONENTS = ("@method", "@path", "content-type", "content-digest", "toque-installation")


def test_what_is_signed_is_read_and_verified() -> None:
    request = parsed(signed())

    verify(request, PUBLIC)

    assert (request.key_id, request.installation, request.created) == ("n-1", "inst-1", 1_790_000_000)
    assert (request.epoch, request.lane, request.sequence, request.nonce) == (3, "h", 17, "3-h-17")


def test_an_independent_library_accepts_our_requests() -> None:
    message = Message(headers=signed())

    results = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=KEYS).verify(
        message, max_age=None, expect_tag="toque-agent-v1", body=BODY
    )

    assert [tuple(name.strip('"') for name in list(result.covered_components)[:5]) for result in results] == [
        COMPONENTS
    ]


def test_we_accept_the_requests_of_an_independent_library() -> None:
    ours = signed()
    message = Message(headers={name: ours[name] for name in HEADERS[:3]})
    signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=KEYS)

    signer.sign(
        message,
        key_id="n-1",
        use_existing_digest=True,
        nonce="3-h-17",
        label="sig1",
        tag="toque-agent-v1",
        include_alg=False,
        covered_component_ids=COMPONENTS,
    )
    headers = {name.lower(): value for name, value in message.headers.items()}

    request = parsed(headers)
    verify(request, PUBLIC)
    assert request.sequence == 17


def test_the_vector_of_rfc_9421_b_2_6_verifies() -> None:
    public = load_public(base64.urlsafe_b64decode("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs="))
    base = (
        '"date": Tue, 20 Apr 2021 02:07:55 GMT\n'
        '"@method": POST\n'
        '"@path": /foo\n'
        '"@authority": example.com\n'
        '"content-type": application/json\n'
        '"content-length": 18\n'
        '"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length")'
        ';created=1618884473;keyid="test-key-ed25519"'
    )
    signature = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    request = ParsedRequest(
        "test-key-ed25519", "none", 1618884473, 0, "h", 0, "", base.encode(), base64.b64decode(signature)
    )

    verify(request, public)


@pytest.mark.parametrize(
    ("seed", "public", "message", "signature"),
    [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ],
)
def test_the_vectors_of_rfc_8032_hold(seed: str, public: str, message: str, signature: str) -> None:
    key = load_signing_key(bytes.fromhex(seed))

    assert public_bytes(key).hex() == public
    assert key.sign(bytes.fromhex(message)).hex() == signature


@pytest.mark.parametrize("name", HEADERS)
def test_S2_a_request_without_one_of_its_headers_is_refused(name: str) -> None:
    headers = signed()
    del headers[name]

    with pytest.raises(BadRequestShape, match=name):
        parsed(headers)


@pytest.mark.parametrize("join", [",", ", "])
@pytest.mark.parametrize("name", HEADERS)
def test_S2_a_doubled_header_is_refused(name: str, join: str) -> None:
    headers = signed()
    headers[name] += join + headers[name]

    with pytest.raises(BadRequestShape):
        parsed(headers)


INPUT = signed()["signature-input"]


@pytest.mark.parametrize(
    "wrong",
    [
        INPUT.replace("sig1=", "sig2="),
        INPUT.replace('"@method" "@path"', '"@path" "@method"'),
        INPUT.replace('"@method" ', ""),
        INPUT.replace(";tag=", ";x=1;tag="),
        INPUT.replace(";created=1790000000", ""),
        INPUT.replace("created=1790000000", "created=01790000000"),
        INPUT.replace("created=1790000000", "created=-1"),
        INPUT.replace(';keyid="n-1"', ';keyid="n-1";alg="none"'),
        INPUT.replace('"n-1"', '"n_1"'),
        INPUT.replace("3-h-17", "3-h"),
        INPUT.replace("3-h-17", "3-h-+17"),
        INPUT.replace("3-h-17", "3-h-017"),
        INPUT.replace("3-h-17", "3-h-١٧"),
        INPUT.replace("3-h-17", "3-c-17"),
        INPUT + " ",
        INPUT + "\n",
        " " + INPUT,
        INPUT.replace("toque-agent-v1", "toque-agent-v2"),
        "",
    ],
)
def test_S2_there_is_one_spelling_of_signature_input(wrong: str) -> None:
    with pytest.raises(BadRequestShape):
        parsed({**signed(), "signature-input": wrong})


@pytest.mark.parametrize(
    "wrong", ["", "sig1=::", "sig1=:AAAA:", "sig2=:" + "A" * 86 + "==:", "sig1=:" + "A" * 88 + ":"]
)
def test_S2_a_signature_of_another_shape_is_refused(wrong: str) -> None:
    with pytest.raises(BadRequestShape):
        parsed({**signed(), "signature": wrong})


@pytest.mark.parametrize("wrong", ["", "a b", "x" * 65, "inst-1\n", "inst,1", "ïnst"])
def test_S2_an_installation_that_is_no_id_is_refused(wrong: str) -> None:
    with pytest.raises(BadRequestShape):
        parsed({**signed(), "toque-installation": wrong})


@pytest.mark.parametrize("content_type", ["text/plain", "application/json; charset=utf-8", "Application/json"])
def test_S2_another_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(BadRequestShape):
        parsed({**signed(), "content-type": content_type})


def test_S2_a_changed_body_is_refused() -> None:
    with pytest.raises(BadRequestShape, match="content-digest"):
        parse_request("POST", POLL_PATH, signed(), hashlib.sha256(BODY + b" ").digest())


@pytest.mark.parametrize("method", ["GET", "PUT", "post"])
def test_S2_another_method_is_refused(method: str) -> None:
    with pytest.raises(BadRequestShape):
        parse_request(method, POLL_PATH, signed(), BODY_DIGEST)


@pytest.mark.parametrize("path", ["/", "/agent/v1/poll/", "/agent/v1/../poll", "/agent/v1/poll?x", "/agent/v1/unknown"])
def test_S2_another_path_is_refused(path: str) -> None:
    with pytest.raises(BadRequestShape):
        parse_request("POST", path, signed(), BODY_DIGEST)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("toque-installation", "inst-2"),
        ("signature-input", INPUT.replace("n-1", "n-2")),
        ("signature-input", INPUT.replace("3-h-17", "3-h-18")),
        ("signature-input", INPUT.replace("1790000000", "1790000001")),
    ],
)
def test_S2_every_header_is_under_the_signature(name: str, value: str) -> None:
    with pytest.raises(BadSignature):
        verify(parsed({**signed(), name: value}), PUBLIC)


def test_S2_the_path_is_under_the_signature() -> None:
    request = parse_request("POST", "/agent/v1/enrol", signed(ENROL_PATH, lane="j"), BODY_DIGEST)
    verify(request, PUBLIC)

    with pytest.raises(BadSignature):
        verify(parse_request("POST", "/agent/v1/ack", {**signed(lane="c")}, BODY_DIGEST), PUBLIC)


def test_S2_another_key_does_not_verify() -> None:
    with pytest.raises(BadSignature):
        verify(parsed(signed(key=load_signing_key(bytes(32)))), PUBLIC)
