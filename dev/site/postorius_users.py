# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates the users that the standard input describes, a list in JSON.

A `dev.site.postorius.WebSite` runs it.  Postorius finds out what a user may do from the
addresses that he has verified, so each address is.
"""

import django
import json
import sys


def main() -> None:
    """Create them."""
    django.setup()
    from allauth.account.models import EmailAddress
    from django.contrib.auth import get_user_model

    manager = get_user_model().objects
    for one in json.load(sys.stdin):
        create = manager.create_superuser if one['superuser'] else manager.create_user
        user = create(one['name'], one['email'], one['password'])
        EmailAddress.objects.create(
            user=user, email=one['email'], verified=True, primary=True
        )


if __name__ == '__main__':
    main()
