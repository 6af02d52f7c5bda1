# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a field that is not read can be read."""

import pytest

from hypothesis import given, settings
from hypothesis import strategies as st
from mailman_trustedserver.formats import FORMATS
from mailman_trustedserver.nearest import nearest
from mailman_trustedserver.received import MalformedReceived, parse_received
from tests.servers import LURES, SERVERS
from tests.vectors import load


DATE = '; Sun, 22 Nov 2026 10:00:00 +0000'
POSTFIX = 'from a (b [192.0.2.1]) by mx (Postfix)'


@pytest.mark.parametrize(
    ('field', 'name', 'said'),
    [
        # Without its date, and with text before it.
        (
            f'{POSTFIX} with ESMTP id 4F3D21234',
            'Postfix',
            f'{POSTFIX} with ESMTP id 4F3D21234 ◄ expected “;”',
        ),
        (
            f'{POSTFIX}\n\twith ESMTP  id 4F3D21234 x{DATE}',
            'Postfix',
            f'{POSTFIX} with ESMTP id 4F3D21234 ◄ expected “;”',
        ),
        # Inside of a part that may be missing.
        (
            f'{POSTFIX} with ESMTP id{DATE}',
            'Postfix',
            f'{POSTFIX} with ESMTP id ◄ expected an id',
        ),
        (
            f'{POSTFIX} with ESMTP; Sun, 22 Nov',
            'Postfix',
            f'{POSTFIX} with ESMTP; Sun, 22 Nov ◄ expected a date',
        ),
        (
            f'{POSTFIX} with ESMTP{DATE} x',
            'Postfix',
            f'{POSTFIX} with ESMTP{DATE} ◄ expected the end',
        ),
        # What a server does not write before `by`.
        (
            f'from a (b [192.0.2.1]) (new) by mx (Postfix) with ESMTP{DATE}',
            'Postfix',
            'from a (b [192.0.2.1]) ◄ expected “by”',
        ),
        (
            f'from a ([192.0.2.1] helo=x) by mx with esmtp (Exim 4.96) idd 1{DATE}',
            'Exim',
            'from a ([192.0.2.1] helo=x) by mx with esmtp (Exim 4.96) id '
            '◄ expected an id',
        ),
        # A server that nobody knows.
        (
            f'from a ([192.0.2.1]) by mx (Nonesuch 1.0) via x{DATE}',
            'RFC 5321',
            'from a ([192.0.2.1]) by mx (Nonesuch 1.0) ◄ expected “;”',
        ),
        ('junk', 'RFC 5321', '◄ expected “from”'),
    ],
)
def test_nearest_row_says_where_it_stops(field, name, said):
    reading = nearest(field)
    assert (reading.row.name, str(reading)) == (name, said)


@pytest.mark.parametrize('row', FORMATS, ids=lambda row: row.name)
def test_row_is_the_nearest_one_of_its_example_with_text_after_it(row):
    reading = nearest(f'{row.example} x')
    assert (reading.row, reading.end) == (row, len(row.example))
    assert reading.expected == 'the end'


@pytest.mark.parametrize(
    'field',
    [
        FORMATS[0].example,
        # Not asked about, or read in full by a row, but refused all the same.
        f'from a by b by c (Postfix){DATE}',
        f'from a (b [192.0.2.999]) by mx (Postfix) with ESMTP{DATE}',
    ],
)
def test_field_that_stops_nowhere_has_no_nearest_row(field):
    assert nearest(field) is None


def check(field):
    reading = nearest(field)
    try:
        parse_received(field)
    except MalformedReceived as error:
        assert reading or 'in no form' not in str(error)
    else:
        assert reading is None
    assert reading is None or 0 <= reading.end <= len(reading.text)


@pytest.mark.parametrize(
    'vector',
    [vector for vector in load('fields') + load('collected') if 'malformed' in vector],
    ids=lambda vector: vector['id'],
)
def test_malformed_vector_has_a_nearest_row_if_no_other_reason(vector):
    check(vector['field'])


@given(
    st.one_of(
        st.text(),
        st.lists(st.sampled_from(LURES)).map(''.join),
        st.one_of(*SERVERS.values()).map(lambda drawn: drawn[0]),
    )
)
@settings(max_examples=50, deadline=None)
def test_any_text_has_a_nearest_row_if_it_is_in_no_known_form(text):
    check(text)
