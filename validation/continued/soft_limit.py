"""Which of the continuations a random threshold tends to as it becomes sharp."""

from dataclasses import replace

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title='A random threshold that becomes sharp selects the convention "discard"',
    statement=(
        "If neurons above V_F fire at the rate 1/ε, N stays below 1/ε and the solution is global. As ε → 0 it tends to "
        "the solution continued through the blow-up by which a fired neuron is reset to V_R and receives the kicks "
        "that follow its own spike, in density and firing away from the event. The error falls like ε^0.8 to ε^0.5 "
        "(measured): to leading order such a threshold is a sharp one at V_F + (aε)^(1/2). "
        'The conventions "keep" and "none" stay apart from it. The peak is at t*, and ε N there tends to the largest '
        "number of neurons that wait at V_F, max P(V ≥ V_F − bz) − z."
    ),
    source="Dou, Zhou (2022) for the convention; the rates are measured",
    parameters={"a": 1, "V_R": 1, "V_F": 2, "ε": "3e-4 to 3e-6"},
)

# label: (b, datum, lower end of the cells, end of the run)
CASES = {
    "b = 0.5": (0.5, (1.83, 0.003), -0.5, 0.01),
    "b = 0.8": (0.8, (1.7, 0.01), -1.0, 0.03),
}
EPSILONS = {True: (3e-4, 1e-4, 3e-5), False: (3e-4, 1e-4, 3e-5, 1e-5, 3e-6)}
CELLS = {True: (2400, 2e-4, 2000, 5e-5), False: (8000, 6e-5, 6400, 2.5e-5)}
"""Of the soft model, number and width at V_F; and of the sharp one. Transport smears over the root of the width."""
V_MAX = 3.0
"""Neurons that wait are moved up to bΔ beyond V_F."""
CONVENTIONS = ("discard", "keep", "none")
ORDER, MARGIN, LEAST = 0.7, 0.2, 0.4
"""Observed order in ε of the density, over all ε; and the least of all quantities, between the last two ε."""
BEFORE = 0.5
"""Time before the event at which the firing is compared, over t*."""


def run(quick: bool) -> dict:
    results = {}
    cells, finest, sharp_cells, sharp_finest = CELLS[quick]
    for label, (b, datum, v_min, end) in CASES.items():
        initial, sharp = fp.gaussian(*datum), fp.nnlif(b=b)
        grid = sharp.grid(sharp_cells, v_min, sharp_finest)
        at = fp.solve(
            sharp, initial, (0.0, end), grid=grid, clock=fp.ActivityClock(), rtol=1e-7, estimate_error=False, save_at=[]
        )
        event = fp.cascade(sharp, at.before[0])
        t_event, until = event.before.t, at.t <= event.before.t
        # With "discard" from the start; the others from the event on.
        ends, curves = {}, {}
        for convention in CONVENTIONS:
            after = replace(fp.cascade(sharp, event.before, convention).after, rate=0.0)
            sol = fp.solve(
                sharp, after, (t_event, end), clock=fp.ActivityClock(convention), rtol=1e-7, estimate_error=False
            )
            ends[convention] = sol.final
            curves[convention] = (
                np.append(at.t[until], sol.t),
                np.append(at.fired[until], at.fired[until][-1] + event.fraction + sol.fired),
            )  # fmt: skip
        before = fp.solve(sharp, initial, (0.0, BEFORE * t_event), rtol=1e-7)
        # What a sharp threshold at V_F + (aε)^(1/2) fires until then, for the smallest ε.
        moved = fp.nnlif(b=b, V_F=sharp.V_F + np.sqrt(EPSILONS[quick][-1]))
        moved_grid = moved.grid(sharp_cells, v_min, sharp_finest)
        mass = np.append(0.0, np.cumsum(initial.cell_averages(grid) * grid.width))
        start = np.diff(np.interp(moved_grid.faces, grid.faces, mass)) / moved_grid.width
        farther = fp.solve(moved, start, (0.0, BEFORE * t_event), grid=moved_grid, estimate_error=False)
        soft = []
        for epsilon in EPSILONS[quick]:
            model = fp.nnlif(b=b, threshold=fp.RandomThreshold(epsilon))
            soft_grid = model.grid(cells, v_min, finest, v_max=V_MAX)
            start = below_threshold(initial, soft_grid)
            through = fp.solve(model, start, (0.0, end), grid=soft_grid, estimate_error=False)
            early = fp.solve(model, start, (0.0, BEFORE * t_event), grid=soft_grid, estimate_error=False)
            soft.append((through, float(early.fired[-1])))
        results[label] = {
            "epsilon": np.array(EPSILONS[quick]), "time": t_event, "event": event, "ends": ends, "fired": curves,
            "before": float(before.fired[-1]), "farther": float(farther.fired[-1]), "soft": soft,
        }  # fmt: skip
    return results


def below_threshold(initial, grid) -> np.ndarray:
    """Cell averages of the datum on v ≤ V_F: without that, a thousandth of the neurons would start above it."""
    below = grid.faces[grid.faces <= grid.V_F]
    density = np.zeros(grid.cells)
    density[: len(below) - 1] = initial.cell_averages(type(grid)(below, grid.V_R))
    return density


def distance(one: fp.State, other: fp.State) -> float:
    """∫ |n − n'| dv, the second averaged over the cells of the first; what lies above V_F counts."""
    mass = np.concatenate([[0.0], np.cumsum(other.density * other.grid.width)])
    return float(
        np.abs(one.density * one.grid.width - np.diff(np.interp(one.grid.faces, other.grid.faces, mass))).sum()
    )


def errors(result: dict) -> dict[str, np.ndarray]:
    """What goes to zero with ε."""
    solutions = [sol for sol, _ in result["soft"]]
    final = result["fired"]["discard"][1][-1]
    waiting = float(result["event"].waiting.max())
    peaks = [int(np.argmax(sol.rate * (sol.t > 0.5 * result["time"]))) for sol in solutions]
    return {
        "density after the event, $L^1$": np.array([distance(s.final, result["ends"]["discard"]) for s in solutions]),
        "$\\int N dt$ after the event": np.array([abs(s.fired[-1] - final) for s in solutions]),
        "$\\int N dt$ before the event": np.array([abs(early - result["before"]) for _, early in result["soft"]]),
        "$\\varepsilon N$ at the peak": np.array(
            [abs(e * s.rate[k] - waiting) for e, s, k in zip(result["epsilon"], solutions, peaks, strict=True)]
        ),
        "time of the peak, over $t^*$": np.array(
            [abs(s.t[k] / result["time"] - 1.0) for s, k in zip(solutions, peaks, strict=True)]
        ),
    }


def check(results: dict) -> list[Check]:
    checks = []
    for label, result in results.items():
        epsilon, last = result["epsilon"], result["soft"][-1][0]
        for name, error in errors(result).items():
            plain = name.replace("$", "").replace("\\int", "∫").replace("\\varepsilon", "ε")
            checks.append(
                Check(f"{label}: {plain}: falls with ε", True, bool(np.all(np.diff(error) < 0)), kind="equal")
            )
            order = float(np.log(error[-2] / error[-1]) / np.log(epsilon[-2] / epsilon[-1]))
            checks.append(Check(f"{label}: {plain}: order in ε", LEAST, order, 0.0, "at least"))
        moved, softened = result["before"] - result["farther"], result["before"] - result["soft"][-1][1]
        checks.append(Check(f"{label}: firing lost before the event, as with V_F + (aε)^(1/2)", moved, softened, 0.15))
        density = next(iter(errors(result).values()))
        order = float(np.log(density[0] / density[-1]) / np.log(epsilon[0] / epsilon[-1]))
        checks.append(Check(f"{label}: order of the density, whole range", ORDER, order, MARGIN, "absolute"))
        near = distance(last.final, result["ends"]["discard"])
        for convention in CONVENTIONS[1:]:
            apart = distance(result["ends"]["discard"], result["ends"][convention])
            far = distance(last.final, result["ends"][convention])
            name = f'{label}, ε = {epsilon[-1]:g}: L1 distance to "{convention}"'
            checks += [
                Check(f"{name}, that of the two continuations", apart, far, 2.0 * near, "absolute"),
                Check(f'{name}, over that to "discard"', 5.0, far / near, 0.0, "at least"),
            ]
        for e, (sol, _) in zip(epsilon, result["soft"], strict=True):
            checks.append(Check(f"{label}, ε = {e:g}: largest N", 1.0 / e, float(sol.rate.max()), 0.0, "at most"))
    return checks


COLOURS = {"discard": "#D55E00", "keep": "#0072B2", "none": "#009E73"}
PALETTE = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "black")
MARKS = ("o-", "s-", "^-", "v-", "D-")


def plot(results: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained")
    (density, rate), (conventions, orders) = figure.subplots(2, 2)
    label, result = next(iter(results.items()))
    shades = np.linspace(0.75, 0.0, len(result["soft"]))
    for shade, epsilon, (sol, _) in zip(shades, result["epsilon"], result["soft"], strict=True):
        density.plot(sol.v, sol.final.density, color=str(shade), lw=1, label=f"$\\varepsilon$ = {epsilon:g}")
        rate.plot(sol.t / result["time"], sol.fired, color=str(shade), lw=1, label=f"$\\varepsilon$ = {epsilon:g}")
    for convention, state in result["ends"].items():
        density.plot(state.v, state.density, "--", color=COLOURS[convention], label=f'"{convention}"')
    times, fired = result["fired"]["discard"]
    rate.plot(times / result["time"], fired, "--", color=COLOURS["discard"], label='continued, "discard"')
    density.set(xlabel="$v$", ylabel="$n$", xlim=(0.5, 2.05), title=f"{label}, after the event")
    rate.set(xlabel="$t/t^*$", ylabel="$\\int_0^t N$", title=f"{label}: spikes per neuron", xlim=(0.0, 3.0))
    for marker, (name, one) in zip(("-", "--"), results.items(), strict=False):
        for convention in CONVENTIONS:
            apart = [distance(sol.final, one["ends"][convention]) for sol, _ in one["soft"]]
            conventions.loglog(
                one["epsilon"], apart, "o" + marker, color=COLOURS[convention], label=f'"{convention}", {name}'
            )
    conventions.set(
        xlabel="$\\varepsilon$", ylabel="$L^1$ distance", title="density after the event, to each convention"
    )
    for k, (mark, (name, error)) in enumerate(zip(MARKS, errors(result).items(), strict=True)):
        orders.loglog(result["epsilon"], error, mark, color=PALETTE[k], label=name)
    reach = result["epsilon"][[0, -1]]
    orders.loglog(reach, 0.3 * (reach / reach[0]) ** 0.5, ":", color="0.5", label="$\\varepsilon^{1/2}$")
    orders.set(xlabel="$\\varepsilon$", ylabel="error", ylim=(2e-7, 3.0), title=f"{label}: what goes to zero")
    for axes in (conventions, orders):
        axes.set_xticks(result["epsilon"], [f"{epsilon:g}" for epsilon in result["epsilon"]])
        axes.minorticks_off()
    for axes in (density, rate, conventions, orders):
        axes.legend(fontsize=7)
    return figure
