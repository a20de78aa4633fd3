"""Generated malformed cases: every fault is told at once by its dotted name, with exit status 2 and no traceback.

The listed ones are in test_cases.py, as `test_badconfig_is_told_by_its_dotted_name`.
"""

import contextlib
import io
import re

from hypothesis import example, given
from hypothesis import strategies as st
from strategies import share_of_examples
from test_cases import COMPLETE, NEEDED

from fokkerplanck.cli import main

NUMBERS = {name for name, value in COMPLETE.items() if re.fullmatch(r"-?[0-9.e-]+", value)}
WORDS = {name for name, value in COMPLETE.items() if value.startswith('"')}
POSITIVE = {
    "model.refractory.tau", "initial.variance", "grid.finest", "run.stepper.dt", "run.rtol", "run.atol",
}  # fmt: skip
NO_NUMBER = ['"0.5"', "true", "[0.5]", "{ x = 1 }", "2024-02-03", "nan", "-inf", '""']
NO_WORD = ["1", "0.5", "true", "[]", "{ x = 1 }"]
UNHEARD_OF = ['"fokker"', '"NNLIF "', '"é"', '""']
NO_LIST = ["1.0", '"all"', "true", "[true]", '["a"]', "[nan]"]
NONE = object()


@st.composite
def spoilt(draw, name):
    """A value for which the field `name` must be refused; NONE leaves the field out."""
    values = []
    if name in NUMBERS:
        values += NO_NUMBER
    if name in WORDS:
        values += NO_WORD
    if name.endswith("kind") or name == "run.scheme":
        values += UNHEARD_OF
    if name in POSITIVE:
        values += ["0", "-1", "-1e-300"]
    if name in ("model.a0", "model.a1"):
        values += ["-0.1", "-1e-300"]
    if name == "grid.cells":
        values += ["7", "-3", "60.0", "10_000_000"]
    if name in ("run.t_span", "run.save_at"):
        values += NO_LIST
    if name == "run.t_span":
        values += ["[]", "[0.0]", "[1.0, 0.0]", "[0.0, 1.0, 2.0]"]
    if name == "run.stepper.self_consistent":
        values += ["1", '"true"', "[]"]
    if name in NEEDED:
        values.append(NONE)
    return draw(st.sampled_from(values))


def family(name):
    """The table in whose kind a fault hides those of its other fields; else the field itself."""
    for table in ("model.refractory", "run.stepper"):
        if name.startswith(table):
            return table
    return name


@st.composite
def bad_cases(draw):
    """The text of a case with one to six faults, and the names of the faulty fields."""
    names = draw(st.lists(st.sampled_from(sorted(COMPLETE)), min_size=1, max_size=6, unique_by=family))
    changes = {name: draw(spoilt(name)) for name in names}
    lines = [f"{name} = {value}" for name, value in (COMPLETE | changes).items() if value is not NONE]
    for name in draw(
        st.lists(st.sampled_from(["model.B", "initial.sigma", "grid.n", "run.dt"]), max_size=2, unique=True)
    ):
        lines.append(f"{name} = {draw(st.sampled_from(['1', 'true', '[]']))}")
        names = [*names, name]
    return "\n".join(lines), sorted(names)


def command(*words):
    """Exit status, output and errors of the command line."""
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        status = main(words)
    return status, out.getvalue(), error.getvalue()


@given(bad_cases())
@share_of_examples(3)
@example(("title = 1\n" + "\n".join(f"{k} = {v}" for k, v in COMPLETE.items() if k != "title"), ["title"]))
def test_badconfig_is_refused_with_every_fault_by_its_name(tmp_path_factory, bad):
    text, names = bad
    path = tmp_path_factory.getbasetemp() / "bad.toml"
    path.write_text(text, encoding="utf-8")
    status, out, error = command("run", str(path), "--quiet")
    heading, *faults = error.splitlines()
    assert (status, out) == (2, "")
    assert "Traceback" not in error
    assert re.fullmatch(rf"error: {re.escape(str(path))} has \d+ faults?:", heading)
    told = [fault.strip().split(":")[0] for fault in faults]
    for name in names:
        assert any(dotted == name or re.match(rf"{re.escape(name)}[.\[]", dotted) for dotted in told), (name, error)
