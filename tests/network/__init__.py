# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real mail servers on a network of namespaces, and a real Mailman behind them.

`python -m tests.network` is the front; docs/network.md says what is tested.
"""
