# SPDX-FileCopyrightText: 2026 The mailman-trustedserver authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Django settings of a `dev.site.postorius.WebSite`: those that Postorius needs.

The environment variable DEMO_WEB names a JSON file with what differs from
site to site.
"""

import importlib.util
import json
import os

from django.contrib.messages import constants
from pathlib import Path


_path = Path(os.environ['DEMO_WEB'])
_site = json.loads(_path.read_text(encoding='utf-8'))

SECRET_KEY = _site['secret_key']
MAILMAN_REST_API_URL = _site['rest_url']
MAILMAN_REST_API_USER = _site['rest_user']
MAILMAN_REST_API_PASS = _site['rest_password']

ALLOWED_HOSTS = ['127.0.0.1']
ROOT_URLCONF = 'dev.site.postorius_urls'
SITE_ID = 1
STATIC_URL = '/static/'

INSTALLED_APPS = (
    'django.contrib.auth',
    'django.contrib.contenttypes',
    'django.contrib.humanize',
    'django.contrib.messages',
    'django.contrib.sessions',
    'django.contrib.sites',
    'django.contrib.staticfiles',
    'postorius',
    'django_mailman3',
    'django_gravatar',
    'allauth',
    'allauth.account',
    'allauth.socialaccount',
)
# As an administrator adds it: a tuple after the others.
INSTALLED_APPS += tuple(_site['apps'])

MIDDLEWARE = [
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.middleware.locale.LocaleMiddleware',
    'django.middleware.common.CommonMiddleware',
    'django.middleware.csrf.CsrfViewMiddleware',
    'django.contrib.auth.middleware.AuthenticationMiddleware',
    'django.contrib.messages.middleware.MessageMiddleware',
    'django.middleware.clickjacking.XFrameOptionsMiddleware',
    'postorius.middleware.PostoriusMiddleware',
]
# Newer versions of allauth demand their middleware, older ones have none.
if importlib.util.find_spec('allauth.account.middleware'):
    MIDDLEWARE.append('allauth.account.middleware.AccountMiddleware')
    # The tests log in more often than people do, and older versions count
    # failures only.
    ACCOUNT_RATE_LIMITS = False

TEMPLATES = [
    {
        'BACKEND': 'django.template.backends.django.DjangoTemplates',
        'APP_DIRS': True,
        'OPTIONS': {
            'context_processors': [
                'django.template.context_processors.i18n',
                'django.template.context_processors.static',
                'django.template.context_processors.csrf',
                'django.template.context_processors.request',
                'django.contrib.auth.context_processors.auth',
                'django.contrib.messages.context_processors.messages',
                'django_mailman3.context_processors.common',
                'postorius.context_processors.postorius',
            ],
        },
    },
]

DATABASES = {
    'default': {
        'ENGINE': 'django.db.backends.sqlite3',
        'NAME': str(_path.with_name('web.db')),
    }
}
DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'
TIME_ZONE = 'UTC'
USE_TZ = True

LOGIN_URL = 'account_login'
LOGIN_REDIRECT_URL = 'list_index'
LOGOUT_URL = 'account_logout'
AUTHENTICATION_BACKENDS = (
    'django.contrib.auth.backends.ModelBackend',
    'allauth.account.auth_backends.AuthenticationBackend',
)
ACCOUNT_EMAIL_VERIFICATION = 'none'
# This one opens no connection.
EMAIL_BACKEND = 'django.core.mail.backends.dummy.EmailBackend'
# Bootstrap's name for it.
MESSAGE_TAGS = {constants.ERROR: 'danger'}

# To the standard error, tracebacks included; without DEBUG, Django mails them.
LOGGING = {
    'version': 1,
    'disable_existing_loggers': False,
    'handlers': {'console': {'class': 'logging.StreamHandler'}},
    'root': {'handlers': ['console'], 'level': 'WARNING'},
    # A page that is forbidden comes with a traceback too, as a warning.
    'loggers': {'django.request': {'level': 'ERROR'}},
}
