//! The sandbox as a newcomer meets it: the command, what it prints, what it leaves behind.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use cara_sandbox::description::Description;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::patience::{Level, blocking};

const GATEWAY: &str = env!("CARGO_BIN_EXE_cara-gateway");
const SANDBOX: &str = env!("CARGO_BIN_EXE_cara-sandbox");

/// A broker's cold start on a busy machine.
const START_S_MAX: u64 = 150;

/// Whether a program's file has this text anywhere: its symbols have the names of their crates.
fn names(program: &str, text: &str) -> bool {
    let bytes = std::fs::read(program).unwrap();
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn the_gateway_holds_nothing_that_only_the_sandbox_needs() {
    for text in ["rcgen", "cara_sandbox"] {
        assert!(names(SANDBOX, text), "{text} is not seen where it is");
        assert!(!names(GATEWAY, text), "{text} is in the gateway");
    }
}

struct Sandbox {
    folder: PathBuf,
    child: Child,
}

impl Sandbox {
    fn start(name: &str, arguments: &[&str]) -> Sandbox {
        // A blank, so that a path which nobody quoted is found out.
        let folder = std::env::temp_dir().join(format!("cara {name} {}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let out = std::fs::File::create(folder.join("out")).unwrap();
        let child = Command::new(SANDBOX)
            .arg("--dir")
            .arg(&folder)
            .args(arguments)
            .env_remove("AMQP_URL")
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        Sandbox { folder, child }
    }

    fn said(&self) -> String {
        let mut text = String::new();
        std::fs::File::open(self.folder.join("out")).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    fn described(&mut self) -> Description {
        let file = self.folder.join("sandbox.json");
        eventually("the sandbox is described", || {
            assert!(self.child.try_wait().unwrap().is_none(), "it ended: {}", self.said());
            Description::read(&file).ok().filter(|_| self.said().contains("\ncurl "))
        })
    }

    fn tell(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(GATEWAY);
        command.args(arguments).arg("--config").arg(self.folder.join("gateway.toml"));
        command.output().unwrap()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

fn eventually<L: Level>(what: &str, look: impl FnMut() -> L) -> L::Reached {
    blocking(Duration::from_secs(START_S_MAX), what, look)
}

fn lives(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_sandbox_serves_what_it_prints_until_it_is_interrupted() {
    let mut sandbox = Sandbox::start("sandbox stays", &[]);
    let description = sandbox.described();
    let forces: Vec<_> = description.forces.iter().map(|(k, v)| (k.as_str(), &*v.code)).collect();
    let all = [
        ("avon-and-somerset", "52"),
        ("cambridgeshire", "35"),
        ("dorset", "55"),
        ("hampshire", "44"),
        ("leicestershire", "33"),
        ("norfolk", "36"),
        ("thames-valley", "43"),
        ("west-midlands", "20"),
        ("west-yorkshire", "13"),
    ];
    assert_eq!(forces, all);
    assert_eq!(description.providers.keys().collect::<Vec<_>>(), ["fenland", "harbour", "pennine"]);
    assert_eq!(description.providers["harbour"].queues.intake, "cara.intake.harbour");

    let said = sandbox.said();
    let curl = said.lines().find(|line| line.starts_with("curl ")).unwrap();
    let pasted = Command::new("sh").args(["-c", curl]).output().unwrap();
    let answer = text(&pasted.stdout);
    assert!(answer.contains(r#""status":"accepted""#), "{answer} {}", text(&pasted.stderr));

    a_force_with_nothing_but_curl(&sandbox, &description);

    let doctor = sandbox.command(&["doctor"]);
    assert!(doctor.status.success(), "{}", text(&doctor.stdout));
    let holds = sandbox.command(&["hold", "list"]);
    assert_eq!(text(&holds.stdout), "0 holds\n", "{}", text(&holds.stderr));
    let dead = sandbox.command(&["dead", "list"]);
    assert_eq!(text(&dead.stdout), "nothing is dead\n", "{}", text(&dead.stderr));

    sandbox.tell(Signal::SIGINT);
    assert!(sandbox.child.wait().unwrap().success(), "{}", sandbox.said());
    assert!(!lives(description.pids.gateway));
    assert!(!lives(description.pids.broker.unwrap()));
    let audit = sandbox.command(&["audit", "verify"]);
    assert!(audit.status.success(), "{}", text(&audit.stderr));
    let doctor = sandbox.command(&["doctor"]);
    let found = text(&doctor.stdout);
    assert!(
        !doctor.status.success() && found.contains("WRONG broker harbour: no broker answers"),
        "{found}"
    );
    // One line for each provider, since each has a virtual host of its own.
    assert_eq!(found.matches("WRONG broker ").count(), description.providers.len(), "{found}");
    assert_eq!(found.matches("WRONG").count(), description.providers.len(), "{found}");
}

/// What the README tells a supplier and a charity's developer, word for word: a record goes in, the
/// charity reports, the letter is fetched in the force's own format and taken over.
fn a_force_with_nothing_but_curl(sandbox: &Sandbox, description: &Description) {
    let force = &description.forces["leicestershire"];
    let curl = |arguments: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--include", "--cacert"]);
        command.arg(&description.ca).arg("--cert").arg(&force.cert).arg("--key").arg(&force.key);
        text(&command.args(arguments).output().unwrap().stdout)
    };
    let at = |path: &str| format!("{}{path}", description.api);
    let example = sandbox.folder.join("mappings/leicestershire/examples/full.csv");
    let body = format!("@{}", example.display());
    let records = at("/v1/records");
    let answer = curl(&["-H", "content-type: text/csv", "--data-binary", &body, &records]);
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert!(curl(&[&at("/v1/notices/next")]).starts_with("HTTP/1.1 204"));

    let intake = |arguments: &[&str]| {
        let ran = Command::new("/usr/bin/python3")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/charity/intake.py"))
            .args(["--url", &description.providers["harbour"].intake_url])
            .args(["--provider", "harbour", "--database"])
            .arg(sandbox.folder.join("intake.db"))
            .args(arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", text(&ran.stderr));
        text(&ran.stdout)
    };
    let mut arrived = String::new();
    let referral_id = eventually("Leicestershire's referral at the charity", || {
        arrived.push_str(&intake(&["run", "--idle", "0.5"]));
        arrived.lines().nth(1).map(|line| line.split(' ').next().unwrap_or_default().to_owned())
    });
    intake(&["report", &referral_id, "accepted"]);
    let letter = eventually("a letter", || {
        Some(curl(&[&at("/v1/notices/next")])).filter(|it| it.starts_with("HTTP/1.1 200"))
    });
    let (head, body) = letter.split_once("\r\n\r\n").unwrap();
    assert!(body.lines().count() == 2 && body.contains(';'), "{body}");
    let header = |line: &&str| line.to_lowercase().starts_with("notice-id: ");
    let notice_id = head.lines().find(header).unwrap().split_once(": ").unwrap().1;
    let acknowledge = at(&format!("/v1/notices/{notice_id}/acknowledge"));
    assert!(curl(&["-X", "POST", &acknowledge]).starts_with("HTTP/1.1 204"));
    assert!(curl(&[&at("/v1/notices/next")]).starts_with("HTTP/1.1 204"));
    let all = curl(&[&at("/v1/notices?after=0")]);
    assert!(all.contains("\"kind\":\"accepted\"") && all.contains("taken_over_at"), "{all}");
}

#[test]
fn traffic_ends_with_a_table_that_adds_up() {
    let mut sandbox = Sandbox::start("sandbox traffic", &["--traffic", "--seconds", "8"]);
    let ended = sandbox.child.wait().unwrap();
    let said = sandbox.said();
    assert!(ended.success() && said.contains("It adds up."), "{said}");
    assert!(said.contains("victim data seen on the offender queue = 0"), "{said}");
    for shape in [
        "avon-and-somerset xml",
        "cambridgeshire    xml",
        "dorset            xml",
        "hampshire         xml",
        "leicestershire    csv",
        "norfolk           plain",
        "thames-valley     xml",
        "west-midlands     json",
        "west-yorkshire    xml",
    ] {
        for what in [
            "a new case                   202 accepted",
            "the same body again          202 duplicate",
            "an amended case              202 accepted, revision 2",
            "a case without a birth date  422 held: V101",
            "a code that nobody listed    202 held: V201",
            "a body that breaks off       400 refused",
        ] {
            let line = format!("{shape:<23} {what}");
            assert!(said.contains(&line), "{line}\n{said}");
        }
    }
    // A second run on the same store counts what is its own.
    let mut again = Sandbox::start("sandbox traffic", &["--traffic", "--seconds", "4"]);
    let ended = again.child.wait().unwrap();
    assert!(ended.success() && again.said().contains("It adds up."), "{}", again.said());
}

#[test]
fn a_killed_sandbox_leaves_no_process_behind() {
    let mut sandbox = Sandbox::start("sandbox killed", &[]);
    let pids = sandbox.described().pids;
    sandbox.tell(Signal::SIGKILL);
    sandbox.child.wait().unwrap();
    eventually("gateway and broker are gone", || {
        (!lives(pids.gateway) && !lives(pids.broker.unwrap())).then_some(())
    });
}
