//! The rules that Xen's own scripts made for a vif: an offline of ours takes them away, and puts them
//! back where they were if it fails.

use crate::world::World;

/// As upstream makes them, at the top each time (contract 2.4); between an administrator's own.
const RULES: &str = "
    theirs() {
      iptables-nft -w -I FORWARD -m physdev --physdev-is-bridged --physdev-in $1 $2 -j ACCEPT
      iptables-nft -w -I FORWARD -m physdev --physdev-is-bridged --physdev-out $1 -j ACCEPT
    }
    iptables-nft -w -A FORWARD -s 198.51.100.1 -j DROP
    theirs vif1.0 '-s 192.0.2.1'
    iptables-nft -w -I FORWARD -s 198.51.100.2 -j DROP
    theirs vif2.0 ''
    theirs vif1.0 '-s 192.0.2.8/29'
    theirs vif1.0 '-p udp --sport 68 --dport 67'
    iptables-nft -w -I FORWARD -s 198.51.100.3 -j DROP";

fn forward(world: &World) -> Vec<String> {
    let saved = world.sh("iptables-nft-save -t filter");
    let rules = saved.lines().filter(|line| line.starts_with("-A"));
    rules.map(str::to_owned).collect()
}

#[test]
fn a_failure_at_any_step_of_an_offline_puts_them_back_where_they_were() {
    let Some(world) = World::new() else { return };
    world.bridge("br0");
    world.vif(1, "br0");
    world.sh(RULES);
    let before = forward(&world);
    assert_eq!(before.len(), 11);
    let others: Vec<&String> = before
        .iter()
        .filter(|rule| !rule.contains("vif1.0"))
        .collect();
    let saved = world.sh("iptables-nft-save -t filter");
    let mut undone = 0;
    for number in 0.. {
        // As Xen's script left it.
        world.sh("ip link set vif1.0 master br0 up");
        let number = number.to_string();
        let called = world.call(1, &["--refuse", &number, "offline"]);
        let refused = called
            .effects
            .iter()
            .find(|effect| !effect["fault"].is_null());
        match refused {
            None => {
                assert_eq!(called.status, Some(0));
                assert_eq!(forward(&world).iter().collect::<Vec<_>>(), others);
                break;
            }
            Some(effect) if called.status == Some(0) => {
                // One that the others do not wait for.
                let effect = effect["effect"].as_str().unwrap();
                assert!(effect.starts_with("remove the rule"), "{effect}");
                assert_eq!(forward(&world).len(), others.len() + 1, "{effect}");
                world.sh(&format!("iptables-nft-restore <<'end'\n{saved}end"));
            }
            Some(effect) => {
                assert_eq!(forward(&world), before, "{effect}");
                undone += 1;
            }
        }
    }
    assert!(undone > 0);
}
