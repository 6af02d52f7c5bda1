# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The administrator's regular expressions: compiled, or refused when they load.

An outsider chooses the address that an expression is matched against, and a
match that runs long cannot be stopped.  So `compile_expression` bounds what any
address can cost, by the tree of the expression: how many ways through a part
there are (choices that the matcher may come back to), and how many characters
and positions it looks at on all of them.  It also refuses what can match no
address at all: an exclusion such as `!^192\\.0\\.2\\.1$,` would exclude nothing.
"""

from __future__ import annotations

import re
import sys
import warnings

from importlib import import_module
from typing import Any


__all__ = [
    'MAX_LENGTH',
    'MAX_STEPS',
    'MAX_TEXT',
    'compile_expression',
    'count_steps',
    'has_no_end',
    'requires',
]

# The canonical text of an address: IPv6 in full, eight groups of four digits.
MAX_TEXT = 39
ALPHABET = frozenset('0123456789abcdef:.')

# A list of addresses is easier to read long before this.
MAX_LENGTH = 256

# About a twentieth of a second.  Eight groups of one to four digits, which
# people write for IPv6, are a sixth of this.
MAX_STEPS = 2_000_000

MAX_UNBOUNDED = 2

# Python's own parser, which got another name; typeshed does not have it.
_parser: Any = import_module(
    're._parser' if sys.version_info >= (3, 11) else 'sre_parse'
)

_LEAVES = {'ANY', 'AT', 'FAILURE', 'IN', 'LITERAL', 'NOT_LITERAL'}
_REPEATS = {'MAX_REPEAT', 'MIN_REPEAT', 'POSSESSIVE_REPEAT'}
_LOOKS = {'ASSERT', 'ASSERT_NOT'}

_LIST_THEM = 'list the addresses or networks instead'
_RUNS_LONG = "may run long on an address of the sender's choice"


def compile_expression(text: str) -> re.Pattern[str]:
    """Compile an expression that no address can make run long.

    :param text: The expression, from its `^` on.
    :return: The compiled expression.
    :raises ValueError: if it is none, may run long or has a character that no
        address has; the message says what is wrong and what would be right.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f'has more than {MAX_LENGTH} characters; {_LIST_THEM}')
    try:
        with warnings.catch_warnings():
            # What Python warns of will have another meaning one day, or none.
            warnings.simplefilter('error')
            tree = _parser.parse(text)
            pattern = re.compile(text)
        count_steps(tree)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise ValueError(
            f'is not a regular expression: {error}; write one such as ^192\\.0\\.2\\.'
        ) from None
    return pattern


def count_steps(tree: Any) -> int:
    """How many steps can an expression take at most, whatever the address?

    :param tree: The expression as Python's parser has it.
    :return: The number; in a step the matcher looks at one part of the
        expression, at one position of the address.
    :raises ValueError: as for `compile_expression`.
    """
    return _Walk().sequence(tree, False)[1]


def requires(text: str, character: str) -> bool:
    """Has every text that an expression matches a character in it?

    :param text: An expression that `compile_expression` takes.
    :param character: The character.
    :return: Whether that is certain.
    """
    return _requires(_parser.parse(text), ord(character))


def _requires(tree: Any, code: int) -> bool:
    for operation, argument in tree:
        name = operation.name
        if name == 'LITERAL':
            found = argument == code
        elif name in _REPEATS:
            found = argument[0] > 0 and _requires(argument[2], code)
        elif name == 'SUBPATTERN':
            found = _requires(argument[3], code)
        else:
            found = name == 'BRANCH' and all(
                _requires(one, code) for one in argument[1]
            )
        if found:
            return True
    return False


def has_no_end(text: str) -> bool:
    """Whether an address may go on with a digit where an expression ends.

    So `^192\\.0\\.2\\.1` takes in 192.0.2.177 as well.  `^192\\.0\\.2\\.` ends
    with what separates numbers, and `^192\\.0\\.2\\.[0-9]{1,3}` takes all digits
    that there can be.

    :param text: An expression that compiles.
    """
    return _goes_on(_parser.parse(text), False)


def _goes_on(tree: Any, before: bool) -> bool:
    """Whether a digit could follow these parts; `before`: what precedes them."""
    for operation, argument in tree:
        name = operation.name
        if name in _REPEATS:
            low, high, part = argument
            digits = len(part) == 1 and part[0][0].name in _LEAVES
            # An octet has three digits at most.
            takes_all = digits and high >= 3 and _goes_on(part, False)
            before = not takes_all and (_goes_on(part, before) or (before and low == 0))
        elif name == 'BRANCH':
            before = any(_goes_on(part, before) for part in argument[1])
        elif name == 'SUBPATTERN':
            before = _goes_on(argument[-1], before)
        elif name == 'ATOMIC_GROUP':
            before = _goes_on(argument, before)
        elif name == 'LITERAL':
            before = chr(argument) not in '.:'
        elif name != 'AT' or not argument.name.startswith('AT_BEGINNING'):
            # What looks ahead, and the end itself, say where it ends.
            before = name in _LEAVES and name != 'AT'
    return before


class _Walk:
    """A walk through the tree of one expression.

    Each method returns the ways through a part and the steps on all of them
    together: what follows the part is tried at most once for each way.
    """

    def __init__(self) -> None:
        self.choices = self.unbounded = 0

    def sequence(self, tree: Any, ignore_case: bool) -> tuple[int, int]:
        ways, steps = 1, 0
        for operation, argument in tree:
            part_ways, part_steps = self.part(operation.name, argument, ignore_case)
            steps += ways * part_steps
            ways *= part_ways
            if max(ways, steps) > MAX_STEPS:
                raise ValueError(
                    f'{_RUNS_LONG}: too many parts of it can match in several '
                    f'ways; {_LIST_THEM}'
                )
        return ways, steps

    def part(self, name: str, argument: Any, ignore_case: bool) -> tuple[int, int]:
        if name in _LEAVES:
            if name == 'LITERAL':
                _check_literal(chr(argument), ignore_case)
            return 1, 1
        if name in _REPEATS:
            low, high, tree = argument
            return self.repeat(low, high, tree, ignore_case)
        if name == 'BRANCH':
            self.choices += 1
            branches = [self.sequence(tree, ignore_case) for tree in argument[1]]
            return (
                sum(ways for ways, _ in branches),
                sum(steps for _, steps in branches) + 1,
            )
        if name == 'SUBPATTERN':
            _, added, removed, tree = argument
            ignore_case = bool((ignore_case or added & re.I) and not removed & re.I)
            return self.sequence(tree, ignore_case)
        if name == 'ATOMIC_GROUP':
            return self.sequence(argument, ignore_case)
        if name in _LOOKS:
            # The matcher never comes back into it to try another way.
            return 1, self.sequence(argument[1], ignore_case)[1] + 1
        raise ValueError(f'refers back to a group, and so {_RUNS_LONG}; {_LIST_THEM}')

    def repeat(
        self, low: int, high: int, tree: Any, ignore_case: bool
    ) -> tuple[int, int]:
        choices = self.choices
        ways, steps = self.sequence(tree, ignore_case)
        if high == _parser.MAXREPEAT:
            self.unbounded += 1
            if self.unbounded > MAX_UNBOUNDED:
                raise ValueError(
                    f'has more than {MAX_UNBOUNDED} unbounded repetitions (*, + '
                    f'or {{n,}}), and so {_RUNS_LONG}; {_LIST_THEM}'
                )
            if self.choices > choices:
                raise ValueError(
                    'repeats without bound (*, + or {n,}) what holds a repetition, '
                    f'an optional part or alternatives, and so {_RUNS_LONG}; write '
                    f'how often, such as {{1,7}}, or {_LIST_THEM}'
                )
        self.choices += 1
        # Beyond those that it must make, Python makes no round that takes no
        # character.  The last round may fail.
        rounds = min(high, low + MAX_TEXT + 1)
        # Each round begins with the step that decides whether to make it.
        if ways == 1:
            return rounds - low + 1, rounds * (1 + steps) + 1
        all_ways, all_steps, entered = 0, 0, 1
        for number in range(rounds + 1):
            all_ways += entered if number >= low else 0
            all_steps += entered * (1 + steps if number < rounds else 1)
            entered *= ways
            if all_steps > MAX_STEPS:
                # It is refused, whatever the rest of a number without end.
                break
        return all_ways, all_steps


def _check_literal(character: str, ignore_case: bool) -> None:
    lower = character.lower()
    if character in ALPHABET or (ignore_case and lower in ALPHABET):
        return
    if lower in ALPHABET:
        raise ValueError(
            f'has {character!a}; addresses have small letters: write {lower}'
        )
    raise ValueError(
        f'has {character!a}, which no address has, and so takes in none; separate '
        'entries by white space, and write addresses alone, such as ^192\\.0\\.2\\.1$'
    )
