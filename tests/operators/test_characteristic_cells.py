"""Cells of ages: exact where they claim it, conservative and positive everywhere."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import exp1

import fokkerplanck as fp
from fokkerplanck.state import as_density
from fokkerplanck.steppers.ageing import Ageing

HILL = fp.HillDuration(quiet=3.0, active=0.5, half=0.4)


def run(model, initial, until, cells=400, end=20.0, **options):
    return fp.solve(model, initial, (0.0, until), grid=model.grid(cells, end), estimate_error=False, **options)


def test_a_constant_hazard_has_a_constant_rate():
    sol = run(fp.time_elapsed(fp.StepHazard(0.0, height=2.0)), fp.exponential(0.7), 1.0)
    assert sol.rate == pytest.approx(2.0, rel=1e-13)
    assert sol.fired[-1] == pytest.approx(2.0, rel=1e-13)


def test_the_delay_equation_of_a_step_is_met_to_rounding():
    # all neurons younger than σ = 1, uniformly: N = 1 − e^{−t} until the first of them has fired for a time 1
    model = fp.time_elapsed(fp.StepHazard(1.0))
    sol = run(model, np.where(model.grid(400, 20.0).v < 1.0, 1.0, 0.0), 1.0)
    assert sol.rate == pytest.approx(-np.expm1(-sol.t), abs=1e-14)
    assert sol.fired[-1] == pytest.approx(np.exp(-1.0), rel=1e-12)


@pytest.mark.parametrize("hazard", [fp.SigmoidHazard(2.0, recovery=0.5), fp.StepHazard(0.83)])
def test_steady_states_are_kept(hazard):
    model = fp.time_elapsed(hazard, connectivity=0.8)
    (state,) = fp.stationary_states(model)
    sol = run(model, state.state(model.grid(400, 20.0)), 2.0)
    assert np.abs(sol.rate - state.rate).max() < 1e-12
    assert sol.density[-1] == pytest.approx(sol.density[0], abs=1e-13)


@given(
    sigma=st.floats(0.0, 2.0),
    height=st.floats(0.2, 5.0),
    J=st.floats(-1.0, 1.0),
    spread=st.sampled_from([0.0, 0.2]),
    delay=st.sampled_from([0.0, 0.3]),
    scale=st.floats(0.2, 0.6),
)
@settings(max_examples=25, deadline=None)
def test_mass_is_kept_and_nothing_is_negative(sigma, height, J, spread, delay, scale):
    law = fp.StepHazard(lambda x: sigma / (1.0 + np.exp(x)), height)
    model = fp.time_elapsed(law, J, delay=delay, spread=spread)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FokkerPlanckWarning)  # of jumps of N
        sol = run(model, fp.exponential(scale), 1.03, cells=100, end=22.0)
    assert sol.status is fp.Status.FINISHED
    assert sol.quality.mass_error < 1e-13
    assert sol.quality.smallest_density >= 0.0
    assert np.all((sol.rate >= 0.0) & (sol.rate <= height * (1.0 + 1e-12)))
    # whoever is younger than the run has fired in it
    assert sol.fired[-1] >= 0.0


@given(maximum=st.floats(0.3, 3.0), slope=st.floats(0.3, 2.0), recovery=st.floats(0.2, 2.0))
@settings(max_examples=10, deadline=None)
def test_the_entropies_of_the_linear_equation_decrease(maximum, slope, recovery):
    model = fp.time_elapsed(fp.SigmoidHazard(maximum, 0.0, slope, recovery), connectivity=0.0)
    grid = model.grid(400)
    steady = fp.stationary_states(model)[0].state(grid)
    monitors = {H.__name__: lambda s, H=H: fp.relative_entropy(s, steady, H()) for H in (fp.Quadratic, fp.Absolute)}
    sol = fp.solve(model, lambda s: np.exp(-s) * s, (0.0, 20 * grid.width[0]), grid=grid, monitors=monitors)
    for record in sol.records.values():
        assert np.all(np.diff(record.value) <= 1e-13 * record.value[0])


@pytest.mark.parametrize("options", [{}, {"spread": 0.2}, {"delay": 0.5}, {"delay": 0.3, "spread": 0.2}])
def test_a_run_goes_on_from_its_end(options):
    model = fp.time_elapsed(fp.SigmoidHazard(2.0, 0.5, 0.3), **options)
    whole = run(model, fp.exponential(1.0), 2.0, end=24.0, cells=480)
    first = run(model, fp.exponential(1.0), 1.0, end=24.0, cells=480)
    rest = fp.solve(model, first.final, (1.0, 2.0), estimate_error=False)
    assert rest.rate[-1] == pytest.approx(whole.rate[-1], rel=1e-10)
    assert rest.final.density == pytest.approx(whole.final.density, abs=1e-12)
    assert rest.final.refractory == pytest.approx(whole.final.refractory, rel=1e-12)


def test_a_delayed_model_needs_its_past():
    model = fp.time_elapsed(fp.SigmoidHazard(), delay=0.5)
    (state,) = fp.stationary_states(model)
    grid = model.grid(200)
    sol = fp.solve(model, state.state(grid), (0.0, 10 * grid.width[0]), estimate_error=False)
    assert np.abs(sol.rate - state.rate).max() < 1e-9
    constant = run(model, fp.exponential(0.5), 1.0, history=state.rate)
    silent = run(model, fp.exponential(0.5), 1.0)
    assert constant.rate[0] > 1.1 * silent.rate[0]
    with pytest.raises(fp.InvalidArgument, match="history"):
        fp.solve(fp.time_elapsed(fp.SigmoidHazard()), fp.exponential(1.0), (0.0, 1.0), history=0.1)


def test_the_end_of_a_run_may_lie_within_a_step():
    model = fp.time_elapsed(fp.SigmoidHazard(2.0, 0.5, 0.3))
    errors = []
    fine = run(model, fp.exponential(0.6), 1.03, cells=4800, end=24.0)
    for cells in (480, 960):
        sol = run(model, fp.exponential(0.6), 1.03, cells=cells, end=24.0)
        assert sol.t[-1] == 1.03
        assert sol.quality.mass_error < 1e-13
        errors.append(abs(sol.rate[-1] - fine.rate[-1]))
    assert errors[1] < 0.5 * errors[0] < 2e-3


def test_short_steps_are_upwind():
    model = fp.time_elapsed(fp.StepHazard(0.0))
    sol = run(model, fp.exponential(0.5), 0.5, max_step=0.01)
    assert len(sol.t) == 51
    assert sol.quality.mass_error < 1e-13
    assert sol.rate == pytest.approx(1.0, rel=1e-12)


def test_the_default_is_refined_until_it_is_good_enough():
    sol = fp.solve(fp.time_elapsed(fp.SigmoidHazard(2.0, 0.5, 0.3)), lambda s: s * np.exp(-s), (0.0, 1.0), rtol=1e-4)
    assert sol.error_estimate < 2e-4
    assert sol.settings["stepper"] == "Ageing()"


def test_a_jump_of_the_rate_is_told():
    model = fp.time_elapsed(fp.StepHazard(HILL))
    with pytest.warns(fp.FokkerPlanckWarning, match="N jumped once, at t = 1.8"):
        sol = run(model, fp.exponential(1.0), 3.0, end=24.0)
    k = int(np.argmax(np.diff(sol.rate)))
    assert sol.rate[k + 1] - sol.rate[k] > 0.4
    # before and after it the closure is solved
    for state in (sol.final,):
        sigma = HILL(state.rate)
        mass = state.density * state.grid.width
        assert mass[state.grid.faces[:-1] >= sigma].sum() <= state.rate + 1e-12


def test_the_jump_is_where_a_vanishing_spread_goes():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FokkerPlanckWarning)
        prompt = run(fp.time_elapsed(fp.StepHazard(HILL)), fp.exponential(1.0), 3.0, end=24.0, cells=1200)
    apart = []
    for spread in (0.08, 0.04):
        sol = run(fp.time_elapsed(fp.StepHazard(HILL), spread=spread), fp.exponential(1.0), 3.0, end=24.0, cells=1200)
        apart.append(np.mean(np.abs(sol.rate - prompt.rate)))
    assert apart[1] < 0.7 * apart[0] < 0.1
    with pytest.warns(fp.FokkerPlanckWarning, match="do not resolve"):
        run(fp.time_elapsed(fp.StepHazard(HILL), spread=1e-3), fp.exponential(1.0), 3.0, end=24.0, cells=600)


def test_no_solution_is_no_solution():
    # Inhibition that switches: above N = 0.3 nobody fires before the age 4, below it at once.
    model = fp.time_elapsed(fp.StepHazard(lambda x: 4.0 if x > 0.3 else 0.0))
    sol = run(model, fp.exponential(1.0), 1.0, end=25.0)
    assert sol.status is fp.Status.UNRESOLVED
    assert "spread" in sol.message
    assert np.isnan(sol.rate[0])


def test_it_stops_where_the_solution_ends():
    # As before, but at first nobody is old enough for the switch to matter.
    model = fp.time_elapsed(fp.StepHazard(lambda x: 4.0 if x > 0.3 else 0.5))
    sol = run(model, lambda s: np.where(s < 0.4, 1.0, 0.0), 3.0, end=25.0, cells=2000)
    assert sol.status is fp.Status.UNRESOLVED
    assert 0.1 < sol.t[-1] < 3.0
    assert sol.rate[-1] == pytest.approx(0.3, abs=0.05)


def test_what_does_not_suit_is_refused():
    model = fp.time_elapsed(fp.StepHazard(1.0))
    start = fp.exponential(1.0)
    with pytest.raises(fp.InvalidArgument, match="equal width"):
        fp.solve(model, start, (0.0, 1.0), grid=fp.HalfLine.graded(30.0, 100, 0.01))
    with pytest.raises(fp.InvalidArgument, match="scheme"):
        fp.solve(model, start, (0.0, 1.0), scheme=fp.Upwind())
    with pytest.raises(fp.InvalidArgument, match="Characteristics"):
        fp.solve(fp.nnlif(0.5), fp.gaussian(0.0, 0.25), (0.0, 1.0), scheme=fp.Characteristics())
    with pytest.raises(fp.InvalidArgument, match="stepper"):
        fp.solve(model, start, (0.0, 1.0), stepper=fp.BackwardEuler(0.01))
    with pytest.raises(fp.InvalidArgument, match="stepper"):
        fp.solve(model, start, (0.0, 1.0), stepper=fp.SspRk3())
    with pytest.raises(fp.InvalidArgument, match="stepper"):
        fp.solve(fp.nnlif(0.5), fp.gaussian(0.0, 0.25), (0.0, 1.0), stepper=Ageing())


def test_older_neurons_are_in_the_last_cell():
    model = fp.time_elapsed(fp.StepHazard(1.0))
    (state,) = fp.stationary_states(model)
    short = state.state(model.grid(40, end=2.0))
    assert short.density @ short.grid.width == pytest.approx(1.0, rel=1e-14)
    sol = fp.solve(model, short, (0.0, 1.0), estimate_error=False)
    assert np.abs(sol.rate - 0.5).max() < 1e-13
    assert sol.quality.truncated_mass == 0.0
    changing = fp.time_elapsed(lambda s, x: 1.0 / (1.0 + np.exp(-s)), connectivity=0.0)
    grid = changing.grid(40, end=2.0)
    with pytest.warns(fp.FokkerPlanckWarning, match="beyond the end of the grid"):
        fp.solve(changing, np.full(40, 0.5), (0.0, 1.0), grid=grid, estimate_error=False)


def test_the_default_grid_follows_a_gaussian_of_ages():
    t = 0.9
    sol = fp.solve(fp.time_elapsed(fp.StepHazard(1.0)), fp.gaussian(2.0, 0.1), (0.0, t), rtol=1e-4)
    s = np.linspace(1.0 - t, 6.0, 60001)  # who is older than 1 at the end, and has been for a time of at most t
    n0 = np.exp(-((s - 2.0) ** 2) / 0.2) / np.sqrt(0.2 * np.pi)
    exact = np.trapezoid(n0 * np.exp(-np.minimum(s + t - 1.0, t)), s)
    assert sol.rate[-1] == pytest.approx(exact, rel=1e-5)
    assert sol.error_estimate < 1e-3


@pytest.mark.parametrize("datum", [fp.exponential(1.0), fp.exponential(1e3)])
def test_the_last_cell_takes_the_tail_of_the_datum(datum):
    model = fp.time_elapsed(fp.StepHazard(1.0))
    long = fp.solve(model, datum, (0.0, 3.0), grid=fp.HalfLine.uniform(100.0, 2000), estimate_error=False)
    short = fp.solve(model, datum, (0.0, 3.0), grid=fp.HalfLine.uniform(2.0, 40), estimate_error=False)
    assert short.rate == pytest.approx(long.rate, rel=1e-13)
    fp.solve(model, datum, (0.0, 3.0), grid=model.grid(400), estimate_error=False)


def test_a_tail_below_zero_is_told_from_one_beyond_the_end():
    for model, name in ((fp.time_elapsed(fp.StepHazard(1.0)), "s"), (fp.cell_polarization(0.5), "z")):
        with pytest.raises(fp.InvalidArgument, match=f"0.023 .* below {name} = 0; use a larger mean") as refusal:
            fp.solve(model, fp.gaussian(1.0, 0.25), (0.0, 1.0))
        assert "larger end" not in str(refusal.value)
    polar = fp.cell_polarization(0.5)
    with pytest.raises(fp.InvalidArgument, match=r"0.0067 .* larger end"):
        fp.solve(polar, fp.exponential(1.0), (0.0, 0.1), grid=polar.grid(100, 5.0))


@pytest.mark.parametrize(
    ("options", "grid", "until", "words"),
    [
        ({}, (100, 1e6), 1.0, "a run of length 1; use"),
        ({}, (20, 100.0), 50.0, "the ages below 1, over"),
        ({"delay": 0.0037}, (400, 20.0), 5.0, "a `delay` of 0.0037.*at least 2703 cells"),
    ],
)
def test_cells_too_wide_to_tell_are_no_result(options, grid, until, words):
    model = fp.time_elapsed(fp.StepHazard(fp.HillDuration(1.0, 0.5, 10.0)), **options)
    with pytest.warns(fp.FokkerPlanckWarning, match=words):
        sol = fp.solve(model, fp.exponential(1.0), (0.0, until), grid=model.grid(*grid))
    assert sol.error_estimate == np.inf


def test_so_many_cells_as_the_warning_says_are_enough():
    model = fp.time_elapsed(fp.StepHazard(1.0), delay=0.1)
    fp.solve(model, fp.exponential(1.0), (0.0, 1.0), grid=model.grid(100, 20.0))  # pytest makes a warning an error


def test_the_oldest_may_wait_for_a_late_step():
    # p is zero at the end of the grid and at twice that age, but not for ever.
    model = fp.time_elapsed(fp.StepHazard(1.0))
    with pytest.warns(fp.FokkerPlanckWarning, match="beyond the end of the grid"):
        fp.solve(model, fp.exponential(1.0), (0.0, 1.0), grid=model.grid(100, 0.3), estimate_error=False)


def test_a_hazard_that_outgrows_the_activity_has_no_rate():
    model = fp.time_elapsed(lambda s, x: 0.5 + 0.0 * s + x**2)
    sol = fp.solve(model, fp.exponential(1.0), (0.0, 1.0))
    assert sol.status is fp.Status.UNRESOLVED
    assert "faster than the activity" in sol.message
    assert np.isnan(sol.rate[0])
    # N = 1/5 + N²: the smaller of two
    calm = fp.solve(fp.time_elapsed(lambda s, x: 0.2 + 0.0 * s + x**2), fp.exponential(1.0), (0.0, 0.1), rtol=1e-4)
    assert calm.rate == pytest.approx(0.5 - np.sqrt(0.05), rel=1e-10)


def test_a_hazard_that_grows_exponentially_with_the_age():
    # without any other warning than that of the accuracy; the steady rate is 1/(e E1(1))
    model = fp.time_elapsed(lambda s, x: np.exp(s))
    sol = fp.solve(model, fp.exponential(0.1), (0.0, 6.0), grid=model.grid(400), estimate_error=False)
    assert sol.rate[-1] == pytest.approx(1.0 / (np.e * exp1(1.0)), rel=1e-3)
    state = run(model, fp.exponential(1.0), 0.5, end=30.0).final
    assert state.density @ state.grid.width == pytest.approx(1.0)


def test_a_function_of_age_alone_is_evaluated_once():
    calls = []

    def hazard(s, x):
        calls.append(s.size)
        return s**2

    model = fp.time_elapsed(hazard, connectivity=0.0)
    grid, before = model.grid(400), len(calls)
    fp.solve(model, fp.exponential(0.2), (0.0, 1.0), grid=grid, estimate_error=False)
    assert calls[before:].count(4 * 400) == 1


@pytest.mark.parametrize(
    ("hazard", "datum"),
    [
        (fp.StepHazard(1.0), lambda s: (1.0 + s) ** -3.0),
        (lambda s, x: s**2, fp.exponential(1e3)),
        (lambda s, x: s**2, lambda s: (1.0 + s) ** -3.0),
    ],
)
def test_a_datum_that_hardly_ends_does_not_widen_the_cells(hazard, datum):
    model = fp.time_elapsed(hazard)
    grid = model.default_grid(as_density(datum), (0.0, 5.0))
    assert grid.width[0] <= 0.025 * (1.0 + 1e-9)
    sol = fp.solve(model, datum, (0.0, 1.0), grid=grid, estimate_error=False)
    assert sol.quality.mass_error < 1e-12


def test_a_step_more_is_no_reason_to_warn():
    model = fp.time_elapsed(fp.StepHazard(1.0))
    first = run(model, fp.exponential(1.0), 1.0)
    more = fp.solve(model, first.final, (1.0, 1.02))  # pytest makes a warning an error
    assert more.error_estimate == np.inf  # of a single step nothing is known
