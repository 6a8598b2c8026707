//! The one-way pipe on which a child tells its parent how its start goes.
//!
//! A word is 10 bytes of head (kind, stage, errno, length; little endian) and its text. It is
//! never longer than PIPE_BUF, so that words of several threads do not mix (pipe(7)), and the pipe
//! closes with the last process that could say anything: its end is an answer too.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};

use super::error::{Failure, Stage};

/// Room for text within the 4096 bytes that Linux writes at once.
const TEXT: usize = 4096 - HEAD;
const HEAD: usize = 10;

/// What a child says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Where it is; a line for the user.
    Progress(String),
    /// It is up. The last word.
    Ready(Came),
    /// A step of the set-up failed.
    Failed(Failure),
    /// The lab cannot start, in its own words.
    Said(String),
}

/// How much of a lab that is up came as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// All of it.
    Whole,
    /// Not all: what is missing was said before.
    InPart,
}

impl Word {
    fn encode(&self) -> Vec<u8> {
        let (kind, stage, errno, text) = match self {
            Self::Progress(text) => (b'p', 0, 0, text.as_str()),
            Self::Ready(Came::Whole) => (b'r', 0, 0, ""),
            Self::Ready(Came::InPart) => (b'r', 1, 0, ""),
            Self::Failed(failure) => {
                let stage = match failure.stage {
                    Stage::Unshare => 0,
                    Stage::Map => 1,
                    Stage::Inside => 2,
                };
                (b'f', stage, failure.errno, failure.what.as_str())
            }
            Self::Said(text) => (b's', 0, 0, text.as_str()),
        };
        let text = &text.as_bytes()[..text.floor_char_boundary_within(TEXT)];
        let length = u32::try_from(text.len()).expect("shorter than PIPE_BUF");
        let mut bytes = vec![kind, stage];
        bytes.extend(errno.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(text);
        bytes
    }

    /// Reads the next word; none at the end of the pipe or at what is not a word.
    pub(super) fn read(from: &mut impl Read) -> Option<Self> {
        let mut head = [0; HEAD];
        from.read_exact(&mut head).ok()?;
        let errno = i32::from_le_bytes([head[2], head[3], head[4], head[5]]);
        let length = u32::from_le_bytes([head[6], head[7], head[8], head[9]]);
        let mut text = vec![0; usize::try_from(length).ok().filter(|&l| l <= TEXT)?];
        from.read_exact(&mut text).ok()?;
        let text = String::from_utf8_lossy(&text).into_owned();
        match head[0] {
            b'p' => Some(Self::Progress(text)),
            b'r' => Some(Self::Ready(match head[1] {
                0 => Came::Whole,
                _ => Came::InPart,
            })),
            b's' => Some(Self::Said(text)),
            b'f' => Some(Self::Failed(Failure {
                stage: match head[1] {
                    0 => Stage::Unshare,
                    1 => Stage::Map,
                    _ => Stage::Inside,
                },
                what: text,
                errno,
            })),
            _ => None,
        }
    }
}

/// `str::floor_char_boundary`, which is younger than the Rust we promise to build with.
trait Cut {
    fn floor_char_boundary_within(&self, most: usize) -> usize;
}

impl Cut for str {
    fn floor_char_boundary_within(&self, most: usize) -> usize {
        (0..=most.min(self.len()))
            .rev()
            .find(|&at| self.is_char_boundary(at))
            .unwrap_or(0)
    }
}

/// The child's end. It closes with the last word.
pub(super) struct Reporter(Mutex<Option<File>>);

impl Reporter {
    /// A new pipe: the end to read from, and the reporter for the child.
    pub(super) fn pipe() -> io::Result<(File, Self)> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        Ok((File::from(read), Self(Mutex::new(Some(File::from(write))))))
    }

    fn with<R>(&self, f: impl FnOnce(&mut Option<File>) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Says a word. After the last one there is nobody to hear it, and nothing happens.
    pub(super) fn say(&self, word: &Word) -> io::Result<()> {
        self.with(|pipe| {
            pipe.as_mut()
                .map_or(Ok(()), |pipe| pipe.write_all(&word.encode()))
        })
    }

    /// Says the last word, after `mark` has made it true.
    ///
    /// Whether anybody is left to hear it is decided before, once: [`Reporter::unheard`] does not
    /// come in between, so that a lab that is marked as up stays up.
    pub(super) fn conclude(
        &self,
        came: Came,
        mark: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        self.with(|pipe| {
            if pipe.as_ref().is_some_and(gone) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            mark()?;
            if let Some(mut pipe) = pipe.take() {
                let _ = pipe.write_all(&Word::Ready(came).encode());
            }
            Ok(())
        })
    }

    /// Whether the last word has been said.
    pub(super) fn silent(&self) -> bool {
        self.with(|pipe| pipe.is_none())
    }

    /// Whether the last word is still to come and the parent has gone without waiting for it.
    pub(super) fn unheard(&self) -> bool {
        self.with(|pipe| pipe.as_ref().is_some_and(gone))
    }
}

/// Whether nobody has the reading end of a pipe any more (poll(2), POLLERR).
fn gone(pipe: &File) -> bool {
    let mut fds = [PollFd::new(pipe, PollFlags::empty())];
    matches!(poll(&mut fds, Some(&Timespec::default())), Ok(1..))
}

/// A pipe that carries nothing: its reader learns from its end that the writer has died.
pub(super) fn lifeline() -> io::Result<(OwnedFd, OwnedFd)> {
    pipe_with(PipeFlags::CLOEXEC).map_err(io::Error::from)
}

/// Whether the writer of a lifeline has died.
pub(super) fn cut(lifeline: &impl AsFd) -> bool {
    let mut fds = [PollFd::new(lifeline, PollFlags::IN)];
    matches!(poll(&mut fds, Some(&Timespec::default())), Ok(1..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_they_were_said() {
        let words = [
            Word::Progress("3 guests".to_owned()),
            Word::Failed(Failure {
                stage: Stage::Map,
                what: "writing /proc/self/uid_map".to_owned(),
                errno: 1,
            }),
            Word::Said("two\nlines".to_owned()),
            Word::Ready(Came::InPart),
        ];
        let (mut read, reporter) = Reporter::pipe().unwrap();
        for word in &words[..3] {
            reporter.say(word).unwrap();
        }
        reporter.conclude(Came::InPart, || Ok(())).unwrap();
        for word in words {
            assert_eq!(Word::read(&mut read), Some(word));
        }
        assert_eq!(Word::read(&mut read), None, "the last word closes the pipe");
    }

    #[test]
    fn a_long_word_is_cut_at_a_character() {
        let (mut read, reporter) = Reporter::pipe().unwrap();
        reporter
            .say(&Word::Said(format!("x{}", "é".repeat(3000))))
            .unwrap();
        let Some(Word::Said(text)) = Word::read(&mut read) else {
            panic!("no word");
        };
        assert_eq!(text.len(), 1 + (TEXT - 1) / 2 * 2);
        assert!(text.ends_with('é'));
    }

    #[test]
    fn noise_is_not_a_word() {
        assert_eq!(Word::read(&mut &[0u8; 9][..]), None);
        assert_eq!(
            Word::read(&mut &[b'p', 0, 0, 0, 0, 0, 255, 255, 255, 255][..]),
            None
        );
        assert_eq!(
            Word::read(&mut &[b'?', 0, 0, 0, 0, 0, 0, 0, 0, 0][..]),
            None
        );
    }

    #[test]
    fn the_reader_going_away_is_noticed() {
        let (read, reporter) = Reporter::pipe().unwrap();
        assert!(!reporter.unheard());
        drop(read);
        assert!(reporter.unheard());
        let conclude = reporter.conclude(Came::Whole, || panic!("nobody is there to be up for"));
        assert_eq!(conclude.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        let (read, write) = lifeline().unwrap();
        assert!(!cut(&read));
        drop(write);
        assert!(cut(&read));
    }
}
