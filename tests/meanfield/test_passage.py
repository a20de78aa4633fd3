"""The passage of each law: closed forms against finite volumes, derivatives against differences, profiles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import between, decades, share_of_examples

import fokkerplanck as fp
from fokkerplanck.meanfield.passage import Discrete, LeakyHard, LeakyRandom, SteadyHard, closed_passage_of, passage_of

HARD = fp.nnlif(b=0.0)
RANDOM = fp.nnlif(b=0.0, threshold=fp.RandomThreshold(0.05))
STEADY = fp.nnlif(b=0.0, drift=fp.ConstantDrift(1.0))
INPUTS = [(0.0, 1.0), (3.0, 1.0), (-5.0, 1.0), (20.0, 0.5), (1.5, 0.05), (-3.0, 0.2), (100.0, 1.0)]


def test_each_law_has_its_own():
    assert isinstance(passage_of(HARD), LeakyHard)
    assert isinstance(passage_of(RANDOM), LeakyRandom)
    assert isinstance(passage_of(STEADY), SteadyHard)
    for other in ({"drift": fp.QuadraticDrift()}, {"threshold": fp.SoftThreshold(lambda v: np.exp(v))}):
        assert isinstance(passage_of(fp.nnlif(b=0.0, **other)), Discrete)
        with pytest.raises(fp.InvalidArgument, match="is known for the leak"):
            closed_passage_of(fp.nnlif(b=0.0, **other), "this is known")


@pytest.mark.parametrize(("model", "rtol"), [(HARD, 2e-8), (RANDOM, 1e-12)])
def test_finite_volumes_find_the_closed_form(model, rtol):
    for c, a in INPUTS:
        closed, numerical = passage_of(model).log_time(c, a), Discrete(model).log_time(c, a)
        assert numerical == pytest.approx(float(closed), abs=rtol)


RISING = [(0.0, 1.0), (2.0, 0.05), (20.0, 0.5), (-0.9, 0.2)]


@pytest.mark.parametrize(("c", "a"), RISING)
def test_finite_volumes_find_the_neuron_without_leak(c, a):
    closed, numerical = passage_of(STEADY), Discrete(STEADY)
    assert numerical.log_time(c, a) == pytest.approx(float(closed.log_time(c, a)), abs=2e-8)
    v = np.array([0.3, 0.99, 1.0, 1.01, 1.5, 1.9, 1.99])
    profile, found = (np.exp(passage.log_occupation(v, c, a)) for passage in (closed, numerical))
    np.testing.assert_allclose(found, profile, rtol=0, atol=1e-7 * profile.max())


def test_without_leak_and_without_a_push_nobody_arrives():
    steady = passage_of(STEADY)
    assert np.array_equal(steady.log_time([-2.0, -1.0, 0.0], 1.0), [np.inf, np.inf, 0.0])
    with pytest.raises(fp.InvalidArgument, match="nothing is stationary"):
        steady.log_occupation(0.0, -1.0, 1.0)
    with pytest.raises(fp.InvalidArgument, match="is known for the leak"):
        closed_passage_of(STEADY, "this is known")


def test_finite_volumes_find_the_profile():
    v = np.array([-2.0, 0.3, 0.99, 1.01, 1.5, 1.9, 1.99, 2.02, 2.2, 3.0])
    for model in (HARD, RANDOM):
        for c, a in INPUTS[:3]:
            closed, numerical = (np.exp(p(model).log_occupation(v, c, a)) for p in (passage_of, Discrete))
            np.testing.assert_allclose(numerical, closed, rtol=0, atol=3e-8 * closed.max())


@st.composite
def random_passages(draw):
    V_F = draw(between(-1.0, 3.0))
    model = fp.nnlif(
        b=0.0, V_R=V_F - draw(decades(0.05, 3.0)), V_F=V_F, threshold=fp.RandomThreshold(draw(decades(1e-4, 10.0)))
    )
    a = draw(decades(0.05, 20.0))
    return model, V_F + np.sqrt(a) * draw(between(-15.0, 15.0)), a


@share_of_examples(0.5)
@given(random_passages())
def test_derivatives_are_differences(drawn):
    model, c, a = drawn
    passage, h = passage_of(model), 1e-4
    x, y = c + np.sqrt(a) * h * np.array([-1.0, 0.0, 1.0]), a * (1.0 + h * np.array([-1.0, 0.0, 1.0]))
    here = passage.jet(c, a)
    along_c, along_a = passage.jet(x, a), passage.jet(c, y)
    scale = 1.0 + abs(here.c) * np.sqrt(a) + abs(here.a) * a

    def check(values, step, derivative, unit):
        tolerance = 1e-6 * scale**3 + 1e-10 / h
        assert (values[2] - values[0]) / (2 * step) * unit == pytest.approx(derivative * unit, abs=tolerance)

    # The first derivative of I over I is the derivative of log I; the second follows from those of the first.
    unit = np.sqrt(a)
    check(along_c.log, unit * h, here.c, unit)
    check(along_a.log, a * h, here.a, a)
    check(along_c.c, unit * h, here.cc - here.c**2, a)
    check(along_a.c, a * h, here.ca - here.c * here.a, a**1.5)
    check(along_a.a, a * h, here.aa - here.a**2, a**2)


@share_of_examples(0.5)
@given(random_passages())
def test_the_time_is_spent_somewhere_and_ends_at_the_hazard(drawn):
    """∫ g dv = I, of which ε above V_F; g and its slope are continuous there."""
    model, c, a = drawn
    passage, V_F, epsilon = passage_of(model), model.V_F, model.threshold.epsilon
    log_time = float(passage.log_time(c, a))

    def spent(low, high, panels=400):
        nodes, weights = np.polynomial.legendre.leggauss(8)
        edges = np.linspace(0.0, 1.0, panels + 1) ** 3
        edges = low + (high - low) * edges
        half = 0.5 * np.diff(edges)
        v = 0.5 * (edges[1:] + edges[:-1])[:, None] + half[:, None] * nodes
        return abs(half @ np.exp(passage.log_occupation(v, c, a) - log_time) @ weights)

    far = 40.0 * max(np.sqrt(a * epsilon), epsilon * max(c - V_F, 0.0))
    top = V_F + min(far, max(c - V_F, 0.0) + 10.0 * np.sqrt(a))
    low = min(c, model.V_R) - 10.0 * np.sqrt(a)
    above = spent(V_F, top)
    assert above * np.exp(log_time) == pytest.approx(epsilon, rel=1e-8)
    total = above + spent(model.V_R, V_F) + spent(model.V_R, low)
    assert total == pytest.approx(1.0, abs=1e-7)
    h = 1e-7 * min(np.sqrt(a), np.sqrt(a * epsilon), V_F - model.V_R)
    left, right = passage.log_occupation(V_F + h * np.array([-1.0, 1.0]), c, a)
    assert left == pytest.approx(right, abs=1e-5)


def test_no_noise_is_refused():
    with pytest.raises(fp.InvalidArgument, match="without noise"):
        passage_of(fp.nnlif(b=0.0, a0=0.0))


def test_a_hazard_that_lets_the_density_escape_is_refused():
    weak = fp.nnlif(b=0.0, external=3.0, drift=lambda v: 0.0 * v, threshold=fp.SoftThreshold(lambda v: np.exp(-v * v)))
    with pytest.raises(fp.InvalidArgument, match="does not keep"):
        passage_of(weak).log_time(3.0, 1.0)
