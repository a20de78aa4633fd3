"""Item 1: the rate of the linear problem as it approaches its stationary value, beside three general solvers."""

from __future__ import annotations

import numpy as np

from . import linear
from .environments import Contestant, Environments
from .results import Item, Row, Verdict, against, cheapest

SINCE, END = 0.25, 4.0
OURS = Contestant("fokkerplanck", "ours", "linear")
PEERS = (
    Contestant("SciPy", "lines", "linear", ("scipy", "numpy")),
    Contestant("py-pde", "with_py_pde", "linear", ("py-pde",)),
    Contestant("FiPy", "with_fipy", "linear", ("fipy",)),
)
SIZES: dict[str, dict[str, object]] = {
    "fokkerplanck": {
        "tolerances": [1e-2, 1e-3, 1e-4, 1e-6, 1e-8, 1e-10],
        "sizes": [[100, 1e-4], [200, 1e-5], [400, 1e-5], [800, 1e-6], [1600, 1e-6]],
    },
    "SciPy": {"sizes": [[70, 1e-3], [140, 1e-3], [280, 1e-4], [560, 1e-5], [1120, 1e-6], [2240, 1e-7], [8960, 1e-8]]},
    "py-pde": {"cells": [70, 140, 280, 560]},
    "FiPy": {"sizes": [[140, 50], [280, 100], [560, 200], [1120, 400]]},
}


def run(environments: Environments) -> Item:
    item = Item(1, "N(t) of the linear problem", "largest relative error of N over 0.25 ≤ t ≤ 4", "relative error of N")
    check()
    times = np.linspace(SINCE, END, 301)
    for contestant in (OURS, *PEERS):
        item.versions[contestant.name] = environments.version(contestant)
        answers = environments.ask(contestant, {"times": times.tolist()} | SIZES[contestant.name])
        for answer in answers or []:
            error = float(np.max(np.abs(np.array(answer["rate"]) / linear.rate(np.array(answer["times"])) - 1.0)))
            item.rows.append(Row(answer["name"], answer["setting"], answer["seconds"], error))
    item.remarks += [
        "The reference, which inverts the Laplace transform of N in a few milliseconds, meets known values to 1e-11.",
        "What each does per run: grid, matrix, time loop, N at 301 times (py-pde 76, FiPy at its steps).",
    ]
    item.verdicts += verdicts(item.rows)
    return item


def check() -> None:
    """Raise ArithmeticError unless the reference meets the known values."""
    known = np.array(list(linear.EXACT.values()))
    worst = float(np.max(np.abs(linear.rate(np.array(list(linear.EXACT))) / known - 1.0)))
    if not worst < 2e-11:
        raise ArithmeticError(f"the reference of the linear problem misses the known values by {worst:.1e}")


def verdicts(rows: list[Row]) -> list[Verdict]:
    ours = [row for row in rows if row.name.startswith("fokkerplanck")]
    peers = [row for row in rows if not row.name.startswith("fokkerplanck")]
    coarse = against("20 times faster than every peer at error 1e-3", cheapest(ours, 1e-3), cheapest(peers, 1e-3), 20.0)
    fine, peer = cheapest(ours, 1e-8), cheapest(peers, 1e-8)
    reached = "no peer gets there" if peer is None else f"{peer.name} needs {peer.seconds:.2f} s"
    best = min((row.error for row in peers), default=np.inf)
    numbers = f"{fine.seconds:.3f} s ({fine.setting}); {reached}, the best is {best:.1e}" if fine else "not reached"
    return [coarse, Verdict("error 1e-8 in 0.3 s", fine is not None and fine.seconds < 0.3, numbers)]
