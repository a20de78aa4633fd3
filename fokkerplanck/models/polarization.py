"""Polarization of a cell: molecules that are carried to a wall by what they do there."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..grid import Cells, HalfLine
from ..outcomes import InvalidArgument, non_negative, positive
from ..state import InitialDensity, State
from .model import Model

SPREAD = 9.0
"""Standard deviations that the molecules diffuse beyond where they were: less than 1e-18 go further."""
LEAST, GROWTH, LONGEST = 1e-16, 1.2, 1e6
"""A density has ended where its share beyond is less than the first; the search for the end goes in such steps."""
FINEST, EQUAL = 2e-5, 0.02
"""Width of the cell at the wall over the mean distance of the molecules, where they may concentrate there and else."""


class Polarity(ABC):
    """How the speed μ(t) ≥ 0 towards the wall follows the concentration n(0, t) there."""

    instant: ClassVar[bool] = False
    """Whether μ is n(0, t) itself, rather than a number that evolves beside the density."""
    binds: ClassVar[bool] = False
    """Whether μ is a mass, taken from that of n."""

    start: float = 0.0
    """μ at the start."""
    L: float = math.inf
    """Life time of μ where it has one."""

    @abstractmethod
    def critical_mass(self) -> float:
        """The mass from which on molecules gather at the wall for ever."""


@dataclass(frozen=True)
class InstantPolarity(Polarity):
    """μ(t) = n(0, t): the molecules at the wall pull at once.

    Critical mass 1: below it solutions are global, above it those with nonincreasing data blow up, no later than
    J(0)²/((M − 1) M²), J = ∫ z n dz.

    Source: Calvez, Hawkins, Meunier, Voituriez, SIAM J. Math. Anal. 44 (2012) 594, arXiv:1105.4429.
    """

    instant = True

    def critical_mass(self) -> float:
        return 1.0


@dataclass(frozen=True)
class RelaxingPolarity(Polarity):
    """dμ/dt = n(0, t) − μ/L: the pull builds up, and relaxes within the time L.

    No blow-up, but for M L > 1 exponential growth of μ at the rate M − 1/L; steady states only if M L = 1.

    Parameters
    ----------
    L : float
        Relaxation time, positive (dimensionless).
    start : float
        μ(0) ≥ 0.

    Source: the system of V. Calvez and R. Voituriez as B. Perthame shows it in his course on networks of neurons.
    """

    L: float = 1.0
    start: float = 0.0

    def __post_init__(self) -> None:
        positive("L", self.L)
        non_negative("start", self.start)

    def critical_mass(self) -> float:
        return 1.0 / self.L


@dataclass(frozen=True)
class MembraneExchange(RelaxingPolarity):
    """dμ/dt = n(0, t) − μ/L, where μ is the mass on the membrane: what binds there leaves the half-line.

    The wall is no longer closed, ∂z n(0, t) + μ n(0, t) = dμ/dt, and ∫ n dz + μ = M. No blow-up; for M > 1/L the
    solution tends to μ = M − 1/L, n = (μ/L) e^{−μz}.

    Parameters
    ----------
    L : float
        Mean time that a molecule stays bound, positive; 1 in the source.
    start : float
        μ(0) ≥ 0, the mass bound at the start, less than the whole mass.

    Source: Calvez, Hawkins, Meunier, Voituriez (2012); the equation of μ with unit rates from memory.
    """

    binds = True


@dataclass(frozen=True)
class Polarization(Model):
    """Molecules at the distance z ≥ 0 from a wall; see `cell_polarization`."""

    total: float
    polarity: Polarity = field(default_factory=InstantPolarity)

    coordinate = "z"
    activity = "n_0"
    activity_name = "concentration at the wall"
    companion_name = r"\mu"

    def __post_init__(self) -> None:
        positive("mass", self.total)
        if not isinstance(self.polarity, Polarity):
            raise InvalidArgument(
                f"`polarity` must be fp.InstantPolarity(), fp.RelaxingPolarity(L) or fp.MembraneExchange(L), "
                f"not {self.polarity!r}."
            )
        if self.polarity.binds and self.polarity.start >= self.total:
            raise InvalidArgument(
                f"`start` = {self.polarity.start:g} binds the whole mass {self.total:g}; use a smaller one."
            )

    def __repr__(self) -> str:
        return f"Polarization(mass={self.total:g}, {self.polarity!r})"

    @property
    def mass(self) -> float:
        return self.total

    @property
    def may_blow_up(self) -> bool:
        return True  # a detector that is told otherwise would prove nothing

    @property
    def companion(self) -> float:
        return 0.0 if self.polarity.instant else self.polarity.start

    def content(self, state: State) -> float:
        return super().content(state) + (float(state.refractory) if self.polarity.binds else 0.0)

    def shares(self, initial: object) -> np.ndarray:
        """What is not bound."""
        return np.array([self.total - (self.polarity.start if self.polarity.binds else 0.0)])

    @property
    def monitors(self) -> Mapping[str, Callable[[State], float | np.ndarray]]:
        """μ and the first moment J = ∫ z n dz."""
        return {"mu": self.speed, "first_moment": first_moment}

    def speed(self, state: State) -> float:
        """μ of a state, with which all molecules drift to the wall."""
        return float(state.rate if self.polarity.instant else state.refractory)

    # -- what is known in closed form -----------------------------------------------------------------------------

    def steady_states(self) -> tuple[PolarizedState, ...]:
        """n = n_0 e^{−μz}: the mass on z > 0 is n_0/μ, that is 1 with instant polarity and 1/L else, whatever μ is.

        With exchange the rest of the mass, M − 1/L, is bound, and is μ.

        Raises
        ------
        InvalidArgument
            If a closed wall holds just the critical mass: then there is one for every μ.
        """
        critical = self.polarity.critical_mass()
        if self.polarity.binds:
            return (PolarizedState(self, self.total - critical),) if self.total > critical else ()
        if self.total == critical:
            raise InvalidArgument(
                f"{self!r} has a stationary state of its mass for every speed μ > 0; `model.steady_state(mu)` is one "
                f"of them, and solutions tend to the one that has their {self._kept()}."
            )
        return ()

    def steady_state(self, speed: float) -> PolarizedState:
        """n = n_0 e^{−μz} with μ = `speed`; a steady state if the mass allows it, see `steady_states`."""
        return PolarizedState(self, speed)

    def _kept(self) -> str:
        """What a closed wall with the critical mass keeps: J' = n_0 − μM, and in (B) μ' is the same."""
        return "J = ∫ z n dz = M/μ" if self.polarity.instant else "J − μ = M/μ − μ, J = ∫ z n dz"

    def latest_blow_up(self, moment: float) -> float:
        """J(0)²/((M − 1) M²), before which instant polarity with nonincreasing data blows up; infinite for M ≤ 1.

        J' = (1 − M) n(0, t), and n(0, t) ≥ M²/(2 J) as long as n does not increase with z, which the equation keeps.
        """
        if not self.polarity.instant or self.total <= 1.0:
            return math.inf
        return positive("moment", moment) ** 2 / ((self.total - 1.0) * self.total**2)

    # -- grids ------------------------------------------------------------------------------------------------------

    def grid(self, cells: int = 600, end: float = 40.0, finest: float | None = None) -> HalfLine:
        """A grid on 0 ≤ z ≤ end.

        Parameters
        ----------
        cells : int
        end : float
            Largest z (dimensionless); no flux passes it.
        finest : float, optional
            Width of the cell at the wall, from where cells grow geometrically. None: equal cells.

        >>> cell_polarization(mass=0.5).grid(cells=100, end=10.0)
        HalfLine(100 cells on [0, 10], widths 0.1 to 0.1)
        """
        return HalfLine.uniform(end, cells) if finest is None else HalfLine.graded(end, cells, finest)

    def default_grid(self, datum: InitialDensity, t_span: tuple[float, float], reach: float = 1.0) -> Cells:
        """As far as the molecules can diffuse, and as fine at the wall as they may gather there."""
        last = extent(datum)
        end = reach * (last + SPREAD * math.sqrt(2.0 * (t_span[1] - t_span[0])))
        z = np.linspace(0.0, last, 4001)
        values = datum.value(z, last)
        mean = float(np.trapezoid(z * values, z) / np.trapezoid(values, z))
        gathers = self.total >= self.polarity.critical_mass()
        finest = (FINEST if gathers else EQUAL) * max(mean, 1e-3 * last)
        cells = 800 if gathers else 600
        return self.grid(cells, end, finest if finest < 0.5 * end / cells else None)


@dataclass(frozen=True)
class PolarizedState:
    """A stationary state n = n_0 e^{−μz} of a polarizing cell, with `speed` = μ > 0.

    Attributes
    ----------
    model : Polarization
    speed : float
    """

    model: Polarization
    speed: float

    def __post_init__(self) -> None:
        positive("speed", self.speed)

    @property
    def rate(self) -> float:
        """n_0 = n(0): μ with instant polarity, μ/L else."""
        return self.speed * self.model.polarity.critical_mass()

    def density(self, z: ArrayLike) -> np.ndarray:
        """n at the distances z."""
        return np.asarray(self.rate * np.exp(-self.speed * np.asarray(z, dtype=float)))

    def state(self, grid: HalfLine) -> State:
        """The state on a grid, by its cell averages, accepted by `fp.solve(model, initial=...)`."""
        self.model.check_grid(grid)
        edges = np.exp(-self.speed * grid.faces)
        density = self.rate / self.speed * -np.diff(edges) / grid.width
        return State(0.0, grid, density, self.rate, 0.0 if self.model.polarity.instant else self.speed)

    def plot(self) -> Any:
        """The profile, and its value at the wall, in a Matplotlib figure."""
        from ..plotting.states import figure_of_profile

        return figure_of_profile(self)


def first_moment(state: State) -> float:
    """J = ∫ z n dz."""
    return float(state.density @ (state.grid.width * state.grid.v))


def extent(datum: InitialDensity) -> float:
    """Where a density on the half-line has ended.

    Raises
    ------
    InvalidArgument
        If it does not, or is known on a grid only.
    """
    first = max(1e-6, 1e-3 * min(datum.narrowest[1], 1.0))
    ends = np.concatenate([[0.0], np.geomspace(first, LONGEST, round(math.log(LONGEST / first) / math.log(GROWTH)))])
    nodes, weights = np.polynomial.legendre.leggauss(12)
    half = 0.5 * np.diff(ends)
    z = ends[:-1, None] + half[:, None] * (1.0 + nodes)
    values = datum.value(z.ravel(), LONGEST).reshape(z.shape)
    if not np.all(np.isfinite(values)):
        raise InvalidArgument("`initial` is an array, which needs the `grid` it is meant for; model.grid(cells=...).")
    masses = (values @ weights) * half
    beyond = np.cumsum(masses[::-1])[::-1]
    ended = np.flatnonzero(beyond <= LEAST * beyond[0])
    if not len(ended) or beyond[0] == 0.0:
        seen = f"has no end below {LONGEST:g}" if beyond[0] > 0.0 else "is zero wherever it was looked at"
        raise InvalidArgument(
            f"`initial` {seen}; use fp.exponential(scale), or give the `grid` on which it can be seen, "
            f"model.grid(end=...)."
        )
    return float(ends[ended[0]])


def cell_polarization(mass: float, polarity: Polarity | None = None) -> Polarization:
    """Spontaneous polarization of a cell: the molecules near a wall carry the others towards it.

        ∂t n − ∂z[μ(t) n] − ∂zz n = 0   on z ≥ 0,    ∂z n(0, t) + μ n(0, t) = 0

    The course on networks of neurons sets it beside the NNLIF equation: drift by what the boundary reads off. `solve`
    gives n(z, t), n(0, t) as `rate`, and the records "mu" and "first_moment".

    Parameters
    ----------
    mass : float
        M = ∫ n dz, positive, which the initial density is given (with `MembraneExchange` that of n and μ together).
    polarity : Polarity, optional
        How μ follows n(0, t): `fp.InstantPolarity()` (default), `fp.RelaxingPolarity(L)`, `fp.MembraneExchange(L)`.

    Raises
    ------
    InvalidArgument
        If the mass is not positive.

    Source: Calvez, Hawkins, Meunier, Voituriez, SIAM J. Math. Anal. 44 (2012) 594, arXiv:1105.4429.

    >>> import fokkerplanck as fp
    >>> sol = fp.solve(fp.cell_polarization(mass=2.0), fp.exponential(1.0), (0.0, 1.0))
    >>> sol.status.name, round(sol.blow_up.time, 3)
    ('BLOW_UP', 0.217)
    """
    return Polarization(mass, InstantPolarity() if polarity is None else polarity)
