"""Blow-up or steady state, over connectivity and initial mean: the region of the theorem inside the real one."""

import math

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.plotting import plot_fates

VARIANCE, END = 0.05, 30.0
SAMPLED = 12
"""Points that are run by themselves as well."""

CLAIM = Claim(
    title="The map of fates",
    statement=(
        "Whether a solution blows up depends on b and on where it starts. For b ≤ 0 none does; where there is no "
        "stationary state none comes to rest; a solution that comes to rest is at a stationary state. The points for "
        "which the exponential moment proves a blow-up lie inside the region where it is seen, and t* is never later "
        "than the theorem says. Every point is its own run."
    ),
    source="Cáceres, Carrillo, Perthame (2011), Thm 2.2 and section 3; Carrillo, González, Gualdani, Schonbek (2013)",
    parameters={"datum": f"(V_F − v) Gaussian(mean, {VARIANCE})", "a": 1, "V_R": 1, "V_F": 2, "cells": 400},
)


def datum(mean: float):
    return fp.compatible_gaussian(mean, VARIANCE)


def run(quick: bool) -> dict:
    count = 14 if quick else 100
    b, means = np.linspace(-0.5, 3.5, count), np.linspace(-1.0, 1.9, count)
    model = fp.nnlif(b=0.0)
    grid = model.grid(400, v_min=-6.5, finest=1e-4)
    table = fp.sweep(
        model, {"b": b, "initial.mean": means}, initial=datum(0.0), t_span=(0.0, END), grid=grid, workers=1
    )  # fmt: skip
    least = np.array([fp.certified_connectivity(model, datum(float(mean))) for mean in means])
    sample = np.random.default_rng(1).choice(count * count, 4 if quick else SAMPLED, replace=False)
    alone = {}
    for k in sample:
        i, j = divmod(int(k), count)
        alone[i, j] = fp.solve(
            fp.nnlif(b=float(b[i])), datum(float(means[j])), (0.0, END), grid=grid, rtol=1e-4, atol=1e-7,
            save_at=[], stop_when=[fp.Steady(1e-6)], max_step=1.0,
        )  # fmt: skip
    states = {float(value): [state.rate for state in fp.stationary_states(fp.nnlif(b=float(value)))] for value in b}
    return {"b": b, "means": means, "table": table, "certified": b[:, None] >= least, "alone": alone, "states": states}


def check(result: dict) -> list[Check]:
    table, certified = result["table"], result["certified"]
    b, means = result["b"], result["means"]
    status, t_star, rate = (np.asarray(table[name]) for name in ("status", "t_star", "rate"))
    decided = np.isin(status, ["steady", "blow-up", "finished"])
    checks = [
        Check("share of the points that are decided", 1.0, float(decided.mean()), 0.01, "at least"),
        Check("points with b ≤ 0 that do not come to rest", 0, int(np.sum(status[b <= 0.0] != "steady")), kind="equal"),
        Check("certified points", 1, int(certified.sum()), kind="at least"),
        Check("certified points that do not blow up", 0, int(np.sum(certified & (status != "blow-up"))), kind="equal"),
        Check("blow-ups that no theorem foresees", 1, int(np.sum(~certified & (status == "blow-up"))), kind="at least"),
    ]
    rests = np.array([result["states"][float(value)] for value in b], dtype=object)
    without = np.array([len(found) == 0 for found in rests])
    checks.append(Check("rows without a stationary state", 1, int(without.sum()), kind="at least"))
    checks.append(
        Check("points there that come to rest", 0, int(np.sum(status[without] == "steady")), kind="equal")
    )  # fmt: skip
    gaps = [
        min(abs(rate[i, j] / found - 1.0) for found in rests[i]) for i, j in np.argwhere(status == "steady") if rests[i]
    ]
    # The scheme is of second order on cells of up to a tenth: its own stationary state is some 1e-4 off.
    checks.append(Check("points that come to rest: N off a stationary one", 0.0, max(gaps), 2e-3, "absolute"))
    late = [
        t_star[i, j] / fp.blow_up_criterion(fp.nnlif(b=float(b[i])), datum(float(means[j]))).latest_time
        for i, j in _corners(certified)
    ]
    checks.append(Check("t* over the theorem's latest time", 1.0, max(late), kind="at most"))
    apart, same = 0.0, 0
    for (i, j), sol in result["alone"].items():
        here = t_star[i, j] if sol.blow_up is not None else rate[i, j]
        there = sol.blow_up.time if sol.blow_up is not None else float(sol.rate[-1])
        same += fp.METRICS["status"](sol) == status[i, j]
        apart = max(apart, abs(here / there - 1.0))
    checks.append(Check("points run by themselves with the same outcome", len(result["alone"]), same, kind="equal"))
    checks.append(Check("their t* or N, relative difference", 0.0, apart, 1e-6, "absolute"))
    return checks


def _corners(certified: np.ndarray) -> list[tuple[int, int]]:
    """The first certified point of every column."""
    return [(int(np.argmax(column)), j) for j, column in enumerate(certified.T) if np.any(column)]


def plot(result: dict):
    figure = plot_fates(result["table"], certified=result["certified"], labels=("connectivity $b$", "initial mean"))
    counts = [len(found) for found in result["states"].values()]
    b = list(result["states"])
    ends = [0.5 * (b[k] + b[k - 1]) for k in range(1, len(b)) if counts[k] != counts[k - 1]]
    for end in ends:
        figure.axes[0].axvline(end, color="black", lw=0.8, ls="dotted")
    if ends and math.isfinite(ends[-1]):
        figure.axes[0].annotate(
            "dotted: the number of\nstationary states changes", (ends[-1], -0.95), (4, 0), textcoords="offset points",
            fontsize=7, va="bottom",
        )  # fmt: skip
    return figure
