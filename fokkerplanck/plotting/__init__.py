"""Figures of solutions. Functions take axes and return artists; nothing here touches pyplot or its global state."""

from .figure import SolutionFigure, plot_solution
from .panels import plot_density_image, plot_rate, plot_snapshots
from .style import COLOURS

__all__ = ["COLOURS", "SolutionFigure", "plot_density_image", "plot_rate", "plot_snapshots", "plot_solution"]
