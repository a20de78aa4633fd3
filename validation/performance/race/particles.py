"""Item 4: neurons one by one, beside Brian2, NEST and a NumPy loop."""

from __future__ import annotations

import math
import shutil
from typing import Any

from .environments import Contestant, Environments
from .results import Item, Row, Verdict

OURS = Contestant("fokkerplanck", "neurons", "ours")
BRIAN = Contestant("Brian2", "neurons", "brian2", ("brian2", "numpy<2.4"))  # it does not import beside numpy 2.4
PEERS = (
    BRIAN,
    Contestant("NEST, iaf_psc_delta", "neurons", "nest", ("nest-simulator", "numpy")),
    Contestant("NumPy loop", "neurons", "numpy_loop", ("numpy",)),
)
STEPS = (0.02, 0.01)
JOB: dict[str, Any] = {"count": 100_000, "b": 0.0, "end": 20.0, "since": 8.0, "seed": 1, "threads": 1}
SHIFT = 0.5826
"""−ζ(1/2)/√(2π): by how many standard deviations of the noise of one step a threshold seems higher where spikes are
looked for at the ends of steps only (Broadie, Glasserman, Kou 1997)."""


def run(environments: Environments) -> Item:
    item = Item(
        4, "Neurons one by one, b = 0", "bias of the rate, relative, or its standard error where that is larger",
        "error of the rate (bias, or s.e. if larger)",
    )  # fmt: skip
    exact = stationary_rate(JOB["b"])
    for contestant in (OURS, *PEERS):
        item.versions[contestant.name] = environments.version(contestant)
        for dt in STEPS:
            answer = fastest_of(environments, contestant, JOB | {"dt": dt}, 2)
            if answer:
                item.rows.append(row(contestant.name, dt, answer, exact))
    item.remarks += [
        f"{JOB['count']} neurons to t = {JOB['end']:g}, rate from t = {JOB['since']:g}; N∞ = {exact:.9f}",
        *(
            f"expected where spikes are looked for at the ends of steps of {dt:g}: "
            f"{100.0 * (stationary_rate(0.0, SHIFT * math.sqrt(2.0 * dt)) / exact - 1.0):+.1f} %"
            for dt in STEPS
        ),
    ]
    item.verdicts.append(verdict(item.rows))
    return item


def fastest_of(environments: Environments, contestant: Contestant, job: dict[str, Any], runs: int) -> dict | None:
    """The fastest of several runs; all have the same seed, so the same rate."""
    job = job | {"standalone": has_compiler()}
    answers = [environments.ask(contestant, job) for _ in range(runs)]
    return min((answer for answer in answers if answer), key=lambda answer: answer["seconds"], default=None)


def has_compiler() -> bool:
    """Whether Brian2 can make a program of its own; else it compiles single loops."""
    return bool(shutil.which("g++") and shutil.which("make"))


def stationary_rate(b: float, shift: float = 0.0) -> float:
    """Rate of the only stationary state, with a threshold that is higher by `shift`."""
    import fokkerplanck as fp

    (state,) = fp.stationary_states(fp.nnlif(b=b, V_F=2.0 + shift))
    return state.rate


def row(name: str, dt: float, answer: dict[str, Any], exact: float) -> Row:
    bias, noise = answer["rate"] / exact - 1.0, answer["error"] / exact
    per_step = 1e9 * answer["seconds"] / (JOB["count"] * round(JOB["end"] / dt))
    note = (
        f"{per_step:.1f} ns a neuron and step, {1e3 / per_step:.0f} M/s, bias {100 * bias:+.2f} ± {100 * noise:.2f} %"
    )
    return Row(name, f"dt {dt:g}", answer["seconds"], max(abs(bias), noise), note=note)


def verdict(rows: list[Row]) -> Verdict:
    """At dt = 0.01, with a bias below one percent."""
    bar = "at least 5 times Brian2 per neuron and step with bias under 1 % at dt = 0.01"
    found = {row.name: row for row in rows if row.setting == "dt 0.01"}
    ours, peer = found.get(OURS.name), found.get(BRIAN.name)
    if ours is None or peer is None:
        return Verdict(bar, False, "not measured, for one of the two is missing")
    ratio = peer.seconds / ours.seconds
    return Verdict(bar, ratio >= 5.0 and ours.error < 0.01, f"ratio {ratio:.2g}, error {100.0 * ours.error:.2f} %")
