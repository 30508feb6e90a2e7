"""Log files that a layer's instances send on (chapter 02 § 15)."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from toque_server.domain.invalid import Invalid

MIN_BUFFER_DURATION: Final = 5000
MAX_BATCH_COUNT: Final = 10_000
MAX_BATCH_SIZE: Final = 1_048_576

_CODECS = (
    "ascii big5 big5hkscs cp037 cp424 cp437 cp500 cp720 cp737 cp775 cp850 cp852 cp855 cp856 cp857 cp858 cp860"
    " cp861 cp862 cp863 cp864 cp865 cp866 cp869 cp874 cp875 cp932 cp949 cp950 cp1006 cp1026 cp1140 cp1250 cp1251"
    " cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 euc_jp euc_jis_2004 euc_jisx0213 euc_kr gb2312 gbk gb18030"
    " hz iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext iso2022_kr latin_1"
    " iso8859_2 iso8859_3 iso8859_4 iso8859_5 iso8859_6 iso8859_7 iso8859_8 iso8859_9 iso8859_10 iso8859_13"
    " iso8859_14 iso8859_15 iso8859_16 johab koi8_r koi8_u mac_cyrillic mac_greek mac_iceland mac_latin2 mac_roman"
    " mac_turkish ptcp154 shift_jis shift_jis_2004 shift_jisx0213 utf_32 utf_32_be utf_32_le utf_16 utf_16_be"
    " utf_16_le utf_7 utf_8 utf_8_sig"
)

ENCODINGS: Final = tuple(_CODECS.split())
"""The codecs that OpsWorks' model lists; Python knows them all."""


class CloudWatchLogsLogStream(
    msgspec.Struct, frozen=True, rename="pascal", forbid_unknown_fields=True, omit_defaults=True
):
    """`buffer_duration` is in milliseconds, `batch_size` in bytes."""

    log_group_name: str | None = None
    datetime_format: str | None = None
    time_zone: str | None = None
    file: str | None = None
    file_fingerprint_lines: str | None = None
    multi_line_start_pattern: str | None = None
    initial_position: str | None = None
    encoding: str | None = None
    buffer_duration: int | None = None
    batch_count: int | None = None
    batch_size: int | None = None


class CloudWatchLogsConfiguration(
    msgspec.Struct, frozen=True, rename="pascal", forbid_unknown_fields=True, omit_defaults=True
):
    enabled: bool | None = None
    log_streams: tuple[CloudWatchLogsLogStream, ...] | None = None


def effective(configuration: CloudWatchLogsConfiguration | None) -> CloudWatchLogsConfiguration:
    """What a configuration comes to, with the default of everything that it does not say; none at all is disabled."""
    given = configuration or CloudWatchLogsConfiguration()
    return CloudWatchLogsConfiguration(bool(given.enabled), tuple(map(_with_defaults, given.log_streams or ())))


def _with_defaults(stream: CloudWatchLogsLogStream) -> CloudWatchLogsLogStream:
    defaults = {
        "file_fingerprint_lines": "1",
        "initial_position": "start_of_file",
        "encoding": "utf_8",
        "buffer_duration": MIN_BUFFER_DURATION,
        "batch_count": 1000,
        "batch_size": 32_768,
    }
    return msgspec.structs.replace(
        stream, **{name: value for name, value in defaults.items() if getattr(stream, name) is None}
    )


def check(configuration: CloudWatchLogsConfiguration) -> None:
    for stream in configuration.log_streams or ():
        _check_text(stream)
        _check_numbers(stream)


def _check_text(stream: CloudWatchLogsLogStream) -> None:
    if not stream.file:
        raise Invalid("CloudWatchLogsConfiguration: a log stream without File sends nothing")
    if stream.log_group_name is not None and not re.fullmatch(r"[a-zA-Z0-9_\-/.]{1,512}", stream.log_group_name):
        raise Invalid(f"LogGroupName {stream.log_group_name!r} must be 1 to 512 letters, digits, and any of _ - / .")
    if stream.time_zone not in (None, "LOCAL", "UTC"):
        raise Invalid(f"TimeZone {stream.time_zone!r} is unknown: LOCAL or UTC")
    if stream.initial_position not in (None, "start_of_file", "end_of_file"):
        raise Invalid(f"InitialPosition {stream.initial_position!r} is unknown: start_of_file or end_of_file")
    if stream.file_fingerprint_lines is not None and not re.fullmatch(r"\d+(-\d+)?", stream.file_fingerprint_lines):
        raise Invalid(f"FileFingerprintLines {stream.file_fingerprint_lines!r} must be a number or a range such as 2-5")
    if stream.encoding is not None and stream.encoding not in ENCODINGS:
        raise Invalid(f"Encoding {stream.encoding!r} is unknown: please use one of {', '.join(ENCODINGS)}")


def _check_numbers(stream: CloudWatchLogsLogStream) -> None:
    if stream.buffer_duration is not None and stream.buffer_duration < MIN_BUFFER_DURATION:
        raise Invalid(f"BufferDuration must be at least {MIN_BUFFER_DURATION} ms, not {stream.buffer_duration}")
    if stream.batch_count is not None and not 0 < stream.batch_count <= MAX_BATCH_COUNT:
        raise Invalid(f"BatchCount must be 1 to {MAX_BATCH_COUNT}, not {stream.batch_count}")
    if stream.batch_size is not None and not 0 < stream.batch_size <= MAX_BATCH_SIZE:
        raise Invalid(f"BatchSize must be 1 to {MAX_BATCH_SIZE} bytes, not {stream.batch_size}")
