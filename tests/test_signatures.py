# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which signatures are taken, and why the others are not."""

import base64
import dkim
import pytest
import re
import subprocess
import sys

from dkim.canonicalization import CanonicalizationPolicy
from email.utils import formatdate
from hypothesis import given
from hypothesis import strategies as st
from mailman_trustedserver.signatures import (
    check,
    DnsFailure,
    MAX_AGE,
    MAX_BODY,
    MAX_HEADER,
    MAX_SIGNATURE,
    Refusal,
    Result,
    SeveralRecords,
    SLACK,
)
from tests.signing import DOMAIN, FIELDS, key_record, LIST, NOW, rsa_key, sign
from tests.vectors import DATA


SIGNED = Result(DOMAIN)
HEADER = {
    'From': 'Anne Person <anne@example.org>',
    'To': f'Staff <{LIST}>',
    'Subject': 'Lunch',
    'Date': formatdate(NOW),
    'Message-ID': '<1@example.org>',
}
# Of a date that no calendar has, and of one that Python's reader stumbles over.
NO_DATES = (
    'Mon, 99 Foo 2026',
    'Mon, 1 Jan 99999999999999999999 00:00:00',
    '\u00e9',
    '',
)


def compose(header=(), body='Hello,\r\n\r\nlunch  is ready. \r\n\r\n'):
    """A message; a field that is None is left out."""
    fields = {**HEADER, **dict(header)}
    lines = [f'{name}: {value}' for name, value in fields.items() if value is not None]
    return '\r\n'.join([*lines, '', body]).encode('latin-1')


def raises(error):
    def dns(name):
        raise error

    return dns


def outcome(
    header=(),
    body='Hello.\r\n',
    edit=bytes,
    signatures=None,
    key=None,
    dns=None,
    domains=(DOMAIN,),
    destinations=(LIST,),
    received_at=NOW,
    **signing,
):
    """Sign a message, change it, and check it.

    :param edit: What changes the signed message.
    :param signatures: What signs it, if not one signature.
    """
    message = compose(header, body)
    for options in [signing] if signatures is None else signatures:
        message = sign(message, **options)
    if dns is None:

        def dns(name):
            assert name == b'one._domainkey.example.org.'
            algorithm = signing.get('algorithm', 'rsa')
            return key_record(algorithm) if key is None else key

    return check(
        edit(message),
        dns,
        domains=domains,
        destinations=destinations,
        received_at=received_at,
    )


def add(field):
    """What puts a field on top of a message."""
    return lambda message: field.encode('latin-1') + b'\r\n' + message


def replace(old, new):
    def edit(message):
        assert old in message
        return message.replace(old, new, 1)

    return edit


def other(**options):
    return {'d': 'example.net', **options}


def rsa_record(modulus, exponent=65537):
    return b'p=' + rsa_key(modulus, exponent)


# Keys of the least and of the most bits.
SMALL, LARGE = ({'bits': bits, 'key': key_record(bits=bits)} for bits in (1024, 4096))


def padded(size):
    """A key record of a size."""
    record = key_record(n='')
    return record + b'x' * (size - len(record))


def of_size(size):
    """A field DKIM-Signature whose value has a size."""

    def edit(message):
        value = message.split(b'\r\nFrom:')[0][len('DKIM-Signature:') :]
        return replace(b'v=1;', b' ' * (size - len(value)) + b'v=1;')(message)

    return edit


R = Refusal
# What is wrong, and its neighbour that is right.
CASES = [
    (
        R.TOO_LARGE,
        {'edit': add('X: ' + 'x' * MAX_HEADER)},
        {'edit': add('X: ' + 'x' * 60000)},
    ),
    (R.TOO_LARGE, {'edit': lambda m: m + bytes(MAX_BODY)}, {'body': 'x' * 100_000}),
    (R.TOO_LARGE, {'edit': lambda m: bytes(MAX_HEADER + 10)}, {}),
    (R.MALFORMED_HEADER, {'edit': add('No colon')}, {'edit': add('X-Colon: ')}),
    (R.MALFORMED_HEADER, {'edit': add('X : y')}, {'edit': add('X:y')}),
    (R.MALFORMED_HEADER, {'edit': add('X\xe9: y')}, {'edit': add('X: \xe9')}),
    (R.MALFORMED_HEADER, {'edit': add(' X: y')}, {'edit': add('X: y\r\n z')}),
    (R.MALFORMED_HEADER, {'edit': add('X: y\n z')}, {'edit': add('X: y\r\n\tz')}),
    (R.MALFORMED_HEADER, {'edit': add('X: y\rz')}, {'edit': add('X: yz')}),
    (R.MALFORMED_HEADER, {'edit': add('X: y\0z')}, {'edit': add('X: y\1z')}),
    (R.MALFORMED_HEADER, {'edit': lambda m: m.replace(b'\r\n', b'\n')}, {}),
    (R.MALFORMED_HEADER, {'edit': lambda m: b''}, {}),
    *[
        (R.DUPLICATE_FIELD, {'edit': add(f'{name}: x')}, {'edit': add(f'X-{name}: x')})
        for name in ('FROM', 'to', 'Subject', 'date', 'Message-Id')
    ],
    (
        R.DUPLICATE_FIELD,
        {'header': {'Cc': 'x@example.net'}, 'edit': add('cc: y@example.net')},
        {'header': {'Cc': 'x@example.net'}},
    ),
    (
        R.DUPLICATE_FIELD,
        {'header': {'Content-Type': 'text/plain'}, 'edit': add('Content-Type: a/b')},
        {'header': {'Content-Type': 'text/plain'}},
    ),
    (R.NOT_ONE_SENDER, {'edit': replace(b'From:', b'X-From:')}, {}),
    *[
        (R.NOT_ONE_SENDER, {'header': {'From': bad}}, {'header': {'From': good}})
        for bad, good in [
            ('a@example.org, b@example.org', 'a@example.org'),
            ('a@example.org, b@example.net', '"a@example.net, b" <a@example.org>'),
            ('a@example.net <a@example.org>', '"a@example.net" <a@example.org>'),
            ('<a@example.org> b@example.org', '<a@example.org> (b@example.org)'),
            ('Anne', 'Anne <"x @ example.net"@example.org>'),
            ('"Anne <a@example.org>', '"Anne \\" <b@c>" <a@example.org>'),
            ('(Anne <a@example.org>', '(A (" <b@c>) \\) x) <a@example.org>'),
            ('a @ example.org', ' a@example.org '),
            ('<@example.net:a@example.org>', 'Staff: a@example.org;'),
            ('a@b@example.org', '<A@EXAMPLE.ORG>'),
            ('a@.example.org', '=?utf-8?q?b=40c?= <a@example.org>'),
            ('a@ex\xe4mple.org', '\xe4 <\xe4@example.org>'),
            ('a@example..org', 'a@example.org'),
        ]
    ],
    (
        R.SENDER_DOMAIN,
        {'domains': ['example.net']},
        {'domains': ['x.y', 'Example.ORG']},
    ),
    (R.SENDER_DOMAIN, {'domains': []}, {'domains': ['.org']}),
    (
        R.SENDER_DOMAIN,
        {'domains': ['.example.org']},
        {'domains': ['.example.org', DOMAIN]},
    ),
    (R.SENDER_DOMAIN, {'header': {'From': 'a@x.example.org'}}, {}),
    (R.SENDER_DOMAIN, {'domains': ['xample.org', 'org']}, {}),
    (
        R.NO_SIGNATURE,
        {'edit': replace(b'DKIM-', b'X-DKIM-')},
        {'edit': replace(b'DKIM-', b'dkim-')},
    ),
    (R.OTHER_DOMAIN, {'d': 'example.net'}, {'d': 'EXAMPLE.org'}),
    (R.OTHER_DOMAIN, {'d': 'org'}, {'signatures': [{}, other()]}),
    (R.OTHER_DOMAIN, {'d': 'x.example.org'}, {'signatures': [other()] * 9 + [{}]}),
    (
        R.TOO_MANY_SIGNATURES,
        {'signatures': [{}] * 4},
        {'signatures': [{}] + [{'b': 'eA=='}] * 2},
    ),
    (
        R.SIGNATURE_TOO_LARGE,
        {'edit': of_size(MAX_SIGNATURE + 1)},
        {'edit': of_size(MAX_SIGNATURE)},
    ),
    (R.MALFORMED_SIGNATURE, {'edit': replace(b'v=1;', b'v=1; v=1;')}, {}),
    (R.MALFORMED_SIGNATURE, {'edit': replace(b'v=1;', b'v=1;;')}, {}),
    (R.MALFORMED_SIGNATURE, {'edit': replace(b'v=1;', b'v=1; 1=2;')}, {}),
    (
        R.MALFORMED_SIGNATURE,
        {'edit': replace(b'v=1;', b'v=1; x;')},
        {'z': 'From:x|To:y'},
    ),
    *[
        (R.MALFORMED_SIGNATURE, {name: bad}, {name: good} if good else {})
        for name, bad, good in [
            ('v', None, '1'),
            ('v', '2', ''),
            ('a', None, ''),
            ('b', None, ''),
            ('b', '!', ''),
            ('b', 'eA=', ''),
            ('bh', None, ''),
            ('bh', 'x', ''),
            ('s', None, ''),
            ('s', 'one..two', ''),
            ('s', 'one/two', ''),
            ('s', '.'.join(['x' * 60] * 4), ''),
            ('q', 'dns/other', 'dns/txt'),
            ('q', '', 'dns/other : dns/txt'),
            ('i', '@example.net', '@example.org'),
            ('i', 'example.org.net', 'a=40b@Example.Org'),
            ('i', '@xample.org', '@x.example.org'),
            ('i', '@otherexample.org', 'x@y@example.org'),
            ('t', '-1', str(NOW)),
            ('t', '1e9', str(NOW - 1)),
            ('t', '9' * 50, str(NOW)),
            ('x', 'soon', str(NOW)),
            ('x', str(NOW - 1), str(NOW + 1)),
        ]
    ],
    (R.MALFORMED_SIGNATURE, {'edit': replace(b'c=relaxed/relaxed', b'c=loose')}, {}),
    (R.MALFORMED_SIGNATURE, {'edit': replace(b'/relaxed', b'/simple/simple')}, {}),
    (R.MALFORMED_SIGNATURE, {'edit': replace(b'h=from :', b'h=from : :')}, {}),
    (R.MALFORMED_SIGNATURE, {'edit': replace(b'h=from', b'g=from')}, {}),
    (R.BODY_LENGTH, {'l': '8'}, {'body': 'x'}),
    (R.ALGORITHM, {'a': 'rsa-sha1'}, {'a': 'rsa-sha256'}),
    (R.ALGORITHM, {'a': 'RSA-SHA256'}, {}),
    (R.ALGORITHM, {'a': 'rsa-sha512'}, {'algorithm': 'ed25519'}),
    *[
        (
            R.FIELD_NOT_SIGNED,
            {'h': [name for name in FIELDS if name != unsigned]},
            {'h': ['to', unsigned, *(name for name in FIELDS if name != 'to')]},
        )
        for unsigned in ('from', 'subject', 'date', 'message-id')
    ],
    (
        R.FIELD_NOT_SIGNED,
        {
            'header': {'Subject': None},
            'h': ['from', 'to', 'date', 'message-id'],
            'edit': add('Subject: x'),
        },
        {'header': {'Subject': None}, 'h': ['from', 'to', 'date', 'message-id']},
    ),
    (R.DESTINATION_NOT_SIGNED, {'h': ['from', 'subject', 'date', 'message-id']}, {}),
    (
        R.DESTINATION_NOT_SIGNED,
        {'destinations': []},
        {'destinations': ['x@y', LIST.upper()]},
    ),
    *[
        (R.DESTINATION_NOT_SIGNED, {'header': {'To': bad}}, {'header': {'To': good}})
        for bad, good in [
            (None, LIST),
            ('', f'<{LIST}>'),
            (f'{LIST} <x@example.net>', f'x@example.net, {LIST}'),
            (f'"{LIST}" <x@example.net>', f'"{LIST}" <{LIST}>'),
            (f'x@example.net ({LIST})', f'{LIST} (x@example.net)'),
            (f'x{LIST}', f'\r\n\t{LIST.upper()}'),
            (f'{LIST}.example.net', f'The team: x@example.net, {LIST};'),
            (f'<x,{LIST},y>', f'x@y,{LIST},y@z'),
            (f'"x" {LIST}', f'"x" <{LIST}>'),
            (f'=?utf-8?q?=3C{LIST}=3E?= <x@example.net>', f'=?utf-8?q?x?= <{LIST}>'),
        ]
    ],
    (
        R.DESTINATION_NOT_SIGNED,
        {
            'header': {'To': 'x@y', 'Cc': LIST},
            'h': [one for one in FIELDS if one != 'cc'],
        },
        {'header': {'To': 'x@y', 'Cc': LIST}},
    ),
    *[
        (R.NO_TIME, {'t': None, 'header': {'Date': date}}, {'header': {'Date': date}})
        for date in NO_DATES
    ],
    (R.NO_TIME, {'t': None, 'header': {'Date': None}}, {'t': None}),
    (R.FROM_THE_FUTURE, {'t': NOW + SLACK + 1}, {'t': NOW + SLACK}),
    (
        R.FROM_THE_FUTURE,
        {'t': None, 'header': {'Date': formatdate(NOW + SLACK + 1)}},
        {'t': None, 'header': {'Date': formatdate(NOW + SLACK)}},
    ),
    (R.TOO_OLD, {'t': NOW - MAX_AGE - 1}, {'t': NOW - MAX_AGE}),
    (R.TOO_OLD, {'received_at': NOW + MAX_AGE + 1}, {'received_at': NOW + MAX_AGE}),
    (
        R.TOO_OLD,
        {'t': None, 'header': {'Date': formatdate(NOW - MAX_AGE - 1)}},
        {'t': NOW, 'header': {'Date': formatdate(NOW - MAX_AGE - 1)}},
    ),
    (
        R.EXPIRED,
        {'x': NOW, 'received_at': NOW + SLACK + 1},
        {'x': NOW, 'received_at': NOW + SLACK},
    ),
    (
        R.BODY_CHANGED,
        {'edit': replace(b'Hello', b'hello')},
        {'edit': replace(b'lo.', b'lo. ')},
    ),
    (
        R.BODY_CHANGED,
        {'edit': lambda m: m + b'x'},
        {'edit': lambda m: m + b'\r\n \r\n'},
    ),
    (
        R.BODY_CHANGED,
        {'c': 'relaxed/simple', 'edit': replace(b'lo.', b'lo. ')},
        {'c': 'relaxed/simple', 'edit': lambda m: m + b'\r\n\r\n'},
    ),
    (R.BODY_CHANGED, {'bh': 'eA=='}, {}),
    (R.DNS_FAILURE, {'dns': raises(DnsFailure('timeout'))}, {}),
    (R.NO_KEY, {'dns': lambda name: None}, {'dns': lambda name: key_record()}),
    (R.NO_KEY, {'key': b''}, {}),
    (R.SEVERAL_KEYS, {'dns': raises(SeveralRecords())}, {}),
    (R.KEY_TOO_LARGE, {'key': padded(4097)}, {'key': padded(4096)}),
    *[
        (R.MALFORMED_KEY, {'key': bad}, {'key': good})
        for bad, good in [
            (b'v=spf1 -all', key_record(v=None)),
            (b'v=DKIM1', key_record(v=None, k=None)),
            (key_record(v='DKIM2'), key_record(n='a note')),
            (key_record(v=None, x='y', p='eA==') + b'; v=DKIM1', key_record() + b';'),
            (key_record() + b'; p=x', key_record() + b' ; x=y ; '),
            (key_record(p='x'), key_record(g='*')),
            (key_record(p='eA=='), key_record().replace(b'AQAB', b'AQ AB')),
            (rsa_record(2**2047 + 1, 1), key_record(t='')),
            (rsa_record(2**2047 + 1, 2**32 + 1), key_record(t='x')),
            (rsa_record(2**2047 + 1, 65536), key_record(k='rsa')),
            (
                b'p=' + base64.b64encode(b'0\x84\xff\xff\xff\xff' + b'0' * 40),
                key_record(),
            ),
            (b'p=' + base64.b64encode(b'0' * 2000), key_record()),
        ]
    ],
    (
        R.MALFORMED_KEY,
        {'algorithm': 'ed25519', 'key': key_record('ed25519', p='eA==')},
        {'algorithm': 'ed25519'},
    ),
    (R.KEY_REVOKED, {'key': key_record(p='')}, {}),
    (R.KEY_FOR_TESTS, {'key': key_record(t='y')}, {'key': key_record(t='yes')}),
    (R.KEY_FOR_TESTS, {'key': key_record(t='s : y')}, {'key': key_record(t='s')}),
    (R.KEY_TYPE, {'key': key_record('ed25519')}, {'algorithm': 'ed25519'}),
    (R.KEY_TYPE, {'key': key_record(k='x')}, {'key': key_record(k=None)}),
    (R.KEY_TYPE, {'algorithm': 'ed25519', 'key': key_record()}, {}),
    (R.KEY_HASH, {'key': key_record(h='sha1')}, {'key': key_record(h='sha1 : sha256')}),
    (
        R.KEY_SERVICE,
        {'key': key_record(s='tlsrpt')},
        {'key': key_record(s='x : email')},
    ),
    (R.KEY_SERVICE, {'key': key_record(s='')}, {'key': key_record(s='*')}),
    (
        R.KEY_SUBDOMAIN,
        {'key': key_record(t='s'), 'i': '@x.example.org'},
        {'key': key_record(t='s'), 'i': '@example.org'},
    ),
    (R.KEY_SIZE, {'key': rsa_record(2**511 + 1)}, SMALL),
    (R.KEY_SIZE, {'key': rsa_record(2**1022 + 1)}, SMALL),
    (R.KEY_SIZE, {'key': rsa_record(2**8191 + 1)}, LARGE),
    (R.KEY_SIZE, {'key': rsa_record(2**4096 + 1)}, LARGE),
    (R.KEY_SIZE, {'key': rsa_record(0)}, {}),
    (
        R.BAD_SIGNATURE,
        {'edit': replace(b'Lunch', b'lunch')},
        {'edit': replace(b'Lunch', b' Lunch ')},
    ),
    (
        R.BAD_SIGNATURE,
        {'c': 'simple', 'edit': replace(b': Lunch', b':  Lunch')},
        {'c': 'simple'},
    ),
    (
        R.BAD_SIGNATURE,
        # Not the letters alone, which may stand in the signature, too.
        {'c': 'simple', 'edit': replace(b'\r\nTo:', b'\r\nTO:')},
        {'edit': replace(b'\r\nTo:', b'\r\nTO:')},
    ),
    (
        R.BAD_SIGNATURE,
        {'edit': replace(b'v=1;', b'v=1; x=9999999999;')},
        {'x': '9999999999'},
    ),
    (R.BAD_SIGNATURE, {'b': 'eA=='}, SMALL),
    (R.BAD_SIGNATURE, {'algorithm': 'ed25519', 'b': 'eA=='}, {'algorithm': 'ed25519'}),
    (
        R.BAD_SIGNATURE,
        {'algorithm': 'ed25519', 'edit': replace(b'Lunch', b'x')},
        {'algorithm': 'ed25519'},
    ),
    (R.BAD_SIGNATURE, {'bits': 1024}, {'bits': 2048}),
    (
        R.BAD_SIGNATURE,
        {'edit': add('Cc: x@example.net')},
        {'edit': add('X-Cc: x@example.net')},
    ),
]


@pytest.mark.parametrize(('refusal', 'bad', 'good'), CASES)
def test_each_refusal_has_its_case_and_a_neighbour_that_verifies(refusal, bad, good):
    assert outcome(**bad) == Result(refusal=refusal)
    assert outcome(**good) == SIGNED


def test_every_refusal_has_a_case():
    # The one that is left out has a test of its own.
    assert {case[0] for case in CASES} == set(Refusal) - {Refusal.NO_ED25519}
    assert all(refusal.value.startswith('dkim-') for refusal in Refusal)


def test_truth_of_a_result_is_whether_there_is_a_signature():
    assert SIGNED
    assert not Result(refusal=Refusal.NO_KEY)


def test_without_pynacl_ed25519_is_refused_and_rsa_goes_on(monkeypatch):
    monkeypatch.setitem(sys.modules, 'nacl.signing', None)
    refused = Result(refusal=Refusal.NO_ED25519)
    assert outcome(algorithm='ed25519', dns=raises(AssertionError)) == refused
    both = [{}, {'algorithm': 'ed25519'}]
    assert outcome(signatures=both) == SIGNED


def test_of_several_signatures_one_is_enough_and_the_furthest_tells():
    broken, short = {'b': 'eA=='}, {'l': '1'}
    assert outcome(signatures=[broken, {}, short]) == SIGNED
    for signatures in ([broken, short], [short, broken]):
        assert outcome(signatures=signatures) == Result(refusal=Refusal.BAD_SIGNATURE)


def test_dns_is_asked_only_if_all_else_is_right():
    def asked(name):
        raise AssertionError(name)

    order = list(Refusal)
    before = [
        case for case in CASES if order.index(case[0]) < order.index(R.DNS_FAILURE)
    ]
    for refusal, bad, _ in before:
        assert outcome(**{**bad, 'dns': asked}) == Result(refusal=refusal)


def test_dns_is_asked_three_times_at_most():
    asked = []

    def dns(name):
        asked.append(name)
        return key_record()

    assert not outcome(signatures=[{'b': 'eA=='}] * 3, dns=dns)
    assert len(asked) == 3


@pytest.mark.parametrize('selector', [b'brisbane', b'test'])
def test_example_of_rfc_8463_verifies(selector):
    message = (DATA / 'dkim' / 'rfc8463.eml').read_bytes().replace(b'\n', b'\r\n')
    keys = {
        b'brisbane._domainkey.football.example.com.': b'v=DKIM1; k=ed25519; '
        b'p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
        b'test._domainkey.football.example.com.': b'v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb'
        b'3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY'
        b'/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT'
        b'5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB',
    }
    result = check(
        message,
        lambda name: keys[name] if name.startswith(selector) else None,
        domains=['football.example.com'],
        destinations=['suzie@shopping.example.net'],
        received_at=1528637909,
    )
    assert result == Result('football.example.com')


def test_module_brings_neither_dkimpy_nor_mailman_when_it_is_imported():
    program = (
        'import sys, mailman_trustedserver.signatures, mailman_trustedserver.resolver\n'
        'assert not {"dkim", "dns", "nacl", "mailman"} & set(sys.modules)'
    )
    subprocess.run([sys.executable, '-c', program], check=True)


# What is signed, is signed whatever the form.

WHITE = st.text(' \t\r\nx.', max_size=60).map(
    lambda text: re.sub('\r?\n', '\r\n', text)
)


@given(WHITE, st.sampled_from([1, 700, 5461, 16383, 40000]))
def test_body_is_hashed_as_dkimpy_does_it(text, times):
    body = re.sub('(?<!\r)\n', '\r\n', text * times)
    for c in ('simple/relaxed', 'relaxed/simple'):
        assert outcome(body=body, c=c) == SIGNED


def canonical(message):
    """What of a message matters to a reader, by dkimpy."""
    policy = CanonicalizationPolicy.from_c_value(b'relaxed/relaxed')
    fields, body = dkim.rfc822_parse(message)
    wanted = [
        (name, value) for name, value in fields if name.lower().decode() in FIELDS
    ]
    # A last line without an end gets one (RFC 6376 3.4.3).
    body += b'' if body.endswith(b'\r\n') else b'\r\n'
    return policy.canonicalize_headers(wanted), policy.canonicalize_body(body)


MUTABLE = {
    (algorithm, c): sign(compose(), algorithm, c=c)
    for algorithm in ('rsa', 'ed25519')
    for c in ('simple', 'relaxed', 'relaxed/relaxed')
}
PIECES = st.one_of(
    st.binary(max_size=3),
    st.sampled_from(
        [b'\r\n', b'\r', b'\n', b' ', b';', b'=', b':', b'\r\n\r\n', b'\0']
    ),
)
PIECE = st.tuples(st.floats(0, 1), st.integers(0, 4), PIECES)


@given(st.sampled_from(sorted(MUTABLE)), st.lists(PIECE, min_size=1, max_size=3))
def test_changed_message_verifies_only_if_nothing_that_matters_changed(which, changes):
    message = original = MUTABLE[which]
    for place, length, piece in changes:
        position = int(place * len(message))
        message = message[:position] + piece + message[position + length :]
    key = key_record(which[0])
    result = check(
        message,
        lambda name: key,
        domains=[DOMAIN],
        destinations=[LIST],
        received_at=NOW,
    )
    if result:
        assert canonical(message) == canonical(original)
        assert dkim.verify(message, dnsfunc=lambda name, timeout=5: key)


LURES = st.lists(
    st.sampled_from(
        (
            b'From:|To:|a@example.org|DKIM-Signature:|v=1;|d=example.org;|a=rsa-sha256;'
            b'|b=eA==;|bh=eA==;|s=x;|h=from:to;|t=1;|"|(|<|>|,|\r\n|\r\n\r\n|\xff|\0'
        ).split(b'|')
    )
).map(b''.join)


@given(st.one_of(st.binary(), LURES), st.one_of(st.none(), st.binary(), LURES))
def test_any_bytes_are_refused_and_nothing_is_raised(message, record):
    result = check(
        message,
        lambda name: record,
        domains=[DOMAIN],
        destinations=[LIST],
        received_at=NOW,
    )
    assert result.refusal is not None


@given(
    st.one_of(st.binary(), st.binary().map(lambda data: b'p=' + base64.b64encode(data)))
)
def test_any_key_record_is_refused_and_nothing_is_raised(record):
    assert not outcome(key=record)
    assert not outcome(key=b'k=ed25519;' + record, algorithm='ed25519')


# Input that is made to cost much, as it is built and as it is refused; the
# benchmarks measure what it costs.

BIG = 20_000_000


def big(unit):
    """A signed message with a body of 20 MB."""
    return sign(compose(), bh='eA==') + unit * (BIG // len(unit)) + b'\r\n'


HOSTILE = {
    'a relaxed body of 20 MB of short words': (lambda: big(b'a '), R.BODY_CHANGED),
    'a relaxed body of 20 MB of pairs of blanks': (lambda: big(b'a  '), R.BODY_CHANGED),
    'a relaxed body of 20 MB of tabs': (lambda: big(b'\t'), R.BODY_CHANGED),
    'a relaxed body of 20 MB of blanks': (lambda: big(b' '), R.BODY_CHANGED),
    'a relaxed body of 20 MB of blank lines': (lambda: big(b' \r\n'), R.BODY_CHANGED),
    'a relaxed body of 20 MB of line ends': (lambda: big(b'\r\n'), R.BODY_CHANGED),
    'a relaxed body of 20 MB of bare CR': (lambda: big(b' \r'), R.BODY_CHANGED),
    'a relaxed body of 20 MB of runs': (
        lambda: big(b' ' * 2000 + b'a ' * 1000),
        R.BODY_CHANGED,
    ),
    'a simple body of 20 MB of line ends': (
        lambda: replace(b'c=relaxed/relaxed', b'c=simple')(big(b'\r\n')),
        R.BODY_CHANGED,
    ),
    '800 folds inside b=': (
        lambda: replace(b'b=', b'b=' + b'\r\n ' * 800)(
            sign(compose(), bits=1024, bh='eA==', h=['from', 'to'])
        ),
        R.SIGNATURE_TOO_LARGE,
    ),
    '600 folds inside b=': (
        lambda: sign(compose(), b='\r\n '.join('A' * 400)),
        R.BAD_SIGNATURE,
    ),
    'a header of 128 kB': (
        lambda: sign(compose({'To': LIST + ',\r\n x@y' * 16000})),
        None,
    ),
    'a header of 128 kB of comments': (
        lambda: sign(compose({'To': '()' * 65000 + LIST})),
        None,
    ),
    'a header of 128 kB of open comments': (
        lambda: sign(compose({'To': '(' * 130000 + LIST})),
        R.DESTINATION_NOT_SIGNED,
    ),
    'a header of 128 kB of open quotes': (
        lambda: sign(compose({'To': '"' + '\\"' * 65000 + LIST})),
        R.DESTINATION_NOT_SIGNED,
    ),
    'a header of 128 kB of commas': (
        lambda: sign(compose({'To': ',' * 130000 + LIST})),
        None,
    ),
    'a header of 128 kB of brackets': (
        lambda: sign(compose({'To': '<' * 130000 + LIST})),
        R.DESTINATION_NOT_SIGNED,
    ),
    'a header of 128 kB of fields': (
        lambda: b'X:\r\n' * 32000 + sign(compose()),
        None,
    ),
    'a header of 128 kB of folds': (
        lambda: sign(compose({'Subject': '\r\n ' * 43000})),
        None,
    ),
    'a thousand signatures': (
        lambda: b'DKIM-Signature: d=example.org\r\n' * 1000 + compose(),
        R.TOO_MANY_SIGNATURES,
    ),
    'a thousand signatures of others': (
        lambda: (
            b'DKIM-Signature: v=1; d=example.net; b=x; bh=y; s=x; a=b\r\n' * 1000
            + sign(compose())
        ),
        None,
    ),
    'a signature of 128 kB of tags': (
        lambda: b'DKIM-Signature: ' + b'x;' * 65000 + b'\r\n' + compose(),
        R.MALFORMED_SIGNATURE,
    ),
    'garbage for tags': (
        lambda: b'DKIM-Signature: \xff=;=;;d\r\n' + compose(),
        R.MALFORMED_SIGNATURE,
    ),
    'a field signed 300 times': (
        lambda: sign(compose(), h=[*FIELDS, *['from'] * 150]),
        None,
    ),
    'base64 that is none': (
        lambda: sign(compose(), b='=' * 1000),
        R.MALFORMED_SIGNATURE,
    ),
    'NULs': (lambda: bytes(100_000), R.MALFORMED_HEADER),
    'a header of 128 kB of bare CR': (
        lambda: b'X: ' + b'\r' * 130000 + b'\r\n' + compose(),
        R.MALFORMED_HEADER,
    ),
}


@pytest.mark.parametrize('name', HOSTILE)
def test_hostile_input_is_judged_as_any(name):
    build, refusal = HOSTILE[name]
    result = check(
        build(),
        lambda name: key_record(),
        domains=[DOMAIN],
        destinations=[LIST],
        received_at=NOW,
    )
    assert result == (SIGNED if refusal is None else Result(refusal=refusal))
