"""The firing event at one instant: its size, where everybody ends, and two ways to compute it."""

import numpy as np
import pytest
from helpers import orders
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import brentq
from strategies import between, share_of_examples

import fokkerplanck as fp
from fokkerplanck.outcomes import InvalidArgument

CELLS = 400


def box(low, high, mass=1.0):
    """A density that is constant on [low, high]."""
    return lambda v: np.where((v >= low) & (v <= high), mass / (high - low), 0.0)


def state_of(model, density, cells=CELLS, rate=np.inf):
    grid = model.grid(cells, v_min=-2.0)
    values = density(grid.v)
    return fp.State(0.0, grid, values / (values @ grid.width), rate)


def ramp(v):
    """A density that rises towards V_F = 2 with n(V_F) = 2."""
    return np.where(v > 1.0, 2.0 * (v - 1.0), 0.0)


every_overshoot = pytest.mark.parametrize("overshoot", ["keep", "discard", "none"])


@every_overshoot
def test_the_size_is_the_least_z_with_fewer_than_z_in_reach(overshoot):
    # With n = 2(v − 1) next to V_F = 2, P(V > 2 − bz) = 1 − (1 − bz)²; it equals z at z = (2b − 1)/b².
    for b, size in ((0.6, 0.2 / 0.36), (0.8, 0.6 / 0.64), (0.55, 0.1 / 0.3025)):
        found = fp.cascade(fp.nnlif(b=b), state_of(fp.nnlif(b=b), ramp, 1600), overshoot)
        assert found.fraction == pytest.approx(size, abs=2e-5)
        assert found.shift == pytest.approx(b * found.fraction)
        assert found.jump.fraction == found.fraction
        assert not found.eternal


@every_overshoot
def test_nobody_gets_lost_at_any_stage(overshoot):
    found = fp.cascade(fp.nnlif(b=0.6), state_of(fp.nnlif(b=0.6), ramp), overshoot)
    in_density = found.density @ found.before.grid.width
    fell_silent = found.spikes if overshoot == "none" else 0.0
    waits = found.waiting if overshoot != "keep" else 0.0
    np.testing.assert_allclose(in_density + waits + fell_silent, 1.0, atol=1e-12)
    assert fp.mass(found.after) == pytest.approx(1.0, abs=1e-12)
    assert found.density.min() >= -1e-12
    assert np.all(found.waiting >= -1e-12)
    assert found.waiting[-1] == pytest.approx(0.0, abs=1e-12)


def test_where_those_end_who_fired():
    model = fp.nnlif(b=0.6)
    before = state_of(model, ramp, 1600)
    ends = {o: fp.cascade(model, before, o) for o in ("keep", "discard", "none")}
    grid, found = before.grid, ends["keep"]
    shift, mean = found.shift, before.density @ (before.grid.v * before.grid.width)
    # Everybody moves by bΔ; who fired falls by V_F − V_R, or to where the convention puts him.
    fired_from = (before.density * (grid.v > 2.0 - shift)) @ (grid.v * grid.width)
    stays = mean - fired_from + shift * (1.0 - found.fraction)
    ends_at = {
        "keep": fired_from + (shift - 1.0) * found.fraction,
        "discard": (1.0 + 0.5 * shift) * found.fraction,
        "none": 1.0 * found.fraction,
    }
    for overshoot, end in ends.items():
        assert fp.mean_potential(end.after) == pytest.approx(stays + ends_at[overshoot], abs=2e-3)
    back = (grid.v > 1.01) & (grid.v < 1.0 + shift - 0.01)
    below = np.interp(grid.v - shift, grid.v, before.density)
    np.testing.assert_allclose((ends["discard"].after.density - below)[back], 1.0 / 0.6, rtol=5e-3)


@every_overshoot
def test_in_a_refractory_state_they_wait_whatever_the_convention(overshoot):
    model = fp.nnlif(b=0.6, refractory=fp.ExponentialRefractory(0.3))
    found = fp.cascade(model, state_of(model, ramp), overshoot)
    assert found.after.refractory == pytest.approx(found.fraction, abs=1e-12)
    assert fp.mass(found.after) == pytest.approx(1.0, abs=1e-12)
    fires = fp.cascade(model, state_of(model, ramp), overshoot, transport=True)
    assert fires.after.refractory == pytest.approx(fires.fraction, abs=1e-12)


@every_overshoot
def test_the_equation_of_the_standing_clock_gives_the_same_jump(overshoot):
    model, apart, moved = fp.nnlif(b=0.6), [], []
    for cells in (400, 800, 1600):
        state = state_of(model, ramp, cells)
        exact, followed = (fp.cascade(model, state, overshoot, transport=t) for t in (False, True))
        apart.append(abs(exact.fraction - followed.fraction))
        moved.append(np.abs(exact.after.density - followed.after.density) @ state.grid.width)
        assert fp.mass(followed.after) == pytest.approx(1.0, abs=1e-10)
        assert followed.waiting[-1] == pytest.approx(0.0, abs=1e-10)
    # Upwind transport is of first order; where the density that comes back has jumps, of order one half (in L¹).
    np.testing.assert_allclose(orders(apart), 1.0, atol=0.01)
    np.testing.assert_allclose(
        orders(moved), 1.0 if overshoot == "none" else 0.5, atol=0.01 if overshoot == "none" else 0.1
    )
    assert apart[-1] < 5e-3


def test_the_map_is_of_second_order():
    b, mean, variance = 0.6, 1.9, 0.04
    model, datum, errors = fp.nnlif(b=b), fp.gaussian(mean, variance), []

    def beyond(z):
        from scipy.special import ndtr

        s = np.sqrt(variance)
        return (ndtr((2.0 - mean) / s) - ndtr((2.0 - b * z - mean) / s)) / ndtr((2.0 - mean) / s)

    size = brentq(lambda z: beyond(z) - z, 0.3, 1.0)
    for cells in (100, 200, 400):
        grid = model.grid(cells, v_min=-2.0)
        found = fp.cascade(model, fp.State(0.0, grid, datum.cell_averages(grid), np.inf))
        errors.append(abs(found.fraction - size))
    assert errors[-1] < 2e-7
    assert errors[0] / errors[-1] > 4.0**2 * 0.8


def test_a_quiet_state_has_no_cascade():
    model = fp.nnlif(b=0.5)
    sol = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 1.0), grid=model.grid(200))
    found = fp.cascade(model, sol.final)
    assert found.fraction == 0.0
    assert found.after is sol.final
    assert fp.cascade(fp.nnlif(b=-1.0), sol.final).fraction == 0.0
    assert fp.cascade(model, sol.final, transport=True).fraction == 0.0


def test_the_boundary_layer_of_a_large_rate_is_left_out():
    model = fp.nnlif(b=0.5)
    sol = fp.solve(model, fp.gaussian(1.83, 0.003), (0.0, 0.01), grid=model.grid(1600, v_min=-6.2, finest=1e-6))
    assert sol.status is fp.Status.BLOW_UP
    assert fp.cascade(model, sol.final).fraction == pytest.approx(0.8106, abs=2e-4)


# -- events without end -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", [False, True])
@pytest.mark.parametrize("overshoot", ["keep", "discard"])
def test_with_b_above_the_way_from_reset_to_threshold_it_never_ends(overshoot, transport):
    model = fp.nnlif(b=1.5)
    found = fp.cascade(model, state_of(model, ramp), overshoot, transport)
    assert found.eternal
    assert found.fraction >= 1.0 / 1.5
    assert found.after is found.before


def test_it_ends_if_nobody_receives_after_firing():
    model = fp.nnlif(b=1.5)
    assert fp.cascade(model, state_of(model, ramp), "none").fraction == pytest.approx(1.0)
    silent = fp.nnlif(b=1.5, refractory=fp.ExponentialRefractory(0.1))
    assert fp.cascade(silent, state_of(silent, ramp), "keep").fraction == pytest.approx(1.0)


@share_of_examples(0.3)
@given(between(0.3, 3.0), between(0.05, 1.0), st.sampled_from(["keep", "discard"]))
def test_an_event_has_no_end_if_and_only_if_one_round_sustains_it(b, width, overshoot):
    """A box of density 1/width below V_F: critical if width < b; of its mass 1 the event needs (V_F − V_R)/b."""
    model = fp.nnlif(b=b)
    assume(abs(width - b) > 0.05 and abs(b - 1.0) > 0.02)
    found = fp.cascade(model, state_of(model, box(2.0 - width, 2.0)), overshoot)
    if width > b:
        assert found.fraction == 0.0
    else:
        assert found.eternal == (b > 1.0)
        assert b > 1.0 or found.fraction == pytest.approx(1.0, abs=1e-9)


def test_with_activity_noise_it_ends_too():
    model = fp.nnlif(b=0.5, a1=0.2)
    state = state_of(model, ramp)
    sizes = {o: fp.cascade(model, state, o) for o in ("keep", "discard", "none")}
    for found in sizes.values():
        assert found.fraction > 0.0
        assert fp.mass(found.after) == pytest.approx(1.0, abs=1e-10)
    # Who is reset within the event may fire again.
    assert sizes["none"].fraction <= 1.0
    assert sizes["keep"].fraction > sizes["none"].fraction


# -- refusals ---------------------------------------------------------------------------------------------------


def test_refusals():
    model = fp.nnlif(b=0.5)
    state = state_of(model, ramp)
    with pytest.raises(InvalidArgument, match=r'`overshoot` = \'none!\'.*"keep"'):
        fp.cascade(model, state, "none!")
    with pytest.raises(InvalidArgument, match="has no cascades"):
        fp.cascade(fp.nnlif(b=0.5, delay=0.1), state)
    with pytest.raises(InvalidArgument, match="has no cascades"):
        fp.cascade(fp.nnlif(b=0.5, threshold=fp.RandomThreshold(0.1)), state)
    with pytest.raises(InvalidArgument, match=r"`state` must be a State on cells"):
        fp.cascade(model, fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 0.1)).final)


@pytest.mark.parametrize("transport", [False, True])
@pytest.mark.parametrize("b", [4.5, 12.0, 50.0])
def test_a_coupling_that_carries_everybody_over_the_whole_grid_fires_everybody(b, transport):
    model = fp.nnlif(b=b, refractory=fp.ExponentialRefractory(0.1))
    found = fp.cascade(model, state_of(model, ramp), transport=transport)
    assert found.fraction == pytest.approx(1.0, abs=1e-9)
    assert fp.mass(found.after) == pytest.approx(1.0, abs=1e-9)


def test_after_the_event_there_is_a_rate_and_a_run_goes_on_from_there():
    model = fp.nnlif(b=0.5)
    grid = model.grid(400)
    found = fp.cascade(model, fp.State(0.0, grid, fp.gaussian(1.9, 0.01).cell_averages(grid), np.inf))
    assert 0.0 < found.after.rate < np.inf
    assert fp.solve(model, found.after, (0.0, 0.01), estimate_error=False).status is fp.Status.FINISHED


def test_an_event_that_could_go_on_for_ever_but_does_not_is_followed_to_its_end():
    model = fp.nnlif(b=0.99, a1=0.3)
    found = fp.cascade(model, state_of(model, ramp), "keep")
    assert found.fraction > 30.0
    assert found.resolved
    assert not found.eternal


def test_an_event_that_reaches_the_lower_end_of_the_grid_is_not_followed_further():
    model = fp.nnlif(b=-0.5, a1=6.0)
    found = fp.cascade(model, state_of(model, ramp), "keep")
    assert not found.resolved
    assert found.truncated_mass > 1e-2
    assert "leaves the grid" in repr(found)


def test_a_state_that_does_not_fit_is_refused():
    model = fp.nnlif(b=0.6)
    state = state_of(model, ramp)
    twice = fp.State(0.0, state.grid, 2.0 * state.density, np.inf)
    pool = fp.State(0.0, state.grid, 0.5 * state.density, np.inf, refractory=0.5)
    early = fp.State(0.0, state.grid, state.density, rate=1e6)
    for ask, message in (
        (lambda: fp.cascade(fp.nnlif(b=0.6, V_F=3.0), state), "threshold at 2 but"),
        (lambda: fp.cascade(fp.nnlif(b=0.6, V_R=0.0), state), "reset at 1 but"),
        (lambda: fp.cascade(model, twice), "has mass 2"),
        (lambda: fp.cascade(model, pool), "no refractory state"),
        (lambda: fp.cascade(model, early, transport=True), r"boundary layer.*sol\.before"),
        (lambda: fp.cascade(model, state, transport="no"), "must be True or False"),
        (lambda: fp.cascade(model, state, scheme="upwind"), "must be a scheme on cells"),
        (lambda: fp.cascade(model, state, scheme=fp.HarmonicMean()), "must be a scheme on cells"),
        (lambda: fp.cascade(model, state, tolerance=0.0), "rtol"),
    ):
        with pytest.raises(InvalidArgument, match=message):
            ask()


def test_nothing_may_happen():
    model = fp.nnlif(b=0.0)
    found = fp.cascade(model, state_of(model, ramp))
    assert (found.fraction, found.eternal, found.after is found.before) == (0.0, False, True)
    assert "no spike sets off another" in repr(found)
    with pytest.raises(InvalidArgument, match=r"rate=np\.inf"):
        fp.cascade(model, state_of(model, ramp, rate=np.nan))


def test_the_state_at_an_event_is_a_start_for_the_clock_that_goes_on():
    model = fp.nnlif(b=0.6)
    state = state_of(model, ramp)
    sol = fp.solve(model, state, (0.0, 0.01), clock=fp.ActivityClock(), estimate_error=False)
    assert sol.jumps[0].fraction == pytest.approx(fp.cascade(model, state).fraction, rel=1e-12)
    with pytest.raises(InvalidArgument, match=r"is at a blow-up.*ActivityClock"):
        fp.solve(model, state, (0.0, 0.01))
