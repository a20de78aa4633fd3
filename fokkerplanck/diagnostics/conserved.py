"""Mass, extrema and moments of a state."""

from __future__ import annotations

import numpy as np

from ..state import State


def mass(state: State) -> float | np.ndarray:
    """∫ n dv + R, which the equation keeps at 1; of every lane if there are several, as for the moments."""
    return state.density @ state.grid.width + state.refractory


def smallest_density(state: State) -> float:
    """min n over the cells: negative values are shown, never clipped."""
    return float(state.density.min())


def mean_potential(state: State) -> float | np.ndarray:
    """First moment ∫ v n dv; without refractoriness m' = −m + I m₀ + (b − (V_F − V_R)) N for the leak −v."""
    return state.density @ (state.grid.width * state.v)


def second_moment(state: State) -> float | np.ndarray:
    """∫ v² n dv."""
    return state.density @ (state.grid.width * state.grid.squares)
