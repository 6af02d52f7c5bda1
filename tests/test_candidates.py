# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that are tried as if they were on a list."""

import pytest

from mailman_trustedserver.addresses import parse_address
from mailman_trustedserver.advice.candidates import (
    Candidate,
    CANDIDATE_KEYS,
    MAX_CANDIDATES,
    read_candidates,
    tried,
)
from mailman_trustedserver.decision import decide
from mailman_trustedserver.header import Header
from mailman_trustedserver.settings import parse_settings
from tests.conftest import BAD


REMOTE, LOCAL = 'trusted_remote_servers', 'trusted_local_servers'


@pytest.mark.parametrize(
    ('entry', 'taken_as'),
    [
        ('192.168.10.7', '192.168.10.7'),
        ('192.168.10.7/32', '192.168.10.7'),
        ('192.168.10.0/255.255.255.0', '192.168.10.0/24'),
        ('IPv6:2001:DB8:0::7', '2001:db8::7'),
        ('::ffff:192.168.10.7', '192.168.10.7'),
        ('2001:db8::/32', '2001:db8::/32'),
    ],
)
def test_candidate_says_what_it_is_taken_as(entry, taken_as):
    assert read_candidates({REMOTE: entry}) == (Candidate(REMOTE, entry, taken_as),)


def test_candidates_come_by_key_and_in_their_order():
    found = read_candidates({LOCAL: ' 192.0.2.3\n192.0.2.2 ', REMOTE: '192.0.2.1'})
    assert [(one.key, one.entry) for one in found] == [
        (REMOTE, '192.0.2.1'),
        (LOCAL, '192.0.2.3'),
        (LOCAL, '192.0.2.2'),
    ]


@pytest.mark.parametrize(
    ('values', 'problem'),
    [
        ({REMOTE: '^192'}, r"remote_servers: '\^192' is an exclusion or a"),
        ({REMOTE: '!192.0.2.1'}, "'!192.0.2.1' is an exclusion or a"),
        ({LOCAL: '192.0.2.1,'}, "trusted_local_servers: '192.0.2.1,': no commas"),
        ({LOCAL: '192.0.2.1/24'}, 'write 192.0.2.0/24'),
        ({LOCAL: 'out.example.org'}, "trusted_local_servers: 'out.example.org'"),
        ({'sender_domains': 'x'}, "'sender_domains' cannot be tried; what can be is "),
        ({LOCAL: '192.0.2.1 ' * (MAX_CANDIDATES + 1)}, '11 entries are too many'),
    ],
)
def test_what_cannot_be_tried_is_refused_with_what_would_be_right(values, problem):
    with pytest.raises(ValueError, match=problem):
        read_candidates(values)


@pytest.mark.parametrize('key', CANDIDATE_KEYS)
def test_verdict_is_that_of_a_configuration_with_the_entries(key):
    # The route has an address that is on no list.
    values = {LOCAL: '192.168.10.3', REMOTE: '192.168.10.1 !192.168.10.9'}
    configured = {**values, key: f'{values.get(key, "")} 203.0.113.66'}
    header = Header(tuple(('received', field) for field in BAD))
    settings = parse_settings(values, 'x.cfg')
    with_it = tried(settings, read_candidates({key: '203.0.113.66'}))
    expected = parse_settings(configured, 'x.cfg')
    assert with_it == expected
    assert decide(header, with_it).verdict == decide(header, expected).verdict
    assert decide(header, with_it).verdict != decide(header, settings).verdict


def test_exclusion_that_is_configured_wins_over_a_candidate():
    settings = parse_settings({REMOTE: '!192.168.10.9'}, 'x.cfg')
    with_it = tried(settings, read_candidates({REMOTE: '192.168.10.9'}))
    assert with_it.policy.remote.entries == ('!192.168.10.9', '192.168.10.9')
    assert parse_address('192.168.10.9') not in with_it.policy.remote


def test_nothing_to_try_changes_nothing():
    settings = parse_settings({REMOTE: '192.168.10.9'}, 'x.cfg')
    assert read_candidates({REMOTE: ' '}) == ()
    assert tried(settings, ()) == settings
