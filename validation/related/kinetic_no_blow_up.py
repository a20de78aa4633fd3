"""The NNLIF model blows up; with conductances that take their time, and all else the same, nothing does."""

import math

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.diagnostics.blowup import BlowUpDetector

CLAIM = Claim(
    title="The voltage–conductance equation does not blow up where the NNLIF model with matched parameters does",
    statement=(
        "In x = ln(V_E/(V_E − v)) conductances act as currents, x' = g − g_L (eˣ − 1), and as σ_E → 0 the Gaussian "
        "theory (g on the whole line) becomes the NNLIF model with b = S_E, a0 = f²ν/2, I = fν, drift −g_L (eˣ − 1). "
        "For a datum with which that one blows up, the kinetic equation goes on, with g on the whole line and with "
        "g ≥ 0: in place of the blow-up there is a volley of finite height. On its own time t/σ_E a volley is "
        "dx = G ds, dG = (S n − G) ds, which does not contain σ_E, so that max N grows like 1/σ_E. ∫N dt stays below a "
        "bound that follows from the moments ⟨x⟩ and ⟨g²⟩; above S_E = x_F − x_R, where NNLIF has no steady state, "
        "rates grow exponentially, with the rate (S_E/(x_F − x_R) − 1)/σ_E, and not in finite time."
    ),
    source=(
        "global bounds: Perthame, Salort, Kinet. Relat. Models 6 (2013) 841; weak solutions for every time: "
        "Fonte Sanchez, Mischler, Salort, arXiv:2607.22112; neither read in full; matched parameters, the explicit "
        "bound and the exponents: derived here"
    ),
    parameters={
        "S_E": 0.8,
        "f_E": 0.1,
        "nu": 20,
        "g_L": 1,
        "x_R": 0,
        "x_F": 1,
        "V_R": 0,
        "V_F": 1,
        "σ_E": "0.1 to 0.003",
    },
)

S_E, F_E, NU = 0.8, 0.1, 20.0
V_E = 1.0 / (1.0 - math.exp(-1.0))  # then x_F = 1
NOISE = 0.5 * F_E**2 * NU
DATUM = fp.compatible_gaussian(0.7, 0.01)  # in x
# Each is followed until its first volley is over.
ENDS = {0.1: 0.4, 0.03: 0.25, 0.01: 0.18, 0.003: 0.13}
STRONG, STRONG_SIGMA, STRONG_TOP, STRONG_END = 2.0, 0.2, 100.0, 30.0


def drift(x: np.ndarray) -> np.ndarray:
    return -np.expm1(x)


def in_v(v: np.ndarray) -> np.ndarray:
    """The datum as a density of v."""
    return DATUM.value(-np.log1p(-v / V_E), 1.0) / (V_E - v)


def kinetic(sigma: float, published: bool) -> fp.VoltageConductance:
    deepest = 0.0 if published else F_E * NU - 7.0 * math.sqrt(NOISE / sigma)
    return fp.voltage_conductance(S_E, NU, F_E, sigma, V_E=V_E, g_min=deepest)


def grown(state: fp.State) -> bool:
    """Whether the mean conductance of the strongly coupled network has come far."""
    g = (np.arange(state.density.shape[0]) + 0.5) * STRONG_TOP / state.density.shape[0]
    masses = state.density @ state.grid.width
    return float(g @ masses / masses.sum()) > STRONG_END


def monitors(model: fp.VoltageConductance) -> dict:
    def mean(weight):
        return lambda s: float(np.sum(weight(s) * (s.density * s.grid.width))) * model.dg

    return {
        "x": mean(lambda s: model.additive(s.grid.v)),
        "g": mean(lambda s: model.g[:, None]),
        "g2": mean(lambda s: model.g[:, None] ** 2),
    }


def run(quick: bool) -> dict:
    nnlif = fp.nnlif(b=S_E, a0=NOISE, V_R=0.0, V_F=1.0, external=F_E * NU, drift=drift)
    white = fp.solve(nnlif, DATUM, (0.0, 0.4))
    runs = {}
    for sigma, end in list(ENDS.items())[: 3 if quick else None]:
        for published in (False, True):
            model = kinetic(sigma, published)
            grid = model.grid(cells=80 if quick else 200, v_min=-1.0)
            start = fp.kinetic_density(in_v, None)
            runs[sigma, published] = fp.solve(
                model, start, (0.0, end), grid=grid, monitors=monitors(model), save_at=[], estimate_error=False
            )
    model = fp.voltage_conductance(STRONG, NU, F_E, STRONG_SIGMA, V_E=V_E, g_max=STRONG_TOP, lanes=100)
    runs["strong"] = fp.solve(
        model, fp.kinetic_density(in_v, None), (0.0, 4.0), grid=model.grid(cells=50, v_min=-1.0), stop_when=[grown],
        monitors=monitors(model), save_at=[], estimate_error=False,
    )  # fmt: skip
    return {"white": white, "runs": runs, "sigmas": list(ENDS)[: 3 if quick else None]}


def total(sol: fp.Solution) -> np.ndarray:
    return sol.model.total_rate(sol.rate)


def heard(sol: fp.Solution) -> int:
    """Steps at which the detector of blow-ups, listening to the total rate, speaks."""
    detector = BlowUpDetector(narrow=1e-6 * (sol.t[-1] - sol.t[0]))
    return sum(detector.observe(float(t), float(N)) is not None for t, N in zip(sol.t, total(sol), strict=True))


def bound(sol: fp.Solution, gronwall: bool) -> np.ndarray:
    """An upper bound of ∫N dt at the times of the run, for g ≥ 0.

    With y = √(⟨g²⟩ + a) one has σ y' ≤ fν + S N + 2√a − y, and (x_F − x_R) ∫N dt ≤ ⟨x⟩(0) + ∫⟨g⟩ dt, ⟨g⟩ ≤ y. As ∫y dt
    is at most σ y(0) + (fν + 2√a) t + S ∫N dt, S < x_F − x_R bounds ∫N dt whatever σ is; and as it is also at most that
    with (S/σ) ∫∫N in place of the last term, Grönwall's lemma does so for every S.
    """
    model, t = sol.model, sol.t
    a = float(model.variance(0.0))
    y = math.sqrt(sol.records["g2"].value[0] + a)
    known = sol.records["x"].value[0] + model.sigma_E * y + (float(model.drive(0.0)) + 2.0 * math.sqrt(a)) * t
    if gronwall:
        S = model.critical_coupling
        return known / S * np.exp(model.S_E / S * t / model.sigma_E)
    return known / (model.critical_coupling - model.S_E)


def check(result: dict) -> list[Check]:
    white, runs, sigmas = result["white"], result["runs"], result["sigmas"]
    checks = [Check("NNLIF, matched parameters: status", fp.Status.BLOW_UP, white.status, kind="equal")]
    if white.blow_up is not None:
        checks.append(Check("its t*, again on other meshes", 0.0703839, white.blow_up.time, 1e-4))
    for key, sol in runs.items():
        name = "S_E = 2" if key == "strong" else f"σ_E = {key[0]:g}, {'g ≥ 0' if key[1] else 'g on the line'}"
        checks += [
            Check(
                f"{name}: status",
                fp.Status.STOPPED if key == "strong" else fp.Status.FINISHED,
                sol.status,
                kind="equal",
            ),
            Check(f"{name}: how often the detector speaks, listening to N", 0, heard(sol), kind="equal"),
            Check(f"{name}: mass error", 0.0, sol.quality.mass_error, 1e-11, "at most"),
            Check(f"{name}: smallest density", 0.0, sol.quality.smallest_density, kind="at least"),
            Check(f"{name}: mass beyond the grid", 0.0, sol.quality.truncated_mass, 1e-6, "at most"),
        ]
        if key == "strong" or key[1]:
            M = float(sol.fired[-1].sum()) * sol.model.dg
            checks.append(Check(f"{name}: ∫N dt, by Grönwall's lemma", bound(sol, True)[-1], M, kind="at most"))
        if key != "strong" and key[1]:
            checks.append(Check(f"{name}: ∫N dt, uniformly in σ_E", bound(sol, False)[-1], M, kind="at most"))
    peaks = [float(total(runs[sigma, False]).max()) for sigma in sigmas]
    exponent = math.log(peaks[-1] / peaks[-2]) / math.log(sigmas[-2] / sigmas[-1])
    checks.append(Check("max N ~ σ_E^−k, k from the two smallest σ_E", 1.0, exponent, 0.12))
    late = [float(runs[sigma, False].t[np.argmax(total(runs[sigma, False]))]) for sigma in sigmas]
    if white.blow_up is not None:
        delays = np.array(late) - white.blow_up.time
        falls = math.log(delays[-2] / delays[-1]) / math.log(sigmas[-2] / sigmas[-1])
        checks.append(Check("volley after t* by σ_E^k, k between those of √σ_E and σ_E", 0.5, falls, 0.0, "at least"))
    strong = runs["strong"]
    g, t = strong.records["g"].value, strong.t
    i, j = np.searchsorted(g, [0.5 * g[-1], g[-1]])
    growth = float(np.log(g[j] / g[i]) / (t[j] - t[i]))
    predicted = (STRONG / strong.model.critical_coupling - 1.0) / STRONG_SIGMA
    checks.append(Check("S_E = 2: growth rate of ⟨g⟩ over its last factor of two", predicted, growth, 0.05))
    return checks


def plot(result: dict):
    import matplotlib.pyplot as plt

    white, runs, sigmas = result["white"], result["runs"], result["sigmas"]
    fig, (left, middle, right) = plt.subplots(1, 3, figsize=(12.0, 3.8), layout="constrained")
    left.semilogy(white.t, white.rate, "k", lw=1.8, label="NNLIF")
    if white.blow_up is not None:
        left.axvline(white.blow_up.time, color="k", ls=":", lw=1.0)
        left.annotate(" $t^*$", (white.blow_up.time, 1e3))
    colours = plt.get_cmap("viridis")(np.linspace(0.85, 0.1, len(sigmas)))
    for sigma, colour in zip(sigmas, colours, strict=True):
        for published, style in ((False, "-"), (True, "--")):
            sol = runs[sigma, published]
            label = f"$\\sigma_E = {sigma:g}$" if not published else None
            left.semilogy(sol.t, total(sol), style, color=colour, lw=1.4, label=label)
    left.set(xlabel="$t$", ylabel="$N$", ylim=(0.05, 2e3), title="the same datum (dashed: $g \\geq 0$)")
    left.legend(fontsize="small")
    for published, mark in ((False, "o-"), (True, "s--")):
        peaks = [float(total(runs[sigma, published]).max()) for sigma in sigmas]
        middle.loglog(sigmas, peaks, mark, color="#0072B2", label="$g \\geq 0$" if published else "$g$ on the line")
    middle.loglog(sigmas, peaks[-1] * sigmas[-1] / np.array(sigmas), "k:", label="$1/\\sigma_E$")
    middle.set(xlabel="$\\sigma_E$", ylabel="$\\max N$", title="height of the volley")
    middle.legend(fontsize="small")
    sol = runs[sigmas[-1], True]
    right.plot(sol.t, sol.fired.sum(axis=1) * sol.model.dg, color=colours[-1], label=f"$\\sigma_E = {sigmas[-1]:g}$")
    right.plot(sol.t, bound(sol, False), color="#009E73", ls="--", label="bound for every $\\sigma_E$")
    right.set(xlabel="$t$", ylabel="$\\int N\\,dt$", title="$g \\geq 0$", ylim=(0.0, None))
    right.locator_params(axis="x", nbins=5)
    right.legend(fontsize="small")
    return fig
