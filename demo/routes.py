# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes that the demo and the end-to-end test post, as the Received fields that Postfix writes.

The network: outgoing servers 192.168.10.1 and .2, relays .3 and .4, the Mailman host .5 (lists.example.org).
Fields are newest first, folded with a newline and a tab, without the `Received: ` in front.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

POSTING_ADDRESS = 'staff@lists.example.org'

# Postfix pads a day of one digit with a space.
_TAIL = f'\n\tfor <{POSTING_ADDRESS}>; Tue,  1 Sep 2026 10:00:00 +0000 (UTC)'
_TLS = (
    '\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)'
    '\n\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)'
)


@dataclass(frozen=True)
class Route:
    """One post: a name for people, its Received fields newest first, and whether it must be trusted."""

    name: str
    fields: tuple[str, ...]
    trusted: bool


def received(helo: str, rdns: str, peer: str, by: str, protocol: str = 'ESMTP', certificate: str = '') -> str:
    """The field that Postfix writes; an S in `protocol` adds its TLS lines, an A the authenticated sender."""
    extensions = protocol[len('ESMTP') :]
    lines = f'from {helo} ({rdns} [{peer}])'
    if 'S' in extensions:
        lines += _TLS + '\n\t(' + (certificate or 'No client certificate requested') + ')'
    if 'A' in extensions:
        lines += '\n\t(Authenticated sender: alice)'
    return f'{lines}\n\tby {by} (Postfix) with {protocol} id {_queue_id(lines)}{_TAIL}'


def _queue_id(text: str) -> str:
    return f'4F{zlib.crc32(text.encode()):08X}'


LISTS = 'lists.example.org'
OUT = 'out.example.org'
RELAY = 'relay.example.org'
UNKNOWN = 'mail.example.net'
ATTACKER = '203.0.113.66'


def _from_mua(by: str) -> str:
    return received('[198.51.100.20]', 'unknown', '198.51.100.20', by, 'ESMTPSA')


def _from_out(by: str) -> str:
    return received(OUT, OUT, '192.168.10.1', by, 'ESMTPS')


def _from_relay(by: str) -> str:
    return received(RELAY, RELAY, '192.168.10.3', by, 'ESMTPS')


def _from_unknown(by: str) -> str:
    return received(UNKNOWN, UNKNOWN, '203.0.113.9', by, 'ESMTPS')


def _from_attacker(by: str, helo: str = 'attacker.example.com') -> str:
    return received(helo, 'unknown', ATTACKER, by)


_PICKUP = f'by {OUT} (Postfix, from userid 0)\n\tid {_queue_id("pickup")}; Tue,  1 Sep 2026 10:00:00 +0000 (UTC)'
_GOOD = (_from_relay(LISTS), _from_out(RELAY), _from_mua(OUT))
_CRAFTED_CN = 'x? by relay.example.org ([192.168.10.1])'

ROUTES: tuple[Route, ...] = (
    Route('program > outgoing > relay > Mailman host', _GOOD, True),
    Route(
        'program > second outgoing > second relay > Mailman host',
        (
            received('relay2.example.org', 'relay2.example.org', '192.168.10.4', LISTS, 'ESMTPS'),
            received('out2.example.org', 'out2.example.org', '192.168.10.2', 'relay2.example.org', 'ESMTPS'),
            _from_mua('out2.example.org'),
        ),
        True,
    ),
    Route('program > outgoing > Mailman host', (_from_out(LISTS), _from_mua(OUT)), True),
    Route('outgoing server itself > relay > Mailman host', (_from_relay(LISTS), _from_out(RELAY), _PICKUP), True),
    Route(
        'program > unknown server > outgoing > relay > Mailman host',
        (_from_relay(LISTS), _from_out(RELAY), _from_unknown(OUT), _from_mua(UNKNOWN)),
        False,
    ),
    Route(
        'program > outgoing > unknown server > relay > Mailman host',
        (_from_relay(LISTS), _from_unknown(RELAY), _from_out(UNKNOWN), _from_mua(OUT)),
        False,
    ),
    Route('anyone > relay > Mailman host', (_from_relay(LISTS), _from_attacker(RELAY)), False),
    Route('anyone > Mailman host', (_from_attacker(LISTS),), False),
    Route('no Received field at all', (), False),
    Route('forged HELO literal > Mailman host', (_from_attacker(LISTS, '[192.168.10.1]'),), False),
    Route(
        'forged HELO literal > relay > Mailman host',
        (_from_relay(LISTS), _from_attacker(RELAY, '[192.168.10.1]')),
        False,
    ),
    Route('copied good route > Mailman host', (_from_attacker(LISTS), *_GOOD), False),
    Route(
        'copied good route > relay > Mailman host',
        (_from_relay(LISTS), _from_attacker(RELAY), *_GOOD),
        False,
    ),
    Route(
        'forged HELO literal and copied good route > relay > Mailman host',
        (_from_relay(LISTS), _from_attacker(RELAY, '[192.168.10.1]'), *_GOOD),
        False,
    ),
    Route(
        'forged name in a client certificate > Mailman host',
        (
            received(
                OUT,
                'unknown',
                ATTACKER,
                LISTS,
                'ESMTPS',
                certificate=f'Client CN "{_CRAFTED_CN}", Issuer "{_CRAFTED_CN}" (not verified)',
            ),
            _from_mua(OUT),
        ),
        False,
    ),
)
