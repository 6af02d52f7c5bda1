# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The posts in what an administrator has: archives, folders, queues.

A source is an mbox or a message, plain or packed by gzip or xz, a Maildir, or an
entry of a queue of Mailman (`.pck`).  The bodies are left out, and one message is
in memory at a time.
"""

from __future__ import annotations

import gzip
import lzma
import os
import pickle

from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.message import Message
from io import BufferedReader, BytesIO
from mailman_trustedserver.header import Header
from mailman_trustedserver.mbox import MAX_HEADER_LENGTH, read_messages
from typing import Any, BinaryIO, Callable, Union


__all__ = ['Unreadable', 'read_source', 'unpacked']

# What a packed file begins with (RFC 1952 2.3.1; the .xz format 2.1.1.1).
_PACKED: tuple[tuple[bytes, Any], ...] = (
    (b'\x1f\x8b', gzip.open),
    (b'\xfd7zXZ\x00', lzma.open),
)
_LONGEST = max(len(magic) for magic, _ in _PACKED)

# An entry of a queue is read whole: far more than a mail server lets through.
MAX_ENTRY_LENGTH = 256 * 1024 * 1024

# What the pickle of a message is made of.
_PICKLED = {
    ('copyreg', '_reconstructor'),
    ('builtins', 'object'),
    ('email._policybase', 'Compat32'),
    ('email.charset', 'Charset'),
    ('email.header', 'Header'),
    ('email.message', 'Message'),
}


class Unreadable(ValueError):
    """A message, or the rest of a source, cannot be read.

    :ivar place: The number of the message in its source; 0 if it has none.
    """

    def __init__(self, place: int, problem: str) -> None:
        super().__init__(problem)
        self.place = place


def read_source(
    path: str, open_file: Callable[[str], Any]
) -> Iterator[Union[Header, Unreadable]]:
    """The header of each message of a source.

    :param path: A file, a Maildir, or what `open_file` knows.
    :param open_file: What opens a file by its name.
    :return: The headers, and what could not be read among them.
    :raises OSError: if the source cannot be read, or not to its end.
    """
    if os.path.isdir(path):
        for file in _files_of(path):
            yield from _read(file, open_file)
    else:
        yield from _read(path, open_file)


def _files_of(path: str) -> Iterator[str]:
    folders = [os.path.join(path, name) for name in ('new', 'cur')]
    if not all(map(os.path.isdir, folders)):
        raise NotADirectoryError(
            0,
            'this is a directory, and no Maildir: there are no new and cur in it; name '
            'the files in it',
        )
    for folder in folders:
        with os.scandir(folder) as entries:
            # The names begin with the time of the delivery.
            for name in sorted(entry.name for entry in entries if entry.is_file()):
                yield os.path.join(folder, name)


def _read(
    path: str, open_file: Callable[[str], Any]
) -> Iterator[Union[Header, Unreadable]]:
    with open_file(path) as file:
        if path.endswith('.pck'):
            yield _entry(file.read(MAX_ENTRY_LENGTH))
            return
        with unpacked(file) as stream:
            for number, data, _ in read_messages(stream):
                yield _header(number, data)


@contextmanager
def unpacked(file: Any) -> Iterator[BinaryIO]:
    """A file as it was before gzip or xz packed it, if one did.

    :param file: The file, opened for its octets.
    :return: What has the octets.
    :raises OSError: while they are read, if it is packed, and broken.
    """
    stream = file if hasattr(file, 'peek') else BufferedReader(file)
    start = stream.peek(_LONGEST)[:_LONGEST]
    unpack = next((one for magic, one in _PACKED if start.startswith(magic)), None)
    if unpack is None:
        yield stream
        return
    try:
        with closing(unpack(stream)) as found:
            yield found
    except (EOFError, lzma.LZMAError) as error:
        # An OSError, such as that of a bad gzip file, is one already.
        raise OSError(0, f'it is packed, and broken ({error})') from None


def _header(number: int, data: bytes) -> Union[Header, Unreadable]:
    if len(data) > MAX_HEADER_LENGTH:
        return Unreadable(
            number, f'the header is longer than {MAX_HEADER_LENGTH} octets'
        )
    try:
        return Header.parse(data)
    except ValueError as error:
        return Unreadable(number, str(error))


class _Unpickler(pickle.Unpickler):
    """Makes messages, and runs nothing that a pickle could name."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ('mailman.email.message', 'Message'):
            return Message
        # A name with a dot would lead out of the module.
        defect = module == 'email.errors' and name.isalnum()
        if defect or (module, name) in _PICKLED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f'it has a {module}.{name} in it')


def _entry(data: bytes) -> Union[Header, Unreadable]:
    """The message of an entry of a queue, which Mailman has parsed or not."""
    try:
        found = _Unpickler(BytesIO(data)).load()
        if isinstance(found, (bytes, str)):
            text = found if isinstance(found, bytes) else found.encode('utf-8')
            return _header(0, text)
        return Header.of(found)
    except Exception as error:
        # A pickle that is cut or made up raises anything.
        return Unreadable(0, f'this is no entry of a queue of Mailman ({error})')
