"""What the documents say can be done, can be done; what they point to, exists."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

import fokkerplanck as fp
import fokkerplanck.plotting

ROOT = Path(fp.__file__).resolve().parent.parent
MADE = ("docs/claims/", "docs/lessons/")
"""Made when the site is built."""
PAGES = [
    path
    for path in sorted([ROOT / "README.md", ROOT / "ARCHITECTURE.md", *(ROOT / "docs").rglob("*.md")])
    if not str(path.relative_to(ROOT)).startswith(MADE)
]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))

CODE = re.compile(r"^(```+|~~~+).*?^\1", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(<?([^)>\s]+)>?\)")


def examples(text):
    """The `>>>` blocks of a page, without the fences that close them."""
    return re.sub(r"^ *(```|~~~).*$", "", text, flags=re.MULTILINE)


@every_page
def test_examples_print_what_they_are_said_to(page, tmp_path, monkeypatch):
    text = page.read_text(encoding="utf-8")
    if ">>>" not in text:
        return
    monkeypatch.chdir(tmp_path)
    test = doctest.DocTestParser().get_doctest(examples(text), {}, page.name, str(page), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert runner.run(test).failed == 0


def broken_links(page):
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        path = target.partition("#")[0]
        if (
            not path
            or re.match(r"[a-z]+:", path)
            or (page.parent / path).resolve().relative_to(ROOT).as_posix().startswith(MADE)
        ):
            continue
        if not (page.parent / path).exists():
            yield target


@every_page
def test_links_lead_somewhere(page):
    assert list(broken_links(page)) == []


def named_claims(text):
    """Names in {measured} roles, in {claims} directives, in links to claims and behind `reproduce`."""
    for quoted in re.findall(r"\{measured\}`([^`]+)`", text):
        yield quoted.partition(":")[0].strip()
    for body in re.findall(r"^(?:```|:::)\{claims\}\n(.*?)^(?:```|:::)", text, re.MULTILINE | re.DOTALL):
        yield from " ".join(line for line in body.splitlines() if not line.startswith(":")).replace(",", " ").split()
    yield from re.findall(r"\(#claim-([a-z0-9-]+)\)", text)
    for line in re.findall(r"(?:run\.py|fokkerplanck) reproduce((?: +[a-z0-9-]+)*)", text):
        yield from (word for word in line.split() if not word.startswith("-"))


CLAIM_FILES = [
    path for path in (ROOT / "validation").glob("*/*.py") if "\nCLAIM = " in path.read_text(encoding="utf-8")
]
CLAIMS = {path.stem.replace("_", "-") for path in CLAIM_FILES}


@every_page
def test_claims_that_are_named_exist(page):
    unknown = set(named_claims(page.read_text(encoding="utf-8"))) - CLAIMS
    assert not unknown, f"not in validation/: {sorted(unknown)}"


def test_the_pages_name_claims_at_all():
    named = {name for page in PAGES for name in named_claims(page.read_text(encoding="utf-8"))}
    assert len(named) > 20


def test_every_public_name_is_on_one_api_page():
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "api").glob("*.rst")]
    blocks = [block for page in pages for block in re.findall(r"^\.\. public::\n\n((?:   \S+\n)+)", page, re.MULTILINE)]
    modules = [module for block in blocks for module in block.split()]
    assert sorted(modules) == sorted({*fp._HOME.values(), "plotting"})
    assert all(hasattr(fokkerplanck.plotting, name) for name in fokkerplanck.plotting.__all__)


# -- the extensions of the site, where Sphinx is installed --------------------------------------------------------


@pytest.fixture
def reported(monkeypatch):
    pytest.importorskip("sphinx")
    pytest.importorskip("PIL")
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    return importlib.import_module("reported")


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ({"measured": 0.119975963, "predicted": 0.12, "kind": "relative", "tolerance": 1e-5}, "0.119976"),
        ({"measured": 0.12, "predicted": 0.12, "kind": "relative", "tolerance": 1e-4}, "0.12000"),
        ({"measured": -1.19096709, "predicted": -1.19, "kind": "absolute", "tolerance": 1e-3}, "−1.1910"),
        ({"measured": 1.77635e-15, "predicted": 0.0, "kind": "absolute", "tolerance": 1e-9}, "1.78·10⁻¹⁵"),
        ({"measured": 1e-4, "predicted": 1.0, "kind": "at most", "tolerance": 0.0}, "0.0001"),
        ({"measured": 1e-12, "predicted": 1.0, "kind": "at most", "tolerance": 0.0}, "10⁻¹²"),
        ({"measured": "nan", "predicted": 1.0, "kind": "relative", "tolerance": 0.1}, "nan"),
        ({"measured": [1, 2], "predicted": [1, 2], "kind": "equal", "tolerance": 0.0}, "1, 2"),
        ({"measured": True, "predicted": True, "kind": "equal", "tolerance": 0.0}, "yes"),
    ],
)
def test_numbers_have_the_digits_that_were_checked(reported, check, text):
    assert reported.compared(check, "measured") == text


def test_text_of_claims_is_no_markup(reported):
    assert reported.escaped("a_b * c* |N|") == r"a\_b \* c\* \|N\|"


def test_every_folder_of_claims_has_a_heading(reported):
    assert {path.parent.name for path in CLAIM_FILES} == set(reported.FOLDERS)


def test_formulas_in_docstrings_become_literal_blocks(reported):
    prepared = importlib.import_module("public").prepared
    lines = [
        "One |N|.",
        "",
        "    N = a*b",
        "",
        "Parameters",
        "----------",
        "b : float",
        "    A `x|y`s.",
        "",
        ">>> 1",
        "1",
    ]
    assert prepared(lines) == [
        *[r"One \|N\|.", "", "::", "", "    N = a*b", "", "Parameters", "----------", "b : float", r"    A `x|y`\ s."],
        *["", "", "", ">>> 1", "1", ""],
    ]
