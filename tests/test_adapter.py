# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Between Mailman and the core: fields, the rule's answer, the log line."""

import json
import pytest
import re

from dev.site.posts import CONFIGURATION, make_post, SENDER
from email.charset import UNKNOWN8BIT
from email.header import Header
from hypothesis import given, HealthCheck, settings
from hypothesis import strategies as st
from ipaddress import ip_address
from mailman_trustedserver import adapter
from mailman_trustedserver import decision as decision_module
from mailman_trustedserver import Header as MessageHeader
from mailman_trustedserver.reasons import Reason
from mailman_trustedserver.report import MAX_LOGGED_LENGTH, read_log
from tests.conftest import (
    BAD,
    GOOD,
    list_on_the_chain,
    make_message,
    parse_post,
    section,
    SPOOF,
)


pytestmark = pytest.mark.mailman

# A value is plain, or a JSON string.
PAIR = r'([a-z-]+)=("(?:[^"\\]|\\.)*"|[^ "]*)'


class Vette:
    """The lines that the plugin wrote into the vette log since it was made."""

    def __init__(self):
        from mailman.testing.helpers import LogFileMark

        self._mark = LogFileMark('mailman.vette')

    def decision(self):
        """The pairs of the only line."""
        text = self._mark.read()
        assert text.endswith('\n')
        (line,) = text[:-1].split('\n')
        assert line.splitlines() == [line]
        assert line.isascii()
        assert line.isprintable()
        pairs = line.partition(' trusted-server: ')[2]
        assert re.fullmatch(f'{PAIR}( {PAIR})*', pairs), line
        (decision,) = read_log(text)
        keys = list(decision)
        assert keys[:5] == ['message-id', 'list', 'verdict', 'reason', 'peers']
        assert keys[5:] in ([], ['proof'], ['asked'], ['mode'], ['proof', 'mode'])
        return decision


@pytest.fixture(scope='module')
def only_list(mailman_layer):
    """One list for all tests here: the rule changes nothing."""
    with list_on_the_chain(mailman_layer) as mlist:
        yield mlist


@pytest.fixture
def mlist(only_list, configure):
    """The list, with the configuration of the example."""
    configure(CONFIGURATION)
    return only_list


@pytest.fixture
def decide(mlist):
    """A function that asks the rule, and returns its answer and the log's."""
    from mailman.config import config

    def decide(msg, **msgdata):
        vette = Vette()
        answer = config.rules['trusted-server'].check(mlist, msg, msgdata)
        assert answer is True or answer is False
        decision = vette.decision()
        trusted = answer or 'mode' in decision
        assert decision['verdict'] == ('trusted' if trusted else 'not-trusted')
        kept = msgdata['trusted_server']
        assert type(kept) is str
        assert kept.isascii()
        assert len(kept) <= 1000
        kept = json.loads(kept)
        assert (kept['trusted'], kept['reason']) == (trusted, decision['reason'])
        assert kept['proof'] == decision.get('proof', '')
        return answer, decision

    return decide


def errors():
    """The mark from which on to read the error log."""
    from mailman.testing.helpers import LogFileMark

    return LogFileMark('mailman.error')


# The fields of a message.


def test_received_fields_come_newest_first_and_as_they_are():
    fields = ['third\n\tfolded ', '=?utf-8?q?second?=', '']
    msg = make_message(fields)
    msg['RECEIVED'] = 'first'
    msg['X-Received'] = 'another field'
    assert list(MessageHeader.of(msg).received) == [*fields, 'first']


def test_8_bit_fields_are_not_wrapped_or_replaced():
    field = 'from \udce9 ([192.0.2.1])'
    msg = make_message([field])
    assert isinstance(msg['received'], Header)
    assert list(MessageHeader.of(msg).received) == [field]


def test_header_objects_become_text():
    msg = make_message([])
    msg['Received'] = Header('from somewhere')
    msg['Received'] = Header('from \udce9', charset=UNKNOWN8BIT)
    fields = list(MessageHeader.of(msg).received)
    assert [type(field) for field in fields] == [str, str]
    assert fields[0] == 'from somewhere'


def test_message_without_received_has_no_fields():
    assert list(MessageHeader.of(make_message([])).received) == []


# Input that nobody should send.


def header_objects(fields):
    msg = make_message([])
    for one in fields:
        msg['Received'] = Header(one, maxlinelen=10_000, continuation_ws='\t')
    return msg


def no_headers():
    return parse_post(b'\nHello.\n')


def empty():
    return parse_post(b'')


def folded_oddly(fields):
    """With a fold of several kinds of white space at each space."""
    return [re.sub(r'\s+', '\n \t  \t', one) for one in fields]


JUNK = {
    'nothing': '',
    'white space': ' \n\t \n ',
    'a word': 'junk',
    'a field of 10 MB': 'x' * 10_000_000,
    'a folded field of 10 MB': 'x\n ' * 3_300_000,
    'parentheses': '(' * 100_000,
    'bytes that are no UTF-8': 'by \udce9\udcff\udc80',
    'RFC 2047 words': '=?utf-8?b?ZnJvbSBb?= =?iso-8859-1?q?=E9?=',
    'an RFC 2047 word of no charset': '=?no-charset?q?=00?=',
    'NUL bytes': 'by \0\0',
    'surrogates': '\ud800',
    'a bare CR': 'by a\rReceived: from b',
}


@pytest.mark.parametrize('junk', JUNK.values(), ids=JUNK)
@pytest.mark.parametrize(
    ('above', 'reason'),
    [
        ((), 'malformed'),
        (GOOD[:1], 'malformed'),
        (GOOD, 'outgoing-server'),
        (BAD, 'unlisted-peer'),
    ],
    ids=['alone', 'below a relay', 'below a good route', 'below an outsider'],
)
def test_junk_field_changes_no_verdict(decide, junk, above, reason):
    msg = make_message(above)
    msg['Received'] = junk
    answer, decision = decide(msg)
    assert decision['reason'] == reason
    assert answer == (reason == 'outgoing-server')


@pytest.mark.parametrize('junk', JUNK.values(), ids=JUNK)
def test_junk_field_on_top_is_not_passed_over(decide, junk):
    msg = make_message([])
    for one in (junk, *GOOD):
        msg['Received'] = one
    answer, decision = decide(msg)
    assert not answer
    assert decision['reason'] == 'malformed'
    assert decision['peers'] == ''


@pytest.mark.parametrize(
    ('make', 'reason'),
    [
        (lambda: make_message([]), 'no-received'),
        (no_headers, 'no-received'),
        (empty, 'no-received'),
        (lambda: make_message(BAD * 100_000), 'unlisted-peer'),
        (lambda: make_message(GOOD[:1] * 100_000), 'too-many-fields'),
        (lambda: make_message([*GOOD, *['junk'] * 100_000]), 'too-many-fields'),
        (lambda: make_message([SPOOF]), 'unlisted-peer'),
        (lambda: make_message(folded_oddly(BAD)), 'unlisted-peer'),
        (lambda: header_objects(BAD), 'unlisted-peer'),
    ],
    ids=[
        'no Received',
        'no header',
        'empty',
        'many',
        'many attested',
        'many below a good route',
        'spoof',
        'odd folds',
        'Header objects',
    ],
)
def test_bad_input_is_not_trusted(decide, make, reason):
    answer, decision = decide(make())
    assert not answer
    assert decision['reason'] == reason


@pytest.mark.parametrize(
    'make',
    [
        lambda: make_message(GOOD),
        lambda: make_message(folded_oddly(GOOD)),
        lambda: header_objects(GOOD),
        lambda: make_message([f'  {one} \n\t' for one in GOOD]),
        lambda: parse_post(make_post(GOOD).replace(b'\n', b'\r\n')),
        lambda: make_message(GOOD, subject='\udce9\0'),
    ],
    ids=[
        'plain',
        'odd folds',
        'Header objects',
        'white space around',
        'CR LF',
        '8-bit subject',
    ],
)
def test_good_route_in_an_odd_message_is_trusted(decide, make):
    answer, decision = decide(make())
    assert answer
    assert decision['reason'] == 'outgoing-server'


@pytest.mark.parametrize('character', ['\0', '\udce9', 'é', '\r', '\x1b'])
def test_a_character_that_no_server_writes_makes_a_field_malformed(decide, character):
    fields = [one.replace('ESMTPS', 'ESMTPS' + character) for one in GOOD]
    msg = make_message([])
    for one in fields:
        msg['Received'] = one
    answer, decision = decide(msg)
    assert not answer
    assert decision['reason'] == 'malformed'


# The log line.


def test_decision_has_message_id_list_and_peers(decide):
    answer, decision = decide(make_message(GOOD, message_id='<one@example.org>'))
    assert decision == {
        'message-id': '<one@example.org>',
        'list': 'staff.example.com',
        'verdict': 'trusted',
        'reason': 'outgoing-server',
        'peers': '192.168.10.3,192.168.10.1,198.51.100.20',
        'proof': 'single-hop',
    }


@pytest.mark.parametrize(
    'message_id',
    [
        '',
        '<a b@example.org>',
        '<"quoted"@example.org>',
        '<back\\slash@example.org>',
        '"',
        '<x> verdict=trusted reason=outgoing-server',
        '<x>\n trusted-server: verdict=trusted',
        '<x>\r\n\tNov 01 00:00:00 2026 (1) ACCEPT: <y>',
        '<x>\v\f\x1c\x1d\x1e\x85\u2028\u2029<y>',
        '<%s %(message)s {0} $x>',
        '<\0>',
        '<\x1b[2J\x7f>',
        '<\udce9@example.org>',
        '<é@example.org>',
        '=?utf-8?q?=0A?=',
        '<' + 'x' * 10_000 + '>',
        '<' + '\n ' * 10_000 + '>',
    ],
    ids=ascii,
)
def test_message_id_cannot_forge_a_log_line(decide, message_id):
    msg = make_message(BAD, message_id=None)
    msg['Message-ID'] = message_id
    answer, decision = decide(msg)
    assert decision['verdict'] == 'not-trusted'
    assert decision['list'] == 'staff.example.com'
    assert len(decision['message-id']) <= MAX_LOGGED_LENGTH


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=50,
)
@given(message_id=st.text(), helo=st.text())
def test_no_text_of_a_sender_forges_a_log_line(decide, message_id, helo):
    msg = make_message([], message_id=None)
    msg['Message-ID'] = message_id
    msg['Received'] = BAD[0].replace('x.example.com', helo)
    answer, decision = decide(msg)
    assert not answer
    assert decision['peers'] in ('', '203.0.113.66')


def test_message_without_an_id_is_logged(decide):
    assert decide(make_message(GOOD, message_id=None))[1]['message-id'] == ''


def test_message_id_may_be_a_header_object(decide):
    msg = make_message(GOOD, message_id=None)
    msg['Message-ID'] = Header('<one@example.org>')
    assert decide(msg)[1]['message-id'] == '<one@example.org>'


# Each reason, the first ones by route and setting.

AUTHENTICATED = CONFIGURATION + 'submission: authenticated\n'
REASONS = {
    Reason.OUTGOING_SERVER: (CONFIGURATION, GOOD),
    Reason.LOCAL_SUBMISSION: (CONFIGURATION + 'local_submission: yes\n', GOOD[2:]),
    Reason.NO_RECEIVED: (CONFIGURATION, ()),
    Reason.UNLISTED_PEER: (CONFIGURATION, BAD),
    Reason.NO_OUTGOING_SERVER: (CONFIGURATION, GOOD[:1]),
    Reason.MALFORMED: (CONFIGURATION, ('junk',)),
    Reason.NO_PEER_ADDRESS: (
        CONFIGURATION,
        (
            'by lists.example.org (Postfix) with ESMTPS id 4F3D21234\n'
            '\tfor <list@example.org>; Tue, 1 Sep 2026 10:00:00 +0000',
        ),
    ),
    Reason.ALIAS_HOP: (
        CONFIGURATION,
        (
            'by lists.example.org (Postfix) id 4F3D21234\n'
            '\tfor <list@example.org>; Tue, 1 Sep 2026 10:00:00 +0000',
        ),
    ),
    Reason.LOCAL_USER: (
        CONFIGURATION,
        (
            'by lists.example.org (Postfix, from userid 33)\n'
            '\tid 4F3D21234; Tue, 1 Sep 2026 10:00:00 +0000',
        ),
    ),
    Reason.OWN_HOST: (CONFIGURATION, (GOOD[1], GOOD[0])),
    Reason.TOO_MANY_HOPS: (CONFIGURATION, (*GOOD, *BAD)),
    Reason.NOT_AUTHENTICATED: (AUTHENTICATED, (*GOOD[:2], *BAD)),
    Reason.TOO_MANY_FIELDS: (CONFIGURATION, GOOD[:1] * 101),
}


@pytest.mark.parametrize('reason', REASONS, ids=lambda reason: reason.value)
def test_route_is_logged_with_its_reason(decide, configure, reason):
    configuration, fields = REASONS[reason]
    configure(configuration)
    assert decide(make_message(fields))[1]['reason'] == reason.value


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('User-Agent', 'HyperKitty on https://lists.example.org/', 'web-archive'),
        ('Auto-Submitted', 'auto-replied (vacation)', 'auto-reply'),
        ('X-Mailman-Version', '3.3.8', 'mailing-list'),
        ('X-Mailman-Version', '', 'mailing-list'),
        ('User-Agent', 'Mutt \udce9', 'outgoing-server'),
    ],
)
def test_field_that_speaks_for_strangers_decides(decide, name, value, reason):
    msg = make_message(GOOD)
    msg[name] = value
    assert decide(msg)[1]['reason'] == reason


def test_usenet_article_is_known_by_its_metadata(decide):
    answer, decision = decide(make_message(GOOD), fromusenet=True)
    assert not answer
    assert decision['reason'] == 'usenet'


def test_peers_are_cut_between_addresses_with_the_decisive_one_kept(decide):
    relays = [GOOD[0].replace('192.168.10.3', f'192.168.10.{n}') for n in (3, 4, 5)]
    _, decision = decide(make_message(relays * 30 + list(BAD)))
    peers = decision['peers'].split(',')
    assert len(decision['peers']) <= 200
    assert peers[1] == '...'
    assert peers[-1] == '203.0.113.66'
    assert decision['reason'] == 'unlisted-peer'
    for peer in peers[:1] + peers[2:]:
        assert ip_address(peer)
    assert len(peers) > 10


def test_long_value_is_cut_with_a_mark(decide):
    _, decision = decide(make_message(GOOD, message_id='<' + 'x' * 500 + '>'))
    assert decision['message-id'] == '<' + 'x' * 196 + '...'


def test_every_reason_has_a_case():
    elsewhere = {
        Reason.USENET,
        Reason.MAILING_LIST,
        Reason.WEB_ARCHIVE,
        Reason.AUTO_REPLY,
        Reason.NONMEMBER_ACTION,
        Reason.NOT_ENABLED,
        Reason.CONFIGURATION_ERROR,
        Reason.INTERNAL_ERROR,
        # See tests/test_proofs.py.
        Reason.NO_TENANT,
        Reason.SEVERAL_TENANTS,
        Reason.OTHER_TENANT,
        Reason.NOT_INTERNAL,
        Reason.SENDER_DOMAIN,
        # See tests/test_dkim.py.
        *(reason for reason in Reason if reason.name.startswith('DKIM_')),
    }
    assert set(REASONS) | elsewhere == set(Reason)


def test_observed_verdict_is_logged_and_trusts_nothing(decide, configure):
    configure(CONFIGURATION + 'mode: observe\n')
    answer, decision = decide(make_message(GOOD))
    assert not answer
    assert decision['verdict'] == 'trusted'
    assert decision['mode'] == 'observe'


def test_nothing_is_trusted_where_nonmembers_are_rejected(decide, mlist, monkeypatch):
    from mailman.interfaces.action import Action

    monkeypatch.setattr(mlist, 'default_nonmember_action', Action.reject)
    answer, decision = decide(make_message(GOOD))
    assert not answer
    assert decision['reason'] == 'nonmember-action'


def test_nothing_is_trusted_if_the_configuration_does_not_load(decide, configure):
    configure(CONFIGURATION + 'typo: 192.0.2.1\n')
    answer, decision = decide(make_message(GOOD))
    assert not answer
    assert decision['reason'] == 'configuration-error'


def test_nothing_is_trusted_if_the_plugin_is_not_enabled(decide, monkeypatch):
    from mailman.config import config

    monkeypatch.setattr(config, 'plugins', {})
    answer, decision = decide(make_message(GOOD))
    assert not answer
    assert decision['reason'] == 'not-enabled'


def test_plugin_is_found_under_any_name_among_others(decide, configure, monkeypatch):
    from mailman.config import config

    plugin = configure(
        section(
            'trusted_local_servers: 192.168.10.3',
            'trusted_remote_servers: 192.168.10.1',
            name='other',
        ),
        name='other',
    )
    # An object of no plugin class stands for the plugins of others.
    monkeypatch.setattr(config, 'plugins', {'foreign': object(), 'other': plugin})
    assert adapter.find_plugin() is plugin
    assert decide(make_message(GOOD))[0]


def test_mistake_of_ours_is_logged_and_not_trusted(decide, monkeypatch):
    def evaluate(fields, policy, evidence):
        raise ZeroDivisionError('a mistake')

    monkeypatch.setattr(decision_module, 'evaluate', evaluate)
    mark = errors()
    answer, decision = decide(make_message(GOOD))
    assert not answer
    assert decision['reason'] == 'internal-error'
    assert decision['list'] == 'staff.example.com'
    log = mark.read()
    assert 'trusted-server: a post could not be judged' in log
    assert 'Traceback' in log
    assert 'ZeroDivisionError: a mistake' in log


def test_verdict_that_cannot_be_logged_raises_nothing(monkeypatch):
    def log_line(decision):
        raise ZeroDivisionError('a mistake')

    monkeypatch.setattr(adapter, 'log_line', log_line)
    mark = errors()
    # This is no list, so it cannot be judged either.
    assert adapter.is_trusted(object(), make_message(GOOD), {}) is False
    log = mark.read()
    assert 'trusted-server: a verdict could not be logged' in log
    assert log.count('Traceback') == 2


def test_trust_does_not_depend_on_the_sender(decide):
    for sender in (SENDER, 'mallory@example.com', '<>', None):
        assert decide(make_message(GOOD, sender=sender))[0]
        assert not decide(make_message(BAD, sender=sender))[0]
