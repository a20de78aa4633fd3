"""Stationary states: the solutions of N (τ + I(N)) = 1, the curve they lie on and the folds where they merge."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, minimize_scalar

from .elapsed_states import ElapsedState, elapsed_states
from .elements import Elements
from .grid import Grid
from .interpolation import RateHistory
from .meanfield.passage import LONGEST, Discrete, closed_passage_of, passage_of
from .models.elapsed import TimeElapsed
from .models.kinetic import VoltageConductance
from .models.network import Network
from .models.polarization import Polarization, PolarizedState
from .models.population import Population, require_population
from .outcomes import InvalidArgument
from .spectrum import Spectrum, spectrum
from .state import State

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .kinetic_states import KineticState
    from .networks.states import NetworkStates

Function = Callable[[np.ndarray], np.ndarray]

LARGEST_GAIN = 1e100
"""Of b and a1: squares of b N must be numbers."""
SLOWEST = 1e-290
"""Below this rate b = (c − I)/N is no number."""
STABILITY = {True: "stable", False: "unstable", None: "stability not resolved"}
FASTEST, FASTEST_DISCRETE = 1e10, 1e6
"""Without refractory state nothing bounds the rate; states beyond this one are not looked for (the second: where I is
known numerically only)."""
QUIETEST = 1e-12
"""With a0 = 0 a silent network has no noise left; rates below this one are not looked for."""
RESOLUTION = 0.1
"""Largest step of the scan, in asinh((c − V_F)/√a) and in log a: the scales on which log I bends."""
MISSED, MISSED_NUMERICALLY = 1e-9, 5e-7
"""Mass that a grid may miss: averages in closed form, and what is known numerically or by values at nodes (`solve`
accepts 1e-6)."""
TOUCHING = 1e-14
"""An extremum of log(N (τ + I)) this close to zero is a double root, to rounding."""
UNRESOLVED, UNRESOLVED_DISCRETE = 1e-13, 1e-7
"""Where a function of log N stays this close to zero up to the end of the scan, its sign means nothing."""


@dataclass(frozen=True, eq=False, repr=False)
class StationaryState:
    """A stationary state of a population: the profile p, the rate N and the refractory mass R = τN.

    Attributes
    ----------
    model : Population
    log_rate : float
        log N, which exists also where N itself is below the smallest double.
    residual : float
        N (τ + I(N)) − 1 as evaluated.
    """

    model: Population
    log_rate: float
    residual: float

    @property
    def rate(self) -> float:
        """Firing rate N."""
        return math.exp(self.log_rate)

    @property
    def refractory(self) -> float:
        """Refractory mass R = τN, τ the mean duration."""
        return self.model.refractory.mean_duration * self.rate

    @property
    def current(self) -> float:
        """Input c = bN + I: where the potential would rest without threshold."""
        return float(self.model.coupling.current(np.asarray(self.rate), 0.0))

    @property
    def diffusion(self) -> float:
        """Diffusion a = a0 + a1 N."""
        return float(self.model.noise.diffusion(np.asarray(self.rate)))

    def density(self, v: ArrayLike) -> np.ndarray:
        """p at the potentials v: N times the occupation density of `meanfield.passage`."""
        passage = passage_of(self.model)
        return np.asarray(np.exp(self.log_rate + passage.log_occupation(v, self.current, self.diffusion)))

    def cell_averages(self, grid: Grid) -> np.ndarray:
        """Averages of p over the cells, by eight-point Gauss quadrature; shape (cells,).

        V_R and V_F are faces, so p is smooth in every cell and the averages are exact to rounding wherever a cell is
        not much wider than the boundary layer a/(c − V_F). Where the passage is numerical they are its times between
        the faces, which add up to I.
        """
        passage = passage_of(self.model)
        if isinstance(passage, Discrete):
            return self.rate * passage.times_between(grid.faces, self.current, self.diffusion) / grid.width
        nodes, weights = np.polynomial.legendre.leggauss(8)
        return self.density(grid.v[:, None] + 0.5 * grid.width[:, None] * nodes) @ (0.5 * weights)

    def state(self, grid: Grid | Elements) -> State:
        """The state on a grid, with its constant rate as its past, accepted by `fp.solve(model, initial=...)`.

        On cells it is given by its averages, on elements, such as the `grid` of a solution, by its values at the nodes.

        The solver closes the rate for the density it is given, so its N differs from `.rate` by the error of its
        scheme, and an unstable state leaves along its growing mode from a perturbation of that size.

        Raises
        ------
        InvalidArgument
            If the grid is not made for the model, or cuts off mass.

        >>> from fokkerplanck import nnlif
        >>> model = nnlif(b=0.5)
        >>> state = stationary_states(model)[0].state(model.grid(cells=200))
        >>> round(float(state.density @ state.grid.width), 12)
        1.0
        """
        model = self.model
        if not isinstance(grid, Grid | Elements) or (grid.V_R, grid.V_F) != (model.V_R, model.V_F):
            raise InvalidArgument(f"`grid` must fit the model; build it with `model.grid(cells=...)`, not {grid!r}.")
        density = self.density(grid.v) if isinstance(grid, Elements) else self.cell_averages(grid)
        lost = 1.0 - self.refractory - float(density @ grid.width)
        numerical = isinstance(grid, Elements) or isinstance(passage_of(model), Discrete)
        if not abs(lost) <= (MISSED_NUMERICALLY if numerical else MISSED):
            raise InvalidArgument(
                f"`grid` misses a mass of {lost:.2g} of this state (c = {self.current:.4g}, a = {self.diffusion:.4g}): "
                f"it starts too high at {grid.v_min:g}, ends too low at {grid.v_max:g}, or its cells are too wide at "
                f"V_F; use a lower `v_min`, a higher `v_max` (if neurons can exceed V_F) or a smaller `finest` (for "
                f"elements, a smaller `accuracy`)."
            )
        history = RateHistory(np.array([-model.depth, 0.0]), np.full(2, self.rate)) if model.depth else None
        return State(0.0, grid, density, self.rate, self.refractory, history)

    @cached_property
    def eigenvalue(self) -> complex:
        """The eigenvalue of the linearised equation with the largest real part, apart from the zero of the mass."""
        return complex(self._leading.eigenvalues[0])

    @cached_property
    def _leading(self) -> Spectrum:
        return spectrum(self.model, self, count=1)

    @property
    def growth_rate(self) -> float:
        """Real part of `eigenvalue`: small perturbations grow (or decay) like e^{growth_rate t}."""
        return self.eigenvalue.real

    @property
    def stable(self) -> bool | None:
        """Whether every small perturbation decays; None where the growth rate is not known to its sign.

        That is so at a fold, where it is zero, and where the spectrum cannot be resolved (a drift or a noise of another
        order of magnitude than V_F − V_R).
        """
        if abs(self.growth_rate) <= self._leading.error[0]:
            return None
        return self.growth_rate < 0.0

    def plot(self) -> Figure:
        """The profile, with V_R and V_F, and the rate."""
        from .plotting.states import figure_of_profile

        return figure_of_profile(self)

    def __repr__(self) -> str:
        refractory = f", R = {self.refractory:.6g}" if self.refractory else ""
        z = self.eigenvalue
        turning = f" ± {abs(z.imag):.4g}i" if z.imag else ""
        return (
            f"StationaryState(N = {self.rate:.12g}{refractory}, {STABILITY[self.stable]}: "
            f"λ = {z.real:.4g}{turning}, residual {self.residual:.0e})"
        )


@overload
def stationary_states(model: Network) -> NetworkStates: ...
@overload
def stationary_states(model: VoltageConductance) -> tuple[KineticState, ...]: ...
@overload
def stationary_states(model: Population) -> tuple[StationaryState, ...]: ...
@overload
def stationary_states(model: Polarization) -> tuple[PolarizedState, ...]: ...
@overload
def stationary_states(model: TimeElapsed) -> tuple[ElapsedState, ...]: ...
def stationary_states(
    model: Population | Network | VoltageConductance | Polarization | TimeElapsed,
) -> (
    tuple[StationaryState, ...]
    | NetworkStates
    | tuple[KineticState, ...]
    | tuple[PolarizedState, ...]
    | tuple[ElapsedState, ...]
):
    """The stationary states of `model`, by increasing rate; those of a network as `networks.states` has them, those of
    a voltage–conductance equation as `kinetic_states` does, those of the time-elapsed model as `elapsed_states`.

        N (τ + I(c, a)) = 1,   c = bN + I_ext,   a = a0 + a1 N,   I the mean time from reset to spike

    τ is the mean refractory time, whatever its law, and a transmission delay does not matter. With the leak, I is
    known in closed form for the hard threshold (the mean first passage to V_F) and for the random one (with parabolic
    cylinder functions, see `meanfield.passage.LeakyRandom`); for other drifts and thresholds finite volumes give it,
    as a rule to 1e-8 or better; under a very strong drift (c above 1000 √a) to 1e-6.

    How many there are for leak and hard threshold, counted with multiplicity,
    with ψ(σ) = e^{−a0 σ²/2 − I_ext σ} (e^{σ V_F} − e^{σ V_R})/σ:

    - b ≤ 0 and a1 = 0: exactly one, because I does not decrease with N (Cáceres, Carrillo, Perthame 2011).
    - b < 0 and a1 > 0: an odd number. Three are possible: noise that grows with N can ignite a silent network.
    - b ≥ 0 and b + a1 > 0: I(N) = ∫ e^{−N (bσ + a1 σ²/2)} ψ dσ is a Laplace transform, and by Descartes' rule for
      these the number is that of the sign changes of ψ(σ) − b − a1 σ over σ > 0 (with a + put in front if τ > 0), or
      less by an even number. If a1 = 0 and I_ext < (V_R + V_F)/2, ψ climbs from V_F − V_R to its maximum ψ* and
      falls to zero, so that there are

        =====================  ======  ======
        regime                 τ = 0   τ > 0
        =====================  ======  ======
        0 < b ≤ V_F − V_R      1       1
        V_F − V_R < b < ψ*     0 or 2  1 or 3
        b ≥ ψ*                 0       1
        =====================  ======  ======

      For a0 = 1, V_R = 1, V_F = 2: ψ* = 3.4038. (Cáceres, Carrillo, Perthame 2011 prove at least one in the first
      row, at least two and none in parts of the others; Cáceres, Perthame 2014 at least one for τ > 0.)

    A random threshold bounds the rate, N < 1/(τ + ε), and as N I(N) then runs from 0 to beyond 1 there is always one.

    Method: f(L) = log(N (τ + I)), L = log N. In closed form f has its derivatives: the zeros of f'' are found first,
    between them those of f', and between those every zero of f is simple and isolated by a change of sign: a pair near
    a fold cannot hide between two points of the scan. A numerical I has no derivatives; there the scan (in steps of at
    most 0.1 on the scales of c and of log a) is completed by the extrema of f that it brackets: a pair near a fold is
    not lost, but two extrema within three points of the scan would be. An extremum that touches zero to rounding is a
    double root and is returned once.

    Parameters
    ----------
    model : Population, Network, VoltageConductance, Polarization or TimeElapsed
        With constant external current. The states of a network, all of them up to three populations, and their
        stability are described in `networks.states.network_states`; those of a polarizing cell are
        `models.polarization.PolarizedState`, those of the time-elapsed model `elapsed_states.ElapsedState`. What
        follows is about one population.

    Returns
    -------
    tuple of StationaryState, KineticState, PolarizedState or ElapsedState, or NetworkStates
        Empty if there is none. What is not looked for: without refractory state or random threshold, rates above 1e10
        (1e6 where I is numerical); where I is numerical, rates below e^{−590}; for a0 = 0, rates below 1e-12.

    Raises
    ------
    InvalidArgument
        If the external current depends on time, there is no noise at all, or the drift lets the density drift away.

    Source: Cáceres, Carrillo, Perthame (2011), section 3; Cáceres, Perthame (2014). Descartes' rule for Laplace
    transforms (variation diminution): S. Karlin, Total Positivity (1968).

    >>> from fokkerplanck import RandomThreshold, nnlif
    >>> [round(state.rate, 9) for state in stationary_states(nnlif(b=1.5))]
    [0.192364013, 2.289125708]
    >>> [round(state.rate, 9) for state in stationary_states(nnlif(b=1.5, threshold=RandomThreshold(0.1)))]
    [0.075611287]
    """
    if isinstance(model, Polarization):
        return model.steady_states()
    if isinstance(model, TimeElapsed):
        return elapsed_states(model)
    if isinstance(model, Network):
        from .networks.states import network_states

        return network_states(model)
    if isinstance(model, VoltageConductance):
        from .kinetic_states import kinetic_states

        return kinetic_states(model)
    _check(model)

    def f(order: int) -> Function:
        return lambda log_rate: _balance(model, log_rate, order)[order]

    if model.coupling.gain == model.noise.gain == 0.0:  # nobody hears anybody: I does not depend on N
        L = -float(f(0)(np.zeros(())))
        residual = float(np.expm1(f(0)(np.asarray(L))))
        return (StationaryState(model, L, residual),) if _lowest(model) <= L <= _highest(model) else ()

    nodes = _scan(model)
    if isinstance(passage_of(model), Discrete):
        balance, resolution = _remembered(f(0)), UNRESOLVED_DISCRETE
        extrema = _extrema(balance, nodes)
    else:
        balance, resolution = f(0), UNRESOLVED
        nodes = np.union1d(nodes, _zeros(f(2), nodes))
        extrema = _zeros(f(1), nodes)
    roots = _zeros(balance, np.union1d(nodes, extrema), double=extrema, unresolved=resolution)
    residuals = np.expm1(balance(roots))
    return tuple(StationaryState(model, float(L), float(r)) for L, r in zip(roots, residuals, strict=True))


# -- the equation N (τ + I(N)) = 1 ------------------------------------------------------------------------------


def _balance(model: Population, log_rate: np.ndarray, order: int = 2) -> list[np.ndarray]:
    """f = log(N (τ + I)) and its derivatives by L = log N, up to `order` ≤ 2 (0 for a numerical I)."""
    N, b, a1 = np.exp(log_rate), model.coupling.gain, model.noise.gain
    with np.errstate(divide="ignore"):
        log_tau = np.log(model.refractory.mean_duration)
    if order == 0:
        return [log_rate + np.logaddexp(log_tau, passage_of(model).log_time(*_coefficients(model, N)))]
    jet = closed_passage_of(model, "derivatives are known").jet(*_coefficients(model, N))
    log_total = np.logaddexp(log_tau, jet.log)
    share = np.exp(jet.log - log_total)
    first = N * (b * jet.c + a1 * jet.a) * share
    second = N**2 * (b**2 * jet.cc + 2.0 * a1 * b * jet.ca + a1**2 * jet.aa) * share
    return [log_rate + log_total, 1.0 + first, first + second - first**2][: order + 1]


def _coefficients(model: Population, rate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return model.coupling.current(rate, 0.0), model.noise.diffusion(rate)


def _scan(model: Population) -> np.ndarray:
    """Values of log N between which log I bends little; no state lies outside them."""
    lowest = _lowest(model)
    nodes = np.linspace(lowest, max(_highest(model), lowest + 0.1), 65)
    while True:
        c, a = _coefficients(model, np.exp(nodes))
        root = np.sqrt(a[:-1])
        bend = np.abs(np.arcsinh((c[1:] - model.V_F) / root) - np.arcsinh((c[:-1] - model.V_F) / root))
        coarse = np.maximum(bend, np.diff(np.log(a))) > RESOLUTION
        if not np.any(coarse):
            return nodes
        middles = 0.5 * (nodes[1:] + nodes[:-1])
        nodes = np.sort(np.concatenate([nodes, middles[coarse]]))


def _lowest(model: Population) -> float:
    """A value of log N below every state that is looked for.

    I is convex in N for leak and hard threshold, so that N (τ + max(I(0), I(N))) < 1 rules out all below N.
    """
    tau = model.refractory.mean_duration
    if model.noise.a0 == 0.0:
        return math.log(QUIETEST)
    silent = _log_passage(model, 0.0)
    log_rate = -float(np.logaddexp(np.log(tau) if tau else -np.inf, silent)) - 0.1
    while log_rate + np.log(tau + np.exp(min(max(silent, _log_passage(model, math.exp(log_rate))), 700.0))) >= 0.0:
        log_rate -= 1.0
    return max(log_rate, 10.0 - LONGEST) if isinstance(passage_of(model), Discrete) else log_rate


def _highest(model: Population) -> float:
    """A value of log N above every state that is looked for: N (τ + shortest I) ≤ 1, and N I(0) ≤ 1 if I increases."""
    tau, passage = model.refractory.mean_duration, passage_of(model)
    fastest = math.log(FASTEST_DISCRETE if isinstance(passage, Discrete) else FASTEST)
    shortest = tau + passage.shortest
    highest = min(fastest, -math.log(shortest)) if shortest else fastest
    if model.coupling.gain <= 0 and model.noise.gain == 0:
        silent = -_log_passage(model, 0.0)
        highest = min(highest, silent) if shortest else silent
    return highest + 0.1


def _log_passage(model: Population, rate: float) -> float:
    return float(passage_of(model).log_time(*_coefficients(model, np.asarray(rate))))


def _remembered(f: Function) -> Function:
    """f, computed once at every point."""
    known: dict[float, float] = {}

    def look_up(x: np.ndarray) -> np.ndarray:
        points = np.ravel(x).tolist()
        known.update({z: float(f(np.asarray(z))) for z in points if z not in known})
        return np.reshape([known[z] for z in points], np.shape(x))

    return look_up


def _extrema(f: Function, x: np.ndarray) -> np.ndarray:
    """The extrema of f that points of x bracket."""
    values = np.minimum(f(x), LONGEST)
    rising = np.sign(np.diff(values))
    found = []
    for i in np.flatnonzero(rising[1:] * rising[:-1] < 0.0):
        sign = -rising[i]

        def value(z: float, sign: float = sign) -> float:
            return sign * float(f(np.asarray(z)))

        found.append(minimize_scalar(value, bounds=(x[i], x[i + 2]), method="bounded", options={"xatol": 1e-9}).x)
    return np.array(found)


def _zeros(f: Function, x: np.ndarray, double: np.ndarray | None = None, unresolved: float = UNRESOLVED) -> np.ndarray:
    """Zeros of f, one in each interval of x with a change of sign; points of `double` where f is rounding as well.

    The end of x on which f is nothing but rounding is left out: as N → ∞ without refractory state,
    N I → (V_F − V_R)/b, and where that is 1, or for the derivatives, f vanishes like a power of 1/N.
    """
    values = f(x)
    resolved = np.flatnonzero(np.abs(values) > unresolved)
    if not len(resolved):
        return x[:0]
    x, values = x[: resolved[-1] + 1], values[: resolved[-1] + 1]
    if double is not None:
        values = np.where(np.isin(x, double) & (np.abs(values) <= TOUCHING), 0.0, values)
    found = [_crossing(f, x[i], x[i + 1]) for i in np.flatnonzero(values[:-1] * values[1:] < 0.0)]
    return np.sort(np.concatenate([x[values == 0.0], np.array(found)]))


def _crossing(f: Function, low: float, high: float) -> float:
    """The zero of f between two points; the better one of them if its sign there turns out to be rounding."""

    def value(z: float) -> float:
        return float(f(np.asarray(z)))

    if value(low) * value(high) >= 0.0:
        return min(low, high, key=lambda z: abs(value(z)))
    return brentq(value, low, high, xtol=1e-15, rtol=1e-15)


def _check(candidate: object) -> None:
    model = require_population(candidate, "fp.bifurcations follows the stationary states of networks")
    if model.noise.a0 == model.noise.a1 == 0.0:
        raise InvalidArgument(
            "a0 = a1 = 0: without noise the states have a closed form of their own; call "
            "fp.deterministic_states(model), or give `a0` a positive value."
        )
    if model.coupling.time_dependent:
        raise InvalidArgument(
            "`external` is a function of time, so there is no stationary state; give the model a number, "
            "for example the mean of the current."
        )
    for name, value in (("b", model.coupling.gain), ("a1", model.noise.gain)):
        if abs(value) > LARGEST_GAIN:
            raise InvalidArgument(f"`{name}` = {value:g} is too large for stationary states: at most {LARGEST_GAIN:g}.")


# -- the bifurcation diagram in b -------------------------------------------------------------------------------


class Fold(NamedTuple):
    """A saddle-node: at the connectivity `b` two stationary states merge at the rate `rate`."""

    rate: float
    b: float


def bifurcation_curve(model: Population, rate: ArrayLike | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The stationary states of `model` for every connectivity at once: (b, N) along their curve.

    I(c, a) falls from ∞ to 0 as c goes from −∞ to ∞, with a random threshold to ε. So at each rate 0 < N < 1/τ, or
    1/(τ + ε), exactly one input c solves I(c, a0 + a1 N) = 1/N − τ, and the network fires at N for exactly one
    connectivity, b = (c − I_ext)/N: the diagram is the graph of a function b(N), and its folds are the extrema.

    Parameters
    ----------
    model : Population
        With the leak and a hard or random threshold; its b plays no role.
    rate : array, optional
        Rates N, with 0 < N < 1/(τ + ε). Default: 400 rates from 0.01 to 100 (or to nearly the bound), equally spaced in
        log N.

    Returns
    -------
    b, rate : array
        Of the shape of `rate`.

    Raises
    ------
    InvalidArgument
        If the model has another drift or threshold or the external current depends on time, or if a rate is out of
        range.

    >>> from fokkerplanck import nnlif
    >>> b, N = bifurcation_curve(nnlif(b=0.0), rate=[0.192364012568, 2.28912570775])
    >>> b.round(9).tolist()
    [1.5, 1.5]
    """
    _check(model)
    passage = closed_passage_of(model, "the curve b(N) is known")
    shortest = model.refractory.mean_duration + passage.shortest
    if rate is None:
        rate = np.geomspace(1e-2, min(1e2, 0.999 / shortest if shortest else np.inf), 400)
    rate = np.asarray(rate, dtype=float)
    if not np.all((rate > SLOWEST) & (rate * shortest < 1.0) & np.isfinite(rate)):
        bound = "1/(τ + ε)" if passage.shortest else "1/τ"
        raise InvalidArgument(f"`rate` must be positive and below {bound} = {1 / shortest if shortest else np.inf:g}.")
    return (_input_for(model, np.log(rate)) - model.coupling.external_at(0.0)) / rate, rate


def fold_points(model: Population) -> tuple[Fold, ...]:
    """The folds of `bifurcation_curve(model)` by increasing rate: there the number of states changes by two.

        N (τ + I) = 1,   τ + I + N dI/dN = 0   (dI/dN at fixed b)

    Along the curve the second equation is F(N) = 1 + N ((c − I_ext) ∂I/∂c + a1 N ∂I/∂a) = 0; b increases where F > 0.
    A pair of folds about to merge in a cusp is not missed: the zeros of dF/d log N, in closed form, are found first.

    Parameters
    ----------
    model : Population
        With the leak and a hard or random threshold; its b plays no role.

    Raises
    ------
    InvalidArgument
        As for `bifurcation_curve`.

    >>> from fokkerplanck import nnlif
    >>> fold_points(nnlif(b=0.0))[0].b  # doctest: +ELLIPSIS
    2.1009677604...
    """
    _check(model)
    shortest = model.refractory.mean_duration + closed_passage_of(model, "folds are known").shortest
    highest = math.log(FASTEST) if not shortest else min(math.log(FASTEST), -math.log(shortest) - 1e-3)
    silent = -np.geomspace(25.0, 690.0, 80)[:0:-1]
    nodes = np.concatenate([silent, np.linspace(-25.0, highest, 1000)])
    nodes = np.union1d(nodes, _zeros(lambda L: _slope_along_curve(model, L)[1], nodes))
    folds = _zeros(lambda L: _slope_along_curve(model, L)[0], nodes)
    b, rate = bifurcation_curve(model, np.exp(folds))
    return tuple(Fold(float(n), float(x)) for n, x in zip(rate, b, strict=True))


def _slope_along_curve(model: Population, log_rate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F of `fold_points` and dF/d log N.

    Along the curve dc/dL = −(1/N + a1 N ∂I/∂a)/∂I/∂c and da/dL = a1 N; N times a derivative of I is 1 − τN times that
    of log I, which does not overflow.
    """
    N = np.exp(log_rate)
    c = _input_for(model, log_rate)
    jet = closed_passage_of(model, "folds are known").jet(c, model.noise.diffusion(N))
    by_c, by_a, cc, ca, aa = ((1.0 - model.refractory.mean_duration * N) * x for x in jet[1:])
    x, da = c - model.coupling.external_at(0.0), model.noise.gain * N
    dc = -(1.0 + da * by_a) / by_c
    F = 1.0 + x * by_c + da * by_a
    return F, F - 1.0 + dc * by_c + x * (cc * dc + ca * da) + da * (by_a + ca * dc + aa * da)


def _input_for(model: Population, log_rate: np.ndarray) -> np.ndarray:
    """The input c at which a population with the noise of the rate N fires at that rate: I(c, a) = 1/N − τ.

    Newton's iteration on log(I − its lower bound), which is decreasing and (for leak and hard threshold provably)
    convex in c: after its first step it comes from the left.
    """
    N, passage = np.exp(log_rate), closed_passage_of(model, "the curve b(N) is known")
    a, V_R, V_F, least = model.noise.diffusion(N), model.V_R, model.V_F, passage.shortest
    target = np.log1p(-(model.refractory.mean_duration + least) * N) - log_rate
    # Two guesses added: the barrier's, log I ≈ w_F²/2, and the noiseless one, I = log((c − V_R)/(c − V_F)).
    c = V_F - np.sqrt(2.0 * a * np.maximum(target, 0.0))
    c = c + (V_F - V_R) / np.expm1(np.exp(np.minimum(target, 6.0)))
    for _ in range(100):
        jet = passage.jet(c, a)
        share = -np.expm1(np.log(least) - jet.log) if least else 1.0
        change = -(jet.log + np.log(share) - target) * share / jet.c
        c = c + change
        if np.all(np.abs(change) <= 1e-13 * (np.abs(c) + np.sqrt(a))):
            break
    return c
