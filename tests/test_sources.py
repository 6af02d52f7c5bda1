# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The posts in archives, folders and queues."""

import gzip
import lzma
import mailbox
import os
import pickle
import pytest
import tracemalloc

from dev.site.posts import make_post
from email import message_from_bytes
from email.errors import MissingHeaderBodySeparatorDefect
from email.header import Header as EncodedHeader
from mailman_trustedserver.advice import sources
from mailman_trustedserver.advice.sources import read_source, Unreadable
from tests.conftest import BAD, GOOD


POST = make_post(GOOD, message_id='<1@example.org>')
OTHER = make_post(BAD, message_id='<2@example.org>')
SEPARATOR = b'From alice@example.org Tue Sep  1 10:00:00 2026\n'
MBOX = SEPARATOR + POST + b'\n' + SEPARATOR + OTHER


def open_file(path):
    return open(path, 'rb')


def read(path):
    """The Message-IDs of a source, and what is wrong with the rest."""
    return [
        str(one) if isinstance(one, Unreadable) else one.message_id
        for one in read_source(str(path), open_file)
    ]


@pytest.mark.parametrize(
    ('name', 'data', 'found'),
    [
        ('post.eml', POST, ['<1@example.org>']),
        ('post.mbox', MBOX, ['<1@example.org>', '<2@example.org>']),
        ('post.mbox.gz', gzip.compress(MBOX), ['<1@example.org>', '<2@example.org>']),
        ('post.mbox.xz', lzma.compress(MBOX), ['<1@example.org>', '<2@example.org>']),
        ('a name says nothing', gzip.compress(POST), ['<1@example.org>']),
        ('empty', b'', ['this is no RFC 5322 message']),
        ('binary', bytes(range(256)), ['this is no RFC 5322 message']),
        (
            'damaged.mbox',
            SEPARATOR + b'\nnothing\n\n' + MBOX,
            ['this is no RFC 5322 message', '<1@example.org>', '<2@example.org>'],
        ),
    ],
)
def test_each_message_of_a_file_is_read(tmp_path, name, data, found):
    (tmp_path / name).write_bytes(data)
    assert read(tmp_path / name) == found


def test_unreadable_message_has_its_number(tmp_path):
    (tmp_path / 'mbox').write_bytes(MBOX + b'\n' + SEPARATOR + b'\nnothing\n')
    *_, last = read_source(str(tmp_path / 'mbox'), open_file)
    assert last.place == 3


@pytest.mark.parametrize('pack', [gzip.compress, lzma.compress])
def test_packed_file_that_is_cut_is_an_error_after_what_was_read(tmp_path, pack):
    data = pack(MBOX + b'\n'.join(b'%d' % (i * i) for i in range(9999)))
    (tmp_path / 'cut').write_bytes(data[: len(data) // 2])
    with pytest.raises(OSError, match='packed, and broken'):
        read(tmp_path / 'cut')


def test_header_that_is_too_long_is_unreadable(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, 'MAX_HEADER_LENGTH', 20)
    (tmp_path / 'post').write_bytes(POST)
    assert read(tmp_path / 'post') == ['the header is longer than 20 octets']


def test_maildir_is_read_in_the_order_of_delivery(tmp_path):
    maildir = mailbox.Maildir(tmp_path / 'staff', create=True)
    maildir.add(POST)
    maildir.add(OTHER)
    os.rename(
        tmp_path / 'staff' / 'new' / sorted(os.listdir(tmp_path / 'staff' / 'new'))[0],
        tmp_path / 'staff' / 'cur' / '1:2,S',
    )
    assert read(tmp_path / 'staff') == ['<2@example.org>', '<1@example.org>']


def test_directory_that_is_no_maildir_is_an_error(tmp_path):
    with pytest.raises(OSError, match='no Maildir'):
        read(tmp_path)


def _pickled(message):
    return pickle.dumps(message, 4) + pickle.dumps({'listid': 'x'}, 4)


def message(data=POST):
    found = message_from_bytes(data)
    found['X-Encoded'] = EncodedHeader('ü', 'utf-8')
    found.defects.append(MissingHeaderBodySeparatorDefect())
    return found


@pytest.mark.parametrize(
    'data',
    [
        _pickled(message()),
        # As Mailman puts plain text into a queue.
        pickle.dumps(POST.decode(), 0) + pickle.dumps({'_parsemsg': True}, 0),
        pickle.dumps(POST, 4),
    ],
)
def test_entry_of_a_queue_is_read(tmp_path, data):
    (tmp_path / '1.pck').write_bytes(data)
    assert read(tmp_path / '1.pck') == ['<1@example.org>']


@pytest.mark.mailman
def test_entry_that_mailman_itself_wrote_is_read(tmp_path, mailman_layer):
    from mailman.core.switchboard import Switchboard
    from tests.conftest import make_message

    queue = Switchboard('shunt', str(tmp_path / 'shunt'))
    post = make_message(GOOD, message_id='<1@example.org>')
    name = queue.enqueue(post, listid='staff.example.com')
    assert read(tmp_path / 'shunt' / f'{name}.pck') == ['<1@example.org>']


class Evil:
    def __reduce__(self):
        return os.mkdir, ('/nonexistent/made',)


@pytest.mark.parametrize(
    ('data', 'problem'),
    [
        (pickle.dumps(Evil()), 'it has a posix.mkdir in it'),
        (
            b'cemail.errors\nMessageError.__init__\n.',
            'it has a email.errors.MessageError.__init__ in it',
        ),
        (_pickled(message())[:50], 'truncated'),
        (b'', 'Ran out of input'),
        (POST, 'no entry of a queue'),
    ],
)
def test_pickle_of_anything_else_runs_nothing(tmp_path, data, problem):
    (tmp_path / '1.pck').write_bytes(data)
    (found,) = read(tmp_path / '1.pck')
    assert 'no entry of a queue of Mailman' in found
    assert problem in found


def test_archive_is_never_in_memory_as_a_whole(tmp_path):
    path = tmp_path / 'mbox'
    with path.open('wb') as file:
        for _ in range(5000):
            file.write(MBOX + b'\n')
    tracemalloc.start()
    for _ in read_source(str(path), open_file):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < path.stat().st_size / 5
