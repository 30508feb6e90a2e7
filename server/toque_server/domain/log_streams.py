"""Log files that a layer's instances send on (chapter 02 § 15)."""

from __future__ import annotations

import codecs
import re
from typing import Final

import msgspec

from toque_server.domain.invalid import Invalid

MIN_BUFFER_DURATION: Final = 5000
MAX_BATCH_COUNT: Final = 10_000
MAX_BATCH_SIZE: Final = 1_048_576


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
    if stream.encoding is not None and not _is_codec(stream.encoding):
        raise Invalid(f"Encoding {stream.encoding!r} is unknown: please use a codec such as utf_8")


def _check_numbers(stream: CloudWatchLogsLogStream) -> None:
    if stream.buffer_duration is not None and stream.buffer_duration < MIN_BUFFER_DURATION:
        raise Invalid(f"BufferDuration must be at least {MIN_BUFFER_DURATION} ms, not {stream.buffer_duration}")
    if stream.batch_count is not None and not 0 < stream.batch_count <= MAX_BATCH_COUNT:
        raise Invalid(f"BatchCount must be 1 to {MAX_BATCH_COUNT}, not {stream.batch_count}")
    if stream.batch_size is not None and not 0 < stream.batch_size <= MAX_BATCH_SIZE:
        raise Invalid(f"BatchSize must be 1 to {MAX_BATCH_SIZE} bytes, not {stream.batch_size}")


def _is_codec(name: str) -> bool:
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True
