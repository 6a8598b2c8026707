//! The picture in a scenario's README is what `xenwire show` prints there.
//! `XENWIRE_BLESS=1` writes the pictures anew; the diff is to be read.

use std::fs;
use std::path::Path;

use crate::place::{Place, said};
use crate::scenario::{examples, examples_folder};

/// What stands for the bytes that are drawn anew at every start of a guest.
const DRAWN_MAC: &str = "00:16:3e:xx:xx:xx";

#[test]
fn every_readme_has_the_picture_that_show_draws() {
    let place = Place::new();
    for example in examples() {
        place.expect(0, &["lab", "up", &example]);
        // Every cable carries packets when the claims have been tried.
        place.expect(0, &["lab", "claims"]);
        let words = ["lab", "exec", "dom0", "--", "xenwire", "show"];
        let shown = said(place.xenwire(&words).env("COLUMNS", "80"));
        assert_eq!(shown.status, 0, "{shown}");
        place.expect(0, &["lab", "down"]);
        let name = example.strip_prefix("examples/").unwrap();
        let folder = examples_folder().join(name);
        let shown = without_drawn_macs(&shown.out, &folder);
        compare(&folder.join("README.md"), &shown);
        if name == "two-bridges" {
            compare(&folder.join("../../README.md"), &shown);
        }
    }
}

/// The first picture of a README.
fn compare(readme: &Path, shown: &str) {
    const BEGIN: &str = "```text\n";
    let text = fs::read_to_string(readme).unwrap();
    let begin = text.find(BEGIN).expect("a picture") + BEGIN.len();
    let end = begin + text[begin..].find("```").expect("its end");
    if std::env::var_os("XENWIRE_BLESS").is_some() {
        let blessed = format!("{}{shown}{}", &text[..begin], &text[end..]);
        fs::write(readme, blessed).unwrap();
        return;
    }
    let picture = &text[begin..end];
    let readme = readme.display();
    assert!(
        picture == shown,
        "{readme} has\n{picture}\nand not\n{shown}"
    );
}

/// A MAC that no file of the scenario has is a toolstack's own choice.
fn without_drawn_macs(shown: &str, folder: &Path) -> String {
    let configs = fs::read_dir(folder.join("etc/xen")).unwrap();
    let files = configs.map(|entry| entry.unwrap().path());
    let texts: String = files
        .filter(|path| path.is_file())
        .map(|path| fs::read_to_string(path).unwrap().to_lowercase())
        .collect();
    let is_byte = |byte: &str| byte.len() == 2 && u8::from_str_radix(byte, 16).is_ok();
    let is_mac = |word: &&str| word.split(':').count() == 6 && word.split(':').all(is_byte);
    let mut told = shown.to_owned();
    for mac in shown.split_whitespace().filter(is_mac) {
        if !texts.contains(mac) {
            assert!(mac.starts_with("00:16:3e:"), "{mac} is not Xen's");
            told = told.replace(mac, DRAWN_MAC);
        }
    }
    told
}
