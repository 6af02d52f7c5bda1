# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Mailman 2 trusted: the handler that came before this plugin.

The handler had two lists in `mm_cfg.py`, `TRUSTEDLOCALSERVER` and
`TRUSTEDREMOTESERVER`.  An entry was an address, or a regular expression that
begins with `^` and was matched with `re.match` against the address as the server
wrote it: `192.0.2.1`, or `IPv6:` and eight groups of four digits.  `IPv6:::1` was
read as `127.0.0.1`.

The file is a program.  It is read as a tree and never run: lists of strings are
found in assignments on its top level, and everything else is said.
"""

from __future__ import annotations

import ast
import re
import warnings

from collections.abc import Iterator
from mailman_trustedserver.addresses import AddressList, parse_address
from mailman_trustedserver.advice.importing import Snippet, Unusable
from mailman_trustedserver.expressions import requires
from typing import Optional


__all__ = ['import_mailman_2']

_KEYS = {
    'TRUSTEDLOCALSERVER': 'trusted_local_servers',
    'TRUSTEDREMOTESERVER': 'trusted_remote_servers',
}

# As the handler found them, and nothing else.
_IPV6 = re.compile(r'IPv6:(?:[0-9A-Fa-f]{4}:){7}[0-9A-Fa-f]{4}')

# What no text of an IPv6 address comes through.
_IPV4_ONLY = '(?![0-9a-f]{0,4}:)'

# A list: the line of each item, and the item if it is a string.
_List = list[tuple[int, Optional[str]]]


class _Unreadable(ValueError):
    """Only a run of the program would tell."""


def import_mailman_2(data: bytes, name: str) -> Snippet:
    """Import the lists of the handler.

    :param data: The file `mm_cfg.py`.
    :param name: Its name.
    :return: The snippet.
    :raises Unusable: if it cannot be read or has neither list.
    """
    try:
        with warnings.catch_warnings():
            # Of `\.` in a string that is not raw, which means the same.
            warnings.simplefilter('ignore')
            tree = ast.parse(data)
    except (MemoryError, RecursionError, SyntaxError, ValueError) as error:
        place = f'{name}:{getattr(error, "lineno", None) or 1}'
        problem = getattr(error, 'msg', type(error).__name__)
        raise Unusable(
            f'{place}: this is no Python 3 ({problem}); copy the assignments of '
            'TRUSTEDLOCALSERVER and TRUSTEDREMOTESERVER into a file of their own, and '
            'name that'
        ) from None
    snippet = Snippet()
    reader = _Reader(snippet, name, data.splitlines())
    for statement in tree.body:
        reader.read(statement)
    for variable, entries in reader.lists.items():
        if variable in _KEYS:
            snippet.keys[_KEYS[variable]] = [
                entry for item in entries for entry in reader.carry_over(*item)
            ]
    if not snippet.notes and not any(snippet.keys.values()):
        raise Unusable(
            f'{name}: it gives no entries to TRUSTEDLOCALSERVER and '
            'TRUSTEDREMOTESERVER; name the file that has these lists'
        )
    return snippet


class _Reader:
    """The statements of the file, as far as they make lists of strings."""

    def __init__(self, snippet: Snippet, name: str, source: list[bytes]) -> None:
        self.lists: dict[str, _List] = {}
        self._snippet = snippet
        self._name = name
        self._source = source

    def read(self, statement: ast.stmt) -> None:
        names = set(_names(statement))
        variables, value = _assigned(statement)
        try:
            entries = self._list(value)
        except (_Unreadable, RecursionError):
            for variable in sorted(names):
                self.lists.pop(variable, None)
                if variable in _KEYS:
                    self._leave_out(
                        statement.lineno,
                        f'only a run of the program would tell what {variable} is '
                        'from here on; write the list out',
                    )
            return
        for variable in variables:
            if isinstance(statement, ast.AugAssign):
                entries = self.lists.get(variable, []) + entries
            self.lists[variable] = entries

    def _list(self, node: Optional[ast.expr]) -> _List:
        if isinstance(node, ast.Name) and node.id in self.lists:
            return self.lists[node.id]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._list(node.left) + self._list(node.right)
        if isinstance(node, (ast.List, ast.Tuple)):
            return [(item.lineno, _string(item)) for item in node.elts]
        raise _Unreadable

    def carry_over(self, line: int, text: Optional[str]) -> Iterator[str]:
        """The entry that means the same as an item; none if there is none."""
        if text is None:
            self._leave_out(line, 'this is no string; write the address')
        else:
            yield from _carry_over(self._snippet, f'{self._name}:{line}', text)

    def _leave_out(self, line: int, why: str) -> None:
        what = self._source[line - 1].strip().decode('utf-8', 'replace')
        self._snippet.leave_out(f'{self._name}:{line}', what, why)


def _string(node: ast.expr) -> Optional[str]:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else None


def _assigned(statement: ast.stmt) -> tuple[list[str], Optional[ast.expr]]:
    """The variables that a statement assigns one value to, and the value."""
    targets: list[ast.expr] = []
    value = None
    if isinstance(statement, ast.Assign):
        targets, value = statement.targets, statement.value
    elif isinstance(statement, ast.AnnAssign) or (
        isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add)
    ):
        targets, value = [statement.target], statement.value
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return (names, value) if len(names) == len(targets) else ([], None)


def _names(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id


def _carry_over(snippet: Snippet, place: str, text: str) -> Iterator[str]:
    """The entry that means the same here; none if it meant no address."""
    if text.startswith('^'):
        yield from _carry_expression(snippet, place, text)
        return
    try:
        address = parse_address(text)
    except ValueError:
        address = None
    if address is None or (':' in text and not _IPV6.fullmatch(text)):
        snippet.leave_out(
            place,
            text,
            'the handler compared it with addresses as text, and no address was '
            'written so; write the address of the server',
        )
        return
    snippet.notes.append(f'{place}: {text}')
    yield str(address)


def _carry_expression(snippet: Snippet, place: str, text: str) -> Iterator[str]:
    entry = text
    try:
        if not (text.isascii() and text.isprintable()) or ' ' in text:
            raise ValueError('it has characters that no address has')
        AddressList.parse([text])
        if not requires(text, '.'):
            # It may match an IPv6 address here, where the text has no `IPv6:`.
            entry = f'^{_IPV4_ONLY}(?:{text})'
            AddressList.parse([entry])
    except ValueError as error:
        snippet.leave_out(place, text, str(error))
        return
    snippet.notes.append(f'{place}: {text}')
    if entry != text:
        snippet.notes.append(
            f'{place}: it matched IPv4 addresses only, and {_IPV4_ONLY} says so here'
        )
    if not text.endswith('$'):
        snippet.notes.append(
            f'Warning: {place}: {text} has no $ at its end: as in Mailman 2, it takes '
            f'in every address that begins so{_example(text)}'
        )
    yield entry


def _example(text: str) -> str:
    """An address that an expression without an end takes in, too."""
    begin = text[1:].replace('\\.', '.')
    for end in ('77', '7', '0', ''):
        try:
            address = parse_address(begin + end)
        except ValueError:
            continue
        if re.match(text, str(address)):
            return f', such as {address}'
    return ''
