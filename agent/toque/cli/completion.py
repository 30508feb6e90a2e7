"""`toque completion SHELL`: the lines that teach a shell to complete commands, operations and options."""

from __future__ import annotations

import click


@click.command("completion", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what teaches a shell to complete `toque`.

    \b
    bash  eval "$(toque completion bash)"      in ~/.bashrc (bash 4.4 or newer)
    zsh   eval "$(toque completion zsh)"       in ~/.zshrc, after compinit
    fish  toque completion fish | source       in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    from toque.cli.group import toque

    kind = get_completion_class(shell)
    assert kind is not None
    # Not source(): bash's asks the bash of this machine for its version, and the lines may be meant for another.
    made = kind(toque, {}, "toque", "_TOQUE_COMPLETE")
    click.echo(made.source_template % made.source_vars())
