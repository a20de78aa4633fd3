"""Fast conductances: the voltage–conductance equation tends to the NNLIF model like √σ_E, with a shifted threshold."""

import math

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.kinetic_states import kinetic_states

CLAIM = Claim(
    title="Fast conductances: the NNLIF model is reached like √σ_E, and the threshold seems higher by 1.46 √(D σ_E)",
    statement=(
        "With x = ln(V_E/(V_E − v)) and g on the whole line the equation is x' = g − g_L (eˣ − 1) with g of mean "
        "f ν + S N, correlation time σ_E and intensity D = a σ_E: as σ_E → 0 it tends to the NNLIF model with b = S_E, "
        "a0 = f² ν/2, I = f ν and drift −g_L (eˣ − 1). The correction is of order √σ_E: coloured noise acts like white "
        "noise with reset and threshold both shifted up by −ζ(1/2) √(D σ_E), the Milne length of the boundary layer. "
        "Rates N(t) and stationary rates, uncoupled and coupled. With g ≥ 0 the limit is another one: the reflection "
        "adds to the mean conductance what diverges like σ_E^(−1/2) once √a is not small against g_in, and with a "
        "kept fixed instead the noise dies out, D = a σ_E → 0, and the deterministic neuron is left."
    ),
    source=(
        "square root and shift of the threshold: Brunel, Sergi, J. Theor. Biol. 195 (1998) 87 (abstract); −ζ(1/2) from "
        "memory, checked by the numbers; the matching in x: derived here"
    ),
    parameters={
        "g_L": 1,
        "f_E": 0.25,
        "nu": 3.2,
        "D": 0.1,
        "x_R": 0,
        "x_F": 1,
        "S_E": "0 and 0.3",
        "σ_E": "0.1 to 0.001",
    },
)

F_E, NU, S_E = 0.25, 3.2, 0.3
V_E = 1.0 / (1.0 - math.exp(-1.0))  # then x_F = 1
D = 0.5 * F_E**2 * NU
MILNE = 1.4603545088095868  # −ζ(1/2)
DATUM = fp.compatible_gaussian(0.0, 0.05)  # in x
LADDER = (0.1, 0.03, 0.01, 0.003, 0.001)
COUPLED = (0.03, 0.01, 0.003)
END = 1.0
MEAN, VARIANCE = 2.5, 1.5  # of the published form at fixed variance


def drift(x: np.ndarray) -> np.ndarray:
    return -np.expm1(x)


def white(S: float, shift: float = 0.0) -> fp.Population:
    return fp.nnlif(b=S, a0=D, V_R=shift, V_F=1.0 + shift, external=F_E * NU, drift=drift)


def coloured(S: float, sigma: float, per_deviation: float) -> fp.VoltageConductance:
    """With 6.5 standard deviations of g to either side and a face at g_F."""
    spread, middle = 6.5 * math.sqrt(D / sigma), F_E * NU
    lanes, g_F = round(13.0 * per_deviation), 1.0 / (V_E - 1.0)
    below = round(lanes * (g_F - middle + spread) / (2.0 * spread + 0.3))
    dg = (g_F - middle + spread) / below
    low = middle - spread
    return fp.voltage_conductance(S, NU, F_E, sigma, V_E=V_E, g_min=low, g_max=low + (lanes + 4) * dg, lanes=lanes + 4)


def in_v(v: np.ndarray) -> np.ndarray:
    """The datum as a density of v."""
    return DATUM.value(-np.log1p(-v / V_E), 1.0) / (V_E - v)


def stationary(S: float, sigma: float, levels: list[tuple[int, float]]) -> float:
    """The stationary rate, extrapolated from two meshes as for the order of the scheme."""
    coarse, fine = (kinetic_states(coloured(S, sigma, per_deviation), cells)[0].rate for cells, per_deviation in levels)
    return fine + (fine - coarse) / 3.0


def fixed_variance(sigma: float, cells: int) -> float:
    """The stationary rate for g ≥ 0, g_in = 2.5 and a = 1.5 whatever σ_E is."""
    f = 2.0 * sigma * VARIANCE / MEAN
    model = fp.voltage_conductance(0.0, MEAN / f, f, sigma, V_E=V_E, lanes=64)
    return kinetic_states(model, cells)[0].rate


def deterministic() -> float:
    """1/(time from V_R to V_F) at the mean of the Gaussian cut at g = 0."""
    deviation = math.sqrt(VARIANCE)
    g = MEAN + deviation * float(norm.pdf(MEAN / deviation) / norm.cdf(MEAN / deviation))
    rest = g * V_E / (1.0 + g)
    return (1.0 + g) / math.log(rest / (rest - 1.0))


def run(quick: bool) -> dict:
    sigmas = LADDER[:4] if quick else LADDER
    levels = [(100, 4.0), (200, 8.0)] if quick else [(200, 8.0), (400, 16.0)]
    free = [stationary(0.0, sigma, levels) for sigma in sigmas]
    few = [(60, 3.0), (120, 6.0)] if quick else levels
    coupled = [stationary(S_E, sigma, few) for sigma in ((0.01,) if quick else COUPLED)]
    times = np.linspace(0.0, END, 201)
    runs = {}
    for sigma in sigmas[:3] if quick else sigmas[:4]:
        model = coloured(S_E, sigma, 3.0 if quick else 6.0)
        grid = model.grid(cells=100 if quick else 300, v_min=float(model.potential(-2.0)))
        sol = fp.solve(model, fp.kinetic_density(in_v), (0.0, END), grid=grid, save_at=[], estimate_error=False)
        runs[sigma] = model.total_rate(sol.rate_at(times))
    limit = fp.solve(white(S_E), DATUM, (0.0, END)).rate_at(times)
    fixed = [fixed_variance(sigma, 100 if quick else 300) for sigma in (0.1, 0.001)]
    return {
        "fixed": fixed,
        "sigmas": sigmas,
        "free": free,
        "coupled": coupled,
        "times": times,
        "runs": runs,
        "limit": limit,
    }


def shift_of(S: float, rate: float) -> float:
    """By how much x_R and x_F must be raised for the NNLIF model to have this stationary rate."""
    return brentq(lambda d: fp.stationary_states(white(S, d))[0].rate - rate, -0.05, 0.6, xtol=1e-7)


def check(result: dict) -> list[Check]:
    sigmas = np.array(result["sigmas"])
    limit = fp.stationary_states(white(0.0))[0].rate
    checks = []
    gaps = limit - np.array(result["free"])
    order = math.log(gaps[-2] / gaps[-1]) / math.log(sigmas[-2] / sigmas[-1])
    checks.append(Check("uncoupled: N_white − N ~ σ_E^k, the last k", 0.5, order, 0.12))
    shifts = np.array([shift_of(0.0, rate) for rate in result["free"]]) / np.sqrt(D * sigmas)
    for sigma, shift in zip(sigmas, shifts, strict=True):
        checks.append(Check(f"uncoupled, σ_E = {sigma:g}: shift of the threshold/√(D σ_E)", MILNE, shift, 0.12))
    # The rest is of the next order in √σ_E, so that a line through the last two meets the axis at the coefficient.
    root = np.sqrt(sigmas)
    at_zero = shifts[-1] - root[-1] * (shifts[-2] - shifts[-1]) / (root[-2] - root[-1])
    checks.append(Check("uncoupled: the same, extrapolated to σ_E = 0", MILNE, at_zero, 0.06))
    coupled = COUPLED if len(result["coupled"]) > 1 else (0.01,)
    for sigma, rate in zip(coupled, result["coupled"], strict=True):
        shifted = fp.stationary_states(white(S_E, MILNE * math.sqrt(D * sigma)))[0].rate
        checks.append(Check(f"S_E = 0.3, σ_E = {sigma:g}: N, by NNLIF with the shift", shifted, rate, 0.06))
    known = deterministic()
    off = [abs(rate - known) for rate in result["fixed"]]
    checks.append(Check("g ≥ 0, a fixed, σ_E = 0.001: N, by the deterministic neuron", known, result["fixed"][1], 0.01))
    checks.append(Check("the same: distance at σ_E = 0.001 over that at 0.1", 0.25, off[1] / off[0], kind="at most"))
    limit = result["limit"]
    late = result["times"] > 0.2
    apart = [float(np.max(np.abs(rate - limit)[late])) / float(limit.max()) for rate in result["runs"].values()]
    checks.append(
        Check(
            "N(t), t > 0.2: distance from NNLIF falls at each step of σ_E",
            True,
            apart == sorted(apart)[::-1],
            kind="equal",
        )
    )
    used = sigmas[: len(apart)]
    order = math.log(apart[-2] / apart[-1]) / math.log(used[-2] / used[-1])
    checks.append(Check("N(t), t > 0.2: its order in σ_E, from the last two", 0.5, order, 0.3))
    return checks


def plot(result: dict):
    import matplotlib.pyplot as plt

    fig, (left, middle, right) = plt.subplots(1, 3, figsize=(12.0, 3.8), layout="constrained")
    sigmas = np.array(result["sigmas"])
    colours = plt.get_cmap("viridis")(np.linspace(0.85, 0.1, len(result["runs"])))
    for (sigma, rate), colour in zip(result["runs"].items(), colours, strict=True):
        left.plot(result["times"], rate, color=colour, label=f"$\\sigma_E = {sigma:g}$")
    left.plot(result["times"], result["limit"], "k--", label="NNLIF")
    left.set(xlabel="$t$", ylabel="$N$", title="from the same datum, $S_E = 0.3$", ylim=(0.0, None))
    left.legend(fontsize="small")
    limit = fp.stationary_states(white(0.0))[0].rate
    fine = np.geomspace(sigmas[-1], sigmas[0], 30)
    theory = [fp.stationary_states(white(0.0, MILNE * math.sqrt(D * s)))[0].rate for s in fine]
    middle.axhline(limit, color="k", ls="--", lw=1.0, label="NNLIF")
    middle.plot(np.sqrt(fine), theory, color="#009E73", label="NNLIF, shifted")
    middle.plot(np.sqrt(sigmas), result["free"], "o", color="#0072B2", label="kinetic")
    middle.set(xlabel="$\\sqrt{\\sigma_E}$", ylabel="$N$", xlim=(0.0, None), title="stationary rate, $S_E = 0$")
    middle.legend(fontsize="small")
    shifts = np.array([shift_of(0.0, rate) for rate in result["free"]]) / np.sqrt(D * sigmas)
    right.plot(np.sqrt(sigmas), shifts, "o-", color="#0072B2")
    right.axhline(MILNE, color="#009E73", label="$-\\zeta(1/2)$")
    right.set(
        xlabel="$\\sqrt{\\sigma_E}$",
        ylabel="shift of $x_F$ and $x_R$ over $\\sqrt{D \\sigma_E}$",
        xlim=(0.0, None),
        ylim=(1.2, 1.7),
    )
    right.legend(fontsize="small")
    return fig
