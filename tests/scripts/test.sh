#!/bin/sh
# `make test`: the suite, or a part of it, and at its end what could not be tested here, and why.

SKIPPED=$(mktemp)
export SKIPPED
# What a student would have built by then; no test waits for a compiler.
make --silent build && make --silent build AS_PRINTED=1 && cargo build --quiet --profile tools --examples || exit
# Tests mostly wait: more threads than there are processors.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-8}"
# Where strace may not trace, all that needs it is left out, and counted.
if ! strace -o /dev/null true 2>/dev/null; then
	for part in compare:: faults:: course::tests::shown course::tests::typed lanes:: bench:: grade:: \
		ctrl_c_ends strace_; do
		cargo test --quiet -- --list "$part" 2>/dev/null | sed -n "s/^suite.*: test$/no right to trace: $part/p" >>"$SKIPPED"
		set -- "$@" --skip "$part"
	done
fi
cargo test -- "$@"
status=$?
if [ -s "$SKIPPED" ]; then
	echo "skipped, for want of something:"
	sort "$SKIPPED" | uniq -c
fi
rm -f "$SKIPPED"
exit $status
