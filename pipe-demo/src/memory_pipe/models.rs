//! The contracts under every interleaving that loom can think of: `make loom`.

use loom::sync::Arc;
use loom::thread;

use super::pipe::{PipeReader, PipeWriter, pipe};

fn read(reader: &PipeReader, size: usize) -> Result<Vec<u8>, String> {
    let mut buffer = vec![0; size];
    let count = reader.read(&mut buffer).map_err(|closed| closed.to_string())?;
    buffer.truncate(count);
    Ok(buffer)
}

fn write(writer: &PipeWriter, bytes: &[u8]) -> Result<(), (usize, String)> {
    writer.write(bytes).map_err(|cut_off| (cut_off.taken, cut_off.cause.to_string()))
}

#[test]
fn a_write_meets_as_many_reads_as_it_takes() {
    loom::model(|| {
        let (reader, writer) = pipe();
        let writing = thread::spawn(move || write(&writer, b"abc"));
        assert_eq!(read(&reader, 2), Ok(b"ab".to_vec()));
        assert_eq!(read(&reader, 2), Ok(b"c".to_vec()));
        assert_eq!(read(&reader, 2), Err("EOF".into()));
        assert_eq!(writing.join().unwrap(), Ok(()));
    });
}

#[test]
fn two_writers_never_interleave() {
    let mut model = loom::model::Builder::new();
    // Three threads that meet three times: every interleaving would take hours.
    model.preemption_bound = Some(2);
    model.check(|| {
        let (reader, writer) = pipe();
        let writer = Arc::new(writer);
        let other = thread::spawn({
            let writer = Arc::clone(&writer);
            move || write(&writer, b"aa")
        });
        let reading = thread::spawn(move || {
            let all = [1, 1, 1].map(|size| read(&reader, size).unwrap()).concat();
            assert!(all == b"aab" || all == b"baa", "{all:?}");
        });
        assert_eq!(write(&writer, b"b"), Ok(()));
        assert_eq!(other.join().unwrap(), Ok(()));
        reading.join().unwrap();
    });
}

#[test]
fn two_readers_share_a_write() {
    loom::model(|| {
        let (reader, writer) = pipe();
        let reader = Arc::new(reader);
        let other = thread::spawn({
            let reader = Arc::clone(&reader);
            move || read(&reader, 1)
        });
        let writing = thread::spawn(move || write(&writer, b"ab"));
        let mut all = [read(&reader, 1).unwrap(), other.join().unwrap().unwrap()].concat();
        all.sort_unstable();
        assert_eq!(all, b"ab");
        assert_eq!(writing.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_dropped_writer_wakes_the_reader() {
    loom::model(|| {
        let (reader, writer) = pipe();
        let reading = thread::spawn(move || read(&reader, 1));
        drop(writer);
        assert_eq!(reading.join().unwrap(), Err("EOF".into()));
    });
}

#[test]
fn a_reader_that_closes_wakes_the_writer_with_its_error() {
    loom::model(|| {
        let (reader, writer) = pipe();
        let writing = thread::spawn(move || write(&writer, b"ab"));
        let taken = read(&reader, 1).unwrap().len();
        reader.close_with_error("enough");
        drop(reader);
        assert_eq!(writing.join().unwrap(), Err((taken, "enough".into())));
    });
}

#[test]
fn a_close_wakes_the_writer_that_waits_for_its_turn() {
    loom::model(|| {
        let (reader, writer) = pipe();
        let writer = Arc::new(writer);
        let other = thread::spawn({
            let writer = Arc::clone(&writer);
            move || write(&writer, b"a")
        });
        let closing = thread::spawn(move || reader.close());
        assert!(write(&writer, b"b").is_err());
        assert!(other.join().unwrap().is_err());
        closing.join().unwrap();
    });
}
