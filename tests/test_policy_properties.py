# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold for every route and every policy."""

from dataclasses import replace
from hypothesis import assume, given
from hypothesis import strategies as st
from mailman_trustedserver.addresses import AddressList, parse_address
from mailman_trustedserver.policy import evaluate, Policy, Submission
from mailman_trustedserver.received import MalformedReceived, parse_received
from tests.servers import LURES, SERVERS
from tests.test_policy import HIDDEN, HIDDEN_AUTH, hop, JUNK, OUT, PICKUP, QUEUE, RELAY
from tests.vectors import LOCAL, REMOTE


SITE = ('192.0.2.1', '192.0.2.2', '192.0.2.3', '127.0.0.1')
OTHERS = ('198.51.100.20', '203.0.113.9')

hops = st.builds(
    lambda peer, protocol, server: hop(peer, protocol).replace('x.example', server),
    st.sampled_from(SITE + OTHERS),
    st.sampled_from(('ESMTP', 'ESMTPSA')),
    st.sampled_from(('x.example', 'x.example', 'X.EXAMPLE', 'y.example')),
)
fields = st.one_of(
    hops, hops, st.sampled_from((PICKUP, QUEUE, HIDDEN, HIDDEN_AUTH, JUNK, ''))
)
routes = st.lists(fields, max_size=8)
entries = st.lists(
    st.sampled_from((*SITE, '192.0.2.0/30', '^192[.]0[.]2[.][12]')),
    unique=True,
)
few_entries: st.SearchStrategy = st.one_of(st.just([]), st.just([]), entries)
policies = st.builds(
    lambda local, remote, submission, local_submission, users, alias_hops, *others: (
        Policy(
            AddressList.parse(local),
            AddressList.parse(remote),
            submission,
            local_submission,
            users,
            alias_hops,
            *map(AddressList.parse, others),  # type: ignore[arg-type]
        )
    ),
    entries,
    entries,
    st.sampled_from(Submission),
    st.booleans(),
    st.sampled_from((frozenset(), frozenset(('0',)))),
    st.booleans(),
    # Of those whose proof is AUTH, and of the dedicated ones.
    few_entries,
    few_entries,
)


def model(route, policy):
    """The design, word for word and slowly: try every way to read it."""
    hops = []
    for text in route:
        try:
            hops.append((text, parse_received(text)))
        except MalformedReceived:
            hops.append((text, None))

    def crosses_a_network(place):
        """The position of the first field from there on that is not passed."""
        while place < len(hops) and hops[place][1] and policy.passes(hops[place][1]):
            place += 1
        return place

    # A way to read the attested part is a list of roles for its first fields.
    ways = [('', 0)]
    ends = []
    while ways:
        roles, read = ways.pop()
        place = crosses_a_network(read)
        first = hops[place][1] if place < len(hops) else None
        if roles.endswith('R'):
            ends.append(read)
        if first is None:
            continue
        listed = first.peer and (
            first.peer in policy.local or is_outgoing(first.peer, policy)
        )
        if (
            'R' not in roles
            and policy.local_submission
            and first.authenticated
            and (not listed or first.peer.is_loopback)
        ):
            return True
        if first.peer and first.peer in policy.local and 'R' not in roles:
            ways.append((roles + 'L', place + 1))
        if first.peer and is_outgoing(first.peer, policy):
            ways.append((roles + 'R', place + 1))
    if not ends:
        return False
    # The last outgoing server is the one that counts.
    end = max(ends)
    place = crosses_a_network(end)
    first = hops[place][1] if place < len(hops) else None
    peer = first and first.peer
    if peer and peer in policy.local and not peer.is_loopback:
        return False
    # Whoever handed in what the host then gave to itself.
    for _, older in hops[end:]:
        if older is None:
            break
        if older.peer and not older.peer.is_loopback:
            if older.peer in policy.local and not is_outgoing(older.peer, policy):
                return False
            break
    server = hops[end - 1][1].peer
    return (
        server in policy.dedicated
        or (server in policy.authenticated and logged_in(hops, end, policy, True))
        or (
            server in policy.remote
            and {
                Submission.SINGLE_HOP: one_hop(hops[end:]),
                Submission.AUTHENTICATED: logged_in(hops, end, policy, True),
                Submission.BOTH: logged_in(hops, end, policy, False)
                and one_hop(hops[end - logs_in_to_itself(hops, end, policy) :]),
            }[policy.submission]
        )
    )


def one_hop(hops):
    """Whether at most one of these fields records an SMTP hop."""
    return (
        sum(
            1
            for text, hop in hops
            if text.lstrip(' \t\r\n(').lower().startswith('from')
            and not (hop and hop.reinjection)
        )
        <= 1
    )


def logged_in(hops, end, policy, filtered):
    """Whether somebody logged in to the last outgoing server."""
    below = [
        hop for _, hop in hops[end:] if not (hop is not None and policy.passes(hop))
    ]
    if below and below[0] and below[0].authenticated:
        return True
    if filtered and below and below[0] and loopback(below[0]):
        # What a filter handed back; the server wrote the first of them.
        for hop in below:
            if hop is None:
                break
            if hop.authenticated and hop.by.lower() == below[0].by.lower():
                listed = hop.peer and any(
                    hop.peer in servers
                    for servers in (
                        policy.local,
                        policy.remote,
                        policy.authenticated,
                        policy.dedicated,
                    )
                )
                own = hop.peer == hops[end - 1][1].peer
                if not listed or loopback(hop) or own:
                    return True
                break
            if not loopback(hop):
                break
    return logs_in_to_itself(hops, end, policy)


def logs_in_to_itself(hops, end, policy):
    """Whether a program on the last outgoing server logged in to it."""
    below = [hop for _, hop in hops[end:] if not (hop and policy.passes(hop))]
    if below and below[0] and below[0].authenticated:
        return False
    client = hops[end - 1][1]
    above = [
        hop for _, hop in hops[: end - 1] if hop is not None and not policy.passes(hop)
    ]
    server = above[-1].peer if above else None
    return bool(
        server
        and is_outgoing(server, policy)
        and client.authenticated
        and (client.peer.is_loopback or client.peer == server)
    )


def is_outgoing(peer, policy):
    return any(
        peer in servers
        for servers in (policy.remote, policy.authenticated, policy.dedicated)
    )


def loopback(hop):
    return hop.peer is not None and hop.peer.is_loopback


@given(routes, policies)
def test_verdict_is_that_of_the_design(route, policy):
    assert evaluate(route, policy).trusted == model(route, policy)


@given(st.lists(hops, max_size=4), st.sampled_from(OTHERS), routes, policies)
def test_fields_of_an_attacker_never_make_a_route_trusted(
    honest, attacker, forged, policy
):
    route = [*honest, hop(attacker)]
    if not evaluate(route, policy).trusted:
        assert not evaluate(route + forged, policy).trusted


@given(routes, policies, st.data())
def test_taking_an_entry_off_a_list_never_makes_a_route_trusted(route, policy, data):
    smaller = {}
    for name in ('local', 'remote'):
        kept = getattr(policy, name).entries
        kept = data.draw(
            st.lists(st.sampled_from(kept), unique=True) if kept else st.just([])
        )
        smaller[name] = AddressList.parse(kept)
    # An address that leaves all lists becomes a user's, who may have logged in.
    for address in map(parse_address, SITE):
        was = address in policy.local or address in policy.remote
        # The other lists stay as they are.
        others = address in policy.authenticated or address in policy.dedicated
        assume(not was or not others)
        assume(not was or address in smaller['local'] or address in smaller['remote'])
        # One that leaves one of two lists may end the walk at another server.
        if address in policy.local and address in policy.remote:
            assume(address in smaller['local'] and address in smaller['remote'])
    if not evaluate(route, policy):
        assert not evaluate(route, replace(policy, **smaller))


@given(
    st.lists(hops, max_size=3),
    st.sampled_from(OTHERS),
    routes,
    routes,
    policies,
)
def test_what_lies_below_the_first_unlisted_peer_counts_only_as_hops(
    honest, stranger, lower, others, policy
):
    def count(route):
        return sum(1 for text in route if text.startswith('from') and text != PICKUP)

    assume(count(lower) == count(others))
    route = [*honest, hop(stranger)]
    assert (
        evaluate(route + lower, policy).trusted
        == evaluate(route + others, policy).trusted
    )


@given(SERVERS['postfix'], st.sampled_from(Submission))
def test_hostile_client_of_a_relay_is_never_trusted(drawn, submission):
    field, peer, _ = drawn
    policy = Policy(AddressList.parse(LOCAL), AddressList.parse(REMOTE), submission)
    assume(parse_address(peer) not in policy.local)
    assume(parse_address(peer) not in policy.remote)
    good_route = [hop(OUT), hop('198.51.100.20', 'ESMTPSA')]
    for route in (
        [field],
        [field, *good_route],
        [hop(RELAY), field],
        [hop(RELAY), field, *good_route],
    ):
        assert not evaluate(route, policy).trusted


@given(st.lists(st.one_of(st.text(), st.sampled_from(LURES))), policies)
def test_any_text_gives_a_verdict(route, policy):
    verdict = evaluate(route, policy)
    assert verdict.explanation
    assert not verdict.trusted
