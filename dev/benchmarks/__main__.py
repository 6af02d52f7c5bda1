# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure, and print a table of ratios with the bounds that they must keep.

A line has the median of the ratios of all rounds, their quartiles, and the
bound.  The status is 1 if a median is above its bound.
"""

import argparse
import os
import platform
import sys

from dev.benchmarks import growth, signed, speed
from importlib.metadata import version


PARTS = (
    ('evaluate, over the original algorithm', speed.original_algorithm),
    ('evaluate, over what else reads the fields', speed.other_readers),
    ('Seconds of the start, over one second and over Mailman', speed.imports),
    ('The rule, over mailman.core.chains.process', speed.whole_chain),
    ('evaluate with so many networks in each list, over 10', growth.of_networks),
    ('A list of 100,000 networks', growth.of_long_lists),
    ('evaluate with so many fields older than the route, over none', growth.of_fields),
    ('A DKIM signature, without DNS', signed.of_sizes),
    ('Seconds for hostile messages with a signature', signed.of_hostile_input),
    ('A field of 10 MB, over one str.find in it', growth.of_length),
    ('A field of 16 kB, over 2 kB: the worst repetitions', growth.of_repetitions),
)

parser = argparse.ArgumentParser(prog='dev.benchmarks', description=__doc__)
parser.add_argument('--plot', metavar='FILE', help='draw the growth as PNG')
plot = parser.parse_args().plot

packages = ('mailman', 'mail-parser', 'eml_parser')
print(f'Python {platform.python_version()}', end='')
print(*(f', {name} {version(name)}' for name in packages), sep='', end='')
print(f'; load {os.getloadavg()[0]:.1f}\n{"median":>63} {"quartiles":^18}   bound')
holds = True
for title, part in PARTS:
    print(f'\n{title}')
    for row in part():
        print(row, flush=True)
        holds = holds and row.holds
if plot:
    growth.draw(plot)
sys.exit(0 if holds else 1)
