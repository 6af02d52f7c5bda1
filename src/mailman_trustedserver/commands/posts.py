# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The posts that `audit` and `suggest` learn from: of files, and of lists."""

import click
import os
import sys

from contextlib import contextmanager
from mailman.config import config
from mailman.interfaces.requests import IListRequests, RequestType
from mailman_trustedserver.adapter import find_list, held_header, is_usenet, values_of
from mailman_trustedserver.commands.common import open_input
from mailman_trustedserver.explaining import UNUSABLE
from mailman_trustedserver.output import cause, complain
from mailman_trustedserver.report import escape
from typing import NamedTuple


# As a shell says it of a program that Ctrl-C ended.
INTERRUPTED = 130


class Post(NamedTuple):
    """A post of a source.

    :ivar header: Its header, or the `Unreadable` in its place.
    :ivar source: The name of the source.
    :ivar mlist: The list that it is a post to, as a `MailingList`, if that is known.
    :ivar held: Whether Mailman holds it.
    :ivar usenet: Whether Mailman says that it is a Usenet article.
    """

    header: object
    source: str
    mlist: object = None
    held: bool = False
    usenet: bool = False


class Sources:
    """Files and lists, and whether each could be read.

    :param names: Names of files, `-`, or posting addresses or List-IDs of lists.
    :param mlist: The list of Mailman that the messages of files are posts to.
    :raises click.exceptions.Exit: for a name that is neither.
    """

    def __init__(self, names, mlist=None):
        self._sources = [
            name if name == '-' or os.path.exists(name) else _list_of(name)
            for name in names
        ]
        self._mlist = None if mlist is None else values_of(mlist)
        self._file = None
        self.exit_code = 0

    def posts(self):
        """Each post; what cannot be read is said on stderr.

        Ctrl-C ends it, so that what was learnt is shown.
        """
        try:
            with self._progress() as tick:
                for source in self._sources:
                    for post in self._posts_of(source):
                        yield post
                        tick(self._file)
        except KeyboardInterrupt:
            self.exit_code = INTERRUPTED
            complain('Interrupted: this is what was read until then.')

    def _posts_of(self, source):
        if isinstance(source, str):
            yield from self._read(source, self._mlist)
            return
        mlist = values_of(source)
        yield from _held(source, mlist)
        archive = os.path.join(config.ARCHIVE_DIR, 'prototype', source.fqdn_listname)
        if os.path.isdir(archive):
            yield from self._read(archive, mlist)

    def _read(self, path, mlist):
        from mailman_trustedserver.advice.sources import read_source, Unreadable

        read, problem = False, 'there is no message in it'
        try:
            for header in read_source(path, self._open):
                if isinstance(header, Unreadable):
                    problem = str(header)
                else:
                    read = True
                yield Post(header, path, mlist)
        except (OSError, RuntimeError) as error:
            read, problem = False, cause(error)
        if not read:
            complain(f'{escape(path)}: {problem}')
            self.exit_code = UNUSABLE

    def _open(self, path):
        if path == '-' and sys.stdin is not None and sys.stdin.isatty():
            raise RuntimeError('this is a terminal; name files, or pipe one in')
        self._file = open_input(path)
        return self._file

    @contextmanager
    def _progress(self):
        """What shows how far the files are read, on a terminal."""
        if not sys.stderr.isatty():
            yield lambda file: None
            return
        total = sum(_size(one) for one in self._sources if isinstance(one, str))
        with click.progressbar(length=total, label='Reading', file=sys.stderr) as bar:
            known = {'file': None, 'at': 0}

            def tick(file):
                if file is None or file.closed or not file.seekable():
                    return
                at = file.tell()
                bar.update(at - (known['at'] if file is known['file'] else 0))
                known.update(file=file, at=at)

            yield tick
            bar.update(total - bar.pos)


def _list_of(name):
    mlist = find_list(name)
    if mlist is None:
        complain(f'No such file, and no such list: {escape(name)}')
        raise click.exceptions.Exit(UNUSABLE)
    return mlist


def _held(mlist, values):
    """The posts that Mailman holds."""
    from mailman_trustedserver.advice.sources import Unreadable

    requests = IListRequests(mlist)
    for request in requests.of_type(RequestType.held_message):
        key, data = requests.get_request(request.id)
        lost = Unreadable(request.id, 'the content of a held post is lost')
        yield Post(
            held_header(key) or lost,
            mlist.fqdn_listname,
            values,
            held=True,
            usenet=is_usenet(data),
        )


def _size(path):
    if os.path.isdir(path):
        return sum(
            os.path.getsize(os.path.join(folder, name))
            for folder, _, names in os.walk(path)
            for name in names
        )
    return os.path.getsize(path) if os.path.isfile(path) else 0
