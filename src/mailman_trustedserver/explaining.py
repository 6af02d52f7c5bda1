# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Explain the messages in files: what `mailman trustedserver explain` and
`python -m mailman_trustedserver` do."""

from __future__ import annotations

import json
import textwrap

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from mailman_trustedserver.decision import Decision
from mailman_trustedserver.flattening import with_crlf
from mailman_trustedserver.header import Header
from mailman_trustedserver.mbox import MAX_HEADER_LENGTH, read_messages
from mailman_trustedserver.output import cause, complain, Unwritable, write
from mailman_trustedserver.report import describe, draw, escape
from typing import BinaryIO, Callable, Optional


__all__ = ['NOT_TRUSTED', 'TRUSTED', 'UNUSABLE', 'explain_files']

# The exit codes.
TRUSTED, NOT_TRUSTED, UNUSABLE = 0, 1, 2


# The second value is the message, with CR LF.
Decide = Callable[[Header, bytes], Decision]
OpenFile = Callable[[str], AbstractContextManager[BinaryIO]]


def explain_files(
    names: Iterable[str],
    decide: Decide,
    open_file: OpenFile,
    as_json: bool = False,
    max_body: int = 0,
) -> int:
    """Print the decision on each message of each file.

    :param names: The names of the files, RFC 5322 messages or mbox files.
    :param decide: What decides on a message: on its header, and on the message
        with CR LF if there is a `max_body`, else on its header alone.
    :param open_file: What opens a file by its name.  It may raise OSError, and
        RuntimeError if there is no standard input.
    :param as_json: Whether to print one JSON document instead of drawings.
    :param max_body: How many octets of a body `decide` may need.
    :return: The exit code: 0 if every message is trusted, 1 if one is not, 2
        if an input is unusable or the output cannot be written.
    """
    try:
        return _explain_files(names, decide, open_file, as_json, max_body)
    except Unwritable:
        return UNUSABLE


def _explain_files(
    names: Iterable[str],
    decide: Decide,
    open_file: OpenFile,
    as_json: bool,
    max_body: int,
) -> int:
    exit_code = TRUSTED
    # The one JSON document is written piece by piece, so that no more than one
    # message is in memory.
    separator = '[\n'
    for name in names:
        for decision in _decisions(name, decide, open_file, max_body):
            if decision is None:
                exit_code = UNUSABLE
                continue
            if as_json:
                document = json.dumps({'file': name, **describe(decision)}, indent=2)
                write(separator + textwrap.indent(document, '  '), end='')
                separator = ',\n'
            else:
                write(draw(decision, name))
            if not decision.verdict.trusted:
                exit_code = max(exit_code, NOT_TRUSTED)
    if as_json:
        write('[]' if separator == '[\n' else '\n]')
    return exit_code


def _decisions(
    name: str, decide: Decide, open_file: OpenFile, max_body: int
) -> Iterator[Optional[Decision]]:
    """The decision on each message of a file; None for what cannot be read."""
    try:
        with open_file(name) as stream:
            for number, header, body in read_messages(stream, max_body):
                try:
                    yield decide(_header(header), with_crlf(header + body))
                except ValueError as error:
                    place = f'message {number}: ' if number else ''
                    complain(f'{escape(name)}: {place}{error}')
                    yield None
    except (OSError, RuntimeError) as error:
        complain(f'{escape(name)}: {cause(error)}')
        yield None


def _header(data: bytes) -> Header:
    if len(data) > MAX_HEADER_LENGTH:
        raise ValueError(f'the header is longer than {MAX_HEADER_LENGTH} octets')
    return Header.parse(data)
