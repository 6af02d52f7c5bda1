# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts at full speed to two Mailmans in turn, one of them with the plugin.

Both run all the time, and are given the same posts in short rounds, so that a
machine that is busy is so for both.  What the plugin delivers because of the
route, the other delivers because the sender is a member: the two hold, reject
and deliver the same.
"""

from __future__ import annotations

import os
import re
import sys
import time

from collections.abc import Sequence
from contextlib import ExitStack
from dev.load.posts import Account, Flow, Post
from dev.site.mailman import MailmanSite, MEMBER
from dev.site.posts import CONFIGURATION, SENDER
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple


# The least throughput with the plugin, over that without it.
BOUND = 0.98


class Round(NamedTuple):
    """Some posts to one Mailman."""

    # From the first post to the moment when no queue has one any more.
    seconds: float
    # What all runners took of the processor meanwhile.
    processor_seconds: float


class Ratio(NamedTuple):
    """What is with the plugin over what is without it, round by round."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f'{self.middle:.3f}, quartiles {self.low:.3f} to {self.high:.3f}'


class Result(NamedTuple):
    """All posts to the two Mailmans, and each round to the one and the other."""

    with_plugin: Account
    without: Account
    rounds: list[tuple[Round, Round]]


def run(count: int, per_round: int) -> Result:
    """Post `count` posts to each."""
    with ExitStack() as stack:
        flows = [
            Flow(stack.enter_context(MailmanSite(CONFIGURATION)), SENDER),
            Flow(stack.enter_context(MailmanSite()), MEMBER),
        ]
        # The first posts find cold caches.
        for flow in flows:
            _round(flow, flow.make(per_round))
        sent: list[list[Post]] = [[], []]
        rounds = []
        order = [0, 1]
        for _ in range(count // per_round):
            # Neither is always first.
            order.reverse()
            times = {}
            for index in order:
                posts = flows[index].make(per_round)
                sent[index] += posts
                times[index] = _round(flows[index], posts)
            rounds.append((times[0], times[1]))
        accounts = [flow.account(posts) for flow, posts in zip(flows, sent)]
        for flow, account in zip(flows, accounts):
            if not account.holds:
                print(flow.site.logs(), file=sys.stderr)
        with_it, without_it = accounts
        return Result(with_it, without_it, rounds)


def _round(flow: Flow, posts: Sequence[Post]) -> Round:
    processor = _processor_seconds(flow.site)
    start = time.monotonic()
    flow.send(posts)
    flow.settle()
    seconds = time.monotonic() - start
    return Round(seconds, _processor_seconds(flow.site) - processor)


def _processor_seconds(site: MailmanSite) -> float:
    log = (site.directory / 'var' / 'logs' / 'mailman.log').read_text('utf-8')
    ticks = 0
    for pid in re.findall(r'\((\d+)\) \w+ runner started', log):
        # The name of the program, in parentheses, may have spaces.
        fields = Path('/proc', pid, 'stat').read_text().rpartition(')')[2].split()
        # utime and stime; see proc(5), where state is field 3.
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf('SC_CLK_TCK')


def throughput(rounds: list[tuple[Round, Round]]) -> Ratio:
    """Posts a second."""
    return _ratio([without.seconds / with_.seconds for with_, without in rounds])


def processor(rounds: list[tuple[Round, Round]]) -> Ratio:
    """Processor time for a post."""
    return _ratio(
        [
            with_.processor_seconds / without.processor_seconds
            for with_, without in rounds
        ]
    )


def _ratio(ratios: list[float]) -> Ratio:
    low, _, high = quantiles(ratios, n=4)
    return Ratio(median(ratios), low, high)
