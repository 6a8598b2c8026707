//! From what is found to the names being links to the program.

use super::aside;
use super::{Diversion, Entry, Found, Kept, Manifest, Place, Plan, Refusal, Step, Written};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The folder of the scripts.
    pub scripts: &'a str,
    /// The names that the program can serve.
    pub names: &'a [&'a str],
    /// The SHA-256 of the program that runs.
    pub sha256: &'a str,
}

/// Plans an installation. The same inputs give the same plan; when all is so already, it has no
/// step.
///
/// # Errors
/// Every reason why nothing may be done.
pub fn install(wanted: &Wanted<'_>, found: &Found) -> Result<Plan, Vec<Refusal>> {
    let mut refusals = Vec::new();
    if let Some(manifest) = &found.manifest
        && manifest.scripts != wanted.scripts
    {
        return Err(vec![Refusal::Elsewhere {
            installed: manifest.scripts.clone(),
            wanted: wanted.scripts.to_owned(),
        }]);
    }
    let program = program(wanted, found).unwrap_or_else(|refusal| {
        refusals.push(refusal);
        None
    });
    let mut manifest = Manifest::new(wanted.scripts, program);
    if let Some(earlier) = &found.manifest {
        manifest.names.clone_from(&earlier.names);
    }
    let mut plan = Plan::default();
    let mut steps = Vec::new();
    for name in wanted.names {
        let place = found.names.get(*name).cloned().unwrap_or_default();
        let known = found
            .manifest
            .as_ref()
            .is_some_and(|m| m.has_original(name));
        match of_name(name, &place, known) {
            Ok(more) => steps.extend(more),
            Err(Not::Refused(refusal)) => refusals.push(refusal.at(wanted.scripts, name)),
            Err(Not::Left(why)) => plan.left.push(format!("{}/{why}", wanted.scripts)),
        }
        let kept = manifest.names.entry((*name).to_owned()).or_default();
        if !known && place.name.is_original() {
            *kept = Kept {
                original: Some(place.name),
            };
        }
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    if found.manifest.as_ref() != Some(&manifest) {
        plan.steps.push(Step::WriteManifest { manifest });
    }
    if !is_file(&found.program, wanted.sha256) {
        plan.steps.push(Step::WriteProgram {
            sha256: wanted.sha256.to_owned(),
        });
    }
    plan.steps.extend(steps);
    Ok(plan)
}

/// What the manifest is to say of the program.
fn program(wanted: &Wanted<'_>, found: &Found) -> Result<Option<Written>, Refusal> {
    let earlier = found.manifest.as_ref().and_then(|m| m.program.as_ref());
    let is_there = is_file(&found.program, wanted.sha256);
    if let Some(package) = &found.program_package {
        return match is_there {
            true => Ok(None),
            false => Err(Refusal::ProgramOfPackage {
                package: package.clone(),
            }),
        };
    }
    let replaces = match &found.program {
        Entry::Absent => None,
        Entry::File { sha256 } if is_there || earlier.is_some_and(|e| e.is(sha256)) => {
            Some(sha256.clone())
        }
        _ => return Err(Refusal::ProgramTaken),
    };
    match earlier {
        Some(written) if written.sha256 == wanted.sha256 => Ok(Some(written.clone())),
        _ => Ok(Some(Written {
            sha256: wanted.sha256.to_owned(),
            replaces,
        })),
    }
}

fn is_file(entry: &Entry, wanted: &str) -> bool {
    matches!(entry, Entry::File { sha256 } if sha256 == wanted)
}

/// Why a name is not taken over.
enum Not {
    /// It stands in the way of everything.
    Refused(Obstacle),
    /// It is left alone.
    Left(String),
}

enum Obstacle {
    AsideTaken,
    NotAScript(String),
    Diverted { by: String, to: String },
}

impl Obstacle {
    fn at(self, scripts: &str, name: &str) -> Refusal {
        let (scripts, name) = (scripts.to_owned(), name.to_owned());
        match self {
            Self::AsideTaken => Refusal::AsideTaken { scripts, name },
            Self::NotAScript(kind) => Refusal::NotAScript {
                scripts,
                name,
                kind,
            },
            Self::Diverted { by, to } => Refusal::Diverted {
                scripts,
                name,
                by,
                to,
            },
        }
    }
}

/// The steps of one name; `known`: an earlier run put its original aside.
fn of_name(name: &str, place: &Place, known: bool) -> Result<Vec<Step>, Not> {
    let named = || name.to_owned();
    let divert = match &place.diversion {
        Diversion::Foreign { by, to } => {
            return Err(Not::Refused(Obstacle::Diverted {
                by: by.clone(),
                to: to.clone(),
            }));
        }
        Diversion::None if place.package.is_some() => vec![Step::Divert { name: named() }],
        _ => Vec::new(),
    };
    let more = match (&place.name, &place.aside) {
        (Entry::Other { kind }, _) => {
            return Err(Not::Refused(Obstacle::NotAScript(kind.clone())));
        }
        // Cut off between two steps of its own, or only staged.
        (Entry::Ours, Entry::Ours) => vec![Step::UnlinkAside { name: named() }],
        (Entry::Ours, _) => vec![],
        (Entry::Absent, Entry::Ours) => vec![
            Step::UnlinkAside { name: named() },
            Step::Link { name: named() },
        ],
        (Entry::Absent, _) => vec![Step::Link { name: named() }],
        (_, Entry::Absent) => vec![
            Step::Stage { name: named() },
            Step::Exchange { name: named() },
        ],
        (_, Entry::Ours) => vec![Step::Exchange { name: named() }],
        _ if known => {
            return Err(Not::Left(format!(
                "{name} was put there since by somebody else, so it is not xenwire; the original is in {}. Move away the one that is not wanted, and run `xenwire install` again",
                aside(name)
            )));
        }
        _ => return Err(Not::Refused(Obstacle::AsideTaken)),
    };
    Ok(divert.into_iter().chain(more).collect())
}
