#!/bin/sh
# cargo for the Makefile: the first build of the tools says what it does, and files that root builds under sudo belong to the user.

say() {
	case ${LC_ALL:-${LC_MESSAGES:-$LANG}} in
	zh*) echo "$2" ;;
	*) echo "$1" ;;
	esac >&2
}
target=${CARGO_TARGET_DIR:-target}
case " $* " in
*" --quiet "*)
	case ${MAKEFLAGS%% *} in
	-* | *s*) ;;
	*) [ -d "$target/tools" ] || say "building the tools, once" "正在构建工具（仅第一次）" ;;
	esac
	;;
esac
[ "${SUDO_UID:-}" ] && [ "$(id -u)" = 0 ] || exec cargo "$@"
trap : INT
cargo "$@"
status=$?
chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$target" 2>/dev/null
exit $status
