"""Cookbooks of a stack: published as a bundle, or fetched from its source (ruling 18)."""

from __future__ import annotations

import binascii
import hashlib
import tempfile
from base64 import b64decode
from datetime import datetime
from pathlib import Path
from typing import Any

from toque.cookbook.bundle import BadBundle, unpack
from toque.cookbook.layout import BadCookbook, find_cookbooks
from toque_server.cookbooks.bundles import Bundles
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.store import cookbooks, events, instances, stacks
from toque_server.store.cookbooks import Bundle

_RAISES = (ValidationException, ResourceNotFoundException)


class PublishCookbooks(Request, frozen=True, kw_only=True):
    """`archive`: a bundle as `toque cookbook package` makes it (tar.gz, one folder per cookbook), in base64.

    `source` is a word for people on where it comes from, such as a commit.
    """

    stack_id: str
    archive: str
    source: str | None = None


class CookbookView(Result, frozen=True, kw_only=True):
    name: str
    version: str
    recipes: list[str]


class CookbooksPublished(Result, frozen=True, kw_only=True):
    digest: str
    cookbooks: list[CookbookView]


class DescribeCookbooks(Request, frozen=True, kw_only=True):
    stack_id: str


class BundleView(Result, frozen=True, kw_only=True):
    digest: str
    size: int
    added_at: datetime
    source: str
    is_current: bool
    cookbooks: list[CookbookView]


class CookbooksDescribed(Result, frozen=True, kw_only=True):
    """`running` maps each instance to the digest of the bundle that its last run used, null before its first run."""

    bundles: list[BundleView]
    current_digest: str | None
    running: dict[str, str | None]


@operation(permission=Permission.MANAGE, target=TOQUE, stack="stack_id", raises=_RAISES)
def publish_cookbooks(ctx: Context, req: PublishCookbooks) -> CookbooksPublished:
    """Give a stack its cookbooks as an upload.

    Instances take them with `update_custom_cookbooks` or with their next Setup; one that has none yet, with any run.

    The same cookbooks are the same bundle, whoever publishes them: it is named by its content.
    """
    stack = finding.stack(ctx, req.stack_id)
    try:
        raw = b64decode(req.archive, validate=True)
    except (binascii.Error, ValueError):
        raise ValidationException("Archive is not base64 text", field="Archive") from None
    bundle = _kept(ctx, raw)
    cookbooks.add(ctx.conn, bundle)
    cookbooks.publish(
        ctx.conn, stack.id, bundle.digest, at=ctx.now, source=req.source or f"published by {ctx.caller.name}"
    )
    stacks.set_cookbook_digest(ctx.conn, stack.id, bundle.digest)
    found = _views(bundle.contents)
    events.add(
        ctx.conn,
        "cookbooks.published",
        f"cookbooks {', '.join(each.name for each in found)} were published",
        at=ctx.now,
        stack_id=stack.id,
        data={"digest": bundle.digest},
    )
    return CookbooksPublished(digest=bundle.digest, cookbooks=found)


@operation(permission=Permission.SHOW, target=TOQUE, stack="stack_id", raises=_RAISES)
def describe_cookbooks(ctx: Context, req: DescribeCookbooks) -> CookbooksDescribed:
    """Describe the bundles of cookbooks that a stack has had, newest first, and which instance runs which."""
    stack = finding.stack(ctx, req.stack_id)
    return CookbooksDescribed(
        bundles=[
            BundleView(
                digest=each.bundle.digest,
                size=each.bundle.size,
                added_at=each.added_at,
                source=each.source,
                is_current=each.bundle.digest == stack.cookbook_digest,
                cookbooks=_views(each.bundle.contents),
            )
            for each in cookbooks.of_stack(ctx.conn, stack.id)
        ],
        current_digest=stack.cookbook_digest,
        running=instances.cookbook_digests(ctx.conn, stack.id),
    )


def _kept(ctx: Context, raw: bytes) -> Bundle:
    """The upload, judged and packed anew: what nodes get is what our own packer wrote."""
    bundles = Bundles(ctx.settings.data_dir)
    with tempfile.TemporaryDirectory(dir=bundles.directory, prefix=".publishing-") as place:
        upload, tree = Path(place) / "upload", Path(place) / "tree"
        upload.write_bytes(raw)
        try:
            unpack(upload, tree, digest=hashlib.sha256(raw).hexdigest(), size=len(raw))
            found = find_cookbooks(tree)
            if not found:
                raise ValidationException(
                    "Archive holds no cookbook: one folder each, with cookbook.toml", field="Archive"
                )
            return bundles.keep(found, at=ctx.now)
        except (BadBundle, BadCookbook) as error:
            raise ValidationException(f"Archive: {error}", field="Archive") from error


def _views(contents: dict[str, Any]) -> list[CookbookView]:
    return [
        CookbookView(name=name, version=each["version"], recipes=list(each["recipes"]))
        for name, each in sorted(contents.items())
    ]
