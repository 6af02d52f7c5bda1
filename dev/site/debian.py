# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Debian with its own packages of Mailman, in namespaces and in memory.

    with Debian(RELEASES['12'], directory, mirror()) as debian:
        debian.run('apt-get', 'install', 'mailman3', network=True)

The system is in a tmpfs of a mount namespace.  Its first process reads from a
pipe that the tests hold; when they end, however they end, it does too, and with
it every other process and every file.  No service starts that is not asked for,
and what listens does so in a network namespace that has a loopback only.
"""

import dataclasses
import os
import shutil
import subprocess
import sys

from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class Release:
    """A release of Debian: its name on the mirror, and its Mailman."""

    suite: str
    mailman: str


RELEASES = {
    '12': Release('bookworm', '3.3.8'),
    '13': Release('trixie', '3.3.10'),
    'sid': Release('sid', '3.3.10'),
}
TOOLS = ('debootstrap', 'unshare', 'nsenter', 'ip', 'apt-get')
# An installation of packages takes a minute, and the tests of a Mailman five; the
# mirror may be slow, and the machine busy.
COMMAND_SECONDS = 1800

# What the first process does; it then waits for the end of its input.  Its
# /proc is that of the namespace outside, where the tests are.
FIRST = """\
mount -t tmpfs -o mode=755 tmpfs "$1" && ip link set lo up &&
read pid rest < /proc/self/stat && echo "$pid" && exec cat
"""
ENVIRONMENT = {
    'PATH': '/usr/sbin:/usr/bin:/sbin:/bin',
    'HOME': '/root',
    'LC_ALL': 'C.UTF-8',
    'DEBIAN_FRONTEND': 'noninteractive',
}
FILES = {
    'etc/hosts': '127.0.0.1 localhost\n',
    # See invoke-rc.d(8): nothing may start a service.
    'usr/sbin/policy-rc.d': '#!/bin/sh\nexit 101\n',
    'etc/apt/apt.conf.d/test': """\
APT::Get::Assume-Yes "true";
APT::Install-Recommends "false";
// A mirror may have sid as it was some weeks ago.
Acquire::Check-Valid-Until "false";
""",
    # There is no disk that a power failure could leave inconsistent.
    'etc/dpkg/dpkg.cfg.d/test': 'force-unsafe-io\n',
}


def missing():
    """What this machine lacks, as one sentence; empty if nothing."""
    if os.geteuid() != 0:
        return 'Debian in a chroot needs root.'
    tools = [tool for tool in TOOLS if not shutil.which(tool)]
    if tools:
        return f'There is no {", ".join(tools)}: apt-get install debootstrap iproute2.'
    if not mirror():
        return 'The sources of apt name no mirror of Debian.'
    return ''


def mirror():
    """The mirror that this machine has its own packages from."""
    result = subprocess.run(
        ['apt-get', 'indextargets', '--format', '$(LABEL) $(REPO_URI)'],
        stdout=subprocess.PIPE,
        encoding='utf-8',
        check=True,
    )
    for line in result.stdout.splitlines():
        label, _, uri = line.partition(' ')
        if label == 'Debian' and uri.startswith('http'):
            return uri
    return None


class Debian:
    """A minimal Debian; `root` is its directory, which only its processes see."""

    def __init__(self, release, root, mirror):
        self.release = release
        self.root = root
        self._mirror = mirror
        self._first: Any = None
        self._pid = ''

    def __enter__(self):
        self._first = subprocess.Popen(
            [
                *('unshare', '--mount', '--pid', '--net', '--fork', '--kill-child'),
                *('sh', '-c', FIRST, 'sh', str(self.root)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding='utf-8',
            # A Ctrl-C is for the tests.
            start_new_session=True,
        )
        try:
            self._pid = self._first.stdout.readline().strip()
            assert self._pid, 'The namespaces could not be made.'
            self._outside(
                *('debootstrap', '--variant=minbase', self.release.suite),
                *(str(self.root), self._mirror),
            )
            self._outside('mount', '-t', 'proc', 'proc', f'{self.root}/proc')
            for name, text in FILES.items():
                self.write(name, text)
            self.run('chmod', '+x', '/usr/sbin/policy-rc.d')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        self._first.stdin.close()
        self._first.wait()
        self._first.stdout.close()

    def run(self, *command, network=False, **options):
        """Run a command there; return what it printed.

        With `network` it has the network of the machine, for `apt-get` and
        `pip`; without, that of the services.
        """
        return self._enter(self._command(*command, network=network), **options)

    def start(self, *command):
        """Start a command there, which ends when the system does."""
        devnull = subprocess.DEVNULL
        command = self._command(*command, network=False)
        subprocess.Popen(command, stdin=devnull, stdout=devnull, stderr=devnull)

    def write(self, name, text):
        """Write a file; `name` is its path without the slash in front."""
        self.run('tee', f'/{name}', input=text)

    def copy(self, path):
        """Copy a file or a directory of the machine; return its path there."""
        self._outside('cp', '--recursive', str(path), f'{self.root}/srv/')
        return f'/srv/{path.name}'

    def _command(self, *command, network):
        proxies = {
            name: value
            for name, value in os.environ.items()
            if name.lower() in ('http_proxy', 'https_proxy', 'no_proxy')
        }
        environment = {**ENVIRONMENT, **proxies}
        return [
            *self._nsenter(network),
            *('chroot', str(self.root), 'env', '-i'),
            *(f'{name}={value}' for name, value in environment.items()),
            *command,
        ]

    def _outside(self, *command):
        """Run a command of the machine that sees the directory."""
        return self._enter([*self._nsenter(network=True), *command])

    def _nsenter(self, network):
        nsenter = ['nsenter', '--target', self._pid, '--mount', '--pid']
        return nsenter if network else [*nsenter, '--net']

    @staticmethod
    def _enter(command, input='', returncode=0):
        result = subprocess.run(
            command,
            input=input,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding='utf-8',
            errors='replace',
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert result.returncode == returncode, f'{command}\n{result.stdout[-4000:]}'
        return result.stdout


def wheel_of(checkout, directory):
    """Build the wheel of a checkout; return its path."""
    subprocess.run(
        [
            *(sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps'),
            *('--wheel-dir', str(directory), str(checkout)),
        ],
        check=True,
    )
    (path,) = Path(directory).glob('*.whl')
    return path


def sdist_of(checkout, directory):
    """Build the sdist of a checkout; return its path."""
    command = [sys.executable, '-m', 'build', '--sdist', '--outdir']
    subprocess.run(
        [*command, str(directory), str(checkout)],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    (path,) = Path(directory).glob('*.tar.gz')
    return path
