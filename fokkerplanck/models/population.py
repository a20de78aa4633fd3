"""One homogeneous population of neurons: the slots put together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..grid import Grid
from ..outcomes import InvalidArgument
from ..state import TAIL_WIDTHS
from .coupling import MeanFieldCoupling
from .drift import Drift, Leak
from .noise import ActivityNoise
from .refractory import Refractory
from .reset import FixedReset
from .threshold import HardThreshold

LONGEST_DESCENT = 10_000
"""Widths √a below V_R that are searched for the lower end of the density."""


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
            Lower end. By default `lowest_potential`; the solution reports how much mass could lie below it.
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
        """A potential below which the density is negligible.

        Under the lowest input c_low a density without flux, n ~ exp(∫ (f + c_low)/a dv), has fallen there by e^(−32)
        from its peak (for the leak: c_low − 8 √a). For an inhibitory network c_low = I + bN solves its own equation:
        far below threshold the rate is that of a Gaussian's tail, N ≈ (V_F − c) exp(−(V_F − c)²/2a)/√(2πa).

        Raises
        ------
        InvalidArgument
            If the drift does not push upwards far below, so that no such potential exists.
        """
        low, high = self._external_range(t_span)
        # Far above threshold a neuron fires about (I − V_F)/(V_F − V_R) times; its share of the noise widens the tail.
        a = float(self.noise.diffusion(np.asarray(max(1.0, (high - self.V_F) / (self.V_F - self.V_R)))))
        if self.coupling.gain < 0:
            low = _quiet_equilibrium(self.coupling.gain, low, a, self.V_F)
        foot = _foot(lambda v: (self.drift(v) + low) / a, self.V_R, float(np.sqrt(a)))
        # Under a strong input the density is squeezed against V_F; leave room for data that start around V_R.
        return min(foot, self.V_R - TAIL_WIDTHS * float(np.sqrt(a)))

    def _external_range(self, t_span: tuple[float, float] | None) -> tuple[float, float]:
        if not self.coupling.time_dependent:
            return (self.coupling.external_at(0.0),) * 2
        if t_span is None:
            raise InvalidArgument("`external` is a function of time: give `grid` the `t_span` of the run, or `v_min`.")
        currents = [self.coupling.external_at(t) for t in np.linspace(*t_span, 201)]
        return min(currents), max(currents)


def _foot(slope: Drift, top: float, width: float) -> float:
    """Where exp(∫ slope dv), followed downwards from `top`, has fallen by e^(−TAIL_WIDTHS²/2) from its peak."""
    v, fall, peak = top, 0.0, 0.0
    steps = np.linspace(0.0, width, 21)
    for _ in range(LONGEST_DESCENT):
        # Trapezoids over one width; the exponent is followed as a sum, for its peak may lie far below `top`.
        s = np.asarray(slope(v - steps), dtype=float)
        if s.shape != steps.shape or not np.all(np.isfinite(s)):
            raise InvalidArgument("`drift` must map an array of potentials to finite numbers of the same shape.")
        falls = fall + np.cumsum(0.5 * (s[1:] + s[:-1]) * (width / 20))
        peaks = np.minimum(peak, np.minimum.accumulate(falls))
        reached = np.flatnonzero(falls - peaks >= 0.5 * TAIL_WIDTHS**2)
        if len(reached):
            return v - float(steps[reached[0] + 1])
        v, fall, peak = v - width, float(falls[-1]), float(peaks[-1])
    raise InvalidArgument(
        "the drift does not keep the density from drifting away downwards; give `grid` a `v_min` if that is meant."
    )


def require_population(model: object) -> Population:
    """The model itself, or the refusal of what is none."""
    if not isinstance(model, Population):
        raise InvalidArgument(f"`model` must be a model such as fp.nnlif(b=0.5), not {model!r}.")
    return model


def require_leaky_hard(model: object, what: str) -> Population:
    """The model, if it has the leak −v and a hard threshold, for which alone `what` is known."""
    population = require_population(model)
    if not isinstance(population.drift, Leak) or not isinstance(population.threshold, HardThreshold):
        raise InvalidArgument(f"{what} for the leak drift and the hard threshold only, not for {population!r}.")
    return population


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
