# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The messages that were reported, against what their lines say."""

import pytest

from dev.vector.message import expectation
from mailman_trustedserver.header import Header
from tests.vectors import load, REPORTED


EXPECTED = load('reported/expected')


def header(name):
    return Header.parse((REPORTED / name).read_bytes())


def test_each_message_has_one_line():
    messages = sorted(path.name for path in REPORTED.iterdir() if path.suffix == '.eml')
    assert sorted(line['file'] for line in EXPECTED) == messages
    assert len(messages) >= 4


def test_nothing_else_is_there():
    others = {path.name for path in REPORTED.iterdir() if path.suffix != '.eml'}
    assert others == {'expected.jsonl'}


@pytest.mark.parametrize('line', EXPECTED, ids=[line['file'] for line in EXPECTED])
def test_each_field_gives_what_its_line_says(line):
    fields = header(line['file']).received
    assert [expectation(field) for field in fields] == line['fields']
