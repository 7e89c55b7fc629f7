#!/bin/sh
# `make test`: the suite, or a part of it, and at its end what could not be tested here, and why.

SKIPPED=$(mktemp)
export SKIPPED
# Tests mostly wait: more threads than there are processors.
RUST_TEST_THREADS=${RUST_TEST_THREADS:-8} cargo test -- "$@"
status=$?
if [ -s "$SKIPPED" ]; then
	echo "skipped, for want of something:"
	sort "$SKIPPED" | uniq -c
fi
rm -f "$SKIPPED"
exit $status
