"""What is refused, and that the message names the argument and the way out."""

import math

import numpy as np
import pytest

import fokkerplanck as fp
from fokkerplanck.grid import Grid

MODEL = fp.nnlif(b=0.5)
GRID = MODEL.grid(40, v_min=-6.0)
GAUSSIAN = fp.gaussian(0.0, 0.25)
AVERAGES = GAUSSIAN.cell_averages(GRID)
NOT_NUMBERS = [math.nan, math.inf, -math.inf, "1", True, None, [1.0], 1j, np.array([1.0, 2.0])]


def refused(message, call, *arguments, **keywords):
    with pytest.raises(fp.InvalidArgument) as caught:
        call(*arguments, **keywords)
    assert message in str(caught.value)


def solve(model=MODEL, initial=GAUSSIAN, t_span=(0.0, 0.1), grid=GRID, **keywords):
    return fp.solve(model, initial, t_span, grid, **keywords)


POSITIVE = [
    "tau", "variance", "dt", "rtol", "atol", "finest", "epsilon", "duration", "sharpness", "share", "max_step",
]  # fmt: skip


def every(values):
    # A name, since a repr may hold an address, and the processes of pytest-xdist must agree on the names of tests.
    return pytest.mark.parametrize("value", values, ids=lambda value: getattr(value, "__name__", repr(value)[:30]))


# -- numbers ----------------------------------------------------------------------------------------------------

NUMBERS = {
    "b": lambda x: fp.nnlif(b=x),
    "a0": lambda x: fp.nnlif(b=0.5, a0=x),
    "a1": lambda x: fp.nnlif(b=0.5, a1=x),
    "V_R": lambda x: fp.nnlif(b=0.5, V_R=x),
    "V_F": lambda x: fp.nnlif(b=0.5, V_F=x),
    "external": lambda x: fp.nnlif(b=0.5, external=x),
    "tau": lambda x: fp.ExponentialRefractory(x),
    "mean": lambda x: fp.gaussian(x, 0.5),
    "variance": lambda x: fp.compatible_gaussian(0.0, x),
    "dt": lambda x: fp.BackwardEuler(x),
    "rtol": lambda x: solve(rtol=x),
    "atol": lambda x: solve(atol=x),
    "t_span[0]": lambda x: solve(t_span=(x, 1.0)),
    "t_span[1]": lambda x: solve(t_span=(0.0, x)),
    "finest": lambda x: MODEL.grid(40, v_min=-6.0, finest=x),
    "v_min": lambda x: MODEL.grid(40, v_min=x),
    "cells": lambda x: MODEL.grid(x),
    "epsilon": lambda x: fp.RandomThreshold(x),
    "duration": lambda x: fp.FixedRefractory(x),
    "delay": lambda x: fp.nnlif(b=0.5, delay=x),
    "sharpness": lambda x: fp.ExponentialDrift(x, 1.0),
    "V_T": lambda x: fp.ExponentialDrift(0.5, x),
    "share": lambda x: fp.SspRk3(share=x),
    "max_step": lambda x: solve(max_step=x),
}
UNBOUNDED = {"max_step"}  # where infinity is the default
OPTIONAL = {"finest", "v_min"}  # where None means the default


@every(NOT_NUMBERS)
@pytest.mark.parametrize("name", NUMBERS)
def test_what_is_not_a_finite_number(name, value):
    if (value is None and name in OPTIONAL) or (value is math.inf and name in UNBOUNDED):
        NUMBERS[name](value)
    else:
        refused(f"`{name}`", NUMBERS[name], value)


def test_a_whole_number_too_large_for_a_float():
    refused("`b`", fp.nnlif, b=10**400)


@every([np.float32(0.5), np.float64(0.5), np.int64(1), 1])
def test_numbers_of_every_kind_are_accepted(value):
    assert fp.nnlif(b=value, a0=value).noise.a0 == float(value)


@every([0.0, -1.0])
@pytest.mark.parametrize("name", POSITIVE)
def test_what_must_be_positive(name, value):
    refused(f"`{name}` = {value:g}, but it must be positive", NUMBERS[name], value)


@pytest.mark.parametrize("name", ["a0", "a1"])
def test_the_noise_must_not_be_negative(name):
    refused(f"`{name}` = -0.1, but it must be zero or positive", fp.nnlif, b=0.5, **{name: -0.1})
    assert getattr(fp.nnlif(b=0.5, **{name: 0.0}).noise, name) == 0.0


# -- model ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("V_R", "V_F"), [(2.0, 1.0), (1.0, 1.0)])
def test_the_reset_must_lie_below_the_threshold(V_R, V_F):
    refused("must lie below the threshold V_F = 1; swap them?", fp.nnlif, b=0.5, V_R=V_R, V_F=V_F)


@every([0.2, "exponential", True, fp.gaussian(0.0, 1.0), fp.ExponentialRefractory])
def test_what_is_no_refractory_law(value):
    refused("fp.ExponentialRefractory(0.2)", fp.nnlif, b=0.5, refractory=value)


@every([math.nan, None, "a", 1j, np.array([1.0, 2.0])])
@pytest.mark.parametrize("stepper", [None, fp.BackwardEuler(0.01)])
def test_an_external_current_must_give_numbers(value, stepper):
    model = fp.nnlif(b=0.5, external=lambda t: value)
    refused("`external` must", solve, model, stepper=stepper)


def test_an_external_current_that_fails_later_is_refused_by_its_time():
    model = fp.nnlif(b=0.5, external=lambda t: 0.0 if t < 0.05 else math.nan)
    refused("external(0.", solve, model)


def test_a_typo_is_an_error():
    with pytest.raises(TypeError, match="extrenal"):
        fp.nnlif(b=0.5, extrenal=1.0)


# -- grid -------------------------------------------------------------------------------------------------------


@every([3, -1, 0, 2.5, 100.0, "40", True, np.nan])
def test_what_is_no_number_of_cells(value):
    refused("`cells` must be a whole number of at least 8", MODEL.grid, value)


@every([1.0, 1.5, 7.0])
@pytest.mark.parametrize("finest", [None, 0.01])
def test_the_grid_must_start_below_the_reset(value, finest):
    refused(f"`v_min` = {value:g} must lie below V_R = 1", MODEL.grid, 40, v_min=value, finest=finest)


def test_a_finest_cell_that_is_coarse():
    refused("leave it out", MODEL.grid, 40, v_min=-6.0, finest=0.2)


def test_too_few_cells_above_the_reset():
    refused("use at least 16, or a graded grid", MODEL.grid, 15, v_min=-6.0)


@pytest.mark.parametrize(
    ("V_R", "V_F"), [(2.0, 1.0), (1.0, 1.0), (math.nan, 2.0), (1.0, math.nan), (1.0, math.inf), ("1", 2.0), (1.0, None)]
)
@pytest.mark.parametrize(
    "make",
    [lambda *args: Grid.uniform(*args, 40), lambda *args: Grid.graded(*args, 40, 0.01)],
    ids=["uniform", "graded"],
)
def test_a_grid_made_by_hand_refuses_its_potentials(make, V_R, V_F):
    refused("V_", make, -6.0, V_R, V_F)


@every(["faces", None, [[1.0, 2.0]], ["a"] * 10])
def test_faces_that_are_not_numbers(value):
    refused("`faces`", Grid, value, 1.0)


@every([None, 0.5, "uniform", GRID.faces, Grid])
def test_what_is_no_grid(value):
    if value is None:
        assert isinstance(fp.solve(MODEL, GAUSSIAN, (0.0, 1e-3), value).grid, fp.Elements)
    else:
        refused("`grid` must be made by model.grid(cells=...)", solve, grid=value)


@pytest.mark.parametrize("other", [fp.nnlif(b=0.5, V_F=1.9), fp.nnlif(b=0.5, V_R=0.9)], ids=["V_F", "V_R"])
def test_the_grid_of_another_model(other):
    refused("build it with `model.grid(cells=...)`", solve, grid=other.grid(40, v_min=-6.0))


def test_a_grid_that_cuts_the_datum():
    refused("use model.grid(v_min=...) with a lower v_min", solve, grid=MODEL.grid(40, v_min=-1.0))


def test_a_current_of_time_without_a_time_to_look_at():
    refused("give `grid` the `t_span` of the run, or `v_min`", fp.nnlif(b=0.5, external=math.sin).grid)


# -- initial density --------------------------------------------------------------------------------------------


@every([None, 0.5, "gaussian", {}, ...])
def test_what_is_no_initial_density(value):
    refused("`initial` must be", solve, initial=value)


def test_the_maker_of_an_initial_density_is_not_one():
    refused("`initial`", solve, initial=fp.gaussian)


@pytest.mark.parametrize("bell", [fp.gaussian, fp.compatible_gaussian])
def test_a_datum_without_mass_below_the_threshold(bell):
    refused("move the mean below V_F", solve, initial=bell(20.0, 0.1))


def test_activity_noise_needs_a_datum_that_vanishes_at_the_threshold():
    refused("use fp.compatible_gaussian(mean, variance)", solve, fp.nnlif(b=0.5, a1=0.1), fp.gaussian(1.0, 0.5))
    refused(
        "use fp.compatible_gaussian(mean, variance)", solve, fp.nnlif(b=0.5, a1=0.1), lambda v: np.exp(-((v - 1) ** 2))
    )


def test_activity_noise_needs_a_datum_that_is_not_too_steep():
    steep = fp.compatible_gaussian(1.9, 0.01)
    refused("use a less concentrated", fp.solve, fp.nnlif(b=0.5, a1=5.0), steep, (0.0, 0.1))


WITH_A_NAN = np.where(np.arange(40) == 5, np.nan, AVERAGES)
WITH_A_NEGATIVE = np.where(np.arange(40) == 5, -1e-3, AVERAGES)


@pytest.mark.parametrize(
    ("averages", "message"),
    [
        (AVERAGES[:-1], "the grid has 40 cells"),
        (AVERAGES[:, None], "the grid has 40 cells"),
        (2.0 * AVERAGES, "divide it by (initial @ grid.width)"),
        (0.0 * AVERAGES, "divide it by (initial @ grid.width)"),
        (WITH_A_NEGATIVE, "non-negative in every cell"),
        (WITH_A_NAN, "finite"),
        (["a"] * 40, "`initial`"),
        ([[1.0], [2.0, 3.0]], "`initial`"),
    ],
    ids=["short", "column", "mass 2", "empty", "negative", "nan", "strings", "ragged"],
)
def test_an_array_that_is_no_density(averages, message):
    refused(message, solve, initial=averages)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda v: 1.0, "an array of the same shape"),
        (lambda v: v[:-1], "an array of the same shape"),
        (lambda v: v, "non-negative function"),
        (lambda v: np.full_like(v, np.nan), "finite"),
        (lambda v: np.full_like(v, 1e308), "cannot be normalised"),
        (np.zeros_like, "is zero on the whole grid"),
        (lambda v: None, "`initial`"),
        (lambda v: "density", "`initial`"),
    ],
)
def test_a_function_that_is_no_density(function, message):
    with np.errstate(over="ignore"):
        refused(message, solve, initial=function)


# -- a State as initial -----------------------------------------------------------------------------------------


def test_a_state_on_another_grid():
    state = fp.State(0.0, GRID, AVERAGES, 0.1)
    refused("leave it out", solve, initial=state, grid=MODEL.grid(80, v_min=-6.0))
    refused("build it with `model.grid(cells=...)`", fp.solve, fp.nnlif(b=0.5, V_F=1.9), state, (0.0, 0.1))


def test_a_pool_given_to_a_model_without_refractory_state():
    state = fp.State(0.0, GRID, 0.75 * AVERAGES, 0.1, refractory=0.25)
    refused("`model` has no refractory state", solve, initial=state)


@pytest.mark.parametrize(
    "state",
    [
        fp.State(0.0, GRID, AVERAGES[:-1], 0.1),
        fp.State(0.0, GRID, WITH_A_NAN, 0.1),
        fp.State(0.0, GRID, WITH_A_NEGATIVE, 0.1),
        fp.State(0.0, GRID, 2.0 * AVERAGES, 0.1),
        fp.State(0.0, GRID, AVERAGES, 0.1, refractory=0.5),
        fp.State(0.0, GRID, AVERAGES, 0.1, refractory=-0.5),
        fp.State(0.0, GRID, AVERAGES, 0.1, refractory=math.nan),
    ],
    ids=["short", "nan", "negative", "mass 2", "mass and pool", "negative pool", "nan pool"],
)
def test_a_state_made_by_hand_is_checked_like_an_array(state):
    model = fp.nnlif(b=0.5, refractory=fp.ExponentialRefractory(0.2))
    refused("`initial", solve, model, state)


# -- the run ----------------------------------------------------------------------------------------------------


@every([3.0, None, (0.0,), (0.0, 1.0, 2.0), "long", []])
def test_what_is_no_pair_of_times(value):
    refused("`t_span`", solve, t_span=value)


@every([(1.0, 0.0), (0.5, 0.5)])
def test_time_runs_forward(value):
    refused("the end must come after the start", solve, t_span=value)


@every([None, "nnlif", fp.nnlif, fp.Population, 3.0, GRID])
def test_what_is_no_model(value):
    refused("`model` must be a model such as fp.nnlif(b=0.5)", solve, model=value)


@every(["upwind", fp.Upwind, fp.ScharfetterGummel, 3, fp.Rodas5P()])
def test_what_is_no_scheme(value):
    refused("`scheme` must be an object such as fp.ScharfetterGummel()", solve, scheme=value)


@every(["rodas5p", fp.Rodas5P, fp.BackwardEuler, 3, fp.Upwind()])
def test_what_is_no_stepper(value):
    refused("`stepper` must be an object such as fp.BackwardEuler(dt=0.001)", solve, stepper=value)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([-0.1, 0.05], "outside t_span"),
        ([0.05, 0.2], "outside t_span"),
        ([0.05, 0.02], "increasing"),
        ([0.05, 0.05], "increasing"),
        ([0.05, math.nan], "increasing"),
        ([[0.01, 0.02]], "increasing"),
        ("often", "`save_at`"),
        (["a", "b"], "`save_at`"),
        ([0.05, None], "`save_at`"),
    ],
)
def test_what_is_no_list_of_times(times, message):
    refused(message, solve, save_at=times)


@every([3.0, "mass", None])
def test_what_is_no_monitor(value):
    refused("monitor `m` must be a function of a State", solve, monitors={"m": value})


@every(["many", None, [1.0, 2.0], {}])
def test_what_a_monitor_must_not_return(value):
    refused("monitor `m` must return one number", solve, monitors={"m": lambda state: value})


@every([["mass"], fp.mass, "mass", 3])
def test_monitors_have_names(value):
    refused("`monitors`", solve, monitors=value)


@every([lambda state: True, [3.0], "steady", None, 3.0])
def test_what_is_no_list_of_conditions(value):
    refused("`stop_when`", solve, stop_when=value)


# -- afterwards -------------------------------------------------------------------------------------------------


@every([-0.01, 0.2, math.nan, [0.05, 0.2], math.inf])
def test_a_time_outside_the_run_has_no_rate(value):
    refused("`times` must lie within the computed interval [0, 0.1]", solve().rate_at, value)


@every(["now", None, ["a"]])
def test_what_is_no_time(value):
    refused("`times`", solve().rate_at, value)


def test_the_blow_up_theorem_knows_no_external_current():
    refused("use `external=0`", fp.blow_up_criterion, fp.nnlif(b=1.5, external=0.1), GAUSSIAN)
    refused("use `external=0`", fp.blow_up_criterion, fp.nnlif(b=1.5, external=math.sin), GAUSSIAN)


@every([2.0, 1.0, -1.0, *NOT_NUMBERS])
def test_what_is_no_exponent_of_the_blow_up_theorem(value):
    if value is None:
        assert fp.blow_up_criterion(fp.nnlif(b=1.5), GAUSSIAN, mu=value).bound > 0  # the best one
    else:
        refused("`mu`", fp.blow_up_criterion, fp.nnlif(b=1.5), GAUSSIAN, mu=value)


def test_the_blow_up_theorem_needs_a_model():
    refused("`model`", fp.blow_up_criterion, "nnlif", GAUSSIAN)


def test_the_blow_up_theorem_needs_a_density():
    refused("`initial`", fp.blow_up_criterion, MODEL, 3.0)
    refused("`initial`", fp.blow_up_criterion, MODEL, fp.State(0.0, GRID, AVERAGES, 0.1))


@every([fp.InvalidArgument, fp.FokkerPlanckError])
def test_refusals_are_value_errors(value):
    assert issubclass(value, ValueError)


# -- laws that are not the simplest -----------------------------------------------------------------------------

RANDOM = fp.nnlif(b=0.5, threshold=fp.RandomThreshold(0.1))
WIDE = RANDOM.grid(60, v_min=-6.0, v_max=4.0)


def test_a_delay_must_not_be_negative():
    refused("`delay` = -1, but it must be zero or positive", fp.nnlif, b=0.5, delay=-1.0)
    assert fp.nnlif(b=0.5, delay=0).coupling.delay == 0


@every([fp.RandomThreshold, fp.SoftThreshold, 0.1, "random", True, fp.ExponentialRefractory(0.1), lambda v: 0.0 * v])
def test_what_is_no_threshold_law(value):
    refused("`threshold` must be None or a law such as fp.RandomThreshold(0.02)", fp.nnlif, b=0.5, threshold=value)


@every([fp.QuadraticDrift, "quadratic", 3, fp.RandomThreshold(0.1)])
def test_what_is_no_drift_law(value):
    refused("`drift` must be None or a function such as fp.QuadraticDrift()", fp.nnlif, b=0.5, drift=value)


@every([lambda v: 1.0, lambda v: v[:-1], lambda v: None, lambda v: math.nan * v, lambda v: "up", lambda v: 1j * v])
def test_a_drift_must_give_numbers(value):
    refused("`drift` must map an array of potentials", fp.nnlif, b=0.5, drift=value)


@pytest.mark.parametrize("grid", [None, GRID], ids=["default grid", "grid"])
def test_a_drift_must_give_numbers_below_the_reset_too(grid):
    model = fp.nnlif(b=0.5, drift=lambda v: np.where(v < -2.0, np.nan, -v))
    refused("but it is not finite at v = -", solve, model, grid=grid)


def test_a_drift_that_overflows_below_the_threshold_is_refused_at_once():
    refused("not finite at v = 15.25", fp.nnlif, b=0.5, drift=fp.ExponentialDrift(0.02, 1.0), V_F=20.0)


def test_a_law_that_overflows_far_above_the_threshold_is_refused_with_the_way_out():
    steep = fp.nnlif(b=0.5, threshold=fp.SoftThreshold(lambda v: np.exp((v - 2.0) / 0.005)))
    refused("give the grid a `v_max`, or a bounded `rate`", solve, steep, grid=None)
    refused("give the grid a `v_max`, or a bounded `rate`", steep.grid)
    grid = steep.grid(300, v_max=2.1, finest=1e-3)
    assert solve(steep, grid=grid).status is fp.Status.FINISHED
    with pytest.raises(fp.InvalidArgument, match=r"not at v = 2\.$"):
        fp.nnlif(b=0.5, threshold=fp.SoftThreshold(lambda v: np.inf * v)).grid()
    drift = fp.ExponentialDrift(0.02, 1.5)
    weak = fp.nnlif(b=0.5, drift=drift, threshold=fp.SoftThreshold(lambda v: np.maximum(v - 2.0, 0.0)))
    refused("give the grid a `v_max`, or a drift that stays finite", weak.highest_potential)


def test_a_threshold_has_one_place():
    refused("give V_F once", fp.nnlif, b=0.5, threshold=fp.RandomThreshold(0.1, V_F=3.0))
    assert fp.nnlif(b=0.5, threshold=fp.RandomThreshold(0.1, V_F=2.0)) == RANDOM
    refused("give it a V_F", fp.Population, **{**vars(MODEL), "threshold": fp.RandomThreshold(0.1)})


@every([3, "exp", None, 0.5])
def test_a_soft_threshold_needs_a_function(value):
    refused("`rate` must be a function of the potential", fp.SoftThreshold, value)


@pytest.mark.parametrize(
    ("rate", "message"),
    [
        (lambda v: -1.0 + 0.0 * v, "finite and not negative, but it is not at v ="),
        (lambda v: np.where(v > 3.0, np.nan, 1.0), "finite and not negative, but it is not at v = 3.0"),
        (lambda v: np.where(v > 3.0, np.inf, 1.0), "finite and not negative, but it is not at v = 3.0"),
        (lambda v: 1.0, "an array of the same shape"),
        (lambda v: v[:-1], "an array of the same shape"),
        (lambda v: None, "`rate` must be numbers"),
        (lambda v: 1j * v, "`rate` must be numbers"),
    ],
)
def test_a_hazard_that_is_none(rate, message):
    model = fp.nnlif(b=0.5, threshold=fp.SoftThreshold(rate))
    refused(message, solve, model, grid=WIDE)


def test_a_hazard_that_lets_the_density_escape():
    refused("give the grid a `v_max`", fp.nnlif(b=0.5, threshold=fp.SoftThreshold(np.zeros_like)).grid, 60)


@every([1.5, 2.0, math.nan, math.inf, "3", True, [3.0]])
def test_where_a_grid_cannot_end(value):
    refused("`v_max`", RANDOM.grid, 60, v_min=-6.0, v_max=value)


@every([1.5, 3.0, math.nan, "3"])
def test_with_a_hard_threshold_the_grid_ends_there(value):
    refused("the grid ends at V_F; leave it out", MODEL.grid, 60, v_max=value)
    assert MODEL.grid(60, v_max=2.0).v_max == 2.0


@every([3, 11, 2.5, "40", None])
def test_what_is_no_number_of_cells_when_a_third_lies_above_the_threshold(value):
    refused("`cells` must be a whole number of at least 12", RANDOM.grid, value)


@every(["low", math.nan])
def test_a_lower_end_that_is_no_number_when_neurons_can_exceed_the_threshold(value):
    refused("`v_min`", RANDOM.grid, 60, v_min=value)


def test_the_advice_on_too_few_cells_can_be_followed():
    refused("use at least 24, or a graded grid", RANDOM.grid, 23, v_min=-6.0)
    assert RANDOM.grid(24, v_min=-6.0).cells == 24


def test_the_grid_of_another_threshold_law():
    refused("is not absorbing; build it with `model.grid(cells=...)`", solve, RANDOM)
    refused("is absorbing; build it with `model.grid(cells=...)`", solve, MODEL, grid=WIDE)


@every([-1.0, math.nan, math.inf, "1", [1.0], True])
def test_what_is_no_rate_of_the_past(value):
    refused("`history`", solve, fp.nnlif(b=0.5, delay=0.1), history=value)


@every([-1.0, math.nan, math.inf, None, "a", np.array([1.0, 2.0])])
@pytest.mark.parametrize("model", [fp.nnlif(b=0.5, delay=0.1), fp.nnlif(b=0.5, refractory=fp.FixedRefractory(0.1))])
def test_what_a_history_must_not_return(model, value):
    refused("history(-0.", solve, model, history=lambda t: value)


def test_no_more_neurons_can_be_silent_than_there_are():
    refused("at most all can be", solve, fp.nnlif(b=0.5, refractory=fp.FixedRefractory(0.5)), history=3.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dt": -1.0}, "`dt` = -1, but it must be positive"),
        ({"dt": 0.0}, "`dt` = 0, but it must be positive"),
        ({"dt": "a"}, "`dt` must be a number"),
        ({"share": 1.5}, "`share` = 1.5, but it must be at most 1"),
    ],
)
def test_a_step_that_an_explicit_stepper_cannot_take(arguments, message):
    refused(message, fp.SspRk3, **arguments)
