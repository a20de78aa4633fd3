"""Populations side by side that do not hear each other: the points of a sweep as lanes of one system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..outcomes import InvalidArgument, frozen
from .population import Population
from .voltage import VoltageModel
from .wiring import OwnWiring


def joins(model: object) -> bool:
    """Whether a model can be a lane: one population that looks neither back nor at the clock."""
    return isinstance(model, Population) and not model.lags and not model.time_dependent


def place(model: Population) -> tuple[float, float, bool]:
    """What lanes on one grid have in common: V_R, V_F, and whether V_F absorbs."""
    return model.V_R, model.V_F, model.threshold.absorbing


@dataclass(frozen=True)
class SideBySide(VoltageModel):
    """K populations with a common V_R and V_F, each with its own drift, noise, threshold, coupling and refractory law:

        ∂t n_k + ∂v[(f_k + I_k + b_k N_k) n_k] − (a0_k + a1_k N_k) ∂vv n_k + κ_k n_k = S_k δ(v − V_R).

    Parameters
    ----------
    populations : tuple of Population
        Without transmission delay, fixed refractory time or current that depends on time.

    Raises
    ------
    InvalidArgument
        If they do not fit on one grid, or look back.

    >>> from fokkerplanck import nnlif
    >>> SideBySide((nnlif(b=0.5), nnlif(b=1.5))).wiring.b.tolist()
    [0.5, 1.5]
    """

    populations: tuple[Population, ...]

    def __post_init__(self) -> None:
        if not all(joins(one) for one in self.populations):
            raise InvalidArgument(
                "`populations` must have no delay, no fixed refractory time and no current that depends on time."
            )
        if len({place(one) for one in self.populations}) != 1:
            raise InvalidArgument("`populations` must have one V_R, one V_F, and thresholds of one kind.")

    @property
    def lanes(self) -> int:
        return len(self.populations)

    def lane_model(self, k: int) -> Population:
        return self.populations[k]

    @property
    def V_F(self) -> float:
        return self.populations[0].V_F

    @property
    def V_R(self) -> float:
        return self.populations[0].V_R

    @cached_property
    def wiring(self) -> OwnWiring:
        couplings = [one.coupling for one in self.populations]
        noises = [one.noise for one in self.populations]
        return OwnWiring(
            external=frozen(np.array([coupling.external_at(0.0) for coupling in couplings], dtype=float)),
            b=frozen(np.array([coupling.gain for coupling in couplings], dtype=float)),
            a0=frozen(np.array([noise.a0 for noise in noises], dtype=float)),
            a1=frozen(np.array([noise.gain for noise in noises], dtype=float)),
        )

    @cached_property
    def absorbing(self) -> np.ndarray:
        return frozen(np.array([one.threshold.absorbing for one in self.populations]))

    @cached_property
    def silence(self) -> np.ndarray:
        return frozen(np.array([one.refractory.mean_duration for one in self.populations]))

    @cached_property
    def latencies(self) -> np.ndarray:
        return frozen(np.zeros(self.lanes))

    def drift_of_lanes(self, v: np.ndarray) -> np.ndarray:
        laws = [one.drift for one in self.populations]
        return _columns(laws, lambda k: self.populations[k].drift_of_lanes(v))

    def hazard_of_lanes(self, v: np.ndarray) -> np.ndarray:
        laws = [one.threshold for one in self.populations]
        return _columns(laws, lambda k: self.populations[k].hazard_of_lanes(v))

    @property
    def may_blow_up(self) -> bool:
        return any(one.may_blow_up for one in self.populations)

    @property
    def quiet_diffusion(self) -> float:
        return min(one.quiet_diffusion for one in self.populations)

    @property
    def always_noisy(self) -> bool:
        return all(one.always_noisy for one in self.populations)

    def lowest_potential(self, t_span: tuple[float, float] | None = None) -> float:
        return min(one.lowest_potential(t_span) for one in self.populations)

    def highest_potential(self, t_span: tuple[float, float] | None = None) -> float:
        return max(one.highest_potential(t_span) for one in self.populations)


def _columns(laws: list, values: Callable[[int], np.ndarray]) -> np.ndarray:
    """A column for each lane, or a single one if all lanes have the same law."""
    if all(law == laws[0] for law in laws):
        return values(0)
    return np.concatenate([values(k) for k in range(len(laws))], axis=1)
