"""The Wilson–Cowan equations: exact solutions, the Jacobian, equilibria and their stability."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from strategies import share_of_examples

import fokkerplanck as fp
from fokkerplanck.meanfield.wilson_cowan import WilsonCowan
from fokkerplanck.models.learning import HyperbolicTangent, Identity


@st.composite
def networks(draw, sizes=st.integers(1, 4)):
    n = draw(sizes)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    law = draw(st.sampled_from([HyperbolicTangent(), HyperbolicTangent(2.0)]))
    return WilsonCowan(rng.uniform(0.0, 1.0, n), rng.uniform(-2.0, 2.0, (n, n)), draw(st.floats(0.05, 2.0)), law)


def test_without_weights_the_rates_relax_to_the_input():
    run = WilsonCowan([0.3, 1.2], rule=0.0, speed=0.0).simulate(4.0, rates=[1.0, 0.0], times=[0.0, 1.0, 4.0])
    target = np.tanh([0.3, 1.2])
    expected = target + (np.array([1.0, 0.0]) - target) * np.exp(-run.t)[:, None]
    np.testing.assert_allclose(run.rates, expected, atol=1e-8)
    assert np.all(run.weights == 0.0)


def test_frozen_weights_of_a_linear_network_give_exponentials():
    W = np.array([[0.0, -2.0], [2.0, 0.0]])  # N' = (W − 1) N: turning with the frequency 2
    run = WilsonCowan([0.0, 0.0], speed=0.0, saturation=Identity()).simulate(3.0, [1.0, 0.0], W, rtol=1e-10)
    expected = np.exp(-run.t)[:, None] * np.column_stack([np.cos(2 * run.t), np.sin(2 * run.t)])
    np.testing.assert_allclose(run.rates, expected, atol=1e-8)


def test_weights_without_activity_are_forgotten():
    run = WilsonCowan([0.0], rule=3.0, speed=0.5, saturation=Identity()).simulate(2.0, weights=[[0.7]])
    np.testing.assert_allclose(run.weights[:, 0, 0], 0.7 * np.exp(-0.5 * run.t), atol=1e-8)


@given(networks(), st.integers(0, 1000))
def test_the_jacobian_is_that_of_differences(network, seed):
    n = network.populations
    rng, h = np.random.default_rng(seed), 1e-6
    y = rng.uniform(0.1, 1.0, n + n * n)

    def slopes(y):
        by_rate, by_weight = network.slopes(y[:n], y[n:].reshape(n, n))
        return np.concatenate([by_rate, by_weight.ravel()])

    columns = [(slopes(y + h * e) - slopes(y - h * e)) / (2 * h) for e in np.eye(n + n * n)]
    np.testing.assert_allclose(network.jacobian(y[:n], y[n:].reshape(n, n)), np.transpose(columns), atol=1e-7)


@pytest.mark.parametrize("rule", [-4.0, -1.0, 0.5])
def test_the_only_equilibrium_of_one_population(rule):
    (state,) = WilsonCowan([0.4], rule=rule).equilibria()
    assert state.rates[0] == pytest.approx(brentq(lambda N: np.tanh(rule * N**3 + 0.4) - N, 0.0, 1.0), rel=1e-9)
    assert state.weights[0, 0] == pytest.approx(rule * state.rates[0] ** 2)
    assert state.stable


def test_learned_excitation_makes_a_memory():
    # A rate that is low and one that is high are stable, the one between them is not.
    network = WilsonCowan([0.1], rule=4.0, speed=0.5)
    states = network.equilibria()
    assert [state.stable for state in states] == [True, False, True]
    for start, state in ((0.05, states[0]), (0.95, states[2])):
        run = network.simulate(400.0, rates=[start], weights=[[4.0 * start**2]])
        np.testing.assert_allclose(run.rates[-1], state.rates, atol=1e-6)


@share_of_examples(0.05)
@given(networks(st.integers(1, 2)))
def test_equilibria_stand_still(network):
    for state in network.equilibria():
        by_rate, by_weight = network.slopes(state.rates, state.weights)
        assert np.max(np.abs(by_rate)) < 1e-9
        assert np.max(np.abs(by_weight)) < 1e-12


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: WilsonCowan([]), "signal"),
        (lambda: WilsonCowan([np.nan]), "finite"),
        (lambda: WilsonCowan([0.0, 1.0], rule=[1.0, 2.0]), "shape"),
        (lambda: WilsonCowan([0.0], speed=-1.0), "zero or positive"),
        (lambda: WilsonCowan([0.0], saturation=np.tanh), "slope"),
        (lambda: WilsonCowan([0.0]).simulate(0.0), "positive"),
        (lambda: WilsonCowan([0.0]).simulate(1.0, rates=[1.0, 2.0]), "rates"),
        (lambda: WilsonCowan([0.0]).simulate(1.0, times=[0.0, 2.0]), "times"),
        (lambda: WilsonCowan([0.0]).equilibria(largest=-1.0), "positive"),
    ],
)
def test_what_is_refused(call, words):
    with pytest.raises(fp.InvalidArgument, match=words):
        call()
