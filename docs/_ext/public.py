"""The public names on the API pages: `.. public:: module ...` documents those that live in the modules named.

Modules are named as in `fokkerplanck._HOME`, which is the only list of names. A directive without modules but with
`plotting` takes the functions of `fokkerplanck.plotting`.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import re

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config, NumpyDocstring
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

import fokkerplanck
import fokkerplanck.plotting

HEADING = re.compile(r"^(Parameters|Returns|Yields|Raises|Attributes|Warns|Notes|Examples)$")


class Public(SphinxDirective):
    """API entries of all public names of some modules, in the order in which the package lists them."""

    has_content = True

    def run(self):
        modules = " ".join(self.content).split()
        lines = [line for name in names_of(modules) for line in entry(name)]
        node = nodes.container()
        node.document = self.state.document
        self.state.nested_parse(StringList(lines, "public names"), self.content_offset, node)
        return node.children


def names_of(modules: list[str]) -> list[str]:
    """The public names of modules of the package, each with its import path."""
    home = fokkerplanck._HOME
    unknown = set(modules) - set(home.values()) - {"plotting"}
    if unknown:
        raise ValueError(f"no public name lives in {', '.join(sorted(unknown))}")
    names = [f"fokkerplanck.{name}" for module in modules for name in home if home[name] == module]
    if "plotting" in modules:
        names += [f"fokkerplanck.plotting.{name}" for name in fokkerplanck.plotting.__all__ if name not in home]
    return names


def entry(name: str) -> list[str]:
    module, _, last = name.rpartition(".")
    thing = getattr(importlib.import_module(module), last)
    if inspect.isclass(thing):
        own = [member for member in vars(thing) if not member.startswith("_") and member != "set"]  # Matplotlib's
        return [f".. autoclass:: {name}", *([f"   :members: {', '.join(own)}"] if own else []), ""]
    if callable(thing):
        return [f".. autofunction:: {name}", ""]
    entries = [f"* ``{key}``: {described(value)}" for key, value in thing.items()]
    lines = [*comment_on(name), "", *entries]
    return [f".. py:data:: {last}", f"   :module: {module}", "", *(f"   {line}" for line in lines), ""]


def comment_on(name: str) -> list[str]:
    """The text below a constant in the source."""
    module, _, last = name.rpartition(".")
    home = f"fokkerplanck.{fokkerplanck._HOME[last]}" if module == "fokkerplanck" else "fokkerplanck.plotting.style"
    return ModuleAnalyzer.for_module(home).find_attr_docs().get(("", last), [])


def described(value: object) -> str:
    """The first sentence of the documentation of a function; of anything else, how it is written."""
    return plain(inspect.getdoc(value).split("\n\n")[0].replace("\n", " ")) if callable(value) else f"``{value}``"


# -- docstrings -------------------------------------------------------------------------------------------------


def as_rst(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Our docstrings are plain text with sections in the style of NumPy; Sphinx wants reStructuredText."""
    if what in ("attribute", "property"):
        what = "method"  # or a colon in the first sentence would make its beginning a type
    lines[:] = NumpyDocstring(prepared(lines), NAPOLEON, app, what, name, obj, options).lines()


# As lists of names and texts: as fields, every word of a type would be taken for a name to link to.
NAPOLEON = Config(
    napoleon_use_param=False, napoleon_use_rtype=False, napoleon_custom_sections=[("Attributes", "params_style")]
)


def prepared(lines: list[str]) -> list[str]:
    """Formulas (indented after an empty line) become literal blocks; what is plain text stays plain text."""
    found: list[str] = []
    margin, literal, in_section = 0, False, False
    for paragraph in paragraphs(lines):
        first = paragraph[0]
        if len(paragraph) > 1 and HEADING.match(first) and set(paragraph[1]) == {"-"}:
            in_section, margin, literal = True, 4, False
        elif in_section and first.startswith((">>>", "Source:")):
            found += ["", ""]  # which ends a section
            in_section, margin, literal = False, 0, False
        literal = len(first) - len(first.lstrip()) > margin
        if literal:
            found += [" " * margin + "::", ""]
        found += paragraph if literal or ">>>" in first else plain("\n".join(paragraph)).split("\n")
        found.append("")
    return found


def paragraphs(lines: list[str]) -> list[list[str]]:
    groups = itertools.groupby(lines, key=lambda line: bool(line.strip()))
    return [list(group) for full, group in groups if full]


def plain(text: str) -> str:
    """With all that only looks like markup escaped, outside of `code`; which may touch other characters."""
    parts = re.split(r"(`[^`]*`)", text)
    parts[::2] = [re.sub(r"([|*]|_(?!\w))", r"\\\1", part) for part in parts[::2]]
    return re.sub(r"(`[^`]*`)(?=[^\s.,:;!?)])", r"\1\\ ", "".join(parts))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("public", Public)
    app.connect("autodoc-process-docstring", as_rst)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
