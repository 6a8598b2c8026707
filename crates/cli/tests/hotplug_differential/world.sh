# A dom0 with a bridge, a guest's vif as an old netback makes it, and a tap. Read by the shell of a
# world, in namespaces of its own, with SCRIPTS (the folder of the scripts to call).
set -e
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
mkdir -p /var/log/xen /run/lock /run/etc
# /etc as it is but for /etc/xen: nothing of the machine's own hooks.
mount --rbind /etc /run/etc
mount -t tmpfs tmpfs /etc
ln -s /run/etc/* /etc/
rm -f /etc/xen
mkdir -p /etc/xen/scripts
ln -s "$SCRIPTS"/* /etc/xen/scripts/
# No line to the machine's own syslog.
[ ! -S /dev/log ] || mount --bind /dev/null /dev/log
# No other end is up, so nothing has a carrier: what the kernel does by itself does not happen.
ip -batch - <<'END'
link add eth0 address 52:54:00:00:00:01 type veth peer name uplink address 52:54:00:00:01:01
link add vif5.0 address 02:00:00:00:05:00 type veth peer name g5.0 address 00:16:3e:00:05:00
link add vif5.0-emu address 02:00:00:00:05:e0 type veth peer name t5.0 address 00:16:3e:00:05:e0
link add br0 type bridge
link set eth0 master br0 up
link set br0 up
link set lo up
address add 192.0.2.10/24 dev br0
END
# As QEMU makes it; to an ordinary user, who may not open /dev/net/tun, a veth stands for it.
if [ -w /dev/net/tun ]; then
  ip link set vif5.0-emu name t5.0-end
  ip tuntap add dev vif5.0-emu mode tap
  ip link set vif5.0-emu address 02:00:00:00:05:e0
fi
cat >/run/look4 <<'END'
address show
route show table all
neighbour show nud permanent
neighbour show proxy
rule show
END
head -n 4 /run/look4 >/run/look6
# The settings that a vif script may touch, read without a program.
settings() {
  local link name value
  for link in /proc/sys/net/ipv4/conf/*; do
    for name in proxy_arp forwarding rp_filter arp_ignore arp_announce send_redirects; do
      read -r value <"$link/$name" && echo "ipv4 ${link##*/} $name $value"
    done
  done
  for link in /proc/sys/net/ipv6/conf/*; do
    for name in disable_ipv6 accept_ra addr_gen_mode forwarding proxy_ndp autoconf; do
      read -r value <"$link/$name" && echo "ipv6 ${link##*/} $name $value"
    done
  done
}
# Debian's Open vSwitch from the folder SWITCH, with a bridge. Its datapath is its own, so that it
# asks for nothing of the machine; the links are real.
switch() {
  export PATH="$SWITCH/bin:$PATH" OVS_RUNDIR=/run/openvswitch
  mkdir /run/openvswitch
  cd /run/openvswitch
  for program in ovs-vsctl ovsdb-server ovs-vswitchd ovsdb-tool; do
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' "$SWITCH/lib" "$SWITCH/bin/$program" >"$program"
    chmod +x "$program"
  done
  ./ovsdb-tool create conf.db "$SWITCH/bin/vswitch.ovsschema"
  ./ovsdb-server conf.db --remote=punix:db.sock --unixctl=db.ctl --pidfile=db.pid --detach --log-file=db.log 2>/dev/null
  ./ovs-vsctl --no-wait init
  ./ovs-vswitchd unix:db.sock --enable-dummy --unixctl=switch.ctl --pidfile=switch.pid --detach --log-file=switch.log 2>/dev/null
  ./ovs-vsctl add-br xenbr0 -- set bridge xenbr0 datapath_type=dummy
}
# What the database of the switch holds, a line for each port.
switched() {
  [ -S /run/openvswitch/db.sock ] || return 0
  local ask=/run/openvswitch/ovs-vsctl
  for bridge in $($ask list-br); do
    for port in $($ask list-ports "$bridge"); do
      echo "switch $bridge $port tag $($ask get port "$port" tag | tr ' ' _)"
      echo "switch $bridge $port trunks $($ask get port "$port" trunks | tr ' ' _)"
      echo "switch $bridge $port ids $($ask get interface "$port" external_ids | tr ' ' _)"
      echo "switch $bridge $port mtu $($ask get interface "$port" mtu_request | tr ' ' _)"
    done
  done
}
# Ends it, and comes back when it has ended: what is left is nobody's child here, and has no words.
no_switch() {
  local process
  for process in $(cat /run/openvswitch/*.pid); do
    kill "$process"
    while [ -n "$(tr -d '\0' <"/proc/$process/cmdline")" ]; do sleep 0.02; done
  done 2>/dev/null
  rm -f /run/openvswitch/db.sock
}
