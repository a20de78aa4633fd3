"""Every lesson runs as plain Python, keeps to the form that the others have, and is what its notebook shows."""

import ast
import re
import runpy
from pathlib import Path

import jupytext
import matplotlib
import matplotlib.pyplot as plt
import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
LESSONS = sorted(FOLDER.glob("[0-9]*.py"))
SOLUTIONS = sorted(FOLDER.glob("solutions/[0-9]*.py"))
HEADINGS = ("Predict first", "By hand", "The library agrees", "The picture", "The theorem", "Exercises")
CHALLENGE = "An open challenge"
SECONDS = 30.0
CODE_CELLS, CODE_LINES = 12, 20

every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
every_file = pytest.mark.parametrize("path", LESSONS + SOLUTIONS, ids=lambda path: f"{path.parent.name}/{path.stem}")


def cells(path):
    return jupytext.read(path, fmt="py:percent").cells


def tagged(path, tag):
    found = [cell.source for cell in cells(path) if tag in cell.metadata.get("tags", [])]
    assert len(found) == 1, f"{path.name} has {len(found)} cells with the tag {tag}"
    return found[0]


def lines_of_code(source):
    return [line for line in source.splitlines() if line.strip() and not line.strip().startswith("#")]


def asserts(source):
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert)]


@pytest.fixture
def shown(monkeypatch):
    """The figures on show at each `plt.show()`."""
    matplotlib.use("agg")
    pictures = []
    monkeypatch.setattr(plt, "show", lambda: pictures.append(plt.get_fignums()))
    yield pictures
    plt.close("all")


def test_there_are_thirteen_lessons_in_order():
    assert [path.name[:2] for path in LESSONS] == [f"{number:02}" for number in range(1, 14)]


@every_file
def test_it_runs_and_what_it_asserts_holds(path, shown, monkeypatch):
    monkeypatch.chdir(path.parent)
    runpy.run_path(str(path), run_name="__main__")
    if path in LESSONS:
        assert len(shown) >= 1


@every_file
def test_the_notebook_is_the_source_with_its_output(path):
    notebook = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    pairs = [(cell.cell_type, cell.source, cell.metadata) for cell in notebook.cells]
    again = f"run `python notebooks/build.py {path.name[:2]}`"
    assert pairs == [(cell.cell_type, cell.source, cell.metadata) for cell in cells(path)], again
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code"), again
    assert not any(output.output_type == "error" or output.get("name") == "stderr" for output in outputs)
    assert notebook.metadata["seconds"] <= SECONDS
    if path in LESSONS:
        assert any("image/png" in output.get("data", {}) for output in outputs)


@every_lesson
def test_it_has_the_form_of_a_lesson(path):
    text = "\n".join(cell.source for cell in cells(path) if cell.cell_type == "markdown")
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert titles == [*HEADINGS, CHALLENGE]
    assert re.match(rf"# {int(path.name[:2])}\. \S", text)
    assert "?" in text[text.index("## Predict first") : text.index("## By hand")]
    exercises = text[text.index("## Exercises") : text.index(f"## {CHALLENGE}")]
    assert re.findall(r"^(\d)\. \*(.*?)\.\*", exercises, re.MULTILINE) == [("1", "On paper"), ("2", "On the computer")]
    assert f"(solutions/{path.stem}.ipynb)" in exercises


@every_lesson
def test_its_code_is_short(path):
    code = [lines_of_code(cell.source) for cell in cells(path) if cell.cell_type == "code"]
    assert len(code) <= CODE_CELLS
    assert max(map(len, code)) <= CODE_LINES
    assert "fp." not in tagged(path, "by-hand")


@every_lesson
def test_it_compares_with_the_library_and_asserts_its_theorem(path):
    assert asserts(tagged(path, "theorem"))
    assert "plt.show()" in tagged(path, "picture")
    before = [cell.source for cell in cells(path) if cell.cell_type == "code"]
    picture = before.index(tagged(path, "picture"))
    assert any(asserts(source) and "fp." in source for source in before[:picture])


@every_lesson
def test_it_has_solutions_with_a_proof_and_a_check(path):
    solution = FOLDER / "solutions" / path.name
    text = "\n".join(cell.source for cell in cells(solution) if cell.cell_type == "markdown")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["On paper", "On the computer"]
    assert any(asserts(cell.source) for cell in cells(solution) if cell.cell_type == "code")
