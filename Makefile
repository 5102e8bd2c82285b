# make demo   a whole small world on this machine, with traffic
# make test   every test, the broker's against a real private RabbitMQ
# Both install what is missing (scripts/install); both build with the same profile.

SHELL        := /bin/sh
CARGO        ?= cargo
SECONDS_DEMO ?= 40
SECONDS_FUZZ ?= 600
# So that rustup's cargo is found even where no profile was read.
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: demo test fault-test power-test fuzz bench load lint build install

demo: build
	target/debug/cara-gateway sandbox --traffic --seconds $(SECONDS_DEMO)

test: install
	$(CARGO) test --workspace

# The fault tests with 50 rounds instead of 10.
fault-test: install
	FAULT_ROUNDS=50 $(CARGO) test --test it -- --nocapture fault kill_nine

# A power cut at every write of a recorded store, eight disks for each.
power-test: install
	POWER_ALL=1 $(CARGO) test --lib store::sqlite::tests::power -- --nocapture

# Everything that reads bytes from outside, so long for each target.
fuzz: install
	scripts/fuzz $(SECONDS_FUZZ)

bench: install
	$(CARGO) bench --bench translate

# The whole way and the front door under load, each beside its limit.
load: install
	$(CARGO) build --release
	$(CARGO) run --release --example load

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

build: install
	$(CARGO) build --workspace

install:
	@scripts/install
