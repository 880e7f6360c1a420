#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Writes a boot image to a USB stick: `tools/usb.sh /dev/sdX image.iso`. Only to a whole disk that
# is removable, not mounted and large enough, and only after the word "yes". tools/test_usb.py puts
# other commands first in PATH, and SYSFS in the place of /sys.
set -u

sysfs=${SYSFS:-/sys}

refuse() {
	echo "usb: $*" >&2
	echo "usb: DEV= takes a whole removable disk that is not mounted; there are:" >&2
	lsblk --nodeps --noheadings --output NAME,SIZE,RM,TRAN,MODEL |
		awk '$3 == 1 { print "  /dev/" $0; n++ } END { if (!n) print "  none" }' >&2
	exit 1
}

device=${1:-}
image=${2:-}
[[ -n $device ]] || refuse "no DEV given"
[[ -f $image ]] || { echo "usb: no image $image" >&2; exit 1; }
[[ -b $device ]] || refuse "$device is no block device"
name=$(lsblk --nodeps --noheadings --raw --output KNAME "$device") ||
	refuse "lsblk fails on $device"
[[ $(lsblk --nodeps --noheadings --raw --output TYPE "$device") == disk ]] ||
	refuse "$device is no whole disk"
[[ $(<"$sysfs/block/$name/removable") == 1 ]] || refuse "$device is not removable"
[[ $(<"$sysfs/block/$name/ro") == 0 ]] || refuse "$device is write-protected"
mounts=$(lsblk --noheadings --raw --output MOUNTPOINT "$device") || refuse "lsblk fails on $device"
[[ -z ${mounts//[[:space:]]/} ]] || refuse "$device is mounted: ${mounts//$'\n'/ }"
sectors=$(<"$sysfs/block/$name/size")
((sectors * 512 >= $(stat --format=%s "$image"))) || refuse "$device is too small"

lsblk --output NAME,SIZE,MODEL,LABEL "$device"
read -r -p "usb: everything on $device will be lost; write $image to it? (yes/no) " answer
[[ $answer == yes ]] || { echo "usb: nothing was written" >&2; exit 1; }
dd if="$image" of="$device" bs=4M conv=fsync oflag=direct status=progress || exit 1
echo "usb: done; the stick boots with BIOS and UEFI"
