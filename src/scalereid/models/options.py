"""Options of a backbone: words like `depth=2` to the keyword arguments of its constructor."""

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature

Option = bool | int | float | str
_OWN_SETTINGS = ("width", "genotype")  # of a model, which therefore no option sets
_BY_NAME = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def parse_options(words: Sequence[str]) -> dict[str, Option]:
    """The options that words name: whole numbers, other numbers, true and false as such, the rest as text.

    Raises:
        ValueError: A word is not NAME=VALUE, or names an option twice, or one that is a setting by itself.
    """
    options: dict[str, Option] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name.isidentifier() or not equals:
            raise ValueError(f"model.options has {word!r}; write NAME=VALUE, such as depth=2")
        if name in _OWN_SETTINGS:
            raise ValueError(f"model.options has {word!r}; set model.{name} instead")
        if name in options:
            raise ValueError(f"model.options has {name} twice; keep one of them")
        options[name] = _value(value)
    return options


def check_options(backbone: str, make: Callable[..., object], options: Mapping[str, object]) -> None:
    """Check that a backbone's constructor takes these options, and needs no others.

    Raises:
        ValueError: It does not; the message names those that it takes. Or one that is true or false is given as a text, which
            would count as true, whatever it says.
    """
    parameters = signature(make).parameters
    named = {name: parameter for name, parameter in parameters.items() if parameter.kind in _BY_NAME}
    takes_any = any(parameter.kind == Parameter.VAR_KEYWORD for parameter in parameters.values())
    own = ", ".join(name for name in named if name not in _OWN_SETTINGS) or "no option"
    if unknown := [name for name in options if name not in named and not takes_any]:
        raise ValueError(f"{backbone} does not take {', '.join(unknown)}; it takes {own}. Change model.options")
    if missing := [name for name, p in named.items() if p.default is Parameter.empty and name not in options]:
        raise ValueError(f"{backbone} needs {', '.join(missing)}; set model.options, such as {missing[0]}=2")
    for name, value in options.items():
        if isinstance(value, str) and name in named and isinstance(named[name].default, bool):
            raise ValueError(
                f"model.options has {name}={value}, which is true or false; write {name}=true or {name}=false"
            )


def _value(word: str) -> Option:
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    for number in (int, float):
        try:
            return number(word)
        except ValueError:
            continue
    return word
