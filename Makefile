# `make help` lists the commands.

SERVER ?= tcp_server_fork
PORT ?= 8080
IP ?= 127.0.0.1

servers = tcp_server tcp_server_fork tcp_server_double_fork
programs = $(servers) tcp_client

# AS_PRINTED=1 and STATIC=1 are builds of their own, each in its own directory. 0 is off, as in every switch.
on = $(filter-out 0,$(1))
printed = $(call on,$(AS_PRINTED))
static = $(call on,$(STATIC))
target_dir = target$(if $(static),/static)$(if $(printed),/as-printed)
bin = $(target_dir)/release
build_flags = --release --bins --target-dir $(target_dir) $(if $(printed),--features as_printed)
ifneq ($(static),)
host := $(shell rustc -vV | sed -n 's/^host: //p')
build_flags += --target $(host)
build : export RUSTFLAGS = -C target-feature=+crt-static -l gcc -l gcc_eh
endif

# The calls that the article's code makes, in strace's names.
calls = trace=socket,setsockopt,bind,listen,accept,connect,read,write,close,clone,clone3,fork,vfork,wait4,rt_sigaction,exit_group
# From the program's own first call on, without the C library's look at the time zone, which the first line of
# the log brings about. Behind that all is passed on as it comes: a call that sleeps is half a line.
own = sed -unE '/socket|rt_sigaction/,/write\(/ { /TZif2/,/close/d; p; /write\(/q; }'; cat
strace = strace -s 128 -e $(calls) -e signal=!chld $(if $(call on,$(PEERS)),-yy) -o "|trap '' INT; { $(own); } >&2"
# A PORT that is given; otherwise the tools find a free one.
port = $(if $(filter file,$(origin PORT)),,$(PORT))
tools = cargo run --quiet --profile tools --example tools --

.DEFAULT_GOAL := build
.PHONY: build run-server run-client demo strace-server strace-client lanes lessons lesson \
	compare side-by-side faults sanitise test bench clean help \
	known-server need-strace need-ss need-ps need-g++

build: ## build the four programs into target/release
	cargo build $(build_flags)
	$(if $(static),@ln -f $(programs:%=$(target_dir)/$(host)/release/%) $(bin))

run-server: known-server build ## the server: SERVER=tcp_server_fork PORT=8080 IP=127.0.0.1
	@$(bin)/$(SERVER) "$(PORT)" "$(IP)"

run-client: build ## the client: PORT=8080 IP=127.0.0.1
	@$(bin)/tcp_client "$(IP)" "$(PORT)"

demo: known-server build ## a server and a client talk, both terminals in one: SERVER=
	@cargo run --quiet --profile tools --example demo -- $(bin) $(SERVER)

strace-server: known-server build need-strace ## run-server under strace, the article's calls alone; PEERS=1 names both ends of a socket
	@$(strace) -f $(bin)/$(SERVER) $(PORT) $(IP) >/dev/null

strace-client: build need-strace ## run-client under strace, the article's calls alone
	@$(strace) $(bin)/tcp_client $(IP) $(PORT) >/dev/null

lanes: known-server build need-strace ## one conversation, drawn, a column a process: SERVER= CLIENTS=2, or TRACE=file
	@$(tools) lanes $(or $(TRACE),$(bin) $(SERVER) $(or $(CLIENTS),1) $(port))

lessons: $(if $(call on,$(RECORD)),build need-strace need-ss need-ps) ## the lessons, each with its question; RECORD=1 writes their traces and the pages' examples anew
	@$(tools) $(if $(call on,$(RECORD)),record,lessons) $(N)

lesson: need-strace need-ss need-ps ## one lesson, run now: N=3; ASK=1 asks first, RAW=1 shows the run's own ports and pids
	@export ASK=$(call on,$(ASK)) RAW=$(call on,$(RAW)); $(tools) lesson $(N)

compare: need-strace need-g++ ## the calls of the article's C++ beside the port's: ARTICLE=file.md ONLY=tcp_client (RECORD=1 keeps them)
	@export ARTICLE="$(ARTICLE)" AS_PRINTED=$(printed) RECORD=$(call on,$(RECORD)); $(tools) compare $(ONLY)

side-by-side: ## the two sources in two columns, aligned: ARTICLE=file.md LISTING=client
	@$(tools) side-by-side "$(ARTICLE)" "$(LISTING)"

faults: build need-strace $(if $(ARTICLE),need-g++) ## the fault matrix as a table; ARTICLE=file.md puts the article's C++ beside the port
	@export ARTICLE="$(ARTICLE)"; $(tools) faults

sanitise: ## formatter, argument parsing and line reader under valgrind
	@command -v valgrind >/dev/null || { echo 'valgrind is missing, install it'; exit 1; }
	cargo test --config 'target."cfg(all())".runner="valgrind --quiet --error-exitcode=9"' format

test: need-strace need-ss need-ps $(if $(ARTICLE),need-g++) ## everything; ARTICLE=file.md measures the article's C++ again
	ARTICLE="$(ARTICLE)" RUST_TEST_THREADS=$${RUST_TEST_THREADS:-8} cargo test

bench: ## speed and cost, in turns; ARTICLE=file.md puts the article's C++ beside the port, RECORD=1 keeps the tables
	@export ARTICLE="$(ARTICLE)" RECORD=$(call on,$(RECORD)) $(if $(call on,$(RECORD)),LC_ALL=C); cargo bench --quiet --bench bench

known-server:
	@$(if $(filter $(SERVER),$(servers)),:,echo 'SERVER is one of $(servers)' >&2; exit 2)

need-strace need-ss need-ps need-g++: need-%:
	@sh tests/tools/install.sh $*

clean: ## remove what was built
	cargo clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /make \1\t/p' Makefile | expand -t 22
	@echo 'AS_PRINTED=1: with the article'"'"'s errata put back. STATIC=1: linked statically.'
