//! Properties of the reader: over right specifications, over the corpus in pieces, and over long ones.

use proptest::prelude::*;

use super::*;

const CORPUS: [&str; 2] = [
    include_str!("../../../../tests/corpus/vif/xl.txt"),
    include_str!("../../../../tests/corpus/vif/xm.txt"),
];

#[test]
fn a_megabyte_is_read_in_the_time_it_takes_to_look_at_it() {
    for piece in [
        "mac=0,",
        "a=,",
        "bridge=br0,",
        "ip=x y,",
        "0",
        ",",
        "rate=1B/s@",
        "mac=00000000",
        "é",
    ] {
        let text = piece.repeat((1 << 20) / piece.len());
        for rules in [XL, LENIENT_XL, XM, LENIENT_XM] {
            let (written, found) = read_as(&text, rules);
            assert_eq!(written.is_none(), found.has_errors());
        }
    }
}

/// Specifications of all shapes, as a person might write them.
fn specs() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        any::<[u8; 5]>()
            .prop_map(|[a, b, c, d, e]| format!("mac=02:{a:x}:{b:02x}:{c:X}:{d:x}:{e:02X}")),
        "[a-z]{1,8}[0-9]".prop_map(|name| format!("bridge={name}")),
        "[a-z]{1,8}(\\.[0-9]{1,3})?(:[0-9]{1,3}){0,2}".prop_map(|name| format!("bridge={name}")),
        "[a-z]{1,15}".prop_map(|name| format!("vifname={name}")),
        Just("type=vif".to_owned()),
        "[a-z0-9]{1,9}".prop_map(|name| format!("model={name}")),
        "/[a-z/-]{1,20}".prop_map(|path| format!("script={path}")),
        prop::collection::vec(any::<std::net::IpAddr>(), 1..4).prop_map(|ips| {
            format!(
                "ip={}",
                ips.iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("  ")
            )
        }),
        (
            1_u32..,
            "[GMK]?[Bb]/s",
            prop_oneof![
                Just(String::new()),
                (1_u32..4000, "(us|ms|s|u|m|)").prop_map(|(n, unit)| format!("@{n}{unit}"))
            ]
        )
            .prop_map(|(number, unit, interval)| format!("rate={number}{unit}{interval}")),
        any::<u32>().prop_map(|devid| format!("devid={devid}")),
        (68_u32..=65_535).prop_map(|mtu| format!("mtu={mtu}")),
        prop::collection::vec((1_u16..4000, "[u]?", 0_u16..20), 0..4).prop_map(|terms| {
            let terms = terms
                .iter()
                .map(|(vlan, how, more)| format!("/{vlan}-{}{how}", vlan + more));
            format!("vlan=4094p{}", terms.collect::<String>())
        }),
        "(un)?trusted",
        "colo_[a-z]{1,9}=[a-z=. ]{0,9}",
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.join(", "))
}

/// Specifications that both toolstacks read, some with blanks that only xm forgives.
fn specs_of_xm() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        any::<[u8; 5]>()
            .prop_map(|[a, b, c, d, e]| format!("mac=02:{a:x}:{b:02x}:{c:X}:{d:x}:{e:02X}")),
        "bridge *= *[a-z]{1,8}[0-9] *",
        " *vifname=[a-z]{1,15}",
        "type=(vif|ioemu)",
        "script=[a-z-]{1,9}( [a-z]=[0-9])?",
        "ip=192\\.0\\.2\\.[1-9]( 2001:db8::[1-9])?",
        "rate=[0-9]{1,12}[GMK]?[Bb]/s(@[0-9]{1,4}(us|ms|s))?",
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.join(", "))
}

/// Lines of the corpus, cut anywhere and joined; and anything else.
fn anything() -> impl Strategy<Value = String> {
    let lines: Vec<&str> = CORPUS.iter().flat_map(|text| text.lines()).collect();
    let piece = (
        prop::sample::select(lines),
        any::<(prop::sample::Index, prop::sample::Index)>(),
    )
        .prop_map(|(line, (a, b))| {
            let places: Vec<usize> = line
                .char_indices()
                .map(|(at, _)| at)
                .chain([line.len()])
                .collect();
            let (a, b) = (*a.get(&places), *b.get(&places));
            line[a.min(b)..a.max(b)].to_owned()
        });
    prop_oneof![
        3 => prop::collection::vec(prop_oneof![6 => piece, 2 => "[,= \\t]{1,3}", 1 => ".{0,3}"], 0..8)
            .prop_map(|pieces| pieces.concat()),
        1 => ".{0,80}",
    ]
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in anything()) {
        for dialect in [Dialect::Xl, Dialect::Xm] {
            let (strict, found) = read_as(&text, rules(dialect, false));
            prop_assert_eq!(strict.is_none(), found.has_errors());
            prop_assert_eq!(&read_as(&text, rules(dialect, false)), &(strict.clone(), found.clone()));
            for fault in found.iter() {
                let range = fault.span.range();
                prop_assert!(range.start <= range.end && range.end <= text.len());
            }
            let (lenient, shrugged) = read_as(&text, rules(dialect, true));
            prop_assert_eq!(lenient.is_none(), shrugged.has_errors());
            // The same faults at the same places, and nothing else made of what is right.
            prop_assert_eq!(found.iter().count(), shrugged.iter().count());
            if strict.is_some() {
                prop_assert_eq!(&lenient, &strict);
            }
            if let Some(lenient) = lenient {
                let again = read_as(&lenient.spec.to_string(), rules(dialect, true)).0;
                prop_assert_eq!(again.map(|again| again.spec), Some(lenient.spec));
            }
        }
    }

    #[test]
    fn xms_normal_form_reads_back_as_the_same_by_both(text in specs_of_xm()) {
        if let Some(spec) = codes_as(&text, XM).0 {
            let normal = spec.to_string();
            let again = codes_as(&normal, XM).0;
            prop_assert_eq!(again.as_ref(), Some(&spec), "{}", normal);
            // xl has no arguments for scripts, and no rate whose number has more than 32 bits.
            if let Some(by_xl) = codes(&normal).0 {
                prop_assert_eq!(by_xl, spec, "{}", normal);
            }
        }
    }

    #[test]
    fn the_normal_form_reads_back_as_the_same(text in specs()) {
        // Overlapping VLANs and rates of nothing are refused rightly; what is read must come back.
        if let Some(spec) = codes(&text).0 {
            let (again, found) = codes(&spec.to_string());
            prop_assert_eq!(found, Vec::<&str>::new(), "{}", spec);
            prop_assert_eq!(again, Some(spec));
        }
    }
}
