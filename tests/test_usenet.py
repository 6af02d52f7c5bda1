# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Usenet articles, which `mailman gatenews` fetches from a news server."""

import pytest
import socketserver
import threading

from dev.demo.__main__ import decisions_in
from dev.site.outcomes import Outcome
from dev.site.posts import CONFIGURATION, make_post, SENDER
from email import message_from_bytes
from tests.conftest import GOOD, new_list, STYLE


pytestmark = pytest.mark.mailman

# The style of a list, and what becomes of an article by the action of the
# member that is its sender.  Mailman moderates no article of a nonmember.
STYLES = {'default chain': 'legacy-default', 'our chain': STYLE}
OUTCOMES = {
    'hold': Outcome.HELD,
    'discard': Outcome.DISCARDED,
    'accept': Outcome.DELIVERED,
    'no member': Outcome.DELIVERED,
}


class NewsServer(socketserver.ThreadingTCPServer):
    """A news server on the loopback, as far as RFC 3977 is needed to read.

    `groups` has the articles of each newsgroup, the first with the number 1.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Reader)
        self.groups = {}

    @property
    def port(self):
        return self.server_address[1]


class Reader(socketserver.StreamRequestHandler):
    """Answers one client."""

    def handle(self):
        articles = []
        self.say('200 ready')
        for line in self.rfile:
            command, *args = line.decode().split()
            if command == 'GROUP':
                articles = self.server.groups[args[0]]
                first = 1 if articles else 0
                count = len(articles)
                self.say(f'211 {count} {first} {count} {args[0]}')
            elif command in ('HEAD', 'ARTICLE'):
                number = int(args[0])
                header, _, body = articles[number - 1].decode().partition('\n\n')
                code, text = (
                    (221, header) if command == 'HEAD' else (220, f'{header}\n\n{body}')
                )
                self.say(f'{code} {number} <{number}@example.com>')
                for one in text.splitlines():
                    self.say(f'.{one}' if one.startswith('.') else one)
                self.say('.')
            elif command == 'MODE':
                self.say('200 ready')
            elif command == 'QUIT':
                self.say('205 bye')
                return
            else:
                self.say('500 not known')

    def say(self, line):
        self.wfile.write(f'{line}\r\n'.encode())


@pytest.fixture(scope='module')
def news():
    """A news server without a group."""
    with NewsServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope='module')
def gated(run_site, news):
    """What became of an article with a copied good route, and what was logged.

    Both by the chain and the action of the list.
    """
    section = f'\n[nntp]\nhost: 127.0.0.1\nport: {news.port}\n'
    site = run_site(CONFIGURATION + section)
    lists = {}
    for chain, style in STYLES.items():
        for action in OUTCOMES:
            group = f'example.{len(lists)}'
            address = new_list(
                site, style, gateway_to_mail=True, linked_newsgroup=group
            )
            if action != 'no member':
                site.add_member(address.replace('@', '.'), SENDER, action)
            news.groups[group] = []
            lists[chain, action] = make_post(GOOD, to=None, newsgroups=group)
    with pytest.MonkeyPatch.context() as patch:
        # By this, Mailman tells its own news runner from an old crontab.
        patch.setenv('_MAILMAN_GATENEWS_NNTP', 'yes')
        # What a group has at first is no news to Mailman.
        site.mailman('gatenews')
        for group, article in zip(news.groups, lists.values()):
            news.groups[group].append(article)
        site.mailman('gatenews')
    ids = {
        place: message_from_bytes(article)['message-id']
        for place, article in lists.items()
    }
    outcomes = site.wait_for(ids.values())
    logged = decisions_in(site.vette_log())
    return {place: (outcomes[one], logged.get(one)) for place, one in ids.items()}


@pytest.mark.parametrize('chain', STYLES)
@pytest.mark.parametrize('action', OUTCOMES)
def test_article_with_a_copied_good_route_is_judged_by_the_default_chain(
    gated, chain, action
):
    outcome, _ = gated[chain, action]
    assert outcome is OUTCOMES[action]


@pytest.mark.parametrize('action', OUTCOMES)
def test_log_says_that_it_is_a_usenet_article(gated, action):
    _, decision = gated['our chain', action]
    assert (decision['verdict'], decision['reason']) == ('not-trusted', 'usenet')
    assert gated['default chain', action][1] is None
