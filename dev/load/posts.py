# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts by the hundred to a running Mailman, each accounted for by Message-ID.

flow = Flow(site)
posts = flow.make(500)
flow.send(posts)
flow.settle()
account = flow.account(posts)
"""

from __future__ import annotations

import contextlib
import itertools
import smtplib
import sqlite3
import time

from collections import Counter
from collections.abc import Collection, Iterable
from dev.demo.__main__ import message
from dev.demo.routes import Route, ROUTES
from dev.site.mailman import LOOPBACK, MailmanSite, MEMBER, UNHOLDABLE
from dev.site.outcomes import Outcome
from dev.site.posts import SENDER
from dev.site.process import wait_until
from typing import NamedTuple


STAFF = 'staff@lists.example.org'
# A list that rejects the posts of nonmembers, on whatever chain.
CLOSED = 'closed@lists.example.org'

# A post passes through these in this order.
QUEUES = ('in', 'pipeline', 'out', 'virgin')
SETTLE_SECONDS = 300.0

TRUSTED = frozenset(route.name for route in ROUTES if route.trusted)

# Its posts are held, whatever the configuration.
STRANGER = next(route for route in ROUTES if route.name == 'anyone > Mailman host')

_numbers = itertools.count(1)


class Post(NamedTuple):
    """A post, and what may become of it: one of these."""

    message_id: str
    to: str
    mail_from: str
    data: bytes
    expected: frozenset[Outcome]


class Account(NamedTuple):
    """How many posts there were, and what became of them."""

    posts: int
    delivered: int
    held: int
    rejected: int
    # In none of these three ways, and in more than one or more than once.
    lost: int
    doubled: int
    # Once, but in another way than expected.
    wrong: int
    # Of those that are lost, how many Mailman shunted by a defect of its own.
    unholdable: int = 0

    @property
    def holds(self) -> bool:
        """Whether each came to its one right end, as far as Mailman can."""
        return self.lost == self.unholdable and not (self.doubled or self.wrong)


class Flow:
    """The lists STAFF and CLOSED of a site, and the posts to them.

    `insider` is the sender of the posts by the routes that are trusted.
    """

    def __init__(self, site: MailmanSite, insider: str = SENDER) -> None:
        self.site = site
        self.insider = insider
        self._unholdable = 0
        for address in (STAFF, CLOSED):
            list_id = site.create_list(address)
            settings: dict[str, object] = {
                # A notice of each post that is held would be most of the work.
                'admin_immed_notify': False,
                'respond_to_post_requests': False,
            }
            if address == CLOSED:
                settings['default_nonmember_action'] = 'reject'
            site.rest('PATCH', f'/3.1/lists/{list_id}/config', settings)
        if site.plugins:
            site.mailman('trustedserver', 'enable', STAFF, CLOSED)

    def make(self, count: int, *trusted: Collection[str]) -> list[Post]:
        """So many posts, in turn by each route, and one to the closed list.

        :param trusted: The names of the routes that are to be delivered; more than
            once if each post may be judged by one configuration or the other.
        """
        kinds: list[Route | None] = [*ROUTES, None]
        posts = []
        for kind in itertools.islice(itertools.cycle(kinds), count):
            if kind is None:
                post = _post(CLOSED, SENDER, ROUTES[0], Outcome.REJECTED)
            else:
                ends = {
                    Outcome.DELIVERED if kind.name in names else Outcome.HELD
                    for names in trusted or [TRUSTED]
                }
                sender = self.insider if Outcome.DELIVERED in ends else SENDER
                post = _post(STAFF, sender, kind, *ends)
            posts.append(post)
        return posts

    def send(self, posts: Iterable[Post]) -> None:
        """Hand the posts to Mailman over LMTP, through one connection."""
        with contextlib.closing(
            smtplib.LMTP(LOOPBACK, self.site.lmtp_port, local_hostname='localhost')
        ) as client:
            for post in posts:
                client.sendmail(post.mail_from, [post.to], post.data)
            client.quit()

    def settle(self) -> None:
        """Return once no post is in a queue."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while self.queued():
            if time.monotonic() > deadline:
                queued = {name: self._queued(name) for name in QUEUES}
                raise TimeoutError(
                    f'There are posts in the queues: {queued}\n{self.site.logs()}'
                )
            time.sleep(0.02)

    def queued(self) -> bool:
        """Whether a post is in a queue."""
        # In their order, so that no post moves from one that is still to be
        # looked at to one that was.
        return any(self._queued(name) for name in QUEUES)

    def in_hand(self, queue: str) -> bool:
        """Whether the runner is at work on a post."""
        return any(path.endswith('.bak') for path in self._queued(queue))

    def _queued(self, name: str) -> list[str]:
        path = self.site.directory / 'var' / 'queue' / name
        # A runner that is killed while it hands a post on leaves a `.tmp` in the
        # next queue, which nobody takes, and the post in its own.
        return [one.name for one in path.glob('*.pck')] + [
            one.name for one in path.glob('*.bak')
        ]

    def account(self, posts: Collection[Post]) -> Account:
        """What became of these posts; the queues must be empty."""
        # A runner removes a post from its queue just before it commits, which takes
        # as long as the disk is busy.  It commits one post after the other.
        last = _post(STAFF, SENDER, STRANGER, Outcome.HELD)
        self.send([last])
        wait_until(lambda: last.message_id in self._held(), SETTLE_SECONDS)
        ends = {
            Outcome.DELIVERED: self._delivered(),
            Outcome.HELD: self._held(),
            Outcome.REJECTED: self._rejected(),
        }
        account = account_of(posts, ends)
        before, self._unholdable = self._unholdable, self._shunted_by_hold()
        return account._replace(unholdable=self._unholdable - before)

    def _shunted_by_hold(self) -> int:
        """How many posts the site could not hold, by a defect of Mailman."""
        log = self.site.directory / 'var' / 'logs' / 'mailman.log'
        # A fault may have put a device there, which nobody could read to its end.
        if not log.resolve().is_file():
            return self._unholdable
        return log.read_text('utf-8', 'replace').count(UNHOLDABLE)

    def _delivered(self) -> Counter[str]:
        return Counter(
            str(one.message['message-id'])
            for one in self.site.sent
            if MEMBER in one.recipients
        )

    def _rejected(self) -> Counter[str]:
        # The notice has the post in it.
        return Counter(
            str(part.get_payload(0)['message-id'])  # type: ignore[index]
            for one in self.site.sent
            if MEMBER not in one.recipients
            for part in one.message.walk()
            if part.get_content_type() == 'message/rfc822'
        )

    def _held(self) -> Counter[str]:
        # REST would send each held post whole.
        path = self.site.directory / 'var' / 'data' / 'mailman.db'
        database = sqlite3.connect(f'file:{path}?mode=ro', timeout=60, uri=True)
        with contextlib.closing(database):
            return Counter(
                key for (key,) in database.execute('SELECT key FROM _request')
            )


def _post(to: str, sender: str, route: Route, *expected: Outcome) -> Post:
    message_id = f'<{next(_numbers)}@load.example.org>'
    data = message(route, message_id, to, sender).replace(b'\n', b'\r\n')
    return Post(message_id, to, sender, data, frozenset(expected))


def account_of(posts: Collection[Post], ends: dict[Outcome, Counter[str]]) -> Account:
    """Count, given how often each Message-ID came to each end."""
    counts = Counter[Outcome]()
    lost = doubled = wrong = 0
    for post in posts:
        found = {end: counter[post.message_id] for end, counter in ends.items()}
        total = sum(found.values())
        counts.update({end: 1 for end, number in found.items() if number})
        lost += total == 0
        doubled += total > 1
        wrong += total == 1 and not any(found[end] for end in post.expected)
    return Account(
        len(posts),
        counts[Outcome.DELIVERED],
        counts[Outcome.HELD],
        counts[Outcome.REJECTED],
        lost,
        doubled,
        wrong,
    )
