"""One homogeneous population of neurons: the slots put together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..grid import Grid
from ..outcomes import InvalidArgument
from ..state import TAIL_WIDTHS
from .coupling import MeanFieldCoupling
from .drift import Drift
from .noise import ActivityNoise
from .refractory import Refractory
from .reset import FixedReset
from .threshold import HardThreshold


@dataclass(frozen=True)
class Population:
    """The population-density equation of one homogeneous network.

        ∂t n + ∂v[(f(v) + c(N, t)) n] − a(N) ∂vv n = S(t) δ(v − V_R),   v ≤ V_F,   n(V_F, t) = 0,
        N(t) = −a(N) ∂v n(V_F, t),   R' = N − S,   ∫ n dv + R = 1

    Each slot is one law: `drift` f, `noise` a, `threshold` V_F, `reset` V_R, `refractory` R → S,
    `coupling` c. A law that is absent is an object as well (`NoRefractory()`).

    Raises
    ------
    InvalidArgument
        If V_R is not below V_F.
    """

    drift: Drift
    noise: ActivityNoise
    threshold: HardThreshold
    reset: FixedReset
    refractory: Refractory
    coupling: MeanFieldCoupling

    lanes = 1

    def __post_init__(self) -> None:
        if not self.V_R < self.V_F:
            raise InvalidArgument(
                f"the reset V_R = {self.V_R:g} must lie below the threshold V_F = {self.V_F:g}; swap them?"
            )

    @property
    def V_F(self) -> float:
        """Firing threshold."""
        return self.threshold.V_F

    @property
    def V_R(self) -> float:
        """Reset potential."""
        return self.reset.V_R

    @property
    def may_blow_up(self) -> bool:
        """False where solutions are known to be global: b ≤ 0 and constant noise (Carrillo et al. 2013)."""
        return self.coupling.gain > 0 or self.noise.gain > 0

    def grid(
        self,
        cells: int = 400,
        v_min: float | None = None,
        finest: float | None = None,
        t_span: tuple[float, float] | None = None,
    ) -> Grid:
        """A grid on [v_min, V_F] with faces at V_R and V_F.

        Parameters
        ----------
        cells : int
            Number of cells.
        v_min : float, optional
            Lower end. By default `lowest_potential`, so that less than 1e-14 of the mass lies below it.
            A uniform grid lowers it a little to keep V_R on a face.
        finest : float, optional
            Width of the cell next to V_F; the cells then grow geometrically away from it. None: uniform.
        t_span : (float, float), optional
            Needed only when the external current is a function of time and v_min is not given.

        >>> from fokkerplanck import nnlif
        >>> nnlif(b=0.5).grid(cells=100, v_min=-3.0)
        Grid(100 cells on [-3, 2], widths 0.05 to 0.05, V_R = 1 on a face)
        """
        if v_min is None:
            v_min = self.lowest_potential(t_span)
        if finest is None:
            return Grid.uniform(v_min, self.V_R, self.V_F, cells)
        return Grid.graded(v_min, self.V_R, self.V_F, cells, finest)

    def lowest_potential(self, t_span: tuple[float, float] | None = None) -> float:
        """A potential below which the density is negligible: min(V_R, c_low) − 8 √a.

        For an inhibitory network the lowest input c_low = I + bN solves its own equation: far below threshold
        the rate is that of a Gaussian's tail, N ≈ (V_F − c) exp(−(V_F − c)²/2a)/√(2πa).
        """
        external = self._lowest_external(t_span)
        a = self.noise.a0
        if self.noise.gain > 0:
            # Below threshold N is at most of order one membrane time; its share of the noise widens the tail.
            a = float(self.noise.diffusion(np.asarray(1.0)))
        low = external
        if self.coupling.gain < 0:
            low = _quiet_equilibrium(self.coupling.gain, external, a, self.V_F)
        return min(self.V_R, low) - TAIL_WIDTHS * float(np.sqrt(a))

    def _lowest_external(self, t_span: tuple[float, float] | None) -> float:
        if not self.coupling.time_dependent:
            return self.coupling.external_at(0.0)
        if t_span is None:
            raise InvalidArgument("`external` is a function of time: give `grid` the `t_span` of the run, or `v_min`.")
        return min(self.coupling.external_at(t) for t in np.linspace(*t_span, 201))


def _quiet_equilibrium(b: float, external: float, a: float, V_F: float) -> float:
    """Solve c = I + b N_tail(c) for b < 0 by bisection; the bracket is widened until it holds the root."""

    def excess(c: float) -> float:
        w = max(V_F - c, 0.0)
        return c - external - b * w * np.exp(-w * w / (2 * a)) / np.sqrt(2 * np.pi * a)

    high = min(external, V_F)
    width = 1.0
    while excess(high - width) > 0:
        width *= 2
    low = high - width
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return float(low)
