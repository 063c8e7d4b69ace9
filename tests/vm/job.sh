# Second program of a guest, as pid 1 on the overlay: mounts what a tracing program expects, runs
# /run/guest/command and reports its status. Port 1 is stdout, 2 stderr, 3 what the host waits for.
bb=/run/guest/busybox
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
fail() { echo "error $*" >/dev/vport0p3; }
. /run/guest/conf
$bb mkdir -p /dev/pts /dev/shm
$bb mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
$bb mount -t tmpfs -o mode=1777 tmpfs /dev/shm
for i in 0 1 2; do
  set -- stdin stdout stderr
  shift $i
  $bb ln -sf /proc/self/fd/$i "/dev/$1"
done
$bb ln -sf /proc/self/fd /dev/fd
$bb mount -t debugfs debugfs /sys/kernel/debug
$bb mount -t tracefs tracefs /sys/kernel/tracing
$bb mount -t securityfs securityfs /sys/kernel/security
$bb mount -t bpf bpf /sys/fs/bpf
$bb mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo /usr/sbin/modprobe >/proc/sys/kernel/modprobe
echo 0 >/proc/sys/kernel/kptr_restrict
echo -1 >/proc/sys/kernel/perf_event_paranoid
echo "+cpu +memory +pids +io" >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null
$bb ip link set lo up
$bb hostname guest
ulimit -l unlimited
ulimit -n 65536
ulimit -c 0
# One "TAG PATH" a line.
while read -r tag dir; do
  [ -n "$tag" ] || continue
  $bb mkdir -p "$dir"
  $bb mount -t 9p -o trans=virtio,version=9p2000.L,rw,cache=mmap,msize=512000,access=any "$tag" "$dir" ||
    fail "cannot mount share $dir"
done </run/guest/shares
for file in $HIDE; do
  # Even root cannot run what is not there: an empty device in its place.
  $bb mount --bind /dev/null "$file" || fail "cannot hide $file"
done
echo up >/dev/vport0p3

# A port can be opened once only and is no pipe, so two copiers stand between.
$bb mkfifo /run/guest/out /run/guest/err
$bb cat /run/guest/out >/dev/vport0p1 &
out=$!
$bb cat /run/guest/err >/dev/vport0p2 &
err=$!
$bb setsid $bb sh /run/guest/command </run/guest/stdin >/run/guest/out 2>/run/guest/err
status=$?
# Whatever the command left running holds the pipes open: a second to end by itself, then not.
ended() { case "$($bb cut -d' ' -f3 /proc/$out/stat /proc/$err/stat 2>/dev/null)" in *[!Z[:space:]]*) false ;; esac; }
n=0
while ! ended && [ $n -lt 40 ]; do
  n=$((n + 1))
  [ $n = 20 ] && for p in /proc/[0-9]*; do
    case " 1 $out $err " in *" ${p#/proc/} "*) ;; *) kill -9 "${p#/proc/}" 2>/dev/null ;; esac
  done
  $bb usleep 50000
done
$bb sync
echo "status $status" >/dev/vport0p3
$bb poweroff -f
