"""config_value: one value in a configuration file, by its key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from toque.core import BadProperty, Secret, ToqueError, recipe_word, resource
from toque.core.edits import Addition, one_line
from toque.platforms.config import ABSENT, CannotEdit

Format = Literal["ini", "json", "toml", "yaml", "env", "properties"]

_BY_SUFFIX: dict[str, Format] = {
    "cfg": "ini",
    "env": "env",
    "ini": "ini",
    "json": "json",
    "properties": "properties",
    "toml": "toml",
    "yaml": "yaml",
    "yml": "yaml",
}
_IN_LINES = ("ini", "env", "properties")


@resource("config_value")
@dataclass(frozen=True)
class ConfigValue(Addition):
    """Keep one value in a configuration file; all other keys are left as they are, comments and order as well.

    path       absolute
    key        in json, toml and yaml dots lead down ("server.port"); a list where a name has a dot itself
    value      text, a number, True or False, or a Secret; in json, toml and yaml also a list or a mapping
    section    the section of an ini file ("" is above the first); in json, toml and yaml the tables above the key
    format     "ini", "json", "toml", "yaml", "env" or "properties"; the suffix of the path tells it where it is one of
               .ini, .cfg, .json, .toml, .yaml, .yml, .env and .properties
    present    False takes the key out (in ini, env and properties each line of it)
    create     True makes the file when there is none (0644; 0600 for a Secret); without it a missing file is an error
    follow     True edits what a link at this path points to; without it a link is an error
    backup, verify, show_diff   as of `file`

    What already says the same is not touched, however it is written. Only JSON, which has no comments, is written anew
    (in its order and indentation). A value that cannot be changed in its place without touching another, such as a
    YAML anchor or an inline table of TOML, is refused: change what holds it, as a mapping.

        config_value("/etc/php/php.ini", "memory_limit", "256M", section="PHP", create=True)
        config_value("/etc/shop/config.yaml", "server.port", 8080, create=True)
    """

    key: str | Sequence[str]
    value: Any = None
    _: KW_ONLY
    section: str = ""
    format: Format | None = None
    present: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        kind = self._format
        if self.present and self.value is None:
            raise BadProperty("config_value needs value; to take the key out say present=False")
        if not self._keys or any(not isinstance(key, str) for key in self._keys) or "" in self._keys:
            raise BadProperty(f"config_value key must be a name, or names joined by dots, got {self.key!r}")
        if kind in _IN_LINES:
            if not isinstance(self.key, str) or not self.key:
                raise BadProperty(f"config_value key must be one name in a file of format {kind}, got {self.key!r}")
            for name, text in (("key", self.key), ("section", self.section)):
                one_line("config_value", name, text)
            if kind == "ini":
                self._check_ini()
            elif self.section:
                raise BadProperty(f"config_value section: files of format {kind} have none")
            if kind == "env" and not (self.key.isidentifier() and self.key.isascii()):
                raise BadProperty(f"config_value key must be a variable's name such as PORT, got {self.key!r}")
        if self.present:
            try:
                self._edited("")
            except CannotEdit as error:
                raise BadProperty(f"config_value value: {error}") from None
        if isinstance(self.value, Secret):
            _hide_as_written(self.value)

    def _check_ini(self) -> None:
        key, text = str(self.key), str(self.value)
        if key != key.strip() or any(sign in key for sign in "=:[]") or key[0] in "#;":
            raise BadProperty(f"config_value key must have no spaces around it and none of = : [ ] # ;, got {key!r}")
        if self.section != self.section.strip() or "]" in self.section:
            raise BadProperty(f"config_value section must have no spaces around it and no ], got {self.section!r}")
        if self.present:
            one_line("config_value", "value", text)
            if text != text.strip():
                raise BadProperty(f"config_value value: an ini file loses the spaces around {text!r}")

    def edited(self, text: str) -> str:
        try:
            return self._edited(text)
        except CannotEdit as error:
            raise ToqueError(f"{self.path}: {'.'.join(self._keys)}: {error}") from None

    def _edited(self, text: str) -> str:
        if "\r\n" in text and text.count("\r\n") == text.count("\n"):
            return self._edited(text.replace("\r\n", "\n")).replace("\n", "\r\n")
        value = self.value if self.present else ABSENT
        if self._format in _IN_LINES:
            from toque.platforms.config import in_lines

            keys = (self.section, str(self.key)) if self._format == "ini" else (str(self.key),)
            made: str = getattr(in_lines, self._format)(text, keys, value)
            return made
        from importlib import import_module

        return str(import_module(f"toque.platforms.config.in_{self._format}").edited(text, self._keys, value))

    def identity(self) -> str:
        return f"{self.path}: {'.'.join(self._keys)}"

    @property
    def _format(self) -> Format:
        if self.format is not None:
            return self.format
        found = _BY_SUFFIX.get(self.path.rpartition("/")[2].rpartition(".")[2].lower())
        if found is None:
            raise BadProperty(
                f"config_value format: the name of {self.path} does not tell it, say format= (ini, json, …)"
            )
        return found

    @property
    def _keys(self) -> tuple[str, ...]:
        """The names on the way to the value."""
        in_lines = self._format in _IN_LINES
        own, above = ([text] if in_lines else text.split(".") for text in (self._dotted, self.section))
        return (*(above if self.section else ()), *(own if isinstance(self.key, str) else self.key))

    @property
    def _dotted(self) -> str:
        return self.key if isinstance(self.key, str) else ""


def _hide_as_written(secret: Secret) -> None:
    """A secret may stand in the file with signs before some of its letters: that, too, is not to be shown."""
    import json

    Secret(json.dumps(secret.reveal(), ensure_ascii=False)[1:-1])
    Secret(secret.reveal().replace("'", "''"))


config_value = recipe_word(ConfigValue)
