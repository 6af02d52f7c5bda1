# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The header of a message as a value, and the program of the manual."""

import email
import pytest
import subprocess
import sys

from dev.site.posts import ROOT
from hypothesis import given
from hypothesis import strategies as st
from mailman_trustedserver import Evidence, Header


def test_fields_keep_their_order_and_their_folding():
    header = Header.parse(
        b'Received: one\r\n\ttwo\r\nSubject: =?utf-8?q?x?=\r\n'
        b'RECEIVED: b\r\n\r\nbody: x'
    )
    assert [name for name, _ in header.fields] == ['received', 'subject', 'received']
    assert header.received == ('one\r\n\ttwo', 'b')
    assert header.values('subject') == ('=?utf-8?q?x?=',)


def test_8_bit_values_are_text():
    data = b'Received: from \xe9\nMessage-ID:  <x@y> \n\n'
    for header in (Header.parse(data), Header.of(email.message_from_bytes(data))):
        assert header.received == ('from \udce9',)
        assert header.message_id == '<x@y>'


@pytest.mark.parametrize('data', [b'', b'\n\nFrom: x', b'X-Other: y\n\n'])
def test_what_is_no_message_is_an_error(data):
    with pytest.raises(ValueError, match='no RFC 5322 message'):
        Header.parse(data)


def test_evidence_is_what_the_fields_show():
    header = Header.parse(
        b'From: x\nUser-Agent: a\nuser-agent: b\nAuto-Submitted: no\n'
        b'X-Mailman-Version:\n\n'
    )
    assert header.evidence(usenet=True) == Evidence(('a', 'b'), ('no',), True, True)
    assert Header.parse(b'From: x\n\n').evidence() == Evidence()


@pytest.mark.parametrize(
    ('fields', 'seconds'),
    [
        (['from x by y; Tue, 1 Sep 2026 10:00:00 +0000', '; never'], 1788256800),
        (['from x; y by z; 1 Sep 2026 12:00:00 +0200'], 1788256800),
        (['from x by y', '; Tue, 1 Sep 2026 10:00:00 +0000'], None),
        (['from x by y; Tue, 1 Sep 99999999999999999999 10:00:00 +0000'], None),
        (['; \x1c'], None),
        ([], None),
    ],
)
def test_message_was_received_when_the_newest_field_says(fields, seconds):
    header = Header(tuple(('received', field) for field in fields))
    assert header.received_at == seconds


@given(st.binary())
def test_any_bytes_give_a_header_or_an_error(data):
    try:
        header = Header.parse(data)
    except ValueError:
        return
    assert header.evidence().stranger is None or header.fields
    assert header.received_at is None or header.received


def program():
    """The program that the manual shows."""
    text = (ROOT / 'docs' / 'programs.md').read_text(encoding='utf-8')
    return text.split('```python')[1].split('```')[0]


@pytest.mark.parametrize(
    ('helo', 'peer', 'answer'),
    [
        (b'mua', b'192.168.10.1', b'trusted: '),
        (b'\xe9', b'192.168.10.1', b'trusted: '),
        (b'\xe9', b'203.0.113.9', b'not trusted: '),
    ],
)
def test_program_of_the_manual_runs_on_any_helo(helo, peer, answer):
    message = (
        b'Received: from ' + helo + b' (unknown [' + peer + b']) by x.example.org\n'
        b'\t(Postfix) with ESMTP id 1; Sun, 22 Nov 2026 10:00:00 +0000\n\nHello.\n'
    )
    run = subprocess.run(
        [sys.executable, '-c', program()], input=message, capture_output=True
    )
    assert run.stderr == b''
    assert run.stdout.startswith(answer)
