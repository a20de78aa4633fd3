"""Cases: what a TOML file says is what is solved, and every fault is told, by name, at once."""

import dataclasses
import inspect
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import share_of_examples

import fokkerplanck as fp
from fokkerplanck import cases
from fokkerplanck.cases import SCHEMES, load_case, parse_case
from fokkerplanck.cli import main

EXAMPLES = sorted((Path(__file__).parent.parent / "validation" / "cases").glob("*.toml"))

COMPLETE = {
    "title": '"a case"',
    "model.kind": '"nnlif"',
    "model.b": "0.5",
    "model.a0": "0.9",
    "model.a1": "0.125",
    "model.V_R": "1",
    "model.V_F": "2.5",
    "model.external": "0.25",
    "model.refractory.kind": '"exponential"',
    "model.refractory.tau": "0.2",
    "initial.kind": '"compatible-gaussian"',
    "initial.mean": "0.0",
    "initial.variance": "0.25",
    "grid.cells": "120",
    "grid.v_min": "-6.0",
    "grid.finest": "0.004",
    "run.t_span": "[0.0, 1.0]",
    "run.scheme": '"upwind"',
    "run.stepper.kind": '"backward-euler"',
    "run.stepper.dt": "0.125",
    "run.stepper.self_consistent": "true",
    "run.rtol": "1e-5",
    "run.atol": "1e-8",
    "run.save_at": "[0, 0.5, 1]",
}
"""Every field there is, each as a TOML value."""
NONE = {"type": "null"}
NEEDED = [
    "model.kind", "model.b", "model.refractory.kind", "model.refractory.tau", "initial.kind", "initial.mean",
    "initial.variance", "run.t_span", "run.stepper.kind", "run.stepper.dt",
]  # fmt: skip


def toml(**changes):
    """The complete case with fields replaced, added, or (None) left out; `__` stands for a dot."""
    lines = COMPLETE | {name.replace("__", "."): value for name, value in changes.items()}
    return "".join(f"{name} = {value}\n" for name, value in lines.items() if value is not None)


def refusal(text):
    with pytest.raises(fp.InvalidArgument) as caught:
        parse_case(tomllib.loads(text), name="case.toml")
    return str(caught.value)


# -- what is solved ---------------------------------------------------------------------------------------------


def test_every_field_arrives():
    case = parse_case(tomllib.loads(toml()))
    model = fp.nnlif(b=0.5, a0=0.9, a1=0.125, V_R=1.0, V_F=2.5, external=0.25, refractory=fp.ExponentialRefractory(0.2))
    assert case.title == "a case"
    assert case.model == model
    assert case.initial == fp.compatible_gaussian(0.0, 0.25)
    assert np.array_equal(case.grid.faces, model.grid(120, v_min=-6.0, finest=0.004).faces)
    assert case.t_span == (0.0, 1.0)
    assert case.scheme == fp.Upwind()
    assert case.stepper == fp.BackwardEuler(0.125, self_consistent=True)
    assert (case.rtol, case.atol) == (1e-5, 1e-8)
    assert case.save_at.tolist() == [0.0, 0.5, 1.0]
    solution = case.run()
    assert solution.saved_t.tolist() == [0.0, 0.5, 1.0]
    assert solution.settings["stepper"] == "BackwardEuler(dt=0.125, self_consistent=True)"


def test_what_is_left_out_takes_the_defaults_of_the_functions():
    text = """
        model = { kind = "nnlif", b = 1 }
        initial = { kind = "gaussian", mean = 0, variance = 1 }
        run = { t_span = [0, 1], save_at = { count = 5 } }
    """
    case = parse_case(tomllib.loads(text))
    assert case.model == fp.nnlif(b=1.0)
    assert case.grid is None
    assert case.save_at.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert (case.scheme, case.stepper) == (None, None)
    settings = dataclasses.replace(case, t_span=(0.0, 0.01), save_at=None).run().settings
    assert (settings["scheme"], settings["stepper"]) == ("Spectral(accuracy=1e-06, degree=None)", "Rodas5P()")


def test_the_defaults_that_the_schema_shows_are_those_of_the_functions():
    for table, function in ((cases.ModelTable, fp.nnlif), (cases.RunTable, fp.solve), (cases.GridTable, fp.Grid)):
        function = fp.Population.grid if function is fp.Grid else function
        parameters = inspect.signature(function).parameters
        for name, field in table.model_fields.items():
            if name in parameters and name not in ("scheme", "stepper"):
                default = parameters[name].default
                assert field.is_required() if default is inspect.Parameter.empty else field.default == default, name


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_cases_are_cases(path):
    case = load_case(path)
    assert case.title
    assert dataclasses.replace(case, t_span=(0.0, 0.01), save_at=None).run().status is fp.Status.FINISHED


def test_there_are_examples():
    assert {"blow-up", "excitatory-inhibitory", "relaxation", "through-blow-up", "cell-polarization"} <= {
        path.stem for path in EXAMPLES
    }


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_has_a_name(name):
    assert parse_case(tomllib.loads(toml(run__scheme=f'"{name}"'))).scheme == SCHEMES[name]()


def test_a_scheme_may_be_a_table():
    text = toml(run__scheme='{ kind = "spectral", accuracy = 1e-5, degree = 12 }')
    assert parse_case(tomllib.loads(text)).scheme == fp.Spectral(1e-5, 12)
    assert parse_case(tomllib.loads(toml(run__scheme='{ kind = "spectral" }'))).scheme == fp.Spectral()


def test_a_grid_may_end_above_the_threshold():
    text = """
        model = { kind = "nnlif", b = 1, threshold = { kind = "random", epsilon = 0.05 } }
        initial = { kind = "gaussian", mean = 0, variance = 1 }
        grid = { v_max = 5.0 }
        run = { t_span = [0, 1] }
    """
    assert parse_case(tomllib.loads(text)).grid.v_max == 5.0


@pytest.mark.parametrize(
    ("field", "value", "argument"),
    [
        ("delay", "0.5", {"delay": 0.5}),
        ("refractory", '{ kind = "fixed", duration = 0.2 }', {"refractory": fp.FixedRefractory(0.2)}),
        ("threshold", '{ kind = "random", epsilon = 0.02 }', {"threshold": fp.RandomThreshold(0.02)}),
        ("drift", '{ kind = "constant", speed = 0.5 }', {"drift": fp.ConstantDrift(0.5)}),
        ("drift", '{ kind = "quadratic" }', {"drift": fp.QuadraticDrift()}),
        (
            "drift",
            '{ kind = "exponential", sharpness = 0.5, V_T = 1.0 }',
            {"drift": fp.ExponentialDrift(0.5, V_T=1.0)},
        ),
    ],
)
def test_every_law_has_a_name(field, value, argument):
    text = f"""
        model = {{ kind = "nnlif", b = 1, {field} = {value} }}
        initial = {{ kind = "gaussian", mean = 0, variance = 1 }}
        run = {{ t_span = [0, 1] }}
    """
    assert parse_case(tomllib.loads(text)).model == fp.nnlif(b=1.0, **argument)


def test_the_scheme_of_the_published_experiments_has_a_name():
    steps = {"run__stepper__kind": '"ssp-rk3"', "run__stepper__dt": "0.01", "run__stepper__self_consistent": None}
    case = parse_case(tomllib.loads(toml(run__scheme='"weno-5"', grid__finest=None, **steps)))
    assert (case.scheme, case.stepper) == (fp.Weno5(), fp.SspRk3(dt=0.01))


def test_the_schema_lists_the_names():
    run = cases.schema()["$defs"]["RunTable"]["properties"]
    scheme, stepper = (next(part for part in run[name]["anyOf"] if part != NONE) for name in ("scheme", "stepper"))
    assert scheme["oneOf"][0]["enum"] == list(SCHEMES)
    assert sorted(stepper["discriminator"]["mapping"]) == sorted(cases.STEPPERS)


# -- several populations ----------------------------------------------------------------------------------------

REST = """
[initial]
kind = "gaussian"
mean = 0
variance = 0.25
[grid]
cells = 60
[run]
t_span = [0.0, 0.1]
"""
NETWORK = f"""
[model]
kind = "network"
J = [[0.5, -0.25], [0.25, -1]]
noise = 0.01
delays = [[0, 0.1], [0.2, 0.0]]
time_constants = [1.0, 0.5]
[model.populations.E]
external = 0.5
[model.populations.I]
kind = "nnlif"
a0 = 0.5
refractory = {{ kind = "fixed", duration = 0.1 }}
{REST}
"""
PAIR = f"""
[model]
kind = "excitatory-inhibitory"
b_EE = 0.5
b_EI = 0.25
b_IE = 0.25
b_II = 1
a0 = [1, 0.5]
refractory.I = {{ kind = "exponential", tau = 0.2 }}
{REST}
"""
EACH = (
    REST.replace("[initial]", "[initial.E]")
    + """
[initial.I]
kind = "compatible-gaussian"
mean = 1
variance = 0.5
"""
)


def test_every_field_of_a_network_arrives():
    populations = {
        "E": fp.nnlif(b=0.0, external=0.5),
        "I": fp.nnlif(b=0.0, a0=0.5, refractory=fp.FixedRefractory(0.1)),
    }
    J, delays = [[0.5, -0.25], [0.25, -1.0]], [[0.0, 0.1], [0.2, 0.0]]
    case = parse_case(tomllib.loads(NETWORK))
    assert case.model == fp.Network(populations, J, noise=0.01, delays=delays, time_constants=[1.0, 0.5])
    assert case.initial == fp.gaussian(0.0, 0.25)
    assert case.grid.cells == 60


def test_every_field_of_two_populations_arrives():
    refractory = (None, fp.ExponentialRefractory(0.2))
    model = fp.excitatory_inhibitory(0.5, 0.25, 0.25, 1.0, a0=(1.0, 0.5), refractory=refractory)
    assert parse_case(tomllib.loads(PAIR)).model == model
    both = PAIR.replace("refractory.I", "refractory").replace(
        "a0 = [1, 0.5]", "threshold.E = { kind = 'random', epsilon = 0.1 }"
    )
    laws = {"refractory": fp.ExponentialRefractory(0.2), "threshold": (fp.RandomThreshold(0.1), None)}
    assert parse_case(tomllib.loads(both)).model == fp.excitatory_inhibitory(0.5, 0.25, 0.25, 1.0, **laws)


@pytest.mark.parametrize("text", [NETWORK.replace("noise = 0.01", ""), PAIR])
def test_each_population_starts_as_it_is_told(text):
    case = parse_case(tomllib.loads(text.replace(REST, EACH)))
    assert case.initial == {"E": fp.gaussian(0.0, 0.25), "I": fp.compatible_gaussian(1.0, 0.5)}
    here, there = case.run(), fp.solve(case.model, case.initial, (0.0, 0.1), grid=case.grid)
    assert here.rate.shape[1] == 2
    assert np.array_equal(here.density, there.density)


def test_the_fields_of_network_tables_are_the_arguments_of_the_functions():
    for table, function in (
        (cases.NetworkTable, fp.Network),
        (cases.ExcitatoryInhibitoryTable, fp.excitatory_inhibitory),
    ):
        assert set(table.model_fields) - {"kind"} == set(inspect.signature(function).parameters) - {"names"}
    assert {"NetworkTable", "ExcitatoryInhibitoryTable", "PopulationTable"} <= set(cases.schema()["$defs"])


@pytest.mark.parametrize(
    ("text", "old", "new", "line"),
    [
        (NETWORK, '"network"', '"netwrok"', "model.kind: Unknown model 'netwrok'; did you mean 'network'?"),
        (NETWORK, "noise", "nose", "model.nose: there is no such field; did you mean 'noise'? Fields here: kind, pop"),
        (NETWORK, "external", "externl", "model.populations.E.externl: there is no such field; did you mean"),
        (NETWORK, "fixed", "fixd", "model.populations.I.refractory.kind: Unknown name \"fixd\"; did you mean 'fixed'?"),
        (NETWORK, "duration", "duratoin", "model.populations.I.refractory.duration: is missing."),
        (NETWORK, "a0 = 0.5", "a0 = -1", "model.populations.I.a0: must be at least 0, not -1."),
        (NETWORK, "a0 = 0.5", "V_R = 3", "model.populations.I: the reset V_R = 3 must lie below the threshold"),
        (NETWORK, "a0 = 0.5", "b = 1", "model: population 'I' has its own coupling (b = 1,"),
        (NETWORK, "-0.25]", '"x"]', 'model.J[0][1]: must be a number, not "x".'),
        (NETWORK, "-0.25]", "-0.25, 1]", "model: `J` must be a matrix of numbers"),
        (NETWORK, "noise = 0.01", "noise = [[1, 2]]", "model: `noise` has shape (1, 2), but 2 populations need (2, 2)"),
        (NETWORK, "noise = 0.01", 'noise = "x"', 'model.noise: must be a number, not "x".'),
        (NETWORK, "[1.0, 0.5]", "[1.0, 0]", "model: `time_constants` must be positive"),
        (NETWORK, "[0, 0.1]", "[0, -0.1]", "model: `delays` must be zero or positive, but has the entry -0.1."),
        (NETWORK, 'kind = "nnlif"', 'kind = "network"', "model.populations.I.kind: Unknown population 'network'"),
        (NETWORK, "populations.E", "populations.X", "initial: names the populations \"E\", \"I\", but those of"),
        (PAIR, "b_EI = 0.25", "", "model.b_EI: is missing."),
        (PAIR, "b_EI = 0.25", "b_EI = -0.25", "model.b_EI: must be at least 0, not -0.25."),
        (PAIR, "[1, 0.5]", "[1, 0.5, 2]", "model.a0: has 3 entries instead of 2."),
        (PAIR, "[1, 0.5]", '"x"', 'model.a0: must be a number, not "x".'),
        (PAIR, "refractory.I", "refractory.X", "model.refractory.X: Unknown name \"X\". Available: E, I."),
        (PAIR, "tau", "taw", "model.refractory.I.tau: is missing."),
        (PAIR, "[initial.I]", "[initial.J]", "initial: names the populations \"E\", \"J\", but those of `model` are"),
        (PAIR, "mean = 1", "maen = 1", "initial.I.mean: is missing."),
        (toml(initial__kind=None, initial__mean=None, initial__variance=None), "", "initial.E.mean = 1\n",
         "initial.E.kind: is missing."),
    ],
)  # fmt: skip
def test_badconfig_of_networks_is_told_by_its_dotted_name(text, old, new, line):
    text = text.replace(REST, EACH)
    assert old in text
    text = text + new if not old else text.replace(old, new, 1)
    faults = refusal(text).splitlines()[1:]
    assert faults[0].startswith(f"  {line}"), faults


def test_one_population_has_no_names():
    text = toml(initial__kind=None, initial__mean=None, initial__variance=None)
    faults = refusal(text + 'initial.E = { kind = "gaussian", mean = 0, variance = 1 }')
    assert 'initial: names the populations "E", but `model` is a single one; write kind, mean and variance' in faults


# -- what is refused --------------------------------------------------------------------------------------------

MALFORMED = [
    # misspelt
    ({"titel": '"x"'}, "titel: there is no such field; did you mean 'title'?"),
    ({"modle__b": "1"}, "modle: there is no such field; did you mean 'model'?"),
    ({"model__B": "1"}, "model.B: there is no such field"),
    ({"model__VR": "1"}, "model.VR: there is no such field; did you mean 'V_R'?"),
    ({"model__refractory__taw": "1"}, "model.refractory.taw: there is no such field; did you mean 'tau'?"),
    ({"initial__varience": "1"}, "initial.varience: there is no such field; did you mean 'variance'?"),
    (
        {"grid__cell": "9"},
        "grid.cell: there is no such field; did you mean 'cells'? Fields here: cells, v_min, v_max, finest, end.",
    ),
    ({"run__tspan": "1"}, "run.tspan: there is no such field; did you mean 't_span'?"),
    ({"run__stepper__Dt": "1"}, "run.stepper.Dt: there is no such field; did you mean 'dt'?"),
    (
        {"run__stepper__kind": '"rodas5p"', "run__stepper__self_consistent": None},
        "run.stepper.dt: there is no such field. Fields here: kind.",
    ),
    ({"run__save_at": "{ count = 5, spacing = 1 }"}, "run.save_at.spacing: there is no such field"),
    ({'model__"a\\nb"': "1"}, 'model."a\\nb": there is no such field'),
    # unknown names
    ({"model__kind": '"NNLIF"'}, "model.kind: Unknown model 'NNLIF'; did you mean 'nnlif'? Available: nnlif, network,"),
    (
        {"model__refractory__kind": '"fixd"'},
        "model.refractory.kind: Unknown name \"fixd\"; did you mean 'fixed'? Available: exponential, fixed.",
    ),
    ({"initial__kind": '"gausian"'}, "initial.kind: Unknown initial density 'gausian'; did you mean 'gaussian'?"),
    ({"run__scheme": '"sg"'}, "run.scheme: Unknown scheme 'sg'. Available: upwind, central, scharfetter-gummel"),
    ({"run__scheme": '{ kind = "spectra" }'}, "run.scheme.kind: Unknown name \"spectra\"; did you mean 'spectral'?"),
    (
        {"run__scheme": '{ kind = "spectral", order = 4 }'},
        "run.scheme.order: there is no such field. Fields here: kind,",
    ),
    ({"run__scheme": "3"}, "run.scheme: must be a name in quotes, not 3."),
    ({"run__scheme": '{ kind = "spectral", accuracy = 1 }'}, "run.scheme.accuracy: must be less than 1, not 1."),
    ({"run__scheme": '{ kind = "spectral", degree = 2 }'}, "run.scheme.degree: must be at least 3, not 2."),
    ({"run__stepper__kind": '"rodas"'}, "run.stepper.kind: Unknown name \"rodas\"; did you mean 'rodas5p'?"),
    # ill-typed
    ({"title": "3"}, "title: must be a name in quotes, not 3."),
    ({"model__b": '"0.5"'}, 'model.b: must be a number, not "0.5".'),
    ({"model__b": "true"}, "model.b: must be a number, not true."),
    ({"model__b": "[1]"}, "model.b: must be a number, not [1]."),
    ({"model__b": "2024-02-03"}, 'model.b: must be a number, not "2024-02-03'),
    ({"model__external": '"sin(t)"'}, "model.external: must be a number"),
    ({"initial__kind": "1"}, "initial.kind: must be a name in quotes, not 1."),
    ({"grid__cells": "400.0"}, "grid.cells: must be a whole number, not 400.0."),
    ({"run__t_span": "1.0"}, "run.t_span: must be a list, not 1.0."),
    ({"run__t_span": '[0, "1"]'}, 'run.t_span[1]: must be a number, not "1".'),
    ({"run__stepper__self_consistent": "1"}, "run.stepper.self_consistent: must be true or false, not 1."),
    ({"run__stepper__kind": "1"}, "run.stepper.kind: Unknown name 1."),
    ({"run__save_at": '"all"'}, 'run.save_at: must be a list, not "all".'),
    ({"run__save_at": "[0, true]"}, "run.save_at[1]: must be a number, not true."),
    ({"run__save_at": "{ count = 2.5 }"}, "run.save_at.count: must be a whole number, not 2.5."),
    # out of range
    ({"model__a0": "-1"}, "model.a0: must be at least 0, not -1."),
    ({"model__a1": "-0.1"}, "model.a1: must be at least 0, not -0.1."),
    ({"model__b": "inf"}, "model.b: must be finite, not inf."),
    ({"model__external": "nan"}, "model.external: must be finite, not nan."),
    ({"model__V_F": "1" + "0" * 400}, "model.V_F: must be a number, not 1000"),
    ({"model__refractory__tau": "-1"}, "model.refractory.tau: must be greater than 0, not -1."),
    ({"initial__variance": "0.0"}, "initial.variance: must be greater than 0, not 0.0."),
    ({"grid__cells": "7"}, "grid.cells: must be at least 8, not 7."),
    ({"grid__cells": "10_000_000"}, "grid.cells: must be at most 1e+06, not 10000000."),
    ({"grid__finest": "0"}, "grid.finest: must be greater than 0, not 0."),
    ({"run__stepper__dt": "-0.1"}, "run.stepper.dt: must be greater than 0, not -0.1."),
    ({"run__rtol": "0"}, "run.rtol: must be greater than 0, not 0."),
    ({"run__t_span": "[0]"}, "run.t_span[1]: is missing."),
    ({"run__t_span": "[0, 1, 2]"}, "run.t_span: has 3 entries instead of 2."),
    ({"run__save_at": "{ count = 1 }"}, "run.save_at.count: must be at least 2, not 1."),
    # the physics
    ({"model__V_R": "3"}, "model: the reset V_R = 3 must lie below the threshold V_F = 2.5"),
    ({"run__t_span": "[1, 0]"}, "run.t_span: [1, 0] runs backwards"),
    ({"run__save_at": "[0.5, 0.5]"}, "run.save_at: the times must increase."),
    ({"run__save_at": "[0.5, 1.5]"}, "run.save_at: reaches from 0.5 to 1.5, outside t_span = [0, 1]."),
    ({"grid__v_max": "3.0"}, "grid: `v_max` = 3.0, but with an absorbing threshold the grid ends at V_F"),
    ({"grid__v_min": "1.5"}, "grid: `v_min` = 1.5 must lie below V_R = 1."),
    ({"grid__finest": "1"}, "grid: `finest` = 1 is not finer than 120 equal cells"),
    # left out
    *[({name: None}, f"{name}: is missing.") for name in NEEDED],
]


@pytest.mark.parametrize(("changes", "line"), MALFORMED, ids=[line.split()[0] for _, line in MALFORMED])
def test_badconfig_is_told_by_its_dotted_name(changes, line, tmp_path, capsys):
    changes = {name.replace(".", "__"): value for name, value in changes.items()}
    (tmp_path / "case.toml").write_text(toml(**changes))
    assert main(["run", str(tmp_path / "case.toml"), "--quiet"]) == 2
    heading, fault, *more = capsys.readouterr().err.splitlines()
    assert heading == f"error: {tmp_path / 'case.toml'} has 1 fault:"
    assert fault.startswith(f"  {line}")
    assert more == []


def test_all_faults_of_a_badconfig_are_told_at_once():
    text = toml(model__a0="-1", model__bb="2", initial__mean=None, run__scheme='"down"', run__t_span="[2, 1]", grid="7")
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("grid."))
    heading, *faults = refusal(text).splitlines()
    assert heading == "case.toml has 6 faults:"
    assert [fault.split(":")[0].strip() for fault in faults] == [
        "model.a0", "model.bb", "initial.mean", "grid", "run.t_span", "run.scheme",
    ]  # fmt: skip


def test_faults_of_the_physics_are_told_with_the_others():
    faults = refusal(toml(model__V_R="3", run__rtol="-1"))
    assert "model: the reset V_R = 3" in faults
    assert "run.rtol" in faults


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[model\nb = 1", "not a valid TOML file: .*line 1"),
        (b"b = 1\nb = 2", "not a valid TOML file"),
        (b"\xff\xfe\x00", "not a text file in UTF-8"),
        (b"x = " + b"[" * 100_000, "not a valid TOML file"),
        (b"x = " + b"1" * 5000, "not a valid TOML file"),
        (b"", "model: is missing"),
    ],
)
def test_badconfig_that_is_no_case_at_all_is_refused(content, message, tmp_path):
    (tmp_path / "case.toml").write_bytes(content)
    with pytest.raises(fp.InvalidArgument, match=message) as caught:
        load_case(tmp_path / "case.toml")
    assert str(tmp_path / "case.toml") in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(fp.InvalidArgument, match=r"cannot read .*No such file"):
        load_case(tmp_path / "case.toml")


# -- anything at all --------------------------------------------------------------------------------------------

numbers = st.integers() | st.floats() | st.sampled_from([0, -1, 1, 2, 0.5, 1e300, -1e300, 1e-300])
words = st.text(max_size=8) | st.sampled_from(
    ["nnlif", "network", "excitatory-inhibitory", "exponential", "gaussian", "rodas5p", "central", "kind", "dt"]
)
parts = [part for name in COMPLETE for part in name.split(".")]
keys = words | st.sampled_from([*parts, "populations", "J", "b_EE", "noise", "E", "I"])
junk = st.recursive(
    numbers | words | st.booleans() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


def accepted_or_refused_on_its_lines(data):
    try:
        case = parse_case(data)
    except fp.InvalidArgument as error:
        heading, *faults = str(error).splitlines()
        assert heading.startswith("the case has")
        assert heading.split()[3] == str(len(faults)), "a fault is one line"
    else:
        strengths = case.model.J.ravel() if case.model.structured else [case.model.coupling.b]
        assert np.all(np.isfinite([*strengths, case.model.V_F, *case.t_span, case.rtol]))


@share_of_examples(2)
@given(st.dictionaries(keys, junk, max_size=4))
def test_junk_is_refused(data):
    accepted_or_refused_on_its_lines(data)


@share_of_examples(4)
@given(st.sampled_from(sorted(COMPLETE)), st.sampled_from(sorted(COMPLETE)), junk, junk)
def test_a_case_with_two_fields_spoilt_is_accepted_or_refused(one, other, first, second):
    data = tomllib.loads(toml())
    for name, value in ((one, first), (other, second)):
        *tables, last = name.split(".")
        place = data
        for table in tables:
            place = place[table]
        place[last] = value
    accepted_or_refused_on_its_lines(data)


@share_of_examples(2)
@given(st.sampled_from([NETWORK, PAIR]), st.sampled_from(["model", "initial"]), keys, junk, junk)
def test_networks_with_fields_spoilt_are_accepted_or_refused(text, table, key, first, second):
    data = tomllib.loads(text)
    data[table][key] = first
    for name in ("populations", "refractory", "initial"):
        if key != name and isinstance(data["model"].get(name), dict):
            data["model"][name][key] = second
    accepted_or_refused_on_its_lines(data)


@share_of_examples(1)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "case.toml"
    path.write_bytes(content)
    with pytest.raises(fp.InvalidArgument):
        load_case(path)


def test_the_clock_is_chosen_by_name():
    data = {
        "model": {"kind": "nnlif", "b": 0.5},
        "initial": {"kind": "gaussian", "mean": 1.83, "variance": 0.003},
        "grid": {"cells": 200, "finest": 1e-3},
        "run": {"t_span": [0.0, 0.01], "clock": {"kind": "activity", "overshoot": "keep"}},
    }
    case = parse_case(data)
    assert case.clock == fp.ActivityClock("keep")
    assert len(case.run().jumps) == 1
    data["run"]["clock"] = {"kind": "physical"}
    assert parse_case(data).clock == fp.PhysicalTime()
    data["run"]["clock"] = {"kind": "activity", "overshoot": "all"}
    with pytest.raises(fp.InvalidArgument, match=r'run\.clock\.overshoot: .*"keep"'):
        parse_case(data)
