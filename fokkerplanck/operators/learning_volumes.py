"""Finite volumes whose neurons move from lane to lane: the weights of a learning network."""

from __future__ import annotations

import numpy as np

from ..grid import Grid
from ..models.learning import Learning
from ..models.voltage import VoltageModel
from ..outcomes import InvalidArgument
from .advection import Hebbian
from .finite_volumes import FiniteVolumes
from .schemes import FluxScheme


class LearningVolumes(FiniteVolumes):
    """Cells in (v, w): in v as in the base class, in w the fluxes of `Learning.face_speeds` for `exchange`."""

    whole_steps = False

    model: Learning

    def __init__(self, model: VoltageModel, grid: Grid, scheme: FluxScheme) -> None:
        if not isinstance(model, Learning):
            raise InvalidArgument(
                f"{scheme!r} moves the neurons of fp.learning() from weight to weight, but not those of {model!r}; use "
                f"fp.VanLeer(), or leave out `scheme`."
            )
        super().__init__(model, grid, scheme)
        self._hebbian = Hebbian(np.array(model.rule_at(model.w_faces)), np.array(model.w_faces), model.speed)
        self._no_rows = np.empty((0, self.lanes))

    def exchange(self, y: np.ndarray, t: float, dt: float) -> bool:
        """∂t p + ε ∂w[(Φ − w) p] = 0 for the time dt, of the density and of the refractory pool.

        What fires is e p in the last cell. While N̄ changes so does e, through the drift at the last face: a first run
        of that row alone for half the time tells e at the middle.
        """
        row = y[-3].copy()
        emission = self._emission(y[-1], t)
        ahead = row.copy()
        if self._hebbian.advance(self._no_rows, ahead, emission, 0.5 * dt) < 0:
            return False
        middle = self._emission(emission * ahead, t)
        return self._hebbian.advance(y[:-1], row, middle, dt) >= 0

    def _emission(self, rate: np.ndarray, t: float) -> np.ndarray:
        """e of every lane: the weight of the last cell in the flux through V_F, for these rates."""
        return self.face_weights(self.inputs_at(rate, t), slice(self.cells, None))[0][0]

    def surge(self, old: np.ndarray, new: np.ndarray, t: float, dt: float) -> np.ndarray:
        """As the base class has it where rates can blow up; else no step, however long, runs through a blow-up."""
        return super().surge(old, new, t, dt) if self.model.may_blow_up else self._nothing

    def layer(self, y: np.ndarray, t: float) -> np.ndarray:
        """As the base class has it where rates can press the density against V_F."""
        return super().layer(y, t) if self.model.may_blow_up else self._nothing
