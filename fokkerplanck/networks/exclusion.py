"""All solutions of F(L) = 0 in a box, by exclusion: every part of it is shown to hold none, or exactly one.

A box X with the middle m is examined through an enclosure [J] of the Jacobian over a slightly larger box X'. The
Krawczyk operator K = m − Y F(m) + (1 − Y [J]) (X' − m), Y an approximate inverse of the middle of [J], maps a box that
contains a solution to one that contains it as well, and if K lies inside X', there is exactly one in X'. Where neither
happens, X is cut down to what it shares with K and with the rates that its inputs allow, and halved. What remains
smaller than `SMALLEST`, as at a fold, is given back as undecided.

Source: Krawczyk, Computing 4 (1969) 187; Neumaier, Interval Methods for Systems of Equations (1990), ch. 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .balance import Balance, Law

INFLATED = 0.02
"""X' is wider than X by this share on each side: a solution between two boxes lies inside one of theirs."""
SMALLEST = 1e-7
"""Of a box that is no longer halved: width in log N, times its influence on F."""
MOST_BOXES = 60_000
"""Boxes examined before the rest is given back as undecided."""
MOST_UNDECIDED = 500
"""Boxes that are put together one by one."""
SILENT = -60.0
"""Below this log-rate a population acts on no other; it is one piece."""
ROUNDING = 1e-13
"""Of F as evaluated, relative to its terms."""


class Box(NamedTuple):
    """log-rates between `low` and `high`, each of shape (lanes,)."""

    low: np.ndarray
    high: np.ndarray


class Search(NamedTuple):
    """What was found: boxes X' with one solution each, boxes that could not be decided, and how many were examined."""

    isolated: list[Box]
    undecided: list[Box]
    examined: int


def search(balance: Balance, laws: Sequence[Law], start: Box) -> Search:
    """Examine `start` and all that it is cut into."""
    low, high = start.low[None, :].astype(float), start.high[None, :].astype(float)
    isolated: list[Box] = []
    undecided: list[Box] = []
    examined = 0
    while len(low):
        if examined + len(low) > MOST_BOXES:
            undecided += [Box(*ends) for ends in zip(low, high, strict=True)]
            break
        examined += len(low)
        step = _examine(balance, laws, low, high)
        isolated += step.isolated
        undecided += step.undecided
        low, high = step.open
    return Search(isolated, _hulls(undecided), examined)


class _Step(NamedTuple):
    isolated: list[Box]
    undecided: list[Box]
    open: tuple[np.ndarray, np.ndarray]


def _examine(balance: Balance, laws: Sequence[Law], low: np.ndarray, high: np.ndarray) -> _Step:
    margin = np.minimum(INFLATED * (high - low), 0.5)
    wide_low, wide_high = low - margin - ROUNDING * (1.0 + np.abs(low)), high + margin + ROUNDING * (1.0 + np.abs(high))
    enclosure = balance.enclosure(laws, wide_low, wide_high)
    log_tau = np.log(balance.network.time_constants)

    # The rates that the inputs allow: L = −log τ − log(ρ + T).
    slack = ROUNDING * (1.0 + np.abs(enclosure.log[0]) + np.abs(enclosure.log[1]))
    low = np.maximum(low, -log_tau - enclosure.log[1] - slack)
    high = np.minimum(high, -log_tau - enclosure.log[0] + slack)
    alive = np.all(low <= high, axis=1)

    middle, radius = 0.5 * (wide_low + wide_high), 0.5 * (wide_high - wide_low)
    J_low, J_high = enclosure.jacobian
    J, spread = 0.5 * (J_low + J_high), 0.5 * (J_high - J_low)
    tame = alive & np.all(np.isfinite(J) & np.isfinite(spread), axis=(1, 2)) & np.all(radius < 50.0, axis=1)
    inside = np.zeros(len(low), dtype=bool)
    if np.any(tame):
        F, noise = _value(balance, laws, middle[tame])
        # By the mean-value form no component may be larger than its slopes allow.
        reach = np.einsum("nij,nj->ni", np.abs(J[tame]) + spread[tame], radius[tame]) + noise
        possible = np.all(np.abs(F) <= reach, axis=1)
        inverse, regular = _inverses(J[tame])
        centre = middle[tame] - np.einsum("nij,nj->ni", inverse, F)
        left_over = np.abs(np.eye(low.shape[1]) - inverse @ J[tame]) + np.abs(inverse) @ spread[tame]
        around = np.einsum("nij,nj->ni", left_over, radius[tame])
        around += np.einsum("nij,nj->ni", np.abs(inverse), noise)
        K_low, K_high = centre - around, centre + around
        K_low[~regular], K_high[~regular] = -np.inf, np.inf
        inside[tame] = possible & np.all((K_low > wide_low[tame]) & (K_high < wide_high[tame]), axis=1)
        low[tame], high[tame] = np.maximum(low[tame], K_low), np.minimum(high[tame], K_high)
        alive[tame] &= possible
    alive &= np.all(low <= high, axis=1) | inside

    isolated = [Box(wide_low[i], wide_high[i]) for i in np.flatnonzero(inside & alive)]
    rest = alive & ~inside
    low, high = low[rest], high[rest]
    # Halve along the direction that matters most for F; where a population is silent, nothing of it does.
    strength = np.abs(np.nan_to_num(J[rest], posinf=1e300, neginf=-1e300) - np.eye(low.shape[1])).max(axis=1)
    strength += np.nan_to_num(spread[rest], posinf=1e300).max(axis=1)
    influence = np.where(high > SILENT, np.minimum(np.maximum(strength, 0.05), 50.0) * (high - low), 0.0)
    axis = np.argmax(influence, axis=1)
    rows = np.arange(len(axis))
    small = influence[rows, axis] <= SMALLEST
    undecided = [Box(low[i], high[i]) for i in np.flatnonzero(small)]
    rows, axis, low, high = rows[: np.sum(~small)], axis[~small], low[~small], high[~small]
    cut = 0.5 * (low[rows, axis] + high[rows, axis])
    cut = np.where(low[rows, axis] < SILENT, SILENT, cut)
    first, second = high.copy(), low.copy()
    first[rows, axis] = second[rows, axis] = cut
    return _Step(isolated, undecided, (np.concatenate([low, second]), np.concatenate([first, high])))


def _value(balance: Balance, laws: Sequence[Law], L: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F by the same laws that give the bounds, and how much of it may be rounding."""
    c, a = balance.inputs(np.exp(L))
    log = np.stack([law.slopes(c[:, k], a[:, k]).log for k, law in enumerate(laws)], axis=1)
    log = np.logaddexp(balance.log_silence, log)
    F = np.log(balance.network.time_constants) + L + log
    return F, ROUNDING * (1.0 + np.abs(L) + np.abs(log))


def _inverses(J: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Approximate inverses, and for which there is one."""
    scale = np.abs(J).max(axis=(1, 2))
    lanes = J.shape[1]
    regular = np.abs(np.linalg.det(J / scale[:, None, None])) > 1e-14
    safe = np.where(regular[:, None, None], J, np.eye(lanes))
    return np.linalg.inv(safe), regular


def _hulls(boxes: list[Box]) -> list[Box]:
    """Neighbouring boxes as one; of very many, all as one."""
    if len(boxes) > MOST_UNDECIDED:
        return [Box(np.min([box.low for box in boxes], axis=0), np.max([box.high for box in boxes], axis=0))]
    hulls: list[Box] = []
    for low, high in boxes:
        apart = []
        for other in hulls:
            gap = 10.0 * SMALLEST
            if np.all((other.low <= high + gap) & (low <= other.high + gap)):
                low, high = np.minimum(low, other.low), np.maximum(high, other.high)
            else:
                apart.append(other)
        hulls = [*apart, Box(low, high)]
    return hulls
