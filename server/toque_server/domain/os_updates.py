"""Whether a Setup updates the operating system: `InstallUpdatesOnBoot` of the instance and its layers (02, L-12)."""

from __future__ import annotations

from typing import Final

from toque_server.domain.command import Command
from toque_server.domain.world import InstanceOf, World
from toque_server.settings import UpdatesOnBoot

_BORROWED: Final = frozenset({"sandbox", "docker"})
"""Providers whose machines have the packages of this host or of an image: they are updated there, once for all."""


def due(command: Command, instance: InstanceOf, world: World, *, obeyed: UpdatesOnBoot, provider: str) -> bool:
    """Whether this command installs updates: the Setup after a boot, where instance and all its layers want them.

    A Setup that is asked for by hand, or that follows AssignInstance, installs none: that machine is at work already.
    """
    if not (command.type == "setup" and command.args.get("after_boot", False)):
        return False
    if obeyed == "never" or (obeyed == "machines" and provider in _BORROWED):
        return False
    own = [layer for layer in world.layers if layer.id in instance.layer_ids]
    return instance.install_updates_on_boot and all(layer.install_updates_on_boot for layer in own)
