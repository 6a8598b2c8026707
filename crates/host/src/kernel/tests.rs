//! Reading needs no privilege; what is changed is tested in the lab.

use super::*;
use xenwire_core::state::{Keys, LinkKind, Scope};

#[test]
fn the_loopback_link_is_there() {
    let mut kernel = Kernel::open().unwrap();
    let all = kernel.observe(Scope::Host).unwrap();
    let lo: IfName = "lo".parse().unwrap();
    assert_eq!(all.facts[&lo].index, 1);
    assert!(matches!(all.state.links[&lo].kind, LinkKind::Other(_)));

    let scope = Scope::Links {
        whole: [lo.clone(), "not-there".parse().unwrap()].into(),
        bare: [].into(),
        keys: Keys::default(),
    };
    let one = kernel.observe(scope.clone()).unwrap();
    assert_eq!(one.state.links.len(), 1);
    assert_eq!(one.state, all.within(scope).state);
}
