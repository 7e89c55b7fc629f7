#!/bin/sh
# After a server could not bind: who has the port, as far as it is visible, and what to do.

port=$1
say() {
	case ${LC_ALL:-${LC_MESSAGES:-$LANG}} in
	zh*) echo "$2" ;;
	*) echo "$1" ;;
	esac >&2
}
# A socket's state, and its user, of those with this port at their own end.
sockets=$(awk -v port=":$(printf %04X "$port" 2>/dev/null)" 'substr($2, length($2) - 4) == port { print $4, $8 }' \
	/proc/net/tcp /proc/net/tcp6 2>/dev/null)
user=$(echo "$sockets" | sed -n 's/^0A //p' | head -n 1)
if [ "$user" ]; then
	user=$(id -nu "$user" 2>/dev/null || echo "$user")
	say "a program of $user has port $port (ss -ltnp shows it): end it, or give server and client another port, for example PORT=$((port + 1))" \
		"端口 $port 已被用户 $user 的程序占用（用 ss -ltnp 查看）：结束它，或者服务端和客户端都换一个端口，例如 PORT=$((port + 1))"
elif echo "$sockets" | grep -q '^06 '; then
	say "port $port still has a connection in TIME_WAIT (lesson 17): wait a minute, or give server and client another port, for example PORT=$((port + 1))" \
		"端口 $port 上还有 TIME_WAIT 状态的连接（第 17 课）：等一分钟，或者服务端和客户端都换一个端口，例如 PORT=$((port + 1))"
fi
