# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What SpamAssassin trusts: `trusted_networks`, `internal_networks`, `msa_networks`.

The syntax is that of `Mail::SpamAssassin::Conf` and `NetSet`.  The first entry
decides that an address meets, or the narrowest one if Net::Patricia is installed;
where the two differ, an address is not taken.  Loopback is always trusted.

A condition (`if`, `ifplugin`) is not evaluated: under one, what excludes or clears
counts and what includes does not.  So no address is taken that SpamAssassin might
not trust.
"""

from __future__ import annotations

import re

from collections.abc import Iterable, Iterator
from ipaddress import ip_network, summarize_address_range
from mailman_trustedserver.addresses import Network, parse_address, parse_network
from mailman_trustedserver.advice.importing import (
    common,
    decided_by_first,
    Entry,
    Snippet,
    to_entries,
    Unusable,
)
from typing import Any


__all__ = ['import_spamassassin']

_LOCAL = ('trusted_networks', 'internal_networks')
_MSA = 'msa_networks'
_SETTINGS = (*_LOCAL, _MSA)

_LOOPBACK: list[Entry] = [(ip_network('127.0.0.0/8'), True), (ip_network('::1'), True)]

_CLEAR = 'clear_'
_CONDITIONS = ('if', 'ifplugin')

# With fewer than four numbers, a network.
_IPV4 = re.compile(r'[0-9]+(?:\.[0-9]+){3}|[0-9]+(?:\.[0-9]+){0,2}\.?')
_LENGTH = re.compile(r'[0-9]{1,3}|255\.[0-9.]+')


def import_spamassassin(files: Iterable[tuple[str, str]]) -> Snippet:
    """Import the networks of SpamAssassin.

    :param files: The name and the text of each file, in the order in which
        SpamAssassin reads them.
    :return: The snippet.
    :raises Unusable: if none of these settings is there.
    """
    snippet = Snippet()
    found: dict[str, list[Entry]] = {}
    names = []
    for name, text in files:
        names.append(name)
        _read(snippet, found, name, text)
    if not found and not snippet.notes:
        raise Unusable(
            f'{" ".join(names)}: there is no trusted_networks, internal_networks or '
            'msa_networks; name the file that has them, such as local.cf'
        )
    local = [
        network
        for setting in _LOCAL
        if any(included for _, included in found.get(setting, []))
        for network in _included(snippet, setting, [*_LOOPBACK, *found[setting]])
    ]
    # All of one network is included.
    local = decided_by_first([(network, True) for network in local])
    snippet.keys['trusted_local_servers'] = to_entries(local)
    msa = _included(snippet, _MSA, found.get(_MSA, []))
    snippet.keys['authenticated_remote_servers'] = to_entries(msa)
    if any(one.num_addresses > 1 and not one.is_loopback for one in local):
        snippet.notes.append(
            'Warning: each host in a network of trusted_local_servers counts as a '
            'mail server of yours, and what it writes is believed; list servers one '
            'by one'
        )
    if common(local, msa):
        snippet.notes.append(
            'Warning: some of authenticated_remote_servers are local servers, too, as '
            'SpamAssassin wants it; take those that hand on nothing but what is '
            'submitted at them off trusted_local_servers'
        )
    return snippet


def _read(
    snippet: Snippet, found: dict[str, list[Entry]], name: str, text: str
) -> None:
    conditions = 0
    for number, line in enumerate(text.split('\n'), start=1):
        line = re.sub(r'(?<!\\)#.*', '', line).strip()
        line, in_language = re.subn(r'^lang\s+\S+\s+', '', line)
        key, *words = line.split(None, 1) or ['']
        key, value = key.lower().replace('-', '_'), ' '.join(words)
        cleared = key[len(_CLEAR) :] if key.startswith(_CLEAR) else ''
        place = f'{name}:{number}'
        if key in _CONDITIONS:
            conditions += 1
        elif key == 'endif':
            conditions = max(0, conditions - 1)
        elif key == 'include':
            snippet.leave_out(
                place, f'include {value}', 'the file is not read; name it, too'
            )
        elif key in _SETTINGS:
            snippet.notes.append(f'{place}: {key} {value}')
            for network, included in _entries(snippet, place, value):
                if included and (conditions or in_language):
                    snippet.leave_out(
                        place, str(network), 'it stands under a condition'
                    )
                else:
                    found.setdefault(key, []).append((network, included))
        elif cleared in _SETTINGS:
            snippet.notes.append(f'{place}: {key}')
            former = found.pop(cleared, [])
            if conditions or in_language:
                # Whatever becomes of the condition, these are excluded.
                found[cleared] = [entry for entry in former if not entry[1]]


def _entries(snippet: Snippet, place: str, value: str) -> Iterator[Entry]:
    for word in re.findall(r'!\s*\S+|\S+', value):
        try:
            for network in _networks(word.lstrip('! \t')):
                yield network, not word.startswith('!')
        except ValueError:
            snippet.leave_out(
                place, word, 'SpamAssassin takes it for no address and no network'
            )


def _networks(text: str) -> Iterator[Network]:
    """Read an entry, which may be `192.0.2.1-192.0.2.9`.

    :raises ValueError: if it is none.
    """
    first, dash, last = text.partition('-')
    if not dash:
        yield _network(text)
        return
    try:
        start: Any = parse_address(first)
        yield from summarize_address_range(start, parse_address(last))
    except TypeError:
        raise ValueError from None


def _network(text: str) -> Network:
    """Read `192.0.2.1`, `192.0.2`, `192.0.2.`, `192/8`, `[2001:db8::1%eth0]/64`.

    :raises ValueError: if it is none of these.
    """
    address, slash, length = text.partition('/')
    match = re.fullmatch(r'\[(.*)\]', address)
    address = (match[1] if match else address).partition('%')[0]
    if _IPV4.fullmatch(address):
        # Zeros may stand before each number.
        numbers = [int(number) for number in address.rstrip('.').split('.')]
        address = '.'.join(map(str, [*numbers, 0, 0, 0][:4]))
        if not slash:
            slash, length = '/', str(8 * len(numbers))
    if slash and not _LENGTH.fullmatch(length):
        raise ValueError
    # IPv4-mapped ones are folded.
    return parse_network(str(ip_network(address + slash + length, strict=False)))


def _included(snippet: Snippet, setting: str, entries: list[Entry]) -> list[Network]:
    first = decided_by_first(entries)
    # Of the same network, the last one counts, as in Net::Patricia.
    order = sorted(
        enumerate(entries), key=lambda pair: (-pair[1][0].prefixlen, -pair[0])
    )
    narrowest = decided_by_first([entry for _, entry in order])
    if first == narrowest:
        return first
    snippet.notes.append(
        f'Warning: {setting} includes and excludes the same addresses, and which of '
        'it counts hangs on whether SpamAssassin has Net::Patricia; these are not '
        'carried over'
    )
    return common(first, narrowest)
