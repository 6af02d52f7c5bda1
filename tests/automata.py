# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Can two regular expressions match the same text?  Decided for all texts.

Each expression becomes an automaton.  Two automata go through all texts together,
one character after the other, until both are at their end or no pair of states is
left that was not seen before.  A set of characters is a number with a bit for each
character of ASCII, and one for all others.

Look-ahead is followed to the letter.  Look-behind and references to a group are
taken for what always holds and for any text: there, more texts match than `re` says.
"""

from __future__ import annotations

import re

from collections.abc import Iterator
from functools import cache
from mailman_trustedserver.expressions import _parser
from typing import Any, NamedTuple, Optional


OTHER = 128
ANY = (1 << OTHER + 1) - 1
CATEGORIES = {
    'CATEGORY_DIGIT': '0123456789',
    'CATEGORY_WORD': ''.join(c for c in map(chr, range(128)) if re.match(r'\w', c)),
}
# What the reader lets into no text.
CONTROL = '\0\t\n\r'
BY = ' by '


def characters(text: str) -> int:
    """The set of these."""
    found = 0
    for character in text:
        found |= 1 << min(ord(character), OTHER)
    return found


def _set(items: list[tuple[Any, Any]]) -> int:
    found, negated = 0, False
    for operation, argument in items:
        if operation.name == 'NEGATE':
            negated = True
        elif operation.name == 'LITERAL':
            found |= characters(chr(argument))
        elif operation.name == 'RANGE':
            found |= characters(''.join(map(chr, range(argument[0], argument[1] + 1))))
        else:
            found |= characters(CATEGORIES[argument.name])
    return ANY & ~found if negated else found


class Place(NamedTuple):
    """Where an automaton is in a text."""

    state: int
    # For each look-ahead that is still open, its states.
    open: frozenset[tuple[int, frozenset[int]]] = frozenset()


class Automaton:
    """What an expression matches.

    :ivar exact: Whether it matches what `re` says, and no more.
    """

    def __init__(self, tree: Any) -> None:
        self.steps: list[list[tuple[int, int]]] = []
        # To where without a character, and the look-ahead that must hold there.
        self.jumps: list[list[tuple[int, Optional[int]]]] = []
        self.looks: list[tuple[bool, Automaton]] = []
        self.exact = True
        self.start = self._state()
        self.end = self._sequence(tree, self.start)
        self.reached = [self._reach(state) for state in range(len(self.jumps))]
        self.next = cache(self._next)

    @classmethod
    def of(cls, pattern: str) -> Automaton:
        return cls(_parser.parse(pattern, re.ASCII))

    def _state(self) -> int:
        self.steps.append([])
        self.jumps.append([])
        return len(self.jumps) - 1

    def _jump(self, state: int, target: int, look: Optional[int] = None) -> int:
        self.jumps[state].append((target, look))
        return target

    def _step(self, state: int, allowed: int) -> int:
        self.steps[state].append((allowed, self._state()))
        return len(self.jumps) - 1

    def _sequence(self, tree: Any, state: int) -> int:
        for operation, argument in tree:
            state = getattr(self, f'_{operation.name.lower()}')(argument, state)
        return state

    def _literal(self, argument: int, state: int) -> int:
        return self._step(state, characters(chr(argument)))

    def _not_literal(self, argument: int, state: int) -> int:
        return self._step(state, ANY & ~characters(chr(argument)))

    def _in(self, argument: Any, state: int) -> int:
        return self._step(state, _set(argument))

    def _any(self, argument: None, state: int) -> int:
        return self._step(state, ANY & ~characters('\n'))

    def _subpattern(self, argument: Any, state: int) -> int:
        return self._sequence(argument[3], state)

    def _branch(self, argument: Any, state: int) -> int:
        end = self._state()
        for tree in argument[1]:
            self._jump(self._sequence(tree, self._jump(state, self._state())), end)
        return end

    def _max_repeat(self, argument: Any, state: int) -> int:
        low, high, tree = argument
        for _ in range(low):
            state = self._sequence(tree, state)
        end = self._state()
        if high == _parser.MAXREPEAT:
            state = self._jump(state, self._state())
            self._jump(self._sequence(tree, state), state)
        else:
            for _ in range(high - low):
                self._jump(state, end)
                state = self._sequence(tree, state)
        return self._jump(state, end)

    def _look(self, wanted: bool, argument: Any, state: int) -> int:
        direction, tree = argument
        if direction < 0:
            self.exact = False
            return state
        self.looks.append((wanted, Automaton(tree)))
        return self._jump(state, self._state(), len(self.looks) - 1)

    def _assert(self, argument: Any, state: int) -> int:
        return self._look(True, argument, state)

    def _assert_not(self, argument: Any, state: int) -> int:
        return self._look(False, argument, state)

    def _groupref(self, argument: int, state: int) -> int:
        self.exact = False
        state = self._jump(state, self._state())
        self.steps[state].append((ANY, state))
        return state

    def _reach(self, first: int) -> list[tuple[int, frozenset[int]]]:
        """The states to which no character leads, with the look-aheads on the way."""
        found = {(first, frozenset[int]())}
        left = list(found)
        while left:
            state, looks = left.pop()
            for target, look in self.jumps[state]:
                one = target, looks if look is None else looks | {look}
                if one not in found:
                    found.add(one)
                    left.append(one)
        return [one for one in found if self.steps[one[0]] or one[0] == self.end]

    def _enter(self, state: int, seen: frozenset[Any]) -> Iterator[Place]:
        for target, looks in self.reached[state]:
            begun = self._settle(
                (look, frozenset(self.looks[look][1].states())) for look in looks
            )
            if begun is not None:
                yield Place(target, seen | begun)

    def states(self) -> Iterator[int]:
        """Those at the beginning of a text; a look-ahead has none in itself."""
        for state, looks in self.reached[self.start]:
            assert not looks
            yield state

    def _settle(self, looks: Any) -> Optional[frozenset[Any]]:
        """Those that are open still; None if one does not hold."""
        still = set()
        for look, states in looks:
            wanted, automaton = self.looks[look]
            if automaton.end in states or not states:
                if wanted != (automaton.end in states):
                    return None
            else:
                still.add((look, states))
        return frozenset(still)

    def first(self) -> list[Place]:
        """Where it is before a text."""
        return list(self._enter(self.start, frozenset()))

    def _next(self, place: Place, allowed: int) -> list[Place]:
        """Where it is after one of these characters."""
        targets = [to for only, to in self.steps[place.state] if only & allowed]
        if not targets:
            return []
        seen = self._settle(
            (look, frozenset(self.looks[look][1].after(states, allowed)))
            for look, states in place.open
        )
        if seen is None:
            return []
        return [to for target in targets for to in self._enter(target, seen)]

    def after(self, states: frozenset[int], allowed: int) -> Iterator[int]:
        """The states after one of these characters; of a look-ahead."""
        for state in states:
            for only, target in self.steps[state]:
                if only & allowed:
                    for reached, looks in self.reached[target]:
                        assert not looks
                        yield reached

    def is_end(self, place: Place) -> bool:
        """Whether a text may end here."""
        return place.state == self.end and not any(
            self.looks[look][0] for look, _ in place.open
        )

    def matches(self, text: str) -> bool:
        """Whether it matches all of a text."""
        places = set(self.first())
        for character in text:
            allowed = characters(character)
            places = {to for place in places for to in self.next(place, allowed)}
        return any(map(self.is_end, places))

    def sets(self) -> Iterator[int]:
        """The sets of characters that it tells apart."""
        for steps in self.steps:
            yield from (allowed for allowed, _ in steps)
        for _, automaton in self.looks:
            yield from automaton.sets()


def _alphabet(*automata: Automaton) -> list[tuple[str, int]]:
    """A character of each set whose members no automaton tells apart."""
    parts = [ANY & ~characters(CONTROL)]
    apart = {one for automaton in automata for one in automaton.sets()}
    for one in (*map(characters, BY), *apart):
        parts = [both for part in parts for both in (part & one, part & ~one) if both]
    return [(chr((part & -part).bit_length() - 1), part) for part in parts]


def common_text(one: Automaton, other: Automaton) -> Optional[str]:
    """A text that both match; None if there is none.

    A text has one ` by ` at most, or begins with `by ` and has none, as the reader
    sees to it.
    """
    alphabet = _alphabet(one, other)
    # With the last place before it and the character between them; and how much of
    # ` by ` the text ends with, and whether it had one.
    found: dict[Any, Any] = {
        (mine, yours, 1, False): None for mine in one.first() for yours in other.first()
    }
    left = list(found)
    while left:
        pair = left.pop()
        mine, yours, length, had_by = pair
        if one.is_end(mine) and other.is_end(yours):
            text = ''
            while found[pair] is not None:
                pair, character = found[pair]
                text = character + text
            return text
        for character, allowed in alphabet:
            after = length + 1 if character == BY[length] else int(character == ' ')
            has_by = after == len(BY)
            if has_by and had_by:
                continue
            for to_mine in one.next(mine, allowed):
                for to_yours in other.next(yours, allowed):
                    to = to_mine, to_yours, 1 if has_by else after, had_by or has_by
                    if to not in found:
                        found[to] = pair, character
                        left.append(to)
    return None
