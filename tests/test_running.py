# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command beside a Mailman that was started, as a process of its own."""

import os
import pytest
import subprocess

from contextlib import contextmanager
from dev.site.mailman import MailmanSite, MEMBER
from dev.site.outcomes import Outcome
from dev.site.posts import CONFIGURATION, LIST, make_post
from tests.conftest import BAD, CHAIN, DEFAULT_CHAIN, GOOD, new_list, post_to


pytestmark = pytest.mark.mailman


# Enabling a list.


def test_enable_waits_for_the_restart_after_the_installation(monkeypatch):
    # Nobody listens there; no request to Mailman may go to a proxy.
    for name in ('http_proxy', 'https_proxy', 'all_proxy'):
        monkeypatch.setenv(name, 'http://127.0.0.1:9')
    with MailmanSite() as site:
        site.create_list(LIST)
        path = site.directory / 'mailman.cfg'
        path.write_text(path.read_text('utf-8') + CONFIGURATION, 'utf-8')
        refused = site.mailman('trustedserver', 'enable', LIST, check=False)
        assert refused.returncode == 1
        assert refused.stdout == ''
        assert 'stop and start Mailman' in refused.stderr
        posts = [make_post(GOOD, sender=MEMBER), make_post(GOOD)]
        assert post_to(site, LIST, *posts) == [Outcome.DELIVERED, Outcome.HELD]

        site.restart(CONFIGURATION)
        enabled = site.mailman('trustedserver', 'enable', LIST)
        assert enabled.stdout == f'{LIST}: now on {CHAIN}\n'
        posts = [make_post(GOOD), make_post(BAD)]
        assert post_to(site, LIST, *posts) == [Outcome.DELIVERED, Outcome.HELD]


def test_enable_says_that_the_password_is_another(site):
    from mailman.version import HEX_VERSION

    address = new_list(site, style='legacy-default')
    path = site.directory / 'mailman.cfg'
    text = path.read_text('utf-8')
    try:
        path.write_text(text.replace(site.rest_password, 'another'), 'utf-8')
        refused = site.mailman('trustedserver', 'enable', address, check=False)
    finally:
        path.write_text(text, 'utf-8')
    assert refused.returncode == 1
    # The older ones have no 401 with Falcon 4.
    assert (
        'does not accept the admin_user and admin_pass' in refused.stderr
        if HEX_VERSION >= 0x3030A00
        else 'the admin_user and admin_pass of [webservice]' in refused.stderr
    )
    assert 'Nothing was changed.\n' in refused.stderr
    status = site.mailman('trustedserver', 'status').stdout.splitlines()
    assert [address, DEFAULT_CHAIN] in [line.split() for line in status]


# Reading and writing where nothing can be read or written.

FULL = 2, 'The output cannot be written: No space left on device\n'


@pytest.fixture
def messages(tmp_path):
    """A file with a good and one with a bad message."""
    files = {'good': make_post(GOOD), 'bad': make_post(BAD)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return {name: str(tmp_path / name) for name in files}


@contextmanager
def broken_pipe():
    """A pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


def run(site, stdout, *args):
    """Run the command in a process; return its exit code and what is on stderr."""
    result = subprocess.run(
        site.command('trustedserver', *args),
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
        encoding='utf-8',
    )
    return result.returncode, result.stderr


@pytest.mark.parametrize(
    ('args', 'exit_code'),
    [(['good', 'good'], 0), (['good', 'bad'], 1), (['--json', 'good', 'bad'], 1)],
)
def test_broken_pipe_is_silent_and_keeps_the_exit_code(site, messages, args, exit_code):
    args = [messages.get(arg, arg) for arg in args]
    with broken_pipe() as writer:
        assert run(site, writer, 'explain', *args) == (exit_code, '')


@pytest.mark.parametrize('options', [[], ['--json']])
def test_full_disk_is_one_line_and_an_exit_code(site, messages, options):
    with open('/dev/full', 'wb') as full:
        assert run(site, full, 'explain', *options, messages['good']) == FULL


@pytest.mark.parametrize(
    ('action', 'before', 'after'),
    [('enable', DEFAULT_CHAIN, CHAIN), ('disable', CHAIN, DEFAULT_CHAIN)],
)
def test_list_is_changed_if_nobody_reads_and_not_if_that_cannot_be_said(
    site, action, before, after
):
    address = new_list(site, style='legacy-default')
    path = f'/3.1/plugins/trustedserver/lists/{address.replace("@", ".")}'
    site.rest('PATCH', path, {'posting_chain': before})
    with open('/dev/full', 'wb') as full:
        assert run(site, full, action, address) == FULL
        assert run(site, full, 'status') == FULL
    assert site.rest('GET', path)['posting_chain'] == before
    with broken_pipe() as writer:
        assert run(site, writer, action, address) == (0, '')
        assert run(site, writer, 'status') == (0, '')
    assert site.rest('GET', path)['posting_chain'] == after


def test_closed_standard_input_is_an_unusable_one(site, messages):
    command = site.command('trustedserver', 'explain', '-', messages['good'])
    result = subprocess.run(
        ['bash', '-c', '"$@" <&-', 'bash', *command],
        capture_output=True,
        check=False,
        encoding='utf-8',
    )
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith('-: ')
    assert 'trusted (outgoing-server)' in result.stdout
