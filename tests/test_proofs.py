# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What proves a submission at the servers of each list."""

import pytest

from dev.site.posts import make_post
from mailman_trustedserver import decide, Header, parse_settings
from tests.test_policy import (
    auth,
    HIDDEN_AUTH,
    hop,
    JUNK,
    MUA,
    OUT,
    PICKUP,
    QUEUE,
    RELAY,
    UNKNOWN,
)
from tests.vectors import load


SITES = load('sites')
KEYS = {
    'single-hop': 'trusted_remote_servers',
    'authenticated': 'authenticated_remote_servers',
    'dedicated': 'dedicated_remote_servers',
    'local_submission': 'trusted_remote_servers',
}
OTHER = 'from x (unknown [{}])\n\tby other.example.org (Postfix) with {} id 1; {}'


def verdict(fields, keys, **headers):
    """The verdict with these keys, by the text of a configuration."""
    header = Header.parse(make_post(fields, **headers))
    settings = parse_settings({'trusted_local_servers': RELAY, **keys}, 'mailman.cfg')
    return decide(header, settings).verdict


def by_other(peer, protocol='ESMTP'):
    return hop(peer, protocol).replace('x.example.org', 'other.example.org')


# The routes of real organisations.


def of_site(site, proof, outgoing=None, fields=None):
    keys = {
        'trusted_local_servers': ' '.join(site['local']),
        **site.get('settings', {}),
        KEYS[proof]: ' '.join(site['outgoing'] if outgoing is None else outgoing),
    }
    if proof == 'local_submission':
        keys['local_submission'] = 'yes'
    return verdict(fields or site['fields'], keys)


@pytest.mark.parametrize(
    ('site', 'proof'),
    [(site, proof) for site in SITES for proof in site['trusted']],
    ids=lambda value: value if isinstance(value, str) else value['id'],
)
def test_site_is_trusted_by_the_proofs_that_it_has(site, proof):
    assert of_site(site, proof).trusted is site['trusted'][proof]


@pytest.mark.parametrize('proof', ['single-hop', 'authenticated', 'dedicated'])
@pytest.mark.parametrize('site', SITES, ids=lambda site: site['id'])
def test_no_site_is_trusted_by_other_servers_or_behind_an_outsider(site, proof):
    assert not of_site(site, proof, outgoing=[])
    outsider = hop('203.0.113.250')
    assert not of_site(site, proof, fields=[outsider, *site['fields']])


@pytest.mark.parametrize(
    ('client', 'by', 'trusted'),
    [
        ('x (mua.example.org [203.0.113.7])', 'Postcow', True),
        ('localhost (localhost [127.0.0.1])', 'Postcow', True),
        ('x (unknown [203.0.113.7])', 'Sophos Email Appliance', True),
        # Its own server said so, but not of whom.
        (f'x (relay.example.org [{RELAY}])', 'Postcow', False),
    ],
)
def test_auth_at_postfix_by_another_name_is_local_submission(client, by, trusted):
    field = (
        f'from {client}\n\t(Authenticated sender: user@example.org)\n'
        f'\tby lists.example.org ({by}) with ESMTP id E7CE79A45E9;\n'
        '\tMon, 14 Jul 2025 15:46:47 +0200 (CEST)'
    )
    keys = {'trusted_local_servers': f'127.0.0.1 {RELAY}', 'local_submission': 'yes'}
    assert verdict([field], keys).trusted is trusted


# The rules of each proof.


@pytest.mark.parametrize(
    ('fields', 'reason'),
    [
        ([hop(OUT), hop(UNKNOWN), hop(MUA)], 'outgoing-server'),
        ([hop(RELAY), hop(OUT)], 'outgoing-server'),
        ([hop(OUT), JUNK], 'outgoing-server'),
        ([hop(UNKNOWN), hop(OUT)], 'unlisted-peer'),
        ([hop(OUT), hop(RELAY)], 'own-host'),
        ([JUNK, hop(OUT)], 'malformed'),
    ],
)
def test_address_of_a_dedicated_server_is_the_proof(fields, reason):
    found = verdict(fields, {'dedicated_remote_servers': OUT})
    assert found.reason.value == reason
    assert found.proof == ('dedicated' if found else '')


@pytest.mark.parametrize(
    ('fields', 'trusted'),
    [
        ([hop(OUT), auth(MUA)], True),
        ([hop(OUT), auth(MUA), hop(UNKNOWN), JUNK], True),
        ([hop(OUT), hop(MUA)], False),
        ([hop(OUT), JUNK, auth(MUA)], False),
        # A content filter over the loopback, as often as it likes.
        ([hop(OUT), hop('127.0.0.1'), auth(MUA)], True),
        ([hop(OUT), hop('127.0.0.1'), by_other('127.0.0.1'), auth(MUA)], True),
        ([hop(OUT), *[hop('127.0.0.1')] * 4, auth(MUA)], True),
        ([hop(OUT), hop('IPv6:::1'), QUEUE, auth(MUA)], True),
        ([hop(OUT), hop('127.0.0.1'), HIDDEN_AUTH], True),
        # The server that wrote the first of them must have written the AUTH.
        ([hop(OUT), hop('127.0.0.1'), by_other(MUA, 'ESMTPSA')], False),
        ([hop(OUT), by_other('127.0.0.1'), auth(MUA)], False),
        # What is not of the loopback ends it, and so does what is not attested.
        ([hop(OUT), hop('127.0.0.1'), hop(UNKNOWN), auth(MUA)], False),
        ([hop(OUT), hop(UNKNOWN), hop('127.0.0.1'), auth(MUA)], False),
        ([hop(OUT), hop('127.0.0.1'), JUNK, auth(MUA)], False),
        ([hop(OUT), hop('127.0.0.1'), PICKUP, auth(MUA)], False),
        ([hop(OUT), hop('127.0.0.1')], False),
        # AUTH of a server of the site is none of a user, but of the host itself.
        ([hop(OUT), hop('127.0.0.1'), auth(RELAY)], False),
        ([hop(OUT), hop('127.0.0.1'), auth('127.0.0.1')], True),
    ],
)
def test_authenticated_server_states_auth_itself(fields, trusted):
    for keys in (
        {'authenticated_remote_servers': OUT},
        {'trusted_remote_servers': OUT, 'submission': 'authenticated'},
    ):
        found = verdict(fields, keys)
        assert found.reason.value == (
            'outgoing-server' if trusted else 'not-authenticated'
        )
        assert found.proof == ('authenticated' if trusted else '')
        assert found.asked == ('authenticated',)
        # Nothing that was passed is a hop less under the other proofs.
        both = {'trusted_remote_servers': OUT, 'submission': 'both'}
        if len(fields) > 2 and '127.0.0.1' in fields[1]:
            assert not verdict(fields, both)


@pytest.mark.parametrize('length', [50, 200])
def test_filter_is_followed_up_to_the_bound(length):
    fields = [hop(OUT), *[hop('127.0.0.1')] * (length - 2), auth(MUA)]
    found = verdict(fields, {'authenticated_remote_servers': OUT})
    assert found.trusted is (length < 100)
    assert len(found.findings) == min(length, 100)


MICROSOFT = '192.0.2.40'
TENANT = {
    'microsoft_365_tenants': 'example.org Example.com',
    'microsoft_365_servers': MICROSOFT,
}
ORG, AUTH_AS = 'X-OriginatorOrg: ', 'X-MS-Exchange-CrossTenant-AuthAs: '


@pytest.mark.parametrize(
    ('lines', 'reason'),
    [
        ([ORG + 'example.org', AUTH_AS + 'Internal'], 'outgoing-server'),
        ([ORG + 'Example.com', AUTH_AS + 'Internal '], 'outgoing-server'),
        ([AUTH_AS + 'Internal'], 'no-tenant'),
        ([ORG + 'other.example', AUTH_AS + 'Internal'], 'other-tenant'),
        ([ORG + 'EXAMPLE.ORG', AUTH_AS + 'Internal'], 'other-tenant'),
        ([ORG + 'example.org.', AUTH_AS + 'Internal'], 'other-tenant'),
        ([ORG + 'sub.example.org', AUTH_AS + 'Internal'], 'other-tenant'),
        ([ORG + 'example.org example.com', AUTH_AS + 'Internal'], 'other-tenant'),
        ([ORG, AUTH_AS + 'Internal'], 'other-tenant'),
        ([ORG + '\n example.org', AUTH_AS + 'Internal'], 'outgoing-server'),
        (
            [ORG + 'example.org', ORG + 'example.org', AUTH_AS + 'Internal'],
            'several-tenants',
        ),
        (
            [ORG + 'example.org', 'x-originatororg: other', AUTH_AS + 'Internal'],
            'several-tenants',
        ),
        (
            [ORG + 'example.org', AUTH_AS + 'Internal', AUTH_AS + 'Internal'],
            'several-tenants',
        ),
        ([ORG + 'example.org', AUTH_AS + 'Anonymous'], 'not-internal'),
        ([ORG + 'example.org', AUTH_AS + 'internal'], 'not-internal'),
        ([ORG + 'example.org', AUTH_AS + '\n Internal'], 'outgoing-server'),
        ([ORG + 'example.org', AUTH_AS], 'not-internal'),
        ([ORG + 'example.org'], 'not-internal'),
    ],
)
def test_message_was_submitted_in_a_tenant_of_ones_own(lines, reason):
    route = [hop(MICROSOFT), hop(UNKNOWN), hop(MUA)]
    found = verdict(route, TENANT, trace=lines)
    assert found.reason.value == reason
    assert found.proof == ('microsoft-365' if found else '')
    assert found.explanation.isascii()
    # They say nothing on a message that did not come from Microsoft 365 ...
    assert not verdict([hop(OUT), hop(UNKNOWN), hop(MUA)], TENANT, trace=lines)
    # ... nor where no tenant is configured.
    other = {'microsoft_365_servers': MICROSOFT}
    assert verdict(route, other, trace=lines).reason.value == 'unlisted-peer'


@pytest.mark.parametrize(
    ('keys', 'fields', 'reason', 'asked'),
    [
        # The last outgoing server counts, and each of its lists is tried.
        ('trusted authenticated', [hop(OUT), hop(MUA)], 'outgoing-server', 2),
        ('trusted authenticated', [hop(OUT), auth(MUA)], 'outgoing-server', 1),
        ('trusted dedicated', [hop(OUT), hop(UNKNOWN), JUNK], 'outgoing-server', 1),
        # The reason is that of the last one.
        (
            'trusted authenticated',
            [hop(OUT), hop(UNKNOWN), hop(MUA)],
            'too-many-hops',
            2,
        ),
    ],
)
def test_proofs_of_a_server_on_several_lists_are_tried_in_turn(
    keys, fields, reason, asked
):
    found = verdict(fields, {f'{key}_remote_servers': OUT for key in keys.split()})
    assert found.reason.value == reason
    assert len(found.asked) == asked


@pytest.mark.parametrize(
    ('domains', 'sender', 'trusted'),
    [
        ('example.org', 'alice@example.org', True),
        ('example.org', 'Alice <alice@EXAMPLE.org>', True),
        ('Example.org example.com', '"Smith, A." <alice@example.com>', True),
        ('example.org', 'alice@example.org, bob@example.org', True),
        ('example.org', 'alice@example.org, eve@example.net', False),
        ('example.org', 'alice@sub.example.org', False),
        ('.example.org', 'alice@sub.example.org', True),
        ('.example.org', 'alice@example.org', False),
        ('.example.org', 'alice@badexample.org', False),
        ('example.org', 'alice@example.org.', False),
        ('example.org', None, False),
        ('example.org', '', False),
        ('example.org', 'alice', False),
        ('example.org', 'undisclosed:;', False),
        ('example.org', '"alice@example.org" <eve@example.net>', False),
        ('example.org', 'alice@example.org <eve@example.net>', False),
        ('example.org', 'eve@example.net (alice@example.org)', False),
        ('example.org', '<alice@example.org', False),
        ('example.org', 'alice@example.org\n\tand eve', False),
        ('example.org', 'a' * 3000 + '@example.org', False),
        ('example.org', '(' * 1500 + 'alice@example.org', False),
        ('example.org', 'alice@example.org\nFrom: eve@example.net', False),
    ],
)
def test_sender_domains_hold_under_every_proof(domains, sender, trusted):
    for keys, fields in (
        ({'trusted_remote_servers': OUT}, [hop(OUT), hop(MUA)]),
        ({'dedicated_remote_servers': OUT}, [hop(OUT), hop(MUA)]),
        ({'authenticated_remote_servers': OUT}, [hop(OUT), auth(MUA)]),
        ({'local_submission': 'yes'}, [auth(MUA)]),
    ):
        assert verdict(fields, keys, sender=sender)
        found = verdict(fields, {**keys, 'sender_domains': domains}, sender=sender)
        assert found.trusted is trusted
        assert trusted or found.reason.value == 'sender-domain'
        assert trusted or found.proof == ''


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('sender_domains', 'example'),
        ('sender_domains', 'example.org,'),
        ('sender_domains', 'alice@example.org'),
        ('sender_domains', '*.example.org'),
        ('sender_domains', '..example.org'),
        ('microsoft_365_tenants', '.example.org'),
        ('microsoft_365_tenants', '"example.org"'),
    ],
)
def test_what_is_no_domain_is_refused(key, value):
    with pytest.raises(ValueError, match='is no domain; write domains') as error:
        parse_settings({key: value}, 'mailman.cfg', 'plugin.trustedserver')
    assert f'{key}: ' in str(error.value)


@pytest.mark.parametrize('domains', [{}, {'sender_domains': ''}])
def test_servers_that_sign_for_many_need_the_domains_of_the_site(domains):
    keys = {'dkim_remote_servers': '192.0.2.1', **domains}
    with pytest.raises(ValueError, match='write into sender_domains') as error:
        parse_settings(keys, 'mailman.cfg', 'plugin.trustedserver')
    begin = 'mailman.cfg [plugin.trustedserver] dkim_remote_servers: '
    assert str(error.value).startswith(begin)
    assert not parse_settings({'dkim_remote_servers': ''}, 'x').policy.dkim.entries


def test_signature_is_missing_where_nobody_looks_for_it():
    keys = {'dkim_remote_servers': OUT, 'sender_domains': 'example.org'}
    found = verdict([hop(OUT), hop(UNKNOWN), JUNK], keys)
    assert found.reason.value == 'dkim-not-checked'
    assert found.asked == ('dkim',)


@pytest.mark.parametrize('sender', ['alice@example.net', 'x'])
def test_sender_domains_hold_for_a_signature_too(sender):
    keys = {'dkim_remote_servers': OUT, 'sender_domains': 'example.org'}
    header = Header.parse(make_post([hop(OUT)], sender=sender))
    settings = parse_settings({'trusted_local_servers': RELAY, **keys}, 'mailman.cfg')
    found = decide(header, settings, signed=lambda: None).verdict
    assert (found.trusted, found.reason.value) == (False, 'sender-domain')


def test_published_servers_of_microsoft_365_are_the_default():
    lines = [ORG + 'example.org', AUTH_AS + 'Internal']
    keys = {'microsoft_365_tenants': 'example.org'}
    assert verdict([hop('40.107.22.52')], keys, trace=lines).proof == 'microsoft-365'
    assert not verdict([hop(UNKNOWN)], keys, trace=lines)
    none = {**keys, 'microsoft_365_servers': ''}
    assert not verdict([hop('40.107.22.52')], none, trace=lines)
