# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the importers share: a snippet of configuration, and lists in order.

Other systems let the first entry decide that an address meets, or the narrowest
one; here an exclusion always wins.  So no exclusion is written: what a source
excludes is cut out of its networks.
"""

from __future__ import annotations

import re

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import collapse_addresses, ip_network
from mailman_trustedserver.addresses import Network
from mailman_trustedserver.report import escape
from typing import Any


__all__ = [
    'Entry',
    'Mapped',
    'Snippet',
    'Unusable',
    'common',
    'decided_by_first',
    'quote',
    'subtract',
    'to_entries',
    'to_network',
]

# Text of a source is shown up to here.
_MAX_QUOTED = 200

# A network, and whether it is included.
Entry = tuple[Network, bool]


class Unusable(ValueError):
    """Nothing can be made of a source; the text says why, and what to do."""


class Mapped(ValueError):
    """A network has IPv4-mapped addresses."""


@dataclass
class Snippet:
    """What an importer makes of a source.

    :ivar notes: Where it comes from, what changes, and what is not carried over,
        each to be printed as a line of comment.
    :ivar keys: The entries of each key.
    :ivar candidates: The same, to be printed as comments.
    """

    notes: list[str] = field(default_factory=list)
    keys: dict[str, list[str]] = field(default_factory=dict)
    candidates: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, place: str, what: str, why: str) -> None:
        """Note what is not carried over.

        :param place: Where it stands.
        :param what: It, as the source has it.
        :param why: Why not, and what can be done.
        """
        self.notes.append(f'Not carried over: {place}: {quote(what)}: {why}')

    def lines(self) -> Iterator[str]:
        """The lines to paste into a configuration, in ASCII."""
        for note in self.notes:
            yield f'# {escape(note)}'
        for mark, keys in (('', self.keys), ('#', self.candidates)):
            for key, entries in keys.items():
                if entries:
                    yield f'{mark}{key}:'
                    yield from (f'{mark}    {entry}' for entry in entries)


def quote(text: str) -> str:
    """A piece of a source as it is shown."""
    return text if len(text) <= _MAX_QUOTED else text[:_MAX_QUOTED] + '...'


def to_network(text: str) -> Network:
    """Read an address or a network with the length of its prefix.

    :param text: Such as `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`; bits of the
        host are taken for zero.
    :return: The network.
    :raises Mapped: if its addresses are IPv4-mapped.
    :raises ValueError: if it is neither.
    """
    if not re.fullmatch(r'[0-9A-Fa-f.:]+(?:/[0-9]{1,3})?', text):
        raise ValueError('it is no address and no network')
    network = ip_network(text, strict=False)
    if network.version == 6 and network.network_address.ipv4_mapped is not None:
        raise Mapped('it is IPv4-mapped')
    return network


def subtract(networks: Iterable[Network], holes: Iterable[Network]) -> list[Network]:
    """The networks without the addresses of others.

    :param networks: The networks.
    :param holes: Those to cut out.
    """
    left: list[Any] = list(networks)
    for hole in holes:
        left = [piece for one in left for piece in _cut(one, hole)]
    return left


def _cut(one: Any, hole: Any) -> Iterable[Network]:
    if not one.overlaps(hole):
        return [one]
    # One of two networks that overlap is within the other.
    return one.address_exclude(hole) if hole.subnet_of(one) else []


def common(networks: Sequence[Network], others: Sequence[Network]) -> list[Network]:
    """The networks that hold what is in some of one kind and some of the other."""
    found: list[Network] = []
    for version in (4, 6):
        mine: list[Any] = _collapse(networks, [version])
        yours: list[Any] = _collapse(others, [version])
        # Of two networks that overlap, the narrower one is what they share.  Both
        # lists are in order, and of one list no two overlap.
        while mine and yours:
            one, other = mine[-1], yours[-1]
            if one.overlaps(other):
                found.append(max(one, other, key=lambda network: network.prefixlen))
            (mine if one[0] >= other[0] else yours).pop()
    return _collapse(found)


def decided_by_first(entries: Sequence[Entry]) -> list[Network]:
    """The networks whose addresses are included by the first entry that has them.

    :param entries: The entries of a source, in its order.
    """
    networks: list[Network] = []
    for network, included in reversed(entries):
        if included:
            networks.append(network)
        else:
            networks = subtract(networks, [network])
    return _collapse(networks)


def to_entries(networks: Iterable[Network]) -> list[str]:
    """The networks as entries of a list."""
    return [
        str(network[0] if network.num_addresses == 1 else network)
        for network in networks
    ]


def _collapse(
    networks: Iterable[Network], versions: Iterable[int] = (4, 6)
) -> list[Network]:
    """The same addresses in as few networks as can be, in order."""
    every: list[Any] = list(networks)
    return [
        network
        for version in versions
        for network in collapse_addresses(
            one for one in every if one.version == version
        )
    ]
