# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a field that is in no known form can be read, for people who report one.

A grammar is cut into its parts, and the row is the nearest one whose first parts
read most of the field.  This compiles dozens of patterns, so it is no part of a
decision.  Nothing that is found here is evidence of anything.
"""

from __future__ import annotations

import re

from collections.abc import Iterator
from dataclasses import dataclass
from mailman_trustedserver.formats import BLOCKS, expand, Format
from mailman_trustedserver.received import (
    choose,
    clean,
    gettext_noop,
    LAST,
    MalformedReceived,
)
from typing import NamedTuple, Optional


__all__ = ['Reading', 'nearest']


@dataclass(frozen=True)
class Reading:
    """What a row can read of a field.

    :ivar row: The row.
    :ivar text: The field, unfolded.
    :ivar end: How many characters of it the row reads.
    :ivar expected: What the row wants next: text in quotation marks, or a name.
    """

    row: Format
    text: str
    end: int
    expected: str

    def __str__(self) -> str:
        return f'{self.text[: self.end]} ◄ expected {self.expected}'.lstrip()


class _Part(NamedTuple):
    """A piece of a grammar that is wholly read or not at all."""

    grammar: str
    # The block that it is from, if any.
    block: str

    @property
    def literal(self) -> str:
        """The text that it stands for, if there is one only."""
        if len(self.grammar) == 2 and self.grammar[0] == '\\':
            return '' if self.grammar[1].isalnum() else self.grammar[1]
        return self.grammar if len(self.grammar) == 1 and self.grammar != '.' else ''


# What people call the parts of a field, by the block that stands for them.
_NAMES = {
    'address': gettext_noop('an address'),
    'by': gettext_noop('the name of a host'),
    'client': gettext_noop('the client'),
    'comment': gettext_noop('a comment'),
    'date': gettext_noop('a date'),
    'hex': gettext_noop('an id of Courier'),
    'host': gettext_noop('the name of a host'),
    'id': gettext_noop('an id'),
    'path': gettext_noop('a mailbox'),
    'mailbox': gettext_noop('a mailbox'),
    'local': gettext_noop('a mailbox'),
    'protocol': gettext_noop('a protocol'),
    'rdns': gettext_noop('a host name from DNS'),
    'word': gettext_noop('a word'),
}

# One sign of a regular expression, with what repeats it.
_SIGN = re.compile(
    r'\(|(?:\\.|\[(?:\\.|[^\]\\])+\]|\{[a-z]+\}|[^(])(?:[?*+]|\{[0-9,]+\}|)'
)
# A group that holds text, and whether it may be missing.
_GROUP = re.compile(r'\((?:\?:|\?P<[a-z]+>)(?P<inside>.*)\)(?P<optional>[?*]?)')


def nearest(field: str) -> Optional[Reading]:
    """The row that reads most of a field, and where it stops.

    :param field: The value of the field, as for `parse_received`.
    :return: None if the field is read, or is refused before a row is asked, or
        can be read in two ways.
    """
    try:
        text = re.sub('  +', ' ', clean(field))
        rows = choose(text)
    except MalformedReceived:
        return None
    if not any(row.servers for row in rows):
        # Where a server is known, its own rows say most.
        rows += LAST
    if any(row.pattern.fullmatch(text) for row in (*rows, *LAST)):
        return None
    found = {row: _furthest(list(_parts(row.grammar)), text) for row in rows}
    # Of two that overlap, the commoner one is meant.
    row = max(rows, key=lambda row: (found[row].progress, not row.overlaps))
    if not found[row].end and LAST[0] in found:
        # Where none reads anything, that of the standard says most.
        row = LAST[0]
    return Reading(row, text, found[row].end, _expected(found[row].rest))


class _Found(NamedTuple):
    """How far parts read a field, one after the other."""

    # Whether they read `by`: where outsiders write what they like, a row could else
    # take most of a field for that.
    by: bool
    end: int
    # The parts that are left.
    rest: list[_Part]

    @property
    def progress(self) -> tuple[bool, int]:
        """What makes one row nearer than another one."""
        return self.by, self.end


def _furthest(parts: list[_Part], text: str, first: int = 0) -> _Found:
    """How far the parts read.

    :param first: How many parts are known to read something.
    """
    low, high = first, len(parts)
    found = _Found(False, 0, parts)
    while low <= high:
        # What cannot read one part cannot read more of them.
        middle = (low + high) // 2
        match = _match(parts[:middle], text)
        if match is None:
            high = middle - 1
        else:
            low = middle + 1
            by = 'by' in match.re.groupindex and match['by'] is not None
            found = _Found(by, len(match[0].rstrip()), parts[middle:])
    low = high
    # The part that fails may be read half, and so may those before it that may be
    # missing.
    place = min(low, len(parts) - 1)
    while place >= first:
        branches = _branches(parts[place])
        for branch in branches:
            inner = [*parts[:place], *_parts(branch, parts[place].block)]
            further = _furthest(inner, text, place)
            if further.rest and further.progress > found.progress:
                found = further
        if place < low and '' not in branches:
            break
        place -= 1
    return found


def _match(parts: list[_Part], text: str) -> Optional[re.Match[str]]:
    grammar = ''.join(part.grammar for part in parts)
    return re.compile(expand(grammar), re.ASCII).match(text)


def _signs(grammar: str) -> Iterator[tuple[str, int]]:
    """The signs of a grammar, those of a group as one, and where each ends."""
    depth, start = 0, 0
    for sign in _SIGN.finditer(grammar):
        depth += (sign[0] == '(') - (sign[0][0] == ')')
        if not depth:
            yield grammar[start : sign.end()], sign.end()
            start = sign.end()


def _branches(part: _Part) -> list[str]:
    """The alternatives of a group; an empty one says that it may be missing."""
    group = _GROUP.fullmatch(part.grammar)
    if group is None:
        return [''] if part.grammar.endswith(('?', '*')) else []
    branches = list(_split(group['inside']))
    return [*branches, ''] if group['optional'] else branches


def _split(grammar: str) -> Iterator[str]:
    start = 0
    for sign, end in _signs(grammar):
        if sign == '|':
            yield grammar[start : end - 1]
            start = end
    yield grammar[start:]


def _parts(grammar: str, block: str = '') -> Iterator[_Part]:
    for sign, _ in _signs(grammar):
        if sign.startswith('{'):
            yield from _parts(BLOCKS[sign[1:-1]], sign[1:-1])
        else:
            yield _Part(sign, block)


def _expected(parts: list[_Part]) -> str:
    """What comes next, in words."""
    text = ''
    for part in parts:
        if part.literal:
            text += part.literal
        elif text.strip() or '' not in _branches(part):
            break
    if text.strip():
        return f'“{text.strip()}”'
    if not parts:
        return gettext_noop('the end')
    return _NAMES.get(part.block, gettext_noop('something else'))
