# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An output that is full, gone or in ASCII only."""

import pytest
import subprocess
import sys

from mailman_trustedserver.output import complain


PROGRAM = """\
import sys
from mailman_trustedserver.output import Unwritable, complain, write
try:
    write('route \\u2192 Mailman\\udcff', end='!\\n')
except Unwritable:
    sys.exit(2)
complain('done')
"""


def run(stdout, encoding='utf-8', stderr=subprocess.PIPE):
    return subprocess.run(
        [sys.executable, '-c', PROGRAM],
        stdout=stdout,
        stderr=stderr,
        encoding='utf-8',
        env={'PYTHONIOENCODING': encoding},
        timeout=300,
    )


@pytest.mark.parametrize(
    ('encoding', 'text'),
    [
        ('utf-8', 'route → Mailman\\udcff!\n'),
        ('ascii', 'route \\u2192 Mailman\\udcff!\n'),
    ],
)
def test_terminal_need_not_know_every_character(encoding, text):
    result = run(subprocess.PIPE, encoding)
    assert (result.returncode, result.stdout, result.stderr) == (0, text, 'done\n')


def test_full_disk_is_told_once():
    with open('/dev/full', 'w') as full:
        result = run(full)
    assert result.returncode == 2
    assert result.stderr == 'The output cannot be written: No space left on device\n'


def test_nobody_to_complain_to_is_no_error():
    with open('/dev/full', 'w') as full:
        assert run(subprocess.PIPE, stderr=full).returncode == 0


def test_what_could_not_be_told_does_not_fail_again(monkeypatch):
    with open('/dev/full', 'w') as full:
        monkeypatch.setattr(sys, 'stderr', full)
        complain('x')
        # It goes nowhere by now.
        print('y', file=full, flush=True)
