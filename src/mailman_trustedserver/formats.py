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
- `(?:x|)` and `[0-9][0-9]` say the same as `(?:x)?` and `[0-9]{2}`, and `re` runs
  them faster.  So the blocks and the commonest rows have them.
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


__all__ = ['FORMATS', 'Format', 'Kind']


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


@dataclass(frozen=True)
class Format:
    """One row of the table.

    :ivar name: The server, and the variant.
    :ivar marker: Text that every field of this form holds; without it the row
        is not tried.  It has no white space but in `by (A|B`, which is a server
        that calls itself A or B, in parentheses right after its host name.
    :ivar grammar: The field, unfolded, with one space for white space; see the
        module.
    :ivar kind: What the field records.
    :ivar last: Whether the row is tried only if no other one matches.
    """

    name: str
    marker: str
    grammar: str
    kind: Kind = Kind.SMTP
    last: bool = False

    @property
    def products(self) -> tuple[str, ...]:
        """The first words of what the server calls itself after `by`."""
        if not self.marker.startswith('by ('):
            return ()
        return tuple(self.marker[4:].split('|'))

    @property
    def pattern(self) -> re.Pattern[str]:
        """The grammar as a pattern for `fullmatch`."""
        return re.compile(self.grammar.format_map(_BLOCKS), re.ASCII)


_BLOCKS: dict[str, str] = {}


def _block(**blocks: str) -> None:
    for name, grammar in blocks.items():
        _BLOCKS[name] = grammar.format_map(_BLOCKS)


# What all servers have in common.
_block(
    # The name of a host, as a server knows its own.
    host=r'[A-Za-z0-9_.:-]+',
    # A word without white space and without parentheses.
    word=r'[^ ()]+',
    # Reverse DNS: what cannot end the comment that it stands in, no `helo=x`.
    rdns=r'[^ ()\[\]=]+',
    address=r'(?P<peer>(?:[Ii][Pp][Vv]6:|)[0-9A-Fa-f.:]+(?:%[\w.-]+|))',
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
    r' (?:[+-][0-9][0-9][0-9][0-9]|[A-Z]{{1,5}})(?: \([\w :+-]*\)|)',
)
_block(
    by=r'by (?P<by>{host})',
    # What stands in parentheses after HELO in the form of RFC 5321 4.4.
    tcp=r'\((?:{rdns})? ?\[{address}\]\)',
    # A mailbox between angle brackets, and one without.  White space and the
    # like is in quotes, and what is quoted ends before `@`.
    path=r'<(?:{quoted}@)?[^ <>"\\]*>',
    mailbox=r'(?:{quoted}@)?[^ <>"\\();]+',
)
_block(**{'for': r'(?: for (?:{path}|{mailbox})|)'})
_block(
    # What follows the name and version of a server.
    tail=r' with {protocol}(?: {comment})?(?: id {id})?(?: {comment})?{for}{date}',
    # All from `by` on, where no server is known.
    rest=r'{by}(?: {comment})*(?: with {protocol}(?:/[\w/.-]+)?(?: with STARTTLS)?)?'
    r'(?: {comment})?(?: id {id})?(?: {comment})?{for}(?: {comment})*{date}',
)

# Postfix 2.3 to 3.11: smtpd.c, pickup.c.  HELO has none of `<>()\";@`, and no
# space but where a line of 998 characters was folded.  comment_sanitize()
# balances the parentheses in certificate and user names.  With
# smtpd_hide_client_session (3.10) a field without TLS and AUTH is the same as one
# of local(8) for a message that an alias sends on.
# fmt: off
_POSTFIX = (
    Format('Postfix', 'by (Postfix|postfix',
        r'from (?P<helo>[^()<>\\";@]+) \({rdns} \[{address}\]\)'
        r'(?: \(using [^()]*(?:\([^()]*\)[^()]*)*\)|)'
        r'(?: \((?:[Nn]o client cert[^()]*|Client {balanced})\)|)'
        r'(?P<auth> \(Authenticated sender: {balanced}\))?'
        r' {by} \([Pp]ostfix\) with {protocol}(?: id {id}|){for}{date}'),
    Format('Postfix, sendmail command', 'by (Postfix',
        r'{by} \(Postfix, from userid (?P<user>[0-9]+)\) id {id}{for}{date}',
        kind=Kind.COMMAND),
    Format('Postfix, alias', 'by (Postfix',
        r'{by} \(Postfix\) id {id}{for}{date}',
        kind=Kind.ALIAS),
)

# Exim 3 to 4.98: host.c (host_build_sender_fullhost), globals.c
# (received_header_text).  HELO and ident may hold anything where the site set
# helo_accept_junk_hosts or asks for ident.  Their comment ends at the first
# `)` before Exim's own words; one inside HELO leaves a rest that is no tail.
_block(version=r'(?: ? \([^()\[\]"]*\)(?: tls [\w-]+)?)? \(Exim ')
_block(
    exim=r' {by} with {protocol}{version}{plain}\)'
    r'(?: \(envelope-from {path}\))? id {id}{for}{date}',
    junk=r'[^)]*(?:\)(?! by {host} with [A-Za-z0-9]+{version})[^)]*)*',
)
_EXIM = (
    Format('Exim', '(Exim',
        r'from {rdns} \(\[{address}\](?::[0-9]+)?'
        r'(?: helo=(?P<helo>{junk})| ident={junk})?\){exim}'),
    Format('Exim, no reverse DNS', '(Exim',
        r'from \[{address}\](?::[0-9]+)?(?: \((?:port=[0-9]+ ?)?'
        r'(?:helo=(?P<helo>{junk})|ident={junk})?\))?{exim}'),
    Format('Exim, sendmail command', 'local',
        r'(?:from (?P<user>[^ ()\[\]"]+)(?: \(helo={word}\))? )?'
        r'by (?P<by>{host}) with (?P<protocol>local(?:-[a-z]+)?){version}'
        r'{plain}\)(?: \(envelope-from {path}\))? id {id}{for}{date}',
        kind=Kind.COMMAND),
)

# Sendmail 8.9 to 8.18: conf.c, HReceived in cf/m4/cfhead.m4.  HELO is of
# letters, digits and `[].-_#:`; a name that does not lead back is flagged.
# Without HELO the field begins with `(from`.  Proofpoint is built on it.
_block(
    client=r'(?:[^ ()@]+@)?(?:{rdns} )?\[{address}\](?: \(may be forged\))?\)',
    sendmail=r'(?P<auth> \((?:authenticated|user=|User auth)[^()\[\]"]*'
    r'(?:\([^()\[\]"]*\))?\))*'
    r' {by} \((?:[\w-]*8\.[^()\[\]"/]*/[^()\[\]"]*|PPS)\)(?: with {protocol})? id {id}'
    r'(?: \(version=[^()\[\]"]*\))?{for}{date}',
)
_SENDMAIL = (
    Format('Sendmail', 'by (8|SGI|PPS',
        r'from (?P<helo>{word}) \({client}{sendmail}'),
    Format('Sendmail, no HELO', 'by (8',
        r'\(from {client}{sendmail}'),
    Format('Sendmail, sendmail command', 'by (8',
        r'(?:\(from |from localhost \()(?:(?P<user>[^ ()@]+)@localhost'
        r'|localhost \[\[UNIX: localhost\]\])\){sendmail}',
        kind=Kind.COMMAND),
)

# OpenSMTPD 5 to 7: smtp_session.c.  Reverse DNS is unchecked and raw, and a
# body that begins with white space becomes part of the field.
_block(
    opensmtpd=r'{by} \(OpenSMTPD\) with {protocol} id {id}(?: \([^()\[\]"]*\))?'
    r'(?: auth=no|(?P<auth> auth=yes user=[^ \[\]"]+))?{for}{date}',
)
_OPENSMTPD = (
    Format('OpenSMTPD', 'by (OpenSMTPD',
        r'from (?P<helo>{word}) \({rdns} \[{address}\]\) {opensmtpd}'),
    Format('OpenSMTPD, mask-src', 'by (OpenSMTPD',
        r'{opensmtpd}'),
    Format('OpenSMTPD, sendmail command', 'by (OpenSMTPD',
        r'from localhost \({rdns} \[local\]\) {opensmtpd}',
        kind=Kind.COMMAND),
)

# qmail, netqmail, notqmail: received.c, with the patches for AUTH and TLS.  No
# brackets around the peer, HELO in a comment of its own, ident before the last
# `@`.  qmail-ldap, qpsmtpd, IronPort, James 3 and Zimbra differ in the
# brackets, in the name of the server, or in the word before HELO.
_block(
    qmail=r'from {rdns}(?: \((?:HELO|EHLO|LHLO) (?P<helo>{word})?\))?'
    r' \((?:[^ ()]*@)?\[?{address}\]?\)(?: \(envelope-sender {path}\))?'
    r'(?P<auth> \(smtp-auth username [^()\[\]]*\))? {by}',
    encrypted=r' with (?:\([\w-]+ encrypted\) |[\w-]+ encrypted )?{protocol}'
    r'(?:/[\w/.-]+)?(?: ID {id})?{for}{date}',
)
_QMAIL = (
    Format('qmail', '(',
        r'{qmail}{encrypted}'),
    Format('qmail-ldap, qpsmtpd, James', 'by (qmail|qpsmtpd|qp|WP|JAMES',
        r'{qmail} \((?:qmail-|qpsmtpd|qp |WP-SMTPD|JAMES )[^()\[\]"]*\){encrypted}'),
    Format('qmail, queue', 'invoked',
        r'\(qmail [0-9]+ invoked from network\){date}',
        kind=Kind.QUEUE),
    Format('qmail, sendmail command', 'invoked',
        r'\((?:qmail|nullmailer pid) [0-9]+ invoked (?:by (?:uid )?(?P<user>\w+)'
        r'|for bounce)\){date}',
        kind=Kind.COMMAND),
)

# Courier 0.5 to 1.x: courieresmtpd.c, submit.C.  HELO is one word of any
# characters, reverse DNS is raw.  The peer address is in the last literal
# before `by`, as long as reverse DNS begins no statement (IDENT, AUTH, TLS)
# and no statement has a literal.  The answer to ident is raw, so that AUTH in a
# comment that begins with it says nothing.  Nobody else writes such an id; before 2018
# it stood after the date.
_block(
    hex=r'id [0-9A-F]{{8,16}}\.[0-9A-F]{{8,16}}\.[0-9A-F]{{8}}',
    raw=r'[^)]*(?:\)(?! \((?:IDENT|AUTH|TLS|SSL):)[^)]*)*',
    statements=r'(?: \((?:IDENT: [^()\[\]]*'
    r'|(?P<auth>AUTH: [A-Z0-9-]+ [^ ()\[\],]+(?:, )?)?'
    r'(?:(?:TLS|SSL): [^()\[\]]*)?)\))?',
)
_COURIER = (
    Format('Courier', '.0',
        r'from (?P<helo>[^ ]+) \({raw} ?\[{address}\]\){statements}'
        r' {by} with {protocol}(?: {hex}{date}|{date} {hex})'),
    Format('Courier, sendmail command', '(uid',
        r'from localhost \(localhost \[[^ ]*\]\) \(uid (?P<user>[0-9]+)\) {by}'
        r' with local {hex}{date}',
        kind=Kind.COMMAND),
)

# Haraka 2 and 3: connection.js (received_line).  HELO is one word of any
# characters; parentheses in reverse DNS are escaped.  AUTH is in the protocol.
_HARAKA = (
    Format('Haraka', 'by (Haraka',
        r'from (?P<helo>[^ ]+) \([^()\\]*(?:\\.[^()\\]*)* ?\[{address}\]\)'
        r' {by} \(Haraka(?:/[\w.-]+)?\) with {protocol} id {id} envelope-from {path}'
        r'(?: tls [\w-]+)?'
        r'(?: \((?:authenticated bits=0|version=[^()\[\]"]*)\))*{date}'),
    Format('Haraka, queue', '(Haraka',
        r'\(Haraka outbound\){date}',
        kind=Kind.QUEUE),
)

# Exchange 2007 to Microsoft 365, from captured fields: the address bare or,
# with `mapi`, in brackets; the one after `by` is the server's own.  IIS and
# Exchange 2000 and 2003 write SMTPSVC.
_MICROSOFT = (
    Format('Exchange', 'with',
        r'from (?:(?P<helo>{word}) )?\(\[?{address}\]?\) {by}(?: \(\[?[\w.:%]+\]?\))?'
        r' with (?P<protocol>Microsoft SMTP Server|mapi|HTTPS)(?: \([^()\[\]"]*\))?'
        r'(?: id [0-9.]+)?(?: via [\w. -]+)?{date}'),
    Format('SMTPSVC', 'SMTPSVC',
        r'from (?:(?P<helo>{word}) )?\(\[{address}\](?: unverified| RDNS failed)?\)'
        r' {by}(?: over TLS secured channel)? with Microsoft SMTPSVC\([0-9.]+\){date}'),
    Format('SMTPSVC, pickup directory', 'SMTPSVC',
        r'from mail pickup service {by} with Microsoft SMTPSVC{date}',
        kind=Kind.COMMAND),
)

# CommuniGate Pro 4 to 6, from captured fields: the peer is the word after
# `from` and HELO in the comment; where they agree, the peer is in the comment.
_block(
    communigate=r'{by} \(CommuniGate Pro [^()\[\]"]*\) with {protocol} id {id}'
    r'{for}{date}',
)
_COMMUNIGATE = (
    Format('CommuniGate', 'by (CommuniGate',
        r'from \[{address}\] \((?:account [^ ()]+(?: |(?=\))))?'
        r'(?:HELO (?P<helo>{word})|\[(?P=peer)\] verified)?\) {communigate}'),
    Format('CommuniGate, verified', 'by (CommuniGate',
        r'from {rdns} \((?:account [^ ()]+ )?\[{address}\] verified\) {communigate}'),
    Format('CommuniGate, from one part to the next', 'by (CommuniGate',
        r'by (?P<by>{host}) \(CommuniGate Pro (?:PIPE|GROUP|RULE|LIST) [^()\[\]"]*\)'
        r' with [A-Z]+ id {id}{for}{date}',
        kind=Kind.QUEUE),
)

# Servers that write the form of RFC 5321 4.4 or nearly so, and that can be
# told from others, so that HELO may be a literal.
_OTHERS = (
    # amavis and amavisd-new: the address after `by` is its own.
    Format('amavis', 'port',
        r'from (?P<helo>{word}) {tcp} {by} \([\w.-]+ \[[\w.:]+\]\)'
        r' \([\w -]+, port [0-9]+\){tail}'),
    # Dovecot 2.3, LMTP and submission: smtp-server-transaction.c.
    Format('Dovecot', '(envelope-from',
        r'from (?P<helo>{word}) \(\[{address}\]\){tls} {by} with {protocol} id {id}'
        r' \(envelope-from {path}\){for}{date}'),
    # Cyrus, lmtpengine.c: it writes LMTPA for whoever delivers, so that neither
    # the protocol nor the name of who logged in is a statement of AUTH.
    Format('Cyrus', 'by (Cyrus',
        r'from (?P<helo>{word}) {tcp}(?: \(authenticated user=[^()\[\]]*\))?'
        r' {by} \(Cyrus [^()\[\]"]*\) with LMTP[SA]*'
        r'(?: {comment})?{date}'),
    # MDaemon 7 to 26: the address after `by` is its own.  Then MDaemon 5.
    Format('MDaemon', '(MDaemon',
        r'from (?P<helo>{word}) \(\[{address}\]\) {by} \([\w.:-]+\)'
        r' \(MDaemon[^()\[\]"]*\){tail}'),
    Format('MDaemon 5', '(MDaemon',
        r'from (?P<helo>{word}) \[{address}\] {by} \[[\w.:]+\] with {protocol}'
        r' \(MDaemon[^()\[\]"]*\){for}{date}'),
    # Momentum: the port stands inside the literal.
    Format('Momentum', '(ecelerity',
        r'from (?:\[[0-9.]+\] )?\(\[(?P<peer>[0-9.]+):[0-9]+\]'
        r'(?: helo=(?P<helo>{word}))?\) {by}(?: \(envelope-from {path}\))?'
        r' \(ecelerity {plain}\) with {protocol}'
        r'(?: \(cipher=[^()\[\]"]*(?:subject="[^()\[\]"]*")?\))?'
        r' id {id}{for}{date}'),
    # Oracle, Sun and iPlanet Messaging Server.
    Format('Oracle Messaging Server', 'by (Oracle|Sun|iPlanet',
        r'from (?P<helo>{word}) \((?:{rdns} |\[unknown\] )?\[{address}\]\) {by}'
        r' \((?:Oracle|Sun|iPlanet) {plain}\){tail}'),
    Format('Axigen', 'by (Axigen',
        r'from (?P<helo>{word}) \({address}\) {by} \(Axigen\){tail}'),
    Format('MailEnable', 'MailEnable',
        r'from (?:(?P<helo>{word}) )?\(\[{address}\]\) {by} with MailEnable {protocol}'
        r'(?: {comment})?{date}'),
    # GMX, web.de and 1&1 may write an address of their own after `by`.
    Format('Nemesis', '(Nemesis)',
        r'from (?P<helo>{word}) {tcp} {by} \([\w.=-]+(?: \[[\w.:]+\])?\)'
        r' with {protocol} \(Nemesis\) id {id}{for}{date}'),
    # Stalwart, data.rs (write_received): the owner of the network is named.
    Format('Stalwart', 'by (Stalwart',
        r'from (?P<helo>{word}) \({rdns} \[{address}\](?: {comment})?\){tls}'
        r' {by} \(Stalwart SMTP\){tail}'),
    Format('RFC 5321, named server',
        'by (Lotus|IBM|HCL|Dovecot|Halon|IceWarp|Kerio|Horde|JAMES|Symantec|Sophos',
        r'from (?P<helo>{word}) {tcp}{tls}(?P<auth> \(authenticated user [^()\[\]]*\))?'
        r' {by} \((?:(?:Lotus|IBM|HCL) Domino|Dovecot|Halon|IceWarp|Kerio|Horde|JAMES'
        r'|Symantec|Sophos)[^()\[\]"]*\){tail}'),
    # chasquid, conn.go.  Before 2023 the literal after `from` was the peer,
    # since then the one in parentheses is; after AUTH there is none.  So one
    # literal in parentheses is the peer, and a literal after `from` is none.
    Format('chasquid', 'by (chasquid',
        r'from (?P<helo>[^ ()\[\]]+) \(\[{address}\]\) {by} \(chasquid\)'
        r' with {protocol}(?: tls [\w-]+)? \((?:[^()"]|{quoted})*\){date}'),
    Format('chasquid, hidden or ambiguous', 'by (chasquid',
        r'from (?P<helo>{word})(?:(?<=\]) \([^()]*\))? {by} \(chasquid\)'
        r' with {protocol}(?: tls [\w-]+)?(?: \((?:[^()"]|{quoted})*\))?{date}'),
)

# Tried last, when no server is known.
_UNKNOWN = (
    # RFC 5321 4.4, as Google, Mimecast, Amazon SES, hMailServer, Maddy,
    # IronPort and many others write it.
    Format('RFC 5321', 'from',
        r'from (?![^ ()]*\] \((?:[^ ()\[]*| )\[)(?P<helo>{word}) \((?!HELO|EHLO|LHLO)'
        r'(?:{rdns})? ?\[{address}\](?: \(may be forged\))?\){tls}'
        r'(?P<auth> \((?:authenticated|user=)[^()\[\]]*\))? {rest}',
        last=True),
    # Either may be HELO.
    Format('RFC 5321, two literals', '[',
        r'from [^ ()\[]*\[[^ ()]*\] \( ?\[[^ ()]*\]\){tls} {rest}',
        last=True),
    # No address, or one that HELO may be: MDaemon and Strato after AUTH,
    # webmail, local delivery.
    Format('no address', 'from',
        r'from (?P<helo>{word}) {rest}',
        last=True),
    # The server hides the client.
    Format('hidden client', 'by',
        r'{rest}',
        last=True),
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
