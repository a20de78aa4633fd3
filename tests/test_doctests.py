"""Every example in a docstring runs."""

import doctest
import importlib
import pkgutil

import pytest

import fokkerplanck

MODULES = ["fokkerplanck", *(m.name for m in pkgutil.walk_packages(fokkerplanck.__path__, "fokkerplanck."))]


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_examples(name):
    if name == "fokkerplanck.explore.app":
        pytest.importorskip("marimo")  # the extra `app`
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples_to_run():
    finder = doctest.DocTestFinder()
    modules = [importlib.import_module(name) for name in ("fokkerplanck", "fokkerplanck.solve", "fokkerplanck.state")]
    assert sum(len(test.examples) for module in modules for test in finder.find(module)) >= 5
