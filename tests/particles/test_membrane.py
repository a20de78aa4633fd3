"""The noisy membrane: moments as identities, orders of Euler–Maruyama, rates with a threshold."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import decades, share_of_examples

import fokkerplanck as fp
from fokkerplanck.meanfield.firstpassage import mean_first_passage
from fokkerplanck.outcomes import InvalidArgument
from fokkerplanck.particles.membrane import _returning

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
SHIFT = 0.5825971579
"""−ζ(1/2)/√(2π)."""


def siegert(neuron, mu, sigma):
    words = neuron.dictionary()
    time = mean_first_passage(*words.input(mu, sigma), words.V_R, words.V_F)
    return 1.0 / (neuron.tau_ref + neuron.tau_m * float(time))


@share_of_examples(0.5)
@given(decades(1e-3, 10.0), st.floats(-80.0, 80.0), st.floats(-30.0, 30.0), st.floats(0.0, 10.0), decades(1e-3, 5.0))
def test_the_moments_obey_their_equations(tau, E_l, mu, sigma, passed):
    # τ dm/dt = E_l + μ − m and τ ds²/dt = σ² − 2 s².
    neuron = fp.LIF(tau, 100.0, -100.0, E_l)
    t = tau * passed * np.array([1.0 - 1e-4, 1.0, 1.0 + 1e-4])
    mean, variance = fp.membrane_moments(t, mu, sigma, neuron, V_0=5.0)
    rate = (mean[2] - mean[0]) / (t[2] - t[0]), (variance[2] - variance[0]) / (t[2] - t[0])
    np.testing.assert_allclose(tau * rate[0], E_l + mu - mean[1], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(tau * rate[1], sigma**2 - 2.0 * variance[1], rtol=1e-5, atol=1e-5)
    assert [float(x) for x in fp.membrane_moments(0.0, mu, sigma, neuron, V_0=5.0)] == [5.0, 0.0]


@share_of_examples(0.5)
@given(st.floats(0.001, 1.9), st.integers(0, 60), st.floats(0.0, 5.0))
def test_the_moments_of_euler_obey_their_recursion(h, n, sigma):
    mean, variance = fp.euler_moments(np.arange(n + 2), h * 0.02, 5.0, sigma, NEURON, V_0=-3.0)
    np.testing.assert_allclose(mean[1:], mean[:-1] + h * (5.0 - mean[:-1]), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(variance[1:], (1.0 - h) ** 2 * variance[:-1] + sigma**2 * h, rtol=1e-9, atol=1e-12)


def test_euler_tends_to_the_solution():
    n = np.array([100, 1000, 10_000])
    exact = fp.membrane_moments(0.02, 15.0, 5.0, NEURON, 2.0)
    errors = [np.subtract(fp.euler_moments(k, 0.02 / k, 15.0, 5.0, NEURON, 2.0), exact) for k in n]
    np.testing.assert_allclose(errors[1] / errors[2], 10.0, rtol=2e-3)


@pytest.mark.parametrize("method", ["euler", "exact"])
def test_without_noise_it_is_the_recursion_or_the_solution(method):
    neuron = fp.LIF(0.02, 20.0, 10.0, E_l=-65.0)
    run = fp.simulate_membrane(neuron, 3.0, 0.0, (1.0, 1.1), 0.004, method, "none", V_0=0.0)
    np.testing.assert_allclose(run.t, 1.0 + 0.004 * np.arange(26))
    moments = (
        fp.euler_moments(np.arange(26), 0.004, 3.0, 0.0, neuron, 0.0)
        if method == "euler"
        else fp.membrane_moments(run.t - 1.0, 3.0, 0.0, neuron, 0.0)
    )
    np.testing.assert_allclose(run.V[0], moments[0], rtol=1e-12)
    assert len(run.spikes.times) == 0


@pytest.mark.parametrize("method", ["euler", "exact"])
def test_free_paths_have_the_moments_of_their_scheme(method):
    trials, dt = 20_000, 0.008
    run = fp.simulate_membrane(NEURON, 15.0, 5.0, (0.0, 0.08), dt, method, "none", trials=trials, V_0=2.0, seed=2)
    n = np.arange(11)
    euler = fp.euler_moments(n, dt, 15.0, 5.0, NEURON, 2.0)
    exact = fp.membrane_moments(n * dt, 15.0, 5.0, NEURON, 2.0)
    mean, variance = euler if method == "euler" else exact
    assert np.all(np.abs(run.V.mean(axis=0) - mean) <= 4.0 * np.sqrt(variance / trials))
    assert np.all(np.abs(run.V.var(axis=0) - variance) <= 4.0 * variance * np.sqrt(2.0 / trials))
    # At this step the two schemes are told apart.
    assert abs(euler[1][-1] / exact[1][-1] - 1.0) > 8.0 * np.sqrt(2.0 / trials)


def test_paths_remember_as_they_should():
    run = fp.simulate_membrane(NEURON, 15.0, 5.0, (0.0, 0.2), 0.002, "exact", "none", trials=20_000, seed=3)
    correlation = np.corrcoef(run.V[:, -6], run.V[:, -1])[0, 1]
    assert abs(correlation - np.exp(-0.5)) < 4.0 / np.sqrt(20_000)


def test_strong_and_weak_errors_are_those_of_the_linear_problem():
    steps, T, trials = np.array([5, 10, 20, 40, 80]), 0.03, 4000
    found = fp.euler_errors(NEURON, 15.0, 5.0, T, steps, V_0=0.0, trials=trials, seed=1)
    np.testing.assert_allclose(found.dt, T / steps)
    h = T / steps / 0.02
    # Var(V_euler − V) by Itô's isometry over each step, σ²/τ ∫ ((1 − h)^m − e^{−s/τ})² ds.
    expected, weak = [], []
    for n, x in zip(steps, h, strict=True):
        m = np.arange(n)
        euler, exact = (1.0 - x) ** m, np.exp(-m * x)
        over = x * euler**2 - 2.0 * euler * exact * (1.0 - np.exp(-x)) + 0.5 * exact**2 * (1.0 - np.exp(-2.0 * x))
        bias = float(fp.euler_moments(n, x * 0.02, 15.0, 5.0, NEURON, 0.0)[0])
        weak.append(bias - float(fp.membrane_moments(T, 15.0, 5.0, NEURON, 0.0)[0]))
        expected.append(np.sqrt(25.0 * np.sum(over) + weak[-1] ** 2))
    assert np.all(np.abs(found.strong - expected) < 4.0 * found.strong_error)
    assert np.all(np.abs(found.weak - weak) < 4.0 * found.weak_error)
    orders = np.log2(found.strong[:-1] / found.strong[1:]), np.log2(found.weak[:-1] / found.weak[1:])
    assert abs(orders[0][-1] - 1.0) < 0.05
    assert abs(orders[1][-1] - 1.0) < 0.1


@pytest.mark.parametrize("method", ["euler", "exact"])
@pytest.mark.parametrize("threshold", ["end of step", "bridge"])
def test_without_noise_it_is_periodic(method, threshold):
    run = fp.simulate_membrane(NEURON, 30.0, 0.0, (0.0, 0.4), 1e-5, method, threshold)
    period = 0.002 + 0.02 * np.log(20.0 / 10.0)
    np.testing.assert_allclose(np.diff(run.spikes.times), period, atol=2.1e-5)
    assert len(run.spikes.times) == 25
    assert run.V.max() < 20.0 < run.V.max() + 0.2


def test_a_silent_neuron_waits_at_the_reset():
    run = fp.simulate_membrane(NEURON, 15.0, 5.0, (0.0, 2.0), 1e-4, trials=20, seed=1, save_every=1)
    assert np.all(np.isfinite(run.V))
    x, _ = run.spikes.intervals()
    assert x.min() >= 0.002
    for time in run.spikes.train(0):
        silent = (run.t > time) & (run.t < time + 0.002)
        np.testing.assert_array_equal(run.V[0][silent], 10.0)


def test_at_ends_of_steps_silence_lasts_whole_steps():
    with pytest.warns(fp.FokkerPlanckWarning, match="met within one step"):
        run = fp.simulate_membrane(NEURON, 400.0, 0.0, (0.0, 0.3), 1.5e-3, "euler", "end of step")
    np.testing.assert_allclose(np.diff(run.spikes.times), 3 * 1.5e-3)  # two silent ones and one to the threshold


def measured(dt, method, threshold, trials=2000, duration=3.0, seed=7):
    run = fp.simulate_membrane(
        NEURON, 15.0, 5.0, (0.0, 0.2 + duration), dt, method, threshold, trials=trials, seed=seed
    )
    return fp.spike_statistics(run.spikes.between(0.2, 0.2 + duration))


@pytest.mark.parametrize(("method", "dt"), [("euler", 2e-4), ("exact", 5e-4)])
def test_the_threshold_at_ends_of_steps_lies_higher(method, dt):
    raised = fp.LIF(0.02, 20.0 + SHIFT * 5.0 * np.sqrt(dt / 0.02), 10.0, tau_ref=0.002)
    found = measured(dt, method, "end of step")
    predicted, exact = siegert(raised, 15.0, 5.0), siegert(NEURON, 15.0, 5.0)
    # What the shift leaves out is O(dt): 2 % at dt = 0.5 ms.
    assert abs(found.rate - predicted) < 3.5 * found.rate_error + 1.0 * dt / 0.02 * exact
    assert found.rate < exact - 6.0 * found.rate_error


@pytest.mark.parametrize(("method", "dt"), [("exact", 5e-4), ("euler", 1e-4)])
def test_the_bridge_finds_the_rate_and_the_irregularity(method, dt):
    found = measured(dt, method, "bridge")
    assert abs(found.rate - siegert(NEURON, 15.0, 5.0)) < 3.5 * found.rate_error < 0.12
    assert abs(found.cv - 0.81475721) < 3.5 * found.cv_error < 0.02


def test_the_network_of_the_equation_fires_alike():
    words = NEURON.dictionary()
    sol = fp.simulate(
        words.population(15.0, 5.0), 1000, fp.gaussian(1.0, 0.01), (0.0, 110.0), seed=2, raster=1000, save_at=[]
    )  # fmt: skip
    network = fp.spike_statistics(fp.SpikeTrains(*sol.raster, 1000, (0.0, 110.5)).between(10.0, 110.0))
    alone = measured(5e-4, "exact", "bridge", trials=1000, duration=2.0)
    for name, unit in (("rate", 50.0), ("cv", 1.0), ("cv2", 1.0)):
        values = [getattr(s, name) for s in (network, alone)]
        errors = [getattr(s, f"{name}_error") for s in (network, alone)]
        assert abs(unit * values[0] - values[1]) < 3.5 * np.hypot(unit * errors[0], errors[1])


def test_seeds_and_saves():
    arguments = (NEURON, 15.0, 5.0, (0.0, 0.5), 1e-3)
    one, same, other = (fp.simulate_membrane(*arguments, trials=3, seed=s) for s in (4, 4, 5))
    np.testing.assert_array_equal(one.V, same.V)
    np.testing.assert_array_equal(one.spikes.times, same.spikes.times)
    assert not np.array_equal(one.V, other.V)
    sparse = fp.simulate_membrane(*arguments, trials=3, seed=4, save_every=7)
    np.testing.assert_array_equal(sparse.V, one.V[:, ::7])
    np.testing.assert_array_equal(sparse.spikes.times, one.spikes.times)
    assert one.V.shape == (3, 501)
    assert one.trials == 3
    assert "bridge" in repr(one)
    free = fp.simulate_membrane(*arguments, threshold="none", trials=2, V_0=[30.0, -5.0])
    assert free.V[:, 0].tolist() == [30.0, -5.0]
    many = fp.simulate_membrane(NEURON, 15.0, 5.0, (0.0, 0.1), 1e-3, trials=100_000)
    assert many.V.size < 3e6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"neuron": 3}, "fp.LIF"),
        ({"mu": np.nan}, "`mu`"),
        ({"sigma": -1.0}, "`sigma`"),
        ({"t_span": (0.0, 0.0015)}, "does not divide"),
        ({"t_span": (0.0, 1e-4)}, "`dt`"),
        ({"dt": 0.0}, "`dt`"),
        ({"dt": 1e-9, "t_span": (0.0, 1.0)}, "take dt = 1.3e-08 or longer"),
        ({"trials": 1_000_000_000}, "fewer `trials`"),
        ({"dt": 3e-3, "t_span": (0.0, 1.0)}, "take dt = 1 / 333 for example"),
        ({"dt": 0.05, "t_span": (0.0, 1.0), "method": "euler"}, "does not converge"),
        ({"method": "heun"}, "Available: euler, exact"),
        ({"threshold": "bridges"}, "did you mean 'bridge'"),
        ({"trials": 0}, "`trials`"),
        ({"V_0": 20.0}, "below `V_th` = 20"),
        ({"V_0": [1.0, 2.0]}, "`V_0`"),
        ({"seed": 1.5}, "`seed`"),
        ({"save_every": 0}, "`save_every`"),
    ],
)
def test_bad_input_is_refused(changes, message):
    arguments = {"neuron": NEURON, "mu": 15.0, "sigma": 5.0, "t_span": (0.0, 0.1), "dt": 1e-3} | changes
    with pytest.raises(InvalidArgument, match=message):
        fp.simulate_membrane(**arguments)


def test_bad_input_of_the_closed_forms_is_refused():
    for wrong, message in (
        (lambda: fp.membrane_moments(-1.0, 1.0, 1.0, NEURON, 0.0), "`t`"),
        (lambda: fp.euler_moments(-1, 0.01, 1.0, 1.0, NEURON, 0.0), "`steps`"),
        (lambda: fp.membrane_moments([1.0, 2.0], [1.0, 2.0, 3.0], 1.0, NEURON, 0.0), "do not broadcast"),
        (lambda: fp.membrane_moments(1.0, 1.0, [-1.0], NEURON, 0.0), "`sigma` must be at least 0"),
        (lambda: fp.membrane_moments(1.0, np.nan, 1.0, NEURON, 0.0), "`mu` must be finite"),
        (lambda: fp.euler_moments(1, 0.04, 1.0, 1.0, NEURON, 0.0), "does not converge"),
        (lambda: fp.euler_moments(1, 0.0, 1.0, 1.0, NEURON, 0.0), "`dt` makes a step of zero"),
        (lambda: fp.euler_moments(1.5, 0.01, 1.0, 1.0, NEURON, 0.0), "`steps` must be whole"),
        (lambda: fp.euler_errors(NEURON, 15.0, 5.0, 20.0, [10, 100], 10.0), "`steps` makes a step of 2"),
        (lambda: fp.euler_errors(NEURON, 1.0, 1.0, 1.0, [3, 4], 0.0), "divides"),
        (lambda: fp.euler_errors(NEURON, 1.0, 1.0, 1.0, [], 0.0), "`steps`"),
    ):
        with pytest.raises(InvalidArgument, match=message):
            wrong()


@pytest.mark.parametrize("neuron", [NEURON, fp.LIF(0.02, 20.0, 10.0)])
@pytest.mark.parametrize(("mu", "sigma", "dt"), [(1000.0, 0.5, 1e-3), (0.0, 40.0, 1e-3)])
def test_where_a_neuron_would_fire_twice_in_a_step_the_step_that_is_named_does(neuron, mu, sigma, dt):
    def rate(step):
        run = fp.simulate_membrane(neuron, mu, sigma, (0.0, 2.2), step, trials=200, seed=1, save_every=10**9)
        return fp.spike_statistics(run.spikes.between(0.2, 2.2), windows=1.0)

    exact = siegert(neuron, mu, sigma)
    with pytest.warns(fp.FokkerPlanckWarning, match="fires only once in a step") as caught:
        assert rate(dt).rate < 0.99 * exact
    good = float(str(caught[0].message).split("Take dt = ")[1].split()[0])
    found = rate(good)
    assert abs(found.rate - exact) < 3.5 * found.rate_error + 0.01 * exact


@share_of_examples(0.3)
@given(st.floats(-300.0, 1000.0), decades(1e-9, 100.0), decades(1e-5, 1e-2))
def test_the_probability_to_return_is_the_solution_of_its_equation(mu, sigma, dt):
    with mp.workdps(60):
        depth, push, spread = mp.mpf(10), (mp.mpf(mu) - 10) / mp.mpf("0.02"), mp.mpf(sigma) ** 2 / mp.mpf("0.02")
        width = mp.sqrt(spread * dt)
        exact = mp.ncdf((push * dt - depth) / width)
        exact += mp.exp(2 * push * depth / spread) * mp.ncdf(-(push * dt + depth) / width)
    assert _returning(fp.LIF(0.02, 20.0, 10.0), mu, sigma, dt) == pytest.approx(float(exact), rel=1e-6, abs=1e-9)


def test_the_closed_forms_broadcast():
    t, mu, sigma, V_0 = np.array([0.0, 0.01, 0.1]), np.array([[5.0], [15.0]]), np.array([[[1.0]], [[3.0]]]), 2.0
    steps, dt = np.array([0, 5, 50]), np.array([[0.002], [0.001]])
    exact = fp.membrane_moments(t, mu, sigma, NEURON, V_0)
    euler = fp.euler_moments(steps, dt, mu, sigma, NEURON, V_0)
    for k, i, j in np.ndindex(2, 2, 3):
        one = fp.membrane_moments(t[j], mu[i, 0], sigma[k, 0, 0], NEURON, V_0)
        two = fp.euler_moments(int(steps[j]), dt[i, 0], mu[i, 0], sigma[k, 0, 0], NEURON, V_0)
        for n in range(2):
            assert exact[n][k, i, j] == pytest.approx(float(one[n]), rel=1e-14)
            assert euler[n][k, i, j] == pytest.approx(float(two[n]), rel=1e-14)
