"""The noisy integrate-and-fire neuron as an age-structured one: its hazard since the last spike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from scipy.interpolate import CubicHermiteSpline, CubicSpline

from ..models.elapsed import Hazard
from ..models.lif import LIF
from ..outcomes import InvalidArgument
from .passagetimes import IntervalLaw, interval_law

POINTS = 1500
"""Of the table, closer together at small ages."""
LEVEL = 1e-12
"""Relative distance of the hazard from its limit at the end of the table."""
OLDEST = 1e-200
"""Survival up to which the table goes at most."""


@dataclass(frozen=True, eq=False)
class FirstPassageHazard(Hazard):
    """p = f/(1 − F) of the interval between the spikes of a neuron; made by `fp.lif_hazard`. Deaf to the activity.

    Read from a table of −ln(1 − F) with its derivative p, cubic between; the error is below 1e-10 for neurons that
    fire within some membrane times. Beyond the table p has levelled off.
    """

    law: IntervalLaw
    sees_activity: ClassVar[bool] = False

    def __repr__(self) -> str:
        return f"lif_hazard({self.law.mu:g}, {self.law.sigma:g}, {self.law.neuron!r})"

    @cached_property
    def table(self) -> CubicHermiteSpline:
        """∫₀ˢ p."""
        law, end = self.law, self.law.neuron.tau_m
        while abs(law.hazard(end) / law.decay_rate - 1.0) > LEVEL and law.survival(2.0 * end) > OLDEST:
            end *= 2.0
        ages = law.neuron.tau_ref + end * np.linspace(0.0, 1.0, POINTS) ** 2
        density, survival = law.density(ages), law.survival(ages)
        if not np.all(survival > 0.0):
            raise InvalidArgument(
                f"`sigma` = {law.sigma:g} is too small for a hazard at `mu` = {law.mu:g}: between two ages of its "
                f"table all neurons fire; use more noise, or fp.StepHazard(sigma) for a firing at a fixed age."
            )
        return CubicHermiteSpline(ages, -np.log(survival), density / survival)

    @cached_property
    def rates(self) -> CubicSpline:
        """p, more accurate than the derivative of the table."""
        return CubicSpline(self.table.x, self.table(self.table.x, 1))

    def __call__(self, s: np.ndarray, x: float) -> np.ndarray:
        s, (first, last) = np.asarray(s, dtype=float), self.table.x[[0, -1]]
        p = np.where(s < last, self.rates(np.clip(s, first, last)), self.law.decay_rate)
        return np.where(s > first, np.maximum(p, 0.0), 0.0)  # of e^{−c/s} the cubic makes a negative trace

    def integral(self, s: np.ndarray, x: float) -> np.ndarray:
        s, (first, last) = np.asarray(s, dtype=float), self.table.x[[0, -1]]
        return np.asarray(self.table(np.clip(s, first, last)) + self.law.decay_rate * np.maximum(s - last, 0.0))


def lif_hazard(mu: float, sigma: float, neuron: LIF) -> FirstPassageHazard:
    """The hazard of a noisy leaky integrate-and-fire neuron, p(s) = f(s)/P(T > s) of its interval T between spikes.

    Without coupling the time-elapsed model with this hazard and the Fokker–Planck equation of the membrane potential
    have the same N(t), if they start from n(s, 0) and n0(v) = ∫ n(s, 0) q(v|s) ds, q(·|s) the density of those that
    have not fired a time s after their reset.

    Parameters
    ----------
    mu, sigma : float
        Mean input from E_l and noise σ > 0 (potential). For `fp.nnlif(b=0, a0=a, external=I)`: I and √(2a), with the
        neuron `fp.LIF(tau_m=1.0, V_th=V_F, V_r=V_R)`.
    neuron : LIF

    Raises
    ------
    InvalidArgument
        As for `fp.interval_law`; or if the noise is too small for a table of the hazard.

    Source: Dumont, Henry, Tarniceriu, J. Math. Biol. (2016), arXiv:1512.03785.

    >>> from fokkerplanck.models.lif import LIF
    >>> p = lif_hazard(0.0, 2.0**0.5, LIF(tau_m=1.0, V_th=2.0, V_r=1.0))
    >>> round(1.0 / float(p.transform(0.0)), 9)  # the rate of fp.nnlif(b=0.0)
    0.119975965
    """
    hazard = FirstPassageHazard(interval_law(mu, sigma, neuron))
    _ = hazard.table  # which may refuse
    return hazard
