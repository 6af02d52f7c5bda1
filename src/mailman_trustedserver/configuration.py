# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the files of the configuration to `Configuration`."""

from __future__ import annotations

import os
import stat

from contextlib import ExitStack
from mailman.config import config
from mailman.utilities.modules import expand_path
from mailman_trustedserver.scopes import Configuration, parse_configuration
from mailman_trustedserver.settings import (
    FILE_SECTION,
    MAILMAN_KEYS,
    read_sections,
    SettingsError,
)
from pathlib import Path
from traceback import format_exception_only
from typing import Optional


__all__ = ['load_configuration']

# Of a configuration file, in octets: a hundred thousand networks take 2 MB.
MAX_FILE_LENGTH = 16 * 1024 * 1024


def load_configuration(name: str) -> Configuration:
    """Read the configuration from the files that it is kept in.

    :param name: The name of the plugin, from its section [plugin.NAME].
    :return: The configuration.
    :raises SettingsError: if it does not load.
    """
    # Mailman's own reader drops keys that its schema does not have, so the
    # file is read once more.
    filename = config.filename
    section = f'plugin.{name}'
    if filename is None:
        raise SettingsError(
            'mailman.cfg',
            section,
            None,
            'Mailman runs without a configuration file; write one and name '
            'it with -C or MAILMAN_CONFIG_FILE',
        )
    values = _read(filename, filename).get(section)
    if values is None:
        raise SettingsError(
            filename,
            section,
            None,
            'the section is not in this file; keep it here, not in a file '
            'that this one extends',
        )
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


def _read(
    path: str, filename: str, section: Optional[str] = None, key: Optional[str] = None
) -> dict[str, dict[str, str]]:
    """The sections of a file; an error names the place that named the file."""
    try:
        with ExitStack() as resources:
            file = _expand(resources, path)
            if not file.is_absolute():
                raise ValueError('it is no absolute path')
            text = _read_regular(file).decode('utf-8-sig')
    except (OSError, ValueError) as error:
        cause = getattr(error, 'strerror', None) or error
        raise SettingsError(
            filename,
            section,
            key,
            f'{path!a} cannot be read ({cause}); name an absolute path or '
            'python:package.name, of a file in UTF-8 that the user of Mailman may '
            'read',
        ) from None
    return read_sections(text, path)


def _expand(resources: ExitStack, path: str) -> Path:
    try:
        return Path(expand_path(resources, path))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # A package of `python:` may raise anything while it is imported, what is
        # no Exception and cannot be shown included, and want to end the process.
        cause = format_exception_only(type(error), error)[-1].strip()
        raise ValueError(cause) from None


def _read_regular(path: Path) -> bytes:
    """The bytes of a regular file; nothing else is waited for."""
    # Opening a FIFO would wait for a writer; a terminal would become that of
    # the process.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError('it is a directory, a device or the like, no regular file')
    with open(descriptor, 'rb') as file:
        # None is what some files in /proc give that have a regular mode.
        data = file.read(MAX_FILE_LENGTH + 1) or b''
    if len(data) > MAX_FILE_LENGTH:
        raise ValueError(f'it is longer than {MAX_FILE_LENGTH} octets')
    return data
