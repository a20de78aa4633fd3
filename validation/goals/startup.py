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
    title="Help and import in 0.3 s, a first solve in 3 s, in 1 s once the kernels are kept",
    statement=(
        "`--help` and `import fokkerplanck` compile and load nothing heavy. The first solve on a machine compiles the "
        "kernels and keeps them on disk; every later process finds them. Whole processes, Python's own start included: "
        "of wall and processor time the smaller, since a busy machine stretches the one and several threads the other; "
        "of several processes the fastest."
    ),
    source="limits: 0.3 s is felt as an answer at once; 3 s is what a first user waits without wondering",
    parameters={"help, import": "≤ 0.3 s", "first solve": "≤ 3 s", "with kept kernels": "≤ 1 s"},
)

SOLVE = (
    "import fokkerplanck as fp\n"
    "sol = fp.solve(fp.nnlif(b=0.5), fp.gaussian(0.0, 0.25), (0.0, 1.0))\n"
    "assert sol.status is fp.Status.FINISHED\n"
)
# label: (limit in seconds, arguments of Python)
STARTS = {
    "--help": (0.3, ["-m", "fokkerplanck", "--help"]),
    "import": (0.3, ["-c", "import fokkerplanck"]),
    "first solve": (3.0, ["-c", SOLVE]),
    "solve with kept kernels": (1.0, ["-c", SOLVE]),
}


def run(quick: bool) -> dict[str, list[float]]:
    repeats = 1 if quick else 5
    seconds: dict[str, list[float]] = {label: [] for label in STARTS}
    for _ in range(1 if quick else 3):
        with tempfile.TemporaryDirectory() as cache:
            seconds["first solve"].append(timed("first solve", cache))
            for label in ("--help", "import", "solve with kept kernels"):
                seconds[label] += [timed(label, cache) for _ in range(repeats)]
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
    return [
        Check(f"seconds: {label}", limit, min(result[label]), 0.0, "at most") for label, (limit, _) in STARTS.items()
    ]


def plot(result: dict[str, list[float]]):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.subplots()
    for k, (label, (limit, _)) in enumerate(STARTS.items()):
        axes.plot([limit, limit], [k - 0.35, k + 0.35], color="C2", lw=3, label="limit" if k == 0 else None)
        axes.plot(result[label], [k] * len(result[label]), "C0o", markersize=5, label="measured" if k == 0 else None)
    axes.set_yticks(range(len(STARTS)), STARTS)
    axes.set(xlabel="seconds", xscale="log", title="time of whole processes")
    axes.legend(loc="lower right")
    return figure
