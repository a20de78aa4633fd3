"""Stationary states: the published tables, their number in every regime, folds, and that the solver stays there."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import between, decades, models, share_of_examples

import fokkerplanck as fp
from fokkerplanck.elements import Elements
from fokkerplanck.meanfield.firstpassage import mean_first_passage
from fokkerplanck.stationary import _balance, bifurcation_curve, fold_points

TAUS = (0.0, 0.025, 0.2, 1.0)
# Reference (30-digit quadrature and root finding): a0 = 1, V_R = 1, V_F = 2; a row per b, a column per τ of TAUS.
RATES = {
    0.0: """
-10 | 0.047335337249 | 0.0473077969003 | 0.0471151752714 | 0.0462384698207
-5 | 0.0648598462327 | 0.0647966165154 | 0.0643555367257 | 0.0623739609467
-1 | 0.100202194331 | 0.0999906413705 | 0.098530261242 | 0.0922871827029
0 | 0.119975965239 | 0.119617185557 | 0.117164578558 | 0.107123696367
0.5 | 0.134775079935 | 0.134264474159 | 0.130807609368 | 0.117213181316
1 | 0.15620700614 | 0.155394838169 | 0.149996703367 | 0.130210039599
1.5 | 0.192364012568 2.28912570775 | 0.190736129367 2.91698765547 10.7133751877 | 0.180408480734 | 0.147824994362
2 | 0.292582851472 0.689433839238 | 0.284063120851 0.748043053761 19.2010188694 | 0.244669046751 | 0.173582926321
3 |  | 26.4114408243 | 3.03481665437 | 0.299692008346
1.05 | 0.158933426289 29.3765735524 | | |
1.01 | 0.156741286945 149.386403735 | | |
1.001 | 0.156260193845 1499.38863996 | | |
""",  # the last three: section 2.3
    0.1: """
-10 | 0.0476527532424 | 0.0476247028556 | 0.047428523257 | 0.0465358340555
-5 | 0.0655114975785 | 0.0654464761668 | 0.0649929653934 | 0.0629570228821
-1 | 0.102042738821 | 0.101819665812 | 0.100280994537 | 0.0937271556975
0 | 0.12287365237 | 0.12248831661 | 0.119858673417 | 0.109171194693
0.5 | 0.138703400296 | 0.138145894095 | 0.13438232925 | 0.119751035476
1 | 0.162086406957 | 0.16117336553 | 0.155139765436 | 0.133477511014
1.5 | 0.203268713402 2.07633700187 | 0.201304839087 2.60308566003 10.8998968879 | 0.189060530391 | 0.1522660022
2 | 0.36201220551 0.533825366627 | 0.337642584297 0.601705588237 19.2313626323 | 0.268070607533 | 0.180131808326
3 |  | 26.4174249621 | 3.04531890471 | 0.319249190005
""",
    0.5: """
-10 | 0.0489609078713 | 0.0489306951166 | 0.0487194344513 | 0.0477590704795
-5 | 0.0682432645777 | 0.0681703903945 | 0.0676624346058 | 0.065389191415
-1 | 0.11013622868 | 0.10985764373 | 0.107943225671 | 0.099924301234
0 | 0.136109696064 | 0.135586128886 | 0.132043334185 | 0.118141771736
0.5 | 0.157313099874 | 0.156492360693 | 0.151035184578 | 0.131013947621
1 | 0.191991236831 | 0.190419883488 | 0.180389644258 | 0.148228660403
1.5 | 0.272735443931 1.29067156411 | 0.267122119468 1.54202208964 11.5266857672 | 0.237228663998 | 0.172784494399
2 |  | 19.3492482514 | 1.4828852885 | 0.21127923971
3 |  | 26.4411783205 | 3.0838292842 | 0.395361364935
""",
}
# Reference (30-digit quadrature): (a1, τ) and the folds (N, b)
FOLDS = {
    (0.0, 0.0): [(0.4242243597863, 2.100967760456)],
    (0.0, 0.005): [(0.4249670323399, 2.10543279546), (15.3701221857, 1.177269781605)],
    (0.0, 0.01): [(0.4257238842642, 2.109915228982), (10.35533434949, 1.252755836675)],
    (0.0, 0.025): [(0.4280837667615, 2.123469179356), (5.95766055762, 1.405184717439)],
    (0.0, 0.05): [(0.4323432689328, 2.146429138232), (3.78982727714, 1.579726051835)],
    (0.0, 0.1): [(0.4423585534253, 2.193862816055), (2.303519652151, 1.827569291791)],
    (0.0, 0.2): [(0.4722217509059, 2.29618029771), (1.288111304759, 2.167734940726)],
    (0.0, 1.0): [],
    (0.1, 0.0): [(0.4343738292681, 2.020560247486)],
    (0.1, 0.025): [(0.4387444158238, 2.043600605202), (5.749310414346, 1.391256077855)],
    (0.1, 0.2): [(0.4909790036097, 2.221539430451), (1.229077747873, 2.124959314357)],
    (0.5, 0.0): [(0.486537481779, 1.717634746821)],
    (0.5, 0.025): [(0.494216525696, 1.743230677235), (4.880478185282, 1.33244202307)],
    (0.5, 0.2): [(0.6343921745417, 1.94995341725), (0.9255143464462, 1.943686512528)],
}
# The same: a1 and the cusp (N, b, τ)
CUSPS = {
    0.0: (0.641137168444, 2.44953546219, 0.325446733097),
    0.1: (0.658177794088, 2.35124753513, 0.303018418979),
    0.5: (0.743859504796, 1.97415681621, 0.216068088616),
}


def network(b, a1=0.0, tau=0.0, **others):
    return fp.nnlif(b=b, a1=a1, refractory=fp.ExponentialRefractory(tau) if tau else None, **others)


def rates(model):
    return [state.rate for state in fp.stationary_states(model)]


def table(a1):
    for row in RATES[a1].strip().splitlines():
        b, *columns = (column.split() for column in row.split("|"))
        for tau, expected in zip(TAUS, columns, strict=True):
            if expected or tau == 0.0:
                yield network(float(b[0]), a1, tau), [float(rate) for rate in expected]


@pytest.mark.parametrize("a1", RATES)
def test_published_rates(a1):
    for model, expected in table(a1):
        states = fp.stationary_states(model)
        # Twelve significant digits are printed.
        np.testing.assert_allclose([state.rate for state in states], expected, rtol=6e-12, err_msg=repr(model))
        assert all(abs(state.residual) < 2e-14 for state in states)


def test_the_table_is_there():
    assert [len(list(table(a1))) for a1 in RATES] == [39, 36, 36]


def test_circulating_values_are_refuted():
    """The circulating values 2.319 (b = 1.5) and 0.1377 (b = 0) do not solve the equation they are quoted for."""
    (upper,) = rates(network(1.5))[1:]
    assert 2.319 * mean_first_passage(1.5 * 2.319, 1.0, 1.0, 2.0) - 1 < -4e-3
    assert upper == pytest.approx(2.28912570775, rel=1e-11)
    (free,) = rates(network(0.0))
    assert 0.1377 * mean_first_passage(0.0, 1.0, 1.0, 2.0) - 1 > 0.14
    assert free == pytest.approx(0.119975965239, rel=1e-11)


# -- how many ---------------------------------------------------------------------------------------------------


def test_a_pair_is_born_at_the_fold():
    (fold,) = fold_points(network(0.0))
    assert len(rates(network(fold.b + 1e-12))) == 0
    low, high = rates(network(fold.b - 1e-12))
    assert low < fold.rate < high
    assert high - low < 3e-6
    at_the_fold = rates(network(fold.b))  # 2, 1 or 0 after rounding, but never anywhere else
    np.testing.assert_allclose(at_the_fold, fold.rate, atol=1e-7)


@pytest.mark.parametrize(("tau", "count"), [(0.025, 3), (0.2, 3)])
def test_three_states_between_the_folds(tau, count):
    lower, upper = sorted(fold.b for fold in fold_points(network(0.0, tau=tau)))
    assert len(rates(network(0.5 * (lower + upper), tau=tau))) == count
    assert len(rates(network(lower - 1e-11, tau=tau))) == len(rates(network(upper + 1e-11, tau=tau))) == 1
    assert len(rates(network(lower + 1e-11, tau=tau))) == len(rates(network(upper - 1e-11, tau=tau))) == 3


def test_three_states_next_to_the_cusp():
    """Three roots within 3e-4 of each other."""
    model = network(0.0, tau=CUSPS[0.0][2] - 1e-9)
    first, second = fold_points(model)
    between = rates(network(0.5 * (first.b + second.b), tau=CUSPS[0.0][2] - 1e-9))
    assert len(between) == 3
    assert between[0] < first.rate < between[1] < second.rate < between[2] < between[0] + 1e-3


def test_the_upper_state_escapes_as_b_falls_to_the_distance_of_the_potentials():
    """N ~ 3/(2b(b − 1)) as b → 1; for b ≤ V_F − V_R there is one state only."""
    for excess in (1e-4, 1e-6, 1e-8):
        low, high = rates(network(1.0 + excess))
        assert low == pytest.approx(0.15620700614, rel=2 * excess)
        assert high * excess == pytest.approx(1.5, rel=5e-4 + 2 * excess)
    assert len(rates(network(1.0))) == len(rates(network(1.0 - 1e-8))) == 1


def test_rounding_at_infinity_is_no_state():
    """For b = V_F − V_R and a1 = b (V_R + V_F)/2, N I − 1 falls like 1/N²: beyond N = 1e7 it is all rounding."""
    model = network(2.0, 2.0, a0=4.0, V_R=0.0, V_F=2.0)
    assert sign_changes(model) == 0
    assert rates(model) == []
    assert fold_points(model) == ()


def test_noise_that_grows_with_the_rate_ignites_an_inhibitory_network():
    """Uniqueness for b ≤ 0 needs a1 = 0: a nearly noiseless network has two more states if a1 is large."""
    for b in (0.0, -1.0):
        quiet, threshold, ignited = rates(network(b, 100.0, a0=0.05))
        assert quiet < 1e-15
        assert 1e-3 < threshold < 1e-2
        assert ignited > 20
        assert len(rates(network(b, 0.0, a0=0.05))) == 1


def sign_changes(model):
    """Of ψ(σ) − b − a1 σ over σ > 0, after a + if τ > 0: the bound of `stationary_states`, for b + a1 > 0."""
    a0, a1, b = model.noise.a0, model.noise.gain, model.coupling.gain
    drive = max(model.V_F - model.coupling.external_at(0.0), 0.0)
    last = 4.0 * drive / a0 + 10.0 * (1.0 + abs(math.log(b + a1))) / math.sqrt(a0)
    s = np.concatenate([np.geomspace(1e-9, 1e-3, 500, endpoint=False) * last, np.linspace(1e-3, 1.0, 20_000) * last])
    log_psi = s * (model.V_F - model.coupling.external_at(0.0)) - 0.5 * a0 * s**2
    log_psi += np.log(-np.expm1(-s * (model.V_F - model.V_R)) / s)
    above = log_psi > np.log(b + a1 * s)
    if model.refractory.mean_duration > 0:
        above = np.append(True, above)
    return int(np.sum(above[1:] != above[:-1]))


@given(models(b=between(0.05, 5.0)))
def test_number_of_states_obeys_descartes(model):
    count, bound = len(rates(model)), sign_changes(model)
    assert count <= bound
    assert (bound - count) % 2 == 0


@given(models())
def test_every_state_solves_the_equation(model):
    states = fp.stationary_states(model)
    tau = model.refractory.mean_duration
    for state in states:
        assert abs(state.residual) < 1e-10
        time = mean_first_passage(state.current, state.diffusion, model.V_R, model.V_F)
        assert state.rate * (tau + time) == pytest.approx(1.0, abs=1e-10)
    assert [s.rate for s in states] == sorted(s.rate for s in states)
    if tau > 0 or model.coupling.gain < 0:
        assert len(states) % 2 == 1


@given(models(b=between(-5.0, 0.0) | decades(1.0, 1e4).map(lambda x: -x), a1=st.just(0.0)))
def test_an_inhibitory_network_has_one_state(model):
    (state,) = fp.stationary_states(model)
    assert abs(state.residual) < 1e-10


@share_of_examples(0.5)
@given(models(), between(-6.0, 4.0))
def test_derivatives_of_the_residual(model, log_rate):
    """Those that isolate the states, against Richardson-extrapolated central differences."""
    h = 1e-3
    x = log_rate + h * np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    _, first, second = _balance(model, x[2:3])
    values = [_balance(model, z)[0] for z in x]
    rounding = 4e-15 * (1.0 + abs(values[2])) / h
    difference = (8 * (values[3] - values[1]) - (values[4] - values[0])) / (12 * h)
    assert difference == pytest.approx(first[0], rel=1e-8, abs=1e-8 + rounding)
    slopes = [_balance(model, z)[1] for z in x]
    difference = (8 * (slopes[3] - slopes[1]) - (slopes[4] - slopes[0])) / (12 * h)
    rounding = 4e-15 * (1.0 + abs(first[0])) * (1.0 + abs(values[2])) / h
    assert difference == pytest.approx(second[0], rel=1e-8, abs=1e-8 + rounding)


@share_of_examples(0.5)
@given(models(b=between(0.2, 5.0)))
def test_all_states_are_found(model):
    """Against the curve b(N), sampled densely: it passes the value b as often as there are states."""
    tau = model.refractory.mean_duration
    states = rates(model)
    highest = math.log(1e5) if not tau else -math.log(tau) - 1e-6
    b, rate = bifurcation_curve(model, np.exp(np.linspace(-40.0, highest, 1000)))
    crossings = np.sum((b[1:] > model.coupling.gain) != (b[:-1] > model.coupling.gain))
    assert crossings == sum(rate[0] < r < rate[-1] for r in states)


# -- folds and the curve ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("a1", "tau"), FOLDS)
def test_published_folds(a1, tau):
    found = fold_points(network(-3.0, a1, tau))  # b plays no role
    expected = np.reshape(FOLDS[a1, tau], (-1, 2))
    # At an extremum of b(N), N is known to fewer digits than b in any quadrature.
    np.testing.assert_allclose(np.reshape([f.rate for f in found], -1), expected[:, 0], rtol=1e-11)
    np.testing.assert_allclose(np.reshape([f.b for f in found], -1), expected[:, 1], rtol=1e-12)


@pytest.mark.parametrize("a1", CUSPS)
def test_folds_merge_in_the_published_cusp(a1):
    rate, b, tau = CUSPS[a1]
    pair = fold_points(network(0.0, a1, tau - 1e-9))
    assert len(pair) == 2
    np.testing.assert_allclose(pair, [(rate, b)] * 2, rtol=3e-4)
    assert pair[1].b == pytest.approx(b, abs=1e-7)
    assert fold_points(network(0.0, a1, tau + 1e-9)) == ()


@share_of_examples(0.3)
@given(models())
def test_the_curve_passes_through_every_state(model):
    states = fp.stationary_states(model)
    if states and states[0].rate > 1e-250:
        b, _ = bifurcation_curve(model, [state.rate for state in states])
        external = model.coupling.external_at(0.0)
        for value, state in zip(b, states, strict=True):
            # b = (c − I)/N: what can be asked is accuracy of c
            scale = abs(external) + abs(state.current) + math.sqrt(state.diffusion)
            assert value * state.rate + external == pytest.approx(state.current, abs=1e-11 * scale + 1e-11 * model.V_F)


def test_default_curve():
    b, rate = bifurcation_curve(network(0.0))
    assert b.shape == rate.shape == (400,)
    assert b.max() == pytest.approx(2.100967760456, abs=1e-3)
    assert bifurcation_curve(network(0.0, tau=0.2))[1].max() < 5.0


# -- the profile and the state on a grid ------------------------------------------------------------------------


@share_of_examples(0.5)
@given(models())
def test_the_profile_has_the_mass_that_is_not_refractory(model):
    for state in fp.stationary_states(model):
        if state.current > model.V_F + 30 * math.sqrt(state.diffusion):
            continue  # its layer needs a finer grid
        c, a = state.current, state.diffusion
        grid = fp.Grid.graded(min(model.V_R, c) - 9 * math.sqrt(a), model.V_R, model.V_F, 1000, 1e-3 * math.sqrt(a))
        placed = state.state(grid)
        assert placed.density @ grid.width + placed.refractory == pytest.approx(1.0, abs=1e-11)
        assert placed.refractory == pytest.approx(model.refractory.mean_duration * state.rate, rel=1e-15)
        assert np.all(placed.density >= 0.0)
        # The rate is the slope at V_F.
        distance = 1e-9 * min(math.sqrt(a), model.V_F - model.V_R)
        slope = state.density(model.V_F - distance) / (model.V_F - (model.V_F - distance))
        assert a * slope == pytest.approx(state.rate, rel=1e-6)


@pytest.mark.parametrize(("b", "tau"), [(0.0, 0.0), (1.5, 0.0), (-10.0, 0.0), (1.0, 0.2), (0.5, 1.0)])
def test_the_solver_stays_at_a_stable_state(b, tau):
    model = network(b, tau=tau)
    state = fp.stationary_states(model)[0]
    assert state.stable
    sol = fp.solve(model, state.state(model.grid(400, finest=5e-3)), (0.0, 10.0))
    assert sol.status is fp.Status.FINISHED
    # The flux read off exact averages has the error of the last cell, O(h), for as long as that cell needs to adapt.
    np.testing.assert_allclose(sol.rate, state.rate, rtol=2e-3)
    np.testing.assert_allclose(sol.rate[sol.t > 1.0], state.rate, rtol=1e-4)
    assert sol.rate[-1] == pytest.approx(state.rate, rel=3e-5)
    np.testing.assert_allclose(sol.refractory, state.refractory, rtol=1e-4)


def test_the_solver_stays_there_to_second_order():
    model = network(1.5)
    (state, _) = fp.stationary_states(model)
    drift = []
    for cells in (180, 360, 720):
        grid = fp.Grid(np.linspace(-7.0, 2.0, cells + 1), 1.0)
        sol = fp.solve(model, state.state(grid), (0.0, 20.0), rtol=1e-9, atol=1e-12)
        drift.append(sol.rate[-1] - state.rate)
    coarse, fine = np.log2(np.array(drift[:-1]) / np.array(drift[1:]))
    assert coarse == pytest.approx(2.0, abs=0.06)
    assert fine == pytest.approx(2.0, abs=0.03)


def test_an_unstable_state_is_left_at_its_growth_rate():
    model = network(1.5)
    (_, state) = fp.stationary_states(model)
    assert not state.stable
    sol = fp.solve(model, state.state(model.grid(600, finest=2e-3)), (0.0, 3.0), rtol=1e-9, atol=1e-12)
    # N(t) = N_h + A e^{λt}: differences over 0.1 remove the scheme's own N_h. Late enough for the other modes to be
    # gone, early enough to be linear.
    left = (sol.t > 0.5) & (np.abs(sol.rate - sol.rate_at(0.2)) > 2e-3)
    t = sol.t[left][0] - np.array([0.3, 0.2, 0.1, 0.0])
    growth = np.diff(np.log(np.abs(np.diff(sol.rate_at(t))))) / 0.1
    np.testing.assert_allclose(growth, state.growth_rate, rtol=5e-3)


# -- what it is like to use -------------------------------------------------------------------------------------


def test_it_prints_itself():
    low, high = fp.stationary_states(network(1.5))
    assert repr(low).startswith("StationaryState(N = 0.192364012568, stable: λ = -0.8304, residual ")
    assert "unstable: λ = 3.882," in repr(high)
    (fast,) = fp.stationary_states(network(3.0, tau=0.2))
    assert "R = 0.606963" in repr(fast)
    assert "λ = 11.29 ± 19.13i" in repr(fast)


def test_external_current_and_connectivity_enter_together():
    """b N + I: a state of a coupled network is that of an uncoupled one with the current b N."""
    (low, high) = fp.stationary_states(network(1.5))
    for state in (low, high):
        (uncoupled,) = fp.stationary_states(network(0.0, external=state.current))
        assert uncoupled.rate == pytest.approx(state.rate, rel=1e-14)
        np.testing.assert_array_equal(uncoupled.density([0.0, 1.9]).round(12), state.density([0.0, 1.9]).round(12))


def test_a_silent_network_has_a_state_below_the_smallest_double():
    (state,) = fp.stationary_states(network(0.5, a0=1e-3))
    assert state.rate == 0.0
    assert state.log_rate == pytest.approx(-(4 / 2e-3) + math.log(2 / math.sqrt(2e-3 * math.pi)), rel=1e-5)
    # All that is left is the Gaussian of the membrane.
    v = np.linspace(-0.1, 0.1, 5)
    np.testing.assert_allclose(state.density(v), np.exp(-(v**2) / 2e-3) / math.sqrt(2e-3 * math.pi), rtol=1e-3)


def test_what_is_refused():
    with pytest.raises(fp.InvalidArgument, match="function of time"):
        fp.stationary_states(network(0.5, external=math.sin))
    for call in (fp.stationary_states, fold_points, bifurcation_curve):
        with pytest.raises(fp.InvalidArgument, match="nnlif"):
            call("nnlif")
    with pytest.raises(fp.InvalidArgument, match="below 1/τ = 5"):
        bifurcation_curve(network(0.0, tau=0.2), [1.0, 5.0])
    with pytest.raises(fp.InvalidArgument, match="`rate`"):
        bifurcation_curve(network(0.0), 0.0)
    (state,) = fp.stationary_states(network(0.5))
    with pytest.raises(fp.InvalidArgument, match=r"model\.grid"):
        state.state(fp.nnlif(b=0.5, V_R=0.5).grid(100))
    with pytest.raises(fp.InvalidArgument, match="v_min"):
        state.state(network(0.5).grid(100, v_min=-2.0))


def test_other_laws_are_refused():
    for call in (fold_points, bifurcation_curve):
        with pytest.raises(fp.InvalidArgument, match="leak drift"):
            call(fp.nnlif(b=0.5, drift=lambda v: -(v**3)))
        with pytest.raises(fp.InvalidArgument, match="random threshold only"):
            call(fp.nnlif(b=0.5, threshold=fp.SoftThreshold(lambda v: np.exp(v))))
    with pytest.raises(fp.InvalidArgument, match="a0 = a1 = 0"):
        fp.stationary_states(fp.nnlif(b=0.5, a0=0.0))
    with pytest.raises(fp.InvalidArgument, match="does not keep the density"):
        fp.stationary_states(fp.nnlif(b=0.5, drift=lambda v: v))


# -- other laws -------------------------------------------------------------------------------------------------

# Reference (30-digit parabolic cylinder functions): (ε, τ, b): the rates; a = 1, V_R = 1, V_F = 2
RANDOM = {
    (0.1, 0.2, 0.0): [0.060151839],
    (0.1, 0.2, 4.0): [2.214433098],
    (0.1, 0.025, 3.0): [0.110999511, 0.590248788, 4.804955448],
    (0.02, 0.2, 2.0): [0.138831243],
    (0.02, 0.2, 2.5): [0.179007008, 1.111549160, 1.488209301],
    (0.02, 0.2, 4.0): [3.171494046],
    (0.02, 1.0, 4.0): [0.410822023],
}


def random_network(epsilon, tau, b, **others):
    return network(b, tau=tau, threshold=fp.RandomThreshold(epsilon), **others)


@pytest.mark.parametrize("key", RANDOM)
def test_published_rates_with_a_random_threshold(key):
    states = fp.stationary_states(random_network(*key))
    np.testing.assert_allclose([state.rate for state in states], RANDOM[key], rtol=0, atol=6e-10)
    assert all(abs(state.residual) < 2e-14 for state in states)


def test_a_small_epsilon_is_nearly_the_hard_threshold():
    (hard,) = rates(network(0.5, tau=0.2))
    distances = [1.0 - rates(random_network(epsilon, 0.2, 0.5))[0] / hard for epsilon in (4e-6, 1e-6)]
    assert distances[0] / distances[1] == pytest.approx(2.0, rel=5e-3)  # O(√ε)
    assert distances[0] < 5e-3


def test_folds_with_a_random_threshold():
    folds = fold_points(random_network(0.02, 0.2, 0.0))
    for fold in folds:
        inside = math.copysign(1e-9, folds[0].b - folds[1].b) * (1 if fold is folds[1] else -1)
        assert len(rates(random_network(0.02, 0.2, fold.b + inside))) == 3
        assert len(rates(random_network(0.02, 0.2, fold.b - inside))) == 1
    b, _ = bifurcation_curve(random_network(0.02, 0.2, 0.0), [0.179007008, 1.111549160, 1.488209301])
    np.testing.assert_allclose(b, 2.5, rtol=1e-8)
    with pytest.raises(fp.InvalidArgument, match=r"1/\(τ \+ ε\) = 4.5454"):
        bifurcation_curve(random_network(0.02, 0.2, 0.0), 4.6)


@pytest.mark.parametrize(("a1", "b"), [(0.0, 2.5), (0.4, -1.0)])
def test_derivatives_with_a_random_threshold(a1, b):
    model = random_network(0.02, 0.2, b, a1=a1)
    x, h = np.linspace(-4.0, 1.4, 7), 1e-4
    values = [_balance(model, x + s * h) for s in (-1.0, 0.0, 1.0)]
    for order in (0, 1):
        difference = (values[2][order] - values[0][order]) / (2 * h)
        np.testing.assert_allclose(difference, values[1][order + 1], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("key", [(0.02, 0.2, 2.5), (0.1, 0.025, 3.0)])
def test_a_random_threshold_is_a_soft_one_with_a_jump(key):
    epsilon, tau, b = key
    soft = fp.SoftThreshold(lambda v: np.where(v > 2.0, 1.0 / epsilon, 0.0))
    found = fp.stationary_states(fp.nnlif(b=b, threshold=soft, refractory=fp.FixedRefractory(tau), delay=0.3))
    expected = fp.stationary_states(random_network(*key))
    np.testing.assert_allclose([s.rate for s in found], [s.rate for s in expected], rtol=1e-11)
    v = np.array([-3.0, 0.0, 0.99, 1.5, 1.99, 2.01, 2.5])
    np.testing.assert_allclose(found[0].density(v), expected[0].density(v), rtol=0, atol=1e-7)


def test_a_drift_that_is_the_leak_by_another_name():
    """Near the fold, too, where the two states are 0.03 apart."""
    b = fold_points(network(0.0, tau=0.2))[0].b - 1e-4
    found = fp.stationary_states(fp.nnlif(b=b, refractory=fp.FixedRefractory(0.2), drift=lambda v: -v))
    expected = fp.stationary_states(network(b, tau=0.2))
    np.testing.assert_allclose([s.rate for s in found], [s.rate for s in expected], rtol=1e-6)
    v = np.linspace(-3.0, 2.5, 23)
    np.testing.assert_allclose(found[-1].density(v), expected[-1].density(v), rtol=0, atol=1e-6)


@pytest.mark.parametrize("b", [-50.0, -1.0, 0.0, 0.9])
@pytest.mark.parametrize("tau", [0.0, 0.3])
def test_without_leak_the_rate_has_a_closed_form(b, tau):
    """N (τ + ℓ/(μ + bN)) = 1 is quadratic in N: τb N² + (ℓ + τμ − b) N − μ = 0; the state has b N + μ > 0."""
    refractory = fp.ExponentialRefractory(tau) if tau else None
    model = fp.nnlif(b=b, a0=0.1, a1=0.2, drift=fp.ConstantDrift(2.0), refractory=refractory)
    roots = np.roots([tau * b, 1.0 + 2.0 * tau - b, -2.0]) if tau * b else [2.0 / (1.0 + 2.0 * tau - b)]
    expected = sorted(float(N) for N in roots if N > 0.0 and 2.0 + b * N > 0.0)
    found = fp.stationary_states(model)
    np.testing.assert_allclose([state.rate for state in found], expected, rtol=1e-12)
    state = found[0].state(model.grid(400, v_min=-40.0, finest=1e-3))
    assert state.density @ state.grid.width + state.refractory == pytest.approx(1.0, abs=1e-6)


def test_the_quadratic_neuron():
    """Against the double integral of the mean first-passage time, I = ∫ ∫ e^{Φ(s) − Φ(v)}/a over v < s, s > V_R."""
    model = fp.nnlif(b=0.0, a0=0.5, V_R=-4.0, V_F=6.0, external=-0.2, drift=fp.QuadraticDrift())
    (state,) = fp.stationary_states(model)
    v, h = np.linspace(-6.5, 6.0, 12_501, retstep=True)
    v = v[:-1] + 0.5 * h  # V_R and V_F lie between the points
    phi = -(v**3 / 3.0 - 0.2 * v) / 0.5
    outer = np.exp(phi) * (v > -4.0)
    above = np.cumsum(outer[::-1])[::-1] - 0.5 * outer
    time = (np.exp(-phi) * above).sum() * h**2 / 0.5
    assert state.rate == pytest.approx(1.0 / time, rel=1e-4)
    grid = model.grid(400, finest=1e-3)
    assert state.state(grid).density @ grid.width == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    "laws",
    [
        {"delay": 0.7},
        {"refractory": fp.FixedRefractory(0.3), "delay": 0.4},
        {"threshold": fp.RandomThreshold(0.05), "refractory": fp.FixedRefractory(0.3)},
        {"threshold": fp.SoftThreshold(lambda v: np.exp(3.0 * (v - 2.0)))},
    ],
)
def test_the_solver_stays_there_with_other_laws(laws):
    model = fp.nnlif(b=0.5, **laws)
    (state,) = fp.stationary_states(model)
    sol = fp.solve(model, state.state(model.grid(300, finest=5e-3)), (0.0, 3.0), estimate_error=False)
    np.testing.assert_allclose(sol.rate[sol.t > 1.0], state.rate, rtol=5e-4)
    np.testing.assert_allclose(sol.refractory, state.refractory, rtol=1e-3)


NUMERICAL = {
    "quadratic": {"a0": 0.5, "V_R": -1.0, "V_F": 2.0, "drift": fp.QuadraticDrift()},
    "exponential": {"V_F": 2.5, "drift": fp.ExponentialDrift(0.2, V_T=1.5)},
    "soft": {"threshold": fp.SoftThreshold(lambda v: np.exp(3.0 * (v - 2.0)))},
    "strong": {"drift": lambda v: -v, "external": 50.0},
}


@pytest.mark.parametrize("laws", NUMERICAL.values(), ids=NUMERICAL)
def test_a_numerical_state_is_what_the_passage_says_and_is_not_rescaled(laws):
    """The averages are those of the profile, so that their mass is one by themselves, not by a factor."""
    model = fp.nnlif(b=0.0, **laws)
    (state,) = fp.stationary_states(model)
    grid = model.grid(300, finest=2e-3)
    placed = state.state(grid)
    nodes, weights = np.polynomial.legendre.leggauss(8)
    profile = state.density(grid.v[:, None] + 0.5 * grid.width[:, None] * nodes) @ (0.5 * weights)
    np.testing.assert_allclose(placed.density, profile, rtol=0, atol=1e-7 * profile.max())
    assert placed.density @ grid.width == pytest.approx(1.0, abs=1e-8)


def test_a_grid_that_cuts_off_mass_of_a_numerical_state_is_refused():
    model = fp.nnlif(b=0.0, **NUMERICAL["quadratic"])
    (state,) = fp.stationary_states(model)
    for grid in (model.grid(300, v_min=-2.0), fp.Spectral().grid(model, v_min=-2.0)):
        with pytest.raises(fp.InvalidArgument, match="misses a mass"):
            state.state(grid)


ON_ELEMENTS = {
    "leak": {},
    "pool": {"refractory": fp.ExponentialRefractory(0.2)},
    "random": {"threshold": fp.RandomThreshold(0.05)},
    "fixed": {"delay": 0.1, "refractory": fp.FixedRefractory(0.2)},
    "exponential": {"V_F": 2.5, "drift": fp.ExponentialDrift(0.2, V_T=1.5)},
}


@pytest.mark.parametrize("laws", ON_ELEMENTS.values(), ids=ON_ELEMENTS)
def test_a_default_run_ends_in_the_stationary_state(laws):
    model = fp.nnlif(b=0.5, **laws)
    sol = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 15.0), estimate_error=False)
    assert isinstance(sol.grid, Elements)
    P = fp.stationary_states(model)[0].state(sol.grid)
    assert P.density @ sol.grid.width + P.refractory == pytest.approx(1.0, abs=1e-9)
    assert fp.relative_entropy(sol.final, P) < 1e-9
    assert fp.relative_entropy(sol.final, P, fp.Absolute()) < 1e-6
    stay = fp.solve(model, P, (0.0, 1.0), estimate_error=False)
    np.testing.assert_allclose(stay.rate[1:], P.rate, rtol=1e-5)


def test_a_numerical_passage_too_rare_for_doubles_has_no_state():
    assert fp.stationary_states(fp.nnlif(b=-1.0, a0=1e-3, drift=lambda v: -v)) == ()


def test_noise_of_the_network_alone():
    (state,) = fp.stationary_states(fp.nnlif(b=0.5, a0=0.0, a1=1.0, external=3.0))
    assert abs(state.residual) < 1e-13


# -- far from the usual scales ----------------------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [{"V_R": 2 - 1e-12}, {"a0": 1e25}, {"external": 1e12}])
def test_a_linear_network_has_its_state_however_fast(parameters):
    model = fp.nnlif(b=0.0, **parameters)
    (state,) = fp.stationary_states(model)
    passage = mean_first_passage(model.coupling.external, model.noise.a0, model.V_R, model.V_F)
    assert state.rate == pytest.approx(1.0 / float(passage), rel=1e-9)


def test_a_stability_that_the_spectrum_cannot_resolve_is_not_claimed():
    (state,) = fp.stationary_states(fp.nnlif(b=0.0, V_R=2 - 1e-8))
    assert state.stable is None
    assert "stability not resolved" in repr(state)


def test_a_strong_drift_has_a_spectrum():
    for model in (fp.nnlif(b=1.0001), fp.nnlif(b=0.0, external=1e8)):
        for state in fp.stationary_states(model):
            assert state.stable in (True, False, None)
            assert repr(state)
