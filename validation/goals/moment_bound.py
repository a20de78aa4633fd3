"""Wherever the exponential-moment theorem applies, the run blows up, and before the theorem's latest time."""

import warnings

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Blow-up before the theorem's latest time, in generated cases",
    statement=(
        "If μ (b + μ a1) M_μ(0) exceeds the bound for some exponent μ, the solution cannot be global, and it ends "
        "before (μ V_F − ln M_μ(0))/(μ (μ a0 − V_F)). In every generated case to which the theorem applies the "
        "detector says BLOW_UP, with t* before that time. How the largest N grows as h is halved is not measured here."
    ),
    source="Cáceres, Carrillo, Perthame (2011), Thm 2.2; Cáceres, Perthame (2014); Carrillo et al. (2015)",
    parameters={
        "cases": "200 generated (quick: 12)",
        "b": "0.3 to 50",
        "a0": "0.5 to 2",
        "a1": "0, or 0 to 0.3",
        "τ": "none, or 0.01 to 1",
        "cells": 800,
    },
)

SEED = 3
CELLS = 800
FINEST = 1e-6
"""Width of the cell next to V_F, over V_F − V_R."""


def run(quick: bool) -> list[dict]:
    random = np.random.default_rng(SEED)
    return [follow(*admissible(random)) for _ in range(12 if quick else 200)]


def admissible(random: np.random.Generator) -> tuple:
    """A model and a datum, negligible at V_F, to which the theorem applies."""
    while True:
        V_F = random.uniform(0.5, 3.0)
        gap = random.uniform(0.5, 2.0)
        model = fp.nnlif(
            b=10.0 ** random.uniform(np.log10(0.3), np.log10(50.0)),
            a0=random.uniform(0.5, 2.0),
            a1=random.choice([0.0, random.uniform(0.0, 0.3)]),
            V_R=V_F - gap,
            V_F=V_F,
            refractory=random.choice([None, fp.ExponentialRefractory(10.0 ** random.uniform(-2.0, 0.0))]),
        )
        width = 10.0 ** random.uniform(-2.0, -0.3) * gap
        datum = fp.gaussian(V_F - random.uniform(6.5, 9.0) * width, width**2)
        criterion = fp.blow_up_criterion(model, datum)
        if criterion.satisfied:
            return model, datum, criterion


def follow(model: fp.Population, datum, criterion) -> dict:
    """The run to a little beyond the latest time, with what it says."""
    grid = model.grid(CELLS, v_min=min(model.lowest_potential(), datum.lowest), finest=FINEST * (model.V_F - model.V_R))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FokkerPlanckWarning)
        sol = fp.solve(model, datum, (0.0, 1.1 * criterion.latest_time), grid=grid, save_at=[], rtol=1e-5, atol=1e-8)
    t_star, interval = (sol.blow_up.time, sol.blow_up.interval) if sol.blow_up else (np.nan, (np.nan, np.nan))
    return {
        "latest": criterion.latest_time,
        "time": t_star,
        "interval": interval,
        "status": sol.status,
        "b": model.coupling.b,
        "message": sol.message,
        "model": model,
        "datum": datum,
    }


def check(result: list[dict]) -> list[Check]:
    found = [case for case in result if case["status"] is fp.Status.BLOW_UP]
    late = [case for case in found if not case["time"] <= case["latest"]]
    share = max((case["time"] / case["latest"] for case in found), default=float("nan"))
    return [
        Check("cases to which the theorem applies and that blow up", len(result), len(found), kind="equal"),
        Check("those of them later than the theorem's time", 0, len(late), kind="equal"),
        Check("largest t* over the theorem's time", 1.0, share, 0.0, "at most"),
    ]


def plot(result: list[dict]):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5.5), layout="constrained")
    axes = figure.subplots()
    latest, time, b = np.array([(case["latest"], case["time"], case["b"]) for case in result]).T
    dots = axes.scatter(latest, time, c=b, norm="log", s=18, cmap="viridis")
    ends = np.array([0.7 * np.nanmin(time), 1.4 * latest.max()])
    axes.loglog(ends, ends, "k--", lw=1, label="$t^*$ = the latest time of the theorem")
    axes.set(xlabel="latest time of the theorem", ylabel="$t^*$ of the run", title=f"{len(result)} generated cases")
    axes.legend()
    figure.colorbar(dots, label="connectivity $b$")
    return figure
