# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes that are posted, as the Received fields that Postfix writes.

The network: outgoing servers 192.168.10.1 and .2, relays .3 and .4, the
Mailman host .5.  Fields are newest first, folded with a newline and a tab, and
without the `Received: ` in front.
"""

from __future__ import annotations

import zlib

from dataclasses import dataclass


POSTING_ADDRESS = 'staff@lists.example.org'

LISTS = 'lists.example.org'
OUT = 'out.example.org'
OUT2 = 'out2.example.org'
RELAY = 'relay.example.org'
RELAY2 = 'relay2.example.org'
UNKNOWN = 'mail.example.net'
MUA = '198.51.100.20'
ATTACKER = '203.0.113.66'
# The host of the web archive, which is on no list.
WEB = '192.168.10.9'

# Postfix pads a day of one digit with a space.
DATE = 'Tue,  1 Sep 2026 10:00:00 +0000 (UTC)'
TLS = """
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)
\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest \
SHA256)
\t"""
NO_CERTIFICATE = 'No client certificate requested'


@dataclass(frozen=True)
class Route:
    """A name for people, the fields newest first, and the right verdict.

    `headers` are further lines of the header.  A post that is `usenet` comes
    from a newsgroup, not from a mail server.
    """

    name: str
    fields: tuple[str, ...]
    trusted: bool
    headers: tuple[str, ...] = ()
    usenet: bool = False


def received(
    helo: str,
    rdns: str,
    peer: str,
    by: str,
    protocol: str = 'ESMTP',
    certificate: str = NO_CERTIFICATE,
) -> str:
    """The field that Postfix writes for one transfer.

    An S after the ESMTP of `protocol` adds the lines about TLS, an A the
    authenticated sender.
    """
    extensions = protocol[len('ESMTP') :]
    field = f'from {helo} ({rdns} [{peer}])'
    if 'S' in extensions:
        field += f'{TLS}({certificate})'
    if 'A' in extensions:
        field += '\n\t(Authenticated sender: alice)'
    queue_id = f'4F{zlib.crc32(field.encode()):08X}'
    field += f'\n\tby {by} (Postfix) with {protocol} id {queue_id}'
    return f'{field}\n\tfor <{POSTING_ADDRESS}>; {DATE}'


def _from(server: str, peer: str, by: str) -> str:
    return received(server, server, peer, by, 'ESMTPS')


def _from_mua(by: str) -> str:
    return received(f'[{MUA}]', 'unknown', MUA, by, 'ESMTPSA')


def _from_out(by: str) -> str:
    return _from(OUT, '192.168.10.1', by)


def _from_relay(by: str) -> str:
    return _from(RELAY, '192.168.10.3', by)


def _from_unknown(by: str) -> str:
    return _from(UNKNOWN, '203.0.113.9', by)


def _from_attacker(by: str, helo: str = 'attacker.example.com') -> str:
    return received(helo, 'unknown', ATTACKER, by)


LITERAL = '[192.168.10.1]'
# What Postfix writes when the certificate names `x) by RELAY ([...])`.
CRAFTED = f'x? by {RELAY} ({LITERAL})'
PICKUP = f'by {OUT} (Postfix, from userid 0)\n\tid 4F00000001; {DATE}'
GOOD = (_from_relay(LISTS), _from_out(RELAY), _from_mua(OUT))

ROUTES: tuple[Route, ...] = (
    Route('program > outgoing > relay > Mailman host', GOOD, True),
    Route(
        'program > other outgoing > other relay > Mailman host',
        (
            _from(RELAY2, '192.168.10.4', LISTS),
            _from(OUT2, '192.168.10.2', RELAY2),
            _from_mua(OUT2),
        ),
        True,
    ),
    Route(
        'program > outgoing > Mailman host',
        (_from_out(LISTS), _from_mua(OUT)),
        True,
    ),
    Route(
        'outgoing server itself > relay > Mailman host',
        (_from_relay(LISTS), _from_out(RELAY), PICKUP),
        True,
    ),
    Route(
        'program > unknown > outgoing > relay > Mailman host',
        (
            _from_relay(LISTS),
            _from_out(RELAY),
            _from_unknown(OUT),
            _from_mua(UNKNOWN),
        ),
        False,
    ),
    Route(
        'program > outgoing > unknown > relay > Mailman host',
        (
            _from_relay(LISTS),
            _from_unknown(RELAY),
            _from_out(UNKNOWN),
            _from_mua(OUT),
        ),
        False,
    ),
    Route(
        'anyone > relay > Mailman host',
        (_from_relay(LISTS), _from_attacker(RELAY)),
        False,
    ),
    Route('anyone > Mailman host', (_from_attacker(LISTS),), False),
    Route('no Received field at all', (), False),
    Route(
        'forged HELO literal > Mailman host',
        (_from_attacker(LISTS, LITERAL),),
        False,
    ),
    Route(
        'forged HELO literal > relay > Mailman host',
        (_from_relay(LISTS), _from_attacker(RELAY, LITERAL)),
        False,
    ),
    Route(
        'copied good route > Mailman host',
        (_from_attacker(LISTS), *GOOD),
        False,
    ),
    Route(
        'copied good route > relay > Mailman host',
        (_from_relay(LISTS), _from_attacker(RELAY), *GOOD),
        False,
    ),
    Route(
        'forged HELO, copied good route > relay > Mailman host',
        (_from_relay(LISTS), _from_attacker(RELAY, LITERAL), *GOOD),
        False,
    ),
    Route(
        'forged client certificate > Mailman host',
        (
            received(
                OUT,
                'unknown',
                ATTACKER,
                LISTS,
                'ESMTPS',
                f'Client CN "{CRAFTED}", Issuer "{CRAFTED}" (not verified)',
            ),
            _from_mua(OUT),
        ),
        False,
    ),
)

# Each came, or seems to have come, by a route that is trusted, with the words
# of somebody who is not.
STRANGERS: tuple[Route, ...] = (
    Route('Usenet article with a copied good route', GOOD, False, usenet=True),
    Route(
        'web archive > outgoing > relay > Mailman host',
        (
            _from_relay(LISTS),
            _from_out(RELAY),
            received('web.example.org', 'web.example.org', WEB, OUT, 'ESMTPSA'),
        ),
        False,
        ('User-Agent: HyperKitty on https://lists.example.org/',),
    ),
    Route(
        'notice of Mailman > outgoing > Mailman host',
        (
            _from_out(LISTS),
            received(LISTS, LISTS, '192.168.10.5', OUT, 'ESMTPSA'),
        ),
        False,
        ('X-Mailman-Version: 3.3.10',),
    ),
)
