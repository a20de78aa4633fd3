"""The explorer in headless Chromium: how long until the first plot, and until the plot after a move of a slider.

    python validation/performance/explorer.py [--moves N] [--screenshot FILE.png]

Prints name, value, unit and limit, and ends with 1 if a limit is exceeded, a console complains or another host is
asked. Wall time, in which everything else that runs on the machine counts: its load is printed too, and on Linux the
processor time that server and browser take for a move. Needs the extras `app` and `browser`, and Chromium on the path.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "explore"))
from browsing import Visitor, chromium, explorer
from playwright.sync_api import sync_playwright

from fokkerplanck.explore.presets import PRESETS

FIRST_PLOT, SLIDER_MOVE = 6.0, 600.0
MOVED = ("two-steady-states", "blow-up-by-concentration", "random-threshold-rhythm", "excitatory-inhibitory")
PAUSE = 0.3
"""Seconds between two moves: a hand that moves a slider step by step."""
Row = tuple[str, float, str, float]


def seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def moves(visitor: Visitor, count: int) -> list[float]:
    """Milliseconds from a key on the first slider to the new plot."""
    slider = visitor.page.get_by_role("slider").first
    slider.focus()
    times = []
    for _ in range(count):
        time.sleep(PAUSE)
        times.append(1e3 * seconds(lambda: visitor.drawn(lambda: visitor.page.keyboard.press("ArrowRight"))))
    return times


def processor_time() -> dict[str, float]:
    """Milliseconds that the server, and the browser with all that drives it, have taken so far; on Linux only."""
    parents, taken, names = {}, {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = stat.read_text().rsplit(")", 1)
        except OSError:  # it has ended
            continue
        fields, pid = rest.split(), int(stat.parent.name)
        parents[pid], names[pid] = int(fields[1]), name.split("(", 1)[1]
        taken[pid] = 1e3 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ours(pid: int) -> bool:
        return pid in parents and (parents[pid] == os.getpid() or ours(parents[pid]))

    total = {"server": 0.0, "browser": 0.0}
    for pid in filter(ours, taken):
        total["server" if names[pid].startswith(("python", "fokkerplanck")) else "browser"] += taken[pid]
    return total if taken else {}


def rows(count: int, screenshot: Path) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder, explorer() as (address, _), sync_playwright() as playwright:
        visitor = Visitor(playwright, Path(folder) / "profile", chromium())
        yield "first plot", seconds(lambda: visitor.open(address)), "s", FIRST_PLOT
        for name in MOVED:
            if name != "two-steady-states":  # the first page
                choose = visitor.page.get_by_label("Theorem").select_option
                visitor.drawn(lambda choose=choose, name=name: choose(label=PRESETS[name].title))
            before = processor_time()
            times = moves(visitor, count)
            after = processor_time()
            yield f"slider move, {name}, median of {count}", statistics.median(times), "ms", SLIDER_MOVE
            yield f"slider move, {name}, longest", max(times), "ms", float("inf")
            for who in before:
                yield f"processor time of the {who}, {name}", (after[who] - before[who]) / count, "ms", float("inf")
        visitor.page.screenshot(path=screenshot)
        yield "console errors", len(visitor.complaints), "-", 0
        yield "other hosts asked", len(visitor.hosts - {"127.0.0.1"}), "-", 0
        visitor.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=12, help="of each slider; 12 unless given")
    parser.add_argument("--screenshot", type=Path, default=Path(tempfile.gettempdir()) / "explorer.png")
    options = parser.parse_args()
    kept = True
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    for name, value, unit, limit in rows(options.moves, options.screenshot):
        kept &= value <= limit
        bound = "" if limit == float("inf") else f"limit {limit:g}{'' if value <= limit else '  EXCEEDED'}"
        print(f"{name:58s} {value:10.4g} {unit:3s} {bound}", flush=True)
    print(f"load {os.getloadavg()[0]:.1f}; screenshot: {options.screenshot}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
