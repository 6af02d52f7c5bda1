# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Explain a message where no Mailman is: `python -m mailman_trustedserver`.

Nothing of Mailman is imported, so that the lists can be tried on messages
before anything is installed.
"""

from __future__ import annotations

import argparse
import sys

from contextlib import AbstractContextManager, nullcontext
from mailman_trustedserver import __version__
from mailman_trustedserver.decision import decide, Decision
from mailman_trustedserver.explaining import explain_files, UNUSABLE
from mailman_trustedserver.header import Header
from mailman_trustedserver.settings import parse_settings, SettingsError
from typing import BinaryIO, Optional


# The keys that can be given, with what they mean.
OPTIONS = {
    'local': ('trusted_local_servers', 'the relays and the Mailman host'),
    'remote': ('trusted_remote_servers', 'the outgoing servers'),
}


def main(args: Optional[list[str]] = None) -> int:
    """Explain the messages in files; return the exit code."""
    parser = argparse.ArgumentParser(
        prog='python -m mailman_trustedserver',
        description='Show the route of a message, and whether it is trusted.',
        epilog='The exit code is 0 if every message is trusted, 1 if one is not, 2 if '
        'an input is unusable or the output cannot be written.',
    )
    parser.add_argument(
        'files',
        nargs='+',
        metavar='FILE',
        help='an RFC 5322 message or an mbox file; - is standard input',
    )
    for option, (key, what) in OPTIONS.items():
        parser.add_argument(
            f'--{option}',
            action='append',
            default=[],
            metavar='ENTRIES',
            help=f'{what}: entries as in {key}; may be repeated',
        )
    parser.add_argument(
        '--set',
        action='append',
        default=[],
        metavar='KEY=VALUE',
        help='any other key of the configuration, such as submission=authenticated',
    )
    parser.add_argument('--json', action='store_true', help='print one JSON document')
    parser.add_argument('--version', action='version', version=__version__)
    options = parser.parse_args(args)
    keys = {key: ' '.join(getattr(options, name)) for name, (key, _) in OPTIONS.items()}
    for pair in options.set:
        key, _, value = pair.partition('=')
        keys[key.strip()] = value
    try:
        settings = parse_settings(keys, 'the command line')
    except SettingsError as error:
        print(error, file=sys.stderr)
        return UNUSABLE

    def judge(header: Header, message: bytes) -> Decision:
        return decide(header, settings)

    return explain_files(options.files, judge, _open, options.json)


def _open(name: str) -> AbstractContextManager[BinaryIO]:
    if name != '-':
        return open(name, 'rb')
    if sys.stdin is None:
        raise RuntimeError('there is no standard input')
    return nullcontext(sys.stdin.buffer)


if __name__ == '__main__':
    sys.exit(main())
