//! The format: what is printed is read back, and anything else is refused with its place.

use proptest::prelude::*;

use super::*;
use crate::wire::PAYLOAD_MAX;

const SAMPLE: &str = r#"xenstore-trace 1
open 3 0
introduce 7
request 3 WATCH 0 "/local/domain/7\0token\0"
reply 3 WATCH "OK\0"
event 3 "/local/domain/7\0token\0"
request 3 WRITE 4294967295 "/a \"b\\\x00\x7f\xff"
reply 3 ERROR "ENOENT\0"
request 3 99 0 ""
release 7
close 3
"#;

#[test]
fn the_sample_reads_and_prints_as_it_is() {
    let entries = parse(SAMPLE).unwrap();
    assert_eq!(
        entries[5],
        Entry::Request {
            conn: 3,
            kind: Kind::Write,
            tx_id: u32::MAX,
            payload: b"/a \"b\\\0\x7f\xff".to_vec(),
        }
    );
    assert_eq!(entries[0], Entry::Opened { conn: 3, domid: 0 });
    assert_eq!(entries.len() + 1, SAMPLE.lines().count());
    // A NUL has a shorter form, and that is the one printed.
    assert_eq!(print(&entries), SAMPLE.replace("\\x00", "\\0"));
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let wrong = |lines: &str| {
        let error = parse(&format!("{HEADER}\n{lines}")).unwrap_err();
        error.to_string()
    };
    let nothing = parse("").unwrap_err().to_string();
    assert_eq!(
        nothing,
        "line 1: wanted xenstore-trace 1, found nothing".to_owned()
    );
    let newer = parse("xenstore-trace 2\n").unwrap_err();
    assert_eq!((newer.line, newer.found.as_str()), (1, "xenstore-trace 2"));
    for (lines, said) in [
        (
            "\n",
            r#"line 2: wanted open, request, reply, event, close, introduce or release, found nothing"#,
        ),
        (
            "open 1 0\nopen 2 65536\n",
            r#"line 3: wanted a domid, 0 to 65535, found "65536""#,
        ),
        (
            "open 1 0 0\n",
            r#"line 2: wanted the end of the line, found "0""#,
        ),
        (
            "close +1\n",
            r#"line 2: wanted a connection's number, found "+1""#,
        ),
        (
            "reply 1 read \"\"\n",
            r#"line 2: wanted a request's name as in xs_wire.h, or its number, found "read""#,
        ),
        (
            "request 1 READ \"\"\n",
            r#"line 2: wanted a transaction's number, 0 for none, found "\"\"""#,
        ),
        (
            "event 1 \"a\n",
            r#"line 2: wanted a payload in quotes, at most 4096 bytes, found "\"a""#,
        ),
        (
            "event 1 \"\\x4\"\n",
            r#"line 2: wanted a payload in quotes, at most 4096 bytes, found "\"\\x4\"""#,
        ),
        (
            "event 1 \"a\"b\"\n",
            r#"line 2: wanted a payload in quotes, at most 4096 bytes, found "\"a\"b\"""#,
        ),
        (
            "close 1",
            r#"line 2: wanted a newline at the line's end, found "close 1""#,
        ),
    ] {
        assert_eq!(wrong(lines), said);
    }
    let long = format!("event 1 \"{}\"\n", "a".repeat(PAYLOAD_MAX + 1));
    assert!(wrong(&long).ends_with("aaa…\""), "{}", wrong(&long));
}

#[test]
fn a_line_that_was_cut_off_can_be_left_out() {
    let cut = &SAMPLE[..SAMPLE.len() - 3];
    assert_eq!(parse(cut).unwrap_err().line, 11);
    assert_eq!(parse(whole_lines(cut)).unwrap().len(), 9);
    assert_eq!(whole_lines("close"), "");
}

#[test]
fn every_kind_has_a_word_of_its_own() {
    let mut words = std::collections::BTreeSet::new();
    for number in 0..100 {
        let kind = Kind::from_number(number);
        let word = KindName(kind).to_string();
        assert_eq!(kind::parse(&word), Some(kind), "{word}");
        let named = word
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        assert_eq!(named, !matches!(kind, Kind::Unknown(_)), "{word}");
        assert!(words.insert(word));
    }
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let kind = || (0..40_u32).prop_map(Kind::from_number);
    let payload = || prop::collection::vec(any::<u8>(), 0..=60);
    let tx_id = any::<u32>();
    prop_oneof![
        any::<(u64, Domid)>().prop_map(|(conn, domid)| Entry::Opened { conn, domid }),
        (any::<u64>(), kind(), tx_id, payload()).prop_map(|(conn, kind, tx_id, payload)| {
            Entry::Request {
                conn,
                kind,
                tx_id,
                payload,
            }
        }),
        (any::<u64>(), kind(), payload()).prop_map(|(conn, kind, payload)| Entry::Reply {
            conn,
            kind,
            payload
        }),
        (any::<u64>(), payload()).prop_map(|(conn, payload)| Entry::Event { conn, payload }),
        any::<u64>().prop_map(|conn| Entry::Closed { conn }),
        any::<Domid>().prop_map(Entry::Introduced),
        any::<Domid>().prop_map(Entry::Released),
    ]
}

proptest! {
    #![proptest_config(crate::test_cases())]

    #[test]
    fn every_entry_survives_print_and_parse(entries in prop::collection::vec(any_entry(), 0..20)) {
        let text = print(&entries);
        prop_assert!(text.is_ascii());
        prop_assert_eq!(parse(&text), Ok(entries));
    }

    #[test]
    fn any_text_is_survived(text in any::<String>(), cut in any::<prop::sample::Index>()) {
        let _ = parse(&text);
        let _ = parse(&format!("{HEADER}\n{text}\n"));
        let _ = parse(&format!("{HEADER}\nevent 1 \"{text}\"\n"));
        // A valid trace with a hole in it.
        let at = cut.index(SAMPLE.len());
        let broken = format!("{}{text}{}", &SAMPLE[..at], &SAMPLE[(at + 1).min(SAMPLE.len())..]);
        if let Ok(entries) = parse(&broken) {
            prop_assert_eq!(parse(&print(&entries)), Ok(entries));
        }
    }
}
