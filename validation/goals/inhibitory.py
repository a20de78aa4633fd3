"""Inhibitory networks with constant noise never blow up, and one envelope bounds what they fire, whatever the start."""

import warnings

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="No blow-up for b ≤ 0, and one envelope for all starts",
    statement=(
        "For b ≤ 0 and constant noise solutions are global. With φ = (v − V_R)²/2 above V_R and 0 below, b N φ' ≤ 0 "
        "gives, for every datum and every b ≤ 0 alike, with g = V_F − V_R,\n"
        "∫₀ᵀ N dt ≤ 1 + (2T/g²) (a + max (I − v)(v − V_R)), the maximum over V_R ≤ v ≤ V_F. No generated model may be "
        "reported as a blow-up or as unresolved, and none may fire more than the envelope allows."
    ),
    source="Carrillo, González, Gualdani, Schonbek (2013): global; the envelope: second moment above V_R",
    parameters={
        "models": "1,000 generated (quick: 60)",
        "b": "−100 to 0",
        "a0": "0.03 to 30",
        "data": "as concentrated as a cell, anywhere up to V_F",
        "cells": 100,
        "T": 1,
    },
)

SEED = 13
T = 1.0
CELLS = 100
SHOWN = 25


def run(quick: bool) -> dict:
    random = np.random.default_rng(SEED)
    generated = [follow(*any_problem(random)) for _ in range(60 if quick else 1_000)]
    return {"generated": generated, "one model": starts_of_one_model(random)}


def follow(model: fp.Population, grid: fp.Grid, density: np.ndarray) -> dict:
    """How the run ended, and how much it fired."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FokkerPlanckWarning)  # concentrated data cost Rodas5P some positivity
        sol = fp.solve(model, density, (0.0, T), grid, rtol=1e-4, atol=1e-7, save_at=[])
    return {"status": sol.status, "b": model.coupling.b, "t": sol.t, "rate": sol.rate, "envelope": envelope(model, T)}


def any_problem(random: np.random.Generator) -> tuple:
    V_F = random.uniform(0.5, 3.0)
    gap = random.uniform(0.2, 2.0)
    model = fp.nnlif(
        b=-random.choice([0.0, 10.0 ** random.uniform(-2.0, 2.0)], p=[0.1, 0.9]),
        a0=10.0 ** random.uniform(-1.5, 1.5),
        V_R=V_F - gap,
        V_F=V_F,
        external=random.uniform(-2.0, 2.0),
        refractory=random.choice([None, fp.ExponentialRefractory(10.0 ** random.uniform(-2.0, 0.3))]),
    )
    grid = model.grid(CELLS, finest=1e-3 * gap)
    return model, grid, any_density(random, grid, gap)


def any_density(random: np.random.Generator, grid: fp.Grid, gap: float) -> np.ndarray:
    """A bell anywhere below V_F, down to less than a cell, that vanishes at V_F; or a single cell."""
    if random.random() < 0.2:
        values = np.zeros(grid.cells)
        values[random.integers(grid.cells // 2, grid.cells)] = 1.0
    else:
        centre, width = grid.V_F - random.uniform(0.0, 3.0) * gap, 10.0 ** random.uniform(-2.5, 0.0) * gap
        nearest = np.argmin(np.abs(grid.v - centre))
        values = np.exp(-(((grid.v - grid.v[nearest]) / width) ** 2) / 2) * (grid.V_F - grid.v)
    return values / (values @ grid.width)


def starts_of_one_model(random: np.random.Generator) -> list[dict]:
    model = fp.nnlif(b=-5.0)
    grid = model.grid(CELLS, finest=1e-3)
    return [follow(model, grid, any_density(random, grid, 1.0)) for _ in range(SHOWN)]


def envelope(model: fp.Population, times: np.ndarray | float) -> np.ndarray | float:
    """1 + (2T/g²)(a + max (I − v)(v − V_R))."""
    V_R, V_F, I = model.V_R, model.V_F, model.coupling.external_at(0.0)
    v = np.clip(0.5 * (I + V_R), V_R, V_F)
    return 1.0 + 2.0 * times / (V_F - V_R) ** 2 * (model.noise.a0 + (I - v) * (v - V_R))


def fired(t: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """∫ N dt up to every step, by trapezoids: a little too much where N falls steeply at the start."""
    return np.append(0.0, np.cumsum(0.5 * (rate[1:] + rate[:-1]) * np.diff(t)))


def check(result: dict) -> list[Check]:
    runs = result["generated"] + result["one model"]
    ends = [case["status"] for case in runs]
    share = max(fired(case["t"], case["rate"])[-1] / case["envelope"] for case in runs)
    return [
        Check(f"of {len(runs)} runs, those that blew up", 0, ends.count(fp.Status.BLOW_UP), kind="equal"),
        Check("those left unresolved", 0, ends.count(fp.Status.UNRESOLVED), kind="equal"),
        Check("those that reached the end", len(runs), ends.count(fp.Status.FINISHED), kind="equal"),
        Check("largest ∫ N dt over the envelope", 1.0, float(share), 0.0, "at most"),
    ]


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for case in result["one model"]:
        left.plot(case["t"], fired(case["t"], case["rate"]), color="C0", lw=0.8, alpha=0.7)
    times = np.linspace(0.0, T, 50)
    left.plot(times, envelope(fp.nnlif(b=-5.0), times), "k--", label="envelope of all data and all b ≤ 0")
    left.set(xlabel="time $t$", ylabel=r"$\int_0^t N\,ds$", title=f"b = −5 from {SHOWN} starts")
    left.legend(fontsize=8)
    b = np.array([case["b"] for case in result["generated"]])
    share = [fired(case["t"], case["rate"])[-1] / case["envelope"] for case in result["generated"]]
    right.semilogx(np.maximum(-b, 5e-3), share, "C0.", markersize=4)
    right.axhline(1.0, color="k", ls="--", lw=1)
    right.set(
        xlabel="−b (0 at the left end)", ylabel=r"$\int_0^T N\,dt$ / envelope", title=f"{len(b)} generated models"
    )
    return figure
