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
from dev.load import faults, throughput
from dev.load.posts import Account
from importlib.metadata import version


parser = argparse.ArgumentParser(prog='dev.load', description=__doc__)
parser.add_argument('--posts', type=int, default=10_000, help='to each Mailman, or 0')
parser.add_argument('--round', type=int, default=250, help='posts of a round')
parser.add_argument('--fault-posts', type=int, default=240, help='of a row, or 0')
parser.add_argument('--times', type=int, default=8, help='to kill the `in` runner')
options = parser.parse_args()

COLUMNS = Account._fields


def line(name: str, values: Sequence[object], remark: str = '') -> None:
    """Print a line of a table."""
    print(f'{name:44}', *(f'{value:>9}' for value in values), remark, flush=True)


def load() -> str:
    load = ' '.join(f'{value:.1f}' for value in os.getloadavg())
    return f'load {load} on {os.cpu_count()} cores'


def at_full_speed() -> bool:
    """Print the first table; return whether all is as it should be."""
    line(f'{options.posts} posts to each', COLUMNS)
    result = throughput.run(options.posts, options.round)
    line('with the plugin', result.with_plugin)
    line('without it', result.without)
    speed = throughput.throughput(result.rounds)
    enough = speed.middle >= throughput.BOUND
    print(
        f'\nWith the plugin over without it, {len(result.rounds)} rounds of '
        f'{options.round} posts\n'
        f'throughput      {speed}   >= {throughput.BOUND} '
        f'{"holds" if enough else "FAILS"}\n'
        f'processor time  {throughput.processor(result.rounds)}\n'
        f'({load()})\n'
    )
    return result.with_plugin.holds and result.without.holds and enough


def while_things_break() -> bool:
    """Print the second table; return whether all is as it should be."""
    line('fault', COLUMNS)
    holds = True
    parts = [faults.with_plugin, faults.changing, faults.without_plugin]
    if faults.LIBFAKETIME:
        parts.append(faults.clock)
    for part in parts:
        for row in part(options.fault_posts, options.times):
            line(row.fault, row.account, '' if row.holds else 'FAILS')
            holds = holds and row.holds
    if not faults.LIBFAKETIME:
        print('clock set back: not tried, there is no libfaketime')
    return holds


print(f'Python {platform.python_version()}, mailman {version("mailman")}; {load()}\n')
results = []
if options.posts:
    results.append(at_full_speed())
if options.fault_posts:
    results.append(while_things_break())
sys.exit(0 if all(results) else 1)
