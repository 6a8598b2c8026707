//! Fifty guests in one lab, started side by side.

use std::fmt::Write;
use std::time::Instant;

use crate::place::Place;
use crate::scenario::guest;

const GUESTS: usize = 50;

#[test]
fn fifty_guests_at_once() {
    let place = Place::new();
    let mut toml = String::from(
        "[lan.office]\n\n[host]\nnic = [{ name = \"eth0\", lan = \"office\" }]\n\
         bridge = [{ name = \"br0\", port = [\"eth0\"], address = [\"10.0.0.254/24\"] }]\n\n",
    );
    // Their names are in no order, so that none is kept by accident.
    let name = |n: usize| format!("g{:02}", n * 37 % GUESTS);
    for n in 0..GUESTS {
        let name = name(n);
        let file = format!("many/etc/xen/{name}.cfg");
        place.write(&file, &guest(&name, &["bridge=br0"]), 0o644);
        let address = n + 1;
        writeln!(
            toml,
            "[[guest]]\nconfig = \"{name}.cfg\"\nnic.eth0 = {{ address = [\"10.0.0.{address}/24\"] }}\n"
        )
        .unwrap();
    }
    for n in 0..GUESTS {
        let (from, to) = (name(n), name((n + 1) % GUESTS));
        writeln!(toml, "[[reach]]\nfrom = \"{from}\"\nto = \"{to}\"\n").unwrap();
    }
    let vifs: Vec<String> = (1..=GUESTS)
        .map(|domid| format!("\"vif{domid}.0\""))
        .collect();
    writeln!(
        toml,
        "[expect.bridge]\nbr0 = [\"eth0\", {}]",
        vifs.join(", ")
    )
    .unwrap();
    place.write("many/lab.toml", &toml, 0o644);

    let begun = Instant::now();
    let said = place.expect(0, &["lab", "run", "many", "--json"]);
    println!("{GUESTS} guests, all in all: {:?}", begun.elapsed());

    let report = said.json();
    assert_eq!(report["holds"], true);
    assert_eq!(report["claims"].as_array().unwrap().len(), GUESTS + 1);
    let domains = report["topology"]["domains"].as_array().unwrap();
    let found: Vec<(u64, &str)> = domains
        .iter()
        .map(|domain| {
            (
                domain["domid"].as_u64().unwrap(),
                domain["name"].as_str().unwrap(),
            )
        })
        .collect();
    let names: Vec<String> = (0..GUESTS).map(name).collect();
    let wanted: Vec<(u64, &str)> = (1..).zip(names.iter().map(String::as_str)).collect();
    assert_eq!(found, wanted);
    place.nothing_left("fifty guests");
}
