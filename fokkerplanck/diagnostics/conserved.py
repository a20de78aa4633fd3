"""Mass, extrema and moments of a state."""

from __future__ import annotations

import numpy as np

from ..state import State


def mass(state: State) -> float | np.ndarray:
    """∫ n dv + R, which the equation keeps at 1; of every lane if there are several, as for the moments."""
    return state.density @ state.grid.width + state.refractory


def smallest_density(state: State) -> float | np.ndarray:
    """min n over the cells, of every lane if there are several: negative values are shown, never clipped."""
    smallest = state.density.min(axis=-1)
    return smallest if smallest.ndim else float(smallest)


def mean_potential(state: State) -> float | np.ndarray:
    """First moment ∫ v n dv; without refractoriness m' = −m + I m₀ + (b − (V_F − V_R)) N for the leak −v.

    Of several populations each in the potential of the grid, which is that of the first; where V_R or V_F differ,
    `fp.mean_potential(solution.lane("I").final)` is in the population's own.
    """
    return state.density @ (state.grid.width * state.v)


def second_moment(state: State) -> float | np.ndarray:
    """∫ v² n dv; see `mean_potential` for the potential of several populations."""
    return state.density @ (state.grid.width * state.grid.squares)
