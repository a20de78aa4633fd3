"""The network without noise: the uncoupled one in closed form, mass, convergence, the finite volumes, linear theory."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

import fokkerplanck as fp

V_R, V_F = 1.0, 2.0
BELL = fp.gaussian(0.5, 0.09)


def network(b, external=3.0, **more):
    return fp.nnlif(b=b, a0=0.0, external=external, **more)


def uncoupled_rate(t, external, n0, V_R=V_R, V_F=V_F):
    """N for b = 0: who fires at t started at I − (I − V_F) e^s, s = t, t − T, t − 2T, …"""
    period = np.log((external - V_R) / (external - V_F))
    s = t[:, None] - period * np.arange(np.max(t) // period + 1)
    ahead = (external - V_F) * np.exp(np.where(s >= 0.0, s, 0.0))
    return np.sum(np.where(s >= 0.0, n0(external - ahead) * ahead, 0.0), axis=1)


def mass(sol, t):
    """∫ n dv, piece by piece: the density has kinks, and jumps where those at V_R have been carried."""
    v, w = np.polynomial.legendre.leggauss(20)
    below = sol.model.V_R - np.concatenate([np.geomspace(20.0, 0.05, 60), np.linspace(0.04, 0.0, 5)])
    above = sol.model.V_F - np.concatenate([np.linspace(V_F - V_R, 0.01, 1500), np.geomspace(0.009, 1e-14, 60), [0.0]])
    faces = np.concatenate([below, above[1:]])
    nodes = 0.5 * (faces[1:] + faces[:-1])[:, None] + 0.5 * np.diff(faces)[:, None] * v
    return float(np.sum(sol.density(nodes, t) @ w * 0.5 * np.diff(faces)))


# -- closed forms -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("external", [2.05, 3.0, 20.0])
def test_the_uncoupled_network_is_known(external):
    sol = fp.characteristics(network(0.0, external), BELL, (0.0, 6.0))
    t = np.linspace(0.0, 6.0, 331)
    exact = uncoupled_rate(t, external, lambda v: BELL.value(v, V_F))
    assert sol.rate_at(t) == pytest.approx(exact, abs=1e-11 * exact.max())
    assert sol.status is fp.Status.FINISHED
    assert sol.blow_up is None


def test_the_uncoupled_network_with_jumps():
    def block(v):
        return 1.0 * ((v >= 1.25) & (v <= 1.75))

    sol = fp.characteristics(network(0.0), block, (0.0, 3.0), breaks=[1.25, 1.75])
    found = fp.characteristics(network(0.0), block, (0.0, 3.0))  # by halving
    t = np.linspace(0.003, 3.0, 200)
    exact = uncoupled_rate(t, 3.0, lambda v: 2.0 * block(v))
    assert sol.rate_at(t) == pytest.approx(exact, abs=1e-11)
    assert found.rate_at(t) == pytest.approx(exact, abs=1e-11)
    assert sol.density(np.array([1.2, 1.5, 1.7, 2.0]), 0.0).tolist() == pytest.approx([0.0, 2.0, 2.0, 0.0])


def test_another_unit_of_potential_and_another_origin_of_time():
    moved = fp.nnlif(b=0.2, a0=0.0, V_R=-10.0, V_F=0.0, external=10.0)
    sol = fp.characteristics(moved, fp.gaussian(-15.0, 9.0), (5.0, 6.8))
    same = fp.characteristics(network(0.02), BELL, (0.0, 1.8))
    t = np.linspace(0.0, 1.8, 50)
    assert sol.rate_at(5.0 + t) == pytest.approx(same.rate_at(t), rel=1e-10)
    assert 10.0 * sol.density(np.array([-4.0, -12.0]), 6.5) == pytest.approx(same.density(np.array([1.6, 0.8]), 1.5))


def test_the_first_arrivals_by_another_integration():
    b = 0.4

    def rate(t, x):
        p = BELL.value(np.array([x]), V_F)[0] * np.exp(t)
        return p / (1.0 - b * p)

    path = solve_ivp(
        lambda t, x: np.exp(t) * (V_F - 3.0 - b * rate(t, x[0])), (0.0, 0.6), [V_F], rtol=1e-12, atol=1e-13,
        t_eval=[0.2, 0.4, 0.6],
    )  # fmt: skip
    sol = fp.characteristics(network(b), BELL, (0.0, 0.6))
    expected = [rate(t, x) for t, x in zip(path.t, path.y[0], strict=True)]
    assert sol.rate_at(path.t) == pytest.approx(expected, rel=1e-9)


# -- identities -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("b", "end"), [(-5.0, 3.0), (-0.5, 6.0), (0.1, 4.0), (0.9, 0.6)])
def test_mass(b, end):
    sol = fp.characteristics(network(b), BELL, (0.0, end))
    for t in (0.0, 0.31 * end, end):
        assert mass(sol, t) == pytest.approx(1.0, abs=2e-9)


def test_mass_with_a_refractory_pool():
    sol = fp.characteristics(network(-0.5, refractory=fp.ExponentialRefractory(0.3)), BELL, (0.0, 5.0))
    assert sol.refractory_at(5.0) > 0.1
    for t in (0.7, 2.0, 5.0):
        assert mass(sol, t) + float(sol.refractory_at(t)) == pytest.approx(1.0, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(b=st.floats(-4.0, 0.6), external=st.floats(2.2, 6.0), mean=st.floats(0.0, 1.5), tau=st.sampled_from([0.0, 0.2]))
def test_the_rate_is_that_of_the_density_at_threshold(b, external, mean, tau):
    refractory = fp.ExponentialRefractory(tau) if tau else None
    sol = fp.characteristics(network(b, external, refractory=refractory), fp.gaussian(mean, 0.3), (0.0, 2.0))
    for t in sol.t[-1] * np.array([0.21, 0.53, 0.97]):
        p = sol.density(V_F - 1e-13, t)
        assert float(sol.rate_at(t)) == pytest.approx((external - V_F) * p / (1.0 - b * p), rel=1e-7, abs=1e-13)
        assert p == pytest.approx(float(sol.threshold_density(t)), rel=1e-7, abs=1e-13)
    a, c = sol.t[-1] * np.array([0.8, 0.95])
    spikes = quad(sol.rate_at, a, c, limit=200, epsabs=1e-6, epsrel=1e-6)[0]  # N may jump where neurons come back
    assert sol.fired_at(c) - sol.fired_at(a) == pytest.approx(spikes, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("b", [-2.0, 0.1])
def test_convergence_in_the_tolerance(b):
    t = np.linspace(0.0, 4.2, 200)
    coarse, fine, finest = (
        fp.characteristics(network(b), BELL, (0.0, 4.2), rtol=r).rate_at(t) for r in (1e-5, 1e-11, 1e-13)
    )
    assert fine == pytest.approx(finest, abs=1e-10)
    assert coarse == pytest.approx(finest, abs=1e-3)


def test_a_constant_current_given_as_a_function():
    refer = fp.characteristics(network(-0.5), BELL, (0.0, 2.0))
    sol = fp.characteristics(network(-0.5, lambda t: 3.0), BELL, (0.0, 2.0))
    t = np.linspace(0.0, 2.0, 40)
    assert sol.rate_at(t) == pytest.approx(refer.rate_at(t), rel=1e-9, abs=1e-13)


def test_a_current_that_wakes_the_network():
    """Uncoupled: who fires at t started at x = e^t V_F − ∫ e^s I ds."""
    start, width = 0.4, 0.09

    def ramp(t):
        return 1.5 + 2.0 * t

    sol = fp.characteristics(network(0.0, ramp), fp.gaussian(start, width), (0.0, 1.2))
    t = np.linspace(0.0, 1.05, 61)  # before the first return
    drift = 1.5 * np.expm1(t) + 2.0 * (t * np.exp(t) - np.expm1(t))
    x = np.exp(t) * V_F - drift
    firing = (ramp(t) > V_F) & (x <= V_F)
    exact = np.where(firing, (ramp(t) - V_F) * np.exp(t) * fp.gaussian(start, width).value(x, V_F), 0.0)
    assert np.any(firing)
    assert not np.all(firing)
    assert sol.rate_at(t) == pytest.approx(exact, rel=1e-9, abs=1e-14)
    assert mass(sol, 0.2) == pytest.approx(1.0, abs=1e-9)
    assert mass(sol, 1.2) == pytest.approx(1.0, abs=1e-9)


def test_jumps_that_are_found_and_jumps_that_are_listed():
    """With b > 0, where what happens at a jump grows from round to round, up to the blow-up."""

    def block(v):
        return 1.0 * ((v > 1.2) & (v < 1.8))

    found = fp.characteristics(network(0.1), block, (0.0, 9.0))
    listed = fp.characteristics(network(0.1), block, (0.0, 9.0), breaks=[1.2, 1.8])
    assert listed.fired[-1] > 9.0
    assert found.blow_up.time == pytest.approx(listed.blow_up.time, abs=1e-11)


def test_a_narrow_datum():
    """They arrive together, when e^t = 3, and inhibit each other: N = (I − V_F)/|b| while n(V_F) is large."""
    sol = fp.characteristics(network(-1.0), fp.gaussian(0.0, 1e-8), (0.0, 1.6))
    assert sol.rate_at(np.log(3.0) - 1e-3) == pytest.approx(0.0, abs=1e-12)
    assert sol.rate_at(np.log(3.0) + 1e-3) == pytest.approx(1.0, rel=0.02)
    again = fp.characteristics(network(-1.0), fp.gaussian(0.0, 1e-8), (0.0, 1.6), rtol=1e-9)
    assert again.fired_at(1.6) == pytest.approx(sol.fired_at(1.6), rel=1e-8)


def test_a_long_run():
    """Labels grow like e^t; they are measured in another unit now and then."""
    sol = fp.characteristics(network(-2.0), BELL, (0.0, 900.0))
    (state,) = fp.deterministic_states(network(-2.0))
    v = np.array([1.1, 1.5, 1.9])
    assert sol.rate_at([700.0, 900.0]) == pytest.approx([state.rate] * 2, rel=1e-11)
    assert sol.density(v, 900.0) == pytest.approx(state.density(v), rel=1e-10)


# -- blow-up and silence ----------------------------------------------------------------------------------------


def test_at_the_blow_up_a_spike_sets_off_another():
    sol = fp.characteristics(network(0.9), BELL, (0.0, 3.0))
    assert sol.status is fp.Status.BLOW_UP
    assert "0.665515155" in sol.message
    assert 0.9 * sol.threshold_density(sol.blow_up.time) == pytest.approx(1.0, abs=1e-12)
    assert 0.9 * sol.density(V_F - 1e-14, sol.blow_up.time) == pytest.approx(1.0, abs=1e-7)
    assert np.isinf(sol.rate_at(sol.blow_up.time))
    # N ~ C (t* − t)^(−1/2)
    near = sol.rate_at(sol.blow_up.time - np.array([1e-8, 4e-8]))
    assert near[0] / near[1] == pytest.approx(2.0, rel=1e-3)


def test_a_datum_that_cannot_begin():
    sol = fp.characteristics(network(0.6), fp.gaussian(1.9, 0.01), (0.0, 1.0))
    assert sol.blow_up.time == 0.0
    assert np.isinf(sol.rate).all()


@pytest.mark.parametrize(("b", "found"), [(0.39, "first"), (0.37, "later"), (0.39, "unlisted")])
def test_a_block_that_arrives_may_blow_up_at_once(b, found):
    """The block between 1.2 and 1.7 is at V_F when e^t = 1.3, and n is 2 e^t there: b n = 1.014 or 0.962."""
    breaks = [] if found == "unlisted" else [1.2, 1.7]
    sol = fp.characteristics(network(b), lambda v: 1.0 * (v <= 1.7) * (v >= 1.2), (0.0, 1.0), breaks=breaks)
    # Inside the block u' = 1 − 2 b u with u = e^t over the label, until 2 b u = 1, which u does not reach from below.
    if found == "later":
        assert sol.blow_up is None or sol.blow_up.time > np.log(1.3) + 1e-3
    else:
        assert sol.blow_up.time == pytest.approx(np.log(1.3), rel=1e-11)


@pytest.mark.parametrize("b", [-3.0, 0.0, 1.5])
def test_subthreshold_drive_is_silence(b):
    """Also for a datum with b n(V_F) > 1."""
    sol = fp.characteristics(network(b, 1.0), fp.gaussian(1.9, 0.01), (0.0, 3.0))
    assert sol.rate.max() == 0.0
    assert sol.fired_at(3.0) == 0.0
    v = np.array([1.048, 1.04, 1.02])
    moved = np.exp(3.0) * fp.gaussian(1.9, 0.01).value(1.0 + np.exp(3.0) * (v - 1.0), V_F)
    assert sol.density(v, 3.0) == pytest.approx(moved, rel=1e-10)


@settings(max_examples=10, deadline=None)
@given(b=st.floats(1.001, 5.0), mean=st.floats(-1.0, 1.5))
def test_strong_excitation_always_blows_up(b, mean):
    assert fp.characteristics(network(b), fp.gaussian(mean, 0.2), (0.0, 50.0)).status is fp.Status.BLOW_UP


# -- against the finite volumes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("b", [-1.0, 0.1])
def test_the_upwind_scheme_converges_to_it(b):
    datum, t = fp.gaussian(0.0, 0.25), np.linspace(0.05, 1.8, 300)
    exact = fp.characteristics(network(b), datum, (0.0, 1.8)).rate_at(t)
    errors = []
    for cells in (800, 1600):
        grid = network(b).grid(cells, v_min=-3.0)
        sol = fp.solve(network(b), datum, (0.0, 1.8), grid=grid, scheme=fp.Upwind(), rtol=1e-5, estimate_error=False)
        errors.append(np.mean(np.abs(sol.rate_at(t) - exact)) / np.mean(exact))
    assert errors[1] < 0.05
    assert errors[0] / errors[1] == pytest.approx(2.0, abs=0.3)


# -- refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (fp.nnlif(b=0.1), "a0 and a1"),
        (network(0.1, delay=0.1), "delay"),
        (network(0.1, refractory=fp.FixedRefractory(0.1)), "refractory"),
        (network(0.1, drift=fp.QuadraticDrift()), "leak"),
        (network(0.1, threshold=fp.RandomThreshold(0.1)), "hard threshold"),
        (network(0.1, lambda t: 3.0 - t), "comes down"),
        (network(0.1, lambda t: 3.0, refractory=fp.ExponentialRefractory(0.1)), "external"),
    ],
)
def test_what_is_not_treated_is_refused(model, words):
    with pytest.raises(fp.InvalidArgument, match=words):
        fp.characteristics(model, BELL, (0.0, 2.0))


@pytest.mark.parametrize(
    ("initial", "words"),
    [(np.ones(10), "every potential"), (lambda v: 0.0 * v, "zero"), (lambda v: 1.0 + 0.0 * v, "normalised")],
)
def test_a_datum_that_is_no_density_is_refused(initial, words):
    with pytest.raises(fp.InvalidArgument, match=words):
        fp.characteristics(network(0.1), initial, (0.0, 2.0))


def test_times_and_spans():
    sol = fp.characteristics(network(0.1), BELL, (0.0, 1.0))
    for times in (1.1, [0.5, np.nan]):
        with pytest.raises(fp.InvalidArgument, match="times"):
            sol.rate_at(times)
    with pytest.raises(fp.InvalidArgument, match="backwards"):
        fp.characteristics(network(0.1), BELL, (1.0, 0.0))
    with pytest.raises(fp.InvalidArgument, match="rtol"):
        fp.characteristics(network(0.1), BELL, (0.0, 1.0), rtol=0.5)
    assert "reached the end" in repr(sol)


@pytest.mark.parametrize("width", [1e-3, 3e-4])
@pytest.mark.parametrize("centre", [0.3, 0.3137, -3.123])
def test_a_narrow_datum_given_as_a_function(width, centre):
    sol = fp.characteristics(network(-0.5), lambda v: np.exp(-0.5 * ((v - centre) / width) ** 2), (0.0, 3.0))
    refer = fp.characteristics(network(-0.5), fp.gaussian(centre, width**2), (0.0, 3.0))
    assert sol.fired[-1] == pytest.approx(refer.fired[-1], abs=1e-9)
    assert refer.fired[-1] > 1.0


def test_mass_that_the_panels_miss_is_missed(monkeypatch):
    monkeypatch.setattr("fokkerplanck.meanfield.characteristics.BROAD", 0.0)  # no marks at what is narrow
    with pytest.raises(fp.InvalidArgument, match="`breaks`"):
        fp.characteristics(network(-0.5), lambda v: np.exp(-((v - 0.3) ** 2) / 2e-6), (0.0, 3.0))


def test_a_datum_that_is_zero_wherever_it_was_looked_at():
    with pytest.raises(fp.InvalidArgument, match="give potentials in and beside it as `breaks`"):
        fp.characteristics(network(-0.5), lambda v: np.exp(-0.5 * ((v - 0.31373) / 1e-9) ** 2), (0.0, 1.0))


def test_a_run_of_far_too_many_panels_is_given_up_early(monkeypatch):
    monkeypatch.setattr("fokkerplanck.meanfield.characteristics.EARLY", 200)
    with pytest.raises(fp.InvalidArgument, match="the first 200 end at"):
        fp.characteristics(network(-0.5, 1e6), BELL, (0.0, 3.0))
