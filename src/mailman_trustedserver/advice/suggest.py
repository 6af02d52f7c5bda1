# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Propose the lists of servers from posts, and say what speaks for each entry.

What is the organisation's own, no archive can tell: a person says it.  A post is
followed through own servers, from the newest field down, as far as the first host
that is no own one.  The last own server took the post from its sender, and the ones
before it handed it on.

Nothing is proposed that was not seen.  What may be a gateway, an MX, a shared
sender or a stranger becomes a comment.

Bounds: those of `common`.
"""

from __future__ import annotations

import re

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from mailman_trustedserver.addresses import Address, AddressList, PRIVATE
from mailman_trustedserver.advice.common import (
    count,
    day_of,
    has_room,
    keep_name,
    sender_shared_by,
    Sighting,
)
from mailman_trustedserver.header import Header
from mailman_trustedserver.policy import evaluate, Finding, Policy, Verdict
from mailman_trustedserver.reasons import Reason
from mailman_trustedserver.received import Kind
from mailman_trustedserver.report import escape
from typing import Optional


__all__ = ['Suggestion']

LOOPBACK = '127.0.0.1'

# Networks that no host outside can send from.
INSIDE = AddressList.parse((*PRIVATE, '169.254.0.0/16', '127.0.0.0/8', 'fe80::/10'))

# A server that hands on no more than this part of its posts for other servers is no
# relay.
RELAYS = 0.1
# So large a part of the posts must have a proof to have it asked of all.
PROVED = 0.8

_FROM_DOMAIN = re.compile(r'@([\w.-]+)>?\s*$')
# The tag d= of a DKIM-Signature (RFC 6376 3.5).
_SIGNING_DOMAIN = re.compile(r'(?:^|;)\s*d\s*=\s*([\w.-]+)')

# Of senders, so many are counted.
MAX_SENDERS = 1000
MAX_STRANGERS = 40


@dataclass
class _Server(Sighting):
    """An own server: what it did with the posts.

    :ivar relayed: How many posts it took from own servers.
    :ivar entered: How many it took from somebody else.
    :ivar single: On how many of these there was one hop, or none, before it.
    :ivar authenticated: For how many it states that SMTP AUTH succeeded.
    :ivar itself: How many it wrote itself.
    :ivar signed: How many have a DKIM signature that names the domain in From; whether
        it holds, nobody has looked.
    :ivar senders: The addresses in From; anybody may write these.
    """

    relayed: int = 0
    entered: int = 0
    single: int = 0
    authenticated: int = 0
    itself: int = 0
    signed: int = 0
    senders: set[str] = field(default_factory=set)


class Suggestion:
    """What posts say for each own server.

    :param own: The addresses and networks of the organisation.
    :ivar unreadable: How many messages could not be read.
    """

    def __init__(self, own: AddressList) -> None:
        self.unreadable = 0
        self._own = own
        self._walked = AddressList((*own.entries, LOOPBACK))
        self._users: Counter[str] = Counter()
        self._servers: dict[Address, _Server] = {}
        self._strangers: dict[Address, Sighting] = {}
        # How often the Mailman host stamped with which name.
        self._hosts: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._all = Sighting()

    def add(self, header: Header) -> None:
        """Learn from a post.

        :param header: Its header.
        """
        day = day_of(header)
        self._all.add(day)
        if header.evidence().stranger is not None:
            self._counts['of the web archive, of Mailman or of an automatic reply'] += 1
            return
        verdict = self._walk(header)
        hops = [
            one
            for one in verdict.findings
            if one.hop is None or one.hop.kind in (Kind.SMTP, Kind.COMMAND)
        ]
        hops = [one for one in hops if not self._is_filter(one)]
        if not hops:
            self._counts['without a Received field'] += 1
            return
        if hops[0].hop is not None and hops[0].hop.by:
            count(self._hosts, hops[0].hop.by.lower())
        self._add_servers(header, day, hops)

    def _is_filter(self, finding: Finding) -> bool:
        hop = finding.hop
        return hop is not None and hop.kind is Kind.COMMAND and hop.user in self._users

    def _walk(self, header: Header) -> Verdict:
        """Follow a post through own servers."""
        fields = header.received
        while True:
            policy = _policy(self._walked, frozenset(self._users))
            verdict = evaluate(fields, policy)
            here = verdict.decisive
            if verdict.reason is not Reason.LOCAL_USER or here is None:
                return verdict
            hop = verdict.findings[here].hop
            user = hop and hop.user
            # Who hands on what has fields already may be a content filter.
            if not user or here + 1 == len(fields) or not has_room(self._users, user):
                return verdict
            self._users[user] += 1

    def _add_servers(self, header: Header, day: str, hops: list[Finding]) -> None:
        """Count the own servers of a post, and the one who is none."""
        # Over the loopback, a host handed the post to itself.
        path = [one for one in hops if one.peer is None or not one.peer.is_loopback]
        servers = [one for one in path if one.local is not None and one.peer]
        client: Optional[Finding] = None
        if servers and servers[-1] is hops[-1]:
            # No field is below: it is a program, on whatever host.
            client = servers.pop()
        elif path and path[-1].local is None:
            client = path[-1]
        self._add_stranger(client, day)
        for number, finding in enumerate(servers):
            server = self._server(finding.peer)
            if server is None:
                return
            below = servers[number + 1] if number + 1 < len(servers) else client
            server.add(day, finding, below)
            if number + 1 < len(servers):
                server.relayed += 1
            else:
                self._add_entry(header, server, servers, client)

    def _server(self, address: Optional[Address]) -> Optional[_Server]:
        if address is None or not has_room(self._servers, address):
            return None
        return self._servers.setdefault(address, _Server())

    def _add_stranger(self, client: Optional[Finding], day: str) -> None:
        if client is None or client.peer is None or client.local is not None:
            return
        if has_room(self._strangers, client.peer):
            self._strangers.setdefault(client.peer, Sighting()).add(day, client)

    def _add_entry(
        self,
        header: Header,
        server: _Server,
        servers: list[Finding],
        client: Optional[Finding],
    ) -> None:
        """Count what the last own server of a post shows of its submission."""
        addresses = [str(one.peer) for one in servers]
        single, authenticated = (
            evaluate(header.received, policy).trusted
            for policy in _proofs(
                tuple(addresses[:-1]), addresses[-1], frozenset(self._users)
            )
        )
        server.entered += 1
        server.signed += _names_from_domain(header)
        server.single += single
        server.authenticated += authenticated
        hop = client and client.hop
        if hop and hop.kind is Kind.COMMAND:
            server.itself += 1
        if (
            not authenticated
            and client
            and client.peer
            and self._is_outside(client.peer)
        ):
            keep_name(server.outsiders, str(client.peer))
        if len(server.senders) < MAX_SENDERS:
            server.senders.update(header.values('from')[:1])

    def _is_outside(self, address: Address) -> bool:
        return address not in INSIDE and address not in self._own

    # What comes out.

    def snippet(self) -> str:
        """The configuration that is proposed, with its evidence as comments."""
        own = ' '.join(self._own.entries) or 'nothing'
        lists: dict[str, list[str]] = {
            key: []
            for key in (
                'authenticated_remote_servers',
                'trusted_remote_servers',
                'dedicated_remote_servers',
            )
        }
        local = ['# Programs on the Mailman host itself.', LOOPBACK]
        notes: list[str] = []
        for address, server in sorted(
            self._servers.items(), key=lambda item: (item[0].version, int(item[0]))
        ):
            key, why = self._role(address, server)
            lines = [f'# {escape(why)}; {_evidence(server)}', str(address)]
            if key == 'trusted_local_servers':
                local += lines
            elif key:
                lists[key] += lines
            else:
                notes += [f'# {address}: {escape(why)}; {_evidence(server)}']
        lines = [
            f'# From {_period(self._all)}; own: {own}.',
            *[f'# {_posts(self.unreadable)} could not be read.']
            * bool(self.unreadable),
            *(
                f'# {_posts(posts)}, {what}: left out.'
                for what, posts in self._counts.items()
            ),
            '# Look at each address before you take it over.',
            *_key_lines('trusted_local_servers', local),
        ]
        for key, entries in lists.items():
            lines += _key_lines(key, entries)
        if notes:
            lines += ['# Left to you:', *notes]
        lines += [
            f'# User {escape(user)} ran the sendmail command on what had fields '
            f'already; if only a content filter does so: reinjection_users: '
            f'{escape(user)}'
            for user in self._users
        ]
        lines += self._drawn_strangers()
        return ''.join(f'{line}\n' for line in lines)

    def _role(self, address: Address, server: _Server) -> tuple[str, str]:
        """The key of an own server and what speaks for it; no key for a note."""
        doubt = self._doubt(address, server)
        if doubt:
            return '', doubt
        total = server.relayed + server.entered
        shared = sender_shared_by(address)
        if server.relayed > total * RELAYS and server.relayed >= server.authenticated:
            return 'trusted_local_servers', (
                f'handed on {_posts(server.relayed)} for servers of yours'
            )
        if shared is not None:
            return '', (
                f'this is {shared.name}, through which other organisations send, too; '
                f'if your people do, its key is {shared.key}; DKIM signatures of the '
                f'domain in From, not verified, on {server.signed} of '
                f'{_posts(server.entered)}'
            )
        by_auth = (
            'authenticated_remote_servers',
            (f'it states AUTH on {server.authenticated} of {server.entered} posts'),
        )
        by_others = server.entered - server.itself
        if by_others and server.authenticated >= by_others * PROVED:
            return by_auth
        if server.takes_from_outside and server.authenticated:
            return by_auth
        if server.takes_from_outside:
            return '', (
                'took mail without AUTH from '
                f'{len(server.outsiders)} addresses outside or more: it looks like an '
                'MX, and no outgoing server'
            )
        if not by_others:
            return 'trusted_remote_servers', 'its own programs wrote all of the posts'
        if server.single >= server.entered * PROVED:
            return 'trusted_remote_servers', (
                f'one hop before it, or none, on {server.single} of {server.entered} '
                'posts; for a server that takes mail from your people only'
            )
        if server.authenticated:
            return by_auth
        return 'dedicated_remote_servers', (
            f'several hops before it on {server.entered - server.single} of '
            f'{server.entered} posts; only if it takes mail from nobody but your '
            'organisation'
        )

    def _doubt(self, address: Address, server: _Server) -> str:
        """Why a host may be no mail server of its own; empty if nothing says so."""
        if server.is_several_hosts:
            names, stamps = sorted(server.names)[:3], sorted(server.stamps)[:3]
            return (
                f'called itself {", ".join(names)}, and the fields below its own were '
                f'stamped by {", ".join(stamps)}: a NAT or a gateway, behind which '
                'anybody may be, and no mail server'
            )
        for name in server.stamps:
            if name in self._hosts and name not in server.names:
                return (
                    f'below its own are fields in the name of the Mailman host, {name}'
                )
            for other, known in self._servers.items():
                if (
                    other != address
                    and other.version == address.version
                    and name in known.stamps
                    and known.posts > server.posts
                ):
                    return f'below its own are fields in the name of {other}, {name}'
        return ''

    def _drawn_strangers(self) -> Iterator[str]:
        if not self._strangers:
            return
        yield '# Not known to be yours (--own says what is):'
        order = sorted(self._strangers.items(), key=lambda item: -item[1].posts)
        for address, seen in order[:MAX_STRANGERS]:
            shared = sender_shared_by(address)
            service = '' if shared is None else f'; {shared.name}: {shared.key}'
            yield f'#     {address}: {_period(seen)}{service}'
        if order[MAX_STRANGERS:]:
            yield f'#     and {len(order) - MAX_STRANGERS} more'


def _names_from_domain(header: Header) -> bool:
    """Whether a DKIM signature names the domain in From, as far as a look tells."""
    sender = _FROM_DOMAIN.search(' '.join(header.values('from')))
    return sender is not None and any(
        sender[1].lower() in map(str.lower, _SIGNING_DOMAIN.findall(value))
        for value in header.values('dkim-signature')
    )


def _key_lines(key: str, entries: list[str]) -> list[str]:
    return [f'{key}:', *(f'    {entry}' for entry in entries)] if entries else []


def _evidence(server: _Server) -> str:
    names = ', '.join(sorted(server.names)[:2])
    senders = f' of {len(server.senders)} in From' if server.senders else ''
    return escape(f'{names or "no name"}; {_period(server, senders)}')


def _period(seen: Sighting, senders: str = '') -> str:
    dates = ' to '.join(dict.fromkeys((seen.first, seen.last))) if seen.first else ''
    return f'{_posts(seen.posts)}{senders}{dates and ", " + dates}'


def _posts(number: int) -> str:
    return '1 post' if number == 1 else f'{number} posts'


@lru_cache(maxsize=64)
def _policy(own: AddressList, users: frozenset[str]) -> Policy:
    return Policy(local=own, alias_hops=True, reinjection_users=users)


@lru_cache(maxsize=1024)
def _proofs(
    local: tuple[str, ...], server: str, users: frozenset[str]
) -> tuple[Policy, Policy]:
    """What trusts a server by a single hop, and what does so by AUTH."""
    known = AddressList((*local, LOOPBACK))
    one = AddressList((server,))
    return (
        Policy(local=known, remote=one, alias_hops=True, reinjection_users=users),
        Policy(
            local=known, authenticated=one, alias_hops=True, reinjection_users=users
        ),
    )
