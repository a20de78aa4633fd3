"""`fp.simulate`: reproducible, continuable, and in the limit the equation that `fp.solve` solves."""

import inspect
import math
import re
import signal
import tracemalloc

import numpy as np
import pytest

import fokkerplanck as fp
from fokkerplanck.particles.random import BLOCK

DATUM = fp.compatible_gaussian(0.0, 0.25)
LINEAR = 0.1199759652
"""The stationary rate for b = 0, a = 1, V_R = 1, V_F = 2."""
MODELS = {
    "excitatory": (fp.nnlif(b=0.5), {}),
    "inhibitory": (fp.nnlif(b=-2.0), {}),
    "exponential silence": (fp.nnlif(b=0.5, refractory=fp.ExponentialRefractory(0.2)), {}),
    "fixed silence": (fp.nnlif(b=0.5, refractory=fp.FixedRefractory(0.215)), {"history": 0.1}),
    "random threshold": (fp.nnlif(b=0.5, threshold=fp.RandomThreshold(0.05)), {}),
    "soft threshold": (fp.nnlif(b=0.5, threshold=fp.SoftThreshold(lambda v: np.exp(np.minimum(v, 3.0) - 1.0))), {}),
    "delay": (fp.nnlif(b=1.5, delay=0.315), {"history": lambda t: 0.1 - 0.2 * t}),
    "driven": (fp.nnlif(b=0.5, external=lambda t: math.sin(3.0 * t)), {}),
    "quadratic": (fp.nnlif(b=0.3, a0=0.5, V_R=-1.0, drift=fp.QuadraticDrift(), external=0.3), {}),
    "noisy": (fp.nnlif(b=0.3, a1=0.4), {}),
    "noisy and late": (fp.nnlif(b=0.3, a1=0.4, delay=0.1), {"history": 0.12}),
    "deterministic": (fp.nnlif(b=0.0, a0=0.0, V_R=0.0, external=2.5), {}),
}
every_model = pytest.mark.parametrize(("model", "keywords"), MODELS.values(), ids=MODELS.keys())
every_noisy_model = pytest.mark.parametrize("name", [name for name in MODELS if name != "deterministic"])


def same(one, two):
    return np.array_equal(one, two, equal_nan=True)


# --- the same bits ----------------------------------------------------------------------------------------------------


@every_model
def test_a_run_that_stops_and_goes_on_is_bitwise_one_run(model, keywords):
    count, dt = 2 * BLOCK + 77, 0.007
    whole = fp.simulate(model, count, DATUM, (0.0, 60 * dt), dt=dt, seed=4, **keywords)
    first = fp.simulate(model, count, DATUM, (0.0, 23 * dt), dt=dt, seed=4, **keywords)
    second = fp.simulate(model, initial=first.final, t_span=(first.t[-1], 60 * dt), dt=dt)
    assert same(whole.t, np.concatenate([first.t, second.t[1:]]))
    assert same(whole.rate, np.concatenate([first.rate, second.rate[1:]]))
    assert same(whole.refractory, np.concatenate([first.refractory, second.refractory[1:]]))
    for name in ("potentials", "release", "streams", "past", "shot", "t"):
        assert same(getattr(whole.final, name), getattr(second.final, name)), name


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("name", ["exponential silence", "noisy", "quadratic"])
def test_the_number_of_threads_changes_no_bit(name, threads):
    model, keywords = MODELS[name]
    runs = [
        fp.simulate(model, 13 * BLOCK + 5, DATUM, (0.0, 0.1), seed=2, threads=number, raster=50, **keywords)
        for number in (1, threads)
    ]
    assert same(runs[0].rate, runs[1].rate)
    assert same(runs[0].final.potentials, runs[1].final.potentials)
    assert same(runs[0].raster[0], runs[1].raster[0])


def test_a_cascade_is_the_same_after_a_stop():
    model, datum = fp.nnlif(b=0.5), fp.gaussian(1.83, 0.003)
    whole = fp.simulate(model, 20_000, datum, (0.0, 0.004), dt=1e-4)
    first = fp.simulate(model, 20_000, datum, (0.0, 0.002), dt=1e-4)
    second = fp.simulate(model, initial=first.final, t_span=(first.t[-1], 0.004))
    assert len(whole.jumps) == 1
    assert second.jumps == whole.jumps
    assert same(second.final.potentials, whole.final.potentials)


def test_another_seed_is_another_run_and_a_state_is_left_as_it_is():
    first = fp.simulate(fp.nnlif(b=0.5), 5000, DATUM, (0.0, 0.1))
    before = first.final.potentials.copy()
    runs = [fp.simulate(fp.nnlif(b=0.5), initial=first.final, t_span=(0.1, 0.2), seed=seed) for seed in (None, 1, 2)]
    assert same(first.final.potentials, before)
    assert len({run.final.potentials[0] for run in runs}) == 3


def test_a_stop_with_another_step_or_time_goes_on_with_the_same_neurons():
    model = fp.nnlif(b=1.5, delay=0.3, refractory=fp.FixedRefractory(0.2))
    first = fp.simulate(model, 100_000, DATUM, (0.0, 2.0), dt=0.01, history=0.1)
    runs = [
        fp.simulate(model, initial=first.final, t_span=(start, start + 1.0), dt=dt, seed=1).mean_rate(
            start, start + 1.0
        )
        for start, dt in ((2.0, 0.01), (5.0, 0.01), (2.0, 0.004))
    ]
    for rate, error in runs[1:]:
        assert abs(rate - runs[0][0]) < 4.0 * math.hypot(error, runs[0][1])


# --- against what is known --------------------------------------------------------------------------------------------


def stationary(bridge, dt, count, length, skipped=2.0):
    model = fp.nnlif(b=0.0)
    start = fp.solve(model, DATUM, (0.0, 10.0), estimate_error=False).final
    sol = fp.simulate(model, count, start, (0.0, skipped + length), dt=dt, bridge=bridge, save_at=[], seed=8)
    rate, _ = sol.mean_rate(skipped, skipped + length)
    return rate / LINEAR - 1.0, math.sqrt(1.0 / (LINEAR * count * length))


def test_the_rate_of_the_linear_problem_is_right_within_a_percent_at_a_step_of_a_hundredth():
    bias, error = stationary(bridge=True, dt=0.01, count=200_000, length=6.0)
    assert abs(bias) < 3.0 * error
    assert 3.0 * error < 0.01


def test_the_bridge_turns_the_order_one_half_into_one():
    plain = [stationary(bridge=False, dt=dt, count=100_000, length=6.0)[0] for dt in (0.08, 0.02)]
    assert plain[1] < -0.2
    assert 0.3 < math.log(plain[0] / plain[1]) / math.log(4.0) < 0.6
    bias, error = stationary(bridge=True, dt=0.08, count=100_000, length=6.0)
    assert abs(bias) < 0.01 + 3.0 * error


def fired_until(reference, times):
    """∫ N dt of a solution of the equation, by trapezoids."""
    t = np.linspace(reference.t[0], reference.t[-1], 4001)
    rate = reference.rate_at(t)
    return np.interp(times, t, np.concatenate([[0.0], np.cumsum(0.5 * np.diff(t) * (rate[1:] + rate[:-1]))]))


@every_noisy_model
def test_the_rate_is_that_of_the_equation(name):
    (model, keywords), count, end = MODELS[name], 60_000, 2.0
    reference = fp.solve(model, DATUM, (0.0, end), estimate_error=False, **keywords)
    sol = fp.simulate(model, count, DATUM, (0.0, end), seed=6, save_at=[], **keywords)
    windows = np.linspace(0.0, end, 6)
    expected = np.diff(fired_until(reference, windows))
    found = np.diff(np.interp(windows, sol.t, sol.fired))
    assert np.all(np.abs(found - expected) < 4.0 * np.sqrt(expected / count) + 0.004 * expected)
    R = float(reference.refractory[-1])
    assert abs(sol.refractory[-1] - R) <= 4.0 * math.sqrt(R * (1.0 - R) / count)
    mass = reference.final.grid.width * reference.final.density
    mean, spread = float(mass @ reference.v / mass.sum()), float(np.nanstd(sol.final.potentials))
    assert abs(np.nanmean(sol.final.potentials) - mean) < 4.0 * spread / math.sqrt(count) + 2e-4


@pytest.mark.parametrize(("dt", "error"), [(0.01, 3e-4), (0.001, 3e-6)])
def test_without_noise_neurons_follow_the_characteristics(dt, error):
    # v(t) = I + (v0 − I) e^{−t}, from V_R = 0 to V_F = 2 in ln 5; the rest of a step after a spike is a line.
    model = fp.nnlif(b=0.0, a0=0.0, V_R=0.0, external=2.5)
    v = np.linspace(-1.0, 1.9, 1001)
    sol = fp.simulate(model, initial=v, t_span=(0.0, 2.0), dt=dt, bins=model.grid(40, v_min=-2.0))
    spikes = np.ceil((2.0 - np.log((2.5 - v) / 0.5)) / np.log(5.0)).clip(min=0)
    last = np.log((2.5 - v) / 0.5) + (spikes - 1) * np.log(5.0)
    exact = np.where(spikes > 0, 2.5 * (1.0 - np.exp(last - 2.0)), 2.5 + (v - 2.5) * np.exp(-2.0))
    assert sol.fired[-1] == pytest.approx(np.mean(spikes))
    assert np.max(np.abs(sol.final.potentials - exact)) < error


def test_far_from_the_threshold_it_is_an_ornstein_uhlenbeck_process():
    model = fp.nnlif(b=0.0, a0=0.7, V_R=50.0, V_F=60.0, external=1.0)
    count, dt = 200_000, 0.5  # exact for every step
    sol = fp.simulate(model, initial=np.full(count, 3.0), t_span=(0.0, 1.0), dt=dt, bins=model.grid(100, v_min=-4.0))
    v = sol.final.potentials
    mean, variance = 1.0 + 2.0 * math.exp(-1.0), 0.7 * (1.0 - math.exp(-2.0))
    assert sol.fired[-1] == 0.0
    assert abs(v.mean() - mean) < 4.0 * math.sqrt(variance / count)
    assert abs(v.var() - variance) < 4.0 * variance * math.sqrt(2.0 / count)


def test_histograms_are_densities_with_their_errors():
    model = fp.nnlif(b=0.5, refractory=fp.ExponentialRefractory(0.2))
    sol = fp.simulate(model, 100_000, DATUM, (0.0, 1.0), save_at=[0.0, 0.5, 1.0], bins=model.grid(60, v_min=-3.0))
    assert sol.saved_t == pytest.approx([0.0, 0.5, 1.0])
    whole = sol.density @ sol.grid.width + sol.refractory[[0, 50, 100]] + sol.outside
    assert whole == pytest.approx(1.0, abs=1e-12)
    exact = DATUM.cell_averages(sol.grid)
    close = np.abs(sol.density[0] - exact) <= 4.5 * np.maximum(sol.density_error[0], 1e-5 / sol.grid.width)
    assert np.all(close)


def test_a_state_of_solve_is_drawn_from():
    for model in (MODELS["exponential silence"][0], MODELS["fixed silence"][0]):
        state = fp.solve(model, DATUM, (0.0, 3.0)).final
        sol = fp.simulate(model, 100_000, state, (0.0, 0.5), seed=3)
        R = state.refractory
        assert abs(sol.refractory[0] - R) < 4.0 * math.sqrt(R / 1e5)
        later = fp.solve(model, state, (0.0, 0.5))
        assert abs(sol.refractory[-1] - later.refractory[-1]) < 4.0 * math.sqrt(R / 1e5)


# --- cascades ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("b", "datum", "fraction", "time", "dt"),
    [
        (0.5, fp.gaussian(1.83, 0.003), 0.81220, 0.00246563, 1e-5),
        (0.8, fp.gaussian(1.7, 0.01), 0.75140, 0.00933666, 5e-5),
    ],
)
def test_what_blows_up_in_the_equation_fires_at_once(b, datum, fraction, time, dt):
    sol = fp.simulate(fp.nnlif(b=b), 100_000, datum, (0.0, 1.3 * time), dt=dt, save_at=[])
    (jump,) = sol.jumps
    assert jump.fraction == pytest.approx(fraction, rel=0.05)
    assert jump.time == pytest.approx(time, rel=0.06)
    assert jump.shift == b * jump.fraction
    assert jump.fraction == pytest.approx(sum(jump.generations))
    assert len(jump.generations) > 5


@pytest.mark.parametrize("overshoot", ["keep", "discard"])
def test_a_cascade_that_never_ends_is_a_result(overshoot):
    sol = fp.simulate(fp.nnlif(b=1.5), 20_000, fp.gaussian(1.8, 0.003), (0.0, 0.01), dt=1e-4, overshoot=overshoot)
    assert sol.status is fp.Status.ETERNAL
    assert "never ends" in sol.message
    assert sol.jumps == ()
    assert sol.final.t == sol.t[-1] < 0.01
    again = fp.simulate(fp.nnlif(b=1.5), initial=sol.final, t_span=(sol.final.t, 0.01), overshoot="none")
    assert again.status is fp.Status.FINISHED


@pytest.mark.parametrize("law", [{"refractory": fp.ExponentialRefractory(0.1)}, {"delay": 1e-3}])
def test_a_refractory_state_or_a_delay_ends_every_cascade(law):
    sol = fp.simulate(fp.nnlif(b=1.5, **law), 20_000, fp.gaussian(1.8, 0.003), (0.0, 0.003), dt=1e-4)
    assert sol.status is fp.Status.FINISHED
    assert bool(sol.jumps) == ("refractory" in law)


def test_a_noisy_event_is_recorded():
    sol = fp.simulate(fp.nnlif(b=0.5, a1=0.01), 50_000, fp.compatible_gaussian(1.83, 0.003), (0.0, 0.01), dt=5e-5)
    assert sol.status is fp.Status.FINISHED
    assert 0.5 < sol.jumps[0].fraction < 1.0


# --- what is returned -------------------------------------------------------------------------------------------------


def test_the_raster_holds_every_spike_of_the_first_neurons():
    sol = fp.simulate(fp.nnlif(b=0.5), 2000, DATUM, (0.0, 2.0), raster=2000)
    times, neurons = sol.raster
    assert len(times) == round(sol.fired[-1] * 2000) > 100
    assert np.all(np.diff(times) >= -0.01)
    assert 0.0 <= times.min() <= times.max() <= 2.0
    assert 0 <= neurons.min() <= neurons.max() < 2000
    few = fp.simulate(fp.nnlif(b=0.5), 2000, DATUM, (0.0, 2.0), raster=10)
    assert same(few.raster[0], times[neurons < 10])


def test_the_mean_rate_and_its_error():
    sol = fp.simulate(fp.nnlif(b=0.0), 20_000, DATUM, (0.0, 8.0))
    rate, error = sol.mean_rate(2.0, 8.0)
    assert rate == pytest.approx((sol.fired[-1] - sol.fired[200]) / 6.0)
    assert abs(rate - LINEAR) < 4.0 * error < 0.05 * LINEAR
    with pytest.raises(fp.InvalidArgument, match=r"`start` = 2 and `end` = 9 must lie"):
        sol.mean_rate(2.0, 9.0)
    with pytest.raises(fp.InvalidArgument, match="no step lies within"):
        sol.mean_rate(2.001, 2.002)


def test_it_prints_itself():
    sol = fp.simulate(fp.nnlif(b=0.5), 20_000, fp.gaussian(1.83, 0.003), (0.0, 0.01), dt=1e-4)
    text = repr(sol)
    assert text.startswith("ParticleSolution: Reached the end of t_span at t = 0.01.\n├─ 20000 neurons, 100 steps")
    assert "fires at once" in text
    assert repr(sol.final).startswith("ParticleState(20000 neurons at t = 0.01")


def test_an_interrupted_run_goes_on():
    def current(t):
        if 0.5 < t < 0.51 and not asked:
            asked.append(t)
            raise KeyboardInterrupt
        return 0.0

    asked: list[float] = []
    model = fp.nnlif(b=0.5, external=current)
    first = fp.simulate(model, 1000, DATUM, (0.0, 1.0), dt=0.01, bins=model.grid(50, v_min=-5.0), save_at=[0.0])
    rest = fp.simulate(model, initial=first.final, t_span=(first.t[-1], 1.0), bins=first.grid)
    whole = fp.simulate(model, 1000, DATUM, (0.0, 1.0), dt=0.01, bins=first.grid)
    assert first.status is fp.Status.INTERRUPTED
    assert same(rest.final.potentials, whole.final.potentials)


def test_ctrl_c_returns_what_there_is():
    def current(t):
        if t > 0.5:
            signal.raise_signal(signal.SIGINT)
        return 0.0

    before = signal.getsignal(signal.SIGINT)  # a shell that starts the tests in the background has them ignore it
    model = fp.nnlif(b=0.5, external=current)
    sol = fp.simulate(model, 1000, DATUM, (0.0, 1.0), dt=0.01, bins=model.grid(50, v_min=-5.0))
    assert sol.status is fp.Status.INTERRUPTED
    assert sol.t[-1] == pytest.approx(0.51)
    assert len(sol.rate) == len(sol.t) == 52
    assert signal.getsignal(signal.SIGINT) is before


def test_progress_is_shown(capsys):
    fp.simulate(fp.nnlif(b=0.5), 1000, DATUM, (0.0, 0.1), progress=True)
    assert "10/10" in capsys.readouterr().err


@pytest.mark.parametrize("law", [{}, {"refractory": fp.FixedRefractory(0.1)}], ids=["none", "fixed"])
@pytest.mark.parametrize("overshoot", ["keep", "discard"])
@pytest.mark.parametrize(("datum", "jumps", "bytes_each"), [(DATUM, 0, 27), (fp.gaussian(1.83, 0.003), 1, 40)])
def test_memory_per_neuron(law, overshoot, datum, jumps, bytes_each):
    count, model = 500_000, fp.nnlif(b=0.5, **law)
    fp.simulate(model, 1000, datum, (0.0, 0.004), dt=1e-4)
    tracemalloc.start()
    sol = fp.simulate(model, count, datum, (0.0, 0.004), dt=1e-4, overshoot=overshoot, save_at=[0.004], threads=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(sol.jumps) == jumps
    assert peak < bytes_each * count


# --- refusals ---------------------------------------------------------------------------------------------------------

REFUSED = {
    "model": ({"model": 3}, "`model` must be a model"),
    "no initial": ({"initial": None}, "`initial` is missing"),
    "count": ({"count": 1}, "`count` must be a whole number of neurons"),
    "count float": ({"count": 1e5}, "`count` must be a whole number of neurons"),
    "seed": ({"seed": -1}, "`seed` must be a whole number"),
    "span": ({"t_span": (1.0, 0.0)}, "runs backwards"),
    "no span": ({"t_span": None}, "`t_span` must be a pair (start, end), not None"),
    "dt sign": ({"dt": 0.0}, "`dt` = 0, but it must be positive"),
    "dt text": ({"dt": "small"}, "`dt` must be a number"),
    "dt long": ({"dt": 2.0}, "`dt` = 2 is longer than the run"),
    "dt coarse": ({"dt": 0.9}, "`dt` = 0.9 is too long: drift and noise move a potential up"),
    "dt delay": ({"model": fp.nnlif(b=0.5, delay=0.01), "dt": 0.02}, "longer than the transmission delay"),
    "save_at order": ({"save_at": [0.2, 0.1]}, "`save_at` must be a vector of increasing times"),
    "save_at outside": ({"save_at": [2.0]}, "`save_at` reaches from 2 to 2, outside"),
    "overshoot": ({"overshoot": "drop"}, "`overshoot` = 'drop'"),
    "raster": ({"raster": 1001}, "`raster` = 1001, but there are 1000 neurons"),
    "raster sign": ({"raster": -1}, "`raster` must be a whole number"),
    "synchrony": ({"synchrony": 0.0}, "`synchrony` = 0, but it must be from above 0 to 1"),
    "threads": ({"threads": 0}, "`threads` must be a whole number of at least 1"),
    "bins": ({"bins": 2.5}, "`bins` must be a number of cells or a grid"),
    "bins few": ({"bins": 3}, "`bins` = 3 cells do not make a grid"),
    "history": ({"history": 0.1}, "`history` is given, but `model` looks back on nothing"),
    "potentials count": ({"initial": np.zeros(10)}, "`count` = 1000, but `initial` holds 10 potentials"),
    "potentials nan": ({"initial": [0.0, np.nan], "count": None}, "`initial` must be a vector of finite potentials"),
    "potentials high": ({"initial": [0.0, 2.0], "count": None}, "`initial` holds potentials of V_F = 2 or more"),
    "above": ({"initial": fp.gaussian(40.0, 0.1)}, "cannot be normalised"),
    "zero": ({"initial": lambda v: 0.0 * v}, "cannot be normalised"),
    "what": ({"initial": 3.0}, "`initial` must be fp.gaussian"),
    "kind": ({"initial": fp.gaussian}, "call fp.gaussian"),
    "external": ({"model": fp.nnlif(b=0.5, external=lambda t: "x")}, "`external` must return one number"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(change, message):
    arguments = {"model": fp.nnlif(b=0.5), "count": 1000, "initial": DATUM, "t_span": (0.0, 1.0)} | change
    with pytest.raises(fp.InvalidArgument, match=re.escape(message)):
        fp.simulate(**arguments)


def test_a_state_that_does_not_fit_is_refused():
    silent = fp.nnlif(b=0.5, refractory=fp.FixedRefractory(0.5))
    final = fp.simulate(silent, 1000, DATUM, (0.0, 1.0)).final
    assert final.refractory > 0.0
    for keywords, message in [
        ({}, "but `model` has no refractory state"),
        ({"count": 10}, "`count` = 10, but `initial` holds 1000 neurons"),
        ({"history": 0.1}, "leave it out"),
    ]:
        with pytest.raises(fp.InvalidArgument, match=message):
            fp.simulate(fp.nnlif(b=0.5), initial=final, t_span=(1.0, 2.0), **keywords)
    state = fp.solve(fp.nnlif(b=0.5, V_F=3.0), DATUM, (0.0, 1.0)).final
    with pytest.raises(fp.InvalidArgument, match="another reset or threshold"):
        fp.simulate(fp.nnlif(b=0.5), 1000, state, (0.0, 1.0))


@pytest.mark.parametrize(
    ("model", "dt"),
    [
        (fp.nnlif(b=0.5), 0.01),
        (fp.nnlif(b=0.5, V_F=1.5), 0.0025),
        (fp.nnlif(b=0.5, external=52.0), 0.1 / 51.0),
        (fp.nnlif(b=0.5, delay=0.004), 0.004),
        (fp.nnlif(b=0.5, threshold=fp.RandomThreshold(0.02)), 0.004),
    ],
)
def test_the_default_step_resolves_what_there_is(model, dt):
    sol = fp.simulate(model, 1000, DATUM, (0.0, 0.1), save_at=[])
    assert dt * 0.9 < sol.t[1] <= dt * (1.0 + 1e-12)


def test_every_argument_is_documented():
    for name in inspect.signature(fp.simulate).parameters:
        assert f"{name} : " in fp.simulate.__doc__ or f"{name}," in fp.simulate.__doc__


# -- states on disk ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model", [fp.nnlif(b=0.5, a1=0.1), fp.nnlif(b=0.5, delay=0.1, refractory=fp.FixedRefractory(0.2))]
)
def test_a_stored_state_goes_on_bit_by_bit(model, tmp_path):
    first = fp.simulate(model, 5000, fp.compatible_gaussian(0.0, 0.25), (0.0, 0.5), seed=3)
    first.final.save(tmp_path / "state.npz")
    loaded = fp.ParticleState.load(tmp_path / "state.npz")
    runs = [fp.simulate(model, initial=state, t_span=(0.5, 1.0)) for state in (first.final, loaded)]
    assert runs[0].final.potentials.tobytes() == runs[1].final.potentials.tobytes()
    np.testing.assert_array_equal(runs[0].fired, runs[1].fired)


def test_nothing_else_passes_for_a_state(tmp_path):
    state = fp.simulate(fp.nnlif(b=0.5), 100, fp.gaussian(0.0, 0.25), (0.0, 0.1)).final
    state.save(tmp_path / "state.npz")
    content = (tmp_path / "state.npz").read_bytes()
    for name, what in (("cut", content[:-200]), ("other", b"text"), ("flipped", content[:300] + b"\0" + content[301:])):
        (tmp_path / name).write_bytes(what)
        with pytest.raises(fp.InvalidArgument, match="damaged"):
            fp.ParticleState.load(tmp_path / name)
    with pytest.raises(fp.InvalidArgument, match="cannot read"):
        fp.ParticleState.load(tmp_path / "absent.npz")
    with pytest.raises(fp.InvalidArgument, match="no folder"):
        state.save(tmp_path / "nowhere" / "state.npz")


# -- what has gone wrong once -----------------------------------------------------------------------------------


def test_a_restart_is_checked_like_a_start():
    coarse = fp.simulate(fp.nnlif(b=0.5), 100, fp.gaussian(0.0, 0.25), (0.0, 1.0), dt=0.1).final
    with pytest.raises(fp.InvalidArgument, match="longer than the transmission delay"):
        fp.simulate(fp.nnlif(b=0.5, delay=0.01), initial=coarse, t_span=(1.0, 2.0))
    with pytest.raises(fp.InvalidArgument, match="more than V_F − V_R"):
        fp.simulate(fp.nnlif(b=0.5, V_R=1.9), initial=coarse, t_span=(1.0, 2.0))
    with pytest.raises(fp.InvalidArgument, match="of another model"):
        fp.simulate(fp.nnlif(b=0.1, V_R=-2.0, V_F=-1.0), initial=coarse, t_span=(1.0, 2.0))


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"bridge": "no"}, "must be True or False"),
        ({"dt": 1e-12}, "more than can be kept"),
        ({"bins": fp.nnlif(b=0.5, V_F=3.0).grid(50)}, "`bins` has its threshold at 3"),
    ],
)
def test_more_refusals(keywords, message):
    with pytest.raises(fp.InvalidArgument, match=message):
        fp.simulate(fp.nnlif(b=0.5), 100, fp.gaussian(0.0, 0.25), (0.0, 1.0), **keywords)


def test_a_whole_solution_is_no_start():
    sol = fp.simulate(fp.nnlif(b=0.5), 100, fp.gaussian(0.0, 0.25), (0.0, 0.1))
    with pytest.raises(fp.InvalidArgument, match=r"pass its \.final"):
        fp.simulate(fp.nnlif(b=0.5), initial=sol, t_span=(0.1, 0.2))


def test_late_kicks_that_one_step_cannot_hold_are_told():
    with pytest.warns(fp.FokkerPlanckWarning, match="use a shorter dt"):
        fp.simulate(fp.nnlif(b=3.0, delay=0.1), 1000, fp.gaussian(1.0, 5e-4), (0.0, 0.4), dt=2e-3, history=10.0)


def test_a_wide_range_of_potentials_does_not_hinder_the_default_histogram():
    model = fp.nnlif(b=0.5, external=lambda t: 1000.0 * np.sin(1000.0 * t))
    sol = fp.simulate(model, 100, fp.gaussian(0.0, 0.25), (0.0, 0.01), dt=1e-4)
    assert sol.density.shape[1] == 200


def test_two_neurons_may_fire_together_and_that_is_all():
    sol = fp.simulate(fp.nnlif(b=1.5), 2, fp.gaussian(1.0, 0.25), (0.0, 20.0), seed=3)
    assert sol.status is fp.Status.FINISHED
