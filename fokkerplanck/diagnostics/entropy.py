"""Relative entropy: how far a state is from a stationary one, and what makes it decay."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlog1py, xlogy

from ..grid import Grid
from ..models.model import require_model
from ..models.network import Network
from ..models.population import Population, require_population
from ..models.refractory import ExponentialRefractory
from ..operators.schemes import FluxScheme, ScharfetterGummel
from ..outcomes import InvalidArgument, real_array
from ..state import State

FOR_EVER = 1e9
"""Membrane time constants after which everything has converged; an implicit step takes them at once."""


class Convex(ABC):
    """A convex function H with H(1) = 0, and its Bregman distance D_H(x|y) = H(x) − H(y) − H'(y)(x − y) ≥ 0."""

    @abstractmethod
    def __call__(self, x: np.ndarray) -> np.ndarray: ...

    @abstractmethod
    def slope(self, x: np.ndarray) -> np.ndarray:
        """H'(x)."""

    def bregman(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """D_H(x|y)."""
        return self(x) - self(y) - self.slope(y) * (x - y)


@dataclass(frozen=True)
class Quadratic(Convex):
    """H(x) = (x − 1)²/2, whose decay the Poincaré inequality bounds."""

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return 0.5 * (x - 1.0) ** 2

    def slope(self, x: np.ndarray) -> np.ndarray:
        return x - 1.0

    def bregman(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 0.5 * (x - y) ** 2  # the general form cancels


@dataclass(frozen=True)
class Logarithmic(Convex):
    """H(x) = x ln x − x + 1, the Kullback–Leibler divergence; x > 0."""

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return xlogy(x, x) - x + 1.0

    def slope(self, x: np.ndarray) -> np.ndarray:
        return np.log(x)

    def bregman(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        rise = (x - y) / y
        return y * (xlog1py(1.0 + rise, rise) - rise)


@dataclass(frozen=True)
class Absolute(Convex):
    """H(x) = |x − 1|: the L¹ distance. Not differentiable at 1, where the slope is taken as 0."""

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.abs(x - 1.0)

    def slope(self, x: np.ndarray) -> np.ndarray:
        return np.sign(x - 1.0)


def relative_entropy(state: State, stationary: State, H: Convex | None = None) -> float | np.ndarray:
    """E = ∫ P H(n/P) dv + R∞ H(R/R∞), the distance of a state from the stationary state (P, R∞); of every population.

    Parameters
    ----------
    state, stationary : State
        On the same grid. For an entropy that decays to rounding take `stationary` from `discrete_stationary`: relative
        to the exact profile, `StationaryState.state(grid)`, it stops falling at the error of the run. Cells (or nodes)
        where P underflows to 0 are left out; where P is tiny, `Quadratic()` magnifies that error by 1/P, and
        `Absolute()` does not.
    H : Convex
        Default `Quadratic()`.

    Raises
    ------
    InvalidArgument
        If the grids or the numbers of populations differ.

    Source: Cáceres, Carrillo, Perthame (2011), section 2.

    >>> import fokkerplanck as fp
    >>> model = fp.nnlif(b=0.0)
    >>> P = discrete_stationary(model, model.grid(200))
    >>> relative_entropy(P, P)
    0.0
    """
    H = Quadratic() if H is None else H
    _check_grids(state, stationary)
    if state.density.ndim == 2:
        lanes = range(len(state.density))
        return np.array([relative_entropy(_lane(state, k), _lane(stationary, k), H) for k in lanes])
    P, width = stationary.density, state.grid.width
    inside = P > 0.0
    with np.errstate(over="ignore"):
        entropy = float(np.sum((width * P)[inside] * H(state.density[inside] / P[inside])))
    if stationary.refractory > 0.0:
        entropy += stationary.refractory * float(H(np.asarray(state.refractory / stationary.refractory)))
    return entropy


@dataclass(frozen=True)
class EntropyBalance:
    """Where the relative entropy goes: dE/dt = −diffusion − jump + coupling.

    Attributes
    ----------
    change : float
        dE/dt of the semi-discrete equation.
    diffusion, jump : float
        The two dissipations, each ≥ 0: a ∫ P H''(u) |∂v u|² dv with u = n/P, and N∞ D_H(N/N∞ | u(V_R)) (with a pool, by
        way of R/R∞).
    coupling : float
        What the feedback of the rate on the coefficients adds; zero, to rounding, in the linear equation.
    """

    change: float
    diffusion: float
    jump: float
    coupling: float


def entropy_balance(
    model: Population, state: State, stationary: State, scheme: FluxScheme | None = None, H: Convex | None = None
) -> EntropyBalance:
    """The dissipation of `relative_entropy` by the scheme, split into diffusion and jump.

    For every positive two-point scheme, with u_i = n_i/P_i and P the scheme's own stationary state,

        D_diff = Σ_faces right_j P_{j−1} D_H(u_{j−1}|u_j) + left_j P_j D_H(u_j|u_{j−1}),
        D_jump = Σ_i e_i P_i D_H(u_i|u_R)     or, with a pool,     Σ_i e_i P_i D_H(u_i|R/R∞) + N∞ D_H(R/R∞|u_R),

    and dE/dt + D_diff + D_jump = 0 holds exactly on every grid when the equation is linear. e_i P_i is what cell i
    fires, N∞ in all: with an absorbing threshold only the last cell does. Cells where P underflows to 0 are left out.

    Parameters
    ----------
    model : Population
        Without transmission delay or fixed refractory time: with them the entropy of the density alone has no balance.
    state, stationary : State
        On the same grid; `stationary` from `discrete_stationary(model, grid, rate, scheme)`.
    scheme : FluxScheme
        Default `fp.ScharfetterGummel()`.
    H : Convex
        Default `Quadratic()`.

    Raises
    ------
    InvalidArgument
        If the grids differ, or the model looks back (a delay, a fixed refractory time).
    """
    scheme = ScharfetterGummel() if scheme is None else scheme
    H = Quadratic() if H is None else H
    model = require_population(model, "its populations exchange entropy; fp.relative_entropy gives that of each")
    if np.ndim(state.density) == 2 or np.ndim(stationary.density) == 2:
        raise InvalidArgument("`state` and `stationary` must be of one population, as in solution.lane('E').final.")
    _check_grids(state, stationary)
    if model.depth:
        what = "a transmission delay" if model.coupling.delay else "a fixed refractory time"
        raise InvalidArgument(
            f"`model` has {what}, and its past would be part of the entropy; use a model with `delay=0` and "
            f"fp.ExponentialRefractory, or fp.relative_entropy, which needs no model."
        )
    system = scheme.discretize(model, state.grid)
    assert isinstance(state.grid, Grid)  # or the scheme would have refused it
    P = stationary.density
    inside = P > 0.0
    u = np.divide(state.density, P, out=np.ones_like(P), where=inside)
    y = system.pack(state.density, state.refractory, state.rate)
    slope = system.residual(y, state.t, out=np.empty(system.shape))[:, 0]
    change = float(np.sum((state.grid.width * H.slope(u) * slope[:-2])[inside]))

    right, left = (
        weights[:, 0] for weights in system.weights(system.steady_inputs(np.array([stationary.rate]), state.t))
    )
    diffusion = np.sum(right[1:-1] * P[:-1] * H.bregman(u[:-1], u[1:]) + left[1:-1] * P[1:] * H.bregman(u[1:], u[:-1]))
    fired = system.hazard()[:, 0] * state.grid.width * P
    fired[-1] += right[-1] * P[-1]
    firing = fired > 0.0
    fired, u_fired = fired[firing], u[firing]
    cells, shares = state.grid.deposit(model.V_R)
    if stationary.refractory > 0.0:
        r = np.asarray(state.refractory / stationary.refractory)
        change += float(H.slope(r) * slope[-2])
        jump = np.sum(fired * H.bregman(u_fired, r)) + stationary.rate * np.sum(shares * H.bregman(r, u[cells]))
    else:
        jump = np.sum(fired[:, None] * shares * H.bregman(u_fired[:, None], u[cells]))
    return EntropyBalance(change, float(diffusion), float(jump), change + float(diffusion) + float(jump))


def discrete_stationary(
    model: Population | Network, grid: Grid, rate: ArrayLike = 0.0, scheme: FluxScheme | None = None
) -> State:
    """The stationary state of the scheme itself, with coefficients frozen at the activity `rate`.

    For an uncoupled model it does not depend on `rate`; for a coupled one take that of a stationary state. Found by
    three backward-Euler steps of a length beyond all time scales, so positive and of mass one to rounding.

    Parameters
    ----------
    model : Population or Network
    grid : Grid
    rate : float, or array of shape (lanes,)
        Activity N in drift and noise; of a network that of every population, or one for all.
    scheme : FluxScheme
        Default `fp.ScharfetterGummel()`.
    """
    require_model(model)
    if not isinstance(model, Population | Network):
        raise InvalidArgument(f"`model` must be one population or a fp.Network, not {model!r}.")
    activity = real_array("rate", rate)
    if activity.shape not in ((), (model.lanes,)) or not np.all(np.isfinite(activity)):
        raise InvalidArgument(
            f"`rate` must be one finite number, or one for each of {model.lanes} lanes, not {rate!r}."
        )
    if model.depth and isinstance(model, Network):
        members = {name: _prompt(member) for name, member in model.members.items()}
        model = Network(members, model.J, model.noise, 0.0, model.time_constants)
    elif model.depth:
        assert isinstance(model, Population)
        model = _prompt(model)
    system = (ScharfetterGummel() if scheme is None else scheme).discretize(model, grid)
    y = system.pack(np.broadcast_to(1.0 / (grid.v_max - grid.v_min), (model.lanes, grid.cells)))
    for _ in range(3):
        y[-1] = activity
        y = system.implicit_step(y, 0.0, FOR_EVER)
    return system.unpack(y, 0.0)


def _prompt(model: Population) -> Population:
    """The same population without a past."""
    # What is stationary does not depend on when it arrives, nor on how the same mean silence is distributed.
    mean = model.refractory.mean_duration
    return replace(
        model,
        refractory=ExponentialRefractory(mean) if mean else model.refractory,
        coupling=replace(model.coupling, delay=0.0),
    )


def _check_grids(state: State, stationary: State) -> None:
    if not np.array_equal(state.grid.faces, stationary.grid.faces):
        raise InvalidArgument("`state` and `stationary` must be on the same grid.")
    if np.shape(state.density) != np.shape(stationary.density):
        raise InvalidArgument(
            f"`state` and `stationary` must be of the same populations, but their densities have the shapes "
            f"{np.shape(state.density)} and {np.shape(stationary.density)}."
        )


def _lane(state: State, k: int) -> State:
    """One of several lanes, as far as the entropy asks."""
    pool = np.broadcast_to(state.refractory, len(state.density))
    return replace(state, density=state.density[k], refractory=float(pool[k]), rate=np.nan, history=None)
