# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of addresses: is this peer address one of the site's own servers?

An entry is an address, a network, a regular expression that begins with `^`,
or any of these after `!`.  `AddressList.parse` refuses every other entry with
a `ValueError` that quotes the entry and says what would be right.  It refuses
too what Python would read in a way that nobody expects: a mask of zeros, a
wildcard mask, a zone id.

Addresses are compared as addresses, never as text: the tag `IPv6:` (RFC 5321
4.1.3) and zone ids (RFC 4007 11) are dropped, IPv4-mapped addresses (RFC 4291
2.5.5.2) are folded to IPv4, and `::1` is on a list wherever `127.0.0.1` is.
"""

from __future__ import annotations

import re
import unicodedata

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import (
    ip_network,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    summarize_address_range,
)
from itertools import islice
from mailman_trustedserver.expressions import compile_expression
from typing import Any, Optional, Union


__all__ = [
    'PRIVATE',
    'Address',
    'AddressList',
    'Range',
    'format_address',
    'parse_address',
    'parse_network',
]

# The networks that every organisation may have (RFC 1918, 6598, 4193).
PRIVATE = '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'

Address = Union[IPv4Address, IPv6Address]
Network = Union[IPv4Network, IPv6Network]

# The version of IP, the first and the last address, and the entry of a list.
Range = tuple[int, int, int, str]

_LOOPBACK_4 = IPv4Address('127.0.0.1')
_LOOPBACK_6 = IPv6Address('::1')
# The prefix of the IPv4-mapped addresses, ::ffff:0:0/96.
_MAPPED_BITS = 96

# An entry is quoted up to here, and a longer one than the second is not looked
# into for what its mistake may be.
_MAX_QUOTED = 100
_MAX_EXPLAINED = 1000

# A range that needs more networks than this is the administrator's to divide.
_MAX_NETWORKS = 8

# How often expressions are tried on networks when two lists are compared: about
# half a second.
_MAX_TRIES = 50_000

# An octet, and what follows an address of either version, with the bits that are
# no more of the network: so that a long list loads in little time.
_OCTETS = {str(number): number for number in range(256)}
_HOST_BITS_4 = {'': 0, **{f'/{n}': (1 << 32 - n) - 1 for n in range(33)}}
_HOST_BITS_6 = {'': 0, **{f'/{n}': (1 << 128 - n) - 1 for n in range(129)}}

_QUOTES = '\'"`'
_BRACKETS = '[](){}<>'
# What word processors and input methods write for a quote, a comma, a dash.
_TYPOGRAPHIC = str.maketrans(
    {
        **dict.fromkeys('\u2018\u2019\u201a\u201b\u2032\u2039\u203a', "'"),
        **dict.fromkeys('\u201c\u201d\u201e\u201f\xab\xbb', '"'),
        **dict.fromkeys('\u300c\u300d\u300e\u300f\xb4', '"'),
        **dict.fromkeys('\u2010\u2011\u2012\u2013\u2014\u2212', '-'),
        '\u3001': ',',
    }
)
# An address or network with what people put around one.
_WRAPPED = (
    r"""['"`\[({<]*(?:[Ii][Pp][Vv]6:)?([^][(){}<>'"`]*)['"`\])}>]*"""
    r"""(/[\d.]+)?['"`\])}>]*"""
)
_PUNCTUATION = 'no commas, quotes or brackets: separate entries by white space'


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


@lru_cache(maxsize=1024)
def format_address(address: Address) -> str:
    """The text of an address in canonical form, which Python writes slowly.

    :param address: The address.
    """
    return str(address)


def _folded(address: IPv6Address) -> Address:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address if address.scope_id is None else IPv6Address(int(address))


def parse_network(text: str) -> Network:
    """Read one address or network as the entry of a list has it.

    :param text: An entry that is no regular expression, without `!`:
        `192.0.2.0/24`, `192.0.2.0/255.255.255.0`, `2001:db8::/32`, `192.0.2.1`.
    :return: The network, IPv4-mapped ones folded to IPv4; for an address, the
        network of that address alone.
    :raises ValueError: if the text is neither, or could be read in two ways.
    """
    if '%' in text:
        raise ValueError('a zone id')
    _, slash, length = text.partition('/')
    if not slash:
        return ip_network(parse_address(text))
    network = ip_network(text)
    # Python takes 024, wildcard masks such as 0.0.0.255, and 0.0.0.0 for a
    # mask of all addresses.
    if length == '0.0.0.0' or length not in (  # noqa: S104
        str(network.prefixlen),
        str(network.netmask),
    ):
        raise ValueError('an ambiguous mask')
    if network.version == 6 and network.prefixlen >= _MAPPED_BITS:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ip_network((mapped, network.prefixlen - _MAPPED_BITS))
    return network


def _parse_range(text: str) -> tuple[int, int, int]:
    """The same as numbers: the version, the first and the last address.

    Nearly all entries are plain, and the objects of `ipaddress` cost most of the
    time that a long list takes; `parse_network` reads what is not plain.
    """
    host, slash, length = text.partition('/')
    try:
        if ':' in host:
            first, bits = int(IPv6Address(host)), _HOST_BITS_6[slash + length]
            version, plain = 6, '%' not in host and first >> 32 != 0xFFFF
        else:
            a, b, c, d = map(_OCTETS.__getitem__, host.split('.'))
            first, bits = a << 24 | b << 16 | c << 8 | d, _HOST_BITS_4[slash + length]
            version, plain = 4, True
        if plain and not first & bits:
            return version, first, first | bits
    except (KeyError, ValueError):
        pass
    network = parse_network(text)
    return network.version, int(network[0]), int(network[-1])


def _quote(entry: str) -> str:
    if len(entry) > _MAX_QUOTED:
        entry = entry[:_MAX_QUOTED] + '...'
    return ascii(entry)


def _complaint(text: str, entry: str) -> str:
    """Say what is wrong with an entry that is no address and no network.

    :param text: The entry without its `!`.
    :param entry: The entry.
    """
    if len(text) <= _MAX_EXPLAINED:
        mark = entry[: len(entry) - len(text)]
        plain = _plain(text)
        if plain != text and _is_entry(mark + plain):
            return f'{_quote(entry)} is not in plain ASCII; write {mark}{plain}'
        for explain in _EXPLANATIONS:
            sentence = explain(plain, mark)
            if sentence is not None:
                return _quote(entry) + sentence
    return (
        f'{_quote(entry)} is neither an address (192.0.2.1, 2001:db8::1) nor a '
        'network (192.0.2.0/24) nor a regular expression (^192\\.0\\.2\\.)'
    )


def _plain(text: str) -> str:
    """A text with ASCII for full-width and typographic characters."""
    text = unicodedata.normalize('NFKC', text.translate(_TYPOGRAPHIC))
    text = text.translate(_TYPOGRAPHIC)
    # What nobody sees, such as a byte order mark or a space of no width.
    return ''.join(c for c in text if unicodedata.category(c) != 'Cf')


def _is_entry(entry: str) -> bool:
    text = entry[1:] if entry.startswith('!') else entry
    try:
        if text.startswith('^'):
            compile_expression(text)
            return not _is_punctuated(text)
        parse_network(text)
    except ValueError:
        return False
    return True


def _is_punctuated(expression: str) -> bool:
    # Brackets, and commas within, belong to it.
    return expression.endswith((',', ';')) or not set(_QUOTES).isdisjoint(
        _plain(expression)
    )


def _write(entries: Iterable[str], mark: str) -> str:
    """A remedy: these entries, if they are some."""
    marked = [entry if entry.startswith('!') else mark + entry for entry in entries]
    # `^` alone is every address.
    if marked and all(map(_is_entry, marked)) and not {'^', '!^'} & set(marked):
        return 'write ' + ' '.join(marked)
    return (
        'write an address (192.0.2.1), a network (192.0.2.0/24) or a regular '
        'expression that begins with ^ (^192\\.0\\.2\\.[12]$)'
    )


# Each looks for one kind of mistake in an entry, in plain ASCII and without its
# mark, and says what is wrong and what would be right.


def _explain_comment(text: str, mark: str) -> Optional[str]:
    if text.startswith(';') or '#' in text:
        return ': a comment takes a line of its own'
    return None


def _explain_punctuation(text: str, mark: str) -> Optional[str]:
    if not any(character in text for character in ',;' + _QUOTES + _BRACKETS):
        return None
    stripped = text.strip(',;' + _QUOTES)
    if stripped.startswith(('^', '!^')):
        return f': {_PUNCTUATION}; {_write([stripped], mark)}'
    pieces = [
        re.fullmatch(_WRAPPED, piece) for piece in re.split('[,;]', text) if piece
    ]
    # Without the brackets within it, a piece might be another address.
    entries = [_without_zone(piece[1] + (piece[2] or '')) for piece in pieces if piece]
    if None in pieces:
        entries = []
    return f': {_PUNCTUATION}; {_write(entries, mark)}'


def _explain_marks(text: str, mark: str) -> Optional[str]:
    if text.startswith('!'):
        return f' has more than one !; {_write([text.lstrip("!")], "!")}'
    return None


def _explain_tag_or_zone(text: str, mark: str) -> Optional[str]:
    if text[:5].lower() == 'ipv6:':
        entry = _without_zone(text[5:])
        return f' has a tag; an entry is the address alone; {_write([entry], mark)}'
    if '%' in text:
        entry = _without_zone(text)
        return f' has a zone id, which is not compared; {_write([entry], mark)}'
    return None


def _without_zone(text: str) -> str:
    return re.sub('%[^/]*', '', text)


def _explain_range(text: str, mark: str) -> Optional[str]:
    first, dash, last = text.partition('-')
    if not dash or re.search('[g-z]', last, re.IGNORECASE):
        return None
    try:
        start: Any = parse_address(first)
    except ValueError:
        return None
    if not re.search('[.:]', last):
        # 192.0.2.1-9
        last = first[: max(first.rfind('.'), first.rfind(':')) + 1] + last
    try:
        networks: Any = summarize_address_range(start, parse_address(last))
        some = list(islice(networks, _MAX_NETWORKS + 1))
    except (TypeError, ValueError):
        # The addresses are of two versions, the second is none or comes first.
        some = []
    if not 0 < len(some) <= _MAX_NETWORKS:
        return ' is a range; write each address, or networks such as 192.0.2.0/24'
    entries = [
        str(network[0] if network.num_addresses == 1 else network) for network in some
    ]
    return f' is a range; {_write(entries, mark)}'


def _explain_wildcard(text: str, mark: str) -> Optional[str]:
    if '*' in text:
        return ' has a wildcard; write the network, such as 192.0.2.0/24'
    return None


def _explain_length(text: str, mark: str) -> Optional[str]:
    host, slash, length = text.partition('/')
    if not slash:
        return None
    try:
        address = parse_address(host)
    except ValueError:
        return None
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return (
            ' is neither an address nor a network: what follows / is the number of '
            f'bits that its addresses share, 0 to {address.max_prefixlen}'
        )
    if network.prefixlen == 0:
        return (
            f' would take in every address; write {mark}{host} for the address, or '
            'how many bits the addresses of the network share, such as /24'
        )
    if length.isdecimal() and length.startswith('0'):
        return f' has a leading zero; {_write([str(network)], mark)}'
    if '.' in length and length != str(network.netmask):
        return f' has a wildcard mask; {_write([str(network)], mark)}'
    return (
        f' has host bits set; write {mark}{network} for the network or '
        f'{mark}{host} for the address'
    )


def _explain_zeros(text: str, mark: str) -> Optional[str]:
    if re.fullmatch(r'[0-9.]*(?<![0-9])0[0-9][0-9./]*', text):
        return (
            ' has a leading zero, which makes a number octal for some programs; '
            'write it without'
        )
    return None


def _explain_name(text: str, mark: str) -> Optional[str]:
    if re.search('[g-zG-Z_-]', text) or (
        ':' not in text and re.search('[a-fA-F]', text)
    ):
        return (
            ' is a host name; names can be forged and are not looked up: write '
            'the address of the server'
        )
    return None


_EXPLANATIONS = (
    _explain_comment,
    _explain_punctuation,
    _explain_marks,
    _explain_tag_or_zone,
    _explain_range,
    _explain_wildcard,
    _explain_length,
    _explain_zeros,
    _explain_name,
)


def _widest_first(one: Range) -> tuple[int, int, int]:
    return one[0], one[1], -one[2]


def _holds(outer: Range, inner: Range) -> bool:
    """Whether a network holds one that does not come before it."""
    return outer[0] == inner[0] and inner[1] <= outer[2]


class _Matcher:
    """Networks and regular expressions, with the entry that named each.

    Networks either nest or are disjoint, so when those inside another one are
    left out a binary search finds the only one that can hold an address.
    """

    def __init__(self) -> None:
        # All networks, and the widest; in the end in the order of their addresses.
        self.ranges: list[Range] = []
        self.widest: list[Range] = []
        # By the version of IP: first and last address and entry of each of the
        # widest, and apart from them the first addresses, to search in.
        self._tables: dict[int, tuple[list[int], list[tuple[int, int, str]]]] = {}
        self.patterns: list[tuple[re.Pattern[str], str]] = []

    def add(self, text: str, entry: str) -> None:
        if text.startswith('^'):
            if _is_punctuated(text):
                mark = entry[: len(entry) - len(text)]
                stripped = _plain(text).rstrip(',;' + _QUOTES)
                raise ValueError(
                    f'{_quote(entry)}: {_PUNCTUATION}; {_write([stripped], mark)}'
                )
            try:
                self.patterns.append((compile_expression(text), entry))
            except ValueError as error:
                raise ValueError(f'{_quote(entry)} {error}') from None
            return
        try:
            version, first, last = _parse_range(text)
        except ValueError:
            raise ValueError(_complaint(text, entry)) from None
        self.ranges.append((version, first, last, entry))

    def freeze(self) -> None:
        self.ranges.sort(key=_widest_first)
        for one in self.ranges:
            if not self.widest or not _holds(self.widest[-1], one):
                self.widest.append(one)
        for version in (4, 6):
            networks = [one[1:] for one in self.widest if one[0] == version]
            self._tables[version] = ([first for first, *_ in networks], networks)

    def holder(self, one: Range) -> Optional[str]:
        """The entry of the network that holds another one."""
        starts, networks = self._tables[one[0]]
        position = bisect_right(starts, one[1]) - 1
        if position >= 0 and one[2] <= networks[position][1]:
            return networks[position][2]
        return None

    def match(self, address: Address) -> Optional[str]:
        starts, networks = self._tables[address.version]
        if starts:
            number = int(address)
            position = bisect_right(starts, number) - 1
            if position >= 0 and number <= networks[position][1]:
                return networks[position][2]
        if self.patterns:
            text = str(address)
            for pattern, entry in self.patterns:
                if pattern.match(text):
                    return entry
        return None


def _match(included: _Matcher, excluded: _Matcher, address: Address) -> Optional[str]:
    if isinstance(address, IPv6Address):
        address = _folded(address)
        if address == _LOOPBACK_6:
            both = (_LOOPBACK_6, _LOOPBACK_4)
            if any(excluded.match(one) is not None for one in both):
                return None
            return included.match(_LOOPBACK_6) or included.match(_LOOPBACK_4)
    entry = included.match(address)
    if entry is not None and excluded.match(address) is not None:
        return None
    return entry


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
        return _match(self._included, self._excluded, address)

    def __contains__(self, address: Address) -> bool:
        return self.match(address) is not None

    @property
    def ranges(self) -> list[Range]:
        """The addresses and networks on the list as numbers, in their order.

        Of two from the same address on, the wider one comes first.  Exclusions and
        regular expressions are left out.
        """
        return list(self._included.ranges)

    @property
    def excluded_ranges(self) -> list[Range]:
        """The widest that are excluded, in the same order."""
        return list(self._excluded.widest)

    def shared_with(self, other: AddressList) -> list[tuple[str, str]]:
        """Which entries put an address on this list and on the other one?

        :param other: The other list.
        :return: Pairs of an entry of this list and one of the other.  Two
            regular expressions are not compared with each other, and
            exclusions count for the first address of a network.  If one of the
            lists has regular expressions, `_MAX_TRIES` matches are tried.
        """
        pairs: dict[tuple[str, str], None] = {}

        def compare(address: Address) -> None:
            mine, yours = self.match(address), other.match(address)
            if mine is not None and yours is not None:
                pairs[mine, yours] = None

        lists = self._included, other._included
        exclusions = any(
            one._excluded.ranges or one._excluded.patterns for one in (self, other)
        )
        last: list[Optional[Range]] = [None, None]
        # Two runs in order, which take no time to sort.
        merged = [
            (*_widest_first(one), side, one)
            for side in (0, 1)
            for one in lists[side].widest
        ]
        for *_, side, one in sorted(merged):
            outer = last[1 - side]
            if outer is not None and _holds(outer, one):
                if exclusions:
                    compare(_address(one))
                else:
                    pair = (outer, one) if side else (one, outer)
                    pairs[pair[0][3], pair[1][3]] = None
            last[side] = one
        for mine, yours in (lists, lists[::-1]):
            if yours.patterns:
                for one in mine.widest[: _MAX_TRIES // len(yours.patterns)]:
                    compare(_address(one))
        compare(_LOOPBACK_6)
        return list(pairs)

    def shadowed(self) -> list[tuple[str, str]]:
        """Which entries put no address on this list that it would not have anyway?

        :return: Pairs of an entry, and the wider or equal one or the exclusion that
            holds it, in the order of the addresses.  Regular expressions are not
            compared.
        """
        pairs = []
        excluded = self._excluded if self._excluded.ranges else None
        outer = None
        for one in self._included.ranges:
            holder = None if excluded is None else excluded.holder(one)
            if outer is None or not _holds(outer, one):
                outer = one
            elif holder is None:
                holder = outer[3]
            if holder is not None:
                pairs.append((one[3], holder))
        return pairs


def _address(one: Range) -> Address:
    """The first address of a network."""
    return IPv4Address(one[1]) if one[0] == 4 else IPv6Address(one[1])
