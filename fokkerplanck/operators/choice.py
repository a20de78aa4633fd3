"""Which discretisation a model gets: the only place in the numerics that names models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..models.elapsed import TimeElapsed
from ..models.kinetic import VoltageConductance
from ..models.learning import Learning
from ..models.model import Model
from ..models.polarization import Polarization
from ..models.voltage import VoltageModel
from ..outcomes import InvalidArgument
from .characteristics import Characteristics
from .schemes import FluxScheme, ScharfetterGummel, Scheme
from .van_leer import VanLeer

if TYPE_CHECKING:
    from .evolution import Evolution


def cell_scheme(model: Model) -> Scheme:
    """The scheme on cells for a model, where the user names none."""
    natural: dict[type[Model], Scheme] = {VoltageConductance: VanLeer(), TimeElapsed: Characteristics()}
    return next((scheme for kind, scheme in natural.items() if isinstance(model, kind)), ScharfetterGummel())


def check_scheme(scheme: object, model: Model) -> None:
    """Refuse a scheme that is not made for the model."""
    natural = cell_scheme(model)
    family = FluxScheme if isinstance(natural, FluxScheme) else type(natural)
    free = isinstance(model, VoltageModel) and not isinstance(model, VoltageConductance)
    if not free and not isinstance(scheme, family):
        raise InvalidArgument(f"{scheme!r} does not suit {model!r}; use {natural!r}, or leave `scheme` out.")


def volumes(model: Model, grid: Any, scheme: FluxScheme) -> Evolution:
    """The finite volumes that a two-point flux scheme makes of a model."""
    # Compiled kernels: only those that this model needs.
    check_scheme(scheme, model)
    if isinstance(model, Learning) and model.exchanges:
        from .learning_volumes import LearningVolumes

        return LearningVolumes(model, grid, scheme)
    if isinstance(model, VoltageModel):
        from .finite_volumes import FiniteVolumes

        return FiniteVolumes(model, grid, scheme)
    from .polarization_volumes import PolarizationVolumes

    assert isinstance(model, Polarization)
    return PolarizationVolumes(model, grid, scheme)
