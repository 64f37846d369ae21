# The Terraform modules of deploy/, judged without AWS: `make check-deploy`. See test/deploy/README.md.

.PHONY: setup-deploy check-deploy
setup-deploy: setup-python
	@test/setup/python.sh build/venv-checkov requirements-checkov.txt
	@test/setup/tofu.sh >/dev/null
	@test/setup/provider.sh build/deploy >/dev/null

# Debian 12 has no Go that is new enough, and no package of ours may bring one.
check-deploy: all
	@if ! command -v go >/dev/null; then \
	    echo "check-deploy: skipped: Go is missing, which OpenTofu is built with (1.26 or later)"; \
	elif ! command -v npm >/dev/null; then \
	    echo "check-deploy: skipped: npm is missing, which fetches the AWS provider's schema"; \
	else \
	    $(MAKE) --no-print-directory check-deploy-here; \
	fi

.PHONY: check-deploy-here
check-deploy-here: setup-deploy
	ORDERD=$(abspath $(B))/orderd ORDERCTL=$(abspath $(B))/orderctl \
	build/venv/bin/pytest -q $(PYTEST_ARGS) test/deploy
