//! What can be typed. Nothing here does anything.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use xenwire_core::config::domu::Syntax;
use xenwire_core::config::host_conf::IpFilter;
use xenwire_lab::daemon::DomainSocket;

/// The exit statuses, for every help text.
const STATUSES: &str = "Exit status: 0 done; 1 the request, a file or a claim is wrong; 2 bad usage; \
3 the machine refused, nothing was changed; 4 stuck half-way, a person is needed; 70 a bug in xenwire.";

/// The networking of a Xen host in one program.
#[derive(Debug, Parser)]
#[command(name = "xenwire", version = env!("XENWIRE_VERSION"), max_term_width = 100, after_help = STATUSES)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// A Xen host in network namespaces, as an ordinary user, without Xen
    Lab(LabArgs),
    /// Put dom0's NIC into a bridge, and take it out again: Xen's script of that name
    #[command(after_help = NETWORK_BRIDGE)]
    NetworkBridge(NetworkArgs),
    /// Make dom0 the router of its guests, and undo that: Xen's script of that name
    #[command(after_help = NETWORK_ROUTE)]
    NetworkRoute(NetworkArgs),
    /// The same for guests behind one address: Xen's script of that name
    #[command(after_help = NETWORK_NAT)]
    NetworkNat(NetworkArgs),
    /// Crossover pairs vethN and vif0.N, as Xen's netloop made them
    Loopback(LoopbackArgs),
    /// Take back a network script that was cut off half-way
    #[command(
        after_help = "Example:\n  xenwire recover\n\nA call of network-bridge does this by itself before anything else."
    )]
    Recover,
    /// Remove what vifs that are gone left behind
    #[command(after_help = GC)]
    Gc(GcArgs),
    /// Draw this host's network: NICs, bridges, vifs and whose they are
    #[command(
        after_help = "Example:\n  xenwire show\n  xenwire lab exec dom0 -- xenwire show --json"
    )]
    Show(ShowArgs),
    /// Read Xen's files, and an interfaces file, as Xen does, and say everything that is wrong
    #[command(after_help = CHECK)]
    Check(CheckArgs),
    /// Print the normal form of a vif's specification
    #[command(
        after_help = "Example:\n  xenwire fmt --vif 'bridge=br0,mac=00:16:3E:0:0:2,rate=10Mb/s'"
    )]
    Fmt(FmtArgs),
    /// Let guests pass the host's firewall, whoever has changed it since they came
    #[command(after_help = BOOT)]
    Boot(BootArgs),
    /// Take the place of Xen's scripts on this host
    #[command(after_help = INSTALL)]
    Install(GoArgs),
    /// Give Xen's scripts their place back
    #[command(after_help = UNINSTALL)]
    Uninstall(InstallArgs),
    /// Run a xenstore in the foreground, for tests that need one
    #[command(after_help = XENSTORED)]
    Xenstored(XenstoredArgs),
}

/// The end of `boot`'s help.
const BOOT: &str = "Example:
  xenwire boot --dry-run
  xenwire boot

For when the host has booted, and when Docker, firewalld or another firewall was started or loaded anew. Each
guest that [hotplug] forward in /etc/xen/xenwire.toml means passes FORWARD of iptables, ip6tables, firewalld,
iptables-legacy and ip6tables-legacy, as far as they are in use. Done twice it does nothing more.";

/// The end of `install`'s help.
const INSTALL: &str = "Example:
  xenwire install --dry-run
  xenwire install

This program is copied to /usr/libexec/xenwire, and the scripts it can serve become links to it. The originals
stay beside them, as NAME.distrib, and dpkg upgrades them there. Guests that run are not touched. Where one of them
was seen with an address that its ip= does not hold, --ip-filter says what to do, or it is asked. A run that is
cut off is finished by the next. Exit status 4: a script that somebody replaced since was left alone.";

/// The end of `uninstall`'s help.
const UNINSTALL: &str = "Example:
  xenwire uninstall --dry-run
  xenwire uninstall

Guests that run are not touched. A script that its package has upgraded meanwhile comes back upgraded.
Exit status 4: what somebody changed since was left alone; the message says what to do.";

/// The end of `gc`'s help.
const GC: &str = "Example:
  xenwire gc --dry-run
  xenwire gc

A vif's script says `offline` when it goes. Where nobody called it, this does the same for the names of vifs that
are no longer there. What belongs to a vif that is there, and what is not marked as a vif's, is never touched.
Exit status: 0 removed, or nothing was left; 3 the system could not be looked at, nothing was changed;
4 something could not be removed, and the message says what.";

/// The end of `loopback add`'s help.
const LOOPBACK_ADD: &str = "Example:
  xenwire loopback add 3

Then veth3 is a NIC of dom0's own, and vif0.3 its way to a bridge:
ip address add 10.0.0.1/24 dev veth3; ip link set veth3 up; ip link set vif0.3 master br0 up";

/// The end of `network-bridge`'s help.
const NETWORK_BRIDGE: &str = "Example:
  xenwire network-bridge start netdev=eth1 --plan
  xenwire network-bridge start netdev=eth1 bridge=mybridge
  xenwire network-bridge stop netdev=eth1

Words: start, stop or status; then in any order netdev=NIC, bridge=NAME, vifnum=N, antispoof=yes|no;
--plan (say what would be done); --generation xen2, xen3.0 (the default) or xen3.2, which the
variable XENWIRE_GENERATION says too. Exit status: 0 done, or nothing to do; 1 not done, and nothing changed.";

/// The end of `network-route`'s help.
const NETWORK_ROUTE: &str = "Example:
  xenwire network-route start netdev=eth1 --plan
  xenwire network-route start netdev=eth1
  xenwire network-route status netdev=eth1

Words: start, stop or status; netdev=NIC, the link that answers for the guests [default: eth0];
--plan (say what would be done). Exit status: 0 done, or nothing to do; 1 not done, and nothing changed.";

/// The end of `network-nat`'s help.
const NETWORK_NAT: &str = "Example:
  xenwire network-nat start netdev=eth1 dhcp=yes
  xenwire network-nat stop netdev=eth1

Words: start, stop or status; netdev=NIC, the link that packets leave by [default: eth0]; dhcp=yes, start dnsmasq
for the guests of vif-nat; --plan (say what would be done). Exit status: 0 done, or nothing to do; 1 not done, and nothing changed.";

/// The end of `xenstored`'s help.
const XENSTORED: &str = "Example:
  xenwire xenstored --socket /tmp/xs --domain 7=/tmp/xs7 --record /tmp/trace &
  XENSTORED_PATH=/tmp/xs xenstore-write /local/domain/7/name guest

The store is empty, on no disk, and needs neither Xen nor root. SIGTERM or Ctrl-C end it; \
its sockets are then removed.";

/// The end of `check`'s help.
const CHECK: &str = "Example:
  xenwire check /etc/xen /etc/network/interfaces
  xenwire check --var vmid=3 old.cfg
  xenwire check --explain vif-unknown-key

In a folder it reads what has the name of such a file: *.cfg, what is in a folder called auto, xl.conf,
*.sxp, interfaces, what is in interfaces.d, lab.toml. A file that is named itself and has another name
is read as a guest's. Nothing is run, whatever it says. What it finds is on standard output; warnings alone
leave the exit status 0.";

#[derive(Debug, ClapArgs)]
pub struct NetworkArgs {
    /// start, stop or status, and what follows it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    pub words: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub struct LoopbackArgs {
    #[command(subcommand)]
    pub command: LoopbackCommand,
}

#[derive(Debug, Subcommand)]
pub enum LoopbackCommand {
    /// Make the pair, down and without addresses
    #[command(after_help = LOOPBACK_ADD)]
    Add {
        /// The number N of vethN and vif0.N
        number: u16,
    },
    /// Remove the pair, if xenwire made it and nobody uses it
    #[command(after_help = "Example:\n  xenwire loopback remove 3")]
    Remove {
        /// The number N of vethN and vif0.N
        number: u16,
    },
}

#[derive(Debug, ClapArgs)]
pub struct BootArgs {
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print the steps as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub struct GoArgs {
    #[command(flatten)]
    pub both: InstallArgs,
    /// What `ip=` of a vif is to do: enforce, log, accept-only or off; written to xenwire.toml
    #[arg(long, value_name = "MODE")]
    pub ip_filter: Option<IpFilter>,
}

#[derive(Debug, ClapArgs)]
pub struct InstallArgs {
    /// The folder of Xen's scripts [default: where they are installed, or /etc/xen/scripts]
    #[arg(long, value_name = "DIR")]
    pub scripts_dir: Option<String>,
    /// Take this folder for the root of the file system
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print the steps as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub struct GcArgs {
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub struct CheckArgs {
    /// Files and folders
    #[arg(required_unless_present = "explain")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// Print what was found as JSON
    #[arg(long)]
    pub json: bool,
    /// Say what a code means and what to do about it, instead of reading files
    #[arg(long, value_name = "CODE", conflicts_with = "files")]
    pub explain: Option<String>,
}

/// How guests' files are read.
#[derive(Debug, ClapArgs)]
pub struct ReadingArgs {
    /// Read guests' files in this grammar [default: xl's, or else xm's]
    #[arg(long, value_enum)]
    pub syntax: Option<SyntaxArg>,
    /// Set a variable of a file of xm's day, as in `xm create FILE NAME=VALUE`
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    pub var: Vec<(String, String)>,
    /// Read vifs as xl does, which reads over most mistakes: they become warnings
    #[arg(long)]
    pub lenient: bool,
}

/// The grammar of a guest's file.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SyntaxArg {
    /// xl's own
    Xl,
    /// xm's, which was Python
    Xm,
}

impl SyntaxArg {
    /// The grammar meant.
    pub fn syntax(self) -> Syntax {
        match self {
            Self::Xl => Syntax::Xl,
            Self::Xm => Syntax::Xm,
        }
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("wanted NAME=VALUE, such as vmid=3".to_owned()),
    }
}

#[derive(Debug, ClapArgs)]
pub struct FmtArgs {
    /// A specification, as it stands in quotes in a guest's `vif = [ … ]`
    #[arg(long, value_name = "SPEC", required = true)]
    pub vif: Vec<String>,
    /// Read it in this grammar [default: xl's]
    #[arg(long, value_enum)]
    pub syntax: Option<SyntaxArg>,
    /// Read it as xl does, which reads over most mistakes
    #[arg(long)]
    pub lenient: bool,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub struct ShowArgs {
    /// Print the network as JSON
    #[arg(long)]
    pub json: bool,
    /// The socket of xenstore [default: as libxenstore chooses it]
    #[arg(long, value_name = "SOCKET")]
    pub xenstore: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct XenstoredArgs {
    #[command(subcommand)]
    pub command: Option<XenstoredCommand>,
    /// Where to listen; who connects acts for dom0, and only your user may connect
    #[arg(long, value_name = "PATH", required = true)]
    pub socket: Option<PathBuf>,
    /// Another socket, whose clients act for this domain; it counts as introduced
    #[arg(long, value_name = "DOMID=PATH")]
    pub domain: Vec<DomainSocket>,
    /// Write down all that the store sees and says, to be replayed; the file is replaced
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum XenstoredCommand {
    /// Send a trace's requests to a xenstore that runs, and tell what it answers differently
    #[command(after_help = REPLAY)]
    Replay {
        /// What `--record` wrote
        file: PathBuf,
        /// Where that xenstore listens for dom0
        #[arg(long, value_name = "PATH")]
        socket: PathBuf,
        /// Where it listens for another domain of the trace
        #[arg(long, value_name = "DOMID=PATH")]
        domain: Vec<DomainSocket>,
        /// Print the differences as JSON
        #[arg(long)]
        json: bool,
    },
}

/// The end of `xenstored replay`'s help.
const REPLAY: &str = "Example:
  xenwire xenstored replay /tmp/trace --socket /tmp/xs --domain 7=/tmp/xs7

It writes what the trace wrote: use a xenstore that is as empty as the recorded one was. \
The numbers of transactions and the generation of long lists are each server's own and not compared. \
Its exit status is 0 only if there is no difference, 1 if there is one.";

#[derive(Debug, ClapArgs)]
pub struct LabArgs {
    #[command(subcommand)]
    pub command: LabCommand,
}

#[derive(Debug, Subcommand)]
pub enum LabCommand {
    /// Build a scenario's world, start its guests, try its claims, and take it away again
    #[command(
        after_help = "Example:\n  xenwire lab run examples/two-bridges\n\nIts exit status is 0 only if everything holds."
    )]
    Run {
        #[command(flatten)]
        scenario: ScenarioArgs,
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
    },
    /// Build a scenario's world, start its guests, and keep it
    #[command(
        after_help = "Example:\n  xenwire lab up examples/two-bridges\n  xenwire lab exec foo -- ip address\n  xenwire lab down\n\nIts exit status is 1 if a guest or a command of the host failed; what came is up."
    )]
    Up {
        #[command(flatten)]
        scenario: ScenarioArgs,
        /// What to call the lab [default: the folder's name]
        #[arg(long)]
        name: Option<String>,
    },
    /// Run a command on one of the lab's machines: dom0, a guest, or one outside
    #[command(
        after_help = "Example:\n  xenwire lab exec foo -- ping -c 1 192.0.2.22\n\nIts exit status is the command's."
    )]
    Exec {
        #[command(flatten)]
        lab: Which,
        /// The machine
        machine: String,
        /// The command and its arguments
        #[arg(last = true, required = true, value_name = "CMD")]
        command: Vec<OsString>,
    },
    /// List the labs that are up, and their machines
    #[command(after_help = "Example:\n  xenwire lab ls --json")]
    Ls {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Try the claims of a lab that is up
    #[command(after_help = "Example:\n  xenwire lab claims")]
    Claims {
        #[command(flatten)]
        lab: Which,
    },
    /// Start a guest, as `xl create`
    #[command(after_help = "Example:\n  xenwire lab start foo")]
    Start(GuestArgs),
    /// Let a guest shut itself down, as `xl shutdown`
    #[command(after_help = "Example:\n  xenwire lab stop foo")]
    Stop(GuestArgs),
    /// End a guest at once, as `xl destroy`
    #[command(after_help = "Example:\n  xenwire lab destroy foo")]
    Destroy(GuestArgs),
    /// Stop a guest and start it as a new domain, as `xl reboot`
    #[command(after_help = "Example:\n  xenwire lab reboot foo")]
    Reboot(GuestArgs),
    /// Give a guest that runs a NIC, as `xl network-attach`
    #[command(
        after_help = "Example:\n  xenwire lab attach foo mac=00:16:3e:00:02:02,bridge=br1 --address 10.0.1.9/24"
    )]
    Attach {
        #[command(flatten)]
        guest: GuestArgs,
        /// A vif specification, as in a guest's file
        vif: String,
        /// What the guest's own system gives the NIC
        #[arg(long, value_name = "NET")]
        address: Vec<String>,
    },
    /// Take a NIC from a guest, as `xl network-detach`
    #[command(after_help = "Example:\n  xenwire lab detach foo 2")]
    Detach {
        #[command(flatten)]
        guest: GuestArgs,
        /// The NIC's device number
        devid: u32,
    },
    /// Print the path of the lab's xenstore socket
    #[command(after_help = "Example:\n  XENSTORED_PATH=$(xenwire lab xenstore) xenstore-ls -fp")]
    Xenstore {
        #[command(flatten)]
        lab: Which,
    },
    /// End a lab
    #[command(after_help = "Example:\n  xenwire lab down two-bridges")]
    Down {
        /// The lab [default: the only one that is up]
        name: Option<String>,
    },
}

#[derive(Debug, ClapArgs)]
pub struct ScenarioArgs {
    /// A folder with a lab.toml
    pub scenario: PathBuf,
    /// Put this folder's files into /etc/xen/scripts instead of the scenario's and ours
    #[arg(long, value_name = "DIR")]
    pub scripts: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub struct GuestArgs {
    #[command(flatten)]
    pub lab: Which,
    /// The guest
    pub guest: String,
}

#[derive(Debug, ClapArgs)]
pub struct Which {
    /// The lab [default: the only one that is up]
    #[arg(long, value_name = "NAME")]
    pub lab: Option<String>,
}
