"""An app: its record, and what a request may make of it (chapter 05 §§ 1 to 5)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from toque_server.domain.invalid import Invalid
from toque_server.domain.source import FILTERED, Source, SourceSecrets
from toque_server.domain.source import check as check_source
from toque_server.domain.stack import check_name

TYPES: Final = ("aws-flow-ruby", "java", "rails", "php", "nodejs", "static", "other")
ATTRIBUTE_KEYS: Final = ("DocumentRoot", "RailsEnv", "AutoBundleOnDeploy", "AwsFlowRubySettings")
DATA_SOURCE_TYPES: Final = ("RdsDbInstance", "OpsworksMysqlInstance", "AutoSelectOpsworksMysqlInstance", "None")
ENVIRONMENT_LIMIT: Final = 20 * 1024

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_DOMAIN = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?")
_LONGEST_VALUE = 256


class DataSource(msgspec.Struct, frozen=True, rename="pascal", forbid_unknown_fields=True, omit_defaults=True):
    type: str | None = None
    arn: str | None = None
    database_name: str | None = None


class EnvironmentVariable(msgspec.Struct, frozen=True, rename="pascal", forbid_unknown_fields=True):
    """`secure` hides the value in answers; in a stored record the value of a secure variable is empty."""

    key: str
    value: str
    secure: bool = False


class App(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of an app that may be shown. Its secrets are `AppSecrets`."""

    id: str
    stack_id: str
    shortname: str
    name: str
    type: str
    created_at: datetime
    description: str | None = None
    app_source: Source = Source()
    data_sources: tuple[DataSource, ...] = ()
    domains: tuple[str, ...] = ()
    enable_ssl: bool = False
    certificate: str | None = None
    chain: str | None = None
    attributes: dict[str, str | None] = {}
    environment: tuple[EnvironmentVariable, ...] = ()


class AppSecrets(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of an app is stored sealed; `environment` holds the values of the secure variables."""

    source: SourceSecrets = SourceSecrets()
    private_key: str | None = None
    environment: dict[str, str] = {}


def check(app: App, secrets: AppSecrets, *, allow_insecure: bool) -> None:
    """Raise Invalid for an app that may not be stored as it would be."""
    check_name(app.name, longest=255)
    if app.type not in TYPES:
        raise Invalid(f"Type {app.type!r} is unknown: please use one of {', '.join(TYPES)}")
    source = msgspec.structs.replace(app.app_source, ssh_key=secrets.source.ssh_key)
    check_source(source, member="AppSource", allow_insecure=allow_insecure)
    _check_data_sources(app.data_sources)
    _check_domains(app.domains)
    if app.enable_ssl and not (app.certificate and secrets.private_key):
        raise Invalid("SslConfiguration must have Certificate and PrivateKey when EnableSsl is true")
    if unknown := sorted(set(app.attributes) - set(ATTRIBUTE_KEYS)):
        raise Invalid(f"Attributes has no key {unknown[0]!r}: the keys are {', '.join(ATTRIBUTE_KEYS)}")
    root = app.attributes.get("DocumentRoot")
    if root and (not re.match(r"[A-Za-z0-9_-]", root) or ".." in root.split("/")):
        raise Invalid(f"Attributes.DocumentRoot {root!r} must be a directory inside the app, such as public")


def split_environment(
    sent: Sequence[EnvironmentVariable], stored: AppSecrets
) -> tuple[tuple[EnvironmentVariable, ...], dict[str, str]]:
    """The variables as they are shown, and the values of the secure ones; a filtered value keeps the stored one."""
    _check_environment(sent)
    secret: dict[str, str] = {}
    for each in sent:
        if each.secure:
            kept = stored.environment.get(each.key)
            if each.value == FILTERED and kept is None:
                raise Invalid(f"Environment: there is no stored value of {each.key} to keep; please send its value")
            secret[each.key] = kept if each.value == FILTERED and kept is not None else each.value
        elif each.value == FILTERED:
            raise Invalid(f"Environment: {each.key} was protected; please send its value to make it readable")
    full = [msgspec.structs.replace(each, value=secret.get(each.key, each.value)) for each in sent]
    _check_size(full)
    return tuple(msgspec.structs.replace(each, value="" if each.secure else each.value) for each in sent), secret


def shown_environment(app: App) -> list[EnvironmentVariable]:
    """Variables for an answer: secure values filtered."""
    return [msgspec.structs.replace(each, value=FILTERED) if each.secure else each for each in app.environment]


def _check_environment(variables: Iterable[EnvironmentVariable]) -> None:
    seen = set[str]()
    for each in variables:
        if not _KEY.fullmatch(each.key):
            raise Invalid(
                f"Environment: the key {each.key[:80]!r} is not allowed: 1 to 64 letters, digits and '_', not starting"
                " with a digit"
            )
        if each.key in seen:
            raise Invalid(f"Environment: the key {each.key} stands there twice")
        seen.add(each.key)
        if len(each.value) > _LONGEST_VALUE:
            raise Invalid(f"Environment: the value of {each.key} has {len(each.value)} characters, at most 256")
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in each.value):
            raise Invalid(f"Environment: the value of {each.key} has characters that cannot be printed")


def _check_size(variables: Sequence[EnvironmentVariable]) -> None:
    if len(msgspec.json.encode(variables)) > ENVIRONMENT_LIMIT:
        raise Invalid("Environment: is too large (maximum is 20 KB)")


def uses_database(app: App, arn: str) -> bool:
    """Whether the registered database of this ARN is the app's data source."""
    return any(each.type == "RdsDbInstance" and each.arn == arn for each in app.data_sources)


def _check_data_sources(sources: Sequence[DataSource]) -> None:
    for source in sources:
        if source.type not in DATA_SOURCE_TYPES:
            raise Invalid(
                f"DataSources: the type {source.type!r} is unknown: please use one of {', '.join(DATA_SOURCE_TYPES)}"
            )
        if source.type in ("RdsDbInstance", "OpsworksMysqlInstance") and not source.arn:
            raise Invalid(f"DataSources: a source of type {source.type} needs its Arn")
    if len([source for source in sources if source.type != "None"]) > 1:
        raise Invalid("DataSources: an app has at most one database; others can be given in custom JSON")


def _check_domains(domains: Iterable[str]) -> None:
    for domain in domains:
        if len(domain) > 253 or not _DOMAIN.fullmatch(domain):
            raise Invalid(f"Domains: {domain[:80]!r} is not a domain name")
