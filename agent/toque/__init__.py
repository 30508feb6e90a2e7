"""The words of a recipe, and nothing else.

Each is bound when it is first used, so that importing this costs nothing and a recipe loads only the words it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toque.core.run import on_change
    from toque.core.secret import Secret
    from toque.core.world import data_bag, data_bag_item, include_recipe, node, search, settings
    from toque.resources.app_release import app_release
    from toque.resources.apt_repository import apt_repository
    from toque.resources.archive import archive
    from toque.resources.block_of_python import block_of_python
    from toque.resources.check import check
    from toque.resources.directory import directory
    from toque.resources.execute import execute
    from toque.resources.file import file
    from toque.resources.git import git
    from toque.resources.group import group
    from toque.resources.http_request import http_request
    from toque.resources.link import link
    from toque.resources.log import log
    from toque.resources.os_upgrade import os_upgrade
    from toque.resources.package import package
    from toque.resources.package_index import package_index
    from toque.resources.remote_file import remote_file
    from toque.resources.script import script
    from toque.resources.service import service
    from toque.resources.template import template
    from toque.resources.user import user
    from toque.resources.wait_for import wait_for
    from toque.resources.yum_repository import yum_repository

__all__ = [
    "Secret",
    "app_release",
    "apt_repository",
    "archive",
    "block_of_python",
    "check",
    "data_bag",
    "data_bag_item",
    "directory",
    "execute",
    "file",
    "git",
    "group",
    "http_request",
    "include_recipe",
    "link",
    "log",
    "node",
    "on_change",
    "os_upgrade",
    "package",
    "package_index",
    "remote_file",
    "script",
    "search",
    "service",
    "settings",
    "template",
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
