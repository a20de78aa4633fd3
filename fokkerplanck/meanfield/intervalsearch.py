"""The search for the likeliest neuron: coordinates, starting points, Newton's method, the information at its end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from ..models.lif import LIF
from ..outcomes import InvalidArgument
from .passage_likelihood import Intervals, LogLikelihood, passage_cumulants
from .passagetimes import RAREST

NAMES = ("mu", "sigma", "V_r", "tau_m", "tau_ref")
"""Of the coordinates, which are μ/U, log σ/U, V_r/U, log τ_m and τ_ref over the given τ_m; U = V_th − V_r as given."""
MU, SIGMA, V_R, TAU_M, TAU_REF = range(5)
STEPS, HALVINGS = 40, 20
DONE, STUCK = 1e-9, 1e-4
"""Gain of log L that the next step promises when the search ends, and at most where it can go no further."""
FLATTEST = 1e-7
"""Least curvature of the quadratic, scaled to a unit diagonal."""
SINGULAR = 1e-9
"""Least eigenvalue of the information, scaled to a unit diagonal."""
FRACTIONS = (0.0, 0.5, 0.9)
"""Of the shortest interval, at which a search for τ_ref begins."""
CLOSE = 1e-3
"""Relative step at which the search for mean and CV ends."""
NEAREST, WIDEST = 1e-5, 1e5
"""Of w_F − w_R."""


# -- coordinates --------------------------------------------------------------------------------------------------


class Frame(NamedTuple):
    """Between the parameters in the order of NAMES and the coordinates of the search."""

    neuron: LIF

    @property
    def unit(self) -> float:
        return self.neuron.V_th - self.neuron.V_r

    def inward(self, values: Sequence[float]) -> np.ndarray:
        mu, sigma, V_r, tau_m, tau_ref = values
        U = self.unit
        return np.array(
            [mu / U, math.log(sigma / U), (V_r - self.neuron.E_l) / U, math.log(tau_m), tau_ref / self.neuron.tau_m]
        )

    def outward(self, x: np.ndarray) -> tuple[float, ...]:
        U = self.unit
        V_r = self.neuron.E_l + U * x[V_R]
        return tuple(map(float, (U * x[MU], U * math.exp(x[SIGMA]), V_r, math.exp(x[TAU_M]), self.tau_ref(x))))

    def tau_ref(self, x: np.ndarray) -> float:
        return float(self.neuron.tau_m * x[TAU_REF])

    def scales(self, x: np.ndarray) -> np.ndarray:
        """Derivatives of the parameters by the coordinates."""
        U = self.unit
        return np.array([U, U * math.exp(x[SIGMA]), U, math.exp(x[TAU_M]), self.neuron.tau_m])

    def ends(self, x: np.ndarray) -> tuple[float, float]:
        """w_R and w_F."""
        V_th = (self.neuron.V_th - self.neuron.E_l) / self.unit
        inverse = math.sqrt(2.0) * math.exp(-x[SIGMA])
        return float((x[V_R] - x[MU]) * inverse), float((V_th - x[MU]) * inverse)

    def derivatives(self, x: np.ndarray, total: LogLikelihood) -> LogLikelihood:
        """Gradient and Hessian by the coordinates from those by (w_R, w_F, log τ_m, τ_ref)."""
        inverse = math.sqrt(2.0) * math.exp(-x[SIGMA])
        w_R, w_F = self.ends(x)
        jacobian = np.zeros((4, 5))
        jacobian[0, [MU, SIGMA, V_R]] = -inverse, -w_R, inverse
        jacobian[1, [MU, SIGMA]] = -inverse, -w_F
        jacobian[2, TAU_M], jacobian[3, TAU_REF] = 1.0, self.neuron.tau_m
        hessian = jacobian.T @ total.hessian @ jacobian
        g_R, g_F = total.gradient[:2]
        hessian[SIGMA, SIGMA] += g_R * w_R + g_F * w_F
        for k, second in ((MU, inverse * (g_R + g_F)), (V_R, -inverse * g_R)):
            hessian[SIGMA, k] += second
            hessian[k, SIGMA] += second
        return LogLikelihood(total.value, jacobian.T @ total.gradient, hessian, total.continued)


def passage_ends(neuron: LIF, mu: float, sigma: float) -> tuple[float, float]:
    w_R, w_F = (math.sqrt(2.0) * (V - neuron.E_l - mu) / sigma for V in (neuron.V_r, neuron.V_th))
    return w_R, w_F


# -- the search ---------------------------------------------------------------------------------------------------


def starting_points(
    T: np.ndarray, neuron: LIF, names: tuple[str, ...], mu: float, sigma: float
) -> list[tuple[float, ...]]:  # fmt: skip
    """Where the search may begin: parameters that have the mean and the CV of the intervals."""
    silences = [neuron.tau_ref]
    if "tau_ref" in names:
        silences = [fraction * float(np.min(T)) for fraction in FRACTIONS]
    return [_matched(T, neuron, names, mu, sigma, silence) for silence in silences]


def _matched(
    T: np.ndarray, neuron: LIF, names: tuple[str, ...], mu: float, sigma: float, silence: float
) -> tuple[float, ...]:  # fmt: skip
    """The free ones of μ, σ and V_r by least squares of log mean and log CV of the passage time."""
    frame = Frame(neuron)
    free = [k for k in (MU, SIGMA, V_R) if NAMES[k] in names]
    x = frame.inward((mu, sigma, neuron.V_r, neuron.tau_m, silence))
    S = (T - silence) / neuron.tau_m
    aim = np.array([math.log(S.mean()), math.log(S.std() / S.mean())])
    if "mu" in names:
        # without noise the mean is log((mu - V_r)/(mu - V_th)), which has the wanted value at
        V_th = (neuron.V_th - neuron.E_l) / frame.unit
        x[MU] = min((V_th - x[V_R] * math.exp(-S.mean())) / -math.expm1(-S.mean()), V_th + 5.0)
    if "sigma" in names:
        x[SIGMA] = math.log(max(0.02, min(1.0, 0.8 * S.std() / S.mean())))
    if not free:
        return frame.outward(x)

    def missed(values: np.ndarray) -> np.ndarray:
        y = x.copy()
        y[free] = values
        w_R, w_F = frame.ends(y)
        if not (NEAREST < w_F - w_R < WIDEST) or w_F > RAREST:
            return np.array([50.0, 50.0])
        mean, variance = passage_cumulants(w_R, w_F)
        return np.clip([math.log(mean) - aim[0], 0.5 * math.log(variance) - math.log(mean) - aim[1]], -50.0, 50.0)

    x[free] = least_squares(missed, x[free], xtol=CLOSE, max_nfev=40).x
    return frame.outward(x)


class Search(NamedTuple):
    """log L and its derivatives as functions of the coordinates."""

    data: Intervals
    frame: Frame

    def __call__(self, x: np.ndarray) -> LogLikelihood | None:
        """None where no neuron is."""
        w_R, w_F = self.frame.ends(x)
        tau_ref = self.frame.tau_ref(x)
        if not (NEAREST < w_F - w_R < WIDEST) or w_F > RAREST or tau_ref >= self.data.least:
            return None
        total = self.data.log_likelihood(w_R, w_F, math.exp(x[TAU_M]), tau_ref)
        return self.frame.derivatives(x, total) if math.isfinite(total.value) else None


def maximum(search: Search, x: np.ndarray, free: list[int]) -> tuple[np.ndarray, LogLikelihood, list[int]]:
    """Newton's method with curvatures made positive; the coordinates that are not held at a bound."""
    here = search(x)
    if here is None:
        raise InvalidArgument(
            "`intervals` have no likelihood under the given parameters: an interval is not longer than tau_ref, or the "
            "neuron practically never fires. Give other values of what is not free."
        )
    for _ in range(STEPS):
        step, gain = _newton(here, free, x[TAU_REF])
        moving = [k for k in free if not (k == TAU_REF and x[TAU_REF] + step[TAU_REF] <= 0.0)]
        if gain < DONE:
            return x, here, moving
        following = _line_search(search, x, here, step, gain)
        if following.total is None:
            if gain < STUCK:
                return x, here, moving
            raise _unfinished(search, x, free, gain, following.outside)
        x, here = following.x, following.total
    raise _unfinished(search, x, free, gain, True)


def _unfinished(search: Search, x: np.ndarray, free: list[int], gain: float, rising: bool) -> InvalidArgument:
    """Where log L rises on and on, the intervals are to blame; where it does not, although it should, the search is."""
    names, place = ", ".join(NAMES[k] for k in free), _named(search.frame.outward(x))
    if rising:
        return InvalidArgument(
            f"`intervals` do not fix {names}: the likelihood rises towards the bounds of what can be computed, near "
            f"{place}. Fix one of them."
        )
    return InvalidArgument(
        f"`intervals` could not be fitted: the search for {names} stalls near {place}, where its next step promises "
        f"that log L rises by {gain:.2g}, and no part of that step brings it. Begin elsewhere, with other values in "
        "`neuron`, or name fewer in `free`."
    )


def _newton(here: LogLikelihood, free: list[int], tau_ref: float) -> tuple[np.ndarray, float]:
    """The step to the top of the quadratic, among those to a refractory time of zero or more, and the gain it promises.

    If the top lies beyond τ_ref = 0, the best allowed point is on that bound, and the others go to the top there. It
    is not enough to cut the step: on the bound nothing of it would be left, whatever the others have to gain.
    """
    step = np.zeros(5)
    if not free:
        return step, 0.0
    gradient, hessian = here.gradient[free], here.hessian[np.ix_(free, free)]
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-300))
    curvature, axes = np.linalg.eigh(-hessian * scale[:, None] * scale)
    curvature = np.maximum(np.abs(curvature), FLATTEST)
    uphill, scaled = scale * gradient, axes @ (axes.T @ (scale * gradient) / curvature)
    if TAU_REF in free and tau_ref + scale[k := free.index(TAU_REF)] * scaled[k] < 0.0:
        bowl, others = axes * curvature @ axes.T, np.arange(len(free)) != k
        scaled[k] = -tau_ref / scale[k]
        scaled[others] = np.linalg.solve(bowl[np.ix_(others, others)], uphill[others] - bowl[others, k] * scaled[k])
        step[free] = scale * scaled
        step[TAU_REF] = -tau_ref
        return step, float(uphill @ scaled - 0.5 * scaled @ bowl @ scaled)
    step[free] = scale * scaled
    return step, 0.5 * float(uphill @ scaled)


class _Following(NamedTuple):
    """A better point, or None for its log L; whether a part of the step led out of what can be computed."""

    x: np.ndarray
    total: LogLikelihood | None
    outside: bool


def _line_search(search: Search, x: np.ndarray, here: LogLikelihood, step: np.ndarray, gain: float) -> _Following:
    w = search.frame.ends(x)
    share = 1.0
    # Not much further than where the quadratic means anything.
    for change, most in (
        (step[SIGMA], 0.7),
        (step[TAU_M], 0.7),
        (step[MU] * math.exp(-x[SIGMA]), 1.0 + 0.3 * abs(w[1])),
    ):
        share = min(share, most / max(abs(change), 1e-300))
    outside = False
    for _ in range(HALVINGS):
        trial = _moved(search.frame, x, share * step)
        if step[TAU_REF] < 0.0 and trial[TAU_REF] < 1e-15:
            trial[TAU_REF] = 0.0
        found = search(trial)
        if found is not None and found.value >= here.value + 0.1 * share * gain:
            return _Following(trial, found, outside)
        outside |= found is None
        share *= 0.5
    return _Following(x, None, outside)


def _moved(frame: Frame, x: np.ndarray, step: np.ndarray) -> np.ndarray:
    """x + step to first order, along lines on which a changing τ_m leaves the drift halfway to the threshold alone."""
    trial = x + step
    away = x[MU] - 0.5 * (x[V_R] + (frame.neuron.V_th - frame.neuron.E_l) / frame.unit)
    trial[MU] = x[MU] - away + math.exp(step[TAU_M]) * (away + step[MU] - away * step[TAU_M])
    return trial


def _named(values: Sequence[float]) -> str:
    return ", ".join(f"{name} = {value:.4g}" for name, value in zip(NAMES, values, strict=True))


def likeliest(search: Search, starts: list[np.ndarray]) -> np.ndarray:
    if len(starts) == 1:
        return starts[0]
    found = [search(x) for x in starts]
    values = [-math.inf if total is None else total.value for total in found]
    return starts[int(np.argmax(values))]


def covariance_of(best: LogLikelihood, moving: list[int]) -> np.ndarray:
    """Inverse of the information in the coordinates."""
    if not moving:
        return np.zeros((0, 0))
    information = -best.hessian[np.ix_(moving, moving)]
    diagonal = np.diag(information)
    names = ", ".join(NAMES[k] for k in moving)
    if np.all(diagonal > 0.0):
        scale = 1.0 / np.sqrt(diagonal)
        scaled = information * scale[:, None] * scale
        if np.linalg.eigvalsh(scaled)[0] > SINGULAR:
            return np.asarray(np.linalg.inv(scaled) * scale[:, None] * scale)
    raise InvalidArgument(
        f"`intervals` do not tell {names} apart: their information is singular. Intervals that are nearly exponential "
        "fix little more than a rate; name fewer in `free`, and give the others."
    )
