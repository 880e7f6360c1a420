#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Sees to what a target needs: `tools/prereq.sh run|test|report [uefi] [bochs] [clang]...`; a group
# that is not in the table needs nothing. On Debian and its kin what is missing is installed; on the
# others that are known the command is printed; elsewhere the list.
set -u

# groups | command, file or probe | package for apt | dnf | pacman | zypper ("=": as for apt)
table='
run test   | gcc                    | gcc                | = | = | =
run test   | ld                     | binutils           | = | = | =
run test   | make                   | make               | = | = | =
run test   | nasm                   | nasm               | = | = | =
run test   | /usr/bin/python3       | python3            | = | python | =
run test   | python:jsonschema      | python3-jsonschema | = | python-jsonschema | =
run test   | mkrescue               | grub-common        | grub2-tools-extra | grub | grub2
run test   | grub:i386-pc           | grub-pc-bin        | grub2-pc-modules | grub | grub2-i386-pc
run test   | grub:x86_64-efi        | grub-efi-amd64-bin | grub2-efi-x64-modules | grub | grub2
run test   | xorriso                | xorriso            | = | libisoburn | =
run test   | mformat                | mtools             | = | = | =
run test   | qemu-system-x86_64     | qemu-system-x86    | qemu-system-x86-core | = | qemu-x86
uefi test  | ovmf                   | ovmf               | edk2-ovmf | edk2-ovmf | qemu-ovmf-x86_64
bochs test | bochs                  | bochs              | = | = | =
bochs test | /usr/share/bochs/BIOS-bochs-latest | bochsbios          | bochs | bochs | bochs
bochs test | /usr/share/bochs/VGABIOS-lgpl-latest | vgabios            | bochs | bochs | bochs
clang test | clang                  | clang              | = | = | =
test       | fuzzer                 | libclang-rt-dev    | compiler-rt | compiler-rt | clang
test       | /usr/include/cmocka.h | libcmocka-dev      | libcmocka-devel | cmocka | libcmocka-devel
test zone  | python:capstone        | python3-capstone   | = | python-capstone | =
test zone  | python:elftools        | python3-pyelftools | = | python-pyelftools | =
test       | /usr/include/relacy/relacy.hpp | relacy-dev   | = | = | =
test       | g++                    | g++                | gcc-c++ | gcc | gcc-c++
test gdb   | gdb                    | gdb                | = | = | =
report test | python:matplotlib    | python3-matplotlib | = | python-matplotlib | =
test       | clang-format           | clang-format       | clang-tools-extra | clang | clang-tools
test       | shellcheck             | shellcheck         | ShellCheck | = | ShellCheck
test       | cppcheck               | cppcheck           | = | = | =
test       | zbarimg                | zbar-tools         | zbar | zbar | zbar
test       | /usr/include/zlib.h    | zlib1g-dev         | zlib-devel | zlib | zlib-devel
'

# Does one of these paths (patterns) exist?
exists() {
	local pattern
	for pattern in "$@"; do
		compgen -G "$pattern" >/dev/null && return 0
	done
	return 1
}

present() {
	case $1 in
	python:*) /usr/bin/python3 -c "import ${1#python:}" 2>/dev/null ;;
	grub:*) exists "/usr/lib/grub*/${1#grub:}" "/usr/share/grub2/${1#grub:}" ;;
	mkrescue) command -v grub-mkrescue || command -v grub2-mkrescue ;;
	ovmf) exists '/usr/share/OVMF/OVMF_CODE*.fd' '/usr/share/edk2/*/OVMF_CODE*.fd' \
		'/usr/share/qemu/ovmf-x86_64-code.bin' ;;
	fuzzer) exists '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a' \
		'/usr/lib*/clang/*/lib/*/libclang_rt.fuzzer*.a' ;;
	/*) [[ -e $1 ]] ;;
	*) command -v "$1" ;;
	esac >/dev/null
}

# Prints the packages, from column $1 of the table, of what is missing, each once.
missing_packages() {
	local fields group package
	while IFS='|' read -ra fields; do
		for group in "${wanted[@]}"; do
			[[ " ${fields[0]} " == *" $group "* ]] || continue
			package=${fields[$1]// /}
			[[ $package != = ]] || package=${fields[2]// /}
			present "${fields[1]// /}" || echo "$package"
			break
		done
	done < <(grep '|' <<<"$table") | sort -u
}

main() {
	local manager=none column=2 packages sudo=()
	wanted=("$@")
	if command -v apt-get; then manager=apt column=2
	elif command -v dnf; then manager=dnf column=3
	elif command -v pacman; then manager=pacman column=4
	elif command -v zypper; then manager=zypper column=5
	fi >/dev/null
	mapfile -t packages < <(missing_packages "$column")
	((${#packages[@]})) || return 0

	echo "missing for '$*': ${packages[*]}" >&2
	case $manager in
	dnf) echo "install with: sudo dnf install ${packages[*]}" >&2; return 1 ;;
	pacman) echo "install with: sudo pacman -S ${packages[*]}" >&2; return 1 ;;
	zypper) echo "install with: sudo zypper install ${packages[*]}" >&2; return 1 ;;
	none) echo "no package manager is known here: install these, named as on Debian" >&2
		return 1 ;;
	esac
	if ((EUID != 0)); then
		if ! command -v sudo >/dev/null; then
			echo "install as root: apt-get install ${packages[*]}" >&2
			return 1
		fi
		sudo=(sudo env DEBIAN_FRONTEND=noninteractive)
	fi
	echo "installing: ${packages[*]}" >&2
	export DEBIAN_FRONTEND=noninteractive
	"${sudo[@]}" apt-get update -qq >&2
	"${sudo[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2 || {
		echo "prereq: apt-get could not install: ${packages[*]}" >&2
		return 1
	}
	mapfile -t packages < <(missing_packages "$column")
	((${#packages[@]} == 0)) || {
		echo "prereq: still missing after the installation: ${packages[*]}" >&2
		return 1
	}
}

main "$@"
