"""The server of the explorer: on this machine only, in this process, with everything compiled before the first page."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import socket
import sys
import threading
import webbrowser
from pathlib import Path

from ..outcomes import InvalidArgument, named, whole_number

HOST = "127.0.0.1"
FIRST_PORT, TRIED = 2718, 50
LARGEST_PORT = 65535
MISSING = (
    "the explorer needs marimo: pip install 'fokkerplanck-neurons[app]', or in a clone "
    "python3 -m pip --python .venv/bin/python install -e '.[app]'."
)


def serve(port: int | None = None, browser: bool = True, preset: str | None = None) -> None:
    """Serve the app until Ctrl-C, and say where; then the process is over.

    Parameters
    ----------
    port : int, optional
        Default: the first free one from 2718 on.
    browser : bool
        Open a browser there.
    preset : str, optional
        The theorem shown first, by its name in `PRESETS`; an address with `?preset=NAME` does the same.

    Raises
    ------
    InvalidArgument
        If marimo is not installed, the port is taken, or there is no such preset.
    """
    if importlib.util.find_spec("marimo") is None:
        raise InvalidArgument(MISSING)
    place = _free_port() if port is None else _checked_port(port)
    shown = "" if preset is None else f"/?preset={_checked_preset(preset)}"
    print("Starting the explorer …", flush=True)
    import marimo
    import uvicorn

    _warm_up()
    app = marimo.create_asgi_app(quiet=True).with_app(path="", root=str(Path(__file__).with_name("app.py"))).build()
    # Browsers keep their connection open: a second is long enough to say goodbye.
    config = uvicorn.Config(app, host=HOST, port=place, log_level="warning", timeout_graceful_shutdown=1)
    address = f"http://{HOST}:{place}{shown}"
    print(f"Explorer: {address}  (Ctrl-C ends it)", flush=True)
    if browser:
        threading.Timer(1.0, webbrowser.open, (address,)).start()
    with contextlib.suppress(KeyboardInterrupt):  # the way to end it
        uvicorn.Server(config).run()
    sys.stdout.flush()
    os._exit(0)  # the interpreter would wait for the threads of open pages, and nothing of them is worth saving


def _warm_up() -> None:
    """Load and compile what the first page needs, and what a blow-up does."""
    from .picture import picture_of
    from .view import choices_of, view_of

    for name in ("two-steady-states", "blow-up-by-concentration"):
        picture_of(view_of(choices_of(name)))


def _checked_preset(name: str) -> str:
    from .presets import PRESETS

    named("preset", PRESETS, name)
    return name


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _checked_port(port: int) -> int:
    if not 1 <= whole_number("port", port, 1) <= LARGEST_PORT:
        raise InvalidArgument(f"`port` = {port} is none; the largest is {LARGEST_PORT}.")
    if not _is_free(port):
        raise InvalidArgument(f"`port` = {port} is taken; give another one, or none to have one found.")
    return port


def _free_port() -> int:
    for port in range(FIRST_PORT, FIRST_PORT + TRIED):
        if _is_free(port):
            return port
    raise InvalidArgument(f"no `port` from {FIRST_PORT} to {FIRST_PORT + TRIED - 1} is free; give one.")
