"""The command line: `fokkerplanck run CASE.toml`, `show`, `sweep`, `list`, `reproduce`, `explore`, `schema`.

Exit status: 0 if what was asked held, 1 if it did not, 2 if the input is not valid, 130 if interrupted.
"""

from __future__ import annotations

import argparse
import inspect
import os
import shutil
import sys
import textwrap
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

# Nothing that loads numba, SciPy, pydantic or matplotlib: --help answers at once. Each handler imports what it needs.
from . import __version__
from .outcomes import FokkerPlanckError, FokkerPlanckWarning, InvalidArgument, Status, named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .cases import Case

HELD, DID_NOT_HOLD, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
EXIT = {Status.FINISHED: HELD, Status.BLOW_UP: HELD, Status.STOPPED: HELD, Status.INTERRUPTED: INTERRUPTED}
"""A blow-up is a result. Any other status: DID_NOT_HOLD."""
PICTURES = (".png", ".pdf", ".svg")
MAP = 2
"""Axes of a map."""
NOT_COMPUTED = "not computed"
UNDECIDED = {"set aside", "unresolved", "stalled"}
"""What a point of a sweep should not be."""
Handler = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the words of the command line ask; return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without Unicode shows ? for what it lacks
            stream.reconfigure(errors="replace")
    words = _parser().parse_args(argv)
    with warnings.catch_warnings():
        warnings.simplefilter("always", FokkerPlanckWarning)
        warnings.showwarning = _show_warning
        try:
            status = int(words.handler(words))
            sys.stdout.flush()
            return status
        except FokkerPlanckError as error:
            print(f"error: {error}", file=sys.stderr)
            return BAD_INPUT
        except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return HELD
        except OSError as error:
            if error.filename is None:
                raise
            print(f"error: {error.strerror}: {error.filename}", file=sys.stderr)
            return BAD_INPUT
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fokkerplanck", description="The Fokker-Planck equations of neural networks.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"fokkerplanck {__version__}")
    jobs = parser.add_subparsers(metavar="JOB", required=True)

    run = _job(jobs, "run", _run, "solve a case and save the solution", RUN_EXAMPLE)
    _add_case(run)
    run.add_argument("-o", "--output", metavar="FILE.nc", type=Path, help="default: CASE.nc in the current folder")
    run.add_argument(
        "--from", dest="start", metavar="FILE.nc", type=Path, help="go on from the end of this saved solution"
    )
    _add_pictures(run)
    run.add_argument("--json", action="store_true", help="print what came of it as JSON")
    run.add_argument("--quiet", action="store_true", help="print nothing but errors and warnings")

    show = _job(jobs, "show", _show, "print, and draw, a saved solution", "example: show blow-up.nc --plot blow-up.pdf")
    show.add_argument("file", metavar="FILE.nc", type=Path)
    _add_pictures(show)
    show.add_argument("--json", action="store_true", help="print what it holds, without its histories, as JSON")

    sweep = _job(jobs, "sweep", _sweep, "solve a case at every point of a grid of parameters", SWEEP_EXAMPLE)
    _add_case(sweep)
    sweep.add_argument(
        "--axis",
        action="append",
        required=True,
        metavar="NAME=START:STOP:COUNT",
        help="values of a parameter, or NAME=VALUE,VALUE,...; once for each axis",
    )
    sweep.add_argument(
        "--metric", action="append", metavar="NAME", help="what is kept of each run, see `list metrics`; repeatable"
    )
    sweep.add_argument("-o", "--output", metavar="FILE.csv", type=Path, help="default: CASE.csv in the current folder")
    sweep.add_argument("--plot", metavar="FILE.png", type=Path, help="draw the map of fates over two axes")
    sweep.add_argument("--folder", metavar="DIR", type=Path, help="keep finished pieces there; default: CASE.sweep")
    sweep.add_argument("--jobs", metavar="N", type=int, help="processes; default: one per processor")
    sweep.add_argument("--json", action="store_true", help="print the rows as JSON")
    sweep.add_argument("--quiet", action="store_true", help="print nothing but errors and warnings")

    names = _job(jobs, "list", _list, "list claims, example cases, and the names that a case may use")
    names.add_argument("section", metavar="SECTION", nargs="?", help="only this one, as in `list schemes`")
    names.add_argument("--json", action="store_true", help="names and descriptions as JSON")

    reproduce = _job(
        jobs, "reproduce", _reproduce, "check claims and write a report", "example: reproduce --quick orders positivity"
    )
    reproduce.add_argument("claims", metavar="CLAIM", nargs="*", help="names from `list`; default: all")
    reproduce.add_argument("--quick", action="store_true", help="the short form of each claim")
    reproduce.add_argument("--report", metavar="DIR", type=Path, help="folder of the report")
    reproduce.add_argument("--resume", action="store_true", help="go on where an interrupted call ended")
    reproduce.add_argument("--jobs", metavar="N", type=int, help="claims checked at a time; default: one per processor")

    explore = _job(jobs, "explore", _explore, "open the explorer in a browser (extra `app`)")
    explore.add_argument("--port", metavar="N", type=int, help="default: the first free one from 2718 on")
    explore.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    explore.add_argument("--preset", metavar="NAME", help="what to show first: blow-up-by-b, two-steady-states, …")

    _job(jobs, "schema", _schema, "print the JSON schema of a case, for editors")
    return parser


RUN_EXAMPLE = """examples:
  run validation/cases/blow-up.toml --set model.b=2.5 --plot blow-up.png
  run case.toml --from case.nc --set run.t_span=[0,20] -o later.nc

Ctrl-C saves what was computed; --from goes on from there."""
SWEEP_EXAMPLE = """example:
  sweep validation/cases/blow-up.toml --axis b=0:3.5:40 --axis initial.mean=-1:1.9:40 --plot fates.png

Points are solved side by side on one grid of cells, where `run` chooses the resolution for each; the column
`error` tells how far each rate is off. Ctrl-C keeps what is finished: the same command goes on."""


def _job(jobs: Any, name: str, handler: Handler, about: str, more: str | None = None) -> argparse.ArgumentParser:
    job: argparse.ArgumentParser = jobs.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    job.set_defaults(handler=handler)
    return job


def _add_case(job: argparse.ArgumentParser) -> None:
    job.add_argument("case", metavar="CASE.toml", type=Path, help="description of the run; see `schema` and `list`")
    job.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another value for a field of the case, as in --set model.b=1.2; repeatable",
    )


def _add_pictures(job: argparse.ArgumentParser) -> None:
    job.add_argument("--plot", metavar="FILE.png", type=Path, help="draw the solution (png, pdf or svg)")


def _run(words: argparse.Namespace) -> int:
    from .shell import as_json, summary
    from .storage import check_writable, load

    case = _case(words)
    output = words.output or Path(f"{words.case.stem}.nc")
    check_writable(output)  # before the run, not after it
    _check_picture(words.plot)
    if any(_same_file(output, other) for other in (words.case, words.plot, words.start)):
        raise InvalidArgument(f"{output} would be written over; give another name with -o.")
    if words.start:
        case = case.resumed(load(words.start).final)
    solution = case.run(progress=_watched(words))
    solution.save(output)
    if words.json:
        print(as_json({"saved": output, **summary(solution)}))
    elif not words.quiet:
        print(solution)
        print(f"Saved: {output}")
    if solution.status is Status.INTERRUPTED:
        print(f"interrupted; --from {output} goes on from there, to a file of its own (-o)", file=sys.stderr)
    if words.plot:
        _draw(solution.plot(), words.plot, words.quiet or words.json)
    return EXIT.get(solution.status, DID_NOT_HOLD)


def _show(words: argparse.Namespace) -> int:
    from .shell import as_json, summary
    from .storage import load

    _check_picture(words.plot)
    solution = load(words.file)
    if words.json:
        print(as_json(summary(solution)))
    else:
        print(solution)
        print(f"Model: {solution.model if solution.model is not None else 'not stored'}")
        print("".join(f"{name}: {value}\n" for name, value in solution.settings.items()), end="")
    if words.plot:
        _draw(solution.plot(), words.plot, quiet=words.json)
    return HELD


def _sweep(words: argparse.Namespace) -> int:
    from .shell import as_json, read_axis, rows_of, write_csv
    from .storage import check_writable
    from .sweep import sweep

    case, axes = _case(words), dict(read_axis(word) for word in words.axis)
    if len(axes) < len(words.axis):
        raise InvalidArgument("--axis: a name is given twice.")
    output = words.output or Path(f"{words.case.stem}.csv")
    check_writable(output)
    _check_picture(words.plot)
    _check_map(words, axes)
    if _same_file(output, words.case) or _same_file(output, words.plot):
        raise InvalidArgument(f"{output} would be written over; give another name with -o.")
    folder = words.folder or Path(f"{output.stem}.sweep")
    kept = {"folder": folder, "workers": words.jobs, "progress": _watched(words)}
    what, how = _swept(words, case)
    table = sweep(what, axes, metrics=words.metric, **how, **kept)
    rows = rows_of(table, list(axes))
    write_csv(rows, output)
    if words.json:
        print(as_json(rows))
    elif not words.quiet:
        print(_told(rows), f"Saved: {output}", sep="\n")
    if words.plot:
        _draw(_map_of(table), words.plot, words.quiet or words.json)
    fates = {row.get("status") for row in rows}
    if NOT_COMPUTED in fates:
        return INTERRUPTED
    if words.folder is None:  # ours, and of no more use
        shutil.rmtree(folder)
    return DID_NOT_HOLD if UNDECIDED & fates else HELD


def _list(words: argparse.Namespace) -> int:
    from .shell import as_json

    sections = {"claims": ("Claims", _claims), "cases": ("Example cases", _cases), **_names()}
    if words.section:
        sections = {words.section: named("section", sections, words.section)}
    if words.json:
        print(as_json({name: entries() for name, (_, entries) in sections.items()}))
        return HELD
    for heading, entries in sections.values():
        _print_list(heading, entries())
    return HELD


def _claims() -> dict[str, str]:
    from .claims import find_claims

    return {name: file.claim.title for folder in _clone() for name, file in find_claims(folder).items()}


def _cases() -> dict[str, str]:
    return {_from_here(path): _title(path) for folder in _clone() for path in sorted(folder.glob("cases/*.toml"))}


def _clone() -> list[Path]:
    """The folder of the claims, where there is one: an installed package has none."""
    from .claims import validation_folder

    try:
        return [validation_folder()]
    except InvalidArgument as error:
        print(f"note: {error}", file=sys.stderr)
        return []


def _names() -> dict[str, tuple[str, Callable[[], dict[str, str]]]]:
    """The names that a case may use: by the name of a section its heading, and what makes a line for each."""
    from .cases import INITIALS, SCHEMES, STEPPERS
    from .models.description import DRIFTS, HAZARDS, MODELS, POLARITIES, REFRACTORY, THRESHOLDS
    from .sweep import METRICS

    tables: dict[str, tuple[str, Mapping[str, object]]] = {
        "refractory": ("Refractory laws", REFRACTORY),
        "thresholds": ("Threshold laws", THRESHOLDS),
        "drifts": ("Drift laws", DRIFTS),
        "polarities": ("Polarities", POLARITIES),
        "hazards": ("Hazards", HAZARDS),
        "initials": ("Initial densities", INITIALS),
        "schemes": ("Schemes", SCHEMES),
        "steppers": ("Steppers", STEPPERS),
        "metrics": ("Metrics of a sweep", METRICS),
    }

    def lines(table: Mapping[str, object], text: Callable[[object], str]) -> Callable[[], dict[str, str]]:
        return lambda: {name: text(thing) for name, thing in table.items()}

    sections = {name: (heading, lines(table, _first_line)) for name, (heading, table) in tables.items()}
    return {"models": ("Models", lines(MODELS, _with_source)), **sections}


def _reproduce(words: argparse.Namespace) -> int:
    from .report import reproduce

    place = {} if words.report is None else {"directory": words.report}
    return reproduce(words.claims, quick=words.quick, jobs=words.jobs, resume=words.resume, **place)


def _explore(words: argparse.Namespace) -> int:
    from .explore.serve import serve

    serve(words.port, browser=not words.no_browser, preset=words.preset)
    return HELD


def _schema(words: argparse.Namespace) -> int:
    import json

    from .cases import schema

    print(json.dumps(schema(), indent=2))
    return HELD


# -- details ----------------------------------------------------------------------------------------------------


def _case(words: argparse.Namespace) -> Case:
    from .cases import load_case
    from .shell import read_setting

    return load_case(words.case, dict(read_setting(word) for word in words.settings))


def _swept(words: argparse.Namespace, case: Case) -> tuple[Any, dict[str, Any]]:
    """What is swept, and how: a network by the fields of its table, since its matrices are no numbers."""
    from .cases import load_model
    from .models.network import Network
    from .shell import read_setting

    if not isinstance(case.model, Network):
        return case, {}
    model = load_model(words.case, dict(read_setting(word) for word in words.settings))
    names = ("initial", "t_span", "grid", "scheme", "stepper", "rtol", "atol")
    return model, {name: getattr(case, name) for name in names}


def _watched(words: argparse.Namespace) -> bool:
    """Whether somebody looks at the progress."""
    return not words.quiet and sys.stderr.isatty()


def _check_map(words: argparse.Namespace, axes: Mapping[str, object]) -> None:
    if words.plot and (len(axes) != MAP or not {"status", "t_star"} <= set(words.metric or ("status", "t_star"))):
        raise InvalidArgument("--plot draws the map of fates, which takes two axes and the metrics status and t_star.")


def _told(rows: Sequence[Mapping[str, object]]) -> str:
    from .shell import counted

    fates = [str(row["status"]) for row in rows if "status" in row]
    return f"{len(rows)} points: {', '.join(counted(fates))}" if fates else f"{len(rows)} points"


def _map_of(table: object) -> Figure:
    from .plotting.sweeps import plot_fates

    return plot_fates(table)


def _check_picture(path: Path | None) -> None:
    from .storage import check_writable

    if path is None:
        return
    if path.suffix.lower() not in PICTURES:
        raise InvalidArgument(f"--plot {path}: the name must end in {', '.join(PICTURES)}.")
    check_writable(path)


def _draw(figure: Figure, path: Path, quiet: bool = False) -> None:
    from .storage import atomic_write

    with atomic_write(path) as file:
        figure.savefig(file, format=path.suffix[1:].lower(), dpi=150)
    if not quiet:
        print(f"Drawn: {path}")


def _same_file(one: Path, other: Path | None) -> bool:
    return other is not None and one.resolve() == other.resolve()


def _from_here(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _title(path: Path) -> str:
    from .cases import load_case

    return load_case(path).title


def _first_line(thing: object) -> str:
    return (thing.__doc__ or "").strip().split("\n")[0]


def _with_source(thing: object) -> str:
    """The first line of its documentation, and the sources it names."""
    paragraphs = (inspect.getdoc(thing) or "").split("\n\n")
    sources = [" ".join(part.split()).removeprefix("Source: ") for part in paragraphs if part.startswith("Source:")]
    return "\n      ".join([_first_line(thing), *(part for text in sources for part in textwrap.wrap(text, 100))])


def _print_list(heading: str, entries: Mapping[str, str]) -> None:
    width = max(map(len, entries), default=0)
    print(f"{heading}:")
    for name, text in entries.items():
        print(f"  {name:<{width}}  {text}")
    print()


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Ours in one line without its place in the code; the others as Python shows them."""
    ours = issubclass(category, FokkerPlanckWarning)
    text = f"warning: {message}\n" if ours else warnings.formatwarning(message, category, filename, lineno, line)
    sys.stderr.write(text)
