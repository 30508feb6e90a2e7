"""ufw, Ubuntu's firewall: its rules that bear our comment are ours, in their order; those of others stay."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from toque.core import Host
from toque.platforms.firewall.rule import Rule, parsed

_MARK = "toque: "
_FILES = ("/etc/ufw/user.rules", "/etc/ufw/user6.rules", "/etc/default/ufw", "/etc/ufw/ufw.conf")
_VERBS = {"accept": "allow", "drop": "deny", "reject": "reject"}
_DEFAULTS = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject"}


class Ufw:
    def __init__(self, host: Host) -> None:
        self._host = host

    def state(self) -> tuple[str, tuple[str, ...]] | None:
        if not self._is_enabled():
            return None
        return self._default(), self._ours()

    def has_ours(self) -> bool:
        return bool(self._ours())

    def listed(self, rules: Sequence[Rule]) -> tuple[str, ...]:
        """ufw keeps one list for IPv4 and one for IPv6."""
        return tuple(str(rule) for family in (4, 6) for rule in rules if (rule.family == 6) == (family == 6))

    def put(self, default: str, rules: Sequence[Rule]) -> Callable[[], None]:
        was_enabled = self._is_enabled()
        old = {path: self._host.read(path) for path in _FILES}

        def undo() -> None:
            for path, content in old.items():
                if content is not None:
                    self._host.write(path, content)
            self._ufw("reload" if was_enabled else "disable")

        try:
            self._delete_ours()
            for rule in rules:
                self._ufw(*_words(rule), "comment", f"{_MARK}{rule}")
            if self._default() != default:
                self._ufw("default", _VERBS[default], "incoming")
            if not was_enabled:
                self._ufw("--force", "enable")
        except BaseException:
            undo()
            raise
        return undo

    def saved(self, default: str, rules: Sequence[Rule]) -> bool:
        return True  # what ufw is told it also writes down

    def save(self, default: str, rules: Sequence[Rule]) -> None:
        """ufw has done so."""

    def remove(self) -> None:
        self._delete_ours()
        if self._is_enabled() and not any("### tuple ###" in self._text(path) for path in _FILES[:2]):
            self._ufw("disable")

    def _delete_ours(self) -> None:
        for text in self._ours():
            self._ufw("delete", *_words(parsed(text)))

    def _ours(self) -> tuple[str, ...]:
        """The texts of our rules, of which ufw keeps the comment in hexadecimal digits."""
        found: dict[str, None] = {}
        for path in _FILES[:2]:
            for digits in re.findall(r"^### tuple ### .* comment=([0-9a-f]+)$", self._text(path), re.MULTILINE):
                comment = bytes.fromhex(digits).decode(errors="replace")
                if comment.startswith(_MARK):
                    found[comment.removeprefix(_MARK)] = None
        return tuple(found)

    def _default(self) -> str:
        found = re.search(r'^DEFAULT_INPUT_POLICY="?(\w+)"?', self._text("/etc/default/ufw"), re.MULTILINE)
        return _DEFAULTS.get(found[1] if found else "DROP", "drop")

    def _is_enabled(self) -> bool:
        return re.search(r"^ENABLED=yes$", self._text("/etc/ufw/ufw.conf"), re.MULTILINE) is not None

    def _text(self, path: str) -> str:
        return (self._host.read(path) or b"").decode(errors="replace")

    def _ufw(self, *words: str) -> None:
        self._host.run(["ufw", *words])


def _words(rule: Rule) -> list[str]:
    words = [_VERBS[rule.action], *(["proto", rule.proto] if rule.proto else []), "from", rule.source or "any"]
    return words + (["to", "any", "port", ",".join(rule.ports).replace("-", ":")] if rule.ports else [])
