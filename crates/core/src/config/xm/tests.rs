//! Reading, value by value, and what is said of what cannot be read.

use proptest::prelude::*;

use crate::config::domu::{self, Reading, Syntax};
use crate::config::xm;
use crate::diag::{Diagnostic, Diagnostics, Style, code};

fn read(text: &str, vars: &[(&str, &str)]) -> (domu::Read, Diagnostics) {
    let mut out = Diagnostics::new();
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let reading = Reading {
        vars: vars.iter().map(own).collect(),
        ..Reading::default()
    };
    let read = domu::read_as(text, "foo.cfg", &reading, &mut out);
    // Each such file is said to be none of xl's; the rest is what these tests are about.
    let of_xm = |found: &&Diagnostic| found.code == code::domu::OF_XM;
    let told = out.iter().filter(of_xm).count();
    let is_of_xm = read.syntax == Syntax::Xm && !xm::is_sxp(text);
    assert_eq!(told == 1, is_of_xm, "{text}");
    let mut others = Diagnostics::new();
    others.extend(out.iter().filter(|found| !of_xm(found)).cloned());
    (read, others)
}

fn codes(text: &str) -> Vec<&'static str> {
    read(text, &[])
        .1
        .iter()
        .map(|found| found.code.name)
        .collect()
}

const STOCK: &str = include_str!("../../../tests/corpus/xm/stock.cfg");

#[test]
fn readers_take_the_stock_idioms_with_their_variable() {
    let (found, out) = read(STOCK, &[("vmid", "3")]);
    assert!(out.is_empty(), "{}", out.render(Style::Plain));
    assert_eq!(found.syntax, Syntax::Xm);
    let domu = found.domu.unwrap();
    assert_eq!(domu.name.value, "VM3");
    assert_eq!(
        domu.vifs[0].spec.mac.unwrap().to_string(),
        "00:16:3e:00:00:03"
    );
    assert_eq!(domu.dhcp.unwrap().value, "dhcp");
    let (found, out) = read(STOCK, &[]);
    assert_eq!(found.whole(), None);
    let text = out.render(Style::Plain);
    assert!(text.contains("--var vmid="), "{text}");
}

#[test]
fn a_fault_in_a_made_vif_is_shown_where_it_was_written() {
    let text = "def mac(i):\n    return '00:16:3e:00:00:%02x' % i\nname = 'foo'\n\
                vif = [ 'mac=%s,brigde=xenbr0' % mac(3) ]\n";
    let (_, out) = read(text, &[]);
    let found: Vec<_> = out
        .iter()
        .map(|found| found.span.text().to_owned())
        .collect();
    assert!(
        found.iter().any(|span| span.starts_with("brigde")),
        "{found:?}"
    );
    let text = "name = 'foo'\nn = 300\nvif = [ 'bridge=br0,mac=00:16:3e:00:00:%02x' % n ]\n";
    let (_, out) = read(text, &[]);
    assert!(out.iter().all(|found| found.span.line() == 3), "{out:?}");
}

#[test]
fn what_the_machine_knows_matters_only_to_the_network() {
    let arch = "import os\nname = 'foo'\narch = os.uname()[4]\nif '64' in arch: lib = 'lib64'\nelse: lib = 'lib'\n";
    assert_eq!(
        codes(&format!("{arch}kernel = '/usr/' + lib\nvif = ['']\n")),
        [""; 0]
    );
    assert_eq!(
        codes(&format!("{arch}vif = ['bridge=' + lib]\n")),
        ["xm-machine"]
    );
    assert_eq!(
        codes(&format!("{arch}vif = []\nif arch == 'x': vif.append('')\n")),
        ["xm-machine"]
    );
    let same = "if arch == 'x':\n  vif = ['bridge=a']\nelse:\n  vif = ['bridge=a']\n";
    assert_eq!(codes(&format!("{arch}{same}")), [""; 0]);
}

#[test]
fn readers_give_every_fault_of_xms_its_code() {
    for (text, code) in [
        ("x = 1 +* 2", "xm-syntax"),
        ("x = 1 ?", "xm-character"),
        ("x = 12ab", "xm-number"),
        ("x = f'a'", "xm-text"),
        ("x = 'a", "xm-text-open"),
        ("x = [ 1", "xm-bracket"),
        ("  x = 1", "xm-indent"),
        ("x = while_", "xm-variable"),
        ("x = 1 + 'a'", "xm-fault"),
        ("class A: pass", "xm-unsupported"),
        ("x = 'a' * 99999999", "xm-limit"),
        ("vif = ('bridge=a', '')", "xm-tuple"),
        ("nics = 2", "xm-nics"),
        ("vif2 = ['front_mac=00:16:3e:00:00:01']", "xm-vif2"),
    ] {
        let found = codes(&format!("import os\nname = 'foo'\n{text}\n"));
        assert_eq!(found, [code], "{text}");
    }
    let deep = format!(
        "import os\nname = 'foo'\nx = {}1{}\n",
        "(".repeat(99),
        ")".repeat(99)
    );
    assert_eq!(codes(&deep), ["xm-depth"]);
    assert_eq!(codes("(vm (name foo))"), ["xm-sxp"]);
}

/// What Python 3 cannot be asked.
#[test]
fn readers_make_values_of_the_older_python() {
    for (value, wanted) in [
        ("`3` + `'a'`", "\"3'a'\""),
        ("`1, 2`", "'(1, 2)'"),
        ("7 / 2", "3"),
        ("0777", "511"),
        ("10L", "10"),
        ("oct(8)", "'010'"),
        ("1 <> 2", "True"),
        ("range(3) + [9]", "[0, 1, 2, 9]"),
        ("map(str, [1])", "['1']"),
        ("{'a': 1}.has_key('a')", "True"),
        ("ur'\\d' + b'x'", "'\\\\dx'"),
        ("256if 1 else 512", "256"),
    ] {
        let mut out = Diagnostics::new();
        let text = format!("x = {value}\n");
        let found = xm::variables(&text, "foo.cfg", &[], &mut out);
        assert!(out.is_empty(), "{}", out.render(Style::Plain));
        assert_eq!(found[0].1.as_deref(), Some(wanted), "{value}");
    }
}

#[test]
fn an_unknown_element_hides_only_itself() {
    let text = "import os\nname = 'foo'\nhosts = [ os.uname()[1], 'alpha' ]\n";
    let found = |condition: &str| {
        let text = format!("{text}vif = []\nif {condition}: vif = [ 'bridge=xenbr0' ]\n");
        codes(&text)
    };
    assert_eq!(found("'alpha' in hosts"), [""; 0]);
    assert_eq!(found("'beta' in hosts"), ["xm-machine"]);
}

#[test]
fn the_grammar_that_came_further_has_the_word() {
    for (text, syntax, first) in [
        ("name = 'a'\nvif = ['']\n", Syntax::Xl, None),
        ("name = 'a' + 'b'\n", Syntax::Xm, None),
        ("name = foo\n", Syntax::Xl, Some("xl-syntax")),
        ("name = 'VM%d' % vmid\n", Syntax::Xm, Some("xm-variable")),
        (
            "name = 'a'\nvif = [ 'bridge='br0'' ]\n",
            Syntax::Xl,
            Some("xl-syntax"),
        ),
    ] {
        let (found, out) = read(text, &[]);
        assert_eq!(found.syntax, syntax, "{text}");
        assert_eq!(
            out.iter().next().map(|found| found.code.name),
            first,
            "{text}"
        );
    }
}

#[test]
fn readers_compute_for_no_file_for_long() {
    for text in [
        "x = 1\nwhile True: x = x + 1\n".to_owned(),
        "x = ['a']\nfor i in range(99999): x = x + x\n".to_owned(),
        "x = 'a'\nfor i in range(99999): x = x + x\n".to_owned(),
        "def f(i): return f(i)\nx = f(1)\n".to_owned(),
        "a = []\nfor i in range(50000): a = [a]\nx = str(a)\n".to_owned(),
        "a = []\na.append(a)\nx = str(a)\ny = a == a\n".to_owned(),
        format!("x = {}\n", "1+".repeat(100_000)),
        format!("x = {}\n", "[".repeat(100_000)),
        "a=(\n".repeat(50_000),
        format!("x = [{}]\n", "'a',".repeat(100_000)),
    ] {
        let mut out = Diagnostics::new();
        xm::read(&text, "foo.cfg", &[], &["vif"], &mut out);
    }
}

proptest! {
    #[test]
    fn readers_fuzz_any_xm_text(text in "(?s:.){0,60}|([a-c =+%()\\[\\]{}'\"\\\\x0-9,:#.\n\t]|if |for |in |def |return ){0,40}") {
        let (found, out) = read(&text, &[]);
        prop_assert_eq!(found.is_sound, !out.has_errors());
        let again = read(&text, &[]);
        prop_assert_eq!(&again.1, &out);
        out.render(Style::Plain);
    }

    #[test]
    fn readers_fuzz_mutated_xm_stock(at in 0..1800_usize, gone in 0..9_usize, piece in "([()\\[\\]'\"%,:= \n]|vmid|[0-9]){0,4}") {
        let mut text: Vec<char> = STOCK.chars().collect();
        let at = at.min(text.len());
        let end = (at + gone).min(text.len());
        text.splice(at..end, piece.chars());
        let text: String = text.into_iter().collect();
        let mut out = Diagnostics::new();
        let vars = [("vmid".to_owned(), "3".to_owned())];
        let found = xm::read(&text, "foo.cfg", &vars, &["name", "vif"], &mut out);
        prop_assert_eq!(found.is_some(), !out.has_errors());
        out.render(Style::Plain);
    }
}

/// What Python 2 answers, value by value.
#[test]
fn expressions_have_pythons_values() {
    for (expression, value) in [
        ("'abc'[-1]", "'c'"),
        ("'abc'[-3]", "'a'"),
        ("sorted({'a': 1}.keys())", "['a']"),
        ("sorted({'a': 1}.values())", "[1]"),
        ("[5, 6].index(6)", "1"),
        ("[5, 6, 6].count(6)", "2"),
        ("{'a': 1} == {'a': 1}", "True"),
        ("{'a': 1} == {'a': 2}", "False"),
        ("{'a': 1} == {'b': 1}", "False"),
        ("1 if [0] else 2", "1"),
        ("1 if [] else 2", "2"),
        ("1 if 'a' else 2", "1"),
        ("1 if '' else 2", "2"),
        ("1 if 3 else 2", "1"),
        ("1 if 0 else 2", "2"),
        ("1 if {} else 2", "2"),
        ("7 % -3", "-2"),
        ("-7 % 3", "2"),
        ("-7 / 2", "-4"),
        ("7 // -2", "-4"),
        ("'\\v\\t'", "'\\x0b\\t'"),
        ("'a\\\\b\\'c'", "\"a\\\\b'c\""),
        (".5", "0.5"),
        ("1.5", "1.5"),
        ("oct(8)", "'010'"),
        ("hex(255)", "'0xff'"),
        ("int('0o17', 0)", "15"),
        ("int('ff', 16)", "255"),
        ("range(0, 10, 4)", "[0, 4, 8]"),
        ("range(3, 0, -1)", "[3, 2, 1]"),
    ] {
        let (text, mut out) = (format!("x = {expression}\n"), Diagnostics::new());
        let found = xm::variables(&text, "foo.cfg", &[], &mut out);
        let found = found.into_iter().find(|(name, _)| name == "x");
        let found = found.and_then(|(_, value)| value);
        assert_eq!(found.as_deref(), Some(value), "{expression}: {out:?}");
    }
}

#[test]
fn statements_do_what_pythons_do() {
    for (text, value) in [
        ("x = 1\nprint x\n", "1"),
        ("x = 1\nprint\n", "1"),
        ("import os, re\nfrom math import *\nx = 2\n", "2"),
        ("x = 3; y = 4\n", "3"),
        ("x = []\nfor i in range(3):\n    x.append(i)\n", "[0, 1, 2]"),
        ("d = {}\nd['a'] = 5\nx = d['a']\n", "5"),
        (
            "import os\nif os.path.exists('/a'):\n    x = 'b'\nelse:\n    x = 'b'\n",
            "'b'",
        ),
    ] {
        let mut out = Diagnostics::new();
        let found = xm::variables(text, "foo.cfg", &[], &mut out);
        let found = found.into_iter().find(|(name, _)| name == "x");
        assert_eq!(found.unwrap().1.as_deref(), Some(value), "{text}: {out:?}");
    }
    // A branch that may not be taken leaves it open, and what the machine answers is open too.
    for text in [
        "import os\nx = 'a'\nif os.path.exists('/a'):\n    x = 'b'\n",
        "x = open('/etc/hostname').read()\n",
    ] {
        let mut out = Diagnostics::new();
        let found = xm::variables(text, "foo.cfg", &[], &mut out);
        let found = found.into_iter().find(|(name, _)| name == "x");
        assert_eq!(found.unwrap().1, None, "{text}");
    }
}
