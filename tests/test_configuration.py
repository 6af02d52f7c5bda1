# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of the configuration: whatever they are, Mailman goes on."""

import os
import pytest
import sys

from dev.site.posts import CONFIGURATION
from hypothesis import given
from hypothesis import strategies as st
from mailman_trustedserver.advice.lint import lint
from mailman_trustedserver.settings import Settings
from tests.conftest import section


pytestmark = pytest.mark.mailman

KEY = b'local_submission: yes\n'
MAX_LENGTH = 16 << 20


def make_sparse(path):
    with open(path, 'wb') as file:
        file.write(section().encode() + KEY)
        file.truncate(MAX_LENGTH + 1)


@pytest.mark.parametrize(
    ('make', 'cause'),
    [
        (os.mkfifo, 'no regular file'),
        (os.mkdir, 'no regular file'),
        (lambda path: path.symlink_to('/dev/zero'), 'no regular file'),
        (lambda path: path.symlink_to('/dev/null'), 'no regular file'),
        (lambda path: path.symlink_to(path), 'symbolic links'),
        (make_sparse, 'is longer than 16777216 octets'),
    ],
    ids=['FIFO', 'directory', 'without end', 'without contents', 'loop', 'long'],
)
def test_file_of_mailman_that_is_none_any_more_is_named(
    configure, tmp_path, make, cause
):
    path = tmp_path / 'mailman.cfg'
    make(path)
    plugin = configure(None)
    assert plugin.configuration is None
    assert f"'{path}' cannot be read (" in plugin.error
    assert cause in plugin.error


def test_file_of_16_mib_is_read(configure, tmp_path):
    path = tmp_path / 'trusted.cfg'
    start = b'[trustedserver]\n' + KEY + b'#'
    path.write_bytes(start + b' ' * (MAX_LENGTH - len(start)))
    plugin = configure(section(f'configuration: {path}'))
    assert plugin.configuration.site.policy.local_submission


def test_no_more_than_the_bound_is_read_of_a_file_that_grows(
    configure, tmp_path, monkeypatch
):
    path = tmp_path / 'trusted.cfg'
    path.write_bytes(b'[trustedserver]\n' + KEY)
    real = os.fstat

    def fstat(descriptor):
        status = real(descriptor)
        # What was looked at a moment ago is larger now.
        if os.path.samestat(status, os.stat(path)):
            os.truncate(path, 1 << 40)
        return status

    monkeypatch.setattr(os, 'fstat', fstat)
    plugin = configure(section(f'configuration: {path}'))
    assert 'is longer than 16777216 octets' in plugin.error


@pytest.mark.parametrize(
    ('code', 'cause'),
    [
        ('raise SystemExit', '(SystemExit)'),
        ('import sys; sys.exit("no")', '(SystemExit: no)'),
        ('def', '(SyntaxError: invalid syntax)'),
        ('\0', 'null bytes'),
        ('1 / 0', '(ZeroDivisionError: division by zero)'),
        ('raise OSError(5, "no")', '[Errno 5] no'),
        ('class Odd(BaseException): pass\nraise Odd("x")', 'Odd: x'),
        ('class Odd(Exception):\n  def __str__(self): 1 / 0\nraise Odd', 'Odd: <'),
        ('def f(): f()\nf()', 'RecursionError'),
        ('import no_such_module', "No module named 'no_such_module'"),
        ('', 'No such file'),
    ],
)
def test_package_that_does_not_load_is_named(
    configure, tmp_path, monkeypatch, code, cause
):
    package = tmp_path / 'odd_package'
    package.mkdir()
    package.joinpath('__init__.py').write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, 'odd_package', raising=False)
    plugin = configure(section('configuration: python:odd_package.trusted'))
    assert plugin.configuration is None
    assert "'python:odd_package.trusted' cannot be read (" in plugin.error
    assert cause in plugin.error
    assert plugin.error.isprintable()


def test_interrupt_is_no_mistake_in_the_configuration(configure, monkeypatch):
    from mailman_trustedserver import configuration

    def expand_path(resources, path):
        raise KeyboardInterrupt

    monkeypatch.setattr(configuration, 'expand_path', expand_path)
    with pytest.raises(KeyboardInterrupt):
        configure(CONFIGURATION)


PIECES = [
    b'[trustedserver]',
    b'[plugin.trustedserver]',
    b'configuration:',
    b'trusted_local_servers:',
    b'trusted_remote_servers =',
    b'submission: both',
    b'mode: observe',
    b' 192.0.2.1',
    b' ::/0',
    b' !^192\\.0\\.2\\.[12]$',
    b' 192.0.2.1-9',
    b' "192.0.2.1",',
    b'\n',
    b'\r\n',
    b'\n\t',
    b'#',
    b'%',
    b'[',
    b'\0',
    b'\xff',
    b'\xef\xbb\xbf',
    '\u3000\u201c\uff11'.encode(),
]
EXAMPLE = CONFIGURATION.encode()
contents = st.one_of(
    st.binary(),
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=20).map(
        b''.join
    ),
    # A file that is half written, or damaged.
    st.builds(
        lambda start, end, piece: EXAMPLE[:start] + piece + EXAMPLE[end:],
        st.integers(0, len(EXAMPLE)),
        st.integers(0, len(EXAMPLE)),
        st.sampled_from(PIECES),
    ),
)


def check_load():
    from mailman_trustedserver.configuration import Files

    files = Files('trustedserver')
    files.read()
    if files.configuration is None:
        assert files.error
        assert files.error.isprintable()
        assert 'internal error' not in files.error
    else:
        settings = files.configuration.site
        assert isinstance(settings, Settings)
        assert all(finding.text for finding in lint(files.configuration))


@given(data=contents)
def test_any_bytes_give_settings_or_the_error(mailman_layer, tmp_path_factory, data):
    from mailman.config import config

    directory = tmp_path_factory.getbasetemp()
    main, beside = directory / 'main.cfg', directory / 'beside.cfg'
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, 'filename', str(main))
        main.write_bytes(data)
        check_load()
        main.write_bytes(section().encode() + b'configuration: ' + data)
        check_load()
        main.write_text(section(f'configuration: {beside}'))
        beside.write_bytes(data)
        check_load()
