//! Rates as both toolstacks read them.

use super::*;

#[test]
fn counts_as_libxl_does() {
    for (text, stored) in [
        ("10Mb/s", "62500,50000"),
        ("1MB/s@20ms", "20000,20000"),
        ("250KB/s", "12500,50000"),
        ("1GB/s", "50000000,50000"),
        ("100B/s@1", "100,1000000"),
        ("100B/s@2s", "200,2000000"),
        ("8000b/s@10m", "10,10000"),
        ("1MB/s@1500u", "1500,1500"),
        ("1MB/s@1500us", "1500,1500"),
        ("010MB/s", "400000,50000"),
        ("4294967295GB/s@4us", "17179869180000,4"),
    ] {
        assert_eq!(
            text.parse::<Rate>().map(|r| r.to_string()),
            Ok(stored.to_owned()),
            "{text}"
        );
    }
}

#[test]
fn refuses_the_rest() {
    use RateError::*;
    for (text, why) in [
        ("", Speed),
        ("10", Speed),
        ("10Mb", Speed),
        ("10MiB/s", Speed),
        ("-1MB/s", Speed),
        ("1 MB/s", Speed),
        ("1MB/s@", Interval),
        ("1MB/s@5min", Interval),
        ("0MB/s", Number),
        ("08MB/s", Number),
        ("4294967296B/s", Number),
        ("1MB/s@0", Number),
        ("1MB/s@4295", Long),
        ("1b/s", Nothing),
        ("1B/s@1us", Nothing),
        ("4294967295GB/s@5us", Much),
    ] {
        assert_eq!(text.parse::<Rate>(), Err(why), "{text:?}");
    }
}

#[test]
fn what_is_written_back_means_the_same() {
    for text in [
        "10Mb/s",
        "1MB/s@20ms",
        "800b/s@999999us",
        "12b/s@3",
        "4294967295Gb/s@34us",
        "4294967295GB/s@4us",
        "999b/s@1s",
    ] {
        let rate: Rate = text.parse().unwrap();
        assert_eq!(
            rate.to_spec().parse(),
            Ok(rate),
            "{text} as {}",
            rate.to_spec()
        );
    }
}

#[test]
fn is_written_with_the_smallest_number() {
    for (text, spec, words) in [
        ("1250KB/s@50ms", "10Mb/s", "10 Mb/s, 62500 bytes each 50 ms"),
        (
            "1000KB/s@20",
            "1MB/s@20s",
            "1 MB/s, 20000000 bytes each 20 s",
        ),
        (
            "010000b/s@1500us",
            "512B/s@1500us",
            "512 B/s, 0 bytes each 1500 us",
        ),
    ] {
        let rate = Rate::as_xl(text).unwrap();
        assert_eq!(
            (rate.to_spec().as_str(), rate.in_words().as_str()),
            (spec, words)
        );
    }
}

#[test]
fn xl_stumbles_over_octal_numbers_in_a_definite_way() {
    for (text, stored) in [
        ("018MB/s", Some("0,50000")),
        ("0777777778KB/s", Some("838860,50000")),
        ("010000008b/s", Some("1638,50000")),
        ("0100000088b/s", Some("13107,50000")),
        ("1MB/s@018", Some("1,1")),
        ("1MB/s@018ms", Some("1,1")),
        ("1b/s", Some("0,50000")),
        ("08B/s", None),
        ("1MB/s@09", None),
        ("10", None),
    ] {
        let read = Rate::as_xl(text).map(|rate| rate.to_string());
        assert_eq!(read.as_deref(), stored, "{text}");
    }
}

#[test]
fn xm_counts_in_decimal_and_wants_its_s() {
    use RateError::*;
    for (text, stored) in [
        ("10Mb/s", Ok("62500,50000")),
        ("010MB/s", Ok("500000,50000")),
        ("089B/s@010s", Ok("890,10000000")),
        ("4294967296B/s@1ms", Ok("4294967,1000")),
        ("1MB/s@20m", Err(Interval)),
        ("1MB/s@20", Err(Interval)),
        ("1MB/s@0s", Err(Number)),
        ("1MB/s@4295s", Err(Long)),
        ("0B/s", Err(Nothing)),
        ("1b/s", Err(Nothing)),
        ("999999GB/s", Err(Much)),
        ("99999999999999999999B/s", Err(Much)),
    ] {
        let read = Rate::read(text, Dialect::Xm).map(|rate| rate.to_string());
        assert_eq!(read, stored.map(str::to_owned), "{text}");
    }
}
