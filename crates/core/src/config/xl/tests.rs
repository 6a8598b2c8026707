//! The grammar, statement by statement.

use super::*;
use crate::config::settings::{Settings, Value};
use crate::diag::Diagnostics;

/// What was read, and the codes of what is wrong.
fn codes(text: &str) -> (Option<Settings>, Vec<&'static str>) {
    let mut out = Diagnostics::new();
    let settings = read(text, "foo.cfg", &mut out);
    (settings, out.iter().map(|d| d.code.name).collect())
}

fn good(text: &str) -> Settings {
    let (settings, codes) = codes(text);
    assert!(codes.is_empty(), "{text:?}: {codes:?}");
    settings.unwrap()
}

fn text_of(settings: &Settings, key: &str) -> String {
    settings
        .get(key)
        .unwrap()
        .value
        .atom()
        .unwrap()
        .as_str()
        .to_owned()
}

#[test]
fn reads_numbers_as_c_does() {
    let settings = good("a = 10\nb = 010\nc = 0x1F\nd=0");
    let number = |key| match &settings.get(key).unwrap().value {
        Value::Number(value, text) => (*value, text.as_str().to_owned()),
        other => panic!("{other:?}"),
    };
    assert_eq!(number("a"), (10, "10".to_owned()));
    assert_eq!(number("b"), (8, "010".to_owned()));
    assert_eq!(number("c"), (31, "0x1F".to_owned()));
    assert_eq!(number("d"), (0, "0".to_owned()));
    for bad in ["a=08", "a=1x", "a=0x", "a=512M", "a=99999999999999999999"] {
        assert_eq!(codes(bad), (None, vec!["xl-number"]), "{bad}");
    }
}

#[test]
fn replaces_every_escape_and_remembers_its_place() {
    let settings = good(r#"a = '\\\'\"\a\b\f\n\r\t\vé!'"#);
    assert_eq!(text_of(&settings, "a"), "\\'\"\u{7}\u{8}\u{c}\n\r\t\u{b}é!");
    let text = settings.get("a").unwrap().value.atom().unwrap().clone();
    let byte = |wanted: &str| {
        let start = text.as_str().find(wanted).unwrap();
        text.span_of(start..start + wanted.len()).text().to_owned()
    };
    assert_eq!(byte("\r\t"), r"\r\t");
    assert_eq!(byte("é"), "é");
    assert_eq!(byte("!"), "!");
    assert_eq!(byte("\t"), r"\t");
    for bad in [r"'\q'", r"'\8'", r"'\é'"] {
        let found = codes(&format!("a={bad}")).1;
        assert_eq!(found, ["xl-escape"], "{bad}");
    }
    // xl's manual has these; xl refuses the first kind and makes nothing of the second.
    for by_number in [r"'\x41'", r"'\xzz'", r"'\101'", r"'\7'", r"'\0'", r"'\400'"] {
        let found = codes(&format!("a={by_number}"));
        assert_eq!(found, (None, vec!["xl-escape-number"]), "{by_number}");
    }
    assert_eq!(codes("a='x\nb='y'"), (None, vec!["xl-text-open"]));
    assert_eq!(codes("a='x\\"), (None, vec!["xl-escape", "xl-text-open"]));
}

#[test]
fn lists_go_over_lines_and_may_end_with_a_comma() {
    let settings = good("a = [ 'x', # one\n\n 2\n , [ ] ,\n]\nb=[]; c = '1' # end");
    let Value::List(list) = &settings.get("a").unwrap().value else {
        panic!()
    };
    let kinds: Vec<&str> = list.value.iter().map(Value::kind).collect();
    assert_eq!(kinds, ["a text", "a number", "a list"]);
    assert!(list.span.text().starts_with('[') && list.span.text().ends_with(']'));
    assert_eq!(text_of(&settings, "c"), "1");
    for (bad, code) in [
        ("a = [ , ]", "xl-syntax"),
        ("a = [ 'x' 'y' ]", "xl-syntax"),
        ("a = [ x ]", "xl-syntax"),
        ("a = [ 'x',\nb = 'y'\n", "xl-list-open"),
        ("a = [ 'x'\nb += 'y'\n", "xl-list-open"),
        ("a = [ 'x'", "xl-list-open"),
        ("a = [ 'x'; b = 1", "xl-list-open"),
        ("a = [[[[[[[[[[]]]]]]]]]]", "xl-depth"),
    ] {
        assert_eq!(codes(bad), (None, vec![code]), "{bad}");
    }
}

#[test]
fn plus_joins_texts_and_lists() {
    let settings = good("a = 'x'\na += 'y'\nb += [1]\nb += ['z']\nc = 1\nc += '2'\n");
    assert_eq!(text_of(&settings, "c"), "12");
    assert_eq!(text_of(&settings, "a"), "xy");
    let text = settings.get("a").unwrap().value.atom().unwrap().clone();
    assert_eq!(
        (text.span_of(1..2).text(), text.span_of(1..2).line()),
        ("y", 2)
    );
    let Value::List(list) = &settings.get("b").unwrap().value else {
        panic!()
    };
    assert_eq!(list.value.len(), 2);
    assert_eq!(codes("a='x'\na+=['y']"), (None, vec!["xl-add"]));
    let (settings, found) = codes("a='x'\na='y'");
    assert_eq!(
        (text_of(&settings.unwrap(), "a").as_str(), found),
        ("y", vec!["xl-set-again"])
    );
}

#[test]
fn reports_every_statement_that_is_wrong_and_goes_on() {
    let (settings, found) =
        codes("a\nb = 1 2\n= 3\nc = -1\nd = (1)\ne = 'ok'\nF = 1\ng = [ 1\nh = True\n");
    assert!(settings.is_none());
    assert_eq!(
        found,
        [
            "xl-syntax",
            "xl-syntax",
            "xl-character",
            "xl-character",
            "xl-key",
            "xl-list-open",
            "xl-syntax"
        ]
    );
}

#[test]
fn takes_any_line_ends_and_none() {
    for text in ["a=1\nb=2", ";;a=1;b=2;", "\n\t a = 1 \n#x\n b\t=2#y"] {
        let settings = good(text);
        assert_eq!(settings.iter().count(), 2, "{text:?}");
        assert_eq!(text_of(&settings, "b"), "2", "{text:?}");
    }
    assert_eq!(good("").end().range(), 0..0);
    let from_windows = codes("a=1\r\nb=2\r\n");
    assert_eq!(from_windows, (None, vec!["xl-carriage-return"]), "once");
    let mut out = Diagnostics::new();
    assert!(read("a=1 \r\n", "foo.cfg", &mut out).is_none());
    assert_eq!(out.iter().next().unwrap().span.range(), 4..5);
}
