# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which routes are trusted, and why the others are not."""

import pickle
import pytest

from hypothesis import given
from hypothesis import strategies as st
from mailman_trustedserver.addresses import AddressList
from mailman_trustedserver.policy import (
    evaluate,
    Evidence,
    MAX_FIELDS,
    Policy,
    Submission,
)
from mailman_trustedserver.reasons import Actor, Reason
from mailman_trustedserver.settings import parse_settings
from tests.vectors import load, LOCAL, READABLE, REMOTE


ROUTES = load('routes')

DATE = 'Sun, 22 Nov 2026 10:00:00 +0000'
RELAY, OUT, MUA = '192.168.10.3', '192.168.10.1', '198.51.100.20'
UNKNOWN = '203.0.113.9'
PICKUP = f'by x.example.org (Postfix, from userid 0)\n\tid 1; {DATE}'
HIDDEN = f'by x.example.org (Postfix) id 1; {DATE}'
HIDDEN_AUTH = f'by x.example.org (Postfix) with ESMTPSA id 1; {DATE}'
EXIM_COMMAND = f'from filter by x.example.org with local (Exim 4.96) id 1; {DATE}'
LOCAL_SOCKET = (
    'from localhost (x.example.org [local])\n\tby x.example.org (OpenSMTPD) '
    f'with ESMTPA id 1; {DATE}'
)
QUEUE = f'(qmail 1 invoked from network); {DATE}'
JUNK = 'from x by y'


def hop(peer, protocol='ESMTP'):
    """A field by Postfix; a client that says anything else is a peer."""
    return (
        f'from x (unknown [{peer}])\n\tby x.example.org (Postfix) '
        f'with {protocol} id 1; {DATE}'
    )


def auth(peer):
    return hop(peer, 'ESMTPSA')


def policy(local=LOCAL, remote=REMOTE, **others):
    return Policy(AddressList.parse(local), AddressList.parse(remote), **others)


# Three columns of verdicts: single-hop, authenticated, both.
@pytest.mark.parametrize(
    ('route', 'reasons'),
    [
        # The routes of the design, the newest field first.
        ([hop(RELAY), hop(OUT), auth(MUA)], ['outgoing-server'] * 3),
        ([hop(OUT), auth(MUA)], ['outgoing-server'] * 3),
        (
            [hop(RELAY), hop(OUT), hop(MUA)],
            ['outgoing-server', 'not-authenticated', 'not-authenticated'],
        ),
        (
            [hop(RELAY), hop(OUT), PICKUP],
            ['outgoing-server', 'not-authenticated', 'not-authenticated'],
        ),
        (
            [hop(RELAY), hop(OUT)],
            ['outgoing-server', 'not-authenticated', 'not-authenticated'],
        ),
        (
            [hop(RELAY), hop(OUT), hop(UNKNOWN), hop(MUA)],
            ['too-many-hops', 'not-authenticated', 'not-authenticated'],
        ),
        (
            [hop(RELAY), hop(OUT), auth(UNKNOWN), hop(MUA)],
            ['too-many-hops', 'outgoing-server', 'too-many-hops'],
        ),
        (
            [hop(RELAY), hop(UNKNOWN), hop(OUT), auth(MUA)],
            ['unlisted-peer'] * 3,
        ),
        ([hop(RELAY), hop(UNKNOWN)], ['unlisted-peer'] * 3),
        ([hop(UNKNOWN)], ['unlisted-peer'] * 3),
        ([], ['no-received'] * 3),
        # Two outgoing servers in a row.
        ([hop(OUT), hop('192.168.10.2'), auth(MUA)], ['outgoing-server'] * 3),
        # The second one logs in to the first: that is no user.
        (
            [hop(OUT), auth('192.168.10.2'), hop(MUA)],
            ['outgoing-server', 'not-authenticated', 'not-authenticated'],
        ),
        (
            [hop(OUT), auth('192.168.10.2'), auth(MUA)],
            ['outgoing-server'] * 3,
        ),
        # A program on the outgoing server logs in to it, from the address under
        # which the server hands the message on.
        ([hop(OUT), auth(OUT)], ['outgoing-server'] * 3),
        (
            [hop(OUT), auth(OUT), hop(MUA)],
            ['outgoing-server', 'outgoing-server', 'too-many-hops'],
        ),
        ([hop(OUT), auth('127.0.0.1')], ['outgoing-server'] * 3),
        ([hop(OUT), QUEUE, auth(OUT)], ['outgoing-server'] * 3),
        ([hop(UNKNOWN), QUEUE, auth(OUT)], ['unlisted-peer'] * 3),
        (
            [auth(OUT)],
            ['outgoing-server', 'not-authenticated', 'not-authenticated'],
        ),
        # A local server hands a message to an outgoing one, logged in or not.
        ([hop(OUT), auth(RELAY)], ['own-host'] * 3),
        ([hop(OUT), hop(RELAY)], ['own-host'] * 3),
        ([hop(RELAY), hop(OUT), auth(RELAY), hop('127.0.0.1')], ['own-host'] * 3),
        ([hop(OUT), hop(RELAY), hop(OUT), hop(MUA)], ['own-host'] * 3),
        ([hop(OUT), QUEUE, hop(RELAY)], ['own-host'] * 3),
        # Local servers only.
        ([hop(RELAY)], ['no-outgoing-server'] * 3),
        ([hop(RELAY), QUEUE], ['no-outgoing-server'] * 3),
        # Somebody ran the sendmail command: all fields before it may be his.
        ([hop(RELAY), PICKUP], ['local-user'] * 3),
        ([PICKUP], ['local-user'] * 3),
        ([PICKUP, hop(OUT), auth(MUA)], ['local-user'] * 3),
        ([hop(RELAY), LOCAL_SOCKET, hop(OUT), auth(MUA)], ['local-user'] * 3),
        # The queue of a server, and a content filter over SMTP on loopback.
        (
            [QUEUE, hop(RELAY), QUEUE, hop(OUT), QUEUE, auth(MUA)],
            ['outgoing-server'] * 3,
        ),
        (
            [hop(RELAY), hop('127.0.0.1'), hop(OUT), auth(MUA)],
            ['outgoing-server'] * 3,
        ),
        ([hop('IPv6:::1'), hop(OUT), auth(MUA)], ['outgoing-server'] * 3),
        # At the outgoing server itself it is no hop, but the evidence ends.
        (
            [hop(OUT), PICKUP, auth(MUA)],
            ['outgoing-server', 'not-authenticated', 'not-authenticated'],
        ),
        ([hop(OUT), auth(MUA), PICKUP, PICKUP], ['outgoing-server'] * 3),
        # Loopback before the outgoing server is one hop more; a filter may have
        # had the message from the server after the user logged in.
        (
            [hop(OUT), hop('127.0.0.1'), auth(MUA)],
            ['too-many-hops', 'outgoing-server', 'not-authenticated'],
        ),
        # A hidden peer in the attested part ends it ...
        ([HIDDEN, hop(OUT), auth(MUA)], ['alias-hop'] * 3),
        ([hop(RELAY), HIDDEN, hop(OUT), auth(MUA)], ['alias-hop'] * 3),
        ([HIDDEN_AUTH, hop(OUT), auth(MUA)], ['no-peer-address'] * 3),
        # ... and does no harm at the submission hop, where it is not counted.
        (
            [hop(OUT), HIDDEN],
            ['outgoing-server', 'not-authenticated', 'not-authenticated'],
        ),
        ([hop(OUT), HIDDEN_AUTH], ['outgoing-server'] * 3),
        ([hop(OUT), HIDDEN_AUTH, hop(MUA)], ['outgoing-server'] * 3),
        (
            [hop(OUT), HIDDEN_AUTH, hop(UNKNOWN), hop(MUA)],
            ['too-many-hops', 'outgoing-server', 'too-many-hops'],
        ),
        # Fields that cannot be read: in the attested part, at the submission
        # hop, and below it.
        ([JUNK, hop(OUT), auth(MUA)], ['malformed'] * 3),
        ([hop(RELAY), JUNK, hop(OUT), auth(MUA)], ['malformed'] * 3),
        (
            [hop(OUT), JUNK],
            ['outgoing-server', 'not-authenticated', 'not-authenticated'],
        ),
        (
            [hop(OUT), JUNK, auth(MUA)],
            ['too-many-hops', 'not-authenticated', 'not-authenticated'],
        ),
        (
            [hop(OUT), auth(MUA), JUNK],
            ['too-many-hops', 'outgoing-server', 'too-many-hops'],
        ),
        (
            [hop(OUT), auth(MUA), '(qmail 1 invoked by uid 0)'],
            ['outgoing-server'] * 3,
        ),
        (
            [hop(OUT), auth(MUA), '(from x [192.0.2.1])\n\tby y'],
            ['too-many-hops', 'outgoing-server', 'too-many-hops'],
        ),
        (
            [hop(OUT), auth(MUA), ' \n\tFROM x'],
            ['too-many-hops', 'outgoing-server', 'too-many-hops'],
        ),
        ([hop(OUT), auth(MUA), 'fromage'], ['outgoing-server'] * 3),
        # AUTH to a local server proves nothing without local_submission.
        ([auth(MUA)], ['unlisted-peer'] * 3),
    ],
)
def test_route_has_this_verdict(route, reasons):
    for submission, reason in zip(Submission, reasons):
        verdict = evaluate(route, policy(submission=submission))
        assert verdict.reason.value == reason
        assert verdict.trusted == (reason == 'outgoing-server')
        assert evaluate(iter(route), policy(submission=submission)) == verdict


@pytest.mark.parametrize(
    ('local', 'remote', 'route', 'reason'),
    [
        # The outgoing server is a relay, too.
        (
            [RELAY, OUT],
            [OUT],
            [hop(OUT), hop(RELAY), hop(OUT), hop(MUA)],
            'outgoing-server',
        ),
        ([OUT], [OUT], [hop(OUT), hop(MUA)], 'outgoing-server'),
        ([OUT], [OUT], [hop(OUT), hop(OUT), hop(MUA)], 'outgoing-server'),
        ([OUT], [OUT], [hop(OUT), hop(UNKNOWN), hop(MUA)], 'too-many-hops'),
        ([OUT], [OUT], [hop(UNKNOWN), hop(OUT), hop(MUA)], 'unlisted-peer'),
        ([OUT], [OUT], [hop(OUT)], 'outgoing-server'),
        # A local server handed the message to the outgoing one, which is a
        # relay, too: no reading has a user there.
        ([OUT, RELAY], [OUT], [hop(OUT), hop(RELAY)], 'own-host'),
        ([OUT, RELAY], [OUT], [hop(OUT), hop(RELAY), hop(MUA)], 'own-host'),
        # Loopback on both lists: a content filter at the outgoing server.
        (
            [RELAY, '127.0.0.1'],
            [OUT, '127.0.0.1'],
            [hop(RELAY), hop(OUT), hop('127.0.0.1'), hop(MUA)],
            'outgoing-server',
        ),
    ],
)
def test_address_on_both_lists_may_be_either(local, remote, route, reason):
    verdict = evaluate(route, policy(local, remote))
    assert verdict.reason.value == reason


# How the outgoing host may give to itself what it was handed.
GIVEN_BACK = {
    'a command': [PICKUP],
    'an alias': [HIDDEN],
    'a filter': [hop('127.0.0.1')],
    'a filter, twice': [hop('127.0.0.1'), hop('127.0.0.1')],
    'its queue and a filter': [QUEUE, hop('127.0.0.1')],
    'a filter with a command': [PICKUP, hop('127.0.0.1')],
    'a hidden client': [HIDDEN_AUTH],
}


@pytest.mark.parametrize('between', GIVEN_BACK)
@pytest.mark.parametrize(
    'lists',
    [
        *({'submission': one} for one in Submission),
        {'remote': (), 'dedicated': AddressList.parse([OUT])},
        {'remote': (), 'authenticated': AddressList.parse([OUT])},
    ],
    ids=str,
)
def test_what_an_own_host_sends_is_not_trusted_whatever_stands_between(lists, between):
    route = [hop(RELAY), hop(OUT), *GIVEN_BACK[between]]
    for own in (hop(RELAY), auth(RELAY)):
        for older in ([], [hop(MUA)], [JUNK]):
            assert not evaluate([*route, own, *older], policy(**lists))
    # An own host is one of any scope.
    other = {'other_local': (AddressList.parse([UNKNOWN]),)}
    assert not evaluate([*route, hop(UNKNOWN)], policy(**lists, **other))
    # With the address of nobody's server it is as it was.
    for setting in ('dedicated', 'authenticated'):
        if setting in lists:
            found = evaluate([*route, auth(MUA)], policy(**lists))
            assert found.reason is not Reason.OWN_HOST


def test_own_host_that_is_not_attested_is_shown_as_such():
    verdict = evaluate([hop(OUT), PICKUP, hop(RELAY)], policy())
    assert verdict.reason is Reason.OWN_HOST
    assert verdict.decisive == 2
    assert not verdict.findings[2].attested
    assert verdict.details['peer'] == RELAY


@pytest.mark.parametrize('submission', ['authenticated', 'both'])
def test_server_of_another_scope_that_logs_in_is_no_user(submission):
    others = {'other_outgoing': (AddressList.parse([UNKNOWN, '127.0.0.1']),)}
    asked = policy(submission=submission, **others)
    assert evaluate([hop(OUT), auth(MUA)], asked)
    assert evaluate([hop(OUT), auth('127.0.0.1')], asked)
    refused = evaluate([hop(OUT), auth(UNKNOWN)], asked)
    assert refused.reason is Reason.NOT_AUTHENTICATED


@pytest.mark.parametrize('submission', Submission)
@pytest.mark.parametrize(
    ('route', 'reason'),
    [
        ([auth(MUA)], 'local-submission'),
        ([hop(RELAY), auth(MUA)], 'local-submission'),
        ([hop('127.0.0.1'), HIDDEN_AUTH], 'local-submission'),
        ([auth('127.0.0.1')], 'local-submission'),
        ([QUEUE, auth(MUA)], 'local-submission'),
        ([PICKUP, auth(MUA)], 'local-user'),
        # A relay that logs in is no user.
        ([auth(RELAY)], 'no-outgoing-server'),
        ([auth(RELAY), hop(MUA)], 'unlisted-peer'),
        ([auth(RELAY), auth(MUA)], 'local-submission'),
        ([auth(OUT), hop(MUA)], 'outgoing-server or not-authenticated'),
        ([auth(MUA), JUNK, JUNK], 'local-submission'),
        ([hop(MUA)], 'unlisted-peer'),
        ([hop(RELAY)], 'no-outgoing-server'),
        ([hop(UNKNOWN), auth(MUA)], 'unlisted-peer'),
        ([JUNK, auth(MUA)], 'malformed'),
    ],
)
def test_local_submission_needs_auth_at_a_local_server(submission, route, reason):
    verdict = evaluate(route, policy(submission=submission, local_submission=True))
    assert verdict.reason.value in reason.split(' or ')


@pytest.mark.parametrize(
    ('users', 'field', 'reason'),
    [
        ('0', PICKUP, 'outgoing-server'),
        ('filter 0', PICKUP, 'outgoing-server'),
        ('33', PICKUP, 'local-user'),
        ('', PICKUP, 'local-user'),
        ('filter', EXIM_COMMAND, 'outgoing-server'),
        ('www-data', EXIM_COMMAND, 'local-user'),
        # The server does not say who it was.
        ('0 filter', LOCAL_SOCKET, 'local-user'),
        (
            '0 filter',
            f'by x.example.org with local (Exim 4.96) id 1; {DATE}',
            'local-user',
        ),
    ],
)
def test_sendmail_command_is_believed_of_listed_users_only(users, field, reason):
    route = [hop(RELAY), field, hop(OUT), auth(MUA)]
    for submission in Submission:
        verdict = evaluate(
            route,
            policy(submission=submission, reinjection_users=frozenset(users.split())),
        )
        assert verdict.reason.value == reason


def test_alias_hop_is_passed_if_the_site_vouches_for_it():
    route = [hop(RELAY), HIDDEN, hop(OUT), auth(MUA)]
    for submission in Submission:
        assert evaluate(route, policy(submission=submission, alias_hops=True))
        # With a protocol it is a client that the server hides.
        hidden = [hop(RELAY), HIDDEN_AUTH, hop(OUT), auth(MUA)]
        assert not evaluate(hidden, policy(submission=submission, alias_hops=True))


GOOD = [hop(RELAY), hop(OUT), auth(MUA)]


@pytest.mark.parametrize(
    ('evidence', 'reason'),
    [
        ({'usenet': True}, 'usenet'),
        ({'mailman_version': True}, 'mailing-list'),
        ({'user_agents': ('HyperKitty on https://lists.example.org/',)}, 'web-archive'),
        ({'user_agents': ('x', '\n\thyperKITTY')}, 'web-archive'),
        ({'user_agents': ('Not HyperKitty', '')}, 'outgoing-server'),
        ({'auto_submitted': ('auto-replied',)}, 'auto-reply'),
        ({'auto_submitted': (' Auto-Replied; owner="x"',)}, 'auto-reply'),
        ({'auto_submitted': ('(a (b) c)\n auto-replied(x)',)}, 'auto-reply'),
        ({'auto_submitted': ('no', 'auto-replied x')}, 'auto-reply'),
        ({'auto_submitted': ('"auto-replied"',)}, 'auto-reply'),
        ({'auto_submitted': ('auto-replied, x',)}, 'auto-reply'),
        ({'auto_submitted': ('(a \\) b) auto-replied',)}, 'auto-reply'),
        ({'auto_submitted': ('auto-generated', 'no', '', '((')}, 'outgoing-server'),
        ({'auto_submitted': ('auto-notified; auto-replied',)}, 'outgoing-server'),
        # The first in the order of precedence.
        (
            {
                'usenet': True,
                'mailman_version': True,
                'user_agents': ('HyperKitty',),
                'auto_submitted': ('auto-replied',),
            },
            'usenet',
        ),
    ],
)
def test_message_that_speaks_for_strangers_is_not_trusted(evidence, reason):
    for submission in Submission:
        verdict = evaluate(GOOD, policy(submission=submission), Evidence(**evidence))
        assert verdict.reason.value == reason
        assert bool(verdict) == (reason == 'outgoing-server')
        if not verdict:
            assert (verdict.route, verdict.proof) == (Reason.OUTGOING_SERVER, '')


def test_truth_of_a_verdict_is_its_trust():
    assert evaluate(GOOD, policy())
    assert not evaluate(GOOD[:1], policy())


@pytest.mark.parametrize(
    'vector',
    [vector for vector in load('fooled') if 'settings' in vector],
    ids=lambda vector: vector['id'],
)
def test_route_that_fooled_an_earlier_version_is_not_trusted(vector):
    settings = parse_settings(vector['settings'], 'x.cfg', 'x')
    assert bool(evaluate(vector['fields'], settings.policy)) is vector['expected']


@pytest.mark.parametrize(
    'vector',
    [
        vector
        for vector in ROUTES
        if {name.split()[0].lower() for name in vector['servers']} <= set(READABLE)
    ],
    ids=lambda vector: f'{vector["id"]}-{vector["description"]}',
)
def test_recorded_route_has_the_true_verdict(vector):
    # In some routes the unknown server logged in to the outgoing one, whose field
    # is the third.
    logged_in = (
        vector['auth']
        if vector['route'] == 'good'
        else vector['route'] == 'unknown-before-outgoing'
        and 'esmtpsa' in vector['fields'][2].lower()
    )
    assert evaluate(vector['fields'], policy()).trusted == vector['trusted']
    assert (
        evaluate(vector['fields'], policy(submission='authenticated')).trusted
        == logged_in
    )
    assert evaluate(vector['fields'], policy(submission='both')).trusted == (
        vector['trusted'] and logged_in
    )


@pytest.mark.parametrize('submission', Submission)
def test_no_recorded_attack_is_trusted(submission):
    attacks = [
        vector
        for vector in ROUTES
        if vector['route'] in ('unknown-after-outgoing', 'attack')
    ]
    assert len(attacks) > 350
    for vector in attacks:
        assert not evaluate(vector['fields'], policy(submission=submission)).trusted


def test_findings_say_what_each_field_gave():
    verdict = evaluate(
        [hop(RELAY), hop(OUT), JUNK],
        policy(['192.168.10.0/28'], ['192.168.10.1']),
    )
    assert [
        (finding.attested, finding.local, dict(finding.outgoing), finding.problem)
        for finding in verdict.findings
    ] == [
        (True, '192.168.10.0/28', {}, ''),
        (
            True,
            '192.168.10.0/28',
            {'trusted_remote_servers': '192.168.10.1'},
            '',
        ),
        (True, None, {}, 'it is in no form that is known'),
    ]


@pytest.mark.parametrize('below', [hop(OUT), JUNK, '', 'x' * 20_000])
def test_nothing_below_the_second_hop_is_looked_into(below):
    verdict = evaluate([hop(OUT), hop(UNKNOWN), hop(MUA), below], policy())
    assert verdict.reason is Reason.TOO_MANY_HOPS
    assert len(verdict.findings) == 3
    assert not verdict.findings[2].attested


def test_one_field_more_than_the_bound_is_asked_for():
    def fields():
        yield from [hop(OUT), *[PICKUP] * MAX_FIELDS]
        raise AssertionError('one more field was read')

    assert evaluate(fields(), policy()).reason is Reason.TOO_MANY_FIELDS


def test_policy_can_be_pickled():
    trust = policy(local=[RELAY, '^127'], remote=[OUT, '!192.168.10.0/30'])
    copy = pickle.loads(pickle.dumps(trust))  # noqa: S301
    assert copy == trust
    route = [hop(RELAY), hop(OUT), hop(MUA)]
    assert evaluate(route, copy) == evaluate(route, trust)


def test_nothing_below_the_first_unlisted_peer_is_read():
    verdict = evaluate([hop(UNKNOWN), *[hop(OUT)] * 100_000], policy())
    assert len(verdict.findings) == 1


def test_route_is_read_up_to_the_bound():
    route = [*[hop(RELAY)] * (MAX_FIELDS - 2), hop(OUT), hop(MUA)]
    assert evaluate(route, policy()).trusted
    verdict = evaluate([hop(RELAY), *route], policy())
    assert verdict.reason is Reason.TOO_MANY_FIELDS
    assert not evaluate([hop(OUT), *[PICKUP] * MAX_FIELDS, hop(MUA)], policy()).trusted


@pytest.mark.parametrize(
    ('route', 'sentence'),
    [
        (
            [hop(RELAY), hop(UNKNOWN), JUNK],
            'A local server had the message from 203.0.113.9, which is on no list.',
        ),
        (
            [hop(RELAY), JUNK],
            'A Received field of a trusted server could not be read: it is in no '
            'form that is known: from x by y',
        ),
        (
            [hop(RELAY), hop(OUT), hop(UNKNOWN), hop(MUA)],
            'More than one hop lies before the outgoing server 192.168.10.1: it had '
            'the message from 203.0.113.9, which had it from another host.',
        ),
        ([], 'The message has no Received field.'),
    ],
)
def test_explanation_names_the_address_or_the_problem(route, sentence):
    assert evaluate(route, policy()).explanation == sentence


@pytest.mark.parametrize(
    ('route', 'case', 'words'),
    [
        ([hop(UNKNOWN)], '', 'If you do not know 203.0.113.9, do nothing'),
        ([hop('172.18.0.1')], 'gateway', 'never list a gateway'),
        ([hop('10.0.0.254')], 'gateway', 'never list a gateway'),
        ([hop('IPv6:fd00:1::1')], 'gateway', 'never list a gateway'),
        ([hop('127.0.0.2')], 'loopback', 'HyperKitty'),
        ([hop('127.0.0.1')], 'loopback', 'HyperKitty'),
        ([auth(MUA)], 'authenticated-here', 'do not list that address'),
        (
            [hop(RELAY), auth(MUA)],
            'authenticated',
            'adds 192.168.10.3 to trusted_remote',
        ),
        # The content filter is not the server where the user logged in.
        (
            [hop(RELAY), hop('127.0.0.1'), auth(MUA)],
            'authenticated',
            'adds 192.168.10.3 to trusted_remote',
        ),
        ([hop(RELAY), hop('172.18.0.1')], 'gateway', 'never list a gateway'),
        ([hop(RELAY)], '', 'If 192.168.10.3 is an outgoing server'),
        ([PICKUP], '', 'adds 0 to reinjection_users'),
        ([LOCAL_SOCKET], 'unnamed', 'does not say which user'),
        ([HIDDEN], '', 'alias_hops'),
        ([hop(OUT), hop('127.0.0.1'), hop(MUA)], 'loopback', 'HyperKitty'),
        ([hop(OUT), hop(UNKNOWN), hop(MUA)], '', 'do nothing'),
        ([hop(OUT), auth(RELAY)], '', 'A local server is no user'),
    ],
)
def test_remedy_says_who_must_do_what(route, case, words):
    verdict = evaluate(route, policy())
    assert verdict.case == case
    assert words in verdict.remedy
    assert verdict.reason.actor is Actor.ADMINISTRATOR


@pytest.mark.parametrize('peer', [MUA, UNKNOWN, '172.18.0.1', '127.0.0.2'])
def test_no_remedy_for_a_user_or_gateway_says_to_list_it(peer):
    for field in (hop(peer), auth(peer)):
        verdict = evaluate([hop(RELAY), field], policy())
        if verdict.case:
            assert f'adds {peer}' not in verdict.remedy


@given(
    st.lists(
        st.sampled_from(
            (
                hop(RELAY),
                hop(OUT),
                PICKUP,
                LOCAL_SOCKET,
                HIDDEN,
                HIDDEN_AUTH,
                JUNK,
                QUEUE,
                auth(MUA),
                hop(UNKNOWN),
                hop('127.0.0.1'),
            )
        )
    ),
    st.sampled_from(Submission),
)
def test_every_verdict_can_be_put_into_words(route, submission):
    verdict = evaluate(route, policy(submission=submission))
    for text in (verdict.explanation, verdict.remedy):
        assert '{' not in text


def test_every_reason_has_a_token_and_a_sentence():
    for reason in Reason:
        assert reason.value == reason.name.lower().replace('_', '-')
        assert reason.sentence.endswith('.') or reason is Reason.MALFORMED
        for remedy in reason.remedies.values():
            assert not remedy or remedy.endswith('.')
        assert any(reason.remedies.values()) == (reason.actor is not Actor.NOBODY)


def test_unknown_submission_is_an_error():
    with pytest.raises(ValueError, match='single_hop'):
        Policy(submission='single_hop')
