//! The harness of the integration tests: a server process of its own per test, and a client that shows raw replies.
//!
//! ```ignore
//! let server = Server::start(&["--threads", "2"]);
//! let mut client = server.connect();
//! assert_eq!(client.call("SET k v"), "+OK");
//! assert_eq!(client.call("GET k"), "$1 v");
//! ```
//!
//! A reply is shown as its frame with line ends as single spaces, the last one left out.
#![allow(dead_code, unused_imports)] // Each test file uses its own part.

mod random;
mod survival;

#[allow(unused_imports)] // Each test file uses its own part.
pub use random::Random;

use std::ffi::OsString;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a reply may take before a test fails.
const REPLY_TIMEOUT: Duration = Duration::from_secs(60);

/// A running server; it is killed when dropped.
pub struct Server {
    /// Its TCP port.
    pub port: u16,
    /// Its data directory.
    pub dir: PathBuf,
    process: Child,
    /// What it was started with; None if it was not started directly.
    words: Option<Vec<OsString>>,
    keeps_directory: bool,
    /// Its data is asked to survive restarts at its end, where that is asked for at all.
    pub must_survive: bool,
}

impl Server {
    /// Starts a server with further arguments, and waits until it answers.
    pub fn start(arguments: &[&str]) -> Server {
        Server::start_by(Command::new(env!("CARGO_BIN_EXE_millstream")), arguments)
    }

    /// The same with no directive but these, for tests that look at the others: its data is not asked to survive.
    pub fn start_exactly(arguments: &[&str]) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
        command.args(arguments);
        let mut server = Server::spawn(command, &[]);
        server.words = None;
        server
    }

    /// The same with a configuration file.
    pub fn start_with_file(file: &str, arguments: &[&str]) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
        command.arg(file);
        Server::start_by(command, arguments)
    }

    /// The same with a variable in its environment.
    pub fn start_with_environment(name: &str, value: &str, arguments: &[&str]) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
        command.env(name, value);
        Server::start_by(command, arguments)
    }

    /// Starts a server that may open only so many descriptors.
    pub fn start_with_descriptors(descriptors: usize, arguments: &[&str]) -> Server {
        let mut shell = Command::new("sh");
        shell
            .args([
                "-c",
                &format!("ulimit -n {descriptors}; exec \"$0\" \"$@\""),
            ])
            .arg(env!("CARGO_BIN_EXE_millstream"));
        Server::start_by(shell, arguments)
    }

    /// Starts a server by a command that passes its arguments on.
    pub fn start_by(command: Command, arguments: &[&str]) -> Server {
        match survival::is_wanted() {
            false => Server::spawn(command, arguments),
            true => Server::spawn(command, &[&survival::DIRECTIVES, arguments].concat()),
        }
    }

    fn spawn(mut command: Command, arguments: &[&str]) -> Server {
        let port = free_port();
        let dir = std::env::temp_dir().join(format!("millstream-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("the temporary directory is writable");
        command
            .args(["--port", &port.to_string(), "--dir"])
            .arg(&dir);
        let process = command
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .expect("the server starts");
        let is_direct = command.get_program() == env!("CARGO_BIN_EXE_millstream");
        let words = is_direct.then(|| command.get_args().map(OsString::from).collect());
        let server = Server {
            port,
            dir,
            process,
            words,
            keeps_directory: false,
            must_survive: true,
        };
        server.await_ready();
        server
    }

    /// Starts it again, after its end, with further arguments.
    pub fn start_again(&mut self, arguments: &[&str]) {
        let words = self.words.as_ref().expect("it was started directly");
        self.process = Command::new(env!("CARGO_BIN_EXE_millstream"))
            .args(words)
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .expect("the server starts");
        self.await_ready();
    }

    /// True when the process has ended.
    pub fn has_ended(&mut self) -> bool {
        let ended = self.process.try_wait().expect("the process is ours");
        ended.is_some()
    }

    /// Leaves the data directory behind.
    pub fn keep_directory(&mut self) {
        self.keeps_directory = true;
    }

    fn await_ready(&self) {
        let deadline = Instant::now() + REPLY_TIMEOUT;
        while !self.answers() {
            assert!(Instant::now() < deadline, "the server does not answer");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// True once the server answers; it has forgotten the connection that asked.
    fn answers(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok_and(|mut stream| {
            let mut reply = Vec::new();
            let asked = stream.write_all(b"PING\r\nQUIT\r\n");
            asked.is_ok()
                && stream.read_to_end(&mut reply).is_ok()
                && !reply.starts_with(b"-LOADING")
        })
    }

    /// A new connection.
    pub fn connect(&self) -> Client {
        Client::connect(self.port)
    }

    /// Resident memory, bytes.
    pub fn resident_bytes(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()))
            .expect("the process lives");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
        kilobytes.expect("the kernel tells VmRSS in kB") * 1024
    }

    /// Processor time of all its threads so far, in hundredths of a second.
    pub fn cpu_ticks(&self) -> u64 {
        let path = format!("/proc/{}/stat", self.pid());
        let stat = std::fs::read_to_string(path).expect("it runs");
        // Behind the name, which stands in brackets, are numbers; the first here is the third of proc(5).
        let numbers = stat.rsplit(')').next().expect("there is one");
        let times = numbers.split_ascii_whitespace().skip(11).take(2);
        times
            .map(|time| time.parse::<u64>().expect("a number"))
            .sum()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Asks the process to stop by SIGTERM and returns its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        let pid = self.process.id().to_string();
        Command::new("kill").arg(pid).status().expect("kill runs");
        self.await_exit()
    }

    /// Ends the process at once, by SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill().expect("the process is ours");
        self.process.wait().expect("the process is ours");
    }

    /// Waits until so many clients are blocked.
    pub fn await_blocked(&self, clients: i64) {
        self.connect().await_info("blocked_clients", clients);
    }

    /// Waits until the process has ended by itself and returns its exit code.
    pub fn await_exit(&mut self) -> Option<i32> {
        self.process.wait().expect("the process is ours").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let cleanup = Cleanup(self);
        let is_asked = survival::is_wanted() && cleanup.0.must_survive;
        if is_asked && cleanup.0.words.is_some() && !std::thread::panicking() {
            survival::check(cleanup.0);
        }
    }
}

/// Ends a server's process, whatever becomes of the last look at it.
struct Cleanup<'a>(&'a mut Server);

impl Drop for Cleanup<'_> {
    fn drop(&mut self) {
        let _ = self.0.process.kill();
        let _ = self.0.process.wait();
        if !self.0.keeps_directory {
            let _ = std::fs::remove_dir_all(&self.0.dir);
        }
    }
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("there is a free port")
        .port()
}

/// A raw connection.
pub struct Client {
    /// The socket.
    pub stream: TcpStream,
    received: Vec<u8>,
}

impl Client {
    /// A connection to whatever listens on a port.
    pub fn connect(port: u16) -> Client {
        Client::try_connect(port).expect("the server accepts")
    }

    /// The same; None if nothing listens there.
    pub fn try_connect(port: u16) -> Option<Client> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream
            .set_nodelay(true)
            .expect("a fresh socket takes options");
        Some(Client {
            stream,
            received: Vec::new(),
        })
    }

    /// Sends a command given as words separated by blanks.
    pub fn send(&mut self, command: &str) {
        self.send_args(&command.split(' ').map(str::as_bytes).collect::<Vec<_>>());
    }

    /// Sends a command given as its arguments.
    pub fn send_args(&mut self, args: &[&[u8]]) {
        self.send_raw(&encode(args));
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// A figure of INFO.
    pub fn info(&mut self, field: &str) -> i64 {
        let text = self.call("INFO everything");
        let value = text
            .split_whitespace()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value
            .and_then(|value| value.parse().ok())
            .unwrap_or_else(|| panic!("INFO has no number called {field}"))
    }

    /// Waits until a figure of INFO has a value.
    pub fn await_info(&mut self, field: &str, value: i64) {
        let deadline = Instant::now() + REPLY_TIMEOUT;
        let mut now = self.info(field);
        while now != value {
            assert!(
                Instant::now() < deadline,
                "{field} stays at {now}, not {value}"
            );
            std::thread::sleep(Duration::from_millis(2));
            now = self.info(field);
        }
    }

    /// Closes the connection by a reset, as when a peer crashes.
    pub fn vanish(self) {
        socket2::SockRef::from(&self.stream)
            .set_linger(Some(Duration::ZERO))
            .expect("an open socket takes options");
    }

    /// Says that nothing more will be sent; replies are still received.
    pub fn close_sending(&self) {
        self.stream
            .shutdown(std::net::Shutdown::Write)
            .expect("an open socket closes");
    }

    /// The next so many bytes.
    pub fn receive_exactly(&mut self, bytes: usize) -> Vec<u8> {
        let deadline = Instant::now() + REPLY_TIMEOUT;
        while self.received.len() < bytes {
            assert!(self.receive_until(deadline), "nothing more comes");
        }
        self.received.drain(..bytes).collect()
    }

    /// Everything that comes until the server closes; None if it does not close in time.
    pub fn rest(&mut self) -> Option<Vec<u8>> {
        let deadline = Instant::now() + REPLY_TIMEOUT;
        while self.receive_until(deadline) {}
        (Instant::now() < deadline).then(|| std::mem::take(&mut self.received))
    }

    /// Sends a command and waits for its reply.
    pub fn call(&mut self, command: &str) -> String {
        self.send(command);
        self.reply()
    }

    /// Sends a command given as its arguments and waits for its reply.
    pub fn call_args(&mut self, args: &[&[u8]]) -> String {
        self.send_args(args);
        self.reply()
    }

    /// Sends a command and waits for its reply, which is returned with its line ends.
    pub fn raw_reply_of(&mut self, command: &str) -> String {
        self.send(command);
        String::from_utf8_lossy(&self.raw_reply()).into_owned()
    }

    /// The next reply or push.
    pub fn reply(&mut self) -> String {
        self.reply_within(REPLY_TIMEOUT)
            .expect("a reply comes in time")
    }

    /// The next reply, or None if none comes in time or the server has closed.
    pub fn reply_within(&mut self, timeout: Duration) -> Option<String> {
        let raw = self.raw_reply_within(timeout)?;
        let text = String::from_utf8_lossy(&raw).into_owned();
        Some(text.trim_end_matches("\r\n").replace("\r\n", " "))
    }

    /// The bytes of the next reply.
    pub fn raw_reply(&mut self) -> Vec<u8> {
        self.raw_reply_within(REPLY_TIMEOUT)
            .expect("a reply comes in time")
    }

    fn raw_reply_within(&mut self, timeout: Duration) -> Option<Vec<u8>> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(end) = frame_end(&self.received, 0) {
                return Some(self.received.drain(..end).collect());
            }
            if !self.receive_until(deadline) {
                return None;
            }
        }
    }

    /// True when no reply comes for `timeout`.
    pub fn is_silent_for(&mut self, timeout: Duration) -> bool {
        self.reply_within(timeout).is_none()
    }

    /// Its id, as CLIENT ID says it.
    pub fn id(&mut self) -> String {
        self.call("CLIENT ID").trim_start_matches(':').to_owned()
    }

    /// True when the server closes the connection within the usual time, having sent nothing more.
    pub fn is_closed(&mut self) -> bool {
        let deadline = Instant::now() + REPLY_TIMEOUT;
        while self.receive_until(deadline) {}
        Instant::now() < deadline && self.received.is_empty()
    }

    /// Receives something; false at the deadline or the end.
    fn receive_until(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        self.stream
            .set_read_timeout(Some(left))
            .expect("the timeout is not zero");
        let mut buffer = [0; 65536];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(n) => {
                self.received.extend_from_slice(&buffer[..n]);
                true
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => true,
            Err(_) => false,
        }
    }
}

/// A command as clients send it.
pub fn encode(args: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// Where the RESP2 or RESP3 frame that begins at `at` ends, once it is complete.
pub fn frame_end(bytes: &[u8], at: usize) -> Option<usize> {
    let line_end = at + bytes[at..].windows(2).position(|pair| pair == b"\r\n")?;
    let body = line_end + 2;
    let number = || -> i64 {
        std::str::from_utf8(&bytes[at + 1..line_end])
            .ok()
            .and_then(|text| text.parse().ok())
            .expect("a length is a number")
    };
    match bytes[at] {
        b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' => Some(body),
        b'$' | b'=' | b'!' => match number() {
            -1 => Some(body),
            len => Some(body + len as usize + 2).filter(|&end| end <= bytes.len()),
        },
        kind @ (b'*' | b'~' | b'>' | b'%') => {
            let elements = number().max(0) * if kind == b'%' { 2 } else { 1 };
            (0..elements).try_fold(body, |at, _| {
                (at < bytes.len()).then(|| frame_end(bytes, at)).flatten()
            })
        }
        other => panic!("{:?} begins no frame", char::from(other)),
    }
}
