# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manual's installation and its end, typed as they stand, in a virtual environment.

tests/test_debian.py does the same for Debian's packages.
"""

import contextlib
import email
import os
import pytest
import re
import signal
import subprocess
import sys
import textwrap

from dev.site.debian import wheel_of
from dev.site.mailman import MailmanSite, MEMBER
from dev.site.outcomes import Outcome
from dev.site.posts import make_post, ROOT
from dev.site.process import wait_until
from tests.conftest import BAD, CHAIN, DEFAULT_CHAIN, GOOD, post_to
from tests.told import put_mailman_on_the_path


pytestmark = pytest.mark.recipe

ADDRESS = 'staff@lists.example.org'
NAME = 'mailman-trustedserver'
# A Mailman that runs: what it needs of the databases, and an SQLAlchemy that it knows.
BEFORE = 'mailman', 'sqlalchemy<2.1', 'psycopg2-binary', 'pymysql'
SECONDS = 600


# The blocks of the installation: what is typed, and the section of the plugin.
BLOCK = re.compile(r'((?:^ {7}\S.*\n)+)|^ {3}```ini\n([^`]+) {3}```$', re.MULTILINE)


def part(page, heading):
    """The part of a page of the manual under a heading."""
    text = (ROOT / 'docs' / page).read_text(encoding='utf-8')
    return text.partition(f'\n## {heading}\n')[2].partition('\n## ')[0]


def installation():
    """The blocks of the installation, without what they are indented by."""
    for typed, configuration in BLOCK.findall(part('start.md', 'Install')):
        yield textwrap.dedent(typed or configuration)


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """A new virtual environment with Mailman; what the harness starts is there."""
    directory = tmp_path / 'venv'
    subprocess.run([sys.executable, '-m', 'venv', directory], check=True)
    python = directory / 'bin' / 'python'
    subprocess.run([python, '-m', 'pip', 'install', '--quiet', *BEFORE], check=True)
    monkeypatch.setattr(sys, 'executable', str(python))
    return directory / 'bin'


@pytest.fixture
def site(environment):
    """A Mailman in it, as it was before the plugin."""
    with MailmanSite() as site:
        put_mailman_on_the_path(site)
        site.create_list(ADDRESS)
        pid_file = site.directory / 'var' / 'master.pid'
        try:
            yield site
        finally:
            # The harness does not know the one that was started by hand.
            with contextlib.suppress(OSError, ValueError):
                os.killpg(int(pid_file.read_text()), signal.SIGKILL)


@pytest.fixture
def typed(site, environment, tmp_path):
    """A function that has a shell run what is typed; it returns what that printed."""

    def typed(text):
        # The master keeps the output of `mailman start`: a pipe would not end.
        output = tmp_path / 'output'
        with output.open('wb') as stream:
            result = subprocess.run(
                ['sh', '-c', text],
                env={
                    **os.environ,
                    'PATH': f'{site.directory}:{environment}:{os.environ["PATH"]}',
                },
                input=b'y\n',
                stdout=stream,
                stderr=stream,
                timeout=SECONDS,
            )
        printed = output.read_text('utf-8', 'replace')
        assert result.returncode == 0, printed
        if text.endswith('mailman start\n'):
            wait_until(site.answers)
        return printed

    return typed


def test_plugin_comes_and_goes_as_the_manual_says_and_no_post_is_lost(
    site, typed, tmp_path
):
    pip, section, check, restart, enable = installation()
    path = site.directory / 'mailman.cfg'
    without = path.read_text('utf-8')
    wheel = wheel_of(ROOT, tmp_path)

    assert pip == f'pip install {NAME}\n'
    typed(pip.replace(NAME, str(wheel)))
    path.write_text(f'{without}\n{section}', 'utf-8')
    assert 'The configuration of [plugin.trustedserver] loads.' in typed(check)
    assert 'already running' not in typed(restart)
    assert f'{ADDRESS}: now on {CHAIN}' in typed(enable)
    posts = [make_post(fields, to=ADDRESS) for fields in (GOOD, BAD)]
    assert post_to(site, ADDRESS, *posts) == [Outcome.DELIVERED, Outcome.HELD]

    disable, uninstall = re.findall(
        '`((?:mailman|pip) .+)`', part('operations.md', 'Uninstall')
    )
    assert f'{ADDRESS}: now on {DEFAULT_CHAIN}' in typed(disable)
    path.write_text(without, 'utf-8')
    assert 'already running' not in typed(restart)
    assert f'Successfully uninstalled {NAME}' in typed(uninstall)

    posts.append(make_post(GOOD, to=ADDRESS))
    posts.append(make_post(GOOD, to=ADDRESS, sender=MEMBER))
    assert post_to(site, ADDRESS, *posts[2:]) == [Outcome.HELD, Outcome.DELIVERED]
    # What was held is there, and its moderator can let it through.
    held = f'/3.1/lists/{ADDRESS.replace("@", ".")}/held'
    for entry in site.rest('GET', held)['entries']:
        site.rest('POST', f'{held}/{entry["request_id"]}', {'action': 'accept'})
    ids = {email.message_from_bytes(post)['message-id'] for post in posts}
    wait_until(lambda: ids <= {one.message['message-id'] for one in site.sent})
    assert site.shunted() == 0
    assert 'No module named' not in typed('mailman lists')
