"""Invariance: a problem in another unit, or counted from another origin, has the same rates, to rounding.

`test_metamorphic` is what such tests are called: nothing is known of the answer but how it must change.
"""

import dataclasses

import numpy as np
from helpers import solve
from hypothesis import given
from hypothesis import strategies as st
from strategies import between, decades, models, problems, share_of_examples

import fokkerplanck as fp
from fokkerplanck.grid import Grid
from fokkerplanck.models.drift import Leak

# Cells may be a millionth as wide as the grid: reading a rate there costs six of sixteen digits.
LIMIT = 1e-9
"""Largest difference of two rates, over the largest rate."""


def shifted(model, grid, s):
    """v → v + s: the leak −v becomes −(v' − s), which is the leak of v' with the current I + s."""
    leak = isinstance(model.drift, Leak)
    moved = dataclasses.replace(
        model,
        drift=model.drift if leak else lambda v: model.drift(v - s),
        threshold=dataclasses.replace(model.threshold, V_F=model.V_F + s),
        reset=dataclasses.replace(model.reset, V_R=model.V_R + s),
        coupling=dataclasses.replace(model.coupling, external=model.coupling.external + (s if leak else 0.0)),
    )
    return moved, Grid(grid.faces + s, model.V_R + s, model.V_F + s)


def scaled(model, grid, k):
    """v → k v: drift, current and connectivity are potentials, a diffusion is a potential squared."""
    stretched = dataclasses.replace(
        model,
        drift=lambda v: k * model.drift(v / k),
        noise=dataclasses.replace(model.noise, a0=k**2 * model.noise.a0, a1=k**2 * model.noise.a1),
        threshold=dataclasses.replace(model.threshold, V_F=k * model.V_F),
        reset=dataclasses.replace(model.reset, V_R=k * model.V_R),
        coupling=dataclasses.replace(model.coupling, b=k * model.coupling.b, external=k * model.coupling.external),
    )
    return stretched, Grid(k * grid.faces, k * model.V_R, k * model.V_F)


def same_rates(one, other, end):
    """Whether two runs give the same N(t), as far as both go."""
    end = min(end, one.t[-1], other.t[-1])
    times = np.linspace(0.0, end, 50)
    reference = one.rate_at(times)
    np.testing.assert_allclose(other.rate_at(times), reference, rtol=0, atol=LIMIT * np.max(np.abs(reference)) + 1e-300)


@given(problems(), between(-10.0, 10.0), decades(1e-3, 0.1))
@share_of_examples(2.5)
def test_the_rate_does_not_depend_on_the_origin_of_the_potential(problem, s, dt):
    model, grid, density = problem
    moved, its_grid = shifted(model, grid, s)
    its_density = density * grid.width / its_grid.width  # the same mass in each cell, to the last bit
    stepper = fp.BackwardEuler(dt)
    same_rates(
        solve(model, density, (0.0, 20 * dt), grid, stepper=stepper, estimate_error=False),
        solve(moved, its_density, (0.0, 20 * dt), its_grid, stepper=stepper, estimate_error=False),
        20 * dt,
    )


@given(problems(), decades(1e-3, 1e3), decades(1e-3, 0.1))
@share_of_examples(2.5)
def test_the_rate_does_not_depend_on_the_unit_of_the_potential(problem, k, dt):
    model, grid, density = problem
    stretched, its_grid = scaled(model, grid, k)
    its_density = density * grid.width / its_grid.width
    stepper = fp.BackwardEuler(dt)
    same_rates(
        solve(model, density, (0.0, 20 * dt), grid, stepper=stepper, estimate_error=False),
        solve(stretched, its_density, (0.0, 20 * dt), its_grid, stepper=stepper, estimate_error=False),
        20 * dt,
    )


@given(problems(models(b=between(-5.0, 0.5), a1=st.just(0.0))), between(-5.0, 5.0), decades(0.1, 10.0))
@share_of_examples(0.2)
def test_the_adaptive_stepper_sees_neither_origin_nor_unit(problem, s, k):
    model, grid, density = problem
    density = (density + 0.1 * np.max(density)) / ((density + 0.1 * np.max(density)) @ grid.width)
    relative_only = {
        "rtol": 1e-4,
        "atol": 1e-250,
        "estimate_error": False,
    }  # a density has a unit, and so would atol have
    one = solve(model, density, (0.0, 0.1), grid, **relative_only)
    for other, its_grid in (shifted(model, grid, s), scaled(model, grid, k)):
        its_density = density * grid.width / its_grid.width
        same_rates(one, solve(other, its_density, (0.0, 0.1), its_grid, **relative_only), 0.1)
