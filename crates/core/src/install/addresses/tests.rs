//! Who loses what, when it is asked, and what is written.

use super::*;

fn listed(list: &str, script: &str) -> Listed {
    Listed {
        vif: "vif7.0".parse().unwrap(),
        mac: "00:16:3e:00:00:07".parse().unwrap(),
        list: list.into(),
        script: script.into(),
    }
}

fn seen(addresses: &[&str], macs: &[&str]) -> Seen {
    Seen {
        addresses: addresses.iter().map(|ip| ip.parse().unwrap()).collect(),
        macs: macs.iter().map(|mac| mac.parse().unwrap()).collect(),
    }
}

#[test]
fn what_the_list_does_not_hold_is_lost() {
    let own = "00:16:3e:00:00:07";
    let table: [(&str, &str, Seen, Option<&str>); 7] = [
        (
            "192.0.2.7",
            "vif-bridge",
            seen(&["192.0.2.7"], &[own]),
            None,
        ),
        (
            "192.0.2.0/29",
            "vif-bridge",
            seen(&["192.0.2.7", "0.0.0.0"], &[]),
            None,
        ),
        (
            "192.0.2.7",
            "vif-bridge",
            seen(&["192.0.2.7", "192.0.2.8", "fe80::1"], &[]),
            Some("vif7.0 has ip=\"192.0.2.7\", and was seen with 192.0.2.8, fe80::1"),
        ),
        (
            "192.0.2.7 2001:db8::7",
            "vif-bridge",
            seen(&["fe80::216:3eff:fe00:7", "2001:db8::7"], &[]),
            None,
        ),
        (
            "192.0.2.7",
            "vif-bridge",
            seen(&[], &[own, "02:00:00:00:00:01"]),
            Some("vif7.0 has ip=\"192.0.2.7\", and sent as 02:00:00:00:00:01"),
        ),
        ("192.0.2.7/24", "vif-nat", seen(&["192.0.2.7"], &[]), None),
        (
            "192.0.2.7/24",
            "vif-bridge",
            Seen::default(),
            Some(
                "vif7.0 has ip=\"192.0.2.7/24\", of which \"192.0.2.7/24\" is no address: it would not come up",
            ),
        ),
    ];
    for (list, script, seen, expected) in table {
        let said = loss(&listed(list, script), &seen).map(|loss| loss.to_string());
        assert_eq!(said.as_deref(), expected, "{list}");
    }
}

#[test]
fn it_is_asked_only_if_somebody_loses_and_nothing_is_said() {
    let losses = [loss(
        &listed("192.0.2.7", "vif-bridge"),
        &seen(&["192.0.2.8"], &[]),
    )
    .unwrap()];
    let says = Some("[hotplug]\nip_filter = \"log\"\n");
    assert_eq!(filter(&[], None, None), Ok(Filter::Settled));
    assert_eq!(filter(&losses, None, None), Ok(Filter::Ask));
    assert_eq!(filter(&losses, Some("# mine\n"), None), Ok(Filter::Ask));
    assert_eq!(filter(&losses, says, None), Ok(Filter::Settled));
    assert_eq!(
        filter(&losses, says, Some(IpFilter::Log)),
        Ok(Filter::Settled)
    );
    let other = filter(&losses, says, Some(IpFilter::Off)).unwrap_err();
    assert!(
        other.contains("says ip_filter = \"log\" already"),
        "{other}"
    );
    assert!(filter(&losses, Some("[hotplug"), None).is_err());
}

#[test]
fn the_answer_is_added_and_all_else_stays() {
    let line = "ip_filter = \"log\"\n";
    let table = [
        ("", format!("[hotplug]\n{line}")),
        ("# mine", format!("# mine\n\n[hotplug]\n{line}")),
        (
            "[hotplug] # here\r\nforward = \"all\"\r\n",
            format!("[hotplug] # here\r\n{line}forward = \"all\"\r\n"),
        ),
        ("[hotplug]", format!("[hotplug]\n{line}")),
    ];
    for (text, expected) in table {
        let conf = (!text.is_empty()).then_some(text);
        let written = filter(&[], conf, Some(IpFilter::Log));
        assert_eq!(written, Ok(Filter::Write(expected)), "{text:?}");
    }
    let inline = filter(
        &[],
        Some("hotplug = { forward = \"all\" }\n"),
        Some(IpFilter::Log),
    );
    assert!(
        inline
            .unwrap_err()
            .contains("write ip_filter = \"log\" there yourself")
    );
}
