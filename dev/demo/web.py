# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo in a browser: a real Postorius and lists with held posts to try.

Run it as `python -m dev.demo.web` from the project's root, in a virtual
environment where the package is installed with `[web]`.  It goes on until
Ctrl-C or SIGTERM, and the exit status is then 0.  It is 1 if it could not run.
"""

from __future__ import annotations

import secrets
import shlex
import sys
import time

from dev.demo.__main__ import message, say
from dev.demo.routes import POSTING_ADDRESS, ROUTES
from dev.site.mailman import MailmanSite, MEMBER
from dev.site.postorius import User, WebSite
from dev.site.posts import CONFIGURATION, SENDER
from dev.site.process import SiteError


# On Mailman's own chain, so that it holds what came by a good route too.
UNTRUSTING_ADDRESS = 'team@lists.example.org'
# The file, in the site's directory, with the post to that list.
GOOD_POST = 'good.eml'
OWNER = 'olivia'
INSTRUCTIONS = """
Postorius runs at {url}
Log in as {user} with the password {password}

1. {trusting} is on the chain of the plugin:
   {url}/postorius/lists/{trusting_id}/held_messages
   has {held} posts that were not trusted.  Each has a link to its route.
2. {untrusting} is on the default chain:
   {url}/postorius/lists/{untrusting_id}/held_messages
   has a post that came by a good route and was held all the same.  Choose the
   chain for this list in its settings:
   {url}/postorius/lists/{untrusting_id}/settings/trusted_servers
   Then post the message again, in another terminal:
   {command}
   Mailman delivers it, and this terminal says so.

Ctrl-C stops everything and removes it.
"""


def main() -> int:
    """Run the demo and return its exit status."""
    try:
        say('Starting Mailman and Postorius in a directory of their own.')
        with MailmanSite(CONFIGURATION) as site, WebSite(site) as web:
            owner = User(OWNER, f'{OWNER}@example.org', secrets.token_hex(4))
            web.create_users(owner)
            fill(site, owner)
            print_instructions(site, web, owner)
            watch(site)
    except (SiteError, OSError) as error:
        print(f'The demo could not run: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say('\nEverything is stopped and removed.')
    return 0


def fill(site: MailmanSite, owner: User) -> None:
    """Create the two lists of `owner`, and posts that are held on each."""
    good = next(route for route in ROUTES if route.trusted)
    bad = [route for route in ROUTES if not route.trusted]
    for address in (POSTING_ADDRESS, UNTRUSTING_ADDRESS):
        list_id = site.create_list(address)
        role = {'list_id': list_id, 'subscriber': owner.email, 'role': 'owner'}
        site.rest('POST', '/3.1/members', role)
    site.mailman('trustedserver', 'enable', POSTING_ADDRESS)
    ids = [f'<untrusted-{number}@example.org>' for number, _ in enumerate(bad)]
    for route, message_id in zip(bad, ids):
        post = message(route, message_id, POSTING_ADDRESS)
        site.post(POSTING_ADDRESS, post, SENDER)
    post = message(good, '<good@example.org>', UNTRUSTING_ADDRESS)
    site.post(UNTRUSTING_ADDRESS, post, SENDER)
    (site.directory / GOOD_POST).write_bytes(post)
    site.wait_for([*ids, '<good@example.org>'])


def print_instructions(site: MailmanSite, web: WebSite, owner: User) -> None:
    """Say what a person can try."""
    command = site.command('inject', '-f', str(site.directory / GOOD_POST))
    text = INSTRUCTIONS.format(
        url=web.url,
        user=owner.name,
        password=owner.password,
        trusting=POSTING_ADDRESS,
        trusting_id=POSTING_ADDRESS.replace('@', '.'),
        untrusting=UNTRUSTING_ADDRESS,
        untrusting_id=UNTRUSTING_ADDRESS.replace('@', '.'),
        held=len(site.held()) - 1,
        command=shlex.join([*command, UNTRUSTING_ADDRESS]),
    )
    say(text)


def watch(site: MailmanSite) -> None:
    """Say what is delivered, until a signal."""
    seen = len(site.sent)
    while True:
        time.sleep(0.5)
        for one in site.sent[seen:]:
            seen += 1
            if MEMBER in one.recipients:
                say(f'Delivered to {MEMBER}: {one.message["subject"]}')


if __name__ == '__main__':
    sys.exit(main())
