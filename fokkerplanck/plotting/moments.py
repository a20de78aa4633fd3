"""Densities of a solution at times between those that were saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..outcomes import InvalidArgument

if TYPE_CHECKING:
    from ..solution import Solution


class SavedDensities:
    """What a solution has saved, as a function of time.

    Linear between two saved densities, as in `plot_density_image`. Where a fraction of the population fires at once
    between them, linear up to the density at the beginning of the event, and from its end on the next saved one.

    Parameters
    ----------
    solution : Solution
        With at least one saved density.

    Raises
    ------
    InvalidArgument
        If none was saved.
    """

    def __init__(self, solution: Solution) -> None:
        if len(solution.saved_t) == 0:
            raise InvalidArgument("`solution` has no saved densities; leave `save_at` out of `solve`, or name times.")
        self.t, self.density = solution.saved_t, solution.density
        self._events = [
            (jump.time, state.density) for jump, state in zip(solution.jumps, solution.before, strict=False)
        ]

    def __call__(self, t: float) -> np.ndarray:
        """The density at a time from the first saved one to the last; where it jumps, the later one."""
        if not self.t[0] <= t <= self.t[-1]:
            raise InvalidArgument(f"`t` = {t:g} must lie among the saved times, [{self.t[0]:g}, {self.t[-1]:.9g}].")
        k = min(int(np.searchsorted(self.t, t, side="right")) - 1, len(self.t) - 1)
        if k == len(self.t) - 1:
            return np.asarray(self.density[-1])
        (start, old), (end, new) = (self.t[k], self.density[k]), (self.t[k + 1], self.density[k + 1])
        for time, before in self._events:
            if start < time < end:
                if t >= time:
                    start, old = time, new
                else:
                    end, new = time, before
                    break
        share = (t - start) / (end - start)
        return np.asarray((1.0 - share) * old + share * new)
