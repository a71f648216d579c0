//! The nine contracts, as facts.

use std::io::{ErrorKind, Read, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;

use super::pipe::{Closed, PipeReader, PipeWriter, pipe};

/// A test that would hang fails instead.
fn in_time<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let (give, take) = mpsc::channel();
    let thread = thread::spawn(move || {
        let _ = give.send(test());
    });
    match take.recv_timeout(Duration::from_secs(30)) {
        Ok(value) => value,
        Err(RecvTimeoutError::Timeout) => panic!("the test hangs"),
        Err(RecvTimeoutError::Disconnected) => panic!("the test fails: {:?}", thread.join().err()),
    }
}

fn read(reader: &PipeReader, size: usize) -> Result<String, String> {
    let mut buffer = vec![0; size];
    let count = reader.read(&mut buffer).map_err(|closed| closed.to_string())?;
    Ok(String::from_utf8_lossy(&buffer[..count]).into_owned())
}

fn write(writer: &PipeWriter, text: &str) -> Result<(), (usize, String)> {
    writer.write(text.as_bytes()).map_err(|cut_off| (cut_off.taken, cut_off.cause.to_string()))
}

const ON_CLOSED: &str = "io: read/write on closed pipe";

#[test]
fn a_write_returns_only_after_all_its_bytes_were_read() {
    in_time(|| {
        let (reader, writer) = pipe();
        let (give, returned) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || {
                write(&writer, "abcdef").unwrap();
                give.send(()).unwrap();
            });
            assert_eq!(read(&reader, 4).unwrap(), "abcd");
            assert!(returned.try_recv().is_err());
            assert_eq!(read(&reader, 4).unwrap(), "ef");
            returned.recv().unwrap();
        });
    });
}

#[test]
fn two_writes_never_meet_in_one_read() {
    in_time(|| {
        let (reader, writer) = pipe();
        thread::scope(|scope| {
            scope.spawn(move || ["a", "b"].map(|text| write(&writer, text).unwrap()));
            assert_eq!(read(&reader, 10).unwrap(), "a");
            assert_eq!(read(&reader, 10).unwrap(), "b");
            assert_eq!(read(&reader, 10).unwrap_err(), "EOF");
        });
    });
}

#[test]
fn a_write_of_no_bytes_is_a_read_of_none_and_a_read_into_none_takes_none() {
    in_time(|| {
        let (reader, writer) = pipe();
        thread::scope(|scope| {
            scope.spawn(move || ["", "a"].map(|text| write(&writer, text).unwrap()));
            assert_eq!(read(&reader, 10).unwrap(), "");
            assert_eq!(read(&reader, 0).unwrap(), "");
            assert_eq!(read(&reader, 10).unwrap(), "a");
        });
    });
}

#[test]
fn a_stream_passes_over_a_write_of_no_bytes() {
    in_time(|| {
        let (reader, writer) = pipe();
        thread::scope(|scope| {
            scope.spawn(move || ["a", "", "b"].map(|text| write(&writer, text).unwrap()));
            let mut text = String::new();
            (&reader).read_to_string(&mut text).unwrap();
            assert_eq!(text, "ab");
        });
    });
}

#[test]
fn closing_the_writer_ends_the_reader_at_once_and_again() {
    in_time(|| {
        let (reader, writer) = pipe();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| read(&reader, 1));
            writer.close();
            assert_eq!(waiting.join().unwrap().unwrap_err(), "EOF");
        });
        assert_eq!(read(&reader, 1).unwrap_err(), "EOF");
        assert_eq!(write(&writer, "a").unwrap_err(), (0, ON_CLOSED.to_owned()));
    });
}

#[test]
fn closing_the_reader_tells_the_writer_what_was_taken() {
    in_time(|| {
        let (reader, writer) = pipe();
        thread::scope(|scope| {
            let cut_off = scope.spawn(move || write(&writer, "123456789"));
            assert_eq!(read(&reader, 4).unwrap(), "1234");
            reader.close();
            assert_eq!(cut_off.join().unwrap().unwrap_err(), (4, ON_CLOSED.to_owned()));
            assert_eq!(read(&reader, 1).unwrap_err(), ON_CLOSED);
        });
    });
}

#[test]
fn each_end_gets_the_error_the_other_was_closed_with_and_the_first_one_counts() {
    in_time(|| {
        let (reader, writer) = pipe();
        writer.close_with_error("no more");
        writer.close_with_error("too late");
        writer.close();
        assert_eq!(read(&reader, 1).unwrap_err(), "no more");

        let (reader, writer) = pipe();
        reader.close_with_error("enough");
        reader.close();
        assert_eq!(write(&writer, "a").unwrap_err(), (0, "enough".to_owned()));
    });
}

#[test]
fn when_both_were_closed_with_errors_both_get_that_of_a_closed_pipe() {
    in_time(|| {
        let (reader, writer) = pipe();
        writer.close_with_error("no more");
        reader.close_with_error("enough");
        assert_eq!(read(&reader, 1).unwrap_err(), ON_CLOSED);
        assert_eq!(write(&writer, "a").unwrap_err(), (0, ON_CLOSED.to_owned()));
    });
}

#[test]
fn dropping_an_end_wakes_the_other() {
    in_time(|| {
        let (reader, writer) = pipe();
        thread::scope(|scope| {
            let waiting = scope.spawn(move || read(&reader, 1));
            drop(writer);
            assert_eq!(waiting.join().unwrap().unwrap_err(), "EOF");
        });
        let (reader, writer) = pipe();
        thread::scope(|scope| {
            let waiting = scope.spawn(move || write(&writer, "a"));
            drop(reader);
            assert_eq!(waiting.join().unwrap().unwrap_err(), (0, ON_CLOSED.to_owned()));
        });
    });
}

#[test]
fn a_close_wakes_every_writer_that_waits_for_its_turn() {
    in_time(|| {
        let (reader, writer) = pipe();
        thread::scope(|scope| {
            let writers: Vec<_> = (0..4).map(|_| scope.spawn(|| write(&writer, "abc"))).collect();
            assert_eq!(read(&reader, 1).unwrap(), "a");
            reader.close_with_error("enough");
            let mut taken: Vec<_> = writers.into_iter().map(|writer| writer.join().unwrap().unwrap_err()).collect();
            taken.sort();
            let nothing = (0, "enough".to_owned());
            assert_eq!(taken, [nothing.clone(), nothing.clone(), nothing, (1, "enough".to_owned())]);
        });
    });
}

#[test]
fn a_stream_reports_a_closed_pipe_as_a_broken_one() {
    let (reader, writer) = pipe();
    drop(reader);
    assert_eq!(Write::write(&mut &writer, b"a").unwrap_err().kind(), ErrorKind::BrokenPipe);
    let (reader, writer) = pipe();
    writer.close_with_error("no more");
    let error = Read::read(&mut &reader, &mut [0]).unwrap_err();
    assert!(matches!(error.get_ref().and_then(|inner| inner.downcast_ref()), Some(Closed::With(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    /// However many write and read however much at a time: each write's bytes come in one run, each
    /// writer's writes in their order, and no read mixes two.
    #[test]
    fn writers_never_interleave(
        sizes in prop::collection::vec(prop::collection::vec(0..300_usize, 0..8), 1..5),
        buffer in 1..200_usize,
    ) {
        let (reader, writer) = pipe();
        let reads = in_time({
            let sizes = sizes.clone();
            move || thread::scope(|scope| {
                let writer = &writer;
                let writers: Vec<_> = sizes.iter().enumerate().map(|(id, sizes)| scope.spawn(move || {
                    for (number, &size) in sizes.iter().enumerate() {
                        writer.write(&message(id, number, size)).unwrap();
                    }
                })).collect();
                scope.spawn(move || {
                    for writer in writers {
                        writer.join().unwrap();
                    }
                    writer.close();
                });
                let mut reads = Vec::new();
                let mut piece = vec![0; buffer];
                while let Ok(count) = reader.read(&mut piece) {
                    reads.push(piece[..count].to_vec());
                }
                reads
            })
        });
        prop_assert!(reads.iter().all(|read| read.iter().all(|byte| *byte == read[0])));
        let all = reads.concat();
        let mut next = vec![0; sizes.len()];
        let mut rest = all.as_slice();
        while let Some(&first) = rest.first() {
            let id = usize::from(first >> 4);
            let numbers = next[id]..sizes[id].len();
            let number = numbers.clone().find(|&number| sizes[id][number] > 0).unwrap();
            let expected = message(id, number, sizes[id][number]);
            prop_assert!(rest.starts_with(&expected));
            rest = &rest[expected.len()..];
            next[id] = number + 1;
        }
        let total: usize = sizes.iter().flatten().sum();
        prop_assert_eq!(all.len(), total);
    }
}

/// The bytes of a message all say who wrote it, and which it is.
fn message(id: usize, number: usize, size: usize) -> Vec<u8> {
    vec![u8::try_from(id << 4 | number).unwrap_or(u8::MAX); size]
}
