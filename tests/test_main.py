# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m mailman_trustedserver`, which explains where no Mailman is."""

import errno
import io
import json
import mailman_trustedserver
import os
import pytest
import re
import runpy
import shlex
import subprocess
import sys

from dev.site.posts import make_post, ROOT
from mailman_trustedserver import __version__
from mailman_trustedserver.__main__ import main
from pathlib import Path
from tests.test_policy import auth, hop, MUA, OUT, RELAY, UNKNOWN


PACKAGE = Path(mailman_trustedserver.__file__).parent
LISTS = ('--local', RELAY, '--remote', OUT)


@pytest.fixture
def posted(tmp_path):
    def posted(*fields):
        path = tmp_path / 'post.eml'
        path.write_bytes(make_post(fields, message_id='<one@example.org>'))
        return str(path)

    return posted


@pytest.mark.parametrize(
    ('fields', 'args', 'exit_code', 'reason'),
    [
        ([hop(RELAY), hop(OUT), hop(MUA)], [], 0, 'outgoing-server'),
        ([hop(UNKNOWN)], [], 1, 'unlisted-peer'),
        (
            [hop(RELAY), hop(OUT), hop(MUA)],
            ['--set', 'submission=authenticated'],
            1,
            'not-authenticated',
        ),
        (
            [hop(RELAY), hop(OUT), auth(MUA)],
            ['--set', 'submission = authenticated'],
            0,
            'outgoing-server',
        ),
        # An option may be repeated.
        (
            [hop(UNKNOWN), hop(OUT), hop(MUA)],
            ['--local', UNKNOWN],
            0,
            'outgoing-server',
        ),
    ],
)
def test_message_is_explained(posted, capsys, fields, args, exit_code, reason):
    assert main([*LISTS, *args, posted(*fields)]) == exit_code
    printed = capsys.readouterr()
    assert printed.err == ''
    assert f'({reason}): ' in printed.out
    assert main([*LISTS, *args, '--json', posted(*fields)]) == exit_code
    (document,) = json.loads(capsys.readouterr().out)
    assert document['reason'] == reason


@pytest.mark.parametrize(
    ('args', 'problem'),
    [
        (['--local', '192.0.2.1,'], 'trusted_local_servers'),
        (['--remote', 'mail.example.org'], 'trusted_remote_servers'),
        (['--set', 'submision=both'], 'this key is not known'),
        (['--set', 'submission'], 'submission'),
    ],
)
def test_wrong_setting_is_a_clear_error(posted, capsys, args, problem):
    assert main([*args, posted(hop(OUT))]) == 2
    printed = capsys.readouterr()
    assert printed.out == ''
    assert printed.err.startswith('the command line ')
    assert problem in printed.err
    assert printed.err.count('\n') == 1


def test_file_that_is_not_there_is_a_clear_error(capsys, tmp_path):
    assert main([str(tmp_path / 'none.eml')]) == 2
    assert 'none.eml: No such file or directory' in capsys.readouterr().err


def test_standard_input_is_read(capsys, monkeypatch):
    data = make_post([hop(RELAY), hop(OUT), hop(MUA)])
    monkeypatch.setattr(sys, 'stdin', io.TextIOWrapper(io.BytesIO(data)))
    assert main([*LISTS, '-']) == 0
    assert capsys.readouterr().out.startswith('-: <')
    monkeypatch.setattr(sys, 'stdin', None)
    assert main([*LISTS, '-']) == 2
    assert capsys.readouterr().err == '-: there is no standard input\n'


class Unwritable(io.StringIO):
    """A standard output that fails, with a descriptor that may be replaced."""

    def __init__(self, error, file):
        super().__init__()
        self._error, self._file = error, file

    def write(self, text):
        raise self._error

    def fileno(self):
        return self._file.fileno()


@pytest.mark.parametrize(
    ('error', 'fields', 'exit_code', 'complaint'),
    [
        # Nobody reads on: the exit code still tells the verdict.
        (BrokenPipeError(), [hop(RELAY), hop(OUT), hop(MUA)], 0, ''),
        (BrokenPipeError(), [hop(UNKNOWN)], 1, ''),
        (
            OSError(errno.ENOSPC, 'No space left on device'),
            [hop(RELAY), hop(OUT), hop(MUA)],
            2,
            'The output cannot be written: No space left on device\n',
        ),
    ],
)
def test_output_that_cannot_be_written(
    posted, capsys, monkeypatch, tmp_path, error, fields, exit_code, complaint
):
    path = posted(*fields)
    with open(tmp_path / 'output', 'w') as file:
        monkeypatch.setattr(sys, 'stdout', Unwritable(error, file))
        assert main([*LISTS, path]) == exit_code
        # What the process writes when it ends goes nowhere.
        assert os.path.samestat(os.fstat(file.fileno()), os.stat(os.devnull))
    assert capsys.readouterr().err == complaint


def test_module_can_be_run(monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['mailman_trustedserver', '--version'])
    monkeypatch.delitem(sys.modules, 'mailman_trustedserver.__main__')
    with pytest.raises(SystemExit) as end:
        runpy.run_module('mailman_trustedserver', run_name='__main__')
    assert end.value.code == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.fixture
def python(tmp_path):
    """Run Python with nothing but the package on its path."""
    path = tmp_path / 'path'
    path.mkdir()
    (path / PACKAGE.name).symlink_to(PACKAGE)

    def python(*args, **options):
        return subprocess.run(
            # With -S there are no installed packages, and so no Mailman.
            [sys.executable, '-S', '-m', 'mailman_trustedserver', *args],
            env={**os.environ, 'PYTHONPATH': str(path), 'PYTHONSAFEPATH': '1'},
            capture_output=True,
            check=False,
            **options,
        )

    return python


def test_nothing_but_the_standard_library_is_needed(python):
    data = make_post([hop(RELAY), hop(OUT), hop(MUA)])
    result = python(*LISTS, '-', input=data)
    assert result.stderr == b''
    assert b'trusted (outgoing-server)' in result.stdout
    assert result.returncode == 0


def test_command_of_the_manual_explains_a_message(python, tmp_path):
    text = (ROOT / 'docs' / 'start.md').read_text(encoding='utf-8')
    (command,) = re.findall(r'^    python3 (-m mailman_trustedserver .*)$', text, re.M)
    _, _, *args = shlex.split(command)
    (tmp_path / 'post.eml').write_bytes(make_post([hop(RELAY), hop(OUT), hop(MUA)]))
    result = python(*args, cwd=tmp_path)
    assert b'trusted (outgoing-server)' in result.stdout
    assert result.returncode == 0


def test_no_standard_input_is_a_clear_error():
    command = [sys.executable, '-m', 'mailman_trustedserver', '-']
    result = subprocess.run(
        ['bash', '-c', '"$@" <&-', 'bash', *command], capture_output=True, check=False
    )
    assert result.stderr == b'-: there is no standard input\n'
    assert result.returncode == 2
