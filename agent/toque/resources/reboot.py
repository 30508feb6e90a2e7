"""reboot: a restart of the machine, at the end of the run or in its middle."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal

from toque.core import BadProperty, Change, Host, Resource, Run, current_run, recipe_word, resource
from toque.core.errors import NoRun

_FLAGS = ("/run/reboot-required", "/var/run/reboot-required", "/run/reboot-needed")
"""What Debian's and SUSE's packages leave when they want a boot."""

_LONGEST = 100


@dataclass(frozen=True)
class RebootState:
    asked: bool = True


@resource("reboot")
@dataclass(frozen=True)
class Reboot(Resource[RebootState]):
    """Restart the machine: after this run, or here and now, and then go on.

    reason           why, for the log; it is also the name by which a line knows that it has had its boot
    when             "end": once, after the run has succeeded and its result is with the server. "now": the run stops at
                     this line, the machine is restarted, and the same command begins again from the top, on the same
                     data: what is right already is unchanged, this line is done, and the command has one result
    only_if_pending  only where the system says that it waits for a boot: by /run/reboot-required (Debian, Ubuntu),
                     /run/reboot-needed (SUSE) or `needs-restarting -r` (Fedora, RHEL)
    present          False takes back what was asked for the end of this run, by whichever line

    A failed run restarts nothing; nor does a plan. One command restarts its machine in its middle at most three times,
    then the line fails: two lines of the same reason share one boot. `toque apply` restarts nothing: a line of "end" is
    told at its end, and at one of "now" it stops and says what to do; after the boot, apply again. Notifications that
    were put off wait, across the boot, for the end of the run.

        grown = file("/etc/sysctl.d/60-pages.conf", content="vm.nr_hugepages = 512\\n")
        if grown.changed:
            reboot("room for huge pages", when="now")
        reboot("updates want it", only_if_pending=True)
        reboot("new kernel")
    """

    made: ClassVar[str] = "asked for"

    reason: str
    _: KW_ONLY
    when: Literal["end", "now"] = "end"
    only_if_pending: bool = False
    present: bool = True

    def __post_init__(self) -> None:
        if not self.reason.strip() or not self.reason.isprintable() or len(self.reason) > _LONGEST:
            raise BadProperty(f"reboot reason must be one line of 1 to {_LONGEST} characters, got {self.reason!r}")

    def desired(self) -> RebootState | None:
        return RebootState() if self.present else None

    def current(self, host: Host) -> RebootState | None:
        run = _run()
        if self.present and self.only_if_pending and not _is_pending(host):
            return RebootState()
        if self.present and self.when == "now":
            return RebootState() if run is not None and run.boots.has_had(self.reason, host) else None
        return RebootState() if run is not None and run.reboot else None

    def apply(self, host: Host, change: Change[RebootState]) -> None:
        run = current_run("reboot")
        if change.want is None:
            run.reboot = ""
        elif self.when == "now":
            run.boots.ask(self.reason, host)
        else:
            run.reboot = self.reason

    def can_look_again(self) -> bool:
        """The boot that "now" means comes only after this run."""
        return self.when != "now"


def _run() -> Run | None:
    try:
        return current_run()
    except NoRun:
        return None


def _is_pending(host: Host) -> bool:
    """Whether the system itself wants to be restarted."""
    if any(host.entry(path) is not None for path in _FLAGS):
        return True
    if host.which("needs-restarting") is None:
        return False
    return host.run(["needs-restarting", "-r"], ok=range(256)).code == 1


reboot = recipe_word(Reboot)
