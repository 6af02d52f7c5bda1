# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`mailman trustedserver check`: what it knows of the host, and what it prints."""

import json
import os
import pytest
import subprocess
import sys

from datetime import date
from dev.site.posts import CONFIGURATION, LIST, ROOT
from dev.site.process import mailman_program
from ipaddress import ip_address
from tests.conftest import DEFAULT_CHAIN, invoke, LIST_ID, section
from types import SimpleNamespace


pytestmark = pytest.mark.mailman

OBSERVE = CONFIGURATION + 'mode: observe\n'
MICROSOFT = section(
    'trusted_local_servers: 127.0.0.1', 'trusted_remote_servers: 40.107.22.52'
)


@pytest.fixture
def module(mailman_layer):
    from mailman_trustedserver.commands import checking

    return checking


def findings(*args):
    """The numbers of what `check` found."""
    result = invoke('check', '--json', *args)
    assert result.stderr == ''
    return [one['number'] for one in json.loads(result.stdout)['lints']]


def test_example_is_silent(mlist):
    assert findings() == findings(LIST) == []
    assert '(TS' not in invoke('check').stdout


def test_finding_is_a_sentence_and_a_remedy(configure):
    configure(MICROSOFT)
    result = invoke('check')
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-3:] == [
        'Warning (TS205): trusted_remote_servers has 40.107.22.52: this is Microsoft '
        '365, through which other organisations send, too; the key for it is '
        'microsoft_365_tenants.',
        '    Take it off trusted_remote_servers, and use microsoft_365_tenants.',
        'docs/checks.md says more of each number.',
    ]


def test_example_in_the_manual_is_printed(configure):
    entry = '^192\\.168\\.10\\.1'
    configure(CONFIGURATION.replace('192.168.10.1 192', f'{entry} 192'))
    finding = invoke('check').stdout.splitlines()[-3:-1]
    page = (ROOT / 'docs' / 'commands.md').read_text(encoding='utf-8')
    assert '```\n' + '\n'.join(finding) + '\n```\n' in page


@pytest.mark.parametrize(
    ('text', 'exit_code'), [(CONFIGURATION, 0), (MICROSOFT, 1), (OBSERVE, 0)]
)
@pytest.mark.parametrize('options', [[], ['--json']])
def test_strict_check_fails_on_a_warning_and_not_on_a_note(
    mlist, configure, text, exit_code, options
):
    configure(text)
    assert invoke('check', *options).exit_code == 0
    result = invoke('check', '--strict', *options)
    assert (result.exit_code, result.stderr) == (exit_code, '')


def test_note_says_that_it_is_one(configure):
    configure(OBSERVE)
    assert '\nNote (TS308): mode is observe: ' in invoke('check').stdout


def test_json_has_settings_digest_comparison_and_lints(configure, mlist, tmp_path):
    path = tmp_path / 'trusted.cfg'
    path.write_text(
        '[trustedserver]\nmode: observe\ntrusted_local_servers: 127.0.0.1\n'
        f'trusted_remote_servers: 192.0.2.1\n[list:{LIST}]\nsubmission: both\n'
    )
    plugin = configure(section(f'configuration: {path}'))
    document = json.loads(invoke('check', '--json').stdout)
    assert set(document) == {
        *('list', 'settings', 'sources', 'sections', 'digest', 'comparison', 'lints')
    }
    assert document['list'] is None
    assert document['settings'] == plugin.configuration.site.values
    assert document['sections'] == {f'list:{LIST}': {'submission': 'both'}}
    assert document['digest'] == plugin.configuration.digest
    assert 'Whether a Mailman that runs has it' in document['comparison']
    (found,) = document['lints']
    assert found == {
        'number': 'TS308',
        'name': 'observe',
        'level': 'note',
        'section': '',
        'text': 'mode is observe: verdicts are logged, but every post is moderated.',
        'remedy': 'Write enforce when the log shows what you expect.',
        'manual': 'docs/checks.md#ts308',
        'more': 0,
    }
    document = json.loads(invoke('check', '--json', LIST_ID).stdout)
    assert document['list'] == LIST
    assert document['settings']['submission'] == 'both'
    assert document['sources']['submission'] == f'list:{LIST}'
    assert document['digest'] == plugin.configuration.digest
    assert document['sections'] == {}


# What is known of the host and of Mailman.


def test_list_whose_action_switches_the_chain_off_is_found(mlist):
    from mailman.interfaces.action import Action

    mlist.default_nonmember_action = Action.accept
    assert findings() == findings(LIST) == ['TS402']
    mlist.posting_chain = DEFAULT_CHAIN
    assert findings() == []


def test_scope_that_mailman_does_not_have_is_found(configure, mlist, tmp_path):
    path = tmp_path / 'trusted.cfg'
    text = '[trustedserver]\ntrusted_local_servers: 127.0.0.1\n' + (
        'trusted_remote_servers: 192.0.2.1\n'
    )
    path.write_text(f'{text}[domain:example.com]\n[list:{LIST_ID}]\n')
    configure(section(f'configuration: {path}'))
    assert findings() == []
    path.write_text(f'{text}[domain:no.example]\n[list:no@example.com]\n')
    configure(section(f'configuration: {path}'))
    assert findings() == ['TS309', 'TS309']
    assert findings(LIST) == []


@pytest.mark.parametrize(
    ('mode', 'number'),
    [(0o644, []), (0o664, []), (0o646, ['TS401'])],
)
def test_file_that_everybody_can_write_is_found(mlist, tmp_path, mode, number):
    (tmp_path / 'mailman.cfg').chmod(mode)
    assert findings() == number


@pytest.mark.parametrize(
    ('mode', 'number'), [(0o755, []), (0o1777, []), (0o777, ['TS401'])]
)
def test_file_in_a_folder_that_everybody_can_write_is_found(
    mlist, tmp_path, mode, number
):
    tmp_path.chmod(mode)
    assert findings() == number
    tmp_path.chmod(0o700)


def test_file_that_mailman_names_is_looked_at_as_well(configure, mlist, tmp_path):
    path = tmp_path / 'trusted.cfg'
    path.write_text(
        '[trustedserver]\ntrusted_local_servers: 127.0.0.1\n'
        'trusted_remote_servers: 192.0.2.1\n'
    )
    path.chmod(0o666)
    configure(section(f'configuration: {path}'))
    assert findings() == ['TS401']


def test_file_that_is_gone_is_nobodys(mlist, module, tmp_path):
    assert not module._others_can_write(str(tmp_path / 'none'))


@pytest.mark.parametrize(
    ('host', 'number'),
    [
        ('127.0.0.1', []),
        ('::1', []),
        ('localhost', []),
        ('0.0.0.0', ['TS405']),  # noqa: S104
        ('192.0.2.77', ['TS405']),
        ('no such host', []),
    ],
)
def test_lmtp_on_more_than_the_loopback_is_found(mlist, monkeypatch, host, number):
    from mailman.config import config

    mta = SimpleNamespace(lmtp_host=host, lmtp_port='8024')
    monkeypatch.setattr(config, 'mta', mta)
    assert findings() == number


def test_lmtp_without_a_host_listens_everywhere(mlist, monkeypatch, module):
    from mailman.config import config

    mta = SimpleNamespace(lmtp_host='', lmtp_port='8024')
    monkeypatch.setattr(config, 'mta', mta)
    assert not all(address.is_loopback for address in module._lmtp_addresses())


def test_rule_of_another_plugin_is_found(mlist, monkeypatch):
    from mailman.config import config

    class Other:
        pass

    monkeypatch.setitem(config.rules, 'member-moderation', Other())
    assert findings() == ['TS403']
    assert f'from {__name__}, not from Mailman' in invoke('check').stdout


@pytest.mark.parametrize('package', ['hyperkitty', 'mailman_hyperkitty'])
def test_web_archive_is_found(mlist, monkeypatch, tmp_path, package):
    (tmp_path / f'{package}.py').touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert findings() == ['TS404']


def test_ranges_that_are_old_are_found(mlist, monkeypatch):
    from mailman_trustedserver.advice import lint

    monkeypatch.setattr(lint, 'is_old', lambda today: today == date.today())
    assert findings() == ['TS406']


def test_address_that_servers_see_is_found(mlist, monkeypatch, module, configure):
    # The system has this route for certain.
    monkeypatch.setattr(module, 'MAX_SERVERS', 1)
    pairs = list(module._routes(configure(CONFIGURATION).configuration))
    assert (ip_address('127.0.0.1'), ip_address('127.0.0.1')) in pairs
    own = (ip_address('192.168.10.9'), ip_address('192.168.10.1'))
    monkeypatch.setattr(module, '_routes', lambda configuration: [own])
    assert findings() == findings(LIST) == ['TS304']


def test_dns_is_asked_for_the_domains_if_it_is_said(mlist, monkeypatch, configure):
    from mailman_trustedserver import resolver

    asked = []

    def exchangers(domains):
        asked.extend(domains)
        return {
            'example.com': frozenset({ip_address('192.168.10.1')}),
            'example.org': None,
        }

    monkeypatch.setattr(resolver, 'mail_exchangers', exchangers)
    configure(CONFIGURATION + 'sender_domains: example.org .example.net\n')
    assert findings() == []
    assert asked == []
    assert findings('--dns') == ['TS207', 'TS208']
    assert asked == ['example.com', 'example.net', 'example.org']


# Bad input, and an output that takes nothing.


@pytest.mark.parametrize(
    'name', ['none@example.com', 'none.example.com', 'x\x1b', '\udcff']
)
@pytest.mark.parametrize('options', [[], ['--json'], ['--strict']])
def test_unknown_list_is_one_line(mlist, name, options):
    result = invoke('check', *options, name)
    assert (result.exit_code, result.stdout) == (2, '')
    (line,) = result.stderr.splitlines()
    assert line.startswith('No such list: ')
    assert line.isascii()


@pytest.fixture(scope='module')
def mailman(tmp_path_factory):
    """A function that runs `mailman trustedserver ARGS...` with this output."""
    directory = tmp_path_factory.mktemp('check')
    path = directory / 'mailman.cfg'
    networks = ' '.join(f'10.{n >> 8}.{n & 255}.0/24' for n in range(20_000))
    text = CONFIGURATION.replace('192.168.10.1 ', f'192.168.10.1 {networks} ')
    path.write_text(
        f'[mailman]\nlayout: here\n[paths.here]\nvar_dir: {directory}/var\n{text}'
    )
    as_root = ['--run-as-root'] if os.geteuid() == 0 else []
    command = [sys.executable, mailman_program(), *as_root]

    def run(*args, stdout):
        return subprocess.run(
            [*command, '-C', path, 'trustedserver', *args],
            stdout=stdout,
            stderr=subprocess.PIPE,
            encoding='utf-8',
            timeout=300,
        )

    return run


@pytest.mark.parametrize('options', [[], ['--json']])
def test_full_disk_is_one_line(mailman, options):
    with open('/dev/full', 'w') as full:
        result = mailman('check', *options, stdout=full)
    assert result.returncode == 2
    assert result.stderr == ('The output cannot be written: No space left on device\n')


@pytest.mark.parametrize('options', [[], ['--json']])
def test_nobody_who_reads_is_no_error(mailman, options):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, 'w') as closed:
        result = mailman('check', *options, stdout=closed)
    assert (result.returncode, result.stderr) == (0, '')
