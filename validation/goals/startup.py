"""How long it takes to begin: help, import, a machine's first solve, and the first solve of every later process."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Help and import at once; a first solve that is short, and shorter once the kernels are kept",
    statement=(
        "`--help` and `import fokkerplanck` compile and load nothing heavy. The first solve on a machine compiles the "
        "kernels and keeps them on disk; every later process finds them. Whole processes, Python's own start included: "
        "of wall and processor time the smaller, since a busy machine stretches the one and several threads the other; "
        "of several processes the fastest. Only the ratio to a process that does nothing but load NumPy, SciPy and "
        "numba, started in turns with ours, is held against a limit; the seconds belong to the machine and are shown."
    ),
    source=(
        "aims: 0.3 s is felt as an answer at once, 3 s is what a first user waits without wondering, 1 s later; "
        "where the libraries take their usual 0.6 s these are the limits (the last with a reserve of a fifth)"
    ),
    parameters={"help, import": "≤ 0.5", "first solve": "≤ 5", "with kept kernels": "≤ 2", "unit": "the libraries"},
    alone=True,
)

SOLVE = (
    "import fokkerplanck as fp\n"
    "sol = fp.solve(fp.nnlif(b=0.5), fp.gaussian(0.0, 0.25), (0.0, 1.0))\n"
    "assert sol.status is fp.Status.FINISHED\n"
)
LIBRARIES = "import numpy, scipy.linalg, scipy.special, scipy.sparse, scipy.interpolate, scipy.optimize, numba"
# label: (largest ratio to the libraries, arguments of Python)
STARTS = {
    "--help": (0.5, ["-m", "fokkerplanck", "--help"]),
    "import": (0.5, ["-c", "import fokkerplanck"]),
    "libraries": (1.0, ["-c", LIBRARIES]),
    "first solve": (5.0, ["-c", SOLVE]),
    "solve with kept kernels": (2.0, ["-c", SOLVE]),
}


def run(quick: bool) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {label: [] for label in STARTS}
    for _ in range(1 if quick else 3):
        with tempfile.TemporaryDirectory() as cache:
            seconds["first solve"].append(timed("first solve", cache))
            for label in (3 if quick else 5) * [label for label in STARTS if label != "first solve"]:
                seconds[label].append(timed(label, cache))
    return seconds


def timed(label: str, cache: str) -> float:
    """Seconds of one process that keeps its kernels in the folder `cache`."""
    package = str(Path(fp.__file__).resolve().parent.parent)
    environment = os.environ | {"PYTHONPATH": package, "NUMBA_CACHE_DIR": cache}
    command = [sys.executable, *STARTS[label][1]]
    wall, processor = time.perf_counter(), processor_time()
    subprocess.run(command, env=environment, cwd=cache, check=True, stdout=subprocess.DEVNULL)
    return min(time.perf_counter() - wall, processor_time() - processor)


def processor_time() -> float:
    """Of the processes that were waited for; where there is no such count, nothing that is ever the smaller."""
    times = os.times()
    return times.children_user + times.children_system if os.name == "posix" else 2.0 * time.perf_counter()


def check(result: dict[str, list[float]]) -> list[Check]:
    libraries = min(result["libraries"])
    return [
        Check(f"ratio: {label}", limit, min(result[label]) / libraries, 0.0, "at most")
        for label, (limit, _) in STARTS.items()
        if label != "libraries"
    ]


def plot(result: dict[str, list[float]]):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.subplots()
    for k, (label, (ratio, _)) in enumerate(STARTS.items()):
        limit = ratio * min(result["libraries"])
        axes.plot([limit, limit], [k - 0.35, k + 0.35], color="C2", lw=3, label="limit" if k == 0 else None)
        axes.plot(result[label], [k] * len(result[label]), "C0o", markersize=5, label="measured" if k == 0 else None)
    axes.set_yticks(range(len(STARTS)), STARTS)
    axes.set(xlabel="seconds", xscale="log", title="time of whole processes")
    axes.legend(loc="lower right")
    return figure
