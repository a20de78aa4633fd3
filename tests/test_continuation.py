"""Branches of stationary states, their folds, branch points and Hopf points, against what is known exactly."""

import numpy as np
import pytest

import fokkerplanck as fp
from fokkerplanck.continuation import as_network, bifurcations
from fokkerplanck.models.network import Network, excitatory_inhibitory
from fokkerplanck.networks.arclength import Curve, Point, follow
from fokkerplanck.networks.states import network_states


def test_the_fold_of_one_population():
    diagram = bifurcations(lambda b: fp.nnlif(b=b), (1.5, 2.4), samples=4, stability=False)
    (fold,) = diagram.folds
    (expected,) = fp.fold_points(fp.nnlif(b=0.0))
    assert fold.parameter == pytest.approx(expected.b, rel=1e-11)
    assert fold.rates == pytest.approx([expected.rate], rel=1e-5)
    assert diagram.complete
    assert len(diagram.branches) == 1
    (branch,) = diagram.branches
    assert branch.parameter[0] == branch.parameter[-1] == 1.5
    assert sorted(branch.rates[[0, -1], 0]) == pytest.approx([0.192364012568, 2.28912570775], rel=1e-11)


def test_folds_and_stability_with_a_refractory_state():
    tau = 0.2
    diagram = bifurcations(lambda b: fp.nnlif(b=b, refractory=fp.ExponentialRefractory(tau)), (2.15, 2.31), samples=2)
    expected = fp.fold_points(fp.nnlif(b=0.0, refractory=fp.ExponentialRefractory(tau)))
    assert sorted(f.parameter for f in diagram.folds) == pytest.approx(sorted(f.b for f in expected), rel=1e-10)
    (branch,) = diagram.branches
    middle = (branch.rates[:, 0] > expected[0].rate * 1.001) & (branch.rates[:, 0] < expected[1].rate * 0.999)
    assert np.all(branch.unstable[middle] == 1)
    assert np.all(branch.stable[branch.rates[:, 0] < expected[0].rate * 0.999])
    # Away from its folds the upper branch loses its stability to oscillations.
    (hopf,) = diagram.hopf_points
    fast = branch.rates[:, 0] > hopf.rates[0] * 1.001
    assert np.all(branch.unstable[fast] == 2)


def test_the_onset_of_oscillations_by_delay():
    diagram = bifurcations(lambda b: fp.nnlif(b=b, delay=1.0), (-46.0, -38.0), samples=2)
    (hopf,) = diagram.hopf_points
    assert hopf.parameter == pytest.approx(-41.9643854, rel=1e-6)
    assert hopf.frequency == pytest.approx(2.264965, rel=1e-6)
    assert hopf.period == pytest.approx(2.0 * np.pi / 2.264965, rel=1e-6)
    assert "hopf at -41.964" in repr(diagram)


def test_the_delay_itself_as_the_parameter():
    population = fp.nnlif(b=-20.0)
    expected = fp.critical_delay(population, fp.stationary_states(population)[0])
    diagram = bifurcations(lambda d: fp.nnlif(b=-20.0, delay=d), (1.75, 1.9), samples=2)
    (hopf,) = diagram.hopf_points
    assert hopf.parameter == pytest.approx(expected.value, rel=1e-6)
    assert np.ptp(diagram.branches[0].log_rates) == pytest.approx(0.0, abs=1e-12)


def test_symmetry_breaks_at_a_branch_point():
    # Equal populations: the difference of the rates sees J_11 − J_12 alone, and grows where N² dI/dN = −1 for it.
    def family(cross):
        member = fp.nnlif(b=0.0, external=3.0, refractory=fp.ExponentialRefractory(0.1))
        return Network([member] * 2, [[0.0, -cross], [-cross, 0.0]])

    diagram = bifurcations(family, (1.5, 2.1), samples=3)
    assert diagram.complete
    (point,) = diagram.of_kind("branch")
    assert point.rates[0] == pytest.approx(point.rates[1], rel=1e-6)
    below, above = (network_states(family(point.parameter + x)) for x in (-0.05, 0.05))
    assert (len(below), len(above)) in {(1, 3), (3, 1)}
    symmetric = next(b for b in diagram.branches if np.allclose(*b.rates.T, rtol=1e-9))
    before = symmetric.parameter < point.parameter - 1e-6
    assert np.all(symmetric.unstable[before] == 0)
    assert np.all(symmetric.unstable[symmetric.parameter > point.parameter + 1e-6] == 1)


def test_a_closed_branch():
    # b rises and falls with the parameter, through both folds: a loop or two open branches, all states on them.
    def family(x):
        return fp.nnlif(b=2.24 + 0.1 * np.cos(x), refractory=fp.ExponentialRefractory(0.2))

    diagram = bifurcations(family, (0.0, 2.0 * np.pi), samples=7, stability=False)
    assert diagram.complete
    low, high = sorted(f.b for f in fp.fold_points(fp.nnlif(b=0.0, refractory=fp.ExponentialRefractory(0.2))))
    crossed = sum(2 for b in (low, high) if abs(b - 2.24) < 0.1)
    assert len(diagram.folds) == crossed


def test_an_isola_is_followed_once_around():
    # Two states for 0.3 < x < 2.84, merging at both ends: b = 2.3 − 0.4 sin x < 2.10097.
    diagram = bifurcations(lambda x: fp.nnlif(b=2.3 - 0.4 * np.sin(x)), (0.0, np.pi), samples=5, stability=False)
    assert [branch.closed for branch in diagram.branches] == [True]
    assert [fold.parameter for fold in diagram.folds] == pytest.approx(
        [np.arcsin((2.3 - 2.100967760456) / 0.4), np.pi - np.arcsin((2.3 - 2.100967760456) / 0.4)], rel=1e-9
    )
    assert diagram.complete


def test_networks_of_two():
    diagram = bifurcations(
        lambda b: excitatory_inhibitory(b, 0.75, 0.5, 0.25, refractory=fp.ExponentialRefractory(0.2)),
        (2.2, 2.7),
        samples=3,
        stability=False,
    )
    assert diagram.names == ("E", "I")
    first, second = sorted(fold.parameter for fold in diagram.folds)
    for b, count in ((first - 1e-4, 1), (first + 1e-4, 3), (second - 1e-4, 3), (second + 1e-4, 1)):
        network = excitatory_inhibitory(b, 0.75, 0.5, 0.25, refractory=fp.ExponentialRefractory(0.2))
        assert len(network_states(network)) == count
    figure = diagram.plot("I", parameter="$b$")
    assert figure.axes[0].get_xlabel() == "$b$"
    with pytest.raises(fp.InvalidArgument, match="population"):
        diagram.plot("J")
    with pytest.raises(fp.InvalidArgument, match="population"):
        diagram.plot(2)


def test_a_population_as_a_network():
    population = fp.nnlif(b=1.5, a1=0.2, delay=0.3, external=0.1)
    network = as_network(population)
    assert network.J.tolist() == [[1.5]]
    assert network.noise.tolist() == [[0.2]]
    assert network.delays.tolist() == [[0.3]]
    assert as_network(network) is network


def test_a_circle_is_followed():
    curve = Curve(lambda x, p: x**2 + p**2 - 1.0, lambda x, p: np.array([[2.0 * x[0]]]), 1.0)
    start = Point(np.array([1.0]), 0.0, np.array([0.0, 1.0]))
    points = []
    for point, _ in follow(curve, start, 0.1):
        points.append((point.x[0], point.p))
        if len(points) > 100:
            break
    x, p = np.array(points).T
    assert x**2 + p**2 == pytest.approx(np.ones(len(x)), abs=1e-10)
    assert x.min() < -0.99


def test_refusals():
    with pytest.raises(fp.InvalidArgument, match="`span`"):
        bifurcations(lambda b: fp.nnlif(b=b), (2.0, 1.0))
    with pytest.raises(fp.InvalidArgument, match="`samples`"):
        bifurcations(lambda b: fp.nnlif(b=b), (1.0, 2.0), samples=1)
    with pytest.raises(fp.InvalidArgument, match="`family`"):
        bifurcations(lambda b: b, (1.0, 2.0))
    with pytest.raises(fp.InvalidArgument, match="same populations"):
        bifurcations(lambda b: Network([fp.nnlif(b=0.0)] * (1 + (b > 1.5)), 0.1 * np.eye(1 + (b > 1.5))), (1.0, 2.0))
