#!/bin/sh
# Prints the directory in which make ($1, a process id) was called: relative paths in its variables start there.
# Prints nothing where that cannot be known.
#
# With -C, make changes its directory first and does not tell from where. PWD is right only if a shell started make;
# another program may have started it elsewhere. GNU make remembers the name, to return there at its end, so it is
# looked up in make's memory: the first directory that is named there more often than in its environment.

make=/proc/$1
tr '\0' '\n' <"$make/cmdline" | grep -qE '^(-[a-zA-Z]*C|--directory)' || { pwd -P; exit; }

heap() {
	heap=$(sed -n 's/ .*\[heap\]$//p' "$make/maps")
	from=$((0x${heap%-*} / 4096)) to=$((0x${heap#*-} / 4096))
	dd if="$make/mem" bs=4096 skip=$from count=$((to - from))
}
export LC_ALL=C
found=$({
	tr '\0' '\n' <"$make/environ" | sed 's/^[^=]*=//'
	echo ///
	heap 2>/dev/null | tr '\0' '\n' | grep -a '^/'
} | awk '$0 == "///" { memory = 1; next } { memory ? seen[$0] == "" && order[++n] = $0 : 0; memory ? seen[$0]++ : known[$0]++ }
	END { for (i = 1; i <= n; i++) if (seen[order[i]] > known[order[i]]) print order[i] }' |
	grep -avxF -e / -e /usr/include -e /usr/local/include -e /usr/gnu/include -e "$(pwd -P)" | grep -av '/LC_MESSAGES$' |
	while read -r directory; do [ -d "$directory" ] && echo "$directory" && break; done)
[ "$found" ] && echo "$found" && exit

# It is where make works now, or its memory may not be read: PWD, if it is where the calling shell is.
pwd=$(tr '\0' '\n' <"$make/environ" | sed -n 's/^PWD=//p')
caller=/proc/$(sed 's/.*) //' "$make/stat" | cut -d ' ' -f 2)
case $(cat "$caller/comm") in
*sh | *make) [ "$pwd" -ef "$caller/cwd" ] && echo "$pwd" ;;
esac
exit 0
