# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a post costs whose proof is a DKIM signature, and what a hostile one costs."""

from __future__ import annotations

import dkim
import email

from collections.abc import Iterator
from dev.benchmarks.timing import best, measure, ratio, Row
from functools import partial
from mailman_trustedserver.flattening import as_received
from mailman_trustedserver.signatures import check
from statistics import median
from tests.signing import DOMAIN, key_record, LIST, NOW, sign
from tests.test_signatures import compose, HOSTILE


LINE = 'The quick brown fox jumps over the lazy dog, and some  words more.\r\n'
SIZES = {'10 kB': 10_000, '1 MB': 1_000_000, '20 MB': 20_000_000}
# What any message may cost at most, in seconds.
BOUND = 0.25


def _look(message: bytes, key: bytes) -> object:
    return check(
        message,
        lambda name: key,
        domains=[DOMAIN],
        destinations=[LIST],
        received_at=NOW,
    )


def of_sizes() -> Iterator[Row]:
    """Writing the message as it came and looking for its signature, in seconds."""
    for size, length in SIZES.items():
        for algorithm in ('rsa', 'ed25519'):
            key = key_record(algorithm)
            message = sign(compose(body=LINE * (length // len(LINE))), algorithm)
            parsed = email.message_from_bytes(message)

            def look(parsed=parsed, key=key):
                return _look(as_received(parsed), key)

            def verify(message=message, key=key):
                return dkim.verify(message, dnsfunc=lambda name, timeout: key)

            if not (look() and verify()):
                raise RuntimeError(f'the signature of {size} does not verify')
            ours, theirs = measure(look, verify, rounds=5 if length > 10_000 else 50)
            # RSA has 2048 bits.
            yield ratio(f'{size}, {algorithm}: seconds', ours, [1.0] * len(ours), BOUND)
            yield ratio(f'{size}, {algorithm}: over dkimpy alone', ours, theirs)


def of_hostile_input() -> Iterator[Row]:
    """The dearest input that is made to cost much, in seconds."""
    key = key_record()
    times = {}
    for name, (build, _) in HOSTILE.items():
        times[name] = best(partial(_look, build(), key))
    for name in sorted(times, key=times.__getitem__, reverse=True)[:3]:
        yield Row(name, times[name], times[name], times[name], BOUND)
    rest = median(times.values())
    yield Row(f'the median of {len(times)}', rest, rest, rest)
