//! The configuration as a running server takes, tells, changes and keeps it.

mod common;

use common::Server;
use std::process::{Command, Stdio};

fn run(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    use std::io::Write;
    let mut process = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is built");
    let mut stdin = process.stdin.take().expect("it is piped");
    stdin
        .write_all(input.as_bytes())
        .expect("the program reads or ends");
    drop(stdin);
    let output = process.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints UTF-8");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn version_and_help_need_no_server() {
    let (code, out, _) = run(&["-v"], "");
    assert_eq!((code, out.lines().count()), (Some(0), 1));
    assert!(out.contains(" v=8.2.3 "), "{out}");
    assert_eq!(run(&["--version"], "").1, out);
    assert!(run(&["--help"], "").1.starts_with("Usage: millstream "));
}

#[test]
fn a_bad_line_stops_the_start_and_says_where() {
    let (code, _, errors) = run(&["-"], "port 0\nprot 1\n");
    assert_eq!(code, Some(1));
    assert!(
        errors.contains("standard input, line 2: prot 1"),
        "{errors}"
    );
    assert!(errors.contains("did you mean 'port'?"), "{errors}");
    let (code, _, errors) = run(&["-"], "port 0\nuser\n");
    assert_eq!(code, Some(1));
    assert!(errors.contains("standard input, line 2: user"), "{errors}");
    for (line, problem) in [
        (
            "rename-command nosuch x",
            "No such command in rename-command",
        ),
        (
            "rename-command get set",
            "Target command name already exists",
        ),
        ("user ann +nosuch", "user 'ann': '+nosuch': Unknown command"),
        ("aclfile /nowhere/at/all", "opening file '/nowhere/at/all'"),
    ] {
        let dir = std::env::temp_dir().join(format!("millstream-lines-{}", std::process::id()));
        let input = format!("port 0\nunixsocket s\ndir {}\n{line}\n", dir.display());
        let (code, out, errors) = run(&["-"], &input);
        std::fs::remove_dir_all(&dir).expect("it was made");
        assert_eq!(code, Some(1), "{line}");
        assert!((out + &errors).contains(problem), "{line}: {errors}");
    }
    let (code, _, errors) = run(&["--cluster-enabled", "yes"], "");
    assert_eq!(code, Some(1));
    assert!(
        errors.contains("command line: --cluster-enabled yes"),
        "{errors}"
    );
    assert!(
        errors.contains("'cluster-enabled' can only be 'no'"),
        "{errors}"
    );
}

#[test]
fn what_names_commands_of_redis_that_are_not_here_starts() {
    let renamed = "--rename-command MIGRATE gone --rename-command PSYNC hidden";
    let user = "--user app on nopass ~* +@all -migrate -client|tracking";
    let inert = "--replicaof no one --activedefrag yes";
    let arguments = [renamed, user, inert].join(" ");
    let server = Server::start(&arguments.split(' ').collect::<Vec<_>>());
    let mut client = server.connect();
    assert_eq!(client.call("ACL SETUSER app +pfadd -failover"), "+OK");
    assert_eq!(client.call("AUTH app any"), "+OK");
    assert_eq!(client.call("SET k v"), "+OK");
    assert!(client.call("MIGRATE").starts_with("-ERR unknown command"));
    assert_eq!(client.call("CONFIG GET replicaof"), "*2 $9 replicaof $0");
}

#[test]
fn changes_are_obeyed_by_every_core() {
    let server = Server::start(&["--threads", "4"]);
    let mut clients: Vec<_> = (0..8).map(|_| server.connect()).collect();
    assert_eq!(
        clients[0].call("CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 100"),
        "+OK"
    );
    for client in &mut clients {
        assert_eq!(
            client.call("CONFIG GET slowlog-log-slower-than"),
            "*2 $23 slowlog-log-slower-than $1 0"
        );
    }
    clients[0].call("SLOWLOG RESET");
    for client in &mut clients {
        client.call("PING");
    }
    let logged = clients[0].call("SLOWLOG LEN");
    assert_eq!(logged, ":9", "RESET itself and a PING on each connection");
}

#[test]
fn a_password_set_at_run_time_binds_new_connections() {
    let server = Server::start(&["--threads", "2"]);
    let (mut old, mut other) = (server.connect(), server.connect());
    assert_eq!(other.call("PING"), "+PONG");
    assert_eq!(old.call("CONFIG SET requirepass secret"), "+OK");
    assert_eq!(other.call("PING"), "+PONG");
    let mut new = server.connect();
    assert_eq!(new.call("PING"), "-NOAUTH Authentication required.");
    assert_eq!(
        new.call("AUTH wrong"),
        "-WRONGPASS invalid username-password pair or user is disabled."
    );
    assert_eq!(new.call("AUTH secret"), "+OK");
    assert_eq!(old.call("CONFIG SET requirepass "), "+OK");
    assert_eq!(server.connect().call("PING"), "+PONG");
}

#[test]
fn a_rewritten_file_starts_the_same_server() {
    let path = std::env::temp_dir().join(format!("millstream-config-{}.conf", std::process::id()));
    std::fs::write(&path, "# mine\nhz 20\nthreads 1\n")
        .expect("the temporary directory is writable");
    let file = path.display().to_string();
    {
        let server = Server::start_with_file(&file, &["--timeout", "60"]);
        let mut client = server.connect();
        client.call("CONFIG SET hz 30 notify-keyspace-events KEA");
        assert_eq!(client.call("CONFIG REWRITE"), "+OK");
    }
    let text = std::fs::read_to_string(&path).expect("it was rewritten");
    assert!(text.starts_with("# mine\nhz 30\nthreads 1\n"), "{text}");
    assert!(
        text.contains("\nnotify-keyspace-events AKE\n") && text.contains("\ntimeout 60\n"),
        "{text}"
    );
    {
        let server = Server::start_with_file(&file, &[]);
        let mut client = server.connect();
        assert_eq!(client.call("CONFIG GET timeout"), "*2 $7 timeout $2 60");
        assert_eq!(client.call("CONFIG GET hz"), "*2 $2 hz $2 30");
    }
    std::fs::remove_file(&path).expect("it is there");
    let server = Server::start(&[]);
    assert_eq!(
        server.connect().call("CONFIG REWRITE"),
        "-ERR The server is running without a config file"
    );
}

#[test]
fn systemd_is_told_when_the_server_is_ready_and_when_it_stops() {
    let path = std::env::temp_dir().join(format!("millstream-notify-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let manager = std::os::unix::net::UnixDatagram::bind(&path).expect("the name is free");
    manager
        .set_read_timeout(Some(std::time::Duration::from_secs(10)))
        .expect("not zero");
    let heard = || {
        let mut buffer = [0; 256];
        let n = manager.recv(&mut buffer).expect("the server tells");
        String::from_utf8_lossy(&buffer[..n]).into_owned()
    };
    let mut server = Server::start_with_environment(
        "NOTIFY_SOCKET",
        &path.display().to_string(),
        &["--supervised", "systemd", "--threads", "1"],
    );
    assert!(heard().starts_with("READY=1\n"));
    assert_eq!(server.terminate(), Some(0));
    assert!(heard().starts_with("STOPPING=1\n"));
    std::fs::remove_file(&path).expect("it is there");
}

/// Every line counts as in Redis, or the start would say which does not.
#[test]
fn the_directives_of_redis_are_known() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/redis-8.2.3.conf");
    let server = Server::start_exactly(&[file]);
    let mut client = server.connect();
    let text = std::fs::read_to_string(file).expect("it is part of the project");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut count = 0;
    for line in lines {
        let (name, value) = line.split_once(' ').expect("a name and a value");
        let value = value.trim_matches('"');
        assert_eq!(
            client.call(&format!("CONFIG GET {name}")),
            format!("*2 ${} {name} ${} {value}", name.len(), value.len()).trim_end()
        );
        count += 1;
    }
    assert!(count > 190, "{count}");
}

/// How often each of two notices stands in the log: of the start, and of the stop.
fn notices(level: &str, changed_to: Option<&str>) -> (usize, usize) {
    let name = format!(
        "millstream-log-{}-{level}-{changed_to:?}",
        std::process::id()
    );
    let path = std::env::temp_dir().join(name);
    let file = path.display().to_string();
    let mut server = Server::start(&["--logfile", &file, "--loglevel", level, "--threads", "2"]);
    if let Some(level) = changed_to {
        let set = format!("CONFIG SET loglevel {level}");
        assert_eq!(server.connect().call(&set), "+OK");
    }
    assert_eq!(server.terminate(), Some(0));
    let text = std::fs::read_to_string(&path).expect("the log is written");
    std::fs::remove_file(&path).expect("it is there");
    (
        text.matches("ready").count(),
        text.matches("stopped").count(),
    )
}

#[test]
fn the_log_follows_its_level() {
    assert_eq!(notices("notice", None), (1, 1));
    assert_eq!(notices("warning", None), (0, 0));
    assert_eq!(notices("warning", Some("notice")), (0, 1));
    assert_eq!(notices("notice", Some("nothing")), (1, 0));
}

#[test]
fn more_clients_than_the_system_allows_are_refused() {
    let server = Server::start(&["--threads", "1"]);
    let mut client = server.connect();
    let refusal = client.call("CONFIG SET maxclients 4000000000");
    assert!(
        refusal.contains(
            "The operating system is not able to handle the specified number of clients, try with "
        ),
        "{refusal}"
    );
    assert_eq!(
        client.call("CONFIG GET maxclients"),
        "*2 $10 maxclients $5 10000"
    );
}
