"""Sweeps: every point is its own run, wherever and beside whatever it is computed."""

import builtins
import math
import os
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fokkerplanck as fp
from fokkerplanck.cases import parse_case
from fokkerplanck.inputs import starting_state
from fokkerplanck.interpolation import RateHistory
from fokkerplanck.models.side_by_side import SideBySide
from fokkerplanck.side_by_side import Settings, solve_side_by_side
from fokkerplanck.steppers.protocol import Tolerance

DATUM = fp.gaussian(0.0, 0.25)
AXES = {"b": [0.0, 0.8, 3.0], "initial.mean": [-0.5, 1.0]}


def abreast(models, initials, t_span=(0.0, 3.0), cells=120, **more):
    grid = SideBySide(tuple(models)).grid(cells, v_min=-6.0, finest=2e-3, v_max=6.0 if models[0].open else None)
    how = Settings(fp.ScharfetterGummel(), Tolerance(1e-5, 1e-8), **more)
    past = RateHistory(np.array(t_span[:1]), np.zeros(1))
    states = [
        starting_state(model, initial, grid, fp.ScharfetterGummel(), t_span, past)
        for model, initial in zip(models, initials, strict=True)
    ]
    return grid, [solution for _, solution in solve_side_by_side(models, states, t_span[1], how)]


def assert_same_run(here, alone):
    """The lane and the run by itself, to what rounding makes of a few hundred steps."""
    assert here.status is alone.status
    assert here.quality.steps == alone.quality.steps
    np.testing.assert_allclose(here.t, alone.t, rtol=1e-7)
    np.testing.assert_allclose(here.rate, alone.rate, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(here.final.density, alone.final.density, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(here.fired, alone.fired, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(here.error_estimate, alone.error_estimate, rtol=1e-3)
    if alone.blow_up is not None:
        assert here.blow_up.time == pytest.approx(alone.blow_up.time, rel=1e-9)
        np.testing.assert_allclose(here.blow_up.interval, alone.blow_up.interval, rtol=1e-6)


def neurons():
    """A hard threshold with anything else that needs no memory."""
    refractory = st.one_of(st.none(), st.floats(0.05, 1.0).map(fp.ExponentialRefractory))
    return st.builds(
        fp.nnlif,
        b=st.floats(-2.0, 2.5),
        a0=st.floats(0.5, 1.5),
        a1=st.sampled_from([0.0, 0.0, 0.1]),
        external=st.floats(-0.5, 1.0),
        refractory=refractory,
        drift=st.sampled_from([None, None, fp.QuadraticDrift()]),
    )


@settings(max_examples=5)
@given(st.lists(neurons(), min_size=2, max_size=5), st.floats(-0.5, 0.8))
def test_a_lane_is_the_run_by_itself(models, mean):
    initial = fp.compatible_gaussian(mean, 0.2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FokkerPlanckWarning)
        grid, lanes = abreast(models, [initial] * len(models))
        for model, here in zip(models, lanes, strict=True):
            if here is not None:
                assert_same_run(here, fp.solve(model, initial, (0.0, 3.0), grid=grid, rtol=1e-5, atol=1e-8))


@pytest.mark.parametrize(
    "threshold",
    [fp.RandomThreshold(0.05), fp.SoftThreshold(lambda v: 20.0 / (1.0 + np.exp(-8.0 * (v - 2.0))))],
    ids=["random", "soft"],
)
def test_lanes_with_a_threshold_that_is_not_absorbing(threshold):
    models = [fp.nnlif(b=b, threshold=threshold) for b in (-1.0, 0.5, 2.0)]
    grid, lanes = abreast(models, [DATUM] * 3, estimate_error=False)
    for model, here in zip(models, lanes, strict=True):
        alone = fp.solve(model, DATUM, (0.0, 3.0), grid=grid, rtol=1e-5, atol=1e-8, estimate_error=False)
        assert_same_run(here, alone)


def test_more_points_than_lanes_are_let_in_as_others_end():
    models = [fp.nnlif(b=b) for b in np.linspace(0.0, 2.4, 100)]
    grid, lanes = abreast(models, [fp.gaussian(1.0, 0.05)] * 100, (0.0, 16.0), steady=1e-5, estimate_error=False)
    ended = [here.status for here in lanes]
    assert {fp.Status.BLOW_UP, fp.Status.STOPPED} <= set(ended)
    for k in (0, 63, 64, 99):
        alone = fp.solve(
            models[k], fp.gaussian(1.0, 0.05), (0.0, 16.0), grid=grid, rtol=1e-5, atol=1e-8, estimate_error=False,
            stop_when=[fp.Steady(1e-5)],
        )  # fmt: skip
        assert_same_run(lanes[k], alone)
    # Each lane is shown with its own potential, mass and rates.
    assert max(here.quality.mass_error for here in lanes) < 1e-12
    assert lanes[0].rate_at(1.0) != lanes[99].rate_at(lanes[99].t[-1] / 2.0)


def test_a_table_over_the_axes():
    xarray = pytest.importorskip("xarray")
    table = fp.sweep(fp.nnlif(b=0.5), AXES, initial=DATUM, t_span=(0.0, 30.0), workers=1)
    assert isinstance(table, xarray.Dataset)
    assert table["status"].dims == ("b", "initial.mean")
    assert table["status"].sel({"b": 3.0}).values.tolist() == ["blow-up", "blow-up"]
    assert table["status"].sel({"b": 0.0}).values.tolist() == ["steady", "steady"]
    at_rest = fp.stationary_states(fp.nnlif(b=0.8))[0]
    # On some hundred cells, to what the estimate says of them.
    assert table["rate"].sel({"b": 0.8, "initial.mean": -0.5}).item() == pytest.approx(at_rest.rate, rel=1e-3)
    assert math.isnan(table["t_star"].values[0, 0])
    assert 0.0 < table["t_star"].values[2, 1] < table["t_star"].values[2, 0]
    assert np.all(table["error"].values[:2] < 0.05)


def test_without_xarray_a_record_array(monkeypatch):
    imported = builtins.__import__

    def without(name, *rest):
        if name == "xarray":
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    table = fp.sweep(fp.nnlif(b=0.5), AXES, initial=DATUM, t_span=(0.0, 1.0), metrics=["rate", "status"], workers=1)
    assert isinstance(table, np.recarray)
    assert table.shape == (3, 2)
    assert table.dtype.names == ("b", "initial.mean", "rate", "status")
    assert table["b"][:, 0].tolist() == AXES["b"]


def test_several_processes_and_pieces_say_the_same():
    def swept(**how):
        axes = {"b": np.linspace(0.0, 1.0, 300)}
        return fp.sweep(fp.nnlif(b=0.0), axes, initial=DATUM, t_span=(0.0, 0.2), estimate_error=False, **how)

    one, two = swept(workers=1), swept(workers=2)
    np.testing.assert_allclose(two["rate"], one["rate"], rtol=1e-12)


def test_the_entropy_decays_twice_as_fast_as_the_slowest_mode():
    model = fp.nnlif(b=0.0)
    table = fp.sweep(
        model, {"initial.mean": [0.5, 1.0]}, initial=fp.compatible_gaussian(0.0, 0.25), t_span=(0.0, 40.0),
        metrics=["entropy_decay", "status"], rtol=1e-8, atol=1e-11, workers=1,
    )  # fmt: skip
    slowest = fp.spectrum(model, fp.stationary_states(model)[0]).eigenvalues[0].real
    np.testing.assert_allclose(table["entropy_decay"], -2.0 * slowest, rtol=1e-2)
    # By default it is as accurate, or no number.
    axes = {"b": [-1.0, 0.5, 1.0], "initial.variance": [0.05, 0.25]}
    table = fp.sweep(
        model, axes, initial=fp.compatible_gaussian(0.0, 0.25), t_span=(0.0, 40.0), metrics=["entropy_decay"],
        estimate_error=False, workers=1,
    )  # fmt: skip
    slowest = [fp.spectrum(at, fp.stationary_states(at)[0]).eigenvalues[0].real for at in map(fp.nnlif, axes["b"])]
    off = np.asarray(table["entropy_decay"]) / (-2.0 * np.array(slowest)[:, None]) - 1.0
    assert np.nanmax(np.abs(off)) < 0.02
    assert np.mean(np.isnan(off)) <= 0.5


def test_metrics_of_the_user_see_the_whole_solution():
    def highest(sol):
        return float(sol.density.max())

    table = fp.sweep(
        fp.nnlif(b=0.5), {"a0": [0.5, 1.0]}, initial=DATUM, t_span=(0.0, 1.0), metrics={"highest": highest}, workers=1
    )
    start = DATUM.value(np.zeros(1), 2.0)[0]
    np.testing.assert_allclose(table["highest"], start, rtol=1e-2)
    assert np.asarray(table["rate"]).shape == (2,)


def test_what_looks_back_is_solved_one_by_one():
    model = fp.nnlif(b=0.5, delay=0.1)
    table = fp.sweep(model, {"delay": [0.0, 0.3]}, initial=DATUM, t_span=(0.0, 1.0), workers=1, metrics=["rate"])
    for delay, rate in zip((0.0, 0.3), np.asarray(table["rate"]), strict=True):
        alone = fp.solve(fp.nnlif(b=0.5, delay=delay), DATUM, (0.0, 1.0))
        assert rate == pytest.approx(alone.rate[-1], rel=1e-3)


def test_a_function_that_makes_the_model():
    def network(b_EE, external):
        return fp.excitatory_inhibitory(b_EE, 0.25, 0.25, 1.0, external=external)

    axes = {"b_EE": [0.2, 0.5], "external": [0.0, 0.5]}
    table = fp.sweep(network, axes, initial=DATUM, t_span=(0.0, 0.5), workers=1, metrics=["peak"])
    alone = fp.solve(network(0.5, 0.5), DATUM, (0.0, 0.5), rtol=1e-4, atol=1e-7)
    assert np.asarray(table["peak"])[1, 1] == pytest.approx(alone.largest_rate, rel=1e-6)


def test_a_case():
    case = parse_case(
        {
            "model": {"kind": "nnlif", "b": 0.5},
            "initial": {"kind": "gaussian", "mean": 0.0, "variance": 0.25},
            "run": {"t_span": [0.0, 1.0]},
        }
    )
    table = fp.sweep(case, {"b": [0.5], "initial.variance": [0.25, 0.5]}, workers=1)
    assert np.asarray(table["rate"])[0, 0] == pytest.approx(case.run().rate[-1], rel=1e-2)


def test_any_function_of_the_axes():
    table = fp.sweep(lambda x, y: {"sum": x + y, "word": "odd" if x % 2 else "even"}, {"x": [1, 2], "y": [0.5, 2.0]})
    assert np.asarray(table["sum"]).tolist() == [[1.5, 3.0], [2.5, 4.0]]
    assert np.asarray(table["word"]).tolist() == [["odd", "odd"], ["even", "even"]]


def test_the_same_call_goes_on_where_it_was(tmp_path):
    calls = tmp_path / "calls"

    def counted(x):
        with calls.open("a") as file:
            file.write("x")
        return x

    axes = {"x": np.arange(20.0)}
    first = fp.sweep(counted, axes, folder=tmp_path / "sweep", workers=1)
    again = fp.sweep(counted, axes, folder=tmp_path / "sweep", workers=1)
    assert len(calls.read_text()) == 20
    np.testing.assert_array_equal(first["value"], again["value"])
    with pytest.raises(fp.InvalidArgument, match="axes"):
        fp.sweep(counted, {"x": np.arange(21.0)}, folder=tmp_path / "sweep", workers=1)
    with pytest.raises(fp.InvalidArgument, match="function"):
        fp.sweep(lambda x: 2 * x, axes, folder=tmp_path / "sweep", workers=1)


def test_a_blow_up_at_once_is_one_of_the_outcomes():
    table = fp.sweep(
        fp.nnlif(b=3.0), {"initial.mean": [0.0, 1.9]}, initial=fp.gaussian(0.0, 0.05), t_span=(0.0, 1.0), workers=1
    )
    assert np.asarray(table["t_star"])[1] == 0.0
    assert np.asarray(table["status"]).tolist() == ["finished", "blow-up"]


@pytest.mark.parametrize(
    ("axes", "more", "match"),
    [
        ({"c": [1.0]}, {}, "no number `c`.*It has: .*a0"),
        ({"a": [1.0]}, {}, "did you mean"),
        ({"initial.width": [1.0]}, {}, "`initial` has no number `width`"),
        ({"b": []}, {}, "vector of finite"),
        ({"b": [0.0, np.nan]}, {}, "vector of finite"),
        ({"b": [0.0, 0.0]}, {}, "twice"),
        ({"b": "many"}, {}, "must be numbers"),
        ({}, {}, "must map names"),
        ({"a0": [1.0, -1.0]}, {}, "at a0 = -1: .*zero or positive"),
        ({"V_R": [0.0, 3.0]}, {}, "at V_R = 3: "),
        ({"tau": [0.1]}, {}, "no number `tau`"),
        ({"b": [1.0]}, {"metrics": ["speed"]}, "Unknown metric 'speed'"),
        ({"b": [1.0]}, {"metrics": {"rate": 3}}, "must be a function of a Solution"),
        ({"b": [1.0]}, {"metrics": "rate"}, "list of names"),
        ({"b": [1.0]}, {"steady": 0.0}, "`steady`"),
        ({"b": [1.0]}, {"rtol": 2.0}, "`rtol`"),
        ({"b": [1.0]}, {"t_span": (1.0, 0.0)}, "runs backwards"),
        ({"b": [1.0]}, {"initial": None}, "`initial` and `t_span` are needed"),
        ({"b": [1.0]}, {"initial": 3.0}, "`initial` must be"),
        ({"b": [1.0]}, {"workers": 0}, "`workers`"),
        ({"b": [1.0]}, {"grid": fp.nnlif(b=0.0, V_F=3.0).grid(50)}, "threshold at 3"),
    ],
)
def test_bad_input_is_refused_before_anything_is_run(axes, more, match, monkeypatch):
    monkeypatch.setattr(
        sys.modules["fokkerplanck.side_by_side"], "solve_side_by_side", lambda *_, **__: pytest.fail("it was run")
    )
    given_all = {"initial": DATUM, "t_span": (0.0, 1.0), **more}
    with pytest.raises(fp.InvalidArgument, match=match):
        fp.sweep(fp.nnlif(b=0.5), axes, **given_all)


def test_what_is_for_models_is_refused_for_functions():
    with pytest.raises(fp.InvalidArgument, match="`initial` is for models"):
        fp.sweep(lambda x: x, {"x": [1.0]}, initial=DATUM)
    with pytest.raises(fp.InvalidArgument, match="must be a model, a Case or a function"):
        fp.sweep(3.0, {"x": [1.0]})
    with pytest.raises(fp.InvalidArgument, match="must make a model"):
        fp.sweep(lambda x: x, {"x": [1.0]}, initial=DATUM, t_span=(0.0, 1.0))
    with pytest.raises(fp.InvalidArgument, match="does not take these axes"):
        fp.sweep(fp.nnlif, {"x": [1.0]}, initial=DATUM, t_span=(0.0, 1.0))


def test_a_condition_may_watch_one_run_after_another():
    rest = fp.Steady(1e-6)
    for _ in range(2):
        sol = fp.solve(fp.nnlif(b=0.5), DATUM, (0.0, 100.0), stop_when=[rest])
        assert sol.status is fp.Status.STOPPED
        assert "steady" in sol.message
    with pytest.raises(fp.InvalidArgument, match="tolerance"):
        fp.Steady(0.0)


def test_the_folder_knows_what_a_function_calls(tmp_path):
    def helper(x, factor):
        return factor * x

    class Scaled:
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, x):
            return self.factor * x

        def run(self, x):
            return self.factor * x

    def calling(factor):
        return lambda x: helper(x, factor)

    def holding(array):
        return lambda x: float(array[2500] * x)

    long = np.zeros(5000)
    longer = long.copy()
    longer[2500] = 1.0
    pairs = {
        "enclosed": (calling(1.0), calling(2.0)),
        "array": (holding(long), holding(longer)),
        "object": (Scaled(1.0), Scaled(2.0)),
        "method": (Scaled(1.0).run, Scaled(2.0).run),
        "dictionary": ((lambda d: lambda x: d["k"] * x)({"k": 1.0}), (lambda d: lambda x: d["k"] * x)({"k": 2.0})),
    }
    for name, (one, other) in pairs.items():
        how = {"folder": tmp_path / name, "workers": 1}
        first = fp.sweep(one, {"x": [1.0, 2.0]}, **how)
        np.testing.assert_array_equal(fp.sweep(one, {"x": [1.0, 2.0]}, **how)["value"], first["value"])
        with pytest.raises(fp.InvalidArgument, match="another sweep"):
            fp.sweep(other, {"x": [1.0, 2.0]}, **how)


def test_a_remark_is_about_its_own_point():
    table = fp.sweep(
        fp.nnlif(b=0.5), {"initial.variance": [0.25, 1e-6]}, initial=DATUM, t_span=(0.0, 0.1), workers=1,
        metrics=["remark"],
    )  # fmt: skip
    plain, narrow = np.asarray(table["remark"]).tolist()
    assert plain == ""
    assert narrow.count("`initial` varies over") == 1


def test_what_goes_wrong_names_the_point():
    with pytest.raises(fp.InvalidArgument, match=r"at initial.mean = 5: .*has no mass below"):
        fp.sweep(fp.nnlif(b=0.5), {"initial.mean": [0.0, 5.0]}, initial=fp.gaussian(0.0, 0.01), t_span=(0.0, 0.5))
    with pytest.raises(fp.InvalidArgument, match=r"at a1 = 1: for a1 > 0 the initial density must vanish"):
        fp.sweep(fp.nnlif(b=0.5), {"a1": [0.0, 1.0]}, initial=DATUM, t_span=(0.0, 0.5))
    with pytest.raises(ZeroDivisionError) as caught:
        fp.sweep(lambda x: 1.0 / x, {"x": [1.0, 0.0]}, workers=1)
    assert "at x = 0" in caught.value.__notes__


def test_an_axis_and_a_metric_do_not_share_a_name():
    with pytest.raises(fp.InvalidArgument, match="both have 'status'"):
        fp.sweep(lambda status: fp.nnlif(b=status), {"status": [1.0]}, initial=DATUM, t_span=(0.0, 1.0))
    with pytest.raises(fp.InvalidArgument, match="the name of an axis"):
        fp.sweep(lambda b: {"b": 2.0 * b}, {"b": [1.0]}, workers=1)
    with pytest.raises(fp.InvalidArgument, match=r"'b' and 'coupling\.b' are the same number"):
        fp.sweep(fp.nnlif(b=0.5), {"b": [1.0], "coupling.b": [2.0]}, initial=DATUM, t_span=(0.0, 1.0))
    with pytest.raises(fp.InvalidArgument, match=r"the same names at every point|returned the columns"):
        fp.sweep(lambda x: {"even": 1.0} if x % 2 == 0 else {"odd": 1.0}, {"x": [1, 2]}, workers=1)


def test_rest_is_seen_when_it_comes():
    table = fp.sweep(
        fp.nnlif(b=-1.0), {"initial.mean": np.linspace(-1.0, 1.0, 9)}, initial=DATUM, t_span=(0.0, 40.0), workers=1,
        metrics=["t_end", "status"],
    )  # fmt: skip
    assert set(np.asarray(table["status"])) == {"steady"}
    # e-folding in 1/1.3: from one datum to the next the time to rest changes by less than a step or two.
    assert np.all(np.abs(np.diff(np.asarray(table["t_end"]))) < 2.5)


def test_a_point_that_kills_its_process_is_set_aside_in_a_small_sweep_too():
    def deadly(x):
        if x == 2.0:
            os._exit(3)
        return x

    with pytest.warns(fp.FokkerPlanckWarning, match="The point x = 2 was set aside: 3 processes died"):
        table = fp.sweep(deadly, {"x": np.arange(4.0)}, workers=2)
    np.testing.assert_array_equal(table["value"], [0.0, 1.0, np.nan, 3.0])
