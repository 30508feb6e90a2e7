"""Reading a compressed file as a stream, a bounded piece at a time, whatever the file claims about itself."""

from __future__ import annotations

import bz2
import lzma
import zlib
from importlib import import_module
from typing import IO, Any, Protocol

PIECE = 1 << 16
_XZ_MEMORY = 128 << 20

MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_ZSTD_WINDOW_LOG = 27
"""At most so much memory, as a power of two, for what a zstd stream refers back to: 128 MiB."""


def _zstd_module() -> Any:
    """Python's own, which it has from 3.14 on."""
    try:
        return import_module("compression.zstd")
    except ImportError:
        return None


_ZSTD = _zstd_module()
_BROKEN: tuple[type[Exception], ...] = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)
_BROKEN += () if _ZSTD is None else (_ZSTD.ZstdError,)
READS_ZSTD = _ZSTD is not None


class BadStream(Exception):
    """The compressed data is broken, cut off or followed by something else."""


class _Decompressor(Protocol):
    def decompress(self, data: bytes, max_length: int) -> bytes: ...
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...


class _Gzip:
    """zlib's object with the shape that those of bz2 and lzma have."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail


def kind_of(beginning: bytes) -> str | None:
    """`gzip`, `bzip2`, `xz` or `zstd` by the first bytes of a file; None for anything else."""
    return next((kind for magic, kind in MAGIC.items() if beginning.startswith(magic)), None)


class Inflated:
    """The content of a compressed file. `read(n)` gives exactly n bytes, fewer only at the end.

    Several members after one another (as `cat a.gz b.gz` makes) are one content. Never holds more than `PIECE` and what
    is asked for. Raises BadStream.
    """

    def __init__(self, source: IO[bytes], kind: str) -> None:
        self._source, self._kind = source, kind
        self._current = self._fresh()
        self._ready = b""
        self._over = False
        self.read_bytes = 0

    def read(self, count: int) -> bytes:
        parts = []
        while count > 0 and (part := self._some(count)):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _some(self, count: int) -> bytes:
        while not self._ready and not self._over:
            self._more()
        part, self._ready = self._ready[:count], self._ready[count:]
        return part

    def _more(self) -> None:
        try:
            if self._current.eof:
                self._next_member()
                return
            data = self._feed() if getattr(self._current, "needs_input", True) else b""
            self._ready = self._current.decompress(data, PIECE)
        except _BROKEN as error:
            raise BadStream(f"broken {self._kind} data ({error})") from error

    def _feed(self) -> bytes:
        data = self._source.read(PIECE)
        if not data:
            raise BadStream(f"the {self._kind} data is cut off")
        self.read_bytes += len(data)
        return data

    def _next_member(self) -> None:
        left = self._current.unused_data or self._source.read(PIECE)
        while left and not left.strip(b"\0"):
            left = self._source.read(PIECE)  # some programs pad with zeros
        if not left:
            self._over = True
            return
        if kind_of(left) != self._kind:
            raise BadStream(f"something else follows the {self._kind} data")
        self._current = self._fresh()
        self._ready = self._current.decompress(left, PIECE)

    def _fresh(self) -> _Decompressor:
        if self._kind == "gzip":
            return _Gzip()
        if self._kind == "bzip2":
            return bz2.BZ2Decompressor()
        if self._kind == "zstd":
            if _ZSTD is None:
                raise BadStream("this Python cannot read zstd (3.14 and later can): pack it as tar.xz or tar.gz")
            made: _Decompressor = _ZSTD.ZstdDecompressor(
                options={_ZSTD.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
            )
            return made
        return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
