"""Hypothesis profiles: `ci` (the default) draws the same examples every time, `nightly` draws a hundred times as many.

pytest --hypothesis-profile=nightly
"""

import gc
import os

# Two processes of pytest-xdist, each with a BLAS that spins on every core, wait for one another.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from hypothesis import HealthCheck, settings

EXAMPLES = 25

# No deadline: the first example of a session may have to wait for the compiler.
common = {"deadline": None, "database": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ci", max_examples=EXAMPLES, derandomize=True, **common)
settings.register_profile("nightly", max_examples=100 * EXAMPLES, **common)
settings.load_profile("ci")


# Thousands of collected tests live until the end: no garbage collection needs to walk through them.
def pytest_collection():
    gc.disable()


def pytest_collection_finish():
    gc.enable()
    gc.collect()
    gc.freeze()
