"""The public names: each loads, and type checkers are told of the same ones."""

import ast
import inspect
from pathlib import Path

import pytest

import fokkerplanck as fp


@pytest.mark.parametrize("name", sorted(fp.__all__))
def test_every_public_name_loads_and_is_documented(name):
    value = getattr(fp, name)
    assert name == "__version__" or inspect.getdoc(value)


def test_type_checkers_see_the_names_that_are_loaded():
    tree = ast.parse(Path(fp.__file__).read_text())
    (block,) = [n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    declared = {alias.name: node.module for node in block.body for alias in node.names}
    assert declared == fp._HOME


def test_a_function_is_not_hidden_by_the_submodule_of_its_name():
    import fokkerplanck.solve
    import fokkerplanck.spectrum  # noqa: F401

    assert callable(fp.solve)
    assert callable(fp.spectrum)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="sovle"):
        fp.sovle  # noqa: B018
