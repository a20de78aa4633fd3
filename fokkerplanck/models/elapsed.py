"""The time-elapsed model: a population structured by the time since the last discharge of each neuron.

    ∂t n + ∂s n + p(s, J X(t)) n = 0,   n(0, t) = N(t) = ∫ p(s, J X(t)) n(s, t) ds,   ∫ n ds = 1

The laws of p are here: what they must say of themselves is how often a neuron of age s fires, p(s, x), and the integral
of that over the age.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from ..elements import Elements
from ..grid import Cells, HalfLine
from ..outcomes import InvalidArgument, finite_number, frozen, non_negative, positive, real_array
from ..state import Exponential, Gaussian, InitialDensity
from .model import Model

NODES, WEIGHTS = (0.5 * x for x in np.polynomial.legendre.leggauss(4))
NODES = frozen(NODES + 0.5)
WEIGHTS = frozen(WEIGHTS)
"""Gauss quadrature over [0, 1]."""
POWERS = np.arange(1, len(NODES) + 1)
UP_TO = frozen(np.linalg.solve(np.vander(NODES, increasing=True).T, (NODES[:, None] ** POWERS / POWERS).T).T)
"""Row i integrates from 0 to node i the polynomial through the values at the nodes."""
STEEP = 30.0
"""∫ p over a cell above which hardly a neuron leaves it by ageing, and e^{−∫p} is too steep for Gauss quadrature."""
SURVIVING = 1e-8
"""Share of the neurons that reach the end of a default grid without firing."""
DOUBLINGS = 60
"""Doublings after which a hazard that still lets neurons survive is given up."""
TINY = 1e-100
COVERED, LENGTHENINGS = 1e-10, 40
"""Mass of the initial density that a default grid may miss, and how often it is made longer by a quarter."""
SETTLED, NEARLY = 1e-10, 0.1
"""Relative distance from its last value at which a hazard has settled, and at which most of its change is over."""
LOOKED, LATER = 2001, 8.0
"""Ages at which a hazard is looked at for that, and how far beyond an old age."""
LEAST_CELLS, MOST_CELLS, UTMOST_CELLS = 400, 4000, 16000
"""Cells of a default grid: at least; at most, but for a hazard that still changes; and at most in any case."""
STEPS, MOST_STEPS, PER_SCALE, PER_DATUM, PER_LAG = 200, 20000, 20, 10, 4
"""Cells of a default grid over the time of the run, and at most for what follows: over the scale of the hazard, that of
the datum, and a delay."""
BRIEF = 1e-3
"""A refractory time this short against the time to fire is of no account."""
BEYOND = 1.05
"""Times the age at which the hazard has settled: there it certainly has."""
FAR = 1e12
"""Times the end of a grid: older is nobody."""


def last_apart(ages: np.ndarray, p: np.ndarray, share: float) -> float:
    """The first age after which p differs from its last value by no more than a share of it."""
    apart = np.flatnonzero(np.abs(p - p[-1]) > share * p[-1])
    return float(ages[np.max(apart, initial=-1) + 1])


class Hazard(ABC):
    """How often a neuron fires whose last discharge was a time s ago: p(s, x) ≥ 0 under the input x = J X."""

    sees_activity: ClassVar[bool] = True
    """Whether p depends on x at all."""

    @abstractmethod
    def __call__(self, s: np.ndarray, x: float) -> np.ndarray:
        """p(s, x) at the ages s."""

    @abstractmethod
    def integral(self, s: np.ndarray, x: float) -> np.ndarray:
        """∫ p(u, x) du from 0 to s, at ages in increasing order."""

    def survival(self, s: ArrayLike, x: float = 0.0) -> np.ndarray:
        """exp(−∫₀ˢ p du): the share of those that have not fired up to the age s, at ages in increasing order."""
        return np.exp(-self.integral(np.asarray(s, dtype=float), x))

    def final_rate(self, x: float) -> float:
        """p for the oldest neurons: at the age that one in 1e8 reaches."""
        return float(np.asarray(self(np.array([self.old_age(x)]), x))[0])

    def old_age(self, x: float) -> float:
        """The age that hardly a neuron reaches; infinite if some never fire."""
        age = 1.0
        for _ in range(DOUBLINGS):
            ages = np.linspace(0.0, age, 513)
            few = self.survival(ages, x) <= SURVIVING
            if few[-1]:
                return float(ages[np.argmax(few)])
            age *= 2.0
        return math.inf

    def changes(self, x: float) -> tuple[float, float]:
        """Ages from which on p differs little from that of the oldest, and from which on it is constant."""
        oldest = self.old_age(x)
        if oldest == math.inf:
            return math.inf, math.inf
        ages = np.append(0.0, oldest * np.geomspace(1e-9, 1.0, LOOKED - 1))
        nearly = last_apart(ages, np.asarray(self(ages, x)), NEARLY)
        ages = np.append(ages, oldest * np.geomspace(1.0, LATER, LOOKED)[1:])
        try:
            p = np.asarray(self(ages, x))
            beyond = float(np.asarray(self(2.0 * ages[-1:], x))[0])
        except InvalidArgument:  # so far out it may be too large
            return nearly, math.inf
        settled = last_apart(ages, p, SETTLED) if abs(beyond - p[-1]) <= SETTLED * p[-1] else math.inf
        return nearly, settled

    def transform(self, z: complex | np.ndarray, x: float = 0.0, cells: int = 400) -> np.ndarray:
        """∫ e^{−zs} exp(−∫₀ˢ p) ds, for Re z > −p(∞): at z = 0 the mean interval between discharges.

        By Gauss quadrature, finer at small ages, up to an old age, beyond which p is taken as constant.
        """
        return self.transformed(x, cells)(z)

    def transformed(self, x: float, cells: int) -> Callable[[complex | np.ndarray], np.ndarray]:
        """`transform` as a function of z, with what does not depend on z found once."""
        oldest = self.old_age(x)
        if oldest == math.inf:
            return lambda z: np.full(np.shape(z), np.inf)
        faces = oldest * np.linspace(0.0, 1.0, cells + 1) ** 2
        width = np.diff(faces)[:, None]
        ages = (faces[:-1, None] + width * NODES).ravel()
        share = self.survival(np.append(ages, oldest), x)
        weights, left, last = (width * WEIGHTS).ravel() * share[:-1], share[-1], self.final_rate(x)

        def transform(z: complex | np.ndarray) -> np.ndarray:
            z = np.asarray(z)
            return np.asarray(np.exp(-np.multiply.outer(z, ages)) @ weights + left * np.exp(-z * oldest) / (last + z))

        return transform

    def over(self, faces: np.ndarray, x: float) -> tuple[np.ndarray, np.ndarray]:
        """Of every interval between two ages its ∫ p ds, and the mean time that a neuron which enters it spends in it.

        The second is ∫ exp(−∫ p) ds with the inner integral from the lower end: by Gauss quadrature, of order 8, unless
        a law knows it in closed form.
        """
        width = np.diff(faces)
        ages = np.column_stack([faces[:-1], faces[:-1, None] + width[:, None] * NODES])
        exponent = self.integral(np.append(ages.ravel(), faces[-1]), x)
        inner, edges = exponent[:-1].reshape(ages.shape), exponent[:: len(NODES) + 1]
        return stays(width, np.diff(edges), inner[:, 1:] - edges[:-1, None])


def stays(width: np.ndarray, exponent: np.ndarray, inner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`Hazard.over` from ∫ p over each interval and up to its nodes; where p is large, as if it were constant there."""
    steep = exponent > STEEP
    gentle = np.where(steep[:, None], 0.0, inner)
    stay = width * np.where(steep, 1.0 / np.where(steep, exponent, 1.0), np.exp(-gentle) @ WEIGHTS)
    return exponent, stay


@dataclass(frozen=True)
class HillDuration:
    """A refractory time that follows the input: σ(x) = active + (quiet − active)/(1 + (x/half)^steepness).

    Parameters
    ----------
    quiet, active : float
        σ without input and under a strong one, zero or positive; quiet > active is excitation.
    half : float
        Input at which σ is half-way, positive.
    steepness : float
        Positive.

    >>> HillDuration(quiet=2.0, active=0.5, half=1.0)(1.0)
    1.25
    """

    quiet: float
    active: float
    half: float
    steepness: float = 4.0

    def __post_init__(self) -> None:
        non_negative("quiet", self.quiet)
        non_negative("active", self.active)
        positive("half", self.half)
        positive("steepness", self.steepness)

    def __call__(self, x: float) -> float:
        # 1/(1 + u^k) = expit(−k ln u), which does not overflow
        share = float(expit(-self.steepness * math.log(x / self.half))) if x > 0.0 else 1.0
        return self.active + (self.quiet - self.active) * share


@dataclass(frozen=True)
class StepHazard(Hazard):
    """p(s, x) = height · 1_{s > σ(x)}: refractory for a time σ(x), then firing at a constant rate.

    Parameters
    ----------
    sigma : float or callable
        σ(x) ≥ 0, a number or a function of x = J X such as `fp.HillDuration`. Falling: excitatory. Rising: inhibitory.
    height : float
        Rate of those who can fire, positive; 1 in the papers.

    All integrals are in closed form, with the jump of p wherever it is.

    Source: Pakdaman, Perthame, Salort, Nonlinearity 23 (2010) 55; SIAM J. Appl. Math. (2013), arXiv:1109.3014.

    >>> StepHazard(1.0).survival([0.5, 1.0, 2.0]).round(6).tolist()
    [1.0, 1.0, 0.367879]
    """

    sigma: float | Callable[[float], float]
    height: float = 1.0

    def __post_init__(self) -> None:
        positive("height", self.height)
        if isinstance(self.sigma, type) or not callable(self.sigma):
            non_negative("sigma", self.sigma)

    @property
    def sees_activity(self) -> bool:  # type: ignore[override]
        return callable(self.sigma)

    def duration(self, x: float) -> float:
        """σ(x)."""
        if not callable(self.sigma):
            return float(self.sigma)
        found = self.sigma(x)
        try:
            sigma = float(found) if np.ndim(found) == 0 else math.nan
        except (TypeError, ValueError):
            sigma = math.nan
        if not 0.0 <= sigma < math.inf:
            raise InvalidArgument(
                f"`sigma` must be a finite duration, zero or positive, but σ({x:.6g}) = {found!r:.60}."
            )
        return sigma

    def __call__(self, s: np.ndarray, x: float) -> np.ndarray:
        return np.where(np.asarray(s) > self.duration(x), self.height, 0.0)

    def integral(self, s: np.ndarray, x: float) -> np.ndarray:
        return self.height * np.maximum(np.asarray(s) - self.duration(x), 0.0)

    def final_rate(self, x: float) -> float:
        return self.height

    def changes(self, x: float) -> tuple[float, float]:
        sigma = self.duration(x)
        return sigma if sigma * self.height > BRIEF else 0.0, sigma

    def old_age(self, x: float) -> float:
        return self.duration(x) - math.log(SURVIVING) / self.height

    def transform(self, z: complex | np.ndarray, x: float = 0.0, cells: int = 0) -> np.ndarray:
        """(1 − e^{−zσ})/z + e^{−zσ}/(height + z)."""
        z, sigma = np.asarray(z), self.duration(x)
        tiny = np.abs(z) < TINY
        before = np.where(tiny, sigma, -np.expm1(-z * sigma) / np.where(tiny, 1.0, z))
        return np.asarray(before + np.exp(-z * sigma) / (self.height + z))

    def over(self, faces: np.ndarray, x: float) -> tuple[np.ndarray, np.ndarray]:
        safe = np.clip(self.duration(x), faces[:-1], faces[1:]) - faces[:-1]  # the part of the interval below σ
        exponent = self.height * (np.diff(faces) - safe)
        return exponent, safe - np.expm1(-exponent) / self.height


@dataclass(frozen=True)
class SigmoidHazard(Hazard):
    """p(s, x) = r(x) (1 − e^{−s/recovery}), r(x) = maximum/(1 + e^{(threshold − x)/slope}): smooth in age and input.

    Parameters
    ----------
    maximum : float
        Largest rate, positive.
    threshold : float
        Input at which r is half of it.
    slope : float
        Width of the sigmoid in x; positive is excitatory, negative inhibitory.
    recovery : float
        Time in which a neuron recovers from its discharge, positive.

    >>> round(float(SigmoidHazard(maximum=2.0)(np.array(1e3), 0.0)), 6)
    1.0
    """

    maximum: float = 1.0
    threshold: float = 0.0
    slope: float = 1.0
    recovery: float = 1.0

    def __post_init__(self) -> None:
        positive("maximum", self.maximum)
        finite_number("threshold", self.threshold)
        if finite_number("slope", self.slope) == 0.0:
            raise InvalidArgument("`slope` must not be zero; a jump in x has no continuous activity.")
        positive("recovery", self.recovery)

    def rate(self, x: float) -> float:
        """r(x)."""
        return 0.5 * self.maximum * (1.0 + math.tanh(0.5 * (x - self.threshold) / self.slope))

    def __call__(self, s: np.ndarray, x: float) -> np.ndarray:
        return -self.rate(x) * np.expm1(-np.asarray(s) / self.recovery)

    def integral(self, s: np.ndarray, x: float) -> np.ndarray:
        u = np.asarray(s) / self.recovery
        return self.rate(x) * self.recovery * (u + np.expm1(-u))


@dataclass(frozen=True)
class TabulatedHazard(Hazard):
    """A hazard given at some ages, linear between them and constant beyond the last; deaf to the activity.

    Parameters
    ----------
    ages : sequence of float
        Increasing, the first 0.
    rates : sequence of float
        p ≥ 0 at those ages, the last positive.

    >>> float(TabulatedHazard([0.0, 1.0], [0.0, 2.0]).integral(np.array([2.0]), 0.0)[0])
    3.0
    """

    ages: Sequence[float]
    rates: Sequence[float]
    sees_activity: ClassVar[bool] = False

    def __post_init__(self) -> None:
        ages, rates = real_array("ages", self.ages), real_array("rates", self.rates)
        if ages.ndim != 1 or len(ages) < 2 or ages[0] != 0.0 or not np.all(np.diff(ages) > 0):
            raise InvalidArgument("`ages` must be a vector of increasing numbers that starts at 0.")
        if rates.shape != ages.shape or not np.all((rates >= 0.0) & (rates < np.inf)) or not rates[-1] > 0.0:
            raise InvalidArgument("`rates` must be finite and zero or positive, one for each age, the last positive.")
        # As tuples the law is a value: equal to another one with the same numbers.
        object.__setattr__(self, "ages", tuple(ages.tolist()))
        object.__setattr__(self, "rates", tuple(rates.tolist()))

    def __call__(self, s: np.ndarray, x: float) -> np.ndarray:
        return np.interp(s, self.ages, self.rates)

    def integral(self, s: np.ndarray, x: float) -> np.ndarray:
        s, ages, rates = np.asarray(s, dtype=float), np.array(self.ages), np.array(self.rates)
        steps = 0.5 * np.diff(ages) * (rates[1:] + rates[:-1])
        k = np.clip(np.searchsorted(ages, s, side="right") - 1, 0, len(ages) - 1)
        return np.append(0.0, np.cumsum(steps))[k] + 0.5 * (s - ages[k]) * (rates[k] + self(s, x))


@dataclass(frozen=True, eq=False)
class FunctionHazard(Hazard):
    """Any function p(s, x) of an array of ages and one input, non-negative and smooth in s between the faces of cells.

    Its integral is by Gauss quadrature between the ages it is asked for. A jump in s costs an order: use
    `fp.StepHazard` for one. A function of the age alone is evaluated once in a run if the model has `connectivity=0`.
    """

    function: Callable[[np.ndarray, float], np.ndarray]

    def __call__(self, s: np.ndarray, x: float) -> np.ndarray:
        s = np.asarray(s, dtype=float)
        try:
            with np.errstate(all="ignore"):  # what is not finite is refused below
                p = real_array("hazard", self.function(s, x))
        except TypeError as error:
            raise InvalidArgument(
                f"`hazard` must be a law such as fp.StepHazard(1.0) or a function of an array of ages and one input; "
                f"called with both it failed: {error}."
            ) from error
        if p.shape != s.shape or not np.all((p >= 0.0) & (p < np.inf)):
            raise InvalidArgument(
                f"`hazard` must map an array of ages and an input to finite rates ≥ 0 of the same shape; {s.size} ages "
                f"and x = {x:.6g} gave {p!r:.60}."
            )
        return p

    def integral(self, s: np.ndarray, x: float) -> np.ndarray:
        s = np.asarray(s, dtype=float)
        ends = np.append(0.0, s.ravel())
        width = np.diff(ends)[:, None]
        p = self((ends[:-1, None] + width * NODES).ravel(), x).reshape(-1, len(NODES))
        return np.cumsum(width[:, 0] * (p @ WEIGHTS)).reshape(s.shape)

    def over(self, faces: np.ndarray, x: float) -> tuple[np.ndarray, np.ndarray]:
        width = np.diff(faces)[:, None]
        p = self((faces[:-1, None] + width * NODES).ravel(), x).reshape(-1, len(NODES))
        return stays(width[:, 0], width[:, 0] * (p @ WEIGHTS), width * (p @ UP_TO.T))


def as_hazard(hazard: object) -> Hazard:
    """A law, or a function p(s, x) as one."""
    if isinstance(hazard, Hazard):
        return hazard
    if isinstance(hazard, type) or not callable(hazard):
        raise InvalidArgument(
            f"`hazard` must be a law such as fp.StepHazard(1.0), or a function p(s, x) of an array of ages and one "
            f"input, not {hazard!r}."
        )
    return FunctionHazard(hazard)


@dataclass(frozen=True)
class TimeElapsed(Model):
    """The time-elapsed model; made by `fp.time_elapsed`."""

    hazard: Hazard
    connectivity: float = 1.0
    delay: float = 0.0
    spread: float = 0.0
    start: float = 0.0

    coordinate: ClassVar[str] = "s"
    companion_name: ClassVar[str] = "X"

    def __post_init__(self) -> None:
        if not isinstance(self.hazard, Hazard):
            raise InvalidArgument(f"`hazard` must be a law such as fp.StepHazard(1.0), not {self.hazard!r}.")
        self.hazard(np.array([0.0, 1.0]), 0.0)  # which refuses what is no hazard
        finite_number("connectivity", self.connectivity)
        non_negative("delay", self.delay)
        non_negative("spread", self.spread)
        non_negative("start", self.start)

    @property
    def may_blow_up(self) -> bool:
        """No: N is at most the largest p. Where p grows with x beyond all bounds there may be no N: `UNRESOLVED`."""
        return False

    @property
    def couples(self) -> bool:
        """Whether the activity acts on the neurons."""
        return self.connectivity != 0.0 and self.hazard.sees_activity

    @property
    def lags(self) -> tuple[float, ...]:
        return (self.delay,) if self.delay else ()

    @property
    def companion(self) -> float:
        """X at the start, where it evolves: with a distributed delay."""
        return self.start if self.spread else 0.0

    def input(self, X: float) -> float:
        """x = J X."""
        return self.connectivity * X

    def grid(self, cells: int = 400, end: float | None = None) -> HalfLine:
        """Equal cells of ages on [0, end]; the last one holds all who are older, and treats them like those of `end`.

        Steps are as long as a cell is wide: it must be short against the time of the run, the ages over which p
        changes and any delay. By default hardly a neuron reaches `end` without firing, neither without input nor at
        the activity X = 1; nothing is lost with an earlier one, if p no longer changes beyond it.
        """
        return HalfLine.uniform(self.oldest if end is None else positive("end", end), cells)

    def default_grid(self, datum: InitialDensity, t_span: tuple[float, float], reach: float = 1.0) -> HalfLine:
        """Cells that resolve run, hazard, datum and delays, up to an old age, or at least until p has settled."""
        oldest, settled = self.oldest, BEYOND * self.changes[1]
        span, needs = t_span[1] - t_span[0], [lag / PER_LAG for lag in (self.delay, self.spread) if lag > 0.0]
        needs += [self.scale / PER_SCALE] if self.scale else []
        shortest = span / MOST_STEPS
        needs = [need for need in needs if need >= shortest]  # what no run resolves is left to a warning
        width = min(oldest / LEAST_CELLS, span / STEPS, max(datum.narrowest[1] / PER_DATUM, shortest), *needs)
        end = oldest if settled == math.inf else min(oldest, max(settled, MOST_CELLS * width))
        known = isinstance(datum, Gaussian | Exponential)
        if settled == math.inf or not known:
            # There how old the oldest are matters, and a function is normalised on the grid.
            end = min(self._covering(datum, end), max(end, UTMOST_CELLS * width))
        end *= reach
        return self.grid(min(max(math.ceil(end / width * (1.0 - 1e-12)), LEAST_CELLS), UTMOST_CELLS), end)

    def _covering(self, datum: InitialDensity, end: float) -> float:
        """`end`, or as much later as the datum goes on."""
        for _ in range(LENGTHENINGS):
            grid = HalfLine.uniform(end, LEAST_CELLS)
            if (self.sample(grid, datum) * grid.width)[-1] < COVERED:
                return end
            end *= 1.25
        return end

    def sample(self, grid: Cells | Elements, datum: InitialDensity) -> np.ndarray:
        """Cell averages, with all that is older in the last cell; functions are normalised on the grid."""
        if not isinstance(datum, Gaussian | Exponential):
            return grid.sample(datum)
        assert isinstance(grid, HalfLine)  # as `check_grid` has seen to
        longer = HalfLine(np.append(grid.faces, FAR * max(grid.v_max, datum.narrowest[0] + datum.narrowest[1])))
        masses = longer.sample(datum) * longer.width
        return np.append(masses[:-2], masses[-2] + masses[-1]) / grid.width

    @cached_property
    def changes(self) -> tuple[float, float]:
        """Ages from which on p changes little, and not at all, at the inputs that `oldest` looks at."""
        inputs = {self.input(X) for X in (0.0, 1.0, self.start)} if self.couples else {0.0}
        each = [self.hazard.changes(x) for x in inputs]
        return max(nearly for nearly, _ in each), max(settled for _, settled in each)

    @property
    def scale(self) -> float:
        """The ages over which p changes; 0 if it does not."""
        return self.changes[0]

    @property
    def oldest(self) -> float:
        """An age that hardly a neuron reaches."""
        ages = {X: self.hazard.old_age(self.input(X)) for X in (0.0, 1.0, self.start)}
        if math.inf in ages.values():
            silent = ", ".join(f"{X:g}" for X in ages if ages[X] == math.inf)
            raise InvalidArgument(f"`hazard` lets neurons never fire at X = {silent}; it must be positive at last.")
        return max(ages.values())


def time_elapsed(
    hazard: Hazard | Callable[[np.ndarray, float], np.ndarray],
    connectivity: float = 1.0,
    delay: float = 0.0,
    spread: float = 0.0,
    start: float = 0.0,
) -> TimeElapsed:
    """The time-elapsed model: neurons structured by the time s since their last discharge.

        ∂t n + ∂s n + p(s, J X) n = 0,   n(0, t) = N(t) = ∫ p(s, J X) n ds,
        X(t) = N(t − d)          or, with a distributed delay of mean λ,          λ X' = N(t − d) − X

    Without delay N solves N = ∫ p(s, J N) n ds at every instant. Where that has several solutions N follows one of them
    as long as it exists, and then jumps to where the limit λ → 0 goes; `Solution.message` says so.

    Parameters
    ----------
    hazard : Hazard or callable
        p(s, x) as a law (`fp.StepHazard`, `fp.SigmoidHazard`, `fp.TabulatedHazard`, `fp.lif_hazard`) or a function of
        an array of ages and one input.
    connectivity : float
        J, that multiplies the activity. With 0 the hazard is evaluated once, which makes a slow function quick.
    delay : float
        d ≥ 0.
    spread : float
        λ ≥ 0, the mean of an exponentially distributed delay; X is then `Solution.refractory`, X(0) = `start`.
    start : float
        X before the start: with a distributed delay its initial value, without delay where N(0) is looked for first.

    Raises
    ------
    InvalidArgument
        If a parameter is out of range.

    Source: Pakdaman, Perthame, Salort, Nonlinearity 23 (2010) 55; with distributed delay, and when N jumps without:
    Sepúlveda, Torres, Villada, arXiv:2310.02068.

    >>> time_elapsed(StepHazard(1.0)).oldest > 15.0
    True
    """
    return TimeElapsed(as_hazard(hazard), connectivity, delay, spread, start)


def require_elapsed(model: object) -> TimeElapsed:
    """The model itself, or the refusal of another one."""
    if not isinstance(model, TimeElapsed):
        raise InvalidArgument(f"`model` must be a time-elapsed model such as fp.time_elapsed(hazard), not {model!r}.")
    return model
