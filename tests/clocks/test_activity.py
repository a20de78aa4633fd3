"""The clock that runs with the activity: the same solution where there is no blow-up, and beyond where there is one."""

import numpy as np
import pytest
from helpers import solve
from hypothesis import given
from strategies import between, models, share_of_examples

import fokkerplanck as fp
from fokkerplanck.outcomes import InvalidArgument

CONCENTRATED = fp.gaussian(1.83, 0.003)
SILENT = fp.ExponentialRefractory(0.1)


def through(model, initial, until, overshoot="discard", cells=400, finest=1e-4, **keywords):
    v_min = min(model.lowest_potential((0.0, until)), initial.lowest)
    grid = model.grid(cells, v_min=v_min, finest=finest)
    clock = fp.ActivityClock(overshoot)
    keywords = {"rtol": 1e-6, "estimate_error": False, "save_at": [until]} | keywords
    return fp.solve(model, initial, (0.0, until), grid=grid, clock=clock, **keywords)


# -- where there is no blow-up ----------------------------------------------------------------------------------

MODELS = {
    "excitatory": fp.nnlif(b=0.5),
    "strong": fp.nnlif(b=1.5),
    "driven": fp.nnlif(b=0.5, external=lambda t: np.sin(3.0 * t)),
    "noisy": fp.nnlif(b=0.5, a1=0.3),
    "inhibitory and noisy": fp.nnlif(b=-2.0, a1=0.2),
    "refractory": fp.nnlif(b=1.0, a1=0.1, refractory=fp.ExponentialRefractory(0.2)),
    "refractory for a fixed time": fp.nnlif(b=1.0, a1=0.1, refractory=fp.FixedRefractory(0.3)),
    "quadratic": fp.nnlif(b=0.5, drift=fp.QuadraticDrift()),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_both_clocks_tell_the_same_story(model):
    initial, grid, times = fp.compatible_gaussian(0.0, 0.25), model.grid(120, v_min=-7.0), np.linspace(0.1, 1.0, 23)
    keywords = {"grid": grid, "rtol": 1e-8, "atol": 1e-11, "save_at": [0.37, 1.0], "estimate_error": False}
    fast = fp.solve(model, initial, (0.0, 1.0), clock=fp.ActivityClock(), **keywords)
    slow = fp.solve(model, initial, (0.0, 1.0), **keywords)
    assert fast.status is fp.Status.FINISHED
    assert fast.jumps == ()
    assert fast.t[-1] == 1.0
    np.testing.assert_allclose(fast.density, slow.density, atol=3e-7)
    np.testing.assert_allclose(fast.rate_at(times), slow.rate_at(times), rtol=1e-6)
    assert fast.fired[-1] == pytest.approx(slow.fired[-1], rel=1e-7)
    assert fast.refractory[-1] == pytest.approx(slow.refractory[-1], abs=1e-8)


@share_of_examples(0.15)
@given(models(b=between(0.1, 2.0), any_drift=True))
def test_it_goes_through_a_blow_up_where_the_other_clock_ends_with_one(model):
    initial = fp.compatible_gaussian(model.V_R, 0.1)
    grid = model.grid(80, v_min=min(initial.lowest, model.lowest_potential()), finest=0.002)
    keywords = {"grid": grid, "save_at": [], "estimate_error": False}
    physical = solve(model, initial, (0.0, 0.3), **keywords)
    blows_up = physical.status is fp.Status.BLOW_UP
    until = min(0.3, 1.01 * physical.blow_up.time) if blows_up else 0.3  # there may be hundreds of events after it
    sol = solve(model, initial, (0.0, until), clock=fp.ActivityClock("none"), **keywords)
    assert sol.status is fp.Status.FINISHED
    assert sol.quality.mass_error < 1e-9
    assert np.all(np.diff(sol.fired) >= -1e-12)
    assert np.all(np.diff(sol.t) >= 0.0)
    if physical.status is fp.Status.FINISHED:
        assert sol.jumps == ()
        assert sol.fired[-1] == pytest.approx(physical.fired[-1], rel=1e-4, abs=1e-6)
    if blows_up and 1.01 * physical.blow_up.time < 0.3:
        assert sol.jumps[0].time == pytest.approx(physical.blow_up.time, rel=1e-2)


def test_where_the_rate_stays_finite_the_clocks_are_one():
    for model in (fp.nnlif(b=-1.0), fp.nnlif(b=1.0, delay=0.1), fp.nnlif(b=0.5, threshold=fp.RandomThreshold(0.1))):
        sol = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 0.2), clock=fp.ActivityClock())
        assert sol.settings["clock"] == "PhysicalTime()"
        assert sol.status is fp.Status.FINISHED


# -- through a blow-up ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("b", "datum", "time", "fraction"),
    [(0.5, (1.83, 0.003), 0.0024656661, 0.81060), (0.8, (1.7, 0.01), 0.0093366733, 0.75069)],
)
def test_time_and_size_of_the_event(b, datum, time, fraction):
    sol = through(fp.nnlif(b=b), fp.gaussian(*datum), 0.02, cells=800, finest=1e-5)
    assert sol.status is fp.Status.FINISHED
    (jump,) = sol.jumps
    assert jump.time == pytest.approx(time, rel=5e-5)
    assert jump.fraction == pytest.approx(fraction, rel=2e-4)
    assert jump.shift == pytest.approx(b * jump.fraction)
    assert sol.fired[-1] > jump.fraction
    # N passes through infinity: what is recorded just before and just after is large, and finite.
    k = int(np.searchsorted(sol.t, jump.time))
    assert np.isfinite(sol.rate).all()
    assert sol.rate[k] > 1e5
    assert sol.rate[k + 1] > 500.0
    assert sol.fired[k + 1] - sol.fired[k] == pytest.approx(jump.fraction)


def test_an_event_is_kept_and_can_be_shown_again():
    model = fp.nnlif(b=3.0, refractory=SILENT)
    sol = through(model, CONCENTRATED, 0.8, cells=200, finest=1e-3, save_at=None, rtol=1e-8)
    assert len(sol.t) > 800  # so that other frames have been thinned out
    for jump, before in zip(sol.jumps, sol.before, strict=True):
        again = fp.cascade(model, before)
        assert again.fraction == pytest.approx(jump.fraction, rel=1e-12)
        k = int(np.searchsorted(sol.saved_t, jump.time))
        assert sol.saved_t[k] == jump.time
        np.testing.assert_array_equal(sol.density[k], before.density)
        np.testing.assert_array_equal(sol.density[k + 1], again.after.density)
    assert np.all(np.diff(sol.saved_t) > 0.0)


def test_the_convention_decides_what_comes_after():
    ends = {o: through(fp.nnlif(b=0.5), CONCENTRATED, 0.3, o).rate[-1] for o in ("keep", "discard", "none")}
    # Who keeps the overshoot starts the next round ahead.
    assert ends["keep"] > 1.001 * ends["discard"] > 1.05 * ends["none"]


def test_both_routes_through_the_event_lead_to_the_same_place():
    apart = []
    for cells in (200, 400, 800):
        runs = [
            through(fp.nnlif(b=0.5), CONCENTRATED, 0.2, cells=cells, finest=0.06 / cells),
            fp.solve(
                fp.nnlif(b=0.5),
                CONCENTRATED,
                (0.0, 0.2),
                grid=fp.nnlif(b=0.5).grid(cells, finest=0.06 / cells),
                clock=fp.ActivityClock("discard", transport=True),
                estimate_error=False,
            ),
        ]
        apart.append(abs(runs[0].rate[-1] - runs[1].rate[-1]) / runs[0].rate[-1])
    assert apart[-1] < 6e-3
    assert apart[-1] < 0.7 * apart[-2] < 0.5 * apart[-3]


def test_events_come_again_and_again_with_one_period():
    sol = through(fp.nnlif(b=3.0, refractory=SILENT), CONCENTRATED, 1.3, cells=300, rtol=1e-5)
    times, sizes = np.array([j.time for j in sol.jumps]), np.array([j.fraction for j in sol.jumps])
    assert len(times) == 4
    np.testing.assert_allclose(np.diff(times)[1:], 0.37751, rtol=1e-3)
    np.testing.assert_allclose(sizes[2:], 0.758597, rtol=1e-3)
    assert sol.quality.mass_error < 1e-12
    # R' = N − R/τ: who has fired has come back, or is silent still.
    assert sol.fired[-1] == pytest.approx(sol.refractory[-1] + np.trapezoid(sol.refractory, sol.t) / 0.1, rel=2e-3)


def test_after_a_fixed_time_all_who_fired_at_once_are_back_at_once():
    model = fp.nnlif(b=3.0, refractory=fp.FixedRefractory(0.1))
    sol = through(model, CONCENTRATED, 0.4, cells=300)
    first, second = sol.jumps
    assert second.time == pytest.approx(0.342489, rel=1e-3)
    after = first.time + 0.1
    k = int(np.searchsorted(sol.t, after))
    assert sol.refractory[k] - sol.refractory[k + 1] == pytest.approx(first.fraction, rel=1e-3)
    assert sol.refractory[k + 1] < 2e-3
    assert sol.quality.mass_error < 1e-12
    # The pool is what has fired within the last 0.1, from the same spikes counted twice.
    behind = np.interp(sol.t - 0.1, sol.t, sol.fired)
    late = (sol.t > 0.2) & (sol.t < 0.34)
    np.testing.assert_allclose(sol.refractory[late], (sol.fired - behind)[late], atol=1e-3)


def test_noise_that_grows_with_the_activity_blows_up_and_goes_on():
    model = fp.nnlif(b=-1.0, a1=1.0)
    sol = through(model, fp.compatible_gaussian(1.5, 0.005), 0.05)
    assert sol.status is fp.Status.FINISHED
    assert len(sol.jumps) == 1
    assert sol.jumps[0].time == pytest.approx(0.0105233, rel=1e-3)
    assert sol.jumps[0].shift == pytest.approx(-sol.jumps[0].fraction)
    assert sol.quality.mass_error < 1e-10


def test_a_run_is_continued_from_its_end():
    model = fp.nnlif(b=0.5)
    whole = through(model, CONCENTRATED, 0.3)
    first = through(model, CONCENTRATED, 0.1)
    rest = fp.solve(model, first.final, (0.1, 0.3), clock=fp.ActivityClock(), estimate_error=False)
    assert rest.rate[-1] == pytest.approx(whole.rate[-1], rel=1e-5)
    assert first.fired[-1] + rest.fired[-1] == pytest.approx(whole.fired[-1], rel=1e-6)


def test_a_datum_beyond_the_blow_up_starts_with_the_event():
    sol = through(fp.nnlif(b=0.9), fp.gaussian(1.95, 0.01), 0.1)
    assert sol.jumps[0].time == 0.0
    assert sol.status is fp.Status.FINISHED


def test_without_noise_as_well():
    model = fp.nnlif(b=0.9, a0=0.0, external=3.0)
    sol = fp.solve(
        model, fp.gaussian(1.0, 0.05), (0.0, 1.0), grid=model.grid(400, v_min=-1.0), clock=fp.ActivityClock(),
        estimate_error=False,
    )  # fmt: skip
    assert sol.status is fp.Status.FINISHED
    assert len(sol.jumps) >= 1
    assert sol.quality.mass_error < 1e-9


def test_an_event_without_end_is_a_result():
    sol = through(fp.nnlif(b=1.5), CONCENTRATED, 0.01)
    assert sol.status is fp.Status.ETERNAL
    assert "never ends" in sol.message
    assert sol.final.t == pytest.approx(7.157e-4, rel=1e-3)
    assert through(fp.nnlif(b=1.5), CONCENTRATED, 0.01, "none").status is fp.Status.FINISHED


def test_the_error_of_an_event_is_measured():
    sol = through(fp.nnlif(b=0.5), CONCENTRATED, 0.05, estimate_error=True)
    (jump,) = sol.jumps
    assert 0.0 < jump.errors[0] < 1e-6
    assert 0.0 < jump.errors[1] < 1e-3
    assert abs(jump.fraction - 0.81060) < 2.0 * jump.errors[1]
    assert 0.0 < sol.error_estimate < 0.1
    assert sol.message.endswith("through 1 firing event.")
    assert "fires at once" in repr(sol)


def test_saved_densities_lie_at_the_times_asked_for():
    times = [0.0, 0.001, 0.0024, 0.0025, 0.01]
    sol = through(fp.nnlif(b=0.5), CONCENTRATED, 0.01, save_at=times)
    assert sol.saved_t.tolist() == times
    width = sol.grid.width
    np.testing.assert_allclose(sol.density @ width, 1.0, atol=1e-12)
    until = through(fp.nnlif(b=0.5), CONCENTRATED, 0.0024)
    np.testing.assert_allclose(sol.density[2], until.density[-1], atol=2e-4)


# -- refusals ---------------------------------------------------------------------------------------------------


def test_refusals():
    model, span = fp.nnlif(b=0.5), (0.0, 0.1)
    clock = fp.ActivityClock()
    with pytest.raises(InvalidArgument, match=r"`clock` must be fp\.PhysicalTime\(\) or fp\.ActivityClock\(\)"):
        fp.solve(model, CONCENTRATED, span, clock="activity")
    with pytest.raises(InvalidArgument, match="overshoot"):
        fp.ActivityClock("all")
    for scheme in (fp.Spectral(), fp.HarmonicMean(), fp.Weno5()):
        with pytest.raises(InvalidArgument, match="must be a scheme on cells"):
            fp.solve(model, CONCENTRATED, span, scheme=scheme, clock=clock)
    with pytest.raises(InvalidArgument, match="needs cells"):
        fp.solve(model, fp.solve(model, fp.gaussian(0.0, 0.25), span).final, span, clock=clock)
    with pytest.raises(InvalidArgument, match=r"must be fp\.Rodas5P"):
        fp.solve(model, CONCENTRATED, span, stepper=fp.BackwardEuler(0.01), clock=clock)
    with pytest.raises(InvalidArgument, match="True or False"):
        fp.ActivityClock(transport="no")
    with pytest.raises(InvalidArgument, match="number of events"):
        fp.ActivityClock(most=0)


# -- what has gone wrong once -----------------------------------------------------------------------------------


@pytest.mark.parametrize("v_min", [-7.0, -8.0, -6.2])
def test_a_fixed_time_that_is_short_does_no_harm(v_min):
    model = fp.nnlif(b=3.0, refractory=fp.FixedRefractory(0.02))
    grid = model.grid(200, v_min=v_min, finest=3e-4)
    sol = fp.solve(model, CONCENTRATED, (0.0, 0.1), grid=grid, clock=fp.ActivityClock(), estimate_error=False)
    assert sol.status is fp.Status.FINISHED
    assert sol.rate.min() > -1e-9
    assert sol.refractory.min() > -1e-4
    assert sol.refractory.max() < 1.0 + 1e-4


def test_a_fixed_time_without_events_is_continued_as_if_there_had_been_no_stop():
    model = fp.nnlif(b=0.5, refractory=fp.FixedRefractory(0.2))
    grid, initial = model.grid(120, v_min=-6.2), fp.compatible_gaussian(0.0, 0.25)
    keywords = {"clock": fp.ActivityClock(), "estimate_error": False, "rtol": 1e-8}
    first = fp.solve(model, initial, (0.0, 0.7), grid=grid, **keywords)
    rest, whole = (
        fp.solve(model, first.final, (0.7, 1.5), **keywords),
        fp.solve(model, initial, (0.0, 1.5), grid, **keywords),
    )
    assert rest.rate[-1] == pytest.approx(whole.rate[-1], rel=1e-6)


def test_a_current_need_not_be_defined_beyond_the_run():
    def current(t):
        assert 0.0 <= t <= 0.5
        return np.sin(t)

    sol = through(fp.nnlif(b=0.5, external=current), CONCENTRATED, 0.5, cells=120, finest=1e-3)
    assert sol.status is fp.Status.FINISHED


@pytest.mark.parametrize("start", [1000.0, -3.0])
def test_a_run_may_begin_at_any_time(start):
    model = fp.nnlif(b=0.5)
    grid = model.grid(200, v_min=-6.2, finest=1e-3)
    runs = [
        fp.solve(model, CONCENTRATED, (t, t + 0.05), grid=grid, clock=fp.ActivityClock(), estimate_error=False)
        for t in (0.0, start)
    ]
    assert runs[1].jumps[0].time - start == pytest.approx(runs[0].jumps[0].time, abs=1e-12)
    assert runs[1].rate[-1] == pytest.approx(runs[0].rate[-1], rel=1e-6)
    assert np.all(np.diff(runs[1].t) >= 0.0)


def test_everybody_in_two_narrow_cells_is_a_start_as_good_as_any():
    model = fp.nnlif(b=0.5)
    parts = 1.0 - np.geomspace(1e-4, 9.0, 100)[::-1], [1.0], 1.0 + np.geomspace(1e-4, 1.0, 60)
    grid = fp.Grid(np.concatenate(parts), 1.0, 2.0)
    density = np.zeros(grid.cells)
    cells, shares = grid.deposit(1.0)
    density[cells] = shares / grid.width[cells]
    sol = fp.solve(model, fp.State(0.0, grid, density, 0.0), (0.0, 0.1), clock=fp.ActivityClock(), estimate_error=False)
    assert sol.status is fp.Status.FINISHED


def test_a_run_may_stop_after_so_many_events():
    sol = fp.solve(
        fp.nnlif(b=3.0, refractory=SILENT),
        CONCENTRATED,
        (0.0, 2.0),
        clock=fp.ActivityClock(most=2),
        estimate_error=False,
    )
    assert sol.status is fp.Status.STOPPED
    assert len(sol.jumps) == len(sol.before) == 2


def test_after_an_event_a_fixed_time_is_not_continued_but_says_why():
    model = fp.nnlif(b=3.0, refractory=fp.FixedRefractory(0.2))
    sol = through(model, CONCENTRATED, 0.1, cells=120, finest=1e-3)
    assert len(sol.jumps) == 1
    with pytest.raises(InvalidArgument, match="If whole events were among them"):
        fp.solve(model, sol.final, (0.1, 0.2), clock=fp.ActivityClock())
