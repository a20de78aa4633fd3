"""`fokkerplanck explore`: what it says when it cannot start, and where."""

import importlib.util
import socket

import pytest

from fokkerplanck.cli import main
from fokkerplanck.explore import serve

needs_marimo = pytest.mark.skipif(importlib.util.find_spec("marimo") is None, reason="needs the extra `app` (marimo)")


def test_without_marimo_it_says_how_to_install_it(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["explore", "--no-browser"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: the explorer needs marimo: pip install 'fokkerplanck-neurons[app]', or in a clone")
    assert error.count("\n") == 1


@needs_marimo
def test_a_port_that_is_taken_is_refused(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["explore", "--no-browser", "--port", str(port)]) == 2
    assert f"`port` = {port} is taken" in capsys.readouterr().err


@needs_marimo
@pytest.mark.parametrize("port", ["0", "70000"])
def test_what_is_no_port_is_refused(port, capsys):
    assert main(["explore", "--no-browser", "--port", port]) == 2
    assert "`port`" in capsys.readouterr().err


@needs_marimo
def test_an_unknown_preset_is_refused(capsys):
    assert main(["explore", "--no-browser", "--preset", "blow-up-by-bb"]) == 2
    error = capsys.readouterr()
    assert "Unknown preset 'blow-up-by-bb'; did you mean 'blow-up-by-b'" in error.err
    assert error.out == ""


def test_the_first_free_port_is_taken(monkeypatch):
    monkeypatch.setattr(serve, "_is_free", lambda port: port == serve.FIRST_PORT + 2)
    assert serve._free_port() == serve.FIRST_PORT + 2
    monkeypatch.setattr(serve, "_is_free", lambda port: False)
    with pytest.raises(serve.InvalidArgument, match="no `port` from 2718 to 2767 is free"):
        serve._free_port()
