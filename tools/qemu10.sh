#!/bin/bash
# SPDX-License-Identifier: MIT
#
# QEMU 10 beside the installed one, which stays as it is: `tools/qemu10.sh FOLDER` unpacks the
# packages of Debian 12's backports there. apt fetches and checks them, with lists and a cache below
# FOLDER, so that the system's are not touched either. TCG of QEMU 10 has x2APIC, 7.2's has not.
set -eu

release=bookworm
packages=(qemu-system-x86 qemu-system-common qemu-system-data seabios ipxe-qemu)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
mirror=http://deb.debian.org/debian

fail() {
	echo "qemu10: $*" >&2
	exit 1
}

main() {
	(($# == 1)) || fail "usage: tools/qemu10.sh FOLDER"
	# shellcheck source=/dev/null
	[[ $(. /etc/os-release && echo "${VERSION_CODENAME-}") == "$release" ]] ||
		fail "this is not Debian 12 ($release), whose backports these are; what is valid" \
			"elsewhere is QEMU of the distribution"
	[[ -e $keyring ]] || fail "no $keyring: install debian-archive-keyring"

	local folder
	mkdir -p "$1/apt/lists/partial" "$1/apt/cache/archives/partial" "$1/packages"
	folder=$(realpath "$1")
	printf "deb [signed-by=$keyring] $mirror %s main\n" "$release" "$release-backports" \
		>"$folder/apt/sources.list"
	local options=(-q -o "Dir::Etc::sourcelist=$folder/apt/sources.list"
		-o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$folder/apt/lists"
		-o "Dir::Cache=$folder/apt/cache" -o APT::Sandbox::User=root)
	apt-get "${options[@]}" update || fail "apt-get could not read the lists of $mirror"
	(cd "$folder/packages" &&
		apt-get "${options[@]}" -t "$release-backports" download "${packages[@]}") ||
		fail "apt-get could not fetch the packages"
	local package
	for package in "$folder"/packages/*.deb; do
		dpkg-deb -x "$package" "$folder"
	done
	PATH="$folder/usr/bin:$PATH" qemu-system-x86_64 --version | head -n 1
	echo "qemu10: for one command: PATH=$folder/usr/bin:\$PATH make run"
}

main "$@"
