#!/bin/sh
# Sees to it that a command is there: installs its package where that needs no
# password, and otherwise says in one line what to install.

command=$1
say() {
	case ${LC_ALL:-${LC_MESSAGES:-$LANG}} in
	zh*) echo "$2" ;;
	*) echo "$1" ;;
	esac >&2
}

# Tests and lessons use options that strace has since 5.7.
old=$([ "$command" = strace ] && strace -V 2>/dev/null |
	awk 'NR == 1 { split($NF, v, "."); if (v[1] < 5 || v[1] == 5 && v[2] + 0 < 7) print $NF }')
if [ "$old" ]; then
	say "strace $old is too old: 5.7 or later is needed" "strace $old 太旧：需要 5.7 或更新的版本"
	exit 1
fi
# Cargo reads no file of this project before it knows its language.
if [ "$command" = cargo ]; then
	version=$(cargo --version 2>/dev/null | awk '{ print $2 }')
	old=$(echo "${version:-0.0}" | awk '{ split($1, v, "."); if (v[1] < 1 || v[1] == 1 && v[2] + 0 < 85) print 1 }')
	if [ "$old" ]; then
		say "Rust 1.85 or later is needed${version:+, not $version}: get it from https://rustup.rs, or from Debian 13 (apt install cargo)" \
			"需要 Rust 1.85 或更新的版本${version:+，而不是 $version}：见 https://rustup.rs，或使用 Debian 13（apt install cargo）"
		exit 1
	fi
	command=cc
fi

# BusyBox has a ps that can do less.
works() {
	command -v "$command" >/dev/null && { [ "$command" != ps ] || ps --ppid 1 -o stat= >/dev/null 2>&1; }
}
works && exit 0

for manager in apt-get dnf yum pacman zypper apk; do
	command -v $manager >/dev/null && break
	manager=
done

package=$command
case $command:$manager in
ss:dnf | ss:yum) package=iproute ;;
ss:*) package=iproute2 ;;
ps:dnf | ps:yum) package=procps-ng ;;
ps:*) package=procps ;;
g++:dnf | g++:yum | g++:zypper) package=gcc-c++ ;;
g++:pacman | cc:*) package=gcc ;;
esac
[ "$command:$manager" = ps:pacman ] && package=procps-ng

sudo=
[ "$(id -u)" = 0 ] || sudo="sudo -n"

install() {
	case $manager in
	apt-get)
		export DEBIAN_FRONTEND=noninteractive
		$sudo apt-get install -y $package || { $sudo apt-get update && $sudo apt-get install -y $package; }
		;;
	dnf | yum) $sudo $manager install -y $package ;;
	pacman) $sudo pacman -S --noconfirm $package ;;
	zypper) $sudo zypper --non-interactive install $package ;;
	apk) $sudo apk add $package ;;
	*) false ;;
	esac
}

say "$command is not here: installing $package" "缺少 $command：正在安装 $package"
install >/dev/null 2>&1
works && exit 0
say "$command is needed and could not be installed: install the package $package" \
	"需要 $command，但无法自动安装：请安装软件包 $package"
exit 1
