"""The process of a contestant: `python worker.py MODULE FUNCTION` reads its job and prints its answer, both JSON."""

import importlib
import json
import sys
from pathlib import Path

MARK = "answer: "


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    module, function = sys.argv[1:]
    answer = getattr(importlib.import_module(f"race.peers.{module}"), function)(json.load(sys.stdin))
    print(MARK + json.dumps(answer))


if __name__ == "__main__":
    main()
