"""The parameters of the models with the ranges in which they are worth looking at: what sliders and menus are made of.

A range says nothing about what is allowed, which the models check themselves; it is where the theorems happen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..outcomes import InvalidArgument, finite_number, named


@dataclass(frozen=True)
class Parameter:
    """One number that a model takes.

    Attributes
    ----------
    name : str
        Argument of the model's function; "refractory.tau" is the `tau` of the law given as `refractory`.
    symbol : str
        As it is written in the equation.
    low, high, default, step : float
        The range, the usual value, and the smallest change worth making (dimensionless, as the models).
    meaning : str
        In a few words.
    laws : tuple of str
        For a dotted name the kinds of the laws on the way, as files name them.
    optional : bool
        Whether 0 stands for the absence of the law.
    """

    name: str
    symbol: str
    low: float
    high: float
    default: float
    step: float
    meaning: str
    laws: tuple[str, ...] = ()
    optional: bool = False


_V_R = Parameter("V_R", "V_R", -1.0, 3.0, 1.0, 0.05, "reset potential")
_V_F = Parameter("V_F", "V_F", 0.5, 4.0, 2.0, 0.05, "firing potential")
_A0 = Parameter("a0", "a₀", 0.1, 3.0, 1.0, 0.05, "noise that is always there")
_TAU = Parameter("refractory.tau", "τ", 0.0, 1.0, 0.0, 0.01, "refractory time (0: none)", ("exponential",), True)

PARAMETERS: dict[str, tuple[Parameter, ...]] = {
    "nnlif": (
        Parameter("b", "b", -20.0, 40.0, 0.5, 0.05, "connectivity (inhibitory if < 0)"),
        _A0,
        Parameter("a1", "a₁", 0.0, 2.0, 0.0, 0.05, "noise that follows the rate"),
        _V_R,
        _V_F,
        Parameter("external", "I", -3.0, 5.0, 0.0, 0.05, "external current"),
        _TAU,
        Parameter("threshold.epsilon", "ε", 0.0, 0.5, 0.0, 0.01, "time to fire above V_F (0: none)", ("random",), True),
        Parameter("delay", "d", 0.0, 3.0, 0.0, 0.05, "transmission delay"),
    ),
    "excitatory-inhibitory": (
        Parameter("b_EE", "b_EE", 0.0, 10.0, 0.5, 0.05, "E excites E"),
        Parameter("b_EI", "b_EI", 0.0, 40.0, 0.25, 0.05, "I inhibits E"),
        Parameter("b_IE", "b_IE", 0.0, 20.0, 0.25, 0.05, "E excites I"),
        Parameter("b_II", "b_II", 0.0, 40.0, 1.0, 0.05, "I inhibits I"),
        _A0,
        _V_R,
        _V_F,
        Parameter("external", "I", -3.0, 5.0, 0.0, 0.05, "external current, into both"),
        _TAU,
        Parameter("delays", "d", 0.0, 3.0, 0.0, 0.05, "transmission delay, of all"),
    ),
    "learning": (
        Parameter("signal", "I", -1.0, 2.5, 1.0, 0.05, "signal, the same for all weights"),
        Parameter("rule", "K", -3.0, -0.1, -1.0, 0.05, "strength of the rule (inhibitory)"),
        Parameter("speed", "ε", 0.0, 2.0, 1.0, 0.05, "speed of learning (0: frozen)"),
        _A0,
        _V_R,
        _V_F,
        _TAU,
    ),
    "cell-polarization": (
        Parameter("mass", "M", 0.1, 3.0, 1.5, 0.05, "mass; the critical one is 1"),
        Parameter("polarity.L", "L", 0.0, 3.0, 0.0, 0.05, "memory of the polarity (0: none)", ("relaxing",), True),
    ),
    "time-elapsed": (
        Parameter("connectivity", "J", 0.0, 4.0, 1.0, 0.05, "connectivity"),
        Parameter("spread", "λ", 0.05, 1.0, 0.3, 0.05, "mean of the distributed delay"),
        Parameter("hazard.sigma.quiet", "σ(0)", 0.5, 5.0, 3.0, 0.1, "refractory time at rest", ("step", "hill")),
        Parameter("hazard.sigma.active", "σ(∞)", 0.1, 2.0, 0.5, 0.1, "refractory time when active", ("step", "hill")),
        Parameter("hazard.sigma.half", "x½", 0.1, 1.0, 0.4, 0.05, "input at which it is half way", ("step", "hill")),
    ),
}  # fmt: skip
"""By the names of `fokkerplanck.models.description.MODELS`."""

GIVEN: dict[str, dict[str, Any]] = {"learning": {"weights": [-1.5, 0.0], "lanes": 48}}
"""Arguments that have no range."""

STARTS: dict[str, tuple[Parameter, ...]] = {
    kind: (
        Parameter("mean", "v₀", -2.0, 2.0, 0.0, 0.01, "where the density starts"),
        Parameter("variance", "s²", 0.0002, 1.0, 0.25, 0.0002, "how wide it starts"),
    )
    for kind in ("gaussian", "compatible-gaussian")
} | {"exponential": (Parameter("scale", "1/α", 0.1, 4.0, 1.0, 0.1, "mean of the initial density"),)}
"""Those of the initial densities, by the names that files use."""


def defaults(parameters: tuple[Parameter, ...]) -> dict[str, float]:
    """The usual values, by name.

    >>> defaults(STARTS["gaussian"])
    {'mean': 0.0, 'variance': 0.25}
    """
    return {parameter.name: parameter.default for parameter in parameters}


def described(kind: str, values: Mapping[str, float]) -> dict[str, Any]:
    """The model with these values, as `model_from_dict` takes it.

    Parameters
    ----------
    kind : str
        One of `PARAMETERS`.
    values : mapping of str to float
        By the names of the parameters; those that are left out have their defaults.

    Raises
    ------
    InvalidArgument
        If a name is unknown or a value is no finite number.

    >>> described("nnlif", {"b": 3.0, "refractory.tau": 0.2})["refractory"]
    {'kind': 'exponential', 'tau': 0.2}
    """
    parameters = named("model", PARAMETERS, kind)
    known = {parameter.name for parameter in parameters}
    for name in values:
        if name not in known:
            raise InvalidArgument(f"`{name}` is no parameter of {kind!r}; they are {', '.join(sorted(known))}.")
    description: dict[str, Any] = {"kind": kind, **GIVEN.get(kind, {})}
    for parameter in parameters:
        value = finite_number(parameter.name, values.get(parameter.name, parameter.default))
        if parameter.optional and value == 0.0:
            continue
        *path, last = parameter.name.split(".")
        place = description
        for slot, law in zip(path, parameter.laws, strict=True):
            place = place.setdefault(slot, {"kind": law})
        place[last] = value
    return description
