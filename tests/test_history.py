# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the log says of the posts so far."""

import json

from mailman_trustedserver import decide
from mailman_trustedserver.advice import common
from mailman_trustedserver.advice.history import draw_history, History
from mailman_trustedserver.report import log_line, read_log_by_day
from tests.test_decision import BAD, GOOD, mlist, settings


LOG = '\n'.join(
    f'{date} (1) {log_line(decide(header, settings(mode=mode), mlist()))}'
    for date, header, mode in (
        ('Nov 24 10:00:00 2026', GOOD, 'enforce'),
        ('Nov 25 10:00:00 2026', GOOD, 'observe'),
        ('Nov 25 10:00:00 2026', BAD, 'observe'),
        ('Nov 26 10:00:00 2026', BAD, 'observe'),
    )
)


def history_of(log):
    found = History()
    for day, pairs in read_log_by_day(log):
        found.add(day, pairs)
    return found.describe()


def test_verdicts_are_counted_by_list_and_day_delivered_posts_included():
    (one,) = history_of(LOG)['lists']
    assert one['list'] == 'staff.example.com'
    assert one['days'] == [
        {'day': '2026-11-24', 'trusted': 1, 'not_trusted': 0},
        {'day': '2026-11-25', 'trusted': 1, 'not_trusted': 1},
        {'day': '2026-11-26', 'trusted': 0, 'not_trusted': 1},
    ]
    assert [
        (row['reason'], row['proof'], row['mode'], row['posts'])
        for row in one['verdicts']
    ] == [
        ('unlisted-peer', '', '', 2),
        ('outgoing-server', 'single-hop', '', 1),
        ('outgoing-server', 'single-hop', 'observe', 1),
    ]
    (peer,) = one['unlisted_peers']
    assert peer['posts'] == 2
    assert (peer['first'], peer['last']) == ('2026-11-25', '2026-11-26')
    assert peer['address'] in draw_history(history_of(LOG))


def test_damaged_line_is_counted_as_what_is_left_of_it():
    found = history_of('Nov 24 10:00:00 2026 (1) trusted-server: message-id=<x')
    assert found['lists'][0]['days'] == [
        {'day': '2026-11-24', 'trusted': 0, 'not_trusted': 1}
    ]
    assert '(no list)' in draw_history(found)


def test_empty_log_says_so():
    assert draw_history(history_of('')) == 'The log has no verdict.'


def test_lists_days_and_peers_are_bounded(monkeypatch):
    monkeypatch.setattr(common, 'MAX_KEPT', 2)
    lines = [
        f'2026-11-{day} trusted-server: message-id=<x> list={name} '
        f'verdict=not-trusted reason=unlisted-peer peers=192.0.2.1,203.0.113.{day}'
        for day in range(10, 15)
        for name in 'abcd'
    ]
    found = history_of('\n'.join(lines))
    assert [one['list'] for one in found['lists']] == ['(others)', 'a', 'b']
    for one in found['lists']:
        assert sum(day['not_trusted'] for day in one['days']) in (5, 10)
        assert len(one['days']) == 3
        assert len(one['unlisted_peers']) == 2
    assert json.loads(json.dumps(found)) == found
