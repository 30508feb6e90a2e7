"""Public keys of SSH as the files of OpenSSH hold them: `[options] type base64 [comment]`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from toque.core.errors import BadProperty

_TYPE = r"[a-z][a-z0-9-]*(?:@[a-z0-9.-]+)?"
_OPTION = r'[A-Za-z][A-Za-z0-9-]*(?:="(?:[^"\\]|\\.)*")?'
_LINE = re.compile(
    rf"(?:(?P<options>{_OPTION}(?:,{_OPTION})*) +)?"
    rf"(?P<type>{_TYPE}) +(?P<blob>AAAA[A-Za-z0-9+/]+=*)(?: +(?P<comment>.*))?"
)
_BLOB = re.compile(rf"(?:^|[ \t]){_TYPE}[ \t]+(AAAA[A-Za-z0-9+/]+=*)")
_ONE_OPTION = re.compile(_OPTION)


@dataclass(frozen=True)
class PublicKey:
    options: str
    type: str
    blob: str
    comment: str

    @property
    def line(self) -> str:
        """As it stands in a file, with single blanks."""
        return " ".join(part for part in (self.options, self.type, self.blob, self.comment) if part)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.blob)


def parse(word: str, text: str) -> PublicKey:
    """A line of a `.pub` file or of authorized_keys; raises BadProperty for anything that sshd would not take."""
    text = text.strip()
    found = _LINE.fullmatch(text)
    if found is None or re.search(r"[\x00-\x1f\x7f]", text):
        kind = "a private key" if "PRIVATE KEY" in text else repr(text if len(text) <= 60 else f"{text[:57]}…")
        raise BadProperty(
            f'{word} must be one line such as "ssh-ed25519 AAAA… name@host" (a .pub file has it), got {kind}'
        )
    key = PublicKey(found["options"] or "", found["type"], found["blob"], (found["comment"] or "").strip())
    if _type_in(key.blob) != key.type:
        raise BadProperty(
            f"{word} is damaged: the part after {key.type} is not a key of that type; copy it again, whole"
        )
    return key


def check_option(word: str, text: str) -> None:
    if not _ONE_OPTION.fullmatch(text) or re.search(r"[\x00-\x1f\x7f]", text):
        raise BadProperty(f"""{word} must be as sshd(8) has them, e.g. "no-pty" or 'from="10.0.0.0/8"', got {text!r}""")


def blob_in(line: str) -> str | None:
    """The key in a line of a file, whatever stands before and after it; None for a comment or an empty line."""
    found = None if line.lstrip().startswith("#") else _BLOB.search(line)
    return found[1] if found else None


def fingerprint(blob: str) -> str:
    """`SHA256:…`, as `ssh-keygen -l` shows it."""
    digest = hashlib.sha256(base64.b64decode(blob)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _type_in(blob: str) -> str:
    """What the key says of itself, in its first field; empty when its fields do not fill it exactly."""
    try:
        data = base64.b64decode(blob, validate=True)
    except binascii.Error:
        return ""
    fields: list[bytes] = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        fields.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return fields[0].decode(errors="replace") if at == len(data) and len(fields) > 1 else ""
