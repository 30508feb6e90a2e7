"""One signed request to the server and its answer, over a connection that is kept.

In a lane one request is open at a time, and its numbers only grow; a retry is signed anew. A clock that is off is
found by the server's signed time, and only an offset is kept: the system clock is never set (S3, S4).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeVar

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from toque.protocol.messages import LANE_OF, Refusal, SignedObject
from toque.protocol.requests import ENROL_LANE, Signing, sign_request

T = TypeVar("T")
_LONGEST_ANSWER: Final = 64 << 20
_LANE_PATIENCE: Final = 2.0
_TIMEOUT: Final = urllib3.Timeout(connect=10, read=60)


class Unreachable(Exception):
    """The server did not answer, or asked to come later. `retry_after` is in seconds, None when it did not say."""

    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class Refused(Exception):
    """The server answered that this request is wrong; sending it again will not help."""

    def __init__(self, status: int, refusal: Refusal) -> None:
        super().__init__(f"HTTP {status} {refusal.error} {refusal.message}".rstrip())
        self.status = status
        self.refusal = refusal


@dataclass(frozen=True)
class Signer:
    """In whose name a request is signed."""

    installation_id: str
    key_id: str
    key: Signing


class Client:
    """Talk to the server at `server_url` as the agent start numbered `epoch`.

    `believe_time` reads a signed time that answers a nonce, and returns None when it is not to be believed.
    """

    def __init__(
        self,
        server_url: str,
        *,
        epoch: int,
        ca_file: str = "",
        clock: Callable[[], float] = time.time,
        believe_time: Callable[[SignedObject, str], float | None] = lambda said, nonce: None,
    ) -> None:
        options = {"ca_certs": ca_file} if ca_file and server_url.startswith("https") else {}
        self._pool = urllib3.connection_from_url(server_url, maxsize=3, retries=False, timeout=_TIMEOUT, **options)
        self._clock = clock
        self._epoch = epoch
        self._numbers = dict.fromkeys({*LANE_OF.values(), ENROL_LANE}, 0)
        self._lanes = {lane: threading.Lock() for lane in self._numbers}
        self.believe_time = believe_time
        self.offset = 0.0

    def now(self) -> float:
        """The server's clock as well as it is known, in seconds since the epoch."""
        return self._clock() + self.offset

    def send(self, path: str, message: msgspec.Struct, signer: Signer, answer: type[T]) -> T:
        """POST `message` and decode the answer. Raises Unreachable or Refused."""
        with self._open(path, message, signer) as response:
            body = response.read(_LONGEST_ANSWER + 1)
        try:
            return msgspec.json.decode(body, type=answer)
        except msgspec.DecodeError as wrong:
            raise Unreachable(f"the answer to {path} cannot be read: {wrong}") from wrong

    def download(self, path: str, message: msgspec.Struct, signer: Signer, size: int) -> Iterator[bytes]:
        """POST `message` and give the answer's bytes piece by piece; one byte beyond `size` is the last given."""
        with self._open(path, message, signer) as response:
            left = size + 1
            try:
                while left > 0 and (piece := response.read(min(left, 1 << 16))):
                    left -= len(piece)
                    yield piece
            except HTTPError as wrong:
                raise Unreachable(f"the download broke off: {wrong}") from wrong

    @contextmanager
    def _open(self, path: str, message: msgspec.Struct, signer: Signer) -> Iterator[urllib3.BaseHTTPResponse]:
        lane = LANE_OF.get(path, ENROL_LANE)
        body = msgspec.json.encode(message)
        # A long download keeps its lane; whoever needs it meanwhile comes again, and no contact waits for it (R10).
        if not self._lanes[lane].acquire(timeout=_LANE_PATIENCE):
            raise Unreachable(f"{path}: another request is open in lane {lane}")
        try:
            try:
                response = self._attempt(path, lane, body, signer)
            except Refused as refused:
                if not self._clock_was_corrected(refused, lane):
                    raise
                response = self._attempt(path, lane, body, signer)
            try:
                yield response
            finally:
                response.drain_conn()
                response.release_conn()
        finally:
            self._lanes[lane].release()

    def _attempt(self, path: str, lane: str, body: bytes, signer: Signer) -> urllib3.BaseHTTPResponse:
        self._numbers[lane] += 1
        headers = sign_request(
            path=path,
            body=body,
            installation=signer.installation_id,
            key_id=signer.key_id,
            key=signer.key,
            epoch=self._epoch,
            lane=lane,
            sequence=self._numbers[lane],
            now=self.now(),
        )
        try:
            response = self._pool.urlopen("POST", path, body=body, headers=headers, preload_content=False)
        except HTTPError as wrong:
            raise Unreachable(f"{path}: {wrong}") from wrong
        if response.status == HTTPStatus.OK:
            return response
        try:
            refusal = msgspec.json.decode(response.read(1 << 16), type=Refusal)
        except (msgspec.DecodeError, HTTPError):
            refusal = Refusal("unreadable")
        response.release_conn()
        if response.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT} or response.status >= 500:
            raise Unreachable(f"{path}: HTTP {response.status} {refusal.error}", _retry_after(response.headers))
        raise Refused(response.status, refusal)

    def _clock_was_corrected(self, refused: Refused, lane: str) -> bool:
        if refused.refusal.error != "clock_skew" or refused.refusal.time is None:
            return False
        # An enrolling agent knows no key to check the time by; it only decides what `created` says in the next
        # attempt, and the answer's own chain of trust comes with a time of its own.
        said = self.believe_time(refused.refusal.time, f"{self._epoch}-{lane}-{self._numbers[lane]}")
        if said is None:
            return False
        self.offset = said - self._clock()
        return True


def _retry_after(headers: urllib3.HTTPHeaderDict) -> float | None:
    try:
        return float(headers.get("retry-after", ""))
    except ValueError:
        return None
