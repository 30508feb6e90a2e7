"""The words of a recipe, and nothing else.

Each is bound when it is first used, so that importing this costs nothing and a recipe loads only the words it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toque.core.events import on_event
    from toque.core.run import on_change
    from toque.core.secret import Secret
    from toque.core.world import data_bag, data_bag_item, include_recipe, node, once, search, settings
    from toque.resources.app_release import app_release
    from toque.resources.apt_repository import apt_repository
    from toque.resources.archive import archive
    from toque.resources.authorized_keys import authorized_keys
    from toque.resources.block import block
    from toque.resources.block_of_python import block_of_python
    from toque.resources.bundle import bundle
    from toque.resources.certificate import certificate
    from toque.resources.check import check
    from toque.resources.cleanup import cleanup
    from toque.resources.compose import compose
    from toque.resources.config_value import config_value
    from toque.resources.container import container
    from toque.resources.cron import cron
    from toque.resources.csr import csr
    from toque.resources.dhparam import dhparam
    from toque.resources.directory import directory
    from toque.resources.env_file import env_file
    from toque.resources.execute import execute
    from toque.resources.fact import fact
    from toque.resources.file import file
    from toque.resources.filesystem import filesystem
    from toque.resources.firewall import firewall
    from toque.resources.gem_package import gem_package
    from toque.resources.git import git
    from toque.resources.group import group
    from toque.resources.hostname import hostname
    from toque.resources.hosts_entry import hosts_entry
    from toque.resources.http_request import http_request
    from toque.resources.kernel_module import kernel_module
    from toque.resources.known_host import known_host
    from toque.resources.limits import limits
    from toque.resources.line import line
    from toque.resources.link import link
    from toque.resources.locale import locale
    from toque.resources.log import log
    from toque.resources.mount import mount
    from toque.resources.npm_package import npm_package
    from toque.resources.os_upgrade import os_upgrade
    from toque.resources.package import package
    from toque.resources.package_index import package_index
    from toque.resources.pip_package import pip_package
    from toque.resources.private_key import private_key
    from toque.resources.python_venv import python_venv
    from toque.resources.reboot import reboot
    from toque.resources.remote_file import remote_file
    from toque.resources.replace import replace
    from toque.resources.script import script
    from toque.resources.service import service
    from toque.resources.subversion import subversion
    from toque.resources.sudo import sudo
    from toque.resources.swap import swap
    from toque.resources.sysctl import sysctl
    from toque.resources.systemd_unit import systemd_unit
    from toque.resources.template import template
    from toque.resources.timer import timer
    from toque.resources.timezone import timezone
    from toque.resources.tree import tree
    from toque.resources.trusted_ca import trusted_ca
    from toque.resources.user import user
    from toque.resources.wait_for import wait_for
    from toque.resources.yum_repository import yum_repository

__all__ = [
    "Secret",
    "app_release",
    "apt_repository",
    "archive",
    "authorized_keys",
    "block",
    "block_of_python",
    "bundle",
    "certificate",
    "check",
    "cleanup",
    "compose",
    "config_value",
    "container",
    "cron",
    "csr",
    "data_bag",
    "data_bag_item",
    "dhparam",
    "directory",
    "env_file",
    "execute",
    "fact",
    "file",
    "filesystem",
    "firewall",
    "gem_package",
    "git",
    "group",
    "hostname",
    "hosts_entry",
    "http_request",
    "include_recipe",
    "kernel_module",
    "known_host",
    "limits",
    "line",
    "link",
    "locale",
    "log",
    "mount",
    "node",
    "npm_package",
    "on_change",
    "on_event",
    "once",
    "os_upgrade",
    "package",
    "package_index",
    "pip_package",
    "private_key",
    "python_venv",
    "reboot",
    "remote_file",
    "replace",
    "script",
    "search",
    "service",
    "settings",
    "subversion",
    "sudo",
    "swap",
    "sysctl",
    "systemd_unit",
    "template",
    "timer",
    "timezone",
    "tree",
    "trusted_ca",
    "user",
    "wait_for",
    "yum_repository",
]

_ELSEWHERE = {
    "Secret": "toque.core.secret",
    "data_bag": "toque.core.world",
    "data_bag_item": "toque.core.world",
    "include_recipe": "toque.core.world",
    "node": "toque.core.world",
    "on_change": "toque.core.run",
    "on_event": "toque.core.events",
    "once": "toque.core.world",
    "search": "toque.core.world",
    "settings": "toque.core.world",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'toque' has no word {name!r}")
    from importlib import import_module

    word = getattr(import_module(_ELSEWHERE.get(name, f"toque.resources.{name}")), name)
    globals()[name] = word
    return word


def __dir__() -> list[str]:
    return __all__
