//! Wall time and CPU time of a process with all that it started, and how they are summed up.

use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

/// What one run cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// From its start to its end, as who started it sees it.
    pub wall: Duration,
    /// User and system time, with that of the processes it waited for.
    pub cpu: Duration,
}

/// User and system time of all children that have ended.
pub fn children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let time = |value: nix::sys::time::TimeVal| {
        Duration::new(
            u64::try_from(value.tv_sec()).unwrap(),
            u32::try_from(value.tv_usec()).unwrap() * 1000,
        )
    };
    time(usage.user_time()) + time(usage.system_time())
}

/// Runs a command to its end, which must be a success.
pub fn run(command: &mut Command) -> Cost {
    let (cpu, began) = (children(), Instant::now());
    let status = command.status().unwrap();
    let wall = began.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    Cost {
        wall,
        cpu: children() - cpu,
    }
}

/// Least and median of some costs.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// Of the wall times.
    pub least: Duration,
    /// Of the wall times.
    pub median: Duration,
    /// The median of CPU times.
    pub cpu: Duration,
}

impl Summary {
    /// Of at least one.
    pub fn of(costs: &[Cost]) -> Self {
        let sorted = |part: fn(&Cost) -> Duration| {
            let mut all: Vec<Duration> = costs.iter().map(part).collect();
            all.sort();
            all
        };
        let (wall, cpu) = (sorted(|cost| cost.wall), sorted(|cost| cost.cpu));
        Self {
            least: wall[0],
            median: wall[wall.len() / 2],
            cpu: cpu[cpu.len() / 2],
        }
    }
}
