# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tale of docs/switch-it-on.md, told to a running Mailman."""

import pytest
import time

from dev.demo.routes import POSTING_ADDRESS, ROUTES
from dev.site.mailman import MailmanSite
from dev.site.outcomes import Outcome
from dev.site.posts import make_post, ROOT, SENDER
from dev.site.process import wait_until
from tests.conftest import section
from tests.told import (
    assert_told,
    block,
    COMMAND,
    plain,
    put_mailman_on_the_path,
    run,
)


pytestmark = pytest.mark.mailman

DOCUMENT = ROOT / 'docs' / 'switch-it-on.md'
SECTION = section('configuration: {directory}/trusted.cfg')
GOOD = [route for route in ROUTES if route.trusted]
FORGED = next(route for route in ROUTES if route.name.startswith('copied good route >'))


def archive():
    """A year of posts to a list, with forged ones among them."""
    separator = b'From alice@example.org Tue Sep  1 10:00:00 2026\n'
    routes = GOOD * 20 + [route for route in ROUTES if not route.trusted] * 2
    return b'\n'.join(
        separator + make_post(route.fields, f'person-{number % 9}@example.org')
        for number, route in enumerate(routes)
        if not route.usenet
    )


@pytest.fixture
def site():
    with MailmanSite(SECTION, {'trusted.cfg': '[trustedserver]\n'}) as site:
        (site.directory / 'staff.mbox').write_bytes(archive())
        put_mailman_on_the_path(site)
        site.create_list(POSTING_ADDRESS)
        yield site


def post(site, route, name):
    """What becomes of a post."""
    message_id = f'<{name}@example.org>'
    data = make_post(route.fields, to=POSTING_ADDRESS, message_id=message_id)
    site.post(POSTING_ADDRESS, data, SENDER)
    return site.wait_for([message_id])[message_id]


def has_stood_still(site):
    """Wait until a change of the file counts."""
    path = site.directory / 'trusted.cfg'
    wait_until(lambda: time.time() > path.stat().st_ctime + 1)


def test_tale_is_as_it_is_told(site):
    posts = {
        # After the step of this number: the posts, and what becomes of them.
        3: [(GOOD[0], Outcome.HELD), (FORGED, Outcome.HELD)],
        5: [(GOOD[0], Outcome.DELIVERED), (FORGED, Outcome.HELD)],
    }
    told = []

    def retold(match):
        command = match['command']
        printed, exit_code = run(site, command)
        assert exit_code == 0
        has_stood_still(site)
        for number, (route, outcome) in enumerate(posts.get(len(told), [])):
            assert post(site, route, f'{len(told)}-{number}') is outcome
        told.append(command)
        return block(match['indent'], command, plain(site, printed))

    text = DOCUMENT.read_text(encoding='utf-8')
    assert_told(DOCUMENT, COMMAND.sub(retold, text))
    assert len(told) == 7
