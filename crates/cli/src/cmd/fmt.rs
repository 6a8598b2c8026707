//! `xenwire fmt`: the normal form of what was written.

use xenwire_core::config::settings::Text;
use xenwire_core::config::vif::{self, Dialect, Rules};
use xenwire_core::diag::{Diagnostics, Source};

use crate::args::{FmtArgs, SyntaxArg};
use crate::out;

/// Prints each specification in its normal form, which xl and xm read alike.
pub fn main(args: &FmtArgs) -> u8 {
    let rules = Rules {
        dialect: match args.syntax {
            Some(SyntaxArg::Xm) => Dialect::Xm,
            Some(SyntaxArg::Xl) | None => Dialect::Xl,
        },
        lenient: args.lenient,
    };
    let mut found = Diagnostics::new();
    let mut forms = Vec::new();
    for spec in &args.vif {
        let source = Source::new("--vif", spec);
        let text = Text::verbatim(&source, 0..spec.len());
        let read = vif::read(&text, rules, &mut found);
        forms.extend(read.map(|written| written.spec.to_string()));
    }
    out::diagnostics(&found);
    if found.has_errors() {
        return out::WRONG;
    }
    if args.json {
        let json = serde_json::json!({ "version": 1, "vifs": forms });
        out::print(&format!("{json:#}\n"));
    } else {
        out::print(
            &forms
                .iter()
                .map(|form| format!("{form}\n"))
                .collect::<String>(),
        );
    }
    out::DONE
}
