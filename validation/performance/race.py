"""The race: fokkerplanck beside its peers, each item the same work in one run.

    python validation/performance/race.py [ITEM ...] [--figures FOLDER] [--results FILE]

1 transient rate of the linear problem (SciPy, py-pde, FiPy), 2 first-passage densities (PyDDM), 3 stationary rates and
fixed points (NNMT), 4 neurons one by one (Brian2, NEST, NumPy), 5 transient rate of the nonlinear problem (SciPy).

Every peer gets a virtual environment of its own in a temporary folder, filled from the package registry; one that does
not install or run is skipped with a sentence. A time is the shortest of several runs, of one processor; what compiles
or is imported has been called before. Exits 0: whether a bar is held is printed, for a machine in use decides it too.
"""

import argparse
import platform
import sys
from pathlib import Path

from race import nonlinear, particles, passages, rates, transient
from race.environments import Environments

ITEMS = {1: transient.run, 2: passages.run, 3: rates.run, 4: particles.run, 5: nonlinear.run}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", type=int, nargs="*", metavar="ITEM", help="1 to 5; default: all")
    parser.add_argument("--figures", type=Path, help="folder for a figure of every item")
    parser.add_argument("--results", type=Path, help="text file for what is printed")
    options = parser.parse_args()
    if unknown := set(options.items) - set(ITEMS):
        parser.error(f"there is no item {min(unknown)}; choose from 1 to 5")
    return options


def main() -> int:
    options = parsed()
    parts = [f"{platform.machine()}, Python {platform.python_version()}, one processor\n"]
    print(parts[0])
    with Environments() as environments:
        for number in sorted(set(options.items) or ITEMS):
            item = ITEMS[number](environments)
            item.remarks += [f"{name}: {reason}" for name, reason in environments.skipped.items()]
            environments.skipped.clear()
            parts.append(item.text())
            print(parts[-1], flush=True)
            if options.figures:
                from race.figures import draw

                options.figures.mkdir(parents=True, exist_ok=True)
                draw(item, options.figures / f"race-{number}.png")
    if options.results:
        options.results.parent.mkdir(parents=True, exist_ok=True)
        options.results.write_text("\n".join(parts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
