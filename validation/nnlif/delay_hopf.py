"""Inhibition that arrives late makes the network oscillate."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Transmission delay: oscillations set in at a Hopf bifurcation",
    statement=(
        "An inhibitory network has one steady state, and it stays what it is with a transmission delay d; but strong "
        "inhibition makes it unstable: a pair of eigenvalues ±iω crosses the axis at b = b_c(d) < 0, and beyond it "
        "the rate oscillates with a period of two to four delays. Weak inhibition (b = −5) is stable for every delay."
    ),
    source=(
        "Cáceres, Cañizo, Ramos-Lora (2024); Ikeda, Roux, Salort, Smets (2022); thresholds: roots of the "
        "characteristic equation, with parabolic cylinder functions"
    ),
    parameters={"(a, V_R, V_F)": "(1, 1, 2), (0.2, 0, 1), (0.2, −2, 0)", "d": "0.25 to 5", "runs": "d = 1"},
)

# (a, V_R, V_F, d): b_c, ω
THRESHOLDS = {
    (1.0, 1.0, 2.0, 0.25): (-1640.43678, 8.288959),
    (1.0, 1.0, 2.0, 0.5): (-167.954629, 4.271813),
    (1.0, 1.0, 2.0, 1.0): (-41.9643854, 2.264965),
    (1.0, 1.0, 2.0, 2.0): (-18.4978510, 1.233077),
    (1.0, 1.0, 2.0, 5.0): (-11.2680752, 0.552576),
    (0.2, 0.0, 1.0, 1.0): (-33.6760437, 2.260215),
    (0.2, -2.0, 0.0, 1.0): (-2.95223051, 2.575151),
}
# b: critical delay, for (a, V_R, V_F) = (1, 1, 2)
DELAYS = {-5.0: np.inf, -10.0: 9.6870359, -20.0: 1.833178, -50.0: 0.89658241}
RUNS = (-38.0, -46.0)
WINDOW = (8.0, 25.0)  # other modes have died out, and the growing oscillation is still small


def network(b: float, key: tuple = (1.0, 1.0, 2.0, 0.0)) -> fp.Population:
    a, V_R, V_F, delay = key
    return fp.nnlif(b=b, a0=a, V_R=V_R, V_F=V_F, delay=delay)


def run(quick: bool) -> dict:
    onsets = {}
    for key, (b, _) in THRESHOLDS.items():
        if not quick or key == (1.0, 1.0, 2.0, 1.0):
            onsets[key] = fp.critical_connectivity(network(0.0, key), (1.3 * b, 0.8 * b))
    eigenvalues = {}
    for key, (b, _) in THRESHOLDS.items():
        (state,) = fp.stationary_states(network(b, key))
        eigenvalues[key] = state.eigenvalue
    delays = {b: fp.critical_delay(network(b), fp.stationary_states(network(b))[0]).value for b in DELAYS}
    return {
        "onsets": onsets,
        "eigenvalues": eigenvalues,
        "delays": delays,
        "runs": {b: _kicked(b, 25.0, 200 if quick else 600) for b in RUNS},
        "beyond": _kicked(-80.0, 45.0, 150 if quick else 400),
        "curve": [(b, fp.critical_delay(network(b), fp.stationary_states(network(b))[0]).value)
                  for b in -np.geomspace(9.7, 200.0, 12 if quick else 40)],
    }  # fmt: skip


def _kicked(b: float, end: float, cells: int) -> dict:
    """A run that starts in the steady state, but was 1 % more active for one delay before."""
    model = network(b, (1.0, 1.0, 2.0, 1.0))
    (state,) = fp.stationary_states(model)
    start = state.state(model.grid(cells, finest=5e-3))
    sol = fp.solve(model, start, (0.0, end), history=1.01 * state.rate, rtol=1e-7, atol=1e-10, estimate_error=False)
    times = np.linspace(0.0, end, int(200 * end) + 1)
    rate = sol.rate_at(times)
    turns = np.flatnonzero((rate[1:-1] - rate[:-2]) * (rate[2:] - rate[1:-1]) < 0.0) + 1
    swing = np.abs(np.diff(rate[turns]))  # from a maximum to the next minimum: free of the mean
    middle = 0.5 * (times[turns][1:] + times[turns][:-1])
    late = middle > WINDOW[0]
    return {
        "state": state,
        "times": times,
        "rate": rate,
        "growth": float(np.polyfit(middle[late], np.log(swing[late]), 1)[0]),
        "period": float(2.0 * np.polyfit(np.arange(np.sum(late)), middle[late], 1)[0]),
        "swing": float(swing[-1] / state.rate),
        "last": [float(s) for s in swing[-4:]],
        "last period": float(2.0 * np.polyfit(np.arange(6), middle[-6:], 1)[0]),
    }


def check(result: dict) -> list[Check]:
    checks = []
    for key, (_, frequency) in THRESHOLDS.items():
        name, eigenvalue = "(a, V_R, V_F) = ({:g}, {:g}, {:g}), d = {:g}".format(*key), result["eigenvalues"][key]
        checks.append(Check(f"{name}: Re λ of the spectrum at b_c", 0.0, eigenvalue.real, 1e-6, "absolute"))
        checks.append(Check(f"{name}: Im λ of the spectrum at b_c", frequency, eigenvalue.imag, 1e-6))
    for key, onset in result["onsets"].items():
        b, frequency = THRESHOLDS[key]
        name = "(a, V_R, V_F) = ({:g}, {:g}, {:g}), d = {:g}".format(*key)
        checks.append(Check(f"{name}: b_c", b, onset.value, 1e-6))
        checks.append(Check(f"{name}: ω", frequency, onset.frequency, 1e-6))
    for b, delay in DELAYS.items():
        if np.isinf(delay):
            checks.append(Check(f"b = {b:g}: stable for every delay", delay, result["delays"][b], kind="equal"))
        else:
            checks.append(Check(f"b = {b:g}: critical delay", delay, result["delays"][b], 1e-6))
    for b, measured in result["runs"].items():
        eigenvalue = measured["state"].eigenvalue
        checks.append(
            Check(f"b = {b:g}: growth rate of the run", eigenvalue.real, measured["growth"], 1e-3, "absolute")
        )
        checks.append(Check(f"b = {b:g}: its period", 2 * np.pi / eigenvalue.imag, measured["period"], 2e-3))
    below, above = (result["runs"][b]["growth"] for b in RUNS)
    checks.append(Check("the swing decays above b_c and grows below it", True, below < 0.0 < above, kind="equal"))
    beyond = result["beyond"]
    checks.append(
        Check("b = −80: swing of the oscillation over the steady rate", 1.0, beyond["swing"], 0.0, "at least")
    )
    steady = max(beyond["last"]) / min(beyond["last"]) - 1.0
    checks.append(Check("b = −80: change of the swing in its last two periods", 0.0, steady, 1e-4, "at most"))
    checks.append(Check("b = −80: period over the delay, at least 2", 2.0, beyond["last period"], 0.0, "at least"))
    checks.append(Check("b = −80: period over the delay, at most 4", 4.0, beyond["last period"], 0.0, "at most"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    b, delay = np.array(result["curve"]).T
    left.loglog(-b, delay, color="C0")
    known = [(-b, key[3]) for key, (b, _) in THRESHOLDS.items() if key[:3] == (1.0, 1.0, 2.0) and b > -200.0]
    left.loglog(*np.array(known).T, "ok", markersize=5, label="characteristic equation")
    left.set(xlabel="inhibition $-b$", ylabel="critical delay $d$", title="stable below the curve")
    left.legend(fontsize=8)
    for b, measured in result["runs"].items():
        middle.plot(measured["times"], measured["rate"] / measured["state"].rate - 1.0, label=f"b = {b:g}")
    middle.set(xlabel="time $t$", ylabel="$N/N^* - 1$", title="just above and below $b_c = -41.96$")
    middle.legend(fontsize=8)
    right.plot(result["beyond"]["times"], result["beyond"]["rate"], color="C3")
    right.axhline(result["beyond"]["state"].rate, color="k", ls=":", lw=1)
    right.set(xlabel="time $t$", ylabel="$N$", title="$b = -80$, $d = 1$; dotted: steady state")
    return figure
