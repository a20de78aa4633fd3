"""The regression watch: what a step, a start and a lane cost, beside what they cost when it was last looked at.

    python validation/performance/watch.py [--keep] [--only PART]

Prints name, value, unit, and the kept value with the change. `--keep` writes the values to results/watch.txt, which is
part of the repository: a change of the code then shows what it did. Seconds belong to a machine, and so the kernels
are measured against a loop of divisions in the same process: their ratios carry over. Processor time, best of several.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numba
import numpy as np
from scipy.sparse import eye_array

import fokkerplanck as fp
from fokkerplanck.operators.affine_weights import affine_backward_euler, affine_backward_euler_lane
from fokkerplanck.steppers.protocol import Tolerance

KEPT = Path(__file__).parent / "results" / "watch.txt"
CELLS = 400
NOTICED = 0.1
"""Changes beyond this share are marked."""
Row = tuple[str, float, str]


def best(work: Callable[[], object], least: float = 0.05, tries: int = 5) -> float:
    """Seconds of processor time of one call, the fastest of several turns of at least `least` seconds."""
    work()
    begun = time.process_time()
    work()
    repeats = max(1, int(least / max(time.process_time() - begun, 1e-7)))
    turns = []
    for _ in range(tries):
        begun = time.process_time()
        for _ in range(repeats):
            work()
        turns.append((time.process_time() - begun) / repeats)
    return min(turns)


@numba.njit(error_model="numpy")
def divide(above: np.ndarray, below: np.ndarray, out: np.ndarray, repeats: int) -> None:
    for _ in range(repeats):
        for i in range(out.size):
            out[i] = above[i] / below[i]


def division() -> float:
    """Nanoseconds of one division in a vectorised loop whose arrays stay in the nearest cache."""
    above, below, out = np.ones(1024), np.full(1024, 3.0), np.empty(1024)
    return 1e9 * best(lambda: divide(above, below, out, 100), tries=9) / (100 * out.size)


def kernel_step(lanes: int, cells: int = CELLS, diffusion: float = 1.0) -> Callable[[], object]:
    """One step of the compiled kernel, nothing else."""
    model = fp.nnlif(b=0.5)
    grid = model.grid(cells, v_min=-4.0)
    unknowns = np.concatenate([grid.v[:1], grid.v, [grid.V_F]])
    drift, distance = -0.5 * (unknowns[1:] + unknowns[:-1]), np.append(1.0, np.diff(unknowns)[1:])
    n = np.repeat(fp.gaussian(0.0, 0.25).cell_averages(grid)[:, None], lanes, axis=1)
    ones, rate, source = np.ones(lanes), np.empty(lanes), np.empty(lanes)
    step = affine_backward_euler_lane if lanes == 1 else affine_backward_euler
    reset, current = grid.deposit(model.V_R), np.linspace(-1.0, 1.0, lanes)
    constants = drift, current, distance, diffusion * ones, grid.width, *reset, 0.0 * ones, ones, 0.0 * ones
    return lambda: step(n, *constants, 1000.0 * ones, rate, source)


def kernels() -> Iterator[Row]:
    one = division()
    yield "division", one, "ns"
    for lanes in (1, 8, 64, 256):
        nanoseconds = 1e9 * best(kernel_step(lanes), tries=9) / (CELLS * lanes)
        yield f"kernel, {lanes} lanes", nanoseconds, "ns/cell/step"
        yield f"kernel, {lanes} lanes, over a division", nanoseconds / one, "divisions"
        # Of the two divisions that weight and pivot take when written down; the weight has none where Péclet is ≤ 1.
        yield f"kernel, {lanes} lanes, share of division throughput", 2.0 * one / nanoseconds, "-"
    for peclet in (2.0, 20.0):
        nanoseconds = 1e9 * best(kernel_step(64, diffusion=5.0 * 6.0 / CELLS / peclet)) / (CELLS * 64)
        yield f"kernel, 64 lanes, Péclet number {peclet:g}", nanoseconds, "ns/cell/step"


def system_of(lanes: int, cells: int) -> tuple:
    """Lanes that do not feel each other, each its own population with b = 1/2."""
    neuron = fp.nnlif(b=0.5) if lanes == 1 else fp.nnlif(b=0.0)
    coupling = fp.SynapseMatrix(eye_array(lanes, format="csr") * 0.5) if lanes > 1 else None
    model = fp.ExtendedPopulation(coupling, neuron) if lanes > 1 else neuron
    grid = model.grid(cells, v_min=-4.0)
    system = fp.ScharfetterGummel().discretize(model, grid)
    averages = fp.compatible_gaussian(0.0, 0.25).cell_averages(grid)
    y = system.pack(averages if lanes == 1 else np.tile(averages, (lanes, 1)))
    system.close(y, 0.0)
    return system, y


def steppers() -> Iterator[Row]:
    for lanes in (1, 8, 64, 256):
        system, y = system_of(lanes, CELLS)
        for stepper in (fp.BackwardEuler(1e-3), fp.Rodas5P()):
            seconds = best(lambda stepper=stepper, system=system, y=y: stepper.step(system, y, 0.0, 1e-3, Tolerance()))
            yield f"{type(stepper).__name__}, {lanes} lanes", 1e9 * seconds / (CELLS * lanes), "ns/cell/step"


def growth() -> Iterator[Row]:
    """Seconds a step over cells and over lanes; their slopes in logarithms are 1 where the cost is linear."""
    cells = 100 * 2 ** np.arange(9)
    lanes = 4 ** np.arange(7)
    for name, sizes in (("cells, 64 lanes", cells), ("lanes, 400 cells", lanes)):
        by_cells = name.startswith("cells")
        seconds = []
        for size in sizes:
            work = kernel_step(64, int(size)) if by_cells else kernel_step(int(size))
            seconds.append(best(work, tries=3))
            yield f"kernel, {size} {name}", 1e6 * seconds[-1], "µs/step"
        # Without the smallest: a call takes a microsecond whatever the size. And what no longer fits into the caches,
        # 64 lanes of more than some 6400 cells, waits for the memory.
        for kind, most in (("", 6400), (", to the largest", sizes[-1])):
            many = (sizes >= (400 if by_cells else 16)) & (sizes <= most)
            if kind and most <= 6400:
                continue
            slope = np.polyfit(np.log(sizes[many]), np.log(np.array(seconds)[many]), 1)[0]
            yield f"kernel, growth with the {name}{kind}", float(slope), "exponent"


def memory() -> Iterator[Row]:
    """Bytes a cell and lane that one system takes, and one step at its peak, beside a count by hand.

    A system has ten arrays: three responses, hazard, loss and its change, two weights, pivots, what leaves. Then there
    are the old and the new density, and for Rodas5P eight stages, the state of one, two sums, and three of the dense
    output. (The compiled step of backward Euler takes half a megabyte more, however many the lanes.)
    """
    for stepper, arrays in ((fp.BackwardEuler(1e-3), 10 + 2), (fp.Rodas5P(), 10 + 2 + 8 + 1 + 2 + 3)):
        taken = []
        for cells in (400, 800):
            system, y = system_of(64, cells)
            stepper.step(system, y, 0.0, 1e-3, Tolerance())  # what is taken once, for all runs
            del system, y
            tracemalloc.start()
            system, y = system_of(64, cells)
            stepper.step(system, y, 0.0, 1e-3, Tolerance())
            taken.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        yield f"memory by hand, {type(stepper).__name__}", 8.0 * arrays, "bytes/cell/lane"
        yield f"memory, {type(stepper).__name__}", (taken[1] - taken[0]) / (400 * 64), "bytes/cell/lane"


RUN = """
import json, sys, tracemalloc
import fokkerplanck as fp
model = fp.nnlif(b=0.5)
def run(steps, stepper):
    tracemalloc.start()
    fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 1e-3 * steps), model.grid(100), stepper=stepper, save_at=[],
             estimate_error=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak
run(100, fp.BackwardEuler(1e-3)), run(100, fp.Rodas5P())
print(json.dumps([run(int(s), fp.BackwardEuler(1e-3)) for s in (1e4, 1e5)] + [run(int(s), fp.Rodas5P()) for s in
      (1e4, 1e5)]))
"""


def long_runs() -> Iterator[Row]:
    """Peak memory of runs to t = 10 and t = 100; per step only times, rates and pools are kept."""
    names = ["BackwardEuler, 1e4 steps", "BackwardEuler, 1e5 steps", "Rodas5P, to t = 10", "Rodas5P, to t = 100"]
    peaks = json.loads(process(["-c", RUN]).stdout)
    for name, peak in zip(names, peaks, strict=True):
        yield f"peak of a long run, {name}", 1e-6 * peak, "MB"
    yield "growth of a long run, BackwardEuler", (peaks[1] - peaks[0]) / 9e4, "bytes/step"


SOLVE = "import fokkerplanck as fp; fp.solve(fp.nnlif(b=0.5), fp.gaussian(0.0, 0.25), (0.0, 1.0){})"
STARTS = {
    "numpy, scipy and numba alone": ["-c", "import numpy, scipy.optimize, scipy.interpolate, numba"],
    "fokkerplanck --help": ["-m", "fokkerplanck", "--help"],
    "import fokkerplanck": ["-c", "import fokkerplanck"],
    "first solve": ["-c", SOLVE.format("")],
    "first solve, backward Euler": ["-c", SOLVE.format(", fp.nnlif(b=0.5).grid(400), stepper=fp.BackwardEuler(0.01)")],
}


def process(arguments: list[str], **environment: str) -> subprocess.CompletedProcess:
    paths = {"PYTHONPATH": str(Path(fp.__file__).resolve().parent.parent)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=os.environ | paths | environment, check=True, capture_output=True, text=True)


def starts() -> Iterator[Row]:
    """Whole processes; the kernels are on disk. Processor time where the system counts it, as others may be busy."""
    with tempfile.TemporaryDirectory() as cache:
        for name, arguments in STARTS.items():
            process(arguments, NUMBA_CACHE_DIR=cache)
            seconds = []
            for _ in range(5):
                before, wall = os.times(), time.perf_counter()
                process(arguments, NUMBA_CACHE_DIR=cache)
                after, wall = os.times(), time.perf_counter() - wall
                used = after.children_user + after.children_system - before.children_user - before.children_system
                seconds.append(min(wall, used) if os.name == "posix" else wall)
            yield f"start, {name}", min(seconds), "s"


PARTS = {
    "kernels": kernels,
    "steppers": steppers,
    "growth": growth,
    "memory": memory,
    "long_runs": long_runs,
    "starts": starts,
}


def kept() -> dict[str, tuple[str, str]]:
    """Value and unit of every name in the repository."""
    lines = KEPT.read_text(encoding="utf-8").splitlines() if KEPT.exists() else []
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return {name: (value, unit) for name, value, unit in rows}


def show(rows: Iterator[Row], before: dict[str, tuple[str, str]]) -> Iterator[Row]:
    for name, value, unit in rows:
        change = ""
        if name in before:
            old = float(before[name][0])
            share = value / old - 1.0
            change = f"{old:12.4g} {share:+7.0%}{'  <' if abs(share) > NOTICED else ''}"
        print(f"{name:55s} {value:12.4g} {unit:16s} {change}", flush=True)
        yield name, value, unit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="write the values to results/watch.txt")
    parser.add_argument("--only", choices=PARTS, help="one part; `--keep` then leaves the others as they are")
    options = parser.parse_args()
    before = kept()
    rows = dict(before) if options.only else {}
    for part in [options.only] if options.only else PARTS:
        for name, value, unit in show(PARTS[part](), before):
            rows[name] = (f"{value:.4g}", unit)
    if options.keep:
        lines = ["# name, value, unit; written by validation/performance/watch.py --keep"]
        lines += ["\t".join((name, *row)) for name, row in rows.items()]
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
