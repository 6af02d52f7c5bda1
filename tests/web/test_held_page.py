# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a page of many held posts asks of Mailman.

dev/benchmarks/held.py measures how long it takes.
"""

import pytest
import re

from dev.demo.routes import ROUTES
from dev.site.posts import make_post, SENDER
from dev.site.process import wait_until
from tests.conftest import CHAIN
from tests.web.conftest import list_id, make_lists, set_chain, USERS, wait_for_held


pytestmark = pytest.mark.web

POSTS = 200
VERDICT = re.compile('<a class="mailman-trustedserver-why ')


@pytest.fixture(scope='module')
def held(web):
    """A list that holds posts."""
    address, _ = make_lists(web.site)
    set_chain(web.site, address, CHAIN)
    routes = [route.fields for route in ROUTES if not route.trusted]
    for number in range(POSTS):
        post = make_post(routes[number % len(routes)], to=address)
        web.site.post(address, post, SENDER)
    wait_for_held(web.site, address, POSTS)
    return address


def calls(site, page):
    """The paths that Mailman is asked for while a page is opened."""

    def logged():
        # Which one has them depends on the version of Mailman.
        logs = (site.directory / 'var' / 'logs').glob('*.log')
        text = ''.join(log.read_text('utf-8', 'replace') for log in logs)
        return re.findall(r'"GET (/3\.1/\S+)', text)

    def mark():
        count = logged().count(path)
        site.rest('GET', path)
        wait_until(lambda: logged().count(path) > count)
        return len(logged())

    # It has one process for REST, which logs a call before it takes the next one.
    path = '/3.1/system/versions'
    # Any that was asked for before is logged by the second.
    mark()
    before = mark()
    status, text = page()
    after = mark()
    assert status == 200
    return logged()[before : after - 1], text


@pytest.mark.parametrize('query', ['', '&verdict=not-trusted'])
def test_page_of_many_held_posts_costs_one_call_more(web, site, held, query):
    path = f'/postorius/lists/{list_id(held)}/held_messages?count={POSTS}{query}'
    visitor = web.visit(USERS['moderator'])
    found, text = calls(site, lambda: visitor.get(path))
    assert len(VERDICT.findall(text)) == POSTS
    ours = f'/3.1/plugins/trustedserver/lists/{list_id(held)}/held'
    assert len([one for one in found if one.startswith(ours)]) == 1
    apps = web.apps
    web.restart(())
    try:
        own, text = calls(site, lambda: visitor.get(path))
        assert not VERDICT.findall(text)
    finally:
        web.restart(apps)
    assert [one for one in found if not one.startswith(ours)] == own
