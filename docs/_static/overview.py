"""The picture at the top of the README: a density that relaxes, a network through its blow-ups, the map of fates.

    python docs/_static/overview.py [FILE.png]

Everything in it is computed, in about half a minute.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np

import fokkerplanck as fp
from fokkerplanck.plotting import COLOURS, SolutionFigure, plot_density_image, plot_fates
from fokkerplanck.plotting.events import window_rates
from fokkerplanck.plotting.style import STYLE

WIDE, HIGH, DPI = 10.0, 3.2, 120
POINTS = 40
"""Of the map along each axis."""
COUNT, WINDOWS = 40_000, 120
"""Neurons, and means of their rate."""


def relaxation(ax):
    """A density that forgets its start."""
    model = fp.nnlif(b=0.5)
    sol = fp.solve(model, fp.gaussian(-1.5, 0.1), (0.0, 3.0), rtol=1e-4)
    image = plot_density_image(ax, sol)
    steady = fp.stationary_states(model)[0]
    ax.set_title(f"forgetting the start, $N \\to {steady.rate:.3f}$")
    ax.set_xlabel("$t$")
    return image


def through_blow_ups(ax):
    """N(t) of the equation, and of as many neurons."""
    model, start = fp.nnlif(b=3.0, refractory=fp.ExponentialRefractory(0.1)), fp.gaussian(1.5, 0.02)
    span = (0.0, 1.0)
    grid = model.grid(200, finest=1e-3)
    sol = fp.solve(model, start, span, grid=grid, clock=fp.ActivityClock(), estimate_error=False)
    neurons = fp.simulate(model, COUNT, start, span, dt=2e-4, seed=1)
    t, rate, _ = window_rates(neurons, WINDOWS)
    for jump in sol.jumps:
        ax.axvline(jump.time, color=COLOURS["bound"], lw=1.2)
        ax.annotate(
            f"${100 * jump.fraction:.0f}\\,\\%$", (jump.time, 1.0), (0, 2), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="center", color=COLOURS["bound"],
        )  # fmt: skip
    ax.plot(t, rate, "o", ms=3.2, mfc="white", mec="0.35", mew=0.7, label="neurons")
    ax.plot(sol.t, sol.rate, color=COLOURS["rate"], lw=1.6, label="equation")
    ax.set(yscale="log", xlim=span, ylim=(3e-3, 3e3), xlabel="$t$", ylabel="$N(t)$")
    ax.legend(loc="upper left", fontsize=8, frameon=False, handlelength=1.2, bbox_to_anchor=(0.02, 1.0))
    ax.set_title("through blow-ups: share that fires at once", pad=18)


def fates(ax):
    """Which solutions blow up, and when."""
    model = fp.nnlif(b=0.0)
    axes = {"b": np.linspace(-0.5, 3.5, POINTS), "initial.mean": np.linspace(-1.0, 1.9, POINTS)}
    table = fp.sweep(
        model, axes, initial=fp.compatible_gaussian(0.0, 0.05), t_span=(0.0, 200.0), workers=1,
        grid=model.grid(200, v_min=-6.5, finest=1e-3), metrics=["status", "t_star"],
    )  # fmt: skip
    plot_fates(table, ax=ax, labels=("connectivity $b$", "mean of the start"))
    for legend in list(ax.figure.legends):  # said in the picture
        legend.remove()
    ax.figure.axes[-1].set_ylabel("time of blow-up $t^*$")
    status = np.asarray(table["status"])
    for fate, words in (("steady", "comes\nto rest"), ("blow-up", "blows up")):
        b, mean = (axes[name][k].mean() for name, k in zip(axes, np.nonzero(status == fate), strict=True))
        ax.annotate(words, (b, mean), ha="center", va="center")
    ax.set_title("the map of fates", pad=18)


def main(path: Path) -> None:
    with mpl.rc_context(STYLE):
        figure = SolutionFigure(figsize=(WIDE, HIGH), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        relaxation(left)
        through_blow_ups(middle)
        fates(right)
        figure.savefig(path, dpi=DPI)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
