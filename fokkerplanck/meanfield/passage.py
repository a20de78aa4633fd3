"""How long a neuron takes from reset to spike at a fixed input, and where it spends that time: one object per law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import BSpline, make_interp_spline

from ..grid import Grid
from ..models.coupling import MeanFieldCoupling
from ..models.drift import ConstantDrift, Leak, drift_at
from ..models.noise import ActivityNoise
from ..models.population import Population, height
from ..models.refractory import NoRefractory
from ..models.threshold import HardThreshold, RandomThreshold
from ..operators.schemes import ScharfetterGummel
from ..outcomes import InvalidArgument
from .escape import hazard_ratio, log_survival
from .firstpassage import log_mean_first_passage, log_occupation, passage_moments, phi_derivatives

TAIL_EXPONENT = 40.0
"""A fitted grid starts where the stationary density has fallen by e^{−40} below V_R (or below its peak)."""
FINEST = 0.03
"""Width of a fitted grid's cells at V_F over the shortest of the lengths that the density has there."""
CELLS, HALVINGS, CONVERGED = (150, 450, 1350), 3, 1e-7
"""The numerical passage: cells below V_F (half as many again above it, if there is an above) and how often they are
halved for the extrapolation. The next number is tried if the last step of it changed I by more than this share."""
PROFILE = 2
"""Halvings after which the cells are narrow enough to interpolate the masses."""
LONGEST = 600.0
"""log I beyond which a numerical passage time is called infinite."""


class _Jet(NamedTuple):
    """log I and the derivatives of I by the input c and the diffusion a, divided by I."""

    log: np.ndarray
    c: np.ndarray
    a: np.ndarray
    cc: np.ndarray
    ca: np.ndarray
    aa: np.ndarray


class Passage(Protocol):
    """The passage from reset to spike: its mean time I(c, a), its occupation density g(v), ∫ g dv = I.

    `shortest` is a lower bound of I, which it approaches as c → ∞. All arguments broadcast.
    """

    @property
    def shortest(self) -> float: ...

    def log_time(self, c: ArrayLike, a: ArrayLike) -> np.ndarray:
        """log I; infinite where a numerical law gives up."""
        ...

    def log_occupation(self, v: ArrayLike, c: float, a: float) -> np.ndarray:
        """log g at the potentials v."""
        ...


class SmoothPassage(Passage, Protocol):
    """A passage in closed form: its derivatives are known as well, and I falls with c from ∞ to `shortest`."""

    def jet(self, c: ArrayLike, a: ArrayLike) -> _Jet: ...


@dataclass(frozen=True)
class LeakyHard:
    """Leak, absorbing threshold: see `firstpassage`."""

    model: Population

    @property
    def shortest(self) -> float:
        """0."""
        return 0.0

    def log_time(self, c: ArrayLike, a: ArrayLike) -> np.ndarray:
        return log_mean_first_passage(c, a, self.model.V_R, self.model.V_F)

    def log_occupation(self, v: ArrayLike, c: float, a: float) -> np.ndarray:
        return log_occupation(v, c, a, self.model.V_R, self.model.V_F)

    def jet(self, c: ArrayLike, a: ArrayLike) -> _Jet:
        """∂/∂c multiplies the Laplace integral of I by −σ and ∂/∂a by σ²/2, up to the sign."""
        log_scale, m = passage_moments(c, a, self.model.V_R, self.model.V_F, order=4)
        by = m / m[0]
        return _Jet(log_scale + np.log(m[0]), -by[1], -0.5 * by[2], by[2], 0.5 * by[3], 0.25 * by[4])


@dataclass(frozen=True)
class LeakyRandom:
    """Leak, firing at the rate 1/ε above V_F.

        I = I_hard + ε + ε ρ(w_F) φ(w_F),   g = g_hard + (ερ/√a) e^{(w_F² − w²)/2} below V_F,
        g = (ερ/√a) e^{(w_F² − w²)/4} D_{−κ}(w)/D_{−κ}(w_F) above it,
        ρ = D_{−κ}/D_{−κ−1},   φ(w) = √(π/2) erfcx(−w/√2),   w = (v − c)/√a,   κ = 1/ε

    Below V_F the flux is that of the hard threshold, so g differs from g_hard by a solution without flux; the density
    and its slope are continuous at V_F. The three terms are the times until V_F is reached, spent above it, and spent
    below it again.
    """

    model: Population

    @property
    def shortest(self) -> float:
        """ε."""
        assert isinstance(self.model.threshold, RandomThreshold)
        return self.model.threshold.epsilon

    def log_time(self, c: ArrayLike, a: ArrayLike) -> np.ndarray:
        c, a = np.asarray(c, dtype=float), np.asarray(a, dtype=float)
        w = (self.model.V_F - c) / np.sqrt(a)
        rho, _, _ = hazard_ratio(w, 1.0 / self.shortest)
        top = 0.5 * np.maximum(w, 0.0) ** 2
        again = top + np.log(phi_derivatives(w, 0)[0] * rho * self.shortest)
        return np.logaddexp(np.logaddexp(LeakyHard(self.model).log_time(c, a), again), np.log(self.shortest))

    def log_occupation(self, v: ArrayLike, c: float, a: float) -> np.ndarray:
        v, root, kappa = np.asarray(v, dtype=float), np.sqrt(a), 1.0 / self.shortest
        w_F, w = (self.model.V_F - c) / root, (v - c) / root
        log_at_threshold = np.log(self.shortest * hazard_ratio(w_F, kappa)[0] / root)
        hard = LeakyHard(self.model).log_occupation(v, c, a)
        below = np.logaddexp(hard, log_at_threshold + 0.5 * (self.model.V_F - v) * (w_F + w) / root)
        above = log_at_threshold + log_survival(np.maximum(w, w_F), kappa) - log_survival(w_F, kappa)
        return np.asarray(np.where(w < w_F, below, above))

    def jet(self, c: ArrayLike, a: ArrayLike) -> _Jet:
        hard = LeakyHard(self.model).jet(c, a)
        c, a = np.asarray(c, dtype=float), np.asarray(a, dtype=float)
        log_time = self.log_time(c, a)
        epsilon, w = self.shortest, (self.model.V_F - c) / np.sqrt(a)
        rho, rho1, rho2 = hazard_ratio(w, 1.0 / epsilon)
        phi = phi_derivatives(w, 2) * (epsilon * np.exp(0.5 * np.maximum(w, 0.0) ** 2 - log_time))
        once = rho1 * phi[0] + rho * phi[1]
        twice = rho2 * phi[0] + 2.0 * rho1 * phi[1] + rho * phi[2]
        by_c, by_a = -1.0 / np.sqrt(a), -0.5 * w / a
        share = np.exp(hard.log - log_time)
        return _Jet(
            log_time,
            share * hard.c + once * by_c,
            share * hard.a + once * by_a,
            share * hard.cc + twice * by_c**2,
            share * hard.ca + twice * by_c * by_a - once * by_c / (2.0 * a),
            share * hard.aa + twice * by_a**2 + once * 0.75 * w / a**2,
        )


@dataclass(frozen=True)
class Discrete:
    """Any drift and any threshold: T g = −r, solved by finite volumes on a grid fitted to the input.

    The Scharfetter–Gummel operator T is eliminated without a subtraction, so that rounding does no harm however rare
    the escape is, and the error in the cell width is a series of even powers: Richardson extrapolation over the grid
    halved three times leaves 1e-8 of I or less with an absorbing threshold, and 1e-12 with a hazard.
    """

    model: Population

    @property
    def shortest(self) -> float:
        """ε of a random threshold; of others nothing is known."""
        return self.model.threshold.epsilon if isinstance(self.model.threshold, RandomThreshold) else 0.0

    def log_time(self, c: ArrayLike, a: ArrayLike) -> np.ndarray:
        c, a = np.broadcast_arrays(np.asarray(c, dtype=float), np.asarray(a, dtype=float))
        times = [self._log_time(float(x), float(y)) for x, y in zip(c.ravel(), a.ravel(), strict=True)]
        return np.reshape(times, c.shape)

    def log_occupation(self, v: ArrayLike, c: float, a: float) -> np.ndarray:
        """By a quintic spline through the extrapolated masses below each face, in pieces that end where g has kinks."""
        v = np.asarray(v, dtype=float)
        grid, pieces = self._time_below(c, a)
        g = np.zeros(v.shape)
        for low, high, below in pieces:
            here = (v >= low) & (v <= high)
            g[here] = below.derivative()(v[here])
        if self.model.threshold.absorbing:
            g[v >= grid.V_F] = 0.0
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.maximum(g, 0.0)))

    def times_between(self, faces: np.ndarray, c: float, a: float) -> np.ndarray:
        """∫ g dv from each face to the next, V_R and V_F among them: they add up to I, whatever the faces are."""
        times = np.zeros(len(faces) - 1)
        for low, high, below in self._time_below(c, a)[1]:
            times += np.maximum(np.diff(below(np.clip(faces, low, high))), 0.0)
        return times

    def _time_below(self, c: float, a: float) -> tuple[Grid, list[tuple[float, float, BSpline]]]:
        """The grid, and from each kink of g to the next the time spent there below v."""
        grid, masses = self._masses(c, a, PROFILE)
        below, pieces = np.concatenate([[0.0], np.cumsum(masses)]), []
        for low, high in pairwise(np.unique([grid.v_min, grid.V_R, grid.V_F, grid.v_max])):
            piece = (grid.faces >= low) & (grid.faces <= high)
            spline = make_interp_spline(grid.faces[piece], below[piece] - below[piece][0], k=5)
            pieces.append((float(low), float(high), spline))
        return grid, pieces

    def _log_time(self, c: float, a: float) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            total = float(self._masses(c, a, 0)[1].sum())
        return np.log(total) if 0.0 < total < np.exp(LONGEST) else np.inf

    def _masses(self, c: float, a: float, coarsest: int) -> tuple[Grid, np.ndarray]:
        """The grid after so many halvings, and the time spent in each of its cells, extrapolated from there on."""
        frozen = at_input(self.model, c, a)
        for cells in CELLS:
            grids, table = [fitted_grid(self.model, c, a, cells)], []
            for _ in range(HALVINGS):
                grids.append(grids[-1].refined())
            for level, grid in enumerate(grids[coarsest:]):
                system = ScharfetterGummel().discretize(frozen, grid)
                g = np.zeros((grid.cells, 1))
                system.deposit(g, np.ones(1))
                system.eliminate(system.steady_inputs(np.zeros(1), 0.0), 0.0)
                system.substitute(g)
                table.append((g[:, 0] * grid.width).reshape(-1, 2**level).sum(axis=1))
            for order in range(1, len(table)):
                before = table[-1].sum()
                table = [y + (y - x) / (4.0**order - 1.0) for x, y in pairwise(table)]
            if not abs(table[0].sum() - before) > CONVERGED * before:
                break
        return grids[coarsest], table[0]


@dataclass(frozen=True)
class SteadyHard(Discrete):
    """No leak, absorbing threshold: with the drift μ = speed + c > 0 and ℓ = V_F − V_R

        I = ℓ/μ,   g = (1 − e^{−μ (V_F − v)/a})/μ above V_R,   g(v) = g(V_R) e^{−μ (V_R − v)/a} below,

    and I is infinite for μ ≤ 0. Where it is, it has no derivatives either, so that whoever needs them treats it as the
    numerical law that it replaces.
    """

    @property
    def shortest(self) -> float:
        """0."""
        return 0.0

    def log_time(self, c: ArrayLike, a: ArrayLike) -> np.ndarray:
        mu, _ = np.broadcast_arrays(self._drift(c), a)
        rising = mu > 0.0
        return np.where(rising, np.log((self.model.V_F - self.model.V_R) / np.where(rising, mu, 1.0)), np.inf)

    def log_occupation(self, v: ArrayLike, c: float, a: float) -> np.ndarray:
        v, mu, V_R, V_F = np.asarray(v, dtype=float), float(self._drift(c)), self.model.V_R, self.model.V_F
        if not mu > 0.0:
            raise InvalidArgument(f"without a drift towards V_F, not {mu:g}, nothing is stationary; raise `external`.")
        with np.errstate(divide="ignore"):  # log 0 at V_F
            log_between = np.log(-np.expm1(-mu * np.clip(V_F - v, 0.0, V_F - V_R) / a) / mu)
        return np.asarray(log_between - mu * np.maximum(V_R - v, 0.0) / a)

    def _drift(self, c: ArrayLike) -> np.ndarray:
        assert isinstance(self.model.drift, ConstantDrift)
        return self.model.drift.speed + np.asarray(c, dtype=float)


CLOSED: dict[tuple[type, type], Callable[[Population], Passage]] = {
    (Leak, HardThreshold): LeakyHard,
    (Leak, RandomThreshold): LeakyRandom,
    (ConstantDrift, HardThreshold): SteadyHard,
}


def passage_of(model: Population) -> Passage:
    """The passage of the model's drift and threshold: in closed form where there is one."""
    if model.noise.a0 == model.noise.a1 == 0.0:
        raise InvalidArgument("a0 = a1 = 0: without noise there is no stationary density; give `a0` a positive value.")
    laws: tuple[type, type] = type(model.drift), type(model.threshold)
    return CLOSED.get(laws, Discrete)(model)


def closed_passage_of(model: Population, what: str) -> SmoothPassage:
    """The passage in closed form, for which alone `what` is known."""
    passage = passage_of(model)
    if isinstance(passage, Discrete):
        raise InvalidArgument(f"{what} for the leak drift with a hard or a random threshold only, not for {model!r}.")
    return passage  # type: ignore[return-value]  # the values of CLOSED


def at_input(model: Population, c: float, a: float) -> Population:
    """The neuron of `model` on its own, under a constant input c and diffusion a, without refractory time."""
    return replace(
        model, noise=ActivityNoise(a), coupling=MeanFieldCoupling(0.0, external=c), refractory=NoRefractory()
    )


def fitted_grid(model: Population, c: float, a: float, cells: int, background: float = 0.0) -> Grid:
    """A grid for the stationary density under the input c and the diffusion a.

    `model.grid` must hold whatever a solution may do; one state needs less, and a wide domain would waste the cells.

    Parameters
    ----------
    cells : int
        Number below V_F; where the threshold is not absorbing there are half as many above.
    background : float, optional
        a0 of a noise that grows with the rate: it feeds back on itself through the slope at V_F, on the length a0/|μ|.
        Otherwise only the layer a/μ that a drift μ > 0 presses against V_F is to be resolved.
    """
    V_R, V_F, frozen = model.V_R, model.V_F, at_input(model, c, a)
    if isinstance(model.drift, Leak):
        v_min = c - float(np.sqrt(max(c - V_R, 0.0) ** 2 + 2.0 * TAIL_EXPONENT * a))
        v_min = min(v_min, V_R - 0.1 * (V_F - V_R))  # a strong drift leaves nothing below V_R, but V_R must be a face
    else:
        v_min = frozen.lowest_potential()
    push = float(drift_at(model.drift, np.array([V_F]))[0]) + c
    lengths = [V_F - V_R, float(np.sqrt(a))]
    if model.threshold.absorbing:
        lengths.append(5.0 * (background / max(abs(push), 1e-300) if background else a / max(push, 1e-300)))
    finest = min(FINEST * min(lengths), 0.9 * (V_F - v_min) / cells)
    below = Grid.graded(v_min, V_R, V_F, cells, finest)
    if model.threshold.absorbing:
        return below
    top = height(model, c, a, 0.1 * min(V_F - V_R, float(np.sqrt(a))), TAIL_EXPONENT)
    return below.extended(top, cells // 2)
