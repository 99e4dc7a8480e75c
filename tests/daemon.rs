//! The server in the background: what its starter tells, what the daemon keeps, and what it lets go of.

mod common;

use common::{Client, Server, free_port};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a process may take to end before a test fails.
const END_TIMEOUT: Duration = Duration::from_secs(20);

/// A directory of its own for each test; a daemon whose pidfile is still in it at the end is killed.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path =
            std::env::temp_dir().join(format!("millstream-daemon-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("the temporary directory is writable");
        Scratch(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }

    fn pid(&self) -> String {
        self.read("pid").trim().into()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.pid().is_empty() {
            signal("KILL", &self.pid());
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn signal(name: &str, pid: &str) {
    let kill = Command::new("kill").args(["-s", name, pid]).output();
    assert!(kill.expect("kill runs").status.success(), "{name} {pid}");
}

/// Runs the starter to its end, and to the end of its output, which a daemon that held on to it would keep open.
fn start(arguments: &[&str], input: &str) -> Output {
    let mut starter = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(arguments)
        .env_remove("NOTIFY_SOCKET")
        .env_remove("UPSTART_JOB")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is built");
    let mut stdin = starter.stdin.take().expect("it is piped");
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    starter.wait_with_output().expect("it ends")
}

fn assert_silent_success(output: &Output) {
    let text = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(
        (output.status.code(), text.0, text.1),
        (Some(0), "".into(), "".into())
    );
}

fn assert_failure(output: &Output, reason: &str) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.starts_with("millstream: ") && errors.contains(reason),
        "{errors}"
    );
}

/// Waits until a process is gone, or has only not been asked yet how it ended.
fn await_end(pid: &str) {
    let deadline = Instant::now() + END_TIMEOUT;
    while stat(pid, 3).is_some_and(|state| state != "Z") {
        assert!(Instant::now() < deadline, "{pid} does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A field of /proc/PID/stat behind the name, counted as its manual does; None if the process is gone.
fn stat(pid: &str, field: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(field - 3).map(str::to_owned)
}

#[test]
fn a_daemon_serves_when_its_starter_is_done_and_holds_on_to_nothing() {
    let scratch = Scratch::new("serves");
    let port = free_port();
    let output = start(
        &[
            "--port",
            &port.to_string(),
            "--daemonize",
            "yes",
            "--save",
            "",
            "--appendonly",
            "no",
            "--logfile",
            "log",
            "--pidfile",
            "pid",
            "--unixsocket",
            "socket",
            "--dir",
            &scratch.path(""),
            "--loglevel",
            "notice",
            "--protected-mode",
            "no",
            "--threads",
            "2",
        ],
        "",
    );
    assert_silent_success(&output);
    let pid = scratch.pid();
    let mut client = Client::connect(port);
    assert_eq!(client.info("process_id").to_string(), pid);
    assert_eq!(
        client.call("CONFIG GET daemonize"),
        "*2 $9 daemonize $3 yes"
    );
    assert_eq!(client.call("CONFIG GET pidfile"), "*2 $7 pidfile $3 pid");
    assert_eq!(client.call("CONFIG GET logfile"), "*2 $7 logfile $3 log");
    assert!(
        client
            .call("INFO server")
            .contains(" process_supervised:no ")
    );

    let (session, terminal) = (stat(&pid, 6), stat(&pid, 7));
    assert_eq!((session, terminal), (Some(pid.clone()), Some("0".into())));
    for descriptor in 0..3 {
        let target = fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).expect("it is open");
        assert_eq!(target, Path::new("/dev/null"));
    }
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).expect("the process lives");
    assert!(arguments.windows(9).any(|words| words == b"daemonize"));

    signal("HUP", &pid);
    assert_eq!(client.call("PING"), "+PONG");
    signal("TERM", &pid);
    await_end(&pid);
    assert_eq!(scratch.pid(), "");
    assert!(!scratch.0.join("socket").exists());
    let log = scratch.read("log");
    assert!(log.contains("ready") && log.contains("stopped"), "{log}");
}

/// What can be read only once is not asked for twice.
#[test]
fn the_configuration_may_come_from_standard_input_and_from_pipes() {
    let scratch = Scratch::new("pipes");
    let fifo = scratch.path("conf");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .expect("mkfifo runs")
            .success()
    );
    let text = format!("requirepass \"a b\"\npidfile {}\n", scratch.path("pid"));
    let path = fifo.clone();
    let writer = std::thread::spawn(move || fs::write(path, text));
    let port = free_port();
    let input = format!("port {port}\ntimeout 77\n# of no weight\ndaemonize yes\n");
    let output = start(
        &[&fifo, "--hz", "20", "--dir", &scratch.path(""), "-"],
        &input,
    );
    writer
        .join()
        .expect("it does not panic")
        .expect("the starter reads");
    assert_silent_success(&output);
    let mut client = Client::connect(port);
    assert_eq!(client.call("PING"), "-NOAUTH Authentication required.");
    assert_eq!(client.call_args(&[b"AUTH", b"a b"]), "+OK");
    assert_eq!(client.call("CONFIG GET timeout"), "*2 $7 timeout $2 77");
    assert_eq!(client.call("CONFIG GET hz"), "*2 $2 hz $2 20");
    assert!(
        client
            .call("INFO server")
            .contains(&format!(" config_file:{fifo} "))
    );
}

#[test]
fn a_start_that_fails_is_told_where_it_was_asked_for() {
    let scratch = Scratch::new("fails");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let common = [
        "--daemonize",
        "yes",
        "--dir",
        &scratch.path(""),
        "--pidfile",
        "pid",
    ];
    let with = |more: &[&str]| start(&[&common[..], more].concat(), "");

    let reason = format!("cannot listen on 127.0.0.1:{port}: Address already in use");
    assert_failure(&with(&["--port", &port]), &reason);
    assert_failure(&with(&["--port", &port, "--logfile", "log"]), &reason);
    assert!(scratch.read("log").contains(&reason));
    assert!(
        !scratch.0.join("pid").exists(),
        "a pidfile is of a server that serves"
    );
    assert_failure(
        &with(&["--logfile", "/nowhere/at/all"]),
        "cannot log to /nowhere/at/all",
    );
    assert_failure(&with(&["--prot", "1"]), "did you mean 'port'?");
    let file = scratch.path("log");
    assert_failure(
        &start(
            &["--daemonize", "yes", "--dir", &format!("{file}/below")],
            "",
        ),
        "cannot use the directory",
    );
}

#[test]
fn a_pidfile_that_cannot_be_written_is_no_reason_not_to_serve() {
    let scratch = Scratch::new("pidfile");
    let port = free_port().to_string();
    let (dir, log) = (scratch.path(""), scratch.path("log"));
    let arguments = [
        "--daemonize",
        "yes",
        "--port",
        &port,
        "--dir",
        &dir,
        "--pidfile",
        "/nowhere/at/all",
        "--logfile",
        &log,
    ];
    assert_silent_success(&start(&arguments, ""));
    let mut client = Client::connect(port.parse().expect("it was a number"));
    let pid = client.info("process_id").to_string();
    assert!(
        scratch
            .read("log")
            .contains("cannot write the pidfile /nowhere/at/all")
    );
    client.send("SHUTDOWN NOSAVE");
    assert!(client.is_closed());
    await_end(&pid);
}

#[test]
fn a_rewritten_file_starts_a_daemon_again() {
    let scratch = Scratch::new("rewrite");
    let (port, file) = (free_port(), scratch.path("conf"));
    let text = format!(
        "daemonize yes\nport {port}\ndir {}\npidfile pid\n",
        scratch.path("")
    );
    fs::write(&file, &text).expect("the directory is there");
    for hz in ["30", "40"] {
        assert_silent_success(&start(&[&file], ""));
        let mut client = Client::connect(port);
        assert_eq!(client.call(&format!("CONFIG SET hz {hz}")), "+OK");
        assert_eq!(client.call("CONFIG REWRITE"), "+OK");
        let rewritten = scratch.read("conf");
        assert!(rewritten.starts_with("daemonize yes\n"), "{rewritten}");
        assert!(rewritten.ends_with(&format!("\nhz {hz}\n")), "{rewritten}");
        let pid = scratch.pid();
        signal("TERM", &pid);
        await_end(&pid);
    }
}

#[test]
fn a_server_that_is_supervised_stays() {
    let scratch = Scratch::new("supervised");
    let socket = scratch.path("notify");
    let manager = std::os::unix::net::UnixDatagram::bind(&socket).expect("the name is free");
    for supervised in ["systemd", "auto"] {
        let log = scratch.path(supervised);
        let arguments = [
            "--daemonize",
            "yes",
            "--supervised",
            supervised,
            "--logfile",
            &log,
        ];
        let mut server = Server::start_with_environment("NOTIFY_SOCKET", &socket, &arguments);
        let mut client = server.connect();
        assert_eq!(client.info("process_id"), i64::from(server.pid()));
        assert!(
            client
                .call("INFO server")
                .contains(" process_supervised:systemd ")
        );
        assert!(scratch.read(supervised).contains("'daemonize' is ignored"));
        let mut message = [0; 64];
        let n = manager.recv(&mut message).expect("the server tells");
        assert!(message[..n].starts_with(b"READY=1\n"));
        assert_eq!(server.terminate(), Some(0));
        manager.recv(&mut message).expect("the server tells");
    }
}

/// What was configured for a service manager that is not there goes to the background.
#[test]
fn a_server_that_nobody_supervises_goes() {
    let scratch = Scratch::new("alone");
    for supervised in ["systemd", "auto", "upstart"] {
        let port = free_port();
        let (text, dir) = (port.to_string(), scratch.path(""));
        let arguments = [
            "--daemonize",
            "yes",
            "--supervised",
            supervised,
            "--port",
            &text,
            "--dir",
            &dir,
            "--pidfile",
            "pid",
        ];
        assert_silent_success(&start(&arguments, ""));
        assert!(
            Client::connect(port)
                .call("INFO server")
                .contains(" process_supervised:no ")
        );
        let pid = scratch.pid();
        signal("TERM", &pid);
        await_end(&pid);
    }
}

#[test]
fn a_log_that_was_moved_away_is_begun_anew() {
    let scratch = Scratch::new("rotation");
    let (log, old) = (scratch.path("log"), scratch.path("log.1"));
    let mut server = Server::start(&["--logfile", &log]);
    fs::rename(&log, &old).expect("the server has logged");
    assert_eq!(server.terminate(), Some(0));
    assert!(scratch.read("log.1").contains("ready") && !scratch.read("log.1").contains("stopped"));
    assert!(scratch.read("log").contains("stopped"));
}

#[test]
fn a_failure_is_told_beside_the_log() {
    let scratch = Scratch::new("beside");
    let output = start(&["--port", "0", "--logfile", &scratch.path("log")], "");
    assert_failure(&output, "nothing to listen on");
    assert!(scratch.read("log").contains("nothing to listen on"));
}
