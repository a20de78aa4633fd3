"""What each scheme and stepper costs, and what error it buys: one machine, one run, processor time, best of several.

    python validation/performance/schemes.py [--keep]

Three tables. A step: nanoseconds a cell or node of one population, beside those of backward Euler with
Scharfetter–Gummel in the same run, and bytes a cell while it is made. A run: largest relative error of N(t) and
milliseconds. What it takes to an error: the fastest setting of each pair that gets below it; and the order at which
the error falls from the first setting to the last. `--keep` writes them to results/schemes.txt, which the
documentation shows; seconds belong to the machine, ratios carry over.
"""

import argparse
import platform
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from race.clock import fastest
from watch import best

import fokkerplanck as fp
from fokkerplanck.operators.schemes import FLUX_SCHEMES
from fokkerplanck.steppers.protocol import Tolerance

KEPT = Path(__file__).parent / "results" / "schemes.txt"
CELLS = 400
MODEL, SILENT = fp.nnlif(b=0.5), fp.nnlif(b=0.5, a0=0.0, external=3.0)
DATUM, EARLY = fp.compatible_gaussian(0.0, 0.25), fp.compatible_gaussian(0.0, 0.05)
T, TIMES = 2.0, np.linspace(0.25, 2.0, 71)
NAMES = {name: scheme() for name, scheme in FLUX_SCHEMES.items()}
LIMITS = (1e-2, 1e-3, 1e-4, 1e-6, 1e-8)


# -- a step -----------------------------------------------------------------------------------------------------


def pairs() -> Iterator[tuple[str, str, fp.Population, Any, Any, Any]]:
    """Names of scheme and stepper, model, scheme, grid, stepper."""
    graded, equal = MODEL.grid(CELLS, v_min=-4.0, finest=5e-3), MODEL.grid(CELLS, v_min=-4.0)
    for name, scheme in NAMES.items():
        yield name, "backward Euler", MODEL, scheme, graded, fp.BackwardEuler(1e-3)
        yield name, "Rodas5P", MODEL, scheme, graded, fp.Rodas5P()
    for accuracy in (1e-4, 1e-8):
        spectral = fp.Spectral(accuracy)
        elements = spectral.default_grid(MODEL, DATUM, (0.0, T))
        yield f"spectral, degree {elements.degree}", "Rodas5P", MODEL, spectral, elements, fp.Rodas5P()
    yield "scharfetter-gummel", "SSP-RK3", MODEL, fp.ScharfetterGummel(), equal, fp.SspRk3(1e-5)
    yield "weno-5", "SSP-RK3", MODEL, fp.Weno5(), equal, fp.SspRk3(1e-5)
    yield "upwind, no noise", "SSP-RK3", SILENT, fp.Upwind(), SILENT.grid(CELLS, v_min=-1.0), fp.SspRk3(1e-4)
    yield "van-leer, no noise", "SSP-RK3", SILENT, fp.VanLeer(), SILENT.grid(CELLS, v_min=-1.0), fp.SspRk3(1e-4)


def step_of(model: fp.Population, scheme: Any, grid: Any, stepper: Any) -> Callable[[], object]:
    """One step from the same state; what is prepared once is not in it."""
    system = scheme.discretize(model, grid)
    datum = EARLY if model is SILENT else DATUM
    averages = datum.value(grid.v, grid.V_F) if isinstance(scheme, fp.Spectral) else datum.cell_averages(grid)
    y = system.pack(averages)
    system.close(y, 0.0)
    dt = getattr(stepper, "dt", None) or 1e-3
    assert stepper.step(system, y, 0.0, dt, Tolerance()) is not None
    return lambda: stepper.step(system, y, 0.0, dt, Tolerance())


def steps() -> Iterator[str]:
    yield f"A step: one population, {CELLS} cells (spectral: as many nodes as the accuracy takes)"
    yield ""
    yield f"{'scheme':24s}{'stepper':18s}{'unknowns':>9s}{'µs/step':>9s}{'ns/cell':>9s}{'ratio':>7s}{'bytes/cell':>12s}"
    unit = None
    rows = [(name, kind, len(rest[2].v), step_of(*rest)) for name, kind, *rest in pairs()]
    measured = {(name, kind): 1e9 * best(work) / cells for name, kind, cells, work in rows}
    unit = measured["scharfetter-gummel", "backward Euler"]
    for (name, kind, *rest), (_, _, cells, _) in zip(pairs(), rows, strict=True):
        each = measured[name, kind]
        yield (
            f"{name:24s}{kind:18s}{cells:9d}{each * cells / 1e3:9.1f}{each:9.1f}{each / unit:7.2f}{memory(*rest):12.0f}"
        )


def memory(*parts: Any) -> float:
    """Bytes a cell of a system that is ready and one step of it, at their peak."""
    step_of(*parts)()  # what is taken once, for all runs
    tracemalloc.start()
    work = step_of(*parts)
    tracemalloc.reset_peak()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / len(parts[2].v)


# -- a run ------------------------------------------------------------------------------------------------------


def settings() -> Iterator[tuple[str, str, str, float, dict[str, Any]]]:
    """Names of scheme and stepper, the setting in words and as cells or steps, options of `solve`."""
    for name, scheme in NAMES.items():
        for cells, rtol in ((100, 1e-4), (400, 1e-5), (1600, 1e-6), (6400, 1e-7)):
            grid = MODEL.grid(cells, v_min=-6.0, finest=2.0 / cells)
            yield (
                name,
                "Rodas5P",
                f"{cells} cells, rtol {rtol:g}",
                cells,
                {"grid": grid, "scheme": scheme, "rtol": rtol},
            )
    grid = MODEL.grid(1600, v_min=-6.0, finest=2.0 / 1600)
    for dt in (1e-1, 1e-2, 1e-3, 1e-4):
        stepper = fp.BackwardEuler(dt)
        yield (
            "scharfetter-gummel",
            "backward Euler",
            f"1600 cells, dt {dt:g}",
            1.0 / dt,
            {"grid": grid, "stepper": stepper},
        )
    for cells in (100, 200):
        grid = MODEL.grid(cells, v_min=-6.0)
        yield (
            "weno-5",
            "SSP-RK3",
            f"{cells} equal cells",
            cells,
            {"grid": grid, "scheme": fp.Weno5(), "stepper": fp.SspRk3()},
        )
    for rtol in (1e-2, 1e-3, 1e-5, 1e-7, 1e-9):
        yield "spectral", "Rodas5P", f"rtol {rtol:g}", 0.0, {"rtol": rtol}


def runs() -> Iterator[str]:
    yield f"A run: N(t) of b = 0.5 to t = {T:g}; largest relative error over {TIMES[0]:g} ≤ t ≤ {T:g}"
    yield ""
    yield f"{'scheme':24s}{'stepper':18s}{'setting':26s}{'error':>9s}{'ms':>9s}"
    exact = solved(rtol=1e-11, atol=1e-14).rate_at(TIMES)
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for name, kind, setting, size, options in settings():
        seconds, solution = fastest(lambda options=options: solved(**options), repeats=5)
        error, milliseconds = float(np.max(np.abs(solution.rate_at(TIMES) / exact - 1.0))), 1e3 * seconds
        found.setdefault((name, kind), []).append((error, milliseconds, size))
        yield f"{name:24s}{kind:18s}{setting:26s}{error:9.1e}{milliseconds:9.3g}"
    yield ""
    yield "Milliseconds of the fastest of these settings whose error is below, and the order in cells or steps"
    yield ""
    yield f"{'scheme':24s}{'stepper':18s}" + "".join(f"{limit:9.0e}" for limit in LIMITS) + "    order"
    for (name, kind), points in found.items():
        least = [min((ms for error, ms, _ in points if error <= limit), default=None) for limit in LIMITS]
        times = "".join(f"{'–' if ms is None else f'{ms:.3g}':>9s}" for ms in least)
        yield f"{name:24s}{kind:18s}{times}{order(points):>9s}"


def order(points: list[tuple[float, float, float]]) -> str:
    """From the first setting to the last; none of what does not converge algebraically."""
    (first, _, few), (last, _, many) = points[0], points[-1]
    return f"{np.log(first / last) / np.log(many / few):.2f}" if few else "–"


def solved(**options: Any) -> fp.Solution:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FokkerPlanckWarning)  # coarse grids are told that they are
        return fp.solve(MODEL, DATUM, (0.0, T), save_at=[], estimate_error=False, **options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="write the tables to results/schemes.txt")
    options = parser.parse_args()
    version = f"{platform.machine()}, Python {platform.python_version()}, one processor; fokkerplanck {fp.__version__}"
    lines = [f"{version}; written by validation/performance/schemes.py --keep"]
    for table in (steps, runs):
        lines.append("")
        print()
        for line in table():
            print(line, flush=True)
            lines.append(line.rstrip())
    if options.keep:
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
