# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Django application, for INSTALLED_APPS of the site's `settings.py`.

It adds to the pages of Postorius what the plugin says of lists and of held messages,
and the overview for superusers.  Permissions stay Postorius' own.
"""
