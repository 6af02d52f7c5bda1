# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The root directories of the mail servers: Debian, and one layer for each.

`install` makes one small Debian with debootstrap, and over it one layer for
each mail server, whose packages conflict with those of the others.  A layer is
what a plain `apt-get install` wrote.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time

from concurrent.futures import ThreadPoolExecutor
from dev.site import debian
from pathlib import Path


# The directory of the installed servers, and the mark of a process that runs
# on the test network.
CACHE = 'TRUSTEDSERVER_NETWORK_CACHE'
INSIDE = 'TRUSTEDSERVER_NETWORK_INSIDE'

# The Debian whose servers are tested, whatever Debian this machine has.
RELEASE = 'bookworm'
BASE = 'base'
SASL = 'libsasl2-modules sasl2-bin'
PACKAGES = {
    'postfix': f'postfix {SASL}',
    'exim': 'exim4-daemon-light',
    'sendmail': 'sendmail',
    'opensmtpd': 'opensmtpd',
    'courier': 'courier-mta courier-authlib-userdb',
    'opendkim': f'postfix {SASL} opendkim',
    'amavis': f'postfix {SASL} amavisd-new',
    'nsd': 'nsd',
}
HOW = 'The tests on the network of namespaces run with `make test-network`.'
TOOLS = ('debootstrap', 'ip', 'unshare', 'nsenter', 'setpriv', 'apt-get')


def missing() -> str:
    """What this machine lacks, as a sentence that says what to do; or empty."""
    if os.geteuid() != 0:
        return (
            'The tests on the network of namespaces need root: '
            'run `make test-network` as root.'
        )
    # Those in sbin may be outside the PATH of su.
    os.environ['PATH'] += ':/usr/local/sbin:/usr/sbin:/sbin'
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        return (
            'The tests on the network of namespaces need a Debian with '
            f'{", ".join(absent)}: run `apt install debootstrap iproute2`, '
            'then `make test-network`.'
        )
    return ''


def install(directory: Path) -> None:
    """Install what is not in the directory yet."""
    directory.mkdir(parents=True, exist_ok=True)
    if not (directory / BASE).exists():
        _install_base(directory / BASE)
    wanted = [name for name in PACKAGES if not (directory / name).exists()]
    with ThreadPoolExecutor(2) as executor:
        list(executor.map(lambda name: _install(directory, name), wanted))


def mirror() -> str:
    """The mirror of Debian that this machine's apt uses."""
    for _ in range(2):
        found = debian.mirror()
        if found is not None:
            return found
        # A new machine has not fetched any index yet.
        subprocess.run(['apt-get', 'update', '--quiet'], check=True)
    raise SystemExit('The apt of this machine knows no mirror of Debian.')


def _install_base(target: Path) -> None:
    begin = time.monotonic()
    part = target.with_name(f'{target.name}.part')
    shutil.rmtree(part, ignore_errors=True)
    _log(
        part,
        [
            'debootstrap',
            '--variant=minbase',
            '--include=openssl',
            RELEASE,
            str(part),
            mirror(),
        ],
    )
    # Nothing starts while it is installed.
    policy = part / 'usr/sbin/policy-rc.d'
    policy.write_text('#!/bin/sh\nexit 101\n')
    policy.chmod(0o755)
    # The files of an installation need not survive a power cut.
    (part / 'etc/dpkg/dpkg.cfg.d/fast').write_text('force-unsafe-io\n')
    part.rename(target)
    _report(BASE, begin)


def _install(directory: Path, name: str) -> None:
    begin = time.monotonic()
    layer = directory / f'{name}.part'
    work, root = directory / f'{name}.work', directory / f'{name}.root'
    for one in (layer, work, root):
        shutil.rmtree(one, ignore_errors=True)
        one.mkdir()
    mount([directory / BASE], layer, work, root)
    try:
        subprocess.run(['mount', '-t', 'proc', 'proc', str(root / 'proc')], check=True)
        shutil.copy('/etc/resolv.conf', root / 'etc/resolv.conf')
        _log(
            layer,
            [
                'chroot',
                str(root),
                'env',
                'TMPDIR=/tmp',
                'LC_ALL=C',
                'DEBIAN_FRONTEND=noninteractive',
                'apt-get',
                'install',
                '--yes',
                '--no-install-recommends',
                *PACKAGES[name].split(),
            ],
        )
    finally:
        subprocess.run(['umount', '--recursive', str(root)], check=True)
    for one in (work, root):
        shutil.rmtree(one)
    layer.rename(directory / name)
    _report(name, begin)


def _report(name: str, begin: float) -> None:
    print(f'installed {name} in {time.monotonic() - begin:.0f} s', flush=True)


def mount(lower: list[Path], upper: Path, work: Path, root: Path) -> None:
    """Mount layers as one root directory."""
    options = f'lowerdir={":".join(map(str, lower))},upperdir={upper},workdir={work}'
    subprocess.run(
        ['mount', '-t', 'overlay', '-o', options, 'overlay', str(root)], check=True
    )


def _log(path: Path, command: list[str]) -> None:
    """Run a command; show what it said only if it fails."""
    log = path.with_suffix('.log')
    with log.open('wb') as stream:
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
        )
    if result.returncode != 0:
        raise SystemExit(f'{" ".join(command)} failed:\n{log.read_text()[-4000:]}')
    log.unlink()
