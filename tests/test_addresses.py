# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which addresses are on a list."""

import pytest

from hypothesis import given
from hypothesis import strategies as st
from ipaddress import ip_address, ip_network
from mailman_trustedserver.addresses import AddressList, parse_address


@pytest.mark.parametrize(
    ('text', 'canonical'),
    [
        ('192.0.2.1', '192.0.2.1'),
        ('2001:DB8::1', '2001:db8::1'),
        ('IPv6:2001:db8::1', '2001:db8::1'),
        ('ipv6:::1', '::1'),
        ('IPv6:fd00:0:0:0:0:0:0:78', 'fd00::78'),
        ('fe80::1%eth0', 'fe80::1'),
        ('::ffff:192.0.2.1', '192.0.2.1'),
        ('IPv6:::ffff:c000:201', '192.0.2.1'),
    ],
)
def test_address_is_read_in_canonical_form(text, canonical):
    assert str(parse_address(text)) == canonical


@pytest.mark.parametrize(
    'text',
    [
        '',
        '192.0.2',
        '192.0.2.256',
        '192.0.2.1.5',
        '192.0.2.01',
        '3232235777',
        ':',
        '1::2::3',
        'IPv6:',
        'IPv6:192.0.2.1',
        'IPv6:IPv6:::1',
        '192.0.2.1/32',
        '\uff11.2.3.4',
        ' 192.0.2.1',
        'localhost',
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011
        parse_address(text)


@pytest.mark.parametrize(
    ('entries', 'address', 'entry'),
    [
        ('192.0.2.1', '192.0.2.1', '192.0.2.1'),
        ('192.0.2.1', '192.0.2.10', None),
        ('192.0.2.0/24', '192.0.2.255', '192.0.2.0/24'),
        ('192.0.2.0/24', '192.0.3.0', None),
        ('2001:db8::/120', '2001:db8::77', '2001:db8::/120'),
        ('192.0.2.0/255.255.255.0', '192.0.2.9', '192.0.2.0/255.255.255.0'),
        ('0.0.0.0/0', '2001:db8::1', None),
        ('::/0', '2001:db8::1', '::/0'),
        ('2001:db8::/32', '2001:db8:1::9', '2001:db8::/32'),
        ('IPv6:2001:db8::1', '2001:db8::1', 'IPv6:2001:db8::1'),
        ('::ffff:192.0.2.1', '192.0.2.1', '::ffff:192.0.2.1'),
        ('::ffff:192.0.2.0/120', '192.0.2.7', '::ffff:192.0.2.0/120'),
        ('::ffff:192.0.2.0/120', '192.0.3.7', None),
        # An IPv4-mapped address is the IPv4 address and no IPv6 address.
        ('192.0.2.1', '::ffff:192.0.2.1', '192.0.2.1'),
        ('::/0', '::ffff:192.0.2.1', None),
        # A network that another one holds does not hide its neighbours.
        ('192.0.2.0/25 192.0.2.0/24', '192.0.2.200', '192.0.2.0/24'),
        ('192.0.2.0/24 192.0.2.0/25', '192.0.2.1', '192.0.2.0/24'),
        ('10.0.0.0/8 10.1.0.0/16 11.0.0.1', '11.0.0.1', '11.0.0.1'),
        ('^192\\.0\\.2\\.', '192.0.2.77', '^192\\.0\\.2\\.'),
        ('^192\\.0\\.2\\.', '1192.0.2.77'[1:], '^192\\.0\\.2\\.'),
        ('^2001:db8::', '2001:db8::1', '^2001:db8::'),
        # The regular expression sees the canonical text.
        ('^2001:DB8::', '2001:db8::1', None),
        # Exclusions win, wherever they stand.
        ('!192.0.2.9 192.0.2.0/24', '192.0.2.9', None),
        ('192.0.2.0/24 !192.0.2.9', '192.0.2.8', '192.0.2.0/24'),
        ('192.0.2.0/24 !192.0.2.8/29', '192.0.2.9', None),
        ('192.0.2.0/24 !^192\\.0\\.2\\.9$', '192.0.2.9', None),
        ('!192.0.2.9', '192.0.2.8', None),
        # ::1 is on a list wherever 127.0.0.1 is.
        ('127.0.0.1', '::1', '127.0.0.1'),
        ('127.0.0.0/8', '::1', '127.0.0.0/8'),
        ('^127\\.', '::1', '^127\\.'),
        ('::1', '::1', '::1'),
        ('::1', '127.0.0.1', None),
        ('127.0.0.1 ::1 !127.0.0.1', '::1', None),
        ('127.0.0.1 ::1 !::1', '::1', None),
        ('127.0.0.1 ::1 !::1', '127.0.0.1', '127.0.0.1'),
        ('127.0.0.2', '::1', None),
        ('', '192.0.2.1', None),
    ],
)
def test_address_is_on_the_list_by_this_entry(entries, address, entry):
    addresses = AddressList.parse(entries.split())
    assert addresses.match(ip_address(address)) == entry
    assert (ip_address(address) in addresses) == (entry is not None)


@pytest.mark.parametrize(
    ('entry', 'remedy'),
    [
        (
            '192.168.10.1/24',
            'write 192.168.10.0/24 for the network or 192.168.10.1 for the address',
        ),
        (
            '2001:db8::1/32',
            'write 2001:db8::/32 for the network or 2001:db8::1',
        ),
        ('mail.example.org', 'is a host name'),
        ('localhost', 'is a host name'),
        ('^[', 'is not a regular expression'),
        ('!^[', 'is not a regular expression'),
        ('999.1.1.1', 'is neither an address'),
        ('192.0.2', 'is neither an address'),
        ('192.0.2.1/33', 'is neither an address'),
        ('192.0.2.1/', 'is neither an address'),
        ('', 'is neither an address'),
        ('[192.0.2.1]', 'is neither an address'),
        ('!', "'!' is followed by nothing"),
        ('!!192.0.2.1', 'is neither an address'),
        ('192.0.2.1,', 'is neither an address'),
        ('#', 'a comment takes a line of its own'),
        ('\x00\xe9', 'is neither an address'),
    ],
)
def test_bad_entry_is_an_error_that_quotes_it_and_says_what_is_right(entry, remedy):
    with pytest.raises(ValueError, match=r'^[^\n]*$') as error:
        AddressList.parse(['192.0.2.1', entry])
    assert remedy in str(error.value)
    assert ascii(entry.lstrip('!') or entry)[1:-1] in str(error.value)


@pytest.mark.parametrize(
    ('local', 'remote', 'pairs'),
    [
        ('192.0.2.1', '192.0.2.2', []),
        ('192.0.2.1', '192.0.2.1', [('192.0.2.1', '192.0.2.1')]),
        ('192.0.2.0/24', '192.0.2.7', [('192.0.2.0/24', '192.0.2.7')]),
        ('192.0.2.7', '192.0.2.0/24', [('192.0.2.7', '192.0.2.0/24')]),
        ('^192', '192.0.2.7', [('^192', '192.0.2.7')]),
        ('2001:db8::1', '2001:db8::/32', [('2001:db8::1', '2001:db8::/32')]),
        ('192.0.2.0/24 !192.0.2.7', '192.0.2.7', []),
        ('127.0.0.1', '::1', [('127.0.0.1', '::1')]),
    ],
)
def test_entries_that_share_an_address_are_named(local, remote, pairs):
    assert (
        AddressList.parse(local.split()).shared_with(AddressList.parse(remote.split()))
        == pairs
    )


networks = st.builds(
    lambda address, prefix: ip_network((address, prefix), strict=False),
    st.ip_addresses(v=4),
    st.integers(8, 32),
)


@given(st.lists(networks), st.lists(networks), st.ip_addresses(v=4))
def test_list_agrees_with_looking_at_each_network(included, excluded, address):
    addresses = AddressList.parse(
        [*map(str, included), *(f'!{network}' for network in excluded)]
    )
    for candidate in (
        address,
        *(network[0] for network in included),
        *(network[-1] for network in included),
    ):
        expected = any(candidate in network for network in included) and not any(
            candidate in network for network in excluded
        )
        assert (candidate in addresses) == expected


@given(st.lists(st.text()))
def test_any_entries_give_a_list_or_a_value_error(entries):
    try:
        addresses = AddressList.parse(entries)
    except ValueError as error:
        assert str(error)
    else:
        assert addresses.entries == tuple(entries)
