"""Every message between agent and server, as types; both sides decode strictly by them.

A message is JSON. Names are as written here. Unknown fields are ignored (chapter 10, R25), so a field may be added;
none may change its meaning. Times are seconds since the epoch, as floats. Byte strings travel as base64 text.
The chapters: `spec/10` S1 to S8, `reference/security.md` 2.5 to 2.9.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

ENROL_PATH = "/agent/v1/enrol"
POLL_PATH = "/agent/v1/poll"
ACK_PATH = "/agent/v1/ack"
LOG_PATH = "/agent/v1/log"
RESULT_PATH = "/agent/v1/result"
MANIFEST_PATH = "/agent/v1/manifest"
PARTS_PATH = "/agent/v1/parts"
BUNDLE_PATH = "/agent/v1/bundle"
ROTATE_PATH = "/agent/v1/rotate"

LANE_OF = {
    POLL_PATH: "h",
    ACK_PATH: "c",
    RESULT_PATH: "r",
    LOG_PATH: "l",
    ROTATE_PATH: "k",
    MANIFEST_PATH: "f",
    PARTS_PATH: "f",
    BUNDLE_PATH: "f",
}
"""Each route's lane. In a lane an agent has one request open, and its numbers only grow.

`f` (fetching) changes nothing; enrolment is in none (`requests.ENROL_LANE`)."""

MAX_BODY = 1 << 20
"""Longest body of a request, in bytes."""

MAX_CHUNK = 256 * 1024
"""Longest piece of log in one request, in bytes before base64."""


class SignedObject(msgspec.Struct, frozen=True):
    """Bytes, what kind of thing they are, and who vouches for them. Made and opened in `toque.protocol.signed`."""

    kind: Literal["command", "policy", "root", "time"]
    payload: str
    key: str
    signature: str


class Fingerprint(msgspec.Struct, frozen=True):
    """What tells this machine from a copy of its disk."""

    machine_id: str = ""
    product_uuid: str = ""
    provider_instance_id: str = ""


class Facts(msgspec.Struct, frozen=True):
    """The small core of facts that goes to the server; the rest is collected on the node when a recipe asks."""

    hostname: str = ""
    private_ip: str = ""
    public_ip: str = ""
    os_family: str = ""
    os_name: str = ""
    os_version: str = ""
    architecture: str = ""
    kernel: str = ""
    cpu_count: int = 0
    memory_kb: int = 0
    ssh_host_key: str = ""
    custom: dict[str, str] = {}
    """Facts that recipes and people gave the node, as JSON text by name; bounded by `custom_facts`."""


class EnrolRequest(msgspec.Struct, frozen=True):
    """Signed with the join token's seed; `proof` is the node key's signature over `proof_text()` (see enrolment)."""

    token_id: str
    node_key: str
    sealing_key: str
    enrolment_id: str
    proof: str
    fingerprint: Fingerprint
    facts: Facts
    agent_version: str
    nonce: str


class EnrolAnswer(msgspec.Struct, frozen=True):
    instance_id: str
    stack_id: str
    key_id: str
    installation_id: str
    root: SignedObject
    time: SignedObject
    interval: float


class MetricSample(msgspec.Struct, frozen=True):
    """One minute of the sixteen metrics of chapter 08, section 7, as averages; memory in kB, CPU in percent."""

    minute: int
    cpu_idle: float = 0.0
    cpu_nice: float = 0.0
    cpu_steal: float = 0.0
    cpu_system: float = 0.0
    cpu_user: float = 0.0
    cpu_waitio: float = 0.0
    memory_buffers: float = 0.0
    memory_cached: float = 0.0
    memory_free: float = 0.0
    memory_swap: float = 0.0
    memory_total: float = 0.0
    memory_used: float = 0.0
    load_1: float = 0.0
    load_5: float = 0.0
    load_15: float = 0.0
    procs: float = 0.0


class PollRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A poll is the heartbeat (ruling 5). Every field but the first three may be left out when it says nothing new."""

    agent_version: str
    boot_id: str
    highest_dispatch: int
    running: str = ""
    manifest_version: int = 0
    recovery_epoch: int = 0
    facts: Facts | None = None
    fingerprint: Fingerprint | None = None
    metrics: tuple[MetricSample, ...] = ()
    problems: tuple[str, ...] = ()
    disabled: str = ""
    nonce: str = ""
    root_version: int = 0


class PollAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """`command` is handed out again, byte for byte the same, until it is acknowledged (R4).

    `root` is the current root manifest, for an agent whose `root_version` is older: so it learns of a new online key.
    `manifest` and `time` answer the request's `nonce`, and repeat it under their signature.
    """

    interval: float
    backoff_cap: float = 60.0
    command: SignedObject | None = None
    abort: str = ""
    manifest: SignedObject | None = None
    time: SignedObject | None = None
    rotate: bool = False
    root: SignedObject | None = None


class BundleRef(msgspec.Struct, frozen=True):
    """A cookbook bundle by content: SHA-256 of the archive in hex, and its exact size in bytes."""

    digest: str
    size: int


class Manifest(msgspec.Struct, frozen=True):
    """The policy of one stack: what its nodes must be, as digests of small parts (ruling 16). Payload of kind `policy`.

    `parts` maps a name (`stack`, `layer/<id>`, `instance/<id>`, `app/<id>`, `user/<arn>`, `rds/<arn>`, `elb/<name>`,
    `ecs/<arn>`) to the SHA-256 in hex of the part's canonical JSON. `bundles` maps `builtin` and `custom` to bundles.
    """

    installation_id: str
    stack_id: str
    recovery_epoch: int
    version: int
    issued_at: float
    expires_at: float
    parts: dict[str, str]
    bundles: dict[str, BundleRef]
    minimum_agent: str = ""
    nonce: str = ""


Phase = Literal["system", "custom", "plan", "plan_on_clone"]


class RunStep(msgspec.Struct, frozen=True):
    """One phase of a run. Phase `system` is built-in recipes and the agent's own tasks, `custom` the users' recipes.

    Recipes of phase `plan` are only looked at, and those of `plan_on_clone` run in a copy of the machine. That is said
    here and not beside it, as an agent refuses a phase that it does not know: it must not run what was to be planned.
    """

    phase: Phase
    recipes: tuple[str, ...]


class CommandEnvelope(msgspec.Struct, frozen=True):
    """One order to one instance. Payload of kind `command`.

    `sealed` is base64 of the HPKE box that holds `CommandData`, bound to installation, instance and command id;
    `data_digest` is the SHA-256 in hex of the sealed bytes. `dispatch` only grows for one instance.

    `custom` is the bundle of the users' cookbooks that this run uses, in place of the manifest's: the manifest says
    what the stack has, and an instance takes that with its next Setup or `update_custom_cookbooks` (ruling 18).
    """

    installation_id: str
    instance_id: str
    stack_id: str
    command_id: str
    dispatch: int
    type: str
    steps: tuple[RunStep, ...]
    manifest_version: int
    recovery_epoch: int
    manifest_digest: str
    data_digest: str
    sealed: str
    issued_at: float
    expires_at: float
    deadline_seconds: float
    custom: BundleRef | None = None


class CommandData(msgspec.Struct, frozen=True):
    """What only this node may read, in clear inside the sealed box (ruling 16).

    `levels` is the attribute chain without the cookbook's defaults, weakest first, each (level, object): stack, layers
    in order, app, instance, deployment (D14). `secrets` repeats the shape of the bag items it completes, bag then item:
    values there are merged over the public part. `command` is the item of `aws_opsworks_command`. `deploy_apps` are the
    ids whose `deploy` flag is true. `bags` are the free data bags this node may see.
    """

    command: dict[str, Any]
    levels: tuple[tuple[str, dict[str, Any]], ...]
    secrets: dict[str, dict[str, Any]]
    bags: dict[str, dict[str, Any]]
    deploy_apps: tuple[str, ...] = ()
    self_instance: dict[str, Any] = {}
    masked: tuple[str, ...] = ()
    app_snapshot: dict[str, Any] | None = None
    allow_insecure_sources: bool = False
    """The installation allows plain http, git and file sources, and private addresses (D18)."""


class ManifestRequest(msgspec.Struct, frozen=True):
    version: int


class PartsRequest(msgspec.Struct, frozen=True):
    """At most 500 digests; the answer maps each to its canonical JSON text."""

    digests: tuple[str, ...]


class PartsAnswer(msgspec.Struct, frozen=True):
    parts: dict[str, str]


class BundleRequest(msgspec.Struct, frozen=True):
    """The answer is the archive itself, `application/octet-stream`."""

    digest: str


class AckRequest(msgspec.Struct, frozen=True):
    """The command stands in the journal (R4), or, with `refused`, was judged wrong and will never start (S6)."""

    command_id: str
    dispatch: int
    refused: str = ""


class LogRequest(msgspec.Struct, frozen=True):
    """Bytes of a run's log from `offset` on. A chunk the server has already is a success."""

    command_id: str
    offset: int
    data: str


class ResourceCounts(msgspec.Struct, frozen=True):
    unchanged: int = 0
    changed: int = 0
    failed: int = 0
    ignored: int = 0


class Causes(msgspec.Struct, frozen=True):
    """Why resources of a run changed: other things were asked for, or somebody else had changed what was asked before.

    `flapping` names resources that changed in each of their last runs though the same was asked for, `settled` those
    that did so until this run: at most eight each, as short as a warning and without secrets.
    """

    intended: int = 0
    drift_corrected: int = 0
    flapping: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()


class ResultRequest(msgspec.Struct, frozen=True):
    """How a run ended; sent until confirmed (R8). Exit codes are those of chapter 04, section 7.3.

    `warnings` is what the system's own tasks could not do without failing the run, such as an account that they had to
    skip: at most eight lines, without secrets. The server makes service errors of them.
    """

    command_id: str
    dispatch: int
    exit_code: int
    started_at: float
    finished_at: float
    log_size: int = 0
    reason: str = ""
    resources: ResourceCounts = ResourceCounts()
    revision: str = ""
    releases: dict[str, str] = {}
    warnings: tuple[str, ...] = ()
    causes: Causes = Causes()


class RotateRequest(msgspec.Struct, frozen=True):
    """Signed by the old key; `proof` is the new key's signature over key id, new keys and nonce."""

    node_key: str
    sealing_key: str
    proof: str
    nonce: str


class RotateAnswer(msgspec.Struct, frozen=True):
    key_id: str


class Accepted(msgspec.Struct, frozen=True):
    """The answer to an acknowledgement, a chunk or a result. `size` is how much of the log the server holds."""

    ok: bool = True
    size: int = 0


class Refusal(msgspec.Struct, frozen=True):
    """The body of every answer that is not a success. `time` only with `clock_skew` (S4)."""

    error: str
    message: str = ""
    time: SignedObject | None = None


class SignedTime(msgspec.Struct, frozen=True):
    """Payload of kind `time`: the server's clock, and the nonce of the request that it answers."""

    now: float
    nonce: str


class OnlineKey(msgspec.Struct, frozen=True):
    key_id: str
    public: str


class RootManifest(msgspec.Struct, frozen=True):
    """Payload of kind `root`, signed by the offline root key: whose signatures count (security.md 2.9)."""

    installation_id: str
    version: int
    recovery_epoch: int
    online_keys: tuple[OnlineKey, ...]
    root_public: str
    issued_at: float
    expires_at: float
