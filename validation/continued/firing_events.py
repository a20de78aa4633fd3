"""A network that fires together again and again, and what it costs to follow it."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Periodic firing events, at a constant cost",
    statement=(
        "With b = 3 every solution fires together periodically: the events settle geometrically into a limit cycle, "
        "whose period and size converge with the cells. An event takes a bounded number of steps, the same each time. "
        "A solver with fixed steps in t runs through it with a pulse N ~ 1/Δt, and needs many times the work for the "
        "same error: its firing is off by O(Δt), its density by less than first order."
    ),
    source="own computation on three grids; period and size: an earlier run of the same method",
    parameters={"a": 1, "b": 3, "V_R": 1, "V_F": 2, "τ": "0.1, or no refractory state", "overshoot": "none"},
)

B, DATUM, OVERSHOOT, TAU = 3.0, fp.gaussian(1.83, 0.003), "none", 0.1
V_MIN = -6.0
# label: (refractory, period, Δ)
CASES = {
    "τ = 0.1": (fp.ExponentialRefractory(TAU), 0.37751, 0.758597),
    "no refractory state": (None, 0.23021, 0.999988),
}
EVENTS = {True: 5, False: 7}
"""Events followed; the first is nearly at once."""
CELLS = {True: (300, 5e-4), False: (800, 2e-4)}
"""Of the coarsest of three grids, each of half the widths: number of cells, width of the last."""
RTOL = {True: 1e-5, False: 1e-8}
MOST_STEPS = 1000
NEURONS = {True: (20_000, (2e-3, 5e-4)), False: (200_000, (4e-4, 1e-4))}
"""How many, and two steps Δt."""
LATE, LARGE = {True: 0.03, False: 0.015}, {True: 0.05, False: 0.025}
"""How far period and size may be from the density's at the shorter step: events are found to O(√Δt)."""

# The comparison, through one event.
LATER = 0.05
LOWEST = -3.0
FIXED = {True: (1e-3, 3e-4, 1e-4, 3e-5, 1e-5), False: (1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6)}
STAGES = 8
"""Linear solves of a step of Rodas5P; backward Euler has one."""


def network(refractory: fp.ExponentialRefractory | None) -> fp.Population:
    return fp.nnlif(b=B, refractory=refractory)


def run(quick: bool) -> dict:
    cells, finest = CELLS[quick]
    clock, cycles = fp.ActivityClock(OVERSHOOT), {}
    for label, (refractory, period, _) in CASES.items():
        model, runs, end = network(refractory), [], (EVENTS[quick] - 0.7) * period
        grid = model.grid(cells, V_MIN, finest)
        for _ in range(3):
            runs.append(
                fp.solve(model, DATUM, (0.0, end), grid=grid, rtol=RTOL[quick], clock=clock, estimate_error=False)
            )
            grid = grid.refined()
        cycles[label] = runs
    return {"quick": quick, "cycles": cycles, "particles": particles(quick), "cost": cost(quick)}


def particles(quick: bool) -> dict[str, list[fp.ParticleSolution]]:
    """The same network of neurons, with two steps each."""
    count, steps = NEURONS[quick]
    runs = {}
    for label, (refractory, period, _) in CASES.items():
        model, end = network(refractory), (EVENTS[quick] - 0.7) * period
        runs[label] = [
            fp.simulate(model, count, DATUM, (0.0, end), dt=dt, seed=1, overshoot=OVERSHOOT, save_at=[]) for dt in steps
        ]
    return runs


def cost(quick: bool) -> dict:
    """Errors and work of both ways through one event."""
    model = network(fp.ExponentialRefractory(TAU))
    coarse = model.grid(400, LOWEST, 4e-4)
    grids = [coarse, coarse.refined(), coarse.refined().refined()]
    fine = grids[-1].refined() if quick else grids[-1].refined().refined()
    clock = fp.ActivityClock(OVERSHOOT)
    reference = fp.solve(model, DATUM, (0.0, LATER), grid=fine, rtol=1e-9, clock=clock, estimate_error=False)

    def errors(state: fp.State, fired: float) -> tuple[float, float]:
        grid, mass = state.grid, np.concatenate([[0.0], np.cumsum(reference.final.density * fine.width)])
        there = np.diff(np.interp(grid.faces, fine.faces, mass))
        return float(np.abs(state.density * grid.width - there).sum()), abs(fired - float(reference.fired[-1]))

    dilated, fixed = [], []
    for grid in grids:
        sol = fp.solve(model, DATUM, (0.0, LATER), grid=grid, clock=clock, estimate_error=False)
        work = STAGES * (sol.quality.steps + sol.quality.rejected) * grid.cells
        dilated.append((work, *errors(sol.final, float(sol.fired[-1]))))
    for dt in FIXED[quick]:
        final, fired, peak = standard(model, grids[-1], dt)
        steps = round(LATER / dt)
        fixed.append((steps * grids[-1].cells, *errors(final, fired), dt, peak))
    return {"dilated": np.array(dilated), "fixed": np.array(fixed)}


def standard(model: fp.Population, grid, dt: float) -> tuple[fp.State, float, float]:
    """Backward Euler in t, the rate lagged by one step, whatever happens: (last state, ∫ N dt, largest N)."""
    system = fp.ScharfetterGummel().discretize(model, grid)
    y, fired, peak = system.pack(grid.sample(DATUM)), 0.0, 0.0
    fp.BackwardEuler(dt).begin(system, y, 0.0, True)
    steps = round(LATER / dt)
    for k in range(steps):
        y = system.implicit_step(y, (k + 1) * dt, dt)
        rate = float(y[-1, 0])
        fired, peak = fired + dt * rate, max(peak, rate)
    return system.unpack(y, LATER), fired, peak


def cycle(sol: fp.Solution) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Periods, sizes and steps of the successive events."""
    times = np.array([jump.time for jump in sol.jumps])
    return np.diff(times), np.array([jump.fraction for jump in sol.jumps]), np.diff(np.searchsorted(sol.t, times))


def off(sol: fp.ParticleSolution, period: float, size: float) -> tuple[float, float]:
    """How far mean period and size of the events of neurons are from those, relatively; the first one is the start."""
    times, sizes = (np.array([getattr(jump, name) for jump in sol.jumps]) for name in ("time", "fraction"))
    return float(np.mean(np.diff(times))) / period - 1.0, float(np.mean(sizes[1:])) / size - 1.0


def check(result: dict) -> list[Check]:
    checks = []
    for label, (_, period, size) in CASES.items():
        runs = [cycle(sol) for sol in result["cycles"][label]]
        periods, sizes = (np.array([run[k][-1] for run in runs]) for k in (0, 1))
        gaps, changes = np.abs(np.diff(periods)), np.abs(np.diff(sizes))
        checks += [
            Check(f"{label}: status", fp.Status.FINISHED.name, result["cycles"][label][-1].status.name, kind="equal"),
            Check(f"{label}: events", EVENTS[result["quick"]], min(len(run[1]) for run in runs), kind="equal"),
            Check(f"{label}: period, extrapolated", period, periods[-1] + (periods[-1] - periods[-2]) / 3.0, 1e-4),
            Check(f"{label}: order of the period", 2.0, float(np.log2(gaps[0] / gaps[1])), 0.3, "absolute"),
            Check(f"{label}: Δ, extrapolated", size, 2.0 * sizes[-1] - sizes[-2], 5e-5),
            Check(f"{label}: order of Δ", 1.0, float(np.log2(changes[0] / changes[1])), 0.4, "at least"),
        ]
        for sol, (gap, _, steps) in zip(result["cycles"][label], runs, strict=True):
            name = f"{label}, {sol.grid.cells} cells"
            change = np.abs(np.diff(gap))
            checks += [
                Check(f"{name}: ratio of changes of the period", 0.03, change[1] / change[0], 0.0, "at most"),
                Check(f"{name}: the cycle is reached", 0.0, change[-1], 1e-6, "at most"),
                Check(f"{name}: steps per event", MOST_STEPS, int(steps.max()), 0.0, "at most"),
                Check(f"{name}: steps per event, spread", 0.0, float(np.ptp(steps[1:]) / steps[1]), 0.02, "at most"),
                Check(f"{name}: mass error", 0.0, sol.quality.mass_error, 1e-11, "at most"),
            ]
        (_, coarse_size), (late, large) = (off(sol, period, size) for sol in result["particles"][label])
        quick = result["quick"]
        checks += [
            Check(f"{label}: period of the neurons over the density's, less 1", 0.0, late, LATE[quick], "absolute"),
            Check(f"{label}: size of their events over the density's, less 1", 0.0, large, LARGE[quick], "absolute"),
        ]
        if size < 0.99:  # else everybody fires, whatever the step
            checks.append(Check(f"{label}: and it falls with Δt", coarse_size, large, -0.2 * coarse_size, "at most"))
    dilated, fixed = result["cost"]["dilated"], result["cost"]["fixed"]
    dt, first = fixed[:, 3], fixed[:, 3] >= 1e-5
    same_work = np.exp(np.interp(np.log(dilated[0, 0]), np.log(fixed[:, 0]), np.log(fixed[:, 1])))
    checks += [
        Check("fixed steps: order of the density", 0.7, slope(dt[first], fixed[first, 1]), 0.2, "absolute"),
        Check("fixed steps: order of ∫ N dt", 1.0, slope(dt[first], fixed[first, 2]), 0.2, "absolute"),
        Check("fixed steps: growth of the pulse with 1/Δt", 1.0, slope(1.0 / dt, fixed[:, 4]), 0.15, "absolute"),
        Check("L1 error for the work of the coarsest run in dilated time, over its own", 20.0,
              same_work / dilated[0, 1], 0.0, "at least"),
        Check("dilated time, L1 error on the coarsest cells", 0.0, float(dilated[0, 1]), 2e-4, "at most"),
    ]  # fmt: skip
    return checks


def slope(x: np.ndarray, y: np.ndarray) -> float:
    """d ln y/d ln x."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


COLOURS = {"τ = 0.1": "#0072B2", "no refractory state": "#D55E00"}


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained")
    (spikes, rates), (settling, work) = figure.subplots(2, 2)
    for label, colour in COLOURS.items():
        sol = result["cycles"][label][-1]
        shown = sol.t < 1.2
        spikes.plot(sol.t[shown], sol.fired[shown], color=colour, label=label)
        rates.semilogy(sol.t[shown], sol.rate[shown], color=colour, lw=1, label=label)
        gap = cycle(sol)[0]
        settling.semilogy(np.arange(2, len(gap)), np.abs(np.diff(gap))[: len(gap) - 2], "o-", color=colour, label=label)
        neurons = result["particles"][label][-1]
        spikes.plot(neurons.t, neurons.fired, ":", color="k", lw=1.5, label=f"{label}: {neurons.count} neurons")
    spikes.set(xlabel="$t$", ylabel="$\\int_0^t N$, spikes per neuron", title="a step $\\Delta$ at each event")
    rates.set(
        xlabel="$t$", ylabel="$N$ between the events", ylim=(1e-3, 1e4), title="the rate (above $10^4$: not shown)"
    )
    settling.set(xlabel="event", ylabel="change of the period", title="into the limit cycle")
    settling.xaxis.get_major_locator().set_params(integer=True)
    for key, marker, colour, name in (
        ("dilated", "o", "#009E73", "dilated time"),
        ("fixed", "s", "#CC79A7", "fixed $\\Delta t$"),
    ):
        table = result["cost"][key]
        work.loglog(table[:, 0], table[:, 1], marker + "-", color=colour, label=f"{name}: density, $L^1$")
        work.loglog(table[:, 0], table[:, 2], marker + ":", mfc="none", color=colour, label=f"{name}: $\\int N dt$")
    work.set(xlabel="linear solves × cells", ylabel=f"error at $t = {LATER:g}$", title="the cost of one event")
    for axes in (spikes, rates, settling, work):
        axes.legend(fontsize=8)
    return figure
