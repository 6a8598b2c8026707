//! `xenwire` on Debian's own kernel, in a virtual machine with emulated NICs.
//!
//! | module | shows |
//! | --- | --- |
//! | `kernel` | the machine is what the other tests take it for |
//! | `examples` | `lab run` holds every claim of the examples on that kernel |
//! | `generations` | `network-bridge` on a NIC with a driver leaves no trace, in each generation |
//! | `kinds` | VLANs, a bond, a dummy, a macvlan and a wireless link as what the NIC is or has on it |
//! | `vlans` | `vlan=` of guests on a bridge that filters VLANs |
//! | `crash` | SIGKILL while it changes the host: `recover` ends in the old state or the new |
//! | `vlan_killed` | the same of a vif with `vlan=`: its VLANs are never half there |
//!
//! `machine` switches such a machine on and off, `host.sh` sets one up, `need` says what is missing. Every test has
//! `in_qemu` in its name: `./ci.sh test qemu` runs these and no others.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod crash;
mod examples;
mod generations;
mod kernel;
mod kinds;
mod machine;
mod need;
mod vlan_killed;
mod vlans;

/// `./ci.sh test qemu` runs what is so called.
#[test]
fn every_test_says_in_qemu() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/qemu");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let module = path.file_stem().unwrap().to_str().unwrap();
        let source = std::fs::read_to_string(&path).unwrap();
        for test in source.split("#[test]\nfn ").skip(1) {
            let name = test.split('(').next().unwrap();
            assert!(name.ends_with("in_qemu"), "{module}: {name}");
        }
    }
}
