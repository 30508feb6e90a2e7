"""apt_repository: where apt gets packages from, and whose signature it believes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from urllib.parse import urlsplit

from toque.core import BadProperty, Change, Host, Resource, Secret, recipe_word, resource
from toque.core.files import HEAD
from toque.core.openpgp import dearmored
from toque.platforms.package.apt import Apt
from toque.platforms.package.keys import Key
from toque.platforms.package.lines import check_addresses, check_words, listed, put, put_back
from toque.platforms.package.terms import Terms

_HEAD = f"# {HEAD}\n"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SUITE = re.compile(r"[A-Za-z0-9./][A-Za-z0-9./_~+-]*")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_OWN = {"types", "uris", "suites", "components", "architectures", "signed-by"}


@dataclass(frozen=True)
class AptRepositoryState:
    content: bytes
    key: str | None = None
    """Whose keys the keyring holds."""
    priority: str | None = None


@resource("apt_repository")
@dataclass(frozen=True)
class AptRepository(Resource[AptRepositoryState]):
    """Keep a repository that apt gets packages from, in /etc/apt/sources.list.d/NAME.sources.

    name           of its files
    uris           its URL, or several; without a password: that has its place in /etc/apt/auth.conf.d (0600)
    suites         e.g. "bookworm" or node.platform.codename; a path that ends in / has no components
    components     e.g. ["main"]
    architectures  only these, e.g. ["amd64"]; else those of the machine
    types          ["deb"]; with "deb-src" also the sources
    key            what signs it, and nothing else: a URL with `fingerprint`, the key as text (-----BEGIN PGP …), a file
                   of the cookbook, or a keyring on the machine (an absolute path). Without: the keys that apt has
    fingerprint    that of the key, or a list of those of all keys in it; then no other key is accepted
    priority       how its packages rank against others' (500), as pinning has it; None: not managed
    pin            what the priority holds for, e.g. "release o=Docker"; else the host of the first URL
    options        more fields, e.g. {"Languages": "none"}
    allow_insecure  the key may come over http and from hosts that are not on the public internet
    present        False removes it, its key and its priority

    Its lists, and no others, are fetched when it changed. If that fails, all is put back as it was.

        apt_repository("docker", uris="https://download.docker.com/linux/debian", suites="bookworm",
                       components=["stable"], key="https://download.docker.com/linux/debian/gpg",
                       fingerprint="9DC8 5822 9FC7 DD38 854A  E2D8 8D81 803C 0EBF CD88")
    """

    name: str
    _: KW_ONLY
    uris: str | Sequence[str] = ()
    suites: str | Sequence[str] = ()
    components: Sequence[str] = ()
    architectures: Sequence[str] = ()
    types: Sequence[str] = ("deb",)
    key: str | None = None
    fingerprint: str | Sequence[str] | None = None
    priority: int | None = None
    pin: str | None = None
    options: Mapping[str, str] | None = None
    allow_insecure: bool = False
    present: bool = True

    def __post_init__(self) -> None:
        word = self.word
        check_words(f"{word} name", [self.name], _NAME, "docker")
        check_addresses(f"{word} uris", listed(self.uris))
        if any(
            isinstance(uri, Secret) or "@" in uri.partition("://")[2].partition("/")[0] for uri in listed(self.uris)
        ):
            raise BadProperty(
                f"{word} uris must hold no password, as every user can read them: put it into a file of mode 0600 in "
                "/etc/apt/auth.conf.d"
            )
        check_words(f"{word} suites", listed(self.suites), _SUITE, "bookworm")
        check_words(f"{word} components", self.components, _WORD, "main")
        check_words(f"{word} architectures", self.architectures, _WORD, "amd64")
        check_words(f"{word} types", self.types, re.compile("deb|deb-src"), "deb")
        for name, value in (self.options or {}).items():
            if not _FIELD.fullmatch(str(name)) or name.lower() in _OWN or not _is_line(value):
                raise BadProperty(f"{word} options must map further fields to single lines; {name!r} does not")
        if self.pin is not None and (not _is_line(self.pin) or self.priority is None):
            raise BadProperty(f"{word} pin must be one line such as 'release o=Docker', and goes with priority")
        if self.fingerprint is not None and (self.key is None or self._keyring is not None):
            raise BadProperty(f"{word} fingerprint goes with a key that is a URL, text or a file of the cookbook")
        if self.present:
            self._check_whole()
            self._key  # noqa: B018 (raises BadProperty)

    def desired(self) -> AptRepositoryState | None:
        if not self.present:
            return None
        return AptRepositoryState(
            content=self._content().encode(),
            key=self._key.wanted(self.word, self.source_line) if self._key is not None else None,
            priority=f"{self.priority} for {self._pinned}" if self.priority is not None else None,
        )

    def current(self, host: Host) -> AptRepositoryState | None:
        content = host.read(self._file)
        if content is None and not (not self.present and any(host.entry(path) for path in self._files)):
            return None
        pinned = dict(
            line.split(": ", 1)
            for line in (host.read(self._preferences) or b"").decode(errors="replace").splitlines()
            if ": " in line
        )
        return AptRepositoryState(
            content=content or b"",
            key=self._key.found(host.read(self._own_keyring)) if self.present and self._key is not None else None,
            priority=f"{pinned.get('Pin-Priority', 500)} for {pinned.get('Pin', 'all')}",
        )

    def apply(self, host: Host, change: Change[AptRepositoryState]) -> None:
        if change.want is None:
            for path in self._files:
                if host.entry(path) is not None:
                    host.remove(path)
            return
        with put_back(host, self._files):
            if self._key is not None and "key" in change:
                put(host, self._own_keyring, dearmored(self._key.fetched(self.source_line)))
            if "priority" in change:
                pin = f"Package: *\nPin: {self._pinned}\nPin-Priority: {self.priority}\n"
                put(host, self._preferences, (_HEAD + pin).encode())
            if "content" in change:
                put(host, self._file, change.want.content)
            if "content" in change or "key" in change:
                self._update(host)

    def _update(self, host: Host) -> None:
        """Fetch its lists alone, and take a warning for the failure that it is."""
        settings = [
            f"Dir::Etc::sourcelist={self._file}",
            "Dir::Etc::sourceparts=-",
            "APT::Get::List-Cleanup=0",
            "APT::Update::Error-Mode=any",
        ]
        Apt(host, Terms()).update_from(*(part for setting in settings for part in ("-o", setting)))

    def _content(self) -> str:
        fields = {
            "Types": " ".join(self.types),
            "URIs": " ".join(listed(self.uris)),
            "Suites": " ".join(listed(self.suites)),
            "Components": " ".join(self.components),
            "Architectures": " ".join(self.architectures),
            "Signed-By": (self._keyring or self._own_keyring) if self.key is not None else "",
            **(self.options or {}),
        }
        return _HEAD + "".join(f"{name}: {value}\n" for name, value in fields.items() if value)

    def _check_whole(self) -> None:
        suites = listed(self.suites)
        if not self.uris or not suites or not self.types:
            raise BadProperty(
                f"{self.word} needs uris and suites, e.g. uris='https://example.org/debian', suites='bookworm'"
            )
        if any(suite.endswith("/") == bool(self.components) for suite in suites):
            raise BadProperty(
                f"{self.word} needs components, e.g. ['main'], where suites do not end in /, and only there"
            )

    @property
    def _key(self) -> Key | None:
        """The key that is kept here; None when it is on the machine already, or not named."""
        if self.key is None or self._keyring is not None:
            return None
        return Key.of(self.word, self.key, self.fingerprint, self.allow_insecure)

    @property
    def _keyring(self) -> str | None:
        """The keyring of somebody else that the recipe names."""
        if self.key is None or not self.key.startswith("/"):
            return None
        check_words(f"{self.word} key", [self.key], re.compile(r"/[A-Za-z0-9._/+-]+"), "/usr/share/keyrings/a.gpg")
        return self.key

    @property
    def _pinned(self) -> str:
        return self.pin or f'origin "{urlsplit(listed(self.uris)[0]).hostname or ""}"'

    @property
    def _file(self) -> str:
        return f"/etc/apt/sources.list.d/{self.name}.sources"

    @property
    def _own_keyring(self) -> str:
        return f"/etc/apt/keyrings/{self.name}.gpg"

    @property
    def _preferences(self) -> str:
        return f"/etc/apt/preferences.d/{self.name}.pref"

    @property
    def _files(self) -> tuple[str, str, str]:
        return self._file, self._own_keyring, self._preferences


def _is_line(value: str) -> bool:
    return isinstance(value, str) and value != "" and value.isprintable()


apt_repository = recipe_word(AptRepository)
