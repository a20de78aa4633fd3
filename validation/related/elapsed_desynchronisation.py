"""The time-elapsed model forgets its start where the connectivity is weak, and where it is strong."""

import warnings

import numpy as np
from scipy.special import lambertw

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Time elapsed: weak and strong connectivity desynchronise, at the rate of the characteristic equation",
    statement=(
        "p = 1_{s > σ(JN)} with σ falling from 3 to 1/2. Without coupling every solution tends to the steady state:"
        " relative entropies decrease at every step, and the L¹ distance decays like e^{zt} with 1 + z = e^{−σz}, z"
        " = −1 + W_1(σ e^σ)/σ, and faster than the rate that Doeblin's theorem guarantees. With coupling it decays "
        "too (the L¹ distance and the relative entropy) where J is small and where it is large, σ being nearly "
        "constant at the rates that occur: there is one steady state, and near it perturbations decay like e^{zt} "
        "with (1 + c) z + 1 = e^{−σz}, c = J N σ'(JN). The quadratic relative entropy decays twice as fast, but no "
        "faster than the oldest ages die out, e^{−t}."
    ),
    source=(
        "Pakdaman, Perthame, Salort, Nonlinearity 23 (2010) 55 and SIAM J. Appl. Math. (2013), arXiv:1109.3014; "
        "Cañizo, Yoldaş, Nonlinearity 32 (2019) 464, for Doeblin's theorem; the characteristic equation derived here"
    ),
    parameters={"σ(x)": "1/2 + 5/2 / (1 + (x/0.4)^4)", "datum": "e^{−s}", "J": "0, 0.4 (weak), 3 (strong)"},
)

DURATION = fp.HillDuration(quiet=3.0, active=0.5, half=0.4, steepness=4.0)
CASES = {0.0: 60.0, 0.4: 60.0, 3.0: 12.0}
"""Connectivity, and for how long."""
DATUM, END = fp.exponential(1.0), 24.0
FINEST = 1e-9
"""Distances above it are far enough from rounding to measure a rate."""


def mode(state) -> complex:
    """The slowest z of the linearised equation."""
    sigma, step = DURATION(state.input), 1e-6
    slope = (DURATION(state.input + step) - DURATION(state.input - step)) / (2.0 * step)
    gain = 1.0 + (state.input * slope if state.input else 0.0)
    return complex(-1.0 / gain + lambertw(sigma * np.exp(sigma / gain) / gain, 1) / sigma)


def run(quick: bool) -> dict:
    result = {}
    for J, duration in CASES.items():
        model = fp.time_elapsed(fp.StepHazard(DURATION), connectivity=J)
        grid = model.grid(960 if quick else 3840, end=END)
        (state,) = fp.stationary_states(model)
        steady = state.state(grid)
        distances = {
            "L1": lambda now, steady=steady: fp.relative_entropy(now, steady, fp.Absolute()),
            "quadratic": lambda now, steady=steady: fp.relative_entropy(now, steady),
            "logarithmic": lambda now, steady=steady: fp.relative_entropy(now, steady, fp.Logarithmic()),
        }
        with warnings.catch_warnings():  # at the start of the coupled cases N jumps, and solve says so
            warnings.simplefilter("ignore", fp.FokkerPlanckWarning)
            sol = fp.solve(model, DATUM, (0.0, duration), grid=grid, monitors=distances, estimate_error=False)
        result[J] = {"state": state, "solution": sol, "mode": mode(state)}
    return result


def measured(case: dict, distance: str = "L1") -> float:
    """Decay rate of a distance: over as many periods of the slowest mode as lie in the last resolved half."""
    record, z = case["solution"].records[distance], case["mode"]
    last = record.t[record.value > FINEST][-1]
    period = 2.0 * np.pi / abs(z.imag)
    span = period * max(1, int(0.5 * last / period))
    value = np.interp([last - span, last], record.t, np.log(record.value))
    return float((value[0] - value[1]) / span)


def check(result: dict) -> list[Check]:
    checks = []
    for J, case in result.items():
        # The oldest ages die out like e^{−t}, whatever the rates do.
        expected = min(1.0, -case["mode"].real)
        checks.append(Check(f"J = {J:g}: decay rate of the L1 distance", expected, measured(case), 0.02))
        # n/n̄ − 1 is squared, but among the oldest only carried along: there the weight n̄ alone dies out.
        twice = min(1.0, -2.0 * case["mode"].real)
        checks.append(Check(f"J = {J:g}: decay rate of the entropy", twice, measured(case, "quadratic"), 0.02))
        entropy = float(case["solution"].records["quadratic"].value[-1])
        checks.append(Check(f"J = {J:g}: entropy at the end", 0.0, entropy, 1e-4, "at most"))
        end = case["solution"].records["L1"].value[-1]
        checks.append(Check(f"J = {J:g}: distance at the end", 0.0, float(end), 1e-4, "at most"))
        checks.append(Check(f"J = {J:g}: the steady state is stable", True, case["state"].stable, kind="equal"))
    free = result[0.0]
    for name in ("L1", "quadratic", "logarithmic"):
        rise = np.max(np.diff(free["solution"].records[name].value))
        checks.append(
            Check(f"J = 0: largest rise of the {name} distance in a step", 0.0, float(rise), 1e-13, "at most")
        )
    closed = fp.renewal_modes(fp.StepHazard(3.0))[0]
    checks.append(
        Check("1 + z − e^{−3z} at the first mode", 0.0, abs(1.0 + closed - np.exp(-3.0 * closed)), 1e-12, "absolute")
    )
    bound, record = fp.doeblin_bound(fp.StepHazard(3.0)), free["solution"].records["L1"]
    checks.append(Check("J = 0: measured rate, and Doeblin's", bound.rate, measured(free), 0.0, "at least"))
    allowed = record.value[0] * np.exp(-bound.rate * record.t) / (1.0 - bound.share)
    excess = np.max(record.value / allowed)
    checks.append(Check("J = 0: L1 distance over Doeblin's bound, at most", 1.0, float(excess), 0.0, "at most"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for k, (J, case) in enumerate(result.items()):
        sol, decay = case["solution"], -case["mode"].real
        left.plot(sol.t, sol.rate, color=f"C{k}", label=f"$J = {J:g}$")
        left.axhline(case["state"].rate, color=f"C{k}", lw=0.8, ls=":")
        for axes, name, rate in ((middle, "L1", decay), (right, "quadratic", 2.0 * decay)):
            record = sol.records[name]
            axes.semilogy(record.t, record.value, color=f"C{k}", label=f"$J = {J:g}$")
            axes.semilogy(
                record.t, record.value[0] * np.exp(-min(1.0, rate) * record.t), color=f"C{k}", ls="--", lw=0.9
            )
    bound = fp.doeblin_bound(fp.StepHazard(3.0))
    t = result[0.0]["solution"].t
    middle.semilogy(t, np.exp(-bound.rate * t) / (1.0 - bound.share), "k:", label="Doeblin's bound, $J = 0$")
    left.set(xlabel="$t$", ylabel="$N(t)$", xlim=(0, 40), title="dotted: steady states")
    middle.set(xlabel="$t$", ylabel=r"$\|n - \bar{n}\|_1$", ylim=(1e-6, 3.0), title="dashed: characteristic equation")
    right.set(
        xlabel="$t$",
        ylabel=r"$\int \bar{n}\,(n/\bar{n} - 1)^2\, ds$",
        ylim=(1e-11, 3.0),
        title="dashed: twice that rate, at most 1",
    )
    left.legend()
    middle.legend(fontsize=8)
    right.legend(fontsize=8)
    return figure
