//! Debian's own xl and libxlutil, unpacked and never installed: where they are, and how to ask them.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The unpacked packages, and a folder for what is compiled and written.
pub struct Debian {
    tree: PathBuf,
    scratch: PathBuf,
}

/// What xl said to a guest's file.
pub struct Said {
    /// The first of `nics` in what it printed; None if it gave up.
    pub nic: Option<serde_json::Value>,
    /// What it muttered.
    pub talk: String,
}

impl Debian {
    /// Finds the packages, or says where the tests are counted that they are missing; in CI that
    /// is a failure. `test` names a folder for this test alone.
    pub fn find(test: &str) -> Option<Self> {
        let tree = std::env::var_os("XENWIRE_DEBIAN_XL").map(PathBuf::from);
        let Some(tree) = tree.filter(|tree| xl(tree).is_some()) else {
            missing("no unpacked xl of Debian's in XENWIRE_DEBIAN_XL; `./ci.sh need` unpacks one");
            return None;
        };
        if Command::new("cc").arg("--version").output().is_err() {
            missing("no C compiler; Debian has one in gcc");
            return None;
        }
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        fs::create_dir_all(&scratch).unwrap();
        Some(Self { tree, scratch })
    }

    /// Debian's folders of libraries.
    fn libraries(&self) -> OsString {
        let folders = ["usr/lib", "lib"].map(|lib| {
            let lib = self.tree.join(lib);
            let triplet = |entry: fs::DirEntry| {
                let path = entry.path();
                path.to_string_lossy()
                    .ends_with("-linux-gnu")
                    .then_some(path)
            };
            fs::read_dir(&lib)
                .into_iter()
                .flatten()
                .find_map(|entry| triplet(entry.unwrap()))
                .unwrap_or(lib)
        });
        std::env::join_paths(folders).unwrap()
    }

    /// Compiles a C file that stands beside this one.
    fn compile(&self, source: &str, target: &str, words: &[OsString]) -> PathBuf {
        let target = self.scratch.join(target);
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/xl")
            .join(source);
        let mut cc = Command::new("cc");
        cc.args(["-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&target)
            .arg(source)
            .args(words);
        let output = cc.output().unwrap();
        let talk = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{cc:?}: {talk}");
        target
    }

    /// xl, ready to be asked about many files.
    pub fn xl(&self) -> Xl<'_> {
        let words = ["-shared", "-fPIC"].map(OsString::from);
        Xl {
            debian: self,
            gate: self.compile("gate.c", "gate.so", &words),
            libraries: self.libraries(),
        }
    }

    /// A file of this text in the test's own folder.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.scratch.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Asks libxlutil: one answer for each command (see libxlu.c).
    pub fn libxlu(&self, commands: &[String]) -> Vec<String> {
        let libraries = self.libraries();
        let mut words = vec![
            OsString::from("-I"),
            self.tree.join("usr/include").into(),
            OsString::from("-lxlutil"),
            OsString::from("-lxenlight"),
        ];
        for folder in std::env::split_paths(&libraries) {
            for option in ["-L", "-Wl,-rpath-link,"] {
                let mut word = OsString::from(option);
                word.push(&folder);
                words.push(word);
            }
        }
        let program = self.compile("libxlu.c", "libxlu", &words);
        let mut child = Command::new(program)
            .current_dir(&self.scratch)
            .env("LD_LIBRARY_PATH", &libraries)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let text = commands.iter().map(|command| format!("{command}\n"));
        let text: String = text.collect();
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(
            output.status.success(),
            "libxlu ended with {}",
            output.status
        );
        let answers = String::from_utf8(output.stdout).unwrap();
        let answers: Vec<String> = answers
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        assert_eq!(answers.len(), commands.len());
        answers
    }
}

/// Debian's xl and the library that lets it run without Xen.
pub struct Xl<'a> {
    debian: &'a Debian,
    gate: PathBuf,
    libraries: OsString,
}

impl Xl<'_> {
    /// What `xl -N create` makes of a guest with this one vif.
    pub fn create(&self, spec: &str) -> Said {
        let text = format!(
            "name = \"foo\"\ntype = \"pv\"\nkernel = \"/k\"\nmemory = 64\nvif = [ {} ]\n",
            quoted(spec)
        );
        let output = Command::new(xl(&self.debian.tree).unwrap())
            .args(["-N", "create"])
            .arg(self.debian.write("foo.cfg", &text))
            .env("LD_PRELOAD", &self.gate)
            .env("LD_LIBRARY_PATH", &self.libraries)
            .output()
            .unwrap();
        let talk = String::from_utf8_lossy(&output.stderr).into_owned();
        // 1 is xl's own way to give up; a signal would be the gate's fault.
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{spec:?}: {} {talk}",
            output.status
        );
        let nic = output.status.success().then(|| {
            let config: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            config["nics"][0].clone()
        });
        Said { nic, talk }
    }
}

/// A text as xl's grammar writes it. Of the escapes only those with a letter work in xl.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\t' => quoted += "\\t",
            '\n' => quoted += "\\n",
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// xl is in a folder of its version's: /usr/lib/xen-4.17/bin.
fn xl(tree: &Path) -> Option<PathBuf> {
    let folders = fs::read_dir(tree.join("usr/lib")).ok()?;
    folders
        .map(|entry| entry.unwrap().path().join("bin/xl"))
        .find(|xl| xl.is_file())
}

fn missing(reason: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{reason}");
    let thread = std::thread::current();
    let line = format!("{}: {reason}\n", thread.name().unwrap_or("a test"));
    if let Some(file) = std::env::var_os("XENWIRE_MISSING") {
        let open = fs::OpenOptions::new().append(true).create(true).open(file);
        open.unwrap().write_all(line.as_bytes()).unwrap();
    }
    println!("{}", line.trim_end());
}
