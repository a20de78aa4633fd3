"""NaN, infinities and numbers beyond use in every numeric field: refused, or told, but never a finished run."""

import dataclasses
import math
import warnings

import numpy as np
import pytest

import fokkerplanck as fp
from fokkerplanck.grid import Grid

MODEL = fp.nnlif(b=0.5)
GRID = MODEL.grid(40, v_min=-6.0)
DATUM = fp.compatible_gaussian(0.0, 0.25)
STATE = fp.State(0.0, GRID, DATUM.cell_averages(GRID), 0.1)
STATIONARY = fp.discrete_stationary(fp.nnlif(b=0.0), GRID)
VALUES = [math.nan, math.inf, -math.inf, 1e308, -1e308, 1e160, -1e160, 1e30, -1e30, 1e-30, 1e-160, 5e-324]
PATIENCE = 100


def patience():
    """Ends a run of 100 steps: a span of 1e308 is a long way."""
    steps = iter(range(PATIENCE))
    return lambda state: next(steps, None) is None


def solve(model=MODEL, initial=DATUM, t_span=(0.0, 0.1), grid=None, **options):
    grid = grid if isinstance(initial, fp.State) or grid is not None else model.grid(40)
    return fp.solve(model, initial, t_span, grid, stop_when=[patience()], **options)


def spoilt(x, place=5):
    return np.where(np.arange(GRID.cells) == place, x, STATE.density)


def solve_and_ask(model):
    """A run, its steady states and its theorem: all that a model is asked."""
    yield solve(model)
    for state in fp.stationary_states(model):
        yield state.rate, state.residual
        yield state.cell_averages(GRID)


def in_state(**fields):
    return solve(fp.nnlif(b=0.5, refractory=fp.ExponentialRefractory(0.2)), dataclasses.replace(STATE, **fields))


FIELDS = {
    # the model
    "nnlif.b": lambda x: solve_and_ask(fp.nnlif(b=x)),
    "nnlif.a0": lambda x: solve_and_ask(fp.nnlif(b=0.5, a0=x)),
    "nnlif.a1": lambda x: solve_and_ask(fp.nnlif(b=0.5, a1=x)),
    "nnlif.V_R": lambda x: solve_and_ask(fp.nnlif(b=0.5, V_R=x)),
    "nnlif.V_F": lambda x: solve_and_ask(fp.nnlif(b=0.5, V_F=x)),
    "nnlif.external": lambda x: solve_and_ask(fp.nnlif(b=0.5, external=x)),
    "nnlif.external(t)": lambda x: solve(fp.nnlif(b=0.5, external=lambda t: x), grid=GRID),
    "nnlif.external(t), later": lambda x: solve(fp.nnlif(b=0.5, external=lambda t: x if t > 0.05 else 0.0), grid=GRID),
    "ExponentialRefractory.tau": lambda x: solve_and_ask(fp.nnlif(b=0.5, refractory=fp.ExponentialRefractory(x))),
    # the grid
    "grid.v_min": lambda x: solve(grid=MODEL.grid(40, v_min=x)),
    "grid.finest": lambda x: solve(grid=MODEL.grid(40, v_min=-6.0, finest=x)),
    "grid.cells": lambda x: MODEL.grid(x).faces,
    "grid.t_span": lambda x: MODEL.grid(40, t_span=(0.0, x)).faces,
    "Grid.faces": lambda x: Grid(np.append(GRID.faces[:-1], x), 1.0).faces,
    "Grid.V_R": lambda x: Grid(GRID.faces, x).faces,
    # the datum
    "gaussian.mean": lambda x: solve(initial=fp.gaussian(x, 0.25)),
    "gaussian.variance": lambda x: solve(initial=fp.gaussian(0.0, x)),
    "compatible_gaussian.mean": lambda x: solve(initial=fp.compatible_gaussian(x, 0.25)),
    "compatible_gaussian.variance": lambda x: solve(initial=fp.compatible_gaussian(0.0, x)),
    "initial, an array": lambda x: solve(initial=spoilt(x), grid=GRID),
    "initial, a function": lambda x: solve(initial=lambda v: np.where(v > 0.0, x, 1.0) * (2.0 - v), grid=GRID),
    "State.t": lambda x: in_state(t=x),
    "State.density": lambda x: in_state(density=spoilt(x)),
    "State.rate": lambda x: in_state(rate=x),
    "State.refractory": lambda x: in_state(refractory=x),
    # the run
    "solve.t_span[0]": lambda x: solve(t_span=(x, 0.1)),
    "solve.t_span[1]": lambda x: solve(t_span=(0.0, x)),
    "solve.rtol": lambda x: solve(rtol=x),
    "solve.atol": lambda x: solve(atol=x),
    "solve.max_step": lambda x: solve(max_step=x),
    "solve.save_at": lambda x: solve(save_at=[0.0, x]),
    "solve.monitors": lambda x: solve(monitors={"m": lambda state: 0.0 * x if math.isfinite(x) else 0.0}),
    "BackwardEuler.dt": lambda x: solve(stepper=fp.BackwardEuler(x)),
    "BackwardEuler.dt, self-consistent": lambda x: solve(stepper=fp.BackwardEuler(x, self_consistent=True)),
    "Solution.rate_at": lambda x: solve().rate_at(x),
    # what is asked of a model
    "bifurcation_curve.rate": lambda x: fp.bifurcation_curve(MODEL, rate=[x]),
    "blow_up_criterion.mu": lambda x: dataclasses.astuple(fp.blow_up_criterion(fp.nnlif(b=1.5), DATUM, mu=x))[:3],
    "blow_up_criterion.b": lambda x: fp.blow_up_criterion(fp.nnlif(b=x), fp.gaussian(0.0, 0.25)).latest_time >= 0.0,
    "discrete_stationary.rate": lambda x: solve(initial=fp.discrete_stationary(MODEL, GRID, x)),
}
FUNCTIONS = {
    "relative_entropy": lambda x: fp.relative_entropy(dataclasses.replace(STATE, density=spoilt(x)), STATIONARY),
    "mass": lambda x: fp.mass(dataclasses.replace(STATE, density=spoilt(x))),
    "mean_potential": lambda x: fp.mean_potential(dataclasses.replace(STATE, density=spoilt(x))),
    "second_moment": lambda x: fp.second_moment(dataclasses.replace(STATE, density=spoilt(x))),
    "smallest_density": lambda x: fp.smallest_density(dataclasses.replace(STATE, density=spoilt(x))),
}
"""Functions of a State: they must not hide a number that is none."""


def numbers(result):
    """Every number of a result."""
    if isinstance(result, fp.Solution):
        quality = dataclasses.astuple(result.quality)
        result = (result.t, result.rate, result.refractory, result.density, result.final.density, quality)
    if isinstance(result, tuple | list) or hasattr(result, "__next__"):
        return np.concatenate([numbers(part) for part in result] or [np.zeros(1)])
    return np.asarray(result, dtype=float).ravel()


def finished(result):
    return not isinstance(result, fp.Solution) or result.status is fp.Status.FINISHED


@pytest.mark.parametrize("x", VALUES)
@pytest.mark.parametrize("name", FIELDS)
def test_nonfinite_numbers_do_not_finish(name, x):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            result = FIELDS[name](x)
            results = list(result) if hasattr(result, "__next__") else [result]
        except fp.InvalidArgument:
            return
    for result in results:
        assert not finished(result) or np.all(np.isfinite(numbers(result)))


@pytest.mark.parametrize("x", [math.nan, math.inf])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_nonfinite_densities_are_not_hidden(name, x):
    with np.errstate(all="ignore"):
        answer = FUNCTIONS[name](x)
    assert not math.isfinite(answer) or (name == "smallest_density" and x == math.inf)
