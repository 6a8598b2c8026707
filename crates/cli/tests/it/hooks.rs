//! `vif-post.d/*.hook` (contract 2.9): what hooks see, what comes of one that fails, and whose hooks
//! are run.

use crate::hotplug::{BACKEND, Dom0, XL};
use crate::need;
use crate::place::{Place, each_user};

/// Where hooks are, in dom0.
const FOLDER: &str = "/etc/xen/scripts/vif-post.d";

/// Puts a hook there.
fn hook(place: &Place, name: &str, mode: &str, text: &str) {
    let write = "mkdir -p \"$1\"; chmod 755 \"$1\"; printf '%s\\n' \"$4\" >\"$1/$2\"; chmod \"$3\" \"$1/$2\"";
    sh(place, write, &[FOLDER, name, mode, text]);
}

/// Runs a script in dom0, which must succeed; gives its output.
fn sh(place: &Place, script: &str, words: &[&str]) -> String {
    let argv: Vec<&str> = ["sh", "-ec", script, "sh"]
        .iter()
        .chain(words)
        .copied()
        .collect();
    let said = place.on("dom0", &argv);
    assert_eq!(said.status, 0, "{script}\n{said}");
    said.out
}

fn told(place: &Place) -> String {
    sh(place, "cat /run/told; rm /run/told", &[])
}

fn tools() -> bool {
    need::found("ip", "iproute2") && need::found("bash", "bash")
}

#[test]
fn they_are_sourced_in_order_before_connected() {
    if !tools() {
        return;
    }
    each_user(|place| {
        let mut dom0 = Dom0::new(place, "br0");
        // A variable of the one before is seen: it is one shell.
        hook(
            place,
            "10-b.hook",
            "755",
            "echo \"$seen $command $type_if $dev $bridge $domid $devid $vif [$vifname] $XENBUS_PATH\" >>/run/told
             echo \"$(cat /sys/class/net/$dev/flags) $(readlink /sys/class/net/$dev/master)\" >>/run/told",
        );
        hook(
            place,
            "10-a.hook",
            "700",
            "seen=a; echo \"$0 $BASH_SOURCE\" >>/run/told; log debug seen; dom0=$(first_file -f /none /etc/hosts /etc)
             evalVariables 'odd=$(touch /run/evaluated)' 2>/dev/null
             do_or_die test \"$odd\" = '$(touch /run/evaluated)'
             claim_lock iptables; test -e /run/xen-hotplug/iptables; release_lock iptables
             test ! -e /run/xen-hotplug/iptables; (sleep 5 &) ; echo on the output",
        );
        hook(place, "10-c.hook", "644", "echo not executable >>/run/told");
        hook(place, ".hidden.hook", "755", "echo hidden >>/run/told");
        hook(place, "20.sh", "755", "echo no hook >>/run/told");
        let said = dom0.call(&["online", "type_if=vif"], &XL);
        let error = dom0.node(&format!("{BACKEND}/hotplug-error"));
        assert_eq!((said.status, error), (0, None), "{said}");
        assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""));
        assert_eq!(
            told(place),
            format!(
                "/etc/xen/scripts/vif-bridge {FOLDER}/10-a.hook\n\
                 a online vif vif9.0 br0 9 0 vif9.0 [] backend/vif/9/0\n0x1003 ../br0\n"
            )
        );
        assert_eq!(
            dom0.node(&format!("{BACKEND}/hotplug-status")).unwrap(),
            "connected"
        );
        // What is in the store is handed over, and evaluated nowhere.
        dom0.write("ip", "$(touch /run/evaluated)");
        hook(
            place,
            "10-b.hook",
            "755",
            "echo \"$command $dev $ip\" >>/run/told",
        );
        let said = dom0.call(&["offline", "type_if=vif"], &XL);
        assert_eq!(said.status, 0, "{said}");
        let told = told(place);
        assert!(
            told.ends_with("offline vif9.0 $(touch /run/evaluated)\n"),
            "{told}"
        );
        sh(place, "test ! -e /run/evaluated", &[]);
        let log = sh(place, "cat /var/log/xen/xen-hotplug.log", &[]);
        assert!(log.contains("on the output"), "{log}");
    });
}

#[test]
fn one_that_fails_undoes_the_online_and_is_named() {
    if !tools() {
        return;
    }
    let place = Place::new();
    let mut dom0 = Dom0::new(&place, "br0");
    // A link that was up once keeps its queue (dev_activate, net/sched/sch_generic.c).
    let link = |dom0: &Dom0<'_>| {
        dom0.link("vif9.0")
            .map(|shown| shown.replace("noqueue", "noop"))
    };
    let before = link(&dom0);
    for (text, why) in [
        ("fatal no licence for $dev", "no licence for vif9.0"),
        ("false", "exit status 1"),
        ("exit 0", "it called exit"),
        ("kill -9 $$", "signal: 9"),
        ("if then", "bad.hook"),
        (
            "xenstore_read() { :; }; do_or_die test -e /none",
            "test -e /none failed",
        ),
    ] {
        hook(&place, "bad.hook", "755", text);
        dom0.written();
        let said = dom0.call(&["online", "type_if=vif"], &XL);
        assert_eq!(said.status, 1, "{text}: {said}");
        let error = dom0.node(&format!("{BACKEND}/hotplug-error")).unwrap();
        assert!(
            error.contains("vif-post.d/bad.hook") && error.contains(why),
            "{text}: {error}"
        );
        assert_eq!(
            dom0.node(&format!("{BACKEND}/hotplug-status")).unwrap(),
            "error"
        );
        assert_eq!(link(&dom0), before, "{text}");
        // What goes, goes.
        let said = dom0.call(&["offline", "type_if=vif"], &XL);
        assert_eq!(said.status, 0, "{text}: {said}");
    }
}

#[test]
fn hooks_that_others_can_write_are_refused() {
    if !tools() {
        return;
    }
    each_user(|place| {
        let mut dom0 = Dom0::new(place, "br0");
        let before = dom0.link("vif9.0");
        hook(place, "a.hook", "755", "touch /run/told");
        for (spoil, mend, word) in [
            (
                "chmod g+w a.hook",
                "chmod g-w a.hook",
                "a.hook is uid 0's, with mode 0775",
            ),
            (
                "chmod o+w .",
                "chmod o-w .",
                "vif-post.d is uid 0's, with mode 0757",
            ),
            ("ln -s a.hook b.hook", "rm b.hook", "b.hook is a link"),
        ] {
            let in_folder = |script: &str| sh(place, &format!("cd {FOLDER}; {script}"), &[]);
            in_folder(spoil);
            let said = dom0.call(&["online", "type_if=vif"], &XL);
            assert_eq!(said.status, 1, "{spoil}: {said}");
            let error = dom0.node(&format!("{BACKEND}/hotplug-error")).unwrap();
            assert!(error.contains(word), "{spoil}: {error}");
            assert_eq!(dom0.link("vif9.0"), before);
            assert_eq!(
                dom0.call(&["offline", "type_if=vif"], &XL).status,
                0,
                "{spoil}"
            );
            in_folder(mend);
            sh(place, "test ! -e /run/told", &[]);
        }
        assert_eq!(dom0.call(&["online", "type_if=vif"], &XL).status, 0);
        sh(place, "test -e /run/told", &[]);
    });
}
