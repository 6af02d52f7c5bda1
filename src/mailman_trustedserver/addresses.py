# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of addresses: is this peer address one of the site's own servers?

An entry is an address, a network, a regular expression that begins with `^`,
or any of these after `!`.  `AddressList.parse` refuses every other entry with
a `ValueError` that quotes the entry and says what would be right.

Addresses are compared as addresses, never as text: the tag `IPv6:` (RFC 5321
4.1.3) and zone ids (RFC 4007 11) are dropped, IPv4-mapped addresses (RFC 4291
2.5.5.2) are folded to IPv4, and `::1` is on a list wherever `127.0.0.1` is.
"""

from __future__ import annotations

import re

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
)
from typing import Optional, Union


__all__ = ['Address', 'AddressList', 'parse_address']

Address = Union[IPv4Address, IPv6Address]
Network = Union[IPv4Network, IPv6Network]

_LOOPBACK_4 = IPv4Address('127.0.0.1')
_LOOPBACK_6 = IPv6Address('::1')
# The prefix of the IPv4-mapped addresses, ::ffff:0:0/96.
_MAPPED_BITS = 96


# A site has few servers, so that most addresses have been seen before.
@lru_cache(maxsize=1024)
def parse_address(text: str) -> Address:
    """Read one address as mail servers and administrators write it.

    :param text: The address, without brackets: `192.0.2.1`, `2001:db8::1`,
        `IPv6:2001:db8::1`, `fe80::1%eth0`, `::ffff:192.0.2.1`.
    :return: The address in canonical form.
    :raises ValueError: if the text is no address.
    """
    if ':' not in text:
        return IPv4Address(text)
    if text[:5].lower() == 'ipv6:':
        text = text[5:]
    return _folded(IPv6Address(text.partition('%')[0]))


def _folded(address: Address) -> Address:
    mapped = getattr(address, 'ipv4_mapped', None)
    return address if mapped is None else mapped


def _parse_network(entry: str) -> Network:
    if '/' not in entry:
        return ip_network(parse_address(entry))
    network = ip_network(entry)
    if network.version == 6 and network.prefixlen >= _MAPPED_BITS:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ip_network((mapped, network.prefixlen - _MAPPED_BITS))
    return network


def _complaint(text: str, entry: str) -> str:
    """Say what is wrong with an entry that is no address and no network."""
    quoted = ascii(entry)
    host, slash, _ = text.partition('/')
    if slash:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            pass
        else:
            return (
                f'{quoted} has host bits set; write {network} for the '
                f'network or {host} for the address'
            )
    elif text.startswith(('#', ';')):
        return f'{quoted}: a comment takes a line of its own'
    elif re.search('[g-zG-Z_-]', text):
        return (
            f'{quoted} is a host name; names can be forged and are not '
            'looked up: write the address of the server'
        )
    return (
        f'{quoted} is neither an address (192.0.2.1, 2001:db8::1) nor a '
        'network (192.0.2.0/24) nor a regular expression (^192\\.0\\.2\\.)'
    )


class _Matcher:
    """Networks and regular expressions, with the entry that named each.

    Networks either nest or are disjoint, so when those inside another one are
    left out a binary search finds the only one that can hold an address.
    """

    def __init__(self) -> None:
        # By the version of IP: first and last address and entry of each
        # network, and apart from them the first addresses, to search in.
        self.networks: dict[int, list[tuple[int, int, str]]] = {4: [], 6: []}
        self._tables: dict[int, tuple[list[int], list[tuple[int, int, str]]]] = {}
        self._patterns: list[tuple[re.Pattern[str], str]] = []

    def add(self, text: str, entry: str) -> None:
        if text.startswith('^'):
            try:
                self._patterns.append((re.compile(text), entry))
            except (re.error, OverflowError, RecursionError) as error:
                raise ValueError(
                    f'{entry!a} is not a regular expression: {error}; '
                    'write one such as ^192\\.0\\.2\\.'
                ) from None
            return
        try:
            network = _parse_network(text)
        except ValueError:
            raise ValueError(_complaint(text, entry)) from None
        self.networks[network.version].append(
            (
                int(network.network_address),
                int(network.broadcast_address),
                entry,
            )
        )

    def freeze(self) -> None:
        for version, networks in self.networks.items():
            networks.sort(key=lambda network: (network[0], -network[1]))
            widest: list[tuple[int, int, str]] = []
            for network in networks:
                if not widest or network[0] > widest[-1][1]:
                    widest.append(network)
            self.networks[version] = widest
            self._tables[version] = ([first for first, *_ in widest], widest)

    def match(self, address: Address) -> Optional[str]:
        starts, networks = self._tables[address.version]
        if starts:
            number = int(address)
            position = bisect_right(starts, number) - 1
            if position >= 0 and number <= networks[position][1]:
                return networks[position][2]
        if self._patterns:
            text = str(address)
            for pattern, entry in self._patterns:
                if pattern.match(text):
                    return entry
        return None


@dataclass(frozen=True)
class AddressList:
    """Which addresses belong to the site's own servers.

    :ivar entries: The entries as they were written.
    """

    entries: tuple[str, ...] = ()
    _included: _Matcher = field(init=False, repr=False, compare=False)
    _excluded: _Matcher = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        included, excluded = _Matcher(), _Matcher()
        for entry in self.entries:
            if entry.startswith('!'):
                if len(entry) == 1:
                    raise ValueError(
                        "'!' is followed by nothing; write the address, "
                        'network or regular expression to exclude right '
                        'after it'
                    )
                excluded.add(entry[1:], entry)
            else:
                included.add(entry, entry)
        for name, matcher in (
            ('_included', included),
            ('_excluded', excluded),
        ):
            matcher.freeze()
            object.__setattr__(self, name, matcher)

    @classmethod
    def parse(cls, entries: Iterable[str]) -> AddressList:
        """Make a list from its entries.

        :param entries: Addresses, networks, regular expressions that begin
            with `^` (matched with `re.match` against the canonical text of
            the address), or any of these after `!`: an exclusion, which wins.
        :return: The list.
        :raises ValueError: for the first entry that is none of these; the
            message quotes the entry and says what would be right.
        """
        return cls(tuple(entries))

    def match(self, address: Address) -> Optional[str]:
        """Which entry puts the address on the list?

        :param address: The address.
        :return: The entry as it was written, the widest network first; None
            if the address is not on the list.
        """
        if address.version == 6:
            address = _folded(address)
            if address == _LOOPBACK_6:
                return self._match_loopback()
        entry = self._included.match(address)
        if entry is not None and self._excluded.match(address) is not None:
            return None
        return entry

    def _match_loopback(self) -> Optional[str]:
        for address in (_LOOPBACK_6, _LOOPBACK_4):
            if self._excluded.match(address) is not None:
                return None
        return self._included.match(_LOOPBACK_6) or self._included.match(_LOOPBACK_4)

    def __contains__(self, address: Address) -> bool:
        return self.match(address) is not None

    def shared_with(self, other: AddressList) -> list[tuple[str, str]]:
        """Which entries put an address on this list and on the other one?

        :param other: The other list.
        :return: Pairs of an entry of this list and one of the other.  Two
            regular expressions are not compared with each other, and
            exclusions count for the first address of a network.
        """
        pairs: dict[tuple[str, str], None] = {}
        for mine, yours in ((self, other), (other, self)):
            for address, entry in mine._first_addresses():
                match = yours.match(address)
                if match is not None and address in mine:
                    pair = (entry, match) if mine is self else (match, entry)
                    pairs[pair] = None
        return list(pairs)

    def _first_addresses(self) -> Iterator[tuple[Address, str]]:
        networks = self._included.networks
        for first, _, entry in networks[4]:
            yield IPv4Address(first), entry
        for first, _, entry in networks[6]:
            yield IPv6Address(first), entry
