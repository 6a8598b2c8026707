//! SIGKILL for every process in turn, at random moments: nothing is left after a second, or the
//! next `lab ls` clears it. The lab here has guests, and scripts that take a while.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use crate::place::{Place, each_user, kill, wait_until};
use crate::scenario::{TRUE, office, script_before_ours};

/// How often each is killed: 10 times, and 100 times with the 640 cases of the long run.
fn moments() -> u32 {
    let cases = std::env::var("XENWIRE_CASES").unwrap_or_default();
    let cases: u32 = cases.parse().unwrap_or(64);
    (cases * 10).div_ceil(64)
}

/// Random moments; one that fails is named by its number only, because the machine is as random
/// as the dice.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        Self(u64::from(now.subsec_nanos()) | 1)
    }

    /// A time below `most`.
    fn up_to(&mut self, most: Duration) -> Duration {
        // xorshift64 (Marsaglia 2003).
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let part = u32::try_from(self.0 >> 40).unwrap();
        most.mul_f64(f64::from(part) / f64::from(1u32 << 24))
    }
}

/// The office with a script of several processes, which ends in ours.
fn slow_office(place: &Place) {
    office(place, "office", TRUE);
    let slow = "sleep 0.05\n(sleep 0.05; exec sleep 0.05)";
    script_before_ours(place, "office", slow);
}

fn start(place: &Place, args: &[&str]) -> Child {
    place
        .xenwire(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// How long it takes undisturbed.
fn time_of(place: &Place, args: &[&str]) -> Duration {
    let begun = Instant::now();
    place.expect(0, args);
    begun.elapsed()
}

/// The vifs of this machine: none of a lab may be among them.
fn vifs() -> Vec<String> {
    let links = fs::read_dir(Path::new("/sys/class/net")).unwrap();
    let names = links.map(|link| link.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("vif")).collect()
}

#[test]
fn any_process_of_lab_run() {
    let before = vifs();
    each_user(|place| {
        slow_office(place);
        let args = ["lab", "run", "office"];
        let most = time_of(place, &args);
        let mut dice = Dice::new();
        let mut hit = [0; 3];
        for moment in 0..moments() {
            let mut caller = start(place, &args);
            sleep(dice.up_to(most));
            let mut alive = place.alive();
            alive.sort();
            // In turn: the caller, the init, and then whatever else there is: scripts.
            let nth = usize::try_from(moment).unwrap();
            let found = alive.get(nth % alive.len().max(1));
            if let Some((victim, what)) = found {
                let kind = match what {
                    _ if *victim == caller.id() => 0,
                    what if what.contains("lab run") => 1,
                    _ => 2,
                };
                hit[kind] += 1;
                kill(*victim);
            }
            let status = caller.wait().unwrap();
            place.nothing_left(&format!(
                "lab run, moment {moment}, killed {found:?}, which ended with {status}"
            ));
        }
        println!("{place}: callers, inits, scripts killed: {hit:?}");
        assert!(moments() < 10 || (hit[0] > 0 && hit[1] > 0), "{hit:?}");
    });
    assert_eq!(vifs(), before);
}

#[test]
fn any_process_of_lab_up() {
    each_user(|place| {
        slow_office(place);
        let args = ["lab", "up", "office"];
        let most = time_of(place, &args);
        place.expect(0, &["lab", "down"]);
        place.nothing_left("lab down");
        let mut dice = Dice::new();
        let (mut whole, mut none) = (0, 0);
        for moment in 0..moments() {
            let mut caller = start(place, &args);
            sleep(dice.up_to(most));
            let mut alive = place.alive();
            alive.sort();
            let nth = usize::try_from(moment).unwrap();
            let found = alive.get(nth % alive.len().max(1));
            if let Some((victim, _)) = found {
                kill(*victim);
            }
            let status = caller.wait().unwrap();
            let after = format!("lab up, moment {moment}, killed {found:?}: {status}");
            if status.success() {
                // It was up, or a script was hit, which costs a guest and not the lab.
                whole += 1;
                if place.ready("office") {
                    kill(place.init("office"));
                }
            } else {
                none += 1;
                // A caller that was killed just when the lab got ready leaves it: whole, or none.
                let until = Instant::now() + Duration::from_secs(1);
                while !place.alive().is_empty() && Instant::now() < until {
                    if place.ready("office") {
                        let listed = place.expect(0, &["lab", "ls"]).out;
                        assert!(
                            listed.contains("foo") || place.alive().is_empty(),
                            "{after}: {listed}"
                        );
                        kill(place.init("office"));
                        break;
                    }
                    sleep(Duration::from_millis(5));
                }
            }
            place.nothing_left(&after);
        }
        println!("{place}: labs that came up {whole}, that did not {none}");
    });
}

#[test]
fn any_process_of_a_lab_exec() {
    each_user(|place| {
        office(place, "office", TRUE);
        place.expect(0, &["lab", "up", "office"]);
        let lab = place.alive().len();
        let mut dice = Dice::new();
        let mut deepest = 0;
        for moment in 0..moments() {
            let script = "sleep 1000 & (sleep 1000 &); sleep 1000";
            let mut client = start(place, &["lab", "exec", "foo", "--", "sh", "-c", script]);
            sleep(dice.up_to(Duration::from_millis(60)));
            let mut alive = place.alive();
            alive.retain(|(pid, _)| *pid != place.init("office"));
            alive.sort();
            let nth = usize::try_from(moment).unwrap();
            let depth = nth % alive.len().max(1);
            let found = alive.get(depth);
            // Nobody is seen while the client is just being executed; and neither a sleep nor the
            // shell in brackets is a process that the others hang on.
            let in_brackets = |what: &String| {
                let shells = alive[..depth].iter().any(|(_, before)| before == what);
                what.starts_with("sh ") && shells
            };
            if found.is_none_or(|(_, what)| what.starts_with("sleep") || in_brackets(what)) {
                kill(client.id());
            }
            if let Some((victim, _)) = found {
                kill(*victim);
                deepest = deepest.max(depth);
            }
            client.wait().unwrap();
            place.settled_to(lab, &format!("lab exec, moment {moment}, killed {found:?}"));
        }
        assert!(moments() < 10 || deepest > 1, "{deepest}");
        // The lab is as it was, and its claims hold.
        place.expect(0, &["lab", "claims"]);

        // And an exec ends with its lab, however that ends.
        let mut client = start(place, &["lab", "exec", "foo", "--", "sleep", "1000"]);
        wait_until("sleep runs", || place.alive().len() > lab + 2);
        kill(place.init("office"));
        assert_eq!(client.wait().unwrap().code(), Some(137));
        place.nothing_left("the init killed under a lab exec");
    });
}

#[test]
fn a_script_that_was_killed_costs_its_guest_and_not_the_lab() {
    let place = Place::new();
    office(&place, "office", TRUE);
    let hangs = "[ \"$1 $vif\" = 'online vif1.0' ] && exec sleep 1000";
    script_before_ours(&place, "office", hangs);
    let mut caller = start(&place, &["lab", "up", "office"]);
    let sleeper = || {
        let alive = place.alive();
        let found = alive.iter().find(|(_, what)| what.starts_with("sleep "));
        found.map(|(pid, _)| *pid)
    };
    wait_until("the script hangs", || sleeper().is_some());
    kill(sleeper().unwrap());
    // It is up, but for the guest.
    assert_eq!(caller.wait().unwrap().code(), Some(1));
    let listed = place.expect(0, &["lab", "ls"]);
    listed.line(&["foo", "not running"]);
    listed.line(&["bar", "domain 2"]);
    place.expect(0, &["lab", "down"]);
    place.nothing_left("lab down");
}
