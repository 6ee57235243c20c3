# Every target works from a fresh clone with Go, git and make.
GO ?= go
# One race-detecting package run may take long on two slow cores, never longer.
TEST_TIMEOUT ?= 30m
FUZZTIME ?= 60s
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
PACKAGES ?= ./...
SEEDS ?= 2000
# One more package at a time than there are processors, since the longest ones often wait.
BESIDE ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
# What takes longest begins first, so that nothing is left to wait for alone at the end.
LONGEST = ./web/e2e ./hub/payment ./web/portal ./web/console
CONNECTORS = ./vendor-connectors/tryton ./vendor-connectors/...
# Connectors read one page after another, and their fakes are slow under the race detector.
RACED = $(if $(filter ./...,$(PACKAGES)),$(LONGEST) . ./cmd/... ./hub/... ./migrations/... ./web/...,$(PACKAGES))

.DEFAULT_GOAL := help
.PHONY: help build generate test connectors race-connectors simulate test-short bench soak soak-kill soak-money check fmt vet staticcheck fresh house fuzz vuln

help: ## show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the binary, ./sheaf
	CGO_ENABLED=0 $(GO) build -trimpath -o sheaf ./cmd/sheaf

generate: ## generate the Go code of the templates
	$(GO) tool templ generate

# Vetted by check; without what debuggers read, forty binaries link in half the time.
test: ## everything, on PostgreSQL and SQLite, Redis and the in-process one, with the race detector
	.ci/install
	.ci/with-servers $(GO) test -race -p $(BESIDE) -vet=off -ldflags=-w -timeout $(TEST_TIMEOUT) $(RACED)
	$(if $(filter ./...,$(PACKAGES)),$(MAKE) connectors)
	$(MAKE) simulate

connectors: export CGO_ENABLED = 0
connectors: ## the connectors alone, without the race detector; race-connectors runs them with it
	.ci/install
	$(GO) test -p $(BESIDE) -vet=off -ldflags=-w -timeout $(TEST_TIMEOUT) $(CONNECTORS)

race-connectors:
	.ci/install
	$(GO) test -race -p $(BESIDE) -timeout $(TEST_TIMEOUT) $(CONNECTORS)

# Each world is one goroutine, and ten times as slow under the race detector, so
# the simulations of money run without it.
simulate: ## the simulations of money, in SEEDS (2000) seeded worlds
	TEST_TIMEOUT=$(TEST_TIMEOUT) .ci/simulate $(SEEDS)

test-short: ## the embedded half: SQLite and the in-process Redis; installs nothing
	env -u SHEAF_TEST_POSTGRES_URL -u SHEAF_TEST_REDIS_URL SHEAF_TEST_SHORT=1 $(GO) test -short -timeout $(TEST_TIMEOUT) $(PACKAGES)

# How much the long runs do; each prints how far it is. A seed that fails prints how to play it alone, and
# SHEAF_MONEY_FIRST goes on where an earlier run was stopped.
SOAK_PAYMENTS ?= 5000
SOAK_KILLS ?= 200
SOAK_SEEDS ?= 100000
SHEAF_MONEY_FIRST ?= 1

soak: soak-kill soak-money ## the long proofs: thousands of payments under kill -9, then a hundred thousand worlds of money; hours

soak-kill:
	.ci/install
	E2E_MONEY_PAYMENTS=$(SOAK_PAYMENTS) E2E_MONEY_KILLS=$(SOAK_KILLS) \
		.ci/with-servers $(GO) test -count=1 -v -timeout 6h -run '^TestMoneySurvivesKill9$$' ./web/e2e

soak-money:
	TEST_TIMEOUT=24h .ci/simulate $(SOAK_SEEDS) $(SHEAF_MONEY_FIRST)

bench: ## settled payments per second against their floors, on a PostgreSQL that keeps its promises and on SQLite
	.ci/install
	SHEAF_SERVERS_DURABLE=1 .ci/with-servers $(GO) run ./cmd/sheaf/settlebench

# What needs no race detector is built as the release is, so that all of it is built once.
check vet staticcheck fresh house simulate: export CGO_ENABLED = 0

check: fmt vet fresh staticcheck house ## formatting, vet, staticcheck, fresh templates, the arrows of the house

fmt:
	@files=$$(git ls-files -co --exclude-standard -- '*.go' | xargs -r ls -d 2>/dev/null | xargs -r gofmt -l); \
	if [ -n "$$files" ]; then echo "not formatted; run gofmt -w on:"; echo "$$files"; exit 1; fi

vet:
	$(GO) vet ./...

staticcheck:
	$(GO) run $(STATICCHECK) ./...

fresh:
	.ci/fresh

house:
	$(GO) test -count=1 -run '^TestHouse' .

fuzz: ## run each fuzz target for FUZZTIME (60s)
	.ci/fuzz $(FUZZTIME) $(PACKAGES)

vuln: ## look for known vulnerabilities (needs the network)
	$(GO) run $(GOVULNCHECK) ./...
