"""TQ1xx: programs that recipes run."""

from __future__ import annotations

import ast
import re

from toque.cookbook.lint.linter import Found, rule
from toque.cookbook.lint.subject import Cookbook, PythonFile, is_put_together, text_of

_CHECKS = ("creates", "removes", "unless", "changed_when", "only_if", "not_if", "when_told")
_SECRET = re.compile(r"(?i)passw|secret|token|api_?key|private_?key|credential")

INSTEAD = {
    **dict.fromkeys(("apt-get", "apt", "dpkg", "dnf", "yum", "rpm", "zypper", "pacman", "apk"), "package"),
    **dict.fromkeys(("systemctl", "service", "initctl", "rc-service", "update-rc.d", "chkconfig"), "service"),
    **dict.fromkeys(("useradd", "usermod", "userdel", "adduser", "deluser", "passwd", "chpasswd"), "user"),
    **dict.fromkeys(("groupadd", "groupmod", "groupdel", "addgroup", "gpasswd"), "group"),
    **dict.fromkeys(("mkdir", "install", "rmdir"), "directory"),
    **dict.fromkeys(("chmod", "chown", "chgrp", "cp", "touch", "rm", "tee"), "file"),
    **dict.fromkeys(("curl", "wget"), "remote_file"),
    **dict.fromkeys(("tar", "unzip"), "archive"),
    **dict.fromkeys(("pip", "pip3"), "pip_package"),
    "ln": "link",
    "sed": "line",
    "git": "git",
    "npm": "npm_package",
    "gem": "gem_package",
    "crontab": "cron",
    "hostnamectl": "hostname",
    "hostname": "hostname",
    "timedatectl": "timezone",
    "sysctl": "sysctl",
    "mount": "mount",
    "umount": "mount",
    "swapon": "swap",
    "modprobe": "kernel_module",
    "reboot": "reboot",
    "shutdown": "reboot",
}
"""What a recipe has a word for."""


@rule(
    "TQ101",
    "run-each-time",
    "say creates=, removes=, unless= or changed_when=; or when_told=True where another resource calls it",
)
def run_each_time(file: PythonFile, cookbook: Cookbook) -> Found:
    """Without a check it runs in every run and counts as a change, so real changes drown."""
    for said in file.calls_of("execute", "script", "block_of_python"):
        if not said.has(*_CHECKS):
            yield (
                said.call.lineno,
                said.call.col_offset,
                f"{said.word} runs each time: it does not say when it is done",
                None,
            )
    for said in file.calls_of("http_request"):
        if text_of(said.given("method")) not in (None, "GET", "HEAD") and not said.has(*_CHECKS):
            yield (
                said.call.lineno,
                said.call.col_offset,
                "http_request is sent each time: it does not say when it is done",
                None,
            )


@rule(
    "TQ102",
    "shell-from-parts",
    'give the values as args= of script, or as environment=, and name them in the text as "$1" or "$NAME"',
)
def shell_from_parts(file: PythonFile, cookbook: Cookbook) -> Found:
    """A value that is put into shell text becomes shell text: a blank or a semicolon in it is enough."""
    for said in file.calls_of("execute", "script"):
        code = said.first if said.word == "execute" and said.has("shell") else said.given("code")
        if is_put_together(code):
            yield (
                said.call.lineno,
                said.call.col_offset,
                f"the shell text of this {said.word} is put together from parts",
                None,
            )
        argv = said.argv
        shell = (
            len(argv) > 2
            and text_of(argv[0]) in ("sh", "bash", "/bin/sh", "/bin/bash")
            and text_of(argv[1]) in ("-c", "-ec")
        )
        if shell and is_put_together(argv[2]):
            yield argv[2].lineno, argv[2].col_offset, "the shell text of this execute is put together from parts", None


@rule("TQ103", "there-is-a-word", "use the word: it looks first, shows a diff, and does nothing twice")
def there_is_a_word(file: PythonFile, cookbook: Cookbook) -> Found:
    """A program that changes what a word of the language keeps has neither dry run nor diff."""
    for said in file.calls_of("execute"):
        argv = said.argv
        program = (text_of(argv[0]) or "").rpartition("/")[2] if argv else ""
        if program in INSTEAD and not said.has("when_told"):
            yield (
                said.call.lineno,
                said.call.col_offset,
                f"execute runs {program}, and there is the word {INSTEAD[program]}",
                None,
            )


@rule(
    "TQ104", "secret-in-a-command-line", "hand it over as environment= or input=, or write it to a file with mode 0600"
)
def secret_in_a_command_line(file: PythonFile, cookbook: Cookbook) -> Found:
    """Everybody on the machine can read the arguments of a program in `ps`."""
    for said in file.calls_of("execute"):
        for argument in said.argv[1:]:
            if isinstance(argument, ast.Constant):
                continue
            named = [node for node in ast.walk(argument) if _SECRET.search(_name_of(node))]
            if named:
                yield argument.lineno, argument.col_offset, f"{_name_of(named[0])} stands in a command line", None


@rule("TQ105", "unconditional-restart", "service(NAME, restart_on=[…]) restarts when what it reads has changed")
def unconditional_restart(file: PythonFile, cookbook: Cookbook) -> Found:
    """A restart in each run takes the service away each time, for nothing."""
    for node in file.tree.body:
        called = node.value if isinstance(node, ast.Expr) else None
        if isinstance(called, ast.Call) and isinstance(called.func, ast.Attribute) and not called.args:
            verb = called.func.attr
            if verb in ("restart", "reload") and isinstance(called.func.value, ast.Name | ast.Call):
                yield node.lineno, node.col_offset, f"this {verb}s in every run, whether anything changed or not", None


@rule(
    "TQ106",
    "sleep",
    "wait_for(port=…), (url=…), (path=…) or (until=…) goes on as soon as it is there, and says what it lacks",
)
def sleep(file: PythonFile, cookbook: Cookbook) -> Found:
    """A pause is too long on a fast machine and too short on a slow one."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep"):
            yield node.lineno, node.col_offset, "a recipe sleeps", None


@rule("TQ107", "ignored-without-why", "say why=: one sentence, which the report shows beside the failure")
def ignored_without_why(file: PythonFile, cookbook: Cookbook) -> Found:
    """Who reads the report must know why a failure does not count."""
    for said in file.said:
        value = said.given("ignore_failure")
        if value is not None and not (isinstance(value, ast.Constant) and value.value is False) and not said.has("why"):
            yield (
                said.call.lineno,
                said.call.col_offset,
                f"failures of this {said.word} are ignored, and nobody says why",
                None,
            )


def _name_of(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
    return ""
