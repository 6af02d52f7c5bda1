# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table that is printed at the end: what the tests recorded."""

from __future__ import annotations

from collections import defaultdict
from dev.site.outcomes import Outcome
from tests.network.mail import Result


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


# Rows of the table of posts through servers with proofs of their own.
POST_COLUMNS = ['post', 'became', 'reason', 'proof']
posts: list[list[str]] = []


def sent(name: str, result: Result) -> None:
    """Take note of what became of a post."""
    became = 'trusted' if result.outcome is Outcome.DELIVERED else 'held'
    proof = '' if result.proof == 'none' else result.proof
    posts.append([name, became, result.reason, proof])


# Rows of the tables of attempts and of smuggling.
COLUMNS = ['server', 'host', 'tried', 'accepted', 'returned', 'trusted']
attempts: list[list[str]] = []
ends: dict[str, dict[str, str]] = defaultdict(dict)


def attacked(software: str, name: str, counts: list[int]) -> None:
    """Take note of the hostile attempts on one server, as many as there are columns."""
    attempts.append([software, name, *map(str, counts)])


def smuggled(mix: str, end: bytes, accepted: bool, second: Result) -> None:
    """Take note of what became of a message behind a doubtful end of another."""
    said = 'one message' if accepted else 'refused'
    if second.settled:
        said = f'two messages, {second.verdict}'
    ends[repr(end)[1:]][mix] = said


def text() -> str:
    """All that was recorded."""
    lines = table(_grid('route', verdicts))
    lines += [
        '',
        f'good routes: {good["tried"]} tried, {good["trusted"]} trusted',
        f'other routes: {bad["tried"]} tried, {bad["trusted"]} trusted',
        '',
        *table([POST_COLUMNS, *posts]),
        '',
        *table([COLUMNS, *attempts]),
        '',
        f'hostile attempts: {sum(int(row[2]) for row in attempts)} tried, '
        f'{sum(int(row[-1]) for row in attempts)} trusted',
        '',
        *table(_grid('end of the first message', ends)),
    ]
    return '\n'.join(lines)


def _grid(title: str, rows: dict[str, dict[str, str]]) -> list[list[str]]:
    """Rows and their values for each mix."""
    mixes = list(dict.fromkeys(mix for row in rows.values() for mix in row))
    lines = [
        [name, *(row.get(mix, '-') for mix in mixes)] for name, row in rows.items()
    ]
    return [[title, *mixes], *lines]


def table(rows: list[list[str]]) -> list[str]:
    """Lines in columns, with a rule below the first."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows = [rows[0], ['-' * width for width in widths], *rows[1:]]
    return [
        '  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
        for row in rows
    ]
