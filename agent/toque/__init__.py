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
    from toque.resources.archive import archive
    from toque.resources.directory import directory
    from toque.resources.execute import execute
    from toque.resources.file import file
    from toque.resources.git import git
    from toque.resources.group import group
    from toque.resources.link import link
    from toque.resources.log import log
    from toque.resources.package import package
    from toque.resources.remote_file import remote_file
    from toque.resources.service import service
    from toque.resources.template import template
    from toque.resources.user import user

__all__ = [
    "Secret",
    "app_release",
    "archive",
    "data_bag",
    "data_bag_item",
    "directory",
    "execute",
    "file",
    "git",
    "group",
    "include_recipe",
    "link",
    "log",
    "node",
    "on_change",
    "on_event",
    "once",
    "package",
    "remote_file",
    "search",
    "service",
    "settings",
    "template",
    "user",
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
