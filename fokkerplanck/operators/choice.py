"""Which discretisation a model gets: the only place in the numerics that names models."""

from __future__ import annotations

from typing import Any

from ..models.learning import Learning
from ..models.model import Model
from ..models.polarization import Polarization
from ..models.voltage import VoltageModel
from ..outcomes import InvalidArgument
from .evolution import Evolution
from .finite_volumes import FiniteVolumes
from .learning_volumes import LearningVolumes
from .polarization_volumes import PolarizationVolumes
from .schemes import FluxScheme, ScharfetterGummel, Scheme


def cell_scheme(model: Model) -> Scheme:
    """The scheme on cells for a model, where the user names none."""
    return ScharfetterGummel()


def check_scheme(scheme: object, model: Model) -> None:
    """Refuse a scheme that is not made for the model."""
    natural = cell_scheme(model)
    family = FluxScheme if isinstance(natural, FluxScheme) else type(natural)
    if not isinstance(model, VoltageModel) and not isinstance(scheme, family):
        raise InvalidArgument(f"{scheme!r} does not suit {model!r}; use {natural!r}, or leave `scheme` out.")


def volumes(model: Model, grid: Any, scheme: FluxScheme) -> Evolution:
    """The finite volumes that a two-point flux scheme makes of a model."""
    if isinstance(model, Learning) and model.exchanges:
        return LearningVolumes(model, grid, scheme)
    if isinstance(model, Polarization):
        return PolarizationVolumes(model, grid, scheme)
    if isinstance(model, VoltageModel):
        return FiniteVolumes(model, grid, scheme)
    raise InvalidArgument(f"{scheme!r} does not know {model!r}; leave `scheme` out.")
