# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Post by the thousand, with and without the plugin, and while things break.

The status is 1 if a post did not come to its one right end, or if the
throughput is below its bound.
"""

import argparse
import os
import platform
import sys

from collections.abc import Sequence
from importlib.metadata import version
from load import faults, throughput
from load.posts import Account


parser = argparse.ArgumentParser(prog='load', description=__doc__)
parser.add_argument('--posts', type=int, default=10_000, help='to each Mailman')
parser.add_argument('--round', type=int, default=250, help='posts of a round')
parser.add_argument('--fault-posts', type=int, default=240, help='posts of a row')
parser.add_argument('--kills', type=int, default=8, help='of the `in` runner')
options = parser.parse_args()

COLUMNS = Account._fields


def line(name: str, values: Sequence[object], remark: str = '') -> None:
    """Print a line of a table."""
    print(f'{name:40}', *(f'{value:>9}' for value in values), remark, flush=True)


def load() -> str:
    load = ' '.join(f'{value:.1f}' for value in os.getloadavg())
    return f'load {load} on {os.cpu_count()} cores'


def main() -> bool:
    """Print the tables; return whether all is as it should be."""
    print(
        f'Python {platform.python_version()}, mailman {version("mailman")}; {load()}\n'
    )
    line(f'{options.posts} posts to each', COLUMNS)
    rounds = list(throughput.run(options.posts, options.round))
    holds = True
    for name, accounts in (
        ('with the plugin', [one.account for one, _ in rounds]),
        ('without it', [one.account for _, one in rounds]),
    ):
        total = Account(*map(sum, zip(*accounts)))
        line(name, total)
        holds = holds and total.holds
    speed = throughput.throughput(rounds)
    enough = speed.middle >= throughput.BOUND
    print(
        f'\nWith the plugin over without it, {len(rounds)} rounds of '
        f'{options.round} posts\n'
        f'throughput      {speed}   >= {throughput.BOUND} '
        f'{"holds" if enough else "FAILS"}\n'
        f'processor time  {throughput.processor(rounds)}\n'
        f'({load()})\n'
    )
    line('fault', COLUMNS)
    parts = [faults.with_plugin, faults.without_plugin]
    if faults.LIBFAKETIME:
        parts.append(faults.clock)
    for part in parts:
        for row in part(options.fault_posts, options.kills):
            line(row.fault, row.account, '' if row.holds else 'FAILS')
            holds = holds and row.holds
    if not faults.LIBFAKETIME:
        print('clock set back: not tried, there is no libfaketime (Debian: faketime)')
    return holds and enough


sys.exit(0 if main() else 1)
