"""TQ2xx: files, modes, downloads."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from toque.cookbook.lint.finding import Edit
from toque.cookbook.lint.linter import Found, rule
from toque.cookbook.lint.subject import Cookbook, PythonFile, Said, text_of

_MODES = ("mode", "dir_mode", "file_mode", "directory_mode", "umask")
_FILES = ("file", "template", "remote_file", "env_file", "line", "block", "tree", "directory")
_PAST_RESOURCES = {
    "subprocess": "execute or script",
    "requests": "http_request or remote_file",
    "urllib.request": "http_request or remote_file",
    "urllib3": "http_request or remote_file",
    "shutil": "file, directory, tree or archive",
    "socket": "wait_for",
}
_WRITING = {"write_text", "write_bytes", "unlink", "mkdir", "rmdir", "chmod", "symlink_to", "rename", "touch"}
_OS = {
    "system",
    "popen",
    "remove",
    "unlink",
    "mkdir",
    "makedirs",
    "chmod",
    "chown",
    "rename",
    "symlink",
    "link",
    "rmdir",
}


def _modes(file: PythonFile) -> Iterator[tuple[Said, ast.expr]]:
    for said in file.said:
        for name in _MODES:
            if (value := said.given(name)) is not None:
                yield said, value


@rule("TQ201", "mode-is-a-number", 'write it as text with four octal digits: mode="0644"')
def mode_is_a_number(file: PythonFile, cookbook: Cookbook) -> Found:
    """mode=644 is not 0644; as text there is nothing to mistake."""
    for _, value in _modes(file):
        if isinstance(value, ast.Constant) and type(value.value) is int:
            written = ast.get_source_segment(file.text, value) or ""
            digits = f"{value.value:04o}" if written.startswith("0o") else written.zfill(4)
            safe = re.fullmatch(r"[0-7]{4}", digits) is not None
            edit = Edit(value.lineno, value.col_offset, value.lineno, value.col_offset + len(written), f'"{digits}"')
            yield value.lineno, value.col_offset, f"a mode is text, and {written} is a number", edit if safe else None


@rule("TQ202", "mode-of-three-digits", 'write all four digits: mode="0644"')
def mode_of_three_digits(file: PythonFile, cookbook: Cookbook) -> Found:
    """With four digits one sees that no set-id bit is meant."""
    for said, value in _modes(file):
        text = text_of(value)
        if text is not None and re.fullmatch(r"[0-7]{3}", text) and said.word != "umask":
            column = value.col_offset
            edit = Edit(value.lineno, column, value.lineno, column + len(text) + 2, f'"0{text}"')
            yield value.lineno, column, f"mode {text} has three digits", edit


@rule("TQ203", "writable-by-everybody", "take the write bit of the others away, or say why= it must be so")
def writable_by_everybody(file: PythonFile, cookbook: Cookbook) -> Found:
    """What everybody may write, everybody may replace."""
    for said, value in _modes(file):
        text = text_of(value) or ""
        if not re.fullmatch(r"[0-7]{3,4}", text) or said.has("why"):
            continue
        is_sticky = len(text) == 4 and int(text[0]) & 1
        if int(text[-1]) & 2 and not is_sticky:
            yield value.lineno, value.col_offset, f"mode {text} lets everybody write", None


@rule("TQ204", "secret-for-everybody", 'give it mode="0600" (or "0640" with a group)')
def secret_for_everybody(file: PythonFile, cookbook: Cookbook) -> Found:
    """A file with a secret in it is for its owner."""
    for said in file.calls_of("file", "env_file"):
        content, mode = said.given("content"), text_of(said.given("mode")) or ""
        if isinstance(content, ast.Call) and ast.unparse(content.func) == "Secret" and mode[-1:] in set("4567"):
            yield said.call.lineno, said.call.col_offset, f"a Secret is written with mode {mode}", None


@rule("TQ205", "download-without-checksum", 'add sha256="…": it proves what arrives')
def download_without_checksum(file: PythonFile, cookbook: Cookbook) -> Found:
    """Over plain http anybody on the way may change what is downloaded, and run as root."""
    for said in file.calls_of("remote_file", "archive"):
        for name in ("url", "source"):
            given = said.given(name)
            urls = given.elts if isinstance(given, ast.List | ast.Tuple) else [given]
            plain = [text for each in urls if (text := text_of(each)) is not None and text.startswith("http://")]
            if plain and not said.has("sha256"):
                yield said.call.lineno, said.call.col_offset, f"{plain[0]} is fetched without a checksum", None


@rule("TQ206", "past-the-resources", "use the word, or block_of_python(NAME, function) where there is none")
def past_the_resources(file: PythonFile, cookbook: Cookbook) -> Found:
    """Plain Python that changes the machine does so in a plan too, shows no diff, and does it each time."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
            for name in names:
                if name in _PAST_RESOURCES:
                    yield (
                        node.lineno,
                        node.col_offset,
                        f"{name} works past the resources: use {_PAST_RESOURCES[name]}",
                        None,
                    )
    if not file.is_recipe:
        return
    for node in _at_top(file.tree):
        if isinstance(node, ast.Call) and (what := _writes(node)):
            yield node.lineno, node.col_offset, f"{what} changes the machine past the resources", None


def _at_top(tree: ast.Module) -> Iterator[ast.AST]:
    """What runs when the recipe runs: not the bodies of its functions, and not what is handed to a word."""
    todo: list[ast.AST] = list(tree.body)
    while todo:
        node = todo.pop(0)
        if isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            continue
        yield node
        todo += ast.iter_child_nodes(node)


def _writes(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id="open"):
            mode = (
                call.args[1] if len(call.args) > 1 else next((k.value for k in call.keywords if k.arg == "mode"), None)
            )
            return "open() for writing" if set(text_of(mode) or "r") & set("wax+") else ""
        case ast.Attribute(attr=verb, value=ast.Name(id="os")) if verb in _OS:
            return f"os.{verb}()"
        case ast.Attribute(attr=verb, value=ast.Call(func=ast.Name(id="Path"))) if verb in _WRITING:
            return f"Path.{verb}()"
    return ""


@rule("TQ207", "sudoers-by-hand", 'use the word sudo, or verify="sudoers"')
def sudoers_by_hand(file: PythonFile, cookbook: Cookbook) -> Found:
    """A sudoers file with a mistake in it locks everybody out of sudo."""
    for said in file.calls_of("file", "template", "line", "block"):
        path = text_of(said.first) or ""
        if path.startswith("/etc/sudoers") and not said.has("verify"):
            yield said.call.lineno, said.call.col_offset, f"{path} is written without being verified", None


@rule("TQ208", "relative-path", "begin it with /")
def relative_path(file: PythonFile, cookbook: Cookbook) -> Found:
    """A recipe has no folder of its own on the machine."""
    for said in file.calls_of(*_FILES, "link"):
        path = text_of(said.first)
        if path is not None and not path.startswith("/"):
            yield said.call.lineno, said.call.col_offset, f"{said.word} {path!r} is no absolute path", None
