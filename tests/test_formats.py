# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the reader leaves out, proved from the grammars of the table."""

import pytest
import re

from functools import cache
from itertools import islice
from mailman_trustedserver.formats import BLOCKS, expand, FORMATS
from mailman_trustedserver.received import (
    choose,
    clean,
    LAST,
    MalformedReceived,
    read,
    ROWS,
)
from tests.automata import Automaton, common_text
from tests.test_received import mutants


# What stands for a peer address and is none is refused by whatever row reads it first.
ADDRESS = BLOCKS['address'].replace('[0-9A', '(?=[0-9A-Fa-f]*[.:])[0-9A', 1)

PROTOCOLS = {protocol for row in FORMATS for protocol in row.protocols}
WORDS = {word for row in FORMATS for word in row.words}

# What follows the name of the host: a word that no server is known by, a value of
# `with`, neither.
BY = '(?:.* |)by '
OTHER_WORD = BY + rf'[^ ]+ \((?!(?:{"|".join(sorted(WORDS))})[^A-Za-z0-9_]).*'
WITH = BY + r'[^ ]+ with {}(?![A-Za-z0-9-]){}.*'
NEITHER = rf'(?!{BY}[^ ]+ (?:\(|with [A-Za-z0-9-])).*'
ALONE, WITH_COMMENT = r'(?! ? \()', r'(?= ? \()'
BEGINS = {True: r'(?=\(?from )', False: r'(?!\(?from )'}


def other_than(protocols):
    """A pattern for other values of `with`."""
    none = rf'(?!(?:{"|".join(sorted(protocols))})[^A-Za-z0-9-])' if protocols else ''
    return none + '[A-Za-z0-9-]+'


def choices():
    """Pairs of a pattern for texts and the rows that can read these.

    Every text has such a pattern, but for those where a server names itself.
    """
    for begins_with_from, rows in ROWS.items():
        begin = BEGINS[begins_with_from]
        yield begin + OTHER_WORD, rows.comment
        yield begin + NEITHER, rows.other
        for by_protocol, others, after in protocols_of(rows):
            yield begin + WITH.format(other_than(PROTOCOLS), after), others
            for protocol in PROTOCOLS:
                pattern = begin + WITH.format(protocol, after)
                yield pattern, by_protocol.get(protocol, others)


def protocols_of(rows):
    yield rows.by_protocol, rows.protocol, ALONE
    yield rows.by_protocol_and_comment, rows.protocol_and_comment, WITH_COMMENT


def skipped(row):
    """Patterns for the texts for which a row is not tried."""
    for begins_with_from, rows in ROWS.items():
        begin = BEGINS[begins_with_from]
        if row not in rows.comment:
            yield begin + OTHER_WORD
        if row not in rows.other:
            yield begin + NEITHER
        for by_protocol, others, after in protocols_of(rows):
            if row not in others:
                tried = {one for one in by_protocol if row in by_protocol[one]}
                yield begin + WITH.format(other_than(tried), after)


@cache
def automaton(row, address=BLOCKS['address']):
    return Automaton.of(expand(row.grammar).replace(BLOCKS['address'], address))


def has_by(row):
    return '(?P<by>' in expand(row.grammar)


def matches(pattern, text):
    return re.fullmatch(pattern, text, re.ASCII) is not None


def texts(count):
    for field in mutants(count):
        try:
            text = clean(field)
            yield text, choose(text)
        except MalformedReceived:
            continue


CHOICES = list(choices())


def test_automata_match_what_the_patterns_match():
    # Each of a few texts is read by rows that are meant for it and by one that is not.
    for number, (text, rows) in enumerate(islice(texts(0), 0, None, 20)):
        for row in (FORMATS[number % len(FORMATS)], *rows[:3]):
            found = automaton(row).matches(text)
            expected = row.pattern.fullmatch(text) is not None
            assert found == expected or (found and not automaton(row).exact)
        pattern, _ = CHOICES[number % len(CHOICES)]
        assert Automaton.of(pattern).matches(text) == matches(pattern, text)


def test_every_text_has_one_choice_of_rows():
    for text, rows in texts(20_000):
        found = [chosen for pattern, chosen in CHOICES if matches(pattern, text)]
        named = not rows or any(row.servers for row in rows)
        assert found == ([] if named else [rows])


@pytest.mark.parametrize(
    'row',
    # A form without `by` could have one in the comment after its date.
    [row for row in FORMATS if not (row.last or row.servers) and has_by(row)],
    ids=lambda row: row.name,
)
def test_row_can_match_no_text_for_which_it_is_skipped(row):
    for pattern in skipped(row):
        assert common_text(Automaton.of(pattern), automaton(row)) is None, pattern


@pytest.mark.parametrize('row', FORMATS, ids=lambda row: row.name)
def test_every_field_of_a_form_has_its_marker(row):
    # A process of Courier has a number that begins with 0, in eight digits; its
    # grammar does not say so.
    if row.marker and row.name != 'Courier':
        without = Automaton.of(f'(?!.*{re.escape(row.marker)}).*')
        assert common_text(without, automaton(row)) is None


def test_row_says_whether_one_after_it_can_read_the_same_field():
    tried_together = {LAST, *(rows for _, rows in CHOICES)}
    for rows in ROWS.values():
        tried_together.update(rows.by_word.values())
    pairs = {
        (row, other)
        for rows in tried_together
        for place, row in enumerate(rows)
        for other in rows[place + 1 :]
    }
    overlapping = {
        row
        for row, other in pairs
        if common_text(automaton(row, ADDRESS), automaton(other)) is not None
    }
    assert [row.name for row in FORMATS if row.overlaps != (row in overlapping)] == []


@pytest.mark.parametrize(
    ('field', 'form'),
    [
        (
            'from y ([192.0.2.1]) by y (b) with mapi (Nemesis) id 6; '
            '6 Feb 2026 06:06:06 -0600',
            'Nemesis',
        ),
        (
            'from y (192.0.2.1) by y with mapi; Fri, 6 Feb 2026 06:06:06 +0000',
            'Exchange, MAPI',
        ),
    ],
)
def test_field_that_two_forms_read_alike_is_read_by_the_first(field, form):
    hop, row = read(field)
    assert (str(hop.peer), hop.authenticated, row.name) == ('192.0.2.1', False, form)
