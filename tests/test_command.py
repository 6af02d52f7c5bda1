# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`mailman trustedserver`, in an initialised Mailman."""

import base64
import json
import mailbox
import pytest
import threading

from contextlib import contextmanager
from dev.site.posts import CONFIGURATION, LIST, make_post
from http.server import BaseHTTPRequestHandler, HTTPServer
from tests.conftest import (
    BAD,
    CHAIN,
    DEFAULT_CHAIN,
    GOOD,
    invoke,
    LIST_ID,
    section,
    SPOOF,
)
from types import SimpleNamespace


pytestmark = pytest.mark.mailman

OTHER = 'other@example.com'
STATE = {'posting_chains': [DEFAULT_CHAIN, CHAIN]}


@pytest.fixture
def other(mlist):
    """A second list, which is on Mailman's own chain."""
    from mailman.app.lifecycle import create_list

    return create_list(OTHER)


@contextmanager
def answering(status, body):
    """An HTTP server that answers so; the requests are in `requests`."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.requests.append((self.path, self.headers['Authorization']))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    with HTTPServer(('127.0.0.1', 0), Handler) as server:
        server.requests = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def running(monkeypatch):
    """A function: from now on, the Mailman that runs answers so over REST."""
    from mailman.config import config

    @contextmanager
    def running(status=200, body=STATE):
        with answering(status, body) as server, monkeypatch.context() as patch:
            # A proxy of the environment would refuse the connection.
            for name in ('http_proxy', 'HTTP_PROXY', 'all_proxy'):
                patch.setenv(name, 'http://127.0.0.1:9')
            for name in ('no_proxy', 'NO_PROXY'):
                patch.delenv(name, raising=False)
            patch.setattr(
                config,
                'webservice',
                SimpleNamespace(
                    hostname='127.0.0.1',
                    port=str(server.server_port),
                    use_https='no',
                    admin_user='restadmin',
                    admin_pass='pässword',
                ),
            )
            yield server

    return running


@pytest.fixture
def posted(tmp_path):
    """A function that writes a message into a file and returns its path."""

    def posted(fields, name='message', **headers):
        path = tmp_path / name
        path.write_bytes(make_post(fields, **headers))
        return str(path)

    return posted


def fails(result, exit_code=1):
    """The only line on stderr of a command that failed."""
    assert result.exit_code == exit_code
    assert result.stdout == ''
    (line,) = result.stderr.splitlines()
    return line


# check


def test_check_prints_the_effective_policy(mlist):
    from mailman_trustedserver.adapter import find_plugin

    result = invoke('check')
    assert result.exit_code == 0
    assert result.stderr == ''
    assert result.stdout.splitlines() == [
        'The configuration of [plugin.trustedserver] loads.',
        'trusted_local_servers:',
        '    127.0.0.1',
        '    192.168.10.3',
        '    192.168.10.4',
        '    192.168.10.5',
        'trusted_remote_servers:',
        '    192.168.10.1',
        '    192.168.10.2',
        'authenticated_remote_servers: (none)',
        'dedicated_remote_servers: (none)',
        'dkim_remote_servers: (none)',
        'microsoft_365_tenants: (none)',
        'microsoft_365_servers: (none)',
        'sender_domains: (none)',
        'submission: single-hop',
        'local_submission: no',
        'reinjection_users: (none)',
        'alias_hops: no',
        'nonmember_actions: hold',
        'bypassed_actions: discard hold reject',
        'mode: enforce',
        f'digest: {find_plugin().configuration.site.digest}',
        'Whether a Mailman that runs has it is not known: none answers as expected at '
        'http://localhost:9001/3.1/plugins/trustedserver ([Errno 111] Connection '
        'refused).',
    ]


@pytest.mark.parametrize(
    ('state', 'sentence'),
    [
        ({'digest': None}, 'The Mailman that runs has it.'),
        ({'digest': 'abc'}, 'The Mailman that runs has another one, abc: it takes'),
        (
            {'digest': 'abc', 'configuration_error': 'x: bad'},
            'The Mailman that runs trusts no post: x: bad',
        ),
        ({'other': 1}, 'Whether a Mailman that runs has it is not known'),
    ],
)
def test_check_compares_with_the_running_mailman(mlist, running, state, sentence):
    from mailman_trustedserver.adapter import find_plugin

    if state.get('digest', '') is None:
        state = {'digest': find_plugin().configuration.digest}
    body = json.dumps({'configuration_error': None, **state})
    with running(body=body.encode()):
        assert sentence in invoke('check').stdout


def test_check_prints_what_is_set(configure):
    configure(
        section(
            'trusted_remote_servers: 192.0.2.1',
            'submission: BOTH',
            'local_submission: on',
            'nonmember_actions: reject hold',
        )
    )
    lines = invoke('check').stdout.splitlines()
    assert '    (none)' in lines
    assert 'submission: both' in lines
    assert 'local_submission: yes' in lines
    assert 'nonmember_actions: hold reject' in lines


def test_check_shows_the_mistake_in_one_line(configure):
    plugin = configure(section('trusted_local_servers: 192.0.2.1/24'))
    error = fails(invoke('check'))
    assert error == plugin.error
    assert "'192.0.2.1/24' has host bits set; write 192.0.2.0/24" in error


@pytest.mark.parametrize(('args', 'exit_code'), [(['check'], 1), (['explain', '-'], 2)])
def test_plugin_that_is_not_enabled_is_an_error(mlist, monkeypatch, args, exit_code):
    from mailman.config import config

    monkeypatch.setattr(config, 'plugins', {})
    error = fails(invoke(*args, data=make_post(GOOD)), exit_code)
    assert str(config.filename) in error
    assert 'not enabled; write "enabled: yes"' in error


def test_check_prints_the_name_of_the_section(configure):
    configure(section('trusted_remote_servers: 192.0.2.1', name='other'), name='other')
    assert 'of [plugin.other] loads.' in invoke('check').stdout


# status


def test_status_shows_each_list_and_its_chain(mlist, other):
    result = invoke('status')
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f'{OTHER}  {DEFAULT_CHAIN}',
        f'{LIST}  {CHAIN}',
    ]


def test_status_says_where_the_chain_has_no_effect(mlist, other, configure):
    from mailman.interfaces.action import Action

    mlist.default_nonmember_action = Action.reject
    other.default_nonmember_action = Action.reject
    note = '(no effect: default_nonmember_action is reject)'
    assert invoke('status').stdout.splitlines() == [
        f'{OTHER}  {DEFAULT_CHAIN}',
        f'{LIST}  {CHAIN}  {note}',
    ]
    configure(CONFIGURATION + 'nonmember_actions: hold reject\n')
    assert note not in invoke('status').stdout


def test_status_works_without_a_configuration(mlist, configure, monkeypatch):
    from mailman.config import config

    configure(section('typo: x'))
    assert f'{LIST}  {CHAIN}\n' in invoke('status').stdout
    monkeypatch.setattr(config, 'plugins', {})
    assert f'{LIST}  {CHAIN}\n' in invoke('status').stdout


def test_status_says_that_there_are_no_lists(mailman_layer):
    mailman_layer.testSetUp()
    try:
        assert invoke('status').stdout == 'There are no mailing lists.\n'
    finally:
        mailman_layer.testTearDown()


# enable and disable


@pytest.mark.parametrize('listspec', [OTHER, 'other.example.com'])
def test_enable_puts_a_list_on_the_chain(other, running, listspec):
    with running():
        result = invoke('enable', listspec)
        assert result.exit_code == 0
        assert result.stdout == f'{OTHER}: now on {CHAIN}\n'
        assert other.posting_chain == CHAIN
        assert invoke('enable', listspec).stdout == (f'{OTHER}: already on {CHAIN}\n')


def test_enable_asks_the_running_mailman_with_its_password(other, running):
    with running() as server:
        assert invoke('enable', OTHER).exit_code == 0
    ((path, authorization),) = server.requests
    assert path == '/3.1/plugins/trustedserver'
    kind, credentials = authorization.split()
    assert kind == 'Basic'
    assert base64.b64decode(credentials).decode() == 'restadmin:pässword'


@pytest.mark.parametrize(
    ('status', 'body', 'remedy'),
    [
        (404, {}, 'does not have the plugin'),
        (404, {}, 'stop and start Mailman'),
        (200, {'posting_chains': [DEFAULT_CHAIN]}, 'stop and start Mailman'),
        (401, {}, 'does not accept the admin_user and admin_pass of [webservice]'),
        (500, {}, '(500 Internal Server Error, as some versions answer if the'),
        (503, {}, '(503 Service Unavailable); start Mailman'),
        (200, {}, 'start Mailman with its REST runner'),
        (200, [], 'start Mailman with its REST runner'),
        (200, {'posting_chains': None}, 'start Mailman with its REST runner'),
        (200, b'<html>', 'start Mailman with its REST runner'),
        (200, b'\xff', 'start Mailman with its REST runner'),
    ],
)
def test_enable_changes_nothing_unless_the_running_mailman_has_the_chain(
    other, running, status, body, remedy
):
    with running(status, body):
        result = invoke('enable', OTHER)
    assert result.exit_code == 1
    assert result.stdout == ''
    sentence, changed = result.stderr.splitlines()
    assert remedy in sentence
    assert changed == 'Nothing was changed.'
    assert other.posting_chain == DEFAULT_CHAIN


def test_enable_says_that_nobody_answers(other, running):
    with running() as server:
        server.shutdown()
        server.server_close()
        result = invoke('enable', OTHER)
        assert result.exit_code == 1
        assert 'Connection refused' in result.stderr
        assert '--mailman-is-down' in result.stderr
        assert other.posting_chain == DEFAULT_CHAIN
        assert invoke('enable', '--mailman-is-down', OTHER).exit_code == 0
    assert other.posting_chain == CHAIN


@pytest.mark.parametrize('down', [[], ['--mailman-is-down']])
@pytest.mark.parametrize('broken', ['typo', 'disabled'])
def test_enable_says_what_check_says(
    other, configure, running, monkeypatch, broken, down
):
    from mailman.config import config

    if broken == 'typo':
        configure(section('typo: x'))
    else:
        monkeypatch.setattr(config, 'plugins', {})
    with running():
        result = invoke('enable', *down, OTHER)
    assert fails(result) == fails(invoke('check'))
    assert other.posting_chain == DEFAULT_CHAIN


def test_enable_leaves_the_chain_of_somebody_else(mlist, other, running):
    mlist.posting_chain = DEFAULT_CHAIN
    other.posting_chain = 'accept'
    for options in ([], ['--replace', 'hold'], ['--replace', CHAIN]):
        with running():
            result = invoke('enable', *options, LIST, OTHER)
        assert result.exit_code == 1
        assert result.stdout == ''
        assert result.stderr.splitlines() == [
            f'{OTHER}: on accept; to replace that, say --replace accept',
            'Nothing was changed.',
        ]
        assert mlist.posting_chain == DEFAULT_CHAIN
        assert other.posting_chain == 'accept'


def test_chain_that_is_named_is_replaced_until_it_is_undone(mlist, other, running):
    mlist.posting_chain = DEFAULT_CHAIN
    other.posting_chain = 'accept'
    with running():
        result = invoke('enable', '--replace', 'accept', LIST, OTHER)
    undo = f'mailman trustedserver disable --to accept {OTHER}'
    assert result.stdout.splitlines() == [
        f'{LIST}: now on {CHAIN}',
        f'{OTHER}: now on {CHAIN}',
        f'To undo it: {undo}',
    ]
    assert {mlist.posting_chain, other.posting_chain} == {CHAIN}
    assert invoke(*undo.split()[2:]).stdout == f'{OTHER}: now on accept\n'
    assert (mlist.posting_chain, other.posting_chain) == (CHAIN, 'accept')


def test_several_chains_can_be_replaced_at_once(mlist, other, running):
    mlist.posting_chain, other.posting_chain = 'hold', 'accept'
    options = ['--replace', 'hold', '--replace', 'accept']
    with running():
        assert invoke('enable', *options, LIST, OTHER).exit_code == 0
    assert {mlist.posting_chain, other.posting_chain} == {CHAIN}


@pytest.mark.parametrize('chain', ['no-such-chain', '', CHAIN])
def test_disable_refuses_a_chain_on_which_posts_would_be_lost(mlist, chain):
    result = invoke('disable', '--to', chain, LIST)
    assert result.exit_code == 2
    assert result.stdout == ''
    assert mlist.posting_chain == CHAIN


@pytest.mark.parametrize('args', [[LIST], ['--all'], ['--to', 'hold', LIST]])
def test_disable_needs_no_configuration_and_no_running_mailman(
    mlist, configure, running, monkeypatch, args
):
    from mailman.config import config

    configure(section('typo: x'))
    monkeypatch.setattr(config, 'plugins', {})
    with running(404) as server:
        assert invoke('disable', *args).exit_code == 0
    assert server.requests == []
    assert mlist.posting_chain != CHAIN


@pytest.mark.parametrize('listspec', [LIST, LIST_ID])
def test_disable_takes_a_list_off_the_chain(mlist, listspec):
    result = invoke('disable', listspec)
    assert result.exit_code == 0
    assert result.stdout == f'{LIST}: now on {DEFAULT_CHAIN}\n'
    assert mlist.posting_chain == DEFAULT_CHAIN
    assert invoke('disable', listspec).stdout == (
        f'{LIST}: not on {CHAIN}, left on {DEFAULT_CHAIN}\n'
    )


def test_disable_all_takes_every_list_off_the_chain(mlist, other):
    third = other
    third.posting_chain = 'accept'
    assert invoke('disable', '--all').stdout == (f'{LIST}: now on {DEFAULT_CHAIN}\n')
    assert mlist.posting_chain == DEFAULT_CHAIN
    # A list on the chain of somebody else is not ours to change.
    assert third.posting_chain == 'accept'


def test_disable_leaves_the_chain_of_somebody_else(mlist):
    mlist.posting_chain = 'accept'
    assert invoke('disable', LIST).exit_code == 0
    assert mlist.posting_chain == 'accept'


@pytest.mark.parametrize(
    'listspec', ['no-such@example.com', 'no-such.example.com', 'staff', '@', '']
)
@pytest.mark.parametrize('command', ['enable', 'disable'])
def test_unknown_list_changes_nothing(mlist, other, command, listspec):
    result = invoke(command, LIST, OTHER, listspec)
    assert result.exit_code == 2
    assert f'No such list: {listspec}' in result.stderr
    assert result.stdout == ''
    assert mlist.posting_chain == CHAIN
    assert other.posting_chain == DEFAULT_CHAIN


@pytest.mark.parametrize(
    'args',
    [
        ['enable'],
        ['disable'],
        ['disable', '--all', LIST],
        ['enable', '--all'],
        ['explain'],
    ],
)
def test_command_says_what_it_needs(mlist, args):
    result = invoke(*args)
    assert result.exit_code == 2
    assert 'Usage:' in result.stderr
    assert mlist.posting_chain == CHAIN


# explain


def test_explain_draws_the_route_down_to_mailman(mlist, posted, tmp_path, monkeypatch):
    posted(GOOD, 'message', message_id='<one@example.org>')
    monkeypatch.chdir(tmp_path)
    result = invoke('explain', 'message')
    assert result.exit_code == 0
    assert result.stderr == ''
    local, remote = 'trusted_local_servers', 'trusted_remote_servers'
    assert result.stdout.splitlines() == [
        'message: <one@example.org>',
        '',
        '    198.51.100.20 (HELO [198.51.100.20])   [on no list]',
        '    | ESMTPSA, AUTH',
        '    v  out.example.org',
        f'    192.168.10.1 (HELO out.example.org)   [{remote}: 192.168.10.1]',
        '    | ESMTPS',
        '    v  relay.example.org',
        f'    192.168.10.3 (HELO relay.example.org)   [{local}: 192.168.10.3]',
        '    | ESMTPS',
        '    v  lists.example.org',
        '    Mailman',
        '',
        'The route alone (--list LIST judges it as a post to a list):',
        'trusted (outgoing-server): The message was submitted at an outgoing '
        'server and came by trusted servers only.',
        '',
    ]


def test_explain_names_the_address_of_the_spoof(configure, posted):
    # A Mailman host that lists the outgoing server and nothing else.
    configure(section('trusted_remote_servers: 192.168.10.1'))
    result = invoke('explain', posted([SPOOF]))
    assert result.exit_code == 1
    verdict = result.stdout.partition('not trusted (unlisted-peer): ')[2]
    assert '203.0.113.66' in verdict
    assert 'If you do not know 203.0.113.66, do nothing' in ' '.join(verdict.split())
    assert '192.168.10.1' not in verdict


@pytest.mark.parametrize(
    ('fields', 'expected'),
    [
        ((), ['not trusted (no-received): The message has no Received field.']),
        (
            ['junk', *GOOD],
            [
                '    unreadable field   [it is in no form that is known]',
                '    | ?',
                '    v  ?',
            ],
        ),
        (
            (
                *GOOD,
                'by out.example.org (Postfix, from userid 0)\n'
                '\tid 4F3D21234; Tue, 1 Sep 2026 10:00:00 +0000',
            ),
            ['    the same host   [anybody could have written this]'],
        ),
        (
            [
                'by lists.example.org (Postfix) id 4F3D21234\n'
                '\tfor <list@example.org>; Tue, 1 Sep 2026 10:00:00 +0000'
            ],
            ['    address hidden or ambiguous'],
        ),
        (
            (*GOOD, 'from an outsider'),
            [
                '    unreadable field   [it is in no form that is known; anybody '
                'could have written this]'
            ],
        ),
    ],
)
def test_explain_shows_what_a_field_lacks(mlist, posted, fields, expected):
    lines = invoke('explain', posted(fields)).stdout.splitlines()
    for line in expected:
        assert line in lines


def test_explain_counts_the_older_fields_that_it_did_not_read(mlist, posted):
    path = posted([*BAD, *GOOD])
    assert (
        '    (3 older fields were not read: they change nothing)'
        in invoke('explain', path).stdout.splitlines()
    )
    (document,) = json.loads(invoke('explain', '--json', path).stdout)
    assert document['fields_not_read'] == 3
    assert len(document['hops']) == 1


def test_explain_prints_json_for_programs(mlist, posted):
    path = posted(GOOD, message_id='<one@example.org>')
    result = invoke('explain', '--json', path)
    assert result.exit_code == 0
    (document,) = json.loads(result.stdout)
    hops = document.pop('hops')
    assert document == {
        'file': path,
        'message_id': '<one@example.org>',
        'trusted': True,
        'reason': 'outgoing-server',
        'proof': 'single-hop',
        'asked': ['single-hop'],
        'route_reason': 'outgoing-server',
        'explanation': 'The message was submitted at an outgoing server '
        'and came by trusted servers only.',
        'remedy': '',
        'actor': 'nobody',
        'case': '',
        'details': {
            'peer': '198.51.100.20',
            'server': '192.168.10.1',
            'stamped_by': '192.168.10.1',
            'user': '?',
            'problem': '',
            'field': '',
            'limit': '100',
            'found': '',
        },
        'ended_at': None,
        'unproved_at': None,
        'fields_not_read': 0,
        'older_change_nothing': True,
    }
    assert [hop['peer'] for hop in hops] == [
        '192.168.10.3',
        '192.168.10.1',
        '198.51.100.20',
    ]
    assert hops[1] == {
        'peer': '192.168.10.1',
        'helo': 'out.example.org',
        'by': 'relay.example.org',
        'protocol': 'ESMTPS',
        'authenticated': False,
        'reinjection': False,
        'attested': True,
        'trusted_local_servers': None,
        'outgoing': {'trusted_remote_servers': '192.168.10.1'},
        'problem': '',
        'nearest': None,
        'time': '2026-09-01T10:00:00+00:00',
        'field': GOOD[1].replace('\t', '    '),
        'standing': 'listed',
    }
    assert hops[2]['authenticated']


def test_explain_reads_standard_input(mlist):
    result = invoke('explain', '-', data=make_post(GOOD, message_id=None))
    assert result.stdout.startswith('-\n\n    198.51.100.20')
    assert invoke('explain', '-', data=make_post(GOOD)).exit_code == 0
    assert invoke('explain', '-', data=make_post(BAD)).exit_code == 1


def test_explain_says_that_it_shows_the_route_alone(mlist, posted):
    path = posted(GOOD)
    assert 'The route alone' in invoke('explain', path).stdout.splitlines()[-3]
    assert 'The route alone' not in invoke('explain', '--list', LIST, path).stdout


@pytest.mark.parametrize('listspec', [LIST, LIST_ID])
def test_explain_judges_as_a_post_to_a_list(mlist, posted, listspec):
    from mailman.interfaces.action import Action

    path = posted(GOOD)
    args = ['explain', '--json', '--list', listspec, path]
    result = invoke(*args)
    (document,) = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (document['list_id'], document['posting_chain']) == (LIST_ID, CHAIN)
    assert (document['trusted'], document['mode']) == (True, 'enforce')
    mlist.default_nonmember_action = Action.reject
    result = invoke(*args)
    (document,) = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (document['trusted'], document['reason']) == (False, 'nonmember-action')
    assert len(document['hops']) == 3
    # The route alone is as it was.
    assert invoke('explain', path).exit_code == 0


def test_status_says_that_observe_has_no_effect(mlist, configure):
    from mailman.interfaces.action import Action

    def note():
        return invoke('status').stdout.splitlines()[0].partition(f'{CHAIN}')[2]

    assert note() == ''
    configure(CONFIGURATION + 'mode: observe\n')
    assert note() == '  (no effect: the mode is observe)'
    mlist.default_nonmember_action = Action.reject
    assert note() == '  (no effect: default_nonmember_action is reject)'


def test_explain_says_where_the_verdict_has_no_effect(mlist, posted, configure):
    path = posted(GOOD)

    def judged_as():
        return invoke('explain', '--list', LIST, path).stdout.splitlines()[-3]

    assert judged_as() == f'As a post to {LIST_ID}:'
    configure(CONFIGURATION + 'mode: observe\n')
    assert judged_as() == f'As a post to {LIST_ID} (no effect: the mode is observe):'
    mlist.posting_chain = DEFAULT_CHAIN
    assert (
        judged_as() == f'As a post to {LIST_ID} (no effect: it is on {DEFAULT_CHAIN}):'
    )


FIELD = (
    'from a.example (a.example [192.0.2.1])\n'
    '\tby mx.example.org (Postfix) with ESMTPSA id 4F3D21234;'
    ' Sun, 22 Nov 2026 10:00:00 +0000'
)
READ = """\
The field is read as Postfix (2.3 to 3.11):
    peer: 192.0.2.1
    helo: a.example
    by: mx.example.org
    protocol: ESMTPSA
    authenticated: yes
    reinjection: no
"""


@pytest.mark.parametrize(
    ('arg', 'data'),
    [
        (FIELD, b''),
        (f'Received: {FIELD}\r\n', b''),
        ('-', FIELD.encode()),
        ('-', f'RECEIVED: {FIELD}\n'.encode()),
    ],
)
def test_explain_shows_what_is_read_in_a_field(arg, data):
    result = invoke('explain', '--field', arg, data=data)
    assert (result.exit_code, result.stdout) == (0, READ)


def test_explain_shows_where_reading_a_field_fails():
    field = FIELD.replace(' id ', ' queue ').replace('from a', 'from \x1b\xff')
    data = field.encode('latin-1')
    result = invoke('explain', '--field', '-', data=data)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        'The field is not read: it is in no form that is known.',
        'The nearest form is Postfix (2.3 to 3.11):',
        '    from \\x1b\\udcff.example (a.example [192.0.2.1]) by mx.example.org '
        '(Postfix) with ESMTPSA ◄ expected “;”',
    ]


def test_explain_says_why_a_field_is_refused_before_it_is_read():
    result = invoke('explain', '--field', f'{FIELD}{FIELD}')
    assert result.exit_code == 1
    assert result.stdout == 'The field is not read: it has more than one date.\n'


@pytest.mark.parametrize(
    'args',
    [(), ('--field', FIELD, 'file'), ('--field', FIELD, '--json')],
)
def test_explain_takes_files_or_a_field(args):
    result = invoke('explain', *args)
    assert result.exit_code == 2
    assert '--field' in result.stderr


def test_explain_knows_no_such_list(mlist, posted):
    result = invoke('explain', '--list', 'no-such@example.com', posted(GOOD))
    assert result.exit_code == 2
    assert 'No such list: no-such@example.com' in result.stderr
    assert result.stdout == ''


def test_unreadable_message_of_an_mbox_does_not_hide_the_others(mlist, tmp_path):
    path = tmp_path / 'mbox'
    separator = b'From alice@example.org Tue Sep  1 10:00:00 2026\n'
    parts = [make_post(GOOD), b'No message.\n', make_post(BAD), b'', make_post(GOOD)]
    path.write_bytes(b''.join(separator + part + b'\n' for part in parts))
    for name, data in ((str(path), b''), ('-', path.read_bytes())):
        result = invoke('explain', '--json', name, data=data)
        assert result.exit_code == 2
        assert result.stderr.splitlines() == [
            f'{name}: message {number}: this is no RFC 5322 message'
            for number in (2, 4)
        ]
        documents = json.loads(result.stdout)
        assert [one['trusted'] for one in documents] == [True, False, True]
    assert invoke('explain', str(path)).stdout.count('Mailman\n') == 3


@pytest.mark.parametrize('good', [0, 1, 3])
def test_json_is_one_document(mlist, tmp_path, posted, good):
    result = invoke('explain', '--json', *[posted(GOOD)] * good, str(tmp_path / 'none'))
    documents = json.loads(result.stdout)
    assert len(documents) == good
    if documents:
        assert result.stdout == json.dumps(documents, indent=2) + '\n'


def test_explain_reads_every_message_of_an_mbox(mlist, tmp_path):
    path = tmp_path / 'mbox'
    box = mailbox.mbox(path)
    for fields in (GOOD, BAD, GOOD):
        box.add(make_post(fields, body='From here on.\n'))
    box.close()
    result = invoke('explain', '--json', str(path))
    assert result.exit_code == 1
    assert [document['trusted'] for document in json.loads(result.stdout)] == [
        True,
        False,
        True,
    ]
    assert invoke('explain', '-', data=path.read_bytes()).stdout.count('Mailman\n') == 3


def test_explain_reads_several_files(mlist, posted):
    good, bad = posted(GOOD, 'good'), posted(BAD, 'bad')
    assert invoke('explain', good, good).exit_code == 0
    result = invoke('explain', '--json', bad, good)
    assert result.exit_code == 1
    documents = json.loads(result.stdout)
    assert [document['file'] for document in documents] == [bad, good]


@pytest.mark.parametrize(
    'name', ['missing', 'directory', 'empty', 'text', 'binary', 'mbox']
)
def test_explain_goes_on_after_an_unusable_input(mlist, posted, tmp_path, name):
    path = tmp_path / name
    if name == 'directory':
        path.mkdir()
    elif name != 'missing':
        path.write_bytes(
            {
                'empty': b'',
                'text': b'No message.\n',
                'binary': b'\0\xff\n',
                'mbox': b'From nobody\n\nNo message.\n',
            }[name]
        )
    for files in ([path, posted(GOOD)], [posted(BAD), path]):
        result = invoke('explain', '--json', *map(str, files))
        assert result.exit_code == 2
        (line,) = result.stderr.splitlines()
        assert line.startswith(str(path)[:80])
        # The other input is explained all the same.
        assert len(json.loads(result.stdout)) == 1


def test_explain_gives_up_a_file_without_an_end(mlist, posted):
    result = invoke('explain', '--json', '/dev/zero', posted(GOOD))
    assert result.exit_code == 2
    assert result.stderr == '/dev/zero: the header is longer than 16777216 octets\n'
    assert len(json.loads(result.stdout)) == 1


def test_explain_does_not_run_on_a_broken_configuration(configure, posted):
    plugin = configure(section('typo: x'))
    assert fails(invoke('explain', posted(GOOD)), 2) == plugin.error


@pytest.mark.parametrize(
    'text',
    ['\x1b[2J\x1b]0title\x07', '\x7f', '\u202e', '\udce9', 'é', '\x9b31m'],
    ids=ascii,
)
def test_text_of_a_sender_does_no_harm_on_a_terminal(mlist, tmp_path, text):
    path = tmp_path / 'message'
    helo = f'x{text}y'
    path.write_bytes(
        make_post(
            [BAD[0].replace('x.example.com', helo)], message_id=f'<{text}@example.org>'
        )
    )
    result = invoke('explain', str(path))
    assert result.exit_code == 1
    assert '203.0.113.66' in result.stdout.partition('not trusted (')[2]
    assert '(HELO x' in result.stdout
    assert result.stdout.isascii()
    assert result.stdout.replace('\n', '').isprintable()
    (document,) = json.loads(invoke('explain', '--json', str(path)).stdout)
    assert document['hops'][0]['helo'].startswith('x')


def test_long_text_of_a_sender_is_cut(mlist, posted):
    path = posted(
        [BAD[0].replace('x.example.com', 'x' * 2000)],
        message_id='<' + 'y' * 2000 + '@example.org>',
    )
    result = invoke('explain', path)
    assert max(map(len, result.stdout.splitlines())) < 200
    assert 'x' * 80 + '...)' in result.stdout
