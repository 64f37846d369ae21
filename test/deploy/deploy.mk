# The Terraform modules of deploy/, judged without AWS: `make check-deploy`. See test/deploy/README.md.

.PHONY: setup-deploy check-deploy
setup-deploy: setup-python
	@test/setup/python.sh build/venv-checkov requirements-checkov.txt
	@test/setup/tofu.sh >/dev/null
	@test/setup/provider.sh build/deploy >/dev/null

check-deploy: all setup-deploy
	ORDERD=$(abspath $(B))/orderd ORDERCTL=$(abspath $(B))/orderctl \
	build/venv/bin/pytest -q $(PYTEST_ARGS) test/deploy
