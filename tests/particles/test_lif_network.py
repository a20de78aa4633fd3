"""Networks of LIF neurons from event to event: against closed forms, and spike by spike."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import fokkerplanck as fp

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
DELAY = 0.0015


def unconnected(count):
    return sp.csc_array((count, count))


def run(neuron, synapses, mu, sigma, t_span, delay, shots=None, **options):
    return fp.simulate_lif(fp.SpikingNetwork(neuron, synapses, mu, sigma, delay, shots), t_span, **options)


def mean_of(sol):
    return sol.rates.mean(), np.sqrt(np.sum(sol.rate_errors**2)) / sol.count


@pytest.mark.parametrize(
    ("mu", "sigma", "rate", "cv"),
    [(15.0, 5.0, 9.4607998057591, 0.81475721165945), (25.0, 3.0, 44.070591773629, 0.29482087458849)],
)
def test_neurons_by_themselves_fire_at_the_rate_of_the_first_passage(mu, sigma, rate, cv):
    sol = run(NEURON, unconnected(400), mu, sigma, (0.0, 12.0), 0.05, settle=2.0)
    value, error = mean_of(sol)
    assert abs(value - rate) < 4.0 * error < 0.02 * rate
    times, trains = sol.intervals.sum(), sol.intervals > 20
    mean = np.average(sol.interval_means[trains], weights=sol.intervals[trains])
    spread = np.average(sol.interval_variances[trains], weights=sol.intervals[trains])
    assert np.sqrt(spread) / mean == pytest.approx(cv, abs=4.0 / np.sqrt(times) + 0.01)


@given(st.floats(21.0, 60.0), st.floats(-5.0, 5.0), st.floats(0.0, 0.01), st.floats(0.0003, 0.03))
@settings(max_examples=30)
def test_without_noise_the_intervals_are_those_of_the_closed_form(mu, E_l, tau_ref, delay):
    neuron = fp.LIF(0.02, 20.0 + E_l, 10.0 + E_l, E_l, tau_ref)
    sol = run(neuron, unconnected(3), mu, 0.0, (0.0, 1.0), delay, raster=3, initial=np.full(3, 10.0 + E_l))
    interval = tau_ref + 0.02 * np.log((mu - 10.0) / (mu - 20.0))
    mine = sol.spikes.times[sol.spikes.trains == 1]
    assert mine[0] == pytest.approx(interval - tau_ref, rel=1e-9)
    assert np.diff(mine) == pytest.approx(interval, rel=1e-9)
    assert len(mine) == int((1.0 + tau_ref) / interval * (1.0 + 1e-9))


@pytest.mark.parametrize("method", ["shots", "noise"])
def test_a_spike_arrives_after_the_delay_and_not_at_the_silent(method):
    # 0 fires regularly; it fires 1 at once; 2 hears 1 twice, the second time while it is silent
    graph = sp.csc_array(([25.0, 25.0], ([1, 2], [0, 1])), shape=(3, 3))
    sol = run(NEURON, graph, [40.0, 0.0, 0.0], 0.0, (0.0, 0.2), DELAY, raster=3, initial=[0.0, 0.0, 0.0], seed=1)
    spikes = [sol.spikes.times[sol.spikes.trains == k] for k in range(3)]
    heard = spikes[0][spikes[0] + DELAY < 0.2] + DELAY
    assert spikes[1] == pytest.approx(heard, abs=1e-15)
    again = spikes[1][spikes[1] + DELAY < 0.2] + DELAY
    assert spikes[2] == pytest.approx(again, abs=1e-15)


def test_what_arrives_at_a_silent_neuron_is_lost():
    slow = fp.LIF(0.02, 20.0, 10.0, tau_ref=0.05)
    sol = run(slow, unconnected(500), 0.0, 0.0, (0.0, 20.0), 0.01, shots=(100.0, 30.0), settle=1.0)
    value, error = mean_of(sol)  # every shot that is not lost is a spike
    exact = 1.0 / (0.05 + 0.01)
    assert abs(value - exact) < 4.0 * error
    assert np.mean(sol.cv()) == pytest.approx(0.01 / 0.06, abs=0.005)


def test_the_same_seed_gives_the_same_spikes_and_another_does_not():
    graph = fp.erdos_renyi(100, 10.0, 5.0, seed=2)
    runs = [run(NEURON, graph, 18.0, 3.0, (0.0, 0.5), DELAY, seed=seed, raster=100) for seed in (4, 4, 5)]
    assert np.array_equal(runs[0].spikes.times, runs[1].spikes.times)
    assert len(runs[0].spikes.times) != len(runs[2].spikes.times)


def test_a_run_in_two_parts_is_the_run_in_one():
    graph = sp.random_array((60, 60), density=0.2, rng=np.random.default_rng(1), data_sampler=None)
    delay, middle, end = 2.0**-9, 0.25, 0.5
    whole, first = (
        run(NEURON, graph, 18.0, 4.0, (0.0, t), delay, shots=(300.0, 0.5), raster=60) for t in (end, middle)
    )
    second = run(NEURON, graph, 18.0, 4.0, (middle, end), delay, shots=(300.0, 0.5), raster=60, initial=first.final)
    assert np.array_equal(whole.spikes.times, np.concatenate([first.spikes.times, second.spikes.times]))
    assert np.array_equal(whole.final.V, second.final.V)
    with pytest.raises(fp.InvalidArgument, match="begin where"):
        run(NEURON, graph, 18.0, 4.0, (0.0, end), delay, shots=(300.0, 0.5), initial=first.final)
    with pytest.raises(fp.InvalidArgument, match="another network"):
        run(NEURON, unconnected(5), 18.0, 4.0, (middle, end), delay, initial=first.final)


def test_bins_count_every_spike():
    sol = run(NEURON, unconnected(50), 25.0, 3.0, (0.0, 1.0), DELAY, raster=50, bins=40)
    counts, _ = np.histogram(sol.spikes.times, sol.t)
    assert np.array_equal(np.round(sol.activity[0] * 50 * 0.025).astype(int), counts)
    settled = sol.spikes.times >= sol.settle
    assert np.array_equal(np.bincount(sol.spikes.trains[settled], minlength=50), np.round(sol.rates * 2.0 / 3.0))


def test_traces_have_the_mean_of_the_rates_and_weights_follow_them():
    rule = fp.DepressingWeight(0.3, 40.0, learning_rate=5.0)
    graph = fp.Projection(sp.csc_array(np.eye(200, k=1)), rule)
    sol = run(NEURON, [graph], 25.0, 3.0, (0.0, 10.0), 0.01, trace_rate=2.0, rates=44.0, settle=2.0, seed=3)
    (weights,) = sol.weights
    assert weights.shape == (200,)
    traces = sol.final.trace * np.exp(-2.0 * (sol.final.t - sol.final.last))
    spread = np.sqrt(0.3**2 * 44.0 * 2.0 / 2.0)  # CV² ν r_p/2
    assert traces.mean() == pytest.approx(sol.rates.mean(), abs=5.0 * spread / np.sqrt(200))
    assert weights.mean() == pytest.approx(float(rule.weight(sol.rates.mean())), rel=2e-3)


def test_synapses_of_their_own_where_the_rule_looks_at_both_neurons():
    rule = fp.HebbianWeight(0.4, 20.0, learning_rate=5.0)
    drive = np.where(np.arange(20) < 10, 24.0, 30.0)
    graph = fp.Projection(sp.csc_array(np.ones((20, 20)) - np.eye(20)), rule)
    sol = run(NEURON, [graph], drive, 1.0, (0.0, 8.0), 0.01, trace_rate=1.0, rates=50.0, settle=3.0)
    csc = sp.csc_array(graph.graph)
    pre, post = np.repeat(np.arange(20), np.diff(csc.indptr)), csc.indices
    assert sol.weights[0].shape == (380,)
    assert sol.weights[0] == pytest.approx(rule.weight(sol.rates[pre], sol.rates[post]), rel=0.03)


def test_populations_have_their_own_neurons_inputs_and_projections():
    other = fp.LIF(tau_m=0.01, V_th=15.0, V_r=0.0, E_l=0.0, tau_ref=0.0)
    across = fp.Projection(sp.csc_array(np.full((30, 20), 0.01)), post=1, pre=0)
    sol = run([(NEURON, 20), (other, 30)], [across], [25.0, 20.0], 0.0, (0.0, 2.0), 0.01, settle=1.0)
    assert sol.populations == (slice(0, 20), slice(20, 50))
    first = 1.0 / (0.002 + 0.02 * np.log(15.0 / 5.0))
    assert sol.rates[:20] == pytest.approx(first, abs=1.0)
    pushed = 20.0 + 0.01 * 0.01 * 20 * first  # the mean input of the second population: E_l + μ + τ C J ν
    second = 1.0 / (0.01 * np.log(pushed / (pushed - 15.0)))
    assert sol.rates[20:] == pytest.approx(second, abs=1.5)


def test_a_network_that_runs_away_is_stopped():
    wild = fp.LIF(0.02, 20.0, 10.0)
    graph = sp.csc_array(np.full((50, 50), 6.0))
    sol = run(wild, graph, 25.0, 3.0, (0.0, 1.0), DELAY)
    assert sol.status is fp.Status.BLOW_UP
    assert sol.final.t < 1.0
    assert np.all(np.isfinite(sol.rates))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"delay": 0.0}, "`delay`"),
        ({"sigma": -1.0}, "`sigma`"),
        ({"mu": np.nan}, "`mu`"),
        ({"mu": [1.0, 2.0]}, "`mu` must be one number"),
        ({"synapses": sp.csc_array((3, 4))}, "`synapses`"),
        ({"synapses": [fp.Projection(sp.csc_array((5, 5)), post=1)]}, "`post` = 1"),
        ({"synapses": [fp.Projection(sp.csc_array((5, 5)), fp.SaturatingWeight(0.1, 5.0))]}, "`trace_rate`"),
        ({"settle": 2.0}, "`settle`"),
        ({"initial": np.full(5, 21.0)}, "`initial`"),
        ({"shots": 3.0}, "`shots`"),
        ({"neuron": 3.0}, "`neuron`"),
        ({"neuron": [(NEURON, 4)]}, "`graph`"),
        ({"neuron": [(NEURON, 0)]}, "`neuron`"),
        ({"synapses": [fp.Projection(sp.csc_array((5, 5))), 3]}, "fp.Projection"),
        ({"seed": -1}, "`seed`"),
    ],
)
def test_bad_input_is_named(change, message):
    good = {
        "neuron": NEURON, "synapses": unconnected(5), "mu": 1.0, "sigma": 1.0, "t_span": (0.0, 1.0), "delay": DELAY
    }  # fmt: skip
    with pytest.raises(fp.InvalidArgument, match=message):
        run(**good | change)


def test_the_time_before_the_first_spike_is_no_interval():
    sol = run(NEURON, unconnected(1), 40.0, 0.0, (0.0, 1.0), DELAY, settle=0.0, initial=[-30.0])
    interval = 0.002 + 0.02 * np.log(30.0 / 20.0)
    assert sol.interval_means[0] == pytest.approx(interval, rel=1e-9)
    assert sol.interval_variances[0] == pytest.approx(0.0, abs=1e-15)


def test_a_projection_knows_what_it_is():
    with pytest.raises(fp.InvalidArgument, match="`rule`"):
        fp.Projection(sp.csc_array((5, 5)), rule=0.1)
    with pytest.raises(fp.InvalidArgument, match="finite"):
        fp.Projection([[np.inf]])
    given = sp.csc_array(([0.0, 1.0, 2.0], ([0, 1, 1], [0, 1, 1])), shape=(2, 2))
    assert fp.Projection(given).graph.toarray().tolist() == [[0.0, 0.0], [0.0, 3.0]]
    assert given.nnz == 2  # what was given is left as it is


@pytest.mark.parametrize(("mu", "delay"), [(1000.0, 0.001), (300.0, 0.02)])
def test_a_strong_drive_takes_shorter_steps(mu, delay):
    fast = fp.LIF(0.02, 20.0, 10.0)
    sol = run(fast, unconnected(300), mu, 5.0, (0.0, 0.3), delay, settle=0.05)
    value, error = mean_of(sol)
    assert abs(value - fp.siegert_rate(mu, 5.0, fast)) < 4.0 * error


def test_however_strong_the_drive_neurons_alone_do_not_run_away():
    fast = fp.LIF(0.02, 20.0, 10.0)
    sol = run(fast, unconnected(10), 1e5, 0.0, (0.0, 0.003), 0.001, settle=0.001)
    assert sol.status is fp.Status.FINISHED
    assert sol.rates == pytest.approx(float(fp.siegert_rate(1e5, 0.0, fast)), rel=1e-3)


@pytest.mark.parametrize("sigma", [0.0, 0.1, 0.5])
def test_the_errors_of_the_rates_are_those_between_alike_neurons(sigma):
    sol = run(NEURON, unconnected(2000), 25.0, sigma, (0.0, 3.0), 0.01, seed=3)
    assert np.sqrt(np.mean(sol.rate_errors**2)) == pytest.approx(np.std(sol.rates), rel=0.25)


def test_a_state_is_kept_in_a_file(tmp_path):
    graph = [fp.Projection(sp.csc_array(np.ones((5, 5)) - np.eye(5)), fp.HebbianWeight(0.4, 20.0))]
    sol = run(NEURON, graph, 25.0, 1.0, (0.0, 0.5), 0.01, trace_rate=1.0, rates=40.0)
    sol.final.save(tmp_path / "state.npz")
    back = fp.LIFState.load(tmp_path / "state.npz")
    ends = [run(NEURON, graph, 25.0, 1.0, (0.5, 1.0), 0.01, trace_rate=1.0, initial=s).final for s in (sol.final, back)]
    assert np.array_equal(ends[0].V, ends[1].V)
    assert np.array_equal(ends[0].weights[0], ends[1].weights[0])
    (tmp_path / "damaged.npz").write_bytes(b"PK")
    for name in ("damaged.npz", "missing.npz"):
        with pytest.raises(fp.InvalidArgument, match=name):
            fp.LIFState.load(tmp_path / name)


def test_a_constant_rule_needs_no_traces():
    graph = sp.csc_array(np.ones((5, 5)) - np.eye(5))
    one = run(NEURON, [fp.Projection(graph, fp.StaticWeight(0.1))], 25.0, 1.0, (0.0, 0.5), 0.01)
    other = run(NEURON, 0.1 * graph, 25.0, 1.0, (0.0, 0.5), 0.01)
    assert np.array_equal(one.final.V, other.final.V)
    assert one.weights[0].tolist() == [0.1] * 5


@pytest.mark.parametrize(
    ("option", "message"), [({"finest": 1.0}, "`finest`"), ({"rates": 1e5}, "`rates` reaches 100000, beyond")]
)
def test_options_out_of_range_are_named(option, message):
    with pytest.raises(fp.InvalidArgument, match=message):
        run(NEURON, unconnected(5), 1.0, 1.0, (0.0, 1.0), 0.01, **option)
