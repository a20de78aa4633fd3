"""Cascades, against sending the spikes one by one to everybody."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

import fokkerplanck as fp
from fokkerplanck.particles.cascade import generation_sizes, noisy_cascade, uniform_cascade
from fokkerplanck.particles.crowd import Crowd, Volley
from fokkerplanck.particles.random import streams

V_R, V_F = 1.0, 2.0
GRAIN = 1.0 / 64.0
"""Potentials and kicks are multiples of it, so that both sides of a comparison are exact."""


def one_by_one(potentials, first, push, overshoot):
    """End positions and order of firing; `first` have fired, and are at V_R.

    Nobody fires twice here: who would have to ends above V_F.

    Each spike in turn is sent to everybody. `waiting` neurons have crossed V_F, but not sent theirs.
    """
    x, order, sent = potentials.copy(), list(first), 0
    fired = np.zeros(len(x), dtype=bool)
    fired[first] = True
    done = np.zeros(len(x), dtype=bool)
    while sent < len(order):
        sender = order[sent]
        sent += 1
        if sender in first or overshoot == "discard":
            done[sender] = True
            if sender not in first:
                x[sender] = V_R
        for i in range(len(x)):
            if i == sender and (sender in first or overshoot == "discard"):
                continue
            receives = not fired[i] or (overshoot == "keep" and i not in first) or (overshoot != "none" and done[i])
            x[i] += push * receives
        for i in sorted(np.flatnonzero(~fired & (x >= V_F)), key=lambda i: (-x[i], i)):
            fired[i] = True
            order.append(int(i))
            if overshoot == "keep":
                x[i] -= V_F - V_R
            if overshoot == "none":
                x[i] = V_R
    return x, order


def crowd_of(potentials, **laws):
    model = fp.nnlif(b=1.0, **laws)
    release = np.zeros(len(potentials) if "refractory" in laws else 0)
    return Crowd(model, potentials.copy(), release, streams(0, 1), 1, True)


@st.composite
def configurations(draw):
    grains = draw(st.lists(st.integers(-10, 127), min_size=1, max_size=40))
    first = draw(st.integers(1, 6))
    potentials = np.array([V_R] * first + [grain * GRAIN for grain in grains])
    return potentials, first, draw(st.integers(1, 8)) * GRAIN, draw(st.integers(0, 64)) * GRAIN


@pytest.mark.parametrize("overshoot", ["keep", "discard", "none"])
@given(configuration=configurations())
def test_order_statistics_are_what_spikes_sent_one_by_one_do(overshoot, configuration):
    potentials, first, push, reach = configuration
    volley = Volley(
        np.arange(first), np.arange(first) / first, first + np.flatnonzero(potentials[first:] > V_F - reach)
    )
    crowd = crowd_of(potentials)
    cascade = uniform_cascade(crowd, volley, push, reach, overshoot, 0.0)
    expected, order = one_by_one(potentials, list(range(first)), push, overshoot)
    assert cascade.spikes == len(order) == sum(cascade.generations)
    assert cascade.eternal == bool(np.any(expected[order] >= V_F))
    if cascade.eternal:
        assert np.array_equal(crowd.potentials, potentials)
        assert cascade.pending == cascade.fired == first
    else:
        assert [int(i) for who in cascade.pushed for i in who] == order[first:]
        assert crowd.potentials + push * cascade.pending == pytest.approx(expected, abs=1e-12)


@given(configuration=configurations())
def test_generations_follow_one_another(configuration):
    potentials, first, push, _ = configuration
    levels, sizes, sent = list(np.sort(potentials[first:])[::-1]), [first], 0
    while sizes[-1]:
        sent += sizes[-1]
        over = [v for v in levels if v + push * sent >= V_F]
        levels = levels[len(over) :]
        sizes.append(len(over))
    pushed = np.sort(potentials[first:])[::-1][: sent - first]
    for bands in ([pushed], np.split(pushed, [len(pushed) // 2])):
        assert generation_sizes(bands, first, push, V_F) == sizes[:-1]


@pytest.mark.parametrize("overshoot", ["keep", "discard", "none"])
def test_with_a_refractory_state_everybody_fires_once_and_waits(overshoot):
    crowd = crowd_of(np.array([V_R, 1.9, 1.8, 0.0]), refractory=fp.FixedRefractory(0.5))
    cascade = uniform_cascade(crowd, Volley(np.array([0]), np.zeros(1), np.array([1])), 0.5, 0.15, overshoot, 3.0)
    assert (cascade.spikes, cascade.generations, cascade.eternal) == (3, [1, 2], False)
    assert np.isnan(crowd.potentials).tolist() == [False, True, True, False]
    assert crowd.release[1:3].tolist() == [3.5, 3.5]
    assert crowd.silent == 2


def volley_of(crowd, share):
    """The first neurons have fired."""
    first = int(share * crowd.count)
    crowd.potentials[:first] = V_R
    return Volley(np.arange(first), np.zeros(first), np.empty(0, int))


@pytest.mark.parametrize("overshoot", ["keep", "discard", "none"])
def test_without_noise_to_speak_of_the_generations_of_a_noisy_cascade_are_those_of_a_uniform_one(overshoot):
    # Far from the critical point, and none of the generations small.
    v = np.linspace(1.5, 1.999, 20_000)
    plain = Crowd(fp.nnlif(b=0.6), v.copy(), np.empty(0), streams(1, 5), 1, True)
    noisy = Crowd(fp.nnlif(b=0.6, a1=1e-12), v.copy(), np.empty(0), streams(1, 5), 1, True)
    one = uniform_cascade(plain, volley_of(plain, 0.05), 0.6 / plain.count, 0.0, overshoot, 0.0)
    two = noisy_cascade(noisy, volley_of(noisy, 0.05), overshoot, 0.0)
    assert two.spikes == pytest.approx(one.spikes, rel=1e-3)
    late = 0.6 * two.pending / noisy.count
    ends = np.sort(noisy.potentials + late), np.sort(plain.potentials + 0.6 * one.pending / plain.count)
    assert np.max(np.abs(ends[0] - ends[1])) < 0.01 + late


def test_a_small_volley_of_a_noisy_model_is_left_to_the_next_step():
    crowd = Crowd(fp.nnlif(b=0.5, a1=0.1), np.linspace(0.0, 1.99, 10_000), np.empty(0), streams(1, 3), 1, True)
    cascade = noisy_cascade(crowd, volley_of(crowd, 0.005), "discard", 0.0)
    assert (cascade.spikes, cascade.pending, cascade.generations) == (50, 50, [50])


def test_noise_alone_pushes_neurons_over():
    crowd = Crowd(fp.nnlif(b=0.0, a1=0.1), np.full(40_000, 1.9), np.empty(0), streams(1, 10), 1, True)
    cascade = noisy_cascade(crowd, volley_of(crowd, 0.05), "discard", 0.0)
    # P(V_F is met) = 2 P(ξ > 0.1/√(2 a1 δ)) = 0.317 for δ = 0.05, by the principle of reflection.
    share = 0.3173105 * 0.95
    assert cascade.generations[1] / crowd.count == pytest.approx(share, abs=4 * np.sqrt(share / crowd.count))


@pytest.mark.parametrize(("overshoot", "variance"), [("discard", 0.01), ("none", 0.0)])
def test_the_noise_of_a_generation_reaches_who_fired_in_it_only_after_its_turn(overshoot, variance):
    # Of K neurons that fire together, the k-th receives the variance 2 a1 (K − k)/N: on the average a1 K/N.
    v = np.full(40_000, -50.0)
    crowd = Crowd(fp.nnlif(b=0.0, a1=0.1), v, np.empty(0), streams(1, 10), 1, True)
    cascade = noisy_cascade(crowd, volley_of(crowd, 0.1), overshoot, 0.0)
    assert (cascade.spikes, cascade.pending) == (4000, 0)
    fired = crowd.potentials[:4000] - V_R
    assert np.mean(fired) == pytest.approx(0.0, abs=4.0 * np.sqrt(variance / 4000))
    assert np.var(fired) == pytest.approx(variance, rel=4.0 * np.sqrt(3.0 / 4000))
    assert np.var(crowd.potentials[4000:]) == pytest.approx(0.02, rel=4.0 * np.sqrt(2.0 / 36_000))


def test_who_meets_the_threshold_again_on_the_way_fires_again():
    # V_R is so near to V_F that many of those who are reset meet it in the rest of their generation.
    model = fp.nnlif(b=0.0, a1=0.1, V_R=1.99)
    crowd = Crowd(model, np.full(40_000, -50.0), np.empty(0), streams(1, 10), 1, True)
    crowd.potentials[:4000] = 1.99
    cascade = noisy_cascade(crowd, Volley(np.arange(4000), np.zeros(4000), np.empty(0, int)), "discard", 0.0)
    left = (np.arange(4000) + 0.5) / 40_000
    share = 2.0 * ndtr(-0.01 / np.sqrt(0.2 * left)).mean()
    assert cascade.generations[1] / 4000 == pytest.approx(share, abs=4.0 / np.sqrt(4000))


def test_a_large_noisy_cascade_is_followed_to_its_last_spike():
    crowd = Crowd(fp.nnlif(b=0.2, a1=0.01), np.linspace(0.0, 1.99, 20_000), np.empty(0), streams(1, 5), 1, True)
    cascade = noisy_cascade(crowd, volley_of(crowd, 0.05), "discard", 0.0)
    assert cascade.pending == 0
    assert cascade.generations[-1] < 50


def test_a_neuron_above_the_threshold_fires_whatever_comes():
    crowd = Crowd(fp.nnlif(b=0.0, a1=1e-6), np.full(2000, 2.5), np.empty(0), streams(1, 5), 1, True)
    assert len(crowd.shower(0.0, 1e-9)) == 2000


@pytest.mark.parametrize("overshoot", ["keep", "discard"])
def test_a_noisy_cascade_that_would_never_end_is_cut(overshoot):
    crowd = Crowd(fp.nnlif(b=1.5, a1=0.05), np.full(20_000, 1.9), np.empty(0), streams(1, 5), 1, True)
    cascade = noisy_cascade(crowd, volley_of(crowd, 0.1), overshoot, 0.0)
    assert cascade.eternal
    assert 1.5 * cascade.spikes / crowd.count >= 2.0


def test_who_has_fired_receives_nothing_more_by_the_convention_none():
    crowd = Crowd(fp.nnlif(b=1.5, a1=0.05), np.full(20_000, 1.9), np.empty(0), streams(1, 5), 1, True)
    cascade = noisy_cascade(crowd, volley_of(crowd, 0.1), "none", 0.0)
    assert not cascade.eternal
    assert cascade.spikes <= crowd.count
    assert np.all(crowd.potentials[:2000] + 1.5 * cascade.pending / crowd.count == pytest.approx(V_R))
