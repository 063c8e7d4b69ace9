#!/bin/sh
# First program of a guest, in the initramfs: puts the host's root file system together with the
# kernel's own tree under an overlay and goes on there with job.sh.
export PATH=/bin
fail() { echo "error $*" >/dev/vport0p3; }
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read -r m; do insmod "/m/$m" 2>/dev/null; done </m/order
opts=trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000
mount -t 9p -o $opts host /host || fail "cannot mount the host's root"
mount -t 9p -o $opts kernel /kernel || fail "cannot mount the kernel's tree"
mount -t 9p -o $opts tools /tools || fail "cannot mount the guest tools"
mount -t tmpfs -o size=75% tmpfs /over
mkdir /over/upper /over/work
mount -t overlay -o lowerdir=/kernel:/tools:/host,upperdir=/over/upper,workdir=/over/work overlay /new ||
  fail "cannot mount the overlay"
mkdir -p /new/dev /new/proc /new/sys /new/run /new/tmp /new/root
mount --move /dev /new/dev
mount --move /proc /new/proc
mount --move /sys /new/sys
mount -t tmpfs -o mode=755 tmpfs /new/run
mount -t tmpfs -o mode=1777 tmpfs /new/tmp
mkdir -p /new/run/guest /new/run/lock
cp /bin/busybox /job/* /new/run/guest/
exec switch_root /new /run/guest/busybox sh /run/guest/job.sh
fail "switch_root failed"
