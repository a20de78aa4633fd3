"""Noise does not help: an inhibitory network blows up through a(N) = a0 + a1 N."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Noise does not help: inhibitory blow-up through a1",
    statement=(
        "With a(N) = a0 + a1 N an inhibitory network (b < 0) blows up when the datum is concentrated near V_F or a1 "
        "is large. At blow-up it is not the slope at V_F that diverges: a1 |∂v n(V_F)| tends to 1, where the rate N = "
        "a0 g/(1 − a1 g) ceases to exist. With a1 = 0 the same datum stays bounded."
    ),
    source="Carrillo, Perthame, Salort, Smets (2015); t*: reference on two meshes",
    parameters={"b": -1, "a0": 1, "a1": 1, "V_R": 1, "V_F": 2, "datum": "Gaussian(1.5, 0.005)"},
)

DATUM = fp.gaussian(1.5, 0.005)
TIME = 0.009776009


def run(quick: bool) -> dict:
    noisy, plain = fp.nnlif(b=-1.0, a1=1.0), fp.nnlif(b=-1.0)
    settings = {"rtol": 1e-8, "atol": 1e-11} if quick else {"rtol": 1e-10, "atol": 1e-13}
    cells = 800 if quick else 3200
    blown = fp.solve(noisy, DATUM, (0.0, 0.05), grid=noisy.grid(cells, finest=2e-4), **settings)
    slope = 2.0 * blown.final.density[-1] / blown.grid.width[-1]
    return {
        "blown": blown,
        "a1 slope": float(slope),
        "bounded": fp.solve(plain, DATUM, (0.0, 10.0), grid=plain.grid(cells, finest=2e-3)),
        "criterion": fp.blow_up_criterion(noisy, DATUM),
    }


def check(result: dict) -> list[Check]:
    blown, bounded, criterion = result["blown"], result["bounded"], result["criterion"]
    time = blown.blow_up.time if blown.blow_up else float("nan")
    return [
        Check("a1 = 1: status", fp.Status.BLOW_UP.name, blown.status.name, kind="equal"),
        Check("a1 = 1: t*", TIME, time, 1e-3),
        Check("a1 = 1: the theorem applies", True, criterion.satisfied, kind="equal"),
        Check("a1 = 1: latest time of the theorem", 0.06924, criterion.latest_time, 1e-3),
        Check("a1 = 1: t* before the theorem's time", criterion.latest_time, time, 0.0, "at most"),
        Check("a1 |∂v n(V_F)| at the last step", 1.0, result["a1 slope"], 5e-3, "absolute"),
        Check("a1 = 0: status", fp.Status.FINISHED.name, bounded.status.name, kind="equal"),
        Check("a1 = 0: largest N", 10.0, float(bounded.rate.max()), 0.0, "at most"),
    ]


def plot(result: dict):
    from matplotlib.figure import Figure

    blown, bounded = result["blown"], result["bounded"]
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.semilogy(blown.t, blown.rate, color="C3", label="$a_1 = 1$")
    left.semilogy(bounded.t, bounded.rate, color="C0", label="$a_1 = 0$")
    left.axvline(TIME, color="k", lw=0.8, ls=":")
    left.axvline(result["criterion"].latest_time, color="C2", lw=2, label="latest time of the theorem")
    left.set(xlabel="time $t$", ylabel="$N(t)$", xlim=(0, 0.08), ylim=(1e-3, 2e3), title="$b = -1$")
    left.legend(fontsize=8)
    for k in np.unique(np.searchsorted(blown.saved_t, np.array([0, 0.25, 0.5, 0.8, 0.95, 1.0]) * blown.t[-1])):
        k = min(k, len(blown.saved_t) - 1)
        right.plot(blown.v, blown.density[k], label=f"t = {blown.saved_t[k]:.4f}")
    right.set(xlabel="potential $v$", ylabel="$n(v, t)$", xlim=(0.5, 2.0), title="the density spreads, then hits $V_F$")
    right.legend(fontsize=8)
    return figure
