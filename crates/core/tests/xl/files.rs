//! Whole files: what is accepted, and every key's value.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use xenwire_core::config::settings::{Settings, Value};
use xenwire_core::config::xl;
use xenwire_core::diag::Diagnostics;

use crate::debian::Debian;
use crate::specs::draw;
use crate::tally::{Known, Tally};

const ESCAPES: Known = Known {
    name: "numeric escapes",
    reason: "libxlutil leaves nothing of \\NNN, and says nothing; here it is an error",
};

const ODD_NUMBER: Known = Known {
    name: "odd number",
    reason: "a word that begins with a digit is taken by libxlutil, which looks at it when a number is asked for; here it is an error at once",
};
const LAST_SIGN: Known = Known {
    name: "last sign",
    reason: "a character that begins nothing, at the very end of a file, is overlooked by libxlutil; here it is an error",
};

/// Numbers in the generated files that are none.
const ODD_NUMBERS: [&str; 4] = ["08", "0x", "1e5", "99999999999999999999"];

/// Keys that the generated files may set.
const KEYS: [&str; 9] = [
    "name",
    "vif",
    "memory",
    "extra",
    "type",
    "a",
    "b_1",
    "x.y",
    "on_reboot",
];

/// A file that a person wrote, then whatever happened to it: pieces taken out, doubled, swapped for
/// others.
fn files() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        4 => "['][a-z0-9 =:,./]{0,12}[']",
        3 => "[\"][a-zA-Z0-9 #;'\\[\\]]{0,12}[\"]",
        2 => "[1-9][0-9]{0,6}",
        1 => select(vec!["0", "0x1f", "010", "08", "0x", "1e5", "4294967296", "99999999999999999999", "''", "\"\"",
            r"'a\n\'b\\'", r"'\t\a\q'", r"'\x41'", r"'\101'", "'é'", "'two\nlines'", "None", "True", "foo", "-1", "1.5"])
            .prop_map(str::to_owned),
    ];
    let comma = select(vec![", ", ",", ",\n  ", " ", ",,", ", # why\n"]);
    let list = (
        prop::collection::vec((atom.clone(), comma), 0..4),
        any::<bool>(),
    )
        .prop_map(|(items, trailing)| {
            let mut text: String = items
                .iter()
                .map(|(atom, comma)| format!("{atom}{comma}"))
                .collect();
            if !trailing {
                text = text.trim_end_matches([',', ' ']).to_owned();
            }
            format!("[{text}]")
        });
    let nested = (list.clone(), list.clone()).prop_map(|(a, b)| format!("[ {a}, {b} ]"));
    let value = prop_oneof![6 => atom, 4 => list, 1 => nested];
    let operator = prop_oneof![8 => Just(" = "), 2 => Just("="), 2 => Just(" += "), 1 => select(vec!["==", "-=", ":", "\t=\t", ""])];
    let end = prop_oneof![8 => Just("\n"), 1 => select(vec![";", " ; ", "\r\n", "  # why\n", "\n\n", ";;", " ", "\t\n", ""])];
    let line = (select(KEYS.to_vec()), operator, value, end)
        .prop_map(|(key, operator, value, end)| format!("{key}{operator}{value}{end}"));
    let odd = select(vec![
        "\n",
        "# a comment\n",
        "import os\n",
        "Name = 'x'\n",
        "_a = 1\n",
        "a b = 1\n",
        "= 1\n",
        "a = \n",
        "\\\n",
        "a = 1 +\n",
    ]);
    let part = prop_oneof![9 => line, 1 => odd.prop_map(str::to_owned)];
    let slip = prop::option::weighted(
        0.3,
        (
            any::<Index>(),
            select(vec![
                "", "'", "\"", "]", "[", ",", "\n", "#", "\\", "=", "é", "\u{1}",
            ]),
        ),
    );
    (prop::collection::vec(part, 0..5), slip).prop_map(|(parts, slip)| {
        let mut text = parts.concat();
        if let Some((place, other)) = slip.filter(|_| !text.is_empty()) {
            let place = place.index(text.len());
            if text.is_char_boundary(place) && text.is_char_boundary(place + 1) {
                text.replace_range(place..place + 1, other);
            }
        }
        text
    })
}

/// What libxlu.c would answer.
fn ours(settings: &Settings) -> String {
    fn hex(text: &str) -> String {
        text.bytes().map(|byte| format!("{byte:02x}")).collect()
    }
    let answer = |key: &&str| match settings.get(key).map(|setting| &setting.value) {
        None => "-".to_owned(),
        Some(Value::List(list)) => {
            let item = |item: &Value| {
                item.atom()
                    .map_or("?".to_owned(), |text| hex(text.as_str()))
            };
            let items = list.value.iter().map(|value| format!(":{}", item(value)));
            format!("l{}", items.collect::<String>())
        }
        Some(atom) => format!("s:{}", hex(atom.atom().unwrap().as_str())),
    };
    KEYS.iter().map(answer).collect::<Vec<_>>().join(" ")
}

#[test]
fn readers_take_the_files_that_libxlutil_takes() {
    let Some(debian) = Debian::find("files") else {
        return;
    };
    let files = draw(1500, files());
    let mut commands = Vec::new();
    for (number, text) in files.iter().enumerate() {
        let name = format!("{number}.cfg");
        debian.write(&name, text);
        commands.push(format!("file {name} {}", KEYS.join(" ")));
    }
    let (mut tally, mut taken) = (Tally::default(), 0);
    for (text, theirs) in files.iter().zip(debian.libxlu(&commands)) {
        let settings = xl::read(text, "file", &mut Diagnostics::new());
        let ours = settings.map_or("bad".to_owned(), |settings| ours(&settings));
        taken += usize::from(theirs != "bad");
        if ours == theirs {
            tally.equal();
        } else if ours == "bad" && text.contains(r"\101") {
            tally.known(&ESCAPES);
        } else if ours == "bad" && ODD_NUMBERS.iter().any(|odd| text.contains(odd)) {
            tally.known(&ODD_NUMBER);
        } else if ours == "bad" && text.ends_with(['"', '\'', '\\', '\u{1}']) {
            tally.known(&LAST_SIGN);
        } else {
            tally.unknown(format!("{text:?}\n   ours {ours}\n theirs {theirs}"));
        }
    }
    println!("libxlutil takes {taken} of {} files", files.len());
    assert!(taken > files.len() / 4, "hardly any file is one");
    tally.close("files beside libxlutil", 500);
}
