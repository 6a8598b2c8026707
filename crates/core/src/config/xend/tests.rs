//! What is read from xend-config.sxp, and which bridge it makes.

use super::*;
use crate::diag::{Code, Severity};
use crate::network::Generation;
use proptest::prelude::*;

fn found(text: &str) -> (Option<XendConf>, Vec<&'static Code>, Diagnostics) {
    let mut out = Diagnostics::new();
    let conf = read(text, "xend-config.sxp", &mut out);
    let codes = out.iter().map(|d| d.code).collect();
    (conf, codes, out)
}

fn clean(text: &str) -> XendConf {
    let (conf, _, out) = found(text);
    assert!(out.is_empty(), "{text:?}: {out:?}");
    conf.unwrap()
}

fn words(command: &Option<Command>) -> Vec<&str> {
    let command = command.as_ref().unwrap();
    let words = std::iter::once(&command.program).chain(&command.arguments);
    words.map(|word| word.value.as_str()).collect()
}

#[test]
fn reads_what_is_about_networks_and_keeps_the_rest() {
    let conf = clean(
        "# -*- sh -*-\n#(network-script network-bridge)\n(xend-unix-server yes)\n\
         (network-script 'network-bridge netdev=eth1 vifnum=1')\n(vif-script \"vif-bridge bridge=br1\")\n\
         (vif-bridge br7)\n(vif-antispoof No)\n(device-create-timeout 5)\n(device-destroy-timeout '7')\n\
         (xend-relocation-hosts-allow '^localhost$ ^localhost\\\\.localdomain$')\n\
         (xen-api-server ((9363 pam '') (unix none)))\n(my-own-key)\n",
    );
    assert_eq!(
        words(&conf.network_script),
        ["network-bridge", "netdev=eth1", "vifnum=1"]
    );
    assert_eq!(words(&conf.vif_script), ["vif-bridge", "bridge=br1"]);
    let span = &conf.network_script.as_ref().unwrap().arguments[0].span;
    assert_eq!((span.text(), span.line()), ("netdev=eth1", 4));
    assert_eq!(conf.vif_bridge.unwrap().value, "br7");
    assert!(!conf.vif_antispoof.unwrap().value);
    assert_eq!(conf.device_create_timeout.unwrap().value, 5);
    assert_eq!(conf.device_destroy_timeout.unwrap().value, 7);
    let keys: Vec<&str> = conf.others.iter().map(|e| e.key.value.as_str()).collect();
    assert_eq!(
        keys,
        [
            "xend-unix-server",
            "xend-relocation-hosts-allow",
            "xen-api-server",
            "my-own-key"
        ]
    );
    assert_eq!(conf.others[2].values.len(), 1);
}

#[test]
fn nothing_set_is_nothing_read() {
    for text in [
        "",
        "# (network-script network-bridge)\n",
        "(network-script )",
        "(network-script '')",
    ] {
        assert_eq!(clean(text).network_script, None, "{text:?}");
    }
}

#[test]
fn every_further_blank_is_an_argument_of_its_own_as_in_xend() {
    let conf = clean(
        "(network-script 'network-bridge  netdev=eth1 ')(vif-script 'vif-bridge  bridge=b ')",
    );
    assert_eq!(
        words(&conf.network_script),
        ["network-bridge", "", "netdev=eth1", ""]
    );
    assert_eq!(words(&conf.vif_script), ["vif-bridge", "bridge=b"]);
}

#[test]
fn says_what_is_wrong() {
    use Severity::{Error, Warning};
    for (text, code, severity) in [
        (
            "(netwrok-script network-bridge)",
            code::UNKNOWN_KEY,
            Warning,
        ),
        ("(vif_script x)", code::UNKNOWN_KEY, Warning),
        (
            "(network-script a)(network-script b)",
            code::KEY_AGAIN,
            Warning,
        ),
        ("network-script", code::NO_LIST, Warning),
        ("()", code::NO_LIST, Warning),
        ("((a b) c)", code::NO_LIST, Warning),
        (
            "(network-script network-bridge netdev=eth1)",
            code::MORE_VALUES,
            Warning,
        ),
        ("(network-script (network-bridge))", code::VALUE, Error),
        ("(vif-antispoof perhaps)", code::VALUE, Error),
        ("(device-create-timeout 5s)", code::VALUE, Error),
        ("(device-destroy-timeout -1)", code::VALUE, Error),
        (
            "(network-script 'network-bridge netdv=eth1')",
            code::ARGUMENT,
            Warning,
        ),
        (
            "(network-script 'network-bridge start')",
            code::ARGUMENT,
            Warning,
        ),
        (
            "(vif-script 'vif-bridge brigde=br0')",
            code::ARGUMENT,
            Warning,
        ),
        (
            "(network-script 'network-bridge vifnum=one')",
            code::ARGUMENT_VALUE,
            Error,
        ),
        (
            "(network-script 'network-bridge bridge=$(id)/x')",
            code::ARGUMENT_VALUE,
            Error,
        ),
        (
            "(network-script 'network-bridge netdev=enp129s0f1np100')",
            code::ARGUMENT_VALUE,
            Warning,
        ),
        (
            "(network-script 'network-bridge antispoof=on')",
            code::ARGUMENT_VALUE,
            Warning,
        ),
        (
            "(network-script network-route)(vif-script vif-bridge)",
            code::PAIR,
            Warning,
        ),
        ("(network-script network-bridge", code::OPEN, Error),
    ] {
        let (conf, codes, out) = found(text);
        assert_eq!(codes, [code], "{text}");
        assert_eq!(out.iter().next().unwrap().severity, severity, "{text}");
        assert_eq!(conf.is_some(), severity == Warning, "{text}");
    }
}

#[test]
fn the_first_of_two_counts_and_the_first_value() {
    let (conf, _, _) = found("(network-script a b)\n(network-script c)\n");
    assert_eq!(words(&conf.unwrap().network_script), ["a"]);
}

#[test]
fn hints_can_be_acted_on() {
    for (text, hint) in [
        ("(netwrok-script a)", "did you mean `network-script`?"),
        ("(network-script a b=c)", "write `(network-script 'a b=c')`"),
        (
            "(network-script 'network-bridge brigde=x')",
            "did you mean `bridge`?",
        ),
        (
            "(network-script a 'b c')",
            "put the whole value into one pair of quotes",
        ),
        (
            "(network-script a\n(vif-script b))",
            "is a `)` missing behind the first?",
        ),
    ] {
        let (_, _, out) = found(text);
        assert_eq!(
            out.iter().next().unwrap().hint.as_deref(),
            Some(hint),
            "{text}"
        );
    }
}

#[test]
fn keys_near_ours_that_xend_has_are_no_slips() {
    for key in keys::OTHERS {
        clean(&format!("({key} x)"));
    }
}

#[test]
fn a_script_of_ones_own_is_kept_as_it_is() {
    let conf = clean("(network-script 'my-network-script a netdv=1')(vif-script vif-custom)");
    assert_eq!(
        conf.network_script.as_ref().unwrap().bridge_arguments(),
        None
    );
    let made = conf.made_bridge(Generation::Renaming);
    assert_eq!(made, Made::Unknown("my-network-script".to_owned()));
}

#[test]
fn which_bridge_is_made_depends_on_the_generation() {
    use Generation::{Netloop, Renaming, Xen2};
    let bridge = |name: &str, why| Made::Bridge {
        name: name.to_owned(),
        why,
    };
    let route = |prefix, usual| Made::AfterDefaultRoute { prefix, usual };
    for (text, generation, made) in [
        ("", Xen2, bridge("xen-br0", Reason::Default)),
        ("", Netloop, Made::Nothing(Reason::NoScript)),
        (
            "(vif-bridge br7)",
            Xen2,
            bridge("br7", Reason::VifBridgeKey),
        ),
        (
            "(network-script network)",
            Xen2,
            bridge("xen-br0", Reason::Default),
        ),
        (
            "(network-script network-bridge)",
            Netloop,
            route(Some("xenbr"), "xenbr0"),
        ),
        (
            "(network-script network-bridge)",
            Renaming,
            route(None, "eth0"),
        ),
        (
            "(network-script 'network-bridge vifnum=1')",
            Netloop,
            bridge("xenbr1", Reason::Vifnum),
        ),
        (
            "(network-script 'network-bridge vifnum=1')",
            Renaming,
            route(None, "eth0"),
        ),
        (
            "(network-script 'network-bridge netdev=eth1')",
            Netloop,
            route(Some("xenbr"), "xenbr0"),
        ),
        (
            "(network-script 'network-bridge netdev=\"eth1\"')",
            Renaming,
            bridge("eth1", Reason::Netdev),
        ),
        (
            "(network-script 'network-bridge netdev=eth1 netdev=eth2')",
            Renaming,
            bridge("eth2", Reason::Netdev),
        ),
        (
            "(network-script '/x/network-bridge bridge=my')",
            Netloop,
            bridge("my", Reason::BridgeArgument),
        ),
        (
            "(network-script 'network-bridge bridge=null')",
            Renaming,
            Made::Nothing(Reason::BridgeNull),
        ),
        (
            "(network-script /bin/true)",
            Renaming,
            Made::Nothing(Reason::SwitchedOff),
        ),
        (
            "(network-script network-nat)",
            Renaming,
            Made::Nothing(Reason::Routed),
        ),
    ] {
        assert_eq!(
            clean(text).made_bridge(generation),
            made,
            "{text} {generation:?}"
        );
    }
}

#[test]
fn the_configuration_lines_of_the_two_texts_are_read() {
    for (text, script) in [
        (
            "(network-script 'network-bridge bridge=mybridge')",
            vec!["network-bridge", "bridge=mybridge"],
        ),
        ("(network-script network-custom)", vec!["network-custom"]),
        (
            "(network-script my-network-script)",
            vec!["my-network-script"],
        ),
    ] {
        assert_eq!(words(&clean(text).network_script), script);
    }
    assert_eq!(
        words(&clean("(vif-script vif-custom)").vif_script),
        ["vif-custom"]
    );
}

/// What files of the field are made of; the fuzzing below joins and cuts it.
const CORPUS: [&str; 3] = [
    include_str!("../../../tests/corpus/xend/stock.sxp"),
    include_str!("../../../tests/corpus/xend/routed.sxp"),
    include_str!("../../../tests/corpus/xend/oddities.sxp"),
];

#[test]
fn the_corpus_is_read() {
    for text in CORPUS {
        let (conf, _, out) = found(text);
        assert!(conf.is_some(), "{out:?}");
    }
}

fn sane(text: &str) -> Result<(), TestCaseError> {
    let mut out = Diagnostics::new();
    let conf = read(text, "f", &mut out);
    let mut again = Diagnostics::new();
    prop_assert_eq!(&conf, &read(text, "f", &mut again));
    prop_assert_eq!(&out, &again);
    prop_assert_eq!(conf.is_some(), !out.has_errors());
    for diagnostic in out.iter() {
        let range = diagnostic.span.range();
        prop_assert!(range.end <= text.len() && text.get(range).is_some());
    }
    Ok(())
}

proptest! {
    #[test]
    fn fuzz_any_text(text in any::<String>()) {
        sane(&text)?;
    }

    #[test]
    fn fuzz_pieces_of_files(
        pieces in proptest::collection::vec((0usize..3, 0usize..4000, 0usize..200), 1..8),
        glue in "[()'\"#\\\\ \n=]{0,3}",
    ) {
        let mut text = String::new();
        for (file, start, length) in pieces {
            let file = CORPUS[file];
            text.extend(file.chars().skip(start % file.len()).take(length));
            text.push_str(&glue);
        }
        sane(&text)?;
    }
}
