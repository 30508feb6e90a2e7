from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import replace

from toque.sandbox.processes import Process


def test_a_process_that_runs_is_alive_and_gone_after_a_kill() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        process = Process.of(child.pid)
        assert process is not None and process.alive()

        assert process.send(signal.SIGKILL)
        assert process.wait(10)

        assert not process.alive()  # even though nobody has reaped it yet
        assert not process.send(signal.SIGTERM)


def test_a_pid_that_now_belongs_to_another_process_is_neither_alive_nor_killed() -> None:
    me = Process.of(os.getpid())
    assert me is not None
    before = replace(me, started=me.started - 1)

    assert not before.alive()
    assert not before.send(signal.SIGKILL)
    assert before.wait(0)


def test_a_process_of_an_earlier_boot_is_not_alive() -> None:
    me = Process.of(os.getpid())
    assert me is not None

    assert not replace(me, boot="another").alive()
