from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, CommandFailed, ToqueError, converge
from toque.resources.kernel_module import KernelModule
from toque.testing.machine import FakeHost
from toque.testing.programs.kernel import with_kernel

LOAD = "/etc/modules-load.d/toque-br_netfilter.conf"
MODPROBE = "/etc/modprobe.d/toque-br_netfilter.conf"


def machine(*loaded: str, built_in: str = "loop", **files: str) -> FakeHost:
    known = {"br_netfilter", "nf_conntrack", "floppy", "snd-pcm"}
    host = with_kernel(modules=known)
    host.add(f"/sys/module/{built_in}/parameters/x", b"")
    for name in loaded:
        host.add(f"/sys/module/{name}/initstate", "live\n")
    for path, text in files.items():
        host.add({"load": LOAD, "modprobe": MODPROBE}[path], text)
    return host


def example_machine() -> FakeHost:
    return machine()


def test_a_module_is_loaded_and_will_be_when_the_machine_boots() -> None:
    host = machine()

    converge(KernelModule("br_netfilter", persistent=True), host)

    assert "modprobe -- br_netfilter" in host.ran
    assert host.read(LOAD) == b"# Written by Toque: what is changed here is overwritten.\nbr_netfilter\n"


def test_options_are_written_before_it_is_loaded() -> None:
    host = machine()

    converge(KernelModule("br_netfilter", options={"b": "2", "a": "1"}), host)

    assert host.ran[-2:] == [f"write {MODPROBE}", "modprobe -- br_netfilter"]
    assert (
        host.read(MODPROBE)
        == b"# Written by Toque: what is changed here is overwritten.\noptions br_netfilter a=1 b=2\n"
    )


def test_what_is_not_named_stays_in_the_file() -> None:
    host = machine(modprobe="# Written by Toque: what is changed here is overwritten.\noptions br_netfilter a=1\n")

    converge(KernelModule("br_netfilter", loaded=None, blacklisted=True), host)
    assert (
        host.read(MODPROBE)
        == b"# Written by Toque: what is changed here is overwritten.\noptions br_netfilter a=1\nblacklist br_netfilter\n"
    )

    converge(KernelModule("br_netfilter", loaded=None, options={}), host)
    assert host.read(MODPROBE) == b"# Written by Toque: what is changed here is overwritten.\nblacklist br_netfilter\n"

    converge(KernelModule("br_netfilter", loaded=None, blacklisted=False), host)
    assert host.read(MODPROBE) is None


def test_a_module_with_a_hyphen_is_known_by_its_underscore() -> None:
    assert converge(KernelModule("snd-pcm"), machine("snd_pcm")) is None


def test_what_is_built_in_counts_as_loaded_and_cannot_go() -> None:
    assert converge(KernelModule("loop"), machine()) is None
    assert converge(KernelModule("loop", present=False), machine()) is None
    with pytest.raises(ToqueError, match="loop is built into this kernel and cannot be unloaded"):
        converge(KernelModule("loop", loaded=False), machine())


def test_what_is_taken_away_leaves_nothing() -> None:
    host = machine("br_netfilter", load="br_netfilter\n", modprobe="blacklist br_netfilter\n")

    converge(KernelModule("br_netfilter", present=False), host)

    assert host.entry("/sys/module/br_netfilter") is None
    assert host.read(LOAD) is host.read(MODPROBE) is None


def test_a_module_that_this_kernel_lacks_is_the_message_of_modprobe() -> None:
    with pytest.raises(CommandFailed, match="Module nope not found"):
        converge(KernelModule("nope"), machine())


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("-r", {}, "name must be"),
        ("../x", {}, "name must be"),
        ("x y", {}, "name must be"),
        ("x", {"options": {"a b": "1"}}, "options must map"),
        ("x", {"options": {"a": "1\ninstall x /bin/sh"}}, "options must map"),
        ("x", {"options": {"a": 1}}, "options must map"),
        ("x", {"loaded": False, "persistent": True}, "leave one of them out"),
    ],
    ids=["option", "path", "blank", "name", "line", "number", "both"],
)
def test_S22_what_could_be_an_option_or_a_line_is_refused(name: str, options: dict[str, object], says: str) -> None:
    with pytest.raises(BadProperty, match=says):
        KernelModule(name, **options)  # type: ignore[arg-type]


CASES = [
    Case(want, make)
    for want in (
        KernelModule("br_netfilter", persistent=True, blacklisted=False, options={"a": "1"}),
        KernelModule("br_netfilter", loaded=False, persistent=False, blacklisted=True),
        KernelModule("br_netfilter", loaded=None, options={}),
        KernelModule("br_netfilter", present=False),
    )
    for make in (
        machine,
        partial(machine, "br_netfilter", load="br_netfilter\n", modprobe="options br_netfilter a=2\n"),
    )
]
