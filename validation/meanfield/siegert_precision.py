"""The firing rate of the noisy LIF against multi-precision arithmetic on ten thousand points."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="The Siegert rate to twelve digits, everywhere",
    statement=(
        "The firing rate of the leaky integrate-and-fire neuron under white noise, computed without overflow for "
        "inputs far below and far above the threshold, for hardly any and for overwhelming noise, for an input "
        "exactly midway between reset and threshold, and exactly at the threshold, agrees with multi-precision "
        "arithmetic to a relative error of 1e-12, and so do its slopes. Without noise it is the deterministic "
        "rate, its limit. The density solver finds the same rates."
    ),
    source="Siegert, Phys. Rev. 81 (1951) 617; reference: mpmath, tests/data/make_siegert_reference.py",
    parameters={"points": 10_000, "x_t": "-1e8 to 26", "sigma": "1e-6 to 1e5 mV", "(V_th - V_r)/sigma": "1e-4 to 1e5"},
)

TOLERANCE = 1e-12
TABLE = Path(__file__).parents[2] / "tests" / "data" / "siegert_reference.npz"
NEURON = fp.LIF(tau_m=0.020, V_th=20.0, V_r=10.0, tau_ref=0.002)
SIX = {  # (tau_m, E_l + mu, sigma, V_th, V_r, tau_ref): rate
    (20.0, 15.0, 5.0, 20.0, 10.0, 2.0): 0.0094607998057591,
    (20.0, 25.0, 3.0, 20.0, 10.0, 2.0): 0.044070591773629,
    (20.0, 10.0, 4.0, 20.0, 10.0, 2.0): 1.2260425980698e-4,
    (1.0, -63.0, 1.0, -63.0, -70.0, 0.0): 0.34098368489851,
    (1.0, 0.0, 2.0**0.5, 2.0, 1.0, 0.0): 0.1199759652391,
    (20.0, 60.0, 1.0, 20.0, 10.0, 2.0): 0.15475691280123,
}


class Result(NamedTuple):
    x_t: np.ndarray
    errors: np.ndarray  # of the rate and its two slopes; nan where a slope underflows
    six: np.ndarray
    limit: float
    solver: np.ndarray  # mu, sigma, rate of the density solver


def run(quick: bool) -> Result:
    table = np.load(TABLE)
    every = slice(None, None, 5 if quick else 1)
    mu, sigma, V_r, time, *by = (table[name][every].astype(float) for name in table.files if table[name].ndim)
    expected = 1.0 / time, by[0] / time / time, by[1] / time / time
    E_l, V_th = float(table["E_l"]), float(table["V_th"])
    neurons = [fp.LIF(1.0, V_th, v, E_l) for v in V_r]
    found = np.array(
        [
            (fp.siegert_rate(m, s, neuron), *fp.siegert_slopes(m, s, neuron))
            for m, s, neuron in zip(mu, sigma, neurons, strict=True)
        ]
    ).T
    normal = np.array(expected) > 1e-300
    errors = np.where(normal, np.abs(found / np.where(normal, expected, 1.0) - 1.0), np.nan)
    six = np.array([_published(parameters) / rate - 1.0 for parameters, rate in SIX.items()])
    input_ = np.array([19.0, 20.5, 25.0, 1e3])
    limit = np.max(np.abs(fp.siegert_rate(input_, 1e-9, NEURON) - fp.siegert_rate(input_, 0.0, NEURON)))
    return Result((V_th - E_l - mu) / sigma, errors, six, float(limit), _solver(quick))


def _published(parameters: tuple[float, ...]) -> float:
    tau_m, mu, sigma, V_th, V_r, tau_ref = parameters
    return float(fp.siegert_rate(mu, sigma, fp.LIF(tau_m, V_th, V_r, tau_ref=tau_ref)))


def _solver(quick: bool) -> np.ndarray:
    """Rates of the density solver: of its stationary states, and at the end of a run in time."""
    words = NEURON.dictionary()
    rows = []
    for mu, sigma in ((15.0, 5.0), (25.0, 3.0)) if quick else ((15.0, 5.0), (25.0, 3.0), (12.0, 6.0), (30.0, 8.0)):
        sol = fp.solve(words.population(mu, sigma), fp.gaussian(1.0, 0.05), (0.0, 30.0), rtol=1e-8, atol=1e-11)
        rows.append((mu, sigma, float(words.rate(sol.rate[-1]))))
    return np.array(rows)


def check(result: Result) -> list[Check]:
    names = ("the rate", "its slope in mu", "its slope in sigma")
    mu, sigma, rates = result.solver.T
    solver = np.max(np.abs(rates / fp.siegert_rate(mu, sigma, NEURON) - 1.0))
    return [
        *(
            Check(f"largest relative error of {name}", 0.0, float(np.nanmax(error)), TOLERANCE, "absolute")
            for name, error in zip(names, result.errors, strict=True)
        ),
        Check("six published parameter sets", 0.0, float(np.max(np.abs(result.six))), TOLERANCE, "absolute"),
        Check("distance from the deterministic rate at sigma = 1e-9 mV, in Hz", 0.0, result.limit, 1e-12, "absolute"),
        Check("relative distance of fp.solve after 30 membrane times", 0.0, float(solver), 1e-7, "absolute"),
    ]


def plot(result: Result):
    from matplotlib.figure import Figure

    from fokkerplanck.plotting import plot_rate_map

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for error, label in zip(result.errors, ("rate", "slope in $\\mu$", "slope in $\\sigma$"), strict=True):
        left.semilogy(np.arcsinh(result.x_t), np.maximum(error, 1e-17), ".", markersize=2, label=label)
    left.axhline(TOLERANCE, color="black", linestyle=":")
    ticks = np.array([-1e8, -1e6, -1e4, -100, -5, 0, 5, 26])
    left.set_xticks(np.arcsinh(ticks), ["$-10^8$", "$-10^6$", "$-10^4$", "$-100$", "$-5$", "0", "5", "26"])
    left.set(xlabel="$x_t = (V_{th} - E_l - \\mu)/\\sigma$", ylabel="relative error", ylim=(1e-17, 1e-11))
    left.legend(markerscale=5)
    plot_rate_map(right, NEURON, (0.0, 40.0), (0.0, 12.0), tuple(result.solver.T))
    right.set_title("rate in Hz; dots: the density solver")
    return figure
