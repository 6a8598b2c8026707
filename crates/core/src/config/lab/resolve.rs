//! A [`Lab`] and its guests' files into a [`Scenario`]: each guest gets its name and its vifs, and
//! what its own system configures must fit them.

use super::probes::{places, probes};
use super::{Domain, DomainNic, Guest, Lab, MachineName, Scenario, unique};
use crate::config::domu::DomU;
use crate::diag::{Diagnostic, Diagnostics, code, nearest};
use crate::name::IfName;

/// Joins a lab with the files of its guests; each file under the name by which `lab.toml` calls
/// it. Files of no guest are not looked at. A file that could not be read must not be left out
/// here: its reader's complaint says more than "there is no such file".
///
/// # Errors
/// Everything that is wrong, each fault at its place, in `lab.toml` or in a guest's file.
pub fn resolve(lab: &Lab, files: &[(String, DomU)]) -> Result<Scenario, Diagnostics> {
    let mut out = Diagnostics::new();
    let (mut guests, mut domus) = (Vec::new(), Vec::new());
    let mut complete = true;
    for guest in &lab.guests {
        let Some(domu) = file(guest, files, &mut out) else {
            complete = false;
            continue;
        };
        domus.push(domu);
        match domain(guest, domu, &mut out) {
            Some(domain) => guests.push(domain),
            None => complete = false,
        }
    }
    unique::check(lab, &domus, &mut out);
    // Without a guest, its claims would seem to name nothing.
    if !complete {
        return Err(out);
    }
    let places = places(lab, &guests);
    let claims = lab
        .claims
        .iter()
        .filter_map(|claim| probes(claim, &places, &mut out))
        .collect();
    if out.has_errors() {
        return Err(out);
    }
    Ok(Scenario {
        title: lab.title.clone(),
        lans: lab.lans.clone(),
        machines: lab.machines.clone(),
        host: lab.host.clone(),
        guests,
        claims,
        expect: lab.expect.clone(),
    })
}

fn file<'a>(guest: &Guest, files: &'a [(String, DomU)], out: &mut Diagnostics) -> Option<&'a DomU> {
    let config = &guest.config;
    let found = files.iter().find(|(name, _)| *name == config.value);
    if found.is_none() {
        let hint = match nearest(&config.value, files.iter().map(|(name, _)| name.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "guests' files lie in the scenario's `etc/xen`".to_owned(),
        };
        let message = format!("there is no guest's file `{}`", config.value);
        out.add(Diagnostic::error(code::lab::NO_CONFIG, &config.span, message).hint(hint));
    }
    found.map(|(_, domu)| domu)
}

fn domain(guest: &Guest, domu: &DomU, out: &mut Diagnostics) -> Option<Domain> {
    let name = match domu.name.value.parse::<MachineName>() {
        Ok(name) => name,
        Err(why) => {
            let message = format!("`{}` cannot be a machine in a lab: {why}", domu.name.value);
            out.add(Diagnostic::error(
                code::lab::GUEST_NAME,
                &domu.name.span,
                message,
            ));
            return None;
        }
    };
    let mut nics: Vec<DomainNic> = Vec::new();
    for (position, (devid, vif)) in domu.devids().into_iter().zip(&domu.vifs).enumerate() {
        // A list so long that `ethN` is too long for a link cannot be a guest's.
        let link = format!("eth{position}").parse::<IfName>().ok()?;
        nics.push(DomainNic {
            name: link,
            devid,
            spec: vif.spec.clone(),
            addresses: Vec::new(),
            dhcp: false,
        });
    }
    let has = match nics.len() {
        0 => "its file has no vif".to_owned(),
        1 => "its file has one vif, eth0".to_owned(),
        many => format!("its file has {many} vifs, eth0 to eth{}", many - 1),
    };
    for written in &guest.nics {
        let name = &written.name;
        if let Some(nic) = nics.iter_mut().find(|nic| nic.name == name.value) {
            nic.addresses = written
                .addresses
                .iter()
                .map(|address| address.value)
                .collect();
            nic.dhcp = written.dhcp;
        } else {
            let message = format!("guest `{}` has no NIC `{}`", domu.name.value, name.value);
            out.add(
                Diagnostic::error(code::lab::UNKNOWN_NIC, &name.span, message)
                    .hint(has.clone())
                    .also(&domu.name.span, "the guest"),
            );
        }
    }
    for nic in guest.routes.iter().filter_map(|route| route.nic.as_ref()) {
        if !nics.iter().any(|known| known.name == nic.value) {
            let message = format!("guest `{}` has no NIC `{}`", domu.name.value, nic.value);
            out.add(
                Diagnostic::error(code::lab::UNKNOWN_NIC, &nic.span, message).hint(has.clone()),
            );
        }
    }
    let (config, routes) = (guest.config.value.clone(), guest.routes.clone());
    Some(Domain {
        name,
        config,
        kind: domu.kind,
        start: guest.start,
        nics,
        routes,
    })
}
