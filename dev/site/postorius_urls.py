# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of a `WebSite`, as Postorius' documentation has them."""

from django.urls import include, path, reverse_lazy
from django.views.generic import RedirectView


urlpatterns = [
    path('', RedirectView.as_view(url=reverse_lazy('list_index'))),
    path('postorius/', include('postorius.urls')),
    path('accounts/', include('allauth.urls')),
    path('', include('django_mailman3.urls')),
]
