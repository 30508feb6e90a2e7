from __future__ import annotations

import gzip
import json
import pprint
from typing import Any

import pytest

from toque.importer.problems import BadDump
from toque.importer.texts import pieces

ANSWER: dict[str, Any] = {"Stacks": [{"Name": "läden", "UseCustomCookbooks": True, "VpcId": None}]}
OTHER: dict[str, Any] = {"Layers": []}
_CASES = (
    *("no-name", "cut-off", "second-line", "yaml", "alias", "python-tag", "plain-text", "table", "text", "utf-16"),
    *("latin-1", "no-gzip", "cut-gzip", "deep", "huge-number"),
)
PRETTY = json.dumps(ANSWER, indent=4, ensure_ascii=False)


def values(data: bytes | str) -> list[Any]:
    raw = data.encode() if isinstance(data, str) else data
    return [each.value for each in pieces(raw, "dump.json")]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PRETTY.encode(), id="json"),
        pytest.param(b"\xef\xbb\xbf" + PRETTY.encode(), id="with-a-mark"),
        pytest.param(PRETTY.encode("utf-16"), id="powershell"),
        pytest.param(gzip.compress(PRETTY.encode()), id="gzip"),
        pytest.param(gzip.compress(PRETTY[:9].encode()) + gzip.compress(PRETTY[9:].encode()), id="two-gzip-members"),
        pytest.param(pprint.pformat(ANSWER).encode(), id="pprint"),
        pytest.param("Stacks:\n- Name: läden\n  UseCustomCookbooks: true\n  VpcId: null\n".encode(), id="yaml"),
    ],
)
def test_an_answer_is_read_however_it_was_saved(data: bytes) -> None:
    assert values(data) == [ANSWER]


@pytest.mark.parametrize("between", ["\n", "", "\n\n", ",\n"], ids=["lines", "nothing", "empty-line", "comma"])
def test_answers_behind_each_other_are_all_read(between: str) -> None:
    assert values(json.dumps(ANSWER) + between + json.dumps(OTHER)) == [ANSWER, OTHER]


def test_a_stream_of_yaml_documents_is_read() -> None:
    assert values("- Stacks: []\n---\nLayers: []\n...\n") == [[{"Stacks": []}], {"Layers": []}]


def test_yaml_is_read_as_version_1_2() -> None:
    text = "At: 2013-07-25T18:11:27+00:00\nMonday:\n  8: on\n  '9': off\nNo: no\nHex: 0x1f\nOctal: 08\nWait: 12:30\n"

    assert values(text) == [
        {
            "At": "2013-07-25T18:11:27+00:00",
            "Monday": {"8": "on", "9": "off"},
            "No": "no",
            "Hex": "0x1f",
            "Octal": "08",
            "Wait": "12:30",
        }
    ]
    assert values("a: 1\nb: -1.5\nc: false\nd: ~\n") == [{"a": 1, "b": -1.5, "c": False, "d": None}]


def test_an_empty_file_has_nothing_in_it() -> None:
    assert values("") == values(" \n") == values(gzip.compress(b"")) == []


def test_each_value_of_a_file_knows_its_line() -> None:
    found = pieces(b'{"Stacks": []}\n\n{"Layers": []}\n', "all.jsonl")

    assert [each.place for each in found] == ["all.jsonl:1", "all.jsonl:3"]
    assert [each.place for each in pieces(b"\n\n{}", "one.json")] == ["one.json"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"Stacks": [\n  {"Name": "shop",\n', "d:3:1: this is not JSON: Expecting property name"),
        (b'{"Stacks": [', "(it ends too early: was the call interrupted?)"),
        (b'{"Stacks": []}\n{"Layers": oops}', "d:2:12: this is not JSON: Expecting value"),
        (b"Stacks: [a\nb: c", "d:2:2: this is neither JSON nor YAML:"),
        (b"Stacks: &a [1]\nLayers: *a\n", "d:2:9: this is neither JSON nor YAML: aliases are not allowed here"),
        (b"!!python/object:os.system {}", "this is neither JSON nor YAML"),
        (b"Unable to locate credentials", "d: this is neither JSON nor YAML of an answer, but plain text"),
        (b"------\n|  DescribeStacks |\n", "d: this is --output text or table: please save it with --output json"),
        (b"STACKS\tarn:aws\tshop\n", "d: this is --output text or table"),
        (b"\xff\xfea", "d: byte 2 is not UTF-16 text"),
        (b'{"Name": "\xe4"}', "d: byte 10 is not UTF-8 text"),
        (b"\x1f\x8b\x08nonsense", "d: it begins as a gzip file and is none"),
        (gzip.compress(b"{}")[:-9], "d: the gzip file ends too early"),
        (b"[" * 100_000, "d: it is nested too deep"),
        (b'{"a": ' + b"1" * 5000 + b"}", "d:1: this is not JSON: Exceeds the limit"),
    ],
    ids=_CASES,
)
def test_what_cannot_be_read_is_named_with_its_place(data: bytes, said: str) -> None:
    with pytest.raises(BadDump) as error:
        pieces(data, "d")

    assert said in str(error.value)
