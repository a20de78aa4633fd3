"""Work and precision: error against time, both logarithmic, one panel for each problem of an item."""

from __future__ import annotations

import math
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from .results import Item

COLOURS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999")
"""Of Okabe and Ito: told apart by colour-blind eyes too."""
MARKERS = "osD^vP*X"


def draw(item: Item, path: Path) -> None:
    """Write the figure of an item to `path`."""
    problems = list(dict.fromkeys(row.problem for row in item.rows))
    names = list(dict.fromkeys(row.name for row in item.rows))
    figure = Figure(figsize=(3.2 + 4.2 * len(problems), 4.4), layout="constrained")
    panels = figure.subplots(1, len(problems), squeeze=False, sharey=True)[0]
    for panel, problem in zip(panels, problems, strict=True):
        for index, name in enumerate(names):
            points = [(row.seconds, row.error) for row in item.rows if (row.problem, row.name) == (problem, name)]
            panel.plot(
                *zip(*sorted(points), strict=True) if points else ((), ()),
                color=COLOURS[index % 8], marker=MARKERS[index % 8], ms=6, lw=1.3 * item.curves, label=name,
            )  # fmt: skip
        panel.set(xscale="log", yscale="log", xlabel="processor time (s)", title=problem)
        decades(panel, [row.seconds for row in item.rows if row.problem == problem])
        panel.grid(True, which="major", lw=0.4, alpha=0.6)
    panels[0].set_ylabel(item.error_label)
    panels[-1].legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.02, 1.0), frameon=False)
    figure.suptitle(item.title)
    figure.savefig(path, dpi=150)


def decades(panel: Axes, seconds: list[float]) -> None:
    """Whole decades of time, so that a small ratio does not look like a large one."""
    low, high = math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds)))
    panel.set_xlim(10.0**low, 10.0 ** max(high, low + 1))
    panel.xaxis.set_minor_formatter(NullFormatter())
