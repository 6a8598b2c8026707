//! Figures of many rounds, as a table that goes into `docs/benchmarks.md` as it is.

use std::fmt;

/// Probes of either family, streams of either family, the command itself.
const COLUMNS: usize = 5;
const HEAD: &str = "| who | what | probes, IPv4 | probes, IPv6 | TCP, IPv4 | TCP, IPv6 | the command |\n\
                    | --- | --- | --: | --: | --: | --: | --: |\n";
/// Whom the others are compared with: what the name network-bridge means, and the fair comparison.
const OURS: &str = "xenwire xen3.0";

#[derive(Default)]
pub struct Table(Vec<Row>);

struct Row {
    who: String,
    what: String,
    /// Microseconds, a list for each column.
    figures: [Vec<u128>; COLUMNS],
}

impl Row {
    /// In milliseconds.
    #[allow(clippy::cast_precision_loss, reason = "milliseconds")]
    fn median_and_worst(&self, column: usize) -> (f64, f64) {
        let mut sorted = self.figures[column].clone();
        sorted.sort_unstable();
        let ms = |at: usize| sorted[at] as f64 / 1000.0;
        (ms(sorted.len() / 2), ms(sorted.len() - 1))
    }
}

impl Table {
    /// A line as the role `dom0` prints it.
    pub fn add(&mut self, line: &str) {
        let mut words = line.split('\t');
        let [who, what] = std::array::from_fn(|_| words.next().unwrap());
        let known = self.0.iter().position(|r| r.who == who && r.what == what);
        let at = known.unwrap_or_else(|| {
            self.0.push(Row {
                who: who.to_owned(),
                what: what.to_owned(),
                figures: Default::default(),
            });
            self.0.len() - 1
        });
        for (column, word) in self.0[at].figures.iter_mut().zip(words) {
            column.push(word.parse().unwrap());
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Longest silence in ms, median / worst of the rounds:\n\n{}",
            HEAD.trim_end()
        )?;
        for row in &self.0 {
            write!(f, "| {} | {} |", row.who, row.what)?;
            for column in 0..COLUMNS {
                let (median, worst) = row.median_and_worst(column);
                write!(f, " {median:.1} / {worst:.1} |")?;
            }
            writeln!(f)?;
        }
        writeln!(f, "\nTimes {OURS}, by the medians:\n\n{}", HEAD.trim_end())?;
        for row in self.0.iter().filter(|row| row.who != OURS) {
            let Some(ours) = self.0.iter().find(|r| r.who == OURS && r.what == row.what) else {
                continue;
            };
            write!(f, "| {} | {} |", row.who, row.what)?;
            for column in 0..COLUMNS {
                let ratio = row.median_and_worst(column).0 / ours.median_and_worst(column).0;
                write!(f, " {ratio:.1} |")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
