"""ARNs of our own objects (S-1, L-3): written with a slash at the end, read with and without."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, get_args

from toque_server.domain.invalid import Invalid

Kind = Literal["stack", "layer", "instance", "app"]

_OURS = re.compile(
    rf"arn:aws:opsworks:(?P<region>[^:]+):(?P<account>[0-9]{{12}}):(?P<kind>{'|'.join(get_args(Kind))})"
    r"/(?P<id>[A-Za-z0-9-]{1,64})/?"
)


class Named(NamedTuple):
    """What an ARN says."""

    region: str
    account: str
    kind: str
    id: str


def arn(region: str, account: str, kind: Kind, id: str) -> str:
    """
    >>> arn("eu", "123456789012", "stack", "s-1")
    'arn:aws:opsworks:eu:123456789012:stack/s-1/'
    """
    return f"arn:aws:opsworks:{region}:{account}:{kind}/{id}/"


def parse(text: str, *kinds: Kind, member: str) -> Named:
    """What the ARN names; its final slash may be missing. Raises Invalid for what is no ARN of one of these kinds.

    >>> parse("arn:aws:opsworks:eu:123456789012:layer/l-1", "stack", "layer", member="ResourceArn").id
    'l-1'
    """
    found = _OURS.fullmatch(text)
    if found is None or found["kind"] not in kinds:
        raise Invalid(
            f"{member} {text[:200]!r} is not the ARN of a {' or '.join(kinds)}: it looks like"
            f" arn:aws:opsworks:REGION:ACCOUNT:{kinds[0]}/ID/"
        )
    return Named(**found.groupdict())
