# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The administrator's expressions: what is refused, and what the others cost."""

import pytest
import sys
import warnings

from hypothesis import assume, example, given
from hypothesis import strategies as st
from ipaddress import IPv4Address, IPv6Address
from mailman_trustedserver.expressions import (
    _parser,
    compile_expression,
    count_steps,
    has_no_end,
    MAX_LENGTH,
    MAX_STEPS,
    MAX_TEXT,
    requires,
)


# What people write.
ACCEPTED = [
    r'^192\.168\.10\.[34]$',
    r'^192\.168\.1\.\d+$',
    r'^192\.168\.10\.6[67]$',
    r'^192.168.10.',
    r'^10\.',
    r'^192\.168\.\d{1,3}\.\d{1,3}$',
    r'^192\.168\.(10|20)\.([1-9]|1\d)$',
    r'^(?:10|172\.16)\..*',
    r'^10\..*\..*$',
    r'^10\..*?\.1$',
    r'^192\.168\.10\.1?$',
    r'^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$',
    r'^(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$',
    r'^([0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}$',
    r'^2001:db8:(?:[0-9a-f]+:)?:1$',
    r'^(?:3|4)+$',
    r'^192\.0\.2\.[^9]',
    r'^192\.0\.2\.(?!9$)\d+$',
    r'^a{0}',
    '^',
]
# The same, with what the matcher below does not know.
ACCEPTED_TOO = [
    r'^(?P<net>192\.0\.2)\.(?!9$)\d+\Z',
    r'^192\.0\.2\.\d+(?<!\.9)$',
    r'^(?i:2001:DB8)::',
    r'^192\.0\.2\.(1|%)',
    r'^(?!)',
]
if sys.version_info >= (3, 11):
    ACCEPTED_TOO += [r'^192\.0\.2\.\d++$', r'^(?>\d+)\.0']


@pytest.mark.parametrize('text', [*ACCEPTED, *ACCEPTED_TOO])
def test_what_people_write_is_accepted(text):
    assert compile_expression(text).pattern == text


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        (r'^([0-9a-f]*:?)*::1$', 'repeats without bound'),
        (r'^([0-9a-f]+:)+$', 'repeats without bound'),
        (r'^(?:a{2})*$', 'repeats without bound'),
        (r'^(?:ab?)+$', 'repeats without bound'),
        (r'^(?:a|bc)+$', 'repeats without bound'),
        (r'^(?:a|aa){2,}$', 'repeats without bound'),
        (r'^(?:(?:(?:a??)))+?$', 'repeats without bound'),
        (r'^(?:(?=a*)a)+$', 'repeats without bound'),
        (r'^.*:.*:.*', 'more than 2 unbounded repetitions'),
        (r'^\d+?\.\d*\.\d{1,}', 'more than 2 unbounded repetitions'),
        (r'^(?=.*1)(?=.*2)(?=.*3)', 'more than 2 unbounded repetitions'),
        (r'^(.)\1', 'refers back to a group'),
        (r'^(?P<x>.)(?P=x)', 'refers back to a group'),
        (r'^(.)?(?(1)a|b)', 'refers back to a group'),
        (r'^(a{1,99}){1,99}$', 'several ways'),
        (r'^(?:a|aa){30}b', 'several ways'),
        (r'^(?:(?:)|(?:)){30}b', 'several ways'),
        (r'^(a?){30}a{30}', 'several ways'),
        (r'^(?:a?){0,1000}b', 'several ways'),
        (r'^(?:a??){30}b', 'several ways'),
        ('^' + 'a?' * 30 + 'a' * 30, 'several ways'),
        ('^' + '(?:.|..)' * 25, 'several ways'),
        (r'^(?:(?:.{0,9}){9}){9}', 'several ways'),
        (r'^(?:.*:){9}', 'several ways'),
        (r'^(?=(?:a?){30}b)', 'several ways'),
        (r'^(?:(?:)){4000000000}', 'several ways'),
        ('^' + 'a' * MAX_LENGTH, 'has more than 256 characters'),
        (r'^[', 'is not a regular expression: unterminated'),
        (r'^(?i)a', 'is not a regular expression:'),
        (r'^[[a]]', 'is not a regular expression: Possible nested set'),
        (r'^[a--b]', 'is not a regular expression: Possible set difference'),
        (r'^a{9999999999}', 'is not a regular expression:'),
        (r'^\q', 'is not a regular expression: bad escape'),
        # What can match no address excludes nothing after `!`.
        (r'^192\.0\.2\.1$,^192\.0\.2\.2$', "has ',', which no address has"),
        (r'^192\.0\.2\.1,$', "has ',', which no address has"),
        (r'^192\.0\.2\.0/24', "has '/', which no address has"),
        (r'^fe80::1%eth0$', "has '%', which no address has"),
        (r'^mail\.example\.org$', "has 'm', which no address has"),
        (r'^192\.0\.2\.1-9', "has '-', which no address has"),
        ('^192\\.0\\.2\\.\uff11', "has '\\uff11', which no address has"),
        (r'^2001:DB8::1$', "has 'D'; addresses have small letters: write d"),
        (r'^(?i:(?-i:DB8))', "has 'D'; addresses have small letters: write d"),
    ],
)
def test_what_may_run_long_or_match_nothing_is_refused(text, problem):
    with pytest.raises(ValueError, match=r'^[^\n]+; [^\n]+$') as error:
        compile_expression(text)
    assert problem in str(error.value)


def test_deep_nesting_is_no_crash():
    deep = '^' + '(' * 127 + ')' * 127
    assert compile_expression(deep).match('')

    def nested(levels):
        return nested(levels - 1) if levels else compile_expression(deep)

    # With little of the stack left, Python's own parser gives up.
    depth = sys.getrecursionlimit() - len(_frames()) - 60
    with pytest.raises(ValueError, match='not a regular expression'):
        nested(depth)


def _frames():
    frame, frames = sys._getframe(), []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


def test_warning_of_python_is_no_warning_of_ours():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        with pytest.raises(ValueError, match='nested set'):
            compile_expression('^[[a]]')
        compile_expression('^a')
    assert caught == []


class Matcher:
    """A plain backtracking matcher that counts its steps.

    Each method calls `rest` with each position after a match until it is told
    that the rest matched too.
    """

    def __init__(self, text, limit):
        self.text = text
        self.limit = limit
        self.steps = 0

    def step(self):
        self.steps += 1
        assert self.steps <= self.limit

    def sequence(self, tree, position, rest, number=0):
        if number == len(tree):
            return rest(position)
        operation, argument = tree[number]
        return getattr(self, operation.name)(
            argument, position, lambda end: self.sequence(tree, end, rest, number + 1)
        )

    def leaf(self, position, rest, matches):
        self.step()
        return (
            position < len(self.text)
            and matches(ord(self.text[position]))
            and rest(position + 1)
        )

    def LITERAL(self, code, position, rest):
        return self.leaf(position, rest, lambda c: c == code)

    def NOT_LITERAL(self, code, position, rest):
        return self.leaf(position, rest, lambda c: c != code)

    def ANY(self, argument, position, rest):
        return self.leaf(position, rest, lambda c: True)

    def FAILURE(self, argument, position, rest):
        self.step()
        return False

    def IN(self, items, position, rest):
        def matches(code):
            found = False
            for operation, argument in items:
                if operation.name == 'RANGE':
                    found |= argument[0] <= code <= argument[1]
                elif operation.name == 'CATEGORY':
                    found |= chr(code).isdigit()
                elif operation.name == 'LITERAL':
                    found |= code == argument
            return found != (items[0][0].name == 'NEGATE')

        return self.leaf(position, rest, matches)

    def AT(self, where, position, rest):
        self.step()
        ends = {'AT_BEGINNING': 0, 'AT_END': len(self.text)}
        return position == ends[where.name] and rest(position)

    def BRANCH(self, argument, position, rest):
        return any(self.sequence(tree, position, rest) for tree in argument[1])

    def SUBPATTERN(self, argument, position, rest):
        return self.sequence(argument[3], position, rest)

    def ASSERT(self, argument, position, rest):
        return self.sequence(argument[1], position, lambda end: True) and rest(position)

    def ASSERT_NOT(self, argument, position, rest):
        found = self.sequence(argument[1], position, lambda end: True)
        return not found and rest(position)

    def repeat(self, argument, position, rest, greedy):
        low, high, tree = argument

        def more(start, count):
            if count == high:
                return False

            def again(end):
                # As Python: no empty round beyond those that there must be.
                return (end > start or count < low) and rounds(end, count + 1)

            return self.sequence(tree, start, again)

        def rounds(start, count):
            self.step()
            if count < low:
                return more(start, count)
            if greedy:
                return more(start, count) or rest(start)
            return rest(start) or more(start, count)

        return rounds(position, 0)

    def MAX_REPEAT(self, argument, position, rest):
        return self.repeat(argument, position, rest, True)

    def MIN_REPEAT(self, argument, position, rest):
        return self.repeat(argument, position, rest, False)


def check_bound(text, address):
    """Assert that the matcher agrees with Python and keeps within the bound."""
    tree = _parser.parse(text)
    bound = count_steps(tree)
    assert bound <= MAX_STEPS
    matcher = Matcher(address, bound)
    found = matcher.sequence(tree, 0, lambda end: True)
    assert found == bool(compile_expression(text).match(address))


HOSTILE = [
    '1111:1111:1111:1111:1111:1111:1111:1111',
    'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaab',
    '1:1:1:1:1:1:1:1',
    'abab:abab:abab:abab::',
    '::1',
    '::',
    '111.111.111.111',
    '192.168.10.66',
]
addresses = (
    st.sampled_from(HOSTILE)
    | st.builds(str, st.integers(0, 2**128 - 1).map(IPv6Address))
    | st.builds(str, st.integers(0, 2**32 - 1).map(IPv4Address))
)


def quantified(parts):
    repeats = st.sampled_from(
        ['*', '+', '?', '*?', '+?', '??', '{2}', '{3,}', '{0,3}', '{1,4}', '{2,9}?']
    )
    return st.builds('(?:{}){}'.format, parts, repeats)


expressions = st.recursive(
    st.sampled_from(
        ['a', 'b', '1', ':', '.', '[0-9a-f]', '[^:]', r'\d', r'\.', '$', '']
    ),
    lambda parts: (
        quantified(parts)
        | st.builds('({}|{})'.format, parts, parts)
        | st.builds('{}{}'.format, parts, parts)
        | st.builds('(?={})'.format, parts)
        | st.builds('(?!{})'.format, parts)
    ),
    max_leaves=8,
).map('^{}'.format)


@pytest.mark.parametrize('address', HOSTILE)
@pytest.mark.parametrize('text', ACCEPTED)
def test_accepted_expression_keeps_within_its_bound(text, address):
    check_bound(text, address)


@given(expressions, addresses)
@example('^(?:.?){15}1', HOSTILE[1])
@example('^(?:.|.:|1.){11}b', HOSTILE[0])
@example('^.*.*b', HOSTILE[1])
def test_any_expression_that_is_accepted_keeps_within_its_bound(text, address):
    try:
        compile_expression(text)
    except ValueError:
        assume(False)
    check_bound(text, address)


def test_canonical_text_is_no_longer_than_the_bound_supposes():
    assert len(str(IPv6Address(2**128 - 1))) == MAX_TEXT


@pytest.mark.parametrize(
    ('text', 'certain'),
    [
        (r'^192\.168\.10\.1', True),
        (r'^10[.]', True),
        (r'^(?:10|172\.16)\.', True),
        (r'^(10\.|172\.)', True),
        (r'^1(\.1){1,2}$', True),
        (r'^(10\.|2)', False),
        (r'^10\.|^2', False),
        (r'^1(\.1)?', False),
        (r'^1(\.1)*', False),
        (r'^192.168.10.1$', False),
        (r'^10[.:]', False),
        (r'^1(?!\.)', False),
        ('^', False),
    ],
)
def test_what_every_match_has_in_it_is_known(text, certain):
    assert requires(text, '.') == certain


@pytest.mark.parametrize(
    ('text', 'longer'),
    [
        ('^192\\.168\\.10\\.1', True),
        ('^192\\.168\\.10\\.1$', False),
        ('^192\\.168\\.10\\.1\\Z', False),
        ('^192\\.168\\.10\\.1\\b', False),
        ('^192\\.168\\.10\\.1(?![0-9])', False),
        ('^192\\.168\\.10\\.', False),
        ('^2001:db8::', False),
        ('^2001:db8', True),
        ('^192\\.168\\.10\\.[34]', True),
        ('^192\\.168\\.10\\.[34]$', False),
        ('^192\\.168\\.10\\.(3|4)', True),
        ('^192\\.168\\.10\\.(?:3|4)$', False),
        ('^192\\.168\\.10\\.(3|4$)', True),
        ('^192\\.168\\.10\\.(3$|4$)', False),
        ('^192\\.168\\.(1|10)\\.', False),
        # What takes all the digits has an end.
        ('^192\\.168\\.10\\.[0-9]{1,3}', False),
        ('^192\\.168\\.10\\.[0-9]{1,2}', True),
        ('^192\\.168\\.10\\..*', False),
        ('^192\\.168\\.10\\.[0-9]+', False),
        ('^192\\.168\\.10\\.1\\.?', True),
        ('^192\\.168\\.10\\.1?', True),
        ('^192\\.168\\.10\\.(1\\.){0,1}', False),
        ('^192\\.168\\.10(\\.1){1,4}', True),
        ('^\\A192\\.168\\.10\\.1', True),
        ('^192\\.168\\.10\\.[^2]', True),
    ],
)
def test_expression_without_an_end_may_match_a_longer_address(text, longer):
    assert has_no_end(text) is longer


@pytest.mark.skipif(sys.version_info < (3, 11), reason='Python 3.11 has atomic groups')
def test_atomic_group_has_the_end_that_is_in_it():
    assert has_no_end('^192\\.(?>1)')
    assert not has_no_end('^192\\.(?>1\\.)')
