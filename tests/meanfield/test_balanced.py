"""Sparse networks in laboratory units, their dictionary, and the dense balanced limit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fokkerplanck as fp
from fokkerplanck.meanfield.balanced import input_of

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
OTHER = fp.LIF(tau_m=0.01, V_th=-50.0, V_r=-65.0, E_l=-70.0, tau_ref=0.001)


def brunel(**changes):
    values = {"C_E": 1000, "gamma": 0.25, "J": 0.1, "g": 5.0, "nu_ext": 20.0, "delay": 0.0015} | changes
    return fp.BrunelNetwork(NEURON, **values)


# -- the dictionary -----------------------------------------------------------------------------------------------


def test_the_network_is_the_equation_of_the_dictionary():
    model = brunel(g=5.0, nu_ext=20.0).population()
    np.testing.assert_allclose(
        [model.coupling.b, model.noise.a0, model.noise.a1, model.coupling.external, model.coupling.delay],
        [10.0 * (1.0 - 5.0 / 4.0), 0.02, 0.05 * (1.0 + 25.0 / 4.0), 4.0, 0.075],
        rtol=1e-14,
    )
    assert (model.V_R, model.V_F, model.refractory.mean_duration) == (1.0, 2.0, 0.1)


@given(st.floats(0.0, 8.0), st.floats(1.0, 50.0), st.floats(0.0, 300.0), st.floats(3.0, 30.0))
def test_inputs_of_the_equation_and_of_the_laboratory_are_the_same(g, nu_ext, rate, unit):
    network = brunel(g=g, nu_ext=nu_ext)
    model, words = network.population(unit), NEURON.dictionary(unit)
    N = words.activity(rate)
    drive = words.drive(model.coupling.current(N, 0.0), model.noise.diffusion(N))
    np.testing.assert_allclose(np.ravel(input_of(network, [rate])), drive, rtol=1e-12, atol=1e-12)


def test_apart_the_neurons_have_the_same_inputs():
    network = brunel(C_ext=800)
    for one, two in zip(input_of(network, [30.0]), input_of(network.two_populations(), [30.0, 30.0]), strict=True):
        np.testing.assert_allclose(two, np.repeat(one, 2), rtol=1e-14)


def test_neurons_of_different_kinds_have_their_own_units_and_clocks():
    network = fp.LIFNetwork(
        {"E": NEURON, "I": OTHER}, [[100, 25], [100, 25]], [[0.2, -0.8], [0.3, -0.9]], mu_ext=[15.0, 12.0],
        sigma_ext=[3.0, 4.0], delays=[[0.001, 0.002], [0.0015, 0.001]],
    )  # fmt: skip
    model = network.model()
    assert model.time_constants.tolist() == [1.0, 0.5]
    np.testing.assert_allclose(model.delays, [[0.05, 0.1], [0.075, 0.05]])
    rates = np.array([8.0, 20.0])
    mu, sigma = input_of(network, rates)
    for k, (member, words) in enumerate(zip(model.populations, network.dictionaries, strict=True)):
        N = 0.02 * rates  # per common time
        c = member.coupling.external + model.time_constants[k] * (model.J[k] @ N)
        a = member.noise.a0 + model.time_constants[k] * (model.noise[k] @ N)
        np.testing.assert_allclose(words.drive(c, a), (mu[k], sigma[k]), rtol=1e-13)


# -- one neuron -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "mu", "sigma", "potentials", "cv"),
    [
        ((20.0, 2.0), 15.0, 5.0, (20.0, 10.0), 0.81475721165945),
        ((20.0, 2.0), 25.0, 3.0, (20.0, 10.0), 0.29482087458849),
        ((20.0, 2.0), 10.0, 4.0, (20.0, 10.0), 0.99724075180522),
        ((1.0, 0.0), -63.0, 1.0, (-63.0, -70.0), 0.37720657951867),
        ((1.0, 0.0), 0.0, np.sqrt(2.0), (2.0, 1.0), 1.1963545559585),
        ((20.0, 2.0), 60.0, 1.0, (20.0, 10.0), 0.0328078959813),
    ],
)
def test_how_irregular_a_neuron_fires(times, mu, sigma, potentials, cv):
    neuron = fp.LIF(times[0], *potentials, tau_ref=times[1])
    assert float(fp.isi_moments(mu, sigma, neuron).cv) == pytest.approx(cv, rel=1e-11)


def test_rare_spikes_are_a_poisson_process():
    assert float(fp.isi_moments(0.0, 0.7, NEURON).cv) == pytest.approx(1.0, abs=1e-9)  # the rate itself underflows


@settings(max_examples=60)
@given(st.floats(-50.0, 1e4), st.floats(0.1, 50.0))
def test_no_rate_exceeds_the_refractory_ceiling(mu, sigma):
    assert 0.0 <= float(fp.siegert_rate(mu, sigma, NEURON)) < NEURON.highest_rate


# -- the dense limit ------------------------------------------------------------------------------------------------

PAIR = {"E": NEURON, "I": NEURON}
BALANCED = {"j": [[4.0, -10.0], [5.0, -9.0]], "j_ext": [6.0, 4.0], "nu_ext": 10.0}


def test_balanced_rates_are_linear_in_the_drive():
    once, twice = fp.dense_balance(PAIR, **BALANCED), fp.dense_balance(PAIR, **BALANCED | {"nu_ext": 20.0})
    np.testing.assert_allclose(once.rates, [10.0, 10.0])
    np.testing.assert_allclose(twice.rates, 2.0 * once.rates)


def test_what_is_left_of_the_mean_drives_the_rates():
    limit = fp.dense_balance(PAIR, **BALANCED)
    for neuron, mu, sigma, rate in zip(limit.neurons, limit.mu, limit.sigma, limit.rates, strict=True):
        assert float(fp.siegert_rate(mu, sigma, neuron)) == pytest.approx(rate, rel=1e-11)
    mu, sigma = input_of(limit.network(400.0), limit.rates)
    np.testing.assert_allclose(mu, 0.0, atol=1e-10)  # the terms of order √K = 20 have cancelled
    np.testing.assert_allclose(sigma, limit.sigma, rtol=1e-14)  # whatever K


def test_finite_networks_approach_the_limit_as_predicted():
    limit = fp.dense_balance([NEURON], [[-5.0]], 5.0, nu_ext=15.0)
    gaps = []
    for K in (1e4, 1e6, 1e8):
        (state,) = fp.balanced_states(limit.network(K))
        gaps.append(np.sqrt(K) * (state.rate - limit.rates[0]) / limit.correction[0])
        assert 0.5 < state.cv[0] < 1.2
    assert abs(gaps[0] - 1.0) < 0.1
    np.testing.assert_allclose((np.array(gaps[:2]) - 1.0) / (np.array(gaps[1:]) - 1.0), 10.0, rtol=0.1)


@settings(max_examples=30)
@given(st.floats(0.5, 3.0), st.floats(0.5, 3.0), st.floats(1.0, 20.0))
def test_a_solution_balances_or_is_refused(ratio, drive, nu_ext):
    arguments = {"j": [[4.0, -10.0 * ratio], [5.0, -9.0]], "j_ext": [6.0 * drive, 4.0], "nu_ext": nu_ext}
    try:
        limit = fp.dense_balance(PAIR, **arguments)
    except fp.InvalidArgument:
        rates = -np.linalg.solve(np.array(arguments["j"]), nu_ext * np.array(arguments["j_ext"]))
        assert np.any(rates <= 0.0) or np.any(rates >= 500.0)
        return
    np.testing.assert_allclose(limit.j @ limit.rates + limit.j_ext * nu_ext, 0.0, atol=1e-9)
    assert np.all(limit.rates > 0.0)


# -- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [{"gamma": -0.1}, {"g": -1.0}, {"nu_ext": 0.0}, {"nu_ext": -5.0}, {"C_E": 0}, {"J": -0.1}, {"delay": -1e-3},
     {"C_ext": 0}, {"g": np.nan}],
)  # fmt: skip
def test_a_network_out_of_range_is_refused(changes):
    with pytest.raises(fp.InvalidArgument, match=next(iter(changes))):
        brunel(**changes)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"C": [[-1, 1], [1, 1]]}, "C"),
        ({"C": [1, 2]}, "C"),
        ({"delays": -1.0}, "delays"),
        ({"sigma_ext": [1.0, 0.0]}, "no external noise"),
        ({"sigma_ext": -1.0}, "sigma_ext"),
        ({"nu_ext": -1.0}, "nu_ext"),
        ({"neurons": []}, "neurons"),
        ({"neurons": ["E", "I"]}, "neurons"),
        ({"neurons": NEURON}, "neurons"),
        ({"J": [[np.inf, 1], [1, 1]]}, "J"),
    ],
)
def test_a_general_network_out_of_range_is_refused(changes, named):
    values = {"neurons": [NEURON, NEURON], "C": [[10, 10], [10, 10]], "J": [[0.1, -0.4]] * 2, "sigma_ext": 1.0}
    with pytest.raises(fp.InvalidArgument, match=named):
        fp.LIFNetwork(**values | changes)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"j": [[4.0, -10.0], [5.0, -12.5]]}, "singular"),
        ({"j_ext": [1.0, 4.0]}, "do not balance"),
        ({"nu_ext": 600.0}, "nu_ext"),
        ({"nu_ext": -1.0}, "nu_ext"),
        ({"j": [[4.0, -10.0]]}, "`j`"),
    ],
)
def test_what_cannot_balance_is_refused(changes, named):
    with pytest.raises(fp.InvalidArgument, match=named):
        fp.dense_balance(PAIR, **BALANCED | changes)


@pytest.mark.parametrize("seed", [-1, 0.5, True, None])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(fp.InvalidArgument, match="`seed`"):
        brunel(C_E=80).sample(400, seed=seed)
    with pytest.raises(fp.InvalidArgument, match="`seed`"):
        brunel(C_E=80).two_populations().sample([320, 80], seed=seed)


def test_without_a_delay_there_are_no_actual_neurons():
    with pytest.raises(fp.InvalidArgument, match="`delay` must be positive"):
        brunel(C_E=80, delay=0.0).sample(400)
    with pytest.raises(fp.InvalidArgument, match="`delays`"):
        brunel(C_E=80, delay=0.0).two_populations().sample([320, 80])


def test_other_things_are_no_neurons():
    with pytest.raises(fp.InvalidArgument, match="neuron"):
        fp.BrunelNetwork(None, 1000, 0.25, 0.1, 5.0, 20.0)
    with pytest.raises(fp.InvalidArgument, match="K"):
        fp.dense_balance(PAIR, **BALANCED).network(0.0)
