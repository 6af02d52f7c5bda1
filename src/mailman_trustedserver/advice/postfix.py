# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom Postfix lets relay: `mynetworks`, as `postconf -h mynetworks` prints it.

The syntax is that of Postfix' match lists: patterns between commas or white space,
`!` before what does not match, `/file` for the patterns in a file, `type:table`, and
IPv6 addresses in brackets.  The first pattern decides that an address meets.

Those that may relay are clients; a client on the list of local servers could forge
a route.  So all of them are candidates only.
"""

from __future__ import annotations

import re

from collections.abc import Iterator
from mailman_trustedserver.addresses import Network
from mailman_trustedserver.advice.importing import (
    decided_by_first,
    Entry,
    quote,
    Snippet,
    to_entries,
    to_network,
    Unusable,
)
from mailman_trustedserver.output import cause
from typing import Callable


__all__ = ['import_postfix']

# The files of patterns that name each other, down to the one that is read.
_Files = tuple[str, ...]


def import_postfix(text: str, name: str, read_file: Callable[[str], str]) -> Snippet:
    """Make candidates of `mynetworks`.

    :param text: What `postconf -h mynetworks` prints.
    :param name: The name of the file that has it, for notes.
    :param read_file: What reads a file of patterns by its name; it may raise
        `OSError` and `Unusable`.
    :return: The snippet.
    :raises Unusable: if the text is something else.
    """
    text = re.sub(r'\A\s*mynetworks\s*=', '', text)
    if re.search(r'^\s*\w+\s*=', text, re.MULTILINE):
        raise Unusable(
            f'{name}: this is not what `postconf -h mynetworks` prints; let it print '
            'into a file, and name that'
        )
    snippet = Snippet()
    patterns = _Patterns(snippet, read_file)
    patterns.read(name, text, True, ())
    if not patterns.entries and not snippet.notes:
        raise Unusable(f'{name}: mynetworks is empty: there is nothing to import')
    snippet.notes.append(
        'These may relay; list only those that are mail servers of yours, and take '
        'the # before them away:'
    )
    snippet.candidates['trusted_local_servers'] = to_entries(
        decided_by_first(patterns.entries)
    )
    return snippet


class _Patterns:
    """The patterns of a list and its files, in order."""

    def __init__(self, snippet: Snippet, read_file: Callable[[str], str]) -> None:
        self.entries: list[Entry] = []
        self._snippet = snippet
        self._read_file = read_file

    def read(self, name: str, text: str, included: bool, within: _Files) -> None:
        for number, line in enumerate(text.splitlines(), start=1):
            place = f'{name}:{number}'
            words = [] if line.startswith('#') else list(_split(line))
            if words:
                self._snippet.notes.append(f'{place}: {quote(" ".join(words))}')
            for word in words:
                if word.startswith('#'):
                    # Postfix ignores the rest, with a warning.
                    break
                pattern = word.lstrip('!')
                negated = (len(word) - len(pattern)) % 2 == 1
                self._add(place, pattern, included != negated, within)

    def _add(self, place: str, pattern: str, included: bool, within: _Files) -> None:
        try:
            if pattern in within:
                raise ValueError('the file names itself')
            if pattern.startswith('/'):
                text = self._read_file(pattern)
                self.read(pattern, text, included, (*within, pattern))
            else:
                self.entries.append((_network(pattern), included))
        except (OSError, ValueError) as error:
            why = cause(error)
            if not included:
                why += '; what it excludes is not excluded from what follows'
            mark = '' if included else '!'
            self._snippet.leave_out(place, mark + pattern, why)


def _split(line: str) -> Iterator[str]:
    """The patterns of a line; white space in braces separates none."""
    word, depth = '', 0
    for character in line + ' ':
        if depth == 0 and character in ', \t\r':
            if word:
                yield word
            word = ''
        else:
            depth += (character == '{') - (character == '}')
            word += character
    if word:
        yield word


def _network(pattern: str) -> Network:
    """Read an address or a network as Postfix does.

    :raises ValueError: if it is none, or something else that Postfix knows.
    """
    if pattern.startswith('$'):
        raise ValueError('a parameter; print it with postconf -xh mynetworks')
    if ':' in pattern and not pattern.startswith('['):
        if re.fullmatch('[0-9A-Fa-f.:/]+', pattern):
            raise ValueError('an IPv6 address, which Postfix wants in brackets')
        raise ValueError('a table, which is not read; look at what it has')
    match = re.fullmatch(r'\[([^]]*)\](/[0-9]+)?', pattern)
    text = match[1] + (match[2] or '') if match else pattern
    if not re.fullmatch(r'[][0-9A-Fa-f.:/]+', text):
        raise ValueError('a name, which can be forged; write the address of the server')
    try:
        network = to_network(text)
    except ValueError:
        raise ValueError('no address and no network') from None
    if network[0] != to_network(text.partition('/')[0])[0]:
        raise ValueError(
            f'host bits are set, which Postfix refuses; {network} may be meant'
        )
    return network
