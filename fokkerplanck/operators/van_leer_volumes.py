"""The system of equations that limited linear reconstruction makes of a model without diffusion."""

from __future__ import annotations

import numpy as np

from ..grid import Grid
from ..models.voltage import VoltageModel
from ..models.wiring import Inputs
from ..outcomes import InvalidArgument
from .explicit_volumes import ExplicitVolumes
from .schemes import ScharfetterGummel
from .van_leer_kernels import van_leer_trace, van_leer_transport

SHARE = 2.0
"""The value at a face is at most twice that of the cell."""


class VanLeerVolumes(ExplicitVolumes):
    """Cell averages n with the flux of `VanLeer`. What is reset enters the cell that the drift at V_R points to.

    V_R is a face and n jumps there, so that the averages on either side say nothing about each other's slope.
    """

    called = "VanLeer()"

    def __init__(self, model: VoltageModel, grid: Grid) -> None:
        if model.quiet_diffusion > 0.0 or model.wiring.noisy:
            raise InvalidArgument(
                f"VanLeer() is for models without noise in v, but {model!r} has some; use fp.ScharfetterGummel()."
            )
        super().__init__(model, grid, ScharfetterGummel())
        if self._ends_inside:
            raise InvalidArgument(
                "VanLeer() needs all thresholds absorbing, or none, but those of `model` differ; use fp.Upwind()."
            )
        self.face_drift = np.broadcast_to(model.drift_of_lanes(grid.faces), (grid.cells + 1, self.lanes)).copy()
        self._at_reset = int(np.searchsorted(grid.faces, grid.V_R))
        self._by_left, self._by_right, self._kinds = _differences(grid, self._at_reset)
        self._to_lower, self._to_upper = np.zeros(self.lanes), np.zeros(self.lanes)
        self._aim(self.face_drift[self._at_reset])

    # -- fluxes -------------------------------------------------------------------------------------------------

    def transport(self, n: np.ndarray, inputs: Inputs, out: np.ndarray) -> np.ndarray:
        mu, fired = self._drift(inputs), np.empty(self.lanes)
        self._aim(mu[self._at_reset])
        van_leer_transport(n, mu, self._loss, self.width, self._by_left, self._by_right, self._kinds, out, fired)
        return fired

    def firing(self, n: np.ndarray, inputs: Inputs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        none = np.zeros(self.lanes)
        if self._open:
            return np.einsum("ik,i,ik->k", self._hazard, self.width, n), none, none
        trace, mu = self.trace(n), self.face_drift[-1] + inputs.current
        return np.maximum(mu, 0.0) * trace, np.where(mu > 0.0, trace, 0.0), none

    def trace(self, n: np.ndarray) -> np.ndarray:
        """n(V_F−) of every lane, from its last two rows."""
        trace = np.empty(self.lanes)
        van_leer_trace(n[-2:], float(self._by_left[-1]), trace)
        return trace

    def deposit(self, out: np.ndarray, source: np.ndarray) -> None:
        reset = self._at_reset
        out[reset - 1] += self._to_lower * source
        out[reset] += self._to_upper * source

    def _drift(self, inputs: Inputs) -> np.ndarray:
        """μ at the faces, shape (cells + 1, lanes); none through the top of a grid that goes on above V_F."""
        mu = self.face_drift + inputs.current
        if self._open:
            mu[-1] = 0.0
        return mu

    def _aim(self, drift: np.ndarray) -> None:
        """Let what is reset go where the drift at V_R takes it: half to either side where there is none."""
        lower, upper = self.width[self._at_reset - 1], self.width[self._at_reset]
        part = np.where(drift > 0.0, 1.0, np.where(drift < 0.0, 0.0, 0.5))
        self._to_lower, self._to_upper = (1.0 - part) / lower, part / upper

    # -- how good it is -----------------------------------------------------------------------------------------

    def transport_limit(self, y: np.ndarray, t: float) -> float:
        mu = self._drift(self.inputs(y, t))
        leaving = SHARE * (np.maximum(mu[1:], 0.0) - np.minimum(mu[:-1], 0.0)) / self.width[:, None] + self._loss
        return 1.0 / max(float(np.max(leaving)), 1e-300)

    def tail(self, y: np.ndarray, t: float) -> np.ndarray:
        """What has gathered in the first cell, if the drift there goes on downwards."""
        downwards = self._drift(self.inputs(y, t))[1] < 0.0
        return np.where(downwards, y[0] * self.width[0], 0.0)

    def remedy(self, smallest: float, y: np.ndarray, t: float) -> str:
        return (
            f"VanLeer() gave a negative density ({smallest:.1e}) at t = {t:.6g}: the time step is longer than a "
            f"positive one, {self.transport_limit(y, t):.3g}; leave out `dt`."
        )


def _differences(grid: Grid, reset: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Half the slope times the width of every cell, by the differences to its neighbours, and which are missing.

    With the distances d and d' of the centres the slope at the one between is (a d'/d + b d/d')/(d + d').
    """
    gaps = np.diff(grid.v)
    before, after = np.append(gaps[0], gaps), np.append(gaps, gaps[-1])
    by_left = 0.5 * grid.width * after / (before * (before + after))
    by_right = 0.5 * grid.width * before / (after * (before + after))
    kinds = np.zeros(grid.cells, dtype=np.int64)
    kinds[[0, reset]], kinds[[reset - 1, -1]] = -1, 1
    one_sided = kinds == -1
    by_left[one_sided], by_right[one_sided] = 0.0, 0.5 * grid.width[one_sided] / after[one_sided]
    one_sided = kinds == 1
    by_left[one_sided], by_right[one_sided] = 0.5 * grid.width[one_sided] / before[one_sided], 0.0
    if reset == 1:  # a single cell below V_R has no slope
        kinds[0], by_left[0], by_right[0] = -1, 0.0, 0.0
    return by_left, by_right, kinds
