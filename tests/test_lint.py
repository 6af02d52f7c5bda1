# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What loads but is seldom meant, and what is not."""

import pytest

from datetime import timedelta
from dev.site.posts import CONFIGURATION, ROOT
from ipaddress import ip_address
from mailman_trustedserver.advice import lint as module
from mailman_trustedserver.advice.lint import Facts, Level, lint, LINTS, MAX_FINDINGS
from mailman_trustedserver.scopes import Configuration, parse_configuration
from mailman_trustedserver.settings import MailingList, parse_settings, read_sections
from mailman_trustedserver.shared_senders import file_date
from tests.conftest import assert_documented, CHAIN, DEFAULT_CHAIN


REMOTE = 'trusted_remote_servers: 192.0.2.1\n'
GOOD = 'trusted_local_servers: 127.0.0.1 192.0.2.3\n' + REMOTE
TENANT = 'microsoft_365_tenants: example.org\n'


def local(entries):
    return f'trusted_local_servers: 127.0.0.1 {entries}\n'


def remote(entries, key='trusted_remote_servers'):
    return f'trusted_local_servers: 127.0.0.1\n{key}: {entries}\n'


def parse(text):
    sections = read_sections(f'[site]\n{text}', 'x.cfg')
    return parse_configuration(sections, 'x.cfg', 'site')


def found(text, facts=None):
    return [one.lint.number for one in lint(parse(text), facts)]


def domains(one, other):
    return (
        f'{GOOD}[domain:a.example]\ntrusted_remote_servers: {one}\n'
        f'[domain:b.example]\ntrusted_remote_servers: {other}\n'
    )


def with_list(address='staff@example.com', chain=CHAIN, action='hold'):
    mlist = MailingList(address.replace('@', '.'), address, chain, action)
    return Facts(lists=(mlist,), domains=frozenset({'example.com'}))


def route(address, server='192.168.10.1'):
    return Facts(routes=((ip_address(address), ip_address(server)),))


def lmtp(address):
    return Facts(lmtp=(ip_address(address),))


def exchanger(*addresses):
    known = None if addresses == (None,) else frozenset(map(ip_address, addresses))
    return Facts(exchangers={'example.org': known})


SENDERS = 'sender_domains: example.org\n'
PRIVATE = 'trusted_local_servers: 127.0.0.1\ntrusted_remote_servers: 192.168.10.1\n'
ARCHIVE = Facts(web_archive=True)
ORDINARY = Facts(today=file_date())

# Number, and keys and facts that show it, and others so near that do not.
CASES = [
    ('TS101', remote('0.0.0.0/0'), None, remote('192.0.0.0/16'), None),
    ('TS101', local('::/0'), None, local('2001:db8::/32'), None),
    ('TS101', local('^'), None, local('^192\\.0\\.2\\.'), None),
    ('TS101', local('^[0-9]+\\.'), None, local('^1[0-9]*\\.'), None),
    ('TS101', local('^[0-9a-f]*:'), None, local('^2001:'), None),
    (
        'TS101',
        SENDERS + remote('0.0.0.0/0', 'dkim_remote_servers'),
        None,
        SENDERS + remote('!0.0.0.0/0 192.0.2.1', 'dkim_remote_servers'),
        None,
    ),
    ('TS102', local('10.0.0.0/15'), None, local('10.0.0.0/16'), None),
    ('TS102', remote('2001:db8::/31'), None, GOOD, None),
    (
        'TS102',
        remote('40.92.0.0/15'),
        None,
        TENANT + remote('40.92.0.0/15', 'microsoft_365_servers'),
        None,
    ),
    ('TS102', local('10.0.0.0/8'), None, local('!10.0.0.0/8'), None),
    (
        'TS103',
        remote('^192\\.168\\.10\\.1'),
        None,
        remote('^192\\.168\\.10\\.1$'),
        None,
    ),
    ('TS103', local('^10\\.1'), None, local('^10\\.1\\.'), None),
    # Without an end, an exclusion excludes more.
    ('TS103', local('^10\\.[12]'), None, local('10.1.0.0/16 !^10\\.1\\.1'), None),
    ('TS104', local('10.1.2.3 10.1.2.0/24'), None, local('10.1.2.3 10.1.3.0/24'), None),
    ('TS104', remote('192.0.2.1 192.0.2.1'), None, remote('192.0.2.1 192.0.2.2'), None),
    (
        'TS104',
        remote('192.0.2.1 !192.0.2.0/24'),
        None,
        remote('192.0.2.0/24 !192.0.2.1'),
        None,
    ),
    (
        'TS201',
        GOOD + 'dedicated_remote_servers: 192.0.2.0/24',
        None,
        GOOD + 'dedicated_remote_servers: 192.0.2.4',
        None,
    ),
    (
        'TS201',
        local('192.0.2.1') + 'trusted_remote_servers: 192.0.2.1',
        None,
        local('192.0.2.1') + 'trusted_remote_servers: 192.0.2.1\nsubmission: both',
        None,
    ),
    (
        'TS202',
        local('192.0.2.1') + 'authenticated_remote_servers: 192.0.2.1',
        None,
        local('192.0.2.1') + 'trusted_remote_servers: 192.0.2.1',
        None,
    ),
    (
        'TS203',
        GOOD + 'dedicated_remote_servers: 192.0.2.1',
        None,
        GOOD + 'dedicated_remote_servers: 192.0.2.2',
        None,
    ),
    ('TS204', remote('127.0.0.0/8'), None, remote('127.0.0.2'), None),
    (
        'TS204',
        remote('::1 127.0.0.1', 'authenticated_remote_servers'),
        None,
        GOOD,
        None,
    ),
    ('TS205', remote('40.107.22.52'), None, remote('192.0.2.1'), None),
    (
        'TS205',
        remote('74.125.0.0/16', 'authenticated_remote_servers'),
        None,
        SENDERS + remote('74.125.0.0/16', 'dkim_remote_servers'),
        None,
    ),
    (
        'TS206',
        domains('192.168.10.1', '192.168.10.0/24'),
        None,
        domains('198.51.100.1', '198.51.100.0/24'),
        None,
    ),
    (
        'TS206',
        domains('fd00::1', '10.1.1.1 fd00::1'),
        None,
        domains('fd00::1 10.1.1.1 fd00::1', '10.1.1.2'),
        None,
    ),
    ('TS207', GOOD, exchanger('192.0.2.1'), GOOD, exchanger('192.0.2.3')),
    (
        'TS207',
        GOOD + 'submission: single-hop',
        exchanger('192.0.2.1', '2001:db8::1'),
        GOOD + 'submission: authenticated',
        exchanger('192.0.2.1', '2001:db8::1'),
    ),
    ('TS208', GOOD, exchanger(None), GOOD, exchanger()),
    ('TS301', '', None, 'local_submission: on', None),
    (
        'TS301',
        '[domain:a.example]\nmode: enforce',
        None,
        '[domain:a.example]\nlocal_submission: yes',
        None,
    ),
    ('TS302', 'trusted_remote_servers: 192.0.2.1', None, GOOD, None),
    ('TS303', 'trusted_local_servers: 192.0.2.3\n' + REMOTE, None, GOOD, None),
    ('TS304', PRIVATE, route('192.168.10.5'), PRIVATE, route('192.168.10.1')),
    # It may be that of a container, which the servers do not see.
    ('TS304', PRIVATE, route('192.168.99.5'), PRIVATE, route('172.17.0.2')),
    ('TS304', GOOD, route('8.8.8.8', '9.9.9.9'), GOOD, route('8.8.8.8')),
    ('TS304', PRIVATE, route('192.168.10.5'), PRIVATE, route('::1', '::1')),
    (
        'TS304',
        PRIVATE,
        route('fd00::1', 'fd00::2'),
        PRIVATE,
        route('fd00::1', 'fd11::'),
    ),
    (
        'TS304',
        PRIVATE + '[domain:a.example]\ntrusted_local_servers: 192.168.10.6',
        route('192.168.10.5'),
        PRIVATE + '[domain:a.example]\ntrusted_local_servers: 192.168.10.5',
        route('192.168.10.5'),
    ),
    (
        'TS305',
        GOOD + 'microsoft_365_servers: 40.107.0.0/16',
        None,
        GOOD + TENANT + 'microsoft_365_servers: 40.107.0.0/16',
        None,
    ),
    (
        'TS306',
        GOOD + 'nonmember_actions:',
        None,
        GOOD + 'nonmember_actions: hold',
        None,
    ),
    (
        'TS307',
        GOOD + 'sender_domains: example.com',
        with_list('a@EXAMPLE.com'),
        GOOD + 'sender_domains: example.org .example.com',
        with_list('a@example.com'),
    ),
    ('TS308', GOOD + 'mode: observe', None, GOOD + 'mode: enforce', None),
    (
        'TS309',
        GOOD + '[domain:a.example]\n',
        with_list(),
        GOOD + '[domain:example.com]\n',
        with_list(),
    ),
    (
        'TS309',
        GOOD + '[list:staf@example.com]\n',
        with_list(),
        GOOD + '[list:STAFF.example.com]\n',
        with_list(),
    ),
    ('TS401', GOOD, Facts(writable=('/etc/mailman.cfg',)), GOOD, ORDINARY),
    ('TS402', GOOD, with_list(action='accept'), GOOD, with_list()),
    (
        'TS402',
        GOOD,
        with_list(action='reject'),
        GOOD,
        with_list(chain=DEFAULT_CHAIN, action='reject'),
    ),
    ('TS403', GOOD, Facts(rules={'member-moderation': 'x.y'}), GOOD, ORDINARY),
    ('TS404', GOOD, ARCHIVE, GOOD, ORDINARY),
    ('TS405', GOOD, lmtp('::'), GOOD, lmtp('127.0.0.1')),
    ('TS405', GOOD, lmtp('192.0.2.5'), GOOD, lmtp('::1')),
    (
        'TS406',
        GOOD,
        Facts(today=file_date() + timedelta(days=400)),
        GOOD,
        Facts(today=file_date()),
    ),
]


@pytest.mark.parametrize(('number', 'shown', 'facts', 'absent', 'other_facts'), CASES)
def test_lint_finds_it_and_only_it(number, shown, facts, absent, other_facts):
    assert number in found(shown, facts)
    assert number not in found(absent, other_facts)


def test_list_of_a_hundred_thousand_is_told(monkeypatch):
    assert module.MANY_ENTRIES == 100_000
    monkeypatch.setattr(module, 'MANY_ENTRIES', 4)
    assert 'TS105' in found(local('192.0.2.1 192.0.2.2 192.0.2.3'))
    assert 'TS105' not in found(local('192.0.2.1 192.0.2.2'))


def test_each_lint_has_a_case():
    numbers = [one.number for one in LINTS]
    assert numbers == sorted(set(numbers))
    assert {number for number, *_ in CASES} | {'TS105'} == set(numbers)
    assert len({one.name for one in LINTS}) == len(LINTS)


@pytest.mark.parametrize('facts', [None, ORDINARY, with_list(), lmtp('127.0.0.1')])
def test_example_is_silent(facts):
    sections = read_sections(CONFIGURATION, 'mailman.cfg.example')
    keys = dict(sections['plugin.trustedserver'])
    for key in ('class', 'enabled', 'component_package'):
        del keys[key]
    configuration = Configuration(parse_settings(keys, 'mailman.cfg.example'))
    assert lint(configuration, facts) == []
    own = route('192.168.10.5')
    assert lint(configuration, own) == []


# What a finding says.


def test_sentences_and_remedies_are_filled_in():
    for number, shown, facts, _, _ in CASES:
        for one in lint(parse(shown), facts):
            if one.lint.number == number:
                assert '{' not in one.text.replace('[0-9]', '') + one.remedy
                assert one.text.isascii()
                assert one.remedy.isascii()
                assert one.text.endswith('.')
                assert one.remedy.endswith('.')
                assert one.values['manual'] == f'docs/checks.md#{number.lower()}'


@pytest.mark.parametrize(
    ('text', 'sentence'),
    [
        (
            'trusted_local_servers: 127.0.0.1 192.0.2.0/24\n'
            'trusted_remote_servers: 192.0.2.1',
            'trusted_local_servers has 192.0.2.0/24 and trusted_remote_servers has '
            '192.0.2.1: an address on both may be either, and what a stranger hands '
            'to it is trusted.',
        ),
        ('', 'There are no outgoing servers: no post is trusted.'),
        (
            GOOD + 'mode: observe',
            'mode is observe: verdicts are logged, but every post is moderated.',
        ),
        (
            remote('40.107.22.52'),
            'trusted_remote_servers has 40.107.22.52: this is Microsoft 365, through '
            'which other organisations send, too; the key for it is '
            'microsoft_365_tenants.',
        ),
        (
            GOOD + '[domain:a.example]\nmode: observe',
            '[domain:a.example]: mode is observe: verdicts are logged, but every post '
            'is moderated.',
        ),
    ],
)
def test_finding_is_a_sentence(text, sentence):
    assert [one.text for one in lint(parse(text))] == [sentence]


def test_what_a_section_inherits_is_told_where_it_is_set():
    text = (
        GOOD + 'mode: observe\n[domain:a.example]\nsubmission: both\n'
        '[list:x@a.example]\n[list:x.b.example]\n[domain:c.example]\nmode: enforce\n'
        '[list:x@c.example]\nmode: observe\n'
    )
    assert [one.section for one in lint(parse(text))] == ['']
    text = text.replace('observe', 'enforce', 1)
    assert [one.section for one in lint(parse(text))] == ['list:x@c.example']


def test_section_of_a_list_id_is_told_once():
    text = GOOD + '[domain:a.example]\n[domain:b.example]\n[list:x.a]\nmode: observe\n'
    assert [one.section for one in lint(parse(text))] == ['list:x.a']


def test_so_many_findings_are_told_and_the_others_counted():
    entries = ' '.join(f'192.0.2.{n}' for n in range(1, MAX_FINDINGS + 6))
    findings = lint(parse(local(f'192.0.2.0/24 {entries}') + REMOTE))
    shadowed = [one for one in findings if one.lint.number == 'TS104']
    assert [one.more for one in shadowed] == [0] * (MAX_FINDINGS - 1) + [5]
    assert shadowed[-1].text.endswith('holds it. (And 5 more like this.)')


def test_notes_are_what_may_well_be_meant():
    notes = {one.name for one in LINTS if one.level is Level.NOTE}
    assert notes == {
        'local-and-outgoing',
        'private-in-two-domains',
        'exchanger-not-known',
        'own-domain',
        'observe',
        'web-archive',
        'old-ranges',
    }


# The manual.


def print_lints():
    """The table for docs/checks.md."""
    lines = [
        '| number | name | level | what is so | what to do |',
        '|---|---|---|---|---|',
    ]
    for one in LINTS:
        number = f'<a id="{one.number.lower()}"></a>{one.number}'
        cells = (number, f'`{one.name}`', one.level.value, one.sentence, one.remedy)
        lines.append('| ' + ' | '.join(cells) + ' |')
    # Markdown takes a backslash for its own.
    return ''.join(f'{line}\n' for line in lines).replace('\\', '\\\\')


def test_documented_lints_are_those_of_check():
    assert_documented(ROOT / 'docs' / 'checks.md', '| number |', print_lints())
