"""The engine of a run: resource, converge, node, report, host, secret, source, errors.

What a resource needs is here by name; everything else is in the modules.
"""

from __future__ import annotations

from toque.core.errors import BadProperty, NotFound, RecipeFailed, ToqueError
from toque.core.host import CommandFailed, Entry, Host, Ran
from toque.core.local import LocalHost
from toque.core.resource import (
    Action,
    Change,
    NotConverged,
    Resource,
    action,
    converge,
    diff,
    recipe_word,
    resource,
)
from toque.core.run import ResourceFailed, Run, current_run
from toque.core.secret import Secret
from toque.core.source import Source, declared_at

__all__ = [
    "Action",
    "BadProperty",
    "Change",
    "CommandFailed",
    "Entry",
    "Host",
    "LocalHost",
    "NotConverged",
    "NotFound",
    "Ran",
    "RecipeFailed",
    "Resource",
    "ResourceFailed",
    "Run",
    "Secret",
    "Source",
    "ToqueError",
    "action",
    "converge",
    "current_run",
    "declared_at",
    "diff",
    "recipe_word",
    "resource",
]
