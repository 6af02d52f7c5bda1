# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

r"""The forms in which mail servers write their `Received` fields: data.

Each row of `FORMATS` is the complete grammar of a field as one kind of server
writes it, from the first word to the date.  `docs/formats.md` shows how to add
one.  What every row must keep to:

- The text of outsiders (HELO, reverse DNS, ident, envelope, certificate and
  user names) stands between delimiters that the server does not let into it,
  so that a row can match a field in one way only.
- A field has one ` by `, or none in the forms that have none: the reader holds
  that before any row is tried.  So what stands before it and what stands after
  it cannot change places.
- Nothing after the peer address and before `by` may hold a literal, unless
  the server checks reverse DNS: a name of `x [192.0.2.1]) (y` would else end
  the comment early and make its own address the peer's.
- Nothing after `by` may hold a literal or a quoted string, but where the server
  writes one.
- `(?:x|)`, `[0-9][0-9]` and `A-Za-z0-9_` in a set say the same as `(?:x)?`,
  `[0-9]{2}` and `\w`, and `re` runs them faster.  So the blocks and the commonest
  rows have them.
- No repetition can match the character that ends it, so that time grows no
  faster than the field.

A grammar is a regular expression with the blocks below in braces.  It may name
the groups `peer`, `helo`, `by`, `protocol`, `auth`, a statement apart from the
protocol that AUTH took place, and `user`, who ran the sendmail command.  A row
without `peer` gives a hop without one: the server hid the address, or it cannot
be told from an outsider's text.
"""

from __future__ import annotations

import re

from dataclasses import dataclass
from enum import Enum
from functools import cached_property, partial
from typing import Optional


__all__ = ['BLOCKS', 'FORMATS', 'GROUPS', 'Clause', 'Format', 'Kind', 'expand']


class Kind(Enum):
    """What a field records.

    The last three cross no network.  Whoever runs the sendmail command writes
    the whole message, and so all fields before this one.
    """

    SMTP = 'smtp'
    # The server's own queue or one of its parts.
    QUEUE = 'queue'
    # A program or a user on the host; the group `user` says who, if the server does.
    COMMAND = 'command'
    # Postfix, for a message that an alias sends on, and for a hidden client.
    ALIAS = 'alias'


class Clause(Enum):
    """What follows the name of the host after `by`."""

    COMMENT = 'by HOST ('
    PROTOCOL = 'by HOST with PROTOCOL'
    PROTOCOL_AND_COMMENT = 'by HOST with PROTOCOL ('
    # Or there is no `by`.
    OTHER = ''


# What a grammar may name.
GROUPS = ('peer', 'protocol', 'auth', 'helo', 'by', 'user')


@dataclass(frozen=True)
class Format:
    """One row of the table.

    :ivar name: The server, and the variant.
    :ivar versions: Which versions write it, as far as is known.
    :ivar source: Where that is to be seen.
    :ivar example: A field of this form, unfolded.
    :ivar grammar: The field, unfolded, with one space for white space; see the
        module.
    :ivar servers: What the server calls itself in parentheses right after its
        host name, or how that begins.  The row is tried for no other server,
        and rows without `servers` are not tried for this one.
    :ivar clauses: What may follow the host name.  Without it, the row is tried
        whatever follows.
    :ivar marker: Text that every field of this form holds; without it the row
        is not tried.
    :ivar kind: What the field records.
    :ivar last: Whether the row is tried only if no other one matches.
    :raises ValueError: if no field could be found by a name in `servers`.
    """

    name: str
    versions: str
    source: str
    example: str
    grammar: str
    servers: tuple[str, ...] = ()
    clauses: tuple[Clause, ...] = ()
    marker: str = ''
    kind: Kind = Kind.SMTP
    last: bool = False

    def __post_init__(self) -> None:
        for server in self.servers:
            if not _WORD.match(server):
                raise ValueError(
                    f'{self.name}: a server is found by the letters, digits and _ '
                    f'that its name begins with, and {server!r} begins with none'
                )

    @property
    def words(self) -> tuple[str, ...]:
        """The first words of `servers`, by which the row is found."""
        return tuple(word[0] for word in map(_WORD.match, self.servers) if word)

    @property
    def begins_with_from(self) -> Optional[bool]:
        """Whether fields of this form begin with `from` or `(from`; None if some do."""
        first = re.match(r'((?:\\\()?from )|by |\{by\}|\\\(', self.grammar)
        return None if first is None else first[1] is not None

    @cached_property
    def reinjection(self) -> bool:
        """Whether the host handed the message to itself, and says so.

        An alias looks like a client that Postfix hides, so that only a policy
        can tell.
        """
        return self.kind in (Kind.QUEUE, Kind.COMMAND)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The grammar as a pattern for `fullmatch`, with all of `GROUPS`.

        :raises ValueError: if the grammar is wrong.  It is compiled when it is
            first needed: most programs never meet most servers.
        """
        try:
            grammar = expand(self.grammar)
            # A group that the row does not name is one that never matches.
            others = [name for name in GROUPS if f'(?P<{name}>' not in grammar]
            grammar += ''.join(f'(?P<{name}>(?!))?' for name in others)
            return re.compile(grammar, re.ASCII)
        except (KeyError, re.error) as error:
            raise ValueError(f'{self.name}: {error}') from error


# How the name of a server begins, as far as a field is looked up by it.
_WORD = re.compile(r'\w+', re.ASCII)

# The parts that grammars share, by the name that stands in braces for them.
BLOCKS: dict[str, str] = {}
_BLOCK = re.compile(r'\{([a-z]+)\}')


def expand(grammar: str) -> str:
    """The grammar with the blocks in it.

    :raises KeyError: if there is no such block.
    """
    return _BLOCK.sub(lambda block: expand(BLOCKS[block[1]]), grammar)


_block = BLOCKS.update


# What all servers have in common.
_block(
    # The name of a host, as a server knows its own.
    host=r'[A-Za-z0-9_.:-]+',
    # A word without white space and without parentheses.
    word=r'[^ ()]+',
    # Reverse DNS: what cannot end the comment that it stands in, no `helo=x`.
    rdns=r'[^ ()\[\]=]+',
    address=r'(?P<peer>(?:[Ii][Pp][Vv]6:|)[0-9A-Fa-f.:]+(?:%[A-Za-z0-9_.-]+|))',
    protocol=r'(?P<protocol>[A-Za-z0-9]+)',
    id=r'(?:[^ ()<>\[\]";]+|<[^ <>"]*>)',
    # A quoted string (RFC 5322 3.2.4).
    quoted=r'"[^"\\]*(?:\\.[^"\\]*)*"',
    # Text with balanced parentheses, three deep, before `by` only.
    balanced=r'[^()]*(?:\((?:[^()]*(?:\([^()]*\)[^()]*)*)\)[^()]*)*',
    # Text and a comment without literals and quotes in it, two deep.
    plain=r'[^()<>\[\]"]*(?:\([^()<>\[\]"]*\)[^()<>\[\]"]*)*',
    comment=r'\([^()\[\]"]*(?:\([^()\[\]"]*\)[^()\[\]"]*)*\)',
    # What servers say of TLS before `by`, without literals.
    tls=r'(?: \((?:[Uu]sing |TLS|version=|[Nn]o client |Client did )'
    r'[^()\[\]]*(?:\([^()\[\]]*\)[^()\[\]]*)*\))*',
    # RFC 5322 3.3; obsolete zones and a comment with the zone's name.
    date=r' ?; (?:[A-Z][a-z][a-z], ?|)[0-9][0-9]? [A-Z][a-z][a-z]'
    r' [0-9][0-9][0-9][0-9] [0-9][0-9]:[0-9][0-9](?::[0-9][0-9]|)'
    r' (?:[+-][0-9][0-9][0-9][0-9]|[A-Z]{1,5})(?: \([A-Za-z0-9_ :+-]*\)|)',
    by=r'by (?P<by>{host})',
    # What stands in parentheses after HELO in the form of RFC 5321 4.4.
    tcp=r'\((?:{rdns}|) ?\[{address}\]\)',
    # A mailbox between angle brackets, and one without.  White space and the
    # like is in quotes, and what is quoted ends before `@`.
    path=r'<(?:{quoted}@|)[^ <>"\\]*>',
    mailbox=r'(?:{quoted}@|)[^ <>"\\();]+',
    # What follows the name and version of a server.
    tail=r' with {protocol}(?: {comment}|)(?: id {id}|)(?: {comment}|){for}{date}',
    # All from `by` on, where no server is known.
    rest=r'{by}(?: {comment})*'
    r'(?: with {protocol}(?:/[\w/.-]+|)(?: with STARTTLS|)|)'
    r'(?: {comment}|)(?: id {id}|)(?: {comment}|){for}(?: {comment})*{date}',
)
# `for` is a word of Python's.
_block({'for': r'(?: for (?:{path}|{mailbox})|)'})

# fmt: off

# HELO has none of `<>()\";@`, and no space but where a line of 998 characters was
# folded.  comment_sanitize() balances the parentheses in certificate and user
# names.  With smtpd_hide_client_session (3.10) a field without TLS and AUTH is the
# same as one of local(8) for a message that an alias sends on.
_postfix = partial(Format, versions='2.3 to 3.11', source='smtpd.c, pickup.c')
_POSTFIX = (
    _postfix('Postfix',
        servers=('Postfix', 'postfix'),
        example='from mua.example.org (mua.example.org [192.0.2.1])'
        ' by mx.example.org (Postfix) with ESMTP id 4F3D21234'
        ' for <list@example.org>; Sun, 22 Nov 2026 10:00:00 +0000 (UTC)',
        grammar=r'from (?P<helo>[^()<>\\";@]+) \({rdns} \[{address}\]\)'
        r'(?: \(using [^()]*(?:\([^()]*\)[^()]*)*\)|)'
        r'(?: \((?:[Nn]o client cert[^()]*|Client {balanced})\)|)'
        r'(?P<auth> \(Authenticated sender: {balanced}\))?'
        r' {by} \([Pp]ostfix\) with {protocol}(?: id {id}|){for}{date}'),
    _postfix('Postfix, sendmail command', servers=('Postfix',),
        marker=', from userid ', kind=Kind.COMMAND,
        example='by out.example.org (Postfix, from userid 0) id 9A88A2C2604;'
        ' Sun, 22 Nov 2026 23:28:28 +0000 (UTC)',
        grammar=r'{by} \(Postfix, from userid (?P<user>[0-9]+)\) id {id}{for}{date}'),
    _postfix('Postfix, alias', servers=('Postfix',),
        marker=' (Postfix) id ', kind=Kind.ALIAS,
        example='by mx.example.org (Postfix) id 4ZJ2N92ChLz4x04'
        ' for <user@example.org>; Thu, 20 Mar 2025 08:46:32 +0000 (UTC)',
        grammar=r'{by} \(Postfix\) id {id}{for}{date}'),
)

# HELO and ident may hold anything where the site set helo_accept_junk_hosts or asks
# for ident.  Their comment ends at the first `)` before Exim's own words; one inside
# HELO leaves a rest that is no tail.
_block(
    version=r'(?: ? \([^()\[\]"]*\)(?: tls [\w-]+|)|) \(Exim ',
    exim=r' {by} with {protocol}{version}{plain}\)'
    r'(?: \(envelope-from {path}\)|) id {id}{for}{date}',
    junk=r'[^)]*(?:\)(?! by {host} with [A-Za-z0-9]+{version})[^)]*)*',
)
_exim = partial(Format,
    versions='3 to 4.98',
    source='host.c (host_build_sender_fullhost), globals.c (received_header_text)',
    clauses=(Clause.PROTOCOL_AND_COMMENT,))
_EXIM = (
    _exim('Exim', marker=' (Exim ',
        example='from a.example.org ([192.0.2.1] helo=x) by mx.example.org'
        ' with utf8esmtpsa (TLS1.3) tls TLS_AES_256_GCM_SHA384 (Exim 4.96)'
        ' id 1Kx4aB-0001xY-00; Sun, 22 Nov 2026 10:00:00 +0000',
        grammar=r'from {rdns} \(\[{address}\](?::[0-9]+|)'
        r'(?: helo=(?P<helo>{junk})| ident={junk}|)\){exim}'),
    _exim('Exim, no reverse DNS', marker='from [',
        example='from [192.0.2.1] (port=4321 helo=x ident=alice)'
        ' by mx.example.org with esmtp (Exim 4.96) id 1Kx4aB-0001xY-00;'
        ' Sun, 22 Nov 2026 10:00:00 +0000',
        grammar=r'from \[{address}\](?::[0-9]+|)(?: \((?:port=[0-9]+ ?|)'
        r'(?:helo=(?P<helo>{junk})|ident={junk}|)\)|){exim}'),
    _exim('Exim, sendmail command', marker=' with local', kind=Kind.COMMAND,
        example='from uucp (helo=alpha) by mx.example.org with local-bsmtp'
        ' (Exim 3.36 #1) id 1ockX4-0007UJ-00; Mon, 26 Sep 2022 11:36:10 +0200',
        grammar=r'(?:from (?P<user>[^ ()\[\]"]+)(?: \(helo={word}\))? )?'
        r'by (?P<by>{host}) with (?P<protocol>local(?:-[a-z]+)?){version}'
        r'{plain}\)(?: \(envelope-from {path}\))? id {id}{for}{date}'),
)

# HELO is of letters, digits and `[].-_#:`; a name that does not lead back is flagged.
# Without HELO the field begins with `(from`.  Proofpoint is built on it.
_block(
    client=r'(?:[^ ()@]+@|)(?:{rdns} |)\[{address}\](?: \(may be forged\)|)\)',
    sendmail=r'(?P<auth> \((?:authenticated|user=|User auth)[^()\[\]"]*'
    r'(?:\([^()\[\]"]*\)|)\))*'
    r' {by} \((?:[\w-]*8\.[^()\[\]"/]*/[^()\[\]"]*|PPS)\)(?: with {protocol}|) id {id}'
    r'(?: \(version=[^()\[\]"]*\)|){for}{date}',
)
_sendmail = partial(Format,
    versions='8.9 to 8.18', source='conf.c, cf/m4/cfhead.m4 (HReceived)')
_SENDMAIL = (
    _sendmail('Sendmail', servers=('8', 'SGI', 'PPS'),
        example='from a.example.org (a.example.org [192.0.2.1])'
        ' (authenticated bits=0) by mx.example.org (8.12.3/8.12.3)'
        ' with ESMTP id k9ABCdef012345; Sun, 22 Nov 2026 10:00:00 +0000',
        grammar=r'from (?P<helo>{word}) \({client}{sendmail}'),
    _sendmail('Sendmail, no HELO', servers=('8',), marker='(from ',
        example='(from a.example.org [192.0.2.77]) by mx.example.org'
        ' (8.17.1.9/8.17.1.9/Debian-2+deb12u2) with SMTP id 6AMMlY3a016924'
        ' for <list@example.org>; Sun, 22 Nov 2026 22:47:34 GMT',
        grammar=r'\(from {client}{sendmail}'),
    _sendmail('Sendmail, sendmail command', servers=('8',), kind=Kind.COMMAND,
        marker='localhost',
        example='(from root@localhost) by mx.example.org (8.17.1/8.17.1/Submit)'
        ' id 3BMA0000001234; Sun, 22 Nov 2026 10:00:00 +0000',
        grammar=r'(?:\(from |from localhost \()(?:(?P<user>[^ ()@]+)@localhost'
        r'|localhost \[\[UNIX: localhost\]\])\){sendmail}'),
)

# Reverse DNS is unchecked and raw, and a body that begins with white space becomes
# part of the field.
_block(
    opensmtpd=r'{by} \(OpenSMTPD\) with {protocol} id {id}(?: \([^()\[\]"]*\))?'
    r'(?: auth=no|(?P<auth> auth=yes user=[^ \[\]"]+))?{for}{date}',
)
_opensmtpd = partial(Format,
    versions='5 to 7', source='smtp_session.c', servers=('OpenSMTPD',))
_OPENSMTPD = (
    _opensmtpd('OpenSMTPD',
        example='from a.example.org (localhost [::1]) by mx.example.org (OpenSMTPD)'
        ' with ESMTP id 024318a8; Sat, 25 Jun 2022 12:03:37 +0000 (UTC)',
        grammar=r'from (?P<helo>{word}) \({rdns} \[{address}\]\) {opensmtpd}'),
    _opensmtpd('OpenSMTPD, mask-src',
        example='by mx.example.org (OpenSMTPD) with ESMTPSA id 95a7802b'
        ' for <list@example.org>; Sun, 22 Nov 2026 10:00:00 +0000 (UTC)',
        grammar=r'{opensmtpd}'),
    _opensmtpd('OpenSMTPD, sendmail command', marker=' [local]) ', kind=Kind.COMMAND,
        example='from localhost (mx.example.org [local]) by mx.example.org'
        ' (OpenSMTPD) with ESMTPA id 95a7802b; Sun, 22 Nov 2026 10:00:00 +0000 (UTC)',
        grammar=r'from localhost \({rdns} \[local\]\) {opensmtpd}'),
)

# No brackets around the peer, HELO in a comment of its own, ident before the last
# `@`.  qmail-ldap, qpsmtpd, IronPort, James 3 and Zimbra differ in the
# brackets, in the name of the server, or in the word before HELO.
_block(
    qmail=r'from {rdns}(?: \((?:HELO|EHLO|LHLO) (?P<helo>{word})?\))?'
    r' \((?:[^ ()]*@)?\[?{address}\]?\)(?: \(envelope-sender {path}\))?'
    r'(?P<auth> \(smtp-auth username [^()\[\]]*\))? {by}',
    encrypted=r' with (?:\([\w-]+ encrypted\) |[\w-]+ encrypted )?{protocol}'
    r'(?:/[\w/.-]+)?(?: ID {id})?{for}{date}',
)
_qmail = partial(Format,
    versions='qmail 1, netqmail, notqmail; with patches for AUTH and TLS',
    source='received.c')
_QMAIL = (
    _qmail('qmail', clauses=(Clause.PROTOCOL, Clause.OTHER), marker='(',
        example='from mx10.example.net (HELO ) (192.0.2.10) by mx.example.org'
        ' with SMTP; 3 Mar 2004 20:34:38 -0000',
        grammar=r'{qmail}{encrypted}'),
    Format('qmail-ldap, qpsmtpd, James',
        versions='qmail-ldap 1, qpsmtpd 0.2 to 1, James 3',
        source='received.c, lib/Qpsmtpd/SMTP.pm, captured fields',
        servers=('qmail', 'qpsmtpd', 'qp', 'WP', 'JAMES'),
        example='from mail-n.example.de (HELO drew.example.de) (192.0.2.27)'
        ' by mx.example.org (qpsmtpd/0.93/v0.84-503-g423c35a) with ESMTP;'
        ' Mon, 09 Oct 2017 10:11:52 +0000',
        grammar=r'{qmail} \((?:qmail-|qpsmtpd|qp |WP-SMTPD|JAMES )[^()\[\]"]*\)'
        r'{encrypted}'),
    _qmail('qmail, queue', marker=' invoked from network)', kind=Kind.QUEUE,
        clauses=(Clause.OTHER,),
        example='(qmail 15312 invoked from network); 22 Nov 2026 22:58:00 -0000',
        grammar=r'\(qmail [0-9]+ invoked from network\){date}'),
    _qmail('qmail, sendmail command', marker=' invoked ', kind=Kind.COMMAND,
        clauses=(Clause.OTHER,),
        example='(qmail 20810 invoked by uid 0); 22 Nov 2026 22:58:44 -0000',
        grammar=r'\((?:qmail|nullmailer pid) [0-9]+ invoked'
        r' (?:by (?:uid )?(?P<user>\w+)|for bounce)\){date}'),
)

# HELO is one word of any characters, reverse DNS is raw.  The peer address is in the
# last literal before `by`, as long as reverse DNS begins no statement (IDENT, AUTH,
# TLS) and no statement has a literal.  The answer to ident is raw, so that AUTH in a
# comment that begins with it says nothing.  Nobody else writes such an id; before
# 2018 it stood after the date.
_block(
    hex=r'id [0-9A-F]{8,16}\.[0-9A-F]{8,16}\.[0-9A-F]{8}',
    raw=r'[^)]*(?:\)(?! \((?:IDENT|AUTH|TLS|SSL):)[^)]*)*',
    statements=r'(?: \((?:IDENT: [^()\[\]]*'
    r'|(?P<auth>AUTH: [A-Z0-9-]+ [^ ()\[\],]+(?:, )?)?'
    r'(?:(?:TLS|SSL): [^()\[\]]*)?)\))?',
)
_courier = partial(Format,
    versions='0.5 to 1', source='courieresmtpd.c, submit.C',
    clauses=(Clause.PROTOCOL,))
_COURIER = (
    _courier('Courier', marker='.0',
        example='from mua.example.org (a.example.org [::ffff:192.0.2.1])'
        ' by mx.example.org with ESMTP id 00000000002BE8B7.000000006B03739D.00004E30;'
        ' Sun, 22 Nov 2026 22:58:37 +0000',
        grammar=r'from (?P<helo>[^ ]+) \({raw} ?\[{address}\]\){statements}'
        r' {by} with {protocol}(?: {hex}{date}|{date} {hex})'),
    _courier('Courier, sendmail command', marker=') (uid ', kind=Kind.COMMAND,
        example='from localhost (localhost [127.0.0.1]) (uid 0) by mx.example.org'
        ' with local id 00000000002BE0BA.000000006B0373CF.000055B1;'
        ' Sun, 22 Nov 2026 22:59:27 +0000',
        grammar=r'from localhost \(localhost \[[^ ]*\]\) \(uid (?P<user>[0-9]+)\) {by}'
        r' with local {hex}{date}'),
)

# HELO is one word of any characters; parentheses in reverse DNS are escaped.  AUTH
# is in the protocol.
_haraka = partial(Format, versions='2 and 3', source='connection.js (received_line)')
_HARAKA = (
    _haraka('Haraka', servers=('Haraka',),
        example='from a.example.org (a.example.org [192.0.2.1]) by mx.example.org'
        ' (Haraka/3.3.4) with ESMTPS id 729AEA82-E583-4F07-AFFD-B1882FE9A5B3.1'
        ' envelope-from <sender@example.org> tls TLS_AES_256_GCM_SHA384;'
        ' Sun, 22 Nov 2026 23:08:43 +0000',
        grammar=r'from (?P<helo>[^ ]+)'
        r' \([^()\\]*(?:\\.[^()\\]*)* ?\[{address}\]\)'
        r' {by} \(Haraka(?:/[\w.-]+)?\) with {protocol} id {id} envelope-from {path}'
        r'(?: tls [\w-]+)?'
        r'(?: \((?:authenticated bits=0|version=[^()\[\]"]*)\))*{date}'),
    _haraka('Haraka, queue', marker='(Haraka outbound)', kind=Kind.QUEUE,
        clauses=(Clause.OTHER,),
        example='(Haraka outbound); Sun, 22 Nov 2026 10:00:00 +0000',
        grammar=r'\(Haraka outbound\){date}'),
)

# The address is bare or, with `mapi`, in brackets; the one after `by` is the
# server's own.
_block(
    exchange=r'from (?:(?P<helo>{word}) |)\(\[?{address}\]?\) {by}'
    r'(?: \(\[?[A-Za-z0-9_.:%]+\]?\)|) with ',
    transport=r'(?: \([^()\[\]"]*\)|)(?: id [0-9.]+|)'
    r'(?: via [A-Za-z0-9_. -]+|){date}',
)
_exchange = partial(Format,
    versions='Exchange 2007 to Microsoft 365', source='captured fields')
_smtpsvc = partial(Format,
    versions='IIS 5 and 6, Exchange 2000 and 2003', source='captured fields',
    marker=' with Microsoft SMTPSVC')
_MICROSOFT = (
    _exchange('Exchange',
        clauses=(Clause.PROTOCOL, Clause.COMMENT),
        marker=' with Microsoft SMTP Server',
        example='from [192.0.2.175] (192.0.2.8) by exna01a.example.com'
        ' (198.51.100.196) with Microsoft SMTP Server (version=TLS1_2,'
        ' cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.2.1544.9;'
        ' Wed, 26 Jun 2024 07:39:24 -0700',
        grammar=r'{exchange}(?P<protocol>Microsoft SMTP Server){transport}'),
    _exchange('Exchange, MAPI', marker=' with mapi',
        example='from m1.example.org ([2001:db8::31]) by m2.example.org'
        ' ([2001:db8::32]) with mapi id 15.20.8632.030;'
        ' Mon, 1 Oct 2018 09:49:22 +0000',
        grammar=r'{exchange}(?P<protocol>mapi){transport}'),
    _exchange('Exchange, HTTPS', marker=' with HTTPS',
        example='from m1.example.org (2001:db8:207:3d::31) by m2.example.org'
        ' with HTTPS id 12345 via M3.EXAMPLE.ORG; Mon, 1 Oct 2018 09:49:22 +0000',
        grammar=r'{exchange}(?P<protocol>HTTPS){transport}'),
    _smtpsvc('SMTPSVC', clauses=(Clause.PROTOCOL, Clause.OTHER),
        example='from tthompson ([192.0.2.172] unverified) by mail.example.com'
        ' with Microsoft SMTPSVC(5.0.2195.5329); Tue, 11 Mar 2003 13:23:01 +0000',
        grammar=r'from (?:(?P<helo>{word}) )?'
        r'\(\[{address}\](?: unverified| RDNS failed)?\)'
        r' {by}(?: over TLS secured channel)? with Microsoft SMTPSVC\([0-9.]+\){date}'),
    _smtpsvc('SMTPSVC, pickup directory', kind=Kind.COMMAND,
        clauses=(Clause.PROTOCOL,),
        example='from mail pickup service by web.example.org with Microsoft SMTPSVC;'
        ' Mon, 26 Jan 2015 10:18:41 +0000',
        grammar=r'from mail pickup service {by} with Microsoft SMTPSVC{date}'),
)

# The peer is the word after `from` and HELO in the comment; where they agree, the
# peer is in the comment.
_block(
    communigate=r'{by} \(CommuniGate Pro [^()\[\]"]*\) with {protocol} id {id}'
    r'{for}{date}',
)
_communigate = partial(Format,
    versions='Pro 4 to 6', source='captured fields', servers=('CommuniGate',))
_COMMUNIGATE = (
    _communigate('CommuniGate',
        example='from [192.0.2.50] (HELO a.example.org) by mail.example.org'
        ' (CommuniGate Pro SMTP 5.1.3) with SMTP id 19467966 for user@example.org;'
        ' Fri, 08 Dec 2006 08:40:46 -0800',
        grammar=r'from \[{address}\] \((?:account [^ ()]+(?: |(?=\))))?'
        r'(?:HELO (?P<helo>{word})|\[(?P=peer)\] verified)?\) {communigate}'),
    _communigate('CommuniGate, verified',
        example='from a.example.org ([192.0.2.1] verified) by mail.example.org'
        ' (CommuniGate Pro SMTP 5.1.13) with ESMTPS id 9837783'
        ' for user@example.org; Tue, 08 Apr 2008 13:14:35 +0700',
        grammar=r'from {rdns} \((?:account [^ ()]+ )?\[{address}\] verified\)'
        r' {communigate}'),
    _communigate('CommuniGate, from one part to the next',
        marker=' (CommuniGate Pro ', kind=Kind.QUEUE,
        example='by mx.example.org (CommuniGate Pro RULE 6.1.13) with RULE id 12345;'
        ' Sun, 22 Nov 2026 10:00:00 +0000',
        grammar=r'by (?P<by>{host})'
        r' \(CommuniGate Pro (?:PIPE|GROUP|RULE|LIST) [^()\[\]"]*\)'
        r' with [A-Z]+ id {id}{for}{date}'),
)

# Servers that write the form of RFC 5321 4.4 or nearly so, and that can be
# told from others, so that HELO may be a literal.
_OTHERS = (
    # The address after `by` is its own.
    Format('amavis', versions='amavisd-new and amavis', source='captured fields',
        clauses=(Clause.COMMENT,), marker=', port ',
        example='from x ([203.0.113.66]) by localhost (mx.example.org [127.0.0.1])'
        ' (amavis, port 10024) with ESMTP id 1x for <list@example.org>;'
        ' Sun, 22 Nov 2026 10:00:00 +0000',
        grammar=r'from (?P<helo>{word}) {tcp} {by} \([\w.-]+ \[[\w.:]+\]\)'
        r' \([\w -]+, port [0-9]+\){tail}'),
    # LMTP and submission.
    Format('Dovecot', versions='2.3', source='smtp-server-transaction.c',
        clauses=(Clause.PROTOCOL,), marker=' (envelope-from ',
        example='from [192.0.2.20] ([192.0.2.44]) (using TLSv1.3 with cipher'
        ' TLS_AES_256_GCM_SHA384 (256/256 bits)) by imap.example.org with ESMTPSA'
        ' id abcdEFGH2mUBAAAAsct0AA (envelope-from <user@example.org>)'
        ' for <other@example.net>; Mon, 17 Dec 2018 16:02:32 +0000',
        grammar=r'from (?P<helo>{word}) \(\[{address}\]\){tls} {by} with {protocol}'
        r' id {id} \(envelope-from {path}\){for}{date}'),
    # It writes LMTPA for whoever delivers, so that neither the protocol nor the
    # name of who logged in is a statement of AUTH.
    Format('Cyrus', versions='2.3 to 3.6', source='lmtpengine.c', servers=('Cyrus',),
        example='from relay.example.org (relay.example.org [192.0.2.1])'
        ' by mx.example.org (Cyrus 3.6.1) with LMTPA;'
        ' Sun, 22 Nov 2026 10:00:00 +0000',
        grammar=r'from (?P<helo>{word}) {tcp}(?: \(authenticated user=[^()\[\]]*\))?'
        r' {by} \(Cyrus [^()\[\]"]*\) with LMTP[SA]*'
        r'(?: {comment})?{date}'),
    # The address after `by` is its own.
    Format('MDaemon', versions='7 to 26', source='captured fields',
        clauses=(Clause.COMMENT,), marker=' (MDaemon',
        example='from smtpclient.apple ([192.0.2.72]) by example.com (198.51.100.237)'
        ' (MDaemon PRO v26.0.2) with ESMTPSA id md5001005270902.msg;'
        ' Wed, 13 May 2026 05:48:12 -0400',
        grammar=r'from (?P<helo>{word}) \(\[{address}\]\) {by} \([\w.:-]+\)'
        r' \(MDaemon[^()\[\]"]*\){tail}'),
    Format('MDaemon 5', versions='5', source='captured fields',
        clauses=(Clause.OTHER,), marker=' (MDaemon',
        example='from mua [192.0.2.95] by mx.example.org [192.0.2.27] with SMTP'
        ' (MDaemon.PRO.v5.0.6.R) for <list@example.org>;'
        ' Fri, 21 Feb 2003 09:32:27 +1000',
        grammar=r'from (?P<helo>{word}) \[{address}\] {by} \[[\w.:]+\]'
        r' with {protocol} \(MDaemon[^()\[\]"]*\){for}{date}'),
    # The port stands inside the literal.
    Format('Momentum', versions='2.1 to 4.2', source='captured fields',
        clauses=(Clause.COMMENT,), marker=' (ecelerity ',
        example='from ([192.0.2.205:50387] helo=a.example.org) by mx.example.org'
        ' (ecelerity 2.1.1.3 r(11743)) with ESMTP id 80/0A-02454-4DCB6054'
        ' for <user@example.org>; Tue, 12 Sep 2006 09:57:40 -0400',
        grammar=r'from (?:\[[0-9.]+\] )?\(\[(?P<peer>[0-9.]+):[0-9]+\]'
        r'(?: helo=(?P<helo>{word}))?\) {by}(?: \(envelope-from {path}\))?'
        r' \(ecelerity {plain}\) with {protocol}'
        r'(?: \(cipher=[^()\[\]"]*(?:subject="[^()\[\]"]*")?\))?'
        r' id {id}{for}{date}'),
    Format('Oracle Messaging Server',
        versions='iPlanet 5, Sun 6, Oracle 7', source='captured fields',
        servers=('Oracle', 'Sun', 'iPlanet'),
        example='from a.example.org ([192.0.2.175]) by mx.example.org (Sun Java System'
        ' Messaging Server 6.2-2.05 (built Apr 28 2005)) with ESMTP'
        ' id <0JGC00GNSGUPJ890@mx.example.org> for list@example.org;'
        ' Wed, 11 Apr 2007 13:35:13 -0400 (EDT)',
        grammar=r'from (?P<helo>{word}) \((?:{rdns} |\[unknown\] )?\[{address}\]\) {by}'
        r' \((?:Oracle|Sun|iPlanet) {plain}\){tail}'),
    Format('Axigen', versions='not stated', source='captured fields',
        servers=('Axigen',),
        example='from [192.0.2.101] (192.0.2.4) by mx1.example.org (Axigen)'
        ' with ESMTPA id 0FB2FB; Sat, 28 Dec 2013 16:04:57 +0100',
        grammar=r'from (?P<helo>{word}) \({address}\) {by} \(Axigen\){tail}'),
    Format('MailEnable', versions='not stated', source='captured fields',
        clauses=(Clause.PROTOCOL,), marker=' with MailEnable ',
        example='from a.example.org ([192.0.2.146]) by home with MailEnable ESMTPA;'
        ' Mon, 1 Jun 2020 03:55:38 +0500',
        grammar=r'from (?:(?P<helo>{word}) )?\(\[{address}\]\) {by}'
        r' with MailEnable {protocol}(?: {comment})?{date}'),
    # GMX, web.de and 1&1 may write an address of their own after `by`.
    Format('Nemesis', versions='of 2014 to 2022', source='captured fields',
        clauses=(Clause.COMMENT,), marker=' (Nemesis) ',
        example='from [192.0.2.20] ([192.0.2.97]) by mail.example.net'
        ' (mrgmx105 [198.51.100.168]) with ESMTPSA (Nemesis)'
        ' id 1M42nY-1nABPD0lwu-0001xl; Wed, 19 Jan 2022 14:53:43 +0100',
        grammar=r'from (?P<helo>{word}) {tcp} {by} \([\w.=-]+(?: \[[\w.:]+\])?\)'
        r' with {protocol} \(Nemesis\) id {id}{for}{date}'),
    # The owner of the network is named.
    Format('Stalwart', versions='of 2023 to 2025', source='data.rs (write_received)',
        servers=('Stalwart',),
        example='from out.example.com (out.example.com. [192.0.2.208])'
        ' (using TLSv1.3 with cipher TLS13_AES_256_GCM_SHA384) by mail.example.org'
        ' (Stalwart SMTP) with ESMTPS id 41A2C80D73C;'
        ' Tue, 29 Aug 2023 16:20:12 +0000',
        grammar=r'from (?P<helo>{word}) \({rdns} \[{address}\](?: {comment})?\){tls}'
        r' {by} \(Stalwart SMTP\){tail}'),
    Format('RFC 5321, named server',
        versions='Domino, Dovecot, Halon, IceWarp, Kerio, Horde, James, Symantec,'
        ' Sophos',
        source='RFC 5321 4.4, captured fields',
        servers=('Lotus', 'IBM', 'HCL', 'Dovecot', 'Halon', 'IceWarp', 'Kerio',
                 'Horde', 'JAMES', 'Symantec', 'Sophos'),
        example='from a.example.org ([192.0.2.111]) by mail.example.org'
        ' (Kerio Connect 10.0.8 patch 2) with ESMTP;'
        ' Wed, 10 Jun 2026 19:48:34 +0200',
        grammar=r'from (?P<helo>{word}) {tcp}{tls}'
        r'(?P<auth> \(authenticated user [^()\[\]]*\))?'
        r' {by} \((?:(?:Lotus|IBM|HCL) Domino|Dovecot|Halon|IceWarp|Kerio|Horde|JAMES'
        r'|Symantec|Sophos)[^()\[\]"]*\){tail}'),
    # Before 2023 the literal after `from` was the peer, since then the one in
    # parentheses is; after AUTH there is none.  So one literal in parentheses is
    # the peer, and a literal after `from` is none.
    Format('chasquid', versions='1', source='conn.go', servers=('chasquid',),
        example='from relay.example.net ([192.0.2.25]) by mx.example.org (chasquid)'
        ' with ESMTPS tls TLS_AES_128_GCM_SHA256 (over SMTP, TLS-1.3,'
        ' envelope from "user@example.net") ; Mon, 12 Jan 2026 17:57:44 +0100',
        grammar=r'from (?P<helo>[^ ()\[\]]+) \(\[{address}\]\) {by} \(chasquid\)'
        r' with {protocol}(?: tls [\w-]+)? \((?:[^()"]|{quoted})*\){date}'),
    Format('chasquid, hidden or ambiguous', versions='0 and 1', source='conn.go',
        servers=('chasquid',),
        example='from localhost.localdomain by mx.example.org (chasquid) with ESMTPSA'
        ' tls TLS_AES_128_GCM_SHA256 (over submission, TLS-1.3,'
        ' envelope from "user@example.org") ; Tue, 09 Apr 2024 14:10:59 +0000',
        grammar=r'from (?P<helo>{word})(?:(?<=\]) \([^()]*\))? {by} \(chasquid\)'
        r' with {protocol}(?: tls [\w-]+)?(?: \((?:[^()"]|{quoted})*\))?{date}'),
)

# Tried last, when no server is known.
_unknown = partial(Format, source='RFC 5321 4.4, captured fields', last=True)
_UNKNOWN = (
    _unknown('RFC 5321', marker='from ',
        versions='Google, Mimecast, Amazon SES, hMailServer, Maddy, IronPort …',
        example='from 192.0.2.28 ([192.0.2.28]) by webmail.example.net (IMP) with HTTP'
        ' for <user@example.org>; Sun, 11 Apr 2004 00:31:07 +0100',
        grammar=r'from (?![^ ()]*\] \((?:[^ ()\[]*| )\[)(?P<helo>{word})'
        r' \((?!HELO|EHLO|LHLO)'
        r'(?:{rdns})? ?\[{address}\](?: \(may be forged\))?\){tls}'
        r'(?P<auth> \((?:authenticated|user=)[^()\[\]]*\))? {rest}'),
    # Either may be HELO.
    _unknown('RFC 5321, two literals', versions='any', marker='] (',
        example='from [IPv6:2001:db8::1] ([2001:db8::78]) by mx.example.org'
        ' with ESMTP id 4F3D21234; Sun, 22 Nov 2026 22:58:33 +0000',
        grammar=r'from [^ ()\[]*\[[^ ()]*\] \( ?\[[^ ()]*\]\){tls} {rest}'),
    # No address, or one that HELO may be.
    _unknown('no address', marker='from ',
        versions='MDaemon and Strato after AUTH, webmail, local delivery',
        example='from sonic.example.com by sonic301.example.com with HTTP;'
        ' Sun, 21 Jan 2018 23:42:18 +0000',
        grammar=r'from (?P<helo>{word}) {rest}'),
    # The server hides the client.
    _unknown('hidden client', versions='any',
        example='by mx.example.org with ESMTPSA id 4F3D21234;'
        ' Sun, 22 Nov 2026 10:00:00 +0000',
        grammar=r'{rest}'),
)
# fmt: on

FORMATS = (
    *_POSTFIX,
    *_EXIM,
    *_SENDMAIL,
    *_OPENSMTPD,
    *_QMAIL,
    *_COURIER,
    *_HARAKA,
    *_MICROSOFT,
    *_COMMUNIGATE,
    *_OTHERS,
    *_UNKNOWN,
)
