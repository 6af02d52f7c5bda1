# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where one message of a file ends and the next one begins."""

import io
import mailbox
import mailman_trustedserver.mbox
import pytest
import tracemalloc

from mailman_trustedserver.mbox import MAX_HEADER_LENGTH, read_messages


ONE = b'Subject: one\n\n'
TWO = b'Subject: two\n\n'
DATE = b'Tue Sep  1 10:00:00 2026'
SEPARATOR = b'From alice@example.org ' + DATE + b'\n'


def headers(data):
    """The headers in a file with these bytes."""
    return [found[:2] for found in read_messages(io.BytesIO(data))]


@pytest.mark.parametrize(
    'separator',
    [
        b'From alice@example.org Tue Sep  1 10:00:00 2026\n',
        b'From alice@example.org Tue Sep  1 10:00:00 2026\r\n',
        b'From MAILER-DAEMON Tue Sep 01 10:00:00 2026\n',
        b'From alice at example.org  Tue Sep  1 10:00:00 2026\n',
        b'From "a b"@example.org Tue Sep  1 10:00:00 2026\n',
        b'From - Tue Sep 01 10:00:00 2026\n',
        b'From ???@??? Tue Sep 01 10:00:00 2026\n',
        b'From alice@example.org Tue Sep  1 10:00 2026\n',
        b'From alice@example.org Tue Sep  1 10:00:00 CEST 2026\n',
        b'From alice@example.org Tue Sep  1 10:00:00 +0200 2026\n',
        b'From alice@example.org Tue Sep  1 10:00:00 2026 +0200\n',
        b'From alice Tue Sep  1 10:00:00 2026 remote from example\n',
    ],
    ids=repr,
)
def test_address_and_date_after_an_empty_line_begin_a_message(separator):
    data = separator + ONE + b'Hello.\n\n' + separator + TWO
    assert headers(data) == [(1, ONE), (2, TWO)]


@pytest.mark.parametrize(
    'line',
    [
        b'From here\n',
        b'From here on.\n',
        b'From the first of September 2026 at 10:00:00 on.\n',
        b'From Tuesday Sep  1 10:00:00 2026\n',
        b'From ' + DATE + b'\n',
        b'>From alice@example.org ' + DATE + b'\n',
        b' From alice@example.org ' + DATE + b'\n',
        b'from alice@example.org ' + DATE + b'\n',
        b'From: alice@example.org ' + DATE + b'\n',
        b'From alice@example.org ' + DATE[:-4] + b'\n',
        b'Hello.\n' + SEPARATOR,
        b' \n' + SEPARATOR,
    ],
    ids=repr,
)
def test_line_of_a_body_begins_no_message(line):
    data = SEPARATOR + ONE + b'Hello.\n\n' + line + TWO + SEPARATOR + TWO
    assert headers(data) == [(1, ONE), (2, TWO)]


def test_separator_is_no_part_of_a_single_message():
    assert headers(ONE + b'\n' + SEPARATOR + TWO) == [(0, ONE)]


def test_first_line_makes_an_mbox_whatever_follows_from():
    assert headers(b'From alice\n' + ONE) == [(1, ONE)]


@pytest.mark.parametrize(
    ('data', 'expected'),
    [
        (b'', [(0, b'')]),
        (b'\n' + ONE, [(0, b'\n')]),
        (b'Subject: one', [(0, b'Subject: one')]),
        (ONE.replace(b'\n', b'\r\n') + b'x', [(0, ONE.replace(b'\n', b'\r\n'))]),
        (b'From ', [(1, b'')]),
        (SEPARATOR, [(1, b'')]),
        (SEPARATOR + b'\n' + SEPARATOR + ONE, [(1, b'\n'), (2, ONE)]),
        (SEPARATOR + ONE + SEPARATOR + TWO, [(1, ONE), (2, TWO)]),
    ],
    ids=repr,
)
def test_file_may_be_short(data, expected):
    assert headers(data) == expected


def test_what_python_writes_is_read(tmp_path):
    box = mailbox.mbox(tmp_path / 'mbox')
    for message in (ONE, TWO):
        box.add(message + b'From here on.\n\n' + SEPARATOR)
    box.close()
    assert headers((tmp_path / 'mbox').read_bytes()) == [(1, ONE), (2, TWO)]


@pytest.mark.parametrize('more', [-1, 0, 1, 2])
def test_header_is_whole_or_longer_than_the_limit(monkeypatch, more):
    limit = 100
    monkeypatch.setattr(mailman_trustedserver.mbox, 'MAX_HEADER_LENGTH', limit)
    # Where a line is cut, what follows is neither an empty line nor a separator.
    for line in (b'x' * (limit + more), b'x\n' * 40 + b'x' * (limit - 80 + more)):
        message = line + b'\nSubject: one\n\n'
        ((number, header),) = headers(message)
        assert number == 0
        assert len(header) > limit
        (_, second), (_, third) = headers(SEPARATOR + message + SEPARATOR + TWO)
        assert len(second) > limit
        assert third == TWO


class Endless(io.RawIOBase):
    """A file without an end, of which no more than the limit is asked at once."""

    def __init__(self, data):
        self.data = data

    def readline(self, size=-1):
        assert 0 < size <= MAX_HEADER_LENGTH + 1
        return self.data[:size]


def test_file_without_an_end_is_given_up():
    ((_, header, _),) = read_messages(Endless(bytes(MAX_HEADER_LENGTH + 1)))
    assert len(header) == MAX_HEADER_LENGTH + 1
    ((_, header, _),) = read_messages(Endless(b'Subject: one\n'))
    assert len(header) > MAX_HEADER_LENGTH


def test_body_is_not_kept():
    data = SEPARATOR + ONE + (b'x' * 70 + b'\n') * 500_000 + b'\n' + SEPARATOR + TWO
    stream = io.BytesIO(data)
    tracemalloc.start()
    try:
        assert list(read_messages(stream)) == [(1, ONE, b''), (2, TWO, b'')]
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ('max_body', 'bodies'),
    [
        (0, [b'', b'']),
        (1, [b'One.\n', b'Three.\n']),
        # The empty line before the next message is the mbox's.
        (99, [b'One.\n\nTwo.\n\n', b'Three.\n']),
    ],
)
def test_bodies_are_kept_if_they_are_asked_for(max_body, bodies):
    begin = b'From anne@example.org Tue Sep  1 10:00:00 2026\nSubject: one\n\n'
    data = begin + b'One.\n\nTwo.\n\n' + begin + b'Three.\n'
    found = read_messages(io.BytesIO(data), max_body)
    assert [body for _, _, body in found] == bodies
