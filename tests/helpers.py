"""What several tests measure with."""

import warnings

import numpy as np
from hypothesis import reject

import fokkerplanck as fp
from fokkerplanck.steppers.protocol import Tolerance

EXACT = Tolerance(rtol=1e-300, atol=1.0)
"""Makes `Step.error` the error estimate itself."""


def orders(errors):
    """Observed orders between successive halvings."""
    errors = np.asarray(errors, dtype=float)
    return np.log2(errors[:-1] / errors[1:])


def march(stepper, system, y, t, end, steps):
    """Equal steps from t to `end`, without step control."""
    dt = (end - t) / steps
    for i in range(steps):
        y = stepper.step(system, y, t + i * dt, dt, EXACT).new
    return y


def system_of(model, grid, density=None, refractory=0.0, scheme=None, t=0.0):
    """The semi-discrete equations, and y for a density whose rate is closed."""
    system = (scheme or fp.ScharfetterGummel()).discretize(model, grid)
    if density is None:
        density = fp.compatible_gaussian(0.0, 0.25).cell_averages(grid)
    y = system.pack(density, refractory)
    assert system.close(y, t)
    return system, y


def solve(*arguments, **keywords):
    """`fp.solve`, except for data whose rate does not exist and for warnings, which are other tests' business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FokkerPlanckWarning)
        try:
            return fp.solve(*arguments, **keywords)
        except fp.InvalidArgument as refusal:
            if "does not exist" in str(refusal):
                reject()
            raise
