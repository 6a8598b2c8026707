# Debian's Open vSwitch with its userspace datapath, in the dom0 of a lab: /run is its own.
# $1: the folder with its programs, and with the libraries that Debian has for them.
set -e
export PATH="$1/bin:$PATH" LD_LIBRARY_PATH="$1/lib"
export OVS_RUNDIR=/run/openvswitch OVS_LOGDIR=/run/openvswitch OVS_DBDIR=/run/openvswitch
mkdir -p /run/openvswitch
cd /run/openvswitch
ovsdb-tool create conf.db "$1/bin/vswitch.ovsschema"
ovsdb-server conf.db --remote=punix:db.sock --unixctl=db.ctl --pidfile --detach --log-file >&2
ovs-vsctl --no-wait init
ovs-vswitchd unix:db.sock --unixctl=switch.ctl --pidfile --detach --log-file >&2
ovs-vsctl add-br xenbr0 -- set bridge xenbr0 datapath_type=netdev
echo ready
exec sleep infinity
