//! Vif specifications, and rates by themselves.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use xenwire_core::config::settings::Text;
use xenwire_core::config::vif::{self, Dialect, Rate, Rules, Written};
use xenwire_core::diag::{Diagnostics, Source};

use crate::debian::Debian;
use crate::specs;
use crate::tally::{Known, Tally};

const VLAN: Known = Known {
    name: "vlan",
    reason: "a key of Xen 4.19; this xl is older and mutters about it",
};
const BLANKS_IN_IP: Known = Known {
    name: "blanks in ip",
    reason: "kept as words, since every script splits there; xl keeps the blanks, and `ip=` as no words",
};
const NO_DEVID: Known = Known {
    name: "devid -1",
    reason: "libxl's word for none, but one that xl prints as missing: it is none here",
};
const STRICTER: Known = Known {
    name: "refused",
    reason: "xl mutters or says nothing and makes the vif; here it is an error with a hint",
};

/// A vif by its keys, the way xl prints it.
type Nic = BTreeMap<String, String>;

fn theirs(json: &Json) -> Nic {
    let text = |value: &Json| match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    let object = json.as_object().unwrap();
    object
        .iter()
        .map(|(key, value)| (key.clone(), text(value)))
        .collect()
}

fn ours(written: &Written) -> Nic {
    let spec = &written.spec;
    let mut nic = Nic::new();
    let int = |number: u32| number.cast_signed().to_string();
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            nic.insert(key.to_owned(), value);
        }
    };
    let passed_on = |key: &str| written.passed_on.get(key).cloned();
    let name = |name: &Option<xenwire_core::name::IfName>| name.as_ref().map(ToString::to_string);
    put("mac", spec.mac.map(|mac| mac.to_string()));
    put("bridge", spec.bridge.clone());
    put(
        "gatewaydev",
        name(&spec.gatewaydev).or(passed_on("gatewaydev")),
    );
    let kind = spec.kind.map(|kind| match kind {
        vif::VifType::Vif => "vif".to_owned(),
        vif::VifType::Ioemu => "vif_ioemu".to_owned(),
    });
    put("nictype", kind);
    put("model", spec.model.clone());
    put("ifname", name(&spec.vifname).or(passed_on("vifname")));
    put("script", spec.script.clone());
    put("ip", (!spec.ip.is_empty()).then(|| spec.ip.join(" ")));
    put("backend_domname", spec.backend.clone());
    if let Some(rate) = spec.rate {
        let bytes = rate.bytes_per_interval();
        put(
            "rate_bytes_per_interval",
            (bytes > 0).then(|| bytes.to_string()),
        );
        put("rate_interval_usecs", Some(rate.interval_us().to_string()));
    }
    put(
        "devid",
        Some(spec.devid.map_or("0".to_owned(), |devid| int(devid.0))),
    );
    put("mtu", spec.mtu.map(int));
    put(
        "trusted",
        spec.trusted
            .map(|yes| if yes { "True" } else { "False" }.to_owned()),
    );
    for (key, value) in &spec.colo {
        let key = if key == "forwarddev" {
            "coloft_forwarddev"
        } else {
            key
        };
        put(key, Some(value.clone()));
    }
    nic
}

fn read(spec: &str, lenient: bool) -> (Option<Written>, Diagnostics) {
    let source = Source::new("spec", spec);
    let rules = Rules {
        dialect: Dialect::Xl,
        lenient,
    };
    let mut found = Diagnostics::new();
    let written = vif::read(&Text::verbatim(&source, 0..spec.len()), rules, &mut found);
    (written, found)
}

/// Compares what was made, and files the result.
fn compare(tally: &mut Tally, spec: &str, ours: Option<Nic>, theirs: Option<Nic>) {
    if ours == theirs {
        return tally.equal();
    }
    let words = |nic: &Option<Nic>| {
        let mut nic = nic.clone();
        if let Some(nic) = &mut nic {
            let ip = nic.remove("ip").unwrap_or_default();
            let words: Vec<&str> = ip.split_ascii_whitespace().collect();
            nic.insert("ip".to_owned(), words.join(" "));
        }
        nic
    };
    let with_devid = |nic: &Option<Nic>| {
        let mut nic = nic.clone();
        if let Some(nic) = &mut nic {
            nic.entry("devid".to_owned()).or_insert("0".to_owned());
        }
        nic
    };
    if words(&ours) == words(&theirs) {
        tally.known(&BLANKS_IN_IP);
    } else if with_devid(&words(&ours)) == with_devid(&words(&theirs)) {
        tally.known(&NO_DEVID);
    } else {
        tally.unknown(format!("{spec:?}\n   ours {ours:?}\n theirs {theirs:?}"));
    }
}

#[test]
fn readers_make_the_vifs_that_xl_makes() {
    let Some(debian) = Debian::find("vifs") else {
        return;
    };
    let xl = debian.xl();
    let (mut lenient, mut strict) = (Tally::default(), Tally::default());
    for spec in specs::draw(700, specs::specs()) {
        let said = xl.create(&spec);
        let made = said.nic.as_ref().map(theirs);
        let (written, found) = read(&spec, true);
        assert_eq!(written.is_none(), found.has_errors(), "{spec:?}");
        compare(
            &mut lenient,
            &spec,
            written.as_ref().map(ours),
            made.clone(),
        );

        let (written, found) = read(&spec, false);
        let mutters = said.talk.contains("unrecognized") || said.talk.contains("Invalid");
        match (&written, &made) {
            (None, Some(_)) => strict.known(&STRICTER),
            _ => {
                // Nothing that xl complains of passes without a word. It does complain of blanks
                // between commas, which change nothing.
                if mutters && found.is_empty() && !said.talk.contains("argument `'") {
                    let known = said.talk.contains("`vlan=");
                    if known {
                        strict.known(&VLAN);
                    } else {
                        strict.unknown(format!("{spec:?}: xl says {}", said.talk));
                    }
                    continue;
                }
                compare(&mut strict, &spec, written.as_ref().map(ours), made);
            }
        }
    }
    lenient.close("vif specifications, lenient, beside xl", 500);
    strict.close("vif specifications, strict, beside xl", 500);
}

#[test]
fn readers_count_rates_as_libxlutil_does() {
    let Some(debian) = Debian::find("rates") else {
        return;
    };
    let rates = specs::draw(1000, specs::rates());
    let commands: Vec<String> = rates.iter().map(|rate| format!("rate {rate}")).collect();
    let (mut lenient, mut strict) = (Tally::default(), Tally::default());
    for (rate, answer) in rates.iter().zip(debian.libxlu(&commands)) {
        let as_xl = Rate::as_xl(rate).map_or("bad".to_owned(), |rate| rate.to_string());
        let read = rate.parse::<Rate>().map(|rate| rate.to_string());
        if as_xl == answer {
            lenient.equal();
        } else {
            lenient.unknown(format!("{rate:?}: ours {as_xl}, theirs {answer}"));
        }
        match read {
            Ok(read) if read != answer => {
                strict.unknown(format!("{rate:?}: ours {read}, theirs {answer}"));
            }
            Err(_) if answer != "bad" => strict.known(&STRICTER),
            _ => strict.equal(),
        }
    }
    lenient.close("rates, lenient, beside libxlutil", 500);
    strict.close("rates, strict, beside libxlutil", 500);
}
