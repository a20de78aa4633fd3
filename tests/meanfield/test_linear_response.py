"""The response of a neuron's rate in closed form: parabolic cylinder functions, limits, and the finite volumes."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fokkerplanck as fp
from fokkerplanck.meanfield.firstpassage import mean_first_passage_slopes
from fokkerplanck.meanfield.linear_response import log_slopes
from fokkerplanck.networks.linear import responses

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
inputs = st.tuples(st.floats(-20.0, 80.0), st.floats(1.0, 15.0))


def exact(x_r, x_t, s):
    """R(x_r), R(x_t), exp(−Q) by 30 digits of the parabolic cylinder function."""
    with mp.workdps(30):
        s = mp.mpmathify(s)

        def psi(x, shift=0):
            x = mp.mpf(x)
            return mp.exp(x * x / 2) * mp.pcfd(-s - shift, -mp.sqrt(2) * x)

        at = [mp.sqrt(2) * s * psi(x, 1) / psi(x) for x in (x_r, x_t)]
        return [complex(z) for z in (*at, psi(x_r) / psi(x_t))]


@pytest.mark.parametrize(
    ("x_r", "x_t", "s"),
    [
        (-1.0, 1.0, 1e-6),
        (-1.0, 1.0, 1j),
        (-7.0, 0.0, 10j),
        (0.0, 2.5, 30j),
        (0.5, 0.55, 100j),
        (-20.0, -12.0, 0.01j),
        (-50.0, -40.0, 1.0 + 3j),
        (2.0, 4.0, -0.5 + 20j),
        (-5.0, -2.0, 2.0),
    ],
)
def test_slopes_are_those_of_parabolic_cylinder_functions(x_r, x_t, s):
    out = np.empty((3, 1), dtype=complex)
    log_slopes(x_r, x_t, np.array([s], dtype=complex), out)
    np.testing.assert_allclose([*out[:2, 0], np.exp(-out[2, 0])], exact(x_r, x_t, s), rtol=1e-11, atol=1e-15)


@settings(max_examples=40)
@given(inputs)
def test_at_zero_frequency_it_is_the_slope_of_the_rate(drive):
    mu, sigma = drive
    rate = float(fp.siegert_rate(mu, sigma, NEURON))
    if rate < 1e-6:
        return
    words = NEURON.dictionary()
    c, a = words.input(mu, sigma)
    by_c, by_a = mean_first_passage_slopes(c, a, words.V_R, words.V_F)
    expected = [-(rate**2) * 0.02 * by_c / 10.0, -(rate**2) * 0.02 * by_a / 200.0]
    np.testing.assert_allclose(fp.rate_response(NEURON, mu, sigma, rate, [0.0])[:, 0].real, expected, rtol=1e-9)


@settings(max_examples=40)
@given(inputs, st.floats(0.1, 3000.0))
def test_real_modulations_have_real_answers(drive, w):
    mu, sigma = drive
    there, back = fp.rate_response(NEURON, mu, sigma, 10.0, [1j * w, -1j * w]).T
    np.testing.assert_allclose(there, back.conj(), rtol=1e-10, atol=1e-300)


def test_modulations_of_the_variance_pass_at_every_frequency_and_those_of_the_mean_do_not():
    mu, sigma = 15.0, 5.0
    rate = float(fp.siegert_rate(mu, sigma, NEURON))
    w = np.array([1e5, 4e5, 1.6e6]) / NEURON.tau_m
    by_mean, by_variance = fp.rate_response(NEURON, mu, sigma, rate, 1j * w)
    # χ^μ → ν √2/(σ √s), and the rest of χ^σ − ν/σ² is x_t √2/√s of it
    np.testing.assert_allclose(by_mean * np.sqrt(2j * w * 0.02) * sigma / (2.0 * rate), 1.0, rtol=5e-3)
    np.testing.assert_allclose(by_variance * sigma**2 / rate, 1.0, rtol=6e-3)


def test_it_agrees_with_the_finite_volumes():
    network = fp.BrunelNetwork(NEURON, 1000, 0.25, 0.1, g=5.0, nu_ext=20.0).two_populations()
    (state,) = fp.stationary_states(network.model())
    w = np.array([0.3, 3.0, 20.0])  # per membrane time
    volumes = responses(state)(1j * w)[:, 0]
    (own,) = fp.balanced_states(network)
    closed = fp.rate_response(NEURON, own.mu[0], own.sigma[0], own.rate, 1j * w / 0.02)
    # δN = τ δν for δc = δμ/s and δa = δ(σ²)/(2s²), s = 10
    np.testing.assert_allclose(closed * 0.02 * np.array([[10.0], [200.0]]), volumes, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((None, 15.0, 5.0, 9.0, [0.0]), "neuron"),
        ((NEURON, np.nan, 5.0, 9.0, [0.0]), "mu"),
        ((NEURON, 15.0, 0.0, 9.0, [0.0]), "sigma"),
        ((NEURON, 15.0, 5.0, 0.0, [0.0]), "rate"),
        ((NEURON, 15.0, 5.0, 9.0, [np.inf]), "lam"),
    ],
)
def test_what_has_no_response_is_refused(arguments, named):
    with pytest.raises(fp.InvalidArgument, match=named):
        fp.rate_response(*arguments)
