#!/bin/sh
# A systemd of its own over a copy of this system, as process 1 of namespaces that the caller made
# (unshare --mount --pid --fork --uts --ipc --net --cgroup): it starts the installed dnsflip.service
# and the journal, nothing else, and can change nothing outside.
# usage: systemd.sh INSTALLED DIRECTORY CONFIGURATION
set -eu
installed=$1
directory=$2
configuration=$3
root=$directory/root

ip link set lo up
mount --make-rprivate /
mkdir -p "$root" "$directory/layer"
mount -t tmpfs tmpfs "$directory/layer"
mkdir "$directory/layer/upper" "$directory/layer/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$directory/layer/upper,workdir=$directory/layer/work" "$root"

for name in run tmp dev; do
    mount -t tmpfs tmpfs "$root/$name"
done
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
for name in null zero full random urandom tty; do
    cp -a "/dev/$name" "$root/dev/"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue" "$root/dev/hugepages"
mount -t devpts devpts "$root/dev/pts"
mount -t mqueue mqueue "$root/dev/mqueue"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"

echo mounted

rm -rf "$root"/etc/systemd/system/*.wants "$root"/usr/lib/systemd/system/*.wants
rm -rf "$root/etc/dnsflip" "$root/var/lib/dnsflip"
cp -a "$installed/usr/." "$root/usr/"
chroot "$root" systemd-sysusers
chroot "$root" systemd-tmpfiles --create dnsflip.conf
cp "$configuration" "$root/etc/dnsflip/dnsflip.yaml"
cat >"$root/etc/dnsflip/promote.sh" <<'END'
#!/bin/sh
grep -E '^(Uid|NoNewPrivs|CapEff)' /proc/self/status >/var/lib/dnsflip/promoted
END
chmod 755 "$root/etc/dnsflip/promote.sh"
chroot "$root" /usr/sbin/dnsflip init --active use1
cat >"$root/etc/systemd/system/only.target" <<END
[Unit]
Requires=basic.target
Wants=systemd-journald.service dnsflip.service
After=basic.target
END

cd "$root"
mkdir -p before
pivot_root . before
umount -l /before
exec env -i container=other PATH=/usr/sbin:/usr/bin /usr/lib/systemd/systemd --system --unit=only.target --log-target=null
