"""Make the notebooks: run each lesson, with the pictures it shows, and write the .ipynb beside its .py.

    python notebooks/build.py [02 07 ...]    lessons whose names begin so, and their solutions; default: all

Needs the extra `notebooks`. The .py file in percent format is the source; the notebook is never edited by hand.
"""

import os
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from tqdm import tqdm

from fokkerplanck.storage import atomic_write

HERE = Path(__file__).resolve().parent
LIMIT = 30.0
"""Seconds that a lesson may take, with the start of its kernel."""
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def main(beginnings: list[str]) -> None:
    # As in the tests: lessons are compared, and timed, with one thread of linear algebra.
    os.environ["OMP_NUM_THREADS"] = "1"
    for source in tqdm([path for path in sources() if path.name.startswith(tuple(beginnings or [""]))]):
        build(source)


def sources() -> list[Path]:
    """Every lesson, and every file of solutions."""
    return sorted(HERE.glob("[0-9]*.py")) + sorted(HERE.glob("solutions/[0-9]*.py"))


def build(source: Path) -> None:
    """Run `source` and write it with its output; refuse what fails or takes too long."""
    notebook = jupytext.read(source, fmt="py:percent")
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # else random: every build would change every file
    notebook.metadata = {"kernelspec": KERNEL}
    start = time.perf_counter()
    place = {"metadata": {"path": str(source.parent)}}
    NotebookClient(notebook, timeout=600, resources=place).execute()
    seconds = time.perf_counter() - start
    if seconds > LIMIT:
        sys.exit(f"{source.name} takes {seconds:.0f} s; a lesson takes {LIMIT:.0f} s at most.")
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # the hours of the day
    notebook.metadata = {"kernelspec": KERNEL, "seconds": round(seconds, 1)}
    with atomic_write(source.with_suffix(".ipynb")) as file:
        file.write((nbformat.writes(notebook, version=4) + "\n").encode())


if __name__ == "__main__":
    main(sys.argv[1:])
