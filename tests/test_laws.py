"""Delays, refractory times of fixed length, thresholds that are not absorbing, other drifts, no noise."""

import itertools

import numpy as np
import pytest
from helpers import EXACT, orders

import fokkerplanck as fp
from fokkerplanck.interpolation import RateHistory
from fokkerplanck.operators.memory import Memory, breaks
from fokkerplanck.steppers.protocol import advance

DATUM = fp.compatible_gaussian(0.0, 0.25)


def rate(model, t, **options):
    sol = fp.solve(model, DATUM, (0.0, t), **{"rtol": 1e-9, "atol": 1e-13, "estimate_error": False, **options})
    assert sol.status is fp.Status.FINISHED
    return sol.rate[-1]


# -- delay ------------------------------------------------------------------------------------------------------


def test_a_network_that_was_silent_is_uncoupled_until_the_delay_is_over():
    coupled, free = (
        fp.solve(fp.nnlif(b=b, delay=0.5), DATUM, (0.0, 0.5), rtol=1e-9, atol=1e-13, grid=fp.nnlif(b=0.0).grid(200))
        for b in (-20.0, 0.0)
    )
    t = np.linspace(0.01, 0.5, 30)
    np.testing.assert_allclose(coupled.rate_at(t), free.rate_at(t), rtol=1e-7)


def test_a_constant_history_is_a_constant_current_until_the_delay_is_over():
    delayed = fp.nnlif(b=2.0, delay=0.5)
    driven = fp.nnlif(b=0.0, external=2.0 * 0.3)
    grid = delayed.grid(200)
    found = rate(delayed, 0.4, history=0.3, grid=grid)
    assert found == pytest.approx(rate(driven, 0.4, grid=grid), rel=1e-7)
    assert found == pytest.approx(rate(delayed, 0.4, history=lambda t: 0.3, grid=grid), rel=1e-12)


def test_a_delay_that_vanishes_is_no_delay():
    grid = fp.nnlif(b=1.0).grid(200)
    none = rate(fp.nnlif(b=1.0), 1.0, grid=grid)
    gaps = [abs(rate(fp.nnlif(b=1.0, delay=d), 1.0, grid=grid) - none) for d in (4e-3, 2e-3, 1e-3)]
    np.testing.assert_allclose(orders(gaps), 1.0, atol=0.02)


def steps_with_delay(model, grid, count, end):
    """N(end) by equal Rodas5P steps that end where derivatives jump."""
    system = fp.ScharfetterGummel().discretize(model, grid)
    system.remember(RateHistory(np.array([-model.depth, 0.0]), np.array([0.1 - model.depth, 0.1])))
    y = system.pack(DATUM.cell_averages(grid))
    assert system.close(y, 0.0)
    system.begin(y, 0.0)
    dt = end / count
    for k in range(count):
        step = advance(fp.Rodas5P(), system, y, k * dt, dt, EXACT)
        system.accept(step.new, (k + 1) * dt, dt, step.bend)
        y = step.new
    return y[-1, 0]


def test_the_order_in_time_with_a_delay():
    model = fp.nnlif(b=-1.0, delay=0.5)
    grid = model.grid(60, v_min=-4.0)
    rates = [steps_with_delay(model, grid, count, 1.0) for count in (16, 32, 64, 256)]
    errors = np.abs(np.array(rates[:-1]) - rates[-1])
    assert np.all(orders(errors) > 2.9)
    assert errors[-1] < 1e-10


def test_a_delay_shorter_than_the_steps_costs_no_accuracy():
    model = fp.nnlif(b=-1.0, delay=0.01)
    grid = model.grid(80)
    rough, fine = (
        fp.solve(model, DATUM, (0.0, 3.0), grid=grid, rtol=rtol, atol=1e-3 * rtol, estimate_error=False)
        for rtol in (1e-7, 1e-11)
    )
    assert np.diff(rough.t)[-5:-1].min() > 2 * 0.01
    t = np.linspace(0.1, 3.0, 50)
    np.testing.assert_allclose(rough.rate_at(t), fine.rate_at(t), rtol=1e-6)


def test_backward_euler_with_a_delay_is_of_first_order():
    model = fp.nnlif(b=-5.0, delay=0.3)
    grid = model.grid(80, v_min=-5.0)
    exact = rate(model, 1.0, grid=grid)
    errors = [abs(rate(model, 1.0, grid=grid, stepper=fp.BackwardEuler(1.0 / n)) - exact) for n in (160, 320, 640)]
    np.testing.assert_allclose(orders(errors), 1.0, atol=0.05)


def test_a_delay_prevents_the_blow_up():
    for delay, status in ((0.0, fp.Status.BLOW_UP), (0.05, fp.Status.FINISHED)):
        sol = fp.solve(fp.nnlif(b=1.5, delay=delay), fp.gaussian(1.5, 0.005), (0.0, 0.3), rtol=1e-4)
        assert sol.status is status


@pytest.mark.parametrize(
    "law",
    [
        {"delay": 0.4},
        {"refractory": fp.FixedRefractory(0.3)},
        {"delay": 0.1, "refractory": fp.FixedRefractory(0.3)},
    ],
)
def test_a_run_goes_on_from_its_final_state_and_from_a_file(law, tmp_path):
    model = fp.nnlif(b=-3.0, **law)
    grid = model.grid(100)
    options = {"grid": grid, "rtol": 1e-9, "atol": 1e-12, "estimate_error": False}
    whole = fp.solve(model, DATUM, (0.0, 2.0), history=lambda t: 0.2 + 0.1 * t, **options)
    part = fp.solve(model, DATUM, (0.0, 0.7), history=lambda t: 0.2 + 0.1 * t, **options)
    del options["grid"]
    rest = fp.solve(model, part.final, (0.7, 2.0), **options)
    assert rest.rate[-1] == pytest.approx(whole.rate[-1], rel=1e-6)
    part.save(tmp_path / "part.nc")
    again = fp.solve(model, fp.load(tmp_path / "part.nc").final, (0.7, 2.0), **options)
    np.testing.assert_array_equal(again.rate, rest.rate)
    twice = fp.solve(model, fp.solve(model, part.final, (0.7, 0.75), **options).final, (0.75, 2.0), **options)
    assert twice.rate[-1] == pytest.approx(whole.rate[-1], rel=1e-6)


def test_a_restart_of_backward_euler_with_delays_is_bitwise():
    model = fp.nnlif(b=-3.0, delay=0.25, refractory=fp.FixedRefractory(0.125))
    options = {"stepper": fp.BackwardEuler(1.0 / 64), "estimate_error": False}
    whole = fp.solve(model, DATUM, (0.0, 2.0), grid=model.grid(100), **options)
    part = fp.solve(model, DATUM, (0.0, 0.75), grid=model.grid(100), **options)
    rest = fp.solve(model, part.final, (0.75, 2.0), **options)
    np.testing.assert_allclose(rest.final.density, whole.final.density, rtol=1e-13)


# -- a refractory time of fixed length --------------------------------------------------------------------------


def test_a_fixed_time_has_the_stationary_rate_of_an_exponential_one_with_the_same_mean():
    grid = fp.nnlif(b=0.5).grid(200)
    fixed, exponential = (
        fp.solve(fp.nnlif(b=0.5, refractory=law), DATUM, (0.0, 30.0), grid=grid, rtol=1e-9, atol=1e-13)
        for law in (fp.FixedRefractory(0.2), fp.ExponentialRefractory(0.2))
    )
    assert fixed.rate[-1] == pytest.approx(exponential.rate[-1], rel=1e-8)
    assert fixed.refractory[-1] == pytest.approx(0.2 * fixed.rate[-1], rel=1e-8)
    assert fixed.quality.mass_error < 1e-12


def test_the_pool_holds_what_fired_within_the_refractory_time():
    model = fp.nnlif(b=1.0, refractory=fp.FixedRefractory(0.2))
    sol = fp.solve(model, DATUM, (0.0, 1.0), grid=model.grid(100), rtol=1e-9, atol=1e-13)
    for end in (0.1, 0.5, 1.0):
        t = np.linspace(max(0.0, end - 0.2), end, 20_001)
        N = sol.rate_at(t)
        fired = float(np.sum(0.5 * (N[1:] + N[:-1]) * np.diff(t)))
        assert float(np.interp(end, sol.t, sol.refractory)) == pytest.approx(fired, rel=2e-3)


def test_who_fired_before_the_start_is_refractory_at_the_start():
    model = fp.nnlif(b=0.0, refractory=fp.FixedRefractory(0.5))
    sol = fp.solve(model, DATUM, (0.0, 0.2), history=0.4)
    assert sol.refractory[0] == pytest.approx(0.2)
    assert fp.mass(fp.State(0.0, sol.grid, sol.density[0], 0.0, sol.refractory[0])) == pytest.approx(1.0)
    with pytest.raises(fp.InvalidArgument, match="at most all"):
        fp.solve(model, DATUM, (0.0, 0.2), history=3.0)


@pytest.mark.parametrize("dt", [0.03, 0.2, 0.7])
def test_backward_euler_keeps_the_sign_of_the_pool_whatever_the_step(dt):
    model = fp.nnlif(b=1.0, refractory=fp.FixedRefractory(0.2))
    sol = fp.solve(model, fp.gaussian(1.8, 0.01), (0.0, 40 * dt), grid=model.grid(200), stepper=fp.BackwardEuler(dt))
    assert sol.refractory.min() >= -1e-16
    assert sol.quality.smallest_density >= 0.0
    assert sol.quality.mass_error < 1e-13


# -- the memory -------------------------------------------------------------------------------------------------


def memory_of(past, depth=1.0):
    """A memory that starts at t = 0, of a past given at the ends of one step."""
    return Memory(RateHistory(np.array([-depth, 0.0]), np.array(past)), depth, lanes=1)


def test_the_memory_sums_what_fired():
    memory = memory_of([0.0, 1.0])  # N = 1 + t before
    memory.jump(np.array([9.0]))
    for t, N in ((0.5, 2.0), (1.0, 4.0)):
        memory.accept(0.5, t, np.array([N]), ())
    assert memory.fired(-0.5, 0.0) == pytest.approx(0.375)  # ∫ (1 + t)
    assert memory.fired(0.25, 0.75) == pytest.approx(0.5 + 1.0)  # backward Euler's rate is that at the end
    assert memory.fired(-0.5, 1.0) == pytest.approx(0.375 + 1.0 + 2.0)


def test_the_memory_integrates_dense_output_exactly():
    memory = memory_of([0.0, 0.0])
    memory.accept(1.0, 1.0, np.array([1.0]), tuple(np.array([k]) for k in (0.3, -0.2, 0.7)))
    t = np.linspace(0.0, 1.0, 20_001)
    N = np.array([memory.at(s, since=0.0)[0] for s in t])
    assert memory.fired(0.0, 1.0) == pytest.approx(float(np.sum(0.5 * (N[1:] + N[:-1]) * np.diff(t))), rel=1e-8)


def test_where_the_rate_jumps_a_step_sees_its_own_side():
    memory = memory_of([7.0, 7.0])
    memory.jump(np.array([3.0]))
    memory.accept(1.0, 1.0, np.array([4.0]), ())
    memory.jump(np.array([5.0]))
    assert memory.at(0.0, since=-0.5) == 7.0
    assert memory.at(0.0, since=0.0) == 3.0
    assert memory.at(1.0, since=0.5) == 4.0
    assert memory.at(1.0, since=1.0) == 5.0
    assert memory.jumps == [0.0, 1.0]


@pytest.mark.parametrize("start", [-2.0, -0.3, 1.0, 1e6])
def test_breaks_are_met_wherever_the_clock_starts(start):
    times = list(breaks([start], (0.1, 0.2), smoothing=True))
    assert times[:3] == pytest.approx([start + 0.1, start + 0.2, start + 0.3])
    assert np.min(np.diff(times)) > 0.05  # 0.1 + 0.2 and 0.3 are the same


def test_a_jump_that_is_not_smoothed_comes_back_for_ever():
    times = list(itertools.islice(breaks([0.0], (0.5,), smoothing=False), 100))
    assert times[-1] == pytest.approx(50.0)


def test_a_long_run_forgets_what_it_does_not_look_back_on():
    memory = memory_of([0.0, 0.0], depth=0.01)
    for k in range(1, 20_000):
        memory.accept(1e-3, 1e-3 * k, np.array([float(k)]), ())
    assert len(memory._steps) < 10_000
    assert memory.at(1e-3 * 19_990, since=0.0) == pytest.approx(19_990.0)
    assert len(memory.history().t) < 20


@pytest.mark.parametrize("start", [-2.0, 0.0, 7.0])
def test_a_state_may_go_on_at_any_time(start):
    model = fp.nnlif(b=-5.0, delay=0.3, refractory=fp.FixedRefractory(0.2))
    grid = model.grid(100)
    options = {"rtol": 1e-8, "atol": 1e-11, "estimate_error": False}
    final = fp.solve(model, DATUM, (-1.0, 0.0), grid=grid, **options).final
    assert fp.solve(model, final, (start, start + 1.0), **options).rate[-1] == pytest.approx(
        fp.solve(model, final, (0.0, 1.0), **options).rate[-1], rel=1e-7
    )


def test_a_state_that_remembers_too_little_is_refused():
    short = fp.nnlif(b=0.5, delay=0.2)
    final = fp.solve(short, DATUM, (0.0, 1.0), grid=short.grid(60), estimate_error=False).final
    with pytest.raises(fp.InvalidArgument, match="looks back 1"):
        fp.solve(fp.nnlif(b=0.5, delay=1.0), final, (1.0, 2.0))
    with pytest.raises(fp.InvalidArgument, match="not when they fired"):
        fp.solve(
            fp.nnlif(b=0.5, refractory=fp.FixedRefractory(0.2)),
            fp.State(0.0, final.grid, 0.9 * final.density, 0.1, 0.1), (0.0, 1.0),
        )  # fmt: skip
    with pytest.raises(fp.InvalidArgument, match="looks back on nothing"):
        fp.solve(fp.nnlif(b=0.5), DATUM, (0.0, 1.0), history=0.1)


@pytest.mark.parametrize("stepper", [fp.Rodas5P(), fp.BackwardEuler(1e-3), fp.SspRk3()])
def test_the_pool_is_what_fired_whatever_stepper_takes_over(stepper):
    model = fp.nnlif(b=1.0, refractory=fp.FixedRefractory(0.2))
    grid = model.grid(60)
    first = fp.solve(
        model, fp.gaussian(1.2, 0.2), (0.0, 0.5), grid=grid, rtol=1e-7, history=lambda t: 0.5 if t > -0.13 else 0.0,
        estimate_error=False,
    )  # fmt: skip
    sol = fp.solve(model, first.final, (0.5, 1.0), stepper=stepper, estimate_error=False)
    t = np.linspace(0.8, 1.0, 20_001)
    N = sol.rate_at(t)
    fired = float(np.sum(0.5 * (N[1:] + N[:-1]) * np.diff(t)))
    assert sol.refractory[-1] == pytest.approx(fired, rel=3e-3)


def test_noise_that_follows_the_delayed_rate_makes_the_rate_jump():
    model = fp.nnlif(b=0.0, a1=2.0, delay=0.5)
    datum = fp.compatible_gaussian(1.0, 0.3)
    sol = fp.solve(model, datum, (0.0, 1.2), rtol=1e-7, atol=1e-10)
    before, after = sol.rate_at([0.5 - 1e-9, 0.5 + 1e-6])
    assert after / before == pytest.approx(1.0 + 2.0 * float(sol.rate_at(1e-6)), rel=1e-3)  # a(N(0))/a0
    cells = fp.solve(model, datum, (0.0, 1.2), grid=model.grid(3200, finest=1e-4), rtol=1e-7, estimate_error=False)
    t = np.array([0.3, 0.52, 0.8, 1.02, 1.2])
    np.testing.assert_allclose(sol.rate_at(t), cells.rate_at(t), rtol=1e-3)


def test_a_history_is_dense():
    history = RateHistory(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 4.0]))
    np.testing.assert_allclose(history(np.array([0.5, 1.0, 1.5])), [0.5, 1.0, 2.5])


# -- thresholds that are not absorbing --------------------------------------------------------------------------


def test_a_random_threshold_becomes_the_hard_one():
    hard = fp.stationary_states(fp.nnlif(b=0.0))[0].rate
    gaps = []
    for epsilon in (4e-4, 1e-4):
        model = fp.nnlif(b=0.0, threshold=fp.RandomThreshold(epsilon))
        gaps.append(hard - rate(model, 20.0, grid=model.grid(600, finest=2e-3), rtol=1e-8))
    assert gaps[0] / gaps[1] == pytest.approx(2.0, rel=0.05)  # O(√ε)


def test_a_random_threshold_is_a_soft_one_with_a_step():
    soft = fp.nnlif(b=1.0, threshold=fp.SoftThreshold(lambda v: np.where(v > 2.0, 10.0, 0.0)))
    random = fp.nnlif(b=1.0, threshold=fp.RandomThreshold(0.1))
    grid = random.grid(200)
    np.testing.assert_array_equal(rate(soft, 1.0, grid=grid), rate(random, 1.0, grid=grid))


def test_escape_noise_of_constant_hazard_fires_at_that_rate():
    model = fp.nnlif(b=0.0, threshold=fp.SoftThreshold(lambda v: np.full(np.shape(v), 0.7)))
    sol = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 3.0), grid=model.grid(200, v_max=8.0))
    np.testing.assert_allclose(sol.rate, 0.7, rtol=1e-12)


def test_an_upper_end_that_is_too_low_is_told():
    model = fp.nnlif(b=4.0, refractory=fp.ExponentialRefractory(0.2), threshold=fp.RandomThreshold(0.02))
    with pytest.warns(fp.FokkerPlanckWarning, match="higher v_max"):
        sol = fp.solve(model, fp.gaussian(1.5, 0.1), (0.0, 1.0), grid=model.grid(300, v_max=4.0), rtol=1e-4)
    assert sol.quality.truncated_mass > 1e-3
    assert sol.quality.mass_error < 1e-12


@pytest.mark.parametrize("model", [fp.nnlif(b=0.0), fp.nnlif(b=0.0, threshold=fp.RandomThreshold(0.1))])
def test_a_grid_of_the_other_kind_of_threshold_is_refused(model):
    other = fp.nnlif(b=0.0, threshold=None if model.threshold.absorbing is False else fp.RandomThreshold(0.1))
    with pytest.raises(fp.InvalidArgument, match=r"model\.grid"):
        fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 1.0), grid=other.grid(100))


# -- drifts -----------------------------------------------------------------------------------------------------


def test_any_function_is_a_drift():
    grid = fp.nnlif(b=0.5).grid(200)
    assert rate(fp.nnlif(b=0.5, drift=lambda v: -v), 1.0, grid=grid) == rate(fp.nnlif(b=0.5), 1.0, grid=grid)


def test_a_perfect_integrator_fires_at_its_drift_over_the_distance():
    # f = 0, I = μ: stationary N = μ/(V_F − V_R), whatever the noise.
    model = fp.nnlif(b=0.0, external=2.0, drift=np.zeros_like, V_R=0.5, V_F=2.0)
    assert rate(model, 30.0, grid=model.grid(800, v_min=-8.0)) == pytest.approx(2.0 / 1.5, rel=1e-4)


def test_the_quadratic_neuron_without_noise_fires_at_the_inverse_of_its_travel_time():
    # v' = v² + I from V_R to V_F takes [arctan(v/√I)]/√I
    I = 4.0
    model = fp.nnlif(b=0.0, a0=1e-3, external=I, drift=fp.QuadraticDrift(), V_R=-10.0, V_F=10.0)
    expected = np.sqrt(I) / (2.0 * np.arctan(10.0 / np.sqrt(I)))
    sol = fp.solve(
        model, fp.gaussian(0.0, 4.0), (0.0, 40.0), grid=model.grid(4000, v_min=-12.0), scheme=fp.Upwind(), rtol=1e-5
    )
    t = np.linspace(20.0, 40.0, 4000)
    assert float(sol.rate_at(t).mean()) == pytest.approx(expected, rel=0.01)


def test_the_exponential_neuron_is_the_leaky_one_far_below_its_threshold():
    drift = fp.ExponentialDrift(0.2, V_T=30.0)
    grid = fp.nnlif(b=0.5).grid(200)
    found = rate(fp.nnlif(b=0.5, drift=drift), 1.0, grid=grid)
    assert found == pytest.approx(rate(fp.nnlif(b=0.5), 1.0, grid=grid), rel=1e-9)


# -- no noise ---------------------------------------------------------------------------------------------------


def test_without_noise_and_drive_nothing_fires_and_the_potential_decays():
    model = fp.nnlif(b=3.0, a0=0.0)
    sol = fp.solve(
        model, fp.compatible_gaussian(0.5, 0.05), (0.0, 2.0), model.grid(2000, v_min=-2.0),
        stepper=fp.BackwardEuler(1e-3), monitors={"mean": fp.mean_potential},
    )  # fmt: skip
    assert sol.rate.max() == 0.0
    assert sol.quality.smallest_density >= 0.0
    mean = sol.records["mean"].value
    assert mean[-1] == pytest.approx(mean[0] * np.exp(-2.0), rel=2e-2)


def test_a_datum_whose_trace_is_too_high_blows_up_at_once():
    sol = fp.solve(fp.nnlif(b=12.0), fp.gaussian(1.75, 0.01), (0.0, 1.0))
    assert sol.status is fp.Status.BLOW_UP
    assert sol.blow_up.time == 0.0
    assert "at once" in sol.message
