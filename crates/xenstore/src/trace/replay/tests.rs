//! Replays on a store in this process, of traces written by hand.

use std::time::Duration;

use super::*;
use crate::client::SendError;
use crate::store::Store;
use crate::trace::parse;

/// What differs when a trace with these lines is replayed on a new store.
fn differences(lines: &str) -> Result<Vec<String>, String> {
    let entries =
        parse(&format!("xenstore-trace 1\n{lines}")).map_err(|error| error.to_string())?;
    let report =
        replay(&entries, &mut Local::new(Store::default())).map_err(|error| error.to_string())?;
    Ok(report.differences.iter().map(ToString::to_string).collect())
}

const TRACE: &str = r#"open 1 0
open 2 0
request 2 WATCH 0 "/a\0t\0"
reply 2 WATCH "OK\0"
event 2 "/a\0t\0"
request 1 WRITE 0 "/a\0x"
reply 1 WRITE "OK\0"
event 2 "/a\0t\0"
request 1 WRITE 0 "/a/b\0x"
reply 1 WRITE "OK\0"
event 2 "/a/b\0t\0"
request 1 READ 0 "/a\0"
reply 1 READ "x"
request 1 READ 0 "/c\0"
reply 1 ERROR "ENOENT\0"
close 2
request 1 RM 0 "/a\0"
reply 1 RM "OK\0"
"#;

#[test]
fn what_holds_is_no_difference() {
    assert_eq!(differences(TRACE), Ok(vec![]));
}

#[test]
fn a_request_whose_reply_was_cut_off_is_not_compared() {
    let cut = TRACE.find("reply 1 WRITE").unwrap();
    assert_eq!(differences(&TRACE[..cut]), Ok(vec![]));
    // The same without the event alone is a difference.
    let reply = cut + "reply 1 WRITE \"OK\\0\"\n".len();
    assert_eq!(differences(&TRACE[..reply]).unwrap().len(), 1);
}

#[test]
fn each_change_is_one_difference_on_its_line() {
    for (was, is, said) in [
        (
            r#"reply 1 READ "x""#,
            r#"reply 1 READ "y""#,
            r#"line 14: recorded reply 1 READ "y", said reply 1 READ "x""#,
        ),
        (
            r#"reply 1 ERROR "ENOENT\0""#,
            r#"reply 1 READ """#,
            r#"line 16: recorded reply 1 READ "", said reply 1 ERROR "ENOENT\0""#,
        ),
        (
            "event 2 \"/a/b\\0t\\0\"\n",
            "",
            r#"line 10: recorded nothing, said event 2 "/a/b\0t\0""#,
        ),
        (
            "event 2 \"/a/b\\0t\\0\"\n",
            "event 2 \"/\\0t\\0\"\nevent 2 \"/a/b\\0t\\0\"\n",
            r#"line 12: recorded event 2 "/\0t\0", said nothing"#,
        ),
    ] {
        let changed = TRACE.replace(was, is);
        assert_ne!(changed, TRACE);
        assert_eq!(differences(&changed), Ok(vec![said.to_owned()]), "{is}");
    }
}

#[test]
fn the_owner_acts_on_a_store_of_this_process() {
    let trace = r#"open 1 0
request 1 WATCH 0 "@introduceDomain\0i\0"
reply 1 WATCH "OK\0"
event 1 "@introduceDomain\0i\0"
introduce 7
event 1 "@introduceDomain\0i\0"
introduce 7
release 7
request 1 IS_DOMAIN_INTRODUCED 0 "7\0"
reply 1 IS_DOMAIN_INTRODUCED "F\0"
"#;
    assert_eq!(differences(trace), Ok(vec![]));
}

#[test]
fn an_order_that_no_server_can_have_seen_is_named() {
    for (lines, said) in [
        (
            "close 1\n",
            "line 2: connection 1 is not open; wanted an \"open 1 DOMID\" before it",
        ),
        (
            "open 1 0\nopen 1 0\n",
            "line 3: connection 1 is open already; wanted a number of its own",
        ),
        (
            "open 1 0\nreply 1 READ \"\"\n",
            "line 3: follows no request of its connection; wanted that request before it",
        ),
        (
            "event 1 \"\"\n",
            "line 2: follows no request of its connection; wanted that request before it",
        ),
        (
            "open 1 0\nevent 2 \"\"\n",
            "line 3: connection 2 is not open; wanted an \"open 2 DOMID\" before it",
        ),
        (
            "open 1 0\nrequest 1 RM 0 \"\"\nreply 1 RM \"\"\nreply 1 RM \"\"\n",
            "line 5: follows no request of its connection; wanted that request before it",
        ),
    ] {
        assert_eq!(differences(lines), Err(said.to_owned()), "{lines}");
    }
}

#[test]
fn numbers_of_transactions_are_the_servers_own() {
    let trace = r#"open 1 0
request 1 TRANSACTION_START 0 "\0"
reply 1 TRANSACTION_START "77\0"
request 1 TRANSACTION_START 0 "\0"
reply 1 TRANSACTION_START "1\0"
request 1 WRITE 77 "/a\0seventy-seven"
reply 1 WRITE "OK\0"
request 1 WRITE 2 "/b\0never started"
reply 1 ERROR "ENOENT\0"
request 1 READ 1 "/a\0"
reply 1 ERROR "ENOENT\0"
request 1 TRANSACTION_END 77 "T\0"
reply 1 TRANSACTION_END "OK\0"
request 1 READ 0 "/a\0"
reply 1 READ "seventy-seven"
request 1 TRANSACTION_END 1 "T\0"
reply 1 ERROR "EAGAIN\0"
"#;
    assert_eq!(differences(trace), Ok(vec![]));
}

#[test]
fn a_connection_that_is_lost_is_told_once() {
    /// Takes requests and hangs up.
    #[derive(Debug)]
    struct Mute;
    impl Transport for Mute {
        fn send(&mut self, _: &[Vec<u8>], _: Option<Duration>) -> Result<(), SendError> {
            Ok(())
        }
        fn receive(&mut self, _: &mut [u8], _: Option<Duration>) -> io::Result<Option<usize>> {
            Ok(Some(0))
        }
    }
    let entries = parse(&format!("xenstore-trace 1\n{TRACE}")).unwrap();
    let mut open = |_| -> io::Result<Box<dyn Transport>> { Ok(Box::new(Mute)) };
    let report = replay(&entries, &mut open).unwrap();
    let said: Vec<String> = report.differences.iter().map(ToString::to_string).collect();
    let hung_up = |line, reply| format!("line {line}: recorded {reply}, said nothing: it hung up");
    assert_eq!(
        said,
        [
            hung_up(5, r#"reply 2 WATCH "OK\0""#),
            hung_up(8, r#"reply 1 WRITE "OK\0""#)
        ]
    );
    assert_eq!((report.requests, report.skipped), (2, 4 + 3));
}
