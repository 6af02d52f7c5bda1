# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write a field with other names and addresses, and leave its form as it is.

A field is taken apart into words and what stands between them.  White space,
brackets, quotes and all other punctuation stay where they are, and so do the
words that mail servers write by themselves.  Addresses, names, people and ids
are replaced.  Whatever else there is becomes a word of the same shape, but right
after `by`, where the name of a server that nobody knows is what matters: there it
stays.  Both are named, so that somebody looks.
"""

from __future__ import annotations

import re

from collections.abc import Iterator
from dataclasses import dataclass, field
from dev.vector.replacements import Replacements, ROLES
from dev.vector.vocabulary import is_known, STRUCTURE
from ipaddress import ip_address
from typing import Optional


__all__ = ['DATE', 'Rewriter']

DATE = (
    r'(?:[A-Z][a-z]{2},?\s*)?[0-9]{1,2}\s+[A-Z][a-z]{2}\s+[0-9]{2,4}'
    r'\s+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?'
    r'(?:\s+(?:[+-][0-9]{4}|[A-Z]{1,5})(?![\w.\x80-\U0010ffff-]))?'
    r'(?:\s+\([A-Z]{1,5}\))?'
)

_WORD = r'[A-Za-z0-9_.+\-\x80-\U0010ffff]+'
_TOKEN = re.compile(
    rf'(?P<date>;\s*{DATE})'
    r'|(?<![\w=.-])id\s+(?P<id><[^<>\s]*>|[^\s;()<>\[\]",]+)'
    r'|(?<![0-9A-Za-z:.])(?:(?i:IPv6:)|)'
    r'(?P<six>(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f.]*)(?![0-9A-Za-z_:])'
    rf'|(?P<word>{_WORD})',
    re.ASCII,
)
_WORDS = re.compile(_WORD, re.ASCII)

_FOUR = re.compile(r'[0-9]{1,3}(?:\.[0-9]{1,3}){3}', re.ASCII)
_LABEL = r'[A-Za-z0-9_]+(?:-+[A-Za-z0-9_]+)*'
_NAME = re.compile(rf'(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?', re.ASCII)
_HOST = re.compile(_LABEL, re.ASCII)
_PLAIN = re.compile(r'[A-Za-z0-9_.+-]+', re.ASCII)
_VERSION = re.compile(r'v?[0-9]+(?:\.[0-9]+)*[a-z]?', re.ASCII)
_SYSTEM = re.compile(r'AS([0-9]+)')
# RFC 5398.
_SYSTEMS = range(64496, 64512)

# What stands before a user, and before a host.
_BEFORE_USER = re.compile(
    r'(?<![\w.+-])(?:(?:user|ident|smtp-auth)="?|[Ss]ender: "?|AUTH: [\w-]+ |IDENT: '
    r'|account |authenticated (?:user|as) )\Z',
    re.ASCII,
)
_BEFORE_HOST = re.compile(
    r'(?:(?:^|[\s(])(?:from|by|via|HELO|EHLO|LHLO|"EHLO) |\bhelo=|@|\[|\bCN ")\Z',
    re.ASCII | re.IGNORECASE,
)
_LOOK_BACK, _LOOK_AHEAD = 60, 3

# Where the server speaks of itself: behind its host name, but for mailboxes and
# what is in quotes.
_BY = re.compile(r'(?:^|\s)by\s+\S+', re.ASCII | re.IGNORECASE)
_OTHERS = re.compile(r'<[^<>]*>|"[^"]*"|\sfor\s+[^\s;]+', re.ASCII)
_BEFORE_PROTOCOL = re.compile(r'\swith \Z', re.ASCII)


@dataclass(frozen=True)
class _Place:
    """Where a word stands.

    :ivar before: What was written so far, with one space for white space.
    :ivar after: What comes next.
    :ivar server: Whether the server speaks of itself here.
    """

    before: str
    after: str
    server: bool

    @property
    def is_local_part(self) -> bool:
        return self.after.startswith('@')

    @property
    def is_domain(self) -> bool:
        return self.before.endswith('@')

    @property
    def is_user(self) -> bool:
        return _BEFORE_USER.search(self.before) is not None

    @property
    def is_host(self) -> bool:
        if _BEFORE_HOST.search(self.before):
            return True
        # Reverse DNS.
        return self.before.endswith('(') and self.after.lstrip('. \t\r\n')[:1] == '['

    @property
    def is_protocol(self) -> bool:
        return _BEFORE_PROTOCOL.search(self.before) is not None

    @property
    def is_version(self) -> bool:
        """Whether four numbers are no address."""
        _, opened, comment = self.before.rpartition('(')
        if not (self.server and opened) or ')' in comment or '[' in comment[-1:]:
            return False
        # A comment that is all address; the version of SMTPSVC stands in such a one.
        whole = self.before.endswith('(') and self.after.startswith(')')
        return not whole or self.before[-2:-1].isalpha()


@dataclass(frozen=True)
class Rewriter:
    """Rewrites the fields of one message.

    :ivar replacements: What stands in place of what.
    :ivar doubts: What a person should look at, as pairs of the field and a sentence.
    """

    replacements: Replacements = field(default_factory=Replacements)
    doubts: dict[tuple[str, str], None] = field(default_factory=dict)

    def rewrite(self, text: str, label: str, software: bool = False) -> str:
        """The field with what identifies somebody replaced.

        :param text: The value of the field.
        :param label: What the field is called where a doubt is named.
        :param software: Whether the whole field is what a program says of itself.
        """
        start = 0
        if not software:
            ends = [match.end() for match in _BY.finditer(text)]
            start = max(ends, default=len(text))
        others = [match.span() for match in _OTHERS.finditer(text, start)]
        # A word is judged by what was written before it, not by what was read there,
        # so that it is judged alike when it is rewritten again.
        written, position = '', 0
        for kind, first, last in _tokens(text):
            token = text[first:last]
            written += text[position:first]
            position = last
            if kind == 'id':
                token = self._id(token)
            elif kind == 'six':
                token = self.replacements.address_text(token)
            elif kind == 'word':
                before = re.sub(r'\s+', ' ', written[-_LOOK_BACK:], flags=re.ASCII)
                after = text[last : last + _LOOK_AHEAD]
                server = first >= start and not any(a <= first < b for a, b in others)
                token = self._word(token, _Place(before, after, server), label)
            written += token
        return written + text[position:]

    def doubt(self, label: str, sentence: str) -> None:
        """Name what a person should look at."""
        self.doubts[label, sentence] = None

    def _id(self, value: str) -> str:
        inner = value.strip('<>')
        # Exchange writes its version there.
        if inner.lower() in STRUCTURE or (
            '.' in inner
            and _VERSION.fullmatch(inner)
            and len(inner) < len('1.1.1.1' * 3)
        ):
            return value
        return value.replace(inner, self.replacements.id(inner)) if inner else value

    def _word(self, word: str, place: _Place, label: str) -> str:
        """The word, or what stands in its place."""
        if word.lower() in STRUCTURE:
            return word
        new = self._sure(word, place)
        if new is not None:
            return new
        if place.is_host and word.lower() in ROLES:
            return word
        if place.is_host and _HOST.fullmatch(word):
            new = self.replacements.name(word)
            if new != word:
                self.doubt(label, f'{word!a} became {new}: a name without a dot')
            return new
        if (place.server or place.is_protocol) and word.isascii():
            if not _VERSION.fullmatch(word) or _FOUR.fullmatch(word):
                self.doubt(label, f'{word!a} stays: is it a word of the server?')
            return word
        new = self.replacements.shape(word)
        self.doubt(label, f'{word!a} became {new!a}: free text')
        return new

    def _sure(self, word: str, place: _Place) -> Optional[str]:
        """What stands in its place, if there is no doubt."""
        if _FOUR.fullmatch(word) and not place.is_version:
            try:
                return self.replacements.address_text(word)
            except ValueError:
                return None
        person = place.is_local_part and not (place.is_domain and '.' in word)
        if (person or place.is_user) and _PLAIN.fullmatch(word):
            return self.replacements.person(word)
        if is_known(word):
            return word
        if _NAME.fullmatch(word) and not (place.server and _is_release(word)):
            return self.replacements.name(word)
        system = _SYSTEM.fullmatch(word)
        if system:
            number = self.replacements.number('system', system[1])
            return f'AS{_SYSTEMS[number % len(_SYSTEMS)]}'
        return None


def _is_release(word: str) -> bool:
    """Whether it is a program and its version, as in `MDaemon.PRO.v5.0.6.R`."""
    program, *others = word.split('.')
    return is_known(program) and any(map(_VERSION.fullmatch, others))


def _tokens(text: str) -> Iterator[tuple[str, int, int]]:
    """The kind, begin and end of what may have to be replaced."""
    for match in _TOKEN.finditer(text):
        kind = str(match.lastgroup)
        if kind == 'six' and not _is_address(match['six']):
            for word in _WORDS.finditer(text, match.start(), match.end()):
                yield from _core(word)
        elif kind == 'word':
            yield from _core(match)
        else:
            yield kind, match.start(kind), match.end(kind)


def _core(match: re.Match[str]) -> Iterator[tuple[str, int, int]]:
    # Without the punctuation at its ends.
    core = match[0].strip('._+-')
    if core:
        first = match.start() + match[0].index(core)
        yield 'word', first, first + len(core)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
