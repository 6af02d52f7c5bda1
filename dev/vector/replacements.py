# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in place of real addresses, names, people and ids.

The same original always has the same replacement.  Replacements are given in the
order in which the originals come, so that a message that was rewritten once stays
as it is when it is rewritten again.

Bounds: a pool that is used up begins again.
"""

from __future__ import annotations

import re

from dataclasses import dataclass, field
from ipaddress import (
    ip_address,
    ip_network,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
)
from typing import Union


__all__ = ['ROLES', 'Replacements']

Address = Union[IPv4Address, IPv6Address]
Network = Union[IPv4Network, IPv6Network]

PEOPLE = (
    'alice bob carol dave erin frank grace heidi ivan judy mallory niaj olivia '
    'peggy quentin rupert sybil trent ursula victor walter'
).split()

# Whom every host has, and who is nobody.
ROLES = frozenset(
    (
        'root postmaster mailer-daemon daemon nobody www-data apache nginx cron '
        'alias mailman list mail exim debian-exim postfix amavis vmail'
    ).split()
)

# RFC 2606 reserves these, and all that is under `example`.
ORGANISATIONS = ('example.org', 'example.com', 'example.net')

# The second level of countries that have one, such as `co.uk`.
_SECOND_LEVEL = frozenset(
    'ac co com edu go gob gouv gov ltd mil ne net nhs or org sch'.split()
)

_LOCALHOST = frozenset(
    'localhost localdomain localhost.localdomain localhost4 localhost6'.split()
)

_LABEL = re.compile(r'[A-Za-z0-9_]+(?:-+[A-Za-z0-9_]+)*', re.ASCII)

# What is special about an address, and where it stays so: RFC 1918, 3927, 4193,
# 4291, 5737, 5771, 6598, 6676.  The first row that holds it decides.
_KEPT = tuple(
    map(
        ip_network,
        ('0.0.0.0/8', '127.0.0.0/8', '255.255.255.255/32', '::/127', 'ff00::/8'),
    )
)
_POOLS: tuple[tuple[tuple[Network, ...], tuple[Network, ...]], ...] = tuple(
    (tuple(map(ip_network, networks)), tuple(map(ip_network, pool)))
    for networks, pool in (
        (
            ('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'),
            ('192.168.10.0/24', '10.0.0.0/24'),
        ),
        (('169.254.0.0/16',), ('169.254.0.0/24',)),
        (('100.64.0.0/10',), ('100.64.0.0/24',)),
        (('224.0.0.0/4',), ('233.252.0.0/24',)),
        (('240.0.0.0/4',), ('240.0.0.0/24',)),
        (('0.0.0.0/0',), ('192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24')),
        (('fe80::/10',), ('fe80::/112',)),
        (('fc00::/7', 'fec0::/10'), ('fd00::/112',)),
        (('::/0',), ('2001:db8::/112',)),
    )
)
# Those of a network and of its router end in 0, 1, 254 and 255.
_FIRST_HOST, _HOSTS = 2, 252

_NAT64 = ip_network('64:ff9b::/96')


@dataclass(frozen=True)
class Replacements:
    """The replacements of one message.

    :ivar given: By kind and shape, the originals in the order in which they came.
    """

    given: dict[object, dict[object, int]] = field(default_factory=dict)

    def number(self, kind: object, original: object) -> int:
        """How many of the kind came before this one."""
        numbers = self.given.setdefault(kind, {})
        return numbers.setdefault(original, len(numbers))

    def address(self, address: Address) -> Address:
        """An address for documentation, as private or special as this one."""
        if any(address in network for network in _KEPT):
            return address
        if isinstance(address, IPv6Address):
            if address.ipv4_mapped is not None:
                return _within(_MAPPED, self.address(address.ipv4_mapped))
            if address in _NAT64:
                inner = IPv4Address(int(address) & 0xFFFFFFFF)
                return _within(_NAT64, self.address(inner))
            address = IPv6Address(int(address))
        pool = next(
            pool
            for networks, pool in _POOLS
            if any(address in network for network in networks)
        )
        number = self.number(pool, address) % (len(pool) * _HOSTS)
        network, host = divmod(number, _HOSTS)
        return pool[network][host + _FIRST_HOST]

    def address_text(self, text: str) -> str:
        """The same for an address as a server wrote it, in the same form.

        :raises ValueError: if it is no address.
        """
        original = ip_address(text)
        address = self.address(original)
        if address == original:
            return text
        if isinstance(address, IPv4Address):
            return str(address)
        if '.' in text:
            head = '::ffff:'
            if address.ipv4_mapped is None:
                head = str(IPv6Address(int(address) >> 32 << 32))
            return head + str(IPv4Address(int(address) & 0xFFFFFFFF))
        written = str(address)
        if '::' not in text:
            # Sendmail leaves no zeros out, and some write four digits.
            full = all(len(group) == len('0000') for group in text.split(':'))
            groups = address.packed.hex(':', 2).split(':')
            written = ':'.join(
                group if full else f'{int(group, 16):x}' for group in groups
            )
        return written.upper() if text != text.lower() else written

    def name(self, name: str) -> str:
        """A host or domain name with as many labels, under one for documentation.

        :param name: The name, without a dot at an end.
        """
        labels = name.lower().split('.')
        if name.lower() in _LOCALHOST:
            return name
        if len(labels) == 1:
            return _in_case(name, f'h{self.number("host", name.lower()) + 1}')
        country = labels[-2] in _SECOND_LEVEL and len(labels[-1]) == len('uk')
        known = 3 if country else 2
        number = self.number('organisation', tuple(labels[-known:]))
        organisation = (
            ORGANISATIONS[number]
            if number < len(ORGANISATIONS)
            else f'site{number + 1}.example'
        )
        new = [_in_case('.'.join(name.split('.')[-2:]), organisation)]
        for position in range(len(labels) - 3, -1, -1):
            host = '.'.join(labels[position:])
            label = f'h{self.number("host", host) + 1}'
            new.insert(0, _in_case(name.split('.')[position], label))
        return '.'.join(new)

    def person(self, name: str) -> str:
        """A user or the local part of a mailbox."""
        if name.lower() in ROLES:
            return name
        number = self.number('person', name.lower())
        return PEOPLE[number] if number < len(PEOPLE) else f'user{number + 1}'

    def mailbox(self, mailbox: str) -> str:
        """A mailbox without quotes; what is left of one if it is none."""
        local, at, domain = mailbox.rpartition('@')
        if not at:
            return self.person(mailbox)
        return f'{self.person(local)}@{self.domain(domain)}'

    def domain(self, domain: str) -> str:
        """A name, an address literal, or anything that stands after `@`."""
        inner = domain.strip('[]')
        tag = inner[:5] if inner[:5].lower() == 'ipv6:' else ''
        try:
            new = tag + self.address_text(inner[len(tag) :])
        except ValueError:
            clean = all(_LABEL.fullmatch(label) for label in domain.split('.'))
            return self.name(domain) if clean else self.shape(domain)
        return domain.replace(inner, new)

    def id(self, text: str) -> str:
        """An id of a queue or a message; a host after `@` is one."""
        local, at, domain = text.rpartition('@')
        if at:
            return f'{self._shape(local, _ID)}@{self.domain(domain)}'
        return self._shape(text, _ID)

    def shape(self, text: str) -> str:
        """Letters for letters, digits for digits; all else stays."""
        return self._shape(text, _TEXT)

    def _shape(self, text: str, pools: dict[str, str]) -> str:
        characters = list(map(_zero, text))
        number = self.number((pools['a'], ''.join(characters)), text) + 1
        for position in range(len(characters) - 1, -1, -1):
            pool = pools.get(characters[position])
            if pool:
                number, digit = divmod(number, len(pool))
                characters[position] = pool[digit]
        return ''.join(characters)


_MAPPED = ip_network('::ffff:0:0/96')

# Some ids are hexadecimal numbers.  Free text must not become an address.
_ID = {'a': 'abcdef', 'A': 'ABCDEF', '0': '0123456789'}
_TEXT = {'a': 'ghijkl', 'A': 'GHIJKL', '0': '0123456789'}


def _within(network: Network, address: Address) -> Address:
    return network[int(address)]


def _in_case(original: str, text: str) -> str:
    return text.upper() if original.isupper() else text


def _zero(character: str) -> str:
    """What an original of this shape has in this place."""
    if character.isascii():
        if character.isdigit():
            return '0'
        if character.isalpha():
            return 'A' if character.isupper() else 'a'
        return character
    if '\udc80' <= character <= '\udcff':
        return '\udce4'
    return '\xe4' if character.isalnum() else character
