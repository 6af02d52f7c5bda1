# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The messages in a file: of one message, or of an mbox.

An mbox begins with `From `.  Its next message begins where a line after an
empty one has an address and a date as in RFC 4155; `From here on` in a body has
none.  Python's `mailbox` takes each line that begins with `From ` for a new
message, and it has to seek, which a pipe does not allow.

Bounds: one header is in memory at a time, and of each line and header no more
than `MAX_HEADER_LENGTH` octets and one.  A body is kept only if it is asked for.
"""

from __future__ import annotations

import re

from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO


__all__ = ['MAX_HEADER_LENGTH', 'read_messages']

# Far more than a mail server lets through.
MAX_HEADER_LENGTH = 16 * 1024 * 1024

EMPTY_LINES = (b'\n', b'\r\n')

# The address may have spaces in it, as in the archives of Mailman 2.1
# (`alice at example.org`), a zone may stand before the year, and anything after.
SEPARATOR = re.compile(
    rb'From \S.* '
    rb'(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) +'
    rb'(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +'
    rb'[0-9]{1,2} +[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})? +'
    rb'(?:[-+A-Za-z0-9]+ +)?[0-9]{4}\s'
)


def read_messages(
    stream: BinaryIO, max_body: int = 0
) -> Iterator[tuple[int, bytes, bytes]]:
    """The header of each message, and its body if that is asked for.

    :param stream: The file; it is read once, from where it stands.  Without
        `max_body`, the body of a message that is in no mbox is not read.
    :param max_body: How many octets of a body are wanted at least.
    :return: The number of the message, from one on in an mbox, zero if it is
        in none, its header with the empty line after it, and its body.  What is
        longer than it may be was cut somewhere behind that.
    :raises OSError: if the file cannot be read.
    """
    lines = _lines(stream)
    first = next(lines, b'')
    number = int(first.startswith(b'From '))
    header, body = bytearray(), bytearray()
    in_header, after_empty = True, False
    for line in lines if number else chain([first], lines):
        if number and after_empty and SEPARATOR.match(line):
            yield number, bytes(header), bytes(body)
            number += 1
            header.clear()
            body.clear()
            in_header, after_empty = True, False
            continue
        after_empty = line in EMPTY_LINES
        if in_header:
            header += line
            in_header = not after_empty and len(header) <= MAX_HEADER_LENGTH
        elif len(body) < max_body:
            body += line
        if not (in_header or number) and len(body) >= max_body:
            break
    yield number, bytes(header), bytes(body)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    while line := stream.readline(MAX_HEADER_LENGTH + 1):
        yield line
        # The rest of a line that is too long begins no line.
        while line and not line.endswith(b'\n'):
            line = stream.readline(MAX_HEADER_LENGTH)
