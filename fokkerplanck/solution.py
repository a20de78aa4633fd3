"""What `solve` returns."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .elements import Elements
from .grid import Grid
from .interpolation import RateHistory
from .outcomes import BlowUp, InvalidArgument, Jump, Status, real_array
from .state import State

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from matplotlib.figure import Figure

    from .models.model import Model


MANY = 4
"""Lanes whose rates a solution prints."""
EVENTS = 5
"""Firing events that a solution prints, of perhaps very many."""


START, PEAK = 0.01, 1.1
"""Share of the first membrane time constant in which N may have a peak that says nothing, and how much it exceeds all
that follows."""


@dataclass(frozen=True, eq=False)
class Record:
    """Values of one monitor: `value[i]` at time `t[i]`."""

    t: np.ndarray
    value: np.ndarray


@dataclass(frozen=True)
class Quality:
    """What the discretisation did to the quantities that the equation keeps.

    Attributes
    ----------
    mass_error : float
        Largest |∫ n dv + R − 1| over the run.
    smallest_density : float
        Smallest cell average over the run; negative values are shown, not clipped.
    truncated_mass : float
        Largest estimate of the mass that lies beyond the ends of the grid in the unbounded problem.
    steps, rejected : int
        Accepted and rejected time steps.
    error_estimate : float
        See `Solution.error_estimate`.
    """

    mass_error: float
    smallest_density: float
    truncated_mass: float
    steps: int
    rejected: int
    error_estimate: float = math.nan


def _listed(rates: np.ndarray) -> str:
    """One rate, or the first of several."""
    values = np.atleast_1d(rates)
    shown = ", ".join(f"{rate:.6g}" for rate in values[:MANY])
    return shown + (f", … ({len(values)} lanes)" if len(values) > MANY else "")


def _own_grid(grid: Any, model: Any, k: int) -> tuple[Grid | Elements, float, slice]:
    """The grid of lane k in its own potential, what one unit of the shared potential is there, and its cells."""
    rows = slice(None)
    if model is None:
        return grid, 1.0, rows
    if isinstance(grid, Grid) and model.absorbing[k]:  # nothing of this lane is above its V_F
        grid = grid.below_threshold()
        rows = slice(grid.cells)
    V_R, V_F = model.lane_potentials(k)
    if (V_R, V_F) == (grid.V_R, grid.V_F):
        return grid, 1.0, rows
    scale = (V_F - V_R) / (grid.V_F - grid.V_R)

    def own(u: np.ndarray) -> np.ndarray:
        v = V_R + scale * (u - grid.V_R)
        v[u == grid.V_F] = V_F  # both are met exactly
        return np.asarray(v)

    if isinstance(grid, Elements):
        return Elements(own(grid.edges), grid.degree, V_R, V_F), scale, rows
    return Grid(own(grid.faces), V_R, V_F), scale, rows


@dataclass(frozen=True, eq=False, repr=False)
class Solution:
    """A solution of the population-density equation, and why it ended.

    Attributes
    ----------
    t : array, shape (steps + 1,)
        Every accepted step; of more than 100,000 fixed ones every second, of 200,000 every fourth, and so on, with the
        last. The time never falls back; it may stand still around a firing event, where steps are shorter than its
        rounding.
    rate, refractory : array, shape (steps + 1,) or (steps + 1, lanes)
        Firing rate N and mass R of the refractory pool at those times; of several populations one column for each.
    saved_t : array, shape (saves,)
    density : array, shape (saves, cells) or (saves, lanes, cells)
        Cell averages of n at `saved_t`; `v` are the cell centres (or node values and nodes).
    records : dict of str to Record
        One per monitor.
    fired : array, shape (steps + 1,) or (steps + 1, lanes)
        Spikes per neuron since the start, ∫ N dt; with a step of Δ where a fraction Δ fires at once.
    jumps : tuple of Jump
        Firing events that the run went through, by `fp.ActivityClock`: N(t) = Σ Δ δ(t − t*) + `rate`.
    before : tuple of State
        For each of them the state at its beginning; `fp.cascade(model, before[k])` shows the event stage by stage.
    status : Status
    message : str
        The status in a sentence, with its numbers.
    blow_up : BlowUp or None
    final : State
        Last state; `solve` accepts it as `initial`.
    quality : Quality
    settings : dict of str to str
        Scheme, stepper and tolerances that produced this.
    """

    model: Model | None
    grid: Any  # Grid or Elements of potentials, or HalfLine
    t: np.ndarray
    rate: np.ndarray
    refractory: np.ndarray
    saved_t: np.ndarray
    density: np.ndarray
    records: dict[str, Record]
    status: Status
    message: str
    blow_up: BlowUp | None
    final: State
    quality: Quality
    settings: dict[str, str] = field(default_factory=dict)
    bend: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    fired: np.ndarray = field(default_factory=lambda: np.empty(0))
    jumps: tuple[Jump, ...] = ()
    before: tuple[State, ...] = ()

    @property
    def error_estimate(self) -> float:
        """Estimated error of N(t), of space and time together, over atol/rtol + |N|: the largest of the run.

        From a second run with half the resolution and thirty times the tolerance. The first 1 % of the run is left out
        (a datum that does not vanish at V_F starts with an infinite rate), and so is the last tenth before a blow-up.
        Of several lanes the largest, relative to |N| of the lane plus a thousandth of the largest rate there is. The
        lanes stay as they are: how finely labels ξ or weights w are resolved is not in it. Not a number if no estimate
        was made, infinite if the second run went wrong.
        """
        return self.quality.error_estimate

    @property
    def v(self) -> np.ndarray:
        """Cell centres, shape (cells,)."""
        return self.grid.v

    def rate_at(self, times: Any) -> np.ndarray:
        """N at any times within the run, to the order of the stepper's dense output; one column for each lane.

        Parameters
        ----------
        times : float or array
            Times within [t[0], t[-1]].

        Raises
        ------
        InvalidArgument
            If a time lies outside the run.
        """
        times = real_array("times", times)
        first, last = self.t[0], self.t[-1]
        if not np.all((times >= first) & (times <= last)):
            raise InvalidArgument(f"`times` must lie within the computed interval [{first:g}, {last:.9g}].")
        return RateHistory(self.t, self.rate, self.bend)(times)

    def lane(self, which: int | str) -> Solution:
        """What one of several populations did, as a solution without an axis for the lanes, in its own potential.

        Densities, `v` and the grid are those of the population's own V_R and V_F, also where the grid that all share
        has others; time and rates stay those of the network. `model` is the population itself if no other one acts on
        it (and its time constant is 1), else None. Without a model, as loaded from a file that could not hold it, the
        potential is that of the shared grid. `quality` is that of the whole run.

        Parameters
        ----------
        which : int or str
            Its number, or its name in the model.

        Raises
        ------
        InvalidArgument
            If there is no such lane, or only one population.

        >>> import fokkerplanck as fp
        >>> sol = fp.solve(fp.excitatory_inhibitory(0.5, 0.25, 0.25, 1.0), fp.gaussian(0.0, 0.5), (0.0, 0.1))
        >>> sol.lane("I").rate.shape == sol.t.shape
        True
        """
        if self.rate.ndim == 1:
            raise InvalidArgument("this is the solution of one population; it has no lanes.")
        lanes = self.rate.shape[1]
        names = [str(k) for k in range(lanes)] if self.model is None else list(self.model.lane_names)
        if isinstance(which, str) and which in names:
            k = names.index(str(which))
        elif isinstance(which, int | np.integer) and not isinstance(which, bool) and -lanes <= which < lanes:
            k = int(which) % lanes
        else:
            shown = ", ".join(names[:MANY]) + (", …" if lanes > MANY else "")
            raise InvalidArgument(f"`which` = {which!r} is none of the {lanes} lanes {shown}.")
        final = self.final
        history = final.history
        if history is not None:
            history = replace(history, rate=history.rate[:, k], bend=history.bend[:, :, k])
        grid, scale, rows = _own_grid(self.grid, self.model, k)
        blow_up = self.blow_up
        return replace(
            self,
            model=None if self.model is None else self.model.lane_model(k),
            grid=grid,
            rate=self.rate[:, k],
            refractory=self.refractory[:, k],
            density=self.density[:, k, rows] / scale,
            bend=self.bend[:, :, k],
            fired=self.fired[:, k],
            blow_up=replace(blow_up, lane=0) if blow_up is not None and blow_up.lane == k else None,
            final=replace(
                final,
                grid=grid,
                density=final.density[k, rows] / scale,
                rate=float(final.rate[k]),
                refractory=float(final.refractory[k]),
                history=history,
            ),
            records={},
        )

    def plot(self) -> Figure:
        """Density over (v, t), snapshots and N(t) in one figure."""
        from .plotting.figure import plot_solution

        return plot_solution(self)

    def animate(self, path: str | PathLike[str], frames: int | None = None, **options: Any) -> Path:
        """A film of the density and of N(t), as `.gif`, or as `.mp4` where ffmpeg is installed.

        Parameters
        ----------
        path : path
            Written whole or not at all.
        frames : int, optional
            Default: 120, or as many as densities were saved if those are fewer.
        **options
            `fps`, `dpi`, `stationary` and `progress` of `fokkerplanck.plotting.animate`.

        Returns
        -------
        Path
            The file.
        """
        from .plotting.film import animate

        return animate(self, path, frames, **options)

    def save(self, path: str | PathLike[str]) -> None:
        """Write to a NetCDF-3 file, atomically; `fp.load(path)` reads it back."""
        from .storage import save

        save(self, path)

    def to_xarray(self) -> Any:
        """The solution as a labelled `xarray.Dataset` (needs the `io` extra)."""
        from .storage import to_xarray

        return to_xarray(self)

    @property
    def largest_rate(self) -> float:
        """Largest N of the run; of several populations that of the loudest.

        Without the peak at the start, if that is larger than all that follows: N of a datum that does not vanish at V_F
        begins at infinity, like t^(−1/2), and how much of that is seen depends on the first step alone.
        """
        rate = np.asarray(self.rate if self.model is None else self.model.shown_rate(self.rate))
        later = rate[self.t >= self.t[0] + START * min(self.t[-1] - self.t[0], 1.0)]
        return float(later.max() if rate[0].max() > PEAK * later.max() else rate.max())

    def __repr__(self) -> str:
        symbol, rate = "N", self.rate
        if self.model is not None:
            symbol, rate = self.model.activity, self.model.shown_rate(self.rate)
        largest = self.largest_rate
        peak = ", after a peak at the start" if rate.max() > largest else ""
        q, shown, more = self.quality, self.jumps[:EVENTS], len(self.jumps) - EVENTS
        lines = [
            f"Solution: {self.message}",
            f"├─ t = {self.t[0]:g} to {self.t[-1]:.9g} in {q.steps} steps ({q.rejected} rejected)",
            f"├─ {symbol} = {rate.min():.6g} to {largest:.6g}{peak}, at the end {_listed(rate[-1])}",
            *(f"├─ at t = {jump.time:.9g} a fraction {jump.fraction:.5g} fires at once" for jump in shown),
            *([f"├─ and {more} more such events"] if more > 0 else []),
            f"├─ mass error {q.mass_error:.1e}, smallest density {q.smallest_density:.1e}, "
            f"mass beyond the grid at most {q.truncated_mass:.1e}",
            *([f"├─ relative error of N about {q.error_estimate:.1e}"] if math.isfinite(q.error_estimate) else []),
            f"└─ {self.grid!r}",
        ]
        return "\n".join(lines)
