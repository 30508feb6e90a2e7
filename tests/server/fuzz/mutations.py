"""A request that is good but for one thing: which thing, hypothesis draws.

sent = data.draw(mutated(operation, calls))
door.aws(sent.target, sent.body, sent.content_type)
"""

from __future__ import annotations

import codecs
import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from hypothesis import strategies as st
from msgspec import inspect

from tests.server.conformance.case import NOWHERE
from tests.server.fuzz.door import AMZ_JSON, JSON
from toque_server.operations.registry import Operation

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Raw:
    """JSON as it is written, for what Python's encoder would not write."""

    text: str

    def __repr__(self) -> str:
        return f"Raw({self.text[:60]!r})"


@dataclass(frozen=True)
class Sent:
    """One request. `what` was done to it, `path` is the member it was done to, `value` what stands there instead."""

    what: str
    body: bytes
    target: str
    path: Path = ()
    value: object = None
    content_type: str | None = None

    def __repr__(self) -> str:
        return f"{self.what} {'.'.join(map(str, self.path))} {brief(self.value)}: {self.target} {self.body[:300]!r}"


@dataclass(frozen=True)
class Slot:
    """A place in a request; a member that the call does not have is one too."""

    path: Path
    kind: inspect.Type


OTHER_TYPES: Final = (True, 0, -1, 1.5, "x", [], {}, [None], [[]], [{}], {"a": None}, [1], {"a": {"b": [1]}}, [["x"]])
NUMBERS: Final = (
    *(sign * number for number in (2**31, 2**53, 2**63, 2**64, 10**30) for sign in (1, -1)),
    *(2**31 - 1, 2**63 - 1, 0, -1, 101, 0.1, 1e308, -0.0),
    *map(Raw, ("1e999", "NaN", "-Infinity", "1" * 5000, "01", "1.0", "1e2", "-")),
)
TEXTS: Final = (
    *(
        " ",
        "\0",
        "a\0b",
        "\r\n",
        "a\nb",
        "\t",
        "\x7f",
        "\x1b[31m",
        "\u202eabc",
        "\u2028",
        "\ufffe",
        "e\u0301",
        "ß",
        "\U0001d518",
    ),
    *(
        "..",
        "../../etc/passwd",
        "/",
        "a/b",
        "C:\\x",
        "${x}",
        "{{7*7}}",
        "#{x}",
        "<script>alert(1)</script>",
        "%s%n",
        "'; --",
    ),
    *(
        "-rf",
        "--upload-pack=x",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "ext::sh",
        "https://[",
        "https://a:99999/",
        "//",
    ),
    *("true", "null", "0", "-1", "１２", "9" * 400, "NaN", "x" * 65, "x" * 256, "ß" * 256, NOWHERE, NOWHERE.upper()),
    *(
        "arn:",
        "arn:aws:iam::123456789012:user/nobody",
        "arn:aws:opsworks:us-east-1:123456789012:stack/x/",
        ":" * 40,
        "*",
    ),
    *("9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00+14:00", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z"),
    *("0.0.0.0", "::", "256.1.1.1", "10.0.0.0/8", "-", ".", "a" * 64 + ".example", "xn--", "é.example"),
    *(Raw(f'"{escaped}"') for escaped in (r"\ud800", r"\udfff\ud800", r"a\ud83dz", r"\u12", r"\x00")),
)
DOCUMENTS: Final = (
    *(
        "{",
        "[]",
        "null",
        '"x"',
        "{}",
        '{"a": NaN}',
        '{"a": 1, "a": 2}',
        '{"a": 1e999}',
        '{"": null}',
        '{"a": "\\u0000"}',
    ),
    *('{"a": "\\ud800"}', '{"__proto__": {"a": 1}}', '{"a": -0.0}', '{"a":' * 5000, '{"a":' * 900 + "1" + "}" * 900),
    *("[" * 100_000, '{"a": ' + "1" * 5000 + "}", '{"a": "' + "x" * 120_000 + '"}', "\ufeff{}", "{}x", "'a'"),
    *(
        '{"Statement": []}',
        '{"Statement": [{"Effect": "Allow", "Action": 1, "Resource": {}}]}',
        '{"Statement": {"Effect": []}}',
    ),
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "NotAction": "*", "Resource": "*", "Condition": {"a": 1}}]}',
)
LONG: Final = (*("x" * size for size in (10_000, 1_000_000)), "\0" * 1000, "/" * 5000, "a." * 5000, "é" * 50_000)
DEEP: Final = tuple(
    Raw(opening * depth + inner + closing * depth)
    for depth in (40, 900, 20_000)
    for opening, inner, closing in (("[", "", "]"), ('{"a":', "1", "}"))
)
KEYS: Final = ("Nonsense", "", "\0", "__proto__", "__class__", "x" * 5000, "$", "a.b", "\u202e", "self")
CONTENT_TYPES: Final = (
    *(
        "",
        "text/plain",
        "text/xml",
        "application/json; charset=utf-16",
        "application/x-amz-json-1.0",
        "multipart/form-data",
    ),
    *(
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=utf-8",
        "*/*",
        "x" * 1000,
        "a/b;c",
    ),
)


def mutated(
    op: Operation, calls: Sequence[Mapping[str, Any]], *, members_only: bool = False
) -> st.SearchStrategy[Sent]:
    """One of the calls, with exactly one mutation, or with none. `members_only`: it is JSON of the right kind still."""
    aim = f"{op.target}.{op.name}"
    good = [Sent("nothing", encoded(call), aim) for call in calls]
    slots = [(call, slot) for call in calls for slot in all_slots(op.request, call)]
    if members_only:
        return st.one_of(list(_of_slots(aim, slots))) if slots else st.sampled_from(good)
    ways: list[st.SearchStrategy[Sent]] = [st.sampled_from(good), *_of_bytes(good), *_of_members(aim, calls)]
    if slots:
        ways += [*_of_slots(aim, slots)] * 2
    return st.one_of(ways)


def texts(op: Operation, calls: Sequence[Mapping[str, Any]]) -> st.SearchStrategy[Sent]:
    """One of the calls with a hostile text in one text member: what is often accepted, and has to be read again."""
    aim = f"{op.target}.{op.name}"
    slots = [(call, slot) for call in calls for slot in all_slots(op.request, call) if is_text(slot.kind)]
    return _put(aim, "text", slots, st.one_of(_text(), st.sampled_from(DOCUMENTS))) if slots else st.nothing()


def has_texts(op: Operation, calls: Sequence[Mapping[str, Any]]) -> bool:
    return any(is_text(slot.kind) for call in calls for slot in all_slots(op.request, call))


def all_slots(request: type[Any], call: Mapping[str, Any]) -> list[Slot]:
    return list(_slots(inspect.type_info(request), call, ()))


def _slots(kind: inspect.Type, value: Any, path: Path) -> Iterator[Slot]:
    kind = plain(kind)
    if path:
        yield Slot(path, kind)
    if isinstance(kind, inspect.StructType) and isinstance(value, Mapping):
        for each in kind.fields:
            yield from _slots(each.type, value.get(each.encode_name), (*path, each.encode_name))
    elif isinstance(kind, inspect.DictType) and isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _slots(kind.value_type, inner, (*path, key))
    elif isinstance(kind, inspect.ListType | inspect.VarTupleType) and isinstance(value, list):
        for number, inner in enumerate(value[:2]):
            yield from _slots(kind.item_type, inner, (*path, number))


def plain(kind: inspect.Type) -> inspect.Type:
    """A type without "or nothing"."""
    if isinstance(kind, inspect.Metadata):
        return plain(kind.type)
    if isinstance(kind, inspect.UnionType):
        rest = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        return plain(rest[0]) if len(rest) == 1 else kind
    return kind


def is_text(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.StrType | inspect.LiteralType | inspect.EnumType | inspect.AnyType)


def _text() -> st.SearchStrategy[Any]:
    return st.one_of(st.sampled_from(TEXTS), st.sampled_from(TEXTS), st.text(max_size=40), st.sampled_from(LONG))


def _of_slots(aim: str, slots: list[tuple[Mapping[str, Any], Slot]]) -> Iterator[st.SearchStrategy[Sent]]:
    """What can be done to one member of a call."""
    hostile = {
        "null": st.none(),
        "empty": st.sampled_from(["", [], {}, [""], [None]]),
        "type": st.sampled_from(OTHER_TYPES),
        "number": st.sampled_from(NUMBERS),
        "text": _text(),
        "document": st.sampled_from(DOCUMENTS),
        "list": st.lists(_text(), max_size=4),
        "depth": st.sampled_from(DEEP),
    }
    of_text = [each for each in slots if is_text(each[1].kind)]
    of_number = [each for each in slots if isinstance(each[1].kind, inspect.IntType | inspect.FloatType)]
    for what, value in hostile.items():
        yield _put(aim, what, slots, value)
    if of_text:
        yield _put(aim, "text", of_text, _text())
        yield _put(aim, "document", of_text, st.sampled_from(DOCUMENTS))
        yield _near(aim, of_text)
    if of_number:
        yield _put(aim, "number", of_number, st.one_of(st.sampled_from(NUMBERS), st.integers()))


def _put(
    aim: str, what: str, slots: list[tuple[Mapping[str, Any], Slot]], values: st.SearchStrategy[Any]
) -> st.SearchStrategy[Sent]:
    def made(chosen: tuple[Mapping[str, Any], Slot], value: Any) -> Sent:
        call, slot = chosen
        return Sent(what, encoded(changed(call, slot.path, value)), aim, slot.path, value)

    return st.builds(made, st.sampled_from(slots), values)


def _near(aim: str, slots: list[tuple[Mapping[str, Any], Slot]]) -> st.SearchStrategy[Sent]:
    """The value that is right, but for a character or its case."""
    bent = (
        *(str.upper, str.lower, str.title, lambda text: text + "\0", lambda text: text + "\n", lambda text: text + " "),
        *(lambda text: text[:-1], lambda text: text + text, lambda text: text[::-1], lambda text: text[1:], lambda text: text * 300),
    )  # fmt: skip
    standing = [each for each in slots if isinstance(standing_at(each[0], each[1].path), str)]
    if not standing:
        return st.nothing()

    def made(chosen: tuple[Mapping[str, Any], Slot], bend: Any) -> Sent:
        call, slot = chosen
        value = bend(standing_at(call, slot.path))
        return Sent("near", encoded(changed(call, slot.path, value)), aim, slot.path, value)

    return st.builds(made, st.sampled_from(standing), st.sampled_from(bent))


def _of_members(aim: str, calls: Sequence[Mapping[str, Any]]) -> Iterator[st.SearchStrategy[Sent]]:
    """Members too few, too many, twice, and under a name that is nearly theirs."""

    def with_unknown(call: Mapping[str, Any], key: str) -> Sent:
        return Sent("unknown", encoded({**call, key: "x"}), aim, (key,), "x")

    yield st.builds(with_unknown, st.sampled_from(calls), st.one_of(st.sampled_from(KEYS), st.text(max_size=20)))
    places = [(call, path) for call in calls for path in _members_of(call)]
    if not places:
        return

    def without(place: tuple[Mapping[str, Any], Path]) -> Sent:
        return Sent("missing", encoded(changed(*place)), aim, place[1])

    def in_other_case(place: tuple[Mapping[str, Any], Path], bend: Any) -> Sent:
        call, path = place
        name = bend(str(path[-1]))
        renamed = changed(changed(call, path), (*path[:-1], name), standing_at(call, path))
        return Sent("case", encoded(renamed), aim, (*path[:-1], name))

    def twice(place: tuple[Mapping[str, Any], Path], value: Any) -> Sent:
        call, path = place
        name = json.dumps(path[0])
        return Sent("twice", encoded(call)[:-1] + f", {name}: {written(value)}}}".encode(), aim, path, value)

    yield st.builds(without, st.sampled_from(places))
    yield st.builds(in_other_case, st.sampled_from(places), st.sampled_from([str.lower, str.upper, str.swapcase]))
    yield st.builds(twice, st.sampled_from(places), st.sampled_from(["x", None, 1, [], {}]))


def _of_bytes(good: Sequence[Sent]) -> Iterator[st.SearchStrategy[Sent]]:
    """What can be done to a request that is no longer JSON to us: bytes, content type, target."""
    whole = (
        *(
            b"",
            b" ",
            b"null",
            b"[]",
            b'"x"',
            b"1",
            b"{}",
            b"[{}]",
            b"{",
            b"\xff\xfe",
            b"\x00",
            b"{'a': 1}",
            b'{"\xff": 1}',
        ),
        *(
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b'{"a": "\xc3\x28"}',
            b"\x1f\x8b\x08\x00",
            b"{" * 5_000_000,
            b'"' + b"x" * 5_000_000,
        ),
    )
    bent = (
        *(lambda body: body + b"x", lambda body: body + b"\0", lambda body: body + body, lambda body: b"\n " + body + b" \n"),
        *(lambda body: codecs.BOM_UTF8 + body, lambda body: body.decode().encode("utf-16"), lambda body: b"[" + body + b"]"),
        *(lambda body: body.replace(b'"', b"'"), lambda body: body.replace(b":", b"=", 1), lambda body: b")]}'," + body),
    )  # fmt: skip
    some = st.sampled_from(good)
    yield st.builds(lambda sent, body: replace(sent, what="body", body=body), some, st.sampled_from(whole))
    yield st.builds(lambda sent, bend: replace(sent, what="bytes", body=bend(sent.body)), some, st.sampled_from(bent))
    yield st.builds(lambda sent, part: _cut(sent, part), some, st.floats(0, 1, exclude_max=True))
    yield st.builds(
        lambda sent, part, byte: _flipped(sent, part, byte),
        some,
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 255),
    )
    yield st.builds(
        lambda sent, kind: replace(sent, what="content type", content_type=kind), some, st.sampled_from(CONTENT_TYPES)
    )
    yield st.builds(
        _aimed_elsewhere, some, st.sampled_from(["lower", "version", "dots", "long", "nobody", "no prefix", "empty"])
    )


def _cut(sent: Sent, part: float) -> Sent:
    return replace(sent, what="cut", body=sent.body[: int(len(sent.body) * part)])


def _flipped(sent: Sent, part: float, byte: int) -> Sent:
    body = bytearray(sent.body)
    body[int(len(body) * part)] = byte
    return replace(sent, what="byte", body=bytes(body))


def _aimed_elsewhere(sent: Sent, how: str) -> Sent:
    prefix, _, name = sent.target.partition(".")
    target = {
        "lower": sent.target.lower(),
        "version": f"OpsWorks_20130219.{name}",
        "dots": f"{prefix}..{name}",
        "long": sent.target + "x" * 5000,
        "nobody": f"{prefix}.__class__",
        "no prefix": name,
        "empty": ".",
    }[how]
    return replace(sent, what="target", target=target)


def _members_of(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield (*path, name)
            yield from _members_of(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value[:2]):
            yield from _members_of(inner, (*path, number))


_GONE: Final = object()


def changed(call: Mapping[str, Any], path: Path, value: Any = _GONE) -> dict[str, Any]:
    """The call with another value at a path, or without the member that is there."""
    made: Any = copy.deepcopy(dict(call))
    here = made
    for step in path[:-1]:
        here = here[step]
    if value is _GONE:
        del here[path[-1]]
    else:
        here[path[-1]] = value
    return made  # type: ignore[no-any-return]


def standing_at(call: Mapping[str, Any], path: Path) -> Any:
    here: Any = call
    for step in path:
        here = here.get(step) if isinstance(here, Mapping) else here[step]
    return here


def encoded(call: Mapping[str, Any]) -> bytes:
    return written(call).encode()


def written(value: Any) -> str:
    """JSON text, in which `Raw` stands as it is."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(name)}: {written(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value)


def brief(value: object) -> str:
    text = repr(value)
    return text if len(text) < 100 else f"{text[:80]}… ({len(text)})"


__all__ = ["AMZ_JSON", "JSON", "Raw", "Sent", "has_texts", "mutated", "texts"]
