//! What a person may have meant by a word that is not known.

/// The known word that is at most two typing errors away from `word`, the nearest first and of
/// equally near ones the first known. Typing errors are a letter too many, one too few, a wrong
/// one, or two neighbours swapped. A word of one or two letters has no near ones, since every
/// other short word would be.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// More errors than this and the guess is a lottery.
    const FURTHEST: usize = 2;
    /// Nobody mistypes a word this long; comparing would only cost time on hostile input.
    const LONGEST: usize = 64;
    let letters = word.chars().count();
    if !(3..=LONGEST).contains(&letters) {
        return None;
    }
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(errors, _)| *errors <= FURTHEST && *errors < letters - 1)
        .min_by_key(|(errors, _)| *errors)
        .map(|(_, candidate)| candidate)
}

/// The optimal string alignment distance: Levenshtein's, and swapped neighbours count once.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let wrong = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + wrong);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = last;
        last = row;
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_typing_errors() {
        for (a, b, errors) in [
            ("", "abc", 3),
            ("bridge", "bridge", 0),
            ("brigde", "bridge", 1),
            ("bridg", "bridge", 1),
            ("brxxge", "bridge", 2),
        ] {
            assert_eq!(
                (distance(a, b), distance(b, a)),
                (errors, errors),
                "{a} {b}"
            );
        }
    }

    #[test]
    fn suggests_only_what_is_near() {
        let known = ["bridge", "backend", "mac", "mtu"];
        assert_eq!(nearest("brige", known), Some("bridge"));
        assert_eq!(nearest("mca", known), Some("mac"));
        assert_eq!(nearest("xyz", known), None);
        assert_eq!(nearest("ma", known), None);
    }
}
