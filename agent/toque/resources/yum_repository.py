"""yum_repository: where dnf, yum and zypper get packages from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Resource, recipe_word, resource
from toque.core.files import HEAD
from toque.core.openpgp import armored
from toque.core.os_release import family_of
from toque.core.secret import holds_secret
from toque.platforms.package import repositories_of
from toque.platforms.package.keys import Key
from toque.platforms.package.lines import check_addresses, check_words, listed, put, put_back

_HEAD = f"# {HEAD}\n"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_PATTERN = re.compile(r"[A-Za-z0-9*?@\[][A-Za-z0-9.+_*?\[\]:-]*")
_OPTION = re.compile(r"[a-z][a-z0-9_]*")
_INDENT = "\n    "


@dataclass(frozen=True)
class YumRepositoryState:
    content: bytes
    key: str | None = None
    """Whose keys the file beside it holds."""


@resource("yum_repository")
@dataclass(frozen=True)
class YumRepository(Resource[YumRepositoryState]):
    """Keep a repository that dnf, yum or zypper get packages from, in /etc/yum.repos.d (or /etc/zypp/repos.d).

    name           its id, and the name of its file
    description    for people; else the name
    baseurl        its URL, or several
    mirrorlist     the URL of a list of mirrors, in place of baseurl
    metalink       the URL of a metalink, in place of baseurl
    gpgcheck       True: packages must be signed
    repo_gpgcheck  True: the lists must be signed
    gpgkey         what signs it: a URL, the key as text (-----BEGIN PGP …), or a file of the cookbook. What is no URL,
                   or comes with `fingerprint`, is kept in /etc/pki/rpm-gpg and made known to rpm
    fingerprint    that of the key, or a list of those of all keys in it; then no other key is accepted
    enabled        whether packages come from it
    priority       1 (first) to 99 (last)
    exclude        packages that do not come from it, patterns allowed
    module_hotfixes  True: its packages come before those of modules
    proxy          the URL of a proxy, or "none"
    sslverify      False accepts any certificate
    options        more settings, e.g. {"metadata_expire": "6h"}
    allow_insecure  the key may come over http and from hosts that are not on the public internet
    present        False removes it, and its key

    Its lists, and no others, are fetched when it changed. If that fails, all is put back as it was. The file is for
    root alone when a URL, the proxy or an option is a Secret. rpm goes on believing a key that it was told of.

        yum_repository("nginx", baseurl="https://nginx.org/packages/rhel/$releasever/$basearch/",
                       gpgkey="https://nginx.org/keys/nginx_signing.key", priority=10)
    """

    name: str
    _: KW_ONLY
    description: str | None = None
    baseurl: str | Sequence[str] = ()
    mirrorlist: str | None = None
    metalink: str | None = None
    gpgcheck: bool = True
    repo_gpgcheck: bool | None = None
    gpgkey: str | None = None
    fingerprint: str | Sequence[str] | None = None
    enabled: bool = True
    priority: int | None = None
    exclude: Sequence[str] = ()
    module_hotfixes: bool | None = None
    proxy: str | None = None
    sslverify: bool | None = None
    options: Mapping[str, str] | None = None
    allow_insecure: bool = False
    present: bool = True

    def __post_init__(self) -> None:
        word = self.word
        check_words(f"{word} name", [self.name], _NAME, "nginx")
        check_words(f"{word} exclude", self.exclude, _PATTERN, "kernel*")
        check_addresses(f"{word} baseurl", listed(self.baseurl))
        for name in ("mirrorlist", "metalink"):
            check_addresses(f"{word} {name}", listed(getattr(self, name) or ()))
        if self.proxy not in (None, "none"):
            check_addresses(f"{word} proxy", listed(self.proxy or ()))
        for name, value in {"description": self.description or "", **(self.options or {})}.items():
            if not _OPTION.fullmatch(str(name)) or not isinstance(value, str) or not value.isprintable():
                raise BadProperty(f"{word} {name!r} must be a setting with a value of one line")
        if self.priority is not None and not 1 <= self.priority <= 99:
            raise BadProperty(f"{word} priority must be 1 (first) to 99 (last), got {self.priority}")
        if self.fingerprint is not None and self.gpgkey is None:
            raise BadProperty(f"{word} fingerprint goes with gpgkey")
        if self.present and sum(map(bool, (self.baseurl, self.mirrorlist, self.metalink))) != 1:
            raise BadProperty(f"{word} needs one of baseurl, mirrorlist and metalink")
        if self.present and self._key is None and self.gpgkey is not None:
            check_addresses(f"{word} gpgkey", [self.gpgkey])
            if not self.gpgkey.startswith(("https:", "file:")) and not self.allow_insecure:
                raise BadProperty(f"{word} gpgkey must be https or come with fingerprint, got {self.gpgkey!r}")

    def desired(self) -> YumRepositoryState | None:
        if not self.present:
            return None
        key = self._key.wanted(self.word, self.source_line) if self._key is not None else None
        return YumRepositoryState(self._content().encode(), key)

    def current(self, host: Host) -> YumRepositoryState | None:
        content = host.read(self._file(host))
        if content is None and not (not self.present and host.entry(self._key_file) is not None):
            return None
        key = self._key.found(host.read(self._key_file)) if self.present and self._key is not None else None
        return YumRepositoryState(content or b"", key)

    def apply(self, host: Host, change: Change[YumRepositoryState]) -> None:
        files = [self._file(host), self._key_file]
        if change.want is None:
            for path in files:
                if host.entry(path) is not None:
                    host.remove(path)
            return
        manager = repositories_of(host)
        with put_back(host, files):
            if self._key is not None and "key" in change:
                put(host, self._key_file, armored(self._key.fetched(self.source_line)))
                host.run(["rpm", "--import", self._key_file])
            if "content" in change:
                put(host, files[0], change.want.content, secret=self._is_secret)
            if self.enabled:
                manager.update_repository(self.name)

    def _content(self) -> str:
        fields: dict[str, object] = {
            "name": self.description or self.name,
            "baseurl": _INDENT.join(listed(self.baseurl)),
            "mirrorlist": self.mirrorlist,
            "metalink": self.metalink,
            "enabled": self.enabled,
            "gpgcheck": self.gpgcheck,
            "repo_gpgcheck": self.repo_gpgcheck,
            "gpgkey": f"file://{self._key_file}" if self._key is not None else self.gpgkey,
            "priority": self.priority,
            "exclude": " ".join(self.exclude),
            "module_hotfixes": self.module_hotfixes,
            "proxy": self.proxy,
            "sslverify": self.sslverify,
            **(self.options or {}),
        }
        lines = [f"{name}={_written(value)}" for name, value in fields.items() if value not in (None, "")]
        return "\n".join([f"{_HEAD}[{self.name}]", *lines, ""])

    @property
    def _is_secret(self) -> bool:
        """Whether a password goes into the file."""
        return any(map(holds_secret, (self.baseurl, self.mirrorlist, self.metalink, self.proxy, self.options)))

    @property
    def _key(self) -> Key | None:
        """The key that is kept here; None when the package manager itself fetches it."""
        if self.gpgkey is None or (("://" in self.gpgkey and "-----" not in self.gpgkey) and self.fingerprint is None):
            return None
        return Key.of(self.word, self.gpgkey, self.fingerprint, self.allow_insecure)

    def _file(self, host: Host) -> str:
        folder = "/etc/zypp/repos.d" if family_of(host) == "suse" else "/etc/yum.repos.d"
        return f"{folder}/{self.name}.repo"

    @property
    def _key_file(self) -> str:
        return f"/etc/pki/rpm-gpg/RPM-GPG-KEY-{self.name}"


def _written(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


yum_repository = recipe_word(YumRepository)
