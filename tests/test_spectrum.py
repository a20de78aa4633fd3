"""Spectra: the published tables, exact eigenvalues, and the Jacobian against differences of what `solve` integrates."""

import dataclasses
import math
from functools import cache

import numpy as np
import pytest
from helpers import system_of
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import gammaln
from strategies import between, grids, models, share_of_examples

import fokkerplanck as fp
from fokkerplanck.spectrum import fitted_grid, jacobian
from fokkerplanck.stationary import StationaryState, fold_points

# Reference (parabolic-cylinder roots and hp elements, agreeing to these digits):
# (a1, τ, b), which of the states, its leading eigenvalues.
EIGENVALUES = [
    (0.0, 0.0, -100.0, 0, [-1.9478363505, -2.7651783098, -3.7720426299]),
    (0.0, 0.0, -20.0, 0, [-1.791547871, -2.599201113, -3.839083195]),
    (0.0, 0.0, -10.0, 0, [-1.672513309, -2.566934996, -3.8976955602]),
    (0.0, 0.0, -5.0, 0, [-1.5414208535, -2.5599274814, -3.9620751919]),
    (0.0, 0.0, -2.0, 0, [-1.3887533501, -2.5708524243, -4.0382650918]),
    (0.0, 0.0, -1.0, 0, [-1.306914879, -2.582084539, -4.0800290617]),
    (0.0, 0.0, -0.5, 0, [-1.2546950075, -2.5907463593, -4.1070827234]),
    (0.0, 0.0, 0.0, 0, [-1.19096709239, -2.60267997825, -4.14055953667, -5.75045544329, -7.40654862321]),
    (0.0, 0.0, 0.5, 0, [-1.1099622657, -2.6197634791, -4.1838844478]),
    (0.0, 0.0, 1.0, 0, [-1.0, -2.6459639363, -4.244151617]),
    (0.0, 0.0, 1.5, 0, [-0.83043544857, -2.6922585893, -4.3405274814]),
    (0.0, 0.0, 1.5, 1, [3.8817950746, -6.0414746887, -8.9266901436]),
    (0.0, 0.0, 2.0, 0, [-0.43136437221, -2.8250213329, -4.5846759926]),
    (0.0, 0.0, 2.0, 1, [0.71340735019, -3.3637177507, -5.4273506815]),
    (0.0, 0.0, 2.05, 0, [-0.32430095825]),
    (0.0, 0.0, 2.05, 1, [0.4609554444]),
    (0.0, 0.0, 2.1, 0, [-0.051080744812]),
    (0.0, 0.0, 2.1, 1, [0.053576302607]),
    (0.0, 0.2, -10.0, 0, [-1.6721754049, -2.3920675962, -3.5968375486]),
    (0.0, 0.2, 0.0, 0, [-1.133871869, -2.4606823112, -3.9030422716]),
    (0.0, 0.2, 1.5, 0, [-0.81741520343, -2.5679822617]),
    (0.0, 0.2, 2.0, 0, [-0.57356256996, -2.6822457024]),
    (0.0, 0.2, 3.0, 0, [11.286274757 + 19.127099129j, 11.286274757 - 19.127099129j]),
    (0.0, 0.025, 1.5, 0, [-0.82959770247]),
    (0.0, 0.025, 1.5, 1, [3.9832875733]),
    (0.0, 0.025, 1.5, 2, [20.454756349 + 35.448613868j, 20.454756349 - 35.448613868j]),
    (0.0, 1.0, 0.0, 0, [-0.7392579879, -1.5986586754, -2.902864453]),
    (0.0, 1.0, 3.0, 0, [-0.76317159461, -1.4265051666]),
    (0.1, 0.0, 0.0, 0, [-1.2008771379, -2.5879502558]),
    (0.1, 0.0, 1.5, 0, [-0.8132049325]),
    (0.1, 0.0, 1.5, 1, [3.6227686892]),
    (0.5, 0.0, 0.0, 0, [-1.2518368041, -2.514931127]),
    (0.5, 0.0, 1.5, 0, [-0.68674681078]),
    (0.5, 0.0, 1.5, 1, [2.0519253181]),
]


@cache
def network(b, a1=0.0, tau=0.0, **others):
    return fp.nnlif(b=b, a1=a1, refractory=fp.ExponentialRefractory(tau) if tau else None, **others)


@pytest.mark.parametrize(("a1", "tau", "b", "index", "expected"), EIGENVALUES)
def test_published_eigenvalues(a1, tau, b, index, expected):
    model = network(b, a1, tau)
    found = fp.spectrum(model, fp.stationary_states(model)[index], count=len(expected))
    np.testing.assert_allclose(found.eigenvalues, expected, rtol=1e-6)
    assert np.all(np.abs(found.eigenvalues - expected) < found.error + 1e-6 * np.abs(expected))


@pytest.mark.parametrize(("a1", "tau", "b", "index", "expected"), [row for row in EIGENVALUES if row[2] in (1.5, 3.0)])
def test_stability_of_the_states(a1, tau, b, index, expected):
    state = fp.stationary_states(network(b, a1, tau))[index]
    leading = expected[0]
    assert state.stable == (leading.real < 0)
    assert state.eigenvalue == pytest.approx(leading, rel=1e-6)
    assert state.growth_rate == state.eigenvalue.real


@pytest.mark.parametrize("a1", [0.0, 0.1, 0.5])
@pytest.mark.parametrize(("V_R", "V_F", "a0"), [(1.0, 2.0, 1.0), (-0.5, 0.75, 0.3), (0.0, 2.0, 4.0)])
def test_one_eigenvalue_is_minus_one(a1, V_R, V_F, a0):
    """Exact law: for b = V_F − V_R the mean potential obeys m' = −m in the nonlinear problem."""
    model = network(V_F - V_R, a1, V_R=V_R, V_F=V_F, a0=a0)
    for state in fp.stationary_states(model):
        found = fp.spectrum(model, state).eigenvalues
        assert np.min(np.abs(found + 1.0)) < 1e-5


@pytest.mark.parametrize(("a1", "tau"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.2), (0.1, 0.025)])
def test_one_eigenvalue_vanishes_at_a_fold_and_the_mass_does_not_hide_it(a1, tau):
    for fold in fold_points(network(0.0, a1, tau)):
        model = network(fold.b, a1, tau)
        at = StationaryState(model, math.log(fold.rate), 0.0)
        eigenvalues = fp.spectrum(model, at, count=4).eigenvalues
        assert np.sum(np.abs(eigenvalues) < 1e-4) == 1
        assert np.min(np.abs(eigenvalues)) < 2e-6 * np.max(np.abs(eigenvalues))


# -- independent of any grid ------------------------------------------------------------------------------------


def psi(order, w, top):
    """ψ_λ(w) e^{−top²/2} = ∫ s^{λ−1} e^{sw − s²/2 − top²/2} ds / Γ(λ), λ > 0: the trapezoidal rule in x = log s.

    The integrand is analytic and falls off at both ends, so the rule converges exponentially.
    """
    peak = math.log(0.5 * (w + math.sqrt(w * w + 4.0 * order)))
    wide = 12.0 / math.sqrt(order)
    x = np.linspace(peak - wide - 40.0 / order, peak + wide, 4000)
    values = np.exp(order * x + w * np.exp(x) - 0.5 * np.exp(2 * x) - 0.5 * top**2 - gammaln(order))
    return values.sum() * (x[1] - x[0])


def characteristic(state, eigenvalue):
    """The division-free characteristic function of the linearised equation, for a real eigenvalue λ > 0."""
    model, N, root = state.model, state.rate, math.sqrt(state.diffusion)
    w_F, w_R = (model.V_F - state.current) / root, (model.V_R - state.current) / root
    b, a1, tau, top = model.coupling.gain, model.noise.gain, model.refractory.mean_duration, max(w_F, 0.0)

    def rise(order):
        return psi(eigenvalue + order, w_F, top) - psi(eigenvalue + order, w_R, top)

    left = (psi(eigenvalue, w_F, top) - psi(eigenvalue, w_R, top) / (1 + eigenvalue * tau)) / eigenvalue
    by_current = b * N / root / (eigenvalue + 1) * rise(1)
    by_noise = a1 * N / root**2 * (eigenvalue + 1) / (eigenvalue + 2) * rise(2)
    return left - by_current - by_noise


def test_the_characteristic_function_vanishes_where_the_table_says():
    (_, state) = fp.stationary_states(network(1.5))
    below, above = (characteristic(state, 3.8817950746 * (1 + s * 1e-9)) for s in (-1, 1))
    assert below * above < 0


@share_of_examples(0.25)
@given(models(b=st.just(0.0), a1=st.just(0.0) | between(0.0, 0.3), refractory=st.none()), between(0.3, 0.95))
def test_unstable_eigenvalues_solve_the_characteristic_equation(model, share):
    """Between V_F − V_R and the fold there are two states, and the upper one has a real positive eigenvalue.

    Unless, with a strong drive and little noise, it has two of them, which can meet and become a pair.
    """
    folds = fold_points(model)
    assume(folds and folds[-1].b > model.V_F - model.V_R)
    b = model.V_F - model.V_R + share * (folds[-1].b - (model.V_F - model.V_R))
    coupled = dataclasses.replace(model, coupling=dataclasses.replace(model.coupling, b=b))
    state = fp.stationary_states(coupled)[-1]
    assume(state.rate > 1e-6 and state.current < model.V_F + 10 * math.sqrt(state.diffusion))
    assert not state.stable
    assume(fp.spectrum(coupled, at=state, count=2).eigenvalues[1].real < 0.5 * state.growth_rate)
    assert state.eigenvalue.imag == 0
    below, above = (characteristic(state, state.growth_rate * (1 + s * 2e-4)) for s in (-1, 1))
    assert below * above < 0


# Reference (roots of the characteristic equation, in 25-digit parabolic cylinder functions)
FIXED = fp.FixedRefractory
DELAYED = [
    ({"b": -30.0, "delay": 1.0}, 0, [-0.11872888678 + 2.24319229124j, -1.02984279591 + 8.38131573839j]),
    ({"b": -10.0, "a1": 0.1, "delay": 2.0}, 0, [-0.14461756704 + 1.21189236925j, -0.54372668519 + 4.20410558536j]),
    ({"b": 1.0, "refractory": FIXED(1.0)}, 0, [-0.80659167112, -1.84681124450 + 4.36307824790j]),
    ({"b": -20.0, "a1": 0.2, "delay": 0.7, "refractory": FIXED(0.5)}, 0, [-0.96655586904 + 2.93360273990j]),
    ({"b": 1.5, "delay": 0.3}, 0, [-0.70012043911, -2.59801647034]),
    ({"b": 1.5, "delay": 0.3}, 1, [0.71977567323, -1.18899880550 + 18.86920510924j]),
    ({"b": -60.0, "delay": 1.0, "refractory": fp.ExponentialRefractory(0.3)}, 0, [0.07491677269 + 2.27705467031j]),
    ({"b": -41.9643854, "delay": 1.0}, 0, [2.264965j]),
    ({"b": -2.95223051, "delay": 1.0, "a0": 0.2, "V_R": -2.0, "V_F": 0.0}, 0, [2.575151j]),
]


@pytest.mark.parametrize(("laws", "index", "expected"), DELAYED)
def test_eigenvalues_with_a_past(laws, index, expected):
    model = fp.nnlif(**laws)
    values = fp.spectrum(model, fp.stationary_states(model)[index], count=4).eigenvalues
    np.testing.assert_allclose(values[values.imag >= 0.0][: len(expected)], expected, atol=1e-6)


# Reference (roots of the characteristic equation): (ε, τ, b), which state, its leading eigenvalue
RANDOM = [
    (0.1, 0.2, 0.0, 0, -1.1014),
    (0.1, 0.2, 4.0, 0, -1.95637 + 9.75291j),
    (0.1, 0.025, 3.0, 1, 1.20278),
    (0.02, 0.2, 2.5, 2, -1.53274 + 2.86017j),
    (0.02, 0.2, 4.0, 0, 5.70337 + 20.04833j),
    (0.02, 1.0, 4.0, 0, -0.56796 + 1.22971j),
]


@pytest.mark.parametrize(("epsilon", "tau", "b", "index", "expected"), RANDOM)
def test_eigenvalues_with_a_random_threshold(epsilon, tau, b, index, expected):
    model = fp.nnlif(b=b, threshold=fp.RandomThreshold(epsilon), refractory=fp.ExponentialRefractory(tau))
    assert fp.stationary_states(model)[index].eigenvalue == pytest.approx(expected, abs=2e-5)


def test_a_drift_by_another_name_has_the_same_spectrum():
    model = fp.nnlif(b=0.5, drift=lambda v: -v)
    state = StationaryState(model, fp.stationary_states(network(0.5))[0].log_rate, 0.0)
    np.testing.assert_allclose(fp.spectrum(model, state, 2).eigenvalues, [-1.1099622657, -2.6197634791], rtol=2e-6)


@pytest.mark.parametrize("delay", [0.0, 0.4])
def test_the_pool_of_a_fixed_refractory_time(delay):
    """R = ∫ N over the last τ, so that for a mode R = N (1 − e^{−λτ})/λ; and no mode has mass."""
    model = fp.nnlif(b=0.5, refractory=FIXED(0.8), delay=delay)
    (state,) = fp.stationary_states(model)
    grid = model.grid(100, v_min=-7.0)
    found = fp.spectrum(model, state, 3, grid)
    np.testing.assert_allclose(found.modes @ grid.width + found.refractory, 0.0, atol=1e-12)
    own = 2e-2  # the eigenvalues are extrapolated, the modes are those of the grid
    expected = found.rate * -np.expm1(-0.8 * found.eigenvalues) / found.eigenvalues
    np.testing.assert_allclose(found.refractory, expected, rtol=own)
    matrix, _, mass = jacobian(fp.ScharfetterGummel().discretize(model, grid), state.cell_averages(grid), state.rate)
    np.testing.assert_allclose(mass @ matrix, 0.0, atol=1e-11 * np.abs(matrix).max())


def test_a_long_delay_gets_the_nodes_it_needs():
    model = fp.nnlif(b=-20.0, delay=30.0)
    (state,) = fp.stationary_states(model)
    found = fp.spectrum(model, state, 6)
    # Near the axis, e^{−λd} G(λ) = 1 with G nearly real and negative: ω ≈ (2k + 1) π/d, a little less.
    np.testing.assert_allclose(found.eigenvalues.imag[::2] * 30.0 / np.pi, [1.0, 3.0, 5.0], rtol=0.03)
    assert np.all(found.error < 1e-8)


# -- the Jacobian -----------------------------------------------------------------------------------------------


@share_of_examples(0.5)
@given(st.data())
def test_the_jacobian_is_that_of_the_solver(data):
    """Against central differences of the right-hand side, with the rate closed at both ends; columns sum to zero."""
    model = data.draw(models(b=between(-5.0, 1.0), a1=st.just(0.0) | between(0.0, 0.2)))
    grid = data.draw(grids(model))
    pool = 0.2 if model.refractory.mean_duration > 0 else 0.0
    density = np.exp(-(((grid.v - model.V_R) / (model.V_F - model.V_R)) ** 2)) * (model.V_F - grid.v)
    density *= (1.0 - pool) / (density @ grid.width)
    system = fp.ScharfetterGummel().discretize(model, grid)
    y = system.pack(density, pool)
    assume(system.close(y, 0.0))
    assume(y[-1, 0] < 5.0)
    matrix, rate, _ = jacobian(system, density, float(y[-1, 0]))
    unit = np.append(grid.width, 1.0)[: len(matrix)]  # the matrix acts on masses
    scale = np.abs(matrix).max()
    np.testing.assert_allclose(matrix.sum(axis=0), 0.0, atol=1e-12 * scale)

    direction = np.append(density * np.cos(3.0 * grid.v), 0.3)

    def moved(step):
        z = system.pack(density + step * direction[:-1], pool + step * direction[-1] * (pool > 0))
        assert system.close(z, 0.0)
        return system.residual(z, 0.0, np.empty(system.shape))[: len(matrix), 0] * unit, z[-1, 0]

    h = 1e-4
    (up, rate_up), (down, rate_down) = moved(h), moved(-h)
    change = direction[: len(matrix)] * unit
    flow = np.abs(matrix) @ np.abs(change)
    np.testing.assert_allclose(matrix @ change, (up - down) / (2 * h), atol=1e-6 * flow.max())
    assert rate @ change == pytest.approx((rate_up - rate_down) / (2 * h), abs=1e-6 * (np.abs(rate) @ np.abs(change)))


def test_the_solver_relaxes_with_the_leading_mode():
    """Start on the discrete stationary state plus a little of the mode; N decays like e^{λ₁ t}."""
    model = network(0.5, 0.0, 0.2)
    (state,) = fp.stationary_states(model)
    found = fp.spectrum(model, state, count=1)
    system, y = system_of(model, found.grid, state.cell_averages(found.grid), state.refractory)
    for _ in range(60):
        y = system.implicit_step(y, 0.0, 1e3)
    rest = system.unpack(y, 0.0)
    start = fp.State(
        0.0,
        found.grid,
        rest.density + 1e-4 * found.modes[0].real,
        rest.rate,
        rest.refractory + 1e-4 * found.refractory[0].real,
    )
    sol = fp.solve(model, start, (0.0, 2.0), rtol=1e-10, atol=1e-14)
    excess = sol.rate_at([0.0, 0.5, 1.0, 1.5, 2.0]) - rest.rate
    assert excess[0] == pytest.approx(1e-4 * found.rate[0], rel=2e-3)
    np.testing.assert_allclose(np.diff(np.log(excess)) / 0.5, found.eigenvalues[0].real, rtol=2e-3)


# -- what it returns --------------------------------------------------------------------------------------------


def test_modes_are_eigenvectors():
    model = network(3.0, 0.0, 0.2)
    (state,) = fp.stationary_states(model)
    found = fp.spectrum(model, state, count=5)
    grid = found.grid
    assert found.modes.shape == (5, grid.cells)
    assert found.v.shape == (grid.cells,)
    system = fp.ScharfetterGummel().discretize(model, grid)
    matrix, rate, _ = jacobian(system, state.cell_averages(grid), state.rate)
    for value, mode, pool, speed in zip(found.eigenvalues, found.modes, found.refractory, found.rate, strict=True):
        x = np.append(mode * grid.width, pool)
        assert np.abs(x).sum() == pytest.approx(1.0, rel=1e-12)
        assert abs(x.sum()) < 1e-9  # no mass
        assert rate @ x == pytest.approx(speed, rel=1e-9)
        assert speed > 0
        # Of this grid, hence without the extrapolation.
        own = (matrix @ x) @ np.conj(x) / (x @ np.conj(x))
        assert own == pytest.approx(value, rel=1e-2)
        np.testing.assert_allclose(matrix @ x, own * x, atol=1e-13 * np.abs(matrix).max())


def test_order_and_conjugate_pairs():
    model = network(3.0, 0.0, 0.2)
    (state,) = fp.stationary_states(model)
    values = fp.spectrum(model, state).eigenvalues
    assert values.dtype == complex
    assert len(values) == 6
    assert np.all(np.diff(values.real) <= 0)
    assert values[0] == np.conj(values[1])
    assert values[0].imag > 0


def test_a_grid_of_ones_own():
    model = network(0.0)
    (state,) = fp.stationary_states(model)
    grid = model.grid(120, v_min=-7.0)
    found = fp.spectrum(model, state, 3, grid)
    assert found.modes.shape == (3, 120)
    np.testing.assert_allclose(found.eigenvalues, [-1.19096709239, -2.60267997825, -4.14055953667], rtol=2e-5)


def test_the_extrapolated_error_is_of_fourth_order():
    model = network(0.0)
    (state,) = fp.stationary_states(model)
    errors = [
        abs(fp.spectrum(model, state, 1, fp.Grid(np.linspace(-7.0, 2.0, n + 1), 1.0)).eigenvalues[0] + 1.19096709239064)
        for n in (45, 90, 180)
    ]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(orders > 3.0)
    assert errors[-1] < 2e-6


def test_other_schemes():
    """Chang–Cooper is the same scheme for linear drift; central differences have an error of their own."""
    model = network(1.5)
    (state, _) = fp.stationary_states(model)
    reference = fp.spectrum(model, state, 2).eigenvalues
    same = fp.spectrum(model, state, 2, scheme=fp.ChangCooper()).eigenvalues
    np.testing.assert_allclose(same, reference, rtol=1e-9)
    central = fp.spectrum(model, state, 2, scheme=fp.Central()).eigenvalues
    np.testing.assert_allclose(central, reference, rtol=1e-5)


def test_the_fitted_grid_follows_the_state():
    (low, high) = fp.stationary_states(network(1.01))
    assert fitted_grid(low).v_min == pytest.approx(low.current - math.sqrt(80.0), rel=1e-12)
    assert fitted_grid(high).v_min > 0.7
    assert fitted_grid(high).width[-1] < 2e-3
    assert fitted_grid(low, 80).cells == 80


def test_it_prints_itself():
    model = network(1.0)
    (state,) = fp.stationary_states(model)
    lines = repr(fp.spectrum(model, state, 2)).splitlines()
    assert lines[0].startswith("Spectrum: the 2 leading eigenvalues, on Grid(240 cells")
    assert lines[2].startswith("└─ -2.64596")


def test_what_is_refused():
    model = network(0.5)
    (state,) = fp.stationary_states(model)
    with pytest.raises(fp.InvalidArgument, match="for this very model"):
        fp.spectrum(network(0.6), state)
    with pytest.raises(fp.InvalidArgument, match="stationary_states"):
        fp.spectrum(model, 0.13)
    for count in (0, -1, 2.0, True):
        with pytest.raises(fp.InvalidArgument, match="`count`"):
            fp.spectrum(model, state, count)
    with pytest.raises(fp.InvalidArgument, match="`count` = 200 needs"):
        fp.spectrum(model, state, 200)
    with pytest.raises(fp.InvalidArgument, match="`grid`"):
        fp.spectrum(model, state, grid=100)
    with pytest.raises(fp.InvalidArgument, match="must fit the model"):
        fp.spectrum(model, state, grid=fp.nnlif(b=0.5, V_R=0.5).grid(100))
    with pytest.raises(fp.InvalidArgument, match="v_min"):
        fp.spectrum(model, state, grid=model.grid(100, v_min=-2.0))


def test_a_grid_that_does_not_resolve_the_layer_is_refused():
    model = network(-1.0, 100.0, a0=0.05)
    state = fp.stationary_states(model)[-1]
    with pytest.raises(fp.InvalidArgument, match="finest"):
        fp.spectrum(model, state, grid=fp.Grid.uniform(-600.0, 1.0, 2.0, 2000))
