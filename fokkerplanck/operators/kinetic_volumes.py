"""Finite volumes in potential and conductance."""

from __future__ import annotations

import math

import numpy as np

from ..grid import Grid
from ..models.kinetic import VoltageConductance
from ..outcomes import InvalidArgument
from .conductance import Relaxation
from .van_leer_volumes import VanLeerVolumes

LONGEST = 0.25
"""Longest step over σ_E, for the splitting to be accurate."""
LAST = 2
"""Rows from which the rate is read."""


class KineticVolumes(VanLeerVolumes):
    """Cells in (v, g): in v `VanLeer`, in g the implicit relaxation of `conductance.Relaxation`, by `exchange`."""

    model: VoltageConductance

    def __init__(self, model: VoltageConductance, grid: Grid) -> None:
        if not isinstance(model, VoltageConductance):
            raise InvalidArgument(f"`model` must be one of fp.voltage_conductance(), not {model!r}.")
        super().__init__(model, grid)
        self._relaxation = Relaxation(model.g_faces, model.sigma_E)

    def exchange(self, y: np.ndarray, t: float, dt: float) -> bool:
        """∂t p + ∂g[((g_in − g) p − a ∂g p)/σ_E] = 0 for the time dt.

        N changes as the neurons at V_F change their conductances: a first run of the last rows, from which it is read,
        alone for half the time tells N at the middle, and with that the step is of second order.
        """
        ahead = y[-2 - LAST : -2].copy()
        if not self._relaxed(ahead, self.model.total_rate(self._through(ahead)), 0.5 * dt):
            return False
        return self._relaxed(y[:-2], self.model.total_rate(self._through(ahead)), dt)

    def _relaxed(self, n: np.ndarray, total: np.ndarray, dt: float) -> bool:
        drive, variance = float(self.model.drive(total)), float(self.model.variance(total))
        if not (math.isfinite(drive) and variance >= 0.0):
            return False
        return self._relaxation.advance(n, drive, variance, dt) >= 0

    def _through(self, n: np.ndarray) -> np.ndarray:
        """J⁺(V_F, g) for the last rows of the density, shape (lanes,)."""
        return np.maximum(self.face_drift[-1], 0.0) * self.trace(n)

    def transport_limit(self, y: np.ndarray, t: float) -> float:
        return min(super().transport_limit(y, t), LONGEST * self.model.sigma_E)

    def loudest(self, y: np.ndarray) -> float:
        """N, of which the fluxes of the lanes are the density in g."""
        return float(self.model.total_rate(y[-1]))

    def surge(self, old: np.ndarray, new: np.ndarray, t: float, dt: float) -> np.ndarray:
        """How much further than expected the rise of N within one step moves x, over x_F − x_R, by the step's end."""
        model = self.model
        rise = max(float(model.total_rate(new[-1] - old[-1])), 0.0)
        return np.full(1, dt * (dt / model.sigma_E) * model.S_E * rise / model.critical_coupling)

    def edge(self, y: np.ndarray) -> float:
        """As the base class has it, and the largest densities in the first and the last lane."""
        return max(super().edge(y), float(np.max(y[:-2, -1])), float(np.max(y[:-2, 0])) if self._cut_below else 0.0)

    @property
    def _cut_below(self) -> bool:
        """Whether the lower end of the conductances stands for none; at 0 they are reflected."""
        return self.model.g_min < 0.0

    def tail(self, y: np.ndarray, t: float) -> np.ndarray:
        """Mass below v_min, and beyond the ends of g: that of a Gaussian tail, as much as there is in the last lane."""
        model, total = self.model, self.model.total_rate(y[-1])
        drive, variance = float(model.drive(total)), float(model.variance(total))
        masses = self.width @ y[:-2]
        beyond = masses[-1] * _reach(model.g_max - drive, variance)
        if self._cut_below:
            beyond += masses[0] * _reach(drive - model.g_min, variance)
        return np.array([float(model.total_rate(super().tail(y, t))) + beyond])

    def truncation(self, mass: float) -> str:
        model = self.model
        lower = " or a lower `g_min=`" if self._cut_below else ""
        return (
            f"A mass of up to {mass:.1e} would lie beyond the conductances {model.g_min:.6g} to {model.g_max:.6g} or "
            f"below v = {self.grid.v_min:.6g}; use a larger `g_max={2.0 * model.g_max:.4g}`{lower}, "
            f"or a grid with a lower v_min."
        )


def _reach(distance: float, variance: float) -> float:
    """The mass of a Gaussian beyond a point, over its density there: at most a/distance, and √a near the middle."""
    return variance / max(distance, math.sqrt(variance)) if variance > 0.0 else 0.0
