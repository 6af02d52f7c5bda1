# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table that is printed at the end: what the tests recorded."""

from __future__ import annotations

from collections import defaultdict

# Route to mix to verdict.
verdicts: dict[str, dict[str, str]] = defaultdict(dict)
good = {'tried': 0, 'trusted': 0}
bad = {'tried': 0, 'trusted': 0}


def record(route: str, mix: str, expected: bool, trusted: bool) -> None:
    """Take note of what became of a post that took a route."""
    verdicts[route][mix] = 'trusted' if trusted else 'held'
    counts = good if expected else bad
    counts['tried'] += 1
    counts['trusted'] += trusted


def text() -> str:
    """All that was recorded."""
    mixes = list(dict.fromkeys(mix for row in verdicts.values() for mix in row))
    rows = [['route', *mixes]]
    rows += [[name, *(row.get(mix, '-') for mix in mixes)] for name, row in verdicts.items()]
    lines = table(rows)
    lines += [
        '',
        f'good routes: {good["tried"]} tried, {good["trusted"]} trusted',
        f'other routes: {bad["tried"]} tried, {bad["trusted"]} trusted',
    ]
    return '\n'.join(lines)


def table(rows: list[list[str]]) -> list[str]:
    """Lines in columns, with a rule below the first."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows = [rows[0], ['-' * width for width in widths], *rows[1:]]
    return [
        '  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
        for row in rows
    ]
