"""What is on a device, and the promise that nothing is ever lost by making something new on it."""

from __future__ import annotations

from toque.core import Host, ToqueError

_NOTHING_FOUND = 2
_SEVERAL_FOUND = 8
_LOOKED_AT = 1 << 20


class HoldsData(ToqueError):
    """A device is to get something new, and is not empty."""

    def __init__(self, device: str, what: str, wanted: str) -> None:
        super().__init__(
            f"{device} holds {what}, so {wanted} is not made on it. If nothing of it is needed any more, empty it by "
            f"hand: wipefs --all {device}; dd if=/dev/zero of={device} bs=1M count=1 conv=notrunc"
        )


def contents_of(host: Host, device: str) -> dict[str, str]:
    """What blkid sees: TYPE, LABEL, UUID, or PTTYPE for a table of partitions; empty where it sees nothing."""
    ran = host.run(["blkid", "--probe", "--output", "export", "--", device], ok={0, _NOTHING_FOUND, _SEVERAL_FOUND})
    if ran.code == _SEVERAL_FOUND:
        return {"TYPE": "several kinds of data at once"}
    pairs = (line.partition("=") for line in ran.out.splitlines())
    return {key: value.replace("\\", "") for key, _, value in pairs}


def kind_of(contents: dict[str, str]) -> str | None:
    """The kind of file system, or what else there is; None for nothing that blkid knows."""
    return contents.get("TYPE") or (f"a table of partitions ({contents['PTTYPE']})" if "PTTYPE" in contents else None)


def check_empty(host: Host, device: str, wanted: str) -> None:
    """Raise HoldsData unless nothing is recognised on a device and its first megabyte is all zeroes."""
    kind = kind_of(contents_of(host, device))
    if kind is not None:
        raise HoldsData(device, kind, wanted)
    same = host.run(["cmp", "--silent", f"--bytes={_LOOKED_AT}", "--", device, "/dev/zero"], ok={0, 1})
    if same.code != 0:
        raise HoldsData(device, "data that is no known file system, or less than a megabyte", wanted)


def size_of(host: Host, device: str) -> int:
    """The bytes of a device, or of a file in place of one."""
    entry = host.entry(device)
    if entry is not None and entry.kind == "file":
        return entry.size
    return int(host.run(["blockdev", "--getsize64", device]).out)
