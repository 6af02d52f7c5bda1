# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A DKIM signature as the proof of submission, from the configuration to the log."""

import json
import pytest

from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from mailman_trustedserver import adapter
from mailman_trustedserver.reasons import Reason
from mailman_trustedserver.report import read_log
from mailman_trustedserver.resolver import KeyRecords
from mailman_trustedserver.signatures import MAX_AGE, Refusal
from tests.conftest import BAD, GOOD, invoke, list_on_the_chain, section
from tests.signing import DOMAIN, key_record, NOW, sign
from tests.test_flattening import through_mailman
from tests.test_resolver import NameServer, quoted, ZONE


pytestmark = pytest.mark.mailman

KEY = key_record()
SHARED = section(
    'trusted_local_servers: 192.168.10.3',
    'dkim_remote_servers: 192.168.10.1',
    f'sender_domains: {DOMAIN}',
)
# Two hops that nobody knows before the servers of the service.
INNER = tuple(BAD[0].replace('203.0.113.66', f'203.0.113.{n}') for n in (7, 8))
HEADER = {
    'From': f'Anne Person <anne@{DOMAIN}>',
    'To': 'Staff <{}>',
    'Subject': 'Lunch',
    'Date': formatdate(NOW),
    'Message-ID': f'<1@{DOMAIN}>',
}
LONG_AGO = NOW - MAX_AGE - 3600
# When the newest field of the example says that it came.
SEPTEMBER = 1788256800


@pytest.fixture(scope='module')
def mlist(mailman_layer):
    with list_on_the_chain(mailman_layer) as mlist:
        yield mlist


@pytest.fixture
def server(monkeypatch):
    """A name server with a key, which the plugin asks."""
    monkeypatch.setitem(ZONE, 'one', [quoted(KEY[:250], KEY[250:])])
    server = NameServer()
    server.start()
    records = KeyRecords(make_resolver=server.resolver, seconds=1.0)
    monkeypatch.setattr(adapter, '_key_records', records)
    yield server
    server.stop()


@pytest.fixture
def compose(mlist):
    """A function that makes a signed post with a route."""

    def compose(route=(*GOOD[:2], *INNER), edit=bytes, signed=True, header=(), **tags):
        fields = {**HEADER, **dict(header)}
        lines = [
            f'{name}: {text.format(mlist.posting_address)}'
            for name, text in fields.items()
        ]
        content = '\r\n'.join([*lines, '', 'Hello,', 'lunch is ready.', '']).encode()
        content = edit(sign(content, **tags) if signed else content)
        trace = ''.join(f'Received: {field}\n' for field in route)
        return trace.replace('\n', '\r\n').encode() + content

    return compose


@pytest.fixture
def decide(mlist, configure, server):
    """A function from a post to what the rule answers and logs."""
    from mailman.config import config
    from mailman.testing.helpers import LogFileMark

    configure(SHARED)

    def decide(content, **msgdata):
        came = datetime.fromtimestamp(NOW, timezone.utc).replace(tzinfo=None)
        msgdata = {'received_time': came, **msgdata}
        mark = LogFileMark('mailman.vette')
        msg = through_mailman(content)
        answer = config.rules['trusted-server'].check(mlist, msg, msgdata)
        (line,) = read_log(mark.read())
        assert json.loads(msgdata['trusted_server'])['reason'] == line['reason']
        return answer, line

    return decide


def test_signature_of_the_senders_domain_is_the_proof(decide, compose, server):
    answer, line = decide(compose())
    assert answer
    assert line['reason'] == 'outgoing-server'
    assert line['proof'] == 'dkim'
    assert server.asked == [f'one._domainkey.{DOMAIN}.']


@pytest.mark.parametrize(
    ('reason', 'changes'),
    [
        ('dkim-no-signature', {'signed': False}),
        (
            'dkim-body-changed',
            {'edit': lambda text: text.replace(b'lunch is', b'lunch was')},
        ),
        ('dkim-bad-signature', {'edit': lambda text: text.replace(b'Lunch', b'Tea')}),
        ('dkim-other-domain', {'d': 'example.net'}),
        ('dkim-no-key', {'s': 'unknown'}),
        ('dkim-dns-failure', {'s': 'broken'}),
        ('dkim-dns-failure', {'s': 'silent'}),
        ('dkim-several-keys', {'s': 'two'}),
        ('dkim-key-revoked', {'s': 'short'}),
        ('dkim-body-length', {'l': '3'}),
        ('dkim-destination-not-signed', {'h': ('from', 'subject', 'date')}),
        ('dkim-destination-not-signed', {'header': {'To': 'all@example.org'}}),
        ('dkim-too-old', {'t': LONG_AGO}),
        ('dkim-sender-domain', {'header': {'From': 'anne@example.net'}}),
        ('dkim-not-one-sender', {'header': {'From': f'a@{DOMAIN}, b@{DOMAIN}'}}),
    ],
)
def test_refusal_is_logged_by_its_name(decide, compose, reason, changes):
    if reason == 'dkim-destination-not-signed' and 'h' in changes:
        changes = {**changes, 'h': (*changes['h'], 'message-id')}
    answer, line = decide(compose(**changes))
    assert not answer
    assert (line['reason'], line['asked']) == (reason, 'dkim')


@pytest.mark.parametrize(
    ('route', 'changes', 'reason'),
    [
        # Everything else must be right first.
        ((*GOOD[:1], *INNER), {}, 'unlisted-peer'),
        (BAD, {}, 'unlisted-peer'),
        ((), {}, 'no-received'),
        ((*GOOD[:2], GOOD[0]), {}, 'own-host'),
        ((*GOOD[:2], *INNER), {'Auto-Submitted': 'auto-replied'}, 'auto-reply'),
        ((*GOOD[:2], *INNER), {'X-Mailman-Version': '3.3.8'}, 'mailing-list'),
    ],
)
def test_dns_is_asked_only_if_the_verdict_hangs_on_it(
    decide, compose, server, route, changes, reason
):
    answer, line = decide(compose(route, header=changes))
    assert not answer
    assert line['reason'] == reason
    assert server.asked == []


def test_dns_is_not_asked_where_the_settings_decide(
    decide, compose, server, mlist, configure, monkeypatch
):
    from mailman.interfaces.action import Action

    with monkeypatch.context() as patch:
        patch.setattr(mlist, 'default_nonmember_action', Action.accept)
        assert decide(compose())[1]['reason'] == 'nonmember-action'
    configure(SHARED + 'typo: x\n')
    assert decide(compose())[1]['reason'] == 'configuration-error'
    assert server.asked == []


def test_dns_is_not_asked_if_another_proof_holds(decide, compose, server, configure):
    configure(SHARED + 'dedicated_remote_servers: 192.168.10.1\n')
    assert decide(compose())[1]['proof'] == 'dedicated'
    assert server.asked == []


def test_proofs_before_it_are_logged(decide, compose, configure):
    configure(SHARED + 'trusted_remote_servers: 192.168.10.1\n')
    assert decide(compose())[1]['proof'] == 'dkim'
    _, line = decide(compose(signed=False))
    assert line['asked'] == 'single-hop,dkim'
    assert line['reason'] == 'dkim-no-signature'


def test_failure_of_dns_is_remembered(decide, compose, server):
    for _ in range(3):
        assert decide(compose(s='broken'))[1]['reason'] == 'dkim-dns-failure'
    assert len(server.asked) == 1


def test_alias_of_the_list_may_stand_in_to(decide, compose, mlist):
    from mailman.interfaces.mailinglist import IAcceptableAliasSet

    aliases = IAcceptableAliasSet(mlist)
    post = compose(header={'To': 'People@example.org'})
    assert not decide(post)[0]
    aliases.add('^people@.*')
    assert not decide(post)[0]
    aliases.add('people@example.org')
    assert decide(post)[0]
    aliases.clear()


@pytest.mark.parametrize(
    ('came', 'signed_at', 'reason'),
    [
        # Mailman's LMTP runner says when; a post may have stood in a queue since.
        (datetime.fromtimestamp(LONG_AGO, timezone.utc), LONG_AGO, 'outgoing-server'),
        (
            datetime.fromtimestamp(LONG_AGO, timezone.utc).replace(tzinfo=None),
            LONG_AGO,
            'outgoing-server',
        ),
        (datetime.fromtimestamp(NOW, timezone.utc), LONG_AGO, 'dkim-too-old'),
        (
            datetime.fromtimestamp(NOW, timezone(timedelta(hours=9))),
            NOW - 3600,
            'outgoing-server',
        ),
        # Else the newest field: that of the example is of September 2026.
        (None, SEPTEMBER, 'outgoing-server'),
        (None, SEPTEMBER - MAX_AGE - 3600, 'dkim-too-old'),
    ],
)
def test_age_counts_when_the_post_came(decide, compose, came, signed_at, reason):
    post = compose(t=signed_at, header={'Date': formatdate(signed_at)})
    assert decide(post, received_time=came)[1]['reason'] == reason


def test_error_of_ours_is_logged_and_trusts_nothing(decide, compose, monkeypatch):
    from mailman.testing.helpers import LogFileMark

    def fail(msg):
        raise LookupError('a mistake of ours')

    monkeypatch.setattr(adapter, 'as_received', fail)
    mark = LogFileMark('mailman.error')
    answer, line = decide(compose())
    assert not answer
    assert line['reason'] == 'internal-error'
    assert 'a mistake of ours' in mark.read()


def test_authentication_results_are_not_believed(decide, compose):
    forged = f'lists.example.com; dkim=pass header.d={DOMAIN}'
    post = compose(signed=False, header={'Authentication-Results': forged})
    assert decide(post)[1]['reason'] == 'dkim-no-signature'


def test_each_refusal_is_a_reason():
    refusals = {refusal.value for refusal in Refusal}
    tokens = {reason.value for reason in Reason if reason.name.startswith('DKIM_')}
    assert tokens - refusals == {'dkim-not-checked'}
    assert refusals <= tokens


# explain


@pytest.fixture
def saved(compose, tmp_path):
    def saved(name='post.eml', end=b'\n', **changes):
        path = tmp_path / name
        path.write_bytes(compose(**changes).replace(b'\r\n', end))
        return str(path)

    return saved


@pytest.mark.parametrize('end', [b'\n', b'\r\n'])
def test_explain_asks_dns_if_it_is_told_to(decide, saved, mlist, server, end):
    # The newest field is of September 2026, and the signature of that day.
    path = saved(end=end, t=SEPTEMBER)
    args = ['--list', mlist.posting_address, path]
    result = invoke('explain', *args)
    assert result.exit_code == 1
    assert '(dkim-not-checked)' in result.stdout
    assert server.asked == []
    result = invoke('explain', '--dns', *args)
    assert '(outgoing-server)' in result.stdout
    assert result.exit_code == 0
    assert server.asked == [f'one._domainkey.{DOMAIN}.']


def test_explain_reads_the_bodies_of_an_mbox(decide, saved, mlist, tmp_path):
    path = tmp_path / 'mbox'
    posts = [
        saved(t=SEPTEMBER),
        saved(
            'changed',
            t=SEPTEMBER,
            edit=lambda text: text.replace(b'lunch is', b'lunch was'),
        ),
    ]
    with path.open('wb') as mbox:
        for post in posts:
            mbox.write(b'From anne@example.org Tue Sep  1 10:00:00 2026\n')
            with open(post, 'rb') as stream:
                mbox.write(stream.read() + b'\n')
    args = ['--dns', '--json', '--list', mlist.posting_address, str(path)]
    documents = json.loads(invoke('explain', *args).stdout)
    reasons = [document['reason'] for document in documents]
    assert reasons == ['outgoing-server', 'dkim-body-changed']


def test_explain_needs_a_list_to_ask_dns(decide, saved):
    result = invoke('explain', '--dns', saved())
    assert result.exit_code == 2
    assert '--dns needs --list' in result.stderr
