"""ARNs of our own objects (S-1, L-3): written with a slash at the end, read with and without."""

from __future__ import annotations

from typing import Literal

Kind = Literal["stack", "layer", "instance", "app"]


def arn(region: str, account: str, kind: Kind, id: str) -> str:
    """
    >>> arn("eu", "123456789012", "stack", "s-1")
    'arn:aws:opsworks:eu:123456789012:stack/s-1/'
    """
    return f"arn:aws:opsworks:{region}:{account}:{kind}/{id}/"
