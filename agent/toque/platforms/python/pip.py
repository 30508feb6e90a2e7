"""pip: what every environment of Python has, unless it was made without."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from toque.core.host import Host
from toque.platforms.python import Environment, Order


class Pip:
    def __init__(self, host: Host, environment: Environment) -> None:
        self._host, self._environment = host, environment

    def install(self, order: Order) -> None:
        self._run("install", "--quiet", *order.arguments)

    def uninstall(self, names: Sequence[str], order: Order) -> None:
        force = ["--break-system-packages"] if order.break_system_packages else []
        self._run("uninstall", "--quiet", "--yes", *force, *order.options, "--", *names)

    def outdated(self, order: Order) -> list[str]:
        asked = replace(order, upgrade=True).arguments
        said = self._run("install", "--quiet", "--dry-run", "--no-deps", "--report", "-", *asked)
        found = (each["metadata"] for each in json.loads(said)["install"])
        return [f"{each['name']} {each['version']}" for each in found]

    def _run(self, *words: str) -> str:
        here = self._environment
        env = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_ROOT_USER_ACTION": "ignore"}
        if here.index_url is not None:
            env["PIP_INDEX_URL"] = here.index_url
        if here.extra_index_urls:
            env["PIP_EXTRA_INDEX_URL"] = " ".join(here.extra_index_urls)
        return self._host.run([here.python, "-m", "pip", *words], env=env, user=here.user, cwd="/").out
