# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `evaluate` and the rule cost beside the alternatives and a whole post."""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import tempfile

from collections.abc import Iterator, Sequence
from dev.benchmarks.material import (
    forget,
    LOCAL,
    policy,
    POST,
    post,
    REMOTE,
    ROUTE,
    ROUTES,
)
from dev.benchmarks.original import original
from dev.benchmarks.timing import measure, ratio, Row
from dev.site.posts import CONFIGURATION
from functools import partial
from mailman_trustedserver import evaluate, Policy, Verdict
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Callable


# The fields from standard input, with NUL between them; to standard output the
# best seconds of some rounds for all fields.
PERL = r"""
use Mail::SpamAssassin;
use Time::HiRes 'time';
local $/; my @fields = split /\0/, <STDIN>;
my $sa = Mail::SpamAssassin->new({local_tests_only => 1, config_text => '#'});
my $metadata = $sa->parse("Subject: x\n\nx\n")->{metadata};
my $best = 1e9;
for (1 .. 1000) {
    my $start = time;
    $metadata->parse_received_line($_)->{ip} or die for @fields;
    my $took = time() - $start;
    $best = $took if $took < $best;
}
print $best;
"""


def original_algorithm() -> Iterator[Row]:
    """The route in a message, and the original on the same message.

    Both sides begin with the parsed message, pick its Received fields, read
    the addresses and walk them; neither logs.  Both have seen the addresses
    and compiled the regular expressions before, as in a runner that is up.
    """
    from mailman_trustedserver.header import Header

    # As the original's users wrote them: ^192\.168\.10\.1$.
    patterns = [
        [f'^{re.escape(entry)}$' for entry in entries] for entries in (LOCAL, REMOTE)
    ]
    plain, matching = policy(LOCAL, REMOTE), policy(*patterns)
    for name, route in ROUTES.items():
        msg = email.message_from_string(post(route))
        calls = (
            lambda msg=msg: evaluate(Header.of(msg).received, plain),
            lambda msg=msg: evaluate(Header.of(msg).received, matching),
            lambda msg=msg: original(msg, LOCAL, REMOTE),
            lambda msg=msg: original(msg, *patterns),
            lambda msg=msg: _unseen(Header.of(msg).received, matching),
        )
        if not all(call() for call in calls):
            raise RuntimeError(f'the route of {name} is not trusted')
        new, new_matching, old, old_matching, unseen = measure(*calls, rounds=200)
        yield ratio(f'{name}, regular expressions', new_matching, old_matching, 2.6)
        yield ratio(f'{name}, no address seen before', unseen, old_matching)
        yield ratio(f'{name}, addresses', new, old)


def _unseen(fields: Sequence[str], trust: Policy) -> Verdict:
    forget()
    return evaluate(fields, trust)


def other_readers() -> Iterator[Row]:
    """The route, and what reads the same fields but does not judge them."""
    from eml_parser.routing import parserouting
    from mailparser.utils import parse_received, receiveds_parsing

    trust = policy(LOCAL, REMOTE)
    for name, route in ROUTES.items():
        calls = {
            'mail-parser': partial(_each, parse_received, route),
            # The dates and delays as well.
            'mail-parser, receiveds_parsing': partial(receiveds_parsing, route),
            # eml_parser prepares fields in this way.
            'eml_parser': partial(
                _each, lambda f: parserouting(re.sub(r'\s+', ' ', f.lower())), route
            ),
        }
        new, *others = measure(
            partial(evaluate, route, trust), *calls.values(), rounds=100
        )
        fastest = min(others, key=median)
        for library, times in zip(calls, others):
            bound = 0.2 if times is fastest else None
            yield ratio(f'{name}, {library}', new, times, bound)
        if name == 'Postfix':
            of_postfix = new
    # In another process, so that this is an indication only.
    perl = subprocess.run(
        ['/usr/bin/env', 'perl', '-e', PERL],
        input='\0'.join(ROUTE),
        capture_output=True,
        text=True,
    )
    if perl.returncode:
        print('  SpamAssassin: not installed')
    else:
        yield ratio(
            'SpamAssassin, parse_received_line', of_postfix, [float(perl.stdout)] * 200
        )


def _each(read: Callable[[str], object], route: list[str]) -> list[object]:
    return [read(field) for field in route]


def imports(rounds: int = 15) -> Iterator[Row]:
    """The import of the package, over bare Python and over Mailman's own.

    What Python itself takes is taken off both sides.  All are compiled before, as
    pip leaves them.
    """
    commands = ('', 'import mailman_trustedserver', 'import mailman.bin.mailman')
    environment = {**os.environ, 'PYTHONDONTWRITEBYTECODE': ''}
    times: list[list[float]] = [[], [], []]
    for number in range(rounds + 1):
        for command, seconds in zip(commands, times):
            start = perf_counter()
            subprocess.run([sys.executable, '-c', command], env=environment, check=True)
            if number:
                seconds.append(perf_counter() - start)
    bare, ours, mailman = times
    added = [a - b for a, b in zip(ours, bare)]
    yield ratio('the import of the package', added, [1.0] * rounds, 0.06)
    yield ratio(
        "the same, over that of Mailman's command",
        added,
        [a - b for a, b in zip(mailman, bare)],
        0.3,
    )


def whole_chain(posts: int = 300) -> Iterator[Row]:
    """A trusted post from a nonmember: the rule, its log line included.

    What `process` takes does not include reading the message or the commit.
    """
    from mailman.config import config
    from mailman.testing.layers import ConfigLayer

    umask = os.umask(0o022)
    with tempfile.TemporaryDirectory() as directory:
        extra = Path(directory) / 'extra.cfg'
        # The rule `digests` needs this.
        extra.write_text(
            f'{CONFIGURATION}\n[mailman]\nhold_digest: yes\n', encoding='utf-8'
        )
        os.environ['MAILMAN_EXTRA_TESTING_CFG'] = str(extra)
        ConfigLayer.setUp()
        # The plugin reads the file that it takes for the one of Mailman.
        config.filename = str(extra)
        config.plugins['trustedserver'].pre_hook()
        ConfigLayer.testSetUp()
        whole, inside, alone = _posts(config, posts)
        ConfigLayer.testTearDown()
        ConfigLayer.tearDown()
    os.umask(umask)
    # Like all others, the bound is for warm caches.  Where the rule stands, the
    # database has just emptied them.
    yield ratio('the rule', [median(alone)] * posts, whole, 0.007)
    yield ratio('the rule where it stands, caches cold', inside, whole, 0.02)


def _posts(config, posts):
    from mailman.app.lifecycle import create_list
    from mailman.core.chains import process
    from mailman.database.transaction import transaction
    from mailman.email.message import Message
    from mailman.interfaces.usermanager import IUserManager
    from zope.component import getUtility

    with transaction():
        mlist = create_list('staff@example.com')
        mlist.posting_chain = 'trusted-server-posting-chain'
        getUtility(IUserManager).create_address('alice@example.org')
    rule = config.rules['trusted-server']
    check = rule.check
    whole, inside = [], []

    def timed(*args):
        start = perf_counter()
        verdict = check(*args)
        inside.append(perf_counter() - start)
        return verdict

    rule.check = timed
    for _ in range(posts):
        msg = email.message_from_string(POST, Message)
        msg.original_size = len(POST)
        msgdata: dict = {}
        # As in the incoming runner, this loads the list again after a commit.
        chain = mlist.posting_chain
        start = perf_counter()
        process(mlist, msg, msgdata, chain)
        whole.append(perf_counter() - start)
        if msgdata['rule_hits'] != [rule.name]:
            raise RuntimeError(f'the post was not trusted: {msgdata}')
        config.db.commit()
    (alone,) = measure(lambda: check(mlist, msg, msgdata))
    log = (Path(config.LOG_DIR) / 'vette').read_text(encoding='utf-8')
    if log.count('verdict=trusted') < posts:
        raise RuntimeError('the rule wrote no line into the log')
    return whole, inside, alone
