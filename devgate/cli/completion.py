"""`devgate completion SHELL`: what a shell has to know to complete devgate's words. Click's own, printed."""

from __future__ import annotations

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash: eval "$(devgate completion bash)"     in ~/.bashrc
    zsh:  eval "$(devgate completion zsh)"      in ~/.zshrc
    fish: devgate completion fish | source      in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    from devgate.cli.verbs import cli

    kind = get_completion_class(shell)
    assert kind is not None, "one of click's own"
    print(kind(cli, {}, "devgate", "_DEVGATE_COMPLETE").source())
