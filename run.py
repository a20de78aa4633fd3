"""Do a job; the first time, make .venv and install everything into it.

    python3 run.py reproduce --quick    check every claim in its short form
    python3 run.py test                 run the tests; more words go to pytest: test -k mass
    python3 run.py explore              the explorer, in a browser
    python3 run.py JOB [words...]       any other job of the command line: run, show, sweep, list, ...

Needs Python 3.11 or later with pip; nothing outside this folder is changed.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENV = ROOT / ".venv"
PYTHON = ENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
PYTEST = ["-m", "pytest", "-n", "auto", "--maxprocesses", "4"]
NEEDS = {"explore": "app"}  # the extra of a job that needs more than all have


def set_up(job):
    # The root counts too, because an editable install holds it: a moved clone would run its old self.
    parts = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "requirements.lock")]
    stamp = hashlib.sha256(b"\n".join([*parts, sys.version.encode(), bytes(ROOT)])).hexdigest()
    if not (PYTHON.exists() and installed("test", stamp)):
        if importlib.util.find_spec("pip") is None:
            sys.exit("This Python has no pip; on Debian or Ubuntu, install the package python3-pip.")
        print("Setting up .venv (about a minute, once) ...", flush=True)
        # No pip inside, since Debian ships venv without ensurepip: the pip outside installs into it.
        venv.EnvBuilder(with_pip=False, clear=True, symlinks=os.name != "nt").create(ENV)
        install("test", stamp)
    if job in NEEDS and not installed(NEEDS[job], stamp):
        print(f"Installing what `{job}` needs (once) ...", flush=True)
        install(NEEDS[job], stamp)


def installed(extra, stamp):
    file = ENV / f"stamp-{extra}"
    return file.exists() and file.read_text() == stamp


def install(extra, stamp):
    pip = [sys.executable, "-m", "pip", "--python", str(PYTHON), "--disable-pip-version-check"]
    install = [*pip, "install", "-q", "--no-user", "-c", "requirements.lock", "-e", f".[{extra}]"]
    if subprocess.call(install, cwd=ROOT) != 0:
        sys.exit("Set-up failed, see pip's message above; the next call starts it over.")
    (ENV / f"stamp-{extra}").write_text(stamp)  # last, so that an interrupted set-up starts over


def main(words):
    if sys.version_info < (3, 11):
        sys.exit(f"fokkerplanck needs Python 3.11 or later; this is Python {sys.version.split()[0]}.")
    if not words:
        sys.exit(__doc__)
    set_up(words[0])
    if words[0] == "test":
        os.chdir(ROOT)  # but no other job moves: it is given files as named from where the user stands
        command = [str(PYTHON), *PYTEST, *words[1:]]
    else:
        command = [str(PYTHON), "-m", "fokkerplanck", *words]
    if os.name == "nt":  # where exec returns to the prompt at once and loses the exit status
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
