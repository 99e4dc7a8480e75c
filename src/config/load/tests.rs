//! What is taken from files, standard input and the command line, and what is refused.

use super::*;

fn invoke(arguments: &[&str], stdin: &str) -> Result<Invocation, String> {
    parse_arguments(arguments.iter().map(OsString::from), &mut stdin.as_bytes())
        .map_err(|error| error.to_string())
}

fn config(arguments: &[&str], stdin: &str) -> Config {
    match invoke(arguments, stdin) {
        Ok(Invocation::Serve(config)) => *config,
        other => panic!("{arguments:?}: {other:?}"),
    }
}

fn refusal(arguments: &[&str], stdin: &str) -> String {
    invoke(arguments, stdin).expect_err("a refusal")
}

/// A directory of its own for each test, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("millstream-load-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_command_line_as_redis_takes_it() {
    assert_eq!(config(&[], ""), Config::default());
    assert_eq!(config(&["--port", "0", "--port", "7777"], "").port, 7777);
    assert_eq!(config(&["--port 7777", "--hz 20"], "").port, 7777);
    assert_eq!(config(&["--PORT", "7777"], "").port, 7777);
    assert_eq!(
        config(&["--bind", "127.0.0.1", "::1", "--port", "1"], "").bind,
        ["127.0.0.1", "::1"]
    );
    assert_eq!(
        config(&["--bind", "127.0.0.1 ::1"], "").bind,
        ["127.0.0.1", "::1"]
    );
    assert_eq!(
        config(&["--slowlog-log-slower-than", "-1"], "").slowlog_log_slower_than_us,
        -1
    );
    assert_eq!(
        config(&["--requirepass", "--port"], "").requirepass,
        "--port"
    );
    assert_eq!(config(&["--dir", "a b"], "").dir, "a b");
    for save in [
        &["--save", ""][..],
        &["--save"],
        &["--save", "--port", "1"],
        &["--save", "''", "--port", "1"],
    ] {
        assert_eq!(config(save, "").save, [], "{save:?}");
    }
}

#[test]
fn save_points_add_up() {
    let shown = |arguments: &[&str], stdin: &str| config(arguments, stdin).shown("save");
    assert_eq!(shown(&[], ""), "3600 1 300 100 60 10000");
    assert_eq!(
        shown(&["--save", "60", "1", "--save", "5 2"], ""),
        "60 1 5 2"
    );
    assert_eq!(
        shown(&["-", "--save", "5 2"], "save 60 1\nsave 70 0"),
        "60 1 70 0 5 2"
    );
    assert_eq!(shown(&["-", "--save", ""], "save 60 1"), "");
    assert_eq!(
        shown(&["-", "--save", "5 2"], "save 60 1\nsave \"\""),
        "5 2"
    );
}

#[test]
fn standard_input_stands_first_or_last() {
    assert_eq!(config(&["-"], "port 1\n").port, 1);
    assert_eq!(config(&["--hz", "20", "-"], "port 1").port, 1);
    assert_eq!(config(&["-", "--port", "2"], "port 1").port, 2);
}

#[test]
fn version_and_help() {
    assert!(matches!(invoke(&["-v"], ""), Ok(Invocation::Version)));
    assert!(matches!(
        invoke(&["--version"], ""),
        Ok(Invocation::Version)
    ));
    assert!(matches!(invoke(&["-h"], ""), Ok(Invocation::Help)));
}

#[test]
fn a_file_then_the_command_line() {
    let scratch = Scratch::new("file");
    let inner = scratch.write("inner.conf", "hz 50\n");
    let text = format!(
        "# caf\u{e9}\r\n\n  PORT   7000  \r\nsave \"\"\nsave ''\ninclude {inner}\ntimeout \"5\""
    );
    let outer = scratch.write("outer.conf", &text);
    let config = config(&[&outer, "--timeout", "6"], "");
    assert_eq!((config.port, config.hz, config.timeout_s), (7000, 50, 6));
    assert_eq!(config.file, Some(PathBuf::from(outer)));
}

#[test]
fn include_takes_globs() {
    let scratch = Scratch::new("glob");
    scratch.write("2.conf", "hz 20");
    scratch.write("1.conf", "hz 10\nport 1");
    let outer = scratch.write(
        "outer",
        &format!("include {0}/*.conf {0}/*.none", scratch.0.display()),
    );
    let config = config(&[&outer], "");
    assert_eq!((config.hz, config.port), (20, 1));
}

#[test]
fn a_glob_without_a_folder_is_looked_for_here() {
    let here = included_paths(Path::new("Cargo.to[m]l"));
    assert_eq!(here, [Path::new("./Cargo.toml")]);
}

#[test]
fn repeated_limits_add_up() {
    let text = "client-output-buffer-limit normal 1mb 0 0\nclient-output-buffer-limit pubsub 2mb 1mb 5 replica 0 0 0";
    let limits = config(&["-"], text).client_output_buffer_limit;
    assert_eq!(
        (
            limits.normal.hard_bytes,
            limits.pubsub.soft_s,
            limits.replica.soft_s
        ),
        (1 << 20, 5, 0)
    );
}

#[test]
fn a_refusal_names_place_line_and_remedy() {
    let scratch = Scratch::new("refusal");
    let file = scratch.write("bad.conf", "port 1\nprot 2\n");
    assert_eq!(
        refusal(&[&file], ""),
        format!("{file}, line 2: prot 2\n  unknown directive 'prot': did you mean 'port'?")
    );
    let outer = scratch.write("outer.conf", &format!("\ninclude {file}"));
    assert!(refusal(&[&outer], "").starts_with(&format!("{file}, line 2")));
    let loops = scratch.write(
        "loop.conf",
        &format!("include {}/loop.conf", scratch.0.display()),
    );
    assert!(refusal(&[&loops], "").contains("include each other"));
    let missing = scratch.write("missing.conf", "include /nowhere/at/all");
    assert!(refusal(&[&missing], "").contains("line 1: include /nowhere/at/all\n  cannot read"));
    assert!(refusal(&["/nowhere/at/all"], "").contains("cannot read this configuration file"));
    assert!(refusal(&["port", "7000"], "").ends_with("; did you mean '--port'?"));
    for (line, expected) in [
        (
            "port x",
            "argument couldn't be parsed into an integer ('port' takes a number, 0 to 65535)",
        ),
        (
            "port 70000",
            "argument must be between 0 and 65535 inclusive",
        ),
        ("port", "wrong number of arguments"),
        ("port 1 2", "wrong number of arguments"),
        (
            "loglevel loud",
            "must be one of the following: debug, verbose",
        ),
        ("save 60", "Invalid save parameters"),
        ("save 0 1", "Invalid save parameters"),
        (
            "dbfilename a/b",
            "dbfilename can't be a path, just a filename",
        ),
        ("cluster-enabled yes", "'cluster-enabled' can only be 'no'"),
        ("port \"1", "quotes are not balanced"),
        ("frobnicate 1", "conf/millstream.conf lists the known ones"),
        ("include", "takes the path of a file"),
    ] {
        let refusal = refusal(&["-"], line);
        assert!(
            refusal.starts_with(&format!("standard input, line 1: {line}\n")),
            "{refusal}"
        );
        assert!(refusal.contains(expected), "{refusal}");
    }
    assert!(refusal(&["--prot", "a b"], "").starts_with("command line: --prot \"a b\"\n"));
    assert!(refusal(&["--port"], "").contains("wrong number of arguments"));
}

#[test]
fn distance_between_names() {
    assert_eq!(edit_distance("prot", "port"), 2);
    assert_eq!(edit_distance("maxclient", "maxclients"), 1);
    assert_eq!(edit_distance("", "abc"), 3);
}
