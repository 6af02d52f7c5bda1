# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services that many customers share, and lists that name their addresses."""

import json
import mailman_trustedserver
import pytest
import subprocess
import sys
import zipfile

from datetime import date, timedelta
from dev.site.debian import wheel_of
from dev.site.posts import ROOT
from hypothesis import given
from hypothesis import strategies as st
from ipaddress import ip_address, ip_network, summarize_address_range
from itertools import combinations
from mailman_trustedserver import AddressList
from mailman_trustedserver.shared_senders import (
    DKIM_KEY,
    file_date,
    is_old,
    left_out,
    load,
    MICROSOFT_365_KEY,
    microsoft_365_networks,
    shared_with,
    SharedSender,
)
from pathlib import Path
from tests.conftest import need


SENDERS = load()
by_sender = pytest.mark.parametrize('sender', SENDERS, ids=lambda sender: sender.name)


def networks(sender):
    return [ip_network(entry) for entry in sender.addresses.entries]


def named(*entries):
    return [
        (entry, sender.name)
        for entry, sender in shared_with(AddressList.parse(entries))
    ]


# The data.


@by_sender
def test_each_has_name_source_date_and_key(sender):
    assert isinstance(sender, SharedSender)
    assert sender.name == sender.name.strip() != ''
    assert sender.source == sender.source.strip() != ''
    assert date(2020, 1, 1) < sender.date <= file_date()
    microsoft = sender.name == 'Microsoft 365'
    assert sender.key == (MICROSOFT_365_KEY if microsoft else DKIM_KEY)
    assert sender.addresses.entries


def test_names_are_different():
    names = [sender.name for sender in SENDERS]
    assert len(set(names)) == len(names)


@by_sender
def test_each_network_parses_and_is_public(sender):
    for network in networks(sender):
        assert network.is_global
        assert not network.is_multicast
        # An error of one digit would take in a good part of all addresses.
        assert network.prefixlen >= (14 if network.version == 4 else 40)


@by_sender
def test_networks_are_in_order_and_stand_once(sender):
    keys = [(network.version, network) for network in networks(sender)]
    assert keys == sorted(set(keys))


def test_senders_share_no_address():
    for one, other in combinations(SENDERS, 2):
        for network in networks(one):
            for another in networks(other):
                assert network.version != another.version or not network.overlaps(
                    another
                ), (one.name, other.name)


def test_what_is_left_out_has_a_name_and_a_reason():
    assert 'Proofpoint' in left_out()
    assert all(name.strip() and why.strip() for name, why in left_out().items())
    # What is returned is the caller's.
    left_out().clear()
    assert left_out()


def test_data_has_no_other_keys():
    path = Path(mailman_trustedserver.__file__).with_name('shared_senders.json')
    data = json.loads(path.read_text(encoding='utf-8'))
    assert set(data) == {'senders', 'left_out'}
    for sender in data['senders']:
        assert set(sender) == {'name', 'key', 'source', 'date', 'networks'}


def test_microsoft_365_networks_are_entries_of_a_list_in_both_versions():
    entries = microsoft_365_networks()
    assert {ip_network(entry).version for entry in entries} == {4, 6}
    addresses = AddressList.parse(entries)
    assert ip_address('40.107.22.52') in addresses
    assert ip_address('2a01:111:f403:c201::5') in addresses
    assert ip_address('192.0.2.1') not in addresses


def test_nothing_is_read_before_it_is_asked_for():
    program = (
        'import mailman_trustedserver.shared_senders as module\n'
        'assert module._data.cache_info().currsize == 0\n'
        'assert module.load() is module.load()\n'
        'assert module._data.cache_info().currsize == 1\n'
    )
    subprocess.run([sys.executable, '-c', program], check=True)


def test_wheel_has_the_data(tmp_path):
    need((ROOT / 'src').exists(), 'this builds a wheel of src, which is not here')
    try:
        wheel = wheel_of(ROOT, tmp_path)
    except subprocess.CalledProcessError:
        download = [sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps']
        found = subprocess.run([*download, '-d', tmp_path, 'hatchling'])
        need(found.returncode == 0, 'this needs an index of packages with hatchling')
        raise
    with zipfile.ZipFile(wheel) as archive:
        name = 'mailman_trustedserver/shared_senders.json'
        assert archive.read(name) == (ROOT / 'src' / name).read_bytes()


# The age of the file.


def test_file_is_as_old_as_its_newest_source():
    assert file_date() == max(sender.date for sender in SENDERS)


def test_file_is_old_after_a_year():
    known = file_date()
    anniversary = known.replace(year=known.year + 1)
    assert not is_old(known)
    assert not is_old(anniversary)
    assert is_old(anniversary + timedelta(days=1))
    assert not is_old(known - timedelta(days=1))


def test_leap_days_have_an_age():
    assert not is_old(date(2024, 2, 29))
    assert is_old(date(2028, 2, 29))


# Lists that name their addresses.


def test_microsoft_365_is_named_with_the_key_that_is_right():
    ((entry, sender),) = shared_with(AddressList.parse(['192.0.2.1', '40.107.22.52']))
    assert entry == '40.107.22.52'
    assert sender.name == 'Microsoft 365'
    assert sender.key == 'microsoft_365_tenants'


def test_google_is_named_with_the_key_that_is_right():
    ((entry, sender),) = shared_with(AddressList.parse(['209.85.128.0/17']))
    assert sender.name == 'Google Workspace'
    assert sender.key == 'dkim_remote_servers'


@pytest.mark.parametrize(
    'entries',
    [
        '',
        '192.168.10.1 2001:db8::1',
        '192.0.2.0/24 203.0.113.7 10.0.0.0/8 fd00::/8',
        '127.0.0.1 ::1',
        r'^192\.168\.10\.[34]$ ^10\. ^fd00:',
        # Beside a range, on both sides.
        '40.91.255.255 40.94.0.0 2a01:111:f3ff:ffff:ffff:ffff:ffff:ffff',
        '40.88.0.0/14 40.94.0.0/15',
        # An exclusion alone puts nothing on a list.
        '!40.92.0.0/15 192.0.2.1',
    ],
)
def test_own_servers_give_nothing(entries):
    assert named(*entries.split()) == []


@pytest.mark.parametrize(
    'entry',
    [
        '40.92.0.0',
        '40.93.255.255',
        '40.92.7.0/24',
        '40.92.0.0/15',
        '40.92.0.0/255.254.0.0',
        '40.64.0.0/10',
        '::ffff:40.92.0.1',
        '::ffff:40.92.7.0/120',
        '2a01:111:f400::25',
        '2a01:111:f403:8000::/52',
        '2a01:100::/24',
        r'^40\.92\.',
        r'^40\.92\.7\.',
        r'^40\.93\.255\.255$',
        '^2a01:111:f4',
    ],
)
def test_entry_within_around_or_equal(entry):
    assert named(entry) == [(entry, 'Microsoft 365')]


def test_network_that_overlaps_with_many_names_each():
    names = [name for entry, name in named('0.0.0.0/0')]
    assert names == [
        sender.name
        for sender in SENDERS
        if any(network.version == 4 for network in networks(sender))
    ]
    assert [name for entry, name in named('::/0')] == [
        'Microsoft 365',
        'Google Workspace',
    ]


def test_pairs_come_in_the_order_of_the_list_and_once():
    assert named('74.125.1.1', '40.92.0.1', '192.0.2.1', '74.125.1.1') == [
        ('74.125.1.1', 'Google Workspace'),
        ('40.92.0.1', 'Microsoft 365'),
    ]


def test_expression_that_matches_many():
    names = [name for entry, name in named('^.')]
    assert names == [sender.name for sender in SENDERS]


def test_expression_for_a_single_address_within_a_block_is_not_found():
    # The bound that the documentation states.
    assert named(r'^40\.107\.22\.52$') == []


@pytest.mark.parametrize(
    ('entries', 'expected'),
    [
        # All of it, by a network as wide, by a wider one, by parts.
        ('40.107.22.52 !40.107.0.0/16', ''),
        ('40.107.0.0/16 !40.0.0.0/8', ''),
        ('40.107.0.0/16 !40.107.0.0/17 !40.107.128.0/17', ''),
        ('2a01:111:f400::/48 !2a01:111:f400::/48', ''),
        # Not all of it: the start, the end, or the middle is left.
        ('40.107.0.0/16 !40.107.0.0/17', '40.107.0.0/16'),
        ('40.107.0.0/16 !40.107.128.0/17', '40.107.0.0/16'),
        ('40.107.0.0/16 !40.107.0.0 !40.107.255.255', '40.107.0.0/16'),
        ('40.107.22.0/24 !40.107.22.0/25 !40.107.22.192/26', '40.107.22.0/24'),
        # What is excluded lies elsewhere.
        ('40.107.22.52 !40.92.0.0/15 !2a01:111::/32', '40.107.22.52'),
        # For an expression.
        (r'^40\.107\. !40.107.0.0/16', ''),
        (r'^40\.107\. !40.107.0.0/17', r'^40\.107\.'),
        # By an expression.
        (r'40.107.22.0/24 !^40\.107\.22\.', ''),
        (r'40.107.22.0/23 !^40\.107\.22\.', '40.107.22.0/23'),
        (r'^40\.107\. !^40\.', ''),
        (r'^40\.107\. !^40\.107\.22\.', r'^40\.107\.'),
        (r'2a01:111:f400::/48 !^2a01:', ''),
        (r'40.107.22.52 !^192\.', '40.107.22.52'),
    ],
)
def test_exclusions(entries, expected):
    assert [entry for entry, name in named(*entries.split())] == expected.split()


microsoft = list(map(ip_network, microsoft_365_networks()))
near_microsoft = st.one_of(
    st.ip_addresses(v=4, network='40.92.0.0/14'),
    st.ip_addresses(v=4, network='52.96.0.0/13'),
)
near_networks = st.builds(
    lambda address, prefix: ip_network((address, prefix), strict=False),
    near_microsoft,
    st.integers(12, 32),
)


@given(near_networks, st.lists(near_networks, max_size=4))
def test_network_agrees_with_set_arithmetic(included, excluded):
    wanted = [included]
    for hole in excluded:
        wanted = [
            piece
            for network in wanted
            for piece in (
                network.address_exclude(hole)
                if hole.subnet_of(network)
                else ()
                if network.subnet_of(hole)
                else (network,)
            )
        ]
    expected = any(
        piece.overlaps(network)
        for piece in wanted
        for network in microsoft
        if network.version == 4
    )
    names = [name for _, name in named(str(included), *(f'!{one}' for one in excluded))]
    assert names == ['Microsoft 365'] * expected


@given(near_microsoft)
def test_address_agrees_with_the_list_of_the_sender(address):
    sender = SENDERS[0]
    assert bool(named(str(address))) == (address in sender.addresses)


def test_range_between_two_addresses_is_read_as_its_networks():
    entries = [
        str(network)
        for network in summarize_address_range(
            ip_address('40.91.255.250'), ip_address('40.92.0.5')
        )
    ]
    assert [entry for entry, _ in named(*entries)] == ['40.92.0.0/30', '40.92.0.4/31']
