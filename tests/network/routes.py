# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of routes, and the mixes of servers that each is tried through.

Which way a server hands a post on depends on the domain of the list.
"""

from __future__ import annotations

from dataclasses import dataclass
from tests.conftest import section
from tests.network.hosts import (
    DEDICATED,
    FILTERED,
    HOME,
    Host,
    MAILMAN,
    OUT,
    OUT2,
    RELAY,
    RELAY2,
    SHARED,
    UNKNOWN,
)
from tests.network.software import Part


LISTS = 'lists.example.org'
# From an outgoing server straight to the host of Mailman.
DIRECT = 'direct.example.org'
# From an outgoing server to the unknown server, then the relay.
DETOUR = 'detour.example.org'
# The same as LISTS over IPv6.
SIX = 'six.example.org'
# Through a content filter on the relay, two kinds of it.
FILTER = 'filter.example.org'
PIPE = 'pipe.example.org'
# From the relay to Mailman's own LMTP over TCP.
LMTP = 'lmtp.example.org'
# The lists of the site that asks for AUTH.
AUTH = 'auth.example.org'
# From the last inner server through the gateway that is the organisation's own.
OWN_GATEWAY = 'own-gateway.example.org'
# Through the relay that changes the body.
CHANGED = 'changed.example.org'
DOMAINS = (LISTS, DIRECT, DETOUR, SIX, FILTER, PIPE, LMTP, AUTH, OWN_GATEWAY, CHANGED)

STAFF, BOARD, TEAM = (f'{name}@{LISTS}' for name in ('staff', 'board', 'team'))
ALIASES = {TEAM: STAFF}

# The second outgoing server is on both lists, as one that also relays would be.
ADDRESSES = f"""
trusted_local_servers:
    127.0.0.1
    {RELAY.address} {RELAY.address6}
    {RELAY2.address} {RELAY2.address6}
    {MAILMAN.address} {MAILMAN.address6}
    {OUT2.address} {OUT2.address6}
trusted_remote_servers:
    {OUT.address} {OUT.address6}
    {OUT2.address} {OUT2.address6}
    {HOME.address}
authenticated_remote_servers: {FILTERED.address}
dedicated_remote_servers: {DEDICATED.address}
dkim_remote_servers: {SHARED.address}
sender_domains: example.org
"""
# The content filter of the relay is run by nobody.
SINGLE_HOP_SITE = f'{section()}{ADDRESSES}\nreinjection_users: 65534\n'
AUTH_SITE = f"""
{SINGLE_HOP_SITE}
submission: authenticated
local_submission: yes
alias_hops: yes
"""


@dataclass(frozen=True)
class Mix:
    """The software of the outgoing servers, the relays and Mailman's host."""

    outgoing: str
    relay: str
    mailman: str
    # Whom attackers try; a server's software is tried once in each part.
    attacked: tuple[Host, ...] = ()

    def __str__(self) -> str:
        return f'{self.outgoing}+{self.relay}+{self.mailman}'

    @property
    def software(self) -> dict[Host, str]:
        """What runs on each host."""
        return {
            OUT: self.outgoing,
            OUT2: self.outgoing,
            RELAY: self.relay,
            RELAY2: self.relay,
            MAILMAN: self.mailman,
            UNKNOWN: 'postfix',
            HOME: 'postfix',
        }

    def parts(self, lmtp_port: int, auth_port: int) -> dict[Host, Part]:
        """What each server does; the ports are those of the two Mailmans."""
        return parts(lmtp_port, auth_port)


MIXES = (
    Mix('postfix', 'postfix', 'postfix', (MAILMAN, RELAY, OUT)),
    Mix('exim', 'sendmail', 'postfix', (RELAY, OUT)),
    Mix('exim', 'opensmtpd', 'postfix', (RELAY,)),
    Mix('postfix', 'postfix', 'exim', (MAILMAN,)),
    Mix('courier', 'postfix', 'postfix', (OUT,)),
    Mix('postfix', 'courier', 'postfix', (RELAY,)),
)

# How a post is handed in.
PROGRAM = 'a mail program, with TLS and AUTH'
COMMAND = 'the sendmail command'
ANYONE = 'an SMTP client that does not log in'
HAND = 'to Mailman itself'


@dataclass(frozen=True)
class Route:
    """A way for a post to take, and the verdict on it.

    :ivar name: The way, for people.
    :ivar trusted: What docs/decides.md says.
    :ivar handed_in: How, on the first server.
    :ivar server: The first server.
    :ivar recipients: The posting addresses.
    :ivar relays: The software of relays that the way is set up for.
    """

    name: str
    trusted: bool
    handed_in: str
    server: Host
    recipients: tuple[str, ...] = (STAFF,)
    relays: tuple[str, ...] = ('postfix', 'sendmail', 'opensmtpd', 'courier')

    @property
    def six(self) -> bool:
        """Whether every hop is over IPv6."""
        return self.recipients[0].endswith(SIX)

    def exists_in(self, mix: Mix) -> bool:
        """Whether the servers of the mix are set up for it."""
        return mix.relay in self.relays


def _to(domain: str) -> tuple[str]:
    return (f'staff@{domain}',)


OVER_SMTP = ('postfix', 'opensmtpd')
WITH_COMMAND = ('postfix',)
OVER_LMTP = ('postfix', 'sendmail', 'opensmtpd')

ROUTES = (
    Route('program > outgoing > relay > Mailman', True, PROGRAM, OUT),
    Route('program > other outgoing > other relay > Mailman', True, PROGRAM, OUT2),
    Route('program > outgoing > Mailman', True, PROGRAM, OUT, _to(DIRECT)),
    Route('outgoing itself > relay > Mailman', True, COMMAND, OUT),
    Route('address on both lists itself > relay > Mailman', True, COMMAND, OUT2),
    Route("program > user's own listed relay > outgoing > relay", True, PROGRAM, HOME),
    Route('program > unknown > outgoing > relay > Mailman', False, ANYONE, UNKNOWN),
    Route('program > outgoing > unknown > relay', False, PROGRAM, OUT, _to(DETOUR)),
    Route('anyone > relay > Mailman', False, ANYONE, RELAY),
    Route('anyone > Mailman', False, ANYONE, MAILMAN),
    Route('no Received at all', False, HAND, MAILMAN),
    Route('list reached by an alias', True, PROGRAM, OUT, (TEAM,)),
    Route('list reached by an alias, anyone', False, ANYONE, MAILMAN, (TEAM,)),
    Route('two lists in one message', True, PROGRAM, OUT, (STAFF, BOARD)),
    Route('two lists in one message, anyone', False, ANYONE, RELAY, (STAFF, BOARD)),
    Route('filter on relay, SMTP', True, PROGRAM, OUT, _to(FILTER), OVER_SMTP),
    Route('filter, SMTP, anyone', False, ANYONE, RELAY, _to(FILTER), OVER_SMTP),
    Route('filter on relay, command', True, PROGRAM, OUT, _to(PIPE), WITH_COMMAND),
    Route('filter, command, anyone', False, ANYONE, RELAY, _to(PIPE), WITH_COMMAND),
    Route("relay > Mailman's LMTP over TCP", True, PROGRAM, OUT, _to(LMTP), OVER_LMTP),
    Route(
        "anyone > relay > Mailman's LMTP", False, ANYONE, RELAY, _to(LMTP), OVER_LMTP
    ),
    Route('IPv6: program > outgoing > relay', True, PROGRAM, OUT, _to(SIX)),
    Route('IPv6: outgoing itself > relay', True, COMMAND, OUT, _to(SIX)),
    Route('IPv6: unknown > outgoing > relay', False, ANYONE, UNKNOWN, _to(SIX)),
    Route('IPv6: anyone > relay > Mailman', False, ANYONE, RELAY, _to(SIX)),
    Route('IPv6: anyone > Mailman', False, ANYONE, MAILMAN, _to(SIX)),
    Route('AUTH asked for: with ESMTPSA', True, PROGRAM, OUT, _to(AUTH)),
    Route('AUTH asked for: sender named too', True, PROGRAM, OUT2, _to(AUTH)),
    Route('AUTH asked for: unknown logs in', True, ANYONE, UNKNOWN, _to(AUTH)),
    Route('AUTH asked for: outgoing itself', False, COMMAND, OUT, _to(AUTH)),
    Route('AUTH asked for: anyone > relay', False, ANYONE, RELAY, _to(AUTH)),
    Route('one host: program > Mailman', True, PROGRAM, MAILMAN, _to(AUTH)),
    Route('one host: anyone > Mailman', False, ANYONE, MAILMAN, _to(AUTH)),
    Route('one host, not set: program > Mailman', False, PROGRAM, MAILMAN),
)


def before_mailman(lmtp_port: int, auth_port: int) -> Part:
    """What the server on Mailman's host does."""
    ports = {**dict.fromkeys(DOMAINS, lmtp_port), AUTH: auth_port}
    hops = {domain: f'lmtp:127.0.0.1:{port}' for domain, port in ports.items()}
    return Part(hops, aliases=ALIASES)


def parts(lmtp_port: int, auth_port: int) -> dict[Host, Part]:
    """What each server does; the ports are those of the two Mailmans."""

    def relay_of(relay: Host) -> dict[str, str]:
        return {
            **dict.fromkeys(DOMAINS, relay.address),
            SIX: relay.address6,
            DIRECT: MAILMAN.address,
            DETOUR: UNKNOWN.address,
        }

    to_mailman = {
        **dict.fromkeys(DOMAINS, MAILMAN.address),
        SIX: MAILMAN.address6,
        LMTP: f'lmtp:{MAILMAN.address}:{lmtp_port}',
    }
    relay = Part(to_mailman, filter_domains=(FILTER,), pipe_domains=(PIPE,))
    to_out = {**dict.fromkeys(DOMAINS, OUT.address), SIX: OUT.address6}
    login = (OUT.address, OUT.address6)
    return {
        OUT: Part(relay_of(RELAY), submission=True),
        OUT2: Part(relay_of(RELAY2), submission=True, state_user=True),
        RELAY: relay,
        RELAY2: relay,
        MAILMAN: before_mailman(lmtp_port, auth_port),
        UNKNOWN: Part({**to_out, DETOUR: RELAY.address}, login=login),
        HOME: Part(to_out, submission=True, login=login),
    }
