"""Mass, extrema and moments of a state."""

from __future__ import annotations

from ..state import State


def mass(state: State) -> float:
    """∫ n dv + R, which the equation keeps at 1."""
    return float(state.density @ state.grid.width) + state.refractory


def smallest_density(state: State) -> float:
    """min n over the cells: negative values are shown, never clipped."""
    return float(state.density.min())


def mean_potential(state: State) -> float:
    """First moment ∫ v n dv; without refractoriness m' = −m + I m₀ + (b − (V_F − V_R)) N for the leak −v."""
    return float(state.density @ (state.grid.width * state.v))


def second_moment(state: State) -> float:
    """∫ v² n dv."""
    return float(state.density @ (state.grid.width * state.grid.squares))
