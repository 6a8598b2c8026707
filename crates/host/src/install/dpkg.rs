//! What dpkg knows, and what it is told. The files themselves are never dpkg's to rename here: an
//! exchange leaves no moment without a script, `dpkg-divert --rename` leaves one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use xenwire_core::install::Diversion;

use super::folder::Root;
use super::{Error, Failure};

/// dpkg's folder below the root.
const FOLDER: &str = "/var/lib/dpkg";

/// Where dpkg's programs are, whatever PATH says.
pub const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// dpkg's database, where there is one.
#[derive(Debug)]
pub struct Dpkg {
    folder: PathBuf,
}

impl Dpkg {
    /// The one below a root; `None` where no dpkg ever was.
    ///
    /// # Errors
    /// Who else can write there.
    pub fn of(root: &Root, prefix: Option<&Path>) -> Result<Option<Self>, Error> {
        let Some(folder) = root.find(FOLDER)? else {
            return Ok(None);
        };
        if folder.kind("status")?.is_none() {
            return Ok(None);
        }
        let prefix = prefix.unwrap_or(Path::new("/"));
        Ok(Some(Self {
            folder: prefix.join(FOLDER.trim_start_matches('/')),
        }))
    }

    /// The packages that bring these paths.
    ///
    /// # Errors
    /// That dpkg-query cannot be run.
    pub fn packages(&self, paths: &[String]) -> Result<BTreeMap<String, String>, Failure> {
        // Its status is 1 if it does not know one of them.
        let said = self.run("dpkg-query", &["--search"], paths)?;
        let text = String::from_utf8_lossy(&said.stdout);
        let lines = text.lines().filter_map(|line| line.split_once(": "));
        let known = lines.filter(|(_, path)| paths.iter().any(|wanted| wanted == path));
        Ok(known
            // Not "local diversion from: PATH", which is no package.
            .filter(|(package, _)| !package.contains(" diversion "))
            .map(|(package, path)| (path.to_owned(), package.to_owned()))
            .collect())
    }

    /// Who puts which path of these where. `aside` says where we want one.
    ///
    /// # Errors
    /// That dpkg-divert cannot be run or says no.
    pub fn diversions(
        &self,
        paths: &[String],
        aside: impl Fn(&str) -> String,
    ) -> Result<BTreeMap<String, Diversion>, Failure> {
        let said = self.run("dpkg-divert", &["--list"], paths)?;
        if !said.status.success() {
            return Err(failure("dpkg-divert", &["--list"], paths, &said));
        }
        let text = String::from_utf8_lossy(&said.stdout);
        let of = |path: &String| {
            let said = |begin: &str| {
                let begin = format!("{begin} {path} to ");
                text.lines().find_map(|line| line.strip_prefix(&begin))
            };
            if let Some(to) = said("local diversion of") {
                let foreign = || Diversion::Foreign {
                    by: "LOCAL".to_owned(),
                    to: to.to_owned(),
                };
                return match to == aside(path) {
                    true => Some(Diversion::Ours),
                    false => Some(foreign()),
                };
            }
            let (to, by) = said("diversion of")?.rsplit_once(" by ")?;
            Some(Diversion::Foreign {
                by: by.to_owned(),
                to: to.to_owned(),
            })
        };
        Ok(paths
            .iter()
            .filter_map(|path| Some((path.clone(), of(path)?)))
            .collect())
    }

    /// Lets dpkg put the file of this path at `aside` from now on. No file is renamed.
    ///
    /// # Errors
    /// That dpkg-divert cannot be run or says no.
    pub fn divert(&self, path: &str, aside: &str) -> Result<(), Failure> {
        let words = [
            "--quiet",
            "--local",
            "--no-rename",
            "--divert",
            aside,
            "--add",
        ];
        self.divert_with(&words, path)
    }

    /// Ends that. No file is renamed.
    ///
    /// # Errors
    /// That dpkg-divert cannot be run or says no.
    pub fn undivert(&self, path: &str, aside: &str) -> Result<(), Failure> {
        let words = [
            "--quiet",
            "--local",
            "--no-rename",
            "--divert",
            aside,
            "--remove",
        ];
        self.divert_with(&words, path)
    }

    fn divert_with(&self, words: &[&str], path: &str) -> Result<(), Failure> {
        let path = [path.to_owned()];
        let said = self.run("dpkg-divert", words, &path)?;
        match said.status.success() {
            true => Ok(()),
            false => Err(failure("dpkg-divert", words, &path, &said)),
        }
    }

    fn run(&self, program: &str, words: &[&str], paths: &[String]) -> Result<Output, Failure> {
        Command::new(program)
            .arg("--admindir")
            .arg(&self.folder)
            .args(words)
            .args(paths)
            .env_clear()
            .env("PATH", PATH)
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Failure::new(program, error))
    }
}

fn failure(program: &str, words: &[&str], paths: &[String], said: &Output) -> Failure {
    let complaint = String::from_utf8_lossy(&said.stderr);
    let lines: Vec<&str> = complaint.lines().collect();
    Failure::new(
        format!("{program} {} {}", words.join(" "), paths.join(" ")),
        lines.join("; "),
    )
}
