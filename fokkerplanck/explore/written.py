"""A view as Python that reproduces it, with the public names alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..cases import INITIALS, SCHEMES
from ..models.description import DURATIONS, HAZARDS, LAWS, MODELS, POLARITIES

TABLES: dict[str, Mapping[str, Any]] = {**LAWS, "polarity": POLARITIES, "hazard": HAZARDS, "sigma": DURATIONS}


def model_expression(description: Mapping[str, Any]) -> str:
    """The call that makes the model which `model_from_dict` makes of the description.

    >>> model_expression({"kind": "nnlif", "b": 3.0, "refractory": {"kind": "exponential", "tau": 0.2}})
    'fp.nnlif(b=3.0, refractory=fp.ExponentialRefractory(tau=0.2))'
    """
    return _call(MODELS[description["kind"]].__name__, description)


def start_expression(kind: str, values: Mapping[str, float]) -> str:
    """The call that makes an initial density."""
    return _call(INITIALS[kind].__name__, values)


def scheme_expression(name: str) -> str:
    """The call that makes a scheme."""
    return f"fp.{SCHEMES[name].__name__}()"


def _call(name: str, arguments: Mapping[str, Any]) -> str:
    inner = [f"{slot}={_value(slot, value)}" for slot, value in arguments.items() if slot != "kind"]
    return f"fp.{name}({', '.join(inner)})"


def _value(slot: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return _call(TABLES[slot][value["kind"]].__name__, value)
    return repr(tuple(value)) if isinstance(value, list) else repr(value)
