//! No reader panics, and none can be made to show a fault it cannot draw, whatever the text.

use proptest::prelude::*;

use super::{domu, lab, xl_conf};
use crate::diag::{Diagnostics, Style};

const DOMU: &str = include_str!("../../tests/cases/readers/guest-every-key/foo.cfg");
const SLIPS: &str = include_str!("../../tests/cases/readers/guest-slips/foo.cfg");
const LAB: &str = include_str!("../../tests/cases/readers/lab-two-bridges/lab.toml");
const FOO: &str = include_str!("../../tests/cases/readers/lab-two-bridges/foo.cfg");
const BAR: &str = include_str!("../../tests/cases/readers/lab-two-bridges/bar.cfg");

/// Reads the text as everything it could be. A value comes back exactly if no error does.
fn read_all(text: &str) {
    let draw = |out: &Diagnostics, value: bool| {
        assert_eq!(value, !out.has_errors(), "{text:?}");
        assert_eq!(out.is_empty(), out.render(Style::Plain).is_empty());
        let _ = (out.render(Style::Coloured), out.to_json());
    };
    let mut out = Diagnostics::new();
    let guest = domu::read(text, "foo.cfg", &mut out);
    draw(&out, guest.is_some());
    let mut out = Diagnostics::new();
    let conf = xl_conf::read(text, "xl.conf", &mut out);
    draw(&out, conf.is_some());
    let mut out = Diagnostics::new();
    let world = lab::read(text, "lab.toml", &mut out);
    draw(&out, world.is_some());
    if let Some(world) = world {
        let read = |text, file: &str| {
            (
                file.to_owned(),
                domu::read(text, file, &mut Diagnostics::new()).unwrap(),
            )
        };
        match lab::resolve(&world, &[read(FOO, "foo.cfg"), read(BAR, "bar.cfg")]) {
            Ok(scenario) => assert!(
                scenario
                    .claims
                    .iter()
                    .all(|claim| claim.each().next().is_some())
            ),
            Err(out) => draw(&out, false),
        }
    }
}

/// A valid text with a few pieces replaced by others, mostly by its own.
fn mutated() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![DOMU, SLIPS, LAB, FOO]).prop_flat_map(|text| {
        let length = text.chars().count();
        let cut = (
            0..length,
            0..8_usize,
            0..length,
            0..12_usize,
            prop::option::of("\\PC{0,3}|[\\x00-\\x7f]{1,2}|[\\[\\]'\"\\\\=,;\n]{1,3}"),
        );
        (Just(text), prop::collection::vec(cut, 1..4))
    });
    pieces.prop_map(|(text, cuts)| {
        let own: Vec<char> = text.chars().collect();
        let mut now = own.clone();
        for (at, gone, from, long, other) in cuts {
            let at = at.min(now.len());
            let piece: Vec<char> = match other {
                Some(other) => other.chars().collect(),
                None => own[from..(from + long).min(own.len())].to_vec(),
            };
            now.splice(at..(at + gone).min(now.len()), piece);
        }
        now.into_iter().collect()
    })
}

proptest! {
    #[test]
    fn arbitrary_text(text in "\\PC{0,60}|[a-c=+\\[\\]'\"\\\\x0-9,;# \n\t\r.é]{0,60}|(?s:.){0,40}") {
        read_all(&text);
    }

    #[test]
    fn mutated_text(text in mutated()) {
        read_all(&text);
    }
}

#[test]
fn every_prefix_of_valid_text() {
    for text in [DOMU, LAB] {
        for (end, _) in text.char_indices() {
            read_all(&text[..end]);
        }
    }
}
