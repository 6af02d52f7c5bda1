# The front of the project: `make demo`, `make test`, `make check`.
# PYTHON names the interpreter that the virtual environments are made with.

# Mailman runs on Python 3.9 to 3.12.
PYTHON ?= $(shell for python in python3 python3.12 python3.11 python3.10 python3.9; do \
    $$python -c 'import sys; sys.exit(not (3, 9) <= sys.version_info < (3, 13))' \
        2>/dev/null && echo $$python && break; done)
$(if $(PYTHON),,$(error Mailman needs Python 3.9 to 3.12; name one: make PYTHON=...))
VENV = .venv
PURE = */names.py,*/decision.py,*/report.py,*/explaining.py,*/__main__.py,*/addresses.py,*/expressions.py,*/formats.py,*/mbox.py,*/received.py,*/reasons.py,*/policy.py,*/header.py,*/settings.py
# What runs in the process of Postorius, in `make test-web`.
ELSEWHERE = */postorius/*
VERSIONS = 3.3.8 3.3.9 3.3.10

# Postorius as Debian 12 has it, and the newest; tests/web/*.txt has the rest.
WEB = 1.3.8 1.3.13
SOURCES := $(shell find src -type f -not -name '*.pyc')

.PHONY: demo demo-web test check fuzz nightly bench test-versions test-web messages screenshots bypass-table \
	load test-load test-debian test-network test-haraka clean

demo: $(VENV)/.installed
	$(VENV)/bin/python -m dev.demo

demo-web: $(VENV)/.installed-web
	$(VENV)/bin/python -m dev.demo.web

test: $(VENV)/.installed-test
	$(VENV)/bin/python -m pytest -rs --cov --cov-report=
	$(VENV)/bin/coverage report --include='$(PURE)' --fail-under=100
	$(VENV)/bin/coverage report --omit='$(PURE),$(ELSEWHERE)' --fail-under=90

check: $(VENV)/.installed-check
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# A minute of each fuzz target; FUZZ_SECONDS=600 makes it ten.
FUZZ_SECONDS ?= 60
fuzz: $(VENV)/.installed-fuzz
	$(VENV)/bin/python -m dev.fuzz received -max_total_time=$(FUZZ_SECONDS)
	$(VENV)/bin/python -m dev.fuzz evaluate -max_total_time=$(FUZZ_SECONDS)

# The property tests with 10,000 examples a format.
nightly: $(VENV)/.installed-test
	$(VENV)/bin/python -m pytest --hypothesis-profile=nightly tests/test_received_properties.py tests/test_policy_properties.py

# Ratios to what one would use instead, and how they grow.
bench: $(VENV)/.installed-bench
	$(VENV)/bin/python -m dev.benchmarks --plot docs/growth.png

# The tests that run Mailman, on each version that is supported.
test-versions: $(VERSIONS:%=test-version-%)

.SECONDARY: $(VERSIONS:%=.venvs/%/.installed)
test-version-%: .venvs/%/.installed
	.venvs/$*/bin/python -m pytest -q -m mailman

# The tests in a browser, on each version of Postorius.
test-web: $(WEB:%=test-web-%)

.SECONDARY: $(WEB:%=.venvs/web-%/.installed)
test-web-%: .venvs/web-%/.installed
	WHEEL=1 .venvs/web-$*/bin/python -m pytest -q -rs -m web tests/web

# The catalogues of the web part; this needs GNU gettext.
messages: .venvs/web-1.3.13/.installed
	.venvs/web-1.3.13/bin/python -m tests.web.catalogues

# The table in docs/bypass.md.
bypass-table: $(VENV)/.installed-test
	RENEW=1 $(VENV)/bin/python -m pytest -q tests/test_bypass.py -k documented_table

# The pictures in docs/.
screenshots: .venvs/web-1.3.13/.installed
	SCREENSHOTS=docs .venvs/web-1.3.13/bin/python -m pytest -q tests/web/test_screenshots.py

# 10,000 posts with the plugin and without it, and posts while things break.
load: $(VENV)/.installed
	$(VENV)/bin/python -m dev.load

# The same with some hundred posts.
test-load: $(VENV)/.installed-test
	$(VENV)/bin/python -m pytest -m load tests/test_load.py

# Debian's own packages of Mailman, in a system of their own; needs root.
test-debian: $(VENV)/.installed-test
	$(VENV)/bin/python -m pytest -m debian tests/test_debian.py

# A Haraka that lets tabs into HELO; this needs Node.js and npm.
test-haraka: $(VENV)/.installed-test .venvs/haraka/.installed
	$(VENV)/bin/python -m pytest -q -rs -m haraka tests/test_haraka.py

.venvs/haraka/.installed:
	mkdir -p .venvs/haraka
	npm install --prefix .venvs/haraka --no-audit --no-fund --ignore-scripts --omit=optional Haraka@3.1.6
	touch $@

# Real mail servers on a network of namespaces; docs/network.md.
test-network: $(VENV)/.installed-test
	$(VENV)/bin/python -m tests.network

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.installed-%: $(VENV)/.installed
	$(VENV)/bin/python -m pip install --quiet --editable '.[$*]'
	touch $@

.venvs/%/.installed: pyproject.toml
	$(PYTHON) -m venv .venvs/$*
	.venvs/$*/bin/python -m pip install --quiet --editable '.[test]' mailman==$*
	touch $@

# The wheel, not the source: what a wheel lacks must fail here.
.venvs/web-%/.installed: tests/web/postorius-%.txt pyproject.toml $(SOURCES)
	test -x .venvs/web-$*/bin/python || $(PYTHON) -m venv .venvs/web-$*
	rm -rf .venvs/web-$*/wheel
	.venvs/web-$*/bin/python -m pip wheel --quiet --no-deps --wheel-dir .venvs/web-$*/wheel .
	.venvs/web-$*/bin/python -m pip uninstall --quiet --yes mailman-trustedserver
	.venvs/web-$*/bin/python -m pip install --quiet --requirement $< "$$(echo .venvs/web-$*/wheel/*.whl)[test-web]"
	touch $@

clean:
	rm -rf $(VENV) .venvs .coverage
