# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a configuration makes of many posts, and what no list of addresses shows.

Bounds: those of `common`, and of examples `MAX_EXAMPLES`; whatever is more is counted.
"""

from __future__ import annotations

import re

from collections import Counter
from collections.abc import Iterable, Iterator
from mailman_trustedserver.addresses import Address
from mailman_trustedserver.advice.common import (
    count,
    day_of,
    draw_table,
    has_room,
    keep_name,
    MANY_NAMES,
    sender_shared_by,
    Sighting,
)
from mailman_trustedserver.decision import Decision
from mailman_trustedserver.header import Header
from mailman_trustedserver.names import RULE
from mailman_trustedserver.policy import Finding
from mailman_trustedserver.reasons import Reason
from mailman_trustedserver.received import Kind
from mailman_trustedserver.report import escape
from typing import Any, Optional


__all__ = ['Audit', 'draw_audit']

MAX_EXAMPLES = 10
LOCAL = 'trusted_local_servers'
PROGRAM = "sender's program"
UNLISTED = 'on no list'


class Audit:
    """Counts what becomes of posts.

    :param compares: Whether each is decided on by another configuration, too.
    """

    def __init__(self, compares: bool = False) -> None:
        self.unreadable: Counter[str] = Counter()
        self._compares = compares
        self._all = Sighting()
        self._verdicts: Counter[tuple[bool, str, str]] = Counter()
        self._days: dict[str, Counter[str]] = {}
        self._hosts: dict[tuple[str, Address], Sighting] = {}
        self._others: Counter[str] = Counter()
        self._changes: Counter[tuple[str, str]] = Counter()
        self._examples: dict[str, list[str]] = {}
        self._counts: Counter[str] = Counter()
        self._users: Counter[str] = Counter()
        self._fields: Counter[tuple[str, str]] = Counter()
        self._field_examples: dict[tuple[str, str], str] = {}

    def add(
        self, decision: Decision, other: Optional[Decision] = None, held: bool = False
    ) -> None:
        """Count a post.

        :param decision: The decision on it.
        :param other: That of the other configuration.
        :param held: Whether Mailman holds it now.
        """
        verdict, header = decision.verdict, decision.header
        trusted, reason = verdict.trusted, verdict.reason.value
        day = day_of(header)
        self._all.add(day)
        if has_room(self._days, day):
            self._days.setdefault(day, Counter())[_outcome(decision)] += 1
        self._verdicts[trusted, reason, verdict.proof] += 1
        self._add_hosts(decision, day)
        if trusted and held:
            self._example('held, and trusted now', header)
        if not trusted and _was_trusted(header):
            self._example('delivered as trusted, and not trusted now', header)
        if other is not None and other.verdict.trusted != trusted:
            self._changes[_outcome(decision), _outcome(other)] += 1
            change = 'no longer trusted' if trusted else 'newly trusted'
            self._example(change, header)
        if verdict.reason is Reason.LOCAL_USER:
            count(self._users, verdict.details['user'])

    def _add_hosts(self, decision: Decision, day: str) -> None:
        """Count the hosts of the attested fields."""
        findings = decision.verdict.findings
        smtp = [
            one
            for one in findings
            if one.attested and (one.hop is None or one.hop.kind is Kind.SMTP)
        ]
        for number, finding in enumerate(smtp):
            if finding.hop is None:
                self._add_unread(finding)
            if finding.peer is None:
                continue
            client = smtp[number + 1] if number + 1 < len(smtp) else None
            for role in _roles(finding, decision.verdict.trusted):
                key = role, finding.peer
                if has_room(self._hosts, key):
                    host = self._hosts.setdefault(key, Sighting())
                    host.add(day, finding, client)
                    self._add_outsider(host, client)
                else:
                    self._others[role] += 1

    def _add_outsider(self, host: Sighting, client: Optional[Finding]) -> None:
        hop = None if client is None else client.hop
        peer = None if hop is None or hop.authenticated else hop.peer
        if peer is not None and peer.is_global:
            keep_name(host.outsiders, str(peer))

    def _add_unread(self, finding: Finding) -> None:
        by = _BY.search(finding.text)
        key = by[1] if by else '?', finding.problem
        if has_room(self._fields, key):
            self._fields[key] += 1
            self._field_examples.setdefault(key, finding.text)

    def _example(self, what: str, header: Header) -> None:
        self._counts[what] += 1
        examples = self._examples.setdefault(what, [])
        if len(examples) < MAX_EXAMPLES:
            examples.append(header.message_id[:200])

    @property
    def days(self) -> dict[str, Counter[str]]:
        """How many posts of each day had which outcome, the first day first."""
        return dict(sorted(self._days.items()))

    def describe(self) -> dict[str, Any]:
        """All that was counted, as plain values only."""
        return {
            'posts': self._all.posts,
            'first': self._all.first,
            'last': self._all.last,
            'unreadable': dict(self.unreadable),
            'verdicts': [
                {'trusted': trusted, 'reason': reason, 'proof': proof, 'posts': posts}
                for (trusted, reason, proof), posts in self._verdicts.most_common()
            ],
            'servers': list(self._described_hosts()),
            'further_servers': dict(self._others),
            'changes': [
                {'from': before, 'to': after, 'posts': posts}
                for (before, after), posts in self._changes.most_common()
            ]
            if self._compares
            else None,
            'examples': [
                {'what': what, 'posts': posts, 'message_ids': self._examples[what]}
                for what, posts in self._counts.items()
            ],
            'users': dict(self._users.most_common()),
            'fields': [
                {
                    'by': by,
                    'problem': problem,
                    'posts': posts,
                    'example': self._field_examples[by, problem],
                }
                for (by, problem), posts in self._fields.most_common()
            ],
            'notes': list(self._notes()),
        }

    def _described_hosts(self) -> Iterator[dict[str, Any]]:
        order = sorted(self._hosts.items(), key=lambda item: -item[1].posts)
        for (role, address), host in order:
            yield {
                'role': role,
                'address': str(address),
                'posts': host.posts,
                'first': host.first,
                'last': host.last,
                'names': sorted(host.names),
            }

    def _notes(self) -> Iterator[str]:
        """What no list of addresses shows, a sentence each."""
        for (role, address), host in self._hosts.items():
            if role in (PROGRAM, UNLISTED):
                continue
            if host.is_several_hosts and not address.is_loopback:
                names = ', '.join(sorted(host.names)[:MANY_NAMES])
                stamps = ', '.join(sorted(host.stamps)[:MANY_NAMES])
                yield (
                    f'{address} ({role}) called itself {names or "nothing"}, and the '
                    f'fields below its own were stamped by {stamps or "nobody"}: this '
                    'may be a NAT or a gateway, and no mail server; then take it off '
                    'the list'
                )
            if role != LOCAL and host.takes_from_outside:
                some = ', '.join(sorted(host.outsiders)[:MANY_NAMES])
                yield (
                    f'{address} ({role}) took mail without AUTH from {some} and '
                    'others: it looks like an MX, and no outgoing server; write '
                    'authenticated_remote_servers, if its users submit mail there'
                )
            sender = None if role == LOCAL else sender_shared_by(address)
            if sender is not None and role not in (sender.key, _LIST_OF[sender.key]):
                yield (
                    f'{address} ({role}) is {sender.name}, through which other '
                    f'organisations send, too; the key for it is {sender.key}'
                )
        archive = self._verdicts[False, Reason.WEB_ARCHIVE.value, '']
        if archive:
            yield (
                f'{archive} posts were written in the web archive, where anybody may '
                'register: they are moderated'
            )
        for user, posts in self._users.most_common(MAX_EXAMPLES):
            yield (
                f'{posts} posts came by the sendmail command of user {user}; if this '
                'is the user of a content filter and of nothing else, write '
                f'reinjection_users: {user}'
            )


# The key that a service is named by, and that of its servers.
_LIST_OF = {
    'microsoft_365_tenants': 'microsoft_365_servers',
    'dkim_remote_servers': 'dkim_remote_servers',
}

_BY = re.compile(r'.*(?:^|\s)by\s+(\S+)', re.DOTALL)


def _outcome(decision: Decision) -> str:
    verdict = decision.verdict
    return 'trusted' if verdict.trusted else verdict.reason.value


def _was_trusted(header: Header) -> bool:
    """Whether Mailman noted once that our rule matched; anybody may write it."""
    return any(
        RULE in re.split(r'[;\s]+', value)
        for value in header.values('x-mailman-rule-hits')
    )


def _roles(finding: Finding, trusted: bool) -> Iterable[str]:
    """The lists that a host is on, or what it is instead."""
    roles = [key for key, _ in finding.outgoing]
    if finding.local is not None:
        roles.append(LOCAL)
    return roles or [PROGRAM if trusted else UNLISTED]


# For people.


def draw_audit(found: dict[str, Any]) -> str:
    """What was counted, as lines of text that are safe on a terminal.

    :param found: From `Audit.describe`.
    """
    unreadable = sum(found['unreadable'].values())
    period = f', {found["first"]} to {found["last"]}' if found['first'] else ''
    lines = [f'{found["posts"]} posts{period}; {unreadable} could not be read']
    lines += [f'    {posts} {text}' for text, posts in found['unreadable'].items()]
    rows: list[tuple[Any, ...]] = [
        (
            one['posts'],
            'trusted' if one['trusted'] else 'not trusted',
            one['reason'],
            one['proof'],
        )
        for one in found['verdicts']
    ]
    lines += draw_table(('posts', 'verdict', 'reason', 'proof'), rows)
    lines += draw_table(
        ('posts', 'first', 'last', 'role', 'address', 'called itself'),
        [
            (
                one['posts'],
                one['first'],
                one['last'],
                one['role'],
                one['address'],
                ' '.join(one['names'][:2]) + (' ...' if one['names'][2:] else ''),
            )
            for one in found['servers']
        ],
    )
    for role, posts in found['further_servers'].items():
        lines.append(f'and further addresses, {role}: {posts} posts')
    if found['changes'] is not None:
        rows = [(one['posts'], one['from'], one['to']) for one in found['changes']]
        lines += draw_table(('posts', 'now', 'with the other'), rows)
        if not rows:
            lines += ['', 'With the other configuration, nothing would change.']
    for one in found['examples']:
        lines += ['', f'{one["what"]}: {one["posts"]} posts']
        lines += [f'    {escape(name)}' for name in one['message_ids']]
    rows = [(one['posts'], one['by'], one['problem']) for one in found['fields']]
    lines += draw_table(('posts', 'stamped by', 'could not be read'), rows)
    for one in found['fields'][:MAX_EXAMPLES]:
        lines.append(f'    explain --field: {escape(one["example"])}')
    lines += [''] * bool(found['notes'])
    lines += [f'Note: {escape(note)}.' for note in found['notes']]
    return '\n'.join(lines)
