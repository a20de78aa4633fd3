"""Cell polarization: a critical mass, and what a pull that builds up, or an exchange with the membrane, does to it."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import erfcx

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Cell polarization has a critical mass; only the instantaneous form blows up in finite time",
    statement=(
        "∂t n − ∂z[μ n] − ∂zz n = 0 on z ≥ 0 without flux at the wall. (A) μ = n(0, t): solutions are global for "
        "M < 1, where they tend to an exact self-similar one; α e^{−αz} with α = 1/J(0) attracts them for M = 1; for "
        "M > 1 and nonincreasing data they blow up no later than J(0)²/((M − 1) M²). (B) μ' = n(0, t) − μ/L: no "
        "blow-up, but exponential growth of μ at the rate M − 1/L if M L > 1, and steady states only if M L = 1; so "
        "the sentence that (B) blows up for large mass is to be read as unbounded growth. (C) with μ as the mass bound "
        "at the wall: blow-up is prevented, and μ tends to M − 1/L. The detector is that of the neurons."
    ),
    source=(
        "Calvez, Hawkins, Meunier, Voituriez, SIAM J. Math. Anal. 44 (2012) 594 for (A) and (C); (B) as in the course "
        "of B. Perthame; the growth rate of (B), the self-similar solution and the bound derived here"
    ),
    parameters={"datum": "M e^{−z}", "L": 1},
)

SUPERCRITICAL = {1.2: 2.03, 1.5: 0.615, 2.0: 0.219}
"""Mass, and the blow-up time that another finite-volume code gave to 1 %."""
TRACES = {0.5: 0.2887, 0.8: 0.6072}
"""Mass below 1, and n(0, 1) of that code."""
SIMILAR, UNTIL = 0.7, 4.0
NEARLY = 1.01
DATUM = fp.exponential(1.0)


def similarity(mass: float) -> float:
    """α of the exact solution n = G(z/τ)/τ, G(y) = α exp(−αy − y²/2), τ = √(1 + 2t), which has the mass given."""
    return brentq(lambda a: a * np.sqrt(np.pi / 2) * erfcx(a / np.sqrt(2)) - mass, 1e-12, 1e3)


def run(quick: bool) -> dict:
    # (A) below, at and above the critical mass
    alpha = similarity(SIMILAR)
    similar = []
    for k in range(3 if quick else 5):
        sol = fp.solve(
            fp.cell_polarization(SIMILAR), lambda z: np.exp(-alpha * z - z**2 / 2), (0.0, UNTIL),
            grid=fp.HalfLine.graded(40.0, 200 * 2**k, 0.02 / 2**k), rtol=1e-10, atol=1e-13, estimate_error=False,
        )  # fmt: skip
        similar.append(float(sol.rate[-1]))
    below = {mass: fp.solve(fp.cell_polarization(mass), DATUM, (0.0, 1.0)) for mass in TRACES}
    late = 1e3 if quick else 1e5
    far = {mass: fp.solve(fp.cell_polarization(mass), DATUM, (0.0, late), rtol=1e-5) for mass in TRACES}
    critical = fp.solve(fp.cell_polarization(1.0), DATUM, (0.0, 5.0))
    moment = np.sqrt(2.0 / np.pi)
    tends = fp.solve(
        fp.cell_polarization(1.0), lambda z: np.exp(-(z**2) / 2), (0.0, 40.0), rtol=1e-5,
        monitors={"entropy": lambda state: relative_entropy(state, 1.0 / moment)},
    )  # fmt: skip
    above = {mass: fp.solve(fp.cell_polarization(mass), DATUM, (0.0, 6.0), rtol=1e-5) for mass in SUPERCRITICAL}
    nearly = fp.solve(fp.cell_polarization(NEARLY), DATUM, (0.0, 60.0), rtol=1e-4)
    # (B) and (C)
    relaxing = {}
    for mass, end in {1.2: 100.0, 1.5: 40.0, 2.0: 20.0}.items():
        model = fp.cell_polarization(mass, fp.RelaxingPolarity())
        relaxing[mass] = fp.solve(model, DATUM, (0.0, end), rtol=1e-5 if quick else 1e-7, estimate_error=False)
    small = fp.solve(fp.cell_polarization(0.5, fp.RelaxingPolarity()), DATUM, (0.0, 200.0), rtol=1e-5)
    balanced = fp.solve(
        fp.cell_polarization(0.5, fp.RelaxingPolarity(L=2.0, start=1.5)), fp.exponential(1 / 1.5), (0.0, 20.0)
    )
    # M = L = 1: J' = n_0 − μM = μ', so J − μ is kept, and 1/μ − μ = 1 in the end.
    golden = fp.solve(fp.cell_polarization(1.0, fp.RelaxingPolarity()), DATUM, (0.0, 60.0), rtol=1e-5)
    exchange = {
        mass: fp.solve(fp.cell_polarization(mass, fp.MembraneExchange()), DATUM, (0.0, 200.0), rtol=1e-5)
        for mass in (0.8, 1.5, 2.0)
    }
    return {
        "alpha": alpha, "similar": similar, "below": below, "far": far, "late": late, "critical": critical,
        "tends": (tends, 1.0 / moment), "above": above, "nearly": nearly, "relaxing": relaxing, "small": small,
        "balanced": balanced, "golden": golden, "exchange": exchange,
    }  # fmt: skip


def relative_entropy(state, alpha: float) -> float:
    """∫ n ln(n/n∞) dz with n∞ = α e^{−αz}, both of mass 1."""
    n, h, z = state.density, state.grid.width, state.v
    held = n > 0.0
    average = alpha * np.exp(-alpha * z) * np.sinh(0.5 * alpha * h) / (0.5 * alpha * h)
    return float(n[held] * np.log(n[held] / average[held]) @ h[held])


def growth(sol, share: float = 0.25) -> float:
    """Mean growth rate of μ over the last part of a run."""
    mu = sol.records["mu"]
    i = np.searchsorted(mu.t, mu.t[-1] - share * (mu.t[-1] - mu.t[0]))
    return float(np.log(mu.value[-1] / mu.value[i]) / (mu.t[-1] - mu.t[i]))


def check(result: dict) -> list[Check]:
    exact = result["alpha"] / np.sqrt(1.0 + 2.0 * UNTIL)
    errors = np.abs(np.array(result["similar"]) / exact - 1.0)
    checks = [
        Check(
            f"(A) M = {SIMILAR}: n(0, {UNTIL:g}) against the self-similar solution", exact, result["similar"][-1], 1e-4
        ),
        Check("(A) order in the cell width", 2.0, float(np.log2(errors[-2] / errors[-1])), 0.01, "absolute"),
    ]
    for mass, trace in TRACES.items():
        checks.append(Check(f"(A) M = {mass}: n(0, 1)", trace, float(result["below"][mass].rate[-1]), 0.01))
        scaled = float(result["far"][mass].rate[-1]) * np.sqrt(1.0 + 2.0 * result["late"])
        checks.append(
            Check(f"(A) M = {mass}: √(1 + 2t) n(0, t), t = {result['late']:g}", similarity(mass), scaled, 5e-3)
        )
    critical = result["critical"]
    checks.append(Check("(A) M = 1: e^{−z} stays, n(0, 5)", 1.0, float(critical.rate[-1]), 1e-5))
    tends, alpha = result["tends"]
    checks.append(Check("(A) M = 1: from a half Gaussian n(0, 40) → 1/J(0)", alpha, float(tends.rate[-1]), 1e-4))
    moment = tends.records["first_moment"].value
    checks.append(Check("(A) M = 1: J(t) is kept", 1.0 / alpha, float(moment[-1]), 1e-4))
    entropy = tends.records["entropy"].value
    checks.append(Check("(A) M = 1: relative entropy at the start", 0.5 - np.log(np.pi / 2), float(entropy[0]), 1e-4))
    checks.append(Check("(A) M = 1: its largest rise in a step", 1e-9, float(np.diff(entropy).max()), 0.0, "at most"))
    checks.append(Check("(A) M = 1: what is left of it at the end", 1e-6, float(entropy[-1]), 0.0, "at most"))
    for mass, time in SUPERCRITICAL.items():
        sol, bound = result["above"][mass], fp.blow_up_criterion(fp.cell_polarization(mass), DATUM)
        checks.append(Check(f"(A) M = {mass}: status", fp.Status.BLOW_UP.name, sol.status.name, kind="equal"))
        measured = sol.blow_up.time if sol.blow_up else np.nan
        checks.append(Check(f"(A) M = {mass}: t*", time, measured, 0.01))
        checks.append(Check(f"(A) M = {mass}: t* against the bound", bound.latest_time, measured, 0.0, "at most"))
    # So close to it n stays near M α e^{−αz}, n(0, t) = M²/J: then J J' = −(M − 1) M².
    moment, nearly = NEARLY, result["nearly"].blow_up
    slow = moment**2 / (2.0 * (NEARLY - 1.0) * NEARLY**2)
    checks.append(Check(f"(A) M = {NEARLY}: t*, to O(M − 1)", slow, nearly.time if nearly else np.nan, 0.015))
    for mass, sol in result["relaxing"].items():
        checks.append(Check(f"(B) M = {mass}: status", fp.Status.FINISHED.name, sol.status.name, kind="equal"))
        checks.append(Check(f"(B) M = {mass}: growth rate of μ", mass - 1.0, growth(sol), 1e-4))
        checks.append(Check(f"(B) M = {mass}: largest n(0, t)", 1e4, float(sol.rate.max()), 0.0, "at least"))
    scaled = float(result["small"].records["mu"].value[-1]) * np.sqrt(1.0 + 2.0 * 200.0)
    checks.append(Check("(B) M L = 0.5: √(1 + 2t) μ(t), t = 200, as with μ = L n(0, t)", similarity(0.5), scaled, 5e-3))
    speeds = result["balanced"].records["mu"].value
    checks.append(Check("(B) M L = 1: μ stays at 1.5", 1.5, float(speeds[-1]), 1e-4))
    mu = float(result["golden"].records["mu"].value[-1])
    checks.append(Check("(B) M L = 1: from e^{−z} and μ = 0, μ with 1/μ − μ = 1", (np.sqrt(5.0) - 1.0) / 2.0, mu, 1e-4))
    for mass, sol in result["exchange"].items():
        mu = float(sol.records["mu"].value[-1])
        checks.append(Check(f"(C) M = {mass}: status", fp.Status.FINISHED.name, sol.status.name, kind="equal"))
        checks.append(Check(f"(C) M = {mass}: mass error", 0.0, sol.quality.mass_error, 1e-10, "absolute"))
        if mass > 1.0:
            (state,) = fp.stationary_states(sol.model)
            checks.append(Check(f"(C) M = {mass}: μ(200) → M − 1", state.speed, mu, 1e-3))
            profile = float(np.abs(sol.final.density - state.density(sol.v)) @ sol.grid.width)
            checks.append(Check(f"(C) M = {mass}: L¹ distance to the steady state", 0.0, profile, 3e-3, "absolute"))
        else:
            checks.append(Check(f"(C) M = {mass}: μ(200)", 0.1, mu, 0.0, "at most"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    instant, relaxing, exchange = figure.subplots(1, 3)
    for k, (mass, sol) in enumerate(result["above"].items()):
        instant.semilogy(sol.t, sol.rate, color=f"C{k}", label=f"M = {mass:g}")
        instant.axvline(sol.blow_up.time, color=f"C{k}", lw=0.8, ls=":", label=None if k else "$t^*$")
    instant.semilogy(result["tends"][0].t, result["tends"][0].rate, color="k", label="M = 1, to 1/J(0)")
    for k, (mass, sol) in enumerate(result["far"].items()):
        instant.semilogy(sol.t, sol.rate, color=f"C{k + 3}", label=f"M = {mass:g}")
    instant.set(title="(A) μ = n(0, t): blow-up above M = 1", xlabel="time $t$", ylabel="$n(0, t)$")
    instant.set(xlim=(0.0, 2.2), ylim=(0.2, 1e4))
    for k, (mass, sol) in enumerate(result["relaxing"].items()):
        mu = sol.records["mu"]
        relaxing.semilogy(mu.t, mu.value, color=f"C{k}", label=f"M = {mass:g}")
        line = mu.value[-1] * np.exp((mass - 1.0) * (mu.t - mu.t[-1]))
        relaxing.semilogy(mu.t, line, "k:", lw=1)
    golden = result["golden"].records["mu"]
    relaxing.semilogy(golden.t, golden.value, color="k", label="M = 1")
    small = result["small"].records["mu"]
    relaxing.semilogy(small.t, small.value, color="C3", label="M = 0.5")
    relaxing.set(title="(B) μ' = n(0, t) − μ/L: $e^{(M - 1/L)t}$ (dotted)", xlabel="time $t$", ylabel="μ")
    relaxing.set(xlim=(0, 100), ylim=(1e-2, 1e9))
    for k, (mass, sol) in enumerate(result["exchange"].items()):
        mu = sol.records["mu"]
        exchange.plot(mu.t, mu.value, color=f"C{k}", label=f"M = {mass:g}")
        exchange.axhline(max(mass - 1.0, 0.0), color=f"C{k}", lw=0.8, ls=":")
    exchange.set(title="(C) exchange: μ → M − 1/L", xlabel="time $t$", ylabel="μ", xlim=(0, 60))
    for ax in (instant, relaxing, exchange):
        ax.legend(fontsize=8)
    return figure
