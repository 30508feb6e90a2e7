"""One HTTP request of a recipe, and whatever the server answers to it."""

from __future__ import annotations

from toque.core.host import Unreachable, WebAnswer, WebRequest
from toque.core.urls import without_password

MOST_KEPT = 1 << 20
"""Of an answer's body, so many bytes are kept."""

_REDIRECTS = 5


def ask(request: WebRequest) -> WebAnswer:
    """Send it. Redirects are followed for GET and HEAD; raises Unreachable when no answer comes."""
    import urllib3

    timeout = urllib3.Timeout(connect=request.timeout, read=request.timeout)
    only_looks = request.method in ("GET", "HEAD")
    retries = urllib3.Retry(
        total=None,
        connect=0,
        read=0,
        other=0,
        redirect=_REDIRECTS,
        # What is for this host, a token for one, another host that it leads to does not get.
        remove_headers_on_redirect=[*urllib3.Retry.DEFAULT_REMOVE_HEADERS_ON_REDIRECT, *request.headers],
    )
    # In front of the address: what opens a URL (user and password) goes into a header and nowhere else.
    place = urllib3.util.parse_url(request.url)
    headers = {"User-Agent": "toque", **request.headers}
    if place.auth is not None:
        headers = {**urllib3.make_headers(basic_auth=place.auth), **headers}
    try:
        with (
            urllib3.PoolManager(
                ca_certs=request.ca_file, cert_file=request.cert_file, key_file=request.key_file
            ) as pool,
            pool.request(
                request.method,
                place._replace(auth=None).url,
                headers=headers,
                body=request.body,
                timeout=timeout,
                retries=retries,
                redirect=only_looks,
                preload_content=False,
            ) as answer,
        ):
            body = answer.read(MOST_KEPT, decode_content=True)
            return WebAnswer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, body)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise Unreachable(without_password(request.url), _reason(error)) from error


def _reason(error: Exception) -> str:
    """The cause at the bottom, in its own words."""
    cause: BaseException = error
    while (inner := getattr(cause, "reason", None) or cause.__cause__) is not None and isinstance(inner, Exception):
        cause = inner
    return getattr(cause, "strerror", None) or str(cause)
