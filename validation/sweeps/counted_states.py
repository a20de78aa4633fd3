"""How many stationary states there are, over (b, a1) and (b, τ), and which of them solutions find."""

import numpy as np
from matplotlib.colors import ListedColormap

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.plotting import SolutionFigure, plot_fates

CLAIM = Claim(
    title="The number of stationary states, and the fates beside it",
    statement=(
        "With constant noise there is one stationary state for b ≤ 0. Without refractory state and with a current "
        "below (V_R + V_F)/2 there is one for 0 < b < V_F − V_R, and none or two beyond. With a refractory state the "
        "number is odd, whatever b is, for N must stay below 1/τ. With noise a = a0 + a1 N there are as many as N "
        "I(N) − 1 has changes of sign. Where there is none, no solution comes to rest."
    ),
    source=(
        "Cáceres, Carrillo, Perthame (2011), Thm 3.1; refractory: Cáceres, Perthame (2014), section 3; a1 > 0: as "
        "zeros of the closed form"
    ),
    parameters={"V_R": 1, "V_F": 2, "a0": 1, "datum of the runs": "(V_F − v) Gaussian(0, 0.25)"},
)
REFRACTORY = fp.ExponentialRefractory(0.1)
DATUM = fp.compatible_gaussian(0.0, 0.25)
PANELS = 24
NODES, WEIGHTS = np.polynomial.legendre.leggauss(30)


def states(b: float, a1: float = 0.0, tau: float = 0.0) -> dict[str, float]:
    """What the solver finds: how many, and the lowest and the highest rate."""
    model = fp.nnlif(b=b, a1=a1, refractory=fp.ExponentialRefractory(tau) if tau else None)
    rates = [state.rate for state in fp.stationary_states(model)]
    return {"number": len(rates), "lowest": min(rates, default=np.nan), "highest": max(rates, default=np.nan)}


def crossings(b: float, a1: float = 0.0, tau: float = 0.0) -> int:
    """Changes of sign of N (I(N) + τ) − 1 over ten decades, from the double integral, by Gauss's rule alone."""
    N = np.geomspace(1e-6, 1e4, 1201)
    a = 1.0 + a1 * N
    c = b * N
    upper, lower = (2.0 - c) / np.sqrt(a), (1.0 - c) / np.sqrt(a)
    # I(N) = ∫_0^∞ e^{−s²/2} (e^{s w_F} − e^{s w_R})/s ds; with s = e^x, so that every scale of the decay is seen.
    low, high = -16.0, np.log(60.0 + 2.0 * np.maximum(upper, 0.0))
    x = low + (high - low)[:, None] * (np.arange(PANELS)[:, None] + 0.5 * (1.0 + NODES)).ravel() / PANELS
    s = np.exp(x)
    exponent = -0.5 * s**2 + s * upper[:, None]
    value = np.exp(np.minimum(exponent, 600.0)) * -np.expm1(s * (lower - upper)[:, None])
    integral = (value * np.tile(WEIGHTS, PANELS) * 0.5 / PANELS).sum(axis=1) * (high - low)
    sign = np.sign(N * (integral + tau) - 1.0)
    return int(np.count_nonzero(sign[1:] != sign[:-1]))


def run(quick: bool) -> dict:
    n, m = (9, 5) if quick else (61, 41)
    b = np.linspace(-0.9, 3.9, n)
    planes = {"a1": np.linspace(0.0, 1.0, m), "tau": np.linspace(0.0, 0.5, m)}
    counted = {name: fp.sweep(states, {"b": b, name: values}, workers=1) for name, values in planes.items()}
    by_sign = {
        name: np.array([[crossings(float(x), **{name: float(y)}) for y in values] for x in b])
        for name, values in planes.items()
    }
    fates = {}
    for name, values in planes.items():
        model = fp.nnlif(b=0.0, refractory=REFRACTORY if name == "tau" else None)
        values = values if name == "a1" else values[1:]
        grid = model.grid(300 if quick else 400, v_min=-11.0, finest=2e-4)
        fates[name] = fp.sweep(
            model, {"b": b, name: values}, initial=DATUM, t_span=(0.0, 30.0), grid=grid, workers=1,
            estimate_error=not quick,
        )  # fmt: skip
    return {"b": b, "planes": planes, "counted": counted, "by_sign": by_sign, "fates": fates}


def check(result: dict) -> list[Check]:
    checks = []
    for name, table in result["counted"].items():
        number, b = np.asarray(table["number"]), result["b"]
        apart = int(np.sum(number != result["by_sign"][name]))
        checks.append(Check(f"(b, {name}): points where solver and changes of sign differ", 0, apart, kind="equal"))
        plain = number[:, 0]
        other = int(np.sum(plain[b < 1.0] != 1))
        checks.append(Check(f"(b, {name} = 0): b < V_F − V_R with another number than one", 0, other, kind="equal"))
        checks.append(Check(f"(b, {name}): the largest b has none", 0, int(plain[-1]), kind="equal"))
        status = np.asarray(result["fates"][name]["status"])
        seen = number if name == "a1" else number[:, 1:]
        at_rest = int(np.sum((status == "steady") & (seen == 0)))
        checks.append(Check(f"(b, {name}): runs at rest where there is no state", 0, at_rest, kind="equal"))
        gap = _off(result["fates"][name], table, 0 if name == "a1" else 1)
        checks.append(Check(f"(b, {name}): N at rest off the lowest or highest state", 0.0, gap, 3e-3, "absolute"))
    number = np.asarray(result["counted"]["tau"]["number"])[:, 1:]
    checks.append(Check("(b, τ): τ > 0 with an even number", 0, int(np.sum(number % 2 == 0)), kind="equal"))
    checks.append(Check("(b, τ): the largest number", 3, int(number.max()), kind="equal"))
    return checks


def _off(fates, counted, first: int) -> float:
    """By how much the rates of runs that came to rest differ from the stationary ones."""
    at_rest = np.asarray(fates["status"]) == "steady"
    rate = np.asarray(fates["rate"])[at_rest]
    ends = [np.asarray(counted[end])[:, first:][at_rest] for end in ("lowest", "highest")]
    return float(np.max(np.minimum(*(np.abs(rate / end - 1.0) for end in ends))))


def plot(result: dict):
    figure = SolutionFigure(figsize=(9.6, 7.4), layout="constrained")
    axes = figure.subplots(2, 2)
    colours = ListedColormap(["#e0a0a0", "#cfe6f5", "#f4e3a1", "#9fd0b8"])
    for (name, table), row, label in zip(result["counted"].items(), axes, ("$a_1$", r"$\tau$"), strict=True):
        image = row[0].pcolormesh(
            result["b"], result["planes"][name], np.asarray(table["number"]).T, cmap=colours, vmin=-0.5,
            vmax=3.5, shading="nearest",
        )  # fmt: skip
        figure.colorbar(image, ax=row[0], ticks=range(4), label="stationary states")
        row[0].set(xlabel="connectivity $b$", ylabel=label)
        plot_fates(result["fates"][name], ax=row[1], labels=("connectivity $b$", label))
    return figure
