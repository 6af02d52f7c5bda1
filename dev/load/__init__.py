# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Posts by the thousand, and what goes wrong meanwhile: `python -m dev.load`."""
