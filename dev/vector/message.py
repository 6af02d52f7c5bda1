# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rewrite the header of a message, and say what its fields must give.

Of the header, only the trace and what a verdict rests on are kept.  The body becomes
one line.

A message that was rewritten is read again.  If a field gives something else than
before, apart from the address, `Misread` is raised.
"""

from __future__ import annotations

import io
import re

from collections.abc import Iterator
from dataclasses import dataclass
from dev.vector.fields import DATE, Rewriter
from email.utils import getaddresses
from mailman_trustedserver.header import Header
from mailman_trustedserver.mbox import read_messages
from mailman_trustedserver.received import (
    Hop,
    MalformedReceived,
    parse_received,
    records_smtp_hop,
)
from typing import Any, Union


__all__ = ['Misread', 'Vector', 'expectation', 'make_vector', 'read_message']

# The fields that are kept, and how they are written.
KEPT = {
    name.lower(): name
    for name in (
        'Received',
        'From',
        'To',
        'Message-ID',
        'Date',
        'User-Agent',
        'Auto-Submitted',
        'X-Mailman-Version',
        'X-OriginatorOrg',
        'X-MS-Exchange-CrossTenant-AuthAs',
    )
}
_MAILBOXES = ('from', 'to')
_BODY = 'Hello.'

_DATE = re.compile(rf'\s*{DATE}\s*', re.ASCII)
_NOBODY = re.compile(r'undisclosed[- ]recipients:;', re.IGNORECASE)

# Servers that can be told by what they write after `by`.
_SERVER = re.compile(
    r'\sby \S+ \((?P<product>[A-Za-z8][^()\[\]"]*)\)'
    r'|\((?P<exim>Exim [0-9._]+)'
    r'|with (?P<microsoft>Microsoft SMTP ?[A-Z][A-Za-z]+)',
    re.ASCII,
)


class Misread(ValueError):
    """The rewritten message is not read as the original."""


@dataclass(frozen=True)
class Vector:
    """A message that was rewritten.

    :ivar data: The message.
    :ivar server: What the servers call themselves, the newest first.
    :ivar fields: What each Received field must give, the newest first.
    :ivar doubts: What a person should look at: where, and a sentence.
    """

    data: bytes
    server: str
    fields: tuple[dict[str, Any], ...]
    doubts: tuple[tuple[str, str], ...]


def read_message(data: bytes) -> Header:
    """The header of a message, or of the one message of an mbox.

    :param data: The file.
    :return: The header.
    :raises ValueError: if this is not one message, or it has no Received field.
    """
    found = [text for _, text, _ in read_messages(io.BytesIO(data))]
    if len(found) > 1:
        raise ValueError(f'this is an mbox of {len(found)} messages; take one of them')
    header = Header.parse(found[0])
    if not header.received:
        raise ValueError('it has no Received field')
    return header


def make_vector(header: Header) -> Vector:
    """Rewrite a message.

    :param header: Its header.
    :return: The message with other names and addresses.
    :raises Misread: if that would not be read as the original.
    """
    rewriter = Rewriter()
    fields = tuple(_rewritten(header, rewriter))
    newline = '\r\n' if any('\r\n' in value for _, value in header.fields) else '\n'
    lines = [f'{KEPT[name]}: {value}' for name, value in fields]
    text = newline.join([*lines, '', _BODY, ''])
    data = text.encode('ascii', 'surrogateescape')
    written = Header.parse(data)
    if written.fields != fields:
        raise Misread('the header cannot be written as it was read')
    _check(header, written, rewriter)
    found = [expectation(field) for field in written.received]
    return Vector(data, _server(written), tuple(found), tuple(rewriter.doubts))


def _rewritten(header: Header, rewriter: Rewriter) -> Iterator[tuple[str, str]]:
    number = 0
    for name, value in header.fields:
        if name == 'received':
            number += 1
            yield name, rewriter.rewrite(value, f'Received {number}')
        elif name in KEPT:
            new = _other(name, value, rewriter)
            if new is None:
                rewriter.doubt(KEPT[name], 'left out: it is in no form that is known')
            else:
                yield name, new


def _other(name: str, value: str, rewriter: Rewriter) -> Union[str, None]:
    """The value of a field that is no trace; None to leave the field out."""
    replacements = rewriter.replacements
    if name in _MAILBOXES:
        if _NOBODY.fullmatch(value.strip()):
            return value
        # Names of people go.
        found = [mailbox for _, mailbox in getaddresses([value]) if mailbox]
        return ', '.join(map(replacements.mailbox, found)) or None
    if name == 'message-id':
        return f'<{replacements.id(value.strip().strip("<>"))}>'
    if name == 'date':
        return value if _DATE.fullmatch(value) else None
    return rewriter.rewrite(value, KEPT[name], software=True)


def _check(original: Header, written: Header, rewriter: Rewriter) -> None:
    """See that the one is read as the other."""
    pairs = zip(original.received, written.received)
    for number, (before, after) in enumerate(pairs, 1):
        old, new = _found(before, rewriter), _found(after)
        if old != new:
            raise Misread(
                f'Received {number} gives {new} now, and not {old}: '
                f'{" ".join(after.split())!a}'
            )
    stranger = original.evidence().stranger
    if written.evidence().stranger is not stranger:
        raise Misread('the message speaks for somebody else now')


def _found(field: str, rewriter: Union[Rewriter, None] = None) -> tuple[object, ...]:
    """What is read in a field, with the address that stands for the peer."""
    hop = _read(field)
    crossed = records_smtp_hop(field)
    if isinstance(hop, str):
        return hop, crossed
    peer = hop.peer
    if peer is not None and rewriter is not None:
        peer = rewriter.replacements.address(peer)
    return (
        None if peer is None else str(peer),
        hop.authenticated,
        hop.kind.value,
        hop.protocol,
        hop.reinjection,
        crossed,
    )


def _read(field: str) -> Union[Hop, str]:
    try:
        return parse_received(field)
    except MalformedReceived as error:
        return str(error)


def expectation(field: str) -> dict[str, Any]:
    """What a field gives, as it stands in `expected.jsonl`."""
    hop = _read(field)
    if isinstance(hop, str):
        return {'malformed': hop}
    return {
        'peer': None if hop.peer is None else str(hop.peer),
        'auth': hop.authenticated,
        'kind': hop.kind.value,
    }


def _server(header: Header) -> str:
    names: dict[str, None] = {}
    for field in header.received:
        for match in _SERVER.finditer(f' {" ".join(field.split())}'):
            name = next(filter(None, match.groups()))
            names[name.partition(', from userid')[0]] = None
    return ', '.join(names) or 'unknown'
