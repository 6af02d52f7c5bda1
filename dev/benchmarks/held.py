# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of 200 held posts in Postorius, over the same without the application.

    .venvs/web-1.3.13/bin/python -m dev.benchmarks.held

Two Postorius run beside each other on one Mailman, and are asked in turns.  The
status is 1 if the median is above the bound.
"""

import sys

from dev.benchmarks.timing import ratio
from dev.demo.routes import ROUTES
from dev.load.posts import SETTLE_SECONDS
from dev.site.mailman import MailmanSite
from dev.site.postorius import User, WebSite
from dev.site.posts import CONFIGURATION, make_post, SENDER
from dev.site.process import wait_until
from statistics import median, quantiles
from time import perf_counter


POSTS = 200
ROUNDS = 30
LIST = 'staff@lists.example.org'
PAGE = f'/postorius/lists/{LIST.replace("@", ".")}/held_messages?count={POSTS}'
OWNER = User('olivia', 'olivia@example.org', 'secret', superuser=True)


def main() -> int:
    """Measure, print, and return the status."""
    with MailmanSite(CONFIGURATION) as site:
        site.create_list(LIST)
        site.mailman('trustedserver', 'enable', LIST)
        hold(site)
        with WebSite(site) as ours, WebSite(site, ()) as plain:
            ours.create_users(OWNER)
            with_it, without = (web.visit(OWNER) for web in (ours, plain))
            times: tuple[list[float], list[float]] = ([], [])
            for number in range(ROUNDS + 1):
                turns = [(with_it, times[0], POSTS), (without, times[1], 0)]
                # Every other round runs backwards, so that none is always first.
                for visitor, seconds, verdicts in turns[:: 1 if number % 2 else -1]:
                    start = perf_counter()
                    status, text = visitor.get(PAGE)
                    taken = perf_counter() - start
                    if (status, text.count('-why')) != (200, verdicts):
                        raise RuntimeError(f'this is not the page: {status}')
                    # The first time, it is loaded.
                    if number:
                        seconds.append(taken)
    for name, seconds in zip(('with the application', 'without'), times):
        low, _, high = quantiles(seconds, n=4)
        print(f'  {name:52} {median(seconds):6.2f} s {low:6.2f} ..{high:6.2f}')
    row = ratio(f'the page of {POSTS} held posts, over that without', *times, 1.25)
    print(row)
    return 0 if row.holds else 1


def hold(site: MailmanSite) -> None:
    """Have all of the posts held, by routes of every kind that is not trusted."""
    routes = [route for route in ROUTES if not route.trusted]
    for number in range(POSTS):
        post = make_post(routes[number % len(routes)].fields, to=LIST)
        site.post(LIST, post, SENDER)
    path = f'/3.1/lists/{LIST}/held/count'
    wait_until(lambda: site.rest('GET', path)['count'] == POSTS, SETTLE_SECONDS)


if __name__ == '__main__':
    sys.exit(main())
