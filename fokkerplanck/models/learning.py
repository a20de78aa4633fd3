"""Populations structured by their synaptic weights, which a Hebbian rule changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from ..grid import Grid
from ..outcomes import InvalidArgument, finite_number, frozen, non_negative, positive, real_array
from ..state import InitialDensity, as_density
from .alike import AlikeLanes
from .catalog import nnlif
from .coupling import MeanFieldCoupling
from .drift import Drift
from .population import Population
from .refractory import Refractory
from .voltage import rough_rate
from .wiring import Inputs

Profile = float | Callable[[np.ndarray], np.ndarray]
"""A function of the weight: a number, or a callable that maps an array of weights to an array of the same shape."""

FEWEST_LANES, MOST_LANES = 4, 100_000
UNEQUAL = 1e-9
"""Largest relative difference between the distances of weights that are called equally spaced."""
STEP = 1e-3
"""Of the difference formula for the slope of a plain function, relative to max(x, 1): its error, h⁴ σ⁽⁵⁾/5 at most, and
that of rounding, about 1e-16/h, balance at 1e-13 for a function that varies on the scale 1."""
PROBES = np.array([0.0, 1e-3, 0.1, 1.0, 10.0])
"""Activities at which a saturation is tried out before anything is computed."""
LARGE, LARGER, BOUNDED = 1e6, 1e12, 1.01
"""A saturation that rises by at most a hundredth between these two activities is bounded."""
FASTEST = 100.0
"""Total rate at which the estimate of the currents ends: what blows up needs no wider grid."""
SWEEPS, SAMPLES = 60, 65
"""Iterations of that estimate, and activities among which the lowest current is looked for."""


# -- saturations ------------------------------------------------------------------------------------------------


class Saturation(Protocol):
    """σ(x) of an array of activities x ≥ 0, and its slope."""

    def __call__(self, x: np.ndarray) -> np.ndarray: ...

    def slope(self, x: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Identity:
    """σ(x) = x: the current grows with the activity without bound.

    >>> Identity()(np.array([2.0])).tolist()
    [2.0]
    """

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.array(x, dtype=float)

    def slope(self, x: np.ndarray) -> np.ndarray:
        """1."""
        return np.ones(np.shape(x))


@dataclass(frozen=True)
class Saturating:
    """σ(x) = x/(1 + x/m), which grows like x and stays below its maximum m.

    Parameters
    ----------
    maximum : float
        m, positive (dimensionless).

    >>> Saturating()(np.array([1.0])).tolist()
    [0.5]
    """

    maximum: float = 1.0

    def __post_init__(self) -> None:
        positive("maximum", self.maximum)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return x / (1.0 + np.asarray(x) / self.maximum)

    def slope(self, x: np.ndarray) -> np.ndarray:
        """1/(1 + x/m)²."""
        return (1.0 + np.asarray(x) / self.maximum) ** -2.0


@dataclass(frozen=True)
class HyperbolicTangent:
    """σ(x) = m tanh(x/m), which grows like x and stays below its maximum m.

    Parameters
    ----------
    maximum : float
        m, positive (dimensionless).

    >>> HyperbolicTangent().slope(np.array([0.0])).tolist()
    [1.0]
    """

    maximum: float = 1.0

    def __post_init__(self) -> None:
        positive("maximum", self.maximum)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return self.maximum * np.tanh(np.asarray(x) / self.maximum)

    def slope(self, x: np.ndarray) -> np.ndarray:
        """1 − tanh²(x/m)."""
        return 1.0 - np.tanh(np.asarray(x) / self.maximum) ** 2


@dataclass(frozen=True)
class FunctionSaturation:
    """σ given by a function of an array of activities; its slope by another, or by differences of fourth order.

    The differences are central where x ≥ 2h, h = 0.001 max(x, 1), and one-sided below, for an activity is not negative.
    They are good to about 1e-12 where σ varies on the scale max(x, 1) or slower.
    """

    function: Callable[[np.ndarray], np.ndarray]
    derivative: Callable[[np.ndarray], np.ndarray] | None = None

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return _mapped("saturation", self.function, np.asarray(x, dtype=float))

    def slope(self, x: np.ndarray) -> np.ndarray:
        """σ'(x)."""
        x = np.asarray(x, dtype=float)
        if self.derivative is not None:
            return _mapped("derivative", self.derivative, x)
        h = STEP * np.maximum(x, 1.0)
        inside = x >= 2.0 * h
        start = np.where(inside, x - 2.0 * h, x)
        values = np.array([self(start + i * h) for i in range(5)])
        central, forward = np.array([1.0, -8.0, 0.0, 8.0, -1.0]), np.array([-25.0, 48.0, -36.0, 16.0, -3.0])
        weights = np.where(inside, central.reshape(-1, *[1] * x.ndim), forward.reshape(-1, *[1] * x.ndim))
        return np.asarray((weights * values).sum(axis=0) / (12.0 * h))


# -- the model --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Learning(AlikeLanes):
    """Neurons with synaptic weights w in [w_min, w_max], which learn; build it with `learning`.

        ∂t p + ∂v[(f(v) + I(w) + w σ(N̄)) p] + ε ∂w[(Φ − w) p] − a ∂vv p = S(w, t) δ(v − V_R)
        N(w, t) = −a ∂v p(V_F, w, t),   N̄ = ∫ N dw,   Φ = K(w) N N̄,   C(w, t) = ∫ p dv

    The weights are those of `resolution` cells of equal width `dw`, the lanes; N(w) is a density in w, as p and C are,
    and Σ C_k dw = 1. Total mass is kept, and without learning every C(w).

    Attributes
    ----------
    neuron : Population
        One neuron without input: f, a, V_R, V_F and the refractory law.
    w_min, w_max : float
        Ends of the interval of the weights, through which nothing passes.
    resolution : int
        Number of cells in w, the argument `lanes` of `learning`.
    signal, rule : float or callable
        I(w) and K(w).
    saturation : Saturation
        σ.
    speed : float
        ε, the ratio of the time scales of membrane and learning.
    """

    neuron: Population
    w_min: float
    w_max: float
    resolution: int
    signal: Profile
    rule: Profile
    saturation: Saturation
    speed: float

    def __post_init__(self) -> None:
        finite_number("w_min", self.w_min)
        finite_number("w_max", self.w_max)
        if not self.w_min < self.w_max:
            raise InvalidArgument(f"the weights go from {self.w_min:g} to {self.w_max:g}; swap them?")
        if isinstance(self.resolution, bool) or not isinstance(self.resolution, int | np.integer):
            raise InvalidArgument(f"`lanes` must be an integer, not {self.resolution!r}.")
        if not FEWEST_LANES <= self.lanes <= MOST_LANES:
            raise InvalidArgument(f"`lanes` = {self.lanes}, but it must lie between {FEWEST_LANES} and {MOST_LANES}.")
        non_negative("speed", self.speed)
        for name, profile in (("signal", self.signal), ("rule", self.rule)):
            if not callable(profile):
                finite_number(name, profile)
        for values in (self.saturation(PROBES), self.saturation.slope(PROBES)):
            if np.shape(values) != PROBES.shape or not np.all(np.isfinite(values)):
                raise InvalidArgument(
                    f"`saturation` and its slope must map an array of activities to finite numbers of the same shape, "
                    f"but {self.saturation!r} does not do so at {PROBES.tolist()}."
                )
        if np.any(self.saturation(PROBES) < 0.0):
            raise InvalidArgument("`saturation` must not be negative: the sign of a synapse is that of its weight w.")
        self._check_neuron()
        # Functions of w that are wrong somewhere on the grid are refused here, not in the middle of a run.
        _ = self.external, self._rule_at_faces

    def _check_neuron(self) -> None:
        neuron, coupling = self.neuron, self.neuron.coupling
        if coupling.gain or neuron.noise.gain or coupling.delay or coupling.time_dependent or coupling.external_at(0.0):
            raise InvalidArgument(
                f"`neuron` has an input of its own ({coupling!r}, a1 = {neuron.noise.gain:g}); give it as the `signal`."
            )
        if not neuron.threshold.absorbing:
            raise InvalidArgument(f"`neuron` needs a hard threshold, not {neuron.threshold!r}.")
        if not neuron.refractory.memoryless:
            raise InvalidArgument(
                f"`refractory` = {neuron.refractory!r} looks back in time, while the weights move on; use "
                f"fp.ExponentialRefractory."
            )

    def __repr__(self) -> str:
        return f"Learning({self.resolution} weights in [{self.w_min:g}, {self.w_max:g}], speed {self.speed:g})"

    # -- the weights ----------------------------------------------------------------------------------------------

    @property
    def lanes(self) -> int:
        return int(self.resolution)

    @cached_property
    def dw(self) -> float:
        """Width of the cells in w."""
        return (self.w_max - self.w_min) / self.lanes

    @cached_property
    def w_faces(self) -> np.ndarray:
        """Faces between the cells in w, shape (lanes + 1,)."""
        return frozen(np.linspace(self.w_min, self.w_max, self.lanes + 1))

    @cached_property
    def w(self) -> np.ndarray:
        """Weights of the lanes: the centres of the cells, shape (lanes,)."""
        return frozen(0.5 * (self.w_faces[1:] + self.w_faces[:-1]))

    def signal_at(self, w: ArrayLike) -> np.ndarray:
        """I(w), of the shape of w; refuses what is not finite there."""
        return _profile("signal", self.signal, np.asarray(w, dtype=float))

    def rule_at(self, w: ArrayLike) -> np.ndarray:
        """K(w), of the shape of w; refuses what is not finite there."""
        return _profile("rule", self.rule, np.asarray(w, dtype=float))

    @cached_property
    def external(self) -> np.ndarray:
        """I(w) of the lanes, shape (lanes,)."""
        return frozen(self.signal_at(self.w))

    @cached_property
    def _rule_at_faces(self) -> np.ndarray:
        return frozen(self.rule_at(self.w_faces))

    # -- what the rates do ----------------------------------------------------------------------------------------

    def total_rate(self, rates: np.ndarray) -> np.ndarray:
        """N̄ = Σ N_k dw of the rates N_k, shape (lanes,)."""
        return np.asarray(self._shares_of_total @ rates)

    def current(self, rates: np.ndarray) -> np.ndarray:
        """c_k = I(w_k) + w_k σ(N̄), shape (lanes,)."""
        return self.external + self.w * self.saturation(self.total_rate(rates))

    def current_slope(self, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(u, v), each of shape (lanes,), with δc = u (v · δN): u = w σ'(N̄), v = dw."""
        return self.w * self.saturation.slope(self.total_rate(rates)), self._shares_of_total

    @cached_property
    def _shares_of_total(self) -> np.ndarray:
        return frozen(np.full(self.lanes, self.dw))

    def face_speeds(self, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(α, β) with the flux α p_left + β p_right, α ≥ 0 ≥ β, at the faces between the lanes; zero at the ends.

        Each of shape (lanes + 1,), α + β = ε (Φ − w) where N is continuous. The equation is nonlinear in w: a
        perturbation that leaves N alone travels with u = Φ − w, one along p with 2Φ − w. With s⁻ ≤ 0 ≤ s⁺ the
        smallest and the largest of these speeds on the two sides of a face (or zero),

            α = s⁺ (u_left − s⁻)/(s⁺ − s⁻),   β = s⁻ (s⁺ − u_right)/(s⁺ − s⁻),

        the flux of Harten, Lax and van Leer: upwind where all speeds have one sign, and elsewhere with the viscosity
        that lets jumps of the slow equation C_s + ((K N̄ r C − w) C)_w = 0 spread if they must, so that the end of a
        run is the solution with a shock at w*. N on either side of a face comes from limited slopes. With the mean
        of two neighbours in its place, rates that alternate from lane to lane would not be seen.

        Source: Harten, Lax, van Leer, SIAM Rev. 25 (1983) 35.
        """
        below, above = np.diff(rates, prepend=rates[:1]), np.diff(rates, append=rates[-1:])
        size = np.minimum(np.minimum(np.abs(below), np.abs(above)), 0.25 * np.abs(below + above))
        half = np.where(below * above > 0.0, np.copysign(size, above), 0.0)
        w, drive = self.w_faces[1:-1], self._rule_at_faces[1:-1] * self.total_rate(rates)
        left, right = drive * (rates + half)[:-1], drive * (rates - half)[1:]
        speeds = np.array([left - w, 2.0 * left - w, right - w, 2.0 * right - w, np.zeros_like(w)])
        slowest, fastest = speeds.min(axis=0), speeds.max(axis=0)
        spread = fastest - slowest
        part = self.speed / np.where(spread > 0.0, spread, 1.0)
        ahead, back = np.zeros(self.lanes + 1), np.zeros(self.lanes + 1)
        ahead[1:-1] = fastest * (speeds[0] - slowest) * part
        back[1:-1] = slowest * (fastest - speeds[2]) * part
        return ahead, back

    # -- what the numerics ask ------------------------------------------------------------------------------------

    @cached_property
    def wiring(self) -> LearningWiring:
        return LearningWiring(self)

    @property
    def exchanges(self) -> bool:
        return self.speed > 0.0

    @cached_property
    def bounded(self) -> bool:
        """Whether σ is bounded, as far as activities from 10⁶ to 10¹² tell."""
        less, more = np.abs(self.saturation(np.array([LARGE, LARGER])))
        return bool(more <= BOUNDED * less)

    @property
    def may_blow_up(self) -> bool:
        """Whether rates can beget each other: weights that excite, and a σ without bound.

        If σ is bounded the drift is, and the rates of a linear equation with a bounded drift are finite; without
        positive weights the drift is bounded from above, which suffices.
        """
        return self.w_max > 0.0 and not self.bounded

    @property
    def restless(self) -> bool:
        return self.may_blow_up

    def mass_errors(self, masses: np.ndarray, start: np.ndarray) -> np.ndarray:
        """∫∫ p dv dw − 1; and where nothing is learned also what each C(w) differs by from that at the start."""
        total = float(self._shares_of_total @ masses) - 1.0
        return np.array([total]) if self.exchanges else np.append(masses - start, total)

    def densities(self, initial: object) -> tuple[InitialDensity, ...]:
        return (_connectivity(initial).density,)

    def shares(self, initial: object) -> np.ndarray:
        """C(w) at the start, averaged over each lane."""
        return _connectivity(initial).lane_averages(self)

    def lowest_potential(self, t_span: tuple[float, float] | None = None) -> float:
        """A potential below which p is negligible under the lowest current of any lane.

        The total rate lies between none and that of a network all of whose neurons have the weight that fires most.
        Faster transients may press lower; the solution reports what mass could lie below the grid.
        """
        gap = self.V_F - self.V_R
        drift = float(np.mean(self.drift_of_lanes(np.linspace(self.V_R, self.V_F, 9))))
        most = 0.0
        for _ in range(SWEEPS):
            current = self.external + self.w * self.saturation(np.array(most))
            aim = float(np.max(rough_rate(drift + current, np.array(self.quiet_diffusion), gap)))
            most = 0.5 * (most + min(aim, FASTEST))
        sigma = self.saturation(np.linspace(0.0, most, SAMPLES))
        lowest = float(np.min(self.external + np.minimum(self.w * sigma.min(), self.w * sigma.max())))
        return replace(self.neuron, coupling=MeanFieldCoupling(0.0, external=lowest)).lowest_potential()

    def highest_potential(self, t_span: tuple[float, float] | None = None) -> float:
        return self.V_F


@dataclass(frozen=True, eq=False)
class LearningWiring:
    """c = I(w) + w σ(N̄), a = a0: every lane sees the others through one number, so all matrices have rank one."""

    model: Learning

    lags = (0.0,)
    time_dependent = False
    noisy = False
    prompt = True
    separate = False

    @cached_property
    def _a0(self) -> np.ndarray:
        return frozen(np.full(self.model.lanes, self.model.neuron.noise.a0))

    @cached_property
    def _none(self) -> np.ndarray:
        return frozen(np.zeros(self.model.lanes))

    def inputs(self, arriving: Sequence[np.ndarray], t: float) -> Inputs:
        return Inputs(self.model.current(arriving[0]), self._a0)

    def change(self, arriving: Sequence[np.ndarray], by: Sequence[np.ndarray | None]) -> Inputs:
        if by[0] is None:
            return Inputs(self._none, self._none)
        u, v = self.model.current_slope(arriving[0])
        return Inputs(u * (v @ by[0]), self._none)

    def external_slope(self, t: float, h: float) -> np.ndarray:
        return self._none

    def resolved(
        self, arriving: Sequence[np.ndarray], by_current: np.ndarray, by_diffusion: np.ndarray
    ) -> Callable[[np.ndarray], np.ndarray] | None:
        """By the formula of Sherman and Morrison: G = (by_current u) vᵀ, and det(1 − G) = 1 − v·(by_current u)."""
        u, v = self.model.current_slope(arriving[0])
        response = by_current * u
        slope = 1.0 - float(v @ response)
        if not slope > 0.0:
            return None
        return lambda x: x + response * (float(v @ x) / slope)

    def push(self) -> np.ndarray:
        """w⁺ dw times the steepest σ that activities at which it is tried out show."""
        steepest = float(np.max(self.model.saturation.slope(np.append(PROBES, LARGE))))
        return np.maximum(self.model.w * steepest * self.model.dw, 0.0)

    def reproduction(self, by_current: np.ndarray) -> float:
        """v·(by_current u) at very high activity, where it decides whether a rate is large enough."""
        if not np.all(np.isfinite(by_current)):
            return np.nan
        u, v = self.model.current_slope(np.full(self.model.lanes, LARGE / (self.model.w_max - self.model.w_min)))
        return float(v @ (by_current * u))


def learning(
    weights: tuple[float, float] | ArrayLike = (-1.0, 0.0),
    lanes: int | None = None,
    signal: Profile = 0.0,
    rule: Profile = -1.0,
    saturation: Callable[[np.ndarray], np.ndarray] | None = None,
    speed: float = 0.1,
    a0: float = 1.0,
    V_R: float = 1.0,
    V_F: float = 2.0,
    refractory: Refractory | None = None,
    drift: Drift | None = None,
    saturation_slope: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Learning:
    """The leaky integrate-and-fire network with distributed synaptic weights and Hebbian learning.

        ∂t p + ∂v[(−v + I(w) + w σ(N̄)) p] + ε ∂w[(Φ − w) p] − a ∂vv p = S(w, t) δ(v − V_R),   p(V_F, w, t) = 0,
        N(w, t) = −a ∂v p(V_F, w, t),   N̄(t) = ∫ N dw,   Φ(w, t) = K(w) N(w, t) N̄(t)

    All quantities are dimensionless: potentials in an arbitrary unit, times in membrane time constants.

    Parameters
    ----------
    weights : (float, float) or array
        Interval of the synaptic weights w, negative ones inhibitory; or the weights themselves, shape (lanes,), four
        or more and equally spaced, which are then the centres of the cells.
    lanes : int, optional
        Number of cells in w, 64 unless it is given; with an array of weights there is nothing to choose.
    signal : float or callable
        Input I(w), a number or a function of an array of weights.
    rule : float or callable
        Strength K(w) of the learning rule, likewise. Weights of the sign of K are reinforced by activity.
    saturation : callable, optional
        σ: None for σ(x) = x, fp.Saturating() for x/(1 + x), fp.HyperbolicTangent(), or any function of an array.
    speed : float
        ε ≥ 0, how fast the weights change; 0 freezes them.
    a0 : float
        Diffusion a, positive.
    V_R, V_F : float
        Reset and firing potential, V_R < V_F.
    refractory : None or ExponentialRefractory
        Refractory law; None resets at once (S = N).
    drift : callable, optional
        f(v) in place of −v.
    saturation_slope : callable, optional
        σ' of a `saturation` that is a plain function; by differences of fourth order unless it is given.

    Raises
    ------
    InvalidArgument
        If a parameter is not finite or out of range, a function does not return finite numbers of the shape of its
        argument, or the refractory law looks back in time.

    Notes
    -----
    The transport in w is of second order in dw and positive. How finely the weights are resolved is a choice of
    `lanes`, which no error control sees; nothing passes the ends of `weights`, so that an interval that is too short
    piles the neurons up there (`fp.learned_connectivity` tells how far they go). By default `fp.solve` makes adaptive
    steps, which near the sharp end w* of what is learned are short: for long runs give `stepper=fp.BackwardEuler(dt)`,
    with `self_consistent=True` where dt is longer than the membrane time and inhibition strong.

    Source: Perthame, Salort, Wainrib, Physica D 353–354 (2017) 20, arXiv:1706.05796; numerical method of He, Hu, Zhou,
    arXiv:2109.04667.

    >>> model = learning(weights=(-1.0, 0.0), lanes=4, signal=1.0, rule=-1.0)
    >>> model.w.tolist()
    [-0.875, -0.625, -0.375, -0.125]
    >>> model.current(np.full(4, 0.4)).round(3).tolist()
    [0.65, 0.75, 0.85, 0.95]
    """
    w_min, w_max, lanes = _interval(weights, lanes)
    positive("a0", a0)
    neuron = nnlif(b=0.0, a0=a0, V_R=V_R, V_F=V_F, refractory=refractory, drift=drift)
    return Learning(neuron, w_min, w_max, lanes, signal, rule, _as_saturation(saturation, saturation_slope), speed)


def _interval(weights: object, lanes: int | None) -> tuple[float, float, int]:
    values = real_array("weights", weights)
    if values.ndim == 1 and len(values) == 2:
        return float(values[0]), float(values[1]), 64 if lanes is None else lanes
    if values.ndim != 1 or len(values) < FEWEST_LANES:
        raise InvalidArgument(
            f"`weights` must be an interval (w_min, w_max), or at least {FEWEST_LANES} equally spaced weights."
        )
    if lanes is not None and lanes != len(values):
        raise InvalidArgument(f"`lanes` = {lanes}, but there are {len(values)} `weights`; leave it out.")
    gaps = np.diff(values)
    mean = float(np.mean(gaps))
    if not (np.all(np.isfinite(values)) and mean > 0.0 and np.all(np.abs(gaps - mean) <= UNEQUAL * mean)):
        raise InvalidArgument("`weights` must increase in equal steps; give their interval and `lanes` instead.")
    return float(values[0]) - 0.5 * mean, float(values[-1]) + 0.5 * mean, len(values)


def _as_saturation(law: object, slope: Callable[[np.ndarray], np.ndarray] | None) -> Saturation:
    if isinstance(law, type) or not (law is None or callable(law)):
        raise InvalidArgument(f"`saturation` must be None, fp.Saturating() or a function of an array, not {law!r}.")
    if slope is not None and (law is None or hasattr(law, "slope") or not callable(slope)):
        raise InvalidArgument("`saturation_slope` belongs to a `saturation` that is a plain function; leave it out.")
    if law is None:
        return Identity()
    return law if hasattr(law, "slope") else FunctionSaturation(law, slope)  # type: ignore[return-value]  # asked for above


def _profile(name: str, profile: Profile, w: np.ndarray) -> np.ndarray:
    return _mapped(name, profile, w) if callable(profile) else np.full(w.shape, float(profile))


def _mapped(name: str, function: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    """function(x), or the refusal of what are not finite numbers of the shape of x."""
    with np.errstate(all="ignore"):  # what becomes of it is refused
        values = real_array(name, function(x))
    if values.shape != x.shape:
        raise InvalidArgument(
            f"`{name}` must map an array to an array of the same shape; {x.shape} gave {values.shape}."
        )
    if not np.all(np.isfinite(values)):
        where = float(np.ravel(x)[np.argmin(np.isfinite(np.ravel(values)))])
        raise InvalidArgument(f"`{name}` must be finite, but it is not at {where:.4g}.")
    return values


# -- initial data -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Connectivity:
    """An initial density p(v, w) = C(w) n(v); build it with `connectivity`.

    Attributes
    ----------
    C : callable or array
        How many neurons have the weight w.
    density : InitialDensity
        n, the same for all weights.
    """

    C: Callable[[np.ndarray], np.ndarray] | np.ndarray
    density: InitialDensity

    def lane_averages(self, model: Learning) -> np.ndarray:
        """Averages of C over the cells in w, shape (lanes,); Σ C_k dw = 1.

        A function is averaged by five-point Gauss quadrature and divided by its mass; an array is not rescaled.

        Raises
        ------
        InvalidArgument
            If C is negative or not finite somewhere, has no mass, or is an array of another shape or mass.
        """
        if callable(self.C):
            nodes, weights = np.polynomial.legendre.leggauss(5)
            w = model.w[:, None] + 0.5 * model.dw * nodes
            values = _mapped("C", self.C, w.ravel()).reshape(w.shape)
            _require_non_negative(values)
            averages = values @ (0.5 * weights)
            mass = float(averages.sum() * model.dw)
            if not 0.0 < mass < np.inf:
                raise InvalidArgument("`C` cannot be normalised: it is zero on the whole interval of the weights.")
            return averages / mass
        given = real_array("C", self.C)
        if given.shape != (model.lanes,):
            raise InvalidArgument(f"`C` has shape {given.shape}, but the model has {model.lanes} lanes.")
        _require_non_negative(given)
        mass = float(given.sum() * model.dw)
        if not abs(mass - 1.0) <= 1e-9:
            raise InvalidArgument(
                f"`C` has mass {mass:.9g}, not 1; divide it by (C.sum() * model.dw) if that is what you mean."
            )
        return given

    def cell_averages(self, grid: Grid, model: Learning) -> np.ndarray:
        """Averages of p over the cells in v and w, shape (cells, lanes)."""
        return np.outer(self.density.cell_averages(grid), self.lane_averages(model))


def _connectivity(initial: object) -> Connectivity:
    """The initial density of a learning network, or the refusal of one that does not say how the weights are spread."""
    if isinstance(initial, Connectivity):
        return initial
    if initial is connectivity:
        raise InvalidArgument("`initial` must be an initial density: call fp.connectivity(C, density).")
    raise InvalidArgument(
        f"`initial` must say how the weights are distributed: use fp.connectivity(C, density) with C(w) a function or "
        f"an array, not {initial!r:.80}."
    )


def connectivity(C: Callable[[np.ndarray], np.ndarray] | ArrayLike, density: object) -> Connectivity:
    """The initial density p(v, w) = C(w) n(v) of a learning network.

    Parameters
    ----------
    C : callable or array, shape (lanes,)
        Distribution of the weights: a function of an array of weights, which is normalised to ∫ C dw = 1, or averages
        over the lanes, whose mass must be 1 already.
    density : InitialDensity, callable or array
        n(v), as for `fp.solve`: fp.gaussian(mean, variance), a function of v, or cell averages of mass 1.

    Raises
    ------
    InvalidArgument
        If one of them is no density; what depends on the grid is refused when they meet it.

    >>> from fokkerplanck import gaussian
    >>> start = connectivity(lambda w: np.exp(-50.0 * (w + 0.5) ** 2), gaussian(0.0, 0.25))
    >>> model = learning(lanes=4)
    >>> round(float(start.lane_averages(model).sum() * model.dw), 12)
    1.0
    """
    if not callable(C):
        C = real_array("C", C)
        if C.ndim != 1:
            raise InvalidArgument(f"`C` must be a function of the weight or a vector, not of shape {C.shape}.")
        _require_non_negative(C)
    return Connectivity(C, as_density(density))


def _require_non_negative(values: np.ndarray) -> None:
    if not np.all(np.isfinite(values)) or np.any(values < 0.0):
        raise InvalidArgument("`C` must be finite and not negative for every weight.")
