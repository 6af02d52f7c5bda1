# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts: network namespaces that are joined by a bridge in one of its own.

No namespace is named, none has a default route, and none is joined to the
machine's network.  The host of Mailman is the namespace that this process is
in, so that Mailman runs there without further ado.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import time

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


PREFIXES = ('192.168.10.0/24', '198.51.100.0/24', '203.0.113.0/24')
PREFIX6 = '2001:db8::/64'
SECONDS = 30.0

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Host:
    """A host: its name and its addresses."""

    name: str
    address: str
    address6: str


OUT = Host('out.example.org', '192.168.10.1', '2001:db8::1')
OUT2 = Host('out2.example.org', '192.168.10.2', '2001:db8::2')
RELAY = Host('relay.example.org', '192.168.10.3', '2001:db8::3')
RELAY2 = Host('relay2.example.org', '192.168.10.4', '2001:db8::4')
MAILMAN = Host('mail.lists.example.org', '192.168.10.5', '2001:db8::5')
UNKNOWN = Host('mail.example.net', '203.0.113.9', '2001:db8::9')
SENDER = Host('desk.example.org', '198.51.100.20', '2001:db8::20')
# The mail server that one of the people has at home.
HOME = Host('home.example.org', '198.51.100.30', '2001:db8::30')
ATTACKER = Host('attacker.example.com', '203.0.113.66', '2001:db8::66')
# What a message goes through inside an organisation, one after the other.
INNER = tuple(
    Host(f'inner{number}.example.org', f'198.51.100.4{number}', f'2001:db8::4{number}')
    for number in range(1, 6)
)
# A gateway that many organisations share, and one that takes mail from one only.
SHARED = Host('gateway.example.com', '203.0.113.25', '2001:db8::25')
DEDICATED = Host('gateway.example.org', '192.168.10.6', '2001:db8::6')
# An outgoing server with a content filter.
FILTERED = Host('out3.example.org', '192.168.10.7', '2001:db8::7')
NAME_SERVER = Host('ns.example.org', '192.168.10.53', '2001:db8::53')
HOSTS = (
    *(OUT, OUT2, RELAY, RELAY2, MAILMAN, UNKNOWN, SENDER, HOME, ATTACKER),
    *(*INNER, SHARED, DEDICATED, FILTERED, NAME_SERVER),
)

# DNS has no hosts.  The attacker's address has no name.
NAMES = '127.0.0.1 localhost\n::1 localhost\n' + ''.join(
    f'{address} {host.name}\n'
    for host in HOSTS
    if host is not ATTACKER
    for address in (host.address, host.address6)
)


class Network:
    """The namespaces of all hosts; `pids` has a process in each."""

    def __init__(self) -> None:
        self.pids: dict[Host, int] = {MAILMAN: os.getpid()}
        self._holders: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Network:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _start(self) -> None:
        bridge = self._hold()
        _ip(bridge, ['link add br0 type bridge', 'link set br0 up'])
        for number, host in enumerate(HOSTS):
            if host is not MAILMAN:
                self.pids[host] = self._hold()
            pid = self.pids[host]
            _ip(
                bridge,
                [
                    f'link add port{number} type veth peer name eth0 netns {pid}',
                    f'link set port{number} master br0 up',
                ],
            )
            _ip(
                pid,
                [
                    'link set lo up',
                    'link set eth0 up',
                    f'address add {host.address}/32 dev eth0',
                    f'address add {host.address6}/128 dev eth0 nodad',
                    *(f'route add {prefix} dev eth0' for prefix in PREFIXES),
                    f'route add {PREFIX6} dev eth0',
                ],
            )

    def _hold(self) -> int:
        """The process that holds a new namespace."""
        holder = subprocess.Popen(['unshare', '--net', 'sleep', 'infinity'])
        self._holders.append(holder)
        deadline = time.monotonic() + SECONDS
        while _namespace(holder.pid) == _namespace(os.getpid()):
            if holder.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError('There is no new network namespace.')
            time.sleep(0.01)
        return holder.pid

    def stop(self) -> None:
        """End the processes; the kernel removes the namespaces."""
        for holder in self._holders:
            holder.kill()
        for holder in self._holders:
            holder.wait()

    @contextmanager
    def on(self, host: Host) -> Iterator[None]:
        """Sockets that this thread makes meanwhile are those of the host."""
        with open(f'/proc/{os.getpid()}/ns/net') as here:
            with open(f'/proc/{self.pids[host]}/ns/net') as there:
                _enter(there.fileno())
            try:
                yield
            finally:
                _enter(here.fileno())


def _namespace(pid: int) -> str:
    return str(Path(f'/proc/{pid}/ns/net').readlink())


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def _ip(pid: int, commands: list[str]) -> None:
    """Run commands of `ip` in the namespace of a process."""
    subprocess.run(
        ['nsenter', '--target', str(pid), '--net', 'ip', '-batch', '-'],
        input='\n'.join(commands),
        check=True,
        encoding='ascii',
    )
