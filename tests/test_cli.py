"""The command line: what it prints, what it writes, and the exit status."""

import csv
import importlib
import json
import subprocess
import sys
import types

import pytest

import fokkerplanck as fp
from fokkerplanck import cases
from fokkerplanck.cli import main

QUICK = """
model = { kind = "nnlif", b = 0.5 }
initial = { kind = "gaussian", mean = 0.0, variance = 0.25 }
grid = { cells = 60 }
run = { t_span = [0.0, 0.5] }
"""
BLOW_UP = QUICK.replace("b = 0.5", "b = 3.0").replace("0.5]", "4.0]").replace("mean = 0.0", "mean = -1.0")
BLOW_UP = BLOW_UP.replace("cells = 60", "cells = 160, finest = 0.002")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a case in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick.toml").write_text(QUICK)
    return tmp_path


def files(folder):
    return sorted(path.name for path in folder.iterdir())


# -- run and show -----------------------------------------------------------------------------------------------


def test_run_prints_the_solution_and_saves_it(folder, capsys):
    assert main(["run", "quick.toml"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("Solution: Reached the end of t_span at t = 0.5.\n├─ t = 0 to 0.5")
    assert captured.out.endswith("Saved: quick.nc\n")
    assert captured.err == ""  # no progress bar where nobody watches
    assert files(folder) == ["quick.nc", "quick.toml"]
    assert fp.load("quick.nc").model == fp.nnlif(b=0.5)


def test_run_draws_and_writes_where_it_is_told(folder, capsys):
    assert main(["run", "quick.toml", "-o", "a.nc", "--plot", "b.png", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert files(folder) == ["a.nc", "b.png", "quick.toml"]
    assert (folder / "b.png").read_bytes().startswith(b"\x89PNG")


def test_a_blow_up_is_a_result(folder, capsys):
    (folder / "quick.toml").write_text(BLOW_UP)
    assert main(["run", "quick.toml"]) == 0
    assert "The firing rate blows up at t* = 3.4" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "code"), [(fp.Status.STALLED, 1), (fp.Status.UNRESOLVED, 1), (fp.Status.INTERRUPTED, 130)]
)
def test_a_run_that_did_not_get_there_is_saved_but_fails(status, code, folder, monkeypatch):
    def solve_in_vain(*arguments, progress, **options):
        solution = fp.solve(*arguments, **options)
        object.__setattr__(solution, "status", status)
        return solution

    monkeypatch.setattr(cases, "solve", solve_in_vain)
    assert main(["run", "quick.toml"]) == code
    assert fp.load("quick.nc").status is status


def test_show_prints_and_draws_what_was_saved(folder, capsys):
    main(["run", "quick.toml", "--quiet"])
    assert main(["show", "quick.nc", "--plot", "quick.svg"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Solution: Reached the end")
    assert "b=0.5" in out
    assert "stepper: Rodas5P()" in out
    assert "<svg" in (folder / "quick.svg").read_text()


def test_a_warning_is_one_line(folder, capsys):
    case = QUICK.replace("run = {", 'run = { scheme = "central",').replace("b = 0.5", "b = 0.5, external = 30.0")
    (folder / "quick.toml").write_text(case)
    assert main(["run", "quick.toml"]) == 0
    error = capsys.readouterr().err
    assert error.startswith("warning: Central() gave a negative density")
    assert error.count("\n") == 1


NETWORK = """
model = { kind = "excitatory-inhibitory", b_EE = 0.5, b_EI = 0.25, b_IE = 0.25, b_II = 1.0 }
initial.E = { kind = "gaussian", mean = 0.0, variance = 0.25 }
initial.I = { kind = "gaussian", mean = 1.0, variance = 0.25 }
grid = { cells = 60 }
run = { t_span = [0.0, 0.1] }
"""


def test_several_populations_are_run_drawn_and_shown(folder, capsys):
    (folder / "quick.toml").write_text(NETWORK)
    assert main(["run", "quick.toml", "--plot", "a.png"]) == 0
    out = capsys.readouterr().out
    rates = fp.load("quick.nc").rate[-1]
    assert f"at the end {rates[0]:.6g}, {rates[1]:.6g}" in out
    assert main(["show", "quick.nc", "--plot", "b.png"]) == 0
    assert "Model: Network(2 populations: E, I)" in capsys.readouterr().out
    assert files(folder) == ["a.png", "b.png", "quick.nc", "quick.toml"]


def test_what_only_solve_can_see_of_a_network_is_refused(folder, capsys):
    text = NETWORK.replace("b_EE = 0.5", "b_EE = 2.0").replace(
        "[0.0, 0.1]", '[0.0, 0.1], clock = { kind = "activity" }'
    )
    (folder / "quick.toml").write_text(text)
    assert main(["run", "quick.toml"]) == 2
    assert "fp.ActivityClock() follows one population" in capsys.readouterr().err
    assert files(folder) == ["quick.toml"]


def test_the_words_overrule_the_file(folder, capsys):
    settings = ["--set", "model.b=1.25", "--set", "run.scheme=upwind", "--set", "run.t_span=[0, 0.25]"]
    assert main(["run", "quick.toml", "--quiet", *settings]) == 0
    solution = fp.load("quick.nc")
    assert (solution.model, solution.t[-1], solution.settings["scheme"]) == (fp.nnlif(b=1.25), 0.25, "Upwind()")
    assert (folder / "quick.toml").read_text() == QUICK


def test_json_is_all_that_is_printed_and_says_what_came_of_it(folder, capsys):
    (folder / "quick.toml").write_text(BLOW_UP)
    assert main(["run", "quick.toml", "--json", "--plot", "a.png"]) == 0
    told = json.loads(capsys.readouterr().out)
    solution = fp.load("quick.nc")
    assert (told["status"], told["saved"], told["steps"]) == ("blow-up", "quick.nc", solution.quality.steps)
    assert told["blow_up"]["time"] == solution.blow_up.time
    assert tuple(told["blow_up"]["interval"]) == solution.blow_up.interval
    assert main(["show", "quick.nc", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {name: told[name] for name in told if name != "saved"}


def test_json_of_several_populations_has_a_rate_for_each(folder, capsys):
    (folder / "quick.toml").write_text(NETWORK)
    assert main(["run", "quick.toml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rate"] == fp.load("quick.nc").rate[-1].tolist()


def test_a_run_goes_on_from_a_file(folder, capsys):
    assert main(["run", "quick.toml", "--quiet", "--set", "run.t_span=[0, 0.2]", "-o", "first.nc"]) == 0
    assert main(["run", "quick.toml", "--quiet", "--from", "first.nc", "-o", "rest.nc"]) == 0
    first, rest = fp.load("first.nc"), fp.load("rest.nc")
    assert (rest.t[0], rest.t[-1]) == (first.t[-1], 0.5)
    whole = fp.solve(fp.nnlif(b=0.5), fp.gaussian(0.0, 0.25), (0.0, 0.5), grid=fp.nnlif(b=0.5).grid(60))
    assert rest.rate[-1] == pytest.approx(whole.rate[-1], rel=1e-4)


def test_an_interrupted_run_says_how_it_goes_on(folder, monkeypatch, capsys):
    def solve_a_part(model, initial, t_span, **options):
        solution = fp.solve(model, initial, (t_span[0], 0.2), **options)
        object.__setattr__(solution, "status", fp.Status.INTERRUPTED)
        return solution

    with monkeypatch.context() as patch:
        patch.setattr(cases, "solve", solve_a_part)
        assert main(["run", "quick.toml"]) == 130
    assert "--from quick.nc goes on from there" in capsys.readouterr().err
    assert main(["run", "quick.toml", "--from", "quick.nc", "-o", "rest.nc"]) == 0
    assert fp.load("rest.nc").t[0] == 0.2


# -- sweep ------------------------------------------------------------------------------------------------------

AXES = ["--axis", "b=0.5,3", "--axis", "initial.mean=-1:0:2", "--set", "run.t_span=[0, 6]", "--jobs", "1"]


def table(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def test_sweep_writes_a_table_and_draws_the_map(folder, capsys):
    assert main(["sweep", "quick.toml", *AXES, "--plot", "fates.png"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("4 points: 2 ")
    assert captured.out.endswith("Saved: quick.csv\nDrawn: fates.png\n")
    assert captured.err == ""
    assert files(folder) == ["fates.png", "quick.csv", "quick.toml"]  # no leftover pieces
    rows = table(folder / "quick.csv")
    assert [(row["b"], row["initial.mean"]) for row in rows] == [
        ("0.5", "-1.0"),
        ("0.5", "0.0"),
        ("3.0", "-1.0"),
        ("3.0", "0.0"),
    ]
    assert [row["status"] == "blow-up" for row in rows] == [False, False, True, True]
    assert rows[0]["t_star"] == ""
    assert float(rows[2]["t_star"]) < 6.0


def test_sweep_as_json_with_chosen_metrics(folder, capsys):
    words = ["sweep", "quick.toml", *AXES, "--json", "--metric", "rate", "--metric", "t_star", "-o", "rates.csv"]
    assert main(words) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [set(row) for row in rows] == [{"b", "initial.mean", "rate", "t_star"}] * 4
    assert rows[0]["t_star"] is None
    assert [f"{row['rate']!r}" for row in rows] == [row["rate"] for row in table(folder / "rates.csv")]


def test_a_network_is_swept_by_the_fields_of_its_table(folder, capsys):
    (folder / "quick.toml").write_text(NETWORK)
    words = ["sweep", "quick.toml", "--axis", "b_EE=0.1,0.5", "--jobs", "1", "--metric", "rate"]
    assert main([*words, "--set", "model.b_EI=0.1"]) == 0
    rows = table(folder / "quick.csv")
    networks = [fp.excitatory_inhibitory(b, 0.1, 0.25, 1.0) for b in (0.1, 0.5)]
    starts = {"E": fp.gaussian(0.0, 0.25), "I": fp.gaussian(1.0, 0.25)}
    alone = [fp.solve(m, starts, (0.0, 0.1), grid=m.grid(60), rtol=1e-6).rate[-1].max() for m in networks]
    assert [float(row["rate"]) for row in rows] == pytest.approx(alone, rel=1e-4)


def test_an_undecided_point_is_seen_by_scripts(folder, monkeypatch):
    monkeypatch.setitem(importlib.import_module("fokkerplanck.sweep").OUTCOMES, fp.Status.FINISHED, "unresolved")
    assert main(["sweep", "quick.toml", "--axis", "b=0.5", "--jobs", "1", "--quiet"]) == 1


def test_an_interrupted_sweep_goes_on(folder, monkeypatch, capsys):
    def stopped(*arguments):
        raise KeyboardInterrupt

    words = ["sweep", "quick.toml", *AXES, "--metric", "status", "--folder", "kept"]
    with monkeypatch.context() as patch:
        patch.setattr(importlib.import_module("fokkerplanck.sweep").Runs, "__call__", stopped)
        assert main(words) == 130
    assert {row["status"] for row in table(folder / "quick.csv")} == {"not computed"}
    assert main(words) == 0
    assert (folder / "kept").is_dir()  # the user's own


# -- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "absent.toml"], "cannot read absent.toml"),
        (["run", "quick.toml", "-o", "absent/run.nc"], "there is no folder absent"),
        (["run", "quick.toml", "-o", "."], "is not a file"),
        (["run", "quick.toml", "-o", "quick.toml"], "quick.toml would be written over"),
        (["run", "quick.toml", "--plot", "run.nc2"], "must end in .png, .pdf, .svg"),
        (["run", "quick.toml", "--plot", "absent/run.png"], "there is no folder absent"),
        (["run", "quick.toml", "--set", "model.bb=1"], "model.bb: there is no such field"),
        (["run", "quick.toml", "--set", "model.b"], "write NAME=VALUE"),
        (["run", "quick.toml", "--set", "b=1.2"], "--set model.b=1.2"),
        (["sweep", "quick.toml", "--axis", "b=0:3:0"], "write NAME=START:STOP:COUNT"),
        (["run", "quick.toml", "--set", "model.b.c=1"], "`b` is no table"),
        (["run", "quick.toml", "--set", "model.b=strong"], "model.b: must be a number"),
        (["run", "quick.toml", "--from", "absent.nc"], "cannot read absent.nc"),
        (["run", "quick.toml", "--from", "quick.nc"], "quick.nc would be written over"),
        (["sweep", "quick.toml", "--axis", "b"], "write NAME=START:STOP:COUNT"),
        (["sweep", "quick.toml", "--axis", "b=1:2"], "write NAME=START:STOP:COUNT"),
        (["sweep", "quick.toml", "--axis", "b=1", "--axis", "b=2"], "a name is given twice"),
        (["sweep", "quick.toml", "--axis", "bb=1"], "bb"),
        (["sweep", "quick.toml", "--axis", "b=1", "--plot", "a.png"], "two axes"),
        (["sweep", "quick.toml", "--axis", "b=1", "--metric", "rat"], "rat"),
        (["list", "schemas"], "did you mean 'schemes'"),
        (["show", "absent.nc"], "cannot read absent.nc"),
        (["show", "quick.toml"], "quick.toml is not a NetCDF-3 file"),
    ],
)
def test_bad_input_is_one_message_and_status_2(words, message, folder, capsys):
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert message in captured.err
    assert captured.err.count("\n") <= 2  # a case may have several faults, one a line
    assert captured.out == ""
    assert files(folder) == ["quick.toml"]


def test_what_only_solve_can_see_is_refused_the_same_way(folder, capsys):
    (folder / "quick.toml").write_text(QUICK.replace("mean = 0.0", "mean = 50.0"))
    assert main(["run", "quick.toml"]) == 2
    assert "no mass below V_F" in capsys.readouterr().err
    assert files(folder) == ["quick.toml"]


@pytest.mark.parametrize("words", [[], ["rnu"], ["run"], ["run", "quick.toml", "--quite"], ["show", "--plot"]])
def test_misspelt_words_are_refused_with_the_usage(words, folder, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: fokkerplanck" in capsys.readouterr().err


def test_an_unexpected_error_keeps_its_traceback(folder, monkeypatch):
    def broken(path, settings):
        raise ZeroDivisionError

    monkeypatch.setattr(cases, "load_case", broken)
    with pytest.raises(ZeroDivisionError):
        main(["run", "quick.toml"])


def test_diskfull_is_a_message(folder, monkeypatch, capsys):
    def full(solution, path):
        raise OSError(28, "No space left on device while writing", str(path))

    monkeypatch.setattr(fp.Solution, "save", full)
    assert main(["run", "quick.toml"]) == 2
    assert capsys.readouterr().err == "error: No space left on device while writing: quick.nc\n"


# -- the other jobs ---------------------------------------------------------------------------------------------


def test_list_names_what_there_is(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    for name in (
        "scharfetter-gummel",
        "rodas5p",
        "compatible-gaussian",
        "exponential",
        "nnlif",
        "excitatory-inhibitory",
        "blow-up.toml",
    ):
        assert name in out


def test_list_of_one_section_as_json(capsys):
    from fokkerplanck.sweep import METRICS

    assert main(["list", "metrics", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["metrics"]
    assert list(told["metrics"]) == list(METRICS)


def test_reproduce_passes_its_words_on(monkeypatch, tmp_path):
    calls = []
    report = types.ModuleType("fokkerplanck.report")
    report.reproduce = lambda *names, **options: calls.append((*names, options)) or len(calls)
    monkeypatch.setitem(sys.modules, "fokkerplanck.report", report)
    assert main(["reproduce", "mass", "rates", "--quick", "--report", str(tmp_path)]) == 1
    assert main(["reproduce"]) == 2
    assert main(["reproduce", "mass", "--jobs", "3", "--resume"]) == 3
    assert calls == [
        (["mass", "rates"], {"quick": True, "jobs": None, "resume": False, "directory": tmp_path}),
        ([], {"quick": False, "jobs": None, "resume": False}),
        (["mass"], {"quick": False, "jobs": 3, "resume": True}),
    ]


def test_the_schema_is_json(capsys):
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "CaseTable"


def test_the_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"fokkerplanck {fp.__version__}\n"


def test_help_loads_nothing_heavy():
    code = """
import sys
from fokkerplanck.cli import main
try:
    main(["--help"])
except SystemExit:
    print(sorted({"numpy", "scipy", "numba", "pydantic", "matplotlib", "tqdm"} & set(sys.modules)))
"""
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert child.stdout.splitlines()[-1] == "[]"


def test_the_module_is_the_command_and_needs_no_unicode(folder):
    (folder / "quick.toml").write_text(QUICK.replace("b = 0.5", 'b = "β"'))
    child = subprocess.run(
        [sys.executable, "-m", "fokkerplanck", "run", "quick.toml"],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONIOENCODING": "ascii", "PYTHONPATH": ":".join(sys.path)},
    )
    assert child.returncode == 2
    assert child.stderr == 'error: quick.toml has 1 fault:\n  model.b: must be a number, not "?".\n'
