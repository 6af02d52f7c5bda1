# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

r"""Read one `Received` field: who handed the message over, to whom, and how.

`parse_received` takes the value of a field and gives a `Hop`, or raises
`MalformedReceived`.  Text that an outsider chose (HELO, reverse DNS, ident,
envelope, certificate names, user names, other fields) never becomes the peer
address and never becomes a statement that AUTH took place.

How this is held:

- A field is read whole or not at all.  Each row of the table in `formats` is
  the complete grammar of a field as one kind of server writes it, from the
  first word to the date, and must match to the last character.
- A field has one ` by `: a server that lets white space into HELO or a quoted
  sender could else be made to write the `by` of another server.
- Hardly any two rows can match the same field, and which can is proved from the
  grammars.  When two do they must agree on the peer address and on AUTH.  If they
  do not, the field is malformed.
- Rows for servers that do not name themselves are tried last.  Where text of
  the server cannot be told there from an outsider's, the hop has no peer.
- A field has one date.  Some servers fold a message body into their own
  field; a second date gives that away.

Bounds: `MAX_FIELD_LENGTH` characters.  Time grows linearly with the length.

Sources: RFC 5321 4.4 (trace information), RFC 3848 and RFC 6531 4.3 (values
of `with`), and for each row the server named in it.
"""

from __future__ import annotations

import re

from dataclasses import dataclass
from mailman_trustedserver.addresses import Address, parse_address
from mailman_trustedserver.formats import Clause, Format, FORMATS, GROUPS, Kind
from typing import Optional


__all__ = [
    'Hop',
    'Kind',
    'MalformedReceived',
    'gettext_noop',
    'parse_received',
    'records_smtp_hop',
]

# A HELO of 9,000 characters passes Exim; the other parts of a field are short.
MAX_FIELD_LENGTH = 16_384

# The values of `with` that say that SMTP AUTH succeeded: RFC 3848, RFC 6531
# 4.3, `asmtp`, which Exim wrote before RFC 3848, and `utf8esmtpa`, which it
# writes since.
_AUTHENTICATED_PROTOCOLS = frozenset(
    (
        'ASMTP',
        'ESMTPA',
        'ESMTPSA',
        'LMTPA',
        'LMTPSA',
        'UTF8ESMTPA',
        'UTF8ESMTPSA',
        'UTF8SMTPA',
        'UTF8SMTPSA',
        'UTF8LMTPA',
        'UTF8LMTPSA',
    )
)


class MalformedReceived(ValueError):
    """The field is none that a known mail server writes, or is ambiguous."""


def gettext_noop(sentence: str) -> str:
    """Mark a sentence for the catalogues, from which the web part translates it."""
    return sentence


@dataclass(frozen=True, init=False)
class Hop:
    """One transfer of the message, as the stamping server recorded it.

    :ivar peer: The address of the TCP client (TCP-info in RFC 5321 4.4); None
        for a re-injection, and if the server hid it or it is ambiguous.
    :ivar reinjection: A host handed the message to itself: its own queue, or
        somebody who ran the sendmail command; no network was crossed.
    :ivar authenticated: The stamping server states that SMTP AUTH succeeded.
    :ivar helo: What the client called itself; anybody can write it.
    :ivar by: The name of the stamping server.
    :ivar protocol: The value of `with`, in capitals.
    :ivar kind: What the field records: a transfer, or one of several ways in
        which a host hands a message to itself.
    :ivar user: Who ran the sendmail command, as the server writes it; None if
        nobody did or the server does not say who.
    """

    peer: Optional[Address]
    reinjection: bool
    authenticated: bool
    helo: Optional[str]
    by: Optional[str]
    protocol: Optional[str]
    kind: Kind
    user: Optional[str]

    # The one that dataclass() writes takes three times as long, which is a tenth of
    # what it takes to read a field.
    def __init__(
        self,
        peer: Optional[Address],
        reinjection: bool,
        authenticated: bool,
        helo: Optional[str],
        by: Optional[str],
        protocol: Optional[str],
        kind: Kind = Kind.SMTP,
        user: Optional[str] = None,
    ) -> None:
        members = self.__dict__
        members['peer'] = peer
        members['reinjection'] = reinjection
        members['authenticated'] = authenticated
        members['helo'] = helo
        members['by'] = by
        members['protocol'] = protocol
        members['kind'] = kind
        members['user'] = user

    @property
    def evidence(self) -> tuple[object, ...]:
        """What a verdict may rest on."""
        return self.peer, self.authenticated, self.kind, self.user


class _Rows:
    """The rows that can read a field that begins in one way, but for the last ones.

    :ivar by_word: By how the name begins that a server gives itself in parentheses
        after `by`.
    :ivar comment: Those for other names there.
    :ivar by_protocol: By the value of `with`, if no parenthesis follows it.
    :ivar protocol: Those for other values.
    :ivar by_protocol_and_comment: By the value of `with`, if one follows it.
    :ivar protocol_and_comment: Those for other values.
    :ivar other: Those for whatever else follows `by`, and for a field without it.
    """

    def __init__(self, begins_with_from: bool) -> None:
        rows = [
            row
            for row in FORMATS
            if not row.last and row.begins_with_from in (begins_with_from, None)
        ]
        self.by_word: dict[str, tuple[Format, ...]] = {
            word: () for row in FORMATS for word in row.words
        }
        for row in rows:
            for word in row.words:
                self.by_word[word] += (row,)
        unnamed = [row for row in rows if not row.servers]
        protocols = {protocol for row in unnamed for protocol in row.protocols}

        def after_by(clause: Clause, protocol: str = '') -> tuple[Format, ...]:
            return tuple(row for row in unnamed if row.may_have(clause, protocol))

        def by_protocol(clause: Clause) -> dict[str, tuple[Format, ...]]:
            return {protocol: after_by(clause, protocol) for protocol in protocols}

        self.comment = after_by(Clause.COMMENT)
        self.protocol = after_by(Clause.PROTOCOL)
        self.by_protocol = by_protocol(Clause.PROTOCOL)
        self.protocol_and_comment = after_by(Clause.PROTOCOL_AND_COMMENT)
        self.by_protocol_and_comment = by_protocol(Clause.PROTOCOL_AND_COMMENT)
        self.other = after_by(Clause.OTHER)


ROWS = {True: _Rows(True), False: _Rows(False)}
LAST = tuple(row for row in FORMATS if row.last)

# Each field of a re-injection that begins with `from` or `(from` has one of these
# words, however it is folded.
_WORDS = {
    (row.marker.split() or [''])[-1]
    for row in FORMATS
    if row.reinjection and row.begins_with_from is not False
}
_OF_REINJECTIONS = tuple(
    word for word in _WORDS if not any(one in word for one in _WORDS - {word})
)

# What tells the rows apart: from the name of the host after `by` on.
_CLAUSE = re.compile(
    r'[^ ]+ (?:\(([A-Za-z0-9_]*)|with ([A-Za-z0-9-]+)( ? \(|))', re.ASCII
)

_SPACES = re.compile(r'  +')

# Anything that a reader could take for the date that ends a field.
_DATE_STAMP = re.compile(r'; *(?:[A-Za-z]{3}, *)?[0-9]{1,2} +[A-Za-z]{3} +[0-9]')

# A field that records an SMTP hop begins with `from`; Sendmail writes `(from`
# where the client sent no HELO.
_BEGINS_WITH_FROM = re.compile(r'\s*\(?from\b', re.ASCII | re.IGNORECASE)


def parse_received(field: str) -> Hop:
    """Read the value of one Received field.

    :param field: The value as it stands in the message, folded or not, not
        decoded; bytes that are not US-ASCII as surrogates or as characters.
    :return: The hop.
    :raises MalformedReceived: if the field is longer than `MAX_FIELD_LENGTH`
        characters, has a bare CR or LF, a NUL or two dates, is in no known
        form, or can be read in two ways.  The message says which.
    """
    return read(field)[0]


def read(field: str) -> tuple[Hop, Format]:
    """The same, with the row that read it; the first one, if several agree."""
    text = clean(field)
    found = _first(choose(text), text) or _first(LAST, text)
    if found is None and '  ' in text:
        # Servers write runs of spaces where a comment may have them, too; in
        # other places somebody has folded the field anew.
        text = _SPACES.sub(' ', text)
        found = _first(choose(text), text) or _first(LAST, text)
    if found is None:
        raise MalformedReceived(gettext_noop('it is in no form that is known'))
    return found


def clean(field: str) -> str:
    """The field unfolded, if it may be given to the rows.

    :raises MalformedReceived: if it may not.
    """
    if len(field) > MAX_FIELD_LENGTH:
        raise MalformedReceived(gettext_noop('it is too long'))
    # Take the folding out (RFC 5322 2.2.3); white space is left as spaces.  Several
    # times as fast as a regular expression, and as strict.
    text = field.replace('\r\n', '\n') if '\r' in field else field
    text = ' '.join(text.split('\n\t'))
    if '\n' in text:
        text = ' '.join(text.split('\n '))
    if '\t' in text:
        text = text.replace('\t', ' ')
    if '\r' in text or '\n' in text or '\0' in text:
        raise MalformedReceived(gettext_noop('it has a bare CR, a bare LF or a NUL'))
    text = text.strip(' ')
    if text.find(';') != text.rfind(';') and len(_DATE_STAMP.findall(text)) > 1:
        raise MalformedReceived(gettext_noop('it has more than one date'))
    return text


def choose(text: str) -> tuple[Format, ...]:
    """The rows that can read a field, apart from those that are tried last.

    A server that names itself after `by` has rows of its own.  Of the others,
    no row is left out that could match.

    :param text: The field, unfolded.
    :raises MalformedReceived: if there is more than one `by`.
    """
    # With a space in front, the first word is like any other.
    _, _, after = f' {text}'.partition(' by ')
    if ' by ' in f' {after}':
        raise MalformedReceived(gettext_noop('it has more than one "by"'))
    rows = ROWS[text.startswith(('from ', '(from '))]
    clause = _CLAUSE.match(after)
    if clause is None:
        return rows.other
    word, protocol, comment = clause.groups()
    if word is not None:
        return rows.by_word.get(word, rows.comment)
    if comment:
        return rows.by_protocol_and_comment.get(protocol, rows.protocol_and_comment)
    return rows.by_protocol.get(protocol, rows.protocol)


def _first(rows: tuple[Format, ...], text: str) -> Optional[tuple[Hop, Format]]:
    """What the first row that matches reads, if those that overlap with it agree."""
    found: Optional[tuple[Hop, Format]] = None
    for row in rows:
        if row.marker not in text:
            continue
        match = row.pattern.fullmatch(text)
        if match is None:
            continue
        hop = _hop(row, match)
        if found is None:
            if not row.overlaps:
                return hop, row
            found = hop, row
        elif hop.evidence != found[0].evidence:
            raise MalformedReceived(gettext_noop('it can be read in two ways'))
    return found


def records_smtp_hop(field: str) -> bool:
    """Whether a field that is no evidence says that a network was crossed.

    :param field: The value of the field; it is read only as far as this needs.
    :return: True unless the field does not begin with `from` or is known as a
        re-injection.
    """
    if not _BEGINS_WITH_FROM.match(field, 0, MAX_FIELD_LENGTH):
        return False
    # Most fields are none, and to see that costs less than to read them.
    field = field[: MAX_FIELD_LENGTH + 1]
    for word in _OF_REINJECTIONS:
        if word in field:
            break
    else:
        return True
    try:
        return not parse_received(field).reinjection
    except MalformedReceived:
        return True


def _hop(row: Format, match: re.Match[str]) -> Hop:
    peer, protocol, auth, helo, by, user = match.group(*GROUPS)
    authenticated = auth is not None
    if protocol is not None:
        protocol = protocol.upper()
        authenticated = authenticated or protocol in _AUTHENTICATED_PROTOCOLS
    try:
        address = None if peer is None else parse_address(peer)
    except ValueError:
        raise MalformedReceived(
            gettext_noop('what stands for the peer address is no address')
        ) from None
    authenticated = authenticated and not row.reinjection
    return Hop(
        address, row.reinjection, authenticated, helo, by, protocol, row.kind, user
    )
