"""Stationary states without noise: how many, their mass, the limit of small noise, perturbations followed in time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

import fokkerplanck as fp

V_R, V_F = 1.0, 2.0


def network(b, external=3.0, **more):
    return fp.nnlif(b=b, a0=0.0, external=external, **more)


def test_the_uncoupled_rate():
    (state,) = fp.deterministic_states(network(0.0, 4.0))
    assert state.rate == pytest.approx(1.0 / np.log(1.5), rel=1e-15)
    assert state.current == 4.0


@settings(max_examples=60, deadline=None)
@given(
    b=st.floats(-50.0, 50.0),
    external=st.floats(-5.0, 10.0),
    tau=st.sampled_from([0.0, 0.01, 1.0]),
)
def test_every_state_balances_and_none_is_missed(b, external, tau):
    refractory = fp.ExponentialRefractory(tau) if tau else None
    states = fp.deterministic_states(network(b, external, refractory=refractory))
    for state in states:
        assert state.rate * (tau + state.duration) == pytest.approx(1.0, rel=1e-12)
        assert external + b * state.rate - V_F == pytest.approx(state.lead, rel=1e-6, abs=1e-9)
    # Changes of sign of c − I − bN(c) over a fine scan of c.
    lead = np.geomspace(1e-300, 1e15, 20001)
    with np.errstate(all="ignore"):
        balance = lead + V_F - external - b / (tau + np.log1p((V_F - V_R) / lead))
    seen = np.count_nonzero(np.diff(np.sign(balance[np.abs(balance) > 1e-9 * lead])))
    assert len(states) == seen


@pytest.mark.parametrize(
    ("external", "counts"),
    [
        (3.0, {-5.0: 1, 0.0: 1, 0.99: 1, 1.0: 0, 2.0: 0}),
        (2.0, {-1.0: 0, 0.0: 0, 0.5: 1, 1.0: 0}),
        (1.8, {-1.0: 0, 0.5: 0, 0.8: 2, 0.99: 2, 1.0: 1, 3.0: 1}),
        (1.5, {-1.0: 0, 0.99: 0, 1.0: 0, 1.01: 1, 3.0: 1}),
        (0.0, {-1.0: 0, 0.99: 0, 1.0: 0, 1.01: 1, 3.0: 1}),
    ],
)
def test_how_many_there_are(external, counts):
    assert {b: len(fp.deterministic_states(network(b, external))) for b in counts} == counts


@pytest.mark.parametrize(
    ("external", "counts"),
    [(3.0, {-5.0: 1, 0.5: 1, 1.0: 1, 9.0: 1}), (2.0, {-1.0: 0, 0.5: 1, 2.0: 1}), (1.0, {-1.0: 0, 0.5: 0, 5.0: 2})],
)
def test_how_many_there_are_with_a_refractory_state(external, counts):
    law = fp.ExponentialRefractory(0.1)
    assert {b: len(fp.deterministic_states(network(b, external, refractory=law))) for b in counts} == counts


@pytest.mark.parametrize(("b", "tau"), [(-2.0, 0.0), (0.5, 0.0), (0.5, 0.2)])
def test_mass_and_flux(b, tau):
    model = network(b, refractory=fp.ExponentialRefractory(tau) if tau else None)
    (state,) = fp.deterministic_states(model)
    assert quad(state.density, V_R, V_F)[0] + state.refractory == pytest.approx(1.0, rel=1e-10)
    p = float(state.density(V_F - 1e-12))
    assert (3.0 - V_F) * p / (1.0 - b * p) == pytest.approx(state.rate, rel=1e-9)
    assert state.gain == pytest.approx(b * p, rel=1e-9)
    assert state.density([0.5, V_R, V_F]).tolist() == [0.0, 0.0, 0.0]


def test_it_is_the_limit_of_small_noise():
    (limit,) = fp.deterministic_states(network(-1.0))
    differences = [
        abs(fp.stationary_states(fp.nnlif(b=-1.0, a0=a0, external=3.0))[0].rate - limit.rate) for a0 in (1e-4, 1e-5)
    ]
    assert differences[0] / differences[1] == pytest.approx(10.0, rel=0.02)


def test_strong_inhibition_does_not_overflow():
    (state,) = fp.deterministic_states(network(-2000.0))
    assert state.rate == pytest.approx(1.0 / 2000.0)
    assert state.limiting_growth < 0.0
    with pytest.raises(fp.InvalidArgument, match="eigenvalue"):
        state.eigenvalue()


@pytest.mark.parametrize(("b", "harmonic"), [(-3.0, 1), (-0.5, 2), (0.0, 1), (0.1, 1), (0.5, 1)])
def test_a_mode_grows_as_linear_theory_says(b, harmonic):
    push, end = 1e-6, 1.5 if b > 0.2 else 3.0
    (state,) = fp.deterministic_states(network(b))
    sol = fp.characteristics(
        network(b), lambda v: state.density(v) + push * state.mode(v, harmonic).real, (0.0, end), breaks=[V_R]
    )
    t = np.linspace(0.0, end, 101)
    linear = np.exp(state.eigenvalue(harmonic) * t).real
    assert (sol.rate_at(t) - state.rate) / push == pytest.approx(linear, abs=2e-3 * np.max(np.abs(linear)))


@settings(max_examples=25, deadline=None)
@given(b=st.floats(-20.0, 0.9), external=st.floats(2.1, 8.0), harmonic=st.integers(1, 6))
def test_excitation_destabilises_and_inhibition_stabilises(b, external, harmonic):
    (state,) = fp.deterministic_states(network(b, external))
    z = state.eigenvalue(harmonic)
    kappa, top = b * float(state.density(V_R + 1e-13)), state.gain
    w = z / (1.0 + z)
    assert np.exp(z * state.duration) * (1.0 - top * w) == pytest.approx(1.0 - kappa * w, rel=1e-8)
    if abs(b) > 1e-6:
        assert np.sign(state.eigenvalue(200).real) == np.sign(b) == np.sign(state.limiting_growth)
    if b < 0.0:
        assert z.real < 0.0


def test_refusals():
    with pytest.raises(fp.InvalidArgument, match="stationary_states"):
        fp.deterministic_states(fp.nnlif(b=0.1))
    with pytest.raises(fp.InvalidArgument, match="deterministic_states"):
        fp.stationary_states(network(0.1))
    with pytest.raises(fp.InvalidArgument, match="function of time"):
        fp.deterministic_states(network(0.1, lambda t: 3.0))
    with pytest.raises(fp.InvalidArgument, match="refractory"):
        fp.deterministic_states(network(0.1, refractory=fp.ExponentialRefractory(0.1)))[0].eigenvalue()
    with pytest.raises(fp.InvalidArgument, match="external > V_F"):
        fp.deterministic_states(network(1.5, 1.0))[0].eigenvalue()
