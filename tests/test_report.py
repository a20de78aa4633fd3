"""Claims checked side by side are claims checked one by one, and what the report says can be read by a program."""

import json
import re

import numpy as np
import pytest
from matplotlib.figure import Figure

import fokkerplanck as fp
from fokkerplanck import report
from fokkerplanck.claims import Check, Claim, ClaimFile
from fokkerplanck.report import Verdict, reproduce, write_report

NAMES = ["poisson-trains", "linear-convergence"]


def numbers(folder):
    """The tables of the report, without the seconds."""
    return [line for line in (folder / "report.md").read_text().splitlines() if re.match(r"\| (?!\[)", line)]


def test_side_by_side_or_one_by_one_the_report_says_the_same(tmp_path, capsys):
    for jobs in (1, 2):
        assert reproduce(NAMES, quick=True, directory=tmp_path / str(jobs), jobs=jobs) == 0
    assert "2 of 2 claims hold" in capsys.readouterr().out
    alone, together = numbers(tmp_path / "1"), numbers(tmp_path / "2")
    assert len(alone) > 6
    assert alone == together
    names = [claim["name"] for claim in strict(tmp_path / "2" / "report.json")["claims"]]
    assert names == NAMES
    assert (tmp_path / "2" / "linear-convergence.png").stat().st_size > 10_000


@pytest.fixture
def three_claims(monkeypatch):
    """Claims that write down when they are checked; the second one is interrupted the first time."""
    checked = []

    def claim(name):
        def run(quick):
            checked.append(name)
            if checked == ["one", "two"]:
                raise KeyboardInterrupt
            return name

        def check(result):
            return [Check("number", 1.0, 1.0), Check("text", fp.Status.FINISHED, fp.Status.FINISHED, kind="equal")]

        return ClaimFile(name, Claim(name, "It holds.", "own"), run, check, lambda result: Figure(figsize=(1, 1)))

    monkeypatch.setattr(report, "find_claims", lambda: {name: claim(name) for name in ("one", "two", "three")})
    return checked


def test_what_was_interrupted_goes_on(three_claims, tmp_path, capsys):
    with pytest.raises(KeyboardInterrupt):
        reproduce(quick=True, directory=tmp_path, jobs=1)
    assert "1 of 3 claims checked; --resume goes on" in capsys.readouterr().err
    assert [claim["name"] for claim in strict(tmp_path / "report.json")["claims"]] == ["one"]
    assert reproduce(quick=True, directory=tmp_path, jobs=1, resume=True) == 0
    assert three_claims == ["one", "two", "two", "three"]
    assert "3 of 3 claims hold (6 numbers compared)" in capsys.readouterr().out


@pytest.mark.parametrize("changed", ["form", "source"])
def test_nothing_is_kept_of_another_form_or_of_other_code(changed, three_claims, tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        reproduce(quick=True, directory=tmp_path, jobs=1)
    if changed == "source":
        monkeypatch.setattr(report, "source_code", lambda: "another")
    assert reproduce(quick=changed != "form", directory=tmp_path, jobs=1, resume=True) == 0
    assert three_claims == ["one", "two", "one", "two", "three"]


def test_no_bar_where_nobody_watches(three_claims, tmp_path, capsys):
    three_claims.append("before")  # so that nothing is interrupted
    assert reproduce(["one"], quick=True, directory=tmp_path, jobs=1) == 0
    assert capsys.readouterr().err == ""


def test_no_claims_at_a_time_is_refused():
    with pytest.raises(fp.InvalidArgument, match="`jobs`"):
        reproduce(NAMES, jobs=0)


def strict(path):
    """Read as JSON that knows neither NaN nor Infinity."""
    return json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_the_report_for_programs_holds_what_was_compared(tmp_path):
    checks = (
        Check("rate", np.float64(0.25), 0.2500001, 1e-5),
        Check("error", 0.0, float("nan"), 1e-3, "at most"),
        Check("bound", np.inf, np.int64(3), kind="at most"),
        Check("same", True, np.bool_(True), kind="equal"),
        Check("states", (1, 2), (1, 2), kind="equal"),
    )
    claim = Claim(
        "Title", "It holds: ∂t n ≥ 0.", "a paper", {"b": np.float64(0.5), "laws": ["hard", None], "d": -np.inf}
    )
    file = ClaimFile("some-claim", claim, lambda quick: None, lambda result: [], lambda result: None)
    write_report([Verdict(file, checks, 1.5, "some-claim.png")], quick=True, folder=tmp_path)
    data = strict(tmp_path / "report.json")
    assert data["form"] == "quick"
    assert data["versions"]["fokkerplanck"] == fp.__version__
    (found,) = data["claims"]
    assert found["statement"] == claim.statement
    assert found["parameters"] == {"b": 0.5, "laws": ["hard", None], "d": "-inf"}
    assert (found["name"], found["figure"], found["seconds"], found["holds"]) == (
        file.name,
        "some-claim.png",
        1.5,
        False,
    )
    assert [c["measured"] for c in found["checks"]] == [0.2500001, "nan", 3, True, [1, 2]]
    assert [c["passed"] for c in found["checks"]] == [True, False, True, True, True]
    assert found["checks"][0] == {
        "quantity": "rate",
        "predicted": 0.25,
        "measured": 0.2500001,
        "kind": "relative",
        "tolerance": 1e-5,
        "passed": True,
    }
