# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a configuration makes of many posts."""

import json
import pytest

from collections import Counter
from mailman_trustedserver import decide, Header, parse_settings
from mailman_trustedserver.advice import audit, common
from mailman_trustedserver.advice.audit import Audit, draw_audit
from mailman_trustedserver.advice.common import day_of
from tests.test_decision import BAD, GOOD, settings
from tests.vectors import load


DATE = 'Tue, 10 Feb 2026 10:00:00 +0000'
KEYS = {
    'trusted_local_servers': '127.0.0.1 192.168.10.3',
    'trusted_remote_servers': '192.168.10.1',
}


def field(helo, peer, by, protocol='ESMTPS', date=DATE):
    return (
        f'from {helo} ({helo} [{peer}]) by {by} (Postfix) with {protocol} id 4F3D2A; '
        f'{date}'
    )


RELAY = ('relay.example.org', '192.168.10.3', 'lists.example.org')
OUT = ('out.example.org', '192.168.10.1', 'relay.example.org')


def post(*fields, **headers):
    found = [('received', one) for one in fields]
    found += [(name.lower().replace('_', '-'), text) for name, text in headers.items()]
    return Header(tuple(found))


def judged(header, keys=KEYS, **more):
    return decide(header, parse_settings({**keys, **more}, 'test'))


def audited(*headers, **more):
    found = Audit()
    for header in headers:
        found.add(judged(header, **more))
    return found.describe()


def notes(*headers, **more):
    return audited(*headers, **more)['notes']


def test_verdicts_are_counted_by_reason_and_proof():
    found = Audit()
    for header in (GOOD, GOOD, BAD):
        found.add(decide(header, settings()))
    described = found.describe()
    assert described['posts'] == 3
    assert described['verdicts'] == [
        {
            'trusted': True,
            'reason': 'outgoing-server',
            'proof': 'single-hop',
            'posts': 2,
        },
        {'trusted': False, 'reason': 'unlisted-peer', 'proof': '', 'posts': 1},
    ]


def test_counts_are_those_of_each_decision():
    found, reasons = Audit(), Counter()
    for one in load('sites'):
        keys = {
            'trusted_local_servers': ' '.join(one['local']),
            'dedicated_remote_servers': ' '.join(one['outgoing']),
            **one.get('settings', {}),
        }
        decision = judged(post(*one['fields']), keys)
        found.add(decision)
        reasons[decision.verdict.reason.value] += 1
    counted = Counter()
    for row in found.describe()['verdicts']:
        counted[row['reason']] += row['posts']
    assert counted == reasons


def test_servers_are_counted_by_role_with_the_days_they_were_seen():
    later = 'Wed, 11 Feb 2026 10:00:00 +0000'
    program = field('pc', '198.51.100.20', 'out.example.org', 'ESMTPSA')
    found = audited(
        post(field(*RELAY), field(*OUT), program),
        post(field(*RELAY, date=later), field(*OUT, date=later), program),
        post(field('x', '203.0.113.66', 'lists.example.org', date=later)),
    )
    rows = {
        one['address']: (one['role'], one['posts'], one['first'], one['last'])
        for one in found['servers']
    }
    assert rows == {
        '192.168.10.3': ('trusted_local_servers', 2, '2026-02-10', '2026-02-11'),
        '192.168.10.1': ('trusted_remote_servers', 2, '2026-02-10', '2026-02-11'),
        '198.51.100.20': ("sender's program", 2, '2026-02-10', '2026-02-11'),
        '203.0.113.66': ('on no list', 1, '2026-02-11', '2026-02-11'),
    }
    assert (found['first'], found['last']) == ('2026-02-10', '2026-02-11')


def test_address_on_two_lists_is_counted_under_both():
    found = audited(
        post(field(*OUT), field('pc', '198.51.100.20', 'x')),
        trusted_local_servers='192.168.10.1',
    )
    roles = [
        one['role'] for one in found['servers'] if one['address'] == '192.168.10.1'
    ]
    assert sorted(roles) == ['trusted_local_servers', 'trusted_remote_servers']


def test_changes_to_another_configuration_are_counted_with_examples():
    found = Audit(compares=True)
    strict = {**KEYS, 'submission': 'authenticated'}
    route = [
        field(*RELAY),
        field(*OUT),
        field('pc', '198.51.100.20', 'out.example.org'),
    ]
    header = post(*route, Message_ID='<1@example.org>')
    for mine, other in ((KEYS, strict), (strict, KEYS), (KEYS, KEYS)):
        found.add(judged(header, mine), judged(header, other))
    described = found.describe()
    assert described['changes'] == [
        {'from': 'trusted', 'to': 'not-authenticated', 'posts': 1},
        {'from': 'not-authenticated', 'to': 'trusted', 'posts': 1},
    ]
    assert described['examples'] == [
        {
            'what': 'no longer trusted',
            'posts': 1,
            'message_ids': ['<1@example.org>'],
        },
        {'what': 'newly trusted', 'posts': 1, 'message_ids': ['<1@example.org>']},
    ]
    assert 'With the other configuration, nothing would change.' not in draw_audit(
        described
    )


def test_nothing_changes_where_nothing_does():
    found = Audit(compares=True)
    found.add(judged(GOOD), judged(GOOD))
    assert 'With the other configuration, nothing would change.' in draw_audit(
        found.describe()
    )


@pytest.mark.parametrize(
    ('header', 'held', 'what'),
    [
        (GOOD, True, ['held, and trusted now']),
        (GOOD, False, []),
        (BAD, True, []),
        (
            post(
                field('x', '203.0.113.66', 'lists.example.org'),
                X_Mailman_Rule_Hits='member-moderation; trusted-server',
            ),
            False,
            ['delivered as trusted, and not trusted now'],
        ),
        (
            post(
                field('x', '203.0.113.66', 'lists.example.org'),
                X_Mailman_Rule_Hits='member-moderation',
            ),
            False,
            [],
        ),
    ],
)
def test_posts_that_had_another_end_are_named(header, held, what):
    found = Audit()
    found.add(decide(header, settings()), held=held)
    assert [one['what'] for one in found.describe()['examples']] == what


def test_examples_and_addresses_are_bounded(monkeypatch):
    monkeypatch.setattr(common, 'MAX_KEPT', 3)
    monkeypatch.setattr(audit, 'MAX_EXAMPLES', 2)
    found = Audit()
    for number in range(10):
        day = f'{number + 1} Feb 2026 10:00:00 +0000'
        stranger = field('x', f'203.0.113.{number}', 'lists.example.org', date=day)
        found.add(judged(post(stranger, Message_ID=f'<{number}@x>')))
        found.add(judged(post('nonsense')))
        found.add(judged(post(f'nonsense by x{number}')))
        found.add(judged(post(f'by x (Postfix, from userid {number}) id 4F3D; {DATE}')))
        found.add(decide(GOOD, settings()), held=True)
    described = found.describe()
    assert described['posts'] == 50
    assert len(described['servers']) == 3
    assert sum(described['further_servers'].values()) > 0
    assert len(described['users']) == 3
    assert [one['posts'] for one in described['fields']] == [10, 1, 1]
    assert len(described['examples'][0]['message_ids']) == 2
    assert len(found.days) == 3
    assert 'and further addresses, on no list' in draw_audit(described)


# What no list of addresses shows.


def through(server, client, helo=None):
    """A post that a relay took from `client` for `server`."""
    name, peer, by = server
    return post(field(helo or name, peer, by), client)


def test_local_server_behind_which_others_are_is_no_mail_server():
    posts = [
        through(RELAY, field('x', '203.0.113.66', by), helo=by)
        for by in ('a.example', 'b.example', 'c.example')
    ]
    (note,) = notes(*posts)
    assert note.startswith('192.168.10.3 (trusted_local_servers) called itself a.exam')
    assert 'a NAT or a gateway' in note


def test_mail_server_with_one_name_is_one():
    posts = [through(RELAY, field('x', '203.0.113.66', 'relay.example.org'))] * 5
    assert notes(*posts) == []


def test_content_filter_over_the_loopback_is_no_gateway():
    posts = [
        through((helo, '127.0.0.1', 'lists.example.org'), field('x', '203.0.113.6', by))
        for helo, by in (('a', 'x'), ('b', 'y'), ('c', 'z'))
    ]
    assert notes(*posts) == []


@pytest.mark.parametrize(('protocol', 'looks'), [('ESMTP', True), ('ESMTPA', False)])
def test_outgoing_server_that_takes_mail_from_everybody_looks_like_an_mx(
    protocol, looks
):
    out = ('out.example.org', '192.168.10.1', 'lists.example.org')
    posts = [
        through(out, field('x', f'8.8.{number}.8', 'out.example.org', protocol))
        for number in range(common.MANY_OUTSIDERS)
    ]
    assert any('looks like an MX' in note for note in notes(*posts)) is looks


@pytest.mark.parametrize(
    ('key', 'address', 'named'),
    [
        ('trusted_remote_servers', '40.107.1.2', 'microsoft_365_tenants'),
        ('trusted_remote_servers', '209.85.128.1', 'dkim_remote_servers'),
        ('trusted_local_servers', '209.85.128.1', ''),
        ('trusted_remote_servers', '192.0.2.1', ''),
    ],
)
def test_shared_sender_is_named_with_its_key(key, address, named):
    found = notes(
        post(field('mail.example.com', address, 'lists.example.org')), **{key: address}
    )
    assert [note.rpartition(' ')[2] for note in found] == [named] * bool(named)


def test_shared_sender_under_its_own_key_is_fine():
    header = post(field('mail.example.com', '40.107.1.2', 'lists.example.org'))
    found = notes(
        header,
        microsoft_365_tenants='example.org',
        microsoft_365_servers='40.107.0.0/16',
    )
    assert found == []


def test_posts_of_the_web_archive_and_of_users_are_told():
    archive = post(field(*RELAY), User_Agent='HyperKitty on https://lists.example.org/')
    user = post(f'by lists.example.org (Postfix, from userid 33) id 4F3D2A; {DATE}')
    first, second = notes(archive, user, user)
    assert first.startswith('1 posts were written in the web archive')
    assert second.startswith('2 posts came by the sendmail command of user 33')
    assert 'reinjection_users: 33' in second


def test_fields_that_cannot_be_read_are_grouped_by_their_server():
    odd = 'from x (x [192.0.2.1]) by odd.example.org with CARRIER pigeon'
    found = audited(post(odd), post(odd), post('nonsense'))
    assert [(one['by'], one['posts']) for one in found['fields']] == [
        ('odd.example.org', 2),
        ('?', 1),
    ]
    assert found['fields'][0]['example'] == odd
    assert f'explain --field: {odd}' in draw_audit(found)


# The days.


@pytest.mark.parametrize(
    ('date', 'day'),
    [
        (DATE, '2026-02-10'),
        ('Tue, 10 Feb 2026 23:30:00 -0100', '2026-02-11'),
        ('nonsense', ''),
        ('Tue, 10 Feb 99999 10:00:00 +0000', ''),
        ('Fri, 31 Dec 9999 23:30:00 -0100', ''),
    ],
)
def test_day_is_that_of_the_newest_field_in_utc(date, day):
    assert day_of(post(field(*RELAY, date=date))) == day


def test_description_is_plain_and_its_drawing_safe():
    found = Audit()
    found.unreadable['this is no RFC 5322 message'] += 2
    for header in (GOOD, BAD, post('nonsense \x1b[2J\u202e')):
        found.add(decide(header, settings()), held=True)
    for number in range(50):
        found.add(judged(post(field('\u202e.example', f'203.0.113.{number}', 'x'))))
    described = found.describe()
    assert json.loads(json.dumps(described)) == described
    drawn = draw_audit(described)
    assert drawn.isascii()
    assert all(line.isprintable() for line in drawn.split('\n'))
    assert '53 posts' in drawn
    assert '2 could not be read' in drawn
    assert 'more (--json has all)' in drawn


def test_days_are_drawn_as_a_picture(tmp_path):
    pytest.importorskip('matplotlib', reason="pip install '.[plot]'")
    from mailman_trustedserver.advice.plot import plot

    days = {
        '': Counter(trusted=9),
        '2026-02-10': Counter(trusted=2, **{f'reason-{n}': 1 for n in range(12)}),
        '2026-03-03': Counter(trusted=1),
    }
    for counted in (days, {}):
        path = tmp_path / f'{len(counted)}.svg'
        plot(counted, str(path))
        assert '<svg' in path.read_text()
    # Text is drawn as shapes, but for their names.
    assert (tmp_path / '3.svg').stat().st_size > (tmp_path / '0.svg').stat().st_size
