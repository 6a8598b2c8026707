//! Routes of a machine: each has a family, and a way to go.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::Route;
use super::raw::RawRoute;
use super::read::Reader;
use crate::diag::{Diagnostic, Span, Spanned, code, nearest};
use crate::name::IfName;

impl Reader<'_> {
    /// Routes; `links` are the names `nic` may have, if they are known yet, `networks` those that
    /// the machine is in.
    pub(super) fn routes(
        &mut self,
        raw: Vec<toml::Spanned<RawRoute>>,
        links: Option<&[&IfName]>,
        networks: &[IpNet],
    ) -> Vec<Route> {
        raw.into_iter()
            .filter_map(|route| {
                let span = self.span(route.span());
                let route = self.route(route.into_inner(), span, links)?;
                self.on_a_link(&route, networks);
                Some(route)
            })
            .collect()
    }

    /// The kernel would take no route to a router that is on none of the machine's links.
    fn on_a_link(&mut self, route: &Route, networks: &[IpNet]) {
        let same_family = |ip: &IpAddr| ip.is_ipv4() == route.to.addr().is_ipv4();
        let Some(via) = route
            .via
            .filter(same_family)
            .filter(|_| route.nic.is_none())
        else {
            return;
        };
        if networks.iter().any(|network| network.contains(&via)) {
            return;
        }
        let same_family = networks
            .iter()
            .filter(|network| network.addr().is_ipv4() == via.is_ipv4())
            .map(|network| network.trunc().to_string());
        let known: Vec<String> = same_family.collect();
        let message = format!("no NIC of this machine is in a network that holds {via}");
        let hint = match known.as_slice() {
            [] => "the machine has no address of that family".to_owned(),
            known => format!("its networks are {}", known.join(", ")),
        };
        self.out
            .add(Diagnostic::error(code::lab::ROUTE, &route.span, message).hint(hint));
    }

    fn route(&mut self, raw: RawRoute, span: Span, links: Option<&[&IfName]>) -> Option<Route> {
        let via: Option<Option<Spanned<IpAddr>>> = raw
            .via
            .as_ref()
            .map(|via| self.parsed(via, "a router's address"));
        let nic: Option<Option<Spanned<IfName>>> =
            raw.nic.as_ref().map(|nic| self.parsed(nic, "a NIC"));
        let to = match (raw.to.get_ref().as_str(), &via) {
            ("default", Some(via)) => match via.as_ref()?.value {
                IpAddr::V4(_) => IpNet::V4(Ipv4Net::default()),
                IpAddr::V6(_) => IpNet::V6(Ipv6Net::default()),
            },
            ("default", None) => {
                let found = Diagnostic::error(
                    code::lab::ROUTE,
                    &span,
                    "a default route without `via` has no family",
                );
                self.out
                    .add(found.hint("add `via`, or write 0.0.0.0/0 or ::/0 and `nic`"));
                return None;
            }
            _ => self
                .parsed::<IpNet>(&raw.to, "a route's destination")?
                .value
                .trunc(),
        };
        // What was given and is wrong has been reported; nothing more can be said then.
        let via = match via {
            Some(via) => Some(via?),
            None => None,
        };
        let nic = match nic {
            Some(nic) => Some(nic?),
            None => None,
        };
        if via.is_none() && nic.is_none() {
            let found = Diagnostic::error(code::lab::ROUTE, &span, "a route needs `via` or `nic`");
            self.out.add(found);
            return None;
        }
        if let Some(via) = via
            .as_ref()
            .filter(|via| via.value.is_ipv4() != to.addr().is_ipv4())
        {
            let message = format!("{} is not of the family of {to}", via.value);
            self.out
                .add(Diagnostic::error(code::lab::ROUTE, &via.span, message));
        }
        if let (Some(nic), Some(links)) = (&nic, links)
            && !links.contains(&&nic.value)
        {
            let hint = nearest(nic.value.as_str(), links.iter().map(|link| link.as_str()));
            let message = format!("this machine has no NIC `{}`", nic.value);
            let found = Diagnostic::error(code::lab::UNKNOWN_NIC, &nic.span, message);
            self.out
                .add(found.maybe_hint(hint.map(|near| format!("did you mean `{near}`?"))));
        }
        Some(Route {
            to,
            via: via.map(|via| via.value),
            nic,
            span,
        })
    }
}
