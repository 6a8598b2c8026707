# shellcheck shell=bash
# What a hook in vif-post.d finds: the functions that Xen's vif-common.sh brings, by their names. The
# variables are in the environment. xenwire runs this text; the hooks are its arguments.
#
# Descriptor 3 is xenwire's: it hears which hook failed and why. What hooks say goes to the log.

exec 3>&1 1>&2
xenwire_hook='' xenwire_why='' xenwire_status=0
trap 'xenwire_status=$?
  if [ -z "$xenwire_done" ]; then
    [ "$xenwire_status" -ne 0 ] || xenwire_why=${xenwire_why:-"it called exit; a hook is to return"}
    printf "%s: %s\n" "$xenwire_hook" "${xenwire_why:-exit status $xenwire_status}" >&3
  fi' EXIT

# ---- telling ------------------------------------------------------------------------------------

log() { # LEVEL TEXT...
  local level=$1
  shift
  logger -p "daemon.$level" -- "$0:" "$@" || echo "$0: $*" >&2
}

# xenwire writes hotplug-error and hotplug-status itself, when it has undone the call.
fatal() { xenwire_why="$*"; log err "$@"; exit 1; }
success() { :; }
do_or_die() { "$@" || fatal "$* failed"; }
do_without_error() { "$@" 2>/dev/null || log debug "$* failed"; }

# ---- xenstore -----------------------------------------------------------------------------------

xenstore_read() { # PATH...
  local value
  value=$(xenstore-read "$@") || :
  [ -n "$value" ] || fatal "xenstore-read $* failed."
  echo "$value"
}
xenstore_read_default() { xenstore-read "$1" 2>/dev/null || echo "$2"; } # PATH DEFAULT
xenstore_write() { xenstore-write "$@" || fatal "Writing $* to xenstore failed."; }

# ---- arguments and files ------------------------------------------------------------------------

evalVariables() { # WORD...: NAME=VALUE is assigned and never evaluated
  local word
  for word; do
    [[ $word =~ ^[A-Za-z_][A-Za-z0-9_]*= ]] && printf -v "${word%%=*}" %s "${word#*=}"
  done
  return 0
}
# shellcheck disable=SC2034  # for the hook
findCommand() { # WORD...
  local word
  for word; do
    [[ $word == *=* ]] || { command=$word; return; }
  done
}
first_file() { # TEST FILE...
  local test=$1 file
  shift
  for file; do
    if test "$test" "$file"; then
      echo "$file"
      return
    fi
  done
}
find_dhcpd_conf_file() { first_file -f /etc/dhcp/dhcpd.conf /etc/dhcp3/dhcpd.conf /etc/dhcpd.conf; }
find_dhcpd_init_file() {
  first_file -x /etc/init.d/isc-dhcp-server /etc/init.d/dhcp-server /etc/init.d/dhcp3-server \
    /etc/init.d/dhcp /etc/init.d/dhcpd
}
find_dhcpd_arg_file() {
  first_file -f /etc/sysconfig/dhcpd /etc/defaults/dhcp /etc/default/dhcp-server \
    /etc/default/dhcp3-server /etc/default/isc-dhcp-server
}

# ---- locks: the same files, and the same way to own them, as Xen's locking.sh --------------------

declare -A xenwire_locks=()
claim_lock() { # NAME
  local file=/var/run/xen-hotplug/$1 fd
  mkdir -p /var/run/xen-hotplug
  while :; do
    exec {fd}<>"$file"
    flock -x "$fd"
    # Of this shell, whichever namespace of processes /proc is of.
    [ "/proc/self/fd/$fd" -ef "$file" ] && break
    exec {fd}>&-
  done
  xenwire_locks[$1]=$fd
}
release_lock() { # NAME
  rm -f "/var/run/xen-hotplug/$1"
  local fd=${xenwire_locks[$1]:-}
  [ -z "$fd" ] || exec {fd}>&-
  unset "xenwire_locks[$1]"
}

# ---- links --------------------------------------------------------------------------------------

ip_of() { # LINK
  ip -4 -o address show primary dev "$1" | sed -n 's|.* inet \([0-9.]*\).*|\1|p;q'
}
dom0_ip() {
  local address
  address=$(ip_of "${netdev:-eth0}")
  [ -n "$address" ] || fatal "${netdev:-eth0} has no address; name another link with netdev="
  echo "$address"
}
create_bridge() { # BRIDGE
  [ -e "/sys/class/net/$1/bridge" ] || ip link add name "$1" type bridge stp_state 0 forward_delay 0
}
add_to_bridge() { # BRIDGE LINK
  [ -e "/sys/class/net/$1/brif/$2" ] || ip link set dev "$2" master "$1"
  ip link set dev "$2" up
}
remove_from_bridge() { # BRIDGE LINK
  do_without_error ip link set dev "$2" down
  [ ! -e "/sys/class/net/$1/brif/$2" ] || do_without_error ip link set dev "$2" nomaster
}
setup_virtual_bridge_port() { # LINK
  ip link set dev "$1" down
  ip link set dev "$1" address fe:ff:ff:ff:ff:ff || :
  ip address flush dev "$1"
}
setup_physical_bridge_port() { ip link set dev "$1" down; ip address flush dev "$1"; } # LINK
_setup_bridge_port() { # LINK VIRTUAL
  if [ "$2" -ne 0 ]; then setup_virtual_bridge_port "$1"; else setup_physical_bridge_port "$1"; fi
}
setup_bridge_port() { setup_virtual_bridge_port "$1"; } # LINK
set_mtu() { # BRIDGE LINK TYPE
  local mtu
  mtu=$(xenstore_read_default "$XENBUS_PATH/mtu" "$(cat "/sys/class/net/$1/mtu" 2>/dev/null)")
  [ -z "$mtu" ] || ip link set dev "$2" mtu "$mtu" || :
}
preiftransfer() { :; }
# ifup and ifdown are programs where there are any.
command -v ifup >/dev/null || { ifup() { false; }; ifdown() { false; }; }

# ---- iptables -----------------------------------------------------------------------------------

iptables_w() { iptables -w "$@"; }
# What these did for a vif, xenwire has done before the hooks are called.
frob_iptable() { :; }
handle_iptable() { :; }
rename_vif() { :; }
call_hooks() { :; }

# ---- the hooks ----------------------------------------------------------------------------------

xenwire_done=''
set -e
for xenwire_hook; do
  # shellcheck disable=SC1090  # an argument
  . "$xenwire_hook"
done
xenwire_done=1
printf 'done\n' >&3
