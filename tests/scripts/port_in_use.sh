#!/bin/sh
# After a server could not bind: who has the port, as far as it is visible, and how to take another.

port=$1
user=$(awk -v port=":$(printf %04X "$port" 2>/dev/null)" '$4 == "0A" && substr($2, length($2) - 4) == port { print $8; exit }' \
	/proc/net/tcp /proc/net/tcp6 2>/dev/null)
[ "$user" ] || exit 0
user=$(id -nu "$user" 2>/dev/null || echo "$user")
case ${LC_ALL:-${LC_MESSAGES:-$LANG}} in
zh*) echo "端口 $port 已被用户 $user 的程序占用：服务端和客户端都换一个端口，例如 PORT=$((port + 1))" ;;
*) echo "a program of $user has port $port: give server and client another, for example PORT=$((port + 1))" ;;
esac >&2
