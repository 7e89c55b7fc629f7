# `make help` lists the commands.

SERVER ?= tcp_server_fork
PORT ?= 8080
IP ?= 127.0.0.1
SHELL = /bin/sh

# Chinese where the locale is.
chinese := $(filter zh%,$(firstword $(LC_ALL) $(LC_MESSAGES) $(LANG)))
say = $(if $(chinese),$(2),$(1))
comma := ,

# What a user sets is text: it is not expanded again, and recipes and tools read it from the environment, so that no
# name is taken for make's or the shell's code. A switch is on unless it is empty or 0. A relative path starts where
# make was called, with -C too.
switches = AS_PRINTED STATIC ASK RAW RECORD PEERS VERBOSE QUIET FIXED MUTANTS LINK_FLAGS
paths = ARTICLE TRACE SERVER_BIN CLIENT_BIN DIR
texts = SERVER PORT IP CLIENTS N LIKE FORMAT ONLY ERRATUM LISTING SECONDS SEED
on = $(filter-out 0,$(1))
absolute = $(if $(filter /% ~% file:% http://% https://%,$(firstword $(1))),,$(if $(1),$(or $(called),$(error $(call say,\
$(name)=$(1): with -C give the whole path,$(name)=$(1)：使用 -C 时请给出绝对路径)))/))$(1)
called = $(shell sh tests/scripts/called.sh $$PPID)
# Before the first $(shell): for each of them make 4.4 expands variables of the command line, and would run a command in one.
$(foreach name,$(switches) $(paths) $(texts) CARGO_TARGET_DIR CARGO_BUILD_TARGET,$(eval override $(name) := $$(value $(name))))
$(foreach name,$(switches),$(eval override $(name) := $$(call on,$$(value $(name)))))
$(foreach name,$(paths),$(eval override $(name) := $$(call absolute,$$(value $(name)))))
export $(switches) $(paths) $(texts)

servers = tcp_server tcp_server_fork tcp_server_double_fork
programs = $(servers) tcp_client

# A variable gets its value when it is first used, and keeps it.
once = $(eval $(1) := $(2))$($(1))

# AS_PRINTED=1 and STATIC=1 are builds of their own, each in its own directory: in the checkout, unless
# that cannot be written to.
target = $(call once,target,$$(if $$(shell test -w . && echo yes),target,$$(or $$(CARGO_TARGET_DIR),$$(error $$(call say,\
this checkout cannot be written to: give CARGO_TARGET_DIR=directory,此目录不可写，请指定 CARGO_TARGET_DIR=目录)))))
directory = $(target)$(if $(STATIC),/static)$(if $(AS_PRINTED),/as-printed)
bin = $(directory)/release
# musl's library makes the smaller static program; where Rust does not have it, glibc's does.
host = $(call once,host,$$(shell rustc -vV | sed -n 's/^host: //p'))
has = $(shell test -d "$$(rustc --print sysroot)/lib/rustlib/$(1)" && echo $(1))
triple = $(or $(CARGO_BUILD_TARGET),$(if $(STATIC),$(call has,$(patsubst %-gnu,%-musl,$(host)))),$(host))
cargo_build = $(if $(STATIC),RUSTFLAGS="$$RUSTFLAGS -C target-feature=+crt-static $(glibc)") \
	$(cargo) build --release --bins --target-dir "$(directory)" --target $(triple) $(if $(AS_PRINTED),--features as_printed)
glibc = $(if $(findstring gnu,$(triple)),-l gcc -l gcc_eh)

# With $(target), every tool reports a checkout that cannot be written to.
cargo = $(if $(target),)sh tests/scripts/cargo.sh

# The calls that the article's code makes, in strace's names; not every processor has each.
calls = trace=socket,setsockopt,bind,listen,accept,connect,read,write,close,clone,clone3,?fork,?vfork,wait4,rt_sigaction,exit_group
strace = LC_ALL=C strace -s 128 -e $(calls) -e signal=!chld $(if $(PEERS),-yy) \
	-o "|trap '' INT; sh tests/scripts/own_calls.sh >&2"
# A failed bind() has exit status 2.
explained = { status=$$?; [ $$status != 2 ] || sh tests/scripts/port_in_use.sh "$$PORT"; exit $$status; }
tools = $(cargo) run --quiet --profile tools --example tools --

.DEFAULT_GOAL := build
# What is written in a format goes to a file: no command among it.
ifneq ($(FORMAT),)
.SILENT:
endif
.PHONY: build run-server run-client demo strace-server strace-client lanes lessons lesson fixed compare side-by-side page \
	grade faults fuzz soak sanitise test bench clean help known-server bin-directory may-trace need-cargo need-strace \
	need-ss need-ps need-g++

build: need-cargo ## build the four programs into target/release | 构建四个程序，放在 target/release
	$(cargo_build)
	@mkdir -p "$(bin)" && for program in $(programs); do \
		ln -f "$(directory)/$(triple)/release/$$program" "$(bin)/$$program" || exit; done

run-server: known-server build ## the server: SERVER=tcp_server_fork PORT=8080 IP=127.0.0.1 | 服务端：SERVER=tcp_server_fork PORT=8080 IP=127.0.0.1
	@"$(bin)/$$SERVER" "$$PORT" "$$IP" || $(explained)

run-client: build ## the client: PORT=8080 IP=127.0.0.1 | 客户端：PORT=8080 IP=127.0.0.1
	@"$(bin)/tcp_client" "$$IP" "$$PORT" || exit

demo: known-server build ## a server and a client talk, both terminals in one: SERVER= | 服务端和客户端对话，两个终端的输出合在一起：SERVER=
	@$(cargo) run --quiet --profile tools --example demo -- "$(bin)" "$$SERVER"

strace-server: known-server build need-strace may-trace ## run-server under strace, only its own calls; PEERS=1 names both ends | 在 strace 下运行服务端，只看它自己的调用；PEERS=1 写出两端
	@$(strace) -f "$(bin)/$$SERVER" "$$PORT" "$$IP" >/dev/null || $(explained)

strace-client: build need-strace may-trace ## run-client under strace, only its own calls | 在 strace 下运行客户端，只看它自己的调用
	@$(strace) "$(bin)/tcp_client" "$$IP" "$$PORT" >/dev/null

lanes: need-cargo $(if $(TRACE),,known-server build need-strace) ## one session as a sequence diagram: SERVER= CLIENTS=2, or TRACE=file; FORMAT=svg, FORMAT=mermaid | 一次会话的时序图：SERVER= CLIENTS=2，或 TRACE=文件；FORMAT=svg、FORMAT=mermaid
	@$(tools) lanes $(if $(TRACE),,"$(bin)" "$$SERVER" "$${CLIENTS:-1}")

lessons: need-cargo $(if $(RECORD),build need-strace need-ss need-ps) ## the list of lessons; RECORD=1 records traces and examples again | 课程列表和每课的问题；RECORD=1 重新记录
	@$(tools) $(if $(RECORD),record,lessons) $${N:+"$$N"}

lesson: need-cargo need-strace need-ss need-ps ## one lesson, run now: N=3; ASK=1 asks first, RAW=1 shows true ports and pids | 运行一课：N=3；ASK=1 先提问，RAW=1 显示真实的端口和进程号
	@$(tools) lesson $${N:+"$$N"}

fixed: need-cargo need-g++ ## the article's C++ with its 17 fixes, in target/fixed: ARTICLE=file ONLY=13 | 改正 17 处勘误后的原文 C++，放在 target/fixed：ARTICLE=文件 ONLY=13
	@$(tools) fixed $${ONLY:+"$$ONLY"}

compare: need-cargo need-strace $(if $(ARTICLE),need-g++) ## calls next to those of the article's C++, as printed and fixed: ARTICLE=file ONLY=quit ERRATUM=13 | 与文章的 C++ 对照系统调用（原文版、修正版）：ARTICLE=文件 ONLY=quit ERRATUM=13
	@$(tools) compare $${ONLY:+"$$ONLY"}

side-by-side: need-cargo ## the two sources in two columns, aligned: ARTICLE=file LISTING=client; FIXED=1: the corrected article | 两份源代码并排对齐：ARTICLE=文件 LISTING=client；FIXED=1：修正后的文章
	@$(tools) side-by-side "$$LISTING"

page: need-cargo $(if $(RECORD),build need-strace) ## both sources, calls and errata as one HTML file, target/side-by-side.html: ARTICLE=file | 两份源代码、系统调用和勘误，写成一个 HTML 文件 target/side-by-side.html：ARTICLE=文件
	@$(tools) page $(if $(RECORD),"$(bin)")

grade: need-cargo $(if $(VERBOSE),need-strace) ## grade your own server or client: SERVER_BIN=./mine LIKE=tcp_server CLIENT_BIN= VERBOSE=1; a class: DIR=folder FORMAT=csv | 给你自己的程序打分：SERVER_BIN=./mine LIKE=tcp_server CLIENT_BIN= VERBOSE=1；整个班级：DIR=目录 FORMAT=csv
	@most=$$(ulimit -Hn); [ "$$most" = unlimited ] || [ "$$most" -ge 256 ] || { \
		echo "grade: $(call say,only $$most open files are allowed$(comma) 256 are needed: ulimit -n,只允许打开 $$most 个文件，至少需要 256 个：ulimit -n)" >&2; \
		exit 2; }; ulimit -Sn "$$most"; $(tools) grade

faults: build need-strace $(if $(ARTICLE),need-g++) ## fault injection: every call fails once; ARTICLE=file: next to the article's C++, ONLY=accept | 故障注入：让每个调用失败；ARTICLE=文件 与文章的 C++ 对照，ONLY=accept
	@$(tools) faults $${ONLY:+"$$ONLY"}

fuzz: need-cargo need-strace need-g++ ## random sessions, port and article's C++: ARTICLE=file SECONDS=60 SEED=1 | 随机会话，对照文章的 C++：ARTICLE=文件 SECONDS=60 SEED=1
	@$(tools) fuzz

soak: build need-strace ## many clients, resources must stay the same: CLIENTS=20000 | 大量客户端，资源占用必须不变：CLIENTS=20000
	@$(tools) soak

sanitise: ## formatter, argument parsing and line reader under valgrind | 在 valgrind 下检查格式化、参数解析和按行读取
	@command -v valgrind >/dev/null || { echo 'valgrind: $(call say,install it,请先安装)' >&2; exit 1; }
	cargo test --config 'target."cfg(all())".runner="valgrind --quiet --error-exitcode=9"' format

test: need-cargo need-strace need-ss need-ps $(if $(ARTICLE),need-g++) ## everything; ARTICLE=file measures the article's C++ again | 全部测试；ARTICLE=文件 重新测量文章的 C++
	@sh tests/scripts/test.sh

bench: need-cargo need-strace ## speed and cost, in turns; ARTICLE=file puts the article's C++ beside the port | 性能和开销；ARTICLE=文件 与文章的 C++ 对照
	@$(if $(RECORD),LC_ALL=C) $(cargo) bench --quiet --bench bench

known-server:
	@case " $(servers) " in *" $$SERVER "*) ;; *) \
		printf '%s\n' "SERVER=$$SERVER: $(call say,it is one of,没有这个服务端，可选：) $(servers)" >&2; exit 2;; esac

bin-directory: # for the tests
	@echo "$(if $(filter /%,$(firstword $(bin))),,$(abspath .)/)$(bin)"

may-trace:
	@sh tests/scripts/may_trace.sh

need-cargo need-strace need-ss need-ps need-g++: need-%:
	@sh tests/scripts/install.sh $*

clean: ## remove what was built | 删除构建结果
	cargo clean

help: ## this list | 显示这个列表
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\) | \(.*\)/make \1\t$(if $(chinese),\3,\2)/p' Makefile | expand -t 20
	@echo '$(call say,AS_PRINTED=1: with the article'"'"'s errata put back$(comma) but for 2$(comma) 3 and 14. STATIC=1: linked statically.,AS_PRINTED=1：放回文章的错误（勘误 2、3、14 除外）。STATIC=1：静态链接。)'
	@echo '$(call say,Make calls Ctrl-C an error (Interrupt, or Error 130); it is none.,按 Ctrl-C 之后 make 会报 Interrupt 或 Error 130，那不是错误。)'
