//! What only xm knew beside the list of vifs (contract 6.3): `nics`, and `vif2`.

use std::collections::BTreeMap;

use super::DomU;
use crate::config::settings::{Settings, Value};
use crate::config::vif::{VifSpec, Written};
use crate::diag::{Diagnostic, Diagnostics, code};

/// More vifs than any guest can have.
const MOST: u64 = 100;

/// Adds what `nics` adds, and says what is passed over.
pub(super) fn apply(domu: &mut DomU, settings: &Settings, out: &mut Diagnostics) {
    if let Some(setting) = settings.get("vif2") {
        let empty = matches!(&setting.value, Value::List(list) if list.value.is_empty());
        if !empty {
            let message = "`vif2` is passed over: no Xen has vifs of that protocol any more";
            let found = Diagnostic::warning(code::xm::VIF2, &setting.key.span, message);
            out.add(found.hint("describe them in `vif`"));
        }
    }
    let Some(setting) = settings.get("nics") else {
        return;
    };
    let span = setting.value.span();
    let count = match &setting.value {
        Value::Number(count, _) if *count <= MOST => usize::try_from(*count).unwrap_or(0),
        other => {
            let found = match other {
                Value::Number(count, _) => count.to_string(),
                other => other.kind().to_owned(),
            };
            let message = format!("`nics` should be a number up to {MOST}, but is {found}");
            let hint = "write the vifs out in `vif`, and remove `nics`";
            out.add(Diagnostic::error(code::xm::NICS, span, message).hint(hint));
            return;
        }
    };
    // xm's own default is -1, and 0 was what people wrote for it.
    let more = count.saturating_sub(domu.vifs.len());
    if more > 0 {
        let message = format!("`nics` adds {more} of {count} vifs, with nothing but defaults");
        let hint = "write an empty text for each in `vif`, and remove `nics`";
        out.add(Diagnostic::warning(code::xm::NICS, &setting.key.span, message).hint(hint));
    }
    domu.vifs.resize(
        domu.vifs.len() + more,
        Written {
            spec: VifSpec::default(),
            span: span.clone(),
            places: BTreeMap::new(),
            passed_on: BTreeMap::new(),
        },
    );
}
