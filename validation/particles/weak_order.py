"""What a step costs the firing rate: a per mille with the Brownian bridge, a sixth of it without."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="The threshold between two steps",
    statement=(
        "If a neuron fires with the probability with which the Brownian bridge between the ends of a step meets V_F, "
        "the stationary rate of the linear problem is right within 1 % at dt = 0.01, and the error is of weak order 1 "
        "or better. If V_F is tested at the ends of steps only, the rate is that of a threshold which lies higher by "
        "0.5826 √(2 a dt): of order 1/2, 16 % too low at dt = 0.01."
    ),
    source=(
        "bridge: Gobet (2000), Stoch. Process. Appl. 87, 167; shift −ζ(1/2)/√(2π): Broadie, Glasserman, Kou (1997), "
        "Math. Finance 7, 325; rate: closed form of the stationary state"
    ),
    parameters={"b": 0, "a": 1, "V_R": 1, "V_F": 2, "N": 0.119975965},
)

RATE = 0.119975965
SHIFT = 0.5825971579
"""−ζ(1/2)/√(2π)."""
MODEL = fp.nnlif(b=0.0)
SKIPPED = 4.0
# steps, neurons and durations: coarse ones for the order, the default for the size, and without the bridge
COARSE = (0.32, 0.16, 0.08, 0.04)
PLAIN = (0.04, 0.01, 0.0025)
PLANS = {
    True: {"coarse": (200_000, 60.0), "default": (100_000, 30.0), "plain": (50_000, 20.0)},
    False: {"coarse": (400_000, 100.0), "default": (400_000, 60.0), "plain": (100_000, 60.0)},
}
DEFAULT = 0.01
ERRORS = 3.5
"""Standard errors; nine runs are looked at."""
NEXT = 0.2
"""What the shift of V_F leaves out is of the next order: so many times dt."""


def bias(start: fp.State, dt: float, count: int, length: float, bridge: bool) -> tuple[float, float]:
    """Relative error of the stationary rate, and its standard error for independent spikes, which is a bound."""
    sol = fp.simulate(
        MODEL, count, start, (0.0, SKIPPED + length), dt=dt, seed=5, bridge=bridge, save_at=[],
        bins=MODEL.grid(20, v_min=-6.0),
    )  # fmt: skip
    first = int(np.searchsorted(sol.t, SKIPPED))
    rate = (sol.fired[-1] - sol.fired[first]) / (sol.t[-1] - sol.t[first])
    return float(rate / RATE - 1.0), float(1.0 / np.sqrt(RATE * count * length))


def shifted(dt: float) -> float:
    """Relative error of the rate of a threshold that lies higher by SHIFT √(2 a dt)."""
    model = fp.nnlif(b=0.0, V_F=MODEL.V_F + SHIFT * np.sqrt(2.0 * dt))
    return float(fp.stationary_states(model)[0].rate / RATE - 1.0)


def run(quick: bool) -> dict:
    start = fp.solve(MODEL, fp.compatible_gaussian(0.0, 0.25), (0.0, 14.0), estimate_error=False).final
    plans = PLANS[quick]
    return {
        "exact": fp.stationary_states(MODEL)[0].rate,
        "bridge": {
            **{dt: bias(start, dt, *plans["coarse"], True) for dt in COARSE},
            DEFAULT: bias(start, DEFAULT, *plans["default"], True),
        },
        "plain": {dt: bias(start, dt, *plans["plain"], False) for dt in PLAIN},
        "shifted": {dt: shifted(dt) for dt in PLAIN},
    }


def order(rows: dict[float, tuple[float, float]], long: float, short: float) -> tuple[float, float]:
    """log of the ratio of two biases over that of the steps, and its standard error."""
    (far, e_far), (near, e_near) = rows[long], rows[short]
    ratio = np.log(long / short)
    return float(np.log(far / near) / ratio), float(np.hypot(e_far / far, e_near / near) / ratio)


def check(result: dict) -> list[Check]:
    bridge, plain = result["bridge"], result["plain"]
    checks = [Check("the rate in closed form", RATE, result["exact"], 1e-8)]
    value, error = bridge[DEFAULT]
    checks.append(Check("bridge, dt = 0.01: error of the rate", 0.0, value, 0.01 - ERRORS * error, "absolute"))
    first, error = order(bridge, 0.32, 0.16)
    checks.append(Check("bridge, 0.32 to 0.16: weak order, at least 1", 1.0, first, ERRORS * error, "at least"))
    checks.append(Check("bridge, 0.32 to 0.16: standard error of the order", 0.2, error, 0.0, "at most"))
    for dt in (0.08, 0.04):  # of order 1 from the longest step
        (far, _), (near, error) = bridge[0.32], bridge[dt]
        text = f"bridge, dt = {dt:g}: error, from 0.32 by order 1"
        checks.append(Check(text, far * dt / 0.32, abs(near), ERRORS * error, "at most"))
    for dt, (value, error) in plain.items():
        predicted = result["shifted"][dt]
        text, allowed = f"ends only, dt = {dt:g}: error, as if V_F were shifted", ERRORS * error + NEXT * dt
        checks.append(Check(text, predicted, value, allowed, "absolute"))
    half, error = order(plain, PLAIN[1], PLAIN[2])
    expected = np.log(result["shifted"][PLAIN[1]] / result["shifted"][PLAIN[2]]) / np.log(PLAIN[1] / PLAIN[2])
    checks.append(Check("ends only: order, as of the shift", expected, half, ERRORS * error, "absolute"))
    checks.append(Check("ends only: order 1/2", 0.5, half, 0.1, "absolute"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    fine = np.geomspace(2e-3, 0.05, 30)
    left.loglog(fine, [-shifted(dt) for dt in fine], "C3-", lw=1, label="$V_F$ shifted by $0.5826\\,\\sqrt{2 a\\,dt}$")
    for axes, name, sign, colour in ((left, "plain", -1.0, "C3"), (left, "bridge", 1.0, "C0")):
        dt = np.array(sorted(result[name]))
        values, errors = np.array([result[name][x] for x in dt]).T
        label = "tested at the ends of steps" if name == "plain" else "Brownian bridge"
        axes.errorbar(dt, sign * values, errors, fmt="o", color=colour, capsize=3, label=label)
    reach = np.array([0.02, 0.4])
    left.loglog(reach, 0.027 * reach / 0.32, "k--", lw=1, label="order 1")
    left.set(xlabel="dt", ylabel="|relative error of the rate|", ylim=(1e-4, 0.6), title="stationary rate at b = 0")
    left.legend(fontsize=8)
    dt = np.array(sorted(result["bridge"]))
    values, errors = np.array([result["bridge"][x] for x in dt]).T
    right.errorbar(dt, 100.0 * values, 100.0 * errors, fmt="o-", capsize=3)
    right.axhspan(-1.0, 1.0, color="0.9")
    right.axvline(DEFAULT, color="k", lw=0.8, ls=":")
    right.set(xscale="log", xlabel="dt", ylabel="relative error in %", title="with the bridge (grey: 1 %)")
    return figure
