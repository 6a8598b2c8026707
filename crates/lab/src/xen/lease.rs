//! A guest that asks for its address: busybox's DHCP client runs in it, and what it is given is
//! configured by the road of everything else in a guest.
//!
//! Asked is once, when the guest starts: a lab does not live as long as a lease.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::{fs, io};

use ipnet::{IpNet, Ipv4Net};
use xenwire_core::name::IfName;
use xenwire_core::state::{Desired, Managed, Origin, Route, WantedLink};

use super::guest::{GuestPlace, NicPlan, lock};
use crate::boot::PATH;
use crate::{act, world};

/// What the client runs when something happens, and what it says then (busybox, udhcp/dhcpc.c).
const SCRIPT: &str = "/run/xenwire/given";
const TELLS: &str = "#!/bin/sh\n[ \"$1\" != bound ] || echo \"$ip/$mask $router\"\n";

/// How often it asks, a second each: as long as it may take on a busy machine.
const TIMES: &str = "30";

/// What a guest was given.
#[derive(Debug, PartialEq, Eq)]
struct Lease {
    address: Ipv4Net,
    routers: Vec<Ipv4Addr>,
}

/// Writes what the clients run, before any guest is started: whoever forks while it is open for
/// writing would keep others from running it (execve(2), ETXTBSY).
///
/// # Errors
/// If it cannot be written.
pub fn prepare() -> io::Result<()> {
    fs::write(SCRIPT, TELLS)?;
    fs::set_permissions(SCRIPT, fs::Permissions::from_mode(0o755))
}

impl GuestPlace {
    /// Asks by every NIC that is to, and configures what is given. What went wrong, a line each.
    ///
    /// The thread waits for the client, and so must not be one that is inside a namespace.
    pub fn ask(&self) -> Vec<String> {
        let plans: Vec<NicPlan> = lock(&self.nics).values().cloned().collect();
        let asked = plans.iter().filter(|plan| plan.dhcp);
        let failed = asked.filter_map(|plan| self.ask_by(plan).err());
        failed.collect()
    }

    fn ask_by(&self, plan: &NicPlan) -> Result<(), String> {
        let lease = self.lease(&plan.name)?;
        let given = IpNet::V4(lease.address);
        let mut nic = WantedLink::new(Origin::Expected);
        nic.up = Managed::Set(true);
        nic.addresses = world::addresses(&plan.name, plan.own().chain([given]));
        let mut desired = Desired::default();
        desired.links.insert(plan.name.clone(), nic);
        desired.routes = world::routes(&self.routes, &desired);
        let everywhere = IpNet::V4(Ipv4Net::default());
        let by = |router: &Ipv4Addr| Route::via(everywhere, IpAddr::V4(*router), plan.name.clone());
        desired.routes.extend(lease.routers.first().map(by));
        act::inside(&self.netns, || act::make(self.netns.name(), &desired))?;
        let must_be: Vec<IpNet> = plan.asked().collect();
        if !must_be.is_empty() && must_be != [given] {
            let must_be: Vec<String> = must_be.iter().map(ToString::to_string).collect();
            return Err(format!(
                "{} was given {given}, and lab.toml says {}",
                plan.name,
                must_be.join(", ")
            ));
        }
        Ok(())
    }

    fn lease(&self, nic: &IfName) -> Result<Lease, String> {
        let mut client = Command::new("busybox");
        client
            .args(["udhcpc", "-f", "-n", "-q", "-t", TIMES, "-T", "1"])
            .args(["-s", SCRIPT, "-i", nic.as_str()])
            .env_clear()
            .env("PATH", PATH)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let spawned = self.netns.spawn(&mut client);
        let ended = spawned.and_then(std::process::Child::wait_with_output);
        let output = ended.map_err(|error| match error.kind() {
            ErrorKind::NotFound => format!(
                "{nic} is to ask for its address by busybox's udhcpc, and there is no busybox in {PATH}: \
                 install it (Debian: busybox)"
            ),
            _ => format!("{nic}: busybox udhcpc: {error}"),
        })?;
        let said = String::from_utf8_lossy(&output.stdout);
        if let Some(lease) = said.lines().find_map(read) {
            return Ok(lease);
        }
        let complained = String::from_utf8_lossy(&output.stderr);
        let last = complained.lines().last().unwrap_or("udhcpc said nothing");
        Err(format!(
            "{nic} asked for its address {TIMES} times, and was given none: {last}"
        ))
    }
}

/// What the script tells.
fn read(line: &str) -> Option<Lease> {
    let mut words = line.split_whitespace();
    Some(Lease {
        address: words.next()?.parse().ok()?,
        routers: words.map(|word| word.parse().ok()).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_an_address_and_its_routers() {
        let lease = |address: &str, routers: &[&str]| Lease {
            address: address.parse().unwrap(),
            routers: routers.iter().map(|word| word.parse().unwrap()).collect(),
        };
        for (line, wanted) in [
            (
                "10.0.1.1/24 10.0.1.128",
                Some(lease("10.0.1.1/24", &["10.0.1.128"])),
            ),
            ("10.0.1.1/24 ", Some(lease("10.0.1.1/24", &[]))),
            ("udhcpc: broadcasting discover", None),
            ("10.0.1.1/24 nobody", None),
            ("", None),
        ] {
            assert_eq!(read(line), wanted, "{line}");
        }
    }
}
