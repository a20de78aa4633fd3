"""Stationary states of the network without noise: n = N/(c − v) on (V_R, V_F), every neuron firing at its own pace.

    N (τ + L(c)) = 1,   L = ln((c − V_R)/(c − V_F)),   c = I + bN > V_F

With x = c − V_F, s = V_F − I and Δ = V_F − V_R that is G(x) = (x + s)(τ + ln(1 + Δ/x)) = b, and

    G'' = Δ ((2s − Δ)x + sΔ)/(x(x + Δ))²

changes sign once at most: from each end to the inflection G has one extremum at most, so that all roots are found.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from ..models.population import Population, require_leaky_hard
from ..outcomes import InvalidArgument, real_array, whole_number

FARTHEST = 700.0
"""|log x| of a state that is looked for above V_F (below it the search goes on until G has the sign of its limit)."""
FLATTEST = 1e-15
"""G − b beyond FARTHEST, relative to b, that is rounding."""
LARGEST_GAIN = 1e100
HOMOTOPY = 40
"""Steps in the connectivity in which an eigenvalue is followed from the uncoupled network."""


@dataclass(frozen=True)
class DeterministicState:
    """A stationary state without noise.

    Attributes
    ----------
    model : Population
    rate : float
        N.
    log_lead : float
        log(c − V_F), which exists also where c cannot be told from V_F.
    """

    model: Population
    rate: float
    log_lead: float

    @property
    def lead(self) -> float:
        """c − V_F, how far the potential would rise above V_F."""
        return math.exp(self.log_lead)

    @property
    def current(self) -> float:
        """c = I + bN."""
        return self.model.V_F + self.lead

    @property
    def duration(self) -> float:
        """L, the time from V_R to V_F."""
        return _duration(self.log_lead, self.model.V_F - self.model.V_R)

    @property
    def refractory(self) -> float:
        """Refractory mass τN."""
        return self.model.refractory.mean_duration * self.rate

    @property
    def gain(self) -> float:
        """b n(V_F−): how many further spikes a spike sets off at once; below 1 if I > V_F, above it if I < V_F."""
        return self.model.coupling.gain * self.rate * math.exp(min(-self.log_lead, FARTHEST))

    def density(self, v: ArrayLike) -> np.ndarray:
        """n = N/(c − v) for V_R < v < V_F, zero elsewhere."""
        potentials = real_array("v", v)
        inside = (potentials > self.model.V_R) & (potentials < self.model.V_F)
        distance = self.lead + np.where(inside, self.model.V_F - potentials, 1.0)
        return np.where(inside, self.rate / distance, 0.0)

    @property
    def limiting_growth(self) -> float:
        """Growth rate to which those of the high harmonics tend, Λ = (1/L) ln |(1 − b n(V_R+))/(1 − b n(V_F−))|.

        Negative for b < 0, where all perturbations decay; zero for b = 0, where each returns with the period 1/N;
        positive for b > 0. Known without refractory state.
        """
        kappa, top = self._coupling()
        if top < 0.0:  # n(V_F−) may exceed the largest double
            slack = float(np.logaddexp(0.0, math.log(-self.model.coupling.gain * self.rate) - self.log_lead))
        else:
            slack = math.log(abs(1.0 - top))
        return (math.log(abs(1.0 - kappa)) - slack) / self.duration

    def eigenvalue(self, harmonic: int = 1) -> complex:
        """λ of the perturbation e^{λt} that becomes 2πi·harmonic/L as b → 0.

            e^{λL} (1 − κ e^L w) = 1 − κ w,   w = λ/(1 + λ),   κ = b n(V_R+)

        For Re λ ≥ 0, w has a real part ≥ 0, so that for b < 0 |1 − κw| < |1 − κe^L w|: every λ ≠ 0 has Re λ < 0.
        For I > V_F, Re λ tends to `limiting_growth` as the harmonic grows, which for b > 0 is positive: without noise
        a driven network is linearly stable if and only if it is inhibitory.

        Parameters
        ----------
        harmonic : int
            1, 2, …; the conjugate of λ is an eigenvalue too.

        Raises
        ------
        InvalidArgument
            If there is a refractory state, or I ≤ V_F, where the rate is not determined by the density.

        Source: linearisation in the phase, derived for this program; the dichotomy is that of pulse-coupled
        oscillators in Mauroy, Sepulchre, IEEE Trans. Automat. Contr. 58 (2013) 1154.

        >>> from fokkerplanck import nnlif
        >>> state, = deterministic_states(nnlif(b=-0.5, a0=0.0, external=3.0))
        >>> bool(state.eigenvalue(1).real < 0.0)
        True
        """
        whole_number("harmonic", harmonic, 1)
        kappa, top = self._coupling()
        if self.gain >= 1.0:
            raise InvalidArgument("`eigenvalue` is known for external > V_F only: there b n(V_F) is below 1.")
        if -self.gain > LARGEST_GAIN:  # their squares must be numbers
            raise InvalidArgument(f"`b` n(V_F) = {self.gain:.3g} is too far below zero for `eigenvalue`; weaken b.")
        L, lam = self.duration, 2j * math.pi * harmonic / self.duration
        for share in np.linspace(0.0, 1.0, HOMOTOPY + 1)[1:]:
            lam = _newton(lam, L, share * kappa, share * top)
        return lam

    def mode(self, v: ArrayLike, harmonic: int = 1) -> np.ndarray:
        """The perturbation that grows like e^{λt}, scaled so that the one of the rate is e^{λt}.

            q(v) = (e^{−λθ}/(c − v)) [1 − κ − κ (e^{(1+λ)θ} − 1)/(1 + λ)],   θ = ln((c − V_R)/(c − v))

        on (V_R, V_F), zero elsewhere; θ is the time since the reset. Arguments and errors as for `eigenvalue`.

        >>> from fokkerplanck import nnlif
        >>> state, = deterministic_states(nnlif(b=0.0, a0=0.0, external=3.0))
        >>> float(state.mode(1.0 + 1e-12).real.round(6))
        0.5
        """
        lam, (kappa, _) = self.eigenvalue(harmonic), self._coupling()
        potentials = real_array("v", v)
        inside = (potentials > self.model.V_R) & (potentials < self.model.V_F)
        distance = self.lead + np.where(inside, self.model.V_F - potentials, self.model.V_F - self.model.V_R)
        since = np.log((self.lead + self.model.V_F - self.model.V_R) / distance)
        pushed = kappa * np.expm1((1.0 + lam) * since) / (1.0 + lam)
        return np.where(inside, np.exp(-lam * since) / distance * (1.0 - kappa - pushed), 0.0)

    def _coupling(self) -> tuple[float, float]:
        """b n(V_R+) and b n(V_F−)."""
        if self.model.refractory.mean_duration:
            raise InvalidArgument("the growth of perturbations is known for `refractory` = None only.")
        return self.model.coupling.gain * self.rate / (self.lead + self.model.V_F - self.model.V_R), self.gain


def deterministic_states(model: Population) -> tuple[DeterministicState, ...]:
    """The stationary states of a driven network without noise, by increasing rate.

        N (τ + ln((c − V_R)/(c − V_F))) = 1,   c = I + bN > V_F,   n = N/(c − v) on (V_R, V_F)

    How many there are, with Δ = V_F − V_R:

    ==============================  ==================================================  ===========================
    drive                           τ = 0                                               τ > 0
    ==============================  ==================================================  ===========================
    I > V_F                         1 for b < Δ, 0 for b ≥ Δ                            1
    I = V_F                         1 for 0 < b < Δ, else 0                             1 for b > 0, else 0
    (V_R + V_F)/2 < I < V_F         2 for b_min < b < Δ, 1 for b ≥ Δ, 0 for b < b_min   2 for b > b_min, else 0
    I ≤ (V_R + V_F)/2               1 for b > Δ, 0 for b ≤ Δ                            2 for b > b_min, else 0
    ==============================  ==================================================  ===========================

    (As N → ∞, N ln((c − V_R)/(c − V_F)) → Δ/b, which must be below the 1 that it is to cross; b_min is the minimum of
    G in the module's docstring.) The silent states of I ≤ V_F, N = 0, are not among them. With I ≤ V_F a state has
    b n(V_F−) ≥ 1: the network keeps itself going where N = 0 solves the equation as well, a branch that
    `characteristics` does not follow.

    A state is not what the solution tends to: for b = 0 every solution is periodic with the period ln((I − V_R)/(I −
    V_F)), and for b > 0 the state is unstable (see `DeterministicState.eigenvalue`).

    Parameters
    ----------
    model : Population
        With leak, hard threshold, a0 = a1 = 0 and constant current. A transmission delay does not matter.

    Returns
    -------
    tuple of DeterministicState

    Raises
    ------
    InvalidArgument
        If there is noise, the current depends on time, or drift or threshold are others.

    >>> from fokkerplanck import nnlif
    >>> [round(state.rate, 10) for state in deterministic_states(nnlif(b=0.0, a0=0.0, external=3.0))]
    [1.4426950409]
    >>> deterministic_states(nnlif(b=1.0, a0=0.0, external=3.0))
    ()
    """
    model = _accepted(model)
    b, tau = model.coupling.gain, model.refractory.mean_duration
    gap, silence = model.V_F - model.V_R, model.V_F - model.coupling.external_at(0.0)
    logs = _roots(_Balance(b, tau, gap, silence)) if b else _uncoupled(silence)
    states = [DeterministicState(model, 1.0 / (tau + _duration(log, gap)), log) for log in logs]
    return tuple(sorted(states, key=lambda state: state.rate))


def _uncoupled(silence: float) -> list[float]:
    """x = −s, to the last digit."""
    return [math.log(-silence)] if silence < 0.0 else []


@dataclass(frozen=True)
class _Balance:
    """G − b and the sign of G' as functions of ℓ = log x."""

    b: float
    tau: float
    gap: float
    silence: float

    def __call__(self, log: float) -> float:
        return (math.exp(log) + self.silence) * (self.tau + _duration(log, self.gap)) - self.b

    def slope(self, log: float) -> float:
        """G' = τ + L − (x + s) Δ/(x (x + Δ))."""
        share = self.gap / (math.exp(log) + self.gap)
        return self.tau + _duration(log, self.gap) - (1.0 + self.silence * math.exp(min(-log, FARTHEST))) * share

    @property
    def inflection(self) -> float | None:
        if not 0.0 < 2.0 * self.silence < self.gap:
            return None
        return math.log(self.silence * self.gap / (self.gap - 2.0 * self.silence))


def _roots(balance: _Balance) -> list[float]:
    """All ℓ with G = b, in order."""
    low, high = _lowest(balance), _highest(balance)
    ends = [low, *([] if balance.inflection is None else [balance.inflection]), high]
    extrema = [found for a, b in pairwise(ends) for found in _crossing(balance.slope, a, b)]
    nodes = [low, *extrema, high]
    return [found for a, b in pairwise(nodes) for found in _crossing(balance, a, b)]


def _crossing(function: Callable[[float], float], low: float, high: float) -> list[float]:
    if function(low) * function(high) >= 0.0:
        return []
    return [float(brentq(function, low, high, xtol=1e-15, rtol=1e-15))]


def _lowest(balance: _Balance) -> float:
    """ℓ below which G is monotone and beyond b: G ~ s|ℓ| as ℓ → −∞; for s = 0 G − b ~ −b."""
    s, b = balance.silence, balance.b
    wanted = abs(b) + abs(s) * (1.0 + balance.tau) + balance.gap
    return -max(2.0 * wanted / abs(s), 50.0) + math.log(min(balance.gap, 1.0)) if s else -FARTHEST


def _highest(balance: _Balance) -> float:
    """ℓ above which G is monotone and, where it grows without bound, above b.

    For τ = 0 G − Δ ~ Δ (s − Δ/2)/x, and what is within rounding of its limit is no root.
    """
    largest = abs(balance.b) + abs(balance.silence) + balance.gap
    if balance.tau:
        return math.log(2.0 * largest * (1.0 + 1.0 / balance.tau))
    return math.log(largest / FLATTEST)


def _duration(log: float, gap: float) -> float:
    """ln(1 + Δ/x), also where x is below the smallest double."""
    return float(np.logaddexp(0.0, math.log(gap) - log)) if log < 0.0 else math.log1p(gap * math.exp(-log))


def _newton(lam: complex, L: float, kappa: float, top: float) -> complex:
    """Zero of λL + log((1 − top w)/(1 − κw)) − 2πik, w = λ/(1 + λ), near `lam`."""
    for _ in range(50):
        w, slope = lam / (1.0 + lam), 1.0 / (1.0 + lam) ** 2
        ratio = cmath.exp(lam * L) * (1.0 - top * w) / (1.0 - kappa * w)
        step = cmath.log(ratio) / (L + slope * (kappa / (1.0 - kappa * w) - top / (1.0 - top * w)))
        lam -= step
        if abs(step) <= 1e-14 * abs(lam):
            return complex(lam)
    raise InvalidArgument("the eigenvalue was lost on its way from b = 0; ask for a higher `harmonic`.")


def _accepted(model: object) -> Population:
    population = require_leaky_hard(model, "the states without noise are known")
    if population.noise.a0 or population.noise.a1:
        raise InvalidArgument("a0 and a1 must be zero here; with noise call fp.stationary_states.")
    if population.coupling.time_dependent:
        raise InvalidArgument(
            "`external` is a function of time, so there is no stationary state; give the model a number, "
            "for example the mean of the current."
        )
    return population
