"""The points of a sweep: axes with names, and what each of them means to a model and to an initial density."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .cases import Case
from .models.model import Model
from .outcomes import InvalidArgument, did_you_mean, real_array

INITIAL, MODEL = "initial.", "model."
"""What the name of an axis may begin with; without either it belongs to the model."""
MOST_POINTS = 10**9


@dataclass(frozen=True, eq=False)
class Axes:
    """Names with their values; a point is one value of each, numbered with the last axis running fastest."""

    values: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, axes: object) -> Axes:
        """Checked: at least one axis, every one a vector of finite and distinct numbers."""
        if not isinstance(axes, Mapping) or not axes:
            raise InvalidArgument(f'`axes` must map names to values, as in {{"b": [0.5, 1.5]}}, not {axes!r:.60}.')
        values = {}
        for name, given in axes.items():
            if not isinstance(name, str):
                raise InvalidArgument(f"`axes`: a name must be a text such as 'b', not {name!r}.")
            numbers = np.atleast_1d(real_array(f"axes[{name!r}]", given))
            if np.asarray(given).dtype.kind in "iu":
                numbers = np.atleast_1d(np.asarray(given))
            if numbers.ndim != 1 or not len(numbers) or not np.all(np.isfinite(numbers)):
                raise InvalidArgument(f"`axes[{name!r}]` must be a vector of finite numbers.")
            if len(np.unique(numbers)) != len(numbers):
                raise InvalidArgument(f"`axes[{name!r}]` has a value twice.")
            values[name] = numbers
        if math.prod(len(numbers) for numbers in values.values()) > MOST_POINTS:
            raise InvalidArgument(f"`axes` have more than {MOST_POINTS:.0e} points.")
        return cls(values)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(numbers) for numbers in self.values.values())

    def __len__(self) -> int:
        return math.prod(self.shape)

    def point(self, k: int) -> dict[str, float]:
        """Point number k, as Python's own numbers."""
        where = np.unravel_index(k, self.shape)
        return {name: numbers[i].item() for (name, numbers), i in zip(self.values.items(), where, strict=True)}

    def columns(self) -> dict[str, np.ndarray]:
        """The values of every axis at all points, in their order."""
        grid = np.meshgrid(*self.values.values(), indexing="ij")
        return {name: values.ravel() for name, values in zip(self.values, grid, strict=True)}


def named(point: Mapping[str, float]) -> str:
    """A point in words."""
    return ", ".join(f"{name} = {value:.6g}" for name, value in point.items())


Maker = Callable[..., Model]


@dataclass(frozen=True, eq=False)
class Subject:
    """What is swept: a model, or a function that makes one, and the initial density it starts from."""

    model: Model | Maker
    initial: Any

    @classmethod
    def of(cls, what: Model | Case | Maker, initial: object) -> Subject:
        return cls(what.model, what.initial) if isinstance(what, Case) else cls(what, initial)

    def at(self, point: Mapping[str, float]) -> tuple[Model, Any]:
        """Model and initial density of a point, or their refusal with the point named."""
        try:
            return self._at(point)
        except InvalidArgument as error:
            raise InvalidArgument(f"at {named(point)}: {error}") from None

    def _at(self, point: Mapping[str, float]) -> tuple[Model, Any]:
        initial, parameters = self.initial, {}
        for name, value in point.items():
            if name.startswith(INITIAL):
                initial = with_value(initial, name.removeprefix(INITIAL), value, "`initial`")
            else:
                parameters[name.removeprefix(MODEL)] = value
        if isinstance(self.model, Model):
            return _with_values(self.model, parameters), initial
        try:
            made = self.model(**parameters)
        except TypeError as error:
            raise InvalidArgument(f"the function that makes the model does not take these axes: {error}.") from None
        if not isinstance(made, Model):
            raise InvalidArgument(f"the function must make a model, such as fp.nnlif(b=0.5), not {made!r:.60}.")
        return made, initial


def _with_values(model: Model, values: Mapping[str, float]) -> Model:
    for name, value in values.items():
        model = with_value(model, name, value, f"`{type(model).__name__}`")
    return model


def with_value(thing: Any, name: str, value: float, whose: str) -> Any:
    """A copy of a frozen object with one number in it replaced.

    The name is that of a field of it, or of one of its parts; in full "part.field", or just "field" if that is the only
    one.
    """
    paths = list(_paths(thing))
    found = [path for path in paths if path == name or path.endswith(f".{name}")]
    exact = [path for path in found if path == name]
    if len(exact or found) != 1:
        short = {path.rsplit(".", 1)[-1]: path for path in paths}
        known = ", ".join(short if len(short) == len(paths) else paths) or "none"
        if found:
            raise InvalidArgument(f"{whose} has more than one `{name}`: {', '.join(found)}; write one of them in full.")
        raise InvalidArgument(f"{whose} has no number `{name}`{did_you_mean(name, short)} It has: {known}.")
    return _replaced(thing, (exact or found)[0].split("."), value)


def _paths(thing: Any, before: str = "") -> Iterator[str]:
    """The dotted names of all numbers in a dataclass and its parts."""
    if not dataclasses.is_dataclass(thing):
        return
    for part in dataclasses.fields(thing):
        if not part.init:
            continue
        value = getattr(thing, part.name)
        if isinstance(value, int | float | np.number) and not isinstance(value, bool):
            yield f"{before}{part.name}"
        else:
            yield from _paths(value, f"{before}{part.name}.")


def _replaced(thing: Any, path: list[str], value: float) -> Any:
    first, *rest = path
    inner = _replaced(getattr(thing, first), rest, value) if rest else value
    return dataclasses.replace(thing, **{first: inner})


def described(thing: object) -> str:
    """What an object is, the same in every process: functions by their code, not by their address."""
    functions = {f"0x{id(part):x}": part for part in _functions(thing)}
    text = re.sub(r" at 0x[0-9a-f]+", lambda m: f" {_code(functions.get(m.group()[4:]))}", repr(thing))
    return re.sub(r"\s+", " ", text)


def _functions(thing: Any) -> Iterator[Any]:
    if hasattr(thing, "__code__"):
        yield thing
    elif dataclasses.is_dataclass(thing):
        for part in dataclasses.fields(thing):
            yield from _functions(getattr(thing, part.name))
    elif isinstance(thing, Mapping):
        for value in thing.values():
            yield from _functions(value)
    elif isinstance(thing, tuple | list):
        for value in thing:
            yield from _functions(value)


def _code(function: Any) -> str:
    """A fingerprint of what a function does and of what it encloses."""
    if function is None:
        return "somewhere"
    import hashlib

    code = function.__code__
    # What it encloses counts as well, unless that may change while it runs.
    held = [cell.cell_contents for cell in function.__closure__ or ()]
    enclosed = [type(part).__name__ if isinstance(part, list | dict | set) else described(part) for part in held]
    constants = [repr(value) for value in code.co_consts if not hasattr(value, "co_code")]
    parts = [code.co_code.hex(), *constants, *code.co_names, repr(function.__defaults__), *enclosed]
    clean = re.sub(r" at 0x[0-9a-f]+", "", "\n".join(parts))
    return hashlib.sha256(clean.encode()).hexdigest()[:16]
