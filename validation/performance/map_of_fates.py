"""Ten thousand solutions: the map of fates, 100 × 100 points of (b, initial mean) on 400 cells, and what it costs.

    python validation/performance/map_of_fates.py [--points 100] [--workers N] [--folder DIR] [--figure FILE.png]

Prints the seconds from the call of `fp.sweep` to its table, with the start of the processes, the estimate of the error
at every point and the certified region; steps and outcomes; and how far some points are from the same run by itself.
Exits 1 if 100 × 100 points take more than 60 s, or a point is not its own run.
"""

import argparse
import os
import sys
import time
from collections import Counter

import numpy as np

import fokkerplanck as fp
from fokkerplanck.plotting import plot_fates

LIMIT, TOLERANCE = 60.0, 1e-6
MODEL, END = fp.nnlif(b=0.0), 30.0


def datum(mean: float):
    return fp.compatible_gaussian(mean, 0.05)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100, help="along each axis")
    parser.add_argument("--workers", type=int, help="processes; default: one per processor")
    parser.add_argument("--folder", help="where finished pieces are kept, so that it can be interrupted")
    parser.add_argument("--figure", help="file to draw the map to")
    words = parser.parse_args()
    b, means = np.linspace(-0.5, 3.5, words.points), np.linspace(-1.0, 1.9, words.points)
    grid = MODEL.grid(400, v_min=-6.5, finest=1e-4)
    begun = time.perf_counter()
    table = fp.sweep(
        MODEL, {"b": b, "initial.mean": means}, initial=datum(0.0), t_span=(0.0, END), grid=grid,
        metrics=["status", "t_star", "rate", "steps", "error"], workers=words.workers, folder=words.folder,
        progress=True,
    )  # fmt: skip
    certified = b[:, None] >= np.array([fp.certified_connectivity(MODEL, datum(float(mean))) for mean in means])
    seconds = time.perf_counter() - begun
    status, steps = np.asarray(table["status"]), np.asarray(table["steps"])
    count = dict(Counter(status.ravel().tolist()))
    print(f"{status.size} points on {grid.cells} cells, {words.workers or os.cpu_count()} processes: {seconds:.1f} s")
    print(f"{1e3 * seconds / status.size:.2f} ms a point, {steps.mean():.0f} steps on average; {count}")
    blown = status == "blow-up"
    print(
        f"certified: {certified.sum()}, of which blow up: {np.sum(certified & blown)}; blow-ups in all: {blown.sum()}"
    )
    error = np.asarray(table["error"])
    print(
        f"estimated relative error of N: median {np.nanmedian(error):.1e}, 90 % below {np.nanquantile(error, 0.9):.1e}"
    )
    worst = 0.0
    for k in np.random.default_rng(0).choice(status.size, min(10, status.size), replace=False):
        i, j = divmod(int(k), words.points)
        sol = fp.solve(
            fp.nnlif(b=float(b[i])), datum(float(means[j])), (0.0, END), grid=grid, rtol=1e-4, atol=1e-7, save_at=[],
            stop_when=[fp.Steady(1e-6)], max_step=1.0,
        )  # fmt: skip
        alone = {name: fp.METRICS[name](sol) for name in ("status", "t_star", "rate")}
        name = "t_star" if sol.blow_up is not None else "rate"
        same = alone["status"] == status[i, j]
        worst = max(worst, abs(np.asarray(table[name])[i, j] / alone[name] - 1.0) if same else np.inf)
    print(f"ten points by themselves: t* or N differ by at most {worst:.1e}")
    if words.figure:
        labels = ("connectivity $b$", "initial mean")
        plot_fates(table, certified=certified, labels=labels).savefig(words.figure, dpi=150)
    late = words.points == 100 and seconds > LIMIT and not words.folder
    return int(late or not worst <= TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
