"""Item 5: the rate of the nonlinear problem, which no peer has, beside NumPy and SciPy as a user writes it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .environments import Contestant, Environments
from .results import Item, Row, Verdict, cheapest, milliseconds

SINCE, END = 0.25, 5.0
CONNECTIVITIES = (0.5, 1.5, -1.5)
TARGETS = (1e-3, 1e-5, 1e-7)
OURS = Contestant("fokkerplanck", "ours", "nonlinear")
REFERENCE = Contestant("fokkerplanck", "ours", "reference")
PEER = Contestant("SciPy", "lines", "nonlinear", ("scipy", "numpy"))
SIZES: dict[str, dict[str, Any]] = {
    "fokkerplanck": {"tolerances": [1e-2, 1e-3, 1e-5, 1e-7]},
    "SciPy": {"sizes": [[140, 1e-3], [280, 1e-4], [1120, 1e-6], [4480, 1e-7], [8960, 1e-8]]},
}
AGREEMENT = 1e-7
"""Of the two references, relative: cells extrapolated by Richardson cannot do better in seconds."""


def run(environments: Environments) -> Item:
    item = Item(
        5, "N(t) of the nonlinear problem", "largest relative error of N over 0.25 ≤ t ≤ 5", "relative error of N"
    )
    times = np.linspace(SINCE, END, 301)
    for contestant in (OURS, PEER):
        item.versions[contestant.name] = environments.version(contestant)
    for b in CONNECTIVITIES:
        exact, remark = reference(environments, b, times)
        item.remarks.append(remark)
        problem = f"b = {b:g}"
        for contestant in (OURS, PEER):
            answers = environments.ask(contestant, {"b": b, "times": times.tolist()} | SIZES[contestant.name])
            for answer in answers or []:
                error = float(np.max(np.abs(np.array(answer["rate"]) / exact - 1.0)))
                item.rows.append(Row(answer["name"], answer["setting"], answer["seconds"], error, problem))
        item.verdicts += [compared(problem, item.rows, target) for target in TARGETS]
    return item


def reference(environments: Environments, b: float, times: np.ndarray) -> tuple[np.ndarray, str]:
    """Spectral elements at 1e-11, held against cells of two sizes."""
    answer = environments.ask(REFERENCE, {"b": b, "times": times.tolist()})
    if answer is None:
        raise ArithmeticError(f"no reference for b = {b:g}: {environments.skipped['fokkerplanck']}")
    spectral, cells = np.array(answer["spectral"]), np.array(answer["cells"])
    difference = float(np.max(np.abs(cells / spectral - 1.0)))
    if not difference < AGREEMENT:
        raise ArithmeticError(f"the references for b = {b:g} differ by {difference:.1e}")
    return (
        spectral,
        f"b = {b:g}: reference from spectral elements at 1e-11; extrapolated cells differ by {difference:.1e}.",
    )


def compared(problem: str, rows: list[Row], error: float) -> Verdict:
    """Whether fokkerplanck is the faster one at that error."""
    here = [row for row in rows if row.problem == problem]
    ours = cheapest([row for row in here if row.name.startswith("fokkerplanck")], error)
    peer = cheapest([row for row in here if not row.name.startswith("fokkerplanck")], error)
    words = [
        f"{row.name} ({row.setting}) {milliseconds(row.seconds)} ms" if row else f"{name} does not get there"
        for name, row in (("fokkerplanck", ours), ("SciPy", peer))
    ]
    held = ours is not None and (peer is None or ours.seconds < peer.seconds)
    return Verdict(f"{problem}: faster than the method of lines at error {error:g}", held, ", ".join(words))
