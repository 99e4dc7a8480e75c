//! Logs as they are left behind: whole, cut, torn, damaged.

use super::*;
use crate::storage::aof::parcel::{self, LINE_BYTES, Parcel};
use std::io::Cursor;

/// What a log did: the commands that took effect, in order, with their times.
type Effects = Vec<(String, Option<i64>)>;

#[derive(Default)]
struct Target {
    effects: Effects,
    queue: Option<Effects>,
    at_ms: Option<i64>,
    hidden: Vec<u8>,
}

impl Replay for Target {
    fn begin_file(&mut self) {}

    fn annotate(&mut self, annotation: Annotation) -> Result<(), String> {
        match annotation {
            Annotation::Moment(moment) => self.at_ms = Some(moment.unix_ms),
            Annotation::Hidden { bytes, goes_on } => {
                self.hidden.extend(bytes);
                if !goes_on {
                    let bytes = std::mem::take(&mut self.hidden);
                    let text = String::from_utf8_lossy(&bytes).replace("\r\n", " ");
                    let effect = (text, self.at_ms.take());
                    self.queue
                        .as_mut()
                        .unwrap_or(&mut self.effects)
                        .push(effect);
                }
            }
            Annotation::ForRedis | Annotation::Other => {}
        }
        Ok(())
    }

    fn apply(&mut self, request: Request<'_>) -> Result<(), String> {
        let words: Vec<_> = request.iter().map(String::from_utf8_lossy).collect();
        let effect = (words.join(" "), self.at_ms.take());
        match words[0].as_ref() {
            "MULTI" => self.queue = Some(Vec::new()),
            "EXEC" => {
                let queue = self.queue.take().expect("pairs are checked");
                self.effects.extend(queue);
            }
            "NOSUCH" => return Err("there is no such command".into()),
            _ => self
                .queue
                .as_mut()
                .unwrap_or(&mut self.effects)
                .push(effect),
        }
        Ok(())
    }
}

fn command(words: &str) -> Vec<u8> {
    let words: Vec<&str> = words.split(' ').collect();
    let mut frame = format!("*{}\r\n", words.len());
    for word in words {
        frame += &format!("${}\r\n{word}\r\n", word.len());
    }
    frame.into_bytes()
}

fn run(log: &[u8]) -> Result<(Effects, Replayed), String> {
    let mut target = Target::default();
    let input = Input::new(Box::new(Cursor::new(log.to_vec())));
    let replayed = replay(Path::new("log"), input, &Progress::default(), &mut target);
    replayed
        .map(|replayed| (target.effects, replayed))
        .map_err(|error| error.to_string())
}

/// The pieces of a log, each of which is sound where it ends, and what the log has done by then.
fn sample() -> Vec<Vec<u8>> {
    let multi = ["MULTI", "LPUSH l a", "DEL s", "EXEC"]
        .map(command)
        .concat();
    let annotated = [b"#MS:1700000000123\r\n".to_vec(), command("XACK s g 1-1")].concat();
    vec![
        command("SELECT 0"),
        command("SET k *1"),
        b"#TS:1700000000\r\n".to_vec(),
        annotated,
        multi,
        b"#MS:1700000000124\r\n#MX+KjENCg==\r\n#MX:JDENClgNCg==\r\n".to_vec(),
        command("XADD s 1-1 f v"),
    ]
}

/// Cut anywhere, a log gives the state of what was whole before the cut, and says exactly what is left over.
#[test]
fn cut_at_every_byte() {
    let pieces = sample();
    let log = pieces.concat();
    for end in 0..=log.len() {
        let mut sound = 0;
        for piece in &pieces {
            if sound + piece.len() > end {
                break;
            }
            sound += piece.len();
        }
        let (effects, replayed) = run(&log[..end]).expect("a prefix is loaded");
        assert_eq!(replayed.sound_bytes, sound as u64, "cut at {end}");
        let (expected, whole) = run(&log[..sound]).expect("whole pieces are loaded");
        assert_eq!((&effects, &whole.tail), (&expected, &None), "cut at {end}");
        let tail = (end > sound).then_some(Tail {
            at: sound as u64,
            bytes: (end - sound) as u64,
            unwritten: 0,
        });
        assert_eq!(replayed.tail, tail, "cut at {end}");
    }
    let (effects, _) = run(&log).unwrap();
    assert_eq!(effects[2], ("XACK s g 1-1".into(), Some(1_700_000_000_123)));
    assert_eq!(effects[5].0, "*1 $1 X ");
    assert_eq!(effects.len(), 7);
}

/// Zeros to the end of the file are part of the tail, wherever they begin.
#[test]
fn zeros_after_every_byte() {
    let pieces = sample();
    let log = pieces.concat();
    for end in 0..=log.len() {
        let cut = run(&log[..end]).expect("a prefix is loaded");
        let mut zeroed = log[..end].to_vec();
        zeroed.resize(end + 5000, 0);
        let (effects, replayed) = run(&zeroed).unwrap_or_else(|error| panic!("{end}: {error}"));
        assert_eq!(effects, cut.0, "zeros from {end}");
        assert_eq!(replayed.sound_bytes, cut.1.sound_bytes, "zeros from {end}");
        let tail = replayed.tail.expect("zeros are never sound");
        assert_eq!(tail.bytes, zeroed.len() as u64 - tail.at);
        // Something after the zeros makes them a hole.
        zeroed.extend_from_slice(&command("SET k v"));
        assert!(run(&zeroed).is_err(), "a hole from {end}");
    }
}

/// A damaged length that seems to run to the end of the file hides nothing.
#[test]
fn a_damaged_length_is_no_tail() {
    let log = [command("SET k v"), command("SET k abc"), command("SET k w")].concat();
    let damaged = String::from_utf8(log)
        .unwrap()
        .replace("$3\r\nabc", "$999\r\nabc");
    let error = run(damaged.as_bytes()).unwrap_err();
    assert!(
        error.starts_with("log, offset 27: the log is corrupt"),
        "{error}"
    );
    assert!(
        error.contains("whole commands follow at offset 58"),
        "{error}"
    );
    assert!(error.contains("truncate -s 27 log"), "{error}");
}

/// Whatever byte is replaced by whatever sort of byte: no panic, and the commands before it have taken effect or nothing was loaded.
#[test]
fn damaged_at_every_byte() {
    let log = sample().concat();
    let sound = run(&log).unwrap().0;
    for at in 0..log.len() {
        for byte in [0, b'\r', b'\n', b'*', b'$', b'#', b'0', b'9', b'x', 0xff] {
            let mut damaged = log.clone();
            damaged[at] = byte;
            if let Ok((effects, _)) = run(&damaged) {
                let untouched = run(&log[..at]).unwrap().0;
                assert_eq!(effects[..untouched.len()], sound[..untouched.len()]);
            }
        }
    }
}

#[test]
fn what_stops_the_load() {
    let after = |damage: &[u8]| {
        let log = [&command("SET k v"), damage, &command("SET k w")].concat();
        run(&log).unwrap_err()
    };
    for (damage, sentence) in [
        (
            b"PING\r\n".to_vec(),
            "offset 27: the log is corrupt: '*' should stand there",
        ),
        (
            command("NOSUCH a"),
            "offset 27: the command 'NOSUCH' there cannot be replayed: there is no such command",
        ),
        (
            command("EXEC"),
            "offset 27: the log is corrupt: EXEC without MULTI",
        ),
        (
            ["MULTI", "MULTI"].map(command).concat(),
            "offset 42: the log is corrupt: MULTI inside",
        ),
        (b"\0\0".to_vec(), "offset 27: the log is corrupt"),
        (
            vec![b'#'; 2000],
            "offset 27: the log is corrupt: an annotation of at most",
        ),
    ] {
        let error = after(&damage);
        assert!(error.contains(sentence), "{error}");
    }
}

/// A file as `appendfsync always` writes it.
struct Filling(Vec<u8>);

impl Filling {
    fn of(plain: &[&str]) -> Filling {
        let mut file: Vec<u8> = plain.iter().flat_map(|words| command(words)).collect();
        file.extend(parcel::begin(file.len() as u64));
        Filling(file)
    }

    fn parcel(mut self, words: &[&str]) -> Filling {
        let commands: Vec<u8> = words.iter().flat_map(|words| command(words)).collect();
        let at = self.0.len() as u64;
        self.0
            .extend(Parcel::of(at, std::iter::once(&commands[..])).header(at));
        self.0.extend(commands);
        self
    }

    fn filler(mut self, lines: u64) -> Vec<u8> {
        self.0
            .extend([parcel::filler(lines), parcel::end()].concat());
        self.0
    }
}

fn names(effects: &Effects) -> Vec<&str> {
    effects.iter().map(|(text, _)| &text[..]).collect()
}

const LONG: [&str; 4] = [
    "SET a ################################################################",
    "MULTI",
    "SET b bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    "EXEC",
];

#[test]
fn parcels_are_read_to_the_filler() {
    let filled = Filling::of(&["SET p 1"])
        .parcel(&["SET q 1", "SET q 2"])
        .parcel(&LONG);
    let end = filled.0.len() as u64;
    for lines in [0, 1, 50] {
        let file = Filling(filled.0.clone()).filler(lines);
        let (effects, replayed) = run(&file).expect("it is whole");
        assert_eq!(names(&effects)[..3], ["SET p 1", "SET q 1", "SET q 2"]);
        assert_eq!((effects.len(), replayed.tail), (5, None));
        assert_eq!(replayed.open_at, (lines > 0).then_some(end));
        assert_eq!(replayed.sound_bytes, end);
        // Whoever does not know parcels goes on behind the filler; and so do parcels again.
        let plain = [&file, &command("SELECT 0")[..], &command("SET r 1")].concat();
        let (effects, replayed) = run(&plain).expect("it is whole");
        assert_eq!((effects.len(), replayed.open_at), (7, None));
        assert_eq!(replayed.sound_bytes, plain.len() as u64);
        let torn = run(&plain[..plain.len() - 1]).expect("a tail").1.tail;
        assert_eq!(
            torn.expect("it is torn").at,
            (plain.len() - command("SET r 1").len()) as u64
        );
        let mut again = plain.clone();
        again.extend(parcel::begin(again.len() as u64));
        let again = Filling(again).parcel(&["SET s 1"]).filler(3);
        assert_eq!(
            names(&run(&again).expect("it is whole").0)[7..],
            ["SET s 1"]
        );
    }
}

/// What is written over filler arrives in any order: then all of it counts, or nothing.
#[test]
fn a_parcel_torn_anywhere_is_no_parcel() {
    let before = Filling::of(&["SET p 1"]).parcel(&["SET q 1"]);
    let sound = before.0.len();
    let old = Filling(before.0.clone()).filler(20);
    let new = before.parcel(&LONG).0;
    let mut whole = old.clone();
    whole[..new.len()].copy_from_slice(&new);
    let lines = (new.len() - sound) / LINE_BYTES as usize;
    assert!((4..10).contains(&lines));
    for arrived in 0..1 << lines {
        let mut file = old.clone();
        for line in (0..lines).filter(|line| arrived >> line & 1 == 1) {
            let range = sound + line * 64..sound + (line + 1) * 64;
            file[range.clone()].copy_from_slice(&new[range]);
        }
        let is_whole = file == whole;
        let (effects, replayed) = run(&file).unwrap_or_else(|error| panic!("{arrived:b}: {error}"));
        assert_eq!(effects.len(), if is_whole { 4 } else { 2 }, "{arrived:b}");
        let at = if is_whole { new.len() } else { sound };
        assert_eq!(replayed.open_at, Some(at as u64), "{arrived:b}");
        assert_eq!(
            replayed.tail.is_some(),
            file != old && !is_whole,
            "{arrived:b}"
        );
    }
    // The same byte by byte: the first so many, the last so many.
    for bytes in 1..new.len() - sound {
        for range in [sound..sound + bytes, new.len() - bytes..new.len()] {
            let mut file = old.clone();
            file[range.clone()].copy_from_slice(&new[range]);
            let effects = run(&file).expect("a tail").0;
            assert_eq!(effects.len(), if file == whole { 4 } else { 2 });
        }
    }
}

#[test]
fn a_damaged_parcel_before_a_whole_one_stops_the_load() {
    let filled = Filling::of(&["SET p 1"]).parcel(&["SET q 1"]);
    let (sound, filled) = (filled.0.len(), filled.parcel(&["SET r 1", "SET r 2"]));
    let damaged_to = filled.0.len();
    let file = filled.parcel(&["SET s 1"]).filler(10);
    let whole = run(&file).expect("it is whole").0;
    for at in sound..damaged_to {
        for byte in [0, b'#', b'\n', b'*', b'5', 0xff] {
            let mut damaged = file.clone();
            damaged[at] = byte;
            match run(&damaged) {
                // The padding of a header is nobody's.
                Ok((effects, _)) => assert_eq!(effects, whole, "{at}"),
                Err(error) => assert!(error.contains(&format!("truncate -s {sound} ")), "{error}"),
            }
        }
    }
    for from in (sound..damaged_to).step_by(64) {
        let mut hole = file.clone();
        hole[from..damaged_to].copy_from_slice(&parcel::filler(((damaged_to - from) / 64) as u64));
        let error = run(&hole).expect_err("a hole");
        assert!(
            error.contains(&format!("a whole parcel follows at offset {damaged_to}")),
            "{error}"
        );
    }
}

/// What was durable when the log was closed was not being written when it ended.
#[test]
fn a_parcel_damaged_before_a_log_was_closed_stops_the_load() {
    let filled = Filling::of(&["SET p 1"]).parcel(&["SET q 1"]);
    let (sound, filled) = (filled.0.len(), filled.parcel(&LONG).0);
    let file = [&filled[..], &parcel::closed()].concat();
    let (whole, replayed) = run(&file).expect("it is whole");
    assert_eq!(
        (whole.len(), replayed.tail, replayed.open_at),
        (4, None, None)
    );
    for at in sound..filled.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 1;
        match run(&damaged) {
            // The padding of a header is nobody's.
            Ok((effects, _)) => assert_eq!(effects, whole, "{at}"),
            Err(error) => assert!(
                error.contains(&format!("closed at offset {}", filled.len())),
                "{error}"
            ),
        }
    }
}

#[test]
fn nothing_is_cut_that_stands_behind_the_filler() {
    let filled = Filling::of(&[]).parcel(&["SET q 1"]);
    let sound = filled.0.len();
    let mut torn = filled.parcel(&["SET r 1"]).filler(5);
    torn[sound + 3] = b'#';
    assert!(run(&torn).expect("a tail").1.tail.is_some());
    let error = run(&[&torn[..], &command("SELECT 0")].concat()).expect_err("commands follow");
    assert!(
        error.contains(&format!("something follows at offset {}", torn.len())),
        "{error}"
    );
    // Who knows what took the end away?
    let unmarked = &torn[..torn.len() - 64];
    let error = run(unmarked).expect_err("there is no end");
    assert!(error.contains("there is no end of the filler"), "{error}");
    let filler = Filling::of(&[]).parcel(&["SET q 1"]).filler(2);
    let unmarked = [&filler[..filler.len() - 64], &command("SELECT 0")].concat();
    run(&unmarked).expect_err("commands without a parcel");
}

#[test]
fn a_filled_file_cut_at_every_byte() {
    let parts = [
        Filling::of(&["SET p 1"]),
        Filling::of(&["SET p 1"]).parcel(&["SET q 1"]),
    ];
    let [plain, one] = parts.map(|part| part.0.len());
    let filled = Filling::of(&["SET p 1"]).parcel(&["SET q 1"]).parcel(&LONG);
    let two = filled.0.len();
    let file = filled.filler(4);
    for end in 0..=file.len() {
        let (effects, replayed) =
            run(&file[..end]).unwrap_or_else(|error| panic!("{end}: {error}"));
        let expected = match end {
            _ if end >= two => 4,
            _ if end >= one => 2,
            _ => usize::from(end >= command("SET p 1").len()),
        };
        assert_eq!(effects.len(), expected, "cut at {end}");
        assert_eq!(replayed.open_at.is_some(), end >= plain, "cut at {end}");
    }
}

/// A file that was being filled ahead when the machine died: what was to be filler is there, is zeros, or is not there.
#[test]
fn filler_with_holes_is_a_tail() {
    let plain = command("SET p 1");
    let new = Filling::of(&["SET p 1"]).filler(6);
    let parcels = Filling::of(&["SET p 1"]).parcel(&["SET q 1"]);
    let (old, sound) = (Filling(parcels.0.clone()).filler(2), parcels.0.len());
    let longer = parcels.filler(8);
    for (file, from, effects) in [(&new, plain.len(), 1), (&longer, old.len() - 64, 2)] {
        let cells: Vec<usize> = (from.next_multiple_of(64)..file.len())
            .step_by(64)
            .collect();
        for missing in 0..1 << cells.len() {
            for end in [file.len(), file.len() - 64] {
                let mut file = file.clone();
                for (_, &at) in cells
                    .iter()
                    .enumerate()
                    .filter(|(bit, _)| missing >> bit & 1 == 1)
                {
                    let was = old
                        .get(at..at + 64)
                        .filter(|_| effects == 2)
                        .map(<[u8]>::to_vec);
                    file[at..at + 64].copy_from_slice(&was.unwrap_or(vec![0; 64]));
                }
                let (found, replayed) =
                    run(&file[..end]).unwrap_or_else(|error| panic!("{missing:b}: {error}"));
                assert_eq!(found.len(), effects);
                assert!(effects == 1 || replayed.sound_bytes >= sound as u64);
            }
        }
    }
}
