//! The writer against a disk that fails in every way.

use super::super::parcel::MAX_PARCEL_BYTES;
use super::super::queue::RETAINED_BYTES;
use super::*;
use crate::base::simdisk::{Fault, Op, SimDisk};
use crate::keyspace::effects::Annotation;
use crate::resp::Request;
use crate::storage::aof::control::Settings;
use crate::storage::aof::files::BaseFormat;
use crate::storage::recovery::input::Input;
use crate::storage::recovery::{Progress, Replay, aof};
use parking_lot::Mutex;
use std::io::ErrorKind;
use std::path::Path;

struct Rig {
    disk: SimDisk,
    log: &'static Log,
    control: &'static Control,
    writer: Writer,
    news: Arc<Mutex<Vec<News>>>,
    appended: Vec<u8>,
}

fn place() -> Place {
    Place {
        dir: "/data".into(),
        folder: "log".into(),
        name: "a.aof".into(),
    }
}

fn rig(disk: &SimDisk, fsync: Fsync) -> io::Result<Rig> {
    let disk = disk.clone();
    let log: &'static Log = Box::leak(Box::default());
    let control: &'static Control = Box::leak(Box::default());
    control.set(Settings {
        fsync,
        ..Settings::default()
    });
    log.set_recording(true);
    let news = Arc::new(Mutex::new(Vec::new()));
    let heard = news.clone();
    let tools = Tools {
        disk: Arc::new(disk.clone()),
        place: place(),
        clock: Clock::system(),
        second: Duration::ZERO,
        fill_bytes: 300,
        tell: Box::new(move |news| heard.lock().push(news)),
    };
    let found = place().load(&disk)?;
    let files = match found {
        Some(found) => Files::new(tools.disk.clone(), place(), found),
        None => Files::create(tools.disk.clone(), place(), BaseFormat::Commands)?,
    };
    Ok(Rig {
        writer: Writer::new(log, control, tools)?.open(files)?,
        disk,
        log,
        control,
        news,
        appended: Vec::new(),
    })
}

/// An effect that is easy to tell.
fn command(text: &str) -> Vec<u8> {
    format!("*1\r\n${}\r\n{text}\r\n", text.len()).into_bytes()
}

impl Rig {
    fn append(&mut self, text: &str) {
        let (before, effect) = (self.log.end(), command(text));
        self.log.append(&effect, 0, 0);
        let grown = (self.log.end() - before) as usize;
        if grown > effect.len() {
            crate::keyspace::log::select(&mut self.appended, 0);
        }
        self.appended.extend_from_slice(&effect);
    }

    /// Writes what the log holds up to `cut` as a base, and installs it.
    fn install(&mut self, cut: u64) -> io::Result<()> {
        let temporary = Path::new("/data/temp");
        let base = &self.appended[..cut as usize];
        self.disk.put(temporary, base);
        let (answer, _) = std::sync::mpsc::sync_channel(1);
        let old = self.writer.install(&NewBase {
            temporary: temporary.into(),
            format: BaseFormat::Commands,
            cut,
            answer,
        })?;
        for path in old {
            let _ = self.writer.tools.disk.remove(&path);
        }
        self.writer.forget_history();
        Ok(())
    }
}

/// What the commands of a log were.
#[derive(Default)]
struct Said(Vec<u8>);

impl Replay for Said {
    fn begin_file(&mut self) {}

    fn annotate(&mut self, _annotation: Annotation) -> Result<(), String> {
        Ok(())
    }

    fn apply(&mut self, request: Request<'_>) -> Result<(), String> {
        self.0
            .extend(format!("*{}\r\n", request.len()).into_bytes());
        for arg in request.iter() {
            self.0.extend(format!("${}\r\n", arg.len()).into_bytes());
            self.0.extend([arg, b"\r\n"].concat());
        }
        Ok(())
    }
}

/// What the files on a disk say, as recovery reads them, and whether all before the last end well; None without a manifest.
fn read(disk: &SimDisk) -> Result<Option<Vec<u8>>, String> {
    let Some(manifest) = place().load(disk).expect("a manifest is whole") else {
        return Ok(None);
    };
    let mut said = Said::default();
    let mut torn = false;
    for file in manifest.base.iter().chain(&manifest.increments) {
        assert!(!torn, "only the last file may end so");
        let path = place().folder().join(&file.name);
        let content = disk.content(&path).expect("what is listed is there");
        let input = Input::new(Box::new(io::Cursor::new(content)));
        let replayed = aof::replay(&path, input, &Progress::default(), &mut said);
        torn = replayed
            .map_err(|failure| failure.to_string())?
            .tail
            .is_some();
    }
    Ok(Some(said.0))
}

fn recovered(disk: &SimDisk) -> Option<Vec<u8>> {
    read(disk).expect("it is sound, or ends in a torn tail")
}

/// A life with two cuts; returns the rig and what was appended when something last counted as durable.
fn live(disk: &SimDisk, fsync: Fsync) -> (Option<Rig>, usize) {
    let Ok(mut rig) = rig(disk, fsync) else {
        return (None, 0);
    };
    for step in 0..6 {
        for part in 0..3 {
            rig.append(&format!("<effect {step}.{part}>"));
        }
        let cut = (step % 2 == 1).then(|| rig.log.cut());
        rig.append("<after>");
        let _ = rig.writer.round(false);
        if let Some(cut) = cut {
            let _ = rig.install(cut);
        }
    }
    let durable = rig.log.durable() as usize;
    (Some(rig), durable)
}

#[test]
fn everything_arrives_in_order_through_cuts() {
    let disk = SimDisk::default();
    let (rig, durable) = live(&disk, Fsync::Always);
    let rig = rig.expect("the disk works");
    assert_eq!(durable, rig.appended.len());
    for seed in 0..8 {
        let found = recovered(&disk.after_power_cut(seed));
        assert_eq!(found.as_ref(), Some(&rig.appended));
    }
    let names = disk.after_crash();
    let manifest = place().load(&names).unwrap().unwrap();
    assert_eq!(
        manifest.to_text(),
        "file a.aof.4.base.aof seq 4 type b\nfile a.aof.4.incr.aof seq 4 type i\n"
    );
    let expected_files = ["a.aof.4.base.aof", "a.aof.4.incr.aof", "a.aof.manifest"];
    assert_eq!(names.list(&place().folder()).unwrap(), expected_files);
}

#[test]
fn a_log_that_nobody_writes_keeps_one_increment_however_often_it_is_rewritten() {
    let disk = SimDisk::default();
    let mut rig = rig(&disk, Fsync::Always).expect("the disk works");
    rig.append("<one>");
    for number in 2..5 {
        let cut = rig.log.cut();
        rig.writer.round(false).expect("the disk works");
        rig.install(cut).expect("the disk works");
        let names = disk.list(&place().folder()).unwrap();
        let base = format!("a.aof.{number}.base.aof");
        let increment = format!("a.aof.{number}.incr.aof");
        assert_eq!(names, [base, increment, "a.aof.manifest".into()]);
    }
    rig.append("<two>");
    rig.writer.round(false).expect("the disk works");
    assert_eq!(recovered(&disk.after_power_cut(1)), Some(rig.appended));
}

#[test]
fn a_base_that_is_ready_early_waits_for_a_slow_disk() {
    let disk = SimDisk::default();
    let mut rig = rig(&disk, Fsync::EverySecond).expect("the disk works");
    rig.writer.tools.second = Duration::from_secs(3600);
    rig.append(&"x".repeat(RETAINED_BYTES));
    rig.writer.round(false).expect("the disk works");
    assert!(rig.writer.queue.is_full(), "nothing is synced yet");
    let cut = rig.log.cut();
    rig.append("<after>");
    let temporary = Path::new("/data/temp");
    disk.put(temporary, &rig.appended[..cut as usize]);
    let (answer, answered) = std::sync::mpsc::sync_channel(1);
    let base = NewBase {
        temporary: temporary.into(),
        format: BaseFormat::Commands,
        cut,
        answer,
    };
    rig.control.order(rig.log, Order::Install(base));
    rig.writer.obey();
    assert!(answered.try_recv().is_err(), "the cut is yet to come");
    for _ in 0..2 {
        rig.writer.round(true).expect("the disk works");
    }
    rig.writer.obey();
    let outcome = answered.try_recv().expect("the cut is passed");
    outcome.expect("the base is installed");
    assert_eq!(recovered(&disk.after_power_cut(1)), Some(rig.appended));
}

#[test]
fn a_base_that_the_manifest_could_not_take_up_goes_back() {
    let disk = SimDisk::default();
    let mut rig = rig(&disk, Fsync::Always).expect("the disk works");
    rig.append("<one>");
    let cut = rig.log.cut();
    rig.writer.round(false).expect("the disk works");
    let before = disk.list(&place().folder()).unwrap();
    disk.break_op(Op::Create, ErrorKind::StorageFull);
    rig.install(cut).expect_err("there is no manifest");
    assert_eq!(disk.list(&place().folder()).unwrap(), before);
    assert!(disk.content("/data/temp").is_some());
}

#[test]
fn no_failed_call_leaves_files_for_good() {
    let healthy = SimDisk::default();
    live(&healthy, Fsync::Always);
    for call in 1..=healthy.calls() {
        let disk = SimDisk::default();
        disk.fail_at(call, Fault::Fail(ErrorKind::StorageFull));
        let (Some(mut rig), _) = live(&disk, Fsync::Always) else {
            continue;
        };
        let _ = rig.writer.round(true);
        let cut = rig.log.cut();
        rig.writer.round(true).expect("the disk works");
        rig.install(cut).expect("the disk works");
        let manifest = place().load(&disk).unwrap().unwrap();
        let listed = |name: &String| name == "a.aof.manifest" || manifest.names(name);
        let names = disk.list(&place().folder()).unwrap();
        assert!(names.iter().all(listed), "call {call}: {names:?}");
        assert_eq!(recovered(&disk), Some(rig.appended), "call {call}");
    }
}

#[test]
fn after_any_failed_call_the_log_heals_and_is_whole() {
    let healthy = SimDisk::default();
    live(&healthy, Fsync::Always);
    for fsync in [Fsync::Always, Fsync::Never] {
        for call in 1..=healthy.calls() {
            for fault in [Fault::Fail(ErrorKind::StorageFull), Fault::Short] {
                let disk = SimDisk::default();
                disk.fail_at(call, fault);
                let (Some(mut rig), _) = live(&disk, fsync) else {
                    continue;
                };
                rig.append("<end>");
                for _ in 0..3 {
                    let _ = rig.writer.round(true);
                    let cut = rig.writer.lost.then(|| rig.log.cut());
                    let _ = rig.writer.round(true);
                    if let Some(cut) = cut {
                        rig.install(cut).expect("the disk works");
                    }
                }
                assert!(
                    rig.writer.is_done() && !rig.writer.lost,
                    "call {call} {fault:?}"
                );
                assert_eq!(rig.control.failure(), None);
                let found = recovered(&disk.after_power_cut(call));
                assert_eq!(found, Some(rig.appended), "call {call} {fault:?} {fsync:?}");
            }
        }
    }
}

#[test]
fn power_may_be_cut_before_any_call() {
    let healthy = SimDisk::default();
    live(&healthy, Fsync::Always);
    for (fsync, call) in [Fsync::Always, Fsync::Never]
        .into_iter()
        .flat_map(|fsync| (1..=healthy.calls()).map(move |call| (fsync, call)))
    {
        for seed in 0..16 {
            let disk = SimDisk::default();
            disk.fail_at(call, Fault::Dead);
            let (rig, durable) = live(&disk, fsync);
            let Some(rig) = rig else { continue };
            let found = read(&disk.after_power_cut(seed));
            if fsync == Fsync::Never && found.is_err() {
                // What was left to the kernel may be there in part, in every file.
                continue;
            }
            let context = format!("call {call}, seed {seed}, {fsync:?}");
            let found = found.unwrap_or_else(|failure| panic!("{context}: {failure}"));
            let found = found.expect("it began");
            assert!(found.len() >= durable, "{context}: durable means durable");
            assert!(rig.appended.starts_with(&found), "{context}");
        }
    }
}

#[test]
fn a_failure_is_told_once_it_is_known_and_again_when_it_is_over() {
    let disk = SimDisk::default();
    let mut rig = rig(&disk, Fsync::Always).expect("the disk works");
    disk.set_capacity(100);
    rig.append(&"x".repeat(200));
    assert!(rig.writer.round(false).is_err());
    assert!(rig.writer.round(false).is_err());
    assert_eq!(rig.log.durable(), 0);
    let failure = rig.control.failure();
    assert_eq!(failure, Some("no storage space".into()));
    disk.mend();
    assert!(rig.writer.round(false).is_ok());
    assert_eq!(rig.control.failure(), None);
    assert_eq!(rig.log.durable(), rig.log.end());
    assert_eq!(
        *rig.news.lock(),
        [News::Failed, News::Failed, News::Advanced, News::Healed]
    );
    assert_eq!(recovered(&disk), Some(rig.appended));
}

#[test]
fn a_log_whose_end_cannot_be_synced_is_turned_off_all_the_same() {
    let disk = SimDisk::default();
    let mut rig = rig(&disk, Fsync::EverySecond).expect("the disk works");
    rig.append("<end>");
    rig.log.set_recording(false);
    rig.log.end_here();
    disk.break_op(Op::Sync, ErrorKind::Other);
    assert!(rig.writer.round(false).is_err());
    assert!(rig.control.failure().is_some());
    assert!(rig.writer.round(false).is_ok());
    assert!(rig.writer.segment.is_none() && rig.writer.failed.is_none());
    assert_eq!(rig.control.failure(), None);
    assert_eq!(rig.log.answerable(), rig.log.end());
    let told = rig.news.lock().clone();
    let tells_failure = |news: &News| *news != News::Advanced;
    let failures: Vec<News> = told.into_iter().filter(tells_failure).collect();
    assert_eq!(failures, [News::Failed, News::Healed]);
}

#[test]
fn what_was_not_kept_and_not_synced_is_lost_until_a_base_replaces_it() {
    let disk = SimDisk::default();
    let mut rig = rig(&disk, Fsync::Never).expect("the disk works");
    rig.append("<one>");
    rig.writer.round(false).expect("it is written");
    assert_eq!(rig.log.answerable(), rig.log.end());
    assert_eq!(rig.log.durable(), 0);
    rig.control.set(Settings::default());
    rig.append("<two>");
    disk.break_op(Op::Sync, ErrorKind::Other);
    while rig.writer.round(false).is_ok() {
        std::thread::yield_now();
    }
    disk.mend();
    rig.append("<three>");
    rig.writer.round(false).expect("nothing is written");
    assert!(rig.control.failure().is_some());
    let cut = rig.log.cut();
    rig.append("<four>");
    rig.writer.round(false).expect("the disk works");
    assert!(rig.control.failure().is_some());
    rig.install(cut).expect("the disk works");
    rig.writer.round(false).expect("the disk works");
    assert_eq!(rig.control.failure(), None);
    assert_eq!(recovered(&disk.after_power_cut(1)), Some(rig.appended));
}

#[test]
fn a_log_turned_on_keeps_the_old_manifest_until_its_base_is_there() {
    let disk = SimDisk::default();
    let mut rig = rig(&disk, Fsync::EverySecond).expect("the disk works");
    rig.append("<old>");
    rig.log.set_recording(false);
    rig.log.end_here();
    rig.writer.round(false).expect("the disk works");
    assert!(rig.writer.segment.is_none());
    rig.log.set_recording(true);
    let cut = rig.log.cut();
    rig.append("<new>");
    rig.writer.round(false).expect("the disk works");
    let (old, durable) = (&rig.appended[..cut as usize], rig.log.durable());
    rig.writer.round(true).expect("the disk works");
    assert!(rig.log.answerable() == rig.log.end() && durable <= cut);
    assert_eq!(rig.log.durable(), durable, "it has no base");
    assert_eq!(recovered(&disk.after_power_cut(3)).as_deref(), Some(old));
    rig.log.set_whole(false);
    rig.install(cut).expect("the disk works");
    assert!(rig.log.is_whole() && rig.log.durable() == rig.log.end());
    assert_eq!(recovered(&disk.after_power_cut(3)), Some(rig.appended));
}

#[test]
fn once_a_second_another_thread_syncs() {
    let disk = SimDisk::default();
    let mut rig = rig(&disk, Fsync::EverySecond).expect("the disk works");
    rig.append("<one>");
    let deadline = Instant::now() + Duration::from_secs(10);
    while rig.log.durable() < rig.log.end() {
        rig.writer.round(false).expect("the disk works");
        assert!(Instant::now() < deadline, "nothing is synced");
    }
    assert_eq!(recovered(&disk.after_power_cut(0)), Some(rig.appended));
}

#[test]
fn what_is_left_to_the_kernel_while_a_snapshot_is_written_is_durable_after_it() {
    let disk = SimDisk::default();
    let mut rig = rig(&disk, Fsync::Always).expect("the disk works");
    rig.control.set(Settings {
        fsync: Fsync::Always,
        no_sync_while_saving: true,
        ..Settings::default()
    });
    rig.control.set_saving(true);
    rig.append("<one>");
    rig.writer.round(false).expect("the disk works");
    assert_eq!(
        (rig.log.answerable(), rig.log.durable()),
        (rig.log.end(), 0)
    );
    rig.control.set_saving(false);
    rig.writer.round(false).expect("the disk works");
    assert_eq!(rig.log.durable(), rig.log.end());
    assert_eq!(recovered(&disk.after_power_cut(0)), Some(rig.appended));
}

#[test]
fn replies_that_are_held_wait_for_no_core_to_write() {
    let disk = SimDisk::default();
    let rig = rig(&disk, Fsync::Always).expect("the disk works");
    rig.control.set(Settings {
        fsync: Fsync::Always,
        no_sync_while_saving: true,
        ..Settings::default()
    });
    rig.control.set_saving(true);
    rig.log.set_holding(true);
    let (log, control) = (rig.log, rig.control);
    let running = start(rig.writer).expect("there is room for a thread");
    for _ in 0..5 {
        let began = Instant::now();
        let appended = log.append(&command("<one>"), 0, 0);
        while log.answerable() < appended.end {
            if appended.wakes {
                log.wake();
            }
            std::thread::yield_now();
            assert!(began.elapsed() < SECOND / 2, "nobody writes");
        }
    }
    control.stop(log);
    running.join().expect("it ends").expect("the disk works");
}

#[test]
fn the_time_stands_before_what_happened_then() {
    let disk = SimDisk::default();
    let mut rig = rig(&disk, Fsync::Always).expect("the disk works");
    rig.control.set(Settings {
        fsync: Fsync::Always,
        timestamps: true,
        ..Settings::default()
    });
    rig.append("<one>");
    rig.writer.round(false).expect("the disk works");
    let file = place().folder().join("a.aof.1.incr.aof");
    let found = String::from_utf8(disk.content(file).unwrap()).unwrap();
    let mut lines = found.lines().filter(|line| !line.starts_with("#M"));
    let time = lines.next().and_then(|line| line.strip_prefix("#TS:"));
    assert!(time.is_some_and(|s| s.parse::<u64>().is_ok()), "{found}");
    assert!(lines.next().is_some_and(|line| line.starts_with('*')));
    assert_eq!(recovered(&disk), Some(rig.appended));
}

#[test]
fn the_thread_ends_with_everything_durable() {
    for fsync in [Fsync::Always, Fsync::EverySecond, Fsync::Never] {
        let disk = SimDisk::default();
        let mut rig = rig(&disk, fsync).expect("the disk works");
        rig.append("<one>");
        let appended = rig.appended.clone();
        let (log, control, writer) = (rig.log, rig.control, rig.writer);
        let running = start(writer).expect("there is room for a thread");
        std::thread::sleep(Duration::from_millis(20));
        log.append(&command("<two>"), 0, 0);
        control.stop(log);
        running.join().expect("it ends").expect("the disk works");
        let found = recovered(&disk.after_power_cut(5)).expect("it is there");
        assert_eq!(found, [appended, command("<two>")].concat());
    }
}

#[test]
fn a_log_goes_on_where_the_last_process_stopped() {
    let disk = SimDisk::default();
    let (first, _) = live(&disk, Fsync::Always);
    let before = first.expect("the disk works").appended;
    let mut second = rig(&disk.after_crash(), Fsync::Always).expect("the disk works");
    second.append("<more>");
    second.writer.round(false).expect("the disk works");
    let found = recovered(&second.disk).expect("it is there");
    assert_eq!(found, [before, second.appended].concat());
}

/// The content of the first increment.
fn increment(disk: &SimDisk) -> Vec<u8> {
    let path = place().folder().join("a.aof.1.incr.aof");
    disk.content(path).expect("it is there")
}

#[test]
fn replies_wait_for_a_file_that_does_not_grow() {
    let disk = SimDisk::default();
    let mut rig = rig(&disk, Fsync::Always).expect("the disk works");
    rig.writer.tools.fill_bytes = 10_000;
    rig.append("<first>");
    rig.writer.round(false).expect("the disk works");
    let filled = increment(&disk).len();
    for number in 0..100 {
        rig.append(&format!("<{number}>"));
        rig.writer.round(false).expect("the disk works");
        assert_eq!(increment(&disk).len(), filled, "{number}");
        assert!(rig.control.current_bytes() < 400 + 128 * number as u64);
    }
    assert_eq!(rig.log.durable(), rig.log.end());
    let (running, control) = (rig.appended.clone(), rig.control);
    assert_eq!(recovered(&disk), Some(running.clone()));
    control.stop(rig.log);
    let thread = start(rig.writer).expect("there is room for a thread");
    thread.join().expect("it ends").expect("the disk works");
    assert!(increment(&disk).len() < filled, "no filler is left");
    assert_eq!(increment(&disk).len() as u64, control.current_bytes());
    assert_eq!(recovered(&disk.after_power_cut(1)), Some(running));
}

/// Another policy, or more at once than a parcel holds, or no room for filler: plain commands follow, and then parcels again.
#[test]
fn plain_commands_and_parcels_follow_each_other() {
    for seed in 0..8 {
        let disk = SimDisk::default();
        let mut rig = rig(&disk, Fsync::EverySecond).expect("the disk works");
        let set = |rig: &Rig, fsync| {
            rig.control.set(Settings {
                fsync,
                ..Settings::default()
            });
        };
        let step = |rig: &mut Rig, text: &str| {
            rig.append(text);
            rig.writer.round(false).expect("the disk works");
            assert_eq!(recovered(&rig.disk).as_ref(), Some(&rig.appended));
        };
        step(&mut rig, "<plain>");
        set(&rig, Fsync::Always);
        step(&mut rig, "<parcel>");
        step(&mut rig, &"x".repeat(MAX_PARCEL_BYTES));
        step(&mut rig, "<parcel>");
        let used = disk.content(place().manifest()).unwrap().len() + increment(&disk).len();
        // Room for what is written plain, once the filler is cut off, and not for more filler.
        disk.set_capacity(used + 450);
        step(&mut rig, "<in the filler>");
        step(&mut rig, &"y".repeat(400));
        disk.mend();
        step(&mut rig, "<parcel>");
        set(&rig, Fsync::Never);
        step(&mut rig, "<plain>");
        set(&rig, Fsync::Always);
        step(&mut rig, "<parcel>");
        assert_eq!(rig.log.durable(), rig.log.end());
        let found = recovered(&disk.after_power_cut(seed));
        assert_eq!(found, Some(rig.appended));
    }
}

#[test]
fn a_value_is_never_taken_for_the_end_of_what_was_filled_ahead() {
    let mark = format!("{}#ME{}\n", "x".repeat(1024), "#".repeat(60));
    let cases = (10..74).flat_map(|shift| (0..16).map(move |seed| (shift, seed)));
    for ((shift, seed), call) in cases.flat_map(|case| (1..8).map(move |call| (case, call))) {
        let disk = SimDisk::default();
        let mut rig = rig(&disk, Fsync::Always).expect("the disk works");
        rig.append("<before>");
        rig.writer.round(false).expect("the disk works");
        let durable = rig.appended.len();
        // What ends the value ends the command in it, too.
        let evil = format!("*2\r\n$4\r\nEVIL\r\n${shift}\r\n{}", "x".repeat(shift));
        rig.append(&format!("{mark}{evil}"));
        disk.fail_at(disk.calls() + call, Fault::Dead);
        let _ = rig.writer.round(false);
        let context = format!("shift {shift}, seed {seed}, call {call}");
        let found = read(&disk.after_power_cut(seed));
        let found = found.unwrap_or_else(|failure| panic!("{context}: {failure}"));
        let found = found.expect("it began");
        assert!(found.len() >= durable, "{context}");
        assert!(rig.appended.starts_with(&found), "{context}");
    }
}
