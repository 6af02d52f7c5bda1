# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many posts, also while things break: `make load`, with fewer of them."""

import pytest

from collections import Counter
from dev.load import faults, throughput
from dev.load.posts import Account, account_of, Flow, Post
from dev.site.mailman import UNHOLDABLE
from dev.site.outcomes import Outcome
from tests.conftest import need
from types import SimpleNamespace


DELIVERED, HELD, REJECTED = Outcome.DELIVERED, Outcome.HELD, Outcome.REJECTED


@pytest.mark.parametrize(
    ('expected', 'ends', 'account'),
    [
        ({DELIVERED}, [DELIVERED], Account(1, 1, 0, 0, lost=0, doubled=0, wrong=0)),
        ({REJECTED}, [REJECTED], Account(1, 0, 0, 1, lost=0, doubled=0, wrong=0)),
        ({DELIVERED, HELD}, [HELD], Account(1, 0, 1, 0, lost=0, doubled=0, wrong=0)),
        ({HELD}, [], Account(1, 0, 0, 0, lost=1, doubled=0, wrong=0)),
        ({HELD}, [HELD, HELD], Account(1, 0, 1, 0, lost=0, doubled=1, wrong=0)),
        ({HELD}, [HELD, DELIVERED], Account(1, 1, 1, 0, lost=0, doubled=1, wrong=0)),
        ({HELD}, [DELIVERED], Account(1, 1, 0, 0, lost=0, doubled=0, wrong=1)),
        ({DELIVERED, HELD}, [REJECTED], Account(1, 0, 0, 1, 0, 0, wrong=1)),
    ],
)
def test_account_tells_what_became_of_a_post(expected, ends, account):
    post = Post('<x@example.org>', '', '', b'', frozenset(expected))
    counts = {end: Counter() for end in (DELIVERED, HELD, REJECTED)}
    for end in ends:
        counts[end][post.message_id] += 1
    assert account_of([post], counts) == account
    assert account.holds is (len(ends) == 1 and set(ends) <= expected)


def test_what_mailman_cannot_hold_is_not_the_loss_of_anybody_else():
    lost = Account(2, 1, 0, 0, lost=1, doubled=0, wrong=0)
    assert not lost.holds
    assert lost._replace(unholdable=1).holds
    assert not lost._replace(lost=2, unholdable=1).holds
    assert not faults.Row('x', lost).holds
    assert faults.Row('x', lost._replace(unholdable=1)).holds


def test_log_that_is_a_device_is_not_read(tmp_path):
    flow = Flow.__new__(Flow)
    flow.site = SimpleNamespace(directory=tmp_path)
    flow._unholdable = 1
    log = tmp_path / 'var' / 'logs' / 'mailman.log'
    log.parent.mkdir(parents=True)
    log.symlink_to(faults.FULL)
    assert flow._shunted_by_hold() == 1
    log.unlink()
    log.write_text(2 * f'UnicodeDecodeError: {UNHOLDABLE} bytes\n')
    assert flow._shunted_by_hold() == 2


@pytest.mark.parametrize(
    ('name', 'waits'), [('1.tmp', False), ('1.pck', True), ('1.bak', True)]
)
def test_what_a_killed_runner_left_is_no_post_in_a_queue(tmp_path, name, waits):
    flow = Flow.__new__(Flow)
    flow.site = SimpleNamespace(directory=tmp_path)
    queue = tmp_path / 'var' / 'queue' / 'pipeline'
    queue.mkdir(parents=True)
    (queue / name).touch()
    assert flow.queued() is waits


@pytest.mark.load
def test_verdicts_at_full_speed_are_those_one_by_one():
    result = throughput.run(count=192, per_round=96)
    for account in (result.with_plugin, result.without):
        assert account.posts == 192
        assert account.holds, account


@pytest.mark.load
@pytest.mark.parametrize(
    'part', [faults.with_plugin, faults.changing, faults.without_plugin, faults.clock]
)
def test_every_post_comes_to_its_one_right_end_while_things_break(part):
    if part is faults.clock:
        need(faults.LIBFAKETIME, 'There is no libfaketime: apt-get install faketime')
    rows = list(part(count=48, times=2))
    assert rows
    assert [row for row in rows if not row.holds] == []
