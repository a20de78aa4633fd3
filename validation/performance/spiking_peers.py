"""Neurons by themselves and coupled through their rate: other simulators beside `simulate`, in the same run.

    python validation/performance/spiking_peers.py --count 100000 --dt 0.01 0.0025 --b 0 0.5 --figure PATH

    dV = (−V + bN) dt + √2 dW,   V_F = 2 → V_R = 1,   N the rate of the population, times in membrane time constants

Every peer gets a virtual environment of its own, as in `race.py`, of which this is item 4 at length. Timed are the
steps alone, by the processor's clock for one thread, else by the one on the wall: not the installation, compilation,
creation of neurons and connections, nor the first steps of a compiled loop. Printed are the time of one step of one
neuron, the rate after the transient with its standard error, and its bias relative to the rate of the stationary
Fokker–Planck solution, which is that of infinitely many neurons and infinitely short steps. Exits 0: what it prints is
judged by eye.

Peers look for spikes at the end of a step, which acts like a threshold that is higher by 0.5826 √(2 dt)
(Broadie, Glasserman, Kou 1997); the bias expected from it is printed above each table. Euler–Maruyama also makes the
variance of V larger by the factor 1 + dt/2, which gives back 0.9 points of it at dt = 0.01 and 0.2 at dt = 0.0025.

The standard error is that of independent neurons, from how the counts of single neurons scatter. Coupling with b = 0.5
widens it by about an eighth (linear response), which is left out.
"""

import argparse
import math
import sys
from pathlib import Path

from race.environments import Contestant, Environments
from race.particles import OURS, PEERS, SHIFT, fastest_of, stationary_rate


def several(environments: Environments, contestant: Contestant, b: float, options: argparse.Namespace) -> list[dict]:
    """A row for every step, up to the first that fails."""
    rows = []
    given = {name: getattr(options, name) for name in ("count", "end", "since", "seed", "threads")}
    for dt in options.dt:
        row = fastest_of(environments, contestant, given | {"dt": dt, "b": b}, options.repeats)
        if row is None:
            print(f"{contestant.name}, b = {b:g}: {environments.skipped[contestant.name]}")
            break
        row |= {"peer": contestant.name, "dt": dt, "b": b, "version": environments.version(contestant)}
        row["step"] = 1e9 * row["seconds"] / (options.count * round(options.end / dt))
        row["bias"] = 100.0 * (row["rate"] / stationary_rate(b) - 1.0)
        rows.append(row)
    return rows


def show(rows: list[dict], options: argparse.Namespace) -> None:
    for b in options.b:
        print(f"\nb = {b:g}, {options.count} neurons, N∞ = {stationary_rate(b):.9f}")
        for dt in options.dt:
            bias = stationary_rate(b, SHIFT * math.sqrt(2.0 * dt)) / stationary_rate(b) - 1.0
            print(f"  expected where spikes are looked for at the ends of steps of {dt:g}: {100 * bias:+.1f} %")
        print(
            f"{'':24}{'version':>12}{'dt':>9}{'ns/step':>9}{'M steps/s':>11}{'seconds':>9}{'× ours':>8}"
            f"{'rate':>11}{'± s.e.':>9}{'bias %':>8}{'± s.e.':>7}"
        )
        for dt in options.dt:
            here = [row for row in rows if row["b"] == b and row["dt"] == dt]
            own = next((row["seconds"] for row in here if row["peer"] == OURS.name), None)
            for row in here:
                ratio = f"{row['seconds'] / own:8.2f}" if own else f"{'–':>8}"
                print(
                    f"{row['peer']:24}{row['version'][:11]:>12}{dt:9g}{row['step']:9.2f}{1e3 / row['step']:11.1f}"
                    f"{row['seconds']:9.2f}{ratio}{row['rate']:11.6f}{row['error']:9.6f}{row['bias']:8.2f}"
                    f"{100 * row['error'] / stationary_rate(b):7.2f}"
                )


def draw(rows: list[dict], options: argparse.Namespace) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(options.b), 4), layout="constrained")
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    for ax, b in zip(figure.subplots(1, len(options.b), squeeze=False)[0], options.b, strict=True):
        for index, peer in enumerate(peers):
            points = [row for row in rows if row["peer"] == peer and row["b"] == b]
            seconds = [row["seconds"] / options.end for row in points]
            noise = [row["error"] / stationary_rate(b) for row in points]
            errors = [max(abs(row["bias"]) / 100.0, own) for row, own in zip(points, noise, strict=True)]
            ax.errorbar(seconds, errors, yerr=noise, color=f"C{index}", lw=1, capsize=3)
            for x, y, own in zip(seconds, errors, noise, strict=True):
                ax.plot(x, y, "o", color=f"C{index}", mfc="white" if y <= 2.0 * own else None)
            ax.plot([], [], "o-", color=f"C{index}", label=peer)
        ax.set(
            xscale="log", yscale="log", title=f"$b = {b:g}$", xlabel="seconds per membrane time",
            ylabel="error of the rate, relative",
        )  # fmt: skip
        for low, high, limit in ((*ax.get_xlim(), ax.set_xlim), (*ax.get_ylim(), ax.set_ylim)):
            limit(10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high)))  # whole decades
    ax.legend(title=f"{options.count} neurons; hollow: within 2 s.e.", fontsize="small", title_fontsize="small")
    figure.savefig(options.figure)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000, help="neurons")
    parser.add_argument("--dt", type=float, nargs="+", default=[0.01, 0.0025], help="steps, in membrane times")
    parser.add_argument("--b", type=float, nargs="+", default=[0.0, 0.5], help="connectivities")
    parser.add_argument("--end", type=float, default=20.0, help="end, in membrane times")
    parser.add_argument("--since", type=float, default=8.0, help="end of the transient, which is not counted")
    parser.add_argument("--threads", type=int, default=1, help="threads of every peer that has them")
    parser.add_argument("--repeats", type=int, default=1, help="runs, of which the fastest counts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--figure", type=Path, help="error of the rate versus time of calculation")
    return parser.parse_args()


def main() -> int:
    options = parsed()
    with Environments(threads=options.threads) as environments:
        rows = [
            row
            for contestant in (OURS, *PEERS)
            for b in options.b
            for row in several(environments, contestant, b, options)
        ]
    if rows:
        show(rows, options)
        if options.figure:
            draw(rows, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
