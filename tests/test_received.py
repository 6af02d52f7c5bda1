# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reader against what real mail servers wrote."""

import dataclasses
import pickle
import pytest
import random
import re
import subprocess
import sys

from ipaddress import ip_address, ip_network
from mailman_trustedserver import received
from mailman_trustedserver.formats import Format, FORMATS
from mailman_trustedserver.received import (
    MalformedReceived,
    MAX_FIELD_LENGTH,
    parse_received,
    records_smtp_hop,
)
from mailman_trustedserver.received import (
    read as read_with_row,
)
from tests.vectors import load, READABLE


FIELDS = load('fields') + load('collected')
CAPTURED = load('captured')
DOCUMENTATION = [
    ip_network(network)
    for network in ('192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24')
]

# What the reader refuses of what real servers wrote, and why.
UNREAD = {
    # A bare CR in HELO, at which Python's parser cuts the field.
    ('exim', 'it has a bare CR, a bare LF or a NUL'),
    # A date in HELO, in the recipient or in the envelope sender.
    ('exim', 'it has more than one date'),
    ('postfix', 'it has more than one date'),
    # The same, and a message body that the server took into its own field.
    ('courier', 'it has more than one date'),
    ('haraka', 'it has more than one date'),
    ('qmail', 'it has more than one date'),
    # Such a body without a date of its own.
    ('qmail', 'it is in no form that is known'),
    # A literal in ident, which could be the end of reverse DNS.
    ('courier', 'it is in no form that is known'),
    # In HELO, ident, reverse DNS, a certificate or a mailbox.
    *((server, 'it has more than one "by"') for server in READABLE),
}


def read(fields):
    """The topmost hop that crossed a network, or None if there is none."""
    for field in fields:
        hop = parse_received(field)
        if not hop.reinjection:
            return hop
    return None


@pytest.mark.parametrize('vector', FIELDS, ids=[vector['id'] for vector in FIELDS])
def test_field_is_read_as_the_vector_says(vector):
    if 'malformed' in vector:
        with pytest.raises(MalformedReceived) as error:
            parse_received(vector['field'])
        assert str(error.value) == vector['malformed']
        return
    hop = parse_received(vector['field'])
    assert (None if hop.peer is None else str(hop.peer)) == vector['peer']
    assert hop.authenticated == vector['auth']
    assert hop.reinjection == vector['reinjection']


@pytest.mark.parametrize('row', FORMATS, ids=lambda row: row.name)
def test_example_is_read_by_its_row(row):
    assert read_with_row(row.example)[1] is row
    # Folded in another way, it is read all the same.
    assert read_with_row(row.example.replace(' ', '\n\t'))[1] is row
    for address in re.findall(
        r'(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]+(?=[]:)])', row.example
    ):
        assert ip_address(address).is_loopback or any(
            ip_address(address) in network for network in DOCUMENTATION
        )
    begins = row.example.lstrip('(').startswith('from')
    assert records_smtp_hop(row.example) == (begins and not row.reinjection)


def test_each_row_reads_a_vector_and_each_vector_is_read_by_its_row():
    found = set()
    for vector in FIELDS:
        if 'malformed' not in vector:
            row = read_with_row(vector['field'])[1]
            assert row.name == vector['row'], vector['id']
            found.add(row)
    for vector in CAPTURED:
        # Down to the first field that crossed a network, the server wrote them.
        for field in vector['fields']:
            try:
                hop, row = read_with_row(field)
            except MalformedReceived:
                break
            assert row.name.lower().startswith(vector['server']), vector['id']
            found.add(row)
            if not hop.reinjection:
                break
    assert [row.name for row in FORMATS if row not in found] == []


def mutants(count):
    """Vectors and examples, and what comes of them by a few changes."""
    fields = [vector['field'] for vector in FIELDS]
    fields += [field for vector in CAPTURED[::20] for field in vector['fields']]
    fields += [row.example for row in FORMATS]
    yield from fields
    words = [re.findall(r'\s+|[\w.]+|.', field, re.DOTALL) for field in fields if field]
    chance = random.Random(1)  # noqa: S311
    for _ in range(count):
        one, other = list(chance.choice(words)), chance.choice(words)
        for _ in range(chance.randint(0, 2)):
            place = chance.randint(0, len(one))
            one[place : place + chance.randint(0, 4)] = [chance.choice(other)]
        if chance.random() < 0.7:
            # The head of one field with the tail of another, most often at a clause.
            word = chance.choice(('by', 'with', '(', 'id', ';', ''))
            heads = [place for place, each in enumerate(one) if word in ('', each)]
            tails = [place for place, each in enumerate(other) if word in ('', each)]
            if heads and tails:
                one = one[: chance.choice(heads)] + other[chance.choice(tails) :]
        yield ''.join(one)


def test_no_row_that_is_skipped_could_match():
    for field in mutants(20_000):
        try:
            text = received.clean(field)
            chosen = received.choose(text)
        except MalformedReceived:
            continue
        assert_that_no_skipped_row_matches(text, chosen)


def assert_that_no_skipped_row_matches(text, chosen):
    # Where a server names itself, rows of servers that do not are not meant, nor
    # is a row with names meant for another one.
    named = any(row.servers for row in chosen)
    for row in FORMATS:
        if not row.last and row not in chosen and not (named or row.servers):
            assert not row.pattern.fullmatch(text), (row.name, text)
        # A process of Courier has a number that begins with 0, in eight digits;
        # its grammar does not say so.
        if row.marker not in text and row.name != 'Courier':
            assert not row.pattern.fullmatch(text), (row.name, text)


def make_row(**changes):
    keys = {
        'versions': '1',
        'source': 'foo.c',
        'example': 'from x ([192.0.2.1]) by y (Foo-Mail) with ESMTP; '
        'Sun, 22 Nov 2026 10:00:00 +0000',
        'grammar': r'from {word} \(\[{address}\]\) {by} \(Foo-Mail\){tail}',
        'servers': ('Foo-Mail',),
    }
    return Format('Foo', **{**keys, **changes})


def add_row(monkeypatch, row):
    for word in row.words:
        for rows in received.ROWS.values():
            others = rows.by_word.get(word, ())
            monkeypatch.setitem(rows.by_word, word, (row, *others))


def test_row_is_found_by_a_server_name_of_several_words(monkeypatch):
    row = make_row()
    add_row(monkeypatch, row)
    assert read_with_row(row.example)[1] is row


@pytest.mark.parametrize('server', ['', '-mail', '(Foo', ' Foo', 'Ünsinn', '[x]'])
def test_server_name_that_no_field_could_be_found_by_is_refused(server):
    with pytest.raises(ValueError, match=r'Foo: a server is found by'):
        make_row(servers=('Foo', server))


@pytest.mark.parametrize(
    'grammar', ['from (', '{by} {nonesuch}', '(?P<peer>x)(?P<peer>y)']
)
def test_error_in_a_grammar_names_the_row(grammar):
    with pytest.raises(ValueError, match=r'^Foo: '):
        make_row(grammar=grammar).pattern  # noqa: B018


def test_no_pattern_is_compiled_before_a_field_is_read():
    program = (
        'from mailman_trustedserver import parse_received\n'
        'from mailman_trustedserver.formats import FORMATS\n'
        'assert not any("pattern" in vars(row) for row in FORMATS)\n'
        'row = next(row for row in FORMATS if row.name == "Postfix")\n'
        'parse_received(row.example)\n'
        'print([row.name for row in FORMATS if "pattern" in vars(row)])'
    )
    done = subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "['Postfix']\n"


def test_hop_is_a_value():
    hop = parse_received(FORMATS[0].example)
    assert hop == parse_received(FORMATS[0].example)
    assert len({hop, pickle.loads(pickle.dumps(hop))}) == 1  # noqa: S301
    assert dataclasses.replace(hop, helo='x').helo == 'x'
    with pytest.raises(dataclasses.FrozenInstanceError):
        hop.peer = None


@pytest.mark.parametrize('server', sorted({vector['server'] for vector in CAPTURED}))
def test_text_of_a_client_is_never_peer_or_auth(server):
    fooled = []
    for vector in CAPTURED:
        if vector['server'] != server:
            continue
        try:
            hop = read(vector['fields'])
        except MalformedReceived:
            continue
        if hop is None:
            # Nobody connected.
            assert vector['peer'] is None, vector['id']
            continue
        if hop.peer not in (
            None,
            vector['peer'] and ip_address(vector['peer']),
        ) and not vector.get('proxied'):
            fooled.append(vector['id'])
        if hop.authenticated and not vector['auth']:
            fooled.append(vector['id'])
    assert fooled == []


def test_what_known_servers_write_is_read():
    vectors = [
        vector
        for vector in CAPTURED
        if vector['server'] in READABLE and not vector.get('proxied')
    ]
    unread = []
    for vector in vectors:
        try:
            hop = read(vector['fields'])
        except MalformedReceived as error:
            unread.append((vector['server'], str(error)))
            continue
        if hop is not None:
            assert hop.peer == ip_address(vector['peer']), vector['id']
            assert hop.authenticated == vector['auth'], vector['id']
    assert set(unread) <= UNREAD
    assert len(unread) <= 0.03 * len(vectors)
    for server in READABLE:
        # Of what was sent to Courier and Postfix, much was hostile.
        count = sum(1 for vector in vectors if vector['server'] == server)
        assert sum(1 for name, _ in unread if name == server) <= 0.06 * count


@pytest.mark.parametrize(
    'vector',
    [vector for vector in load('fooled') if 'settings' not in vector],
    ids=lambda vector: vector['id'],
)
def test_field_that_fooled_an_earlier_version_is_read_truly_or_refused(vector):
    for field in vector['fields']:
        try:
            hop = parse_received(field)
        except MalformedReceived:
            continue
        assert str(hop.peer) == vector['expected']['peer']
        assert hop.authenticated == vector['expected']['authenticated']
        assert not hop.reinjection


# A field with a second `by`, wherever it is from and however it is folded.
@pytest.mark.parametrize(
    'text',
    [
        'from x\tby\ty (unknown [192.0.2.1])',
        'from x by by (unknown [192.0.2.1])',
        'from by (unknown [192.0.2.1])',
        'from x (unknown [192.0.2.1])\n\tby y (z)',
        'from x (unknown [192.0.2.1])  by  y',
        'by y',
    ],
)
def test_field_with_a_second_by_is_malformed(text):
    with pytest.raises(MalformedReceived, match='more than one "by"'):
        parse_received(
            f'{text}\n\tby mx.example.org (Postfix) with ESMTP id 1; '
            'Sun, 22 Nov 2026 10:00:00 +0000'
        )


def test_field_that_two_formats_read_differently_is_malformed(monkeypatch):
    field = (
        'from [192.0.2.1] (a.example [192.0.2.2]) by x (Postfix) '
        'with ESMTP id 1; Sun, 22 Nov 2026 10:00:00 +0000'
    )
    assert str(parse_received(field).peer) == '192.0.2.2'
    add_row(
        monkeypatch,
        make_row(
            servers=('Postfix',),
            grammar=r'from \[(?P<peer>[0-9.]+)\] .*',
            overlaps=True,
        ),
    )
    with pytest.raises(MalformedReceived, match='read in two ways'):
        parse_received(field)


@pytest.mark.parametrize('vector', FIELDS, ids=[vector['id'] for vector in FIELDS])
def test_field_below_records_a_hop_unless_it_is_a_known_reinjection(vector):
    begins = vector['field'].lstrip(' \t\r\n(').lower().startswith('from')
    assert received.records_smtp_hop(vector['field']) == (
        begins and not vector.get('reinjection')
    )


def test_names_and_protocol_are_read():
    hop = parse_received(
        'from mua.example.org (a.example.net [192.0.2.1])\n'
        '\tby mx.example.org (Postfix) with esmtps id 4F3D21234;'
        ' Sun, 22 Nov 2026 10:00:00 +0000'
    )
    assert (hop.helo, hop.by, hop.protocol) == (
        'mua.example.org',
        'mx.example.org',
        'ESMTPS',
    )


def test_field_at_the_bound_is_read_and_one_above_is_not():
    field = (
        'from {} (unknown [192.0.2.1]) by mx.example.org (Postfix) '
        'with ESMTP id 4F3D21234; Sun, 22 Nov 2026 10:00:00 +0000'
    )
    room = MAX_FIELD_LENGTH - len(field.format(''))
    assert str(parse_received(field.format('x' * room)).peer) == '192.0.2.1'
    with pytest.raises(MalformedReceived, match='too long'):
        parse_received(field.format('x' * (room + 1)))


@pytest.mark.parametrize(
    'unit',
    [
        'from ',
        '(',
        ')',
        ' (',
        ') ',
        ' (x) ',
        '"',
        '\\"',
        '\\',
        '<',
        '>',
        '[',
        ' by x',
        ') by x with esmtp (Exim 4)',
        ' with',
        '; ',
        'a ',
        '\n\t',
        '\n ',
        '\t',
        ' for <"',
        '(envelope-from <"',
        ' (using x)',
        '1 Jan 2026 ',
        ' id 1',
        '[192.0.2.1]',
        'ident=',
        'helo=',
    ],
)
@pytest.mark.parametrize(
    'head',
    [
        'from x (y [192.0.2.1])',
        'from y ([192.0.2.1] helo=',
        'from [192.0.2.1] (helo=',
        'from x (y [192.0.2.1]) by z (Postfix) with ESMTP id 1 for <',
        'from y ([192.0.2.1]) by z with esmtp (Exim 4) (envelope-from <',
        'from x (y [192.0.2.1]) by z (8.1/8.1) with ESMTP id 1 for ',
        'from x (y [192.0.2.1]) (Authenticated sender: ',
        'from [192.0.2.1] (',
        'from x by z with ',
    ],
)
def test_repetitions_are_refused_without_backtracking(head, unit):
    # A row that backtracks exponentially would not come back from this.
    count = (MAX_FIELD_LENGTH - len(head)) // len(unit)
    text = ' '.join((head + unit * count).split())
    for row in FORMATS:
        assert row.pattern.fullmatch(text) is None
