"""Quasi-static learning networks: representation, discrimination, and the connectivity that is learned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import between, decades, share_of_examples

import fokkerplanck as fp
from fokkerplanck.learned import (
    discrimination,
    firing_rate,
    frozen_rates,
    learned_connectivity,
    representing_connectivity,
)
from fokkerplanck.models.learning import HyperbolicTangent, Identity, Saturating, learning

INHIBITORY = [  # signal, w*, N̄ for K = −1, σ(x) = x: 30-digit quadrature
    (0.0, -0.165837206980, 0.117264613628),
    (1.0, -0.569183283408, 0.402473359436),
    (2.0, -1.047512901239, 0.740703475847),
    (lambda w: 2.0 * np.exp(-((w + 0.2) ** 2) / 0.02), -0.434561219086, 0.307281184856),
]
EXCITATORY = [(0.0, 0.173455898640, 0.122651842165), (1.0, 0.826443376866, 0.584383716049)]


def bell(w):
    return np.exp(-((w + 0.5) ** 2) / 0.02)


@st.composite
def inhibitory(draw):
    level, slope = draw(between(-1.0, 2.0)), draw(between(-1.0, 1.0))
    return learning(
        weights=(-1.5, 0.0),
        lanes=draw(st.integers(4, 40)),
        signal=lambda w: level + slope * np.sin(4.0 * w),
        rule=-draw(between(0.2, 3.0)),
        saturation=draw(st.sampled_from([Identity(), Saturating(), HyperbolicTangent(0.5)])),
        a0=draw(decades(0.3, 3.0)),
        refractory=draw(st.none() | decades(0.05, 1.0).map(fp.ExponentialRefractory)),
    )


def connectivity_for(model, seed):
    C = np.random.default_rng(seed).uniform(size=model.lanes)
    return C / (C.sum() * model.dw)


# -- one neuron -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [None, fp.RandomThreshold(0.1)], ids=repr)
@pytest.mark.parametrize("refractory", [None, fp.ExponentialRefractory(0.3)], ids=repr)
def test_the_rate_is_that_of_an_uncoupled_population(threshold, refractory):
    currents = np.array([-2.0, 0.0, 1.0, 3.0])
    models = [fp.nnlif(b=0.0, external=c, threshold=threshold, refractory=refractory) for c in currents]
    expected = [fp.stationary_states(model)[0].rate for model in models]
    rate, slope = firing_rate(models[0], currents)
    np.testing.assert_allclose(rate, expected, rtol=1e-12)
    h = 1e-4
    differences = (firing_rate(models[0], currents + h)[0] - firing_rate(models[0], currents - h)[0]) / (2 * h)
    np.testing.assert_allclose(slope, differences, rtol=1e-6)


def test_a_neuron_that_never_fires_is_no_error():
    rate, slope = firing_rate(fp.nnlif(b=0.0, refractory=fp.ExponentialRefractory(0.1)), [-1e3, -50.0, 0.0])
    assert rate[0] == slope[0] == 0.0
    assert np.all(np.isfinite(rate) & np.isfinite(slope))


# -- frozen weights ---------------------------------------------------------------------------------------------


@share_of_examples(0.2)
@given(inhibitory(), st.integers(0, 1000))
def test_inhibition_leaves_one_state(model, seed):
    C = connectivity_for(model, seed)
    (state,) = frozen_rates(model, C)
    rate, _ = firing_rate(model.neuron, model.current(state.N))
    np.testing.assert_allclose(state.N, C * rate, rtol=1e-11)
    assert state.N.sum() * model.dw == pytest.approx(state.total, rel=1e-11)


def test_one_weight_for_all_is_the_network_without_structure():
    # All neurons in the lane w = 1.5: the states of nnlif(b=1.5).
    model = learning(weights=(1.0, 2.0), lanes=5, rule=1.0)
    C = np.array([0.0, 0.0, 5.0, 0.0, 0.0])
    expected = [state.rate for state in fp.stationary_states(fp.nnlif(b=1.5))]
    np.testing.assert_allclose([state.total for state in frozen_rates(model, C)], expected, rtol=1e-11)


@pytest.mark.parametrize("b", [2.1009677, 2.1009678])
def test_a_pair_of_states_next_to_a_fold_is_found_or_is_not_there(b):
    # The fold is at 2.100967760456.
    model = learning(weights=(b - 0.5, b + 0.5), lanes=5, rule=1.0)
    assert len(frozen_rates(model, [0.0, 0.0, 5.0, 0.0, 0.0])) == (2 if b < 2.10096776 else 0)


# -- representation ---------------------------------------------------------------------------------------------


def test_the_scale_of_the_output_is_found():
    model = learning(weights=(-1.0, 0.0), lanes=2000, signal=1.0)
    (found,) = representing_connectivity(model, bell)
    assert found.scale == pytest.approx(1.5353574350, abs=1e-10)
    assert found.total == pytest.approx(0.3848568152, abs=1e-10)
    (state,) = frozen_rates(model, found.C)
    np.testing.assert_allclose(state.N, found.N, rtol=1e-11)


@share_of_examples(0.2)
@given(inhibitory(), st.integers(0, 1000))
def test_every_output_has_its_connectivity(model, seed):
    target = connectivity_for(model, seed)
    (found,) = representing_connectivity(model, target)
    assert found.C.sum() * model.dw == pytest.approx(1.0, rel=1e-11)
    np.testing.assert_allclose(found.N, found.scale * target, rtol=1e-12)
    (state,) = frozen_rates(model, found.C)
    np.testing.assert_allclose(state.N, found.N, rtol=1e-10)


# -- discrimination ---------------------------------------------------------------------------------------------


@share_of_examples(0.3)
@given(inhibitory(), inhibitory(), st.integers(0, 1000), st.booleans())
def test_outputs_differ_as_much_as_the_theorem_says(one, other, seed, weighted):
    other = learning(
        (-1.5, 0.0), one.lanes, other.signal, one.rule, one.saturation, 0.1, one.neuron.noise.a0,
        refractory=one.neuron.refractory if one.neuron.refractory.mean_duration else None,
    )  # fmt: skip
    result = discrimination(one, other, connectivity_for(one, seed), np.exp if weighted else None)
    assert result.constant > 0.0
    assert result.holds


def test_without_coupling_the_constant_is_the_least_slope():
    # σ = 0, L = 1: both sides are known, and equal up to how r' varies between two signals that nearly agree.
    def silent(x):
        return 0.0 * x

    one, other = (learning(lanes=10, signal=c, saturation=silent) for c in (1.0, 1.001))
    result = discrimination(one, other, np.ones(10))
    assert result.constant == pytest.approx(float(firing_rate(one.neuron, 1.0)[1]), rel=1e-3)
    assert result.outputs == pytest.approx(result.constant * result.signals, rel=1e-3)
    assert result.holds


# -- the learned connectivity -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("signal", "edge", "total"), INHIBITORY)
def test_inhibitory_learning_has_one_outcome(signal, edge, total):
    (state,) = learned_connectivity(learning((-1.5, 0.0), signal=signal))
    assert state.edge == pytest.approx(edge, abs=6e-13)
    assert state.total == pytest.approx(total, abs=6e-13)
    assert state.total == pytest.approx(-state.edge / np.sqrt(2.0), rel=1e-13)


@pytest.mark.parametrize(("signal", "edge", "total"), EXCITATORY)
def test_excitatory_learning_with_saturation(signal, edge, total):
    (state,) = learned_connectivity(learning((0.0, 3.0), signal=signal, rule=1.0, saturation=Saturating()))
    assert state.edge == pytest.approx(edge, abs=6e-13)
    assert state.total == pytest.approx(total, abs=6e-13)


def test_excitatory_learning_without_saturation_has_two_outcomes_or_none():
    assert [len(learned_connectivity(learning((0.0, 20.0), signal=I, rule=1.0))) for I in (0.0, 1.0)] == [2, 0]


@share_of_examples(0.06)
@given(inhibitory())
def test_the_learned_state_is_one_of_its_own_connectivity(model):
    for state in learned_connectivity(model):
        fine = learning((state.edge, 0.0), 400, model.signal, model.rule, model.saturation,
                        a0=model.neuron.noise.a0, refractory=model.neuron.refractory
                        if model.neuron.refractory.mean_duration else None)  # fmt: skip
        C = state.connectivity(fine.w)
        assert C.sum() * fine.dw == pytest.approx(1.0, abs=1e-4)
        (frozen,) = frozen_rates(fine, C)
        assert frozen.total == pytest.approx(state.total, rel=1e-4)
        # Nothing moves: Φ = w.
        np.testing.assert_allclose(fine.rule_at(fine.w) * frozen.N * frozen.total, fine.w, rtol=2e-3)


def test_averages_over_lanes_have_mass_one():
    model = learning((-1.5, 0.0), 37, signal=1.0)
    (state,) = learned_connectivity(model)
    averages = state.lane_averages()
    assert averages.sum() * model.dw == pytest.approx(1.0, rel=1e-12)
    assert np.all(averages[model.w_faces[1:] <= state.edge] == 0.0)
    assert np.all(state.connectivity([-1.0, 0.1]) == 0.0)


def test_beyond_the_weights_nothing_is_found():
    assert learned_connectivity(learning((-0.5, 0.0), signal=1.0)) == ()


# -- refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: learned_connectivity(learning((-1.0, 0.0), rule=1.0)), "sign of the weights"),
        (lambda: learned_connectivity(learning((-1.0, 0.0), rule=lambda w: w + 0.5)), "changes sign"),
        (lambda: learned_connectivity(learning((-1.0, 1.0), rule=lambda w: w)), "one sign only"),
        (lambda: frozen_rates(learning(lanes=4), np.ones(5)), "4 lanes"),
        (lambda: frozen_rates(learning(lanes=4), -np.ones(4)), "not negative"),
        (lambda: frozen_rates(learning(lanes=4), np.zeros(4)), "neurons"),
        (lambda: frozen_rates(learning(lanes=4, saturation=lambda x: 1.0 / (1.0 + x)), np.ones(4)), "decreases"),
        (lambda: learning(lanes=4, saturation=lambda x: -x), "must not be negative"),
        (lambda: learned_connectivity(learning((-2.0, -0.5))), "an interval that contains it"),
        (lambda: frozen_rates(learning(lanes=4, drift=fp.QuadraticDrift()), np.ones(4)), "leak"),
        (lambda: representing_connectivity(learning(lanes=4), np.zeros(4)), "somebody who fires"),
        (lambda: discrimination(learning(lanes=4), learning(lanes=5), np.ones(4)), "`lanes` differs"),
    ],
)
def test_what_is_refused(call, words):
    with pytest.raises(fp.InvalidArgument, match=words):
        call()
