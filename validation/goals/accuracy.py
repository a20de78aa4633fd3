"""Accuracy asked is accuracy delivered: random models and tolerances, against a reference a thousand times finer."""

import warnings

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.operators.memory import breaks

CLAIM = Claim(
    title="Accuracy asked is accuracy delivered",
    statement=(
        "Left to itself, `solve` chooses the resolution so that the error of N(t) over the whole run, of space and "
        "time together, is about rtol (beside |N| + atol/rtol, where N is smooth: not in the first hundredth of the "
        "run, nor where a delay brings it back): within ten times rtol in at least 95 % of random models, and never "
        "beyond a hundred times. `sol.error_estimate` says how large it is."
    ),
    source="measured against spectral elements of a tolerance 1000 times smaller and a degree higher by 4",
    parameters={"models": "200 (quick: 24)", "rtol": "1e-3 to 1e-8", "laws": "all, b from −10 to 1.8"},
)

START, LAST = 0.01, 0.9  # shares of the run between which N is compared


def run(quick: bool) -> list[dict]:
    random = np.random.default_rng(2024)
    return [delivered(*draw(random)) for _ in range(24 if quick else 200)]


def draw(random: np.random.Generator) -> tuple[fp.Population, object, float]:
    """A model, a datum and a tolerance."""
    V_F = random.uniform(0.5, 3.0)
    gap = random.uniform(0.3, 2.0)
    laws: dict = {}
    if random.random() < 0.5:
        tau = 10.0 ** random.uniform(-1.5, 0.0)
        laws["refractory"] = fp.FixedRefractory(tau) if random.random() < 0.3 else fp.ExponentialRefractory(tau)
    if random.random() < 0.2:
        laws["threshold"] = fp.RandomThreshold(10.0 ** random.uniform(-2.0, -0.5))
    if random.random() < 0.15:
        laws["delay"] = random.uniform(0.1, 1.0)
    a0 = 10.0 ** random.uniform(-1.0, 0.7)
    a1 = 0.3 * random.random() if random.random() < 0.2 else 0.0
    b = gap * random.uniform(-10.0, 1.8)
    model = fp.nnlif(b, a0, a1, V_F - gap, V_F, external=random.uniform(-1.0, 1.0), **laws)
    width = 10.0 ** random.uniform(-1.0, 0.0) * gap
    centre = V_F - gap * random.uniform(0.5, 2.0) - 2.0 * width
    kind = fp.compatible_gaussian if a1 > 0.0 or random.random() < 0.5 else fp.gaussian
    return model, kind(centre, width**2), 10.0 ** random.uniform(-8.0, -3.0)


def delivered(model: fp.Population, datum: object, rtol: float) -> dict:
    """Error of N over rtol, with the estimate of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FokkerPlanckWarning)
        sol = fp.solve(model, datum, (0.0, 2.0), rtol=rtol, atol=1e-3 * rtol, save_at=[])
        tight = max(1e-3 * rtol, 1e-12)
        degree = fp.Spectral(tight).polynomial_degree + 4
        reference = fp.solve(
            model, datum, (0.0, 2.0), scheme=fp.Spectral(tight, degree), rtol=tight, atol=1e-3 * tight, save_at=[],
            estimate_error=False,
        )  # fmt: skip
    end = min(sol.t[-1], reference.t[-1])
    if sol.blow_up or reference.blow_up:
        end *= LAST
    times = sol.t[(sol.t >= START * end) & (sol.t <= end)]
    lags = tuple({lag for lag in (model.coupling.delay, model.latency) if lag})
    for jump in breaks([0.0], lags, smoothing=True):  # N is not smooth where the start comes back
        times = times[(times < jump - 1e-9) | (times > jump + START * min(end, 10.0 * model.depth))]
    exact = reference.rate_at(times)
    error = float(np.max(np.abs(sol.rate_at(times) - exact) / (np.abs(exact) + 1e-3), initial=0.0))
    return {
        "model": model, "rtol": rtol, "error": error, "estimate": sol.error_estimate, "scheme": sol.settings["scheme"],
        # A reference a thousand times finer may drown in the rounding of t where a delay brings back the start.
        "unlike": sol.status is not reference.status and reference.status is not fp.Status.STALLED,
        "trouble": sol.status not in (fp.Status.FINISHED, fp.Status.BLOW_UP),
    }  # fmt: skip


def check(rows: list[dict]) -> list[Check]:
    over = np.array([row["error"] / row["rtol"] for row in rows])
    estimates = np.array([row["estimate"] / row["error"] for row in rows if row["error"] > 0.0])
    return [
        Check("runs that end in trouble", 0, sum(row["trouble"] for row in rows), kind="equal"),
        Check("runs that end unlike their reference", 0, sum(row["unlike"] for row in rows), kind="equal"),
        Check("share within ten times rtol", 0.95, float(np.mean(over <= 10.0)), 0.0, "at least"),
        Check("largest error over rtol", 100.0, float(over.max()), 0.0, "at most"),
        Check("median error over rtol", 1.0, float(np.median(over)), 0.0, "at most"),
        Check("median of error_estimate over the error, at least", 0.3, float(np.median(estimates)), 0.0, "at least"),
        Check("median of error_estimate over the error, at most", 10.0, float(np.median(estimates)), 0.0, "at most"),
    ]


def plot(rows: list[dict]):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    rtol, error, estimate = (np.array([row[name] for row in rows]) for name in ("rtol", "error", "estimate"))
    for axes, x, label in ((left, rtol, "rtol asked"), (right, estimate, "error_estimate")):
        axes.loglog(x, error, "o", color="C0", alpha=0.6)
        reach = np.array([1e-10, 1e-1])
        axes.loglog(reach, reach, "k-", lw=1, label="equal")
        axes.loglog(reach, 10.0 * reach, "k--", lw=0.8, label="ten times")
        axes.set(xlabel=label, ylabel="error of N over the run", xlim=(1e-9, 3e-3), ylim=(1e-11, 1e-1))
        axes.legend(fontsize=8)
    return figure
