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
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..grid import HalfLine
from ..outcomes import InvalidArgument, finite_number, frozen, non_negative, positive, real_array
from ..state import InitialDensity
from .model import Model

NODES, WEIGHTS = (0.5 * x for x in np.polynomial.legendre.leggauss(4))
NODES = frozen(NODES + 0.5)
WEIGHTS = frozen(WEIGHTS)
"""Gauss quadrature over [0, 1]."""
SURVIVING = 1e-8
"""Share of the neurons that reach the end of a default grid without firing."""
DOUBLINGS = 60
"""Doublings after which a hazard that still lets neurons survive is given up."""
TINY = 1e-100
COVERED, LENGTHENINGS = 1e-10, 40
"""Mass of the initial density that a default grid may miss, and how often it is made longer by a quarter."""


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
        return np.diff(edges), width * (np.exp(edges[:-1, None] - inner[:, 1:]) @ WEIGHTS)


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
        share = 1.0 / (1.0 + (max(x, 0.0) / self.half) ** self.steepness)
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
        sigma = float(self.sigma(x))
        if not 0.0 <= sigma < math.inf:
            raise InvalidArgument(f"`sigma` must be a finite duration, zero or positive, but σ({x:.6g}) = {sigma!r}.")
        return sigma

    def __call__(self, s: np.ndarray, x: float) -> np.ndarray:
        return np.where(np.asarray(s) > self.duration(x), self.height, 0.0)

    def integral(self, s: np.ndarray, x: float) -> np.ndarray:
        return self.height * np.maximum(np.asarray(s) - self.duration(x), 0.0)

    def final_rate(self, x: float) -> float:
        return self.height

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
    `fp.StepHazard` for one.
    """

    function: Callable[[np.ndarray, float], np.ndarray]

    def __call__(self, s: np.ndarray, x: float) -> np.ndarray:
        s = np.asarray(s, dtype=float)
        p = real_array("hazard", self.function(s, x))
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
        finite_number("connectivity", self.connectivity)
        non_negative("delay", self.delay)
        non_negative("spread", self.spread)
        non_negative("start", self.start)

    @property
    def may_blow_up(self) -> bool:
        """Never: N is at most the largest p."""
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
        """Equal cells of ages on [0, end]; the last one holds all who are older.

        By default hardly a neuron reaches `end` without firing, neither without input nor at the activity X = 1.
        """
        return HalfLine.uniform(self.oldest if end is None else positive("end", end), cells)

    def default_grid(self, datum: InitialDensity, t_span: tuple[float, float], reach: float = 1.0) -> HalfLine:
        end = reach * self.oldest
        for _ in range(LENGTHENINGS):
            masses = (grid := self.grid(end=end)).sample(datum) * grid.width
            if 1.0 - masses.sum() < COVERED and masses[-1] < COVERED:
                break
            end *= 1.25
        return grid

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
        J, that multiplies the activity.
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
    law = hazard if isinstance(hazard, Hazard) or not callable(hazard) or isinstance(hazard, type) else None
    return TimeElapsed(FunctionHazard(hazard) if law is None else law, connectivity, delay, spread, start)  # type: ignore[arg-type]


def require_elapsed(model: object) -> TimeElapsed:
    """The model itself, or the refusal of another one."""
    if not isinstance(model, TimeElapsed):
        raise InvalidArgument(f"`model` must be a time-elapsed model such as fp.time_elapsed(hazard), not {model!r}.")
    return model
