# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running mail server: a root directory, a process namespace, a host.

What the software is told is in `software`.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
import time

from contextlib import suppress
from pathlib import Path
from tests.network import roots
from tests.network.hosts import Host, NAMES, Network
from tests.network.processes import end_namespace, first_process


SECONDS = 60.0
LOG_BYTES = 6000
SMTP = 25
# Where software listens that is no mail server.
PORTS = {'nsd': 53}


class Server:
    """One mail server on a host, with files of its own over those of the layer."""

    def __init__(
        self, network: Network, host: Host, software: str, directory: Path
    ) -> None:
        self.network = network
        self.host = host
        self.software = software
        self.directory = directory
        self.root = directory / 'root'
        self._process: subprocess.Popen[bytes] | None = None
        self._syslog: socket.socket | None = None
        self._listener = threading.Thread()

    def mount(self, layers: Path) -> None:
        """Make the root directory."""
        for name in ('upper', 'work', 'root'):
            (self.directory / name).mkdir(parents=True)
        lower = [layers / self.software, layers / roots.BASE]
        directory = self.directory
        roots.mount(lower, directory / 'upper', directory / 'work', self.root)
        self.write('etc/hosts', NAMES)
        self.write('etc/resolv.conf', '')
        self.write('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files\n')
        self.write('etc/mailname', f'{self.host.name}\n')

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file of the server."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def start(self, script: str) -> None:
        """Run a shell script that ends once the server is in the background."""
        self._listen_to_syslog()
        self.write(
            'start', f'hostname {self.host.name}\n{script}\nexec sleep infinity\n'
        )
        command = f'mount -t proc proc {self.root}/proc && exec chroot {self.root}'
        with (self.directory / 'start.log').open('wb') as stream:
            self._process = subprocess.Popen(
                [
                    *(
                        'nsenter',
                        '--target',
                        str(self.network.pids[self.host]),
                        '--net',
                    ),
                    *('unshare', '--pid', '--uts', '--ipc', '--fork', '--kill-child'),
                    *('sh', '-c', f'{command} sh -e /start'),
                ],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )

    def wait(self) -> None:
        """Return once the server greets on port 25, or listens on its own."""
        deadline = time.monotonic() + SECONDS
        while not self._greets():
            gone = self._process is None or self._process.poll() is not None
            if gone or time.monotonic() > deadline:
                raise RuntimeError(f'{self} did not start.\n{self.logs()}')
            time.sleep(0.1)

    def _greets(self) -> bool:
        address = (self.host.address, PORTS.get(self.software, SMTP))
        try:
            with self.network.on(self.host):
                client = socket.create_connection(address, timeout=5)
            with client:
                return address[1] != SMTP or client.recv(3) == b'220'
        except OSError:
            return False

    def run(self, *command: str, input: str = '') -> str:
        """Run a command on the host, as root, to its end; return what it said."""
        assert self._process is not None
        result = subprocess.run(
            [
                *('nsenter', '--target', str(first_process(self._process))),
                *('--net', '--pid', '--uts', '--ipc', 'chroot', str(self.root)),
                *command,
            ],
            input=input,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding='utf-8',
            errors='replace',
            timeout=SECONDS,
        )
        if result.returncode != 0:
            raise RuntimeError(f'{self}: {" ".join(command)}: {result.stdout}')
        return result.stdout

    def sendmail(self, mail_from: str, recipients: list[str], message: str) -> None:
        """Hand in a message with the sendmail command, as cron does."""
        command = ['/usr/sbin/sendmail', '-i', '-f', mail_from, *recipients]
        self.run(*command, input=message)

    def stop(self) -> None:
        """End every process of the server, and unmount its root directory."""
        if self._process is not None:
            end_namespace(self._process)
            self._process = None
        if self._syslog is not None:
            # The thread that listens gets an empty message.
            self._syslog.shutdown(socket.SHUT_RDWR)
            self._listener.join()
            self._syslog.close()
            self._syslog = None
        subprocess.run(['umount', '--recursive', str(self.root)], check=True)

    def _listen_to_syslog(self) -> None:
        syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        # The path of a socket is short: 107 bytes.
        directory = os.open(self.root / 'dev', os.O_DIRECTORY)
        syslog.bind(f'/proc/self/fd/{directory}/log')
        os.close(directory)
        (self.root / 'dev/log').chmod(0o666)
        self._syslog = syslog

        def listen() -> None:
            with (self.directory / 'syslog').open('wb', buffering=0) as stream:
                for line in iter(lambda: syslog.recv(8192), b''):
                    stream.write(line + b'\n')

        self._listener = threading.Thread(target=listen, daemon=True)
        self._listener.start()

    def returned(self, message_id: str) -> bool:
        """Whether the server sent a message back to its sender (Postfix, Exim)."""
        # Exim cannot deliver its notice and keeps it, the header quoted in it.
        for notice in self.root.glob('var/spool/exim4/input/*-D'):
            # One that it has just delivered is gone.
            with suppress(FileNotFoundError):
                if message_id.encode() in notice.read_bytes():
                    return True
        text = ''.join(path.read_text('utf-8', 'replace') for path in self._log_files())
        queue_ids = re.findall(rf'(\S+): message-id={re.escape(message_id)}', text)
        return any(
            f' {one}: to=' in line and 'status=bounced' in line
            for one in queue_ids
            for line in text.splitlines()
        )

    def logs(self) -> str:
        """The ends of the server's logs."""
        return '\n'.join(
            f'--- {self}: {path.name}\n'
            + path.read_bytes()[-LOG_BYTES:].decode('utf-8', 'replace')
            for path in self._log_files()
        )

    def _log_files(self) -> list[Path]:
        files = [self.directory / 'start.log', self.directory / 'syslog']
        files += sorted(self.root.glob('var/log/exim4/*log'))
        files += sorted(self.root.glob('var/log/mail.log'))
        return [path for path in files if path.exists()]

    def __str__(self) -> str:
        return f'{self.software} on {self.host.name}'
