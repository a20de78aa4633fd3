"""Blow-up of the firing rate: the theorem that predicts it and the detector that sees it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import overload

import numpy as np
from scipy.special import logsumexp

from ..grid import HalfLine
from ..models.polarization import Polarization, extent
from ..models.population import Population, require_leaky_hard, require_population
from ..outcomes import BlowUp, InvalidArgument, finite_number
from ..state import FromArray, Gaussian, InitialDensity, as_density

DOUBLINGS = 4
"""Successive doublings of N that must each be faster than the one before."""
ACCELERATION = 0.6
"""Largest ratio of two successive doubling times. N ~ C (t* − t)^(−1/2) has 1/4, an exponential has 1."""


LARGEST_MU = 1e6
"""Exponents beyond are of no use: the moment only sees the value at V_F."""
FIRST_LEVEL = 1.0
"""Doublings are counted from one spike per neuron and membrane time."""


@dataclass
class BlowUpDetector:
    """Watches N double ever faster.

    If N → ∞ at t*, the time of each doubling is a fixed fraction of the one before, and their geometric series ends
    at t*. A rate that is merely large, or grows exponentially, has doubling times that do not shrink. The detector
    speaks when the series leaves a bracket for t* narrower than `narrow`, or when the discretisation can follow no
    further and nothing more can be learnt from it. It keeps silent where a theorem rules blow-up out (not `possible`).
    """

    narrow: float
    possible: bool = True
    crossings: list[float] = field(default_factory=list)
    level: float = FIRST_LEVEL
    largest: float = 0.0
    _last: tuple[float, float] = (0.0, 0.0)

    def observe(self, t: float, rate: float, strain: float = 0.0) -> BlowUp | None:
        """Record N(t) and return the blow-up if this settles it.

        A `strain` above 1 says that the discretisation cannot follow a further rise: the boundary layer at V_F is
        thinner than a cell, or N rises too much within one fixed step.
        """
        t_old, rate_old = self._last
        self._last = (t, rate)
        self.largest = max(self.largest, rate)
        while self.crossings and rate < 0.25 * self.level:  # N has come down again: that was a pulse
            self.crossings.pop()
            self.level /= 2.0
        if rate >= self.level and np.isfinite(rate):
            rise = math.log(rate / rate_old) if rate_old > 0 else 0.0
            share = math.log(self.level / rate_old) / rise if rise > 0 else 1.0
            self.crossings.append(t_old + min(max(share, 0.0), 1.0) * (t - t_old))
            # A step that doubles N more than once has resolved the first doubling only.
            while rate >= self.level:
                self.level *= 2.0
        # At the top of a narrow pulse the doublings have accelerated too; what has begun to fall does not blow up.
        if rate <= rate_old or not self.accelerating(DOUBLINGS) or t > self.latest:
            return None
        if self.latest - t <= self.narrow:
            return self.record(t, "each doubling took a shrinking fraction of the one before")
        if strain > 1.0:
            return self.record(
                t,
                "each doubling took a shrinking fraction of the one before, up to where the boundary layer at V_F is "
                "thinner than a cell or the step too long; a smaller `finest` or dt narrows the interval",
            )
        return None

    def skip_to(self, t: float, rate: float) -> None:
        """N(t) where the rates since the last observation were too low to matter."""
        self._last = (t, rate)

    def last_word(self, t: float, shortest: float) -> BlowUp | None:
        """The verdict when a fixed step can follow no further: from the doublings that took at least `shortest`."""
        while len(self.crossings) > 1 and self.doublings[-1] < shortest:
            self.crossings.pop()
        if not self.accelerating(DOUBLINGS):
            return None
        return self.record(
            t, "each doubling took a shrinking fraction of the one before, until it took a few steps only"
        )

    @property
    def doublings(self) -> np.ndarray:
        """Times that the successive doublings of N took."""
        return np.diff(self.crossings)

    @property
    def latest(self) -> float:
        """When the next doublings end at the latest, each taking ACCELERATION times the one before.

        A rate that is still finite then has levelled off: it rose fast, but not into a singularity.
        """
        return float(self.crossings[-1] + self.doublings[-1] * ACCELERATION / (1.0 - ACCELERATION))

    def accelerating(self, count: int) -> bool:
        """Whether each of the last `count` doublings took at most ACCELERATION times the one before."""
        last = self.doublings[-count:]
        return (
            self.possible and len(last) == count and bool(np.all(last[1:] <= ACCELERATION * last[:-1])) and last[-1] > 0
        )

    def record(self, t: float, evidence: str) -> BlowUp:
        """The blow-up as known at time t."""
        doublings = self.doublings
        time = latest = t
        if self.accelerating(2):
            ratio = doublings[-1] / doublings[-2]
            time = max(t, self.crossings[-1] + doublings[-1] * ratio / (1.0 - ratio))
            latest = max(time, self.latest)
            last = doublings[-DOUBLINGS:]
            ratios = last[1:] / np.where(last[:-1] > 0.0, last[:-1], np.inf)
            evidence += f" (last ratios {', '.join(f'{r:.3f}' for r in ratios)})"
        return BlowUp(
            time=float(time),
            interval=(float(t), float(latest)),
            rate=float(self.largest),
            evidence=f"N reached {self.largest:.4g} and {evidence}",
            doubling_times=tuple(float(d) for d in doublings),
        )


@dataclass(frozen=True)
class Criterion:
    """The exponential-moment theorem applied to one model and one initial density.

    Attributes
    ----------
    satisfied : bool
        Whether the theorem applies: then the solution cannot be global.
    mu : float
        Exponent used: the one with the earliest `latest_time` if satisfied, else the one closest to it.
    moment : float
        M_μ(0) = ∫ exp(μ v) n0 dv.
    bound : float
        The moment the theorem asks for at this μ.
    latest_time : float
        The solution blows up no later than this; infinite if the theorem does not apply.
    """

    satisfied: bool
    mu: float
    moment: float
    bound: float
    latest_time: float


@dataclass(frozen=True)
class MomentCriterion:
    """The first-moment theorem of cell polarization applied to one model and one initial density.

    Attributes
    ----------
    satisfied : bool
        Whether the theorem applies: instant polarity, mass above 1, and a density that nowhere increases with z.
    moment : float
        J(0) = ∫ z n0 dz, of the mass of the model.
    latest_time : float
        J(0)²/((M − 1) M²), before which the solution blows up; infinite if the theorem does not apply.
    """

    satisfied: bool
    moment: float
    latest_time: float


@overload
def blow_up_criterion(model: Polarization, initial: InitialDensity, mu: None = None) -> MomentCriterion: ...
@overload
def blow_up_criterion(model: Population, initial: Gaussian | InitialDensity, mu: float | None = None) -> Criterion: ...
def blow_up_criterion(
    model: Population | Polarization, initial: Gaussian | InitialDensity, mu: float | None = None
) -> Criterion | MomentCriterion:
    """Does the theorem say that this datum blows up, and by when?

    If for some μ > V_F/a0 with b + μ a1 > 0

        μ (b + μ a1) M_μ(0) ≥ e^{μ V_F}          (− e^{μ V_R} on the right when there is no refractory state),

    then M_μ' ≥ μ (μ a0 − V_F) M_μ for as long as the solution exists, but M_μ ≤ e^{μ V_F}; hence

        t* ≤ (μ V_F − ln M_μ(0)) / (μ (μ a0 − V_F)).

    With a refractory state the proof only drops what S ≥ 0 adds to M_μ', so the bound is the same whatever the law of
    the refractory time is. With a transmission delay solutions are global (Cáceres, Roux, Salort, Schneider 2019): the
    theorem does not apply, whatever the datum.

    For `fp.cell_polarization` with instant polarity and M > 1 the first moment decides, J' = (1 − M) n(0, t): see
    `MomentCriterion`.

    Parameters
    ----------
    model : Population or Polarization
        With leak drift and no external current, for which the theorem is stated.
    initial : initial density
        `fp.gaussian(...)`, `fp.compatible_gaussian(...)` or a function of v.
    mu : float, optional
        Use this exponent. By default the best one is searched for; the papers take μ = 2 max(1/b, V_F/a0).

    Raises
    ------
    InvalidArgument
        If the model has an external current, or μ ≤ V_F/a0.

    Source: Cáceres, Carrillo, Perthame (2011), Thm 2.2; refractory: Cáceres, Perthame (2014); a1 > 0: Carrillo,
    Perthame, Salort, Smets (2015); polarization: Calvez, Hawkins, Meunier, Voituriez (2012). The constants are those of
    the proof, kept explicit.

    >>> from fokkerplanck import gaussian, nnlif
    >>> blow_up_criterion(nnlif(b=1.5), gaussian(1.5, 0.005)).satisfied
    True
    """
    if isinstance(model, Polarization):
        if mu is not None:
            raise InvalidArgument("`mu` is the exponent of a theorem on neurons; leave it out for polarization.")
        return _moment_criterion(model, as_density(initial))
    require_population(model, "the blow-up theorem is stated for one")
    require_leaky_hard(model, "the blow-up theorem is stated")
    coupling, a0, a1 = model.coupling, model.noise.a0, model.noise.a1
    if coupling.time_dependent or coupling.external_at(0.0) != 0.0:
        raise InvalidArgument("the blow-up theorem is stated without external current; use `external=0`.")
    never = Criterion(False, math.nan, math.nan, math.inf, math.inf)
    V_F, V_R = model.V_F, model.V_R
    smallest = max(V_F / a0, 0.0)
    if coupling.b + smallest * a1 <= 0:
        if a1 == 0:
            return never
        smallest = max(smallest, -coupling.b / a1)
    if mu is not None and not smallest < finite_number("mu", mu) <= LARGEST_MU:
        raise InvalidArgument(
            f"`mu` = {mu:g} must be larger than V_F/a0 (and −b/a1), {smallest:g}, and at most {LARGEST_MU:g}."
        )
    log_moment = _log_moment(model, as_density(initial))
    if coupling.delay > 0:
        return never

    def log_bound(m: float) -> float:
        at_reset = -math.expm1(m * (V_R - V_F)) if model.refractory.mean_duration == 0 else 1.0
        return m * V_F + math.log(at_reset) - math.log(m * (coupling.b + m * a1))

    def slack(m: float) -> float:
        return log_moment(m) - log_bound(m)

    def latest(m: float) -> float:
        return (m * V_F - log_moment(m)) / (m * (m * a0 - V_F))

    if mu is None:
        from scipy.optimize import brentq  # only where it is needed: loading it takes long

        # latest(μ) falls as μ grows, so the best μ is often the last admissible one: add the zeros of the slack.
        scanned = smallest + max(smallest, 1.0) * np.geomspace(1e-6, 100.0, 600)
        signs = np.sign([slack(m) for m in scanned])
        crossed = np.flatnonzero(signs[1:] != signs[:-1])
        edges = [brentq(slack, float(scanned[k]), float(scanned[k + 1]), xtol=1e-12) for k in crossed]
        candidates = np.array([*scanned, *edges])
    else:
        candidates = np.array([float(mu)])
    slacks = np.array([slack(m) for m in candidates])
    admissible = slacks >= -1e-9
    times = np.array([latest(m) if ok else math.inf for m, ok in zip(candidates, admissible, strict=True)])
    best = float(candidates[np.argmin(times)] if np.any(admissible) else candidates[np.argmax(slacks)])
    with np.errstate(over="ignore"):  # a moment beyond the largest double is shown as infinite
        moment, bound = np.exp([log_moment(best), log_bound(best)])
    return Criterion(bool(np.any(admissible)), best, float(moment), float(bound), float(times.min()))


def certified_connectivity(model: Population, initial: Gaussian | InitialDensity) -> float:
    """The smallest b for which `blow_up_criterion` says that the datum blows up, whatever the b of `model` is.

        b* = min over μ > V_F/a0 of  (e^{μ V_F} − e^{μ V_R})/(μ M_μ(0))

    without e^{μ V_R} where there is a refractory state.

    Parameters
    ----------
    model : Population
        With leak drift, hard threshold, constant noise a0 > 0, and without external current and delay. (With a1 > 0
        it is a1 rather than b that decides; `blow_up_criterion` tells.)
    initial : initial density
        `fp.gaussian(...)`, `fp.compatible_gaussian(...)` or a function of v.

    Raises
    ------
    InvalidArgument
        If the theorem is not stated for the model.

    Source: as `blow_up_criterion`.

    >>> from fokkerplanck import gaussian, nnlif
    >>> model, datum = nnlif(b=0.0), gaussian(1.5, 0.005)
    >>> least = certified_connectivity(model, datum)
    >>> [blow_up_criterion(nnlif(b=b), datum).satisfied for b in (1.001 * least, 0.999 * least)]
    [True, False]
    """
    population = require_leaky_hard(model, "the blow-up theorem is stated")
    coupling, noise = population.coupling, population.noise
    if (
        coupling.time_dependent
        or coupling.external_at(0.0) != 0.0
        or coupling.delay > 0.0
        or not noise.a0 > noise.a1 == 0.0
    ):
        raise InvalidArgument("b* of the theorem needs a0 > 0, a1 = 0, and neither external current nor delay.")
    from scipy.optimize import minimize_scalar

    V_F, V_R = population.V_F, population.V_R
    log_moment = _log_moment(population, as_density(initial))
    prompt = population.refractory.mean_duration == 0.0

    def needed(m: float) -> float:
        at_reset = -math.expm1(m * (V_R - V_F)) if prompt else 1.0
        return math.exp(min(m * V_F + math.log(at_reset) - math.log(m) - log_moment(m), 700.0))

    smallest = max(V_F / noise.a0, 0.0)
    scanned = smallest + max(smallest, 1.0) * np.geomspace(1e-6, 100.0, 120)
    values = [needed(float(m)) for m in scanned]
    k = int(np.argmin(values))
    low, high = float(scanned[max(k - 1, 0)]), float(scanned[min(k + 1, len(scanned) - 1)])
    found = minimize_scalar(needed, bounds=(low, high), method="bounded", options={"xatol": 1e-9 * high})
    return float(min(found.fun, values[k]))


def _moment_criterion(model: Polarization, datum: InitialDensity) -> MomentCriterion:
    grid = HalfLine.uniform(extent(datum), 20_000)
    n, h = datum.cell_averages(grid), grid.width[0]
    # Within a cell n is a straight line to second order: that adds h³ n'/12 to what its mass has at the centre.
    moment = model.mass * float(n @ grid.v + h / 12.0 * (n[-1] - n[0])) / float(n.sum())
    falls = bool(np.all(np.diff(n) <= 1e-12 * n.max()))
    latest = model.latest_blow_up(moment) if falls else math.inf
    return MomentCriterion(latest < math.inf, moment, latest)


def _log_moment(model: Population, datum: InitialDensity) -> Callable[[float], float]:
    """μ ↦ ln ∫ exp(μ v) n0 dv: exact for a Gaussian, else for the datum made constant in each of 8000 cells."""
    if isinstance(datum, Gaussian):
        return lambda m: datum.log_moment(m, model.V_F)
    if isinstance(datum, FromArray):
        raise InvalidArgument("`initial` must be a density of v here; an array of cell averages does not say where.")
    grid = model.grid(cells=8000, v_min=min(model.lowest_potential(), datum.lowest))
    mass = datum.cell_averages(grid) * grid.width
    held = mass > 0.0
    log_mass, v, half = np.log(mass[held]), grid.v[held], 0.5 * grid.width[held]

    def log_moment(m: float) -> float:
        return float(logsumexp(log_mass + m * v, b=np.sinh(m * half) / (m * half)))

    return log_moment
