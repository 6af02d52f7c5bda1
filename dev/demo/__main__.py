# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: posts every route to a real Mailman with the example settings.

Run it as `python -m dev.demo` from the project's root, in a virtual environment
where the package is installed.  The exit status is 0 if every route ended as
expected, 1 if one did not or Mailman did not run, and 128 and the signal's
number after an interrupt.
"""

from __future__ import annotations

import signal
import sys

from dev.demo.routes import POSTING_ADDRESS, Route, ROUTES, STRANGERS
from dev.site.mailman import MailmanSite
from dev.site.outcomes import Outcome
from dev.site.posts import CONFIGURATION, make_post, SENDER
from dev.site.process import SiteError
from mailman_trustedserver.report import read_log


# Mailman never moderates a Usenet article of somebody who is no member, so the
# article's sender is a member whose posts are held.
MODERATED = 'bob@example.org'
POSTED = (*ROUTES, *STRANGERS)
HEADINGS = ('route', 'expected', 'what Mailman did', "the plugin's reason")


def main() -> int:
    """Run the demo and return its exit status."""
    try:
        say('Starting Mailman in a directory of its own.')
        with MailmanSite(CONFIGURATION) as site:
            outcomes, decisions = post_all(site)
            say('Stopping Mailman and clearing up.')
    except (SiteError, OSError) as error:
        print(f'The demo could not run: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        print('\nInterrupted.', file=sys.stderr)
        return 128 + (interrupt.args[0] if interrupt.args else signal.SIGINT)
    return report(outcomes, decisions)


def post_all(
    site: MailmanSite,
) -> tuple[list[Outcome], list[dict[str, str]]]:
    """Post each of POSTED; return what Mailman did and what was logged."""
    version = site.mailman('version').stdout.strip()
    say(f'{version} runs, with LMTP on port {site.lmtp_port}.')
    say(f'Creating {POSTING_ADDRESS} and putting it on the chain.')
    list_id = site.create_list(POSTING_ADDRESS)
    site.add_member(list_id, MODERATED, 'hold')
    site.mailman('trustedserver', 'enable', POSTING_ADDRESS)
    say(f'Posting {len(POSTED)} messages, from senders whose posts are held.')
    ids = [f'<route-{number}@example.org>' for number, _ in enumerate(POSTED)]
    for route, message_id in zip(POSTED, ids):
        hand_in(site, route, message_id)
    counter = Counter()
    outcomes = site.wait_for(ids, progress=counter)
    counter.end()
    if {Outcome.SHUNTED, Outcome.PENDING} & set(outcomes.values()):
        print('Mailman failed on a post.', site.logs(), sep='\n')
    logged = decisions_in(site.vette_log())
    return [outcomes[one] for one in ids], [logged.get(one, {}) for one in ids]


def hand_in(
    site: MailmanSite,
    route: Route,
    message_id: str,
    list_address: str = POSTING_ADDRESS,
) -> None:
    """Have the post that took this route come in where it would."""
    if route.usenet:
        site.gate(list_address, message(route, message_id, list_address, MODERATED))
    else:
        site.post(list_address, message(route, message_id, list_address), SENDER)


def message(
    route: Route,
    message_id: str,
    list_address: str = POSTING_ADDRESS,
    sender: str = SENDER,
) -> bytes:
    """The post that took this route."""
    return make_post(
        route.fields,
        sender,
        trace=route.headers,
        to=list_address,
        subject=route.name,
        message_id=message_id,
    )


def decisions_in(vette_log: str) -> dict[str, dict[str, str]]:
    """The plugin's lines in the vette log, as mappings by Message-ID."""
    return {one['message-id']: one for one in read_log(vette_log)}


def report(outcomes: list[Outcome], decisions: list[dict[str, str]]) -> int:
    """Print the table and what is wrong in it; return the exit status."""
    rows: list[tuple[str, ...]] = [HEADINGS]
    wrong = []
    for route, outcome, decision in zip(POSTED, outcomes, decisions):
        expected = Outcome.DELIVERED if route.trusted else Outcome.HELD
        verdict = 'trusted' if route.trusted else 'not-trusted'
        logged = decision.get('verdict', 'none')
        reason = decision.get('reason', '-')
        rows.append((route.name, expected.value, outcome.value, reason))
        if outcome is not expected:
            wrong.append(
                f'"{route.name}" should have been {expected.value} '
                f'and was {outcome.value}.'
            )
        # A post may be held for another reason than the right one.
        elif logged != verdict:
            wrong.append(
                f'"{route.name}" should have had the verdict {verdict}; '
                f'the vette log has {logged}.'
            )
    widths = [max(map(len, column)) for column in zip(*rows)]
    rows.insert(1, tuple('-' * width for width in widths))
    print()
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths)]
        print('  '.join(cells).rstrip())
    print()
    print('\n'.join(wrong) or f'All {len(POSTED)} routes ended as expected.')
    return 1 if wrong else 0


class Counter:
    """Shows how many posts are settled, on one line of a terminal."""

    def __init__(self) -> None:
        self._shown = -1
        self._terminal = sys.stdout.isatty()

    def __call__(self, settled: int, total: int) -> None:
        """Show the count if it is a new one."""
        if settled == self._shown:
            return
        self._shown = settled
        text = f'Waiting for Mailman: {settled} of {total} posts are settled.'
        if self._terminal:
            print(f'\r{text}', end='', flush=True)
        else:
            say(text)

    def end(self) -> None:
        """Leave the line of the count."""
        if self._terminal:
            print()


def say(text: str) -> None:
    """Print a line at once, even into a pipe."""
    print(text, flush=True)


if __name__ == '__main__':
    sys.exit(main())
