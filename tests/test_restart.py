# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manual's lines that stop Mailman, wait, and start it."""

import os
import pytest
import re
import signal
import subprocess

from contextlib import suppress
from dev.site.mailman import MailmanSite
from dev.site.posts import CONFIGURATION, ROOT
from dev.site.process import wait_until
from tests.told import put_mailman_on_the_path


pytestmark = pytest.mark.mailman

PAGE = ROOT / 'docs' / 'start.md'


def lines_in_manual():
    """The three lines of the step in which Mailman is restarted."""
    text = PAGE.read_text(encoding='utf-8')
    (lines,) = re.findall(
        r'^ +mailman stop\n(?: +\S.*\n)* +mailman start\n', text, re.M
    )
    return [line.strip() for line in lines.splitlines()]


def run(site, lines, tmp_path):
    """Have a shell run the lines, with this site's `mailman`."""
    put_mailman_on_the_path(site)
    # The master keeps the output of `mailman start`: a pipe would not end.
    output = tmp_path / 'output'
    with output.open('wb') as stream:
        subprocess.run(
            ['sh', '-c', '\n'.join(lines)],
            env={**os.environ, 'PATH': f'{site.directory}:{os.environ["PATH"]}'},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            timeout=120,
        )
    return output.read_text()


def is_there(process):
    """Whether there is such a process, which init may not have buried yet."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_mailman_runs_anew_after_the_lines_of_the_manual(tmp_path):
    lines = lines_in_manual()
    with MailmanSite(CONFIGURATION) as site:
        pid_file = site.directory / 'var' / 'master.pid'
        before = int(pid_file.read_text())
        printed = run(site, lines, tmp_path)
        try:
            assert 'already running' not in printed
            # The master that was there ends, and another one starts.
            wait_until(lambda: not is_there(before))
            wait_until(site.answers)
            assert int(pid_file.read_text()) != before
            # What waits for the end also says that it has come.
            assert 'not running' in run(site, lines[:-1], tmp_path)
        finally:
            with suppress(OSError, ValueError):
                os.killpg(int(pid_file.read_text()), signal.SIGKILL)
