"""The public names: each loads, and type checkers are told of the same ones."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import fokkerplanck as fp
import fokkerplanck.plotting


@pytest.mark.parametrize("name", sorted(fp.__all__))
def test_every_public_name_loads_and_is_documented(name):
    value = getattr(fp, name)
    assert name == "__version__" or inspect.getdoc(value)


@pytest.mark.parametrize("package", [fp, fokkerplanck.plotting], ids=["fokkerplanck", "plotting"])
def test_type_checkers_see_the_names_that_are_loaded(package):
    tree = ast.parse(Path(package.__file__).read_text())
    (block,) = [n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    declared = {alias.name: node.module for node in block.body for alias in node.names}
    assert declared == package._HOME


@pytest.mark.parametrize("name", fokkerplanck.plotting.__all__)
def test_every_figure_loads(name):
    assert getattr(fokkerplanck.plotting, name) is not None


def test_an_unknown_figure_is_an_attribute_error():
    with pytest.raises(AttributeError, match="plot_everything"):
        fokkerplanck.plotting.plot_everything  # noqa: B018


def test_a_function_is_not_hidden_by_the_submodule_of_its_name():
    importlib.import_module("fokkerplanck.solve")
    importlib.import_module("fokkerplanck.spectrum")

    assert callable(fp.solve)
    assert callable(fp.spectrum)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="sovle"):
        fp.sovle  # noqa: B018
