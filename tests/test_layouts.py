# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site with two `in` runners and its configuration in a package, and what it keeps.

`make test-databases` has these, and all others that need Mailman, on PostgreSQL and
MariaDB.
"""

import email
import json
import pytest
import re

from dev.demo.routes import LISTS, received
from dev.site.mailman import MailmanSite
from dev.site.outcomes import Outcome
from dev.site.posts import LIST, make_post, SENDER
from dev.site.process import wait_until
from mailman_trustedserver.report import MAX_KEPT_LENGTH
from tests.conftest import BAD, GOOD, make_message, post_to, section


pytestmark = pytest.mark.mailman

# A slice gets a post or not by its hash: one in 2^40 runs fails.
MAX_POSTS = 40
TRUSTED = """\
[trustedserver]
trusted_local_servers: 127.0.0.1 192.168.10.3 192.168.10.4 192.168.10.5 2001:db8::/32
trusted_remote_servers: 192.168.10.1 192.168.10.2
"""
# More trusted servers than a verdict has a place for; the HELO of each is a character
# that MariaDB has in its widest columns only.
LONG = [
    received(
        '\N{GRINNING FACE}', 'unknown', f'IPv6:2001:db8::1111:2222:3333:{n:x}', LISTS
    )
    for n in range(0x1000, 0x1040)
]
LONG_SUBJECT = '\N{GRINNING FACE}' * 60


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    """A Mailman with two slices of the queue `in`, and a package in its Python."""
    directory = tmp_path_factory.mktemp('packages')
    package = directory / 'site_of_ours'
    package.mkdir()
    package.joinpath('__init__.py').touch()
    package.joinpath('trusted.cfg').write_text(TRUSTED)
    plugins = section('configuration: python:site_of_ours.trusted')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PYTHONPATH', str(directory))
        with MailmanSite(f'[runner.in]\ninstances: 2\n{plugins}') as site:
            site.create_list(LIST)
            site.mailman('trustedserver', 'enable', LIST)
            # Two runners that add one sender to the database at once are more than
            # Mailman can take, with the plugin and without it: it shunts a post.
            assert post_to(site, LIST, make_post(BAD)) == [Outcome.HELD]
            yield site


def processes(site):
    """The processes that have decided on a post, by the log."""
    return set(re.findall(r'\((\d+)\) trusted-server: message-id=', site.vette_log()))


def test_each_of_two_runners_delivers_what_is_trusted_and_holds_the_rest(site):
    for _ in range(MAX_POSTS // 2):
        outcomes = post_to(site, LIST, make_post(GOOD), make_post(BAD))
        assert outcomes == [Outcome.DELIVERED, Outcome.HELD]
        if len(processes(site)) == 2:
            break
    assert len(processes(site)) == 2
    log = (site.directory / 'var' / 'logs' / 'plugins.log').read_text()
    in_force = re.findall(r'\((\d+)\) .*configuration \w{12} is in force', log)
    assert processes(site) <= set(in_force)


def test_check_shows_what_stands_in_the_package(site):
    checked = site.mailman('trustedserver', 'check').stdout
    assert '    2001:db8::/32\n' in checked
    assert 'The Mailman that runs has it.' in checked


def test_post_with_the_longest_verdict_is_held_and_accepted(site):
    post = make_post(LONG, subject=LONG_SUBJECT)
    message_id = email.message_from_bytes(post)['message-id']
    assert post_to(site, LIST, post) == [Outcome.HELD]
    path = f'/3.1/lists/{LIST.replace("@", ".")}/held'
    (entry,) = [
        one
        for one in site.rest('GET', path)['entries']
        if one['message_id'] == message_id
    ]
    site.rest('POST', f'{path}/{entry["request_id"]}', {'action': 'accept'})
    wait_until(lambda: message_id in [one.message['message-id'] for one in site.sent])
    assert site.shunted() == 0


def test_longest_verdict_comes_back_from_the_database(mlist, configure):
    from mailman.app.moderator import hold_message
    from mailman.config import config
    from mailman.database.transaction import transaction
    from mailman.interfaces.requests import IListRequests
    from mailman.interfaces.usermanager import IUserManager
    from zope.component import getUtility

    configure(TRUSTED.replace('[trustedserver]', section().rstrip()))
    msg, msgdata = make_message(LONG), {}
    with transaction():
        getUtility(IUserManager).create_address(SENDER)
        config.rules['trusted-server'].check(mlist, msg, msgdata)
        request = hold_message(mlist, msg, msgdata)
    kept = msgdata['trusted_server']
    assert MAX_KEPT_LENGTH // 2 < len(kept) <= MAX_KEPT_LENGTH
    assert json.loads(kept)['peers'][-1] != ''
    key, data = IListRequests(mlist).get_request(request)
    assert data['trusted_server'] == kept
