#!/bin/sh
# `make test`: all tests, or those that the arguments name; at the end what was skipped here, and why.

cd "$(dirname "$0")/../.." || exit
say() {
	case ${LC_ALL:-${LC_MESSAGES:-$LANG}} in
	zh*) echo "$2" ;;
	*) echo "$1" ;;
	esac >&2
}

# Each test, and the compiler, would fail with a message of its own.
SKIPPED=$(mktemp 2>/dev/null) && head -c 1048576 /dev/zero 2>/dev/null >"$SKIPPED" || {
	rm -f "$SKIPPED"
	say "the temporary directory ${TMPDIR:-/tmp} can't be written: set TMPDIR to one with room" \
		"无法写入临时目录 ${TMPDIR:-/tmp}：请把 TMPDIR 设为有空间的目录"
	exit 1
}
trap 'rm -f "$SKIPPED"' EXIT
trap 'exit 130' INT TERM
: >"$SKIPPED"
export SKIPPED
open=$(ulimit -n)
if [ "$open" != unlimited ] && [ "$open" -lt 1024 ] && ! ulimit -S -n 1024 2>/dev/null; then
	say "only $open files may be open at a time: 1024 are needed (ulimit -Hn)" \
		"最多只能同时打开 $open 个文件：需要 1024 个（ulimit -Hn）"
	exit 1
fi

# What a student would have built by then; no test waits for a compiler.
make --silent build && make --silent build AS_PRINTED=1 && cargo build --quiet --profile tools --examples || exit
# A part is named by its tests: one that was renamed must not be skipped in silence.
for name; do
	case $name in
	-*) continue ;;
	esac
	cargo test --quiet -- --list "$name" 2>/dev/null | grep -q ': test$' || {
		say "no test's name has $name in it" "没有名字里含有 $name 的测试"
		exit 1
	}
done
# Tests mostly wait: more threads than there are processors.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-8}"
cargo test -- "$@"
status=$?
if [ -s "$SKIPPED" ]; then
	say "skipped here:" "在这台机器上跳过："
	sort "$SKIPPED" | uniq -c
fi
exit $status
