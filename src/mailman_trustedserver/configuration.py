# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the files of the configuration to `Configuration`."""

from __future__ import annotations

import logging
import os
import re
import stat
import time

from contextlib import ExitStack
from mailman.config import config
from mailman.utilities.modules import expand_path
from mailman_trustedserver.output import cause
from mailman_trustedserver.report import take_up_line
from mailman_trustedserver.scopes import Configuration, parse_configuration
from mailman_trustedserver.settings import (
    BOOLEANS,
    FILE_SECTION,
    MAILMAN_KEYS,
    read_sections,
    SettingsError,
)
from pathlib import Path
from traceback import format_exception_only
from typing import BinaryIO, Callable, Optional, Union


__all__ = ['Files', 'open_regular', 'read_file']

log = logging.getLogger('mailman.plugins')

# Of a configuration file, in octets: a hundred thousand networks take 2 MB.
MAX_FILE_LENGTH = 16 * 1024 * 1024

# For so many seconds a file must have stood still before a change of it counts: a
# half-written one often loads, and trusts more.
STILL = 1.0

# What only a start of Mailman takes up.
_NEED_A_RESTART = ('class', 'component_package', 'configuration')

# What tells one state of a file from another; None if it is not there.
_Stamp = Optional[tuple[int, int, int, int]]


class Files:
    """The configuration of one process, which is read again when its files change.

    A change counts when the files have stood still for `STILL` seconds; until then,
    the former configuration is in force, and nobody waits.  What is missing or
    broken then counts, too: there is no configuration until it is mended.

    :param name: The name of the plugin, from its section [plugin.NAME].
    :param clock: The time of the files, in seconds since the epoch.
    :ivar configuration: What is in force; None if it did not load.
    :ivar error: Why not, as one line; None if it loaded.
    :ivar enabled: Whether the section says so.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.time) -> None:
        self.configuration: Optional[Configuration] = None
        self.error: Optional[str] = None
        self.enabled = True
        self._name = name
        self._clock = clock
        self._others: list[str] = []
        # What was read, and what was seen since, with the time of that.
        self._stamps: list[_Stamp] = []
        self._seen: tuple[list[_Stamp], float] = [], 0.0
        # Whether to read once more what could have changed while it was read.
        self._again = False
        self._first: Optional[dict[str, str]] = None
        self._logged: Optional[str] = None

    def read(self) -> None:
        """Read the files now; nothing is raised."""
        self._take_up(self._stamp(), *self._read())

    def refresh(self) -> None:
        """Read the files if they have changed, and stand still; nothing is raised."""
        stamps = self._stamp()
        if stamps == self._stamps and not self._again:
            return
        now = self._clock()
        if stamps != self._seen[0]:
            self._seen = stamps, now
        still = self._old(stamps) and not self._in_flux(stamps)
        if still or not 0 <= now - self._seen[1] < STILL:
            found = self._read()
            # What changes while it is read was not read.
            if stamps == self._stamp():
                self._take_up(stamps, *found)

    def _read(self) -> tuple[Optional[Configuration], Optional[str]]:
        """The configuration, or why there is none."""
        try:
            values = _own_section(self._name)
            first = self._first = self._first or dict(values)
            for key in _NEED_A_RESTART:
                if values.get(key, '') != first.get(key, ''):
                    log.warning(
                        'trusted-server: %s has changed in [plugin.%s]; stop and start '
                        'Mailman to have it taken up',
                        key,
                        self._name,
                    )
            enabled = values.get('enabled', 'no').strip().lower()
            self.enabled = BOOLEANS.get(enabled, False)
            values['configuration'] = first.get('configuration', '').strip()
            return _load(values, self._name, str(config.filename)), None
        except SettingsError as error:
            return None, str(error)
        except Exception as error:
            log.exception('trusted-server: the configuration could not be read')
            return None, f'internal error: {error!r}'

    def _take_up(
        self,
        stamps: list[_Stamp],
        configuration: Optional[Configuration],
        error: Optional[str],
    ) -> None:
        self.configuration, self.error = configuration, error
        path = _file_of((self._first or {}).get('configuration', '').strip())
        others = [] if path is None else [path]
        # What could have changed within one tick of the clock is read again.
        self._again = not self._old(stamps) or others != self._others
        self._stamps, self._others = stamps, others
        self._log()

    @property
    def paths(self) -> list[str]:
        """The files: Mailman's own, and the one that it names."""
        return [config.filename or '', *self._others]

    def _stamp(self) -> list[_Stamp]:
        return [_stamp_of(path) for path in self.paths]

    def _old(self, stamps: list[_Stamp]) -> bool:
        """Whether the files say themselves that they have not changed for a while."""
        now = self._clock()
        return all(
            stamp is not None and max(stamp[2:]) / 1e9 + STILL <= now
            for stamp in stamps
        )

    def _in_flux(self, stamps: list[_Stamp]) -> bool:
        """Whether a file is another one since no time at all: it is just written.

        Linux cuts a file off first, and notes the time of that later.
        """
        return any(
            stamp and known and stamp != known and stamp[3] == known[3]
            for stamp, known in zip(stamps, self._stamps)
        )

    def _log(self) -> None:
        """Say in one line what is in force, if that is something else."""
        line = take_up_line(self.configuration, self.error, self.enabled)
        if line != self._logged:
            self._logged = line
            in_force = self.enabled and self.configuration is not None
            # Mailman writes the number of the process beside it.
            log.log(logging.INFO if in_force else logging.ERROR, '%s', line)


def _stamp_of(path: str) -> _Stamp:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def read_file(path: str, name: str) -> Configuration:
    """Read a configuration that is not in force.

    :param path: A `mailman.cfg`, the file that `configuration:` would name, or one
        with the keys alone.
    :param name: The name of the plugin, for the first.
    :return: The configuration.
    :raises SettingsError: for the first mistake.
    """
    path = os.path.abspath(path)
    text = _read_text(path, path)
    if not _SECTION_LINE.search(text):
        text = f'[{FILE_SECTION}]\n{text}'
    sections = read_sections(text, path)
    if FILE_SECTION in sections:
        return parse_configuration(sections, path, FILE_SECTION)
    return _load(_section_of(sections, name, path), name, path)


# Without any, the keys stand alone.
_SECTION_LINE = re.compile(r'^\[', re.MULTILINE)


def _own_section(name: str) -> dict[str, str]:
    """The keys of the plugin's section in Mailman's own file."""
    # Mailman's own reader drops keys that its schema does not have, so the
    # file is read once more.
    filename = config.filename
    if filename is None:
        raise SettingsError(
            'mailman.cfg',
            f'plugin.{name}',
            None,
            'Mailman runs without a configuration file; write one and name '
            'it with -C or MAILMAN_CONFIG_FILE',
        )
    return _section_of(_read(filename, filename), name, filename)


def _section_of(
    sections: dict[str, dict[str, str]], name: str, filename: str
) -> dict[str, str]:
    """The keys of the plugin's section, Mailman's own among them."""
    section = f'plugin.{name}'
    values = sections.get(section)
    if values is None:
        raise SettingsError(
            filename,
            section,
            None,
            'the section is not in this file; keep it here, not in a file '
            'that this one extends',
        )
    return values


def _load(values: dict[str, str], name: str, filename: str) -> Configuration:
    section = f'plugin.{name}'
    own = {key: value for key, value in values.items() if key not in MAILMAN_KEYS}
    path = values.get('configuration', '').strip()
    if not path:
        return parse_configuration({section: own}, filename, section)
    sections = _read(path, filename, section, 'configuration')
    if FILE_SECTION not in sections:
        raise SettingsError(
            path,
            None,
            None,
            f'there is no section [{FILE_SECTION}]; write one, with '
            'trusted_local_servers and trusted_remote_servers',
        )
    configuration = parse_configuration(sections, path, FILE_SECTION)
    if not any(sections.values()):
        return parse_configuration({section: own}, filename, section)
    if own:
        raise SettingsError(
            filename,
            section,
            ', '.join(own),
            f'there are keys here and in {path}; keep them in one place',
        )
    return configuration


def _file_of(path: str) -> Optional[str]:
    """The file that `configuration:` names, if it can be told."""
    try:
        with ExitStack() as resources:
            return str(_expand(resources, path)) if path else None
    except ValueError:
        return None


def _read(
    path: str, filename: str, section: Optional[str] = None, key: Optional[str] = None
) -> dict[str, dict[str, str]]:
    """The sections of a file; an error names the place that named the file."""
    return read_sections(_read_text(path, filename, section, key), path)


def _read_text(
    path: str, filename: str, section: Optional[str] = None, key: Optional[str] = None
) -> str:
    try:
        with ExitStack() as resources:
            file = _expand(resources, path)
            if not file.is_absolute():
                raise ValueError('it is no absolute path')
            return _read_regular(file).decode('utf-8-sig')
    except (OSError, ValueError) as error:
        raise SettingsError(
            filename,
            section,
            key,
            f'{path!a} cannot be read ({cause(error)}); name an absolute path or '
            'python:package.name, of a file in UTF-8 that the user of Mailman may '
            'read',
        ) from None


def _expand(resources: ExitStack, path: str) -> Path:
    try:
        return Path(expand_path(resources, path))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # A package of `python:` may raise anything while it is imported, what is
        # no Exception and cannot be shown included, and want to end the process.
        shown = format_exception_only(type(error), error)[-1].strip()
        raise ValueError(shown) from None


def open_regular(path: Union[str, Path]) -> BinaryIO:
    """Open a regular file to read its bytes; nothing else is waited for.

    :param path: Its name.
    :return: The open file.
    :raises OSError: if it cannot be opened.
    :raises ValueError: if it is no regular file.
    """
    # Opening a FIFO would wait for a writer; a terminal would become that of
    # the process.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError('it is a directory, a device or the like, no regular file')
    return open(descriptor, 'rb')


def _read_regular(path: Path) -> bytes:
    with open_regular(path) as file:
        # None is what some files in /proc give that have a regular mode.
        data = file.read(MAX_FILE_LENGTH + 1) or b''
    if len(data) > MAX_FILE_LENGTH:
        raise ValueError(f'it is longer than {MAX_FILE_LENGTH} octets')
    return data
