"""A model as a plain dictionary of numbers and names, the form in which files hold it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from ..outcomes import InvalidArgument, named
from .catalog import nnlif
from .coupling import MeanFieldCoupling
from .drift import ConstantDrift, Drift, ExponentialDrift, Leak, QuadraticDrift
from .elapsed import Hazard, HillDuration, SigmoidHazard, StepHazard, TabulatedHazard, TimeElapsed, time_elapsed
from .kinetic import VoltageConductance, voltage_conductance
from .learning import HyperbolicTangent, Identity, Learning, Saturating, Saturation, learning
from .model import Model
from .network import Network, excitatory_inhibitory
from .noise import ActivityNoise
from .polarization import (
    InstantPolarity,
    MembraneExchange,
    Polarity,
    Polarization,
    RelaxingPolarity,
    cell_polarization,
)
from .population import Population
from .refractory import ExponentialRefractory, FixedRefractory, NoRefractory, Refractory
from .reset import FixedReset
from .threshold import HardThreshold, RandomThreshold, Threshold

POPULATIONS: dict[str, Callable[..., Model]] = {"nnlif": nnlif}
NETWORKS: dict[str, Callable[..., Network]] = {
    "network": Network,
    "excitatory-inhibitory": excitatory_inhibitory,
}
RELATED: dict[str, Callable[..., Model]] = {
    "cell-polarization": cell_polarization,
    "voltage-conductance": voltage_conductance,
    "time-elapsed": time_elapsed,
}
MODELS: dict[str, Callable[..., Model]] = {**POPULATIONS, **NETWORKS, "learning": learning, **RELATED}
"""The names of the models in files. A model is one function and one line here."""

REFRACTORY: dict[str, type[Refractory]] = {"exponential": ExponentialRefractory, "fixed": FixedRefractory}
"""The names of the refractory laws in files; none is the absence of the entry."""

THRESHOLDS: dict[str, type[Threshold]] = {"random": RandomThreshold}
"""The names of the threshold laws in files; the hard one is the absence of the entry."""

DRIFTS: dict[str, type[Drift]] = {
    "constant": ConstantDrift,
    "quadratic": QuadraticDrift,
    "exponential": ExponentialDrift,
}
"""The names of the drift laws in files; the leak is the absence of the entry."""

SATURATIONS: dict[str, type[Saturation]] = {"saturating": Saturating, "tanh": HyperbolicTangent}
"""The names of the saturations of learning networks in files; σ(x) = x is the absence of the entry."""

POLARITIES: dict[str, type[Polarity]] = {
    "instant": InstantPolarity,
    "relaxing": RelaxingPolarity,
    "membrane-exchange": MembraneExchange,
}
"""The names of the polarities of a cell in files."""

HAZARDS: dict[str, type[Hazard]] = {"step": StepHazard, "sigmoid": SigmoidHazard, "tabulated": TabulatedHazard}
"""The names of the hazards of time-elapsed models in files."""

DURATIONS: dict[str, type] = {"hill": HillDuration}
"""The names of the refractory times that follow the activity, in files; a constant is a number."""

LAWS: dict[str, dict[str, Any]] = {"refractory": REFRACTORY, "threshold": THRESHOLDS, "drift": DRIFTS}
ABSENT = {"refractory": NoRefractory, "threshold": HardThreshold, "drift": Leak}


def model_to_dict(model: Model) -> dict[str, Any]:
    """The parameters of `model` as `model_from_dict` takes them.

    Parameters
    ----------
    model : Population, Network, Learning or a related model
        Made of the laws of the catalog, with constant external currents.

    Raises
    ------
    InvalidArgument
        If a part of it, such as an external current I(t), is code and no number.

    >>> model_to_dict(nnlif(b=0.5, refractory=ExponentialRefractory(0.2)))["refractory"]
    {'kind': 'exponential', 'tau': 0.2}
    """
    if isinstance(model, Network):
        return _network_to_dict(model)
    if isinstance(model, Learning):
        return _learning_to_dict(model)
    if isinstance(model, VoltageConductance):
        return _conductance_to_dict(model)
    if isinstance(model, Polarization):
        polarity = _named_law("polarity", POLARITIES, model.polarity)
        return {"kind": "cell-polarization", "mass": float(model.total), "polarity": polarity}
    if isinstance(model, TimeElapsed):
        return _elapsed_to_dict(model)
    if not isinstance(model, Population):
        raise InvalidArgument(f"{model!r} is not one that a file can hold.")
    _refuse_code(model)
    description: dict[str, Any] = {
        "kind": "nnlif",
        "b": float(model.coupling.b),
        "a0": float(model.noise.a0),
        "a1": float(model.noise.a1),
        "V_R": float(model.V_R),
        "V_F": float(model.V_F),
        "external": float(model.coupling.external_at(0.0)),
        "delay": float(model.coupling.delay),
    }
    for slot in LAWS:
        law = getattr(model, slot)
        if not isinstance(law, ABSENT[slot]):
            description[slot] = _law_to_dict(slot, law)
    # A slot that is added to Population and forgotten above must not be lost in silence.
    if model_from_dict(description) != model:
        raise InvalidArgument(f"{model!r} has a part that no file can hold yet.")
    return description


def model_from_dict(description: Mapping[str, Any]) -> Model:
    """The model that `model_to_dict` has described.

    Parameters
    ----------
    description : mapping
        "kind" names the function (`MODELS`), the other entries are its arguments; laws are mappings with a "kind" too,
        and so are the `populations` of a network, by their names.

    Raises
    ------
    InvalidArgument
        If a name is unknown or an argument is out of range.

    >>> model_from_dict({"kind": "nnlif", "b": 0.5}) == nnlif(b=0.5)
    True
    """
    arguments = dict(description)
    make = named("model", MODELS, arguments.pop("kind", None))
    if isinstance(arguments.get("populations"), Mapping):
        members = arguments["populations"]
        arguments["populations"] = {name: model_from_dict(member) for name, member in members.items()}
    for slot, table in (LAWS | {"saturation": SATURATIONS, "polarity": POLARITIES, "hazard": HAZARDS}).items():
        law = arguments.get(slot)
        if isinstance(law, Mapping) and isinstance(law.get("sigma"), Mapping):
            law = {**law, "sigma": _law_from_dict("sigma", DURATIONS, law["sigma"])}
        if make is excitatory_inhibitory and isinstance(law, tuple | list):
            arguments[slot] = tuple(_law_from_dict(slot, table, one) for one in law)
        elif law is not None:
            arguments[slot] = _law_from_dict(slot, table, law)
    return _call("model", make, arguments)


def _law_from_dict(slot: str, table: Mapping[str, Any], law: Mapping[str, Any] | None) -> Any:
    if law is None:
        return None
    arguments = dict(law)
    return _call(slot, named(f"{slot} law", table, arguments.pop("kind", None)), arguments)


def _network_to_dict(network: Network) -> dict[str, Any]:
    """The populations by their names, and the matrices as lists of rows."""
    return {
        "kind": "network",
        "populations": {name: model_to_dict(member) for name, member in network.members.items()},
        "J": network.J.tolist(),
        "noise": network.noise.tolist(),
        "delays": network.delays.tolist(),
        "time_constants": network.time_constants.tolist(),
    }


def _learning_to_dict(model: Learning) -> dict[str, Any]:
    """The arguments of `learning`: those of its neuron beside its own, where they are numbers."""
    for name in ("signal", "rule"):
        if callable(getattr(model, name)):
            raise InvalidArgument(f"`{name}` is a function of the weight, which a file cannot hold.")
    neuron = model_to_dict(model.neuron)
    own: dict[str, Any] = {name: neuron[name] for name in ("a0", "V_R", "V_F", "refractory", "drift") if name in neuron}
    description: dict[str, Any] = {
        "kind": "learning",
        "weights": [float(model.w_min), float(model.w_max)],
        "lanes": int(model.lanes),
        "signal": float(model.signal),  # type: ignore[arg-type]  # no function, see above
        "rule": float(model.rule),  # type: ignore[arg-type]
        "speed": float(model.speed),
        **own,
    }
    if not isinstance(model.saturation, Identity):
        description["saturation"] = _named_law("saturation", SATURATIONS, model.saturation)
    if model_from_dict(description) != model:
        raise InvalidArgument(f"{model!r} has a part that no file can hold yet.")
    return description


def _conductance_to_dict(model: VoltageConductance) -> dict[str, Any]:
    """The arguments of `voltage_conductance`; infinitely many synapses, which JSON cannot write, by their absence."""
    names = ("S_E", "nu", "f_E", "sigma_E", "g_L", "V_E", "V_R", "V_F", "g_min", "g_max")
    many = {} if math.isinf(model.N_E) else {"N_E": float(model.N_E)}
    numbers = {name: float(getattr(model, name)) for name in names}
    return {"kind": "voltage-conductance", **numbers, **many, "lanes": model.lanes}


def _elapsed_to_dict(model: TimeElapsed) -> dict[str, Any]:
    """The arguments of `time_elapsed`, where they are numbers."""
    law = model.hazard
    names = {kind: name for name, kind in HAZARDS.items()}
    if type(law) not in names:
        raise InvalidArgument(f"the hazard {law!r} is not one that a file can hold: {', '.join(HAZARDS)}.")
    hazard: dict[str, Any] = {"kind": names[type(law)]}
    for name, value in vars(law).items():
        if callable(value):
            hazard[name] = _named_law(name, DURATIONS, value)
        else:
            hazard[name] = list(value) if isinstance(value, tuple) else float(value)
    numbers = {name: float(getattr(model, name)) for name in ("connectivity", "delay", "spread", "start")}
    return {"kind": "time-elapsed", "hazard": hazard, **numbers}


def _call(where: str, make: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    try:
        inspect.signature(make).bind(**arguments)
    except TypeError as error:
        raise InvalidArgument(f"`{where}`: {error}; it takes {inspect.signature(make)}.") from None
    return make(**arguments)


def _law_to_dict(slot: str, law: Any) -> dict[str, Any]:
    return _named_law(slot, LAWS[slot], law)


def _named_law(slot: str, table: Mapping[str, Any], law: Any) -> dict[str, Any]:
    for name, kind in table.items():
        if type(law) is kind:
            # V_F is the model's.
            return {"kind": name, **{key: float(value) for key, value in vars(law).items() if key != "V_F"}}
    raise InvalidArgument(f"the {slot} law {law!r} is not one that a file can hold: {', '.join(table)}.")


def _refuse_code(model: Population) -> None:
    slots = {"noise": ActivityNoise, "reset": FixedReset, "coupling": MeanFieldCoupling}
    for slot, law in slots.items():
        if type(getattr(model, slot)) is not law:
            raise InvalidArgument(f"the {slot} {getattr(model, slot)!r} is not one that a file can hold.")
    if model.coupling.time_dependent:
        raise InvalidArgument("`external` is a function of time, which a file cannot hold.")
