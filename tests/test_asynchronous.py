"""Stationary states of sparse networks in laboratory units, their stability, and the onset of oscillations."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, least_squares

import fokkerplanck as fp
from fokkerplanck.meanfield.balanced import input_of
from fokkerplanck.meanfield.linear_response import rate_response, response_work
from fokkerplanck.networks import lif_modes
from fokkerplanck.networks.linear import gains, responses

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
TAU = NEURON.tau_m


def brunel(g, eta, delay=0.0015):
    return fp.BrunelNetwork(NEURON, 1000, 0.25, 0.1, g=g, nu_ext=10.0 * eta, delay=delay)


TABLE = [
    # g, ν_ext/ν_thr, ν (Hz), μ, σ (mV), CV: two independent quadratures, a scan for other roots
    (3.0, 2.0, 327.008479295, 203.5042396, 14.71582521, 0.1167940931),
    (6.0, 4.0, 55.8412623762, 24.15873762, 10.93995086, 0.7361249650),
    (5.0, 2.0, 37.9496970858, 21.02515146, 7.682907052, 0.6753285860),
    (4.5, 0.9, 6.51670226842, 16.37082443, 3.114723343, 0.7760618170),
    (4.0, 2.0, 105.201992490, 40.0, 10.44997572, None),
    (3.5, 2.0, 226.100844440, 96.52521111, 13.70061809, None),
    (4.5, 2.0, 56.6953376587, 25.82616559, 8.528956379, None),
    (4.5, 1.5, 35.8814766306, 21.02963084, 6.819552068, None),
    (5.0, 1.0, 7.82662042223, 16.08668979, 3.65357354, None),
    (5.0, 3.0, 65.0422887907, 27.47885560, 10.01555384, None),
    (5.0, 4.0, 90.7246919813, 34.63765401, 11.81316229, None),
    (8.0, 2.0, 12.9875246213, 14.02495076, 6.939566536, None),
    (3.0, 0.9, 304.599806311, 170.2999032, 14.13470460, None),
    (2.0, 0.9, 400.787179396, 418.7871794, 12.73243385, None),
]


@pytest.mark.parametrize(("g", "eta", "rate", "mu", "sigma", "cv"), TABLE)
def test_rates_of_the_table(g, eta, rate, mu, sigma, cv):
    state = fp.balanced_states(brunel(g, eta))[-1]
    np.testing.assert_allclose([state.rate, state.mu[0], state.sigma[0]], [rate, mu, sigma], rtol=1e-9)
    assert cv is None or state.cv[0] == pytest.approx(cv, rel=2e-9)


def scanned(network):
    """Roots of ν − φ(μ(ν), σ(ν)) on a fine grid of log ν."""

    def excess(L):
        mu, sigma = input_of(network, [np.exp(L)])
        return L - float(np.log(fp.siegert_rate(mu[0], sigma[0], NEURON)))

    grid = np.linspace(np.log(1e-60), np.log(499.9), 1501)
    values = [excess(L) for L in grid]
    ends = [k for k in range(len(grid) - 1) if values[k] * values[k + 1] < 0.0]
    return [np.exp(brentq(excess, grid[k], grid[k + 1], xtol=1e-13)) for k in ends]


@pytest.mark.parametrize(
    ("g", "eta", "count"), [(3.0, 0.6, 3), (3.5, 0.75, 3), (3.0, 0.95, 1), (4.5, 0.9, 1), (2.9, 1.2, 1)]
)
def test_all_states_are_found(g, eta, count):
    network = brunel(g, eta)
    rates = [state.rate for state in fp.balanced_states(network)]
    assert len(rates) == count
    np.testing.assert_allclose(rates, scanned(network), rtol=1e-8)


def test_two_states_merge_where_a_real_eigenvalue_vanishes():
    low, high = 6.0, 9.5  # three states, one
    assert [len(fp.balanced_states(brunel(3.0, nu / 10.0))) for nu in (low, high)] == [3, 1]
    while high - low > 1e-9:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if len(fp.balanced_states(brunel(3.0, middle / 10.0))) == 3 else (low, middle)
    quiet, saddle, saturated = fp.balanced_states(brunel(3.0, low / 10.0))
    assert saddle.rate / quiet.rate == pytest.approx(1.0, abs=1e-3)
    assert saturated.rate > 300.0
    assert quiet.loop.determinant([0.0])[0].real == pytest.approx(0.0, abs=1e-3)


# -- stability ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("g", "eta", "delay"), [(6.0, 4.0, 0.0015), (4.5, 0.9, 0.0015), (8.0, 2.0, 0.0015), (5.0, 4.0, 0.003)]
)
def test_the_leading_eigenvalue_is_that_of_the_finite_volumes(g, eta, delay):
    network = brunel(g, eta, delay)
    (state,) = fp.balanced_states(network)
    (other,) = fp.stationary_states(network.population())
    assert state.eigenvalue * TAU == pytest.approx(
        complex(fp.spectrum(other.model, other, count=1).eigenvalues[0]), rel=1e-6
    )
    assert state.growing == 2 * (state.eigenvalue.real > 0.0)
    assert state.loop.complete


def test_the_four_states_of_the_diagram():
    slow, fast = fp.balanced_states(brunel(4.5, 0.9))[0], fp.balanced_states(brunel(6.0, 4.0))[0]
    regular, calm = fp.balanced_states(brunel(3.0, 2.0))[0], fp.balanced_states(brunel(5.0, 2.0))[0]
    assert [state.stable for state in (slow, fast, regular, calm)] == [False, False, False, True]
    assert fast.frequency == pytest.approx(190.2, abs=0.1)
    assert slow.frequency == pytest.approx(29.0, abs=0.1)
    assert regular.frequency == pytest.approx(660.6, abs=0.1)  # twice the rate: groups that take turns


def test_apart_or_together_the_modes_are_the_same():
    (one,), (two,) = fp.balanced_states(brunel(6.0, 4.0)), fp.balanced_states(brunel(6.0, 4.0).two_populations())
    np.testing.assert_allclose(two.rates, one.rate, rtol=1e-10)
    assert two.growing == one.growing == 2
    assert two.eigenvalue == pytest.approx(one.eigenvalue, rel=1e-8)


def test_neurons_of_different_kinds_have_the_gain_of_the_finite_volumes():
    fast = fp.LIF(tau_m=0.01, V_th=20.0, V_r=12.0, tau_ref=0.001)
    network = fp.LIFNetwork(
        {"E": NEURON, "I": fast}, [[400, 100], [400, 100]], [[0.2, -1.2], [0.2, -1.0]], C_ext=400, J_ext=[0.5, 0.4],
        nu_ext=10.0, delays=[[0.002, 0.001], [0.0015, 0.001]],
    )  # fmt: skip
    (state,) = fp.balanced_states(network)
    (other,) = fp.stationary_states(network.model())
    leading = state.eigenvalue * TAU  # to the right of the axis, where volumes are swept without pivots
    assert state.growing == 8
    assert state.loop.complete
    lam = np.array([0.5j, 5j, 20j + 1.0, leading])  # per common time, the membrane time of E
    volumes = gains(other.model, responses(other)(lam), lam)
    np.testing.assert_allclose(state.loop.gain(lam / TAU), volumes, rtol=1e-5)
    assert abs(np.linalg.det(np.eye(2) - volumes[-1])) < 1e-4


def test_a_saddle_has_an_odd_number_of_growing_modes():
    counts = [state.growing for state in fp.balanced_states(brunel(3.5, 0.75, delay=0.0))]
    assert counts[0] == 0
    assert counts[1] % 2 == 1


@settings(max_examples=15)
@given(st.floats(4.2, 8.0), st.floats(0.6, 4.0), st.floats(0.0, 0.003))
def test_modes_that_are_counted_are_found(g, eta, delay):
    (state,) = fp.balanced_states(brunel(g, eta, delay))
    assert state.growing is not None
    assert state.loop.complete
    for mode in state.loop.modes:
        assert abs(state.loop.determinant([mode])[0]) < 1e-7 * (1.0 + abs(state.loop.gain([mode])[0, 0, 0]))


def test_the_linearised_equation_is_the_slope_of_the_nonlinear_one():
    network = brunel(6.0, 4.0)
    model = network.population()
    (still,) = fp.stationary_states(model)
    grid = model.grid(cells=400)
    start = still.state(grid)
    kicked = start.density * (1.0 + 1e-3 * np.sin(3.0 * grid.v))
    kicked *= (start.density @ grid.width) / (kicked @ grid.width)
    sol = fp.solve(model, replace(start, density=kicked), (0.0, 3.0), grid=grid, rtol=1e-6, atol=1e-10)
    t = np.linspace(1.0, 3.0, 2000)
    x = sol.rate_at(t)

    def misfit(z):
        wave = np.exp((z[0] + 1j * z[1]) * t)
        basis = np.stack([np.ones_like(t), wave.real, wave.imag], axis=1)
        return basis @ np.linalg.lstsq(basis, x, rcond=None)[0] - x

    z = fp.balanced_states(network)[0].eigenvalue * TAU
    fitted = least_squares(misfit, [0.0, 22.0], x_scale=[1.0, 20.0]).x
    assert fitted == pytest.approx([z.real, z.imag], rel=0.02)


# -- weak noise -----------------------------------------------------------------------------------------------------


WEAK = {
    "few synapses": fp.LIFNetwork([NEURON], [[100]], [[-1e-3]], sigma_ext=0.02, mu_ext=25.0),
    "hardly any": fp.LIFNetwork([NEURON], [[100]], [[-1e-3]], sigma_ext=1e-3, mu_ext=25.0),
    "dense": fp.BrunelNetwork(NEURON, 1e9, 0.25, 1e-7, 5.0, 20.0),
    "less dense": fp.BrunelNetwork(NEURON, 1e7, 0.25, 1e-5, 5.0, 20.0),
}


@pytest.mark.parametrize("network", WEAK.values(), ids=WEAK)
def test_weak_noise_is_answered_with_a_bounded_amount_of_work(network, monkeypatch):
    spent = []

    def counted(neuron, mu, sigma, rate, lam):
        spent.append(response_work(neuron, mu, sigma, np.asarray(lam)).sum())
        return rate_response(neuron, mu, sigma, rate, lam)

    monkeypatch.setattr(lif_modes, "rate_response", counted)
    for state in fp.balanced_states(network):
        spent.clear()
        printed = repr(state)
        assert sum(spent) < 2.0 * lif_modes.CHEAP_WORK
        assert "not computed" in printed or state.rate < 1e-6
        assert state.stable is None or state.rate < 1e-6
        assert sum(spent) < 1.1 * lif_modes.MOST_WORK


def test_what_is_not_known_is_not_given_as_an_eigenvalue():
    (state,) = fp.balanced_states(WEAK["dense"])
    assert state.stable is None
    assert "not resolved" in repr(state)  # now that it was asked
    for name in ("eigenvalue", "growth_rate", "frequency"):
        with pytest.raises(fp.InvalidArgument, match=r"`network`.*noise"):
            getattr(state, name)


@pytest.mark.parametrize("sigma", [5.0, 0.02, 1e-3])
def test_without_synapses_nothing_grows(sigma):
    (state,) = fp.balanced_states(fp.LIFNetwork([NEURON], [[0]], [[0]], sigma_ext=sigma, mu_ext=25.0))
    assert state.stable
    assert state.growing == 0
    assert repr(state).endswith("stable)")
    assert state.eigenvalue == -4.0 / TAU


def test_the_work_is_that_which_is_done():
    # In Taylor steps, counted by their lengths along the way: see `continued`.
    for mu, sigma, lam in ((15.0, 5.0, 3j), (25.0, 0.5, 300j), (10.0, 1.0, 1e5j), (300.0, 12.0, 2e4j)):
        work = response_work(NEURON, mu, sigma, np.array([lam]))[0]
        x, x_t = (10.0 - mu) / sigma, (20.0 - mu) / sigma
        swift = np.sqrt(2.0 * abs(lam) * TAU)
        x, steps = min(x, -3.0) - 1.0, 0
        while x < x_t:
            x, steps = x + 1.5 / max(2.0, abs(x), swift), steps + 1
        assert work <= 2.0 * steps + 15.0


@pytest.mark.parametrize("network", [fp.BrunelNetwork(NEURON, 1, 0, 1e-9, 5, 20), brunel(5.0, 1e-20)])
def test_a_silent_network_is_described(network):
    (state,) = fp.balanced_states(network)
    assert state.rate == pytest.approx(0.0, abs=1e-100)
    assert state.cv[0] == pytest.approx(1.0)
    assert repr(state) == "BalancedState(rates: neurons 0; CV [1.0]; stable)"


def test_the_variation_of_neurons_of_two_kinds_is_that_of_each():
    fast = fp.LIF(tau_m=0.01, V_th=20.0, V_r=12.0, tau_ref=0.001)
    network = fp.LIFNetwork([NEURON, fast, NEURON], np.zeros((3, 3)), 0.0, mu_ext=[14.0, 18.0, 19.0], sigma_ext=5.0)
    (state,) = fp.balanced_states(network)
    for k, neuron in enumerate(network.neurons):
        assert state.cv[k] == pytest.approx(float(fp.isi_moments(state.mu[k], 5.0, neuron).cv), rel=1e-12)


# -- onsets -----------------------------------------------------------------------------------------------------------


def test_the_critical_delay_is_that_of_the_finite_volumes():
    network = brunel(6.0, 4.0)
    onset = fp.oscillation_onset(network, "delay", (0.0005, 0.002))
    model = network.population()
    hopf = fp.critical_delay(model, fp.stationary_states(model)[0])
    assert onset.value / TAU == pytest.approx(hopf.value, rel=1e-6)
    assert 2.0 * np.pi * onset.frequency * TAU == pytest.approx(hopf.frequency, rel=1e-6)
    pair = fp.oscillation_onset(network.two_populations(), "delay", (0.0005, 0.002))
    assert pair.value == pytest.approx(onset.value, rel=1e-8)


@pytest.mark.parametrize(
    ("parameter", "bracket"), [("g", (5.0, 6.0)), ("nu_ext", (20.0, 40.0)), ("delay", (0.0005, 0.002))]
)
def test_at_an_onset_a_pair_of_eigenvalues_is_imaginary(parameter, bracket):
    network = brunel(6.0 if parameter != "g" else 5.0, 4.0)
    onset = fp.oscillation_onset(network, parameter, bracket)
    assert bracket[0] < onset.value < bracket[1]
    assert abs(onset.state.loop.determinant([2j * np.pi * onset.frequency])[0]) < 1e-9
    for factor, growing in ((0.999, 0), (1.001, 2)):
        assert fp.balanced_states(replace(network, **{parameter: factor * onset.value}))[0].growing == growing


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("J", (1.0, 2.0)), "parameter"),
        (("delay", (0.003, 0.002)), "bracket"),
        (("delay", (0.001, np.nan)), "bracket"),
        (("delay", 0.1), r"`bracket`.*\(low, high\)"),
        (("delay", (0.1, 0.2, 0.3)), "bracket"),
        (("delay", "ab"), "bracket"),
        (("delay", None), "bracket"),
        (("delay", (-0.001, 0.002)), "delay"),
        (("nu_ext", (0.0, 40.0)), "nu_ext"),
        (("delay", (0.0005, 0.002), 1), "branch"),
        (("delay", (0.0005, 0.002), 0.5), "branch"),
    ],
)
def test_an_onset_that_cannot_be_is_refused(arguments, named):
    with pytest.raises(fp.InvalidArgument, match=named):
        fp.oscillation_onset(brunel(6.0, 4.0), *arguments)


def test_a_general_network_has_no_g():
    with pytest.raises(fp.InvalidArgument, match="parameter"):
        fp.oscillation_onset(brunel(6.0, 4.0).two_populations(), "g", (4.0, 6.0))


def test_only_networks_have_balanced_states():
    with pytest.raises(fp.InvalidArgument, match="network"):
        fp.balanced_states(fp.nnlif(b=0.5))
