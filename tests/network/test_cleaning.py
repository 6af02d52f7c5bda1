# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""However a run ends, nothing of it is left.

The front is started again, inside this run, and killed while its servers run.
"""

import os
import pytest
import signal
import subprocess
import sys
import time

from contextlib import suppress
from pathlib import Path


pytestmark = pytest.mark.network

SECONDS = 120.0


def processes():
    """The processes of another run: those in another mount namespace."""
    found = set()
    here = os.readlink('/proc/self/ns/mnt')
    for path in Path('/proc').glob('[0-9]*'):
        # It may end meanwhile.
        with suppress(OSError):
            if os.readlink(path / 'ns/mnt') != here:
                found.add(path.name)
    return found


def namespaces():
    names = subprocess.run(
        ['ip', 'netns', 'list'], check=True, stdout=subprocess.PIPE
    ).stdout
    links = subprocess.run(
        ['ip', '-brief', 'link'], check=True, stdout=subprocess.PIPE
    ).stdout
    return names + links


def state(directory):
    """What a run may leave behind, other than itself."""
    return (
        processes(),
        namespaces(),
        Path('/proc/mounts').read_text(),
        sorted(path.name for path in Path(directory).iterdir()),
    )


@pytest.mark.parametrize(
    'number',
    [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, None],
    ids=['interrupt', 'SIGTERM', 'SIGHUP', 'failure'],
)
def test_nothing_is_left(number, tmp_path):
    # The front's own temporary directory; the servers come from the cache.
    environment = {**os.environ, 'TMPDIR': str(tmp_path)}
    environment.pop('PYTEST_CURRENT_TEST', None)
    before = state(tmp_path)
    # A failure is what a test makes of a route that does not exist.
    choice = 'no_such_host' if number is None else 'waits_for_a_signal'
    process = subprocess.Popen(
        [sys.executable, '-m', 'tests.network', '-s', '-x', '-k', choice],
        env={**environment, 'TRUSTEDSERVER_NETWORK_NESTED': '1'},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        encoding='utf-8',
    )
    try:
        output = ''
        for line in process.stdout:
            output += line
            if line.endswith('the servers run\n'):
                # They do: the temporary directory is in use.
                assert len(processes()) > 10
                if number is not None:
                    process.send_signal(number)
        status = process.wait(SECONDS)
    finally:
        process.kill()
        process.stdout.close()
    assert 'the servers run' in output, output
    assert status == (1 if number is None else 130), output
    assert state(tmp_path) == before


nested = pytest.mark.skipif(
    'TRUSTEDSERVER_NETWORK_NESTED' not in os.environ,
    reason='started by test_nothing_is_left',
)


@nested
def test_no_such_host(testbed, mix):
    print('the servers run', flush=True)
    raise AssertionError('A failure on purpose.')


@nested
def test_waits_for_a_signal(testbed, mix):
    print('the servers run', flush=True)
    time.sleep(SECONDS)
