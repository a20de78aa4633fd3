"""A refractory pause does not prevent blow-up."""

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="A pause is not enough: blow-up with refractory state",
    statement=(
        "With an exponential refractory state the solution still blows up, when the datum is concentrated near V_F or "
        "b is large: before t* hardly anybody has had time to come back, so the pause changes t* little or not at "
        "all."
    ),
    source="Cáceres, Perthame (2014); t* and R: reference on two meshes",
    parameters={"a": 1, "V_R": 1, "V_F": 2, "datum": "Gaussian(1.5, 0.005), R(0) = 0"},
)

DATUM = fp.gaussian(1.5, 0.005)
# (b, tau): (t*, refractory mass at blow-up)
CASES = {(3.0, 0.2): (0.02278919, 0.0618), (3.0, 1.0): (0.02278919, 0.0625), (1.5, 0.2): (0.04018586, 0.21746)}


def run(quick: bool) -> dict:
    results = {}
    for b, tau in CASES:
        model = fp.nnlif(b=b, refractory=fp.ExponentialRefractory(tau))
        grid = model.grid(800 if quick else 3200, finest=1e-5 if quick else 2e-6)
        results[b, tau] = (fp.solve(model, DATUM, (0.0, 0.1), grid=grid), fp.blow_up_criterion(model, DATUM))
    return results


def check(results: dict) -> list[Check]:
    checks = []
    for (b, tau), (time, pool) in CASES.items():
        sol, criterion = results[b, tau]
        label = f"b = {b:g}, τ = {tau:g}"
        measured = sol.blow_up.time if sol.blow_up else float("nan")
        checks += [
            Check(f"{label}: status", fp.Status.BLOW_UP.name, sol.status.name, kind="equal"),
            Check(f"{label}: t*", time, measured, 1e-3),
            Check(f"{label}: the theorem applies", True, criterion.satisfied, kind="equal"),
            Check(f"{label}: t* before the theorem's time", criterion.latest_time, measured, 0.0, "at most"),
            Check(f"{label}: R at the last step", pool, float(sol.refractory[-1]), 2e-2),
            Check(f"{label}: error of ∫ n + R", 0.0, sol.quality.mass_error, 1e-12, "at most"),
        ]
    return checks


def plot(results: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for k, ((b, tau), (sol, _)) in enumerate(results.items()):
        label = rf"$b = {b:g}$, $\tau = {tau:g}$"
        left.semilogy(sol.t, sol.rate, color=f"C{k}", ls=("-", "--", "-")[k], label=label)
        left.axvline(CASES[b, tau][0], color=f"C{k}", lw=0.8, ls=":")
        right.plot(sol.t, sol.refractory, color=f"C{k}", ls=("-", "--", "-")[k], label=label)
    left.set(xlabel="time $t$", ylabel="$N(t)$", ylim=(1e-3, 1e4), title="N(t) and t* (dotted)")
    left.legend()
    right.set(xlabel="time $t$", ylabel="$R(t)$", title="refractory mass")
    return figure
