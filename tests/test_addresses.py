# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which addresses are on a list."""

import pytest

from hypothesis import given
from hypothesis import strategies as st
from ipaddress import ip_address, ip_network
from mailman_trustedserver.addresses import AddressList, parse_address, parse_network


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
        ('^2001:0db8::', '2001:db8::1', None),
        ('^(?i:2001:DB8::)', '2001:db8::1', '^(?i:2001:DB8::)'),
        ('^::1$', '::1%eth0', '^::1$'),
        ('127.0.0.1', '::1%eth0', '127.0.0.1'),
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
        ('\x00\xe9', 'is neither an address'),
        ('192.0.2.1:25', 'is neither an address'),
        ('10/8', 'is neither an address'),
        ('2130706433', 'is neither an address'),
        ('1' * 2000, 'is neither an address'),
        ('!', "'!' is followed by nothing"),
        ('!!192.0.2.1', 'has more than one !; write !192.0.2.1'),
        ('!!x', 'has more than one !; write an address'),
        ('#', 'a comment takes a line of its own'),
        ('192.0.2.1#relay', 'a comment takes a line of its own'),
        (';192.0.2.1', 'a comment takes a line of its own'),
        ('cafe.de', 'is a host name'),
        ('mail.example.org/24', 'is a host name'),
        ('192.0.2.1-static.example.org', 'is a host name'),
        ('192.0.2.*', 'has a wildcard; write the network'),
        # What Python takes, or takes in another way.
        ('192.0.2.01', 'has a leading zero, which'),
        ('192.0.02.0/24', 'has a leading zero, which'),
        ('192.0.2.0/024', 'has a leading zero; write 192.0.2.0/24'),
        ('2001:db8::/032', 'has a leading zero; write 2001:db8::/32'),
        ('192.0.2.0/33', 'an address nor a network: what follows / is the number'),
        ('2001:db8::/129', 'share, 0 to 128'),
        ('192.0.2.0/255.0.255.0', 'share, 0 to 32'),
        ('192.0.2.1/', 'share, 0 to 32'),
        ('192.0.2.0/24-192.0.3.0/24', 'share, 0 to 32'),
        ('192.0.2.1/255.255.255.0', 'write 192.0.2.0/24 for the network or'),
        ('192.0.2.0/0.0.0.255', 'has a wildcard mask; write 192.0.2.0/24'),
        ('!192.0.2.0/0.0.0.255', 'has a wildcard mask; write !192.0.2.0/24'),
        ('0.0.0.0/0.0.0.0', 'would take in every address'),
        ('192.0.2.0/0.0.0.0', 'would take in every address; write 192.0.2.0 for'),
        ('192.0.2.1/0', 'would take in every address; write 192.0.2.1 for'),
    ],
)
def test_bad_entry_is_an_error_that_quotes_it_and_says_what_is_right(entry, remedy):
    with pytest.raises(ValueError, match=r'^[^\n]*$') as error:
        AddressList.parse(['192.0.2.1', entry])
    assert remedy in str(error.value)
    assert ascii(entry.lstrip('!') or entry)[1:100] in str(error.value)
    assert len(str(error.value)) < 400


PUNCTUATION = ': no commas, quotes or brackets: separate entries by white space; write '


@pytest.mark.parametrize(
    ('entry', 'problem', 'right'),
    [
        ('192.0.2.1,', PUNCTUATION, '192.0.2.1'),
        ('192.0.2.1;', PUNCTUATION, '192.0.2.1'),
        ('192.0.2.0/24,', PUNCTUATION, '192.0.2.0/24'),
        ('192.0.2.1,192.0.2.2', PUNCTUATION, '192.0.2.1 192.0.2.2'),
        ('!192.0.2.1,192.0.2.2', PUNCTUATION, '!192.0.2.1 !192.0.2.2'),
        ('!192.0.2.1,!192.0.2.2', PUNCTUATION, '!192.0.2.1 !192.0.2.2'),
        ("'192.0.2.1'", PUNCTUATION, '192.0.2.1'),
        ('192.0.2.1"', PUNCTUATION, '192.0.2.1'),
        ('"192.0.2.1","192.0.2.2"', PUNCTUATION, '192.0.2.1 192.0.2.2'),
        ('!"192.0.2.1"', PUNCTUATION, '!192.0.2.1'),
        ('"!192.0.2.1"', PUNCTUATION, '!192.0.2.1'),
        ('`192.0.2.1`', PUNCTUATION, '192.0.2.1'),
        ('\u201c192.0.2.1\u201d', PUNCTUATION, '192.0.2.1'),
        ('192.0.2.1\u2019', PUNCTUATION, '192.0.2.1'),
        ('192.0.2.1\uff0c192.0.2.2', PUNCTUATION, '192.0.2.1 192.0.2.2'),
        ('192.0.2.1\u3001192.0.2.2', PUNCTUATION, '192.0.2.1 192.0.2.2'),
        ('\uff3b192.0.2.1\uff3d', PUNCTUATION, '192.0.2.1'),
        ('[192.0.2.1]', PUNCTUATION, '192.0.2.1'),
        ('(192.0.2.1)', PUNCTUATION, '192.0.2.1'),
        ('{192.0.2.1}', PUNCTUATION, '192.0.2.1'),
        ('<192.0.2.1>', PUNCTUATION, '192.0.2.1'),
        ('[IPv6:2001:db8::1]', PUNCTUATION, '2001:db8::1'),
        ('[2001:db8::]/32', PUNCTUATION, '2001:db8::/32'),
        ('[fe80::1%eth0]', PUNCTUATION, 'fe80::1'),
        ('192.168.10.[34]', PUNCTUATION, 'an address (192.0.2.1), a network'),
        ('192.0.2.1;x', PUNCTUATION, 'an address (192.0.2.1), a network'),
        (',', PUNCTUATION, 'an address (192.0.2.1), a network'),
        ('!^192\\.168\\.10\\.6[67]$,', PUNCTUATION, '!^192\\.168\\.10\\.6[67]$'),
        ('^192\\.0\\.2\\.1$;', PUNCTUATION, '^192\\.0\\.2\\.1$'),
        ("'^192\\.0\\.2\\.[12]$'", PUNCTUATION, '^192\\.0\\.2\\.[12]$'),
        ('"!^192\\.0\\.2\\.[12]$",', PUNCTUATION, '!^192\\.0\\.2\\.[12]$'),
        ('^192\\.0\\.2\\.[12]$"', PUNCTUATION, '^192\\.0\\.2\\.[12]$'),
        ('^192\\.0\\.2\\.1$\u201d', PUNCTUATION, '^192\\.0\\.2\\.1$'),
        ('^192\\.0\\.2\\."1"', PUNCTUATION, 'an address (192.0.2.1), a network'),
        # That would be every address.
        ('^,', PUNCTUATION, 'an address (192.0.2.1), a network'),
        (
            '192.0.2.1-192.0.2.9',
            ' is a range; write ',
            '192.0.2.1 192.0.2.2/31 192.0.2.4/30 192.0.2.8/31',
        ),
        (
            '!192.0.2.1-9',
            ' is a range; write ',
            '!192.0.2.1 !192.0.2.2/31 !192.0.2.4/30 !192.0.2.8/31',
        ),
        ('192.0.2.8\u20139', ' is a range; write ', '192.0.2.8/31'),
        ('192.0.2.8-192.0.2.8', ' is a range; write ', '192.0.2.8'),
        ('2001:db8::8-2001:db8::9', ' is a range; write ', '2001:db8::8/127'),
        ('2001:db8::8-9', ' is a range; write ', '2001:db8::8/127'),
        ('192.0.2.9-192.0.2.1', ' is a range; write ', 'each address, or networks'),
        ('192.0.2.1-2001:db8::', ' is a range; write ', 'each address, or networks'),
        ('192.0.2.1-300', ' is a range; write ', 'each address, or networks'),
        ('10.0.0.1-10.9.9.9', ' is a range; write ', 'each address, or networks'),
        ('fe80::1%eth0', ' has a zone id, which is not compared; write ', 'fe80::1'),
        ('!fe80::1%eth0', ' has a zone id, which is not compared; write ', '!fe80::1'),
        (
            'fe80::%eth0/64',
            ' has a zone id, which is not compared; write ',
            'fe80::/64',
        ),
        (
            'IPv6:fe80::1%eth0',
            ' has a tag; an entry is the address alone; write ',
            'fe80::1',
        ),
        (
            'IPv6:2001:db8::/32',
            ' has a tag; an entry is the address alone; write ',
            '2001:db8::/32',
        ),
        (
            'IPv6:192.0.2.1',
            ' has a tag; an entry is the address alone; write ',
            '192.0.2.1',
        ),
        ('\uff11\uff19\uff12.0.2.1', ' is not in plain ASCII; write ', '192.0.2.1'),
        ('192.0.2.0\uff0f24', ' is not in plain ASCII; write ', '192.0.2.0/24'),
        ('\uff01192.0.2.1', ' is not in plain ASCII; write ', '!192.0.2.1'),
        ('\ufeff192.0.2.1', ' is not in plain ASCII; write ', '192.0.2.1'),
        ('!192.0.2.1\u200b', ' is not in plain ASCII; write ', '!192.0.2.1'),
        ('\u0661.2.3.4', ' is neither an address (192.0.2.1, ', '2001:db8::1) nor'),
    ],
)
def test_mistake_is_named_with_what_to_write(entry, problem, right):
    with pytest.raises(ValueError, match=r'^[^\n]*$') as error:
        AddressList.parse([entry])
    message = str(error.value)
    assert message.startswith(ascii(entry) + problem + right)
    if right[-1] in '0123456789$':
        # It is one to copy.
        assert message == ascii(entry) + problem + right
        AddressList.parse(right.split())


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


@pytest.mark.parametrize(
    ('entries', 'pairs'),
    [
        ('192.0.2.1 192.0.2.2 2001:db8::1', []),
        ('192.0.2.1 192.0.2.1', [('192.0.2.1', '192.0.2.1')]),
        ('192.0.2.7 192.0.2.0/24', [('192.0.2.7', '192.0.2.0/24')]),
        ('192.0.2.0/25 192.0.2.200 192.0.2.0/24 192.0.3.0', None),
        ('::ffff:192.0.2.1 192.0.2.1', [('192.0.2.1', '::ffff:192.0.2.1')]),
        ('2001:db8::1 2001:db8::/32', [('2001:db8::1', '2001:db8::/32')]),
        # What an exclusion holds is not on the list.
        ('192.0.2.7 !192.0.2.0/24', [('192.0.2.7', '!192.0.2.0/24')]),
        ('192.0.2.7 !192.0.2.7', [('192.0.2.7', '!192.0.2.7')]),
        ('192.0.2.0/24 !192.0.2.7', []),
        ('!192.0.2.7 !192.0.2.0/24', []),
        # Both are written for clarity.
        ('127.0.0.1 ::1', []),
        ('^192\\. 192.0.2.1', []),
    ],
)
def test_entry_that_adds_nothing_is_named_with_what_holds_it(entries, pairs):
    if pairs is None:
        wide = '192.0.2.0/24'
        pairs = [('192.0.2.0/25', wide), ('192.0.2.200', wide)]
    assert AddressList.parse(entries.split()).shadowed() == pairs


@pytest.mark.parametrize(
    ('text', 'same'),
    [
        ('192.0.2.1', '192.0.2.1/32'),
        ('192.0.2.0/255.255.255.0', '192.0.2.0/24'),
        ('2001:DB8:0::/32', '2001:db8::/32'),
        ('::ffff:192.0.2.0/120', '192.0.2.0/24'),
        ('::ffff:192.0.2.1', '192.0.2.1'),
        ('::/0', '0::0/0'),
        ('0.0.0.0/0', '0.0.0.0/0'),
        ('::1.2.3.4', '::102:304'),
    ],
)
def test_range_is_that_of_the_network_however_it_is_written(text, same):
    network = parse_network(text)
    for entry in (text, same):
        ((version, first, last, kept),) = AddressList.parse([entry]).ranges
        assert (version, first, last) == (
            network.version,
            int(network[0]),
            int(network[-1]),
        )
        assert kept == entry


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


near = st.builds(
    lambda address, prefix: str(ip_network((address, prefix), strict=False)),
    st.ip_addresses(v=4, network='192.0.2.0/28'),
    st.integers(26, 32),
)
entries = st.lists(near | near.map('!{}'.format) | st.just(r'^192\.0\.2\.[1-9]$'))


@given(entries, entries)
def test_pairs_that_share_an_address_are_those_of_looking_at_each(one, other):
    lists = [AddressList.parse(one), AddressList.parse(other)]
    found = set()
    for address in {*widest(one), *widest(other)}:
        pair = tuple(servers.match(address) for servers in lists)
        # Two expressions are not compared.
        if None not in pair and not all(entry.startswith('^') for entry in pair):
            found.add(pair)
    assert set(lists[0].shared_with(lists[1])) == found


def widest(written):
    """The first address of each network that no other one holds."""
    found = [ip_network(entry) for entry in written if entry[0] not in '^!']
    return {
        one[0]
        for one in found
        if not any(one != other and one.subnet_of(other) for other in found)
    }


@given(entries)
def test_entries_that_add_nothing_can_be_taken_out(written):
    addresses = AddressList.parse(written)
    shadowed = [entry for entry, _ in addresses.shadowed()]
    left = list(written)
    for entry in shadowed:
        left.remove(entry)
    for address in ip_network('192.0.2.0/26'):
        assert (address in AddressList.parse(left)) == (address in addresses)


@given(
    st.lists(st.text() | st.text('0123456789abcdef.:/-!^[](){}<>,;%*#\u2013"?+|$\\'))
)
def test_any_entries_give_a_list_or_a_value_error(entries):
    try:
        addresses = AddressList.parse(entries)
    except ValueError as error:
        assert str(error)
    else:
        assert addresses.entries == tuple(entries)
