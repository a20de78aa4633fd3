"""A blurred threshold keeps the rate bounded, and with a refractory state the network beats by itself."""

import numpy as np
from scipy.optimize import brentq

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Random threshold: no blow-up, and spontaneous activity",
    statement=(
        "If a neuron above V_F fires at the rate 1/ε, then N = (1/ε) ∫_{v > V_F} n dv ≤ 1/ε for every connectivity: "
        "no blow-up. With a refractory state and strong excitation the stationary state is unstable and the network "
        "settles into a periodic activity without any periodic input."
    ),
    source=(
        "Cáceres, Perthame (2014), with the sign of N mended; cycles: second code, upper ends at 12 and 24 agreeing"
    ),
    parameters={"a": 1, "V_R": 1, "V_F": 2, "ε": 0.02, "τ": 0.2, "b": "3 and 4 (cycles), up to 50 (bound)"},
)

EPSILON, TAU = 0.02, 0.2
# b: period, largest and smallest N, smallest and largest R on the limit cycle
CYCLES = {
    3.0: (1.00925, 9.0695, 0.37397, 0.16549, 0.73457),
    4.0: (0.544968, 16.791, 0.33046, 0.22735, 0.79742),
}
BOUNDED = (0.5, 2.0, 10.0, 50.0)
CONCENTRATED = fp.gaussian(1.9, 0.001)
LEVEL = 2.0  # the rate crosses it upwards once in a period


def network(b: float) -> fp.Population:
    return fp.nnlif(b=b, refractory=fp.ExponentialRefractory(TAU), threshold=fp.RandomThreshold(EPSILON))


def run(quick: bool) -> dict:
    cells, rtol = (900, 1e-6) if quick else (3600, 1e-8)
    cycles, bounded = {}, {}
    for b, (period, *_) in CYCLES.items():
        model = network(b)
        cycles[b] = fp.solve(
            model, fp.gaussian(1.5, 0.1), (0.0, 4.0 + 5.0 * period), grid=model.grid(cells, finest=4e-3 * 900 / cells),
            rtol=rtol, estimate_error=False,
        )  # fmt: skip
    for b in BOUNDED:
        model = network(b)
        bounded[b] = fp.solve(
            model, CONCENTRATED, (0.0, 1.0 if quick else 5.0), grid=model.grid(cells, finest=1e-3),
            rtol=1e-5, estimate_error=False, monitors={"above": above},
        )  # fmt: skip
    return {"cycles": cycles, "bounded": bounded}


def above(state: fp.State) -> float:
    """∫_{v > V_F} n dv."""
    grid = state.grid
    return float((state.density * grid.width)[grid.v > grid.V_F].sum())


def cycle(sol: fp.Solution) -> tuple[float, float, float, float, float]:
    """Period, extrema of N and of R over the last period."""
    up = np.flatnonzero((sol.rate[:-1] < LEVEL) & (sol.rate[1:] >= LEVEL))
    crossings = [brentq(lambda t: float(sol.rate_at(t)) - LEVEL, sol.t[k], sol.t[k + 1], xtol=1e-12) for k in up[-3:]]
    fine = sol.rate_at(np.linspace(crossings[-2], crossings[-1], 4001))
    last = (sol.t >= crossings[-2]) & (sol.t <= crossings[-1])
    pool = sol.refractory[last]
    return crossings[-1] - crossings[-2], fine.max(), fine.min(), pool.min(), pool.max()


def check(result: dict) -> list[Check]:
    checks = []
    for b, expected in CYCLES.items():
        names = ("period", "largest N", "smallest N", "smallest R", "largest R")
        for name, predicted, measured in zip(names, expected, cycle(result["cycles"][b]), strict=True):
            # The pool is read at the steps, the cycle of b = 4 is quoted to five digits.
            checks.append(Check(f"b = {b:g}: {name} of the cycle", predicted, float(measured), 1e-3))
    for b, sol in result["bounded"].items():
        checks.append(Check(f"b = {b:g}: status", fp.Status.FINISHED.name, sol.status.name, kind="equal"))
        checks.append(Check(f"b = {b:g}: largest N", 1.0 / EPSILON, float(sol.rate.max()), 0.0, "at most"))
        escape = np.max(np.abs(sol.rate - sol.records["above"].value / EPSILON) / (1.0 + sol.rate))
        checks.append(Check(f"b = {b:g}: N = (1/ε) ∫ n over v > V_F", 0.0, float(escape), 1e-10, "absolute"))
        checks.append(Check(f"b = {b:g}: mass beyond the grid", 0.0, sol.quality.truncated_mass, 1e-9, "at most"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    from fokkerplanck.plotting import plot_density_image

    figure = Figure(figsize=(11, 6.5), layout="constrained")
    (image, rates), (orbit, bound) = figure.subplots(2, 2)
    sol = result["cycles"][4.0]
    end = sol.t[-1]
    plot_density_image(image, sol)
    image.set(title="n(v, t), b = 4", xlim=(end - 2.5, end), ylim=(-2.0, 5.0))
    for k, (b, other) in enumerate(result["cycles"].items()):
        rates.plot(other.t - other.t[-1], other.rate, color=f"C{3 * k}", label=f"b = {b:g}")
        late = other.t > other.t[-1] - 2.2 * CYCLES[b][0]
        orbit.semilogx(other.rate[late], other.refractory[late], color=f"C{3 * k}", label=f"b = {b:g}")
    rates.set(xlabel="$t - t_{end}$", ylabel="$N$", title="spontaneous activity", xlim=(-2.5, 0))
    orbit.set(xlabel="$N$", ylabel="$R$", title="limit cycles")
    for b, other in result["bounded"].items():
        bound.semilogy(other.t, other.rate, label=f"b = {b:g}")
    bound.axhline(1.0 / EPSILON, color="k", ls="--", lw=1, label="$1/\\varepsilon$")
    bound.set(xlabel="time $t$", ylabel="$N$", title="concentrated start, any connectivity: bounded", xlim=(0, 1))
    for axes in (rates, orbit, bound):
        axes.legend(fontsize=8)
    return figure
