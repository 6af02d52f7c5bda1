# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of Mailman that no running one can be made to give."""

import pytest

from tests.web.conftest import missing
from types import SimpleNamespace
from urllib.error import HTTPError


pytestmark = pytest.mark.web

PLUGINS = {
    'entries': [
        {
            'class': 'mailman_trustedserver.plugin.TrustedServerPlugin',
            'name': 'ts',
            'enabled': True,
        }
    ]
}


@pytest.fixture
def client(monkeypatch):
    """The module; its sentences need Django's settings."""
    if missing():
        pytest.fail(f'missing: {", ".join(missing())}')
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_I18N=False)
    from mailman_trustedserver.postorius import client

    monkeypatch.setattr(client._Plugin, '_name', 'trustedserver')
    return client


def servers(client, answers, calls=None):
    """What asks a Mailman that answers so; a number is an error's status."""
    from mailmanclient import MailmanConnectionError

    def call(path, data=None, method=None):
        if calls is not None:
            calls.append(path)
        answer = answers.get(path, 404)
        if isinstance(answer, int):
            raise HTTPError(path, answer, 'Reason', {}, None)
        if answer is None:
            raise MailmanConnectionError('Could not connect', 'refused')
        return None, answer

    connection = SimpleNamespace(call=call)
    return client.TrustedServers(
        SimpleNamespace(_connection=connection, list_id='a.example.org')
    )


LIST = 'plugins/ts/lists/a.example.org'


@pytest.mark.parametrize(
    ('answers', 'error', 'sentence'),
    [
        ({'plugins': None}, 'Unavailable', r'did not answer .*refused'),
        ({'plugins': 401}, 'Unavailable', r'did not answer .*\(401 Reason\)'),
        ({'plugins': {}}, 'Unavailable', 'does not have the plugin'),
        ({'plugins': PLUGINS, LIST: None}, 'Unavailable', 'did not answer'),
        ({'plugins': PLUGINS, LIST: 409}, 'Unavailable', 'left the list as it is'),
        ({'plugins': PLUGINS, LIST: 500}, 'Unavailable', r'\(500 Reason\)'),
        (
            {'plugins': PLUGINS, LIST: 404, 'plugins/ts': 404},
            'Unavailable',
            'has not loaded the plugin',
        ),
        (
            {'plugins': PLUGINS, LIST: 404, 'plugins/ts': {}},
            'NotFound',
            'does not know this list',
        ),
    ],
    ids=str,
)
def test_missing_answer_is_a_sentence_with_the_remedy(client, answers, error, sentence):
    with pytest.raises(getattr(client, error), match=sentence) as raised:
        _ = servers(client, answers).state
    assert type(raised.value).__name__ == error


def test_plugin_may_have_another_name_which_is_looked_up_once(client):
    calls = []
    answers = {'plugins': PLUGINS, LIST: {'x': 1}}
    assert servers(client, answers, calls).state == {'x': 1}
    assert calls == ['plugins/trustedserver/lists/a.example.org', 'plugins', LIST]
    calls.clear()
    assert servers(client, answers, calls).state == {'x': 1}
    assert calls == [LIST]


def test_name_as_the_manual_has_it_is_not_looked_up(client):
    calls = []
    path = 'plugins/trustedserver/lists/a.example.org'
    assert servers(client, {path: {'x': 1}}, calls).state == {'x': 1}
    assert calls == [path]


@pytest.mark.parametrize(
    ('arguments', 'data'),
    [
        (['x'], {'posting_chain': 'x'}),
        (['x', ''], {'posting_chain': 'x'}),
        (['x', 'y'], {'posting_chain': 'x', 'replace': 'y'}),
    ],
)
def test_choice_names_the_chain_that_it_replaces(client, arguments, data):
    chosen = servers(client, {})
    calls = []

    def call(path, data=None, method=None):
        calls.append((path, data, method))
        return None, None

    chosen._connection.call = call
    chosen.choose(*arguments)
    assert calls == [('plugins/trustedserver/lists/a.example.org', data, 'PATCH')]
