"""Delays: the onset of oscillations against roots of the characteristic equation, and the sequence of long delays."""

import math

import numpy as np
import pytest

import fokkerplanck as fp
from fokkerplanck import delays
from fokkerplanck.delays import _response
from fokkerplanck.meanfield.firstpassage import mean_first_passage_slopes

# Reference (roots of the characteristic equation): (a, V_R, V_F, d): b, ω
HOPF = {
    (1.0, 1.0, 2.0, 0.25): (-1640.43678, 8.288959),
    (1.0, 1.0, 2.0, 1.0): (-41.9643854, 2.264965),
    (0.2, -2.0, 0.0, 1.0): (-2.95223051, 2.575151),
}


def state_of(**laws):
    model = fp.nnlif(**laws)
    return model, fp.stationary_states(model)[0]


@pytest.mark.parametrize("key", HOPF)
def test_critical_connectivity(key):
    a, V_R, V_F, delay = key
    b, frequency = HOPF[key]
    onset = fp.critical_connectivity(fp.nnlif(b=0.0, a0=a, V_R=V_R, V_F=V_F, delay=delay), (1.3 * b, 0.8 * b))
    assert onset.value == pytest.approx(b, rel=5e-7)
    assert onset.frequency == pytest.approx(frequency, rel=5e-7)
    assert onset.period == pytest.approx(2 * math.pi / frequency, rel=5e-7)


@pytest.mark.parametrize(("b", "delay"), [(-10.0, 9.6870359), (-20.0, 1.833178), (-50.0, 0.89658241)])
def test_critical_delay(b, delay):
    assert fp.critical_delay(*state_of(b=b)).value == pytest.approx(delay, rel=5e-7)


def test_weak_inhibition_is_stable_for_every_delay():
    assert fp.critical_delay(*state_of(b=-5.0)) == (math.inf, 0.0)
    assert fp.critical_delay(*state_of(b=-5.0)).period == math.inf


@pytest.mark.parametrize(
    "laws",
    [
        {"b": -30.0, "refractory": fp.FixedRefractory(0.5), "a1": 0.1},
        {"b": -30.0, "refractory": fp.ExponentialRefractory(0.5)},
        {"b": -60.0, "threshold": fp.RandomThreshold(0.05)},
    ],
)
def test_at_the_critical_delay_the_spectrum_has_a_pair_on_the_axis(laws):
    onset = fp.critical_delay(*state_of(**laws))
    _, state = state_of(delay=onset.value, **laws)
    assert state.eigenvalue == pytest.approx(1j * onset.frequency, abs=1e-5)


@pytest.mark.parametrize("laws", [{"b": -8.0}, {"b": 1.5}, {"b": -8.0, "a1": 0.3}])
def test_the_response_at_rest_is_the_slope_of_the_map(laws):
    model, state = state_of(**laws)
    by_current, by_noise = mean_first_passage_slopes(state.current, state.diffusion, model.V_R, model.V_F)
    slope = -(state.rate**2) * (model.coupling.gain * by_current + model.noise.gain * by_noise)
    assert _response(state)(0.0) == pytest.approx(slope, rel=1e-6)
    assert _response(state)(1e-9j) == pytest.approx(slope, rel=1e-6)


# Reference (30-digit quadrature)
LIMITS = {
    -5.0: [0.0648598462327],
    -10.0: [0.0226860284469, 0.0788016051593],
    -20.0: [1.10578915151e-4, 0.119511104877],
    1.5: [0.192364012568],
}


@pytest.mark.parametrize("b", LIMITS)
def test_pseudo_equilibria(b):
    rates = fp.pseudo_equilibria(fp.nnlif(b=b), count=600)
    assert rates[0] == 0.0
    np.testing.assert_allclose(np.sort(rates[-len(LIMITS[b]) :]), LIMITS[b], rtol=1e-11)


def test_pseudo_equilibria_without_bound_and_with_one():
    assert fp.pseudo_equilibria(fp.nnlif(b=2.2), count=200)[-1] == math.inf
    model = fp.nnlif(b=4.0, threshold=fp.RandomThreshold(0.1), refractory=fp.FixedRefractory(0.2))
    assert fp.pseudo_equilibria(model, start=0.5, count=100)[-1] == pytest.approx(2.214433098, abs=1e-9)


def test_what_is_refused():
    model, state = state_of(b=-20.0)
    with pytest.raises(fp.InvalidArgument, match="for this very model"):
        fp.critical_delay(fp.nnlif(b=-21.0), state)
    excited = fp.nnlif(b=1.5)
    with pytest.raises(fp.InvalidArgument, match="unstable without delay"):
        fp.critical_delay(excited, fp.stationary_states(excited)[1])
    with pytest.raises(fp.InvalidArgument, match="no transmission delay"):
        fp.critical_connectivity(model, (-60.0, -30.0))
    with pytest.raises(fp.InvalidArgument, match="widen"):
        fp.critical_connectivity(fp.nnlif(b=0.0, delay=1.0), (-30.0, -20.0))
    with pytest.raises(fp.InvalidArgument, match="2 stationary states"):
        fp.critical_connectivity(fp.nnlif(b=0.0, delay=1.0), (-60.0, 1.5))
    for arguments in ({"count": 0}, {"count": 2.0}, {"start": -1.0}):
        with pytest.raises(fp.InvalidArgument):
            fp.pseudo_equilibria(model, **arguments)
    with pytest.raises(fp.InvalidArgument, match="function of time"):
        fp.pseudo_equilibria(fp.nnlif(b=0.0, external=math.sin))


@pytest.mark.parametrize(("b", "delay"), [(-0.4621, math.inf), (-0.4624, 0.48882)])
def test_two_crossings_between_two_samples_are_found(b, delay):
    """At this drive |G| has a resonance, whose top exceeds 1 from b = -0.46217 on, at first between two samples."""
    model, state = state_of(b=b, external=3.0, a0=0.02)
    response = _response(state)
    assert max(abs(response(1j * w)) for w in delays.FREQUENCIES) < 1.0
    assert fp.critical_delay(model, state).value == pytest.approx(delay, rel=1e-3)


def test_a_state_that_is_not_known_to_be_stable_has_no_critical_delay():
    model, state = state_of(b=0.0, V_R=2 - 1e-8)
    assert state.stable is None
    with pytest.raises(fp.InvalidArgument, match="is not resolved"):
        fp.critical_delay(model, state)


def test_a_bracket_of_states_that_are_unstable_without_delay_is_refused():
    model = fp.nnlif(b=0.0, V_R=2 - 1e-8, delay=1.0)
    with pytest.raises(fp.InvalidArgument, match="is not resolved"):
        fp.critical_connectivity(model, (-1e-12, 1e-12))
