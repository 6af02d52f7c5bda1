# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a release and the habits of the project have to agree on."""

import pytest
import re
import shutil
import subprocess

from dev.site.posts import ROOT
from importlib.metadata import requires
from mailman_trustedserver import __version__
from tests.conftest import need


DEBIAN = ROOT / 'dev' / 'package' / 'debian'


@pytest.mark.parametrize(
    ('name', 'begin'),
    [
        ('CHANGELOG.md', '\n## [{}] - 20'),
        ('docs/start.md', 'cd mailman_trustedserver-{}\n'),
        ('dev/package/debian/changelog', 'mailman-trustedserver ({}-1)'),
    ],
)
def test_version_is_that_of_the_package(name, begin):
    text = (ROOT / name).read_text(encoding='utf-8')
    assert begin.format(__version__) in text


def normalized(name):
    """A name of a distribution as indexes compare them."""
    return re.sub('[-_.]+', '-', name).lower()


def test_package_of_debian_names_each_dependency():
    lines = (DEBIAN / 'py3dist-overrides').read_text(encoding='utf-8').splitlines()
    needed = {
        normalized(re.match(r'[\w.-]+', one)[0])
        for one in requires('mailman-trustedserver')
        if 'extra ==' not in one
    }
    assert 'mailman' in needed
    assert needed == {normalized(line.split()[0]) for line in lines}


CALLERS = ['.ci/run', '.github/workflows/ci.yml', 'CONTRIBUTING.md']


@pytest.mark.parametrize('name', CALLERS)
def test_only_targets_of_the_makefile_are_called(name):
    path = ROOT / name
    need(path.exists(), f'this needs a clone, which has {name}')
    need(shutil.which('make'), 'There is no make: apt-get install make.')
    text = path.read_text(encoding='utf-8').replace('\\\n', ' ')
    if name.endswith('.md'):
        calls = re.findall(r'`(make [^`]*)`', text)
    else:
        calls = re.findall(r'^(?: *- run: )?(make .*)', text, re.MULTILINE)
    words = {word for call in calls for word in call.split()[1:]}
    assert words
    command = ['make', '--dry-run', *sorted(words)]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
