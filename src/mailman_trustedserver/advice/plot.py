# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdicts over time as a picture; needs matplotlib, an extra."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from matplotlib.figure import Figure
from typing import Any


__all__ = ['plot']

# The reasons that are drawn by themselves; the rest is one more.
MAX_DRAWN = 8

WEEK = timedelta(days=7)


def plot(days: Mapping[str, Counter[str]], path: str) -> None:
    """Draw how many posts of each week had which outcome, one above the other.

    :param days: The counts of each day; a key is YYYY-MM-DD, or empty.
    :param path: The file, whose name says its kind.
    :raises OSError: if it cannot be written.
    """
    weeks: dict[date, Counter[str]] = {}
    total: Counter[str] = Counter()
    for day, counts in days.items():
        if day:
            found = date.fromisoformat(day)
            monday = found - timedelta(days=found.weekday())
            weeks.setdefault(monday, Counter()).update(counts)
            total.update(counts)
    # Trusted ones lie at the bottom.
    names = sorted(total, key=lambda name: (name != 'trusted', -total[name]))
    drawn, others = names[:MAX_DRAWN], names[MAX_DRAWN:]
    first, last = min(weeks, default=None), max(weeks, default=None)
    x: list[Any] = []
    while first is not None and last is not None and first <= last:
        x.append(first)
        first += WEEK
    figure = Figure(figsize=(9, 4.5), layout='constrained')
    axes = figure.subplots()
    bottom = [0] * len(x)
    for name in [*drawn, *['others'] * bool(others)]:
        members = others if name == 'others' else [name]
        heights = [
            sum(weeks.get(week, Counter())[one] for one in members) for week in x
        ]
        axes.bar(x, heights, width=6, bottom=bottom, label=name)
        bottom = [low + height for low, height in zip(bottom, heights)]
    axes.set_ylabel('posts a week')
    if drawn:
        axes.legend(loc='upper left')
    figure.savefig(path)
