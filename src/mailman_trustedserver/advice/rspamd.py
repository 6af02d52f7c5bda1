# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What rspamd takes for local: `local_addrs`, and the relays of `external_relay`.

The files are in UCL: `key = value`, `key { ... }`, arrays in brackets, comments.  Of
this as much is read as finds these keys with their values.  Nothing is looked up,
included or expanded.

What is local for rspamd is a network of clients as well as servers.  So all of it is
candidates only.
"""

from __future__ import annotations

import re

from collections.abc import Iterable, Iterator
from mailman_trustedserver.advice.importing import (
    decided_by_first,
    Entry,
    Snippet,
    to_entries,
    to_network,
    Unusable,
)
from typing import Optional


__all__ = ['import_rspamd']

# Far more than any file of rspamd has.
_MAX_DEPTH = 100

# The keys whose values are networks.
_KEYS = ('local_addrs', 'ip_map')
_NAMES_KEY = 'hostname_map'

_SPACE = re.compile(r'(?:[\s,;]|#[^\n]*)*')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"' + r"|'((?:[^'\\]|\\.)*)'", re.DOTALL)
_KEY = re.compile(r'[^\s=:{}\[\],;"\'#]+')
_AFTER_KEY = re.compile(r'[ \t]*[=:]?\s*')
_VALUE = re.compile(r'[^\n,;{}\[\]"#]+')
_MACRO = re.compile(r'\.\w[^\n;]*')
_HEREDOC = re.compile(r'<<([A-Z]+)\n')
_BEFORE_BRACE = re.compile(r'[ \t]*(?=\{)')
_COMMENT_MARK = re.compile(r'/\*|\*/')

# Where a value stands, the keys that lead to it, and its text.
_Value = tuple[int, tuple[str, ...], str]


def import_rspamd(files: Iterable[tuple[str, str]]) -> Snippet:
    """Make candidates of what rspamd takes for local.

    :param files: The name and the text of each file.
    :return: The snippet.
    :raises Unusable: if a file is no UCL, or none has these keys.
    """
    snippet = Snippet()
    entries: list[Entry] = []
    names = []
    for name, text in files:
        names.append(name)
        for line, path, value in _values(text, name):
            _read(snippet, entries, f'{name}:{line}', path, value)
    if not entries and not snippet.notes:
        raise Unusable(
            f'{" ".join(names)}: there is no local_addrs and no ip_map; name the file '
            'that has them, such as options.inc or external_relay.conf'
        )
    snippet.notes.append(
        'These are local for rspamd; list only those that are mail servers of yours, '
        'and take the # before them away:'
    )
    snippet.candidates['trusted_local_servers'] = to_entries(decided_by_first(entries))
    return snippet


def _read(
    snippet: Snippet,
    entries: list[Entry],
    place: str,
    path: tuple[str, ...],
    value: str,
) -> None:
    """Take up a value, or note why not."""
    key = path[-1] if path else ''
    if key.startswith('.'):
        snippet.leave_out(place, value, 'a macro, which is not followed; name the file')
    elif key == _NAMES_KEY:
        snippet.leave_out(place, f'{key} {value}', 'names can be forged')
    elif set(_KEYS).isdisjoint(path):
        return
    elif key not in _KEYS or re.match(r'/|\$|\w+:/', value):
        snippet.leave_out(
            place, f'{key} {value}', 'a map, which is not read; look at what it has'
        )
    else:
        snippet.notes.append(f'{place}: {key} {value}')
        for word in re.split(r'[,;\s]+', value.strip()):
            try:
                entries.append((to_network(word), True))
            except ValueError:
                snippet.leave_out(place, word, 'it is no address and no network')


def _values(text: str, name: str) -> Iterator[_Value]:
    """All values of a text in UCL, in order.

    :raises Unusable: if the text is none, as far as this reader can see.
    """
    reader = _Reader(text)
    try:
        yield from reader.values()
    except ValueError as error:
        raise Unusable(
            f'{name}:{reader.line}: {error}; name a file that rspamd reads, or copy '
            'local_addrs into a file of its own'
        ) from None


class _Reader:
    """A reader of UCL, with a stack for what is open."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._counted, self._line = 0, 1
        # How what is open closes, and the keys that lead there.
        self._open: list[tuple[str, tuple[str, ...]]] = []

    @property
    def line(self) -> int:
        self._line += self._text.count('\n', self._counted, self._position)
        self._counted = self._position
        return self._line

    def values(self) -> Iterator[_Value]:
        while self._skip_space():
            character = self._text[self._position]
            closing, path = self._open[-1] if self._open else ('', ())
            if character == closing:
                self._position += 1
                self._open.pop()
            elif closing == ']':
                yield from self._value(path)
            elif character == '{' and not self._open:
                # A document may be an object in braces.
                self._begin('}', path)
            elif match := self._match(_MACRO):
                yield self.line, ('.',), match[0]
            else:
                key = self._text_of(_KEY, 'a key')
                self._match(_AFTER_KEY)
                yield from self._value((*path, key))
        if self._open:
            raise ValueError(f'{self._open[-1][0]} is missing at the end')

    def _value(self, path: tuple[str, ...]) -> Iterator[_Value]:
        start = self._text[self._position : self._position + 1]
        if start in ('{', '['):
            self._begin('}' if start == '{' else ']', path)
            return
        line = self.line
        match = self._match(_HEREDOC)
        value = self._heredoc(match[1]) if match else self._text_of(_VALUE, 'a value')
        if self._match(_BEFORE_BRACE):
            # As in `section name { ... }`.
            self._begin('}', (*path, value))
        else:
            yield line, path, value

    def _begin(self, closing: str, path: tuple[str, ...]) -> None:
        if len(self._open) == _MAX_DEPTH:
            raise ValueError(f'more than {_MAX_DEPTH} braces and brackets are open')
        self._position += 1
        self._open.append((closing, path))

    def _text_of(self, pattern: re.Pattern[str], what: str) -> str:
        """What stands in quotes here, or else matches."""
        match = self._match(_QUOTED)
        if match:
            return match[1] or match[2] or ''
        match = self._match(pattern)
        if not match:
            raise ValueError(f'{what} is expected')
        return match[0].strip()

    def _heredoc(self, mark: str) -> str:
        end = re.compile(rf'^{mark}(?=[\s;,]|\Z)', re.MULTILINE)
        match = end.search(self._text, self._position)
        if not match:
            raise ValueError(f'<<{mark} is not closed')
        value = self._text[self._position : match.start()]
        self._position = match.end()
        return value

    def _match(self, pattern: re.Pattern[str]) -> Optional[re.Match[str]]:
        match = pattern.match(self._text, self._position)
        if match:
            self._position = match.end()
        return match

    def _skip_space(self) -> bool:
        """Go on to what is no space and no comment; False at the end."""
        while True:
            self._match(_SPACE)
            if not self._text.startswith('/*', self._position):
                return self._position < len(self._text)
            depth = 0
            for mark in _COMMENT_MARK.finditer(self._text, self._position):
                depth += 1 if mark[0] == '/*' else -1
                if depth == 0:
                    self._position = mark.end()
                    break
            else:
                raise ValueError('a comment is not closed')
