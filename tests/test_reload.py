# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A changed configuration is taken up without a restart."""

import json
import os
import pytest
import threading
import time

from dev.site.posts import CONFIGURATION
from tests.conftest import BAD, GOOD, make_message, section


pytestmark = pytest.mark.mailman

OTHER = CONFIGURATION.replace('192.168.10.1 192.168.10.2', '203.0.113.66')
BROKEN = CONFIGURATION + 'typo: x\n'


class Clock:
    """The time so many seconds after the last change of a file."""

    def __init__(self, path):
        self.path = path
        self.changed = time.time()
        self.later = 0.0

    def __call__(self):
        if self.path.exists():
            self.changed = self.path.stat().st_ctime
        return self.changed + self.later


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path / 'mailman.cfg')


@pytest.fixture
def files(configure, tmp_path, clock):
    """The files of a process that started a minute ago, and what its log got."""
    from mailman.testing.helpers import LogFileMark
    from mailman_trustedserver.configuration import Files

    configure(CONFIGURATION)
    clock.later = 60.0
    mark = LogFileMark('mailman.plugins')
    files = Files('trustedserver', clock)
    files.read()
    known = []

    def log():
        new = mark.read()[len(''.join(known)) :]
        known.append(new)
        return new

    files.log = log
    files.path = tmp_path / 'mailman.cfg'
    return files


def remote(files):
    assert files.error is None
    return files.configuration.site.policy.remote.entries


HERE = ('192.168.10.1', '192.168.10.2')
THERE = ('203.0.113.66',)


def test_change_counts_at_once_if_it_has_stood_still_for_a_second(files):
    files.path.write_text(OTHER)
    files.refresh()
    assert remote(files) == THERE


def test_change_counts_when_it_has_stood_still_for_a_second(files, clock):
    clock.later = 0.0
    files.path.write_text(OTHER)
    files.refresh()
    assert remote(files) == HERE
    clock.later = 1.1
    files.refresh()
    assert remote(files) == THERE


def test_half_written_file_does_not_count(files, clock):
    clock.later = 0.0
    for end in range(0, len(OTHER), 100):
        files.path.write_text(OTHER[:end])
        files.refresh()
        assert remote(files) == HERE
    files.path.write_text(OTHER)
    clock.later = 1.1
    files.refresh()
    assert remote(files) == THERE


def test_file_that_is_cut_off_but_has_its_former_times_does_not_count(
    files, clock, monkeypatch
):
    from mailman_trustedserver import configuration as module

    # Linux cuts a file off before it notes the time: seen on ext4 under load.
    inode, _, *times = module._stamp_of(files.path)
    files.path.write_text('')
    with monkeypatch.context() as patch:
        patch.setattr(module, '_stamp_of', lambda path: (inode, 0, *times))
        files.refresh()
        assert remote(files) == HERE
        clock.later += 1.1
        files.refresh()
        assert 'not in this file' in files.error
    files.path.write_text(OTHER)
    clock.later += 1.1
    files.refresh()
    assert remote(files) == THERE


def test_file_from_the_future_counts_when_nobody_changes_it(files, clock):
    files.path.write_text(OTHER)
    clock.later = -3600.0
    files.refresh()
    assert remote(files) == HERE
    clock.later += 0.9
    files.refresh()
    assert remote(files) == HERE
    clock.later += 1.1
    files.refresh()
    assert remote(files) == THERE


def replaced(path, text):
    other = path.with_name('new')
    other.write_text(text)
    os.replace(other, path)


def rewritten(path, text):
    path.write_text(text)


def with_the_times_of_the_former(path, text):
    before = path.stat()
    other = path.with_name('new')
    other.write_text(text)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.replace(other, path)


@pytest.mark.parametrize('change', [replaced, rewritten, with_the_times_of_the_former])
def test_file_may_be_replaced_or_rewritten(files, change):
    change(files.path, OTHER)
    files.refresh()
    assert remote(files) == THERE


@pytest.mark.parametrize(
    ('text', 'error'),
    [
        (BROKEN, 'this key is not known'),
        (None, 'No such file'),
        ('', 'not in this file'),
    ],
)
def test_nobody_is_trusted_while_it_is_broken_or_missing(files, clock, text, error):
    clock.later = 0.0
    if text is None:
        files.path.unlink()
    else:
        files.path.write_text(text)
    files.refresh()
    assert remote(files) == HERE
    clock.later = 1.1
    files.refresh()
    assert files.configuration is None
    assert error in files.error
    files.path.write_text(OTHER)
    clock.later = 3.0
    files.refresh()
    assert remote(files) == THERE


def test_file_beside_is_looked_at_too(files, clock, tmp_path):
    from mailman_trustedserver.configuration import Files

    beside = tmp_path / 'beside.cfg'
    beside.write_text('[trustedserver]\ntrusted_remote_servers: 192.0.2.1\n')
    files.path.write_text(section(f'configuration: {beside}'))
    files = Files('trustedserver', clock)
    files.read()
    assert remote(files) == ('192.0.2.1',)
    beside.write_text('[trustedserver]\ntrusted_remote_servers: 192.0.2.2\n')
    files.refresh()
    assert remote(files) == ('192.0.2.2',)
    beside.unlink()
    clock.later += 60
    files.refresh()
    clock.later += 60
    files.refresh()
    assert 'cannot be read' in files.error


def test_nothing_is_read_while_nothing_changes(files, monkeypatch):
    from mailman_trustedserver import configuration as module

    looked_at = []

    def stat(path):
        looked_at.append(path)
        return os.lstat(path)

    monkeypatch.setattr(module, '_section_of', None)
    monkeypatch.setattr(module.os, 'stat', stat)
    for _ in range(3):
        files.refresh()
    assert looked_at == [str(files.path)] * 3
    assert remote(files) == HERE


def test_each_change_is_one_line_in_the_log(files):
    def line():
        files.refresh()
        lines = files.log().splitlines()
        assert len(lines) == 1
        return lines[0].partition('trusted-server: ')[2]

    digest = files.configuration.digest
    # At the start, too.
    assert line() == f'configuration {digest} is in force: mode enforce, 6 entries'
    files.path.write_text(OTHER + 'mode: observe\n')
    assert 'mode observe, 5 entries' in line()
    files.path.write_text(BROKEN)
    assert line().startswith('no post is trusted: ')
    files.path.write_text(CONFIGURATION.replace('enabled: yes', 'enabled: no'))
    assert line() == 'no post is trusted: the plugin is not enabled'
    files.path.write_text(CONFIGURATION)
    assert digest in line()
    # What means the same is not said again.
    files.path.write_text(CONFIGURATION + '# A comment\n')
    files.refresh()
    assert files.log() == ''


@pytest.mark.parametrize(
    ('old', 'new', 'key'),
    [
        ('plugin.TrustedServerPlugin', 'plugin.Other', 'class'),
        ('package: mailman_trustedserver', 'package: other', 'component_package'),
        ('enabled: yes', 'enabled: yes\nconfiguration: /x', 'configuration'),
    ],
)
def test_what_needs_a_restart_is_said(files, old, new, key):
    files.log()
    files.path.write_text(OTHER.replace(old, new))
    files.refresh()
    assert f'{key} has changed in [plugin.trustedserver]; stop and start' in files.log()
    assert remote(files) == THERE


def test_plugin_that_is_switched_off_trusts_nobody(
    mlist, configure, clock, monkeypatch
):
    from mailman.config import config

    plugin = configure(CONFIGURATION)
    monkeypatch.setattr(plugin._files, '_clock', clock)
    clock.later = 60.0
    check = config.rules['trusted-server'].check
    assert check(mlist, make_message(GOOD), {})
    with open(config.filename, 'w') as file:
        file.write(CONFIGURATION.replace('enabled: yes', 'enabled: no'))
    msgdata = {}
    assert not check(mlist, make_message(GOOD), msgdata)
    assert json.loads(msgdata['trusted_server'])['reason'] == 'not-enabled'


@pytest.mark.parametrize('change', [replaced, rewritten])
def test_each_post_is_judged_by_one_of_them_while_they_change(
    mlist, configure, tmp_path, change
):
    from mailman.config import config

    path = tmp_path / 'mailman.cfg'
    texts = {
        configure(text).configuration.digest: text for text in (CONFIGURATION, OTHER)
    }
    stop = threading.Event()
    seen = []

    def write():
        for digest, text in [*texts.items()] * 3:
            change(path, text)
            # Until a post was judged by it.
            while seen[-1:] != [digest] and not stop.is_set():
                time.sleep(0.01)
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    check = config.rules['trusted-server'].check
    try:
        while not stop.is_set():
            msgdata = {}
            trusted = check(mlist, make_message(GOOD), msgdata)
            kept = json.loads(msgdata['trusted_server'])
            assert (trusted, kept['reason']) in (
                (True, 'outgoing-server'),
                (False, 'unlisted-peer'),
            )
            assert check(mlist, make_message(BAD), {}) in (True, False)
            seen.append(kept['digest'])
            time.sleep(0.01)
    finally:
        stop.set()
        writer.join()
    assert set(seen) == set(texts)
