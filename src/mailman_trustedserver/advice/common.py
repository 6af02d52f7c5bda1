# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several advisers share: what they count, within bounds, and tables of it.

Of addresses, days and the like, no more than `MAX_KEPT` of a kind are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timezone
from mailman_trustedserver.addresses import Address, AddressList
from mailman_trustedserver.header import Header
from mailman_trustedserver.policy import Finding
from mailman_trustedserver.report import escape
from mailman_trustedserver.shared_senders import shared_with, SharedSender
from typing import Any, Optional


__all__ = [
    'MANY_NAMES',
    'MANY_OUTSIDERS',
    'Sighting',
    'count',
    'day_of',
    'draw_table',
    'has_room',
    'keep_name',
    'sender_shared_by',
]

MAX_KEPT = 10_000
# Of a host, so many names and clients are kept.
MAX_NAMES = 20

# A host with so many names is more than one host.
MANY_NAMES = 3
# A server that takes mail without AUTH from so many hosts outside takes it from
# everybody.
MANY_OUTSIDERS = 5

# What is drawn of each table.
MAX_DRAWN = 40


@dataclass
class Sighting:
    """What posts show of one host.

    :ivar posts: How many came through it.
    :ivar first: The day of the first of them, as YYYY-MM-DD; empty if none has a
        date.
    :ivar last: That of the last.
    :ivar names: The names that it called itself by: HELO.
    :ivar stamps: The names that the fields below its own were stamped with.
    :ivar outsiders: The addresses outside that it took mail from without AUTH; who
        adds a post says which are.
    """

    posts: int = 0
    first: str = ''
    last: str = ''
    names: set[str] = field(default_factory=set)
    stamps: set[str] = field(default_factory=set)
    outsiders: set[str] = field(default_factory=set)

    def add(
        self,
        day: str,
        finding: Optional[Finding] = None,
        client: Optional[Finding] = None,
    ) -> None:
        """Count one post.

        :param day: Its day; empty if it has none.
        :param finding: The field that names the host as its peer.
        :param client: The next field, if the host itself has stamped it.
        """
        self.posts += 1
        if day:
            self.first = min(self.first or day, day)
            self.last = max(self.last, day)
        if finding is not None and finding.hop is not None:
            keep_name(self.names, finding.hop.helo)
        if client is not None and client.hop is not None:
            keep_name(self.stamps, client.hop.by)

    @property
    def is_several_hosts(self) -> bool:
        """Whether others speak through it, as through a NAT or a gateway."""
        return len(self.names) >= MANY_NAMES or len(self.stamps) > 1

    @property
    def takes_from_outside(self) -> bool:
        """Whether it takes mail from everybody, as an MX does."""
        return len(self.outsiders) >= MANY_OUTSIDERS


def keep_name(names: set[str], name: Optional[str]) -> None:
    """Add a name to a set, unless there are `MAX_NAMES` or it is none.

    :param names: The set.
    :param name: The name.
    """
    if name and len(names) < MAX_NAMES:
        names.add(name.lower())


def day_of(header: Header) -> str:
    """The day of a post in UTC, by its newest Received field; empty if unknown.

    :param header: The header of the post.
    """
    at = header.received_at
    try:
        return '' if at is None else f'{datetime.fromtimestamp(at, timezone.utc):%F}'
    except (OverflowError, OSError, ValueError):
        return ''


def sender_shared_by(address: Address) -> Optional[SharedSender]:
    """The service whose customers share an address, if it is known.

    :param address: The address.
    """
    found = shared_with(AddressList((str(address),)))
    return found[0][1] if found else None


def has_room(kept: Collection[Any], key: Any) -> bool:
    """Whether something may be kept under a key: it is there, or there is room.

    :param kept: What is kept, by its key.
    :param key: The key.
    """
    return key in kept or len(kept) < MAX_KEPT


def count(counter: Counter[Any], key: Any) -> None:
    """Count something, if there is room for it.

    :param counter: The counter.
    :param key: What is counted.
    """
    if has_room(counter, key):
        counter[key] += 1


def draw_table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[str]:
    """A table as lines of text that are safe on a terminal; none if it is empty.

    :param head: The names of the columns.
    :param rows: The rows.
    """
    if not rows:
        return []
    texts = [head, *(tuple(escape(str(cell)) for cell in row) for row in rows)]
    shown = texts[: MAX_DRAWN + 1]
    widths = [max(map(len, column)) for column in zip(*shown)]
    numbers = [isinstance(cell, int) for cell in rows[0]]
    lines = [
        '  '.join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, numbers)
        ).rstrip()
        for row in shown
    ]
    more = len(texts) - len(shown)
    return ['', *lines, *([f'... and {more} more (--json has all)'] if more else [])]
