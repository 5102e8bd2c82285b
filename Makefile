# make demo   a whole small world on this machine, with traffic
# make test   every test, the broker's against a real private RabbitMQ
# Both install what is missing (scripts/install); both build with the same profile.

SHELL        := /bin/sh
CARGO        ?= cargo
SECONDS_DEMO ?= 40
SECONDS_FUZZ ?= 600
# So that rustup's cargo is found even where no profile was read.
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: demo sandbox test fault-test fairness memory start-time power-test fuzz bench load lint build install

demo: build
	target/debug/cara-sandbox --traffic --seconds $(SECONDS_DEMO)

# The same world without traffic, until Ctrl-C.
sandbox: build
	target/debug/cara-sandbox

test: install
	$(CARGO) test --workspace

# Faults under load of both legs, each three times, with a table; FAULTS="kill_nine …" chooses rows,
# FAULT_ROUNDS says how often. About half an hour.
fault-test: install
	FAULT_TEST=all $(CARGO) test --test it -- --nocapture every_fault

# What another force feels of one at its limits, beside a burner of the processor; eight minutes.
fairness: install
	FAIRNESS=all $(CARGO) test --test it -- --nocapture another_force_feels

# The worst bodies of every format from several forces at once, in full number; three minutes.
memory: install
	MEMORY=all $(CARGO) test --test it -- --nocapture a_storm_of_the_worst

# From the start of the process to its first 202, beside 200,000 cases; two minutes.
start-time: install
	START_TIME=all $(CARGO) test --test it -- --nocapture a_start_beside_many_cases

# A power cut at every write of a recorded store, five disks for each; ten minutes of one core.
power-test: install
	POWER_ALL=1 $(CARGO) test -p cara-store-sqlite --lib tests::power -- --nocapture

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
