"""Figures of solutions. Functions take axes and return artists; nothing here touches pyplot or its global state.

The names below are loaded when they are first used: drawing one thing needs not all that can be drawn.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOME = {
    "COLOURS": "style",
    "SolutionFigure": "style",
    "animate": "film",
    "compare": "comparison",
    "plot_bifurcations": "networks",
    "plot_cascade": "events",
    "plot_characteristics": "characteristics",
    "plot_counts": "trains",
    "plot_density_image": "panels",
    "plot_fates": "sweeps",
    "plot_fired": "events",
    "plot_fitted_density": "intervalfits",
    "plot_generations": "events",
    "plot_in_neighbours": "rates",
    "plot_interval_fit": "intervalfits",
    "plot_interval_laws": "neurons",
    "plot_intervals": "trains",
    "plot_kinetic": "kinetic",
    "plot_kinetic_image": "kinetic",
    "plot_kinetic_state": "states",
    "plot_label_density": "lanes",
    "plot_learned": "learning",
    "plot_learning": "learning",
    "plot_membrane": "trains",
    "plot_particles": "events",
    "plot_phase_diagram": "balanced",
    "plot_phase_plane": "networks",
    "plot_population_rate": "trains",
    "plot_populations": "figure",
    "plot_probabilities": "intervalfits",
    "plot_profile": "states",
    "plot_raster": "events",
    "plot_rate": "panels",
    "plot_rate_distribution": "rates",
    "plot_rate_map": "neurons",
    "plot_rate_surface": "neurons",
    "plot_rates": "panels",
    "plot_snapshots": "panels",
    "plot_solution": "figure",
    "plot_spectrum": "states",
    "plot_spikes": "trains",
    "plot_survival": "intervalfits",
    "plot_synapses": "lanes",
    "plot_trains": "trains",
    "plot_tree_gaps": "lanes",
    "plot_weight_distribution": "rates",
    "plot_weights_image": "learning",
}

if TYPE_CHECKING:
    from .balanced import plot_phase_diagram
    from .characteristics import plot_characteristics
    from .comparison import compare
    from .events import plot_cascade, plot_fired, plot_generations, plot_particles, plot_raster
    from .figure import plot_populations, plot_solution
    from .film import animate
    from .intervalfits import plot_fitted_density, plot_interval_fit, plot_probabilities, plot_survival
    from .kinetic import plot_kinetic, plot_kinetic_image
    from .lanes import plot_label_density, plot_synapses, plot_tree_gaps
    from .learning import plot_learned, plot_learning, plot_weights_image
    from .networks import plot_bifurcations, plot_phase_plane
    from .neurons import plot_interval_laws, plot_rate_map, plot_rate_surface
    from .panels import plot_density_image, plot_rate, plot_rates, plot_snapshots
    from .rates import plot_in_neighbours, plot_rate_distribution, plot_weight_distribution
    from .states import plot_kinetic_state, plot_profile, plot_spectrum
    from .style import COLOURS, SolutionFigure
    from .sweeps import plot_fates
    from .trains import plot_counts, plot_intervals, plot_membrane, plot_population_rate, plot_spikes, plot_trains

__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    try:
        home = _HOME[name]
    except KeyError:
        raise AttributeError(f"module 'fokkerplanck.plotting' has no attribute {name!r}") from None
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
