# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make demo-web`, as a person uses it."""

import pytest
import re
import shlex
import signal
import subprocess
import sys

from pathlib import Path
from tests.conftest import CHAIN, listens, wait_until


pytestmark = pytest.mark.web

ROOT = Path(__file__).parent.parent.parent
SECONDS = 120


@pytest.fixture
def demo(tmp_path):
    """The running demo and a function that returns what it said so far."""
    output = tmp_path / 'output'
    with output.open('wb') as stream:
        demo = subprocess.Popen(
            [sys.executable, '-m', 'dev.demo.web'],
            cwd=ROOT,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            # A shell has a command in the background ignore it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    try:
        wait_until(
            lambda: 'Ctrl-C' in output.read_text() or demo.poll() is not None, SECONDS
        )
        yield demo, output.read_text
    finally:
        # As make would do it; what is left is for the test to see.
        demo.send_signal(signal.SIGTERM)
        demo.wait(SECONDS)


def said(pattern, text):
    """What the only group of the pattern matches."""
    return re.search(pattern, text, re.MULTILINE).group(1)


def test_demo_can_be_followed_and_leaves_nothing(browser, demo):
    process, output = demo
    text = output()
    url, user, password = (
        said(pattern, text)
        for pattern in (r' at (\S+)$', r'^Log in as (\S+)', r' password (\S+)$')
    )
    browser.open_url(f'{url}/accounts/login/')
    browser.fill_in_and_submit(login=user, password=password)
    for page, rows in re.findall(r'(\S+/held_messages)\n +has (\w+) post', text):
        browser.open_url(f'{page}?count=100')
        assert len(browser.find_all('tbody tr')) == (1 if rows == 'a' else int(rows))
    browser.find('a.mailman-trustedserver-why').click()
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
