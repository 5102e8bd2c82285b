//! `mapping check --watch` as a process: a person saves a file and reads what is new.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a line may take; only a failure waits as long.
const PATIENCE: Duration = Duration::from_secs(60);

struct Watch {
    child: Child,
    lines: Receiver<String>,
    folder: PathBuf,
}

impl Watch {
    /// Watches a copy of one force's mappings.
    fn start(name: &str, arguments: &[&str]) -> Watch {
        let folder = std::env::temp_dir().join(format!("watch-{name}-{}", std::process::id()));
        copy(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings/norfolk"),
            &folder.join("norfolk"),
        );
        let mut child = Command::new(env!("CARGO_BIN_EXE_cara-gateway"))
            .args(["mapping", "check", "--watch"])
            .args(arguments)
            .arg(&folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Watch { child, lines, folder }
    }

    /// The lines up to the one that holds this.
    fn until(&self, part: &str) -> Vec<String> {
        let mut read = Vec::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no line with {part:?} after {read:#?}"));
            let found = line.contains(part);
            read.push(line);
            if found {
                return read;
            }
        }
    }

    fn change(&self, file: &str, from: &str, to: &str) {
        let path = self.folder.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} holds {from}");
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// Ctrl-C; the exit code.
    fn stop(mut self) -> Option<i32> {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, Signal::SIGINT).unwrap();
        let code = self.child.wait().unwrap().code();
        std::fs::remove_dir_all(&self.folder).unwrap();
        code
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(path, target).unwrap();
        }
    }
}

#[test]
fn what_a_saved_file_changes_is_said_and_nothing_else() {
    let watch = Watch::start("words", &[]);
    let first = watch.until("nothing to mend in 3 mappings");
    assert_eq!(first.len(), 4, "{first:#?}");
    watch.change("norfolk/referral.toml", "risk.grade ", "risk.grad ");
    let slip = watch.until("to mend");
    assert!(slip.iter().any(|line| line.contains("did you mean: risk.grade")), "{slip:#?}");
    assert!(!slip.iter().any(|line| line.contains("notice.toml")), "{slip:#?}");
    watch.change("norfolk/referral.toml", "risk.grad ", "risk.grade ");
    let mended = watch.until("nothing to mend");
    assert_eq!(mended.len(), 2, "{mended:#?}");
    // An example is a file of the mapping as well.
    watch.change("norfolk/examples/full.txt", "DA2031", "DQ2031");
    watch.until("to mend");
    assert_eq!(watch.stop(), Some(1));
}

#[test]
fn as_json_every_look_is_one_line() {
    let watch = Watch::start("json", &["--format", "json"]);
    let look = |part: &str| -> serde_json::Value {
        let lines = watch.until(part);
        assert_eq!(lines.len(), 1, "{lines:#?}");
        serde_json::from_str(&lines[0]).unwrap()
    };
    assert_eq!(look("\"to_mend\":0")["mappings"].as_array().unwrap().len(), 3);
    watch.change("norfolk/decision.toml", "force ", "farce ");
    let slip = look("\"to_mend\":1");
    assert_eq!(slip["mappings"].as_array().unwrap().len(), 1, "{slip:#}");
    watch.change("norfolk/decision.toml", "farce ", "force ");
    look("\"to_mend\":0");
    assert_eq!(watch.stop(), Some(0));
}
