# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured: a route, lists of networks, forged and hostile fields."""

from __future__ import annotations

import json
import random

from dev.demo.routes import received
from dev.site.posts import ROOT
from ipaddress import ip_network, IPv4Address, IPv6Address
from mailman_trustedserver import AddressList, Policy
from mailman_trustedserver.addresses import format_address, parse_address
from mailman_trustedserver.policy import _entries


# Three hops with TLS through three Postfix servers, as these wrote them.
with open(ROOT / 'tests' / 'data' / 'routes.jsonl', encoding='utf-8') as _lines:
    ROUTE: list[str] = next(
        route['fields']
        for route in map(json.loads, _lines)
        if route['id'].startswith('postfix-postfix-postfix-')
        and '-v6-' not in route['id']
        and route['route'] == 'good'
    )
# The same hops as other servers write them.
PEERS = '192.168.10.3', '192.168.10.1', '198.51.100.20'
EXIM = (
    'from host.example.org ([{}])\n\tby mx.example.org with esmtps'
    '  (TLS1.3) tls TLS_AES_256_GCM_SHA384\n\t(Exim 4.96)\n'
    '\t(envelope-from <alice@example.org>)\n\tid 1xVGy0-0001l0-2p\n'
    '\tfor staff@example.com;\n\tTue, 01 Sep 2026 10:00:00 +0000'
)
EXCHANGE = (
    'from host.example.org ({}) by\n mx.example.org (192.168.10.9) with Microsoft\n'
    ' SMTP Server (version=TLS1_2,\n cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id'
    ' 15.1.2507.35; Tue, 1\n Sep 2026 10:00:00 +0000'
)
ROUTES: dict[str, list[str]] = {
    'Postfix': ROUTE,
    'Exim': [EXIM.format(peer) for peer in PEERS],
    'Exchange': [EXCHANGE.format(peer) for peer in PEERS],
    'mixed': [ROUTE[0], EXIM.format(PEERS[1]), EXCHANGE.format(PEERS[2])],
}


def post(route: list[str]) -> str:
    """A post that took this route."""
    return ''.join(f'Received: {field}\n' for field in route) + (
        'From: Alice <alice@example.org>\n'
        'To: staff@example.com\n'
        'Subject: The minutes\n'
        'Message-ID: <post@example.org>\n'
        'Date: Tue, 1 Sep 2026 10:00:00 +0000\n'
        'MIME-Version: 1.0\n'
        'Content-Type: text/plain; charset="utf-8"\n'
        '\n'
        'Hello.\n'
    )


POST = post(ROUTE)

# The servers of mailman.cfg.example.
LOCAL = '127.0.0.1 192.168.10.3 192.168.10.4 192.168.10.5'.split()
REMOTE = '192.168.10.1 192.168.10.2'.split()

# Fields that are put behind those of the route, as older ones.
FORGED = {
    'of Postfix': received('out', 'out', '192.168.10.1', 'relay', 'ESMTPS'),
    'of Exim': (
        'from out ([192.168.10.1])\n\tby relay with esmtpsa\n\t(Exim 4.96)\n'
        '\tid 1xVGy0-0001l0-2p;\n\tTue, 01 Sep 2026 10:00:00 +0000'
    ),
    'in no known form': 'from anywhere',
    'without from': 'by out (Postfix)\n\tid 4F1; Tue, 1 Sep 2026 10:00:00 +0000',
}

# What a long field begins with, and what is repeated in it.
LONG = {
    'HELO': ('from ', 'x'),
    'parentheses': ('from x (y [192.0.2.1])', ' (x)'),
    'open parentheses': ('from x (y [192.0.2.1])', '('),
    'semicolons': ('from x (y [192.0.2.1])', '; '),
    'folding': ('from x (y [192.0.2.1])', '\n\t'),
    'blanks in front': ('', ' '),
}
# The same up to the bound, to mislead one row or the other.
HEADS = (
    'from ',
    'from x',
    'from x (y',
    'from x (y [192.0.2.1]) (using ',
    'by z (Postfix) with ESMTP id 1',
    'from x (y [192.0.2.1])',
    'from y ([192.0.2.1] helo=',
    'from [192.0.2.1] (helo=',
    'from x (y [192.0.2.1]) by z (Postfix) with ESMTP id 1 for <',
    'from y ([192.0.2.1]) by z with esmtp (Exim 4) (envelope-from <',
    'from x (y [192.0.2.1]) by z (8.1/8.1) with ESMTP id 1 for ',
)
UNITS = (
    *('from ', '(', ')', ' (', ') ', ' (x) ', '"', '\\"', '\\', '<', '>', '[', ' '),
    *(' by x', ') by x with esmtp (Exim 4)', ' with', '; ', 'a ', 'a', '.', '\n\t'),
    *('\n ', '\t', '  ', ' \n ', ' for <"', '(envelope-from <"', ' (using x)', ' id 1'),
    *('1 Jan 2026 ', ';1 Jan 2', '[192.0.2.1]', 'ident=', 'helo=', '(Exim ', ' by '),
)


def policy(local: list[str], remote: list[str]) -> Policy:
    """A policy of two lists."""
    return Policy(AddressList.parse(local), AddressList.parse(remote))


def forget() -> None:
    """Forget which addresses were looked up, as if none had been seen before."""
    _entries.cache_clear()
    parse_address.cache_clear()
    format_address.cache_clear()


def networks(count: int, seed: int) -> list[str]:
    """So many networks, none private: most /24, some of IPv6, some nested."""
    source = random.Random(seed)  # noqa: S311
    entries = []
    address: IPv4Address | IPv6Address
    for _ in range(count):
        if source.random() < 0.2:
            length = source.choice((32, 48, 64, 128))
            address = IPv6Address(source.getrandbits(112) | 0x2A00 << 112)
        else:
            length = source.choice((24,) * 15 + (16, 22, 28, 32, 32))
            address = IPv4Address(source.randrange(11 << 24, 126 << 24))
        entries.append(str(ip_network(f'{address}/{length}', strict=False)))
    return entries


def hostile(head: str, unit: str, length: int) -> str:
    """A field of this length."""
    return head + (unit * (length // len(unit) + 1))[: length - len(head)]
