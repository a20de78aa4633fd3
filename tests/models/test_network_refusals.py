"""Several populations wherever one is accepted: each of them, or a refusal that says what to do instead."""

import dataclasses

import numpy as np
import pytest

import fokkerplanck as fp
from fokkerplanck.elements import Elements

POP = fp.nnlif(b=0.0)
PAIR = fp.excitatory_inhibitory(0.5, 0.25, 0.25, 1.0)
LATE = fp.excitatory_inhibitory(0.5, 0.25, 0.25, 1.0, delays=0.1)
START = fp.gaussian(0.0, 0.25)
GRID = PAIR.grid(60)
SPAN = (0.0, 0.1)
EYE = np.eye(2)
AVERAGES = START.cell_averages(GRID)


def run(model=PAIR, initial=START, t_span=SPAN, grid=GRID, **options):
    return fp.solve(model, initial, t_span, grid=grid, **options)


@pytest.fixture(scope="module")
def solution():
    return run(initial=[START, fp.gaussian(1.0, 0.1)])


def refused(message):
    return pytest.raises(fp.InvalidArgument, match=message)


# -- networks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([POP, POP], [[1, 2]]), r"`J` has shape \(1, 2\), but 2 populations need \(2, 2\): row = who receives"),
        (([POP, POP], [[1], [1, 2]]), "`J` must be a matrix of numbers"),
        (([POP, POP], [["1", "2"], ["3", "4"]]), "`J` must be a matrix of numbers"),
        (([POP, POP], [[1j, 0], [0, 1]]), "`J` must be a matrix of numbers"),
        (([POP, POP], [[np.nan, 0], [0, 0]]), "`J` must be finite"),
        (([POP, POP], 1.0), r"`J` must be a matrix of shape \(2, 2\), not 1.0"),
        (([POP, POP], None), r"`J` must be a matrix of shape \(2, 2\), not None"),
        (([POP, POP], EYE, -1.0), "`noise` must be zero or positive, but has the entry -1"),
        (([POP, POP], EYE, "loud"), "`noise` must be a matrix of numbers"),
        (([POP, POP], EYE, None, -1.0), "`delays` must be zero or positive, but has the entry -1"),
        (([POP, POP], EYE, None, np.nan), "`delays` must be finite"),
        (([POP, POP], EYE, None, [1, 2]), r"`delays` has shape \(2,\)"),
        (([POP, POP], EYE, None, 0.0, 0.0), "`time_constants` must be positive"),
        (([POP, POP], EYE, None, 0.0, [1, 2, 3]), r"`time_constants` has shape \(3,\)"),
        (([POP, POP], EYE, None, 0.0, None), "`time_constants` must be numbers"),
        (([], []), "`populations` is empty"),
        (({}, []), "`populations` is empty"),
        ((None, []), "`populations` must be a list of populations"),
        ((POP, []), "`populations` must be a list of populations"),
        (("ab", EYE), "`populations` must be a list of populations"),
        (([POP, "x"], EYE), "population '1' in `populations` must be one such as fp.nnlif"),
        (([POP, PAIR], EYE), "population '1' in `populations` must be one such as fp.nnlif"),
        (({1: POP, "1": POP}, EYE), "must be named by texts, such as 'E' and 'I', not 1"),
        (({"": POP, "I": POP}, EYE), "must be named by texts, such as 'E' and 'I', not ''"),
        (([fp.nnlif(b=1.0)], 0.5), r"population '0' has its own coupling \(b = 1,"),
    ],
)
def test_what_is_no_network_is_refused(arguments, message):
    with refused(message):
        fp.Network(*arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"b_EI": -0.25}, "`b_EI` = -0.25, but it must be zero or positive: the sign of inhibition is in the equation"),
        ({"b_EI": np.nan}, "`b_EI` must be finite"),
        ({"a0": (1, 2, 3)}, r"`a0` must be one for both populations or a pair \(E, I\)"),
        ({"a0": (1, -2)}, "`a0` = -2"),
        ({"a0": {"E": 1, "I": 2}}, "`a0` must be a number"),
        ({"V_R": 3.0}, "V_R = 3 must lie below the threshold V_F = 2"),
        ({"delays": [0.1, 0.2]}, r"`delays` has shape \(2,\)"),
    ],
)
def test_what_is_no_pair_is_refused(changes, message):
    with refused(message):
        fp.excitatory_inhibitory(**{"b_EE": 0.5, "b_EI": 0.25, "b_IE": 0.25, "b_II": 1.0} | changes)


def test_a_network_of_one_takes_a_number():
    one = fp.Network([POP], 0.5)
    assert one == fp.Network([POP], [[0.5]])
    assert run(one, grid=one.grid(60)).lane(0).model == fp.nnlif(b=0.5)


def test_networks_are_equal_if_all_of_them_is():
    again = fp.excitatory_inhibitory(0.5, 0.25, 0.25, 1.0)
    assert again == PAIR
    assert hash(again) == hash(PAIR)
    assert again != LATE
    assert again != fp.Network([POP, POP], PAIR.J)  # other names
    assert again != POP


# -- initial densities ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("initial", "message"),
    [
        ({"E": START}, r"`initial` names the populations \['E'\], but those of `model` are \['E', 'I'\]"),
        ({"E": START, "I": START, "X": START}, "`initial` names the populations"),
        ([START] * 3, "`initial` has 3 densities for 2 populations"),
        ([START], "`initial` has 1 densities for 2 populations"),
        ([], "`initial` is an empty list"),
        ([START, None], "`initial` must be fp.gaussian"),
        (None, "`initial` must be fp.gaussian"),
        (np.array([AVERAGES] * 2).T, "`initial` has 60 densities for 2 populations"),
        (np.array([AVERAGES] * 2)[None], r"`initial` has shape \(1, 2, 60\)"),
        (np.array([AVERAGES, 2 * AVERAGES]), "`initial` has mass 2, not 1"),
        (np.array([AVERAGES, np.nan * AVERAGES]), "finite and non-negative"),
    ],
    ids=str,
)
def test_initial_densities_that_fit_no_population_are_refused(initial, message):
    with refused(message):
        run(initial=initial)


@pytest.mark.parametrize(
    "initial",
    [START, [START, START], (START, START), {"I": START, "E": START}, AVERAGES, np.array([AVERAGES] * 2)],
    ids=["one", "list", "tuple", "dict", "array", "rows"],
)
def test_all_ways_to_give_the_same_start(initial):
    assert np.array_equal(run(initial=initial).density, run(initial=[AVERAGES, AVERAGES]).density)


def test_states_of_one_and_of_several_are_not_confused(solution):
    single = fp.nnlif(b=0.5)
    with refused(r"`initial` is the State of several populations; take one of them, as in solution.lane"):
        fp.solve(single, solution.final, SPAN)
    with refused("`initial` is the State of one population, but `model` has 2"):
        run(initial=solution.lane("E").final, grid=None)
    assert fp.solve(single, solution.lane("E").final, SPAN).status is fp.Status.FINISHED


def test_arrays_where_one_threshold_absorbs_and_the_other_does_not():
    mixed = fp.Network({"E": POP, "I": fp.nnlif(b=0.0, threshold=fp.RandomThreshold(0.1))}, PAIR.J)
    grid = mixed.grid(90)
    start = run(mixed, grid=grid, save_at=[0.0]).density[0]
    start /= (start @ grid.width)[:, None]
    sol = run(mixed, start, grid=grid)
    assert np.array_equal(sol.density[0], start)
    assert sol.lane("E").grid.v_max == 2.0  # nothing is above a threshold that absorbs
    assert sol.lane("I").grid.v_max == grid.v_max
    with refused("puts neurons of population 'E' above its absorbing threshold"):
        run(mixed, start[::-1], grid=grid)


# -- runs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("history", [[0.1, 0.2], lambda t: (0.1, 0.2)], ids=["pair", "function"])
def test_each_population_has_its_past(history):
    expected = run(LATE, history=np.array([0.1, 0.2])).rate_at(0.1)
    assert run(LATE, history=history).rate_at(0.1) == pytest.approx(expected, rel=1e-9)
    assert run(LATE, history=0.1).rate_at(0.1)[1] != pytest.approx(expected[1], rel=1e-3)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (LATE, {"history": [0.1, 0.2, 0.3]}, "`history` must be one rate for all 2 populations or one for each"),
        (LATE, {"history": {"E": 0.1, "I": 0.2}}, "`history` must be one rate for all 2 populations or one for each"),
        (LATE, {"history": [0.1, -0.2]}, "`history` is a firing rate"),
        (PAIR, {"history": [0.1, 0.2]}, "`model` looks back on nothing"),
        (PAIR, {"t_span": (1.0, 0.0)}, "runs backwards"),
        (PAIR, {"monitors": {"n": lambda s: s.density}}, "monitor `n` must return one number"),
        (PAIR, {"monitors": {"n": lambda s: list(s.rate)}}, "monitor `n` must return one number"),
        (PAIR, {"stop_when": [lambda s: s.rate > 0.01]}, r"`stop_when` must return True or False.*np.any"),
        (PAIR, {"clock": fp.ActivityClock()}, "fp.ActivityClock.* follows one population"),
        (PAIR, {"grid": POP.grid(60, v_min=-5.0).extended(4.0, 20)}, "the threshold of `model` is absorbing"),
        (
            fp.Network([POP, fp.nnlif(b=0.0, threshold=fp.RandomThreshold(0.1))], EYE),
            {"scheme": fp.Weno5(), "grid": None},
            "needs all thresholds absorbing, or none",
        ),
    ],
)
def test_what_a_run_of_several_does_not_take(model, options, message):
    with refused(message):
        run(model, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"scheme": fp.Weno5(), "stepper": fp.SspRk3()},
        {"scheme": fp.HarmonicMean()},
        {"scheme": fp.Upwind(), "stepper": fp.SspRk3()},
        {"stepper": fp.BackwardEuler(0.02, self_consistent=True)},
        {"scheme": fp.Spectral(1e-3), "grid": None, "initial": fp.compatible_gaussian(0.0, 0.25)},
        {"stop_when": [lambda s: np.any(s.rate > 1e-3)]},
        {"save_at": []},
    ],
    ids=["weno", "harmonic", "explicit", "self-consistent", "elements", "stopped", "nothing saved"],
)
def test_all_methods_solve_several(options):
    solution = run(**options)
    assert solution.status in (fp.Status.FINISHED, fp.Status.STOPPED)
    assert solution.rate.shape == (len(solution.t), 2)
    assert solution.density.shape[1:] == (2, solution.grid.cells)


@pytest.mark.parametrize("stepper", [None, fp.BackwardEuler(0.05)], ids=str)
def test_delays_and_fixed_silences_shorter_than_a_step(stepper):
    silent = fp.nnlif(b=0.0, refractory=fp.FixedRefractory(0.02))
    model = fp.Network([POP, silent], PAIR.J, delays=0.001)
    solution = run(model, t_span=(0.0, 0.3), stepper=stepper)
    assert solution.status is fp.Status.FINISHED
    assert solution.quality.mass_error < 1e-6


def test_populations_without_noise_and_currents_that_move():
    model = fp.Network([fp.nnlif(b=0.0, external=np.sin), fp.nnlif(b=0.0, a0=0.0, external=3.0)], PAIR.J)
    assert run(model, grid=model.grid(60, v_min=-6.0)).status is fp.Status.FINISHED
    with refused("`external` is a function of time"):
        model.grid(60)


# -- functions of a State ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", [fp.mass, fp.mean_potential, fp.second_moment, fp.smallest_density])
def test_moments_are_those_of_each(moment, solution):
    each = moment(solution.final)
    assert each.shape == (2,)
    assert each == pytest.approx([moment(solution.lane(k).final) for k in range(2)], rel=1e-14)
    assert isinstance(moment(solution.lane(0).final), float)


def test_relative_entropy_is_that_of_each():
    model = fp.excitatory_inhibitory(0.5, 0.25, 0.25, 1.0, refractory=(fp.ExponentialRefractory(0.2), None))
    here = run(model).final
    there = fp.discrete_stationary(model, here.grid, [0.1, 0.2])
    each = fp.relative_entropy(here, there)
    for k in range(2):
        one, other = (
            dataclasses.replace(state, density=state.density[k], refractory=float(state.refractory[k]))
            for state in (here, there)
        )
        assert each[k] == fp.relative_entropy(one, other)
    with refused("of the same populations"):
        fp.relative_entropy(here, dataclasses.replace(there, density=there.density[0]))


@pytest.mark.parametrize("laws", [{}, {"delays": 0.3, "refractory": (fp.FixedRefractory(0.2), None)}])
def test_the_discrete_stationary_state_of_each(laws):
    model = fp.excitatory_inhibitory(0.5, 0.25, 0.25, 1.0, **laws)
    rates = np.array([0.1, 0.2])
    state = fp.discrete_stationary(model, GRID, rates)
    for k, member in enumerate(model.populations):
        driven = dataclasses.replace(member, coupling=dataclasses.replace(member.coupling, external=model.J[k] @ rates))
        alone = fp.discrete_stationary(driven, GRID)
        assert state.density[k] == pytest.approx(alone.density, rel=1e-9, abs=1e-12)
        assert state.rate[k] == pytest.approx(alone.rate, rel=1e-9)
    with refused("`rate` must be one finite number, or one for each of 2 lanes"):
        fp.discrete_stationary(model, GRID, [0.1, 0.2, 0.3])


# -- what is of one population ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "instead"),
    [
        (lambda s: fp.entropy_balance(PAIR, s, s), "fp.relative_entropy gives that of each"),
        (lambda s: fp.blow_up_criterion(PAIR, START), "stated for one"),
        (lambda s: fp.fold_points(PAIR), "fp.bifurcations follows the stationary states of networks"),
        (lambda s: fp.bifurcation_curve(PAIR), "fp.bifurcations follows the stationary states of networks"),
        (lambda s: fp.critical_connectivity(LATE, (-1.0, 1.0)), "fp.critical_delay, at"),
        (lambda s: fp.pseudo_equilibria(LATE), "fp.solve takes networks with delays"),
        (lambda s: fp.cascade(PAIR, s), "followed in one population only"),
    ],
)
def test_what_is_of_one_population_says_what_to_do_instead(call, instead, solution):
    with refused(r"`model` must be one population, not Network\(2 populations: E, I\)") as caught:
        call(solution.final)
    assert instead in str(caught.value)


def test_particles_of_a_network_are_simulated_on_their_synapses():
    with refused("of type Network, but fp.simulate moves neurons that are all alike; use fp.simulate_synapses"):
        fp.simulate(PAIR, 100, START, SPAN)


@pytest.mark.parametrize(
    "call",
    [
        lambda s: fp.entropy_balance(fp.nnlif(b=0.5), s, s),
        lambda s: fp.cascade(fp.nnlif(b=0.5), s),
        lambda s: fp.simulate(fp.nnlif(b=0.5), 100, s, SPAN),
    ],
)
def test_states_of_several_are_refused_where_one_is_asked_for(call, solution):
    with refused(r"solution\.lane\('E'\)\.final"):
        call(solution.final)


# -- lanes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [2, -3, "X", None, True, 0.0, ["E"], np.array([0, 1]), "2"])
def test_lanes_that_are_none_are_refused(which, solution):
    with refused("is none of the 2 lanes E, I"):
        solution.lane(which)


def test_a_lane_that_listens_to_others_has_no_model_of_its_own(solution):
    assert solution.lane("E").model is None
    deaf = fp.Network({"E": POP, "I": POP}, [[0.5, 0.0], [1.0, -1.0]], noise=[[0.1, 0], [0, 0]], delays=0.1)
    sol = run(deaf, fp.compatible_gaussian(0.0, 0.25))
    assert sol.lane("E").model == fp.nnlif(b=0.5, a1=0.1, delay=0.1)
    assert sol.lane("I").model is None
    with refused("it has no lanes"):
        sol.lane("E").lane("E")


UNITS = {"V_R": -65.0, "V_F": -50.0, "a0": 225.0, "drift": lambda v: -(v + 80.0), "external": 7.5}
"""The neuron with V_R = 1, V_F = 2, a0 = 1 and I = 0.5 in millivolts, v' = 15 v − 80, exactly in binary."""


@pytest.mark.parametrize("cells", [True, False], ids=["cells", "elements"])
@pytest.mark.parametrize(
    ("laws", "start"),
    [
        ({}, fp.compatible_gaussian(-85.0, 60.0)),
        ({"threshold": fp.RandomThreshold(0.1)}, fp.gaussian(-85.0, 60.0)),
        ({"refractory": fp.FixedRefractory(0.05)}, lambda v: (-50.0 - v) * np.exp(-(((v + 85.0) / 10.0) ** 2))),
    ],
    ids=["hard", "random", "silent"],
)
def test_a_lane_is_the_population_in_its_own_units(cells, laws, start):
    own = fp.nnlif(b=6.0, **UNITS, **laws)
    first = fp.nnlif(b=0.0, **({"threshold": laws["threshold"]} if "threshold" in laws else {}))
    member = fp.nnlif(b=0.0, **UNITS, **laws)
    network = fp.Network({"first": first, "own": member}, [[0.5, 0.0], [0.0, 6.0]])
    begin = [fp.compatible_gaussian(0.0, 0.25) if cells and not laws else fp.gaussian(-1.0, 0.1), start]
    grid = network.grid(120) if cells else fp.Spectral(1e-6).default_grid(network, fp.gaussian(-1.0, 0.05), SPAN)
    stepper = fp.BackwardEuler(0.02) if cells else fp.Rodas5P()
    together = fp.solve(network, begin, SPAN, grid=grid, stepper=stepper, rtol=1e-8)
    lane = together.lane("own")
    assert isinstance(lane.grid, Elements) == (not cells)
    assert (lane.grid.V_R, lane.grid.V_F) == (-65.0, -50.0)
    assert lane.model == own
    alone = fp.solve(own, start, SPAN, grid=lane.grid, stepper=stepper, rtol=1e-8)
    assert lane.rate_at(0.1) == pytest.approx(alone.rate_at(0.1), rel=1e-6)
    scale = alone.final.density.max()
    assert lane.final.density == pytest.approx(alone.final.density, abs=1e-6 * scale)
    assert fp.mass(lane.final) == pytest.approx(1.0, abs=1e-9)
    assert fp.mean_potential(lane.final) == pytest.approx(fp.mean_potential(alone.final), rel=1e-7)
    onwards = [fp.solve(own, state, (0.1, 0.12), stepper=fp.BackwardEuler(0.01)) for state in (lane.final, alone.final)]
    assert onwards[0].rate == pytest.approx(onwards[1].rate, rel=1e-6)


def test_arrays_are_on_the_grid_that_all_share():
    network = fp.Network([POP, fp.nnlif(b=0.0, **UNITS)], 0.1 * EYE)
    grid = network.grid(60)
    averages = START.cell_averages(grid)
    sol = run(network, [averages, averages], grid=grid, save_at=[0.0])
    assert np.array_equal(sol.density[0], [averages, averages])
    assert np.array_equal(run(network, sol.density[0], grid=grid, save_at=[0.0]).density, sol.density)
