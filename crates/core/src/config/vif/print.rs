//! A specification as text: its normal form, which reads back as the same specification.

use std::fmt;

use super::{VifSpec, VifType};

impl fmt::Display for VifType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Vif => "vif",
            Self::Ioemu => "ioemu",
        })
    }
}

impl fmt::Display for VifSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn text(value: &Option<impl ToString>) -> Option<String> {
            value.as_ref().map(ToString::to_string)
        }
        let valued = [
            ("mac", text(&self.mac)),
            ("bridge", text(&self.bridge)),
            ("gatewaydev", text(&self.gatewaydev)),
            ("type", text(&self.kind)),
            ("model", text(&self.model)),
            ("vifname", text(&self.vifname)),
            ("script", text(&self.script)),
            ("ip", (!self.ip.is_empty()).then(|| self.ip.join(" "))),
            ("backend", text(&self.backend)),
            ("rate", self.rate.map(super::Rate::to_spec)),
            ("devid", text(&self.devid)),
            ("mtu", text(&self.mtu)),
            ("vlan", text(&self.vlan)),
        ];
        let mut parts: Vec<String> = valued
            .into_iter()
            .filter_map(|(key, value)| Some(format!("{key}={}", value?)))
            .collect();
        parts.extend(
            self.trusted
                .map(|yes| if yes { "trusted" } else { "untrusted" }.to_owned()),
        );
        parts.extend(
            self.colo
                .iter()
                .map(|(key, value)| format!("{key}={value}")),
        );
        f.write_str(&parts.join(","))
    }
}
