"""How a layer's load-based instances follow its load: the settings, their defaults and their limits (03 § 11.1)."""

from __future__ import annotations

import math
from typing import Final

import msgspec

from toque_server.domain.invalid import Invalid

DISABLED: Final = -1.0
"""A threshold that counts for nothing."""

MAX_INSTANCE_COUNT: Final = 1000
MAX_MINUTES: Final = 100
MAX_ALARMS: Final = 5
"""Per direction (I-15)."""

_PERCENT: Final = 100.0
_LIMITS: Final = {"cpu_threshold": _PERCENT, "memory_threshold": _PERCENT, "load_threshold": math.inf}


class AutoScalingThresholds(
    msgspec.Struct, frozen=True, rename="pascal", forbid_unknown_fields=True, omit_defaults=True
):
    """One direction. Times are in minutes, CPU and memory in percent, load is the one-minute load average.

    A threshold of -1, or none, is not looked at. Names of alarms are case-sensitive.
    """

    instance_count: int | None = None
    thresholds_wait_time: int | None = None
    ignore_metrics_time: int | None = None
    cpu_threshold: float | None = None
    memory_threshold: float | None = None
    load_threshold: float | None = None
    alarms: tuple[str, ...] | None = None


class LoadScaling(msgspec.Struct, frozen=True, omit_defaults=True):
    """The settings of one layer; what a layer has that was never set are these defaults (I-15)."""

    enabled: bool = False
    up: AutoScalingThresholds = AutoScalingThresholds(1, 5, 5, cpu_threshold=80.0)
    down: AutoScalingThresholds = AutoScalingThresholds(1, 10, 10, cpu_threshold=30.0)


def changed(
    stored: LoadScaling,
    *,
    enable: bool | None,
    up: AutoScalingThresholds | None,
    down: AutoScalingThresholds | None,
) -> LoadScaling:
    """The settings as a request wants them: what it leaves out keeps its value (I-15). Raises Invalid."""
    new = LoadScaling(
        enabled=stored.enabled if enable is None else enable,
        up=_merged(stored.up, up),
        down=_merged(stored.down, down),
    )
    for member, thresholds in (("UpScaling", new.up), ("DownScaling", new.down)):
        _check(thresholds, member)
    if new.enabled:
        _check_apart(new)
    return new


def _merged(stored: AutoScalingThresholds, sent: AutoScalingThresholds | None) -> AutoScalingThresholds:
    if sent is None:
        return stored
    given = {name: value for name, value in msgspec.structs.asdict(sent).items() if value is not None}
    return msgspec.structs.replace(stored, **given)


def _check(thresholds: AutoScalingThresholds, member: str) -> None:
    _check_between(thresholds.instance_count, MAX_INSTANCE_COUNT, f"{member}.InstanceCount", "instances")
    _check_between(thresholds.thresholds_wait_time, MAX_MINUTES, f"{member}.ThresholdsWaitTime", "minutes")
    _check_between(thresholds.ignore_metrics_time, MAX_MINUTES, f"{member}.IgnoreMetricsTime", "minutes")
    for field, most in _LIMITS.items():
        value: float | None = getattr(thresholds, field)
        if value is None or value == DISABLED:
            continue
        if not 0 <= value <= most or not math.isfinite(value):
            limits = f"0 to {most:g} percent" if math.isfinite(most) else "at least 0"
            raise Invalid(f"{member}.{_wire(field)} must be {limits}, or -1 to leave it out; it is {value:g}")
    alarms = thresholds.alarms or ()
    if len(alarms) > MAX_ALARMS:
        raise Invalid(f"{member}.Alarms may name at most {MAX_ALARMS} alarms, not {len(alarms)}")
    for name in alarms:
        if not name.strip() or len(name) > 255 or not name.isprintable():
            raise Invalid(f"{member}.Alarms: {name!r} is not the name of an alarm: 1 to 255 printable characters")


def _check_between(value: int | None, most: int, member: str, unit: str) -> None:
    if value is not None and not 1 <= value <= most:
        raise Invalid(f"{member} must be 1 to {most} {unit}, not {value}")


def _check_apart(scaling: LoadScaling) -> None:
    """Where both directions look at a metric, there must be something between them, else instances come and go."""
    for field in _LIMITS:
        up, down = getattr(scaling.up, field), getattr(scaling.down, field)
        if None not in (up, down) and DISABLED not in (up, down) and up <= down:
            raise Invalid(
                f"UpScaling.{_wire(field)} ({up:g}) must be greater than DownScaling.{_wire(field)} ({down:g}):"
                " please raise the one, lower the other, or set one to -1"
            )


def _wire(field: str) -> str:
    return AutoScalingThresholds.__struct_encode_fields__[AutoScalingThresholds.__struct_fields__.index(field)]
