# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of the configuration: what it means, and what is wrong with it."""

import pytest

from configparser import ConfigParser
from configparser import Error as ConfigError
from hypothesis import given
from hypothesis import strategies as st
from ipaddress import ip_address
from mailman_trustedserver.policy import Submission
from mailman_trustedserver.settings import (
    ACTIONS,
    BOOLEANS,
    ENFORCE,
    OBSERVE,
    parse_settings,
    read_sections,
    SettingsError,
)


def parse(text):
    sections = read_sections(f'[trustedserver]\n{text}', 'ts.cfg')
    return parse_settings(sections['trustedserver'], 'ts.cfg', 'trustedserver')


def test_defaults_trust_nobody():
    settings = parse('')
    policy = settings.policy
    assert policy.local.entries == policy.remote.entries == ()
    assert policy.submission is Submission.SINGLE_HOP
    assert policy.local_submission is False
    assert settings.nonmember_actions == {'hold'}
    assert settings.bypassed_actions == {'hold', 'reject', 'discard'}
    assert settings.mode == ENFORCE


def test_every_key_is_read():
    settings = parse("""
# A comment.
trusted_local_servers:
    127.0.0.1
    # A comment between entries.
    ; And another.
    192.168.10.0/24   !192.168.10.1

    ^2001:db8::
trusted_remote_servers = 192.168.10.1 192.168.10.2
Submission: Authenticated
local_submission: yes
nonmember_actions: hold Reject
bypassed_actions: Discard hold
mode: Observe
""")
    policy = settings.policy
    assert policy.local.entries == (
        '127.0.0.1',
        '192.168.10.0/24',
        '!192.168.10.1',
        '^2001:db8::',
    )
    assert ip_address('192.168.10.2') in policy.remote
    assert policy.submission is Submission.AUTHENTICATED
    assert policy.local_submission is True
    assert settings.nonmember_actions == {'hold', 'reject'}
    assert settings.bypassed_actions == {'discard', 'hold'}
    assert settings.mode == OBSERVE


def test_no_action_at_all_can_be_bypassed():
    assert parse('bypassed_actions:').bypassed_actions == frozenset()


def test_percent_signs_in_regular_expressions_stay():
    policy = parse('trusted_local_servers: ^192\\.0\\.2\\.(1|%)').policy
    assert policy.local.entries == ('^192\\.0\\.2\\.(1|%)',)


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        (
            'trusted_local_server: 192.0.2.1',
            'ts.cfg [trustedserver] trusted_local_server: this key is not known; '
            'the known keys are trusted_local_servers,',
        ),
        ('mode: watch', "mode: 'watch' is not a value; write one of enforce, observe"),
        ('sender_domain: example.org', 'this key is not known'),
        (
            'trusted_local_servers: 192.168.10.1/24',
            "ts.cfg [trustedserver] trusted_local_servers: '192.168.10.1/24' has "
            'host bits set; write 192.168.10.0/24',
        ),
        (
            'trusted_remote_servers: mail.example.org',
            "trusted_remote_servers: 'mail.example.org' is a host name",
        ),
        (
            'trusted_remote_servers: 192.0.2.1 # the relay',
            "'#': a comment takes a line of its own",
        ),
        (
            'trusted_local_servers: 192.0.2.1, 192.0.2.2',
            "trusted_local_servers: '192.0.2.1,': no commas, quotes or brackets: "
            'separate entries by white space; write 192.0.2.1',
        ),
        (
            'trusted_local_servers: 192.168.10.0/24 !^192\\.168\\.10\\.6[67]$,',
            'no commas, quotes or brackets: separate entries by white space; write '
            '!^192\\.168\\.10\\.6[67]$',
        ),
        (
            'trusted_local_servers: ^([0-9a-f]*:?)*::1$',
            "trusted_local_servers: '^([0-9a-f]*:?)*::1$' repeats without bound",
        ),
        (
            'submission: single_hop',
            "submission: 'single_hop' is not a value; write one of single-hop, "
            'authenticated, both',
        ),
        ('submission:', "submission: '' is not a value"),
        (
            'local_submission: maybe',
            "local_submission: 'maybe' is not a value; write yes or no",
        ),
        (
            'nonmember_actions: hold, reject',
            "nonmember_actions: 'hold,' is not a value; write one of hold, reject",
        ),
        (
            'bypassed_actions: hold accept',
            "bypassed_actions: 'accept' is not a value; write one of hold, reject, "
            'discard',
        ),
        ('bypassed_actions: Defer', "bypassed_actions: 'defer' is not a value"),
        ('bypassed_actions: none', "bypassed_actions: 'none' is not a value"),
        (
            'trusted_local_servers:\n192.0.2.1',
            'ts.cfg: Source contains parsing errors',
        ),
    ],
)
def test_mistake_is_one_line_that_names_place_entry_and_remedy(text, problem):
    with pytest.raises(SettingsError) as error:
        parse(text)
    assert problem in str(error.value)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('text', 'line'),
    [
        ('a: 1\nx\ny', "line 3: 'x'"),
        ('a: 1\n: 2', "line 3: ': 2'"),
        ('a: 1\n x\nx', "line 4: 'x'"),
        # In quadratic time, each of these would take hours.
        ('x\n' * 2**21, "line 2: 'x'"),
        (':\n' * 2**21, "line 2: ':'"),
        ('x' + ' ' * 2**22 + 'y', "line 2: 'x ;"),
        ('x' * 2**22, "line 2: 'xxx"),
    ],
    ids=['no key', 'empty key', 'continued', 'many', 'many empty', 'blanks', 'long'],
)
def test_first_line_that_is_wrong_is_named(text, line):
    with pytest.raises(SettingsError) as error:
        parse(text)
    assert f"Source contains parsing errors: 'ts.cfg', {line}" in str(error.value)
    assert str(error.value).endswith('as key: value')
    assert len(str(error.value)) < 500


@given(
    st.lists(
        st.sampled_from('[a] [b c] [DEFAULT] k K v k: =v : = # ; %(k)s é'.split())
        | st.sampled_from(' \t\n\r\x0b\x1c\x85\u2028\0'),
        max_size=20,
    ).map(''.join)
)
def test_text_is_read_as_by_python(text):
    parser = ConfigParser(interpolation=None, strict=False, default_section='')
    try:
        parser.read_string(text)
    except ConfigError:
        with pytest.raises(SettingsError):
            read_sections(text, 'ts.cfg')
    else:
        expected = {name: dict(parser.items(name)) for name in parser.sections()}
        assert read_sections(text, 'ts.cfg') == expected


def test_error_is_cut_and_can_be_written_out():
    error = SettingsError('/\udce9.cfg', '\x1b' + 'a' * 10_000, None, 'b')
    assert str(error).startswith('/\\udce9.cfg [\\x1baaa')
    assert str(error).endswith('aaa ...')
    assert len(str(error)) < 2100


@pytest.mark.parametrize('text', ['x', '[a', '\x00', 'a: 1\n[b]', '[' * 2**22])
def test_text_without_sections_is_an_error(text):
    with pytest.raises(SettingsError, match=r'^ts\.cfg: File contains no sect'):
        read_sections(text, 'ts.cfg')


def test_no_section_is_a_source_of_defaults():
    assert read_sections('[DEFAULT]\na: 1\n[b]\nc: %(a)s', 'ts.cfg') == {
        'DEFAULT': {'a': '1'},
        'b': {'c': '%(a)s'},
    }


@pytest.mark.mailman
def test_words_are_those_of_mailman():
    from lazr.config import as_boolean
    from mailman.interfaces.action import Action

    assert {action.name for action in Action} == set(ACTIONS)
    assert {word: as_boolean(word) for word in BOOLEANS} == BOOLEANS


@given(st.text())
def test_any_text_gives_settings_or_one_line_of_error(text):
    try:
        parse(text)
    except SettingsError as error:
        assert str(error).startswith('ts.cfg')
        assert len(str(error).splitlines()) == 1
        assert str(error).isprintable()


def test_reinjection_users_are_names_and_numbers():
    settings = parse_settings({'reinjection_users': '115  filter\n www-data'}, 'x', 'y')
    assert settings.policy.reinjection_users == {'115', 'filter', 'www-data'}
    assert parse_settings({}, 'x', 'y').policy.reinjection_users == frozenset()


@pytest.mark.parametrize('entry', ['115,', '"filter"', '-x', 'a@b', '*', '(uid'])
def test_what_is_no_user_is_refused(entry):
    with pytest.raises(SettingsError) as error:
        parse_settings({'reinjection_users': f'115 {entry}'}, 'x.cfg', 'y')
    assert str(error.value).startswith('x.cfg [y] reinjection_users: ')
    assert ascii(entry) in str(error.value)


def test_alias_hops_is_yes_or_no():
    assert parse_settings({'alias_hops': 'yes'}, 'x', 'y').policy.alias_hops
    assert not parse_settings({}, 'x', 'y').policy.alias_hops
