"""Who may import whom, and how light the package is to load."""

import ast
import builtins
import json
import subprocess
import sys
from pathlib import Path

import pytest

import fokkerplanck

PACKAGE = Path(fokkerplanck.__file__).parent
ROWS = [
    {"outcomes", "progress", "interpolation", "grid", "state", "elements"},
    {"models"},
    {"operators", "meanfield", "solution", "trees", "spiketrains"},
    {
        "steppers",
        "diagnostics",
        "stationary",
        "spectrum",
        "delays",
        "networks",
        "continuation",
        "learned",
        "kinetic_states",
        "elapsed_states",
    },
    {"problem", "cascades", "inputs", "clocks", "verdict", "side_by_side", "solve", "particles"},
    {"cases", "points", "sweep", "pool", "ledger", "storage", "plotting", "report", "claims", "explore", "shell"},
    {"cli", "__main__"},
]
"""From the bottom up. A module imports rows below its own; the neighbours that it may import as well are these:"""
NEIGHBOURS = {
    ("grid", "outcomes"),
    ("state", "outcomes"),
    ("state", "grid"),
    ("state", "interpolation"),
    ("elements", "outcomes"),
    ("elements", "state"),
    ("solution", "interpolation"),
    ("meanfield", "operators"),
    ("meanfield", "spiketrains"),
    ("stationary", "spectrum"),
    ("stationary", "kinetic_states"),
    ("stationary", "elapsed_states"),
    ("delays", "stationary"),
    ("delays", "spectrum"),
    ("networks", "stationary"),
    ("networks", "spectrum"),
    ("continuation", "stationary"),
    ("continuation", "delays"),
    ("continuation", "networks"),
    ("shell", "storage"),
    ("report", "shell"),
    ("solve", "inputs"),
    ("solve", "problem"),
    ("solve", "verdict"),
    ("verdict", "problem"),
    ("side_by_side", "clocks"),
    ("side_by_side", "inputs"),
    ("side_by_side", "problem"),
    ("side_by_side", "verdict"),
    ("solve", "clocks"),
    ("clocks", "problem"),
    ("clocks", "cascades"),
    ("cascades", "inputs"),
    ("clocks", "inputs"),
    ("problem", "clocks"),
    ("particles", "inputs"),
    ("diagnostics", "steppers"),
    ("report", "claims"),
    ("report", "storage"),
    ("report", "pool"),
    ("points", "cases"),
    ("sweep", "cases"),
    ("sweep", "points"),
    ("sweep", "pool"),
    ("sweep", "ledger"),
    ("ledger", "pool"),
    ("ledger", "storage"),
    ("plotting", "storage"),
    ("explore", "cases"),
    ("explore", "plotting"),
    ("__main__", "cli"),
}

MODULES = {str(path.relative_to(PACKAGE)): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}
every_module = pytest.mark.parametrize("name", MODULES)


def unit(name):
    """The module or sub-package directly below `fokkerplanck`."""
    return Path(name).parts[0].removesuffix(".py")


def row(name):
    rows = [number for number, members in enumerate(ROWS) if name in members]
    assert len(rows) == 1, f"{name} needs one place in ROWS"
    return rows[0]


def statements_on_import(tree):
    """What runs when the module is loaded: not the bodies of functions, not what only type checkers read."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from (inner for part in node.orelse for inner in [part, *statements_on_import(part)])
            continue
        yield node
        yield from statements_on_import(node)


def imported(nodes, name):
    """Absolute dotted names of what the import statements among `nodes` import."""
    here = ["fokkerplanck", *Path(name).parts[:-1]]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*here[: len(here) + 1 - node.level], *([node.module] if node.module else [])])
            base = base if node.level else node.module
            yield from (f"{base}.{alias.name}" for alias in node.names)


@every_module
def test_imports_point_downwards(name):
    if name == "__init__.py":
        assert not [m for m in imported(statements_on_import(MODULES[name]), name) if m.startswith("fokkerplanck")]
        return
    for module in imported(statements_on_import(MODULES[name]), name):
        parts = module.split(".")
        if parts[0] != "fokkerplanck" or parts[1] in (unit(name), "__version__"):
            continue
        allowed = row(parts[1]) < row(unit(name)) or (unit(name), parts[1]) in NEIGHBOURS
        assert allowed, f"{name} imports {module}"


def test_the_rule_is_about_what_is_there():
    edges = {
        (unit(name), m.split(".")[1])
        for name, tree in MODULES.items()
        for m in imported(ast.walk(tree), name)
        if m.startswith("fokkerplanck.")
    }
    assert ("solve", "steppers") in edges
    assert ("operators", "models") in edges


@every_module
def test_models_know_nothing_of_numerics_and_only_plots_draw(name):
    everywhere = {module.split(".")[0] for module in imported(ast.walk(MODULES[name]), name)}
    on_import = {module.split(".")[0] for module in imported(statements_on_import(MODULES[name]), name)}
    if unit(name) == "models":
        assert not everywhere & {"numba", "matplotlib"}
    if unit(name) != "plotting":
        assert "matplotlib" not in on_import
    assert not on_import & {"xarray", "h5netcdf", "h5py", "tqdm", "cloudpickle", "filelock", "distributed"}


def test_the_explorer_could_have_another_front_end():
    # What is shown and how it is drawn must not know of the page: marimo in the app and its server alone.
    users = {
        name for name, tree in MODULES.items() if "marimo" in {m.split(".")[0] for m in imported(ast.walk(tree), name)}
    }
    assert users == {"explore/app.py", "explore/serve.py"}
    on_import = {name for name in users if "marimo" in set(imported(statements_on_import(MODULES[name]), name))}
    assert on_import == {"explore/app.py"}


def kernels(tree):
    """Functions compiled by numba: decorated with `kernel` or something of numba."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            decorators = " ".join(ast.unparse(decorator) for decorator in node.decorator_list)
            if "kernel" in decorators or "jit" in decorators or "vectorize" in decorators:
                yield node


@every_module
def test_a_kernel_reads_no_globals(name):
    # The disk cache does not notice when a constant of another module changes, nor one read as a default.
    compiled = list(kernels(MODULES[name]))
    harmless = {"np", *vars(builtins), *(kernel.name for kernel in compiled)}
    for kernel in compiled:
        names = [node for node in ast.walk(ast.Module(kernel.body, [])) if isinstance(node, ast.Name)]
        own = {node.id for node in names if isinstance(node.ctx, ast.Store)} | {a.arg for a in kernel.args.args}
        foreign = {node.id for node in names} - own - harmless
        assert not foreign, f"{name}: {kernel.name} reads {foreign}"
        assert not kernel.args.defaults


def test_there_are_kernels_to_look_at():
    assert len(list(kernels(MODULES["operators/kernels.py"]))) >= 5


LOAD = """
import json, sys, time
start = time.perf_counter()
import fokkerplanck
seconds = time.perf_counter() - start
dir(fokkerplanck)
print(json.dumps([seconds, [m for m in ("numba", "matplotlib", "scipy", "numpy", "pydantic") if m in sys.modules]]))
"""


def test_importing_the_package_is_quick_and_loads_nothing_heavy():
    run = [sys.executable, "-c", LOAD]
    answers = [
        json.loads(subprocess.run(run, cwd=PACKAGE.parent, capture_output=True, check=True).stdout)
        for _ in range(2)  # the first may have to write byte code
    ]
    assert min(seconds for seconds, _ in answers) < 0.4
    assert answers[0][1] == []
