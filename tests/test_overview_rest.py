# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a superuser's overview asks for: the site, its processes, all lists, counts."""

import json
import os
import pytest
import re
import subprocess

from datetime import date, timedelta
from dev.site.posts import CONFIGURATION, LIST
from dev.site.process import wait_until
from mailman_trustedserver import __version__
from tests.conftest import (
    BAD,
    CHAIN,
    DEFAULT_CHAIN,
    GOOD,
    invoke,
    LIST_ID,
    make_message,
    section,
)
from tests.test_rest import (
    add_list,
    application,
    call,
    change,
    ROOT,
    stored_list,
    THE_LIST,
)


pytestmark = pytest.mark.mailman

# The fixtures of the other tests of REST.
__all__ = ['application', 'call']

OVERVIEW = f'{ROOT}/overview'
REPORT = f'{ROOT}/report'
PREFIX = '%b %d %H:%M:%S %Y'


@pytest.fixture
def log(tmp_path, monkeypatch):
    """The file that stands in the place of both logs; it is not there yet."""
    from mailman_trustedserver import logs

    monkeypatch.setattr(logs, 'log_path', lambda logger: str(path))
    path = tmp_path / 'some.log'
    return path


@pytest.fixture
def ended():
    """The number of a process that is no more."""
    process = subprocess.Popen(['true'])
    process.wait()
    return process.pid


def line(process, text, day='Sep 01'):
    """A line of a log, as Mailman writes it."""
    return f'{day} 10:00:00 2026 ({process}) {text}\n'


def taken_up(digest):
    """What a process says that takes a configuration up."""
    return (
        f'trusted-server: configuration {digest} is in force: mode enforce, 6 entries'
    )


def verdict(mlist, days_ago, fields):
    """The line of a verdict, as the rule logs it, some days ago."""
    from mailman_trustedserver.adapter import settings_for, values_of
    from mailman_trustedserver.decision import decide
    from mailman_trustedserver.header import Header
    from mailman_trustedserver.report import log_line

    values = values_of(mlist)
    decision = decide(Header.of(make_message(fields)), settings_for(values), values)
    day = date.today() - timedelta(days=days_ago)
    return f'{day:{PREFIX}} (1) {log_line(decision)}\n'


# What is in force.


def test_overview_has_the_configuration_as_check_prints_it(call):
    answer = call('GET', OVERVIEW)
    assert answer.status_code == 200
    found = answer.json
    check = json.loads(invoke('check', '--json').stdout)
    for key in ('settings', 'sources', 'sections', 'digest'):
        assert found[key] == check[key]
    assert found['version'] == __version__
    assert found['enabled'] is True
    assert found['entries'] == 6
    assert found['configuration_error'] is None
    assert found['files'][0].endswith('mailman.cfg')
    assert found['posting_chains'] == [DEFAULT_CHAIN, CHAIN]
    assert found['lints'] == []


def test_warnings_come_with_their_remedies(call, configure):
    configure(section('trusted_remote_servers: 192.168.10.1'))
    found = call('GET', OVERVIEW).json['lints']
    assert [one['text'] for one in found] == call('GET', ROOT).json['warnings']
    assert all(one['remedy'] and one['number'] for one in found)


def test_sections_have_what_they_set_themselves(call, configure, tmp_path):
    path = tmp_path / 'trusted.cfg'
    path.write_text(
        '[trustedserver]\ntrusted_local_servers: 127.0.0.1\n'
        '[domain:example.com]\nmode: observe\n'
    )
    configure(section(f'configuration: {path}'))
    found = call('GET', OVERVIEW).json
    assert found['sections'] == {'domain:example.com': {'mode': 'observe'}}
    assert found['settings']['mode'] == 'enforce'
    assert found['files'][1] == str(path)


def test_overview_says_why_there_is_no_configuration(call, configure):
    configure(CONFIGURATION + 'mode: watch\n')
    found = call('GET', OVERVIEW).json
    assert "mode: 'watch' is not a value" in found['configuration_error']
    assert 'settings' not in found


def test_overview_says_that_the_plugin_was_disabled(call, configure):
    configure(CONFIGURATION.replace('enabled: yes', 'enabled: no'))
    assert call('GET', OVERVIEW).json['enabled'] is False


@pytest.mark.parametrize('method', ['POST', 'PUT', 'PATCH', 'DELETE'])
@pytest.mark.parametrize('path', [OVERVIEW, REPORT])
def test_overview_changes_nothing(call, method, path):
    assert call(method, path).status_code == 405


@pytest.mark.parametrize('path', [OVERVIEW, REPORT])
def test_nothing_is_below_the_overview(call, path):
    assert call('GET', f'{path}/x').status_code == 404


# The processes.


def test_each_process_has_what_it_took_up_last(call, log, ended):
    us, parent = os.getpid(), os.getppid()
    log.write_text(
        line(us, taken_up('aaaaaaaaaaaa'))
        + line(ended, taken_up('bbbbbbbbbbbb'))
        + line(parent, 'trusted-server: no post is trusted: a.cfg: mode: bad', 'Sep 02')
        + line(us, taken_up('cccccccccccc'), 'Sep 03')
    )
    found = call('GET', OVERVIEW).json
    assert found['log_error'] is None
    expected = [
        {
            'process': us,
            'runner': '',
            'logged_at': '2026-09-03 10:00:00',
            'digest': 'cccccccccccc',
            'mode': 'enforce',
            'entries': 6,
            'error': None,
        },
        {
            'process': parent,
            'runner': '',
            'logged_at': '2026-09-02 10:00:00',
            'digest': None,
            'mode': None,
            'entries': None,
            'error': 'a.cfg: mode: bad',
        },
    ]
    assert found['processes'] == sorted(expected, key=lambda one: one['process'])


@pytest.mark.parametrize('case', ['absent', 'directory', 'fifo', 'device'])
def test_log_that_cannot_be_read_is_no_error(call, log, case):
    if case == 'directory':
        log.mkdir()
    elif case == 'fifo':
        os.mkfifo(log)
    elif case == 'device':
        log.symlink_to('/dev/zero')
    for path, key in ((OVERVIEW, 'processes'), (REPORT, 'lists')):
        answer = call('GET', path)
        assert answer.status_code == 200
        assert answer.json[key] is None
        assert answer.json['log_error'].startswith(f'{log}: ')


@pytest.mark.parametrize(
    'text',
    [
        '(1) ' + taken_up('aaaaaaaaaaaa'),
        'Sep 01 10:00:00 2026 (0) ' + taken_up('aaaaaaaaaaaa'),
        'Sep 01 10:00:00 2026 ' + taken_up('aaaaaaaaaaaa'),
        f'Sep 01 10:00:00 2026 ({os.getpid()}) HOLD: <(1) '
        + taken_up('aaaaaaaaaaaa')
        + '>',
        f' Sep 01 10:00:00 2026 ({os.getpid()}) ' + taken_up('aaaaaaaaaaaa'),
        f'Sep 01 10:00:00 2026 ({10**30}) ' + taken_up('aaaaaaaaaaaa'),
        taken_up('aaaaaaaaaaaa'),
    ],
)
def test_line_that_no_process_of_ours_wrote_is_left_out(call, log, text):
    log.write_text(text + '\n')
    assert call('GET', OVERVIEW).json['processes'] == []


def test_only_the_end_of_a_long_log_is_read(call, log, monkeypatch):
    from mailman_trustedserver import logs

    us = os.getpid()
    first, last = line(us, taken_up('aaaaaaaaaaaa')), line(1, taken_up('bbbbbbbbbbbb'))
    log.write_text(first + last)
    for length, digests in (
        (len(first + last), ['aaaaaaaaaaaa', 'bbbbbbbbbbbb']),
        # One octet is missing at the beginning of the first line.
        (len(first + last) - 1, ['bbbbbbbbbbbb']),
        # The last line is there to its last octet.
        (len(last), ['bbbbbbbbbbbb']),
        (len(last) - 1, []),
    ):
        monkeypatch.setattr(logs, 'MAX_LENGTH', length)
        monkeypatch.setattr(logs, '_is_alive', lambda number: True)
        found = call('GET', OVERVIEW).json['processes']
        assert sorted(one['digest'] for one in found) == digests


def test_bytes_in_the_log_that_are_no_text_harm_nothing(call, log):
    log.write_bytes(b'\xff\0\n' + line(os.getpid(), taken_up('aaaaaaaaaaaa')).encode())
    assert len(call('GET', OVERVIEW).json['processes']) == 1


def test_running_processes_are_named(site):
    # After a `mailman restart`, the master and REST are those of before.
    site.restart()
    expected = {'in', 'out', 'lmtp', 'pipeline', 'virgin', 'rest', 'master'}

    def all_are_named():
        found = site.rest('GET', '/3.1/plugins/trustedserver/overview')
        runners = {one['runner'] for one in found['processes']}
        digests = {one['digest'] for one in found['processes']}
        return expected <= runners and digests == {found['digest']}

    wait_until(all_are_named)


# All lists.


@pytest.mark.parametrize(
    ('attributes', 'expected'),
    [
        ({}, []),
        ({'posting_chain': DEFAULT_CHAIN}, ['posting-chain']),
        ({'default_nonmember_action': 'accept'}, ['nonmember-action']),
        (
            {'posting_chain': 'accept', 'default_nonmember_action': 'discard'},
            ['posting-chain', 'nonmember-action'],
        ),
    ],
)
def test_lists_say_what_keeps_them_from_having_an_effect(call, attributes, expected):
    from mailman.interfaces.action import Action

    if 'default_nonmember_action' in attributes:
        name = attributes['default_nonmember_action']
        attributes = {**attributes, 'default_nonmember_action': Action[name]}
    change(**attributes)
    (entry,) = call('GET', f'{ROOT}/lists').json['entries']
    assert entry['obstacles'] == expected
    assert call('GET', f'{ROOT}/lists/{LIST_ID}').json['obstacles'] == expected
    # The command says the same.
    told = 'no effect' in invoke('status').stdout
    assert told == (expected == ['nonmember-action'])


def test_name_of_a_list_is_text(call):
    change(display_name='<b>\u202e')
    (entry,) = call('GET', f'{ROOT}/lists').json['entries']
    assert entry['display_name'] == '<b>\u202e'
    answer = call('PATCH', f'{ROOT}/lists/{LIST_ID}', json={'display_name': 'x'})
    assert answer.status_code == 400


# The counts.


def test_report_counts_the_last_days_by_list(call, log):
    add_list('other@example.com')
    other = stored_list('other@example.com')
    mlist = stored_list(LIST)
    log.write_text(
        verdict(mlist, 30, GOOD)
        + verdict(mlist, 7, GOOD)
        + verdict(mlist, 6, GOOD)
        + verdict(mlist, 0, BAD)
        + verdict(mlist, 0, GOOD)
        + verdict(other, 1, BAD)
        + 'no line of ours\n'
    )
    found = call('GET', REPORT).json
    today = date.today()
    assert found['log_error'] is None
    assert found['first_day'] == (today - timedelta(days=30)).isoformat()
    assert found['wanted'] == (today - timedelta(days=6)).isoformat()
    counts = {
        one['list']: [(day['trusted'], day['not_trusted']) for day in one['days']]
        for one in found['lists']
    }
    assert counts == {'other.example.com': [(0, 1)], LIST_ID: [(1, 0), (1, 1)]}


def test_report_of_an_empty_log_has_no_day(call, log):
    log.write_text('')
    found = call('GET', REPORT).json
    assert (found['first_day'], found['lists']) == (None, [])


# Since when a list is on its chain.

ON, OFF = (
    f'trusted-server: list={LIST_ID} posting_chain={chain}'
    for chain in (CHAIN, DEFAULT_CHAIN)
)
LATER = 'Sep 02'
OTHER = ON.replace(LIST_ID, f'x{LIST_ID}')


@pytest.mark.parametrize(
    ('lines', 'since'),
    [
        ([], None),
        ([line(1, ON)], '2026-09-01 10:00:00'),
        ([line(1, OFF), line(1, ON, LATER)], '2026-09-02 10:00:00'),
        ([line(1, ON), line(1, OTHER, LATER)], '2026-09-01 10:00:00'),
        ([line(1, ON), line(1, taken_up('0'), LATER)], '2026-09-01 10:00:00'),
        # Mailman's shell put it back.
        ([line(1, ON), line(1, OFF, LATER)], None),
        ([line(1, f'x {ON}')], None),
        ([f'{ON}\n'], None),
    ],
)
def test_list_says_since_when_it_is_on_its_chain(call, log, lines, since):
    log.write_text(''.join(lines))
    assert call('GET', THE_LIST).json['posting_chain_since'] == since


def test_list_without_a_log_does_not_say_since_when(call, log):
    assert call('GET', THE_LIST).json['posting_chain_since'] is None


@pytest.fixture
def chosen(call):
    """A function that gives what was logged of chains since the test began."""
    from mailman.testing.helpers import LogFileMark

    mark = LogFileMark('mailman.plugins')
    return lambda: re.findall(r'trusted-server: list=.*', mark.read())


def test_chain_that_is_chosen_is_logged(call, chosen):
    call('PATCH', THE_LIST, json={'posting_chain': DEFAULT_CHAIN})
    invoke('enable', '--mailman-is-down', LIST)
    invoke('disable', LIST)
    assert chosen() == [OFF, ON, OFF]


def test_style_logs_the_chain_of_a_new_list(chosen):
    from mailman.app.lifecycle import create_list
    from mailman.database.transaction import transaction

    with transaction():
        create_list('new@example.com', style_name='trusted-server-default')
    assert chosen() == [ON.replace(LIST_ID, 'new.example.com')]
