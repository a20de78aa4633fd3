"""Sphinx reads what lies below docs/: the lessons are copied there, with a page that lists them."""

from pathlib import Path

INDEX = """# Lessons

Each lesson asks a question to predict first, writes the method by hand, calls the library, and asserts the theorem.
They are notebooks in the folder `notebooks/` of the repository, shown here with their outputs; each runs in half a
minute or less.
"""
SOLUTIONS = """## Solutions

Of the exercises, on paper and on the computer. They are better looked at afterwards.
"""


def copy(notebooks: Path, target: Path) -> None:
    """Make `target` hold the notebooks, their solutions, and index.md, and nothing else."""
    lessons, solutions = sorted(notebooks.glob("*.ipynb")), sorted(notebooks.glob("solutions/*.ipynb"))
    wanted = {target / path.relative_to(notebooks): path.read_bytes() for path in lessons + solutions}
    parts = [INDEX, toctree([path.stem for path in lessons])]
    if solutions:
        parts += [SOLUTIONS, toctree([f"solutions/{path.stem}" for path in solutions])]
    wanted[target / "index.md"] = "\n".join(parts).encode()
    for old in set(target.rglob("*.*")) - set(wanted):
        old.unlink()
    for path, content in wanted.items():
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def toctree(pages: list[str]) -> str:
    return "\n".join(["```{toctree}", *pages, "```"]) + "\n" if pages else "There are none yet.\n"
