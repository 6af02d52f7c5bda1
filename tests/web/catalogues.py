# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Extract the sentences of the web part, and compile their translations.

    python -m tests.web.catalogues

writes both into the source.  It needs Django and GNU gettext.
"""

import subprocess
import sys

from dev.site.posts import ROOT
from pathlib import Path


PACKAGE = ROOT / 'src' / 'mailman_trustedserver'
LOCALE = Path('postorius', 'locale')
LANGUAGES = ('ja',)

# Some sentences, such as those of `reasons`, stand outside the application.
EXTRACT = """
import django
import sys

from django.conf import settings
from django.core.management import call_command

settings.configure(LOCALE_PATHS=[sys.argv[1]])
django.setup()
call_command(
    'makemessages',
    locale=sys.argv[2:],
    # What these say, Mailman translates.
    ignore_patterns=['chains/*', 'rules/*', 'styles/*'],
    keep_pot=True,
    add_location='file',
    no_wrap=True,
    verbosity=0,
)
"""


def update(package):
    """Bring the catalogues of a package, or of a copy, up to date with it."""
    subprocess.run(
        [sys.executable, '-c', EXTRACT, LOCALE, *LANGUAGES], cwd=package, check=True
    )
    for language in LANGUAGES:
        path = package / LOCALE / language / 'LC_MESSAGES' / 'django.po'
        subprocess.run(
            ['msgfmt', '--check', '--output-file', path.with_suffix('.mo'), path],
            check=True,
        )


if __name__ == '__main__':
    update(PACKAGE)
