"""uv: a faster pip, used where the machine has it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from toque.core.host import Host
from toque.platforms.python import Environment, Order

_BROUGHT = re.compile(r"^ [+~] (?P<name>[^= ]+)==(?P<version>\S+)", re.MULTILINE)


class Uv:
    def __init__(self, host: Host, environment: Environment) -> None:
        self._host, self._environment = host, environment

    def install(self, order: Order) -> None:
        self._run("install", *order.arguments)

    def uninstall(self, names: Sequence[str], order: Order) -> None:
        force = ["--break-system-packages"] if order.break_system_packages else []
        self._run("uninstall", *force, *order.options, "--", *names)

    def outdated(self, order: Order) -> list[str]:
        said = self._run("install", "--dry-run", "--no-deps", *replace(order, upgrade=True).arguments)
        return [f"{each['name']} {each['version']}" for each in _BROUGHT.finditer(said)]

    def _run(self, verb: str, *words: str) -> str:
        here = self._environment
        env = {"UV_NO_PROGRESS": "1", "NO_COLOR": "1"}
        if here.index_url is not None:
            env["UV_DEFAULT_INDEX"] = here.index_url
        if here.extra_index_urls:
            env["UV_INDEX"] = " ".join(here.extra_index_urls)
        # uv says what it does on standard error.
        return self._host.run(
            ["uv", "pip", verb, "--python", here.python, *words], env=env, user=here.user, cwd="/"
        ).err
