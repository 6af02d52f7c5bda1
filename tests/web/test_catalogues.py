# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogues are those of the source, complete and compiled."""

import mailman_trustedserver
import pytest
import shutil
import subprocess

from pathlib import Path
from tests.web.catalogues import LANGUAGES, LOCALE, PACKAGE, update


pytestmark = pytest.mark.web


def catalogues(package):
    """The catalogues, without the date on which they were extracted."""
    return {
        path.relative_to(package): [
            line
            for line in path.read_bytes().splitlines()
            if b'POT-Creation-Date' not in line
        ]
        for path in (package / LOCALE).rglob('*.po*')
    }


def test_catalogues_have_the_sentences_of_the_source(tmp_path):
    copy = tmp_path / 'package'
    shutil.copytree(PACKAGE, copy)
    update(copy)
    assert catalogues(copy) == catalogues(PACKAGE)


@pytest.mark.parametrize('language', LANGUAGES)
def test_every_sentence_is_translated(language):
    path = PACKAGE / LOCALE / language / 'LC_MESSAGES' / 'django.po'
    statistics = subprocess.run(
        ['msgfmt', '--check', '--statistics', '--output-file=-', path],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={'LC_ALL': 'C'},
        encoding='utf-8',
    ).stderr
    assert 'untranslated' not in statistics
    assert 'fuzzy' not in statistics


@pytest.mark.parametrize('language', LANGUAGES)
def test_compiled_catalogue_is_that_of_the_text(language, tmp_path):
    folder = LOCALE / language / 'LC_MESSAGES'
    compiled = tmp_path / 'django.mo'
    subprocess.run(
        ['msgfmt', '--output-file', compiled, PACKAGE / folder / 'django.po'],
        check=True,
    )
    # The package that is installed is the wheel.
    installed = Path(mailman_trustedserver.__file__).parent
    assert (installed / folder / 'django.mo').read_bytes() == compiled.read_bytes()
