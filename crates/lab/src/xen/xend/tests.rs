//! The nodes are the contract's, and no others.

use xenwire_core::config::xend;
use xenwire_core::diag::Diagnostics;
use xenwire_core::name::DevId;

use super::*;

fn conf(text: &str) -> XendConf {
    xend::read(text, "xend-config.sxp", &mut Diagnostics::new()).unwrap()
}

fn folders(spec: &VifSpec, conf: &XendConf) -> [Folder; 3] {
    let vif = VifId {
        domid: DomId(3),
        devid: DevId(1),
    };
    let owner = Owner {
        name: "foo".into(),
        vm: "/vm/5".into(),
    };
    let mac = Mac([0, 0x16, 0x3e, 0, 0, 2]);
    vif_folders(vif, DomId::DOM0, &owner, spec, mac, conf)
}

fn lines(folder: &Folder) -> Vec<String> {
    let nodes = folder.nodes.iter();
    nodes
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

const BACKEND: &str = "/local/domain/0/backend/vif/3/1";
const FRONTEND: &str = "/local/domain/3/device/vif/1";

#[test]
fn the_least_vif_has_no_bridge() {
    let [own, frontend, backend] = folders(&VifSpec::default(), &conf(""));
    assert_eq!(backend.path, BACKEND);
    assert_eq!(
        lines(&backend),
        [
            "script=/etc/xen/scripts/vif-bridge",
            "mac=00:16:3e:00:00:02",
            "handle=1",
            "domain=foo",
            "frontend=/local/domain/3/device/vif/1",
            "frontend-id=3",
            "state=1",
            "online=1",
        ]
    );
    assert_eq!(frontend.path, FRONTEND);
    assert_eq!(
        lines(&frontend),
        [
            "handle=1",
            "mac=00:16:3e:00:00:02",
            "backend=/local/domain/0/backend/vif/3/1",
            "backend-id=0",
            "state=1",
        ]
    );
    assert_eq!(own.path, "/vm/5/device/vif/1");
    assert_eq!(
        lines(&own),
        [
            "backend=/local/domain/0/backend/vif/3/1",
            "backend-id=0",
            "frontend=/local/domain/3/device/vif/1",
            "frontend-id=3",
        ]
    );
    assert_eq!(backend.perms, owned(DomId(0), DomId(3)));
    assert_eq!(frontend.perms, owned(DomId(3), DomId(0)));
}

#[test]
fn everything_configured_is_there() {
    let spec = VifSpec {
        vifname: Some("web".parse().unwrap()),
        ip: vec!["192.0.2.5".into(), "192.0.2.6".into()],
        rate: Some("10Mb/s".parse().unwrap()),
        bridge: Some("br0".into()),
        script: Some("vif-custom loud=yes".into()),
        model: Some("ne2k_pci".into()),
        kind: Some(VifType::Ioemu),
        ..VifSpec::default()
    };
    let [_, frontend, backend] = folders(&spec, &conf("(vif-script vif-route)"));
    assert_eq!(
        lines(&backend)[..9],
        [
            "script=/etc/xen/scripts/vif-custom loud=yes",
            "mac=00:16:3e:00:00:02",
            "type=ioemu",
            "ip=192.0.2.5 192.0.2.6",
            "bridge=br0",
            "vifname=web",
            "rate=62500,50000",
            "model=ne2k_pci",
            "handle=1",
        ]
    );
    assert_eq!(
        lines(&frontend)[0],
        "backend=/local/domain/0/backend/vif/3/1"
    );
}

#[test]
fn the_whole_vif_script_is_the_node() {
    let node = |text: &str| script_node(&VifSpec::default(), &conf(text));
    assert_eq!(
        node("(vif-script 'vif-bridge bridge=mybridge antispoof=no')"),
        "/etc/xen/scripts/vif-bridge bridge=mybridge antispoof=no"
    );
    assert_eq!(node("(vif-script /opt/vif-own)"), "/opt/vif-own");
}

#[test]
fn xend_waits_as_long_as_it_is_told() {
    let left = |text: &str| {
        let begin = Instant::now();
        deadline(&conf(text)).duration_since(begin).as_secs()
    };
    assert_eq!(left("(device-create-timeout 7)"), 7);
    assert_eq!(left(""), 100);
}
