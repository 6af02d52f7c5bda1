# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manual, as Sphinx builds it: `make docs`.

The package is not imported, so that no Mailman need be there.
"""

import re

from pathlib import Path


SOURCE = Path(__file__).parents[1] / 'src' / 'mailman_trustedserver'

project = 'mailman-trustedserver'
author = 'The mailman-trustedserver authors'
copyright = f'2026 {author}'
(release,) = re.findall(
    "^__version__ = '(.*)'$",
    (SOURCE / '__init__.py').read_text(encoding='utf-8'),
    re.MULTILINE,
)

extensions = ['myst_parser']
# Anchors are those of GitHub, where the same pages are read.
myst_heading_anchors = 3
html_theme = 'furo'
html_title = f'{project} {release}'
html_copy_source = False

# On GitHub, these are read where they are; here, a page includes each.
INCLUDED = {'CHANGELOG.md': 'changes.md', 'CONTRIBUTING.md': 'contributing.md'}
LINK = re.compile(rf'(?<=\]\()(?:\.\./)?({"|".join(INCLUDED)})')


def setup(app):
    """Have the links to these files lead to their pages."""

    def to_pages(*event):
        text = event[-1]
        text[0] = LINK.sub(lambda link: INCLUDED[link[1]], text[0])

    for name in ('source-read', 'include-read'):
        app.connect(name, to_pages)
