"""fokkerplanck itself."""

import warnings

import numpy as np

import fokkerplanck as fp

from ..clock import fastest

DATUM = fp.gaussian(0.0, 0.25)


def linear(job: dict) -> list[dict]:
    """Transient of the linear problem: the default, the default without its error estimate, and finite volumes."""
    return [*by_tolerance(0.0, job["times"], job["tolerances"]), *by_cells(0.0, job["times"], job["sizes"])]


def nonlinear(job: dict) -> list[dict]:
    """Transient with the connectivity b."""
    by_grid = by_cells(job["b"], job["times"], [(200, 1e-5), (400, 1e-5), (1600, 1e-6), (6400, 1e-7)])
    return [*by_tolerance(job["b"], job["times"], job["tolerances"]), *by_grid]


def by_tolerance(b: float, times: list[float], tolerances: list[float]) -> list[dict]:
    found = [measured("default", b, times, "spectral, error estimated", {})]
    for rtol in tolerances:
        asked = {"rtol": rtol, "atol": 1e-3 * rtol}
        setting = f"rtol {rtol:g}"
        found.append(measured(setting, b, times, "spectral, error estimated", asked))
        lean = asked | {"estimate_error": False, "save_at": []}
        found.append(measured(setting, b, times, "spectral", lean))
    return found


def by_cells(b: float, times: list[float], sizes) -> list[dict]:
    found = []
    for cells, rtol in sizes:
        grid = fp.nnlif(b=b).grid(cells)
        settings = {"grid": grid, "rtol": rtol, "atol": 1e-3 * rtol, "estimate_error": False, "save_at": []}
        found.append(measured(f"{cells} cells, rtol {rtol:g}", b, times, "finite volumes", settings))
    return found


def measured(setting: str, b: float, times: list[float], method: str, settings: dict) -> dict:
    def work() -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fp.FokkerPlanckWarning)
            return fp.solve(fp.nnlif(b=b), DATUM, (0.0, times[-1]), **settings).rate_at(times)

    seconds, rate = fastest(work)
    name = f"fokkerplanck, {method}"
    return {"setting": setting, "seconds": seconds, "times": times, "rate": rate.tolist(), "name": name}


def passages(job: dict) -> list[dict]:
    """f(t) of the first passage through V_F, at times from the first to the end: by formula, and by the equation."""
    times = np.linspace(0.0, job["end"], job["count"] + 1)[1:]
    found = []
    if job["process"] == "Ornstein–Uhlenbeck":
        for method, name in (("laplace", "contours"), ("volterra", "integral equation")):
            found.append(by_formula(job, times, method, name))
    return found + [by_equation(job, times, rtol) for rtol in job["tolerances"]]


def by_formula(job: dict, times: np.ndarray, method: str, name: str) -> dict:
    neuron = fp.LIF(tau_m=1.0, V_th=job["bound"], V_r=job["start"])

    def work() -> np.ndarray:
        return fp.first_passage_density(times, job["drift"], np.sqrt(2.0), neuron, method=method).density

    return passage(f"fokkerplanck, {name}", f"{len(times)} times", *fastest(work), times)


def by_equation(job: dict, times: np.ndarray, rtol: float) -> dict:
    """The population whose neurons stay silent after their first spike, from the free law a little after the start."""
    begin, start, drift = job["begin"], job["start"], job["drift"]
    brownian = job["process"] == "Brownian"
    model = fp.nnlif(
        b=0.0, V_R=start, V_F=job["bound"], external=drift, drift=np.zeros_like if brownian else None,
        refractory=fp.FixedRefractory(2.0 * job["end"]),
    )  # fmt: skip
    if brownian:
        mean, variance = start + drift * begin, 2.0 * begin
    else:
        mean, variance = drift + (start - drift) * np.exp(-begin), -np.expm1(-2.0 * begin)
    datum = fp.gaussian(mean, variance)
    asked = {"rtol": rtol, "atol": 1e-3 * rtol, "estimate_error": False, "save_at": []}

    def work() -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fp.FokkerPlanckWarning)
            solution = fp.solve(model, datum, (begin, job["end"]), **asked)
        return np.where(times >= begin, solution.rate_at(np.maximum(times, begin)), 0.0)

    return passage("fokkerplanck, solve", f"rtol {rtol:g}", *fastest(work), times)


def passage(name: str, setting: str, seconds: float, density: np.ndarray, times: np.ndarray) -> dict:
    return {"name": name, "setting": setting, "seconds": seconds, "times": times.tolist(), "density": density.tolist()}


def reference(job: dict) -> dict:
    """N at the times from spectral elements at 1e-11, and from cells of two sizes, extrapolated."""
    b, times = job["b"], job["times"]
    model, span = fp.nnlif(b=b), (0.0, times[-1])
    common = {"estimate_error": False, "save_at": []}
    scheme = fp.Spectral(1e-12, degree=20)
    fine = fp.solve(model, DATUM, span, scheme=scheme, rtol=1e-11, atol=1e-15, **common).rate_at(times)
    coarse, twice = (
        fp.solve(model, DATUM, span, grid=model.grid(cells), rtol=1e-10, atol=1e-14, **common).rate_at(times)
        for cells in (1600, 3200)
    )
    return {"spectral": fine.tolist(), "cells": ((4.0 * twice - coarse) / 3.0).tolist()}


def rates(job: dict) -> list[dict]:
    """Rates of many neurons at once."""
    rng = np.random.default_rng(job["seed"])
    mu, sigma = (rng.uniform(*job[name], job["count"]) for name in ("mu", "sigma"))
    neuron = fp.LIF(*job["neuron"][:3], tau_ref=job["neuron"][3])
    seconds, nu = fastest(lambda: fp.siegert_rate(mu, sigma, neuron))
    setting = f"siegert_rate, {job['count']} neurons"
    return [{"name": "fokkerplanck", "setting": setting, "seconds": seconds, "rates": nu[job["sample"]].tolist()}]


def fixed_points(job: dict) -> list[dict]:
    """All states of a network; where all neurons are alike, by the one rate that they have."""
    neuron = fp.LIF(*job["neuron"][:3], tau_ref=job["neuron"][3])
    J, K = np.array(job["J"]), np.array(job["K"])
    ways = {
        "LIFNetwork": lambda: fp.LIFNetwork(
            [neuron] * len(K), K, J, C_ext=job["K_ext"], J_ext=job["J_ext"], nu_ext=job["nu_ext"]
        )
    }
    if np.ptp(K, axis=0).max() == np.ptp(J, axis=0).max() == np.ptp(job["K_ext"]) == 0.0:
        ways["BrunelNetwork"] = lambda: fp.BrunelNetwork(
            neuron, K[0, 0], K[0, 1] / K[0, 0], J[0, 0], -J[0, 1] / J[0, 0], job["nu_ext"], job["K_ext"][0]
        )
    found = []
    for setting, network in ways.items():
        seconds, states = fastest(lambda network=network: fp.balanced_states(network()))
        nu = np.resize(states[0].rates, len(K))
        found.append({"name": "fokkerplanck", "setting": setting, "seconds": seconds, "rates": nu.tolist()})
    return found
