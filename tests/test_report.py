# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A decision as values, as a drawing, as a log line and read from one."""

import json
import pytest

from dev.site.posts import make_post
from hypothesis import given
from hypothesis import strategies as st
from mailman_trustedserver import decide, Header
from mailman_trustedserver.policy import MAX_FIELDS
from mailman_trustedserver.reasons import Reason
from mailman_trustedserver.report import (
    chain_line,
    describe,
    describe_briefly,
    describe_then,
    draw,
    keep,
    log_line,
    MAX_FIELD_LENGTH,
    printable,
    read_chain_line,
    read_kept,
    read_log,
    read_log_by_day,
    read_log_line,
    read_take_up,
    take_up_line,
)
from mailman_trustedserver.scopes import parse_configuration
from tests.test_decision import BAD, GOOD, mlist, settings
from tests.test_policy import DATE, hop, MUA, OUT, PICKUP, RELAY, UNKNOWN


def test_log_line_is_read_as_it_was_written():
    line = log_line(decide(GOOD, settings(mode='observe'), mlist()))
    assert list(read_log(f'Nov 25 10:00:00 2026 (1) {line}\n')) == [
        {
            'message-id': GOOD.message_id,
            'list': 'staff.example.com',
            'verdict': 'trusted',
            'reason': 'outgoing-server',
            'peers': '192.168.10.3,192.168.10.1,198.51.100.20',
            'proof': 'single-hop',
            'mode': 'observe',
        }
    ]


def test_other_lines_of_a_log_are_left_out():
    lines = [
        'Nov 25 10:00:00 2026 (1) HOLD: staff post held',
        'Nov 25 10:00:01 2026 (1) ' + log_line(decide(GOOD, settings(), mlist())),
        'Nov 25 10:00:02 2026 (1) trusted-server: a post could not be judged',
        '',
        'Nov 25 10:00:03 2026 (1) ' + log_line(decide(BAD, settings(), mlist())),
    ]
    reasons = [one['reason'] for one in read_log('\n'.join(lines))]
    assert reasons == ['outgoing-server', 'unlisted-peer']
    assert list(read_log('')) == []


LINE = log_line(decide(GOOD, settings(), mlist()))


@pytest.mark.parametrize(
    ('before', 'day'),
    [
        ('Nov 05 10:00:00 2026 (123) ', '2026-11-05'),
        ('2026-11-05 10:00:00,123 INFO mailman.vette [123] ', '2026-11-05'),
        ('2026-11-05T10:00:00Z ', '2026-11-05'),
        ('Thu Nov 5 10:00:00 2026 ', ''),
        ('10:00:00 ', ''),
    ],
)
def test_day_of_a_line_is_read_where_its_format_is_known(before, day):
    assert list(read_log_by_day(f'{before}{LINE}\n')) == [(day, read_log_line(LINE))]


@pytest.mark.parametrize(
    'before',
    [
        'Nov 05 10:00:00 2026 (1) ACCEPT: ',
        'Nov 05 10:00:00 2026 (1) HOLD: post from a@example.org held, message-id=<x ',
        # A field that a sender has folded.
        ' ',
        ' Nov 05 10:00:00 2026 (1) ',
        '\tNov 05 10:00:00 2026 (1) ',
    ],
)
def test_what_a_sender_wrote_into_another_line_is_no_verdict(before):
    assert list(read_log_by_day(f'{before}{LINE}\n')) == []


CONFIGURATION = parse_configuration(
    {'site': {'trusted_remote_servers': '192.0.2.1', 'mode': 'observe'}}, 'x', 'site'
)


@pytest.mark.parametrize(
    ('taken_up', 'expected'),
    [
        ((CONFIGURATION, None, True), (CONFIGURATION.digest, 'observe', 1, None)),
        ((CONFIGURATION, None, False), (None, None, None, 'the plugin is not enabled')),
        ((None, 'x: [y]: z\x1b', True), (None, None, None, 'x: [y]: z\\x1b')),
    ],
)
@pytest.mark.parametrize(
    ('before', 'logged_at'),
    [
        ('Nov 05 10:00:00 2026 (7) ', '2026-11-05 10:00:00'),
        ('2026-11-05 10:00:00,123 (7) ERROR mailman.plugins ', '2026-11-05 10:00:00'),
        ('INFO (7) ', ''),
        ('(7) ', None),
        ('x (7) ', None),
        (' Nov 05 10:00:00 2026 (7) ', None),
        ('Nov 05 10:00:00 2026 ', None),
    ],
)
def test_what_a_process_took_up_is_read_as_it_was_written(
    before, logged_at, taken_up, expected
):
    found = read_take_up(f'{before}{take_up_line(*taken_up)}\n')
    digest, mode, entries, error = expected
    assert found == (
        None
        if logged_at is None
        else {
            'process': 7,
            'logged_at': logged_at,
            'digest': digest,
            'mode': mode,
            'entries': entries,
            'error': error,
        }
    )


@pytest.mark.parametrize('list_id', ['staff.example.org', 'a b.example.org', 'x"='])
@pytest.mark.parametrize(
    ('before', 'logged_at'),
    [
        ('Nov 05 10:00:00 2026 (7) ', '2026-11-05 10:00:00'),
        ('INFO (7) ', ''),
        ('x (7) ', None),
        (' Nov 05 10:00:00 2026 (7) ', None),
    ],
)
def test_chain_that_was_chosen_is_read_as_it_was_written(list_id, before, logged_at):
    found = read_chain_line(f'{before}{chain_line(list_id, "accept")}\n')
    expected = {'list_id': list_id, 'posting_chain': 'accept', 'logged_at': logged_at}
    assert found == (None if logged_at is None else expected)


def test_line_of_a_configuration_is_no_line_of_a_chain():
    line = f'(7) {take_up_line(CONFIGURATION, None, True)}\n'
    assert read_chain_line(line) is None


@pytest.mark.parametrize(
    ('line', 'message_id'),
    [
        ('trusted-server: message-id="<a b>', '"<a'),
        ('trusted-server: message-id="\\z"', '"\\z"'),
    ],
)
def test_damaged_value_stays_as_it_is(line, message_id):
    assert read_log_line(line)['message-id'] == message_id


@given(st.text())
def test_whatever_a_message_id_has_is_one_value_of_one_line(message_id):
    header = Header((('message-id', message_id),))
    decision = decide(header, settings(), mlist())
    line = log_line(decision)
    assert line.splitlines() == [line]
    (read,) = read_log(f'Nov 25 10:00:00 2026 (1) {line}')
    assert read == read_log_line(line)
    assert list(read) == ['message-id', 'list', 'verdict', 'reason', 'peers']
    assert read['verdict'] == 'not-trusted'
    if len(message_id) <= 200:
        assert read['message-id'] == message_id.strip()


@pytest.mark.parametrize('header', [GOOD, BAD, Header()])
def test_description_and_what_is_kept_are_plain_values(header):
    decision = decide(header, settings(), mlist())
    described, briefly = describe(decision), describe_briefly(decision)
    assert json.loads(json.dumps(described)) == described
    assert briefly['details'].items() <= described['details'].items()
    for name in briefly.keys() - {'details'}:
        assert briefly[name] == described[name]
    kept = json.loads(keep(decision))
    assert kept['reason'] == described['reason']
    assert kept['digest'] == settings().digest


# What was decided when the post came.

AUTHENTICATED = settings(submission='authenticated')
ACCEPTING = mlist(action='accept')
DKIM = settings(
    trusted_remote_servers='', dkim_remote_servers=OUT, sender_domains='example.org'
)
WITH_AUTH = Header.parse(make_post([hop(RELAY), hop(OUT), hop(MUA, 'ESMTPSA')]))
ON_NO_LIST = f'A local server had the message from {UNKNOWN}, which is on no list.'
SUBMITTED = (
    'The message was submitted at an outgoing server and came by trusted servers only.'
)


def signed_by(reason):
    """A decision that has asked for a signature."""
    return decide(GOOD, DKIM, mlist(), signed=lambda: reason)


@pytest.mark.parametrize(
    ('then', 'now', 'explanation', 'difference'),
    [
        # The same is the same, whatever else was changed.
        (decide(BAD, settings(), mlist()),) * 2 + (ON_NO_LIST, None),
        (decide(GOOD, settings(), mlist()),) * 2 + (SUBMITTED, None),
        (
            decide(WITH_AUTH, settings(), mlist()),
            decide(WITH_AUTH, AUTHENTICATED, mlist()),
            SUBMITTED,
            None,
        ),
        (
            decide(GOOD, settings(), ACCEPTING),
            decide(GOOD, AUTHENTICATED, ACCEPTING),
            "The list's default action for nonmembers is not one of nonmember_actions.",
            None,
        ),
        (
            decide(BAD, settings(), mlist()),
            decide(BAD, settings(trusted_remote_servers=UNKNOWN), mlist()),
            ON_NO_LIST,
            'configuration',
        ),
        (
            decide(GOOD, AUTHENTICATED, mlist()),
            decide(GOOD, settings(), mlist()),
            f'The outgoing server {OUT} does not state that the sender authenticated.',
            'configuration',
        ),
        (
            decide(GOOD, settings(), mlist()),
            decide(GOOD, Reason.NOT_ENABLED, mlist()),
            SUBMITTED,
            'configuration',
        ),
        # Trust ended elsewhere, for the same reason.
        (
            decide(Header.parse(make_post([hop(RELAY), hop(UNKNOWN)])), settings()),
            decide(
                Header.parse(make_post([hop(RELAY), hop(UNKNOWN)])),
                settings(trusted_local_servers='192.0.2.1'),
            ),
            ON_NO_LIST,
            'configuration',
        ),
        (
            decide(GOOD, settings(), ACCEPTING),
            decide(GOOD, settings(), mlist()),
            "The list's default action for nonmembers is not one of nonmember_actions.",
            'list-settings',
        ),
        (
            decide(GOOD, settings(), mlist()),
            decide(GOOD, DKIM, mlist()),
            SUBMITTED,
            'configuration',
        ),
        # Observed only, and then trusted in earnest.
        (
            decide(GOOD, settings(mode='observe'), mlist()),
            decide(GOOD, settings(), mlist()),
            SUBMITTED,
            'configuration',
        ),
        (
            decide(GOOD, settings(mode='observe'), mlist()),
            decide(GOOD, settings(mode='observe'), mlist()),
            SUBMITTED,
            None,
        ),
        (
            signed_by(Reason.INTERNAL_ERROR),
            decide(GOOD, DKIM, mlist()),
            'The plugin failed; the error log has the traceback.',
            'failure',
        ),
        (
            decide(BAD, settings(), mlist()),
            decide(GOOD, settings(), mlist()),
            ON_NO_LIST,
            'rules',
        ),
    ],
)
def test_verdict_of_then_is_told_with_why_it_is_another_now(
    then, now, explanation, difference
):
    described = describe_then(keep(then), now)
    assert described['trusted'] is then.verdict.trusted
    assert described['reason'] == then.verdict.reason.value
    assert described['explanation'] == explanation
    assert described['difference'] == difference
    assert json.loads(json.dumps(described)) == described


@pytest.mark.parametrize(
    ('changed', 'explanation'),
    [
        # What was in the field is not kept.
        ({'reason': 'malformed'}, 'malformed'),
        # Another version of the plugin kept it.
        ({'reason': 'other'}, 'other'),
        ({'peers': []}, 'A local server had the message from ?, which is on no list.'),
        (
            {'peers': ['192.0.2.1', '...', '2001:db8::1']},
            'A local server had the message from 2001:db8::1, which is on no list.',
        ),
    ],
)
def test_what_was_kept_is_told_as_far_as_it_goes(changed, explanation):
    decision = decide(BAD, settings(), mlist())
    text = json.dumps({**json.loads(keep(decision)), **changed})
    assert describe_then(text, decision)['explanation'] == explanation


KEPT = keep(decide(GOOD, settings(), mlist()))
# What may not stand in it.
NEVER_KEPT: list[dict[str, object]] = [
    {'trusted': 1},
    {'trusted': 'true'},
    {'reason': '<script>'},
    {'reason': ''},
    {'reason': None},
    {'proof': 'a b'},
    {'proof': 7},
    {'peers': None},
    {'peers': '...'},
    {'peers': {'192.0.2.1': 1}},
    {'peers': ['192.0.2.1\n']},
    {'peers': ['example.org']},
    {'peers': [1]},
    {'peers': [True]},
    {'peers': [[]]},
    {'server': '\u202e'},
    {'server': []},
    {'digest': 'x'},
    {'digest': 7},
    {'mode': 'enforce'},
    {'mode': None},
    {'more': 1},
]


@pytest.mark.parametrize(
    'text',
    [
        None,
        7,
        KEPT.encode(),
        json.loads(KEPT),
        '',
        *(KEPT[:length] for length in range(1, len(KEPT))),
        KEPT + ' ' * 1000,
        '[' * 1000,
        '1' * 1000,
        '7',
        '[]',
        '{}',
        'NaN',
        '"x"',
        *(json.dumps({**json.loads(KEPT), **changed}) for changed in NEVER_KEPT),
    ],
    ids=lambda text: repr(text)[:60],
)
def test_text_that_was_not_kept_is_none(text):
    assert read_kept(text) is None
    assert describe_then(text, decide(GOOD, settings(), mlist())) is None


@given(
    st.text(max_size=1100)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(sorted(json.loads(KEPT))), inner, max_size=6
            )
        ),
    ).map(json.dumps)
)
def test_no_text_makes_the_reader_fail(text):
    assert read_kept(text) is None


@given(st.lists(st.sampled_from([hop(RELAY), hop(OUT), hop(MUA), hop('::1'), 'x'])))
def test_what_is_kept_is_read_as_it_was_kept(fields):
    decision = decide(Header.parse(make_post(fields)), settings(), mlist())
    text = keep(decision)
    assert len(text) <= 1000
    assert read_kept(text) == json.loads(text)
    assert describe_then(text, decision)['difference'] is None


def test_description_of_a_route_alone_names_no_list():
    assert set(describe(decide(GOOD, settings(), mlist()))) - set(
        describe(decide(GOOD, settings()))
    ) == {
        'list_id',
        'posting_chain',
        'default_nonmember_action',
        'nonmember_actions',
        'mode',
        'obstacles',
    }


MANY = Header((('received', hop(RELAY)),) * (MAX_FIELDS + 2))
LONG = Header.parse(make_post([hop(RELAY), hop(OUT), hop(UNKNOWN), hop(MUA)]))
PICKED_UP = Header.parse(make_post([hop(RELAY), hop(OUT), PICKUP]))
STRANGER = Header((*GOOD.fields, ('auto-submitted', 'auto-replied')))
OTHER_DOMAIN = {'sender_domains': 'example.net'}


@pytest.mark.parametrize(
    ('header', 'decided', 'standings', 'ended_at'),
    [
        (GOOD, settings(), 'listed listed sender', None),
        # Where something else decides, the route is drawn as what it is.
        (GOOD, settings(nonmember_actions='reject'), 'listed listed sender', None),
        (GOOD, settings(**OTHER_DOMAIN), 'listed listed sender', None),
        (STRANGER, settings(), 'listed listed sender', None),
        (BAD, settings(), 'unlisted', 0),
        (LONG, settings(), 'listed listed unlisted anybody', None),
        (PICKED_UP, settings(), 'listed listed no-peer', None),
        (BAD, settings(nonmember_actions='reject'), 'unlisted', 0),
        (Header((('received', 'x'),)), settings(), 'no-peer', 0),
        (Header(), settings(), '', None),
        # Without lists, nobody can say who is on one.
        (GOOD, Reason.CONFIGURATION_ERROR, 'unknown', None),
        (GOOD, Reason.NOT_ENABLED, 'unknown', None),
    ],
)
def test_each_hop_has_its_standing(header, decided, standings, ended_at):
    described = describe(decide(header, decided, mlist()))
    assert ' '.join(one['standing'] for one in described['hops']) == standings
    assert described['ended_at'] == ended_at


OWN_HOST = Header.parse(make_post([hop(RELAY), hop(OUT), hop(RELAY)]))
FILTERED = Header.parse(
    make_post([hop(RELAY), hop(OUT), hop('127.0.0.1'), hop('127.0.0.1'), hop(MUA)])
)
OUT_LAST = Header.parse(make_post([hop(RELAY), hop(OUT)]))
TENANTS = {
    'trusted_remote_servers': '',
    'microsoft_365_tenants': 'example.org',
    'microsoft_365_servers': OUT,
}


@pytest.mark.parametrize(
    ('header', 'decided', 'reason', 'standings', 'unproved_at'),
    [
        (GOOD, settings(), 'outgoing-server', 'listed listed sender', None),
        (BAD, settings(), 'unlisted-peer', 'unlisted', None),
        (GOOD, AUTHENTICATED, 'not-authenticated', 'listed listed sender', 2),
        (
            FILTERED,
            AUTHENTICATED,
            'not-authenticated',
            'listed listed sender sender sender',
            4,
        ),
        (OUT_LAST, AUTHENTICATED, 'not-authenticated', 'listed listed', 1),
        (LONG, settings(), 'too-many-hops', 'listed listed unlisted anybody', 2),
        (OWN_HOST, settings(), 'own-host', 'listed listed listed', 2),
        # These proofs are in no Received field: they are about the server.
        (GOOD, settings(**TENANTS), 'no-tenant', 'listed listed sender', 1),
        (GOOD, DKIM, 'dkim-not-checked', 'listed listed sender', 1),
    ],
)
def test_missing_proof_is_marked_where_it_was_to_be(
    header, decided, reason, standings, unproved_at
):
    for action in ('hold', 'accept'):
        described = describe(decide(header, decided, mlist(action=action)))
        assert described['route_reason'] == reason
        assert ' '.join(one['standing'] for one in described['hops']) == standings
        assert described['unproved_at'] == unproved_at
        assert (described['ended_at'] is None) is (reason != 'unlisted-peer')


@pytest.mark.parametrize(
    ('header', 'decided', 'drawn'),
    [
        (
            Header((*BAD.fields, *GOOD.fields)),
            settings(),
            '(3 older fields were not read: they change nothing)',
        ),
        (MANY, settings(), '(2 older fields were not read)'),
        (GOOD, Reason.CONFIGURATION_ERROR, '(2 older fields were not read)'),
        (GOOD, Reason.CONFIGURATION_ERROR, '[which servers are trusted is not known]'),
    ],
)
def test_drawing_says_of_older_fields_what_is_so(header, decided, drawn):
    text = draw(decide(header, decided, mlist()), 'x')
    assert drawn in text
    assert 'on no list' not in text or header is not GOOD


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('mail.example.org', 'mail.example.org'),
        # UTF-8 (RFC 6531), as the parser of messages leaves it.
        ('\udcc3\udcbcbung.example.org', 'übung.example.org'),
        ('übung', 'übung'),
        ('\udcff', '\\udcff'),
        # No octet stands for this.
        ('\ud800ü', '\\ud800ü'),
        ('a\u202ecba', 'a\\u202ecba'),
        ('a\x1b[2J\n', 'a\\x1b[2J\\n'),
    ],
)
def test_text_is_readable_and_hides_nothing(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize(
    ('date', 'time'),
    [
        ('Tue, 1 Sep 2026 12:00:00 +0200', '2026-09-01T10:00:00+00:00'),
        ('Tue, 1 Sep 1 10:00:00 -9999999999', None),
        ('yesterday', None),
    ],
)
def test_hop_has_its_time_and_its_field(date, time):
    field = hop(UNKNOWN).replace(DATE, date)
    (described,) = describe(decide(Header((('received', field),)), settings()))['hops']
    assert described['time'] == time
    assert described['field'] == field.replace('\t', '    ')


def test_long_field_is_cut():
    field = f'from x\r\n\tby {"y" * MAX_FIELD_LENGTH}'
    (described,) = describe(decide(Header((('received', field),)), settings()))['hops']
    assert described['field'].startswith('from x\n    by yyy')
    assert described['field'].endswith('y...')
    assert len(described['field']) <= MAX_FIELD_LENGTH + 10


@given(st.text(alphabet='\x1b[2J\x07\u202ex é\udce9', max_size=20))
def test_drawing_is_safe_on_a_terminal(helo):
    field = hop(UNKNOWN).replace('from ', f'from {helo}', 1)
    data = make_post([field], message_id=f'<{helo}@example.org>')
    drawn = draw(decide(Header.parse(data), settings(), mlist()), f'{helo}.eml')
    assert drawn.isascii()
    assert all(line.isprintable() for line in drawn.split('\n'))


@pytest.mark.parametrize(
    ('field', 'nearest', 'drawn'),
    [
        (
            hop(UNKNOWN).replace('; Sun', ' and more; Sun'),
            {
                'form': 'Postfix',
                'read': f'from x (unknown [{UNKNOWN}]) by x.example.org (Postfix) with '
                'ESMTP id 1',
                'expected': '\u201c;\u201d',
                'instead': ' and more; Sun, 22 Nov 2026 10:00:00 +0000',
            },
            '(Postfix) with ESMTP id 1 <-- expected ";"',
        ),
        # It is refused before any form is tried.
        ('from x\0', None, 'it has a bare CR, a bare LF or a NUL'),
        (hop(UNKNOWN), None, UNKNOWN),
    ],
)
def test_field_that_cannot_be_read_is_shown_as_far_as_it_can(field, nearest, drawn):
    decision = decide(Header((('received', field),)), settings(), mlist())
    (described,) = describe(decision)['hops']
    assert described['nearest'] == nearest
    assert drawn in ' '.join(draw(decision, 'x').split())


def test_end_of_a_long_field_is_shown():
    field = hop(UNKNOWN).replace(
        UNKNOWN + '])', UNKNOWN + ']) (using ' + 'x' * 200 + ')'
    )
    decision = decide(Header((('received', field + ' y'),)), settings(), mlist())
    (described,) = describe(decision)['hops']
    assert described['nearest']['read'].startswith('...xxx')
    assert len(described['nearest']['read']) == 103


def test_field_that_is_no_evidence_is_not_looked_into():
    decision = decide(
        Header((('received', hop(UNKNOWN)), ('received', 'x'))), settings()
    )
    assert [one['nearest'] for one in describe(decision)['hops']] == [None] * len(
        decision.verdict.findings
    )
