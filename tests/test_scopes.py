# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of domains and lists, which inherit from wider ones."""

import json
import pytest

from hypothesis import given
from hypothesis import strategies as st
from mailman_trustedserver import evaluate
from mailman_trustedserver.scopes import parse_configuration
from mailman_trustedserver.settings import MailingList, read_sections, SettingsError
from tests.conftest import BAD, CHAIN, GOOD, invoke, make_message, section
from tests.test_policy import auth, hop, MUA, UNKNOWN


TEXT = """
[trustedserver]
trusted_local_servers: 192.0.2.1
trusted_remote_servers: 192.0.2.2
submission: authenticated
[domain:Example.ORG]
trusted_remote_servers: 198.51.100.2
local_submission: yes
[list:Staff@example.org]
trusted_remote_servers:
mode: observe
[list:board.example.org]
submission: both
[list:all@example.net]
sender_domains: example.net
"""


def parse(text=TEXT):
    return parse_configuration(read_sections(text, 'x.cfg'), 'x.cfg', 'trustedserver')


def mailing_list(address, list_id=None):
    return MailingList(list_id or address.replace('@', '.'), address, CHAIN, 'hold')


def entries(settings):
    policy = settings.policy
    return policy.local.entries, policy.remote.entries


@pytest.mark.parametrize(
    ('address', 'remote', 'submission', 'mode'),
    [
        ('all@example.com', ('192.0.2.2',), 'authenticated', 'enforce'),
        ('all@example.org', ('198.51.100.2',), 'authenticated', 'enforce'),
        # Neither a domain above nor one below.
        ('all@lists.example.org', ('192.0.2.2',), 'authenticated', 'enforce'),
        ('STAFF@EXAMPLE.org', (), 'authenticated', 'observe'),
        ('board@example.org', ('198.51.100.2',), 'both', 'enforce'),
        ('all@example.net', ('192.0.2.2',), 'authenticated', 'enforce'),
    ],
)
def test_list_inherits_key_by_key(address, remote, submission, mode):
    settings = parse().for_list(mailing_list(address))
    assert entries(settings) == (('192.0.2.1',), remote)
    assert settings.policy.submission.value == submission
    assert settings.mode == mode


def test_list_id_inherits_from_the_domain_that_the_list_has_now():
    moved = mailing_list('other@example.com', 'board.example.org')
    settings = parse().for_list(moved)
    assert entries(settings) == (('192.0.2.1',), ('192.0.2.2',))
    assert settings.policy.submission.value == 'both'


def test_each_value_has_the_section_that_it_is_from():
    configuration = parse()
    assert configuration.for_list(mailing_list('staff@example.org')).sources == {
        'trusted_local_servers': 'trustedserver',
        'trusted_remote_servers': 'list:staff@example.org',
        'submission': 'trustedserver',
        'local_submission': 'domain:example.org',
        'mode': 'list:staff@example.org',
    }
    assert set(configuration.sections) == {
        'domain:example.org',
        'list:staff@example.org',
        'list:board.example.org',
        'list:all@example.net',
    }


def test_digest_is_that_of_the_whole():
    configuration = parse()
    settings = configuration.for_list(mailing_list('staff@example.org'))
    assert settings.digest == configuration.site.digest == configuration.digest
    assert parse(TEXT.replace('both', 'single-hop')).digest != configuration.digest
    assert parse(TEXT + '# A comment\n').digest == configuration.digest


@pytest.mark.parametrize(
    ('lines', 'place', 'problem'),
    [
        ('[other]', '[other]', 'this section is not known'),
        ('[Domain:example.org]', '[Domain:example.org]', 'this section is not known'),
        ('[domain:]', '[domain:]', "'' is no domain"),
        ('[domain:*.example.org]', '[domain:*.example.org]', 'is no domain'),
        ('[domain:a@example.org]', '[domain:a@example.org]', 'is no domain'),
        ('[list:staff]', '[list:staff]', 'is no list'),
        ('[list:a b@example.org]', '[list:a b@example.org]', 'is no list'),
        (
            '[domain:example.org]\n[domain:EXAMPLE.org]',
            '[domain:EXAMPLE.org]',
            '[domain:example.org] is for the same domain; keep one',
        ),
        (
            '[list:a@example.org]\n[list:A.example.org]',
            '[list:A.example.org]',
            '[list:a@example.org] is for the same list; keep one',
        ),
        (
            '[list:a.example.org]\n[list:a@example.org]',
            '[list:a@example.org]',
            '[list:a.example.org] is for the same list; keep one',
        ),
        (
            '[domain:example.org]\ntypo: x',
            '[domain:example.org] typo',
            'this key is not known',
        ),
        (
            '[domain:example.org]\ndkim_remote_servers: 192.0.2.9\n',
            '[domain:example.org] dkim_remote_servers',
            'write into sender_domains',
        ),
        (
            '[list:a.example.org]\ntrusted_remote_servers: 192.0.2.1,',
            '[list:a.example.org] trusted_remote_servers',
            'no commas',
        ),
    ],
)
def test_mistake_in_a_section_is_named(lines, place, problem):
    with pytest.raises(SettingsError) as error:
        parse(f'[trustedserver]\n{lines}\n')
    assert str(error.value).startswith(f'x.cfg {place}: ')
    assert problem in str(error.value)


def test_rules_between_keys_hold_for_what_comes_out():
    text = '[trustedserver]\nsender_domains: example.org\n[domain:example.net]\n'
    assert parse(text + 'dkim_remote_servers: 192.0.2.9\n')
    with pytest.raises(SettingsError, match='write into sender_domains'):
        parse(text + 'dkim_remote_servers: 192.0.2.9\nsender_domains:\n')


# Two organisations on one Mailman.

TWO = """
[trustedserver]
[domain:one.example]
trusted_local_servers: 192.0.2.1 127.0.0.1
trusted_remote_servers: 192.0.2.2
authenticated_remote_servers: 192.0.2.3
dedicated_remote_servers: 192.0.2.4
local_submission: yes
[domain:two.example]
trusted_local_servers: 198.51.100.1 127.0.0.1
trusted_remote_servers: 198.51.100.2
authenticated_remote_servers: 198.51.100.3
dedicated_remote_servers: 198.51.100.4
local_submission: yes
"""
SERVERS = {
    'one.example': [f'192.0.2.{n}' for n in range(1, 5)],
    'two.example': [f'198.51.100.{n}' for n in range(1, 5)],
}
PEERS = [*SERVERS['one.example'], *SERVERS['two.example'], '127.0.0.1', MUA, UNKNOWN]


HOPS = st.builds(
    lambda of, peer: of(peer), st.sampled_from([hop, auth]), st.sampled_from(PEERS)
)


@given(st.sampled_from(sorted(SERVERS)), st.lists(HOPS, max_size=6))
def test_server_of_one_domain_is_never_trusted_for_lists_of_another(domain, fields):
    policy = parse(TWO).for_list(mailing_list(f'all@{domain}')).policy
    verdict = evaluate(fields, policy)
    relied_on = {str(one.peer) for one in verdict.findings if one.local or one.outgoing}
    assert relied_on <= {*SERVERS[domain], '127.0.0.1'}
    (others,) = (servers for name, servers in SERVERS.items() if name != domain)
    if any(f'[{peer}]' in field for field in fields[:1] for peer in others):
        # AUTH does not make it a user either.
        assert not verdict.trusted


@pytest.mark.parametrize(
    ('fields', 'reason'),
    [
        ([hop('192.0.2.1'), hop('192.0.2.2'), hop(MUA)], 'outgoing-server'),
        ([hop('198.51.100.2'), hop(MUA)], 'unlisted-peer'),
        # A local server of the other one is a server, and no user.
        ([hop('192.0.2.2'), auth('198.51.100.1')], 'own-host'),
        ([hop('192.0.2.4'), hop('198.51.100.1')], 'own-host'),
        ([auth('198.51.100.1')], 'unlisted-peer'),
        ([auth(MUA)], 'local-submission'),
        (
            [hop('192.0.2.3'), hop('127.0.0.1'), auth('198.51.100.1')],
            'not-authenticated',
        ),
        ([hop('192.0.2.3'), hop('127.0.0.1'), auth(MUA)], 'outgoing-server'),
    ],
)
def test_local_server_of_another_domain_is_no_user(fields, reason):
    policy = parse(TWO).for_list(mailing_list('all@one.example')).policy
    assert evaluate(fields, policy).reason.value == reason


# In Mailman.


@pytest.fixture
def scoped(mlist, configure, tmp_path):
    """The list, with a configuration that has a section for it."""
    path = tmp_path / 'trusted.cfg'
    path.write_text(
        '[trustedserver]\n'
        'trusted_local_servers: 192.168.10.3\n'
        'trusted_remote_servers: 192.168.10.1\n'
        '[domain:no.example]\n'
        'mode: observe\n'
        '[list:none@example.com]\n'
        f'[list:{mlist.posting_address}]\n'
        'trusted_remote_servers: 203.0.113.66\n'
    )
    configure(section(f'configuration: {path}'))
    return mlist


@pytest.mark.mailman
def test_rule_asks_the_settings_of_the_list(scoped):
    from mailman.config import config

    check = config.rules['trusted-server'].check
    assert check(scoped, make_message(BAD), {})
    assert not check(scoped, make_message(GOOD), {})


@pytest.mark.mailman
def test_check_shows_each_section_and_warns_of_what_is_not_there(scoped):
    result = invoke('check')
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    start = lines.index(f'[list:{scoped.posting_address}]')
    assert lines[start + 1 : start + 3] == [
        'trusted_remote_servers:',
        '    203.0.113.66',
    ]
    assert '[domain:no.example]' in lines
    for scope in ('domain:no.example', 'list:none@example.com'):
        kind = scope.partition(':')[0]
        assert f'Warning (TS309): [{scope}]: this Mailman has no such {kind}.' in lines


@pytest.mark.mailman
def test_check_of_a_list_says_where_each_value_comes_from(scoped):
    result = invoke('check', scoped.list_id)
    lines = result.stdout.splitlines()
    assert lines[:6] == [
        f'In force for {scoped.posting_address}:',
        'trusted_local_servers:   (from [trustedserver])',
        '    192.168.10.3',
        f'trusted_remote_servers:   (from [list:{scoped.posting_address}])',
        '    203.0.113.66',
        'authenticated_remote_servers: (none)   (default)',
    ]
    assert invoke('check', 'none@example.com').exit_code == 2


@pytest.mark.mailman
def test_explain_judges_by_the_settings_of_the_list(scoped, tmp_path):
    path = tmp_path / 'post.eml'
    path.write_bytes(make_message(BAD).as_bytes())
    args = ['explain', '--json', str(path)]
    (document,) = json.loads(invoke(*args).stdout)
    assert document['reason'] == 'unlisted-peer'
    (document,) = json.loads(invoke(*args, '--list', scoped.list_id).stdout)
    assert document['reason'] == 'outgoing-server'
