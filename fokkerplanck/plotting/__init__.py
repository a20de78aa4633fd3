"""Figures of solutions. Functions take axes and return artists; nothing here touches pyplot or its global state."""

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

__all__ = [
    "COLOURS",
    "SolutionFigure",
    "animate",
    "compare",
    "plot_bifurcations",
    "plot_cascade",
    "plot_characteristics",
    "plot_counts",
    "plot_density_image",
    "plot_fates",
    "plot_fired",
    "plot_fitted_density",
    "plot_generations",
    "plot_in_neighbours",
    "plot_interval_fit",
    "plot_interval_laws",
    "plot_intervals",
    "plot_kinetic",
    "plot_kinetic_image",
    "plot_kinetic_state",
    "plot_label_density",
    "plot_learned",
    "plot_learning",
    "plot_membrane",
    "plot_particles",
    "plot_phase_diagram",
    "plot_phase_plane",
    "plot_population_rate",
    "plot_populations",
    "plot_probabilities",
    "plot_profile",
    "plot_raster",
    "plot_rate",
    "plot_rate_distribution",
    "plot_rate_map",
    "plot_rate_surface",
    "plot_rates",
    "plot_snapshots",
    "plot_solution",
    "plot_spectrum",
    "plot_spikes",
    "plot_survival",
    "plot_synapses",
    "plot_trains",
    "plot_tree_gaps",
    "plot_weight_distribution",
    "plot_weights_image",
]
