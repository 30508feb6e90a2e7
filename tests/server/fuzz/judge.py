"""What every answer must be, whatever was asked."""

from __future__ import annotations

import re
from typing import Final

from tests.server.fuzz.door import AMZ_JSON, JSON, Answer
from tests.server.fuzz.mutations import Sent
from toque_server.http.problems import LONGEST_MESSAGE, STATUS
from toque_server.operations.registry import Operation

PROTOCOL: Final = frozenset(
    {"ValidationException", "AccessDeniedException", "UnknownOperationException", "RequestEntityTooLarge"}
)
"""Errors that any operation may answer: they are the wire's."""

UNSIGNED: Final = frozenset({"IncompleteSignatureException"})
"""What a wire says that cannot even find the signature."""

INSIDES: Final = re.compile(
    r"Traceback|toque_server|site-packages|sqlalchemy|psycopg|sqlite3?\b|msgspec|werkzeug|\.py\b|object at 0x|"
    r"(?<![A-Za-z])(Key|Type|Value|Attribute|Index|Unicode\w*|Recursion|Overflow|Integrity|Data)Error\b"
)
"""Words that only the inside of the server has."""

OF_A_MEMBER: Final = frozenset(
    {"null", "empty", "type", "number", "text", "document", "list", "depth", "near", "missing", "case"}
)
"""Mutations whose refusal has to say what is wrong."""


def judge_aws(op: Operation, sent: Sent, answer: Answer, *, named: bool = True) -> None:
    """A signed request was answered as the service model says. `named`: a refusal names the member."""
    _no_insides(sent, answer)
    assert answer.status in (200, 400, 413), f"{sent!r} -> {answer.status} {answer.body[:300]!r}"
    assert answer.content_type == AMZ_JSON
    assert isinstance(answer.json, dict)
    if answer.status == 200:
        return
    said = answer.json
    allowed = PROTOCOL | UNSIGNED if sent.what in ("target", "content type") else PROTOCOL
    assert said["__type"] in allowed | {kind.code for kind in op.raises}, f"{sent!r} -> {said}"
    _says_what_is_wrong(op, sent, said["message"], named=named)


def judge_api(op: Operation, sent: Sent, answer: Answer, *, named: bool = True) -> None:
    """A request with a token was answered as the OpenAPI document says."""
    _no_insides(sent, answer)
    assert answer.status in {200, 413, *STATUS.values()}, f"{sent!r} -> {answer.status} {answer.body[:300]!r}"
    said = answer.json
    assert isinstance(said, dict)
    assert answer.content_type == (JSON if answer.status == 200 else "application/problem+json")
    if answer.status == 200:
        return
    assert said["status"] == answer.status
    assert said["code"] in PROTOCOL | {kind.code for kind in op.raises}, f"{sent!r} -> {said}"
    _says_what_is_wrong(op, sent, said["detail"], named=named)


def _no_insides(sent: Sent, answer: Answer) -> None:
    assert answer.status < 500, f"{sent!r} -> {answer.status} {answer.logged}"
    assert not [line for line in answer.logged if "Traceback" in line or line.startswith(("ERROR", "CRITICAL"))]
    if answer.status != 200:
        told = INSIDES.search(answer.text)
        # What was sent may come back, and may itself read like that.
        assert told is None or told[0].encode() in sent.body, f"{sent!r} -> {answer.text[:300]}"


def _says_what_is_wrong(op: Operation, sent: Sent, message: str, *, named: bool) -> None:
    assert 0 < len(message) <= LONGEST_MESSAGE, f"{sent!r} -> {message[:100]!r}… ({len(message)})"
    if named and sent.what in OF_A_MEMBER:
        # Two members that do not go together are told by either name; what is not found, by what was asked for.
        names = [*(step for step in sent.path if isinstance(step, str)), *op.request.__struct_encode_fields__]
        values = sent.value if isinstance(sent.value, list) else [sent.value]
        shown = [value[:100] for value in values if isinstance(value, str) and value]
        asked = re.findall(r'"([^"\\]{8,})"', sent.body[:5_000].decode(errors="replace"))
        words = [*names, *shown, *asked, "not JSON", "Please provide", "nested"]
        assert any(word.lower() in message.lower() for word in words), f"{sent!r} -> {message}"
