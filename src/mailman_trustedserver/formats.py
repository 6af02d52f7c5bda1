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
    :ivar clauses: What may follow the host name.
    :ivar protocols: Or the value of `with` that follows it.  With neither, the row
        is tried whatever follows.
    :ivar marker: Text that every field of this form holds; without it the row
        is not tried.
    :ivar overlaps: Whether a row after it can read the same field.  The others are
        then tried, too, and must agree; else the first row that matches is the
        only one that can.
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
    protocols: tuple[str, ...] = ()
    marker: str = ''
    overlaps: bool = False
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

    def may_have(self, clause: Clause, protocol: str = '') -> bool:
        """Whether fields of this form may have this after the host name."""
        return (
            clause in self.clauses
            or protocol in self.protocols
            or not (self.clauses or self.protocols)
        )

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
            # The groups that the row does not name stand where nothing matches.
            others = [name for name in GROUPS if f'(?P<{name}>' not in grammar]
            never = ''.join(f'(?P<{name}>)' for name in others)
            return re.compile(f'{grammar}(?:(?!){never}|)', re.ASCII)
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
    # What stands in parentheses before `by`, two deep, without literals.
    text=r'[^()\[\]]*(?:\([^()\[\]]*\)[^()\[\]]*)*',
    # What servers say of TLS before `by`, without literals.
    tls=r'(?: \((?:[Uu]sing |TLS|version=|[Nn]o client |Client did )'
    r'[^()\[\]]*(?:\([^()\[\]]*\)[^()\[\]]*)*\))*',
    # RFC 5322 3.3; obsolete zones and a comment with the zone's name.
    date=r' ?; (?:[A-Z][a-z][a-z], ?|)[0-9][0-9]? [A-Z][a-z][a-z]'
    r' [0-9][0-9][0-9][0-9] [0-9][0-9]:[0-9][0-9](?::[0-9][0-9]|)'
    r' (?:[+-][0-9][0-9][0-9][0-9]|[A-Z]{1,5})(?: \([A-Za-z0-9_ :+-]*\)|)',
    # The envelope sender, where a server writes it after the date.
    sender=r' \(envelope-from:? (?:<[^ <>()\[\]"]*>|[^ <>()\[\]"]+)\)',
    by=r'by (?P<by>{host})',
    # What stands in parentheses after HELO in the form of RFC 5321 4.4.
    tcp=r'\((?:{rdns}|) ?\[{address}\]\)',
    # A mailbox between angle brackets, and one without.  White space and the
    # like is in quotes, and what is quoted ends before `@`.
    path=r'<(?:{quoted}@|)[^ <>"\\]*>',
    mailbox=r'(?:{quoted}@|)[^ <>"\\();]+',
    # A recipient whose quotes hold no brackets of any kind, for servers that may write
    # the sender before `with`: between two quotes of his, an outsider could else have
    # what the server wrote.
    rcpt=r'(?: for (?:<(?:{local}@|)[^ <>"\\]*>|(?:{local}@|)[^ <>"\\();]+)|)',
    local=r'"[^"\\()<>]*(?:\\.[^"\\()<>]*)*"',
    # What follows the name and version of a server.
    tail=r' with {protocol}(?: {comment}|)(?: id {id}|)(?: {comment}|){for}{date}',
    # All from `by` on, where no server is known.
    rest=r'{by}(?: {comment})*'
    r'(?: with {protocol}(?:/[\w/.-]+|)(?: with STARTTLS|)|)'
    r'(?: {comment}|)(?: id {id}|)(?: {comment}|){rcpt}(?: {comment})*{date}'
    r'(?:{sender}|)',
)
# `for` is a word of Python's.
_block({'for': r'(?: for (?:{path}|{mailbox})|)'})

# fmt: off

# HELO has none of `<>()\";@`, and no space but where a line of 998 characters was
# folded.  comment_sanitize() balances the parentheses in certificate and user
# names.  With smtpd_hide_client_session (3.10) a field without TLS and AUTH is the
# same as one of local(8) for a message that an alias sends on.  Sites cut the client
# out with header_checks; FreeBSD's packages write the sender after the date.  Other
# servers could write comments like those of Postfix under a name that is not known,
# so that these have no literal.
_block(
    postfix=r'from (?P<helo>[^()<>\\";@]+) \({rdns} \[{address}\]\)'
    r'(?: \(using [^()]*(?:\([^()]*\)[^()]*)*\)|)'
    r'(?: \((?:[Nn]o client cert[^()]*|Client {balanced})\)|)'
    r'(?:(?P<auth> \(Authenticated sender: {balanced}\))|)'
    r' {by} \([Pp]ostfix\) with {protocol}(?: id {id}|){for}{date}',
    postcow=r'from (?P<helo>[^ ()<>\\";@]+) \({rdns} \[{address}\]\)',
    certified=r' \((?:using |[Nn]o client |Client ){text}\)',
    # What the administrator calls the server: mail_name in main.cf.
    name=r'\([A-Za-z][^()<>\[\]";]*\)',
    submitter=r'(?P<auth> \(Authenticated sender: {text}\))',
)
_postfix = partial(Format, versions='2.3 to 3.11', source='smtpd.c, pickup.c')
_POSTFIX = (
    _postfix('Postfix, sender after the date', servers=('Postfix',), overlaps=True,
        versions='of FreeBSD', source='captured fields', marker=' (envelope-from',
        example='from a.example.org (unknown [IPv6:2001:db8::2])'
        ' (using TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits))'
        ' (Client did not present a certificate) by mx.example.org (Postfix)'
        ' with ESMTPS id CF0171862 for <list@example.org>;'
        ' Mon, 6 Jul 2015 09:01:20 +0000 (UTC) (envelope-from user@example.org)',
        grammar=r'{postfix}{sender}'),
    _postfix('Postfix',
        servers=('Postfix', 'postfix'),
        example='from mua.example.org (mua.example.org [192.0.2.1])'
        ' by mx.example.org (Postfix) with ESMTP id 4F3D21234'
        ' for <list@example.org>; Sun, 22 Nov 2026 10:00:00 +0000 (UTC)',
        grammar=r'{postfix}'),
    _postfix('Postfix, client cut out', servers=('Postfix',),
        source='header_checks of gandi.net', marker='(Authenticated sender: ',
        example='(Authenticated sender: user@example.org) by mail.example.org'
        ' (Postfix) with ESMTPSA id 47F6B60003; Tue, 10 Feb 2026 10:00:01 +0100 (CET)',
        grammar=r'\(Authenticated sender: (?P<auth>{balanced})\)'
        r' {by} \(Postfix\) with {protocol} id {id}{for}{date}'),
    _postfix('Postfix, client replaced', servers=('Postfix',),
        source='header_checks of hostedemail.com', marker='from [HIDDEN] ',
        example='from [HIDDEN] (Authenticated sender: user@example.org)'
        ' by mail.example.org (Postfix) with ESMTPA id 054AB1D42F7;'
        ' Thu, 26 Aug 2021 18:43:16 +0000 (UTC)',
        grammar=r'from \[HIDDEN\](?P<auth> \(Authenticated sender: {balanced}\))?'
        r' {by} \(Postfix\) with {protocol} id {id}{for}{date}'),
    _postfix('Postfix, template not filled in', servers=('Postfix',),
        source='header_checks of Mailu and Mail-in-a-Box',
        marker='from authenticated-user (',
        example='from authenticated-user (PRIMARY_HOSTNAME [PUBLIC_IP])'
        ' by mail.example.org (Postfix) with ESMTPA id 1627547919;'
        ' Sun, 14 Apr 2024 17:53:17 +0000 (UTC)',
        grammar=r'from authenticated-user \([A-Za-z]\w* \[[A-Za-z]\w*\]\)'
        r'{tls}(?P<auth> \(Authenticated sender: {balanced}\))?'
        r' {by} \(Postfix\) with {protocol} id {id}{for}{date}'),
    _postfix('Sophos', versions='Email Appliance', source='captured fields',
        servers=('Sophos',),
        example='from mail.example.org (postcard.example.org [192.0.2.142])'
        ' (using TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits))'
        ' (Client CN "exchange.example.org", Issuer "Example CA" (not verified))'
        ' by mx.example.org (Sophos Email Appliance) with ESMTPS'
        ' id 8C57F8AADA_2A0E177F; Wed, 8 Jun 2022 17:50:47 +0000 (GMT)',
        grammar=r'{postcow}(?:{certified})*(?:{submitter})? {by} \(Sophos[^()\[\]"]*\)'
        r' with {protocol} id {id}{for}{date}'),
    _postfix('Forcepoint, Websense', versions='of 2014 to 2021',
        source='captured fields', clauses=(Clause.OTHER,), marker=' Email ',
        example='from relay.example.org (unknown [192.0.2.60]) by Forcepoint Email'
        ' with ESMTP id EF4DE6D5BE884F4ED440; Wed, 4 Mar 2020 10:07:26 +0800 (CST)',
        grammar=r'{postcow}(?:{certified})*(?:{submitter})?'
        r' by (?P<by>Forcepoint Email|Websense Email Security Gateway)'
        r' with {protocol} id {id}{for}{date}'),
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
_RENAMED_POSTFIX = (
    _postfix('Postfix by another name', clauses=(Clause.COMMENT,), marker=']) (',
        source='smtpd.c (mail_name): mailcow, Proxmox, FangMail and others',
        example='from relay.example.org (unknown [192.0.2.132])'
        ' (using TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits))'
        ' (Client CN "relay.example.org", Issuer "Example CA" (verified OK))'
        ' by mx.example.org (FangMail) with ESMTPS id 4NNkSm1BnXz501Qh;'
        ' Fri, 2 Dec 2022 15:04:08 +0800 (CST)',
        grammar=r'{postcow}(?:{certified})+(?:{submitter})? {by} {name}'
        r' with {protocol} id {id}{for}{date}'),
    _postfix('Postfix by another name, AUTH', clauses=(Clause.COMMENT,),
        source='smtpd.c (mail_name): mailcow and others',
        marker=']) (Authenticated sender: ',
        example='from [192.0.2.77] (mua.example.org [192.0.2.1])'
        ' (Authenticated sender: user@example.org) by mail.example.org (Postcow)'
        ' with ESMTPSA id E7CE79A45E9; Mon, 14 Jul 2025 15:46:47 +0200 (CEST)',
        grammar=r'{postcow}{submitter} {by} {name} with {protocol} id {id}{for}{date}'),
)

# HELO and ident may hold anything where the site set helo_accept_junk_hosts or asks
# for ident.  Their comment ends at the first `)` before Exim's own words; one inside
# HELO leaves a rest that is no tail.
_block(
    version=r'(?: ? \([^()\[\]"]*\)(?: tls [\w-]+|)|) \(Exim ',
    exim=r' {by} with {protocol}{version}{plain}\)'
    r'(?: \(envelope-from {path}\)|) id {id}{for}{date}',
    junk=r'[^)]*(?:\)(?! by {host} with [A-Za-z0-9]+{version})[^)]*)*',
    smtp=r'(?P<protocol>(?:utf8|)e?smtps?a?|asmtp)',
    # Nobody else writes such an id.
    product=r' {by} with {smtp}'
    r'(?: ? \((?:TLS|SSL|Cipher )[^()\[\]"]*\)(?: tls [\w-]+|)|)'
    r'(?: \((?!Exim |envelope-from )[^()<>\[\]"]*\)|)(?: \(envelope-from {path}\)|)'
    r' id \w{6}-(?:\w{6}-\w{2}|\w{11}-\w{4}){for}{date}',
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
    _exim('Exim by another name', marker=' ([',
        versions='4, with its own received_header_text',
        clauses=(Clause.PROTOCOL, Clause.PROTOCOL_AND_COMMENT),
        example='from a.example.org ([192.0.2.117] helo=localhost) by mx.example.org'
        ' with utf8esmtpsa (Cipher TLS1.3:X25519__AES_256_GCM:256) (Exim)'
        ' id 1vVsmh-00Dt3w-9T; Wed, 17 Dec 2025 15:45:47 +0100',
        grammar=r'from {rdns} \(\[{address}\](?::[0-9]+|)'
        r'(?: helo=(?P<helo>{word})|)\){product}'),
    _exim('Exim by another name, no reverse DNS', marker='from [',
        versions='4, with its own received_header_text',
        clauses=(Clause.PROTOCOL, Clause.PROTOCOL_AND_COMMENT),
        example='from [192.0.2.1] (port=50574 helo=localhost) by mx.example.org'
        ' with utf8esmtpsa (TLS1.3) tls TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'
        ' (envelope-from <user@example.org>) id 1ubgm0-00967d-1t;'
        ' Tue, 15 Jul 2025 14:36:48 +0000',
        grammar=r'from \[{address}\](?::[0-9]+|) \((?:port=[0-9]+ ?|)'
        r'(?:helo=(?P<helo>{word})|)\){product}'),
    _exim('Exim, hidden client', marker=' (Exim ',
        versions='4, with its own received_header_text', source='captured fields',
        example='from localhost by mx.example.org with utf8esmtp (Exim 4.96)'
        ' (envelope-from <user@example.org>) id 1wOmHN-00HQfN-07;'
        ' Mon, 18 May 2026 00:56:21 +0000',
        grammar=r'from (?P<helo>[^ ()\[\]"]+) {by} with {smtp}{version}{plain}\)'
        r'(?: \(envelope-from {path}\)|) id {id}{for}{date}'),
    # Exim drops -oMr, which sets the protocol, unless its caller is one of
    # trusted_users; for others it writes `local`.
    _exim('Exim, after a filter', marker='scanned', kind=Kind.QUEUE, overlaps=True,
        source='exim.c (-oMr), captured fields',
        example='from Debian-exim by lists.example.org with spam-scanned (Exim 4.71)'
        ' (envelope-from <user@example.org>) id 1ipy9A-0007a5-EZ'
        ' for list@example.org; Fri, 10 Jan 2020 12:32:33 -0500',
        grammar=r'from [^ ()\[\]"]+ {by}'
        r' with (?P<protocol>(?:[a-z]+-)*scanned(?:-[a-z]+)?){version}{plain}\)'
        r'(?: \(envelope-from {path}\)|) id {id}{for}{date}'),
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
    _sendmail('Sendmail, sender after the date', servers=('8',), overlaps=True,
        versions='of FreeBSD', source='captured fields', marker=' (envelope-from',
        example='from [192.0.2.9] (a.example.org [192.0.2.33])'
        ' (authenticated bits=0) by mx.example.org (8.15.2/8.15.2) with ESMTPSA'
        ' id 06F0O80A009529 (version=TLSv1.2 cipher=DHE-RSA-AES256-SHA bits=256'
        ' verify=NO); Wed, 15 Jul 2020 09:24:09 +0900 (JST)'
        ' (envelope-from user@example.org)',
        grammar=r'from (?P<helo>{word}) \({client}{sendmail}{sender}'),
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
    qmail=r'(?: \((?:HELO|EHLO|LHLO) (?P<helo>{word})?\))?'
    r' \((?:[^ ()]*@)?\[?{address}\]?\)(?: \(envelope-sender {path}\))?'
    r'(?P<auth> \(smtp-auth username (?![^()]*@[0-9A-Fa-f.:]+\))[^()<>\[\]]*\))?'
    r' {by}',
    encrypted=r' with (?:\([\w-]+ encrypted\) |[\w-]+ encrypted )?{protocol}'
    r'(?:/[\w/.-]+)?(?: ID {id})?{for}{date}',
    hermes=r'\((?:Oath|VZM|Yahoo Inc\.) Hermes SMTP Server\){encrypted}',
)
_qmail = partial(Format,
    versions='qmail 1, netqmail, notqmail; with patches for AUTH and TLS',
    source='received.c')
_QMAIL = (
    _qmail('qmail', clauses=(Clause.PROTOCOL, Clause.OTHER), marker='(',
        example='from mx10.example.net (HELO ) (192.0.2.10) by mx.example.org'
        ' with SMTP; 3 Mar 2004 20:34:38 -0000',
        grammar=r'from {rdns}{qmail}{encrypted}'),
    Format('qmail-ldap, qpsmtpd, James',
        versions='qmail-ldap 1, qpsmtpd 0.2 to 1, James 3',
        source='received.c, lib/Qpsmtpd/SMTP.pm, captured fields',
        servers=('qmail', 'qpsmtpd', 'qp', 'WP', 'JAMES'),
        example='from mail-n.example.de (HELO drew.example.de) (192.0.2.27)'
        ' by mx.example.org (qpsmtpd/0.93/v0.84-503-g423c35a) with ESMTP;'
        ' Mon, 09 Oct 2017 10:11:52 +0000',
        grammar=r'from [^ ()=]+{qmail}'
        r' \((?:qmail-|qpsmtpd|qp |WP-SMTPD|JAMES )[^()\[\]"]*\){encrypted}'),
    Format('Yahoo', versions='of 2019', source='captured fields',
        servers=('Oath', 'VZM', 'Yahoo'), marker='from ',
        example='from mua.example.org (EHLO localhost.example) ([192.0.2.185])'
        ' by smtp.example.com (Oath Hermes SMTP Server) with ESMTPA'
        ' ID 0b8226328c4965373e1d598ce42fc97b; Sun, 02 Jun 2019 16:54:22 +0000 (UTC)',
        grammar=r'from {rdns}{qmail} {hermes}'),
    Format('Yahoo, hidden client', versions='of 2019 to 2026',
        source='captured fields', servers=('Oath', 'VZM', 'Yahoo'),
        example='by hermes--production-bf1-5878955b5f-686fw (Yahoo Inc. Hermes SMTP'
        ' Server) with ESMTPA ID 1f948ceb8dae6e5827701d3d40d1a9c3;'
        ' Wed, 23 Nov 2022 20:16:00 +0000 (UTC)',
        grammar=r'{by} {hermes}'),
    Format('Yahoo, webmail', versions='of 2006', source='captured fields',
        clauses=(Clause.OTHER,), marker=' via HTTP',
        example='from [192.0.2.118] by web31813.mail.example.com via HTTP;'
        ' Mon, 09 Oct 2006 23:41:17 PDT',
        grammar=r'from (?P<helo>{word}) {by} via HTTP{date}'),
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
    raw=r'[^)]*(?:\)(?! *\((?:IDENT|AUTH|TLS|SSL):)[^)]*)*',
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
        clauses=(), protocols=('local',),
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
    _exchange('Exchange', clauses=(Clause.COMMENT,), protocols=('Microsoft',),
        marker=' with Microsoft SMTP Server',
        example='from [192.0.2.175] (192.0.2.8) by exna01a.example.com'
        ' (198.51.100.196) with Microsoft SMTP Server (version=TLS1_2,'
        ' cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.2.1544.9;'
        ' Wed, 26 Jun 2024 07:39:24 -0700',
        grammar=r'{exchange}(?P<protocol>Microsoft SMTP Server){transport}'),
    _smtpsvc('SMTPSVC', clauses=(Clause.OTHER,), protocols=('Microsoft',),
        example='from tthompson ([192.0.2.172] unverified) by mail.example.com'
        ' with Microsoft SMTPSVC(5.0.2195.5329); Tue, 11 Mar 2003 13:23:01 +0000',
        grammar=r'from (?:(?P<helo>{word}) )?'
        r'\(\[{address}\](?: unverified| RDNS failed)?\)'
        r' {by}(?: over TLS secured channel)? with Microsoft SMTPSVC\([0-9.]+\){date}'),
    _smtpsvc('SMTPSVC, pickup directory', kind=Kind.COMMAND, protocols=('Microsoft',),
        example='from mail pickup service by web.example.org with Microsoft SMTPSVC;'
        ' Mon, 26 Jan 2015 10:18:41 +0000',
        grammar=r'from mail pickup service {by} with Microsoft SMTPSVC{date}'),
)

# GMX, web.de and 1&1 may write an address of their own after `by`.
_NEMESIS = (
    Format('Nemesis', versions='of 2014 to 2022', source='captured fields',
        clauses=(Clause.COMMENT,), marker=' (Nemesis) ', overlaps=True,
        example='from [192.0.2.20] ([192.0.2.97]) by mail.example.net'
        ' (mrgmx105 [198.51.100.168]) with ESMTPSA (Nemesis)'
        ' id 1M42nY-1nABPD0lwu-0001xl; Wed, 19 Jan 2022 14:53:43 +0100',
        grammar=r'from (?P<helo>{word}) {tcp} {by} \([\w.=-]+(?: \[[\w.:]+\])?\)'
        r' with {protocol} \(Nemesis\) id {id}{for}{date}'),
    Format('Nemesis, hidden client', versions='of 2026', source='captured fields',
        clauses=(Clause.COMMENT,), marker=' (Nemesis) ',
        example='from client.hidden.invalid by mail.example.net'
        ' (mrgmx105 [198.51.100.168]) with ESMTPSA (Nemesis)'
        ' id 1MBUm7-1xOlvT3aud-001rmh; Tue, 06 Oct 2026 15:36:24 +0200',
        grammar=r'from (?P<helo>{word}) {by}'
        r' \([\w.=-]+(?: \[[\w.:]+\])?\) with {protocol} \(Nemesis\)'
        r' id {id}{for}{date}'),
)

# From one Exchange to the next.
_EXCHANGE = (
    _exchange('Exchange, MAPI', marker=' with mapi',
        clauses=(Clause.COMMENT,), protocols=('mapi',), overlaps=True,
        example='from m1.example.org ([2001:db8::31]) by m2.example.org'
        ' ([2001:db8::32]) with mapi id 15.20.8632.030;'
        ' Mon, 1 Oct 2018 09:49:22 +0000',
        grammar=r'{exchange}(?P<protocol>mapi){transport}'),
    _exchange('Exchange, HTTPS', marker=' with HTTPS',
        clauses=(Clause.COMMENT,), protocols=('HTTPS',), overlaps=True,
        example='from m1.example.org (2001:db8:207:3d::31) by m2.example.org'
        ' with HTTPS id 12345 via M3.EXAMPLE.ORG; Mon, 1 Oct 2018 09:49:22 +0000',
        grammar=r'{exchange}(?P<protocol>HTTPS){transport}'),
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

# What some servers write from `by` on.
_block(
    yandex=r'{by} \(nwsmtp/Yandex\) with {protocol} id {id}{for}{date}'
    r'(?: \(using [^()\[\]]*\([^()\[\]]*\)\))?'
    r'(?: \(Client certificate not present\))?',
    ibm=r' with IBM ESMTP SMTP Gateway: Authorized Use Only!'
    r' Violators will be prosecuted{for}(?: from {path})?{date}',
    mox=r'(?: \({host}\))? {by} \(\[[0-9A-Za-z.:]+\]\)(?: \({host}\))?'
    r' via tcp with {protocol}(?: \(requiretls\))? id {id}(?: {comment})?{for}{date}',
    sendgrid=r'{by} \(SG\) with {protocol} id {id}{for};?'
    r' [A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4}'
    r' [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]+ \+0000 \(UTC\)',
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
        grammar=r'from (?P<helo>{word})'
        r' \((?:{rdns}|) ?\[{address}\](?: \(may be forged\))?\)'
        r'(?: \(authenticated user=[^()\[\]]*\))?'
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
        r' id {id}{rcpt}{date}'),
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
        protocols=('MailEnable',), marker=' with MailEnable ',
        example='from a.example.org ([192.0.2.146]) by home with MailEnable ESMTPA;'
        ' Mon, 1 Jun 2020 03:55:38 +0500',
        grammar=r'from (?:(?P<helo>{word}) )?\(\[{address}\]\) {by}'
        r' with MailEnable {protocol}(?: {comment})?{date}'),
    # TLS is told of after the date.
    Format('Yandex', versions='of 2014 to 2019', source='captured fields',
        servers=('nwsmtp',), marker='from ',
        example='from a.example.org (a.example.org [192.0.2.71]) by smtp.example.net'
        ' (nwsmtp/Yandex) with ESMTPSA id mqsDdEQp8s-6U88CED9;'
        ' Thu, 27 Feb 2014 17:06:30 +0400 (using TLSv1 with cipher'
        ' CAMELLIA256-SHA (256/256 bits)) (Client certificate not present)',
        grammar=r'from (?P<helo>{word}) \({rdns} \[{address}\]\) {yandex}'),
    Format('Yandex, hidden client', versions='of 2017', source='captured fields',
        servers=('nwsmtp',),
        example='by smtp.example.net (nwsmtp/Yandex) with ESMTPSA'
        ' id IHLfoO085d-10Pi3tp6; Fri, 10 Mar 2017 01:01:00 +0300 (using TLSv1.2'
        ' with cipher ECDHE-RSA-AES128-GCM-SHA256 (128/128 bits))'
        ' (Client certificate not present)',
        grammar=r'{yandex}'),
    # The name before `by` is the server's own in the second form.
    Format('IBM gateway', versions='of 2012 to 2020', source='captured fields',
        clauses=(Clause.COMMENT,), marker=' with IBM ESMTP SMTP Gateway: ',
        example='from a.example.org (192.0.2.195) by smtp.example.com'
        ' (198.51.100.134) with IBM ESMTP SMTP Gateway: Authorized Use Only!'
        ' Violators will be prosecuted; Thu, 2 Jan 2020 07:52:04 -0000',
        grammar=r'from (?P<helo>{word}) \({address}\) {by} \([0-9A-Fa-f.:]+\){ibm}'),
    Format('IBM gateway, from one part to the next', versions='of 2012 to 2020',
        source='captured fields', protocols=('IBM',),
        marker=' with IBM ESMTP SMTP Gateway: ',
        example='from localhost by smtp.example.com with IBM ESMTP SMTP Gateway:'
        ' Authorized Use Only! Violators will be prosecuted for <list@example.org>'
        ' from <user@example.com>; Thu, 2 Jan 2020 07:52:06 -0000',
        grammar=r'from (?P<helo>{word}) {by}{ibm}'),
    Format('MailMarshal, Trustwave SEG', versions='6 to 8', source='captured fields',
        clauses=(Clause.COMMENT,), protocols=('MailMarshal', 'Trustwave'),
        marker=' (Not Verified[',
        example='from a.example.org (Not Verified[2001:db8::76]) by seg.example.org'
        ' with Trustwave SEG (v8,2,6,11305) id <B66666bfb0000>;'
        ' Mon, 10 Jun 2024 14:59:07 +1200',
        grammar=r'from (?P<helo>{word}) \(Not Verified\[{address}\]\) {by}'
        r'(?: \(using TLS: [^()\[\]"]*\)'
        r'| with (?:MailMarshal|Trustwave SEG) \(v[0-9,]+\)) id {id}{date}'),
    Format('Cellopoint', versions='4', source='captured fields',
        clauses=(Clause.COMMENT,), marker=' (Cellopoint ',
        example='from a.example.org [(192.0.2.39)] by mailgw.example.com'
        ' (envelope-from <user@example.org>) (Cellopoint E-mail Firewall v4.1.14'
        ' Build 0819 with TLSv1.2 ECDHE-RSA-AES256-SHA384 256/256) with ESMTP'
        ' id 1236833289; Fri, 29 May 2020 17:23:14 +0800',
        grammar=r'from (?P<helo>{word}) \[\({address}\)\] {by}'
        r' \(envelope-from {path}\) \(Cellopoint [^()\[\]"]*\)'
        r' with {protocol} id {id}{date}'),
    # What stands after `from` may be HELO.
    Format('Aliyun', versions='of 2019 to 2026', source='captured fields',
        clauses=(Clause.OTHER,), marker='(mailfrom:',
        example='from localhost(mailfrom:user@example.org'
        ' fp:SMTPD_---0Wio9yUM_1752458672 cluster:ay36) by smtp.example.com;'
        ' Mon, 14 Jul 2025 10:04:33 +0800',
        grammar=r'from (?P<helo>[^ ()]+)\(mailfrom:[^ ()]+ fp:[^ ()]+'
        r'(?: cluster:[^ ()]+)?\) {by}(?:\([0-9.]+\))?{date}'),
    # It names the user of its webmail in place of HELO.
    Format('Coremail, webmail', versions='of 2020 to 2026', source='captured fields',
        servers=('Coremail',), marker=' ( [',
        example='from user$example.org ( [192.0.2.130] ) by ajax-webmail-app4'
        ' (Coremail) ; Fri, 10 Apr 2026 16:24:14 +0800 (GMT+08:00)',
        grammar=r'from (?P<helo>[^ ()\[\]]+) \( \[{address}\] \) {by} \(Coremail\)'
        r'{date}'),
    Format('F-Secure', versions='fsigk_smtp 550', source='captured fields',
        servers=('F-Secure',),
        example='from a.example.org (192.0.2.72) by av.example.org'
        ' (F-Secure/fsigk_smtp/550/av.example.org); Tue, 30 Jun 2020 22:54:08 +0900'
        ' (JST)',
        grammar=r'from (?P<helo>{word}) \({address}\) {by}'
        r' \(F-Secure/[^()\[\]"]*\){date}'),
    Format('PowerMTA', versions='3 and 4', source='captured fields',
        servers=('PowerMTA',), marker='from ',
        example='from localhost (192.0.2.21) by vmta6.example.org'
        ' (PowerMTA(TM) v3.5r17) id hrakoo0lrlgv for <user@example.com>;'
        ' Fri, 20 Apr 2018 17:51:19 -0400 (envelope-from <bounce@example.org>)',
        grammar=r'from (?P<helo>{word}) \({address}\) {by} \(PowerMTA\(TM\) v[\w.]+\)'
        r' id {id}{for}{date}(?:{sender})?'),
    # The address in parentheses is its own.
    Format('KumoMTA', versions='of 2024 to 2026', source='smtp_server.rs',
        servers=('KumoMTA',),
        example='from a.example.org (192.0.2.38) by mta.example.com'
        ' (KumoMTA 198.51.100.98) with ESMTPS (TLSv1_3:TLS13_AES_256_GCM_SHA384)'
        ' id e3a3b8582dd311f1a07502c82f9c3d17 for <user@example.org>;'
        ' Wed, 1 Apr 2026 14:05:50 +0000',
        grammar=r'from (?P<helo>{word}) \({address}\) {by} \(KumoMTA [0-9A-Fa-f.:]+\)'
        r' with {protocol}(?: \([\w.:-]+\))? id {id}{for}{date}'),
    # After AUTH it names itself before `by`.
    Format('Mox', versions='of 2023 to 2026', source='smtpserver/server.go',
        clauses=(Clause.COMMENT,), marker=' via tcp with ',
        example='from a.example.org ([IPv6:2001:db8::9]) by mx.example.org'
        ' ([IPv6:2001:db8::25]) via tcp with ESMTPS id 7_jO3KP4COnlTQm3SYtefQ'
        ' (TLS1.3 TLS_AES_128_GCM_SHA256) for <user@example.org>;'
        ' 15 Nov 2023 21:38:59 +0100',
        grammar=r'from (?P<helo>{word}) \((?:{rdns} |)\[{address}\]\){mox}'),
    Format('Mox, hidden client', versions='of 2023 to 2026',
        source='smtpserver/server.go', clauses=(Clause.COMMENT,),
        marker=' via tcp with ',
        example='from mx.example.org by mx.example.org ([198.51.100.172]) via tcp with'
        ' ESMTPSA id Kn4f0jO3KP4COnlTQm3SYt (TLS1.3 TLS_AES_128_GCM_SHA256)'
        ' for <user@example.org>; 15 Nov 2023 21:38:58 +0100',
        grammar=r'from (?P<helo>{host}){mox}'),
    # Its date has fractions of a second, and no `;` before it since 2019.
    Format('SendGrid', versions='of 2016 to 2019', source='captured fields',
        servers=('SG',), marker=']) ',
        example='from [127.0.0.1] (a.example.org [192.0.2.97]) by ismtpd.example.net'
        ' (SG) with ESMTP id GiHVpachST-HTO7pZjZZgw for <user@example.com>;'
        ' Tue, 12 Jan 2016 18:20:00.301 +0000 (UTC)',
        grammar=r'from (?P<helo>{word}) \({rdns} \[{address}\]\) {sendgrid}'),
    Format('SendGrid, hidden client', versions='of 2020 to 2026',
        source='captured fields', servers=('SG',), marker=' (unknown) ',
        example='from [192.0.2.65] (unknown) by geopod-ismtpd-6-0 (SG) with ESMTP'
        ' id hgmibb2hQK6c0feggZC48w for <list@example.org>;'
        ' Sat, 09 Oct 2021 19:02:25.226 +0000 (UTC)',
        grammar=r'from (?P<helo>{word}) \(unknown\) {sendgrid}'),
    Format('SendGrid, filter', versions='of 2017 to 2026', source='captured fields',
        clauses=(Clause.PROTOCOL,), marker=' UTC',
        example='by filterdrecv-7bc86b958d-j7vqt with SMTP'
        ' id filterdrecv-7bc86b958d-j7vqt-1-61B04DAA-C'
        ' 2021-12-08 06:16:10.180268964 +0000 UTC m=+8409379.473909293',
        grammar=r'(?:from {host} )?{by} with {protocol}(?: id {id})?'
        r' [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]+ \+0000 UTC'
        r'(?: m=\+[0-9.]+)?'),
    # The owner of the network is named.
    Format('Stalwart', versions='of 2023 to 2025', source='data.rs (write_received)',
        servers=('Stalwart',),
        example='from out.example.com (out.example.com. [192.0.2.208])'
        ' (using TLSv1.3 with cipher TLS13_AES_256_GCM_SHA384) by mail.example.org'
        ' (Stalwart SMTP) with ESMTPS id 41A2C80D73C;'
        ' Tue, 29 Aug 2023 16:20:12 +0000',
        grammar=r'from (?P<helo>{word}) \({rdns} \[{address}\]'
        r'(?: {comment}| \(AS[0-9]+ [^()]*\))?\){tls}'
        r' {by} \(Stalwart SMTP\){tail}'),
    Format('RFC 5321, named server', overlaps=True,
        versions='Domino, Dovecot, Halon, IceWarp, Kerio, Horde, James, Symantec',
        source='RFC 5321 4.4, captured fields',
        servers=('Lotus', 'IBM', 'HCL', 'Dovecot', 'Halon', 'IceWarp', 'Kerio',
                 'Horde', 'JAMES', 'Symantec'),
        example='from a.example.org ([192.0.2.111]) by mail.example.org'
        ' (Kerio Connect 10.0.8 patch 2) with ESMTP;'
        ' Wed, 10 Jun 2026 19:48:34 +0200',
        grammar=r'from (?P<helo>{word}) {tcp}{tls}'
        r'(?P<auth> \(authenticated user [^()\[\]]*\))?'
        r' {by} \((?:(?:Lotus|IBM|HCL) Domino|Dovecot|Halon|IceWarp|Kerio|Horde|JAMES'
        r'|Symantec)[^()\[\]"]*\){tail}'),
    # Before 2023 the literal after `from` was the peer, since then the one in
    # parentheses is; after AUTH there is none.  So with one literal in parentheses
    # a literal after `from` may be HELO, and with a plain name there it is the peer.
    Format('chasquid', versions='1', source='conn.go', servers=('chasquid',),
        overlaps=True,
        example='from relay.example.net ([192.0.2.25]) by mx.example.org (chasquid)'
        ' with ESMTPS tls TLS_AES_128_GCM_SHA256 (over SMTP, TLS-1.3,'
        ' envelope from "user@example.net") ; Mon, 12 Jan 2026 17:57:44 +0100',
        grammar=r'from (?P<helo>[^ ()\[\]]+) \(\[{address}\]\) {by} \(chasquid\)'
        r' with {protocol}(?: tls [\w-]+)? \((?:[^()"]|{quoted})*\){date}'),
    Format('chasquid, before 2023', versions='0 and 1', source='conn.go',
        servers=('chasquid',), marker='from [',
        example='from [192.0.2.25] (relay.example.net) by mx.example.org (chasquid)'
        ' with ESMTPS tls TLS_AES_128_GCM_SHA256 (over SMTP, TLS-1.3,'
        ' envelope from "user@example.net") ; Mon, 11 Jan 2021 17:57:44 +0100',
        grammar=r'from \[{address}\] \((?P<helo>[0-9.-]*[A-Za-z][A-Za-z0-9.-]*)\)'
        r' {by} \(chasquid\) with {protocol}(?: tls [\w-]+)?'
        r' \((?:[^()"]|{quoted})*\){date}'),
    Format('chasquid, hidden or ambiguous', versions='0 and 1', source='conn.go',
        servers=('chasquid',),
        example='from localhost.localdomain by mx.example.org (chasquid) with ESMTPSA'
        ' tls TLS_AES_128_GCM_SHA256 (over submission, TLS-1.3,'
        ' envelope from "user@example.org") ; Tue, 09 Apr 2024 14:10:59 +0000',
        grammar=r'from (?P<helo>{word})'
        r'(?:(?<=\]) \((?:[A-Za-z0-9.-]*[^()A-Za-z0-9.-][^()]*|[0-9.-]*)\))?'
        r' {by} \(chasquid\)'
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
        versions='MDaemon and Strato after AUTH, MessageLabs, webmail, local delivery',
        example='from sonic.example.com by sonic301.example.com with HTTP;'
        ' Sun, 21 Jan 2018 23:42:18 +0000',
        grammar=r'from (?P<helo>{word}){tls} {rest}'),
    # The server hides the client.
    _unknown('hidden client', versions='any',
        example='by mx.example.org with ESMTPSA id 4F3D21234;'
        ' Sun, 22 Nov 2026 10:00:00 +0000',
        grammar=r'{rest}'),
)
# fmt: on

# Rows are tried in this order: common ones early, and each before those that may read
# the same field.
FORMATS = (
    *_POSTFIX,
    *_MICROSOFT,
    *_NEMESIS,
    *_EXCHANGE,
    *_EXIM,
    *_SENDMAIL,
    *_OPENSMTPD,
    *_COURIER,
    *_HARAKA,
    *_COMMUNIGATE,
    *_RENAMED_POSTFIX,
    *_OTHERS,
    *_QMAIL,
    *_UNKNOWN,
)
