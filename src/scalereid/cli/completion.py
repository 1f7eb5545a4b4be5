"""scalereid completion: the script with which bash and zsh complete commands."""

from collections.abc import Iterable

from scalereid.cli.commands import COMMANDS
from scalereid.cli.flags import flags
from scalereid.cli.listing import costs
from scalereid.cli.parsing import load
from scalereid.data import DATASETS
from scalereid.recipes import RECIPES

_SCRIPT = """\
# Completes scalereid in bash and zsh; written by `scalereid completion`.
[ -n "$ZSH_VERSION" ] && autoload -U +X bashcompinit && bashcompinit
_scalereid() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" command="${{COMP_WORDS[1]}}" words=""
    case "$command" in {groups}) [ "$COMP_CWORD" -gt 2 ] && command="$command ${{COMP_WORDS[2]}}" ;; esac
    case "$COMP_CWORD $command" in
        "1 "*) words="{commands}" ;;
{first}
    esac
    case "$command $before" in
{choices}
    esac
    [[ "$word" == -* ]] && case "$command" in
{flags}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _scalereid scalereid
"""


def completion() -> None:
    """Print the script that completes commands, options, recipes, datasets and
    backbones in bash and zsh. For this shell:  source <(scalereid completion)"""
    print(script(), end="")


def script() -> str:
    """The script. It holds all that it offers, so that a press of the Tab key starts no Python."""
    names: dict[str, Iterable[str]] = {name: DATASETS for name in ("dataset", "data.dataset")}
    names |= {f"evaluation.{name}": DATASETS for name in ("dataset", "also")}
    names |= {name: costs() for name in ("model.backbone", "mutual.backbone")}
    groups: dict[str, list[str]] = {}
    first, choices, offered = [], [], []
    for name, command in COMMANDS.items():
        group, _, second = name.partition(" ")
        if second:
            groups.setdefault(group, []).append(second)
        if command.resume:
            first.append(f'        "2 {name}") words="{" ".join(RECIPES)}" ;;')
        own = [flag for function in (command.function, command.resume) if function for flag in flags(load(function))]
        offered.append(f'        "{name}") words="{" ".join(dict.fromkeys(flag.name for flag in own))}" ;;')
        for flag in own:
            if values := flag.choices or names.get(flag.argument):
                choices.append(f'        "{name} {flag.name}") words="{" ".join(values)}" ;;')
    first += [f'        "2 {group}") words="{" ".join(commands)}" ;;' for group, commands in groups.items()]
    return _SCRIPT.format(
        groups="|".join(groups),
        commands=" ".join(dict.fromkeys(name.split()[0] for name in COMMANDS)),
        first="\n".join(first),
        choices="\n".join(choices),
        flags="\n".join(offered),
    )
