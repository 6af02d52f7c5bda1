# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of docs/rest.md, asked of a running Mailman as they stand."""

import json
import os
import pytest
import re
import shutil
import subprocess

from dev.demo.routes import POSTING_ADDRESS
from dev.site.mailman import LOOPBACK, MailmanSite
from dev.site.posts import CONFIGURATION, make_post, ROOT
from tests.conftest import BAD, GOOD, need, put_on_chain


pytestmark = pytest.mark.mailman

DOCUMENT = ROOT / 'docs' / 'rest.md'
EXAMPLE = re.compile(r'^```\n\$ (curl .*)\n([^`]*)```$', re.MULTILINE)
# The header of the message that is held and explained.
HELD = make_post(
    [GOOD[0], *BAD, *GOOD], to=POSTING_ADDRESS, message_id='<held@example.org>'
)


def fill(site):
    """What the examples ask about: a list with a verdict and a held message.

    It was on the chain when they came.
    """
    site.create_list(POSTING_ADDRESS)
    site.mailman('trustedserver', 'enable', POSTING_ADDRESS)
    delivered = make_post(GOOD, to=POSTING_ADDRESS, message_id='<good@example.org>')
    site.post(POSTING_ADDRESS, delivered, 'alice@example.org')
    site.wait_for(['<good@example.org>'])
    (site.directory / 'held.eml').write_bytes(HELD)
    site.post(POSTING_ADDRESS, HELD, 'alice@example.org')
    site.wait_for(['<held@example.org>'])
    site.mailman('trustedserver', 'disable', POSTING_ADDRESS)


def ask(site, command):
    """What a command prints when it asks this site."""
    command = command.replace('restpass', site.rest_password)
    command = command.replace('localhost:8001', f'{LOOPBACK}:{site.rest_port}')
    return subprocess.run(
        ['bash', '-c', command],
        cwd=site.directory,
        stdout=subprocess.PIPE,
        check=True,
        encoding='utf-8',
    ).stdout


def in_documentation(site, answer):
    """An answer with the port and the folder of another site."""
    answer = answer.replace(f'{LOOPBACK}:{site.rest_port}', 'localhost:8001')
    return answer.replace(str(site.directory), '/opt/mailman')


def parsed(site, answer):
    """An answer without what differs from site to site."""
    if not answer:
        return None
    found = json.loads(in_documentation(site, answer), object_hook=without_moment)
    found.get('processes', []).sort(key=lambda one: one['runner'])
    return found


def without_moment(value):
    """An object without what differs from run to run."""
    moments = ('http_etag', 'process', 'logged_at', 'wanted', 'first_day', 'day')
    moments += ('posting_chain_since',)
    return {name: one for name, one in value.items() if name not in moments}


def shown(site, answer):
    """An answer as the document has it."""
    answer = in_documentation(site, answer)
    return json.dumps(json.loads(answer), indent=2) + '\n'


def test_documented_calls_give_the_documented_answers():
    need(shutil.which('curl'), 'this needs curl: apt install curl')
    text = DOCUMENT.read_text(encoding='utf-8')
    examples = EXAMPLE.findall(text)
    assert len(examples) == 16
    with MailmanSite(CONFIGURATION) as site:
        fill(site)
        for command, answer in examples:
            if '409 Conflict' in answer:
                put_on_chain(site, POSTING_ADDRESS, 'accept')
            found = ask(site, command)
            if not os.environ.get('RENEW'):
                assert parsed(site, found) == parsed(site, answer), command
            elif parsed(site, found) != parsed(site, answer):
                text = text.replace(
                    f'{command}\n{answer}', f'{command}\n{shown(site, found)}'
                )
    if os.environ.get('RENEW'):
        DOCUMENT.write_text(text, encoding='utf-8')
