#!/bin/sh
# Sees to it that a command is there: installs its package where that needs no
# password, and otherwise says in one line what to install.

command=$1
command -v "$command" >/dev/null && exit 0

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
g++:pacman) package=gcc ;;
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

echo "$command is not here: installing $package" >&2
install >/dev/null 2>&1
command -v "$command" >/dev/null && exit 0
echo "$command is needed and could not be installed: install the package $package" >&2
exit 1
