"""What a benchmark says: medians, their spread, and whether the aim was met."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Samples:
    """What was measured several times, each in the same unit."""

    values: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> str:
        """From the 10th to the 90th percentile, which one disturbed round does not move."""
        ordered = sorted(self.values)
        last = len(ordered) - 1
        return f"{ordered[round(last * 0.1)]:.3g}-{ordered[round(last * 0.9)]:.3g}"

    def text(self, unit: str) -> str:
        return f"{self.median:.3g} {unit} ({self.spread})"


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    :param value: the figure that the aim is about
    :param aim: what it should be; None for a line that only explains
    :param at_least: whether more is better
    :param unit: "x" for ratios
    :param detail: what was measured, ours and the floor
    """

    name: str
    value: float
    unit: str
    detail: str
    aim: float | None = None
    at_least: bool = True

    @property
    def met(self) -> bool | None:
        if self.aim is None:
            return None
        return self.value >= self.aim if self.at_least else self.value <= self.aim

    def row(self) -> str:
        aim = "" if self.aim is None else f"{'>=' if self.at_least else '<='} {self.aim:g} {self.unit}"
        verdict = {None: "", True: "met", False: "missed"}[self.met]
        return f"| {self.name} | {aim} | {self.value:.3g} {self.unit} | {verdict} | {self.detail} |"


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def interleaved(rounds: int, **actions: Callable[[], float]) -> dict[str, Samples]:
    """Take turns: a machine that is busy for a while disturbs all of them alike.

    :param actions: each returns what it measured
    """
    measured: dict[str, list[float]] = {name: [] for name in actions}
    names = list(actions)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            measured[name].append(actions[name]())
    return {name: Samples(values) for name, values in measured.items()}


def paired_ratio(above: Samples, below: Samples) -> float:
    """Return the median of the ratios round by round: both sides of one ratio saw the same machine."""
    return statistics.median(a / b for a, b in zip(above.values, below.values, strict=True))
