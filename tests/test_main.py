# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m mailman_trustedserver`, which explains where no Mailman is."""

import json
import os
import pytest
import re
import shlex
import subprocess
import sys

from dev.site.posts import make_post, ROOT
from mailman_trustedserver.__main__ import main
from tests.test_policy import auth, hop, MUA, OUT, RELAY, UNKNOWN


SOURCE = ROOT / 'src'
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


def python(*args, **options):
    """Run Python with nothing but the sources on its path."""
    return subprocess.run(
        [sys.executable, '-S', '-m', 'mailman_trustedserver', *args],
        env={**os.environ, 'PYTHONPATH': str(SOURCE), 'PYTHONSAFEPATH': '1'},
        capture_output=True,
        check=False,
        **options,
    )


def test_nothing_but_the_standard_library_is_needed():
    # With -S there are no installed packages, and so no Mailman.
    data = make_post([hop(RELAY), hop(OUT), hop(MUA)])
    result = python(*LISTS, '-', input=data)
    assert result.stderr == b''
    assert b'trusted (outgoing-server)' in result.stdout
    assert result.returncode == 0


def test_command_of_the_readme_explains_a_message(tmp_path):
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
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
