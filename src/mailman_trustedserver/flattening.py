# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A message of Mailman as the bytes that came over LMTP, as nearly as can be.

A signature holds for bytes, and Mailman keeps a message parsed.  `as_bytes()`
is for sending a message on: it folds long fields anew, and writes a blank line
after each part that is itself a multipart.  Here each field, line and boundary
is written as the parser found it.

What Python's parser does not keep cannot be given back:

- white space between the colon of a field and its value: one space is written,
  which only the simple form of a signed header minds;
- white space after a boundary, and a boundary that is written twice;
- whether an empty part has a line of its own: it gets one;
- in a part that is a message or a report, a header without the blank line after
  it, and more than one blank line between the blocks of a delivery report.

A bare LF becomes CR LF: messages that were not brought by SMTP have LF only.
"""

from __future__ import annotations

import re

from email.errors import (
    CloseBoundaryNotFoundDefect,
    MessageDefect,
    MissingHeaderBodySeparatorDefect,
)
from email.message import Message
from typing import Any


__all__ = ['as_received', 'with_crlf']

_CRLF = '\r\n'
_LAST_LINE_END = re.compile(r'\r?\n\Z')

# What Mailman's LMTP runner adds, the last first.
_ADDED = ('x-mailfrom', 'x-message-id-hash', 'message-id-hash')


def as_received(msg: Message) -> bytes:
    """Write a message as it came.

    :param msg: The message, parsed from bytes with the policy `compat32`, before
        or after it was in a queue of Mailman.  It is not changed.
    :return: The message, with CR LF at the end of each line, without the fields
        that Mailman's LMTP runner added at the end of its header.
    """
    fields = list(msg.raw_items())
    for name in _ADDED:
        if fields and fields[-1][0].lower() == name:
            del fields[-1]
    out: list[str] = []
    _write(msg, fields, out)
    # Bytes that are no ASCII stand in the text as surrogates.
    data = ''.join(out).encode('utf-8', 'surrogateescape')
    return with_crlf(data)


def with_crlf(data: bytes) -> bytes:
    """A message with CR LF at the end of each line.

    :param data: The message, with CR LF, LF or both.
    """
    return data.replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')


def _write(msg: Message, fields: list[tuple[str, Any]], out: list[str]) -> None:
    out += [f'{name}: {value}{_CRLF}' for name, value in fields]
    if not _lacks(msg, MissingHeaderBodySeparatorDefect):
        out.append(_CRLF)
    _write_body(msg, out)


def _write_body(msg: Message, out: list[str]) -> None:
    # get_payload() would decode a text that has 8-bit bytes.
    payload: Any = msg._payload  # type: ignore[attr-defined]
    multipart = msg.get_content_maintype() == 'multipart'
    if not isinstance(payload, list):
        # The parser takes the line end before the next boundary off a text, but
        # not off a multipart in which it found no part.
        text = payload or ''
        out.append(_LAST_LINE_END.sub('', text) if multipart else text)
    elif multipart:
        _write_parts(msg, payload, out)
    elif msg.get_content_type() == 'message/delivery-status':
        _write_blocks(payload, out)
    else:
        for part in payload:
            _write(part, list(part.raw_items()), out)


def _write_parts(msg: Message, parts: list[Any], out: list[str]) -> None:
    boundary = f'--{msg.get_boundary()}'
    if msg.preamble is not None:
        out += (msg.preamble, _CRLF)
    for position, part in enumerate(parts):
        # The line end before a boundary belongs to it (RFC 2046 5.1.1).
        out += (_CRLF if position else '', boundary, _CRLF)
        _write(part, list(part.raw_items()), out)
    if _lacks(msg, CloseBoundaryNotFoundDefect):
        return
    out += (_CRLF, boundary, '--')
    # None if the next boundary follows at once.
    if msg.epilogue is not None:
        out += (_CRLF, msg.epilogue)


def _write_blocks(blocks: list[Any], out: list[str]) -> None:
    """Write a delivery report (RFC 3464 2.1): fields with blank lines between."""
    for position, block in enumerate(blocks):
        if position:
            out.append(_CRLF)
        out += [f'{name}: {value}{_CRLF}' for name, value in block.raw_items()]
        _write_body(block, out)


def _lacks(msg: Message, defect: type[MessageDefect]) -> bool:
    return any(isinstance(one, defect) for one in msg.defects)
