"""When a run has come to rest."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..outcomes import positive
from ..state import State


@dataclass
class Steady:
    """The condition ∫ |∂t n| dv + |R'| ≤ tolerance in every lane, for the `stop_when` of `fp.solve`.

    The time derivatives are differences between one accepted step and the next.

    Parameters
    ----------
    tolerance : float
        Change of the density in L¹ per membrane time constant, positive.

    Raises
    ------
    InvalidArgument
        If it is not positive.

    >>> import fokkerplanck as fp
    >>> sol = fp.solve(fp.nnlif(b=0.5), fp.gaussian(0.0, 0.25), (0.0, 100.0), stop_when=[Steady(1e-6)])
    >>> sol.status.name, bool(sol.t[-1] < 20.0)
    ('STOPPED', True)
    """

    tolerance: float
    _last: State | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        positive("tolerance", self.tolerance)
        self.__name__ = f"steady: the density changes by less than {self.tolerance:g} per unit of time"

    def __call__(self, state: State) -> bool:
        last, self._last = self._last, state
        # The same object may watch one run after another, on finer and finer grids.
        if last is None or not last.t < state.t or last.density.shape != state.density.shape:
            return False
        return bool(np.max(change(last, state)) <= self.tolerance * (state.t - last.t))


def change(old: State, new: State) -> np.ndarray:
    """∫ |n_new − n_old| dv + |R_new − R_old| of every lane."""
    density = np.abs(np.atleast_2d(new.density) - np.atleast_2d(old.density)) @ new.grid.width
    return np.asarray(density + np.abs(np.atleast_1d(new.refractory) - np.atleast_1d(old.refractory)))
