# A host with everything that a NIC can have, and what it is connected to. Run inside a world's
# namespaces, with PAIRS (how many crossover pairs there are) and DAD (whether addresses are asked for).
set -e
mount -t tmpfs tmpfs /run
mkdir /run/netns
mount -t tmpfs tmpfs /var/log
mkdir /var/log/xen
echo "$DAD" >/proc/sys/net/ipv6/conf/default/accept_dad

ip netns add outside
ip -n outside link set lo up
ip link set lo up
ip link add eth0 address 52:54:00:00:00:01 mtu 1400 type veth \
  peer name p0 address 52:54:00:00:01:01 mtu 1400 netns outside
ip link add eth1 address 52:54:00:00:00:02 type veth \
  peer name p1 address 52:54:00:00:01:02 netns outside
ip -n outside address add 192.0.2.1/24 dev p0
ip -n outside address add 2001:db8::1/64 dev p0 nodad
ip -n outside address add 198.18.0.1/24 dev p1
ip -n outside link set p0 up
ip -n outside link set p1 up

# Up once: the queueing discipline that does nothing, and the multicast address that a link is born
# with, are had only by links that never were.
i=0
while [ "$i" -lt "$PAIRS" ]; do
  ip link add "veth$i" type veth peer name "vif0.$i"
  ip link set "veth$i" up
  ip link set "vif0.$i" up
  i=$((i + 1))
done
until [ "$(ip -oneline link show up type veth | grep -c '@\(veth\|vif0\).* state UP ')" -eq $((PAIRS * 2)) ]; do
  sleep 0.02
done
i=0
while [ "$i" -lt "$PAIRS" ]; do
  ip link set "veth$i" down
  ip link set "vif0.$i" down
  i=$((i + 1))
done

ethtool -K eth0 tx-tcp-segmentation off
for setting in \
  ipv4/conf/eth0/rp_filter=2 ipv4/conf/eth0/arp_ignore=1 ipv4/conf/eth0/forwarding=1 \
  ipv4/neigh/eth0/gc_stale_time=77 \
  ipv6/conf/eth0/accept_ra=2 ipv6/conf/eth0/hop_limit=61 ipv6/conf/eth0/forwarding=1; do
  echo "${setting#*=}" >"/proc/sys/net/${setting%=*}"
done
ip link set eth0 up
ip link set eth1 up
ip address add 192.0.2.10/24 broadcast 192.0.2.255 dev eth0
ip address add 192.0.2.11/24 dev eth0
ip address add 198.51.100.3/28 dev eth0 label eth0:1
ip address add 2001:db8::10/64 dev eth0 valid_lft 9000 preferred_lft 4000 nodad
ip address add 2001:db8:1::10/64 dev eth0 valid_lft 90000 preferred_lft 80000
ip address add 198.18.0.10/24 dev eth1

ip route add default via 192.0.2.1 metric 50
ip route add default via 2001:db8::1 dev eth0
ip route add 203.0.113.0/25 via 192.0.2.1 table 100 src 192.0.2.11
ip route add 198.51.100.64/26 nexthop via 192.0.2.1 weight 1 nexthop via 198.18.0.1 weight 2
ip route add blackhole 203.0.113.128/25
ip rule add iif eth0 lookup 100 priority 1000
ip neighbour add 192.0.2.77 lladdr 02:00:00:00:00:07 dev eth0 nud permanent
ip neighbour add 2001:db8::77 lladdr 02:00:00:00:00:07 dev eth0 nud permanent
echo ready
exec cat >/dev/null
