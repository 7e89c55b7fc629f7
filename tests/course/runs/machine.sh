# Run by lesson 26 in a network namespace of its own, so that no port and no address is anybody else's. $BIN has the programs,
# the directory gets what strace writes. Status 77: this machine does not allow it.
ip link set lo up && ip route add 192.0.2.0/24 dev lo && echo 1 >/proc/sys/net/ipv4/tcp_syn_retries || exit 77

traced() {
    name=$1
    shift
    strace -o "$name" -e trace=bind,connect "$@" </dev/null >/dev/null 2>&1
}
until_sockets() {
    for _ in $(seq 500); do
        ss -Htan | grep -q "$1" && return
        sleep 0.02
    done
    exit 1
}

traced low setpriv --bounding-set=-net_bind_service --inh-caps=-net_bind_service "$BIN/tcp_server" 80 127.0.0.1
traced foreign "$BIN/tcp_server" 8080 203.0.113.9

"$BIN/tcp_server" 8080 127.0.0.1 >/dev/null &
first=$!
until_sockets 'LISTEN.*:8080'
kill -STOP $first
traced stopped "$BIN/tcp_server" 8080 127.0.0.1
kill -KILL $first

./handlers 8081 &
parent=$!
until_sockets 'LISTEN.*:8081'
mkfifo input
"$BIN/tcp_client" 127.0.0.1 8081 <input >/dev/null 2>&1 &
exec 9>input
until_sockets 'ESTAB.*:8081'
child=$(ps -o pid= --ppid $parent)
kill -KILL $parent
traced child "$BIN/tcp_server" 8081 127.0.0.1
kill -KILL $child
exec 9>&-

traced refused "$BIN/tcp_client" 127.0.0.1 8082
traced dropped "$BIN/tcp_client" 192.0.2.9 8080
exit 0
