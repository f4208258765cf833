"""A strategy's settings: read off its signature, and written in one line, `name:setting=value:setting=value`.

The colon is the one that model names use (`huggingface:<folder>`). Unlike `?` and `&` it means nothing to a shell, and
unlike a comma it leaves lists of strategies alone.
"""

import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from alcore.acquisition import ACQUISITIONS
from alcore.errors import InvalidInput

Kind = Literal["int", "float", "bool", "str", "choice"]
Value = int | float | bool | str | None
COMMON_ARGUMENTS = ("pool", "batch_size", "rng", "max_per_group", "progress")
"""What all strategies are given; every other argument is a setting."""
NONE = "none"
"""How None is written: what an optional setting is where the strategy decides by itself."""

_SAID_ONCE = {
    "acquisition": "The acquisition function that it ranks by",
    "n_reference": "Of more unlabeled items, so many are drawn at random to stand for all",
}
_ALLOWED = {"int": "a whole number", "float": "a finite number", "bool": "true or false", "str": "a text without colon"}
_CLAUSE = re.compile(r"(?<!et al\.)(?<=[.;])\s+")
_HEADING = re.compile(r"^(Settings: |Departures?: |Source: .*?: )")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One keyword-only argument of a strategy."""

    name: str
    kind: Kind
    default: Value
    is_optional: bool
    """Whether None is allowed."""
    choices: tuple[str, ...]
    """What a choice can be; empty for the other kinds."""
    about: str
    """What the strategy's docstring says of it: its first clause that names it."""

    @property
    def allowed(self) -> str:
        """What it can be, in words."""
        words = f"one of {', '.join(self.choices)}" if self.kind == "choice" else _ALLOWED[self.kind]
        return f"{words}, or {NONE}" if self.is_optional else words


def settings_of(function: Callable[..., Any]) -> dict[str, Setting]:
    """Describe the settings of a strategy, by name, in the order of its signature.

    Raises:
        InvalidInput: a setting has a type that cannot be written in a line.
    """
    doc = " ".join((inspect.getdoc(function) or "").split())
    return {
        name: _setting(parameter, doc)
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in COMMON_ARGUMENTS
    }


def split_spec(spec: str) -> tuple[str, dict[str, str]]:
    """Split `name:setting=value:…` into the name and the settings as they were written.

    Raises:
        InvalidInput: a part is not `setting=value`, or a setting stands there twice.
    """
    name, *parts = (part.strip() for part in spec.split(":"))
    written: dict[str, str] = {}
    for part in parts:
        key, equals, value = (word.strip() for word in part.partition("="))
        if not (key and equals and value):
            raise InvalidInput(f"strategy {spec!r}: {part!r} is not `setting=value`; write name:setting=value:…")
        if key in written:
            raise InvalidInput(f"strategy {spec!r} has setting {key!r} twice; leave one out")
        written[key] = value
    return name, written


def read_settings(name: str, known: Mapping[str, Setting], written: Mapping[str, str]) -> dict[str, Value]:
    """Turn written settings into values.

    Args:
        name: of the strategy, for messages.
        known: its settings.
        written: texts by setting.

    Raises:
        InvalidInput: a setting is unknown, or its text is not of its kind.
    """
    check_known(name, known, written)
    return {key: _read(name, known[key], text) for key, text in written.items()}


def check_known(name: str, known: Mapping[str, Setting], keys: Iterable[str]) -> None:
    """Refuse settings that a strategy does not have."""
    for key in keys:
        if key not in known:
            raise InvalidInput(f"strategy {name!r} has no setting {key!r}; it has: {', '.join(known) or 'none'}")


def check_choice(name: str, setting: Setting, value: object) -> None:
    """Refuse a choice that a setting does not offer."""
    if setting.kind == "choice" and value not in setting.choices and not (value is None and setting.is_optional):
        raise _refused(name, setting, value)


def write_spec(name: str, known: Mapping[str, Setting], values: Mapping[str, Value]) -> str:
    """Write a strategy with its settings in one line, the same line for the same choice.

    Settings stand in the order of the signature, and those that are as they would be anyway are left out.
    """
    changed = [f"{key}={written(values[key])}" for key in known if key in values and values[key] != known[key].default]
    return ":".join([name, *changed])


def _setting(parameter: inspect.Parameter, doc: str) -> Setting:
    """Describe one setting."""
    options = [kind for kind in get_args(parameter.annotation) or [parameter.annotation] if kind is not NoneType]
    choices: tuple[str, ...] = ()
    if get_origin(parameter.annotation) is Literal:
        choices = tuple(get_args(parameter.annotation))
    elif parameter.name == "acquisition":
        choices = tuple(sorted(ACQUISITIONS))
    elif options not in ([int], [float], [bool], [str]):
        raise InvalidInput(f"setting {parameter.name!r} is {parameter.annotation}; only int, float, bool, str, Literal")
    return Setting(
        name=parameter.name,
        kind="choice" if choices else options[0].__name__,
        default=parameter.default,
        is_optional=NoneType in get_args(parameter.annotation),
        choices=choices,
        about=_about(parameter.name, doc),
    )


def _about(name: str, doc: str) -> str:
    """Quote the first clause of a docstring that names a setting."""
    clauses = [clause for clause in _CLAUSE.split(doc) if f"`{name}`" in clause]
    if not clauses:
        return _SAID_ONCE.get(name, "")
    text = _HEADING.sub("", clauses[0]).rstrip(".;")
    return text[:1].upper() + text[1:]


def _read(name: str, setting: Setting, text: str) -> Value:
    """Read one value."""
    if setting.is_optional and text.lower() == NONE:
        return None
    if setting.kind == "choice":
        check_choice(name, setting, text)
        return text
    if setting.kind == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        if setting.kind == "int":
            return int(text)
        if setting.kind == "float" and math.isfinite(float(text)):
            return float(text)
    except ValueError:
        pass
    if setting.kind == "str":
        return text
    raise _refused(name, setting, text)


def _refused(name: str, setting: Setting, value: object) -> InvalidInput:
    """Say what came and what is allowed."""
    return InvalidInput(f"setting {setting.name!r} of strategy {name!r} must be {setting.allowed}; got {value!r}")


def written(value: Value) -> str:
    """Write one value as a spec holds it."""
    if value is None:
        return NONE
    return str(value).lower() if isinstance(value, bool) else str(value)
