# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold for whatever a client sends through a real server."""

import pytest
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from mailman_trustedserver.addresses import parse_address
from mailman_trustedserver.formats import expand, FORMATS
from mailman_trustedserver.received import (
    choose,
    clean,
    Hop,
    MalformedReceived,
    parse_received,
)
from tests.servers import LURES, SERVERS
from tests.test_received import assert_that_no_skipped_row_matches


def fields_of(row):
    """Fields of the grammar of a row.

    Not of its pattern: Debian 13's Hypothesis does not know the `(?!)` in it.
    """
    return st.from_regex(re.compile(expand(row.grammar), re.ASCII), fullmatch=True)


@pytest.mark.parametrize('server', SERVERS)
def test_field_gives_the_true_peer_and_auth_or_is_malformed(server):
    @given(SERVERS[server])
    def check(drawn):
        field, peer, auth = drawn
        try:
            hop = parse_received(field)
        except MalformedReceived:
            return
        assert hop.peer in (None, parse_address(peer))
        assert (hop.authenticated, hop.reinjection) == (auth, False)

    check()


@given(st.one_of(*SERVERS.values()))
def test_folding_does_not_change_what_is_read(drawn):
    field, *_ = drawn

    def outcome(text):
        try:
            return parse_received(text)
        except MalformedReceived as error:
            return str(error)

    if '\n' in field.replace('\n\t', '').replace('\n ', ''):
        return
    unfolded = field.replace('\n\t', ' ').replace('\n ', ' ')
    assert outcome(field) == outcome(unfolded)


@given(st.one_of(st.text(), st.lists(st.sampled_from(LURES)).map(''.join)))
def test_any_text_gives_a_hop_or_malformed(text):
    try:
        hop = parse_received(text)
    except MalformedReceived as error:
        assert str(error)
    else:
        assert isinstance(hop, Hop)


@given(st.one_of(*SERVERS.values()))
def test_no_row_that_is_skipped_could_match_what_a_server_writes(drawn):
    try:
        text = clean(drawn[0])
        chosen = choose(text)
    except MalformedReceived:
        return
    assert_that_no_skipped_row_matches(text, chosen)


@pytest.mark.parametrize('row', FORMATS, ids=lambda row: row.name)
def test_no_row_is_skipped_for_a_field_of_its_grammar(row):
    @given(fields_of(row))
    @settings(max_examples=10)
    def check(field):
        try:
            text = clean(field)
            chosen = choose(text)
        except MalformedReceived:
            return
        assert_that_no_skipped_row_matches(text, chosen)

    check()


@given(st.one_of(*map(fields_of, FORMATS)))
@settings(max_examples=50)
def test_a_field_of_any_row_has_a_peer_only_if_it_is_no_reinjection(field):
    try:
        hop = parse_received(field)
    except MalformedReceived:
        return
    assert not (hop.reinjection and (hop.peer or hop.authenticated))
