"""A step of a million neurons beside the drawing of a million normal numbers by NumPy, in turns; and its memory."""

import os
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="A step of a million neurons takes at most 1.5 times what it takes to draw a million normal numbers",
    statement=(
        "One step of `fp.simulate`, everything included (noise, leak, threshold between the steps, kicks, cascades), "
        "takes at most 1.5 times what NumPy's Generator.standard_normal(out=...) takes for as many doubles as there "
        "are neurons, on the same number of cores: one thread beside one generator, two beside two. A run takes at "
        "most 40 bytes per neuron, also when a cascade fires everybody, and gives the same bits for every number of "
        "threads. Only the ratio of the fastest step to the fastest draw, taken in turns, is held against a limit, and "
        "that of models whose laws are Python functions is shown; times belong to the machine."
    ),
    source="numpy.random.Generator (ziggurat, PCG64); memory as traced by tracemalloc",
    parameters={"neurons": "1e6", "dt": 0.01, "threads": "1 and 2; bits: 1, 2, 3"},
    alone=True,
)

NEURONS, DT = 1_000_000, 0.01
LARGEST_RATIO, MOST_BYTES = 1.5, 40.0
WARM = 2
"""First steps of a round that do not count: caches, threads."""
ROUNDS = {True: 2, False: 15}
"""For quick and full. All models take part in each, so that a busy spell of the machine hits all of them."""
TURNS, SHORT = 12, 3
"""In a round; the fastest turn of all rounds counts, as the one least disturbed."""
PAUSE = fp.ExponentialRefractory(0.1)
HELD = {
    "b = 0": {"b": 0.0},
    "b = 0.5, cascades": {"b": 0.5},
    "b = 0.5, exponential refractory state": {"b": 0.5, "refractory": PAUSE},
    "b = 0.5, activity noise": {"b": 0.5, "a1": 0.1},
    "b = −1, delay 0.1": {"b": -1.0, "delay": 0.1},
}
SHOWN = {
    "b = 0.5, random threshold": {"b": 0.5, "threshold": fp.RandomThreshold(0.05)},
    "b = 0.5, drift as a function": {"b": 0.5, "drift": lambda v: -v},
}
EVERYBODY = {"b": 3.0}, fp.gaussian(1.99, 1e-5)  # fires at once
BITS = {
    "b = 0.5": ({"b": 0.5}, fp.gaussian(1.0, 0.2)),
    "b = 3, everybody at once": EVERYBODY,
    "refractory": ({"b": 3.0, "refractory": PAUSE}, fp.gaussian(1.8, 0.01)),
    "activity noise": ({"b": 1.5, "a1": 0.5}, fp.gaussian(1.8, 0.01)),
    "random threshold": ({"b": 0.5, "threshold": fp.RandomThreshold(0.05)}, fp.gaussian(1.0, 0.2)),
}


def run(quick: bool) -> dict:
    cores = [1, 2] if (os.cpu_count() or 1) > 1 else [1]
    steady = {name: settled(laws) for name, laws in (HELD | SHOWN).items()}
    now: dict = dict(steady)
    seconds: dict = {(name, threads): {"step": [], "draw": []} for threads in cores for name in steady}
    for _ in range(ROUNDS[quick]):
        for (name, threads), turns in seconds.items():
            now[name] = in_turns((HELD | SHOWN)[name], now[name], threads, TURNS if name in HELD else SHORT, turns)
    size = {name: traced(laws, steady[name]) for name, laws in HELD.items()}
    size["everybody at once"] = traced(*EVERYBODY)
    return {"seconds": seconds, "bytes": size, "same": {name: same_bits(*case) for name, case in BITS.items()}}


def settled(laws: dict) -> fp.State:
    """The steady state, so that as many fire as in a long run; the drift that is a function is the leak as well."""
    model = fp.nnlif(**{name: law for name, law in laws.items() if name != "drift"})
    return fp.stationary_states(model)[0].state(model.grid(400))


def in_turns(laws: dict, start: object, threads: int, turns: int, seconds: dict[str, list[float]]) -> fp.ParticleState:
    """Steps and draws in turns. The input I(t) = 0, of which every step asks once, is where we come in between."""
    draw, stamps = drawing(threads), []

    def interrupt(t: float) -> float:
        entered = time.perf_counter()
        draw()
        stamps.append((entered, time.perf_counter()))
        return 0.0

    model, grid = fp.nnlif(**laws, external=interrupt), fp.nnlif(**laws).grid(100)
    options = {"save_at": [], "bins": grid, "overshoot": "none", "threads": threads}
    final = fp.simulate(model, NEURONS, start, (0.0, (turns + WARM) * DT), DT, **options).final
    entered, left = np.array(stamps[-turns - 1 :]).T
    seconds["step"] += list(entered[1:] - left[:-1])
    seconds["draw"] += list((left - entered)[1:])
    return final


def drawing(threads: int) -> Callable[[], None]:
    """Draws as many normal numbers as there are neurons, a share in each thread."""
    generators = [np.random.default_rng(seed) for seed in range(threads)]
    shares = np.array_split(np.empty(NEURONS), threads)
    pool = ThreadPoolExecutor(threads)

    def draw() -> None:
        if threads == 1:
            generators[0].standard_normal(out=shares[0])
            return
        for done in [pool.submit(g.standard_normal, out=share) for g, share in zip(generators, shares, strict=True)]:
            done.result()

    return draw


def traced(laws: dict, datum: object) -> float:
    """Bytes per neuron at the peak of a run of a few steps, the neurons themselves and what is returned included."""
    tracemalloc.start()
    try:
        fp.simulate(fp.nnlif(**laws), NEURONS, datum, (0.0, 5 * DT), DT, overshoot="none", threads=2)
        return tracemalloc.get_traced_memory()[1] / NEURONS
    finally:
        tracemalloc.stop()


def same_bits(laws: dict, datum: object) -> bool:
    """Whether 1, 2 and 3 threads give the same spikes, potentials, cascades and states of the generators."""
    runs = [
        fp.simulate(fp.nnlif(**laws), 60_000, datum, (0.0, 0.3), DT, seed=3, overshoot="none", threads=threads)
        for threads in (1, 2, 3)
    ]
    first = runs[0]
    return first.fired[-1] > 0.0 and all(
        np.array_equal(first.fired, other.fired)
        and first.final.potentials.tobytes() == other.final.potentials.tobytes()
        and first.final.release.tobytes() == other.final.release.tobytes()
        and first.final.streams.tobytes() == other.final.streams.tobytes()
        and [(jump.time, jump.generations) for jump in first.jumps]
        == [(jump.time, jump.generations) for jump in other.jumps]
        for other in runs[1:]
    )


def check(result: dict) -> list[Check]:
    checks, shown = [], []
    for (name, threads), turns in result["seconds"].items():
        step, draw = min(turns["step"]), min(turns["draw"])
        label = f"{name}, {threads} thread{'s' if threads > 1 else ''}"
        if name in HELD:
            checks.append(Check(f"{label}: step over draw", LARGEST_RATIO, step / draw, kind="at most"))
        else:
            shown.append(Check(f"{label}: step over draw (shown)", float("inf"), step / draw, kind="at most"))
        for what, value in (("neuron and step", step), ("normal number", draw)):
            shown.append(Check(f"{label}: ns a {what} (shown)", float("inf"), 1e9 * value / NEURONS, kind="at most"))
    for name, size in result["bytes"].items():
        checks.append(Check(f"{name}: bytes per neuron", MOST_BYTES, size, kind="at most"))
    for name, same in result["same"].items():
        checks.append(Check(f"{name}: 1, 2 and 3 threads give the same bits", True, same, kind="equal"))
    return checks + shown


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.5), layout="constrained")
    turns, ratios = figure.subplots(1, 2)
    for k, threads in enumerate(sorted({threads for _, threads in result["seconds"]})):
        for style, (kind, label) in zip((".-", "x--"), (("step", "step, b = 0.5"), ("draw", "draw")), strict=True):
            values = 1e9 / NEURONS * np.array(result["seconds"]["b = 0.5, cascades", threads][kind])
            least = f"{label}, {threads} of {threads}: {values.min():.2f} ns at best"
            turns.plot(values, style, color=f"C{k}", lw=0.6, ms=4, label=least)
    turns.set(xlabel="turn", ylabel="ns a neuron", title=f"{NEURONS:.0e} neurons", ylim=(0, None))
    turns.legend(fontsize=8)
    names = [*HELD, *SHOWN]
    for threads in sorted({threads for _, threads in result["seconds"]}):
        values = [min(v["step"]) / min(v["draw"]) for v in (result["seconds"][name, threads] for name in names)]
        places = np.arange(len(names)) + 0.35 * (threads - 1.5)
        ratios.barh(places, values, height=0.33, color=f"C{threads - 1}", label=f"{threads} beside {threads}")
    ratios.axvline(LARGEST_RATIO, color="k", ls="--", lw=0.8)
    ratios.axhline(len(HELD) - 0.5, color="0.7", lw=0.8)
    ratios.set_yticks(range(len(names)), names, fontsize=8)
    ratios.invert_yaxis()
    ratios.set(xlabel="fastest step over fastest draw", title="limit for the upper group: dashed")
    ratios.legend(fontsize=8)
    return figure
