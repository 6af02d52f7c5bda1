# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a command prints, where the output may be full, gone or in ASCII only."""

from __future__ import annotations

import os
import sys

from typing import TextIO


__all__ = ['Unwritable', 'cause', 'complain', 'write']


class Unwritable(Exception):
    """Nothing more can be written; somebody was told on stderr."""


def cause(error: Exception) -> str:
    """Why a file cannot be opened, read or written, without its name.

    :param error: The error, an OSError or another one with a sentence.
    """
    return getattr(error, 'strerror', None) or str(error)


def complain(text: str) -> None:
    """Print to stderr; there is nobody to tell if that fails.

    :param text: A line.
    """
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        _give_up(sys.stderr)


def write(text: str, end: str = '\n') -> None:
    """Print; if nobody reads on, that is no error.

    :param text: The text, of which a terminal may not know every character.
    :param end: What follows it.
    :raises Unwritable: if the output cannot be written, as on a full disk.
    """
    encoding = sys.stdout.encoding or 'ascii'
    try:
        print(
            text.encode(encoding, 'backslashreplace').decode(encoding),
            end=end,
            flush=True,
        )
    except OSError as error:
        _give_up(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            complain(f'The output cannot be written: {cause(error)}')
            raise Unwritable from None


def _give_up(stream: TextIO) -> None:
    # What could not be written would fail again when the process ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
