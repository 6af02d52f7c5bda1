# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that are on no list, tried as if they were: nothing is configured.

Bounds: at most `MAX_CANDIDATES` addresses or networks together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from mailman_trustedserver.addresses import AddressList, parse_network
from mailman_trustedserver.settings import Settings


__all__ = ['CANDIDATE_KEYS', 'MAX_CANDIDATES', 'Candidate', 'read_candidates', 'tried']

MAX_CANDIDATES = 10

# The keys whose lists an address alone can be put on, the most cautious first.
CANDIDATE_KEYS = (
    'authenticated_remote_servers',
    'trusted_remote_servers',
    'dedicated_remote_servers',
    'trusted_local_servers',
)


@dataclass(frozen=True)
class Candidate:
    """An entry that is tried.

    :ivar key: The key that it is an entry of.
    :ivar entry: The entry as it was written.
    :ivar taken_as: The address or network that it was taken as, in canonical form.
    """

    key: str
    entry: str
    taken_as: str


def read_candidates(values: Mapping[str, str]) -> tuple[Candidate, ...]:
    """Read what is to be tried.

    :param values: The entries of each key, separated by white space.
    :return: The candidates, in the order of `CANDIDATE_KEYS`.
    :raises ValueError: for the first mistake; the message says what would be right.
    """
    for key in values:
        if key not in CANDIDATE_KEYS:
            raise ValueError(
                f'{key!a} cannot be tried; what can be is ' + ', '.join(CANDIDATE_KEYS)
            )
    pairs = [
        (key, entry) for key in CANDIDATE_KEYS for entry in values.get(key, '').split()
    ]
    if len(pairs) > MAX_CANDIDATES:
        raise ValueError(
            f'{len(pairs)} entries are too many; try {MAX_CANDIDATES} or fewer'
        )
    return tuple(_read(key, entry) for key, entry in pairs)


def _read(key: str, entry: str) -> Candidate:
    if entry.startswith(('!', '^')):
        raise ValueError(
            f'{key}: {entry[:100]!a} is an exclusion or a regular expression; try '
            'addresses (192.0.2.1) and networks (192.0.2.0/24)'
        )
    try:
        AddressList.parse([entry])
    except ValueError as error:
        raise ValueError(f'{key}: {error}') from None
    network = parse_network(entry)
    alone = network.num_addresses == 1
    return Candidate(key, entry, str(network[0] if alone else network))


def tried(settings: Settings, candidates: tuple[Candidate, ...]) -> Settings:
    """The settings as they would be with these entries, too.

    :param settings: What is in force.
    :param candidates: The entries.
    """
    for key in CANDIDATE_KEYS:
        added = [one.entry for one in candidates if one.key == key]
        if added:
            settings = settings.with_entries(key, added)
    return settings
