# A host with everything a NIC can have, on eth0 and its wire, and how it is now. Read by jobs in the
# machine of `machine.rs`, whose shell stops at whatever fails.

for _script in network network-bridge; do ln -sf xenwire "/opt/$_script"; done

# The other end of eth0's wire.
outside() {
  ip -n outside address add 192.0.2.1/24 dev eth0
  ip -n outside address add 2001:db8::1/64 dev eth0 nodad
  ip -n outside link set eth0 up
}

# Three IPv4 addresses, one secondary, one labelled; two IPv6 with lifetimes; routes in two tables,
# a rule, neighbours, another MTU, offloads off, settings.
full_host() {
  ethtool -K eth0 tx off gro off
  ip link set eth0 mtu 1400
  for setting in ipv4/conf/eth0/rp_filter=2 ipv4/conf/eth0/arp_ignore=1 ipv4/neigh/eth0/gc_stale_time=77 \
    ipv6/conf/eth0/hop_limit=61; do
    echo "${setting#*=}" >"/proc/sys/net/${setting%=*}"
  done
  ip link set eth0 up
  ip address add 192.0.2.10/24 broadcast 192.0.2.255 dev eth0
  ip address add 192.0.2.11/24 dev eth0
  ip address add 198.51.100.3/28 dev eth0 label eth0:1
  ip address add 2001:db8::10/64 dev eth0 valid_lft 9000 preferred_lft 4000 nodad
  ip address add 2001:db8:1::10/64 dev eth0 valid_lft 90000 preferred_lft 80000 nodad
  ip route add default via 192.0.2.1 metric 50
  ip route add default via 2001:db8::1 dev eth0
  ip route add 203.0.113.0/25 via 192.0.2.1 table 100 src 192.0.2.11
  ip rule add iif eth0 lookup 100 priority 1000
  ip neighbour add 192.0.2.77 lladdr 02:00:00:00:00:07 dev eth0 nud permanent
  ip neighbour add 2001:db8::77 lladdr 02:00:00:00:00:07 dev eth0 nud permanent
  answers
}

# Outside answers, over both families; however long the link takes to come up.
answers() {
  until ping -q -n -c 1 -W 1 192.0.2.1; do :; done >/dev/null
  until ping -q -n -c 1 -W 1 2001:db8::1; do :; done >/dev/null
}

# Everything that the kernel says of its network, a line each. Left out is what changes by itself:
# indexes, timers, lifetimes, neighbours that are asked for; the discipline of a link that was never
# up, which it gets with its first "up" and keeps; and how much a bridge could take in one piece,
# which it takes over from its ports and keeps.
# Ports of a bridge are numbered as they come (find_portno, net/bridge/br_if.c). The kernel's own route to
# a link's fe80 address follows the address, in its time.
state() {
  {
    ip -oneline -details link show
    ip -oneline -details address show
    ip -4 -oneline -details route show table all
    # Of IPv6 routes the kernel's own stand in the order in which links found their carrier.
    ip -6 -oneline -details route show table all | sort
    ip -4 -oneline rule show
    ip -6 -oneline rule show
    ip neighbour show nud permanent
    for nic in /sys/class/net/eth[01] /sys/class/net/peth[01]; do
      [ ! -e "$nic" ] || ethtool -k "${nic##*/}"
    done
    grep -rs . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf \
      /proc/sys/net/ipv4/neigh /proc/sys/net/ipv6/neigh /proc/sys/net/ipv4/ip_forward
  } | sed -E -e 's/^[0-9]+: +//' -e 's/(valid|preferred)_lft [0-9]+sec ?//g' \
    -e 's/ expires -?[0-9]+sec//' -e 's/ [a-z_]+_timer +[0-9.]+//g' -e 's/ tentative / /' \
    -e 's/qdisc noop /qdisc noqueue /' -e 's/ tso_max_(size|segs) [0-9]+//g' \
    -e 's/ link-netnsid [0-9]+//' \
    -e '/^local fe80::/d' \
    -e 's/ port_id [x0-9a-f]+//; s/ port_no [x0-9a-f]+//; s/ designated_port [0-9]+//'
}

# Waits until the host is as one of these files says. What the kernel does by itself, such as finding
# its link and making fe80 addresses, takes seconds; after sixty it says what differs from the first.
becomes() { # FILE...
  _end=$(($(cut -d . -f 1 /proc/uptime) + 60))
  while [ "$(cut -d . -f 1 /proc/uptime)" -lt "$_end" ]; do
    state >/tmp/now
    for _file; do
      if cmp -s "$_file" /tmp/now; then return 0; fi
    done
    sleep 0.2
  done
  diff "$1" /tmp/now || return 1
}

# The state, once two readings in a row are the same, every link that has a carrier is up, and no
# address is asked for any more.
rested() { # FILE
  until
    state >"$1" && sleep 0.5 && state >/tmp/now && cmp -s "$1" /tmp/now &&
      ! grep 'LOWER_UP.* state \(DOWN\|DORMANT\)' "$1" &&
      [ -z "$(ip -6 address show tentative)" ]
  do :; done >/dev/null
}

# Runs a command while outside asks every 20 ms, and says the longest time without an answer.
measured() { # WORD COMMAND...
  _word=$1
  shift
  _pings=
  for _target in 192.0.2.10 2001:db8::10; do
    ip netns exec outside ping -n -D -i 0.02 "$_target" >"/tmp/pings.$_target" &
    _pings="$_pings $!"
  done
  more_answers
  "$@"
  more_answers
  # shellcheck disable=SC2086 # They are two.
  kill -INT $_pings
  wait
  for _target in 192.0.2.10 2001:db8::10; do
    awk -v what="$_word $_target" -F '[][]' '/bytes from/ {
        if (last && $2 - last > gap) gap = $2 - last
        last = $2
      } END { printf "gap %s %.2f s\n", what, gap }' "/tmp/pings.$_target"
  done
}

# Five more answers to each of the pings of `measured`.
more_answers() {
  for _target in 192.0.2.10 2001:db8::10; do
    _had=$(grep -c 'bytes from' "/tmp/pings.$_target") || :
    until [ "$(grep -c 'bytes from' "/tmp/pings.$_target")" -ge $((_had + 5)) ]; do sleep 0.1; done
  done
}
