"""Values under a cookbook's name are judged by its settings.py when they are saved, and when cookbooks are published.

What a run would refuse on every node is refused where somebody writes it. A key that no cookbook of the stack has is
nobody's to judge, and a value that is saved as it was stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from toque.cookbook.schema import Schema
from toque.cookbook.settings import BadSetting
from toque_server.cookbooks import schemas
from toque_server.domain.custom_json import parse
from toque_server.operations.context import Context
from toque_server.operations.errors import ValidationException
from toque_server.store import apps, attributes, cookbooks, instances, layers, stacks
from toque_server.store.cookbooks import Bundle

_TOLD: Final = 5


def check_saved(ctx: Context, digest: str | None, text: str | None, was: str | None) -> None:
    """Refuse custom JSON, or attributes, that the bundle's cookbooks do not take. Raises ValidationException."""
    if digest is None or text is None or text == was:
        return
    bundle = cookbooks.get(ctx.conn, digest)
    if bundle is None:
        return
    problems = list(islice(_misfits(parse(text), bundle), _TOLD + 1))
    if problems:
        raise ValidationException(
            f"CustomJson: {_listed(problems)}. Please correct the value, or publish cookbooks that take it",
            field="CustomJson",
        )


def check_bundle(ctx: Context, stack_id: str, bundle: Bundle, *, field: str) -> None:
    """Refuse a bundle whose cookbooks do not take what the stack has set, where those it has now do.

    Raises ValidationException with the list.
    """
    before = stacks.get(ctx.conn, stack_id)
    digest = None if before is None else before.cookbook_digest
    now = None if digest is None else cookbooks.get(ctx.conn, digest)
    told: list[str] = []
    for where, value in _stored(ctx, stack_id):
        known = set() if now is None else set(_misfits(value, now))
        told += [f"{where}: {each}" for each in islice(_misfits(value, bundle), _TOLD + 1) if each not in known]
        if len(told) > _TOLD:
            break
    if told:
        raise ValidationException(
            f"these cookbooks do not take what the stack has set: {_listed(told)}. Please change those values first, "
            "or say Force",
            field=field,
        )


def _misfits(value: Mapping[str, Any], bundle: Bundle) -> Iterator[str]:
    for name, schema in schemas.of_bundle(bundle.contents, value.keys()).items():
        own = value[name]
        if not isinstance(own, Mapping):
            yield f"{name}: must be a map of the cookbook's settings, such as {{{_example(schema)}}}"
            continue
        for problem in schema.judge(own, complete=False):
            yield _told(problem, schema)


def _told(problem: BadSetting, schema: Schema) -> str:
    """The words of a run, but for a value that is secret."""
    path = [part.partition("[")[0] for part in problem.where.split(".")[1:]]
    if schema.is_secret(path):
        return f"{problem.where}: is not of the type that the cookbook gives this secret"
    return str(problem)


def _example(schema: Schema) -> str:
    return f'"{schema.keys[0].name}": …' if schema.keys else ""


def _stored(ctx: Context, stack_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that is set below a stack, with words for where."""
    if (text := stacks.secrets(ctx.conn, ctx.vault, stack_id).custom_json) is not None:
        yield "the stack's CustomJson", parse(text)
    own = {layer.id: f"layer {layer.shortname}" for layer in layers.of_stack(ctx.conn, stack_id)}
    for id, secrets in layers.secrets(ctx.conn, ctx.vault, list(own)).items():
        if secrets.custom_json is not None:
            yield f"CustomJson of {own[id]}", parse(secrets.custom_json)
    own |= {app.id: f"app {app.shortname}" for app in apps.of_stacks(ctx.conn, [stack_id])}
    own |= {each.id: f"instance {each.hostname}" for each in instances.of_stack(ctx.conn, stack_id)}
    for owner, found in attributes.of(ctx.conn, ctx.vault, stack_id).items():
        yield f"attributes of {own.get(owner, owner)}", found.value


def _listed(problems: list[str]) -> str:
    return "; ".join(problems[:_TOLD]) + ("; and more" if len(problems) > _TOLD else "")
