"""Rules of plasticity: source, decay and weight agree, and networks refuse what does not fit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import fokkerplanck as fp

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
weights, halves, speeds = st.floats(-2.0, 2.0), st.floats(0.5, 100.0), st.floats(0.01, 10.0)
rules = st.one_of(
    st.builds(fp.StaticWeight, weights, speeds),
    st.builds(fp.SaturatingWeight, weights, halves, speeds),
    st.builds(fp.DepressingWeight, weights, halves, speeds),
    st.builds(fp.HebbianWeight, weights, halves, speeds),
)


@given(rules, st.floats(0.0, 200.0), st.floats(0.0, 200.0))
def test_a_weight_rests_where_source_and_decay_balance(rule, pre, post):
    source, decay, weight = (f(pre, post) for f in (rule.source, rule.decay, rule.weight))
    assert decay > 0.0
    assert source == pytest.approx(decay * weight, rel=1e-14)
    if rule.factors is not None:
        u, v = rule.factors
        assert u(np.array(pre)) * v(np.array(post)) == pytest.approx(weight, rel=1e-13)


@given(rules)
def test_pre_and_post_broadcast(rule):
    pre, post = np.array([0.0, 3.0, 30.0]), np.array([[1.0], [20.0]])
    for f in (rule.source, rule.decay, rule.weight):
        assert f(pre, post).shape == (2, 3)
        assert f(pre, post)[1, 2] == pytest.approx(f(30.0, 20.0))
        if not rule.needs_post:
            assert f(pre).shape == (3,)


def test_weights_relax_to_rest():
    rule = fp.DepressingWeight(0.3, 10.0, learning_rate=0.5)
    run = solve_ivp(lambda t, w: rule.source(25.0) - rule.decay(25.0) * w, (0.0, 20.0), [0.3], rtol=1e-10, atol=1e-12)
    assert run.y[0, -1] == pytest.approx(rule.weight(25.0), abs=1e-9)
    assert rule.weight(25.0) == pytest.approx(0.3 / 3.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fp.SaturatingWeight(float("inf"), 10.0), "`w_max`"),
        (lambda: fp.SaturatingWeight(0.1, 0.0), "`nu_h`"),
        (lambda: fp.StaticWeight(0.1, learning_rate=-1.0), "`learning_rate`"),
        (lambda: fp.HebbianWeight(0.1, 10.0).weight(3.0), "`post`"),
        (lambda: fp.PlasticWeight(3.0), "`function`"),
        (lambda: fp.PlasticWeight(lambda a: 0.1 if a > 3 else 0.2), "np.where"),
        (lambda: fp.StaticWeight(1e200), "`J`"),
        (lambda: fp.PlasticWeight(lambda pre, post: pre), "`function` could not be called"),
        (lambda: fp.PlasticWeight(lambda pre: 1.0 / (pre - 1.0) * np.inf), "`function` must map"),
        (lambda: fp.PlasticWeight(lambda pre: pre[:-1]), "`function` must map"),
        (lambda: fp.PlasticWeight(lambda x, y: x, needs_post=True).weight(1.0), "`post`"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_refusals_of_rules(make, message):
    with pytest.raises(fp.InvalidArgument, match=message):
        make()


LAW, RULE = fp.GammaDegrees(100.0, 40.0, correlation=0.5), fp.StaticWeight(0.1)
TWO = {"E": NEURON, "I": NEURON}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3.0, LAW, RULE, 13.0, 5.0), "`neuron`"),
        (({}, LAW, RULE, 13.0, 5.0), "`neuron` names no"),
        ((NEURON, 100, RULE, 13.0, 5.0), "`degrees` must be a law"),
        ((NEURON, LAW, 0.1, 13.0, 5.0), "`rule` must be"),
        ((NEURON, LAW, RULE, float("nan"), 5.0), "`mu_ext`"),
        ((NEURON, LAW, RULE, 13.0, -5.0), "`sigma_ext`"),
        ((TWO, LAW, RULE, 13.0, 5.0), "`degrees` must be a mapping"),
        ((TWO, {("E", "I"): LAW}, RULE, 13.0, 5.0), "correlate"),
        ((TWO, {("E", "X"): LAW}, RULE, 13.0, 5.0), "Unknown population 'X'"),
        ((TWO, {("E", "E"): LAW}, {("I", "E"): RULE}, 13.0, 5.0), "`degrees` has not"),
        ((TWO, {("E", "E"): LAW}, {}, 13.0, 5.0), "`rule` lacks"),
        ((TWO, {("E", "E"): LAW}, RULE, {"E": 13.0}, 5.0), "`mu_ext` lacks I"),
        ((TWO, {"EE": LAW}, RULE, 13.0, 5.0), "mapping from \\(post, pre\\)"),
    ],
)
def test_refusals_of_networks(arguments, message):
    with pytest.raises(fp.InvalidArgument, match=message):
        fp.PlasticNetwork(*arguments)


def test_graphs_of_a_network():
    uncorrelated = fp.GammaDegrees(20.0, 5.0)
    network = fp.PlasticNetwork(TWO, {("E", "E"): LAW, ("I", "E"): uncorrelated}, RULE, {"E": 13.0, "I": 12.0}, 5.0)
    graphs = network.graphs({"E": 400, "I": 60})
    assert {pair: A.shape for pair, A in graphs.items()} == {("E", "E"): (400, 400), ("I", "E"): (60, 400)}
    assert "2 populations, 2 projections" in repr(network)
    with pytest.raises(fp.InvalidArgument, match="`counts` lacks I"):
        network.graphs({"E": 400})
