# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the time grows: with the networks, the fields, the length of a field."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dev.benchmarks import material
from dev.benchmarks.material import hostile, LOCAL, policy, REMOTE, ROUTE
from dev.benchmarks.timing import best, measure, ratio, Row
from functools import partial
from itertools import product
from mailman_trustedserver import (
    AddressList,
    evaluate,
    MalformedReceived,
    parse_received,
)
from mailman_trustedserver.advice.lint import lint
from mailman_trustedserver.formats import FORMATS
from mailman_trustedserver.scopes import Configuration
from mailman_trustedserver.settings import Settings
from statistics import median
from time import process_time


NETWORKS = (10, 100, 1_000, 10_000, 100_000)
FIELDS = (0, 3, 10, 100, 1_000, 10_000)
# The bound of one field, MAX_FIELD_LENGTH, lies among them.
LENGTHS = (1_000, 4_000, 16_000, 17_000, 100_000, 1_000_000, 10_000_000)

# For the picture: a panel's lines, each of numbers and ratios.
Lines = dict[str, tuple[tuple[int, ...], list[float]]]
networks: Lines = {}
fields: Lines = {}
lengths: Lines = {}


def of_networks() -> Iterator[Row]:
    """The same route, with ever more networks that have nothing to do with it."""
    trusts = []
    for count in NETWORKS:
        local, remote = (material.networks(count, seed) for seed in (1, 2))
        trusts.append(policy(LOCAL + local, REMOTE + remote))
    for kind, call in (('seen before', evaluate), ('never seen', _evaluate_unseen)):
        times = measure(*(partial(call, ROUTE, trust) for trust in trusts))
        names = (f'{count:,}, addresses {kind}' for count in NETWORKS)
        rows = [ratio(name, each, times[0]) for name, each in zip(names, times)]
        networks[f'addresses {kind}'] = NETWORKS, [row.middle for row in rows]
        yield rows[2]
        yield rows[-1]._replace(bound=1.3)


def of_long_lists() -> Iterator[Row]:
    """Seconds of the processor for what is read, and what `check` compares."""
    local, remote = (material.networks(NETWORKS[-1], seed) for seed in (1, 2))
    settings = Settings(policy(local, remote))
    for name, call in (
        ('read: seconds', partial(AddressList.parse, local)),
        ('two compared: seconds', partial(lint, Configuration(settings))),
    ):
        times = []
        for _ in range(5):
            start = process_time()
            call()
            times.append(process_time() - start)
        yield ratio(name, times, [1.0] * len(times), 1.0)


def _evaluate_unseen(route, trust):
    material.forget()
    evaluate(route, trust)


def of_fields() -> Iterator[Row]:
    """The route alone, and with ever more forged fields that are older."""
    trust = policy(LOCAL, REMOTE)
    for kind, field in material.FORGED.items():
        calls = [partial(evaluate, ROUTE + [field] * count, trust) for count in FIELDS]
        times = measure(*calls, rounds=200)
        rows = [
            ratio(f'{n:,} {kind}', each, times[0]) for n, each in zip(FIELDS, times)
        ]
        fields[kind] = FIELDS, [row.middle for row in rows]
        yield rows[1]
        yield rows[3]
        # Fields that are no hops are read, up to MAX_FIELDS of them.
        yield rows[-1]._replace(bound=1.1 if field.startswith('from') else None)


def of_length() -> Iterator[Row]:
    """One long field, and one search in it for what is not there."""
    trust = policy(LOCAL, REMOTE)
    slowest = [0.0] * len(LENGTHS)
    for kind, (head, unit) in material.LONG.items():
        long = [hostile(head, unit, length) for length in LENGTHS]
        parse, judge, find = measure(
            partial(_parse, long[-1]),
            partial(evaluate, [*ROUTE, long[-1]], trust),
            partial(long[-1].find, '\0nowhere'),
            rounds=30,
        )
        yield ratio(f'{kind}: parse_received', parse, find, 20)
        yield ratio(f'{kind}: evaluate, older than the route', judge, find, 20)
        times = measure(*(partial(_parse, field) for field in long), rounds=30)
        slowest = [max(a, median(b)) for a, b in zip(slowest, times)]
    finds = (partial(('x' * length).find, '\0nowhere') for length in LENGTHS)
    honest, *times = measure(partial(_parse, ROUTE[0]), *finds, rounds=30)
    found = [median(each) for each in times]
    for name, seconds in (('parse_received', slowest), ('one str.find', found)):
        lengths[name] = LENGTHS, [each / median(honest) for each in seconds]


def of_repetitions() -> Iterator[Row]:
    """Hostile repetitions up to the bound: linear is 8, quadratic 64."""
    honest = best(partial(_parse, ROUTE[0]))
    rows = {row.name: row.pattern.fullmatch for row in FORMATS}
    worst = dict.fromkeys(('parse_received', 'one row'), (0.0, ''))
    dearest = 0.0
    for head, unit in product(material.HEADS, material.UNITS):
        short, long = (hostile(head, unit, length) for length in (2_048, 16_384))
        growth, seconds = _growth(_parse, short, long, honest)
        dearest = max(dearest, seconds)
        where = f'{head}{unit}'
        worst['parse_received'] = max(worst['parse_received'], (growth, where))
        # A row is given the field without the folding.
        short, long = (t.replace('\n', '').replace('\t', ' ') for t in (short, long))
        for name, fullmatch in rows.items():
            growth, _ = _growth(fullmatch, short, long, honest)
            worst['one row'] = max(worst['one row'], (growth, f'{name}: {where}'))
    for name, (growth, where) in worst.items():
        yield Row(f'{name}; {where[-33:]!a}', growth, growth, growth, 32)
    over = dearest / honest
    yield Row('the dearest 16 kB, over a field of Postfix', over, over, over)


def _growth(reader, short, long, floor):
    before = best(partial(reader, short))
    if before > 1_000 * floor:
        # One would wait for the long field for ever.
        return float('inf'), before
    seconds = best(partial(reader, long))
    # What is refused at once says nothing but noise.
    return seconds / before if seconds > floor else 0.0, seconds


def _parse(field):
    with suppress(MalformedReceived):
        parse_received(field)


def draw(path: str) -> None:
    """Draw what was measured: three panels with logarithmic axes."""
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot, ticker

    figure, panels = pyplot.subplots(1, 3, figsize=(12, 3.8), layout='constrained')
    for axes, lines, title, below, beside, bound in zip(
        panels,
        (networks, fields, lengths),
        ('More networks', 'More fields', 'A longer field'),
        ('networks in each list', 'forged fields below the route', 'characters'),
        ('over 10 networks', 'over no forged field', 'over an honest field'),
        (1.3, 1.1, None),
    ):
        for name, (numbers, ratios) in lines.items():
            axes.plot(numbers, ratios, marker='.', label=name)
        axes.set(title=title, xlabel=below, ylabel=f'time, {beside}')
        axes.set(xscale='log', yscale='log')
        if bound is not None:
            axes.axhline(bound, color='grey', linestyle='--', label=f'bound: {bound}')
            axes.set(yticks=(0.5, 1, 2, 5), ylim=(0.5, 5))
        if lines is fields:
            # On this axis, there is a place for none.
            axes.set_xscale('symlog')
            axes.set_xlim(left=-0.3)
        axes.xaxis.set_major_formatter(ticker.EngFormatter(sep=''))
        axes.yaxis.set_major_formatter('{x:,g}')
        axes.yaxis.set_minor_formatter(ticker.NullFormatter())
        axes.grid(alpha=0.3)
        axes.legend(fontsize='small', loc='upper left' if bound else 'center right')
    figure.savefig(path, dpi=100)
