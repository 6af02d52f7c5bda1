# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database server for the tests, in a directory of its own, on a Unix socket.

    with DatabaseServer(KINDS['postgresql']) as server:
        section = server.new_database()

When the block ends, no process and no file is left.
"""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

from dev.site.process import SiteError
from pathlib import Path
from typing import Any


# A start takes two seconds on an idle machine; only a hang takes so long.
START_SECONDS = 120.0
# Neither server runs as root.
UNPRIVILEGED = 'nobody'


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of server: how it is installed, started, and named to Mailman.

    `{directory}` stands for the directory of the server, and `{name}` for a
    database.
    """

    package: str
    initialise: str
    serve: str
    # As Mailman's manual has them.
    database_class: str
    url: str
    # The database that is there from the beginning.
    first: str


KINDS = {
    'postgresql': Kind(
        package='postgresql',
        initialise='initdb --pgdata={directory}/data --username=mailman --auth=trust'
        ' --encoding=UTF8 --no-locale --no-sync',
        serve='postgres -D {directory}/data -k {directory} -h  -F -N 200',
        database_class='mailman.database.postgresql.PostgreSQLDatabase',
        url='postgresql://mailman@/{name}?host={directory}',
        first='postgres',
    ),
    'mariadb': Kind(
        package='mariadb-server',
        initialise='mariadb-install-db --no-defaults --datadir={directory}/data'
        ' --auth-root-authentication-method=normal --skip-test-db',
        # Debian's configuration has this character set.
        serve='mariadbd --no-defaults --datadir={directory}/data'
        ' --socket={directory}/socket --skip-networking --character-set-server=utf8mb4'
        ' --debug-no-sync --skip-sync-frm',
        database_class='mailman.database.mysql.MySQLDatabase',
        url='mysql+pymysql://root@localhost/{name}?unix_socket={directory}/socket'
        '&charset=utf8mb4&use_unicode=1',
        first='mysql',
    ),
}


def find(program: str) -> str | None:
    """The path of a program; Debian keeps those of PostgreSQL off the PATH."""
    places = [os.environ.get('PATH', os.defpath), '/usr/sbin']
    places += sorted(glob.glob('/usr/lib/postgresql/*/bin'), reverse=True)
    return shutil.which(program, path=os.pathsep.join(places))


def missing(kind: Kind) -> str:
    """What this machine lacks, as one sentence; empty if nothing."""
    for command in (kind.initialise, kind.serve):
        program = command.split()[0]
        if find(program) is None:
            return f'There is no {program}: apt-get install {kind.package}.'
    return ''


class DatabaseServer:
    """A server that runs for as long as the `with` block."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._directory = Path()
        self._process: subprocess.Popen[bytes] | None = None
        self._names = map('mailman{}'.format, itertools.count(1))

    def __enter__(self) -> DatabaseServer:
        self._directory = Path(tempfile.mkdtemp(prefix='database-'))
        try:
            if os.geteuid() == 0:
                shutil.chown(self._directory, UNPRIVILEGED)
            if self._start(self.kind.initialise).wait(START_SECONDS) != 0:
                raise SiteError(self._log.read_text('utf-8', 'replace'))
            self._process = self._start(self.kind.serve)
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        if self._process is not None:
            # Neither server waits for its clients then.
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        shutil.rmtree(self._directory)

    def new_database(self) -> str:
        """Make an empty database; return the section that names it to Mailman."""
        name = next(self._names)
        self._execute(f'CREATE DATABASE {name}')
        lines = f'class: {self.kind.database_class}', f'url: {self._url(name)}'
        return ''.join(f'{line}\n' for line in ('[database]', *lines))

    @property
    def _log(self) -> Path:
        return self._directory / 'log'

    def _url(self, name: str) -> str:
        return self.kind.url.format(directory=self._directory, name=name)

    def _start(self, command: str) -> subprocess.Popen[bytes]:
        program, *args = command.split(' ')
        path = find(program)
        assert path is not None, missing(self.kind)
        options: dict[str, Any] = {}
        if os.geteuid() == 0:
            entry = pwd.getpwnam(UNPRIVILEGED)
            options = {'user': entry.pw_uid, 'group': entry.pw_gid, 'extra_groups': []}
        with self._log.open('ab') as log:
            return subprocess.Popen(
                [path, *(arg.format(directory=self._directory) for arg in args)],
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A Ctrl-C is for the tests.
                start_new_session=True,
                **options,
            )

    def _wait(self) -> None:
        """Wait until the server answers."""
        from sqlalchemy.exc import OperationalError

        deadline = time.monotonic() + START_SECONDS
        while True:
            assert self._process is not None
            try:
                return self._execute('SELECT 1')
            except OperationalError as error:
                if self._process.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.1)
                    continue
                log = self._log.read_text('utf-8', 'replace')
                raise SiteError(f'The database did not start.\n{log}') from error

    def _execute(self, statement: str) -> None:
        """Run a statement outside of a transaction, as CREATE DATABASE demands."""
        from sqlalchemy import create_engine, text

        url = self._url(self.kind.first)
        engine = create_engine(url, isolation_level='AUTOCOMMIT')
        with contextlib.closing(engine.connect()) as connection:
            connection.execute(text(statement))
        engine.dispose()
