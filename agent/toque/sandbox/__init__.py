"""A copy-on-write clone of this machine in namespaces.

    from toque import sandbox

    if (refusal := sandbox.ready()) is not None:
        raise SystemExit(str(refusal))
    sandbox.start(spec)
    print(sandbox.execute(spec.directory, ["hostname"]).stdout)
    sandbox.remove(spec.directory)

Names are bound when they are first used: a sandbox's PID 1 is `toque.sandbox.init` and stays small.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toque.sandbox.lifeline import hold_lifeline
    from toque.sandbox.machine import (
        console_text,
        enter,
        execute,
        kill,
        layers,
        reboot,
        remove,
        root_of,
        start,
        state,
        stop,
    )
    from toque.sandbox.possible import ready
    from toque.sandbox.spec import Refusal, SandboxError, Spec

__all__ = [
    "Refusal",
    "SandboxError",
    "Spec",
    "console_text",
    "enter",
    "execute",
    "hold_lifeline",
    "kill",
    "layers",
    "ready",
    "reboot",
    "remove",
    "root_of",
    "start",
    "state",
    "stop",
]

_HOMES = {
    "Refusal": "spec",
    "SandboxError": "spec",
    "Spec": "spec",
    "hold_lifeline": "lifeline",
    "ready": "possible",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'machine')}"), name)
