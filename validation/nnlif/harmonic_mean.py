"""A flux whose speed is capped hides a blow-up: it ends in a plateau that grows with every refinement."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="The harmonic-mean flux caps the transport speed at 2a/h and hides the blow-up",
    statement=(
        "The weights 2κ/(1 + e^{±Pe}) of the harmonic-mean flux are at most 2κ = 2a/h, whatever the drift is. Stepped "
        "with the semi-implicit method of the papers through t*, the firing rate climbs to a plateau proportional to "
        "1/h and the run goes on with finite numbers, as if nothing had happened. The Scharfetter–Gummel weights have "
        "no such cap, and `solve` reports the run as what it is with either of them."
    ),
    source="Hu, Liu, Xie, Zhou (2021) for the scheme; measured plateaus: N_max = 98 to 144 at h = 0.02",
    parameters={"b": 1.5, "a": 1, "datum": "Gaussian(1.5, 0.005)", "h": "0.02 to 0.0025", "dt": "h²/4"},
)

MODEL, DATUM = fp.nnlif(b=1.5), fp.gaussian(1.5, 0.005)
BLOW_UP = 0.0401847727
END = 0.06
PUBLISHED = 0.02


def run(quick: bool) -> dict:
    widths = (0.02, 0.01, 0.005) if quick else (0.02, 0.01, 0.005, 0.0025)
    return {
        "widths": widths,
        "paths": {h: stepped(h) for h in widths},
        "cap": cap(),
        "solutions": {
            scheme: fp.solve(MODEL, DATUM, (0.0, END), uniform(0.01), scheme, fp.BackwardEuler(2.5e-5))
            for scheme in (fp.HarmonicMean(), fp.ScharfetterGummel())
        },
    }


def uniform(h: float) -> fp.Grid:
    return MODEL.grid(round(6.0 / h), v_min=-4.0)


def stepped(h: float) -> tuple[np.ndarray, np.ndarray]:
    """t and N of the semi-implicit steps, N lagged in the coefficients, with nothing watching over them."""
    dt = 0.25 * h * h
    system = fp.HarmonicMean().discretize(MODEL, uniform(h))
    y = system.pack(DATUM.cell_averages(system.grid))
    rates = []
    for k in range(round(END / dt)):
        y = system.implicit_step(y, (k + 1) * dt, dt)
        rates.append(y[-1, 0])
    return dt * np.arange(1, len(rates) + 1), np.array(rates)


def cap() -> dict[str, float]:
    """Largest weight over 2κ, for Péclet numbers up to 1e4."""
    x = np.concatenate([-np.geomspace(1e-3, 1e4, 200), np.geomspace(1e-3, 1e4, 200)])
    one = np.ones_like(x)
    return {type(s).__name__: float(s.weight(x, one).max()) / 2.0 for s in (fp.HarmonicMean(), fp.ScharfetterGummel())}


def check(result: dict) -> list[Check]:
    caps, paths = result["cap"], result["paths"]
    checks = [
        Check("HarmonicMean: largest weight over 2κ", 1.0, caps["HarmonicMean"], 1e-12),
        Check("ScharfetterGummel: the same for Pe = 1e4", 5000.0, caps["ScharfetterGummel"], 1e-3),
    ]
    peaks = [float(rate.max()) for _, rate in paths.values()]
    checks.append(Check("plateau at the published h = 0.02, at least", 98.0, peaks[0], 5.0, "at least"))
    checks.append(Check("plateau at the published h = 0.02, at most", 144.0, peaks[0], 5.0, "at most"))
    for (h, _), low, high in zip(list(paths.items())[1:], peaks[:-1], peaks[1:], strict=True):
        checks.append(Check(f"h = {h:g}: plateau over that of twice the width", 2.0, high / low, 0.25, "absolute"))
    finite = all(bool(np.all(np.isfinite(rate))) for _, rate in paths.values())
    checks.append(Check("the bare steps give finite rates beyond t*", True, finite, kind="equal"))
    for scheme, sol in result["solutions"].items():
        hidden = sol.status is fp.Status.FINISHED
        checks.append(Check(f"solve with {type(scheme).__name__} hides it", False, hidden, kind="equal"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for k, (h, (t, rate)) in enumerate(result["paths"].items()):
        left.semilogy(t, rate, color=f"C{k}", label=f"h = {h:g}")
    left.axvline(BLOW_UP, color="k", lw=0.8)
    left.text(BLOW_UP, 0.6, " $t^*$", va="bottom")
    left.set(xlabel="time $t$", ylabel="$N$", ylim=(0.5, None), title="harmonic mean: a plateau of height 1/h")
    left.legend(fontsize=8)
    x = np.linspace(-30.0, 30.0, 401)
    for scheme in (fp.HarmonicMean(), fp.ScharfetterGummel(), fp.Upwind()):
        right.plot(-x, scheme.weight(x, np.ones_like(x)), label=type(scheme).__name__)
    right.axhline(2.0, color="k", ls="--", lw=1)
    right.set(xlabel="cell Péclet number towards the right", ylabel="weight over $a/h$", ylim=(0, 12), title="the cap")
    right.legend(fontsize=8)
    return figure
