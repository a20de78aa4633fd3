"""The system of equations that WENO reconstruction makes of a population on equal cells."""

from __future__ import annotations

import numpy as np

from ..grid import Grid
from ..models.voltage import VoltageModel
from ..models.wiring import Inputs
from ..outcomes import InvalidArgument
from .explicit_volumes import ExplicitVolumes
from .kernels import weno_transport
from .schemes import ScharfetterGummel

EQUAL = 1e-6
"""Relative difference of two widths that is none."""
PARTS = 4
"""Where cells were merged in pairs, once or twice, those next to v_min, V_R and v_max may be a few such parts of the
others."""


class WenoVolumes(ExplicitVolumes):
    """Cell averages n, with the flux F = μ n_face − κ (n_right − n_left), n_face rebuilt from five cells.

    What fires is the flux of Scharfetter and Gummel between the last centre and V_F, where n = 0. Beyond an absorbing
    threshold the density goes on as an odd function, beyond a closed end as an even one: there the weights of the
    reconstruction fall back to stencils within the grid.
    """

    called = "Weno5()"

    def __init__(self, model: VoltageModel, grid: Grid) -> None:
        share = grid.width / grid.width.max()
        reset = int(np.searchsorted(grid.faces, grid.V_R))
        parts = np.maximum(np.round(PARTS * share), 1.0) / PARTS
        left_over = np.isin(np.arange(grid.cells), [0, reset - 1, reset, grid.cells - 1])
        if not np.all(np.abs(share - np.where(left_over, parts, 1.0)) <= EQUAL):
            fix = "leave `grid` out" if model.open else "use model.grid(cells=400)"
            raise InvalidArgument(
                f"Weno5() needs equal cells, but those of `grid` are {grid.width.min():.3g} to {grid.width.max():.3g} "
                f"wide; {fix}, or another scheme."
            )
        super().__init__(model, grid, ScharfetterGummel())
        self._beyond = 1.0 if model.open else -1.0
        if np.any(self._inner):
            raise InvalidArgument(
                "Weno5() needs all thresholds absorbing, or none, but those of `model` differ; use ScharfetterGummel()."
            )

    def transport(self, n: np.ndarray, inputs: Inputs, out: np.ndarray) -> np.ndarray:
        mu, kappa = self._coefficients(inputs)
        fired, last = np.empty(self.lanes), np.zeros(self.lanes)
        if not self.model.open:
            last = self.scheme.pair(mu[-1], kappa[-1])[0]
        weno_transport(n, mu, kappa, last, self._beyond, self._loss, self.width, out, fired)
        return fired

    def transport_limit(self, y: np.ndarray, t: float) -> float:
        """Longest step for which explicit Euler keeps the diffusion and an upwind drift positive."""
        mu, kappa = self._coefficients(self.inputs(y, t))
        mu, kappa = np.abs(mu), kappa.copy()
        kappa[0] = 0.0
        if self.model.open:
            kappa[-1] = 0.0
        leaving = kappa[1:] + kappa[:-1] + np.maximum(mu[1:], mu[:-1])
        return 1.0 / float(np.max(leaving / self.width[:, None] + self._loss))

    def remedy(self, smallest: float, y: np.ndarray, t: float) -> str:
        return (
            f"Weno5() gave a negative density ({smallest:.1e}) at t = {t:.6g}; use more than {self.cells} cells, or "
            f"ScharfetterGummel(), which keeps it positive."
        )
