# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Django application, for INSTALLED_APPS of the site's `settings.py`.

It adds a section to a list's settings in Postorius, and to each held message
the explanation of its route.  Permissions stay Postorius' own.
"""
