"""The query protocol of IAM, asked with forms that are nearly right: XML with a code of IAM's, and no change."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.fuzz.door import Door
from tests.server.fuzz.effort import effort
from tests.server.fuzz.inside import Inside
from tests.server.fuzz.judge import INSIDES
from tests.server.fuzz.kept import Kept
from tests.server.fuzz.mutations import DOCUMENTS, KEYS, LONG, TEXTS
from toque_server.http.iam_query import CODES, VERSION
from toque_server.operations.registrations import ACTIONS

PATH = "/AWS/OpsWorks/"
GRANT = {
    "Version": "2012-10-17",
    "Statement": [{"Action": "opsworks:RegisterInstance", "Effect": "Allow", "Resource": "*"}],
}
CODES_OF_IAM = {code for code, _ in CODES.values()}


def registration(door: Door) -> list[dict[str, str]]:
    """The calls that make a registration identity, in order; all but the last are made already."""
    stack = Inside(door).stack()
    group, user = f"OpsWorks-{stack}", "OpsWorks-shop-web1"
    policy = "arn:aws:iam::aws:policy/AWSOpsWorksInstanceRegistration"
    steps = [
        {"Action": "CreateGroup", "GroupName": group, "Path": PATH},
        {"Action": "CreateUser", "UserName": user, "Path": PATH},
        {"Action": "AddUserToGroup", "GroupName": group, "UserName": user},
        {"Action": "PutUserPolicy", "UserName": user, "PolicyName": "mine", "PolicyDocument": json.dumps(GRANT)},
        {"Action": "AttachUserPolicy", "UserName": user, "PolicyArn": policy},
        {"Action": "CreateAccessKey", "UserName": user},
    ]
    for step in steps[:-1]:
        assert door.iam(form(step)).status == 200
    return steps


def form(members: dict[str, str]) -> bytes:
    return urlencode({"Version": VERSION, **members}, errors="surrogatepass").encode()


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_a_form_that_is_wrong_in_one_thing_is_refused_in_iam_s_words(action: str, door: Door) -> None:
    good = next(step for step in registration(door) if step["Action"] == action)
    texts = st.one_of(
        st.sampled_from([text for text in TEXTS if isinstance(text, str)]),
        st.sampled_from(DOCUMENTS),
        st.sampled_from(LONG),
        st.text(max_size=30),
    )
    names = st.sampled_from([*good, "Version", *KEYS])
    forms = st.one_of(
        st.builds(lambda name, value: form({**good, name: value}), names, texts),
        st.builds(lambda name: form({key: value for key, value in good.items() if key != name}), names),
        st.builds(
            lambda end: form(good) + end,
            st.sampled_from([b"&", b"&x", b"&UserName=b", b"=", b"&a=%ff", b"\xff", b"\0", b"&a=1" * 200]),
        ),
        st.binary(max_size=60),
    )

    @effort(25)
    @given(forms)
    def ask(body: bytes) -> None:
        kept.put_back()
        answer = door.iam(body)
        assert answer.status < 500, f"{body[:300]!r} -> {answer.text[:300]} {answer.logged}"
        assert answer.content_type == "text/xml; charset=utf-8"
        said: Any = ElementTree.fromstring(answer.body)
        if answer.status != 200:
            error = {each.tag.rpartition("}")[2]: each.text or "" for each in said.iter()}
            assert error["Code"] in CODES_OF_IAM
            assert 0 < len(error["Message"]) <= 1_000
            assert INSIDES.search(error["Message"]) is None
            assert kept.differences() == []

    with closing(Kept(door.services.database)) as kept:
        ask()
