# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who sends the mail of a domain, as its SPF record says (RFC 7208).

An address is taken that the record passes by `ip4` and `ip6`, in the order of the
terms, through `include` and `redirect`.  That the record passes a server is no proof
of anything: so they go to `authenticated_remote_servers`, where the server itself has
to state AUTH, and those of services with many customers to `dkim_remote_servers`.

What would need more look-ups (`a`, `mx`, `ptr`, `exists`, macros) is not carried over.
A record that receivers take for an error is one here: more than ten terms that need
look-ups or two that find nothing (4.6.4), a loop, several records, an unknown term.
"""

from __future__ import annotations

import re

from collections.abc import Iterator
from mailman_trustedserver.addresses import Network, parse_network
from mailman_trustedserver.advice.importing import (
    common,
    decided_by_first,
    Entry,
    Mapped,
    quote,
    Snippet,
    subtract,
    to_entries,
    to_network,
    Unusable,
)
from mailman_trustedserver.shared_senders import load, MICROSOFT_365_KEY
from typing import Callable, Optional


__all__ = ['MAX_LOOKUPS', 'MAX_VOID_LOOKUPS', 'import_spf', 'read_domain']

# RFC 7208 4.6.4.
MAX_LOOKUPS = 10
MAX_VOID_LOOKUPS = 2

_DOMAIN = re.compile(r'[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})+')
_RECORD = re.compile(r'v=spf1(?: |\Z)', re.IGNORECASE)
_MODIFIER = re.compile(r'([A-Za-z][A-Za-z0-9_.-]*)=(.*)')
_MECHANISM = re.compile(
    r'([-+?~]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?:[:/](.*))?', re.IGNORECASE
)

# The mechanisms that need look-ups of their own.
_LOOKED_UP = {
    'a': 'the addresses behind a name change; list those of your own outgoing servers',
    'mx': 'the servers that take mail in; list those of them that people send through',
    'ptr': 'the name of a client, which says nothing of who it is',
    'exists': 'it is asked of each address by itself; list your own outgoing servers',
}

# What finds the TXT records of a name, none if it has none.
Lookup = Callable[[bytes], set[bytes]]


def read_domain(text: str) -> str:
    """The name of a domain as DNS has it.

    :raises Unusable: if it is none.
    """
    name = text.rstrip('.').lower()
    if not _DOMAIN.fullmatch(name):
        raise Unusable(
            f'{text}: this is no domain; write one as DNS has it, such as example.org'
        )
    return name


def import_spf(domain: str, lookup: Lookup) -> Snippet:
    """Import the servers that may send mail of a domain.

    :param domain: The domain, as `read_domain` gives it.
    :param lookup: What finds the TXT records of an absolute name.  What it raises
        is passed on.
    :return: The snippet.
    :raises Unusable: if there is no SPF record, or it is an error.
    """
    snippet = Snippet()
    walk = _Walk(snippet, lookup)
    entries = walk.record(domain, ())
    if entries is None:
        raise Unusable(f'{domain}: it has no SPF record; there is nothing to import')
    left = decided_by_first(entries)
    dkim: list[Network] = []
    for sender in load():
        ranges = [parse_network(entry) for entry in sender.addresses.entries]
        shared = common(left, ranges)
        if not shared:
            continue
        left = subtract(left, shared)
        if sender.key == MICROSOFT_365_KEY:
            snippet.notes.append(
                f'{sender.name}: its customers are told apart by their domain there; '
                'take the # away if this is the one, and leave the networks out to '
                'have those that Microsoft published'
            )
            snippet.candidates['microsoft_365_tenants'] = [domain]
            snippet.candidates['microsoft_365_servers'] = to_entries(shared)
        else:
            snippet.notes.append(
                f'{sender.name}: many customers share it, so that a DKIM signature of '
                f'{domain} is the proof: {" ".join(to_entries(shared))}'
            )
            dkim += shared
    snippet.keys['authenticated_remote_servers'] = to_entries(left)
    snippet.keys['dkim_remote_servers'] = to_entries(dkim)
    if left or dkim:
        snippet.keys['sender_domains'] = [domain]
    for name, networks in walk.passed.items():
        if (
            name != domain
            and not name.endswith(f'.{domain}')
            and common(networks, left)
        ):
            snippet.notes.append(
                f'Warning: {name} is the name of others; if strangers send through '
                'the servers of its record, too, move those to dkim_remote_servers'
            )
    return snippet


def _error(name: str, term: str) -> Unusable:
    return Unusable(
        f'{name}: receivers take {quote(term)} in the SPF record for an error; mend it'
    )


class _Walk:
    """A walk through a record and those that it refers to.

    :ivar passed: What each record passes by its own `ip4` and `ip6`.
    """

    def __init__(self, snippet: Snippet, lookup: Lookup) -> None:
        self.passed: dict[str, list[Network]] = {}
        self._snippet = snippet
        self._lookup = lookup
        self._lookups = self._void_lookups = 0
        # Where receivers stop with an error, if they come so far.
        self._error: Optional[str] = None

    def record(self, name: str, within: tuple[str, ...]) -> Optional[list[Entry]]:
        """What the record of a name passes and what not, in order.

        :param name: The name.
        :param within: The names whose records refer to it, from the first on.
        :return: Networks, with whether they pass; None if there is no record.
        :raises Unusable: if receivers take the record for an error.
        """
        if name in within:
            raise Unusable(
                f'{name}: the SPF record refers to itself through '
                f'{" ".join(within)}; mend it'
            )
        found = self._lookup(name.encode('ascii') + b'.')
        texts = [text.decode('latin-1') for text in found]
        records = [text for text in texts if _RECORD.match(text)]
        if len(records) > 1:
            raise Unusable(f'{name}: it has several SPF records; keep one')
        if not records:
            self._void_lookups += not found
            if self._void_lookups > MAX_VOID_LOOKUPS:
                raise Unusable(
                    f'{within[0]}: more than {MAX_VOID_LOOKUPS} terms of the SPF '
                    f'record lead to nothing, the last one to {name}; mend it'
                )
            return None
        self._snippet.notes.append(f'{name}: {records[0]}')
        return list(self._terms(name, records[0].split()[1:], (*within, name)))

    def _terms(
        self, name: str, terms: list[str], within: tuple[str, ...]
    ) -> Iterator[Entry]:
        redirect = None
        mechanisms = []
        # An error anywhere is one of the whole record (RFC 7208 4.6).
        for term in terms:
            modifier = _MODIFIER.fullmatch(term)
            match = _MECHANISM.fullmatch(term)
            if modifier:
                if modifier[1].lower() == 'redirect':
                    redirect = modifier[2]
            elif match:
                mechanisms.append((term, match))
            else:
                raise _error(name, term)
        for term, match in mechanisms:
            if match[2].lower() == 'all':
                if match[1] in ('', '+'):
                    self._leave_out(name, term, 'it passes every address there is')
                else:
                    self._leave_out(name, term, 'it passes nothing')
                return
            yield from self._mechanism(name, term, match, within)
        if redirect is not None:
            term = f'redirect={redirect}'
            yield from self._refer(name, term, redirect, within) or []

    def _mechanism(
        self, name: str, term: str, match: re.Match[str], within: tuple[str, ...]
    ) -> Iterator[Entry]:
        passes = match[1] in ('', '+')
        kind, value = match[2].lower(), match[3] or ''
        if kind == 'include':
            entries = self._refer(name, term, value, within)
            # Only what passes there is matched here (RFC 7208 5.2).
            for network in decided_by_first(entries or []):
                yield network, passes
        elif kind in _LOOKED_UP:
            self._count(within[0])
            why = _LOOKED_UP[kind] if passes else 'it is not cut out of what follows'
            self._leave_out(name, term, why)
            return
        else:
            yield from self._network(name, term, kind, value, passes)
        if not passes:
            self._leave_out(name, term, 'it does not pass, and is cut out of the rest')

    def _network(
        self, name: str, term: str, kind: str, value: str, passes: bool
    ) -> Iterator[Entry]:
        try:
            network = to_network(value)
            if network.version != int(kind[-1]):
                raise ValueError(f'it is not of {kind}')
        except Mapped as error:
            self._leave_out(name, term, f'{error}, which meets no address')
            return
        except ValueError:
            raise _error(name, term) from None
        if passes and self._error:
            self._leave_out(name, term, f'receivers stop before it, at {self._error}')
        elif passes and network.prefixlen == 0:
            self._leave_out(name, term, 'it passes every address there is')
        else:
            yield network, passes
            if passes:
                self.passed.setdefault(name, []).append(network)

    def _refer(
        self, name: str, term: str, value: str, within: tuple[str, ...]
    ) -> Optional[list[Entry]]:
        """What another record passes, and what not."""
        self._count(within[0])
        if '%' in value:
            self._leave_out(name, term, 'a macro, which only a message can fill')
            return None
        try:
            target = read_domain(value)
        except Unusable:
            raise _error(name, term) from None
        entries = self.record(target, within)
        if entries is None:
            self._leave_out(name, term, 'there is no SPF record; receivers stop here')
            self._error = self._error or term
        return entries

    def _count(self, domain: str) -> None:
        self._lookups += 1
        if self._lookups > MAX_LOOKUPS:
            raise Unusable(
                f'{domain}: the SPF record takes more than {MAX_LOOKUPS} look-ups, so '
                'that receivers take it for an error; mend it'
            )

    def _leave_out(self, name: str, term: str, why: str) -> None:
        self._snippet.leave_out(name, term, why)
