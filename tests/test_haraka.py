# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Haraka 3.1.6, which lets tabs into HELO, and what it can be made to write.

`make test-haraka` installs it from npm into `.venvs/haraka`.
"""

import pytest
import shutil
import smtplib
import subprocess

from dev.site.mailman import free_ports
from dev.site.posts import ROOT
from dev.site.process import wait_until
from email import message_from_bytes
from mailman_trustedserver import Header, MalformedReceived, parse_received
from pathlib import Path
from tests.conftest import listens, need
from tests.vectors import load


pytestmark = pytest.mark.haraka

HARAKA = ROOT / '.venvs' / 'haraka' / 'node_modules' / 'Haraka'

# A mail server that accepts everything and writes each message into a file.
DELIVER = """
'use strict';

const fs = require('node:fs');

exports.hook_rcpt = (next) => next(OK);

exports.hook_queue = (next, connection) => {
    connection.transaction.message_stream.get_data((data) => {
        fs.writeFileSync('unfinished', data);
        fs.renameSync('unfinished', `${connection.transaction.uuid}.eml`);
        next(OK);
    });
};
"""

TRUSTED = '192.168.10.1'
# HELO and sender: those that fooled an earlier version, and more of their kind.
ATTACKS = {
    'postfix': (
        f'a\t(b\t[{TRUSTED}])\t(Authenticated\tsender:\tu',
        '"x) by y (Postfix) with ESMTPSA id <z"@evil.example',
    ),
    'oracle': (
        f'a\t(b\t[{TRUSTED}])\tby\ty\t(Oracle\tz',
        '"q by w (Oracle x)) with ESMTPSA id <z"@evil.example',
    ),
    'exim': (
        f'[{TRUSTED}]\tby\ty\twith\tesmtpsa\t(Exim\tz',
        '"q by w zz) id <z"@evil.example',
    ),
    'momentum': (
        f'([{TRUSTED}:25])\tby\ty\t(ecelerity\tz',
        '"q by w zz) with ESMTPSA id <z"@evil.example',
    ),
    're-injection': (
        'u\tby\ty\twith\tlocal\t(Exim\tz',
        '"q by w zz) id <z"@evil.example',
    ),
    'sendmail': (
        f'a\t(b\t[{TRUSTED}])\t(authenticated\tbits=0)\tby\ty\t(8.17.1/8.17.1)\t(x',
        '"q) with ESMTPSA id <z"@evil.example',
    ),
    'courier': (
        f'a\t(b\t[{TRUSTED}])\t(AUTH:\tPLAIN\tu,\tTLS:\tx',
        '"q) by w with ESMTPSA id 1.0"@evil.example',
    ),
    'rfc 5321': (f'a\t(b\t[{TRUSTED}])\t(using\tx', 'a@evil.example'),
    'command': (
        '(u@localhost)\tby\ty\t(8.17.1/8.17.1/Submit)\tid\t1',
        '"z"@evil.example',
    ),
    'alias': ('x\tby\ty\t(Postfix)\tid\t1', '"z"@evil.example'),
}


@pytest.fixture(scope='module')
def haraka(tmp_path_factory):
    """A running Haraka: its port, and the directory that it delivers to."""
    need(
        HARAKA.exists() and shutil.which('node'),
        'this needs Haraka 3.1.6: install Node.js 20 and npm, then make test-haraka',
    )
    directory = tmp_path_factory.mktemp('haraka')
    (directory / 'config').mkdir()
    (directory / 'plugins').mkdir()
    (port,) = free_ports(1)
    (directory / 'plugins' / 'deliver.js').write_text(DELIVER)
    shutil.copy(HARAKA / 'config' / 'connection.ini', directory / 'config')
    for name, text in {
        'smtp.ini': f'listen=127.0.0.1:{port}\nnodes=0\n',
        'plugins': 'deliver\n',
        'me': 'mx.list.example\n',
    }.items():
        (directory / 'config' / name).write_text(text)
    with open(directory / 'log', 'wb') as log:
        process = subprocess.Popen(
            ['node', HARAKA / 'bin' / 'haraka', '-c', '.'],
            cwd=directory,
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: process.poll() is not None or listens(port))
        assert process.poll() is None, (directory / 'log').read_text()
        yield port, directory
    finally:
        process.kill()
        process.wait()


def send(haraka, helo, sender):
    """The field that Haraka writes; it has delivered when it says so."""
    port, directory = haraka
    for old in Path(directory).glob('*.eml'):
        old.unlink()
    with smtplib.SMTP('127.0.0.1', port) as client:
        for command in (
            f'EHLO {helo}',
            f'MAIL FROM:<{sender}>',
            'RCPT TO:<list@list.example>',
        ):
            assert client.docmd(command)[0] == 250, command
        assert client.data('Subject: x\n\nHello.\n')[0] == 250
    (message,) = Path(directory).glob('*.eml')
    (field,) = Header.of(message_from_bytes(message.read_bytes())).received
    return field


def test_honest_client_is_read(haraka):
    hop = parse_received(send(haraka, 'mua.example.org', 'a@example.org'))
    assert str(hop.peer) == '127.0.0.1'
    assert not hop.authenticated


@pytest.mark.parametrize('attack', ATTACKS)
def test_what_an_outsider_makes_haraka_write_is_read_truly_or_refused(haraka, attack):
    helo, sender = ATTACKS[attack]
    field = send(haraka, helo, sender)
    # The server is one that lets his text in as it is.
    assert field.startswith(f'from {helo} (')
    assert f'envelope-from <{sender}>' in field
    assert '(Haraka/3.1.6)' in field
    try:
        hop = parse_received(field)
    except MalformedReceived:
        return
    assert str(hop.peer) == '127.0.0.1'
    assert not hop.authenticated
    assert not hop.reinjection


def test_attacks_are_those_that_were_recorded(haraka):
    recorded = [vector for vector in load('fooled') if vector.get('server') == 'haraka']
    assert len(recorded) == 5
    for vector in recorded:
        name = vector['id'].rpartition('haraka-')[2]
        name = 're-injection' if name == 'reinjection' else name
        assert vector['fields'][0].startswith(f'from {ATTACKS[name][0]} (')
