"""The neuron in laboratory units, and the dictionary to the dimensionless equation, both ways."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fokkerplanck as fp
from fokkerplanck.meanfield.firstpassage import mean_first_passage

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
potentials = st.floats(-100.0, 100.0)


def test_the_stationary_rate_is_the_published_one():
    words = NEURON.dictionary()
    (state,) = fp.stationary_states(words.population(15.0, 5.0))
    assert state.rate == pytest.approx(0.189215996115182, rel=1e-11)
    assert words.rate(state.rate) == pytest.approx(9.4607998057591, rel=1e-11)


@given(potentials, st.floats(0.1, 50.0), potentials, st.floats(0.1, 20.0), st.floats(0.1, 30.0), st.floats(0.0, 0.01))
def test_there_and_back(E_l, depth, mu, sigma, unit, tau_ref):
    neuron = fp.LIF(0.02, E_l + depth + 5.0, E_l + 5.0, E_l, tau_ref)
    words = neuron.dictionary(unit)
    model = words.population(mu, sigma, b=0.3, a1=0.1, delay=0.0015)
    back = fp.Dictionary.of(model, 0.02, unit, E_l)
    for name in ("tau_m", "V_th", "V_r", "E_l", "tau_ref"):
        assert getattr(back.neuron, name) == pytest.approx(getattr(neuron, name), rel=1e-12, abs=1e-11)
    assert words.drive(*words.input(mu, sigma)) == pytest.approx((mu, sigma), rel=1e-12)
    assert words.voltage(words.potential(mu)) == pytest.approx(mu, rel=1e-12, abs=1e-10)
    assert words.rate(words.activity(7.0)) == pytest.approx(7.0, rel=1e-14)
    assert words.seconds(words.clock(7.0)) == pytest.approx(7.0, rel=1e-14)


@given(potentials, st.floats(0.5, 20.0), st.floats(0.1, 30.0), st.floats(0.1, 30.0))
def test_no_rate_depends_on_the_unit_of_potentials(mu, sigma, one, other):
    times = []
    for unit in (one, other):
        words = NEURON.dictionary(unit)
        times.append(float(np.log(mean_first_passage(*words.input(mu, sigma), words.V_R, words.V_F))))
    assert times[0] == pytest.approx(times[1], rel=1e-10, abs=1e-10)


def test_the_published_network_in_dimensionless_numbers():
    C_E, g, gamma, J, eta = 1000, 5.0, 0.25, 0.1, 2.0
    words = NEURON.dictionary()
    b, a1 = words.coupling([C_E, gamma * C_E], [J, -g * J])
    assert b == pytest.approx(10 * (1 - g / 4), rel=1e-13)
    assert a1 == pytest.approx(0.05 * (1 + g**2 / 4), rel=1e-13)
    nu_ext = eta * 20.0 / (C_E * J * 0.02)
    I, a0 = words.input(C_E * J * 0.02 * nu_ext, J * np.sqrt(C_E * 0.02 * nu_ext))
    assert (I, a0) == pytest.approx((2 * eta, 0.01 * eta), rel=1e-13)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, 20.0, 10.0), "`tau_m`"),
        ((0.02, 10.0, 20.0), "must lie below"),
        ((0.02, 20.0, np.nan), "`V_r`"),
        ((0.02, 20.0, 10.0, 0.0, -1.0), "`tau_ref`"),
    ],
)
def test_what_is_no_neuron_is_refused(arguments, message):
    with pytest.raises(fp.InvalidArgument, match=message):
        fp.LIF(*arguments)


def test_what_the_dictionary_has_no_word_for_is_refused():
    with pytest.raises(fp.InvalidArgument, match="leak drift"):
        fp.Dictionary.of(fp.nnlif(b=0.0, drift=fp.QuadraticDrift()), 0.02, 10.0)
    with pytest.raises(fp.InvalidArgument, match="refractory"):
        fp.Dictionary.of(fp.nnlif(b=0.0, refractory=fp.ExponentialRefractory(0.1)), 0.02, 10.0)
    with pytest.raises(fp.InvalidArgument, match="`unit`"):
        NEURON.dictionary(0.0)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda words: words.potential("a"), "`V` must be numbers"),
        (lambda words: words.voltage([0.0, np.nan]), "`v` holds NaN"),
        (lambda words: words.drive(1.0, -1.0), "`diffusion` must be at least 0"),
        (lambda words: words.drive(np.inf, 1.0), "`current` must be finite"),
        (lambda words: words.input(np.nan, 5.0), "`mu` must be finite"),
        (lambda words: words.input(15.0, -5.0), "`sigma` must be at least 0"),
        (lambda words: words.rate(np.nan), "`activity` holds NaN"),
        (lambda words: words.activity(None), "`rate` must be numbers"),
        (lambda words: words.seconds("1 s"), "`t` must be numbers"),
        (lambda words: words.clock(np.nan), "`time` holds NaN"),
        (lambda words: words.coupling(-1, 0.1), "`count` must be at least 0"),
        (lambda words: words.coupling([1, 2], [0.1]), r"`count` has the shape \(2,\)"),
        (lambda words: words.population(15.0, 5.0, delay=-1.0), "`delay`"),
    ],
)
def test_the_dictionary_translates_numbers_only(ask, message):
    with pytest.raises(fp.InvalidArgument, match=message):
        ask(NEURON.dictionary())


def test_infinite_rates_have_a_word():
    words = NEURON.dictionary()
    assert words.rate(np.inf) == np.inf
    np.testing.assert_array_equal(words.seconds([[0.0, 1.0]]), [[0.0, 0.02]])
