# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mail servers as Hypothesis strategies: the fields that each can write.

Each strategy draws what a client chooses from the bytes that the server lets
through, as the captured vectors show, and prefers text that looks like parts
of a field.  It gives pairs of the field and the truth: peer, AUTH.
"""

import string

from hypothesis import strategies as st


DATE = 'Sun, 22 Nov 2026 10:00:00 +0000'
LETTERS = string.ascii_letters + string.digits
NAMES = ('out.example.org', 'relay.example.org', 'mail.example.net')

# What an attacker would like to have read, whole and in pieces.
LURES = (
    '[192.168.10.1]',
    '([192.168.10.1])',
    '(out.example.org [192.168.10.1])',
    ' by relay.example.org',
    ') by relay.example.org with esmtpsa (Exim 4.96)',
    ' (Postfix) with ESMTPSA id 4F3D21234',
    ' with ESMTPSA',
    ' with esmtpa ',
    ' (8.17.1/8.17.1) with ESMTPA id 1',
    ' (OpenSMTPD) with ESMTPSA id 1',
    ' id 1xVGy1-0001mF-2c',
    ' for <a@example.org>',
    ' for a@example.org',
    '; ' + DATE,
    '\n\t',
    '\n ',
    '\t',
    '  ',
    '"',
    '\\',
    '\\"',
    '"@x>',
    '<',
    '>',
    '(',
    ')',
    ' (',
    ') ',
    '[',
    ']',
    '@',
    ';',
    'helo=',
    ' helo=x',
    ' ident=x',
    '(envelope-from <"',
    '(envelope-from <a@b>)',
    ') (y [192.168.10.1])',
    '(Authenticated sender: x)',
    '(authenticated bits=0)',
    '(Client CN "x", Issuer "y" (verified OK))',
    ' auth=yes user=x',
    'from ',
    'from x (y [192.168.10.1])',
    '=?utf-8?b?WzE5Mi4xNjguMTAuMV0=?=',
    '192.168.10.1',
    'IPv6:fd00::1',
    '[IPv6:fd00::1]',
    'localhost',
    '[local]',
    '(may be forged)',
    ' (using TLSv1.3)',
    'CRAM-MD5',
    '\x85',
    '\xa0',
    '\u3000',
    '\udcff',
    '\x0b',
    '\x7f',
    '\r',
    '\0',
)


# The same of whole fields: how each server begins one, and how it goes on from
# `by`, with a trusted server as the client.  Filled in below.
OPENERS: list = []
CLOSERS: list = []


def _one_of_many(lures):
    # Not sampled_from(), which shows them all in its representation.
    return st.integers(0, len(lures) - 1).map(lures.__getitem__)


def hostile(allowed=None, replacement='', max_size=6):
    """Text that a client chose, after the server has cleaned it.

    :param allowed: The characters that the server lets through, or a test
        for them; None for all of them.
    :param replacement: What it writes in place of the others.
    """
    pieces = st.lists(
        st.one_of(
            st.sampled_from(LURES),
            st.deferred(lambda: _one_of_many(OPENERS)),
            st.deferred(lambda: _one_of_many(CLOSERS)),
            st.text(max_size=3),
            st.text(alphabet=LETTERS + '.-', max_size=5),
        ),
        max_size=max_size,
    ).map(''.join)
    if allowed is None:
        return pieces
    lets_through = allowed if callable(allowed) else set(allowed).__contains__
    return pieces.map(
        lambda text: ''.join(
            character if lets_through(character) else replacement for character in text
        )
    )


addresses_4 = st.ip_addresses(v=4).map(str)
addresses_6 = st.ip_addresses(v=6)
names = st.sampled_from(NAMES)
quoted_locals = hostile(lambda character: character not in '\n\r\0').map(
    lambda text: '"{}"@evil.example'.format(
        text.replace('\\', '\\\\').replace('"', '\\"')
    )
)
dot_atoms = hostile(LETTERS + '.+-=!#_', max_size=4).map(
    lambda text: (text.strip('.') or 'x') + '@evil.example'
)
# Some servers take the quotes off, and write what was in them.
unquoted_locals = hostile(lambda character: character not in '\n\r\0').map(
    '{}@evil.example'.format
)
mailboxes = st.one_of(dot_atoms, quoted_locals, unquoted_locals)
ids = st.text(alphabet=LETTERS, min_size=1, max_size=12)


def optional(draw, text):
    """The text, or nothing."""
    return text if draw(st.booleans()) else ''


@st.composite
def extended_protocols(draw):
    """ESMTP with or without TLS and AUTH: the protocol, and whether AUTH."""
    auth = draw(st.booleans())
    return ('ESMTP' + optional(draw, 'S') + ('A' if auth else '')), auth


@st.composite
def postfix(draw, by='mx.example.org (Postfix)', sender=False):
    """Postfix: smtpd replaces, comment_sanitize() balances.

    :param by: What it calls its host and itself.
    :param sender: Whether it writes the sender after the date.
    """
    peer = draw(st.one_of(addresses_4, addresses_6.map('IPv6:{}'.format)))
    helo = (
        draw(
            hostile(
                lambda character: (
                    character > ' '
                    and character != '\x7f'
                    and character not in '<>()\\";@'
                ),
                '?',
            )
        )
        or '?'
    )
    rdns = draw(st.sampled_from(('unknown', *NAMES)))
    protocol, auth = draw(extended_protocols())
    field = f'from {helo} ({rdns} [{peer}])'
    if 'S' in protocol[5:]:
        field += (
            '\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 '
            '(256/256 bits)\n\t key-exchange X25519)'
        )
        field += draw(
            st.one_of(
                st.just('\n\t(No client certificate requested)'),
                st.builds(
                    '\n\t(Client CN "{}", Issuer "{}" (not verified))'.format,
                    comments,
                    comments,
                ),
            )
        )
    if auth:
        field += optional(draw, f'\n\t(Authenticated sender: {draw(comments)})')
    field += f'\n\tby {by} with {protocol} id {draw(ids)}'
    field += optional(draw, f'\n\tfor <{draw(mailboxes)}>')
    after = f'\n\t(envelope-from {draw(mailboxes)})' if sender else ''
    return field + f'; {DATE} (UTC){after}', peer, auth


def _comment_sanitize(text):
    depth, cleaned = 0, ''
    for character in text:
        if not (character.isascii() and character.isprintable()) or (character == '\\'):
            character = '?'
        elif character == '(':
            depth += 1
        elif character == ')':
            character = ')' if depth else '?'
            depth = max(depth - 1, 0)
        cleaned += character
    return cleaned + ')' * depth


comments = hostile().map(_comment_sanitize)


@st.composite
def exim(draw, name=' (Exim 4.96)'):
    """Exim with helo_accept_junk_hosts and ident: both raw but for NUL, LF.

    :param name: What it calls itself.
    """
    address = draw(st.one_of(addresses_4, addresses_6.map(str)))
    junk = hostile(lambda character: character not in '\n\0')
    inside = optional(draw, f'helo={draw(junk)}')
    ident = optional(draw, f'ident={draw(junk)}')
    inside += (' ' if inside and ident else '') + ident
    if draw(st.booleans()):
        port = optional(draw, ':48137')
        space = ' ' if inside else ''
        field = f'from {draw(names)} ([{address}]{port}{space}{inside})'
    else:
        port = optional(draw, 'port=60167')
        inside = port + (' ' if port and inside else '') + inside
        field = f'from [{address}]' + (f' ({inside})' if inside else '')
    protocol, auth = draw(extended_protocols())
    tls = (
        draw(
            st.sampled_from(
                (
                    '  (TLS1.3) tls TLS_AES_256_GCM_SHA384',
                    ' (TLS1.2:ECDHE_RSA_AES_256_GCM_SHA384:256)',
                )
            )
        )
        if 'S' in protocol[5:]
        else ''
    )
    field += f'\n\tby mx.example.org with {protocol.lower()}{tls}{name}'
    field += optional(draw, f'\n\t(envelope-from <{draw(mailboxes)}>)')
    field += '\n\tid 1xVGy1-0001mF-2c'
    field += optional(draw, f'\n\tfor {draw(mailboxes)}')
    return field + f';\n\t{DATE}', address, auth


@st.composite
def sendmail(draw, sender=False):
    """Sendmail: HELO of letters, digits and a few more, else 501.

    :param sender: Whether it writes the sender after the date.
    """
    peer = draw(
        st.one_of(
            addresses_4,
            addresses_6.map(
                lambda address: (
                    'IPv6:'
                    + ':'.join(
                        f'{int(group, 16):x}'
                        for group in address.packed.hex(':', 2).split(':')
                    )
                )
            ),
        )
    )
    helo = draw(hostile(LETTERS + '[].-_#:'))
    ident = optional(draw, draw(hostile(LETTERS + '.-_[]:')) + '@')
    rdns = draw(st.sampled_from(('', *(name + ' ' for name in NAMES))))
    forged = optional(draw, ' (may be forged)') if rdns else ''
    comment = f'({{}}{ident}{rdns}[{peer}]{forged})'
    field = f'from {helo} ' + comment.format('') if helo else comment.format('from ')
    protocol, auth = draw(extended_protocols())
    if auth:
        field += '\n\t(authenticated bits=0)'
    field += f'\n\tby mx.example.org (8.17.1/8.17.1) with {protocol} id {draw(ids)}'
    if 'S' in protocol[5:]:
        field += (
            '\n\t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO)'
        )
    field += optional(draw, f'\n\tfor <{draw(mailboxes)}>')
    after = f'\n\t(envelope-from {draw(mailboxes)})' if sender else ''
    return field + f'; {DATE}{after}', peer, auth


@st.composite
def opensmtpd(draw):
    """OpenSMTPD: reverse DNS unchecked, and it takes in a body that begins
    with white space."""
    address = draw(st.one_of(addresses_4, addresses_6.map(str)))
    helo = draw(hostile(LETTERS + '[].-_:')) or 'x'
    rdns = draw(
        st.one_of(
            st.just('<unknown>'),
            hostile(lambda character: character > ' ' and character != '\x7f'),
        )
    )
    protocol, auth = draw(extended_protocols())
    field = (
        f'from {helo} ({rdns} [{address}])\n\tby mx.example.org '
        f'(OpenSMTPD) with {protocol} id {draw(ids)}'
    )
    if 'S' in protocol[5:]:
        field += ' (TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO)'
    if auth:
        field += optional(
            draw,
            ' auth=yes user='
            + draw(hostile(lambda character: character not in '\n\r\0')),
        )
    field += optional(draw, f'\n\tfor <{draw(mailboxes)}>')
    field += f';\n\t{DATE} (UTC)'
    body = hostile(lambda character: character not in '\r\0').map(
        lambda text: '\n\t' + text.replace('\n', '\n\t') + f'; {DATE}'
    )
    return field + optional(draw, draw(body)), address, auth


def _printable(character):
    return character > ' ' and character != '\x7f'


# Words as servers take them for HELO: any, and without parentheses.
words = hostile(_printable).map(lambda text: text or 'x')
plain_words = hostile(
    lambda character: _printable(character) and character not in '()'
).map(lambda text: text or 'x')
# Reverse DNS that nobody checked, with all that DNS can hold.
raw_rdns = hostile(lambda character: character not in '\n\r\0')
identifiers = st.sampled_from(('1A2B3C', '4F-8-1', '20251122.1'))
# Own addresses of servers, which are those of trusted ones.
own = st.sampled_from(('192.168.10.1', '192.168.10.3', 'fd00::1'))
untagged = st.one_of(addresses_4, addresses_6.map(str))


@st.composite
def courier(draw):
    """Courier: any HELO without white space, reverse DNS and ident raw."""
    peer = draw(st.one_of(addresses_4.map('::ffff:{}'.format), addresses_6.map(str)))
    rdns = draw(st.one_of(st.just(''), names, raw_rdns))
    protocol, auth = draw(extended_protocols())
    statements = []
    if draw(st.booleans()):
        statements.append('IDENT: ' + draw(raw_rdns))
    if auth:
        user = draw(plain_words)
        statements.append(f'AUTH: PLAIN {user}')
    if 'S' in protocol[5:]:
        statements.append('TLS: TLS1.3,256bits,ECDHE_RSA_AES_256_GCM_SHA384')
    field = f'from {draw(words)} ({rdns}{" " if rdns else ""}[{peer}])'
    if statements:
        field += f'\n  ({", ".join(statements)})'
    field += (
        f'\n  by mx.example.org with {protocol}\n'
        f'  id 00000000002BE582.000000006B037379.00003C6B; {DATE}'
    )
    return field + optional(draw, draw(folded_bodies)), peer, auth


folded_bodies = hostile(lambda character: character not in '\r\0').map(
    lambda text: '\n\t' + text.replace('\n', '\n\t') + f'; {DATE}'
)


@st.composite
def qmail(draw, by='mx.example.org', rdns=names, helo=None):
    """qmail, safeput() in received.c, and what patches add.

    :param by: What it calls its host and itself.
    :param rdns: What it lets into reverse DNS.
    :param helo: What it lets into HELO; None if that goes through safeput().
    """
    safe = hostile(LETTERS + '.@%+/=:-[]', '?')
    peer = draw(addresses_4)
    rdns = draw(st.one_of(st.just('unknown'), rdns))
    helo = optional(draw, f' (HELO {draw(safe if helo is None else helo)})')
    ident = optional(draw, draw(safe) + '@')
    brackets = draw(st.sampled_from(('{}', '[{}]'))).format(peer)
    protocol, auth = draw(
        st.sampled_from(
            (
                ('SMTP', False),
                ('ESMTPA', True),
                ('(DHE-RSA-AES256-SHA encrypted) SMTP', False),
                ('AES256-SHA encrypted ESMTPSA', True),
            )
        )
    )
    field = (
        f'from {rdns}{helo} ({ident}{brackets})\n'
        f'  by {by} with {protocol}; 22 Nov 2026 10:00:00 -0000'
    )
    return field + optional(draw, draw(folded_bodies)), peer, auth


@st.composite
def haraka(draw, version='3.3.4', helo=words):
    """Haraka: any HELO without white space, parentheses escaped in reverse DNS."""
    peer = draw(untagged)
    rdns = draw(
        st.one_of(
            st.just(''),
            names,
            raw_rdns.map(
                lambda text: (
                    text.replace('\\', '\\\\').replace('(', '\\(').replace(')', '\\)')
                )
            ),
        )
    )
    protocol, auth = draw(extended_protocols())
    field = (
        f'from {draw(helo)} ({rdns}{" " if rdns else ""}[{peer}])\n'
        f'\tby mx.example.org (Haraka/{version}) with {protocol} id '
        f'{draw(identifiers)}\n\tenvelope-from <{draw(mailboxes)}>'
    )
    if 'S' in protocol[5:]:
        field += '\n\ttls TLS_AES_256_GCM_SHA384'
    if auth:
        field += ' (authenticated bits=0)'
    return field + f';\n\t{DATE}' + optional(draw, draw(folded_bodies)), peer, auth


any_rdns = st.one_of(names, raw_rdns)

# Haraka before 3.1.7 cuts HELO at spaces only, so that tabs and all else stay.
tabbed = hostile(lambda character: character not in ' \n\r\0').map(
    lambda text: text or 'x'
)


@st.composite
def written(
    draw,
    template,
    *,
    helo=raw_rdns,
    rdns=any_rdns,
    peer=untagged,
    auth=True,
    end=f'; {DATE}',
):
    """A server as a template, for those that are known by what they wrote.

    :param template: The field; `{helo}` and so on stand for what is drawn.
    :param helo: What the server lets into HELO.
    :param rdns: What it lets into reverse DNS.
    :param peer: How it writes addresses.
    :param auth: Whether it states AUTH, in `{protocol}`; None if it always does.
    :param end: What it ends the field with.
    """
    address = draw(peer)
    protocol, has_auth = draw(extended_protocols())
    field = template.format(
        helo=draw(helo),
        rdns=draw(rdns),
        peer=address,
        own=draw(own),
        protocol=protocol,
        id=draw(identifiers),
        mail=draw(mailboxes),
        rcpt=draw(mailboxes),
        user=draw(plain_words),
        comment=draw(comments),
    )
    field += end if isinstance(end, str) else draw(end)
    return field, address, auth is None or (has_auth and auth)


TEMPLATES: dict[str, tuple[str, dict]] = {
    'exchange': (
        'from {helo} ({peer}) by mx.example.org ({own}) with Microsoft SMTP Server'
        ' (version=TLS1_2, cipher=TLS_AES_256_GCM_SHA384) id 15.1.2375.17 via'
        ' Frontend Transport',
        {'auth': False},
    ),
    'exchange, mapi': (
        'from {helo} ([{peer}%5]) by mx.example.org ([{own}%5]) with mapi id'
        ' 15.20.8632.030',
        {'auth': False, 'peer': addresses_6.map(str)},
    ),
    'smtpsvc': (
        'from {helo} ([{peer}]) by mx.example.org with Microsoft SMTPSVC(6.0.3790.0)',
        {'auth': False},
    ),
    'google': (
        'from {helo} ({rdns}. [{peer}]) by mx.google.com with {protocol} id {id}'
        ' for <{rcpt}> (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256)',
        {},
    ),
    'communigate': (
        'from [{peer}] (HELO {helo}) by mx.example.org (CommuniGate Pro SMTP 6.1)'
        ' with {protocol} id {id} for {rcpt}',
        {},
    ),
    'communigate, account': (
        'from [{peer}] (account {user} HELO {helo}) by mx.example.org'
        ' (CommuniGate Pro SMTP 6.1) with {protocol} id {id}',
        {},
    ),
    'amavis': (
        'from {helo} ([{peer}]) by localhost (mx.example.org [{own}])'
        ' (amavis, port 10024) with {protocol} id {id} for <{rcpt}>',
        {},
    ),
    'dovecot': (
        'from {helo} ([{peer}]) by mx.example.org with {protocol} id {id}'
        ' (envelope-from <{mail}>) for <{rcpt}>',
        {},
    ),
    'cyrus': (
        'from {helo} ({rdns} [{peer}]) by mx.example.org (Cyrus 3.6) with LMTPA',
        {'auth': False},
    ),
    'cyrus, login': (
        'from {helo} ({rdns} [{peer}]) (authenticated user={user} bits=0)'
        ' by mx.example.org (Cyrus v2.3.16) with LMTPA',
        {'auth': False},
    ),
    'zimbra': (
        'from {rdns} (LHLO {helo}) ({peer}) by mx.example.org with LMTP',
        {'auth': False},
    ),
    'ironport': (
        'from {rdns} (HELO {helo}) ([{peer}]) by mx.example.org with'
        ' ESMTP/TLS/ECDHE-RSA-AES256-GCM-SHA384',
        {'auth': False},
    ),
    'proofpoint': (
        'from {helo} ({rdns} [{peer}] (may be forged)) by mx.example.org (PPS)'
        ' with {protocol} id {id} (version=TLSv1.2 verify=NOT)',
        {},
    ),
    'mimecast': (
        'from {helo} ({rdns} [{peer}]) by relay.mimecast.com with ESMTP with'
        ' STARTTLS (version=TLSv1.3, cipher=X) id us-mta-402-{id}-1',
        {'auth': False},
    ),
    'domino': (
        'from {helo} ([{peer}]) by mx.example.org (HCL Domino Release 11.0.1)'
        ' with ESMTP id {id} ',
        {'auth': False},
    ),
    'mdaemon': (
        'from {helo} ([{peer}]) by mx.example.org ({own}) (MDaemon PRO v26.0.2)'
        ' with {protocol} id {id}',
        {},
    ),
    'momentum': (
        'from [{peer}] ([{peer}:52001] helo={helo}) by mx.example.org'
        ' (envelope-from <{mail}>) (ecelerity 3.6.25 r(Core:3.6.25.0)) with'
        ' {protocol} id {id} for <{rcpt}>',
        {'peer': addresses_4},
    ),
    'oracle': (
        'from {helo} ([unknown] [{peer}]) by mx.example.org (Oracle Communications'
        ' Messaging Server 7u4(7.0.4) 64bit (built Nov 17 2011)) with {protocol}'
        ' id <{id}@mx.example.org> for {rcpt}',
        {},
    ),
    'axigen': (
        'from {helo} ({peer}) by mx.example.org (Axigen) with {protocol} id {id}',
        {},
    ),
    'hmailserver': (
        'from {helo} ({rdns} [{peer}]) by mx.example.org with {protocol}'
        ' (version=TLSv1.3 cipher=X bits=256) ',
        {},
    ),
    'stalwart': (
        'from {helo} ({rdns} [{peer}] (AS64500 Example, Inc., XX)) (using TLSv1.3'
        ' with cipher X) by mx.example.org (Stalwart SMTP) with {protocol} id {id}',
        {},
    ),
    'maddy': (
        'from {helo} ({rdns} [{peer}]) by mx.example.org (envelope-sender <{mail}>)'
        ' with UTF8ESMTPS id {id} for <{rcpt}>',
        {'auth': False},
    ),
    'james': (
        'from {rdns} (EHLO {helo}) ([{peer}]) by mx.example.org (JAMES SMTP Server )'
        ' with {protocol} ID {id} for <{rcpt}>',
        {},
    ),
    'ses': (
        'from {helo} ({rdns} [{peer}]) by email-smtp.amazonaws.com with SMTP'
        ' (SimpleEmailService-d-{id}) id {id} for {rcpt}',
        {'auth': False},
    ),
    'chasquid, old': (
        'from [{peer}] ({helo}) by mx.example.org (chasquid) with {protocol}'
        ' tls X (over SMTP, TLS-1.3, envelope from "x") ',
        {},
    ),
    'chasquid, new': (
        'from {helo} ([{peer}]) by mx.example.org (chasquid) with {protocol}'
        ' tls X (over SMTP, TLS-1.3, envelope from "x") ',
        {},
    ),
    'kerio': (
        'from {helo} ([{peer}]) by mx.example.org (Kerio Connect 9.4) with {protocol}',
        {},
    ),
    'nemesis': (
        'from {helo} ([{peer}]) by mx.example.org (node [{own}]) with {protocol}'
        ' (Nemesis) id {id}',
        {},
    ),
    # As old versions of chasquid, but not known by its name.
    'address before HELO': (
        'from [{peer}] ({helo}) by mx.example.org with {protocol} id {id}',
        {'helo': words},
    ),
    'postfix, client cut out': (
        '(Authenticated sender: {comment}) by mx.example.org (Postfix) with'
        ' {protocol} id {id} for <{rcpt}>',
        {'auth': None},
    ),
    'postfix, client replaced': (
        'from [HIDDEN] (Authenticated sender: {comment}) by mx.example.org (Postfix)'
        ' with ESMTPA id {id} for <{rcpt}>',
        {'auth': None},
    ),
    'exim, hidden client': (
        'from {helo} by mx.example.org with esmtp (Exim 4.96) (envelope-from <{mail}>)'
        ' id 1xVGy1-0001mF-2c for {rcpt}',
        # A site whose received_header_text has HELO in place of the address writes no
        # honest field: a literal there looks like the peer of Exim's own text.
        {'auth': False, 'helo': plain_words.map(lambda text: text.replace('[', '?'))},
    ),
    # Whoever is known by it calls himself this.
    'postfix, template not filled in': (
        'from authenticated-user ({rdns} [{peer}]) by mx.example.org (Postfix) with'
        ' {protocol} id {id}',
        {'rdns': names},
    ),
    'nemesis, hidden client': (
        'from {helo} by mx.example.org (mrgmx105 [{own}]) with {protocol} (Nemesis)'
        ' id {id}',
        {'helo': words},
    ),
    'yahoo': (
        'from {rdns} (EHLO {helo}) ([{peer}]) by mx.example.org (Oath Hermes SMTP'
        ' Server) with {protocol} ID {id}',
        {},
    ),
    'yandex': (
        'from {helo} ({rdns} [{peer}]) by mx.example.org (nwsmtp/Yandex) with'
        ' {protocol} id {id}',
        {'end': f'; {DATE} (using TLSv1 with cipher X (256/256 bits))'},
    ),
    'ibm': (
        'from {helo} ({peer}) by mx.example.org ({own}) with IBM ESMTP SMTP Gateway:'
        ' Authorized Use Only! Violators will be prosecuted',
        {'auth': False},
    ),
    'ibm, next part': (
        'from localhost by mx.example.org with IBM ESMTP SMTP Gateway: Authorized Use'
        ' Only! Violators will be prosecuted for <{rcpt}> from <{mail}>',
        {'auth': False},
    ),
    'mailmarshal': (
        'from {helo} (Not Verified[{peer}]) by mx.example.org with Trustwave SEG'
        ' (v8,2,6,11305) id <B66666bfb0000>',
        {'auth': False},
    ),
    'cellopoint': (
        'from {helo} [({peer})] by mx.example.org (envelope-from <{mail}>)'
        ' (Cellopoint E-mail Firewall v4.1.10 Build 0809 with TLS) with ESMTP'
        ' id {id}',
        {'auth': False},
    ),
    'aliyun': (
        'from {helo}(mailfrom:{mail} fp:SMTPD_---0Wio9yUM_1 cluster:ay36)'
        ' by mx.example.org',
        {'auth': False, 'helo': words},
    ),
    'messagelabs': (
        'from {helo} (using TLSv1.2 with cipher X (256 bits)) by mx.example.org'
        ' id {id}',
        {'auth': False, 'helo': words},
    ),
    'coremail, webmail': (
        'from {user} ( [{peer}] ) by mx.example.org (Coremail) ',
        {'auth': False},
    ),
    'f-secure': (
        'from {rdns} ({peer}) by mx.example.org (F-Secure/fsigk_smtp/550/x)',
        {'auth': False},
    ),
    'powermta': (
        'from {helo} ({peer}) by mx.example.org (PowerMTA(TM) v3.5r17) id {id}'
        ' for <{rcpt}>',
        {
            'auth': False,
            'end': st.builds((f'; {DATE} (envelope-from <' + '{}>)').format, mailboxes),
        },
    ),
    'kumomta': (
        'from {helo} ({peer}) by mx.example.org (KumoMTA {own}) with ESMTPS (X:Y)'
        '  id {id} for <{rcpt}>',
        {'auth': False},
    ),
    'mox': (
        'from {helo} ({rdns} [{peer}]) by mx.example.org ([{own}]) via tcp with'
        ' {protocol} id {id} (TLS1.3 X) for <{rcpt}>',
        {},
    ),
    'sendgrid': (
        'from {helo} ({rdns} [{peer}]) by mx.example.org (SG) with ESMTP id {id}'
        ' for <{rcpt}>',
        {'auth': False, 'end': '; Tue, 12 Jan 2016 18:20:00.301 +0000 (UTC)'},
    ),
    'sendgrid, hidden client': (
        'from {helo} (unknown) by mx.example.org (SG) with ESMTP id {id}',
        {'auth': False, 'end': ' Tue, 12 Jan 2016 18:20:00.301 +0000 (UTC)'},
    ),
    'webmail': (
        'from {rdns} ({rdns} [{peer}]) by mx.example.org (Horde Framework) with HTTP',
        {'auth': False},
    ),
}


def _lures():
    whole = [template for template, _ in TEMPLATES.values()]
    whole += [
        'from {helo} ({rdns} [{peer}]) (Authenticated sender: {user})'
        ' by mx.example.org (Postfix) with {protocol} id {id} for <{rcpt}>',
        'from {rdns} ([{peer}] helo={helo}) by mx.example.org with esmtpsa'
        ' (TLS1.3) tls X (Exim 4.96) (envelope-from <{mail}>) id {id} for {rcpt}',
        'from [{peer}] (helo={helo}) by mx.example.org with esmtpsa (Exim 4.96)'
        ' id {id}',
        'from {user} by mx.example.org with local (Exim 4.96) id {id}',
        'from {helo} ({rdns} [{peer}] (may be forged)) (authenticated bits=0)'
        ' by mx.example.org (8.17.1/8.17.1) with {protocol} id {id}',
        '(from {user}@localhost) by mx.example.org (8.17.1/8.17.1/Submit) id {id}',
        'from {helo} ({rdns} [{peer}]) by mx.example.org (OpenSMTPD) with'
        ' {protocol} id {id} auth=yes user={user}',
        'from localhost (mx.example.org [local]) by mx.example.org (OpenSMTPD)'
        ' with ESMTPA id {id}',
        'from {rdns} (HELO {helo}) ({user}@{peer}) by mx.example.org with ESMTPA',
        'from {helo} ({rdns} [{peer}]) (AUTH: PLAIN {user}) by mx.example.org with'
        ' ESMTPSA id 00000000002BE582.000000006B037379.00003C6B',
        'from {helo} ({rdns} [{peer}]) by mx.example.org (Haraka/3.1.6) with'
        ' {protocol} id {id} envelope-from <{mail}>',
        'by mx.example.org (Postfix, from userid 0) id {id}',
        '(qmail 1 invoked from network)',
        '(Haraka outbound)',
        'from mail pickup service by mx.example.org with Microsoft SMTPSVC',
    ]
    for template in whole:
        text = template.format(
            helo='x',
            rdns='out.example.org',
            peer='192.168.10.1',
            own='192.168.10.3',
            protocol='ESMTPSA',
            id='1A2B3C',
            mail='a@example.org',
            rcpt='b@example.org',
            user='u',
            comment='u',
        )
        client, by, server = text.partition(' by ')
        for lure in (client, client[5:], client + ' (using x', client + ' ('):
            OPENERS.extend((lure, lure.replace(' ', '\t')))
        # A field has one `by`: what goes on without it is as dangerous.
        for lure in (by + server, server, server.partition(' ')[2]):
            CLOSERS.extend((lure, lure + '; ' + DATE, lure.replace(' ', '\t')))


_lures()

SERVERS = {
    'postfix': postfix(),
    'postfix, sender after the date': postfix(sender=True),
    'postfix by another name': postfix('mx.example.org (Postcow)'),
    'sophos': postfix('mx.example.org (Sophos Email Appliance)'),
    'forcepoint': postfix('Forcepoint Email'),
    'exim': exim(),
    'exim by another name': exim(''),
    'exim by another name, with a comment': exim(' (Exim)'),
    'sendmail': sendmail(),
    'sendmail, sender after the date': sendmail(sender=True),
    'qpsmtpd': qmail('mx.example.org (qpsmtpd/0.96)', raw_rdns, words),
    'chasquid, before 2023': written(TEMPLATES['chasquid, old'][0], helo=words),
    'stalwart, only the network': written(
        'from {helo} ({rdns} [{peer}] (AS64500 x [192.168.10.1] y, XX))'
        ' by mx.example.org (Stalwart SMTP) with {protocol} id {id}'
    ),
    'opensmtpd': opensmtpd(),
    'courier': courier(),
    'qmail': qmail(),
    'haraka': haraka(),
    'haraka, before 3.1.7': haraka('3.1.6', tabbed),
    **{
        name: written(template, **options)
        for name, (template, options) in TEMPLATES.items()
    },
}
