# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The posts and the configuration of the demo, the load and the tests."""

from __future__ import annotations

import itertools

from collections.abc import Iterable
from pathlib import Path


ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / 'mailman.cfg.example'
CONFIGURATION = EXAMPLE.read_text(encoding='utf-8')

# A member of no list: without trust, Mailman holds what she writes.
SENDER = 'alice@example.org'
LIST = 'staff@example.com'

_numbers = itertools.count(1)


def make_post(
    fields: Iterable[str],
    sender: str | None = SENDER,
    body: str = 'Hello.\n',
    trace: Iterable[str] = (),
    **headers: str | None,
) -> bytes:
    """The bytes of a post that took a route.

    :param fields: The Received fields, newest first.
    :param sender: The address in From.
    :param body: What follows the header.
    :param trace: Whole lines that stand below the Received fields.
    :param headers: Other fields, with an underscore for a hyphen; the value
        None leaves out a field that a post has by default.
    """
    number = next(_numbers)
    values = {
        'from': sender,
        'to': LIST,
        'subject': f'Post {number}',
        'message-id': f'<post-{number}@example.org>',
        'date': 'Tue, 1 Sep 2026 10:00:00 +0000',
        **{name.replace('_', '-'): value for name, value in headers.items()},
    }
    lines = [*(f'Received: {field}' for field in fields), *trace]
    lines += [
        f'{name.title()}: {value}'
        for name, value in values.items()
        if value is not None
    ]
    return '\n'.join([*lines, '', body]).encode('utf-8', 'surrogateescape')
