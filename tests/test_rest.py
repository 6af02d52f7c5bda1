# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The REST resource, through Mailman's own WSGI application."""

import base64
import json
import pytest

from dev.site.posts import CONFIGURATION, LIST, make_post
from falcon import testing
from hypothesis import given, HealthCheck, settings
from hypothesis import strategies as st
from mailman_trustedserver import __version__
from mailman_trustedserver.decision import decide
from mailman_trustedserver.header import Header
from mailman_trustedserver.reasons import Reason
from mailman_trustedserver.report import keep
from mailman_trustedserver.rest import MAX_MESSAGE_LENGTH
from tests.conftest import (
    BAD,
    CHAIN,
    DEFAULT_CHAIN,
    GOOD,
    LIST_ID,
    make_message,
    section,
)
from urllib.parse import quote


pytestmark = pytest.mark.mailman

ROOT = '/3.1/plugins/trustedserver'
THE_LIST = f'{ROOT}/lists/{LIST_ID}'
MESSAGE = {'Content-Type': 'message/rfc822'}
CREDENTIALS = 'Basic ' + base64.b64encode(b'restadmin:restpass').decode()


@pytest.fixture(scope='module')
def application(mailman_layer):
    from mailman.rest.wsgiapp import make_application

    application = make_application()
    # Falcon's client tells WSGI from ASGI by the arguments, which Mailman's
    # decorator hides.
    return lambda environ, start_response: application(environ, start_response)


@pytest.fixture
def call(application, mlist):
    """A function that sends one request and returns falcon's `Result`."""
    client = testing.TestClient(application, headers={'Authorization': CREDENTIALS})

    def call(method, path, **kwargs):
        return client.simulate_request(method, path, **kwargs)

    return call


def stored_list(address=LIST):
    """The list; each request leaves the one that was got before it detached."""
    from mailman.interfaces.listmanager import IListManager
    from zope.component import getUtility

    return getUtility(IListManager).get(address)


def change(**attributes):
    """Set attributes of the list."""
    from mailman.database.transaction import transaction

    with transaction():
        mlist = stored_list()
        for name, value in attributes.items():
            setattr(mlist, name, value)


def add_list(address):
    """Create a list."""
    from mailman.app.lifecycle import create_list
    from mailman.database.transaction import transaction

    with transaction():
        create_list(address)


def hold(msg, address=LIST, msgdata=()):
    """Hold a message, as the chain `hold` does; return its request-id."""
    from mailman.app.moderator import hold_message
    from mailman.database.transaction import transaction

    with transaction():
        return hold_message(stored_list(address), msg, dict(msgdata), 'Because.')


def without(answer, *names):
    """The JSON of an answer, without what no test can know."""
    return {
        key: value
        for key, value in answer.json.items()
        if key not in ('http_etag', *names)
    }


# The state of the plugin.


@pytest.mark.parametrize('path', [ROOT, ROOT + '/'])
def test_root_tells_the_state_of_the_plugin(call, path):
    from mailman_trustedserver.adapter import find_plugin

    answer = call('GET', path)
    assert answer.status_code == 200
    assert answer.json['http_etag']
    assert without(answer) == {
        'version': __version__,
        'mode': 'enforce',
        'digest': find_plugin().configuration.digest,
        'configuration_error': None,
        'warnings': [],
        'posting_chains': [DEFAULT_CHAIN, CHAIN],
    }


def test_root_tells_that_verdicts_are_only_observed(call, configure):
    configure(CONFIGURATION + 'mode: observe\n')
    assert call('GET', ROOT).json['mode'] == 'observe'


def test_error_of_the_configuration_is_told(call, configure):
    configure(CONFIGURATION + 'mode: watch\n')
    for path in (ROOT, f'{THE_LIST}/policy'):
        answer = call('GET', path)
        assert answer.status_code == 200
        assert "mode: 'watch' is not a value" in answer.json['configuration_error']
        assert answer.json.get('mode') is None


def test_disabled_plugin_has_no_resource(call, monkeypatch):
    from mailman.config import config

    monkeypatch.delitem(config.plugins, 'trustedserver')
    assert call('GET', ROOT).status_code == 404


# The lists.


def test_lists_are_shown_with_their_chains(call):
    answer = call('GET', f'{ROOT}/lists')
    assert answer.status_code == 200
    assert (answer.json['start'], answer.json['total_size']) == (0, 1)
    (entry,) = answer.json['entries']
    assert entry.pop('http_etag')
    assert entry.pop('self_link').endswith(f'{THE_LIST}')
    assert entry == {
        'list_id': LIST_ID,
        'fqdn_listname': LIST,
        'display_name': 'Staff',
        'posting_chain': CHAIN,
        'default_nonmember_action': 'hold',
        'obstacles': [],
    }


def test_lists_are_shown_in_pages(call):
    add_list('other@example.com')
    answer = call('GET', f'{ROOT}/lists', params={'count': 1, 'page': 2})
    assert (answer.json['start'], answer.json['total_size']) == (1, 2)
    assert [entry['list_id'] for entry in answer.json['entries']] == [LIST_ID]


@pytest.mark.parametrize(
    'params',
    [
        {'count': 1},
        {'page': 1},
        {'count': 0, 'page': 1},
        {'count': 1, 'page': 0},
        {'count': -1, 'page': 1},
        {'count': 'x', 'page': 1},
        {'count': 1, 'page': 10**30},
    ],
    ids=str,
)
def test_half_or_bad_page_is_a_bad_request(call, params):
    answer = call('GET', f'{ROOT}/lists', params=params)
    assert answer.status_code == 400
    assert answer.json['description']


@pytest.mark.parametrize('listspec', [LIST_ID, LIST])
@pytest.mark.parametrize('method', ['PUT', 'PATCH'])
def test_chain_is_chosen_by_list_id_or_posting_address(call, method, listspec):
    path = f'{ROOT}/lists/{listspec}'
    for chain in (CHAIN, DEFAULT_CHAIN):
        answer = call(method, path, json={'posting_chain': chain})
        assert (answer.status_code, answer.content) == (204, b'')
        assert stored_list().posting_chain == chain
        assert call('GET', path).json['posting_chain'] == chain


def test_chain_is_chosen_with_a_form(call):
    change(posting_chain=DEFAULT_CHAIN)
    answer = call('PATCH', THE_LIST, params={'posting_chain': CHAIN})
    assert answer.status_code == 204
    assert stored_list().posting_chain == CHAIN


def test_empty_patch_changes_nothing(call):
    before = stored_list().posting_chain
    assert call('PATCH', THE_LIST, json={}).status_code == 204
    assert stored_list().posting_chain == before


CHAINS = f'posting_chain must be {DEFAULT_CHAIN} or {CHAIN}'


@pytest.mark.parametrize(
    ('method', 'body', 'sentence'),
    [
        # These are chains of Mailman, but none to choose.
        ('PATCH', {'posting_chain': 'accept'}, CHAINS),
        ('PATCH', {'posting_chain': 'discard'}, CHAINS),
        ('PUT', {'posting_chain': ''}, CHAINS),
        ('PUT', {'posting_chain': None}, CHAINS),
        ('PUT', {'posting_chain': [CHAIN]}, CHAINS),
        ('PUT', {'posting_chain': {}}, CHAINS),
        ('PATCH', {'posting_chain': CHAIN, 'x': 1}, 'Unknown attribute: x'),
        *(
            (
                method,
                {'posting_chain': DEFAULT_CHAIN, 'replace': value},
                'replace must be the name of a chain',
            )
            for method in ('PUT', 'PATCH')
            for value in (None, 7, ['accept'], {'name': 'accept'})
        ),
        ('PUT', {'replace': 'accept'}, 'Missing Parameter: posting_chain'),
        ('PATCH', {'list_id': 'x'}, 'Read-only attribute: list_id'),
        ('PUT', {'list_id': 'x'}, 'Unexpected parameters: list_id'),
        ('PUT', {}, 'Missing Parameter: posting_chain'),
        ('PUT', [CHAIN], 'the request must be an object'),
        ('PATCH', CHAIN, 'the request must be an object'),
        ('PATCH', 7, 'the request must be an object'),
    ],
    ids=str,
)
def test_bad_choice_is_a_bad_request_that_changes_nothing(call, method, body, sentence):
    change(posting_chain=CHAIN)
    answer = call(method, THE_LIST, json=body)
    assert answer.status_code == 400
    assert sentence in answer.json['description']
    assert stored_list().posting_chain == CHAIN


@pytest.mark.parametrize('method', ['PUT', 'PATCH'])
@pytest.mark.parametrize('chain', [CHAIN, DEFAULT_CHAIN])
def test_chain_of_somebody_else_is_replaced_only_if_it_is_named(call, method, chain):
    for replace in ({}, {'replace': 'hold'}, {'replace': chain}):
        change(posting_chain='accept')
        answer = call(method, THE_LIST, json={'posting_chain': chain, **replace})
        assert answer.status_code == 409
        assert answer.json['title'] == '409 Conflict'
        assert 'replace=accept' in answer.json['description']
        assert stored_list().posting_chain == 'accept'
    body = {'posting_chain': chain, 'replace': 'accept'}
    assert call(method, THE_LIST, json=body).status_code == 204
    assert stored_list().posting_chain == chain
    # Said again, or where there was nothing to replace, it does no harm.
    for present in (CHAIN, DEFAULT_CHAIN):
        change(posting_chain=present)
        assert call(method, THE_LIST, json=body).status_code == 204
        assert stored_list().posting_chain == chain


def test_chain_to_be_replaced_is_named_in_a_form_too(call):
    change(posting_chain='accept')
    params = {'posting_chain': CHAIN, 'replace': 'accept'}
    assert call('PATCH', THE_LIST, params=params).status_code == 204
    assert stored_list().posting_chain == CHAIN


def test_name_of_a_chain_to_replace_chooses_nothing(call):
    change(posting_chain='accept')
    assert call('PATCH', THE_LIST, json={'replace': 'accept'}).status_code == 204
    assert stored_list().posting_chain == 'accept'


@pytest.mark.parametrize('method', ['PUT', 'PATCH'])
def test_chain_that_the_process_does_not_have_is_a_conflict(call, monkeypatch, method):
    from mailman.config import config

    change(posting_chain=DEFAULT_CHAIN)
    monkeypatch.delitem(config.chains, CHAIN)
    assert call('GET', ROOT).json['posting_chains'] == [DEFAULT_CHAIN]
    answer = call(method, THE_LIST, json={'posting_chain': CHAIN})
    assert answer.status_code == 409
    assert 'stop and start Mailman' in answer.json['description']
    assert stored_list().posting_chain == DEFAULT_CHAIN


@pytest.mark.parametrize(
    'body', [b'', b'{', b'\xff', b'[' * 100_000, b'{"a": 1' + b'0' * 5000 + b'}']
)
def test_broken_json_is_a_bad_request(call, body):
    headers = {'Content-Type': 'application/json'}
    for method in ('PUT', 'PATCH'):
        assert call(method, THE_LIST, body=body, headers=headers).status_code == 400


# What is in force for a list.


def test_policy_has_the_servers_and_settings(call):
    from mailman_trustedserver.adapter import find_plugin

    assert without(call('GET', f'{THE_LIST}/policy')) == {
        'list_id': LIST_ID,
        'configuration_error': None,
        'obstacles': [],
        'trusted_local_servers': [
            '127.0.0.1',
            '192.168.10.3',
            '192.168.10.4',
            '192.168.10.5',
        ],
        'trusted_remote_servers': ['192.168.10.1', '192.168.10.2'],
        'authenticated_remote_servers': [],
        'dedicated_remote_servers': [],
        'dkim_remote_servers': [],
        'microsoft_365_tenants': [],
        'microsoft_365_servers': [],
        'sender_domains': [],
        'submission': 'single-hop',
        'local_submission': False,
        'reinjection_users': [],
        'alias_hops': False,
        'nonmember_actions': ['hold'],
        'bypassed_actions': ['discard', 'hold', 'reject'],
        'mode': 'enforce',
        'digest': find_plugin().configuration.site.digest,
        'sources': {
            'trusted_local_servers': 'plugin.trustedserver',
            'trusted_remote_servers': 'plugin.trustedserver',
        },
        'warnings': [],
    }


# Explanations.


def test_held_message_is_explained(call):
    request_id = hold(make_message(BAD, message_id='<held@example.org>'))
    answer = call('GET', f'{THE_LIST}/held/{request_id}/explanation')
    assert answer.status_code == 200
    assert without(answer, 'explanation', 'remedy', 'details') == {
        'list_id': LIST_ID,
        'posting_chain': CHAIN,
        'default_nonmember_action': 'hold',
        'nonmember_actions': ['hold'],
        'mode': 'enforce',
        'obstacles': [],
        'message_id': '<held@example.org>',
        'trusted': False,
        'reason': 'unlisted-peer',
        'proof': '',
        'asked': [],
        'route_reason': 'unlisted-peer',
        'actor': 'site-administrator',
        'case': '',
        'hops': [
            {
                'peer': '203.0.113.66',
                'helo': 'x.example.com',
                'by': 'lists.example.org',
                'protocol': 'ESMTP',
                'authenticated': False,
                'reinjection': False,
                'attested': True,
                'trusted_local_servers': None,
                'outgoing': {},
                'problem': '',
                'nearest': None,
                'time': '2026-09-01T10:00:00+00:00',
                'field': BAD[0].replace('\t', '    '),
                'standing': 'unlisted',
            }
        ],
        'ended_at': 0,
        'unproved_at': None,
        'fields_not_read': 0,
        'older_change_nothing': True,
        # It was not the rule that had it held.
        'then': None,
    }
    assert '203.0.113.66' in answer.json['explanation']


def test_verdict_of_then_stands_beside_that_of_now(call, configure):
    from mailman.config import config

    msgdata = {}
    msg = make_message(BAD)
    config.rules['trusted-server'].check(stored_list(), msg, msgdata)
    path = f'{THE_LIST}/held/{hold(msg, msgdata=msgdata)}/explanation'
    then = call('GET', path).json['then']
    assert then == {
        'trusted': False,
        'reason': 'unlisted-peer',
        'proof': '',
        'peers': ['203.0.113.66'],
        'server': '?',
        'digest': then['digest'],
        'explanation': 'A local server had the message from 203.0.113.66, which is on '
        'no list.',
        'details': {'peer': '203.0.113.66', 'server': '?', 'limit': '100'},
        'obstacles': [],
        'difference': None,
    }
    configure(CONFIGURATION + 'dedicated_remote_servers: 203.0.113.66\n')
    now = call('GET', path).json
    assert now['trusted'] is True
    assert now['then'] == {**then, 'difference': 'configuration'}


SHARED = section(
    'trusted_local_servers: 192.168.10.3',
    'dkim_remote_servers: 192.168.10.1',
    'sender_domains: example.org',
)


def test_messages_come_with_the_verdicts_if_they_are_wanted(call):
    for fields in (BAD, GOOD, BAD):
        hold(make_message(fields))
    own = call('GET', f'/3.1/lists/{LIST_ID}/held').json['entries']
    query = {'verdict': 'not-trusted', 'count': 1, 'page': 2, 'messages': True}
    (entry,) = call('GET', f'{THE_LIST}/held', params=query).json['entries']
    (message,) = (one for one in own if one['request_id'] == entry['request_id'])
    del message['http_etag']
    assert entry['message'] == message
    del query['messages']
    (entry,) = call('GET', f'{THE_LIST}/held', params=query).json['entries']
    assert 'message' not in entry
    query['messages'] = 'x'
    assert call('GET', f'{THE_LIST}/held', params=query).status_code == 400


@pytest.mark.parametrize(
    ('signed', 'then', 'reason'),
    [
        (lambda: None, SHARED, 'outgoing-server'),
        (lambda: Reason.DKIM_NO_KEY, SHARED, 'dkim-no-key'),
        # Nobody looked, or something else decided then.
        (None, SHARED, 'dkim-not-checked'),
        (lambda: None, CONFIGURATION, 'dkim-not-checked'),
        (lambda: None, SHARED + 'alias_hops: yes\n', 'dkim-not-checked'),
    ],
)
def test_signature_of_a_held_message_is_what_it_was_when_it_came(
    call, configure, monkeypatch, signed, then, reason
):
    from mailman_trustedserver import adapter

    def decide_then():
        configure(then)
        values = adapter.values_of(stored_list())
        header = Header.of(make_message(GOOD))
        return decide(header, adapter.settings_for(values), values, signed=signed)

    def ask(*arguments):
        raise AssertionError('DNS was asked')

    monkeypatch.setattr(adapter, 'find_signature', ask)
    msgdata = {'trusted_server': keep(decide_then())}
    configure(SHARED)
    request_id = hold(make_message(GOOD), msgdata=msgdata)
    trusted = reason == 'outgoing-server'
    assert held(call) == (1, {request_id: reason})
    chosen = 'trusted' if trusted else 'not-trusted'
    assert held(call, verdict=chosen) == (1, {request_id: reason})
    found = call('GET', f'{THE_LIST}/held/{request_id}/explanation').json
    assert (found['trusted'], found['reason']) == (trusted, reason)
    # A message that is sent along was never looked at.
    path = f'{THE_LIST}/explanation'
    answer = call('POST', path, body=make_post(GOOD), headers=MESSAGE)
    assert answer.json['reason'] == 'dkim-not-checked'


@pytest.mark.parametrize(
    'msgdata', [{'trusted_server': '{'}, {'trusted_server': ['x']}, {}], ids=str
)
def test_what_the_rule_did_not_keep_is_no_verdict(call, msgdata):
    request_id = hold(make_message(BAD), msgdata=msgdata)
    answer = call('GET', f'{THE_LIST}/held/{request_id}/explanation')
    assert (answer.status_code, answer.json['then']) == (200, None)


def test_posted_message_is_explained_as_the_rule_judges_it(call):
    from mailman.interfaces.action import Action

    path = f'{THE_LIST}/explanation'
    answer = call('POST', path, body=make_post(GOOD), headers=MESSAGE)
    assert answer.status_code == 200
    assert (answer.json['trusted'], answer.json['reason']) == (True, 'outgoing-server')
    assert [hop['outgoing'] for hop in answer.json['hops']] == [
        {},
        {'trusted_remote_servers': '192.168.10.1'},
        {},
    ]
    change(default_nonmember_action=Action.reject)
    answer = call('POST', path, body=make_post(GOOD), headers=MESSAGE)
    assert (answer.json['trusted'], answer.json['reason']) == (
        False,
        'nonmember-action',
    )
    assert len(answer.json['hops']) == 3


def test_explanation_names_an_error_of_the_configuration(call, configure):
    configure(CONFIGURATION + 'mode: watch\n')
    answer = call(
        'POST', f'{THE_LIST}/explanation', body=make_post(GOOD), headers=MESSAGE
    )
    assert answer.json['reason'] == 'configuration-error'
    assert answer.json['hops']


def test_bytes_that_are_no_ascii_are_escaped(call):
    post = make_post(
        ['from \udcff\udc80 (unknown [203.0.113.66]) by x with ESMTP id 1; x']
    ).replace(b'Message-Id: <', b'Message-Id: <\xff')
    answer = call('POST', f'{THE_LIST}/explanation', body=post, headers=MESSAGE)
    assert answer.status_code == 200
    assert answer.json['message_id'].startswith('<\\udcff')


# A server that is on no list, as if it were on one: the query, what each entry is
# taken as, and the verdict on the post that it sent.
CANDIDATES = [
    ({}, [], 'unlisted-peer'),
    (
        {'trusted_remote_servers': '203.0.113.66'},
        [('trusted_remote_servers', '203.0.113.66', '203.0.113.66')],
        'outgoing-server',
    ),
    (
        {'authenticated_remote_servers': '::ffff:203.0.113.66'},
        [('authenticated_remote_servers', '::ffff:203.0.113.66', '203.0.113.66')],
        'not-authenticated',
    ),
    (
        {'trusted_local_servers': ['203.0.113.0/24', '198.51.100.1']},
        [
            ('trusted_local_servers', '203.0.113.0/24', '203.0.113.0/24'),
            ('trusted_local_servers', '198.51.100.1', '198.51.100.1'),
        ],
        'no-outgoing-server',
    ),
]


@pytest.mark.parametrize(('query', 'taken', 'reason'), CANDIDATES, ids=repr)
def test_message_is_explained_as_if_a_server_were_listed(call, query, taken, reason):
    path, post = f'{THE_LIST}/explanation', make_post(BAD)
    policy = call('GET', f'{THE_LIST}/policy').json
    answer = call('POST', path, body=post, headers=MESSAGE, params=query)
    assert answer.json['reason'] == reason
    assert [tuple(one.values()) for one in answer.json['candidates']] == taken
    # Nothing is kept.
    assert call('GET', f'{THE_LIST}/policy').json == policy
    answer = call('POST', path, body=post, headers=MESSAGE)
    assert answer.json['reason'] == 'unlisted-peer'


@pytest.mark.parametrize(
    'query',
    [
        {'trusted_remote_servers': '^203'},
        {'trusted_remote_servers': '!203.0.113.66'},
        {'trusted_remote_servers': 'out.example.org'},
        {'trusted_remote_server': '203.0.113.66'},
        {'sender_domains': 'example.org'},
        {'trusted_remote_servers': '203.0.113.66 ' * 11},
        {'trusted_remote_servers': ['203.0.113.66'] * 11},
        {'trusted_local_servers': '1.2.3.4\x00'},
    ],
    ids=repr,
)
def test_what_cannot_be_tried_is_refused(call, query):
    path = f'{THE_LIST}/explanation'
    answer = call('POST', path, body=make_post(BAD), headers=MESSAGE, params=query)
    assert answer.status_code == 400
    assert answer.json['description']


def test_candidate_changes_nothing_where_no_configuration_is_in_force(call, configure):
    configure(CONFIGURATION + 'mode: watch\n')
    query = {'trusted_remote_servers': '203.0.113.66'}
    path = f'{THE_LIST}/explanation'
    answer = call('POST', path, body=make_post(BAD), headers=MESSAGE, params=query)
    assert answer.json['reason'] == 'configuration-error'


@pytest.mark.parametrize(
    ('body', 'content_type', 'status'),
    [
        (b'', 'message/rfc822', 400),
        (b'This is no message.\n', 'message/rfc822', 400),
        (b'\x00\xff' * 100, 'message/rfc822', 400),
        (b'From: a@example.org\n\n', 'text/plain', 415),
        (b'From: a@example.org\n\n', None, 415),
        (b'From: a@example.org\n\n', 'application/x-www-form-urlencoded', 415),
        (b'From: a@example.org\n\n', 'Message/RFC822; charset=utf-8', 200),
        (b'From: a@example.org\n\n', 'message/global', 200),
        (b'From: a@example.org\n\n' + b'x' * MAX_MESSAGE_LENGTH, None, 415),
        (b'From: a@b\n\n' + b'x' * (MAX_MESSAGE_LENGTH - 11), 'message/rfc822', 200),
        (b'From: a@b\n\n' + b'x' * (MAX_MESSAGE_LENGTH - 10), 'message/rfc822', 413),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_message_is_refused(call, body, content_type, status):
    headers = {'Content-Type': content_type} if content_type else {}
    answer = call('POST', f'{THE_LIST}/explanation', body=body, headers=headers)
    assert answer.status_code == status
    assert status == 200 or answer.json['description']


def test_nested_message_is_explained(call):
    # Python's parser of bodies recurses.
    post = make_post(GOOD, body='Content-Type: message/rfc822\n\n' * 5000)
    post = post.replace(b'\n\n', b'\nContent-Type: message/rfc822\n\n', 1)
    answer = call('POST', f'{THE_LIST}/explanation', body=post, headers=MESSAGE)
    assert answer.json['trusted'] is True


def held(call, **params):
    """The verdicts on a page of held messages: their numbers and reasons."""
    answer = call('GET', f'{THE_LIST}/held', params=params)
    assert answer.status_code == 200
    entries = answer.json.get('entries', [])
    return answer.json['total_size'], {
        one['request_id']: one.get('reason') for one in entries
    }


def test_one_call_has_the_verdicts_on_a_page_of_held_messages(call):
    add_list('other@example.com')
    hold(make_message(BAD), 'other@example.com')
    bad, good, stranger = (
        hold(make_message(fields, auto_submitted=auto))
        for fields, auto in ((BAD, None), (GOOD, None), (GOOD, 'auto-replied'))
    )
    reasons = {bad: 'unlisted-peer', good: 'outgoing-server', stranger: 'auto-reply'}
    assert held(call) == (3, reasons)
    assert held(call, count=2, page=2) == (3, {stranger: 'auto-reply'})
    assert held(call, verdict='trusted') == (1, {good: 'outgoing-server'})
    assert held(call, verdict='not-trusted', count=1, page=2) == (
        2,
        {stranger: 'auto-reply'},
    )
    entry = call('GET', f'{THE_LIST}/held').json['entries'][0]
    path = entry['self_link'].partition(':8001')[2] or entry['self_link']
    explained = call('GET', path.partition('/3.1')[1] + path.partition('/3.1')[2])
    # What one line needs, and no more.
    assert set(entry) - {'http_etag', 'self_link', 'request_id'} == {
        'trusted',
        'reason',
        'explanation',
        'details',
        'default_nonmember_action',
        'obstacles',
    }
    for name in ('trusted', 'reason', 'explanation', 'obstacles'):
        assert entry[name] == explained.json[name]
    assert entry['details'] == {'peer': '203.0.113.66'}


@pytest.mark.parametrize(
    ('value', 'reason'),
    [(True, 'usenet'), ('True', 'usenet'), (False, 'outgoing-server')],
)
def test_usenet_article_is_known_on_the_page_and_alone(call, value, reason):
    article = hold(make_message(GOOD), msgdata={'fromusenet': value})
    post = hold(make_message(GOOD))
    assert held(call) == (2, {article: reason, post: 'outgoing-server'})
    answer = call('GET', f'{THE_LIST}/held/{article}/explanation')
    assert answer.json['reason'] == reason


def test_held_message_whose_content_is_lost_has_no_verdict(call):
    from mailman.config import config
    from pathlib import Path

    lost = hold(make_message(BAD))
    for one in Path(config.MESSAGES_DIR).rglob('*'):
        if one.is_file():
            one.unlink()
    assert held(call) == (1, {lost: None})
    assert held(call, verdict='not-trusted') == (0, {})


@pytest.mark.parametrize('params', [{'verdict': 'x'}, {'count': 1}, {'page': 1}])
def test_bad_question_for_held_messages_is_a_bad_request(call, params):
    assert call('GET', f'{THE_LIST}/held', params=params).status_code == 400


def test_held_message_of_another_list_is_not_found(call):
    add_list('other@example.com')
    request_id = hold(make_message(BAD), 'other@example.com')
    path = f'held/{request_id}/explanation'
    assert call('GET', f'{ROOT}/lists/other.example.com/{path}').status_code == 200
    assert call('GET', f'{THE_LIST}/{path}').status_code == 404


def test_lost_content_is_not_found(call):
    from mailman.config import config
    from pathlib import Path

    request_id = hold(make_message(BAD))
    path = f'{THE_LIST}/held/{request_id}/explanation'
    (file,) = (one for one in Path(config.MESSAGES_DIR).rglob('*') if one.is_file())
    for spoil in (lambda: file.write_bytes(b'no pickle'), file.unlink):
        spoil()
        answer = call('GET', path)
        assert answer.status_code == 404
        assert 'is lost' in answer.json['description']


def test_subscription_request_is_no_held_message(call):
    from mailman.database.transaction import transaction
    from mailman.interfaces.requests import IListRequests, RequestType

    with transaction():
        request_id = IListRequests(stored_list()).hold_request(
            RequestType.subscription, 'anne@example.com', {}
        )
    path = f'{THE_LIST}/held/{request_id}/explanation'
    assert call('GET', path).status_code == 404


# What is not there, and who may not ask.

MISSING = [
    f'{ROOT}/x',
    f'{ROOT}//',
    f'{ROOT}//lists',
    f'{ROOT}/lists/',
    f'{ROOT}/lists/unknown.example.com',
    f'{ROOT}/lists/unknown@example.com/policy',
    f'{ROOT}/lists/%00',
    f'{ROOT}/lists/%ff%fe@%00',
    # No column of Mailman has a place for this character on MariaDB.
    f'{ROOT}/lists/%F0%90%80%80',
    f'{THE_LIST}/x',
    f'{THE_LIST}/policy/x',
    f'{THE_LIST}/held/1',
    f'{THE_LIST}/held/1/x',
    f'{THE_LIST}/held/1/explanation/x',
    *(
        f'{THE_LIST}/held/{one}/explanation'
        for one in ('0', '1', '-1', 'x', '%D9%A3', '1' * 9, '1' * 40, '')
    ),
]


@pytest.mark.parametrize('path', MISSING)
def test_what_is_unknown_is_not_found(call, path):
    assert call('GET', path).status_code == 404


@pytest.mark.parametrize(
    ('path', 'allowed'),
    [
        (ROOT, {'GET'}),
        (f'{ROOT}/lists', {'GET'}),
        (THE_LIST, {'GET', 'PUT', 'PATCH'}),
        (f'{THE_LIST}/policy', {'GET'}),
        (f'{THE_LIST}/explanation', {'POST'}),
        (f'{THE_LIST}/held', {'GET'}),
        (f'{THE_LIST}/held/1/explanation', {'GET'}),
    ],
)
def test_other_methods_are_not_allowed(call, path, allowed):
    for method in {'GET', 'POST', 'PUT', 'PATCH', 'DELETE'} - allowed:
        answer = call(method, path)
        assert answer.status_code == 405
        assert set(answer.headers['allow'].split(', ')) - {'OPTIONS'} == allowed


@pytest.mark.parametrize(
    'path',
    [ROOT, f'{ROOT}/overview', f'{ROOT}/report', f'{ROOT}/lists', THE_LIST],
)
@pytest.mark.parametrize('authorization', ['', 'Basic eDp5'])
def test_nobody_asks_without_the_password(call, path, authorization):
    headers = {'Authorization': authorization}
    answer = call('GET', path, headers=headers)
    # Mailman 3.3.8 fails on Falcon 4 here, before it asks any resource.
    own = call('GET', '/3.1/system/versions', headers=headers)
    assert answer.status_code == own.status_code
    assert answer.status_code in (401, 500)
    assert answer.json['title'].startswith(str(answer.status_code))


# Whatever is sent.

segments = st.one_of(
    st.sampled_from(
        [
            '',
            'lists',
            LIST_ID,
            LIST,
            'policy',
            'held',
            '1',
            'explanation',
            '..',
            '%',
            '%00',
        ]
    ),
    st.text(max_size=20).map(lambda text: quote(text.encode('utf-8', 'replace'))),
)
paths = st.one_of(
    st.lists(segments, max_size=6).map(lambda parts: '/'.join([ROOT, *parts])),
    st.sampled_from([f'{THE_LIST}', f'{THE_LIST}/explanation', f'{THE_LIST}/held']),
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from([CHAIN, DEFAULT_CHAIN, 'accept']),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(['posting_chain', 'list_id', '']) | st.text(max_size=5),
            inner,
            max_size=3,
        )
    ),
    max_leaves=5,
)
messages = st.builds(
    lambda fields, body: b''.join(b'Received: ' + one + b'\n' for one in fields) + body,
    st.lists(st.binary(max_size=60) | st.sampled_from([f.encode() for f in GOOD])),
    st.binary(max_size=200),
)
bodies = st.one_of(
    values.map(lambda value: json.dumps(value).encode()), st.binary(), messages
)
content_types = st.sampled_from(
    [
        'application/json',
        'application/x-www-form-urlencoded',
        'message/rfc822',
        'multipart/form-data; boundary=x',
        'x',
    ]
)


def test_no_request_is_answered_with_a_server_error(call):
    statuses = set()

    @settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        method=st.sampled_from(
            ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']
        ),
        path=paths,
        query=st.dictionaries(
            st.sampled_from(['count', 'page', 'posting_chain', 'verdict', 'x']),
            st.text(max_size=10),
            max_size=3,
        ),
        content_type=content_types,
        body=bodies,
    )
    def ask(method, path, query, content_type, body):
        headers = {'Content-Type': content_type}
        # What no client can send is none of these requests.
        query = {
            key: quote(text.encode('utf-8', 'replace')) for key, text in query.items()
        }
        answer = call(
            method,
            path,
            query_string='&'.join(f'{key}={text}' for key, text in query.items()),
            headers=headers,
            body=body,
        )
        assert answer.status_code < 500
        statuses.add(answer.status_code)

    ask()
    # The requests got past the door.
    assert {200, 204, 400, 404, 405, 415} <= statuses
