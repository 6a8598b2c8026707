//! From what is found back to the scripts as they were, or as their package has upgraded them since.

use super::{Diversion, Entry, Found, Kept, Manifest, PROGRAM, Place, Plan, Step, aside};

/// Plans the way back. Nothing of xenwire is there: no step.
pub fn uninstall(scripts: &str, found: &Found) -> Plan {
    let mut plan = Plan::default();
    let mut stays = Vec::new();
    for (name, place) in &found.names {
        let kept = found.manifest.as_ref().and_then(|m| m.names.get(name));
        let diverted_by_us = place.diversion == Diversion::Ours
            && (kept.is_some() || place.name == Entry::Ours || place.aside == Entry::Ours);
        match of_name(name, place, kept) {
            Ok((steps, note)) => {
                plan.steps.extend(steps);
                plan.notes.extend(note.map(|n| format!("{scripts}/{n}")));
                if diverted_by_us {
                    plan.steps.push(Step::Undivert { name: name.clone() });
                }
            }
            Err(why) => {
                stays.push(name.clone());
                let undivert = match place.diversion {
                    Diversion::Ours => {
                        format!("; then `dpkg-divert --remove --no-rename {scripts}/{name}`")
                    }
                    _ => String::new(),
                };
                plan.left.push(format!("{scripts}/{why}{undivert}"));
            }
        }
    }
    let Some(manifest) = &found.manifest else {
        return plan;
    };
    if stays.is_empty() {
        remove_program(manifest, found, &mut plan);
        plan.steps.push(Step::RemoveManifest);
    } else {
        // The program stays too: whoever replaced a name may call it.
        let mut rest = manifest.clone();
        rest.names.retain(|name, _| stays.contains(name));
        if rest != *manifest {
            plan.steps.push(Step::WriteManifest { manifest: rest });
        }
    }
    plan
}

fn remove_program(manifest: &Manifest, found: &Found, plan: &mut Plan) {
    match (&manifest.program, &found.program) {
        (None, _) | (_, Entry::Absent) => {}
        (Some(written), Entry::File { sha256 }) if written.is(sha256) => {
            plan.steps.push(Step::RemoveProgram);
        }
        _ => plan.notes.push(format!(
            "{PROGRAM} is not as xenwire wrote it, and stays; nothing refers to it any more"
        )),
    }
}

/// The steps of one name, and what is worth knowing about it; or why it is left alone.
fn of_name(
    name: &str,
    place: &Place,
    kept: Option<&Kept>,
) -> Result<(Vec<Step>, Option<String>), String> {
    let named = || name.to_owned();
    let original = kept.and_then(|kept| kept.original.as_ref());
    let upgraded = (original.is_some_and(|was| *was != place.aside)).then(|| match place.package {
        Some(ref package) => format!(
            "{name}: the one of {package} as it is now; it is not the one that was put aside"
        ),
        None => format!("{name}: it was changed since it was put aside"),
    });
    let steps = match (&place.name, &place.aside) {
        (Entry::Ours, aside) if aside.is_original() => {
            let steps = vec![
                Step::Exchange { name: named() },
                Step::UnlinkAside { name: named() },
            ];
            return Ok((steps, upgraded));
        }
        (Entry::Ours, aside_entry) => {
            let mut steps = vec![Step::Unlink { name: named() }];
            if *aside_entry == Entry::Ours {
                steps.push(Step::UnlinkAside { name: named() });
            }
            let gone = original
                .is_some()
                .then(|| format!("{name}: its original is gone from {}", aside(name)));
            return Ok((steps, gone));
        }
        (_, Entry::Ours) => vec![Step::UnlinkAside { name: named() }],
        (Entry::Absent, aside) if aside.is_original() && original.is_some() => {
            return Ok((vec![Step::Restore { name: named() }], upgraded));
        }
        (now, aside_entry) if aside_entry.is_original() && original.is_some() => {
            debug_assert!(*now != Entry::Ours);
            return Err(format!(
                "{name} was put there since by somebody else and stays; the original stays in {kept}. To have it back: `mv {kept} {name}`",
                kept = aside(name),
            ));
        }
        _ => vec![],
    };
    Ok((steps, None))
}
