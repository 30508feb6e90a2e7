from __future__ import annotations

import base64

import msgspec
import pytest

from toque.protocol.keys import load_signing_key
from toque.protocol.messages import SignedObject
from toque.protocol.signed import BadSignature, open_signed, sign

KEY = load_signing_key(bytes(range(32)))
KEYS = {"online-1": KEY.public_key()}
OBJECT = sign("command", b'{"a":1}', KEY, "online-1")


def test_what_was_signed_opens() -> None:
    assert open_signed(OBJECT, "command", KEYS) == b'{"a":1}'


def test_the_signature_is_over_purpose_and_payload() -> None:
    KEY.public_key().verify(base64.b64decode(OBJECT.signature), b'toque/1 command\n{"a":1}')


def test_S6_a_thing_of_one_kind_is_none_of_another() -> None:
    with pytest.raises(BadSignature, match="expected"):
        open_signed(OBJECT, "policy", KEYS)
    with pytest.raises(BadSignature, match="wrong"):
        open_signed(msgspec.structs.replace(OBJECT, kind="policy"), "policy", KEYS)


@pytest.mark.parametrize(
    "wrong",
    [
        msgspec.structs.replace(OBJECT, payload=base64.b64encode(b'{"a":2}').decode()),
        msgspec.structs.replace(OBJECT, payload="not base64"),
        msgspec.structs.replace(OBJECT, payload=OBJECT.payload + "\n"),
        msgspec.structs.replace(OBJECT, signature=""),
        msgspec.structs.replace(OBJECT, signature="é"),
        msgspec.structs.replace(OBJECT, key="online-2"),
    ],
)
def test_S6_whatever_was_changed_does_not_open(wrong: SignedObject) -> None:
    with pytest.raises(BadSignature):
        open_signed(wrong, "command", KEYS)
