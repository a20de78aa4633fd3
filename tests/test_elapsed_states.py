"""Steady states, modes and guaranteed rates of the time-elapsed model."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

import fokkerplanck as fp
from fokkerplanck.models.elapsed import FunctionHazard

HILL = fp.HillDuration(quiet=3.0, active=0.5, half=0.4)


@given(sigma=st.floats(0.0, 10.0), height=st.floats(0.1, 10.0))
def test_the_steady_rate_of_a_step_is_known(sigma, height):
    (state,) = fp.stationary_states(fp.time_elapsed(fp.StepHazard(sigma, height)))
    assert state.rate == pytest.approx(1.0 / (sigma + 1.0 / height), rel=1e-13)
    assert abs(state.residual) < 1e-12
    assert state.stable
    grid = fp.HalfLine.uniform(20.0 + sigma, 200)
    assert state.cell_averages(grid) @ grid.width == pytest.approx(1.0, rel=1e-13)


@given(quiet=st.floats(0.5, 8.0), J=st.floats(0.1, 5.0), steepness=st.floats(1.0, 10.0))
@settings(max_examples=20, deadline=None)
def test_no_steady_state_is_missed(quiet, J, steepness):
    law = fp.HillDuration(quiet, 0.25, 0.4, steepness)
    states = fp.stationary_states(fp.time_elapsed(fp.StepHazard(law), connectivity=J))
    N = np.linspace(1e-6, 1.2, 20001)
    excess = N * np.array([1.0 + law(J * n) for n in N]) - 1.0
    crossings = np.flatnonzero(excess[1:] * excess[:-1] < 0.0)
    expected = [brentq(lambda n: n * (1.0 + law(J * n)) - 1.0, N[k], N[k + 1], xtol=1e-15) for k in crossings]
    assert len(states) % 2 == 1
    assert [state.rate for state in states] == pytest.approx(expected, rel=1e-9)


def test_a_smooth_law_and_the_same_one_as_a_function():
    law = fp.SigmoidHazard(2.0, 0.5, 0.3, 0.7)
    twin = FunctionHazard(law.__call__)
    for J in (1.0, -1.0):
        (known,) = fp.stationary_states(fp.time_elapsed(law, J, spread=0.2))
        (quadrature,) = fp.stationary_states(fp.time_elapsed(twin, J, spread=0.2))
        assert quadrature.rate == pytest.approx(known.rate, rel=1e-9)
        assert quadrature.stable is known.stable is True


def test_the_density_is_the_survival_function():
    (state,) = fp.stationary_states(fp.time_elapsed(fp.StepHazard(2.0)))
    assert state.density([1.0, 2.0, 3.0]) == pytest.approx(np.array([1.0, 1.0, np.exp(-1.0)]) / 3.0)
    changing = fp.time_elapsed(lambda s, x: s / (1.0 + s), connectivity=0.0)
    (other,) = fp.stationary_states(changing)
    with pytest.raises(fp.InvalidArgument, match="end"):
        other.state(changing.grid(100, end=2.0))
    with pytest.raises(fp.InvalidArgument, match="grid"):
        state.state(fp.nnlif(0.0).grid(100))


def growth(state, spread, start):
    """The zero near `start` of (1 + z)(1 + λz) − (1 + λz) e^{−zσ} + c z, c = J N σ'(JN)."""
    sigma, h = HILL(state.input), 1e-6
    c = state.input * (HILL(state.input + h) - HILL(state.input - h)) / (2.0 * h)
    z = start
    for _ in range(50):
        K = 1.0 + spread * z
        F = (1.0 + z) * K - K * np.exp(-z * sigma) + c * z
        slope = K + spread * (1.0 + z) - spread * np.exp(-z * sigma) + sigma * K * np.exp(-z * sigma) + c
        z = z - F / slope
    return z


@pytest.mark.parametrize(("spread", "stable"), [(0.05, False), (0.3, False), (1.0, True)])
def test_stability_is_that_of_the_characteristic_equation(spread, stable):
    (state,) = fp.stationary_states(fp.time_elapsed(fp.StepHazard(HILL), spread=spread))
    assert state.stable is stable
    roots = [growth(state, spread, complex(x, y)) for x in (-0.5, 0.5, 5.0) for y in (0.5, 1.5, 3.0, 6.0)]
    worst = max(z.real for z in roots if abs(z) > 1e-6)  # z = 0 is a zero that mass conservation rules out
    assert bool(worst < 0.0) is stable


def test_growth_is_seen_in_a_run():
    model = fp.time_elapsed(fp.StepHazard(HILL), spread=0.3)
    (state,) = fp.stationary_states(model)
    grid = model.grid(600, end=24.0)
    steady = state.state(grid)
    density = steady.density * (1.0 + 1e-6 * np.cos(grid.v))
    start = fp.State(0.0, grid, density / (density @ grid.width), state.rate, state.rate)
    sol = fp.solve(model, start, (0.0, 20.0), estimate_error=False)
    z = max((growth(state, 0.3, complex(0.5, y)) for y in (0.5, 1.5, 3.0)), key=lambda z: z.real)
    period = 2.0 * np.pi / abs(z.imag)
    record = np.abs(sol.rate - state.rate)
    early, late = (record[(sol.t >= t) & (sol.t < t + period)].max() for t in (6.0, 6.0 + 2.0 * period))
    assert np.log(late / early) / (2.0 * period) == pytest.approx(z.real, rel=0.03)


def test_without_spread_a_response_above_one_is_ill_posed():
    (state,) = fp.stationary_states(fp.time_elapsed(fp.StepHazard(HILL)))
    assert state.response == pytest.approx(1.6732648, rel=1e-5)
    assert state.stable is False
    (calm,) = fp.stationary_states(fp.time_elapsed(fp.StepHazard(HILL), connectivity=0.5))
    assert calm.response < 1.0
    assert calm.stable is True


@given(sigma=st.floats(0.1, 20.0), height=st.floats(0.2, 5.0))
def test_modes_of_a_step_solve_their_equation(sigma, height):
    z = fp.renewal_modes(fp.StepHazard(sigma, height), count=4)
    assert np.abs(z + height - height * np.exp(-z * sigma)).max() < 1e-9 * height * np.exp(-z.real.min() * sigma)
    assert np.all(np.diff(z.real) < 0.0)
    assert np.all(np.abs(fp.StepHazard(sigma, height).transform(z)) < 1e-8 * np.exp(-z.real.min() * sigma) / height)


def test_modes_of_the_eighth_event_of_a_poisson_process():
    def hazard(s, x):
        terms = np.cumprod(np.concatenate([np.ones((1, s.size)), s.reshape(1, -1) / np.arange(1, 8)[:, None]]), axis=0)
        return (terms[-1] / terms.sum(axis=0)).reshape(s.shape)

    modes = fp.renewal_modes(FunctionHazard(hazard), count=2)
    exact = -1.0 + np.exp(2j * np.pi * np.array([1, 2]) / 8)  # (1 + z)^−8 = 1
    assert modes[0] == pytest.approx(exact[0], abs=1e-6)


@given(maximum=st.floats(0.3, 8.0), recovery=st.floats(0.05, 10.0), x=st.floats(-2.0, 2.0))
@settings(max_examples=12, deadline=None)
def test_all_modes_decay_and_are_zeros(maximum, recovery, x):
    law = fp.SigmoidHazard(maximum, 0.0, 1.0, recovery)
    rate = law.final_rate(x)
    for z in fp.renewal_modes(law, x, 5):
        assert -rate < z.real < 0.0
        # ∫ S e^{−zs} ds with u = e^{−s/recovery}, S = e^{r·recovery (1 − u)} u^{r·recovery}, as a power series
        a, b, k = rate * recovery, z * recovery, np.arange(200)
        terms = np.cumprod(np.append(1.0, -a / k[1:])) / (k + a + b)
        assert abs(terms.sum()) < 1e-3 * np.abs(terms).max()


def test_no_mode_is_made_up():
    assert np.all(fp.renewal_modes(fp.SigmoidHazard(1.0), 0.0, 3).real < 0.0)
    assert len(fp.renewal_modes(lambda s, x: s / (1.0 + s))) == 0  # (1 + z)² = 1 has z = −2 only, below −p(∞)


def test_modes_of_long_refractory_times():
    z = fp.renewal_modes(fp.StepHazard(1.0, 800.0))
    assert np.abs(z + 800.0 - 800.0 * np.exp(-z)).max() < 1e-10
    near = [fp.renewal_modes(fp.StepHazard(1.0, height)) for height in (490.0, 497.0)]  # both sides of the overflow
    assert near[0] == pytest.approx(near[1], rel=0.02)


def test_functions_are_taken_as_laws():
    law = fp.SigmoidHazard(5.0, recovery=3.0)
    twin = lambda s, x: law(s, x)  # noqa: E731
    assert fp.renewal_modes(twin) == pytest.approx(fp.renewal_modes(law), rel=1e-6)
    assert fp.doeblin_bound(twin).rate == pytest.approx(fp.doeblin_bound(law).rate, rel=1e-9)
    for function in (fp.doeblin_bound, fp.renewal_modes):
        with pytest.raises(fp.InvalidArgument, match="never fire"):
            function(lambda s, x: 0.0 * s)


def test_the_mode_is_the_rate_at_which_a_run_forgets():
    law = fp.StepHazard(4.0)
    model = fp.time_elapsed(law)
    grid = model.grid(480, end=24.0)
    (state,) = fp.stationary_states(model)
    sol = fp.solve(model, fp.exponential(1.0), (0.0, 60.0), grid=grid, estimate_error=False)
    z = fp.renewal_modes(law)[0]
    record = np.abs(sol.rate - state.rate)
    period = 2.0 * np.pi / z.imag
    early, late = (record[(sol.t >= t) & (sol.t < t + period)].max() for t in (25.0, 25.0 + 6.0 * period))
    assert np.log(early / late) / (6.0 * period) == pytest.approx(-z.real, rel=5e-3)


@pytest.mark.parametrize(
    "hazard", [fp.StepHazard(0.5), fp.StepHazard(1.0, 2.0), fp.SigmoidHazard(4.0, recovery=0.3), fp.StepHazard(0.0)]
)
def test_doeblins_share_is_there_whatever_the_start(hazard):
    bound = fp.doeblin_bound(hazard)
    assert 0.0 < bound.share < 1.0
    model = fp.time_elapsed(hazard, connectivity=0.0)
    steps = 200
    grid = model.grid(round(1.5 * steps * max(1.0, hazard.old_age(0.0) / bound.time)), None)
    h = grid.width[0]
    until = round(bound.time / h) * h
    common = np.inf
    for age in (0.0, 0.25, 0.5, 1.0, 2.0, 6.0):
        start = np.zeros(grid.cells)
        start[int(age / h)] = 1.0 / h
        sol = fp.solve(model, start, (0.0, until), grid=grid, estimate_error=False, save_at=[])
        common = np.minimum(common, sol.final.density)
    assert common @ grid.width >= 0.99 * bound.share


def test_the_published_share_is_not_better():
    # t0 = 2 s* and α = p_min s* e^{−2 p_max s*} for the step of height 1 at σ = s*
    for sigma in (0.3, 1.0, 2.0):
        bound = fp.doeblin_bound(fp.StepHazard(sigma))
        assert bound.rate >= -np.log1p(-sigma * np.exp(-2.0 * sigma)) / (2.0 * sigma)


def test_bad_input_is_refused():
    for function in (fp.doeblin_bound, fp.renewal_modes):
        with pytest.raises(fp.InvalidArgument, match="hazard"):
            function(1.0)
        with pytest.raises(fp.InvalidArgument, match="x"):
            function(fp.StepHazard(1.0), np.nan)
    with pytest.raises(fp.InvalidArgument, match="count"):
        fp.renewal_modes(fp.StepHazard(1.0), count=0)


def test_three_states_of_a_bistable_network():
    law = fp.HillDuration(6.0, 0.25, 0.4, 8.0)
    model = fp.time_elapsed(fp.StepHazard(law))
    states = fp.stationary_states(model)
    assert [state.stable for state in states] == [True, False, True]
    for quiet, start in ((states[0], 0.0), (states[2], 1.0)):
        twin = fp.time_elapsed(fp.StepHazard(law), start=start)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fp.FokkerPlanckWarning)
            sol = fp.solve(twin, quiet.state(twin.grid(300)), (0.0, 0.5), estimate_error=False)
        assert sol.rate[0] == pytest.approx(quiet.rate, rel=1e-10)
