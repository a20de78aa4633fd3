"""One homogeneous population of neurons: the slots put together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from ..outcomes import InvalidArgument
from ..state import TAIL_WIDTHS
from .coupling import MeanFieldCoupling
from .drift import Drift, Leak, drift_at
from .noise import ActivityNoise
from .refractory import Refractory
from .reset import FixedReset
from .threshold import HardThreshold, Threshold
from .voltage import CURRENT_SAMPLES, VoltageModel
from .wiring import AffineWiring, Synapses

LONGEST_DESCENT = 10_000
"""Widths √a below V_R that are searched for the lower end of the density."""
LONGEST_ASCENT = 400
"""Growing intervals above V_F that are searched for the upper end of the density."""
MIDDLES = (np.arange(20) + 0.5) / 20.0
NO_HEIGHT = "So far above V_F the upper end of the density is searched for; give the grid a `v_max`"


@dataclass(frozen=True)
class Population(VoltageModel):
    """The population-density equation of one homogeneous network.

        ∂t n + ∂v[(f(v) + c(A, t)) n] − a(A) ∂vv n + k(v) n = S(t) δ(v − V_R),   A(t) = N(t − d),
        N(t) = ∫ k n dv, or with an absorbing threshold n(V_F, t) = 0 and N(t) = −a(A) ∂v n(V_F, t),
        R' = N − S,   ∫ n dv + R = 1

    Each slot is one law: `drift` f, `noise` a, `threshold` V_F and k, `reset` V_R, `refractory` N → S,
    `coupling` c and d. A law that is absent is an object as well (`NoRefractory()`).

    Raises
    ------
    InvalidArgument
        If V_R is not below V_F, or the drift is not finite between them.
    """

    drift: Drift
    noise: ActivityNoise
    threshold: Threshold
    reset: FixedReset
    refractory: Refractory
    coupling: MeanFieldCoupling

    structured: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.threshold.V_F is None:
            raise InvalidArgument(f"`threshold` has no place yet: {self.threshold!r}; give it a V_F.")
        if not self.V_R < self.V_F:
            raise InvalidArgument(
                f"the reset V_R = {self.V_R:g} must lie below the threshold V_F = {self.V_F:g}; swap them?"
            )
        drift_at(self.drift, np.linspace(self.V_R, self.V_F, 21))  # refuses what is not finite

    @property
    def V_F(self) -> float:
        """Firing threshold."""
        return float(self.threshold.V_F)  # type: ignore[arg-type]  # checked at construction

    @property
    def V_R(self) -> float:
        """Reset potential."""
        return self.reset.V_R

    @property
    def latency(self) -> float:
        """How long every neuron that has fired stays silent; zero unless the refractory time is fixed."""
        return 0.0 if self.refractory.memoryless else self.refractory.mean_duration

    @property
    def lanes(self) -> int:
        return 1

    @property
    def absorbing(self) -> np.ndarray:
        return np.array([self.threshold.absorbing])

    @property
    def silence(self) -> np.ndarray:
        return np.array([self.refractory.mean_duration])

    @property
    def latencies(self) -> np.ndarray:
        return np.array([self.latency])

    def drift_of_lanes(self, v: np.ndarray) -> np.ndarray:
        return drift_at(self.drift, v)[:, None]

    def hazard_of_lanes(self, v: np.ndarray) -> np.ndarray:
        return np.asarray(self.threshold.hazard(v), dtype=float)[:, None]

    @property
    def quiet_diffusion(self) -> float:
        if self.noise.a0 == self.noise.a1 == 0.0:
            return 0.0
        return float(self.noise.diffusion(np.asarray(0.0 if self.noise.a0 > 0.0 else 0.1)))

    @property
    def always_noisy(self) -> bool:
        return self.noise.a0 > 0.0

    @property
    def wiring(self) -> AffineWiring:
        coupling, noise = self.coupling, self.noise
        to_noise = np.array([[noise.gain]]) if noise.gain else None
        return AffineWiring(
            external=partial(_external, coupling) if coupling.time_dependent else _external(coupling, 0.0),
            a0=np.array([float(noise.diffusion(np.zeros(1))[0])]),
            synapses=(Synapses(coupling.delay, np.array([[coupling.gain]]), to_noise),),
        )

    @property
    def restless(self) -> bool:
        return (self.coupling.gain > 0 or self.noise.gain > 0) and self.threshold.absorbing

    @property
    def may_blow_up(self) -> bool:
        """False where solutions are known to be global.

        That is so for b ≤ 0 and constant noise (Carrillo et al. 2013), with a transmission delay (Cáceres, Roux,
        Salort, Schneider 2019), and for a threshold that is not absorbing, where N is at most the largest hazard. The
        first two are proved for the leak only. The detector relies on them for every drift that is bounded above on the
        domain: it presses no harder against V_F than the leak with some constant current does.
        """
        return self.restless and self.coupling.delay == 0

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
        if a == 0.0:  # everything follows the characteristics
            return self.V_R - _descent(lambda v: drift_at(self.drift, v) + low, self.V_R, self.V_F - self.V_R)
        if self.coupling.gain < 0:
            quiet = _quiet_equilibrium(self.coupling.gain, low, a, self.V_F)
            # Inhibition that arrives late overshoots.
            low = quiet if self.coupling.delay == 0 else 2.0 * quiet - low
        foot = _foot(lambda v: (drift_at(self.drift, v) + low) / a, self.V_R, float(np.sqrt(a)))
        # Under a strong input the density is squeezed against V_F; leave room for data that start around V_R.
        return min(foot, self.V_R - TAIL_WIDTHS * float(np.sqrt(a)))

    def highest_potential(self, t_span: tuple[float, float] | None = None) -> float:
        """V_F, or where the threshold is not absorbing a potential above which the density is negligible.

        Above V_F the density falls like exp(−∫ λ dv), λ = 2k/(μ + √(μ² + 4ak)), with μ = f + c the drift at the highest
        activity. That is at most the largest hazard: 1/ε for a random threshold. For a hazard that grows without bound
        it is taken within 8 √a of V_F; the solution reports what mass could have got lost.

        Raises
        ------
        InvalidArgument
            If the hazard is too small above V_F to keep the density down, or it or the drift is not finite there.
        """
        if self.threshold.absorbing:
            return self.V_F
        _, high = self._external_range(t_span)
        near = self.V_F + TAIL_WIDTHS * max(float(np.sqrt(self.noise.a0)), 0.1 * (self.V_F - self.V_R))
        N = float(np.max(_hazard_above(self.threshold, np.linspace(self.V_F, near, 101)[1:])))
        a = float(self.noise.diffusion(np.asarray(N)))
        c = high + max(self.coupling.gain, 0.0) * N
        return height(self, c, a, (near - self.V_F) / 100.0, 0.5 * TAIL_WIDTHS**2)

    def _external_range(self, t_span: tuple[float, float] | None) -> tuple[float, float]:
        if not self.coupling.time_dependent:
            return (self.coupling.external_at(0.0),) * 2
        if t_span is None:
            raise InvalidArgument("`external` is a function of time: give `grid` the `t_span` of the run, or `v_min`.")
        currents = [self.coupling.external_at(t) for t in np.linspace(*t_span, CURRENT_SAMPLES)]
        return min(currents), max(currents)


def _external(coupling: MeanFieldCoupling, t: float) -> np.ndarray:
    """I(t), shape (1,)."""
    return np.array([coupling.external_at(t)], dtype=float)


def _foot(slope: Drift, top: float, width: float) -> float:
    """Where exp(∫ slope dv), followed downwards from `top`, has fallen by e^(−TAIL_WIDTHS²/2) from its peak."""
    v, fall, peak = top, 0.0, 0.0
    steps = np.linspace(0.0, width, 21)
    for _ in range(LONGEST_DESCENT):
        # Trapezoids over one width; the exponent is followed as a sum, for its peak may lie far below `top`.
        s = slope(v - steps)
        falls = fall + np.cumsum(0.5 * (s[1:] + s[:-1]) * (width / 20))
        peaks = np.minimum(peak, np.minimum.accumulate(falls))
        reached = np.flatnonzero(falls - peaks >= 0.5 * TAIL_WIDTHS**2)
        if len(reached):
            return v - float(steps[reached[0] + 1])
        v, fall, peak = v - width, float(falls[-1]), float(peaks[-1])
    raise InvalidArgument(
        "the drift does not keep the density from drifting away downwards; give `grid` a `v_min` if that is meant."
    )


def height(model: Population, c: float, a: float, width: float, fall: float) -> float:
    """Where exp(−∫ λ dv) has fallen by e^(−fall) above V_F, λ = 2k/(μ + √(μ² + 4ak)) the decay that the hazard causes.

    `width` is that of the first of the intervals that are searched; each is longer than the one before.
    """
    v, exponent = model.V_F, 0.0
    for _ in range(LONGEST_ASCENT):
        middles = v + width * MIDDLES
        k = _hazard_above(model.threshold, middles)
        try:
            mu = drift_at(model.drift, middles) + c
        except InvalidArgument as error:
            raise InvalidArgument(f"{error} {NO_HEIGHT}, or a drift that stays finite.") from None
        falls = exponent + np.cumsum(2.0 * k / np.maximum(mu + np.hypot(mu, 2.0 * np.sqrt(a * k)), 1e-300)) * (
            width / len(MIDDLES)
        )
        reached = np.flatnonzero(falls >= fall)
        if len(reached):
            return float(v + width * (reached[0] + 1) / len(MIDDLES))
        v, exponent, width = v + width, float(falls[-1]), 1.1 * width
    raise InvalidArgument(
        "the hazard of `threshold` does not keep the density below any potential; give the grid a `v_max`."
    )


def _hazard_above(threshold: Threshold, v: np.ndarray) -> np.ndarray:
    """k(v) where the upper end of the density is searched for."""
    try:
        return threshold.hazard(v)
    except InvalidArgument as error:
        threshold.hazard(np.array([threshold.V_F], dtype=float))  # a law that is wrong there is refused for itself
        raise InvalidArgument(f"{error} {NO_HEIGHT}, or a bounded `rate`.") from None


def _descent(speed: Drift, top: float, length: float) -> float:
    """How far below `top` a noiseless potential can be carried, and a little more."""
    below = length * np.linspace(0.0, 1.0, 1001)
    for _ in range(60):
        rising = np.flatnonzero(speed(top - below) >= 0.0)
        if len(rising):
            return float(below[rising[0]]) + length
        below = 2.0 * below
    raise InvalidArgument(
        "the drift carries the density downwards without end; give `grid` a `v_min` if that is meant."
    )


def require_population(model: object, instead: str = "call it with one population, such as fp.nnlif") -> Population:
    """The model itself, or the refusal of what is none; of several populations with what to do `instead`."""
    if isinstance(model, VoltageModel) and model.structured:
        raise InvalidArgument(f"`model` must be one population, not {model!r}; {instead}.")
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
