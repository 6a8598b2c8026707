#!/bin/sh
# The first process of the machine that ci/qemu.sh makes. It sets up what a host has, runs the jobs
# that the test has put in the shared folder, leaves their results beside them, and powers off.
#
#   /host/files/         what the test brought; copied to /opt, which is in PATH
#   /host/jobs/N-NAME/   script; then began, stdout, stderr, ended, and last status
#
# began and ended are seconds since the kernel started; a job without status is not finished.
#
# A wire of its own joins each of eth0 and eth1, emulated e1000e, to the interface of the same name
# in the network namespace "outside". If a line here fails, this process ends, the kernel panics, QEMU
# ends with it, and the test shows the console.
set -eu
export PATH=/opt:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm /run/lock /opt
mount -t devpts pts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mount -t cgroup2 cgroup /sys/fs/cgroup
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
hostname dom0

modprobe -a virtio_pci 9pnet_virtio 9p
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 host /host
cp -a /host/files/. /opt/

# The kernel counts eth0 upwards in the order in which the drivers come.
modprobe e1000e
modprobe virtio_net
ip link set lo up
ip netns add outside
ip -n outside link set lo up
ip link set eth2 netns outside name eth0
ip link set eth3 netns outside name eth1

now() { read -r uptime _ </proc/uptime && echo "$uptime"; }

for job in /host/jobs/*/; do
  echo "job $job"
  cd /root
  status=0
  now >"$job/began"
  sh "$job/script" </dev/null >"$job/stdout" 2>"$job/stderr" || status=$?
  now >"$job/ended"
  echo "$status" >"$job/status"
done
poweroff -f
