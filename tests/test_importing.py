# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`mailman trustedserver import`: what other systems trust, carried over.

Each source has a model here that knows nothing of the importer: it asks the
entries one after the other, as the source does.  What is printed must load, and
give the model's answer.
"""

import errno
import os
import pty
import pytest
import random
import re
import subprocess
import sys

from dev.benchmarks.original import listed
from dev.site.posts import ROOT
from ipaddress import ip_address, ip_network
from mailman_trustedserver.advice.importing import Unusable
from mailman_trustedserver.advice.mailman_2 import import_mailman_2
from mailman_trustedserver.advice.postfix import import_postfix
from mailman_trustedserver.advice.rspamd import import_rspamd
from mailman_trustedserver.advice.spamassassin import import_spamassassin
from mailman_trustedserver.advice.spf import import_spf, read_domain
from mailman_trustedserver.scopes import parse_configuration
from mailman_trustedserver.settings import FILE_SECTION, read_sections
from mailman_trustedserver.shared_senders import load
from tests.conftest import invoke, section
from tests.test_resolver import NameServer
from tests.told import assert_told


SEEDS = range(12)
ADDRESSES = 1000


def text_of(snippet):
    return ''.join(f'{line}\n' for line in snippet.lines())


def uncommented(text):
    """The text with its candidates made keys."""
    return re.sub(r'^#(?=\w+:$|    )', '', text, flags=re.MULTILINE)


def policy_of(text):
    """The policy of a configuration that a snippet was pasted into."""
    sections = read_sections(f'[{FILE_SECTION}]\n{text}', 'test.cfg')
    return parse_configuration(sections, 'test.cfg', FILE_SECTION).site.policy


def left_out(text):
    """What is said not to be carried over: the place, the item and why."""
    return re.findall('^# Not carried over: (.*)', text, re.MULTILINE)


class Random(random.Random):
    """Random networks that meet each other, and addresses in and near them."""

    def network(self):
        """A network of a small part of the space, so that many overlap."""
        if self.random() < 0.3:
            length = self.choice([32, 40, 48, 64, 126, 127, 128])
            number = 0x20010DB8 << 96 | self.getrandbits(2) << 88 | self.getrandbits(2)
            return ip_network((number >> (128 - length) << (128 - length), length))
        length = self.choice([8, 15, 16, 22, 24, 29, 30, 31, 32])
        number = 10 << 24 | self.getrandbits(2) << 16 | self.getrandbits(3)
        return ip_network((number >> (32 - length) << (32 - length), length))

    def addresses(self, networks):
        """Addresses at and around the ends of networks, and any others."""
        near = [
            ip_address(number)
            for network in networks
            for end in (int(network[0]), int(network[-1]))
            for number in (end - 1, end, end + 1, end + self.getrandbits(9))
            if number >= 2**32 or network.version == 4
        ]
        while len(near) < ADDRESSES:
            network = self.choice(networks)
            host = self.getrandbits(network.max_prefixlen - network.prefixlen)
            near.append(network[0] + host)
            near.append(ip_address(self.getrandbits(32)))
            near.append(ip_address(0x2001 << 112 | self.getrandbits(112)))
        return near


# Mailman 2


def mm2(text):
    return text_of(import_mailman_2(text.encode(), 'mm_cfg.py'))


def as_the_handler_saw(address):
    return str(address) if address.version == 4 else f'IPv6:{address.exploded}'


@pytest.mark.parametrize('seed', SEEDS)
def test_mailman_2_is_carried_over(seed):
    rng = Random(seed)
    networks = [rng.network() for _ in range(20)]
    entries = {'TRUSTEDLOCALSERVER': [], 'TRUSTEDREMOTESERVER': []}
    for network in networks:
        address = as_the_handler_saw(network[0])
        expression = '^' + re.escape(address)
        whole = address
        if network.version == 4:
            whole = rng.choice(
                [
                    address,
                    expression,
                    expression + '$',
                    expression.rpartition('.')[0] + '.',
                    '^' + address,
                    f'^{address[:3]}',
                    f'^{address[0]}|^2',
                    f'^({re.escape(address[:5])}|2)',
                    r'^10\.[12]\.\d+\.\d$',
                ]
            )
        entries[rng.choice(list(entries))].append(whole)
    text = mm2(''.join(f'{name} = {value!r}\n' for name, value in entries.items()))
    assert not left_out(text)
    policy = policy_of(text)
    for address in rng.addresses(networks):
        seen = as_the_handler_saw(address)
        assert (address in policy.local) == listed(seen, entries['TRUSTEDLOCALSERVER'])
        assert (address in policy.remote) == listed(
            seen, entries['TRUSTEDREMOTESERVER']
        )


@pytest.mark.parametrize(
    ('source', 'local', 'remote'),
    [
        ("TRUSTEDLOCALSERVER = ['127.0.0.1', '10.0.0.1']", '127.0.0.1 10.0.0.1', ''),
        ("TRUSTEDREMOTESERVER: list = ('10.0.0.1',)", '', '10.0.0.1'),
        ("TRUSTEDLOCALSERVER = TRUSTEDREMOTESERVER = ['10.0.0.1']", *['10.0.0.1'] * 2),
        (
            "A = ['10.0.0.1']\nB = A + ['10.0.0.2']\nTRUSTEDLOCALSERVER = B\n"
            "TRUSTEDLOCALSERVER += ['10.0.0.3']",
            '10.0.0.1 10.0.0.2 10.0.0.3',
            '',
        ),
        # A later assignment counts.
        (
            "TRUSTEDLOCALSERVER = ['10.0.0.1']\nTRUSTEDLOCALSERVER = ['10.0.0.2']",
            '10.0.0.2',
            '',
        ),
        (r"TRUSTEDLOCALSERVER = ['^10\.0\.0\.1$']", r'^10\.0\.0\.1$', ''),
        (r"TRUSTEDLOCALSERVER = [r'^10\.0\.' '0\.1']", r'^10\.0\.0\.1', ''),
        (
            "TRUSTEDLOCALSERVER = ['IPv6:2001:0DB8:0000:0000:0000:0000:0000:0001']",
            '2001:db8::1',
            '',
        ),
        (
            'from Defaults import *\nQRUNNERS = [("ArchRunner", 1), f()]\n'
            "TRUSTEDLOCALSERVER = ['10.0.0.1']\nPATH = f(QRUNNERS)",
            '10.0.0.1',
            '',
        ),
    ],
)
def test_lists_of_mailman_2_are_read_without_running_it(source, local, remote):
    text = mm2(source)
    assert not left_out(text)
    policy = policy_of(text)
    assert policy.local.entries == tuple(local.split())
    assert policy.remote.entries == tuple(remote.split())


@pytest.mark.parametrize(
    ('item', 'why'),
    [
        ("['10.0.0.']", 'no address was written so'),
        ("['relay.example.org']", 'no address was written so'),
        # The handler found IPv6 addresses in full only, and read ::1 as 127.0.0.1.
        ("['IPv6:2001:db8::1']", 'no address was written so'),
        ("['IPv6:::1']", 'no address was written so'),
        ("['2001:db8::1']", 'no address was written so'),
        ("['^IPv6:2001']", 'no address has'),
        ("['^10[']", 'is not a regular expression'),
        ("['^10[ ]']", 'characters that no address has'),
        ("['^10[\\x00]']", 'characters that no address has'),
        ("['^10[é]']", 'characters that no address has'),
        (r"[r'^(\d+)+\.$']", 'may run long'),
        ('[RELAY]', 'this is no string'),
        ('[*RELAYS]', 'this is no string'),
        ("[b'10.0.0.1']", 'this is no string'),
        ("'10.0.0.1'", 'only a run of the program'),
        ('read()', 'only a run of the program'),
        ('Defaults.A + []', 'only a run of the program'),
    ],
)
def test_what_cannot_be_carried_over_from_mailman_2_is_said(item, why):
    text = mm2(f"TRUSTEDLOCALSERVER = {item}\nTRUSTEDREMOTESERVER = ['10.0.0.1']")
    (line,) = left_out(text)
    assert line.startswith('mm_cfg.py:1: ')
    assert why in line
    policy = policy_of(text)
    assert policy.local.entries == ()
    assert policy.remote.entries == ('10.0.0.1',)


@pytest.mark.parametrize('count', [300, 1500, 20_000])
def test_sum_without_end_is_no_failure(count):
    # How deep Python itself goes depends on its version.
    try:
        text = mm2('TRUSTEDLOCALSERVER = ' + ' + '.join(["['10.0.0.1']"] * count))
    except Unusable as error:
        assert count > 300
        assert str(error).startswith('mm_cfg.py:1: this is no Python 3')
    else:
        assert policy_of(text).local.entries or left_out(text)


@pytest.mark.parametrize(
    'statement',
    [
        "TRUSTEDLOCALSERVER.append('10.0.0.2')",
        "if MTA:\n    TRUSTEDLOCALSERVER = ['10.0.0.2']",
        "TRUSTEDLOCALSERVER[0] = '10.0.0.2'",
        'TRUSTEDLOCALSERVER, X = [], []',
        'del TRUSTEDLOCALSERVER[:]',
        'X = TRUSTEDLOCALSERVER.pop()',
        'TRUSTEDLOCALSERVER *= 0',
    ],
)
def test_list_of_mailman_2_that_a_program_changes_is_not_taken(statement):
    text = mm2(f"TRUSTEDLOCALSERVER = ['10.0.0.1']\n{statement}")
    (line,) = left_out(text)
    assert line.startswith(f'mm_cfg.py:2: {statement.splitlines()[0]}: only a run')
    assert policy_of(text).local.entries == ()


@pytest.mark.parametrize(
    ('entry', 'warning'),
    [
        (r'^192\.168\.10\.1', 'begins so, such as 192.168.10.177'),
        (r'^192\.168\.10\.25', 'begins so, such as 192.168.10.250'),
        (r'^192.168.10.', 'begins so, such as 192.168.10.77'),
        (r'^192\.168\.10\.255', 'begins so, such as 192.168.10.255'),
        (r'^192\.168', 'every address that begins so\n'),
        (r'^(?!1)10.0.0.1', 'every address that begins so\n'),
        ('^10.0.0.1|^$', ''),
        (r'^192\.168\.10\.1$', ''),
    ],
)
def test_expression_without_an_end_is_warned_of(entry, warning):
    text = mm2(f'TRUSTEDLOCALSERVER = [{entry!r}]')
    assert ('Warning: ' in text) == bool(warning)
    assert warning in text


def test_example_of_a_warning_is_what_the_expression_matches():
    # The canonical text of 0::177 is another one.
    assert 'such as' not in mm2("TRUSTEDLOCALSERVER = ['^0::1']")


@pytest.mark.parametrize(
    ('source', 'problem'),
    [
        ('print "x"\n', 'mm_cfg.py:1: this is no Python 3'),
        ('\nos.umask(002)\n', 'mm_cfg.py:2: this is no Python 3'),
        ('x = ' + '(' * 300, 'mm_cfg.py:1: this is no Python 3'),
        ('x = ' + '-' * 10_000 + '1', 'mm_cfg.py:1: this is no Python 3'),
        ("MTA = 'Postfix'", 'gives no entries to TRUSTEDLOCALSERVER'),
        ('TRUSTEDLOCALSERVER = []', 'gives no entries to TRUSTEDLOCALSERVER'),
    ],
)
def test_unusable_mm_cfg_is_a_clear_error(source, problem):
    with pytest.raises(Unusable, match=re.escape(problem)):
        mm2(source)


def test_text_of_a_source_does_not_leave_its_comment():
    text = mm2("TRUSTEDLOCALSERVER = ['a\\n[plugin.x]\\r\\u2028\\x85', '10.0.0.1']")
    assert text.isascii()
    assert [line for line in text.splitlines() if not line.startswith('#')] == [
        'trusted_local_servers:',
        '    10.0.0.1',
    ]


# SpamAssassin


def spamassassin(text, name='local.cf'):
    return text_of(import_spamassassin([(name, text)]))


def first(address, entries):
    for network, included in entries:
        if address in network:
            return included
    return False


def narrowest(address, entries):
    """The narrowest entry, and the last of several equal ones."""
    found = (-1, False)
    for network, included in entries:
        if address in network and network.prefixlen >= found[0]:
            found = (network.prefixlen, included)
    return found[1]


def spamassassin_entry(rng, network):
    """A network as people write it."""
    if network.version == 6:
        return rng.choice(
            [str(network), '[{}%eth0]/{}'.format(*str(network).split('/'))]
        )
    numbers = str(network[0]).split('.')
    texts = [str(network), '0' + str(network)]
    if network.prefixlen == 32:
        texts.append(str(network[0]))
    for count in (1, 2, 3):
        if network.prefixlen == 8 * count:
            texts += ['.'.join(numbers[:count]), '.'.join(numbers[:count]) + '.']
        if network.prefixlen <= 8 * count:
            texts.append(f'{".".join(numbers[:count])}/{network.prefixlen}')
    texts.append(f'{network[-1]}/{network.prefixlen}')
    texts.append(f'{network[0]}-{network[-1]}')
    return rng.choice(texts)


LOOPBACK = [(ip_network('127.0.0.0/8'), True), (ip_network('::1'), True)]


@pytest.mark.parametrize('seed', SEEDS)
@pytest.mark.parametrize('in_order', [True, False])
def test_spamassassin_is_carried_over(seed, in_order):
    rng = Random(seed)
    lists = {}
    lines = []
    for key in ('trusted_networks', 'internal_networks', 'msa_networks'):
        lists[key] = [(rng.network(), rng.random() < 0.7) for _ in range(12)]
        if in_order:
            # As its manual wants it: the narrower ones come first.
            lists[key] = list(dict(lists[key]).items())
            lists[key].sort(key=lambda entry: -entry[0].prefixlen)
        words = [
            '!' * (not included) + spamassassin_entry(rng, network)
            for network, included in lists[key]
        ]
        lines += [f'{key} {" ".join(words[:6])}', f'  {key}\t{" ".join(words[6:])} # x']
    text = spamassassin('\n'.join(lines))
    assert not left_out(text)
    assert ('Net::Patricia' in text) <= (not in_order)
    policy = policy_of(text)

    def answers(address, key):
        entries = [*(LOOPBACK if key != 'msa_networks' else []), *lists[key]]
        return first(address, entries) and narrowest(address, entries)

    networks = [network for one in lists.values() for network, _ in one]
    for address in rng.addresses([*networks, ip_network('127.0.0.0/8')]):
        assert (address in policy.local) == (
            answers(address, 'trusted_networks')
            or answers(address, 'internal_networks')
        )
        assert (address in policy.authenticated) == answers(address, 'msa_networks')


@pytest.mark.parametrize(
    ('lines', 'local'),
    [
        ('trusted_networks 10.1/16', '10.1.0.0/16'),
        ('TRUSTED-networks 10.1.', '10.1.0.0/16'),
        ('trusted_networks 10.1.2.3/255.255.0.0', '10.1.0.0/16'),
        ('trusted_networks ::ffff:10.1.2.3', '10.1.2.3'),
        ('trusted_networks 10.0.0.1-10.0.0.2', '10.0.0.1 10.0.0.2'),
        ('trusted_networks !10.0.0.1 10.0.0.0/31', '10.0.0.0'),
        ('trusted_networks ! 10.0.0.1 10.0.0.0/31', '10.0.0.0'),
        ('internal_networks 10.0.0.1 # 10.0.0.2', '10.0.0.1'),
        ('trusted_networks 10.0.0.1\ninternal_networks 10.0.0.9', '10.0.0.1 10.0.0.9'),
        ('trusted_networks 10.0.0.1\nclear_trusted_networks', None),
        (
            'trusted_networks 10.0.0.1\nclear_trusted_networks\n'
            'trusted_networks 10.0.0.2',
            '10.0.0.2',
        ),
        # Whatever becomes of a condition, nothing more is trusted.
        (
            'if 1\ntrusted_networks 10.0.0.1\nendif\ntrusted_networks 10.0.0.2',
            '10.0.0.2',
        ),
        (
            'ifplugin X\nif 1\ntrusted_networks !10.0.0.1\nendif\nendif\nendif\n'
            'trusted_networks 10.0.0.0/31',
            '10.0.0.0',
        ),
        (
            'trusted_networks !10.0.0.1 10.0.0.8\nif 1\nclear_trusted_networks\nendif\n'
            'trusted_networks 10.0.0.0/31',
            '10.0.0.0',
        ),
        ('lang de trusted_networks 10.0.0.1\ntrusted_networks 10.0.0.2', '10.0.0.2'),
    ],
)
def test_syntax_of_spamassassin_is_read(lines, local):
    policy = policy_of(spamassassin(lines))
    expected = set() if local is None else {*local.split(), '127.0.0.0/8', '::1'}
    assert set(policy.local.entries) == expected


@pytest.mark.parametrize(
    ('line', 'item'),
    [
        ('trusted_networks mail.example.org', 'mail.example.org'),
        ('trusted_networks 10.0.0.1,', '10.0.0.1,'),
        ('trusted_networks 1.2.3.4.', '1.2.3.4.'),
        ('trusted_networks 1.2.3.4.5', '1.2.3.4.5'),
        ('trusted_networks 256.1.1.1', '256.1.1.1'),
        ('trusted_networks 10.0.0.0/0.0.0.255', '10.0.0.0/0.0.0.255'),
        ('trusted_networks 10.0.0.0/', '10.0.0.0/'),
        ('trusted_networks 10.0.0.0/33', '10.0.0.0/33'),
        ('trusted_networks 10.0.0.1-::1', '10.0.0.1-::1'),
        ('trusted_networks 10.0.0.2-10.0.0.1', '10.0.0.2-10.0.0.1'),
        ('trusted_networks !', '!'),
        ('include other.cf', 'include other.cf'),
    ],
)
def test_what_cannot_be_carried_over_from_spamassassin_is_said(line, item):
    text = spamassassin(f'{line}\nmsa_networks 10.9.9.9')
    (line,) = left_out(text)
    assert line.startswith(f'local.cf:1: {item}: ')
    policy = policy_of(text)
    assert policy.local.entries == ()
    assert policy.authenticated.entries == ('10.9.9.9',)


def test_several_files_of_spamassassin_are_one_configuration():
    text = text_of(
        import_spamassassin(
            [
                ('a.cf', 'trusted_networks !10.0.0.1'),
                ('b.cf', 'trusted_networks 10.0.0.0/31'),
            ]
        )
    )
    assert '# b.cf:1: trusted_networks 10.0.0.0/31\n' in text
    assert '10.0.0.0' in policy_of(text).local.entries


@pytest.mark.parametrize(
    ('lines', 'warning'),
    [
        ('trusted_networks 10.0.0.0/24', 'list servers one by one'),
        ('trusted_networks 10.0.0.1', None),
        ('trusted_networks 10.0.0.1\nmsa_networks 10.0.0.1', 'local servers, too'),
        ('trusted_networks 10.0.0.1\nmsa_networks 10.0.0.2', None),
    ],
)
def test_what_is_seldom_meant_in_spamassassin_is_warned_of(lines, warning):
    text = spamassassin(lines)
    assert ('Warning' in text) == (warning is not None)
    assert (warning or '') in text


def test_file_without_networks_of_spamassassin_is_a_clear_error():
    with pytest.raises(Unusable, match=r'local\.cf: there is no trusted_networks'):
        spamassassin('required_score 5')


# Postfix


def postfix(text, files=()):
    def read_file(name):
        if name not in files:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return files[name]

    return text_of(import_postfix(text, '-', read_file))


def postfix_pattern(network):
    text = str(network[0] if network.prefixlen == network.max_prefixlen else network)
    address, slash, length = text.partition('/')
    return f'[{address}]{slash}{length}' if network.version == 6 else text


@pytest.mark.parametrize('seed', SEEDS)
def test_candidates_of_postfix_are_its_own_answer(seed):
    rng = Random(seed)
    entries, words, lines, files = [], [], [], {}
    for _ in range(8):
        network, marks = rng.network(), rng.choice(['', '', '!', '!!'])
        entries.append((network, marks != '!'))
        words.append(marks + postfix_pattern(network))
    for negated in (False, True):
        for _ in range(4):
            network, included = rng.network(), rng.random() < 0.5
            entries.append((network, included != negated))
            lines.append('!' * (not included) + postfix_pattern(network))
        files[f'/etc/{negated}'] = '# comment\n' + '\n'.join(lines[-4:])
        words.append('!' * negated + f'/etc/{negated}')
    text = postfix(rng.choice([', ', ' ', ',']).join(words), files)
    assert not left_out(text)
    assert policy_of(text).local.entries == ()
    local = policy_of(uncommented(text)).local
    for address in rng.addresses([network for network, _ in entries]):
        assert (address in local) == first(address, entries)


@pytest.mark.parametrize(
    ('pattern', 'why'),
    [
        ('hash:/etc/postfix/network_table', 'a table'),
        ('!hash:/etc/postfix/network_table', 'is not excluded from what follows'),
        ('cidr:{{10.0.0.0/8 OK}, {10.9.0.0/16 OK}}', 'a table'),
        ('inline:{ 10.0.0.2=x', 'a table'),
        ('2001:db8::1', 'wants in brackets'),
        ('2001:db8::/32', 'wants in brackets'),
        ('mail.example.org', 'a name, which can be forged'),
        ('.example.org', 'a name, which can be forged'),
        ('!mail.example.org', 'is not excluded from what follows'),
        ('${other_networks}', 'a parameter'),
        ('10.1', 'no address and no network'),
        ('256.1.1.1', 'no address and no network'),
        ('10.0.0.0/33', 'no address and no network'),
        ('10.0.0.0/255.0.0.0', 'no address and no network'),
        ('[2001:db8::/32', 'no address and no network'),
        ('[::ffff:10.0.0.0]/104', 'no address and no network'),
        ('10.1.2.3/8', 'host bits are set, which Postfix refuses; 10.0.0.0/8'),
        ('[2001:db8::1]/32', 'host bits are set'),
        ('/etc/nowhere', 'No such file or directory'),
        ('!/etc/nowhere', 'is not excluded from what follows'),
        ('/etc/loop', 'the file names itself'),
        ('!', 'a name'),
    ],
)
def test_what_cannot_be_read_of_postfix_is_said(pattern, why):
    files = {'/etc/loop': '/etc/loop2', '/etc/loop2': '!/etc/loop'}
    text = postfix(f'10.0.0.1, {pattern}', files)
    (line,) = left_out(text)
    assert why in line
    assert policy_of(uncommented(text)).local.entries == ('10.0.0.1',)


@pytest.mark.parametrize(
    ('text', 'entries'),
    [
        ('mynetworks = 10.0.0.1\n', '10.0.0.1'),
        ('10.0.0.1\n    10.0.0.9\n', '10.0.0.1 10.0.0.9'),
        ('10.0.0.1 # 10.0.0.9', '10.0.0.1'),
        ('[10.0.0.1] [10.9.0.0]/16', '10.0.0.1 10.9.0.0/16'),
        ('10.0.0.0/08 [2001:db8::/32]', '10.0.0.0/8 2001:db8::/32'),
        ('0.0.0.0/0', '0.0.0.0/0'),
        ('!10.0.0.1', ''),
    ],
)
def test_syntax_of_postfix_is_read(text, entries):
    assert policy_of(uncommented(postfix(text))).local.entries == tuple(entries.split())


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('mynetworks =\n', 'mynetworks is empty'),
        ('smtpd_banner = x\nmynetworks = 10.0.0.1\n', 'this is not what `postconf'),
    ],
)
def test_what_is_no_output_of_postconf_is_a_clear_error(text, problem):
    with pytest.raises(Unusable, match=problem):
        postfix(text)


# rspamd


def rspamd(text):
    return text_of(import_rspamd([('options.inc', text)]))


@pytest.mark.parametrize('seed', SEEDS)
def test_candidates_of_rspamd_are_its_own_answer(seed):
    rng = Random(seed)
    networks = [rng.network() for _ in range(12)]
    words = [
        rng.choice([str(one), f'"{one}"', f"'{one}'", f'{one[-1]}/{one.prefixlen}'])
        for one in networks
    ]
    one, other = ', '.join(words[:6]), ',\n'.join(words[6:])
    text = rspamd(
        rng.choice(
            [
                f'local_addrs = [{one}];\nlocal_addrs [{other}]\n',
                f'{{"options": {{"local_addrs": [{one}]}}, ip_map: [{other}]}}',
                f'options {{ local_addrs = [{one},]; }}\n'
                f'rules "A" {{ strategy = "ip_map"; ip_map = [\n{other}\n] }}',
            ]
        )
    )
    assert not left_out(text)
    assert policy_of(text).local.entries == ()
    local = policy_of(uncommented(text)).local
    for address in rng.addresses(networks):
        assert (address in local) == any(address in network for network in networks)


@pytest.mark.parametrize(
    ('text', 'entries'),
    [
        ('local_addrs = 10.0.0.1', '10.0.0.1'),
        (
            'local_addrs = "10.0.0.1, 10.0.0.9; 10.1.0.0/16"',
            '10.0.0.1 10.0.0.9 10.1.0.0/16',
        ),
        ('local_addrs = <<EOD\n10.0.0.1\n10.0.0.9\nEOD\n;', '10.0.0.1 10.0.0.9'),
        ('/* a /* b */ local_addrs = 10.0.0.9; */ local_addrs = 10.0.0.1;', '10.0.0.1'),
        ('# local_addrs = 10.0.0.9\n"local_addrs" = 10.0.0.1', '10.0.0.1'),
        ('other = [[1, {x = 2}], 3]; local_addrs = 10.0.0.1', '10.0.0.1'),
        ('a = "x \\" ] \n local_addrs = 1.1.1.1"; local_addrs = 10.0.0.1', '10.0.0.1'),
        ('my_local_addrs = 10.0.0.9; local_addrs = 10.0.0.1', '10.0.0.1'),
    ],
)
def test_syntax_of_rspamd_is_read(text, entries):
    assert policy_of(uncommented(rspamd(text))).local.entries == tuple(entries.split())


@pytest.mark.parametrize(
    ('text', 'item'),
    [
        ('local_addrs = "/etc/rspamd/local.map"', 'local_addrs /etc/rspamd/local.map'),
        ('local_addrs = $CONFDIR/local.map', 'local_addrs $CONFDIR/local.map'),
        ('local_addrs = "https://example.org/x"', 'local_addrs https://example.org/x'),
        ('local_addrs { url = "https://example.org/x" }', 'url https://example.org/x'),
        ('local_addrs = [mail.example.org]', 'mail.example.org'),
        ('local_addrs = [!10.0.0.2]', '!10.0.0.2'),
        ('local_addrs = ["::ffff:10.0.0.0/104"]', '::ffff:10.0.0.0/104'),
        ('hostname_map = ["mail.example.org"]', 'hostname_map mail.example.org'),
        ('.include(try=true) "x.inc"', '.include(try=true) "x.inc"'),
    ],
)
def test_what_cannot_be_read_of_rspamd_is_said(text, item):
    text = rspamd(f'{text}\nip_map = 10.0.0.1')
    (line,) = left_out(text)
    assert line.startswith(f'options.inc:1: {item}: ')
    assert policy_of(uncommented(text)).local.entries == ('10.0.0.1',)


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('a = 1;\nlocal_addrs = [10.0.0.1', r'options\.inc:2: ] is missing'),
        ('options {\n', r'options\.inc:2: } is missing'),
        ('a = 1;\n/* x', r'options\.inc:2: a comment is not closed'),
        ('}', r'options\.inc:1: a key is expected'),
        ('[1]', r'options\.inc:1: a key is expected'),
        ('a = ]', r'options\.inc:1: a value is expected'),
        ('a = "x', r'options\.inc:1: a value is expected'),
        ('a = <<EOD\nx\nEODx', r'options\.inc:2: <<EOD is not closed'),
        ('a {' * 101, 'more than 100 braces'),
        ('a [' + '[' * 100, 'more than 100 braces'),
        ('filters = "x";', r'options\.inc: there is no local_addrs'),
    ],
)
def test_unusable_file_of_rspamd_is_a_clear_error(text, problem):
    with pytest.raises(Unusable, match=problem):
        rspamd(text)


# SPF


class Error(Exception):
    """A receiver takes a record for an error (permerror)."""


def check_host(address, domain, zone):
    """What RFC 7208 says of an address: whether the record passes it."""
    records = zone.get(domain)
    if records is None:
        raise Error
    terms = records.split()[1:]
    redirect = None
    for term in terms:
        qualifier, mechanism = (
            ('+', term) if term[0] not in '+-~?' else (term[0], term[1:])
        )
        name, _, value = mechanism.partition(':')
        if '=' in mechanism:
            redirect = mechanism[len('redirect=') :] if name[0] == 'r' else redirect
            continue
        if name == 'include':
            found = check_host(address, value, zone)
        elif name == 'all':
            found = True
        else:
            network = ip_network(value, strict=False)
            found = address.version == network.version and address in network
        if found:
            return qualifier == '+'
    if redirect is not None:
        return check_host(address, redirect, zone)
    return False


def spf(zone, domain='example.org'):
    def lookup(name):
        text = zone.get(name.decode().rstrip('.'))
        return set() if text is None else {b'other', text.encode()}

    return text_of(import_spf(domain, lookup))


SHARED = [
    ip_network(entry)
    for sender in load()
    if sender.name in ('Microsoft 365', 'Google Workspace', 'Fastmail')
    for entry in sender.addresses.entries
]


@pytest.mark.parametrize('seed', SEEDS)
def test_spf_is_carried_over(seed):
    rng = Random(seed)
    zone, networks = {}, []
    names = ['example.org', '_spf.example.org', 'a.example.net', 'b.example.net']
    # Each refers to later ones only.
    for position, name in enumerate(names):
        terms = ['v=spf1']
        for _ in range(rng.randrange(2, 7)):
            network = rng.choice([rng.network(), rng.choice(SHARED)])
            if rng.random() < 0.2:
                network = network.supernet()
            networks.append(network)
            terms.append(f'{rng.choice("  +-~?")}ip{network.version}:{network}'.strip())
        for other in names[position + 1 :]:
            if rng.random() < 0.5:
                term = f'{rng.choice("  -")}include:{other}'.strip()
                terms.insert(rng.randrange(1, len(terms) + 1), term)
        terms.append(rng.choice(['-all', '~all', '?all', f'redirect={names[-1]}']))
        if position == len(names) - 1:
            terms[-1] = rng.choice(['-all', 'exp=x.example.org'])
        zone[name] = ' '.join(terms)
    if rng.random() < 0.4:
        del zone[names[-1]]
    try:
        text = spf(zone)
    except Unusable as error:
        assert names[-1] not in zone
        assert 'more than 2 terms' in str(error)
        return
    policy = policy_of(text)
    assert policy.remote.entries == policy.dedicated.entries == ()
    assert policy.local.entries == policy.microsoft_365.entries == ()
    candidates = policy_of(uncommented(text))
    dkim = ip_network('209.85.128.0/17')
    for address in rng.addresses([*networks, dkim]):
        try:
            passes = check_host(address, 'example.org', zone)
        except Error:
            passes = False
        service = [sender.key for sender in load() if address in sender.addresses]
        found = {
            '': address in policy.authenticated,
            'dkim_remote_servers': address in policy.dkim,
            'microsoft_365_tenants': address in candidates.microsoft_365,
        }
        expected = dict.fromkeys(found, False)
        expected[''.join(service)] = passes
        if names[-1] in zone:
            assert found == expected
        else:
            # A receiver that stops with an error passes none of what follows; here
            # all that follows is left out, for whatever address it stops.
            assert all(expected[key] for key, is_there in found.items() if is_there)


def test_domain_of_spf_is_the_only_one_in_from():
    policy = policy_of(spf({'example.org': 'v=spf1 ip4:192.0.2.1 -all'}))
    assert policy.sender_domains == {'example.org'}
    assert policy.authenticated.entries == ('192.0.2.1',)


@pytest.mark.parametrize(
    ('term', 'item'),
    [
        ('a', 'a'),
        ('A:mail.example.org/24', 'A:mail.example.org/24'),
        ('mx', 'mx'),
        ('mx/24', 'mx/24'),
        ('-mx', '-mx'),
        ('ptr', 'ptr'),
        ('exists:%{i}.example.org', 'exists:%{i}.example.org'),
        ('include:%{d}.example.net', 'include:%{d}.example.net'),
        ('redirect=%{d}.example.net', 'redirect=%{d}.example.net'),
        ('-ip4:192.0.2.9', '-ip4:192.0.2.9'),
        ('~ip4:192.0.2.9', '~ip4:192.0.2.9'),
        ('?include:x.example.org', '?include:x.example.org'),
        ('ip4:0.0.0.0/0', 'ip4:0.0.0.0/0'),
        ('ip6:::/0', 'ip6:::/0'),
        ('ip6:::ffff:192.0.2.9', 'ip6:::ffff:192.0.2.9'),
        ('-all', '-all'),
        ('+all', '+all'),
        ('all', 'all'),
        ('include:none.example.org', 'include:none.example.org'),
    ],
)
def test_what_cannot_be_carried_over_from_spf_is_said(term, item):
    zone = {
        'example.org': f'v=spf1 ip4:192.0.2.1 {term}',
        'x.example.org': 'v=spf1 ip4:192.0.2.9',
    }
    text = spf(zone)
    assert f'# Not carried over: example.org: {item}: ' in text
    assert policy_of(text).authenticated.entries == ('192.0.2.1',)


@pytest.mark.parametrize(
    ('name', 'is_warned'),
    [('example.net', True), ('_spf.example.org', False), ('badexample.org', True)],
)
def test_record_of_others_is_warned_of(name, is_warned):
    zone = {'example.org': f'v=spf1 include:{name} -all', name: 'v=spf1 ip4:192.0.2.1'}
    assert ('Warning: ' in spf(zone)) == is_warned
    # Google's own addresses prove nothing here.
    zone[name] = 'v=spf1 ip4:209.85.128.0/17'
    assert 'Warning: ' not in spf(zone)


def chain(count):
    """Records of which each includes the next one."""
    names = ['example.org', *(f'{number}.example.org' for number in range(count))]
    zone = {name: f'v=spf1 include:{after}' for name, after in zip(names, names[1:])}
    return {**zone, names[-1]: 'v=spf1 ip4:192.0.2.1'}


@pytest.mark.parametrize(
    'zone',
    [
        chain(10),
        {'example.org': 'v=spf1 ip4:192.0.2.1' + ' a' * 5 + ' mx' * 5},
        # What follows `all` is not looked at, and redirect only without it.
        {'example.org': 'v=spf1 ip4:192.0.2.1 -all redirect=x.org' + ' a' * 20},
        # Two that lead to nothing; receivers stop at the first.
        {'example.org': 'v=spf1 ip4:192.0.2.1 include:x.org include:y.org ip4:1.2.3.4'},
        {'example.org': 'V=SPF1 IP4:192.0.2.1 unknown=x'},
        # The same record twice is no loop.
        {
            'example.org': 'v=spf1 include:x.example.org redirect=x.example.org',
            'x.example.org': 'v=spf1 ip4:192.0.2.1',
        },
    ],
)
def test_record_within_the_limits_is_imported(zone):
    assert policy_of(spf(zone)).authenticated.entries == ('192.0.2.1',)


@pytest.mark.parametrize(
    ('zone', 'problem'),
    [
        ({}, 'it has no SPF record'),
        ({'example.org': 'v=spf10'}, 'it has no SPF record'),
        (chain(11), 'more than 10 look-ups'),
        ({'example.org': 'v=spf1' + ' a' * 11}, 'more than 10 look-ups'),
        (
            {'example.org': 'v=spf1 include:x.org include:y.org include:z.org'},
            'more than 2 terms',
        ),
        ({'example.org': 'v=spf1 include:example.org'}, 'refers to itself'),
        (
            {
                'example.org': 'v=spf1 redirect=x.example.org',
                'x.example.org': 'v=spf1 include:example.org',
            },
            'refers to itself through example.org x.example.org',
        ),
        ({'example.org': 'v=spf1 ip4:192.0.2.1 foo:bar'}, 'take foo:bar'),
        ({'example.org': 'v=spf1 -all ip5:192.0.2.1'}, 'take ip5:192.0.2.1'),
        ({'example.org': 'v=spf1 ip4:192.0.2'}, 'take ip4:192.0.2 '),
        ({'example.org': 'v=spf1 ip4:2001:db8::1'}, 'take ip4:2001:db8::1'),
        ({'example.org': 'v=spf1 include:'}, 'take include: '),
        ({'example.org': 'v=spf1 include'}, 'take include '),
    ],
)
def test_record_that_is_an_error_is_a_clear_error(zone, problem):
    with pytest.raises(Unusable, match=re.escape(problem)):
        spf(zone)


def test_several_records_are_a_clear_error():
    with pytest.raises(Unusable, match='several SPF records'):
        import_spf('example.org', lambda name: {b'v=spf1 a', b'v=spf1 mx'})


@pytest.mark.parametrize(
    ('text', 'name'),
    [
        ('Example.ORG.', 'example.org'),
        ('_spf.example.org', '_spf.example.org'),
        ('example', None),
        ('a b.org', None),
        ('\u00fc.example', None),
        ('', None),
    ],
)
def test_domain_is_written_as_dns_has_it(text, name):
    if name is None:
        with pytest.raises(Unusable, match='this is no domain'):
            read_domain(text)
    else:
        assert read_domain(text) == name


# The command


SOURCES = {
    'mm2': "TRUSTEDLOCALSERVER = ['10.0.0.1']",
    'spamassassin': 'trusted_networks 10.0.0.1',
    'postfix': '10.0.0.1',
    'rspamd': 'local_addrs = 10.0.0.1',
}
COMMAND = (
    'from mailman_trustedserver.commands.trustedserver import trustedserver\n'
    'trustedserver(prog_name="trustedserver")'
)


def command(*args, **options):
    """Run `import` in a process of its own."""
    options = {'stdout': subprocess.PIPE, **options}
    return subprocess.run(
        [sys.executable, '-c', COMMAND, 'import', *args],
        stderr=subprocess.PIPE,
        check=False,
        text=True,
        **options,
    )


def fails(result, problem):
    """It ends with one line that says what to do."""
    assert problem in result.stderr
    (line,) = result.stderr.splitlines()
    assert '; ' in line
    assert result.stdout in (None, '')
    code = getattr(result, 'exit_code', getattr(result, 'returncode', None))
    assert code == 2


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A function that writes a file and returns its name."""
    monkeypatch.chdir(tmp_path)

    def source(data, name='source'):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return name

    return source


@pytest.mark.mailman
@pytest.mark.parametrize('option', SOURCES)
def test_command_prints_what_was_imported(source, option):
    for data, name in ((b'', source(SOURCES[option])), (SOURCES[option].encode(), '-')):
        result = invoke('import', f'--{option}', name, data=data)
        assert result.stderr == ''
        assert result.exit_code == 0
        begin, *_ = result.stdout.splitlines()
        assert re.fullmatch(
            rf'# On \d{{4}}-\d\d-\d\d, from mailman trustedserver import --{option} '
            rf'{name}:',
            begin,
        )
        servers = policy_of(uncommented(result.stdout)).local
        assert '10.0.0.1' in servers.entries


@pytest.mark.mailman
@pytest.mark.parametrize('option', SOURCES)
def test_what_is_printed_loads_in_mailman(source, configure, option):
    printed = invoke('import', f'--{option}', source(SOURCES[option])).stdout
    for text in (printed, uncommented(printed)):
        plugin = configure(section(*text.splitlines()))
        assert plugin.error is None
    assert '10.0.0.1' in plugin.configuration.site.policy.local.entries


@pytest.mark.mailman
def test_option_may_be_repeated_where_a_source_has_several_files(source):
    for option in ('spamassassin', 'rspamd'):
        names = [source(SOURCES[option], 'a'), source('x = 1', 'b')]
        args = [f'--{option}', names[0], f'--{option}', names[1]]
        assert invoke('import', *args).exit_code == 0


@pytest.mark.mailman
def test_postfix_is_read_from_standard_input_if_no_file_is_named(source):
    result = invoke('import', '--postfix', data=b'10.0.0.1')
    assert '\n#    10.0.0.1\n' in result.stdout


@pytest.mark.mailman
def test_patterns_of_postfix_are_read_from_their_files(source, tmp_path):
    for name, data in (('patterns', '10.0.0.2'), ('empty', ''), ('bin', 'x\0')):
        source(data, name)
    text = ' '.join(f'{tmp_path}/{name}' for name in ('patterns', 'empty', 'bin', '.'))
    result = invoke('import', '--postfix', '-', data=text.encode())
    assert '\n#    10.0.0.2\n' in result.stdout
    assert [line.rpartition(': ')[2] for line in left_out(result.stdout)] == [
        'it is a binary file',
        'Is a directory',
    ]


@pytest.mark.mailman
@pytest.mark.parametrize(
    'args', [[], ['--mm2', 'a', '--postfix', 'b'], ['--mm2'], ['x'], ['--spf', '']]
)
def test_one_source_has_to_be_named(args):
    result = invoke('import', *args)
    assert result.exit_code == 2
    assert 'Error: ' in result.stderr


@pytest.mark.mailman
@pytest.mark.parametrize('option', SOURCES)
@pytest.mark.parametrize(
    ('data', 'problem'),
    [
        (None, 'No such file or directory'),
        (b'', 'it is empty'),
        (b' \n', 'it is empty'),
        (b'\x7fELF\0', 'it is a binary file'),
        (b'\0', 'it is a binary file'),
        (b'#' * (16 * 1024 * 1024 + 1), 'it is longer than'),
        ('directory', 'Is a directory'),
        ('unreadable', 'Permission denied'),
    ],
)
def test_unusable_file_is_a_clear_error(source, monkeypatch, option, data, problem):
    name = 'source'
    if isinstance(data, bytes):
        source(data)
    elif data == 'directory':
        name = '.'
    elif data == 'unreadable':

        def refuse(name):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        # Root reads everything.
        monkeypatch.setattr(
            'mailman_trustedserver.commands.importing.open_input', refuse
        )
    fails(invoke('import', f'--{option}', name), problem)


NO_TEXT = b'\xff\xfe = ('


@pytest.mark.mailman
@pytest.mark.parametrize('option', [one for one in SOURCES if one != 'postfix'])
def test_bytes_that_are_no_text_are_a_clear_error(source, option):
    fails(invoke('import', f'--{option}', source(NO_TEXT)), 'source')


@pytest.mark.mailman
def test_bytes_that_are_no_text_are_no_servers_of_postfix(source):
    # To Postfix, any word is a pattern.
    result = invoke('import', '--postfix', source(NO_TEXT))
    assert result.exit_code == 0
    assert len(left_out(result.stdout)) == 3
    assert policy_of(uncommented(result.stdout)).local.entries == ()


@pytest.mark.mailman
def test_terminal_as_standard_input_is_a_clear_error():
    primary, secondary = pty.openpty()
    result = command('--postfix', '-', stdin=secondary)
    os.close(primary)
    os.close(secondary)
    fails(result, '-: it is a terminal; give what postconf -h mynetworks prints')


@pytest.mark.mailman
def test_no_standard_input_is_a_clear_error():
    fails(command('--mm2', '-', preexec_fn=lambda: os.close(0)), '-: ')


@pytest.mark.mailman
def test_output_that_nobody_reads_is_no_error(source):
    name = source('TRUSTEDLOCALSERVER = ' + repr(['10.0.0.1'] * 100_000))
    reader, writer = os.pipe()
    os.close(reader)
    result = command('--mm2', name, stdout=writer)
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, '')


@pytest.mark.mailman
def test_full_disk_is_a_clear_error(source):
    name = source(SOURCES['mm2'])
    with open('/dev/full', 'w') as full:
        result = command('--mm2', name, stdout=full)
    assert result.stderr == 'The output cannot be written: No space left on device\n'
    assert result.returncode == 2


@pytest.mark.mailman
def test_file_with_hostile_text_is_printed_in_ascii(source):
    name = source(b"TRUSTEDLOCALSERVER = ['\xc3\xa9\x1b[2J', '10.0.0.1']", 'f\x1b\xfc')
    result = command(
        '--mm2', name, env={**os.environ, 'LC_ALL': 'C', 'PYTHONUTF8': '0'}
    )
    assert result.returncode == 0
    assert result.stdout.isascii()
    assert '\x1b' not in result.stdout


# SPF, over DNS


ZONE = {
    'example.org.': [
        '"other"',
        '"v=spf1 ip4:192.0.2.1 " "include:_spf.example.net -all"',
    ],
    '_spf.example.net.': ['"v=spf1 ip4:198.51.100.0/24 ip4:209.85.128.0/17 ~all"'],
    'loop.example.org.': ['"v=spf1 include:loop.example.org -all"'],
    'none.example.org.': [],
    'text.example.org.': ['"other"'],
    'silent.example.org.': None,
    'broken.example.org.': 2,
    'half.example.org.': ['"v=spf1 ip4:192.0.2.1 include:broken.example.org -all"'],
    'bad.example.org.': ['"v=spf1 include:a..example.org -all"'],
}


@pytest.fixture
def name_server(monkeypatch):
    import dns.resolver

    server = NameServer(ZONE)
    server.start()
    resolver = server.resolver()
    monkeypatch.setattr(dns.resolver, 'Resolver', lambda: resolver)
    yield server
    server.stop()


@pytest.mark.mailman
def test_spf_is_looked_up(name_server):
    result = invoke('import', '--spf', 'Example.org.')
    assert result.stderr == ''
    assert result.exit_code == 0
    policy = policy_of(result.stdout)
    assert policy.authenticated.entries == ('192.0.2.1', '198.51.100.0/24')
    assert policy.dkim.entries == ('209.85.128.0/17',)
    assert policy.sender_domains == {'example.org'}
    assert name_server.asked == ['example.org.', '_spf.example.net.']


@pytest.mark.mailman
@pytest.mark.parametrize(
    ('domain', 'problem'),
    [
        ('loop.example.org', 'refers to itself'),
        ('none.example.org', 'has no SPF record'),
        ('text.example.org', 'has no SPF record'),
        ('nowhere.example.org', 'has no SPF record'),
        ('silent.example.org', 'DNS does not answer'),
        ('broken.example.org', 'DNS does not answer'),
        # An answer that is missing is not taken for one that there is none.
        ('half.example.org', 'DNS does not answer'),
        ('bad.example.org', 'take include:a..example.org'),
        ('a b', 'this is no domain'),
        ('x' * 64 + '.example.org', 'this is no domain'),
    ],
)
def test_spf_that_cannot_be_used_is_a_clear_error(
    name_server, monkeypatch, domain, problem
):
    # Only this one is waited for; a busy machine may take long over the others.
    if domain == 'silent.example.org':
        seconds = 'mailman_trustedserver.commands.importing._SPF_SECONDS'
        monkeypatch.setattr(seconds, 0.5)
    fails(invoke('import', '--spf', domain), problem)


@pytest.mark.mailman
def test_host_without_name_servers_is_a_clear_error(monkeypatch):
    import dns.resolver

    def make():
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, 'Resolver', make)
    fails(invoke('import', '--spf', 'example.org'), 'DNS does not answer')


# The page


PAGE = ROOT / 'docs' / 'import.md'
# What a source has, and the run on it.
RUN = re.compile(
    r'```\w*\n(?P<source>(?:(?!```).*\n)+)```\n\n'
    r'```\n\$ mailman trustedserver import (?P<args>.*)\n'
    r'(?P<output>(?:(?!```).*\n)*)```'
)
# The same without its output: what makes the input, the option and its value.
TYPED = re.compile(
    r'^    (?:postconf .+ \| )?mailman trustedserver import (--\w+)(?: (\S+))?$',
    re.MULTILINE,
)


@pytest.fixture
def import_on_page(source, name_server, monkeypatch):
    """A function that imports the source of a run, from where an option says."""

    def import_on_page(match, option, *names):
        if option == '--spf':
            records = [line.split(' TXT ') for line in match['source'].splitlines()]
            zone = {f'{owner}.': [f'"{record}"'] for owner, record in records}
            monkeypatch.setattr(name_server, 'zone', zone)
        elif names not in ((), ('-',)):
            source(match['source'], *names)
        result = invoke('import', option, *names, data=match['source'].encode())
        assert result.exit_code == 0
        return result

    return import_on_page


@pytest.mark.mailman
@pytest.mark.parametrize(
    ('page', 'options'), [('import.md', [*SOURCES, 'spf']), ('mailman-2.md', ['mm2'])]
)
def test_commands_of_the_manual_import_what_the_runs_do(import_on_page, page, options):
    runs = {
        run['args'].split()[0]: run for run in RUN.finditer(PAGE.read_text('utf-8'))
    }
    typed = TYPED.findall((ROOT / 'docs' / page).read_text('utf-8'))
    assert [option for option, _ in typed] == [f'--{option}' for option in options]
    for option, path in typed:
        names = [os.path.basename(path)] if path else []
        imported = import_on_page(runs[option], option, *names).stdout.splitlines()
        # The first line has the day and the command.
        assert imported[1:] == runs[option]['output'].splitlines()[1:]


@pytest.mark.mailman
def test_runs_on_the_page_are_real(import_on_page):
    text = PAGE.read_text(encoding='utf-8')
    runs = list(RUN.finditer(text))
    assert [match['args'].split()[0] for match in runs] == [
        f'--{option}' for option in (*SOURCES, 'spf')
    ]

    def rerun(match):
        result = import_on_page(match, *match['args'].split())
        policy_of(uncommented(result.stdout))
        output = re.sub('^# On [0-9-]+', '# On 2026-11-27', result.stdout)
        start = match.start('output') - match.start()
        return f'{match[0][:start]}{output}```'

    assert_told(PAGE, RUN.sub(rerun, text))
