"""Item 2: densities of first-passage times that have a closed form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .environments import Contestant, Environments
from .results import Item, Row, Verdict, against, cheapest

OURS = Contestant("fokkerplanck", "ours", "passages")
PEER = Contestant("PyDDM", "with_pyddm", "densities", ("pyddm",))
BEST = 3.5e-5
"""The smallest error at which PyDDM's Crank–Nicolson is beaten or not."""
BOUND, START = 2.5, 1.5


def inverse_gaussian(t: np.ndarray, drift: float) -> np.ndarray:
    """Density of the time at which dX = μ dt + √2 dW has moved up by BOUND − START."""
    way = BOUND - START
    return way / np.sqrt(4.0 * np.pi * t**3) * np.exp(-((way - drift * t) ** 2) / (4.0 * t))


def towards_its_mean(t: np.ndarray, drift: float) -> np.ndarray:
    """Density of the time at which dX = (m − X) dt + √2 dW comes to its mean m, here BOUND, by reflection."""
    variance = -np.expm1(-2.0 * t)
    place = (drift - START) * np.exp(-t)
    return np.sqrt(2.0 / np.pi) * place / variance**1.5 * np.exp(-0.5 * place**2 / variance)


PROBLEMS: dict[str, tuple[Callable[[np.ndarray, float], np.ndarray], dict[str, object]]] = {
    "Brownian": (inverse_gaussian, {"drift": 4.0, "end": 2.0}),
    "Ornstein–Uhlenbeck": (towards_its_mean, {"drift": BOUND, "end": 4.0}),
}
COMMON = {
    "bound": BOUND,
    "start": START,
    "begin": 0.01,
    "count": 2048,
    "tolerances": [1e-3, 1e-4, 1e-6, 1e-8],
    "sizes": {
        "Crank–Nicolson": [(5, 0.5), (6, 0.5), (7, 0.5), (8, 0.5), (9, 0.25), (10, 0.25)],
        "implicit": [(6, 0.5), (7, 0.25), (8, 0.125)],
    },
}


def run(environments: Environments) -> Item:
    item = Item(
        2, "Density of first-passage times", "largest error of f, relative to the largest f", "error of f / max f"
    )
    for contestant in (OURS, PEER):
        item.versions[contestant.name] = environments.version(contestant)
    for problem, (exact, own) in PROBLEMS.items():
        job = COMMON | own | {"process": problem}
        for contestant in (OURS, PEER):
            for answer in environments.ask(contestant, job) or []:
                times, density = np.array(answer["times"]), np.array(answer["density"])
                later = times > 0.0
                f = exact(times[later], float(own["drift"]))  # type: ignore[arg-type]
                error = float(np.max(np.abs(density[later] - f)) / np.max(f))
                item.rows.append(Row(answer["name"], answer["setting"], answer["seconds"], error, problem))
        item.verdicts.append(verdict(problem, [row for row in item.rows if row.problem == problem]))
    item.remarks.append(
        "From 1.5 to 2.5 with noise √2 dW: drift 4 until t = 2, and dX = (2.5 − X) dt + √2 dW until t = 4."
    )
    return item


def verdict(problem: str, rows: list[Row]) -> Verdict:
    """Against Crank–Nicolson at the error that it reaches."""
    peers = [row for row in rows if row.name == "PyDDM, Crank–Nicolson"]
    best = max(BEST, min((row.error for row in peers), default=BEST))
    bar = f"{problem}: 5 times faster than PyDDM's Crank–Nicolson at error {best:.1e}"
    ours = [row for row in rows if row.name.startswith("fokkerplanck")]
    return against(bar, cheapest(ours, best), cheapest(peers, best), 5.0)
