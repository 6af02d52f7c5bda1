# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lists that posts speak for."""

import pytest
import random

from dev.demo.routes import ROUTES
from mailman_trustedserver import decide
from mailman_trustedserver.addresses import AddressList
from mailman_trustedserver.advice import common, suggest
from mailman_trustedserver.advice.suggest import Suggestion
from mailman_trustedserver.settings import parse_settings, read_sections
from tests.test_audit import DATE, field, OUT, post, RELAY
from tests.test_systems import keys_of, sections, system_of
from tests.vectors import load


ARTICLE = '192.168.10.0/24'
LOCAL = 'trusted_local_servers'
TRUSTED = 'trusted_remote_servers'
AUTHENTICATED = 'authenticated_remote_servers'
DEDICATED = 'dedicated_remote_servers'


def suggested(own, *headers):
    found = Suggestion(AddressList.parse(own.split()))
    for header in headers:
        found.add(header)
    return found.snippet()


def keys(snippet):
    """What is proposed, without the comments; it must load."""
    text = f'[trustedserver]\n{snippet}'
    section = read_sections(text, 'snippet')['trustedserver']
    parse_settings(section, 'snippet')
    return {key: value.split() for key, value in section.items()}


def comments(snippet):
    return [
        line.strip() for line in snippet.splitlines() if line.strip().startswith('#')
    ]


def header_of(route):
    return post(*route.fields, From='alice@example.org')


def honest(without_auth=False):
    fields = [route for route in ROUTES if route.trusted]
    headers = [header_of(route) for route in fields]
    if without_auth:
        # As in the days of the article.
        headers = [
            post(
                *(
                    text.replace('\n\t(Authenticated sender: alice)', '').replace(
                        'ESMTPSA', 'ESMTPS'
                    )
                    for text in header.received
                )
            )
            for header in headers
        ]
    # The Mailman host sends, too.
    own = field('lists.example.org', '192.168.10.5', 'lists.example.org')
    return [*headers, post(own, *headers[0].received)]


@pytest.mark.parametrize(
    ('without_auth', 'key'), [(True, TRUSTED), (False, AUTHENTICATED)]
)
def test_mail_of_the_network_of_the_article_gives_its_two_lists(without_auth, key):
    found = keys(suggested(ARTICLE, *honest(without_auth) * 20))
    assert found == {
        LOCAL: ['127.0.0.1', '192.168.10.3', '192.168.10.4', '192.168.10.5'],
        key: ['192.168.10.1', '192.168.10.2'],
    }


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('without_auth', [True, False])
def test_forged_routes_among_them_change_nothing(seed, without_auth):
    chance = random.Random(seed)  # noqa: S311
    good = honest(without_auth)
    bad = [header_of(route) for route in ROUTES if not route.trusted]
    posts = [chance.choice(bad if number % 10 == 0 else good) for number in range(900)]
    found = keys(suggested(ARTICLE, *posts))
    assert found == keys(suggested(ARTICLE, *good * 20))


@pytest.mark.parametrize('seed', range(5))
def test_attackers_in_the_own_network_are_not_proposed(seed):
    chance = random.Random(seed)  # noqa: S311
    routes = load('routes')
    good = [route for route in routes if route['trusted']]
    bad = [route for route in routes if not route['trusted']]
    posts = [
        post(*chance.choice(bad if number % 10 == 0 else good)['fields'])
        for number in range(900)
    ]
    found = keys(suggested(f'{ARTICLE} fd00::/64', *posts))
    proposed = {address for key in found.values() for address in key}
    assert proposed <= {
        '127.0.0.1',
        *(f'192.168.10.{number}' for number in (1, 2, 3, 4, 5)),
        *(f'fd00::{number}' for number in (1, 2, 3, 4, 5)),
    }
    assert {'192.168.10.1', '192.168.10.3'} <= proposed


@pytest.mark.parametrize('title', [one['title'] for one in sections()])
def test_each_mail_system_gives_a_key_under_which_it_is_trusted(title):
    """The same key as its page, but where the person has to say more."""
    section = next(one for one in sections() if one['title'] == title)
    system, page = system_of(title), keys_of(section)
    server = '192.0.2.1'
    snippet = suggested(server, post(*system['fields'], From='alice@example.org'))
    found = keys(snippet)
    key = next(iter(page))
    if key in ('microsoft_365_tenants', 'dkim_remote_servers'):
        # A tenant and signatures are no matter of addresses.
        return
    proposed = [name for name in found if name != LOCAL]
    # AUTH is asked for where all posts have it.
    assert proposed in ([key], [AUTHENTICATED])
    header = post(*system['fields'], From='alice@example.org')
    decision = decide(
        header,
        parse_settings(
            {name: ' '.join(value) for name, value in found.items()}, 'snippet'
        ),
    )
    assert decision.verdict.trusted


@pytest.mark.parametrize('site', load('sites'), ids=lambda site: site['id'])
def test_each_site_gives_the_narrowest_key_that_trusts_it(site):
    own = ' '.join([*site['outgoing'], *site['local']])
    found = keys(suggested(own, post(*site['fields'], From='alice@example.org')))
    key = {
        'authenticated': AUTHENTICATED,
        'single-hop': TRUSTED,
        'dedicated': DEDICATED,
    }
    proofs = [proof for proof in key if site['trusted'].get(proof)]
    if not site['honest']:
        assert AUTHENTICATED not in found
        assert TRUSTED not in found
        return
    assert found[key[proofs[0]]] == site['outgoing']
    assert set(found[LOCAL]) <= {'127.0.0.1', *site['local']}


def test_outgoing_server_that_also_relays_a_little_stays_one():
    program = field('pc', '192.168.10.99', 'out.example.org')
    path = post(field(*RELAY), field(*OUT), program)
    other = post(
        field(*RELAY),
        field(*OUT),
        field('relay2', '192.168.10.4', 'out.example.org'),
        field('pc', '192.168.10.98', 'relay2'),
    )
    found = keys(suggested(ARTICLE, *[path] * 30, other))
    assert found[TRUSTED] == ['192.168.10.1', '192.168.10.4']
    assert '192.168.10.1' not in found[LOCAL]


def test_gateway_that_is_no_mail_server_is_named_as_such():
    posts = [
        post(
            field(name, '172.18.0.1', 'lists.example.org'),
            field('x', '203.0.113.66', name),
        )
        for name in ('a.example', 'b.example', 'c.example')
    ]
    snippet = suggested('172.16.0.0/12', *posts)
    assert keys(snippet) == {LOCAL: ['127.0.0.1']}
    (note,) = [one for one in comments(snippet) if '172.18.0.1' in one]
    assert 'a NAT or a gateway, behind which anybody may be' in note


@pytest.mark.parametrize('name', ['relay.example.org', 'lists.example.org'])
def test_host_that_writes_the_fields_of_another_is_left_to_the_person(name):
    """A host of the own network that is somebody else's writes what it likes."""
    program = field('pc', '198.51.100.20', 'out.example.org')
    path = [post(field(*RELAY), field(*OUT), program)] * 3
    forged = post(
        field('x', '192.168.10.66', 'lists.example.org'),
        field('out.example.org', '192.168.10.1', name),
        program,
    )
    snippet = suggested(ARTICLE, *path, forged)
    assert '192.168.10.66' not in str(keys(snippet))
    (note,) = [one for one in comments(snippet) if '192.168.10.66:' in one]
    assert 'below its own are fields in the name of ' in note
    assert name in note


def test_mx_is_left_to_the_person():
    out = ('mx.example.org', '192.0.2.1', 'lists.example.org')
    posts = [
        post(field(*out), field('x', f'203.0.113.{number}', 'mx.example.org'))
        for number in range(common.MANY_OUTSIDERS)
    ]
    snippet = suggested('192.0.2.1', *posts)
    assert keys(snippet) == {LOCAL: ['127.0.0.1']}
    assert any('looks like an MX' in one for one in comments(snippet))
    # Where its users log in, AUTH is a proof.
    login = post(field(*out), field('pc', '203.0.113.99', 'mx.example.org', 'ESMTPSA'))
    found = keys(suggested('192.0.2.1', *posts, login))
    assert found[AUTHENTICATED] == ['192.0.2.1']


def test_part_of_the_posts_with_auth_is_enough_if_there_are_several_hops():
    fields = [field(*OUT), field('x', '192.168.10.8', 'out.example.org', 'ESMTPSA')]
    inner = [field(*OUT), field('x', '10.0.0.8', 'out.example.org')]
    beyond = field('y', '10.0.0.9', 'x')
    posts = [post(*fields), *[post(*inner, beyond)] * 3]
    assert keys(suggested('192.168.10.1', *posts))[AUTHENTICATED] == ['192.168.10.1']


def test_programs_of_the_own_network_are_not_everybody():
    """Though their addresses are public, and they say no AUTH."""
    posts = [
        post(
            field('out.example.org', '8.8.8.1', 'lists.example.org'),
            field('pc', f'8.8.9.{number}', 'out.example.org'),
        )
        for number in range(common.MANY_OUTSIDERS)
    ]
    assert keys(suggested('8.8.0.0/16', *posts))[TRUSTED] == ['8.8.8.1']
    assert TRUSTED not in keys(suggested('8.8.8.1', *posts))


@pytest.mark.parametrize('own', ['209.85.128.1', '192.0.2.1'])
def test_shared_sender_is_never_proposed_and_named_with_its_key(own):
    header = post(
        field('mail.example.com', '209.85.128.1', 'lists.example.org'),
        field('pc', '203.0.113.9', 'mail.example.com'),
    )
    snippet = suggested(own, header)
    assert keys(snippet) == {LOCAL: ['127.0.0.1']}
    (note,) = [one for one in comments(snippet) if '209.85.128.1:' in one]
    assert 'Google Workspace' in note
    assert 'dkim_remote_servers' in note


@pytest.mark.parametrize(
    ('headers', 'signed'),
    [
        (
            {
                'From': 'Alice <alice@example.org>',
                'DKIM_Signature': 'v=1; d=example.org',
            },
            1,
        ),
        (
            {
                'From': 'alice@Example.org',
                'DKIM_Signature': 'a=x;\n\td = EXAMPLE.org; s=x',
            },
            1,
        ),
        ({'From': 'alice@example.org', 'DKIM_Signature': 'v=1; d=example.com'}, 0),
        ({'From': 'alice@example.org'}, 0),
        ({'DKIM_Signature': 'v=1; d=example.org'}, 0),
    ],
)
def test_signatures_of_the_senders_domain_are_counted_for_a_shared_sender(
    headers, signed
):
    header = post(
        field('mail.example.com', '209.85.128.1', 'lists.example.org'),
        field('pc', '203.0.113.9', 'mail.example.com'),
        **headers,
    )
    snippet = suggested('209.85.128.1', header)
    assert f'not verified, on {signed} of 1 post;' in snippet


def test_nothing_is_proposed_that_nobody_called_own():
    snippet = suggested('', *honest())
    assert keys(snippet) == {LOCAL: ['127.0.0.1']}
    assert '# Not known to be yours (--own says what is):' in comments(snippet)
    assert any(one.startswith('#     192.168.10.3: ') for one in comments(snippet))


def test_user_of_a_content_filter_is_named():
    again = 'by lists.example.org (Postfix, from userid 5000) id 4F3D2A; ' + DATE
    fields = [
        field(*RELAY),
        field(*OUT),
        field('pc', '198.51.100.20', 'out.example.org'),
    ]
    snippet = suggested(ARTICLE, post(again, *fields))
    assert any(one.endswith('reinjection_users: 5000') for one in comments(snippet))
    assert keys(snippet)[TRUSTED] == ['192.168.10.1']
    # A user who submits a message of his own is none.
    assert 'reinjection_users' not in suggested(ARTICLE, post(again))


def test_command_of_nobody_known_ends_the_way_of_a_post():
    nobody = (
        'from localhost (lists.example.org [local]) by lists.example.org (OpenSMTPD) '
        f'with ESMTPA id 4f3d2a1b; {DATE}'
    )
    header = post(nobody, field(*RELAY), field(*OUT))
    assert keys(suggested(ARTICLE, header)) == {LOCAL: ['127.0.0.1']}


@pytest.mark.parametrize(
    ('header', 'comment'),
    [
        (post(), '# 1 post, without a Received field: left out.'),
        (
            post(field(*RELAY), User_Agent='HyperKitty'),
            '# 1 post, of the web archive, of Mailman or of an automatic reply: left '
            'out.',
        ),
        (
            post('nonsense'),
            '# From 1 post; own: 192.168.10.0/24.',
        ),
    ],
)
def test_what_says_nothing_is_counted(header, comment):
    snippet = suggested(ARTICLE, header)
    assert comment in comments(snippet)
    assert keys(snippet) == {LOCAL: ['127.0.0.1']}


def test_evidence_stands_beside_each_entry():
    program = field('pc', '198.51.100.20', 'out.example.org', 'ESMTPSA')
    header = post(field(*RELAY), field(*OUT), program, From='alice@example.org')
    lines = suggested(ARTICLE, header, header).splitlines()
    where = lines.index('    192.168.10.1')
    assert lines[where - 1] == (
        '    # it states AUTH on 2 of 2 posts; out.example.org; 2 posts of 1 in From, '
        '2026-02-10'
    )


def test_hostile_names_stay_in_their_comment():
    header = post(
        field('\u202e.example]', '192.168.10.3', 'lists.example.org'),
        field('x', '203.0.113.9', 'relay'),
        From='x\n[list:x]\ntrusted_local_servers: 0.0.0.0/1',
    )
    snippet = suggested(ARTICLE, header)
    assert snippet.isascii()
    assert set(keys(snippet)) <= {LOCAL, TRUSTED}


def test_addresses_are_bounded(monkeypatch):
    monkeypatch.setattr(common, 'MAX_KEPT', 3)
    monkeypatch.setattr(suggest, 'MAX_STRANGERS', 2)
    monkeypatch.setattr(suggest, 'MAX_SENDERS', 2)
    posts = [
        post(
            *[f'by x (Postfix, from userid {number}) id 4F3D; {DATE}'] * (number < 5),
            field(f'a{number}', f'192.168.10.{number}', f'lists{number}.example.org'),
            field('x', f'203.0.113.{number}', f'a{number}'),
            From=f'{number}@example.org',
        )
        for number in range(10)
    ] * 2
    # One server may have posts of many senders, and no name.
    posts += [
        post(
            field('a0', '192.168.10.0', 'lists.example.org'),
            'x',
            From=f'{one}@x.example',
        )
        for one in range(4)
    ]
    snippet = suggested(ARTICLE, *posts)
    assert len(keys(snippet)[TRUSTED]) == 3
    assert '#     and 1 more' in comments(snippet)
    assert snippet.count('reinjection_users') == 3
