//! Bytes, as nft(8) 1.0.6 sends them for the same sets and elements (`nft --debug=mnl`).

use super::*;

fn name(name: &str) -> Vec<u8> {
    let mut key = name.as_bytes().to_vec();
    key.resize(16, 0);
    key
}

/// Begin, one change, end: the change without its header.
fn only(change: Change) -> Vec<u8> {
    let batch = Batch {
        generation: None,
        changes: vec![change],
    };
    let bytes = batch.encode(8);
    let length = u32::from_ne_bytes(bytes[20..24].try_into().unwrap());
    bytes[36..20 + usize::try_from(length).unwrap()].to_vec()
}

#[test]
fn an_element_with_a_comment() {
    let bytes = only(Change::AddElements {
        family: Family::Bridge,
        table: "t".into(),
        set: "guarded".into(),
        elements: vec![Element {
            comment: Some("hello".into()),
            ..Element::new(name("vif1.0"))
        }],
    });
    let expected = [
        &[7, 0, 0, 0][..],
        b"\x06\0\x01\0t\0\0\0",
        b"\x0c\0\x02\0guarded\0",
        &[44, 0, 3, 0x80, 40, 0, 1, 0x80],
        &[24, 0, 1, 0x80, 20, 0, 1, 0],
        &name("vif1.0"),
        b"\x0c\0\x06\0\0\x06hello\0",
    ];
    assert_eq!(bytes, expected.concat());
}

#[test]
fn a_set_of_ranges_says_what_its_keys_are_made_of() {
    let bytes = only(Change::AddSet(
        Family::Bridge,
        "t".into(),
        Set {
            name: "nets".into(),
            key: vec![Field::LinkName, Field::Mac, Field::Ipv4],
            ranges: true,
        },
    ));
    let expected = [
        &[7, 0, 0, 0][..],
        b"\x06\0\x01\0t\0\0\0",
        b"\x09\0\x02\0nets\0\0\0\0",
        &[8, 0, 3, 0, 0, 0, 0, 0x84],
        &[8, 0, 4, 0, 0, 2, 0x92, 0x47],
        &[8, 0, 5, 0, 0, 0, 0, 28],
        &[8, 0, 10, 0, 0, 0, 0, 0],
        &[44, 0, 9, 0x80, 40, 0, 2, 0x80],
        &[12, 0, 1, 0x80, 8, 0, 1, 0, 0, 0, 0, 16],
        &[12, 0, 1, 0x80, 8, 0, 1, 0, 0, 0, 0, 6],
        &[12, 0, 1, 0x80, 8, 0, 1, 0, 0, 0, 0, 4],
        &[10, 0, 13, 0, 0, 4, 0, 0, 0, 0, 0, 0],
    ];
    assert_eq!(bytes, expected.concat());
}

#[test]
fn the_last_change_is_the_one_that_is_answered() {
    let table = |name: &str| Change::DeleteTable {
        family: Family::Bridge,
        name: name.into(),
    };
    let batch = Batch {
        generation: Some(0x0102_0304),
        changes: vec![table("a"), table("b")],
    };
    let bytes = batch.encode(8);
    let mut rest = &bytes[..];
    let mut seen = Vec::new();
    while let Some((head, _)) = rest.split_first_chunk::<16>() {
        let number = |at: usize| u32::from_ne_bytes(head[at..at + 4].try_into().unwrap());
        seen.push((number(4), number(8)));
        rest = &rest[usize::try_from(number(0)).unwrap()..];
    }
    // Kind and flags as one number: NLM_F_REQUEST is 1, NLM_F_ACK 4.
    let of = |kind: u32, flags: u32| flags << 16 | kind;
    let expected = [
        (of(16, 1), 7),
        (of(0xa02, 1), 7),
        (of(0xa02, 5), 8),
        (of(17, 1), 7),
    ];
    assert_eq!(seen, expected);
    // The number of the ruleset is big-endian.
    assert_eq!(bytes[20..28], [8, 0, 1, 0, 1, 2, 3, 4]);
}

#[test]
fn what_is_said_is_read() {
    let element = Element {
        end: Some(name("w")),
        comment: Some("of vif1.0".into()),
        ..Element::new(name("v"))
    };
    let added = only(Change::AddElements {
        family: Family::Inet,
        table: "t".into(),
        set: "s".into(),
        elements: vec![element.clone()],
    });
    let said = read(kind(NEWSETELEM), &added).unwrap();
    assert_eq!(said, Some(Said::Elements(vec![element])));
    let table = only(Change::AddTable {
        family: Family::Inet,
        name: "t".into(),
        comment: "layout 1".into(),
    });
    let said = read(kind(NEWTABLE), &table).unwrap();
    let expected = Said::Table {
        family: 1,
        name: "t".into(),
        comment: Some("layout 1".into()),
        owned: false,
    };
    assert_eq!(said, Some(expected));
    assert_eq!(read(16, &[]), Ok(None));
    assert!(read(kind(NEWSETELEM), &[0; 3]).is_err());
}
