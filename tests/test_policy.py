# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which routes are trusted, and why the others are not."""

import pytest

from mailman_trustedserver.addresses import AddressList
from mailman_trustedserver.policy import (
    MAX_FIELDS,
    Policy,
    Reason,
    Submission,
    evaluate,
)
from tests.vectors import LOCAL, READABLE, REMOTE, load


ROUTES = load('routes')

DATE = 'Sun, 22 Nov 2026 10:00:00 +0000'
RELAY, OUT, MUA = '192.168.10.3', '192.168.10.1', '198.51.100.20'
UNKNOWN = '203.0.113.9'
PICKUP = f'by x.example.org (Postfix, from userid 0)\n\tid 1; {DATE}'
HIDDEN = f'by x.example.org (Postfix) id 1; {DATE}'
HIDDEN_AUTH = f'by x.example.org (Postfix) with ESMTPSA id 1; {DATE}'
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
        # The second one logs in to the first; nothing below it matters then.
        (
            [hop(OUT), auth('192.168.10.2'), hop(MUA)],
            ['outgoing-server', 'outgoing-server', 'too-many-hops'],
        ),
        # A local server hands a message to an outgoing one, and back.
        ([hop(OUT), auth(RELAY)], ['outgoing-server'] * 3),
        (
            [hop(OUT), hop(RELAY), hop(OUT), hop(MUA)],
            ['too-many-hops', 'not-authenticated', 'not-authenticated'],
        ),
        # Local servers only.
        ([hop(RELAY)], ['no-outgoing-server'] * 3),
        ([hop(RELAY), PICKUP], ['no-outgoing-server'] * 3),
        ([PICKUP], ['no-outgoing-server'] * 3),
        # Re-injections on the way: a content filter by the sendmail command and
        # one over SMTP on loopback, at a relay and at the outgoing server.
        (
            [PICKUP, hop(RELAY), PICKUP, hop(OUT), auth(MUA)],
            ['outgoing-server'] * 3,
        ),
        (
            [hop(RELAY), hop('127.0.0.1'), hop(OUT), auth(MUA)],
            ['outgoing-server'] * 3,
        ),
        ([hop('IPv6:::1'), hop(OUT), auth(MUA)], ['outgoing-server'] * 3),
        ([hop(OUT), PICKUP, auth(MUA)], ['outgoing-server'] * 3),
        ([hop(OUT), auth(MUA), PICKUP, PICKUP], ['outgoing-server'] * 3),
        # Loopback below the outgoing server is one hop more, as ever.
        (
            [hop(OUT), hop('127.0.0.1'), auth(MUA)],
            ['too-many-hops', 'not-authenticated', 'not-authenticated'],
        ),
        # A hidden peer in the attested part ends it ...
        ([HIDDEN, hop(OUT), auth(MUA)], ['no-peer-address'] * 3),
        ([hop(RELAY), HIDDEN, hop(OUT), auth(MUA)], ['no-peer-address'] * 3),
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
        # Both readings, and the one that counts fewer hops is right.
        ([OUT, RELAY], [OUT], [hop(OUT), hop(RELAY)], 'outgoing-server'),
        (
            [OUT, RELAY],
            [OUT],
            [hop(OUT), hop(RELAY), hop(MUA)],
            'too-many-hops',
        ),
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


@pytest.mark.parametrize('submission', Submission)
@pytest.mark.parametrize(
    ('route', 'reason'),
    [
        ([auth(MUA)], 'local-submission'),
        ([hop(RELAY), auth(MUA)], 'local-submission'),
        ([hop('127.0.0.1'), HIDDEN_AUTH], 'local-submission'),
        ([PICKUP, auth(MUA)], 'local-submission'),
        ([auth(MUA), JUNK, JUNK], 'local-submission'),
        ([hop(MUA)], 'unlisted-peer'),
        ([hop(RELAY)], 'no-outgoing-server'),
        ([hop(UNKNOWN), auth(MUA)], 'unlisted-peer'),
        ([JUNK, auth(MUA)], 'malformed'),
    ],
)
def test_local_submission_needs_auth_at_a_local_server(submission, route, reason):
    verdict = evaluate(route, policy(submission=submission, local_submission=True))
    assert verdict.reason.value == reason


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
    kind = vector['description'][0]
    # In some b routes the unknown server logged in to the outgoing one, whose
    # field is the third.
    logged_in = (
        vector['auth']
        if kind == 'a'
        else kind == 'b' and 'esmtpsa' in vector['fields'][2].lower()
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
    attacks = [vector for vector in ROUTES if vector['description'][0] in 'cd']
    assert len(attacks) > 350
    for vector in attacks:
        assert not evaluate(vector['fields'], policy(submission=submission)).trusted


def test_findings_say_what_each_field_gave():
    verdict = evaluate(
        [hop(RELAY), hop(OUT), JUNK],
        policy(['192.168.10.0/28'], ['192.168.10.1']),
    )
    assert [
        (finding.attested, finding.local, finding.remote, finding.problem)
        for finding in verdict.findings
    ] == [
        (True, '192.168.10.0/28', None, ''),
        (True, '192.168.10.0/28', '192.168.10.1', ''),
        (True, None, None, 'it is in no form that is known'),
    ]


def test_nothing_below_the_second_hop_is_read():
    def fields():
        yield from [hop(OUT), hop(UNKNOWN), hop(MUA)]
        raise AssertionError('a fourth field was read')

    verdict = evaluate(fields(), policy())
    assert verdict.reason is Reason.TOO_MANY_HOPS
    assert len(verdict.findings) == 3
    assert not verdict.findings[2].attested


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
            'A local server had the message from 203.0.113.9, which is on neither '
            'list; add 203.0.113.9 to trusted_local_servers if this server is yours.',
        ),
        (
            [hop(RELAY), JUNK],
            'A Received field of a trusted server could not be read: it is in no '
            'form that is known.',
        ),
        ([], 'The message has no Received field.'),
    ],
)
def test_explanation_names_the_address_or_the_problem(route, sentence):
    assert evaluate(route, policy()).explanation == sentence


def test_every_reason_has_a_token_and_a_sentence():
    for reason in Reason:
        assert reason.value == reason.name.lower().replace('_', '-') or (
            reason is Reason.NO_PEER
        )
        assert reason.sentence.endswith('.')


def test_unknown_submission_is_an_error():
    with pytest.raises(ValueError, match='single_hop'):
        Policy(submission='single_hop')
