"""What `simulate` returns."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..grid import Grid
from ..models.population import Population
from ..outcomes import InvalidArgument, Jump, Status, finite_number
from ..solution import EVENTS

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.figure import Figure

FORMAT = 1
"""Of stored states; raised whenever an older program could not read them rightly."""
BATCHES = 10
"""Parts of a window between which the fluctuations of the rate are measured."""


@dataclass(frozen=True, eq=False, repr=False)
class ParticleState:
    """All neurons at one instant; `simulate` accepts it as `initial` and goes on as if there had been no stop.

    Attributes
    ----------
    t : float
        Time (membrane time constants).
    potentials : array, shape (count,)
        NaN of the neurons that are silent.
    release : array, shape (count,) or (0,)
        When a silent neuron comes back; empty without a refractory state.
    streams : array of uint64, shape (blocks + 1, 4)
        The generators of random numbers.
    shot : float
        Spikes per neuron whose noise is part of the next step (a1 > 0).
    past : array
        Numbers of spikes in the last steps, the oldest first, as far back as a transmission delay looks.
    dt, origin : float
    ticks : int
        The steps before: t = origin + ticks · dt.
    """

    t: float
    potentials: np.ndarray
    release: np.ndarray
    streams: np.ndarray
    shot: float
    past: np.ndarray
    dt: float
    origin: float
    ticks: int

    @property
    def count(self) -> int:
        """Number of neurons."""
        return len(self.potentials)

    @property
    def refractory(self) -> float:
        """The fraction of silent neurons."""
        return float(np.mean(np.isnan(self.potentials)))

    def save(self, path: str | PathLike[str]) -> None:
        """Write it to a NumPy archive (`.npz`), atomically; `ParticleState.load` reads it back bit by bit."""
        from ..storage import atomic_write

        facts = np.array([self.t, self.shot, self.dt, self.origin])
        with atomic_write(path) as file:
            np.savez(
                file,
                format=FORMAT,
                potentials=self.potentials,
                release=self.release,
                streams=self.streams,
                past=self.past,
                facts=facts,
                ticks=self.ticks,
            )

    @classmethod
    def load(cls, path: str | PathLike[str]) -> ParticleState:
        """Read what `save` has written.

        Raises
        ------
        InvalidArgument
            If there is no such file, it is damaged, or it is not ours.
        """
        try:
            content = io.BytesIO(Path(path).read_bytes())
        except OSError as error:
            raise InvalidArgument(f"cannot read {path}: {error.strerror}.") from None
        try:
            with np.load(content, allow_pickle=False) as stored:
                found = {name: stored[name] for name in stored.files}
            if int(found.pop("format")) > FORMAT:
                raise InvalidArgument(f"{path} was written by a newer version of fokkerplanck; upgrade it.")
            t, shot, dt, origin = (float(x) for x in found.pop("facts"))
            return cls(t=t, shot=shot, dt=dt, origin=origin, ticks=int(found.pop("ticks")), **found)
        except InvalidArgument:
            raise
        except Exception:  # damage meets NumPy's reader as an exception of any type
            raise InvalidArgument(f"{path} is damaged, or was not written by ParticleState.save.") from None

    def __repr__(self) -> str:
        return f"ParticleState({self.count} neurons at t = {self.t:.9g}, {self.refractory:.3g} of them silent)"


@dataclass(frozen=True, eq=False, repr=False)
class ParticleSolution:
    """A run of finitely many neurons, and why it ended.

    Attributes
    ----------
    t : array, shape (steps + 1,)
        Ends of the steps, the start included.
    rate : array, shape (steps + 1,)
        Spikes per neuron and time in the step that ends at t[i], those of cascades included; NaN at the start.
    rate_error : array, shape (steps + 1,)
        Its standard error if the neurons were independent: √(rate/(N dt)).
    fired : array, shape (steps + 1,)
        Spikes per neuron since the start.
    refractory : array, shape (steps + 1,)
        Fraction of neurons that are silent.
    saved_t : array, shape (saves,)
        The ends of steps at which the density was kept.
    density, density_error : array, shape (saves, cells)
        Histograms on `grid`, of integral 1 − refractory − outside, and their binomial standard errors.
    outside : array, shape (saves,)
        Fraction of neurons in no cell of `grid`.
    jumps : tuple of Jump
        Cascades of at least the share `synchrony` of the population.
    status : Status
    message : str
        The status in a sentence.
    final : ParticleState
        `simulate` accepts it as `initial`.
    raster : (array, array)
        Times and neurons of the spikes that were recorded, in order of time.
    settings : dict of str to str
    """

    model: Population
    grid: Grid
    t: np.ndarray
    rate: np.ndarray
    rate_error: np.ndarray
    fired: np.ndarray
    refractory: np.ndarray
    saved_t: np.ndarray
    density: np.ndarray
    density_error: np.ndarray
    outside: np.ndarray
    jumps: tuple[Jump, ...]
    status: Status
    message: str
    final: ParticleState
    raster: tuple[np.ndarray, np.ndarray]
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def v(self) -> np.ndarray:
        """Cell centres, shape (cells,)."""
        return self.grid.v

    @property
    def count(self) -> int:
        """Number of neurons."""
        return self.final.count

    def mean_rate(self, start: float, end: float) -> tuple[float, float]:
        """Spikes per neuron and time in the steps within [start, end], and the standard error of that.

        The error is the larger of two: that of independent spikes, √(rate/(N T)), which bounds it from above for
        neurons that fire more regularly than that and do not act on each other, and that of the means of ten parts of
        the window, which sees what the neurons share. A trend within the window counts as error.

        Parameters
        ----------
        start, end : float
            Of the window (membrane time constants).

        Raises
        ------
        InvalidArgument
            If the window does not lie within the run or holds no step.

        >>> import fokkerplanck as fp
        >>> sol = fp.simulate(fp.nnlif(b=0.0), 20_000, fp.gaussian(0.0, 0.25), (0.0, 4.0), seed=1)
        >>> rate, error = sol.mean_rate(2.0, 4.0)
        >>> abs(rate - 0.12) < 4 * error
        True
        """
        start, end = finite_number("start", start), finite_number("end", end)
        slack = 1e-9 * (self.t[-1] - self.t[0])
        if not self.t[0] - slack <= start < end <= self.t[-1] + slack:
            raise InvalidArgument(
                f"`start` = {start:g} and `end` = {end:g} must lie in this order within the run, "
                f"[{self.t[0]:g}, {self.t[-1]:.9g}]."
            )
        first, last = (int(i) for i in np.searchsorted(self.t, [start - slack, end + slack]))
        last -= 1
        if last <= first:
            raise InvalidArgument(f"no step lies within `start` = {start:g} and `end` = {end:g}; widen the window.")
        duration = float(self.t[last] - self.t[first])
        rate = float(self.fired[last] - self.fired[first]) / duration
        error = float(np.sqrt(rate / (self.count * duration)))
        if last - first >= BATCHES:
            edges = np.linspace(first, last, BATCHES + 1).round().astype(int)
            means = np.diff(self.fired[edges]) / np.diff(self.t[edges])
            error = max(error, float(np.std(means, ddof=1) / np.sqrt(BATCHES)))
        return rate, error

    def plot(self) -> Figure:
        """Raster, if there is one, rate, spikes per neuron, and histograms with their errors, in one figure."""
        from ..plotting.events import plot_particles

        return plot_particles(self)

    def animate(self, path: str | PathLike[str], frames: int | None = None, **options: Any) -> Path:
        """A film of the histograms and of the rate; see `fokkerplanck.plotting.animate`.

        Parameters
        ----------
        path : path
            Ends in `.gif`, or in `.mp4` where ffmpeg is installed.
        frames : int, optional
            Default: 120, or as many as histograms were saved if those are fewer.
        **options
            `fps`, `dpi` and `progress`.

        Returns
        -------
        Path
            The file.
        """
        from ..plotting.film import animate

        return animate(self, path, frames, **options)

    def __repr__(self) -> str:
        steps = len(self.t) - 1
        lines = [f"ParticleSolution: {self.message}", f"├─ {self.count} neurons, {steps} steps"]
        if steps:
            lines[1] += f" to t = {self.t[-1]:.9g}, {self.fired[-1]:.6g} spikes per neuron"
            lines.append(
                f"├─ N = {self.rate[1:].min():.6g} to {self.rate[1:].max():.6g}, at the end {self.rate[-1]:.6g} "
                f"± {self.rate_error[-1]:.2g}"
            )
        lines += [
            f"├─ at t* = {jump.time:.6g} a fraction {jump.fraction:.4g} fires at once, in {len(jump.generations)} "
            f"generations"
            for jump in self.jumps[:EVENTS]
        ]
        if len(self.jumps) > EVENTS:
            lines.append(f"├─ and {len(self.jumps) - EVENTS} more such events")
        return "\n".join([*lines, f"└─ {self.grid!r}"])
