# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`mailman trustedserver audit`, `suggest` and `report`, in a Mailman."""

import csv
import gzip
import io
import json
import lzma
import mailbox
import os
import pytest
import sys
import time

from collections import Counter
from dev.site.posts import CONFIGURATION, LIST, make_post
from mailman_trustedserver.commands import posts
from tests.conftest import BAD, GOOD, invoke, LIST_ID, make_message


pytestmark = pytest.mark.mailman

SEPARATOR = b'From alice@example.org Tue Sep  1 10:00:00 2026\n'
STRICT = CONFIGURATION + 'submission: authenticated\n'
KEYS = STRICT[STRICT.index('trusted_local_servers') :]


@pytest.fixture
def archive(tmp_path):
    """An mbox of two good posts, a bad one and a damaged one."""
    path = tmp_path / 'staff.mbox'
    messages = [make_post(GOOD), make_post(GOOD), make_post(BAD), b'\nnothing\n']
    path.write_bytes(b'\n'.join(SEPARATOR + message for message in messages))
    return str(path)


def fails(result, exit_code=2):
    """The last line on stderr of a command that failed."""
    assert result.exit_code == exit_code
    assert result.stdout == ''
    return result.stderr.splitlines()[-1]


def verdicts(result):
    assert result.exit_code == 0, result.stderr
    return Counter(
        {one['reason']: one['posts'] for one in json.loads(result.stdout)['verdicts']}
    )


# audit


def test_audit_prints_what_would_become_of_posts(mlist, archive):
    result = invoke('audit', archive)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith('3 posts, 2026-')
    assert lines[0].endswith('; 1 could not be read')
    assert '    2  trusted      outgoing-server  single-hop' in lines
    assert '    1  not trusted  unlisted-peer' in lines


def test_audit_counts_what_explain_says_one_by_one(mlist, archive):
    explained = json.loads(invoke('explain', '--json', '--list', LIST, archive).stdout)
    counted = verdicts(invoke('audit', '--json', '--list', LIST, archive))
    assert counted == Counter(one['reason'] for one in explained)
    assert counted == {'outgoing-server': 2, 'unlisted-peer': 1}


def test_audit_judges_by_the_list(mlist, archive):
    from mailman.interfaces.action import Action

    mlist.default_nonmember_action = Action.reject
    args = ['audit', '--json', archive]
    assert 'nonmember-action' not in verdicts(invoke(*args))
    found = verdicts(invoke(*args, '--list', LIST_ID))
    assert found == {'nonmember-action': 3}


@pytest.mark.parametrize(
    'text',
    [
        STRICT,
        f'[trustedserver]\n{KEYS}',
        KEYS,
    ],
    ids=['mailman.cfg', 'a file of configuration:', 'the keys alone'],
)
def test_audit_judges_by_a_configuration_that_is_not_in_force(
    mlist, archive, tmp_path, text
):
    path = tmp_path / 'new.cfg'
    path.write_text(text)
    found = verdicts(invoke('audit', '--json', '--config', str(path), archive))
    assert found == {'outgoing-server': 2, 'unlisted-peer': 1}


def test_audit_says_what_another_configuration_would_change(mlist, archive, tmp_path):
    path = tmp_path / 'new.cfg'
    path.write_text('trusted_local_servers: 192.168.10.3\n')
    result = invoke('audit', '--json', '--against', str(path), archive)
    found = json.loads(result.stdout)
    assert found['changes'] == [
        {'from': 'trusted', 'to': 'unlisted-peer', 'posts': 2},
    ]
    assert found['examples'][0]['what'] == 'no longer trusted'


@pytest.mark.parametrize('option', ['--config', '--against'])
def test_configuration_that_does_not_load_is_one_line(mlist, archive, tmp_path, option):
    path = tmp_path / 'new.cfg'
    path.write_text('trusted_local_servers: 192.168.10.300\n')
    line = fails(invoke('audit', option, str(path), archive))
    assert line.startswith(f'{path} [trustedserver] trusted_local_servers: ')
    line = fails(invoke('audit', option, str(tmp_path / 'missing'), archive))
    assert 'missing' in line


def test_audit_needs_a_configuration_that_loads(configure, mlist, archive):
    configure(CONFIGURATION + 'typo: x\n')
    assert 'typo' in fails(invoke('audit', archive))


def test_audit_prints_a_line_for_each_post(mlist, archive):
    result = invoke('audit', '--csv', '--list', LIST, archive)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row['verdict'] for row in rows] == ['trusted', 'trusted', 'not-trusted']
    assert {row['list'] for row in rows} == {LIST_ID}
    assert rows[0]['proof'] == 'single-hop'
    assert rows[0]['source'] == archive


def test_spreadsheet_computes_nothing_that_a_sender_wrote(mlist, tmp_path):
    path = tmp_path / 'post'
    path.write_bytes(make_post(GOOD, message_id='=HYPERLINK("x")'))
    (row,) = csv.DictReader(io.StringIO(invoke('audit', '--csv', str(path)).stdout))
    assert row['message-id'] == '\'=HYPERLINK("x")'


def test_audit_draws_the_verdicts_over_time(mlist, archive, tmp_path):
    pytest.importorskip('matplotlib', reason="pip install '.[plot]'")
    for name in ('x.svg', 'x.png'):
        result = invoke('audit', '--plot', str(tmp_path / name), archive)
        assert result.exit_code == 0
        assert (tmp_path / name).stat().st_size > 1000
    path = str(tmp_path / 'missing' / 'x.svg')
    result = invoke('audit', '--plot', path, archive)
    assert result.exit_code == 2
    assert result.stderr.startswith(f'{path}: No such file')


def test_plot_says_what_is_missing_before_the_work(mlist, archive, monkeypatch):
    line = fails(invoke('audit', '--plot', 'x.pdf', archive))
    assert 'name a file that ends in .svg or .png' in line
    monkeypatch.setitem(sys.modules, 'mailman_trustedserver.advice.plot', None)
    line = fails(invoke('audit', '--plot', 'x.svg', archive))
    assert "pip install 'mailman-trustedserver[plot]'" in line


def hold(mlist, fields, **headers):
    from mailman.app.moderator import hold_message

    return hold_message(mlist, make_message(fields, **headers))


def test_audit_of_a_list_replays_what_is_held_and_archived(
    mlist, tmp_path, monkeypatch
):
    from mailman.archiving.prototype import Prototype
    from mailman.config import config

    monkeypatch.setattr(config, 'ARCHIVE_DIR', str(tmp_path))
    hold(mlist, GOOD, message_id='<held@example.org>')
    hold(mlist, BAD)
    Prototype.archive_message(mlist, make_message(GOOD))
    archived = make_message(
        BAD, message_id='<archived@example.org>', x_mailman_rule_hits='trusted-server'
    )
    Prototype.archive_message(mlist, archived)
    found = json.loads(invoke('audit', '--json', LIST).stdout)
    assert found['posts'] == 4
    assert found['examples'] == [
        {
            'what': 'held, and trusted now',
            'posts': 1,
            'message_ids': ['<held@example.org>'],
        },
        {
            'what': 'delivered as trusted, and not trusted now',
            'posts': 1,
            'message_ids': ['<archived@example.org>'],
        },
    ]


def test_held_post_whose_content_is_lost_is_counted(mlist):
    from mailman.interfaces.messages import IMessageStore
    from zope.component import getUtility

    hold(mlist, GOOD, message_id='<held@example.org>')
    getUtility(IMessageStore).delete_message('<held@example.org>')
    found = json.loads(invoke('audit', '--json', LIST).stdout)
    assert found['unreadable'] == {'the content of a held post is lost': 1}


def test_held_usenet_article_is_not_trusted(mlist):
    from mailman.app.moderator import hold_message

    hold_message(mlist, make_message(GOOD), {'fromusenet': True})
    assert verdicts(invoke('audit', '--json', LIST)) == {'usenet': 1}


def test_audit_reads_many_kinds_of_sources(mlist, tmp_path, archive):
    with open(archive, 'rb') as file:
        data = file.read()
    (tmp_path / 'a.gz').write_bytes(gzip.compress(data))
    (tmp_path / 'a.xz').write_bytes(lzma.compress(data))
    mailbox.Maildir(tmp_path / 'dir', create=True).add(make_post(GOOD))
    names = [str(tmp_path / name) for name in ('a.gz', 'a.xz', 'dir')]
    found = verdicts(invoke('audit', '--json', archive, *names, '-', data=data))
    assert found == {'outgoing-server': 9, 'unlisted-peer': 4}


# What cannot be read.


@pytest.mark.parametrize('command', ['audit', 'suggest'])
@pytest.mark.parametrize(
    ('name', 'problem'),
    [
        ('empty', 'this is no RFC 5322 message'),
        ('binary', 'this is no RFC 5322 message'),
        ('folder', 'no Maildir'),
        ('cut.gz', 'packed, and broken'),
        ('made-up.pck', 'no entry of a queue of Mailman'),
        ('maildir', 'there is no message in it'),
    ],
)
def test_source_that_cannot_be_read_is_one_line(
    mlist, tmp_path, archive, command, name, problem
):
    (tmp_path / 'folder').mkdir()
    mailbox.Maildir(tmp_path / 'maildir', create=True)
    (tmp_path / 'empty').touch()
    (tmp_path / 'binary').write_bytes(bytes(range(256)) * 9)
    packed = gzip.compress(SEPARATOR + os.urandom(9999))
    (tmp_path / 'cut.gz').write_bytes(packed[:5000])
    (tmp_path / 'made-up.pck').write_bytes(b'x')
    path = str(tmp_path / name)
    result = invoke(command, path, archive)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f'{path}: ')
    assert problem in line
    # The others are read all the same.
    assert ' 3 posts' in f' {result.stdout}' or 'From 3 posts' in result.stdout


@pytest.mark.parametrize('command', ['audit', 'suggest'])
def test_name_of_nothing_fails_before_anything_is_read(mlist, archive, command):
    line = fails(invoke(command, archive, 'nobody@example.com'))
    assert line == 'No such file, and no such list: nobody@example.com'
    assert 'Missing argument' in fails(invoke(command))


def test_unknown_list_of_the_option_fails(mlist, archive):
    line = fails(invoke('audit', '--list', 'nobody@example.com', archive))
    assert line == 'No such list: nobody@example.com'
    assert 'choose one' in fails(invoke('audit', '--json', '--csv', archive))


def test_terminal_as_standard_input_is_not_waited_for(mlist, archive, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    found = posts.Sources(['-'])
    monkeypatch.setattr('sys.stdin', Terminal())
    assert list(found.posts()) == []
    assert found.exit_code == 2


def test_ctrl_c_prints_what_there_is(mlist, archive, monkeypatch):
    from mailman_trustedserver.advice import sources

    read = sources.read_source

    def interrupted(path, open_file):
        yield next(read(path, open_file))
        raise KeyboardInterrupt

    monkeypatch.setattr(sources, 'read_source', interrupted)
    result = invoke('audit', archive)
    assert result.exit_code == 130
    assert result.stderr == 'Interrupted: this is what was read until then.\n'
    assert result.stdout.startswith('1 posts')


def test_progress_is_shown_on_a_terminal(mlist, archive, tmp_path, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    mailbox.Maildir(tmp_path / 'dir', create=True).add(make_post(GOOD))
    found = posts.Sources([archive, str(tmp_path / 'dir')])
    monkeypatch.setattr('sys.stderr', terminal)
    assert len(list(found.posts())) == 5
    assert '100%' in terminal.getvalue()


# suggest


def test_suggest_prints_keys_that_load(mlist, archive, configure):
    result = invoke('suggest', '--own', '192.168.10.0/24', archive)
    assert result.exit_code == 0
    assert '    192.168.10.3\n' in result.stdout
    assert '# 1 post could not be read.' in result.stdout
    mine = CONFIGURATION.partition('trusted_local_servers')[0]
    configure(mine + result.stdout)
    checked = invoke('check')
    assert checked.exit_code == 0
    assert 'Warning' not in checked.stdout


def test_suggest_refuses_what_is_no_network(mlist, archive):
    line = fails(invoke('suggest', '--own', 'mail.example.org', archive))
    assert line.startswith('Error: --own: ')


# report


@pytest.fixture
def logged(mlist, tmp_path, monkeypatch):
    """A function that writes lines of verdicts into a log of the Mailman."""
    from mailman.config import config
    from mailman_trustedserver import decide, Header
    from mailman_trustedserver.adapter import settings_for, values_of
    from mailman_trustedserver.report import log_line

    monkeypatch.setattr(config, 'LOG_DIR', str(tmp_path))
    (name,) = (one.path for one in config.logger_configs if one.name == 'logging.vette')
    values = values_of(mlist)

    def logged(day, fields, suffix='', pack=bytes):
        header = Header.parse(make_post(fields))
        line = log_line(decide(header, settings_for(values), values))
        path = tmp_path / f'{name}{suffix}'
        data = f'Nov {day} 10:00:00 2026 (1) {line}\n'.encode()
        path.write_bytes(pack(data))
        stamp = time.time() - 1000 + day
        os.utime(path, (stamp, stamp))

    return logged


def days(result):
    assert result.exit_code == 0, result.stderr
    return [
        (day['day'], day['trusted'], day['not_trusted'])
        for one in json.loads(result.stdout)['lists']
        for day in one['days']
    ]


def test_report_reads_the_log_and_what_was_rotated_away(logged):
    logged(24, GOOD, '.2.gz', gzip.compress)
    logged(25, BAD, '-20261125.xz', lzma.compress)
    logged(26, GOOD, '.1')
    logged(27, GOOD)
    assert days(invoke('report', '--json')) == [
        ('2026-11-24', 1, 0),
        ('2026-11-25', 0, 1),
        ('2026-11-26', 1, 0),
        ('2026-11-27', 1, 0),
    ]
    assert days(invoke('report', '--json', '--since', '2026-11-26')) == [
        ('2026-11-26', 1, 0),
        ('2026-11-27', 1, 0),
    ]
    assert len(days(invoke('report', '--json', '--list', LIST))) == 4
    drawn = invoke('report').stdout
    assert drawn.splitlines()[0] == LIST_ID
    assert '      1    0  2026-11-24' in drawn.splitlines()


def test_report_leaves_out_other_lists(logged):
    from mailman.app.lifecycle import create_list

    create_list('other@example.com')
    logged(27, GOOD)
    assert days(invoke('report', '--json', '--list', 'other@example.com')) == []


def test_report_reads_the_logs_that_are_named(logged, tmp_path):
    logged(24, GOOD, '.named')
    (path,) = tmp_path.glob('*.named')
    assert days(invoke('report', '--json', str(path))) == [('2026-11-24', 1, 0)]


def test_report_says_which_log_it_cannot_read(logged, tmp_path):
    result = invoke('report', str(tmp_path / 'missing'), '--json')
    assert result.exit_code == 2
    assert result.stderr.startswith(f'{tmp_path}/missing: No such file')
    (tmp_path / 'cut.gz').write_bytes(gzip.compress(os.urandom(9999))[:5000])
    result = invoke('report', str(tmp_path / 'cut.gz'))
    assert result.exit_code == 2
    assert 'cut.gz: ' in result.stderr
    assert 'No such list' in fails(invoke('report', '--list', 'nobody@example.com'))
    assert '--since' in fails(invoke('report', '--since', 'yesterday'))


@pytest.mark.parametrize(
    'args', [['audit'], ['audit', '--json'], ['audit', '--csv'], ['suggest']]
)
@pytest.mark.parametrize(
    ('error', 'exit_code', 'line'),
    [
        (
            OSError(28, 'No space left on device'),
            2,
            'The output cannot be written: No space left on device',
        ),
        (BrokenPipeError(), 0, ''),
    ],
)
def test_output_that_cannot_be_written_is_one_line(
    mlist, archive, monkeypatch, args, error, exit_code, line
):
    from mailman_trustedserver import output

    def printed(*args, file=None, **keys):
        if file is None:
            raise error
        print(*args, file=file, **keys)

    monkeypatch.setattr(output, 'print', printed, raising=False)
    # A pipe or a file, which the standard output of a test is not.
    monkeypatch.setattr(output.os, 'dup2', lambda *args: None)
    monkeypatch.setattr('click.testing._NamedTextIOWrapper.fileno', lambda self: 1)
    result = invoke(*args, archive)
    assert result.exit_code == exit_code
    assert result.stderr == f'{line}\n' * bool(line)
