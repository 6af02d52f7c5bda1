# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests of this directory: python -m tests.network [ARGUMENT OF PYTEST...]

Everything runs as one tree of processes in a process and a mount namespace of
its own, and every file is written to a tmpfs there.  When its first process
dies, for whatever reason, the kernel ends the others and drops the mounts and
the network namespaces.

With TRUSTEDSERVER_NETWORK_CACHE the installed servers are kept in that
directory from one run to the next.

Exits with the status of pytest, or with 2 if this machine cannot run it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile

from pathlib import Path
from tests.network import roots
from tests.network.hosts import NAME_SERVER
from tests.network.processes import end_namespace


INSIDE = '--inside'
PYTEST = ['-m', 'pytest', '-m', 'network', 'tests/network']


def main(arguments: list[str]) -> int:
    """Run pytest in the namespaces; return its exit status."""
    missing = roots.missing()
    if missing:
        print(missing, file=sys.stderr)
        return 2
    # A shell has a command in the background ignore SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    # The mount point of the tmpfs; nothing is written to the directory itself.
    with tempfile.TemporaryDirectory(prefix='network-') as directory:
        process = subprocess.Popen(
            [
                # If this process is killed, so is what it started.
                *('setpriv', '--pdeathsig', 'KILL'),
                *('unshare', '--pid', '--mount', '--fork', '--kill-child'),
                *('--mount-proc', '--propagation', 'private'),
                *(sys.executable, '-m', 'tests.network', INSIDE, directory),
                *arguments,
            ]
        )
        try:
            return process.wait()
        except KeyboardInterrupt:
            return 130
        finally:
            # Once is enough: a second Ctrl-C must not interrupt the clearing up.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            end_namespace(process)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt(number)


def inside(directory: str, arguments: list[str]) -> None:
    """Install the servers, and become pytest on the host of Mailman."""
    subprocess.run(
        ['mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', directory], check=True
    )
    os.environ['TMPDIR'] = directory
    cache = os.environ.setdefault(roots.CACHE, f'{directory}/roots')
    roots.install(Path(cache))
    # Only what is above needs the machine's network.  From here on there is
    # none but the one that the tests make.
    resolver = Path(directory, 'resolv.conf')
    resolver.write_text(f'nameserver {NAME_SERVER.address}\n')
    subprocess.run(['mount', '--bind', str(resolver), '/etc/resolv.conf'], check=True)
    python = [sys.executable, *PYTEST, *arguments]
    os.environ[roots.INSIDE] = '1'
    os.execvp('unshare', ['unshare', '--net', *python])  # noqa: S606


if __name__ == '__main__':
    if sys.argv[1:2] == [INSIDE]:
        inside(sys.argv[2], sys.argv[3:])
    sys.exit(main(sys.argv[1:]))
