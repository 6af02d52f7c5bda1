# The front of the project: `make demo`, `make test`, `make check`.
# PYTHON names the interpreter that the virtual environments are made with.

# Mailman runs on Python 3.9 to 3.12.
PYTHON ?= $(shell for python in python3 python3.12 python3.11 python3.10 python3.9; do \
    $$python -c 'import sys; sys.exit(not (3, 9) <= sys.version_info < (3, 13))' \
        2>/dev/null && echo $$python && break; done)
$(if $(PYTHON),,$(error Mailman needs Python 3.9 to 3.12; name one: make PYTHON=...))
VENV = .venv
PURE = */addresses.py,*/formats.py,*/received.py,*/policy.py,*/settings.py
VERSIONS = 3.3.8 3.3.9 3.3.10

.PHONY: demo test check fuzz nightly bench test-versions test-network clean

demo: $(VENV)/.installed
	$(VENV)/bin/python -m demo

test: $(VENV)/.installed-test
	$(VENV)/bin/python -m pytest --cov --cov-report=
	$(VENV)/bin/coverage report --include='$(PURE)' --fail-under=100
	$(VENV)/bin/coverage report --omit='$(PURE)' --fail-under=90

check: $(VENV)/.installed-check
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# A minute of each fuzz target; FUZZ_SECONDS=600 makes it ten.
FUZZ_SECONDS ?= 60
fuzz: $(VENV)/.installed-fuzz
	$(VENV)/bin/python -m fuzz received -max_total_time=$(FUZZ_SECONDS)
	$(VENV)/bin/python -m fuzz evaluate -max_total_time=$(FUZZ_SECONDS)

# The property tests with 10,000 examples a format.
nightly: $(VENV)/.installed-test
	$(VENV)/bin/python -m pytest --hypothesis-profile=nightly tests/test_received_properties.py tests/test_policy_properties.py

# Ratios to what one would use instead, and how they grow.
bench: $(VENV)/.installed-bench
	$(VENV)/bin/python -m benchmarks --plot docs/growth.png

# The tests that run Mailman, on each version that is supported.
test-versions: $(VERSIONS:%=.venvs/%/.installed)
	set -e; for version in $(VERSIONS); do \
	    echo "Mailman $$version"; \
	    .venvs/$$version/bin/python -m pytest -q -m mailman; \
	done

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

clean:
	rm -rf $(VENV) .venvs .coverage
