"""The system of equations that WENO reconstruction makes of a population on equal cells."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from ..grid import Grid
from ..models.population import Population
from ..outcomes import InvalidArgument
from .finite_volumes import FiniteVolumes
from .kernels import weno_transport
from .schemes import ScharfetterGummel
from .system import Change

EQUAL = 1e-6
"""Relative difference of two widths that is none."""
PARTS = 4
"""Where cells were merged in pairs, once or twice, those next to v_min, V_R and v_max may be a few such parts of the
others."""


class WenoVolumes(FiniteVolumes):
    """Cell averages n, with the flux F = μ n_face − κ (n_right − n_left), n_face rebuilt from five cells.

    What fires is the flux of Scharfetter and Gummel between the last centre and V_F, where n = 0. Beyond an absorbing
    threshold the density goes on as an odd function, beyond a closed end as an even one: there the weights of the
    reconstruction fall back to stencils within the grid. There is no Jacobian.
    """

    def __init__(self, model: Population, grid: Grid) -> None:
        share = grid.width / grid.width.max()
        reset = int(np.searchsorted(grid.faces, grid.V_R))
        parts = np.maximum(np.round(PARTS * share), 1.0) / PARTS
        left_over = np.isin(np.arange(grid.cells), [0, reset - 1, reset, grid.cells - 1])
        if not np.all(np.abs(share - np.where(left_over, parts, 1.0)) <= EQUAL):
            fix = "use model.grid(cells=400)" if model.threshold.absorbing else "leave `grid` out"
            raise InvalidArgument(
                f"Weno5() needs equal cells, but those of `grid` are {grid.width.min():.3g} to {grid.width.max():.3g} "
                f"wide; {fix}, or another scheme."
            )
        super().__init__(model, grid, ScharfetterGummel())
        self._beyond = -1.0 if model.threshold.absorbing else 1.0

    def transport(self, n: np.ndarray, activity: np.ndarray, t: float, out: np.ndarray) -> np.ndarray:
        mu, kappa = self._coefficients(activity, t)
        fired, last = np.empty(self.lanes), np.zeros(self.lanes)
        if self.model.threshold.absorbing:
            last = self.scheme.pair(mu[-1], kappa[-1])[0]
        weno_transport(n, mu, kappa, last, self._beyond, self._loss, self.width, out, fired)
        return fired

    def transport_limit(self, y: np.ndarray, t: float) -> float:
        """Longest step for which explicit Euler keeps the diffusion and an upwind drift positive."""
        mu, kappa = self._coefficients(self.activity(y, t), t)
        mu, kappa = np.abs(mu), kappa.copy()
        kappa[0] = 0.0
        if not self.model.threshold.absorbing:
            kappa[-1] = 0.0
        leaving = kappa[1:] + kappa[:-1] + np.maximum(mu[1:], mu[:-1])
        return 1.0 / float(np.max(leaving / self.width[:, None] + self._loss))

    def remedy(self, smallest: float, y: np.ndarray, t: float) -> str:
        return (
            f"Weno5() gave a negative density ({smallest:.1e}) at t = {t:.6g}; use more than {self.cells} cells, or "
            f"ScharfetterGummel(), which keeps it positive."
        )

    # -- what there is not: every implicit solve begins with the weights ------------------------------------------

    def weights(self, activity: np.ndarray, t: float) -> NoReturn:
        self._refuse()

    def substitute(self, u: np.ndarray) -> NoReturn:
        self._refuse()

    def transport_slope(
        self, n: np.ndarray, activity: np.ndarray, t: float, current: Change, diffusion: Change, out: np.ndarray
    ) -> NoReturn:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise InvalidArgument("Weno5() has no Jacobian; use an explicit stepper, fp.SspRk3(), or ScharfetterGummel().")
