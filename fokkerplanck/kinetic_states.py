"""Stationary states of the voltage–conductance kinetic equation: for a given rate it is linear."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import brentq
from scipy.sparse import csc_matrix, diags_array, eye_array, kron
from scipy.sparse.linalg import splu

from .grid import Grid
from .models.kinetic import VoltageConductance
from .operators.conductance import STEEPEST, conductance_rates
from .operators.van_leer import VanLeer
from .operators.van_leer_volumes import VanLeerVolumes
from .outcomes import InvalidArgument, whole_number
from .state import State

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CELLS = 100
"""In v; the error of N falls with their square."""
SCAN = 24
"""Rates at which the balance is looked at, between which its sign may change once."""
QUIETEST = 1e-9
"""Rates below this share of the largest one are taken for none."""
SPREAD = 4.0
"""Standard deviations of the conductance for which there must be room below g_max."""
TOLERANCE = 1e-10
CORRECTIONS, SETTLED = 300, 1e-10
"""Largest number of corrections, and the relative change of N_out that ends them."""
PATIENCE, FLIPPING = 40, 1e-7
"""A limiter may flip to and fro in some cell for ever: after so many corrections they are halved, and this change of
N_out is small enough."""


@dataclass(frozen=True, eq=False, repr=False)
class KineticState:
    """A stationary state of the voltage–conductance kinetic equation.

    Attributes
    ----------
    model : VoltageConductance
    grid : Grid
    rate : float
        Total rate N.
    density : array, shape (lanes, cells)
        p(v, g), averages over cells and lanes.
    residual : float
        N_out − N, N_out what the density of the linear equation for N fires.
    start : State
        The state on its grid, accepted by `fp.solve(model, initial=...)`.
    """

    model: VoltageConductance
    grid: Grid
    rate: float
    density: np.ndarray
    residual: float
    start: State

    @property
    def mean_conductance(self) -> float:
        """⟨g⟩."""
        return self.model.mean_conductance(self.start)

    @cached_property
    def gain(self) -> float:
        """dN_out/dN: above 1 the state is unstable, for a small excess of N begets a larger one."""
        balance, step = _Balance(self.model, self.grid), 1e-3 * self.rate
        return (balance.fired(self.rate + step) - balance.fired(self.rate - step)) / (2.0 * step)

    def plot(self) -> Figure:
        """The density over (g, v), and the law of the conductance."""
        from .plotting.states import plot_kinetic_state

        return plot_kinetic_state(self)

    def __repr__(self) -> str:
        return f"KineticState(N = {self.rate:.9g}, ⟨g⟩ = {self.mean_conductance:.6g}, residual {self.residual:.0e})"


def kinetic_states(model: VoltageConductance, cells: int = CELLS) -> tuple[KineticState, ...]:
    """The stationary states of `model` that fire, by increasing rate.

    For a given N the conductances have constant g_in and a, and the equation is linear. Its density p, of mass 1, is
    that of the finite volumes of `solve`, `fp.VanLeer` in v and the weights of Chang and Cooper in g, so that it is
    positive and of second order: the null vector of the upwind matrix, corrected until the defect of the limited scheme
    no longer changes N_out. States are the zeros of N_out(N) − N, N_out = ∫ J⁺(V_F, g) dg; they are looked for among
    the rates that `model.largest_rate` and `g_max` allow, and two zeros within a step of the scan are missed.

    Parameters
    ----------
    model : VoltageConductance
    cells : int
        Cells in v; those in g are the model's lanes.

    Returns
    -------
    tuple of KineticState
        Without that of a network that is silent for want of input (f_E ν = 0).

    >>> from fokkerplanck import voltage_conductance
    >>> model = voltage_conductance(S_E=0.1, nu=20.0, f_E=0.05, sigma_E=0.2, V_E=2.0, lanes=32)
    >>> [round(state.rate, 2) for state in kinetic_states(model, cells=60)]
    [0.63]
    """
    if not isinstance(model, VoltageConductance):
        raise InvalidArgument(f"`model` must be one of fp.voltage_conductance(), not {model!r}.")
    grid = model.grid(whole_number("cells", cells, 16))
    if model.f_E * model.nu == 0.0:
        return ()
    balance = _Balance(model, grid)
    top = _highest(model)
    if model.S_E == 0.0:  # nobody hears anybody: one state
        return (balance.state(balance.fired(0.0)),)
    rates = np.concatenate(
        [np.geomspace(QUIETEST * top, 0.05 * top, SCAN // 2), np.linspace(0.1 * top, top, SCAN // 2)]
    )
    values = np.array([balance(rate) for rate in rates])
    found = [float(rate) for rate, value in zip(rates, values, strict=True) if value == 0.0]
    for k in np.flatnonzero(values[1:] * values[:-1] < 0.0):
        found.append(brentq(balance, float(rates[k]), float(rates[k + 1]), xtol=TOLERANCE * top, rtol=1e-12))
    return tuple(balance.state(rate) for rate in sorted(found))


def _highest(model: VoltageConductance) -> float:
    """The largest rate whose conductances the lanes can hold, or the largest that a stationary state can have."""

    def room(rate: float) -> float:
        drive, variance = float(model.drive(np.asarray(rate))), float(model.variance(np.asarray(rate)))
        return model.g_max - drive - SPREAD * math.sqrt(variance)

    if room(0.0) <= 0.0:
        raise InvalidArgument(
            f"`g_max` = {model.g_max:g} cuts off the conductances of a silent network; use a larger one."
        )
    limit = 1.01 * model.largest_rate
    if math.isinf(limit):
        limit = model.g_max / max(model.S_E, 1e-3 * model.critical_coupling)
    return limit if room(limit) > 0.0 else float(brentq(room, 0.0, limit))


class _Balance:
    """N ↦ N_out(N) − N on a grid."""

    def __init__(self, model: VoltageConductance, grid: Grid) -> None:
        self.model, self.grid = model, grid
        self._system = VanLeer().discretize(model, grid)
        self._upwind = _upwind_matrix(self._system)
        self._y, self._out = np.zeros(self._system.shape), np.zeros(self._system.shape)

    def __call__(self, rate: float) -> float:
        return self.fired(rate) - rate

    def fired(self, rate: float) -> float:
        """N_out(N)."""
        return self._total(self._density(rate))

    def state(self, rate: float) -> KineticState:
        p = self._density(rate)
        system, model = self._system, self.model
        flux = system.firing(p, system.inputs_at(np.zeros(model.lanes), 0.0))[0]
        state = State(0.0, self.grid, p.T.copy(), flux, np.zeros(model.lanes))
        return KineticState(model, self.grid, rate, p.T.copy(), self._total(p) - rate, state)

    def _total(self, p: np.ndarray) -> float:
        system = self._system
        return float(self.model.total_rate(system.firing(p, system.inputs_at(np.zeros(self.model.lanes), 0.0))[0]))

    def _density(self, rate: float) -> np.ndarray:
        """The null vector of mass 1, shape (cells, lanes), with p = 1 above V_R at the mean conductance meanwhile."""
        model, grid, lanes = self.model, self.grid, self.model.lanes
        drive, variance = float(model.drive(np.asarray(rate))), float(model.variance(np.asarray(rate)))
        relaxation = kron(eye_array(grid.cells), _conductance_matrix(model, drive, variance)).tocsr()
        pinned = int(np.searchsorted(grid.faces, grid.V_R)) * lanes + int(np.argmin(np.abs(model.g - drive)))
        known = np.zeros(grid.cells * lanes)
        known[pinned] = 1.0
        solve = splu(csc_matrix(diags_array(1.0 - known) @ (self._upwind + relaxation) + diags_array(known))).solve
        p = solve(known)
        weights, last = np.repeat(grid.width, lanes) * model.dg, math.inf
        for k in range(CORRECTIONS):
            defect = self._transported(p) + relaxation @ p
            defect[pinned] = 0.0
            p -= (1.0 if k < PATIENCE else 0.5) * solve(defect)
            mass = float(weights @ p)
            fired = self._total(p.reshape(grid.cells, lanes)) / mass if mass > 0.0 else math.nan
            if abs(fired - last) <= (SETTLED if k < PATIENCE else FLIPPING) * abs(fired):
                return np.asarray((p / mass).reshape(grid.cells, lanes))
            last = fired
        raise InvalidArgument(
            f"the stationary density for N = {rate:.4g} cannot be found with {grid.cells} cells and {lanes} lanes; "
            f"use other numbers of them."
        )

    def _transported(self, p: np.ndarray) -> np.ndarray:
        """−∂v of the flux in v, with what is reset."""
        self._y[:-2] = p.reshape(self.grid.cells, -1)
        self._system.residual(self._y, 0.0, self._out)
        return self._out[:-2].ravel()


def _conductance_matrix(model: VoltageConductance, drive: float, variance: float) -> csc_matrix:
    """−∂g F of `operators.conductance`, on the lanes."""
    ahead, back = np.zeros(model.lanes + 1), np.zeros(model.lanes + 1)
    conductance_rates(np.array(model.g_faces), drive, variance, model.sigma_E, STEEPEST, ahead, back)
    bands: Any = [ahead[1:-1], -(ahead[1:] + back[:-1]), back[1:-1]]
    return csc_matrix(diags_array(bands, offsets=[-1, 0, 1]))


def _upwind_matrix(system: VanLeerVolumes) -> csc_matrix:
    """−∂v of the upwind flux with what is reset, on unknowns (cell, lane)."""
    cells, lanes, width, mu = system.cells, system.lanes, system.width[:, None], system.face_drift
    up, down = np.maximum(mu, 0.0), np.minimum(mu, 0.0)
    up[0] = down[0] = down[-1] = 0.0
    bands: Any = [
        (up[1:-1] / width[1:]).ravel(),
        ((down[:-1] - up[1:]) / width).ravel(),
        (-down[1:-1] / width[:-1]).ravel(),
    ]
    into = np.zeros((cells, lanes))
    system.deposit(into, up[-1])
    rows = np.flatnonzero(into)
    reset = csc_matrix((into.ravel()[rows], (rows, (cells - 1) * lanes + rows % lanes)), shape=(cells * lanes,) * 2)
    return csc_matrix(diags_array(bands, offsets=[-lanes, 0, lanes]) + reset)
