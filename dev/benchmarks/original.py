# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The algorithm of the original Mailman 2 handler, written anew, to be measured.

It is written to be fast: the one pattern for addresses is compiled, and no
field is searched twice.  Do not use it: it takes an address of HELO for that of
the peer, and fails on a message without `Received`.
"""

import re


# The first address in brackets, wherever it stands.  The original knew the square
# ones only, and no address of Exchange, which writes round ones.
ADDRESS = re.compile(
    r'[\[(]((?:[0-9]{1,3}\.){3}[0-9]{1,3}'
    r'|IPv6:(?:[0-9A-Fa-f]{4}:){7}[0-9A-Fa-f]{4}|IPv6:::1)[\])]'
)


def original(msg, local, remote):
    """Whether the message came by servers of these lists, as it saw it."""
    addresses = []
    for field in msg.get_all('received'):
        if field.startswith('from'):
            match = ADDRESS.search(field)
            if match is not None:
                address = match[1]
                addresses.append('127.0.0.1' if address == 'IPv6:::1' else address)
    position = 0
    while position < len(addresses) and listed(addresses[position], local):
        position += 1
    first = position
    while position < len(addresses) and listed(addresses[position], remote):
        position += 1
    return position > first and len(addresses) - position <= 1


def listed(address, entries):
    """Whether an entry is the address, or a regular expression that matches."""
    for entry in entries:
        if entry.startswith('^'):
            if re.match(entry, address):
                return True
        elif entry == address:
            return True
    return False
