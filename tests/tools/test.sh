#!/bin/sh
# `make test`: the suite, or a part of it, and at its end what could not be tested here, and why.

SKIPPED=$(mktemp)
export SKIPPED
# What a student would have built by then; no test waits for a compiler.
make --silent build && make --silent build AS_PRINTED=1 && cargo build --quiet --profile tools --examples || exit
# Tests mostly wait: more threads than there are processors.
RUST_TEST_THREADS=${RUST_TEST_THREADS:-8} cargo test -- "$@"
status=$?
if [ -s "$SKIPPED" ]; then
	echo "skipped, for want of something:"
	sort "$SKIPPED" | uniq -c
fi
rm -f "$SKIPPED"
exit $status
