# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Coverage-guided fuzzing of the reader and of the walk, with atheris.

    python -m dev.fuzz received -max_total_time=60
    python -m dev.fuzz evaluate -max_total_time=60

Options after the name go to libFuzzer.  The input is raw text, or drives the
same strategies as the property tests.  What must hold is asserted; what breaks
it is saved by libFuzzer, and becomes a vector.
"""

import atheris
import random
import sys
import tempfile

from pathlib import Path


# Only what is imported in here is instrumented.
with atheris.instrument_imports(include=['mailman_trustedserver', 'tests']):
    from mailman_trustedserver.addresses import AddressList, parse_address
    from mailman_trustedserver.policy import (
        evaluate,
        Policy,
        Submission,
    )
    from mailman_trustedserver.reasons import Reason
    from mailman_trustedserver.received import (
        Hop,
        MalformedReceived,
        parse_received,
    )
    from tests.servers import SERVERS
    from tests.test_policy_properties import model, policies, routes
    from tests.vectors import load, LOCAL, REMOTE

from hypothesis import given, settings
from hypothesis import strategies as st


# Between two fields in a raw input for `evaluate`.
SEPARATOR = '\x1e'
POLICIES = [
    Policy(AddressList.parse(LOCAL), AddressList.parse(REMOTE), submission, local)
    for submission in Submission
    for local in (False, True)
]


def read(text):
    """The hop, or None if the field is malformed; nothing else may happen."""
    try:
        hop = parse_received(text)
    except MalformedReceived as error:
        assert str(error)
        return None
    assert isinstance(hop, Hop)
    return hop


def check_field(text):
    """What must hold for the field, whatever it is."""
    hop = read(text)
    if hop is None:
        return
    assert not (hop.reinjection and (hop.peer or hop.authenticated))
    # A field is read to its end.
    assert read(text + ' x') is None
    assert (
        read(text + '\n\tfrom x ([192.0.2.1]) by y; 1 Jan 2026 00:00:00 +0000') is None
    )
    # Folding means nothing.
    unfolded = text.replace('\r\n', '\n').replace('\n\t', ' ').replace('\n ', ' ')
    assert read(unfolded) == hop
    assert read(' ' + text + '\n\t') == hop


@settings(database=None, deadline=None)
@given(st.one_of(*SERVERS.values()))
def check_server(drawn):
    """No server can be made to write what is read wrongly."""
    field, peer, auth = drawn
    hop = read(field)
    if hop is not None:
        assert hop.peer in (None, parse_address(peer))
        assert (hop.authenticated, hop.reinjection) == (auth, False)


def check_verdict(fields, policy):
    """What must hold for the verdict on any fields."""
    verdict = evaluate(fields, policy)
    assert verdict.explanation
    assert verdict.trusted == (
        verdict.reason in (Reason.OUTGOING_SERVER, Reason.LOCAL_SUBMISSION)
    )
    if verdict.reason is Reason.OUTGOING_SERVER:
        # The topmost peer on neither list lies below an outgoing server.
        for finding in verdict.findings:
            if finding.outgoing:
                break
            assert finding.attested
            assert policy.passes(finding.hop) or finding.local is not None
        else:
            raise AssertionError('trusted without an outgoing server')
    if not verdict.trusted and fields:
        # Fields of an attacker, below an honest stamp, change nothing.
        last = read(fields[-1])
        if (
            last
            and last.peer
            and not (last.peer in policy.local or last.peer in policy.remote)
        ):
            for forged in (REMOTE_HOP, LOCAL_HOP, 'x'):
                assert not evaluate([*fields, forged], policy).trusted


def _field(peer):
    return (
        f'from x (unknown [{peer}]) by mx.example.org (Postfix) with ESMTPSA id 1; '
        'Sun, 22 Nov 2026 10:00:00 +0000'
    )


REMOTE_HOP, LOCAL_HOP = _field(REMOTE[0]), _field(LOCAL[1])


@settings(database=None, deadline=None)
@given(routes, policies)
def check_model(route, policy):
    """The walk gives the verdict of the design."""
    assert evaluate(route, policy).trusted == model(route, policy)


def fuzz_received(data):
    """One input: raw text, or choices of the strategies."""
    if data[:1] < b'\x80':
        check_field(data[1:].decode('utf-8', 'surrogateescape'))
    else:
        check_server.hypothesis.fuzz_one_input(data[1:])  # type: ignore[attr-defined]


def fuzz_evaluate(data):
    """The same for the walk; the first byte chooses the policy, too."""
    if data[:1] < b'\x80':
        fields = data[1:].decode('utf-8', 'surrogateescape').split(SEPARATOR)
        check_verdict(fields, POLICIES[(data[0] if data else 0) % len(POLICIES)])
    else:
        check_model.hypothesis.fuzz_one_input(data[1:])  # type: ignore[attr-defined]


def seeds(target):
    """What the fuzzer begins with: the vectors, and choices at random."""
    if target is fuzz_received:
        texts = [vector['field'] for vector in load('fields') + load('collected')]
    else:
        texts = [SEPARATOR.join(vector['fields']) for vector in load('routes')[::10]]
    for text in texts:
        yield b'\x00' + text.encode('utf-8', 'surrogateescape')
    generator = random.Random(0)  # noqa: S311
    for _ in range(100):
        yield b'\x80' + generator.randbytes(1024)


def main():
    """Run one target until libFuzzer is told to stop."""
    targets = {'received': fuzz_received, 'evaluate': fuzz_evaluate}
    if len(sys.argv) < 2 or sys.argv[1] not in targets:
        sys.exit(__doc__)
    target = targets[sys.argv.pop(1)]
    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds(target)):
            Path(corpus, str(number)).write_bytes(data)
        options = ['-max_len=4096', '-len_control=0', corpus]
        atheris.Setup([*sys.argv, *options], target)
        atheris.Fuzz()


main()
