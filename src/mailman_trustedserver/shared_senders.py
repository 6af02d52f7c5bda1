# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mail services that many customers share: who sends from these addresses?

The address of such a service proves nothing about the customer.  So it belongs
on none of the lists where the address, the number of hops or AUTH is the proof;
each service has the key whose proof tells its customers apart.

The data is in `shared_senders.json` beside this file, under the licence of this
file.  It has what each service publishes, in its SPF record (RFC 7208) or on a
page of its own: the name, the source, the date on which the source said so, and
the networks.  What could not be read at a source is left out, and `left_out`
names it.  So an address that is not found here may be shared all the same.

Nothing is read before the first call, and then once for the process.  The
module opens no other file, asks no DNS and has no clock.
"""

from __future__ import annotations

import re

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from itertools import islice
from mailman_trustedserver.addresses import AddressList, Range
from mailman_trustedserver.expressions import compile_expression
from typing import Any, TYPE_CHECKING


if TYPE_CHECKING:
    from datetime import date


__all__ = [
    'DKIM_KEY',
    'MICROSOFT_365_KEY',
    'SharedSender',
    'file_date',
    'is_old',
    'left_out',
    'load',
    'microsoft_365_networks',
    'shared_with',
]

# The keys whose proof tells the customers of a service apart.
MICROSOFT_365_KEY = 'microsoft_365_tenants'
DKIM_KEY = 'dkim_remote_servers'

# Regular expressions are tried on the ends of blocks of this many addresses.
_BLOCK = 256


@dataclass(frozen=True)
class SharedSender:
    """A service whose addresses many customers share.

    :ivar name: Its name, in English.
    :ivar key: The key of the plugin that would be right for it:
        `MICROSOFT_365_KEY` or `DKIM_KEY`.
    :ivar source: Where the networks stand: SPF records, or a page.
    :ivar date: When the source said so; the oldest date if it was read in parts.
    :ivar addresses: Its networks, as the source has them; `addresses.entries`
        are their texts.
    """

    name: str
    key: str
    source: str
    date: date
    addresses: AddressList


@lru_cache(maxsize=1)
def _data() -> Any:
    # Few programs need the file, and these take long to import.
    import json

    from importlib.resources import files

    path = files('mailman_trustedserver').joinpath('shared_senders.json')
    return json.loads(path.read_text(encoding='utf-8'))


@lru_cache(maxsize=1)
def load() -> tuple[SharedSender, ...]:
    """All services, in the order of the file.

    :return: The services.  Their networks are public addresses, and no two
        services have an address in common.
    :raises OSError: if the file is missing in the installation.
    """
    # What reads posts needs no dates, and it takes a while to import.
    from datetime import date

    return tuple(
        SharedSender(
            sender['name'],
            sender['key'],
            sender['source'],
            date.fromisoformat(sender['date']),
            AddressList.parse(sender['networks']),
        )
        for sender in _data()['senders']
    )


def left_out() -> dict[str, str]:
    """What could not be read at a source.

    :return: For the name of a service, what of it is not in the file.
    :raises OSError: as `load`.
    """
    return dict(_data()['left_out'])


def microsoft_365_networks() -> tuple[str, ...]:
    """The networks that Microsoft 365 sends from, IPv4 and IPv6.

    :return: The networks, as entries of a list.
    :raises OSError: as `load`.
    """
    return tuple(
        entry
        for sender in load()
        if sender.key == MICROSOFT_365_KEY
        for entry in sender.addresses.entries
    )


def file_date() -> date:
    """The newest date of a source: what the file as a whole is as old as.

    :raises OSError: as `load`.
    """
    return max(sender.date for sender in load())


def is_old(today: date) -> bool:
    """Is the file older than a year?

    :param today: The day to ask for.
    :return: Whether `today` is later than the same day of the year after
        `file_date`.
    :raises OSError: as `load`.
    """
    known = file_date()
    return (today.year - 1, today.month, today.day) > (
        known.year,
        known.month,
        known.day,
    )


def shared_with(addresses: AddressList) -> list[tuple[str, SharedSender]]:
    """Which entries of a list put addresses of a shared service on it?

    Addresses and networks are compared in full: it counts if an entry lies
    within the networks of a service, holds them or overlaps with them, and if an
    address of that is left when the networks that the list excludes are taken
    away.

    A regular expression, in an entry or an exclusion, is tried on some addresses
    only: the first and the last one of each network, or of what exclusions leave
    of it, and in IPv4 those of each block of 256 within.  So `^40\\.107\\.22\\.`
    is found, and `^40\\.107\\.22\\.52$` is not.  An exclusion by an expression
    takes away what it matches at all of these.

    :param addresses: The list.
    :return: Pairs of an entry, as it was written, and a service, in the order of
        the list and then of the file; a pair for each service that an entry
        meets.
    :raises OSError: as `load`.
    """
    senders = load()
    refused = [compile_expression(one[1:]) for one in _expressions(addresses, '!^')]
    # In order; no two have an address in common.
    pieces = sorted(
        (*piece, number)
        for number, sender in enumerate(senders)
        for piece in _without(sender.addresses.ranges, addresses.excluded_ranges)
    )
    found: dict[str, set[int]] = {}
    for version, first, last, entry in addresses.ranges:
        for *piece, number in _overlapping(pieces, version, first, last):
            common = version, max(first, piece[1]), min(last, piece[2])
            if not refused or any(_left(refused, text) for text in _samples(common)):
                found.setdefault(entry, set()).add(number)
    expressions = _expressions(addresses, '^')
    if expressions:
        samples = [
            (text, number)
            for *piece, number in pieces
            for text in _samples(piece)
            if _left(refused, text)
        ]
        for entry in expressions:
            match = compile_expression(entry).match
            found[entry] = {number for text, number in samples if match(text)}
    return [
        (entry, senders[number])
        for entry in dict.fromkeys(addresses.entries)
        for number in sorted(found.get(entry, ()))
    ]


def _expressions(addresses: AddressList, begin: str) -> list[str]:
    return [entry for entry in addresses.entries if entry.startswith(begin)]


def _overlapping(
    pieces: Sequence[Any], version: int, first: int, last: int
) -> Iterator[Any]:
    """Those of some ranges, in order and disjoint, that overlap with one."""
    # The last one that begins before it, or none.
    at = max(bisect_left(pieces, (version, first)) - 1, 0)
    for piece in islice(pieces, at, None):
        if piece[:2] > (version, last):
            break
        if piece[0] == version and piece[2] >= first:
            yield piece


def _without(
    ranges: Iterable[Range], holes: Sequence[Range]
) -> Iterator[tuple[int, int, int]]:
    """What holes, in order and disjoint, leave of ranges."""
    for version, first, last, _ in ranges:
        for hole in _overlapping(holes, version, first, last):
            if first < hole[1]:
                yield version, first, hole[1] - 1
            first = hole[2] + 1
        if first <= last:
            yield version, first, last


def _left(refused: list[re.Pattern[str]], text: str) -> bool:
    return not any(pattern.match(text) for pattern in refused)


def _samples(piece: Sequence[int]) -> Iterator[str]:
    """The canonical texts of the addresses that expressions are tried on."""
    version, first, last = piece
    if version == 6:
        yield str(IPv6Address(first))
        yield str(IPv6Address(last))
        return
    while first <= last:
        end = min(first | (_BLOCK - 1), last)
        yield str(IPv4Address(first))
        yield str(IPv4Address(end))
        first = end + 1
