# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages that show commands with what they print, told to a running Mailman."""

import os
import re
import shlex
import subprocess
import time


# A block of one command and its output; HTML comments before it say what to leave.
COMMAND = re.compile(
    r'^(?P<note> *<!-- not run: .+ -->\n)?'
    r'(?P<indent> *)```console\n *\$ (?P<command>.*)\n(?P<output>[^`]*?)(?: *)```$',
    re.MULTILINE,
)


def put_mailman_on_the_path(site):
    """Let a person who types `mailman` in the directory of a site mean this one."""
    script = site.directory / 'mailman'
    script.write_text(f'#!/bin/sh\nexec {shlex.join(site.command())} "$@"\n')
    script.chmod(0o755)


def run(site, command):
    """What a person sees who types this, and the exit code."""
    result = subprocess.run(
        ['bash', '-c', command],
        cwd=site.directory,
        env={**os.environ, 'PATH': f'{site.directory}:{os.environ["PATH"]}'},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        encoding='utf-8',
    )
    return result.stdout, result.returncode


# What `check` says of a version that is a year old.
OLD = re.compile(r'^Note \(TS406\): .*\n    .*\n', re.MULTILINE)
MORE = 'docs/checks.md says more of each number.\n'


def plain(site, printed):
    """Without what differs from run to run, or from year to year."""
    printed, notes = OLD.subn('', printed)
    if notes and '(TS' not in printed:
        printed = printed.replace(MORE, '')
    printed = printed.replace(str(site.directory), '/etc/mailman3')
    printed = re.sub(r'\b[0-9a-f]{12}\b', '4f3d2a1b0c9e', printed)
    printed = printed.replace(f':{site.rest_port}/', ':8001/')
    today = time.strftime('%Y-%m-%d')
    return printed.replace(today, '2026-11-27')


def block(indent, command, printed):
    """The block of a command, as a page has it."""
    lines = [f'$ {command}', *printed.splitlines()]
    text = ''.join(f'{indent}{line}'.rstrip() + '\n' for line in lines)
    return f'{indent}```console\n{text}{indent}```'


def assert_told(page, text):
    """A page is this text; RENEW=1 makes it so."""
    if os.environ.get('RENEW'):
        page.write_text(text, encoding='utf-8')
    else:
        assert text == page.read_text(encoding='utf-8')
