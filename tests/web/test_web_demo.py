# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make demo-web`, as a person uses it."""

import os
import pytest
import re
import shlex
import signal
import subprocess
import sys

from dev.site.posts import ROOT
from dev.site.process import wait_until
from pathlib import Path
from tests.conftest import CHAIN, listens


pytestmark = pytest.mark.web

SECONDS = 120
PROXY = 'http://127.0.0.1:9'
ENVIRONMENT = {**os.environ, 'http_proxy': PROXY, 'HTTP_PROXY': PROXY, 'no_proxy': ''}


@pytest.fixture
def run(tmp_path):
    """A function that runs the demo until it says something.

    It returns the process and a function that returns what it said so far.
    """
    output = tmp_path / 'output'
    folder = tmp_path / 'temporary'
    folder.mkdir()
    running = []

    def run(text):
        with output.open('wb') as stream:
            demo = subprocess.Popen(
                [sys.executable, '-m', 'dev.demo.web'],
                cwd=ROOT,
                # A proxy that nobody can reach, for all that asks it.
                env={**ENVIRONMENT, 'TMPDIR': str(folder)},
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                # A shell has a command in the background ignore it.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        running.append(demo)
        wait_until(
            lambda: text in output.read_text() or demo.poll() is not None, SECONDS
        )
        return demo, output.read_text

    yield run
    for demo in running:
        # As make would do it; what is left is for the test to see.
        demo.send_signal(signal.SIGTERM)
        demo.wait(SECONDS)
    assert not list(folder.iterdir())


def said(pattern, text):
    """What the only group of the pattern matches."""
    return re.search(pattern, text, re.MULTILINE).group(1)


def test_demo_can_be_followed_and_leaves_nothing(browser, run):
    process, output = run('Ctrl-C')
    text = output()
    url = said(r' at (\S+)$', text)
    for role in ('administrator', 'moderator', 'owner'):
        user = said(rf'^Log in as the {role} (\S+)', text)
        password = said(rf' {role} .* password (\S+)$', text)
        browser.forget()
        browser.open_url(f'{url}/accounts/login/')
        browser.fill_in_and_submit(login=user, password=password)
        browser.open_url(said(r'(\S+/settings/trusted_servers)', text))
        assert browser.status == (403 if role == 'moderator' else 200)
    for page, rows in re.findall(r'(\S+/held_messages)\n +has (\w+) post', text):
        browser.open_url(f'{page}?count=100')
        assert len(browser.find_all('tbody tr')) == (1 if rows == 'a' else int(rows))
    browser.follow('a.mailman-trustedserver-why')
    assert 'The route is trusted.' in browser.text
    browser.open_url(said(r'(\S+/settings/trusted_servers)', text))
    browser.find(f'input[name=posting_chain][value={CHAIN}]').click()
    browser.submit('input[name=posting_chain]')
    command = shlex.split(said(r'^ *(.* inject .*)$', text))
    subprocess.run(command, check=True)
    wait_until(lambda: 'Delivered to ' in output())
    directory = Path(command[-2]).parent
    assert directory.is_dir()
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) == 0
    assert 'Traceback' not in output()
    assert not directory.exists()
    assert not listens(int(url.rpartition(':')[2]))


@pytest.mark.parametrize(
    'text', ['Starting Mailman', 'Starting Postorius', 'Creating an', 'Posting ']
)
def test_interrupt_at_any_moment_leaves_nothing(run, text):
    process, output = run(text)
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) == 0
    assert 'Traceback' not in output()
    assert 'Everything is stopped and removed.' in output()


def test_interrupt_before_it_says_anything_is_no_traceback(run):
    process, output = run('')
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) in (0, -signal.SIGINT)
    assert 'Traceback' not in output()


@pytest.mark.parametrize(
    ('pattern', 'sentence'),
    [('django runserver', 'Postorius ended.'), ('mailman-', 'Mailman ended.')],
)
def test_end_of_a_server_ends_the_demo(run, pattern, sentence):
    process, output = run('Ctrl-C')
    for number in descendants(process.pid, pattern, output()):
        os.kill(number, signal.SIGKILL)
    assert process.wait(SECONDS) == 1
    assert sentence in output()
    assert 'Traceback' not in output()


def descendants(pid, pattern, text):
    """The processes of a demo whose command line has a pattern."""
    directory = str(Path(shlex.split(said(r'^ *(.* inject .*)$', text))[-2]).parent)
    found = []
    for folder in Path('/proc').glob('[0-9]*'):
        try:
            command = (folder / 'cmdline').read_bytes().replace(b'\0', b' ').decode()
            parent = int((folder / 'stat').read_text().rpartition(')')[2].split()[1])
        except OSError:
            continue
        if pattern in command and (parent == pid or directory in command):
            found.append(int(folder.name))
    return found
