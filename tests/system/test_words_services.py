"""Units, timers and masks on a machine that systemd boots; jobs of a real cron and services of a real OpenRC in a sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.needs import needs, needs_root
from tests.system.case_sandbox import Box, a_box, wait_for
from tests.system.case_systemd import Machine, a_machine
from tests.system.case_words import PENDING, apply, put, toque
from toque import sandbox

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(900),  # Making the Debian folder, once, takes minutes.
    needs_root(),
    needs("debootstrap", "systemd-nspawn", "nsenter", "apt-get"),
]

PROVES = ("cron", "systemd_unit", "timer")


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with a_machine() as booted:
        yield booted


def converge(machine: Machine, recipe: str) -> str:
    """Apply it, as was planned; then there must be nothing left to do. Answers what the applying said."""
    text = f"from toque import service, systemd_unit, timer\n{recipe}\n"
    machine.apply(text, verb="plan", code=PENDING)
    said = machine.apply(text)
    machine.apply(text, verb="plan", code=0)
    return said


def shown(machine: Machine, unit: str, name: str) -> str:
    return machine.run("systemctl", "show", f"--property={name}", "--value", unit)


SHOP = """
systemd_unit("shop.service", running=True, enabled=True, content={
    "Unit": {"Description": "The shop"},
    "Service": {"ExecStart": "/bin/sleep 1000", "User": "games", "Environment": ["A=1", "B=2"]},
    "Install": {"WantedBy": "multi-user.target"},
})
"""
LIMITS = 'systemd_unit("shop.service", drop_in="limits", content="[Service]\\nLimitNOFILE=4321\\n", running=True)\n'


def test_a_unit_and_its_drop_in_are_placed_read_run_and_removed(machine: Machine) -> None:
    converge(machine, SHOP)
    first = shown(machine, "shop", "MainPID")
    assert machine.run("stat", "-c", "%U", f"/proc/{first}") == "games"
    assert {"A=1", "B=2"} <= set(machine.run("cat", f"/proc/{first}/environ").split("\0"))
    assert machine.run("systemctl", "is-enabled", "shop") == "enabled"

    converge(machine, SHOP + LIMITS)
    second = shown(machine, "shop", "MainPID")
    assert second not in ("0", first)
    assert "4321" in machine.run("grep", "open files", f"/proc/{second}/limits")

    converge(
        machine,
        """
systemd_unit("shop.service", drop_in="limits", present=False)
systemd_unit("shop.service", present=False)
""",
    )
    assert shown(machine, "shop", "LoadState") == "not-found"
    assert machine.run("sh", "-c", "find /etc/systemd -name 'shop*'") == ""


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        pytest.param(
            'systemd_unit("bad.service", content="[Service]\\nExecStart=/bin/true\\nUsr=games\\n")',
            "bad.service:3: Unknown key 'Usr' in section [Service]",
            id="key",
        ),
        pytest.param(
            'systemd_unit("bad.service", content="[Service]\\nExecStart=/no/such\\n")',
            "Command /no/such is not executable",
            id="program",
        ),
        pytest.param(
            'systemd_unit("dbus.service", drop_in="bad", content="[Service]\\nRestart=sometimes\\n")',
            "dbus.service.d/bad.conf:2: Failed to parse service restart specifier",
            id="drop-in",
        ),
        pytest.param(
            'timer("bad", command="/bin/true", calendar="every day")',
            "Failed to parse calendar specification",
            id="calendar",
        ),
    ],
)
def test_what_systemd_would_not_take_is_never_in_place(machine: Machine, line: str, complaint: str) -> None:
    said = machine.apply(f"from toque import systemd_unit, timer\n{line}\n", code=1)

    assert "and nothing was changed" in said
    assert complaint in said
    assert machine.run("sh", "-c", "find /etc/systemd /run -xdev -name 'bad*' -o -xdev -name 'toque-verify*'") == ""


def test_a_unit_of_all_users_is_enabled_for_all_of_them(machine: Machine) -> None:
    content = "[Service]\\nExecStart=/bin/true\\n\\n[Install]\\nWantedBy=default.target\\n"
    converge(machine, f'systemd_unit("sync.service", scope="user", content="{content}", enabled=True)')
    assert machine.run("systemctl", "--global", "is-enabled", "sync.service") == "enabled"

    converge(machine, 'systemd_unit("sync.service", scope="user", present=False)')
    assert machine.run("sh", "-c", "find /etc/systemd -name 'sync*'") == ""


def test_a_timer_runs_its_command_as_its_user_with_its_environment(machine: Machine) -> None:
    job = """
job = timer("job", command=["/bin/sh", "-c", "echo $GREETING 100% `id -un` >>/tmp/job"], calendar="*-*-* 03:30",
            random_delay=60, persistent=True, user="games", environment={"GREETING": "it's me"})
"""
    converge(machine, job)
    [timer] = [
        each
        for each in json.loads(machine.run("systemctl", "list-timers", "--output=json"))
        if each["unit"] == "job.timer"
    ]
    assert timer["activates"] == "job.service"
    assert machine.run("systemctl", "is-enabled", "job.timer") == "enabled"
    machine.apply(f"from toque import timer\n{job}job.run()\n")
    assert machine.run("cat", "/tmp/job") == "it's me 100% games"

    # Every second and without systemd's minute of tolerance, to see that it is started of its own accord.
    often = 'timer("job", command="/bin/touch /tmp/by-itself", calendar="*:*:*")\n'
    sharp = 'systemd_unit("job.timer", drop_in="sharp", content={"Timer": {"AccuracySec": "10ms"}}, running=True)\n'
    converge(machine, often + sharp)
    machine.until("the timer to fire", lambda: "by-itself" in machine.run("ls", "/tmp"))

    converge(machine, 'systemd_unit("job.timer", drop_in="sharp", present=False)\ntimer("job", present=False)')
    assert shown(machine, "job.timer", "LoadState") == "not-found"
    assert machine.run("sh", "-c", "find /etc/systemd /etc/toque -name 'job*'") == ""


def test_a_masked_service_cannot_be_started_until_it_is_unmasked(machine: Machine) -> None:
    converge(machine, "service('systemd-timesyncd.service', running=False, masked=True)")
    assert machine.run("systemctl", "is-enabled", "systemd-timesyncd", ok=(1,)) == "masked"
    assert "is masked" in machine.apply("from toque import service\nservice('systemd-timesyncd')\n", code=1)

    converge(machine, "service('systemd-timesyncd.service', running=None, masked=False)")
    assert machine.run("systemctl", "is-enabled", "systemd-timesyncd", ok=(0, 1)) != "masked"


def test_a_start_that_fails_or_takes_too_long_shows_the_end_of_the_journal(machine: Machine) -> None:
    unit = """
systemd_unit("shop.service", verify=False, content={
    "Service": {"Type": "notify", "ExecStart": "/bin/sh -c 'echo no database; %s'"}})
service("shop", timeout=2)
"""
    for end in ("exit 3", "sleep 100"):
        said = machine.apply(f"from toque import service, systemd_unit\n{unit % end}", code=1)

        assert "does not stay up; its log ends:" in said
        assert "no database" in said
    converge(machine, 'systemd_unit("shop.service", present=False)')


# In a sandbox


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """With Debian's cron and OpenRC."""
    install = "apt-get install -qq -y --no-install-recommends cron openrc"
    ready = "export DEBIAN_FRONTEND=noninteractive; rm -f /var/lib/man-db/auto-update"
    with a_box(tmp_path_factory.mktemp("data")) as made:
        made.start().shell(f"{ready}; {install} || {{ apt-get update -qq && {install}; }}")
        yield made


def test_cron_runs_a_job_as_it_was_written(box: Box) -> None:
    """Jobs of @reboot, which cron runs when it starts: the other times are the same lines, a minute later."""
    jobs = r"""
        from toque import cron
        cron("late", schedule="30 3 * * mon-fri", command="touch /tmp/never")
        cron("text", schedule="@reboot", command="echo $GREETING 100% it\\'s `id -un` >/tmp/text", user="games",
             environment={"GREETING": "a  b"}, lock=True, mailto="")
        cron("list", schedule="@reboot", command=["sh", "-c", "echo 'a  b' %d >/tmp/list"], random_delay=1)
        cron("busy", schedule="@reboot", command="touch /tmp/twice", lock=True)
    """
    apply(box, jobs)
    # Somebody else's run of the last one goes on.
    box.shell("flock /etc/cron.d/busy sleep 100 & echo $! >/tmp/holder; rm -f /run/crond.reboot; cron -L 1")

    wait_for("both jobs", lambda: box.shell("cat /tmp/text /tmp/list 2>/dev/null || true").count("\n") == 1)

    assert box.shell("cat /tmp/text /tmp/list").splitlines() == ["a b 100% it's games", "a  b %d"]
    assert box.shell("ls /tmp/never /tmp/twice 2>/dev/null || true") == ""
    box.shell("kill $(cat /run/crond.pid /tmp/holder)")

    apply(box, "from toque import cron\nfor name in ('late', 'text', 'list', 'busy'):\n    cron(name, present=False)\n")
    assert not {"late", "text", "list", "busy"} & set(box.shell("ls /etc/cron.d").split())


SCRIPT = b"""#!/sbin/openrc-run
extra_started_commands="reload"
command=/bin/sleep
command_args=1000
command_background=yes
pidfile=/run/shopd.pid
reload() { echo reloaded >>/tmp/reloads; }
"""


def test_a_service_of_openrc_is_started_enabled_reloaded_and_stopped(box: Box) -> None:
    put(box, "/etc/init.d/shopd", SCRIPT)
    box.shell("chmod 755 /etc/init.d/shopd")

    apply(box, "from toque import service\nservice('shopd', enabled=True)\n")
    first = box.shell("cat /run/shopd.pid")
    assert box.shell(f"cat /proc/{first}/cmdline | tr '\\0' ' '") == "/bin/sleep 1000"
    assert "shopd | default" in " ".join(box.shell("rc-update show default").split())
    # As a child of PID 1: no descendant of the run, and PID 1 stops it in an orderly way.
    assert box.shell(f"awk '/^PPid/ {{print $2}}' /proc/{first}/status") == "1"

    code, said = toque(box, "apply", "from toque import service\ns = service('shopd')\ns.reload()\ns.restart()\n")
    assert code == 0, said
    assert box.shell("cat /tmp/reloads") == "reloaded"
    assert box.shell("cat /run/shopd.pid") != first

    apply(box, "from toque import service\nservice('shopd', enabled=False, running=False)\n")
    assert sandbox.execute(box.spec.directory, ["rc-service", "shopd", "status"]).returncode != 0
    assert "shopd" not in box.shell("rc-update show")
