# Every target works from a fresh clone with Go, git and make.
GO ?= go
# One race-detecting package run may take long on two slow cores, never longer.
TEST_TIMEOUT ?= 12m
FUZZTIME ?= 60s
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
PACKAGES ?= ./...

.DEFAULT_GOAL := help
.PHONY: help build generate test test-short bench check fmt vet staticcheck fresh house fuzz vuln

help: ## show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the binary, ./sheaf
	CGO_ENABLED=0 $(GO) build -trimpath -o sheaf ./cmd/sheaf

generate: ## generate the Go code of the templates
	$(GO) tool templ generate

test: ## everything, on PostgreSQL and SQLite, Redis and the in-process one, with the race detector
	.ci/install
	.ci/with-servers $(GO) test -race -timeout $(TEST_TIMEOUT) $(PACKAGES)

test-short: ## the embedded half: SQLite and the in-process Redis; installs nothing
	env -u SHEAF_TEST_POSTGRES_URL -u SHEAF_TEST_REDIS_URL SHEAF_TEST_SHORT=1 $(GO) test -short -timeout $(TEST_TIMEOUT) $(PACKAGES)

bench: ## settled payments per second against their floors, on a PostgreSQL that keeps its promises and on SQLite
	.ci/install
	SHEAF_SERVERS_DURABLE=1 .ci/with-servers $(GO) run ./cmd/sheaf/settlebench

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
