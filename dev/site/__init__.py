# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Mailman, a Postorius or a Debian system to start, and what came of a post."""
