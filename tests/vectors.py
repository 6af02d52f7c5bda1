# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vectors in `tests/data`: what real mail servers wrote, and the truth.

`README.md` there says what each file has, and describes every key.
"""

import json

from dev.site.posts import ROOT


DATA = ROOT / 'tests' / 'data'
REPORTED = DATA / 'reported'

# The servers that wrote them.
READABLE = (
    'courier',
    'exim',
    'haraka',
    'opensmtpd',
    'postfix',
    'qmail',
    'sendmail',
)

# What the routes were recorded with.
LOCAL = (
    '127.0.0.1 192.168.10.3 192.168.10.4 192.168.10.5 fd00::3 fd00::4 fd00::5'
).split()
REMOTE = '192.168.10.1 192.168.10.2 fd00::1 fd00::2'.split()


def load(name):
    """The vectors of one file.

    :param name: Its path in `tests/data`, without `.jsonl`.
    """
    with open(DATA / f'{name}.jsonl', encoding='utf-8') as lines:
        return [json.loads(line) for line in lines]
