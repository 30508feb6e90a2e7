"""What one file of a dump holds, as values: however it was saved.

The AWS CLI writes JSON or YAML (`--output`), its version 2 also streams of YAML documents; people append one answer to
another, pack them, save them with PowerShell (UTF-16), or print what boto3 gave them as Python does.
"""

from __future__ import annotations

import ast
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from toque.importer.problems import BadDump

_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
_MOST: Final = 512 * 1024 * 1024
"""Bytes of one file, unpacked: the answers of a large account are a hundredth of it."""

_TABLE: Final = re.compile(r"\s*(-{3,}\n\||\+-{2,}|[A-Z]{4,}\t)")


class Piece(NamedTuple):
    """One value of a file, and where it begins: `stacks.json:12`."""

    value: Any
    place: str


def pieces(data: bytes, file: str) -> list[Piece]:
    """Every value in the file, in order; none for an empty one. Raises BadDump, which names the file and the place."""
    text = _text(_unpacked(data, file), file)
    stripped = text.lstrip()
    try:
        if not stripped:
            return []
        if stripped[0] in "{[":
            return list(_json(text, file))
        if _TABLE.match(text):
            raise BadDump([f"{file}: this is --output text or table: please save it with --output json"])
        return list(_yaml(text, file))
    except RecursionError:
        raise BadDump([f"{file}: it is nested too deep to be an answer of OpsWorks"]) from None


def _unpacked(data: bytes, file: str) -> bytes:
    if not data.startswith(_GZIP):
        return data
    unpacked = b""
    try:
        while data.startswith(_GZIP):
            packer = zlib.decompressobj(_GZIP_WINDOW)
            unpacked += packer.decompress(data, _MOST - len(unpacked))
            if packer.unconsumed_tail or len(unpacked) >= _MOST:
                raise BadDump([f"{file}: it has more than {_MOST // 2**20} MiB when unpacked"])
            if not packer.eof:
                raise BadDump([f"{file}: the gzip file ends too early: it was cut off"])
            data = packer.unused_data
    except zlib.error as error:
        raise BadDump([f"{file}: it begins as a gzip file and is none: {error}"]) from None
    return unpacked


def _text(data: bytes, file: str) -> str:
    # PowerShell's `>` writes UTF-16 with a mark in front.
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadDump([f"{file}: byte {error.start} is not {encoding.upper().removesuffix('-SIG')} text"]) from None


def _json(text: str, file: str) -> Iterator[Piece]:
    """One value, or several behind each other, whatever is between: JSON lines as well as `>> all.json`."""
    decoder = json.JSONDecoder()
    at, count = _next(text, 0), 0
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            if count == 0 and (printed := _printed(text)) is not None:
                yield Piece(printed, file)
                return
            raise BadDump(
                [f"{file}:{error.lineno}:{error.colno}: this is not JSON: {error.msg}{_hint(text)}"]
            ) from None
        except ValueError as error:
            raise BadDump([f"{file}:{_line(text, at)}: this is not JSON: {error}"]) from None
        count += 1
        end = _next(text, end)
        alone = count == 1 and end == len(text)
        yield Piece(value, file if alone else f"{file}:{_line(text, at)}")
        at = end


def _next(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,\x1e":
        at += 1
    return at


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _hint(text: str) -> str:
    return " (it ends too early: was the call interrupted?)" if text.rstrip()[-1:] not in ("}", "]") else ""


def _printed(text: str) -> Any:
    """What Python's print or pprint wrote of an answer; None where it is not that."""
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError):
        return None


def _yaml(text: str, file: str) -> Iterator[Piece]:
    import yaml

    from toque.importer.yaml12 import Loader

    try:
        documents = [each for each in yaml.load_all(text, Loader=Loader) if each is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark is not None else file
        said = getattr(error, "problem", None) or "it cannot be read"
        raise BadDump([f"{place}: this is neither JSON nor YAML: {said}"]) from None
    if any(not isinstance(each, dict | list) for each in documents):
        raise BadDump([f"{file}: this is neither JSON nor YAML of an answer, but plain text"])
    for number, each in enumerate(documents):
        yield Piece(each, file if len(documents) == 1 else f"{file}[{number}]")
