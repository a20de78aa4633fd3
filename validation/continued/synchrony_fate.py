"""After everybody has fired at once: back to equilibrium, the same again, a plateau, or an event without end."""

import numpy as np
from scipy.optimize import brentq

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Plateau against return to equilibrium after total synchronisation",
    statement=(
        "After all neurons have fired at the same time, a weakly connected network converges to its only steady state; "
        "others may tend to a stationary state or to a plateau. With one steady state (b = 0.5) or two (b = 1.5) the "
        "network returns to the (lower) one, at the spectral rate; with none (b = 3) and no delay all fire together "
        "again and again. With a transmission delay d and b > V_F − V_R the rate can grow without bound, by a factor "
        "that tends to b/(V_F − V_R) in every delay, while the density tends to the plateau 1/(V_F − V_R) between V_R "
        "and V_F, at the L1 distance (2 a0/(V_F − V_R)² + 1/4)/N. Whether it does is decided by b and by what is still "
        "on its way: b = 3 does so with and without the spikes of the event, b = 1.5 with them only, b = 0.5 in "
        "neither case. Without delay and where fired neurons take part in the rest of the event, the event has no end "
        "if b ≥ V_F − V_R: in dilated time those who wait their turn (“discard”) and are then reset form the plateau, "
        "of height 1/b, and the share 1 − (V_F − V_R)/b waits."
    ),
    source=(
        "Cáceres, Ramos-Lora (2021), arXiv:2011.05860; L1 distance: the layers a0/(bN) at V_R and V_F and the leak "
        "between them, to first order in 1/N; interval between events: `fp.solve` on 800 and 1600 cells"
    ),
    parameters={"a": 1, "V_R": 1, "V_F": 2, "b": "0.5, 1.5, 3", "d": "0 and 0.1", "initially": "all at V_F, or at V_R"},
)

V_R, V_F, A0, D = 1.0, 2.0, 1.0, 0.1
ALL_FIRE = fp.gaussian(1.999, 1e-7)  # Δ = 1 at t = 0, which leaves everybody at V_R
ALL_FIRED = fp.gaussian(1.0, 5e-4)
RETURNING, AGAIN, ENDLESS = (0.5, 1.5), 3.0, (1.5, 3.0)
END = 8.0
FALL = {0.5: (3.0, 4.0), 1.5: (6.0, 7.0)}  # only the slowest mode is left, and well above the error of the cells
INTERVAL, FRACTION = 0.23022, 0.999988
LOST, UNDERWAY = 0.0, 1.0 / D
"""N before the start: none of the spikes of the event will arrive, or all of them within one delay."""
LATE_RETURNS = {(0.5, LOST): END, (0.5, UNDERWAY): END, (1.5, LOST): END}
PLATEAUS = {(1.5, UNDERWAY): 1.2, (3.0, LOST): 1.3, (3.0, UNDERWAY): 0.5}
DISTANCE = 2.0 * A0 / (V_F - V_R) ** 2 + 0.25  # over N: layers at V_R and V_F, and n ~ 1/(bN − v) between them
FINEST = 1e-5
DT, EVENT_DT, BIAS = 1e-3, 2.5e-4, 0.01  # late kicks put off a blow-up: by 2 % of the interval at 1e-3
STRONG = 0.1
"""Particles are compared while b N dt is below: in a step a neuron fires at most once."""
WINDOWS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.5, 2.0, 3.0, 4.0)


def run(quick: bool) -> dict:
    cells, neurons, longest = (800, 20_000, 2.0) if quick else (1600, 200_000, WINDOWS[-1])
    options = {"estimate_error": False}
    result: dict = {"prompt": {}, "late": {}, "states": {}, "event": {}, "endless": {}}
    for b in (*RETURNING, AGAIN):
        model = fp.nnlif(b=b, a0=A0, V_R=V_R, V_F=V_F)
        grid, end = model.grid(cells, finest=FINEST), END if b in RETURNING else (0.75 if quick else 2.0)
        clock, saves = fp.ActivityClock(overshoot="none"), np.linspace(0.0, end, 81)
        sol = fp.solve(model, ALL_FIRE, (0.0, end), grid, clock=clock, save_at=saves, rtol=1e-6, **options)
        dt = EVENT_DT if b == AGAIN else DT
        crowd = simulated(model, ALL_FIRE, neurons, min(end, longest), dt=dt, overshoot="none")
        result["prompt"][b], result["states"][b, 0.0] = (sol, crowd), fp.stationary_states(model)
        for overshoot in ("keep", "discard") if b in ENDLESS else ():
            clock = fp.ActivityClock(overshoot=overshoot)
            sol = fp.solve(model, ALL_FIRE, (0.0, 1.0), grid, clock=clock, rtol=1e-6, **options)
            crowd = simulated(model, ALL_FIRE, neurons, 0.1, overshoot=overshoot)
            start = fp.State(0.0, grid, ALL_FIRE.cell_averages(grid), rate=np.inf)
            result["event"][b, overshoot] = fp.cascade(model, start, overshoot)
            if (b, overshoot) == (AGAIN, "discard"):
                result["rounds"] = fp.cascade(model, start, overshoot, transport=True)
            result["endless"][b, overshoot] = sol.status, crowd.status
    for (b, history), end in (LATE_RETURNS | PLATEAUS).items():
        model = fp.nnlif(b=b, a0=A0, V_R=V_R, V_F=V_F, delay=D)
        grid = two_sided(model, cells) if (b, history) in PLATEAUS else model.grid(cells, finest=FINEST)
        saves = np.linspace(0.0, end, round(end / (0.25 * D)) + 1)
        sol = fp.solve(
            model, ALL_FIRED, (0.0, end), grid, history=history, save_at=saves, rtol=1e-5 if quick else 1e-6, **options
        )
        strong = np.flatnonzero(b * sol.rate * DT > STRONG)
        until = min(float(sol.t[strong[0]]) if len(strong) else end, longest)
        crowd = simulated(
            model, ALL_FIRED, neurons, max((t for t in WINDOWS if t <= until), default=D), history=history
        )
        result["late"][b, history], result["states"][b, D] = (sol, crowd), fp.stationary_states(model)
    return result


def simulated(
    model: fp.Population, datum: object, neurons: int, until: float, dt: float = DT, **options
) -> fp.ParticleSolution:
    return fp.simulate(model, neurons, datum, (0.0, until), dt, seed=1, threads=1, bins=200, **options)


def two_sided(model: fp.Population, cells: int) -> fp.Grid:
    """Fine on both sides of V_R, where the plateau begins, and at V_F."""
    count = cells // 3

    def away(length: float) -> np.ndarray:
        """Distances that grow geometrically."""
        growth = brentq(lambda q: FINEST * np.expm1(count * q) / np.expm1(q) - length, 1e-9, 1.0)
        return length * np.expm1(growth * np.arange(count + 1)) / np.expm1(growth * count)

    below, half = V_R - away(V_R - model.lowest_potential())[:0:-1], away(0.5 * (V_F - V_R))
    return fp.Grid(np.concatenate([below, V_R + half, V_F - half[-2::-1]]), V_R, V_F)


def distance(sol: fp.Solution, states: tuple) -> np.ndarray:
    """∫ |n − p| dv at the saved times, p the lowest steady state, or the plateau if there is none given."""
    goal = states[0].cell_averages(sol.grid) if states else (sol.v > V_R) / (V_F - V_R)
    return np.abs(sol.density - goal) @ sol.grid.width


def exponent(sol: fp.Solution, states: tuple, when: tuple[float, float]) -> float:
    """How fast the distance falls, −d log/dt."""
    first, last = (int(np.argmin(np.abs(sol.saved_t - t))) for t in when)
    fall = distance(sol, states)[[first, last]]
    return float(np.log(fall[0] / fall[1]) / (sol.saved_t[last] - sol.saved_t[first]))


def growth(sol: fp.Solution) -> float:
    """The last factor per delay."""
    end = float(sol.t[-1])
    return float(sol.rate_at(end) / sol.rate_at(end - D))


def means(sol: fp.Solution, crowd: fp.ParticleSolution) -> tuple[np.ndarray, ...]:
    """Windows between events, and the mean rates there: of the density, of the particles, and the error of those."""
    edges = np.array([t for t in WINDOWS if t <= crowd.t[-1] + 1e-9])
    length, steps = np.diff(edges), np.round(edges / DT).astype(int)
    points = (edges[:-1] + np.linspace(0.0, 1.0, 2001)[:, None] * length).clip(max=sol.t[-1])
    fired = np.diff(crowd.fired[steps]) / length
    error = np.sqrt(fired / (crowd.count * length))
    return edges, np.trapezoid(sol.rate_at(points), dx=1 / 2000, axis=0), fired, error


def apart(sol: fp.Solution, crowd: fp.ParticleSolution) -> float:
    """Largest difference of the mean rates in standard errors, to which BIAS of the rate is added for the steps."""
    _, density, particles, error = means(sol, crowd)
    return float(np.max(np.abs(particles - density) / np.hypot(error, BIAS * density)))


def check(result: dict) -> list[Check]:
    checks = []
    for b, (sol, crowd) in result["prompt"].items():
        states, label = result["states"][b, 0.0], f"b = {b:g}, d = 0"
        if b in RETURNING:
            rate = -states[0].growth_rate
            checks += [
                Check(f"{label}: events", 1, len(sol.jumps), kind="equal"),
                Check(f"{label}: events of particles", 1, len(crowd.jumps), kind="equal"),
                Check(f"{label}: Δ", 1.0, sol.jumps[0].fraction, 1e-6),
                Check(f"{label}: Δ of particles", 1.0, crowd.jumps[0].fraction, 1e-4),
                Check(f"{label}: exponent of the return, −λ₁", rate, exponent(sol, states, FALL[b]), 2e-2),
                Check(f"{label}: N of particles, standard errors away", 4.5, apart(sol, crowd), kind="at most"),
            ]
            continue
        times, fractions = np.array([(jump.time, jump.fraction) for jump in sol.jumps]).T
        ours, shares = np.array([(jump.time, jump.fraction) for jump in crowd.jumps]).T
        checks += [
            Check(f"{label}: steady states", 0, len(states), kind="equal"),
            Check(f"{label}: events", 1 + int(sol.t[-1] / INTERVAL), len(times), kind="equal"),
            *(
                Check(f"{label}: {name} interval", INTERVAL, float(of(np.diff(times))), 5e-4)
                for name, of in (("shortest", np.min), ("longest", np.max))
            ),
            *(
                Check(f"{label}: {name} Δ from the second on", FRACTION, float(of(fractions[1:])), 2e-6, "absolute")
                for name, of in (("smallest", np.min), ("largest", np.max))
            ),
            Check(f"{label}: interval, particles", INTERVAL, float(np.diff(ours).mean()), 3e-2),
            Check(f"{label}: smallest Δ, particles", FRACTION, float(shares.min()), 1e-3),
        ]  # fmt: skip
    for (b, history), (sol, crowd) in result["late"].items():
        states, label = result["states"][b, D], f"b = {b:g}, d = {D:g}, N = {history:g} before"
        checks.append(Check(f"{label}: status", fp.Status.FINISHED.name, sol.status.name, kind="equal"))
        if (b, history) in LATE_RETURNS:
            rate = -states[0].growth_rate
            checks += [
                Check(f"{label}: exponent of the return, −λ₁", rate, exponent(sol, states, FALL[b]), 2e-2),
                Check(f"{label}: N of particles, standard errors away", 4.5, apart(sol, crowd), kind="at most"),
            ]
            continue
        checks.append(Check(f"{label}: factor per delay", b / (V_F - V_R), growth(sol), 5e-3))
        gap = float(distance(sol, ())[-1] * sol.rate[-1])
        checks.append(Check(f"{label}: N · L1 distance to the plateau", DISTANCE, gap, 2e-2))
        _, density, particles, _ = means(sol, crowd)
        if len(density) > 2:  # noise at the start is amplified, what it grows by is not
            ours, theirs = particles[-1] / particles[-2], density[-1] / density[-2]
            checks.append(Check(f"{label}: factor per delay, particles over density", 1.0, ours / theirs, 3e-2))
    for (b, overshoot), (status, crowd) in result["endless"].items():
        label, event = f'b = {b:g}, "{overshoot}"', result["event"][b, overshoot]
        grid, last = event.before.grid, event.density[-1]
        inside, share = grid.v > V_R, (V_F - V_R) / b
        checks += [
            Check(f"{label}: status", fp.Status.ETERNAL.name, status.name, kind="equal"),
            Check(f"{label}: status of particles", fp.Status.ETERNAL.name, crowd.name, kind="equal"),
            Check(f"{label}: spikes per neuron in a round", share, event.fraction, 1e-9),
            Check(f"{label}: spikes that wait after it", 1.0 - share, float(event.waiting[-1]), 1e-9, "absolute"),
        ]
        if overshoot == "discard":
            plateau = np.abs(last[inside] * b - 1.0)
            checks.append(Check(f"{label}: plateau, b n − 1 at most", 0.0, float(plateau.max()), 1e-6, "at most"))
        else:
            moved = float(np.abs(last - event.density[0]) @ grid.width)
            checks.append(Check(f"{label}: everybody is where he was, L1", 0.0, moved, 1e-6, "at most"))
    rounds = result["rounds"]
    label, grid, share = f"b = {AGAIN:g}, standing clock to z = {rounds.fraction:.3g}", rounds.before.grid, 1.0 / AGAIN
    plateau = np.abs(rounds.density[-1][grid.v > V_R + 0.1] / share - 1.0)
    wait = 1.0 - share * (V_F - V_R)  # cells smear the jump of the density at V_R, of first order
    checks += [
        Check(f"{label}: no end", True, rounds.eternal, kind="equal"),
        Check(f"{label}: plateau, b n − 1 at most", 0.0, float(plateau.max()), 1e-6, "at most"),
        Check(f"{label}: spikes that wait", wait, float(rounds.waiting[-1]), 5e-3),
    ]
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    from fokkerplanck.plotting import plot_fired

    figure = Figure(figsize=(17, 8), layout="constrained")
    (back, away, again, endless), (late, factor, plateau, gap) = figure.subplots(2, 4)
    colours = {0.5: "C0", 1.5: "C2", 3.0: "C3"}
    styles = {LOST: "-", UNDERWAY: "--"}

    for b in RETURNING:
        sol, crowd = result["prompt"][b]
        edges, _, rates, _ = means(sol, crowd)
        back.plot(sol.t[2:], sol.rate[2:], color=colours[b], label=f"b = {b:g}")
        back.stairs(rates, edges, color="k", lw=0.8, baseline=None)
        back.axhline(result["states"][b, 0.0][0].rate, color=colours[b], ls=":")
        away.semilogy(sol.saved_t, distance(sol, result["states"][b, 0.0]), color=colours[b], label=f"b = {b:g}, d = 0")
    back.set(xlabel="$t$", ylabel="$N$", xlim=(0, 4), ylim=(0, 0.8), title="all have fired at t = 0; no delay, “none”")
    for b, history in LATE_RETURNS:
        sol, _ = result["late"][b, history]
        label = f"b = {b:g}, d = {D:g}, N = {history:g} before"
        away.semilogy(
            sol.saved_t, distance(sol, result["states"][b, D]), color=colours[b], ls=(0, (1, 1)) if history else "--",
            label=label,
        )  # fmt: skip
    for b, (start, stop) in FALL.items():
        t = np.array([start - 2.0, stop])
        known = distance(result["prompt"][b][0], result["states"][b, 0.0])[int(start / END * 80)]
        rate = result["states"][b, 0.0][0].growth_rate
        away.semilogy(t, 0.6 * known * np.exp(rate * (t - start)), color="k", lw=0.8)
    away.set(xlabel="$t$", ylabel="L1 distance to the steady state", title="return, beside $e^{\\lambda_1 t}$ (black)")
    sol, crowd = result["prompt"][AGAIN]
    plot_fired(again, {"density": sol, f"{crowd.count} particles": crowd})
    again.set(title=f"b = {AGAIN:g}, no delay, “none”: again and again")

    event = result["event"][AGAIN, "discard"]
    for i in np.linspace(0, len(event.spikes) - 1, 5).round().astype(int)[1:]:
        z, wait = event.spikes[i], event.waiting[i]
        endless.plot(event.before.grid.v, event.density[i], label=f"z = {z:.3f}; {wait:.3f} wait")
    endless.axhline(1.0 / AGAIN, color="k", ls="--", lw=0.8)
    endless.set(
        xlabel="$v$", ylabel="density of reset neurons", xlim=(0.9, 2.02), ylim=(0, 0.55),
        title=f"b = {AGAIN:g}, no delay, “discard”: no end",
    )  # fmt: skip

    for (b, history), (sol, crowd) in result["late"].items():
        edges, _, rates, _ = means(sol, crowd)
        label = f"b = {b:g}, N = {history:g} before"
        late.semilogy(sol.t[1:], sol.rate[1:], color=colours[b], ls=styles[history], label=label)
        late.stairs(rates, edges, color="k", lw=0.8, baseline=None)
        if (b, history) in PLATEAUS:
            times = np.linspace(2.0 * D, sol.t[-1], 400)
            colour = {"color": colours[b], "ls": styles[history], "label": label}
            factor.plot(times, sol.rate_at(times) / sol.rate_at(times - D), **colour)
            grown = sol.saved_t >= 2.0 * D
            gap.loglog(sol.rate_at(sol.saved_t[grown]), distance(sol, ())[grown], marker=".", **colour)
            factor.axhline(b / (V_F - V_R), color="k", ls=":", lw=0.8)
    late.set(xlabel="$t$", ylabel="$N$", xlim=(0, 2), ylim=(5e-2, 5e3), title=f"d = {D:g}; particles in black")
    factor.set(xlabel="$t$", ylabel="$N(t) / N(t - d)$", ylim=(0, 4), title="growth per delay, $b/(V_F - V_R)$ dotted")
    ends = np.array(gap.get_xlim())
    gap.loglog(ends, DISTANCE / ends, "k:", label=f"{DISTANCE:g}/N")
    gap.set(xlabel="$N$", ylabel="L1 distance to the plateau", title="flattening")

    sol, crowd = result["late"][AGAIN, LOST]
    for k, t in enumerate((0.1, 0.6, 0.8, 1.0, float(sol.t[-1]))):
        i = int(np.argmin(np.abs(sol.saved_t - t)))
        rate = float(sol.rate_at(sol.saved_t[i]))
        plateau.plot(sol.v, sol.density[i], color=f"C{k}", label=f"t = {t:g}, N = {rate:.3g}")
    plateau.stairs(crowd.density[-1], crowd.grid.faces, color="k", lw=0.8, label=f"particles, t = {crowd.t[-1]:g}")
    plateau.set(xlabel="$v$", ylabel="$n$", xlim=(-1.5, 2.05), ylim=(0, 1.5), title=f"b = {AGAIN:g}: to the plateau")
    for axes in (back, away, endless, late, factor, gap, plateau):
        axes.legend(fontsize=7, loc="upper left" if axes is plateau else "best")
    return figure
