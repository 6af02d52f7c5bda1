# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo in a browser: a real Postorius and lists with held posts to try.

Run it as `python -m dev.demo.web` from the project's root, in a virtual
environment where the package is installed with `[web]`.  It goes on until
Ctrl-C or SIGTERM, and the exit status is then 0.  It is 1 if it could not run,
or if one of its servers ended.
"""

from __future__ import annotations

import signal


if __name__ == '__main__':
    # Python would print a traceback if it were interrupted in what follows.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

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
# A runner that died is started again, which takes a while.
SILENCE_SECONDS = 30.0
INSTRUCTIONS = """
Postorius runs at {url}
{users}

1. {trusting} is on the chain of the plugin:
   {url}/postorius/lists/{trusting_id}/held_messages
   has {held} posts that were not trusted.  Each has its verdict, a link to its route.
2. {untrusting} is on the default chain:
   {url}/postorius/lists/{untrusting_id}/held_messages
   has a post that came by a good route and was held all the same.  As the owner,
   choose the chain for this list in its settings:
   {url}/postorius/lists/{untrusting_id}/settings/trusted_servers
   Then post the message again, in another terminal:
   {command}
   Mailman delivers it, and this terminal says so.

Ctrl-C stops everything and removes it.
"""


def main() -> int:
    """Run the demo and return its exit status."""
    try:
        say('Starting Mailman in a directory of its own.')
        with MailmanSite(CONFIGURATION) as site:
            say('Starting Postorius.  Its database is made first: half a minute.')
            with WebSite(site) as web:
                users = make_users(web)
                fill(site, users)
                print_instructions(site, web, users)
                watch(site, web)
    except (SiteError, OSError) as error:
        print(f'The demo could not run: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say('\nEverything is stopped and removed.')
    return 0


def make_users(web: WebSite) -> dict[str, User]:
    """Create those who log in, by what they are."""
    say('Creating an administrator, an owner and a moderator.')
    users = {
        role: User(name, f'{name}@example.org', secrets.token_hex(4), name == 'ada')
        for role, name in (
            ('administrator', 'ada'),
            ('owner', 'olivia'),
            ('moderator', 'milo'),
        )
    }
    web.create_users(*users.values())
    return users


def fill(site: MailmanSite, users: dict[str, User]) -> None:
    """Create the two lists of the owner, and posts that are held on each."""
    good = next(route for route in ROUTES if route.trusted)
    bad = [route for route in ROUTES if not route.trusted]
    say(f'Creating {POSTING_ADDRESS} and {UNTRUSTING_ADDRESS}.')
    for address in (POSTING_ADDRESS, UNTRUSTING_ADDRESS):
        list_id = site.create_list(address)
        for role in ('owner', 'moderator'):
            email = users[role].email
            member = {'list_id': list_id, 'subscriber': email, 'role': role}
            site.rest('POST', '/3.1/members', member)
    site.mailman('trustedserver', 'enable', POSTING_ADDRESS)
    say(f'Posting {len(bad) + 1} messages, which Mailman holds.')
    ids = [f'<untrusted-{number}@example.org>' for number, _ in enumerate(bad)]
    for route, message_id in zip(bad, ids):
        post = message(route, message_id, POSTING_ADDRESS)
        site.post(POSTING_ADDRESS, post, SENDER)
    post = message(good, '<good@example.org>', UNTRUSTING_ADDRESS)
    site.post(UNTRUSTING_ADDRESS, post, SENDER)
    (site.directory / GOOD_POST).write_bytes(post)
    site.wait_for([*ids, '<good@example.org>'])


def print_instructions(site: MailmanSite, web: WebSite, users: dict[str, User]) -> None:
    """Say what a person can try."""
    command = site.command('inject', '-f', str(site.directory / GOOD_POST))
    text = INSTRUCTIONS.format(
        url=web.url,
        users='\n'.join(
            f'Log in as the {role} {user.name} with the password {user.password}'
            for role, user in users.items()
        ),
        trusting=POSTING_ADDRESS,
        trusting_id=POSTING_ADDRESS.replace('@', '.'),
        untrusting=UNTRUSTING_ADDRESS,
        untrusting_id=UNTRUSTING_ADDRESS.replace('@', '.'),
        held=len(site.held()) - 1,
        command=shlex.join([*command, UNTRUSTING_ADDRESS]),
    )
    say(text)


def watch(site: MailmanSite, web: WebSite) -> None:
    """Say what is delivered, until a signal.

    Raises SiteError if Mailman or Postorius is not there any more.
    """
    seen = len(site.sent)
    answered = time.monotonic()
    while True:
        time.sleep(0.5)
        for one in site.sent[seen:]:
            seen += 1
            if MEMBER in one.recipients:
                say(f'Delivered to {MEMBER}: {one.message["subject"]}')
        web.check()
        if site.answers():
            answered = time.monotonic()
        elif site.gone() or time.monotonic() > answered + SILENCE_SECONDS:
            raise SiteError(f'Mailman ended.\n{site.logs()}')


if __name__ == '__main__':
    sys.exit(main())
