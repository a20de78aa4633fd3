"""The points of a sweep: axes with names, and what each of them means to a model and to an initial density."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, MethodType, ModuleType
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
            if not isinstance(name, str) or not name:
                raise InvalidArgument(f"`axes`: a name must be a text such as 'b', not {name!r}.")
            if np.asarray(given).dtype.kind == "b":
                raise InvalidArgument(f"`axes[{name!r}]` must be numbers, not True and False.")
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
    def of(cls, what: Model | Case | Maker, initial: object, names: Iterable[str]) -> Subject:
        """Checked: the axes, by their `names`, belong to it, each to another number."""
        subject = cls(what.model, what.initial) if isinstance(what, Case) else cls(what, initial)
        if not isinstance(subject.model, Model) and not callable(subject.model):
            raise InvalidArgument(f"`what` must be a model, a Case or a function that makes a model, not {what!r:.60}.")
        meant: dict[str, str] = {}
        for name in names:
            whole = name
            if name.startswith(INITIAL):
                whole = INITIAL + path_in(subject.initial, name.removeprefix(INITIAL), "`initial`")
            elif isinstance(subject.model, Model):
                whole = path_in(subject.model, name.removeprefix(MODEL), f"`{type(subject.model).__name__}`")
            if whole in meant:
                raise InvalidArgument(f"`axes`: {meant[whole]!r} and {name!r} are the same number, {whole}.")
            meant[whole] = name
        return subject

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
    """A copy of a frozen object with the number of that name replaced."""
    return _replaced(thing, path_in(thing, name, whose).split("."), value)


def path_in(thing: Any, name: str, whose: str) -> str:
    """The dotted name of a number in a dataclass or one of its parts, given in full or, if only one ends so, in short.

    Raises
    ------
    InvalidArgument
        If there is no such number, or more than one.
    """
    paths = list(_paths(thing))
    found = [path for path in paths if path == name or path.endswith(f".{name}")]
    exact = [path for path in found if path == name]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        raise InvalidArgument(f"{whose} has more than one `{name}`: {', '.join(found)}; write one of them in full.")
    short = {path.rsplit(".", 1)[-1]: path for path in paths}
    known = ", ".join(short if len(short) == len(paths) else paths)
    advice = f"It has: {known}." if known else "It has none: give fp.sweep a function of the axes that makes the model."
    raise InvalidArgument(f"{whose} has no number `{name}`{did_you_mean(name, short)} {advice}")


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
    """What an object is, the same in every process: functions by what they do, not by their address."""
    return _Description().of(thing)


class _Description:
    """A text for an object and all that it refers to: code, enclosed values, the globals that it uses."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def of(self, thing: Any) -> str:
        if isinstance(thing, int | float | complex | str | bytes | bool | type(None) | np.generic):
            return repr(thing)
        if isinstance(thing, np.ndarray):
            return f"array {thing.shape} {thing.dtype} {_fingerprint(np.ascontiguousarray(thing).tobytes())}"
        if any(thing is other for other in self.seen):
            return "itself"
        self.seen.append(thing)
        if isinstance(thing, Mapping):
            return f"{{{', '.join(f'{key!r}: {self.of(value)}' for key, value in thing.items())}}}"
        if isinstance(thing, tuple | list):
            return f"[{', '.join(self.of(value) for value in thing)}]"
        if isinstance(thing, set | frozenset):
            return f"{{{', '.join(sorted(self.of(value) for value in thing))}}}"
        if isinstance(thing, ModuleType | type):
            return getattr(thing, "__qualname__", thing.__name__)
        if isinstance(thing, functools.partial):
            return f"partial({self.of(thing.func)}, {self.of(thing.args)}, {self.of(thing.keywords)})"
        if isinstance(thing, MethodType):
            return f"{self.of(thing.__func__)} of {self.of(thing.__self__)}"
        if hasattr(thing, "__code__"):
            return self._function(thing)
        if dataclasses.is_dataclass(thing):
            fields = (f"{part.name}={self.of(getattr(thing, part.name))}" for part in dataclasses.fields(thing))
            return f"{type(thing).__name__}({', '.join(fields)})"
        state = self.of(vars(thing)) if hasattr(thing, "__dict__") else re.sub(r" at 0x[0-9a-f]+", "", repr(thing))
        call = vars(type(thing)).get("__call__")
        return f"{type(thing).__qualname__} {state} {self.of(call) if hasattr(call, '__code__') else ''}"

    def _function(self, function: Any) -> str:
        """Its name, and a fingerprint of what it does; of a library's function only the name."""
        name = getattr(function, "__qualname__", "function")
        module = getattr(function, "__module__", "") or ""
        if module.split(".")[0] in LIBRARIES:
            return f"{module}.{name}"
        held = [self.of(cell.cell_contents) for cell in function.__closure__ or ()]
        code = self._code(function.__code__, function.__globals__)
        return f"{name} {_fingerprint(repr([code, self.of(function.__defaults__), held]).encode())}"

    def _code(self, code: CodeType, names: Mapping[str, Any]) -> str:
        constants = [self._code(part, names) if isinstance(part, CodeType) else repr(part) for part in code.co_consts]
        used = [f"{name}={self.of(names[name])}" for name in code.co_names if name in names]
        return " ".join([code.co_code.hex(), *constants, *code.co_names, *used])


LIBRARIES = {"numpy", "scipy", "numba", "matplotlib", "fokkerplanck", "builtins", "math", "xarray"}
"""Whose functions are known by their names."""


def _fingerprint(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()[:16]
