"""The density of the first-passage time by three methods that have nothing in common, and a closed form."""

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="The first-passage density by three independent methods",
    statement=(
        "The density of the time from reset to threshold follows from the Laplace transform by contours of "
        "steepest descent, from a Volterra integral equation, and, as the renewal density of an uncoupled "
        "population, from the Fokker-Planck equation itself. They agree to 1e-8 with each other and with "
        "published values; where the threshold is at the resting potential there is a closed form, which the "
        "first method meets relative to itself, down to densities of 1e-250."
    ),
    source="Siegert, Phys. Rev. 81 (1951) 617; Buonocore, Nobile, Ricciardi, Adv. Appl. Prob. 19 (1987) 784",
    parameters={"tau_m": "20 ms", "V_th": "20 mV", "V_r": "10 mV"},
)

TOLERANCE = 1e-8
NEURON = fp.LIF(tau_m=20.0, V_th=20.0, V_r=10.0)
CASES = {  # neuron, E_l + mu, sigma, last time over tau_m
    "S1": (NEURON, 15.0, 5.0, 20.0),
    "S2": (NEURON, 25.0, 3.0, 4.0),
    "S4": (fp.LIF(1.0, -63.0, -70.0), -63.0, 1.0, 8.0),
    "S5": (fp.LIF(1.0, 2.0, 1.0), 0.0, 2.0**0.5, 10.0),
}
PUBLISHED = {  # t/tau_m: tau_m f(t)
    "S1": {0.25: 0.0023255335130354, 1.0: 0.14565802740229, 5.0: 0.090760469011099, 20.0: 0.0027063984229561},
    "S2": {0.5: 0.22274155160106, 1.0: 1.2704263698323, 2.5: 0.0071830674274801},
    "S4": {1.0: 0.0016874244252799, 2.5: 0.46974486150071, 6.0: 0.019573092937601},
    "S5": {0.02: 1.7532689745701e-4, 0.25: 0.39657430415149, 2.0: 0.075539275604491, 10.0: 0.029360080984329},
}
EQUATION = (1.5, 0.5)
"""mu and sigma, in units of V_th - V_r with E_l = V_r - 1, of the run of the equation."""


class Result(NamedTuple):
    curves: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]  # t, Laplace, Volterra; over tau_m
    table: float
    closed: float
    times: np.ndarray
    rate: np.ndarray  # of the equation
    renewed: np.ndarray  # f_0 + f * N


def run(quick: bool) -> Result:
    curves, table = {}, []
    for name, (neuron, mu, sigma, last) in CASES.items():
        t = np.linspace(0.0, last, 120 if quick else 1000) * neuron.tau_m
        one, other = (fp.first_passage_density(t, mu, sigma, neuron, method=m) for m in ("laplace", "volterra"))
        curves[name] = t / neuron.tau_m, one.density * neuron.tau_m, other.density * neuron.tau_m
        for method in ("laplace", "volterra"):
            known = neuron.tau_m * np.array(list(PUBLISHED[name]))
            f = fp.first_passage_density(known, mu, sigma, neuron, method=method).density * neuron.tau_m
            table.append(np.max(np.abs(f - list(PUBLISHED[name].values()))))
    closed = max(_closed_form(x, 40 if quick else 300) for x in (1e-3, 1.0, 7.0, 30.0, 1e3))
    return Result(curves, float(max(table)), closed, *_equation(quick))


def _closed_form(x: float, count: int) -> float:
    """Largest relative error of density and distribution function for x_t = 0, x_r = -x."""
    middle = np.log1p(x * x)
    t = np.geomspace(min(middle, x * x) / 100.0, 20.0 + middle, count)
    log_s = 2.0 * t + np.log(-0.5 * np.expm1(-2.0 * t))
    log_f = np.log(x) - 0.5 * np.log(2.0 * np.pi) - 1.5 * log_s - 0.5 * x**2 * np.exp(-log_s) + 2.0 * t
    log_P = np.log(2.0) + log_ndtr(-x * np.exp(-0.5 * log_s))
    found = fp.first_passage_density(t, 0.0, 1.0, fp.LIF(1.0, 0.0, -x))
    seen = (log_f > -575.0) & (log_P > -575.0)
    return float(
        np.max(np.abs([found.density[seen] / np.exp(log_f[seen]) - 1.0, found.cdf[seen] / np.exp(log_P[seen]) - 1.0]))
    )


def _equation(quick: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """N(t) of an uncoupled population that starts as a Gaussian, and f_0 + f * N by the trapezoidal rule."""
    mu, sigma = EQUATION
    neuron = fp.LIF(tau_m=1.0, V_th=2.0, V_r=1.0)
    last, steps, every = 4.0, 400, 20 if quick else 5
    t = np.linspace(0.0, last, steps + 1)
    model = neuron.dictionary().population(mu, sigma)
    sol = fp.solve(model, fp.gaussian(0.2, 0.02), (0.0, last), scheme=fp.Spectral(1e-11), rtol=1e-11, atol=1e-13)
    N = np.concatenate([[0.0], sol.rate_at(t[1:])])
    f = fp.first_passage_density(t, mu, sigma, neuron).density
    nodes, weights = np.polynomial.hermite_e.hermegauss(24)
    ends = np.arange(every, steps + 1, every)
    starts = zip(0.2 + np.sqrt(0.02) * nodes, weights / weights.sum(), strict=True)
    first = sum(w * fp.first_passage_density(t[ends], mu, sigma, neuron, start=v).density for v, w in starts)
    renewed = first + np.array([t[1] * (f[: k + 1] @ N[k::-1]) for k in ends])
    return t[ends], N[ends], renewed


def check(result: Result) -> list[Check]:
    apart = {name: np.max(np.abs(one - other)) for name, (_, one, other) in result.curves.items()}
    return [
        *(
            Check(f"{name}: contours and integral equation, largest difference", 0.0, float(d), TOLERANCE, "absolute")
            for name, d in apart.items()
        ),
        Check("published values, both methods, largest error", 0.0, result.table, TOLERANCE, "absolute"),
        Check("closed form, density and distribution, largest relative error", 0.0, result.closed, 1e-9, "absolute"),
        Check(
            "the equation against its renewal equation, largest difference of N",
            0.0,
            float(np.max(np.abs(result.rate - result.renewed))),
            TOLERANCE,
            "absolute",
        ),
    ]


def plot(result: Result):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for k, (name, (t, one, _)) in enumerate(result.curves.items()):
        left.plot(t, one, color=f"C{k}", label=name)
        left.plot(list(PUBLISHED[name]), list(PUBLISHED[name].values()), "o", color=f"C{k}", markersize=4)
    left.set(xlabel="$t/\\tau_m$", ylabel="$\\tau_m f(t)$", xlim=(0.0, 8.0), ylim=(0.0, None))
    left.set_title("computed (lines) and published (dots)")
    left.legend()
    right.plot(result.times, result.rate, color="#D55E00", label="N(t) of the equation")
    right.plot(result.times, result.renewed, "k.", label="$f_0 + f * N$")
    right.set(xlabel="$t/\\tau_m$", ylabel="firing rate", ylim=(0.0, None))
    right.legend()
    return figure
