"""A real server and a real browser for the explorer."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import fokkerplanck

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
STAGE = 'iframe[title="Density, firing rate and entropy over time"]'


def chromium():
    """The path of the system's Chromium, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextlib.contextmanager
def explorer():
    """The address of an explorer that the command line has started; afterwards the process, ended by Ctrl-C."""
    paths = [str(Path(fokkerplanck.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    server = subprocess.Popen(
        [sys.executable, "-m", "fokkerplanck", "explore", "--no-browser"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )  # fmt: skip
    try:
        while (line := server.stdout.readline()).startswith("Starting"):
            pass
        if not line.startswith("Explorer: http://127.0.0.1:"):
            server.kill()
            raise RuntimeError(f"the explorer did not start: {line}{server.stderr.read()}")
        yield line.split()[1], server
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        server.stdout.close()
        server.stderr.close()


class Visitor:
    """A page in Chromium, with a list of all hosts that it asked and of all that its console complained of."""

    def __init__(self, playwright, profile, path, size=(1280, 800)):
        self.context = playwright.chromium.launch_persistent_context(
            str(profile), executable_path=path, args=FLAGS, headless=True,
            viewport={"width": size[0], "height": size[1]},
        )  # fmt: skip
        self.page = self.context.pages[0]
        self.hosts, self.complaints = set(), []
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.on("websocket", lambda socket: self._asked(socket.url))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.stage = self.page.frame_locator(STAGE)

    def _asked(self, url):
        if not url.startswith(("data:", "blob:", "about:")):
            self.hosts.add(url.split("/")[2].split(":")[0])

    def open(self, address):
        """Go there and wait for the first plot."""
        self.page.goto(address, wait_until="commit")
        self.stage.locator('body[data-version]:not([data-version=""])').wait_for(timeout=60_000)

    def drawn(self, act):
        """Do something and wait until the next plot is there."""
        before = self.version()
        frame = self.page.locator(STAGE).element_handle().content_frame()
        act()
        # At every frame of the screen: a locator would look again after half a second only.
        changed = "before => ![before, ''].includes(document.body.dataset.version ?? '')"
        frame.wait_for_function(changed, arg=before, polling="raf", timeout=60_000)

    def version(self):
        return self.stage.locator("body").get_attribute("data-version")

    def close(self):
        self.context.close()
