# dom0 and what it is connected to, in namespaces that were just made; then "$@" runs as dom0.
# XENWIRE_OUTAGE_RIVAL, if there is one, says how Debian's ifupdown is to set eth0 up.
set -e
mount -t tmpfs tmpfs /run
mkdir /run/netns /run/network
mount -t tmpfs tmpfs /var/log
mkdir /var/log/xen
# The one that is there shows the links of whoever made the namespaces.
mount -t sysfs sysfs /sys

# A switch between dom0's cable and the others: their own links stay up when dom0's goes down, and
# they go on knowing dom0's MAC.
ip netns add outside
ip netns add wall
ip link set lo up
ip -n outside link set lo up
ip link add eth0 address 52:54:00:00:00:01 type veth peer name port netns outside
ip -n outside link add switch address 52:54:00:00:01:01 type bridge forward_delay 0 mcast_snooping 0
ip -n outside link add wall type veth peer name socket netns wall
for link in port wall; do ip -n outside link set "$link" master switch; done
ip -n wall link set socket up
for link in port wall switch; do ip -n outside link set "$link" up; done
ip -n outside address add 192.0.2.1/24 dev switch
ip -n outside address add 2001:db8::1/64 dev switch nodad
# Whose echo requests the kernel numbers itself (icmp(7)).
nsenter --net=/run/netns/outside sh -c 'echo 0 0 >/proc/sys/net/ipv4/ping_group_range'

more() { # what one line of ifupdown's cannot say; LINK
  echo "ip address add 192.0.2.11/24 dev $1"
  echo "ip address add 198.51.100.3/28 dev $1 label $1:1"
  echo "ip address add 2001:db8:1::10/64 dev $1"
  echo "ip route add 203.0.113.0/25 via 192.0.2.1 table 100 src 192.0.2.11"
  echo "ip rule add iif $1 lookup 100 priority 1000"
  echo "ip neighbour add 192.0.2.77 lladdr 02:00:00:00:00:07 dev $1 nud permanent"
}

stanza() { # LINK, options of IPv4, options of IPv6
  printf 'iface %s inet static\naddress 192.0.2.10/24\ngateway 192.0.2.1\n%s\n' "$1" "$2"
  printf 'down ip rule delete priority 1000\n'
  printf 'iface %s inet6 static\naddress 2001:db8::10/64\ngateway 2001:db8::1\n%s\n' "$1" "$3"
  more "$1" | sed 's/^/up /'
}

if [ -z "$XENWIRE_OUTAGE_RIVAL" ]; then
  ip link set eth0 up
  ip address add 192.0.2.10/24 dev eth0
  ip address add 2001:db8::10/64 dev eth0
  more eth0 | sh -e
  ip route add default via 192.0.2.1
  ip route add default via 2001:db8::1 dev eth0
else
  # Debian's programs at the paths that they have built in, with bridge-utils' hook and no other.
  mount -t tmpfs tmpfs /etc/network
  for phase in pre-up up down post-down; do
    mkdir "/etc/network/if-$phase.d"
    ln -s /lib/bridge-utils/ifupdown.sh "/etc/network/if-$phase.d/bridge"
  done
  rm /etc/network/if-up.d/bridge
  mount -t overlay overlay -o "lowerdir=$XENWIRE_DEBIAN_IFUPDOWN/lib:/usr/lib" /usr/lib
  case $XENWIRE_OUTAGE_RIVAL in
    hasty) bridge='bridge_fd 0
bridge_maxwait 0' dad='dad-attempts 0' ;;
    plain) bridge='' dad='' ;;
  esac
  {
    stanza eth0 '' "$dad"
    stanza br0 "bridge_ports eth0
$bridge" "$dad"
  } >/etc/network/interfaces
  PATH=$XENWIRE_DEBIAN_IFUPDOWN/sbin:$PATH ifup eth0 >&2
fi
exec "$@"
