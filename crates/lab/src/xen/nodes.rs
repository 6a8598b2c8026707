//! The nodes of a vif and of a domain, as libxl writes them (contract 3.2, 5.5): pure.

use xenwire_core::config::vif::{VifSpec, VifType};
use xenwire_core::config::xl_conf::XlConf;
use xenwire_core::name::{DomId, Mac, VifId};
use xenwire_xenstore::{Access, Perms};

/// The state of one half of a paravirtual device (xen/include/public/io/xenbus.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the contract's own words, section 4.3")]
pub enum XenbusState {
    Unknown = 0,
    Initialising = 1,
    InitWait = 2,
    Initialised = 3,
    Connected = 4,
    Closing = 5,
    Closed = 6,
    Reconfiguring = 7,
    Reconfigured = 8,
}

/// One folder of nodes, with the permissions of the folder and of each node in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    pub path: String,
    pub perms: Perms,
    /// In the order in which libxl writes them.
    pub nodes: Vec<(String, String)>,
    /// Nodes whose permissions differ from the folder's.
    pub other_perms: Vec<(&'static str, Perms)>,
}

/// Where the nodes of a vif are, for a backend in this domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VifPaths {
    /// The backend's folder.
    pub backend: String,
    /// The frontend's.
    pub frontend: String,
    /// The toolstack's own.
    pub own: String,
}

/// The paths of a vif's nodes under libxl.
pub fn vif_paths(vif: VifId, backend: DomId) -> VifPaths {
    let VifId { domid, devid } = vif;
    VifPaths {
        backend: format!("/local/domain/{backend}/backend/vif/{domid}/{devid}"),
        frontend: format!("/local/domain/{domid}/device/vif/{devid}"),
        own: format!("/libxl/{domid}/device/vif/{devid}"),
    }
}

impl XenbusState {
    /// The state of a node's value; what is no state is `Unknown`, as xenbus takes it.
    pub fn of(value: Option<&[u8]>) -> Self {
        match value {
            Some(b"1") => Self::Initialising,
            Some(b"2") => Self::InitWait,
            Some(b"3") => Self::Initialised,
            Some(b"4") => Self::Connected,
            Some(b"5") => Self::Closing,
            Some(b"6") => Self::Closed,
            Some(b"7") => Self::Reconfiguring,
            Some(b"8") => Self::Reconfigured,
            _ => Self::Unknown,
        }
    }

    /// The node's value.
    pub fn value(self) -> String {
        (self as u8).to_string()
    }
}

/// Owned by one domain, readable by another.
pub(super) fn owned(owner: DomId, reader: DomId) -> Perms {
    Perms::owned_by(owner.0, Access::None).with(Access::Read, reader.0)
}

/// The absolute path of a vif's script: relative names are in the scripts' folder (3.6.1).
pub fn script_path(spec: &VifSpec, conf: &XlConf) -> String {
    let name = spec.script.as_deref().unwrap_or(&conf.script);
    if name.starts_with('/') {
        name.to_owned()
    } else {
        format!("/etc/xen/scripts/{name}")
    }
}

/// The three folders of a vif, in the order in which libxl makes them. `mac` is the one written
/// in the file, or drawn.
pub fn vif_folders(
    vif: VifId,
    backend: DomId,
    spec: &VifSpec,
    mac: Mac,
    conf: &XlConf,
) -> [Folder; 3] {
    let paths = vif_paths(vif, backend);
    let given = |value: &Option<String>| value.clone();
    let gatewaydev = spec
        .gatewaydev
        .as_ref()
        .or(conf.gatewaydev.as_ref())
        .map(ToString::to_string);
    let kind = if spec.kind == Some(VifType::Ioemu) {
        "vif_ioemu"
    } else {
        "vif"
    };
    // 1500 is what libxl takes an unset MTU for, and does not write.
    let mtu = spec.mtu.unwrap_or(1500);
    let backend_nodes = [
        ("frontend", Some(paths.frontend.clone())),
        ("frontend-id", Some(vif.domid.to_string())),
        ("online", Some("1".into())),
        ("state", Some(XenbusState::Initialising.value())),
        ("script", Some(script_path(spec, conf))),
        ("vifname", spec.vifname.as_ref().map(ToString::to_string)),
        ("mac", Some(mac.to_string())),
        ("ip", (!spec.ip.is_empty()).then(|| spec.ip.join(" "))),
        ("gatewaydev", gatewaydev),
        ("rate", spec.rate.map(|rate| rate.to_string())),
        ("mtu", (mtu != 1500).then(|| mtu.to_string())),
        ("vlan", spec.vlan.as_ref().map(ToString::to_string)),
        (
            "bridge",
            Some(given(&spec.bridge).unwrap_or_else(|| conf.bridge.clone())),
        ),
        ("handle", Some(vif.devid.to_string())),
        ("type", Some(kind.into())),
        ("hotplug-status", Some(String::new())),
    ];
    let mut backend_nodes: Vec<(String, String)> = backend_nodes
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    // COLO's keys stand between the name and the MAC, as they were written.
    let behind_name = backend_nodes.iter().position(|(name, _)| name == "mac");
    let behind_name = behind_name.unwrap_or(backend_nodes.len());
    backend_nodes.splice(behind_name..behind_name, spec.colo.iter().cloned());
    let frontend_nodes = vec![
        ("backend", paths.backend.clone()),
        ("backend-id", backend.to_string()),
        ("state", XenbusState::Initialising.value()),
        ("handle", vif.devid.to_string()),
        ("mac", mac.to_string()),
        (
            "trusted",
            if spec.trusted.unwrap_or(true) {
                "1".into()
            } else {
                "0".into()
            },
        ),
        ("mtu", mtu.to_string()),
    ];
    let mut libxl_nodes = named(vec![
        ("frontend", paths.frontend.clone()),
        ("backend", paths.backend.clone()),
    ]);
    libxl_nodes.extend(
        backend_nodes
            .iter()
            .filter(|(name, _)| name != "frontend")
            .cloned(),
    );
    [
        Folder {
            path: paths.own,
            perms: Perms::owned_by(0, Access::None),
            nodes: libxl_nodes,
            other_perms: vec![],
        },
        Folder {
            path: paths.frontend,
            perms: owned(vif.domid, backend),
            nodes: named(frontend_nodes),
            // The backend's: a driver domain's script writes the MTU that it set.
            other_perms: vec![("mtu", owned(backend, vif.domid))],
        },
        Folder {
            path: paths.backend,
            perms: owned(backend, vif.domid),
            nodes: backend_nodes,
            other_perms: vec![],
        },
    ]
}

pub(super) fn named(nodes: Vec<(&str, String)>) -> Vec<(String, String)> {
    let owned = |(name, value): (&str, String)| (name.to_owned(), value);
    nodes.into_iter().map(owned).collect()
}

/// dom0's own folder, which the store's start-up writes.
pub fn dom0_folder() -> Folder {
    Folder {
        path: "/local/domain/0".into(),
        perms: Perms::owned_by(0, Access::None),
        nodes: vec![
            ("name".into(), "Domain-0".into()),
            ("domid".into(), "0".into()),
        ],
        other_perms: vec![],
    }
}

/// The folders of a domain itself. libxl has one more: [`libxl_folder`].
pub fn domain_folders(domid: DomId, name: &str, uuid: &str) -> Vec<Folder> {
    let readable = owned(DomId::DOM0, domid);
    let own = Perms::owned_by(domid.0, Access::None);
    let home = format!("/local/domain/{domid}");
    let vm = format!("/vm/{uuid}");
    let folder = |path: String, perms: &Perms, nodes| Folder {
        path,
        perms: perms.clone(),
        nodes: named(nodes),
        other_perms: vec![],
    };
    vec![
        folder(
            vm.clone(),
            &readable,
            vec![("name", name.into()), ("uuid", uuid.into())],
        ),
        folder(
            home.clone(),
            &readable,
            vec![
                ("vm", vm),
                ("name", name.into()),
                ("domid", domid.to_string()),
            ],
        ),
        folder(format!("{home}/device"), &readable, vec![]),
        folder(format!("{home}/device/vif"), &readable, vec![]),
        folder(format!("{home}/control"), &readable, vec![]),
        folder(format!("{home}/data"), &own, vec![]),
    ]
}

/// Where libxl keeps what is its own about a domain.
pub fn libxl_folder(domid: DomId) -> Folder {
    Folder {
        path: format!("/libxl/{domid}"),
        perms: Perms::owned_by(0, Access::None),
        nodes: vec![],
        other_perms: vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xenwire_core::name::DevId;

    fn folders(spec: VifSpec) -> [Folder; 3] {
        let vif = VifId {
            domid: DomId(3),
            devid: DevId(1),
        };
        vif_folders(
            vif,
            DomId::DOM0,
            &spec,
            Mac([0, 0x16, 0x3e, 0, 0, 2]),
            &XlConf::default(),
        )
    }

    #[test]
    fn the_least_vif() {
        let [libxl, frontend, backend] = folders(VifSpec::default());
        let names = |folder: &Folder| {
            folder
                .nodes
                .iter()
                .map(|(n, v)| format!("{n}={v}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(backend.path, "/local/domain/0/backend/vif/3/1");
        assert_eq!(
            names(&backend),
            [
                "frontend=/local/domain/3/device/vif/1",
                "frontend-id=3",
                "online=1",
                "state=1",
                "script=/etc/xen/scripts/vif-bridge",
                "mac=00:16:3e:00:00:02",
                "bridge=xenbr0",
                "handle=1",
                "type=vif",
                "hotplug-status=",
            ]
        );
        assert_eq!(
            names(&frontend),
            [
                "backend=/local/domain/0/backend/vif/3/1",
                "backend-id=0",
                "state=1",
                "handle=1",
                "mac=00:16:3e:00:00:02",
                "trusted=1",
                "mtu=1500",
            ]
        );
        assert_eq!(libxl.nodes.len(), backend.nodes.len() + 1);
        assert_eq!(backend.perms, owned(DomId(0), DomId(3)));
        assert_eq!(frontend.perms, owned(DomId(3), DomId(0)));
        assert_eq!(frontend.other_perms, [("mtu", owned(DomId(0), DomId(3)))]);
    }

    #[test]
    fn everything_configured_in_the_contracts_order() {
        let spec = VifSpec {
            vifname: Some("web".parse().unwrap()),
            ip: vec!["192.0.2.5".into(), "2001:db8::5".into()],
            gatewaydev: Some("eth1".parse().unwrap()),
            rate: Some("10Mb/s".parse().unwrap()),
            mtu: Some(9000),
            vlan: Some("10p/20".parse().unwrap()),
            bridge: Some("br0".into()),
            script: Some("vif-custom".into()),
            trusted: Some(false),
            kind: Some(VifType::Ioemu),
            colo: vec![("forwarddev".into(), "eth2".into())],
            ..VifSpec::default()
        };
        let [libxl, frontend, backend] = folders(spec);
        let order: Vec<&str> = backend
            .nodes
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(
            order,
            [
                "frontend",
                "frontend-id",
                "online",
                "state",
                "script",
                "vifname",
                "forwarddev",
                "mac",
                "ip",
                "gatewaydev",
                "rate",
                "mtu",
                "vlan",
                "bridge",
                "handle",
                "type",
                "hotplug-status"
            ]
        );
        let copy: Vec<&str> = libxl.nodes.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(copy[..2], ["frontend", "backend"]);
        assert_eq!(copy[2..], order[1..]);
        let value = |name: &str| {
            backend
                .nodes
                .iter()
                .find(|(n, _)| n == name)
                .unwrap()
                .1
                .clone()
        };
        assert_eq!(value("script"), "/etc/xen/scripts/vif-custom");
        assert_eq!(value("ip"), "192.0.2.5 2001:db8::5");
        assert_eq!(value("type"), "vif_ioemu");
        assert_eq!(value("forwarddev"), "eth2");
        for (name, value) in [("trusted", "0"), ("mtu", "9000")] {
            assert!(frontend.nodes.contains(&(name.into(), value.into())));
        }
    }

    #[test]
    fn the_hosts_configuration_is_for_what_a_vif_does_not_say() {
        let conf = XlConf {
            script: "vif-route".into(),
            bridge: "br7".into(),
            gatewaydev: Some("eth7".parse().unwrap()),
            ..XlConf::default()
        };
        let vif = VifId {
            domid: DomId(3),
            devid: DevId(1),
        };
        let values = |spec: &VifSpec| {
            let [_, _, backend] = vif_folders(vif, DomId::DOM0, spec, Mac::QUIET, &conf);
            ["script", "bridge", "gatewaydev"].map(|name| {
                let node = backend.nodes.iter().find(|(n, _)| n == name);
                node.unwrap().1.clone()
            })
        };
        assert_eq!(
            values(&VifSpec::default()),
            ["/etc/xen/scripts/vif-route", "br7", "eth7"]
        );
        let spec = VifSpec {
            script: Some("/opt/vif-own".into()),
            bridge: Some("br0".into()),
            gatewaydev: Some("eth0".parse().unwrap()),
            ..VifSpec::default()
        };
        assert_eq!(values(&spec), ["/opt/vif-own", "br0", "eth0"]);
    }

    #[test]
    fn states_are_read_as_xenbus_reads_them() {
        for number in 1..=8 {
            assert_eq!(
                XenbusState::of(Some(number.to_string().as_bytes())).value(),
                number.to_string()
            );
        }
        for odd in [None, Some(&b""[..]), Some(b"9"), Some(b"2\n")] {
            assert_eq!(XenbusState::of(odd), XenbusState::Unknown);
        }
    }
}
