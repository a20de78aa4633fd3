"""Item 3: stationary rates of many neurons, and rates of networks that feed themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from .environments import Contestant, Environments
from .results import Item, Row, Verdict, cheapest, described

NEURON = [0.020, 20.0, 10.0, 0.002]
"""τ_m (s), V_th, V_r (mV from rest), τ_ref (s)."""
COUNT, SAMPLE = 100_000, 50
INPUTS: dict[str, dict[str, Any]] = {
    "rates, weak and strong input": {"mu": [0.0, 30.0], "sigma": [2.0, 10.0]},
    "rates, around threshold": {"mu": [10.0, 22.0], "sigma": [4.0, 6.0]},
}
NETWORKS: dict[str, dict[str, Any]] = {
    "network, neurons alike": {
        "K": [[1000, 250], [1000, 250]], "J": [[0.1, -0.5], [0.1, -0.5]], "K_ext": [1000, 1000], "J_ext": [0.1, 0.1],
        "nu_ext": 20.0,
    },
    "network, two kinds": {
        "K": [[800, 200], [1000, 250]], "J": [[0.1, -0.5], [0.12, -0.45]], "K_ext": [1000, 900], "J_ext": [0.1, 0.1],
        "nu_ext": 20.0,
    },
}  # fmt: skip
OURS, PEER, DIGITS = (
    {"rates": Contestant(name, module, "rates", needs), "network": Contestant(name, module, "fixed_points", needs)}
    for name, module, needs in (
        ("fokkerplanck", "ours", ()),
        ("NNMT", "with_nnmt", ("nnmt",)),
        ("mpmath", "digits", ("mpmath", "numpy")),
    )
)


def run(environments: Environments) -> Item:
    item = Item(
        3,
        "Stationary rates",
        "largest relative error (of 50 neurons drawn, or of the network)",
        "relative error",
        curves=False,
    )
    for contestant in (OURS["rates"], PEER["rates"]):
        item.versions[contestant.name] = environments.version(contestant)
    sample = np.linspace(0, COUNT - 1, SAMPLE).astype(int).tolist()
    common = {"neuron": NEURON, "count": COUNT, "sample": sample, "seed": 1}
    for problem, own in {**INPUTS, **NETWORKS}.items():
        item.rows += rows(environments, problem, common | own)
        item.verdicts.append(verdict(problem, [row for row in item.rows if row.problem == problem]))
    item.remarks.append("The networks of fokkerplanck come with all their states, proven to be all; NNMT finds one.")
    return item


def rows(environments: Environments, problem: str, job: dict[str, Any]) -> list[Row]:
    kind = problem.split()[0].rstrip(",")
    answers = [
        answer for who in (OURS, PEER) for answer in environments.ask(who[kind], job) or []
    ]  # both see the same job and draw the same neurons
    if not answers:
        return []
    exact = environments.ask(DIGITS[kind], job | {"near": answers[0]["rates"]})
    if exact is None:
        raise ArithmeticError(f"no reference rates: {environments.skipped['mpmath']}")
    return [
        Row(answer["name"], answer["setting"], answer["seconds"], worst(answer["rates"], exact), problem)
        for answer in answers
    ]


def worst(found: list[float], exact: list[float]) -> float:
    """Not below the rounding of a double, for a logarithmic axis."""
    return max(float(np.max(np.abs(np.array(found) / np.array(exact) - 1.0))), 1e-16)


def verdict(problem: str, rows: list[Row]) -> Verdict:
    """At least as fast as the fastest run of the peer, and at least as accurate as its most accurate, up to 1e-13."""
    bar = f"{problem}: at least as fast and as accurate as NNMT"
    ours = cheapest([row for row in rows if row.name == "fokkerplanck"], np.inf)
    peers = [row for row in rows if row.name == "NNMT"]
    if ours is None or not peers:
        return Verdict(bar, False, "not measured, for one of the two is missing")
    quick = min(peers, key=lambda row: row.seconds)
    sharp = min(peers, key=lambda row: row.error)
    held = ours.seconds <= quick.seconds and ours.error <= max(sharp.error, 1e-13)
    return Verdict(bar, held, f"{described(ours)}, {', '.join(dict.fromkeys([described(quick), described(sharp)]))}")
