"""Stationary states of networks: exact reductions to one population, an independent count, and stability."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import between, decades, share_of_examples

import fokkerplanck as fp
from fokkerplanck import delays
from fokkerplanck.meanfield.passage import passage_of
from fokkerplanck.models.network import Network, excitatory_inhibitory
from fokkerplanck.networks.balance import Balance, Monotone
from fokkerplanck.networks.exclusion import Box, search
from fokkerplanck.networks.linear import critical_delay, network_spectrum, responses, unstable_count
from fokkerplanck.networks.states import NetworkStates, network_states, polish
from fokkerplanck.plotting.networks import plot_phase_plane
from fokkerplanck.spectrum import spectrum
from fokkerplanck.stationary import stationary_states

REFRACTORY = fp.ExponentialRefractory(0.025)


def alone(b, a1=0.0, delay=0.0, **laws):
    """One population, and the same as a network of one."""
    return fp.nnlif(b=b, a1=a1, delay=delay, **laws), Network([fp.nnlif(b=0.0, **laws)], [[b]], a1, delay)


def rates(states):
    return np.array([state.rates for state in states])


# -- exact ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("b", [-10.0, 0.0, 1.0, 1.5, 2.1, 2.11, 3.0])
@pytest.mark.parametrize("a1", [0.0, 0.5])
@pytest.mark.parametrize("refractory", [None, REFRACTORY])
def test_a_network_of_one_is_the_population(b, a1, refractory):
    population, network = alone(b, a1, refractory=refractory)
    expected = [state.rate for state in stationary_states(population)]
    found = stationary_states(network)
    assert found.complete
    assert found.proved
    assert rates(found).ravel() == pytest.approx(np.array(expected), rel=1e-12)


@pytest.mark.parametrize(
    "laws",
    [
        {"b": 1.5, "threshold": fp.RandomThreshold(0.1)},
        {"b": 3.0, "threshold": fp.RandomThreshold(0.05), "a1": 0.2},
        {"b": -5.0, "external": 2.0, "a0": 0.1},
    ],
)
def test_other_thresholds(laws):
    population, network = alone(**laws)
    found = stationary_states(network)
    assert found.complete
    assert found.proved == ("threshold" not in laws)
    expected = [state.rate for state in stationary_states(population)]
    assert rates(found).ravel() == pytest.approx(np.array(expected), rel=1e-11)


def test_a_numerical_passage_time():
    population, network = alone(0.5, drift=fp.QuadraticDrift(), V_R=-1.0, V_F=3.0, refractory=fp.FixedRefractory(0.2))
    found = stationary_states(network)
    assert found.complete
    assert not found.proved
    expected = [state.rate for state in stationary_states(population)]
    assert rates(found).ravel() == pytest.approx(np.array(expected), rel=1e-7)


def test_uncoupled_populations_have_all_pairs_of_states():
    single = [state.rate for state in stationary_states(fp.nnlif(b=1.5))]
    found = rates(network_states(Network([fp.nnlif(b=0.0)] * 2, 1.5 * np.eye(2))))
    expected = sorted((x, y) for x in single for y in single)
    assert np.array(sorted(map(tuple, found.round(9)))) == pytest.approx(np.array(expected), rel=1e-8)


@pytest.mark.parametrize(("J", "b"), [([[1.2, 0.3], [0.3, 1.2]], 1.5), ([[0.2, -3.2], [-3.2, 0.2]], -3.0)])
def test_equal_populations_have_the_states_of_one(J, b):
    found = network_states(Network([fp.nnlif(b=0.0, refractory=REFRACTORY)] * 2, J))
    single = [state.rate for state in stationary_states(fp.nnlif(b=b, refractory=REFRACTORY))]
    for rate in single:
        assert any(np.allclose(state.rates, rate, rtol=1e-11) for state in found)
    equal = [state for state in found if np.allclose(*state.rates, rtol=1e-9)]
    assert len(equal) == len(single)


def test_the_published_cases():
    (state,) = network_states(excitatory_inhibitory(0.5, 0.25, 0.25, 1.0))
    assert state.rates == pytest.approx([0.1281114127, 0.1052675208], abs=1e-10)
    assert state.stable
    none = network_states(excitatory_inhibitory(3.0, 0.75, 0.5, 0.25))
    assert len(none) == 0
    assert none.complete


@pytest.mark.parametrize("tau", [0.05, 3.0])
def test_time_constants(tau):
    # dv = (−v + I)/τ dt + J dN: in its own time a population is kicked by J, as often as it fires per τ.
    pop = fp.nnlif(b=0.0, refractory=REFRACTORY)
    slow = network_states(Network([pop], [[1.5]], 0.1, time_constants=[tau]))
    fast = network_states(Network([pop], [[1.5]], 0.1))
    assert rates(slow) * tau == pytest.approx(rates(fast), rel=1e-11)
    assert slow[0].currents == pytest.approx(fast[0].currents, rel=1e-11)
    assert slow[0].refractory == pytest.approx(fast[0].refractory, rel=1e-11)
    assert slow[0].eigenvalue * tau == pytest.approx(fast[0].eigenvalue, rel=1e-9)
    assert [s.unstable for s in slow] == [s.unstable for s in fast]


def test_scaled_potentials_give_scaled_densities():
    # The second population is the first in another unit: v' = 3v − 1.
    pop = fp.nnlif(b=0.0, external=0.5)
    stretched = fp.nnlif(b=0.0, a0=9.0, V_R=2.0, V_F=5.0, external=0.5 * 3, drift=lambda v: -(v + 1.0))
    J = np.array([[0.4, 0.2], [0.2 * 3, 0.4 * 3]])
    (state,) = stationary_states(Network([pop, stretched], J))
    assert state.rates[0] == pytest.approx(state.rates[1], rel=1e-8)
    grid = state.model.grid(cells=200)
    first, second = state.cell_averages(grid)
    assert first @ grid.width == pytest.approx(1.0, abs=1e-6)
    assert second == pytest.approx(first, abs=2e-6)
    v = np.linspace(-3.0, 1.9, 7)
    first, second = state.density(v)
    assert second == pytest.approx(first, abs=1e-5)


def test_masses_and_refractory_masses_add_up_to_one():
    network = excitatory_inhibitory(1.0, 0.5, 0.5, 0.5, refractory=(fp.ExponentialRefractory(0.3), None))
    (state,) = network_states(network)
    grid = network.grid(cells=300)
    masses = state.cell_averages(grid) @ grid.width + state.refractory
    assert masses == pytest.approx([1.0, 1.0], abs=1e-9)
    assert state.refractory[1] == 0.0


def test_noise_that_comes_from_the_network_alone():
    pops = [fp.nnlif(b=0.0), fp.nnlif(b=0.0, a0=0.0, external=2.5)]
    found = network_states(Network(pops, np.zeros((2, 2)), noise=[[0.0, 0.0], [1.0, 0.0]]))
    (state,) = found
    first = stationary_states(fp.nnlif(b=0.0))[0].rate
    assert state.rates[0] == pytest.approx(first, rel=1e-12)
    expected = stationary_states(fp.nnlif(b=0.0, a0=first, external=2.5))[0].rate
    assert state.rates[1] == pytest.approx(expected, rel=1e-11)


# -- none is missed -------------------------------------------------------------------------------------------------


@st.composite
def two_populations(draw):
    refractory = st.none() | decades(0.02, 0.5).map(fp.ExponentialRefractory)
    members = [
        fp.nnlif(
            b=0.0,
            a0=draw(decades(0.2, 3.0)),
            V_R=draw(between(0.0, 1.5)),
            external=draw(between(-1.0, 1.0)),
            refractory=draw(refractory),
        )
        for _ in range(2)
    ]
    J = [[draw(between(-3.0, 3.0)) for _ in range(2)] for _ in range(2)]
    noise = [[draw(st.just(0.0) | between(0.0, 0.5)) for _ in range(2)] for _ in range(2)]
    return Network(members, J, noise, time_constants=[1.0, draw(between(0.3, 2.0))])


def scanned(network, low=-9.0, high=6.0, points=181):
    """Every pair of sign changes on a fine grid, as a start of Newton's iteration: an independent count."""
    balance = Balance(network)
    nodes = np.linspace(low, high, points)
    F = balance.value(np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1))
    corners = np.stack([F[:-1, :-1], F[1:, :-1], F[:-1, 1:], F[1:, 1:]])
    crossed = np.all((corners.min(axis=0) <= 0.0) & (corners.max(axis=0) >= 0.0), axis=-1)
    found = []
    for i, j in np.argwhere(crossed):
        L = polish(balance, np.array([nodes[i], nodes[j]]) + 0.5 * (high - low) / (points - 1))
        if (
            L is not None
            and np.all(np.abs(L - 0.5 * (low + high)) < 0.5 * (high - low))
            and not any(np.abs(L - M).max() < 1e-6 for M in found)
        ):
            found.append(L)
    return found


@share_of_examples(0.15)
@given(two_populations())
def test_the_scan_finds_no_other_state(network):
    states = network_states(network)
    here = [s.log_rates for s in states if np.all((s.log_rates > -9.0) & (s.log_rates < 6.0))]
    if states.complete:
        assert max([s.residual for s in states], default=0.0) < 1e-10
        # The scan may miss a pair near a fold; what it finds must be there.
        for L in scanned(network):
            assert min(np.abs(L - M).max() for M in here) < 1e-6
    assert states.proved == states.complete


def test_the_scan_counts_the_same():
    for J in (
        [[3.0, -7.0], [0.01, -2.0]],
        [[1.5, 0.1], [0.1, 1.5]],
        [[2.0, -1.0], [1.5, -0.5]],
        [[0.5, 1.2], [1.4, 0.2]],
    ):
        network = Network([fp.nnlif(b=0.0, refractory=REFRACTORY)] * 2, J)
        assert len(network_states(network)) == len(scanned(network))


@share_of_examples(0.3)
@given(between(-3.0, 6.0), between(0.1, 3.0), decades(0.05, 5.0), between(0.0, 1.0), decades(0.05, 5.0))
def test_the_bounds_hold(c, wide, a, b, more):
    law = Monotone(passage_of(fp.nnlif(b=0.0)))
    low, high = law.bounds((np.array([c]), np.array([c + wide])), (np.array([a]), np.array([a + more])))
    inside = law.slopes(np.array([c + b * wide]), np.array([a + (1.0 - b) * more]))
    for x, y, z in zip(low, inside, high, strict=True):
        assert x[0] - 1e-12 * abs(x[0]) <= y[0] <= z[0] + 1e-12 * abs(z[0])


def test_three_populations():
    # 0 and 1 excite each other, 2 listens: its state follows from theirs.
    two = Network([fp.nnlif(b=0.0)] * 2, [[1.2, 0.3], [0.3, 1.2]])
    J = [[1.2, 0.3, 0.0], [0.3, 1.2, 0.0], [0.5, -0.5, -1.0]]
    found = network_states(Network([fp.nnlif(b=0.0)] * 3, J))
    assert found.complete
    assert rates(found)[:, :2] == pytest.approx(rates(network_states(two)), rel=1e-10)


def test_many_populations_are_looked_for():
    lanes = 4
    J = np.full((lanes, lanes), 1.5 / lanes)
    found = network_states(Network([fp.nnlif(b=0.0)] * lanes, J))
    assert not found.complete
    single = [state.rate for state in stationary_states(fp.nnlif(b=1.5))]
    for rate in single:
        assert any(np.allclose(state.rates, rate, rtol=1e-9) for state in found)


def test_states_that_merge_are_told():
    # Exactly at the fold of one population, to rounding.
    fold = fp.fold_points(fp.nnlif(b=0.0))[0]
    network = Network([fp.nnlif(b=0.0)], [[fold.b]])
    try:
        found = network_states(network)
    except fp.FokkerPlanckWarning:  # warnings are errors here
        return
    assert len(found) in (0, 2)


def test_search_of_a_box_without_states():
    network = excitatory_inhibitory(0.5, 0.25, 0.25, 1.0)
    balance = Balance(network)
    box = Box(np.log([0.2, 0.2]), np.log([5.0, 5.0]))
    result = search(balance, balance.laws(*np.exp(box)), box)
    assert not result.isolated
    assert not result.undecided


# -- stability ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "laws",
    [
        {"b": 1.5},
        {"b": -45.0, "delay": 1.0},
        {"b": 1.5, "a1": 0.1, "refractory": fp.ExponentialRefractory(0.2)},
        {"b": -45.0, "delay": 1.0, "a1": 0.3, "refractory": fp.FixedRefractory(0.3)},
        {"b": 2.0, "threshold": fp.RandomThreshold(0.1)},
    ],
)
def test_the_spectrum_of_a_network_of_one(laws):
    population, network = alone(**laws)
    for single, state in zip(stationary_states(population), stationary_states(network), strict=True):
        expected, found = spectrum(population, single, 4), spectrum(network, state, 4)
        assert found.eigenvalues == pytest.approx(expected.eigenvalues, rel=1e-8)
        assert found.modes[0] == pytest.approx(expected.modes, abs=1e-7)
        assert found.refractory[:, 0] == pytest.approx(expected.refractory, abs=1e-7)
        growing = int(np.sum(spectrum(population, single, 12).eigenvalues.real > 0.0))
        assert state.unstable == growing
        lam = np.array([0.0, 0.3j, 10.0j, 1.0 + 2.0j])
        chi = responses(state)(lam)
        G = chi[0, 0] * population.coupling.gain + chi[1, 0] * population.noise.gain
        expected = [delays._response(single)(x) for x in lam]
        assert np.abs(G / expected - 1.0).max() < 1e-8


def test_uncoupled_populations_have_both_spectra():
    (first, second), (one, other) = (fp.nnlif(b=1.5), fp.nnlif(b=-2.0, a0=0.5)), ([], [])
    network = Network([fp.nnlif(b=0.0), fp.nnlif(b=0.0, a0=0.5)], np.diag([1.5, -2.0]), time_constants=[1.0, 0.5])
    state = network_states(network)[0]
    one, other = (spectrum(model, stationary_states(model)[0], 3).eigenvalues for model in (first, second))
    expected = np.sort(np.concatenate([one, other / 0.5]).real)[::-1][:3]
    assert network_spectrum(network, state, 3).eigenvalues.real == pytest.approx(expected, rel=1e-8)


def test_equal_populations_that_nobody_couples_keep_their_eigenvalues():
    state = network_states(Network([fp.nnlif(b=0.0)] * 2, 1.5 * np.eye(2)))[1]
    single = stationary_states(fp.nnlif(b=1.5))[0]
    assert spectrum(state.model, state, 2).eigenvalues == pytest.approx([single.eigenvalue] * 2, rel=1e-9)


def test_equal_populations_split_into_sum_and_difference():
    # Σ and Δ of two equal populations see b = J_11 + J_12 and J_11 − J_12, at the same profile.
    delay = 0.5
    network = Network([fp.nnlif(b=0.0)] * 2, [[-4.0, -6.0], [-6.0, -4.0]], delays=delay)
    state = next(s for s in network_states(network) if np.allclose(*s.rates))
    sums = fp.nnlif(b=-10.0, delay=delay)
    expected = spectrum(sums, stationary_states(sums)[0], 4).eigenvalues
    found = network_spectrum(network, state, 10)
    for value in expected:
        assert np.abs(found.eigenvalues - value).min() < 1e-7 * abs(value)
    symmetric = np.abs(found.rates[:, 0] - found.rates[:, 1]) < 1e-6 * np.abs(found.rates[:, 0])
    opposite = np.abs(found.rates[:, 0] + found.rates[:, 1]) < 1e-6 * np.abs(found.rates[:, 0])
    assert np.all(symmetric | opposite)


@pytest.mark.parametrize("scheme", [fp.ScharfetterGummel(), fp.Central()])
def test_modes_keep_every_mass(scheme):
    network = excitatory_inhibitory(
        1.0,
        1.0,
        1.0,
        0.5,
        refractory=(fp.FixedRefractory(0.2), fp.ExponentialRefractory(0.1)),
        delays=[[0.1, 0.2], [0, 0]],
    )
    found = network_spectrum(network, network_states(network)[0], 4, scheme)
    for k, grid in enumerate(found.grids):
        assert found.modes[k] @ grid.width + found.refractory[:, k] == pytest.approx(np.zeros(4), abs=1e-8)
    assert "4 leading eigenvalues" in repr(found)


@share_of_examples(0.06)
@given(two_populations())
def test_growing_modes_are_counted_as_eigenvalues(network):
    for state in network_states(network)[:2]:
        found = network_spectrum(network, state, 6)
        clear = np.all(np.abs(found.eigenvalues.real) > 10.0 * found.error + 1e-5)
        if state.unstable is not None and clear and state.unstable < 6 and state.rates.max() < 30.0:
            assert state.unstable == int(np.sum(found.eigenvalues.real > 0.0))
            assert state.stable == (found.eigenvalues[0].real < 0.0)


def test_a_common_delay_makes_a_network_oscillate():
    population, network = alone(-20.0)
    single = fp.critical_delay(population, stationary_states(population)[0])
    assert fp.critical_delay(network, network_states(network)[0]) == pytest.approx(single, rel=1e-8)
    pair = excitatory_inhibitory(1.0, 20.0, 10.0, 30.0)
    (state,) = network_states(pair)
    delay, frequency = critical_delay(pair, state)
    counts = []
    for d in (0.99 * delay, 1.01 * delay):
        late = Network(pair.members, pair.J, delays=d)
        counts.append(unstable_count(late, network_states(late)[0]))
    assert counts == [0, 2]
    there = Network(pair.members, pair.J, delays=delay)
    leading = network_states(there)[0].eigenvalue
    assert leading == pytest.approx(1j * frequency, abs=1e-5 * frequency)


def test_the_representation_says_what_matters():
    (state,) = network_states(excitatory_inhibitory(0.5, 0.25, 0.25, 1.0))
    assert "N_E = 0.128111413" in repr(state)
    assert "stable: λ = -1.1" in repr(state)


# -- refusals and figures -----------------------------------------------------------------------------------------


def test_refusals():
    network = excitatory_inhibitory(0.5, 0.25, 0.25, 1.0)
    (state,) = network_states(network)
    with pytest.raises(fp.InvalidArgument, match="`external` of population 'E'"):
        stationary_states(excitatory_inhibitory(0.5, 0.25, 0.25, 1.0, external=(lambda t: t, 0.0)))
    with pytest.raises(fp.InvalidArgument, match="no noise"):
        stationary_states(excitatory_inhibitory(0.5, 0.25, 0.25, 1.0, a0=(1.0, 0.0)))
    with pytest.raises(fp.InvalidArgument, match="`network`"):
        network_states(fp.nnlif(b=0.5))
    with pytest.raises(fp.InvalidArgument, match="`at`"):
        spectrum(excitatory_inhibitory(0.5, 0.25, 0.25, 1.0), state)
    with pytest.raises(fp.InvalidArgument, match="`count`"):
        spectrum(network, state, count=0)
    with pytest.raises(fp.InvalidArgument, match="`grid`"):
        spectrum(network, state, grid=network.grid(cells=100))
    with pytest.raises(fp.InvalidArgument, match="`grid`"):
        state.cell_averages(fp.nnlif(b=0.0, V_F=3.0).grid(cells=100))
    unstable = network_states(Network([fp.nnlif(b=0.0)], [[1.5]]))[1]
    with pytest.raises(fp.InvalidArgument, match="unstable without delay"):
        fp.critical_delay(unstable.model, unstable)


def test_the_phase_plane():
    network = excitatory_inhibitory(2.45, 0.75, 0.5, 0.25, refractory=fp.ExponentialRefractory(0.2))
    states = network_states(network)
    axes = plot_phase_plane(network, states=states).axes[0]
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    assert len(marks) == len(states) == 3
    # Nullclines pass through the states.
    lines = [line.get_xydata() for line in axes.lines if len(line.get_xdata()) > 2]
    for state in states:
        near = [np.abs(np.log(xy / state.rates)).sum(axis=1).min() for xy in lines]
        assert np.sum(np.array(near) < 0.1) >= 2
    with pytest.raises(fp.InvalidArgument, match="two populations"):
        plot_phase_plane(Network([fp.nnlif(b=0.0)], [[0.0]]))
    with pytest.raises(fp.InvalidArgument, match="`limits`"):
        plot_phase_plane(network, states=states, limits=((0.0, 1.0), (0.1, 1.0)))


def test_one_population_that_silences_the_others_is_found_among_four():
    """Far from the curve of the uncoupled network; what is found so is not called complete."""
    loud = [fp.nnlif(b=0.0, a0=0.3, external=2.0, refractory=fp.ExponentialRefractory(0.1))] * 4
    states = network_states(Network(loud, 1.5 * np.eye(4) - 3.0 * (1.0 - np.eye(4))))
    winners = [state for state in states if state.rates.max() > 1.0]
    assert sorted(int(np.argmax(state.rates)) for state in winners) == [0, 1, 2, 3]
    assert all(state.rates.max() == pytest.approx(3.89190339, rel=1e-8) for state in winners)
    assert not states.complete
    assert "perhaps others" in repr(NetworkStates(states[:1], states.complete, states.proved, states.undecided))
