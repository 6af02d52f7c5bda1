# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a vector of a message that somebody reports.

    make vector MESSAGE=x.eml

`replacements` gives names and addresses for documentation in place of real ones,
`fields` finds them in a field, `message` rewrites a header and checks that it is
read as before, and `__main__` writes file and line.
"""
