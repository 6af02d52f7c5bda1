# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times of calls in short, interleaved rounds, and the ratios of them.

A machine that is busy is slow for all calls of a round alike, so that the
ratios of a round say more than any time alone.
"""

from __future__ import annotations

import gc

from collections.abc import Sequence
from statistics import median, quantiles
from time import perf_counter
from typing import Callable, NamedTuple, Optional


class Row(NamedTuple):
    """One line of the table: a ratio, its quartiles, and its bound."""

    name: str
    middle: float
    low: float
    high: float
    bound: Optional[float] = None

    @property
    def holds(self) -> bool:
        """Whether the median keeps the bound, if there is one."""
        return self.bound is None or self.middle <= self.bound

    def __str__(self) -> str:
        text = f'  {self.name:52} {self.middle:8.3g} {self.low:8.3g} ..{self.high:8.3g}'
        if self.bound is None:
            return text
        return f'{text}   <= {self.bound:<5g} {"holds" if self.holds else "FAILS"}'


def ratio(
    name: str, over: Sequence[float], under: Sequence[float], bound: float | None = None
) -> Row:
    """The ratios of the times of two calls, round by round."""
    ratios = [a / b for a, b in zip(over, under)]
    low, _, high = quantiles(ratios, n=4)
    return Row(name, median(ratios), low, high, bound)


def measure(*calls: Callable[[], object], rounds: int = 400) -> list[list[float]]:
    """For each call the seconds that it took, a number for each round."""
    # In each round a call takes about a millisecond, or is made once.
    counts = [max(1, int(0.001 / best(call))) for call in calls]
    times: list[list[float]] = [[] for _ in calls]
    order = list(range(len(calls)))
    gc.disable()
    for _ in range(rounds):
        # Every other round runs backwards, so that none is always first.
        order.reverse()
        for index in order:
            call, count = calls[index], counts[index]
            start = perf_counter()
            for _ in range(count):
                call()
            times[index].append((perf_counter() - start) / count)
    gc.enable()
    return times


def best(call: Callable[[], object]) -> float:
    """The least seconds of a few calls."""
    seconds = float('inf')
    for _ in range(5):
        start = perf_counter()
        call()
        seconds = min(seconds, perf_counter() - start)
    return seconds
