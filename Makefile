# `make help` lists the commands.

SERVER ?= tcp_server_fork
PORT ?= 8080
IP ?= 127.0.0.1

programs = tcp_server tcp_server_fork tcp_server_double_fork tcp_client

# AS_PRINTED=1 and STATIC=1 are builds of their own, each in its own directory.
target_dir = target$(if $(STATIC),/static)$(if $(AS_PRINTED),/as-printed)
bin = $(target_dir)/release
build_flags = --release --bins --target-dir $(target_dir) $(if $(AS_PRINTED),--features as_printed)
ifneq ($(STATIC),)
host := $(shell rustc -vV | sed -n 's/^host: //p')
build_flags += --target $(host)
# Without RELRO a static program makes one call less at its start.
build : export RUSTFLAGS = -C target-feature=+crt-static -C relro-level=off -l gcc -l gcc_eh
endif

.DEFAULT_GOAL := build
.PHONY: build run-server run-client clean help

build: ## build the four programs into target/release
	cargo build $(build_flags)
	$(if $(STATIC),@ln -f $(programs:%=$(target_dir)/$(host)/release/%) $(bin))

run-server: build ## the server: SERVER=tcp_server_fork PORT=8080 IP=127.0.0.1
	@$(bin)/$(SERVER) "$(PORT)" "$(IP)"

run-client: build ## the client: PORT=8080 IP=127.0.0.1
	@$(bin)/tcp_client "$(IP)" "$(PORT)"

clean: ## remove what was built
	cargo clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /make \1\t/p' Makefile | expand -t 22
	@echo 'AS_PRINTED=1: with the article'"'"'s errata put back. STATIC=1: linked statically.'
